/* SPDX-License-Identifier: MIT */

/* The proxy while systemd does not read: what waits, in which order, what gives way, how many
 * descriptors; and a gateway that never stops talking. */

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "gateway/notify-queue.h"
#include "notify-fixture.h"

#define FLOOD_MAX 100000U

static void test_notify_proxy_queue_keeps_order(void **state) {
        Fixture *fixture = *state;
        char text[32];

        systemd_make_busy(fixture);
        for (unsigned i = 0; i < 50; i++) {
                (void) snprintf(text, sizeof(text), "X_N=%u", i);
                gateway_say(fixture, text);
                (void) snprintf(text, sizeof(text), "X_OWN=%u\nX=", i);
                assert_int_equal(notify_proxy_send(fixture->proxy, text), 0);
        }
        for (unsigned i = 0; i < 50; i++) {
                (void) snprintf(text, sizeof(text), "X_N=%u", i);
                assert_string_equal(systemd_read(fixture), text);
                (void) snprintf(text, sizeof(text), "X_OWN=%u\nX=", i);
                assert_string_equal(systemd_read(fixture), text);
        }
        assert_systemd_has_nothing(fixture);
}

static void test_notify_proxy_queued_status_is_replaced_by_newer(void **state) {
        Fixture *fixture = *state;

        systemd_make_busy(fixture);
        gateway_say(fixture, "STATUS=1");
        gateway_say(fixture, "READY=1\nSTATUS=2");
        assert_int_equal(notify_proxy_send(fixture->proxy, "STATUS=3"), 0);
        gateway_say(fixture, "ERRNO=1");
        gateway_say(fixture, "STATUS=4");
        assert_string_equal(systemd_read(fixture), "READY=1\nSTATUS=2");
        assert_string_equal(systemd_read(fixture), "ERRNO=1");
        assert_string_equal(systemd_read(fixture), "STATUS=4");
        assert_systemd_has_nothing(fixture);
        assert_int_equal(fixture->n_drop_calls, 0);
}

static void test_notify_proxy_queued_heartbeat_goes_with_stopping(void **state) {
        Fixture *fixture = *state;

        systemd_make_busy(fixture);
        assert_int_equal(notify_proxy_send(fixture->proxy, "WATCHDOG=1"), 0);
        assert_int_equal(notify_proxy_send(fixture->proxy, "X_A=1"), 0);
        assert_int_equal(notify_proxy_send(fixture->proxy, "WATCHDOG=1\n"), 0);
        assert_string_equal(systemd_read(fixture), "X_A=1");
        assert_string_equal(systemd_read(fixture), "WATCHDOG=1");

        systemd_make_busy(fixture);
        assert_int_equal(notify_proxy_send(fixture->proxy, "WATCHDOG=1"), 0);
        assert_int_equal(notify_proxy_send(fixture->proxy, "STATUS=x\nSTOPPING=1"), 0);
        assert_string_equal(systemd_read(fixture), "STATUS=x\nSTOPPING=1");
        assert_systemd_has_nothing(fixture);
}

static void test_notify_proxy_full_queue_drops_the_least(void **state) {
        const unsigned n_room = NOTIFY_QUEUE_MAX - NOTIFY_QUEUE_RESERVE;
        Fixture *fixture = *state;

        systemd_make_busy(fixture);
        gateway_say(fixture, "STATUS=waits");
        gateway_say(fixture, "X_PLAIN=1");
        for (unsigned i = 2; i < n_room; i++)
                gateway_say(fixture, "RELOADING=1");
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_QUEUE_FULL], 0);

        gateway_say(fixture, "READY=1"); /* for STATUS */
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_QUEUE_FULL], 1);
        gateway_say(fixture, "STATUS=late"); /* for nobody */
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_QUEUE_FULL], 2);
        gateway_say(fixture, "STOPPING=1"); /* for X_PLAIN */
        gateway_say(fixture, "READY=1");    /* for nobody */
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_QUEUE_FULL], 4);

        for (unsigned i = 2; i < n_room; i++)
                assert_string_equal(systemd_read(fixture), "RELOADING=1");
        assert_string_equal(systemd_read(fixture), "READY=1");
        assert_string_equal(systemd_read(fixture), "STOPPING=1");
        assert_systemd_has_nothing(fixture);
}

