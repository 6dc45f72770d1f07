/* SPDX-License-Identifier: MIT */

/* What becomes of a manager's replies: values by kind, what is absent or odd, and the states. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "units/unit-view-bus.h"

#define COMMANDS_TYPE    "a(sasbttttuii)"
#define COMMANDS_EX_TYPE "a(sasasttttuii)"
#define NEVER_RUN        UINT64_C(0), UINT64_C(0), UINT64_C(0), UINT64_C(0), 0, 0, 0

typedef struct Fixture {
        sd_bus *bus; /* to make messages; it is connected to nobody who answers */
        int peer_fd;
        sd_bus_message *reply;
        UnitView view;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        int fds[2];

        assert_non_null(fixture);
        *state = fixture;
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), errno);
        fixture->peer_fd = fds[1];
        assert_return_code(sd_bus_new(&fixture->bus), 0);
        assert_return_code(sd_bus_set_fd(fixture->bus, fds[0], fds[0]), 0);
        assert_return_code(sd_bus_start(fixture->bus), 0);
        assert_int_equal(unit_view_init(&fixture->view, "hermes.service", UNIT_MANAGER_SYSTEM), 0);
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        (void) sd_bus_message_unref(fixture->reply);
        (void) sd_bus_close_unref(fixture->bus);
        (void) fd_close(fixture->peer_fd);
        unit_view_done(&fixture->view);
        free(fixture);
        return 0;
}

/* ---- Replies --------------------------------------------------------------------------------- */

static void reply_begin(Fixture *fixture) {
        (void) sd_bus_message_unref(fixture->reply);
        fixture->reply = NULL;
        assert_return_code(
                sd_bus_message_new_signal(fixture->bus, &fixture->reply, "/", "a.b", "Reply"), 0);
}

static void reply_end(Fixture *fixture) {
        assert_return_code(sd_bus_message_seal(fixture->reply, 1, 0), 0);
        assert_return_code(sd_bus_message_rewind(fixture->reply, true), 0);
}

static void reply_properties_begin(Fixture *fixture) {
        reply_begin(fixture);
        assert_return_code(sd_bus_message_open_container(fixture->reply, 'a', "{sv}"), 0);
}

static void reply_add(Fixture *fixture, const char *name, const char *type, ...) {
        va_list values;
        int r;

        assert_return_code(sd_bus_message_open_container(fixture->reply, 'e', "sv"), 0);
        assert_return_code(sd_bus_message_append_basic(fixture->reply, 's', name), 0);
        assert_return_code(sd_bus_message_open_container(fixture->reply, 'v', type), 0);
        va_start(values, type);
        r = sd_bus_message_appendv(fixture->reply, type, values);
        va_end(values);
        assert_return_code(r, 0);
        assert_return_code(sd_bus_message_close_container(fixture->reply), 0);
        assert_return_code(sd_bus_message_close_container(fixture->reply), 0);
}

static void reply_properties_end(Fixture *fixture) {
        assert_return_code(sd_bus_message_close_container(fixture->reply), 0);
        reply_end(fixture);
        unit_view_forget(&fixture->view);
        assert_int_equal(unit_view_read_reply(&fixture->view, fixture->reply), 0);
}

/* What a manager sends for a key of this kind. */
static void reply_add_key(Fixture *fixture, ViewKey key) {
        const ViewKeyInfo *info = view_key_info(key);

        switch (info->kind) {
        case VIEW_KIND_USEC:
        case VIEW_KIND_UNSIGNED:
                return reply_add(fixture, info->property, "t", UINT64_C(1000) + key);
        case VIEW_KIND_BOOL:
                return reply_add(fixture, info->property, "b", 1);
        case VIEW_KIND_SIGNAL:
                return reply_add(fixture, info->property, "i", SIGUSR1);
        case VIEW_KIND_STRING:
                return reply_add(fixture, info->property, "s", info->property);
        case VIEW_KIND_STRINGS:
                return reply_add(fixture, info->property, "as", 2, "one", info->property);
        case VIEW_KIND_STATUS_SET:
                return reply_add(fixture, info->property, "(aiai)", 1, 78, 1, SIGUSR2);
        case VIEW_KIND_COMMANDS:
                return reply_add(fixture, info->property, COMMANDS_TYPE, 1, "/bin/true", 2,
                        "/bin/true", info->property, 0, NEVER_RUN);
        case _VIEW_KIND_MAX:
                break;
        }
        fail();
}

