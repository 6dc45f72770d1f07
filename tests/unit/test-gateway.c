/* SPDX-License-Identifier: MIT */

/* The gateway as a child: what it finds (environment, signals, fds) and how its end is told and
 * mirrored. Each child is a real shell; what it saw comes back through a pipe. */

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "gateway/gateway.h"

#define OUTPUT_MAX 65536

typedef struct Fixture {
        Gateway gateway;
        CallerSignals signals;
        sigset_t mask_before;
        int output_fd; /* what the child wrote */
        int saved_stdout;
        const char *argv0; /* of the next gateway */
        usec_t watchdog_usec;
        char output[OUTPUT_MAX];
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(Fixture));
        int fds[2];

        if (!fixture || pipe2(fds, O_CLOEXEC) < 0)
                return -1;
        (void) fflush(stdout);
        fixture->gateway.pidfd = -EBADF;
        fixture->output_fd = fds[0];
        fixture->saved_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
        if (dup2(fds[1], STDOUT_FILENO) < 0 || close(fds[1]) < 0 ||
                sigprocmask(SIG_SETMASK, NULL, &fixture->mask_before) < 0)
                return -1;
        *state = fixture;
        return 0;
}

static void restore_stdout(Fixture *fixture) {
        if (fixture->saved_stdout >= 0) {
                (void) dup2(fixture->saved_stdout, STDOUT_FILENO);
                fixture->saved_stdout = fd_close(fixture->saved_stdout);
        }
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        restore_stdout(fixture);
        if (fixture->gateway.pid > 0) {
                (void) kill(fixture->gateway.pid, SIGKILL);
                (void) waitpid(fixture->gateway.pid, NULL, 0);
        }
        gateway_done(&fixture->gateway);
        (void) fd_close(fixture->output_fd);
        (void) signal(SIGCHLD, SIG_DFL);
        (void) sigprocmask(SIG_SETMASK, &fixture->mask_before, NULL);
        free(fixture);
        return 0;
}

static int spawn(Fixture *fixture, char *const argv[], int *ret_exec_error) {
        GatewayCommand command = {
                .argv = argv,
                .argv0 = fixture->argv0,
                .notify_socket = "@gatewatch/test",
                .run_id = SD_ID128_MAKE(
                        01, 23, 45, 67, 89, ab, cd, ef, 01, 23, 45, 67, 89, ab, cd, ef),
                .previous = "clean",
                .watchdog_usec = fixture->watchdog_usec,
                .signals = &fixture->signals,
                .cgroup_fd = -EBADF,
        };
        int r;

        assert_int_equal(caller_signals_take(&fixture->signals), 0);
        r = gateway_spawn(&command, &fixture->gateway, ret_exec_error);
        restore_stdout(fixture);
        return r;
}

static siginfo_t wait_for_end(Fixture *fixture) {
        siginfo_t info = {};

        assert_int_equal(waitid(P_PID, (id_t) fixture->gateway.pid, &info, WEXITED), 0);
        fixture->gateway.pid = 0;
        return info;
}

/* Runs a gateway and collects what it wrote. */
static void run_command(Fixture *fixture, char *const argv[]) {
        int exec_error = -1;
        size_t n = 0;
        ssize_t r;

        assert_int_equal(spawn(fixture, argv, &exec_error), 0);
        assert_int_equal(exec_error, 0);
        assert_true(fixture->gateway.pid > 0);
        while ((r = read(fixture->output_fd, fixture->output + n, OUTPUT_MAX - 1 - n)) > 0)
                n += (size_t) r;
        fixture->output[n] = '\0';
}

static void run_script(Fixture *fixture, const char *script) {
        run_command(
                fixture, (char *const[]){ (char *) "sh", (char *) "-c", (char *) script, NULL });
}

