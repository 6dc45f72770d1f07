/* SPDX-License-Identifier: MIT */
#pragma once

/* --fix: the drop-ins of a set of units, printed or put in place. */

#include "check/check-set.h"

/* Prints each unit's drop-in on stdout; what none can mend is told on stderr.
 * Returns: 0; -ENOMEM; -EIO: something went wrong and was told on stderr. */
int check_fix_print(const CheckSet *set) _warn_unused_;

/* Writes each unit's drop-in, or with options->is_dry_run says what it would write.
 *
 * ret_written: the number of files written, or that would be; set in any case.
 * Returns: 0; -ENOMEM; -EIO as above, after all that could be written was. */
int check_fix_write(
        const CheckSet *set, const CheckOptions *options, size_t *ret_written) _warn_unused_;
