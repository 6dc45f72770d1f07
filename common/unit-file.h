/* SPDX-License-Identifier: MIT */
#pragma once

/* Unit files: what a text assigns, and where a setting comes from. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

/* Whether a unit file's text assigns key (e.g. "TimeoutStopSec") in a section (e.g. "Service"), as
 * unit_file_walk() reads it. Pure; when there is no memory to read it, it does not.
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

typedef struct UnitAssignment {
        const char *section, *key;
        const char *value; /* joined lines, stripped, quotes kept; may be empty */
        unsigned line;     /* of the key, counted from 1 */
} UnitAssignment;

/* Called for each assignment in the order of the text; its strings are valid during the call.
 * Returns: 0 to go on; else ends the walk. */
typedef int (*UnitFileHandler)(const UnitAssignment *assignment, void *userdata);

/* Walks over the assignments of a unit file's text, honouring comments and line continuations. What is
 * no assignment, or stands before the first section, is passed over.
 *
 * Returns: 0; what the handler returned; -EBADMSG: a malformed section header or a line that is not
 * UTF-8, up to which the text counts, as it does for systemd; -ENOMEM.
 * Source: systemd.syntax(7). */
int unit_file_walk(const char *text, UnitFileHandler handler, void *userdata) _warn_unused_;

/* Reads a unit file of at most 1 MiB through the links that lead to it ("systemctl link", aliases and
 * whole distributions make unit files links); NUL bytes become line ends, which they are to systemd.
 * Returns: 0 and malloc()ed text; -ENOENT; -EACCES; -EBADFD: no regular file (a masked unit's /dev/null);
 * -EFBIG; -ENOMEM; other errno of realpath(3), open(2), read(2). */
int unit_file_read(const char *path, char **ret_text) _warn_unused_;
