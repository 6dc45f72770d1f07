/* SPDX-License-Identifier: MIT */

/* Helper processes in a real loop. Each talks to its test over pipes that it was given to keep: "go" says
 * that it may go on, "said" carries what it says, and its end of file that the helper is gone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "child-process.h"
#include "file.h"
#include "forensics/helper-process.h"

#define WAIT_USEC (30 * USEC_PER_SEC)
#define WAIT_MSEC 30000

typedef struct Fixture {
        sd_event *event;
        sd_event *inherited_event; /* in a child, which must not use it; no leak there */
        HelperProcess *helper, *other;
        ChildProcess child;
        int go_fds[2], said_fds[2];
        int keep_fds[2];
        unsigned n_told;
        int status;
        size_t size;
        char output[HELPER_OUTPUT_MAX + 1];
        bool is_freed_by_handler;
        bool is_pid_gone; /* as the handler saw it */
        struct rlimit limit;
} Fixture;

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        (void) setrlimit(RLIMIT_NOFILE, &fixture->limit);
        (void) helper_process_free(fixture->helper);
        (void) helper_process_free(fixture->other);
        child_process_done(&fixture->child);
        for (size_t i = 0; i < 2; i++) {
                (void) fd_close(fixture->go_fds[i]);
                (void) fd_close(fixture->said_fds[i]);
        }
        /* What was freed alive is collected, so that no test meets another's child. */
        while (waitid(P_ALL, 0, &(siginfo_t){}, WEXITED | __WALL) >= 0)
                ;
        (void) sd_event_unref(fixture->event);
        free(fixture);
        return 0;
}

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;

        fixture->child = CHILD_PROCESS_UNSET;
        *state = fixture;
        if (sd_event_new(&fixture->event) < 0 || getrlimit(RLIMIT_NOFILE, &fixture->limit) < 0 ||
                pipe2(fixture->go_fds, O_CLOEXEC) < 0 || pipe2(fixture->said_fds, O_CLOEXEC) < 0)
                return -1;
        return 0;
}

static void fixture_handler(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        Fixture *fixture = userdata;

        fixture->is_pid_gone = helper_process_pid(helper) == 0;
        if (fixture->is_freed_by_handler)
                fixture->helper = helper_process_free(fixture->helper);
        fixture->n_told++;
        fixture->status = status;
        fixture->size = size;
        memcpy(fixture->output, output, size);
        fixture->output[size] = '\0';
        (void) sd_event_exit(fixture->event, 1);
}

static HelperConfig fixture_config(Fixture *fixture, HelperMain body) {
        fixture->keep_fds[0] = fixture->go_fds[0];
        fixture->keep_fds[1] = fixture->said_fds[1];
        return (HelperConfig){
                .title = "gatewatch-test",
                .timeout_usec = 4 * WAIT_USEC, /* no test waits for it */
                .keep_fds = fixture->keep_fds,
                .n_keep_fds = 2,
                .main = body,
                .main_userdata = fixture,
                .handler = fixture_handler,
                .userdata = fixture,
        };
}

/* Runs the helper to its end. Returns: as the handler was told. */
static int fixture_run(Fixture *fixture, const HelperConfig *config) {
        assert_int_equal(helper_process_start(fixture->event, config, &fixture->helper), 0);
        assert_true(helper_process_pid(fixture->helper) > 0);
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->n_told, 1);
        assert_true(fixture->is_pid_gone);
        return fixture->status;
}

/* In the helper and in the test. */
static bool say(int fd) {
        return write(fd, "x", 1) == 1;
}

static bool hear(int fd) {
        char byte;

        return read(fd, &byte, 1) == 1;
}

static bool is_said(Fixture *fixture) {
        struct pollfd fd = { .fd = fixture->said_fds[0], .events = POLLIN };

        return poll(&fd, 1, WAIT_MSEC) == 1 && (fd.revents & POLLIN) && hear(fd.fd);
}

/* Waits for the helper's death: then nobody holds the pipe. */
static bool is_gone(Fixture *fixture) {
        struct pollfd fd = { .fd = fixture->said_fds[0], .events = POLLIN };

        fixture->said_fds[1] = fd_close(fixture->said_fds[1]);
        return poll(&fd, 1, WAIT_MSEC) == 1 && (fd.revents & POLLHUP) && !hear(fd.fd);
}