static void test_notify_proxy_full_queue_has_room_for_own(void **state) {
        Fixture *fixture = *state;

        systemd_make_busy(fixture);
        for (unsigned i = 0; i < NOTIFY_QUEUE_MAX; i++)
                gateway_say(fixture, "RELOADING=1");
        for (unsigned i = 0; i < NOTIFY_QUEUE_RESERVE; i++)
                assert_int_equal(notify_proxy_send(fixture->proxy, "EXTEND_TIMEOUT_USEC=1"), 0);
        assert_int_equal(notify_proxy_send(fixture->proxy, "EXTEND_TIMEOUT_USEC=1"), -ENOBUFS);
        for (unsigned i = 0; i < NOTIFY_QUEUE_MAX - NOTIFY_QUEUE_RESERVE; i++)
                assert_string_equal(systemd_read(fixture), "RELOADING=1");
        for (unsigned i = 0; i < NOTIFY_QUEUE_RESERVE; i++)
                assert_string_equal(systemd_read(fixture), "EXTEND_TIMEOUT_USEC=1");
        assert_systemd_has_nothing(fixture);
}

/* The loop must have nothing to do while systemd is busy and nobody speaks: poll() on its own fd. */
static void test_notify_proxy_waiting_does_not_spin(void **state) {
        Fixture *fixture = *state;

        systemd_make_busy(fixture);
        gateway_say(fixture, "READY=1");
        for (unsigned n = 0; sd_event_run(fixture->event, 0) > 0; n++)
                assert_in_range(n, 0, 2);
        assert_string_equal(systemd_read(fixture), "READY=1");
        /* Writable for good now, but nobody asks any more. */
        for (unsigned n = 0; sd_event_run(fixture->event, 0) > 0; n++)
                assert_in_range(n, 0, 2);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

typedef struct Bounds {
        NotifyQueue queue;
        struct rlimit limit; /* as it was */
} Bounds;

static int bounds_setup(void **state) {
        Bounds *bounds = calloc(1, sizeof(*bounds));
        if (!bounds)
                return -1;
        *state = bounds;
        return getrlimit(RLIMIT_NOFILE, &bounds->limit);
}

static int bounds_teardown(void **state) {
        Bounds *bounds = *state;

        notify_queue_done(&bounds->queue);
        int r = setrlimit(RLIMIT_NOFILE, &bounds->limit);
        free(bounds);
        return r;
}

/* Descriptors that are none: only their number counts. Returns: as notify_queue_push(). */
static int bounds_push(Bounds *bounds, size_t n_fds, size_t *ret_n_left) {
        int fds[NOTIFY_QUEUE_FDS_MAX + 1];
        NotifyDatagram datagram = { .rank = NOTIFY_RANK_VITAL,
                .text = "FDSTORE=1",
                .size = strlen("FDSTORE=1"),
                .fds = fds,
                .n_fds = n_fds };
        pid_t evicted = 0;

        assert_in_range(n_fds, 0, ELEMENTSOF(fds));
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fds[i] = -EBADF;
        int r = notify_queue_push(&bounds->queue, &datagram, &evicted);
        *ret_n_left = datagram.n_fds;
        return r;
}

static void test_notify_queue_fds_beyond_a_third_of_the_limit_are_refused(void **state) {
        static const struct {
                rlim_t limit;
                size_t n_max;
        } rows[] = {
                { 2, 0 },
                { 3, 1 },
                { 64, 21 },
                { 1024, 341 },
                { 3 * NOTIFY_QUEUE_FDS_MAX - 1, NOTIFY_QUEUE_FDS_MAX - 1 },
                { 3 * NOTIFY_QUEUE_FDS_MAX, NOTIFY_QUEUE_FDS_MAX },
                { 3 * NOTIFY_QUEUE_FDS_MAX + 3, NOTIFY_QUEUE_FDS_MAX },
        };
        Bounds *bounds = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const struct rlimit limit = { rows[i].limit, bounds->limit.rlim_max };
                const size_t n_max = rows[i].n_max;
                size_t n_left;

                if (rows[i].limit > bounds->limit.rlim_max)
                        continue; /* the first ones fit everywhere */
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
                assert_int_equal(bounds_push(bounds, n_max + 1, &n_left), -ENOBUFS);
                assert_int_equal(n_left, n_max + 1); /* still the caller's */
                assert_int_equal(bounds_push(bounds, n_max, &n_left), 0);
                assert_int_equal(n_left, 0);
                assert_int_equal(bounds_push(bounds, 1, &n_left), -ENOBUFS);
                assert_int_equal(bounds_push(bounds, 0, &n_left), 0);
                assert_int_equal(bounds->queue.n_fds, n_max);
                assert_int_equal(bounds->queue.n_items, 2);

                notify_queue_pop(&bounds->queue); /* and there is room again */
                assert_int_equal(bounds_push(bounds, n_max, &n_left), 0);
                notify_queue_done(&bounds->queue);
                assert_int_equal(bounds->queue.n_fds, 0);
        }
}

/* ---- A flood --------------------------------------------------------------------------------- */

