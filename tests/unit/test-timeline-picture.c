/* SPDX-License-Identifier: MIT */

/* The geometry: whatever a story holds, everything lies on the sheet, no label lies on another one or on a pole, and
 * what is not drawn is counted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/timeline-picture.h"
#include "story-fixture.h"

static Picture *picture;

static int setup(void **state) {
        return story_fixture_setup(state);
}

static int teardown(void **state) {
        picture = picture_free(picture);
        return story_fixture_teardown(state);
}

static void place(void) {
        picture = picture_free(picture);
        picture = picture_new(&story_fixture);
        assert_non_null(picture);
}

static int cut_width(const char *text, PictureCut cut, bool is_bold) {
        return picture_text_width(text, cut.size, PICTURE_FONT, is_bold) +
                (cut.is_cut ? PICTURE_FONT : 0);
}

static int flag_end(const PictureFlag *flag) {
        const char *name = flag->item ? flag->item->label : "drain bound";
        int end = flag->x + PICTURE_FLAG_PAD +
                picture_text_width(flag->time, SIZE_MAX, PICTURE_FONT, false) +
                cut_width(name, flag->name, true);

        if (flag->said.size > 0)
                end += cut_width(flag->text, flag->said, false);
        return end;
}

static int bar_end(const PictureBar *bar) {
        const int label = bar->label_x + cut_width(bar->item->label, bar->name, true) +
                picture_text_width(bar->time, SIZE_MAX, PICTURE_FONT, false);
        const int end = bar->x + bar->width;

        return label > end ? label : end;
}

static void assert_flags_are_apart(void) {
        for (size_t i = 0; i < picture->n_flags; i++)
                for (size_t k = 0; k < picture->n_flags; k++) {
                        const PictureFlag *label = &picture->flags[i], *pole = &picture->flags[k];

                        if (i == k || pole->x < label->x || pole->x > flag_end(label))
                                continue;
                        /* The other one's pole is under this label: it has to be lower than it. */
                        if (pole->x > label->x)
                                assert_true(pole->row < label->row);
                        assert_int_not_equal(pole->row, label->row);
                }
}

static void assert_bars_are_apart(void) {
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++)
                for (size_t i = 0; i < picture->lanes[lane].n; i++)
                        for (size_t k = i + 1; k < picture->lanes[lane].n; k++) {
                                const PictureBar *a = &picture->lanes[lane].bars[i];
                                const PictureBar *b = &picture->lanes[lane].bars[k];

                                assert_true(a->row != b->row || bar_end(a) < b->x);
                        }
}

static void assert_all_is_on_the_sheet(void) {
        assert_in_range(picture->right, PICTURE_LEFT + 1, PICTURE_EDGE);
        assert_in_range(picture->origin_x, PICTURE_LEFT, picture->right);
        if (picture->bound_x != -1)
                assert_in_range(picture->bound_x, PICTURE_LEFT, picture->right);
        for (size_t i = 0; i < picture->n_ticks; i++)
                assert_in_range(picture->ticks[i].x, PICTURE_LEFT, picture->right);
        for (size_t i = 0; i < picture->n_dots; i++)
                assert_in_range(picture->dots[i].x, PICTURE_LEFT, picture->right);
        for (size_t i = 0; i < picture->n_logs; i++)
                assert_in_range(picture->logs[i].x, PICTURE_LEFT, picture->right);
        for (size_t i = 0; i < picture->n_flags; i++)
                assert_in_range(flag_end(&picture->flags[i]), PICTURE_LEFT, PICTURE_EDGE);
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++)
                for (size_t i = 0; i < picture->lanes[lane].n; i++) {
                        const PictureBar *bar = &picture->lanes[lane].bars[i];

                        assert_in_range(bar->x, PICTURE_LEFT, picture->right);
                        assert_true(bar->width > 0);
                        assert_in_range(bar_end(bar), PICTURE_LEFT, PICTURE_EDGE);
                        assert_true(bar->row < picture->lanes[lane].n_rows);
                }
}

static void assert_picture_is_sound(void) {
        assert_true(picture->end_usec > picture->begin_usec);
        assert_all_is_on_the_sheet();
        assert_flags_are_apart();
        assert_bars_are_apart();
}

/* ---- Text ------------------------------------------------------------------------------------- */

