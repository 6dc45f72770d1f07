/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"
#include "report/story-internal.h"
#include "utf8.h"

#define SEC(n) ((int64_t) (n) * (int64_t) USEC_PER_SEC)

static JournalEntry entry;
static StoryDraft draft;

static int record_teardown(void **state) {
        journal_entry_done(&entry);
        story_draft_done(&draft);
        return 0;
}

static void add(const char *field) {
        assert_int_equal(journal_entry_add(&entry, field, strlen(field)), 0);
}

static void read_record(const char *event, const char *const *fields, int64_t at_usec) {
        char text[64];

        journal_entry_reset(&entry);
        story_draft_done(&draft);
        (void) snprintf(text, sizeof(text), "GATEWATCH_EVENT=%s", event);
        add(text);
        for (size_t i = 0; fields[i]; i++)
                add(fields[i]);
        assert_int_equal(story_record_read(&entry, at_usec, &draft), 1);
}

#define FIELDS(...)               \
        (const char *const[]) {   \
                __VA_ARGS__, NULL \
        }

static const struct {
        const char *event;
        const char *const *fields;
        StoryKind kind;
        StoryTone tone;
        const char *label, *text;
} rows[] = {
        { "started", FIELDS("MESSAGE=Gateway hermes started as pid 12", "PRIORITY=6"),
                STORY_STARTED, TONE_PLAIN, "started", "Gateway hermes started as pid 12" },
        { "ready", FIELDS("PRIORITY=6"), STORY_READY, TONE_PLAIN, "ready", NULL },
        { "short-timeout", FIELDS("PRIORITY=4", "MESSAGE=too short"), STORY_NOTE, TONE_WARNING,
                "short-timeout", "too short" },
        { "some-new-event", FIELDS("PRIORITY=3", "MESSAGE=x"), STORY_NOTE, TONE_BAD,
                "some-new-event", "x" },
        { "stuck", FIELDS("PRIORITY=4", "MESSAGE=wedged: state S"), STORY_STUCK, TONE_WARNING,
                "stuck", "wedged: state S" },
        { "watchdog", FIELDS("PRIORITY=3", "MESSAGE=no heartbeat"), STORY_WATCHDOG, TONE_BAD,
                "watchdog", "no heartbeat" },
        { "leftover", FIELDS("PRIORITY=4"), STORY_LEFTOVER, TONE_WARNING, "leftover", NULL },
        /* Signals: who sent them. */
        { "signal", FIELDS("GATEWATCH_SIGNAL=SIGTERM", "GATEWATCH_SENDER_STATE=manager"),
                STORY_SIGNAL, TONE_PLAIN, "SIGTERM", "from the service manager" },
        { "signal", FIELDS("GATEWATCH_SIGNAL=SIGINT", "GATEWATCH_SENDER_CODE=SI_KERNEL"),
                STORY_SIGNAL, TONE_PLAIN, "SIGINT", "from the kernel, for a terminal" },
        { "signal", FIELDS("GATEWATCH_SIGNAL=SIGINT", "GATEWATCH_SENDER_STATE=other-namespace"),
                STORY_SIGNAL, TONE_PLAIN, "SIGINT", "from a process of another pid namespace" },
        { "signal",
                FIELDS("GATEWATCH_SIGNAL=SIGTERM", "GATEWATCH_SENDER_PID=812",
                        "GATEWATCH_SENDER_ANCESTRY=kill(812) < bash(640)",
                        "GATEWATCH_SENDER_UID=1000", "GATEWATCH_SENDER_USER=alice"),
                STORY_SIGNAL, TONE_PLAIN, "SIGTERM", "from kill(812) < bash(640), user alice" },
        { "signal",
                FIELDS("GATEWATCH_SENDER_PID=812", "GATEWATCH_SENDER_COMM=kill",
                        "GATEWATCH_SENDER_UID=1000"),
                STORY_SIGNAL, TONE_PLAIN, "signal", "from kill(812), user 1000" },
        { "signal", FIELDS("GATEWATCH_SENDER_PID=812"), STORY_SIGNAL, TONE_PLAIN, "signal",
                "from pid 812" },
        { "signal", FIELDS("MESSAGE=Shutdown context"), STORY_SIGNAL, TONE_PLAIN, "signal",
                "Shutdown context" },
        { "cause",
                FIELDS("GATEWATCH_CAUSE=stop", "GATEWATCH_CAUSE_DETAIL=systemd was asked",
                        "GATEWATCH_REQUESTER_ANCESTRY=systemctl(7) < sh(6)"),
                STORY_CAUSE, TONE_PLAIN, "cause",
                "stop: systemd was asked; asked for by systemctl(7) < sh(6)" },
        { "cause", FIELDS("MESSAGE=why"), STORY_CAUSE, TONE_PLAIN, "cause", "why" },
        /* Phases. */
        { "phase",
                FIELDS("GATEWATCH_PHASE=drain", "GATEWATCH_PHASE_SOURCE=ladder",
                        "GATEWATCH_PHASE_SIGNAL=SIGTERM", "GATEWATCH_ENDED_BY=targets",
                        "GATEWATCH_ACTIVE_AT_START=3", "GATEWATCH_ACTIVE_NOW=0",
                        "GATEWATCH_ACTIVE_SOURCE=gateway", "PRIORITY=6"),
                STORY_PHASE, TONE_PLAIN, "drain", "SIGTERM; active 3 -> 0" },
        { "phase",
                FIELDS("GATEWATCH_PHASE=term", "GATEWATCH_PHASE_SIGNAL=none",
                        "GATEWATCH_ENDED_BY=deadline", "GATEWATCH_TIMED_OUT=yes",
                        "GATEWATCH_ACTIVE_NOW=2", "GATEWATCH_ACTIVE_SOURCE=sockets",
                        "GATEWATCH_STALL_DETAIL=wedged: state S"),
                STORY_PHASE, TONE_WARNING, "term", "timed out; connections 2; wedged: state S" },
        { "phase", FIELDS("GATEWATCH_PHASE=drain", "GATEWATCH_ENDED_BY=step-timeout", "PRIORITY=4"),
                STORY_PHASE, TONE_WARNING, "drain", "gave way to overdue steps" },
        { "phase", FIELDS("GATEWATCH_PHASE=drain", "GATEWATCH_ENDED_BY=second-signal"), STORY_PHASE,
                TONE_PLAIN, "drain", "cut short by a further signal" },
        { "phase", FIELDS("GATEWATCH_PHASE=kill", "GATEWATCH_PHASE_SIGNAL=SIGKILL"), STORY_PHASE,
                TONE_BAD, "kill", "SIGKILL" },
        { "phase", FIELDS("GATEWATCH_PHASE=close db", "GATEWATCH_PHASE_SOURCE=gateway"),
                STORY_GATEWAY_PHASE, TONE_PLAIN, "close db", NULL },
        { "phase",
                FIELDS("GATEWATCH_PHASE=close db", "GATEWATCH_PHASE_SOURCE=gateway",
                        "GATEWATCH_TIMED_OUT=yes"),
                STORY_GATEWAY_PHASE, TONE_WARNING, "close db", "ran into a deadline" },
        /* Steps. */
        { "step", FIELDS("GATEWATCH_STEP=slack", "GATEWATCH_STEP_END=done", "PRIORITY=6"),
                STORY_STEP, TONE_PLAIN, "slack", NULL },
        { "step",
                FIELDS("GATEWATCH_STEP=slack", "GATEWATCH_STEP_END=open",
                        "GATEWATCH_STEP_TIMEOUT_USEC=5000000",
                        "GATEWATCH_STALL_DETAIL=wedged: state S"),
                STORY_STEP, TONE_WARNING, "slack", "overdue (bound 5s); wedged: state S" },
        { "step",
                FIELDS("GATEWATCH_STEP=slack", "GATEWATCH_STEP_END=late", "GATEWATCH_TIMED_OUT=yes",
                        "GATEWATCH_STEP_TIMEOUT_USEC=5000000"),
                STORY_STEP, TONE_WARNING, "slack", "ended late (bound 5s)" },
        { "step",
                FIELDS("GATEWATCH_STEP=slack", "GATEWATCH_STEP_END=abandoned",
                        "GATEWATCH_STEP_TIMEOUT_USEC=infinity", "PRIORITY=4"),
                STORY_STEP, TONE_WARNING, "slack", "never ended" },
        { "step", FIELDS("GATEWATCH_STEP="), STORY_STEP, TONE_PLAIN, "-", NULL },
        { "step", FIELDS("PRIORITY=x"), STORY_STEP, TONE_PLAIN, "step", NULL },
        /* Outcomes. */
        { "stopped", FIELDS("GATEWATCH_OUTCOME=clean", "PRIORITY=6"), STORY_STOPPED, TONE_GOOD,
                "stopped", NULL },
        { "stopped", FIELDS("GATEWATCH_OUTCOME=exited"), STORY_STOPPED, TONE_GOOD, "stopped",
                NULL },
        { "stopped", FIELDS("GATEWATCH_OUTCOME=escalated"), STORY_STOPPED, TONE_WARNING, "stopped",
                NULL },
        { "stopped", FIELDS("GATEWATCH_OUTCOME=failed"), STORY_STOPPED, TONE_BAD, "stopped", NULL },
        { "stopped", FIELDS("GATEWATCH_OUTCOME=lost"), STORY_STOPPED, TONE_BAD, "stopped", NULL },
        { "stopped", FIELDS("GATEWATCH_OUTCOME=new-word", "PRIORITY=3"), STORY_STOPPED, TONE_BAD,
                "stopped", NULL },
        { "stopped", FIELDS("PRIORITY=6"), STORY_STOPPED, TONE_PLAIN, "stopped", NULL },
        /* Hostile. */
        { "step", FIELDS("GATEWATCH_STEP=\033]0;x\007\xe2\x80\xae\xff", "GATEWATCH_STEP_END=done"),
                STORY_STEP, TONE_PLAIN, "?]0;x??\xef\xbf\xbd", NULL },
        { "started", FIELDS("MESSAGE=one\ntwo\tthree\r\033[2J"), STORY_STARTED, TONE_PLAIN,
                "started", "one two three ?[2J" },
};

