/* SPDX-License-Identifier: MIT */

/* How a unit starts, says that it is ready, and comes back: each rule on the perfect unit with one thing
 * changed, one row a condition. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule-fixture.h"

/* What every rule leaves alone. */
#define ROWS_OF_OTHERS(...)                                                                       \
        { .name = "the perfect unit" }, { .name = "a user's perfect unit", .flags = ROW_USER },   \
                { .name = "not supervised",                                                       \
                        .flags = ROW_UNSUPERVISED,                                                \
                        .changes = { __VA_ARGS__ } },                                             \
                { .name = "not supervised, with a drain",                                         \
                        .flags = ROW_UNSUPERVISED | ROW_DRAIN_GIVEN,                              \
                        .changes = { __VA_ARGS__ } },                                             \
        {                                                                                         \
                .name = "refused by systemd", .flags = ROW_NOT_LOADED, .changes = { __VA_ARGS__ } \
        }

/* ---- Starting -------------------------------------------------------------------------------- */

static void test_rule_service_type_that_cannot_work_is_an_error(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_TYPE, "forking", 0 }),
                { .name = "forking",
                        .changes = { { VIEW_TYPE, "forking", 0 } },
                        .finds = "error Type: Type=notify",
                        .says = "--ready=exec" },
                { .name = "forking, settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { { VIEW_TYPE, "forking", 0 } },
                        .finds = "error Type: Type=notify",
                        .says = "into the background" },
                { .name = "oneshot",
                        .changes = { { VIEW_TYPE, "oneshot", 0 } },
                        .finds = "error Type: Type=notify",
                        .says = "--ready=exec" },
                { .name = "idle", .changes = { { VIEW_TYPE, "idle", 0 } } },
                { .name = "simple", .changes = { { VIEW_TYPE, "simple", 0 } } },
                { .name = "dbus", .changes = { { VIEW_TYPE, "dbus", 0 } } },
                { .name = "not known", .changes = { { VIEW_TYPE, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_service_type, rows);
}

static void test_rule_type_not_notify_of_notifying_gateway_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_TYPE, "exec", 0 }),
                { .name = "exec",
                        .changes = { { VIEW_TYPE, "exec", 0 } },
                        .options = "--ready=notify",
                        .finds = "warning Type: Type=notify",
                        .says = "Type=exec" },
                { .name = "simple",
                        .changes = { { VIEW_TYPE, "simple", 0 } },
                        .options = "--ready=notify",
                        .finds = "warning Type: Type=notify" },
                { .name = "idle",
                        .changes = { { VIEW_TYPE, "idle", 0 } },
                        .options = "--ready=notify",
                        .finds = "warning Type: Type=notify" },
                { .name = "notify", .options = "--ready=notify" },
                { .name = "notify-reload",
                        .changes = { { VIEW_TYPE, "notify-reload", 0 } },
                        .options = "--ready=notify" },
                { .name = "forking is the other rule's",
                        .changes = { { VIEW_TYPE, "forking", 0 } },
                        .options = "--ready=notify" },
                { .name = "refused by systemd, exec",
                        .flags = ROW_NOT_LOADED,
                        .changes = { { VIEW_TYPE, "exec", 0 } },
                        .options = "--ready=notify" },
                { .name = "ready by default",
                        .changes = { { VIEW_TYPE, "exec", 0 } },
                        .options = "--drain-timeout=60s" },
                { .name = "ready once executed", .changes = { { VIEW_TYPE, "exec", 0 } } },
                { .name = "settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { { VIEW_TYPE, "exec", 0 } } },
                { .name = "not known",
                        .changes = { { VIEW_TYPE, NOT_KNOWN, 0 } },
                        .options = "--ready=notify" },
        };

        assert_rule_rows(state, rule_type_not_notify, rows);
}

#define DEAF                                  \
        { VIEW_TYPE, "exec", 0 }, {           \
                VIEW_NOTIFY_ACCESS, "none", 0 \
        }

