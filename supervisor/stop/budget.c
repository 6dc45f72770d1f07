/* SPDX-License-Identifier: MIT */

/* The budget sets three durations against each other: T, what systemd waits before it kills (the
 * smaller of TimeoutStopUSec and of the cap above), D, the drain that was asked for, and H, the
 * headroom in which the later phases and the record have to fit.
 *
 * Model: the phases as configured, made finite and fitted into H, are the starting point. Only `clamp`
 * takes time away from them: first from the drain, and when nothing of that is left from the later
 * phases, all by the same factor min(T / H, (T - reserve) / their sum). Products are formed in 128 bits
 * and rounded down, so no sum ever comes out above its bound.
 *
 * A T of 0 is read as none at all: systemd writes TimeoutStopSec=0 as infinity onto the bus, so a zero
 * is no statement about time. The same goes for a cap of 0.
 *
 * Not here: reading T, sending EXTEND_TIMEOUT_USEC, telling anybody.
 * Source: systemd.service(5), TimeoutStopSec=; sd_notify(3), EXTEND_TIMEOUT_USEC=. */

#include "budget.h"

#include <string.h>

/* Longer phases are cut to this, so that no sum of them and no instant computed from one comes near
 * USEC_INFINITY, which means never. */
#define BUDGET_PHASE_MAX_USEC (100 * USEC_PER_YEAR)

static const char *const short_timeout_action_table[_SHORT_TIMEOUT_ACTION_MAX] = {
        [SHORT_TIMEOUT_EXTEND] = "extend",
        [SHORT_TIMEOUT_CLAMP] = "clamp",
        [SHORT_TIMEOUT_WARN] = "warn",
        [SHORT_TIMEOUT_REFUSE] = "refuse",
};

const char *short_timeout_action_to_string(ShortTimeoutAction action) {
        assert(action >= 0 && action < _SHORT_TIMEOUT_ACTION_MAX);
        return short_timeout_action_table[action];
}

ShortTimeoutAction short_timeout_action_from_string(const char *name) {
        for (ShortTimeoutAction action = 0; action < _SHORT_TIMEOUT_ACTION_MAX; action++)
                if (strcmp(short_timeout_action_table[action], name) == 0)
                        return action;
        return _SHORT_TIMEOUT_ACTION_INVALID;
}

static usec_t budget_min(usec_t a, usec_t b) {
        return a < b ? a : b;
}

static usec_t budget_none_if_zero(usec_t usec) {
        return usec == 0 ? USEC_INFINITY : usec;
}

/* usec * numerator / denominator, rounded down, never above usec. */
static usec_t budget_scale(usec_t usec, usec_t numerator, usec_t denominator) {
        if (numerator >= denominator)
                return usec;
        return (usec_t) ((unsigned __int128) usec * numerator / denominator);
}

static usec_t budget_later_usec(const Budget *budget, size_t n_phases) {
        usec_t later_usec = 0;

        for (size_t i = 1; i < n_phases; i++)
                later_usec += budget->phase_usec[i];
        return later_usec;
}

/* Shrinks the phases after the first in proportion, so that their sum is at most limit_usec. */
static void budget_fit_later(Budget *budget, size_t n_phases, usec_t limit_usec) {
        usec_t later_usec = budget_later_usec(budget, n_phases);

        for (size_t i = 1; i < n_phases; i++)
                budget->phase_usec[i] = budget_scale(budget->phase_usec[i], limit_usec, later_usec);
}

/* A schedule that does not fit the headroom was refused long before; should one come here all the
 * same, it is made to fit, because nothing may last longer than D + H. */
static void budget_configure(Budget *budget, const BudgetInput *input) {
        const Schedule *schedule = input->schedule;

        for (size_t i = 0; i < schedule->n_phases; i++)
                budget->phase_usec[i] =
                        budget_min(schedule->phases[i].duration_usec, BUDGET_PHASE_MAX_USEC);
        budget_fit_later(budget, schedule->n_phases, input->headroom_usec);
}

