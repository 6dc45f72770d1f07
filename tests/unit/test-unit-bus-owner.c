/* SPDX-License-Identifier: MIT */

/* A unit read over a message bus, on which the manager is known by a name that it may not own yet,
 * or not any more. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "fake-manager.h"

static const FakeProperty changed_type[] = {
        { "TimeoutStopUSec", "t", NULL, 5 * USEC_PER_SEC },
        {},
};

static void fixture_start_over_message_bus(Fixture *fixture) {
        assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", fake_address(&fixture->fake), 1), 0);
        fixture_start_at(fixture, NULL);
}

static void fixture_read_over_message_bus(Fixture *fixture) {
        fixture_start_over_message_bus(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
}

/* A user's manager, because all its addresses can be below the fixture's directory. */
static void fixture_start_over_user_bus(Fixture *fixture, bool has_private_socket) {
        char path[96];

        fixture_be_user_unit(fixture);
        (void) snprintf(path, sizeof(path), "%s/bus", fixture->directory);
        assert_int_equal(symlink(fixture->fake.socket_path, path), 0);
        (void) snprintf(path, sizeof(path), "%s/systemd", fixture->directory);
        assert_int_equal(mkdir(path, 0700), 0);
        (void) snprintf(path, sizeof(path), "%s/systemd/private", fixture->directory);
        if (has_private_socket)
                assert_return_code(fake_listen(&fixture->other, fixture->event, path), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", fixture->directory, 1), 0);
        fixture_start_over_message_bus(fixture);
}

/* ---- An owner from the beginning ------------------------------------------------------------- */

static void test_unit_bus_message_bus_is_greeted_and_subscribed_to(void **state) {
        Fixture *fixture = *state;

        fixture_read_over_message_bus(fixture);
        assert_int_equal(fixture->fake.n_hello, 1);
        assert_int_equal(fixture->fake.n_matches, 2);
        assert_int_equal(fixture->fake.n_subscribed, 1);
        assert_int_equal(fixture->fake.n_auto_start, 0);
        assert_int_equal(fixture->told.main_pid, 4711);

        fixture->fake.type_properties = changed_type;
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->told.timeout_stop_usec, 5 * USEC_PER_SEC);
}

static void test_unit_bus_new_owner_of_the_name_reads_again(void **state) {
        Fixture *fixture = *state;

        fixture_read_over_message_bus(fixture);
        fake_emit_name_owner(&fixture->fake, ":1.1", "");
        fixture_run_dry(fixture);
        assert_int_equal(fixture->fake.n_unit_asked, 1);

        fixture->fake.type_properties = changed_type;
        fake_emit_name_owner(&fixture->fake, "", ":1.9");
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->told.timeout_stop_usec, 5 * USEC_PER_SEC);
        assert_int_equal(fixture->fake.n_subscribed, 2);
}

/* dbus-daemon bears 64 connections that have not said Hello; for one more it drops the oldest. */
static void test_unit_bus_dropped_before_the_hello_connects_again(void **state) {
        Fixture *fixture = *state;

        fixture->fake.n_drops = 4; /* of two links */
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->fake.n_drops, 0);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        assert_int_equal(fixture->told.cap_usec, 120 * USEC_PER_SEC);
        assert_int_equal(fixture->other.n_peers, 0);
}

static void test_unit_bus_dropped_again_and_again_takes_private_socket(void **state) {
        Fixture *fixture = *state;

        fixture->fake.n_drops = 1000;
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->other.n_unit_asked, 1);
        assert_in_range(fixture->fake.n_drops, 900, 998);
}

/* A daemon that has been stopped would be started by another connection. */
static void test_unit_bus_dropped_after_the_hello_does_not_connect_again(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_HANGS_UP;
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        assert_int_equal(fixture->other.n_unit_asked, 1);
}

/* ---- An owner that is busy ------------------------------------------------------------------- */

/* Busy on the bus, it would be as busy at its own socket, and there it also has to send all its
 * signals to everybody: many supervisors that went there in a busy moment would make it last. */
