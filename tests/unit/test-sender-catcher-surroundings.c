/* SPDX-License-Identifier: MIT */

/* The sender catcher where it is special: real-time priority permitted, and not; a terminal; a pid
 * namespace of its own; a read of /proc that never ends. That read is made by a seccomp filter with a
 * listener that answers when the test wants it to. What cannot be undone (privileges, filters, sessions)
 * happens in a process of its own, which is 0 when all was as it should be, 77 when the machine does not
 * permit it, and else the line that found a fault, modulo 256. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sender-fixture.h"

#define TEST_SKIPPED   77
#define TEST_NOBODY    65534
#define TEST_FREE_USEC (10 * USEC_PER_SEC) /* freeing takes 100 ms and what the machine adds */

/* In a process of its own: ends it, unless the condition holds. */
#define CHECK(condition)                                              \
        do                                                            \
                if (!(condition)) {                                   \
                        int _line = __LINE__ % 256;                   \
                        _exit(_line == 0 || _line == 77 ? 1 : _line); \
                }                                                     \
        while (0)

/* Skips the test where the machine does not permit it. */
static void run_apart(Fixture *fixture, void (*body)(Fixture *fixture)) {
        int status;

        fixture->sender = fork();
        if (fixture->sender == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) alarm(100);
                body(fixture);
                _exit(0);
        }
        assert_true(fixture->sender > 0);
        assert_int_equal(waitpid(fixture->sender, &status, 0), fixture->sender);
        fixture->sender = 0;
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == TEST_SKIPPED)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void begin_loop(Fixture *fixture) {
        CHECK(sd_event_new(&fixture->event) >= 0);
}

/* ---- Real-time priority ---- */

/* All threads have this policy, and there is one for each CPU. Returns: the line that found a fault. */
static int find_fault_of_threads(int policy) {
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), TEST_DEADLINE_USEC);
        pid_t tids[TEST_THREADS_MAX];
        cpu_set_t all, covered;
        size_t n;

        if (sched_getaffinity(0, sizeof(all), &all) < 0)
                return __LINE__;
        do /* they name themselves */
                n = fixture_list_threads(tids);
        while (n < (size_t) CPU_COUNT(&all) && usec_now(CLOCK_MONOTONIC) < late_at_usec);
        if (n != (size_t) CPU_COUNT(&all))
                return __LINE__;

        CPU_ZERO(&covered);
        for (size_t i = 0; i < n; i++) {
                struct sched_param param;
                cpu_set_t cpus;

                if (sched_getscheduler(tids[i]) != policy || sched_getparam(tids[i], &param) < 0 ||
                        param.sched_priority != (policy == SCHED_OTHER ? 0 : 1))
                        return __LINE__;
                if (sched_getaffinity(tids[i], sizeof(cpus), &cpus) < 0 || CPU_COUNT(&cpus) != 1)
                        return __LINE__;
                CPU_OR(&covered, &covered, &cpus);
        }
        return CPU_EQUAL(&covered, &all) ? 0 : __LINE__;
}

static void test_sender_catcher_realtime_has_one_thread_a_cpu(void **state) {
        Fixture *fixture = *state;

        fixture->config.capture = SENDER_CAPTURE_REALTIME;
        if (sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher) != 0)
                skip();
        assert_true(sender_catcher_is_realtime(fixture->catcher));
        assert_int_equal(find_fault_of_threads(SCHED_FIFO | SCHED_RESET_ON_FORK), 0);
}

static size_t count_realtime(void) {
        pid_t tids[TEST_THREADS_MAX];
        size_t n = fixture_list_threads(tids), n_realtime = 0;

        for (size_t i = 0; i < n; i++)
                if (sched_getscheduler(tids[i]) != SCHED_OTHER)
                        n_realtime++;
        return n_realtime;
}

/* Each thread looks when it wakes, so more signals are sent until all have. */
static void test_sender_catcher_flooded_gives_priority_up(void **state) {
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), TEST_DEADLINE_USEC);
        Fixture *fixture = *state;
        size_t n = 0;

        fixture->config.capture = SENDER_CAPTURE_REALTIME;
        if (sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher) != 0)
                skip();
        for (; n < SENDER_CATCHER_CAPTURES_MAX / 2; n++) {
                queue_to(getpid(), SIGRTMIN, (int) n);
                assert_true(fixture_run(fixture, n + 1));
        }
        assert_true(count_realtime() > 0);
        while (count_realtime() > 0 && usec_now(CLOCK_MONOTONIC) < late_at_usec) {
                queue_to(getpid(), SIGRTMIN, (int) n++);
                assert_true(fixture_run(fixture, n));
        }
        assert_int_equal(count_realtime(), 0);
        assert_true(n >= SENDER_CATCHER_CAPTURES_MAX);
}