static void test_story_record_rows(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                read_record(rows[i].event, rows[i].fields, SEC(7));
                assert_int_equal(draft.item.kind, rows[i].kind);
                assert_int_equal(draft.item.tone, rows[i].tone);
                assert_string_equal(draft.item.label, rows[i].label);
                assert_string_equal(draft.item.source, "gatewatch");
                assert_string_equal(draft.item.text ?: "(none)", rows[i].text ?: "(none)");
        }
}

/* Without a duration nothing is a span; without a time of its own it ends when its record came. */
static const struct {
        const char *elapsed, *took;
        int64_t at_usec, begin_usec, end_usec;
} span_rows[] = {
        { "8020000", "8020000", 8030000, 0, 8020000 },
        { "8020000", "1020000", 12030000, 7000000, 8020000 }, /* a record that came late */
        { NULL, "1000000", 5000000, 4000000, 5000000 },
        { NULL, "9000000", 5000000, -4000000, 5000000 },
        /* The journal's clock and the run's differ by a little. */
        { "5400000", "400000", 5000000, 5000000, 5400000 },
        /* Since the gateway's start: from before the stop. */
        { "7200000000", "1000000", -20000000, -21000000, -20000000 },
        { "7200000000", "1000000", 100000, -900000, 100000 },
        { "3000000", "1000000", -20000000, -21000000, -20000000 },
        /* Nonsense. */
        { "infinity", "1000000", 5000000, 4000000, 5000000 },
        { "-1", "1000000", 5000000, 4000000, 5000000 },
        { "0", "infinity", 5000000, -(INT64_C(1) << 60), 0 },
        { "0", "18446744073709551614", 5000000, -(INT64_C(1) << 60), 0 },
};

