/* SPDX-License-Identifier: MIT */

/* Pictures for a terminal: three stops as they are to look, and what holds of any. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "story-fixture.h"
#include "text-wrap.h"
#include "utf8.h"

#define SEC(n) ((int64_t) ((n) * (double) USEC_PER_SEC))

#define timeline_test(function) \
        cmocka_unit_test_setup_teardown(function, story_fixture_setup, story_fixture_teardown)

static TimelineOptions options;

static int print_with_options(FILE *file, const StopStory *story) {
        return timeline_print(file, story, &options);
}

static const char *print(unsigned width, bool is_ascii, bool has_colour) {
        options = (TimelineOptions){
                .width = width, .is_ascii = is_ascii, .has_colour = has_colour, .is_utc = true
        };
        return story_fixture_write(print_with_options);
}

/* ---- Three stops ------------------------------------------------------------------------------ */

/* A stop in which all went well. */
static void fill_clean(void) {
        story_fixture_stop.outcome = OUTCOME_CLEAN;
        story_fixture_stop.outcome_word = "clean";
        story_fixture_stop.cause_detail = "systemd was asked to stop the unit";
        story_fixture_stop.exit_code = "exited";
        story_fixture_stop.exit_status = "0";
        story_fixture_stop.uptime_usec = 74 * USEC_PER_HOUR;
        story_fixture_stop.total_usec = 1500 * USEC_PER_MSEC;
        story_fixture_stop.drain_usec = 60 * USEC_PER_SEC;
        story_fixture_stop.drain_used_usec = 1500 * USEC_PER_MSEC;
        story_fixture_stop.timeout_stop_usec = 90 * USEC_PER_SEC;
        (void) story_fixture_add(STORY_STARTED, TONE_PLAIN, SEC(-266400), SEC(-266400), "started",
                "Gateway hermes started as pid 813 (drain 1min, headroom 30s)");
        story_fixture.begin_usec = 0;
        (void) story_fixture_add(
                STORY_SYSTEMD, TONE_PLAIN, -3000, -3000, "systemd", "Stopping hermes.service...");
        (void) story_fixture_add(
                STORY_SIGNAL, TONE_PLAIN, 0, 0, "SIGTERM", "from the service manager");
        (void) story_fixture_add(
                STORY_PHASE, TONE_PLAIN, 0, SEC(1.5), "drain", "SIGTERM; active 3 -> 0");
        (void) story_fixture_add(
                STORY_STEP, TONE_PLAIN, 10000, SEC(1.2), "disconnect telegram", NULL);
        (void) story_fixture_add(STORY_CAUSE, TONE_PLAIN, 23000, 23000, "cause", "stop: asked");
        (void) story_fixture_add(STORY_LOG, TONE_PLAIN, SEC(1.4), SEC(1.4), "log", "bye");
        (void) story_fixture_add(STORY_STOPPED, TONE_GOOD, SEC(1.52), SEC(1.52), "stopped",
                "Gateway hermes stopped (stop): clean, exit status 0, 1.5s after it was asked to");
}

/* An end that nobody asked for: there is no picture, for all happened at once. */
static void fill_crash(void) {
        story_fixture_stop.cause = CAUSE_CRASH;
        story_fixture_stop.cause_word = "crash";
        story_fixture_stop.cause_detail = "it died by SIGSEGV";
        story_fixture_stop.outcome = OUTCOME_CRASHED;
        story_fixture_stop.outcome_word = "crashed";
        story_fixture_stop.exit_code = "dumped";
        story_fixture_stop.exit_status = "SIGSEGV";
        story_fixture_stop.total_usec = 0;
        story_fixture_stop.uptime_usec = 90 * USEC_PER_SEC;
        (void) story_fixture_add(STORY_STARTED, TONE_PLAIN, SEC(-90), SEC(-90), "started",
                "Gateway hermes started as pid 813");
        story_fixture.begin_usec = 0;
        (void) story_fixture_add(STORY_COREDUMP, TONE_BAD, -2000, -2000, "coredump",
                "Process 813 (python3) of user 990 dumped core.\n\n"
                "Module libfoo.so without build-id.\n"
                "Stack trace of thread 813:\n"
                "#0  0x00007f1d2a4a9e2c n/a (libc.so.6 + 0x8ae2c)\n"
                "#1  0x0000000000401136 main (hermes + 0x1136)\n");
        (void) story_fixture_add(STORY_STOPPED, TONE_BAD, 0, 0, "stopped",
                "Gateway hermes ended by itself (crash): crashed, dumped by SIGSEGV");
        story_fixture.begin_usec = -2000;
}

