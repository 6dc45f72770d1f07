/* SPDX-License-Identifier: MIT */

/* A record read into a struct: what is there, what is not there or no value of its type, and what the run's
 * `started` adds. Trust is test-past-stop-trust.c's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "past-stop-fixture.h"

static void test_past_stop_whole_record_is_read(void **state) {
        static const char *const own[] = { "GATEWATCH_CAUSE_DETAIL=systemd was asked",
                "GATEWATCH_EXIT_CODE=exited", "GATEWATCH_EXIT_STATUS=0", "GATEWATCH_SIGNAL=SIGTERM",
                "GATEWATCH_SENDER_PID=1", "GATEWATCH_SENDER_UID=0", "GATEWATCH_SENDER_USER=root",
                "GATEWATCH_SENDER_COMM=systemd", "GATEWATCH_SENDER_STATE=manager",
                "GATEWATCH_REQUESTER_PID=812", "GATEWATCH_REQUESTER_UID=0",
                "GATEWATCH_REQUESTER_LOGINUID=1000", "GATEWATCH_REQUESTER_COMM=systemctl",
                "GATEWATCH_REQUESTER_VERB=restart", "GATEWATCH_REQUESTER_ANCESTRY=systemctl(812)",
                "GATEWATCH_UPTIME_USEC=7200000000", "GATEWATCH_DRAIN_USEC=50000000",
                "GATEWATCH_HEADROOM_USEC=20000000", "GATEWATCH_TIMEOUT_STOP_USEC=90000000",
                "GATEWATCH_DRAIN_USED_USEC=1500000", "GATEWATCH_TOTAL_USEC=1600000",
                "GATEWATCH_ACTIVE_AT_START=3", "GATEWATCH_ACTIVE_NOW=1",
                "GATEWATCH_ACTIVE_SOURCE=gateway", "GATEWATCH_PHASES=[]",
                "GATEWATCH_GATEWAY_PHASES=[1]", "GATEWATCH_STEPS=[2]",
                "GATEWATCH_SLOWEST_STEP=disconnect", "GATEWATCH_SLOWEST_STEP_USEC=42",
                "GATEWATCH_TIMELINE=+0.00s drain", "GATEWATCH_OOM_KILLS=2", NULL };
        PastStopTest *test = *state;
        const PastStop *stop = &test->stop;

        entry_fill(&test->entry, own, stopped_fields);
        test->entry.realtime_usec = 1700;
        test->entry.monotonic_usec = 17;
        assert_int_equal(past_stop_from_entry(&test->entry, &test->stop), 0);
        journal_entry_done(&test->entry); /* nothing points there any more */

        assert_int_equal(stop->state, RUN_STOPPED);
        assert_int_equal(stop->realtime_usec, 1700);
        assert_int_equal(stop->monotonic_usec, 17);
        assert_string_equal(stop->host, "gw1");
        assert_string_equal(stop->unit, "hermes.service");
        assert_int_equal(stop->manager, UNIT_MANAGER_SYSTEM);
        assert_int_equal(stop->uid, 990);
        assert_int_equal(stop->writer_pid, 77);
        assert_string_equal(stop->name, "hermes");
        assert_string_equal(stop->recorded_by, "run");
        assert_int_equal(stop->began_realtime_usec, USEC_INFINITY);
        assert_int_equal(stop->uptime_usec, 7200000000);
        assert_int_equal(stop->cause, CAUSE_STOP);
        assert_string_equal(stop->cause_detail, "systemd was asked");
        assert_int_equal(stop->outcome, OUTCOME_CLEAN);
        assert_string_equal(stop->exit_code, "exited");
        assert_string_equal(stop->exit_status, "0");
        assert_string_equal(stop->signal, "SIGTERM");
        assert_int_equal(stop->sender.pid, 1);
        assert_int_equal(stop->sender.uid, 0);
        assert_int_equal(stop->sender.loginuid, (uid_t) -1);
        assert_string_equal(stop->sender.user, "root");
        assert_string_equal(stop->sender.comm, "systemd");
        assert_string_equal(stop->sender.state, "manager");
        assert_int_equal(stop->requester.pid, 812);
        assert_int_equal(stop->requester.loginuid, 1000);
        assert_string_equal(stop->requester.verb, "restart");
        assert_string_equal(stop->requester.ancestry, "systemctl(812)");
        assert_null(stop->requester.user);
        assert_int_equal(stop->drain_usec, 50000000);
        assert_int_equal(stop->headroom_usec, 20000000);
        assert_int_equal(stop->timeout_stop_usec, 90000000);
        assert_int_equal(stop->drain_used_usec, 1500000);
        assert_int_equal(stop->total_usec, 1600000);
        assert_true(stop->has_active);
        assert_int_equal(stop->active_at_start, 3);
        assert_int_equal(stop->active_now, 1);
        assert_string_equal(stop->active_source, "gateway");
        assert_string_equal(stop->phases, "[]");
        assert_string_equal(stop->gateway_phases, "[1]");
        assert_string_equal(stop->steps, "[2]");
        assert_string_equal(stop->slowest_step, "disconnect");
        assert_int_equal(stop->slowest_step_usec, 42);
        assert_string_equal(stop->timeline, "+0.00s drain");
        assert_int_equal(stop->n_oom_kills, 2);
        assert_null(stop->command);
}

