/* SPDX-License-Identifier: MIT */
#pragma once

/* How far the gateway says it is: the phase that it names, and its work in flight. Its phases are its
 * own and have nothing to do with the ladder's: they are measured, never bounded. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "steps.h"
#include "usec.h"

/* Where a number of work in flight comes from. */
typedef enum ActiveSource {
        ACTIVE_UNKNOWN,
        ACTIVE_GATEWAY, /* X_GATEWATCH_ACTIVE= */
        ACTIVE_SOCKETS, /* connections, counted; only until the gateway itself says a number */
        _ACTIVE_SOURCE_MAX,
        _ACTIVE_SOURCE_INVALID = -EINVAL,
} ActiveSource;

/* Returns: NULL for ACTIVE_UNKNOWN. */
const char *active_source_to_string(ActiveSource source);

typedef struct ActiveCount {
        ActiveSource source;
        uint64_t n;
} ActiveCount;

/* A phase of the gateway's own. */
typedef struct ReportedPhase {
        char name[STEP_NAME_MAX + 1];
        bool is_of_stop;   /* ended during the stop */
        bool is_timed_out; /* a phase of the ladder timed out while it ran */
        usec_t began_at_usec;
        usec_t ended_at_usec;
        ActiveCount active_at_start;
        ActiveCount active_at_end;
} ReportedPhase;

#define REPORTED_PHASES_MAX 64U /* of a stop, kept for its last record; beyond, only counted */

typedef struct Progress {
        bool is_stopping;
        ActiveCount active;         /* now */
        ActiveCount active_at_stop; /* the first number known at or after the stop's beginning; the
                                     * gateway's first one replaces one of ACTIVE_SOCKETS */
        ReportedPhase *present;     /* NULL: none is named */
        ReportedPhase *ended;       /* of the stop; grows on demand */
        size_t n_ended;
        size_t n_of_stop;
        uint64_t generation; /* counts what changed and is to be shown */
} Progress;

/* Nothing is allocated before the first phase. */
void progress_init(Progress *progress);
void progress_done(Progress *progress);

/* The stop has begun. */
void progress_begin_stop(Progress *progress);

/* A number of work in flight. One of ACTIVE_SOCKETS is not taken once the gateway has said one.
 * Returns: whether it was taken and differs from what was known. */
bool progress_set_active(Progress *progress, ActiveSource source, uint64_t n);

/* The gateway names a phase, which ends the one before; an empty name only ends that. The present one's
 * name again changes nothing. A number that comes in the same message is set before.
 * ret_ended: the phase that ended.
 * Returns: 1: one ended; 0: none did; -EINVAL: not a name (as for a step); -ENOMEM: it is not kept. */
int progress_set_phase(Progress *progress, const char *name, usec_t now_usec,
        ReportedPhase *ret_ended) _warn_unused_;

/* A phase of the ladder has timed out. */
void progress_time_out(Progress *progress);

/* Whether the gateway reports work in flight itself. */
bool progress_is_active(const Progress *progress);
