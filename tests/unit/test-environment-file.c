/* SPDX-License-Identifier: MIT */

/* Environments by example: what a file assigns, as systemd 252 reads it, and what the variables of a
 * command line become. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "units/environment-file.h"

static char **environment;
static char **words;

static int release(void **state) {
        environment = strv_free(environment);
        words = strv_free(words);
        return 0;
}

static void assert_list_equal(char *const list[], const char *const expected[]) {
        size_t n = 0;

        for (; expected[n]; n++) {
                assert_true(n < strv_length(list));
                assert_string_equal(list[n], expected[n]);
        }
        assert_int_equal(strv_length(list), n);
}

static const struct {
        const char *text;
        const char *assignments[4];
} file_rows[] = {
        { "", {} },
        { "A=1\nB=2", { "A=1", "B=2" } },
        { "A=1\r\nB=2\r\n", { "A=1", "B=2" } },
        { " \tA  = x y \t\n", { "A=x y" } },
        { "A=1\nA=2\n", { "A=2" } },
        { "A=1\nA=\n", { "A=" } },
        { "A=", { "A=" } },
        { "A==b=c", { "A==b=c" } },
        { "no assignment\nA=1", { "A=1" } },

        /* names */
        { "export A=1\nB=2", { "B=2" } },
        { "1A=1\n-B=2\nC.D=3\n=4\n_e1=5", { "_e1=5" } },
        { "\xc3\xa9=1\nA=\xc3\xa9", { "A=\xc3\xa9" } },

        /* comments */
        { "#A=1\n ; B=2\nC=3", { "C=3" } },
        { "A=1 # 2\nB=#3\nC=;4", { "A=1 # 2", "B=#3", "C=;4" } },
        { "# on \\\nA=1\nB=2", { "B=2" } },
        { "#\\\\\nB=2", { "B=2" } },

        /* quotes */
        { "A='x y'\nB=\"x y\"", { "A=x y", "B=x y" } },
        { "A=  \" x \"  ", { "A= x " } },
        { "A='x'\"y\" z w", { "A=xyz w" } },
        { "A=x'y'\"z\"", { "A=x'y'\"z\"" } },
        { "A='x\ny\\n'\nB=\"x\ny\"", { "A=x\ny\\n", "B=x\ny" } },
        { "A='open\nB=2\n", { "A=open\nB=2\n" } },
        { "A=\"open", { "A=open" } },
        { "A=''", { "A=" } },

        /* escapes */
        { "A=\"a\\\"b\\\\c\\`d\\$e\\nf\"", { "A=a\"b\\c`d$e\\nf" } },
        { "A=a\\\"b\\nc\\\\", { "A=a\"bnc\\" } },
        { "A=\\'x\\'", { "A='x'" } },
        { "A=x\\\n  y\nB=\"x\\\n  y\"", { "A=x  y", "B=x  y" } },
        { "A=x \\\n\nB=2", { "A=x ", "B=2" } },
        { "A=x\\  \nB=2", { "A=x ", "B=2" } },
        { "A=x \\", { "A=x " } },
        { "A=\"x\\", { "A=x" } },
        { "A=$B ${C}", { "A=$B ${C}" } },
};

static void test_environment_file_text_is_read_as_systemd_does(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(file_rows); i++) {
                assert_int_equal(environment_apply_text(&environment, file_rows[i].text), 0);
                assert_list_equal(environment, file_rows[i].assignments);
                (void) release(state);
        }
}

static void test_environment_file_text_overrides_what_is_set(void **state) {
        static const char *const expected[] = { "A=2", "B=3", "C=4", NULL };

        assert_int_equal(environment_set(&environment, "A=1"), 0);
        assert_int_equal(environment_set(&environment, "B=3"), 0);
        assert_int_equal(environment_apply_text(&environment, "C=4\nA=2\n"), 0);
        assert_list_equal(environment, expected);
}

