/* SPDX-License-Identifier: MIT */

/* Any bytes as /proc/PID/stat: refused, or a process whose numbers are possible and whose name ends
 * within its array. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ProcessInfo info;
        _cleanup_free_ char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';

        memset(&info, 0xa5, sizeof(info));
        if (proc_parse_stat(text, &info) < 0)
                return 0;
        if (info.pid <= 0 || info.ppid < 0 || info.pgrp < -1 || info.session < -1)
                abort();
        if (strnlen(info.comm, sizeof(info.comm)) == sizeof(info.comm))
                abort();
        if (!strstr(text, info.comm))
                abort();
        return 0;
}
