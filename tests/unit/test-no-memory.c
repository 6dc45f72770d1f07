/* SPDX-License-Identifier: MIT */

/* Each allocation of a report fails once: the answer is -ENOMEM or the whole thing, nothing crashes, and what was
 * allocated is given back. Only allocations that are ours: libsystemd and json-c have their own ways to run out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"
#include "report/report-output.h"
#include "report/story-internal.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* ---- Memory ------------------------------------------------------------------------------------- */

/* Volatile: the compiler knows malloc(3), and that the C library's does not count in here. */
static volatile long n_allocations, n_blocks, fail_at; /* 0: none */

#ifndef __SANITIZE_ADDRESS__
/* The C library's own names of what it lets a program define anew. Source: malloc(3), "Replacing malloc". */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool fails(void) {
        n_allocations++;
        if (fail_at == 0 || n_allocations != fail_at)
                return false;
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size) {
        void *block = fails() ? NULL : __libc_malloc(size);

        n_blocks += block != NULL;
        return block;
}

void *calloc(size_t n, size_t size) {
        void *block = fails() ? NULL : __libc_calloc(n, size);

        n_blocks += block != NULL;
        return block;
}

void *realloc(void *block, size_t size) {
        void *moved = fails() ? NULL : __libc_realloc(block, size);

        n_blocks += moved && !block;
        return moved;
}

void *reallocarray(void *block, size_t n, size_t size) {
        size_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes)) {
                errno = ENOMEM;
                return NULL;
        }
        return realloc(block, bytes);
}

void free(void *block) {
        n_blocks -= block != NULL;
        __libc_free(block);
}
#endif

/* Not under sanitizers and memcheck: they bring an allocator of their own. */
static bool memory_can_fail(void) {
        const long n_before = n_allocations, n_blocks_before = n_blocks;
        void *volatile block = malloc(1), *volatile other = calloc(1, 1);
        void *volatile moved = realloc(block, 100);

        free(moved);
        free(other);
        return n_allocations == n_before + 3 && n_blocks == n_blocks_before;
}

/* ---- Material ----------------------------------------------------------------------------------- */

#define RUN_ID "c0010000000000000000000000000001"

static JournalEntry entry;
static FILE *nowhere;

static int no_memory_setup(void **state) {
        (void) state;
        nowhere = fopen("/dev/null", "we");
        return nowhere ? 0 : -1;
}

static int no_memory_teardown(void **state) {
        (void) state;
        fail_at = 0;
        journal_entry_done(&entry);
        return fclose(nowhere);
}

/* "NAME=value", to be ended by NULL. */
static int entry_fill(RecordEvent event, ...) {
        char id[64];
        const char *field;
        va_list fields;
        int r;

        journal_entry_reset(&entry);
        entry.realtime_usec = 1763712000 * USEC_PER_SEC;
        entry.monotonic_usec = USEC_PER_HOUR;
        (void) snprintf(id, sizeof(id), "MESSAGE_ID=%s", record_event_info(event)->message_id);
        r = journal_entry_add(&entry, id, strlen(id));
        va_start(fields, event);
        while (r >= 0 && (field = va_arg(fields, const char *)))
                r = journal_entry_add(&entry, field, strlen(field));
        va_end(fields);
        return r;
}

#define OF_RUN                                                                  \
        "GATEWATCH_RUN_ID=" RUN_ID, "_COMM=gatewatch", "_UID=990", "_PID=4711", \
                "_SYSTEMD_UNIT=hermes.service", "GATEWATCH_NAME=hermes", "_HOSTNAME=gw1"

static int stop_fill(PastStop *stop) {
        int r = entry_fill(RECORD_STOPPED, OF_RUN, "GATEWATCH_CAUSE=stop",
                "GATEWATCH_OUTCOME=clean", "GATEWATCH_DRAIN_USED_USEC=1500000",
                "GATEWATCH_TOTAL_USEC=1500000", "GATEWATCH_REQUESTER_PID=812",
                "GATEWATCH_REQUESTER_UID=1000", "GATEWATCH_REQUESTER_COMM=systemctl",
                "GATEWATCH_EXIT_CODE=exited", "GATEWATCH_EXIT_STATUS=0", NULL);

        if (r >= 0)
                r = past_stop_from_entry(&entry, stop);
        if (r >= 0)
                r = entry_fill(RECORD_STARTED, OF_RUN, "GATEWATCH_COMMAND=python3 -m hermes",
                        "GATEWATCH_DRAIN_USEC=60000000", NULL);
        return r < 0 ? r : past_stop_join(stop, &entry);
}

/* ---- What may fail ------------------------------------------------------------------------------ */

static int make_past_stop(void) {
        _cleanup_(past_stop_done) PastStop stop = {};
        int r = stop_fill(&stop);

        if (r < 0)
                return r;
        _cleanup_free_ char *party = past_stop_format_party(&stop);
        _cleanup_free_ char *end = past_stop_format_exit(&stop);
        _cleanup_free_ char *unit = past_stop_format_unit(&stop);
        if (!party || !end || !unit)
                return -ENOMEM;
        r = report_print_line(nowhere, &stop, &(ReportPrintOptions){ .has_legend = true });
        return r < 0 ? r
                     : report_print_csv(nowhere, &(StopList){ .stops = &stop, .n = 1 },
                               /* has_legend= */ true);
}

