/* SPDX-License-Identifier: MIT */

/* The bounded queue, and what it drops. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <syslog.h>

#include "record-queue.h"

static int setup(void **state) {
        *state = calloc(1, sizeof(RecordQueue));
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        record_queue_done(*state);
        free(*state);
        return 0;
}

/* Returns: whether a record was dropped. Its number is kept as the pid. */
static bool push(RecordQueue *queue, int priority, int number) {
        Record *record = record_new(RECORD_SIGNAL);
        RecordStamp stamp = { .pid = number };

        assert_non_null(record);
        record_set_priority(record, priority);
        return record_queue_push(queue, record, &stamp);
}

static int pop(RecordQueue *queue) {
        const RecordQueueEntry *entry = record_queue_peek(queue);

        assert_non_null(entry);
        int number = entry->stamp.pid;
        record_queue_pop(queue);
        return number;
}

static void test_queue_empty_has_nothing_to_peek_at(void **state) {
        assert_null(record_queue_peek(*state));
}

static void test_queue_keeps_order_round_and_round(void **state) {
        RecordQueue *queue = *state;
        int pushed = 0, popped = 0;

        for (; pushed < 100; pushed++)
                assert_false(push(queue, LOG_INFO, pushed));
        for (int i = 0; i < 3 * RECORD_QUEUE_MAX; i++) {
                assert_false(push(queue, LOG_INFO, pushed++));
                assert_int_equal(pop(queue), popped++);
        }
        while (popped < pushed)
                assert_int_equal(pop(queue), popped++);
        assert_null(record_queue_peek(queue));
}

static void test_queue_full_drops_the_oldest_chatter_first(void **state) {
        RecordQueue *queue = *state;
        int number = 0;

        /* Not at the ring's beginning, so that removing has to wrap. */
        for (; number < 200; number++)
                assert_false(push(queue, LOG_INFO, number));
        while (record_queue_peek(queue))
                (void) pop(queue);

        for (number = 0; number < RECORD_QUEUE_MAX; number++) {
                int priority = number == 100 ? LOG_DEBUG : number == 101 ? LOG_INFO : LOG_NOTICE;

                assert_false(push(queue, priority, number));
        }
        assert_true(push(queue, LOG_WARNING, number++)); /* for 100 */
        assert_true(push(queue, LOG_DEBUG, number++));   /* for 101 */
        assert_true(push(queue, LOG_INFO, number++));    /* for the debug record before */

        for (int i = 0; i < number; i++)
                if (i != 100 && i != 101 && i != RECORD_QUEUE_MAX + 1)
                        assert_int_equal(pop(queue), i);
        assert_null(record_queue_peek(queue));
}

static void test_queue_full_of_notices_refuses_chatter(void **state) {
        RecordQueue *queue = *state;

        for (int i = 0; i < RECORD_QUEUE_MAX; i++)
                assert_false(push(queue, LOG_NOTICE, i));
        assert_true(push(queue, LOG_INFO, 1000));

        for (int i = 0; i < RECORD_QUEUE_MAX; i++)
                assert_int_equal(pop(queue), i);
        assert_null(record_queue_peek(queue));
}

static void test_queue_full_of_notices_gives_up_the_oldest_for_a_notice(void **state) {
        RecordQueue *queue = *state;

        for (int i = 0; i < RECORD_QUEUE_MAX; i++)
                assert_false(push(queue, LOG_ERR, i));
        assert_true(push(queue, LOG_NOTICE, RECORD_QUEUE_MAX));

        for (int i = 1; i <= RECORD_QUEUE_MAX; i++)
                assert_int_equal(pop(queue), i);
        assert_null(record_queue_peek(queue));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        test_queue_empty_has_nothing_to_peek_at, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_queue_keeps_order_round_and_round, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_queue_full_drops_the_oldest_chatter_first, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_queue_full_of_notices_refuses_chatter, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_queue_full_of_notices_gives_up_the_oldest_for_a_notice, setup,
                        teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