static void test_gateway_spawn_environment_names_the_child(void **state) {
        Fixture *fixture = *state;
        char expected[256], own[16];
        pid_t pid;

        (void) snprintf(own, sizeof(own), "%d", getpid());
        (void) setenv("LISTEN_PID", own, 1);
        (void) setenv("SYSTEMD_EXEC_PID", own, 1);
        (void) setenv("LISTEN_PIDFDID", "77", 1);
        (void) setenv("LISTEN_FDS", "2", 1);
        (void) setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
        run_script(fixture,
                "echo $$ $LISTEN_PID $SYSTEMD_EXEC_PID x$LISTEN_PIDFDID $LISTEN_FDS"
                " $NOTIFY_SOCKET $GATEWATCH_RUN_ID $GATEWATCH_PREVIOUS");
        (void) unsetenv("LISTEN_PID");
        (void) unsetenv("SYSTEMD_EXEC_PID");
        (void) unsetenv("LISTEN_PIDFDID");
        (void) unsetenv("LISTEN_FDS");
        (void) unsetenv("NOTIFY_SOCKET");

        pid = fixture->gateway.pid;
        (void) snprintf(expected, sizeof(expected),
                "%d %d %d x 2 @gatewatch/test 0123456789abcdef0123456789abcdef clean\n", pid, pid,
                pid);
        assert_string_equal(fixture->output, expected);
}

static void run_with_callers_watchdog(Fixture *fixture, pid_t pid) {
        char value[16];

        (void) snprintf(value, sizeof(value), "%d", pid);
        (void) setenv("WATCHDOG_USEC", "30000000", 1);
        (void) setenv("WATCHDOG_PID", value, 1);
        run_script(fixture,
                "echo ${WATCHDOG_USEC-unset} ${WATCHDOG_PID-unset}; env | grep -c ^WATCHDOG_");
        (void) unsetenv("WATCHDOG_USEC");
        (void) unsetenv("WATCHDOG_PID");
}

static void assert_watchdog_of_child(Fixture *fixture, const char *usec) {
        char expected[64];

        (void) snprintf(expected, sizeof(expected), "%s %d\n2\n", usec, fixture->gateway.pid);
        assert_string_equal(fixture->output, expected);
}

static void test_gateway_spawn_without_watchdog_has_none_of_the_callers(void **state) {
        Fixture *fixture = *state;

        run_with_callers_watchdog(fixture, getpid());
        assert_string_equal(fixture->output, "unset unset\n0\n");
}

static void test_gateway_spawn_without_watchdog_has_none_of_a_stranger(void **state) {
        Fixture *fixture = *state;

        run_with_callers_watchdog(fixture, 1);
        assert_string_equal(fixture->output, "unset unset\n0\n");
}

static void test_gateway_spawn_watchdog_replaces_the_callers(void **state) {
        Fixture *fixture = *state;

        fixture->watchdog_usec = 1500000;
        run_with_callers_watchdog(fixture, getpid());
        assert_watchdog_of_child(fixture, "1500000");
}

static void test_gateway_spawn_watchdog_without_a_callers_names_the_child(void **state) {
        Fixture *fixture = *state;

        fixture->watchdog_usec = USEC_INFINITY - 1;
        run_script(fixture, "echo $WATCHDOG_USEC $WATCHDOG_PID; env | grep -c ^WATCHDOG_");
        assert_watchdog_of_child(fixture, "18446744073709551614");
}

static void test_gateway_spawn_foreign_listen_pid_is_left_alone(void **state) {
        Fixture *fixture = *state;

        (void) setenv("LISTEN_PID", "1", 1);
        run_script(fixture, "echo $LISTEN_PID");
        (void) unsetenv("LISTEN_PID");
        assert_string_equal(fixture->output, "1\n");
}

static void test_gateway_spawn_signals_are_the_callers(void **state) {
        Fixture *fixture = *state;
        sigset_t blocked;

        (void) sigemptyset(&blocked);
        (void) sigaddset(&blocked, SIGUSR2);
        assert_int_equal(sigprocmask(SIG_SETMASK, &blocked, NULL), 0);
        /* Whatever this program was started with: a shell's background, nohup(1). */
        for (int signo = 1; signo < SIGRTMIN; signo++)
                (void) signal(signo, SIG_DFL);
        (void) signal(SIGCHLD, SIG_IGN);
        (void) signal(SIGHUP, SIG_IGN);
        /* No shell: it would unblock all. */
        run_command(fixture,
                (char *const[]){ (char *) "grep", (char *) "-E",
                        (char *) "^Sig(Blk|Ign):", (char *) "/proc/self/status", NULL });
        (void) signal(SIGHUP, SIG_DFL);

        assert_string_equal(
                fixture->output, "SigBlk:\t0000000000000800\nSigIgn:\t0000000000010001\n");
}

