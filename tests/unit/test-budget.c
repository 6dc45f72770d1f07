/* SPDX-License-Identifier: MIT */

/* The budget by example, one row a case, and its promises (finite, within D + H, within what systemd
 * grants, nothing longer than configured) over a grid of everything, extremes included. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stop/budget.h"

#define SEC        USEC_PER_SEC
#define NEVER      USEC_INFINITY
#define PHASE_MAX  (100 * USEC_PER_YEAR)
#define ROW_PHASES 4

#define EXTEND SHORT_TIMEOUT_EXTEND
#define CLAMP  SHORT_TIMEOUT_CLAMP
#define WARN   SHORT_TIMEOUT_WARN
#define REFUSE SHORT_TIMEOUT_REFUSE

/* The times alone matter here. */
static Schedule make_schedule(const usec_t *durations_usec, size_t n_phases) {
        Schedule schedule = { .n_phases = n_phases };

        for (size_t i = 0; i < n_phases; i++)
                schedule.phases[i].duration_usec = durations_usec[i];
        return schedule;
}

typedef struct Row {
        const char *name;
        usec_t phases_usec[ROW_PHASES];
        usec_t headroom_usec;
        bool is_known;
        usec_t timeout_usec;
        usec_t cap_usec;
        bool can_extend;
        ShortTimeoutAction action;

        bool is_short;
        ShortTimeoutAction done;
        bool do_extend;
        usec_t granted_usec;
        usec_t result_usec[ROW_PHASES];
} Row;

#define DEFAULT \
        { 60 * SEC, 10 * SEC, 5 * SEC, 5 * SEC }
#define H (30 * SEC)

