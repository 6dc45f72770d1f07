/* SPDX-License-Identifier: MIT */

/* Two samples side by side: made up ones, and those of real processes, of which the verdict must be
 * what they do. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "child-process.h"
#include "forensics/load-sample.h"
#include "proc.h"

#define MAIN_PID 812
#define AT(sec)  ((usec_t) (sec) *USEC_PER_SEC)

typedef struct Fixture {
        int real_proc_fd;
        ChildProcess child;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        *state = fixture;
        fixture->child = CHILD_PROCESS_UNSET;
        fixture->real_proc_fd = proc_open_root("/proc");
        return fixture->real_proc_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        child_process_done(&fixture->child);
        (void) fd_close(fixture->real_proc_fd);
        free(fixture);
        return 0;
}

/* ---- Comparing ------------------------------------------------------------------------------ */

static LoadSample sample_at(unsigned at_sec) {
        return (LoadSample){
                .taken_at_usec = AT(at_sec),
                .pid = MAIN_PID,
                .has_process = true,
                .start_ticks = 5000,
                .state = 'S',
                .cpu_usec = AT(at_sec) / 10,
                .has_run_delay = true,
                .run_delay_usec = AT(at_sec) / 5,
                .has_payload_cpu = true,
                .payload_cpu_usec = AT(at_sec) / 2,
                .throttled_usec = AT(at_sec) / 4,
                .host[STALL_CPU] = { true, AT(at_sec) / 2, AT(at_sec) / 4 },
                .unit[STALL_IO] = { true, AT(at_sec) * 2, 0 },
        };
}

static void test_load_sample_compare_same_process_gives_differences(void **state) {
        LoadSample before = sample_at(100), after = sample_at(110);
        StallFacts facts;

        load_sample_compare(&before, &after, &facts);

        assert_int_equal(facts.window_usec, AT(10));
        assert_int_equal(facts.silent_usec, 0); /* the caller's */
        assert_true(facts.has_cpu);
        assert_int_equal(facts.cpu_usec, AT(1));
        assert_true(facts.has_run_delay);
        assert_int_equal(facts.run_delay_usec, AT(2));
        assert_true(facts.has_payload_cpu);
        assert_int_equal(facts.payload_cpu_usec, AT(5));
        assert_int_equal(facts.throttled_usec, AT(10) / 4);
        assert_true(facts.host[STALL_CPU].is_known);
        assert_true(facts.host[STALL_CPU].some_percent == 50.0);
        assert_true(facts.host[STALL_CPU].full_percent == 25.0);
        assert_true(
                facts.unit[STALL_IO].some_percent == 100.0); /* 200 of it is the kernel's step */
        assert_false(facts.host[STALL_IO].is_known);
}

static void test_load_sample_compare_other_process_gives_the_present_alone(void **state) {
        LoadSample befores[] = { {}, sample_at(100), sample_at(100), sample_at(100),
                sample_at(110) };
        befores[1].start_ticks++; /* the pid was used again */
        befores[2].pid++;
        befores[3].has_process = false;
        /* befores[4]: the same instant. */

        for (size_t i = 0; i < ELEMENTSOF(befores); i++) {
                LoadSample after = sample_at(110);
                StallFacts facts;

                strcpy(after.wchan, "ep_poll");
                after.tracer_pid = 4711;
                strcpy(after.tracer_comm, "gdb");
                after.is_frozen = after.has_loadavg = true;
                after.loadavg = 2.5;
                after.stop_signal = SIGSTOP;
                load_sample_compare(&befores[i], &after, &facts);

                if (facts.window_usec != 0 || facts.has_cpu || facts.has_run_delay ||
                        facts.has_payload_cpu || facts.throttled_usec != 0 ||
                        facts.host[STALL_CPU].is_known || facts.unit[STALL_IO].is_known)
                        fail_msg("row %zu", i);
                assert_true(facts.has_process);
                assert_int_equal(facts.state, 'S');
                assert_string_equal(facts.wchan, "ep_poll");
                assert_int_equal(facts.tracer_pid, 4711);
                assert_string_equal(facts.tracer_comm, "gdb");
                assert_true(facts.is_frozen);
                assert_true(facts.has_loadavg);
                assert_true(facts.loadavg == 2.5);
                assert_int_equal(facts.stop_signal, SIGSTOP);
        }
}

static void test_load_sample_compare_counter_that_fell_is_nothing(void **state) {
        LoadSample before = sample_at(100), after = sample_at(110);
        StallFacts facts;

        after.run_delay_usec = before.run_delay_usec - 1; /* a thread has ended */
        after.host[STALL_CPU].some_usec = 0;
        load_sample_compare(&before, &after, &facts);

        assert_int_equal(facts.run_delay_usec, 0);
        assert_true(facts.host[STALL_CPU].some_percent == 0.0);
}

static void test_load_sample_compare_unknown_on_one_side_is_unknown(void **state) {
        for (int side = 0; side < 2; side++) {
                LoadSample samples[] = { sample_at(100), sample_at(110) };
                StallFacts facts;

                samples[side].has_run_delay = samples[side].has_payload_cpu = false;
                samples[side].host[STALL_CPU].is_known = false;
                load_sample_compare(&samples[0], &samples[1], &facts);

                assert_true(facts.has_cpu);
                assert_false(facts.has_run_delay);
                assert_false(facts.has_payload_cpu);
                assert_false(facts.host[STALL_CPU].is_known);
        }
}

