/* SPDX-License-Identifier: MIT */
#pragma once

/* Units and drop-ins that are aligned with the drain, as text. Pure. */

#include "check/unit-view.h"
#include "config/run-config.h"

typedef struct UnitTextRequest {
        const char *program;     /* absolute path of gatewatch, as it shall stand in ExecStart= */
        const char *name;        /* of the unit, without ".service" */
        UnitManager manager;     /* SYSTEM or USER */
        const char *description; /* NULL: made from the name */
        const RunConfig *run;    /* the settings, parsed; argv is the command (unit_text_write) */
        char *const
                *options; /* the run options as given, "--drain-timeout=3min"; NULL-terminated */
} UnitTextRequest;

/* A complete unit for request->run->argv.
 * Returns: 0 and malloc()ed text; -ENOMEM. */
int unit_text_write(const UnitTextRequest *request, char **ret_text) _warn_unused_;

/* A drop-in that puts `gatewatch run` in front of the present command of a unit, and aligns what has to
 * be. exec_start: the line as it stands in the unit's files (its specifiers are kept), or, when
 * request->run->argv is given, NULL: that is the command then.
 *
 * Returns: 0 and malloc()ed text; -EINVAL: it cannot be done, *ret_why has the sentence, malloc()ed
 * (no or several ExecStart= lines, oneshot, forking, already under gatewatch, not parseable); -ENOMEM. */
int unit_text_write_drop_in(const UnitTextRequest *request, const UnitView *view,
        const char *exec_start, char **ret_text, char **ret_why) _warn_unused_;
