/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit as systemd's own parser reads it: `systemd --test` on copies of its files in a folder of their
 * own, its dump laid over what we have read ourselves. Needs no bus and no privileges. */

#include "check/unit-view.h"

/* Lays one unit's part of a dump over a view: values that it has and we know by label become known with
 * its value; origins are kept. Unknown labels are passed over.
 *
 * dump: text of the whole dump; only the part of view->name counts.
 * Returns: 1; 0: the unit is not in it; -ENOMEM. */
int unit_view_apply_dump(UnitView *view, const char *dump) _warn_unused_;

/* Where the manager's program is on this machine. Returns: a static path; NULL: nowhere. */
const char *unit_dump_program(void);

/* Copies the view's fragment and drop-ins under their names into a private temporary folder, lets
 * systemd's parser read them there (as nobody when we are root, without generators, without the machine's
 * own units), and applies its dump and its complaints (view->ignored, with the paths of the real files;
 * load_state and load_error when it refuses the unit). Bounded by timeout_usec; removes the folder.
 *
 * Returns: 1: done; 0: the machine has no such program, or it could not say (*ret_why, malloc()ed, one
 * sentence); -ENOMEM. */
int unit_view_ask_parser(UnitView *view, usec_t timeout_usec, char **ret_why) _warn_unused_;