static void test_caller_signals_take_blocks_all_and_keeps_statuses(void **state) {
        Fixture *fixture = *state;
        struct sigaction action;
        sigset_t now;

        (void) signal(SIGCHLD, SIG_IGN);
        assert_int_equal(caller_signals_take(&fixture->signals), 0);
        assert_true(fixture->signals.is_child_ignored);
        assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &now), 0);
        assert_int_equal(sigismember(&now, SIGTERM), 1);
        assert_int_equal(sigismember(&now, SIGRTMAX), 1);
        assert_int_equal(sigaction(SIGCHLD, NULL, &action), 0);
        assert_true(action.sa_handler == SIG_DFL);
}

static void test_gateway_spawn_inherited_fds_pass_and_ours_do_not(void **state) {
        Fixture *fixture = *state;
        int passed = fcntl(fixture->saved_stdout, F_DUPFD, 20), n_unknown = 0;
        bool has_passed = false;

        assert_true(passed >= 20);
        run_command(fixture, (char *const[]){ (char *) "ls", (char *) "/proc/self/fd", NULL });

        for (char *line = strtok(fixture->output, "\n"); line; line = strtok(NULL, "\n")) {
                int flags = fcntl(atoi(line), F_GETFD);

                has_passed = has_passed || atoi(line) == passed;
                if (atoi(line) > STDERR_FILENO && (flags < 0 || (flags & FD_CLOEXEC)))
                        n_unknown++; /* one is the directory that ls itself reads */
        }
        (void) close(passed);
        assert_true(has_passed);
        assert_int_equal(n_unknown, 1);
}

/* A supervisor that is killed at once after its fork: the gateway must go with it. Both hold the
 * writing end of the pipe that the gateway writes to. */
static void test_gateway_spawn_child_dies_with_its_parent(void **state) {
        Fixture *fixture = *state;
        char *const argv[] = { (char *) "sh", (char *) "-c", (char *) "echo up; exec cat", NULL };
        struct pollfd output = { .fd = fixture->output_fd, .events = POLLIN };
        int input[2], status;
        char text[8] = "";
        pid_t parent;

        assert_int_equal(pipe2(input, O_CLOEXEC), 0);
        parent = fork();
        assert_true(parent >= 0);
        if (parent == 0) {
                GatewayCommand command = {
                        .argv = argv, .signals = &fixture->signals, .cgroup_fd = -EBADF
                };
                int exec_error;

                (void) dup2(input[0], STDIN_FILENO); /* never ends: cat stays until it is killed */
                if (caller_signals_take(&fixture->signals) < 0 ||
                        gateway_spawn(&command, &fixture->gateway, &exec_error) < 0)
                        _exit(1);
                for (;;)
                        (void) pause();
        }
        restore_stdout(fixture);
        assert_int_equal(read(fixture->output_fd, text, sizeof(text)), 3);
        assert_int_equal(kill(parent, SIGKILL), 0);
        assert_int_equal(waitpid(parent, &status, 0), parent);

        assert_int_equal(poll(&output, 1, 20000), 1);
        assert_int_equal(read(fixture->output_fd, text, sizeof(text)), 0);
        (void) close(input[0]);
        (void) close(input[1]);
}

static void test_gateway_spawn_argv0_is_another_name_for_the_same_program(void **state) {
        Fixture *fixture = *state;

        fixture->argv0 = "gate way";
        run_script(fixture, "tr '\\0' '|' < /proc/$$/cmdline");
        assert_string_equal(fixture->output, "gate way|-c|tr '\\0' '|' < /proc/$$/cmdline|");
}

static void test_gateway_spawn_missing_command_is_told_from_an_unexecutable_one(void **state) {
        static const struct {
                const char *command;
                int error;
        } rows[] = {
                { "gatewatch-test-no-such-command", ENOENT },
                { "/nonexistent/command", ENOENT },
                { "/etc/passwd", EACCES },
                { "/", EACCES },
                { "/etc/passwd/x", ENOTDIR },
                { "", ENOENT },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *const argv[] = { (char *) rows[i].command, NULL };
                int exec_error = -1;

                assert_int_equal(spawn(fixture, argv, &exec_error), 0);
                if (exec_error != rows[i].error)
                        fail_msg("%s: %s", rows[i].command, strerror(exec_error));
                /* The child that failed is reaped. */
                assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
                assert_int_equal(errno, ECHILD);
        }
}

