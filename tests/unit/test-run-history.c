/* SPDX-License-Identifier: MIT */

/* Histories out of real journal files: which stops there are, in which order, and what became of runs without a
 * last record. */

#include "run-history-fixture.h"

#define MANY_RUNS 5000

/* ---- Runs and their records ---- */

static void test_run_history_empty_journal_is_an_empty_list(void **state) {
        fixture_journal_begin();
        fixture_foreign("MESSAGE", "hello", "_PID", "1", NULL);
        finish();
        assert_history("");
        assert_null(test.list.stops);
}

static void test_run_history_stops_are_joined_oldest_first(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        fixture_foreign("MESSAGE", "hello", "_PID", "1", NULL);
        started(2);
        stopped(2, "GATEWATCH_OUTCOME", "killed");
        finish();
        assert_history("1 2");
        assert_int_equal(test.list.stops[0].began_realtime_usec, FIXTURE_REALTIME);
        assert_int_equal(test.list.stops[0].realtime_usec, FIXTURE_REALTIME + USEC_PER_SEC);
        assert_string_equal(test.list.stops[0].command, "python3 -m hermes --token=***");
        assert_string_equal(test.list.stops[1].outcome_word, "killed");
}

static void test_run_history_records_of_others_are_of_their_run(void **state) {
        fixture_journal_begin();
        started(1);
        started(2, "_PID", "5000"); /* after a crash of all of it */
        stopped(1, "GATEWATCH_RECORDED_BY", "next-run", "_PID", "5000", "_SYSTEMD_INVOCATION_ID",
                run_id(2));
        stopped(2, "GATEWATCH_RECORDED_BY", "post", "_PID", "5100", "_UID", "0");
        finish();
        assert_history("1 2");
        assert_string_equal(test.list.stops[0].recorded_by, "next-run");
        assert_int_equal(test.list.stops[0].began_realtime_usec, FIXTURE_REALTIME);
}

static void test_run_history_malformed_records_are_passed_over(void **state) {
        fixture_journal_begin();
        started(1, "GATEWATCH_RUN_ID", "nonsense"); /* the first one counts */
        fixture_stopped("GATEWATCH_RUN_ID", fixture_without, NULL);
        fixture_stopped("GATEWATCH_RUN_ID", "\xff\xfe", NULL);
        fixture_started("GATEWATCH_RUN_ID", "00000000000000000000000000000000", NULL);
        stopped(1, "GATEWATCH_OUTCOME", "\x1b[31m\xff", "GATEWATCH_CAUSE", fixture_without,
                "GATEWATCH_PHASES", "{{{", "GATEWATCH_TOTAL_USEC", "many");
        finish();
        assert_history("1");
        assert_string_equal(test.list.stops[0].outcome_word, "\x1b[31m\xff");
        assert_int_equal(test.list.stops[0].total_usec, USEC_INFINITY);
}

static void test_run_history_vacuumed_started_leaves_the_stop(void **state) {
        fixture_journal_begin();
        stopped(1);
        started(2);
        stopped(2);
        finish();
        assert_history("1 2");
        assert_int_equal(test.list.stops[0].began_realtime_usec, USEC_INFINITY);
        assert_null(test.list.stops[0].command);
        assert_int_equal(test.list.stops[0].drain_usec, 60 * USEC_PER_SEC);
        ask_for(UNITS("hermes"));
        test.options.n_max = 2;
        assert_history("1 2");
}

/* ---- What became of those without a last record ---- */

static void test_run_history_run_that_was_followed_is_unrecorded(void **state) {
        fixture_journal_begin();
        started(1);
        started(2, "GATEWATCH_NAME", "renamed");
        stopped(2);
        started(3, OF_UNIT("apollo.service")); /* of another unit */
        started(4, OF_USER("1000"));
        started(5, OF_USER("1001")); /* of another user */
        finish();
        test.options.has_all = true;
        assert_history("1- 2 3+ 4+ 5+");
        test.options.has_all = false;
        assert_history("1- 2");
        assert_string_equal(past_stop_outcome_word(&test.list.stops[0]), "unrecorded");
}

