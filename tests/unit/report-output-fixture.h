/* SPDX-License-Identifier: MIT */
#pragma once

/* Past stops built by hand, and what is printed about them. Include after cmocka.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report-output.h"

#define STOPS_MAX 6

/* What a terminal must not get, by any way: ESC, C1 as UTF-8 and as a byte, DEL, BEL, an overlong slash. */
#define HOSTILE "\033]0;x\007\302\233 \233 \177 \300\257\r\n\t\"',;=<&>\\"
/* The same, as a cell of a terminal has it. */
#define HOSTILE_CLEAN "?]0;x?? \357\277\275 ? \357\277\275\357\277\275???\"',;=<&>\\"

typedef struct Fixture {
        PastStop stops[STOPS_MAX];
        StopList list;
        Statistics statistics;
        FILE *file;
        char *text; /* what was printed */
        size_t size;
        json_object *json; /* the same, read back */
} Fixture;

_unused_ static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        fixture->list.stops = fixture->stops;
        *state = fixture;
        return setenv("TZ", "UTC", /* overwrite= */ 1);
}

_unused_ static void forget_text(Fixture *fixture) {
        (void) json_object_put(TAKE_PTR(fixture->json));
        free(TAKE_PTR(fixture->text));
}

_unused_ static int teardown(void **state) {
        Fixture *fixture = *state;

        fclosep(&fixture->file);
        forget_text(fixture);
        free(fixture);
        return 0;
}

/* A run of which nothing is known but when it was over. */
_unused_ static PastStop *add_unknown(Fixture *fixture) {
        PastStop *stop = &fixture->stops[fixture->list.n++];

        assert_true(fixture->list.n <= STOPS_MAX);
        *stop = (PastStop){
                .realtime_usec = 1763712000 * USEC_PER_SEC, /* Fri 2025-11-21 08:00:00 UTC */
                .uid = (uid_t) -1,
                .began_realtime_usec = USEC_INFINITY,
                .uptime_usec = USEC_INFINITY,
                .cause = _CAUSE_INVALID,
                .outcome = _OUTCOME_INVALID,
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
        return stop;
}

/* A stop of hermes.service that went well: 1.432 s of a minute. */
_unused_ static PastStop *add_clean(Fixture *fixture) {
        PastStop *stop = add_unknown(fixture);

        stop->host = "gw1";
        stop->unit = "hermes.service";
        stop->name = "hermes";
        stop->manager = UNIT_MANAGER_SYSTEM;
        stop->uid = 990;
        stop->writer_pid = 4000;
        stop->recorded_by = "run";
        stop->cause = CAUSE_STOP;
        stop->cause_word = "stop";
        stop->outcome = OUTCOME_CLEAN;
        stop->outcome_word = "clean";
        stop->exit_code = "exited";
        stop->exit_status = "0";
        stop->requester.pid = 812;
        stop->requester.uid = 0;
        stop->requester.comm = "systemctl";
        stop->requester.verb = "stop";
        stop->drain_usec = USEC_PER_MINUTE;
        stop->headroom_usec = 30 * USEC_PER_SEC;
        stop->drain_used_usec = 1432 * USEC_PER_MSEC;
        stop->total_usec = 1440 * USEC_PER_MSEC;
        stop->has_active = true;
        stop->active_at_start = 3;
        stop->active_now = 0;
        return stop;
}

/* One that SIGKILL ended, with work in flight. */
_unused_ static PastStop *add_killed(Fixture *fixture) {
        PastStop *stop = add_clean(fixture);

        stop->outcome = OUTCOME_KILLED;
        stop->outcome_word = "killed";
        stop->exit_code = "killed";
        stop->exit_status = "SIGKILL";
        stop->drain_used_usec = stop->drain_usec;
        stop->total_usec = 70 * USEC_PER_SEC;
        stop->active_now = 2;
        return stop;
}

/* A stop with a stranger's text in each of its strings. */
_unused_ static PastStop *add_hostile(Fixture *fixture, const char *text) {
        PastStop *stop = add_clean(fixture);

        stop->trust = TRUST_FORGED;
        stop->forgery = stop->host = stop->unit = stop->name = stop->recorded_by = text;
        stop->cause_word = stop->cause_detail = stop->outcome_word = text;
        stop->exit_code = stop->exit_status = stop->signal = text;
        stop->sender = stop->requester = (StopParty){ .pid = 7,
                .uid = 8,
                .loginuid = 9,
                .user = text,
                .comm = text,
                .cmdline = text,
                .unit = text,
                .ancestry = text,
                .state = text,
                .verb = text };
        stop->active_source = stop->slowest_step = stop->timeline = text;
        stop->phases = stop->gateway_phases = stop->steps = text;
        stop->service_result = stop->previous_phase = stop->command = text;
        stop->previous_gateway_phase = stop->previous_step = text;
        stop->cause = _CAUSE_INVALID;
        stop->outcome = _OUTCOME_INVALID;
        return stop;
}

_unused_ static void begin(Fixture *fixture) {
        forget_text(fixture);
        fixture->file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(fixture->file);
}

_unused_ static const char *finish(Fixture *fixture) {
        fclosep(&fixture->file);
        fixture->file = NULL;
        return fixture->text;
}

/* No byte that gives an order: C0 but tab and line ends, DEL, C1. */
_unused_ static void assert_harmless(const char *text) {
        for (const unsigned char *c = (const unsigned char *) text; *c; c++) {
                assert_true(*c >= 0x20 || *c == '\n' || *c == '\r' || *c == '\t');
                assert_int_not_equal(*c, 0x7f);
                assert_false(*c == 0xc2 && c[1] < 0xa0);
        }
}
