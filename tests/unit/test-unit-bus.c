/* SPDX-License-Identifier: MIT */

/* A unit read from a manager: what may go wrong, what changes later, and where it is asked. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "fake-manager.h"

/* ---- Names ----------------------------------------------------------------------------------- */

static void test_kill_mode_every_value_comes_back(void **state) {
        static const char *const names[] = { "control-group", "mixed", "process", "none" };

        assert_int_equal(ELEMENTSOF(names), _KILL_MODE_MAX);
        for (KillMode mode = 0; mode < _KILL_MODE_MAX; mode++) {
                assert_string_equal(kill_mode_to_string(mode), names[mode]);
                assert_int_equal(kill_mode_from_string(names[mode]), mode);
        }
}

static void test_kill_mode_unknown_is_invalid(void **state) {
        assert_int_equal(kill_mode_from_string("Mixed"), _KILL_MODE_INVALID);
        assert_int_equal(kill_mode_from_string(""), _KILL_MODE_INVALID);
        assert_null(kill_mode_to_string(_KILL_MODE_INVALID));
        assert_null(kill_mode_to_string(_KILL_MODE_MAX));
}

/* ---- What is asked --------------------------------------------------------------------------- */

/* GetAll on the Unit interface makes systemd search its directories of unit files, some 3 ms a unit
 * after each daemon-reload. NeedDaemonReload looks at files, too. */
static void test_unit_bus_unit_interface_is_asked_only_for_what_is_needed(void **state) {
        static const char once[] = "Id Names LoadState InvocationID FragmentPath DropInPaths ";
        char twice[2 * sizeof(once)];
        Fixture *fixture = *state;

        fixture_read(fixture);
        assert_string_equal(fixture->fake.asked, once);
        assert_int_equal(fixture->fake.n_type_asked, 1);

        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 2);
        (void) snprintf(twice, sizeof(twice), "%s%s", once, once);
        assert_string_equal(fixture->fake.asked, twice);
        assert_int_equal(fixture->fake.n_type_asked, 2);
        assert_int_equal(fixture->fake.n_unit_all_asked, 0);
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

static void test_unit_bus_no_manager_is_invalid(void **state) {
        Fixture *fixture = *state;

        fixture->unit = (CgroupUnit){ .manager = UNIT_MANAGER_NONE };
        assert_int_equal(unit_bus_new(fixture->event, &fixture->unit, NULL, 0, fixture_handle,
                                 fixture, &fixture->bus),
                -EINVAL);
        assert_null(fixture->bus);
}

static void test_unit_bus_error_reply_is_told(void **state) {
        static const struct {
                const char *name;
                int error;
        } rows[] = {
                { "org.freedesktop.systemd1.NoSuchUnit", -ENOENT },
                { "org.freedesktop.DBus.Error.UnknownObject", -ENOENT },
                { "org.freedesktop.DBus.Error.UnknownMethod", -ENOENT },
                { "org.freedesktop.DBus.Error.ServiceUnknown", -ENOENT },
                { "org.freedesktop.DBus.Error.NameHasNoOwner", -ENOENT },
                { "org.freedesktop.DBus.Error.NoReply", -ETIMEDOUT },
                { "org.freedesktop.DBus.Error.AccessDenied", -EACCES },
                { "org.example.Unheard", -EIO },
        };
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_ERRS;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->fake.error_name = rows[i].name;
                fixture->n_calls = 0;
                fixture_start(fixture);
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_int_equal(fixture->error, rows[i].error);
                fixture->bus = unit_bus_free(fixture->bus);
        }
}

