/* SPDX-License-Identifier: MIT */

/* One unit of a list: its state, its times, whether its time is enough, how far it is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "list-fixture.h"

typedef struct Fixture {
        UnitView view;
        FlightRecord flight;
        ListedUnit unit;
        char *text;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        list_make_view(&fixture->view, "hermes.service");
        fixture->flight = list_make_flight();
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        listed_unit_done(&fixture->unit);
        unit_view_done(&fixture->view);
        free(fixture->text);
        free(fixture);
        return 0;
}

static void fixture_read(Fixture *fixture, bool has_flight) {
        listed_unit_done(&fixture->unit);
        assert_int_equal(listed_unit_read(&fixture->view, has_flight ? &fixture->flight : NULL,
                                 &list_clock, &fixture->unit),
                1);
}

static void assert_progress(Fixture *fixture, const char *expected) {
        free(fixture->text);
        fixture->text = listed_unit_format_progress(&fixture->unit);
        assert_string_equal(fixture->text, expected);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_listed_unit_state_follows_systemd_and_the_stop(void **state) {
        enum { NONE, RUNS, DRAINS, LATER, ENDED };
        static const struct {
                const char *active, *sub;
                bool has_main;
                int flight;
                const char *status;
                ListedState expected;
        } rows[] = {
                { "active", "running", true, RUNS, "", LISTED_RUNNING },
                { "active", "running", true, NONE, "", LISTED_RUNNING },
                { "active", "exited", false, NONE, "", LISTED_RUNNING },
                { "activating", "start", true, RUNS, "", LISTED_STARTING },
                { "activating", "start-pre", false, NONE, "", LISTED_STARTING },
                { "activating", "auto-restart", false, NONE, "", LISTED_RESTARTING },
                { "reloading", "reload", true, RUNS, "", LISTED_RELOADING },
                { "deactivating", "stop-sigterm", true, DRAINS, "", LISTED_DRAINING },
                { "deactivating", "stop-sigterm", true, LATER, "Draining", LISTED_STOPPING },
                { "deactivating", "stop-sigterm", true, NONE, "Draining: 3 active",
                        LISTED_DRAINING },
                { "deactivating", "stop-sigterm", true, NONE, "terminate: 1s left",
                        LISTED_STOPPING },
                { "deactivating", "stop-sigterm", true, ENDED, "", LISTED_STOPPING },
                { "deactivating", "stop-post", false, DRAINS, "Draining", LISTED_STOPPING },
                { "deactivating", "final-sigkill", false, NONE, "", LISTED_STOPPING },
                /* systemd has not heard of it yet. */
                { "active", "running", true, DRAINS, "", LISTED_DRAINING },
                { "active", "running", true, LATER, "", LISTED_STOPPING },
                { "failed", "failed", false, NONE, "Draining", LISTED_FAILED },
                { "inactive", "dead", false, NONE, "Draining", LISTED_INACTIVE },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                list_state(&fixture->view, rows[i].active, rows[i].sub);
                list_say(&fixture->view, rows[i].status);
                fixture->view.values[VIEW_MAIN_PID].number = rows[i].has_main ? 812 : 0;
                fixture->flight =
                        rows[i].flight == RUNS ? list_make_flight() : list_make_draining();
                fixture->flight.n_phases = rows[i].flight == LATER;
                if (rows[i].flight == ENDED)
                        (void) strcpy(fixture->flight.phase, "ended");
                fixture_read(fixture, rows[i].flight != NONE);
                if (fixture->unit.state != rows[i].expected)
                        fail_msg("row %zu: %s", i, listed_state_to_string(fixture->unit.state));
        }
}

static void test_listed_state_to_string_names_each(void **state _unused_) {
        for (ListedState a = 0; a < _LISTED_STATE_MAX; a++)
                for (ListedState b = 0; b < a; b++)
                        assert_string_not_equal(
                                listed_state_to_string(a), listed_state_to_string(b));
        assert_string_equal(listed_state_to_string(LISTED_DRAINING), "draining");
        assert_null(listed_budget_to_string(LISTED_BUDGET_UNKNOWN));
}

static void test_listed_unit_without_gatewatch_is_none(void **state) {
        Fixture *fixture = *state;

        list_set(&fixture->view, VIEW_EXEC_START, "");
        list_set(&fixture->view, VIEW_EXEC_START, "/usr/bin/sleep infinity");
        assert_int_equal(listed_unit_read(&fixture->view, NULL, &list_clock, &fixture->unit), 0);
}

