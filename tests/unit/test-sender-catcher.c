/* SPDX-License-Identifier: MIT */

/* The sender catcher against real signals from real processes. Senders that must be dead, or several,
 * by the time they are looked at send before there is a catcher: what is pending is caught first thing.
 * What takes a process of its own is in test-sender-catcher-surroundings.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/syscall.h>

#include "sender-fixture.h"

/* ---- Names and siginfo ---- */

static void test_sender_names_roundtrip(void **state) {
        for (SenderCapture i = 0; i < _SENDER_CAPTURE_MAX; i++)
                assert_int_equal(sender_capture_from_string(sender_capture_to_string(i)), i);
        for (SenderState i = 0; i < _SENDER_STATE_MAX; i++)
                assert_int_equal(sender_state_from_string(sender_state_to_string(i)), i);
        assert_int_equal(sender_capture_from_string("Auto"), _SENDER_CAPTURE_INVALID);
        assert_int_equal(sender_state_from_string(""), _SENDER_STATE_INVALID);
        assert_null(sender_capture_to_string(_SENDER_CAPTURE_MAX));
        assert_null(sender_state_to_string(_SENDER_STATE_INVALID));
        assert_string_equal(sender_state_to_string(SENDER_OTHER_NAMESPACE), "other-namespace");
        assert_string_equal(sender_capture_to_string(SENDER_CAPTURE_AUTO), "auto");
}

static void test_sender_state_from_siginfo_tells_them_apart(void **state) {
        static const struct {
                int code;
                uint32_t pid;
                pid_t manager_pid;
                bool is_unit_main;
                SenderState state;
        } rows[] = {
                { SI_KERNEL, 0, 0, false, SENDER_KERNEL },
                { SI_KERNEL, 0, 0, true, SENDER_KERNEL },
                { SI_KERNEL, 1, 1, false, SENDER_KERNEL },
                { SI_TIMER, 0, 0, true, SENDER_KERNEL },
                { SI_SIGIO, 0, 0, false, SENDER_KERNEL },
                { SEGV_MAPERR, 0, 0, false, SENDER_KERNEL },
                { SI_USER, 0, 0, false, SENDER_OTHER_NAMESPACE },
                { SI_USER, 0, 0, true, SENDER_MANAGER },
                { SI_USER, 0, 1, false, SENDER_OTHER_NAMESPACE },
                { SI_QUEUE, 0, 0, true, SENDER_OTHER_NAMESPACE },
                { SI_TKILL, 0, 0, true, SENDER_OTHER_NAMESPACE },
                { SI_USER, 1, 1, false, SENDER_MANAGER },
                { SI_USER, 1, 0, true, SENDER_UNKNOWN },
                { SI_QUEUE, 1, 1, false, SENDER_UNKNOWN },
                { SI_TKILL, 1, 1, false, SENDER_UNKNOWN },
                { SI_USER, 42, 1, true, SENDER_UNKNOWN },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const struct signalfd_siginfo info = {
                        .ssi_signo = SIGTERM, .ssi_code = rows[i].code, .ssi_pid = rows[i].pid
                };

                assert_int_equal(
                        sender_state_from_siginfo(&info, rows[i].manager_pid, rows[i].is_unit_main),
                        rows[i].state);
        }
}

/* ---- Senders ---- */

