/* SPDX-License-Identifier: MIT */

/* The command line of report: what it means, and what is refused with which line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/report-options.h"

#define WORDS_MAX 8
#define NOW_USEC  (1795276800ULL * USEC_PER_SEC) /* 2026-11-21 16:00:00 UTC */
#define RUN_ID    "0123456789abcdef0123456789abcdef"

/* words: apart by single spaces. */
static int parse(const char *words, ReportOptions *ret_options, char *reterr) {
        static char copy[512];
        static char *argv[WORDS_MAX + 2];
        int argc = 0;
        char *rest = copy, *word;

        (void) snprintf(copy, sizeof(copy), "%s", words);
        argv[argc++] = (char *) (uintptr_t) "report";
        while (argc <= WORDS_MAX && *copy && (word = strsep(&rest, " ")))
                argv[argc++] = word;
        argv[argc] = NULL;
        return report_options_parse(argc, argv, NOW_USEC, ret_options, reterr);
}

static void test_report_options_refused_names_value_and_fix(void **state _unused_) {
        static const struct {
                const char *words, *says;
        } rows[] = {
                { "-n ten", "--lines=ten is not usable: give a number of stops, or all" },
                { "-n -1", "--lines=-1 is not usable" },
                { "-n 99999999999999999999999", "is not usable" },
                { "--since=soonish", "--since=soonish is no time: give a time such as" },
                { "--until=2026-02-30", "--until=2026-02-30 is a time that does not exist" },
                { "--since=now --until=yesterday", "--since= is later than --until=" },
                { "--cause=boredom", "--cause=boredom is none: give stop, restart, host-shutdown" },
                { "--cause=stop,boredom", "--cause=boredom is none" },
                { "--cause=", "--cause= is empty" },
                { "--outcome=good", "--outcome=good is none: give clean, escalated, killed, " },
                { "--outcome=good", ", unrecorded, running" },
                { "--by=moon", "--by=moon is not usable: give host, unit or cause" },
                { "--json=yaml", "--json=yaml is not usable: give off, short or pretty" },
                { "-o yaml", "--output=yaml is not usable: give table, json, csv, openmetrics" },
                { "-D /a --file=/b", "--directory= and --file= exclude each other" },
                { "-M a --namespace=b", "--namespace= and --machine= exclude each other" },
                { "-f --stats", "--follow shows stops as they happen: it does not go with" },
                { "-f -r", "--follow shows stops as they happen" },
                { "-f --until=now", "--follow has no end" },
                { "-f --svg=a", "--follow shows stops as they happen" },
                { "--stats -r", "--reverse orders stops" },
                { "--stats -o csv", "--stats and --by= are printed as a table, json or " },
                { "--by=host -v", "not with --output=timeline" },
                { "--svg=a --stats", "--svg= and --html= show stops" },
                { "--svg=a --html=a", "--svg= and --html= name one file, a: give two" },
                { "--cause", "option '--cause' needs a value" },
                { "--reverse=yes", "option '--reverse=yes' takes no value" },
                { "--colour", "unknown or ambiguous option '--colour'" },
                { "-x", "unknown option '-x'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ReportOptions options = {};
                char error[OPTION_ERROR_MAX] = "";

                if (parse(rows[i].words, &options, error) != -EINVAL ||
                        !strstr(error, rows[i].says))
                        fail_msg("%s: %s", rows[i].words, error);
        }
}

static void test_report_options_control_characters_of_values_are_not_repeated(
        void **state _unused_) {
        ReportOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("--by=\033[31m", &options, error), -EINVAL);
        assert_null(strchr(error, '\033'));
        assert_non_null(strstr(error, "--by=?[31m"));
}

