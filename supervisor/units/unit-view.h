/* SPDX-License-Identifier: MIT */
#pragma once

/* One unit as the rules see it: the settings that bear on how it runs and stops, each with its value and
 * the file that it comes from, however they were read: over D-Bus, from the files themselves, or by
 * systemd's own parser. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cgroup.h"
#include "strv.h"
#include "units/exec-line.h"
#include "usec.h"

typedef enum ViewKey {
        VIEW_TYPE,
        VIEW_EXIT_TYPE,
        VIEW_RESTART,
        VIEW_RESTART_USEC,
        VIEW_NOTIFY_ACCESS,
        VIEW_TIMEOUT_START_USEC,
        VIEW_TIMEOUT_STOP_USEC,
        VIEW_TIMEOUT_ABORT_USEC,
        VIEW_TIMEOUT_STOP_FAILURE_MODE,
        VIEW_RUNTIME_MAX_USEC,
        VIEW_WATCHDOG_USEC,
        VIEW_OOM_POLICY,
        VIEW_PID_FILE,
        VIEW_BUS_NAME,
        VIEW_KILL_MODE,
        VIEW_KILL_SIGNAL,
        VIEW_RESTART_KILL_SIGNAL,
        VIEW_FINAL_KILL_SIGNAL,
        VIEW_WATCHDOG_SIGNAL,
        VIEW_SEND_SIGKILL,
        VIEW_SEND_SIGHUP,
        VIEW_DELEGATE,
        VIEW_LIMIT_RTPRIO,
        VIEW_RESTRICT_REALTIME,
        VIEW_CAPABILITY_BOUNDING_SET, /* bit N: capability N */
        VIEW_AMBIENT_CAPABILITIES,
        VIEW_PROTECT_PROC,
        VIEW_PROC_SUBSET,
        VIEW_PROTECT_CONTROL_GROUPS,
        VIEW_PRIVATE_USERS,
        VIEW_PRIVATE_PIDS,
        VIEW_USER,
        VIEW_DYNAMIC_USER,
        VIEW_STATE_DIRECTORY,
        VIEW_STANDARD_OUTPUT,
        VIEW_LOG_RATE_LIMIT_INTERVAL_USEC,
        VIEW_LOG_RATE_LIMIT_BURST,
        VIEW_RESTART_PREVENT_EXIT_STATUS,
        VIEW_SUCCESS_EXIT_STATUS,
        VIEW_START_LIMIT_INTERVAL_USEC,
        VIEW_START_LIMIT_BURST,
        VIEW_JOB_TIMEOUT_USEC,
        VIEW_JOB_RUNNING_TIMEOUT_USEC,
        VIEW_EXEC_START,
        VIEW_EXEC_STOP,
        VIEW_EXEC_STOP_POST,
        VIEW_ENVIRONMENT,
        VIEW_ENVIRONMENT_FILES, /* "-" in front: may be missing */
        VIEW_NEED_DAEMON_RELOAD,
        VIEW_EXEC_MAIN_STARTED, /* CLOCK_REALTIME; 0: it does not run */
        VIEW_EXEC_MAIN_STARTED_MONOTONIC,
        VIEW_MAIN_PID, /* 0: it does not run */
        VIEW_RESTARTS, /* by Restart=, since somebody started it */
        VIEW_STATUS_TEXT,
        _VIEW_KEY_MAX,
        _VIEW_KEY_INVALID = -EINVAL,
} ViewKey;

typedef enum ViewKind {
        VIEW_KIND_USEC,
        VIEW_KIND_BOOL,
        VIEW_KIND_UNSIGNED, /* UINT64_MAX: infinity */
        VIEW_KIND_SIGNAL,
        VIEW_KIND_STRING,
        VIEW_KIND_STRINGS,
        VIEW_KIND_STATUS_SET,
        VIEW_KIND_COMMANDS,
        _VIEW_KIND_MAX,
} ViewKind;

typedef struct ViewKeyInfo {
        const char *property; /* on D-Bus: "TimeoutStopUSec" */
        const char *setting;  /* in files: "TimeoutStopSec"; NULL: no file sets it */
        const char *section;  /* "Service" or "Unit" */
        ViewKind kind;
        const char *initial;         /* what holds when nothing sets it, as a file would say it */
        const char *manager_default; /* the manager's setting that decides then; NULL: none */
        const char *dump;            /* its label in systemd's own dump; NULL: not in it */
} ViewKeyInfo;

const ViewKeyInfo *view_key_info(ViewKey key);
/* By the setting of a section, aliases included (TimeoutSec= is TimeoutStopSec= and TimeoutStartSec=: the
 * former). Returns: _VIEW_KEY_INVALID: none of these. */
ViewKey view_key_from_setting(const char *section, const char *setting);
ViewKey view_key_from_property(const char *property);
ViewKey view_key_from_dump(const char *label);

