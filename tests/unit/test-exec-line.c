/* SPDX-License-Identifier: MIT */

/* Command lines of units by example: the rows that read a line say what systemd 252 made of it, by its
 * own dump. And the way back: whatever the bytes of a word, its quoted form reads as the word. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "strv.h"
#include "units/exec-line.h"

static ExecLine line;
static char *text;
static char **list;

static int release(void **state) {
        list = strv_free(list);
        exec_line_done(&line);
        free(text);
        text = NULL;
        return 0;
}

static const struct {
        const char *text;
        unsigned flags;
        const char *words[8];
} valid_rows[] = {
        /* words and quotes */
        { "/bin/echo", 0, { "/bin/echo" } },
        { " \t/bin/echo  a\tb \r\n c ", 0, { "/bin/echo", "a", "b", "c" } },
        { "sleep infinity", 0, { "sleep", "infinity" } },
        { "/bin/echo a\"b c\"d'e f' '' \"\"", 0, { "/bin/echo", "ab cde f", "", "" } },
        { "/bin/echo \"it's\" 'a \"b\"'", 0, { "/bin/echo", "it's", "a \"b\"" } },
        { "\"/bin/ec ho\" sp", 0, { "/bin/ec ho", "sp" } },
        { "/bin/echo a\fb\vc", 0, { "/bin/echo", "a\fb\vc" } },
        { "/bin/echo # no comment", 0, { "/bin/echo", "#", "no", "comment" } },

        /* escapes, in and outside of quotes */
        { "/bin/echo \\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\'\\s", 0,
                { "/bin/echo", "\a\b\f\n\r\t\v\\\"' " } },
        { "/bin/echo \"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\'\\s\"", 0,
                { "/bin/echo", "\a\b\f\n\r\t\v\\\"' " } },
        { "/bin/echo a\\x41\\101\\s\\u0041\\t", 0, { "/bin/echo", "aAA A\t" } },
        { "/bin/echo \\xff\\377\\xC3\\xa4", 0, { "/bin/echo", "\xff\xff\xc3\xa4" } },
        { "/bin/echo \\u00e9\\u20ac\\U0001F600\\U0000007a", 0,
                { "/bin/echo", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z" } },
        { "/bin/echo \\ud800x", 0, { "/bin/echo", "\xed\xa0\x80x" } },
        { "/bin/echo 'c\\'d' \"e\\\"f\"", 0, { "/bin/echo", "c'd", "e\"f" } },

        /* unknown escapes stay as they are written */
        { "/bin/echo a\\qb \"x\\yz\" a\\;b", 0, { "/bin/echo", "a\\qb", "x\\yz", "a\\;b" } },
        { "/bin/echo \\777 \\18 \\x00 \\000 \\xg1 \\x4", 0,
                { "/bin/echo", "\\777", "\\18", "\\x00", "\\000", "\\xg1", "\\x4" } },
        { "/bin/echo \\u0000 \\u12 \\U0000fffe \\U00110000 \\U0000d800 \\U00000000", 0,
                { "/bin/echo", "\\u0000", "\\u12", "\\U0000fffe", "\\U00110000", "\\U0000d800",
                        "\\U00000000" } },
        { "/bin/echo a\\ b trail\\", 0, { "/bin/echo", "a\\ b", "trail\\" } },

        /* specifiers and variables are another layer's */
        { "%h/bin/x %n %% $FOO ${X} $$", 0, { "%h/bin/x", "%n", "%%", "$FOO", "${X}", "$$" } },

        /* semicolons */
        { "/bin/echo a;b ;c \\; \";\" ';'", 0, { "/bin/echo", "a;b", ";c", ";", ";", ";" } },
        { "/bin/echo \"\\;\"", 0, { "/bin/echo", "\\;" } },
        { "/bin/echo tail ;", 0, { "/bin/echo", "tail" } },
        { "/bin/echo tail ; ; ", 0, { "/bin/echo", "tail" } },
        { "; /bin/echo lead", 0, { "/bin/echo", "lead" } },
        { "\";\" ; /bin/echo lead", 0, { "/bin/echo", "lead" } },

        /* prefixes */
        { "-/bin/x", EXEC_IGNORE_FAILURE, { "/bin/x" } },
        { "@/bin/sh -sh", EXEC_ARGV0, { "/bin/sh", "-sh" } },
        { "+/bin/x", EXEC_PRIVILEGED, { "/bin/x" } },
        { "!/bin/x", EXEC_NO_SETUID, { "/bin/x" } },
        { "!!/bin/x", EXEC_AMBIENT, { "/bin/x" } },
        { "!-!/bin/x", EXEC_AMBIENT | EXEC_IGNORE_FAILURE, { "/bin/x" } },
        { ":/bin/x $a", EXEC_NO_EXPAND, { "/bin/x", "$a" } },
        { "|/bin/x", EXEC_VIA_SHELL, { "/bin/x" } },
        { "|", EXEC_VIA_SHELL, { "" } },
        { "-:+@x y", EXEC_IGNORE_FAILURE | EXEC_NO_EXPAND | EXEC_PRIVILEGED | EXEC_ARGV0,
                { "x", "y" } },
        { "--foo a", EXEC_IGNORE_FAILURE, { "-foo", "a" } },
        { "+!foo a", EXEC_PRIVILEGED, { "!foo", "a" } },
        { "!!!foo a", EXEC_AMBIENT, { "!foo", "a" } },
        { "\"-@/bin/echo\" \"zero one\" x", EXEC_IGNORE_FAILURE | EXEC_ARGV0,
                { "/bin/echo", "zero one", "x" } },
        { "-\"/bin/a b\" c", EXEC_IGNORE_FAILURE, { "/bin/a b", "c" } },
        { "\\x2d/bin/x a", EXEC_IGNORE_FAILURE, { "/bin/x", "a" } },
};

static void assert_words_equal(const ExecLine *read, const char *const words[]) {
        size_t n = 0;

        for (; words[n]; n++) {
                assert_true(n < read->n_words);
                assert_string_equal(read->words[n].text, words[n]);
        }
        assert_int_equal(read->n_words, n);
}

static void test_exec_line_valid_text_is_read_as_systemd_does(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(valid_rows); i++) {
                assert_int_equal(exec_line_parse(valid_rows[i].text, &line), 0);
                assert_words_equal(&line, valid_rows[i].words);
                assert_int_equal(line.flags, valid_rows[i].flags);
                assert_false(line.has_more);
                assert_null(line.rest);
                exec_line_done(&line);
        }
}

