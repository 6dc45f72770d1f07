/* SPDX-License-Identifier: MIT */

/* A part of our own program in a process beside the loop.
 *
 * Its birth is clone3(2) without an exit signal. What Linux calls a clone child sends no SIGCHLD and
 * answers only waits with __WALL or __WCLONE: whoever collects the gateway's processes never meets it.
 * Its pidfd says when it has ended. When we end first, it is given to the next reaper as an ordinary
 * child.
 *
 * The child is a copy of a process with other threads, of which it has only the caller. It goes on
 * with everything the C library offers, memory included, because those threads (the sender catcher's)
 * hold none of its locks: they never allocate and use no stdio. The descriptors are closed but those it
 * was given, and its memory is its own: nothing it does comes back but its output and its status.
 *
 * It is bounded twice: by a timer of the loop that kills it, and by an alarm of its own, the one signal
 * that it does not block, which works when we are gone. One that does not die of SIGKILL (it waits for a
 * disk or a memory lock that does not come) is given up shortly after and collected if it ever ends.
 *
 * It does not execute programs, does not enter another session or group, and leaves the scheduling
 * class alone: whoever may be slow makes itself nice. */

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "byte-buffer.h"
#include "file.h"
#include "helper-process.h"

#define HELPER_KILL_GRACE_USEC (100 * USEC_PER_MSEC)
#define HELPER_ACCURACY_USEC   USEC_PER_MSEC
#define HELPER_AWAIT_NSEC      200000L
#define HELPER_READ_BYTES      16384
#define HELPER_FDS_SWEPT_MAX   65536 /* where descriptors can only be closed one by one */

struct HelperProcess {
        pid_t pid; /* 0: reaped */
        int pidfd; /* of the process; pid_source's once that is there */
        sd_event_source *pid_source;
        sd_event_source *output_source; /* owns the pipe */
        sd_event_source *timer_source;
        ByteBuffer output;
        int error; /* why it was killed; 0: it was not */
        bool is_detached;
        bool is_told; /* the handler was called */
        HelperHandler handler;
        void *userdata; /* weak */
};

/* ---- The child ---- */

static bool helper_keeps(const HelperConfig *config, int output_fd, int fd) {
        for (size_t i = 0; i < config->n_keep_fds; i++)
                if (config->keep_fds[i] == fd)
                        return true;
        return fd == output_fd;
}

/* Returns: the lowest descriptor that is kept, not below first; INT_MAX: none. */
static int helper_next_kept(const HelperConfig *config, int output_fd, int first) {
        int next = output_fd >= first ? output_fd : INT_MAX;

        for (size_t i = 0; i < config->n_keep_fds; i++)
                if (config->keep_fds[i] >= first && config->keep_fds[i] < next)
                        next = config->keep_fds[i];
        return next;
}

static void helper_child_close_one_by_one(const HelperConfig *config, int output_fd, int first) {
        struct rlimit limit = {};
        int n_max = HELPER_FDS_SWEPT_MAX;

        if (getrlimit(RLIMIT_NOFILE, &limit) >= 0 && limit.rlim_cur < (rlim_t) n_max)
                n_max = (int) limit.rlim_cur;
        for (int fd = first; fd < n_max; fd++)
                if (!helper_keeps(config, output_fd, fd))
                        (void) close(fd);
}

static void helper_child_close_fds(const HelperConfig *config, int output_fd) {
        /* What is free below 3 is filled, too: a later open must not become standard output. */
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
        for (int fd = 0; fd <= STDERR_FILENO; fd++) {
                if (helper_keeps(config, output_fd, fd) || fd == null_fd)
                        continue;
                if (null_fd < 0 || dup2(null_fd, fd) < 0)
                        (void) close(fd);
        }

        for (int first = STDERR_FILENO + 1;;) {
                int next = helper_next_kept(config, output_fd, first);
                int last = next == INT_MAX ? INT_MAX : next - 1;

                /* Linux 5.9 */
                if (first <= last &&
                        syscall(SYS_close_range, (unsigned) first, (unsigned) last, 0) < 0) {
                        helper_child_close_one_by_one(config, output_fd, first);
                        return;
                }
                if (next == INT_MAX)
                        return;
                first = next + 1;
        }
}

