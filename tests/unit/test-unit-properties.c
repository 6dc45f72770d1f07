/* SPDX-License-Identifier: MIT */

/* What becomes of a unit's properties, as a manager sends them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake-manager.h"

static const FakeProperty nothing[] = { {} };

static void test_unit_properties_loaded_service_tells_everything(void **state) {
        Fixture *fixture = *state;
        const UnitProperties *told = &fixture->told;

        fixture_read(fixture);
        assert_string_equal(told->id, "hermes.service");
        assert_string_equal(told->names, "hermes.service");
        assert_true(told->is_loaded);
        assert_int_equal(told->main_pid, 4711);
        assert_memory_equal(told->invocation_id.bytes, "0123456789abcdef", 16);
        assert_int_equal(told->timeout_stop_usec, 90 * USEC_PER_SEC);
        assert_int_equal(told->kill_mode, KILL_MODE_MIXED);
        assert_int_equal(told->kill_signal, SIGINT);
        assert_int_equal(told->restart_kill_signal, SIGUSR2);
        assert_int_equal(told->watchdog_signal, SIGQUIT);
        assert_true(told->send_sighup);
        assert_false(told->send_sigkill);
        assert_true(told->has_notify_access);
        assert_int_equal(told->watchdog_usec, 30 * USEC_PER_SEC);
        assert_string_equal(told->timeout_source, "DefaultTimeoutStopSec");
        assert_true(told->cap_usec == USEC_INFINITY);

        assert_string_equal(
                fixture->fake.last_path, "/org/freedesktop/systemd1/unit/hermes_2eservice");
        assert_string_equal(fixture->fake.last_interface, SERVICE_INTERFACE);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        assert_int_equal(fixture->fake.n_type_asked, 1);
        assert_int_equal(fixture->fake.n_cap_asked, 0);
        assert_int_equal(fixture->fake.n_auto_start, 0);
        assert_int_equal(fixture->fake.n_hello, 0);
}

static void test_unit_properties_unit_not_found_is_not_loaded(void **state) {
        static const FakeProperty unit[] = {
                { "Id", "s", "hermes.service" },
                { "LoadState", "s", "not-found" },
                {},
        };
        Fixture *fixture = *state;

        fixture->fake.unit_properties = unit;
        fixture_read(fixture);
        assert_false(fixture->told.is_loaded);
        assert_string_equal(fixture->told.timeout_source, "");
}

static void test_unit_properties_nothing_told_has_defaults(void **state) {
        Fixture *fixture = *state;
        const UnitProperties *told = &fixture->told;

        fixture->fake.unit_properties = nothing;
        fixture->fake.type_properties = nothing;
        fixture_read(fixture);
        assert_false(told->is_loaded);
        assert_string_equal(told->id, "");
        assert_string_equal(told->names, "");
        assert_int_equal(told->main_pid, 0);
        assert_true(sd_id128_is_null(told->invocation_id));
        assert_true(told->timeout_stop_usec == USEC_INFINITY);
        assert_int_equal(told->kill_mode, _KILL_MODE_INVALID);
        assert_int_equal(told->kill_signal, SIGTERM);
        assert_int_equal(told->restart_kill_signal, SIGTERM);
        assert_int_equal(told->watchdog_signal, SIGABRT);
        assert_true(told->send_sigkill);
        assert_false(told->send_sighup);
        assert_false(told->has_notify_access);
        assert_int_equal(told->watchdog_usec, 0);
}

static void test_unit_properties_wrong_types_have_defaults(void **state) {
        static const FakeProperty unit[] = {
                { "Id", "t", NULL, 1 },
                { "Names", "s", "hermes.service" },
                { "LoadState", "s", "loaded" },
                { "FragmentPath", "u", NULL, 1 },
                { "DropInPaths", "s", "/etc" },
                { "InvocationID", "s", "0123456789abcdef" },
                {},
        };
        static const FakeProperty type[] = {
                { "TimeoutStopUSec", "s", "90" },
                { "MainPID", "i", NULL, 4711 },
                { "KillMode", "i", NULL, 1 },
                { "KillSignal", "u", NULL, SIGINT },
                { "RestartKillSignal", "s", "SIGINT" },
                { "SendSIGKILL", "u", NULL, 0 },
                { "NotifyAccess", "b", NULL, 1 },
                { "WatchdogUSec", "u", NULL, 1 },
                {},
        };
        Fixture *fixture = *state;
        const UnitProperties *told = &fixture->told;

        fixture->fake.unit_properties = unit;
        fixture->fake.type_properties = type;
        fixture_read(fixture);
        assert_true(told->is_loaded);
        assert_string_equal(told->id, "");
        assert_string_equal(told->names, "");
        assert_string_equal(told->timeout_source, "DefaultTimeoutStopSec");
        assert_true(sd_id128_is_null(told->invocation_id));
        assert_true(told->timeout_stop_usec == USEC_INFINITY);
        assert_int_equal(told->main_pid, 0);
        assert_int_equal(told->kill_mode, _KILL_MODE_INVALID);
        assert_int_equal(told->kill_signal, SIGTERM);
        assert_int_equal(told->restart_kill_signal, SIGTERM);
        assert_true(told->send_sigkill);
        assert_false(told->has_notify_access);
        assert_int_equal(told->watchdog_usec, 0);
}

static void test_unit_properties_values_out_of_range_are_bounded(void **state) {
        static char long_text[4096];
        static const FakeProperty unit[] = {
                { "Id", "s", long_text },
                { "LoadState", "s", "loaded" },
                { "FragmentPath", "s", long_text },
                { "DropInPaths", "as", long_text },
                { "InvocationID", "ay", "short" },
                {},
        };
        static const FakeProperty type[] = {
                { "MainPID", "u", NULL, UINT32_MAX },
                { "KillMode", "s", "gentle" },
                { "KillSignal", "i", NULL, 9999 },
                { "RestartKillSignal", "i", NULL, (uint32_t) -1 },
                { "TimeoutStopUSec", "t", NULL, UINT64_MAX },
                {},
        };
        Fixture *fixture = *state;
        const UnitProperties *told = &fixture->told;

        memset(long_text, 'x', sizeof(long_text) - 1);
        fixture->fake.unit_properties = unit;
        fixture->fake.type_properties = type;
        fixture_read(fixture);
        assert_int_equal(strlen(told->id), sizeof(told->id) - 1);
        assert_true(sd_id128_is_null(told->invocation_id));
        assert_int_equal(told->main_pid, 0);
        assert_int_equal(told->kill_mode, _KILL_MODE_INVALID);
        assert_int_equal(told->kill_signal, SIGTERM);
        assert_int_equal(told->restart_kill_signal, SIGTERM);
        assert_true(told->timeout_stop_usec == USEC_INFINITY);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* A message that holds what the reply to Get would. Returns: NULL: out of memory. */
