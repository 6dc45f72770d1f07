/* SPDX-License-Identifier: MIT */

/* What stands in the page: the parts that a report has, none of those that a page of strangers' text must not have,
 * and every element closed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story-fixture.h"

static int write_one(FILE *file, const StopStory *story) {
        return timeline_write_html(file, story, 1);
}

static int write_three(FILE *file, const StopStory *story) {
        const StopStory stories[] = { *story, *story, *story };

        return timeline_write_html(file, stories, ELEMENTSOF(stories));
}

static int write_none(FILE *file, const StopStory *story) {
        return timeline_write_html(file, NULL, 0);
}

static size_t count(const char *text, const char *piece) {
        size_t n = 0;

        for (; (text = strstr(text, piece)); text += strlen(piece))
                n++;
        return n;
}

/* Tags are in pairs and nested; "<" and "&" stand for nothing else. */
static void assert_is_well_formed(const char *text) {
        const char *open[64];
        size_t n_open = 0, sizes[64];

        for (const char *at = text; (at = strpbrk(at, "<&")); at++) {
                const char *name = at + 1, *end;

                if (*at == '&') {
                        end = strchr(at, ';');
                        assert_non_null(end);
                        assert_in_range(end - at, 3, 6);
                        continue;
                }
                end = strchr(at, '>');
                assert_non_null(end);
                if (*name == '!' || *name == '?' || end[-1] == '/')
                        continue;
                if (*name == '/') {
                        const size_t size = (size_t) (end - name - 1);

                        assert_true(n_open > 0);
                        n_open--;
                        assert_int_equal(sizes[n_open], size);
                        assert_memory_equal(open[n_open], name + 1, size);
                        continue;
                }
                assert_true(n_open < ELEMENTSOF(open));
                open[n_open] = name;
                sizes[n_open++] = strcspn(name, " >\n");
        }
        assert_int_equal(n_open, 0);
}

