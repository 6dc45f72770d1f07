/* SPDX-License-Identifier: MIT */
#pragma once

/* Units for people (a table by libsmartcols) and for programs (JSON). Whatever a gateway says of itself, no
 * control character reaches a terminal. */

#include <stdio.h>

#include "json-mode.h"
#include "report/list-unit.h"

typedef struct ListPrintOptions {
        bool has_colour;
        bool has_legend; /* header and last line */
        bool is_ascii;   /* the locale is not UTF-8 */
        unsigned width;  /* 0: no terminal, nothing is cut */
} ListPrintOptions;

/* One row a unit: UNIT STATE MAIN PID UPTIME RESTARTS LAST BUDGET HEARTBEAT PROGRESS; on a narrow terminal the
 * progress is a line below its row, and HEARTBEAT, RESTARTS and MAIN PID go where a name would have no room.
 * Returns: 0; -ELIBACC: libsmartcols is not installed; -ENOMEM. */
int list_print_table(FILE *file, const ListedUnit units[], size_t n_units,
        const ListPrintOptions *options) _warn_unused_;

/* One array, an object a unit, with the keys that gatewatch-list(1) documents; null is what is not known.
 * Returns: 0; -ENOMEM. */
int list_print_json(
        FILE *file, const ListedUnit units[], size_t n_units, JsonMode mode) _warn_unused_;
