/* SPDX-License-Identifier: MIT */

/* What follows from other settings where nothing sets a value: the rows are what the dumps of
 * `systemd --test` (252) say of such units. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "units/unit-view.h"

#define CHANGES_MAX 4

typedef struct SettleFixture {
        UnitView view;
        char *text;
} SettleFixture;

static int settle_setup(void **state) {
        *state = calloc(1, sizeof(SettleFixture));
        return *state ? 0 : -1;
}

static void settle_clear(SettleFixture *fixture) {
        unit_view_done(&fixture->view);
        free(fixture->text);
        *fixture = (SettleFixture){};
}

static int settle_teardown(void **state) {
        settle_clear(*state);
        free(*state);
        return 0;
}

#define settle_test(function) \
        cmocka_unit_test_setup_teardown(function, settle_setup, settle_teardown)

typedef struct SettleRow {
        struct {
                ViewKey key;
                const char *value;
        } changes[CHANGES_MAX];
        ViewKey key;
        const char *expected;
        ViewOrigin origin;
} SettleRow;

#define START \
        { VIEW_EXEC_START, "/bin/gate" }

static void assert_row(SettleFixture *fixture, const SettleRow *row) {
        const ViewKeyInfo *info = view_key_info(row->key);

        settle_clear(fixture);
        assert_int_equal(unit_view_init(&fixture->view, "gate.service", UNIT_MANAGER_SYSTEM), 0);
        for (size_t i = 0; i < CHANGES_MAX && row->changes[i].value; i++)
                assert_int_equal(unit_view_assign(&fixture->view, row->changes[i].key,
                                         row->changes[i].value, VIEW_ORIGIN_FRAGMENT, "/a"),
                        0);
        assert_int_equal(unit_view_settle(&fixture->view), 0);

        fixture->text = unit_view_format(&fixture->view, row->key);
        assert_non_null(fixture->text);
        const char *origin = view_origin_to_string(fixture->view.values[row->key].origin);
        if (strcmp(fixture->text, row->expected) != 0 ||
                strcmp(origin, view_origin_to_string(row->origin)) != 0)
                fail_msg("%s=%s, %s=%s (%s), not %s (%s)",
                        view_key_info(row->changes[0].key)->setting, row->changes[0].value,
                        info->setting, fixture->text, origin, row->expected,
                        view_origin_to_string(row->origin));
}

#define assert_rows(state, rows)                                 \
        do                                                       \
                for (size_t _i = 0; _i < ELEMENTSOF(rows); _i++) \
                        assert_row(*(state), &(rows)[_i]);       \
        while (0)

static void test_unit_view_settle_type_follows_commands_and_bus_name(void **state) {
        static const SettleRow rows[] = {
                { { START }, VIEW_TYPE, "simple", VIEW_ORIGIN_DEFAULT },
                { { { VIEW_EXEC_STOP, "/bin/x" } }, VIEW_TYPE, "oneshot", VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_BUS_NAME, "org.example.Gate" } }, VIEW_TYPE, "dbus",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_BUS_NAME, "org.example.Gate" }, { VIEW_TYPE, "simple" } },
                        VIEW_TYPE, "simple", VIEW_ORIGIN_FRAGMENT },
                { { START, { VIEW_TYPE, "exec" } }, VIEW_TYPE, "exec", VIEW_ORIGIN_FRAGMENT },
        };

        assert_rows(state, rows);
}

static void test_unit_view_settle_notify_access_follows_type_and_watchdog(void **state) {
        static const SettleRow rows[] = {
                { { START }, VIEW_NOTIFY_ACCESS, "none", VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_TYPE, "exec" } }, VIEW_NOTIFY_ACCESS, "none",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_TYPE, "notify" } }, VIEW_NOTIFY_ACCESS, "main",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_TYPE, "notify-reload" } }, VIEW_NOTIFY_ACCESS, "main",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_TYPE, "notify" }, { VIEW_NOTIFY_ACCESS, "exec" } },
                        VIEW_NOTIFY_ACCESS, "exec", VIEW_ORIGIN_FRAGMENT },
                { { START, { VIEW_TYPE, "notify" }, { VIEW_NOTIFY_ACCESS, "none" } },
                        VIEW_NOTIFY_ACCESS, "main", VIEW_ORIGIN_FRAGMENT },
                { { START, { VIEW_WATCHDOG_USEC, "5" } }, VIEW_NOTIFY_ACCESS, "main",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_WATCHDOG_USEC, "infinity" } }, VIEW_NOTIFY_ACCESS, "main",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_WATCHDOG_USEC, "0" } }, VIEW_NOTIFY_ACCESS, "none",
                        VIEW_ORIGIN_DEFAULT },
        };

        assert_rows(state, rows);
}

static void test_unit_view_settle_oom_policy_follows_delegate(void **state) {
        static const SettleRow rows[] = {
                { { START }, VIEW_OOM_POLICY, "stop", VIEW_ORIGIN_MANAGER },
                { { START, { VIEW_DELEGATE, "yes" } }, VIEW_OOM_POLICY, "continue",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_DELEGATE, "no" } }, VIEW_OOM_POLICY, "stop",
                        VIEW_ORIGIN_MANAGER },
                { { START, { VIEW_DELEGATE, "yes" }, { VIEW_OOM_POLICY, "kill" } }, VIEW_OOM_POLICY,
                        "kill", VIEW_ORIGIN_FRAGMENT },
        };

        assert_rows(state, rows);
}

static void test_unit_view_settle_times_follow_others(void **state) {
        static const SettleRow rows[] = {
                { { START, { VIEW_TIMEOUT_STOP_USEC, "5" } }, VIEW_TIMEOUT_ABORT_USEC, "5s",
                        VIEW_ORIGIN_MANAGER },
                { { START, { VIEW_TIMEOUT_STOP_USEC, "5" }, { VIEW_TIMEOUT_ABORT_USEC, "7" } },
                        VIEW_TIMEOUT_ABORT_USEC, "7s", VIEW_ORIGIN_FRAGMENT },
                { { START, { VIEW_TIMEOUT_ABORT_USEC, "7" }, { VIEW_TIMEOUT_ABORT_USEC, "" },
                          { VIEW_TIMEOUT_STOP_USEC, "5" } },
                        VIEW_TIMEOUT_ABORT_USEC, "5s", VIEW_ORIGIN_MANAGER },
                { { START, { VIEW_JOB_TIMEOUT_USEC, "5" } }, VIEW_JOB_RUNNING_TIMEOUT_USEC, "5s",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_JOB_RUNNING_TIMEOUT_USEC, "7" }, { VIEW_JOB_TIMEOUT_USEC, "5" } },
                        VIEW_JOB_RUNNING_TIMEOUT_USEC, "7s", VIEW_ORIGIN_FRAGMENT },
                { { START }, VIEW_TIMEOUT_START_USEC, "1min 30s", VIEW_ORIGIN_MANAGER },
                { { START, { VIEW_TYPE, "oneshot" } }, VIEW_TIMEOUT_START_USEC, "infinity",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_TYPE, "oneshot" }, { VIEW_TIMEOUT_START_USEC, "7" } },
                        VIEW_TIMEOUT_START_USEC, "7s", VIEW_ORIGIN_FRAGMENT },
        };

        assert_rows(state, rows);
}

static void test_unit_view_settle_restart_signal_follows_kill_signal(void **state) {
        static const SettleRow rows[] = {
                { { START }, VIEW_RESTART_KILL_SIGNAL, "SIGTERM", VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_KILL_SIGNAL, "SIGINT" } }, VIEW_RESTART_KILL_SIGNAL, "SIGINT",
                        VIEW_ORIGIN_DEFAULT },
                { { START, { VIEW_KILL_SIGNAL, "SIGINT" },
                          { VIEW_RESTART_KILL_SIGNAL, "SIGQUIT" } },
                        VIEW_RESTART_KILL_SIGNAL, "SIGQUIT", VIEW_ORIGIN_FRAGMENT },
        };

        assert_rows(state, rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                settle_test(test_unit_view_settle_type_follows_commands_and_bus_name),
                settle_test(test_unit_view_settle_notify_access_follows_type_and_watchdog),
                settle_test(test_unit_view_settle_oom_policy_follows_delegate),
                settle_test(test_unit_view_settle_times_follow_others),
                settle_test(test_unit_view_settle_restart_signal_follows_kill_signal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
