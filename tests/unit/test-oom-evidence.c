/* SPDX-License-Identifier: MIT */

/* Kills for want of memory, out of the files of a control group, its marks and the kernel's log. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/xattr.h>

#include "forensics/oom-evidence.h"
#include "procfs-tree.h"

#define KILLED(pid) "Out of memory: Killed process " pid " (hermes) total-vm:1kB, oom_score_adj:0"

typedef struct Fixture {
        ProcfsTree tree; /* stands in for a control group, and holds the log */
        int path_fd;
        char marked[32]; /* a directory that takes xattrs */
        int marked_fd;
        int log_fd;
        OomCounters counters;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->path_fd = fixture->marked_fd = fixture->log_fd = -EBADF;
        if (procfs_tree_init(&fixture->tree) < 0)
                return -1;
        fixture->path_fd = open(fixture->tree.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fixture->path_fd < 0 ? -1 : 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        fixture->path_fd = fd_close(fixture->path_fd);
        fixture->marked_fd = fd_close(fixture->marked_fd);
        fixture->log_fd = fd_close(fixture->log_fd);
        if (fixture->marked[0])
                (void) rmdir(fixture->marked);
        procfs_tree_done(&fixture->tree);
        free(fixture);
        return 0;
}

/* ---- Counters -------------------------------------------------------------------------------- */

static void test_oom_counters_group_with_events_is_read(void **state) {
        Fixture *fixture = *state;
        OomCounters *counters = &fixture->counters;

        procfs_tree_put(&fixture->tree, "memory.events",
                "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n");
        procfs_tree_put(&fixture->tree, "memory.events.local",
                "low 0\nhigh 0\nmax 0\noom 0\noom_kill 2\noom_group_kill 0\n");
        oom_counters_read(fixture->path_fd, counters);
        assert_true(counters->has_events);
        assert_int_equal(counters->n_oom_kills, 5);
        assert_int_equal(counters->n_oom_group_kills, 6);
        assert_int_equal(counters->n_local_oom_kills, 2);
        assert_int_equal(counters->n_oomd_kills, 0);
        assert_int_equal(counters->n_oomd_ooms, 0);
}

static void test_oom_counters_events_of_any_content_count_what_is_sound(void **state) {
        static const struct {
                const char *text;
                bool has_events;
                uint64_t n_oom_kills;
                uint64_t n_oom_group_kills;
        } rows[] = {
                { "oom_kill 0\n", true, 0, 0 },
                { "oom_kill 7", true, 7, 0 },
                { "oom_kill 18446744073709551615\noom_group_kill 1\n", true, UINT64_MAX, 1 },
                { "oom_kill 3\noom_group_kill x\n", true, 3, 0 },
                { "", false, 0, 0 },
                { "oom 7\n", false, 0, 0 },
                { "oom_kill\n", false, 0, 0 },
                { "oom_kill -1\n", false, 0, 0 },
                { "oom_kill 7x\n", false, 0, 0 },
                { "oom_kill 18446744073709551616\noom_group_kill 1\n", false, 0, 0 },
                { "\377\376\n\noom_kill_more 3\n", false, 0, 0 },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                procfs_tree_put(&fixture->tree, "memory.events", rows[i].text);
                memset(&fixture->counters, 0xa5, sizeof(fixture->counters));
                oom_counters_read(fixture->path_fd, &fixture->counters);
                assert_int_equal(fixture->counters.has_events, rows[i].has_events);
                assert_true(fixture->counters.n_oom_kills == rows[i].n_oom_kills);
                assert_int_equal(fixture->counters.n_oom_group_kills, rows[i].n_oom_group_kills);
                assert_int_equal(fixture->counters.n_local_oom_kills, 0);
        }
}

static void check_nothing_counted(int cgroup_fd) {
        OomCounters counters;

        memset(&counters, 0xa5, sizeof(counters));
        oom_counters_read(cgroup_fd, &counters);
        assert_false(counters.has_events);
        assert_int_equal(counters.n_oom_kills, 0);
        assert_int_equal(counters.n_oom_group_kills, 0);
        assert_int_equal(counters.n_local_oom_kills, 0);
        assert_int_equal(counters.n_oomd_kills, 0);
        assert_int_equal(counters.n_oomd_ooms, 0);
}