static void test_sender_catcher_living_sender_is_described(void **state) {
        static const SenderCapture captures[] = { SENDER_CAPTURE_AUTO, SENDER_CAPTURE_PLAIN };

        for (size_t i = 0; i < ELEMENTSOF(captures); i++) {
                Fixture *fixture = *state;
                const ProcessSnapshot *sender = &fixture->last.sender;

                fixture->config.capture = captures[i];
                fixture_start(fixture);
                fixture_start_sender(fixture);
                fixture_go(fixture);
                assert_true(fixture_run_settled(fixture, i + 1));

                assert_int_equal(fixture->last.state, SENDER_ALIVE);
                assert_int_equal(sender->pid, fixture->child.pid);
                assert_int_equal(sender->info.ppid, getpid());
                assert_true(sender->cmdline_size > 0);
                assert_true(strstr(sender->exe, "sender-catcher") || strstr(sender->exe, "grind"));
                assert_true(sender->has_uid);
                assert_int_equal(sender->uid, getuid());
                assert_int_equal(fixture->last.parent.pid, 0);
                assert_int_equal(fixture->last.info.ssi_code, SI_USER);
                assert_true(fixture->last.caught_at_usec > 0);
                assert_true(fixture->last.caught_at_usec <= usec_now(CLOCK_MONOTONIC));

                child_process_done(&fixture->child);
                fixture->catcher = sender_catcher_free(fixture->catcher);
        }
}

static void test_sender_catcher_sender_that_exits_is_named(void **state) {
        Fixture *fixture = *state;

        fixture_start(fixture);
        fixture_send_and_end(fixture, SIGUSR1);
        assert_true(fixture_run_settled(fixture, 1));
        assert_int_equal(fixture->last.sender.pid, fixture->sender);
        assert_true(fixture->last.state == SENDER_ALIVE || fixture->last.state == SENDER_EXITED);
        assert_true(fixture->last.sender.has_info);
        assert_int_equal(fixture->last.sender.info.ppid, getpid());
}

static void test_sender_catcher_zombie_keeps_name_and_has_parent(void **state) {
        Fixture *fixture = *state;

        fixture_send_and_end(fixture, SIGUSR1);
        fixture_await_end(fixture);
        fixture_start(fixture);
        assert_true(fixture_run_settled(fixture, 1));
        assert_int_equal(fixture->last.state, SENDER_EXITED);
        assert_int_equal(fixture->last.sender.pid, fixture->sender);
        assert_true(fixture->last.sender.has_info);
        assert_int_equal(fixture->last.sender.info.state, 'Z');
        assert_int_equal(fixture->last.sender.cmdline_size, 0);
        assert_int_equal(fixture->last.parent.pid, getpid());
        assert_true(fixture->last.parent.cmdline_size > 0);
}

static void test_sender_catcher_gone_sender_leaves_its_pid(void **state) {
        Fixture *fixture = *state;
        pid_t pid;

        fixture_send_and_end(fixture, SIGUSR1);
        pid = fixture->sender;
        fixture_reap(fixture);
        fixture_start(fixture);
        assert_true(fixture_run_settled(fixture, 1));
        assert_int_equal(fixture->last.state, SENDER_EXITED);
        assert_int_equal(fixture->last.info.ssi_pid, pid);
        assert_int_equal(fixture->last.sender.pid, pid);
        assert_false(fixture->last.sender.has_info);
        assert_int_equal(fixture->last.sender.cmdline_size, 0);
        assert_int_equal(fixture->last.parent.pid, 0);
}

static void test_sender_catcher_coalesced_names_the_first(void **state) {
        Fixture *fixture = *state;
        pid_t first;

        fixture_send_and_end(fixture, SIGUSR1);
        first = fixture->sender;
        fixture_reap(fixture);
        fixture_send_and_end(fixture, SIGUSR1);
        fixture_await_end(fixture);
        queue_to(getpid(), SIGRTMIN, 1); /* comes behind: nothing else is between */
        fixture_start(fixture);
        assert_true(fixture_run(fixture, 2));
        assert_int_equal(fixture->n_calls, 4);
        assert_int_equal(fixture->calls[0].info.ssi_signo, SIGUSR1);
        assert_int_equal(fixture->calls[0].info.ssi_pid, first);
        assert_int_equal(fixture_last_call(fixture)->info.ssi_signo, SIGRTMIN);
}

