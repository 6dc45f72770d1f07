/* SPDX-License-Identifier: MIT */

/* Records that others wrote in the name of a run, or that come twice: what a history makes of them. */

#include "run-history-fixture.h"

static void test_run_history_forged_stopped_does_not_end_a_run(void **state) {
        static const struct {
                const char *name, *value, *name_b, *value_b;
        } rows[] = {
                { "_COMM", "python3", "_PID", "4712" },                 /* the gateway */
                { "_PID", "4712", "_GID", "990" },                      /* by our name */
                { "_UID", "1000", "_SYSTEMD_UNIT", "session-3.scope" }, /* another user */
                { "_SYSTEMD_UNIT", "evil.service", "GATEWATCH_UNIT", "evil.service" },
                { "_TRANSPORT", "syslog", "_GID", "990" },
                { "_MACHINE_ID", MACHINE_B, "_GID", "990" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                test.query = journal_query_free(test.query);
                fixture_journal_begin();
                started(1);
                stopped(1, rows[i].name, rows[i].value, rows[i].name_b, rows[i].value_b);
                stopped(1);
                started(2);
                stopped(2, rows[i].name, rows[i].value, rows[i].name_b, rows[i].value_b);
                started(3);
                stopped(3);
                finish();
                test.options.has_all = false;
                assert_history("1 2- 3");
                test.options.n_max = 3;
                assert_history("1 2- 3");
                test.options.n_max = 2;
                assert_history("2- 3");
                test.options.n_max = SIZE_MAX;
                test.options.has_all = true;
                read_history();
                assert_int_equal(test.list.n, 5);
                assert_int_equal(unlink(fixture_path("a.journal")), 0);
        }
}

static void test_run_history_writer_that_was_gone_is_unverified(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1, WRITER_GONE);
        started(2);
        stopped(2, WRITER_GONE, "_UID", "0", "GATEWATCH_RECORDED_BY", "post");
        started(3);
        stopped(3, WRITER_GONE, "_UID", "1000");
        started(4);
        stopped(4);
        finish();
        assert_history("1? 2? 3- 4");
        assert_string_equal(test.list.stops[0].unit, FIXTURE_UNIT);
        assert_int_equal(test.list.stops[0].manager, UNIT_MANAGER_SYSTEM);
        ask_for(UNITS("hermes"));
        assert_history("1? 2? 3- 4");
}

static void test_run_history_of_several_last_records_the_first_believed_counts(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1, "GATEWATCH_OUTCOME", "killed", "_COMM", "python3");
        stopped(1, "GATEWATCH_OUTCOME", "exited", WRITER_GONE);
        stopped(1, "GATEWATCH_OUTCOME", "clean");
        stopped(1, "GATEWATCH_OUTCOME", "failed", "GATEWATCH_RECORDED_BY", "post");
        finish();
        assert_history("1");
        assert_string_equal(test.list.stops[0].outcome_word, "clean");
        test.options.n_max = 1;
        assert_history("1");
        assert_string_equal(test.list.stops[0].outcome_word, "clean");
        test.options.n_max = SIZE_MAX;
        test.options.has_all = true;
        assert_history("1! 1! 1 1!");
        assert_non_null(strstr(test.list.stops[3].forgery, "second last record"));
}

static void test_run_history_newest_of_many_last_records_is_the_first(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        started(2);
        stopped(2, "GATEWATCH_OUTCOME", "clean");
        for (size_t i = 0; i < 3; i++)
                stopped(2, "GATEWATCH_OUTCOME", "failed", "GATEWATCH_RECORDED_BY", "post");
        finish();
        for (test.options.n_max = 1; test.options.n_max <= 3; test.options.n_max++) {
                ask_for(test.options.units ? NULL : UNITS("hermes"));
                assert_history(test.options.n_max == 1 ? "2" : "1 2");
                assert_string_equal(test.list.stops[test.list.n - 1].outcome_word, "clean");
                assert_int_equal(test.list.stops[0].began_realtime_usec % USEC_PER_SEC, 0);
        }
        test.options.n_max = 1;
        ask_for(NULL);
        assert_history("2");
        assert_string_equal(test.list.stops[0].outcome_word, "clean");
        assert_string_equal(test.list.stops[0].command, "python3 -m hermes --token=***");
}

static void test_run_history_duplicate_beyond_the_bound_still_counts(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1, "GATEWATCH_OUTCOME", "clean");
        started(2);
        stopped(2);
        stopped(1, "GATEWATCH_OUTCOME", "failed", "GATEWATCH_RECORDED_BY", "post");
        finish();
        test.options.n_max = 1;
        assert_history("2");
        test.options.n_max = SIZE_MAX;
        test.options.since_usec = FIXTURE_REALTIME + 2 * USEC_PER_SEC;
        assert_history("2");
}

