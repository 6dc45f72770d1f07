/* SPDX-License-Identifier: MIT */

/* Past stops as rows: wide and narrow, coloured, hostile, by themselves. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report-output-fixture.h"
#include "text-wrap.h"

static const char *print_table(Fixture *fixture, ReportPrintOptions options) {
        begin(fixture);
        assert_int_equal(report_print_table(fixture->file, &fixture->list, &options), 0);
        return finish(fixture);
}

static const char *print_line(Fixture *fixture, size_t i, ReportPrintOptions options) {
        begin(fixture);
        assert_int_equal(report_print_line(fixture->file, &fixture->stops[i], &options), 0);
        return finish(fixture);
}

/* Of its longest line. */
static size_t columns_of(const char *text) {
        size_t most = 0;

        while (*text) {
                const size_t size = strcspn(text, "\n"), n = text_columns(text, size);

                most = n > most ? n : most;
                text += size + (text[size] == '\n');
        }
        return most;
}

/* ---- Whole ------------------------------------------------------------------------------------- */

static void test_report_print_table_has_a_row_a_stop_and_counts_them(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        (void) add_killed(fixture);
        assert_string_equal(print_table(fixture, (ReportPrintOptions){ .has_legend = true }),
                "WHEN                    UNIT           CAUSE BY                     OUTCOME       "
                "DRAIN    TOTAL LOST EXIT\n"
                "Fri 2025-11-21 08:00:00 hermes.service stop  systemctl(812) by root clean   1.4s / "
                "1min     1.4s    0 exited 0\n"
                "Fri 2025-11-21 08:00:00 hermes.service stop  systemctl(812) by root killed  1min / "
                "1min 1min 10s    2 killed SIGKILL\n"
                "\n"
                "2 stops: 1 clean, 1 killed\n");
}

static void test_report_print_table_of_what_is_not_known_has_dashes(void **state) {
        Fixture *fixture = *state;

        add_unknown(fixture)->unit = "a.service";
        assert_string_equal(print_table(fixture, (ReportPrintOptions){}),
                "Fri 2025-11-21 08:00:00 a.service - - - - - - -\n");
}

static void test_report_print_table_without_a_stop_asked_for_has_no_total(void **state) {
        Fixture *fixture = *state;

        add_clean(fixture)->total_usec = 0;
        assert_non_null(strstr(print_table(fixture, (ReportPrintOptions){}), " 1.4s / 1min - 0 "));
}

static void test_report_print_table_has_columns_that_are_asked_for(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        add_clean(fixture)->trust = TRUST_FORGED;

        const char *text = print_table(fixture,
                (ReportPrintOptions){ .has_legend = true, .has_host = true, .has_trust = true });
        assert_non_null(strstr(text, " HOST UNIT "));
        assert_non_null(strstr(text, " EXIT     TRUST\n"));
        assert_non_null(strstr(text, " gw1  hermes.service "));
        assert_non_null(strstr(text, " exited 0 believed\n"));
        assert_non_null(strstr(text, " exited 0 forged\n\n1 stop: 1 clean; 1 forged\n"));
}

static void test_report_print_table_counts_what_is_no_outcome(void **state) {
        Fixture *fixture = *state;

        add_clean(fixture)->state = RUN_UNRECORDED;
        add_clean(fixture)->state = RUN_RUNNING;
        add_clean(fixture)->outcome = _OUTCOME_INVALID;

        const char *text = print_table(fixture, (ReportPrintOptions){ .has_legend = true });
        assert_non_null(strstr(text, "\n2 stops: 1 other, 1 unrecorded; 1 running\n"));
        assert_non_null(strstr(text, " unrecorded "));
}

static void test_report_print_table_of_none_says_so(void **state) {
        Fixture *fixture = *state;

        assert_string_equal(
                print_table(fixture, (ReportPrintOptions){ .has_legend = true }), "0 stops\n");
        assert_string_equal(print_table(fixture, (ReportPrintOptions){}), "");
}

/* ---- Colours ----------------------------------------------------------------------------------- */

typedef struct ColourRow {
        RunState state;
        Outcome outcome;
        const char *colour; /* of the outcome; NULL: none */
} ColourRow;