static void test_run_history_newest_runs_are_not_the_newest_stops(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        started(2);
        stopped(2);
        started(3);
        finish();
        test.options.n_max = 1;
        ask_for(UNITS("hermes"));
        assert_history("2");
        test.options.has_all = true;
        assert_history("3+");
        test.options.n_max = 2;
        assert_history("2 3+");
        test.options.n_max = 0;
        assert_history("");
}

static void test_run_history_later_boot_ends_a_run(void **state) {
        fixture_journal_begin();
        started(1);
        started(2, "_MACHINE_ID", MACHINE_B, "_BOOT_ID", "b0030000000000000000000000000003");
        fixture_foreign("MESSAGE", "Linux version 6.1", "_TRANSPORT", "kernel", "_BOOT_ID", BOOT_B,
                "_MACHINE_ID", FIXTURE_MACHINE_ID, NULL);
        finish();
        test.options.has_all = true;
        assert_history("1- 2+");
}

static void started_in_session(unsigned i, const char *name) {
        fixture_started("GATEWATCH_RUN_ID", run_id(i), "_SYSTEMD_INVOCATION_ID", run_id(99),
                IN_SESSION, "GATEWATCH_NAME", name, NULL);
}

static void test_run_history_runs_of_one_session_end_by_themselves(void **state) {
        fixture_journal_begin();
        started_in_session(1, "a");
        started_in_session(2, "b");
        started_in_session(3, "b");
        finish();
        test.options.has_all = true;
        assert_history("1+ 2- 3+");
        ask_for(UNITS("b"));
        assert_history("2- 3+");
}

static void test_run_history_others_in_the_unit_do_not_hide_the_successor(void **state) {
        fixture_journal_begin();
        started(1);
        started_in_session(2, "a");
        started_in_session(3, "a");
        started_in_session(4, "b");
        started(5);
        started(6, "_UID", "1001");
        started(7, "_COMM", "python3");
        finish();
        test.options.has_all = true;
        assert_history("1- 2- 3+ 4+ 5+ 6+ 7-!");
        ask_for(UNITS(run_id(1), run_id(5), run_id(6)));
        assert_history("1- 5+ 6+");
        ask_for(UNITS(run_id(2), run_id(4)));
        assert_history("2- 4+");
}

/* A `started` of this machine and boot. */
static void started_here(unsigned i, const char *pid, const char *unit, usec_t monotonic_usec) {
        static char machine[SD_ID128_STRING_MAX], boot[SD_ID128_STRING_MAX], monotonic[32];
        sd_id128_t id;

        if (sd_id128_get_machine(&id) < 0)
                skip();
        (void) sd_id128_to_string(id, machine);
        assert_true(sd_id128_get_boot(&id) >= 0);
        (void) sd_id128_to_string(id, boot);
        (void) snprintf(monotonic, sizeof(monotonic), "%" PRIu64, monotonic_usec);
        started(i, "_MACHINE_ID", machine, "_BOOT_ID", boot, "_PID", pid, "__MONOTONIC_TIMESTAMP",
                monotonic, OF_UNIT(unit));
}

