/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal-fixture.h"
#include "report/journal-query.h"

#define BOOT_1 "b1000000000000000000000000000000"
#define BOOT_2 "b2000000000000000000000000000000"
#define BOOT_3 "b3000000000000000000000000000000"
#define NOBODY "b9000000000000000000000000000000"

static JournalQuery *query;
static JournalEntry entry;

static int boots_teardown(void **state) {
        query = journal_query_free(query);
        journal_entry_done(&entry);
        return journal_teardown(state);
}

#define boots_test(function) \
        cmocka_unit_test_setup_teardown(function, journal_setup, boots_teardown)

static void open_journal(void) {
        JournalSource source = { .directory = fixture_directory };
        char error[JOURNAL_ERROR_MAX];

        assert_int_equal(journal_query_new(&source, &query, error), 0);
}

static void write_boots(void) {
        static const char *const boots[] = { BOOT_1, BOOT_2, BOOT_3 };

        fixture_journal_begin();
        for (size_t i = 0; i < ELEMENTSOF(boots); i++)
                for (unsigned k = 0; k < 5; k++)
                        /* The second boot has no clock. */
                        fixture_foreign("MESSAGE", boots[i], "_BOOT_ID", boots[i],
                                "__REALTIME_TIMESTAMP",
                                i == 1           ? "5000000"
                                        : i == 0 ? "1000000000"
                                                 : "2000000000",
                                NULL);
        fixture_journal_finish("a.journal");
        open_journal();
}

static void test_journal_boots_names_are_journalctl_s(void **state) {
        static const struct {
                const char *text;
                int result;
                const char *id;
        } rows[] = {
                { "", 0, BOOT_3 },
                { "0", 0, BOOT_3 },
                { "-0", 0, BOOT_3 },
                { "+0", 0, BOOT_3 },
                { "-1", 0, BOOT_2 },
                { "-2", 0, BOOT_1 },
                { "-3", -ENODATA, NULL },
                { "-999999999", -ENODATA, NULL },
                { "1", 0, BOOT_1 },
                { "+1", 0, BOOT_1 },
                { "2", 0, BOOT_2 },
                { "3", 0, BOOT_3 },
                { "4", -ENODATA, NULL },
                { BOOT_2, 0, BOOT_2 },
                { "B2000000000000000000000000000000", 0, BOOT_2 },
                { BOOT_2 "-1", 0, BOOT_1 },
                { BOOT_2 "+1", 0, BOOT_3 },
                { BOOT_2 "-0", 0, BOOT_2 },
                { BOOT_3 "-2", 0, BOOT_1 },
                { BOOT_1 "-1", -ENODATA, NULL },
                { BOOT_3 "+1", -ENODATA, NULL },
                { NOBODY, -ENODATA, NULL },
                { NOBODY "-1", -ENODATA, NULL },
                { "x", -EINVAL, NULL },
                { "-", -EINVAL, NULL },
                { "1x", -EINVAL, NULL },
                { " 1", -EINVAL, NULL },
                { "--1", -EINVAL, NULL },
                { "9999999999", -EINVAL, NULL },
                { BOOT_2 "x", -EINVAL, NULL },
                { BOOT_2 "-", -EINVAL, NULL },
                { BOOT_2 "1", -EINVAL, NULL },
                { "b200000000000000000000000000000", -EINVAL, NULL },
        };
        char text[SD_ID128_STRING_MAX];

        write_boots();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                sd_id128_t id = SD_ID128_NULL;

                assert_int_equal(journal_query_find_boot(query, rows[i].text, &id), rows[i].result);
                assert_string_equal(sd_id128_to_string(id, text),
                        rows[i].id ?: "00000000000000000000000000000000");
        }
}

static void test_journal_boots_empty_journal_has_none(void **state) {
        static const char *const rows[] = { "", "0", "-1", "1", BOOT_1 };
        sd_id128_t id;

        open_journal();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(journal_query_find_boot(query, rows[i], &id), -ENODATA);
}

static void test_journal_boots_question_goes_on(void **state) {
        const char *const terms[] = { "MESSAGE=" BOOT_2, NULL };
        sd_id128_t id;
        unsigned n = 0;

        write_boots();
        assert_int_equal(journal_query_ask(query, &(JournalQuestion){ .terms = terms }), 0);
        while (journal_query_next(query, &entry) > 0) {
                assert_string_equal(journal_entry_get(&entry, "MESSAGE"), BOOT_2);
                assert_int_equal(journal_query_find_boot(query, "1", &id), 0);
                n++;
        }
        assert_int_equal(n, 5);
}

static void test_journal_boots_lying_across_each_other_end(void **state) {
        static const char *const boots[] = { BOOT_1, BOOT_2, BOOT_1, BOOT_3, BOOT_2, BOOT_1 };
        sd_id128_t id;

        fixture_journal_begin();
        for (size_t i = 0; i < ELEMENTSOF(boots); i++)
                fixture_foreign("MESSAGE", boots[i], "_BOOT_ID", boots[i], NULL);
        fixture_journal_finish("a.journal");
        open_journal();
        assert_int_equal(journal_query_find_boot(query, "-1000", &id), -ENODATA);
        assert_int_equal(journal_query_find_boot(query, "1000", &id), -ENODATA);
        assert_int_equal(journal_query_find_boot(query, BOOT_3, &id), 0);
}

static void test_journal_boots_own_present_one_needs_no_entry(void **state) {
        JournalSource source = {};
        char error[JOURNAL_ERROR_MAX];
        sd_id128_t id, present;

        assert_int_equal(sd_id128_get_boot(&present), 0);
        if (journal_query_new(&source, &query, error) < 0)
                skip(); /* not permitted */
        assert_int_equal(journal_query_find_boot(query, "", &id), 0);
        assert_true(sd_id128_equal(id, present));
        assert_int_equal(journal_query_find_boot(query, "0", &id), 0);
        assert_true(sd_id128_equal(id, present));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                boots_test(test_journal_boots_names_are_journalctl_s),
                boots_test(test_journal_boots_empty_journal_has_none),
                boots_test(test_journal_boots_question_goes_on),
                boots_test(test_journal_boots_lying_across_each_other_end),
                boots_test(test_journal_boots_own_present_one_needs_no_entry),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
