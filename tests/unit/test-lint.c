/* SPDX-License-Identifier: MIT */

/* One unit under all rules: where the drain comes from and what it is set against, which findings come in
 * which order, and what is said not to be known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "byte-buffer.h"
#include "check/lint.h"

#define CHANGES_MAX 6

typedef struct LintFixture {
        UnitView view;
        LintOptions options;
        Lint lint;
        char *told;
} LintFixture;

static void lint_clear(LintFixture *fixture) {
        lint_done(&fixture->lint);
        unit_view_done(&fixture->view);
        free(fixture->told);
        *fixture = (LintFixture){};
}

static int lint_setup(void **state) {
        *state = calloc(1, sizeof(LintFixture));
        return *state ? 0 : -1;
}

static int lint_teardown(void **state) {
        lint_clear(*state);
        free(*state);
        return 0;
}

#define lint_test(function) cmocka_unit_test_setup_teardown(function, lint_setup, lint_teardown)

typedef struct LintChange {
        ViewKey key;
        const char *value; /* NULL ends a list */
} LintChange;

#define RUN(options) \
        { VIEW_EXEC_START, "/usr/bin/gatewatch run --ready=exec " options " -- /bin/gate" }
#define PLAIN \
        { VIEW_EXEC_START, "/bin/gate" }

/* No rule finds anything in this one, as long as its drain fits. */
static const LintChange perfect_unit[] = {
        { VIEW_START_LIMIT_INTERVAL_USEC, "60s" },
        { VIEW_TYPE, "notify" },
        { VIEW_EXEC_STOP_POST, "-/usr/bin/gatewatch post" },
        { VIEW_KILL_MODE, "mixed" },
        { VIEW_TIMEOUT_STOP_USEC, "90s" },
        { VIEW_RESTART, "always" },
        { VIEW_RESTART_USEC, "1s" },
        { VIEW_RESTART_PREVENT_EXIT_STATUS, "78" },
        { VIEW_DELEGATE, "yes" },
        { VIEW_LIMIT_RTPRIO, "1" },
};

static void view_change(UnitView *view, const LintChange *change) {
        assert_int_equal(unit_view_assign(view, change->key, change->value, VIEW_ORIGIN_FRAGMENT,
                                 "/etc/systemd/system/gate.service"),
                0);
}

static void lint_start(
        LintFixture *fixture, UnitManager manager, const LintChange changes[CHANGES_MAX]) {
        lint_clear(fixture);
        assert_int_equal(unit_view_init(&fixture->view, "gate.service", manager), 0);
        fixture->view.has_files = true;
        for (size_t i = 0; i < ELEMENTSOF(perfect_unit); i++)
                view_change(&fixture->view, &perfect_unit[i]);
        for (size_t i = 0; i < CHANGES_MAX && changes[i].value; i++)
                view_change(&fixture->view, &changes[i]);
        assert_int_equal(unit_view_settle(&fixture->view), 0);
}

static void lint_look(LintFixture *fixture) {
        lint_done(&fixture->lint);
        assert_int_equal(lint_unit(&fixture->view, &fixture->options, &fixture->lint), 0);
}

/* "error timeout-too-short, hint delegate" */
static const char *told(LintFixture *fixture) {
        ByteBuffer buffer = {};

        for (size_t i = 0; i < fixture->lint.n_findings; i++) {
                const Finding *finding = &fixture->lint.findings[i];

                byte_buffer_append_text(&buffer, i > 0 ? ", " : "");
                byte_buffer_append_text(&buffer, severity_to_string(finding->severity));
                byte_buffer_append_text(&buffer, " ");
                byte_buffer_append_text(&buffer, finding->rule->id);
        }
        free(fixture->told);
        fixture->told = byte_buffer_steal(&buffer);
        assert_non_null(fixture->told);
        return fixture->told;
}

/* ---- The drain ------------------------------------------------------------------------------- */

typedef struct DrainRow {
        LintChange changes[CHANGES_MAX];
        usec_t given_usec; /* by the caller; 0: not */
        bool is_supervised, has_drain;
        usec_t drain_usec, headroom_usec;
} DrainRow;

#define SECONDS(n) ((n) *USEC_PER_SEC)

