/* SPDX-License-Identifier: MIT */

/* Time arithmetic and the span grammar. The rows of the two tables are what systemd-analyze(1)
 * timespan of systemd 252 prints for the text: microseconds and the span for people. Rows in which
 * we differ on purpose stand in tables of their own. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "usec.h"

typedef struct SpanRow {
        const char *text;
        usec_t usec;
        const char *human;
} SpanRow;

static const SpanRow span_rows[] = {
        /* Every unit. */
        { "1us", 1, "1us" },
        { "1usec", 1, "1us" },
        { "1\xc2\xb5s", 1, "1us" },
        { "1\xce\xbcs", 1, "1us" },
        { "3ms", 3000, "3ms" },
        { "3msec", 3000, "3ms" },
        { "90s", 90000000, "1min 30s" },
        { "1sec", 1000000, "1s" },
        { "1second", 1000000, "1s" },
        { "1seconds", 1000000, "1s" },
        { "5m", 300000000, "5min" },
        { "1min", 60000000, "1min" },
        { "1minute", 60000000, "1min" },
        { "1minutes", 60000000, "1min" },
        { "1h", 3600000000, "1h" },
        { "1hr", 3600000000, "1h" },
        { "1hour", 3600000000, "1h" },
        { "1hours", 3600000000, "1h" },
        { "1d", 86400000000, "1d" },
        { "1day", 86400000000, "1d" },
        { "1days", 86400000000, "1d" },
        { "1w", 604800000000, "1w" },
        { "1week", 604800000000, "1w" },
        { "1weeks", 604800000000, "1w" },
        { "1M", 2629800000000, "1month" },
        { "5M", 13149000000000, "5month" },
        { "1month", 2629800000000, "1month" },
        { "1months", 2629800000000, "1month" },
        { "1y", 31557600000000, "1y" },
        { "1year", 31557600000000, "1y" },
        { "1years", 31557600000000, "1y" },
        /* No unit counts seconds. */
        { "90", 90000000, "1min 30s" },
        { "12", 12000000, "12s" },
        { "010", 10000000, "10s" },
        { "0", 0, "0" },
        { "00", 0, "0" },
        { "0us", 0, "0" },
        { "1 1", 2000000, "2s" },
        { "2 1s", 3000000, "3s" },
        { "1 years 2", 31557602000000, "1y 2s" },
        /* A sign. */
        { "+1", 1000000, "1s" },
        { "1 +1", 2000000, "2s" },
        { "1s+1", 2000000, "2s" },
        /* Fractions, each digit cut on its own. */
        { "1.5h", 5400000000, "1h 30min" },
        { ".5s", 500000, "500ms" },
        { ".5", 500000, "500ms" },
        { "1.5", 1500000, "1.500000s" },
        { "1 .5s", 1500000, "1.500000s" },
        { "1h.5m", 3630000000, "1h 30s" },
        { "2.0s", 2000000, "2s" },
        { "0.0s", 0, "0" },
        { "1.5us", 1, "1us" },
        { "1.999999999999999999999999us", 1, "1us" },
        { "0.0000005", 0, "0" },
        { "0.0000019s", 1, "1us" },
        { "0.1234567", 123456, "123.456ms" },
        { "1.000001ms", 1000, "1ms" },
        { "0.333333333333h", 1199999997, "19min 59.999997s" },
        { "0.123456789012y", 3895999964918, "1month 2w 15h 43min 19.964918s" },
        { "1.23456789M", 3246666637122, "1month 1w 3h 21min 6.637122s" },
        { "3.3w", 1995840000000, "3w 2d 2h 24min" },
        { "1.1w", 665280000000, "1w 16h 48min" },
        { "1.05d", 90720000000, "1d 1h 12min" },
        { "0.5M", 1314900000000, "2w 1d 5h 15min" },
        /* White space, and none. */
        { "1 s", 1000000, "1s" },
        { "1\ts", 1000000, "1s" },
        { "1\ns", 1000000, "1s" },
        { "1\n", 1000000, "1s" },
        { "1.5 s", 1500000, "1.500000s" },
        { "1  h  2m", 3720000000, "1h 2min" },
        { "1h2m", 3720000000, "1h 2min" },
        { "1ms1s", 1001000, "1.001000s" },
        { "1 s5", 6000000, "6s" },
        { "5 m 3", 303000000, "5min 3s" },
        { "25s 25", 50000000, "50s" },
        { "1min 30s", 90000000, "1min 30s" },
        { "2d 3h", 183600000000, "2d 3h" },
        { "30d 10h", 2628000000000, "4w 2d 10h" },
        { "1year1month1week1day1hour1minute1second1ms1us", 34882261001001,
                "1y 1month 1w 1d 1h 1min 1.001001s" },
        { "1y 11month 4w 1d 23h 59min 59.999999s", 63077399999999,
                "1y 11month 4w 1d 23h 59min 59.999999s" },
        /* The shapes of what is written. */
        { "999us", 999, "999us" },
        { "1000us", 1000, "1ms" },
        { "1001us", 1001, "1.001ms" },
        { "100ms 5us", 100005, "100.005ms" },
        { "500ms", 500000, "500ms" },
        { "999999us", 999999, "999.999ms" },
        { "1000000us", 1000000, "1s" },
        { "59.999999s", 59999999, "59.999999s" },
        { "60s", 60000000, "1min" },
        { "61.5s", 61500000, "1min 1.500000s" },
        { "3599.999999s", 3599999999, "59min 59.999999s" },
        { "292277y", 9223560655200000000U, "292277y" },
        { "9223372036854775807us", 9223372036854775807U, "292271y 1w 1d 10h 54.775807s" },
        /* Never. */
        { "infinity", USEC_INFINITY, "infinity" },
        { " infinity", USEC_INFINITY, "infinity" },
        { "infinity \n", USEC_INFINITY, "infinity" },
};