static void assert_key(const UnitView *view, ViewKey key) {
        const ViewKeyInfo *info = view_key_info(key);
        const ViewValue *value = &view->values[key];

        assert_true(value->is_known);
        switch (info->kind) {
        case VIEW_KIND_USEC:
        case VIEW_KIND_UNSIGNED:
                assert_int_equal(value->number, 1000 + key);
                return;
        case VIEW_KIND_BOOL:
                assert_int_equal(value->number, 1);
                return;
        case VIEW_KIND_SIGNAL:
                assert_int_equal(value->number, SIGUSR1);
                return;
        case VIEW_KIND_STRING:
                assert_string_equal(value->text, info->property);
                return;
        case VIEW_KIND_STRINGS:
                assert_int_equal(strv_length(value->strings), 2);
                assert_string_equal(value->strings[1], info->property);
                return;
        case VIEW_KIND_STATUS_SET:
                assert_true(exit_status_set_has_code(&value->set, 78));
                assert_false(exit_status_set_has_code(&value->set, 77));
                assert_true(exit_status_set_has_signal(&value->set, SIGUSR2));
                return;
        case VIEW_KIND_COMMANDS:
                assert_int_equal(value->n_commands, 1);
                assert_string_equal(value->commands[0].path, "/bin/true");
                assert_int_equal(strv_length(value->commands[0].argv), 2);
                assert_string_equal(value->commands[0].argv[1], info->property);
                return;
        case _VIEW_KIND_MAX:
                break;
        }
        fail();
}

/* ---- Values ---------------------------------------------------------------------------------- */

static void test_unit_view_reply_every_key_is_read(void **state) {
        Fixture *fixture = *state;

        for (unsigned round = 0; round < 2; round++) { /* the second one replaces */
                reply_properties_begin(fixture);
                for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                        reply_add(fixture, "Unheard", "a(sv)", 1, "of", "s", "it");
                        reply_add_key(fixture, key);
                }
                reply_properties_end(fixture);
                for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                        assert_key(&fixture->view, key);
        }
}

static void test_unit_view_reply_absent_is_not_known(void **state) {
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        reply_add(fixture, "KillMode", "s", "mixed");
        reply_properties_end(fixture);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                assert_int_equal(fixture->view.values[key].is_known, key == VIEW_KILL_MODE);
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_null(fixture->view.fragment);

        /* A further reply adds. */
        reply_begin(fixture);
        assert_return_code(
                sd_bus_message_append(fixture->reply, "a{sv}", 1, "StartLimitBurst", "u", 7), 0);
        reply_end(fixture);
        assert_int_equal(unit_view_read_reply(&fixture->view, fixture->reply), 0);
        assert_true(unit_view_is(&fixture->view, VIEW_KILL_MODE, "mixed"));
        assert_int_equal(unit_view_number(&fixture->view, VIEW_START_LIMIT_BURST), 7);
}

static void test_unit_view_reply_of_another_type_is_not_known(void **state) {
        static const char *const others[] = { "LoadState", "LoadError", "FragmentPath",
                "DropInPaths", "ActiveState", "ExecStartEx" };
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                reply_add(fixture, view_key_info(key)->property, "a(yv)", 1, 7, "s", "seven");
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                reply_add(fixture, others[i], "y", 7);
        reply_add(fixture, "SubState", "s", "running");
        reply_properties_end(fixture);
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                assert_false(fixture->view.values[key].is_known);
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_null(fixture->view.load_error);
        assert_null(fixture->view.fragment);
        assert_null(fixture->view.drop_ins);
        assert_null(fixture->view.active_state);
        assert_string_equal(fixture->view.sub_state, "running");
}

static void test_unit_view_reply_booleans_and_words_are_one(void **state) {
        static const struct {
                const char *word;
                bool is_on;
        } rows[] = {
                { "no", false },
                { "", false },
                { "yes", true },
                { "strict", true },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                reply_properties_begin(fixture);
                reply_add(fixture, "PrivatePIDs", "s", rows[i].word);
                reply_add(fixture, "NotifyAccess", "b", rows[i].is_on);
                reply_properties_end(fixture);
                assert_true(fixture->view.values[VIEW_PRIVATE_PIDS].is_known);
                assert_int_equal(unit_view_bool(&fixture->view, VIEW_PRIVATE_PIDS), rows[i].is_on);
                assert_string_equal(unit_view_text(&fixture->view, VIEW_NOTIFY_ACCESS),
                        rows[i].is_on ? "yes" : "no");
        }
}

