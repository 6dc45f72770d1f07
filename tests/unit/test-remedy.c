/* SPDX-License-Identifier: MIT */

/* The drop-in as text: what findings ask for, and what a drop-in of ours already says. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check/remedy.h"

#define HEAD REMEDY_MARK " delete it to undo, `gatewatch check --fix=write` writes it anew.\n"

#define FINDINGS_MAX 4

typedef struct Fixture {
        UnitView view;
        Finding findings[FINDINGS_MAX];
        Lint lint;
        char *text; /* what a test has written */
} Fixture;

typedef struct MendRow {
        ViewKey key;
        const char *value; /* NULL: no such row */
        const char *reason;
} MendRow;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture || unit_view_init(&fixture->view, "a.service", UNIT_MANAGER_SYSTEM) < 0)
                return -1;
        fixture->lint.view = &fixture->view;
        fixture->lint.findings = fixture->findings;
        *state = fixture;
        return 0;
}

static void forget(Fixture *fixture) {
        for (size_t i = 0; i < FINDINGS_MAX; i++)
                finding_done(&fixture->findings[i]);
        fixture->lint.n_findings = 0;
        free(fixture->text);
        fixture->text = NULL;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        forget(fixture);
        unit_view_done(&fixture->view);
        free(fixture);
        return 0;
}

/* One more finding, with one mend. */
static Finding *find(Fixture *fixture, MendRow row) {
        Finding *finding = &fixture->findings[fixture->lint.n_findings++];
        FindingWriter writer = { .finding = finding };

        assert_true(fixture->lint.n_findings <= FINDINGS_MAX);
        (void) finding_mend(&writer, row.key, row.reason, "%s", row.value);
        assert_false(writer.is_out_of_memory);
        return finding;
}

static void assign(Fixture *fixture, ViewKey key, const char *value, const char *source) {
        assert_int_equal(
                unit_view_assign(&fixture->view, key, value, VIEW_ORIGIN_DROP_IN, source), 0);
}

#define LONG_REASON                                                                           \
        "a reason that takes more than one line of a hundred columns, so that it is wrapped " \
        "behind the last word that fits"

static const struct {
        MendRow mends[FINDINGS_MAX];
        const char *expected;
} fresh_rows[] = {
        { { { VIEW_KILL_MODE, "mixed", "only the supervisor gets the signal" } },
                HEAD "\n[Service]\n# only the supervisor gets the signal\nKillMode=mixed\n" },
        /* [Unit] comes first; a setting may have no reason, and an empty value. */
        { { { VIEW_PID_FILE, "", NULL }, { VIEW_START_LIMIT_BURST, "5", "r" } },
                HEAD "\n[Unit]\n# r\nStartLimitBurst=5\n\n[Service]\nPIDFile=\n" },
        { { { VIEW_KILL_MODE, "mixed", LONG_REASON } },
                HEAD "\n[Service]\n"
                     "# a reason that takes more than one line of a hundred columns, so that it is "
                     "wrapped behind the last\n# word that fits\nKillMode=mixed\n" },
        /* Equal lines are one, with each reason once. */
        { { { VIEW_KILL_MODE, "mixed", "one" }, { VIEW_KILL_MODE, "mixed", "two" },
                  { VIEW_KILL_MODE, "mixed", "one" } },
                HEAD "\n[Service]\n# one\n# two\nKillMode=mixed\n" },
        /* Of others the first wins, and the reason of what is not done is not told. */
        { { { VIEW_KILL_MODE, "mixed", "one" }, { VIEW_KILL_MODE, "process", "two" } },
                HEAD "\n[Service]\n# one\nKillMode=mixed\n" },
        /* Of times the longest, wherever it stands. */
        { { { VIEW_TIMEOUT_STOP_USEC, "90s", "one" }, { VIEW_TIMEOUT_STOP_USEC, "2min", "two" },
                  { VIEW_TIMEOUT_STOP_USEC, "100s", NULL } },
                HEAD "\n[Service]\n# one\n# two\nTimeoutStopSec=2min\n" },
        { { { VIEW_TIMEOUT_STOP_USEC, "2min", "one" }, { VIEW_TIMEOUT_STOP_USEC, "120s", "two" } },
                HEAD "\n[Service]\n# one\n# two\nTimeoutStopSec=2min\n" },
        { { { VIEW_TIMEOUT_STOP_USEC, "1y", "one" },
                  { VIEW_TIMEOUT_STOP_USEC, "infinity", "two" } },
                HEAD "\n[Service]\n# one\n# two\nTimeoutStopSec=infinity\n" },
        /* Lists have all lines, behind what resets them. */
        { { { VIEW_RESTART_PREVENT_EXIT_STATUS, "78", "one" },
                  { VIEW_RESTART_PREVENT_EXIT_STATUS, "64", "two" },
                  { VIEW_RESTART_PREVENT_EXIT_STATUS, "78", "three" } },
                HEAD "\n[Service]\n# one\n# three\nRestartPreventExitStatus=78\n"
                     "# two\nRestartPreventExitStatus=64\n" },
        { { { VIEW_EXEC_STOP, "/bin/true", "two" }, { VIEW_EXEC_STOP, "", "one" } },
                HEAD "\n[Service]\n# one\nExecStop=\n# two\nExecStop=/bin/true\n" },
};

