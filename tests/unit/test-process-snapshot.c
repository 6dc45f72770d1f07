/* SPDX-License-Identifier: MIT */

/* One process of another: real ones that live, are zombies or are gone, and injected ones. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "snapshot-fixture.h"

static unsigned count_fds(void) {
        unsigned n = 0;
        DIR *directory = opendir("/proc/self/fd");

        assert_non_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n;
}

/* ---- Reading ---- */

static void test_process_snapshot_of_ourselves_is_whole(void **state) {
        SnapshotTest *test = *state;
        char path[PROCESS_EXE_MAX], cmdline[PROCESS_CMDLINE_MAX];
        ProcessInfo info;

        assert_int_equal(process_snapshot_read(&test->snapshot, test->real_fd, getpid()), 0);
        assert_int_equal(test->snapshot.pid, getpid());
        assert_true(test->snapshot.has_info);
        assert_int_equal(proc_read_info(test->real_fd, getpid(), &info), 0);
        assert_string_equal(test->snapshot.info.comm, info.comm);
        assert_int_equal(test->snapshot.info.start_ticks, info.start_ticks);
        assert_int_equal(test->snapshot.info.ppid, getppid());
        assert_true(test->snapshot.has_uid);
        assert_int_equal(test->snapshot.uid, getuid());
        assert_true(process_snapshot_is_alive(&test->snapshot));

        ssize_t n = readlinkat(test->real_fd, "self/exe", path, sizeof(path) - 1);
        assert_true(n > 0);
        assert_memory_equal(test->snapshot.exe, path, n);

        int fd = openat(test->real_fd, "self/cmdline", O_RDONLY | O_CLOEXEC);
        n = read(fd, cmdline, sizeof(cmdline));
        (void) fd_close(fd);
        assert_int_equal(test->snapshot.cmdline_size, n);
        assert_memory_equal(test->snapshot.cmdline, cmdline, n);
}

static void test_process_snapshot_of_a_tree_has_every_field(void **state) {
        SnapshotTest *test = *state;
        ProcessSnapshot *snapshot = &test->snapshot;

        put_kill(&test->tree);
        assert_int_equal(process_snapshot_read(snapshot, test->tree.fd, PID), 0);
        assert_string_equal(snapshot->info.comm, "kill");
        assert_int_equal(snapshot->info.ppid, PARENT);
        assert_int_equal(snapshot->info.start_ticks, 5000);
        assert_true(snapshot->has_uid);
        assert_int_equal(snapshot->uid, 1000);
        assert_int_equal(snapshot->loginuid, 1001);
        assert_int_equal(snapshot->tracer_pid, 77);
        assert_string_equal(snapshot->exe, "/usr/bin/kill");
        assert_string_equal(snapshot->cgroup, "/user.slice/user-1000.slice/session-3.scope");
        assert_false(snapshot->is_cmdline_cut);
        assert_int_equal(snapshot->cmdline_size, 15);
}

static void test_process_snapshot_urgent_part_is_command_line_and_stat(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        process_snapshot_init(&test->snapshot, PID);
        assert_int_equal(process_snapshot_read_urgent(&test->snapshot, test->tree.fd), 0);
        assert_true(test->snapshot.has_info);
        assert_int_equal(test->snapshot.cmdline_size, 15);
        assert_false(test->snapshot.has_uid);
        assert_string_equal(test->snapshot.exe, "");
        assert_string_equal(test->snapshot.cgroup, "");
}

static void test_process_snapshot_of_nobody_finds_nothing(void **state) {
        SnapshotTest *test = *state;
        static const pid_t pids[] = { 0, -1, INT32_MIN };

        for (size_t i = 0; i < ELEMENTSOF(pids); i++) {
                assert_int_equal(
                        process_snapshot_read(&test->snapshot, test->real_fd, pids[i]), -ESRCH);
                assert_int_equal(test->snapshot.pid, 0);
                assert_false(test->snapshot.has_info);
                assert_null(process_snapshot_to_json(&test->snapshot, CMDLINE_FULL, 300));
        }
}

static void test_process_snapshot_init_forgets_everything_but_the_pid(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        process_snapshot_init(&test->snapshot, 4711);
        test->json = process_snapshot_to_json(&test->snapshot, CMDLINE_FULL, 300);
        assert_non_null(test->json);
        assert_string_equal(json_object_to_json_string_ext(test->json, JSON_C_TO_STRING_PLAIN),
                "{\"pid\":4711}");
        assert_string_equal(
                process_snapshot_ancestry(&test->snapshot, test->tree.fd, test->text), "");
}