static void test_unit_view_reply_numbers_of_either_width_are_read(void **state) {
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        reply_add(fixture, "LogRateLimitBurst", "u", UINT32_MAX);
        reply_add(fixture, "LimitRTPRIOSoft", "t", UINT64_MAX);
        reply_add(fixture, "TimeoutStopUSec", "u", 90);
        reply_properties_end(fixture);
        assert_true(unit_view_number(&fixture->view, VIEW_LOG_RATE_LIMIT_BURST) == UINT32_MAX);
        assert_true(unit_view_number(&fixture->view, VIEW_LIMIT_RTPRIO) == UINT64_MAX);
        assert_false(fixture->view.values[VIEW_TIMEOUT_STOP_USEC].is_known);
}

static void test_unit_view_reply_signal_that_is_none_is_not_known(void **state) {
        const int signals[] = { 0, -1, SIGRTMAX + 1 };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                reply_properties_begin(fixture);
                reply_add(fixture, "KillSignal", "i", signals[i]);
                reply_add(fixture, "FinalKillSignal", "i", SIGRTMAX);
                reply_properties_end(fixture);
                assert_false(fixture->view.values[VIEW_KILL_SIGNAL].is_known);
                assert_int_equal(
                        unit_view_number(&fixture->view, VIEW_FINAL_KILL_SIGNAL), SIGRTMAX);
        }
}

static void test_unit_view_reply_statuses_out_of_range_are_left_out(void **state) {
        const ExitStatusSet *set;
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        reply_add(fixture, "SuccessExitStatus", "(aiai)", 5, -1, 0, 255, 256, INT32_MAX, 5, -1, 0,
                1, 63, 64);
        reply_properties_end(fixture);
        set = &fixture->view.values[VIEW_SUCCESS_EXIT_STATUS].set;
        assert_true(set->codes[0] == 1);
        assert_true(set->codes[1] == 0 && set->codes[2] == 0);
        assert_true(set->codes[3] == UINT64_C(1) << 63);
        assert_true(set->signals == (UINT64_C(1) << 63 | UINT64_C(1) << 1));
}

static void test_unit_view_reply_environment_files_keep_their_dash(void **state) {
        Fixture *fixture = *state;
        char **files;

        reply_properties_begin(fixture);
        reply_add(fixture, "EnvironmentFiles", "a(sb)", 2, "/etc/default/one", 1, "/etc/two", 0);
        reply_add(fixture, "Environment", "as", 0);
        reply_properties_end(fixture);
        files = fixture->view.values[VIEW_ENVIRONMENT_FILES].strings;
        assert_int_equal(strv_length(files), 2);
        assert_string_equal(files[0], "-/etc/default/one");
        assert_string_equal(files[1], "/etc/two");
        assert_true(fixture->view.values[VIEW_ENVIRONMENT].is_known);
        assert_int_equal(strv_length(fixture->view.values[VIEW_ENVIRONMENT].strings), 0);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void test_unit_view_reply_plain_command_has_its_flags(void **state) {
        const ViewValue *value;
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        reply_add(fixture, "ExecStop", COMMANDS_TYPE, 3,         /* three of them */
                "/bin/one", 2, "/bin/one", "-x y", 1, NEVER_RUN, /* "-" */
                "/bin/two", 1, "second", 0, NEVER_RUN,           /* "@" */
                "/bin/three", 0, 0, NEVER_RUN);                  /* no words */
        reply_properties_end(fixture);
        value = &fixture->view.values[VIEW_EXEC_STOP];
        assert_int_equal(value->n_commands, 3);
        assert_int_equal(value->commands[0].flags, EXEC_IGNORE_FAILURE);
        assert_string_equal(value->commands[0].argv[1], "-x y");
        assert_int_equal(value->commands[1].flags, EXEC_ARGV0);
        assert_string_equal(value->commands[1].argv[0], "second");
        assert_int_equal(value->commands[2].flags, 0);
        assert_int_equal(strv_length(value->commands[2].argv), 1);
        assert_string_equal(value->commands[2].argv[0], "/bin/three");
}

static void reply_add_start(Fixture *fixture) {
        reply_add(
                fixture, "ExecStart", COMMANDS_TYPE, 1, "/bin/true", 1, "/bin/true", 1, NEVER_RUN);
}

static void reply_add_start_ex(Fixture *fixture) {
        reply_add(fixture, "ExecStartEx", COMMANDS_EX_TYPE, 1, "/bin/true", 1, "/bin/true", 3,
                "ignore-failure", "privileged", "unheard-of", NEVER_RUN);
}

static void test_unit_view_reply_fuller_commands_win_in_any_order(void **state) {
        static void (*const orders[][2])(Fixture *) = {
                { reply_add_start, reply_add_start_ex },
                { reply_add_start_ex, reply_add_start },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                const ViewValue *value = &fixture->view.values[VIEW_EXEC_START];

                reply_properties_begin(fixture);
                orders[i][0](fixture);
                orders[i][1](fixture);
                reply_properties_end(fixture);
                assert_true(value->is_known);
                assert_int_equal(value->n_commands, 1);
                assert_int_equal(value->commands[0].flags, EXEC_IGNORE_FAILURE | EXEC_PRIVILEGED);
        }
}

static void test_unit_view_reply_every_fuller_name_is_read(void **state) {
        static const struct {
                const char *property;
                ViewKey key;
        } rows[] = {
                { "ExecStartEx", VIEW_EXEC_START },
                { "ExecStopEx", VIEW_EXEC_STOP },
                { "ExecStopPostEx", VIEW_EXEC_STOP_POST },
        };
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                reply_add(fixture, rows[i].property, COMMANDS_EX_TYPE, 1, rows[i].property, 0, 1,
                        "no-env-expand", NEVER_RUN);
        reply_properties_end(fixture);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const ViewValue *value = &fixture->view.values[rows[i].key];

                assert_int_equal(value->n_commands, 1);
                assert_string_equal(value->commands[0].path, rows[i].property);
                assert_int_equal(value->commands[0].flags, EXEC_NO_EXPAND);
        }
}

