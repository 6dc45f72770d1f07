/* SPDX-License-Identifier: MIT */

/* What --stats and --by= show: for people, for programs, and whatever the gateways name their steps. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/report-output.h"
#include "statistics-fixture.h"
#include "text-wrap.h"
#include "utf8.h"

#define TERMINAL                                                \
        (ReportPrintOptions) {                                  \
                .has_legend = true, .is_utc = true, .width = 80 \
        }

typedef int (*Printer)(FILE *file, const Statistics *statistics, const ReportPrintOptions *options);

static const char *print(
        Fixture *fixture, Printer printer, StatisticsBy by, ReportPrintOptions options) {
        compute(fixture, by);
        free(TAKE_PTR(fixture->text));
        fixture->file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(fixture->file);
        assert_int_equal(printer(fixture->file, &fixture->statistics, &options), 0);
        fclosep(&fixture->file);
        fixture->file = NULL;
        return fixture->text;
}

static const char *print_page(Fixture *fixture, ReportPrintOptions options) {
        return print(fixture, statistics_print, STATISTICS_BY_UNIT, options);
}

static int print_short(
        FILE *file, const Statistics *statistics, const ReportPrintOptions *options) {
        (void) options;
        return statistics_print_json(file, statistics, JSON_SHORT);
}

static void add_month(Fixture *fixture) {
        for (size_t i = 0; i < 40; i++) {
                PastStop *stop = add_drain(fixture, SECONDS(i + 1) / 2, SECONDS(60));

                stop->realtime_usec = FIRST_USEC + i * 12 * USEC_PER_HOUR;
                stop->headroom_usec = SECONDS(30);
                stop->timeout_stop_usec = SECONDS(90);
                stop->requester.pid = 7;
                stop->requester.comm = "systemctl";
                stop->requester.user = i < 30 ? "alice" : "bob";
                stop->phases = "[{\"name\":\"drain\",\"usec\":2000000,\"timed_out\":false}]";
                stop->steps =
                        "[{\"name\":\"disconnect telegram\",\"usec\":1300000,\"end\":\"late\"}]";
        }
        fixture->list.stops[3].cause = CAUSE_CRASH;
        fixture->list.stops[3].outcome = OUTCOME_CRASHED;
        fixture->list.stops[7].cause = CAUSE_CRASH;
        fixture->list.stops[7].outcome = OUTCOME_LOST;
}

/* ---- The page ---------------------------------------------------------------------------------- */

static void test_statistics_print_page_is_complete(void **state) {
        Fixture *fixture = *state;

        add_month(fixture);
        assert_string_equal(print_page(fixture, TERMINAL),
                "hermes.service (alpha)  40 stops, 2026-11-01 … 2026-11-20\n"
                "\n"
                "Outcomes\n"
                "  clean                 38  95.0%  ██████████████████████████████████████████▊\n"
                "  crashed                1   2.5%  █▏\n"
                "  lost                   1   2.5%  █▏\n"
                "\n"
                "Causes\n"
                "  restart               38  95.0%  ██████████████████████████████████████████▊\n"
                "  crash                  2   5.0%  ██▎\n"
                "\n"
                "Drain\n"
                "  38 drains, allowed 1min, headroom 30s, TimeoutStopSec 90s\n"
                "  p50  10.5s                17.5%  ███████▉\n"
                "  p90  18.5s                30.8%  █████████████▉\n"
                "  p99  20s                  33.3%  ███████████████\n"
                "  max  20s                  33.3%  ███████████████\n"
                "  at most 33.3% of what each was allowed; 0 of 38 above 90%\n"
                "  how many took up to\n"
                "  ≤ 500ms                1   2.6%  ██▎\n"
                "  ≤ 1s                   1   2.6%  ██▎\n"
                "  ≤ 2.5s                 2   5.3%  ████▌\n"
                "  ≤ 5s                   4  10.5%  █████████\n"
                "  ≤ 10s                 10  26.3%  ██████████████████████▌\n"
                "  ≤ 30s                 20  52.6%  █████████████████████████████████████████████\n"
                "\n"
                "Phases                  n       mean        max      total   late\n"
                "  drain                40         2s         2s   1min 20s      0  █████████████\n"
                "\n"
                "Steps                      n       mean        max      total   late\n"
                "  disconnect telegram     40       1.3s       1.3s        52s     40  ██████████\n"
                "\n"
                "By whom\n"
                "  systemctl by alice    30  75.0%  █████████████████████████████████▊\n"
                "  systemctl by bob      10  25.0%  ███████████▎\n"
                "\n"
                "Forced kills           1   2.5% of all stops\n"
                "Unexplained ends       2   5.0%, mean time between them 2d\n"
                "\n"
                "Recommendation\n"
                "  The longest of 38 drains took 20s (of fewer than 100 that is the p99), and\n"
                "  none was cut; a fifth is added. Nothing to change: 1min is allowed, and\n"
                "  systemd waits long enough for it.\n");
}

