/* SPDX-License-Identifier: MIT */

/* What systemd allows in time: of each rule when it trips and what it says then, and everything
 * that keeps it quiet. The perfect unit grants 1min 30s to 1min of drain and 30s of headroom. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule-fixture.h"

#define T(value) \
        { VIEW_TIMEOUT_STOP_USEC, value, 0 }
#define ABORT(value) \
        { VIEW_TIMEOUT_ABORT_USEC, value, 0 }
#define WATCHDOG(value) \
        { VIEW_WATCHDOG_USEC, value, 0 }
#define MODE(value) \
        { VIEW_TIMEOUT_STOP_FAILURE_MODE, value, 0 }

#define UNSUPERVISED ROW_UNSUPERVISED
#define GIVEN        (ROW_UNSUPERVISED | ROW_DRAIN_GIVEN)
#define RUN_UNKNOWN  ROW_RUN_UNKNOWN

static void cap_is_two_minutes(UnitView *view, RuleInput *input _unused_) {
        view->cap_usec = 2 * USEC_PER_MINUTE;
        view->cap_unit = strdup("user@1000.service");
        assert_non_null(view->cap_unit);
}

/* As the wire has it from a manager that knows no such bound. */
static void cap_is_zero(UnitView *view, RuleInput *input _unused_) {
        view->cap_usec = 0;
}

static void nothing_sets_the_timeout(UnitView *view, RuleInput *input _unused_) {
        view->values[VIEW_TIMEOUT_STOP_USEC].origin = VIEW_ORIGIN_DEFAULT;
}

/* clang-format off */
#define SHORT "TimeoutStopSec: TimeoutStopSec=1min 30s"

static const RuleRow short_rows[] = {
        { "exactly enough", 0, { T("90s") } },
        { "a microsecond short", 0, { T("89s 999ms 999us") }, NULL, NULL, "warning " SHORT,
                "waits 1min 29.999999s for a stop that needs 1min of drain and 30s of headroom" },
        { "extended by the supervisor", 0, { T("45s") }, NULL, NULL, "warning " SHORT,
                "only a living supervisor" },
        { "infinite", 0, { T("infinity") } },
        { "0 is infinite", 0, { T("0") } },
        { "not known", 0, { T(NOT_KNOWN) } },
        { "refused by systemd", ROW_NOT_LOADED, { T("45s") } },
        { "from the manager", 0, { { VIEW_TIMEOUT_STOP_USEC, "45s", VIEW_ORIGIN_MANAGER } }, NULL,
                NULL, "warning " SHORT },
        { "another drain", 0, { T("90s") }, "--ready=exec --drain-timeout=3min --headroom=45s",
                NULL, "warning TimeoutStopSec: TimeoutStopSec=3min 45s",
                "3min of drain and 45s of headroom" },
        { "a drain of days", 0, { T("90s") }, "--drain-timeout=2d", NULL,
                "warning TimeoutStopSec: TimeoutStopSec=2d 30s" },

        { "cut", 0, { T("45s") },
                "--on-short-timeout=clamp", NULL, "error " SHORT, "gatewatch cuts the drain" },
        { "refused", 0, { T("45s") }, "--on-short-timeout=refuse", NULL, "error " SHORT,
                "refuses to start" },
        { "run as configured", 0, { T("45s") }, "--on-short-timeout=warn", NULL, "error " SHORT,
                "systemd ends the drain by SIGKILL" },
        { "nobody listens to an extension", 0,
                { T("45s"), { VIEW_TYPE, "exec", 0 }, { VIEW_NOTIFY_ACCESS, "none", 0 } }, NULL,
                NULL, "error " SHORT, "gatewatch cuts the drain" },
        { "whether anybody listens is not known", 0,
                { T("45s"), { VIEW_TYPE, "exec", 0 }, { VIEW_NOTIFY_ACCESS, NOT_KNOWN, 0 } }, NULL,
                NULL, "warning " SHORT, "a living supervisor" },
        { "a cap above the unit lets it extend", ROW_USER, { T("45s") }, NULL, cap_is_two_minutes,
                "warning " SHORT },
        { "no cap above the unit", ROW_USER, { T("45s") }, NULL, cap_is_zero, "warning " SHORT },
        { "a cap above the unit is in the way", ROW_USER, { T("45s") }, "--drain-timeout=2min",
                cap_is_two_minutes, "error TimeoutStopSec: TimeoutStopSec=2min 30s",
                "gatewatch cuts" },
        { "a cap is nothing to system units", 0, { T("45s") }, "--drain-timeout=2min",
                cap_is_two_minutes, "warning TimeoutStopSec: TimeoutStopSec=2min 30s" },

        { "not supervised", UNSUPERVISED, { T("45s") } },
        { "not supervised, drain given", GIVEN, { T("45s") }, NULL, NULL, "error " SHORT,
                "systemd ends the drain by SIGKILL" },
        { "settings not known", RUN_UNKNOWN, { T("45s") } },
        { "settings not known, drain given", RUN_UNKNOWN | ROW_DRAIN_GIVEN, { T("45s") }, NULL,
                NULL, "warning " SHORT, "only a living supervisor" },
        { "settings not known, nobody listens", RUN_UNKNOWN | ROW_DRAIN_GIVEN,
                { T("45s"), { VIEW_TYPE, "exec", 0 }, { VIEW_NOTIFY_ACCESS, "none", 0 } }, NULL,
                NULL, "error " SHORT, "the drain is cut off" },
};