/* Another source of the loop, due again after every datagram, and behind the proxy's. */
typedef struct Flood {
        Fixture *fixture;
        unsigned n_turns;
        unsigned n_handled_at_turn;
        unsigned n_handled_between_max;
} Flood;

static int flood_dispatch_turn(sd_event_source *source, void *userdata) {
        Flood *flood = userdata;
        unsigned n = flood->fixture->n_handled - flood->n_handled_at_turn;

        flood->n_turns++;
        flood->n_handled_at_turn = flood->fixture->n_handled;
        if (n > flood->n_handled_between_max)
                flood->n_handled_between_max = n;
        return 0;
}

static void flood_handled(Fixture *fixture) {
        assert_int_equal(sd_event_source_set_enabled(fixture->other_source, SD_EVENT_ONESHOT), 0);
}

/* In a child: speaks as fast as it is heard, READY=1 in the middle. */
static int flood_speak(const char *address, const char *key) {
        int fd = notify_socket_connect(address);
        if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0)
                return 1;
        for (unsigned i = 0; i < FLOOD_MAX; i++) {
                char text[64];
                int size = i == FLOOD_MAX / 2 ? snprintf(text, sizeof(text), "READY=1")
                                              : snprintf(text, sizeof(text), "%s=%u", key, i);
                if (send(fd, text, (size_t) size, 0) != size)
                        return 1;
        }
        return 0;
}

static void test_notify_proxy_flood_is_bounded_and_leaves_turns(void **state) {
        static const char *const keys[] = { "STATUS", "X_N" };
        Fixture *fixture = *state;
        Flood flood = { .fixture = fixture };

        systemd_make_busy(fixture);
        assert_true(sd_event_add_defer(fixture->event, &fixture->other_source, flood_dispatch_turn,
                            &flood) >= 0);
        fixture->handled = flood_handled;

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const size_t before = mallinfo2().uordblks;
                const char *address = notify_proxy_address(fixture->proxy);

                fixture->n_handled = flood.n_handled_at_turn = 0;
                fixture->child = fork();
                if (fixture->child == 0)
                        _exit(flood_speak(address, keys[i]));
                assert_true(fixture->child > 0);
                while (fixture->n_handled < FLOOD_MAX)
                        fixture_turn(fixture);
                assert_int_equal(fixture_wait_child(fixture), 0);
                assert_true(mallinfo2().uordblks < before + (size_t) NOTIFY_QUEUE_MAX * 1024);

                unsigned n_read = 0, n_ready = 0;
                while (n_ready == 0) {
                        n_ready += strcmp(systemd_read(fixture), "READY=1") == 0;
                        assert_in_range(n_read++, 0, NOTIFY_QUEUE_MAX);
                }
                while (sd_event_run(fixture->event, 0) > 0 || systemd_try_read(fixture))
                        continue;
                systemd_make_busy(fixture);
        }
        assert_in_range(flood.n_turns, FLOOD_MAX / NOTIFY_BATCH_MAX, UINT32_MAX);
        assert_in_range(flood.n_handled_between_max, 1, NOTIFY_BATCH_MAX);
}

static void test_notify_proxy_drain_takes_more_than_a_batch(void **state) {
        Fixture *fixture = *state;
        unsigned n_sent = 0;

        /* As many as the kernel keeps, whatever it is set to; more than a batch in several rounds. */
        while (n_sent <= NOTIFY_BATCH_MAX) {
                unsigned n = 0;
                while (n < NOTIFY_DRAIN_MAX &&
                        notify_socket_send(fixture->gateway_fd, "", "X_A=1", 5, NULL, 0) == 0)
                        n++;
                assert_in_range(n, 1, NOTIFY_DRAIN_MAX);
                n_sent += n;
                notify_proxy_drain(fixture->proxy);
                assert_int_equal(fixture->n_handled, n_sent);
                while (systemd_try_read(fixture))
                        continue;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                fixture_test(test_notify_proxy_queue_keeps_order),
                fixture_test(test_notify_proxy_queued_status_is_replaced_by_newer),
                fixture_test(test_notify_proxy_queued_heartbeat_goes_with_stopping),
                fixture_test(test_notify_proxy_full_queue_drops_the_least),
                fixture_test(test_notify_proxy_full_queue_has_room_for_own),
                fixture_test(test_notify_proxy_waiting_does_not_spin),
                cmocka_unit_test_setup_teardown(
                        test_notify_queue_fds_beyond_a_third_of_the_limit_are_refused, bounds_setup,
                        bounds_teardown),
                fixture_test(test_notify_proxy_flood_is_bounded_and_leaves_turns),
                fixture_test(test_notify_proxy_drain_takes_more_than_a_batch),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