static void test_statistics_print_of_cut_drains_says_what_to_write(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 30; i++)
                (void) add_drain(fixture, SECONDS(60), SECONDS(60));
        fixture->list.stops[0].outcome = OUTCOME_LOST;
        fixture->list.stops[0].service_result = "timeout";
        const char *text = print_page(fixture, TERMINAL);
        assert_non_null(strstr(text, "  p50  ≥ 1min              100.0%"));
        assert_non_null(strstr(text, "\n  1 more lost when TimeoutStopSec had passed\n"));
        assert_non_null(strstr(text, "\n  29 were cut at the bound and would have taken longer\n"));
        assert_non_null(strstr(text,
                "\nRecommendation\n  --drain-timeout=90s\n  TimeoutStopSec=2min\n  30 of 30 "));
}

static void test_statistics_print_of_a_drain_in_several_units_is_one_word(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 30; i++)
                (void) add_drain(fixture, SECONDS(4000), SECONDS(4000));
        assert_non_null(strstr(print_page(fixture, TERMINAL),
                "  --drain-timeout=1h45min\n  TimeoutStopSec=1h 45min 30s\n"));
}

static void test_statistics_print_of_one_stop_leaves_empty_sections_out(void **state) {
        Fixture *fixture = *state;

        (void) add_stop(fixture);
        assert_string_equal(print_page(fixture, TERMINAL),
                "hermes.service (alpha)  1 stop, 2026-11-01\n"
                "\n"
                "Outcomes\n"
                "  clean                  1 100.0%  █████████████████████████████████████████████\n"
                "\n"
                "Causes\n"
                "  restart                1 100.0%  █████████████████████████████████████████████\n"
                "\n"
                "Drain\n"
                "  0 drains\n"
                "\n"
                "Forced kills           0   0.0% of all stops\n"
                "Unexplained ends       0   0.0%\n"
                "\n"
                "Recommendation\n"
                "  None: 0 drains were seen; 20 more are needed.\n");
}

static void test_statistics_print_of_unrecorded_stops_says_so(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 3; i++) {
                PastStop *stop = add_stop(fixture);

                stop->state = RUN_UNRECORDED;
                stop->cause = CAUSE_UNKNOWN;
                stop->outcome = _OUTCOME_INVALID;
        }
        const char *text = print_page(fixture, TERMINAL);
        assert_non_null(strstr(text, "\n  unrecorded             3 100.0%  █"));
        assert_non_null(strstr(text, "\n  unknown                3 100.0%  █"));
        assert_non_null(
                strstr(text, "\nUnexplained ends       3 100.0%, mean time between them 1h\n"));
}

static void test_statistics_print_by_cause_has_no_recommendation(void **state) {
        Fixture *fixture = *state;

        add_month(fixture);
        const char *text = print(fixture, statistics_print, STATISTICS_BY_CAUSE, TERMINAL);
        assert_memory_equal(text, "restart  40 stops, ", strlen("restart  40 stops, "));
        assert_null(strstr(text, "Recommendation"));
}

static void test_statistics_print_of_several_groups_has_a_page_each(void **state) {
        Fixture *fixture = *state;

        (void) add_stop(fixture);
        add_stop(fixture)->host = "beta";
        const char *text = print_page(fixture, TERMINAL);
        const char *second = strstr(text, "needed.\n\n\nhermes.service (beta)  1 stop, ");
        assert_memory_equal(text, "hermes.service (alpha)  1 stop, ", 32);
        assert_non_null(second);
        fixture->list.n = 0;
        assert_string_equal(print_page(fixture, TERMINAL), "");
}