static const struct {
        const char *text;
        int error;
} invalid_rows[] = {
        { "", -ENODATA },
        { " \t", -ENODATA },
        { ";", -ENODATA },
        { " ; ;", -ENODATA },
        { "\";\"", -ENODATA },
        { "-", -EINVAL },
        { "- /bin/x", -EINVAL },
        { "@- a", -EINVAL },
        { "\"\" a", -EINVAL },
        { "/bin/echo \"open", -EINVAL },
        { "/bin/echo 'open\"", -EINVAL },
        { "/bin/echo \"open\\", -EINVAL },
        { "/bin/echo \"open\\\"", -EINVAL },
        { "'/bin/echo", -EINVAL },
        { "+!!/bin/x a", -EINVAL },
        { "!+/bin/x a", -EINVAL },
        { "@/bin/sh", -EINVAL },
        { "@/bin/sh ; /bin/x", -EINVAL },
        { "foo/bar a", -EINVAL },
        { "./x", -EINVAL },
        { "/bin/ a", -EINVAL },
        { "/", -EINVAL },
        { ".", -EINVAL },
        { "..", -EINVAL },
        { "/bin/a\\tb", -EINVAL },
        { "/bin/a\\\\b", -EINVAL },
        { "\\; /bin/x", -EINVAL },
        { "\"/bin/a'b\"", -EINVAL },
};

static void test_exec_line_invalid_text_is_refused(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(invalid_rows); i++)
                assert_int_equal(
                        exec_line_parse(invalid_rows[i].text, &line), invalid_rows[i].error);
}