static void test_remedy_without_present_has_each_line_once(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(fresh_rows); i++) {
                forget(fixture);
                for (size_t j = 0; j < FINDINGS_MAX && fresh_rows[i].mends[j].value; j++)
                        (void) find(fixture, fresh_rows[i].mends[j]);
                assert_int_equal(remedy_write(&fixture->lint, NULL, &fixture->text), 1);
                assert_string_equal(fixture->text, fresh_rows[i].expected);
        }
}

#define MIXED \
        { VIEW_KILL_MODE, "mixed", "a drain" }
#define PREVENT \
        { VIEW_RESTART_PREVENT_EXIT_STATUS, "78", "78" }
#define BURST \
        { VIEW_START_LIMIT_BURST, "5", "b" }

static const struct {
        MendRow mend;
        const char *present; /* behind its first line */
        const char *expected;
} present_rows[] = {
        { MIXED, "", "\n[Service]\n# a drain\nKillMode=mixed\n" },
        /* Replaced with its comments, kept with its comments. */
        { MIXED, "\n[Service]\n# old\nKillMode=none\n# stays\nTimeoutStopSec=5min\n",
                "\n[Service]\n# stays\nTimeoutStopSec=5min\n# a drain\nKillMode=mixed\n" },
        { MIXED, "\n[Service]\n# mine\n\n; old\n\tKillMode \t=none",
                "\n[Service]\n# mine\n\n# a drain\nKillMode=mixed\n" },
        { MIXED, "\n[Service]\nKillMode=a \\\n# between\n b\nRestart=no\n",
                "\n[Service]\nRestart=no\n# a drain\nKillMode=mixed\n" },
        /* A comment that ends in a backslash continues nothing. */
        { MIXED, "\n[Service]\nKillMode=none\n# \\\nRestart=no\n",
                "\n[Service]\n# \\\nRestart=no\n# a drain\nKillMode=mixed\n" },
        { MIXED, "\n[Service]\nUser=\"A\\\\\"\nExecStart=a\\\\\nKillMode=none\n",
                "\n[Service]\nUser=\"A\\\\\"\nExecStart=a\\\\\n# a drain\nKillMode=mixed\n" },
        /* The last line without an end, line ends of other systems. */
        { MIXED, "\n[Service]\nRestart=no",
                "\n[Service]\nRestart=no\n# a drain\nKillMode=mixed\n" },
        { MIXED, "\r\n[Service]\r\nKillMode=none\r\nRestart=no\r\n",
                "\r\n[Service]\r\nRestart=no\r\n# a drain\nKillMode=mixed\n" },
        /* Of the right section only; into it, at the end of its last part. */
        { MIXED, "\n[X-Mine]\nKillMode=none\n\n",
                "\n[X-Mine]\nKillMode=none\n\n\n[Service]\n# a drain\nKillMode=mixed\n" },
        { MIXED, "\n[Service]\nRestart=no\n\n# unit\n[Unit]\nStartLimitBurst=1\n",
                "\n[Service]\nRestart=no\n# a drain\nKillMode=mixed\n\n# unit\n[Unit]\n"
                "StartLimitBurst=1\n" },
        { MIXED, "[Service]\nKillMode=none\n[Unit]\n[Service]\nKillMode=none\nRestart=no\n\n",
                "[Service]\n[Unit]\n[Service]\nRestart=no\n# a drain\nKillMode=mixed\n\n" },
        { BURST, "\n[Service]\nStartLimitBurst=1\n",
                "\n[Service]\nStartLimitBurst=1\n\n[Unit]\n# b\nStartLimitBurst=5\n" },
        /* A list keeps its other items. */
        { PREVENT, "\n[Service]\n# old\nRestartPreventExitStatus=78\nRestartPreventExitStatus=64\n",
                "\n[Service]\nRestartPreventExitStatus=64\n# 78\nRestartPreventExitStatus=78\n" },
        { { VIEW_EXEC_STOP, "", NULL }, "\n[Service]\nExecStop=/bin/kill $MAINPID\nExecStop=/b\n",
                "\n[Service]\nExecStop=\n" },
        /* What is no assignment stays; so does what systemd does not read. */
        { MIXED, "\n[Service]\nnonsense\nRestart=no\n",
                "\n[Service]\nnonsense\nRestart=no\n# a drain\nKillMode=mixed\n" },
        { MIXED, "\n[Service]\nRestart=no\n[Service\nKillMode=none\n",
                "\n[Service]\nRestart=no\n# a drain\nKillMode=mixed\n[Service\nKillMode=none\n" },
        { MIXED, "\n[\nKillMode=none",
                "\n\n[Service]\n# a drain\nKillMode=mixed\n[\nKillMode=none\n" },
};