/* A directory of PATH that may not be looked into does not make a name that is nowhere "not executable". */
static void test_gateway_spawn_missing_command_behind_a_closed_directory_is_not_found(
        void **state) {
        Fixture *fixture = *state;
        char *const missing[] = { (char *) "gatewatch-test-no-such-command", NULL };
        char *const present[] = { (char *) "passwd-is-no-program", NULL };
        char directory[] = "/tmp/gatewatch-path-XXXXXX", path[4096], file[64];
        const char *before = getenv("PATH");
        int exec_error = -1, fd;

        assert_non_null(before);
        (void) snprintf(path, sizeof(path), "%s", before);
        assert_non_null(mkdtemp(directory));
        (void) snprintf(file, sizeof(file), "%s/%s", directory, present[0]);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        (void) close(fd);

        assert_int_equal(setenv("PATH", directory, 1), 0);
        assert_int_equal(spawn(fixture, present, &exec_error), 0);
        assert_int_equal(exec_error, EACCES);
        assert_int_equal(chmod(directory, 0), 0);
        assert_int_equal(spawn(fixture, missing, &exec_error), 0);
        assert_int_equal(exec_error, ENOENT);

        assert_int_equal(setenv("PATH", path, 1), 0);
        (void) chmod(directory, 0700);
        (void) unlink(file);
        (void) rmdir(directory);
}

static void test_gateway_signal_reaches_main_with_a_queued_value(void **state) {
        Fixture *fixture = *state;
        siginfo_t queued = { .si_code = SI_QUEUE, .si_pid = 4711, .si_uid = 99 };

        /* python3 shows the siginfo that a shell cannot */
        char *const argv[] = { (char *) "/usr/bin/python3", (char *) "-c",
                (char *) "import signal,os\n"
                         "signal.pthread_sigmask(signal.SIG_BLOCK,[signal.SIGUSR1])\n"
                         "os.write(1,b'!')\n"
                         "i=signal.sigwaitinfo([signal.SIGUSR1])\n"
                         "os.write(1,b'%d %d %d' % (i.si_code,i.si_pid,i.si_uid))\n",
                NULL };
        char ready, text[64] = "";
        int exec_error;

        assert_int_equal(spawn(fixture, argv, &exec_error), 0);
        assert_int_equal(exec_error, 0);
        assert_int_equal(read(fixture->output_fd, &ready, 1), 1);
        assert_int_equal(gateway_signal(&fixture->gateway, SIGUSR1, &queued), 0);
        assert_true(read(fixture->output_fd, text, sizeof(text) - 1) > 0);
        assert_string_equal(text, "-1 4711 99");
}

static void test_gateway_signal_after_the_end_is_esrch(void **state) {
        Fixture *fixture = *state;

        run_script(fixture, "exit 0");
        (void) wait_for_end(fixture);
        /* pid is 0 by now: without a pidfd that must not become our own process group. */
        assert_int_equal(gateway_signal(&fixture->gateway, SIGTERM, NULL), -ESRCH);
}

static void test_gateway_adopt_takes_another_process_or_stays(void **state) {
        Fixture *fixture = *state;
        pid_t old;

        run_script(fixture, "exit 0");
        if (fixture->gateway.pidfd < 0) /* no pidfds (valgrind): nobody can be adopted */
                return;
        old = fixture->gateway.pid;
        assert_int_equal(gateway_adopt(&fixture->gateway, 0x3fffff), -ESRCH);
        assert_int_equal(fixture->gateway.pid, old);
        assert_int_equal(waitpid(old, NULL, 0), old);

        assert_int_equal(gateway_adopt(&fixture->gateway, getpid()), 0);
        assert_int_equal(fixture->gateway.pid, getpid());
        assert_false(fixture->gateway.is_child);
        fixture->gateway.pid = 0;
}

