/* SPDX-License-Identifier: MIT */

/* Lists of strings as libc's exec functions and systemd's replies have them: grown one string at a time,
 * freed whole. Short lists only: appending counts what is there. */

#include "strv.h"

#include <string.h>

size_t strv_length(char *const list[]) {
        size_t n = 0;

        while (list && list[n])
                n++;
        return n;
}

char **strv_free(char **list) {
        for (size_t i = 0; list && list[i]; i++)
                free(list[i]);
        free(list);
        return NULL;
}

int strv_extend(char ***list, const char *text) {
        size_t n = strv_length(*list);
        char **grown, *copy;

        assert(text);

        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        grown = reallocarray(*list, n + 2, sizeof(char *));
        if (!grown) {
                free(copy);
                return -ENOMEM;
        }
        grown[n] = copy;
        grown[n + 1] = NULL;
        *list = grown;
        return 0;
}

int strv_copy(char *const list[], char ***ret_copy) {
        _cleanup_strv_ char **copy = NULL;

        for (size_t i = 0; list && list[i]; i++)
                if (strv_extend(&copy, list[i]) < 0)
                        return -ENOMEM;
        *ret_copy = TAKE_PTR(copy);
        return 0;
}

bool strv_contains(char *const list[], const char *text) {
        for (size_t i = 0; list && list[i]; i++)
                if (strcmp(list[i], text) == 0)
                        return true;
        return false;
}