static const DrainRow drain_rows[] = {
        { { RUN("") }, 0, true, true, SECONDS(60), SECONDS(30) },
        { { RUN("--drain-timeout=7s --headroom=40s") }, 0, true, true, SECONDS(7), SECONDS(40) },
        { { RUN(""), { VIEW_ENVIRONMENT, "GATEWATCH_DRAIN_TIMEOUT=5" } }, 0, true, true, SECONDS(5),
                SECONDS(30) },
        /* What the unit says itself counts. */
        { { RUN("--drain-timeout=7s") }, SECONDS(600), true, true, SECONDS(7), SECONDS(30) },
        { { PLAIN }, 0, false, false, 0, 0 },
        { { PLAIN }, SECONDS(600), false, true, SECONDS(600), SECONDS(45) },
        /* What it says shows only when it runs, or is refused. */
        { { RUN("--drain-timeout=${HOME}") }, 0, true, false, 0, 0 },
        { { RUN("--drain-timeout=${HOME}") }, SECONDS(600), true, true, SECONDS(600), SECONDS(45) },
        { { RUN("--drain-timeout=fumble") }, 0, true, false, 0, 0 },
};

static void test_lint_unit_drain_comes_from_the_run_or_the_caller(void **state) {
        LintFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(drain_rows); i++) {
                const DrainRow *row = &drain_rows[i];
                const RuleInput *input = &fixture->lint.input;

                lint_start(fixture, UNIT_MANAGER_SYSTEM, row->changes);
                fixture->options = (LintOptions){
                        .has_drain = row->given_usec > 0,
                        .drain_usec = row->given_usec,
                        .headroom_usec = SECONDS(45),
                };
                lint_look(fixture);
                assert_int_equal(input->is_supervised, row->is_supervised);
                assert_int_equal(input->has_drain, row->has_drain);
                assert_int_equal(input->budget.drain_usec, row->drain_usec);
                assert_int_equal(input->headroom_usec, row->headroom_usec);
                assert_int_equal(rule_required_usec(input), row->drain_usec + row->headroom_usec);
        }
}

static void test_lint_unit_refused_settings_are_told(void **state) {
        LintFixture *fixture = *state;

        lint_start(fixture, UNIT_MANAGER_SYSTEM,
                (const LintChange[CHANGES_MAX]){ RUN("--drain-timeout=fumble") });
        lint_look(fixture);
        assert_null(fixture->lint.input.run);
        assert_non_null(strstr(fixture->lint.input.run_error, "fumble"));
        assert_string_equal(told(fixture), "error settings-unusable");
}

/* ---- The budget ------------------------------------------------------------------------------ */

static const struct {
        LintChange changes[CHANGES_MAX];
        bool is_short;
        ShortTimeoutAction action;
        bool do_extend;
        usec_t total_usec; /* 0: any */
        const char *told;
} budget_rows[] = {
        { { RUN("") }, false, SHORT_TIMEOUT_EXTEND, false, 0, "" },
        { { RUN("--drain-timeout=60.1s") }, true, SHORT_TIMEOUT_EXTEND, true, 0,
                "warning timeout-too-short" },
        { { RUN("--drain-timeout=5min --on-short-timeout=clamp") }, true, SHORT_TIMEOUT_CLAMP,
                false, SECONDS(80), "error timeout-too-short" },
        { { RUN("--drain-timeout=5min --on-short-timeout=refuse") }, true, SHORT_TIMEOUT_REFUSE,
                false, SECONDS(320), "error timeout-too-short" },
        { { RUN("--drain-timeout=5min --on-short-timeout=warn") }, true, SHORT_TIMEOUT_WARN, false,
                SECONDS(320), "error timeout-too-short" },
        /* Nobody listens to an extension. */
        { { RUN("--drain-timeout=5min"), { VIEW_TYPE, "exec" }, { VIEW_NOTIFY_ACCESS, "none" } },
                true, SHORT_TIMEOUT_CLAMP, false, SECONDS(80),
                "error timeout-too-short, error notify-access" },
        { { RUN("--drain-timeout=5min"), { VIEW_TIMEOUT_STOP_USEC, "infinity" } }, false,
                SHORT_TIMEOUT_EXTEND, false, SECONDS(320), "" },
};

static void test_lint_unit_budget_is_the_runs_own(void **state) {
        LintFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(budget_rows); i++) {
                const Budget *budget = &fixture->lint.input.budget;

                lint_start(fixture, UNIT_MANAGER_SYSTEM, budget_rows[i].changes);
                lint_look(fixture);
                assert_string_equal(told(fixture), budget_rows[i].told);
                assert_int_equal(budget->is_short, budget_rows[i].is_short);
                assert_int_equal(budget->action, budget_rows[i].action);
                assert_int_equal(budget->do_extend, budget_rows[i].do_extend);
                if (budget_rows[i].total_usec > 0)
                        assert_int_equal(budget->total_usec, budget_rows[i].total_usec);
        }
}

