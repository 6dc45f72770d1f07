/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include <cmocka.h>

#include "stop/outcome.h"

#define BIT(signo) (UINT64_C(1) << ((signo) -1))

static const struct {
        const char *what;
        OutcomeFacts facts;
        Outcome expected;
} rows[] = {
        { "by itself, 0", {}, OUTCOME_EXITED },
        { "by itself, 1", { .status = 1 }, OUTCOME_FAILED },
        { "by itself, 0, leftovers swept", { .reach = LADDER_REACH_KILL }, OUTCOME_EXITED },
        { "SEGV", { .is_signalled = true, .status = SIGSEGV }, OUTCOME_CRASHED },
        { "of a forwarded USR1",
                { .is_signalled = true, .status = SIGUSR1, .sent_signals = BIT(SIGUSR1) },
                OUTCOME_FAILED },
        { "of the last real-time signal, forwarded",
                { .is_signalled = true, .status = 64, .sent_signals = BIT(64) }, OUTCOME_FAILED },
        { "stopped, exit 0", { .reach = LADDER_REACH_FIRST, .is_stop_asked = true },
                OUTCOME_CLEAN },
        { "stopped, exit 75", { .reach = LADDER_REACH_FIRST, .is_stop_asked = true, .status = 75 },
                OUTCOME_CLEAN },
        { "stopped, died of our TERM",
                { .reach = LADDER_REACH_FIRST,
                        .is_stop_asked = true,
                        .is_signalled = true,
                        .status = SIGTERM,
                        .sent_signals = BIT(SIGTERM) },
                OUTCOME_CLEAN },
        { "stopped, SEGV in the drain",
                { .reach = LADDER_REACH_FIRST,
                        .is_stop_asked = true,
                        .is_signalled = true,
                        .status = SIGSEGV,
                        .sent_signals = BIT(SIGTERM) },
                OUTCOME_CRASHED },
        { "stopped, killed by somebody else",
                { .reach = LADDER_REACH_FIRST,
                        .is_stop_asked = true,
                        .is_signalled = true,
                        .status = SIGKILL,
                        .sent_signals = BIT(SIGTERM) },
                OUTCOME_CRASHED },
        { "forced by a missed deadline, died of its signal",
                { .reach = LADDER_REACH_FIRST,
                        .is_stop_asked = true,
                        .is_forced = true,
                        .is_signalled = true,
                        .status = SIGABRT,
                        .sent_signals = BIT(SIGABRT) },
                OUTCOME_ESCALATED },
        { "forced by a missed deadline, KILL",
                { .reach = LADDER_REACH_KILL,
                        .is_stop_asked = true,
                        .is_forced = true,
                        .is_signalled = true,
                        .status = SIGKILL,
                        .sent_signals = BIT(SIGABRT) | BIT(SIGKILL) },
                OUTCOME_KILLED },
        { "forced by a missed deadline, SEGV",
                { .reach = LADDER_REACH_FIRST,
                        .is_stop_asked = true,
                        .is_forced = true,
                        .is_signalled = true,
                        .status = SIGSEGV,
                        .sent_signals = BIT(SIGABRT) },
                OUTCOME_CRASHED },
        { "a later phase",
                { .reach = LADDER_REACH_LATER,
                        .is_stop_asked = true,
                        .is_signalled = true,
                        .status = SIGINT,
                        .sent_signals = BIT(SIGTERM) | BIT(SIGINT) },
                OUTCOME_ESCALATED },
        { "KILL",
                { .reach = LADDER_REACH_KILL,
                        .is_stop_asked = true,
                        .is_signalled = true,
                        .status = SIGKILL,
                        .sent_signals = BIT(SIGTERM) | BIT(SIGKILL) },
                OUTCOME_KILLED },
        { "a clean main, KILL for the others",
                { .reach = LADDER_REACH_KILL, .is_stop_asked = true }, OUTCOME_KILLED },
};

static void test_outcome_decide_each_end_as_tabled(void **state) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Outcome outcome = outcome_decide(&rows[i].facts);

                if (outcome != rows[i].expected)
                        fail_msg("%s: %s", rows[i].what, outcome_to_string(outcome));
        }
}

static void test_outcome_names_read_back(void **state) {
        for (Outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++)
                assert_int_equal(outcome_from_string(outcome_to_string(outcome)), outcome);
        assert_int_equal(outcome_from_string("Clean"), _OUTCOME_INVALID);
        assert_int_equal(outcome_from_string(""), _OUTCOME_INVALID);
}

static void test_outcome_priority_as_the_event_table_says(void **state) {
        assert_int_equal(outcome_priority(OUTCOME_CLEAN), LOG_INFO);
        assert_int_equal(outcome_priority(OUTCOME_EXITED), LOG_INFO);
        assert_int_equal(outcome_priority(OUTCOME_FAILED), LOG_WARNING);
        assert_int_equal(outcome_priority(OUTCOME_ESCALATED), LOG_WARNING);
        assert_int_equal(outcome_priority(OUTCOME_KILLED), LOG_WARNING);
        assert_int_equal(outcome_priority(OUTCOME_LOST), LOG_WARNING);
        assert_int_equal(outcome_priority(OUTCOME_CRASHED), LOG_ERR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcome_decide_each_end_as_tabled),
                cmocka_unit_test(test_outcome_names_read_back),
                cmocka_unit_test(test_outcome_priority_as_the_event_table_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
