/* SPDX-License-Identifier: MIT */
#pragma once

/* Histories out of real journal files, compared as a line, one word a stop: the run's number and how it is shown. */

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

#define history_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
