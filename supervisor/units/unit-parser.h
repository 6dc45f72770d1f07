/* SPDX-License-Identifier: MIT */
#pragma once

/* systemd's own parser as a process: given copies of one unit's files, asked for a dump of what it makes
 * of them. */

#include "units/unit-view.h"

typedef struct UnitParserAnswer {
        char *dump;       /* all units of the test, in systemd's own format */
        char *complaints; /* lines, "PATH:LINE: …" with the paths of the view's files */
} UnitParserAnswer;

void unit_parser_answer_done(UnitParserAnswer *answer);

/* Copies fragment and drop-ins of the view into a private temporary folder, runs the program there as
 * `systemd --test` (as nobody when we are root, without generators, environment and the machine's own
 * units), and removes the folder. A template is loaded as an instance of it.
 *
 * program:      of the manager, an absolute path.
 * timeout_usec: from now until it is killed.
 *
 * Returns: 1: it ended, with whatever status; 0: it could not be run to its end (*ret_why, malloc()ed, one
 * sentence); -ENOMEM. */
int unit_parser_run(const UnitView *view, const char *program, usec_t timeout_usec,
        UnitParserAnswer *ret_answer, char **ret_why) _warn_unused_;
