/* SPDX-License-Identifier: MIT */

/* What a gateway says of itself, over simulated time: numbers of two sources, and its phases. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "stop/progress.h"

#define AT(seconds) ((1000 + (seconds)) * USEC_PER_SEC)

static int setup(void **state) {
        Progress *progress = malloc(sizeof(*progress));

        if (!progress)
                return -1;
        memset(progress, 0xa5, sizeof(*progress)); /* init leaves nothing as it was */
        progress_init(progress);
        *state = progress;
        return 0;
}

static int teardown(void **state) {
        progress_done(*state);
        free(*state);
        return 0;
}

static void assert_active(ActiveCount active, ActiveSource source, uint64_t n) {
        assert_int_equal(active.source, source);
        assert_int_equal(active.n, n);
}

/* Names a phase that is the first, or follows one that the caller does not look at. */
static void set_phase(Progress *progress, const char *name, usec_t now_usec, int n_ended) {
        ReportedPhase ended;

        assert_int_equal(progress_set_phase(progress, name, now_usec, &ended), n_ended);
}

static void test_progress_nothing_said_knows_nothing(void **state) {
        Progress *progress = *state;
        ReportedPhase ended;

        assert_false(progress->is_stopping);
        assert_active(progress->active, ACTIVE_UNKNOWN, 0);
        assert_false(progress_is_active(progress));
        progress_time_out(progress);
        assert_null(progress->present);
        assert_int_equal(progress_set_phase(progress, "", AT(0), &ended), 0);

        progress_begin_stop(progress);
        assert_true(progress->is_stopping);
        assert_active(progress->active_at_stop, ACTIVE_UNKNOWN, 0);
        assert_null(progress->ended);
        assert_int_equal(progress->n_ended, 0);
        assert_int_equal(progress->n_of_stop, 0);
        assert_int_equal(progress->generation, 0);
}

static void test_active_source_known_ones_are_named(void **state) {
        assert_null(active_source_to_string(ACTIVE_UNKNOWN));
        assert_string_equal(active_source_to_string(ACTIVE_GATEWAY), "gateway");
        assert_string_equal(active_source_to_string(ACTIVE_SOCKETS), "sockets");
}

/* ---- Work in flight ---------------------------------------------------------------------------- */

typedef struct ActiveRow {
        ActiveSource source;
        uint64_t n;
        bool is_taken;
        bool is_active; /* afterwards */
} ActiveRow;

static const ActiveRow active_rows[] = {
        { ACTIVE_SOCKETS, 10, true, false }, /* connections are no word of the gateway's */
        { ACTIVE_SOCKETS, 10, false, false },
        { ACTIVE_SOCKETS, 9, true, false },
        { ACTIVE_GATEWAY, 9, true, true }, /* the number is the same, who says it is not */
        { ACTIVE_GATEWAY, 9, false, true },
        { ACTIVE_SOCKETS, 8, false, true },
        { ACTIVE_GATEWAY, 0, true, false },
        { ACTIVE_SOCKETS, 7, false, false },
        { ACTIVE_GATEWAY, UINT64_MAX, true, true },
        { ACTIVE_GATEWAY, 1, true, true },
};

static void test_progress_active_gateway_overrules_sockets(void **state) {
        Progress *progress = *state;
        ActiveCount known = {};
        uint64_t n_taken = 0;

        for (size_t i = 0; i < ELEMENTSOF(active_rows); i++) {
                const ActiveRow *row = &active_rows[i];

                assert_int_equal(progress_set_active(progress, row->source, row->n), row->is_taken);
                if (row->is_taken) {
                        known = (ActiveCount){ row->source, row->n };
                        n_taken++;
                }
                assert_active(progress->active, known.source, known.n);
                assert_int_equal(progress_is_active(progress), row->is_active);
                assert_int_equal(progress->generation, n_taken);
        }
        assert_active(progress->active_at_stop, ACTIVE_UNKNOWN, 0);
}

static void test_progress_active_zero_of_either_source_is_a_number(void **state) {
        Progress *progress = *state;

        assert_true(progress_set_active(progress, ACTIVE_SOCKETS, 0));
        assert_active(progress->active, ACTIVE_SOCKETS, 0);
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 0));
        assert_active(progress->active, ACTIVE_GATEWAY, 0);
        assert_false(progress_is_active(progress));
}

static void test_progress_active_at_stop_known_is_taken_at_the_beginning(void **state) {
        Progress *progress = *state;

        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 5));
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 3));
        progress_begin_stop(progress);
        assert_active(progress->active_at_stop, ACTIVE_GATEWAY, 3);

        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 4));
        assert_active(progress->active_at_stop, ACTIVE_GATEWAY, 3);
        progress_begin_stop(progress);
        assert_active(progress->active_at_stop, ACTIVE_GATEWAY, 3);
        assert_active(progress->active, ACTIVE_GATEWAY, 4);
}

