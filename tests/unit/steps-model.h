/* SPDX-License-Identifier: MIT */
#pragma once

/* Steps once more, the simple way: one slot a name, whether it is open or not, and every question is
 * answered by looking at all slots. Where the real ones keep an order, here a number tells it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "stop/steps.h"

#define STEPS_MODEL_NAMES 300U /* more than can be open */
#define STEPS_MODEL_NONE  SIZE_MAX

typedef struct StepModel {
        bool is_open, is_of_stop, is_told, is_spent;
        uint64_t number; /* of its beginning */
        usec_t began_at_usec, timeout_usec;
} StepModel;

typedef struct StepEndModel {
        size_t name;
        StepEnd end;
        usec_t duration_usec;
} StepEndModel;

typedef struct StepsModel {
        usec_t default_timeout_usec;
        bool is_stopping;
        uint64_t n_begun;
        StepModel slots[STEPS_MODEL_NAMES];
        StepEndModel ended[4096]; /* of the stop, all */
        size_t n_ended;
} StepsModel;

/* Of different lengths, some with characters of several bytes. */
static inline const char *steps_model_name(char name[static STEP_NAME_MAX + 1], size_t i) {
        (void) snprintf(name, STEP_NAME_MAX + 1, "%s %zu%.*s",
                i % 3 == 0 ? "d\u00e9connecter" : "x", i, (int) (i % 7), "abcdefg");
        return name;
}

static inline bool steps_model_is_bounded(const StepModel *slot) {
        return slot->timeout_usec != 0 && slot->timeout_usec != USEC_INFINITY;
}

static inline usec_t steps_model_deadline_of(const StepModel *slot) {
        return steps_model_is_bounded(slot) ? slot->began_at_usec + slot->timeout_usec
                                            : USEC_INFINITY;
}

static inline size_t steps_model_n_open(const StepsModel *model) {
        size_t n = 0;

        for (size_t i = 0; i < STEPS_MODEL_NAMES; i++)
                n += model->slots[i].is_open;
        return n;
}

static inline int steps_model_begin(
        StepsModel *model, size_t i, bool has_timeout, usec_t timeout_usec, usec_t now_usec) {
        if (model->slots[i].is_open)
                return -EEXIST;
        if (steps_model_n_open(model) == STEPS_OPEN_MAX)
                return -ENOSPC;
        model->slots[i] = (StepModel){
                .is_open = true,
                .is_of_stop = model->is_stopping,
                .number = model->n_begun++,
                .began_at_usec = now_usec,
                .timeout_usec = has_timeout ? timeout_usec : model->default_timeout_usec,
        };
        return 0;
}

static inline StepEnd steps_model_close(
        StepsModel *model, size_t i, bool is_abandoned, usec_t now_usec) {
        StepModel *slot = &model->slots[i];
        const StepEnd end = is_abandoned                   ? STEP_ABANDONED
                : now_usec < steps_model_deadline_of(slot) ? STEP_DONE
                                                           : STEP_LATE;

        slot->is_open = false;
        if (slot->is_of_stop) {
                assert(model->n_ended < ELEMENTSOF(model->ended));
                model->ended[model->n_ended++] =
                        (StepEndModel){ i, end, now_usec - slot->began_at_usec };
        }
        return end;
}

/* The open step that began first after `number` others had. */
static inline size_t steps_model_next(const StepsModel *model, uint64_t number) {
        size_t next = STEPS_MODEL_NONE;

        for (size_t i = 0; i < STEPS_MODEL_NAMES; i++)
                if (model->slots[i].is_open && model->slots[i].number >= number &&
                        (next == STEPS_MODEL_NONE ||
                                model->slots[i].number < model->slots[next].number))
                        next = i;
        return next;
}

/* Of those that were not told of the one that is due first, and of several the one that began first. */
static inline size_t steps_model_due(const StepsModel *model) {
        size_t due = STEPS_MODEL_NONE;

        for (size_t i = 0; i < STEPS_MODEL_NAMES; i++) {
                const StepModel *slot = &model->slots[i],
                                *other = &model->slots[due % STEPS_MODEL_NAMES];
                const usec_t deadline = steps_model_deadline_of(slot);

                if (!slot->is_open || slot->is_told || deadline == USEC_INFINITY)
                        continue;
                if (due == STEPS_MODEL_NONE || deadline < steps_model_deadline_of(other) ||
                        (deadline == steps_model_deadline_of(other) &&
                                slot->number < other->number))
                        due = i;
        }
        return due;
}

/* Whether the ladder moves on at this instant: what steps_escalation() says in terms of an instant. */
static inline bool steps_model_escalates(const StepsModel *model, bool is_active, usec_t now_usec) {
        size_t n_overdue = 0, n_spent = 0, n = 0;

        for (size_t i = 0; i < STEPS_MODEL_NAMES; i++) {
                const StepModel *slot = &model->slots[i];

                if (!slot->is_open || !slot->is_of_stop)
                        continue;
                n++;
                n_spent += slot->is_spent;
                n_overdue +=
                        steps_model_is_bounded(slot) && now_usec >= steps_model_deadline_of(slot);
        }
        return !is_active && n > 0 && n_overdue == n && n_spent < n;
}

static inline void steps_model_escalated(StepsModel *model, usec_t now_usec) {
        for (size_t i = 0; i < STEPS_MODEL_NAMES; i++)
                if (model->slots[i].is_open && model->slots[i].is_of_stop &&
                        steps_model_is_bounded(&model->slots[i]) &&
                        now_usec >= steps_model_deadline_of(&model->slots[i]))
                        model->slots[i].is_spent = true;
}

/* The text with n_names of the open ones and the number of the others.
 * Returns: whether it fits. */
static inline bool steps_model_format_names(
        const StepsModel *model, size_t n_names, char *buffer, size_t size) {
        char text[STEPS_OPEN_MAX * (STEP_NAME_MAX + 16)] = "", name[STEP_NAME_MAX + 1];
        const size_t n_open = steps_model_n_open(model);
        size_t n = 0, length = 0;

        for (int is_told = 1; is_told >= 0; is_told--)
                for (size_t i = steps_model_next(model, 0); i != STEPS_MODEL_NONE && n < n_names;
                        i = steps_model_next(model, model->slots[i].number + 1)) {
                        if (model->slots[i].is_told != is_told)
                                continue;
                        length += (size_t) snprintf(text + length, sizeof(text) - length, "%s%s%s",
                                n > 0 ? ", " : "", steps_model_name(name, i),
                                is_told ? " (overdue)" : "");
                        n++;
                }
        if (n == 0 && n_open > 0)
                length = (size_t) snprintf(
                        text, sizeof(text), "%zu step%s", n_open, n_open == 1 ? "" : "s");
        else if (n < n_open)
                length += (size_t) snprintf(
                        text + length, sizeof(text) - length, ", %zu more", n_open - n);
        if (length >= size)
                return false;
        (void) strcpy(buffer, text);
        return true;
}

static inline void steps_model_format(const StepsModel *model, char *buffer, size_t size) {
        size_t n_names = steps_model_n_open(model);

        if (n_names > size)
                n_names = size; /* more do not fit */
        while (!steps_model_format_names(model, n_names, buffer, size)) {
                if (n_names == 0) {
                        buffer[0] = '\0';
                        return;
                }
                n_names--;
        }
}
