/* SPDX-License-Identifier: MIT */

/* Stories out of real journal files. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "journal-fixture.h"
#include "record.h"
#include "report/stop-story.h"

#define SEC(n)          ((int64_t) ((n) * (double) USEC_PER_SEC))
#define OTHER_RUN       "c0010000000000000000000000000002"
#define OTHER_BOOT      "b0010000000000000000000000000002"
#define STORY_MONOTONIC (FIXTURE_MONOTONIC + 200000 * USEC_PER_SEC)
#define COREDUMP_ID     "fc2e22bc6ee647b6b90729ab34a250b1"

static StopStory story;
static PastStop stop;
static JournalQuery *query;
static JournalEntry entry;

static int story_teardown(void **state) {
        stop_story_done(&story);
        past_stop_done(&stop);
        journal_entry_done(&entry);
        query = journal_query_free(query);
        return journal_teardown(state);
}

#define story_test(function) \
        cmocka_unit_test_setup_teardown(function, journal_setup, story_teardown)

/* Where the next entry lies, from the beginning of the stop, more than two days after the boot. */
static void at(double seconds) {
        fixture_monotonic_usec = (usec_t) ((int64_t) STORY_MONOTONIC + SEC(seconds));
        fixture_realtime_usec = (usec_t) ((int64_t) FIXTURE_REALTIME + SEC(seconds));
}

/* Reads the story of the first entry of this kind. */
static void read_story(RecordEvent event, size_t n_log_lines) {
        const char *id = record_event_info(event)->message_id;
        char term[64], error[JOURNAL_ERROR_MAX];
        JournalSource source = { .directory = fixture_directory };
        JournalQuestion question = { .terms = (const char *const[]){ term, NULL },
                .until_usec = USEC_INFINITY };

        fixture_journal_finish("a.journal");
        assert_int_equal(journal_query_new(&source, &query, error), 0);
        (void) snprintf(term, sizeof(term), "MESSAGE_ID=%s", id);
        assert_int_equal(journal_query_find(query, &question, &entry), 1);
        assert_int_equal(event == RECORD_STOPPED ? past_stop_from_entry(&entry, &stop)
                                                 : past_stop_from_started(&entry, &stop),
                0);
        assert_int_equal(stop_story_read(query, &stop, n_log_lines, &story), 0);
        assert_ptr_equal(story.stop, &stop);
        assert_true(story.begin_usec <= 0 && story.end_usec >= 0);
}

/* "kind:label@begin[+length]", one after the other; times in ms. */
static const char *story_format(void) {
        static char text[16384];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < story.n_items && n < sizeof(text); i++) {
                const StoryItem *item = &story.items[i];

                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s:%s@%" PRId64,
                        i > 0 ? " " : "", story_kind_to_string(item->kind), item->label,
                        item->begin_usec / 1000);
                if (item->is_span && n < sizeof(text))
                        n += (size_t) snprintf(text + n, sizeof(text) - n, "+%" PRId64,
                                (item->end_usec - item->begin_usec) / 1000);
        }
        return text;
}

static const StoryItem *find(StoryKind kind) {
        for (size_t i = 0; i < story.n_items; i++)
                if (story.items[i].kind == kind)
                        return &story.items[i];
        fail_msg("no item of this kind in %s", story_format());
        return NULL;
}

static size_t count(StoryKind kind) {
        size_t n = 0;

        for (size_t i = 0; i < story.n_items; i++)
                n += story.items[i].kind == kind;
        return n;
}

/* ---- Entries ---------------------------------------------------------------------------------- */

static void signal_at(double seconds) {
        at(seconds);
        fixture_record("MESSAGE_ID", record_event_info(RECORD_SIGNAL)->message_id,
                "GATEWATCH_EVENT", "signal", "GATEWATCH_SIGNAL", "SIGTERM", "MESSAGE", "x", NULL);
}

static void stopped_at(double seconds) {
        at(seconds);
        fixture_stopped(NULL);
}