static void test_load_sample_compare_short_window_has_no_pressure(void **state) {
        LoadSample before = sample_at(100), after = sample_at(102);
        StallFacts facts;

        load_sample_compare(&before, &after, &facts);
        assert_true(facts.host[STALL_CPU].is_known);

        before.taken_at_usec++;
        load_sample_compare(&before, &after, &facts);
        assert_true(facts.has_cpu);
        assert_false(facts.host[STALL_CPU].is_known);
}

/* ---- Real processes ------------------------------------------------------------------------- */

static LoadSample take_of_child(const Fixture *fixture) {
        const LoadProbe probe = { .proc_fd = fixture->real_proc_fd,
                .pid = fixture->child.pid,
                .unit_cgroup_fd = -EBADF,
                .payload_cgroup_fd = -EBADF,
                .is_closer = true };
        LoadSample sample;

        load_sample_take(&sample, &probe, usec_now(CLOCK_MONOTONIC));
        return sample;
}

static StallVerdict judge_child(const LoadSample *before, const LoadSample *after) {
        StallFacts facts;
        StallVerdict verdict;

        load_sample_compare(before, after, &facts);
        stall_decide(&facts, &verdict);
        return verdict;
}

static void body_spins(int says_fd) {
        child_process_say(says_fd);
        for (volatile unsigned i = 0;; i++)
                ;
}

static void body_sleeps(int says_fd) {
        child_process_say(says_fd);
        for (;;)
                (void) pause();
}

/* Where others take most of the machine it starves, rightly. That it ran for its time is what
 * counts, so the window ends when it has had 300 ms. */
static void test_load_sample_real_child_that_spins_is_spinning_or_starved(void **state) {
        Fixture *fixture = *state;

        child_process_start(&fixture->child, body_spins);
        LoadSample before = take_of_child(fixture), after;
        do
                after = take_of_child(fixture);
        while (after.has_process && after.cpu_usec < before.cpu_usec + 300 * USEC_PER_MSEC);
        assert_true(after.has_process);
        assert_true(after.has_run_delay);

        StallVerdict verdict = judge_child(&before, &after);
        if (verdict.stall != STALL_SPINNING && verdict.stall != STALL_STARVED)
                fail_msg("%s", verdict.detail);
}

/* The CPU is kept busy meanwhile, by this process: a sleeper starves by no neighbour. */
static void test_load_sample_real_child_that_sleeps_is_wedged(void **state) {
        Fixture *fixture = *state;
        LoadSample before;

        child_process_start(&fixture->child, body_sleeps);
        do /* until it has come to rest */
                before = take_of_child(fixture);
        while (before.has_process && before.state != 'S');
        LoadSample after = before;
        while (after.has_process &&
                after.taken_at_usec < before.taken_at_usec + 200 * USEC_PER_MSEC)
                after = take_of_child(fixture);

        StallVerdict verdict = judge_child(&before, &after);
        if (verdict.stall != STALL_WEDGED)
                fail_msg("%s", verdict.detail);
        assert_int_equal(after.state, 'S');
}

static void test_load_sample_real_child_that_is_stopped_is_stopped(void **state) {
        Fixture *fixture = *state;
        siginfo_t info;

        child_process_start(&fixture->child, body_sleeps);
        LoadSample before = take_of_child(fixture);
        assert_int_equal(kill(fixture->child.pid, SIGSTOP), 0);
        assert_int_equal(waitid(P_PID, (id_t) fixture->child.pid, &info, WSTOPPED | WNOWAIT), 0);
        LoadSample after = take_of_child(fixture);

        StallVerdict verdict = judge_child(&before, &after);
        assert_int_equal(verdict.stall, STALL_STOPPED);
        /* Before Linux 5.17 the signal is not told. */
        assert_string_equal(verdict.detail,
                after.stop_signal == SIGSTOP ? "stopped by SIGSTOP"
                                             : "stopped by a signal such as SIGSTOP");
}

static void test_load_sample_real_child_that_ended_is_exited(void **state) {
        Fixture *fixture = *state;
        siginfo_t info;

        child_process_start(&fixture->child, body_sleeps);
        LoadSample before = take_of_child(fixture);
        assert_int_equal(kill(fixture->child.pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t) fixture->child.pid, &info, WEXITED | WNOWAIT), 0);
        LoadSample zombie = take_of_child(fixture);

        assert_string_equal(
                judge_child(&before, &zombie).detail, "exited: the main thread has ended");
}

#define FIXTURE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_load_sample_compare_same_process_gives_differences),
                cmocka_unit_test(test_load_sample_compare_other_process_gives_the_present_alone),
                cmocka_unit_test(test_load_sample_compare_counter_that_fell_is_nothing),
                cmocka_unit_test(test_load_sample_compare_unknown_on_one_side_is_unknown),
                cmocka_unit_test(test_load_sample_compare_short_window_has_no_pressure),
                FIXTURE_TEST(test_load_sample_real_child_that_spins_is_spinning_or_starved),
                FIXTURE_TEST(test_load_sample_real_child_that_sleeps_is_wedged),
                FIXTURE_TEST(test_load_sample_real_child_that_is_stopped_is_stopped),
                FIXTURE_TEST(test_load_sample_real_child_that_ended_is_exited),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
