/* SPDX-License-Identifier: MIT */
#pragma once

/* How long a stop may take: the one place that sets the drain and headroom that were asked for
 * against what systemd will grant. Run, lint and unit generation all ask here. Pure. */

#include <stdbool.h>

#include "schedule.h"
#include "usec.h"

typedef enum ShortTimeoutAction {
        SHORT_TIMEOUT_EXTEND,
        SHORT_TIMEOUT_CLAMP,
        SHORT_TIMEOUT_WARN,
        SHORT_TIMEOUT_REFUSE,
        _SHORT_TIMEOUT_ACTION_MAX,
        _SHORT_TIMEOUT_ACTION_INVALID = -EINVAL,
} ShortTimeoutAction;

const char *short_timeout_action_to_string(ShortTimeoutAction action);
ShortTimeoutAction short_timeout_action_from_string(const char *name);

typedef struct BudgetInput {
        const Schedule *schedule;  /* phases[0].duration_usec is the drain D */
        usec_t headroom_usec;      /* H */
        bool is_timeout_known;     /* T was read from the unit */
        usec_t timeout_stop_usec;  /* T; USEC_INFINITY (or 0, which systemd never says): none */
        usec_t cap_usec;           /* a bound above that no extension moves (user@.service);
                                    * USEC_INFINITY (or 0): none */
        bool can_extend;           /* systemd listens to EXTEND_TIMEOUT_USEC from us */
        ShortTimeoutAction action; /* --on-short-timeout= */
} BudgetInput;

typedef struct Budget {
        bool is_short; /* T known and T < D + H, or the cap is */
        ShortTimeoutAction
                action;       /* what is done about it; EXTEND becomes CLAMP where it cannot be */
        bool do_extend;       /* send EXTEND_TIMEOUT_USEC during the stop */
        usec_t drain_usec;    /* D as asked for */
        usec_t required_usec; /* D + H, saturating */
        usec_t granted_usec;  /* what systemd will wait in the end: T, or what we extend it to, or
                                    * the cap; USEC_INFINITY: unknown or unlimited */
        usec_t phase_usec[SCHEDULE_PHASES_MAX]; /* each phase's time within this budget */
        usec_t total_usec; /* their sum: the ladder ends this long after the stop signal */
} Budget;

/* Computes the budget. Never fails: whatever comes in, phase_usec and total_usec are finite and
 * total_usec <= D + H. "As configured" means up to a hundred years a phase, and the later phases
 * within H (a schedule for which schedule_fits_headroom() holds is never touched).
 *
 *  - not short, unknown, or `warn`: the phases as configured.
 *  - `extend`: as configured, when systemd listens and no cap is below D + H; do_extend is also set
 *    when T is unknown but can_extend (asking costs nothing), also below a cap.
 *  - `clamp` (or `extend` that cannot): with T the smaller of T and cap, the drain becomes
 *    max(0, T - H); when T < H every later phase shrinks by the factor min(T / H, (T - reserve) / sum
 *    of the later phases); the sum is at most T - reserve, reserve being min(2 s, T / 4).
 *  - `refuse`: as configured; the caller exits before it forks. */
void budget_compute(const BudgetInput *input, Budget *ret_budget);
