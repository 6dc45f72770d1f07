/* SPDX-License-Identifier: MIT */

/* The relay: who passes a stop signal on, and that it is one and only one. Main is a real process that
 * has all signals blocked, so that what it was sent stays pending and can be asked for. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "file.h"
#include "run/stop-relay.h"

#define RACES 300

typedef struct Fixture {
        StopRelay relay;
        StopRelayPlan plan;
        pid_t pid;
        int pidfd;
} Fixture;

static pid_t start_main(void) {
        sigset_t all, before;
        pid_t pid;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, &before);
        pid = fork();
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void) pause();
        }
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return pid;
}

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(Fixture));

        if (!fixture)
                return -1;
        stop_relay_init(&fixture->relay);
        fixture->plan = (StopRelayPlan){ .manager_pid = 1, .first_signo = SIGTERM };
        fixture->pid = start_main();
        fixture->pidfd = pidfd_open(fixture->pid, 0);
        *state = fixture;
        /* valgrind 3.19 knows no pidfds. */
        return fixture->pid > 0 && (fixture->pidfd >= 0 || errno == ENOSYS) ? 0 : -1;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void) kill(fixture->pid, SIGKILL);
        (void) waitpid(fixture->pid, NULL, 0);
        (void) fd_close(fixture->pidfd);
        stop_relay_done(&fixture->relay);
        free(fixture);
        return 0;
}

static void arm(Fixture *fixture) {
        if (fixture->pidfd < 0)
                skip();
        assert_int_equal(
                stop_relay_arm(&fixture->relay, &fixture->plan, fixture->pid, fixture->pidfd), 0);
}

static CaughtSignal caught_from(int signo, int code, pid_t sender) {
        return (CaughtSignal){
                .info = { .ssi_signo = (uint32_t) signo,
                        .ssi_code = code,
                        .ssi_pid = (uint32_t) sender },
        };
}

/* Whether a signal waits in main's queue (SigPnd and ShdPnd of status). */
static bool main_has(const Fixture *fixture, int signo) {
        char path[64], text[4096];
        const char *line;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", fixture->pid);
        assert_true(file_read_virtual(AT_FDCWD, path, text, sizeof(text)) > 0);
        line = strstr(text, "\nShdPnd:");
        assert_non_null(line);
        return (strtoull(line + strlen("\nShdPnd:"), NULL, 16) >> (signo - 1)) & 1;
}

static void test_relay_stop_signal_of_a_process_is_passed_once(void **state) {
        Fixture *fixture = *state;
        CaughtSignal first = caught_from(SIGTERM, SI_USER, 4711);
        CaughtSignal second = caught_from(SIGTERM, SI_USER, 4712);

        arm(fixture);
        assert_false(main_has(fixture, SIGTERM));
        stop_relay_pass(&fixture->relay, &first);
        assert_int_equal(first.relayed_signo, SIGTERM);
        assert_int_equal(first.relayed_to, fixture->pid);
        assert_true(main_has(fixture, SIGTERM));

        stop_relay_pass(&fixture->relay, &second);
        assert_int_equal(second.relayed_signo, 0);
        assert_false(stop_relay_claim(&fixture->relay));
        assert_int_equal(
                stop_relay_arm(&fixture->relay, &fixture->plan, fixture->pid, fixture->pidfd),
                -EBUSY);
}

static void test_relay_claimed_by_the_loop_passes_nothing(void **state) {
        Fixture *fixture = *state;
        CaughtSignal caught = caught_from(SIGTERM, SI_USER, 4711);

        arm(fixture);
        assert_true(stop_relay_claim(&fixture->relay));
        assert_false(stop_relay_claim(&fixture->relay));
        stop_relay_pass(&fixture->relay, &caught);
        assert_int_equal(caught.relayed_signo, 0);
        assert_false(main_has(fixture, SIGTERM));
}

static void test_relay_unarmed_passes_nothing_and_can_be_claimed(void **state) {
        Fixture *fixture = *state;
        CaughtSignal caught = caught_from(SIGTERM, SI_USER, 4711);

        stop_relay_pass(&fixture->relay, &caught);
        assert_int_equal(caught.relayed_signo, 0);
        assert_int_equal(stop_relay_arm(&fixture->relay, &fixture->plan, 0, -EBADF), 0);
        stop_relay_pass(&fixture->relay, &caught);
        assert_int_equal(caught.relayed_signo, 0);
        assert_true(stop_relay_claim(&fixture->relay));
}

typedef struct Row {
        int signo;
        int code;
        pid_t sender;
        KillMode kill_mode;
        bool spares_manager;
        int first_signo;
        int passed; /* 0: left to the loop */
} Row;