static void test_run_history_of_this_boot_is_looked_at(void **state) {
        const usec_t hour_usec = USEC_PER_HOUR;
        char stat[256];

        assert_int_equal(procfs_tree_init(&procfs), 0);
        procfs_tree_put(&procfs, "proc/1/stat", "1 (systemd) " STAT_REST("S", 0, 1));
        procfs_tree_put(&procfs, "proc/11/stat", "11 (gatewatch) " STAT_REST("S", 1, 9));
        procfs_tree_put(&procfs, "proc/12/stat", "12 (python3) " STAT_REST("S", 1, 9));
        procfs_tree_put(&procfs, "proc/13/stat",
                "13 (gatewatch) Z 1 7 8 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n");
        (void) snprintf(stat, sizeof(stat),
                "14 (gatewatch) S 1 7 8 0 -1 4194560 100 0 0 0 11 22 0 0 20 0 3 0 %" PRIu64
                " 1 2\n",
                UINT64_C(1) << 50); /* long after the record */
        procfs_tree_put(&procfs, "proc/14/stat", stat);
        fixture_journal_begin();
        started_here(1, "11", "a.service", hour_usec);
        started_here(2, "12", "b.service", hour_usec);
        started_here(3, "13", "c.service", hour_usec);
        started_here(4, "14", "d.service", hour_usec);
        started_here(5, "15", "e.service", hour_usec);
        finish();
        test.options.root = procfs.path;
        test.options.has_all = true;
        assert_history("1+ 2- 3- 4- 5-");
        /* Where others' processes are hidden nothing can be told. */
        assert_int_equal(unlinkat(procfs.fd, "proc/1/stat", 0), 0);
        assert_history("1+ 2- 3- 4- 5+");
        test.options.root = "/nonexistent";
        assert_history("1+ 2+ 3+ 4+ 5+");
}

/* ---- Machines, boots, clocks ---- */

static void test_run_history_machines_with_one_unit_name_are_apart(void **state) {
        fixture_journal_begin();
        started(1);
        started(2, "_MACHINE_ID", MACHINE_B, "_HOSTNAME", "gw2");
        stopped(2, "_MACHINE_ID", MACHINE_B, "_HOSTNAME", "gw2");
        finish();
        test.options.has_all = true;
        assert_history("1+ 2");
        assert_string_equal(test.list.stops[1].host, "gw2");
}

static void test_run_history_clock_jumps_do_not_change_the_order(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        started(2, "__REALTIME_TIMESTAMP", "1700000000000000"); /* two years back */
        stopped(2);
        started(3, "__REALTIME_TIMESTAMP", "1763800000000000");
        stopped(3);
        finish();
        assert_history("1 2 3");
        test.options.n_max = 2;
        assert_history("2 3");
        assert_true(test.list.stops[0].realtime_usec < FIXTURE_REALTIME);
}

static void test_run_history_boot_without_a_clock_is_shown_as_it_is(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        started(2, "__REALTIME_TIMESTAMP", "5000000", "__MONOTONIC_TIMESTAMP", "5000000",
                "_BOOT_ID", BOOT_B);
        stopped(2, "_BOOT_ID", BOOT_B);
        finish();
        assert_history("1 2");
        assert_int_equal(test.list.stops[1].realtime_usec, 6000000);
}

static void test_run_history_next_run_after_a_reboot_records_it(void **state) {
        fixture_journal_begin();
        started(1);
        started(2, "_BOOT_ID", BOOT_B, "__MONOTONIC_TIMESTAMP", "9000000");
        stopped(1, "_BOOT_ID", BOOT_B, "GATEWATCH_RECORDED_BY", "next-run", "_PID", "99",
                "GATEWATCH_OUTCOME", "lost");
        stopped(2, "_BOOT_ID", BOOT_B);
        finish();
        assert_history("1 2");
        assert_int_equal(sd_id128_from_string(FIXTURE_BOOT_ID, &test.options.boot_id), 0);
        assert_history(
                "1"); /* it went down with that boot, though its last record is of the later one */
        assert_int_equal(sd_id128_from_string(BOOT_B, &test.options.boot_id), 0);
        assert_history("1 2");
        assert_string_equal(test.list.stops[0].command, "python3 -m hermes --token=***");
}