static void test_exec_line_two_commands_leaves_the_second(void **state) {
        static const char *const first[] = { "/bin/a", "b", NULL },
                                 *const second[] = { "/bin/c", "d", NULL };
        const char *rest;

        assert_int_equal(exec_line_parse("-/bin/a b ;; ; ; -/bin/c d", &line), 0);
        assert_int_equal(line.n_words, 3);
        exec_line_done(&line);

        text = strdup("-/bin/a b ; ; /bin/c d ;");
        assert_int_equal(exec_line_parse(text, &line), 0);
        assert_words_equal(&line, first);
        assert_true(line.has_more);
        rest = line.rest;
        assert_ptr_equal(rest, text + strlen("-/bin/a b ; ; "));
        exec_line_done(&line);

        assert_int_equal(exec_line_parse(rest, &line), 0);
        assert_words_equal(&line, second);
        assert_int_equal(line.flags, 0);
        assert_false(line.has_more);
}

static const struct {
        const char *text;
        const char *body;
        const char *spans[5];
} span_rows[] = {
        { "/bin/x a", "/bin/x a", { "/bin/x", "a" } },
        { " -@/bin/x \"y z\"  a'b c'\\x20d \\; ", "/bin/x \"y z\"  a'b c'\\x20d \\; ",
                { "/bin/x", "\"y z\"", "a'b c'\\x20d", "\\;" } },
        { "; +\"/bin/%n x\" ${A} ; /bin/y", "\"/bin/%n x\" ${A} ; /bin/y",
                { "\"/bin/%n x\"", "${A}" } },
        { "\"-/bin/x\"\t a b ; c", "/bin/x a b ; c", { "/bin/x", "a", "b" } },
        { "-\"@/bin/x y\" 'a'", "\"/bin/x y\" 'a'", { "\"/bin/x y\"", "'a'" } },
};

static void test_exec_line_spans_are_the_words_as_written(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(span_rows); i++) {
                size_t n = 0;

                assert_int_equal(exec_line_parse(span_rows[i].text, &line), 0);
                assert_string_equal(line.body, span_rows[i].body);
                for (; span_rows[i].spans[n]; n++) {
                        assert_true(n < line.n_words);
                        assert_int_equal(line.words[n].length, strlen(span_rows[i].spans[n]));
                        assert_memory_equal(
                                line.words[n].span, span_rows[i].spans[n], line.words[n].length);
                }
                assert_int_equal(line.n_words, n);
                exec_line_done(&line);
        }
}

static const struct {
        const char *text;
        int result;
        const char *words[5];
} list_rows[] = {
        { "", 0, {} },
        { " A=1  \"B=x y\" 'C=\"q\"' ", 0, { "A=1", "B=x y", "C=\"q\"" } },
        { "D=/x/ -E=./y ; F=\\x41", 0, { "D=/x/", "-E=./y", ";", "F=A" } },
        { "A=1 B=\\d C=2", -EINVAL, { "A=1" } },
        { "A=1 B=\"un C=2", -EINVAL, { "A=1" } },
        { "A=1 B=2\\", -EINVAL, { "A=1" } },
};

static void test_exec_words_split_takes_what_systemd_takes(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(list_rows); i++) {
                assert_int_equal(exec_words_split(list_rows[i].text, &list), list_rows[i].result);
                for (size_t n = 0; n < strv_length(list); n++) {
                        assert_non_null(list_rows[i].words[n]);
                        assert_string_equal(list[n], list_rows[i].words[n]);
                }
                assert_null(list_rows[i].words[strv_length(list)]);
                (void) release(state);
        }
}

static void test_exec_flags_any_are_written_as_they_are_read(void **state) {
        static const unsigned users[] = { 0, EXEC_PRIVILEGED, EXEC_NO_SETUID, EXEC_AMBIENT };
        const unsigned others = EXEC_ARGV0 | EXEC_IGNORE_FAILURE | EXEC_NO_EXPAND | EXEC_VIA_SHELL;

        for (size_t i = 0; i < ELEMENTSOF(users); i++)
                for (unsigned bits = 0; bits < 128; bits++) {
                        unsigned flags = users[i] | (bits & others);
                        char prefix[EXEC_PREFIX_MAX];

                        assert_true(asprintf(&text, "%s/bin/x y",
                                            exec_flags_to_prefix(flags, prefix)) > 0);
                        assert_int_equal(exec_line_parse(text, &line), 0);
                        assert_int_equal(line.flags, flags);
                        (void) release(state);
                }
}

