/* SPDX-License-Identifier: MIT */

/* The gateway's birth and the mirror of its end.
 *
 * Birth is vfork(2), or clone3(2) with CLONE_VFORK where the child is to be born into a cgroup
 * (CLONE_INTO_CGROUP): either way we sleep until it has executed its program or given up, so that the
 * answer is known when the call returns. The child restores what is the caller's (signal mask,
 * SIGCHLD), ties its life to ours and executes; whatever needs memory was prepared before, with room
 * for the pid, which only the child knows.
 *
 * What this is not: a service manager. It changes no user, no limit, no directory; systemd has done
 * all that for us, and the gateway inherits it. */

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "gateway.h"

/* Linux 5.7; not in the headers of every C library that we build with. */
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* NOTIFY_SOCKET, GATEWATCH_RUN_ID, GATEWATCH_PREVIOUS, WATCHDOG_USEC, WATCHDOG_PID, NULL */
#define ENVIRONMENT_ADDED 6
#define PID_DIGITS_MAX    10 /* of a 32 bit number */

/* Variables whose value is the gateway's pid. The caller's LISTEN_PID and SYSTEMD_EXEC_PID are kept in
 * that sense; a WATCHDOG_PID is never the caller's. */
typedef enum PidVariable {
        PID_VARIABLE_LISTEN,
        PID_VARIABLE_EXEC,
        PID_VARIABLE_WATCHDOG,
        _PID_VARIABLE_MAX,
        _PID_VARIABLE_INVALID = -EINVAL,
} PidVariable;

/* What execve(2) takes beside the program: the environment, and the arguments where they differ from
 * the command's words. Strings of the caller's environment and the words are borrowed, ours are owned.
 * pid_values point behind the "=" of those that have to name the child. */
typedef struct Environment {
        char **argv; /* NULL: the command's own */
        char **block;
        char *notify_socket;
        char *run_id;
        char *previous;
        char *watchdog_usec;
        char *pid_strings[_PID_VARIABLE_MAX];
        char *pid_values[_PID_VARIABLE_MAX];
} Environment;

static const char *const pid_variables[_PID_VARIABLE_MAX] = {
        [PID_VARIABLE_LISTEN] = "LISTEN_PID=",
        [PID_VARIABLE_EXEC] = "SYSTEMD_EXEC_PID=",
        [PID_VARIABLE_WATCHDOG] = "WATCHDOG_PID=",
};

static const char *const gateway_end_table[_GATEWAY_END_MAX] = {
        [GATEWAY_EXITED] = "exited",
        [GATEWAY_KILLED] = "killed",
        [GATEWAY_DUMPED] = "dumped",
};

const char *gateway_end_to_string(GatewayEnd end) {
        assert(end >= 0 && end < _GATEWAY_END_MAX);
        return gateway_end_table[end];
}

int caller_signals_take(CallerSignals *ret_signals) {
        const struct sigaction by_default = { .sa_handler = SIG_DFL };
        CallerSignals signals = {};
        struct sigaction action;
        sigset_t all;

        (void) sigfillset(&all);
        if (sigprocmask(SIG_SETMASK, &all, &signals.mask) < 0)
                return -errno;

        /* With SIGCHLD ignored the kernel reaps behind our back and no status is to be had. */
        if (sigaction(SIGCHLD, &by_default, &action) < 0)
                return -errno;
        signals.is_child_ignored = action.sa_handler == SIG_IGN;

        *ret_signals = signals;
        return 0;
}

static void environment_done(Environment *environment) {
        for (PidVariable i = 0; i < _PID_VARIABLE_MAX; i++)
                free(environment->pid_strings[i]);
        free(environment->watchdog_usec);
        free(environment->previous);
        free(environment->run_id);
        free(environment->notify_socket);
        free(environment->block);
        free(environment->argv);
}

static bool variable_is(const char *variable, const char *name_and_equals) {
        return strncmp(variable, name_and_equals, strlen(name_and_equals)) == 0;
}

