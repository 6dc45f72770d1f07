/* SPDX-License-Identifier: MIT */

/* Which units are read from a manager, what they are then, and what goes wrong on the way. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake-unit-server.h"
#include "units/manager-call.h"
#include "units/unit-reader.h"

typedef struct Fixture {
        char directory[64], socket_path[96];
        FakeServer server;
        UnitReaderTarget target;
        UnitReader *reader;
        char **names;
        UnitView *views;
        size_t n_views;
        sd_bus *bus;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->server.fd = -EBADF;
        strcpy(fixture->directory, "/tmp/test-unit-reader.XXXXXX");
        if (!mkdtemp(fixture->directory))
                return -1;
        (void) snprintf(fixture->socket_path, sizeof(fixture->socket_path), "%s/private",
                fixture->directory);
        return 0;
}

static void fixture_forget(Fixture *fixture) {
        unit_views_free(fixture->views, fixture->n_views);
        fixture->views = NULL;
        fixture->n_views = 0;
        fixture->names = strv_free(fixture->names);
        fixture->reader = unit_reader_free(fixture->reader);
        fake_server_stop(&fixture->server);
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        (void) sd_bus_close_unref(fixture->bus);
        fixture_forget(fixture);
        (void) rmdir(fixture->directory);
        free(fixture);
        return 0;
}

/* May be called again with another script. The target is somebody else's machine, so that nothing of this
 * one is looked at. */
static void fixture_start(Fixture *fixture, const FakeScript *script) {
        fixture_forget(fixture);
        fake_server_start(&fixture->server, fixture->socket_path, script);
        fixture->target.manager = UNIT_MANAGER_SYSTEM;
        fixture->target.address = fixture->server.address;
        fixture->target.machine = "elsewhere";
        assert_int_equal(unit_reader_open(&fixture->target, &fixture->reader), 0);
}

static int fixture_list(Fixture *fixture, const char *const patterns[]) {
        const char *bad = NULL;

        fixture->names = strv_free(fixture->names);
        return unit_reader_list(fixture->reader, (char *const *) patterns, &fixture->names, &bad);
}

static int fixture_read(Fixture *fixture, const char *const names[]) {
        return unit_reader_read(
                fixture->reader, (char *const *) names, &fixture->views, &fixture->n_views);
}

static const FakeUnit units[] = {
        { "web.service" },
        { "hermes.service" },
        { "hermes.socket" },
        { "hermes@b.service" },
        { "hermes@a.service" },
        { "hermes-gone.service", .load_state = "not-found" },
        { "hermes-off.service", .load_state = "masked" },
        {},
};
static const FakeScript plain = { .units = units };

static void assert_names(char *const names[], const char *const expected[]) {
        size_t i;

        for (i = 0; expected[i]; i++) {
                assert_true(i < strv_length(names));
                assert_string_equal(names[i], expected[i]);
        }
        assert_int_equal(strv_length(names), i);
}

/* ---- Which units ----------------------------------------------------------------------------- */

static void test_unit_reader_names_stand_for_themselves(void **state) {
        static const char *const given[] = { "z", "nobody.service", "a.b", "x@y", "z.service",
                "web-\\x2d1", "nobody", NULL };
        static const char *const expected[] = { "z.service", "nobody.service", "a.b.service",
                "x@y.service", "web-\\x2d1.service", NULL };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        assert_int_equal(fixture_list(fixture, given), 0);
        assert_names(fixture->names, expected);
        assert_int_equal(fixture->server.counts->n_list, 0);
}

static void test_unit_reader_globs_are_sorted_services(void **state) {
        static const struct {
                const char *given[4], *expected[8];
        } rows[] = {
                { { "hermes*" },
                        { "hermes-off.service", "hermes.service", "hermes@a.service",
                                "hermes@b.service" } },
                { { "hermes@b", "web*", "hermes@*" },
                        { "hermes@b.service", "web.service", "hermes@a.service" } },
                { { "hermes?[ab].service" }, { "hermes@a.service", "hermes@b.service" } },
                { { "*.socket", "nothing*" }, {} },
                { {},
                        { "hermes-off.service", "hermes.service", "hermes@a.service",
                                "hermes@b.service", "web.service" } },
        };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(fixture_list(fixture, rows[i].given), 0);
                assert_names(fixture->names, rows[i].expected);
        }
        assert_int_equal(fixture_list(fixture, NULL), 0);
        assert_names(fixture->names, rows[ELEMENTSOF(rows) - 1].expected);
        assert_int_equal(fixture->server.counts->n_auto_start, 0);
}