#define FROM(value, origin) { { VIEW_TIMEOUT_STOP_USEC, value, origin } }
#define DEFAULT VIEW_ORIGIN_DEFAULT
#define MANAGER VIEW_ORIGIN_MANAGER
#define DROP_IN VIEW_ORIGIN_DROP_IN

static const RuleRow default_rows[] = {
        { "systemd's own", 0, { T("90s") }, NULL, nothing_sets_the_timeout, "warning " SHORT,
                "whoever sets that below 1min 30s" },
        { "the manager's", 0, FROM("5min", MANAGER), NULL, NULL, "warning " SHORT,
                "it is 5min by" },
        { "the manager's, endless", 0, FROM("infinity", MANAGER), NULL, NULL, "warning " SHORT,
                "it is infinity by" },
        { "the manager's, exactly enough", 0, FROM("90s", MANAGER), NULL, NULL, "warning " SHORT },
        { "the manager's, short", 0, FROM("89s", MANAGER) },
        { "the fragment's", 0, { T("90s") } },
        { "a drop-in's", 0, FROM("90s", DROP_IN) },
        { "from files that cannot be read", ROW_ORIGINS_UNKNOWN, { T("90s") } },
        { "not known", 0, FROM(NOT_KNOWN, 0), NULL, nothing_sets_the_timeout },
        { "refused by systemd", ROW_NOT_LOADED, FROM("5min", MANAGER) },
        { "not supervised", UNSUPERVISED, FROM("5min", MANAGER) },
        { "not supervised, drain given", GIVEN, FROM("5min", MANAGER), NULL, NULL,
                "warning " SHORT },
        { "settings not known", RUN_UNKNOWN, FROM("5min", MANAGER) },
};

#define ABORTED "warning TimeoutAbortSec: TimeoutAbortSec=1min 30s"

static const RuleRow abort_rows[] = {
        { "short, with a watchdog", 0, { ABORT("10s"), WATCHDOG("30s") }, NULL, NULL, ABORTED,
                "its watchdog ends the unit, systemd waits TimeoutAbortSec= of 10s" },
        { "short, with an abort of long stops", 0, { ABORT("10s"), MODE("abort") }, NULL, NULL,
                ABORTED, "aborts a stop that took too long" },
        { "short, nobody aborts", 0, { ABORT("10s") } },
        { "short, long stops are killed", 0, { ABORT("10s"), MODE("kill") } },
        { "short, watchdog off", 0, { ABORT("10s"), WATCHDOG("0") } },
        { "short, watchdog never", 0, { ABORT("10s"), WATCHDOG("infinity") } },
        { "short, watchdog not known", 0, { ABORT("10s"), WATCHDOG(NOT_KNOWN) } },
        { "short, mode not known", 0, { ABORT("10s"), MODE(NOT_KNOWN) } },
        { "a microsecond short", 0, { ABORT("89s 999ms 999us"), MODE("abort") }, NULL, NULL,
                ABORTED },
        { "exactly enough", 0, { ABORT("90s"), MODE("abort") } },
        { "infinite", 0, { ABORT("infinity"), MODE("abort") } },
        { "not known", 0, { ABORT(NOT_KNOWN), MODE("abort") } },
        { "it is TimeoutStopSec=", 0, { T("45s"), MODE("abort") } },
        { "set to the same as TimeoutStopSec=", 0, { T("45s"), ABORT("45s"), MODE("abort") }, NULL,
                NULL, ABORTED },
        { "the manager's", ROW_ORIGINS_UNKNOWN, { ABORT("10s"), MODE("abort") }, NULL, NULL,
                ABORTED },
        { "perhaps TimeoutStopSec=, which is not known", ROW_ORIGINS_UNKNOWN,
                { T(NOT_KNOWN), ABORT("10s"), MODE("abort") } },
        { "refused by systemd", ROW_NOT_LOADED, { ABORT("10s"), MODE("abort") } },
        { "not supervised", UNSUPERVISED, { ABORT("10s"), MODE("abort") } },
        { "not supervised, drain given", GIVEN, { ABORT("10s"), MODE("abort") }, NULL, NULL,
                ABORTED },
        { "settings not known", RUN_UNKNOWN, { ABORT("10s"), MODE("abort") } },
};