static void test_run_history_bounds_do_not_make_runs_unrecorded(void **state) {
        fixture_journal_begin();
        started(1); /* second 0 */
        stopped(1);
        started(2); /* second 2 */
        stopped(2);
        started(3); /* second 4 */
        started(4);
        stopped(4);
        finish();
        test.options.until_usec = FIXTURE_REALTIME + 2 * USEC_PER_SEC;
        assert_history("1");
        test.options.until_usec = FIXTURE_REALTIME + 4 * USEC_PER_SEC;
        assert_history("1 2 3-");
        test.options.until_usec = USEC_INFINITY;
        test.options.since_usec = FIXTURE_REALTIME + 3 * USEC_PER_SEC;
        assert_history("2 3- 4");
        assert_int_equal(
                test.list.stops[0].began_realtime_usec, FIXTURE_REALTIME + 2 * USEC_PER_SEC);
}

/* ---- What is asked for ---- */

static void test_run_history_units_are_asked_for(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1);
        started(2, OF_UNIT("hermes@eu.service"));
        stopped(2, OF_UNIT("hermes@eu.service"));
        started(3, OF_UNIT("hermes@us.service"));
        stopped(3, OF_UNIT("hermes@us.service"));
        started(4, OF_USER("1000"));
        stopped(4, OF_USER("1000"));
        started(5, OF_USER("1001"));
        stopped(5, OF_USER("1001"));
        started(6, "_SYSTEMD_INVOCATION_ID", run_id(99), IN_SESSION);
        stopped(6, "_SYSTEMD_INVOCATION_ID", run_id(99), IN_SESSION);
        finish();
        assert_history("1 2 3 4 5 6");
        ask_for(UNITS("hermes"));
        assert_history("1 4 5 6");
        ask_for(UNITS("hermes@*"));
        assert_history("2 3");
        ask_for(UNITS("hermes@us", "hermes@eu.service"));
        assert_history("2 3");
        ask_for(UNITS("apollo"));
        assert_history("");
        ask_for(UNITS(run_id(5), run_id(2)));
        assert_history("2 5");
        ask_for(UNITS(run_id(5), "hermes@us"));
        assert_history("3 5");
        ask_for(NULL);
        test.options.manager = HISTORY_USER;
        test.options.own_uid = 1001;
        assert_history("5");
        test.options.manager = HISTORY_SYSTEM;
        assert_history("1 2 3");
}

static void test_run_history_words_are_asked_for(void **state) {
        fixture_journal_begin();
        started(1);
        stopped(1, "GATEWATCH_CAUSE", "oom", "GATEWATCH_OUTCOME", "crashed");
        started(2);
        stopped(2, "GATEWATCH_REQUESTER_COMM", "apt-get");
        started(3);
        started(4);
        stopped(4, "GATEWATCH_OUTCOME", "killed");
        finish();
        test.options.causes = UNITS("oom");
        assert_history("1");
        test.options.causes = NULL;
        test.options.outcomes = UNITS("unrecorded", "killed");
        assert_history("3- 4");
        test.options.outcomes = NULL;
        test.options.sender = "apt*";
        test.options.n_max = 1;
        assert_history("2");
}

/* ---- Many ---- */

static void test_run_history_many_runs_are_each_there_once(void **state) {
        fixture_journal_begin();
        for (unsigned i = 0; i < MANY_RUNS; i++) {
                started(i + 1);
                if (i % 10 != 3)
                        stopped(i + 1);
        }
        finish();
        read_history();
        assert_int_equal(test.list.n, MANY_RUNS);
        for (unsigned i = 0; i < MANY_RUNS; i++) {
                assert_int_equal(stop_number(&test.list.stops[i]), i + 1);
                assert_int_equal(
                        test.list.stops[i].state, i % 10 == 3 ? RUN_UNRECORDED : RUN_STOPPED);
                assert_int_equal(test.list.stops[i].trust, TRUST_BELIEVED);
                assert_true(test.list.stops[i].began_realtime_usec != USEC_INFINITY);
        }
        test.options.n_max = 7;
        assert_history("4994- 4995 4996 4997 4998 4999 5000");
        test.options.n_max = SIZE_MAX;
        test.options.outcomes = UNITS("unrecorded");
        read_history();
        assert_int_equal(test.list.n, MANY_RUNS / 10);
}