static void test_oom_counters_nothing_there_is_zero(void **state) {
        Fixture *fixture = *state;

        check_nothing_counted(fixture->path_fd);
        check_nothing_counted(-EBADF);
}

static void test_oom_counters_group_that_vanished_is_zero(void **state) {
        Fixture *fixture = *state;

        procfs_tree_put(&fixture->tree, "memory.events", "oom_kill 5\n");
        procfs_tree_done(&fixture->tree);
        check_nothing_counted(fixture->path_fd);
}

static void test_oom_counters_long_events_count_what_is_read(void **state) {
        static char text[1 << 20];
        Fixture *fixture = *state;
        size_t n = (size_t) sprintf(text, "oom_kill 5\n");

        memset(text + n, 'x', sizeof(text) - n);
        procfs_tree_put_bytes(&fixture->tree, "memory.events", text, sizeof(text));
        oom_counters_read(fixture->path_fd, &fixture->counters);
        assert_true(fixture->counters.has_events);
        assert_int_equal(fixture->counters.n_oom_kills, 5);

        memset(text, '\n', sizeof(text));
        memcpy(text + sizeof(text) - n, "oom_kill 5\n", n);
        procfs_tree_put_bytes(&fixture->tree, "memory.events", text, sizeof(text));
        check_nothing_counted(fixture->path_fd);
}

/* tmpfs takes such xattrs since Linux 6.6, disks' file systems do mostly. */
static void fixture_find_place_for_marks(Fixture *fixture) {
        static const char *const places[] = { "/tmp", "/var/tmp", "/dev/shm" };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                (void) snprintf(
                        fixture->marked, sizeof(fixture->marked), "%s/test-oom-XXXXXX", places[i]);
                if (!mkdtemp(fixture->marked))
                        continue;
                if (setxattr(fixture->marked, "user.any", "", 0, /* flags= */ 0) == 0)
                        break;
                (void) rmdir(fixture->marked);
        }
        fixture->marked_fd = open(fixture->marked, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_return_code(fixture->marked_fd, errno);
}

static void fixture_mark(const Fixture *fixture, const char *name, const char *value) {
        assert_return_code(
                setxattr(fixture->marked, name, value, strlen(value), /* flags= */ 0), errno);
}

static void test_oom_counters_marks_of_oomd_are_read(void **state) {
        Fixture *fixture = *state;

        fixture_find_place_for_marks(fixture);
        fixture_mark(fixture, "user.oomd_kill", "41");
        fixture_mark(fixture, "user.oomd_ooms", "18446744073709551615");
        for (unsigned i = 0; i < 2; i++) {
                memset(&fixture->counters, 0xa5, sizeof(fixture->counters));
                oom_counters_read(fixture->marked_fd, &fixture->counters);
                assert_false(fixture->counters.has_events);
                assert_int_equal(fixture->counters.n_oomd_kills, 41);
                assert_true(fixture->counters.n_oomd_ooms == UINT64_MAX);

                /* The same by a descriptor that may be read from. */
                fixture->marked_fd = fd_close(fixture->marked_fd);
                fixture->marked_fd = open(fixture->marked, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_return_code(fixture->marked_fd, errno);
        }
}

static void test_oom_counters_marks_that_are_no_numbers_are_zero(void **state) {
        static const char *const rows[] = { "", "-1", " 1", "1x", "x", "18446744073709551616",
                "1000000000000000000000000000000000000000000000000", "1\n" };
        Fixture *fixture = *state;

        fixture_find_place_for_marks(fixture);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture_mark(fixture, "user.oomd_kill", rows[i]);
                check_nothing_counted(fixture->marked_fd);
        }
}

