/* SPDX-License-Identifier: MIT */

/* What is asked for: rows of options and stops, and the question that is put to the journal. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "past-stop-fixture.h"
#include "report/run-history-internal.h"

#define BOOT_A SD_ID128_MAKE(b0, 01, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01)
#define BOOT_B SD_ID128_MAKE(b0, 02, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 02)

#define LIST(...) ((char *const *) (const char *const[]){ __VA_ARGS__, NULL })

static const HistoryOptions all = {
        .own_uid = 1000,
        .until_usec = USEC_INFINITY,
        .n_max = SIZE_MAX,
};

static void assert_match(
        PastStopTest *test, const HistoryOptions *options, const char *const own[], bool is_match) {
        past_stop_make(test, own, NULL);
        if (history_options_match(options, &test->stop) != is_match)
                fail_msg("%s %s%s", own[0] ?: "the bare one", own[0] && own[1] ? own[1] : "",
                        is_match ? " is left out" : " is let through");
}

static void test_run_history_filter_units_are_taken_as_systemctl_takes_them(void **state) {
        static const struct {
                const char *asked;
                const char *own[4];
                bool is_match;
        } rows[] = {
                { "hermes", { NULL }, true },
                { "hermes.service", { NULL }, true },
                { "herme", { NULL }, false },
                { "hermes.serv", { NULL }, false },
                { "hermes.service.service", { NULL }, false },
                { "hermes.socket", { NULL }, false },
                { "hermes.v2", { "_SYSTEMD_UNIT=hermes.v2.service" }, true },
                { "hermes.v2", { NULL }, false },
                { "HERMES", { NULL }, false },
                { "apollo", { NULL }, false },
                { "apollo", { "GATEWATCH_NAME=apollo" }, false }, /* a service has its unit's */
                { "hermes@eu", { "_SYSTEMD_UNIT=hermes@eu.service" }, true },
                { "hermes@us", { "_SYSTEMD_UNIT=hermes@eu.service" }, false },
                { "hermes@", { "_SYSTEMD_UNIT=hermes@eu.service" }, false },
                { "hermes@*", { "_SYSTEMD_UNIT=hermes@eu.service" }, true },
                { "herm*", { NULL }, true },
                { "*.service", { NULL }, true },
                { "herme?", { NULL }, false }, /* no suffix is added to a glob */
                { "[gh]ermes.service", { NULL }, true },
                { "[!h]*", { NULL }, false },
                { "hermes", { "_SYSTEMD_UNIT=user@1.service", "_SYSTEMD_USER_UNIT=hermes.service" },
                        true },
                { "user@1", { "_SYSTEMD_UNIT=user@1.service", "_SYSTEMD_USER_UNIT=hermes.service" },
                        false },
                { "hermes", { "_SYSTEMD_UNIT=session-3.scope" }, true }, /* by its name */
                { "hermes.service", { "_SYSTEMD_UNIT=session-3.scope" }, true },
                { "herm*", { "_SYSTEMD_UNIT=session-3.scope" }, true },
                { "apollo", { "_SYSTEMD_UNIT=session-3.scope" }, false },
                { "session-3.scope", { "_SYSTEMD_UNIT=session-3.scope" }, true },
                { "session-3", { "_SYSTEMD_UNIT=session-3.scope" }, false },
                { "hermes", { "-_SYSTEMD_UNIT" }, true },
                { "hermes", { "-_SYSTEMD_UNIT", "-GATEWATCH_NAME" }, false },
                { RUN_A, { NULL }, true },
                { RUN_B, { NULL }, false },
                { "C0010000000000000000000000000001", { NULL }, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                HistoryOptions options = all;
                char *units[] = { (char *) rows[i].asked, NULL };

                options.units = units;
                assert_match(*state, &options, rows[i].own, rows[i].is_match);
        }
}

static void test_run_history_filter_any_of_several_units_is_enough(void **state) {
        HistoryOptions options = all;

        options.units = LIST("apollo", "hermes", "z*");
        assert_match(*state, &options, (const char *const[]){ NULL }, true);
        assert_match(*state, &options, (const char *const[]){ "_SYSTEMD_UNIT=zeus.service", NULL },
                true);
        assert_match(*state, &options, (const char *const[]){ "_SYSTEMD_UNIT=ares.service", NULL },
                false);
}