static void test_past_stop_bare_record_knows_nothing_else(void **state) {
        static const char *const bare[] = { "GATEWATCH_RUN_ID=" RUN_A, NULL };
        PastStopTest *test = *state;
        const PastStop *stop = &test->stop;

        entry_fill(&test->entry, NULL, bare);
        test->entry.realtime_usec = test->entry.monotonic_usec = USEC_INFINITY;
        assert_int_equal(past_stop_from_entry(&test->entry, &test->stop), 0);
        assert_int_equal(stop->realtime_usec, 0);
        assert_int_equal(stop->monotonic_usec, 0);
        assert_null(stop->unit);
        assert_int_equal(stop->manager, UNIT_MANAGER_NONE);
        assert_int_equal(stop->uid, (uid_t) -1);
        assert_int_equal(stop->writer_pid, 0);
        assert_int_equal(stop->cause, _CAUSE_INVALID);
        assert_int_equal(stop->outcome, _OUTCOME_INVALID);
        assert_null(stop->outcome_word);
        assert_int_equal(stop->sender.uid, (uid_t) -1);
        assert_int_equal(stop->total_usec, USEC_INFINITY);
        assert_int_equal(stop->uptime_usec, USEC_INFINITY);
        assert_false(stop->has_active);
        assert_int_equal(stop->active_now, UINT64_MAX);
        assert_int_equal(stop->n_oom_kills, UINT64_MAX);
        assert_true(past_stop_drain_share(stop) < 0);
}

static void test_past_stop_record_without_run_id_is_refused(void **state) {
        static const char *const ids[] = { "-GATEWATCH_RUN_ID",
                "GATEWATCH_RUN_ID=", "GATEWATCH_RUN_ID=c001", "GATEWATCH_RUN_ID=\xff\xfe",
                "GATEWATCH_RUN_ID=00000000000000000000000000000000",
                "GATEWATCH_RUN_ID=g0010000000000000000000000000001",
                "GATEWATCH_RUN_ID=" RUN_A "0" };
        PastStopTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                entry_fill(&test->entry, (const char *const[]){ ids[i], NULL }, stopped_fields);
                assert_int_equal(past_stop_from_entry(&test->entry, &test->stop), -EBADMSG);
                entry_fill(&test->started, (const char *const[]){ ids[i], NULL }, started_fields);
                assert_int_equal(past_stop_from_started(&test->started, &test->stop), -EBADMSG);
        }
        assert_null(test->stop.text);
}

