/* SPDX-License-Identifier: MIT */

/* Steps over simulated time: by example, and thousands of random operations against a model that
 * answers the same questions the simple way. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "steps-simulation.h"
#include "stop/steps.h"

#define SEC(n)       (USEC_PER_SEC * (n))
#define AT(seconds)  SEC(1000 + (seconds))
#define DEFAULT_USEC SEC(5)

static int setup(void **state) {
        Steps *steps = malloc(sizeof(*steps));

        if (!steps)
                return -1;
        memset(steps, 0xa5, sizeof(*steps)); /* init leaves nothing as it was */
        steps_init(steps, DEFAULT_USEC);
        *state = steps;
        return 0;
}

static int teardown(void **state) {
        steps_done(*state);
        free(*state);
        return 0;
}

/* A step with a bound of its own. */
static void begin(Steps *steps, const char *name, usec_t timeout_usec, usec_t now_usec) {
        assert_int_equal(
                steps_begin(steps, name, /* has_timeout= */ true, timeout_usec, now_usec), 0);
}

static Step end(Steps *steps, const char *name, usec_t now_usec) {
        Step step;

        assert_int_equal(steps_end(steps, name, now_usec, &step), 0);
        assert_string_equal(step.name, name);
        assert_int_equal(step.ended_at_usec, now_usec);
        return step;
}

static void assert_overdue(Steps *steps, usec_t now_usec, const char *name) {
        const Step *step = steps_next_overdue(steps, now_usec);

        if (!name) {
                assert_null(step);
                return;
        }
        assert_non_null(step);
        assert_string_equal(step->name, name);
        assert_true(step->is_overdue);
        assert_int_equal(step->end, STEP_OPEN);
}

/* ---- Names ------------------------------------------------------------------------------------- */

static void test_step_name_is_text_without_controls(void **state) {
        static const struct {
                const char *name;
                bool is_valid;
        } rows[] = {
                { "", false },
                { "x", true },
                { " ", true },
                { "disconnect telegram", true },
                { "a=b,c;\"'\\", true },
                { "d\u00e9connecter \u20ac \U0001f600", true },
                { "\x01", false },
                { "\x1f", false },
                { "a\tb", false },
                { "a\n", false },
                { "\x1b[31m", false },
                { "a\x7f", false },
                { "\xc2\x80", false },
                { "a\xc2\x9b", false },
                { "a\xc2\x9f z", false },
                { "\xc2\xa0", true },
                { "\x80", false },
                { "a\xff", false },
                { "a\xc3", false },
                { "\xc0\xaf", false },
                { "\xed\xa0\x80", false },
                { "\xf4\x90\x80\x80", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (step_name_is_valid(rows[i].name) != rows[i].is_valid)
                        fail_msg("row %zu", i);
}

static void test_step_name_longest_is_counted_in_bytes(void **state) {
        char name[STEP_NAME_MAX + 2] = "";
        Steps *steps = *state;
        Step step;

        memset(name, 'x', STEP_NAME_MAX);
        assert_true(step_name_is_valid(name));
        begin(steps, name, SEC(1), AT(0));
        assert_string_equal(steps->open[0].name, name);

        /* A character of two bytes that the limit cuts, and one that ends there. */
        memcpy(name + STEP_NAME_MAX - 1, "\xc3\xa9", 2);
        assert_false(step_name_is_valid(name));
        assert_int_equal(steps_begin(steps, name, false, 0, AT(0)), -EINVAL);
        assert_int_equal(steps_end(steps, name, AT(0), &step), -EINVAL);
        memcpy(name + STEP_NAME_MAX - 2, "\xc3\xa9", 3);
        assert_true(step_name_is_valid(name));
        begin(steps, name, SEC(1), AT(0));

        memset(name, 'x', STEP_NAME_MAX + 1);
        assert_false(step_name_is_valid(name));
        assert_int_equal(steps_begin(steps, name, false, 0, AT(0)), -EINVAL);
        assert_int_equal(steps->n_open, 2);
}

static void test_step_end_every_one_is_named(void **state) {
        assert_string_equal(step_end_to_string(STEP_OPEN), "open");
        assert_string_equal(step_end_to_string(STEP_DONE), "done");
        assert_string_equal(step_end_to_string(STEP_LATE), "late");
        assert_string_equal(step_end_to_string(STEP_ABANDONED), "abandoned");
}

/* ---- Beginnings and ends ----------------------------------------------------------------------- */

static void test_steps_none_begun_answer_nothing(void **state) {
        Steps *steps = *state;
        Step step;

        for (int i = 0; i < 2; i++) {
                assert_int_equal(steps_deadline(steps), USEC_INFINITY);
                assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);
                assert_overdue(steps, USEC_INFINITY, NULL);
                assert_int_equal(steps_end(steps, "x", AT(0), &step), -ENOENT);
                assert_int_equal(steps_end(steps, "", AT(0), &step), -EINVAL);
                assert_int_equal(steps_abandon(steps, AT(0), &step), 0);
                steps_escalated(steps, AT(0));
                assert_open(steps, 16, "");
                steps_begin_stop(steps);
        }
        assert_null(steps->open);
        assert_null(steps->ended);
        assert_string_equal(steps->slowest.name, "");
        assert_int_equal(steps->n_of_stop, 0);
}

static void test_steps_late_end_is_told(void **state) {
        static const struct {
                usec_t after_usec;
                bool is_asked; /* for overdue ones, before */
                StepEnd end;
        } rows[] = {
                { 0, true, STEP_DONE },
                { SEC(2) - 1, true, STEP_DONE },
                { SEC(2) - 1, false, STEP_DONE },
                { SEC(2), true, STEP_LATE },
                { SEC(2), false, STEP_LATE },
                { SEC(2) + 1, false, STEP_LATE },
                { SEC(900), true, STEP_LATE },
        };
        Steps *steps = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const usec_t now_usec = AT(0) + rows[i].after_usec;
                const bool is_told = rows[i].is_asked && rows[i].end == STEP_LATE;
                Step step;

                begin(steps, "x", SEC(2), AT(0));
                if (rows[i].is_asked)
                        assert_overdue(steps, now_usec, is_told ? "x" : NULL);
                step = end(steps, "x", now_usec);
                assert_int_equal(step.end, rows[i].end);
                assert_int_equal(step.is_overdue, is_told);
                assert_int_equal(step.began_at_usec, AT(0));
                assert_int_equal(step.timeout_usec, SEC(2));
                assert_int_equal(step.deadline_at_usec, AT(2));
                assert_int_equal(steps_deadline(steps), USEC_INFINITY);
        }
}