/* The end comes by SIGALRM's default action, whatever hangs. */
static void helper_child_set_alarm(usec_t timeout_usec) {
        const struct sigaction by_default = { .sa_handler = SIG_DFL };
        const struct itimerval timer = {
                .it_value = { .tv_sec = (time_t) (timeout_usec / USEC_PER_SEC),
                        .tv_usec = (suseconds_t) (timeout_usec % USEC_PER_SEC) },
        };
        sigset_t mask;

        (void) sigaction(SIGALRM, &by_default, NULL);
        (void) setitimer(ITIMER_REAL, &timer, NULL);
        (void) sigfillset(&mask);
        (void) sigdelset(&mask, SIGALRM);
        (void) sigprocmask(SIG_SETMASK, &mask, NULL);
}

_noreturn_ static void helper_child_run(
        const HelperConfig *config, pid_t supervisor_pid, int output_fd) {
        helper_child_set_alarm(config->timeout_usec);
        if (!config->is_detached) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != supervisor_pid) /* it ended before we could ask */
                        _exit(EXIT_FAILURE);
        }
        (void) prctl(PR_SET_NAME, config->title);
        helper_child_close_fds(config, output_fd);
        /* When memory is short, rather this than anybody's work. */
        (void) !file_write_virtual(AT_FDCWD, "/proc/self/oom_score_adj", "1000");

        _exit(config->main(output_fd, config->main_userdata));
}

/* ---- Its birth ---- */

/* For sandboxes that refuse clone3(2) because a filter cannot look into its struct (ENOSYS under
 * RestrictNamespaces=). Returns: as fork(2). */
static pid_t helper_clone_plainly(int *ret_pidfd) {
        int pidfd = -EBADF;
#if defined(__s390x__)
        pid_t pid = (pid_t) syscall(SYS_clone, NULL, CLONE_PIDFD, &pidfd, NULL, 0UL);
#else
        pid_t pid = (pid_t) syscall(SYS_clone, CLONE_PIDFD, NULL, &pidfd, NULL, 0UL);
#endif
        if (pid > 0 && pidfd < 0)
                pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        *ret_pidfd = pidfd;
        return pid;
}

static pid_t helper_clone(int *ret_pidfd) {
        int pidfd = -EBADF;
        struct clone_args arguments = {
                .flags = CLONE_PIDFD,
                .pidfd = (uintptr_t) &pidfd,
                .exit_signal = 0,
        };
        pid_t pid = (pid_t) syscall(SYS_clone3, &arguments, sizeof(arguments));

        if (pid < 0 && (errno == ENOSYS || errno == EPERM))
                return helper_clone_plainly(ret_pidfd);
        *ret_pidfd = pidfd;
        return pid;
}

/* All signals wait from before the birth, so that none reaches a handler of ours in the child. */
static int helper_process_spawn(HelperProcess *helper, const HelperConfig *config, int output_fd) {
        sigset_t all, saved;
        pid_t supervisor_pid = getpid();
        int error, pidfd;

        (void) sigfillset(&all);
        error = pthread_sigmask(SIG_SETMASK, &all, &saved);
        if (error != 0)
                return -error;

        pid_t pid = helper_clone(&pidfd);
        if (pid == 0)
                helper_child_run(config, supervisor_pid, output_fd);
        error = pid < 0 ? errno : 0;
        (void) pthread_sigmask(SIG_SETMASK, &saved, NULL);
        if (error != 0)
                return -error;

        helper->pid = pid;
        helper->pidfd = pidfd;
        return 0;
}

/* ---- Its end ---- */

/* Its pid is its own until it is reaped, also where pidfds cannot be signalled. */
static void helper_process_kill(HelperProcess *helper) {
        if (helper->pid == 0)
                return;
        if (helper->pidfd < 0 ||
                syscall(SYS_pidfd_send_signal, helper->pidfd, SIGKILL, NULL, 0) < 0)
                (void) kill(helper->pid, SIGKILL);
}

/* Returns: 0 to 255 as it exited; -ETIMEDOUT: by its own alarm; -ECHILD. */
static int helper_status_from(const siginfo_t *info) {
        if (info->si_pid != 0 && info->si_code == CLD_EXITED)
                return info->si_status;
        return info->si_pid != 0 && info->si_status == SIGALRM ? -ETIMEDOUT : -ECHILD;
}

