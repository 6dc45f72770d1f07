/* SPDX-License-Identifier: MIT */
#pragma once

/* Who belongs to the payload at an instant, and a signal to one of them that cannot hit another
 * process. Shared by the payload's files, for nobody else. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup.h"
#include "proc.h"

#define PAYLOAD_HELPERS_MAX 8

/* Where members are looked for. The descriptors are the payload's. */
typedef struct PayloadScope {
        int proc_fd;
        int cgroup_fd; /* the sub-group; -EBADF: none */
        pid_t self;    /* the supervisor: what descends from it is a member, but for … */
        pid_t helpers[PAYLOAD_HELPERS_MAX]; /* … its own helper processes; 0: free */
} PayloadScope;

/* Whether a process below the supervisor is none of the gateway's: the supervisor, or a helper. */
bool payload_scope_is_apart(const PayloadScope *scope, pid_t pid);

/* Every member, in the order of /proc, zombies included, the supervisor itself not: what descends
 * from it, and what the group holds besides.
 * ret_list: malloc()ed.
 * Returns: 0; -ENODATA: procfs is gone; -ENOMEM; negative errno of proc_read_all(). */
int payload_members_read(
        const PayloadScope *scope, ProcessInfo **ret_list, size_t *ret_n) _warn_unused_;

/* Returns: the list's living members that are not but_pid, moved to the front. */
size_t payload_members_keep_living(ProcessInfo *list, size_t n, pid_t but_pid);

/* Answers from the kernel's lists of children (/proc/PID/task/TID/children), without looking at
 * processes that are not ours.
 * Returns: 1: a living member other than main_pid was found; 0: there is none for sure; -EAGAIN:
 * not to be told this way; -ENOENT: the kernel has no such lists. */
int payload_members_probe_others(const PayloadScope *scope, pid_t main_pid) _warn_unused_;

/* Takes hold of whatever process has this pid now. Without pidfds (a sandbox, an old kernel)
 * *ret_pidfd is -EBADF, and payload_member_send() goes by pid.
 * Returns: 0; -ESRCH: there is none; other errno of pidfd_open(2). */
int payload_member_open(pid_t pid, int *ret_pidfd) _warn_unused_;

/* Returns: 0; -ESRCH; -EPERM; other errno of pidfd_send_signal(2), kill(2). */
int payload_member_send(int pidfd, pid_t pid, int signo) _warn_unused_;

/* Sends a signal to the process that was seen as pid and start_ticks, by pidfd.
 * is_continued: send SIGCONT behind it.
 * Returns: 0; -ESRCH: it is gone, or the pid is another process by now; -EPERM; other errno of
 * payload_member_open(), payload_member_send(). */
int payload_member_signal(const PayloadScope *scope, pid_t pid, uint64_t start_ticks, int signo,
        bool is_continued) _warn_unused_;

/* Whether a process ignores a signal (SigIgn in /proc/PID/status).
 * Returns: 1; 0, also when it cannot be read. */
bool payload_member_ignores(const PayloadScope *scope, pid_t pid, int signo);
