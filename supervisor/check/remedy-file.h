/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the drop-in goes, and putting it there. Nothing that is not ours is touched. */

#include "check/remedy.h"

/* "/etc/systemd/system/NAME.d/50-gatewatch.conf"; for a user's manager below its configuration
 * home; for a unit read from a file beside that file ("DIR/NAME.d/…").
 * Returns: malloc()ed path; NULL: out of memory, or no home is known. */
char *remedy_path(const UnitView *view) _warn_unused_;

/* Reads what stands there. Returns: 0 and malloc()ed text; -ENOENT; -ELOOP, -EBADFD: a link or
 * another thing than a file: not ours; other errno. */
int remedy_read(const char *path, char **ret_text) _warn_unused_;

/* Writes it atomically, mode 0644, making its folder (0755) if need be. Refuses (-EPERM) what is
 * there without our mark, a link (-ELOOP), and what is no regular file (-EBADFD).
 * Returns: 0; those; other errno of mkdir(2), open(2), rename(2). */
int remedy_install(const char *path, const char *text) _warn_unused_;