static void test_picture_format_offset_shows_three_digits(void **state) {
        static const struct {
                int64_t usec;
                const char *text;
        } rows[] = {
                { 0, "+0s" },
                { 1, "+1us" },
                { 999, "+999us" },
                { 42100, "+42ms" },
                { 1420000, "+1.42s" },
                { 9999999, "+9.99s" },
                { 31400000, "+31.4s" },
                { 60000000, "+1min" },
                { 75140000, "+1min 15.14s" },
                { 7320400000, "+2h 2min" },
                { -3000, "\u22123ms" },
                { -41443000000, "\u221211h 30min 43s" },
        };
        char text[PICTURE_TIME_MAX];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(picture_format_offset(text, rows[i].usec), rows[i].text);
        assert_true(strlen(picture_format_offset(text, INT64_MIN)) < PICTURE_TIME_MAX);
        assert_true(strlen(picture_format_offset(text, INT64_MAX)) < PICTURE_TIME_MAX);
}

static void test_picture_text_fit_keeps_whole_characters_of_one_line(void **state) {
        const char *text = "gr\xc3\xbc\xc3\x9f dich";
        const int whole = picture_text_width(text, SIZE_MAX, PICTURE_FONT, false);

        for (int width = 0; width < whole + 20; width++) {
                const PictureCut cut = picture_text_fit(text, width, PICTURE_FONT, false);

                assert_int_equal(cut.is_cut, width < whole);
                assert_true(cut.is_cut || cut.size == strlen(text));
                assert_int_not_equal(cut.size, 3); /* in the middle of a character */
                assert_int_not_equal(cut.size, 5);
                if (cut.size > 0)
                        assert_true(cut_width(text, cut, false) <= width);
        }
        assert_int_equal(picture_text_fit("one\ntwo", 5000, PICTURE_FONT, false).size, 3);
        assert_true(picture_text_fit("one\ntwo", 5000, PICTURE_FONT, false).is_cut);
        /* What is no UTF-8 has a width as well. */
        assert_true(picture_text_width("\xff\xff", SIZE_MAX, PICTURE_FONT, false) > 0);
}

/* ---- The axis --------------------------------------------------------------------------------- */

static const struct {
        int64_t begin_usec, end_usec;
} spans[] = {
        { 0, 0 },
        { 0, 1 },
        { 0, 999 },
        { -1, 1000 },
        { 0, 413000 },
        { -3000, 2940000 },
        { -1000000, 75230000 },
        { 0, INT64_C(600000000) },
        { -INT64_C(86400000000), INT64_C(3600000000) },
        { 0, INT64_C(31557600000000) },
        { INT64_MIN, INT64_MAX },
        { INT64_MIN, 0 },
        { 0, INT64_MAX },
};

static void test_picture_ticks_are_few_and_apart_at_any_span(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(spans); i++) {
                story_fixture.begin_usec = spans[i].begin_usec;
                story_fixture.end_usec = spans[i].end_usec;
                place();
                assert_picture_is_sound();
                assert_in_range(picture->n_ticks, 3, 16);
                for (size_t k = 1; k < picture->n_ticks; k++)
                        assert_true(
                                picture->ticks[k].x - picture->ticks[k - 1].x > 60 * PICTURE_PX);
        }
}

static void test_picture_ticks_of_a_minute_are_ten_seconds(void **state) {
        story_fixture.end_usec = 75230000;
        place();
        assert_true(picture->n_ticks == 8);
        assert_string_equal(picture->ticks[0].label, "0");
        assert_string_equal(picture->ticks[1].label, "+10s");
        assert_string_equal(picture->ticks[7].label, "+1min 10s");
}

static void test_picture_ticks_of_a_fraction_have_no_zeros(void **state) {
        story_fixture.begin_usec = -200000;
        story_fixture.end_usec = 1520000;
        place();
        assert_int_equal(picture->n_ticks, 9);
        assert_string_equal(picture->ticks[0].label, "\u2212200ms");
        assert_string_equal(picture->ticks[1].label, "0");
        assert_string_equal(picture->ticks[6].label, "+1s");
        assert_string_equal(picture->ticks[7].label, "+1.2s");
        story_fixture.begin_usec = 0;
        story_fixture.end_usec = 1800;
        place();
        assert_int_equal(picture->n_ticks, 10);
        assert_string_equal(picture->ticks[4].label, "+800us");
        assert_string_equal(picture->ticks[6].label, "+1.2ms");
}

