/* SPDX-License-Identifier: MIT */
#pragma once

/* Findings for people (a table by libsmartcols, each with its reason and mend below) and for
 * programs (JSON). */

#include <stdio.h>

#include "check/lint.h"
#include "json-mode.h"

typedef struct CheckPrintOptions {
        bool has_colour; /* see terminal_wants_colour() */
        bool has_legend; /* --no-legend: no header, no summary */
        bool is_quiet;   /* only units that have findings */
        unsigned width;  /* of the terminal in columns; 0: no terminal, nothing is cut or wrapped */
} CheckPrintOptions;

/* Returns: 0; -ELIBACC: libsmartcols is not installed; -ENOMEM. */
int check_print_table(FILE *file, const Lint lints[], size_t n_lints,
        const CheckPrintOptions *options) _warn_unused_;

/* One array, one object a unit; the schema is in gatewatch-check(1).
 * Returns: 0; -ENOMEM. */
int check_print_json(FILE *file, const Lint lints[], size_t n_lints, JsonMode mode) _warn_unused_;
