/* SPDX-License-Identifier: MIT */
#pragma once

/* The present command of a unit, ready to be put behind `gatewatch run`. */

#include "check/unit-text.h"

typedef struct UnitExec {
        unsigned flags; /* EXEC_…, without EXEC_ARGV0: what comes in front of gatewatch */
        char *argv0; /* what the gateway is told it is called, as it is to be written; NULL: nothing */
        char *words;      /* the command, as it is to be written, a space in front */
        const char *from; /* static: where it was found, for a comment */
} UnitExec;

/* Takes the command of the request, else that of the line, else that of the view; the prefixes come from
 * the line or the view in any case. Parameters as those of unit_text_write_drop_in().
 *
 * Returns: 0; -EINVAL: it cannot be put behind anything, *ret_why; -ENOMEM. */
int unit_exec_read(const UnitTextRequest *request, const UnitView *view, const char *exec_start,
        UnitExec *ret_exec, char **ret_why) _warn_unused_;
void unit_exec_done(UnitExec *exec);
