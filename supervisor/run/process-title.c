/* SPDX-License-Identifier: MIT */

/* The kernel shows what lies between the start of argv[0] and the end of the last argument. Only that
 * area is written to; the environment behind it stays whole, also for those who read
 * /proc/PID/environ. Moving the area (PR_SET_MM) would allow longer titles, at the price of parsing
 * /proc/self/stat on every start. */

#include <string.h>

#include "run/process-title.h"

void process_title_set(int argc, char *argv[], const char *title) {
        size_t size, length = strlen(title);

        if (argc < 1)
                return;
        size = (size_t) (argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
        if (length > size)
                length = size;
        memcpy(argv[0], title, length);
        memset(argv[0] + length, 0, size - length);
}
