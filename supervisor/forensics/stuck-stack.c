/* SPDX-License-Identifier: MIT */

/* User stacks: eu-stack(1) is run on the process, and what it says becomes lines.
 *
 * It is bounded in time, output and frames, and killed at its bound. That needs care: it stops each thread
 * by ptrace(2) while it looks at it, and the SIGSTOP of an attachment that the tracer has not collected (of
 * a thread in state D, for one) outlives the tracer: the gateway would be stopped for good, by us. A SIGCONT
 * takes the stop back, also one that is still on its way, so whoever was not stopped before gets one after a
 * kill. Should this process itself be killed, eu-stack dies with it, and a guard, which waits for nothing
 * else, sends the SIGCONT in its place.
 *
 * Neither shell nor debuginfod: the program gets PATH alone as its environment and looks for names only in
 * what is there. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "byte-buffer.h"
#include "record-json.h"
#include "stuck-internal.h"
#include "text-clean.h"
#include "utf8.h"

#define STUCK_STACK_MAX       (48U * 1024U)
#define STUCK_STACK_FRAMES    "64"
#define STUCK_CHUNK_BYTES     1500 /* each byte may become two in JSON, and a line is 4096 */
#define STUCK_GUARD_WAIT_MSEC 500

/* ---- The program ---- */

_noreturn_ static void stuck_program_run(const char *program, pid_t pid, int output_fd) {
        char number[16], path[4096],
                *argv[] = { (char *) program, (char *) "-n", (char *) STUCK_STACK_FRAMES,
                        (char *) "-p", number, NULL };
        char *environment[] = { path, (char *) "LC_ALL=C", NULL };
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

        (void) snprintf(number, sizeof(number), "%d", (int) pid);
        (void) snprintf(path, sizeof(path), "PATH=%s", getenv("PATH") ?: "/bin:/usr/bin");
        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDERR_FILENO) < 0 ||
                dup2(output_fd, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        (void) syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0); /* Linux 5.9 */
        (void) execvpe(program, argv, environment);
        _exit(EXIT_FAILURE);
}

/* Returns: pid; 0: none. */
static pid_t stuck_program_start(const char *program, pid_t pid, int *ret_fd) {
        pid_t collector_pid = getpid();
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return 0;
        pid_t child = fork();
        if (child == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) setpgid(0, 0); /* if it is a script: with what it runs */
                if (getppid() != collector_pid)
                        _exit(EXIT_FAILURE);
                stuck_program_run(program, pid, fds[1]);
        }
        (void) close(fds[1]);
        if (child < 0) {
                (void) close(fds[0]);
                return 0;
        }
        (void) setpgid(child, child);
        *ret_fd = fds[0];
        return child;
}

static void stuck_program_kill(pid_t program_pid) {
        (void) kill(-program_pid, SIGKILL);
        (void) kill(program_pid, SIGKILL);
}

/* Reads to the end. Returns: 1: it is there; 0: time or room is up. */
static int stuck_program_read(int fd, usec_t until_usec, ByteBuffer *output) {
        while (output->size < STUCK_STACK_MAX && !output->is_failed &&
                stuck_wait_readable(fd, until_usec)) {
                char data[4096];

                ssize_t n = read(fd, data, sizeof(data));
                if (n <= 0)
                        return n == 0;
                byte_buffer_append(output, data, (size_t) n);
        }
        return 0;
}

/* Returns: whether it has ended by itself. It is gone in any case. */
static bool stuck_program_end(pid_t program_pid, bool is_told, usec_t until_usec) {
        _cleanup_close_ int pidfd = (int) syscall(SYS_pidfd_open, program_pid, 0); /* Linux 5.3 */
        int status = 0;

        /* Who closes its output may go on all the same. */
        if (!is_told || pidfd < 0 || !stuck_wait_readable(pidfd, until_usec))
                stuck_program_kill(program_pid);
        return waitpid(program_pid, &status, 0) == program_pid && !WIFSIGNALED(status);
}

/* ---- What it leaves behind ---- */

