/* SPDX-License-Identifier: MIT */

/* Signals to real processes: who gets which, who is out of reach, and who ignores it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "payload-fixture.h"

static void test_payload_signal_reaches_its_target_only(void **state) {
        static const struct {
                PhaseTarget target;
                bool skip_main;
                size_t n_sent;
                bool reaches_main, reaches_others;
        } rows[] = {
                { PHASE_TARGET_MAIN, false, 1, true, false },
                { PHASE_TARGET_OTHERS, false, 2, false, true },
                { PHASE_TARGET_OTHERS, true, 2, false, true },
                { PHASE_TARGET_ALL, false, 3, true, true },
                { PHASE_TARGET_ALL, true, 2, false, true },
        };
        static const int signals[] = { SIGTERM, SIGKILL };

        for (size_t i = 0; i < ELEMENTSOF(signals) * ELEMENTSOF(rows); i++) {
                PayloadTest *test = *state;
                Payload *payload = test->family.payload;
                size_t row = i % ELEMENTSOF(rows), n_sent = 0;
                int signo = signals[i / ELEMENTSOF(rows)];

                pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
                pid_t a = family_add(&test->family, MEMBER_PLAIN);
                pid_t b = family_add(&test->family, MEMBER_ORPHAN_OWN_SESSION);
                payload_set_main(payload, main_pid);

                assert_int_equal(payload_signal(payload, rows[row].target, signo,
                                         rows[row].skip_main, &n_sent),
                        0);
                assert_int_equal(n_sent, rows[row].n_sent);
                if (rows[row].reaches_main)
                        assert_int_equal(family_await_end(main_pid), signo);
                if (rows[row].reaches_others) {
                        assert_int_equal(family_await_end(a), signo);
                        assert_int_equal(family_await_end(b), signo);
                }
                assert_int_equal(family_is_alive(main_pid), !rows[row].reaches_main);
                assert_int_equal(family_is_alive(a), !rows[row].reaches_others);
                assert_int_equal(family_is_alive(b), !rows[row].reaches_others);

                payload_set_main(payload, 0);
                (void) !payload_signal(payload, PHASE_TARGET_ALL, SIGKILL, false, NULL);
                family_reap_all_but(0);
        }
}

static void test_payload_signal_wakes_the_stopped(void **state) {
        PayloadTest *test = *state;
        size_t n_sent = 0;

        pid_t main_pid = family_add(&test->family, MEMBER_STOPPED);
        pid_t other = family_add(&test->family, MEMBER_STOPPED);
        payload_set_main(test->family.payload, main_pid);
        assert_int_equal(
                payload_signal(test->family.payload, PHASE_TARGET_MAIN, SIGTERM, false, &n_sent),
                0);
        assert_int_equal(family_await_end(main_pid), SIGTERM);
        assert_int_equal(
                payload_signal(test->family.payload, PHASE_TARGET_OTHERS, SIGTERM, false, &n_sent),
                0);
        assert_int_equal(family_await_end(other), SIGTERM);
}

static void test_payload_stop_signal_is_not_undone(void **state) {
        PayloadTest *test = *state;
        siginfo_t info = {};

        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        assert_int_equal(
                payload_signal(test->family.payload, PHASE_TARGET_ALL, SIGSTOP, false, NULL), 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WSTOPPED), 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WCONTINUED | WNOHANG), 0);
        assert_int_equal(
                payload_signal(test->family.payload, PHASE_TARGET_ALL, SIGCONT, false, NULL), 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WCONTINUED), 0);
}

static void test_payload_reused_pid_not_signalled(void **state) {
        PayloadTest *test = *state;
        char path[32], text[128];
        size_t n_sent = 77;

        /* What /proc shows as main is later another process of the same pid. */
        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        family_replace_payload(&test->family, test->tree.path);
        Payload *payload = test->family.payload;
        procfs_tree_put_process(&test->tree, pid, getpid(), 'S');
        payload_set_main(payload, pid);
        (void) snprintf(path, sizeof(path), "%d/stat", pid);
        (void) snprintf(text, sizeof(text), "%d (x) " STAT_REST("S", 1, 5), pid);
        procfs_tree_put(&test->tree, path, text);

        assert_int_equal(
                payload_signal(payload, PHASE_TARGET_MAIN, SIGKILL, false, &n_sent), -ESRCH);
        assert_int_equal(
                payload_signal(payload, PHASE_TARGET_ALL, SIGKILL, false, &n_sent), -ESRCH);
        assert_int_equal(n_sent, 77);
        assert_true(family_is_alive(pid));
}