static void test_run_history_many_records_of_one_run_are_one_stop(void **state) {
        fixture_journal_begin();
        for (unsigned i = 0; i < MANY_RUNS / 2; i++) {
                started(1);
                stopped(1);
        }
        finish();
        assert_history("1");
        assert_int_equal(test.list.stops[0].realtime_usec, FIXTURE_REALTIME + USEC_PER_SEC);
        test.options.has_all = true;
        read_history();
        assert_int_equal(test.list.n, MANY_RUNS / 2);
        assert_int_equal(test.list.stops[0].trust, TRUST_BELIEVED);
        assert_int_equal(test.list.stops[1].trust, TRUST_FORGED);
}

/* ---- Following ---- */

static void test_run_history_follow_completes_each_stop(void **state) {
        test.options.since_usec = FIXTURE_REALTIME;
        fixture_journal_begin();
        started(1);
        stopped(1);
        fixture_started("GATEWATCH_RUN_ID", run_id(2), "__REALTIME_TIMESTAMP", "4000000000000000",
                NULL); /* in times to come, so that it is not of the past */
        stopped(2, "GATEWATCH_CAUSE", "oom");
        stopped(2, "GATEWATCH_CAUSE", "oom");
        started(3);
        stopped(3, "_COMM", "python3");
        stopped(3, "GATEWATCH_CAUSE", "stop");
        started(4);
        stopped(4, "GATEWATCH_CAUSE", "oom");
        finish();
        open_journal();
        test.options.causes = UNITS("oom");
        assert_int_equal(run_history_ask(test.query, &test.options), 0);
        assert_int_equal(run_history_follow(test.query, &test.options, &test.stop), 1);
        assert_int_equal(stop_number(&test.stop), 2);
        assert_string_equal(test.stop.command, "python3 -m hermes --token=***");
        past_stop_done(&test.stop);
        assert_int_equal(run_history_follow(test.query, &test.options, &test.stop), 1);
        assert_int_equal(stop_number(&test.stop), 4);
        past_stop_done(&test.stop);
        assert_int_equal(run_history_follow(test.query, &test.options, &test.stop), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                history_test(test_run_history_empty_journal_is_an_empty_list),
                history_test(test_run_history_stops_are_joined_oldest_first),
                history_test(test_run_history_records_of_others_are_of_their_run),
                history_test(test_run_history_malformed_records_are_passed_over),
                history_test(test_run_history_vacuumed_started_leaves_the_stop),
                history_test(test_run_history_run_that_was_followed_is_unrecorded),
                history_test(test_run_history_newest_runs_are_not_the_newest_stops),
                history_test(test_run_history_later_boot_ends_a_run),
                history_test(test_run_history_runs_of_one_session_end_by_themselves),
                history_test(test_run_history_others_in_the_unit_do_not_hide_the_successor),
                history_test(test_run_history_of_this_boot_is_looked_at),
                history_test(test_run_history_machines_with_one_unit_name_are_apart),
                history_test(test_run_history_clock_jumps_do_not_change_the_order),
                history_test(test_run_history_boot_without_a_clock_is_shown_as_it_is),
                history_test(test_run_history_next_run_after_a_reboot_records_it),
                history_test(test_run_history_bounds_do_not_make_runs_unrecorded),
                history_test(test_run_history_units_are_asked_for),
                history_test(test_run_history_words_are_asked_for),
                history_test(test_run_history_many_runs_are_each_there_once),
                history_test(test_run_history_many_records_of_one_run_are_one_stop),
                history_test(test_run_history_follow_completes_each_stop),
        };

        procfs.fd = -EBADF;
        return cmocka_run_group_tests_name("run-history", tests, NULL, NULL);
}