static void test_sender_catcher_queued_value_is_kept(void **state) {
        Fixture *fixture = *state;

        fixture_start(fixture);
        queue_to(getpid(), SIGRTMIN, -77);
        assert_true(fixture_run_settled(fixture, 1));
        assert_int_equal(fixture->last.info.ssi_code, SI_QUEUE);
        assert_int_equal(fixture->last.info.ssi_int, -77);
        assert_int_equal(fixture->last.state, SENDER_ALIVE); /* ourselves */
        assert_int_equal(fixture->last.sender.pid, getpid());
        assert_true(fixture->last.sender.cmdline_size > 0);
}

/* For the first thread alone: before there is a catcher, and after. */
static void test_sender_catcher_thread_directed_is_caught(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 2; i++) {
                pid_t test_pid = getpid();

                if (i == 1)
                        fixture_start(fixture);
                fixture->sender = fork();
                if (fixture->sender == 0)
                        _exit((int) syscall(SYS_tgkill, test_pid, test_pid, SIGUSR1));
                assert_true(fixture->sender > 0);
                if (i == 0) {
                        fixture_await_end(fixture);
                        fixture_start(fixture);
                }
                assert_true(fixture_run(fixture, i + 1));
                assert_int_equal(fixture->last.info.ssi_code, SI_TKILL);
                assert_int_equal(fixture->last.info.ssi_pid, fixture->sender);
                assert_int_equal(fixture->n_calls, 2 * (i + 1));
                fixture_reap(fixture);
                fixture->catcher = sender_catcher_free(fixture->catcher);
        }
}

static void test_sender_catcher_manager_is_not_read(void **state) {
        Fixture *fixture = *state;

        fixture_start_sender(fixture);
        fixture->config.manager_pid = fixture->child.pid;
        fixture_start(fixture);
        fixture_go(fixture);
        assert_true(fixture_run_settled(fixture, 1));
        assert_int_equal(fixture->last.state, SENDER_MANAGER);
        assert_int_equal(fixture->last.sender.pid, fixture->child.pid);
        assert_false(fixture->last.sender.has_info);
        assert_int_equal(fixture->last.sender.cmdline_size, 0);
}

/* ---- Injected /proc ---- */

/* The sender lives; what the tree says of its pid decides. start: in ticks, from now. */
static void test_sender_catcher_reused_pid_is_not_the_sender(void **state) {
        static const struct {
                bool has_entry;
                int start_offset;
                char state;
                SenderState expected;
                bool is_named;
        } rows[] = {
                { true, -100, 'S', SENDER_ALIVE, true }, { true, -100, 'Z', SENDER_EXITED, true },
                { true, 100000, 'S', SENDER_EXITED, false },
                { false, 0, 'S', SENDER_UNKNOWN, false }, /* it lives, but hides */
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Fixture *fixture = *state;
                char path[32], text[256];

                assert_int_equal(procfs_tree_init(&fixture->tree), 0);
                fixture_start_sender(fixture);
                (void) snprintf(path, sizeof(path), "%d/stat", fixture->child.pid);
                (void) snprintf(text, sizeof(text),
                        "%d (impostor) %c 1 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 %lld\n",
                        fixture->child.pid, rows[i].state,
                        (long long) (usec_now(CLOCK_BOOTTIME) / 10000) + rows[i].start_offset);
                if (rows[i].has_entry) {
                        procfs_tree_put(&fixture->tree, path, text);
                        (void) snprintf(path, sizeof(path), "%d/cmdline", fixture->child.pid);
                        procfs_tree_put_bytes(&fixture->tree, path, "impostor", 9);
                }
                fixture->config.proc_root = fixture->tree.path;
                fixture_start(fixture);
                fixture_go(fixture);
                assert_true(fixture_run_settled(fixture, i + 1));

                assert_int_equal(fixture->last.state, rows[i].expected);
                assert_int_equal(fixture->last.sender.pid, fixture->child.pid);
                assert_int_equal(fixture->last.sender.has_info, rows[i].is_named);
                assert_int_equal(fixture->last.sender.cmdline_size, rows[i].is_named ? 9 : 0);

                fixture->catcher = sender_catcher_free(fixture->catcher);
                child_process_done(&fixture->child);
                procfs_tree_done(&fixture->tree);
                fixture->tree.fd = -EBADF;
        }
}

