/* SPDX-License-Identifier: MIT */
#pragma once

/* Processes as /proc shows them. Each call reads a handful of small virtual files and neither keeps
 * state nor trusts what it reads: a process may vanish or be replaced by another between two reads,
 * and comm, cmdline and cgroup paths may hold any byte. The root of procfs is a directory fd, so
 * that tests can inject a tree of their own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

#define PROC_COMM_MAX 64 /* the kernel's own threads go beyond TASK_COMM_LEN */

typedef struct ProcessInfo {
        pid_t pid;
        pid_t ppid;
        pid_t pgrp;
        pid_t session;
        char state;               /* R S D Z T t X I …, as in proc(5) */
        uint64_t start_ticks;     /* field 22 of stat: with pid it names a process for good */
        uint64_t cpu_ticks;       /* utime + stime */
        uint64_t n_threads;       /* of a zombie more than 1: only its first thread has ended */
        char comm[PROC_COMM_MAX]; /* NUL-terminated, as the kernel has it */
} ProcessInfo;

/* Opens procfs (or an injected tree).
 * Returns: a directory fd (O_PATH is not used: it is read); negative errno. */
int proc_open_root(const char *path) _warn_unused_;

/* Parses the content of /proc/PID/stat. comm may contain spaces, parentheses and newlines.
 * Returns: 0; -EINVAL: not a stat line. */
int proc_parse_stat(const char *text, ProcessInfo *ret_info) _warn_unused_;

/* Whether the process still runs: no zombie, or one of whose threads others live on. */
bool proc_info_is_alive(const ProcessInfo *info);

/* Returns: 0; -ESRCH: no such process; -EINVAL: unreadable content; other errno of openat(2). */
int proc_read_info(int proc_fd, pid_t pid, ProcessInfo *ret_info) _warn_unused_;

/* All processes, in the order of /proc. Processes that vanish in between are left out; one whose
 * parent vanished in between is read again, so that it stands under its new parent.
 * ret_list: malloc()ed array, owned by the caller.
 * Returns: 0; -ENOMEM; -EMFILE, -ENFILE; negative errno of the directory. */
int proc_read_all(int proc_fd, ProcessInfo **ret_list, size_t *ret_n) _warn_unused_;

/* The command line with NULs as spaces, valid UTF-8 (what is not is replaced by U+FFFD), cut at
 * max_bytes; the comm in brackets when it is empty (kernel threads, zombies). Not redacted.
 * ret_cmdline: malloc()ed.
 * Returns: 0; -ESRCH; -EACCES; -ENOMEM. */
int proc_read_cmdline(int proc_fd, pid_t pid, size_t max_bytes, char **ret_cmdline) _warn_unused_;

/* The path in the unified hierarchy ("0::" line of /proc/PID/cgroup), or on a legacy host the one
 * of "name=systemd" when the unified one is "/" or missing. pid 0 is the caller itself.
 * Returns: 0; -ESRCH; -ENODATA: neither line; -ENAMETOOLONG. */
int proc_read_cgroup(int proc_fd, pid_t pid, char *ret_path, size_t size) _warn_unused_;

/* Whether pid descends from ancestor (itself does not count), by walking up the parents; at most
 * 4096 steps.
 * Returns: 1 it does; 0 it does not; -ESRCH: pid or a process on the way vanished. */
int proc_is_descendant(int proc_fd, pid_t pid, pid_t ancestor) _warn_unused_;

/* Of a list read by proc_read_all(), marks the descendants of ancestor: moves them to the front in
 * their old order (zombies included).
 * Returns: how many they are. */
size_t proc_keep_descendants(ProcessInfo *list, size_t n, pid_t ancestor);