/* ---- Width, locale, colour --------------------------------------------------------------------- */

static size_t widest_line(const char *text) {
        size_t widest = 0;

        for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
                const size_t columns = text_columns(text, strcspn(text, "\n"));

                widest = columns > widest ? columns : widest;
        }
        return widest;
}

static void test_statistics_print_keeps_to_the_width(void **state) {
        static const unsigned widths[] = { 60, 72, 80, 100, 132, 160 };
        Fixture *fixture = *state;

        add_month(fixture);
        fixture->list.stops[0].steps =
                "[{\"name\":\"a step with a name that is longer than what any terminal has, and "
                "so it is cut somewhere, also when it is as wide as this text is\",\"usec\":1}]";
        fixture->list.stops[1].requester.comm =
                "a tool with a name that is longer than it can be in the kernel's own tables";
        for (size_t i = 0; i < ELEMENTSOF(widths); i++)
                for (size_t j = 0; j < 2; j++) {
                        ReportPrintOptions options = TERMINAL;

                        options.width = widths[i];
                        options.is_ascii = j;
                        const size_t widest = widest_line(print_page(fixture, options));
                        assert_true(widest <= widths[i]);
                        assert_true(widest == widths[i] || widths[i] < 80);
                }
}

static void test_statistics_print_in_another_locale_is_ascii(void **state) {
        Fixture *fixture = *state;
        ReportPrintOptions options = TERMINAL;

        add_month(fixture);
        options.is_ascii = true;
        for (size_t i = 0; i < 40; i++) {
                fixture->list.stops[i].steps = "[{\"name\":\"träge\",\"usec\":1}]";
                fixture->list.stops[i].host = "höst\xff";
        }
        const char *text = print_page(fixture, options);
        assert_int_equal(strspn(text,
                                 "\n !\"#$%&'()*+,-./0123456789:;<=>?"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]_abcdefghijklmnopqrstuvwxyz"),
                strlen(text));
        assert_non_null(
                strstr(text, "hermes.service (h?st?)  40 stops, 2026-11-01 ... 2026-11-20"));
        assert_non_null(strstr(text, "\n  tr?ge "));
        assert_non_null(strstr(text, "95.0%  ####"));
        assert_non_null(strstr(text, "\n  <= 2.5s "));
}

static void test_statistics_print_in_colour_marks_outcomes(void **state) {
        Fixture *fixture = *state;
        ReportPrintOptions options = TERMINAL;

        add_month(fixture);
        fixture->list.stops[1].outcome = OUTCOME_ESCALATED;
        options.has_colour = true;
        const char *text = print_page(fixture, options);
        assert_non_null(strstr(text, "\033[0;32mclean\033[0m"));
        assert_non_null(strstr(text, "\033[0;1;33mescalated\033[0m"));
        assert_non_null(strstr(text, "\033[0;1;31mlost\033[0m"));
        assert_non_null(strstr(text, "\033[0;1;33mdisconnect telegram\033[0m"));
        assert_null(strstr(print_page(fixture, TERMINAL), "\033"));
}

static void test_statistics_print_of_many_names_is_short_unless_full(void **state) {
        enum { NAMES = 30, SIZE = 64 };
        Fixture *fixture = *state;
        ReportPrintOptions options = TERMINAL;

        fixture->names = calloc(NAMES, SIZE);
        assert_non_null(fixture->names);
        for (size_t i = 0; i < NAMES; i++) {
                char *text = fixture->names + i * SIZE;

                (void) snprintf(text, SIZE, "[{\"name\":\"step-%zu\",\"usec\":%zu}]", i, i + 1);
                add_stop(fixture)->steps = text;
        }
        const char *text = print_page(fixture, options);
        assert_non_null(strstr(text, "\n  … and 20 more (--full)\n"));
        assert_null(strstr(text, "step-19 "));
        options.is_full = true;
        text = print_page(fixture, options);
        assert_null(strstr(text, "--full"));
        assert_non_null(strstr(text, "\n  step-0 "));
}