static void test_past_stop_values_of_no_type_are_not_known(void **state) {
        static const char *const values[] = { "", "-1", "1.5", "0x10", "18446744073709551616", "1 ",
                " 1", "1\n", "yes", "\xff", "4294967296000000000000" };
        PastStopTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                char total[64], active[64], pid[64], uid[64];

                (void) snprintf(total, sizeof(total), "GATEWATCH_TOTAL_USEC=%s", values[i]);
                (void) snprintf(active, sizeof(active), "GATEWATCH_ACTIVE_NOW=%s", values[i]);
                (void) snprintf(pid, sizeof(pid), "GATEWATCH_SENDER_PID=%s", values[i]);
                (void) snprintf(uid, sizeof(uid), "_UID=%s", values[i]);
                past_stop_make(test, (const char *const[]){ total, active, pid, uid, NULL }, NULL);
                assert_int_equal(test->stop.total_usec, USEC_INFINITY);
                assert_int_equal(test->stop.active_now, UINT64_MAX);
                assert_int_equal(test->stop.sender.pid, 0);
                assert_int_equal(test->stop.uid, (uid_t) -1);
        }
        past_stop_make(test,
                (const char *const[]){ "GATEWATCH_SENDER_PID=2147483648", "_PID=4294967297",
                        "GATEWATCH_SENDER_UID=4294967295", NULL },
                NULL);
        assert_int_equal(test->stop.sender.pid, 0);
        assert_int_equal(test->stop.writer_pid, 0);
        assert_int_equal(test->stop.sender.uid, (uid_t) -1);
}

static void test_past_stop_unknown_words_stay_words(void **state) {
        static const char *const own[] = { "GATEWATCH_CAUSE=eclipse", "GATEWATCH_OUTCOME=vanished",
                NULL };
        PastStopTest *test = *state;

        past_stop_make(test, own, NULL);
        assert_int_equal(test->stop.cause, _CAUSE_INVALID);
        assert_int_equal(test->stop.outcome, _OUTCOME_INVALID);
        assert_string_equal(past_stop_cause_word(&test->stop), "eclipse");
        assert_string_equal(past_stop_outcome_word(&test->stop), "vanished");
        assert_false(past_stop_is_forced(&test->stop));
        assert_false(past_stop_is_unexplained(&test->stop));
}

static void test_past_stop_hostile_values_stay_as_they_are(void **state) {
        static const char *const own[] = { "GATEWATCH_NAME=\x1b[31m\xff\xc0\200evil\n",
                "GATEWATCH_CAUSE=\x1b]0;x\x07", "_HOSTNAME=\xe2\x80\xae", NULL };
        PastStopTest *test = *state;

        past_stop_make(test, own, NULL);
        assert_string_equal(test->stop.name, "\x1b[31m\xff\xc0\200evil\n");
        assert_string_equal(test->stop.cause_word, "\x1b]0;x\x07");
        assert_string_equal(test->stop.host, "\xe2\x80\xae");
}

static void test_past_stop_empty_strings_are_not_known(void **state) {
        static const char *const own[] = { "GATEWATCH_CAUSE=", "GATEWATCH_OUTCOME=",
                "GATEWATCH_NAME=", "_SYSTEMD_UNIT=", "GATEWATCH_SENDER_COMM=", NULL };
        PastStopTest *test = *state;

        past_stop_make(test, own, NULL);
        assert_null(test->stop.cause_word);
        assert_null(test->stop.name);
        assert_null(test->stop.unit);
        assert_null(test->stop.sender.comm);
        assert_string_equal(past_stop_outcome_word(&test->stop), "-");
}