static void test_oom_counters_since_is_never_below_zero(void **state) {
        static const OomCounters before = { .n_oom_kills = 5,
                .n_oom_group_kills = 1,
                .n_local_oom_kills = 2,
                .n_oomd_kills = 3,
                .n_oomd_ooms = 1 };
        static const OomCounters now = { .has_events = true,
                .n_oom_kills = 7,
                .n_oom_group_kills = 2,
                .n_local_oom_kills = 2,
                .n_oomd_kills = 13,
                .n_oomd_ooms = 3 };
        OomCounters since = oom_counters_since(&before, &now);

        assert_true(since.has_events);
        assert_int_equal(since.n_oom_kills, 2);
        assert_int_equal(since.n_oom_group_kills, 1);
        assert_int_equal(since.n_local_oom_kills, 0);
        assert_int_equal(since.n_oomd_kills, 10);
        assert_int_equal(since.n_oomd_ooms, 2);

        since = oom_counters_since(&now, &before);
        assert_false(since.has_events);
        assert_int_equal(since.n_oom_kills, 0);
        assert_int_equal(since.n_oom_group_kills, 0);
        assert_int_equal(since.n_local_oom_kills, 0);
        assert_int_equal(since.n_oomd_kills, 0);
        assert_int_equal(since.n_oomd_ooms, 0);
}

/* ---- A record -------------------------------------------------------------------------------- */