static void test_steps_duplicate_begin_leaves_the_step_as_it_was(void **state) {
        Steps *steps = *state;

        begin(steps, "x", SEC(2), AT(0));
        steps_begin_stop(steps);
        assert_int_equal(steps_begin(steps, "x", true, SEC(60), AT(1)), -EEXIST);
        assert_int_equal(steps->n_open, 1);
        assert_int_equal(steps_deadline(steps), AT(2));
        assert_false(steps->open[0].is_of_stop);
        assert_int_equal(end(steps, "x", AT(1)).began_at_usec, AT(0));

        begin(steps, "x", SEC(60), AT(3)); /* the name is free again */
        assert_int_equal(steps_deadline(steps), AT(63));
        assert_true(steps->open[0].is_of_stop);
}

static void test_steps_end_without_begin_is_no_step(void **state) {
        Steps *steps = *state;
        Step step;

        steps_begin_stop(steps);
        begin(steps, "x", SEC(2), AT(0));
        assert_int_equal(steps_end(steps, "X", AT(1), &step), -ENOENT);
        assert_int_equal(steps_end(steps, "x ", AT(1), &step), -ENOENT);
        assert_int_equal(steps_end(steps, "\n", AT(1), &step), -EINVAL);
        (void) end(steps, "x", AT(1));
        assert_int_equal(steps_end(steps, "x", AT(1), &step), -ENOENT);
        assert_int_equal(steps->n_of_stop, 1);
}

