/* SPDX-License-Identifier: MIT */

/* What --json= takes, and how a value is written: on one line or indented, one line end, every byte of a
 * stranger escaped. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json-mode.h"

typedef struct Fixture {
        json_object *value;
        FILE *file;
        char *text;
        size_t size;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->file = open_memstream(&fixture->text, &fixture->size);
        return fixture->file ? 0 : -1;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        fclosep(&fixture->file);
        (void) json_object_put(fixture->value);
        free(fixture->text);
        free(fixture);
        return 0;
}

static const struct {
        const char *name;
        JsonMode expected;
} name_rows[] = {
        { "off", JSON_OFF },
        { "short", JSON_SHORT },
        { "pretty", JSON_PRETTY },
        { "", _JSON_MODE_INVALID },
        { "Short", _JSON_MODE_INVALID },
        { "short ", _JSON_MODE_INVALID },
        { "prett", _JSON_MODE_INVALID },
        { "help", _JSON_MODE_INVALID },
};

static void test_json_mode_from_string_knows_three_words(void **state _unused_) {
        for (size_t i = 0; i < ELEMENTSOF(name_rows); i++)
                assert_int_equal(json_mode_from_string(name_rows[i].name), name_rows[i].expected);
}

static const struct {
        const char *value; /* as JSON; NULL: null */
        JsonMode mode;
        const char *expected;
} print_rows[] = {
        { NULL, JSON_SHORT, "null\n" },
        { NULL, JSON_PRETTY, "null\n" },
        { "[]", JSON_SHORT, "[]\n" },
        { "[ 1, { \"a\" : \"b/c\" } ]", JSON_SHORT, "[1,{\"a\":\"b/c\"}]\n" },
        { "[ 1 ]", JSON_PRETTY, "[\n  1\n]\n" },
        { "\"\\u001b[31m\\n\\\"\"", JSON_SHORT, "\"\\u001b[31m\\n\\\"\"\n" },
        { "18446744073709551615", JSON_SHORT, "18446744073709551615\n" },
};

static void test_json_mode_print_writes_value_and_line_end(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(print_rows); i++) {
                (void) json_object_put(fixture->value);
                fixture->value =
                        print_rows[i].value ? json_tokener_parse(print_rows[i].value) : NULL;
                assert_int_equal(fixture->value != NULL, print_rows[i].value != NULL);
                rewind(fixture->file);
                assert_int_equal(
                        json_mode_print(fixture->file, fixture->value, print_rows[i].mode), 0);
                assert_int_equal(fflush(fixture->file), 0);
                assert_int_equal(fixture->size, strlen(print_rows[i].expected));
                assert_memory_equal(fixture->text, print_rows[i].expected, fixture->size);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json_mode_from_string_knows_three_words),
                cmocka_unit_test_setup_teardown(
                        test_json_mode_print_writes_value_and_line_end, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
