/* SPDX-License-Identifier: MIT */

/* The decoder against the grammar of RFC 3629, section 4: its table by itself, then every number that
 * two to four bytes can hold, in each length. Texts lie in memory of their own size, so that reading
 * on is seen by the sanitizers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "utf8.h"

static int free_state(void **state) {
        free(*state);
        *state = NULL;
        return 0;
}

/* What utf8_sequence_size() says of bytes behind which memory ends. */
static size_t sequence_size(void **state, const void *bytes, size_t size) {
        (void) free_state(state);
        *state = malloc(size);
        assert_non_null(*state);
        memcpy(*state, bytes, size);
        return utf8_sequence_size(*state, size);
}

static const struct {
        const char *bytes;
        size_t size;
} boundary_rows[] = {
        /* ASCII; a continuation that continues nothing. */
        { "\x01", 1 },
        { "\x7f", 1 },
        { "\x80", 0 },
        { "\xbf", 0 },
        /* Two bytes: the first that need them and those before, which are overlong. */
        { "\xc0\x80", 0 },
        { "\xc0\xaf", 0 },
        { "\xc1\xbf", 0 },
        { "\xc2\x7f", 0 },
        { "\xc2\x80", 2 },
        { "\xc2\xbf", 2 },
        { "\xc2\xc0", 0 },
        { "\xdf\x80", 2 },
        { "\xdf\xbf", 2 },
        /* Three. */
        { "\xe0\x80\x80", 0 },
        { "\xe0\x9f\xbf", 0 },
        { "\xe0\xa0\x80", 3 },
        { "\xe0\xbf\xbf", 3 },
        { "\xe0\xc0\x80", 0 },
        { "\xe1\x7f\x80", 0 },
        { "\xe1\x80\x80", 3 },
        { "\xe1\x80\x7f", 0 },
        { "\xe1\x80\xc0", 0 },
        { "\xec\xbf\xbf", 3 },
        /* Surrogates, and their neighbours. */
        { "\xed\x7f\x80", 0 },
        { "\xed\x80\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xed\xa0\x80", 0 },
        { "\xed\xaf\xbf", 0 },
        { "\xed\xb0\x80", 0 },
        { "\xed\xbf\xbf", 0 },
        { "\xee\x80\x80", 3 },
        { "\xef\xbf\xbd", 3 },
        { "\xef\xbf\xbe", 3 }, /* no character, but a code point that may be exchanged */
        { "\xef\xbf\xbf", 3 },
        /* Four, up to U+10FFFF. */
        { "\xf0\x80\x80\x80", 0 },
        { "\xf0\x8f\xbf\xbf", 0 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf0\xbf\xbf\xbf", 4 },
        { "\xf0\xc0\x80\x80", 0 },
        { "\xf1\x80\x80\x80", 4 },
        { "\xf1\x80\x7f\x80", 0 },
        { "\xf1\x80\xc0\x80", 0 },
        { "\xf1\x80\x80\x7f", 0 },
        { "\xf1\x80\x80\xc0", 0 },
        { "\xf3\xbf\xbf\xbf", 4 },
        { "\xf4\x7f\x80\x80", 0 },
        { "\xf4\x80\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
        { "\xf4\x90\x80\x80", 0 },
        { "\xf4\xbf\xbf\xbf", 0 },
        { "\xf5\x80\x80\x80", 0 },
        { "\xf7\xbf\xbf\xbf", 0 },
        /* Forms of old, and bytes that never occur. */
        { "\xf8\x88\x80\x80\x80", 0 },
        { "\xfc\x84\x80\x80\x80\x80", 0 },
        { "\xfe", 0 },
        { "\xff", 0 },
        /* What follows does not matter. */
        { "a\x80", 1 },
        { "\xc2\x80\x80", 2 },
        { "\xe2\x82\xac\xff", 3 },
        { "\xf0\x9f\x98\x80\x80", 4 },
};

static void test_utf8_sequence_boundary_is_told(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(boundary_rows); i++) {
                const char *bytes = boundary_rows[i].bytes;
                const size_t size = sequence_size(state, bytes, strlen(bytes));

                if (size != boundary_rows[i].size)
                        fail_msg("row %zu (first byte %02x): %zu", i, (unsigned char) bytes[0],
                                size);
        }
        assert_int_equal(
                sequence_size(state, "", 1), 1); /* NUL is a character where a size is given */
}

static void test_utf8_sequence_cut_short_is_none(void **state) {
        static const char *const texts[] = { "\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf",
                "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const size_t whole = strlen(texts[i]);

                assert_int_equal(sequence_size(state, texts[i], whole), whole);
                for (size_t size = 1; size < whole; size++)
                        assert_int_equal(sequence_size(state, texts[i], size), 0);
        }
}

/* RFC 3629, section 4: of what is not in a row nothing is UTF-8. The bytes after the second are
 * 80 to BF in all of them. */
static const struct {
        uint8_t first_min, first_max;
        uint8_t second_min, second_max;
        size_t size;
} grammar_rows[] = {
        { 0x00, 0x7f, 0x00, 0xff, 1 },
        { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 },
        { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static bool is_tail(uint8_t byte) {
        return byte >= 0x80 && byte <= 0xbf;
}

static size_t grammar_size(const uint8_t bytes[static 4]) {
        for (size_t i = 0; i < ELEMENTSOF(grammar_rows); i++) {
                const size_t size = grammar_rows[i].size;

                if (bytes[0] < grammar_rows[i].first_min || bytes[0] > grammar_rows[i].first_max ||
                        bytes[1] < grammar_rows[i].second_min ||
                        bytes[1] > grammar_rows[i].second_max)
                        continue;
                if ((size < 3 || is_tail(bytes[2])) && (size < 4 || is_tail(bytes[3])))
                        return size;
        }
        return 0;
}

static void test_utf8_sequence_any_bytes_follow_the_grammar(void **state) {
        static const uint8_t tails[] = { 0x00, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };

        for (unsigned first = 0; first <= 0xff; first++)
                for (unsigned second = 0; second <= 0xff; second++)
                        for (size_t i = 0; i < ELEMENTSOF(tails) * ELEMENTSOF(tails); i++) {
                                const uint8_t bytes[4] = { (uint8_t) first, (uint8_t) second,
                                        tails[i / ELEMENTSOF(tails)],
                                        tails[i % ELEMENTSOF(tails)] };

                                if (utf8_sequence_size((const char *) bytes, sizeof(bytes)) !=
                                        grammar_size(bytes))
                                        fail_msg("%02x %02x %02x %02x", bytes[0], bytes[1],
                                                bytes[2], bytes[3]);
                        }
}

/* Writes a number in a sequence of 2 to 4 bytes, whether it is the shortest or not. */
static void encode(uint8_t bytes[static 4], uint32_t code_point, size_t size) {
        static const uint8_t marks[] = { [2] = 0xc0, [3] = 0xe0, [4] = 0xf0 };

        for (size_t i = size - 1; i > 0; i--, code_point >>= 6)
                bytes[i] = (uint8_t) (0x80 | (code_point & 0x3f));
        bytes[0] = (uint8_t) (marks[size] | code_point);
}

static void test_utf8_sequence_any_number_is_taken_in_its_shortest_form(void **state) {
        static const uint32_t limits[] = { [1] = 0x80, [2] = 0x800, [3] = 0x10000, [4] = 0x200000 };

        for (size_t size = 2; size <= 4; size++)
                for (uint32_t code_point = 0; code_point < limits[size]; code_point++) {
                        const bool is_character = code_point <= 0x10ffff &&
                                (code_point < 0xd800 || code_point > 0xdfff);
                        const bool is_shortest = code_point >= limits[size - 1];
                        uint8_t bytes[4];

                        encode(bytes, code_point, size);
                        if (utf8_sequence_size((const char *) bytes, size) !=
                                (is_character && is_shortest ? size : 0))
                                fail_msg("U+%04X in %zu bytes", code_point, size);
                }
}

static void test_utf8_is_valid_looks_at_all_of_the_text(void **state) {
        static const struct {
                const char *text;
                bool is_valid;
        } rows[] = {
                { "", true },
                { "plain", true },
                { "\x01\x1b\x7f\xc2\x9b", true }, /* controls are characters */
                { "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", true },
                { "\xff", false },
                { "\xffplain", false },
                { "pl\xff"
                  "ain",
                        false },
                { "plain\xff", false },
                { "plain\xc3", false },
                { "plain\xe2\x82", false },
                { "plain\xf0\x9f\x98", false },
                { "\xe2\x82pl", false },
                { "\xed\xa0\xbd\xed\xb8\x80", false }, /* a pair of surrogates */
                { "\xc0\x80", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                (void) free_state(state);
                *state = strdup(rows[i].text);
                assert_non_null(*state);
                if (utf8_is_valid(*state) != rows[i].is_valid)
                        fail_msg("row %zu", i);
        }
}

static void test_utf8_is_control_c0_del_c1_and_nothing_else(void **state) {
        for (uint32_t code_point = 0; code_point < 0x80; code_point++) {
                const char byte = (char) code_point;

                if (utf8_is_control(&byte, 1) != (code_point < 0x20 || code_point == 0x7f))
                        fail_msg("U+%04X", code_point);
        }
        for (uint32_t code_point = 0x80; code_point < 0x110000; code_point++) {
                const size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
                uint8_t bytes[4];

                encode(bytes, code_point, size);
                if (utf8_is_control((const char *) bytes, size) != (code_point < 0xa0))
                        fail_msg("U+%04X", code_point);
        }
}

static void test_utf8_cut_falls_on_the_beginning_of_a_character(void **state) {
        static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
        static const size_t cuts[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

        static_assert(ELEMENTSOF(cuts) == sizeof(text), "every place, and the end");
        for (size_t size = 0; size < ELEMENTSOF(cuts); size++)
                assert_int_equal(utf8_cut(text, size), cuts[size]);
        assert_int_equal(utf8_cut("", 0), 0);
        assert_int_equal(utf8_cut("\xf0\x9f\x98\x80", 3), 0);
        assert_int_equal(utf8_cut("\xf0\x9f\x98\x80", 4), 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_utf8_sequence_boundary_is_told, free_state),
                cmocka_unit_test_teardown(test_utf8_sequence_cut_short_is_none, free_state),
                cmocka_unit_test(test_utf8_sequence_any_bytes_follow_the_grammar),
                cmocka_unit_test(test_utf8_sequence_any_number_is_taken_in_its_shortest_form),
                cmocka_unit_test_teardown(test_utf8_is_valid_looks_at_all_of_the_text, free_state),
                cmocka_unit_test(test_utf8_is_control_c0_del_c1_and_nothing_else),
                cmocka_unit_test(test_utf8_cut_falls_on_the_beginning_of_a_character),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
