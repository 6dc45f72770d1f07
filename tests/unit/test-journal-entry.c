/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "report/journal-entry.h"

static int entry_setup(void **state) {
        *state = calloc(1, sizeof(JournalEntry));
        return *state ? 0 : -1;
}

static int entry_teardown(void **state) {
        journal_entry_done(*state);
        free(*state);
        return 0;
}

static void add(JournalEntry *entry, const char *field) {
        assert_int_equal(journal_entry_add(entry, field, strlen(field)), 0);
}

static void test_journal_entry_fields_are_found_by_name(void **state) {
        JournalEntry *entry = *state;

        add(entry, "MESSAGE=one");
        add(entry, "_UID=0");
        add(entry, "EMPTY=");
        add(entry, "EQUALS=a=b");
        assert_string_equal(journal_entry_get(entry, "MESSAGE"), "one");
        assert_string_equal(journal_entry_get(entry, "_UID"), "0");
        assert_string_equal(journal_entry_get(entry, "EMPTY"), "");
        assert_string_equal(journal_entry_get(entry, "EQUALS"), "a=b");
        assert_null(journal_entry_get(entry, "MESS"));
        assert_null(journal_entry_get(entry, "MESSAGE_ID"));
        assert_null(journal_entry_get(entry, "one"));
        assert_null(journal_entry_get(entry, ""));
        assert_int_equal(entry->n_fields, 4);
}

static void test_journal_entry_duplicate_first_counts(void **state) {
        JournalEntry *entry = *state;

        add(entry, "A=first");
        add(entry, "A=second");
        assert_string_equal(journal_entry_get(entry, "A"), "first");
}

static void test_journal_entry_no_field_is_passed_over(void **state) {
        static const struct {
                const char *data;
                size_t size;
        } rows[] = { { "", 0 }, { NULL, 0 }, { "MESSAGE", 7 }, { "=value", 6 }, { "A\0B=c", 5 } };
        JournalEntry *entry = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(journal_entry_add(entry, rows[i].data, rows[i].size), 0);
        assert_int_equal(entry->n_fields, 0);
        assert_null(journal_entry_get(entry, "A"));
}

static void test_journal_entry_nul_becomes_replacement(void **state) {
        JournalEntry *entry = *state;

        assert_int_equal(journal_entry_add(entry, "A=\0b\0\0", 6), 0);
        assert_int_equal(journal_entry_add(entry, "B=x", 3), 0);
        assert_string_equal(journal_entry_get(entry, "A"),
                "\xef\xbf\xbd"
                "b\xef\xbf\xbd\xef\xbf\xbd");
        assert_string_equal(journal_entry_get(entry, "B"), "x");
}

static void test_journal_entry_long_value_is_cut(void **state) {
        JournalEntry *entry = *state;
        size_t size = JOURNAL_ENTRY_VALUE_BYTES + 3; /* one too many */
        char *data = malloc(size);

        assert_non_null(data);
        memset(data, 'x', size);
        memcpy(data, "A=", 2);
        int r = journal_entry_add(entry, data, size);
        free(data);
        assert_int_equal(r, 0);
        add(entry, "B=1");
        assert_int_equal(strlen(journal_entry_get(entry, "A")), JOURNAL_ENTRY_VALUE_BYTES);
        assert_string_equal(journal_entry_get(entry, "B"), "1");
}

static void test_journal_entry_many_fields_leave_place_for_trusted(void **state) {
        JournalEntry *entry = *state;
        char field[32];

        for (unsigned i = 0; i < 2 * JOURNAL_ENTRY_FIELDS_MAX; i++) {
                (void) snprintf(field, sizeof(field), "F%u=%u", i, i);
                add(entry, field);
        }
        assert_true(entry->n_fields < JOURNAL_ENTRY_FIELDS_MAX);
        for (unsigned i = 0; i < 2 * JOURNAL_ENTRY_FIELDS_MAX; i++) {
                (void) snprintf(field, sizeof(field), "_T%u=%u", i, i);
                add(entry, field);
        }
        assert_int_equal(entry->n_fields, JOURNAL_ENTRY_FIELDS_MAX);
        assert_string_equal(journal_entry_get(entry, "F7"), "7");
        assert_string_equal(journal_entry_get(entry, "_T30"), "30");
        assert_null(journal_entry_get(entry, "F500"));
}

