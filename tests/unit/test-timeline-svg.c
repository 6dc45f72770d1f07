/* SPDX-License-Identifier: MIT */

/* What stands in the file: everything that it needs and nothing that it does not, whatever the records said. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story-fixture.h"

static const char *svg(void) {
        return story_fixture_write(timeline_write_svg);
}

static size_t count(const char *text, const char *piece) {
        size_t n = 0;

        for (; (text = strstr(text, piece)); text += strlen(piece))
                n++;
        return n;
}

/* Every attribute that is a place or a length: digits and one point. */
static void assert_numbers_are_numbers(const char *text) {
        static const char *const names[] = { " x=\"", " y=\"", " x1=\"", " x2=\"", " y1=\"",
                " y2=\"", " cx=\"", " cy=\"", " r=\"", " width=\"", " height=\"" };
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                for (const char *at = text; (at = strstr(at, names[i])); n++) {
                        at += strlen(names[i]);
                        assert_true(strspn(at, "0123456789.") > 0);
                        assert_int_equal(at[strspn(at, "0123456789.")], '"');
                }
        assert_true(n > 10);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf\""));
        assert_null(strstr(text, "inf "));
}

static void assert_is_self_contained(const char *text) {
        static const char *const bad[] = { "<script", "<image", "<foreignObject", "<use", "href",
                "@import", "@font-face", "src=", "javascript:", " onload", "<!ENTITY",
                "<!DOCTYPE" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_null(strstr(text, bad[i]));
        /* Only the namespace's name. */
        assert_int_equal(count(text, "http"), 1);
        for (const char *at = text; (at = strstr(at, "url(")); at++)
                assert_int_equal(at[4], '#');
}

static void test_svg_without_items_says_so(void **state) {
        const char *text = svg();

        assert_non_null(strstr(text, "The journal has nothing about the course of this stop"));
        assert_numbers_are_numbers(text);
        assert_is_self_contained(text);
}

static void test_svg_of_a_killed_stop_has_heading_bars_and_names(void **state) {
        static const char *const pieces[] = {
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ", "role=\"img\"",
                "aria-label=\"Timeline of the stop of hermes.service on gw1: killed, cause stop\"",
                "<title>hermes.service on gw1: killed, cause stop</title>", "<desc>",
                "prefers-color-scheme:dark", "class=\"title\"", "gw1 \u00b7 ",
                "systemctl(812) by root", "systemd was asked to stop the unit by systemctl(812)",
                ">killed</text>", "Stop schedule", "Gateway\u2019s phases", "Steps", "drain bound",
                "stroke-dasharray", "<tspan class=\"name\">disconnect slack</tspan> 1min 15.14s",
                "<tspan class=\"name\">kill</tspan> 150ms",
                "<title>+23ms cause: stop: systemd was asked to stop the unit; asked for by ",
                "systemctl(812) &lt; bash(640) (gatewatch)</title>",
                "<title>+75", /* not so: minutes */
        };
        const char *text;

        story_fixture_fill();
        text = svg();
        for (size_t i = 0; i < ELEMENTSOF(pieces) - 1; i++)
                if (!strstr(text, pieces[i]))
                        fail_msg("it does not contain %s", pieces[i]);
        assert_null(strstr(text, pieces[ELEMENTSOF(pieces) - 1]));
        assert_int_equal(count(text, "<g class=\"span\">"), 10);
        assert_int_equal(count(text, "<g class=\"flag\">"), 9);
        assert_int_equal(count(text, "<svg "), 1);
        assert_numbers_are_numbers(text);
        assert_is_self_contained(text);
}

/* Colour is not the only one to say it. */
static void test_svg_tones_differ_in_shape(void **state) {
        const char *text;

        (void) story_fixture_add(STORY_STEP, TONE_GOOD, 0, 900000, "good", NULL);
        assert_int_equal(count(svg(), "class=\"hatch\""), 0);
        (void) story_fixture_add(STORY_STEP, TONE_WARNING, 0, 900000, "warning", NULL);
        /* The bar, and its key in the legend. */
        assert_int_equal(count(svg(), "fill=\"url(#gw-warning-1)\""), 2);
        (void) story_fixture_add(STORY_STEP, TONE_BAD, 0, 900000, "bad", NULL);
        text = svg();
        assert_int_equal(count(text, "fill=\"url(#gw-bad-1)\""), 2);
        assert_int_equal(count(text, "class=\"hatch\""), 4);
        assert_int_equal(count(text, "<circle"), 0);
        (void) story_fixture_add(STORY_NOTE, TONE_PLAIN, 0, 0, "plain", NULL);
        (void) story_fixture_add(STORY_NOTE, TONE_WARNING, 500000, 500000, "warning", NULL);
        text = svg();
        assert_int_equal(count(text, "<circle"), 1);
        assert_int_equal(count(text, "rotate(45 "), 1);
}

static const char *const hostile[] = {
        "</script><script>alert(1)</script>",
        "]]><b>&amp;\"'",
        "--><!--",
        "\x1b[31mred\x07\x9b",
        "\xff\xfe\xc0\xaf\xed\xa0\x80",
        "a\xe2\x80\xaetxt\xe2\x80\x8b",
        "url(http://x/) @import 'x' href=\"x\"",
        "\xef\xbf\xbf\xc2\x80",
        "%s%n%d",
        "",
};

static void test_svg_of_hostile_strings_stays_svg(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++) {
                const char *text;

                assert_int_equal(story_fixture_teardown(state), 0);
                assert_int_equal(story_fixture_setup(state), 0);
                story_fixture_fill();
                story_fixture_stop.unit = story_fixture_stop.host = hostile[i];
                story_fixture_stop.cause_word = story_fixture_stop.cause_detail = hostile[i];
                story_fixture_stop.outcome = _OUTCOME_INVALID;
                story_fixture_stop.outcome_word = hostile[i];
                story_fixture_stop.requester.comm = story_fixture_stop.requester.user = hostile[i];
                (void) story_fixture_add(
                        STORY_STEP, TONE_BAD, 76000000, 76500000, hostile[i], hostile[i]);
                (void) story_fixture_add(
                        STORY_SYSTEMD, TONE_BAD, 76000000, 76000000, hostile[i], hostile[i]);
                text = svg();
                assert_numbers_are_numbers(text);
                assert_null(strstr(text, "<script"));
                assert_null(strstr(text, "<b>"));
                assert_null(strstr(text, "<!--"));
                assert_null(strstr(text, "href=\""));
                assert_null(strchr(text, 0x1b));
                assert_null(strstr(text, "\xe2\x80\xae"));
                assert_null(strstr(text, "\xef\xbf\xbf"));
                assert_int_equal(count(text, "<svg "), 1);
        }
}