static void assert_is_safe(const char *text) {
        /* Of attributes there are only ours: what strangers write has no quotes. */
        static const char *const bad[] = { "<script", "<link", "<img", "<iframe", "<object",
                "<base", "<form", "@import", "@font-face", "<!--", "\x1b", "\xe2\x80\xae",
                "\xef\xbf\xbf" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_null(strstr(text, bad[i]));
        assert_non_null(strstr(text,
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; "));
        for (const char *at = text; (at = strstr(at, "href=\"")); at++)
                assert_memory_equal(at, "href=\"#stop-", 12);
        for (const char *at = text; (at = strstr(at, "url(")); at++)
                assert_int_equal(at[4], '#');
}

static void test_html_of_a_killed_stop_has_every_part(void **state) {
        static const char *const pieces[] = {
                "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"",
                "<meta charset=\"utf-8\"/>",
                "<meta name=\"viewport\"",
                "<title>hermes.service: killed</title>",
                "@media print",
                "prefers-color-scheme:dark",
                "<span class=\"badge bad\">killed</span>",
                "<strong>stop</strong>: systemd was asked to stop the unit by systemctl(812)",
                "<dt>Requested by</dt><dd>systemctl(812) by root, logged in as uid 1000, asked for",
                "asked for stop, in session-3.scope",
                "systemctl(812) &lt; bash(640) &lt; sshd(600)",
                "<dt>Signalled by</dt><dd>systemd(1) by root",
                "<dt>Exit</dt><dd>killed SIGKILL</dd>",
                "<dt>Drain</dt><dd>1min of 1min (100 %)</dd>",
                "<dt>Whole stop</dt><dd>1min 15.20s</dd>",
                "7 at the beginning, <strong>2 lost</strong> (gateway)",
                "<dt>Slowest step</dt><dd>disconnect slack, 1min 15.15s</dd>",
                "<svg xmlns=\"http://www.w3.org/2000/svg\"",
                "<td class=\"at\">+23ms</td>",
                "<td class=\"at\">\u22123ms</td>",
                "<pre>    +31ms  draining 7 sessions\n   +9.80s  WARNING slack",
                "<h3>The core dump\u2019s stack</h3>",
                "#0  0x00007f2a11ce4e2f __poll (libc.so.6 + 0x101e2f)\n#1 ",
                "<th scope=\"row\">GATEWATCH_DRAIN_USEC</th><td>60000000 ",
                "<th scope=\"row\">GATEWATCH_REQUESTER_CMDLINE</th><td>systemctl stop hermes</td>",
                "[{&quot;name&quot;:&quot;drain&quot;,",
        };
        const char *text;

        story_fixture_fill();
        text = story_fixture_write(write_one);
        for (size_t i = 0; i < ELEMENTSOF(pieces); i++)
                if (!strstr(text, pieces[i]))
                        fail_msg("it does not contain %s", pieces[i]);
        assert_int_equal(count(text, "<h1"), 1);
        assert_int_equal(count(text, "<svg "), 1);
        assert_int_equal(count(text, "<style>"), 1);
        assert_int_equal(count(text, "<table class=\"summary\""), 0);
        /* A line of the gateway's log is no event. */
        assert_int_equal(count(text, "draining 7 sessions"), 2);
        assert_int_equal(count(text, "<td class=\"at\">"), 18);
        assert_is_well_formed(text);
        assert_is_safe(text);
}

static void test_html_of_several_stops_has_a_table_and_links(void **state) {
        const char *text;

        story_fixture_fill();
        text = story_fixture_write(write_three);
        assert_int_equal(count(text, "<table class=\"summary\""), 1);
        assert_int_equal(count(text, "<article id=\"stop-"), 3);
        assert_int_equal(count(text, "<a href=\"#stop-"), 3);
        assert_non_null(strstr(text, "<h1>3 stops of gateways</h1>"));
        assert_int_equal(count(text, "<h1"), 1);
        /* Ids are unique, and each picture refers to its own. */
        for (unsigned i = 1; i <= 3; i++) {
                char id[64];

                (void) snprintf(id, sizeof(id), "id=\"gw-warning-%u\"", i);
                assert_int_equal(count(text, id), 1);
                (void) snprintf(id, sizeof(id), "url(#gw-warning-%u)", i);
                assert_int_equal(count(text, id), 7);
                (void) snprintf(id, sizeof(id), "<a href=\"#stop-%u\">", i);
                assert_int_equal(count(text, id), 1);
        }
        assert_int_equal(count(text, "<style>"), 1);
        assert_is_well_formed(text);
        assert_is_safe(text);
}

static void test_html_of_no_stops_is_a_page(void **state) {
        const char *text = story_fixture_write(write_none);

        assert_non_null(strstr(text, "0 stops of gateways"));
        assert_is_well_formed(text);
        assert_is_safe(text);
}

static void test_html_of_a_stop_without_items_says_so(void **state) {
        const char *text = story_fixture_write(write_one);

        assert_non_null(strstr(text, "The journal has nothing about the course of this stop."));
        assert_null(strstr(text, "<svg "));
        assert_null(strstr(text, "<pre>"));
        assert_null(strstr(text, "<dt>Drain</dt>"));
        assert_null(strstr(text, "<dt>Requested by</dt>"));
        assert_null(strstr(text, "18446744073709551615"));
        assert_null(strstr(text, "4294967295"));
        assert_null(strstr(text, "infinity"));
        assert_is_well_formed(text);
        assert_is_safe(text);
}

static void test_html_of_a_run_that_left_no_record_says_so(void **state) {
        const char *text;

        story_fixture_stop.state = RUN_UNRECORDED;
        story_fixture_stop.cause = _CAUSE_INVALID;
        story_fixture_stop.outcome = _OUTCOME_INVALID;
        story_fixture_stop.cause_word = story_fixture_stop.outcome_word = NULL;
        text = story_fixture_write(write_one);
        assert_non_null(strstr(text, "<span class=\"badge bad\">unrecorded</span>"));
        assert_non_null(strstr(text, "nobody has recorded how"));
        assert_is_well_formed(text);
}

static void test_html_tells_what_is_not_to_be_trusted(void **state) {
        assert_null(strstr(story_fixture_write(write_one), "class=\"forged\""));
        story_fixture_stop.trust = TRUST_UNVERIFIED;
        assert_non_null(strstr(
                story_fixture_write(write_one), "The journal could not see who wrote this record"));
        story_fixture_stop.trust = TRUST_FORGED;
        story_fixture_stop.forgery = "it was written by <python3>";
        assert_non_null(strstr(story_fixture_write(write_one),
                "This record is forged</strong>: it was written by &lt;python3&gt;</p>"));
        story_fixture_stop.forgery = NULL;
        assert_non_null(
                strstr(story_fixture_write(write_one), "This record is forged</strong>: it was"));
}

static const char *const hostile[] = {
        "</script><script>alert(1)</script>",
        "</pre></td></table><h1>",
        "]]><b>&amp;&\"'",
        "--><!--",
        "\x1b[31mred\x07\x9b",
        "\xff\xfe\xc0\xaf\xed\xa0\x80",
        "a\xe2\x80\xaetxt\xe2\x80\x8b",
        "\xef\xbf\xbf\xc2\x80\r\n\t",
        "\"><img src=x onerror=alert(1)>",
        "%s%n%d",
        "",
};

static void test_html_of_hostile_strings_stays_a_page(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++) {
                const char *bad = hostile[i], *text;
                PastStop *stop = &story_fixture_stop;

                assert_int_equal(story_fixture_teardown(state), 0);
                assert_int_equal(story_fixture_setup(state), 0);
                story_fixture_fill();
                stop->unit = stop->host = stop->name = stop->recorded_by = bad;
                stop->cause_word = stop->cause_detail = stop->outcome_word = bad;
                stop->cause = _CAUSE_INVALID;
                stop->outcome = _OUTCOME_INVALID;
                stop->exit_code = stop->exit_status = stop->signal = bad;
                stop->requester = (StopParty){ 812, 0, 0, bad, bad, bad, bad, bad, bad, bad };
                stop->sender = stop->requester;
                stop->phases = stop->gateway_phases = stop->steps = stop->timeline = bad;
                stop->active_source = stop->slowest_step = stop->command = bad;
                stop->service_result = stop->previous_phase = stop->forgery = bad;
                stop->trust = TRUST_FORGED;
                for (StoryKind kind = 0; kind < _STORY_KIND_MAX; kind++)
                        (void) story_fixture_add(kind, TONE_BAD, 76000000, 76500000, bad, bad);
                text = story_fixture_write(write_three);
                assert_is_well_formed(text);
                assert_is_safe(text);
                assert_null(strstr(text, "<b>"));
                assert_int_equal(count(text, "<h1"), 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_html_of_a_killed_stop_has_every_part,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_html_of_several_stops_has_a_table_and_links,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_html_of_no_stops_is_a_page,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_html_of_a_stop_without_items_says_so,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_html_of_a_run_that_left_no_record_says_so,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_html_tells_what_is_not_to_be_trusted,
                        story_fixture_setup, story_fixture_teardown),
                cmocka_unit_test_setup_teardown(test_html_of_hostile_strings_stays_a_page,
                        story_fixture_setup, story_fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
