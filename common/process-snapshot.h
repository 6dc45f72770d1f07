/* SPDX-License-Identifier: MIT */
#pragma once

/* One process of another, described while it is still there: who it is, what it was called with, whose
 * it is and what it belongs to. Filled in two steps, the perishable first: a process that exits loses
 * its command line and its executable before it loses its name, and that before its pid. Everything
 * lies in the struct, so that it can be filled where nothing may be allocated.
 *
 * Missing values are left out, never guessed; each has a bool or a sentinel that says so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json.h>

#include "cgroup.h"
#include "proc.h"
#include "redact.h"
#include "usec.h"

#define PROCESS_CMDLINE_MAX   4096
#define PROCESS_EXE_MAX       1024
#define PROCESS_ANCESTRY_MAX  1024
#define PROCESS_LOGINUID_NONE ((uid_t) -1) /* not logged in, or not to be read */

typedef struct ProcessSnapshot {
        pid_t pid; /* 0: nobody */
        bool has_info;
        ProcessInfo info; /* comm, ppid, session, state, start_ticks */
        bool has_uid;
        uid_t uid; /* real */
        uid_t loginuid;
        pid_t tracer_pid; /* 0: none, or not known */
        bool is_cmdline_cut;
        size_t cmdline_size; /* 0: none to be had (kernel thread, zombie, gone, not permitted) */
        char cmdline[PROCESS_CMDLINE_MAX]; /* as /proc has it: arguments that end in NUL */
        char exe[PROCESS_EXE_MAX];         /* empty: not to be read */
        char cgroup[CGROUP_PATH_MAX];      /* empty: not to be read */
} ProcessSnapshot;

/* Forgets everything but the pid. */
void process_snapshot_init(ProcessSnapshot *snapshot, pid_t pid);

/* The perishable part: the command line, then stat. No allocation, no locks of the C library; the
 * kernel may make it wait for the process's memory lock.
 * Returns: 0; -ESRCH: no such process (what could be read before is kept). */
int process_snapshot_read_urgent(ProcessSnapshot *snapshot, int proc_fd);

/* Uid and tracer alone. By the pid: the caller knows that it still is that process.
 * Returns: 0; negative errno of openat(2), read(2): both are not known. */
int process_snapshot_read_status(ProcessSnapshot *snapshot, int proc_fd);

/* Its two parts, for a process (pid > 0). _info() returns as _urgent() does. */
void process_snapshot_read_cmdline(ProcessSnapshot *snapshot, int proc_fd);
int process_snapshot_read_info(ProcessSnapshot *snapshot, int proc_fd);

/* The rest: executable, uid, tracer, login uid, control group. Call it after the urgent part: if the pid has
 * become another process since (by its start time), nothing is taken from that.
 * Returns: 0; -ESRCH. */
int process_snapshot_read_rest(ProcessSnapshot *snapshot, int proc_fd);

/* Both. */
int process_snapshot_read(ProcessSnapshot *snapshot, int proc_fd, pid_t pid);

/* Whether the process could have done something at an instant: it had been started by then.
 * at_boottime_usec: CLOCK_BOOTTIME. Start times are in ticks of 10 ms; within one tick the answer is
 * yes. Without a start time: false. */
bool process_snapshot_existed_at(const ProcessSnapshot *snapshot, usec_t at_boottime_usec);

/* Whether it runs (no zombie). False when nothing is known. */
bool process_snapshot_is_alive(const ProcessSnapshot *snapshot);

/* The unit it belongs to, by its control group: "hermes.service", "session-3.scope"; empty: none or not
 * known. Returns: unit. */
const char *process_snapshot_unit(const ProcessSnapshot *snapshot, char unit[static UNIT_NAME_MAX]);

/* The login session, by its control group ("3" of "session-3.scope"); empty: none. Returns: session. */
const char *process_snapshot_session(
        const ProcessSnapshot *snapshot, char session[static UNIT_NAME_MAX]);

/* The command line as it may be recorded. Returns: malloc()ed; NULL: there is none, or out of memory. */
char *process_snapshot_cmdline(
        const ProcessSnapshot *snapshot, CmdlineMode mode, size_t max_bytes) _warn_unused_;

/* "kill(812) < bash(640) < sshd(600)": the process and its ancestors up to the leader of its session, and
 * on to that one's parent when that is not PID 1; at most 32, by stat alone (nothing that could wait).
 * Control characters and invalid UTF-8 in names become "?". The first is taken from the snapshot; a
 * parent that started after its child is another process by that pid: there it ends with "?".
 * Returns: text, empty when nothing is known. */
const char *process_snapshot_ancestry(
        const ProcessSnapshot *snapshot, int proc_fd, char text[static PROCESS_ANCESTRY_MAX]);

/* {"pid", "name", "state", "ppid", "uid" (text, as the seed has it), "cmdline", and when known "exe",
 * "unit", "session", "loginuid", "tracer_pid", "start_time"}; strings are mended to valid UTF-8.
 * max_bytes: of the command line.
 * Returns: a new object; NULL: nobody, or out of memory. */
json_object *process_snapshot_to_json(
        const ProcessSnapshot *snapshot, CmdlineMode mode, size_t max_bytes) _warn_unused_;
