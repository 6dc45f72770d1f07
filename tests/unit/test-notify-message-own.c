/* SPDX-License-Identifier: MIT */

/* Our own keys in a datagram: phases, activity and steps. Whatever they say, none goes up. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cleanup.h"
#include "gateway/notify-message.h"

#define OWN   "X_GATEWATCH_"
#define BEGIN OWN "STEP_BEGIN="
#define END   OWN "STEP_END="
#define BOUND OWN "STEP_TIMEOUT_USEC="
#define EURO  "\xe2\x82\xac"

#define ROW_STEPS_MAX 4

typedef struct Parsed {
        char buffer[NOTIFY_MESSAGE_MAX + 1];
        char passed[NOTIFY_MESSAGE_MAX + 2];
        NotifyMessage message;
} Parsed;

/* Into room that was never cleared. */
static NotifyMessage *parse(Parsed *parsed, const char *text) {
        size_t size = strlen(text);

        assert_in_range(size, 0, NOTIFY_MESSAGE_MAX);
        memset(parsed, 0x55, sizeof(*parsed));
        memcpy(parsed->buffer, text, size);
        assert_int_equal(notify_message_parse(parsed->buffer, size, /* n_fds= */ 0, parsed->passed,
                                 &parsed->message),
                0);
        return &parsed->message;
}

static void assert_text(const char *text, const char *expected) {
        if (!expected)
                assert_null(text);
        else {
                assert_non_null(text);
                assert_string_equal(text, expected);
        }
}

static void test_notify_message_own_keys_end_here(void **state) {
        static const struct {
                const char *text;
                const char *passed;
                const char *phase;
                const char *bad_key;
                size_t n_steps;
                uint64_t active;
                bool has_active;
        } rows[] = {
                { "", "" },
                { "READY=1", "" },
                { OWN "PHASE=drain", "", .phase = "drain" },
                { OWN "PHASE=", "", .phase = "" },
                { OWN "PHASE=a=b", "", .phase = "a=b" },
                { OWN "PHASE=" EURO " x", "", .phase = EURO " x" },
                { OWN "PHASE=\xff", "", .phase = "\xff" },
                { OWN "PHASE=one\n" OWN "PHASE=two", "", .phase = "one" },
                { OWN "PHASE=\n" OWN "PHASE=two", "", .phase = "" },
                { OWN "PHASE=one\r" OWN "PHASE=two", "", .phase = "one" },
                { OWN "PHASE", "" },
                { OWN "ACTIVE=0", "", .has_active = true },
                { OWN "ACTIVE=17", "", .has_active = true, .active = 17 },
                { OWN "ACTIVE=18446744073709551615", "", .has_active = true, .active = UINT64_MAX },
                { OWN "ACTIVE=3\n" OWN "ACTIVE=2", "", .has_active = true, .active = 3 },
                { OWN "ACTIVE=18446744073709551616", "", .bad_key = OWN "ACTIVE" },
                { OWN "ACTIVE=", "", .bad_key = OWN "ACTIVE" },
                { OWN "ACTIVE=-1", "", .bad_key = OWN "ACTIVE" },
                { OWN "ACTIVE=3 ", "", .bad_key = OWN "ACTIVE" },
                { OWN "ACTIVE=x\n" OWN "ACTIVE=2", "", .bad_key = OWN "ACTIVE" },
                { BEGIN "a\n" END "b", "", .n_steps = 2 },
                { BEGIN, "", .bad_key = OWN "STEP_BEGIN" },
                { END, "", .bad_key = OWN "STEP_END" },
                { BEGIN "\n" END "b", "", .n_steps = 1, .bad_key = OWN "STEP_BEGIN" },
                { BEGIN "\xff", "", .n_steps = 1 },
                { BOUND "5", "", .bad_key = OWN "STEP_TIMEOUT_USEC" },
                { BOUND "5\n" END "a", "", .n_steps = 1, .bad_key = OWN "STEP_TIMEOUT_USEC" },
                { OWN "PHAZE=x", "", .bad_key = OWN "PHAZE" },
                { OWN "PHASEX=x", "", .bad_key = OWN "PHASEX" },
                { OWN "PHAS=x", "", .bad_key = OWN "PHAS" },
                { OWN "=x", "", .bad_key = OWN },
                { OWN "a\x1b[31m\xff=x", "", .bad_key = OWN },
                { OWN "AB\x1b[31m=x", "", .bad_key = OWN "AB" },
                { OWN "ACTIVE=x\n" OWN "NEW=1\n" OWN "PHASE=p", "", .bad_key = OWN "ACTIVE",
                        .phase = "p" },
                { OWN "NEW=1\n" OWN "NEW=2\n" OWN "ACTIVE=4\nX_NEW=1", "X_NEW=1\n",
                        .bad_key = OWN "NEW", .has_active = true, .active = 4 },
                { "ERRNO=5\n" OWN "PHASE=p\nSTATUS=s\n" BEGIN "a\nFDNAME=f", "ERRNO=5\nFDNAME=f\n",
                        .phase = "p", .n_steps = 1 },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const NotifyMessage *message = parse(&parsed, rows[i].text);

                assert_string_equal(message->passed, rows[i].passed);
                assert_text(message->phase, rows[i].phase);
                assert_text(message->bad_key, rows[i].bad_key);
                assert_int_equal(message->n_steps, rows[i].n_steps);
                assert_int_equal(message->has_active, rows[i].has_active);
                if (rows[i].has_active)
                        assert_int_equal(message->active, rows[i].active);
        }
}

