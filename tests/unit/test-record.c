/* SPDX-License-Identifier: MIT */

/* Records while they are put together, and the table of events. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <syslog.h>

#include "record.h"

#define REPLACEMENT "\xef\xbf\xbd"

static int setup_record(void **state) {
        *state = record_new(RECORD_PHASE);
        return *state ? 0 : -1;
}

static int teardown_record(void **state) {
        record_free(*state);
        return 0;
}

/* ---- The table of events --------------------------------------------------------------------- */

/* The ids are an interface: this list is written down a second time on purpose. */
static const struct {
        RecordEvent event;
        const char *name, *message_id;
        int priority;
} event_rows[] = {
        { RECORD_STARTED, "started", "d540f6a974a5488590271784fa955712", LOG_INFO },
        { RECORD_READY, "ready", "186155943fe24d42a3890c1379a54d3f", LOG_INFO },
        { RECORD_SHORT_TIMEOUT, "short-timeout", "c15477208d7b47ff82e9a5b1bbf7c378", LOG_WARNING },
        { RECORD_PREVIOUS, "previous", "30c5807de7f94242a2e19b0f15d7cfc7", LOG_NOTICE },
        { RECORD_SIGNAL, "signal", "62449b84221b410e95a1c913b83bb73e", LOG_NOTICE },
        { RECORD_CAUSE, "cause", "cddafc33262f4eb9878ba78f6cafed48", LOG_NOTICE },
        { RECORD_PHASE, "phase", "c69e1f2d063540f6a46135675050a82a", LOG_INFO },
        { RECORD_STEP, "step", "af4ff38ddf614ed39537d85bcd3f5a3e", LOG_INFO },
        { RECORD_STUCK, "stuck", "6652ac16fcf84771b1fd469f2045c6ac", LOG_WARNING },
        { RECORD_WATCHDOG, "watchdog", "ff9b6804dbed47eb858a8c2dd957a64c", LOG_ERR },
        { RECORD_LEFTOVER, "leftover", "62f3345e7c5445589c86bdeec64fb59c", LOG_WARNING },
        { RECORD_DIAGNOSTIC, "diagnostic", "73354165ad5f4620aa1522b186066d00", LOG_INFO },
        { RECORD_STOPPED, "stopped", "a0e6684b50c347e985c058a0cf3892a5", LOG_INFO },
        { RECORD_FORWARDED, "forwarded", "cb1035c8c190492887153c92c553cd98", LOG_DEBUG },
        { RECORD_DEGRADED, "degraded", "02d627c28f0d40d5b130ae1546b19c9e", LOG_WARNING },
};

static_assert(ELEMENTSOF(event_rows) == _RECORD_EVENT_MAX, "one row an event");

static void test_event_table_is_the_documented_one(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(event_rows); i++) {
                const RecordEventInfo *info = record_event_info(event_rows[i].event);

                assert_string_equal(info->name, event_rows[i].name);
                assert_string_equal(info->message_id, event_rows[i].message_id);
                assert_int_equal(info->priority, event_rows[i].priority);
                assert_true(strlen(info->subject) > 10 && !strchr(info->subject, '\n'));
                assert_true(strlen(info->body) > 100);
                assert_int_equal(info->body[strlen(info->body) - 1], '\n');
        }
}

static void test_event_name_goes_both_ways(void **state) {
        for (RecordEvent event = 0; event < _RECORD_EVENT_MAX; event++)
                assert_int_equal(record_event_from_string(record_event_to_string(event)), event);

        assert_int_equal(record_event_from_string("no-such-event"), _RECORD_EVENT_INVALID);
        assert_int_equal(record_event_from_string(""), _RECORD_EVENT_INVALID);
        assert_int_equal(record_event_from_string(NULL), _RECORD_EVENT_INVALID);
        assert_null(record_event_to_string(_RECORD_EVENT_MAX));
        assert_null(record_event_to_string(_RECORD_EVENT_INVALID));
}

/* ---- Levels and targets ---------------------------------------------------------------------- */

