/* SPDX-License-Identifier: MIT */
#pragma once

/* Secrets in command lines. What is recorded about other processes must not carry a password into
 * a log that more people may read than may read /proc: values of options whose name says secret
 * (--token=…, --password …, -p…), KEY=VALUE assignments of such names, credentials in URLs, bearer
 * strings. The option's own name stays, its value becomes "***". */

#include <stddef.h>

#include "cleanup.h"

typedef enum CmdlineMode {
        CMDLINE_REDACTED, /* the default */
        CMDLINE_FULL,
        CMDLINE_COMM, /* the program's base name alone */
        _CMDLINE_MODE_MAX,
        _CMDLINE_MODE_INVALID = -EINVAL,
} CmdlineMode;

const char *cmdline_mode_to_string(CmdlineMode mode);
CmdlineMode cmdline_mode_from_string(const char *name);

/* Joins an argument vector to one line as it may be recorded. Arguments with white space, quotes or
 * control characters are quoted so that the line reads back unambiguously; invalid UTF-8 becomes
 * U+FFFD. At most max_bytes, cut at a character with "…" at the end.
 *
 * Returns: malloc()ed text; NULL: out of memory. */
char *cmdline_join(const char *const argv[], CmdlineMode mode, size_t max_bytes) _warn_unused_;

/* The same for a raw /proc/PID/cmdline (arguments that end in NUL). */
char *cmdline_join_raw(
        const char *data, size_t size, CmdlineMode mode, size_t max_bytes) _warn_unused_;