static int story_add(StoryFound *found, int64_t at_usec) {
        StoryDraft draft = {};
        int r = story_record_read(&entry, at_usec, &draft);

        return r <= 0 ? r : story_drafts_add(&found->drafts, &draft);
}

static int story_fill(StoryFound *found) {
        int r = 0;

        for (RecordEvent event = 0; r >= 0 && event < _RECORD_EVENT_MAX; event++) {
                r = entry_fill(event, OF_RUN, "MESSAGE=a sentence that is not short at all",
                        "GATEWATCH_SIGNAL=SIGTERM", "GATEWATCH_SENDER_PID=812",
                        "GATEWATCH_SENDER_COMM=kill", "GATEWATCH_PHASE=drain",
                        "GATEWATCH_PHASE_USEC=1000000", "GATEWATCH_STEP=flush",
                        "GATEWATCH_STEP_END=open", "GATEWATCH_STEP_USEC=500000",
                        "GATEWATCH_STALL_DETAIL=waits", "GATEWATCH_CAUSE=stop",
                        "GATEWATCH_CAUSE_DETAIL=asked to", NULL);
                if (r >= 0)
                        r = story_add(found, (int64_t) event * 100000);
        }
        if (r >= 0)
                r = entry_fill(RECORD_STEP, OF_RUN, "GATEWATCH_STEP=flush",
                        "GATEWATCH_STEP_END=late", "GATEWATCH_STEP_USEC=600000", NULL);
        if (r >= 0)
                r = story_add(found, (int64_t) RECORD_STEP * 100000 + 100000);
        if (r >= 0)
                r = entry_fill(RECORD_STOPPED, "_COMM=systemd-coredum", "_PID=5000",
                        "MESSAGE=dumped core\n#0 x\n#1 y", NULL);
        if (r < 0)
                return r;

        StoryDraft draft = {};
        r = story_record_read_foreign(&entry, 0, STORY_COREDUMP, "coredump", &draft);
        return r < 0 ? r : story_drafts_add(&found->drafts, &draft);
}

static int make_story(void) {
        _cleanup_(past_stop_done) PastStop stop = {};
        _cleanup_(stop_story_done) StopStory story = {};
        StoryFound found = { .end_usec = 1500000 };
        int r = stop_fill(&stop);

        if (r >= 0)
                r = story_fill(&found);
        if (r >= 0)
                r = story_settle(&found, &story);
        story_drafts_done(&found.drafts);
        if (r < 0)
                return r;
        story.stop = &stop;
        r = timeline_print(nowhere, &story, &(TimelineOptions){ .width = 60, .has_colour = true });
        if (r >= 0)
                r = timeline_write_svg(nowhere, &story);
        return r < 0 ? r : timeline_write_html(nowhere, &story, 1);
}

static int make_statistics(void) {
        PastStop stops[RECOMMENDATION_STOPS_MIN + 1];
        _cleanup_(statistics_done) Statistics statistics = {};
        _cleanup_(past_stop_done) PastStop stop = {};
        int r = stop_fill(&stop);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(stops); i++) {
                stops[i] = stop; /* weak */
                stops[i].manager = i % 7 == 0 ? UNIT_MANAGER_USER : UNIT_MANAGER_SYSTEM;
                stops[i].uid = (uid_t) (i % 2);
        }
        r = statistics_compute(&(StopList){ .stops = stops, .n = ELEMENTSOF(stops) },
                STATISTICS_BY_UNIT, &statistics);
        if (r >= 0)
                r = statistics_print(nowhere, &statistics, &(ReportPrintOptions){ .width = 80 });
        return r < 0 ? r : report_print_openmetrics(nowhere, &statistics);
}

/* ---- The tests ---------------------------------------------------------------------------------- */

static void fail_each(int (*make)(void)) {
        long n, n_before, n_failed = 0;

        if (!memory_can_fail())
                skip();
        assert_int_equal(make(), 0); /* what is allocated once and kept */
        n = n_allocations;
        assert_int_equal(make(), 0);
        n = n_allocations - n;
        assert_true(n > 0);
        for (long i = 1; i <= n; i++) {
                int r;

                assert_int_equal(make(), 0); /* what the C library keeps is there again */
                journal_entry_done(&entry);
                n_before = n_blocks;
                fail_at = n_allocations + i;
                r = make();
                fail_at = 0;
                journal_entry_done(&entry);
                if (n_blocks > n_before)
                        fail_msg("%ld blocks are left of the %ldth of %ld allocations",
                                n_blocks - n_before, i, n);
                if (r != 0)
                        assert_int_equal(r, -ENOMEM);
                n_failed += r < 0;
        }
        assert_true(n_failed > n / 2);
}

static void test_past_stop_without_memory_fails_whole(void **state) {
        (void) state;
        fail_each(make_past_stop);
}

static void test_story_without_memory_fails_whole(void **state) {
        (void) state;
        fail_each(make_story);
}

static void test_statistics_without_memory_fails_whole(void **state) {
        (void) state;
        fail_each(make_statistics);
}

#define no_memory_test(function) \
        cmocka_unit_test_setup_teardown(function, no_memory_setup, no_memory_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                no_memory_test(test_past_stop_without_memory_fails_whole),
                no_memory_test(test_story_without_memory_fails_whole),
                no_memory_test(test_statistics_without_memory_fails_whole),
        };

        return cmocka_run_group_tests_name("no-memory", tests, NULL, NULL);
}