static void test_svg_of_any_span_has_finite_numbers(void **state) {
        static const struct {
                int64_t begin_usec, end_usec;
        } rows[] = { { 0, 0 }, { INT64_MIN, INT64_MAX }, { -1, 1 }, { 5, -5 } };

        story_fixture_fill();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                story_fixture.begin_usec = rows[i].begin_usec;
                story_fixture.end_usec = rows[i].end_usec;
                story_fixture_stop.drain_usec = i % 2 ? UINT64_MAX - 1 : 0;
                assert_numbers_are_numbers(svg());
        }
        /* A span that ends before it begins. */
        (void) story_fixture_add(STORY_STEP, TONE_PLAIN, 5000, -5000, "backwards", NULL);
        assert_numbers_are_numbers(svg());
}

static void test_svg_of_2000_items_says_what_is_left_out(void **state) {
        const char *text;

        for (int64_t i = 0; i < STORY_ITEMS_MAX; i++)
                (void) story_fixture_add(
                        STORY_STEP, TONE_GOOD, i * 1000, i * 1000 + 500000, "a step", NULL);
        story_fixture.n_left_out = 7;
        text = svg();
        assert_non_null(strstr(text, "1947 more are not drawn"));
        assert_int_equal(count(text, "<g class=\"span\">"), 60);
        assert_true(strlen(text) < 100000);
}

static void test_svg_bound_beyond_the_axis_is_told(void **state) {
        story_fixture_stop.drain_usec = 60 * USEC_PER_SEC;
        (void) story_fixture_add(STORY_PHASE, TONE_GOOD, 0, 400000, "drain", NULL);
        assert_non_null(strstr(svg(), "Drain bound +1min, beyond this axis"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_svg_without_items_says_so, story_fixture_setup,
                        story_fixture_teardown),
                cmocka_unit_test_setup_teardown(
                        test_svg_of_a_killed_stop_has_heading_bars_and_names, story_fixture_setup,
                        story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_svg_tones_differ_in_shape, story_fixture_setup,
                        story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_svg_of_hostile_strings_stays_svg,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_svg_of_any_span_has_finite_numbers,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_svg_of_2000_items_says_what_is_left_out,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_svg_bound_beyond_the_axis_is_told,
                        story_fixture_setup, story_fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
