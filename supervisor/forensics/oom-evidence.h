/* SPDX-License-Identifier: MIT */
#pragma once

/* Kills for want of memory: the kernel's counters of a control group, systemd-oomd's marks on it, and
 * the kernel's own record of a pid. All are counted from a baseline, because a group may be older than
 * the run. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

typedef struct OomCounters {
        bool has_events;
        uint64_t n_oom_kills;       /* memory.events: oom_kill, the group and below */
        uint64_t n_oom_group_kills; /* memory.events: oom_group_kill */
        uint64_t n_local_oom_kills; /* memory.events.local: oom_kill */
        uint64_t n_oomd_kills;      /* xattr user.oomd_kill (systemd 248), processes */
        uint64_t n_oomd_ooms;       /* xattr user.oomd_ooms, times */
} OomCounters;

/* Reads what there is; what is missing, vanishing or malformed counts 0. cgroup_fd: the unit's group, or
 * -EBADF. */
void oom_counters_read(int cgroup_fd, OomCounters *ret_counters);

/* What happened since before; never below 0. */
OomCounters oom_counters_since(const OomCounters *before, const OomCounters *now);

/* Whether the kernel's log says that it killed this process for want of memory, at most
 * OOM_LOG_MESSAGES_MAX messages back. Reads /dev/kmsg without waiting.
 *
 * kmsg_path: "/dev/kmsg", or a file of the same form (tests).
 * Returns: 1; 0, also in a pid namespace other than the kernel's own, in which the log's pids say
 * nothing; -EPERM, -EACCES: not for us to read; other errno of open(2). */
#define OOM_LOG_MESSAGES_MAX 2048
int oom_log_names(const char *kmsg_path, pid_t pid) _warn_unused_;

/* Parses one record of /dev/kmsg. Returns: the pid that it says was killed for want of memory; 0: none. */
pid_t oom_log_parse(const char *record);