static void body_exit(int says_fd) {
        child_process_say(says_fd);
}

/* The end of the child is seen, and it is not reaped. */
static void make_zombie(SnapshotTest *test) {
        siginfo_t info;

        child_process_start(&test->child, body_exit);
        assert_int_equal(waitid(P_PID, (id_t) test->child.pid, &info, WEXITED | WNOWAIT), 0);
}

static void test_process_snapshot_of_a_zombie_keeps_name_and_parent(void **state) {
        SnapshotTest *test = *state;

        make_zombie(test);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->real_fd, test->child.pid), 0);
        assert_true(test->snapshot.has_info);
        assert_int_equal(test->snapshot.info.state, 'Z');
        assert_int_equal(test->snapshot.info.ppid, getpid());
        assert_false(process_snapshot_is_alive(&test->snapshot));
        assert_int_equal(test->snapshot.cmdline_size, 0);
        assert_null(process_snapshot_cmdline(&test->snapshot, CMDLINE_FULL, 300));
        assert_true(test->snapshot.has_uid);
        assert_int_equal(test->snapshot.uid, getuid());
}

static void test_process_snapshot_of_a_gone_process_finds_nothing(void **state) {
        SnapshotTest *test = *state;

        make_zombie(test);
        pid_t pid = test->child.pid;
        child_process_done(&test->child);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->real_fd, pid), -ESRCH);
        assert_int_equal(test->snapshot.pid, pid);
        assert_false(test->snapshot.has_info);
        assert_false(process_snapshot_is_alive(&test->snapshot));
}

static void test_process_snapshot_of_a_process_that_goes_keeps_what_was_read(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        process_snapshot_init(&test->snapshot, PID);
        assert_int_equal(process_snapshot_read_urgent(&test->snapshot, test->tree.fd), 0);
        assert_int_equal(unlinkat(test->tree.fd, "812/stat", 0), 0);
        assert_int_equal(process_snapshot_read_rest(&test->snapshot, test->tree.fd), -ESRCH);
        assert_string_equal(test->snapshot.info.comm, "kill");
        assert_int_equal(test->snapshot.cmdline_size, 15);
        assert_string_equal(test->snapshot.exe, "");
}

static void test_process_snapshot_with_stat_gone_keeps_the_command_line(void **state) {
        SnapshotTest *test = *state;

        procfs_tree_put_bytes(&test->tree, "812/cmdline", RAW("kill\0"));
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), -ESRCH);
        assert_false(test->snapshot.has_info);
        test->cmdline = process_snapshot_cmdline(&test->snapshot, CMDLINE_FULL, 300);
        assert_string_equal(test->cmdline, "kill");
}

static void test_process_snapshot_of_a_reused_pid_takes_nothing_from_it(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        process_snapshot_init(&test->snapshot, PID);
        assert_int_equal(process_snapshot_read_urgent(&test->snapshot, test->tree.fd), 0);
        procfs_tree_put(&test->tree, "812/stat", "812 (other) " STAT_REST("S", 1, 5001));
        assert_int_equal(process_snapshot_read_rest(&test->snapshot, test->tree.fd), -ESRCH);
        assert_string_equal(test->snapshot.info.comm, "kill");
        assert_false(test->snapshot.has_uid);
        assert_int_equal(test->snapshot.loginuid, PROCESS_LOGINUID_NONE);
        assert_string_equal(test->snapshot.exe, "");
        assert_string_equal(test->snapshot.cgroup, "");
}

static void test_process_snapshot_takes_no_pid_that_begins_like_another(void **state) {
        SnapshotTest *test = *state;

        procfs_tree_put_process(&test->tree, 123, 1, 'S');
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, 12), -ESRCH);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, 1234), -ESRCH);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, 123), 0);

        /* A stat that is another's is nobody's. */
        procfs_tree_put(&test->tree, "12/stat", "123 (x) " STAT_REST("S", 1, 5));
        (void) process_snapshot_read(&test->snapshot, test->tree.fd, 12);
        assert_false(test->snapshot.has_info);
}