static void test_story_record_span_lies_where_it_was(void **state) {
        char elapsed[64], took[64];

        for (size_t i = 0; i < ELEMENTSOF(span_rows); i++) {
                (void) snprintf(elapsed, sizeof(elapsed), "GATEWATCH_ELAPSED_USEC=%s",
                        span_rows[i].elapsed);
                (void) snprintf(took, sizeof(took), "GATEWATCH_PHASE_USEC=%s", span_rows[i].took);
                read_record("phase",
                        FIELDS("GATEWATCH_PHASE=drain", took,
                                span_rows[i].elapsed ? elapsed : NULL),
                        span_rows[i].at_usec);
                assert_true(draft.item.is_span);
                assert_int_equal(draft.item.begin_usec, span_rows[i].begin_usec);
                assert_int_equal(draft.item.end_usec, span_rows[i].end_usec);
                assert_int_equal(draft.at_usec, span_rows[i].at_usec);
        }
}

static void test_story_record_without_duration_is_an_instant(void **state) {
        read_record("step", FIELDS("GATEWATCH_STEP=x", "GATEWATCH_ELAPSED_USEC=1"), SEC(3));
        assert_false(draft.item.is_span);
        assert_int_equal(draft.item.begin_usec, SEC(3));
        assert_int_equal(draft.item.end_usec, SEC(3));
}

static void test_story_record_open_step_is_marked(void **state) {
        read_record("step", FIELDS("GATEWATCH_STEP=x", "GATEWATCH_STEP_END=open"), 0);
        assert_true(draft.is_open_step);
        read_record("step", FIELDS("GATEWATCH_STEP=x", "GATEWATCH_STEP_END=late"), 0);
        assert_false(draft.is_open_step);
}

static void test_story_record_message_id_counts_before_name(void **state) {
        char id[64];

        (void) snprintf(
                id, sizeof(id), "MESSAGE_ID=%s", record_event_info(RECORD_READY)->message_id);
        read_record("stopped", FIELDS(id), 0);
        assert_int_equal(draft.item.kind, STORY_READY);
        assert_string_equal(draft.item.label, "ready");
}

static void test_story_record_of_nobody_is_none(void **state) {
        add("MESSAGE=x");
        assert_int_equal(story_record_read(&entry, 0, &draft), 0);
        assert_null(draft.item.label);
}