static void step_at(
        double seconds, const char *name, const char *end, const char *took, const char *elapsed) {
        at(seconds);
        fixture_record("MESSAGE_ID", record_event_info(RECORD_STEP)->message_id, "GATEWATCH_EVENT",
                "step", "GATEWATCH_STEP", name, "GATEWATCH_STEP_END", end, "GATEWATCH_STEP_USEC",
                took, "GATEWATCH_ELAPSED_USEC", elapsed, "GATEWATCH_STEP_TIMEOUT_USEC", "500000",
                "GATEWATCH_STALL_DETAIL",
                strcmp(end, "open") == 0 ? "wedged: state S" : fixture_without, NULL);
}

static void phase_at(double seconds, const char *took, const char *elapsed) {
        at(seconds);
        fixture_record("MESSAGE_ID", record_event_info(RECORD_PHASE)->message_id, "GATEWATCH_EVENT",
                "phase", "GATEWATCH_PHASE", "drain", "GATEWATCH_PHASE_SOURCE", "ladder",
                "GATEWATCH_PHASE_USEC", took, "GATEWATCH_ELAPSED_USEC", elapsed, NULL);
}

static void systemd_at(double seconds, const char *message, const char *invocation) {
        at(seconds);
        fixture_foreign("_PID", "1", "_COMM", "systemd", "_UID", "0", "SYSLOG_IDENTIFIER",
                "systemd", "UNIT", FIXTURE_UNIT, "MESSAGE", message,
                invocation ? "INVOCATION_ID" : "X", invocation ?: "y", NULL);
}

static void kernel_at(double seconds, const char *message, const char *facility) {
        at(seconds);
        fixture_foreign("_TRANSPORT", "kernel", "SYSLOG_IDENTIFIER", "kernel", "SYSLOG_FACILITY",
                facility, "MESSAGE", message, NULL);
}

static void log_at(double seconds, const char *message) {
        at(seconds);
        fixture_foreign("_PID", "4712", "_UID", "990", "_COMM", "python3", "_SYSTEMD_UNIT",
                FIXTURE_UNIT, "_SYSTEMD_INVOCATION_ID", FIXTURE_RUN_ID, "SYSLOG_IDENTIFIER",
                "hermes", "MESSAGE", message, NULL);
}

static void coredump_at(double seconds, const char *uid, const char *unit) {
        at(seconds);
        fixture_foreign("MESSAGE_ID", COREDUMP_ID, "COREDUMP_UNIT", FIXTURE_UNIT, "_UID", uid,
                "_SYSTEMD_UNIT", unit, "SYSLOG_IDENTIFIER", "systemd-coredump", "_PID", "5000",
                "MESSAGE", "Process 4712 dumped core.\n\nStack trace of thread 4712:\n#0 x", NULL);
}

/* crashed_usec: realtime. */
static void coredump_of_at(double seconds, const char *pid, usec_t crashed_usec) {
        char crashed[24];

        at(seconds);
        (void) snprintf(crashed, sizeof(crashed), "%" PRIu64, crashed_usec);
        fixture_foreign("MESSAGE_ID", COREDUMP_ID, "COREDUMP_UNIT", FIXTURE_UNIT, "_UID", "0",
                "COREDUMP_PID", pid, "COREDUMP_TIMESTAMP", crashed, "MESSAGE", "dumped core", NULL);
}

#define OF_USER \
        "_UID", "1000", "_SYSTEMD_UNIT", "user@1000.service", "_SYSTEMD_USER_UNIT", FIXTURE_UNIT

/* ---- The run's own ---------------------------------------------------------------------------- */

