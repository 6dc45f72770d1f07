/* SPDX-License-Identifier: MIT */

/* Unit names: PREFIX[@[INSTANCE]].TYPE. Everything is found by position (the first "@", the last dot), so
 * that nothing is copied to ask; what builds a name returns a new one. Escapes (\x2d) are not undone:
 * systemd compares names as they are written. */

#include "unit-name.h"

#include <string.h>

#include "cgroup.h"

const char *unit_name_suffix(const char *name) {
        const char *dot = strrchr(name, '.');

        return dot ? dot : name + strlen(name);
}

bool unit_name_is_valid(const char *name) {
        static const char characters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@";
        static const char *const suffixes[] = { ".service", ".socket", ".device", ".mount",
                ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope" };

        assert(name);

        const char *suffix = unit_name_suffix(name);
        if (strlen(name) >= UNIT_NAME_MAX || suffix == name || *name == '@')
                return false;
        if (strspn(name, characters) != strlen(name))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
                if (strcmp(suffix, suffixes[i]) == 0)
                        return true;
        return false;
}

bool unit_name_is_template(const char *name) {
        const char *at = strchr(name, '@');

        return at && at + 1 == unit_name_suffix(name);
}

bool unit_name_is_instance(const char *name) {
        const char *at = strchr(name, '@');

        return at && at + 1 < unit_name_suffix(name);
}

char *unit_name_to_template(const char *name) {
        char *template;

        assert(name);

        if (!unit_name_is_instance(name))
                return NULL;
        int n = (int) (strchr(name, '@') + 1 - name);
        return asprintf(&template, "%.*s%s", n, name, unit_name_suffix(name)) < 0 ? NULL : template;
}

char *unit_name_for_instance(const char *name, const char *instance_name) {
        char *instance;

        if (!unit_name_is_template(name) || !unit_name_is_instance(instance_name))
                return strdup(name);

        const char *begin = strchr(instance_name, '@') + 1;
        int n = (int) (strchr(name, '@') + 1 - name);
        int n_instance = (int) (unit_name_suffix(instance_name) - begin);
        int r = asprintf(
                &instance, "%.*s%.*s%s", n, name, n_instance, begin, unit_name_suffix(name));
        return r < 0 ? NULL : instance;
}

int unit_name_shorten(const char *name, char **ret_shorter) {
        const char *suffix = unit_name_suffix(name);
        const char *rest = strchr(name, '@') ?: suffix;
        size_t n = (size_t) (rest - name);

        /* Of a prefix that ends in a dash the dash before that one. */
        if (n > 0 && name[n - 1] == '-')
                n--;
        const char *dash = memrchr(name, '-', n);
        if (!dash || dash == name)
                return 0;

        if (unit_name_is_template(name))
                rest = suffix;
        int r = asprintf(ret_shorter, "%.*s%s", (int) (dash + 1 - name), name, rest);
        return r < 0 ? -ENOMEM : 1;
}
