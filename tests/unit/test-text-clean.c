/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text-clean.h"
#include "utf8.h"

static char *clean_text;

static int clean_teardown(void **state) {
        free(clean_text);
        clean_text = NULL;
        return 0;
}

static const char *clean(const char *text, TextMode mode) {
        free(clean_text);
        clean_text = text_clean(text, mode);
        assert_non_null(clean_text);
        return clean_text;
}

static const struct {
        const char *text, *terminal, *json;
} rows[] = {
        { NULL, "-", "-" },
        { "", "", "" },
        { "plain text", "plain text", "plain text" },
        { "a\tb\nc\rd", "a?b?c?d", "a\tb\nc\rd" },
        { "\033[31mred", "?[31mred", "\033[31mred" },
        { "del\x7f", "del?", "del?" },
        /* C1: NEL, CSI. */
        { "a\xc2\x85z\xc2\x9b"
          "31m",
                "a?z?31m", "a?z?31m" },
        { "\xc2\xa0\xc3\xa4", "\xc2\xa0\xc3\xa4", "\xc2\xa0\xc3\xa4" },
        { "\xff"
          "a\xc3",
                TEXT_NO_UTF8 "a" TEXT_NO_UTF8, TEXT_NO_UTF8 "a" TEXT_NO_UTF8 },
        /* Directions: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
        { "a\xd8\x9c\xd8\x9d", "a?\xd8\x9d", "a\xd8\x9c\xd8\x9d" },
        { "\xe2\x80\x8e\xe2\x80\x8f", "??", "\xe2\x80\x8e\xe2\x80\x8f" },
        { "\xe2\x80\xaa\xe2\x80\xac\xe2\x80\xae", "???", "\xe2\x80\xaa\xe2\x80\xac\xe2\x80\xae" },
        { "\xe2\x81\xa6\xe2\x81\xa9", "??", "\xe2\x81\xa6\xe2\x81\xa9" },
        /* Not seen: U+200B, U+200D, U+2028, U+2060, U+FEFF. */
        { "\xe2\x80\x8b\xe2\x80\x8d\xe2\x80\xa8", "???", "\xe2\x80\x8b\xe2\x80\x8d\xe2\x80\xa8" },
        { "\xe2\x81\xa0\xef\xbb\xbf", "??", "\xe2\x81\xa0\xef\xbb\xbf" },
        /* Their neighbours: U+200A, U+2010, U+2027, U+202F, U+205F, U+2070, U+FEFE. */
        { "\xe2\x80\x8a\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf",
                "\xe2\x80\x8a\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf",
                "\xe2\x80\x8a\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf" },
        { "\xe2\x81\x9f\xe2\x81\xb0\xef\xbb\xbe", "\xe2\x81\x9f\xe2\x81\xb0\xef\xbb\xbe",
                "\xe2\x81\x9f\xe2\x81\xb0\xef\xbb\xbe" },
        /* Longer ones with such bytes inside: U+1F600, U+E2000. */
        { "\xf0\x9f\x98\x80\xf3\xa2\x80\x80", "\xf0\x9f\x98\x80\xf3\xa2\x80\x80",
                "\xf0\x9f\x98\x80\xf3\xa2\x80\x80" },
};

static void test_text_clean_rows(void **state) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_string_equal(clean(rows[i].text, TEXT_TERMINAL), rows[i].terminal);
                assert_string_equal(clean(rows[i].text, TEXT_JSON), rows[i].json);
        }
}

static uint64_t random_next(uint64_t *seed) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *seed >> 33;
}

static void test_text_clean_random_bytes_gives_utf8_without_controls(void **state) {
        uint64_t seed = 1;

        for (unsigned n = 0; n < 20000; n++) {
                char text[24];
                const size_t size = random_next(&seed) % sizeof(text);

                for (size_t i = 0; i < size; i++)
                        text[i] = (char) (random_next(&seed) % 4 ? 0x80 + random_next(&seed) % 0x7f
                                                                 : 1 + random_next(&seed) % 0x7f);
                text[size] = '\0';
                assert_true(utf8_is_valid(clean(text, TEXT_TERMINAL)));
                for (const char *at = clean_text; *at;) {
                        const size_t length = utf8_sequence_size(at, strlen(at));

                        assert_false(utf8_is_control(at, length));
                        at += length;
                }
                /* What is clean stays as it is. */
                char *once = clean_text;
                clean_text = NULL;
                const int same = strcmp(once, clean(once, TEXT_TERMINAL));
                free(once);
                assert_int_equal(same, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_text_clean_rows, clean_teardown),
                cmocka_unit_test_teardown(
                        test_text_clean_random_bytes_gives_utf8_without_controls, clean_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