static void test_unit_reader_bad_names_are_pointed_at(void **state) {
        static const char *const rows[] = { "", "foo.socket", "foo@.service", "foo@", "a b",
                "a/b.service", ".service", "f\xc3\xb6\xc3\xb6" };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *const given[] = { "good", rows[i], "good-too", NULL };
                const char *bad = NULL;
                char **names = NULL;

                assert_int_equal(
                        unit_reader_list(fixture->reader, (char *const *) given, &names, &bad),
                        -EINVAL);
                assert_ptr_equal(bad, rows[i]);
                assert_null(names);
        }
}

/* ---- What they are --------------------------------------------------------------------------- */

static void test_unit_reader_unit_is_read(void **state) {
        static const FakeUnit rows[] = {
                { "hermes.service", .fragment = "/etc/systemd/system/hermes.service",
                        .drop_in = "/run/x.conf", .timeout_stop_usec = 45 * USEC_PER_SEC },
                {},
        };
        static const FakeScript script = { .units = rows };
        static const char *const names[] = { "hermes.service", NULL };
        const UnitView *view;
        Fixture *fixture = *state;

        fixture_start(fixture, &script);
        assert_int_equal(fixture_read(fixture, names), 0);
        assert_int_equal(fixture->n_views, 1);
        view = &fixture->views[0];
        assert_string_equal(view->name, "hermes.service");
        assert_string_equal(view->load_state, "loaded");
        assert_string_equal(view->active_state, "active");
        assert_string_equal(view->sub_state, "running");
        assert_null(view->load_error);
        assert_string_equal(view->fragment, "/etc/systemd/system/hermes.service");
        assert_int_equal(strv_length(view->drop_ins), 1);
        assert_string_equal(view->drop_ins[0], "/run/x.conf");
        assert_true(unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC) == 45 * USEC_PER_SEC);
        assert_true(unit_view_is(view, VIEW_KILL_MODE, "mixed"));
        assert_true(unit_view_bool(view, VIEW_NEED_DAEMON_RELOAD));
        assert_int_equal(unit_view_number(view, VIEW_START_LIMIT_BURST), 5);
        assert_true(view->values[VIEW_START_LIMIT_INTERVAL_USEC].is_known);
        assert_true(view->values[VIEW_JOB_TIMEOUT_USEC].is_known);
        assert_true(view->values[VIEW_JOB_RUNNING_TIMEOUT_USEC].is_known);
        assert_false(view->values[VIEW_TYPE].is_known);
        assert_int_equal(fixture->server.counts->n_states, 1);
        assert_int_equal(fixture->server.counts->n_get_all, 1);
        assert_int_equal(fixture->server.counts->n_get, 7);
        assert_int_equal(fixture->server.counts->n_auto_start, 0);
        assert_int_equal(fixture->server.counts->n_hello, 0);
}

static void test_unit_reader_elsewhere_has_no_files(void **state) {
        static const char *const names[] = { "hermes.service", NULL };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        assert_int_equal(fixture_read(fixture, names), 0);
        assert_false(fixture->views[0].has_files);
        assert_int_equal(
                fixture->views[0].values[VIEW_TIMEOUT_STOP_USEC].origin, VIEW_ORIGIN_UNKNOWN);
        assert_int_equal(fixture->views[0].values[VIEW_KILL_MODE].origin, VIEW_ORIGIN_UNKNOWN);
        assert_true(fixture->views[0].cap_usec == USEC_INFINITY);
        assert_int_equal(fixture->views[0].linger, -1);
}

static void test_unit_reader_states_go_to_their_units(void **state) {
        static const char *const names[] = { "hermes-off.service", "nobody.service",
                "hermes.service", NULL };
        static const char *const load[] = { "masked", "not-found", "loaded" };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        assert_int_equal(fixture_read(fixture, names), 0);
        assert_int_equal(fixture->n_views, ELEMENTSOF(load));
        for (size_t i = 0; i < ELEMENTSOF(load); i++) {
                assert_string_equal(fixture->views[i].name, names[i]);
                assert_string_equal(fixture->views[i].load_state, load[i]);
        }
        assert_string_equal(fixture->views[1].load_error, "Unit not found.");
        assert_null(fixture->views[2].load_error);
        assert_int_equal(
                fixture->server.counts->n_get, 3 * 7 + 2); /* why those two are not loaded */
}