static void test_journal_entry_reset_forgets(void **state) {
        JournalEntry *entry = *state;

        add(entry, "A=1");
        entry->realtime_usec = 5;
        journal_entry_reset(entry);
        assert_int_equal(entry->realtime_usec, 0);
        assert_null(journal_entry_get(entry, "A"));
        add(entry, "B=2");
        assert_string_equal(journal_entry_get(entry, "B"), "2");
        assert_null(journal_entry_get(entry, "A"));
}

static void test_journal_entry_get_unsigned_strict(void **state) {
        static const struct {
                const char *field;
                bool is_number;
                uint64_t value;
        } rows[] = {
                { "A=0", true, 0 },
                { "A=42", true, 42 },
                { "A=18446744073709551615", true, UINT64_MAX },
                { "A=18446744073709551616", false, 0 },
                { "A=99999999999999999999999", false, 0 },
                { "A=", false, 0 },
                { "A=-1", false, 0 },
                { "A=+1", false, 0 },
                { "A= 1", false, 0 },
                { "A=1 ", false, 0 },
                { "A=0x10", false, 0 },
                { "A=infinity", false, 0 },
                { "B=1", false, 0 },
        };
        JournalEntry *entry = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint64_t value = 7;

                journal_entry_reset(entry);
                add(entry, rows[i].field);
                assert_int_equal(journal_entry_get_unsigned(entry, "A", &value), rows[i].is_number);
                assert_true(value == (rows[i].is_number ? rows[i].value : 7));
        }
}

static void test_journal_entry_get_usec_knows_infinity(void **state) {
        JournalEntry *entry = *state;
        usec_t usec = 7;

        add(entry, "A=infinity");
        add(entry, "B=1500000");
        add(entry, "C=1.5s");
        assert_true(journal_entry_get_usec(entry, "A", &usec));
        assert_true(usec == USEC_INFINITY);
        assert_true(journal_entry_get_usec(entry, "B", &usec));
        assert_true(usec == 1500000);
        assert_false(journal_entry_get_usec(entry, "C", &usec));
        assert_false(journal_entry_get_usec(entry, "D", &usec));
        assert_true(usec == 1500000);
}

static void test_journal_entry_get_bool_strict(void **state) {
        JournalEntry *entry = *state;
        bool value = false;

        add(entry, "A=yes");
        add(entry, "B=no");
        add(entry, "C=true");
        assert_true(journal_entry_get_bool(entry, "A", &value));
        assert_true(value);
        assert_true(journal_entry_get_bool(entry, "B", &value));
        assert_false(value);
        value = true;
        assert_false(journal_entry_get_bool(entry, "C", &value));
        assert_false(journal_entry_get_bool(entry, "D", &value));
        assert_true(value);
}

static void test_journal_entry_get_id_strict(void **state) {
        static const struct {
                const char *field;
                bool is_id;
        } rows[] = {
                { "A=c0010000000000000000000000000001", true },
                { "A=C0010000000000000000000000000001", true },
                { "A=c001000000000000000000000000001", false },
                { "A=c00100000000000000000000000000012", false },
                { "A=c0010000-0000-0000-0000-000000000001", false },
                { "A=g0010000000000000000000000000001", false },
                { "A=", false },
        };
        JournalEntry *entry = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                sd_id128_t id = SD_ID128_NULL;

                journal_entry_reset(entry);
                add(entry, rows[i].field);
                assert_int_equal(journal_entry_get_id(entry, "A", &id), rows[i].is_id);
                assert_int_equal(id.bytes[0], rows[i].is_id ? 0xc0 : 0);
        }
}

#define entry_test(function) cmocka_unit_test_setup_teardown(function, entry_setup, entry_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                entry_test(test_journal_entry_fields_are_found_by_name),
                entry_test(test_journal_entry_duplicate_first_counts),
                entry_test(test_journal_entry_no_field_is_passed_over),
                entry_test(test_journal_entry_nul_becomes_replacement),
                entry_test(test_journal_entry_long_value_is_cut),
                entry_test(test_journal_entry_many_fields_leave_place_for_trusted),
                entry_test(test_journal_entry_reset_forgets),
                entry_test(test_journal_entry_get_unsigned_strict),
                entry_test(test_journal_entry_get_usec_knows_infinity),
                entry_test(test_journal_entry_get_bool_strict),
                entry_test(test_journal_entry_get_id_strict),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