static void test_log_level_parses_names_and_digits(void **state) {
        static const struct {
                const char *text;
                int level;
        } rows[] = {
                { "emerg", 0 },
                { "alert", 1 },
                { "crit", 2 },
                { "err", 3 },
                { "warning", 4 },
                { "notice", 5 },
                { "info", 6 },
                { "debug", 7 },
                { "0", 0 },
                { "7", 7 },
                { "8", -EINVAL },
                { "-1", -EINVAL },
                { "", -EINVAL },
                { "error", -EINVAL },
                { "INFO", -EINVAL },
                { "6 ", -EINVAL },
                { "66", -EINVAL },
                { NULL, -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(log_level_from_string(rows[i].text), rows[i].level);
        for (int level = 0; level <= 7; level++)
                assert_int_equal(log_level_from_string(log_level_to_string(level)), level);
        assert_null(log_level_to_string(8));
        assert_null(log_level_to_string(-1));
}

static void test_log_target_name_goes_both_ways(void **state) {
        static const char *const names[] = { "auto", "journal", "console", "null" };

        for (LogTarget target = 0; target < _LOG_TARGET_MAX; target++) {
                assert_string_equal(log_target_to_string(target), names[target]);
                assert_int_equal(log_target_from_string(names[target]), target);
        }
        assert_int_equal(log_target_from_string("syslog"), _LOG_TARGET_INVALID);
        assert_int_equal(log_target_from_string(NULL), _LOG_TARGET_INVALID);
        assert_null(log_target_to_string(_LOG_TARGET_MAX));
}

/* ---- Building -------------------------------------------------------------------------------- */

static void test_record_new_takes_priority_and_message_of_its_event(void **state) {
        const Record *record = *state;

        assert_int_equal(record_get_event(record), RECORD_PHASE);
        assert_int_equal(record_get_priority(record), LOG_INFO);
        assert_string_equal(record_get_message(record), "phase");
        assert_int_equal(record_n_fields(record), 0);
        assert_false(record_is_incomplete(record));
}

static void test_record_set_priority_overrides_the_event(void **state) {
        record_set_priority(*state, LOG_WARNING);
        assert_int_equal(record_get_priority(*state), LOG_WARNING);
}

static void test_record_adders_write_fields_in_order(void **state) {
        static const char *const fields[] = {
                "GATEWATCH_PHASE=drain",
                "GATEWATCH_PHASE_USEC=18446744073709551614",
                "GATEWATCH_CODE=-9223372036854775808",
                "GATEWATCH_TIMED_OUT=yes",
                "GATEWATCH_CLEAN=no",
                "GATEWATCH_DEADLINE_USEC=infinity",
                "GATEWATCH_ELAPSED_USEC=1500000",
                "GATEWATCH_EMPTY=",
        };
        Record *record = *state;

        record_add_string(record, "PHASE", "drain");
        record_add_unsigned(record, "PHASE_USEC", UINT64_MAX - 1);
        record_add_signed(record, "CODE", INT64_MIN);
        record_add_bool(record, "TIMED_OUT", true);
        record_add_bool(record, "CLEAN", false);
        record_add_usec(record, "DEADLINE_USEC", UINT64_MAX);
        record_add_usec(record, "ELAPSED_USEC", 1500000);
        record_add_string(record, "EMPTY", "");
        record_add_string(record, "ABSENT", NULL);

        assert_int_equal(record_n_fields(record), ELEMENTSOF(fields));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                size_t size_bytes;

                assert_string_equal(record_get_field(record, i, &size_bytes), fields[i]);
                assert_int_equal(size_bytes, strlen(fields[i]));
        }
}

static void test_record_get_value_finds_whole_names_only(void **state) {
        Record *record = *state;

        record_add_string(record, "PHASE_USEC", "1");
        record_add_string(record, "PHASE", "a=b");
        record_add_string(record, "PHASE", "second");

        assert_string_equal(record_get_value(record, "PHASE"), "a=b");
        assert_string_equal(record_get_value(record, "PHASE_USEC"), "1");
        assert_null(record_get_value(record, "PHAS"));
        assert_null(record_get_value(record, "USEC"));
}

static void test_record_value_with_bad_utf8_is_mended(void **state) {
        static const struct {
                const char *value, *mended;
        } rows[] = {
                { "plain", "plain" },
                { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xaa",
                        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xaa" },
                { "\xff", REPLACEMENT },
                { "a\x80z", "a" REPLACEMENT "z" },
                /* cut short, at the end and before another character */
                { "a\xe2\x82", "a" REPLACEMENT REPLACEMENT },
                { "\xf0\x9f\x9a z", REPLACEMENT REPLACEMENT REPLACEMENT " z" },
                { "\xc3(", REPLACEMENT "(" },
                /* overlong */
                { "\xc0\xaf", REPLACEMENT REPLACEMENT },
                { "\xc1\xbf", REPLACEMENT REPLACEMENT },
                { "\xe0\x9f\xbf", REPLACEMENT REPLACEMENT REPLACEMENT },
                { "\xf0\x8f\xbf\xbf", REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT },
                /* the borders of the surrogates */
                { "\xed\x9f\xbf", "\xed\x9f\xbf" },
                { "\xed\xa0\x80", REPLACEMENT REPLACEMENT REPLACEMENT },
                { "\xee\x80\x80", "\xee\x80\x80" },
                /* U+10FFFF and the one above */
                { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
                { "\xf4\x90\x80\x80", REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT },
                { "\xf5\x80", REPLACEMENT REPLACEMENT },
                /* control characters are no business of the record */
                { "\x1b[31m\n", "\x1b[31m\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Record *record = *state;

                record_add_string(record, "VALUE", rows[i].value);
                assert_string_equal(
                        strchr(record_get_field(record, i, NULL), '=') + 1, rows[i].mended);
        }
}

/* A string of n bytes that is freed with the record's test: static, since asserts longjmp. */
static char long_text[RECORD_VALUE_MAX + 64];

static void fill_long_text(char letter, size_t n_bytes) {
        memset(long_text, letter, n_bytes);
        long_text[n_bytes] = '\0';
}

static void test_record_value_that_is_too_long_is_cut(void **state) {
        Record *record = *state;

        fill_long_text('x', RECORD_VALUE_MAX);
        record_add_string(record, "JUST", long_text);
        fill_long_text('x', RECORD_VALUE_MAX + 1);
        record_add_string(record, "OVER", long_text);
        /* A character that begins before the end and ends behind it goes as a whole. */
        fill_long_text('x', RECORD_VALUE_MAX - 1);
        strcat(long_text, "\xc3\xa9");
        record_add_string(record, "CHARACTER", long_text);
        fill_long_text('\xff', RECORD_VALUE_MAX);
        record_add_string(record, "BAD", long_text);

        assert_int_equal(strlen(record_get_value(record, "JUST")), RECORD_VALUE_MAX);
        assert_int_equal(strlen(record_get_value(record, "OVER")), RECORD_VALUE_MAX);
        assert_int_equal(strlen(record_get_value(record, "CHARACTER")), RECORD_VALUE_MAX - 1);
        assert_int_equal(strlen(record_get_value(record, "BAD")), RECORD_VALUE_MAX / 3 * 3);
        assert_false(record_is_incomplete(record));
}

static void test_record_with_too_many_fields_keeps_the_first_and_says_so(void **state) {
        Record *record = *state;

        for (unsigned i = 0; i < RECORD_FIELDS_MAX; i++)
                record_add_unsigned(record, "NUMBER", i);
        assert_false(record_is_incomplete(record));

        record_add_string(record, "LATE", "x");
        assert_true(record_is_incomplete(record));
        assert_int_equal(record_n_fields(record), RECORD_FIELDS_MAX);
        assert_null(record_get_value(record, "LATE"));
        assert_string_equal(
                record_get_field(record, RECORD_FIELDS_MAX - 1, NULL), "GATEWATCH_NUMBER=63");
}

static void test_record_message_becomes_one_clean_line(void **state) {
        static const struct {
                const char *text, *message;
        } rows[] = {
                { "Phase drain ended +1.42s", "Phase drain ended +1.42s" },
                { "two\nlines\tand\rmore", "two lines and more" },
                { "\x1b[31mred\x7f", " [31mred " },
                /* U+009B begins an escape sequence too; U+00A0 only does not break */
                { "a\xc2\x9b"
                  "31m",
                        "a 31m" },
                { "a\xc2\xa0z", "a\xc2\xa0z" },
                { "bad \xfe", "bad " REPLACEMENT },
                { "", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                record_set_message(*state, "%s", rows[i].text);
                assert_string_equal(record_get_message(*state), rows[i].message);
                assert_memory_equal(record_get_message_field(*state), "MESSAGE=", 8);
        }

        record_set_message(*state, "%d of %s", 3, "4");
        assert_string_equal(record_get_message_field(*state), "MESSAGE=3 of 4");
}

static void test_record_that_could_not_be_made_is_taken_by_the_adders(void **state) {
        record_set_priority(NULL, LOG_ERR);
        record_add_string(NULL, "A", "b");
        record_add_unsigned(NULL, "A", 1);
        record_add_signed(NULL, "A", 1);
        record_add_bool(NULL, "A", true);
        record_add_usec(NULL, "A", 1);
        record_set_message(NULL, "%s", "x");
        assert_null(record_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_event_table_is_the_documented_one),
                cmocka_unit_test(test_event_name_goes_both_ways),
                cmocka_unit_test(test_log_level_parses_names_and_digits),
                cmocka_unit_test(test_log_target_name_goes_both_ways),
                cmocka_unit_test_setup_teardown(
                        test_record_new_takes_priority_and_message_of_its_event, setup_record,
                        teardown_record),
                cmocka_unit_test_setup_teardown(test_record_set_priority_overrides_the_event,
                        setup_record, teardown_record),
                cmocka_unit_test_setup_teardown(
                        test_record_adders_write_fields_in_order, setup_record, teardown_record),
                cmocka_unit_test_setup_teardown(test_record_get_value_finds_whole_names_only,
                        setup_record, teardown_record),
                cmocka_unit_test_setup_teardown(
                        test_record_value_with_bad_utf8_is_mended, setup_record, teardown_record),
                cmocka_unit_test_setup_teardown(
                        test_record_value_that_is_too_long_is_cut, setup_record, teardown_record),
                cmocka_unit_test_setup_teardown(
                        test_record_with_too_many_fields_keeps_the_first_and_says_so, setup_record,
                        teardown_record),
                cmocka_unit_test_setup_teardown(
                        test_record_message_becomes_one_clean_line, setup_record, teardown_record),
                cmocka_unit_test(test_record_that_could_not_be_made_is_taken_by_the_adders),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
