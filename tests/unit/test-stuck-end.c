/* SPDX-License-Identifier: MIT */

/* The collector's end: killed in the middle, out of time, over files that hang, with a program for user
 * stacks that is missing, hangs or never lets go.
 *
 * Called with the arguments of eu-stack, this program stands in for it: as one that stops the process and
 * never lets go. */

#include "stuck-fixture.h"

__attribute__((noinline)) void stuck_test_hangs_here(int says_fd);
__attribute__((noinline)) void stuck_test_hangs_here(int says_fd) {
        child_process_say(says_fd);
        for (;;)
                (void) pause();
}

static void body_in_a_named_function(int says_fd) {
        stuck_test_hangs_here(says_fd);
        (void) getpid(); /* no tail call */
}

/* ---- Ends ---- */

static void test_stuck_killed_in_the_middle_has_told_what_it_knew(void **state) {
        Fixture *fixture = *state;
        struct pollfd poll_fd = { .events = POLLIN };
        siginfo_t info;

        start(fixture, body_with_many_threads, 'S');
        collector_start(fixture);
        /* The pipe does not hold it all: it waits there until it is killed. */
        poll_fd.fd = fixture->output_fd;
        assert_int_equal(poll(&poll_fd, 1, WAIT_MSEC), 1);
        assert_int_equal(kill(fixture->collector_pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t) fixture->collector_pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(collector_end(fixture), -1);

        assert_true(fixture->output.size > 0 && fixture->output.size <= HELD_BYTES);
        assert_int_equal(fixture->output.data[fixture->output.size - 1], '\n');
        assert_string_equal(text(fixture->stuck, "complete"), "false");
        assert_string_equal(text(child_of(fixture), "state"), "S");
        assert_true(count(json_object_object_get(child_of(fixture), "threads")) < MANY_THREADS);
}

static void test_stuck_after_its_time_has_the_cheap_facts_alone(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_pause, 'S');
        fixture->request.until_usec = 1;
        fixture->request.stack_program = STUCK_PROGRAM;
        collect(fixture);
        assert_string_equal(text(first_thread(fixture), "state"), "S");
        assert_string_equal(text(first_thread(fixture), "syscall_number"), "-");
        assert_string_equal(text(child_of(fixture), "user_stack"), "-");
        assert_null(json_object_object_get(child_of(fixture), "sockets"));
}

static void put_process(Fixture *fixture, unsigned pid, size_t i) {
        char path[64], stat[256];

        (void) snprintf(
                stat, sizeof(stat), "%u (p) S 1 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 99 1\n", pid);
        (void) snprintf(path, sizeof(path), "%u/stat", pid);
        procfs_tree_put(&fixture->tree, path, stat);
        (void) snprintf(path, sizeof(path), "%u/task/%u/stat", pid, pid);
        procfs_tree_put(&fixture->tree, path, stat);
        (void) snprintf(path, sizeof(path), "%u/task/%u/syscall", pid, pid);
        procfs_tree_put(&fixture->tree, path, "1 0x0 0x0\n");
        (void) snprintf(path, sizeof(path), "%u/fd/keep", pid);
        procfs_tree_put(&fixture->tree, path, "");
        (void) snprintf(path, sizeof(path), "%u/cmdline", pid);
        procfs_tree_put(&fixture->tree, path, "gateway");
        assert_int_equal(proc_read_info(fixture->tree.fd, (pid_t) pid, &fixture->processes[i]), 0);
}

static void test_stuck_process_whose_files_hang_costs_the_others_nothing(void **state) {
        Fixture *fixture = *state;

        put_process(fixture, 1001, 0);
        put_process(fixture, 1002, 1);
        fixture->is_mount_wanted = true;
        fixture->request = (StuckRequest){ .processes = fixture->processes,
                .n_processes = 2,
                .main_pid = 1001,
                .until_usec = usec_now(CLOCK_MONOTONIC) + 4 * CUT_USEC };
        collector_start(fixture);
        int status = collector_end(fixture);
        if (status == 77)
                skip(); /* mounting needs privilege */
        assert_int_equal(status, 0);
        assert_string_equal(text(process_by_pid(fixture, 1001), "cmdline"), "-");
        assert_string_equal(text(process_by_pid(fixture, 1002), "cmdline"), "gateway");
        for (pid_t pid = 1001; pid <= 1002; pid++)
                assert_string_equal(text(json_object_array_get_idx(
                                                 json_object_object_get(
                                                         process_by_pid(fixture, pid), "threads"),
                                                 0),
                                            "syscall_number"),
                        "1");
}

/* ---- User stacks ---- */

static void test_stuck_user_stack_names_the_function(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_a_named_function, 'S');
        if (!may_trace(fixture) || is_valgrind())
                skip();
        fixture->request.stack_program = STUCK_PROGRAM;
        collect(fixture);
        assert_non_null(strstr(text(child_of(fixture), "user_stack"), "stuck_test_hangs_here"));
        wait_for_state(fixture, 'S');
}

