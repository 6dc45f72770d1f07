/* SPDX-License-Identifier: MIT */
#pragma once

/* The drop-in that mends what a drop-in can mend. Pure. */

#include "check/lint.h"

#define REMEDY_FILE "50-gatewatch.conf"
/* The first line of every drop-in that is ours to rewrite. */
#define REMEDY_MARK "# Written by gatewatch;"

/* Why a finding is not mended by the drop-in. */
typedef enum RemedyObstacle {
        REMEDY_POSSIBLE,
        REMEDY_NO_SETTING, /* no setting of the unit does it: see its command */
        REMEDY_OVERRIDDEN, /* a drop-in that is read later sets it: that one has to be changed */
        _REMEDY_OBSTACLE_MAX,
} RemedyObstacle;

/* Whether a drop-in that is read after REMEDY_FILE sets what the mend sets, so that it wins. */
bool remedy_is_overridden(const UnitView *view, const Mend *mend);

/* Whether a drop-in of the name REMEDY_FILE mends all of a finding. */
RemedyObstacle remedy_obstacle(const UnitView *view, const Finding *finding);

/* Whether a file's text begins with REMEDY_MARK. */
bool remedy_is_ours(const char *text);

/* Writes the drop-in: each line once, under its section, with its reasons above it; of two times
 * for one setting the longer one. Assignments of present (a drop-in of ours that is there already)
 * that nothing here replaces are kept with their comments.
 *
 * present: text of the file as it is; NULL: there is none.
 *
 * Returns: 1 and *ret_text, malloc()ed; 0: there is nothing that a drop-in could mend; -EPERM:
 * present is not ours; -ENOMEM. */
int remedy_write(const Lint *lint, const char *present, char **ret_text) _warn_unused_;