static void test_steps_limit_is_of_those_that_are_open(void **state) {
        char name[STEP_NAME_MAX + 1];
        Steps *steps = *state;

        for (size_t i = 0; i < STEPS_OPEN_MAX; i++)
                begin(steps, steps_model_name(name, i), SEC(1 + i), AT(0));
        assert_int_equal(steps_begin(steps, "one more", true, 1, AT(0)), -ENOSPC);
        assert_int_equal(steps_begin(steps, name, true, 1, AT(0)), -EEXIST);
        assert_int_equal(steps_begin(steps, "", true, 1, AT(0)), -EINVAL);
        assert_int_equal(steps->n_open, STEPS_OPEN_MAX);
        assert_int_equal(steps_deadline(steps), AT(1));

        (void) end(steps, steps_model_name(name, 100), AT(0));
        begin(steps, "one more", SEC(1), AT(0));
        assert_int_equal(steps_begin(steps, "two more", true, 1, AT(0)), -ENOSPC);
        for (size_t i = 0; i < STEPS_OPEN_MAX; i++)
                assert_string_equal(steps->open[i].name,
                        i + 1 == STEPS_OPEN_MAX ? "one more"
                                                : steps_model_name(name, i < 100 ? i : i + 1));
}

static void test_steps_gateway_gone_abandons_what_is_open(void **state) {
        static const char *const names[] = { "before", "a", "c" };
        Steps *steps = *state;
        Step step;

        begin(steps, "before", SEC(1), AT(0));
        steps_begin_stop(steps);
        begin(steps, "a", SEC(1), AT(1));
        begin(steps, "b", SEC(9), AT(1));
        begin(steps, "c", 0, AT(1));
        assert_overdue(steps, AT(2), "before");
        (void) end(steps, "b", AT(3));

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(steps_abandon(steps, AT(4), &step), 1);
                assert_string_equal(step.name, names[i]);
                assert_int_equal(step.end, STEP_ABANDONED);
                assert_int_equal(step.ended_at_usec, AT(4));
                assert_int_equal(step.is_overdue, i == 0);
                assert_int_equal(step.is_of_stop, i > 0);
        }
        assert_int_equal(steps_abandon(steps, AT(5), &step), 0);
        assert_int_equal(steps->n_open, 0);
        assert_int_equal(steps->n_of_stop, 3);
        assert_int_equal(steps->n_ended, 3);
        assert_string_equal(steps->ended[0].name, "b");
        assert_string_equal(steps->ended[2].name, "c");
        assert_int_equal(steps->ended[2].end, STEP_ABANDONED);
}

/* ---- Bounds ------------------------------------------------------------------------------------ */

static void test_steps_bound_missing_or_opted_out(void **state) {
        static const struct {
                usec_t default_usec;
                bool has_timeout;
                usec_t timeout_usec;
                usec_t wanted_usec;
        } rows[] = {
                { SEC(5), false, 0, SEC(5) },
                { SEC(5), false, SEC(9), SEC(5) },
                { SEC(5), true, SEC(9), SEC(9) },
                { SEC(5), true, 1, 1 },
                { SEC(5), true, 0, USEC_INFINITY },
                { SEC(5), true, USEC_INFINITY, USEC_INFINITY },
                { SEC(5), true, USEC_INFINITY - AT(0), USEC_INFINITY }, /* beyond the clock */
                { SEC(5), true, USEC_INFINITY - AT(0) - 1, USEC_INFINITY - AT(0) - 1 },
                { 0, false, 0, USEC_INFINITY },
                { 0, true, SEC(9), SEC(9) },
                { USEC_INFINITY, false, 0, USEC_INFINITY },
                { USEC_INFINITY, true, SEC(9), SEC(9) },
        };
        Steps *steps = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const usec_t deadline_usec = usec_add(AT(0), rows[i].wanted_usec);

                steps_done(steps);
                steps_init(steps, rows[i].default_usec);
                steps_begin_stop(steps);
                assert_int_equal(
                        steps_begin(steps, "x", rows[i].has_timeout, rows[i].timeout_usec, AT(0)),
                        0);
                assert_int_equal(steps->open[0].timeout_usec, rows[i].wanted_usec);
                assert_int_equal(steps->open[0].deadline_at_usec, deadline_usec);
                assert_int_equal(steps_deadline(steps), deadline_usec);
                assert_int_equal(steps_escalation(steps, false), deadline_usec);
                assert_overdue(steps, deadline_usec - 1, NULL);
                assert_overdue(steps, USEC_INFINITY, deadline_usec == USEC_INFINITY ? NULL : "x");
        }
}