static const ColourRow colour_rows[] = {
        { RUN_STOPPED, OUTCOME_CLEAN, "\033[0;32mw" },
        { RUN_STOPPED, OUTCOME_EXITED, "\033[0;32mw" },
        { RUN_STOPPED, OUTCOME_ESCALATED, "\033[0;1;33mw" },
        { RUN_STOPPED, OUTCOME_KILLED, "\033[0;1;31mw" },
        { RUN_STOPPED, OUTCOME_FAILED, "\033[0;1;31mw" },
        { RUN_STOPPED, OUTCOME_CRASHED, "\033[0;1;31mw" },
        { RUN_STOPPED, OUTCOME_LOST, "\033[0;1;31mw" },
        { RUN_STOPPED, _OUTCOME_INVALID, NULL },
        { RUN_UNRECORDED, _OUTCOME_INVALID, "\033[0;1;31munrecorded" },
        { RUN_RUNNING, _OUTCOME_INVALID, NULL },
};

static void test_report_print_colour_of_an_outcome_is_expected(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(colour_rows); i++) {
                fixture->list.n = 0;
                PastStop *stop = add_clean(fixture);

                stop->state = colour_rows[i].state;
                stop->outcome = colour_rows[i].outcome;
                stop->outcome_word = "w";
                for (int is_line = 0; is_line < 2; is_line++) {
                        ReportPrintOptions options = { .has_colour = true };
                        const char *text = is_line ? print_line(fixture, 0, options)
                                                   : print_table(fixture, options);

                        if (colour_rows[i].colour)
                                assert_non_null(strstr(text, colour_rows[i].colour));
                        else
                                assert_null(strchr(text, '\033'));
                }
        }
}

static void test_report_print_colour_marks_full_drains_and_lost_work(void **state) {
        Fixture *fixture = *state;
        PastStop *stop = add_clean(fixture);

        const char *text = print_table(fixture, (ReportPrintOptions){ .has_colour = true });
        assert_null(strstr(text, "\033[0;1;33m"));
        assert_null(strstr(text, "\033[0;1;31m"));

        stop->drain_used_usec = 54 * USEC_PER_SEC;
        stop->active_now = 2;
        text = print_table(fixture, (ReportPrintOptions){ .has_colour = true });
        assert_non_null(strstr(text, "\033[0;1;33m54s / 1min"));
        assert_non_null(strstr(text, "\033[0;1;31m2"));

        text = print_table(fixture, (ReportPrintOptions){});
        assert_null(strchr(text, '\033'));
}

/* ---- Narrow ------------------------------------------------------------------------------------ */

static void test_report_print_table_fits_80_columns(void **state) {
        Fixture *fixture = *state;

        (void) add_killed(fixture);
        add_clean(fixture)->unit = "a-gateway-with-a-long-name@instance-17.service";
        (void) add_clean(fixture);

        const char *text =
                print_table(fixture, (ReportPrintOptions){ .has_legend = true, .width = 80 });
        assert_true(columns_of(text) <= 80);
        assert_non_null(strstr(text, "\n11-21 08:00:00 "));
        assert_non_null(strstr(text, "…"));
        assert_null(strstr(text, ".service"));
}

static void test_report_print_table_cuts_the_widest_first(void **state) {
        Fixture *fixture = *state;

        add_clean(fixture)->unit = "a-gateway-with-a-long-name.service";
        const char *text = print_table(fixture, (ReportPrintOptions){ .width = 80 });
        assert_int_equal(columns_of(text), 80);
        assert_non_null(strstr(text, " a-gateway-with-a-… stop systemctl(812) by… clean "));
}

static void test_report_print_table_shortens_no_more_than_it_has_to(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        const size_t columns = columns_of(print_table(fixture, (ReportPrintOptions){}));
        assert_non_null(strstr(
                print_table(fixture, (ReportPrintOptions){ .width = (unsigned) columns }), "Fri "));
        assert_null(strstr(
                print_table(fixture, (ReportPrintOptions){ .width = (unsigned) columns - 1 }),
                "Fri "));
        assert_null(strstr(fixture->text, "…"));
}

static void test_report_print_table_in_full_cuts_nothing(void **state) {
        Fixture *fixture = *state;

        add_clean(fixture)->unit = "a-gateway-with-a-long-name@instance-17.service";
        const char *text =
                print_table(fixture, (ReportPrintOptions){ .is_full = true, .width = 40 });
        assert_non_null(strstr(text, "Fri 2025"));
        assert_non_null(strstr(text, " a-gateway-with-a-long-name@instance-17.service "));
        assert_null(strstr(text, "…"));
}

static void test_report_print_table_too_narrow_keeps_what_can_be_read(void **state) {
        Fixture *fixture = *state;

        (void) add_killed(fixture);
        const char *text = print_table(fixture, (ReportPrintOptions){ .width = 10 });
        assert_non_null(
                strstr(text, "11-21 08:00:00 hermes stop syst… killed 60/60s 70s 2 KILL\n"));
}

