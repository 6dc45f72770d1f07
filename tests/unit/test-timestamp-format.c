/* SPDX-License-Identifier: MIT */

/* Instants as they are shown: the three forms in zones that need no timezone database, and what is shown is
 * read back to the same. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "timestamp.h"

#define INSTANT (1795275879 * USEC_PER_SEC + 123456)

static void set_zone(const char *zone) {
        assert_int_equal(zone ? setenv("TZ", zone, 1) : unsetenv("TZ"), 0);
        tzset();
}

static int teardown(void **state _unused_) {
        set_zone(NULL);
        return 0;
}

static const struct {
        const char *zone; /* NULL: is_utc */
        usec_t usec;
        TimestampStyle style;
        const char *expected;
} rows[] = {
        { NULL, INSTANT, TIMESTAMP_TABLE, "Sat 2026-11-21 15:44:39" },
        { NULL, INSTANT, TIMESTAMP_FULL, "Sat 2026-11-21 15:44:39.123456 UTC" },
        { NULL, INSTANT, TIMESTAMP_RFC3339, "2026-11-21T15:44:39.123456+00:00" },
        { "CET-1CEST,M3.5.0,M10.5.0/3", INSTANT, TIMESTAMP_TABLE, "Sat 2026-11-21 16:44:39" },
        { "CET-1CEST,M3.5.0,M10.5.0/3", INSTANT, TIMESTAMP_FULL,
                "Sat 2026-11-21 16:44:39.123456 CET" },
        { "CET-1CEST,M3.5.0,M10.5.0/3", INSTANT, TIMESTAMP_RFC3339,
                "2026-11-21T16:44:39.123456+01:00" },
        { "NST3:30", INSTANT, TIMESTAMP_RFC3339, "2026-11-21T12:14:39.123456-03:30" },
        { "IST-5:30", INSTANT, TIMESTAMP_FULL, "Sat 2026-11-21 21:14:39.123456 IST" },
        { "AWAY-23:45", INSTANT, TIMESTAMP_TABLE, "Sun 2026-11-22 15:29:39" },
        /* A name that would not fit. */
        { "<A23456789012345678901234567890123456789>-1", INSTANT, TIMESTAMP_FULL,
                "Sat 2026-11-21 16:44:39.123456" },
        { NULL, 1, TIMESTAMP_TABLE, "Thu 1970-01-01 00:00:00" },
        { NULL, 1, TIMESTAMP_FULL, "Thu 1970-01-01 00:00:00.000001 UTC" },
        { "PAST1", 1, TIMESTAMP_FULL, "Wed 1969-12-31 23:00:00.000001 PAST" },
        { NULL, 1330473600 * USEC_PER_SEC, TIMESTAMP_TABLE, "Wed 2012-02-29 00:00:00" },
        /* Clocks that were never set, and an entry of a journal that is not right. */
        { NULL, 0, TIMESTAMP_TABLE, "-" },
        { NULL, 0, TIMESTAMP_RFC3339, "-" },
        { NULL, USEC_INFINITY, TIMESTAMP_FULL, "-" },
        { NULL, USEC_INFINITY - 1, TIMESTAMP_TABLE, "Wed 586524-01-19 08:01:49" },
        { NULL, USEC_INFINITY - 1, TIMESTAMP_FULL, "Wed 586524-01-19 08:01:49.551614 UTC" },
};

static void test_timestamp_format_form_is_of_style_and_zone(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char buffer[TIMESTAMP_MAX];

                set_zone(rows[i].zone ?: "EST5");
                assert_ptr_equal(
                        timestamp_format(buffer, rows[i].usec, rows[i].style, !rows[i].zone),
                        buffer);
                assert_string_equal(buffer, rows[i].expected);
        }
}

static void test_timestamp_format_full_and_rfc3339_are_read_back(void **state _unused_) {
        static const char *const zones[] = { "UTC", "IST-5:30", "NST3:30",
                "CET-1CEST,M3.5.0,M10.5.0/3" };

        for (size_t i = 0; i < ELEMENTSOF(zones); i++) {
                set_zone(zones[i]);
                for (usec_t usec = 1; usec < 4000000000 * USEC_PER_SEC;
                        usec += 9876543 * USEC_PER_SEC + 54321) {
                        char full[TIMESTAMP_MAX], rfc3339[TIMESTAMP_MAX];
                        usec_t parsed = 0;

                        (void) timestamp_format(full, usec, TIMESTAMP_FULL, i % 2 == 0);
                        assert_int_equal(timestamp_parse(full, USEC_PER_DAY, &parsed), 0);
                        assert_int_equal(parsed, usec);
                        (void) timestamp_format(rfc3339, usec, TIMESTAMP_RFC3339, i % 2 == 0);
                        assert_int_equal(timestamp_parse(rfc3339, USEC_PER_DAY, &parsed), 0);
                        assert_int_equal(parsed, usec);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(
                        test_timestamp_format_form_is_of_style_and_zone, teardown),
                cmocka_unit_test_teardown(
                        test_timestamp_format_full_and_rfc3339_are_read_back, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