/* ---- Strangers --------------------------------------------------------------------------------- */

static void add_hostile(Fixture *fixture) {
        PastStop *stop = add_stop(fixture);

        stop->unit = "a\033]0;x\007\n.service";
        stop->host = "h\x9bost\xc2\x9b\t";
        stop->cause = _CAUSE_INVALID;
        stop->cause_word = "c\033[2J\xff";
        stop->outcome = _OUTCOME_INVALID;
        stop->requester.pid = 1;
        stop->requester.comm = "comm\033[31m\r";
        stop->requester.user = "u\x80";
        stop->phases = "[{\"name\":\"p\\u001b[1m\\n\\u009b\",\"usec\":1,\"timed_out\":true}]";
        stop->gateway_phases = "[{\"name\":\"\\u0007\",\"usec\":9223372036854775806}]";
        stop->steps = "[{\"name\":\"\\u001b\",\"usec\":9223372036854775806},"
                      "{\"name\":\"\\u001b\",\"usec\":9223372036854775806},"
                      "{\"name\":\"\\u001b\",\"usec\":9223372036854775806}]";
}

static void assert_harmless(const char *text) {
        assert_true(utf8_is_valid(text));
        for (const char *c = text; *c;) {
                const size_t size = utf8_sequence_size(c, strlen(c));

                assert_true(*c == '\n' || !utf8_is_control(c, size));
                c += size;
        }
}

static void test_statistics_print_of_hostile_names_gives_no_orders(void **state) {
        Fixture *fixture = *state;

        add_hostile(fixture);
        for (StatisticsBy by = 0; by < _STATISTICS_BY_MAX; by++) {
                assert_harmless(print(fixture, statistics_print, by, TERMINAL));
                assert_true(widest_line(fixture->text) <= 80);
                assert_harmless(print(fixture, statistics_print_table, by,
                        (ReportPrintOptions){ .has_host = true, .is_full = true }));
                assert_true(utf8_is_valid(print(fixture, print_short, by, TERMINAL)));
                assert_null(strpbrk(fixture->text, "\033\007\t\r"));
        }
}

/* ---- The table --------------------------------------------------------------------------------- */

static void test_statistics_print_table_has_a_row_for_each_group(void **state) {
        Fixture *fixture = *state;
        PastStop *stop;

        add_month(fixture);
        stop = add_stop(fixture);
        stop->unit = "apollo.service";
        stop->outcome = OUTCOME_LOST;
        assert_string_equal(print(fixture, statistics_print_table, STATISTICS_BY_UNIT, TERMINAL),
                "UNIT           STOPS CLEAN FORCED UNEXPL   P50 P99 MAX ALLOWED\n"
                "apollo.service     1  0.0% 100.0%   0.0%     -   -   -       -\n"
                "hermes.service    40 95.0%   2.5%   5.0% 10.5s 20s 20s    1min\n"
                "\n"
                "2 units, 41 stops\n");

        ReportPrintOptions options = TERMINAL;
        options.has_legend = false;
        options.has_host = true;
        assert_string_equal(print(fixture, statistics_print_table, STATISTICS_BY_UNIT, options),
                "apollo.service alpha     1  0.0% 100.0%   0.0%     -   -   -       -\n"
                "hermes.service alpha    40 95.0%   2.5%   5.0% 10.5s 20s 20s    1min\n");
        assert_string_equal(print(fixture, statistics_print_table, STATISTICS_BY_HOST, TERMINAL),
                "HOST  STOPS CLEAN FORCED UNEXPL   P50 P99 MAX ALLOWED\n"
                "alpha    41 92.7%   4.9%   4.9% 10.5s 20s 20s    1min\n"
                "\n"
                "1 host, 41 stops\n");
}

static void test_statistics_print_table_of_nothing_has_a_last_line(void **state) {
        Fixture *fixture = *state;

        assert_string_equal(print(fixture, statistics_print_table, STATISTICS_BY_CAUSE, TERMINAL),
                "0 causes, 0 stops\n");
        assert_string_equal(
                print(fixture, statistics_print_table, STATISTICS_BY_CAUSE, (ReportPrintOptions){}),
                "");
}

