/* SPDX-License-Identifier: MIT */
#pragma once

/* A collector that runs as in a helper, in a child with all signals blocked, over real processes that hang
 * in known ways. Its output is read to the end of file, so each test also shows that no reader of it is
 * left. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <arpa/inet.h>

#include "byte-buffer.h"
#include "child-process.h"
#include "file.h"
#include "forensics/stuck.h"
#include "procfs-tree.h"

#define WAIT_USEC    (30 * USEC_PER_SEC)
#define WAIT_MSEC    30000
#define LONG_USEC    (90 * USEC_PER_SEC) /* no test waits for it */
#define CUT_USEC     (400 * USEC_PER_MSEC)
#define MANY_THREADS 100
#define HELD_BYTES   4096

typedef struct Fixture {
        ChildProcess child;
        int go_fds[2]; /* for a child that listens */
        int listener_fd;
        char peer[64];
        pid_t collector_pid;
        int output_fd;
        ByteBuffer output;
        json_object *stuck;
        int proc_fd;
        ProcessInfo processes[2];
        StuckRequest request;
        ProcfsTree tree;
        bool is_mount_wanted; /* over 1001/fd of the tree: whoever opens it waits */
        char path[PATH_MAX];  /* the environment's */
} Fixture;

static Fixture *current; /* for the bodies of children */

_unused_ static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);

        if (!fixture)
                return -1;
        *state = current = fixture;
        fixture->child = CHILD_PROCESS_UNSET;
        fixture->output_fd = -EBADF;
        fixture->proc_fd = proc_open_root("/proc");
        fixture->listener_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) snprintf(fixture->path, sizeof(fixture->path), "%s", getenv("PATH") ?: "");
        if (fixture->proc_fd < 0 || procfs_tree_init(&fixture->tree) < 0 ||
                pipe2(fixture->go_fds, O_CLOEXEC) < 0 ||
                bind(fixture->listener_fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                listen(fixture->listener_fd, 0) < 0 ||
                getsockname(fixture->listener_fd, (struct sockaddr *) &address, &size) < 0)
                return -1;
        (void) snprintf(
                fixture->peer, sizeof(fixture->peer), "127.0.0.1:%u", ntohs(address.sin_port));
        return 0;
}

_unused_ static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        if (fixture->collector_pid > 0) {
                (void) kill(fixture->collector_pid, SIGKILL);
                (void) waitpid(fixture->collector_pid, NULL, 0);
        }
        child_process_done(&fixture->child);
        (void) fd_close(fixture->go_fds[0]);
        (void) fd_close(fixture->go_fds[1]);
        (void) fd_close(fixture->listener_fd);
        (void) fd_close(fixture->output_fd);
        (void) fd_close(fixture->proc_fd);
        byte_buffer_done(&fixture->output);
        (void) json_object_put(fixture->stuck);
        procfs_tree_done(&fixture->tree);
        (void) setenv("PATH", fixture->path, 1);
        free(fixture);
        return 0;
}

/* ---- Children ---- */

_unused_ static void body_in_pause(int says_fd) {
        child_process_say(says_fd);
        (void) pause();
}

_unused_ static void body_in_futex(int says_fd) {
        uint32_t word = 0;

        child_process_say(says_fd);
        (void) syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

_unused_ static void *thread_in_pause(void *name) {
        (void) prctl(PR_SET_NAME, (const char *) name);
        child_process_say(*(int *) ((char *) name + 16));
        (void) pause();
        return NULL;
}

_unused_ static void start_threads(int says_fd, unsigned n) {
        static struct {
                char name[16];
                int says_fd;
        } argument = { .name = "tele\033\xffgram" };
        int fds[2];
        char byte;

        if (pipe(fds) < 0)
                _exit(1);
        argument.says_fd = fds[1];
        for (unsigned i = 0; i < n; i++) {
                pthread_t thread;
                if (pthread_create(&thread, NULL, thread_in_pause, &argument) != 0 ||
                        read(fds[0], &byte, 1) != 1)
                        _exit(1);
        }
        body_in_futex(says_fd);
}

_unused_ static void body_with_many_threads(int says_fd) {
        start_threads(says_fd, MANY_THREADS);
}

/* Answers what it hears: so a test sees that it is not stopped. */
_unused_ static void body_that_answers(int says_fd) {
        char byte;

        child_process_say(says_fd);
        while (read(current->go_fds[0], &byte, 1) == 1)
                child_process_say(says_fd);
}

/* ---- The test's side ---- */

_unused_ static bool is_valgrind(void) {
        const char *preload = getenv("LD_PRELOAD");
        return preload && strstr(preload, "vgpreload");
}

_unused_ static void wait_for_state(Fixture *fixture, char state) {
        usec_t until_usec = usec_now(CLOCK_MONOTONIC) + WAIT_USEC;
        ProcessInfo info = {};

        do
                assert_int_equal(proc_read_info(fixture->proc_fd, fixture->child.pid, &info), 0);
        while (info.state != state && usec_now(CLOCK_MONOTONIC) < until_usec && sched_yield() == 0);
        assert_int_equal(info.state, state);
}

_unused_ static void start(Fixture *fixture, void (*body)(int says_fd), char state) {
        child_process_start(&fixture->child, body);
        wait_for_state(fixture, state);
        assert_int_equal(
                proc_read_info(fixture->proc_fd, fixture->child.pid, &fixture->processes[0]), 0);
        fixture->request = (StuckRequest){
                .proc_fd = fixture->proc_fd,
                .processes = fixture->processes,
                .n_processes = 1,
                .main_pid = fixture->child.pid,
                .until_usec = usec_now(CLOCK_MONOTONIC) + LONG_USEC,
        };
}

_unused_ static bool may_trace(Fixture *fixture) {
        char path[64], text[256];

        (void) snprintf(path, sizeof(path), "%d/syscall", (int) fixture->child.pid);
        return file_read_virtual(fixture->proc_fd, path, text, sizeof(text)) > 0;
}

_unused_ static bool mount_over_files(Fixture *fixture) {
        char path[128], options[64];
        int fd = open("/dev/fuse", O_RDWR); /* nobody ever answers */

        (void) snprintf(path, sizeof(path), "%s/1001/fd", fixture->tree.path);
        (void) snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
                mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("test-stuck", path, "fuse", 0, options) < 0)
                return false;
        fixture->request.proc_fd = proc_open_root(fixture->tree.path);
        return fixture->request.proc_fd >= 0;
}