static void test_past_stop_oversized_value_is_taken_as_it_was_cut(void **state) {
        PastStopTest *test = *state;
        const char *name = "GATEWATCH_STEPS=";
        const size_t size = strlen(name) + 4 * JOURNAL_ENTRY_VALUE_BYTES;

        test->text = malloc(size);
        assert_non_null(test->text);
        memset(test->text, 'x', size);
        memcpy(test->text, name, strlen(name));
        entry_fill(&test->entry, NULL, stopped_fields);
        assert_int_equal(journal_entry_add(&test->entry, test->text, size), 0);
        assert_int_equal(past_stop_from_entry(&test->entry, &test->stop), 0);
        assert_int_equal(strlen(test->stop.steps), JOURNAL_ENTRY_VALUE_BYTES);
        assert_string_equal(test->stop.unit, "hermes.service");
}

static void test_past_stop_unit_is_what_the_journal_vouches_for(void **state) {
        static const struct {
                const char *own[4];
                const char *unit;
                UnitManager manager;
        } rows[] = {
                { { NULL }, "hermes.service", UNIT_MANAGER_SYSTEM },
                { { "_SYSTEMD_UNIT=hermes@eu.service" }, "hermes@eu.service", UNIT_MANAGER_SYSTEM },
                { { "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=hermes.service" },
                        "hermes.service", UNIT_MANAGER_USER },
                { { "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=vte-1.scope" },
                        "vte-1.scope", UNIT_MANAGER_NONE },
                { { "_SYSTEMD_UNIT=user@1000.service" }, "user@1000.service", UNIT_MANAGER_NONE },
                { { "_SYSTEMD_UNIT=session-3.scope" }, "session-3.scope", UNIT_MANAGER_NONE },
                { { "_SYSTEMD_UNIT=system.slice" }, "system.slice", UNIT_MANAGER_NONE },
                { { "_SYSTEMD_UNIT=.service" }, ".service", UNIT_MANAGER_NONE },
                { { "_SYSTEMD_USER_UNIT=hermes.service", "-_SYSTEMD_UNIT" }, "hermes.service",
                        UNIT_MANAGER_USER },
                { { "-_SYSTEMD_UNIT", "GATEWATCH_UNIT=apollo.service" }, NULL, UNIT_MANAGER_NONE },
        };
        PastStopTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                past_stop_make(test, rows[i].own, NULL);
                assert_int_equal(test->stop.manager, rows[i].manager);
                if (rows[i].unit)
                        assert_string_equal(test->stop.unit, rows[i].unit);
                else
                        assert_null(test->stop.unit);
        }
}

static void test_past_stop_joined_has_what_started_tells(void **state) {
        static const char *const own[] = { "-_COMM", "-_SYSTEMD_UNIT", "-_HOSTNAME",
                "-GATEWATCH_NAME", "GATEWATCH_RECORDED_BY=next-run",
                "GATEWATCH_PREVIOUS_PHASE=drain", "GATEWATCH_PREVIOUS_GATEWAY_PHASE=disconnect",
                "GATEWATCH_PREVIOUS_STEP=telegram", NULL };
        PastStopTest *test = *state;
        const PastStop *stop = &test->stop;

        past_stop_make(test, own, NULL);
        entry_fill(&test->started, NULL, started_fields);
        test->started.realtime_usec = 1234;
        assert_int_equal(past_stop_join(&test->stop, &test->started), 0);
        journal_entry_done(&test->entry);
        journal_entry_done(&test->started);
        assert_int_equal(stop->state, RUN_STOPPED);
        assert_string_equal(stop->unit, "hermes.service");
        assert_int_equal(stop->manager, UNIT_MANAGER_SYSTEM);
        assert_string_equal(stop->host, "gw1");
        assert_string_equal(stop->name, "hermes");
        assert_string_equal(stop->command, "python3 -m hermes");
        assert_string_equal(stop->previous_phase, "drain");
        assert_string_equal(stop->previous_gateway_phase, "disconnect");
        assert_string_equal(stop->previous_step, "telegram");
        assert_int_equal(stop->began_realtime_usec, 1234);
        assert_int_equal(stop->drain_usec, 60000000);
        assert_int_equal(stop->headroom_usec, 30000000);
}