static void test_stop_story_whole_stop_is_told_in_order(void **state) {
        fixture_journal_begin();
        at(-7200);
        fixture_started(NULL);
        log_at(-5, "working");
        signal_at(0);
        log_at(0.1, "draining");
        step_at(1.2, "disconnect telegram", "done", "1200000", "1200000");
        phase_at(1.5, "1500000", "1500000");
        stopped_at(1.5);
        systemd_at(1.6, "Stopped.", FIXTURE_RUN_ID);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "started:started@-7200000 log:log@-5000 signal:SIGTERM@0 "
                "step:disconnect telegram@0+1200 phase:drain@0+1500 log:log@100 "
                "stopped:stopped@1500 systemd:systemd@1600");
        assert_int_equal(story.begin_usec, 0);
        assert_int_equal(story.end_usec, SEC(1.6));
        assert_int_equal(story.origin_realtime_usec, FIXTURE_REALTIME);
        assert_int_equal(story.n_left_out, 0);
        assert_string_equal(find(STORY_LOG)->source, "hermes[4712]");
        assert_int_equal(find(STORY_STOPPED)->tone, TONE_GOOD);
}

static void test_stop_story_only_stopped_counts_back_from_it(void **state) {
        fixture_journal_begin();
        stopped_at(1.5);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(), "stopped:stopped@1500");
        assert_int_equal(story.origin_realtime_usec, FIXTURE_REALTIME);
        assert_int_equal(story.end_usec, SEC(1.5));
}

static void test_stop_story_not_asked_for_ends_at_the_origin(void **state) {
        fixture_journal_begin();
        at(-9);
        fixture_record("MESSAGE_ID", record_event_info(RECORD_STUCK)->message_id, "GATEWATCH_EVENT",
                "stuck", NULL);
        at(0);
        fixture_stopped("GATEWATCH_TOTAL_USEC", "0", "GATEWATCH_OUTCOME", "crashed", NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(), "stuck:stuck@-9000 stopped:stopped@0");
        assert_int_equal(story.begin_usec, SEC(-9));
        assert_int_equal(story.end_usec, 0);
}

static void test_stop_story_overdue_step_is_one_bar(void **state) {
        fixture_journal_begin();
        signal_at(0);
        step_at(0.6, "slack", "open", "500000", "600000");
        step_at(0.7, "matrix", "open", "500000", "700000");
        step_at(1.4, "slack", "late", "1300000", "1400000");
        stopped_at(1.5);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "signal:SIGTERM@0 step:slack@100+1300 "
                "step:matrix@200+500 stopped:stopped@1500");
        assert_string_equal(find(STORY_STEP)->text, "ended late (bound 500ms); wedged: state S");
        assert_int_equal(find(STORY_STEP)->tone, TONE_WARNING);
}

static void test_stop_story_clock_set_back_goes_by_the_monotonic_one(void **state) {
        fixture_journal_begin();
        signal_at(0);
        phase_at(1.0, "1000000", "1000000");
        fixture_realtime_usec = FIXTURE_REALTIME - USEC_PER_HOUR;
        fixture_monotonic_usec = STORY_MONOTONIC + 1200 * USEC_PER_MSEC;
        fixture_foreign("_TRANSPORT", "kernel", "MESSAGE",
                "Out of memory: Killed process 4712 (python3) total-vm:1kB", NULL);
        fixture_realtime_usec = FIXTURE_REALTIME - USEC_PER_HOUR;
        fixture_monotonic_usec = STORY_MONOTONIC + 1500 * USEC_PER_MSEC;
        fixture_stopped(NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "signal:SIGTERM@0 phase:drain@0+1000 oom:oom@1200 stopped:stopped@1500");
        assert_int_equal(story.origin_realtime_usec, FIXTURE_REALTIME);
}

static void test_stop_story_of_others_is_not_told(void **state) {
        static const char *const phase = "GATEWATCH_EVENT";

        fixture_journal_begin();
        signal_at(0);
        at(0.1);
        fixture_record(phase, "phase", "_PID", "4712", NULL); /* the gateway itself */
        fixture_record(phase, "phase", "_COMM", "python3", NULL);
        fixture_record(phase, "phase", "_UID", "1000", NULL);
        fixture_record(phase, "phase", "_SYSTEMD_UNIT", "other.service", NULL);
        fixture_record(phase, "phase", "_MACHINE_ID", OTHER_BOOT, NULL);
        fixture_record(phase, "phase", "_TRANSPORT", "stdout", NULL);
        fixture_record(phase, "phase", "GATEWATCH_RUN_ID", OTHER_RUN, NULL);
        at(0.2);
        fixture_record(phase, "phase", "GATEWATCH_PHASE", "real", NULL);
        stopped_at(1.5);
        at(1.6);
        fixture_stopped("GATEWATCH_CAUSE", "signal", NULL); /* a second one */
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(), "signal:SIGTERM@0 phase:real@200 stopped:stopped@1500");
}