static void test_steps_overlapping_are_told_of_each_at_its_own_deadline(void **state) {
        Steps *steps = *state;

        begin(steps, "a", SEC(10), AT(0));
        begin(steps, "b", SEC(3), AT(1));
        begin(steps, "c", SEC(2), AT(2));
        begin(steps, "d", 0, AT(2));
        begin(steps, "e", SEC(6), AT(2));

        assert_int_equal(steps_deadline(steps), AT(4));
        assert_overdue(steps, AT(4) - 1, NULL);
        assert_overdue(steps, AT(4), "b"); /* both at once: as they began */
        assert_overdue(steps, AT(4), "c");
        assert_overdue(steps, AT(4), NULL);

        assert_int_equal(steps_deadline(steps), AT(8));
        assert_int_equal(end(steps, "b", AT(5)).end, STEP_LATE);
        assert_overdue(steps, AT(20), "e"); /* the earlier deadline first, though it began later */
        assert_overdue(steps, AT(20), "a");
        assert_overdue(steps, USEC_INFINITY, NULL);
        assert_int_equal(steps_deadline(steps), USEC_INFINITY);
        assert_int_equal(end(steps, "d", AT(99)).end, STEP_DONE);
        assert_int_equal(steps->n_open, 3);
}

/* ---- The ladder -------------------------------------------------------------------------------- */

static void test_steps_four_overlapping_are_bounded_by_the_longest(void **state) {
        Steps *steps = *state;

        steps_begin_stop(steps);
        begin(steps, "telegram", SEC(5), AT(0));
        begin(steps, "slack", SEC(7), AT(0));
        begin(steps, "discord", SEC(5), AT(0));
        begin(steps, "matrix", SEC(5), AT(1));
        assert_int_equal(steps_escalation(steps, false), AT(7));

        /* Whether they were told of does not matter. */
        for (size_t i = 0; i < 3; i++)
                assert_non_null(steps_next_overdue(steps, AT(6)));
        assert_int_equal(steps_escalation(steps, false), AT(7));
        (void) end(steps, "slack", AT(6));
        assert_int_equal(steps_escalation(steps, false), AT(6));
        (void) end(steps, "matrix", AT(6));
        assert_int_equal(steps_escalation(steps, false), AT(5));
}

static void test_steps_begun_before_the_stop_never_escalate(void **state) {
        Steps *steps = *state;

        begin(steps, "reload", SEC(5), AT(0));
        begin(steps, "import", 0, AT(0));
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);
        steps_begin_stop(steps);
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);
        assert_overdue(steps, AT(5), "reload"); /* told of nevertheless */

        /* Nor do they hold back those that do. */
        begin(steps, "disconnect", SEC(2), AT(1));
        assert_int_equal(steps_escalation(steps, false), AT(3));
        steps_escalated(steps, AT(9));
        assert_false(steps->open[0].is_spent);
        assert_true(steps->open[2].is_spent);
        (void) end(steps, "disconnect", AT(9));
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);

        (void) end(steps, "reload", AT(10));
        (void) end(steps, "import", AT(10));
        assert_int_equal(steps->n_of_stop, 1);
        assert_int_equal(steps->n_ended, 1);
        assert_string_equal(steps->slowest.name, "disconnect");
}

static void test_steps_work_in_flight_or_no_bound_holds_the_ladder(void **state) {
        Steps *steps = *state;

        steps_begin_stop(steps);
        begin(steps, "a", SEC(5), AT(0));
        assert_int_equal(steps_escalation(steps, /* is_active= */ true), USEC_INFINITY);
        assert_int_equal(steps_escalation(steps, /* is_active= */ false), AT(5));

        begin(steps, "unbounded", USEC_INFINITY, AT(1));
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);
        assert_int_equal(steps_deadline(steps), AT(5));
        (void) end(steps, "unbounded", AT(8));
        assert_int_equal(steps_escalation(steps, false), AT(5)); /* at once */
        assert_int_equal(steps_escalation(steps, true), USEC_INFINITY);
}

