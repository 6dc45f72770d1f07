/* SPDX-License-Identifier: MIT */
#pragma once

/* Who and what was there when a stop signal came: taken from /proc alone, at the signal, without
 * waiting and without failing. What cannot be read is left out. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json.h>
#include <systemd/sd-id128.h>

#include "forensics/sender-catcher.h"
#include "forensics/stop-marker.h"
#include "process-snapshot.h"
#include "record.h"
#include "redact.h"
#include "usec.h"
#include "user-name.h"

/* What does not change during a run, read once at its beginning, so that a snapshot is cheap. */
typedef struct ContextBase {
        int proc_fd; /* of the caller */
        /* Kept open: reading again costs half of opening and reading. -EBADF: not to be opened. */
        int status_fd; /* our own */
        int parent_fd; /* the parent's stat; finds nothing once that is gone, whoever has its pid then */
        int loadavg_fd;
        pid_t pid; /* the supervisor */
        ProcessSnapshot self;
        ProcessSnapshot parent; /* read anew when it is another process, or another program */
        bool has_invocation_id; /* $INVOCATION_ID as inherited; proves nothing by itself */
        char invocation_id[SD_ID128_STRING_MAX];
        char journal_stream[64]; /* $JOURNAL_STREAM; empty: none */
} ContextBase;

/* proc_fd: stays the caller's, and open. environment values are read here. Never fails. */
void context_base_init(ContextBase *base, int proc_fd);

/* Embedded; closes what it keeps open. */
void context_base_done(ContextBase *base);

typedef struct ShutdownContext {
        usec_t realtime_usec;
        usec_t monotonic_usec;
        int signo; /* 0: none */
        int code;  /* si_code; only when has_code */
        bool has_code;
        bool has_value; /* SI_QUEUE */
        int64_t value;
        pid_t sender_pid; /* as siginfo has it */
        uid_t sender_uid;
        SenderState sender_state;
        const ProcessSnapshot *sender;              /* weak; NULL: none */
        const ProcessSnapshot *sender_parent;       /* weak; NULL: none */
        char sender_ancestry[PROCESS_ANCESTRY_MAX]; /* of a process that is not the manager */
        char sender_user[USER_NAME_MAX];            /* empty: not a local user */
        bool is_under_systemd;
        pid_t pid, ppid;
        char self_state;             /* 'R' … */
        const ProcessSnapshot *self; /* weak: the base's */
        ProcessSnapshot parent;
        bool has_loadavg;
        double loadavg_1m;
        pid_t tracer_pid; /* 0: none */
        ProcessSnapshot tracer;
        ProcessSnapshot gateway; /* pid 0: none; of stat and status alone */
        StopMarkerPresence takeover, planned_stop;
        int takeover_error, planned_stop_error; /* errno: it is there, and cannot be read; 0 */
        char takeover_text[STOP_MARKER_TEXT_MAX], planned_stop_text[STOP_MARKER_TEXT_MAX];
} ShutdownContext;

typedef struct ContextRequest {
        const CaughtSignal *caught; /* NULL: no signal (the gateway asked) */
        bool is_under_systemd;      /* as the caller has proved */
        pid_t gateway_pid;
        int marker_fd; /* directory of the markers; -EBADF: none */
} ContextRequest;

/* Takes the snapshot. base: its parent may be read anew. The result borrows from base and from
 * request->caught. Never fails. */
void shutdown_context_take(
        ShutdownContext *context, ContextBase *base, const ContextRequest *request);

/* Whether siginfo names a sending process at all (a kernel's signal has none).
 * Source: sigaction(2), "The siginfo_t argument to a SA_SIGINFO handler". */
bool shutdown_context_has_sender(const ShutdownContext *context);

/* Of command lines in JSON and message; the fields have them whole. */
#define SHUTDOWN_CONTEXT_CMDLINE_MAX 300

/* All of it, with the seed's keys: ts ts_monotonic signal signal_num pid ppid parent self
 * systemd_invocation_id systemd_journal_stream under_systemd loadavg_1m tracer_pid tracer
 * takeover_marker takeover_marker_for_self planned_stop_marker, and sender, gateway.
 * Returns: a new object; NULL: out of memory. */
json_object *shutdown_context_to_json(
        const ShutdownContext *context, const ContextBase *base, CmdlineMode mode) _warn_unused_;

/* Adds GATEWATCH_SIGNAL … _PLANNED_STOP_MARKER and CONTEXT, and sets the message ("Shutdown context:
 * signal=SIGTERM under_systemd=yes sender_pid=… parent_pid=… parent_name=… loadavg_1m=… …
 * parent_cmdline=\"…\"", the command line last). */
void shutdown_context_to_record(
        const ShutdownContext *context, const ContextBase *base, CmdlineMode mode, Record *record);

/* The sender's fields alone (_SIGNAL, _SIGNAL_NUMBER, _SENDER_*), for other records of the stop. */
void shutdown_context_sender_to_record(
        const ShutdownContext *context, CmdlineMode mode, Record *record);
