/* SPDX-License-Identifier: MIT */
#pragma once

/* The end of a payload that may fork faster than a list of it can be read: stop whatever is found,
 * as soon as it is found, until nothing new appears; then kill what was stopped. */

#include <stddef.h>
#include <sys/types.h>

#include "payload-members.h"

/* but_pid:    left alone; 0: nobody.
 * with_group: kill the whole group by cgroup.kill first (but_pid then is not spared if it is a
 *             member of the group).
 * ret_n_sent: processes that SIGKILL was sent to.
 *
 * Returns: 0; -ESRCH: there was nobody; negative errno of the last failure when not one could be
 * reached. */
int payload_sweep(const PayloadScope *scope, pid_t but_pid, bool with_group,
        size_t *ret_n_sent) _warn_unused_;