static void test_process_snapshot_without_the_rest_leaves_it_out(void **state) {
        SnapshotTest *test = *state;

        procfs_tree_put_process(&test->tree, PID, PARENT, 'S');
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        assert_false(test->snapshot.has_uid);
        assert_int_equal(test->snapshot.loginuid, PROCESS_LOGINUID_NONE);
        assert_int_equal(test->snapshot.tracer_pid, 0);
        assert_string_equal(test->snapshot.exe, "");
        test->json = process_snapshot_to_json(&test->snapshot, CMDLINE_FULL, 300);
        assert_string_equal(json_object_to_json_string_ext(test->json, JSON_C_TO_STRING_PLAIN),
                "{\"pid\":812,\"name\":\"p812\",\"state\":\"S (sleeping)\",\"ppid\":640,"
                "\"start_time\":1812}");
}

static void test_process_snapshot_of_odd_status_believes_no_uid(void **state) {
        SnapshotTest *test = *state;
        static const struct {
                const char *status;
                bool has_uid;
                uid_t uid;
        } rows[] = {
                { "Name:\tx\nUid:\t0\t1\t1\t1\n", true, 0 },
                { "Name:\tx\nUid:\t4294967294\t1\n", true, 4294967294U },
                { "Name:\tx\nUid:\t4294967296\t1\n", false, 0 },
                { "Name:\tx\nUid:\t-1\t1\n", false, 0 },
                { "Name:\tx\nUid:\t5x\n", false, 0 },
                { "Name:\tx\nUid:\t\n", false, 0 },
                { "Name:\tUid:\t7\n", false, 0 },
                { "", false, 0 },
        };

        procfs_tree_put_process(&test->tree, PID, PARENT, 'S');
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                procfs_tree_put(&test->tree, "812/status", rows[i].status);
                assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
                if (test->snapshot.has_uid != rows[i].has_uid)
                        print_error("%s\n", rows[i].status);
                assert_int_equal(test->snapshot.has_uid, rows[i].has_uid);
                if (rows[i].has_uid)
                        assert_int_equal(test->snapshot.uid, rows[i].uid);
        }
}

static void test_process_snapshot_loginuid_unset_is_none(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        procfs_tree_put(&test->tree, "812/loginuid", "4294967295");
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        assert_int_equal(test->snapshot.loginuid, PROCESS_LOGINUID_NONE);
}

static void test_process_snapshot_closes_what_it_opens(void **state) {
        SnapshotTest *test = *state;
        const unsigned n_fds = count_fds();

        put_kill(&test->tree);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->real_fd, getpid()), 0);
        (void) process_snapshot_ancestry(&test->snapshot, test->real_fd, test->text);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, 5), -ESRCH);
        assert_int_equal(count_fds(), n_fds);
}

/* ---- Command line ---- */

static void test_process_snapshot_huge_command_line_is_cut(void **state) {
        SnapshotTest *test = *state;
        char huge[2 * PROCESS_CMDLINE_MAX];

        memset(huge, 'x', sizeof(huge));
        procfs_tree_put_process(&test->tree, PID, PARENT, 'S');
        procfs_tree_put_bytes(&test->tree, "812/cmdline", huge, sizeof(huge));
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        assert_true(test->snapshot.is_cmdline_cut);
        assert_int_equal(test->snapshot.cmdline_size, PROCESS_CMDLINE_MAX);

        test->cmdline = process_snapshot_cmdline(&test->snapshot, CMDLINE_FULL, 300);
        assert_int_equal(strlen(test->cmdline), 300);
        assert_string_equal(test->cmdline + 297, "\u2026");

        /* With room for more than was read: that there was more still shows. */
        free(test->cmdline);
        test->cmdline = process_snapshot_cmdline(&test->snapshot, CMDLINE_FULL, 8192);
        assert_int_equal(strlen(test->cmdline), PROCESS_CMDLINE_MAX + 3);
        assert_string_equal(test->cmdline + PROCESS_CMDLINE_MAX, "\u2026");
}

static void test_process_snapshot_command_line_follows_its_mode(void **state) {
        SnapshotTest *test = *state;
        static const struct {
                CmdlineMode mode;
                const char *text;
        } rows[] = {
                { CMDLINE_REDACTED, "/usr/bin/curl --token=*** https://u:***@host/" },
                { CMDLINE_FULL, "/usr/bin/curl --token=s3cr3t https://u:pw@host/" },
                { CMDLINE_COMM, "curl" },
        };

        procfs_tree_put_process(&test->tree, PID, PARENT, 'S');
        procfs_tree_put_bytes(&test->tree, "812/cmdline",
                RAW("/usr/bin/curl\0--token=s3cr3t\0https://u:pw@host/\0"));
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                free(test->cmdline);
                test->cmdline = process_snapshot_cmdline(&test->snapshot, rows[i].mode, 300);
                assert_string_equal(test->cmdline, rows[i].text);
        }
}

