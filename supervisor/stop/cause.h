/* SPDX-License-Identifier: MIT */
#pragma once

/* Why a run ended: evidence in, one verdict out. Pure. One row a cause, the first row whose evidence is
 * there wins. Nothing is inferred: what the evidence does not say is `unknown`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "usec.h"

typedef enum Cause {
        CAUSE_STOP,
        CAUSE_RESTART,
        CAUSE_HOST_SHUTDOWN,
        CAUSE_USER_EXIT,
        CAUSE_DEPENDENCY,
        CAUSE_RUNTIME_LIMIT,
        CAUSE_START_TIMEOUT,
        CAUSE_MANAGER_WATCHDOG,
        CAUSE_MANAGER_KILL,
        CAUSE_SIGNAL,
        CAUSE_TERMINAL,
        CAUSE_TAKEOVER,
        CAUSE_PLANNED_STOP,
        CAUSE_OOM,
        CAUSE_OOMD,
        CAUSE_WATCHDOG,
        CAUSE_STEP_TIMEOUT,
        CAUSE_SELF_STOP,
        CAUSE_EXIT,
        CAUSE_CRASH,
        CAUSE_SUPERVISOR_KILLED,
        CAUSE_UNKNOWN,
        _CAUSE_MAX,
        _CAUSE_INVALID = -EINVAL,
} Cause;

const char *cause_to_string(Cause cause);
Cause cause_from_string(const char *name);

/* What set the end in motion, as the supervisor saw it. */
typedef enum CauseTrigger {
        CAUSE_TRIGGER_SIGNAL,   /* a stop signal reached the supervisor */
        CAUSE_TRIGGER_GATEWAY,  /* the gateway said STOPPING=1 */
        CAUSE_TRIGGER_WATCHDOG, /* the gateway's heartbeat was missed (ours) */
        CAUSE_TRIGGER_STEP,     /* a step of the gateway ran over (ours) */
        CAUSE_TRIGGER_END,      /* nothing: the gateway ended by itself */
        CAUSE_TRIGGER_LOST,     /* the supervisor itself is gone, with no stop begun */
        _CAUSE_TRIGGER_MAX,
        _CAUSE_TRIGGER_INVALID = -EINVAL,
} CauseTrigger;

/* Who sent the signal, as far as siginfo says. */
typedef enum CauseSender {
        CAUSE_SENDER_NONE,
        CAUSE_SENDER_PROCESS,
        CAUSE_SENDER_MANAGER, /* of our unit */
        CAUSE_SENDER_KERNEL,
        CAUSE_SENDER_OTHER_NAMESPACE,
        _CAUSE_SENDER_MAX,
        _CAUSE_SENDER_INVALID = -EINVAL,
} CauseSender;

#define CAUSE_WORD_MAX 32

/* What the managers said when they were asked right after the signal. Strings as on the bus. */
typedef struct UnitEvidence {
        bool has_unit; /* sub_state, result and the job are those of our unit, read in time */
        char sub_state[CAUSE_WORD_MAX]; /* "stop-sigterm", "stop-watchdog", "running", … */
        char result[CAUSE_WORD_MAX];    /* "success", "timeout", "watchdog", "oom-kill", … */
        usec_t left_at_usec;           /* when the unit was last active; 0: it has been until now */
        uint32_t job_id;               /* 0: no job */
        char job_type[CAUSE_WORD_MAX]; /* "stop", "restart", … */
        bool has_jobs;                 /* the manager's list of jobs was read */
        bool is_exiting;               /* the unit's own manager: a start job for exit.target */
        bool is_shutting_down; /* the system manager: "stopping", or a start job for shutdown.target */
        char system_state[CAUSE_WORD_MAX]; /* of the system manager; empty: not known */
        char isolated[UNIT_NAME_MAX]; /* the target that is being isolated, as its requester says */
        char dependency[UNIT_NAME_MAX]; /* the unit whose job, or end, ours follows; empty: none */
        char dependency_kind[CAUSE_WORD_MAX]; /* "PartOf", "BindsTo", "Requires", "Conflicts", … */
} UnitEvidence;

typedef struct CauseFacts {
        CauseTrigger trigger;
        CauseSender sender;
        int signo;                  /* with TRIGGER_SIGNAL */
        usec_t stopping_at_usec;    /* just before systemd was sent our STOPPING=1; 0: it was not */
        bool is_sender_gateway;     /* the sending process belongs to the gateway */
        const UnitEvidence *unit;   /* NULL: not asked */
        bool is_takeover;           /* a takeover marker names us */
        bool is_planned_stop;       /* a planned-stop marker names us, not written by ourselves */
        bool has_requester;         /* a process that asked for our own unit's job was found */
        bool is_signalled;          /* how main ended (TRIGGER_END): by a signal … */
        int status;                 /* … this one; else its exit code */
        bool has_ended;             /* the two above are known */
        uint64_t n_oom_kills;       /* of the unit's group since the run began */
        bool is_main_oom_killed;    /* the kernel's own record names main */
        uint64_t n_oomd_kills;      /* by systemd-oomd since the run began */
        const char *service_result; /* $SERVICE_RESULT of ExecStopPost=; NULL: not there */
} CauseFacts;

#define CAUSE_DETAIL_MAX 384

typedef struct CauseVerdict {
        Cause cause;
        char detail[CAUSE_DETAIL_MAX]; /* one sentence, without a full stop */
} CauseVerdict;

void cause_decide(const CauseFacts *facts, CauseVerdict *ret_verdict);