static void test_story_record_long_text_is_cut_at_a_character(void **state) {
        static char field[3 * STORY_TEXT_MAX_BYTES];
        size_t n = (size_t) snprintf(field, sizeof(field), "MESSAGE=x");

        while (n + 2 < sizeof(field) - 1)
                n += (size_t) snprintf(field + n, sizeof(field) - n, "\xc3\xa4");
        read_record("started", FIELDS(field), 0);
        assert_int_equal(strlen(draft.item.text), STORY_TEXT_MAX_BYTES - 1);
        assert_true(utf8_is_valid(draft.item.text));
        assert_null(strstr(draft.item.text, "\xef\xbf\xbd"));
}

static void read_foreign(StoryKind kind, const char *const *fields) {
        journal_entry_reset(&entry);
        story_draft_done(&draft);
        for (size_t i = 0; fields[i]; i++)
                add(fields[i]);
        assert_int_equal(story_record_read_foreign(&entry, SEC(1), kind, "label", &draft), 0);
        assert_int_equal(draft.item.kind, kind);
        assert_int_equal(draft.item.begin_usec, SEC(1));
        assert_false(draft.item.is_span);
}

static void test_story_record_foreign_names_its_source(void **state) {
        read_foreign(STORY_LOG,
                FIELDS("MESSAGE=bye", "SYSLOG_IDENTIFIER=hermes", "_PID=812", "_COMM=python3"));
        assert_string_equal(draft.item.source, "hermes[812]");
        assert_string_equal(draft.item.text, "bye");
        assert_int_equal(draft.item.tone, TONE_PLAIN);
        read_foreign(STORY_LOG, FIELDS("PRIORITY=3", "_PID=812", "_COMM=python3"));
        assert_string_equal(draft.item.source, "python3[812]");
        assert_null(draft.item.text);
        assert_int_equal(draft.item.tone, TONE_BAD);
        read_foreign(STORY_SYSTEMD, FIELDS("_PID=1", "SYSLOG_IDENTIFIER=systemd", "PRIORITY=4"));
        assert_string_equal(draft.item.source, "systemd");
        assert_int_equal(draft.item.tone, TONE_WARNING);
        read_foreign(STORY_OOM, FIELDS("SYSLOG_IDENTIFIER=kernel"));
        assert_string_equal(draft.item.source, "kernel");
        assert_int_equal(draft.item.tone, TONE_BAD);
        read_foreign(STORY_LOG, FIELDS("SYSLOG_IDENTIFIER=\033[1m"));
        assert_string_equal(draft.item.source, "?[1m");
        read_foreign(STORY_LOG, FIELDS("X=y"));
        assert_string_equal(draft.item.source, "?");
}

static void test_story_record_coredump_keeps_its_lines(void **state) {
        read_foreign(STORY_COREDUMP,
                FIELDS("MESSAGE=Process 1 dumped core.\n\nStack trace:\n#0\t\033[1mx\xe2\x80\xae\n"));
        assert_string_equal(draft.item.text, "Process 1 dumped core.\n\nStack trace:\n#0 ?[1mx?\n");
        read_foreign(STORY_LOG, FIELDS("MESSAGE=one\ntwo"));
        assert_string_equal(draft.item.text, "one two");
}

static void test_story_origin_counts_monotonic_within_a_boot(void **state) {
        const sd_id128_t boot =
                SD_ID128_MAKE(b0, 01, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01);
        const StoryOrigin origin = {
                .realtime_usec = 1000, .monotonic_usec = 500, .boot_id = boot
        };

        entry.boot_id = boot;
        entry.monotonic_usec = 700;
        entry.realtime_usec = 1; /* the clock was set back */
        assert_int_equal(story_origin_offset(&origin, &entry), 200);
        entry.monotonic_usec = 400;
        assert_int_equal(story_origin_offset(&origin, &entry), -100);
        entry.boot_id.bytes[0] = 0xb1;
        entry.realtime_usec = 4000;
        assert_int_equal(story_origin_offset(&origin, &entry), 3000);
        entry.realtime_usec = UINT64_MAX;
        assert_int_equal(story_origin_offset(&origin, &entry), INT64_C(1) << 60);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_story_record_rows, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_record_span_lies_where_it_was, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_record_without_duration_is_an_instant, record_teardown),
                cmocka_unit_test_teardown(test_story_record_open_step_is_marked, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_record_message_id_counts_before_name, record_teardown),
                cmocka_unit_test_teardown(test_story_record_of_nobody_is_none, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_record_long_text_is_cut_at_a_character, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_record_foreign_names_its_source, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_record_coredump_keeps_its_lines, record_teardown),
                cmocka_unit_test_teardown(
                        test_story_origin_counts_monotonic_within_a_boot, record_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
