/* SPDX-License-Identifier: MIT */
#pragma once

/* The directory in which a run keeps what outlives it. */

#include "cleanup.h"

/* Chooses, makes (mode 0700) and opens it.
 *
 * configured: --state-dir=; NULL: the default chain.
 * name:       of the run; the last component where the directory is ours alone.
 * ret_path:   malloc()ed, also on failure; NULL when none could be chosen.
 *
 * Returns: fd; -ENOENT: none could be chosen (no HOME); -EACCES, -EROFS: not writable; negative errno
 * of mkdir(2), open(2). */
int state_directory_open(const char *configured, const char *name, char **ret_path) _warn_unused_;

/* The same directory, to be read: nothing is made.
 *
 * name: NULL: not known.
 *
 * Returns: fd; -ENOENT: it is not there, or none could be chosen; -EINVAL: the default lies below the
 * run's name, which is not known; negative errno of open(2). */
int state_directory_find(const char *configured, const char *name, char **ret_path) _warn_unused_;