/* ---- Times ----------------------------------------------------------------------------------- */

static void test_listed_unit_uptime_is_by_the_clock_that_both_have(void **state) {
        const ListClock far = { LIST_NOW, list_clock.realtime_usec, .is_own_kernel = false };
        Fixture *fixture = *state;

        fixture_read(fixture, false);
        assert_int_equal(fixture->unit.uptime_usec, USEC_PER_HOUR);
        listed_unit_done(&fixture->unit);
        assert_int_equal(listed_unit_read(&fixture->view, NULL, &far, &fixture->unit), 1);
        assert_int_equal(fixture->unit.uptime_usec, 2 * USEC_PER_HOUR);
        fixture->view.values[VIEW_MAIN_PID].number = 0;
        fixture_read(fixture, false);
        assert_int_equal(fixture->unit.uptime_usec, USEC_INFINITY);
}

static void test_listed_unit_heartbeat_age_counts_while_beats_are_expected(void **state) {
        Fixture *fixture = *state;

        fixture_read(fixture, true);
        assert_int_equal(fixture->unit.heartbeat_age_usec, 3 * USEC_PER_SEC);
        fixture_read(fixture, false);
        assert_int_equal(fixture->unit.heartbeat_age_usec, USEC_INFINITY);
        fixture->flight.watchdog_usec = 0;
        fixture_read(fixture, true);
        assert_int_equal(fixture->unit.heartbeat_age_usec, USEC_INFINITY);
        fixture->flight = list_make_flight();
        fixture->flight.heartbeat_at_usec = 0; /* not ready yet */
        fixture_read(fixture, true);
        assert_int_equal(fixture->unit.heartbeat_age_usec, USEC_INFINITY);
        fixture->flight = list_make_draining();
        fixture_read(fixture, true);
        assert_int_equal(fixture->unit.heartbeat_age_usec, USEC_INFINITY);
        assert_int_equal(fixture->unit.phase_left_usec, 42 * USEC_PER_SEC);
}

static void test_listed_unit_restarts_are_unknown_where_systemd_does_not_tell(void **state) {
        Fixture *fixture = *state;

        fixture->view.values[VIEW_RESTARTS].number = 4;
        fixture_read(fixture, false);
        assert_int_equal(fixture->unit.n_restarts, 4);
        fixture->view.values[VIEW_RESTARTS].is_known = false;
        fixture_read(fixture, false);
        assert_int_equal(fixture->unit.n_restarts, UINT64_MAX);
}

/* ---- Budget ---------------------------------------------------------------------------------- */

static void test_listed_unit_budget_is_drain_and_headroom_against_systemd(void **state) {
        static const struct {
                const char *timeout, *options;
                usec_t cap_usec;
                ListedBudget expected;
        } rows[] = {
                { "90s", "--drain-timeout=60s", USEC_INFINITY, LISTED_BUDGET_ALIGNED },
                { "89s", "--drain-timeout=60s", USEC_INFINITY, LISTED_BUDGET_SHORT },
                { "89s", "--drain-timeout=60s --headroom=29s", USEC_INFINITY,
                        LISTED_BUDGET_ALIGNED },
                { "infinity", "--drain-timeout=60s", USEC_INFINITY, LISTED_BUDGET_ALIGNED },
                { NULL, "--drain-timeout=60s", USEC_INFINITY, LISTED_BUDGET_UNKNOWN },
                { "90s", "--drain-timeout=60s", 80 * USEC_PER_SEC, LISTED_BUDGET_SHORT },
                { "90s", "--drain-timeout=$NOBODY_KNOWS", USEC_INFINITY, LISTED_BUDGET_UNKNOWN },
                { "90s", "--config=/nowhere", USEC_INFINITY, LISTED_BUDGET_UNKNOWN },
        };
        Fixture *fixture = *state;
        char line[256];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                (void) snprintf(line, sizeof(line), "/usr/bin/gatewatch run %s -- /bin/true",
                        rows[i].options);
                list_set(&fixture->view, VIEW_EXEC_START, "");
                list_set(&fixture->view, VIEW_EXEC_START, line);
                fixture->view.values[VIEW_TIMEOUT_STOP_USEC].is_known = rows[i].timeout != NULL;
                if (rows[i].timeout)
                        list_set(&fixture->view, VIEW_TIMEOUT_STOP_USEC, rows[i].timeout);
                fixture->view.cap_usec = rows[i].cap_usec;
                fixture_read(fixture, false);
                if (fixture->unit.budget != rows[i].expected)
                        fail_msg("row %zu: %s", i,
                                listed_budget_to_string(fixture->unit.budget) ?: "-");
        }
}