static void test_picture_bound_near_the_end_widens_the_axis(void **state) {
        static const struct {
                usec_t drain_usec, total_usec;
                int64_t end_usec;
                bool is_drawn, is_beyond;
        } rows[] = {
                { 60000000, 75000000, 75000000, true, false },
                { 60000000, 50000000, 60000000, true, false },
                { 60000000, 400000, 400000, false, true },
                { USEC_INFINITY, 400000, 400000, false, false },
                { 60000000, 0, 60000000, false, false }, /* nobody asked for a stop */
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                story_fixture.end_usec =
                        (int64_t) (rows[i].total_usec > 0 ? rows[i].total_usec : 60000000);
                story_fixture_stop.drain_usec = rows[i].drain_usec;
                story_fixture_stop.total_usec = rows[i].total_usec;
                place();
                assert_true(picture->end_usec == rows[i].end_usec);
                assert_int_equal(picture->bound_x >= 0, rows[i].is_drawn);
                assert_int_equal(picture->beyond_usec != USEC_INFINITY, rows[i].is_beyond);
                assert_int_equal(picture->n_flags, rows[i].is_drawn);
        }
}

/* ---- Items ------------------------------------------------------------------------------------ */

static void test_picture_of_a_killed_stop_shows_all_of_it(void **state) {
        story_fixture_fill();
        place();
        assert_picture_is_sound();
        assert_int_equal(picture->lanes[LANE_PHASES].n, 4);
        assert_int_equal(picture->lanes[LANE_GATEWAY_PHASES].n, 2);
        assert_int_equal(picture->lanes[LANE_STEPS].n, 4);
        assert_int_equal(picture->n_flags, 9); /* with the bound */
        assert_int_equal(picture->n_logs, 3);
        assert_int_equal(picture->n_left_out, 0);
        assert_int_equal(picture->n_unnamed, 0);
        /* Phases go down like stairs. */
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(picture->lanes[LANE_PHASES].bars[i].row, i);
        assert_true(picture->lanes[LANE_PHASES].bars[0].is_label_inside);
        assert_false(picture->lanes[LANE_PHASES].bars[3].is_label_inside);
}

static void test_picture_of_one_instant_stacks_its_labels(void **state) {
        for (size_t i = 0; i < 10; i++)
                (void) story_fixture_add(STORY_NOTE, TONE_PLAIN, 1000, 1000, "note", "a sentence");
        story_fixture.end_usec = 2000;
        place();
        assert_picture_is_sound();
        assert_int_equal(picture->n_flag_rows, 10);
        /* The first stands on top. */
        assert_ptr_equal(picture->flags[9].item, &story_fixture.items[0]);
        assert_int_equal(picture->flags[9].row, 9);
}