/* ---- Bodies ---- */

static int body_that_writes(int output_fd, void *userdata) {
        return write(output_fd, "one", 3) == 3 && write(output_fd, " two", 4) == 4 ? 7 : 1;
}

static int body_that_does_nothing(int output_fd, void *userdata) {
        return 0;
}

static int body_that_says_and_hangs(int output_fd, void *userdata) {
        Fixture *fixture = userdata;

        if (write(output_fd, "part", 4) != 4 || !say(fixture->said_fds[1]))
                return 1;
        for (;;)
                (void) pause();
}

static int body_that_waits_for_go(int output_fd, void *userdata) {
        Fixture *fixture = userdata;

        if (!say(fixture->said_fds[1]) || !hear(fixture->go_fds[0]))
                return 1;
        return say(fixture->said_fds[1]) ? 0 : 2;
}

static int body_that_waits_for_go_and_hangs(int output_fd, void *userdata) {
        int status = body_that_waits_for_go(output_fd, userdata);

        while (status == 0)
                (void) pause();
        return status;
}

static int body_that_is_killed(int output_fd, void *userdata) {
        return kill(getpid(), SIGKILL);
}

static int write_bytes(int output_fd, size_t size) {
        static const char data[4096];

        while (size > 0) {
                ssize_t n = write(output_fd, data, size < sizeof(data) ? size : sizeof(data));
                if (n < 0)
                        return 1;
                size -= (size_t) n;
        }
        return 3;
}

static int body_that_fills(int output_fd, void *userdata) {
        return write_bytes(output_fd, HELPER_OUTPUT_MAX);
}

static int body_that_overflows(int output_fd, void *userdata) {
        return write_bytes(output_fd, HELPER_OUTPUT_MAX + 1);
}

static int body_that_lists_its_fds(int output_fd, void *userdata) {
        char target[64] = {};

        for (int fd = 0; fd < 1024; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        (void) dprintf(output_fd, "%d ", fd == output_fd ? 9999 : fd);
        for (int fd = 0; fd < 3; fd++) {
                char path[32];
                (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                ssize_t n = readlink(path, target, sizeof(target) - 1);
                (void) dprintf(output_fd, "%.*s ", n > 0 ? (int) n : 0, target);
        }
        return 0;
}

/* ---- Tests ---- */

static void test_helper_process_that_writes_hands_over_output_and_status(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_writes);

        assert_int_equal(fixture_run(fixture, &config), 7);
        assert_int_equal(fixture->size, 7);
        assert_string_equal(fixture->output, "one two");
}

static void test_helper_process_without_output_hands_over_empty_text(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_does_nothing);

        fixture->output[0] = 'x';
        assert_int_equal(fixture_run(fixture, &config), 0);
        assert_int_equal(fixture->size, 0);
        assert_string_equal(fixture->output, "");
}

static void test_helper_process_freed_by_its_handler_keeps_output_till_the_end(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_writes);

        fixture->is_freed_by_handler = true;
        assert_int_equal(fixture_run(fixture, &config), 7);
        assert_null(fixture->helper);
        assert_string_equal(fixture->output, "one two");
}

static void test_helper_process_that_hangs_is_ended_at_its_bound(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_says_and_hangs);

        config.timeout_usec = 50 * USEC_PER_MSEC;
        int status = fixture_run(fixture, &config);
        assert_int_equal(status, -ETIMEDOUT);
        /* On a busy machine the bound may come before the first word. */
        assert_true(fixture->size == 0 || strcmp(fixture->output, "part") == 0);
}

static void test_helper_process_that_is_killed_is_no_status(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_is_killed);

        assert_int_equal(fixture_run(fixture, &config), -ECHILD);
}

static void test_helper_process_that_fills_its_room_is_read_whole(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_fills);

        assert_int_equal(fixture_run(fixture, &config), 3);
        assert_int_equal(fixture->size, HELPER_OUTPUT_MAX);
}

static void test_helper_process_that_writes_too_much_is_ended(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_overflows);

        assert_int_equal(fixture_run(fixture, &config), -EFBIG);
        assert_int_equal(fixture->size, HELPER_OUTPUT_MAX);
}