#define USER_COMMAND(span) " - $ mkdir -p /etc/systemd/system/user@.service.d && " \
        "printf '[Service]\\nTimeoutStopSec=" span "\\n' " \
        "> /etc/systemd/system/user@.service.d/50-gatewatch.conf && systemctl daemon-reload"

static const RuleRow cap_rows[] = {
        { "the cap is enough", ROW_USER, {}, "--drain-timeout=90s", cap_is_two_minutes },
        { "the headroom is cut", ROW_USER, {}, "--drain-timeout=91s", cap_is_two_minutes,
                "warning" USER_COMMAND("2min 1s"), "kills user@1000.service after 2min" },
        { "the drain just fits", ROW_USER, {}, "--drain-timeout=2min", cap_is_two_minutes,
                "warning" USER_COMMAND("2min 30s") },
        { "the drain is cut", ROW_USER, {}, "--drain-timeout=121s", cap_is_two_minutes,
                "error" USER_COMMAND("2min 31s"), "need 2min 31s" },
        { "whatever the unit has", ROW_USER, { T("infinity") }, "--drain-timeout=3min",
                cap_is_two_minutes, "error" USER_COMMAND("3min 30s") },
        { "no cap, or not known", ROW_USER, {}, "--drain-timeout=3min" },
        { "a cap of 0 is none", ROW_USER, {}, "--drain-timeout=3min", cap_is_zero },
        { "a system unit", 0, {}, "--drain-timeout=3min", cap_is_two_minutes },
        { "refused by systemd", ROW_USER | ROW_NOT_LOADED, {}, "--drain-timeout=3min",
                cap_is_two_minutes },
        { "not supervised", ROW_USER | UNSUPERVISED, {}, NULL, cap_is_two_minutes },
        { "not supervised, drain given", ROW_USER | GIVEN, {}, NULL, cap_is_two_minutes },
};

#define JOB(value) { VIEW_JOB_TIMEOUT_USEC, value, 0 }
#define RUNNING(value) { VIEW_JOB_RUNNING_TIMEOUT_USEC, value, 0 }
#define JOB_SHORT "warning JobTimeoutSec: [Unit] JobTimeoutSec=infinity"
#define RUNNING_SHORT "warning JobRunningTimeoutSec: [Unit] JobRunningTimeoutSec=infinity"

static const RuleRow job_rows[] = {
        { "shorter than the stop", 0, { JOB("1min") }, NULL, NULL, JOB_SHORT,
                "JobTimeoutSec= cancels the stop job after 1min, though" },
        { "running, shorter than the stop", 0, { RUNNING("1min") }, NULL, NULL, RUNNING_SHORT,
                "JobRunningTimeoutSec= cancels" },
        { "both", 0, { JOB("1min"), RUNNING("30s") }, NULL, NULL,
                JOB_SHORT "; [Unit] JobRunningTimeoutSec=infinity",
                "JobTimeoutSec= cancels the stop job after 1min" },
        { "running, taken over from JobTimeoutSec=", 0,
                { JOB("1min"), { VIEW_JOB_RUNNING_TIMEOUT_USEC, "1min", DEFAULT } }, NULL, NULL,
                JOB_SHORT },
        { "both, of another machine", ROW_ORIGINS_UNKNOWN, { JOB("1min"), RUNNING("1min") }, NULL,
                NULL, JOB_SHORT "; [Unit] JobRunningTimeoutSec=infinity" },
        { "a microsecond short", 0, { JOB("89s 999ms 999us") }, NULL, NULL, JOB_SHORT },
        { "exactly enough", 0, { JOB("90s"), RUNNING("90s") } },
        { "infinite", 0, { JOB("infinity"), RUNNING("infinity") } },
        { "0 is infinite", 0, { JOB("0"), RUNNING("0") } },
        { "shorter than a long TimeoutStopSec=", 0, { T("10min"), JOB("5min") }, NULL, NULL,
                JOB_SHORT, "may take 10min" },
        { "longer than a short TimeoutStopSec=, shorter than its extension", 0,
                { T("45s"), JOB("1min") }, NULL, NULL, JOB_SHORT, "may take 1min 30s" },
        { "an endless TimeoutStopSec=, shorter than the drain", 0, { T("infinity"), JOB("1min") },
                NULL, NULL, JOB_SHORT },
        { "an endless TimeoutStopSec=, longer than the drain", 0, { T("infinity"), JOB("5min") } },
        { "TimeoutStopSec= is not known, shorter than the drain", 0, { T(NOT_KNOWN), JOB("1min") },
                NULL, NULL, JOB_SHORT },
        { "not known", 0, { JOB(NOT_KNOWN), RUNNING(NOT_KNOWN) } },
        { "refused by systemd", ROW_NOT_LOADED, { JOB("1min") } },
        { "not supervised", UNSUPERVISED, { JOB("1min") } },
        { "not supervised, drain given", GIVEN, { JOB("1min") }, NULL, NULL, JOB_SHORT },
        { "settings not known", RUN_UNKNOWN, { JOB("1min") } },
};

