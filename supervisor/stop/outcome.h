/* SPDX-License-Identifier: MIT */
#pragma once

/* How a run ended, in one word: GATEWATCH_OUTCOME. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "ladder.h"

typedef enum Outcome {
        OUTCOME_CLEAN,     /* a stop that ended within the first phase */
        OUTCOME_ESCALATED, /* a later phase was needed, or a forced stop; not KILL */
        OUTCOME_KILLED,    /* KILL was needed */
        OUTCOME_EXITED,    /* by itself, code 0 */
        OUTCOME_FAILED,    /* by itself, other code, or of a signal that was passed on */
        OUTCOME_CRASHED,   /* by a signal that nobody here sent */
        OUTCOME_LOST,      /* the supervisor itself was killed */
        _OUTCOME_MAX,
        _OUTCOME_INVALID = -EINVAL,
} Outcome;

const char *outcome_to_string(Outcome outcome);
Outcome outcome_from_string(const char *name);
/* The syslog level of the last record: info when clean, err when crashed, warning else. */
int outcome_priority(Outcome outcome);

typedef struct OutcomeFacts {
        LadderReach reach;  /* LADDER_REACH_NONE: nobody asked for a stop */
        bool is_stop_asked; /* a ladder that only swept up leftovers was not asked for */
        bool is_forced; /* the stop was begun by a missed deadline of the gateway's: never clean */
        bool is_signalled; /* main died by a signal */
        int status;        /* exit code, or signal number */
        uint64_t
                sent_signals; /* bit signo - 1: this signal went to main through us, or reached it with
                                * the stop */
} OutcomeFacts;

Outcome outcome_decide(const OutcomeFacts *facts);
