/* SPDX-License-Identifier: MIT */
#pragma once

/* What the parts of stuck.h share in the helper: whom it looks at, and the one way to write a line.
 * For stuck*.c only. */

#include <stdatomic.h>

#include "stuck.h"

#define STUCK_LINE_MAX    4096           /* PIPE_BUF: lines of several writers never mix */
#define STUCK_OUTPUT_MAX  (250U * 1024U) /* below what a helper may write */
#define STUCK_CMDLINE_MAX 1024
#define STUCK_TICK_USEC   (10 * USEC_PER_MSEC) /* USER_HZ is 100 wherever we run */

typedef struct StuckThread {
        size_t process; /* index into processes */
        pid_t tid;
} StuckThread;

/* What the readers, which are processes of their own, count together. */
typedef struct StuckCounts {
        atomic_size_t n_bytes;
        atomic_size_t n_files;
        atomic_size_t n_files_left_out;
} StuckCounts;

typedef struct StuckCollector {
        const StuckRequest *request;
        int output_fd;
        StuckCounts *counts;                        /* shared memory */
        ProcessInfo processes[STUCK_PROCESSES_MAX]; /* main first, then those that use most CPU */
        bool is_stopped[STUCK_PROCESSES_MAX];       /* before anybody of us stopped it */
        size_t n_processes;
        StuckThread threads[STUCK_THREADS_MAX];
        size_t n_threads;
} StuckCollector;

/* Strings of /proc, without control characters. Returns: NULL: out of memory. */
json_object *stuck_text_new(const char *text) _warn_unused_;

/* A line about a process. Returns: NULL: out of memory. */
json_object *stuck_line_new(pid_t pid) _warn_unused_;

/* Writes the line and frees it. One that is too long, and what is beyond STUCK_OUTPUT_MAX, is left out.
 * Returns: 0; negative errno of write(2); -ENOMEM. */
int stuck_write(StuckCollector *collector, json_object *line) _warn_unused_;

/* Whether there is something to be read, or the end, before until_usec. */
bool stuck_wait_readable(int fd, usec_t until_usec);

/* Chooses the processes, and writes what never makes its reader wait. Returns: as stuck_write(). */
int stuck_process_collect(StuckCollector *collector) _warn_unused_;

/* Of one process (index into processes) what may hang: calls, kernel stacks, files, command line. */
void stuck_process_collect_rest(StuckCollector *collector, size_t index);

/* The sockets of all of them. index: not used. */
void stuck_socket_collect(StuckCollector *collector, size_t index);

/* The user stack of one process. Lasts until request->until_usec at the most. */
void stuck_stack_collect(StuckCollector *collector, size_t index);
