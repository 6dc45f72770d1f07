/* SPDX-License-Identifier: MIT */
#pragma once

/* Who asked systemd. Nobody records it, but `systemctl stop` and its kind wait for their job, for as long
 * as the unit drains: the process is still there, with our unit among its arguments. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "process-snapshot.h"
#include "redact.h"

#define REQUESTERS_MAX        8
#define REQUESTER_CMDLINE_MAX 2048
#define REQUESTER_VERB_MAX    32
#define REQUESTER_NAMES_MAX   16

/* What is being asked for. */
typedef struct RequesterTarget {
        UnitManager manager;
        uid_t owner_uid;                        /* of a user manager */
        const char *owner_name;                 /* its name; NULL: not known */
        const char *names[REQUESTER_NAMES_MAX]; /* the unit's name and its aliases */
        size_t n_names;
} RequesterTarget;

/* Whether a command line asks our manager to end our unit: systemctl (stop, restart, try-restart,
 * reload-or-restart, isolate, …; also poweroff and its kind, which end every unit), service(8),
 * invoke-rc.d(8), deb-systemd-invoke(1p), busctl, gdbus and dbus-send calling such a method. Units are
 * compared by name with or without suffix, by alias, by template instance, by glob. Requests to other
 * hosts, machines and managers do not count, nor do those that only look (status, show), nor do
 * sudo(8), sh(1) and the like that merely run such a command.
 *
 * argv: NULL-terminated. uid: of the process, for --user.
 * ret_verb: what it asks for, "restart".
 * Returns: whether it does. Pure. */
bool requester_matches(const char *const argv[], uid_t uid, const RequesterTarget *target,
        char ret_verb[static REQUESTER_VERB_MAX]);

typedef struct Requester {
        pid_t pid;
        uint64_t start_ticks;
        uid_t uid;      /* (uid_t) -1: not known any more */
        uid_t loginuid; /* PROCESS_LOGINUID_NONE */
        char verb[REQUESTER_VERB_MAX];
        char comm[PROC_COMM_MAX];
        char unit[UNIT_NAME_MAX];
        char cmdline[REQUESTER_CMDLINE_MAX]; /* as it may be recorded; empty: mode comm */
        char ancestry[PROCESS_ANCESTRY_MAX];
} Requester;

typedef struct RequesterList {
        size_t n;
        size_t n_processes;              /* looked at */
        Requester items[REQUESTERS_MAX]; /* oldest first */
} RequesterList;

/* Looks through all processes but PID 1 and itself: at their names, and at the command lines of those
 * that can be such a tool. May wait for one of these that is wedged: for a helper process.
 * Returns: 0; -ENOMEM; negative errno of the directory. */
int requester_search(int proc_fd, const RequesterTarget *target, CmdlineMode mode,
        RequesterList *ret_list) _warn_unused_;