/* ---- Progress -------------------------------------------------------------------------------- */

static void test_listed_unit_progress_of_a_drain_is_the_supervisors_line(void **state) {
        Fixture *fixture = *state;

        list_state(&fixture->view, "deactivating", "stop-sigterm");
        list_say(&fixture->view, "Draining: 3 active, 42s left (phase 1/4)");
        fixture->flight = list_make_draining();
        fixture_read(fixture, true);
        assert_progress(fixture, "Draining: 3 active, 42s left (phase 1/4)");
        /* With NotifyAccess=none there is no line. */
        list_say(&fixture->view, "");
        (void) strcpy(fixture->flight.step, "telegram");
        fixture->flight.n_steps_open = 3;
        fixture_read(fixture, true);
        assert_progress(fixture, "drain, 42s left, 3 active, step telegram, 2 more");
}

static void test_listed_unit_progress_of_a_run_is_its_work_and_its_words(void **state) {
        Fixture *fixture = *state;

        fixture_read(fixture, false);
        assert_progress(fixture, "");
        list_say(&fixture->view, "serving");
        fixture_read(fixture, true);
        assert_progress(fixture, "serving");
        fixture->flight.is_active_known = 1;
        fixture->flight.n_active = 5;
        (void) strcpy(fixture->flight.gateway_phase, "relay");
        fixture_read(fixture, true);
        assert_progress(fixture, "relay, 5 active: serving");
        list_say(&fixture->view, "");
        fixture_read(fixture, true);
        assert_progress(fixture, "relay, 5 active");
        fixture->unit.flight.n_steps_open = UINT64_MAX; /* not known */
        assert_progress(fixture, "relay, 5 active");
        assert_int_equal(listed_unit_active(&fixture->unit), 5);
}

/* systemd keeps it until the next start. */
static void test_listed_unit_progress_of_a_run_that_is_over_is_none(void **state) {
        Fixture *fixture = *state;

        list_state(&fixture->view, "failed", "failed");
        list_say(&fixture->view, "kill: 0s left (phase 3/3)");
        fixture->view.values[VIEW_MAIN_PID].number = 0;
        fixture_read(fixture, true);
        assert_progress(fixture, "");
        assert_false(fixture->unit.has_flight);
        assert_int_equal(listed_unit_active(&fixture->unit), UINT64_MAX);
}

static void test_listed_unit_progress_of_the_longest_words_is_whole(void **state) {
        Fixture *fixture = *state;

        memset(fixture->flight.gateway_phase, 'g', FLIGHT_NAME_MAX - 1);
        memset(fixture->flight.step, 's', FLIGHT_NAME_MAX - 1);
        fixture->flight.is_active_known = 1;
        fixture->flight.n_active = fixture->flight.n_steps_open = UINT64_MAX - 1;
        fixture_read(fixture, true);
        fixture->text = listed_unit_format_progress(&fixture->unit);
        assert_non_null(strstr(fixture->text, fixture->flight.gateway_phase));
        assert_non_null(strstr(fixture->text, fixture->flight.step));
        assert_non_null(strstr(fixture->text, ", 18446744073709551613 more"));
}

#define list_test(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                list_test(test_listed_unit_state_follows_systemd_and_the_stop),
                cmocka_unit_test(test_listed_state_to_string_names_each),
                list_test(test_listed_unit_without_gatewatch_is_none),
                list_test(test_listed_unit_uptime_is_by_the_clock_that_both_have),
                list_test(test_listed_unit_heartbeat_age_counts_while_beats_are_expected),
                list_test(test_listed_unit_restarts_are_unknown_where_systemd_does_not_tell),
                list_test(test_listed_unit_budget_is_drain_and_headroom_against_systemd),
                list_test(test_listed_unit_progress_of_a_drain_is_the_supervisors_line),
                list_test(test_listed_unit_progress_of_a_run_is_its_work_and_its_words),
                list_test(test_listed_unit_progress_of_a_run_that_is_over_is_none),
                list_test(test_listed_unit_progress_of_the_longest_words_is_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
