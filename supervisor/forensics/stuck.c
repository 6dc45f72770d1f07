/* SPDX-License-Identifier: MIT */

/* The collector: in what order, and by whom.
 *
 *   stat, wchan, schedstat of every thread of every process     this process
 *   sockets                                                     a reader
 *   calls, kernel stacks, files, command line                   a reader for each process
 *   user stacks                                                 this process, with eu-stack
 *
 * Only the first kind is known never to wait: it reads what the kernel keeps itself. For the rest the
 * kernel takes locks of the process that is looked at, which may hang with it. A reader is a child that
 * writes its lines itself. It gets a moment; one that needs more is left behind to go on, so that it
 * costs the others nothing, and is killed at the end.
 *
 * Every line is one write(2) of at most PIPE_BUF bytes: lines of several readers do not mix, and the end
 * of this process, at any instant, cuts none. There are no grandchildren: whoever tells the gateway's
 * processes from ours knows those that a helper has forked, and no deeper.
 *
 * Nothing is judged here, and nothing is put together: that is stuck-json.c, in the supervisor. */

#include "stuck.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "record-json.h"
#include "stuck-internal.h"
#include "text-clean.h"

#define STUCK_READERS_MAX (STUCK_PROCESSES_MAX + 1)
#define STUCK_MOMENT_USEC (100 * USEC_PER_MSEC)

typedef void (*StuckWork)(StuckCollector *collector, size_t index);

typedef struct StuckReader {
        pid_t pid;
        int fd; /* its end of file is the reader's end */
} StuckReader;

typedef struct StuckReaders {
        StuckReader items[STUCK_READERS_MAX];
        size_t n;
} StuckReaders;

/* ---- Lines ---- */

json_object *stuck_text_new(const char *text) {
        _cleanup_free_ char *clean = text_clean(text, TEXT_TERMINAL);
        return clean ? json_object_new_string(clean) : NULL;
}

json_object *stuck_line_new(pid_t pid) {
        json_object *line = json_object_new_object();
        record_json_put(line, "pid", line ? json_object_new_int64(pid) : NULL);
        return line;
}

static int stuck_write_text(StuckCollector *collector, const char *text, size_t size) {
        char line[STUCK_LINE_MAX];
        ssize_t n;

        if (size >= sizeof(line) ||
                atomic_fetch_add(&collector->counts->n_bytes, size + 1) + size + 1 >
                        STUCK_OUTPUT_MAX)
                return 0;
        memcpy(line, text, size);
        line[size] = '\n';
        do
                n = write(collector->output_fd, line, size + 1);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t) n == size + 1 ? 0 : -EIO;
}

int stuck_write(StuckCollector *collector, json_object *line) {
        size_t size;
        int r = -ENOMEM;

        if (!line)
                return r;
        const char *text = json_object_to_json_string_length(line, JSON_C_TO_STRING_PLAIN, &size);
        if (text)
                r = stuck_write_text(collector, text, size);
        (void) json_object_put(line);
        return r;
}

bool stuck_wait_readable(int fd, usec_t until_usec) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

        for (;;) {
                usec_t left_usec = usec_sub(until_usec, usec_now(CLOCK_MONOTONIC));
                usec_t wait_usec = left_usec < USEC_PER_MINUTE ? left_usec : USEC_PER_MINUTE;
                int n = poll(&poll_fd, 1, (int) ((wait_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
                if (n > 0)
                        return true;
                if (left_usec == 0 || (n < 0 && errno != EINTR))
                        return false;
        }
}

/* ---- Readers ---- */

_noreturn_ static void stuck_reader_run(StuckCollector *collector, const StuckReaders *readers,
        pid_t collector_pid, StuckWork work, size_t index) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != collector_pid) /* it ended before we could ask */
                _exit(EXIT_FAILURE);
        for (size_t i = 0; i < readers->n; i++)
                (void) fd_close(readers->items[i].fd);
        work(collector, index);
        _exit(EXIT_SUCCESS);
}

