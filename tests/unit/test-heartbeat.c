/* SPDX-License-Identifier: MIT */

/* The heartbeat in a real loop. Time passes by a timer of the same loop with a lower priority: when
 * it fires, every beat that is due has been sent, however late the machine is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <systemd/sd-event.h>

#include "gateway/heartbeat.h"

#define FIXTURE_DEADLINE_USEC (30 * USEC_PER_SEC)

typedef struct Fixture {
        sd_event *event;
        Heartbeat *heartbeat;
        unsigned n_sent;
        unsigned n_wanted;     /* beats at which the loop ends, 0: not by beats */
        bool is_freed_by_send; /* the first beat from the loop frees the heartbeat */
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture || sd_event_new(&fixture->event) < 0)
                return -1;
        *state = fixture;
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;
        (void) heartbeat_free(fixture->heartbeat);
        (void) sd_event_unref(fixture->event);
        free(fixture);
        return 0;
}

static void fixture_send(void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_sent++;
        if (fixture->is_freed_by_send && fixture->heartbeat)
                fixture->heartbeat = heartbeat_free(fixture->heartbeat);
        if (fixture->n_wanted > 0 && fixture->n_sent >= fixture->n_wanted)
                (void) sd_event_exit(fixture->event, 0);
}

static int fixture_dispatch_end(sd_event_source *source, uint64_t usec, void *userdata) {
        Fixture *fixture = userdata;
        return sd_event_exit(fixture->event, 1);
}

/* Returns: 0: the wanted beats came; 1: the time was over. */
static int fixture_run_for(Fixture *fixture, usec_t time_usec) {
        assert_true(sd_event_add_time_relative(fixture->event, NULL, CLOCK_MONOTONIC, time_usec, 1,
                            fixture_dispatch_end, fixture) >= 0);
        return sd_event_loop(fixture->event);
}

static void test_heartbeat_new_without_interval_is_none(void **state) {
        static const usec_t intervals_usec[] = { 0, USEC_INFINITY };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(intervals_usec); i++) {
                Heartbeat *heartbeat = (Heartbeat *) &fixture; /* must be overwritten */
                assert_int_equal(heartbeat_new(fixture->event, intervals_usec[i], 0, fixture_send,
                                         fixture, &heartbeat),
                        0);
                assert_null(heartbeat);
                assert_int_equal(fixture->n_sent, 0);
        }
}

static void test_heartbeat_new_with_interval_sends_at_once(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(heartbeat_new(fixture->event, USEC_PER_HOUR, 0, fixture_send, fixture,
                                 &fixture->heartbeat),
                0);
        assert_non_null(fixture->heartbeat);
        assert_int_equal(fixture->n_sent, 1);
}

static void test_heartbeat_running_repeats(void **state) {
        Fixture *fixture = *state;

        fixture->n_wanted = 5;
        assert_int_equal(heartbeat_new(fixture->event, 20 * USEC_PER_MSEC, 0, fixture_send, fixture,
                                 &fixture->heartbeat),
                0);
        assert_int_equal(fixture_run_for(fixture, FIXTURE_DEADLINE_USEC), 0);
        assert_int_equal(fixture->n_sent, 5);
}

/* Half the interval and an eighth of it for accuracy lie before the interval's end. */
static void test_heartbeat_running_is_sent_before_interval_ends(void **state) {
        const usec_t interval_usec = 800 * USEC_PER_MSEC;
        Fixture *fixture = *state;

        assert_int_equal(heartbeat_new(fixture->event, interval_usec, SD_EVENT_PRIORITY_IMPORTANT,
                                 fixture_send, fixture, &fixture->heartbeat),
                0);
        assert_int_equal(fixture_run_for(fixture, interval_usec / 4 * 3), 1);
        assert_true(fixture->n_sent >= 2);
}

static void test_heartbeat_freed_is_silent(void **state) {
        const usec_t interval_usec = 20 * USEC_PER_MSEC;
        Fixture *fixture = *state;

        assert_int_equal(heartbeat_new(fixture->event, interval_usec, SD_EVENT_PRIORITY_IMPORTANT,
                                 fixture_send, fixture, &fixture->heartbeat),
                0);
        fixture->heartbeat = heartbeat_free(fixture->heartbeat);
        assert_null(fixture->heartbeat);
        assert_int_equal(fixture_run_for(fixture, 3 * interval_usec), 1);
        assert_int_equal(fixture->n_sent, 1);
}

static void test_heartbeat_freed_by_its_sender_is_silent(void **state) {
        const usec_t interval_usec = 20 * USEC_PER_MSEC;
        Fixture *fixture = *state;

        fixture->is_freed_by_send = true;
        assert_int_equal(heartbeat_new(fixture->event, interval_usec, SD_EVENT_PRIORITY_IMPORTANT,
                                 fixture_send, fixture, &fixture->heartbeat),
                0);
        assert_int_equal(fixture_run_for(fixture, 5 * interval_usec), 1);
        assert_int_equal(fixture->n_sent, 2);
}

static void test_heartbeat_free_null_returns_null(void **state) {
        assert_null(heartbeat_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_heartbeat_new_without_interval_is_none,
                        fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_heartbeat_new_with_interval_sends_at_once,
                        fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(
                        test_heartbeat_running_repeats, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_heartbeat_running_is_sent_before_interval_ends,
                        fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(
                        test_heartbeat_freed_is_silent, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_heartbeat_freed_by_its_sender_is_silent,
                        fixture_setup, fixture_teardown),
                cmocka_unit_test(test_heartbeat_free_null_returns_null),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