static void test_rule_notify_access_none_is_told_by_what_it_costs(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(DEAF),
                { .name = "none, enough time",
                        .changes = { DEAF },
                        .finds = "warning NotifyAccess: NotifyAccess=main",
                        .says = "no readiness" },
                { .name = "none, and the stop has to be extended",
                        .changes = { DEAF, { VIEW_TIMEOUT_STOP_USEC, "45s", 0 } },
                        .finds = "error NotifyAccess: NotifyAccess=main",
                        .says = "cut short" },
                { .name = "none, short, but nothing would be extended",
                        .changes = { DEAF, { VIEW_TIMEOUT_STOP_USEC, "45s", 0 } },
                        .options = "--ready=exec --on-short-timeout=clamp",
                        .finds = "warning NotifyAccess: NotifyAccess=main" },
                { .name = "none, timeout not known",
                        .changes = { DEAF, { VIEW_TIMEOUT_STOP_USEC, NOT_KNOWN, 0 } },
                        .finds = "warning NotifyAccess: NotifyAccess=main" },
                { .name = "none, settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { DEAF },
                        .finds = "warning NotifyAccess: NotifyAccess=main" },
                { .name = "none, settings unknown, a drain given that is too long",
                        .flags = ROW_RUN_UNKNOWN | ROW_DRAIN_GIVEN,
                        .changes = { DEAF, { VIEW_TIMEOUT_STOP_USEC, "45s", 0 } },
                        .finds = "warning NotifyAccess: NotifyAccess=main" },
                { .name = "exec", .changes = { DEAF, { VIEW_NOTIFY_ACCESS, "exec", 0 } } },
                { .name = "all", .changes = { DEAF, { VIEW_NOTIFY_ACCESS, "all", 0 } } },
                { .name = "not known", .changes = { { VIEW_NOTIFY_ACCESS, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_notify_access, rows);
}

static void test_rule_pid_file_set_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_PID_FILE, "/run/gate.pid", 0 }),
                { .name = "set",
                        .changes = { { VIEW_PID_FILE, "/run/gate.pid", 0 } },
                        .finds = "warning PIDFile: PIDFile=",
                        .says = "/run/gate.pid" },
                { .name = "set and reset",
                        .changes = { { VIEW_PID_FILE, "/run/gate.pid", 0 },
                                { VIEW_PID_FILE, "", VIEW_ORIGIN_DROP_IN } } },
                { .name = "not known",
                        .changes = { { VIEW_PID_FILE, "/run/gate.pid", 0 },
                                { VIEW_PID_FILE, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_pid_file, rows);
}

/* ---- Coming back ----------------------------------------------------------------------------- */

static void test_rule_restart_never_after_a_failure_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_RESTART, "no", 0 }),
                { .name = "no",
                        .changes = { { VIEW_RESTART, "no", 0 } },
                        .finds = "warning Restart: Restart=always",
                        .says = "whatever ended it" },
                { .name = "on-success",
                        .changes = { { VIEW_RESTART, "on-success", 0 } },
                        .finds = "warning Restart: Restart=always",
                        .says = "on-success" },
                { .name = "on-failure", .changes = { { VIEW_RESTART, "on-failure", 0 } } },
                { .name = "on-abort", .changes = { { VIEW_RESTART, "on-abort", 0 } } },
                { .name = "not known", .changes = { { VIEW_RESTART, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_restart_never, rows);
}

static void test_rule_restart_clean_exit_is_told_by_what_counts_as_clean(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_RESTART, "on-failure", 0 }),
                { .name = "on-failure",
                        .changes = { { VIEW_RESTART, "on-failure", 0 } },
                        .finds = "hint Restart: Restart=always",
                        .says = "Restart=on-failure" },
                { .name = "on-abnormal",
                        .changes = { { VIEW_RESTART, "on-abnormal", 0 } },
                        .finds = "hint Restart: Restart=always" },
                { .name = "on-abort",
                        .changes = { { VIEW_RESTART, "on-abort", 0 } },
                        .finds = "hint Restart: Restart=always" },
                { .name = "on-watchdog",
                        .changes = { { VIEW_RESTART, "on-watchdog", 0 } },
                        .finds = "hint Restart: Restart=always",
                        .says = "Restart=on-watchdog" },
                { .name = "what is clean anyway",
                        .changes = { { VIEW_RESTART, "on-failure", 0 },
                                { VIEW_SUCCESS_EXIT_STATUS, "0 SIGTERM SIGINT SIGHUP SIGPIPE",
                                        0 } },
                        .finds = "hint Restart: Restart=always" },
                { .name = "a further code",
                        .changes = { { VIEW_RESTART, "on-failure", 0 },
                                { VIEW_SUCCESS_EXIT_STATUS, "143", 0 } },
                        .finds = "warning Restart: Restart=always",
                        .says = "SuccessExitStatus=" },
                { .name = "the last code",
                        .changes = { { VIEW_RESTART, "on-failure", 0 },
                                { VIEW_SUCCESS_EXIT_STATUS, "255", 0 } },
                        .finds = "warning Restart: Restart=always" },
                { .name = "a further signal",
                        .changes = { { VIEW_RESTART, "on-failure", 0 },
                                { VIEW_SUCCESS_EXIT_STATUS, "SIGUSR1", 0 } },
                        .finds = "warning Restart: Restart=always" },
                { .name = "what is clean is not known",
                        .changes = { { VIEW_RESTART, "on-failure", 0 },
                                { VIEW_SUCCESS_EXIT_STATUS, "143", 0 },
                                { VIEW_SUCCESS_EXIT_STATUS, NOT_KNOWN, 0 } },
                        .finds = "hint Restart: Restart=always" },
                { .name = "always, with further codes",
                        .changes = { { VIEW_SUCCESS_EXIT_STATUS, "143", 0 } } },
                { .name = "no is the other rule's", .changes = { { VIEW_RESTART, "no", 0 } } },
                { .name = "on-success is the other rule's",
                        .changes = { { VIEW_RESTART, "on-success", 0 } } },
                { .name = "not known", .changes = { { VIEW_RESTART, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_restart_clean_exit, rows);
}

/* The perfect unit's list is added to, so it is emptied first. */
#define PREVENT(statuses)                                     \
        { VIEW_RESTART_PREVENT_EXIT_STATUS, "", 0 }, {        \
                VIEW_RESTART_PREVENT_EXIT_STATUS, statuses, 0 \
        }

static void test_rule_restart_prevent_without_78_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(PREVENT("64")),
                { .name = "none at all",
                        .changes = { { VIEW_RESTART_PREVENT_EXIT_STATUS, "", 0 } },
                        .finds = "warning RestartPreventExitStatus: RestartPreventExitStatus=78",
                        .says = "78" },
                { .name = "others",
                        .changes = { PREVENT("64 77 SIGKILL") },
                        .finds = "warning RestartPreventExitStatus: RestartPreventExitStatus=78" },
                { .name = "others, on-failure",
                        .changes = { PREVENT("64"), { VIEW_RESTART, "on-failure", 0 } },
                        .finds = "warning RestartPreventExitStatus: RestartPreventExitStatus=78" },
                { .name = "by its name", .changes = { PREVENT("CONFIG") } },
                { .name = "no restart after an exit status: no",
                        .changes = { PREVENT("64"), { VIEW_RESTART, "no", 0 } } },
                { .name = "no restart after an exit status: on-success",
                        .changes = { PREVENT("64"), { VIEW_RESTART, "on-success", 0 } } },
                { .name = "no restart after an exit status: on-abnormal",
                        .changes = { PREVENT("64"), { VIEW_RESTART, "on-abnormal", 0 } } },
                { .name = "Restart= not known",
                        .changes = { PREVENT("64"), { VIEW_RESTART, NOT_KNOWN, 0 } } },
                { .name = "not known",
                        .changes = { PREVENT("64"),
                                { VIEW_RESTART_PREVENT_EXIT_STATUS, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_restart_prevent, rows);
}

#define INTERVAL "warning StartLimitIntervalSec: [Unit] StartLimitIntervalSec="

static void test_rule_start_limit_that_no_loop_hits_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 }),
                { .name = "no interval",
                        .changes = { { VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 } },
                        .finds = INTERVAL "1min",
                        .says = "StartLimitIntervalSec=0" },
                { .name = "no burst",
                        .changes = { { VIEW_START_LIMIT_BURST, "0", 0 } },
                        .finds = "warning StartLimitBurst: [Unit] StartLimitBurst=5; "
                                 "[Unit] StartLimitIntervalSec=1min",
                        .says = "StartLimitBurst=0" },
                { .name = "neither",
                        .changes = { { VIEW_START_LIMIT_BURST, "0", 0 },
                                { VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 } },
                        .finds = "warning StartLimitIntervalSec: [Unit] StartLimitBurst=5; "
                                 "[Unit] StartLimitIntervalSec=1min" },
                { .name = "the starts fill the interval",
                        .changes = { { VIEW_RESTART_USEC, "12s", 0 } },
                        .finds = INTERVAL "2min",
                        .says = "RestartSec=12s" },
                { .name = "the starts nearly fill the interval",
                        .changes = { { VIEW_RESTART_USEC, "11999999us", 0 } } },
                { .name = "rounded up",
                        .changes = { { VIEW_RESTART_USEC, "12500ms", 0 } },
                        .finds = INTERVAL "2min 10s" },
                { .name = "systemd's own interval with a long pause",
                        .changes = { { VIEW_RESTART_USEC, "2s", 0 },
                                { VIEW_START_LIMIT_INTERVAL_USEC, "10s", VIEW_ORIGIN_DROP_IN } },
                        .finds = INTERVAL "1min",
                        .says = "more than 5 starts within 10s" },
                { .name = "on-failure",
                        .changes = { { VIEW_RESTART, "on-failure", 0 },
                                { VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 } },
                        .finds = INTERVAL "1min" },
                { .name = "beyond 64 bits",
                        .changes = { { VIEW_RESTART_USEC, "100000y", 0 },
                                { VIEW_START_LIMIT_BURST, "4000000000", 0 } },
                        .finds = INTERVAL "infinity" },
                { .name = "beyond 64 bits at the last step",
                        .changes = { { VIEW_RESTART_USEC, "18446744073709551614us", 0 },
                                { VIEW_START_LIMIT_BURST, "1", 0 } },
                        .finds = INTERVAL "infinity" },
                { .name = "an interval without end",
                        .changes = { { VIEW_START_LIMIT_INTERVAL_USEC, "infinity", 0 },
                                { VIEW_RESTART_USEC, "1h", 0 } } },
                { .name = "an interval without end, and a loop beyond 64 bits",
                        .changes = { { VIEW_START_LIMIT_INTERVAL_USEC, "infinity", 0 },
                                { VIEW_RESTART_USEC, "100000y", 0 },
                                { VIEW_START_LIMIT_BURST, "4000000000", 0 } } },
                { .name = "a pause without end is no loop",
                        .changes = { { VIEW_RESTART_USEC, "infinity", 0 },
                                { VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 } } },
                { .name = "no restart",
                        .changes = { { VIEW_RESTART, "no", 0 },
                                { VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 } } },
                { .name = "Restart= not known",
                        .changes = { { VIEW_RESTART, NOT_KNOWN, 0 },
                                { VIEW_START_LIMIT_INTERVAL_USEC, "0", 0 } } },
                { .name = "interval not known",
                        .changes = { { VIEW_START_LIMIT_INTERVAL_USEC, NOT_KNOWN, 0 } } },
                { .name = "burst not known",
                        .changes = { { VIEW_START_LIMIT_BURST, NOT_KNOWN, 0 } } },
                { .name = "pause not known",
                        .changes = { { VIEW_START_LIMIT_INTERVAL_USEC, "1us", 0 },
                                { VIEW_RESTART_USEC, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_start_limit, rows);
}

/* ---- What outlives the supervisor -------------------------------------------------------------- */

#define PROTECTED \
        { VIEW_PROTECT_CONTROL_GROUPS, "yes", 0 }

static void test_rule_delegate_without_a_group_of_its_own_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS({ VIEW_DELEGATE, "no", 0 }),
                { .name = "no",
                        .changes = { { VIEW_DELEGATE, "no", 0 } },
                        .finds = "hint Delegate: Delegate=yes" },
                { .name = "no, and read-only",
                        .changes = { { VIEW_DELEGATE, "no", 0 }, PROTECTED },
                        .finds = "hint Delegate: Delegate=yes" },
                { .name = "controllers", .changes = { { VIEW_DELEGATE, "pids memory", 0 } } },
                { .name = "yes, but read-only",
                        .changes = { PROTECTED },
                        .finds = "hint ProtectControlGroups: ProtectControlGroups=no" },
                { .name = "read-only for others than the supervisor",
                        .changes = { PROTECTED, { VIEW_EXEC_START, "", 0 },
                                { VIEW_EXEC_START, "+/usr/bin/gatewatch run -- /bin/true", 0 } } },
                { .name = "no command",
                        .changes = { PROTECTED, { VIEW_EXEC_START, "", 0 } },
                        .finds = "hint ProtectControlGroups: ProtectControlGroups=no" },
                { .name = "protection not known",
                        .changes = { PROTECTED, { VIEW_PROTECT_CONTROL_GROUPS, NOT_KNOWN, 0 } } },
                { .name = "not known", .changes = { { VIEW_DELEGATE, NOT_KNOWN, 0 } } },
                { .name = "not known, and read-only",
                        .changes = { { VIEW_DELEGATE, NOT_KNOWN, 0 }, PROTECTED } },
        };

        assert_rule_rows(state, rule_delegate, rows);
}