static void test_relay_decides_as_the_policy_does(void **state) {
        static const Row rows[] = {
                { SIGTERM, SI_USER, 4711, KILL_MODE_MIXED, false, SIGTERM, SIGTERM },
                { SIGTERM, SI_QUEUE, 4711, KILL_MODE_MIXED, false, SIGTERM, SIGTERM },
                { SIGTERM, SI_TKILL, 4711, KILL_MODE_MIXED, false, SIGTERM, SIGTERM },
                { SIGTERM, SI_USER, 1, KILL_MODE_MIXED, false, SIGTERM, SIGTERM },
                { SIGTERM, SI_USER, 4711, KILL_MODE_MIXED, false, SIGUSR1, SIGUSR1 },
                { SIGINT, SI_USER, 4711, KILL_MODE_MIXED, false, SIGTERM, SIGINT },
                { SIGUSR2, SI_USER, 1, KILL_MODE_MIXED, false, SIGTERM, SIGTERM }, /* KillSignal= */
                /* systemd has sent it to main as well */
                { SIGTERM, SI_USER, 1, KILL_MODE_CONTROL_GROUP, false, SIGTERM, 0 },
                { SIGTERM, SI_USER, 4711, KILL_MODE_CONTROL_GROUP, false, SIGTERM, SIGTERM },
                /* the loop writes the planned-stop marker first */
                { SIGTERM, SI_USER, 1, KILL_MODE_MIXED, true, SIGTERM, 0 },
                { SIGTERM, SI_USER, 4711, KILL_MODE_MIXED, true, SIGTERM, SIGTERM },
                { SIGINT, SI_KERNEL, 0, KILL_MODE_MIXED, false, SIGTERM, 0 },  /* a terminal */
                { SIGHUP, SI_USER, 4711, KILL_MODE_MIXED, false, SIGTERM, 0 }, /* no stop */
                { SIGUSR1, SI_USER, 1, KILL_MODE_MIXED, false, SIGTERM, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Fixture *fixture = *state;
                CaughtSignal caught = caught_from(rows[i].signo, rows[i].code, rows[i].sender);

                stop_relay_done(&fixture->relay);
                stop_relay_init(&fixture->relay);
                fixture->plan.facts = (SignalFacts){
                        .has_properties = true,
                        .kill_mode = rows[i].kill_mode,
                        .kill_signal = SIGUSR2,
                        .restart_kill_signal = SIGUSR2,
                };
                fixture->plan.spares_manager = rows[i].spares_manager;
                fixture->plan.first_signo = rows[i].first_signo;
                arm(fixture);
                stop_relay_pass(&fixture->relay, &caught);
                assert_int_equal(caught.relayed_signo, rows[i].passed);
                /* What was left to the loop is the loop's to send. */
                assert_int_equal(stop_relay_claim(&fixture->relay), rows[i].passed == 0);
        }
}

static void test_relay_main_that_is_gone_leaves_it_to_the_loop(void **state) {
        Fixture *fixture = *state;
        CaughtSignal caught = caught_from(SIGTERM, SI_USER, 4711);

        arm(fixture);
        (void) kill(fixture->pid, SIGKILL);
        assert_int_equal(waitpid(fixture->pid, NULL, 0), fixture->pid);
        stop_relay_pass(&fixture->relay, &caught);
        assert_int_equal(caught.relayed_signo, 0);
        assert_true(stop_relay_claim(&fixture->relay));
        fixture->pid = start_main();
}

typedef struct Race {
        StopRelay *relay;
        pthread_barrier_t *barrier;
        CaughtSignal caught;
} Race;

static void *race_pass(void *userdata) {
        Race *race = userdata;

        (void) pthread_barrier_wait(race->barrier);
        stop_relay_pass(race->relay, &race->caught);
        return NULL;
}

/* Either the thread sends or the loop is told to, never both, never neither. */
static void test_relay_race_of_thread_and_loop_has_one_winner(void **state) {
        Fixture *fixture = *state;
        pthread_barrier_t barrier;
        unsigned n_thread = 0, n_loop = 0;

        assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
        for (unsigned i = 0; i < RACES; i++) {
                Race race = {
                        .relay = &fixture->relay,
                        .barrier = &barrier,
                        .caught = caught_from(SIGTERM, SI_USER, 4711),
                };
                pthread_t thread;
                bool is_loops;

                stop_relay_done(&fixture->relay);
                stop_relay_init(&fixture->relay);
                arm(fixture);
                assert_int_equal(pthread_create(&thread, NULL, race_pass, &race), 0);
                (void) pthread_barrier_wait(&barrier);
                /* A change of plan in the middle of it changes nothing. */
                (void) !stop_relay_arm(
                        &fixture->relay, &fixture->plan, fixture->pid, fixture->pidfd);
                is_loops = stop_relay_claim(&fixture->relay);
                assert_int_equal(pthread_join(thread, NULL), 0);
                assert_int_equal(is_loops, race.caught.relayed_signo == 0);
                n_loop += is_loops;
                n_thread += !is_loops;
        }
        (void) pthread_barrier_destroy(&barrier);
        assert_int_equal(n_loop + n_thread, RACES);
}

#define RELAY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                RELAY_TEST(test_relay_stop_signal_of_a_process_is_passed_once),
                RELAY_TEST(test_relay_claimed_by_the_loop_passes_nothing),
                RELAY_TEST(test_relay_unarmed_passes_nothing_and_can_be_claimed),
                RELAY_TEST(test_relay_decides_as_the_policy_does),
                RELAY_TEST(test_relay_main_that_is_gone_leaves_it_to_the_loop),
                RELAY_TEST(test_relay_race_of_thread_and_loop_has_one_winner),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
