/* SPDX-License-Identifier: MIT */

/* What one assignment makes of a setting: each kind of value with what systemd 252 takes and what it
 * ignores (by the dumps of `systemd --test`), lists that add and lists that are reset, and the way back from
 * a value to text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "units/unit-view.h"

#define FILE_NAME "/etc/systemd/system/gate.service"

typedef struct ViewFixture {
        UnitView view, copy;
        char *text, *again; /* values that were formatted last */
} ViewFixture;

static int view_setup(void **state) {
        ViewFixture *fixture = calloc(1, sizeof(*fixture));

        *state = fixture;
        return fixture ? 0 : -1;
}

static void view_clear(ViewFixture *fixture) {
        unit_view_done(&fixture->view);
        unit_view_done(&fixture->copy);
        free(fixture->text);
        free(fixture->again);
        *fixture = (ViewFixture){};
}

static int view_teardown(void **state) {
        view_clear(*state);
        free(*state);
        return 0;
}

#define view_test(function) cmocka_unit_test_setup_teardown(function, view_setup, view_teardown)

static void view_start(ViewFixture *fixture) {
        view_clear(fixture);
        assert_int_equal(unit_view_init(&fixture->view, "gate.service", UNIT_MANAGER_SYSTEM), 0);
        assert_int_equal(unit_view_init(&fixture->copy, "gate.service", UNIT_MANAGER_SYSTEM), 0);
}

static int assign(UnitView *view, ViewKey key, const char *value) {
        return unit_view_assign(view, key, value, VIEW_ORIGIN_FRAGMENT, FILE_NAME);
}

static const char *format(ViewFixture *fixture, const UnitView *view, ViewKey key) {
        char **text = view == &fixture->view ? &fixture->text : &fixture->again;

        free(*text);
        *text = unit_view_format(view, key);
        assert_non_null(*text);
        return *text;
}

/* ---- Values that are taken ------------------------------------------------------------------- */

#define ASSIGNMENTS_MAX 4

typedef struct ViewRow {
        ViewKey key;
        const char *values[ASSIGNMENTS_MAX]; /* one assignment each; NULL ends them */
        const char *expected;
} ViewRow;

/* The rows' last assignment is one that systemd takes. */
static void assert_row(ViewFixture *fixture, const ViewRow *row) {
        const ViewKeyInfo *info = view_key_info(row->key);
        const char *text;
        int r = 0;

        view_start(fixture);
        for (size_t i = 0; i < ASSIGNMENTS_MAX && row->values[i]; i++)
                r = assign(&fixture->view, row->key, row->values[i]);
        text = format(fixture, &fixture->view, row->key);
        if (r != 0 || strcmp(text, row->expected) != 0)
                fail_msg("%s=%s: %d, \"%s\" instead of \"%s\"", info->setting, row->values[0], r,
                        text, row->expected);
        assert_int_equal(fixture->view.values[row->key].origin, VIEW_ORIGIN_FRAGMENT);
        assert_string_equal(fixture->view.values[row->key].source, FILE_NAME);
}

/* What was read, said again, reads as the same. */
static void assert_row_reads_back(ViewFixture *fixture, ViewKey key) {
        const ViewKeyInfo *info = view_key_info(key);

        if (!fixture->view.values[key].is_known)
                return;
        if (assign(&fixture->copy, key, fixture->text) != 0)
                fail_msg("%s=%s is not taken", info->setting, fixture->text);
        assert_string_equal(format(fixture, &fixture->copy, key), fixture->text);
        assert_int_equal(fixture->copy.values[key].number, fixture->view.values[key].number);
        assert_int_equal(strv_length(fixture->copy.values[key].strings),
                strv_length(fixture->view.values[key].strings));
        assert_memory_equal(&fixture->copy.values[key].set, &fixture->view.values[key].set,
                sizeof(ExitStatusSet));
}

#define assert_rows(state, rows)                                         \
        do                                                               \
                for (size_t _i = 0; _i < ELEMENTSOF(rows); _i++) {       \
                        assert_row(*(state), &(rows)[_i]);               \
                        assert_row_reads_back(*(state), (rows)[_i].key); \
                }                                                        \
        while (0)