/* Whose number it is now may be another's. */
static void stuck_process_continue(const StuckCollector *collector, size_t index) {
        const ProcessInfo *process = &collector->processes[index];
        ProcessInfo info;

        if (!collector->is_stopped[index] &&
                proc_read_info(collector->request->proc_fd, process->pid, &info) >= 0 &&
                info.start_ticks == process->start_ticks)
                (void) kill(process->pid, SIGCONT);
}

_noreturn_ static void stuck_guard_run(
        const StuckCollector *collector, size_t index, pid_t program_pid, int lifeline_fd) {
        struct pollfd poll_fd = { .events = POLLIN };
        char byte;

        (void) prctl(PR_SET_NAME, "gatewatch-guard");
        poll_fd.fd = (int) syscall(SYS_pidfd_open, program_pid, 0); /* Linux 5.3 */
        if (read(lifeline_fd, &byte, 1) == 1)
                _exit(EXIT_SUCCESS);
        if (poll_fd.fd >= 0)
                (void) poll(&poll_fd, 1, STUCK_GUARD_WAIT_MSEC);
        stuck_process_continue(collector, index);
        _exit(EXIT_SUCCESS);
}

/* Returns: pid; 0: none. */
static pid_t stuck_guard_start(
        const StuckCollector *collector, size_t index, pid_t program_pid, int *ret_lifeline_fd) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return 0;
        pid_t pid = fork();
        if (pid == 0) {
                (void) close(fds[1]);
                stuck_guard_run(collector, index, program_pid, fds[0]);
        }
        (void) close(fds[0]);
        if (pid < 0) {
                (void) close(fds[1]);
                return 0;
        }
        *ret_lifeline_fd = fds[1];
        return pid;
}

static void stuck_guard_dismiss(pid_t pid, int lifeline_fd) {
        if (pid == 0)
                return;
        (void) !write(lifeline_fd, "x", 1);
        (void) fd_close(lifeline_fd);
        (void) waitpid(pid, NULL, 0);
}

/* ---- Lines ---- */

/* Control characters but the line's end become "?". */
static void stuck_stack_flatten(char *text) {
        for (; *text; text++)
                if ((unsigned char) *text < 0x20 && *text != '\n')
                        *text = '?';
}

static void stuck_stack_write(StuckCollector *collector, pid_t pid, ByteBuffer *output) {
        _cleanup_free_ char *raw = byte_buffer_steal(output);
        _cleanup_free_ char *text = raw ? text_clean(raw, TEXT_JSON) : NULL;

        if (!text)
                return;
        stuck_stack_flatten(text);
        for (size_t left = strlen(text), begin = 0; left > 0;) {
                size_t n =
                        left > STUCK_CHUNK_BYTES ? utf8_cut(text + begin, STUCK_CHUNK_BYTES) : left;
                json_object *line = stuck_line_new(pid);
                record_json_put(
                        line, "user_stack", json_object_new_string_len(text + begin, (int) n));
                if (stuck_write(collector, line) < 0)
                        return;
                begin += n;
                left -= n;
        }
}

void stuck_stack_collect(StuckCollector *collector, size_t index) {
        const StuckRequest *request = collector->request;
        const pid_t pid = collector->processes[index].pid;
        _cleanup_(byte_buffer_done) ByteBuffer output = {};
        _cleanup_close_ int output_fd = -EBADF;
        int lifeline_fd = -EBADF;

        pid_t program_pid = stuck_program_start(request->stack_program, pid, &output_fd);
        if (program_pid == 0)
                return;
        pid_t guard_pid = stuck_guard_start(collector, index, program_pid, &lifeline_fd);
        bool is_whole = stuck_program_read(output_fd, request->until_usec, &output) > 0;
        if (!stuck_program_end(program_pid, is_whole, request->until_usec))
                stuck_process_continue(collector, index);
        stuck_guard_dismiss(guard_pid, lifeline_fd);
        if (output.size > 0)
                stuck_stack_write(collector, pid, &output);
}
