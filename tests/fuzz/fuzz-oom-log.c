/* SPDX-License-Identifier: MIT */

/* Any bytes as a record of the kernel's log: nobody was killed, or a pid that is possible and that stands
 * in a record of the kernel's own facility. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forensics/oom-evidence.h"
#include "fuzz.h"

#define CHECK(condition)          \
        do {                      \
                if (!(condition)) \
                        abort();  \
        } while (false)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *record = malloc(size + 1);
        char words[64];
        pid_t pid;

        if (!record)
                return 0;
        if (size > 0)
                memcpy(record, data, size);
        record[size] = '\0';

        pid = oom_log_parse(record);
        CHECK(pid >= 0);
        if (pid == 0)
                return 0;
        CHECK(strtoul(record, NULL, 10) <= 7);
        CHECK(strstr(record, "ut of memory") && strstr(record, ": Killed process "));
        /* Leading zeros aside, which the kernel does not write. */
        (void) snprintf(words, sizeof(words), "%d ", (int) pid);
        CHECK(strstr(record, words));
        return 0;
}