/* ---- Delivery ---- */

static void test_sender_catcher_relays_once_and_before_describing(void **state) {
        Fixture *fixture = *state;

        fixture_start(fixture);
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_true(fixture_run(fixture, 1));
        assert_int_equal(fixture->n_calls, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(fixture->calls[i].is_described, i == 1);
                assert_int_equal(fixture->calls[i].info.ssi_pid, getpid());
        }
        assert_int_equal(fixture->calls[0].state, SENDER_UNKNOWN);
        assert_int_equal(fixture->calls[1].n_relayed, 1);
        assert_int_equal(fixture->calls[1].relayed_signo, SIGWINCH);
        assert_int_equal(fixture->calls[1].relayed_to, 4711);
}

/* Each value in order, told before described, and neither left out. */
static void assert_calls_in_order(const Fixture *fixture, size_t n) {
        int n_told = 0, n_described = 0;

        assert_int_equal(fixture->n_calls, 2 * n);
        for (size_t i = 0; i < fixture->n_calls; i++) {
                const Call *call = &fixture->calls[i];

                assert_int_equal(call->info.ssi_int, call->is_described ? n_described : n_told);
                if (call->is_described)
                        assert_true(++n_described <= n_told);
                else
                        n_told++;
        }
}

/* As soon as the relay has been called, whatever the loop would have looked at first. */
static void test_sender_catcher_tells_now_what_was_relayed(void **state) {
        Fixture *fixture = *state;

        fixture_start(fixture);
        for (unsigned i = 1; i <= 20; i++) {
                assert_int_equal(kill(getpid(), SIGUSR1), 0);
                while (atomic_load(&fixture->n_relayed) < i)
                        (void) sched_yield();
                sender_catcher_tell_now(fixture->catcher);
                assert_int_equal(fixture->n_calls, 2 * i - 1);
                assert_false(fixture->calls[2 * i - 2].is_described);
                assert_false(sender_catcher_has_pending(fixture->catcher));
                assert_true(fixture_run(fixture, i));
                assert_int_equal(fixture->n_calls, 2 * i);
        }
}

static void test_sender_catcher_more_than_slots_wait_in_the_kernel(void **state) {
        const unsigned n = 3 * SENDER_CATCHER_SLOTS;
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), TEST_DEADLINE_USEC);
        Fixture *fixture = *state;
        sigset_t pending;

        for (unsigned i = 0; i < n; i++)
                queue_to(getpid(), SIGRTMIN, (int) i);
        fixture_start(fixture);
        while (atomic_load(&fixture->n_relayed) < SENDER_CATCHER_SLOTS &&
                usec_now(CLOCK_MONOTONIC) < late_at_usec)
                (void) sched_yield();
        assert_int_equal(sigpending(&pending), 0);
        assert_int_equal(sigismember(&pending, SIGRTMIN), 1);
        assert_int_equal(atomic_load(&fixture->n_relayed), SENDER_CATCHER_SLOTS);
        assert_true(sender_catcher_has_pending(fixture->catcher));

        assert_true(fixture_run(fixture, n));
        assert_calls_in_order(fixture, n);
        assert_int_equal(atomic_load(&fixture->n_relayed), n);
}

static void test_sender_catcher_flood_loses_none(void **state) {
        Fixture *fixture = *state;
        pid_t test_pid = getpid();

        fixture_start(fixture);
        fixture->sender = fork();
        if (fixture->sender == 0) {
                for (int i = 0; i < TEST_FLOOD; i++)
                        queue_to(test_pid, SIGRTMIN, i);
                _exit(0);
        }
        assert_true(fixture->sender > 0);
        assert_true(fixture_run(fixture, TEST_FLOOD));
        assert_calls_in_order(fixture, TEST_FLOOD);
        assert_int_equal(atomic_load(&fixture->n_relayed), TEST_FLOOD);
        assert_false(sender_catcher_is_stuck(fixture->catcher));
}

