/* SPDX-License-Identifier: MIT */

/* One unit, put together of what systemd says of it and of what its supervisor has noted. systemd knows whether
 * it runs at all; that a stop has begun, and how far it is, the supervisor knows first. Where the flight record
 * cannot be read (another machine, another user) the supervisor's status line tells the drain from the rest.
 *
 * Whether systemd leaves enough time is computed as the run itself and `check` do it: the same settings, the same
 * function. What of that is not known is not guessed.
 *
 * Ages are computed here, once, so that whoever prints needs no clock. */

#include "report/list-unit.h"

#include <inttypes.h>
#include <string.h>

#include "stop/budget.h"
#include "units/run-line.h"

/* As the supervisor begins its status line in the first phase. */
#define STATUS_DRAINING "Draining"

static const char *const listed_state_table[_LISTED_STATE_MAX] = {
        [LISTED_RUNNING] = "running",
        [LISTED_STARTING] = "starting",
        [LISTED_RELOADING] = "reloading",
        [LISTED_DRAINING] = "draining",
        [LISTED_STOPPING] = "stopping",
        [LISTED_RESTARTING] = "restarting",
        [LISTED_FAILED] = "failed",
        [LISTED_INACTIVE] = "inactive",
};

const char *listed_state_to_string(ListedState state) {
        assert(state >= 0 && state < _LISTED_STATE_MAX);
        return listed_state_table[state];
}

const char *listed_budget_to_string(ListedBudget budget) {
        static const char *const table[_LISTED_BUDGET_MAX] = {
                [LISTED_BUDGET_ALIGNED] = "aligned",
                [LISTED_BUDGET_SHORT] = "short",
        };

        assert(budget >= 0 && budget < _LISTED_BUDGET_MAX);
        return table[budget];
}

/* ---- State ----------------------------------------------------------------------------------- */

static bool flight_is_stopping(const FlightRecord *flight) {
        return flight->stop_at_usec > 0 && strcmp(flight->phase, "ended") != 0;
}

/* Whether it is in the first phase of its stop. */
static bool listed_unit_is_draining(const ListedUnit *unit) {
        if (unit->has_flight)
                return flight_is_stopping(&unit->flight) && unit->flight.n_phases == 0;
        return unit->status && strncmp(unit->status, STATUS_DRAINING, strlen(STATUS_DRAINING)) == 0;
}

static bool view_state_is(const char *state, const char *word) {
        return state && strcmp(state, word) == 0;
}

static ListedState listed_unit_find_state(const ListedUnit *unit) {
        const char *active = unit->view->active_state;
        bool has_main = unit->main_pid > 0;

        if (view_state_is(active, "failed"))
                return LISTED_FAILED;
        if (view_state_is(unit->view->sub_state, "auto-restart"))
                return LISTED_RESTARTING;
        if (!active || view_state_is(active, "inactive"))
                return LISTED_INACTIVE;
        if (has_main && listed_unit_is_draining(unit))
                return LISTED_DRAINING;
        if (view_state_is(active, "deactivating") ||
                (has_main && unit->has_flight && flight_is_stopping(&unit->flight)))
                return LISTED_STOPPING;
        if (view_state_is(active, "activating"))
                return LISTED_STARTING;
        return view_state_is(active, "reloading") ? LISTED_RELOADING : LISTED_RUNNING;
}

/* ---- Times ----------------------------------------------------------------------------------- */

static usec_t age_of(usec_t at_usec, usec_t now_usec) {
        return at_usec == 0 || at_usec == USEC_INFINITY ? USEC_INFINITY
                                                        : usec_sub(now_usec, at_usec);
}

static usec_t listed_unit_find_uptime(const ListedUnit *unit, const ListClock *clock) {
        const UnitView *view = unit->view;

        if (unit->main_pid == 0)
                return USEC_INFINITY;
        /* The wall clock may have been set since; on another machine it is all there is. */
        if (clock->is_own_kernel && view->values[VIEW_EXEC_MAIN_STARTED_MONOTONIC].is_known)
                return age_of(unit_view_usec(view, VIEW_EXEC_MAIN_STARTED_MONOTONIC),
                        clock->monotonic_usec);
        return age_of(unit_view_usec(view, VIEW_EXEC_MAIN_STARTED), clock->realtime_usec);
}

static void listed_unit_take_flight(
        ListedUnit *unit, const FlightRecord *flight, const ListClock *clock) {
        unit->phase_left_usec = unit->heartbeat_age_usec = USEC_INFINITY;
        unit->has_flight = flight && unit->main_pid > 0;
        if (!unit->has_flight)
                return;
        unit->flight = *flight;
        if (flight_is_stopping(flight) && flight->phase_deadline_usec != USEC_INFINITY)
                unit->phase_left_usec =
                        usec_sub(flight->phase_deadline_usec, clock->monotonic_usec);
        /* A stop is bounded by its schedule: nobody waits for beats any more. */
        if (flight->stop_at_usec == 0 && flight->watchdog_usec > 0)
                unit->heartbeat_age_usec = age_of(flight->heartbeat_at_usec, clock->monotonic_usec);
}

/* ---- Budget ---------------------------------------------------------------------------------- */

