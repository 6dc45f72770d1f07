/* SPDX-License-Identifier: MIT */

/* Cells and words of a stop: rows of fields and what is shown. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "past-stop-fixture.h"
#include "user-name.h"
#include "utf8.h"

#define HUNDRED(x) x x x x x x x x x x x x x x x x x x x x
#define COMM_100   HUNDRED("abcde")

typedef struct Row {
        const char *own[8];
        const char *text;
} Row;

static void assert_rows(
        PastStopTest *test, const Row rows[], size_t n, char *(*format)(const PastStop *stop)) {
        for (size_t i = 0; i < n; i++) {
                past_stop_make(test, rows[i].own, NULL);
                free(test->text);
                test->text = format(&test->stop);
                assert_non_null(test->text);
                assert_string_equal(test->text, rows[i].text);
        }
}

static void test_past_stop_party_is_shown(void **state) {
        static const Row rows[] = {
                { { NULL }, "-" },
                { { "GATEWATCH_SENDER_UID=0" }, "-" },
                { { "GATEWATCH_SENDER_COMM=kill", "GATEWATCH_SENDER_PID=812",
                          "GATEWATCH_SENDER_USER=root", "GATEWATCH_SENDER_UID=0" },
                        "kill(812) by root" },
                { { "GATEWATCH_SENDER_COMM=kill", "GATEWATCH_SENDER_PID=812",
                          "GATEWATCH_SENDER_UID=1000" },
                        "kill(812) by uid 1000" },
                { { "GATEWATCH_SENDER_COMM=kill", "GATEWATCH_SENDER_PID=812" }, "kill(812)" },
                { { "GATEWATCH_SENDER_PID=812", "GATEWATCH_SENDER_UID=0" }, "pid 812 by root" },
                { { "GATEWATCH_SENDER_COMM=systemd", "GATEWATCH_SENDER_PID=1",
                          "GATEWATCH_SENDER_UID=0", "GATEWATCH_REQUESTER_COMM=systemctl",
                          "GATEWATCH_REQUESTER_PID=4242", "GATEWATCH_REQUESTER_UID=0" },
                        "systemctl(4242) by root" },
                { { "GATEWATCH_REQUESTER_COMM=systemctl", "GATEWATCH_REQUESTER_PID=4242",
                          "GATEWATCH_REQUESTER_UID=0", "GATEWATCH_REQUESTER_LOGINUID=1000" },
                        "systemctl(4242) by root" }, /* of another machine: 1000 is nobody here */
                { { "GATEWATCH_SENDER_STATE=kernel" }, "kernel" },
                { { "GATEWATCH_SENDER_STATE=kernel", "GATEWATCH_SENDER_UID=0" }, "kernel" },
                { { "GATEWATCH_SENDER_STATE=other-namespace", "GATEWATCH_SENDER_PID=0",
                          "GATEWATCH_SENDER_UID=0" },
                        "other namespace by root" },
                { { "GATEWATCH_SENDER_COMM=\x1b[31mx\n\xff", "GATEWATCH_SENDER_PID=5",
                          "GATEWATCH_SENDER_USER=\x1b[2J" },
                        "?[31mx?\xef\xbf\xbd(5) by ?[2J" },
        };

        assert_rows(*state, rows, ELEMENTSOF(rows), past_stop_format_party);
}

static void test_past_stop_party_names_are_at_most_80_characters(void **state) {
        static const char *const own[] = { "GATEWATCH_SENDER_COMM=" COMM_100,
                "GATEWATCH_SENDER_PID=7",
                "GATEWATCH_SENDER_USER=" HUNDRED("\xe2\x82\xac\xe2\x82\xac"), NULL };
        PastStopTest *test = *state;
        size_t n = 0;

        past_stop_make(test, own, NULL);
        test->text = past_stop_format_party(&test->stop);
        assert_non_null(test->text);
        assert_true(utf8_is_valid(test->text));
        for (const char *c = test->text; *c; c++)
                n += ((unsigned char) *c & 0xc0) != 0x80;
        assert_int_equal(n, 80 + strlen("(7) by "));
}

static void test_past_stop_party_of_this_machine_has_the_login_name(void **state) {
        char machine[64], id[SD_ID128_STRING_MAX], login[USER_NAME_MAX], expected[512];
        PastStopTest *test = *state;
        sd_id128_t own;

        if (sd_id128_get_machine(&own) < 0 || user_name_from_uid("/etc/passwd", 1, login) < 0)
                skip();
        (void) snprintf(machine, sizeof(machine), "_MACHINE_ID=%s", sd_id128_to_string(own, id));
        past_stop_make(test,
                (const char *const[]){ machine, "GATEWATCH_REQUESTER_COMM=systemctl",
                        "GATEWATCH_REQUESTER_PID=4242", "GATEWATCH_REQUESTER_UID=0",
                        "GATEWATCH_REQUESTER_LOGINUID=1", NULL },
                NULL);
        test->text = past_stop_format_party(&test->stop);
        assert_non_null(test->text);
        (void) snprintf(expected, sizeof(expected), "systemctl(4242) by %s", login);
        assert_string_equal(test->text, expected);
}

static void test_past_stop_exit_is_shown(void **state) {
        static const Row rows[] = {
                { { NULL }, "-" },
                { { "GATEWATCH_EXIT_STATUS=0" }, "-" },
                { { "GATEWATCH_EXIT_CODE=exited", "GATEWATCH_EXIT_STATUS=0" }, "exited 0" },
                { { "GATEWATCH_EXIT_CODE=killed", "GATEWATCH_EXIT_STATUS=SIGKILL" },
                        "killed SIGKILL" },
                { { "GATEWATCH_EXIT_CODE=dumped" }, "dumped" },
                { { "GATEWATCH_EXIT_CODE=\x1b", "GATEWATCH_EXIT_STATUS=\x9b" }, "? \xef\xbf\xbd" },
        };

        assert_rows(*state, rows, ELEMENTSOF(rows), past_stop_format_exit);
}