#define RUNTIME(value) { VIEW_RUNTIME_MAX_USEC, value, 0 }
#define RUNTIME_SHORT "warning RuntimeMaxSec: RuntimeMaxSec=infinity"

static const RuleRow runtime_rows[] = {
        { "shorter than the drain", 0, { RUNTIME("1min") }, NULL, NULL, RUNTIME_SHORT,
                "after 1min of service, less than the 1min 30s" },
        { "a microsecond short", 0, { RUNTIME("89s 999ms 999us") }, NULL, NULL, RUNTIME_SHORT },
        { "as long as the drain", 0, { RUNTIME("90s") } },
        { "none", 0, { RUNTIME("infinity") } },
        { "not set", 0, {} },
        { "not known", 0, { RUNTIME(NOT_KNOWN) } },
        { "refused by systemd", ROW_NOT_LOADED, { RUNTIME("1min") } },
        { "not supervised", UNSUPERVISED, { RUNTIME("1min") } },
        { "not supervised, drain given", GIVEN, { RUNTIME("1min") }, NULL, NULL, RUNTIME_SHORT },
        { "settings not known", RUN_UNKNOWN, { RUNTIME("1min") } },
};

#define WATCHDOG_SHORT "warning WatchdogSec: WatchdogSec=30s"

static const RuleRow watchdog_short_rows[] = {
        { "a microsecond short", 0, { WATCHDOG("1s 999ms 999us") }, NULL, NULL, WATCHDOG_SHORT,
                "twice in the 1.999999s" },
        { "tiny", 0, { WATCHDOG("1us") }, NULL, NULL, WATCHDOG_SHORT },
        { "long enough", 0, { WATCHDOG("2s") } },
        { "off", 0, { WATCHDOG("0") } },
        { "never", 0, { WATCHDOG("infinity") } },
        { "not known", 0, { WATCHDOG(NOT_KNOWN) } },
        { "refused by systemd", ROW_NOT_LOADED, { WATCHDOG("1s") } },
        { "not supervised", UNSUPERVISED, { WATCHDOG("1s") } },
        { "not supervised, drain given", GIVEN, { WATCHDOG("1s") } },
        { "settings not known", RUN_UNKNOWN, { WATCHDOG("1s") }, NULL, NULL, WATCHDOG_SHORT },
};

#define WATCHDOG_ALONE "hint WatchdogSec"

static const RuleRow watchdog_rows[] = {
        { "on", 0, { WATCHDOG("30s") }, NULL, NULL, WATCHDOG_ALONE, "a supervisor that hangs" },
        { "just long enough", 0, { WATCHDOG("2s") }, NULL, NULL, WATCHDOG_ALONE },
        { "too short, which says it all", 0, { WATCHDOG("1s 999ms 999us") } },
        { "off", 0, { WATCHDOG("0") } },
        { "never", 0, { WATCHDOG("infinity") } },
        { "not known", 0, { WATCHDOG(NOT_KNOWN) } },
        { "refused by systemd", ROW_NOT_LOADED, { WATCHDOG("30s") } },
        { "not supervised", UNSUPERVISED, { WATCHDOG("30s") } },
        { "not supervised, drain given", GIVEN, { WATCHDOG("30s") } },
        { "settings not known", RUN_UNKNOWN, { WATCHDOG("30s") }, NULL, NULL, WATCHDOG_ALONE },
        { "the gateway is watched too", 0, { WATCHDOG("30s") }, "--watchdog=10s" },
        { "the gateway's is off", 0, { WATCHDOG("30s") }, "--watchdog=0", NULL, WATCHDOG_ALONE,
                "--watchdog= of gatewatch run does" },
};