static sd_bus_message *names_new_reply(sd_bus *bus, const char *type, const char *names[]) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;

        int r = sd_bus_message_new_signal(bus, &message, "/x", "x.x", "X");
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', type);
        if (r >= 0)
                r = strcmp(type, "s") == 0 ? sd_bus_message_append_basic(message, 's', names[0])
                                           : sd_bus_message_append_strv(message, (char **) names);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        if (r >= 0)
                r = sd_bus_message_seal(message, /* cookie= */ 1, /* timeout_usec= */ 0);
        return r < 0 ? NULL : TAKE_PTR(message);
}

/* Reads what is told of a unit with this id, if it is not NULL, and these names. */
static int names_read(
        sd_bus *bus, const char *id, const char *names[], UnitProperties *ret_properties) {
        sd_bus_message *replies[_UNIT_PROPERTY_MAX] = {};
        int r = -ENOMEM;

        if (id)
                replies[UNIT_PROPERTY_ID] = names_new_reply(bus, "s", &id);
        replies[UNIT_PROPERTY_NAMES] = names_new_reply(bus, "as", names);
        unit_properties_reset(ret_properties);
        if ((!id || replies[UNIT_PROPERTY_ID]) && replies[UNIT_PROPERTY_NAMES])
                r = unit_properties_read_unit(ret_properties, replies, "Service");
        for (UnitProperty property = 0; property < _UNIT_PROPERTY_MAX; property++)
                (void) sd_bus_message_unref(replies[property]);
        return r;
}

/* The manager tells all names in no order; the id comes first, and once. */
static void test_unit_properties_names_begin_with_the_id(void **state) {
        static struct {
                const char *id;
                const char *names[4];
                const char *expected;
        } rows[] = {
                { "b.service", { "a.service", "b.service", "c.service" },
                        "b.service a.service c.service" },
                { "b.service", { "b.service" }, "b.service" },
                { "b.service", {}, "b.service" },
                { NULL, { "a.service", "b.service" }, "a.service b.service" },
                { "b.service", { "", "two names.service", "a.service" }, "b.service a.service" },
        };
        Fixture *fixture = *state;

        fixture_read(fixture);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                UnitProperties told;

                assert_int_equal(
                        names_read(fixture->fake.peers[0], rows[i].id, rows[i].names, &told), 0);
                assert_string_equal(told.names, rows[i].expected);
        }
}

