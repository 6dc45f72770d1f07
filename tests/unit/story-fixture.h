/* SPDX-License-Identifier: MIT */
#pragma once

/* Stories of stops made by hand, and what is written of them. Include after cmocka.h.
 *
 *     story_fixture_add(STORY_STEP, TONE_WARNING, 1000, 6200000, "disconnect slack", NULL);
 *     const char *text = story_fixture_write(timeline_write_svg);
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/stop-story.h"

#define STORY_FIXTURE_MAX 3000

static PastStop story_fixture_stop;
static StopStory story_fixture;
static char *story_fixture_text;
static size_t story_fixture_size;

/* Setup: a stop of which little is known and a story without items. */
_unused_ static int story_fixture_setup(void **state) {
        story_fixture_stop = (PastStop){
                .state = RUN_STOPPED,
                .realtime_usec = 1763712000000000,
                .monotonic_usec = 3600000000,
                .host = "gw1",
                .unit = "hermes.service",
                .manager = UNIT_MANAGER_SYSTEM,
                .uid = 990,
                .name = "hermes",
                .recorded_by = "run",
                .began_realtime_usec = USEC_INFINITY,
                .uptime_usec = USEC_INFINITY,
                .cause = CAUSE_STOP,
                .cause_word = "stop",
                .outcome = OUTCOME_KILLED,
                .outcome_word = "killed",
                .sender = { .uid = (uid_t) -1, .loginuid = (uid_t) -1 },
                .requester = { .uid = (uid_t) -1, .loginuid = (uid_t) -1 },
                .drain_usec = USEC_INFINITY,
                .headroom_usec = USEC_INFINITY,
                .timeout_stop_usec = USEC_INFINITY,
                .drain_used_usec = USEC_INFINITY,
                .total_usec = USEC_INFINITY,
                .active_at_start = UINT64_MAX,
                .active_now = UINT64_MAX,
                .slowest_step_usec = USEC_INFINITY,
                .n_oom_kills = UINT64_MAX,
        };
        story_fixture = (StopStory){
                .stop = &story_fixture_stop,
                .origin_realtime_usec = 1763712000000000,
                .items = calloc(STORY_FIXTURE_MAX, sizeof(StoryItem)),
        };
        return story_fixture.items ? 0 : -1;
}

_unused_ static int story_fixture_teardown(void **state) {
        stop_story_done(&story_fixture);
        free(story_fixture_text);
        story_fixture_text = NULL;
        return 0;
}

/* A span where end_usec is not begin_usec. Items in the order of time. Returns: it. */
_unused_ static StoryItem *story_fixture_add(StoryKind kind, StoryTone tone, int64_t begin_usec,
        int64_t end_usec, const char *label, const char *text) {
        StoryItem *item = &story_fixture.items[story_fixture.n_items++];

        assert_true(story_fixture.n_items <= STORY_FIXTURE_MAX);
        *item = (StoryItem){
                .kind = kind,
                .tone = tone,
                .is_span = end_usec != begin_usec,
                .begin_usec = begin_usec,
                .end_usec = end_usec,
                .label = strdup(label),
                .text = text ? strdup(text) : NULL,
                .source = strdup("gatewatch"),
        };
        assert_non_null(item->label);
        if (begin_usec < story_fixture.begin_usec)
                story_fixture.begin_usec = begin_usec;
        if (end_usec > story_fixture.end_usec)
                story_fixture.end_usec = end_usec;
        return item;
}