static void body_without_permission(Fixture *fixture) {
        static const struct {
                SenderCapture capture;
                int r;
        } rows[] = {
                { SENDER_CAPTURE_AUTO, 0 },
                { SENDER_CAPTURE_PLAIN, 0 },
                { SENDER_CAPTURE_REALTIME, 1 },
        };

        CHECK(setrlimit(RLIMIT_RTPRIO, &(struct rlimit){}) == 0);
        if (getuid() == 0)
                CHECK(setgid(TEST_NOBODY) == 0 && setuid(TEST_NOBODY) == 0 &&
                        prctl(PR_SET_DUMPABLE, 1) == 0);
        begin_loop(fixture);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->config.capture = rows[i].capture;
                CHECK(sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher) ==
                        rows[i].r);
                CHECK(!sender_catcher_is_realtime(fixture->catcher));
                CHECK(kill(getpid(), SIGUSR1) == 0);
                CHECK(fixture_run_settled(fixture, i + 1));
                CHECK(find_fault_of_threads(SCHED_OTHER) == 0);
                CHECK(fixture->last.state == SENDER_ALIVE);
                fixture->catcher = sender_catcher_free(fixture->catcher);
        }
}

static void test_sender_catcher_without_permission_is_plain(void **state) {
        run_apart(*state, body_without_permission);
}

/* ---- Who has no pid here ---- */

static void body_terminal(Fixture *fixture) {
        int main_fd, terminal_fd;

        main_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (main_fd < 0)
                _exit(TEST_SKIPPED);
        CHECK(setsid() > 0);
        CHECK(grantpt(main_fd) == 0 && unlockpt(main_fd) == 0);
        terminal_fd = open(ptsname(main_fd), O_RDWR | O_CLOEXEC); /* becomes the controlling one */
        CHECK(terminal_fd >= 0);
        begin_loop(fixture);
        CHECK(sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher) == 0);
        CHECK(write(main_fd, "\003", 1) == 1);
        CHECK(fixture_run_settled(fixture, 1));
        CHECK(fixture->last.info.ssi_signo == SIGINT);
        CHECK(fixture->last.info.ssi_code == SI_KERNEL);
        CHECK(fixture->last.state == SENDER_KERNEL);
        CHECK(fixture->last.sender.pid == 0);
}

static void test_sender_catcher_terminal_has_no_sender(void **state) {
        run_apart(*state, body_terminal);
}

/* PID 1 of a namespace: tells through the pipe that it listens. */
static _noreturn_ void catch_inside(Fixture *fixture, int says_fd) {
        SenderState expected =
                fixture->config.is_unit_main ? SENDER_MANAGER : SENDER_OTHER_NAMESPACE;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        begin_loop(fixture);
        CHECK(sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher) == 0);
        child_process_say(says_fd);
        CHECK(fixture_run_settled(fixture, 1));
        CHECK(fixture->last.info.ssi_pid == 0);
        CHECK(fixture->last.info.ssi_code == SI_USER);
        CHECK(fixture->last.state == expected);
        CHECK(fixture->last.sender.pid == 0);
        _exit(0);
}

static void body_namespace(Fixture *fixture) {
        int fds[2], status;
        char byte;
        pid_t pid;

        if (unshare(CLONE_NEWPID) < 0)
                _exit(TEST_SKIPPED);
        CHECK(pipe2(fds, O_CLOEXEC) == 0);
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
                catch_inside(fixture, fds[1]);
        (void) close(fds[1]);
        CHECK(read(fds[0], &byte, 1) == 1);
        CHECK(kill(pid, SIGUSR1) == 0);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status));
        _exit(WEXITSTATUS(status));
}

static void test_sender_catcher_sender_outside_of_namespace_is_said_so(void **state) {
        run_apart(*state, body_namespace);
}

static void test_sender_catcher_manager_outside_of_namespace_is_manager(void **state) {
        Fixture *fixture = *state;

        fixture->config.is_unit_main = true;
        run_apart(fixture, body_namespace);
}

/* ---- A read that does not end ---- */

/* From here on openat(2) below this directory waits for an answer, in all threads. Returns: the
 * listener; -1: not to be had. */
static int hold_reads_below(int directory_fd) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) directory_fd, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { .len = ELEMENTSOF(filter), .filter = filter };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -1;
        return (int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
                        SECCOMP_FILTER_FLAG_NEW_LISTENER,
                &program);
}

/* Answers one openat(2): there is no such file. */
static void answer_read(int listener_fd) {
        struct seccomp_notif request = {};
        struct seccomp_notif_resp response = { .error = -ENOENT };

        CHECK(ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0);
        response.id = request.id;
        CHECK(ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0);
}