/* ---- Questions ---- */

static void test_process_snapshot_existed_at_compares_with_the_start(void **state) {
        SnapshotTest *test = *state;
        static const struct {
                bool has_info;
                uint64_t start_ticks;
                usec_t at_usec;
                bool expected;
        } rows[] = {
                { true, 100, 1000000, true },
                { true, 100, 1009999, true }, /* within the tick */
                { true, 101, 1009999, false },
                { true, 101, 1010000, true },
                { true, 0, 0, true },
                { true, UINT64_MAX, USEC_INFINITY, false },
                { false, 0, 1000000, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                process_snapshot_init(&test->snapshot, PID);
                test->snapshot.has_info = rows[i].has_info;
                test->snapshot.info.start_ticks = rows[i].start_ticks;
                assert_int_equal(process_snapshot_existed_at(&test->snapshot, rows[i].at_usec),
                        rows[i].expected);
        }
}

static void test_process_snapshot_existed_at_knows_real_processes(void **state) {
        SnapshotTest *test = *state;
        const usec_t before_usec = usec_now(CLOCK_BOOTTIME);

        child_process_start(&test->child, body_exit);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->real_fd, test->child.pid), 0);
        assert_true(process_snapshot_existed_at(&test->snapshot, usec_now(CLOCK_BOOTTIME)));
        assert_false(process_snapshot_existed_at(
                &test->snapshot, usec_sub(before_usec, 20 * USEC_PER_MSEC)));
}

static void test_process_snapshot_unit_and_session_follow_the_cgroup(void **state) {
        SnapshotTest *test = *state;
        static const struct {
                const char *cgroup, *unit, *session;
        } rows[] = {
                { "/system.slice/hermes.service", "hermes.service", "" },
                { "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "3" },
                { "/user.slice/user-1000.slice/session-c12.scope", "session-c12.scope", "c12" },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", "x.service",
                        "" },
                { "/system.slice/session-.scope", "session-.scope", "" },
                { "/system.slice/session-3.service", "session-3.service", "" },
                { "/init.scope", "init.scope", "" },
                { "/", "", "" },
                { "", "", "" },
        };
        char unit[UNIT_NAME_MAX], session[UNIT_NAME_MAX];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                process_snapshot_init(&test->snapshot, PID);
                (void) strcpy(test->snapshot.cgroup, rows[i].cgroup);
                assert_string_equal(process_snapshot_unit(&test->snapshot, unit), rows[i].unit);
                assert_string_equal(
                        process_snapshot_session(&test->snapshot, session), rows[i].session);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                snapshot_test(test_process_snapshot_of_ourselves_is_whole),
                snapshot_test(test_process_snapshot_of_a_tree_has_every_field),
                snapshot_test(test_process_snapshot_urgent_part_is_command_line_and_stat),
                snapshot_test(test_process_snapshot_of_nobody_finds_nothing),
                snapshot_test(test_process_snapshot_init_forgets_everything_but_the_pid),
                snapshot_test(test_process_snapshot_of_a_zombie_keeps_name_and_parent),
                snapshot_test(test_process_snapshot_of_a_gone_process_finds_nothing),
                snapshot_test(test_process_snapshot_of_a_process_that_goes_keeps_what_was_read),
                snapshot_test(test_process_snapshot_with_stat_gone_keeps_the_command_line),
                snapshot_test(test_process_snapshot_of_a_reused_pid_takes_nothing_from_it),
                snapshot_test(test_process_snapshot_takes_no_pid_that_begins_like_another),
                snapshot_test(test_process_snapshot_without_the_rest_leaves_it_out),
                snapshot_test(test_process_snapshot_of_odd_status_believes_no_uid),
                snapshot_test(test_process_snapshot_loginuid_unset_is_none),
                snapshot_test(test_process_snapshot_closes_what_it_opens),
                snapshot_test(test_process_snapshot_huge_command_line_is_cut),
                snapshot_test(test_process_snapshot_command_line_follows_its_mode),
                snapshot_test(test_process_snapshot_existed_at_compares_with_the_start),
                snapshot_test(test_process_snapshot_existed_at_knows_real_processes),
                snapshot_test(test_process_snapshot_unit_and_session_follow_the_cgroup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