/* clang-format off */
static const Row rows[] = {
        /* phases, H, known, T, cap, can extend, action -> short, done, extend, granted, phases */
        { "T is exactly enough", DEFAULT, H, true, 90 * SEC, NEVER, true, EXTEND,
                false, EXTEND, false, 90 * SEC, DEFAULT },
        { "T is one microsecond short, extended", DEFAULT, H, true, 90 * SEC - 1, NEVER, true, EXTEND,
                true, EXTEND, true, 90 * SEC, DEFAULT },
        { "T is short, nobody listens", DEFAULT, H, true, 45 * SEC, NEVER, false, EXTEND,
                true, CLAMP, false, 45 * SEC, { 15 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "T is tiny, extended", DEFAULT, H, true, 1, NEVER, true, EXTEND,
                true, EXTEND, true, 90 * SEC, DEFAULT },
        { "T is infinite", DEFAULT, H, true, NEVER, NEVER, true, EXTEND,
                false, EXTEND, false, NEVER, DEFAULT },
        { "T is 0, read as infinite", DEFAULT, H, true, 0, NEVER, false, CLAMP,
                false, CLAMP, false, NEVER, DEFAULT },

        { "T is unknown, asking costs nothing", DEFAULT, H, false, 0, NEVER, true, EXTEND,
                false, EXTEND, true, NEVER, DEFAULT },
        { "T is unknown, nobody listens", DEFAULT, H, false, 0, NEVER, false, EXTEND,
                false, EXTEND, false, NEVER, DEFAULT },
        { "T is unknown, whatever it was", DEFAULT, H, false, 5 * SEC, NEVER, true, CLAMP,
                false, CLAMP, false, NEVER, DEFAULT },
        { "T is unknown, warn does not ask", DEFAULT, H, false, 0, NEVER, true, WARN,
                false, WARN, false, NEVER, DEFAULT },

        { "clamp, T above H", DEFAULT, H, true, 45 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 45 * SEC, { 15 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "clamp, T is H", DEFAULT, H, true, H, NEVER, true, CLAMP,
                true, CLAMP, false, H, { 0, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "clamp, T is half of H", DEFAULT, H, true, 15 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 15 * SEC, { 0, 5 * SEC, 2500000, 2500000 } },
        { "clamp, T is 2 s", DEFAULT, H, true, 2 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 2 * SEC, { 0, 666666, 333333, 333333 } },
        { "clamp, T is 1 us", DEFAULT, H, true, 1, NEVER, true, CLAMP,
                true, CLAMP, false, 1, { 0, 0, 0, 0 } },
        { "clamp, the reserve bites before T / H", { 60 * SEC, 14 * SEC, 7 * SEC, 7 * SEC }, H,
                true, 27 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 27 * SEC, { 0, 12500000, 6250000, 6250000 } },
        { "clamp, not short", DEFAULT, H, true, 100 * SEC, NEVER, true, CLAMP,
                false, CLAMP, false, 100 * SEC, DEFAULT },
        { "clamp, no drain to take", { 0, 10 * SEC, 5 * SEC, 5 * SEC }, H,
                true, 15 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 15 * SEC, { 0, 5 * SEC, 2500000, 2500000 } },
        { "clamp, products beyond 64 bits",
                { USEC_PER_YEAR, 40 * USEC_PER_YEAR, 20 * USEC_PER_YEAR, 20 * USEC_PER_YEAR },
                100 * USEC_PER_YEAR, true, 50 * USEC_PER_YEAR, NEVER, true, CLAMP,
                true, CLAMP, false, 50 * USEC_PER_YEAR,
                { 0, 20 * USEC_PER_YEAR, 10 * USEC_PER_YEAR, 10 * USEC_PER_YEAR } },

        { "the cap is no matter", DEFAULT, H, true, 90 * SEC, 120 * SEC, true, EXTEND,
                false, EXTEND, false, 90 * SEC, DEFAULT },
        { "the cap is 0, read as none", DEFAULT, H, true, 90 * SEC, 0, true, EXTEND,
                false, EXTEND, false, 90 * SEC, DEFAULT },
        { "the cap leaves room to extend", DEFAULT, H, true, 45 * SEC, 90 * SEC, true, EXTEND,
                true, EXTEND, true, 90 * SEC, DEFAULT },
        { "the cap is one microsecond short", DEFAULT, H, true, NEVER, 90 * SEC - 1, true, EXTEND,
                true, CLAMP, false, 90 * SEC - 1, { 60 * SEC - 1, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "the cap is short, T is not", DEFAULT, H, true, NEVER, 45 * SEC, true, EXTEND,
                true, CLAMP, false, 45 * SEC, { 15 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "both are short, T more so", DEFAULT, H, true, 40 * SEC, 45 * SEC, true, EXTEND,
                true, CLAMP, false, 40 * SEC, { 10 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "the cap is short, T unknown and maybe shorter", DEFAULT, H, false, 0, 45 * SEC, true, EXTEND,
                true, CLAMP, true, 45 * SEC, { 15 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "the cap is short, T unknown, nobody listens", DEFAULT, H, false, 0, 45 * SEC, false, EXTEND,
                true, CLAMP, false, 45 * SEC, { 15 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "warn, the cap is short", DEFAULT, H, true, NEVER, 45 * SEC, true, WARN,
                true, WARN, false, 45 * SEC, DEFAULT },

        { "warn", DEFAULT, H, true, 45 * SEC, NEVER, true, WARN,
                true, WARN, false, 45 * SEC, DEFAULT },
        { "refuse", DEFAULT, H, true, 45 * SEC, NEVER, true, REFUSE,
                true, REFUSE, false, 45 * SEC, DEFAULT },
        { "refuse, not short", DEFAULT, H, true, 90 * SEC, NEVER, true, REFUSE,
                false, REFUSE, false, 90 * SEC, DEFAULT },

        /* What the caller should have refused is made to fit all the same. */
        { "no headroom", DEFAULT, 0, true, NEVER, NEVER, true, EXTEND,
                false, EXTEND, false, NEVER, { 60 * SEC, 0, 0, 0 } },
        { "no headroom, clamp keeps the reserve", DEFAULT, 0, true, 10 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 10 * SEC, { 8 * SEC, 0, 0, 0 } },
        { "headroom of half the later phases", DEFAULT, 10 * SEC, true, NEVER, NEVER, true, EXTEND,
                false, EXTEND, false, NEVER, { 60 * SEC, 5 * SEC, 2500000, 2500000 } },
        { "the same, clamp keeps the reserve", DEFAULT, 10 * SEC, true, 40 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 40 * SEC, { 30 * SEC, 4 * SEC, 2 * SEC, 2 * SEC } },
        { "a drain that ends beyond all time", { NEVER - 1, 10 * SEC, 5 * SEC, 5 * SEC }, H,
                true, NEVER, NEVER, true, EXTEND,
                false, EXTEND, false, NEVER, { PHASE_MAX, 10 * SEC, 5 * SEC, 5 * SEC } },
        { "the same, clamped", { NEVER - 1, 10 * SEC, 5 * SEC, 5 * SEC }, H,
                true, 90 * SEC, NEVER, true, CLAMP,
                true, CLAMP, false, 90 * SEC, { 60 * SEC, 10 * SEC, 5 * SEC, 5 * SEC } },
};
/* clang-format on */

static void assert_usec_equal(const char *name, const char *what, usec_t is, usec_t expected) {
        if (is != expected)
                fail_msg("%s: %s is %" USEC_FMT ", expected %" USEC_FMT, name, what, is, expected);
}

static void test_budget_case_gives_row(void **state) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const Row *row = &rows[i];
                Schedule schedule = make_schedule(row->phases_usec, ROW_PHASES);
                BudgetInput input = {
                        .schedule = &schedule,
                        .headroom_usec = row->headroom_usec,
                        .is_timeout_known = row->is_known,
                        .timeout_stop_usec = row->timeout_usec,
                        .cap_usec = row->cap_usec,
                        .can_extend = row->can_extend,
                        .action = row->action,
                };
                usec_t total_usec = 0;
                Budget budget;

                budget_compute(&input, &budget);
                assert_usec_equal(row->name, "is_short", budget.is_short, row->is_short);
                assert_string_equal(short_timeout_action_to_string(budget.action),
                        short_timeout_action_to_string(row->done));
                assert_usec_equal(row->name, "do_extend", budget.do_extend, row->do_extend);
                assert_usec_equal(row->name, "drain", budget.drain_usec, row->phases_usec[0]);
                assert_usec_equal(row->name, "required", budget.required_usec,
                        usec_add(row->phases_usec[0], row->headroom_usec));
                assert_usec_equal(row->name, "granted", budget.granted_usec, row->granted_usec);
                for (size_t j = 0; j < SCHEDULE_PHASES_MAX; j++) {
                        usec_t expected = j < ROW_PHASES ? row->result_usec[j] : 0;

                        assert_usec_equal(row->name, "phase", budget.phase_usec[j], expected);
                        total_usec += expected;
                }
                assert_usec_equal(row->name, "total", budget.total_usec, total_usec);
        }
}

/* ---- The grid ---------------------------------------------------------------------------------- */

static const usec_t grid_usec[] = { /* ascending */
        0, 1, 3, 2 * SEC - 1, 2 * SEC, 8 * SEC, 20 * SEC, 22 * SEC, 22 * SEC + 1, 30 * SEC,
        60 * SEC, 90 * SEC, 120 * SEC, USEC_PER_HOUR, USEC_PER_YEAR, 1000 * USEC_PER_YEAR,
        NEVER / 2, NEVER - 1, NEVER
};
#define N_GRID (sizeof(grid_usec) / sizeof(grid_usec[0]))

static const struct {
        size_t n_phases;
        usec_t later_usec[SCHEDULE_PHASES_MAX];
} grid_schedules[] = {
        { 1, {} },
        { 2, { 5 * SEC } },
        { 4, { 10 * SEC, 5 * SEC, 5 * SEC } },
        { 4, { 0, 0, 0 } },
        { 5, { 7, 1, 3 * SEC + 1, 11 } },
        { 3, { NEVER - 1, NEVER - 1 } },
        { 3, { USEC_PER_YEAR, NEVER - 1 } },
        { 16, { 1, 2, 3, 4, 5, 6, 7, 8, 9, SEC, SEC, SEC, SEC, SEC, SEC } },
};

static usec_t min_usec(usec_t a, usec_t b) {
        return a < b ? a : b;
}

/* What all of section "Budget" promises, whatever comes in. */
static bool budget_is_finite_and_bounded(const BudgetInput *input, const Budget *budget) {
        const Schedule *schedule = input->schedule;
        usec_t sum_usec = 0;

        for (size_t i = 0; i < SCHEDULE_PHASES_MAX; i++) {
                usec_t configured_usec =
                        i < schedule->n_phases ? schedule->phases[i].duration_usec : 0;

                if (budget->phase_usec[i] == NEVER || budget->phase_usec[i] > configured_usec)
                        return false;
                sum_usec = usec_add(sum_usec, budget->phase_usec[i]);
        }
        return sum_usec != NEVER && sum_usec == budget->total_usec &&
                budget->total_usec <=
                usec_add(schedule->phases[0].duration_usec, input->headroom_usec);
}

/* Whether run would go with such a schedule at all, and within a life-time. */
static bool schedule_is_proper(const BudgetInput *input) {
        return schedule_fits_headroom(input->schedule, input->headroom_usec) &&
                schedule_later_usec(input->schedule) < PHASE_MAX;
}

static bool budget_is_as_configured(const BudgetInput *input, const Budget *budget) {
        for (size_t i = 0; i < input->schedule->n_phases; i++)
                if (budget->phase_usec[i] !=
                        min_usec(input->schedule->phases[i].duration_usec, PHASE_MAX))
                        return false;
        return true;
}

/* No later phase fares better or worse than another, but for rounding. */
static bool budget_is_proportional(const BudgetInput *input, const Budget *budget) {
        const Schedule *schedule = input->schedule;

        for (size_t i = 1; i < schedule->n_phases; i++)
                for (size_t j = 1; j < schedule->n_phases; j++) {
                        usec_t c_i = schedule->phases[i].duration_usec;
                        usec_t c_j = schedule->phases[j].duration_usec;

                        if ((unsigned __int128) budget->phase_usec[i] * c_j >
                                (unsigned __int128) (budget->phase_usec[j] + 1) * c_i)
                                return false;
                }
        return true;
}

static bool budget_is_clamped(const BudgetInput *input, const Budget *budget) {
        usec_t bound_usec = min_usec(input->cap_usec == 0 ? NEVER : input->cap_usec,
                input->is_timeout_known && input->timeout_stop_usec > 0 ? input->timeout_stop_usec
                                                                        : NEVER);

        if (budget->total_usec > bound_usec - min_usec(2 * SEC, bound_usec / 4))
                return false;
        if (bound_usec < input->headroom_usec && budget->phase_usec[0] != 0)
                return false;
        return !schedule_is_proper(input) || budget_is_proportional(input, budget);
}

static void check_grid_point(const BudgetInput *input, const Budget *budget) {
        const bool is_clamped = budget->is_short && budget->action == SHORT_TIMEOUT_CLAMP;

        assert_true(budget_is_finite_and_bounded(input, budget));
        assert_true(budget->granted_usec > 0);
        if (is_clamped)
                assert_true(budget_is_clamped(input, budget));
        else if (schedule_is_proper(input))
                assert_true(budget_is_as_configured(input, budget));

        if (budget->do_extend)
                assert_true(input->can_extend && input->action == SHORT_TIMEOUT_EXTEND);
        if (budget->action != input->action)
                assert_true(is_clamped && input->action == SHORT_TIMEOUT_EXTEND);
        if (budget->action == SHORT_TIMEOUT_EXTEND || budget->action == SHORT_TIMEOUT_CLAMP)
                assert_true(budget->total_usec <= budget->granted_usec);
        if (budget->is_short && budget->action == SHORT_TIMEOUT_EXTEND)
                assert_true(budget->do_extend && budget->granted_usec == budget->required_usec);
        if (!budget->is_short)
                assert_true(budget->granted_usec >= budget->required_usec);
}

/* All T for one combination of the rest, in ascending order: more time never makes a shorter ladder. */
static void check_grid_line(BudgetInput input) {
        usec_t last_usec = 0;

        for (size_t t = 0; t < N_GRID; t++) {
                Budget budget;

                input.timeout_stop_usec = grid_usec[t];
                budget_compute(&input, &budget);
                check_grid_point(&input, &budget);
                if (grid_usec[t] == 0) /* none at all */
                        continue;
                /* Each phase is rounded down on its own. */
                assert_true(budget.total_usec + SCHEDULE_PHASES_MAX >= last_usec);
                last_usec = budget.total_usec;
        }
}

static void check_grid_plane(const Schedule *schedule, usec_t headroom_usec, usec_t cap_usec) {
        for (unsigned flags = 0; flags < 4; flags++)
                for (ShortTimeoutAction action = 0; action < _SHORT_TIMEOUT_ACTION_MAX; action++)
                        check_grid_line((BudgetInput){
                                .schedule = schedule,
                                .headroom_usec = headroom_usec,
                                .is_timeout_known = (flags & 1) != 0,
                                .cap_usec = cap_usec,
                                .can_extend = (flags & 2) != 0,
                                .action = action,
                        });
}

static void check_grid_schedule(const Schedule *schedule) {
        static const usec_t caps_usec[] = { 0, 1, 15 * SEC, 45 * SEC, 120 * SEC, NEVER };

        for (size_t h = 0; h < N_GRID; h++)
                for (size_t cap = 0; cap < sizeof(caps_usec) / sizeof(caps_usec[0]); cap++)
                        check_grid_plane(schedule, grid_usec[h], caps_usec[cap]);
}

static void test_budget_grid_keeps_every_promise(void **state) {
        static const usec_t drains_usec[] = { 0, 3, 8 * SEC, 60 * SEC, 1000 * USEC_PER_YEAR,
                NEVER - 1 };

        for (size_t s = 0; s < sizeof(grid_schedules) / sizeof(grid_schedules[0]); s++)
                for (size_t d = 0; d < sizeof(drains_usec) / sizeof(drains_usec[0]); d++) {
                        usec_t durations_usec[SCHEDULE_PHASES_MAX] = { drains_usec[d] };
                        Schedule schedule;

                        memcpy(durations_usec + 1, grid_schedules[s].later_usec,
                                (grid_schedules[s].n_phases - 1) * sizeof(usec_t));
                        schedule = make_schedule(durations_usec, grid_schedules[s].n_phases);
                        check_grid_schedule(&schedule);
                }
}

static void test_short_timeout_action_names_round_trip(void **state) {
        for (ShortTimeoutAction action = 0; action < _SHORT_TIMEOUT_ACTION_MAX; action++)
                assert_int_equal(
                        short_timeout_action_from_string(short_timeout_action_to_string(action)),
                        action);
        assert_int_equal(short_timeout_action_from_string("Extend"), _SHORT_TIMEOUT_ACTION_INVALID);
        assert_int_equal(short_timeout_action_from_string(""), _SHORT_TIMEOUT_ACTION_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_budget_case_gives_row),
                cmocka_unit_test(test_budget_grid_keeps_every_promise),
                cmocka_unit_test(test_short_timeout_action_names_round_trip),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
