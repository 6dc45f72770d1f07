/* SPDX-License-Identifier: MIT */
#pragma once

/* Work that may take long or hang (a walk over all processes, a wedged file in /proc) in a process of
 * our own binary beside the loop: forked without exec, bounded by a deadline of its own, all signals
 * blocked so that a SIGTERM to the whole control group does not end it, without any descriptor but those
 * it is given. It is invisible to wait(2) for ordinary children (no SIGCHLD; Linux calls it a clone
 * child), so that it never counts as a gateway process. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "cleanup.h"
#include "usec.h"

#define HELPER_OUTPUT_MAX (256U * 1024U)
#define HELPER_KEEP_MAX   8

typedef struct HelperProcess HelperProcess;

/* Runs in the child: writes to output_fd, returns the exit status (0 to 255). */
typedef int (*HelperMain)(int output_fd, void *userdata);

/* Called once from the loop when the child has ended and its output is complete. status: 0 to 255; or
 * -ETIMEDOUT: it was killed at its bound; -ECHILD: it died otherwise; -EFBIG: it wrote too much.
 * output is valid during the call. May free the helper. */
typedef void (*HelperHandler)(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata);

typedef struct HelperConfig {
        const char *title;   /* its comm: at most 15 bytes count */
        usec_t timeout_usec; /* finite */
        const int *keep_fds; /* descriptors that the child keeps besides output_fd */
        size_t n_keep_fds;   /* at most HELPER_KEEP_MAX */
        bool is_detached;    /* goes on when the supervisor is gone, or frees it */
        HelperMain main;
        void *main_userdata; /* as it is at the fork; the child has a copy of all memory */
        HelperHandler handler;
        void *userdata;
        int64_t priority;
} HelperConfig;

/* Returns: 0; negative errno of clone3(2), pipe2(2), sd_event_add_io(3), …: there is no helper then. */
int helper_process_start(
        sd_event *event, const HelperConfig *config, HelperProcess **ret_helper) _warn_unused_;

/* Its pid, to be told apart from the gateway's processes. 0 once it has ended. */
pid_t helper_process_pid(const HelperProcess *helper);

/* Kills it unless it is detached. Waits for nothing. Returns: NULL. */
HelperProcess *helper_process_free(HelperProcess *helper);
DEFINE_POINTER_CLEANUP(HelperProcess, helper_process_free)

/* Before the supervisor exits, once the loop has ended: collects a helper that was freed and so killed, and
 * what it had executed, so that nobody sees them outlive us. Waits until until_usec (CLOCK_MONOTONIC) at
 * most: what does not die is left to whoever inherits it.
 * pid: 0: nothing is done. */
void helper_process_await(pid_t pid, usec_t until_usec);