/* ---- The unit itself ------------------------------------------------------------------------- */

static void test_unit_view_reply_states_and_files_are_read(void **state) {
        Fixture *fixture = *state;
        const UnitView *view = &fixture->view;

        reply_properties_begin(fixture);
        reply_add(fixture, "Id", "s", "alias-of-hermes.service");
        reply_add(fixture, "LoadState", "s", "bad-setting");
        reply_add(fixture, "LoadError", "(ss)", "org.example.Bad", "Unit has a bad setting.");
        reply_add(fixture, "ActiveState", "s", "inactive");
        reply_add(fixture, "SubState", "s", "dead");
        reply_add(fixture, "FragmentPath", "s", "/etc/systemd/system/hermes.service");
        reply_add(fixture, "DropInPaths", "as", 2, "/etc/a.conf", "/run/b.conf");
        reply_properties_end(fixture);
        assert_string_equal(view->name, "hermes.service");
        assert_string_equal(view->load_state, "bad-setting");
        assert_string_equal(view->load_error, "Unit has a bad setting.");
        assert_string_equal(view->active_state, "inactive");
        assert_string_equal(view->sub_state, "dead");
        assert_string_equal(view->fragment, "/etc/systemd/system/hermes.service");
        assert_int_equal(strv_length(view->drop_ins), 2);
        assert_string_equal(view->drop_ins[1], "/run/b.conf");
}

static void test_unit_view_reply_empty_error_and_path_are_none(void **state) {
        Fixture *fixture = *state;

        reply_properties_begin(fixture);
        reply_add(fixture, "LoadError", "(ss)", "org.example.Bad", "");
        reply_add(fixture, "FragmentPath", "s", "");
        reply_properties_end(fixture);
        assert_string_equal(fixture->view.load_error, "org.example.Bad");
        assert_null(fixture->view.fragment);

        reply_properties_begin(fixture);
        reply_add(fixture, "LoadError", "(ss)", "", "");
        reply_properties_end(fixture);
        assert_null(fixture->view.load_error);
}

/* ---- Other replies --------------------------------------------------------------------------- */

static void test_unit_view_reply_that_is_none_is_refused(void **state) {
        static const char *const types[] = { "", "s", "as", "a{ss}", "a{su}", "v" };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                reply_begin(fixture);
                if (strcmp(types[i], "v") == 0)
                        assert_return_code(
                                sd_bus_message_append(fixture->reply, "v", "s", "text"), 0);
                else if (types[i][0] == 's')
                        assert_return_code(sd_bus_message_append(fixture->reply, "s", "text"), 0);
                else if (types[i][0])
                        assert_return_code(sd_bus_message_append(fixture->reply, types[i], 0), 0);
                reply_end(fixture);
                assert_int_equal(unit_view_read_reply(&fixture->view, fixture->reply), -EBADMSG);
        }
}

