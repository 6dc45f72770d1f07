/* SPDX-License-Identifier: MIT */
#pragma once

/* The payload: every process of the gateway, main and whatever it forked, however deep and in
 * whatever session. Held in a delegated sub-cgroup where there is one, and always by being the
 * subreaper: what is orphaned below us becomes our child, so "no child is left" means that no
 * gateway process is left. Signals go through pidfds that were checked against the process's start
 * time; killing repeats until nothing new appears. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup.h"
#include "proc.h"
#include "stop/schedule.h"

#define PAYLOAD_CGROUP_NAME "gateway"

typedef struct Payload Payload;

/* Becomes subreaper and opens procfs.
 * proc_root: "/proc", or an injected tree.
 * Returns: 0; -ENOMEM; negative errno of prctl(2), open(2). */
int payload_new(const char *proc_root, Payload **ret_payload) _warn_unused_;
/* Removes the sub-group if it is empty. Returns: NULL. */
Payload *payload_free(Payload *payload);
DEFINE_POINTER_CLEANUP(Payload, payload_free)

/* Makes the sub-group PAYLOAD_CGROUP_NAME in the unit's group, for gateway_spawn() to be given
 * payload_cgroup_fd().
 * mount_point, cgroup_path: as cgroup_open() takes them.
 * Returns: 0; -EPERM: not delegated to us; -EOPNOTSUPP: no cgroup.kill; negative errno. In all these
 * cases the payload works without a group. */
int payload_make_cgroup(
        Payload *payload, const char *mount_point, const char *cgroup_path) _warn_unused_;
/* Returns: fd; -EBADF: no sub-group. Owned by the payload. */
int payload_cgroup_fd(const Payload *payload);
/* Returns: fd of procfs, owned by the payload. */
int payload_proc_fd(const Payload *payload);
/* Gives the group up again (the kernel would not fork into it). */
void payload_drop_cgroup(Payload *payload);

/* A process that the supervisor forked for itself: below it in the tree, but not the gateway's. Only
 * one that wait(2) does not count among our children (a clone child) can be told apart.
 * Returns: 0; -ENOSPC: there are PAYLOAD_HELPERS_MAX. */
int payload_add_helper(Payload *payload, pid_t pid) _warn_unused_;
void payload_remove_helper(Payload *payload, pid_t pid);

/* The main process, 0 for none (it is gone). */
void payload_set_main(Payload *payload, pid_t pid);

/* One process that was reaped. (The names of siginfo_t are macros.) */
typedef struct PayloadReaped {
        pid_t pid;
        int code;   /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int status; /* exit code or signal */
} PayloadReaped;

/* Reaps one child that has ended (an orphan that became ours, or main: there is no main then).
 * Returns: 1 and *ret_reaped; 0: none has ended, some live; -ECHILD: there is no child at all. */
int payload_reap(Payload *payload, PayloadReaped *ret_reaped) _warn_unused_;

/* Whether any gateway process is alive (zombies do not count), main included.
 * Returns: 1, 0. Errs on the side of 0 only when neither procfs nor the group can be read and we
 * have no child. */
bool payload_is_populated(Payload *payload);
/* The same without main. Cheap when no child and no group member is left, else one pass; with main gone
 * also a child that has ended and is not reaped yet counts, because only "no child at all" proves that
 * nobody is left. */
bool payload_has_others(Payload *payload);

/* Is pid a gateway process (in the group, or our descendant)? For checking credentials.
 * Returns: 1, 0. A process that is gone already: 0. */
bool payload_contains(Payload *payload, pid_t pid);

/* Sends a signal to `main`, to the others, or to all, each process once; SIGCONT follows everything
 * but SIGKILL and SIGSTOP, so that stopped processes can act on it. SIGKILL to `others` and `all` is
 * final: by cgroup.kill (when main is not to be left out) and by sweeps over the tree (stop first,
 * then kill, until a pass finds nothing new; bounded in passes and to about a second).
 *
 * skip_main:  with `all`: leave main out (it has had this signal).
 * ret_n_sent: optional; processes that got it.
 * Returns: 0; -ESRCH: nobody to send it to; negative errno of the last failure when not one could be
 * reached. */
int payload_signal(Payload *payload, PhaseTarget target, int signo, bool skip_main,
        size_t *ret_n_sent) _warn_unused_;

/* All of the gateway's living processes, main included, in the order of /proc. Also in a helper process,
 * which has to add itself (payload_add_helper()) before, and to keep both of our descriptors.
 * ret_list: malloc()ed.
 * Returns: 0; -ENOMEM; negative errno. */
int payload_list(Payload *payload, ProcessInfo **ret_list, size_t *ret_n) _warn_unused_;

/* The gateway's living processes without main, oldest first, at most PAYLOAD_LIST_MAX.
 * ret_list: malloc()ed. ret_n_total: optional; how many there are beyond the bound.
 * Returns: 0; -ENOMEM; negative errno. */
#define PAYLOAD_LIST_MAX 64
int payload_list_others(
        Payload *payload, ProcessInfo **ret_list, size_t *ret_n, size_t *ret_n_total) _warn_unused_;

/* Whether every living gateway process besides main ignores a signal (SIG_IGN), so that neither sending
 * it nor waiting for what it does is of any use.
 * Returns: 1; 0, also when there is no such process or when it cannot be told. */
bool payload_others_ignore(Payload *payload, int signo);
