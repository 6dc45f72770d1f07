/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/timeline-layout.h"
#include "story-fixture.h"

#define SEC(n) ((int64_t) ((n) * (double) USEC_PER_SEC))

static TimelineLayout layout;

static int layout_teardown(void **state) {
        timeline_layout_done(&layout);
        return story_fixture_teardown(state);
}

#define layout_test(function) \
        cmocka_unit_test_setup_teardown(function, story_fixture_setup, layout_teardown)

static void compute(unsigned n_columns) {
        timeline_layout_done(&layout);
        assert_int_equal(timeline_layout_compute(&story_fixture, n_columns, &layout), 0);
        assert_int_equal(layout.n_columns, n_columns);
}

/* ---- Times as text ---------------------------------------------------------------------------- */

static const struct {
        int64_t usec;
        const char *offset, *duration;
} time_rows[] = {
        { 0, "+0.00s", "0.00s" },
        { 9999, "+0.00s", "0.00s" },
        { -9999, "+0.00s", "0.00s" },
        { -10000, "-0.01s", "0.01s" },
        { 8020000, "+8.02s", "8.02s" },
        { 60000000, "+60.00s", "60.00s" },
        { 119999999, "+119.99s", "119.99s" },
        { 120000000, "+2min", "2min" },
        { -123500000, "-2min 3s", "2min 3s" },
        { 3600000000, "+1h", "1h" },
        { -7230000000, "-2h", "2h" },
        { 7290000000, "+2h 1min", "2h 1min" },
        { -266400000000, "-3d 2h", "3d 2h" },
        { -2764800000000, "-32d", "32d" },
        { 10000000000000, "+115d", "115d" },
};

static void test_timeline_format_rows(void **state) {
        char text[TIMELINE_OFFSET_MAX];

        for (size_t i = 0; i < ELEMENTSOF(time_rows); i++) {
                assert_string_equal(
                        timeline_format_offset(text, time_rows[i].usec), time_rows[i].offset);
                assert_string_equal(
                        timeline_format_duration(text, time_rows[i].usec), time_rows[i].duration);
        }
        assert_true(strlen(timeline_format_offset(text, INT64_MIN)) < TIMELINE_OFFSET_MAX);
        assert_true(strlen(timeline_format_offset(text, INT64_MAX)) < TIMELINE_OFFSET_MAX);
}

/* ---- Ticks ------------------------------------------------------------------------------------ */

static const struct {
        int64_t begin_usec, end_usec;
        unsigned n_columns;
        const char *ticks; /* "column:label " */
} tick_rows[] = {
        { 0, SEC(10), 50, "0:0 10:2s 20:4s 30:6s 40:8s 49:10s " },
        { 0, SEC(10), 49, "0:0 24:5s 48:10s " },
        { SEC(-1), SEC(9), 100,
                "0:-1s 10:0 20:1s 30:2s 40:3s 50:4s 60:5s 70:6s 80:7s 90:8s 99:9s " },
        { SEC(-0.4), SEC(1.6), 60, "12:0 27:0.5s 42:1.0s 57:1.5s " },
        { 0, 50000, 60, "0:0 12:0.01s 24:0.02s 36:0.03s 48:0.04s 59:0.05s " },
        { 0, 5000, 30, "0:0 12:0.002s 24:0.004s " }, { 0, 500, 30, "0:0 12:200us 24:400us " },
        { 0, SEC(70), 40, "0:0 11:20s 22:40s 34:1min " },
        { 0, SEC(300), 40, "0:0 16:2min 32:4min " }, { 0, SEC(150), 40, "0:0 16:1min 32:2min " },
        { 0, SEC(7200), 50, "0:0 25:1h 49:2h " },
        { 0, SEC(86400 * 3), 40, "0:0 13:1d 26:2d 39:3d " },
        { 0, 0, 40, "0:0 20:0.5s 39:1.0s " }, /* as a second */
        { 0, SEC(10), 9, "0:0 " },            /* room for one label */
        { 0, SEC(1e10), 20, "" },             /* beyond what is counted */
};