/* Mirrors in a child of our own. Returns its wait status. */
static int mirrored(GatewayStatus status) {
        int wait_status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                CallerSignals signals;

                (void) !caller_signals_take(&signals);
                (void) signal(SIGHUP, SIG_IGN); /* as under nohup(1) */
                gateway_status_mirror(status);
        }
        assert_int_equal(waitpid(pid, &wait_status, 0), pid);
        return wait_status;
}

static void test_gateway_status_mirror_every_exit_code(void **state) {
        for (int code = 0; code < 256; code++) {
                int status = mirrored(gateway_status_from_code(CLD_EXITED, code));

                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), code);
        }
}

/* valgrind keeps these to itself. */
static bool is_taken_by_valgrind(int signo) {
        const char *preload = getenv("LD_PRELOAD");

        return (signo == SIGSTKFLT || signo == SIGSYS || signo == SIGRTMAX) && preload &&
                strstr(preload, "vgpreload");
}

static void test_gateway_status_mirror_every_deadly_signal_without_a_core(void **state) {
        struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY }, before;

        assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
        unlimited.rlim_max = before.rlim_max;
        unlimited.rlim_cur = before.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_CORE, &unlimited), 0);
        for (int signo = 1; signo <= SIGRTMAX; signo++) {
                bool survives = signo == SIGCHLD || signo == SIGCONT || signo == SIGURG ||
                        signo == SIGWINCH;
                bool stops = signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN ||
                        signo == SIGTTOU;
                int status;

                if (stops || (signo > SIGSYS && signo < SIGRTMIN) || is_taken_by_valgrind(signo))
                        continue; /* nobody dies of a stop, and 32 and 33 are the C library's */
                status = mirrored(gateway_status_from_code(CLD_DUMPED, signo));
                if (survives) {
                        assert_int_equal(WEXITSTATUS(status), 128 + signo);
                        continue;
                }
                if (!WIFSIGNALED(status) || WTERMSIG(status) != signo || WCOREDUMP(status))
                        fail_msg("signal %d: status %#x", signo, (unsigned) status);
        }
        assert_int_equal(setrlimit(RLIMIT_CORE, &before), 0);
}

static void test_gateway_status_from_code_tells_the_three_ends(void **state) {
        assert_string_equal(
                gateway_end_to_string(gateway_status_from_code(CLD_EXITED, 3).end), "exited");
        assert_string_equal(
                gateway_end_to_string(gateway_status_from_code(CLD_KILLED, 9).end), "killed");
        assert_string_equal(
                gateway_end_to_string(gateway_status_from_code(CLD_DUMPED, 11).end), "dumped");
        assert_int_equal(gateway_status_from_code(CLD_DUMPED, 11).status, 11);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_gateway_spawn_environment_names_the_child),
                TEST(test_gateway_spawn_without_watchdog_has_none_of_the_callers),
                TEST(test_gateway_spawn_without_watchdog_has_none_of_a_stranger),
                TEST(test_gateway_spawn_watchdog_replaces_the_callers),
                TEST(test_gateway_spawn_watchdog_without_a_callers_names_the_child),
                TEST(test_gateway_spawn_foreign_listen_pid_is_left_alone),
                TEST(test_gateway_spawn_signals_are_the_callers),
                TEST(test_caller_signals_take_blocks_all_and_keeps_statuses),
                TEST(test_gateway_spawn_inherited_fds_pass_and_ours_do_not),
                TEST(test_gateway_spawn_child_dies_with_its_parent),
                TEST(test_gateway_spawn_argv0_is_another_name_for_the_same_program),
                TEST(test_gateway_spawn_missing_command_is_told_from_an_unexecutable_one),
                TEST(test_gateway_spawn_missing_command_behind_a_closed_directory_is_not_found),
                TEST(test_gateway_signal_reaches_main_with_a_queued_value),
                TEST(test_gateway_signal_after_the_end_is_esrch),
                TEST(test_gateway_adopt_takes_another_process_or_stays),
                cmocka_unit_test(test_gateway_status_mirror_every_exit_code),
                cmocka_unit_test(test_gateway_status_mirror_every_deadly_signal_without_a_core),
                cmocka_unit_test(test_gateway_status_from_code_tells_the_three_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