static void test_environment_file_no_utf8_changes_nothing(void **state) {
        static const char *const expected[] = { "A=1", NULL };
        static const char *const texts[] = { "A=2\nB=\xff\n", "A=2\n\xc3=1",
                "A=2\nB='\xed\xa0\x80'" };

        assert_int_equal(environment_set(&environment, "A=1"), 0);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                assert_int_equal(environment_apply_text(&environment, texts[i]), -EBADMSG);
                assert_list_equal(environment, expected);
        }
        assert_int_equal(environment_apply_text(&environment, "# \xff\n"), 0);
}

static void test_environment_set_no_assignment_is_refused(void **state) {
        static const char *const texts[] = { "", "A", "=1", "1A=1", "A B=1", "A-B=1",
                "\xc3\xa9=1" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                assert_int_equal(environment_set(&environment, texts[i]), -EINVAL);
        assert_null(environment);
}

static void test_environment_get_finds_whole_names(void **state) {
        assert_null(environment_get(environment, "A"));
        assert_int_equal(environment_apply_text(&environment, "AB=1\nA=2\nC=\n"), 0);
        assert_string_equal(environment_get(environment, "A"), "2");
        assert_string_equal(environment_get(environment, "AB"), "1");
        assert_string_equal(environment_get(environment, "C"), "");
        assert_null(environment_get(environment, "B"));
        assert_null(environment_get(environment, "ABC"));
}

/* systemd.service(5)'s own example is among them. */
static const struct {
        const char *word;
        const char *words[4];
} word_rows[] = {
        { "plain", { "plain" } },
        { "", { "" } },

        { "$ONE", { "one" } },
        { "$TWO", { "two two", "too" } },
        { "$THREE", {} },
        { "$UNSET", {} },
        { "$", {} },
        { "$ONE,", {} },
        { "$ESCAPES", { "a b", "c\"d", "e" } },
        { "$OPEN", { "a", "b c" } },

        { "${ONE}", { "'one'" } },
        { "${TWO}", { "'two two' too" } },
        { "${THREE}", { "" } },
        { "${UNSET}", { "" } },
        { "a${PLAIN}b${PLAIN}", { "axbx" } },
        { "--x=$PLAIN", { "--x=$PLAIN" } },
        { "${ONE", { "${ONE" } },
        { "${ONE$$ ", { "${ONE$$ " } },
        { "${}", { "" } },
        { "${PLAIN:-${PLAIN}}", { "${PLAIN:-x}" } },

        { "$$PLAIN", { "$PLAIN" } },
        { "a$${PLAIN}$$", { "a${PLAIN}$" } },
        { "a$", { "a$" } },
};

static void test_environment_word_is_expanded_as_systemd_does(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(word_rows); i++) {
                assert_int_equal(environment_set(&environment, "ONE='one'"), 0);
                assert_int_equal(environment_set(&environment, "TWO='two two' too"), 0);
                assert_int_equal(environment_set(&environment, "THREE="), 0);
                assert_int_equal(environment_set(&environment, "PLAIN=x"), 0);
                assert_int_equal(environment_set(&environment, "ESCAPES=a\\ b 'c\\\"d' \\e\\"), 0);
                assert_int_equal(environment_set(&environment, "OPEN= a \"b c"), 0);
                assert_int_equal(
                        environment_expand_word(environment, word_rows[i].word, &words), 0);
                assert_list_equal(words, word_rows[i].words);
                (void) release(state);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(
                        test_environment_file_text_is_read_as_systemd_does, release),
                cmocka_unit_test_teardown(
                        test_environment_file_text_overrides_what_is_set, release),
                cmocka_unit_test_teardown(test_environment_file_no_utf8_changes_nothing, release),
                cmocka_unit_test_teardown(test_environment_set_no_assignment_is_refused, release),
                cmocka_unit_test_teardown(test_environment_get_finds_whole_names, release),
                cmocka_unit_test_teardown(
                        test_environment_word_is_expanded_as_systemd_does, release),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