/* Each answer counts, in whatever place it comes. */
static void test_unit_bus_one_answer_of_no_use_is_told(void **state) {
        static const char *const questions[] = { "Id", "Names", "LoadState", "InvocationID",
                "FragmentPath", "DropInPaths", SERVICE_INTERFACE };
        static const struct {
                FakeMode mode;
                int error;
        } rows[] = {
                { FAKE_ERRS, -EACCES },
                { FAKE_SAYS_NONSENSE, -EBADMSG },
                { FAKE_HANGS_UP, -ECONNRESET },
        };
        Fixture *fixture = *state;

        fixture->fake.error_name = "org.freedesktop.DBus.Error.AccessDenied";
        for (size_t i = 0; i < ELEMENTSOF(questions) * ELEMENTSOF(rows); i++) {
                fixture->fake.mode_at = questions[i / ELEMENTSOF(rows)];
                fixture->fake.mode = rows[i % ELEMENTSOF(rows)].mode;
                fixture->n_calls = 0;
                fixture_start(fixture);
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_int_equal(fixture->error, rows[i % ELEMENTSOF(rows)].error);
                fixture_run_dry(fixture);
                assert_int_equal(fixture->n_calls, 1);
                fixture->bus = unit_bus_free(fixture->bus);
                fake_hang_up(&fixture->fake);
        }
}

static void test_unit_bus_one_answer_that_does_not_come_times_out(void **state) {
        static const char *const questions[] = { "Id", SERVICE_INTERFACE };
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_SAYS_NOTHING;
        for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
                fixture->fake.mode_at = questions[i];
                fixture->n_calls = 0;
                fixture_start(fixture);
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_int_equal(fixture->error, -ETIMEDOUT);
                fixture->bus = unit_bus_free(fixture->bus);
        }
}

static void test_unit_bus_reply_of_another_type_is_told(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_SAYS_NONSENSE;
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -EBADMSG);
}

static void test_unit_bus_manager_silent_times_out_once(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -ETIMEDOUT);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);
}

static void test_unit_bus_connection_not_accepted_times_out(void **state) {
        Fixture *fixture = *state;

        fixture->fake.accept_source = sd_event_source_disable_unref(fixture->fake.accept_source);
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -ETIMEDOUT);
}

static void test_unit_bus_hung_up_while_reading_is_reset(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_HANGS_UP;
        fixture->fake.mode_at = SERVICE_INTERFACE;
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -ECONNRESET);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        assert_int_equal(fixture->fake.n_type_asked, 1);
}

static void test_unit_bus_nobody_there_is_told(void **state) {
        static const struct {
                const char *address;
                int error;
        } rows[] = {
                { "unix:path=/nonexistent/manager", -ENOENT },
                { "unix:abstract=gatewatch-test-nobody-listens", -ECONNREFUSED },
                { "tcp:host=localhost,port=1", -ENOENT }, /* passed over */
                { "", -ENOENT },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->n_calls = 0;
                fixture_start_at(fixture, rows[i].address);
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_int_equal(fixture->error, rows[i].error);
                fixture->bus = unit_bus_free(fixture->bus);
        }
}

static void test_unit_bus_freed_by_its_handler_is_gone(void **state) {
        static const FakeMode modes[] = { FAKE_ANSWERS, FAKE_SAYS_NONSENSE, FAKE_HANGS_UP };
        Fixture *fixture = *state;

        fixture->is_freed_by_handler = true;
        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                fixture->fake.mode = modes[i];
                fixture->n_calls = 0;
                fixture_start(fixture);
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_null(fixture->bus);
                fixture_run_dry(fixture);
                assert_int_equal(fixture->n_calls, 1);
        }
}

static void test_unit_bus_freed_early_tells_nothing(void **state) {
        Fixture *fixture = *state;

        fixture_start(fixture);
        fixture->bus = unit_bus_free(fixture->bus);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->fake.n_peers, 0);

        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 1);
        fixture->bus = unit_bus_free(fixture->bus);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 0);
        assert_null(unit_bus_free(NULL));
}

/* A flush at exit would wait for a peer that reads nothing until sd-bus gives up on it. */
static void test_unit_bus_loop_exits_without_waiting_for_the_peer(void **state) {
        Fixture *fixture = *state;
        usec_t since_usec;

        fixture->fake.accept_source = sd_event_source_disable_unref(fixture->fake.accept_source);
        fixture_start(fixture);
        fixture_run_dry(fixture);
        since_usec = usec_now(CLOCK_MONOTONIC);
        assert_return_code(sd_event_exit(fixture->event, 0), 0);
        assert_return_code(sd_event_loop(fixture->event), 0);
        assert_true(usec_now(CLOCK_MONOTONIC) - since_usec < 1 * USEC_PER_SEC);
        assert_int_equal(fixture->n_calls, 0);
}