static void test_past_stop_unit_is_shown(void **state) {
        static const Row rows[] = {
                { { NULL }, "hermes.service" },
                { { "_SYSTEMD_UNIT=hermes@eu.service" }, "hermes@eu.service" },
                { { "_SYSTEMD_UNIT=session-3.scope" }, "hermes (session-3.scope)" },
                { { "_SYSTEMD_UNIT=user@1000.service" }, "hermes (user@1000.service)" },
                { { "_SYSTEMD_UNIT=session-3.scope", "-GATEWATCH_NAME" }, "session-3.scope" },
                { { "-_SYSTEMD_UNIT" }, "hermes" },
                { { "-_SYSTEMD_UNIT", "-GATEWATCH_NAME" }, "-" },
                { { "-_SYSTEMD_UNIT", "GATEWATCH_NAME=\x1b[0m" }, "?[0m" },
        };

        assert_rows(*state, rows, ELEMENTSOF(rows), past_stop_format_unit);
}

static void test_past_stop_words_follow_the_state(void **state) {
        PastStopTest *test = *state;

        past_stop_make(test, (const char *const[]){ NULL }, NULL);
        assert_string_equal(past_stop_outcome_word(&test->stop), "clean");
        assert_string_equal(past_stop_cause_word(&test->stop), "stop");
        test->stop.state = RUN_RUNNING;
        assert_string_equal(past_stop_outcome_word(&test->stop), "running");
        assert_string_equal(past_stop_cause_word(&test->stop), "-");
        past_stop_make(test,
                (const char *const[]){ "-GATEWATCH_CAUSE", "-GATEWATCH_OUTCOME", NULL }, NULL);
        assert_string_equal(past_stop_outcome_word(&test->stop), "-");
        assert_string_equal(past_stop_cause_word(&test->stop), "-");
}

static void test_past_stop_outcomes_and_causes_are_told_apart(void **state) {
        static const struct {
                const char *cause, *outcome;
                bool is_forced, is_unexplained;
        } rows[] = {
                { "GATEWATCH_CAUSE=stop", "GATEWATCH_OUTCOME=clean", false, false },
                { "GATEWATCH_CAUSE=stop", "GATEWATCH_OUTCOME=escalated", false, false },
                { "GATEWATCH_CAUSE=stop", "GATEWATCH_OUTCOME=killed", true, false },
                { "GATEWATCH_CAUSE=supervisor-killed", "GATEWATCH_OUTCOME=lost", true, true },
                { "GATEWATCH_CAUSE=crash", "GATEWATCH_OUTCOME=crashed", false, true },
                { "GATEWATCH_CAUSE=unknown", "GATEWATCH_OUTCOME=exited", false, true },
                { "GATEWATCH_CAUSE=oom", "GATEWATCH_OUTCOME=crashed", false, false },
                { "GATEWATCH_CAUSE=exit", "GATEWATCH_OUTCOME=failed", false, false },
        };
        PastStopTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                past_stop_make(
                        test, (const char *const[]){ rows[i].cause, rows[i].outcome, NULL }, NULL);
                assert_int_equal(past_stop_is_forced(&test->stop), rows[i].is_forced);
                assert_int_equal(past_stop_is_unexplained(&test->stop), rows[i].is_unexplained);
        }
}

static void test_past_stop_drain_share_is_of_what_was_allowed(void **state) {
        static const struct {
                const char *own[3];
                int percent; /* -100: not known */
        } rows[] = {
                { { "GATEWATCH_DRAIN_USEC=100", "GATEWATCH_DRAIN_USED_USEC=50" }, 50 },
                { { "GATEWATCH_DRAIN_USEC=100", "GATEWATCH_DRAIN_USED_USEC=0" }, 0 },
                { { "GATEWATCH_DRAIN_USEC=100", "GATEWATCH_DRAIN_USED_USEC=150" }, 150 },
                { { "GATEWATCH_DRAIN_USEC=0", "GATEWATCH_DRAIN_USED_USEC=1" }, -100 },
                { { "GATEWATCH_DRAIN_USEC=infinity", "GATEWATCH_DRAIN_USED_USEC=1" }, -100 },
                { { "GATEWATCH_DRAIN_USEC=100" }, -100 },
                { { "GATEWATCH_DRAIN_USED_USEC=1" }, -100 },
        };
        PastStopTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                past_stop_make(test, rows[i].own, NULL);
                assert_int_equal((int) (past_stop_drain_share(&test->stop) * 100), rows[i].percent);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                past_stop_test(test_past_stop_party_is_shown),
                past_stop_test(test_past_stop_party_names_are_at_most_80_characters),
                past_stop_test(test_past_stop_party_of_this_machine_has_the_login_name),
                past_stop_test(test_past_stop_exit_is_shown),
                past_stop_test(test_past_stop_unit_is_shown),
                past_stop_test(test_past_stop_words_follow_the_state),
                past_stop_test(test_past_stop_outcomes_and_causes_are_told_apart),
                past_stop_test(test_past_stop_drain_share_is_of_what_was_allowed),
        };

        return cmocka_run_group_tests_name("past-stop-format", tests, NULL, NULL);
}