static void test_stop_story_next_run_counts_from_the_signal(void **state) {
        fixture_journal_begin();
        at(-60);
        fixture_started(NULL);
        signal_at(0);
        phase_at(8, "8000000", "8000000");
        at(30);
        fixture_stopped("GATEWATCH_RECORDED_BY", "next-run", "_PID", "6000",
                "_SYSTEMD_INVOCATION_ID", OTHER_RUN, "GATEWATCH_TOTAL_USEC", fixture_without, NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "started:started@-60000 signal:SIGTERM@0 "
                "phase:drain@0+8000 stopped:stopped@30000");
        assert_int_equal(story.end_usec, SEC(8));
}

static void test_stop_story_next_boot_counts_from_the_last_entry(void **state) {
        fixture_journal_begin();
        at(-60);
        fixture_started(NULL);
        log_at(0, "last words");
        at(900);
        fixture_monotonic_usec = 10 * USEC_PER_SEC;
        fixture_stopped("_BOOT_ID", OTHER_BOOT, "GATEWATCH_RECORDED_BY", "next-run", "_PID", "600",
                "_SYSTEMD_INVOCATION_ID", OTHER_RUN, "GATEWATCH_TOTAL_USEC", fixture_without, NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(
                story_format(), "started:started@-60000 log:log@0 stopped:stopped@900000");
}

static void test_stop_story_unrecorded_run_ends_with_its_last_entry(void **state) {
        fixture_journal_begin();
        at(-60);
        fixture_started(NULL);
        log_at(0, "last words");
        read_story(RECORD_STARTED, STORY_LOG_LINES);
        assert_string_equal(story_format(), "started:started@-60000 log:log@0");
        assert_int_equal(story.end_usec, 0);
}

static void test_stop_story_long_run_keeps_its_beginning(void **state) {
        fixture_journal_begin();
        at(-90000);
        fixture_started(NULL);
        fixture_record("GATEWATCH_EVENT", "ready", "MESSAGE_ID",
                record_event_info(RECORD_READY)->message_id, NULL);
        step_at(-80000, "daily", "done", "1000000", "10000000000");
        step_at(-100, "hourly", "done", "1000000", "89900000000");
        signal_at(0);
        stopped_at(1.5);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "started:started@-90000000 ready:ready@-89999000 step:hourly@-101000+1000 "
                "signal:SIGTERM@0 stopped:stopped@1500");
        assert_int_equal(story.begin_usec, 0);
}

static void test_stop_story_too_many_steps_leaves_room_for_the_rest(void **state) {
        fixture_journal_begin();
        at(-10);
        fixture_started(NULL);
        signal_at(0);
        for (unsigned i = 0; i < STORY_ITEMS_MAX; i++)
                step_at(0.1 + i * 0.0005, "step", "done", "1000", fixture_without);
        stopped_at(1.5);
        systemd_at(1.6, "Stopped.", FIXTURE_RUN_ID);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_int_equal(count(STORY_STARTED), 1);
        assert_int_equal(count(STORY_SIGNAL), 1);
        assert_int_equal(count(STORY_STOPPED), 1);
        assert_int_equal(count(STORY_SYSTEMD), 1);
        assert_int_equal(count(STORY_STEP) + story.n_left_out, STORY_ITEMS_MAX);
        assert_true(story.n_left_out > 0);
        assert_true(story.n_items <= STORY_ITEMS_MAX);
}

/* ---- Others ----------------------------------------------------------------------------------- */

