/* SPDX-License-Identifier: MIT */
#pragma once

/* Entries of a journal as lists of "NAME=value". Include after cmocka.h. */

#include <string.h>

#include "report/journal-entry.h"
#include "report/past-stop.h"

#define RUN_A   "c0010000000000000000000000000001"
#define RUN_B   "c0020000000000000000000000000002"
#define MACHINE "a0010000000000000000000000000001"

#define FIELDS_MAX 32

static const char *const started_fields[] = {
        "MESSAGE_ID=d540f6a974a5488590271784fa955712",
        "_TRANSPORT=journal",
        "_COMM=gatewatch",
        "_MACHINE_ID=" MACHINE,
        "_HOSTNAME=gw1",
        "_SYSTEMD_UNIT=hermes.service",
        "_SYSTEMD_INVOCATION_ID=" RUN_A,
        "_UID=990",
        "_PID=77",
        "GATEWATCH_RUN_ID=" RUN_A,
        "GATEWATCH_NAME=hermes",
        "GATEWATCH_UNIT=hermes.service",
        "GATEWATCH_COMMAND=python3 -m hermes",
        "GATEWATCH_DRAIN_USEC=60000000",
        "GATEWATCH_HEADROOM_USEC=30000000",
        NULL,
};

static const char *const stopped_fields[] = {
        "MESSAGE_ID=a0e6684b50c347e985c058a0cf3892a5",
        "_TRANSPORT=journal",
        "_COMM=gatewatch",
        "_MACHINE_ID=" MACHINE,
        "_HOSTNAME=gw1",
        "_SYSTEMD_UNIT=hermes.service",
        "_SYSTEMD_INVOCATION_ID=" RUN_A,
        "_UID=990",
        "_PID=77",
        "GATEWATCH_RUN_ID=" RUN_A,
        "GATEWATCH_NAME=hermes",
        "GATEWATCH_CAUSE=stop",
        "GATEWATCH_OUTCOME=clean",
        "GATEWATCH_RECORDED_BY=run",
        NULL,
};

static bool field_is_of(const char *field, const char *name, size_t length) {
        return strncmp(field, name, length) == 0 && (field[length] == '=' || field[length] == '\0');
}

/* own: fields that count before the others; "-NAME": that one is to be missing. */
_unused_ static void entry_fill(
        JournalEntry *entry, const char *const own[], const char *const others[]) {
        journal_entry_reset(entry);
        for (size_t i = 0; own && own[i]; i++)
                if (own[i][0] != '-')
                        assert_int_equal(journal_entry_add(entry, own[i], strlen(own[i])), 0);
        for (size_t i = 0; others[i]; i++) {
                const size_t length = (size_t) (strchr(others[i], '=') - others[i]);
                bool is_missing = false;

                for (size_t k = 0; own && own[k]; k++)
                        is_missing |=
                                own[k][0] == '-' && field_is_of(own[k] + 1, others[i], length);
                if (!is_missing)
                        assert_int_equal(journal_entry_add(entry, others[i], strlen(others[i])), 0);
        }
}

typedef struct PastStopTest {
        JournalEntry entry, started;
        PastStop stop;
        char *text;
} PastStopTest;

_unused_ static int past_stop_setup(void **state) {
        return (*state = calloc(1, sizeof(PastStopTest))) ? 0 : -1;
}

_unused_ static int past_stop_teardown(void **state) {
        PastStopTest *test = *state;

        journal_entry_done(&test->entry);
        journal_entry_done(&test->started);
        past_stop_done(&test->stop);
        free(test->text);
        free(test);
        return 0;
}

/* A stop of these fields, and of a `started` where own_started is not NULL. */
_unused_ static void past_stop_make(
        PastStopTest *test, const char *const own[], const char *const own_started[]) {
        past_stop_done(&test->stop);
        entry_fill(&test->entry, own, stopped_fields);
        assert_int_equal(past_stop_from_entry(&test->entry, &test->stop), 0);
        if (own_started) {
                entry_fill(&test->started, own_started, started_fields);
                assert_int_equal(past_stop_join(&test->stop, &test->started), 0);
        }
}

#define past_stop_test(function) \
        cmocka_unit_test_setup_teardown(function, past_stop_setup, past_stop_teardown)
