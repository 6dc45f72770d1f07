/* SPDX-License-Identifier: MIT */

/* What is left of a helper before the supervisor exits: helpers that were freed in a loop that does
 * not turn any more, and what they had executed, which this process inherits as their subreaper.
 * "go" is what a process waits for, "said" carries the pid of whoever is ready. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "forensics/helper-process.h"

#define BOUND_USEC   (50 * USEC_PER_MSEC)
#define PATIENT_USEC (30 * USEC_PER_SEC)

typedef struct Fixture {
        sd_event *event;
        HelperProcess *helper;
        int go_fds[2], said_fds[2];
        int keep_fds[2];
} Fixture;

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 2; i++) {
                fixture->go_fds[i] = fd_close(fixture->go_fds[i]);
                fixture->said_fds[i] = fd_close(fixture->said_fds[i]);
        }
        (void) helper_process_free(fixture->helper);
        /* Without the other end of "go" all have ended or are about to. */
        while (waitid(P_ALL, 0, &(siginfo_t){}, WEXITED | __WALL) >= 0)
                ;
        (void) sd_event_unref(fixture->event);
        free(fixture);
        return prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        *state = fixture;
        if (sd_event_new(&fixture->event) < 0 || pipe2(fixture->go_fds, O_CLOEXEC) < 0 ||
                pipe2(fixture->said_fds, O_CLOEXEC) < 0)
                return -1;
        fixture->keep_fds[0] = fixture->go_fds[0];
        fixture->keep_fds[1] = fixture->said_fds[1];
        return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void fixture_handler(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        fail_msg("the loop does not turn, but the handler was told %d", status);
}

/* ---- Bodies ---- */

/* Says who it is and lives until "go" is closed. */
static int live(const Fixture *fixture) {
        pid_t pid = getpid();
        char byte;

        if (write(fixture->said_fds[1], &pid, sizeof(pid)) != sizeof(pid))
                return 1;
        return read(fixture->go_fds[0], &byte, 1) == 0 ? 0 : 2;
}

static int body_that_lives(int output_fd, void *userdata) {
        return live(userdata);
}

static int body_with_child(Fixture *fixture, bool is_bound) {
        pid_t self = getpid();
        pid_t pid = fork();

        if (pid < 0)
                return 1;
        if (pid > 0)
                for (;;)
                        (void) pause();
        if (is_bound && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self))
                _exit(1);
        _exit(live(fixture));
}

static int body_with_child_that_dies_with_it(int output_fd, void *userdata) {
        return body_with_child(userdata, /* is_bound= */ true);
}

static int body_with_child_that_outlives_it(int output_fd, void *userdata) {
        return body_with_child(userdata, /* is_bound= */ false);
}

/* ---- Tests ---- */

/* Returns: the helper's pid; ret_said_pid: whoever is ready. */
static pid_t start(Fixture *fixture, HelperMain body, bool is_detached, pid_t *ret_said_pid) {
        const HelperConfig config = {
                .title = "gatewatch-test",
                .timeout_usec = PATIENT_USEC,
                .keep_fds = fixture->keep_fds,
                .n_keep_fds = ELEMENTSOF(fixture->keep_fds),
                .is_detached = is_detached,
                .main = body,
                .main_userdata = fixture,
                .handler = fixture_handler,
                .userdata = fixture,
        };

        assert_int_equal(helper_process_start(fixture->event, &config, &fixture->helper), 0);
        /* Whoever dies before it has said anything is the end of the file. */
        fixture->said_fds[1] = fd_close(fixture->said_fds[1]);
        fixture->go_fds[0] = fd_close(fixture->go_fds[0]);
        assert_int_equal(read(fixture->said_fds[0], ret_said_pid, sizeof(pid_t)), sizeof(pid_t));
        return helper_process_pid(fixture->helper);
}

static void assert_nobody_is_left(void) {
        assert_int_equal(waitid(P_ALL, 0, &(siginfo_t){}, WEXITED | WNOHANG | __WALL), -1);
        assert_int_equal(errno, ECHILD);
}

static void assert_lives(pid_t pid) {
        siginfo_t info = {};

        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL), 0);
        assert_int_equal(info.si_pid, 0);
}

static void test_helper_process_await_killed_helper_is_collected(void **state) {
        Fixture *fixture = *state;
        pid_t said;

        pid_t pid = start(fixture, body_that_lives, /* is_detached= */ false, &said);
        assert_int_equal(said, pid);
        fixture->helper = helper_process_free(fixture->helper);
        helper_process_await(pid, usec_now(CLOCK_MONOTONIC) + PATIENT_USEC);
        assert_nobody_is_left();
}

static void test_helper_process_await_what_it_had_executed_is_collected(void **state) {
        Fixture *fixture = *state;
        pid_t said;

        pid_t pid =
                start(fixture, body_with_child_that_dies_with_it, /* is_detached= */ false, &said);
        assert_int_not_equal(said, pid);
        fixture->helper = helper_process_free(fixture->helper);
        helper_process_await(pid, usec_now(CLOCK_MONOTONIC) + PATIENT_USEC);
        assert_nobody_is_left();
}

static void test_helper_process_await_helper_that_lives_is_given_up_at_the_bound(void **state) {
        Fixture *fixture = *state;
        pid_t said;

        pid_t pid = start(fixture, body_that_lives, /* is_detached= */ true, &said);
        fixture->helper = helper_process_free(fixture->helper);
        usec_t until_usec = usec_now(CLOCK_MONOTONIC) + BOUND_USEC;
        helper_process_await(pid, until_usec);
        assert_true(usec_now(CLOCK_MONOTONIC) >= until_usec);
        assert_lives(pid);

        helper_process_await(pid, /* until_usec= */ 0); /* long ago */
        assert_lives(pid);
}

static void test_helper_process_await_executed_that_lives_is_given_up_at_the_bound(void **state) {
        Fixture *fixture = *state;
        pid_t said;

        pid_t pid =
                start(fixture, body_with_child_that_outlives_it, /* is_detached= */ false, &said);
        fixture->helper = helper_process_free(fixture->helper);
        /* Dead for sure, so that the bound is spent on its child alone. */
        assert_int_equal(waitid(P_PID, (id_t) pid, &(siginfo_t){}, WEXITED | WNOWAIT | __WALL), 0);
        usec_t until_usec = usec_now(CLOCK_MONOTONIC) + BOUND_USEC;
        helper_process_await(pid, until_usec);
        assert_true(usec_now(CLOCK_MONOTONIC) >= until_usec);
        assert_lives(said);
        assert_int_equal(waitid(P_PID, (id_t) pid, &(siginfo_t){}, WEXITED | WNOHANG | __WALL), -1);
}

static void test_helper_process_await_no_helper_collects_nobody(void **state) {
        siginfo_t info = {};

        pid_t pid = fork();
        if (pid == 0)
                _exit(7);
        assert_true(pid > 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
        helper_process_await(/* pid= */ 0, usec_now(CLOCK_MONOTONIC) + PATIENT_USEC);
        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        assert_int_equal(info.si_status, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_helper_process_await_killed_helper_is_collected),
                TEST(test_helper_process_await_what_it_had_executed_is_collected),
                TEST(test_helper_process_await_helper_that_lives_is_given_up_at_the_bound),
                TEST(test_helper_process_await_executed_that_lives_is_given_up_at_the_bound),
                TEST(test_helper_process_await_no_helper_collects_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