static void test_unit_properties_names_too_many_are_left_out_whole(void **state) {
        static char text[100][UNIT_NAME_MAX];
        Fixture *fixture = *state;
        const char *names[ELEMENTSOF(text) + 1] = {};
        UnitProperties told;
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(text); i++) {
                memset(text[i], 'x', i % 2 ? 20 : UNIT_NAME_MAX - 1);
                (void) snprintf(text[i], 4, "%03zu", i);
                text[i][3] = 'x';
                names[i] = text[i];
        }
        fixture_read(fixture);
        assert_int_equal(names_read(fixture->fake.peers[0], "hermes.service", names, &told), 0);
        assert_in_range(strlen(told.names), sizeof(told.names) - 21, sizeof(told.names) - 1);
        for (char *rest = told.names, *name; (name = strsep(&rest, " ")); n++)
                assert_true(strcmp(name, "hermes.service") == 0 || strlen(name) == 20 ||
                        strlen(name) == UNIT_NAME_MAX - 1);
        assert_true(n > 4);
}

/* ---- Where a timeout comes from -------------------------------------------------------------- */

static void fixture_write(
        Fixture *fixture, char path[static 128], const char *name, const char *text) {
        FILE *file;

        (void) snprintf(path, 128, "%s/%s", fixture->directory, name);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_return_code(fputs(text, file), errno);
        assert_int_equal(fclose(file), 0);
}

static void test_unit_properties_timeout_source_is_the_last_file_that_sets_it(void **state) {
        static const struct {
                const char *fragment;
                const char *drop_in;
                const char *unit;
                const char *expected; /* in the directory; else as it is */
        } rows[] = {
                { "[Service]\nTimeoutStopSec=9\n", "[Service]\nNice=1\n", "h.service", "unit" },
                { "[Service]\nTimeoutStopSec=9\n", "[Service]\nTimeoutSec=7\n", "h.service",
                        "drop-in.conf" },
                { "[Service]\nNice=1\n", "[Unit]\nDescription=x\n", "h.service", NULL },
                { "[Scope]\nTimeoutStopSec=9\n", "[Service]\nTimeoutStopSec=9\n", "h.scope",
                        "unit" },
        };
        Fixture *fixture = *state;
        char fragment[128], drop_in[128], expected[160];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture_write(fixture, fragment, "unit", rows[i].fragment);
                fixture_write(fixture, drop_in, "drop-in.conf", rows[i].drop_in);
                FakeProperty unit[] = {
                        { "DropInPaths", "as", drop_in },
                        { "FragmentPath", "s", fragment },
                        { "LoadState", "s", "loaded" },
                        {},
                };

                fixture->fake.unit_properties = unit;
                strcpy(fixture->unit.unit, rows[i].unit);
                fixture->n_calls = 0;
                fixture_read(fixture);
                if (rows[i].expected)
                        (void) snprintf(expected, sizeof(expected), "%s/%s", fixture->directory,
                                rows[i].expected);
                else
                        strcpy(expected, "DefaultTimeoutStopSec");
                assert_string_equal(fixture->told.timeout_source, expected);
                fixture->bus = unit_bus_free(fixture->bus);
        }
}

static void test_unit_properties_scope_is_asked_as_scope(void **state) {
        Fixture *fixture = *state;

        strcpy(fixture->unit.unit, "session-3.scope");
        fixture_read(fixture);
        assert_string_equal(fixture->fake.last_interface, MANAGER_NAME ".Scope");
        assert_string_equal(
                fixture->fake.last_path, "/org/freedesktop/systemd1/unit/session_2d3_2escope");
        assert_int_equal(fixture->told.timeout_stop_usec, 90 * USEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_unit_properties_loaded_service_tells_everything),
                FIXTURE_TEST(test_unit_properties_unit_not_found_is_not_loaded),
                FIXTURE_TEST(test_unit_properties_nothing_told_has_defaults),
                FIXTURE_TEST(test_unit_properties_wrong_types_have_defaults),
                FIXTURE_TEST(test_unit_properties_values_out_of_range_are_bounded),
                FIXTURE_TEST(test_unit_properties_names_begin_with_the_id),
                FIXTURE_TEST(test_unit_properties_names_too_many_are_left_out_whole),
                FIXTURE_TEST(test_unit_properties_timeout_source_is_the_last_file_that_sets_it),
                FIXTURE_TEST(test_unit_properties_scope_is_asked_as_scope),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
