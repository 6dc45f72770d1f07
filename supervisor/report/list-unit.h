/* SPDX-License-Identifier: MIT */
#pragma once

/* What is known of one unit that runs under gatewatch. Pure, but for the files that its settings name. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "flight-record.h"
#include "units/unit-view.h"
#include "usec.h"

typedef enum ListedState {
        LISTED_RUNNING,
        LISTED_STARTING,
        LISTED_RELOADING,
        LISTED_DRAINING,   /* the first phase of its stop */
        LISTED_STOPPING,   /* a later one, or what systemd does then */
        LISTED_RESTARTING, /* between two runs */
        LISTED_FAILED,
        LISTED_INACTIVE,
        _LISTED_STATE_MAX,
        _LISTED_STATE_INVALID = -EINVAL,
} ListedState;

/* "running", "starting", … */
const char *listed_state_to_string(ListedState state);

typedef enum ListedBudget {
        LISTED_BUDGET_UNKNOWN,
        LISTED_BUDGET_ALIGNED, /* systemd waits for drain and headroom */
        LISTED_BUDGET_SHORT,
        _LISTED_BUDGET_MAX,
} ListedBudget;

/* Returns: NULL: not known. */
const char *listed_budget_to_string(ListedBudget budget);

/* How the last run ended. */
typedef struct ListedStop {
        char *outcome, *cause; /* words of the record; NULL: not known */
        usec_t at_realtime_usec;
        sd_id128_t run_id;
} ListedStop;

/* Times are USEC_INFINITY, numbers UINT64_MAX and strings NULL where they are not known. */
typedef struct ListedUnit {
        const UnitView *view; /* weak */
        ListedState state;
        const char *status; /* the line that the supervisor gives systemd; weak */
        pid_t main_pid;     /* 0: none */
        usec_t uptime_usec;
        uint64_t n_restarts;

        ListedBudget budget;
        usec_t drain_usec, headroom_usec, timeout_stop_usec;

        bool has_flight;
        FlightRecord flight;
        usec_t phase_left_usec;    /* of the present phase of the stop */
        usec_t heartbeat_age_usec; /* not while it stops */

        ListedStop last;
        usec_t last_age_usec;
} ListedUnit;

/* When the views were read. */
typedef struct ListClock {
        usec_t monotonic_usec, realtime_usec;
        bool is_own_kernel; /* the units' monotonic times are of this machine */
} ListClock;

/* flight: of the unit's supervisor; NULL: not known.
 * ret_unit: points into view; its last stop is not known yet.
 * Returns: 1; 0: it does not run gatewatch; -ENOMEM. */
int listed_unit_read(const UnitView *view, const FlightRecord *flight, const ListClock *clock,
        ListedUnit *ret_unit) _warn_unused_;
/* Gives back what is owned: the last stop. */
void listed_unit_done(ListedUnit *unit);

/* The work in flight, which the supervisor knows. Returns: UINT64_MAX: not known. */
uint64_t listed_unit_active(const ListedUnit *unit);

/* How far it is, for one cell: "Draining: 3 active, 42s left (phase 1/4)"; not cleaned.
 * Returns: malloc()ed text, "" when there is nothing to say; NULL: out of memory. */
char *listed_unit_format_progress(const ListedUnit *unit) _warn_unused_;