static void test_stop_story_systemd_by_invocation_or_time(void **state) {
        fixture_journal_begin();
        systemd_at(-120, "long before", FIXTURE_RUN_ID);
        systemd_at(-0.01, "Stopping.", FIXTURE_RUN_ID);
        signal_at(0);
        systemd_at(0.5, "of another run", OTHER_RUN);
        systemd_at(0.6, "without", NULL);
        at(0.7);
        fixture_foreign("_PID", "700", "UNIT", FIXTURE_UNIT, "INVOCATION_ID", FIXTURE_RUN_ID,
                "MESSAGE", "not of PID 1", NULL);
        stopped_at(1.5);
        systemd_at(120, "long after", NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "systemd:systemd@-10 signal:SIGTERM@0 "
                "systemd:systemd@600 stopped:stopped@1500");
        assert_string_equal(find(STORY_SYSTEMD)->text, "Stopping.");
        assert_string_equal(find(STORY_SYSTEMD)->source, "systemd");
        assert_int_equal(story.begin_usec, -10000);
}

static void test_stop_story_oom_of_the_run_is_told(void **state) {
        fixture_journal_begin();
        signal_at(0);
        kernel_at(0.1, "Out of memory: Killed process 99 (other) total-vm:1kB", "0");
        kernel_at(0.2, "Out of memory: Killed process 4712 (faked) total-vm:1kB", "1");
        kernel_at(0.3, "Memory cgroup out of memory: Killed process 4712 (python3) total-vm", "0");
        kernel_at(0.4,
                "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/system.slice,"
                "task_memcg=/system.slice/hermes.service/gateway,task=worker,pid=77,uid=990",
                "0");
        kernel_at(0.4, "Memory cgroup out of memory: Killed process 77 (worker) total-vm", "0");
        kernel_at(0.5,
                "oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/system.slice/xhermes.service,pid=78",
                "0");
        kernel_at(0.5, "Out of memory: Killed process 78 (other) total-vm", "0");
        at(0.6);
        fixture_foreign("_SYSTEMD_UNIT", "systemd-oomd.service", "MESSAGE",
                "Killed /system.slice/hermes.service due to memory pressure", NULL);
        fixture_foreign("_SYSTEMD_UNIT", "systemd-oomd.service", "MESSAGE",
                "Killed /system.slice/other.service due to memory pressure", NULL);
        at(0.7);
        fixture_foreign("_PID", "1", "UNIT", FIXTURE_UNIT, "INVOCATION_ID", FIXTURE_RUN_ID,
                "MESSAGE_ID", "fe6faa94e7774663a0da52717891d8ef", "MESSAGE", "A process", NULL);
        stopped_at(1.5);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "signal:SIGTERM@0 oom:oom@300 oom:oom@400 oom:oomd@600 oom:oom@700 "
                "stopped:stopped@1500");
        assert_int_equal(find(STORY_OOM)->tone, TONE_BAD);
        assert_string_equal(find(STORY_OOM)->source, "kernel");
}

static void test_stop_story_coredump_of_the_run_has_its_stack(void **state) {
        fixture_journal_begin();
        coredump_at(-30, "0", "systemd-coredump@0-1-0.service"); /* of a run before */
        at(-10);
        fixture_started(NULL);
        coredump_at(-3, "990", "systemd-coredump@1-2-0.service");
        coredump_at(-2, "990", "hermes.service"); /* by the gateway itself */
        at(0);
        fixture_stopped("GATEWATCH_TOTAL_USEC", "0", NULL);
        coredump_at(0.5, "0", "system-x.service");
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "started:started@-10000 coredump:coredump@-3000 "
                "stopped:stopped@0 coredump:coredump@500");
        assert_string_equal(find(STORY_COREDUMP)->text,
                "Process 4712 dumped core.\n\nStack trace of thread 4712:\n#0 x");
}