static void test_notify_message_own_keys_alone_send_nothing_up(void **state) {
        char buffer[NOTIFY_MESSAGE_MAX];
        Parsed parsed;

        parse(&parsed, OWN "PHASE=p\n" OWN "ACTIVE=1\n" BEGIN "a\n" OWN "FUTURE=1");
        assert_int_equal(notify_message_format(&parsed.message, buffer), 0);
}

static void test_notify_message_unknown_own_key_is_cut(void **state) {
        char text[256];
        Parsed parsed;

        memset(text, 'A', sizeof(text));
        memcpy(text, OWN, strlen(OWN));
        strcpy(text + 200, "=x");
        const NotifyMessage *message = parse(&parsed, text);
        assert_int_equal(strlen(message->bad_key), 64);
        assert_memory_equal(message->bad_key, text, 64);
}

static void test_notify_message_steps_keep_order_and_timeouts(void **state) {
        static const struct {
                const char *text;
                const char *bad_key;
                size_t n_steps;
                NotifyStep steps[ROW_STEPS_MAX];
        } rows[] = {
                { BEGIN "a", NULL, 1, { { .name = "a", .is_begin = true } } },
                { END "a", NULL, 1, { { .name = "a" } } },
                { END "a\n" BEGIN "a\n" END "a\n" BEGIN "b", NULL, 4,
                        { { "a", false, false, 0 }, { "a", true, false, 0 },
                                { "a", false, false, 0 }, { "b", true, false, 0 } } },
                { BEGIN "a\n" BEGIN "a", NULL, 2,
                        { { "a", true, false, 0 }, { "a", true, false, 0 } } },
                { BEGIN "a\n" BOUND "7", NULL, 1, { { "a", true, true, 7 } } },
                { BOUND "7\n" BEGIN "a", NULL, 1, { { "a", true, true, 7 } } },
                { BOUND "7\n" BEGIN "a\n" BEGIN "b", NULL, 2,
                        { { "a", true, true, 7 }, { "b", true, false, 0 } } },
                { BOUND "7\n" END "x\n" BEGIN "a", NULL, 2,
                        { { "x", false, false, 0 }, { "a", true, true, 7 } } },
                { BEGIN "a\n" BOUND "7\n" BEGIN "b\n" BOUND "8", NULL, 2,
                        { { "a", true, true, 7 }, { "b", true, true, 8 } } },
                { BEGIN "a\n" END "x\n" BOUND "7", NULL, 2,
                        { { "a", true, true, 7 }, { "x", false, false, 0 } } },
                { BOUND "7\n" BEGIN "a\n" BEGIN "b\n" BOUND "8", NULL, 2,
                        { { "a", true, true, 7 }, { "b", true, true, 8 } } },
                { BEGIN "a\n" BOUND "0", NULL, 1, { { "a", true, true, 0 } } },
                { BEGIN "a\n" BOUND "infinity", NULL, 1, { { "a", true, true, USEC_INFINITY } } },
                { BEGIN "a\n" BOUND "18446744073709551615", NULL, 1,
                        { { "a", true, true, USEC_INFINITY } } },
                { BEGIN "a\n" BOUND "18446744073709551614", NULL, 1,
                        { { "a", true, true, USEC_INFINITY - 1 } } },
                /* What cannot be used leaves the rest alone. */
                { BEGIN "a\n" BOUND "18446744073709551616", OWN "STEP_TIMEOUT_USEC", 1,
                        { { "a", true, false, 0 } } },
                { BEGIN "a\n" BOUND "5s", OWN "STEP_TIMEOUT_USEC", 1, { { "a", true, false, 0 } } },
                { BEGIN "a\n" BOUND, OWN "STEP_TIMEOUT_USEC", 1, { { "a", true, false, 0 } } },
                { BEGIN "a\n" BOUND "7\n" BOUND "8", OWN "STEP_TIMEOUT_USEC", 1,
                        { { "a", true, true, 7 } } },
                { BOUND "7\n" BOUND "8\n" BEGIN "a", OWN "STEP_TIMEOUT_USEC", 1,
                        { { "a", true, true, 7 } } },
                { BOUND "7\n" BEGIN "a\n" BOUND "8\n" BEGIN "b", OWN "STEP_TIMEOUT_USEC", 2,
                        { { "a", true, true, 7 }, { "b", true, false, 0 } } },
                { BOUND "x\n" BEGIN "a\n" BOUND "8", OWN "STEP_TIMEOUT_USEC", 1,
                        { { "a", true, true, 8 } } },
                { BEGIN "a b=" EURO, NULL, 1, { { "a b=" EURO, true, false, 0 } } },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const NotifyMessage *message = parse(&parsed, rows[i].text);

                assert_text(message->bad_key, rows[i].bad_key);
                assert_int_equal(message->n_steps, rows[i].n_steps);
                for (size_t k = 0; k < rows[i].n_steps; k++) {
                        const NotifyStep *step = &message->steps[k], *expected = &rows[i].steps[k];

                        assert_string_equal(step->name, expected->name);
                        assert_int_equal(step->is_begin, expected->is_begin);
                        assert_int_equal(step->has_timeout, expected->has_timeout);
                        if (expected->has_timeout)
                                assert_int_equal(step->timeout_usec, expected->timeout_usec);
                }
        }
}

