/* SPDX-License-Identifier: MIT */

/* The run before, out of its file and back into it, and its last record on the way out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <syslog.h>

#include "previous-run-fixture.h"

static void open_with(World *world, const FlightRecord *flight) {
        world->recorder = flight_recorder_free(world->recorder);
        assert_int_equal(flight_recorder_open(world->files->fd, &world->recorder), 0);
        if (flight)
                assert_int_equal(flight_recorder_write(world->recorder, flight), 0);
}

static FlightRecord make_of_this_boot(void) {
        FlightRecord flight = make_draining();

        assert_int_equal(sd_id128_get_boot(&flight.boot_id), 0);
        flight.started_at_usec = flight.stop_at_usec = flight.phase_at_usec = 1;
        return flight;
}

static void test_previous_run_read_judges_as_of_now(void **state) {
        World *world = *state;
        FlightRecord flight = make_of_this_boot();

        open_with(world, NULL);
        assert_int_equal(previous_run_read(world->recorder, &world->previous), 0);
        assert_int_equal(world->previous.end, PREVIOUS_NONE);

        open_with(world, &flight);
        usec_t before_usec = usec_now(CLOCK_MONOTONIC);
        assert_int_equal(previous_run_read(world->recorder, &world->previous), 0);
        assert_int_equal(world->previous.end, PREVIOUS_LOST);
        assert_in_range(
                world->previous.elapsed_usec, before_usec - 1, usec_now(CLOCK_MONOTONIC) - 1);

        flight.boot_id = other_boot;
        flight.stop_at_realtime_usec = 900 * SEC;
        open_with(world, &flight);
        const struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        assert_int_equal(utimensat(world->files->fd, FLIGHT_RECORD_FILE, times, 0), 0);
        open_with(world, NULL);
        assert_int_equal(previous_run_read(world->recorder, &world->previous), 0);
        assert_int_equal(world->previous.end, PREVIOUS_REBOOT);
        assert_int_equal(world->previous.elapsed_usec, 100 * SEC);
}

static void test_previous_run_read_of_garbage_is_none(void **state) {
        World *world = *state;

        write_file(FLIGHT_RECORD_FILE, "garbage", 7);
        open_with(world, NULL);
        world->previous.end = PREVIOUS_LOST;
        world->previous.is_open = true;
        assert_int_equal(previous_run_read(world->recorder, &world->previous), -EBADMSG);
        assert_int_equal(world->previous.end, PREVIOUS_NONE);
        assert_false(world->previous.is_open);
}

static void test_previous_run_closed_is_closed_in_the_file(void **state) {
        World *world = *state;
        FlightRecord flight = make_of_this_boot(), read;

        open_with(world, &flight);
        assert_int_equal(previous_run_read(world->recorder, &world->previous), 0);
        assert_int_equal(previous_run_close(world->recorder, &world->previous, "post"), 0);
        assert_false(world->previous.is_open);
        assert_int_equal(flight_recorder_read(world->recorder, &read), 0);
        assert_string_equal(read.recorded_by, "post");
        assert_string_equal(read.outcome, "lost");
        assert_string_equal(read.phase, "drain");

        /* What was lost is not taken for a reboot later. */
        previous_run_judge(&read, other_boot, 0, 0, &world->previous);
        assert_int_equal(world->previous.end, PREVIOUS_LOST);
        assert_false(world->previous.is_open);
}

static void test_previous_run_closed_after_a_reboot_remains_one(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining(), read;

        open_with(world, &flight);
        judge(world, &flight, other_boot, 5 * SEC);
        assert_int_equal(previous_run_close(world->recorder, &world->previous, "post"), 0);
        assert_int_equal(flight_recorder_read(world->recorder, &read), 0);
        judge(world, &read, other_boot, 5 * SEC);
        assert_int_equal(world->previous.end, PREVIOUS_REBOOT);
        assert_false(world->previous.is_open);
}

static int send_to_file(World *world, const FlightRecord *flight, sd_id128_t boot_id, usec_t now) {
        const PreviousRunSink where = { LOG_TARGET_CONSOLE, LOG_DEBUG, world->console_fd };

        judge(world, flight, boot_id, now);
        return previous_run_send(&world->previous, "post", &killed, &where);
}

static void read_console(World *world) {
        free(world->files->text);
        world->files->text = NULL;
        assert_int_equal(
                file_read_bounded(world->files->fd, "console", 65536, &world->files->text, NULL),
                0);
}

static void test_previous_run_sent_carries_the_old_runs_name_and_id(void **state) {
        static const char *const parts[] = { " event=stopped ", " name=hermes ",
                " run_id=" RUN_TEXT " ", " pid=41 ", " uptime_usec=112000000 ", " outcome=lost ",
                " recorded_by=post ", " level=warning " };
        World *world = *state;
        FlightRecord flight = make_draining();

        world->console_fd = open("console", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(send_to_file(world, &flight, boot, 212 * SEC), 0);
        read_console(world);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                assert_non_null(strstr(world->files->text, parts[i]));
        assert_ptr_equal(strchr(world->files->text, '\n'),
                world->files->text + strlen(world->files->text) - 1);
}

/* A run may have been up for longer than this boot is. */
static void test_previous_run_sent_after_a_reboot_has_its_own_uptime_and_todays_date(void **state) {
        World *world = *state;
        FlightRecord flight = make_running();
        char today[sizeof("ts=2026-01-01")];

        flight.started_at_realtime_usec = 1;
        flight.started_at_usec = 1000 * USEC_PER_YEAR;
        world->console_fd = open("console", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        time_t now = time(NULL);
        assert_int_equal(send_to_file(world, &flight, other_boot, 5 * SEC), 0);
        read_console(world);
        assert_non_null(strstr(world->files->text, " uptime_usec=5000229999999 "));
        assert_int_equal(strftime(today, sizeof(today), "ts=%Y-%m-%d", gmtime(&now)), 13);
        bool is_today = strncmp(world->files->text, today, 13) == 0;
        now = time(NULL); /* midnight may have come between */
        assert_int_equal(strftime(today, sizeof(today), "ts=%Y-%m-%d", gmtime(&now)), 13);
        assert_true(is_today || strncmp(world->files->text, today, 13) == 0);
}

static void test_previous_run_sent_when_closed_is_nothing(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        text_set(flight.recorded_by, "run");
        world->console_fd = open("console", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(send_to_file(world, &flight, boot, 212 * SEC), 0);
        read_console(world);
        assert_string_equal(world->files->text, "");
}

static void test_previous_run_that_cannot_be_sent_is_reported(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        assert_int_equal(send_to_file(world, &flight, boot, 212 * SEC), -EIO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                world_test(test_previous_run_read_judges_as_of_now),
                world_test(test_previous_run_read_of_garbage_is_none),
                world_test(test_previous_run_closed_is_closed_in_the_file),
                world_test(test_previous_run_closed_after_a_reboot_remains_one),
                world_test(test_previous_run_sent_carries_the_old_runs_name_and_id),
                world_test(
                        test_previous_run_sent_after_a_reboot_has_its_own_uptime_and_todays_date),
                world_test(test_previous_run_sent_when_closed_is_nothing),
                world_test(test_previous_run_that_cannot_be_sent_is_reported),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
