/* SPDX-License-Identifier: MIT */
#pragma once

/* The units that a call of `gatewatch check` is about, read and linted. */

#include "check/check-options.h"

typedef struct CheckSet {
        UnitView *views;
        size_t n_views;
        Lint *lints; /* one a view that exists, in the order of the arguments */
        size_t n_lints;
        bool is_incomplete; /* units that do not exist, files that cannot be read; each was told on stderr */
} CheckSet;

/* Reads the units of the options' arguments (none: all that run gatewatch) and lints them.
 *
 * Returns: 0; -EINVAL: a name that is none; -ENOMEDIUM: no manager could be asked; -ENOMEM. What went wrong
 * has been told on stderr, out of memory excepted. */
int check_set_read(const CheckOptions *options, CheckSet *ret_set) _warn_unused_;
void check_set_done(CheckSet *set);

/* 0, 1, 2 by the worst finding; 69 when the set is incomplete. */
int check_set_status(const CheckSet *set);