/* Of a crash loop each run has its own. */
static void test_stop_story_next_run_that_fails_too_is_not_told(void **state) {
        fixture_journal_begin();
        at(-10);
        fixture_started(NULL);
        at(0);
        fixture_stopped("GATEWATCH_TOTAL_USEC", "0", NULL);
        coredump_of_at(2, "4712", FIXTURE_REALTIME - USEC_PER_SEC);
        coredump_of_at(3, "4713", FIXTURE_REALTIME - USEC_PER_SEC); /* a child of it */
        for (unsigned i = 0; i < 6; i++) {
                coredump_of_at(4 + i, "4800", FIXTURE_REALTIME + (i + 3) * USEC_PER_SEC);
                at(4.5 + i);
                fixture_foreign("_TRANSPORT", "kernel", "SYSLOG_FACILITY", "0", "MESSAGE",
                        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),"
                        "task_memcg=/system.slice/" FIXTURE_UNIT ",task=python3,pid=4800,uid=990",
                        NULL);
                fixture_foreign("_TRANSPORT", "kernel", "SYSLOG_FACILITY", "0", "MESSAGE",
                        "Memory cgroup out of memory: Killed process 4800 (python3) total-vm:1kB",
                        NULL);
        }
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "started:started@-10000 stopped:stopped@0 coredump:coredump@2000 "
                "coredump:coredump@3000");
}

static void test_stop_story_coredump_of_another_users_unit_is_not_told(void **state) {
        static const char *const users[] = { "1000", "1001" };

        fixture_journal_begin();
        at(-10);
        fixture_started(OF_USER, NULL);
        for (size_t i = 0; i < ELEMENTSOF(users); i++) {
                at(-1);
                fixture_foreign("MESSAGE_ID", COREDUMP_ID, "COREDUMP_USER_UNIT", FIXTURE_UNIT,
                        "COREDUMP_UID", users[i], "COREDUMP_OWNER_UID", users[i], "_UID", "0",
                        "MESSAGE", users[i], NULL);
        }
        at(0);
        fixture_stopped(OF_USER, "GATEWATCH_TOTAL_USEC", "0", NULL);
        read_story(RECORD_STOPPED, 0);
        assert_int_equal(count(STORY_COREDUMP), 1);
        assert_string_equal(find(STORY_COREDUMP)->text, "1000");
}

static void test_stop_story_log_is_the_last_lines_before_the_end(void **state) {
        fixture_journal_begin();
        at(-10);
        fixture_started(NULL);
        for (unsigned i = 0; i < 30; i++)
                log_at(-9 + i * 0.1, "line");
        log_at(0.3, "the last but one");
        signal_at(0.3);
        log_at(0.4, "\033[31mthe last\xe2\x80\xae");
        stopped_at(1.5);
        log_at(30, "of ExecStopPost=");
        read_story(RECORD_STOPPED, 2);
        assert_int_equal(count(STORY_LOG), 2);
        assert_string_equal(find(STORY_LOG)->text, "the last but one");
        for (size_t i = 0; i < story.n_items; i++)
                assert_true(story.items[i].kind != STORY_LOG || story.items[i].text[0] == 't' ||
                        strcmp(story.items[i].text, "?[31mthe last?") == 0);
}

static void test_stop_story_without_lines_asks_for_none(void **state) {
        fixture_journal_begin();
        log_at(0.3, "line");
        stopped_at(1.5);
        read_story(RECORD_STOPPED, 0);
        assert_int_equal(count(STORY_LOG), 0);
}

static void test_stop_story_in_no_unit_has_the_process_lines(void **state) {
        fixture_journal_begin();
        at(0.5);
        fixture_foreign("_PID", "4712", "_COMM", "python3", "MESSAGE", "line", NULL);
        fixture_foreign("_PID", "4713", "_COMM", "python3", "MESSAGE", "of another", NULL);
        at(1.5);
        fixture_stopped("_SYSTEMD_UNIT", "session-3.scope", "_SYSTEMD_INVOCATION_ID", OTHER_RUN,
                "_SYSTEMD_CGROUP", "/user.slice/user-1000.slice/session-3.scope", "GATEWATCH_UNIT",
                fixture_without, NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(), "log:log@500 stopped:stopped@1500");
}

