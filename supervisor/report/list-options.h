/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line of `gatewatch list`. */

#include <stdbool.h>

#include "json-mode.h"
#include "option-error.h"
#include "units/unit-reader.h"

typedef enum ListAction {
        LIST_UNITS,
        LIST_SHOW_HELP,
        LIST_SHOW_VERSION,
} ListAction;

typedef struct ListOptions {
        ListAction action;
        UnitReaderTarget target; /* its manager is settled; strings are weak */
        bool has_all;            /* inactive ones as well */
        bool is_watching;
        bool is_quiet, has_legend, has_pager;
        JsonMode json;
        char *const *arguments; /* weak: unit names and globs; NULL-terminated */
} ListOptions;

/* Returns: 0; -EINVAL: refused, reterr has one line that names the offending value and the fix. */
int list_options_parse(int argc, char *argv[], ListOptions *ret_options,
        char reterr[static OPTION_ERROR_MAX]) _warn_unused_;

void list_print_help(void);
