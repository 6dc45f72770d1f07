/* SPDX-License-Identifier: MIT */

/* Histories out of real journal files: which stops there are, in which order, and what became of runs without a
 * last record. A history is compared as a line, one word a stop: the run's number and how it is shown. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "journal-fixture.h"
#include "procfs-tree.h"
#include "report/run-history.h"

#define MACHINE_B "a0020000000000000000000000000002"
#define BOOT_B    "b0020000000000000000000000000002"
#define MANY_RUNS 5000

typedef struct HistoryTest {
        JournalQuery *query;
        StopList list;
        PastStop stop;
        HistoryOptions options;
        pid_t remote_pid;
        int remote_fd;
} HistoryTest;

static HistoryTest test;
static ProcfsTree procfs;

static int setup(void **state) {
        test = (HistoryTest){ .options = { .until_usec = USEC_INFINITY, .n_max = SIZE_MAX } };
        return journal_setup(state);
}

static int teardown(void **state) {
        stop_list_done(&test.list);
        past_stop_done(&test.stop);
        test.query = journal_query_free(test.query);
        procfs_tree_done(&procfs);
        return journal_teardown(state);
}

/* The id of run i, in one of four buffers that are used in turn. */
static const char *run_id(unsigned i) {
        static char buffers[4][SD_ID128_STRING_MAX];
        static unsigned n_used;
        char *buffer = buffers[n_used++ % ELEMENTSOF(buffers)];

        (void) snprintf(buffer, SD_ID128_STRING_MAX, "c0%026x%04x", i % 7, i);
        return buffer;
}

#define started(i, ...)                                                                     \
        fixture_started("GATEWATCH_RUN_ID", run_id(i), "_SYSTEMD_INVOCATION_ID", run_id(i), \
                ##__VA_ARGS__, NULL)
#define stopped(i, ...)                                                                     \
        fixture_stopped("GATEWATCH_RUN_ID", run_id(i), "_SYSTEMD_INVOCATION_ID", run_id(i), \
                ##__VA_ARGS__, NULL)

#define IN_SESSION    "_SYSTEMD_UNIT", "session-3.scope", "GATEWATCH_UNIT", fixture_without
#define OF_UNIT(name) "_SYSTEMD_UNIT", name, "GATEWATCH_UNIT", name
#define OF_USER(uid) \
        "_UID", uid, "_SYSTEMD_UNIT", "user@" uid ".service", "_SYSTEMD_USER_UNIT", FIXTURE_UNIT
#define WRITER_GONE                                                                           \
        "_COMM", fixture_without, "_SYSTEMD_UNIT", fixture_without, "_SYSTEMD_INVOCATION_ID", \
                fixture_without

/* Named gatewatch, in a unit of its own, by the id of a run of another. */
#define BY_STRANGER(i)                                                                       \
        "GATEWATCH_RUN_ID", run_id(i), "_SYSTEMD_INVOCATION_ID", run_id(99), "_UID", "1000", \
                "_PID", "66", OF_UNIT("evil.service")

static void open_journal(void) {
        char error[JOURNAL_ERROR_MAX];

        assert_int_equal(journal_query_new(&(JournalSource){ .directory = fixture_directory },
                                 &test.query, error),
                0);
}

static void read_history(void) {
        if (!test.query)
                open_journal();
        stop_list_done(&test.list);
        assert_int_equal(run_history_read(test.query, &test.options, &test.list), 0);
}

static unsigned long stop_number(const PastStop *stop) {
        char text[SD_ID128_STRING_MAX];

        return strtoul(sd_id128_to_string(stop->run_id, text) + 28, NULL, 16);
}

/* "1 2! 3? 4- 5+": 2 is forged, 3 not verified, 4 unrecorded, 5 runs. */
static void assert_history(const char *expected) {
        char line[1024] = "", *end = line;

        read_history();
        for (size_t i = 0; i < test.list.n; i++) {
                const PastStop *stop = &test.list.stops[i];

                assert_true(end - line < 1000);
                end += sprintf(end, "%s%lu%s%s", i > 0 ? " " : "", stop_number(stop),
                        stop->state == RUN_RUNNING              ? "+"
                                : stop->state == RUN_UNRECORDED ? "-"
                                                                : "",
                        stop->trust == TRUST_FORGED               ? "!"
                                : stop->trust == TRUST_UNVERIFIED ? "?"
                                                                  : "");
        }
        assert_string_equal(line, expected);
}

static void finish(void) {
        fixture_journal_finish("a.journal");
}

static void ask_for(char *const units[]) {
        test.options.units = units;
}
#define UNITS(...) ((char *const *) (const char *const[]){ __VA_ARGS__, NULL })

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

#define history_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                history_test(test_run_history_empty_journal_is_an_empty_list),
                history_test(test_run_history_stops_are_joined_oldest_first),
                history_test(test_run_history_records_of_others_are_of_their_run),
                history_test(test_run_history_forged_stopped_does_not_end_a_run),
                history_test(test_run_history_writer_that_was_gone_is_unverified),
                history_test(test_run_history_of_several_last_records_the_first_believed_counts),
                history_test(test_run_history_newest_of_many_last_records_is_the_first),
                history_test(test_run_history_duplicate_beyond_the_bound_still_counts),
                history_test(test_run_history_started_of_strangers_does_not_take_a_run),
                history_test(test_run_history_strangers_do_not_take_a_vouched_stop),
                history_test(test_run_history_strangers_stacked_do_not_hide_what_is_older),
                history_test(test_run_history_gone_writer_without_a_run_is_forged),
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
