/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit that runs under gatewatch, up for an hour at the instant LIST_NOW. Include after cmocka.h. */

#include <string.h>

#include "report/list-unit.h"

#define LIST_NOW (10 * USEC_PER_HOUR)

_unused_ static const ListClock list_clock = {
        .monotonic_usec = LIST_NOW,
        .realtime_usec = 100 * USEC_PER_DAY,
        .is_own_kernel = true,
};

_unused_ static void list_set(UnitView *view, ViewKey key, const char *value) {
        assert_int_equal(unit_view_assign(view, key, value, VIEW_ORIGIN_FRAGMENT, NULL), 0);
}

_unused_ static void list_state(UnitView *view, const char *active, const char *sub) {
        free(view->active_state);
        free(view->sub_state);
        view->active_state = strdup(active);
        view->sub_state = strdup(sub);
}

_unused_ static void list_make_view(UnitView *view, const char *name) {
        assert_int_equal(unit_view_init(view, name, UNIT_MANAGER_SYSTEM), 0);
        list_set(view, VIEW_EXEC_START, "/usr/bin/gatewatch run --drain-timeout=60s -- /bin/true");
        list_set(view, VIEW_NOTIFY_ACCESS, "main");
        list_set(view, VIEW_TIMEOUT_STOP_USEC, "90s");
        list_state(view, "active", "running");
        view->values[VIEW_MAIN_PID].number = 812;
        view->values[VIEW_EXEC_MAIN_STARTED_MONOTONIC].number = LIST_NOW - USEC_PER_HOUR;
        view->values[VIEW_EXEC_MAIN_STARTED].number =
                list_clock.realtime_usec - 2 * USEC_PER_HOUR; /* the clock was set */
}

_unused_ static void list_say(UnitView *view, const char *status) {
        free(view->values[VIEW_STATUS_TEXT].text);
        view->values[VIEW_STATUS_TEXT].text = strdup(status);
}

/* Running; a heartbeat 3 s ago of at most 30 s apart. */
_unused_ static FlightRecord list_make_flight(void) {
        FlightRecord flight;

        memset(&flight, 0, sizeof(flight));
        flight.supervisor_pid = 812;
        flight.gateway_pid = 813;
        flight.is_ready = 1;
        flight.started_at_usec = LIST_NOW - USEC_PER_HOUR;
        flight.phase_deadline_usec = USEC_INFINITY;
        flight.heartbeat_at_usec = LIST_NOW - 3 * USEC_PER_SEC;
        flight.watchdog_usec = 30 * USEC_PER_SEC;
        (void) strcpy(flight.phase, "running");
        return flight;
}

/* Asked to stop 18 s ago, in the first phase, 42 s left. */
_unused_ static FlightRecord list_make_draining(void) {
        FlightRecord flight = list_make_flight();

        flight.stop_at_usec = LIST_NOW - 18 * USEC_PER_SEC;
        flight.phase_deadline_usec = LIST_NOW + 42 * USEC_PER_SEC;
        flight.is_active_known = 1;
        flight.n_active = 3;
        (void) strcpy(flight.phase, "drain");
        return flight;
}