/* The descriptor that the catcher has of its /proc. */
static int find_directory(const char *path) {
        for (int fd = 3; fd < 256; fd++) {
                char link[32], target[PATH_MAX];

                (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
                ssize_t n = readlink(link, target, sizeof(target) - 1);
                if (n > 0 && (size_t) n == strlen(path) && memcmp(target, path, (size_t) n) == 0)
                        return fd;
        }
        return -1;
}

/* A signal of another process has been caught by an ordinary thread, and its read hangs. The handler has
 * been told that its sender stays unknown. Returns: the listener. */
static int begin_to_hang(Fixture *fixture) {
        pid_t test_pid = getpid(), sender;
        int listener_fd;

        begin_loop(fixture);
        fixture->tree.fd = fd_close(fixture->tree.fd); /* so that the catcher's is the only one */
        fixture->config.capture = SENDER_CAPTURE_PLAIN;
        fixture->config.proc_root = fixture->tree.path;
        CHECK(sender_catcher_new(fixture->event, &fixture->config, &fixture->catcher) == 0);
        listener_fd = hold_reads_below(find_directory(fixture->tree.path));
        if (listener_fd < 0)
                _exit(TEST_SKIPPED);

        sender = fork();
        CHECK(sender >= 0);
        if (sender == 0)
                _exit(kill(test_pid, SIGUSR1) < 0);
        CHECK(waitpid(sender, NULL, 0) == sender);
        CHECK(fixture_run(fixture, 1));
        CHECK(fixture->n_calls == 2);
        CHECK(!fixture->calls[0].is_described && fixture->calls[1].is_described);
        CHECK((pid_t) fixture->calls[1].info.ssi_pid == sender);
        CHECK(fixture->calls[1].state == SENDER_UNKNOWN);
        CHECK(atomic_load(&fixture->n_relayed) == 1);
        CHECK(!sender_catcher_has_pending(fixture->catcher));
        return listener_fd;
}

static void body_stuck(Fixture *fixture) {
        usec_t began_at_usec;
        sigset_t pending;

        (void) begin_to_hang(fixture);
        CHECK(!sender_catcher_is_stuck(fixture->catcher));
        began_at_usec = usec_now(CLOCK_MONOTONIC);
        while (!sender_catcher_is_stuck(fixture->catcher)) {
                CHECK(sd_event_run(fixture->event, TEST_DEADLINE_USEC) >= 0);
                CHECK(usec_now(CLOCK_MONOTONIC) < usec_add(began_at_usec, TEST_DEADLINE_USEC));
        }
        CHECK(fixture->n_calls == 2);

        /* What comes now is the caller's to read. */
        CHECK(kill(getpid(), SIGINT) == 0);
        CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGINT) == 1);

        began_at_usec = usec_now(CLOCK_MONOTONIC);
        fixture->catcher = sender_catcher_free(fixture->catcher);
        CHECK(usec_now(CLOCK_MONOTONIC) < usec_add(began_at_usec, TEST_FREE_USEC));
}

static void test_sender_catcher_stuck_thread_is_left_behind(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(procfs_tree_init(&fixture->tree), 0);
        run_apart(fixture, body_stuck);
}

/* The thread comes back after it was given up: what it brings is dropped, and it goes on catching. */
static void body_late(Fixture *fixture) {
        int listener_fd = begin_to_hang(fixture);
        siginfo_t info = { .si_signo = SIGRTMIN, .si_code = SI_TIMER };

        answer_read(listener_fd);                                 /* cmdline */
        answer_read(listener_fd);                                 /* stat */
        for (unsigned i = 0; i < 2 * SENDER_CATCHER_SLOTS; i++) { /* its slot is free again */
                CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info) == 0);
                CHECK(fixture_run(fixture, i + 2));
                CHECK(fixture->last.info.ssi_signo == (uint32_t) SIGRTMIN);
                CHECK(fixture->last.state == SENDER_KERNEL);
        }
        CHECK(fixture->n_calls == 2 + 4 * SENDER_CATCHER_SLOTS);
        CHECK(!sender_catcher_is_stuck(fixture->catcher));
        fixture->catcher = sender_catcher_free(fixture->catcher);
}

static void test_sender_catcher_late_result_is_dropped(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(procfs_tree_init(&fixture->tree), 0);
        run_apart(fixture, body_late);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                sender_test(test_sender_catcher_realtime_has_one_thread_a_cpu),
                sender_test(test_sender_catcher_flooded_gives_priority_up),
                sender_test_apart(test_sender_catcher_without_permission_is_plain),
                sender_test_apart(test_sender_catcher_terminal_has_no_sender),
                sender_test_apart(test_sender_catcher_sender_outside_of_namespace_is_said_so),
                sender_test_apart(test_sender_catcher_manager_outside_of_namespace_is_manager),
                sender_test_apart(test_sender_catcher_stuck_thread_is_left_behind),
                sender_test_apart(test_sender_catcher_late_result_is_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