static void test_unit_view_property_is_read(void **state) {
        Fixture *fixture = *state;

        unit_view_forget(&fixture->view);
        reply_begin(fixture);
        assert_return_code(sd_bus_message_append(fixture->reply, "v", "t", 30 * USEC_PER_SEC), 0);
        reply_end(fixture);
        assert_int_equal(
                unit_view_read_property(&fixture->view, "JobTimeoutUSec", fixture->reply), 0);
        assert_true(unit_view_usec(&fixture->view, VIEW_JOB_TIMEOUT_USEC) == 30 * USEC_PER_SEC);
        assert_true(fixture->view.values[VIEW_JOB_TIMEOUT_USEC].is_known);

        reply_begin(fixture);
        assert_return_code(sd_bus_message_append(fixture->reply, "v", "as", 1, "/x.conf"), 0);
        reply_end(fixture);
        assert_int_equal(unit_view_read_property(&fixture->view, "DropInPaths", fixture->reply), 0);
        assert_string_equal(fixture->view.drop_ins[0], "/x.conf");
}

static void test_unit_view_property_odd_is_not_known(void **state) {
        Fixture *fixture = *state;

        reply_begin(fixture);
        assert_return_code(sd_bus_message_append(fixture->reply, "v", "s", "30"), 0);
        reply_end(fixture);
        assert_int_equal(
                unit_view_read_property(&fixture->view, "JobTimeoutUSec", fixture->reply), 0);
        assert_false(fixture->view.values[VIEW_JOB_TIMEOUT_USEC].is_known);

        reply_begin(fixture);
        assert_return_code(sd_bus_message_append(fixture->reply, "t", UINT64_C(30)), 0);
        reply_end(fixture);
        assert_int_equal(unit_view_read_property(&fixture->view, "JobTimeoutUSec", fixture->reply),
                -EBADMSG);
}

static void test_unit_view_row_gives_the_states(void **state) {
        Fixture *fixture = *state;

        reply_begin(fixture);
        assert_return_code(sd_bus_message_open_container(fixture->reply, 'a', "(ssssssouso)"), 0);
        assert_return_code(
                sd_bus_message_append(fixture->reply, "(ssssssouso)", "hermes.service", "Hermes",
                        "masked", "active", "running", "", "/unit", 7, "stop", "/job"),
                0);
        assert_return_code(sd_bus_message_close_container(fixture->reply), 0);
        reply_end(fixture);
        assert_return_code(sd_bus_message_enter_container(fixture->reply, 'a', "(ssssssouso)"), 0);
        assert_int_equal(unit_view_read_row(&fixture->view, fixture->reply), 0);
        assert_string_equal(fixture->view.load_state, "masked");
        assert_string_equal(fixture->view.active_state, "active");
        assert_string_equal(fixture->view.sub_state, "running");
        assert_int_equal(unit_view_read_row(&fixture->view, fixture->reply), -EBADMSG);
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_unit_view_reply_every_key_is_read),
                FIXTURE_TEST(test_unit_view_reply_absent_is_not_known),
                FIXTURE_TEST(test_unit_view_reply_of_another_type_is_not_known),
                FIXTURE_TEST(test_unit_view_reply_booleans_and_words_are_one),
                FIXTURE_TEST(test_unit_view_reply_numbers_of_either_width_are_read),
                FIXTURE_TEST(test_unit_view_reply_signal_that_is_none_is_not_known),
                FIXTURE_TEST(test_unit_view_reply_statuses_out_of_range_are_left_out),
                FIXTURE_TEST(test_unit_view_reply_environment_files_keep_their_dash),
                FIXTURE_TEST(test_unit_view_reply_plain_command_has_its_flags),
                FIXTURE_TEST(test_unit_view_reply_fuller_commands_win_in_any_order),
                FIXTURE_TEST(test_unit_view_reply_every_fuller_name_is_read),
                FIXTURE_TEST(test_unit_view_reply_states_and_files_are_read),
                FIXTURE_TEST(test_unit_view_reply_empty_error_and_path_are_none),
                FIXTURE_TEST(test_unit_view_reply_that_is_none_is_refused),
                FIXTURE_TEST(test_unit_view_property_is_read),
                FIXTURE_TEST(test_unit_view_property_odd_is_not_known),
                FIXTURE_TEST(test_unit_view_row_gives_the_states),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