static void test_progress_active_at_stop_unknown_is_taken_with_the_first_number(void **state) {
        Progress *progress = *state;

        progress_begin_stop(progress);
        assert_active(progress->active_at_stop, ACTIVE_UNKNOWN, 0);
        assert_true(progress_set_active(progress, ACTIVE_SOCKETS, 12));
        assert_active(progress->active_at_stop, ACTIVE_SOCKETS, 12);
        assert_true(progress_set_active(progress, ACTIVE_SOCKETS, 11));
        assert_active(progress->active_at_stop, ACTIVE_SOCKETS, 12);

        /* Sessions are not to be subtracted from connections. */
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 3));
        assert_active(progress->active_at_stop, ACTIVE_GATEWAY, 3);
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 0));
        assert_active(progress->active_at_stop, ACTIVE_GATEWAY, 3);
}

static void test_progress_active_at_stop_same_number_of_the_gateway_replaces_sockets(void **state) {
        Progress *progress = *state;

        assert_true(progress_set_active(progress, ACTIVE_SOCKETS, 3));
        progress_begin_stop(progress);
        assert_active(progress->active_at_stop, ACTIVE_SOCKETS, 3);
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 3));
        assert_active(progress->active_at_stop, ACTIVE_GATEWAY, 3);
}

/* ---- Phases ------------------------------------------------------------------------------------ */

static void test_progress_phase_next_one_ends_it(void **state) {
        Progress *progress = *state;
        ReportedPhase ended = {};

        progress_begin_stop(progress);
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 3));
        assert_int_equal(progress_set_phase(progress, "drain", AT(1), &ended), 0);
        assert_string_equal(ended.name, ""); /* written only when one ends */
        assert_string_equal(progress->present->name, "drain");
        assert_int_equal(progress->n_of_stop, 0);

        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 1));
        assert_int_equal(progress_set_phase(progress, "database close", AT(3), &ended), 1);
        assert_string_equal(ended.name, "drain");
        assert_true(ended.is_of_stop);
        assert_false(ended.is_timed_out);
        assert_int_equal(ended.began_at_usec, AT(1));
        assert_int_equal(ended.ended_at_usec, AT(3));
        assert_active(ended.active_at_start, ACTIVE_GATEWAY, 3);
        assert_active(ended.active_at_end, ACTIVE_GATEWAY, 1);

        assert_string_equal(progress->present->name, "database close");
        assert_int_equal(progress->present->began_at_usec, AT(3));
        assert_active(progress->present->active_at_start, ACTIVE_GATEWAY, 1);
        assert_int_equal(progress->n_ended, 1);
        assert_int_equal(progress->n_of_stop, 1);
        assert_memory_equal(&progress->ended[0], &ended, sizeof(ended));
        assert_int_equal(progress->generation, 4);
}

static void test_progress_phase_empty_name_only_ends_it(void **state) {
        Progress *progress = *state;
        ReportedPhase ended;

        progress_begin_stop(progress);
        set_phase(progress, "drain", AT(1), 0);
        assert_int_equal(progress_set_phase(progress, "", AT(2), &ended), 1);
        assert_string_equal(ended.name, "drain");
        assert_int_equal(ended.ended_at_usec, AT(2));
        assert_active(ended.active_at_start, ACTIVE_UNKNOWN, 0);
        assert_active(ended.active_at_end, ACTIVE_UNKNOWN, 0);
        assert_null(progress->present);
        assert_int_equal(progress->generation, 2);

        set_phase(progress, "", AT(3), 0);
        assert_int_equal(progress->generation, 2);
        assert_int_equal(progress->n_of_stop, 1);
        set_phase(progress, "drain", AT(4), 0);
        assert_int_equal(progress->present->began_at_usec, AT(4));
}

static void test_progress_phase_same_name_changes_nothing(void **state) {
        Progress *progress = *state;

        progress_begin_stop(progress);
        set_phase(progress, "drain", AT(1), 0);
        progress_time_out(progress);
        set_phase(progress, "drain", AT(2), 0);
        assert_int_equal(progress->present->began_at_usec, AT(1));
        assert_true(progress->present->is_timed_out);
        assert_int_equal(progress->n_of_stop, 0);
        assert_int_equal(progress->generation, 1);
}

static void test_progress_phase_no_name_is_refused(void **state) {
        static const char *const names[] = { "a\nb", "\x1b[0m", "\x7f", "\xc2\x9b", "\xff",
                "a\xc3" };
        Progress *progress = *state;
        char name[STEP_NAME_MAX + 2] = "";
        ReportedPhase ended = {};

        progress_begin_stop(progress);
        memset(name, 'x', STEP_NAME_MAX);
        set_phase(progress, name, AT(1), 0);
        assert_string_equal(progress->present->name, name);

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_int_equal(progress_set_phase(progress, names[i], AT(2), &ended), -EINVAL);
        name[STEP_NAME_MAX] = 'x';
        assert_int_equal(progress_set_phase(progress, name, AT(2), &ended), -EINVAL);

        assert_string_equal(ended.name, "");
        assert_int_equal(strlen(progress->present->name), STEP_NAME_MAX);
        assert_int_equal(progress->present->began_at_usec, AT(1));
        assert_int_equal(progress->generation, 1);
}

