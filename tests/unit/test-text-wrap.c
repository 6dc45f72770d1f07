/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text-wrap.h"

#define ACUTE "\xcc\x81" /* U+0301, stands on the character before it */

static char *text;

static int setup(void **state) {
        text = NULL;
        return 0;
}

static int teardown(void **state) {
        free(text);
        return 0;
}

static void test_text_columns_rows(void **state) {
        static const struct {
                const char *text;
                size_t columns;
        } rows[] = {
                { "", 0 }, { "drain", 5 }, { "täglich", 7 }, { "日本語", 6 },
                { "ﾊﾝｶｸ", 4 },                           /* half as wide by themselves */
                { "ＡＢ", 4 },                           /* and twice */
                { "e" ACUTE "a", 2 }, { "a\u3000b", 4 }, /* the blank of such text */
                { "✓ 🙂 …", 6 }, { "\ue000", 1 },  /* for private use */
                { "\U000e2000", 1 },                     /* not assigned */
                { "\xff\xc3", 2 },                       /* none: a column a byte */
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(text_columns(rows[i].text, strlen(rows[i].text)), rows[i].columns);
}

static void test_text_fit_rows(void **state) {
        static const struct {
                const char *text;
                size_t columns, size;
        } rows[] = {
                { "drain", 9, 5 },
                { "drain", 3, 3 },
                { "drain", 0, 0 },
                { "日本語", 4, 6 },
                { "日本語", 3, 3 }, /* half a character is none */
                { "日本語", 1, 0 },
                { "e" ACUTE "a", 1, 3 }, /* the mark goes with its character */
                { "täglich", 2, 3 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(text_fit(rows[i].text, rows[i].columns), rows[i].size);
}

static void test_text_cut_rows(void **state) {
        static const struct {
                const char *text;
                size_t columns;
                const char *mark, *cut;
        } rows[] = {
                { "gateway.service", 15, "…", "gateway.service" },
                { "gateway.service", 8, "…", "gateway…" },
                { "gateway.service", 8, "...", "gatew..." },
                { "日本語", 6, "…", "日本語" },
                { "日本語", 5, "…", "日本…" },
                { "日本語", 4, "…", "日…" },
                { "gateway", 1, "…", "…" },
                { "gateway", 2, "...", ".." },
                { "gateway", 0, "…", "" },
                { "", 0, "…", "" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                text = text_cut(rows[i].text, rows[i].columns, rows[i].mark);
                assert_non_null(text);
                assert_string_equal(text, rows[i].cut);
                free(text);
                text = NULL;
        }
}

static void test_text_reduce_other_characters_become_question_marks(void **state) {
        text = strdup("a täg 日本 \xff.");
        assert_non_null(text);
        text_reduce(text);
        assert_string_equal(text, "a t?g ?? ?.");
}

static void test_text_replace_unknown_keeps_what_has_a_width(void **state) {
        text = strdup("a\U000e2000 täg 日本 e" ACUTE " 🙂.");
        assert_non_null(text);
        text_replace_unknown(text);
        assert_string_equal(text, "a? täg 日本 e" ACUTE " 🙂.");
}

static void test_text_wrap_rows(void **state) {
        static const struct {
                const char *prefix, *text;
                size_t width;
                const char *wrapped;
        } rows[] = {
                { "", "", 10, "\n" },
                { "# ", "one two three", 0, "# one two three\n" },
                { "# ", "one two three", 9, "# one two\n# three\n" },
                { "# ", "one two three", 8, "# one\n# two\n# three\n" },
                { "", "unbreakable a", 4, "unbreakable\na\n" },
                { "", "日本 語日", 9, "日本 語日\n" },
                { "", "日本 語日", 8, "日本\n語日\n" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                size_t size;
                FILE *file = open_memstream(&text, &size);

                assert_non_null(file);
                text_wrap(file, rows[i].prefix, rows[i].text, rows[i].width);
                assert_int_equal(fclose(file), 0);
                assert_string_equal(text, rows[i].wrapped);
                free(text);
                text = NULL;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text_columns_rows),
                cmocka_unit_test(test_text_fit_rows),
                cmocka_unit_test_setup_teardown(test_text_cut_rows, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_text_reduce_other_characters_become_question_marks, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_text_replace_unknown_keeps_what_has_a_width, setup, teardown),
                cmocka_unit_test_setup_teardown(test_text_wrap_rows, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