/* A stop that ran into its bound: steps that hang, a kill, a core dump. */
_unused_ static void story_fixture_fill(void) {
        story_fixture_stop.cause_detail = "systemd was asked to stop the unit by systemctl(812)";
        story_fixture_stop.drain_usec = 60 * USEC_PER_SEC;
        story_fixture_stop.headroom_usec = 30 * USEC_PER_SEC;
        story_fixture_stop.timeout_stop_usec = 90 * USEC_PER_SEC;
        story_fixture_stop.drain_used_usec = 60 * USEC_PER_SEC;
        story_fixture_stop.total_usec = 75200 * USEC_PER_MSEC;
        story_fixture_stop.uptime_usec = 11 * USEC_PER_HOUR + 1843 * USEC_PER_SEC;
        story_fixture_stop.exit_code = "killed";
        story_fixture_stop.exit_status = "SIGKILL";
        story_fixture_stop.signal = "SIGTERM";
        story_fixture_stop.has_active = true;
        story_fixture_stop.active_at_start = 7;
        story_fixture_stop.active_now = 2;
        story_fixture_stop.active_source = "gateway";
        story_fixture_stop.slowest_step = "disconnect slack";
        story_fixture_stop.slowest_step_usec = 75150 * USEC_PER_MSEC;
        story_fixture_stop.requester = (StopParty){
                .pid = 812,
                .uid = 0,
                .loginuid = 1000,
                .user = "root",
                .comm = "systemctl",
                .cmdline = "systemctl stop hermes",
                .unit = "session-3.scope",
                .ancestry = "systemctl(812) < bash(640) < sshd(600)",
                .verb = "stop",
        };
        story_fixture_stop.sender.pid = 1;
        story_fixture_stop.sender.uid = 0;
        story_fixture_stop.sender.comm = "systemd";
        story_fixture_stop.sender.state = "manager";
        story_fixture_stop.phases = "[{\"name\":\"drain\",\"usec\":60000000,\"timed_out\":true}]";
        story_fixture_stop.command = "python3 -m hermes --token=***";

        (void) story_fixture_add(
                STORY_STARTED, TONE_PLAIN, -41443000000, -41443000000, "started", NULL);
        story_fixture.begin_usec = 0;
        (void) story_fixture_add(STORY_SYSTEMD, TONE_PLAIN, -3000, -3000, "job",
                "Stopping hermes.service - Hermes, messages for everybody...");
        (void) story_fixture_add(
                STORY_SIGNAL, TONE_PLAIN, 0, 0, "SIGTERM", "from the service manager");
        (void) story_fixture_add(STORY_PHASE, TONE_WARNING, 0, 60000000, "drain",
                "SIGTERM; timed out; active 7 -> 2");
        (void) story_fixture_add(
                STORY_GATEWAY_PHASE, TONE_PLAIN, 4000, 2100000, "refuse new work", NULL);
        (void) story_fixture_add(STORY_STEP, TONE_GOOD, 5000, 1240000, "disconnect telegram", NULL);
        (void) story_fixture_add(STORY_STEP, TONE_WARNING, 6000, 75150000, "disconnect slack",
                "never ended (bound 5s); main thread sleeps in tcp_recvmsg, no progress");
        (void) story_fixture_add(STORY_STEP, TONE_WARNING, 9000, 31400000, "disconnect matrix",
                "ended late (bound 5s)");
        (void) story_fixture_add(STORY_CAUSE, TONE_PLAIN, 23000, 23000, "cause",
                "stop: systemd was asked to stop the unit; asked for by systemctl(812) < bash(640)");
        (void) story_fixture_add(
                STORY_LOG, TONE_PLAIN, 31000, 31000, "hermes", "draining 7 sessions");
        (void) story_fixture_add(
                STORY_GATEWAY_PHASE, TONE_WARNING, 2100000, 75150000, "flush outboxes", NULL);
        (void) story_fixture_add(
                STORY_STEP, TONE_GOOD, 2100000, 2940000, "flush outbox telegram", NULL);
        (void) story_fixture_add(STORY_LOG, TONE_WARNING, 9800000, 9800000, "hermes",
                "WARNING slack: no answer to close frame, waiting");
        (void) story_fixture_add(
                STORY_LOG, TONE_PLAIN, 31400000, 31400000, "hermes", "matrix: closed");
        (void) story_fixture_add(STORY_STUCK, TONE_WARNING, 59900000, 59900000, "stuck",
                "missed the deadline of phase drain: main thread in tcp_recvmsg");
        (void) story_fixture_add(
                STORY_PHASE, TONE_WARNING, 60000000, 70000000, "interrupt", "SIGINT; timed out");
        (void) story_fixture_add(
                STORY_PHASE, TONE_WARNING, 70000000, 75000000, "terminate", "SIGTERM; timed out");
        (void) story_fixture_add(STORY_PHASE, TONE_BAD, 75000000, 75150000, "kill", "SIGKILL");
        (void) story_fixture_add(STORY_COREDUMP, TONE_BAD, 75140000, 75140000, "core dump",
                "Process 813 (python3) of user 990 dumped core.\n\n"
                "Stack trace of thread 813:\n"
                "#0  0x00007f2a11ce4e2f __poll (libc.so.6 + 0x101e2f)\n"
                "#1  0x000000000055e4c1 n/a (python3.11 + 0x15e4c1)\n");
        (void) story_fixture_add(STORY_STOPPED, TONE_BAD, 75200000, 75200000, "stopped",
                "Gateway hermes killed after 1min 15.2s (cause stop)");
        (void) story_fixture_add(STORY_SYSTEMD, TONE_BAD, 75230000, 75230000, "result",
                "hermes.service: Failed with result 'timeout'.");
}

/* What a writer writes of it. Returns: the text, until the next call. */
_unused_ static const char *story_fixture_write(int (*write)(FILE *file, const StopStory *story)) {
        FILE *file;
        int r;

        free(story_fixture_text);
        story_fixture_text = NULL;
        file = open_memstream(&story_fixture_text, &story_fixture_size);
        assert_non_null(file);
        r = write(file, &story_fixture);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(r, 0);
        return story_fixture_text;
}