static void test_stop_story_of_a_user_unit_listens_to_its_manager(void **state) {
        fixture_journal_begin();
        at(0.2);
        fixture_foreign("_UID", "990", "_COMM", "systemd", "_SYSTEMD_USER_UNIT", "init.scope",
                "USER_UNIT", FIXTURE_UNIT, "USER_INVOCATION_ID", FIXTURE_RUN_ID, "MESSAGE",
                "Stopping.", NULL);
        fixture_foreign("_UID", "990", "_COMM", "systemd", "_SYSTEMD_USER_UNIT", FIXTURE_UNIT,
                "USER_UNIT", FIXTURE_UNIT, "USER_INVOCATION_ID", FIXTURE_RUN_ID, "MESSAGE",
                "by the gateway itself", NULL);
        at(0.3);
        fixture_foreign("_PID", "4712", "_UID", "990", "_SYSTEMD_UNIT", "user@990.service",
                "_SYSTEMD_USER_UNIT", FIXTURE_UNIT, "_COMM", "python3", "MESSAGE", "line", NULL);
        at(1.5);
        fixture_stopped("_SYSTEMD_UNIT", "user@990.service", "_SYSTEMD_USER_UNIT", FIXTURE_UNIT,
                "_SYSTEMD_CGROUP",
                "/user.slice/user-990.slice/user@990.service/app.slice/" FIXTURE_UNIT, NULL);
        read_story(RECORD_STOPPED, STORY_LOG_LINES);
        assert_string_equal(story_format(),
                "systemd:systemd@200 log:log@300 log:log@1200 stopped:stopped@1500");
}

static void test_stop_story_journal_without_the_run_is_empty(void **state) {
        char error[JOURNAL_ERROR_MAX];
        JournalSource source = { .directory = fixture_directory };

        assert_int_equal(journal_query_new(&source, &query, error), 0);
        stop = (PastStop){ .state = RUN_STOPPED,
                .realtime_usec = FIXTURE_REALTIME,
                .monotonic_usec = STORY_MONOTONIC,
                .total_usec = USEC_INFINITY,
                .uid = (uid_t) -1 };
        assert_int_equal(stop_story_read(query, &stop, STORY_LOG_LINES, &story), 0);
        assert_int_equal(story.n_items, 0);
        assert_int_equal(story.begin_usec, 0);
        assert_int_equal(story.end_usec, 0);
        assert_int_equal(story.origin_realtime_usec, FIXTURE_REALTIME);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                story_test(test_stop_story_whole_stop_is_told_in_order),
                story_test(test_stop_story_only_stopped_counts_back_from_it),
                story_test(test_stop_story_not_asked_for_ends_at_the_origin),
                story_test(test_stop_story_overdue_step_is_one_bar),
                story_test(test_stop_story_clock_set_back_goes_by_the_monotonic_one),
                story_test(test_stop_story_of_others_is_not_told),
                story_test(test_stop_story_next_run_counts_from_the_signal),
                story_test(test_stop_story_next_boot_counts_from_the_last_entry),
                story_test(test_stop_story_unrecorded_run_ends_with_its_last_entry),
                story_test(test_stop_story_long_run_keeps_its_beginning),
                story_test(test_stop_story_too_many_steps_leaves_room_for_the_rest),
                story_test(test_stop_story_systemd_by_invocation_or_time),
                story_test(test_stop_story_oom_of_the_run_is_told),
                story_test(test_stop_story_coredump_of_the_run_has_its_stack),
                story_test(test_stop_story_next_run_that_fails_too_is_not_told),
                story_test(test_stop_story_coredump_of_another_users_unit_is_not_told),
                story_test(test_stop_story_log_is_the_last_lines_before_the_end),
                story_test(test_stop_story_without_lines_asks_for_none),
                story_test(test_stop_story_in_no_unit_has_the_process_lines),
                story_test(test_stop_story_of_a_user_unit_listens_to_its_manager),
                story_test(test_stop_story_journal_without_the_run_is_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