static void test_payload_vanished_pid_not_signalled(void **state) {
        PayloadTest *test = *state;
        size_t n_sent = 77;

        /* A child that /proc still shows, but that is gone. */
        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        pid_t gone = family_add(&test->family, MEMBER_PLAIN);
        family_replace_payload(&test->family, test->tree.path);
        Payload *payload = test->family.payload;
        procfs_tree_put_process(&test->tree, gone, getpid(), 'S');
        payload_set_main(payload, gone);
        family_end(gone);
        family_reap_all_but(pid);

        payload_set_main(payload, gone);
        assert_int_equal(
                payload_signal(payload, PHASE_TARGET_MAIN, SIGTERM, false, &n_sent), -ESRCH);
        assert_int_equal(
                payload_signal(payload, PHASE_TARGET_ALL, SIGTERM, false, &n_sent), -ESRCH);
        assert_int_equal(n_sent, 77);
}

static void test_payload_foreign_process_not_signalled(void **state) {
        PayloadTest *test = *state;

        /* A child of ours that the (injected) tree places elsewhere. */
        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        family_replace_payload(&test->family, test->tree.path);
        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        procfs_tree_put_process(&test->tree, pid, 1, 'S');
        assert_int_equal(
                payload_signal(test->family.payload, PHASE_TARGET_ALL, SIGKILL, false, NULL),
                -ESRCH);
        assert_true(family_is_alive(pid));
}

static void test_payload_out_of_reach_reported(void **state) {
        PayloadTest *test = *state;
        static const int signals[] = { SIGTERM, SIGKILL };
        size_t n_sent = 77;

        if (geteuid() != 0)
                skip();
        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(test->family.payload, pid);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                for (int target = 0; target < _PHASE_TARGET_MAX; target++) {
                        if (target == PHASE_TARGET_OTHERS)
                                continue;
                        assert_int_equal(setresuid(65534, 65534, 0), 0);
                        int r = payload_signal(test->family.payload, (PhaseTarget) target,
                                signals[i], false, &n_sent);
                        assert_int_equal(setresuid(0, 0, 0), 0);
                        assert_int_equal(r, -EPERM);
                }
        assert_int_equal(n_sent, 77);
        assert_true(family_is_alive(pid));
}

static void test_payload_others_ignore_only_if_all_do(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;

        assert_false(payload_others_ignore(payload, SIGUSR1));
        (void) signal(SIGUSR1, SIG_IGN);
        pid_t ignores = family_add(&test->family, MEMBER_PLAIN);
        (void) signal(SIGUSR1, SIG_DFL);
        assert_true(payload_others_ignore(payload, SIGUSR1));
        assert_false(payload_others_ignore(payload, SIGUSR2));
        payload_set_main(payload, ignores);
        assert_false(payload_others_ignore(payload, SIGUSR1));
        payload_set_main(payload, family_add(&test->family, MEMBER_PLAIN));
        assert_true(payload_others_ignore(payload, SIGUSR1));
        (void) family_add(&test->family, MEMBER_PLAIN);
        assert_false(payload_others_ignore(payload, SIGUSR1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                PAYLOAD_TEST(test_payload_signal_reaches_its_target_only),
                PAYLOAD_TEST(test_payload_signal_wakes_the_stopped),
                PAYLOAD_TEST(test_payload_stop_signal_is_not_undone),
                PAYLOAD_TEST(test_payload_reused_pid_not_signalled),
                PAYLOAD_TEST(test_payload_vanished_pid_not_signalled),
                PAYLOAD_TEST(test_payload_foreign_process_not_signalled),
                PAYLOAD_TEST(test_payload_out_of_reach_reported),
                PAYLOAD_TEST(test_payload_others_ignore_only_if_all_do),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