static void test_timeline_layout_ticks_rows(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(tick_rows); i++) {
                char text[512] = "";

                story_fixture.begin_usec = tick_rows[i].begin_usec;
                story_fixture.end_usec = tick_rows[i].end_usec;
                compute(tick_rows[i].n_columns);
                for (size_t j = 0; j < layout.n_ticks; j++)
                        (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u:%s ",
                                layout.ticks[j].column, layout.ticks[j].label);
                assert_string_equal(text, tick_rows[i].ticks);
        }
}

/* ---- Places ----------------------------------------------------------------------------------- */

static const struct {
        int64_t begin_usec, end_usec;
        unsigned begin, end; /* of 20 columns, on an axis from -2 s to 8 s */
} place_rows[] = {
        { SEC(-2), SEC(8), 0, 160 },
        { SEC(0), SEC(5), 32, 112 },
        { SEC(0), SEC(0.5), 32, 40 },
        { SEC(0), SEC(0.6), 32, 41 },   /* ends at an eighth */
        { SEC(0.4), SEC(1.2), 32, 51 }, /* begins with its column */
        { SEC(0), SEC(0.001), 32, 40 }, /* one column at least */
        { SEC(7.99), SEC(8), 152, 160 },
        { SEC(-60), SEC(1), 0, 48 }, /* began before the axis */
        { SEC(1), SEC(60), 48, 160 },
};

static void test_timeline_layout_span_rows(void **state) {
        StoryItem *item = story_fixture_add(STORY_PHASE, TONE_PLAIN, 0, 1, "drain", NULL);

        story_fixture.begin_usec = SEC(-2);
        story_fixture.end_usec = SEC(8);
        for (size_t i = 0; i < ELEMENTSOF(place_rows); i++) {
                item->begin_usec = place_rows[i].begin_usec;
                item->end_usec = place_rows[i].end_usec;
                compute(20);
                assert_int_equal(layout.n_rows, 1);
                assert_true(layout.rows[0].is_span);
                assert_ptr_equal(layout.places[0].item, item);
                assert_int_equal(layout.places[0].begin, place_rows[i].begin);
                assert_int_equal(layout.places[0].end, place_rows[i].end);
        }
}

static void test_timeline_layout_instant_is_one_column(void **state) {
        (void) story_fixture_add(STORY_SIGNAL, TONE_PLAIN, 0, 0, "SIGTERM", NULL);
        (void) story_fixture_add(STORY_STOPPED, TONE_BAD, SEC(10), SEC(10), "stopped", NULL);
        compute(10);
        assert_int_equal(layout.n_rows, 2);
        assert_false(layout.rows[0].is_span);
        assert_int_equal(layout.places[0].begin, 0);
        assert_int_equal(layout.places[0].end, 8);
        assert_int_equal(layout.places[1].begin, 72);
        assert_int_equal(layout.places[1].end, 80);
        assert_int_equal(layout.rows[1].tone, TONE_BAD);
}

static void test_timeline_layout_kinds_of_text_have_no_row(void **state) {
        (void) story_fixture_add(STORY_CAUSE, TONE_PLAIN, 0, 0, "cause", NULL);
        (void) story_fixture_add(STORY_NOTE, TONE_PLAIN, 0, 0, "diagnostic", NULL);
        (void) story_fixture_add(STORY_LOG, TONE_PLAIN, 0, 0, "log", NULL);
        compute(10);
        assert_int_equal(layout.n_rows, 0);
        assert_int_equal(layout.n_left_out, 0);
}