typedef struct ExitStatusSet {
        uint64_t codes[256 / 64];
        uint64_t signals; /* bit N: signal N */
} ExitStatusSet;

bool exit_status_set_has_code(const ExitStatusSet *set, unsigned code);
bool exit_status_set_has_signal(const ExitStatusSet *set, int signo);

typedef struct ViewCommand {
        char *path;
        char **argv; /* [0] is what the program is told it is called */
        unsigned flags;
} ViewCommand;

typedef enum ViewOrigin {
        VIEW_ORIGIN_UNKNOWN, /* the unit's files could not be read here */
        VIEW_ORIGIN_DEFAULT, /* nothing sets it */
        VIEW_ORIGIN_MANAGER, /* nothing sets it; a setting of the manager decides */
        VIEW_ORIGIN_FRAGMENT,
        VIEW_ORIGIN_DROP_IN,
        VIEW_ORIGIN_COMPUTED, /* no file's setting (NeedDaemonReload) */
        _VIEW_ORIGIN_MAX,
        _VIEW_ORIGIN_INVALID = -EINVAL,
} ViewOrigin;

/* "unknown", "default", "manager", "fragment", "drop-in", "computed". */
const char *view_origin_to_string(ViewOrigin origin);

typedef struct ViewValue {
        bool is_known;
        uint64_t number; /* USEC, BOOL, UNSIGNED, SIGNAL */
        char *text;      /* STRING; "" is none */
        char **strings;
        ExitStatusSet set;
        ViewCommand *commands;
        size_t n_commands;
        ViewOrigin origin;
        char *source; /* FRAGMENT, DROP_IN: the file that sets it last */
} ViewValue;

typedef struct UnitView {
        char *name;
        UnitManager manager;
        bool is_offline; /* read from files, not from a manager */

        char *load_state; /* "loaded", "not-found", "bad-setting", "error", "masked"; never NULL */
        char *load_error; /* NULL: none */
        char *unreadable; /* why its manager could not tell its settings; NULL: it did */
        char *active_state, *sub_state;
        char *fragment; /* NULL: none */
        char **drop_ins;
        bool has_files; /* fragment and drop-ins could be read here */

        ViewValue values[_VIEW_KEY_MAX];

        /* What lies around the unit. */
        usec_t cap_usec; /* user units: what user@.service above allows; USEC_INFINITY: no cap, or
                                        * not known */
        char *cap_unit;  /* "user@1000.service" */
        usec_t files_changed_usec; /* CLOCK_REALTIME of the newest file; 0: not known */
        int linger;                /* user units: 1, 0; -1: not known, or no user unit */
        char *linger_user;         /* whose */
        bool is_proc_hidden;       /* /proc is mounted with hidepid= */
        char **shadowed;           /* unit files that the fragment hides */
        char **ignored;            /* what systemd's parser complained of, a line each */
} UnitView;

/* Sets all values to what holds when nothing sets them.
 * Returns: 0; -ENOMEM. */
int unit_view_init(UnitView *view, const char *name, UnitManager manager) _warn_unused_;
/* Gives back what it holds. Half-built and zeroed ones are fine. */
void unit_view_done(UnitView *view);
/* An array of them, malloc()ed. NULL is fine. */
void unit_views_free(UnitView *views, size_t n);

/* Sets a value as a file would say it ("45s", "yes", "SIGTERM", "mixed"; an empty text resets), for a
 * list one more assignment. What systemd would ignore is ignored.
 *
 * source: the file, NULL: none.
 * Returns: 0; 1: ignored, systemd would not take it; -ENOMEM. */
int unit_view_assign(UnitView *view, ViewKey key, const char *value, ViewOrigin origin,
        const char *source) _warn_unused_;

/* Settings that follow from others where nothing sets them, as systemd derives them: NotifyAccess from
 * Type and WatchdogSec, TimeoutAbortSec from TimeoutStopSec, RestartKillSignal from KillSignal, OOMPolicy
 * from Delegate. Once, when all files have been read.
 * Source: service_add_extras() and service_fix_stdio() of systemd's src/core/service.c. */
int unit_view_settle(UnitView *view) _warn_unused_;

/* A value as text, as a file would say it: "1min 30s", "yes", "SIGTERM", "64 78". Of commands the first
 * one's words. Where it is not known "".
 * Returns: malloc()ed text; NULL: out of memory. */
char *unit_view_format(const UnitView *view, ViewKey key) _warn_unused_;

/* Short ways to a value; it must be of that kind. An unknown one is 0, false, "". */
usec_t unit_view_usec(const UnitView *view, ViewKey key);
uint64_t unit_view_number(const UnitView *view, ViewKey key);
bool unit_view_bool(const UnitView *view, ViewKey key);
const char *unit_view_text(const UnitView *view, ViewKey key);
bool unit_view_is(const UnitView *view, ViewKey key, const char *text);
bool unit_view_is_set(const UnitView *view, ViewKey key); /* by a file */
