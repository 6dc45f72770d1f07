/* SPDX-License-Identifier: MIT */

/* The diagnostic: its log, its text made of an injected procfs, and the real thing in its helper
 * process. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "diagnostic-fixture.h"

#define TREE "processes of the gateway"
#define TOP  "processes of the host, by CPU"

/* ---- The log ---- */

static void test_diagnostic_log_is_made_with_its_directory_for_its_owner_alone(void **state) {
        Fixture *fixture = *state;
        struct stat st;

        (void) umask(0777);
        open_log(fixture);
        (void) umask(022);
        assert_int_equal(fstat(fixture->log_fd, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
        assert_int_equal(stat(fixture->directory, &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
        assert_int_equal(fcntl(fixture->log_fd, F_GETFL) & O_APPEND, O_APPEND);
        assert_int_equal(fcntl(fixture->log_fd, F_GETFD), FD_CLOEXEC);
        assert_string_equal(strrchr(fixture->path, '/'), "/" DIAGNOSTIC_LOG);

        /* One that others could read is closed to them. */
        assert_int_equal(chmod(fixture->path, 0644), 0);
        open_log(fixture);
        assert_int_equal(fstat(fixture->log_fd, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void test_diagnostic_log_in_unwritable_place_is_refused(void **state) {
        Fixture *fixture = *state;

        int r = diagnostic_open_log("/proc/cant-write-here", &fixture->path);
        assert_true(r == -ENOENT || r == -EACCES || r == -EPERM || r == -EROFS);
        assert_string_equal(fixture->path, "/proc/cant-write-here/" DIAGNOSTIC_LOG);
}

static void test_diagnostic_log_that_is_no_file_is_refused(void **state) {
        static const struct {
                mode_t type;
                int error;
        } rows[] = {
                { S_IFLNK, -ELOOP },
                { S_IFIFO, -EBADFD },
                { S_IFDIR, -EBADFD },
        };
        Fixture *fixture = *state;

        open_log(fixture);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *path = NULL;
                assert_int_equal(remove(fixture->path), 0);
                if (rows[i].type == S_IFLNK)
                        assert_int_equal(symlink("elsewhere", fixture->path), 0);
                else if (rows[i].type == S_IFIFO)
                        assert_int_equal(mkfifo(fixture->path, 0600), 0);
                else
                        assert_int_equal(mkdir(fixture->path, 0700), 0);
                int r = diagnostic_open_log(fixture->directory, &path);
                free(path);
                assert_int_equal(r, rows[i].error);
        }
        assert_int_equal(remove(fixture->path), 0);

        /* A FIFO that somebody reads can be opened, and is none the better. */
        char *path = NULL;
        assert_int_equal(mkfifo(fixture->path, 0600), 0);
        fixture->pipe_fds[0] = open(fixture->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        assert_true(fixture->pipe_fds[0] >= 0);
        int r = diagnostic_open_log(fixture->directory, &path);
        free(path);
        assert_int_equal(r, -EBADFD);
}

static void assert_size(const char *directory, const char *name, off_t size) {
        char path[256];
        struct stat st;

        (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(st.st_size, size);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_diagnostic_log_over_its_bound_is_kept_once(void **state) {
        Fixture *fixture = *state;
        char path[256];

        open_log(fixture);
        assert_int_equal(ftruncate(fixture->log_fd, DIAGNOSTIC_LOG_BYTES), 0);
        open_log(fixture); /* not over it */
        assert_size(fixture->directory, DIAGNOSTIC_LOG, DIAGNOSTIC_LOG_BYTES);

        assert_int_equal(ftruncate(fixture->log_fd, DIAGNOSTIC_LOG_BYTES + 1), 0);
        open_log(fixture);
        assert_size(fixture->directory, DIAGNOSTIC_LOG, 0);
        assert_size(fixture->directory, DIAGNOSTIC_LOG_OLD, DIAGNOSTIC_LOG_BYTES + 1);

        assert_int_equal(ftruncate(fixture->log_fd, DIAGNOSTIC_LOG_BYTES + 2), 0);
        open_log(fixture);
        assert_size(fixture->directory, DIAGNOSTIC_LOG, 0);
        assert_size(fixture->directory, DIAGNOSTIC_LOG_OLD, DIAGNOSTIC_LOG_BYTES + 2);

        /* Where the old one cannot be replaced the bound is kept all the same. */
        (void) snprintf(path, sizeof(path), "%s/%s", fixture->directory, DIAGNOSTIC_LOG_OLD);
        assert_int_equal(remove(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(ftruncate(fixture->log_fd, DIAGNOSTIC_LOG_BYTES + 3), 0);
        open_log(fixture);
        assert_size(fixture->directory, DIAGNOSTIC_LOG, 0);
}

static void test_diagnostic_log_holds_one_run_after_the_other(void **state) {
        Fixture *fixture = *state;

        open_log(fixture);
        assert_int_equal(diagnostic_write(fixture->log_fd, fixture->tree.fd, &fixture->request), 0);
        open_log(fixture);
        fixture->request.signal = "SIGINT";
        assert_int_equal(diagnostic_write(fixture->log_fd, fixture->tree.fd, &fixture->request), 0);

        const char *text = read_log(fixture);
        const char *first = strstr(text, "=== shutdown diagnostic @ SIGTERM ===");
        const char *end = strstr(text, "=== end ===");
        const char *second = strstr(text, "=== shutdown diagnostic @ SIGINT ===");
        assert_ptr_equal(first, text);
        assert_true(first < end && end < second);
        assert_int_equal(count(text, "=== end ==="), 2);
}

/* ---- The text ---- */

static void test_diagnostic_header_says_what_and_when(void **state) {
        static const char start[] = "=== shutdown diagnostic @ SIGTERM ===\ntime: ";
        static const char names[] = "name: hermes\nunit: hermes.service\n"
                                    "run: 0123456789abcdef0123456789abcdef\n"
                                    "supervisor: 5000500\ngateway: 5000501\n\n---";
        Fixture *fixture = *state;
        struct tm tm = {};

        fixture->request.unit = "hermes.service";
        fixture->request.run_id =
                SD_ID128_MAKE(01, 23, 45, 67, 89, ab, cd, ef, 01, 23, 45, 67, 89, ab, cd, ef);
        const char *text = write_log(fixture);
        assert_int_equal(strncmp(text, start, strlen(start)), 0);
        const char *rest = strptime(text + strlen(start), "%Y-%m-%dT%H:%M:%SZ\n", &tm);
        assert_non_null(rest);
        assert_int_equal(strncmp(rest, names, strlen(names)), 0);
        assert_int_equal(count(text, "\n=== end ===\n"), 1);
}

static void test_diagnostic_tree_shows_who_descends_from_whom(void **state) {
        Fixture *fixture = *state;
        char self[64];

        procfs_tree_put(&fixture->tree, "uptime", "200.00 1.00\n");
        put(fixture, 1, 0, 'S', 1, "systemd", "/sbin/init");
        put(fixture, SUPERVISOR, 1, 'S', 5, "gatewatch", "gatewatch run: hermes");
        put(fixture, 5000501, SUPERVISOR, 'S', 1000, "hermes", "hermes\0--serve");
        put(fixture, 5000502, 5000501, 'R', 0, "worker", "worker");
        put(fixture, 5000090, 5000501, 'Z', 0, "gone", "");
        put(fixture, 5000600, 1, 'S', 0, "other", "other");
        put(fixture, getpid(), SUPERVISOR, 'R', 0, "diag", "diag");
        procfs_tree_put(&fixture->tree, "5000501/wchan", "ep_poll");
        procfs_tree_put(&fixture->tree, "5000501/statm", "1000 256 3 4 0 5 0\n");
        procfs_tree_put(&fixture->tree, "5000502/wchan", "0");

        (void) write_log(fixture);
        _cleanup_free_ char *tree = take_section(fixture->text, TREE);
        char expected[1024];
        (void) snprintf(expected, sizeof(expected),
                "    PID    PPID S   CPU%%    CPU-SEC    AGE-SEC    RSS-KIB WCHAN                "
                "COMMAND\n"
                "5000500       1 S    0.1       0.05     100.00          - -                    "
                "gatewatch  \"gatewatch run: hermes\"\n"
                "5000501 5000500 S   10.0      10.00     100.00 %10ld ep_poll                "
                "hermes  hermes --serve\n"
                "5000090 5000501 Z    0.0       0.00     100.00          - -                    "
                "    gone\n"
                "5000502 5000501 R    0.0       0.00     100.00          - -                    "
                "    worker  worker\n",
                256 * sysconf(_SC_PAGESIZE) / 1024);
        assert_string_equal(tree, expected);

        (void) snprintf(self, sizeof(self), "\n%7d ", getpid());
        assert_int_equal(count(fixture->text, self), 0);
        assert_section_has(fixture, TOP, " other");
}

static void test_diagnostic_tree_has_each_process_once(void **state) {
        Fixture *fixture = *state;

        /* Deeper than is indented, and a torn reading: two that descend from each other. */
        for (pid_t pid = SUPERVISOR; pid < SUPERVISOR + 100; pid++)
                put(fixture, pid, pid == SUPERVISOR ? 1 : pid - 1, 'S', 0, "deep", "");
        put(fixture, 5000300, 5000301, 'S', 0, "circle", "");
        put(fixture, 5000301, 5000300, 'S', 0, "circle", "");
        (void) write_log(fixture);
        _cleanup_free_ char *tree = take_section(fixture->text, TREE);
        assert_int_equal(count(tree, "deep"), 100);
        assert_int_equal(count(tree, "circle"), 0);

        fixture->request.supervisor_pid = 5000300;
        (void) write_log(fixture);
        assert_section_has(fixture, TREE, "circle");
        _cleanup_free_ char *circle = take_section(fixture->text, TREE);
        assert_int_equal(count(circle, "circle"), 2);
}

static void test_diagnostic_tree_of_too_many_is_cut(void **state) {
        Fixture *fixture = *state;

        for (pid_t pid = SUPERVISOR; pid < SUPERVISOR + 510; pid++)
                put(fixture, pid, SUPERVISOR, 'S', 0, "many", "");
        (void) write_log(fixture);
        _cleanup_free_ char *tree = take_section(fixture->text, TREE);
        assert_int_equal(count(tree, "many"), 500);
        assert_section_has(fixture, TREE, "\n(10 more)\n");
}

static void test_diagnostic_top_is_by_cpu_and_bounded(void **state) {
        Fixture *fixture = *state;
        const char *last = NULL;

        procfs_tree_put(&fixture->tree, "uptime", "200.00 1.00\n");
        for (pid_t i = 0; i < DIAGNOSTIC_TOP + 5; i++) {
                char comm[16];
                (void) snprintf(comm, sizeof(comm), "p%03d;", i);
                put(fixture, 5001000 + i, 1, 'S', (uint64_t) (10 * i), comm, "");
        }
        (void) write_log(fixture);
        _cleanup_free_ char *top = take_section(fixture->text, TOP);
        for (pid_t i = DIAGNOSTIC_TOP + 4; i >= 5; i--) {
                char comm[16];
                (void) snprintf(comm, sizeof(comm), " p%03d;", i);
                const char *place = strstr(top, comm);
                assert_non_null(place);
                assert_true(!last || last < place);
                last = place;
        }
        assert_null(strstr(top, "p004;"));
        assert_section_has(fixture, TOP, "\n(5 more)\n");
}

static void test_diagnostic_command_line_is_as_it_may_be_recorded(void **state) {
        Fixture *fixture = *state;

        put(fixture, SUPERVISOR, 1, 'S', 0, "gatewatch", "gatewatch");
        put(fixture, 5000501, SUPERVISOR, 'S', 0, "curl", "curl\0--token=geheim\0http://a:pw1@b/");
        (void) write_log(fixture);
        assert_section_has(fixture, TREE, "  curl --token=*** ");
        assert_null(strstr(fixture->text, "geheim"));
        assert_null(strstr(fixture->text, "pw1"));

        fixture->request.cmdline = CMDLINE_FULL;
        (void) write_log(fixture);
        assert_section_has(fixture, TREE, "curl --token=geheim http://a:pw1@b/\n");

        fixture->request.cmdline = CMDLINE_COMM;
        (void) write_log(fixture);
        assert_section_has(fixture, TREE, " curl\n");
        assert_null(strstr(fixture->text, "--token"));
}

static void test_diagnostic_command_line_that_may_hang_is_not_read(void **state) {
        Fixture *fixture = *state;

        put(fixture, SUPERVISOR, 1, 'D', 0, "stuck", "stuck\0--at-work");
        (void) write_log(fixture);
        assert_section_has(fixture, TREE, "stuck  (command line not read)\n");
        assert_null(strstr(fixture->text, "--at-work"));
}

static void test_diagnostic_of_hostile_names_is_clean_lines(void **state) {
        Fixture *fixture = *state;

        put(fixture, SUPERVISOR, 1, 'S', 0, "a\n=== end ===\n\x1b[2J",
                "x\033]0;title\007\0new\nline\0\xff\xfe\0\xc2\x9b"
                "31m");
        procfs_tree_put(&fixture->tree, "5000500/wchan", "w\nchan\x1b");
        procfs_tree_put(&fixture->tree, "loadavg", "1.0\x1b[31m 2.0\n");
        fixture->request.name = "her\nmes\x9b";
        fixture->request.cgroup_path = "/a\n--- fake ---\n";
        const char *text = write_log(fixture);

        for (const char *p = text; *p; p++)
                assert_true(*p == '\n' || ((unsigned char) *p >= 0x20 && *p != 0x7f));
        assert_null(strstr(text, "\xc2\x9b"));
        assert_null(strstr(text, "\xff"));
        assert_int_equal(count(text, "\n=== end ===\n"), 1);
        assert_int_equal(count(text, "\n--- fake ---\n"), 0);
        assert_section_has(fixture, TREE, "a\\n=== end ===\\n\\x1b[2J");
        assert_section_has(fixture, TREE, "w\\nchan\\x1b ");
        assert_section_has(fixture, "load and pressure", "loadavg: 1.0\\x1b[31m 2.0\n");
        assert_non_null(strstr(text, "name: her\\nmes\uFFFD\n"));
}

static void test_diagnostic_host_is_passed_on(void **state) {
        Fixture *fixture = *state;

        procfs_tree_put(&fixture->tree, "loadavg", "0.50 0.40 0.30 1/100 999\n");
        procfs_tree_put(&fixture->tree, "pressure/cpu", "some avg10=1.00\nfull avg10=2.00\n");
        procfs_tree_put(&fixture->tree, "meminfo",
                "MemTotal: 100 kB\nBuffers: 3 kB\nMemAvailable: 50 kB\nHugePages_Total: 0\n");
        (void) write_log(fixture);
        assert_section_has(fixture, "load and pressure",
                "loadavg: 0.50 0.40 0.30 1/100 999\ncpu: some avg10=1.00\ncpu: full avg10=2.00\n"
                "memory: not available: No such file or directory\n");
        assert_section_has(
                fixture, "memory", "meminfo: MemTotal: 100 kB\nmeminfo: MemAvailable: 50 kB\n");
}

static void page_begin(Fixture *fixture) {
        open_log(fixture);
        fixture->page.fd = fixture->log_fd;
        fixture->log_fd = -EBADF;
}

static const char *page_end(Fixture *fixture) {
        diagnostic_page_print(&fixture->page, "\n");
        diagnostic_page_flush(&fixture->page);
        assert_int_equal(fixture->page.error, 0);
        return read_log(fixture);
}

static void test_diagnostic_cgroup_tells_limits_and_what_met_them(void **state) {
        Fixture *fixture = *state;

        procfs_tree_put(&fixture->tree, "a.slice/x.service/memory.current", "1000\n");
        procfs_tree_put(&fixture->tree, "a.slice/x.service/memory.max", "max\n");
        procfs_tree_put(&fixture->tree, "a.slice/x.service/memory.events", "oom 1\noom_kill 2\n");
        procfs_tree_put(&fixture->tree, "a.slice/x.service/io.pressure", "some avg10=0.00\n");
        fixture->request.cgroup_path = "/a.slice/x.service";
        page_begin(fixture);
        diagnostic_write_cgroup(&fixture->page, fixture->tree.path, &fixture->request);
        (void) page_end(fixture);
        assert_section_has(fixture, "control group",
                "/a.slice/x.service\nmemory.current: 1000\nmemory.max: max\nmemory.events: oom 1\n"
                "memory.events: oom_kill 2\nio.pressure: some avg10=0.00\n");
}

static void test_diagnostic_cgroup_that_is_not_there_is_said(void **state) {
        Fixture *fixture = *state;

        fixture->request.cgroup_path = "/gone.service";
        page_begin(fixture);
        diagnostic_write_cgroup(&fixture->page, fixture->tree.path, &fixture->request);
        (void) page_end(fixture);
        assert_section_has(fixture, "control group",
                "/gone.service\nnot available: No such file or directory\n");
        assert_int_equal(ftruncate(fixture->page.fd, 0), 0);
        diagnostic_write_cgroup(&fixture->page, NULL, &fixture->request);
        (void) page_end(fixture);
        assert_section_has(fixture, "control group", "not available: ");
}

static void kernel_log_write(Fixture *fixture) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/kmsg", fixture->tree.path);
        page_begin(fixture);
        diagnostic_write_kernel_log(&fixture->page, path);
        (void) page_end(fixture);
}

#define KERNEL "kernel messages about kills"

static void test_diagnostic_kernel_log_tells_of_kills(void **state) {
        Fixture *fixture = *state;

        procfs_tree_put(&fixture->tree, "kmsg",
                "6,1,1000000,-;Linux version, a roomy bloom\n"
                "4,2,2000003,-;hermes invoked oom-killer: gfp_mask=0x0\n"
                " SUBSYSTEM=oom-kill\n"
                "3,3,3000000,-;Out of memory: Killed process 501 (her\\x1bmes)\n"
                "6,4,4000000,c,caller=T1;hermes[501]: segfault at 0 ip 0\n"
                "3,5,5000000,-;INFO: task hermes:501 blocked for more than 120 seconds.\n"
                "malformed\n"
                "x;oom-kill\n");
        kernel_log_write(fixture);
        assert_section_has(fixture, KERNEL,
                "[2.000003] hermes invoked oom-killer: gfp_mask=0x0\n"
                "[3.000000] Out of memory: Killed process 501 (her\\\\x1bmes)\n"
                "[4.000000] hermes[501]: segfault at 0 ip 0\n"
                "[5.000000] INFO: task hermes:501 blocked for more than 120 seconds.\n");
        assert_null(strstr(fixture->text, "roomy"));
        assert_null(strstr(fixture->text, "SUBSYSTEM"));
        assert_null(strstr(fixture->text, "malformed"));
}

static void test_diagnostic_kernel_log_gives_the_last_ones(void **state) {
        Fixture *fixture = *state;
        char text[4096];
        size_t length = 0;

        for (int i = 0; i < 50; i++)
                length += (size_t) snprintf(text + length, sizeof(text) - length,
                        "3,%d,%d,-;Killed process %d (x)\n", i, i, i);
        procfs_tree_put(&fixture->tree, "kmsg", text);
        kernel_log_write(fixture);
        assert_int_equal(count(fixture->text, "Killed process"), 20);
        assert_section_has(fixture, KERNEL, "[0.000030] Killed process 30 (x)\n");
        assert_null(strstr(fixture->text, "process 29 "));
        assert_section_has(fixture, KERNEL, "process 48 (x)\n[0.000049] Killed process 49 (x)\n");
}

static void test_diagnostic_kernel_log_that_is_not_for_us_is_said(void **state) {
        Fixture *fixture = *state;
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/kmsg", fixture->tree.path);
        kernel_log_write(fixture);
        assert_section_has(fixture, KERNEL, "not available: No such file or directory\n");

        procfs_tree_put(&fixture->tree, "kmsg", "");
        assert_int_equal(ftruncate(fixture->page.fd, 0), 0);
        diagnostic_write_kernel_log(&fixture->page, path);
        (void) page_end(fixture);
        assert_section_has(fixture, KERNEL, "none\n");

        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(ftruncate(fixture->page.fd, 0), 0);
        assert_true(geteuid() != 0 || seteuid(UID_NOBODY) == 0);
        diagnostic_write_kernel_log(&fixture->page, path);
        assert_int_equal(seteuid(getuid()), 0);
        (void) page_end(fixture);
        assert_section_has(fixture, KERNEL, "not permitted\n");
}

static void test_diagnostic_without_procfs_tells_the_rest(void **state) {
        Fixture *fixture = *state;

        open_log(fixture);
        fixture->request.unit = "nowhere-to-be-found.service";
        assert_int_equal(diagnostic_write(fixture->log_fd, -EBADF, &fixture->request), 0);
        (void) read_log(fixture);
        assert_section_has(fixture, "processes", "not available: ");
        assert_section_has(fixture, "last records of the unit", "n"); /* none, or not permitted */
        assert_int_equal(count(fixture->text, "\n=== end ===\n"), 1);
}

static void test_diagnostic_on_a_full_disk_is_an_error(void **state) {
        Fixture *fixture = *state;

        fixture->log_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
        assert_true(fixture->log_fd >= 0);
        assert_int_equal(
                diagnostic_write(fixture->log_fd, fixture->tree.fd, &fixture->request), -ENOSPC);
}

/* ---- The helper ---- */

static void fixture_handler(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_told++;
        fixture->status = status;
        (void) sd_event_exit(fixture->event, 1);
}

static int start(Fixture *fixture, int log_fd) {
        fixture->request.supervisor_pid = getpid();
        return diagnostic_start(fixture->event, &fixture->request, log_fd, 0, fixture_handler,
                fixture, &fixture->helper);
}

static void test_diagnostic_started_writes_the_log(void **state) {
        Fixture *fixture = *state;
        char helper[64], self[64];

        open_log(fixture);
        fixture->request.sync_fds[1] = fixture->log_fd;
        assert_int_equal(start(fixture, fixture->log_fd), 0);
        (void) snprintf(helper, sizeof(helper), "\n%7d ", helper_process_pid(fixture->helper));
        (void) snprintf(self, sizeof(self), "\n%7d %7d ", getpid(), getppid());
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, 0);

        const char *text = read_log(fixture);
        assert_non_null(strstr(text, "shutdown diagnostic"));
        assert_non_null(strstr(text, "SIGTERM"));
        assert_int_equal(count(text, "\n=== end ===\n"), 1);
        assert_non_null(strstr(text, self));
        assert_null(strstr(text, helper));
}

static void test_diagnostic_started_on_a_full_disk_tells_the_errno(void **state) {
        Fixture *fixture = *state;

        fixture->log_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
        assert_true(fixture->log_fd >= 0);
        assert_int_equal(start(fixture, fixture->log_fd), 0);
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, ENOSPC);
}

/* A log that takes nothing until it is read. */
static void open_full_pipe(Fixture *fixture) {
        static const char data[4096];

        assert_int_equal(pipe2(fixture->pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
        while (write(fixture->pipe_fds[1], data, sizeof(data)) > 0)
                ;
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(fcntl(fixture->pipe_fds[1], F_SETFL, 0), 0);
}

static int dispatch_read(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        char data[4096];

        while (read(fd, data, sizeof(data)) > 0)
                ;
        return 0;
}

static void test_diagnostic_that_hangs_does_not_hold_the_caller(void **state) {
        Fixture *fixture = *state;

        open_full_pipe(fixture);
        assert_int_equal(start(fixture, fixture->pipe_fds[1]), 0);
        assert_int_equal(sd_event_run(fixture->event, 0), 0); /* nothing to be done, no waiting */
        assert_int_equal(fixture->n_told, 0);
        assert_true(helper_process_pid(fixture->helper) > 0);

        assert_true(sd_event_add_io(fixture->event, NULL, fixture->pipe_fds[0], EPOLLIN,
                            dispatch_read, fixture) >= 0);
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, 0);
}

static void test_diagnostic_that_hangs_ends_at_its_bound(void **state) {
        Fixture *fixture = *state;

        open_full_pipe(fixture);
        fixture->request.timeout_usec = 50 * USEC_PER_MSEC;
        assert_int_equal(start(fixture, fixture->pipe_fds[1]), 0);
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, -ETIMEDOUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_diagnostic_log_is_made_with_its_directory_for_its_owner_alone),
                TEST(test_diagnostic_log_in_unwritable_place_is_refused),
                TEST(test_diagnostic_log_that_is_no_file_is_refused),
                TEST(test_diagnostic_log_over_its_bound_is_kept_once),
                TEST(test_diagnostic_log_holds_one_run_after_the_other),
                TEST(test_diagnostic_header_says_what_and_when),
                TEST(test_diagnostic_tree_shows_who_descends_from_whom),
                TEST(test_diagnostic_tree_has_each_process_once),
                TEST(test_diagnostic_tree_of_too_many_is_cut),
                TEST(test_diagnostic_top_is_by_cpu_and_bounded),
                TEST(test_diagnostic_command_line_is_as_it_may_be_recorded),
                TEST(test_diagnostic_command_line_that_may_hang_is_not_read),
                TEST(test_diagnostic_of_hostile_names_is_clean_lines),
                TEST(test_diagnostic_host_is_passed_on),
                TEST(test_diagnostic_cgroup_tells_limits_and_what_met_them),
                TEST(test_diagnostic_cgroup_that_is_not_there_is_said),
                TEST(test_diagnostic_kernel_log_tells_of_kills),
                TEST(test_diagnostic_kernel_log_gives_the_last_ones),
                TEST(test_diagnostic_kernel_log_that_is_not_for_us_is_said),
                TEST(test_diagnostic_without_procfs_tells_the_rest),
                TEST(test_diagnostic_on_a_full_disk_is_an_error),
                TEST(test_diagnostic_started_writes_the_log),
                TEST(test_diagnostic_started_on_a_full_disk_tells_the_errno),
                TEST(test_diagnostic_that_hangs_does_not_hold_the_caller),
                TEST(test_diagnostic_that_hangs_ends_at_its_bound),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
