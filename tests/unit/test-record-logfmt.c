/* SPDX-License-Identifier: MIT */

/* The console form of a record. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <syslog.h>

#include "record-logfmt.h"

typedef struct Fixture {
        Record *record;
        Record *run;
        char *line;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        fixture->record = record_new(RECORD_PHASE);
        fixture->run = record_new(RECORD_STARTED);
        *state = fixture;
        return fixture->record && fixture->run ? 0 : -1;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        record_free(fixture->record);
        record_free(fixture->run);
        free(fixture->line);
        free(fixture);
        return 0;
}

static void test_logfmt_line_has_everything_in_order(void **state) {
        static const RecordStamp stamp = {
                .pid = 4242, .uptime_usec = 17000000, .realtime_usec = 1785542400000042
        };
        Fixture *fixture = *state;

        record_add_string(fixture->run, "NAME", "hermes");
        record_add_string(fixture->run, "RUN_ID", "00000000000000000000000000000001");
        record_set_priority(fixture->record, LOG_WARNING);
        record_add_string(fixture->record, "PHASE", "drain");
        record_add_unsigned(fixture->record, "PHASE_USEC", 60000000);
        record_set_message(fixture->record, "Phase drain ended +1.42s (active 3 -> 0)");

        fixture->line = record_to_logfmt(fixture->record, fixture->run, &stamp);
        assert_string_equal(fixture->line,
                "ts=2026-08-01T00:00:00.000042Z level=warning event=phase name=hermes "
                "run_id=00000000000000000000000000000001 pid=4242 uptime_usec=17000000 phase=drain "
                "phase_usec=60000000 msg=\"Phase drain ended +1.42s (active 3 -> 0)\"\n");
}

static void test_logfmt_line_before_the_fork_has_no_pid(void **state) {
        static const RecordStamp stamp = {};
        Fixture *fixture = *state;

        fixture->line = record_to_logfmt(fixture->record, /* run= */ NULL, &stamp);
        assert_string_equal(fixture->line,
                "ts=1970-01-01T00:00:00.000000Z level=info event=phase uptime_usec=0 "
                "msg=\"phase\"\n");
}

static void test_logfmt_line_of_incomplete_record_says_so(void **state) {
        static const RecordStamp stamp = {};
        Fixture *fixture = *state;

        for (unsigned i = 0; i <= RECORD_FIELDS_MAX; i++)
                record_add_string(fixture->record, "A", "b");
        fixture->line = record_to_logfmt(fixture->record, /* run= */ NULL, &stamp);
        assert_non_null(strstr(fixture->line, " a=b incomplete=yes msg=\""));
}

static void test_logfmt_value_is_quoted_where_it_needs_it(void **state) {
        static const struct {
                const char *value, *written;
        } rows[] = {
                { "plain", "plain" },
                { "a/b:c,d;e'f", "a/b:c,d;e'f" },
                { "back\\slash", "back\\slash" },
                { "caf\xc3\xa9", "caf\xc3\xa9" },
                { "\xc2\xa0", "\xc2\xa0" },
                { "", "\"\"" },
                { "two words", "\"two words\"" },
                { "a=b", "\"a=b\"" },
                { "say \"x\\y\"", "\"say \\\"x\\\\y\\\"\"" },
                { "\"", "\"\\\"\"" },
                { "a\nb\tc", "\"a\\nb\\tc\"" },
                { "\r", "\"\\x0d\"" },
                { "\x01\x1f\x7f", "\"\\x01\\x1f\\x7f\"" },
                { "\x1b]0;title\x07", "\"\\x1b]0;title\\x07\"" },
                { "\xc2\x9b"
                  "31m",
                        "\"\\xc2\\x9b31m\"" },
        };
        static const RecordStamp stamp = {};
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                record_add_string(fixture->record, "KEY", rows[i].value);
        fixture->line = record_to_logfmt(fixture->record, /* run= */ NULL, &stamp);

        const char *at = strstr(fixture->line, " key=");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_non_null(at);
                assert_memory_equal(at, " key=", 5);
                assert_memory_equal(at + 5, rows[i].written, strlen(rows[i].written));
                at += 5 + strlen(rows[i].written);
        }
        assert_string_equal(at, " msg=\"phase\"\n");
}

static void test_logfmt_message_is_always_quoted(void **state) {
        static const RecordStamp stamp = {};
        Fixture *fixture = *state;

        record_set_message(fixture->record, "%s", "say \"hi\" \\");
        fixture->line = record_to_logfmt(fixture->record, /* run= */ NULL, &stamp);
        assert_non_null(strstr(fixture->line, " msg=\"say \\\"hi\\\" \\\\\"\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        test_logfmt_line_has_everything_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_logfmt_line_before_the_fork_has_no_pid, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_logfmt_line_of_incomplete_record_says_so, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_logfmt_value_is_quoted_where_it_needs_it, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_logfmt_message_is_always_quoted, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