/* ---- The last record ------------------------------------------------------------------------- */

#define NO_POST \
        { VIEW_EXEC_STOP_POST, "", 0 }
#define POST "hint ExecStopPost: ExecStopPost=-"

static void arrange_offline(UnitView *view, RuleInput *input _unused_) {
        view->is_offline = true;
}

static void test_rule_post_missing_is_a_hint_with_the_run_s_own_names(void **state) {
        static const RuleRow rows[] = {
                ROWS_OF_OTHERS(NO_POST),
                { .name = "none", .changes = { NO_POST }, .finds = POST "/usr/bin/gatewatch post" },
                { .name = "of another program",
                        .changes = { NO_POST, { VIEW_EXEC_STOP_POST, "/bin/echo post", 0 } },
                        .finds = POST "/usr/bin/gatewatch post" },
                { .name = "another verb",
                        .changes = { NO_POST,
                                { VIEW_EXEC_STOP_POST, "/usr/bin/gatewatch report", 0 } },
                        .finds = POST "/usr/bin/gatewatch post" },
                { .name = "no verb",
                        .changes = { NO_POST, { VIEW_EXEC_STOP_POST, "/usr/bin/gatewatch", 0 } },
                        .finds = POST "/usr/bin/gatewatch post" },
                { .name = "a program whose name only ends like ours",
                        .changes = { NO_POST,
                                { VIEW_EXEC_STOP_POST, "/usr/bin/navigatewatch post", 0 } },
                        .finds = POST "/usr/bin/gatewatch post" },
                { .name = "settings unknown",
                        .flags = ROW_RUN_UNKNOWN,
                        .changes = { NO_POST },
                        .finds = POST "/usr/bin/gatewatch post" },
                { .name = "the run's name and state directory",
                        .changes = { NO_POST },
                        .options = "--name=gate --state-dir=/var/lib/gate",
                        .finds = POST
                        "/usr/bin/gatewatch post --name=gate --state-dir=/var/lib/gate" },
                { .name = "names that need quotes",
                        .changes = { NO_POST },
                        .options = "--name=a$b --state-dir=/var/lib/100%",
                        .finds = POST
                        "/usr/bin/gatewatch post --name=a$$b --state-dir=/var/lib/100%%" },
                { .name = "a specifier that the file alone does not tell",
                        .changes = { NO_POST },
                        .options = "--state-dir=/srv/%H",
                        .arrange = arrange_offline,
                        .finds = POST "/usr/bin/gatewatch post --state-dir=/srv/%H" },
                { .name = "gatewatch elsewhere",
                        .changes = { NO_POST, { VIEW_EXEC_START, "", 0 },
                                { VIEW_EXEC_START, "\"/opt/my gate/gatewatch\" run -- /bin/true",
                                        0 } },
                        .finds = POST "\"/opt/my gate/gatewatch\" post" },
                { .name = "gatewatch in a folder whose name is none of a variable",
                        .changes = { NO_POST, { VIEW_EXEC_START, "", 0 },
                                { VIEW_EXEC_START, "\"/opt/a $HOME/gatewatch\" run -- /bin/true",
                                        0 } },
                        .finds = POST "\"/opt/a $HOME/gatewatch\" post" },
                { .name = "gatewatch by another argv[0]",
                        .changes = { NO_POST, { VIEW_EXEC_START, "", 0 },
                                { VIEW_EXEC_START, "@/opt/gatewatch gatewatch run -- /bin/true",
                                        0 } },
                        .finds = POST "/opt/gatewatch post" },
                { .name = "gatewatch behind env(1)",
                        .changes = { NO_POST, { VIEW_EXEC_START, "", 0 },
                                { VIEW_EXEC_START,
                                        "/usr/bin/env A=1 /opt/gatewatch run -- /bin/true", 0 } },
                        .finds = POST "/opt/gatewatch post" },
                { .name = "gatewatch that is not found again",
                        .changes = { NO_POST, { VIEW_EXEC_START, "", 0 } },
                        .finds = POST "/usr/bin/gatewatch post" },
                { .name = "the second command",
                        .changes = { NO_POST, { VIEW_EXEC_STOP_POST, "/bin/true", 0 },
                                { VIEW_EXEC_STOP_POST, "/opt/gatewatch post --name=x", 0 } } },
                { .name = "behind env(1)",
                        .changes = { NO_POST,
                                { VIEW_EXEC_STOP_POST, "/usr/bin/env gatewatch post", 0 } } },
                { .name = "within a shell",
                        .changes = { NO_POST,
                                { VIEW_EXEC_STOP_POST,
                                        "/bin/sh -c 'gatewatch post; rm -f /run/gate'", 0 } } },
                { .name = "not known",
                        .changes = { NO_POST, { VIEW_EXEC_STOP_POST, NOT_KNOWN, 0 } } },
        };

        assert_rule_rows(state, rule_post_missing, rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                rule_test(test_rule_service_type_that_cannot_work_is_an_error),
                rule_test(test_rule_type_not_notify_of_notifying_gateway_is_a_warning),
                rule_test(test_rule_notify_access_none_is_told_by_what_it_costs),
                rule_test(test_rule_pid_file_set_is_a_warning),
                rule_test(test_rule_restart_never_after_a_failure_is_a_warning),
                rule_test(test_rule_restart_clean_exit_is_told_by_what_counts_as_clean),
                rule_test(test_rule_restart_prevent_without_78_is_a_warning),
                rule_test(test_rule_start_limit_that_no_loop_hits_is_a_warning),
                rule_test(test_rule_delegate_without_a_group_of_its_own_is_a_hint),
                rule_test(test_rule_post_missing_is_a_hint_with_the_run_s_own_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