static void test_unit_bus_owner_that_is_silent_is_not_asked_elsewhere(void **state) {
        Fixture *fixture = *state;
        usec_t since_usec = usec_now(CLOCK_MONOTONIC);

        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -ETIMEDOUT);
        /* It has had the private socket's time, too. */
        assert_true(usec_now(CLOCK_MONOTONIC) - since_usec >= 2 * UNIT_BUS_TIMEOUT_USEC);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        assert_int_equal(fixture->other.n_peers, 0);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);
}

static int fixture_dispatch_late(sd_event_source *source, uint64_t usec, void *userdata) {
        Fixture *fixture = userdata;

        fixture->fake.mode = FAKE_ANSWERS;
        fake_emit_reloading(&fixture->fake, false);
        return 0;
}

static void test_unit_bus_owner_that_answers_late_is_told(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        assert_return_code(sd_event_add_time_relative(fixture->event, NULL, CLOCK_MONOTONIC,
                                   UNIT_BUS_TIMEOUT_USEC + UNIT_BUS_TIMEOUT_USEC / 2, 1,
                                   fixture_dispatch_late, fixture),
                0);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->told.main_pid, 4711);
        assert_int_equal(fixture->other.n_peers, 0);
}

/* As a dbus-daemon that hangs. */
static void test_unit_bus_message_bus_that_greets_nobody_takes_private_socket(void **state) {
        Fixture *fixture = *state;

        fixture->fake.is_mute = true;
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->fake.n_unit_asked, 0);
        assert_int_equal(fixture->other.n_unit_asked, 1);
}

/* ---- No owner -------------------------------------------------------------------------------- */

/* What message buses say when the name has no owner, and when it has just lost the one that was
 * asked. */
static const char *const no_owner_errors[] = {
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NoReply",
};

static void test_unit_bus_name_without_owner_is_read_once_it_has_one(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(no_owner_errors); i++) {
                fixture->n_calls = 0;
                fixture->fake.n_type_asked = fixture->fake.n_subscribed = 0;
                fixture->fake.mode = FAKE_ERRS;
                fixture->fake.error_name = no_owner_errors[i];
                fixture_start_over_message_bus(fixture);
                fixture_wait(fixture, &fixture->fake.n_type_asked, 1);
                fixture_run_dry(fixture);
                assert_int_equal(fixture->n_calls, 0);

                fixture->fake.mode = FAKE_ANSWERS;
                fake_emit_name_owner(&fixture->fake, "", ":1.1");
                fixture_wait(fixture, &fixture->n_calls, 1);
                assert_int_equal(fixture->error, 0);
                assert_int_equal(fixture->told.timeout_stop_usec, 90 * USEC_PER_SEC);
                fixture_run_dry(fixture);
                assert_int_equal(fixture->n_calls, 1);
                assert_int_equal(fixture->fake.n_type_asked, 2);
                assert_int_equal(fixture->fake.n_subscribed, 2);
                assert_int_equal(fixture->fake.n_auto_start, 0);
                fixture->bus = unit_bus_free(fixture->bus);
                fake_hang_up(&fixture->fake);
        }
}

static void test_unit_bus_owner_lost_between_answers_reads_all_again(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_ERRS;
        fixture->fake.mode_at = SERVICE_INTERFACE;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NoReply";
        fixture_start_over_message_bus(fixture);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 1);
        fake_emit_name_owner(&fixture->fake, ":1.1", "");
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 0);

        fixture->fake.mode = FAKE_ANSWERS;
        fixture->fake.type_properties = changed_type;
        fake_emit_name_owner(&fixture->fake, "", ":1.2");
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->told.timeout_stop_usec, 5 * USEC_PER_SEC);
        assert_string_equal(fixture->told.id, "hermes.service");
        assert_int_equal(fixture->fake.n_unit_asked, 2);
}

static void test_unit_bus_owner_lost_while_reading_again_stays_quiet(void **state) {
        Fixture *fixture = *state;

        fixture_read_over_message_bus(fixture);
        fixture->fake.mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NoReply";
        fake_emit_reloading(&fixture->fake, false);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 2);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);

        fixture->fake.mode = FAKE_ANSWERS;
        fake_emit_name_owner(&fixture->fake, "", ":1.2");
        fixture_wait(fixture, &fixture->n_calls, 2);
        assert_int_equal(fixture->n_errors, 0);
}

