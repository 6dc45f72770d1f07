/* SPDX-License-Identifier: MIT */

/* Processes, threads, files, as lines.
 *
 * What comes first reads stat, wchan and schedstat alone: for those the kernel asks nobody who could
 * hang. Each process's line is written before the first thread's, so that even a collector that is
 * ended at once has named them all. Main may have as many threads as are left when each of the others
 * has one.
 *
 * The rest: /proc/PID/syscall and stack wait while the process executes another program or is traced, and
 * need the right to trace it; the command line waits for its memory. What cannot be read is missing.
 * A call's name is that of our own architecture: a 32-bit program on a 64-bit kernel gets wrong ones.
 *
 * A process whose number has gone to another one since the caller looked is left out. */

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "file.h"
#include "record-json.h"
#include "stuck-internal.h"
#include "syscall-name.h"

#define STUCK_PATH_MAX   64
#define STUCK_LINK_MAX   512
#define STUCK_STACK_SIZE 4096
#define STUCK_FRAMES_MAX 32
#define STUCK_FRAME_MAX  64

/* ---- Whom ---- */

/* Whether a comes before b. */
static bool stuck_process_precedes(
        const ProcessInfo *a, const ProcessInfo *b, const StuckRequest *request) {
        if ((a->pid == request->main_pid) != (b->pid == request->main_pid))
                return a->pid == request->main_pid;
        return a->cpu_ticks > b->cpu_ticks;
}

/* Puts it in its place; the last one falls out of a full list. */
static void stuck_process_insert(StuckCollector *collector, const ProcessInfo *info) {
        size_t i = collector->n_processes;

        if (i == STUCK_PROCESSES_MAX &&
                !stuck_process_precedes(info, &collector->processes[--i], collector->request))
                return;
        for (; i > 0 &&
                stuck_process_precedes(info, &collector->processes[i - 1], collector->request);
                i--)
                collector->processes[i] = collector->processes[i - 1];
        collector->processes[i] = *info;
        if (collector->n_processes < STUCK_PROCESSES_MAX)
                collector->n_processes++;
}

/* Returns: how many are there beyond those that were chosen. */
static size_t stuck_process_choose(StuckCollector *collector) {
        const StuckRequest *request = collector->request;
        size_t n_living = 0;

        for (size_t i = 0; i < request->n_processes; i++) {
                ProcessInfo info;
                if (proc_read_info(request->proc_fd, request->processes[i].pid, &info) < 0 ||
                        info.start_ticks != request->processes[i].start_ticks ||
                        !proc_info_is_alive(&info))
                        continue;
                stuck_process_insert(collector, &info);
                n_living++;
        }
        for (size_t i = 0; i < collector->n_processes; i++)
                collector->is_stopped[i] = collector->processes[i].state == 'T';
        return n_living - collector->n_processes;
}

/* ---- What never waits ---- */

static void stuck_put_info(json_object *line, const ProcessInfo *info, usec_t cpu_usec) {
        record_json_put(line, "comm", stuck_text_new(info->comm));
        record_json_put(line, "state", json_object_new_string_len(&info->state, 1));
        record_json_put(line, "cpu_usec", json_object_new_uint64(cpu_usec));
}

static int stuck_process_write(StuckCollector *collector, const ProcessInfo *info) {
        json_object *line = stuck_line_new(info->pid);

        stuck_put_info(line, info, info->cpu_ticks * STUCK_TICK_USEC);
        record_json_put(
                line, "main", json_object_new_boolean(info->pid == collector->request->main_pid));
        record_json_put(line, "ppid", json_object_new_int64(info->ppid));
        return stuck_write(collector, line);
}

static ssize_t stuck_thread_read(const StuckCollector *collector, const StuckThread *thread,
        const char *name, char *buffer, size_t size) {
        char path[STUCK_PATH_MAX];

        (void) snprintf(path, sizeof(path), "%d/task/%d/%s",
                (int) collector->processes[thread->process].pid, (int) thread->tid, name);
        return file_read_virtual(collector->request->proc_fd, path, buffer, size);
}

