/* SPDX-License-Identifier: MIT */

/* One unit under all rules. What `gatewatch run` was told there and what the caller said about the drain
 * become one budget, by the same function that the run itself uses; then each rule is asked once.
 *
 * What cannot be known here is said, never assumed: a rule that lacks its facts finds nothing. */

#include "check/lint.h"

#include <string.h>

/* The schedule of a drain that the caller named, for units that do not run gatewatch. */
static Schedule lint_schedule(usec_t drain_usec) {
        return (Schedule){
                .n_phases = 2,
                .phases = {
                        { .name = "drain", .signo = SIGTERM, .duration_usec = drain_usec },
                        { .name = "kill", .signo = SIGKILL, .target = PHASE_TARGET_ALL },
                },
        };
}

/* Rules look at what the unit grants; the cap above it has a rule of its own. */
static void lint_compute_budget(
        Lint *lint, const Schedule *schedule, usec_t headroom_usec, ShortTimeoutAction action) {
        const UnitView *view = lint->view;

        lint->input.has_drain = true;
        lint->input.headroom_usec = headroom_usec;
        budget_compute(
                &(BudgetInput){
                        .schedule = schedule,
                        .headroom_usec = headroom_usec,
                        .is_timeout_known = view->values[VIEW_TIMEOUT_STOP_USEC].is_known,
                        .timeout_stop_usec = unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC),
                        .cap_usec = USEC_INFINITY,
                        .can_extend = lint->input.is_supervised &&
                                !unit_view_is(view, VIEW_NOTIFY_ACCESS, "none"),
                        .action = action,
                },
                &lint->input.budget);
}

static void lint_take_drain(Lint *lint, const LintOptions *options) {
        const RunConfig *run = lint->input.run;
        Schedule schedule;

        if (run)
                return lint_compute_budget(
                        lint, &run->schedule, run->headroom_usec, run->on_short_timeout);
        if (!options->has_drain)
                return;
        schedule = lint_schedule(options->drain_usec);
        lint_compute_budget(lint, &schedule, options->headroom_usec, SHORT_TIMEOUT_WARN);
}

static int lint_note_unknown(Lint *lint) {
        const UnitView *view = lint->view;
        int r;

        if (lint->line.unknown) {
                r = strv_extend(&lint->unknown, lint->line.unknown);
                if (r < 0)
                        return r;
        }
        if (view->manager != UNIT_MANAGER_USER)
                return 0;
        if (!view->cap_unit) {
                r = strv_extend(&lint->unknown,
                        "how long user@.service may take to stop, which bounds this unit too");
                if (r < 0)
                        return r;
        }
        return view->linger < 0
                ? strv_extend(&lint->unknown, "whether the user's manager stays without a session")
                : 0;
}

/* Returns: 1: found; 0: not; -ENOMEM. */
static int lint_ask_rule(Lint *lint, const Rule *rule) {
        Finding finding = { .rule = rule, .key = _VIEW_KEY_INVALID };
        FindingWriter writer = { .finding = &finding };
        Finding *grown;

        if (!rule->test(&lint->input, &writer))
                return 0;
        if (writer.is_out_of_memory)
                goto fail;
        grown = reallocarray(lint->findings, lint->n_findings + 1, sizeof(Finding));
        if (!grown)
                goto fail;
        lint->findings = grown;
        lint->findings[lint->n_findings++] = finding;
        return 1;

fail:
        finding_done(&finding);
        return -ENOMEM;
}

/* Errors first; the order of the table within one severity. */
static void lint_sort(Lint *lint) {
        for (size_t i = 1; i < lint->n_findings; i++)
                for (size_t j = i; j > 0; j--) {
                        Finding *a = &lint->findings[j - 1], *b = &lint->findings[j], swap;

                        if (a->severity >= b->severity)
                                break;
                        swap = *a;
                        *a = *b;
                        *b = swap;
                }
}

static int lint_ask_rules(Lint *lint, const LintOptions *options) {
        const Rule *rule;

        for (size_t i = 0; (rule = rule_get(i)); i++) {
                if (strv_contains(options->ignore, rule->id))
                        continue;
                if (lint_ask_rule(lint, rule) < 0)
                        return -ENOMEM;
        }
        lint_sort(lint);
        return 0;
}

int lint_unit(const UnitView *view, const LintOptions *options, Lint *ret_lint) {
        Lint *lint = ret_lint;
        int r;

        *lint = (Lint){ .view = view };
        r = run_line_read(view, &lint->line);
        if (r < 0)
                return r;
        lint->input = (RuleInput){
                .view = view,
                .is_supervised = lint->line.is_supervised,
                .run = lint->line.has_config ? &lint->line.config : NULL,
                .run_error = lint->line.error[0] ? lint->line.error : NULL,
        };
        lint_take_drain(lint, options);
        r = lint_ask_rules(lint, options);
        if (r >= 0)
                r = lint_note_unknown(lint);
        if (r < 0)
                lint_done(lint);
        return r;
}

void lint_done(Lint *lint) {
        for (size_t i = 0; i < lint->n_findings; i++)
                finding_done(&lint->findings[i]);
        free(lint->findings);
        run_line_done(&lint->line);
        (void) strv_free(lint->unknown);
        *lint = (Lint){};
}

Severity lint_worst(const Lint *lint) {
        return lint->n_findings > 0 ? lint->findings[0].severity : _SEVERITY_INVALID;
}
