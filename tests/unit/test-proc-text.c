/* SPDX-License-Identifier: MIT */

/* What /proc has as text of a process's own making: command lines and cgroup paths. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proc.h"
#include "procfs-tree.h"

typedef struct ProcTest {
        ProcfsTree tree;
        int real_fd; /* /proc */
        char *cmdline;
} ProcTest;

static int setup(void **state) {
        ProcTest *test = calloc(1, sizeof(ProcTest));

        if (!test)
                return -1;
        test->real_fd = proc_open_root("/proc");
        *state = test;
        return procfs_tree_init(&test->tree) < 0 || test->real_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        ProcTest *test = *state;

        procfs_tree_done(&test->tree);
        (void) fd_close(test->real_fd);
        free(test->cmdline);
        free(test);
        return 0;
}

/* ---- Command line ---- */

#define RAW(text) text, sizeof(text) - 1

static void test_proc_cmdline_made_readable(void **state) {
        ProcTest *test = *state;
        static const struct {
                const char *raw;
                size_t size;
                size_t max_bytes;
                const char *text;
        } rows[] = {
                { RAW("cat\0/etc/motd\0"), 100, "cat /etc/motd" },
                { RAW("cat\0\0x\0"), 100, "cat  x" },
                { RAW("postgres: idle\0\0\0\0\0"), 100, "postgres: idle" },
                { RAW("no end"), 100, "no end" },
                { RAW("cat\0/etc/motd\0"), 5, "cat /" },
                { RAW("cat\0/etc/motd\0"), 0, "" },
                { RAW("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 100,
                        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
                { RAW("a\xff"), 100, "a\uFFFD" },
                { RAW("a\xc3"), 100, "a\uFFFD" },
                { RAW("\xc0\x80\xed\xa0\x80"), 100, "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD" },
                { RAW("\xf4\x90\x80\x80"), 100, "\uFFFD\uFFFD\uFFFD\uFFFD" },
                { RAW("\xe2\x82z"), 100, "\uFFFD\uFFFDz" },
                /* cut in the middle of a character: the whole character goes */
                { RAW("ab\xe2\x82\xac"), 4, "ab" },
                { RAW("ab\xe2\x82\xac"), 5, "ab\xe2\x82\xac" },
                { RAW("ab\xf0\x9f\x98\x80"), 5, "ab" },
                { RAW("ab\xff"), 4, "ab" },
                /* none: the name */
                { RAW(""), 100, "[p42]" },
                { RAW("\0\0\0"), 100, "[p42]" },
                { RAW(""), 3, "[p4" },
        };

        procfs_tree_put_process(&test->tree, 42, 1, 'S');
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                procfs_tree_put_bytes(&test->tree, "42/cmdline", rows[i].raw, rows[i].size);
                assert_int_equal(
                        proc_read_cmdline(test->tree.fd, 42, rows[i].max_bytes, &test->cmdline), 0);
                assert_string_equal(test->cmdline, rows[i].text);
                free(test->cmdline);
                test->cmdline = NULL;
        }
}

static void test_proc_cmdline_unbounded_request_served(void **state) {
        ProcTest *test = *state;

        procfs_tree_put_process(&test->tree, 42, 1, 'S');
        procfs_tree_put(&test->tree, "42/cmdline", "short");
        assert_int_equal(proc_read_cmdline(test->tree.fd, 42, SIZE_MAX, &test->cmdline), 0);
        assert_string_equal(test->cmdline, "short");
}

static void test_proc_cmdline_missing_refused(void **state) {
        ProcTest *test = *state;

        procfs_tree_put(&test->tree, "42/cmdline", ""); /* its stat has vanished meanwhile */
        assert_int_equal(proc_read_cmdline(test->tree.fd, 42, 10, &test->cmdline), -ESRCH);
        assert_int_equal(proc_read_cmdline(test->tree.fd, 43, 10, &test->cmdline), -ESRCH);
        assert_int_equal(proc_read_cmdline(test->tree.fd, 0, 10, &test->cmdline), -ESRCH);
        assert_null(test->cmdline);
}

static void test_proc_cmdline_hostile_name_made_valid(void **state) {
        ProcTest *test = *state;

        procfs_tree_put(&test->tree, "42/stat", "42 (\xff) " STAT_REST("Z", 1, 1));
        procfs_tree_put(&test->tree, "42/cmdline", "");
        assert_int_equal(proc_read_cmdline(test->tree.fd, 42, 100, &test->cmdline), 0);
        assert_string_equal(test->cmdline, "[\uFFFD]");
}

/* ---- Control group ---- */

static void test_proc_cgroup_line_chosen(void **state) {
        ProcTest *test = *state;
        static const struct {
                const char *text;
                int result;
                const char *path;
        } rows[] = {
                { "0::/system.slice/x.service\n", 0, "/system.slice/x.service" },
                { "0::/\n", 0, "/" },
                { "12:pids:/a\n1:name=systemd:/legacy\n0::/hybrid\n", 0, "/hybrid" },
                { "12:pids:/a\n1:name=systemd:/legacy\n0::/\n", 0, "/legacy" },
                { "12:pids:/a\n1:name=systemd:/legacy\n", 0, "/legacy" },
                { "0::/\n1:name=systemd:/\n", 0, "/" },
                { "0::/a:b::c\n", 0, "/a:b::c" },
                { "0::/x.service (deleted)\n", 0, "/x.service" },
                { "0::/../outside\n", 0, "/../outside" },
                { "12:pids:/a\n1:name=other:/b\n", -ENODATA, NULL },
                { "", -ENODATA, NULL },
                { "\n\n", -ENODATA, NULL },
                { "no colon\n", -ENODATA, NULL },
                { "0::/cut", -ENODATA, NULL },
                { "10::/not the unified one\n", -ENODATA, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char path[64] = "untouched";
                procfs_tree_put(&test->tree, "42/cgroup", rows[i].text);
                assert_int_equal(
                        proc_read_cgroup(test->tree.fd, 42, path, sizeof(path)), rows[i].result);
                assert_string_equal(path, rows[i].result == 0 ? rows[i].path : "untouched");
        }
}

static void test_proc_cgroup_long_path_refused(void **state) {
        ProcTest *test = *state;
        char path[8];

        procfs_tree_put(&test->tree, "42/cgroup", "0::/123456\n");
        assert_int_equal(proc_read_cgroup(test->tree.fd, 42, path, 8), 0);
        assert_string_equal(path, "/123456");
        assert_int_equal(proc_read_cgroup(test->tree.fd, 42, path, 7), -ENAMETOOLONG);
        assert_int_equal(proc_read_cgroup(test->tree.fd, 42, path, 0), -ENAMETOOLONG);

        static char huge[20000];
        memset(huge, 'x', sizeof(huge) - 1);
        memcpy(huge, "0::/", 4);
        procfs_tree_put(&test->tree, "43/cgroup", huge);
        assert_int_equal(proc_read_cgroup(test->tree.fd, 43, path, 8), -ENAMETOOLONG);
}

static void test_proc_cgroup_of_self_is_that_of_own_pid(void **state) {
        ProcTest *test = *state;
        char by_pid[4096], by_zero[4096];

        assert_int_equal(proc_read_cgroup(test->real_fd, getpid(), by_pid, sizeof(by_pid)), 0);
        assert_int_equal(proc_read_cgroup(test->real_fd, 0, by_zero, sizeof(by_zero)), 0);
        assert_string_equal(by_pid, by_zero);
        assert_int_equal(by_pid[0], '/');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_proc_cmdline_made_readable),
                TEST(test_proc_cmdline_unbounded_request_served),
                TEST(test_proc_cmdline_missing_refused),
                TEST(test_proc_cmdline_hostile_name_made_valid),
                TEST(test_proc_cgroup_line_chosen),
                TEST(test_proc_cgroup_long_path_refused),
                TEST(test_proc_cgroup_of_self_is_that_of_own_pid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
