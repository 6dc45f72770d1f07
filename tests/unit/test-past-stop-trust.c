/* SPDX-License-Identifier: MIT */

/* Whom a record is believed: each rule a row, with what the journal vouches for and what the writer says. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "past-stop-fixture.h"

typedef struct Row {
        const char *name;
        const char *own[8];
        bool has_started;
        const char *own_started[8];
        RecordTrust trust;
        const char *forgery; /* a part of the sentence */
} Row;

static void assert_rows(PastStopTest *test, const Row rows[], size_t n) {
        for (size_t i = 0; i < n; i++) {
                past_stop_make(test, rows[i].own, rows[i].has_started ? rows[i].own_started : NULL);
                if (test->stop.trust != rows[i].trust)
                        fail_msg("%s: %s (%s)", rows[i].name,
                                record_trust_to_string(test->stop.trust),
                                test->stop.forgery ?: "no forgery");
                assert_int_equal(test->stop.forgery != NULL, rows[i].forgery != NULL);
                if (rows[i].forgery && !strstr(test->stop.forgery, rows[i].forgery))
                        fail_msg("%s: %s", rows[i].name, test->stop.forgery);
        }
}

static void test_past_stop_trust_entry_alone_is_judged(void **state) {
        static const Row rows[] = {
                { "as the run writes it", { NULL }, .trust = TRUST_BELIEVED },
                { "with its unit", { "GATEWATCH_UNIT=hermes.service" }, .trust = TRUST_BELIEVED },
                { "by an older journal", { "-_TRANSPORT" }, .trust = TRUST_BELIEVED },
                { "by syslog", { "_TRANSPORT=syslog" }, .trust = TRUST_FORGED,
                        .forgery = "socket" },
                { "by stdout", { "_TRANSPORT=stdout" }, .trust = TRUST_FORGED,
                        .forgery = "socket" },
                { "by the kernel", { "_TRANSPORT=kernel" }, .trust = TRUST_FORGED,
                        .forgery = "socket" },
                { "by the gateway", { "_COMM=python3" }, .trust = TRUST_FORGED,
                        .forgery = "not gatewatch" },
                { "by nearly us", { "_COMM=gatewatch2" }, .trust = TRUST_FORGED,
                        .forgery = "not gatewatch" },
                { "by an empty name", { "_COMM=" }, .trust = TRUST_FORGED,
                        .forgery = "not gatewatch" },
                { "of another unit", { "GATEWATCH_UNIT=apollo.service" }, .trust = TRUST_FORGED,
                        .forgery = "another unit" },
                { "another instance",
                        { "_SYSTEMD_UNIT=hermes@b.service", "GATEWATCH_UNIT=hermes@a.service" },
                        .trust = TRUST_FORGED, .forgery = "another unit" },
                { "an instance",
                        { "_SYSTEMD_UNIT=hermes@a.service", "GATEWATCH_UNIT=hermes@a.service" },
                        .trust = TRUST_BELIEVED },
                { "a user unit",
                        { "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=hermes.service",
                                "GATEWATCH_UNIT=hermes.service" },
                        .trust = TRUST_BELIEVED },
                { "from a session",
                        { "_SYSTEMD_UNIT=session-3.scope", "GATEWATCH_UNIT=hermes.service" },
                        .trust = TRUST_FORGED, .forgery = "another unit" },
                { "from a session that says so",
                        { "_SYSTEMD_UNIT=session-3.scope", "GATEWATCH_UNIT=session-3.scope" },
                        .trust = TRUST_BELIEVED },
                { "writer gone", { "-_COMM", "-_SYSTEMD_UNIT", "-_SYSTEMD_INVOCATION_ID" },
                        .trust = TRUST_UNVERIFIED },
                { "writer gone, with a unit",
                        { "-_COMM", "-_SYSTEMD_UNIT", "GATEWATCH_UNIT=hermes.service" },
                        .trust = TRUST_UNVERIFIED },
                { "writer going", { "-_SYSTEMD_UNIT", "GATEWATCH_UNIT=hermes.service" },
                        .trust = TRUST_UNVERIFIED },
                { "writer gone, of another unit", { "-_COMM", "GATEWATCH_UNIT=apollo.service" },
                        .trust = TRUST_FORGED, .forgery = "another unit" },
                { "before it was executed", { "_COMM=(atewatch)", "_EXE=/usr/lib/systemd/systemd" },
                        .trust = TRUST_UNVERIFIED },
                { "before it was executed by a newer systemd",
                        { "_COMM=(gatewatch)", "_EXE=/usr/lib/systemd/systemd-executor" },
                        .trust = TRUST_UNVERIFIED },
                { "while it was executed", { "_COMM=(atewatch)", "_EXE=/usr/bin/gatewatch" },
                        .trust = TRUST_UNVERIFIED },
                { "while it was executed, in another unit",
                        { "_COMM=(atewatch)", "_EXE=/usr/bin/gatewatch",
                                "GATEWATCH_UNIT=apollo.service" },
                        .trust = TRUST_FORGED, .forgery = "another unit" },
                { "before it was executed and in its unit",
                        { "_COMM=(atewatch)", "_EXE=/usr/lib/systemd/systemd",
                                "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=init.scope",
                                "GATEWATCH_UNIT=hermes.service" },
                        .trust = TRUST_UNVERIFIED },
                { "before it was executed, in another unit",
                        { "_COMM=(atewatch)", "_EXE=/usr/lib/systemd/systemd",
                                "GATEWATCH_UNIT=apollo.service" },
                        .trust = TRUST_FORGED, .forgery = "another unit" },
                { "by one that calls itself so", { "_COMM=(atewatch)", "_EXE=/usr/bin/python3" },
                        .trust = TRUST_FORGED, .forgery = "not gatewatch" },
                { "by one that calls itself so and hides", { "_COMM=(atewatch)" },
                        .trust = TRUST_FORGED, .forgery = "not gatewatch" },
                { "by the manager itself", { "_COMM=systemd", "_EXE=/usr/lib/systemd/systemd" },
                        .trust = TRUST_FORGED, .forgery = "not gatewatch" },
                { "no uid", { "-_UID" }, .trust = TRUST_UNVERIFIED },
                { "the uid of nobody there is", { "_UID=4294967295" }, .trust = TRUST_UNVERIFIED },
        };

        assert_rows(*state, rows, ELEMENTSOF(rows));
}

