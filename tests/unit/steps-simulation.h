/* SPDX-License-Identifier: MIT */
#pragma once

/* Steps and their model under the same random operations; after each one both are asked the same
 * questions. Time mostly moves by 0 to 2 usec an operation and bounds are as small, so that ends,
 * deadlines and questions often fall on the same instant; now and then the gateway is silent for
 * longer, until all is overdue. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "steps-model.h"
#include "stop/steps.h"

#define TEXT_ROOM_BYTES 128U

/* What is open, written into memory of its own size, for the sanitizers. */
static inline void assert_open(const Steps *steps, size_t size, const char *text) {
        char *buffer = malloc(size);
        bool is_equal;

        assert_non_null(buffer);
        is_equal = steps_format_open(steps, buffer, size) == buffer && strcmp(buffer, text) == 0;
        if (!is_equal)
                print_error("\"%s\" in place of \"%s\"\n", buffer, text);
        free(buffer);
        assert_true(is_equal);
}

typedef struct Simulation {
        Steps steps;
        StepsModel model;
        uint64_t random;
        usec_t now_usec;
        size_t n_operations, n_full, n_late, n_escalations; /* that each was reached */
} Simulation;

static inline uint32_t simulation_random(Simulation *simulation, uint32_t limit) {
        simulation->random = simulation->random * 6364136223846793005ULL + 1442695040888963407ULL;
        return (uint32_t) (simulation->random >> 33) % limit;
}

static inline void simulation_begin(Simulation *simulation) {
        static const usec_t timeouts[] = { 0, USEC_INFINITY };
        const uint32_t kind = simulation_random(simulation, 40);
        const usec_t timeout_usec = kind < ELEMENTSOF(timeouts)
                ? timeouts[kind]
                : 1 + simulation_random(simulation, 40);
        const size_t i = simulation_random(simulation, STEPS_MODEL_NAMES);
        char name[STEP_NAME_MAX + 1];
        int r;

        r = steps_begin(&simulation->steps, steps_model_name(name, i), kind < 30, timeout_usec,
                simulation->now_usec);
        assert_int_equal(r,
                steps_model_begin(
                        &simulation->model, i, kind < 30, timeout_usec, simulation->now_usec));
        simulation->n_full += r == -ENOSPC;
}

/* A name, mostly one that is open. */
static inline size_t simulation_pick(Simulation *simulation) {
        const size_t i = simulation_random(simulation, STEPS_MODEL_NAMES);
        const size_t n_open = steps_model_n_open(&simulation->model);
        size_t nth;

        if (n_open == 0 || simulation_random(simulation, 4) == 0)
                return i;
        nth = simulation_random(simulation, (uint32_t) n_open);
        for (size_t name = 0;; name++)
                if (simulation->model.slots[name].is_open && nth-- == 0)
                        return name;
}

static inline void simulation_end(Simulation *simulation) {
        const size_t i = simulation_pick(simulation);
        char name[STEP_NAME_MAX + 1];
        Step step;
        int r;

        r = steps_end(&simulation->steps, steps_model_name(name, i), simulation->now_usec, &step);
        if (!simulation->model.slots[i].is_open) {
                assert_int_equal(r, -ENOENT);
                return;
        }
        assert_int_equal(r, 0);
        assert_string_equal(step.name, name);
        assert_int_equal(step.began_at_usec, simulation->model.slots[i].began_at_usec);
        assert_int_equal(step.is_of_stop, simulation->model.slots[i].is_of_stop);
        assert_int_equal(step.is_spent, simulation->model.slots[i].is_spent);
        assert_int_equal(step.is_overdue, simulation->model.slots[i].is_told);
        assert_int_equal(step.end,
                steps_model_close(
                        &simulation->model, i, /* is_abandoned= */ false, simulation->now_usec));
        simulation->n_late += step.end == STEP_LATE;
}

static inline void simulation_tell(Simulation *simulation) {
        const Step *step = steps_next_overdue(&simulation->steps, simulation->now_usec);
        const size_t i = steps_model_due(&simulation->model);
        char name[STEP_NAME_MAX + 1];

        if (i == STEPS_MODEL_NONE ||
                steps_model_deadline_of(&simulation->model.slots[i]) > simulation->now_usec) {
                assert_null(step);
                return;
        }
        assert_non_null(step);
        assert_string_equal(step->name, steps_model_name(name, i));
        simulation->model.slots[i].is_told = true;
}

static inline void simulation_escalate(Simulation *simulation) {
        const usec_t now_usec = simulation->now_usec;
        const bool is_active = simulation_random(simulation, 8) == 0;
        const bool is_due = steps_model_escalates(&simulation->model, is_active, now_usec);

        assert_int_equal(steps_escalation(&simulation->steps, is_active) <= now_usec, is_due);
        if (!is_due && simulation_random(simulation, 20) > 0)
                return;
        simulation->n_escalations += is_due;
        steps_escalated(&simulation->steps, now_usec);
        steps_model_escalated(&simulation->model, now_usec);
        assert_false(steps_model_escalates(&simulation->model, false, now_usec));
        assert_true(steps_escalation(&simulation->steps, false) > now_usec);
}