static void test_timeline_layout_systemd_shares_a_row(void **state) {
        (void) story_fixture_add(STORY_SYSTEMD, TONE_PLAIN, 0, 0, "job", NULL);
        (void) story_fixture_add(STORY_PHASE, TONE_PLAIN, 0, SEC(8), "drain", NULL);
        (void) story_fixture_add(STORY_SYSTEMD, TONE_WARNING, SEC(8), SEC(8), "result", NULL);
        (void) story_fixture_add(STORY_SYSTEMD, TONE_PLAIN, SEC(10), SEC(10), "job", NULL);
        compute(10);
        assert_int_equal(layout.n_rows, 2);
        assert_string_equal(layout.rows[0].label, "systemd");
        assert_int_equal(layout.rows[0].n, 3);
        assert_int_equal(layout.rows[0].tone, TONE_WARNING);
        assert_int_equal(layout.places[layout.rows[0].first + 1].begin, 64);
        assert_string_equal(layout.rows[1].label, "drain");
        assert_int_equal(layout.rows[1].n, 1);
}

static void test_timeline_layout_off_the_axis_has_no_row(void **state) {
        const StoryItem *before =
                story_fixture_add(STORY_STARTED, TONE_PLAIN, SEC(-100), SEC(-100), "started", NULL);
        const StoryItem *after =
                story_fixture_add(STORY_COREDUMP, TONE_BAD, SEC(100), SEC(100), "coredump", NULL);

        story_fixture.begin_usec = SEC(-1);
        story_fixture.end_usec = SEC(10);
        assert_false(timeline_layout_shows(&story_fixture, before));
        assert_false(timeline_layout_shows(&story_fixture, after));
        compute(10);
        assert_int_equal(layout.n_rows, 0);
}

/* ---- Too many --------------------------------------------------------------------------------- */

static void test_timeline_layout_too_many_leaves_out_the_shortest(void **state) {
        (void) story_fixture_add(STORY_SIGNAL, TONE_PLAIN, 0, 0, "SIGTERM", NULL);
        for (int i = 0; i < 2000; i++)
                (void) story_fixture_add(STORY_STEP, TONE_PLAIN, 0, 1000 + i, "step", NULL);
        (void) story_fixture_add(STORY_STEP, TONE_WARNING, 0, 10, "late", NULL);
        (void) story_fixture_add(STORY_PHASE, TONE_PLAIN, 0, 10, "drain", NULL);
        compute(40);
        assert_int_equal(layout.n_rows, TIMELINE_ROWS_MAX);
        assert_int_equal(layout.n_left_out, 2003 - TIMELINE_ROWS_MAX);
        assert_string_equal(layout.rows[0].label, "SIGTERM");
        assert_string_equal(layout.rows[TIMELINE_ROWS_MAX - 2].label, "late");
        assert_string_equal(layout.rows[TIMELINE_ROWS_MAX - 1].label, "drain");
        for (size_t i = 1; i < TIMELINE_ROWS_MAX - 2; i++)
                assert_int_equal(layout.places[layout.rows[i].first].item->end_usec,
                        1000 + 2000 - (TIMELINE_ROWS_MAX - 3) + (int) i - 1);
}

static void test_timeline_layout_too_many_of_one_length_keeps_the_first(void **state) {
        for (int i = 0; i < 500; i++)
                (void) story_fixture_add(STORY_STEP, TONE_WARNING, i, 1000 + i, "step", NULL);
        compute(40);
        assert_int_equal(layout.n_rows, TIMELINE_ROWS_MAX);
        for (size_t i = 0; i < TIMELINE_ROWS_MAX; i++)
                assert_ptr_equal(layout.places[layout.rows[i].first].item, &story_fixture.items[i]);
}

/* ---- Any story -------------------------------------------------------------------------------- */

static uint64_t seed = 20251121;

static uint64_t random_below(uint64_t n) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (seed >> 24) % n;
}

static int64_t random_time(void) {
        static const int64_t scales[] = { 1, 1000, 1000000, 1000000000, INT64_C(1) << 60 };
        const int64_t scale = scales[random_below(ELEMENTSOF(scales))];

        return (int64_t) random_below((uint64_t) (2 * scale) + 1) - scale;
}