static void test_usec_parse_span_valid_gives_systemds_value(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(span_rows); i++) {
                const SpanRow *row = span_rows + i;
                const char *bad = NULL;
                usec_t usec = 4711;

                int r = usec_parse_span(row->text, &usec, &bad);
                if (r != 0 || usec != row->usec || bad)
                        fail_msg("'%s': %d, %" USEC_FMT " instead of %" USEC_FMT, row->text, r,
                                usec, row->usec);
        }
}

static void test_usec_format_span_any_gives_systemds_text(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(span_rows); i++) {
                char buffer[USEC_SPAN_MAX];

                assert_ptr_equal(usec_format_span(buffer, span_rows[i].usec, 1), buffer);
                assert_string_equal(buffer, span_rows[i].human);
        }
}

/* What systemd refuses (all rows), and where we point. */
static const struct {
        const char *text;
        int error;
        size_t bad_offset;
} bad_rows[] = {
        { "", -EINVAL, 0 },
        { " ", -EINVAL, 1 },
        { "s", -EINVAL, 0 },
        { ".", -EINVAL, 0 },
        { ".s", -EINVAL, 0 },
        { "5.", -EINVAL, 0 },
        { "5.s", -EINVAL, 0 },
        { "5 .", -EINVAL, 2 },
        { ". 5", -EINVAL, 0 },
        { "1. 5", -EINVAL, 0 },
        { "1.-5", -EINVAL, 0 },
        { "1.+5", -EINVAL, 0 },
        { "+.5", -EINVAL, 0 },
        { "+ 1", -EINVAL, 0 },
        { "1+1", -EINVAL, 1 },
        { "2.5.5", -EINVAL, 3 },
        { "1,2", -EINVAL, 1 },
        { "1s;", -EINVAL, 2 },
        { "5x", -EINVAL, 1 },
        { "5 S", -EINVAL, 2 },
        { "1e3", -EINVAL, 1 },
        { "0x10", -EINVAL, 1 },
        { "1secs", -EINVAL, 1 },
        { "1hrs", -EINVAL, 1 },
        { "1mins", -EINVAL, 1 },
        { "1minutess", -EINVAL, 1 },
        { "1mss", -EINVAL, 1 },
        { "1ww", -EINVAL, 1 },
        { "1minsec", -EINVAL, 1 },
        { "1m sec", -EINVAL, 3 },
        { "1s 1x", -EINVAL, 4 },
        { "1.5hfoo", -EINVAL, 3 },
        { "1nsec", -EINVAL, 1 },
        { "1\xc2\xb5", -EINVAL, 1 },
        { "1\xc2\xb5sec", -EINVAL, 1 },
        { "1\xc5\xbf", -EINVAL, 1 }, /* a long s */
        { "Infinity", -EINVAL, 0 },
        { "infinity s", -EINVAL, 0 },
        { "infinity1", -EINVAL, 0 },
        { "infinity infinity", -EINVAL, 0 },
        { "1infinity", -EINVAL, 1 },
        { "1h 1infinity", -EINVAL, 4 },
        /* Negative: systemd answers -ERANGE. */
        { "-1", -EINVAL, 0 },
        { "-0", -EINVAL, 0 },
        { "- 1", -EINVAL, 0 },
        { "1s-1", -EINVAL, 2 },
        { "1 - 1", -EINVAL, 2 },
        /* Too long. */
        { "18446744073709551615us", -ERANGE, 0 },
        { "18446744073709551616us", -ERANGE, 0 },
        { "99999999999999999999", -ERANGE, 0 },
        { "584554y", -ERANGE, 0 },
        { "1s  584554y", -ERANGE, 4 },
        { "292271y 292271y 1y", -ERANGE, 16 },
};

