/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit as systemd's own parser reads it: `systemd --test` on copies of its files in a folder of their
 * own, its dump laid over what we have read ourselves. Needs no bus and no privileges. */

#include "units/unit-view.h"

/* Lays one unit's part of a dump over a view: values that it has and we know by label become known with
 * its value; origins are kept, and values that a setting of the manager decides stay as they are (the test
 * run does not have the manager's settings). load_state becomes the dump's. Unknown labels are passed over.
 *
 * dump: text of the whole dump; only the part of view->name counts, of a
 *       template's name that of the first instance.
 * Returns: 1; 0: the unit is not in it; -ENOMEM. */
int unit_view_apply_dump(UnitView *view, const char *dump) _warn_unused_;

/* Where the manager's program is on this machine. Returns: a static path; NULL: nowhere. */
const char *unit_dump_program(void);

/* Lets systemd's parser read copies of the view's fragment and drop-ins (see units/unit-parser.h), and
 * applies its dump and its complaints: view->ignored is replaced by the lines that say that something of
 * these files is ignored, load_state and load_error say whether it loads the unit. Bounded by timeout_usec.
 *
 * Returns: 1: done; 0: the machine has no such program, or it could not say (*ret_why, malloc()ed, one
 * sentence); -ENOMEM. */
int unit_view_ask_parser(UnitView *view, usec_t timeout_usec, char **ret_why) _warn_unused_;