static void test_run_history_started_of_strangers_does_not_take_a_run(void **state) {
        fixture_journal_begin();
        started(1);
        fixture_started(BY_STRANGER(1), NULL);
        stopped(1);
        started(2, "_SYSTEMD_INVOCATION_ID", run_id(8), IN_SESSION);
        fixture_started(BY_STRANGER(2), NULL);
        stopped(2, "_SYSTEMD_INVOCATION_ID", run_id(8), IN_SESSION);
        started(3);
        started(3, "_COMM", "python3", "_UID", "1000");
        stopped(3);
        finish();
        assert_history("1 2 3");
        assert_string_equal(test.list.stops[0].unit, FIXTURE_UNIT);
        assert_string_equal(test.list.stops[1].unit, "session-3.scope");
        for (test.options.n_max = 1; test.options.n_max <= 3; test.options.n_max++) {
                read_history();
                assert_int_equal(test.list.n, test.options.n_max);
                assert_int_equal(stop_number(&test.list.stops[0]), 4 - test.options.n_max);
                assert_int_equal(test.list.stops[0].trust, TRUST_BELIEVED);
        }
}

/* A run of months, whose `started` the journal no longer has. */
static void test_run_history_strangers_do_not_take_a_vouched_stop(void **state) {
        fixture_journal_begin();
        fixture_started(BY_STRANGER(1), NULL);
        stopped(1);
        fixture_stopped(BY_STRANGER(2), NULL);
        stopped(2);
        fixture_started(BY_STRANGER(3), NULL);
        fixture_stopped(BY_STRANGER(3), NULL);
        stopped(3);
        finish();
        for (size_t n_max = 4; n_max >= 3; n_max--) {
                test.options.n_max = n_max;
                assert_history("1 2 3");
                for (size_t i = 0; i < 3; i++) {
                        assert_string_equal(test.list.stops[i].unit, FIXTURE_UNIT);
                        assert_int_equal(test.list.stops[i].began_realtime_usec, USEC_INFINITY);
                }
        }
        test.options.n_max = 1;
        assert_history("3");
        test.options.n_max = SIZE_MAX;
        ask_for(UNITS("hermes"));
        assert_history("1 2 3");
        test.options.has_all = true;
        assert_history("1 2! 2 3! 3");
}

static void test_run_history_strangers_stacked_do_not_hide_what_is_older(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1, "GATEWATCH_CAUSE", "oom");
        started(2);
        for (size_t i = 0; i < 3; i++)
                fixture_stopped(BY_STRANGER(2), "GATEWATCH_CAUSE", "oom", NULL);
        stopped(2);
        started(3);
        fixture_stopped(BY_STRANGER(3), "GATEWATCH_CAUSE", "oom", NULL);
        stopped(3);
        fixture_stopped(BY_STRANGER(3), "GATEWATCH_CAUSE", "oom", NULL);
        finish();
        test.options.causes = UNITS("oom");
        assert_history("1");
        test.options.n_max = 1;
        assert_history("1");
        ask_for(UNITS("*"));
        assert_history("1");
}

static void test_run_history_gone_writer_without_a_run_is_forged(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        stopped(2, WRITER_GONE);
        stopped(3, WRITER_GONE, "_UID", "0");
        finish();
        for (test.options.n_max = 2; test.options.n_max <= 3; test.options.n_max++)
                assert_history("1 3?");
        ask_for(UNITS("hermes"));
        assert_history("1 3?");
        ask_for(NULL);
        test.options.has_all = true;
        assert_history("1 2! 3?");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                history_test(test_run_history_forged_stopped_does_not_end_a_run),
                history_test(test_run_history_writer_that_was_gone_is_unverified),
                history_test(test_run_history_of_several_last_records_the_first_believed_counts),
                history_test(test_run_history_newest_of_many_last_records_is_the_first),
                history_test(test_run_history_duplicate_beyond_the_bound_still_counts),
                history_test(test_run_history_started_of_strangers_does_not_take_a_run),
                history_test(test_run_history_strangers_do_not_take_a_vouched_stop),
                history_test(test_run_history_strangers_stacked_do_not_hide_what_is_older),
                history_test(test_run_history_gone_writer_without_a_run_is_forged),
        };

        procfs.fd = -EBADF;
        return cmocka_run_group_tests_name("run-history-strangers", tests, NULL, NULL);
}