static void test_usec_parse_span_invalid_refused_and_pointed_at(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(bad_rows); i++) {
                const char *text = bad_rows[i].text, *bad = NULL;
                usec_t usec = 4711;

                int r = usec_parse_span(text, &usec, &bad);
                if (r != bad_rows[i].error || bad != text + bad_rows[i].bad_offset)
                        fail_msg("'%s': %d, at '%s'", text, r, bad ?: "(null)");
                assert_true(usec == 4711);
                assert_int_equal(usec_parse_span(text, &usec, NULL), bad_rows[i].error);
        }
}

/* systemd's numbers end at 2^63 and its products earlier than they must. */
static void test_usec_parse_span_beyond_systemds_range_accepted(void **state) {
        static const struct {
                const char *text;
                usec_t usec;
        } rows[] = {
                { "9223372036854775808us", 9223372036854775808U },
                { "18446744073709551614us", USEC_INFINITY - 1 },
                { "584542y", 584542 * USEC_PER_YEAR },
                { "18446744073709.551614", USEC_INFINITY - 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                usec_t usec = 0;
                assert_int_equal(usec_parse_span(rows[i].text, &usec, NULL), 0);
                assert_true(usec == rows[i].usec);
        }
}

static void test_usec_format_span_accuracy_rounds_down(void **state) {
        static const struct {
                usec_t span_usec;
                usec_t accuracy_usec;
                const char *text;
        } rows[] = {
                { 1999999, USEC_PER_SEC, "1s" },
                { 1999999, USEC_PER_MSEC, "1.999s" },
                { 1999999, 100 * USEC_PER_MSEC, "1.9s" },
                { 1999999, 250 * USEC_PER_MSEC, "1.75s" },
                { 2000000, USEC_PER_MSEC, "2s" },
                { 90500000, USEC_PER_SEC, "1min 30s" },
                { 90500000, USEC_PER_MSEC, "1min 30.500s" },
                { 90500000, USEC_PER_MINUTE, "1min" },
                { 59999999, USEC_PER_MINUTE, "0" },
                { 999, USEC_PER_MSEC, "0" },
                { 1999, USEC_PER_MSEC, "1ms" },
                { 1999, 10, "1.99ms" },
                { 25, 7, "21us" },
                { 1000, 0, "1ms" },
                { 1500, 0, "1.500ms" },
                { USEC_INFINITY, USEC_PER_YEAR, "infinity" },
                { USEC_INFINITY - 1, USEC_INFINITY, "0" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char buffer[USEC_SPAN_MAX];
                assert_string_equal(
                        usec_format_span(buffer, rows[i].span_usec, rows[i].accuracy_usec),
                        rows[i].text);
        }
}

static void test_usec_format_exact_has_no_zeros_at_its_end(void **state) {
        static const struct {
                usec_t usec;
                const char *text;
        } rows[] = {
                { 0, "0" },
                { 2500000, "2.5s" },
                { 2000000, "2s" },
                { 2000001, "2.000001s" },
                { 333000, "333ms" },
                { 1500, "1.5ms" },
                { 10, "10us" },
                { 90 * USEC_PER_SEC + 125000, "1min 30.125s" },
                { 600 * USEC_PER_SEC, "10min" },
                { USEC_INFINITY, "infinity" },
        };
        char buffer[USEC_SPAN_MAX];
        usec_t usec;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_string_equal(usec_format_exact(buffer, rows[i].usec), rows[i].text);
                assert_int_equal(usec_parse_span(buffer, &usec, NULL), 0);
                assert_int_equal(usec, rows[i].usec);
        }
}

static void test_usec_format_span_any_parses_back(void **state) {
        /* Every scale: up to 2^64 in steps of about a third, and what lies next to each unit. */
        for (usec_t usec = 1; usec < USEC_INFINITY / 4 * 3; usec += usec / 3 + 1)
                for (usec_t delta = 0; delta < 3; delta++) {
                        char buffer[USEC_SPAN_MAX];
                        usec_t parsed = 0;

                        usec_format_span(buffer, usec - 1 + delta, 1);
                        assert_int_equal(usec_parse_span(buffer, &parsed, NULL), 0);
                        assert_true(parsed == usec - 1 + delta);
                }
}

static void test_usec_format_span_longest_fits(void **state) {
        char buffer[USEC_SPAN_MAX];
        usec_t usec = 584541 * USEC_PER_YEAR + 11 * USEC_PER_MONTH + 4 * USEC_PER_WEEK +
                USEC_PER_DAY + 23 * USEC_PER_HOUR + 59 * USEC_PER_MINUTE + 59999999;

        assert_string_equal(
                usec_format_span(buffer, usec, 1), "584541y 11month 4w 1d 23h 59min 59.999999s");
        assert_string_equal(usec_format_span(buffer, USEC_INFINITY - 1, 1),
                "584542y 2w 2d 20h 1min 49.551614s");
}

static void test_usec_add_saturates(void **state) {
        assert_true(usec_add(1, 2) == 3);
        assert_true(usec_add(0, 0) == 0);
        assert_true(usec_add(USEC_INFINITY, 0) == USEC_INFINITY);
        assert_true(usec_add(0, USEC_INFINITY) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY, USEC_INFINITY) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY - 2, 1) == USEC_INFINITY - 1);
        assert_true(usec_add(USEC_INFINITY - 1, 1) == USEC_INFINITY);
        assert_true(usec_add(USEC_INFINITY - 1, 5) == USEC_INFINITY);
}