static void fill_killed(void) {
        story_fixture_fill();
        story_fixture.begin_usec = -3000;
}

#include "timeline-golden.h"

static void assert_picture(const char *picture, const char *golden) {
        if (strcmp(picture, golden) != 0)
                print_message("expected:\n%s\nis:\n%s\n", golden, picture);
        assert_string_equal(picture, golden);
}

static void test_timeline_clean_stop_looks_like_this(void **state) {
        fill_clean();
        assert_picture(print(80, /* is_ascii= */ false, /* has_colour= */ false), golden_clean);
        assert_picture(
                print(80, /* is_ascii= */ true, /* has_colour= */ false), golden_clean_ascii);
        assert_picture(
                print(80, /* is_ascii= */ false, /* has_colour= */ true), golden_clean_colour);
}

static void test_timeline_killed_stop_looks_like_this(void **state) {
        fill_killed();
        assert_picture(print(80, /* is_ascii= */ false, /* has_colour= */ false), golden_killed);
        assert_picture(print(80, /* is_ascii= */ true, /* has_colour= */ true),
                golden_killed_ascii_colour);
        assert_picture(
                print(120, /* is_ascii= */ false, /* has_colour= */ false), golden_killed_wide);
        assert_picture(
                print(40, /* is_ascii= */ true, /* has_colour= */ false), golden_killed_narrow);
}

static void test_timeline_crash_looks_like_this(void **state) {
        fill_crash();
        assert_picture(print(80, /* is_ascii= */ false, /* has_colour= */ false), golden_crash);
        assert_picture(
                print(80, /* is_ascii= */ true, /* has_colour= */ false), golden_crash_ascii);
        assert_picture(
                print(80, /* is_ascii= */ false, /* has_colour= */ true), golden_crash_colour);
}

/* ---- Any stop --------------------------------------------------------------------------------- */

/* Colours take no columns; nothing else begins with ESC, and no other control character is there. */
static void assert_lines_fit(const char *picture, size_t width, bool is_ascii) {
        size_t column = 0;

        for (const char *at = picture; *at;) {
                const size_t size = utf8_sequence_size(at, strlen(at));

                assert_true(size > 0);
                assert_true(!is_ascii || size == 1);
                if (*at == '\033') {
                        at += strcspn(at, "m") + 1;
                        continue;
                }
                assert_true(*at == '\n' || !utf8_is_control(at, size));
                column = *at == '\n' ? 0 : column + 1;
                assert_true(width == 0 || column <= width);
                at += size;
        }
        assert_int_equal(column, 0);
}

/* Takes the colours out. */
static char *strip(const char *picture) {
        char *text = strdup(picture), *end = text;

        assert_non_null(text);
        for (const char *at = text; *at;) {
                if (*at == '\033')
                        at += strcspn(at, "m") + 1;
                else
                        *end++ = *at++;
        }
        *end = '\0';
        return text;
}

static void check_widths(void) {
        for (unsigned width = 40; width <= 250; width++)
                for (unsigned i = 0; i < 2; i++) {
                        char *coloured = strip(print(width, i == 1, /* has_colour= */ true));
                        const char *plain = print(width, i == 1, /* has_colour= */ false);
                        const int difference = strcmp(plain, coloured);

                        free(coloured);
                        assert_int_equal(difference, 0);
                        assert_lines_fit(plain, width, i == 1);
                }
}

static void test_timeline_any_width_no_line_is_longer(void **state) {
        fill_killed();
        check_widths();
}

