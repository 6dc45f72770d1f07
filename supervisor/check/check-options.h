/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line of `gatewatch check`. */

#include <stdbool.h>

#include "check/check-print.h"
#include "check/lint.h"
#include "option-error.h"
#include "units/unit-reader.h"

typedef enum FixMode {
        FIX_NONE,
        FIX_PRINT,
        FIX_WRITE,
        _FIX_MODE_MAX,
        _FIX_MODE_INVALID = -EINVAL,
} FixMode;

/* "print", "write". */
FixMode fix_mode_from_string(const char *name);

typedef enum CheckAction {
        CHECK_UNITS,
        CHECK_LIST_RULES,
        CHECK_SHOW_HELP,
        CHECK_SHOW_VERSION,
} CheckAction;

typedef struct CheckOptions {
        CheckAction action;
        UnitReaderTarget target;
        LintOptions lint; /* its list of ignored rules is ours */
        FixMode fix;
        bool is_dry_run;
        bool is_offline; /* every argument is a file */
        bool is_quiet, has_legend, has_pager;
        JsonMode json;
        char *const *arguments; /* weak: unit names, globs, files; NULL-terminated */
} CheckOptions;

/* Returns: 0; -EINVAL: refused, reterr has one line that names the offending value and the fix; -ENOMEM. */
int check_options_parse(int argc, char *argv[], CheckOptions *ret_options,
        char reterr[static OPTION_ERROR_MAX]) _warn_unused_;
void check_options_done(CheckOptions *options);

void check_print_help(void);