/* The drain gives way first; the later phases only when all of it is gone. The reserve at the end is
 * for the record and for systemd's own timer, which runs from a little earlier than ours. */
static void budget_clamp(Budget *budget, const BudgetInput *input, usec_t timeout_usec) {
        const size_t n_phases = input->schedule->n_phases;
        const usec_t headroom_usec = input->headroom_usec;
        const usec_t reserve_usec = budget_min(SCHEDULE_RESERVE_USEC, timeout_usec / 4);
        const usec_t limit_usec = timeout_usec - reserve_usec;
        const usec_t left_usec = timeout_usec > headroom_usec ? timeout_usec - headroom_usec : 0;
        const usec_t drain_usec =
                budget_min(budget_min(budget->phase_usec[0], left_usec), limit_usec);
        const usec_t later_usec = budget_later_usec(budget, n_phases);
        const bool is_limited = later_usec > limit_usec - drain_usec;

        budget->phase_usec[0] = drain_usec;
        /* min(T / H, limit / later) by cross multiplication. */
        if (timeout_usec < headroom_usec &&
                (!is_limited ||
                        (unsigned __int128) timeout_usec * later_usec <
                                (unsigned __int128) limit_usec * headroom_usec))
                for (size_t i = 1; i < n_phases; i++)
                        budget->phase_usec[i] =
                                budget_scale(budget->phase_usec[i], timeout_usec, headroom_usec);
        else if (is_limited)
                budget_fit_later(budget, n_phases, limit_usec - drain_usec);
}

/* Fills in action, do_extend and granted_usec. Returns: what to clamp to; USEC_INFINITY: nothing. */
static usec_t budget_decide(Budget *budget, const BudgetInput *input) {
        const usec_t cap_usec = budget_none_if_zero(input->cap_usec);
        const usec_t timeout_usec = input->is_timeout_known
                ? budget_none_if_zero(input->timeout_stop_usec)
                : USEC_INFINITY;
        const usec_t bound_usec = budget_min(timeout_usec, cap_usec);
        const bool may_extend = input->action == SHORT_TIMEOUT_EXTEND && input->can_extend;

        budget->action = input->action;
        budget->granted_usec = bound_usec;
        budget->is_short = bound_usec < budget->required_usec;
        /* An unknown T may be a short one. */
        budget->do_extend = may_extend && (!input->is_timeout_known || budget->is_short);

        if (!budget->is_short)
                return USEC_INFINITY;
        if (may_extend && cap_usec >= budget->required_usec) {
                budget->granted_usec = budget->required_usec;
                return USEC_INFINITY;
        }
        if (input->action == SHORT_TIMEOUT_EXTEND) {
                budget->action = SHORT_TIMEOUT_CLAMP;
                budget->do_extend = may_extend && !input->is_timeout_known;
        }
        return budget->action == SHORT_TIMEOUT_CLAMP ? bound_usec : USEC_INFINITY;
}

void budget_compute(const BudgetInput *input, Budget *ret_budget) {
        Budget budget = {};
        usec_t clamp_usec;

        assert(input->schedule->n_phases > 0 && input->schedule->n_phases <= SCHEDULE_PHASES_MAX);
        assert(input->action >= 0 && input->action < _SHORT_TIMEOUT_ACTION_MAX);

        budget.drain_usec = input->schedule->phases[0].duration_usec;
        budget.required_usec = usec_add(budget.drain_usec, input->headroom_usec);

        budget_configure(&budget, input);
        clamp_usec = budget_decide(&budget, input);
        if (clamp_usec != USEC_INFINITY)
                budget_clamp(&budget, input, clamp_usec);

        budget.total_usec =
                budget.phase_usec[0] + budget_later_usec(&budget, input->schedule->n_phases);
        *ret_budget = budget;
}
