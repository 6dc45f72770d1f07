/* SPDX-License-Identifier: MIT */
#pragma once

/* Units and drop-ins that are aligned with the drain, as text. Pure. */

#include "config/run-config.h"
#include "units/unit-view.h"

typedef struct UnitTextRequest {
        const char *program;     /* absolute path of gatewatch, as it shall stand in ExecStart= */
        const char *name;        /* of the unit, without ".service"; not for drop-ins */
        UnitManager manager;     /* SYSTEM or USER; not for drop-ins */
        const char *description; /* NULL: made from the name */
        const RunConfig *run;    /* the settings, parsed; argv is the command; ready is
                                  * _READY_MODE_INVALID when nothing says it */
        char *const *options; /* those of run as given, "--drain-timeout=3min"; NULL-terminated */
} UnitTextRequest;

/* A complete unit for request->run->argv.
 * Returns: 0 and malloc()ed text; -ENOMEM. */
int unit_text_write(const UnitTextRequest *request, char **ret_text) _warn_unused_;

/* A drop-in that puts `gatewatch run` in front of the present command of a unit, and aligns what has to
 * be, so that what comes of it passes the rules. request->run->argv: the command in place of the present
 * one; NULL: keep that.
 *
 * exec_start: the line as it stands in the unit's files (its specifiers are kept); NULL: not to be had,
 *             the command is taken as the view has it.
 *
 * Returns: 0 and malloc()ed text; -EINVAL: it cannot be done, *ret_why has the sentence, malloc()ed
 * (no or several ExecStart= lines, oneshot, forking, already under gatewatch, not parseable); -ENOMEM. */
int unit_text_write_drop_in(const UnitTextRequest *request, const UnitView *view,
        const char *exec_start, char **ret_text, char **ret_why) _warn_unused_;