/* In the collector. */
_noreturn_ static void collector_run(Fixture *fixture, int output_fd) {
        sigset_t all;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (fixture->is_mount_wanted && !mount_over_files(fixture))
                _exit(77);
        _exit(stuck_collect(&fixture->request, output_fd) == 0 ? 0 : 1);
}

_unused_ static void collector_start(Fixture *fixture) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        fixture->output_fd = fds[0];
        assert_true(fcntl(fds[1], F_SETPIPE_SZ, HELD_BYTES) > 0);
        fixture->collector_pid = fork();
        if (fixture->collector_pid == 0) {
                (void) close(fds[0]);
                collector_run(fixture, fds[1]);
        }
        (void) close(fds[1]);
        assert_true(fixture->collector_pid > 0);
}

/* Reads until nobody can write any more. */
_unused_ static void collector_read(Fixture *fixture) {
        struct pollfd poll_fd = { .fd = fixture->output_fd, .events = POLLIN };
        char data[HELD_BYTES];
        ssize_t n;

        do {
                assert_int_equal(poll(&poll_fd, 1, 4 * WAIT_MSEC), 1);
                n = read(fixture->output_fd, data, sizeof(data));
                assert_true(n >= 0);
                byte_buffer_append(&fixture->output, data, (size_t) n);
        } while (n > 0);
}

/* Returns: how it exited; -1: by a signal. */
_unused_ static int collector_end(Fixture *fixture) {
        int status = 0;

        collector_read(fixture);
        assert_int_equal(waitpid(fixture->collector_pid, &status, 0), fixture->collector_pid);
        fixture->collector_pid = 0;
        fixture->stuck =
                stuck_parse(fixture->output.data ?: "", fixture->output.size, WIFEXITED(status));
        assert_non_null(fixture->stuck);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

_unused_ static void collect(Fixture *fixture) {
        collector_start(fixture);
        assert_int_equal(collector_end(fixture), 0);
}

_unused_ static size_t count(json_object *list) {
        return list ? json_object_array_length(list) : 0;
}

_unused_ static json_object *process_by_pid(Fixture *fixture, pid_t pid) {
        json_object *processes = json_object_object_get(fixture->stuck, "processes");

        for (size_t i = 0; i < count(processes); i++) {
                json_object *process = json_object_array_get_idx(processes, i);
                if (json_object_get_int(json_object_object_get(process, "pid")) == pid)
                        return process;
        }
        return NULL;
}

_unused_ static json_object *child_of(Fixture *fixture) {
        json_object *process = process_by_pid(fixture, fixture->child.pid);
        assert_non_null(process);
        return process;
}

/* "-" when it is not there. */
_unused_ static const char *text(json_object *object, const char *key) {
        return json_object_get_string(json_object_object_get(object, key)) ?: "-";
}

_unused_ static json_object *first_thread(Fixture *fixture) {
        return json_object_array_get_idx(json_object_object_get(child_of(fixture), "threads"), 0);
}

_unused_ static json_object *first_socket_in(Fixture *fixture, const char *state) {
        json_object *sockets = json_object_object_get(child_of(fixture), "sockets");

        for (size_t i = 0; i < count(sockets); i++) {
                json_object *socket = json_object_array_get_idx(sockets, i);
                if (strcmp(text(socket, "state"), state) == 0 &&
                        strncmp(text(socket, "family"), "tcp", 3) == 0)
                        return socket;
        }
        return NULL;
}

_unused_ static void assert_is_alive(Fixture *fixture) {
        struct pollfd poll_fd = { .fd = fixture->child.says_fd, .events = POLLIN };
        char byte;

        assert_int_equal(write(fixture->go_fds[1], "x", 1), 1);
        assert_int_equal(poll(&poll_fd, 1, WAIT_MSEC), 1);
        assert_int_equal(read(fixture->child.says_fd, &byte, 1), 1);
}

#define stuck_test(function) \
        cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
