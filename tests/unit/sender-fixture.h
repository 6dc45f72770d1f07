/* SPDX-License-Identifier: MIT */
#pragma once

/* A sender catcher in a loop, what it told, and processes that send. Include after cmocka.h. */

#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "child-process.h"
#include "file.h"
#include "forensics/sender-catcher.h"
#include "procfs-tree.h"

#define TEST_DEADLINE_USEC (30 * USEC_PER_SEC)
#define TEST_THREADS_MAX   512
#define TEST_FLOOD         1000
#define TEST_CALLS_MAX     (2 * TEST_FLOOD)

typedef struct Call {
        bool is_described;
        struct signalfd_siginfo info;
        SenderState state;
        int relayed_signo;
        pid_t relayed_to;
        unsigned n_relayed; /* until then */
} Call;

typedef struct Fixture {
        sd_event *event;
        SenderCatcher *catcher;
        SenderCatcherConfig config;
        Call calls[TEST_CALLS_MAX];
        size_t n_calls, n_described;
        CaughtSignal last; /* of the described */
        _Atomic unsigned n_relayed;
        sigset_t old_mask;
        ProcfsTree tree;
        ChildProcess child;
        pid_t sender; /* to be reaped */
} Fixture;

_unused_ static void fixture_relay(CaughtSignal *caught, void *userdata) {
        Fixture *fixture = userdata;

        caught->relayed_signo = SIGWINCH;
        caught->relayed_to = 4711;
        atomic_fetch_add(&fixture->n_relayed, 1);
}

_unused_ static void fixture_handle(
        SenderCatcher *catcher, const CaughtSignal *caught, bool is_described, void *userdata) {
        Fixture *fixture = userdata;

        if (fixture->n_calls < TEST_CALLS_MAX)
                fixture->calls[fixture->n_calls] = (Call){
                        .is_described = is_described,
                        .info = caught->info,
                        .state = caught->state,
                        .relayed_signo = caught->relayed_signo,
                        .relayed_to = caught->relayed_to,
                        .n_relayed = atomic_load(&fixture->n_relayed),
                };
        fixture->n_calls++;
        if (!is_described)
                return;
        fixture->last = *caught;
        fixture->n_described++;
}

_unused_ static void fixture_init(Fixture *fixture) {
        fixture->child = CHILD_PROCESS_UNSET;
        fixture->tree = (ProcfsTree){ .fd = -EBADF };
        fixture->config = (SenderCatcherConfig){
                .capture = SENDER_CAPTURE_AUTO,
                .proc_root = "/proc",
                .relay = fixture_relay,
                .handler = fixture_handle,
                .userdata = fixture,
        };
        (void) sigemptyset(&fixture->config.signals);
        (void) sigaddset(&fixture->config.signals, SIGUSR1);
        (void) sigaddset(&fixture->config.signals, SIGINT);
        (void) sigaddset(&fixture->config.signals, SIGRTMIN);
}

/* Without a loop: for what makes one in a process of its own. */
_unused_ static int fixture_setup_apart(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        sigset_t mask;

        if (!fixture)
                return -1;
        fixture_init(fixture);
        (void) sigfillset(&mask);
        (void) sigdelset(&mask, SIGALRM);
        *state = fixture;
        return sigprocmask(SIG_BLOCK, &mask, &fixture->old_mask);
}

_unused_ static int fixture_setup(void **state) {
        if (fixture_setup_apart(state) < 0)
                return -1;
        return sd_event_new(&((Fixture *) *state)->event);
}

_unused_ static void discard_pending(void) {
        const struct timespec no_time = {};
        sigset_t all;

        (void) sigfillset(&all);
        while (sigtimedwait(&all, NULL, &no_time) > 0)
                ;
}

_unused_ static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        fixture->catcher = sender_catcher_free(fixture->catcher);
        (void) sd_event_unref(fixture->event);
        if (fixture->tree.fd >= 0)
                procfs_tree_done(&fixture->tree);
        child_process_done(&fixture->child);
        if (fixture->sender > 0)
                (void) waitpid(fixture->sender, NULL, 0);
        discard_pending();
        (void) sigprocmask(SIG_SETMASK, &fixture->old_mask, NULL);
        free(fixture);
        return 0;
}