static void test_exec_flag_bus_name_is_known(void **state) {
        assert_int_equal(exec_flag_from_string("ignore-failure"), EXEC_IGNORE_FAILURE);
        assert_int_equal(exec_flag_from_string("privileged"), EXEC_PRIVILEGED);
        assert_int_equal(exec_flag_from_string("no-setuid"), EXEC_NO_SETUID);
        assert_int_equal(exec_flag_from_string("ambient"), EXEC_AMBIENT);
        assert_int_equal(exec_flag_from_string("no-env-expand"), EXEC_NO_EXPAND);
        assert_int_equal(exec_flag_from_string("via-shell"), EXEC_VIA_SHELL);
        assert_int_equal(exec_flag_from_string(""), 0);
        assert_int_equal(exec_flag_from_string("Privileged"), 0);
}

static const struct {
        const char *word;
        unsigned quote;
        const char *written;
} quote_rows[] = {
        { "plain", 0, "plain" },
        { "--drain-timeout=3min", 0, "--drain-timeout=3min" },
        { "a;b#c", 0, "a;b#c" },
        { "gr\xc3\xbc\xc3\x9f", 0, "gr\xc3\xbc\xc3\x9f" },
        { "", 0, "\"\"" },
        { ";", 0, "\";\"" },
        { "#x", 0, "\"#x\"" },
        { "1min 30s", 0, "\"1min 30s\"" },
        { "it's", 0, "\"it's\"" },
        { "{\"a\": 1}", 0, "'{\"a\": 1}'" },
        { "'\"", 0, "\"'\\\"\"" },
        { "a\\b", 0, "\"a\\\\b\"" },
        { "a\nb\x7f", 0, "\"a\\x0ab\\x7f\"" },
        { "\xff\xc3", 0, "\"\\xff\\xc3\"" },
        { "\xc2\x85", 0, "\"\\xc2\\x85\"" },
        { "\xef\xbf\xbe", 0, "\"\\xef\\xbf\\xbe\"" },
        { "\xef\xb7\x90", 0, "\"\\xef\\xb7\\x90\"" },
        { "\xf0\x9f\xbf\xbf", 0, "\"\\xf0\\x9f\\xbf\\xbf\"" },
        { "\xef\xbf\xbd\xf0\x9f\x98\x80", 0, "\xef\xbf\xbd\xf0\x9f\x98\x80" },
        { "5%$x", 0, "5%$x" },
        { "5%$x", EXEC_QUOTE_SPECIFIERS, "5%%$x" },
        { "5%$x", EXEC_QUOTE_VARIABLES, "5%$$x" },
        { "5% $x", EXEC_QUOTE_SPECIFIERS | EXEC_QUOTE_VARIABLES, "\"5%% $$x\"" },
};

static void test_exec_word_quoted_reads_well(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(quote_rows); i++) {
                text = exec_word_quote(quote_rows[i].word, quote_rows[i].quote);
                assert_non_null(text);
                assert_string_equal(text, quote_rows[i].written);
                (void) release(state);
        }
}

static void assert_round_trip(const char *word) {
        char *quoted = exec_word_quote(word, 0);
        int r = quoted ? asprintf(&text, "/bin/x %s end", quoted) : -1;

        free(quoted);
        assert_true(r > 0);
        assert_int_equal(exec_line_parse(text, &line), 0);
        assert_int_equal(line.n_words, 3);
        assert_string_equal(line.words[1].text, word);
        (void) release(NULL);
}

static void test_exec_word_any_two_bytes_come_back(void **state) {
        for (unsigned first = 1; first <= UINT8_MAX; first++)
                for (unsigned second = 0; second <= UINT8_MAX; second++)
                        assert_round_trip((char[]){ (char) first, (char) second, '\0' });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(
                        test_exec_line_valid_text_is_read_as_systemd_does, release),
                cmocka_unit_test_teardown(test_exec_line_invalid_text_is_refused, release),
                cmocka_unit_test_teardown(test_exec_line_two_commands_leaves_the_second, release),
                cmocka_unit_test_teardown(test_exec_line_spans_are_the_words_as_written, release),
                cmocka_unit_test_teardown(
                        test_exec_flags_any_are_written_as_they_are_read, release),
                cmocka_unit_test_teardown(test_exec_words_split_takes_what_systemd_takes, release),
                cmocka_unit_test(test_exec_flag_bus_name_is_known),
                cmocka_unit_test_teardown(test_exec_word_quoted_reads_well, release),
                cmocka_unit_test_teardown(test_exec_word_any_two_bytes_come_back, release),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
