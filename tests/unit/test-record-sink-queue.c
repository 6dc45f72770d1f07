/* SPDX-License-Identifier: MIT */

/* A sink whose journal is stuck, restarts or stays away: what waits, what is dropped, what is
 * printed at the end. */

#include "fake-journal.h"

/* ---- A journal that is stuck or away --------------------------------------------------------- */

static void test_sink_stuck_journal_gets_everything_in_order_once_it_reads(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        int n_sent = send_until_stuck(fixture);

        /* While it is stuck the loop sleeps. */
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        receive_up_to(fixture, 0, n_sent);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
}

static void test_sink_idle_never_wakes_the_loop(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        receive_up_to(fixture, 0, send_until_stuck(fixture));

        /* The socket is writable now, but nobody waits for that any more. */
        while (sd_event_run(fixture->event, 0) > 0)
                ;
        assert_int_equal(sd_event_get_state(fixture->event), SD_EVENT_INITIAL);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        send_number(fixture, 1000);
        assert_int_equal(receive_number(fixture), 1000);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void test_sink_without_loop_empties_its_queue_with_the_next_record(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        int n_sent = send_until_stuck(fixture);
        for (int i = 0; i < n_sent - STUCK_RECORDS; i++)
                assert_int_equal(receive_number(fixture), i);
        assert_int_equal(receive_number(fixture), -1);

        send_number(fixture, n_sent);
        for (int i = n_sent - STUCK_RECORDS; i <= n_sent; i++)
                assert_int_equal(receive_number(fixture), i);
}

static void test_sink_attached_with_a_queue_empties_it(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        int n_sent = send_until_stuck(fixture);
        attach(fixture);
        receive_up_to(fixture, 0, n_sent);
}

static void test_sink_journal_that_restarts_gets_what_was_queued(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        send_number(fixture, 0);
        assert_int_equal(receive_number(fixture), 0);

        /* Nobody listens, though the path is there; then the path is gone, too. */
        fixture->receiver_fd = fd_close(fixture->receiver_fd);
        send_number(fixture, 1);
        assert_int_equal(unlink(socket_path), 0);
        send_number(fixture, 2);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        assert_console(fixture, "number=", false);

        fixture->receiver_fd = bind_receiver();
        assert_true(fixture->receiver_fd >= 0);
        receive_up_to(fixture, 1, 3);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
}

static void test_sink_journal_that_was_replaced_is_found_at_once(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        send_number(fixture, 0);
        assert_int_equal(receive_number(fixture), 0);

        assert_int_equal(unlink(socket_path), 0);
        (void) fd_close(fixture->receiver_fd);
        fixture->receiver_fd = bind_receiver();
        send_number(fixture, 1);
        assert_int_equal(receive_number(fixture), 1);
}

static void test_sink_journal_that_was_replaced_while_stuck_is_found_at_once(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        (void) send_until_stuck(fixture);
        assert_int_equal(record_sink_flush(fixture->sink), STUCK_RECORDS);

        /* The old socket is still there, and still full. */
        fixture->spare_fd = TAKE_FD(fixture->receiver_fd);
        assert_int_equal(unlink(socket_path), 0);
        fixture->receiver_fd = bind_receiver();
        send_number(fixture, 1000);
        assert_int_equal(receive_number(fixture), 1000);
}

static void test_sink_full_socket_of_our_own_waits_for_the_timer(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        forced_error = -EAGAIN;
        send_number(fixture, 1);

        /* The journal has room all the time: waiting for that would keep the loop running. */
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        forced_error = 0;
        receive_up_to(fixture, 1, 2);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void test_sink_full_queue_drops_chatter_and_counts(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        send_number(fixture, 0);
        assert_int_equal(receive_number(fixture), 0);
        assert_int_equal(unlink(socket_path), 0);

        send_at(fixture, LOG_DEBUG, 1);
        for (int i = 2; i <= RECORD_QUEUE_MAX; i++)
                send_number(fixture, i);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
        send_number(fixture, RECORD_QUEUE_MAX + 1); /* for the debug record */
        assert_int_equal(record_sink_lost(fixture->sink), 1);
        send_at(fixture, LOG_INFO, 1000); /* which is itself the least */
        assert_int_equal(record_sink_lost(fixture->sink), 2);

        assert_int_equal(record_sink_flush(fixture->sink), RECORD_QUEUE_MAX);
        assert_console(fixture, " number=1 ", false);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void test_sink_flush_prints_what_the_journal_does_not_take(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        int n_sent = send_until_stuck(fixture);
        assert_int_equal(receive_number(fixture), 0); /* room for one */

        assert_int_equal(record_sink_flush(fixture->sink), STUCK_RECORDS - 1);
        for (int i = 1; i <= n_sent - STUCK_RECORDS; i++)
                assert_int_equal(receive_number(fixture), i);
        assert_int_equal(receive_number(fixture), -1);

        char last[32];
        (void) snprintf(last, sizeof(last), " number=%d ", n_sent - 1);
        assert_console(fixture, last, true);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
        assert_int_equal(record_sink_flush(fixture->sink), 0);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void test_sink_flush_without_console_counts_what_is_lost(void **state) {
        Fixture *fixture = *state;

        fixture->console_fds[1] = fd_close(fixture->console_fds[1]);
        open_sink(fixture);
        (void) send_until_stuck(fixture);
        assert_int_equal(record_sink_flush(fixture->sink), STUCK_RECORDS);
        assert_int_equal(record_sink_lost(fixture->sink), STUCK_RECORDS);
}

static void test_sink_record_that_could_not_be_made_is_counted(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        record_sink_send(fixture->sink, NULL, 1);
        assert_int_equal(record_sink_lost(fixture->sink), 1);
}

static void test_sink_freed_with_a_queue_leaves_nothing_behind(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        (void) send_until_stuck(fixture);
        fixture->sink = record_sink_free(fixture->sink);
        assert_int_equal(receive_number(fixture), 0);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                sink_test(test_sink_stuck_journal_gets_everything_in_order_once_it_reads),
                sink_test(test_sink_idle_never_wakes_the_loop),
                sink_test(test_sink_without_loop_empties_its_queue_with_the_next_record),
                sink_test(test_sink_attached_with_a_queue_empties_it),
                sink_test(test_sink_journal_that_restarts_gets_what_was_queued),
                sink_test(test_sink_journal_that_was_replaced_is_found_at_once),
                sink_test(test_sink_journal_that_was_replaced_while_stuck_is_found_at_once),
                sink_test(test_sink_full_socket_of_our_own_waits_for_the_timer),
                sink_test(test_sink_full_queue_drops_chatter_and_counts),
                sink_test(test_sink_flush_prints_what_the_journal_does_not_take),
                sink_test(test_sink_flush_without_console_counts_what_is_lost),
                sink_test(test_sink_record_that_could_not_be_made_is_counted),
                sink_test(test_sink_freed_with_a_queue_leaves_nothing_behind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
