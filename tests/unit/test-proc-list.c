/* SPDX-License-Identifier: MIT */

/* Lists of processes and who descends from whom. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "child-process.h"
#include "proc.h"
#include "procfs-tree.h"

typedef struct ProcTest {
        ProcfsTree tree;
        int real_fd; /* /proc */
        ChildProcess child;
        ProcessInfo *list;
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

        child_process_done(&test->child);
        procfs_tree_done(&test->tree);
        (void) fd_close(test->real_fd);
        free(test->list);
        free(test);
        return 0;
}

/* ---- Lists and descent ---- */

static int compare_pid(const void *a, const void *b) {
        const ProcessInfo *x = a, *y = b;

        return (x->pid > y->pid) - (x->pid < y->pid);
}

static void test_proc_list_injected_skips_what_is_no_process(void **state) {
        ProcTest *test = *state;
        size_t n = 77;

        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        procfs_tree_put_process(&test->tree, 30, 1, 'S');
        procfs_tree_put_process(&test->tree, 400, 9999, 'S'); /* its parent is nowhere */
        procfs_tree_put(&test->tree, "50/stat", "malformed");
        procfs_tree_put(&test->tree, "51/cmdline", "no stat");
        procfs_tree_put(&test->tree, "self/stat", "30 (p30) " STAT_REST("S", 1, 1));
        procfs_tree_put(&test->tree, "60x/stat", "60 (p60) " STAT_REST("S", 1, 1));
        procfs_tree_put(&test->tree, "0/stat", "0 (p0) " STAT_REST("S", 1, 1));
        procfs_tree_put(&test->tree, "99999999999999999999/stat", "99 (p99) " STAT_REST("S", 1, 1));

        assert_int_equal(proc_read_all(test->tree.fd, &test->list, &n), 0);
        assert_int_equal(n, 3);
        qsort(test->list, n, sizeof(ProcessInfo), compare_pid);
        assert_int_equal(test->list[0].pid, 1);
        assert_int_equal(test->list[1].pid, 30);
        assert_int_equal(test->list[2].pid, 400);
        assert_int_equal(test->list[2].ppid, 9999);
}

static void test_proc_list_read_twice_is_whole_twice(void **state) {
        ProcTest *test = *state;
        size_t n = 0;

        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        procfs_tree_put_process(&test->tree, 2, 1, 'S');
        for (int i = 0; i < 2; i++) {
                free(test->list);
                test->list = NULL;
                assert_int_equal(proc_read_all(test->tree.fd, &test->list, &n), 0);
                assert_int_equal(n, 2);
        }
}

static void test_proc_list_real_holds_self_and_parent(void **state) {
        ProcTest *test = *state;
        size_t n = 0, n_found = 0;

        assert_int_equal(proc_read_all(test->real_fd, &test->list, &n), 0);
        for (size_t i = 0; i < n; i++)
                if (test->list[i].pid == getpid() || test->list[i].pid == getppid())
                        n_found++;
        assert_int_equal(n_found, 2);
}