/* ---- By themselves ----------------------------------------------------------------------------- */

static void test_report_print_line_has_fixed_columns(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        add_clean(fixture)->unit = "a.service";
        assert_string_equal(print_line(fixture, 0, (ReportPrintOptions){}),
                "Fri 2025-11-21 08:00:00 hermes.service           stop              systemctl(812) "
                "by root       clean          1.4s / 1min     1.4s    0 exited 0\n");
        assert_string_equal(print_line(fixture, 1, (ReportPrintOptions){}),
                "Fri 2025-11-21 08:00:00 a.service                stop              systemctl(812) "
                "by root       clean          1.4s / 1min     1.4s    0 exited 0\n");
}

static void test_report_print_line_fits_80_columns(void **state) {
        Fixture *fixture = *state;

        (void) add_killed(fixture);
        const char *text = print_line(fixture, 0, (ReportPrintOptions){ .width = 80 });
        assert_true(columns_of(text) <= 80);
        assert_memory_equal(text, "11-21 08:00:00 hermes ", 22);
}

static void test_report_print_line_has_host_and_trust(void **state) {
        Fixture *fixture = *state;

        add_clean(fixture)->trust = TRUST_UNVERIFIED;
        const char *text =
                print_line(fixture, 0, (ReportPrintOptions){ .has_host = true, .has_trust = true });
        assert_non_null(strstr(text, " gw1 "));
        assert_non_null(strstr(text, " exited 0       unverified\n"));
}

/* ---- Hostile ----------------------------------------------------------------------------------- */

static void test_report_print_of_hostile_texts_has_no_control_characters(void **state) {
        Fixture *fixture = *state;

        (void) add_hostile(fixture, HOSTILE);
        const ReportPrintOptions options = {
                .has_legend = true, .has_host = true, .has_trust = true
        };

        const char *text = print_table(fixture, options);
        assert_harmless(text);
        assert_non_null(strstr(text, " " HOSTILE_CLEAN " "));
        assert_string_equal(strchr(strchr(text, '\n') + 1, '\n'), "\n\n0 stops; 1 forged\n");

        text = print_line(fixture, 0, options);
        assert_harmless(text);
        assert_int_equal(strcspn(text, "\n") + 1, strlen(text));
}

static void test_report_print_table_of_an_escaped_unit_has_its_name(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        add_clean(fixture)->unit = "gateway-a\\x2db\\x5c.service";
        const char *text = print_table(fixture, (ReportPrintOptions){ .has_legend = false });
        assert_non_null(strstr(text, " gateway-a\\x2db\\x5c.service stop "));
        assert_non_null(strstr(text, " hermes.service             stop "));
}

static void test_report_print_of_long_texts_is_cut_on_a_terminal(void **state) {
        Fixture *fixture = *state;
        static char longest[60 * 1024];

        memset(longest, 'x', sizeof(longest) - 1);
        (void) add_hostile(fixture, longest);
        fixture->stops[0].drain_usec = USEC_PER_MINUTE;
        fixture->stops[0].outcome_word = "clean";
        assert_true(columns_of(print_table(fixture, (ReportPrintOptions){ .width = 100 })) <= 100);
        assert_true(
                columns_of(print_line(fixture, 0, (ReportPrintOptions){ .width = 100 })) <= 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_report_print_table_has_a_row_a_stop_and_counts_them),
                TEST(test_report_print_table_of_what_is_not_known_has_dashes),
                TEST(test_report_print_table_without_a_stop_asked_for_has_no_total),
                TEST(test_report_print_table_has_columns_that_are_asked_for),
                TEST(test_report_print_table_counts_what_is_no_outcome),
                TEST(test_report_print_table_of_none_says_so),
                TEST(test_report_print_colour_of_an_outcome_is_expected),
                TEST(test_report_print_colour_marks_full_drains_and_lost_work),
                TEST(test_report_print_table_fits_80_columns),
                TEST(test_report_print_table_cuts_the_widest_first),
                TEST(test_report_print_table_shortens_no_more_than_it_has_to),
                TEST(test_report_print_table_in_full_cuts_nothing),
                TEST(test_report_print_table_too_narrow_keeps_what_can_be_read),
                TEST(test_report_print_line_has_fixed_columns),
                TEST(test_report_print_line_fits_80_columns),
                TEST(test_report_print_line_has_host_and_trust),
                TEST(test_report_print_of_hostile_texts_has_no_control_characters),
                TEST(test_report_print_table_of_an_escaped_unit_has_its_name),
                TEST(test_report_print_of_long_texts_is_cut_on_a_terminal),
#undef TEST
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