static void test_picture_flag_leaves_out_the_unit_before_its_text(void **state) {
        static const char *const rows[][2] = {
                { "hermes.service: Failed with result 'timeout'.",
                        "Failed with result 'timeout'." },
                { "hermes.service", "hermes.service" },
                { "hermes.services: no", "hermes.services: no" },
                { "Stopped hermes.service.", "Stopped hermes.service." },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                (void) story_fixture_add(STORY_SYSTEMD, TONE_PLAIN, 0, 0, "systemd", rows[i][0]);
        place();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(picture->flags[ELEMENTSOF(rows) - 1 - i].text, rows[i][1]);
        story_fixture_stop.unit = NULL;
        place();
        assert_string_equal(picture->flags[3].text, rows[0][0]);
}

static void test_picture_beyond_the_axis_keeps_instants_and_counts_spans(void **state) {
        (void) story_fixture_add(STORY_STARTED, TONE_PLAIN, -5000000, -5000000, "started", NULL);
        (void) story_fixture_add(
                STORY_GATEWAY_PHASE, TONE_PLAIN, -5000000, -4000000, "starting", NULL);
        (void) story_fixture_add(STORY_STEP, TONE_PLAIN, -5000000, 500000, "long", NULL);
        (void) story_fixture_add(STORY_SYSTEMD, TONE_PLAIN, 9000000, 9000000, "job", NULL);
        story_fixture.begin_usec = 0;
        story_fixture.end_usec = 1000000;
        place();
        assert_picture_is_sound();
        assert_int_equal(picture->n_dots, 2);
        assert_int_equal(picture->dots[0].beyond, -1);
        assert_int_equal(picture->dots[0].x, PICTURE_LEFT);
        assert_int_equal(picture->dots[1].beyond, 1);
        assert_int_equal(picture->dots[1].x, picture->right);
        assert_int_equal(picture->lanes[LANE_GATEWAY_PHASES].n, 0);
        assert_int_equal(picture->n_left_out, 1);
        assert_int_equal(picture->lanes[LANE_STEPS].bars[0].x, PICTURE_LEFT);
}

/* A fixed sequence, the same everywhere. */
static uint32_t next_random(uint32_t *seed) {
        *seed = *seed * 1664525U + 1013904223U;
        return *seed >> 8;
}

static void test_picture_of_2000_items_chooses_the_worst_and_counts_the_others(void **state) {
        uint32_t seed = 7;
        size_t n_bad = 0, n_drawn_bad = 0, n_bars = 0;
        int64_t at_usec = 0;

        for (size_t i = 0; i < STORY_ITEMS_MAX; i++) {
                const bool is_step = next_random(&seed) % 2;
                const StoryTone tone =
                        is_step && next_random(&seed) % 40 == 0 ? TONE_BAD : TONE_GOOD;

                at_usec += next_random(&seed) % 60000;
                n_bad += tone == TONE_BAD;
                (void) story_fixture_add(is_step ? STORY_STEP : STORY_NOTE, tone, at_usec,
                        at_usec + (is_step ? 1 + next_random(&seed) % 5000000 : 0), "an item",
                        NULL);
                n_bars += is_step;
        }
        story_fixture.n_left_out = 5;
        place();
        assert_picture_is_sound();
        assert_int_equal(picture->lanes[LANE_STEPS].n, PICTURE_LANE_BARS_MAX);
        for (size_t i = 0; i < PICTURE_LANE_BARS_MAX; i++)
                n_drawn_bad += picture->lanes[LANE_STEPS].bars[i].item->tone == TONE_BAD;
        assert_int_equal(n_drawn_bad, n_bad);
        assert_in_range(n_bad, 5, PICTURE_LANE_BARS_MAX - 1);
        assert_int_equal(picture->n_left_out, 5 + n_bars - PICTURE_LANE_BARS_MAX);
        assert_int_equal(picture->n_unnamed, STORY_ITEMS_MAX - n_bars - PICTURE_FLAGS_MAX);
}

static int compare_items(const void *a, const void *b) {
        const StoryItem *x = a, *y = b;

        return (x->begin_usec > y->begin_usec) - (x->begin_usec < y->begin_usec);
}

/* Any story at all: times of any size and order of magnitude, labels of any length. */
static void test_picture_of_random_stories_is_sound(void **state) {
        uint32_t seed = 1;

        for (size_t round = 0; round < 300; round++) {
                const size_t n = next_random(&seed) % 120;
                const unsigned magnitude = next_random(&seed) % 62;

                assert_int_equal(story_fixture_teardown(state), 0);
                assert_int_equal(story_fixture_setup(state), 0);
                for (size_t i = 0; i < n; i++) {
                        const uint64_t mask = (UINT64_C(1) << (magnitude + 1)) - 1;
                        const uint64_t random = (uint64_t) next_random(&seed) << 40 ^
                                (uint64_t) next_random(&seed) << 20 ^ next_random(&seed);
                        const int64_t begin_usec = (int64_t) (random & mask) - (int64_t) (mask / 4);
                        char label[120] = "";

                        memset(label, i % 3 ? 'a' : 'W', next_random(&seed) % 119);
                        (void) story_fixture_add(next_random(&seed) % _STORY_KIND_MAX,
                                next_random(&seed) % _STORY_TONE_MAX, begin_usec,
                                begin_usec +
                                        (next_random(&seed) % 2) * (next_random(&seed) % 5000000),
                                label, i % 2 ? "a text that says more than the label does" : NULL);
                }
                qsort(story_fixture.items, n, sizeof(StoryItem), compare_items);
                story_fixture_stop.drain_usec =
                        next_random(&seed) % 3 ? next_random(&seed) : USEC_INFINITY;
                place();
                assert_picture_is_sound();
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        test_picture_format_offset_shows_three_digits, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_text_fit_keeps_whole_characters_of_one_line, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_ticks_are_few_and_apart_at_any_span, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_ticks_of_a_minute_are_ten_seconds, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_ticks_of_a_fraction_have_no_zeros, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_bound_near_the_end_widens_the_axis, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_of_a_killed_stop_shows_all_of_it, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_of_one_instant_stacks_its_labels, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_flag_leaves_out_the_unit_before_its_text, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_beyond_the_axis_keeps_instants_and_counts_spans, setup,
                        teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_of_2000_items_chooses_the_worst_and_counts_the_others, setup,
                        teardown),
                cmocka_unit_test_setup_teardown(
                        test_picture_of_random_stories_is_sound, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