static void test_stuck_stack_program_that_is_not_there_is_left_out(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_pause, 'S');
        fixture->request.stack_program = STUCK_PROGRAM;
        (void) setenv("PATH", fixture->tree.path, 1);
        collect(fixture);
        assert_string_equal(text(child_of(fixture), "user_stack"), "-");
        assert_string_equal(text(fixture->stuck, "complete"), "true");
}

static void test_stuck_stack_program_that_hangs_is_cut_with_its_children(void **state) {
        Fixture *fixture = *state;
        char path[128];

        procfs_tree_put(&fixture->tree, STUCK_PROGRAM,
                "#!/bin/sh\n/bin/sleep 1000 &\necho \"#0 $! $*\"\nwait\n");
        (void) snprintf(path, sizeof(path), "%s/" STUCK_PROGRAM, fixture->tree.path);
        assert_int_equal(chmod(path, 0755), 0);
        (void) setenv("PATH", fixture->tree.path, 1);
        start(fixture, body_that_answers, 'S');
        fixture->request.stack_program = STUCK_PROGRAM;
        fixture->request.until_usec = usec_now(CLOCK_MONOTONIC) + CUT_USEC;
        /* A busy machine may not get so far within the time. */
        for (unsigned i = 0; i < 7 && !process_by_pid(fixture, fixture->child.pid); i++) {
                collect(fixture);
                if (strcmp(text(child_of(fixture), "user_stack"), "-") != 0)
                        break;
                (void) json_object_put(TAKE_PTR(fixture->stuck));
                byte_buffer_cut(&fixture->output, 0);
                fixture->output_fd = fd_close(fixture->output_fd);
                fixture->request.until_usec = usec_now(CLOCK_MONOTONIC) + (CUT_USEC << i);
        }
        pid_t sleep_pid = 0, traced_pid = 0;
        assert_int_equal(sscanf(text(child_of(fixture), "user_stack"), "#0 %d -n 64 -p %d",
                                 &sleep_pid, &traced_pid),
                2);
        assert_int_equal(traced_pid, fixture->child.pid);
        usec_t until_usec = usec_now(CLOCK_MONOTONIC) + WAIT_USEC;
        ProcessInfo info;
        while (proc_read_info(fixture->proc_fd, sleep_pid, &info) >= 0 && info.state != 'Z' &&
                strcmp(info.comm, "sleep") == 0) {
                assert_true(usec_now(CLOCK_MONOTONIC) < until_usec);
                (void) sched_yield();
        }
        assert_is_alive(fixture);
}

static void start_with_tracer(Fixture *fixture) {
        start(fixture, body_that_answers, 'S');
        fixture->request.stack_program = "/proc/self/exe";
}

static void test_stuck_tracer_that_is_cut_leaves_nobody_stopped(void **state) {
        Fixture *fixture = *state;

        start_with_tracer(fixture);
        if (!may_trace(fixture) || is_valgrind())
                skip();
        fixture->request.until_usec = usec_now(CLOCK_MONOTONIC) + 4 * CUT_USEC;
        collector_start(fixture);
        wait_for_state(fixture, 't');
        assert_int_equal(collector_end(fixture), 0);
        assert_is_alive(fixture);
}

static void test_stuck_collector_killed_while_tracing_leaves_nobody_stopped(void **state) {
        Fixture *fixture = *state;

        start_with_tracer(fixture);
        if (!may_trace(fixture) || is_valgrind())
                skip();
        collector_start(fixture);
        wait_for_state(fixture, 't');
        assert_int_equal(kill(fixture->collector_pid, SIGKILL), 0);
        assert_int_equal(collector_end(fixture), -1);
        assert_is_alive(fixture);
}

/* In place of eu-stack, at its worst moment: the stop that it asked for is not yet collected. */
static int trace_and_hang(pid_t pid) {
        (void) alarm(100);
        if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
                return 1;
        for (;;)
                (void) pause();
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                stuck_test(test_stuck_killed_in_the_middle_has_told_what_it_knew),
                stuck_test(test_stuck_after_its_time_has_the_cheap_facts_alone),
                stuck_test(test_stuck_process_whose_files_hang_costs_the_others_nothing),
                stuck_test(test_stuck_user_stack_names_the_function),
                stuck_test(test_stuck_stack_program_that_is_not_there_is_left_out),
                stuck_test(test_stuck_stack_program_that_hangs_is_cut_with_its_children),
                stuck_test(test_stuck_tracer_that_is_cut_leaves_nobody_stopped),
                stuck_test(test_stuck_collector_killed_while_tracing_leaves_nobody_stopped),
        };

        if (argc == 5 && strcmp(argv[3], "-p") == 0)
                return trace_and_hang((pid_t) strtol(argv[4], NULL, 10));
        return cmocka_run_group_tests(tests, NULL, NULL);
}
