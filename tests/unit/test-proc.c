/* SPDX-License-Identifier: MIT */

/* One process as /proc shows it: the stat line over rows, reading over an injected tree (with what is
 * missing, malformed and unreadable) and over real processes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "child-process.h"
#include "proc.h"
#include "procfs-tree.h"

#define NOBODY 65534

typedef struct ProcTest {
        ProcfsTree tree;
        int real_fd; /* /proc */
        ChildProcess child;
        char *cmdline;
} ProcTest;

static int setup(void **state) {
        ProcTest *test = calloc(1, sizeof(ProcTest));

        if (!test)
                return -1;
        test->child = CHILD_PROCESS_UNSET;
        test->real_fd = proc_open_root("/proc");
        *state = test;
        return procfs_tree_init(&test->tree) < 0 || test->real_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        ProcTest *test = *state;

        (void) !seteuid(getuid());
        child_process_done(&test->child);
        procfs_tree_done(&test->tree);
        (void) fd_close(test->real_fd);
        free(test->cmdline);
        free(test);
        return 0;
}

/* ---- stat ---- */

static void test_proc_stat_wellformed_parsed(void **state) {
        static const struct {
                const char *text;
                pid_t pid, ppid, pgrp, session;
                const char *comm;
                char process_state;
                uint64_t cpu, threads, start;
        } rows[] = {
                { "42 (bash) " STAT_REST("S", 1, 9999), 42, 1, 7, 8, "bash", 'S', 33, 3, 9999 },
                { "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 6", 2, 0, 0, 0,
                        "kthreadd", 'S', 1, 1, 6 },
                { "5 (a b) " STAT_REST("R", 1, 1), 5, 1, 7, 8, "a b", 'R', 33, 3, 1 },
                { "5 () " STAT_REST("Z", 1, 1), 5, 1, 7, 8, "", 'Z', 33, 3, 1 },
                { "5 (:) S 9 () x) " STAT_REST("D", 3, 1), 5, 3, 7, 8, ":) S 9 () x", 'D', 33, 3,
                        1 },
                { "5 (a\nb\\) " STAT_REST("T", 3, 1), 5, 3, 7, 8, "a\nb\\", 'T', 33, 3, 1 },
                { "5 (\xff\xfe) " STAT_REST("t", 3, 1), 5, 3, 7, 8, "\xff\xfe", 't', 33, 3, 1 },
                { "5 (dying) X 0 -1 -1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 77\n", 5, 0, -1, -1, "dying",
                        'X', 0, 0, 77 },
                { "2147483647 (max) " STAT_REST("I", 2147483647, 18446744073709551615), 2147483647,
                        2147483647, 7, 8, "max", 'I', 33, 3, UINT64_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ProcessInfo info;
                assert_int_equal(proc_parse_stat(rows[i].text, &info), 0);
                assert_int_equal(info.pid, rows[i].pid);
                assert_int_equal(info.ppid, rows[i].ppid);
                assert_int_equal(info.pgrp, rows[i].pgrp);
                assert_int_equal(info.session, rows[i].session);
                assert_string_equal(info.comm, rows[i].comm);
                assert_int_equal(info.state, rows[i].process_state);
                assert_true(info.cpu_ticks == rows[i].cpu);
                assert_true(info.n_threads == rows[i].threads);
                assert_true(info.start_ticks == rows[i].start);
        }
}

static void test_proc_stat_malformed_refused(void **state) {
        static const char *const rows[] = {
                "",
                "\n",
                "42",
                "42 ",
                "42 (bash",
                "42 (bash)",
                "42 (bash) ",
                "42 (bash) S",
                "42 (bash) S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0",
                "42 (bash) S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ",
                "42 (bash) S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9x",
                "42 )bash( " STAT_REST("S", 1, 1),
                "42 bash) " STAT_REST("S", 1, 1),
                "42  (bash) " STAT_REST("S", 1, 1),
                "x (bash) " STAT_REST("S", 1, 1),
                "0 (bash) " STAT_REST("S", 1, 1),
                "-42 (bash) " STAT_REST("S", 1, 1),
                "+42 (bash) " STAT_REST("S", 1, 1),
                "4294967338 (bash) " STAT_REST("S", 1, 1),
                "42 (bash) " STAT_REST("9", 1, 1),
                "42 (bash) " STAT_REST("S", -1, 1),
                "42 (bash) " STAT_REST("S", 2147483648, 1),
                "42 (bash) " STAT_REST("S", 1, 18446744073709551616),
                "42 (bash) S 1 -2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9",
                "42 (bash) S 1 2 - 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9",
                "42 (bash)  S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9",
                "42 (bash) S 1 2 3  0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9",
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ProcessInfo info = { .pid = 77 };
                assert_int_equal(proc_parse_stat(rows[i], &info), -EINVAL);
                assert_int_equal(info.pid, 77);
        }
}

static void test_proc_stat_long_comm_cut(void **state) {
        char text[512], comm[201];
        ProcessInfo info;

        memset(comm, 'c', 200);
        comm[200] = '\0';
        (void) snprintf(text, sizeof(text), "42 (%s) " STAT_REST("S", 1, 5), comm);

        assert_int_equal(proc_parse_stat(text, &info), 0);
        assert_int_equal(strlen(info.comm), PROC_COMM_MAX - 1);
        assert_true(info.start_ticks == 5);
}

static void test_proc_info_state_tells_living_from_dead(void **state) {
        static const struct {
                char process_state;
                uint64_t threads;
                bool is_alive;
        } rows[] = {
                { 'R', 1, true },
                { 'S', 1, true },
                { 'D', 4, true },
                { 'T', 1, true },
                { 't', 1, true },
                { 'I', 1, true },
                { 'Z', 0, false },
                { 'Z', 1, false },
                { 'Z', 2, true },
                { 'X', 1, false },
                { 'x', 3, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ProcessInfo info = { .state = rows[i].process_state, .n_threads = rows[i].threads };
                assert_int_equal(proc_info_is_alive(&info), rows[i].is_alive);
        }
}

/* ---- Reading one ---- */

static void test_proc_root_missing_refused(void **state) {
        assert_int_equal(proc_open_root("/nonexistent/proc"), -ENOENT);
        assert_int_equal(proc_open_root("/proc/self/stat"), -ENOTDIR);
}

static void test_proc_info_injected_read(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;

        procfs_tree_put(&test->tree, "42/stat", "42 (in jected) " STAT_REST("S", 41, 4711));
        assert_int_equal(proc_read_info(test->tree.fd, 42, &info), 0);
        assert_int_equal(info.pid, 42);
        assert_int_equal(info.ppid, 41);
        assert_string_equal(info.comm, "in jected");
        assert_true(info.start_ticks == 4711);
}

static void test_proc_info_bad_content_refused(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;

        procfs_tree_put(&test->tree, "42/stat", "");
        procfs_tree_put(&test->tree, "43/stat", "43 (cut");
        procfs_tree_put(&test->tree, "44/stat", "45 (another pid) " STAT_REST("S", 1, 1));
        assert_int_equal(proc_read_info(test->tree.fd, 42, &info), -EINVAL);
        assert_int_equal(proc_read_info(test->tree.fd, 43, &info), -EINVAL);
        assert_int_equal(proc_read_info(test->tree.fd, 44, &info), -EINVAL);
        assert_int_equal(proc_read_info(test->tree.fd, 46, &info), -ESRCH);
        assert_int_equal(proc_read_info(test->tree.fd, 0, &info), -ESRCH);
        assert_int_equal(proc_read_info(test->tree.fd, -1, &info), -ESRCH);
}

static void test_proc_info_unreadable_refused(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;

        procfs_tree_put_process(&test->tree, 42, 1, 'S');
        procfs_tree_put(&test->tree, "42/cmdline", "x");
        procfs_tree_put(&test->tree, "42/cgroup", "0::/x\n");
        assert_int_equal(fchmodat(test->tree.fd, "42/stat", 0, 0), 0);
        assert_int_equal(fchmodat(test->tree.fd, "42/cmdline", 0, 0), 0);
        assert_int_equal(fchmodat(test->tree.fd, "42/cgroup", 0, 0), 0);
        if (geteuid() == 0)
                assert_int_equal(seteuid(NOBODY), 0);

        char path[64];
        assert_int_equal(proc_read_info(test->tree.fd, 42, &info), -EACCES);
        assert_int_equal(proc_read_cmdline(test->tree.fd, 42, 10, &test->cmdline), -EACCES);
        assert_int_equal(proc_read_cgroup(test->tree.fd, 42, path, sizeof(path)), -EACCES);
}

static void test_proc_info_self_read(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;
        char comm[17] = "";

        assert_int_equal(prctl(PR_GET_NAME, comm), 0);
        assert_int_equal(proc_read_info(test->real_fd, getpid(), &info), 0);
        assert_int_equal(info.pid, getpid());
        assert_int_equal(info.ppid, getppid());
        assert_int_equal(info.pgrp, getpgrp());
        assert_int_equal(info.session, getsid(0));
        assert_int_equal(info.state, 'R');
        assert_string_equal(info.comm, comm);
        assert_true(info.start_ticks > 0);
        assert_true(proc_info_is_alive(&info));
}

static void child_with_hostile_name(int says_fd) {
        (void) prctl(PR_SET_NAME, "x) R 1 (\n\\");
        child_process_say(says_fd);
        (void) pause();
}

static void test_proc_info_hostile_name_read_as_is(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;

        child_process_start(&test->child, child_with_hostile_name);
        assert_int_equal(proc_read_info(test->real_fd, test->child.pid, &info), 0);
        assert_string_equal(info.comm, "x) R 1 (\n\\");
        assert_int_equal(info.ppid, getpid());
}

static void *outlive_leader(void *says_fd) {
        char path[64], text[512];

        (void) snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
        for (ProcessInfo info = {}; info.state != 'Z'; (void) sched_yield()) {
                int fd = open(path, O_RDONLY | O_CLOEXEC);
                ssize_t n = read(fd, text, sizeof(text) - 1);
                if (n <= 0)
                        _exit(1);
                (void) close(fd);
                text[n] = '\0';
                if (proc_parse_stat(text, &info) < 0)
                        _exit(1);
        }
        child_process_say(*(int *) says_fd);
        (void) pause();
        return NULL;
}

static void child_without_leader(int says_fd) {
        static int fd;
        pthread_t thread;

        fd = says_fd;
        if (pthread_create(&thread, NULL, outlive_leader, &fd) != 0)
                _exit(1);
        /* Not pthread_exit(): the library's own end of a thread is not what is tested. */
        (void) syscall(SYS_exit, 0);
}

static void test_proc_info_ended_leader_is_alive(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;

        child_process_start(&test->child, child_without_leader);
        assert_int_equal(proc_read_info(test->real_fd, test->child.pid, &info), 0);
        assert_int_equal(info.state, 'Z');
        assert_true(proc_info_is_alive(&info));
}

static void child_that_ends(int says_fd) {
        child_process_say(says_fd);
}

static void test_proc_info_zombie_and_vanished_told_apart(void **state) {
        ProcTest *test = *state;
        ProcessInfo info;
        siginfo_t ended;

        child_process_start(&test->child, child_that_ends);
        assert_int_equal(waitid(P_PID, (id_t) test->child.pid, &ended, WEXITED | WNOWAIT), 0);
        assert_int_equal(proc_read_info(test->real_fd, test->child.pid, &info), 0);
        assert_int_equal(info.state, 'Z');
        assert_false(proc_info_is_alive(&info));
        assert_int_equal(proc_read_cmdline(test->real_fd, test->child.pid, 64, &test->cmdline), 0);
        assert_int_equal(test->cmdline[0], '[');

        pid_t pid = test->child.pid;
        child_process_done(&test->child);
        char path[64];
        char *cmdline;
        assert_int_equal(proc_read_info(test->real_fd, pid, &info), -ESRCH);
        assert_int_equal(proc_read_cmdline(test->real_fd, pid, 64, &cmdline), -ESRCH);
        assert_int_equal(proc_read_cgroup(test->real_fd, pid, path, sizeof(path)), -ESRCH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_proc_stat_wellformed_parsed),
                cmocka_unit_test(test_proc_stat_malformed_refused),
                cmocka_unit_test(test_proc_stat_long_comm_cut),
                cmocka_unit_test(test_proc_info_state_tells_living_from_dead),
                cmocka_unit_test(test_proc_root_missing_refused),
                TEST(test_proc_info_injected_read),
                TEST(test_proc_info_bad_content_refused),
                TEST(test_proc_info_unreadable_refused),
                TEST(test_proc_info_self_read),
                TEST(test_proc_info_hostile_name_read_as_is),
                TEST(test_proc_info_ended_leader_is_alive),
                TEST(test_proc_info_zombie_and_vanished_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