static void test_progress_phase_timed_out_marks_the_present_one(void **state) {
        Progress *progress = *state;

        progress_begin_stop(progress);
        progress_time_out(progress);
        set_phase(progress, "before", AT(1), 0);
        set_phase(progress, "drain", AT(2), 1);
        progress_time_out(progress);
        progress_time_out(progress);
        set_phase(progress, "after", AT(3), 1);
        set_phase(progress, "", AT(4), 1);

        assert_int_equal(progress->n_ended, 3);
        assert_string_equal(progress->ended[1].name, "drain");
        for (size_t i = 0; i < progress->n_ended; i++)
                assert_int_equal(progress->ended[i].is_timed_out, i == 1);
}

static void test_progress_phase_before_the_stop_is_told_of_and_not_kept(void **state) {
        Progress *progress = *state;
        ReportedPhase ended;

        set_phase(progress, "start", AT(1), 0);
        assert_int_equal(progress_set_phase(progress, "serve", AT(2), &ended), 1);
        assert_string_equal(ended.name, "start");
        assert_false(ended.is_of_stop);
        assert_int_equal(progress->n_of_stop, 0);
        assert_int_equal(progress->n_ended, 0);

        /* What ends during the stop is of it, whenever it began. */
        progress_begin_stop(progress);
        assert_int_equal(progress_set_phase(progress, "drain", AT(3), &ended), 1);
        assert_string_equal(ended.name, "serve");
        assert_true(ended.is_of_stop);
        assert_int_equal(ended.began_at_usec, AT(2));
        assert_int_equal(progress->n_of_stop, 1);
        assert_string_equal(progress->ended[0].name, "serve");
}

static void test_progress_phase_keeps_the_source_it_began_with(void **state) {
        Progress *progress = *state;
        ReportedPhase ended;

        progress_begin_stop(progress);
        assert_true(progress_set_active(progress, ACTIVE_SOCKETS, 12));
        set_phase(progress, "drain", AT(1), 0);
        assert_true(progress_set_active(progress, ACTIVE_GATEWAY, 3));
        assert_int_equal(progress_set_phase(progress, "", AT(2), &ended), 1);
        assert_active(ended.active_at_start, ACTIVE_SOCKETS, 12);
        assert_active(ended.active_at_end, ACTIVE_GATEWAY, 3);
}

static void test_progress_phase_more_than_are_kept_are_counted(void **state) {
        const size_t n_phases = REPORTED_PHASES_MAX + 10;
        Progress *progress = *state;
        ReportedPhase ended;
        char name[32];

        progress_begin_stop(progress);
        for (size_t i = 0; i < n_phases; i++) {
                (void) snprintf(name, sizeof(name), "phase %zu", i);
                assert_int_equal(progress_set_phase(progress, name, AT(i), &ended), i > 0);
                if (i > 0)
                        assert_int_equal(ended.began_at_usec, AT(i - 1));
        }
        set_phase(progress, "", AT(n_phases), 1);

        assert_int_equal(progress->n_of_stop, n_phases);
        assert_int_equal(progress->n_ended, REPORTED_PHASES_MAX);
        for (size_t i = 0; i < progress->n_ended; i++) {
                (void) snprintf(name, sizeof(name), "phase %zu", i);
                assert_string_equal(progress->ended[i].name, name);
                assert_int_equal(progress->ended[i].ended_at_usec, AT(i + 1));
        }
}

static void test_progress_done_leaves_an_empty_one(void **state) {
        Progress *progress = *state;

        progress_begin_stop(progress);
        set_phase(progress, "drain", AT(1), 0);
        set_phase(progress, "close", AT(2), 1);
        progress_done(progress);
        assert_null(progress->present);
        assert_null(progress->ended);
        assert_int_equal(progress->n_ended, 0);
        progress_done(progress);
        progress_done(NULL);
}

#define progress_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                progress_test(test_progress_nothing_said_knows_nothing),
                cmocka_unit_test(test_active_source_known_ones_are_named),
                progress_test(test_progress_active_gateway_overrules_sockets),
                progress_test(test_progress_active_zero_of_either_source_is_a_number),
                progress_test(test_progress_active_at_stop_known_is_taken_at_the_beginning),
                progress_test(test_progress_active_at_stop_unknown_is_taken_with_the_first_number),
                progress_test(
                        test_progress_active_at_stop_same_number_of_the_gateway_replaces_sockets),
                progress_test(test_progress_phase_next_one_ends_it),
                progress_test(test_progress_phase_empty_name_only_ends_it),
                progress_test(test_progress_phase_same_name_changes_nothing),
                progress_test(test_progress_phase_no_name_is_refused),
                progress_test(test_progress_phase_timed_out_marks_the_present_one),
                progress_test(test_progress_phase_before_the_stop_is_told_of_and_not_kept),
                progress_test(test_progress_phase_keeps_the_source_it_began_with),
                progress_test(test_progress_phase_more_than_are_kept_are_counted),
                progress_test(test_progress_done_leaves_an_empty_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
