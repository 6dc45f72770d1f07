/* SPDX-License-Identifier: MIT */
#pragma once

/* The detached diagnostic: what the machine looked like when a stop began, as text for people, appended
 * to a log. Made in a helper process, so that nothing of it can delay the stop. */

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "cleanup.h"
#include "forensics/helper-process.h"
#include "redact.h"
#include "usec.h"

#define DIAGNOSTIC_LOG       "gateway-shutdown-diag.log"
#define DIAGNOSTIC_LOG_OLD   "gateway-shutdown-diag.log.1"
#define DIAGNOSTIC_LOG_BYTES (1024 * 1024)
#define DIAGNOSTIC_TOP       60 /* processes of the host */

typedef struct DiagnosticRequest {
        const char *name;
        sd_id128_t run_id;
        const char *signal; /* "SIGTERM" */
        const char *unit;   /* for the last records of the unit; empty: none */
        bool is_user_unit;
        pid_t supervisor_pid;
        pid_t gateway_pid;
        const char *
                cgroup_path; /* the gateway's group below the mount point, or the unit's; NULL: none */
        CmdlineMode cmdline;
        usec_t timeout_usec; /* finite, not 0 */
        int sync_fds[2];     /* files that the helper syncs to disk before all else; -EBADF: none */
} DiagnosticRequest;

/* Opens the log for appending, made with its directory if it is missing (0700), mode 0600, rotated when
 * it has grown over DIAGNOSTIC_LOG_BYTES. What stands there that is no regular file is refused.
 *
 * directory: absolute. ret_path: malloc()ed, also on failure.
 * Returns: fd; -ELOOP, -EBADFD: not a regular file; negative errno of open(2), mkdir(2). */
int diagnostic_open_log(const char *directory, char **ret_path) _warn_unused_;

/* Writes all of it to fd, in the order of worth: a header with time and signal, the payload's tree, the
 * host's top processes, load, pressure, memory, kernel messages about oom and kills, the last records of
 * the unit, a footer. What cannot be had is said in a word. For the helper process, and for tests.
 * Returns: 0; negative errno of write(2). */
int diagnostic_write(int fd, int proc_fd, const DiagnosticRequest *request) _warn_unused_;

/* Starts the helper. log_fd: stays the caller's. The handler is told the helper's status: 0, or the errno
 * of write(2). Returns: as helper_process_start(). */
int diagnostic_start(sd_event *event, const DiagnosticRequest *request, int log_fd,
        int64_t priority, HelperHandler handler, void *userdata,
        HelperProcess **ret_helper) _warn_unused_;