static void listed_unit_compute_budget(ListedUnit *unit, const RunConfig *config) {
        const UnitView *view = unit->view;
        bool is_known = view->values[VIEW_TIMEOUT_STOP_USEC].is_known;
        Budget budget;

        budget_compute(
                &(BudgetInput){
                        .schedule = &config->schedule,
                        .headroom_usec = config->headroom_usec,
                        .is_timeout_known = is_known,
                        .timeout_stop_usec = unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC),
                        .cap_usec = view->cap_usec,
                        .can_extend = !unit_view_is(view, VIEW_NOTIFY_ACCESS, "none"),
                        .action = config->on_short_timeout,
                },
                &budget);
        unit->drain_usec = budget.drain_usec;
        unit->headroom_usec = config->headroom_usec;
        if (is_known)
                unit->budget = budget.is_short ? LISTED_BUDGET_SHORT : LISTED_BUDGET_ALIGNED;
}

/* ---- The unit -------------------------------------------------------------------------------- */

static void listed_unit_take_view(ListedUnit *unit) {
        const UnitView *view = unit->view;
        uint64_t pid = unit_view_number(view, VIEW_MAIN_PID);

        unit->main_pid = pid <= INT32_MAX ? (pid_t) pid : 0;
        if (view->values[VIEW_RESTARTS].is_known)
                unit->n_restarts = unit_view_number(view, VIEW_RESTARTS);
        if (view->values[VIEW_TIMEOUT_STOP_USEC].is_known)
                unit->timeout_stop_usec = unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC);
        /* systemd keeps the line of a run that is over. */
        if (unit->main_pid > 0 && *unit_view_text(view, VIEW_STATUS_TEXT))
                unit->status = unit_view_text(view, VIEW_STATUS_TEXT);
}

int listed_unit_read(const UnitView *view, const FlightRecord *flight, const ListClock *clock,
        ListedUnit *ret_unit) {
        RunLine line;
        int r;

        assert(view && clock && ret_unit);

        r = run_line_read(view, &line);
        if (r < 0)
                return r;
        *ret_unit = (ListedUnit){
                .view = view,
                .n_restarts = UINT64_MAX,
                .drain_usec = USEC_INFINITY,
                .headroom_usec = USEC_INFINITY,
                .timeout_stop_usec = USEC_INFINITY,
                .last.at_realtime_usec = USEC_INFINITY,
                .last_age_usec = USEC_INFINITY,
        };
        listed_unit_take_view(ret_unit);
        listed_unit_take_flight(ret_unit, flight, clock);
        ret_unit->state = listed_unit_find_state(ret_unit);
        ret_unit->uptime_usec = listed_unit_find_uptime(ret_unit, clock);
        if (line.has_config)
                listed_unit_compute_budget(ret_unit, &line.config);
        r = line.is_supervised;
        run_line_done(&line);
        return r;
}

void listed_unit_done(ListedUnit *unit) {
        free(unit->last.outcome);
        free(unit->last.cause);
        *unit = (ListedUnit){};
}

uint64_t listed_unit_active(const ListedUnit *unit) {
        return unit->has_flight && unit->flight.is_active_known ? unit->flight.n_active
                                                                : UINT64_MAX;
}

/* Appends what there is room for, behind a separator. */
static void _printf_(3, 4) text_add(char *text, size_t size, const char *format, ...) {
        size_t length = strlen(text);
        va_list arguments;

        if (length > 0)
                length += (size_t) snprintf(text + length, size - length, ", ");
        if (length >= size)
                return;
        va_start(arguments, format);
        (void) vsnprintf(text + length, size - length, format, arguments);
        va_end(arguments);
}

/* Of a run that is not being stopped systemd's line is the gateway's own, so its work stands before it. */
static void progress_add_work(const ListedUnit *unit, char *text, size_t size) {
        const FlightRecord *flight = &unit->flight;

        if (!unit->has_flight)
                return;
        if (flight->gateway_phase[0])
                text_add(text, size, "%s", flight->gateway_phase);
        if (flight->is_active_known)
                text_add(text, size, "%" PRIu64 " active", flight->n_active);
        if (flight->step[0])
                text_add(text, size, "step %s", flight->step);
        if (flight->n_steps_open > 1 && flight->n_steps_open != UINT64_MAX)
                text_add(text, size, "%" PRIu64 " more", flight->n_steps_open - 1);
}

char *listed_unit_format_progress(const ListedUnit *unit) {
        char work[3 * FLIGHT_NAME_MAX] = "", span[USEC_SPAN_MAX];
        bool is_stopping = unit->state == LISTED_DRAINING || unit->state == LISTED_STOPPING;
        char *text;

        if (is_stopping && unit->status)
                return strdup(unit->status);
        if (is_stopping && unit->has_flight)
                text_add(work, sizeof(work), "%s", unit->flight.phase);
        if (is_stopping && unit->phase_left_usec != USEC_INFINITY)
                text_add(work, sizeof(work), "%s left",
                        usec_format_span(span, unit->phase_left_usec, USEC_PER_SEC));
        progress_add_work(unit, work, sizeof(work));
        if (asprintf(&text, "%s%s%s", work, *work && unit->status ? ": " : "", unit->status ?: "") <
                0)
                return NULL;
        return text;
}