/* Nothing is answered until 64 questions have come: whoever waited in between would wait for ever. */
static void test_unit_reader_many_are_asked_before_an_answer(void **state) {
        enum { N = 200 };
        static FakeUnit rows[N + 1];
        static char texts[N][32];
        static const char *names[N + 1];
        const FakeScript script = { .units = rows, .n_held = 64 };
        Fixture *fixture = *state;

        for (size_t i = 0; i < N; i++) {
                (void) snprintf(texts[i], sizeof(texts[i]), "unit-%zu@\\x2d.service", i);
                names[i] = texts[i];
                rows[i] = (FakeUnit){ texts[i], .timeout_stop_usec = 1000 + i };
        }
        fixture_start(fixture, &script);
        assert_int_equal(fixture_read(fixture, names), 0);
        assert_int_equal(fixture->n_views, N);
        for (size_t i = 0; i < N; i++) {
                const UnitView *view = &fixture->views[i];

                assert_string_equal(view->name, texts[i]);
                assert_true(unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC) == 1000 + i);
        }
        assert_int_equal(fixture->server.counts->n_states, 1);
        assert_int_equal(fixture->server.counts->n_get_all, N);
}

static void test_unit_reader_no_names_is_nothing(void **state) {
        static const char *const none[] = { NULL };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        assert_int_equal(fixture_read(fixture, none), 0);
        assert_int_equal(fixture->n_views, 0);
        assert_int_equal(fixture_read(fixture, NULL), 0);
        assert_int_equal(fixture->n_views, 0);
}

static void test_unit_reader_property_of_another_version_is_not_known(void **state) {
        static const char *const names[] = { "hermes.service", NULL };
        const FakeScript script = { .units = units, .lacks_property = "JobRunningTimeoutUSec" };
        Fixture *fixture = *state;

        fixture_start(fixture, &script);
        assert_int_equal(fixture_read(fixture, names), 0);
        assert_false(fixture->views[0].values[VIEW_JOB_RUNNING_TIMEOUT_USEC].is_known);
        assert_true(fixture->views[0].values[VIEW_JOB_TIMEOUT_USEC].is_known);
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

static void test_unit_reader_failing_calls_are_told(void **state) {
        static const struct {
                const char *error;
                int expected;
        } rows[] = {
                { SD_BUS_ERROR_ACCESS_DENIED, -EACCES },
                { SD_BUS_ERROR_NO_REPLY, -ETIMEDOUT },
                { "org.example.Unheard", -EIO },
                { FAKE_HANG_UP, -ECONNRESET },
                { FAKE_NONSENSE, -EBADMSG },
        };
        static const char *const names[] = { "hermes.service", "web.service", NULL };
        static const char *const members[] = { "ListUnitsByNames", "GetAll", "Get" };
        static const char *const globs[] = { "h*", NULL };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FakeScript script = { .units = units, .error = rows[i].error };

                for (size_t k = 0; k < ELEMENTSOF(members); k++) {
                        script.error_member = members[k];
                        fixture_start(fixture, &script);
                        assert_int_equal(fixture_read(fixture, names), rows[i].expected);
                        assert_null(fixture->views);
                }
                script.error_member = "ListUnitsByPatterns";
                fixture_start(fixture, &script);
                assert_int_equal(fixture_list(fixture, globs), rows[i].expected);
                assert_null(fixture->names);
        }
}

static void test_unit_reader_unit_that_cannot_be_told_hides_no_other(void **state) {
        static const char *const names[] = { "hermes.service", "web.service", NULL };
        const FakeScript script = {
                .units = units,
                .error_member = "GetAll",
                .error = SD_BUS_ERROR_INVALID_ARGS, /* a command with bytes that are no UTF-8 */
        };
        Fixture *fixture = *state;

        fixture_start(fixture, &script);
        assert_int_equal(fixture_read(fixture, names), 0);
        for (size_t i = 0; i < 2; i++) {
                assert_string_equal(fixture->views[i].unreadable, "As told");
                assert_false(fixture->views[i].values[VIEW_EXEC_START].is_known);
        }
}

