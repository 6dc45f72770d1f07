/* SPDX-License-Identifier: MIT */

/* Past stops as JSON: keys and types, what is not known, lists of strangers, hostile texts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report-output-fixture.h"
#include "utf8.h"

/* Reads strictly, as UTF-8, to the last byte. */
static json_object *read_back(Fixture *fixture) {
        json_tokener *tokener = json_tokener_new();

        assert_true(utf8_is_valid(fixture->text));
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        fixture->json = json_tokener_parse_ex(tokener, fixture->text, (int) fixture->size + 1);
        const enum json_tokener_error error = json_tokener_get_error(tokener);
        json_tokener_free(tokener);
        assert_int_equal(error, json_tokener_success);
        return fixture->json;
}

static json_object *print_json(Fixture *fixture, JsonMode mode) {
        begin(fixture);
        assert_int_equal(report_print_json(fixture->file, &fixture->list, mode), 0);
        (void) finish(fixture);
        return read_back(fixture);
}

/* The first stop. */
static json_object *print_first(Fixture *fixture) {
        return json_object_array_get_idx(print_json(fixture, JSON_SHORT), 0);
}

static const char *text_of(json_object *object, const char *key) {
        json_object *value = NULL;

        if (!json_object_object_get_ex(object, key, &value))
                return NULL;
        return json_object_to_json_string_ext(
                value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* expected: the value as JSON; NULL: there is no such key. */
static void assert_key(json_object *object, const char *key, const char *expected) {
        if (!expected)
                assert_null(text_of(object, key));
        else {
                assert_non_null(text_of(object, key));
                assert_string_equal(text_of(object, key), expected);
        }
}

/* ---- Keys -------------------------------------------------------------------------------------- */

static void test_past_stop_to_json_has_documented_keys(void **state) {
        Fixture *fixture = *state;
        PastStop *stop = add_clean(fixture);

        stop->boot_id =
                SD_ID128_MAKE(b0, 01, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01);
        stop->run_id =
                SD_ID128_MAKE(c0, 01, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01);
        stop->began_realtime_usec = stop->realtime_usec - USEC_PER_HOUR;
        stop->sender = (StopParty){ .uid = (uid_t) -1, .loginuid = 1000, .state = "manager" };

        json_object *object = print_first(fixture);
        assert_key(object, "state", "\"stopped\"");
        assert_key(object, "when", "\"2025-11-21T08:00:00.000000+00:00\"");
        assert_key(object, "realtime_usec", "1763712000000000");
        assert_key(object, "began", "\"2025-11-21T07:00:00.000000+00:00\"");
        assert_key(object, "began_realtime_usec", "1763708400000000");
        assert_key(object, "boot_id", "\"b0010000000000000000000000000001\"");
        assert_key(object, "run_id", "\"c0010000000000000000000000000001\"");
        assert_key(object, "host", "\"gw1\"");
        assert_key(object, "unit", "\"hermes.service\"");
        assert_key(object, "manager", "\"system\"");
        assert_key(object, "trust", "\"believed\"");
        assert_key(object, "cause", "\"stop\"");
        assert_key(object, "outcome", "\"clean\"");
        assert_key(object, "exit_status", "\"0\"");
        assert_key(object, "sender", "{\"loginuid\":1000,\"state\":\"manager\"}");
        assert_key(object, "requester",
                "{\"pid\":812,\"uid\":0,\"comm\":\"systemctl\",\"verb\":\"stop\"}");
        assert_key(object, "drain_usec", "60000000");
        assert_key(object, "drain_used_usec", "1432000");
        assert_key(object, "total_usec", "1440000");
        assert_key(object, "active_at_start", "3");
        assert_key(object, "active_now", "0");
}

static void test_past_stop_to_json_leaves_out_what_is_not_known(void **state) {
        Fixture *fixture = *state;

        add_unknown(fixture)->state = RUN_UNRECORDED;
        assert_string_equal(json_object_to_json_string_ext(print_first(fixture),
                                    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                "{\"state\":\"unrecorded\",\"when\":\"2025-11-21T08:00:00.000000+00:00\","
                "\"realtime_usec\":1763712000000000,\"monotonic_usec\":0,\"manager\":\"none\","
                "\"trust\":\"believed\"}");
}

static void test_past_stop_to_json_without_a_clock_has_no_date(void **state) {
        Fixture *fixture = *state;

        add_clean(fixture)->realtime_usec = 0;
        assert_key(print_first(fixture), "when", NULL);
        assert_key(json_object_array_get_idx(fixture->json, 0), "realtime_usec", "0");
}

/* ---- Lists ------------------------------------------------------------------------------------- */

typedef struct ListRow {
        const char *text, *expected; /* NULL: left out */
} ListRow;

static const ListRow list_rows[] = {
        { "[]", "[]" },
        { "[{\"name\":\"drain\",\"usec\":1432000,\"timed_out\":false}]",
                "[{\"name\":\"drain\",\"usec\":1432000,\"timed_out\":false}]" },
        { " [ 1 , null , \"a\" , 1.5 ] ", "[1,null,\"a\",1.5]" },
        { "[\"\\u009b\\u0000\\u001b\"]", "[\"??\\u001b\"]" },
        { "[{\"\\u009b\":1}]", "[{\"?\":1}]" },
        { "[[[[[[1]]]]]]", "[[[[[[1]]]]]]" },
        { "[[[[[[[[[[[[1]]]]]]]]]]]]", NULL }, /* too deep */
        { "{\"name\":\"drain\"}", NULL },
        { "[{\"name\":\"dra", NULL }, /* cut */
        { "[1] [2]", NULL },
        { "[1],", NULL },
        { "[1,]", NULL },
        { "[NaN]", NULL },
        { "[{\"a\":[-Infinity]}]", NULL },
        { "[1e999]", NULL },
        { "[\"\300\257\377\"]", "[\"\357\277\275\357\277\275\357\277\275\"]" }, /* no UTF-8 */
        { "\"[]\"", NULL },
        { "", NULL },
};

static void test_past_stop_to_json_of_a_list_is_expected(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(list_rows); i++) {
                fixture->list.n = 0;
                PastStop *stop = add_clean(fixture);

                stop->phases = stop->gateway_phases = stop->steps = list_rows[i].text;
                print_message("%s\n", list_rows[i].text);
                json_object *object = print_first(fixture);
                assert_key(object, "phases", list_rows[i].expected);
                assert_key(object, "gateway_phases", list_rows[i].expected);
                assert_key(object, "steps", list_rows[i].expected);
        }
}

/* ---- Hostile ----------------------------------------------------------------------------------- */

static void test_past_stop_to_json_of_hostile_texts_is_valid(void **state) {
        Fixture *fixture = *state;

        (void) add_hostile(fixture, HOSTILE);
        json_object *object = print_first(fixture);
        assert_harmless(fixture->text);
        assert_null(strpbrk(fixture->text, "\t\r\033"));
        assert_string_equal(json_object_get_string(json_object_object_get(object, "cause_detail")),
                "\033]0;x\007? \357\277\275 ? \357\277\275\357\277\275\r\n\t\"',;=<&>\\");
        assert_key(object, "phases", NULL);
}

/* ---- The array --------------------------------------------------------------------------------- */

static void test_report_print_json_is_one_array(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(json_object_array_length(print_json(fixture, JSON_SHORT)), 0);
        assert_string_equal(fixture->text, "[]\n");
        assert_int_equal(json_object_array_length(print_json(fixture, JSON_PRETTY)), 0);
        assert_string_equal(fixture->text, "[]\n");

        (void) add_clean(fixture);
        (void) add_killed(fixture);
        assert_int_equal(json_object_array_length(print_json(fixture, JSON_SHORT)), 2);
        assert_int_equal(strcspn(fixture->text, "\n") + 1, fixture->size);
}

static void test_report_print_json_prettily_is_the_same_indented(void **state) {
        Fixture *fixture = *state;

        (void) add_clean(fixture);
        (void) add_killed(fixture);
        _cleanup_free_ char *expected =
                strdup(json_object_to_json_string(print_json(fixture, JSON_SHORT)));
        json_object *pretty = print_json(fixture, JSON_PRETTY);

        assert_string_equal(json_object_to_json_string(pretty), expected);
        assert_ptr_equal(
                strstr(fixture->text, "[\n  {\n    \"state\": \"stopped\",\n"), fixture->text);
        assert_non_null(strstr(fixture->text, "\n  },\n  {\n"));
        assert_non_null(strstr(fixture->text, "\n  }\n]\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_past_stop_to_json_has_documented_keys),
                TEST(test_past_stop_to_json_leaves_out_what_is_not_known),
                TEST(test_past_stop_to_json_without_a_clock_has_no_date),
                TEST(test_past_stop_to_json_of_a_list_is_expected),
                TEST(test_past_stop_to_json_of_hostile_texts_is_valid),
                TEST(test_report_print_json_is_one_array),
                TEST(test_report_print_json_prettily_is_the_same_indented),
#undef TEST
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