static void test_remedy_with_present_keeps_the_rest(void **state) {
        Fixture *fixture = *state;
        char present[512], expected[512];

        for (size_t i = 0; i < ELEMENTSOF(present_rows); i++) {
                (void) snprintf(present, sizeof(present), HEAD "%s", present_rows[i].present);
                (void) snprintf(expected, sizeof(expected), HEAD "%s", present_rows[i].expected);
                forget(fixture);
                (void) find(fixture, present_rows[i].mend);

                assert_int_equal(remedy_write(&fixture->lint, present, &fixture->text), 1);
                assert_string_equal(fixture->text, expected);
        }
}

static void test_remedy_of_its_own_result_changes_nothing(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(fresh_rows); i++) {
                forget(fixture);
                for (size_t j = 0; j < FINDINGS_MAX && fresh_rows[i].mends[j].value; j++)
                        (void) find(fixture, fresh_rows[i].mends[j]);
                assert_int_equal(
                        remedy_write(&fixture->lint, fresh_rows[i].expected, &fixture->text), 1);
                assert_string_equal(fixture->text, fresh_rows[i].expected);
        }
}

static void test_remedy_of_an_older_mark_has_the_mark_of_today(void **state) {
        Fixture *fixture = *state;

        (void) find(fixture, (MendRow) MIXED);
        assert_int_equal(
                remedy_write(&fixture->lint, REMEDY_MARK " as it was\n[Service]\n", &fixture->text),
                1);
        assert_string_equal(fixture->text, HEAD "[Service]\n# a drain\nKillMode=mixed\n");
}

static void test_remedy_of_a_strangers_file_is_refused(void **state) {
        static const char *const rows[] = { "", "[Service]\nKillMode=none\n", "\n" HEAD, " " HEAD };
        Fixture *fixture = *state;

        (void) find(fixture, (MendRow) MIXED);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_false(remedy_is_ours(rows[i]));
                assert_int_equal(remedy_write(&fixture->lint, rows[i], &fixture->text), -EPERM);
                assert_null(fixture->text);
        }
}

static void test_remedy_without_mends_is_nothing(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(remedy_write(&fixture->lint, NULL, &fixture->text), 0);
        fixture->lint.n_findings = 1; /* it has a command at best */
        assert_int_equal(remedy_write(&fixture->lint, HEAD, &fixture->text), 0);
        assert_int_equal(remedy_write(&fixture->lint, "a stranger's", &fixture->text), 0);
        assert_null(fixture->text);
        assert_int_equal(remedy_obstacle(&fixture->view, &fixture->findings[0]), REMEDY_NO_SETTING);
}