static void helper_process_tell(HelperProcess *helper, int status) {
        helper->is_told = true;
        helper->timer_source = sd_event_source_disable_unref(helper->timer_source);
        helper->output_source = sd_event_source_disable_unref(helper->output_source);

        /* The handler may free the helper. */
        ByteBuffer output = helper->output;
        helper->output = (ByteBuffer){};
        helper->handler(helper, status, output.data ?: "", output.size, helper->userdata);
        byte_buffer_done(&output);
}

/* Kills it; the handler is told when it is dead, or after the grace. */
static void helper_process_end(HelperProcess *helper, int error) {
        helper->error = error;
        helper_process_kill(helper);
        (void) sd_event_source_set_time_relative(helper->timer_source, HELPER_KILL_GRACE_USEC);
        (void) sd_event_source_set_enabled(helper->timer_source, SD_EVENT_ONESHOT);
}

static int helper_process_dispatch_timer(
        sd_event_source *source, uint64_t scheduled_at_usec, void *userdata) {
        HelperProcess *helper = userdata;

        if (helper->error < 0)
                helper_process_tell(helper, helper->error);
        else
                helper_process_end(helper, -ETIMEDOUT);
        return 0;
}

/* Returns: 1: there may be more; 0: nothing now, or no more; -EFBIG. */
static int helper_process_read(HelperProcess *helper) {
        char data[HELPER_READ_BYTES];
        int fd = sd_event_source_get_io_fd(helper->output_source);
        ssize_t n = read(fd, data, sizeof(data));

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return errno == EINTR;
        if (n <= 0) {
                (void) sd_event_source_set_enabled(helper->output_source, SD_EVENT_OFF);
                return 0;
        }

        size_t room = HELPER_OUTPUT_MAX - helper->output.size;
        byte_buffer_append(&helper->output, data, (size_t) n < room ? (size_t) n : room);
        return (size_t) n > room || helper->output.is_failed ? -EFBIG : 1;
}

static int helper_process_dispatch_output(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HelperProcess *helper = userdata;

        int r = helper_process_read(helper);
        if (r < 0) {
                (void) sd_event_source_set_enabled(helper->output_source, SD_EVENT_OFF);
                helper_process_end(helper, r);
        }
        return 0;
}

/* What is still in the pipe. Nobody else has its other end: this ends. */
static void helper_process_drain(HelperProcess *helper) {
        int r = helper->error == -EFBIG ? 0 : 1;

        while (r > 0)
                r = helper_process_read(helper);
        if (r < 0)
                helper->error = r;
}

/* userdata: NULL once the helper was freed; the source is floating then, and collects what is left. */
static int helper_process_dispatch_end(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        HelperProcess *helper = userdata;
        siginfo_t info = {};

        if (!helper) {
                (void) waitid(P_PIDFD, (id_t) fd, &info, WEXITED | WNOHANG | __WALL);
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                (void) sd_event_source_set_floating(source, false);
                return 0;
        }

        (void) waitid(P_PID, (id_t) helper->pid, &info, WEXITED | WNOHANG | __WALL);
        helper->pid = 0;
        helper->pidfd = -EBADF;
        helper->pid_source = sd_event_source_disable_unref(helper->pid_source);
        if (helper->is_told)
                return 0;

        helper_process_drain(helper);
        int status = helper_status_from(&info);
        if (helper->error == -EFBIG || (helper->error < 0 && status < 0))
                status = helper->error;
        helper_process_tell(helper, status);
        return 0;
}

/* ---- The helper ---- */

static int helper_process_add_output(
        HelperProcess *helper, sd_event *event, int64_t priority, int *fd) {
        int r = sd_event_add_io(event, &helper->output_source, *fd, EPOLLIN,
                helper_process_dispatch_output, helper);
        if (r < 0)
                return r;
        r = sd_event_source_set_io_fd_own(helper->output_source, true);
        if (r < 0)
                return r;
        (void) TAKE_FD(*fd);
        (void) sd_event_source_set_description(helper->output_source, "helper-output");
        return sd_event_source_set_priority(helper->output_source, priority);
}