static void test_proc_descendants_kept_in_order(void **state) {
        enum { N_MAX = 8 };
        static const struct {
                struct {
                        pid_t pid, ppid;
                } list[N_MAX];
                pid_t ancestor;
                pid_t kept[N_MAX];
        } rows[] = {
                /* sorted, as in /proc */
                { { { 1, 0 }, { 5, 1 }, { 6, 5 }, { 7, 1 }, { 8, 6 } }, 5, { 6, 8 } },
                /* children with lower pids than their parents (wrapped around) */
                { { { 1, 0 }, { 2, 9 }, { 3, 2 }, { 9, 8 }, { 8, 1 } }, 8, { 2, 3, 9 } },
                /* the ancestor itself is not in the list */
                { { { 3, 50 }, { 4, 3 }, { 5, 4 }, { 6, 1 } }, 50, { 3, 4, 5 } },
                /* nobody */
                { { { 1, 0 }, { 5, 1 } }, 5, { 0 } },
                /* parents in a circle, outside and inside */
                { { { 5, 6 }, { 6, 5 }, { 7, 6 }, { 8, 3 } }, 3, { 8 } },
                { { { 5, 6 }, { 6, 5 }, { 7, 5 } }, 5, { 6, 7 } },
                { { { 5, 5 }, { 6, 5 } }, 5, { 6 } },
                /* a parent that is not there */
                { { { 5, 77 }, { 6, 5 }, { 7, 3 } }, 3, { 7 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ProcessInfo list[N_MAX] = {};
                size_t n = 0, n_expected = 0;

                for (; n < N_MAX && rows[i].list[n].pid > 0; n++)
                        list[n] = (ProcessInfo){
                                .pid = rows[i].list[n].pid,
                                .ppid = rows[i].list[n].ppid,
                                .comm = "kept whole",
                        };
                while (n_expected < N_MAX && rows[i].kept[n_expected] > 0)
                        n_expected++;

                assert_int_equal(proc_keep_descendants(list, n, rows[i].ancestor), n_expected);
                for (size_t k = 0; k < n_expected; k++)
                        assert_int_equal(list[k].pid, rows[i].kept[k]);
                pid_t sum = 0;
                for (size_t k = 0; k < n; k++) {
                        sum += list[k].pid - rows[i].list[k].pid;
                        assert_string_equal(list[k].comm, "kept whole");
                        assert_int_equal(list[k].comm[PROC_COMM_MAX - 1], 0);
                }
                assert_int_equal(sum, 0); /* none lost, none doubled */
        }
        assert_int_equal(proc_keep_descendants(NULL, 0, 1), 0);
}

static void test_proc_descendants_of_long_chain_kept(void **state) {
        ProcTest *test = *state;
        size_t n = 5000;

        test->list = calloc(n, sizeof(ProcessInfo));
        assert_non_null(test->list);
        for (size_t i = 0; i < n; i++)
                test->list[i] = (ProcessInfo){ .pid = (pid_t) i + 10, .ppid = (pid_t) i + 11 };
        test->list[n - 1].ppid = 3;

        assert_int_equal(proc_keep_descendants(test->list, n, 3), n);
        assert_int_equal(proc_keep_descendants(test->list, n, 10 + 2500), 2500);
}

static void test_proc_descent_walked_up(void **state) {
        ProcTest *test = *state;

        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        procfs_tree_put_process(&test->tree, 10, 1, 'S');
        procfs_tree_put_process(&test->tree, 11, 10, 'S');
        procfs_tree_put_process(&test->tree, 12, 11, 'S');
        procfs_tree_put_process(&test->tree, 20, 1, 'S');
        procfs_tree_put_process(&test->tree, 30, 31, 'S'); /* a parent that vanished */
        procfs_tree_put_process(&test->tree, 40, 41, 'S'); /* a circle */
        procfs_tree_put_process(&test->tree, 41, 40, 'S');

        static const struct {
                pid_t pid, ancestor;
                int result;
        } rows[] = {
                { 12, 10, 1 },
                { 12, 11, 1 },
                { 12, 1, 1 },
                { 11, 10, 1 },
                { 10, 10, 0 },
                { 10, 11, 0 },
                { 20, 10, 0 },
                { 1, 10, 0 },
                { 30, 10, -ESRCH },
                { 30, 31, 1 },
                { 99, 10, -ESRCH },
                { 0, 10, -ESRCH },
                { 40, 10, 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(proc_is_descendant(test->tree.fd, rows[i].pid, rows[i].ancestor),
                        rows[i].result);
}

static void child_that_waits(int says_fd) {
        child_process_say(says_fd);
        (void) pause();
}

static void test_proc_descent_of_real_child_seen(void **state) {
        ProcTest *test = *state;

        child_process_start(&test->child, child_that_waits);
        assert_int_equal(proc_is_descendant(test->real_fd, test->child.pid, getpid()), 1);
        assert_int_equal(proc_is_descendant(test->real_fd, test->child.pid, getppid()), 1);
        assert_int_equal(proc_is_descendant(test->real_fd, getppid(), getpid()), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_proc_list_injected_skips_what_is_no_process),
                TEST(test_proc_list_read_twice_is_whole_twice),
                TEST(test_proc_list_real_holds_self_and_parent),
                cmocka_unit_test(test_proc_descendants_kept_in_order),
                TEST(test_proc_descendants_of_long_chain_kept),
                TEST(test_proc_descent_walked_up),
                TEST(test_proc_descent_of_real_child_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