/* ---- No owner within the deadline ------------------------------------------------------------ */

static void test_unit_bus_name_that_stays_without_owner_is_no_such_entry(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NameHasNoOwner";
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ false);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -ENOENT);
        assert_int_equal(fixture->fake.n_unit_asked, 1); /* and not again and again */
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);
}

static void test_unit_bus_new_owner_that_is_silent_times_out(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NameHasNoOwner";
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ false);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 1);
        fixture->fake.mode = FAKE_SAYS_NOTHING;
        fake_emit_name_owner(&fixture->fake, "", ":1.1");
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, -ETIMEDOUT);
        assert_int_equal(fixture->fake.n_unit_asked, 2);
}

static void test_unit_bus_name_that_stays_without_owner_takes_private_socket(void **state) {
        Fixture *fixture = *state;

        fixture->fake.mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NameHasNoOwner";
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ true);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->told.main_pid, 4711);
        assert_int_equal(fixture->fake.n_unit_asked, 1);
        assert_int_equal(fixture->other.n_unit_asked, 1);
}

/* ---- The manager above ----------------------------------------------------------------------- */

static void test_unit_bus_cap_is_read_once_the_manager_above_has_its_name(void **state) {
        Fixture *fixture = *state;

        fixture->fake.cap_mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NameHasNoOwner";
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ false);
        fixture_wait(fixture, &fixture->fake.n_cap_asked, 1);
        fixture_wait(fixture, &fixture->fake.n_type_asked, 1);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 0);

        fixture->fake.cap_mode = FAKE_ANSWERS;
        fake_tell_name_owner(fixture->fake.peers[0], "", ":1.1"); /* above is connected first */
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->told.cap_usec, 120 * USEC_PER_SEC);
        assert_int_equal(fixture->told.timeout_stop_usec, 90 * USEC_PER_SEC);
        assert_int_equal(fixture->fake.n_cap_asked, 2);
        assert_int_equal(fixture->fake.n_type_asked, 1);
        assert_int_equal(fixture->fake.n_auto_start, 0);
}

static void test_unit_bus_manager_above_that_stays_without_name_gives_no_cap(void **state) {
        Fixture *fixture = *state;

        fixture->fake.cap_mode = FAKE_ERRS;
        fixture->fake.error_name = "org.freedesktop.DBus.Error.NameHasNoOwner";
        fixture_start_over_user_bus(fixture, /* has_private_socket= */ false);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->told.main_pid, 4711);
        assert_int_equal(fixture->fake.n_cap_asked, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_unit_bus_message_bus_is_greeted_and_subscribed_to),
                FIXTURE_TEST(test_unit_bus_new_owner_of_the_name_reads_again),
                FIXTURE_TEST(test_unit_bus_dropped_before_the_hello_connects_again),
                FIXTURE_TEST(test_unit_bus_dropped_again_and_again_takes_private_socket),
                FIXTURE_TEST(test_unit_bus_dropped_after_the_hello_does_not_connect_again),
                FIXTURE_TEST(test_unit_bus_owner_that_is_silent_is_not_asked_elsewhere),
                FIXTURE_TEST(test_unit_bus_owner_that_answers_late_is_told),
                FIXTURE_TEST(test_unit_bus_message_bus_that_greets_nobody_takes_private_socket),
                FIXTURE_TEST(test_unit_bus_name_without_owner_is_read_once_it_has_one),
                FIXTURE_TEST(test_unit_bus_owner_lost_between_answers_reads_all_again),
                FIXTURE_TEST(test_unit_bus_owner_lost_while_reading_again_stays_quiet),
                FIXTURE_TEST(test_unit_bus_name_that_stays_without_owner_is_no_such_entry),
                FIXTURE_TEST(test_unit_bus_new_owner_that_is_silent_times_out),
                FIXTURE_TEST(test_unit_bus_name_that_stays_without_owner_takes_private_socket),
                FIXTURE_TEST(test_unit_bus_cap_is_read_once_the_manager_above_has_its_name),
                FIXTURE_TEST(test_unit_bus_manager_above_that_stays_without_name_gives_no_cap),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