static void test_unit_view_assign_time_is_a_span(void **state) {
        static const ViewRow rows[] = {
                { VIEW_TIMEOUT_STOP_USEC, { "45" }, "45s" },
                { VIEW_TIMEOUT_STOP_USEC, { "1min 30s" }, "1min 30s" },
                { VIEW_TIMEOUT_STOP_USEC, { "1h30" }, "1h 30s" },
                { VIEW_TIMEOUT_STOP_USEC, { "+5" }, "5s" },
                { VIEW_TIMEOUT_STOP_USEC, { "0.5s" }, "500ms" },
                { VIEW_TIMEOUT_STOP_USEC, { "infinity" }, "infinity" },
                { VIEW_TIMEOUT_STOP_USEC, { "5", "7" }, "7s" },
                { VIEW_TIMEOUT_ABORT_USEC, { "5" }, "5s" },
                { VIEW_WATCHDOG_USEC, { "infinity" }, "infinity" },
                { VIEW_START_LIMIT_INTERVAL_USEC, { "1us" }, "1us" },
        };

        assert_rows(state, rows);
}

/* 0 is no limit, or no time, as the setting has it. */
static void test_unit_view_assign_time_of_zero_depends_on_the_setting(void **state) {
        static const ViewRow rows[] = {
                { VIEW_TIMEOUT_START_USEC, { "0" }, "infinity" },
                { VIEW_TIMEOUT_STOP_USEC, { "0s" }, "infinity" },
                { VIEW_JOB_TIMEOUT_USEC, { "0" }, "infinity" },
                { VIEW_JOB_RUNNING_TIMEOUT_USEC, { "0" }, "infinity" },
                { VIEW_TIMEOUT_ABORT_USEC, { "0" }, "0" },
                { VIEW_RESTART_USEC, { "0" }, "0" },
                { VIEW_RUNTIME_MAX_USEC, { "0" }, "0" },
                { VIEW_WATCHDOG_USEC, { "0" }, "0" },
                { VIEW_START_LIMIT_INTERVAL_USEC, { "0" }, "0" },
                { VIEW_LOG_RATE_LIMIT_INTERVAL_USEC, { "0" }, "0" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_boolean_is_yes_or_no(void **state) {
        static const ViewRow rows[] = {
                { VIEW_SEND_SIGHUP, { "yes" }, "yes" },
                { VIEW_SEND_SIGHUP, { "1" }, "yes" },
                { VIEW_SEND_SIGHUP, { "TRUE" }, "yes" },
                { VIEW_SEND_SIGKILL, { "off" }, "no" },
                { VIEW_SEND_SIGKILL, { "f" }, "no" },
                { VIEW_SEND_SIGKILL, { "no", "y" }, "yes" },
                { VIEW_DELEGATE, { "yes" }, "yes" },
                { VIEW_DELEGATE, { "yes", "no" }, "no" },
                { VIEW_DELEGATE, { "cpu memory" }, "yes" },
                { VIEW_DELEGATE, { "no", "" }, "yes" },
                { VIEW_PRIVATE_USERS, { "self" }, "yes" },
                { VIEW_PROTECT_CONTROL_GROUPS, { "strict" }, "yes" },
                { VIEW_PRIVATE_PIDS, { "yes" }, "yes" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_number_has_a_base(void **state) {
        static const ViewRow rows[] = {
                { VIEW_START_LIMIT_BURST, { "7" }, "7" },
                { VIEW_START_LIMIT_BURST, { "0x10" }, "16" },
                { VIEW_START_LIMIT_BURST, { "4294967295" }, "4294967295" },
                { VIEW_LOG_RATE_LIMIT_BURST, { "0" }, "0" },
                { VIEW_LIMIT_RTPRIO, { "5" }, "5" },
                { VIEW_LIMIT_RTPRIO, { "010" }, "8" },
                { VIEW_LIMIT_RTPRIO, { "1:2" }, "1" },
                { VIEW_LIMIT_RTPRIO, { "5:infinity" }, "5" },
                { VIEW_LIMIT_RTPRIO, { "infinity" }, "infinity" },
                { VIEW_LIMIT_RTPRIO, { "infinity:infinity" }, "infinity" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_signal_has_names(void **state) {
        static const ViewRow rows[] = {
                { VIEW_KILL_SIGNAL, { "SIGINT" }, "SIGINT" },
                { VIEW_KILL_SIGNAL, { "QUIT" }, "SIGQUIT" },
                { VIEW_KILL_SIGNAL, { "15" }, "SIGTERM" },
                { VIEW_KILL_SIGNAL, { "015" }, "SIGPIPE" },
                { VIEW_KILL_SIGNAL, { "RTMIN+3" }, "SIGRTMIN+3" },
                { VIEW_KILL_SIGNAL, { "SIGRTMIN+0" }, "SIGRTMIN" },
                { VIEW_RESTART_KILL_SIGNAL, { "SIGRTMAX" }, "SIGRTMAX" },
                { VIEW_FINAL_KILL_SIGNAL, { "SIGTERM", "KILL" }, "SIGKILL" },
                { VIEW_WATCHDOG_SIGNAL, { "SIGUSR1" }, "SIGUSR1" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_word_is_one_of_its_setting(void **state) {
        static const ViewRow rows[] = {
                { VIEW_TYPE, { "notify" }, "notify" },
                { VIEW_TYPE, { "notify-reload" }, "notify-reload" },
                { VIEW_TYPE,
                        { "exec",
                                "notif"
                                "y" },
                        "notify" },
                { VIEW_EXIT_TYPE, { "cgroup" }, "cgroup" },
                { VIEW_RESTART, { "on-watchdog" }, "on-watchdog" },
                { VIEW_NOTIFY_ACCESS, { "exec" }, "exec" },
                { VIEW_TIMEOUT_STOP_FAILURE_MODE, { "kill" }, "kill" },
                { VIEW_OOM_POLICY, { "kill" }, "kill" },
                { VIEW_KILL_MODE, { "mixed" }, "mixed" },
                { VIEW_KILL_MODE, { "mixed", "" }, "control-group" },
                { VIEW_PROTECT_PROC, { "ptraceable" }, "ptraceable" },
                { VIEW_PROC_SUBSET, { "pid" }, "pid" },
                { VIEW_STANDARD_OUTPUT, { "null" }, "null" },
                { VIEW_STANDARD_OUTPUT, { "syslog" }, "journal" },
                { VIEW_STANDARD_OUTPUT, { "syslog+console" }, "journal+console" },
                { VIEW_STANDARD_OUTPUT, { "append:/var/log/gate" }, "append:/var/log/gate" },
                { VIEW_STANDARD_OUTPUT, { "fd:out" }, "fd:out" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_text_is_kept(void **state) {
        static const ViewRow rows[] = {
                { VIEW_USER, { "gate" }, "gate" },
                { VIEW_USER, { "gate", "" }, "" },
                { VIEW_USER, { "%p" }, "gate" },
                { VIEW_PID_FILE, { "/run/gate.pid" }, "/run/gate.pid" },
                { VIEW_PID_FILE, { "gate.pid" }, "/run/gate.pid" },
                { VIEW_PID_FILE, { "%t/%N.pid" }, "/run/gate.pid" },
                { VIEW_PID_FILE, { "/run/gate.pid", "" }, "" },
                { VIEW_BUS_NAME, { "org.example.Gate" }, "org.example.Gate" },
                { VIEW_BUS_NAME, { "org.example.%p" }, "org.example.gate" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_list_adds_and_empty_resets(void **state) {
        static const ViewRow rows[] = {
                { VIEW_ENVIRONMENT, { "A=b C=d" }, "A=b C=d" },
                { VIEW_ENVIRONMENT, { "A=1", "B=2" }, "A=1 B=2" },
                { VIEW_ENVIRONMENT, { "A=1", "", "B=2" }, "B=2" },
                { VIEW_ENVIRONMENT, { "A=1", "" }, "" },
                { VIEW_ENVIRONMENT, { "\"A=b c\" D='e f'" }, "\"A=b c\" \"D=e f\"" },
                { VIEW_ENVIRONMENT, { "A=\\x41\\tB" }, "\"A=A\\x09B\"" },
                { VIEW_ENVIRONMENT, { "A= =b 1A=c A-B=d _=e f" }, "A= _=e" },
                { VIEW_ENVIRONMENT, { "A=b \"C=d" }, "A=b" },
                { VIEW_ENVIRONMENT, { "A=%n" }, "A=gate.service" },
                { VIEW_STATE_DIRECTORY, { "gatewatch/%N" }, "gatewatch/gate" },
                { VIEW_STATE_DIRECTORY, { "a:b c:d e" }, "a c e" },
                { VIEW_STATE_DIRECTORY, { "/a ../b c/../d . ok" }, "ok" },
                { VIEW_STATE_DIRECTORY, { "a", "b", "", "c" }, "c" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_environment_file_is_one_path(void **state) {
        static const ViewRow rows[] = {
                { VIEW_ENVIRONMENT_FILES, { "/etc/a b" }, "/etc/a b" },
                { VIEW_ENVIRONMENT_FILES, { "-/etc/%N.env" }, "-/etc/gate.env" },
                { VIEW_ENVIRONMENT_FILES, { "%h/env" }, "/root/env" },
                { VIEW_ENVIRONMENT_FILES, { "%H/env" }, "%H/env" },
                { VIEW_ENVIRONMENT_FILES, { "/a", "" }, "" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_environment_files_add(void **state) {
        ViewFixture *fixture = *state;

        assert_row(fixture, &(ViewRow){ VIEW_ENVIRONMENT_FILES, { "/a", "-/b" }, "/a -/b" });
        assert_int_equal(strv_length(fixture->view.values[VIEW_ENVIRONMENT_FILES].strings), 2);
}

static void test_unit_view_assign_statuses_are_codes_and_signals(void **state) {
        static const ViewRow rows[] = {
                { VIEW_SUCCESS_EXIT_STATUS, { "0 255" }, "0 255" },
                { VIEW_SUCCESS_EXIT_STATUS, { "64", "78" }, "64 78" },
                { VIEW_SUCCESS_EXIT_STATUS, { "64", "", "78" }, "78" },
                { VIEW_SUCCESS_EXIT_STATUS, { "64", "" }, "" },
                { VIEW_SUCCESS_EXIT_STATUS, { "SUCCESS CONFIG TEMPFAIL" }, "0 75 78" },
                { VIEW_SUCCESS_EXIT_STATUS, { "EXEC 0x40" }, "64 203" },
                { VIEW_SUCCESS_EXIT_STATUS, { "15 SIGTERM" }, "15 SIGTERM" },
                { VIEW_SUCCESS_EXIT_STATUS, { "TERM SIGRTMIN+3" }, "SIGTERM SIGRTMIN+3" },
                { VIEW_SUCCESS_EXIT_STATUS, { "256 -1 64,78 config fumble\t7" }, "7" },
                { VIEW_RESTART_PREVENT_EXIT_STATUS, { "64 78" }, "64 78" },
        };

        assert_rows(state, rows);
}

static void test_unit_view_assign_capabilities_are_a_set(void **state) {
        static const ViewRow rows[] = {
                { VIEW_CAPABILITY_BOUNDING_SET, { NULL }, "~" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "" }, "" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "CAP_CHOWN" }, "CAP_CHOWN" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "cap_sys_nice 0" }, "CAP_CHOWN CAP_SYS_NICE" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "CAP_KILL", "CAP_CHOWN" }, "CAP_CHOWN CAP_KILL" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "CAP_KILL", "~", "CAP_CHOWN" }, "CAP_CHOWN" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "CAP_KILL", "" }, "" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "CAP_FUMBLE" }, "" },
                { VIEW_CAPABILITY_BOUNDING_SET, { "~CAP_KILL", "" }, "" },
                { VIEW_AMBIENT_CAPABILITIES, { NULL }, "" },
                { VIEW_AMBIENT_CAPABILITIES, { "CAP_SYS_NICE" }, "CAP_SYS_NICE" },
                { VIEW_AMBIENT_CAPABILITIES, { "CAP_KILL", "CAP_CHOWN" }, "CAP_CHOWN CAP_KILL" },
                { VIEW_AMBIENT_CAPABILITIES, { "CAP_KILL", "" }, "" },
                { VIEW_AMBIENT_CAPABILITIES, { "~" }, "~" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (rows[i].values[0])
                        assert_row(*state, &rows[i]);
                else
                        view_start(*state);
                ViewFixture *fixture = *state;
                assert_true(fixture->view.values[rows[i].key].is_known);
                assert_string_equal(format(fixture, &fixture->view, rows[i].key), rows[i].expected);
                assert_row_reads_back(fixture, rows[i].key);
        }
}

static void test_unit_view_assign_capabilities_taken_away_are_not_known(void **state) {
        static const char *const values[][ASSIGNMENTS_MAX] = {
                { "~CAP_KILL" },
                { "~ CAP_KILL" },
                { "~CAP_KILL", "CAP_CHOWN" },
                { "CAP_CHOWN", "~CAP_KILL" },
        };
        static const ViewKey keys[] = { VIEW_CAPABILITY_BOUNDING_SET, VIEW_AMBIENT_CAPABILITIES };
        ViewFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(values) * ELEMENTSOF(keys); i++) {
                const char *const *value = values[i / ELEMENTSOF(keys)];
                ViewKey key = keys[i % ELEMENTSOF(keys)];

                view_start(fixture);
                for (size_t j = 0; j < ASSIGNMENTS_MAX && value[j]; j++)
                        assert_int_equal(assign(&fixture->view, key, value[j]), 0);
                assert_false(fixture->view.values[key].is_known);
                assert_int_equal(unit_view_number(&fixture->view, key), 0);
                assert_string_equal(format(fixture, &fixture->view, key), "");
        }
}

/* ---- Values that are ignored ----------------------------------------------------------------- */

#define IGNORED_MAX 16

static const struct {
        ViewKey key;
        const char *values[IGNORED_MAX];
} ignored_rows[] = {
        { VIEW_TIMEOUT_STOP_USEC,
                { "", "fumble", "-5", "5 apples", "1e3", "5.", "inf", "INFINITY", "'45'", "45;",
                        "18446744073709551615", "1000000y" } },
        { VIEW_TIMEOUT_ABORT_USEC, { "fumble", "-5" } },
        { VIEW_WATCHDOG_USEC, { "", "no" } },
        { VIEW_SEND_SIGKILL, { "", "2", "nope", "yes no", "-1" } },
        { VIEW_PRIVATE_USERS, { "", "fumble", "2", "self identity", "strict" } },
        { VIEW_PROTECT_CONTROL_GROUPS, { "", "fumble", "self" } },
        { VIEW_PRIVATE_PIDS, { "", "fumble", "self" } },
        { VIEW_DYNAMIC_USER, { "", "fumble" } },
        { VIEW_START_LIMIT_BURST,
                { "", "-1", "5.0", "5s", "infinity", "4294967296", "1:2", "1 2", "0b", "08" } },
        { VIEW_LIMIT_RTPRIO,
                { "", "-1", "infinityx", "2:1", ":2", "1:", "1:2:3", "1 2", "infinity:5", "1K",
                        "18446744073709551616" } },
        { VIEW_KILL_SIGNAL,
                { "", "sigterm", "term", "0", "65", "-1", "SIG15", "IOT", "POLL", "CLD", "UNUSED",
                        "fumble", "SIGTERM SIGINT", "RTMIN+31", "RTMAX-31", "SIGSIGTERM" } },
        { VIEW_TYPE, { "", "Simple", "fumble", "simple exec", "notify-", "otify" } },
        { VIEW_RESTART, { "", "on", "on-", "yes", "no on-success" } },
        { VIEW_OOM_POLICY, { "", "continue stop", "ignore" } },
        { VIEW_KILL_MODE, { " ", "mix", "Mixed" } },
        { VIEW_PROTECT_PROC, { "", "visible" } },
        { VIEW_STANDARD_OUTPUT,
                { "", "fumble", "NULL", "file:x", "append:", "journal console", "/dev/null" } },
        { VIEW_BUS_NAME, { "", "gate", "a..b", "org.1foo", "\"a.b\"" } },
        { VIEW_ENVIRONMENT_FILES,
                { "x", "-x", "\"/x\"", "/x/../y", "/x/..", "-", "--/x", "- /x" } },
};

static void test_unit_view_assign_ignored_value_changes_nothing(void **state) {
        ViewFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(ignored_rows); i++) {
                ViewKey key = ignored_rows[i].key;
                const ViewValue *value = &fixture->view.values[key];

                view_start(fixture);
                ViewOrigin origin = value->origin;
                (void) format(fixture, &fixture->copy, key);
                for (size_t j = 0; j < IGNORED_MAX && ignored_rows[i].values[j]; j++) {
                        if (assign(&fixture->view, key, ignored_rows[i].values[j]) != 1)
                                fail_msg("%s=%s is taken", view_key_info(key)->setting,
                                        ignored_rows[i].values[j]);
                        assert_string_equal(format(fixture, &fixture->view, key), fixture->again);
                        assert_int_equal(value->origin, origin);
                        assert_null(value->source);
                }
        }
}

static void test_unit_view_assign_ignored_value_leaves_the_one_before(void **state) {
        ViewFixture *fixture = *state;

        view_start(fixture);
        assert_int_equal(assign(&fixture->view, VIEW_TIMEOUT_STOP_USEC, "45"), 0);
        assert_int_equal(unit_view_assign(&fixture->view, VIEW_TIMEOUT_STOP_USEC, "fumble",
                                 VIEW_ORIGIN_DROP_IN, "/b.conf"),
                1);
        assert_int_equal(unit_view_usec(&fixture->view, VIEW_TIMEOUT_STOP_USEC), 45 * USEC_PER_SEC);
        assert_string_equal(fixture->view.values[VIEW_TIMEOUT_STOP_USEC].source, FILE_NAME);
        assert_true(unit_view_is_set(&fixture->view, VIEW_TIMEOUT_STOP_USEC));
}

/* TimeoutAbortSec= alone goes back to what nothing sets. */
static void test_unit_view_assign_empty_abort_timeout_is_unset(void **state) {
        ViewFixture *fixture = *state;

        view_start(fixture);
        assert_int_equal(assign(&fixture->view, VIEW_TIMEOUT_ABORT_USEC, "5"), 0);
        assert_int_equal(assign(&fixture->view, VIEW_TIMEOUT_ABORT_USEC, ""), 0);
        assert_false(unit_view_is_set(&fixture->view, VIEW_TIMEOUT_ABORT_USEC));
        assert_null(fixture->view.values[VIEW_TIMEOUT_ABORT_USEC].source);
        assert_string_equal(format(fixture, &fixture->view, VIEW_TIMEOUT_ABORT_USEC), "1min 30s");
}

/* ---- A view by itself ------------------------------------------------------------------------ */

static void test_unit_view_init_holds_what_nothing_sets(void **state) {
        ViewFixture *fixture = *state;

        view_start(fixture);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                const ViewKeyInfo *info = view_key_info(key);
                const ViewValue *value = &fixture->view.values[key];

                assert_true(value->is_known);
                assert_false(unit_view_is_set(&fixture->view, key));
                assert_int_equal(value->origin,
                        !info->setting                  ? VIEW_ORIGIN_COMPUTED
                                : info->manager_default ? VIEW_ORIGIN_MANAGER
                                                        : VIEW_ORIGIN_DEFAULT);
                if (info->initial && info->setting && key != VIEW_BUS_NAME)
                        assert_int_equal(assign(&fixture->copy, key, info->initial), 0);
                (void) format(fixture, &fixture->view, key);
                assert_string_equal(format(fixture, &fixture->copy, key), fixture->text);
        }
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_int_equal(fixture->view.cap_usec, USEC_INFINITY);
        assert_int_equal(fixture->view.linger, -1);
}

static void test_unit_view_value_that_is_not_known_is_nothing(void **state) {
        ViewFixture *fixture = *state;

        view_start(fixture);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                fixture->view.values[key].is_known = false;
                assert_string_equal(format(fixture, &fixture->view, key), "");
        }
        assert_int_equal(unit_view_usec(&fixture->view, VIEW_TIMEOUT_STOP_USEC), 0);
        assert_int_equal(unit_view_number(&fixture->view, VIEW_KILL_SIGNAL), 0);
        assert_false(unit_view_bool(&fixture->view, VIEW_SEND_SIGKILL));
        assert_string_equal(unit_view_text(&fixture->view, VIEW_KILL_MODE), "");
        assert_false(unit_view_is(&fixture->view, VIEW_KILL_MODE, "control-group"));
}

static void test_unit_view_done_zeroed_view_is_fine(void **state) {
        UnitView view = {};

        unit_view_done(&view);
        assert_null(view.name);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                view_test(test_unit_view_assign_time_is_a_span),
                view_test(test_unit_view_assign_time_of_zero_depends_on_the_setting),
                view_test(test_unit_view_assign_boolean_is_yes_or_no),
                view_test(test_unit_view_assign_number_has_a_base),
                view_test(test_unit_view_assign_signal_has_names),
                view_test(test_unit_view_assign_word_is_one_of_its_setting),
                view_test(test_unit_view_assign_text_is_kept),
                view_test(test_unit_view_assign_list_adds_and_empty_resets),
                view_test(test_unit_view_assign_environment_file_is_one_path),
                view_test(test_unit_view_assign_environment_files_add),
                view_test(test_unit_view_assign_statuses_are_codes_and_signals),
                view_test(test_unit_view_assign_capabilities_are_a_set),
                view_test(test_unit_view_assign_capabilities_taken_away_are_not_known),
                view_test(test_unit_view_assign_ignored_value_changes_nothing),
                view_test(test_unit_view_assign_ignored_value_leaves_the_one_before),
                view_test(test_unit_view_assign_empty_abort_timeout_is_unset),
                view_test(test_unit_view_init_holds_what_nothing_sets),
                view_test(test_unit_view_value_that_is_not_known_is_nothing),
                cmocka_unit_test(test_unit_view_done_zeroed_view_is_fine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