static void test_steps_spent_move_the_ladder_only_with_a_new_one(void **state) {
        Steps *steps = *state;

        steps_begin_stop(steps);
        begin(steps, "a", SEC(2), AT(0));
        begin(steps, "b", SEC(3), AT(0));
        steps_escalated(steps, AT(2)); /* the ladder's own deadline: b is not overdue yet */
        assert_true(steps->open[0].is_spent);
        assert_false(steps->open[1].is_spent);
        assert_int_equal(steps_escalation(steps, false), AT(3));
        steps_escalated(steps, AT(3));
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);

        begin(steps, "c", SEC(4), AT(4));
        assert_int_equal(steps_escalation(steps, false), AT(8));
        steps_escalated(steps, AT(8) - 1);
        assert_int_equal(steps_escalation(steps, false), AT(8));
        steps_escalated(steps, AT(8));
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);

        /* One that ends in time leaves only those that are spent. */
        begin(steps, "d", SEC(4), AT(9));
        assert_int_equal(steps_escalation(steps, false), AT(13));
        (void) end(steps, "d", AT(10));
        assert_int_equal(steps_escalation(steps, false), USEC_INFINITY);

        /* The same name again is a new step. */
        (void) end(steps, "a", AT(11));
        begin(steps, "a", SEC(1), AT(11));
        assert_int_equal(steps_escalation(steps, false), AT(12));
}

/* ---- The stop's last record -------------------------------------------------------------------- */

static void test_steps_more_than_are_kept_are_counted(void **state) {
        const size_t n_steps = STEPS_ENDED_MAX + 20;
        char name[STEP_NAME_MAX + 1];
        Steps *steps = *state;

        begin(steps, "before", SEC(1), AT(0));
        (void) end(steps, "before", AT(0));
        assert_int_equal(steps->n_of_stop, 0);

        steps_begin_stop(steps);
        for (size_t i = 0; i < n_steps; i++)
                begin(steps, steps_model_name(name, i), SEC(5), AT(0));
        for (size_t i = n_steps; i > 0; i--)
                (void) end(steps, steps_model_name(name, i - 1), AT(n_steps - i));
        assert_int_equal(steps->n_of_stop, n_steps);
        assert_int_equal(steps->n_ended, STEPS_ENDED_MAX);
        for (size_t i = 0; i < steps->n_ended; i++) {
                assert_string_equal(steps->ended[i].name, steps_model_name(name, n_steps - 1 - i));
                assert_int_equal(steps->ended[i].end, i < 5 ? STEP_DONE : STEP_LATE);
                assert_int_equal(steps->ended[i].ended_at_usec, AT(i));
        }
        /* The last one to end is not kept, and was the slowest. */
        assert_string_equal(steps->slowest.name, steps_model_name(name, 0));
        assert_int_equal(steps->slowest.ended_at_usec, AT(n_steps - 1));
}

static void test_steps_slowest_is_of_the_stop_and_the_first_of_equals(void **state) {
        Steps *steps = *state;
        Step step;

        begin(steps, "before", SEC(1), AT(0));
        steps_begin_stop(steps);
        (void) end(steps, "before", AT(50));
        assert_string_equal(steps->slowest.name, "");

        begin(steps, "instant", SEC(1), AT(50));
        (void) end(steps, "instant", AT(50));
        assert_string_equal(steps->slowest.name, "instant");
        begin(steps, "a", SEC(9), AT(50));
        begin(steps, "b", SEC(9), AT(50));
        (void) end(steps, "b", AT(52));
        (void) end(steps, "a", AT(52));
        assert_string_equal(steps->slowest.name, "b");

        begin(steps, "c", SEC(9), AT(53));
        assert_int_equal(steps_abandon(steps, AT(56), &step), 1);
        assert_string_equal(steps->slowest.name, "c");
        assert_int_equal(steps->slowest.end, STEP_ABANDONED);
}