static const struct {
        const char *source;
        RemedyObstacle expected;
} obstacle_rows[] = {
        { "/etc/systemd/system/a.service.d/10-first.conf", REMEDY_POSSIBLE },
        { "/etc/systemd/system/a.service.d/50-gatewatch.con", REMEDY_POSSIBLE },
        { "/etc/systemd/system/a.service.d/" REMEDY_FILE, REMEDY_POSSIBLE },
        { "/usr/lib/systemd/system/a.service.d/" REMEDY_FILE, REMEDY_POSSIBLE },
        { "/zz/a.service.d/50-gatewatch", REMEDY_POSSIBLE },
        { "/etc/systemd/system/a.service.d/60-last.conf", REMEDY_OVERRIDDEN },
        { "/usr/lib/systemd/system/service.d/override.conf", REMEDY_OVERRIDDEN },
        { "50-gatewatch.conf.conf", REMEDY_OVERRIDDEN },
};

static void test_remedy_below_a_later_drop_in_is_overridden(void **state) {
        Fixture *fixture = *state;
        const Finding *mixed = find(fixture, (MendRow) MIXED);
        const Finding *prevent = find(fixture, (MendRow) PREVENT);
        const Finding *burst = find(fixture, (MendRow) BURST);

        for (size_t i = 0; i < ELEMENTSOF(obstacle_rows); i++) {
                const char *source = obstacle_rows[i].source;

                assign(fixture, VIEW_KILL_MODE, "none", source);
                assign(fixture, VIEW_RESTART_PREVENT_EXIT_STATUS, "64", source);
                assert_int_equal(remedy_obstacle(&fixture->view, mixed), obstacle_rows[i].expected);
                /* A list only grows. */
                assert_int_equal(remedy_obstacle(&fixture->view, prevent), REMEDY_POSSIBLE);
                assert_int_equal(remedy_obstacle(&fixture->view, burst), REMEDY_POSSIBLE);
        }
}

static void test_remedy_reset_below_a_later_drop_in_is_overridden(void **state) {
        Fixture *fixture = *state;
        const Finding *reset = find(fixture, (MendRow){ VIEW_EXEC_STOP, "", NULL });

        assign(fixture, VIEW_EXEC_STOP, "/bin/true", "/etc/60-last.conf");
        assert_int_equal(remedy_obstacle(&fixture->view, reset), REMEDY_OVERRIDDEN);
}

/* A finding is mended whole or not at all. */
static void test_remedy_with_one_mend_overridden_leaves_the_finding_out(void **state) {
        Fixture *fixture = *state;
        FindingWriter writer = { .finding = find(fixture, (MendRow) BURST) };

        (void) finding_mend(&writer, VIEW_KILL_MODE, NULL, "mixed");
        (void) find(fixture, (MendRow) PREVENT);
        assign(fixture, VIEW_KILL_MODE, "none", "/etc/60-last.conf");

        assert_int_equal(remedy_obstacle(&fixture->view, writer.finding), REMEDY_OVERRIDDEN);
        assert_int_equal(remedy_write(&fixture->lint, NULL, &fixture->text), 1);
        assert_string_equal(fixture->text, HEAD "\n[Service]\n# 78\nRestartPreventExitStatus=78\n");
}

static void test_remedy_over_the_unit_file_is_possible(void **state) {
        Fixture *fixture = *state;
        const Finding *mixed = find(fixture, (MendRow) MIXED);

        assert_int_equal(unit_view_assign(&fixture->view, VIEW_KILL_MODE, "none",
                                 VIEW_ORIGIN_FRAGMENT, "/etc/systemd/system/a.service"),
                0);
        assert_int_equal(remedy_obstacle(&fixture->view, mixed), REMEDY_POSSIBLE);
}

#define remedy_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                remedy_test(test_remedy_without_present_has_each_line_once),
                remedy_test(test_remedy_with_present_keeps_the_rest),
                remedy_test(test_remedy_of_its_own_result_changes_nothing),
                remedy_test(test_remedy_of_an_older_mark_has_the_mark_of_today),
                remedy_test(test_remedy_of_a_strangers_file_is_refused),
                remedy_test(test_remedy_without_mends_is_nothing),
                remedy_test(test_remedy_below_a_later_drop_in_is_overridden),
                remedy_test(test_remedy_reset_below_a_later_drop_in_is_overridden),
                remedy_test(test_remedy_with_one_mend_overridden_leaves_the_finding_out),
                remedy_test(test_remedy_over_the_unit_file_is_possible),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