/* Until the handler has been told, a signal is either pending or counted. */
static void test_sender_catcher_pending_has_no_gap(void **state) {
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), TEST_DEADLINE_USEC);
        Fixture *fixture = *state;

        fixture_start(fixture);
        for (unsigned i = 0; i < 200; i++) {
                assert_int_equal(kill(getpid(), SIGUSR1), 0);
                for (bool is_caught = false; !is_caught;) {
                        sigset_t pending;

                        is_caught = atomic_load(&fixture->n_relayed) > i;
                        assert_true(usec_now(CLOCK_MONOTONIC) < late_at_usec);
                        assert_int_equal(sigpending(&pending), 0);
                        assert_true(sigismember(&pending, SIGUSR1) == 1 ||
                                sender_catcher_has_pending(fixture->catcher));
                }
                assert_true(fixture_run(fixture, i + 1));
                while (sender_catcher_has_pending(fixture->catcher)) /* a thread looks once more */
                        assert_true(usec_now(CLOCK_MONOTONIC) < late_at_usec);
        }
}

static void test_sender_catcher_set_signals_changes_what_is_caught(void **state) {
        Fixture *fixture = *state;
        sigset_t signals, pending;

        fixture_start(fixture);
        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGUSR2);
        assert_int_equal(sender_catcher_set_signals(fixture->catcher, &signals), 0);
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_int_equal(kill(getpid(), SIGUSR2), 0);
        assert_true(fixture_run(fixture, 1));
        assert_int_equal(fixture->last.info.ssi_signo, SIGUSR2);
        assert_int_equal(sigpending(&pending), 0);
        assert_int_equal(sigismember(&pending, SIGUSR1), 1);

        /* What is pending already is caught as soon as it is wanted. */
        assert_int_equal(sender_catcher_set_signals(fixture->catcher, &fixture->config.signals), 0);
        assert_true(fixture_run(fixture, 2));
        assert_int_equal(fixture->last.info.ssi_signo, SIGUSR1);
}

static void test_sender_catcher_freed_with_signals_in_flight_is_silent(void **state) {
        Fixture *fixture = *state;

        for (int i = 0; i < 10; i++)
                queue_to(getpid(), SIGRTMIN, i);
        fixture_start(fixture);
        fixture->catcher = sender_catcher_free(fixture->catcher);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        assert_int_equal(fixture->n_calls, 0);
        assert_null(sender_catcher_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sender_names_roundtrip),
                cmocka_unit_test(test_sender_state_from_siginfo_tells_them_apart),
                sender_test(test_sender_catcher_living_sender_is_described),
                sender_test(test_sender_catcher_sender_that_exits_is_named),
                sender_test(test_sender_catcher_zombie_keeps_name_and_has_parent),
                sender_test(test_sender_catcher_gone_sender_leaves_its_pid),
                sender_test(test_sender_catcher_coalesced_names_the_first),
                sender_test(test_sender_catcher_queued_value_is_kept),
                sender_test(test_sender_catcher_thread_directed_is_caught),
                sender_test(test_sender_catcher_manager_is_not_read),
                sender_test(test_sender_catcher_reused_pid_is_not_the_sender),
                sender_test(test_sender_catcher_relays_once_and_before_describing),
                sender_test(test_sender_catcher_tells_now_what_was_relayed),
                sender_test(test_sender_catcher_more_than_slots_wait_in_the_kernel),
                sender_test(test_sender_catcher_flood_loses_none),
                sender_test(test_sender_catcher_pending_has_no_gap),
                sender_test(test_sender_catcher_set_signals_changes_what_is_caught),
                sender_test(test_sender_catcher_freed_with_signals_in_flight_is_silent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