static void test_past_stop_joined_keeps_its_own_figures(void **state) {
        static const char *const own[] = { "GATEWATCH_DRAIN_USEC=5", "GATEWATCH_HEADROOM_USEC=6",
                NULL };
        PastStopTest *test = *state;

        past_stop_make(test, own, (const char *const[]){ NULL });
        assert_int_equal(test->stop.drain_usec, 5);
        assert_int_equal(test->stop.headroom_usec, 6);
}

static void test_past_stop_joined_forged_takes_nothing_of_the_run(void **state) {
        static const char *const own[] = { "_UID=1000", "_SYSTEMD_UNIT=session-3.scope", NULL };
        PastStopTest *test = *state;

        past_stop_make(test, own, (const char *const[]){ NULL });
        assert_int_equal(test->stop.trust, TRUST_FORGED);
        assert_string_equal(test->stop.unit, "session-3.scope");
        assert_null(test->stop.command);
        assert_int_equal(test->stop.began_realtime_usec, USEC_INFINITY);
}

static void test_past_stop_of_started_is_unrecorded(void **state) {
        static const char *const own[] = { "GATEWATCH_UPTIME_USEC=3", "GATEWATCH_OUTCOME=clean",
                NULL };
        PastStopTest *test = *state;
        const PastStop *stop = &test->stop;

        entry_fill(&test->started, own, started_fields);
        test->started.realtime_usec = 99;
        assert_int_equal(past_stop_from_started(&test->started, &test->stop), 0);
        assert_int_equal(stop->state, RUN_UNRECORDED);
        assert_int_equal(stop->realtime_usec, 99);
        assert_int_equal(stop->began_realtime_usec, 99);
        assert_int_equal(stop->uptime_usec, USEC_INFINITY);
        assert_int_equal(stop->cause, CAUSE_UNKNOWN);
        assert_int_equal(stop->outcome, _OUTCOME_INVALID);
        assert_string_equal(stop->command, "python3 -m hermes");
        assert_int_equal(stop->drain_usec, 60000000);
        assert_string_equal(past_stop_outcome_word(stop), "unrecorded");
        assert_string_equal(past_stop_cause_word(stop), "unknown");
        assert_true(past_stop_is_unexplained(stop));
        assert_false(past_stop_is_forced(stop));
}

static void test_past_stop_states_are_named_both_ways(void **state) {
        for (RunState s = 0; s < _RUN_STATE_MAX; s++)
                assert_int_equal(run_state_from_string(run_state_to_string(s)), s);
        assert_int_equal(run_state_from_string("gone"), _RUN_STATE_INVALID);
        assert_int_equal(run_state_from_string(NULL), _RUN_STATE_INVALID);
        assert_string_equal(record_trust_to_string(TRUST_UNVERIFIED), "unverified");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                past_stop_test(test_past_stop_whole_record_is_read),
                past_stop_test(test_past_stop_bare_record_knows_nothing_else),
                past_stop_test(test_past_stop_record_without_run_id_is_refused),
                past_stop_test(test_past_stop_values_of_no_type_are_not_known),
                past_stop_test(test_past_stop_unknown_words_stay_words),
                past_stop_test(test_past_stop_hostile_values_stay_as_they_are),
                past_stop_test(test_past_stop_empty_strings_are_not_known),
                past_stop_test(test_past_stop_oversized_value_is_taken_as_it_was_cut),
                past_stop_test(test_past_stop_unit_is_what_the_journal_vouches_for),
                past_stop_test(test_past_stop_joined_has_what_started_tells),
                past_stop_test(test_past_stop_joined_keeps_its_own_figures),
                past_stop_test(test_past_stop_joined_forged_takes_nothing_of_the_run),
                past_stop_test(test_past_stop_of_started_is_unrecorded),
                cmocka_unit_test(test_past_stop_states_are_named_both_ways),
        };

        return cmocka_run_group_tests_name("past-stop", tests, NULL, NULL);
}