/* Runs the loop until so many signals have been described. Returns: whether they came. */
_unused_ static bool fixture_run(Fixture *fixture, size_t n_described) {
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), TEST_DEADLINE_USEC);

        while (fixture->n_described < n_described && usec_now(CLOCK_MONOTONIC) < late_at_usec)
                if (sd_event_run(fixture->event, TEST_DEADLINE_USEC) < 0)
                        return false;
        return fixture->n_described >= n_described;
}

/* The catcher's threads, by their name: tools have threads of their own. Returns: how many. */
_unused_ static size_t fixture_list_threads(pid_t tids[static TEST_THREADS_MAX]) {
        DIR *directory = opendir("/proc/self/task");
        const struct dirent *entry;
        size_t n = 0;

        while (directory && (entry = readdir(directory)) && n < TEST_THREADS_MAX) {
                char path[300], comm[64];

                (void) snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
                if (file_read_virtual(AT_FDCWD, path, comm, sizeof(comm)) > 0 &&
                        strcmp(comm, "sender-catcher\n") == 0)
                        tids[n++] = atoi(entry->d_name);
        }
        if (directory)
                (void) closedir(directory);
        return n;
}

/* Whether every thread of the catcher waits for a signal. */
_unused_ static bool fixture_is_settled(void) {
        pid_t tids[TEST_THREADS_MAX];
        size_t n = fixture_list_threads(tids);

        for (size_t i = 0; i < n; i++) {
                char path[64], text[64];

                (void) snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tids[i]);
                if (file_read_virtual(AT_FDCWD, path, text, sizeof(text)) <= 0 ||
                        (atoi(text) != SYS_epoll_wait && atoi(text) != SYS_epoll_pwait))
                        return false;
        }
        return n > 0;
}

/* The same, but the loop does not look before the threads have done their work: on a slow machine it
 * would give them up. */
_unused_ static bool fixture_run_settled(Fixture *fixture, size_t n_described) {
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), TEST_DEADLINE_USEC);

        while ((atomic_load(&fixture->n_relayed) < n_described || !fixture_is_settled()) &&
                usec_now(CLOCK_MONOTONIC) < late_at_usec)
                (void) sched_yield();
        return fixture_run(fixture, n_described);
}

_unused_ static void fixture_start(Fixture *fixture) {
        assert_int_equal(
                sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher), 0);
}

_unused_ static const Call *fixture_last_call(const Fixture *fixture) {
        return &fixture->calls[fixture->n_calls - 1];
}

_unused_ static void queue_to(pid_t pid, int signo, int value) {
        while (sigqueue(pid, signo, (union sigval){ .sival_int = value }) < 0 && errno == EAGAIN)
                (void) sched_yield();
}

/* A process that sends once and ends. It stays a zombie until `sender` is reaped. */
_unused_ static void fixture_send_and_end(Fixture *fixture, int signo) {
        pid_t test_pid = getpid();

        fixture->sender = fork();
        if (fixture->sender == 0)
                _exit(kill(test_pid, signo) < 0);
        assert_true(fixture->sender > 0);
}

_unused_ static void fixture_await_end(Fixture *fixture) {
        siginfo_t info;

        assert_int_equal(waitid(P_PID, (id_t) fixture->sender, &info, WEXITED | WNOWAIT), 0);
}

_unused_ static void fixture_reap(Fixture *fixture) {
        assert_int_equal(waitpid(fixture->sender, NULL, 0), fixture->sender);
        fixture->sender = 0;
}

/* Sends when a byte is written to go_fds[1], and stays. */
_unused_ static int go_fds[2] = { -EBADF, -EBADF };

_unused_ static void sender_body(int says_fd) {
        char byte;

        child_process_say(says_fd);
        if (read(go_fds[0], &byte, 1) == 1)
                (void) kill(getppid(), SIGUSR1);
        (void) pause();
}

_unused_ static void fixture_start_sender(Fixture *fixture) {
        assert_int_equal(pipe2(go_fds, O_CLOEXEC), 0);
        child_process_start(&fixture->child, sender_body);
        go_fds[0] = fd_close(go_fds[0]);
}

_unused_ static void fixture_go(Fixture *fixture) {
        ssize_t n = write(go_fds[1], "x", 1);

        go_fds[1] = fd_close(go_fds[1]);
        assert_int_equal(n, 1);
}

#define sender_test(function) \
        cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)
#define sender_test_apart(function) \
        cmocka_unit_test_setup_teardown(function, fixture_setup_apart, fixture_teardown)