static void test_steps_done_leaves_empty_ones(void **state) {
        Steps *steps = *state;

        steps_begin_stop(steps);
        begin(steps, "a", SEC(9), AT(0));
        begin(steps, "b", SEC(9), AT(0));
        (void) end(steps, "b", AT(1));
        steps_done(steps);
        assert_null(steps->open);
        assert_null(steps->ended);
        assert_int_equal(steps->n_open, 0);
        assert_int_equal(steps->n_of_stop, 0);
        steps_done(NULL);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void test_steps_format_open_is_cut_at_whole_names(void **state) {
        static const struct {
                size_t size;
                const char *text;
        } rows[] = {
                { 64, "slack (overdue), telegram, d\u00e9mon, x" },
                { 37, "slack (overdue), telegram, d\u00e9mon, x" },
                { 36, "slack (overdue), telegram, 2 more" },
                { 34, "slack (overdue), telegram, 2 more" },
                { 33, "slack (overdue), 3 more" },
                { 24, "slack (overdue), 3 more" },
                { 23, "4 steps" },
                { 8, "4 steps" },
                { 7, "" },
                { 1, "" },
        };
        Steps *steps = *state;

        begin(steps, "telegram", SEC(9), AT(0));
        begin(steps, "slack", SEC(2), AT(0));
        begin(steps, "d\u00e9mon", SEC(9), AT(0));
        begin(steps, "x", SEC(9), AT(0));
        assert_open(steps, 64, "telegram, slack, d\u00e9mon, x"); /* late, but not told of */
        assert_overdue(steps, AT(3), "slack");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_open(steps, rows[i].size, rows[i].text);
}

static void test_steps_format_open_one_step_is_singular(void **state) {
        Steps *steps = *state;

        begin(steps, "database close", SEC(9), AT(0));
        assert_open(steps, 15, "database close");
        assert_open(steps, 14, "1 step");
        assert_open(steps, 7, "1 step");
        assert_open(steps, 6, "");
        begin(steps, "x", SEC(9), AT(0));
        assert_open(steps, 18, "database close, x"); /* shorter than "1 more" */
        assert_open(steps, 17, "2 steps");
        assert_overdue(steps, AT(9), "database close");
        assert_open(steps, 64, "database close (overdue), x");
}

/* ---- Against the model ------------------------------------------------------------------------- */

static void test_steps_random_operations_agree_with_the_model(void **state) {
        static const uint32_t n_begins[] = { 10, 20, 30, 45, 60, 95 };
        Simulation *simulation = *state;

        simulation->random = 1;
        for (size_t round = 0; round < 60; round++) {
                const usec_t default_usec = round % 5 == 4 ? 0 : 10;

                steps_done(&simulation->steps);
                steps_init(&simulation->steps, default_usec);
                simulation->model = (StepsModel){ .default_timeout_usec = default_usec };
                simulation->now_usec = AT(0);
                simulation_run(simulation, n_begins[round % ELEMENTSOF(n_begins)], 1000);
        }
        assert_int_equal(simulation->n_operations, 60000);
        assert_true(simulation->n_full > 100);
        assert_true(simulation->n_late > 100);
        assert_true(simulation->n_escalations > 100);
}

#define steps_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_step_name_is_text_without_controls),
                steps_test(test_step_name_longest_is_counted_in_bytes),
                cmocka_unit_test(test_step_end_every_one_is_named),
                steps_test(test_steps_none_begun_answer_nothing),
                steps_test(test_steps_late_end_is_told),
                steps_test(test_steps_duplicate_begin_leaves_the_step_as_it_was),
                steps_test(test_steps_end_without_begin_is_no_step),
                steps_test(test_steps_limit_is_of_those_that_are_open),
                steps_test(test_steps_gateway_gone_abandons_what_is_open),
                steps_test(test_steps_bound_missing_or_opted_out),
                steps_test(test_steps_overlapping_are_told_of_each_at_its_own_deadline),
                steps_test(test_steps_four_overlapping_are_bounded_by_the_longest),
                steps_test(test_steps_begun_before_the_stop_never_escalate),
                steps_test(test_steps_work_in_flight_or_no_bound_holds_the_ladder),
                steps_test(test_steps_spent_move_the_ladder_only_with_a_new_one),
                steps_test(test_steps_more_than_are_kept_are_counted),
                steps_test(test_steps_slowest_is_of_the_stop_and_the_first_of_equals),
                steps_test(test_steps_done_leaves_empty_ones),
                steps_test(test_steps_format_open_is_cut_at_whole_names),
                steps_test(test_steps_format_open_one_step_is_singular),
                cmocka_unit_test_setup_teardown(test_steps_random_operations_agree_with_the_model,
                        simulation_setup, simulation_teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
