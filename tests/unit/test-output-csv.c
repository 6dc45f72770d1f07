/* SPDX-License-Identifier: MIT */

/* Past stops as CSV: the header, quoting, formulas, what is not known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report-output-fixture.h"

static const char *print_csv(Fixture *fixture, bool has_legend) {
        begin(fixture);
        assert_int_equal(report_print_csv(fixture->file, &fixture->list, has_legend), 0);
        return finish(fixture);
}

static size_t count_of(const char *text, char c) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == c;
        return n;
}

static void test_report_print_csv_has_a_header_and_a_line_a_stop(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        const char *text = print_csv(fixture, /* has_legend= */ true);
        assert_memory_equal(text, "when,state,host,unit,manager,uid,name,cause,cause_detail,", 57);

        const char *line = strstr(text, "\r\n") + 2;
        assert_memory_equal(line,
                "2025-11-21T08:00:00.000000+00:00,stopped,gw1,hermes.service,system,990,hermes,"
                "stop,,clean,exited,0,1.432,60,30,,1.44,3,0,",
                119);
        assert_int_equal(strcspn(line, "\r") + 2, strlen(line));
        assert_int_equal(count_of(line, ','), count_of(text, ',') / 2);
        assert_string_equal(line + strlen(line) - 2, "\r\n");
}

static void test_report_print_csv_without_legend_has_no_header(void **state) {
        Fixture *fixture = *state;

        assert_string_equal(print_csv(fixture, /* has_legend= */ false), "");
        (void) add_clean(fixture);
        assert_memory_equal(print_csv(fixture, /* has_legend= */ false), "2025-", 5);
}

static void test_report_print_csv_of_what_is_not_known_has_empty_cells(void **state) {
        Fixture *fixture = *state;

        add_unknown(fixture)->state = RUN_UNRECORDED;
        const char *text = print_csv(fixture, /* has_legend= */ false);
        assert_memory_equal(text, "2025-11-21T08:00:00.000000+00:00,unrecorded,,,none,,,,", 54);
        assert_null(strstr(text, "18446744073709551615"));
        assert_null(strstr(text, "4294967295"));
        assert_string_equal(text + strlen(text) - 13, ",,believed,\r\n");
}

typedef struct CellRow {
        const char *text, *expected;
} CellRow;

static const CellRow cell_rows[] = {
        { "plain", ",plain," },
        { "", ",,exited," },
        { "two words", ",\"two words\"," },
        { "a,b", ",\"a,b\"," },
        { "say \"no\"", ",\"say \"\"no\"\"\"," },
        { "a\r\nb", ",\"a\r\nb\"," },
        { "=1+1", ",\"'=1+1\"," },
        { "+1", ",\"'+1\"," },
        { "-1", ",\"'-1\"," },
        { "@x", ",\"'@x\"," },
        { "\tx", ",\"'\tx\"," },
        { "\rx", ",\"'\rx\"," },
        { "\nx", ",\"'\nx\"," },
        { "'x", ",\"''x\"," },
        { "1-1=0", ",1-1=0," },
        { "\033[31mred\302\233", ",?[31mred?," },
        { "\300\257", ",\357\277\275\357\277\275," },
};

static void test_report_print_csv_cell_is_expected(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(cell_rows); i++) {
                fixture->list.n = 0;
                add_clean(fixture)->outcome_word = cell_rows[i].text;
                const char *text = print_csv(fixture, /* has_legend= */ false);

                print_message("%s\n", text);
                assert_non_null(strstr(text, cell_rows[i].expected));
                assert_harmless(text);
        }
}

static void test_report_print_csv_without_counted_work_has_no_numbers_of_it(void **state) {
        Fixture *fixture = *state;
        PastStop *stop = add_clean(fixture);

        stop->active_now = 17;
        assert_non_null(strstr(print_csv(fixture, /* has_legend= */ false), ",3,17,"));
        stop->has_active = false;
        assert_null(strstr(print_csv(fixture, /* has_legend= */ false), ",17,"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_report_print_csv_has_a_header_and_a_line_a_stop),
                TEST(test_report_print_csv_without_legend_has_no_header),
                TEST(test_report_print_csv_of_what_is_not_known_has_empty_cells),
                TEST(test_report_print_csv_cell_is_expected),
                TEST(test_report_print_csv_without_counted_work_has_no_numbers_of_it),
#undef TEST
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