static void random_story(void) {
        const size_t n = random_below(20) == 0 ? 150 + random_below(200) : random_below(12);

        for (size_t i = 0; i < story_fixture.n_items; i++) {
                free(story_fixture.items[i].label);
                free(story_fixture.items[i].source);
        }
        story_fixture.n_items = 0;
        for (size_t i = 0; i < n; i++) {
                const int64_t begin_usec = random_time();
                int64_t end_usec = random_below(2) ? begin_usec : random_time();

                if (end_usec < begin_usec)
                        end_usec = begin_usec;
                (void) story_fixture_add((StoryKind) random_below(_STORY_KIND_MAX),
                        (StoryTone) random_below(_STORY_TONE_MAX), begin_usec, end_usec, "x", NULL);
        }
        story_fixture.begin_usec = -(int64_t) random_below((uint64_t) 1 << random_below(60));
        story_fixture.end_usec = (int64_t) random_below((uint64_t) 1 << random_below(60));
}

static void check_ticks(void) {
        for (size_t i = 0; i < layout.n_ticks; i++) {
                const TimelineTick *tick = &layout.ticks[i];

                assert_true(tick->column < layout.n_columns);
                assert_true(tick->usec >= story_fixture.begin_usec);
                assert_true(tick->label[0] != '\0');
                /* The last column takes what would lie behind it. */
                assert_true(i == 0 || tick->column + 2 >= tick[-1].column + TIMELINE_TICK_ROOM);
                assert_true(i == 0 || tick->usec > tick[-1].usec);
        }
}

static void check_places(void) {
        size_t n = 0;

        for (size_t i = 0; i < layout.n_rows; i++) {
                const TimelineRow *row = &layout.rows[i];

                assert_true(row->n > 0);
                assert_true(row->first + row->n <= layout.n_places);
                n += row->n;
                for (size_t j = row->first; j < row->first + row->n; j++) {
                        const TimelinePlace *place = &layout.places[j];

                        assert_int_equal(place->begin % TIMELINE_EIGHTHS, 0);
                        assert_true(place->end >= place->begin + TIMELINE_EIGHTHS);
                        assert_true(place->end <= layout.n_columns * TIMELINE_EIGHTHS);
                        assert_true(row->tone >= place->item->tone);
                }
        }
        assert_true(layout.n_left_out > 0 || n == layout.n_places);
        assert_true(layout.n_rows <= TIMELINE_ROWS_MAX);
}

/* What began earlier lies no further right, what ended earlier ends no further right. */
static void check_order(void) {
        for (size_t i = 0; i < layout.n_places; i++)
                for (size_t j = 0; j < layout.n_places && layout.n_places < 50; j++) {
                        const TimelinePlace *a = &layout.places[i], *b = &layout.places[j];

                        if (a->item->begin_usec <= b->item->begin_usec)
                                assert_true(a->begin <= b->begin);
                        if (a->item->begin_usec <= b->item->begin_usec &&
                                a->item->end_usec <= b->item->end_usec)
                                assert_true(a->end <= b->end);
                }
}

static void test_timeline_layout_random_stories_keep_order_and_axis(void **state) {
        for (unsigned n = 0; n < 10000; n++) {
                random_story();
                compute(1 + (unsigned) random_below(250));
                check_ticks();
                check_places();
                check_order();
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_timeline_format_rows),
                layout_test(test_timeline_layout_ticks_rows),
                layout_test(test_timeline_layout_span_rows),
                layout_test(test_timeline_layout_instant_is_one_column),
                layout_test(test_timeline_layout_kinds_of_text_have_no_row),
                layout_test(test_timeline_layout_systemd_shares_a_row),
                layout_test(test_timeline_layout_off_the_axis_has_no_row),
                layout_test(test_timeline_layout_too_many_leaves_out_the_shortest),
                layout_test(test_timeline_layout_too_many_of_one_length_keeps_the_first),
                layout_test(test_timeline_layout_random_stories_keep_order_and_axis),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