static void test_run_history_filter_managers_are_told_apart(void **state) {
        static const struct {
                HistoryManager manager;
                const char *own[4];
                bool is_match;
        } rows[] = {
                { HISTORY_ANY, { NULL }, true },
                { HISTORY_ANY, { "_SYSTEMD_UNIT=session-3.scope" }, true },
                { HISTORY_SYSTEM, { NULL }, true },
                { HISTORY_SYSTEM, { "_SYSTEMD_UNIT=session-3.scope" }, false },
                { HISTORY_SYSTEM, { "_SYSTEMD_USER_UNIT=hermes.service" }, false },
                { HISTORY_USER, { NULL }, false },
                { HISTORY_USER, { "_SYSTEMD_USER_UNIT=hermes.service", "_UID=1000" }, true },
                { HISTORY_USER, { "_SYSTEMD_USER_UNIT=hermes.service", "_UID=1001" }, false },
                { HISTORY_USER, { "_SYSTEMD_UNIT=session-3.scope", "_UID=1000" }, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                HistoryOptions options = all;

                options.manager = rows[i].manager;
                assert_match(*state, &options, rows[i].own, rows[i].is_match);
        }
}

static void test_run_history_filter_words_are_compared(void **state) {
        HistoryOptions options = all;
        PastStopTest *test = *state;

        options.causes = LIST("oom", "stop");
        assert_match(test, &options, (const char *const[]){ NULL }, true);
        assert_match(test, &options, (const char *const[]){ "GATEWATCH_CAUSE=sto", NULL }, false);
        options.causes = LIST("eclipse");
        assert_match(
                test, &options, (const char *const[]){ "GATEWATCH_CAUSE=eclipse", NULL }, true);
        options = all;
        options.outcomes = LIST("killed", "lost");
        assert_match(test, &options, (const char *const[]){ NULL }, false);
        assert_match(test, &options, (const char *const[]){ "GATEWATCH_OUTCOME=lost", NULL }, true);
        options.outcomes = LIST("unrecorded");
        assert_match(test, &options, (const char *const[]){ NULL }, false);
        test->stop.state = RUN_UNRECORDED;
        assert_true(history_options_match(&options, &test->stop));
}

static void test_run_history_filter_sender_is_sender_or_requester(void **state) {
        static const char *const own[] = { "GATEWATCH_SENDER_COMM=systemd",
                "GATEWATCH_SENDER_USER=root", "GATEWATCH_SENDER_PID=1",
                "GATEWATCH_REQUESTER_COMM=systemctl", "GATEWATCH_REQUESTER_PID=4242",
                "GATEWATCH_REQUESTER_UNIT=session-3.scope", NULL };
        static const struct {
                const char *glob;
                bool is_match;
        } rows[] = {
                { "systemd", true },
                { "systemctl", true },
                { "system", false },
                { "system*", true },
                { "root", true },
                { "4242", true },
                { "1", true },
                { "0", false },
                { "session-*.scope", true },
                { "kill", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                HistoryOptions options = all;

                options.sender = rows[i].glob;
                assert_match(*state, &options, own, rows[i].is_match);
                assert_match(*state, &options, (const char *const[]){ NULL }, false);
        }
}

static void test_run_history_filter_forged_and_running_only_with_all(void **state) {
        PastStopTest *test = *state;
        HistoryOptions options = all;

        for (int has_all = 0; has_all <= 1; has_all++) {
                options.has_all = has_all;
                past_stop_make(test, (const char *const[]){ "_COMM=evil", NULL }, NULL);
                assert_int_equal(history_options_match(&options, &test->stop), has_all);
                past_stop_make(test, (const char *const[]){ "-_COMM", NULL }, NULL);
                assert_true(history_options_match(&options, &test->stop));
                test->stop.state = RUN_RUNNING;
                assert_int_equal(history_options_match(&options, &test->stop), has_all);
                test->stop.state = RUN_UNRECORDED;
                assert_true(history_options_match(&options, &test->stop));
        }
        options.units = LIST("hermes"); /* that it claims to be */
        assert_match(test, &options,
                (const char *const[]){ "_COMM=evil", "_SYSTEMD_UNIT=evil.service", NULL }, true);
        assert_match(
                test, &options, (const char *const[]){ "_SYSTEMD_UNIT=evil.service", NULL }, false);
}

static void test_run_history_filter_running_that_is_asked_for_is_let_through(void **state) {
        PastStopTest *test = *state;
        HistoryOptions by_word = all, by_id = all;
        char id[SD_ID128_STRING_MAX];

        past_stop_make(test, (const char *const[]){ NULL }, NULL);
        test->stop.state = RUN_RUNNING;
        by_word.outcomes = LIST("killed", "running");
        assert_true(history_options_match(&by_word, &test->stop));
        by_word.outcomes = LIST("killed");
        assert_false(history_options_match(&by_word, &test->stop));

        by_id.units = LIST("hermes");
        assert_false(history_options_match(&by_id, &test->stop));
        by_id.units = LIST(sd_id128_to_string(test->stop.run_id, id));
        assert_true(history_options_match(&by_id, &test->stop));
        test->stop.trust = TRUST_FORGED;
        assert_false(history_options_match(&by_id, &test->stop));
}

static void test_run_history_filter_times_and_boots_bound(void **state) {
        PastStopTest *test = *state;
        HistoryOptions options = all;

        past_stop_make(test, (const char *const[]){ NULL }, NULL);
        test->stop.realtime_usec = 100;
        test->stop.boot_id = BOOT_A;
        options.since_usec = 100;
        options.until_usec = 100;
        assert_true(history_options_match(&options, &test->stop));
        options.since_usec = 101;
        options.until_usec = USEC_INFINITY;
        assert_false(history_options_match(&options, &test->stop));
        options.since_usec = 0;
        options.until_usec = 99;
        assert_false(history_options_match(&options, &test->stop));
        options.until_usec = USEC_INFINITY;
        options.boot_id = BOOT_A;
        assert_true(history_options_match(&options, &test->stop));
        options.boot_id = BOOT_B;
        assert_false(history_options_match(&options, &test->stop));
}

/* ---- The question ---- */

#define STOPPED "MESSAGE_ID=a0e6684b50c347e985c058a0cf3892a5"
#define STARTED "MESSAGE_ID=d540f6a974a5488590271784fa955712"

static int teardown_terms(void **state) {
        strv_free(*state);
        return 0;
}

static void assert_terms(void **state, const HistoryOptions *options, const char *expected) {
        char text[2048] = "";

        *state = strv_free(*state);
        assert_int_equal(
                history_options_terms(options, /* has_started= */ true, (char ***) state), 0);
        for (char **term = *state; *term; term++) {
                assert_true(strlen(text) + strlen(*term) + 2 < sizeof(text));
                strcat(text, " ");
                strcat(text, *term);
        }
        assert_string_equal(text, expected);
}

static void test_run_history_filter_question_has_the_units(void **state) {
        HistoryOptions options = all;

        assert_terms(state, &options, " " STOPPED " " STARTED);
        options.units = LIST("hermes");
        assert_terms(state, &options,
                " " STOPPED " " STARTED " & _SYSTEMD_UNIT=hermes.service + "
                "_SYSTEMD_USER_UNIT=hermes.service + GATEWATCH_UNIT=hermes.service + "
                "GATEWATCH_NAME=hermes");
        options.units = LIST("a.service", RUN_A);
        assert_terms(state, &options,
                " " STOPPED " " STARTED " & _SYSTEMD_UNIT=a.service + "
                "_SYSTEMD_USER_UNIT=a.service + GATEWATCH_UNIT=a.service + "
                "GATEWATCH_NAME=a.service GATEWATCH_NAME=a + GATEWATCH_RUN_ID=" RUN_A);
        options.units = LIST(RUN_A, RUN_B);
        assert_terms(state, &options,
                " " STOPPED " " STARTED " & GATEWATCH_RUN_ID=" RUN_A " GATEWATCH_RUN_ID=" RUN_B);
        options.units = LIST("hermes", "a*");
        assert_terms(state, &options, " " STOPPED " " STARTED);
}

static void test_run_history_filter_question_of_the_last_ones_alone(void **state) {
        assert_int_equal(
                history_options_terms(&all, /* has_started= */ false, (char ***) state), 0);
        assert_int_equal(strv_length(*state), 1);
        assert_string_equal(((char **) *state)[0], STOPPED);
}

#define terms_test(function) cmocka_unit_test_setup_teardown(function, NULL, teardown_terms)

int main(void) {
        const struct CMUnitTest tests[] = {
                past_stop_test(test_run_history_filter_units_are_taken_as_systemctl_takes_them),
                past_stop_test(test_run_history_filter_any_of_several_units_is_enough),
                past_stop_test(test_run_history_filter_managers_are_told_apart),
                past_stop_test(test_run_history_filter_words_are_compared),
                past_stop_test(test_run_history_filter_sender_is_sender_or_requester),
                past_stop_test(test_run_history_filter_forged_and_running_only_with_all),
                past_stop_test(test_run_history_filter_running_that_is_asked_for_is_let_through),
                past_stop_test(test_run_history_filter_times_and_boots_bound),
                terms_test(test_run_history_filter_question_has_the_units),
                terms_test(test_run_history_filter_question_of_the_last_ones_alone),
        };

        return cmocka_run_group_tests_name("run-history-filter", tests, NULL, NULL);
}