static void test_helper_process_is_seen_by_no_ordinary_wait(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_waits_for_go);
        sigset_t set, saved;
        siginfo_t info = {};

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        assert_int_equal(sigprocmask(SIG_BLOCK, &set, &saved), 0);
        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        assert_true(is_said(fixture));

        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        assert_true(say(fixture->go_fds[1]));
        pid_t pid = helper_process_pid(fixture->helper);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT | __WALL), 0);
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        assert_int_equal(sigpending(&set), 0);
        assert_int_equal(sigismember(&set, SIGCHLD), 0);
        assert_int_equal(sigprocmask(SIG_SETMASK, &saved, NULL), 0);

        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, 0);
}

static void test_helper_process_survives_what_a_stop_sends(void **state) {
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE };
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_waits_for_go);

        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        assert_true(is_said(fixture));
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                assert_int_equal(kill(helper_process_pid(fixture->helper), signals[i]), 0);
        assert_true(say(fixture->go_fds[1]));
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, 0);
}

static void test_helper_process_keeps_only_given_fds(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_lists_its_fds);
        char expected[128];
        int low = fixture->go_fds[0], high = fixture->said_fds[1];

        assert_true(low < high);
        (void) snprintf(expected, sizeof(expected),
                "0 1 2 %d %d 9999 /dev/null /dev/null /dev/null ", low, high);
        assert_int_equal(fixture_run(fixture, &config), 0);
        assert_string_equal(fixture->output, expected);
}

static void test_helper_process_is_named_and_first_to_go_when_memory_is_short(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_waits_for_go);
        char path[64], text[64];

        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        assert_true(is_said(fixture));
        pid_t pid = helper_process_pid(fixture->helper);
        (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        assert_true(file_read_virtual(AT_FDCWD, path, text, sizeof(text)) > 0);
        assert_string_equal(text, "gatewatch-test\n");
        (void) snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
        assert_true(file_read_virtual(AT_FDCWD, path, text, sizeof(text)) > 0);
        assert_string_equal(text, "1000\n");
}

static void test_helper_processes_do_not_wait_for_each_other(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_waits_for_go);
        HelperConfig other = fixture_config(fixture, body_that_says_and_hangs);

        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        assert_int_equal(helper_process_start(fixture->event, &other, &fixture->other), 0);
        assert_true(is_said(fixture) && is_said(fixture));
        assert_true(say(fixture->go_fds[1]));
        assert_int_equal(sd_event_loop(fixture->event), 1);
        assert_int_equal(fixture->status, 0);
        assert_int_equal(helper_process_pid(fixture->helper), 0);
        assert_true(helper_process_pid(fixture->other) > 0);
}

/* Runs the loop until nobody has that pid among our children. */
static void loop_until_reaped(Fixture *fixture, pid_t pid) {
        siginfo_t info;

        while (waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) >= 0)
                assert_true(sd_event_run(fixture->event, WAIT_USEC) > 0);
        assert_int_equal(errno, ECHILD);
}

static void test_helper_process_freed_is_killed_and_reaped(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_says_and_hangs);

        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        assert_true(is_said(fixture));
        pid_t pid = helper_process_pid(fixture->helper);
        fixture->helper = helper_process_free(fixture->helper);
        assert_true(is_gone(fixture));
        loop_until_reaped(fixture, pid);
        assert_int_equal(fixture->n_told, 0);
}

static void test_helper_process_detached_goes_on_when_freed_till_its_bound(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_waits_for_go_and_hangs);

        config.is_detached = true;
        config.timeout_usec = 2 * USEC_PER_SEC;
        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        assert_true(is_said(fixture));
        pid_t pid = helper_process_pid(fixture->helper);
        fixture->helper = helper_process_free(fixture->helper);

        assert_true(say(fixture->go_fds[1]));
        assert_true(is_said(fixture));
        assert_true(is_gone(fixture)); /* by its own alarm */
        loop_until_reaped(fixture, pid);
        assert_int_equal(fixture->n_told, 0);
}

/* ---- The supervisor's death ---- */

static Fixture *shared_fixture; /* what the body of a child process works on */

static void supervisor_body(int says_fd, bool is_detached) {
        HelperConfig config = fixture_config(shared_fixture, body_that_waits_for_go);

        config.is_detached = is_detached;
        shared_fixture->inherited_event = shared_fixture->event;
        if (sd_event_new(&shared_fixture->event) < 0 ||
                helper_process_start(shared_fixture->event, &config, &shared_fixture->helper) < 0)
                _exit(1);
        child_process_say(says_fd);
        (void) pause();
}