static void test_oom_log_parse_kernel_records_name_the_victim(void **state) {
        static const struct {
                const char *record;
                pid_t expected;
        } rows[] = {
                { "3,1234,5678,-;" KILLED("123"), 123 },
                { "3,1234,5678,-,caller=T1;Memory cgroup out of memory: Killed process 7 (a b) x",
                        7 },
                { "0,1,2,-;Out of memory: Killed process 2147483647 (x) y\n SUBSYSTEM=z\n",
                        INT32_MAX },
                { "7,1,2,-;Out of memory: Killed process 1 ()", 1 },
                { "3,1,2,-;Out of memory (oom_kill_allocating_task): Killed process 5 (x) y", 5 },
                /* Nobody but the kernel has facility 0. */
                { "11,1234,5678,-;" KILLED("123"), 0 },
                { "8,1,2,-;" KILLED("123"), 0 },
                { "18446744073709551616,1,2,-;" KILLED("123"), 0 },
                { "-3,1,2,-;" KILLED("123"), 0 },
                { " 3,1,2,-;" KILLED("123"), 0 },
                { "3;" KILLED("123"), 0 },
                { ";" KILLED("123"), 0 },
                { KILLED("123"), 0 },
                /* Other words. */
                { "3,1,2,-;x " KILLED("123"), 0 },
                { "3,1,2,-;Out of memory: OOM victim 123 (hermes) is already exiting.", 0 },
                { "3,1,2,-;Out of memory (x): Killed process 123 (hermes)", 0 },
                { "3,1,2,-;out of memory: Killed process 123 (hermes)", 0 },
                { "3,1,2,-;Out of memory: Kill process 123 (hermes) score 9", 0 },
                { "3,1,2,-;oom_reaper: reaped process 123 (hermes), now anon-rss:0kB", 0 },
                { "3,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=hermes,pid=123,uid=0", 0 },
                { "3,1,2,-;Tasks in /x are going to be killed due to memory.oom.group set", 0 },
                { "3,1,2,-;x\n " KILLED("123"), 0 },
                /* Other numbers. */
                { "3,1,2,-;Out of memory: Killed process 0 (x)", 0 },
                { "3,1,2,-;Out of memory: Killed process -1 (x)", 0 },
                { "3,1,2,-;Out of memory: Killed process 2147483648 (x)", 0 },
                { "3,1,2,-;Out of memory: Killed process 99999999999999999999 (x)", 0 },
                { "3,1,2,-;Out of memory: Killed process 123", 0 },
                { "3,1,2,-;Out of memory: Killed process 123x", 0 },
                { "3,1,2,-;Out of memory: Killed process ", 0 },
                { "3,1,2,-;", 0 },
                { "3,1,2,-", 0 },
                { "3", 0 },
                { "", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                pid_t pid = oom_log_parse(rows[i].record);

                if (pid != rows[i].expected)
                        fail_msg("\"%s\": %d", rows[i].record, pid);
        }
}

/* ---- The log --------------------------------------------------------------------------------- */

static int fixture_search(const Fixture *fixture, pid_t pid) {
        char path[96];

        (void) snprintf(path, sizeof(path), "%s/kmsg", fixture->tree.path);
        return oom_log_names(path, pid);
}

static void test_oom_log_names_pid_of_a_kernel_record(void **state) {
        static const char log[] =
                "6,1,2,-;Linux version 6\n SUBSYSTEM=x\n"
                "3,2,3,-;" KILLED("123") "\n"
                                         "12,3,4,-;" KILLED(
                                                 "124") "\n"
                                                        "3,4,5,-;" KILLED(
                                                                "125"); /* no end of line */
        Fixture *fixture = *state;

        procfs_tree_put(&fixture->tree, "kmsg", log);
        assert_int_equal(fixture_search(fixture, 123), 1);
        assert_int_equal(fixture_search(fixture, 124), 0);
        assert_int_equal(fixture_search(fixture, 125), 1);
        assert_int_equal(fixture_search(fixture, 12), 0);
        assert_int_equal(fixture_search(fixture, 0), 0);
        assert_int_equal(fixture_search(fixture, -1), 0);
}

/* The kill, then this many records of the kernel's, and as many lines that are none. */
static int fixture_search_behind(const Fixture *fixture, unsigned n_records) {
        size_t size = 0;
        char *text = NULL;
        FILE *stream = open_memstream(&text, &size);

        assert_non_null(stream);
        (void) fprintf(stream, "6,0,0,-;before\n3,1,1,-;%s\n", KILLED("123"));
        for (unsigned i = 0; i < n_records; i++)
                (void) fprintf(
                        stream, "6,%u,1,-;something of the %u-th record\n KEY=value\n", i, i);
        if (fclose(stream) != 0)
                fail();
        procfs_tree_put_bytes(&fixture->tree, "kmsg", text, size);
        free(text);
        return fixture_search(fixture, 123);
}

static void test_oom_log_names_looks_so_many_messages_back(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(fixture_search_behind(fixture, 0), 1);
        assert_int_equal(fixture_search_behind(fixture, OOM_LOG_MESSAGES_MAX - 1), 1);
        assert_int_equal(fixture_search_behind(fixture, OOM_LOG_MESSAGES_MAX), 0);
}

static void test_oom_log_names_kill_at_the_end_of_a_long_log_is_found(void **state) {
        static const char kill[] = "3,1,2,-;" KILLED("123") "\n";
        static char log[1 << 20];
        Fixture *fixture = *state;
        size_t n = 0;

        while (n + sizeof(kill) + 64 < sizeof(log))
                n += (size_t) sprintf(log + n, "6,%zu,1,-;any\n", n);
        memcpy(log + n, kill, sizeof(kill) - 1);
        procfs_tree_put_bytes(&fixture->tree, "kmsg", log, n + sizeof(kill) - 1);
        assert_int_equal(fixture_search(fixture, 123), 1);
}

static void test_oom_log_names_bytes_that_are_no_log_are_passed_over(void **state) {
        static char log[3 * 8192 + 64];
        Fixture *fixture = *state;
        size_t n;

        /* One line that is longer than any record, NULs, and then a record. */
        memset(log, 'x', 3 * 8192);
        log[100] = '\0';
        n = 3 * 8192;
        log[n++] = '\n';
        log[n++] = '\0';
        log[n++] = '\n';
        n += (size_t) sprintf(log + n, "3,1,2,-;Out of memory: Killed process 9 (x)\n");
        procfs_tree_put_bytes(&fixture->tree, "kmsg", log, n);
        assert_int_equal(fixture_search(fixture, 9), 1);
        assert_int_equal(fixture_search(fixture, 8), 0);
}

static void test_oom_log_names_nothing_to_read_is_no(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(fixture_search(fixture, 123), -ENOENT);
        procfs_tree_put(&fixture->tree, "kmsg", "");
        assert_int_equal(fixture_search(fixture, 123), 0);
        assert_int_equal(oom_log_names(fixture->tree.path, 123), 0); /* a directory */
}

/* Would wait for a writer, were it not opened and read without waiting. */
static void test_oom_log_names_fifo_does_not_wait(void **state) {
        Fixture *fixture = *state;

        assert_return_code(mkfifoat(fixture->tree.fd, "kmsg", 0600), errno);
        assert_int_equal(fixture_search(fixture, 123), 0);
}

static void test_oom_log_names_log_that_is_not_ours_to_read_is_an_error(void **state) {
        Fixture *fixture = *state;
        uid_t uid = geteuid();
        int r;

        procfs_tree_put(&fixture->tree, "kmsg", "3,1,2,-;" KILLED("123") "\n");
        assert_return_code(fchmodat(fixture->tree.fd, "kmsg", 0000, /* flags= */ 0), errno);
        if (uid == 0)
                assert_return_code(seteuid(65534), errno);
        r = fixture_search(fixture, 123);
        assert_return_code(seteuid(uid), errno);
        assert_int_equal(r, -EACCES);
}

/* Reads on to a record. Returns: whether it is there. */
static bool fixture_await_record(const Fixture *fixture, const char *text) {
        char record[8192];
        ssize_t n;

        while ((n = read(fixture->log_fd, record, sizeof(record) - 1)) > 0) {
                record[n] = '\0';
                if (strstr(record, text))
                        return true;
        }
        return false;
}

/* The kernel gives what is written to its log another facility than its own, even if asked not to. */
static void test_oom_log_names_forged_record_is_not_believed(void **state) {
        static const char forged[] =
                "<3>Out of memory: Killed process 2147483647 (gatewatch-test)\n";
        Fixture *fixture = *state;

        fixture->log_fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fixture->log_fd < 0 || lseek(fixture->log_fd, 0, SEEK_END) < 0)
                skip(); /* only root may write there, and a container has no such log */
        assert_int_equal(write(fixture->log_fd, forged, strlen(forged)), strlen(forged));
        if (!fixture_await_record(fixture, "(gatewatch-test)"))
                skip(); /* printk.devkmsg=off */
        assert_int_equal(oom_log_names("/dev/kmsg", INT32_MAX), 0);
}

