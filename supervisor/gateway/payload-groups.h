/* SPDX-License-Identifier: MIT */
#pragma once

/* Process groups that belong to the payload alone, and their end. Shared by the payload's files, for
 * nobody else. */

#include "payload-members.h"

/* Sends SIGKILL to every process group (other than the supervisor's own) that has a living member of
 * the payload's tree, none of anybody else's, and not but_pid.
 *
 * ret_killed: malloc()ed or NULL; the processes that were seen in these groups.
 * Returns: 0; -ENOMEM; negative errno of proc_read_all().
 * Source: kill(2), setpgid(2). */
int payload_groups_kill(const PayloadScope *scope, pid_t but_pid, ProcessInfo **ret_killed,
        size_t *ret_n) _warn_unused_;