static void test_usec_sub_saturates(void **state) {
        assert_true(usec_sub(3, 2) == 1);
        assert_true(usec_sub(2, 2) == 0);
        assert_true(usec_sub(2, 3) == 0);
        assert_true(usec_sub(2, USEC_INFINITY) == 0);
        assert_true(usec_sub(USEC_INFINITY, 5) == USEC_INFINITY);
        assert_true(usec_sub(USEC_INFINITY - 1, 1) == USEC_INFINITY - 2);
        assert_true(usec_sub(USEC_INFINITY, USEC_INFINITY) == 0);
}

static void test_usec_now_matches_the_clock(void **state) {
        static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

        for (size_t i = 0; i < ELEMENTSOF(clocks); i++) {
                struct timespec before, after;

                assert_int_equal(clock_gettime(clocks[i], &before), 0);
                usec_t now_usec = usec_now(clocks[i]);
                assert_int_equal(clock_gettime(clocks[i], &after), 0);

                assert_true(now_usec >=
                        (usec_t) before.tv_sec * USEC_PER_SEC + (usec_t) before.tv_nsec / 1000);
                assert_true(now_usec <=
                        (usec_t) after.tv_sec * USEC_PER_SEC + (usec_t) after.tv_nsec / 1000);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_usec_parse_span_valid_gives_systemds_value),
                cmocka_unit_test(test_usec_format_span_any_gives_systemds_text),
                cmocka_unit_test(test_usec_format_exact_has_no_zeros_at_its_end),
                cmocka_unit_test(test_usec_parse_span_invalid_refused_and_pointed_at),
                cmocka_unit_test(test_usec_parse_span_beyond_systemds_range_accepted),
                cmocka_unit_test(test_usec_format_span_accuracy_rounds_down),
                cmocka_unit_test(test_usec_format_span_any_parses_back),
                cmocka_unit_test(test_usec_format_span_longest_fits),
                cmocka_unit_test(test_usec_add_saturates),
                cmocka_unit_test(test_usec_sub_saturates),
                cmocka_unit_test(test_usec_now_matches_the_clock),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