static void test_timeline_hostile_names_stay_in_their_lines(void **state) {
        static char word[600];
        static const char hostile[] = "\033]0;title\007\033[2J\xe2\x80\xae\n\xff\xc2\x9b"
                                      "31m";

        memset(word, 'w', sizeof(word) - 1);
        fill_killed();
        story_fixture_stop.unit = hostile;
        story_fixture_stop.name = hostile;
        story_fixture_stop.host = hostile;
        story_fixture_stop.cause_word = hostile;
        story_fixture_stop.cause = _CAUSE_INVALID;
        story_fixture_stop.cause_detail = word;
        story_fixture_stop.outcome_word = hostile;
        story_fixture_stop.outcome = _OUTCOME_INVALID;
        story_fixture_stop.exit_status = hostile;
        story_fixture_stop.forgery = hostile;
        story_fixture_stop.trust = TRUST_FORGED;
        story_fixture_stop.requester = (StopParty){
                .pid = 1, .comm = hostile, .user = hostile, .cmdline = hostile, .ancestry = hostile
        };
        story_fixture_stop.drain_used_usec = UINT64_MAX - 1;
        story_fixture_stop.timeout_stop_usec = UINT64_MAX - 1;
        story_fixture_stop.total_usec = UINT64_MAX / 2;
        story_fixture_stop.uptime_usec = UINT64_MAX / 2;
        (void) story_fixture_add(
                STORY_STEP, TONE_BAD, SEC(1), SEC(2), word, "long label; and text");
        (void) story_fixture_add(
                STORY_LOG, TONE_BAD, INT64_C(1) << 60, INT64_C(1) << 60, "x", word);
        (void) story_fixture_add(
                STORY_NOTE, TONE_BAD, -(INT64_C(1) << 60), -(INT64_C(1) << 60), word, word);
        story_fixture.begin_usec = SEC(-1);
        story_fixture.end_usec = SEC(80);
        check_widths();
}

static void test_timeline_without_width_cuts_nothing(void **state) {
        const char *picture;

        fill_killed();
        picture = print(0, /* is_ascii= */ false, /* has_colour= */ false);
        assert_lines_fit(picture, 0, /* is_ascii= */ false);
        assert_null(strstr(picture, "…"));
        assert_non_null(strstr(picture,
                "\n  who      systemctl(812) by root, logged in as uid 1000: "
                "systemctl stop hermes; systemctl(812) < bash(640) < sshd(600)\n"));
}

static void test_timeline_empty_story_has_a_heading(void **state) {
        const char *picture = print(80, /* is_ascii= */ false, /* has_colour= */ false);

        assert_picture(picture,
                "hermes.service on gw1, Fri 2025-11-21 08:00:00.000000 UTC\n"
                "  cause    stop\n"
                "  outcome  killed\n");
}

static void test_timeline_two_thousand_items_says_what_it_leaves_out(void **state) {
        const char *picture;

        (void) story_fixture_add(STORY_SIGNAL, TONE_PLAIN, 0, 0, "SIGTERM", NULL);
        for (int i = 0; i < 1999; i++)
                (void) story_fixture_add(
                        STORY_STEP, TONE_PLAIN, 1000 * i, 5000000 + 2000 * i, "step", NULL);
        story_fixture.n_left_out = 17;
        picture = print(80, /* is_ascii= */ false, /* has_colour= */ false);
        assert_lines_fit(picture, 80, /* is_ascii= */ false);
        assert_non_null(strstr(picture, "\n  and 1900 shorter ones that went as planned\n"));
        assert_non_null(strstr(picture, "\n17 more records of this run are not shown\n"));
}

static void test_timeline_unrecorded_run_says_so(void **state) {
        story_fixture_stop.state = RUN_UNRECORDED;
        story_fixture_stop.outcome = _OUTCOME_INVALID;
        story_fixture_stop.outcome_word = NULL;
        story_fixture_stop.cause = _CAUSE_INVALID;
        story_fixture_stop.cause_word = NULL;
        assert_non_null(strstr(print(80, /* is_ascii= */ false, /* has_colour= */ true),
                "\n  outcome  \033[0;1;31munrecorded\033[0m\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                timeline_test(test_timeline_clean_stop_looks_like_this),
                timeline_test(test_timeline_killed_stop_looks_like_this),
                timeline_test(test_timeline_crash_looks_like_this),
                timeline_test(test_timeline_any_width_no_line_is_longer),
                timeline_test(test_timeline_hostile_names_stay_in_their_lines),
                timeline_test(test_timeline_without_width_cuts_nothing),
                timeline_test(test_timeline_empty_story_has_a_heading),
                timeline_test(test_timeline_two_thousand_items_says_what_it_leaves_out),
                timeline_test(test_timeline_unrecorded_run_says_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