static void supervisor_of_attached(int says_fd) {
        supervisor_body(says_fd, false);
}

static void supervisor_of_detached(int says_fd) {
        supervisor_body(says_fd, true);
}

static void test_helper_process_dies_with_its_supervisor(void **state) {
        Fixture *fixture = *state;

        shared_fixture = fixture;
        child_process_start(&fixture->child, supervisor_of_attached);
        assert_true(is_said(fixture));
        child_process_done(&fixture->child);
        assert_true(is_gone(fixture));
}

static void test_helper_process_detached_outlives_its_supervisor(void **state) {
        Fixture *fixture = *state;

        shared_fixture = fixture;
        child_process_start(&fixture->child, supervisor_of_detached);
        assert_true(is_said(fixture));
        child_process_done(&fixture->child);
        assert_true(say(fixture->go_fds[1]));
        assert_true(is_said(fixture));
        assert_true(is_gone(fixture));
}

/* ---- Sandboxes, shortages ---- */

static int refuse_new_calls(void) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = ELEMENTSOF(filter), .filter = filter };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

/* The sandbox is for good: it is entered in a child, whose status is its verdict. */
static void sandboxed_supervisor(int says_fd) {
        Fixture *fixture = shared_fixture;
        HelperConfig config = fixture_config(fixture, body_that_lists_its_fds);
        char expected[128];
        int status = 0;

        (void) snprintf(expected, sizeof(expected),
                "0 1 2 %d %d 9999 /dev/null /dev/null /dev/null ", fixture->go_fds[0],
                fixture->said_fds[1]);
        fixture->inherited_event = fixture->event;
        if (refuse_new_calls() < 0 || sd_event_new(&fixture->event) < 0)
                status = 10;
        else if (helper_process_start(fixture->event, &config, &fixture->helper) < 0)
                status = 11;
        else if (waitid(P_ALL, 0, &(siginfo_t){}, WEXITED | WNOHANG) >= 0 || errno != ECHILD)
                status = 12;
        else if (sd_event_loop(fixture->event) != 1 || fixture->status != 0)
                status = 13;
        else if (strcmp(fixture->output, expected) != 0)
                status = 14;
        child_process_say(says_fd);
        _exit(status);
}

static void test_helper_process_in_a_sandbox_is_born_another_way(void **state) {
        Fixture *fixture = *state;
        int status;

        shared_fixture = fixture;
        child_process_start(&fixture->child, sandboxed_supervisor);
        assert_int_equal(waitpid(fixture->child.pid, &status, 0), fixture->child.pid);
        fixture->child.pid = 0;
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_helper_process_without_fds_is_refused(void **state) {
        Fixture *fixture = *state;
        HelperConfig config = fixture_config(fixture, body_that_does_nothing);
        struct rlimit limit = { .rlim_cur = 3, .rlim_max = fixture->limit.rlim_max };

        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), -EMFILE);
        assert_null(fixture->helper);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_helper_process_that_writes_hands_over_output_and_status),
                TEST(test_helper_process_without_output_hands_over_empty_text),
                TEST(test_helper_process_freed_by_its_handler_keeps_output_till_the_end),
                TEST(test_helper_process_that_hangs_is_ended_at_its_bound),
                TEST(test_helper_process_that_is_killed_is_no_status),
                TEST(test_helper_process_that_fills_its_room_is_read_whole),
                TEST(test_helper_process_that_writes_too_much_is_ended),
                TEST(test_helper_process_is_seen_by_no_ordinary_wait),
                TEST(test_helper_process_survives_what_a_stop_sends),
                TEST(test_helper_process_keeps_only_given_fds),
                TEST(test_helper_process_is_named_and_first_to_go_when_memory_is_short),
                TEST(test_helper_processes_do_not_wait_for_each_other),
                TEST(test_helper_process_freed_is_killed_and_reaped),
                TEST(test_helper_process_detached_goes_on_when_freed_till_its_bound),
                TEST(test_helper_process_dies_with_its_supervisor),
                TEST(test_helper_process_detached_outlives_its_supervisor),
                TEST(test_helper_process_in_a_sandbox_is_born_another_way),
                TEST(test_helper_process_without_fds_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
