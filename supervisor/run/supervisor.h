/* SPDX-License-Identifier: MIT */
#pragma once

/* The manager of one run: owns the event loop and everything below it, from the fork of the gateway to
 * the last record. It translates events for the policy and applies what the policy answers. */

#include "config/run-config.h"
#include "gateway/gateway.h"

typedef struct Supervisor Supervisor;

/* Gets ready to fork: notices the caller's signals (nothing may have touched them before), the own
 * unit, the payload's place, the notify socket.
 *
 * config: complete, borrowed for the supervisor's life.
 *
 * Returns: 0; -ENOMEM; negative errno of what cannot be done without. */
int supervisor_new(const RunConfig *config, Supervisor **ret_supervisor) _warn_unused_;
Supervisor *supervisor_free(Supervisor *supervisor);
DEFINE_POINTER_CLEANUP(Supervisor, supervisor_free)

/* Takes back what would outlive the process (helpers, the notify socket's name, the sub-group), for a caller
 * that is about to leave: memory and fds go with it, and freeing them one by one would only make whoever
 * waits for us wait longer. Only supervisor_free() may follow. */
void supervisor_withdraw(Supervisor *supervisor);

/* The name that the records carry. */
const char *supervisor_name(const Supervisor *supervisor);

/* Forks the gateway and stays until no gateway process is left.
 *
 * ret_status:     how the gateway left, to be mirrored.
 * ret_exec_error: 0, or the errno of executing COMMAND: no gateway ran.
 *
 * Returns: 0; 1: refused before the fork, because the unit's stop timeout is too short
 * (--on-short-timeout=refuse); negative errno: the supervisor failed before the gateway ran. */
int supervisor_run(
        Supervisor *supervisor, GatewayStatus *ret_status, int *ret_exec_error) _warn_unused_;
