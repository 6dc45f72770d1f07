/* SPDX-License-Identifier: MIT */
#pragma once

/* Assignments of a unit file with the reason of each, collected before they are written out: so that what
 * is printed can be looked at by the rules first. */

#include <stdbool.h>
#include <stdio.h>

#include "units/unit-view.h"

typedef struct UnitLine {
        const char *section; /* "Unit", "Service", "Install"; static */
        const char *setting; /* static; NULL: the reason alone, a comment */
        char *value;
        char *reason; /* for the comment above the line; NULL: none */
} UnitLine;

typedef struct UnitLines {
        UnitLine *lines;
        size_t n_lines;
        bool is_failed; /* out of memory: what is here is not all */
} UnitLines;

/* Embedded; {} is an empty one. */
void unit_lines_done(UnitLines *lines);

/* Adds a line at the end of its section.
 *
 * reason: sentences; copied. NULL: none.
 * format: of the value, as it shall stand in the file; one line. */
void unit_lines_add(UnitLines *lines, const char *section, const char *setting, const char *reason,
        const char *format, ...) _printf_(5, 6);
/* Adds a comment that belongs to no line. */
void unit_lines_add_comment(UnitLines *lines, const char *section, const char *text);
/* Sets a setting to a new value and reason where a line has it; else adds it. Not for lists. */
void unit_lines_set(UnitLines *lines, const char *section, const char *setting, const char *reason,
        const char *value);

bool unit_lines_has(const UnitLines *lines, const char *section, const char *setting);

/* Lays the lines over a view, as a drop-in would, and settles it. Settings that no rule looks at are
 * passed over.
 *
 * source: the path of the drop-in that they are going to be.
 * Returns: 0; -ENOMEM. */
int unit_lines_apply(const UnitLines *lines, UnitView *view, const char *source) _warn_unused_;

/* Writes the sections that have lines, each with its header, an empty line in front. */
void unit_lines_print(const UnitLines *lines, FILE *file);
