/* SPDX-License-Identifier: MIT */
#pragma once

/* Steps: pieces of work that the gateway names itself, each with a beginning, an end and a bound of its
 * own (the disconnect of one adapter, the closing of a database). Pure: no clock, no I/O.
 *
 * Steps overlap, so what bounds a set of them is the longest, never the sum. Only steps that began
 * during the stop can move the ladder: when every one of them that is open is overdue and nothing is
 * reported active. Steps from before the stop are measured and told of, no more: a stop must not lose
 * its drain to a reload that hung an hour ago. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "usec.h"

#define STEP_NAME_MAX   128U /* bytes */
#define STEPS_OPEN_MAX  256U
#define STEPS_ENDED_MAX 64U /* of a stop, kept for its last record; beyond, only counted */

typedef enum StepEnd {
        STEP_OPEN,
        STEP_DONE,
        STEP_LATE,      /* ended, at its deadline or after it */
        STEP_ABANDONED, /* open when the gateway was gone */
        _STEP_END_MAX,
        _STEP_END_INVALID = -EINVAL,
} StepEnd;

const char *step_end_to_string(StepEnd end);

typedef struct Step {
        char name[STEP_NAME_MAX + 1];
        StepEnd end;
        bool is_of_stop; /* begun during the stop */
        bool is_overdue; /* and steps_next_overdue() has told so */
        bool is_spent;   /* has moved the ladder once: it does so no second time */
        usec_t began_at_usec;
        usec_t ended_at_usec;    /* unless STEP_OPEN */
        usec_t timeout_usec;     /* USEC_INFINITY: unbounded */
        usec_t deadline_at_usec; /* USEC_INFINITY likewise */
} Step;

typedef struct Steps {
        usec_t default_timeout_usec; /* USEC_INFINITY: none */
        bool is_stopping;
        Step *open; /* in the order in which they began; grows on demand */
        size_t n_open, n_allocated;
        Step *ended; /* of the stop, in the order in which they ended; grows on demand */
        size_t n_ended;
        size_t n_of_stop; /* all that ended, also beyond STEPS_ENDED_MAX */
        Step slowest;     /* of the stop; name empty: none has ended yet */
} Steps;

/* Nothing is allocated before the first step.
 * default_timeout_usec: of steps that bring no bound; 0 or USEC_INFINITY: they are unbounded. */
void steps_init(Steps *steps, usec_t default_timeout_usec);
void steps_done(Steps *steps);

/* 1 to STEP_NAME_MAX bytes of valid UTF-8 without control characters (C0, DEL, C1). */
bool step_name_is_valid(const char *name);

/* The stop has begun: from now on steps count. */
void steps_begin_stop(Steps *steps);

/* timeout_usec: with has_timeout; 0 or USEC_INFINITY: unbounded.
 * Returns: 0; -EINVAL: not a name; -EEXIST: one of that name is open, which goes on as it was; -ENOSPC:
 * STEPS_OPEN_MAX are; -ENOMEM. */
int steps_begin(Steps *steps, const char *name, bool has_timeout, usec_t timeout_usec,
        usec_t now_usec) _warn_unused_;

/* ret_step: the step as it ended.
 * Returns: 0; -EINVAL: not a name; -ENOENT: none of that name is open. */
int steps_end(Steps *steps, const char *name, usec_t now_usec, Step *ret_step) _warn_unused_;

/* The earliest deadline that has not been told of. Returns: USEC_INFINITY: none. */
usec_t steps_deadline(const Steps *steps);

/* Takes one open step whose deadline has passed (which it has when now is the deadline), the earliest
 * first, each once.
 * Returns: the step, valid until the next call that changes steps; NULL: no further one. */
const Step *steps_next_overdue(Steps *steps, usec_t now_usec);

/* When the ladder moves on unless something changes: the last deadline of the stop's open steps.
 * is_active: the gateway reports work in flight.
 * Returns: USEC_INFINITY: it does not: none is open, one is unbounded, work is active, all have moved it
 * already, or there is no stop. */
usec_t steps_escalation(const Steps *steps, bool is_active);
/* The ladder has moved on (for whatever reason): what is overdue now does not move it again. */
void steps_escalated(Steps *steps, usec_t now_usec);

/* The gateway is gone: what is open was abandoned. In the order in which they began, one a call.
 * Returns: 1 and *ret_step; 0: none is open any more. */
int steps_abandon(Steps *steps, usec_t now_usec, Step *ret_step) _warn_unused_;

/* "disconnect telegram (overdue), disconnect slack, 3 more" of what is open; first those that
 * steps_next_overdue() has told of. Cut at a whole name; where not even one fits: "5 steps", or nothing.
 * size: 1 or more. Returns: buffer, empty when none is open. */
const char *steps_format_open(const Steps *steps, char *buffer, size_t size);
