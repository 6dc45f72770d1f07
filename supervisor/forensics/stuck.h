/* SPDX-License-Identifier: MIT */
#pragma once

/* What a gateway that is about to be killed is doing: each process's threads with their state, wait
 * channel, system call, kernel stack where that is permitted, and CPU time; its sockets with peer and
 * queues; its files; user stacks by eu-stack(1) where that is installed.
 *
 * stuck_collect() runs in a helper process, because any of these files may make its reader wait for as
 * long as the process hangs. It writes one JSON object a line, what cannot hang first and for every
 * process, so that a helper that is killed at its bound has left all it knew; stuck_parse() puts the lines
 * together again. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <json-c/json.h>

#include "proc.h"
#include "redact.h"
#include "usec.h"

#define STUCK_PROCESSES_MAX 32  /* main first, then those that use most CPU */
#define STUCK_THREADS_MAX   128 /* of all processes; main's first */
#define STUCK_SOCKETS_MAX   128
#define STUCK_FILES_MAX     64
#define STUCK_JSON_MAX      (60U * 1024U) /* of the text that goes into a record */
#define STUCK_TIMEOUT_USEC  USEC_PER_SEC
#define STUCK_PROGRAM       "eu-stack"

typedef struct StuckRequest {
        int proc_fd;
        const ProcessInfo *processes; /* the gateway's living ones */
        size_t n_processes;
        pid_t main_pid; /* 0: it is gone */
        CmdlineMode cmdline;
        const char *stack_program; /* looked for in PATH; NULL: no user stacks */
        usec_t until_usec;         /* CLOCK_MONOTONIC: what has not begun by then is left out */
} StuckRequest;

/* Writes what it finds to output_fd, as it finds it. Returns: 0; negative errno of write(2). */
int stuck_collect(const StuckRequest *request, int output_fd) _warn_unused_;

/* Puts the lines together: {"complete", "processes": [{"pid", "comm", "state", "main", "ppid",
 * "cpu_usec", "cmdline", "threads": [{"tid", "comm", "state", "cpu_usec", "wchan", "syscall",
 * "syscall_number", "kernel_stack": [names]}], "sockets": [{"fd", "family" (tcp, tcp6, unix), "local",
 * "peer", "state", "recv_queue", "send_queue", "retransmits", "unanswered_usec", "outgoing"}], "files":
 * [{"fd", "path"}], "user_stack": "…"}], "processes_left_out", "threads_left_out", "sockets_left_out",
 * "files_left_out"}. What is not known is not there.
 * A line that is cut or no JSON is left out. The whole is shortened (user stacks first, then files, kernel
 * stacks, threads from the end) until its text has at most STUCK_JSON_MAX bytes; "shortened" says so.
 *
 * is_complete: the helper ended by itself.
 * Returns: a new object; NULL: out of memory. */
json_object *stuck_parse(const char *output, size_t size, bool is_complete) _warn_unused_;

#define STUCK_PEERS_MAX 256

/* "tcp 192.0.2.7:443 (fd 12, 517 bytes unsent or unacknowledged, silent for 31s)": the connections that
 * look most like what is waited for, at most 3: a SYN without answer, then what has unacknowledged data,
 * then the rest of those that the gateway opened itself, longest silent first. Returns: buffer, empty
 * when there is none. */
const char *stuck_format_peers(const json_object *stuck, char buffer[static STUCK_PEERS_MAX]);