static bool variable_is_replaced(const char *variable) {
        static const char *const names[] = {
                "NOTIFY_SOCKET=", "GATEWATCH_RUN_ID=", "GATEWATCH_PREVIOUS=",
                "LISTEN_PIDFDID=", /* tells newer libsystemd our own identity, not the child's */
                "WATCHDOG_USEC=", "WATCHDOG_PID=", /* systemd's watchdog is fed by us */
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (variable_is(variable, names[i]))
                        return true;
        return false;
}

/* Which of the pid variables this is, when it names us: one that names another process was
 * inherited from somebody else and means neither us nor the gateway. */
static PidVariable variable_find_own_pid(const char *variable) {
        for (PidVariable i = 0; i < _PID_VARIABLE_MAX; i++)
                if (variable_is(variable, pid_variables[i]))
                        return strtol(variable + strlen(pid_variables[i]), NULL, 10) == getpid()
                                ? i
                                : _PID_VARIABLE_INVALID;
        return _PID_VARIABLE_INVALID;
}

static int environment_reserve_pid(Environment *environment, PidVariable variable) {
        size_t prefix = strlen(pid_variables[variable]);
        char *string;

        string = malloc(prefix + PID_DIGITS_MAX + 1);
        if (!string)
                return -ENOMEM;
        memcpy(string, pid_variables[variable], prefix + 1);
        free(environment->pid_strings[variable]);
        environment->pid_strings[variable] = string;
        environment->pid_values[variable] = string + prefix;
        return 0;
}

/* The command's words, but for the first one. */
static int environment_set_argv0(Environment *environment, const GatewayCommand *command) {
        size_t n = 1;

        if (!command->argv0)
                return 0;
        while (command->argv[n])
                n++;
        environment->argv = calloc(n + 1, sizeof(char *));
        if (!environment->argv)
                return -ENOMEM;
        memcpy(environment->argv, command->argv, n * sizeof(char *));
        environment->argv[0] = (char *) command->argv0;
        return 0;
}

static int environment_format(char **ret_string, const char *name_and_equals, const char *value) {
        if (asprintf(ret_string, "%s%s", name_and_equals, value) < 0) {
                *ret_string = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* The caller's variables, as far as they are the gateway's too. Returns: how many; -ENOMEM. */
static ssize_t environment_take_callers(Environment *environment) {
        ssize_t n = 0;

        for (char **variable = environ; variable && *variable; variable++) {
                if (variable_is_replaced(*variable))
                        continue;
                PidVariable i = variable_find_own_pid(*variable);
                if (i >= 0 && environment_reserve_pid(environment, i) < 0)
                        return -ENOMEM;
                environment->block[n++] = i >= 0 ? environment->pid_strings[i] : *variable;
        }
        return n;
}

static int environment_add_watchdog(Environment *environment, usec_t watchdog_usec, size_t *n) {
        char value[32];

        if (watchdog_usec == 0)
                return 0;
        (void) snprintf(value, sizeof(value), "%" USEC_FMT, watchdog_usec);
        int r = environment_format(&environment->watchdog_usec, "WATCHDOG_USEC=", value);
        if (r < 0)
                return r;
        r = environment_reserve_pid(environment, PID_VARIABLE_WATCHDOG);
        if (r < 0)
                return r;
        environment->block[(*n)++] = environment->watchdog_usec;
        environment->block[(*n)++] = environment->pid_strings[PID_VARIABLE_WATCHDOG];
        return 0;
}

static int environment_init(Environment *environment, const GatewayCommand *command) {
        char run_id[SD_ID128_STRING_MAX];
        const struct {
                const char *name_and_equals, *value;
                char **string;
        } added[] = {
                { "GATEWATCH_RUN_ID=", sd_id128_to_string(command->run_id, run_id),
                        &environment->run_id },
                { "NOTIFY_SOCKET=", command->notify_socket, &environment->notify_socket },
                { "GATEWATCH_PREVIOUS=", command->previous, &environment->previous },
        };
        size_t n_caller = 0;

        *environment = (Environment){};
        while (environ && environ[n_caller])
                n_caller++;
        environment->block = calloc(n_caller + ENVIRONMENT_ADDED, sizeof(char *));
        if (!environment->block)
                return -ENOMEM;

        ssize_t r = environment_take_callers(environment);
        if (r < 0)
                return (int) r;
        size_t n = (size_t) r;
        for (size_t i = 0; i < ELEMENTSOF(added); i++) {
                if (!added[i].value)
                        continue;
                if (environment_format(added[i].string, added[i].name_and_equals, added[i].value) <
                        0)
                        return -ENOMEM;
                environment->block[n++] = *added[i].string;
        }
        return environment_add_watchdog(environment, command->watchdog_usec, &n);
}

/* In the child, perhaps in our memory: no allocation, no locale. */
static void environment_set_pid(Environment *environment, pid_t pid) {
        char digits[PID_DIGITS_MAX];
        size_t n = 0;

        for (; pid > 0 && n < sizeof(digits); pid /= 10)
                digits[n++] = (char) ('0' + pid % 10);

        for (PidVariable i = 0; i < _PID_VARIABLE_MAX; i++) {
                if (!environment->pid_values[i])
                        continue;
                for (size_t k = 0; k < n; k++)
                        environment->pid_values[i][k] = digits[n - 1 - k];
                environment->pid_values[i][n] = '\0';
        }
}

static int child_restore_signals(const CallerSignals *signals) {
        if (signals->is_child_ignored && signal(SIGCHLD, SIG_IGN) == SIG_ERR)
                return -errno;
        return sigprocmask(SIG_SETMASK, &signals->mask, NULL) < 0 ? -errno : 0;
}

/* Never returns: the child becomes the gateway, or says through the pipe why not. */
static void _noreturn_ child_execute(
        const GatewayCommand *command, Environment *environment, pid_t parent, int error_fd) {
        int error;

        environment_set_pid(environment, getpid());
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
                error = errno;
                goto fail;
        }
        /* Who died before the line above will send nothing. In a new pid namespace it reads 0. */
        if (getppid() != parent) {
                error = ESRCH;
                goto fail;
        }

        error = -child_restore_signals(command->signals);
        if (error > 0)
                goto fail;

        (void) execvpe(command->argv[0], environment->argv ?: command->argv, environment->block);
        error = errno;
fail:
        (void) !write(error_fd, &error, sizeof(error));
        _exit(error == ENOENT ? 127 : 126);
}

/* Into a group: the child gets a copy of our memory (CLONE_VFORK, not CLONE_VM), because C has no
 * clone3() that would keep the shared stack whole.
 * Returns: the child's pid; negative errno. */
static pid_t fork_into_cgroup(
        const GatewayCommand *command, Environment *environment, int error_fd, int *ret_pidfd) {
        int pidfd = -EBADF;
        struct clone_args arguments = {
                .flags = CLONE_PIDFD | CLONE_VFORK | CLONE_INTO_CGROUP,
                .pidfd = (uintptr_t) &pidfd,
                .exit_signal = SIGCHLD,
                .cgroup = (uint64_t) command->cgroup_fd,
        };
        pid_t parent = getpid(), pid;

        pid = (pid_t) syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_execute(command, environment, parent, error_fd);
        *ret_pidfd = pidfd;
        return pid;
}

/* Returns: the child's pid; negative errno. */
static pid_t fork_plainly(
        const GatewayCommand *command, Environment *environment, int error_fd, int *ret_pidfd) {
        pid_t parent = getpid(), pid;

        pid = vfork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_execute(command, environment, parent, error_fd);

        /* It is our child and not reaped: the pid cannot be another's. Without pidfds (a sandbox's
         * filter, valgrind) that also makes kill(2) safe. */
        *ret_pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (*ret_pidfd < 0)
                *ret_pidfd = -EBADF;
        return pid;
}

/* execvpe(3) says EACCES for a name that it did not find when it was not allowed to look into one of
 * PATH's directories. To whoever misspelt a command it is simply not there. */
static int spawn_refine_error(const char *name, int error) {
        const char *path = getenv("PATH") ?: "/bin:/usr/bin";
        char candidate[PATH_MAX];

        if (error != EACCES || strchr(name, '/'))
                return error;
        while (*path) {
                size_t length = strcspn(path, ":");

                if (snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int) length, path,
                            length > 0 ? "/" : "", name) < (int) sizeof(candidate) &&
                        faccessat(AT_FDCWD, candidate, F_OK, AT_EACCESS) == 0)
                        return EACCES;
                path += length + (path[length] == ':');
        }
        return ENOENT;
}