static void test_statistics_print_table_cuts_names_to_the_width(void **state) {
        Fixture *fixture = *state;
        ReportPrintOptions options = TERMINAL;

        add_stop(fixture)->unit = "a-gateway-with-a-name-that-is-longer-than-the-table-is.service";
        assert_non_null(strstr(print(fixture, statistics_print_table, STATISTICS_BY_UNIT, options),
                "a-gateway-with-a-name-that-is-lo… "));
        assert_true(widest_line(fixture->text) <= 80);
        options.is_full = true;
        assert_non_null(strstr(print(fixture, statistics_print_table, STATISTICS_BY_UNIT, options),
                "-table-is.service "));
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static const char *const json_rows[] = {
        "[{\"by\":\"unit\",\"key\":\"hermes.service\",\"host\":\"alpha\",",
        "\"manager\":\"system\",\"stops\":40,\"first_realtime_usec\":1793491200000000,",
        "\"causes\":{\"restart\":38,\"crash\":2}",
        "\"outcomes\":{\"clean\":38,\"crashed\":1,\"lost\":1}",
        "\"forced\":1,\"unexplained\":2,\"mean_between_unexplained_usec\":172800000000,",
        "\"drain\":{\"n\":38,",
        "\"p50_usec\":10500000,\"p90_usec\":18500000,\"p99_usec\":20000000,\"max_usec\":20000000,",
        "{\"le_usec\":3600000000,\"n\":0},{\"n\":0}]}",
        "\"steps\":[{\"name\":\"disconnect telegram\",\"n\":40,\"total_usec\":52000000,"
        "\"mean_usec\":1300000,\"max_usec\":1300000,\"timed_out\":40}]",
        "\"parties\":[{\"name\":\"systemctl by alice\",\"n\":30},",
        "\"recommendation\":{\"is_given\":false,\"is_enough\":true,"
        "\"drain_timeout_usec\":60000000,\"timeout_stop_usec\":90000000,\"reason\":\"The longest ",
};

static void test_statistics_print_json_has_what_the_page_has(void **state) {
        Fixture *fixture = *state;

        add_month(fixture);
        const char *text = print(fixture, print_short, STATISTICS_BY_UNIT, TERMINAL);
        for (size_t i = 0; i < ELEMENTSOF(json_rows); i++)
                if (!strstr(text, json_rows[i]))
                        fail_msg("%s is not in %s", json_rows[i], text);
}

static void test_statistics_print_json_of_nothing_is_an_empty_array(void **state) {
        Fixture *fixture = *state;

        assert_string_equal(print(fixture, print_short, STATISTICS_BY_UNIT, TERMINAL), "[]\n");
        (void) add_stop(fixture);
        assert_null(strstr(print(fixture, print_short, STATISTICS_BY_UNIT, TERMINAL), "\"drain\""));
}

#define test_entry(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test_entry(test_statistics_print_page_is_complete),
                test_entry(test_statistics_print_of_cut_drains_says_what_to_write),
                test_entry(test_statistics_print_of_a_drain_in_several_units_is_one_word),
                test_entry(test_statistics_print_of_one_stop_leaves_empty_sections_out),
                test_entry(test_statistics_print_of_unrecorded_stops_says_so),
                test_entry(test_statistics_print_by_cause_has_no_recommendation),
                test_entry(test_statistics_print_of_several_groups_has_a_page_each),
                test_entry(test_statistics_print_keeps_to_the_width),
                test_entry(test_statistics_print_in_another_locale_is_ascii),
                test_entry(test_statistics_print_in_colour_marks_outcomes),
                test_entry(test_statistics_print_of_many_names_is_short_unless_full),
                test_entry(test_statistics_print_of_hostile_names_gives_no_orders),
                test_entry(test_statistics_print_table_has_a_row_for_each_group),
                test_entry(test_statistics_print_table_of_nothing_has_a_last_line),
                test_entry(test_statistics_print_table_cuts_names_to_the_width),
                test_entry(test_statistics_print_json_has_what_the_page_has),
                test_entry(test_statistics_print_json_of_nothing_is_an_empty_array),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
