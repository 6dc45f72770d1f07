/* SPDX-License-Identifier: MIT */
#pragma once

/* The files of EnvironmentFile=: assignments a line, quotes, continuations. Pure. */

#include "strv.h"

/* Adds a text's assignments ("NAME=value") to an environment; of one name the last one counts.
 * Returns: 0; -ENOMEM. Lines that are no assignment are passed over.
 * Source: systemd.exec(5), EnvironmentFile=. */
int environment_apply_text(char ***environment, const char *text) _warn_unused_;

/* Sets one "NAME=value". Returns: 0; -EINVAL: no such thing; -ENOMEM. */
int environment_set(char ***environment, const char *assignment) _warn_unused_;

/* Returns: a pointer into the environment; NULL: not set. */
const char *environment_get(char *const environment[], const char *name);