static int helper_process_add_timer(
        HelperProcess *helper, sd_event *event, const HelperConfig *config) {
        int r = sd_event_add_time_relative(event, &helper->timer_source, CLOCK_MONOTONIC,
                config->timeout_usec, HELPER_ACCURACY_USEC, helper_process_dispatch_timer, helper);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(helper->timer_source, "helper-timeout");
        return sd_event_source_set_priority(helper->timer_source, config->priority);
}

static int helper_process_add_end(HelperProcess *helper, sd_event *event, int64_t priority) {
        int r = sd_event_add_io(event, &helper->pid_source, helper->pidfd, EPOLLIN,
                helper_process_dispatch_end, helper);
        if (r < 0)
                return r;
        r = sd_event_source_set_io_fd_own(helper->pid_source, true);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(helper->pid_source, "helper-end");
        return sd_event_source_set_priority(helper->pid_source, priority);
}

static void helper_config_check(const HelperConfig *config) {
        assert(config->title);
        assert(config->timeout_usec > 0 && config->timeout_usec != USEC_INFINITY);
        assert(config->n_keep_fds <= HELPER_KEEP_MAX);
        assert(config->main);
        assert(config->handler);
}

int helper_process_start(sd_event *event, const HelperConfig *config, HelperProcess **ret_helper) {
        assert(event);
        assert(config);
        assert(ret_helper);
        helper_config_check(config);

        _cleanup_(helper_process_freep) HelperProcess *helper = calloc(1, sizeof(*helper));
        if (!helper)
                return -ENOMEM;
        helper->pidfd = -EBADF;
        helper->handler = config->handler;
        helper->userdata = config->userdata;

        int pipe_fds[2];
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int read_fd = pipe_fds[0], write_fd = pipe_fds[1];
        /* Our end alone: the child waits until there is room. */
        if (fcntl(read_fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        int r = helper_process_add_output(helper, event, config->priority, &read_fd);
        if (r < 0)
                return r;
        r = helper_process_add_timer(helper, event, config);
        if (r < 0)
                return r;
        r = helper_process_spawn(helper, config, write_fd);
        if (r < 0)
                return r;
        r = helper_process_add_end(helper, event, config->priority);
        if (r < 0)
                return r;

        helper->is_detached = config->is_detached;
        *ret_helper = TAKE_PTR(helper);
        return 0;
}

pid_t helper_process_pid(const HelperProcess *helper) {
        assert(helper);
        return helper->pid;
}

/* Leaves the process to the loop: the source holds itself from here on and reaps it when it ends. */
static void helper_process_abandon(HelperProcess *helper) {
        (void) sd_event_source_set_userdata(helper->pid_source, NULL);
        if (sd_event_source_set_floating(helper->pid_source, true) < 0)
                (void) sd_event_source_set_enabled(helper->pid_source, SD_EVENT_OFF);
        helper->pid_source = sd_event_source_unref(helper->pid_source);
}

HelperProcess *helper_process_free(HelperProcess *helper) {
        if (!helper)
                return NULL;

        if (!helper->is_detached)
                helper_process_kill(helper);
        if (helper->pid_source)
                helper_process_abandon(helper);
        else
                (void) fd_close(helper->pidfd);
        (void) sd_event_source_disable_unref(helper->timer_source);
        (void) sd_event_source_disable_unref(helper->output_source);
        byte_buffer_done(&helper->output);
        free(helper);
        return NULL;
}

/* Returns: whether nothing of that kind is left to wait for. */
static bool helper_is_collected(idtype_t type, pid_t pid, int flags) {
        siginfo_t info = {};

        while (waitid(type, (id_t) pid, &info, WEXITED | WNOHANG | flags) >= 0) {
                if (info.si_pid == 0)
                        return false;
                info.si_pid = 0;
        }
        return true;
}

void helper_process_await(pid_t pid, usec_t until_usec) {
        static const struct timespec pause = { .tv_nsec = HELPER_AWAIT_NSEC };

        if (pid <= 0)
                return;
        /* What it had executed has become an ordinary child of ours, the subreaper's. */
        while (!helper_is_collected(P_PID, pid, __WALL) || !helper_is_collected(P_ALL, 0, 0)) {
                if (usec_now(CLOCK_MONOTONIC) >= until_usec)
                        return;
                (void) nanosleep(&pause, NULL);
        }
}