static void test_past_stop_trust_beside_started_is_judged(void **state) {
        static const Row rows[] = {
                { "as the run writes it", { NULL }, true, { NULL }, TRUST_BELIEVED, NULL },
                { "post", { "GATEWATCH_RECORDED_BY=post", "_PID=99" }, true, { NULL },
                        TRUST_BELIEVED, NULL },
                { "post as root", { "GATEWATCH_RECORDED_BY=post", "_PID=99", "_UID=0" }, true,
                        { NULL }, TRUST_BELIEVED, NULL },
                { "the next run",
                        { "GATEWATCH_RECORDED_BY=next-run", "_PID=99",
                                "_SYSTEMD_INVOCATION_ID=" RUN_B },
                        true, { NULL }, TRUST_BELIEVED, NULL },
                { "another user", { "_UID=1000" }, true, { NULL }, TRUST_FORGED, "another user" },
                { "another user, as the next run",
                        { "_UID=1000", "GATEWATCH_RECORDED_BY=next-run" }, true, { NULL },
                        TRUST_FORGED, "another user" },
                { "another unit", { "_SYSTEMD_UNIT=evil.service" }, true, { NULL }, TRUST_FORGED,
                        "another unit" },
                { "another unit, as the next run",
                        { "_SYSTEMD_UNIT=evil.service", "GATEWATCH_RECORDED_BY=next-run" }, true,
                        { NULL }, TRUST_FORGED, "another unit" },
                { "another unit as root", { "_SYSTEMD_UNIT=evil.service", "_UID=0" }, true,
                        { NULL }, TRUST_FORGED, "another unit" },
                { "a session", { "_SYSTEMD_UNIT=session-3.scope" }, true, { NULL }, TRUST_FORGED,
                        "another unit" },
                { "a user unit of that name",
                        { "_SYSTEMD_UNIT=user@990.service", "_SYSTEMD_USER_UNIT=hermes.service" },
                        true, { NULL }, TRUST_FORGED, "another unit" },
                { "another machine", { "_MACHINE_ID=a0020000000000000000000000000002" }, true,
                        { NULL }, TRUST_FORGED, "another machine" },
                { "the gateway by our name", { "_PID=78" }, true, { NULL }, TRUST_FORGED,
                        "another process" },
                { "the same, by a word of its own", { "_PID=78", "GATEWATCH_RECORDED_BY=me" }, true,
                        { NULL }, TRUST_FORGED, "another process" },
                { "the same, without a word", { "_PID=78", "-GATEWATCH_RECORDED_BY" }, true,
                        { NULL }, TRUST_FORGED, "another process" },
                { "writer gone", { "-_COMM", "-_SYSTEMD_UNIT" }, true, { NULL }, TRUST_UNVERIFIED,
                        NULL },
                { "before it was executed", { "_COMM=(atewatch)", "_EXE=/usr/lib/systemd/systemd" },
                        true, { NULL }, TRUST_UNVERIFIED, NULL },
                { "before it was executed, another user",
                        { "_COMM=(atewatch)", "_EXE=/usr/lib/systemd/systemd", "_UID=1000" }, true,
                        { NULL }, TRUST_FORGED, "another user" },
                { "writer gone, root",
                        { "-_COMM", "-_SYSTEMD_UNIT", "_UID=0", "GATEWATCH_RECORDED_BY=post" },
                        true, { NULL }, TRUST_UNVERIFIED, NULL },
                { "writer gone, another user", { "-_COMM", "-_SYSTEMD_UNIT", "_UID=1000" }, true,
                        { NULL }, TRUST_FORGED, "another user" },
                { "writer gone, another process", { "-_COMM", "-_SYSTEMD_UNIT", "_PID=78" }, true,
                        { NULL }, TRUST_FORGED, "another process" },
                { "the gateway stays forged", { "_COMM=python3" }, true, { NULL }, TRUST_FORGED,
                        "not gatewatch" },
                { "next run in another session",
                        { "_SYSTEMD_UNIT=session-4.scope", "GATEWATCH_RECORDED_BY=next-run" }, true,
                        { "_SYSTEMD_UNIT=session-3.scope", "-GATEWATCH_UNIT" }, TRUST_BELIEVED,
                        NULL },
                { "the run in another session", { "_SYSTEMD_UNIT=session-4.scope" }, true,
                        { "_SYSTEMD_UNIT=session-3.scope", "-GATEWATCH_UNIT" }, TRUST_FORGED,
                        "another unit" },
                { "started without a unit", { NULL }, true, { "-_SYSTEMD_UNIT" }, TRUST_BELIEVED,
                        NULL },
        };

        assert_rows(*state, rows, ELEMENTSOF(rows));
}