/* The instant that steps_escalation() names is the first at which the model escalates. */
static inline void simulation_check_escalation(Simulation *simulation) {
        const usec_t at_usec = steps_escalation(&simulation->steps, false);

        assert_int_equal(steps_escalation(&simulation->steps, true), USEC_INFINITY);
        if (at_usec == USEC_INFINITY) {
                assert_false(steps_model_escalates(&simulation->model, false, USEC_INFINITY));
                return;
        }
        assert_true(steps_model_escalates(&simulation->model, false, at_usec));
        assert_false(steps_model_escalates(&simulation->model, false, at_usec - 1));
}

static inline void simulation_check(Simulation *simulation) {
        const size_t i = steps_model_due(&simulation->model);
        const size_t n_ended = simulation->model.n_ended;

        assert_int_equal(simulation->steps.n_open, steps_model_n_open(&simulation->model));
        assert_int_equal(steps_deadline(&simulation->steps),
                i == STEPS_MODEL_NONE ? USEC_INFINITY
                                      : steps_model_deadline_of(&simulation->model.slots[i]));
        simulation_check_escalation(simulation);
        assert_int_equal(simulation->steps.n_of_stop, n_ended);
        assert_int_equal(
                simulation->steps.n_ended, n_ended < STEPS_ENDED_MAX ? n_ended : STEPS_ENDED_MAX);
}

static inline void simulation_check_text(Simulation *simulation) {
        const size_t size = 1 + simulation_random(simulation, TEXT_ROOM_BYTES);
        char text[TEXT_ROOM_BYTES];

        steps_model_format(&simulation->model, text, size);
        assert_open(&simulation->steps, size, text);
}

static inline void simulation_check_ended(Simulation *simulation) {
        const Step *slowest = &simulation->steps.slowest;
        usec_t slowest_usec = 0;
        char name[STEP_NAME_MAX + 1];

        for (size_t i = 0; i < simulation->model.n_ended; i++) {
                const StepEndModel *ended = &simulation->model.ended[i];

                if (ended->duration_usec > slowest_usec)
                        slowest_usec = ended->duration_usec;
                if (i >= STEPS_ENDED_MAX)
                        continue;
                assert_string_equal(
                        simulation->steps.ended[i].name, steps_model_name(name, ended->name));
                assert_int_equal(simulation->steps.ended[i].end, ended->end);
        }
        assert_int_equal(slowest->ended_at_usec - slowest->began_at_usec, slowest_usec);
}

static inline void simulation_abandon(Simulation *simulation) {
        char name[STEP_NAME_MAX + 1];
        Step step;

        for (size_t i; (i = steps_model_next(&simulation->model, 0)) != STEPS_MODEL_NONE;) {
                assert_int_equal(steps_abandon(&simulation->steps, simulation->now_usec, &step), 1);
                assert_string_equal(step.name, steps_model_name(name, i));
                assert_int_equal(step.end,
                        steps_model_close(&simulation->model, i, /* is_abandoned= */ true,
                                simulation->now_usec));
        }
        assert_int_equal(steps_abandon(&simulation->steps, simulation->now_usec, &step), 0);
}

/* One life: n_begins of 100 operations are beginnings, so that some rounds fill up, others run dry. */
static inline void simulation_run(Simulation *simulation, uint32_t n_begins, size_t n_operations) {
        const size_t stop_at = simulation_random(simulation, (uint32_t) n_operations);

        for (size_t i = 0; i < n_operations; i++, simulation->n_operations++) {
                if (i == stop_at) {
                        steps_begin_stop(&simulation->steps);
                        simulation->model.is_stopping = true;
                }
                simulation->now_usec += simulation_random(
                        simulation, simulation_random(simulation, 16) == 0 ? 60 : 3);
                if (simulation_random(simulation, 100) < n_begins)
                        simulation_begin(simulation);
                else
                        simulation_end(simulation);
                if (simulation_random(simulation, 4) == 0)
                        simulation_tell(simulation);
                if (simulation_random(simulation, 2) == 0)
                        simulation_escalate(simulation);
                simulation_check(simulation);
                if (i % 64 == 0)
                        simulation_check_text(simulation);
        }
        simulation_abandon(simulation);
        simulation_check_ended(simulation);
}

static inline int simulation_setup(void **state) {
        *state = calloc(1, sizeof(Simulation));
        return *state ? 0 : -1;
}

static inline int simulation_teardown(void **state) {
        Simulation *simulation = *state;

        steps_done(&simulation->steps);
        free(simulation);
        return 0;
}