/* ---- What changes later ---------------------------------------------------------------------- */

static const FakeProperty changed_type[] = {
        { "TimeoutStopUSec", "t", NULL, 5 * USEC_PER_SEC },
        { "KillMode", "s", "process" },
        {},
};

static void test_unit_bus_reload_reads_again(void **state) {
        Fixture *fixture = *state;

        fixture_read(fixture);
        fixture->fake.type_properties = changed_type;
        fake_emit_reloading(&fixture->fake, true);
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->told.timeout_stop_usec, 5 * USEC_PER_SEC);
        assert_int_equal(fixture->told.kill_mode, KILL_MODE_PROCESS);
        assert_int_equal(fixture->told.main_pid, 0); /* nothing is left from before */
        assert_int_equal(fixture->fake.n_unit_asked, 2);
}

static void test_unit_bus_reload_while_reading_again_tells_once(void **state) {
        Fixture *fixture = *state;

        fixture_read(fixture);
        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 2);
        fake_emit_reloading(&fixture->fake, true);
        fixture->fake.mode = FAKE_ANSWERS;
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 2);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 2);
        assert_int_equal(fixture->n_errors, 0);
}

static void test_unit_bus_reload_during_first_reading_tells_once(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 1);
        fixture->fake.mode = FAKE_ANSWERS;
        fake_emit_reloading(&fixture->fake, true);
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);
}

static void test_unit_bus_reading_again_that_errs_stays_quiet(void **state) {
        Fixture *fixture = *state;

        fixture_read(fixture);
        fixture->fake.mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.AccessDenied";
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 2);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);

        fixture->fake.mode = FAKE_ANSWERS;
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->error, 0);
}

/* Also shows that nothing wakes the loop when there is nothing to do: the only thing that happens
 * is this test's own timer. */
static void test_unit_bus_read_sleeps_past_the_deadline(void **state) {
        Fixture *fixture = *state;
        uint64_t iteration, later;

        fixture_read(fixture);
        fixture_run_dry(fixture);
        assert_return_code(
                sd_event_add_time_relative(fixture->event, NULL, CLOCK_MONOTONIC,
                        UNIT_BUS_TIMEOUT_USEC + USEC_PER_SEC, 1, fixture_dispatch_over, fixture),
                0);
        assert_return_code(sd_event_get_iteration(fixture->event, &iteration), 0);
        while (!fixture->is_over)
                assert_return_code(sd_event_run(fixture->event, UINT64_MAX), 0);
        assert_return_code(sd_event_get_iteration(fixture->event, &later), 0);
        assert_int_equal(later - iteration, 1);
        assert_int_equal(fixture->n_calls, 1);
}

static void test_unit_bus_lost_later_is_reset_once(void **state) {
        Fixture *fixture = *state;

        fixture_read(fixture);
        fake_hang_up(&fixture->fake);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->error, -ECONNRESET);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 2);
        assert_int_equal(fixture->fake.n_peers, 0); /* nor does it knock again */
}

/* ---- Other addresses ------------------------------------------------------------------------- */

static void fixture_start_other(Fixture *fixture) {
        char path[96];

        (void) snprintf(path, sizeof(path), "%s/other", fixture->directory);
        assert_return_code(fake_listen(&fixture->other, fixture->event, path), 0);
}

static void fixture_start_at_both(Fixture *fixture) {
        char addresses[256];

        (void) snprintf(addresses, sizeof(addresses), "unix:path=%s;unix:path=%s",
                fixture->fake.socket_path, fixture->other.socket_path);
        fixture_start_at(fixture, addresses);
}

static void test_unit_bus_first_address_unusable_takes_the_second(void **state) {
        static const FakeMode modes[] = { FAKE_ERRS, FAKE_HANGS_UP, FAKE_SAYS_NOTHING };
        Fixture *fixture = *state;

        fixture_start_other(fixture);
        fixture->other.type_properties = changed_type;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.ServiceUnknown";
        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                fixture->fake.mode = modes[i];
                fixture->n_calls = 0;
                fixture_start_at_both(fixture);
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_int_equal(fixture->error, 0);
                assert_int_equal(fixture->told.timeout_stop_usec, 5 * USEC_PER_SEC);
                fixture->bus = unit_bus_free(fixture->bus);
        }
}