int gateway_spawn(const GatewayCommand *command, Gateway *ret_gateway, int *ret_exec_error) {
        _cleanup_(environment_done) Environment environment = {};
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        int pipe_fds[2], pidfd = -EBADF, error = 0, r;
        ssize_t n;
        pid_t pid;

        r = environment_init(&environment, command);
        if (r < 0)
                return r;
        r = environment_set_argv0(&environment, command);
        if (r < 0)
                return r;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = pipe_fds[0];
        write_fd = pipe_fds[1];

        pid = command->cgroup_fd >= 0 ? fork_into_cgroup(command, &environment, write_fd, &pidfd)
                                      : fork_plainly(command, &environment, write_fd, &pidfd);
        if (pid < 0)
                return pid;

        /* End of file means that exec closed the other end. */
        write_fd = fd_close(write_fd);
        do
                n = read(read_fd, &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        if (n == sizeof(error)) {
                (void) waitpid(pid, NULL, 0);
                (void) fd_close(pidfd);
                *ret_exec_error = spawn_refine_error(command->argv[0], error);
                return 0;
        }

        *ret_exec_error = 0;
        *ret_gateway = (Gateway){ .pid = pid, .pidfd = pidfd, .is_child = true };
        return 0;
}

void gateway_done(Gateway *gateway) {
        gateway->pidfd = fd_close(gateway->pidfd);
        gateway->pid = 0;
}

int gateway_signal(const Gateway *gateway, int signo, const siginfo_t *queued) {
        siginfo_t info;
        long r;

        if (queued) {
                info = *queued;
                info.si_signo = signo;
        }
        if (gateway->pidfd >= 0)
                r = syscall(SYS_pidfd_send_signal, gateway->pidfd, signo, queued ? &info : NULL, 0);
        else if (!gateway->is_child || gateway->pid <= 0)
                return -ESRCH;
        else if (queued)
                r = syscall(SYS_rt_sigqueueinfo, gateway->pid, signo, &info);
        else
                r = kill(gateway->pid, signo);
        return r < 0 ? -errno : 0;
}

int gateway_adopt(Gateway *gateway, pid_t pid) {
        siginfo_t info = {};
        int pidfd;

        if (pid == gateway->pid)
                return 0;
        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
                return -errno;

        (void) fd_close(gateway->pidfd);
        *gateway = (Gateway){
                .pid = pid,
                .pidfd = pidfd,
                .is_child = waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0,
        };
        return 0;
}

GatewayStatus gateway_status_from_code(int code, int status) {
        GatewayEnd end = code == CLD_KILLED ? GATEWAY_KILLED
                : code == CLD_DUMPED        ? GATEWAY_DUMPED
                                            : GATEWAY_EXITED;

        return (GatewayStatus){ .end = end, .status = status };
}

void gateway_status_mirror(GatewayStatus status) {
        const struct rlimit no_core = {};
        sigset_t only;

        if (status.end == GATEWAY_EXITED)
                _exit(status.status);

        /* The gateway's core is the one worth having. Not dumpable: also none through a pipe handler,
         * which ignores the limit. */
        (void) setrlimit(RLIMIT_CORE, &no_core);
        (void) prctl(PR_SET_DUMPABLE, 0);

        /* To this thread: another one may be reading the process's signals from a signalfd. */
        (void) signal(status.status, SIG_DFL);
        (void) raise(status.status);
        (void) sigemptyset(&only);
        (void) sigaddset(&only, status.status);
        (void) sigprocmask(SIG_UNBLOCK, &only, NULL);

        /* Still here: PID 1 of a namespace, whom no signal of its own kills. */
        _exit(128 + status.status);
}