/* In nanoseconds, where stat has ticks. Returns: usec; that of stat where there is no schedstat. */
static usec_t stuck_thread_cpu(
        const StuckCollector *collector, const StuckThread *thread, const ProcessInfo *info) {
        char text[128];

        if (stuck_thread_read(collector, thread, "schedstat", text, sizeof(text)) > 0 &&
                isdigit((unsigned char) text[0]))
                return strtoull(text, NULL, 10) / 1000;
        return info->cpu_ticks * STUCK_TICK_USEC;
}

static int stuck_thread_write(StuckCollector *collector, const StuckThread *thread) {
        char text[2048];
        ProcessInfo info;

        if (stuck_thread_read(collector, thread, "stat", text, sizeof(text)) <= 0 ||
                proc_parse_stat(text, &info) < 0)
                return 0;
        json_object *line = stuck_line_new(collector->processes[thread->process].pid);
        record_json_put(line, "tid", json_object_new_int64(thread->tid));
        stuck_put_info(line, &info, stuck_thread_cpu(collector, thread, &info));
        /* "0": it runs, or we may not know. */
        if (stuck_thread_read(collector, thread, "wchan", text, STUCK_FRAME_MAX) > 0 &&
                strcmp(text, "0") != 0)
                record_json_put(line, "wchan", stuck_text_new(text));
        return stuck_write(collector, line);
}