static void test_unit_bus_both_addresses_unusable_tells_the_first_error(void **state) {
        Fixture *fixture = *state;

        fixture_start_other(fixture);
        fixture->fake.mode = fixture->other.mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.AccessDenied";
        fixture->other.error_name = "org.freedesktop.DBus.Error.ServiceUnknown";
        fixture_start_at_both(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -EACCES);
        assert_int_equal(fixture->other.n_unit_asked, 1);
}

static void test_unit_bus_lost_later_takes_the_other_address_in_turn(void **state) {
        Fixture *fixture = *state;

        fixture_start_other(fixture);
        fixture->other.type_properties = changed_type;
        fixture_start_at_both(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        fake_hang_up(&fixture->fake);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->told.timeout_stop_usec, 5 * USEC_PER_SEC);

        fake_emit_reloading(&fixture->other, false);
        fixture_wait(fixture, &fixture->n_calls, 3);
        fake_hang_up(&fixture->other);
        fixture_wait(fixture, &fixture->n_calls, 4);
        assert_int_equal(fixture->told.timeout_stop_usec, 90 * USEC_PER_SEC);
}

static void test_unit_bus_lost_again_and_again_gives_up(void **state) {
        Fixture *fixture = *state;

        fixture_start_other(fixture);
        fixture_start_at_both(fixture);
        for (unsigned i = 1; fixture->n_errors == 0 && i < 100; i++) {
                fixture_wait(fixture, &fixture->n_calls, i);
                fake_hang_up(&fixture->fake);
                fake_hang_up(&fixture->other);
        }
        assert_int_equal(fixture->error, -ECONNRESET);
        assert_int_equal(fixture->n_calls, 1 + 4 + 1);
}

static void test_unit_bus_lost_later_and_other_unusable_is_reset(void **state) {
        Fixture *fixture = *state;

        fixture_start_other(fixture);
        fixture->other.mode = FAKE_ERRS;
        fixture->other.error_name = "org.freedesktop.DBus.Error.AccessDenied";
        fixture_start_at_both(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        fake_hang_up(&fixture->fake);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->error, -ECONNRESET);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
}

/* ---- User units ------------------------------------------------------------------------------ */

static void test_unit_bus_user_unit_is_capped_by_the_unit_above(void **state) {
        Fixture *fixture = *state;

        fixture_be_user_unit(fixture);
        fixture_read(fixture);
        assert_int_equal(fixture->told.cap_usec, 120 * USEC_PER_SEC);
        assert_int_equal(fixture->told.timeout_stop_usec, 90 * USEC_PER_SEC);
        assert_string_equal(
                fixture->fake.cap_path, "/org/freedesktop/systemd1/unit/user_401000_2eservice");

        fixture_run_dry(fixture); /* so that the fake knows that above has been closed */
        fixture->fake.cap_usec = 3 * USEC_PER_SEC;
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->told.cap_usec, 3 * USEC_PER_SEC);
        assert_int_equal(fixture->fake.n_cap_asked, 2);
}

static void test_unit_bus_user_unit_without_word_from_above_has_no_cap(void **state) {
        static const FakeMode modes[] = { FAKE_ERRS, FAKE_SAYS_NONSENSE, FAKE_SAYS_NOTHING };
        Fixture *fixture = *state;

        fixture_be_user_unit(fixture);
        fixture->fake.error_name = "org.freedesktop.DBus.Error.AccessDenied";
        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                fixture->fake.cap_mode = modes[i];
                fixture->n_calls = 0;
                fixture_read(fixture);
                assert_int_equal(fixture->fake.n_cap_asked, i + 1);
                assert_true(fixture->told.cap_usec == USEC_INFINITY);
                assert_int_equal(fixture->told.main_pid, 4711);
                fixture->bus = unit_bus_free(fixture->bus);
        }
}

/* Both sockets in a run-time directory whose name has to be escaped in an address; the cap comes
 * from the fixture's first manager, as the system's. */