static void test_unit_reader_reload_is_asked_once(void **state) {
        const FakeScript refuses = { .error_member = "Reload",
                .error = SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED };
        Fixture *fixture = *state;

        fixture_start(fixture, &plain);
        assert_int_equal(unit_reader_reload(fixture->reader), 0);
        assert_int_equal(fixture->server.counts->n_reload, 1);

        fixture_start(fixture, &refuses);
        assert_int_equal(unit_reader_reload(fixture->reader), -EACCES);
}

static void test_unit_reader_no_bus_is_told_when_opening(void **state) {
        static const struct {
                UnitReaderTarget target;
                int error;
        } rows[] = {
                { { .address = "unix:path=/nonexistent/manager" }, -ENOENT },
                { { .address = "unix:abstract=gatewatch-test-nobody-listens" }, -ECONNREFUSED },
                { { .manager = UNIT_MANAGER_USER, .host = "example.org" }, -EOPNOTSUPP },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                UnitReaderTarget target = rows[i].target;

                target.manager = target.manager ?: UNIT_MANAGER_SYSTEM;
                assert_int_equal(unit_reader_open(&target, &fixture->reader), rows[i].error);
                assert_null(fixture->reader);
        }
}

/* ---- A manager that is not on its bus yet ---------------------------------------------------- */

static void test_unit_reader_manager_that_comes_late_is_awaited(void **state) {
        static const char *const names[] = { "hermes.service", NULL };
        static const char *const globs[] = { "web*", NULL };
        const FakeScript script = { .units = units, .is_late = true };
        Fixture *fixture = *state;

        fixture->target.is_message_bus = true;
        fixture_start(fixture, &script);
        assert_int_equal(fixture_list(fixture, globs), 0);
        assert_int_equal(strv_length(fixture->names), 1);
        assert_int_equal(fixture->server.counts->n_list, 2);
        assert_int_equal(fixture->server.counts->n_hello, 1);

        fixture_start(fixture, &(FakeScript){ .units = units, .is_late = true });
        assert_int_equal(fixture_read(fixture, names), 0);
        assert_string_equal(fixture->views[0].load_state, "loaded");
        assert_int_equal(fixture->server.counts->n_states, 2);
}

static void test_manager_await_one_that_never_comes_is_none(void **state) {
        Fixture *fixture = *state;

        fixture_start(fixture, &(FakeScript){ .is_never = true });
        assert_return_code(sd_bus_new(&fixture->bus), 0);
        assert_return_code(sd_bus_set_address(fixture->bus, fixture->server.address), 0);
        assert_return_code(sd_bus_set_bus_client(fixture->bus, true), 0);
        fixture->reader =
                unit_reader_free(fixture->reader); /* the server has one visitor at a time */
        assert_return_code(sd_bus_start(fixture->bus), 0);
        assert_int_equal(manager_await(fixture->bus, 1), -ESRCH);
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_unit_reader_names_stand_for_themselves),
                FIXTURE_TEST(test_unit_reader_globs_are_sorted_services),
                FIXTURE_TEST(test_unit_reader_bad_names_are_pointed_at),
                FIXTURE_TEST(test_unit_reader_unit_is_read),
                FIXTURE_TEST(test_unit_reader_elsewhere_has_no_files),
                FIXTURE_TEST(test_unit_reader_states_go_to_their_units),
                FIXTURE_TEST(test_unit_reader_many_are_asked_before_an_answer),
                FIXTURE_TEST(test_unit_reader_no_names_is_nothing),
                FIXTURE_TEST(test_unit_reader_property_of_another_version_is_not_known),
                FIXTURE_TEST(test_unit_reader_failing_calls_are_told),
                FIXTURE_TEST(test_unit_reader_unit_that_cannot_be_told_hides_no_other),
                FIXTURE_TEST(test_unit_reader_reload_is_asked_once),
                FIXTURE_TEST(test_unit_reader_no_bus_is_told_when_opening),
                FIXTURE_TEST(test_unit_reader_manager_that_comes_late_is_awaited),
                FIXTURE_TEST(test_manager_await_one_that_never_comes_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