/* Returns: 1: it has begun; 0: there is none, the caller has to do the work itself. */
static int stuck_reader_start(
        StuckReaders *readers, StuckCollector *collector, StuckWork work, size_t index) {
        pid_t collector_pid = getpid();
        int fds[2];

        if (readers->n == STUCK_READERS_MAX || pipe2(fds, O_CLOEXEC) < 0)
                return 0;
        pid_t pid = fork();
        if (pid == 0) {
                (void) close(fds[0]);
                stuck_reader_run(collector, readers, collector_pid, work, index);
        }
        (void) close(fds[1]);
        if (pid < 0) {
                (void) close(fds[0]);
                return 0;
        }
        readers->items[readers->n++] = (StuckReader){ .pid = pid, .fd = fds[0] };
        return 1;
}

static usec_t stuck_moment_end(const StuckCollector *collector) {
        usec_t end_usec = usec_add(usec_now(CLOCK_MONOTONIC), STUCK_MOMENT_USEC);
        usec_t until_usec = collector->request->until_usec;

        return end_usec < until_usec ? end_usec : until_usec;
}

static bool stuck_is_time_up(const StuckCollector *collector) {
        return usec_now(CLOCK_MONOTONIC) >= collector->request->until_usec;
}

static void stuck_read(
        StuckReaders *readers, StuckCollector *collector, StuckWork work, size_t index) {
        if (stuck_is_time_up(collector))
                return;
        /* No process to be had (TasksMax=): rather a risk than nothing. */
        if (stuck_reader_start(readers, collector, work, index) == 0)
                work(collector, index);
        else
                (void) stuck_wait_readable(
                        readers->items[readers->n - 1].fd, stuck_moment_end(collector));
}

/* Whoever was left behind has until the end. One that cannot be killed is not waited for. */
static void stuck_readers_end(StuckReaders *readers, usec_t until_usec) {
        for (size_t i = 0; i < readers->n; i++) {
                bool has_ended = stuck_wait_readable(readers->items[i].fd, until_usec);
                (void) kill(readers->items[i].pid, SIGKILL);
                (void) waitpid(readers->items[i].pid, NULL, has_ended ? 0 : WNOHANG);
                (void) fd_close(readers->items[i].fd);
        }
}

/* ---- The whole ---- */

static int stuck_write_counts(StuckCollector *collector) {
        json_object *line = json_object_new_object();
        size_t n_files = atomic_load(&collector->counts->n_files_left_out);

        if (n_files == 0) {
                (void) json_object_put(line);
                return 0;
        }
        record_json_put(line, "files_left_out", json_object_new_int64((int64_t) n_files));
        return stuck_write(collector, line);
}

static int stuck_collect_all(StuckCollector *collector) {
        StuckReaders readers = {};

        int r = stuck_process_collect(collector);
        if (r < 0)
                return r;
        stuck_read(&readers, collector, stuck_socket_collect, 0);
        for (size_t i = 0; i < collector->n_processes; i++)
                stuck_read(&readers, collector, stuck_process_collect_rest, i);
        for (size_t i = 0; i < collector->n_processes && collector->request->stack_program; i++)
                if (!stuck_is_time_up(collector))
                        stuck_stack_collect(collector, i);
        stuck_readers_end(&readers, collector->request->until_usec);
        return stuck_write_counts(collector);
}

int stuck_collect(const StuckRequest *request, int output_fd) {
        assert(request);
        assert(request->proc_fd >= 0);
        assert(request->processes || request->n_processes == 0);
        assert(output_fd >= 0);

        _cleanup_free_ StuckCollector *collector = calloc(1, sizeof(*collector));
        if (!collector)
                return -ENOMEM;
        StuckCounts *counts = mmap(
                NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (counts == MAP_FAILED)
                return -errno;

        collector->request = request;
        collector->output_fd = output_fd;
        collector->counts = counts;
        int r = stuck_collect_all(collector);
        (void) munmap(counts, sizeof(*counts));
        return r;
}