static void test_unit_bus_user_manager_bus_first_then_private_socket(void **state) {
        Fixture *fixture = *state;
        char directory[96], systemd[112], path[128];

        fixture_be_user_unit(fixture);
        (void) snprintf(directory, sizeof(directory), "%s/odd, ;%%name", fixture->directory);
        (void) snprintf(systemd, sizeof(systemd), "%s/systemd", directory);
        assert_int_equal(mkdir(directory, 0700), 0);
        assert_int_equal(mkdir(systemd, 0700), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", directory, 1), 0);
        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", fake_address(&fixture->fake), 1), 0);
        (void) snprintf(path, sizeof(path), "%s/private", systemd);
        assert_return_code(fake_listen(&fixture->other, fixture->event, path), 0);

        fixture_start_at(fixture, NULL);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->other.n_unit_asked, 1);
        assert_int_equal(fixture->other.n_hello, 0);
        assert_int_equal(fixture->told.cap_usec, 120 * USEC_PER_SEC);
        assert_int_equal(fixture->fake.n_hello, 1);
        assert_int_equal(fixture->fake.n_unit_asked, 0);
        fixture->bus = unit_bus_free(fixture->bus);

        fake_stop(&fixture->other);
        (void) snprintf(path, sizeof(path), "%s/bus", directory);
        assert_return_code(fake_listen(&fixture->other, fixture->event, path), 0);
        fixture_start_at(fixture, NULL);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->other.n_unit_asked, 2);
        assert_int_equal(fixture->other.n_hello, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kill_mode_every_value_comes_back),
                cmocka_unit_test(test_kill_mode_unknown_is_invalid),
                FIXTURE_TEST(test_unit_bus_unit_interface_is_asked_only_for_what_is_needed),
                FIXTURE_TEST(test_unit_bus_no_manager_is_invalid),
                FIXTURE_TEST(test_unit_bus_error_reply_is_told),
                FIXTURE_TEST(test_unit_bus_one_answer_of_no_use_is_told),
                FIXTURE_TEST(test_unit_bus_one_answer_that_does_not_come_times_out),
                FIXTURE_TEST(test_unit_bus_reply_of_another_type_is_told),
                FIXTURE_TEST(test_unit_bus_manager_silent_times_out_once),
                FIXTURE_TEST(test_unit_bus_connection_not_accepted_times_out),
                FIXTURE_TEST(test_unit_bus_hung_up_while_reading_is_reset),
                FIXTURE_TEST(test_unit_bus_nobody_there_is_told),
                FIXTURE_TEST(test_unit_bus_freed_by_its_handler_is_gone),
                FIXTURE_TEST(test_unit_bus_freed_early_tells_nothing),
                FIXTURE_TEST(test_unit_bus_loop_exits_without_waiting_for_the_peer),
                FIXTURE_TEST(test_unit_bus_reload_reads_again),
                FIXTURE_TEST(test_unit_bus_reload_while_reading_again_tells_once),
                FIXTURE_TEST(test_unit_bus_reload_during_first_reading_tells_once),
                FIXTURE_TEST(test_unit_bus_reading_again_that_errs_stays_quiet),
                FIXTURE_TEST(test_unit_bus_read_sleeps_past_the_deadline),
                FIXTURE_TEST(test_unit_bus_lost_later_is_reset_once),
                FIXTURE_TEST(test_unit_bus_first_address_unusable_takes_the_second),
                FIXTURE_TEST(test_unit_bus_both_addresses_unusable_tells_the_first_error),
                FIXTURE_TEST(test_unit_bus_lost_later_takes_the_other_address_in_turn),
                FIXTURE_TEST(test_unit_bus_lost_again_and_again_gives_up),
                FIXTURE_TEST(test_unit_bus_lost_later_and_other_unusable_is_reset),
                FIXTURE_TEST(test_unit_bus_user_unit_is_capped_by_the_unit_above),
                FIXTURE_TEST(test_unit_bus_user_unit_without_word_from_above_has_no_cap),
                FIXTURE_TEST(test_unit_bus_user_manager_bus_first_then_private_socket),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
