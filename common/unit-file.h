/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a setting comes from: which of a unit's files assigns it last. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

/* Whether a unit file's text assigns key (e.g. "TimeoutStopSec") in a section (e.g. "Service"),
 * honouring comments and line continuations. Pure.
 * Source: systemd.syntax(7). */
bool unit_file_assigns(const char *text, const char *section, const char *key);

/* The last of a unit's files (the fragment first, then the drop-ins in the order in which systemd
 * applies them) that assigns one of the keys. Files that cannot be read or are over 1 MiB are
 * passed over.
 *
 * files: NULL-terminated; keys: NULL-terminated.
 * Returns: a pointer into files; NULL: none of them. */
const char *unit_file_find_source(
        const char *const files[], const char *section, const char *const keys[]);