static void test_past_stop_trust_started_is_judged_likewise(void **state) {
        PastStopTest *test = *state;
        static const char *const by_gateway[] = { "_COMM=python3", NULL };

        entry_fill(&test->started, NULL, started_fields);
        assert_int_equal(past_stop_from_started(&test->started, &test->stop), 0);
        assert_int_equal(test->stop.trust, TRUST_BELIEVED);
        past_stop_done(&test->stop);
        entry_fill(&test->started, by_gateway, started_fields);
        assert_int_equal(past_stop_from_started(&test->started, &test->stop), 0);
        assert_int_equal(test->stop.trust, TRUST_FORGED);
}

static void test_past_stop_unit_before_it_was_executed_is_the_claimed_one(void **state) {
        static const char *const early[] = { "_COMM=(atewatch)", "_EXE=/usr/lib/systemd/systemd",
                "_SYSTEMD_UNIT=user@1000.service", "_SYSTEMD_USER_UNIT=init.scope",
                "GATEWATCH_UNIT=hermes.service", NULL };
        static const char *const foreign[] = { "_SYSTEMD_UNIT=user@1000.service",
                "_SYSTEMD_USER_UNIT=init.scope", "GATEWATCH_UNIT=hermes.service", NULL };
        PastStopTest *test = *state;

        past_stop_make(test, early, early);
        assert_string_equal(test->stop.unit, "hermes.service");
        assert_int_equal(test->stop.manager, UNIT_MANAGER_USER);
        assert_int_equal(test->stop.trust, TRUST_UNVERIFIED);

        past_stop_make(test, foreign, NULL);
        assert_string_equal(test->stop.unit, "init.scope");
        assert_int_equal(test->stop.trust, TRUST_FORGED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                past_stop_test(test_past_stop_trust_entry_alone_is_judged),
                past_stop_test(test_past_stop_trust_beside_started_is_judged),
                past_stop_test(test_past_stop_trust_started_is_judged_likewise),
                past_stop_test(test_past_stop_unit_before_it_was_executed_is_the_claimed_one),
        };

        return cmocka_run_group_tests_name("past-stop-trust", tests, NULL, NULL);
}