static void test_lint_unit_unknown_timeout_is_not_short(void **state) {
        LintFixture *fixture = *state;

        lint_start(fixture, UNIT_MANAGER_SYSTEM,
                (const LintChange[CHANGES_MAX]){ RUN("--drain-timeout=5min") });
        fixture->view.values[VIEW_TIMEOUT_STOP_USEC].is_known = false;
        fixture->view.values[VIEW_TIMEOUT_ABORT_USEC].is_known = false;
        lint_look(fixture);
        assert_false(fixture->lint.input.budget.is_short);
        assert_string_equal(told(fixture), "");
}

/* The cap of user@.service has a rule of its own. */
static void test_lint_unit_cap_above_is_no_part_of_the_budget(void **state) {
        LintFixture *fixture = *state;

        lint_start(fixture, UNIT_MANAGER_USER, (const LintChange[CHANGES_MAX]){ RUN("") });
        fixture->view.cap_usec = SECONDS(10);
        lint_look(fixture);
        assert_false(fixture->lint.input.budget.is_short);
        assert_string_equal(told(fixture), "error user-manager-timeout");
}

/* A drain that the caller names ends in SIGKILL, and nobody asks for more time. */
static void test_lint_unit_given_drain_is_not_extended(void **state) {
        LintFixture *fixture = *state;

        lint_start(fixture, UNIT_MANAGER_SYSTEM, (const LintChange[CHANGES_MAX]){ PLAIN });
        fixture->options = (LintOptions){
                .has_drain = true,
                .drain_usec = SECONDS(61),
                .headroom_usec = SECONDS(30),
        };
        lint_look(fixture);
        assert_true(fixture->lint.input.budget.is_short);
        assert_int_equal(fixture->lint.input.budget.action, SHORT_TIMEOUT_WARN);
        assert_false(fixture->lint.input.budget.do_extend);
        assert_string_equal(told(fixture), "error timeout-too-short");
}

/* ---- Findings -------------------------------------------------------------------------------- */

static const LintChange bad_unit[CHANGES_MAX] = {
        RUN("--drain-timeout=5min"), /* warning timeout-too-short */
        { VIEW_KILL_MODE, "none" },  /* error */
        { VIEW_TYPE, "forking" },    /* error service-type */
        { VIEW_DELEGATE, "no" },     /* hint, and warning oom-policy */
        { VIEW_SEND_SIGHUP, "yes" }, /* hint */
        { VIEW_NOTIFY_ACCESS, "main" },
};

static void test_lint_unit_findings_errors_come_first_then_the_tables_order(void **state) {
        LintFixture *fixture = *state;

        lint_start(fixture, UNIT_MANAGER_SYSTEM, bad_unit);
        lint_look(fixture);
        assert_string_equal(told(fixture),
                "error kill-mode, error service-type, warning timeout-too-short, "
                "warning oom-policy, hint send-sighup, hint delegate");
        assert_int_equal(lint_worst(&fixture->lint), SEVERITY_ERROR);
}

static void test_lint_unit_ignored_rules_are_left_out(void **state) {
        static const struct {
                const char *ignore[7];
                const char *told;
                Severity worst;
        } rows[] = {
                { { "kill-mode", "service-type" },
                        "warning timeout-too-short, warning oom-policy, hint send-sighup, "
                        "hint delegate",
                        SEVERITY_WARNING },
                { { "kill-mode", "service-type", "timeout-too-short", "oom-policy", "delegate" },
                        "hint send-sighup", SEVERITY_HINT },
                { { "kill-mode", "service-type", "timeout-too-short", "oom-policy", "send-sighup",
                          "delegate" },
                        "", _SEVERITY_INVALID },
                { { "kill", "no-such-rule", "", "service-type", "timeout-too-short", "oom-policy" },
                        "error kill-mode, hint send-sighup, hint delegate", SEVERITY_ERROR },
        };
        LintFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                lint_start(fixture, UNIT_MANAGER_SYSTEM, bad_unit);
                fixture->options.ignore = (char **) rows[i].ignore;
                lint_look(fixture);
                assert_string_equal(told(fixture), rows[i].told);
                assert_int_equal(lint_worst(&fixture->lint), rows[i].worst);
        }
}

