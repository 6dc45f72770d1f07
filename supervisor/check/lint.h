/* SPDX-License-Identifier: MIT */
#pragma once

/* All rules over one unit. Pure but for reading the files that the unit's settings name. */

#include "check/rule.h"
#include "units/run-line.h"
#include "units/unit-view.h"

typedef struct LintOptions {
        bool has_drain; /* for units that do not run gatewatch */
        usec_t drain_usec, headroom_usec;
        char **ignore; /* ids of rules to leave out; weak */
} LintOptions;

typedef struct Lint {
        const UnitView *view; /* weak */
        RunLine line;
        RuleInput input;
        Finding *findings; /* errors first, then in the order of the table */
        size_t n_findings;
        char **unknown; /* what cannot be known here, a sentence each */
} Lint;

/* ret_lint: points into itself; not to be copied or moved while it is in use.
 * Returns: 0; -ENOMEM. */
int lint_unit(const UnitView *view, const LintOptions *options, Lint *ret_lint) _warn_unused_;
void lint_done(Lint *lint);

/* The worst severity among findings. Returns: _SEVERITY_INVALID: none. */
Severity lint_worst(const Lint *lint);
