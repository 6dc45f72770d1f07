/* SPDX-License-Identifier: MIT */
#pragma once

/* One run that is over, as the journal tells it: the fields of its record `stopped` and of its `started`, typed,
 * and whether the writer can have been who it says. Pure: entries in, a struct out. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "cgroup.h"
#include "journal-entry.h"
#include "stop/cause.h"
#include "stop/outcome.h"
#include "usec.h"

typedef enum RunState {
        RUN_STOPPED,    /* its record `stopped` is there */
        RUN_UNRECORDED, /* over, and nobody has recorded how: there is only its `started` */
        RUN_RUNNING,    /* as far as the journal and this machine can tell */
        _RUN_STATE_MAX,
        _RUN_STATE_INVALID = -EINVAL,
} RunState;

/* "stopped", "unrecorded", "running". */
const char *run_state_to_string(RunState state);
RunState run_state_from_string(const char *name);

typedef enum RecordTrust {
        TRUST_BELIEVED, /* what the journal vouches for fits what the record says */
        TRUST_UNVERIFIED, /* nothing speaks against it; the journal could not look at the writer in time */
        TRUST_FORGED, /* written by somebody else */
        _RECORD_TRUST_MAX,
        _RECORD_TRUST_INVALID = -EINVAL,
} RecordTrust;

/* "believed", "unverified", "forged". */
const char *record_trust_to_string(RecordTrust trust);

/* The process at the other end: of the signal, or of the request to systemd. Strings are NULL, ids -1 (uid_t,
 * pid 0) where they are not known. */
typedef struct StopParty {
        pid_t pid;
        uid_t uid, loginuid;
        const char *user, *comm, *cmdline, *unit, *ancestry;
        const char *state; /* of a sender: "alive", "manager", … */
        const char *verb;  /* of a requester: "stop", "restart", … */
} StopParty;

/* Strings are NULL where they are not known, times USEC_INFINITY (but where said otherwise). All of them are as
 * they were written: text_clean() before they are shown. */
typedef struct PastStop {
        RunState state;
        RecordTrust trust;
        const char *forgery; /* what speaks against it, one sentence; NULL unless forged */

        /* What the journal vouches for. */
        usec_t realtime_usec;  /* of the last record: about when it was over; never infinity */
        usec_t monotonic_usec; /* likewise, of boot_id */
        sd_id128_t boot_id, machine_id;
        sd_id128_t
                run_boot_id; /* of its `started`: another one when the machine went down; null: not known */
        const char *host;      /* _HOSTNAME */
        const char *unit;      /* "hermes.service"; of a run in no service its scope or slice */
        UnitManager manager;   /* NONE: a run in no service */
        uid_t uid;             /* of the writer; -1: not told */
        pid_t writer_pid;      /* _PID; 0: not told */
        bool is_of_invocation; /* the run has the id of the invocation that the writer was of */

        /* What the record says. */
        sd_id128_t run_id;
        const char *name;
        const char *recorded_by;    /* "run", "post", "next-run" */
        usec_t began_realtime_usec; /* of the run's `started`; infinity: that is not there */
        usec_t uptime_usec;
        Cause cause; /* _CAUSE_INVALID: none, or a word that is not known here */
        const char *cause_word, *cause_detail;
        Outcome outcome; /* _OUTCOME_INVALID likewise */
        const char *outcome_word;
        const char *exit_code;   /* "exited", "killed", "dumped" */
        const char *exit_status; /* "0", "SIGTERM" */
        const char *signal;
        StopParty sender, requester;
        usec_t drain_usec; /* what was allowed */
        usec_t headroom_usec;
        usec_t timeout_stop_usec; /* what systemd allowed */
        usec_t drain_used_usec;
        usec_t total_usec; /* 0: nobody asked for a stop */
        bool has_active;
        uint64_t active_at_start, active_now; /* UINT64_MAX: not known */
        const char *active_source;
        const char *phases, *gateway_phases, *steps; /* JSON, unparsed */
        const char *slowest_step;
        usec_t slowest_step_usec;
        const char *timeline;
        uint64_t n_oom_kills; /* UINT64_MAX: not known */
        const char *service_result, *previous_phase;
        const char *previous_gateway_phase, *previous_step;
        const char *command;

        char *text; /* the strings, owned */
} PastStop;

/* Reads a record `stopped`, without its `started`. Trust is judged by the entry alone.
 *
 * Returns: 0 and a stop; -EBADMSG: it has no run id: nothing can be said of it; -ENOMEM. */
int past_stop_from_entry(const JournalEntry *entry, PastStop *ret_stop) _warn_unused_;

/* Reads a `started` whose run left no `stopped`: state RUN_UNRECORDED.
 * Returns: as above. */
int past_stop_from_started(const JournalEntry *entry, PastStop *ret_stop) _warn_unused_;

/* Adds what only the run's `started` tells, and judges trust again: both have to have come from one machine,
 * unit and user (or root), else the `stopped` is forged; or the `started` is, when only the `stopped` came from the
 * invocation that the run is named after: then nothing is added. started: of the same run id, believed itself.
 * Returns: 0; -ENOMEM. */
int past_stop_join(PastStop *stop, const JournalEntry *started) _warn_unused_;

/* Gives back the strings. {} is fine. */
void past_stop_done(PastStop *stop);

/* What is known of the drain. Returns: share used of what was allowed, 0.0 and up; negative: not known. */
double past_stop_drain_share(const PastStop *stop);

/* Whether SIGKILL, or a lost supervisor, ended it. */
bool past_stop_is_forced(const PastStop *stop);
/* Whether its cause says nothing that a person could act on: crash, supervisor-killed, unknown, unrecorded. */
bool past_stop_is_unexplained(const PastStop *stop);

/* Who it was, for one cell: the requester if there is one, else the sender: "systemctl(4242) by alice",
 * "kill(812) by root", "kernel" (terminal), "-": nobody is known, or nobody was needed (exit, crash).
 * Returns: malloc()ed text, cleaned for a terminal; NULL: out of memory. */
char *past_stop_format_party(const PastStop *stop) _warn_unused_;
/* Its user alone: "alice", "uid 1001"; "": not known. Likewise. */
char *past_stop_format_user(const PastStop *stop) _warn_unused_;
/* "exited 0", "killed SIGKILL", "-". Likewise. */
char *past_stop_format_exit(const PastStop *stop) _warn_unused_;
/* "hermes.service"; of a run in no service its name and where it ran: "hermes (session-3.scope)". Likewise. */
char *past_stop_format_unit(const PastStop *stop) _warn_unused_;
/* The word, or "unrecorded"/"running" by state, "-": none. Weak. */
const char *past_stop_outcome_word(const PastStop *stop);
const char *past_stop_cause_word(const PastStop *stop);

typedef struct StopList {
        PastStop *stops; /* in the journal's order: oldest first */
        size_t n;
} StopList;

/* Gives back the stops, and what they own. {} is fine. */
void stop_list_done(StopList *list);