static void test_report_options_format_is_the_last_that_was_given(void **state _unused_) {
        static const struct {
                const char *words;
                ReportFormat format;
                JsonMode json;
        } rows[] = {
                { "", REPORT_TABLE, JSON_OFF },
                { "hermes", REPORT_TABLE, JSON_OFF },
                { "-o csv", REPORT_CSV, JSON_OFF },
                { "-o json", REPORT_JSON, JSON_SHORT },
                { "--json=pretty", REPORT_JSON, JSON_PRETTY },
                { "--json=pretty -o json", REPORT_JSON, JSON_PRETTY },
                { "--json=pretty --json=off", REPORT_TABLE, JSON_OFF },
                { "-o csv --json=off", REPORT_CSV, JSON_OFF },
                { "-v", REPORT_TIMELINE, JSON_OFF },
                { "--timeline", REPORT_TIMELINE, JSON_OFF },
                { "-v -o table", REPORT_TABLE, JSON_OFF },
                { RUN_ID, REPORT_TIMELINE, JSON_OFF },
                { RUN_ID " --json=short", REPORT_JSON, JSON_SHORT },
                { RUN_ID " -o table", REPORT_TABLE, JSON_OFF },
                { RUN_ID " hermes", REPORT_TABLE, JSON_OFF },
                { RUN_ID " --stats", REPORT_TABLE, JSON_OFF },
                { "--stats --json=short", REPORT_JSON, JSON_SHORT },
                { "--stats -o openmetrics", REPORT_OPENMETRICS, JSON_OFF },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ReportOptions options = {};
                char error[OPTION_ERROR_MAX] = "";

                if (parse(rows[i].words, &options, error) != 0 ||
                        options.format != rows[i].format || options.json != rows[i].json)
                        fail_msg("%s: %s %s", rows[i].words,
                                report_format_to_string(options.format), error);
                report_options_done(&options);
        }
}

static void test_report_options_filters_are_taken(void **state _unused_) {
        ReportOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("-n3 -S@100 -U@200 --cause=stop,oom --cause=crash --outcome=killed "
                               "--sender=kill* hermes",
                                 &options, error),
                0);
        assert_int_equal(options.history.n_max, 3);
        assert_int_equal(options.history.since_usec, 100 * USEC_PER_SEC);
        assert_int_equal(options.history.until_usec, 200 * USEC_PER_SEC);
        assert_int_equal(strv_length(options.history.causes), 3);
        assert_string_equal(options.history.causes[2], "crash");
        assert_int_equal(strv_length(options.history.outcomes), 1);
        assert_string_equal(options.history.sender, "kill*");
        assert_string_equal(options.history.units[0], "hermes");
        assert_false(options.history.has_all);
        report_options_done(&options);
}

static void test_report_options_defaults_are_all_stops_as_a_table(void **state _unused_) {
        ReportOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("", &options, error), 0);
        assert_true(options.history.n_max == SIZE_MAX);
        assert_true(options.history.until_usec == USEC_INFINITY);
        assert_int_equal(options.history.since_usec, 0);
        assert_null(options.history.units);
        assert_null(options.boot);
        assert_true(options.has_legend);
        assert_true(options.has_pager);
        assert_int_equal(options.history.manager, HISTORY_ANY);
}

static void test_report_options_boot_has_an_optional_value(void **state _unused_) {
        static const struct {
                const char *words, *boot;
        } rows[] = {
                { "-b", "" },
                { "-b-1", "-1" },
                { "--boot=" RUN_ID, RUN_ID },
                { "--boot", "" },
                { "-b -1", "-1" }, /* as journalctl takes it */
                { "-b 0 hermes", "0" },
                { "--boot " RUN_ID "-2 -r", RUN_ID "-2" },
                { "-b hermes", "" },
                { "-b -r", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ReportOptions options = {};
                char error[OPTION_ERROR_MAX] = "";

                assert_int_equal(parse(rows[i].words, &options, error), 0);
                assert_string_equal(options.boot, rows[i].boot);
        }
}

static void test_report_options_files_are_collected(void **state _unused_) {
        ReportOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("--file=/a --file=/b*", &options, error), 0);
        assert_int_equal(strv_length(options.source.files), 2);
        assert_string_equal(options.source.files[1], "/b*");
        report_options_done(&options);
        assert_null(options.source.files);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_report_options_refused_names_value_and_fix),
                cmocka_unit_test(test_report_options_control_characters_of_values_are_not_repeated),
                cmocka_unit_test(test_report_options_format_is_the_last_that_was_given),
                cmocka_unit_test(test_report_options_filters_are_taken),
                cmocka_unit_test(test_report_options_defaults_are_all_stops_as_a_table),
                cmocka_unit_test(test_report_options_boot_has_an_optional_value),
                cmocka_unit_test(test_report_options_files_are_collected),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
