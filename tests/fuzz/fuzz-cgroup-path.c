/* SPDX-License-Identifier: MIT */

/* Any bytes as a cgroup path: no unit, or one that stands in the path, whose own path leads to the
 * same unit again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "fuzz.h"

#define CHECK(condition)          \
        do {                      \
                if (!(condition)) \
                        abort();  \
        } while (false)

static void check_unit(const char *path, const CgroupUnit *unit) {
        size_t length = strnlen(unit->unit_cgroup_path, sizeof(unit->unit_cgroup_path));

        CHECK(unit->unit[0] != '\0' && strlen(unit->unit) < UNIT_NAME_MAX);
        CHECK(length < sizeof(unit->unit_cgroup_path));
        CHECK(strncmp(path, unit->unit_cgroup_path, length) == 0);
        CHECK(length >= strlen(unit->unit));
        CHECK(strcmp(unit->unit_cgroup_path + length - strlen(unit->unit), unit->unit) == 0);
        CHECK((unit->manager == UNIT_MANAGER_USER) == (unit->owner_uid != (uid_t) -1));
        CHECK((unit->manager == UNIT_MANAGER_USER) == (unit->above[0] != '\0'));

        CgroupUnit again;
        CHECK(cgroup_path_to_unit(unit->unit_cgroup_path, &again) == 0);
        CHECK(again.manager == unit->manager && strcmp(again.unit, unit->unit) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CgroupUnit unit;
        _cleanup_free_ char *path = malloc(size + 1);

        if (!path)
                return 0;
        if (size > 0)
                memcpy(path, data, size);
        path[size] = '\0';

        int r = cgroup_path_to_unit(path, &unit);
        CHECK(r == 0 || r == -ENAMETOOLONG);
        if (r == 0 && unit.manager != UNIT_MANAGER_NONE)
                check_unit(path, &unit);
        return 0;
}
