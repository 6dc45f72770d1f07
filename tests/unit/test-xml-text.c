/* SPDX-License-Identifier: MIT */

/* Escaping, by rows, and what holds for every character and every byte: what comes out is XML 1.0. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "report/xml-text.h"
#include "utf8.h"

#define NONE "\xef\xbf\xbd"

typedef struct Output {
        char *text;
        size_t size;
} Output;

static int setup(void **state) {
        *state = calloc(1, sizeof(Output));
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        Output *output = *state;

        free(output->text);
        free(output);
        return 0;
}

static const char *written(void **state, const char *text, size_t size, XmlMode mode) {
        Output *output = *state;
        FILE *file;

        free(output->text);
        output->text = NULL;
        file = open_memstream(&output->text, &output->size);
        assert_non_null(file);
        xml_write_part(file, text, size, mode);
        assert_int_equal(fclose(file), 0);
        return output->text;
}

static const struct {
        const char *text, *lines, *line;
} rows[] = {
        { "", "", "" },
        { "plain", "plain", "plain" },
        { "a&b", "a&amp;b", "a&amp;b" },
        { "</script>", "&lt;/script&gt;", "&lt;/script&gt;" },
        { "]]>", "]]&gt;", "]]&gt;" },
        { "<!-- -->", "&lt;!-- --&gt;", "&lt;!-- --&gt;" },
        { "&amp;", "&amp;amp;", "&amp;amp;" },
        { "\"'", "&quot;&#39;", "&quot;&#39;" },
        { "a\nb\tc", "a\nb\tc", "a b c" },
        { "a\rb", "a?b", "a?b" },
        { "\x1b[31mred\x07", "?[31mred?", "?[31mred?" },
        { "\x7f", "?", "?" },
        { "\xc2\x9b"
          "31m",
                "?31m", "?31m" },
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
        { "\xe6\x97\xa5 \xf0\x9f\x90\xa7", "\xe6\x97\xa5 \xf0\x9f\x90\xa7",
                "\xe6\x97\xa5 \xf0\x9f\x90\xa7" },
        { "\xc2\xad", "?", "?" },                             /* soft hyphen */
        { "\xd8\x9c", "?", "?" },                             /* U+061C */
        { "\xe2\x80\x8b", "?", "?" },                         /* U+200B */
        { "\xe2\x80\x8e", "?", "?" },                         /* U+200E */
        { "a\xe2\x80\xaetxt.exe", "a?txt.exe", "a?txt.exe" }, /* U+202E */
        { "\xe2\x80\xa8", "?", "?" },                         /* U+2028 */
        { "\xe2\x81\xa6", "?", "?" },                         /* U+2066 */
        { "\xe2\x81\xa9", "?", "?" },                         /* U+2069 */
        { "\xef\xbb\xbf", "?", "?" },                         /* U+FEFF */
        { "\xf3\xa0\x81\x81", "?", "?" },                     /* U+E0041 */
        { "\xe2\x80\x90", "\xe2\x80\x90", "\xe2\x80\x90" },   /* U+2010: one behind them */
        { "\xef\xbf\xbe", NONE, NONE },                       /* U+FFFE */
        { "\xef\xbf\xbf", NONE, NONE },                       /* U+FFFF */
        { "\xf4\x8f\xbf\xbf", NONE, NONE },                   /* U+10FFFF */
        { "\xef\xb7\x90", NONE, NONE },                       /* U+FDD0 */
        { "\xff<", NONE "&lt;", NONE "&lt;" },
        { "\xc3", NONE, NONE },
        { "\xc3<", NONE "&lt;", NONE "&lt;" },
        { "\xe2\x82", NONE NONE, NONE NONE },
        { "\xc0\xbc", NONE NONE, NONE NONE }, /* an overlong "<" */
        { "\xed\xa0\x80", NONE NONE NONE, NONE NONE NONE },
};

static void test_xml_write_rows_are_escaped(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_string_equal(
                        written(state, rows[i].text, SIZE_MAX, XML_LINES), rows[i].lines);
                assert_string_equal(written(state, rows[i].text, SIZE_MAX, XML_LINE), rows[i].line);
        }
}

static void test_xml_write_null_writes_nothing(void **state) {
        assert_string_equal(written(state, NULL, SIZE_MAX, XML_LINE), "");
}

static void test_xml_write_part_ends_at_size(void **state) {
        assert_string_equal(written(state, "ab&c", 3, XML_LINE), "ab&amp;");
        assert_string_equal(written(state, "ab&c", 2, XML_LINE), "ab");
        assert_string_equal(written(state, "ab", 0, XML_LINE), "");
        /* A character that the size cuts is none. */
        assert_string_equal(written(state, "a\xc3\xbc", 2, XML_LINE), "a" NONE);
}

/* Every byte by itself, and every pair of bytes. */
static void test_xml_write_any_bytes_become_clean_text(void **state) {
        for (unsigned first = 1; first < 256; first++)
                for (unsigned second = 0; second < 256; second++) {
                        const char text[] = { (char) first, (char) second, '\0' };
                        const char *clean = written(state, text, SIZE_MAX, XML_LINE);

                        assert_true(utf8_is_valid(clean));
                        assert_null(strpbrk(clean, "<>\"'\n\t\r\x1b"));
                        for (size_t at = 0, n; clean[at]; at += n) {
                                n = utf8_sequence_size(clean + at, strlen(clean + at));
                                assert_false(utf8_is_control(clean + at, n));
                        }
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_xml_write_rows_are_escaped, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_xml_write_null_writes_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_xml_write_part_ends_at_size, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_xml_write_any_bytes_become_clean_text, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
