/* SPDX-License-Identifier: MIT */
#pragma once

/* Past stops made by hand, and what is computed of them. Include after cmocka.h. */

#include <string.h>

#include "report/statistics.h"

#define SECONDS(n) ((usec_t) ((n) *USEC_PER_SEC))
/* 2026-11-01 00:00:00 UTC */
#define FIRST_USEC SECONDS(1793491200ULL)

typedef struct Fixture {
        StopList list;
        size_t n_allocated;
        Statistics statistics;
        Recommendation recommendation;
        char *names;    /* of made up steps */
        usec_t *drains; /* of a naive model */
        FILE *file;
        char *text; /* what was printed */
        size_t size;
} Fixture;

_unused_ static int setup(void **state) {
        *state = calloc(1, sizeof(Fixture));
        return *state ? 0 : -1;
}

_unused_ static void forget(Fixture *fixture) {
        statistics_done(&fixture->statistics);
        recommendation_done(&fixture->recommendation);
        fclosep(&fixture->file);
        fixture->file = NULL;
        free(TAKE_PTR(fixture->text));
        free(TAKE_PTR(fixture->list.stops));
        free(TAKE_PTR(fixture->names));
        free(TAKE_PTR(fixture->drains));
        fixture->list.n = fixture->n_allocated = 0;
}

_unused_ static int teardown(void **state) {
        forget(*state);
        free(*state);
        return 0;
}

/* A clean stop of hermes.service an hour after the one before, of which nothing is known but that. Valid until the
 * next one is added. */
_unused_ static PastStop *add_stop(Fixture *fixture) {
        if (fixture->list.n == fixture->n_allocated) {
                fixture->n_allocated = fixture->n_allocated * 2 + 16;
                fixture->list.stops =
                        reallocarray(fixture->list.stops, fixture->n_allocated, sizeof(PastStop));
                assert_non_null(fixture->list.stops);
        }
        PastStop *stop = &fixture->list.stops[fixture->list.n++];

        *stop = (PastStop){
                .realtime_usec = FIRST_USEC + fixture->list.n * USEC_PER_HOUR,
                .host = "alpha",
                .unit = "hermes.service",
                .manager = UNIT_MANAGER_SYSTEM,
                .name = "hermes",
                .uid = 1000,
                .cause = CAUSE_RESTART,
                .cause_word = "restart",
                .outcome = OUTCOME_CLEAN,
                .outcome_word = "clean",
                .sender = { .uid = (uid_t) -1, .loginuid = (uid_t) -1 },
                .requester = { .uid = (uid_t) -1, .loginuid = (uid_t) -1 },
                .drain_usec = USEC_INFINITY,
                .headroom_usec = USEC_INFINITY,
                .timeout_stop_usec = USEC_INFINITY,
                .drain_used_usec = USEC_INFINITY,
                .total_usec = USEC_INFINITY,
        };
        return stop;
}

_unused_ static PastStop *add_drain(Fixture *fixture, usec_t used_usec, usec_t allowed_usec) {
        PastStop *stop = add_stop(fixture);

        stop->drain_used_usec = used_usec;
        stop->drain_usec = allowed_usec;
        if (used_usec >= allowed_usec) {
                stop->outcome = OUTCOME_KILLED;
                stop->outcome_word = "killed";
        }
        return stop;
}

_unused_ static void compute(Fixture *fixture, StatisticsBy by) {
        statistics_done(&fixture->statistics);
        assert_int_equal(statistics_compute(&fixture->list, by, &fixture->statistics), 0);
}

/* The only group there is. */
_unused_ static const GroupStatistics *compute_one(Fixture *fixture) {
        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, 1);
        return &fixture->statistics.groups[0];
}