/* Takes threads of a process, at most n_max. Returns: how many were left out. */
static size_t stuck_threads_take(StuckCollector *collector, size_t process, size_t n_max) {
        char path[STUCK_PATH_MAX];
        size_t n_left_out = 0;

        (void) snprintf(path, sizeof(path), "%d/task", (int) collector->processes[process].pid);
        int fd = openat(collector->request->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_closedir_ DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
        if (!directory) {
                (void) fd_close(fd);
                return 0;
        }
        for (const struct dirent *entry; (entry = readdir(directory));) {
                pid_t tid = (pid_t) strtol(entry->d_name, NULL, 10);
                if (tid <= 0)
                        continue;
                if (n_max == 0) {
                        n_left_out++;
                        continue;
                }
                n_max--;
                collector->threads[collector->n_threads++] =
                        (StuckThread){ .process = process, .tid = tid };
        }
        return n_left_out;
}

static int stuck_write_left_out(
        StuckCollector *collector, size_t n_processes_left_out, size_t n_threads_left_out) {
        json_object *line = json_object_new_object();

        record_json_put(
                line, "processes_left_out", json_object_new_int64((int64_t) n_processes_left_out));
        record_json_put(
                line, "threads_left_out", json_object_new_int64((int64_t) n_threads_left_out));
        return stuck_write(collector, line);
}

int stuck_process_collect(StuckCollector *collector) {
        size_t n_threads_left_out = 0, n_processes_left_out = stuck_process_choose(collector);
        int r = 0;

        for (size_t i = 0; i < collector->n_processes && r >= 0; i++)
                r = stuck_process_write(collector, &collector->processes[i]);
        for (size_t i = 0; i < collector->n_processes && r >= 0; i++) {
                const size_t n_begun = collector->n_threads;
                const size_t n_others = collector->n_processes - i - 1;
                n_threads_left_out +=
                        stuck_threads_take(collector, i, STUCK_THREADS_MAX - n_begun - n_others);
                for (size_t j = n_begun; j < collector->n_threads && r >= 0; j++)
                        r = stuck_thread_write(collector, &collector->threads[j]);
        }
        return r < 0 ? r
                     : stuck_write_left_out(collector, n_processes_left_out, n_threads_left_out);
}

/* ---- What may wait ---- */

static json_object *stuck_thread_line_new(StuckCollector *collector, const StuckThread *thread) {
        json_object *line = stuck_line_new(collector->processes[thread->process].pid);
        record_json_put(line, "tid", json_object_new_int64(thread->tid));
        return line;
}

/* "running", "-1 SP PC" (it is in no call), or "NUMBER ARGUMENTS… SP PC". */
static void stuck_thread_write_call(StuckCollector *collector, const StuckThread *thread) {
        char text[256], *end;

        if (stuck_thread_read(collector, thread, "syscall", text, sizeof(text)) <= 0)
                return;
        long number = strtol(text, &end, 10);
        if (end == text || number < 0)
                return;
        json_object *line = stuck_thread_line_new(collector, thread);
        const char *name = syscall_name(number);
        if (name)
                record_json_put(line, "syscall", json_object_new_string(name));
        record_json_put(line, "syscall_number", json_object_new_int64(number));
        (void) !stuck_write(collector, line);
}

/* "[<0>] futex_wait_queue+0x66/0xa0 [module]": the name. Returns: NULL: none there, or no memory. */
static json_object *stuck_frame_new(char *frame) {
        char *name = strstr(frame, "] ");

        if (!name)
                return NULL;
        name += strlen("] ");
        name[strcspn(name, "+ ")] = '\0';
        if (strlen(name) > STUCK_FRAME_MAX)
                name[STUCK_FRAME_MAX] = '\0';
        return name[0] ? stuck_text_new(name) : NULL;
}

static void stuck_thread_write_stack(StuckCollector *collector, const StuckThread *thread) {
        char text[STUCK_STACK_SIZE], *rest = text;
        size_t n = 0;

        if (stuck_thread_read(collector, thread, "stack", text, sizeof(text)) <= 0)
                return;
        json_object *frames = json_object_new_array();
        for (char *frame; frames && n < STUCK_FRAMES_MAX && (frame = strsep(&rest, "\n"));) {
                json_object *name = stuck_frame_new(frame);
                if (!name)
                        continue;
                if (json_object_array_add(frames, name) < 0)
                        (void) json_object_put(name);
                n++;
        }
        if (n == 0) {
                (void) json_object_put(frames);
                return;
        }
        json_object *line = stuck_thread_line_new(collector, thread);
        record_json_put(line, "kernel_stack", frames);
        (void) !stuck_write(collector, line);
}

static void stuck_write_file(StuckCollector *collector, pid_t pid, int fd, const char *path) {
        json_object *file = json_object_new_object(), *line = stuck_line_new(pid);

        record_json_put(file, "fd", json_object_new_int64(fd));
        record_json_put(file, "path", stuck_text_new(path));
        record_json_put(line, "file", file);
        (void) !stuck_write(collector, line);
}

/* Sockets, pipes and the like have no path. */
static bool stuck_path_is_file(const char *path) {
        return path[0] == '/' && strcmp(path, "/dev/null") != 0;
}

static void stuck_process_write_files(StuckCollector *collector, pid_t pid) {
        char path[STUCK_PATH_MAX], target[STUCK_LINK_MAX];

        (void) snprintf(path, sizeof(path), "%d/fd", (int) pid);
        int fd = openat(collector->request->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_closedir_ DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
        if (!directory) {
                (void) fd_close(fd);
                return;
        }
        for (const struct dirent *entry; (entry = readdir(directory));) {
                ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);
                if (n <= 0)
                        continue;
                target[n] = '\0';
                if (!stuck_path_is_file(target))
                        continue;
                if (atomic_fetch_add(&collector->counts->n_files, 1) >= STUCK_FILES_MAX)
                        atomic_fetch_add(&collector->counts->n_files_left_out, 1);
                else
                        stuck_write_file(
                                collector, pid, (int) strtol(entry->d_name, NULL, 10), target);
        }
}

static void stuck_process_write_cmdline(StuckCollector *collector, pid_t pid) {
        char path[STUCK_PATH_MAX], raw[STUCK_CMDLINE_MAX];

        (void) snprintf(path, sizeof(path), "%d/cmdline", (int) pid);
        ssize_t n = file_read_virtual(collector->request->proc_fd, path, raw, sizeof(raw));
        if (n <= 0)
                return;
        _cleanup_free_ char *text =
                cmdline_join_raw(raw, (size_t) n, collector->request->cmdline, STUCK_CMDLINE_MAX);
        json_object *line = stuck_line_new(pid);
        record_json_put(line, "cmdline", text ? stuck_text_new(text) : NULL);
        (void) !stuck_write(collector, line);
}

void stuck_process_collect_rest(StuckCollector *collector, size_t index) {
        const pid_t pid = collector->processes[index].pid;

        for (size_t i = 0; i < collector->n_threads; i++)
                if (collector->threads[i].process == index)
                        stuck_thread_write_call(collector, &collector->threads[i]);
        for (size_t i = 0; i < collector->n_threads; i++)
                if (collector->threads[i].process == index)
                        stuck_thread_write_stack(collector, &collector->threads[i]);
        stuck_process_write_files(collector, pid);
        stuck_process_write_cmdline(collector, pid);
}