#define STEP_LONG "hint ExecStart"

static const RuleRow step_rows[] = {
        { "the default", 0, {} },
        { "the default, longer than the drain", 0, {}, "--drain-timeout=3s" },
        { "shorter than the drain", 0, {}, "--step-timeout=59s" },
        { "as long as the drain", 0, {}, "--step-timeout=1min", NULL, STEP_LONG,
                "--step-timeout= of 1min is not shorter than the drain of 1min:" },
        { "longer than the drain", 0, {}, "--drain-timeout=10s --step-timeout=15s", NULL, STEP_LONG,
                "of 15s is not shorter than the drain of 10s" },
        { "longer than the drain of a schedule", 0, {},
                "--stop-schedule=TERM/10/KILL/5 --step-timeout=10s", NULL, STEP_LONG },
        { "it begins a stop as well", 0, {}, "--step-timeout=1min --on-step-timeout=stop", NULL,
                STEP_LONG },
        { "unbounded", 0, {}, "--step-timeout=infinity" },
        { "0 is unbounded", 0, {}, "--step-timeout=0" },
        { "only recorded", 0, {}, "--step-timeout=2min --on-step-timeout=log" },
        { "no drain at all", 0, {}, "--drain-timeout=0 --step-timeout=7s" },
        { "refused by systemd", ROW_NOT_LOADED, {}, "--step-timeout=1min" },
        { "not supervised, drain given", GIVEN, {} },
        { "settings not known, drain given", RUN_UNKNOWN | ROW_DRAIN_GIVEN, {} },
};
/* clang-format on */

static void test_rule_timeout_below_drain_and_headroom_trips(void **state) {
        assert_rule_rows(state, rule_timeout_too_short, short_rows);
}

static void test_rule_timeout_by_nobody_but_the_manager_trips(void **state) {
        assert_rule_rows(state, rule_timeout_from_default, default_rows);
}

static void test_rule_abort_timeout_below_drain_and_headroom_trips(void **state) {
        assert_rule_rows(state, rule_abort_timeout_too_short, abort_rows);
}

static void test_rule_user_manager_killed_in_the_drain_trips(void **state) {
        assert_rule_rows(state, rule_user_manager_timeout, cap_rows);
}

static void test_rule_job_timeout_below_the_stop_trips(void **state) {
        assert_rule_rows(state, rule_job_timeout, job_rows);
}

static void test_rule_runtime_below_the_drain_trips(void **state) {
        assert_rule_rows(state, rule_runtime_max, runtime_rows);
}

static void test_rule_watchdog_below_two_seconds_trips(void **state) {
        assert_rule_rows(state, rule_watchdog_too_short, watchdog_short_rows);
}

static void test_rule_watchdog_that_works_trips_as_hint(void **state) {
        assert_rule_rows(state, rule_watchdog_supervisor_only, watchdog_rows);
}

static void test_rule_step_timeout_beyond_the_drain_trips(void **state) {
        assert_rule_rows(state, rule_step_timeout_beyond_drain, step_rows);
}

/* The manager's unit is named by its template where the unit is not known. */
static void test_rule_user_manager_of_unknown_name_is_its_template(void **state) {
        static const RuleRow row = { .name = "no name", .flags = ROW_USER };
        RuleFixture *fixture = *state;

        rule_fixture_load(fixture, &row);
        fixture->view.cap_usec = USEC_PER_SEC;
        assert_non_null(rule_fixture_ask(fixture, rule_user_manager_timeout));
        assert_non_null(strstr(fixture->finding.message, " user@.service "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                rule_test(test_rule_timeout_below_drain_and_headroom_trips),
                rule_test(test_rule_timeout_by_nobody_but_the_manager_trips),
                rule_test(test_rule_abort_timeout_below_drain_and_headroom_trips),
                rule_test(test_rule_user_manager_killed_in_the_drain_trips),
                rule_test(test_rule_job_timeout_below_the_stop_trips),
                rule_test(test_rule_runtime_below_the_drain_trips),
                rule_test(test_rule_watchdog_below_two_seconds_trips),
                rule_test(test_rule_watchdog_that_works_trips_as_hint),
                rule_test(test_rule_step_timeout_beyond_the_drain_trips),
                rule_test(test_rule_user_manager_of_unknown_name_is_its_template),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
