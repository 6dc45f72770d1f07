/* SPDX-License-Identifier: MIT */

/* Lists of strings: what NULL, the empty list, is good for, and who owns what. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "strv.h"

typedef struct Fixture {
        char **list, **copy;
} Fixture;

static int strv_setup(void **state) {
        *state = calloc(1, sizeof(Fixture));
        return *state ? 0 : -1;
}

static int strv_teardown(void **state) {
        Fixture *fixture = *state;

        (void) strv_free(fixture->list);
        (void) strv_free(fixture->copy);
        free(fixture);
        return 0;
}

static void test_strv_null_is_the_empty_list(void **state) {
        Fixture *fixture = *state;
        char *empty[] = { NULL };

        assert_int_equal(strv_length(NULL), 0);
        assert_int_equal(strv_length(empty), 0);
        assert_false(strv_contains(NULL, ""));
        assert_false(strv_contains(empty, ""));
        assert_null(strv_free(NULL));

        assert_int_equal(strv_copy(NULL, &fixture->copy), 0);
        assert_int_equal(strv_length(fixture->copy), 0);
        assert_int_equal(strv_copy(empty, &fixture->copy), 0);
        assert_int_equal(strv_length(fixture->copy), 0);
}

static void test_strv_extend_many_keeps_order_and_end(void **state) {
        Fixture *fixture = *state;
        char text[16];

        for (int i = 0; i < 100; i++) {
                (void) snprintf(text, sizeof(text), "%d", i);
                assert_int_equal(strv_extend(&fixture->list, text), 0);
                assert_int_equal(strv_length(fixture->list), i + 1);
                assert_null(fixture->list[i + 1]);
        }
        assert_string_equal(fixture->list[0], "0");
        assert_string_equal(fixture->list[37], "37");
        assert_string_equal(fixture->list[99], "99");
}

static void test_strv_extend_text_changes_list_does_not(void **state) {
        Fixture *fixture = *state;
        char text[] = "abc";

        assert_int_equal(strv_extend(&fixture->list, text), 0);
        text[0] = 'x';
        assert_string_equal(fixture->list[0], "abc");
}

static void test_strv_copy_original_changes_copy_does_not(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(strv_extend(&fixture->list, "a"), 0);
        assert_int_equal(strv_extend(&fixture->list, ""), 0);
        assert_int_equal(strv_copy(fixture->list, &fixture->copy), 0);
        fixture->list[0][0] = 'x';
        assert_int_equal(strv_extend(&fixture->list, "b"), 0);

        assert_int_equal(strv_length(fixture->copy), 2);
        assert_string_equal(fixture->copy[0], "a");
        assert_string_equal(fixture->copy[1], "");
        assert_null(fixture->copy[2]);
}

static void test_strv_contains_whole_texts_only(void **state) {
        static const struct {
                const char *text;
                bool is_there;
        } rows[] = {
                { "abc", true },
                { "", true },
                { "d", true },
                { "ab", false },
                { "abcd", false },
                { "ABC", false },
                { "D", false },
        };
        Fixture *fixture = *state;

        assert_int_equal(strv_extend(&fixture->list, "abc"), 0);
        assert_false(strv_contains(fixture->list, ""));
        assert_int_equal(strv_extend(&fixture->list, ""), 0);
        assert_int_equal(strv_extend(&fixture->list, "d"), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strv_contains(fixture->list, rows[i].text) != rows[i].is_there)
                        fail_msg("not %d: %s", rows[i].is_there, rows[i].text);
}

static void test_strv_free_gives_null(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(strv_extend(&fixture->list, "a"), 0);
        fixture->list = strv_free(fixture->list);
        assert_null(fixture->list);
}

#define strv_test(function) cmocka_unit_test_setup_teardown(function, strv_setup, strv_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                strv_test(test_strv_null_is_the_empty_list),
                strv_test(test_strv_extend_many_keeps_order_and_end),
                strv_test(test_strv_extend_text_changes_list_does_not),
                strv_test(test_strv_copy_original_changes_copy_does_not),
                strv_test(test_strv_contains_whole_texts_only),
                strv_test(test_strv_free_gives_null),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