static void test_notify_message_full_of_steps_has_room_for_all(void **state) {
        static const char line[] = END "x\n";
        char text[NOTIFY_MESSAGE_MAX + 1];
        size_t size = 0;
        Parsed parsed;

        for (; size + strlen(line) <= NOTIFY_MESSAGE_MAX; size += strlen(line))
                strcpy(text + size, line);
        const NotifyMessage *message = parse(&parsed, text);
        assert_int_equal(message->n_steps, NOTIFY_STEPS_MAX);
        for (size_t i = 0; i < message->n_steps; i++)
                assert_string_equal(message->steps[i].name, "x");
        assert_null(message->bad_key);
        assert_int_equal(message->passed_size, 0);
}

/* Their lines are the shortest of all, of which more would fit than there is room for. */
static void test_notify_message_full_of_nameless_steps_has_none(void **state) {
        static const char line[] = END "\n";
        char text[NOTIFY_MESSAGE_MAX + 1];
        size_t size = 0;
        Parsed parsed;

        for (; size + strlen(line) <= NOTIFY_MESSAGE_MAX; size += strlen(line))
                strcpy(text + size, line);
        const NotifyMessage *message = parse(&parsed, text);
        assert_int_equal(message->n_steps, 0);
        assert_string_equal(message->bad_key, OWN "STEP_END");
}

static void test_notify_message_barrier_with_own_key_is_refused(void **state) {
        char buffer[128] = OWN "PHASE=p\nBARRIER=1";
        char passed[NOTIFY_MESSAGE_MAX + 2];
        NotifyMessage message;

        assert_int_equal(
                notify_message_parse(buffer, strlen(buffer), /* n_fds= */ 1, passed, &message),
                -EBADMSG);
}

static void test_notify_message_barrier_within_a_value_is_none(void **state) {
        Parsed parsed;

        const NotifyMessage *message = parse(&parsed, OWN "PHASE=BARRIER=1\nBARRIER=10");
        assert_false(message->has_barrier);
        assert_string_equal(message->phase, "BARRIER=1");
        assert_string_equal(message->passed, "BARRIER=10\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_notify_message_own_keys_end_here),
                cmocka_unit_test(test_notify_message_own_keys_alone_send_nothing_up),
                cmocka_unit_test(test_notify_message_unknown_own_key_is_cut),
                cmocka_unit_test(test_notify_message_steps_keep_order_and_timeouts),
                cmocka_unit_test(test_notify_message_full_of_steps_has_room_for_all),
                cmocka_unit_test(test_notify_message_full_of_nameless_steps_has_none),
                cmocka_unit_test(test_notify_message_barrier_with_own_key_is_refused),
                cmocka_unit_test(test_notify_message_barrier_within_a_value_is_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