static void test_lint_unit_perfect_unit_has_no_findings(void **state) {
        LintFixture *fixture = *state;

        lint_start(fixture, UNIT_MANAGER_SYSTEM, (const LintChange[CHANGES_MAX]){ RUN("") });
        lint_look(fixture);
        assert_string_equal(told(fixture), "");
        assert_int_equal(lint_worst(&fixture->lint), _SEVERITY_INVALID);
        assert_int_equal(strv_length(fixture->lint.unknown), 0);
        assert_ptr_equal(fixture->lint.view, &fixture->view);
}

/* ---- What is not known ----------------------------------------------------------------------- */

#define NO_CAP    "how long user@.service may take to stop, which bounds this unit too"
#define NO_LINGER "whether the user's manager stays without a session"

static const struct {
        UnitManager manager;
        const char *cap_unit;
        int linger;
        LintChange start;
        const char *unknown[4];
} unknown_rows[] = {
        { UNIT_MANAGER_SYSTEM, NULL, -1, RUN(""), {} },
        { UNIT_MANAGER_USER, "user@7.service", 1, RUN(""), {} },
        { UNIT_MANAGER_USER, "user@7.service", 0, RUN(""), {} },
        { UNIT_MANAGER_USER, NULL, 1, RUN(""), { NO_CAP } },
        { UNIT_MANAGER_USER, "user@7.service", -1, RUN(""), { NO_LINGER } },
        { UNIT_MANAGER_USER, NULL, -1, PLAIN, { NO_CAP, NO_LINGER } },
        { UNIT_MANAGER_USER, NULL, -1, RUN("--name=${HOME}"),
                { "${HOME} in ExecStart=: its value shows only when the unit runs", NO_CAP,
                        NO_LINGER } },
        { UNIT_MANAGER_SYSTEM, NULL, -1, RUN("--name=${HOME}"),
                { "${HOME} in ExecStart=: its value shows only when the unit runs" } },
        /* Of others' commands nothing has to be known. */
        { UNIT_MANAGER_SYSTEM, NULL, -1, { VIEW_EXEC_START, "/bin/gate $HOME" }, {} },
};

static void test_lint_unit_what_is_not_known_is_said(void **state) {
        LintFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(unknown_rows); i++) {
                char **unknown;
                size_t n = 0;

                lint_start(fixture, unknown_rows[i].manager,
                        (const LintChange[CHANGES_MAX]){ unknown_rows[i].start });
                if (unknown_rows[i].cap_unit) {
                        fixture->view.cap_unit = strdup(unknown_rows[i].cap_unit);
                        assert_non_null(fixture->view.cap_unit);
                }
                fixture->view.linger = unknown_rows[i].linger;
                lint_look(fixture);
                unknown = fixture->lint.unknown;
                for (; unknown_rows[i].unknown[n]; n++) {
                        assert_true(n < strv_length(unknown));
                        assert_string_equal(unknown[n], unknown_rows[i].unknown[n]);
                }
                assert_int_equal(strv_length(unknown), n);
        }
}

static void test_lint_done_zeroed_and_twice_is_fine(void **state) {
        LintFixture *fixture = *state;
        Lint lint = {};

        lint_done(&lint);
        lint_start(fixture, UNIT_MANAGER_SYSTEM, bad_unit);
        lint_look(fixture);
        lint_done(&fixture->lint);
        assert_null(fixture->lint.findings);
        assert_int_equal(fixture->lint.n_findings, 0);
        lint_done(&fixture->lint);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                lint_test(test_lint_unit_drain_comes_from_the_run_or_the_caller),
                lint_test(test_lint_unit_refused_settings_are_told),
                lint_test(test_lint_unit_budget_is_the_runs_own),
                lint_test(test_lint_unit_unknown_timeout_is_not_short),
                lint_test(test_lint_unit_cap_above_is_no_part_of_the_budget),
                lint_test(test_lint_unit_given_drain_is_not_extended),
                lint_test(test_lint_unit_findings_errors_come_first_then_the_tables_order),
                lint_test(test_lint_unit_ignored_rules_are_left_out),
                lint_test(test_lint_unit_perfect_unit_has_no_findings),
                lint_test(test_lint_unit_what_is_not_known_is_said),
                lint_test(test_lint_done_zeroed_and_twice_is_fine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