/* Whatever it says, and whoever may read it, it is read to its end. */
static void test_oom_log_names_of_this_machine_ends(void **state) {
        int r = oom_log_names("/dev/kmsg", INT32_MAX);

        assert_true(r == 0 || r == -EPERM || r == -EACCES || r == -ENOENT);
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_oom_counters_group_with_events_is_read),
                FIXTURE_TEST(test_oom_counters_events_of_any_content_count_what_is_sound),
                FIXTURE_TEST(test_oom_counters_nothing_there_is_zero),
                FIXTURE_TEST(test_oom_counters_group_that_vanished_is_zero),
                FIXTURE_TEST(test_oom_counters_long_events_count_what_is_read),
                FIXTURE_TEST(test_oom_counters_marks_of_oomd_are_read),
                FIXTURE_TEST(test_oom_counters_marks_that_are_no_numbers_are_zero),
                cmocka_unit_test(test_oom_counters_since_is_never_below_zero),
                cmocka_unit_test(test_oom_log_parse_kernel_records_name_the_victim),
                FIXTURE_TEST(test_oom_log_names_pid_of_a_kernel_record),
                FIXTURE_TEST(test_oom_log_names_looks_so_many_messages_back),
                FIXTURE_TEST(test_oom_log_names_kill_at_the_end_of_a_long_log_is_found),
                FIXTURE_TEST(test_oom_log_names_bytes_that_are_no_log_are_passed_over),
                FIXTURE_TEST(test_oom_log_names_nothing_to_read_is_no),
                FIXTURE_TEST(test_oom_log_names_fifo_does_not_wait),
                FIXTURE_TEST(test_oom_log_names_log_that_is_not_ours_to_read_is_an_error),
                FIXTURE_TEST(test_oom_log_names_forged_record_is_not_believed),
                cmocka_unit_test(test_oom_log_names_of_this_machine_ends),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
