/* SPDX-License-Identifier: MIT */

/* Two lists. In `open` lie the steps that have begun, at most STEPS_OPEN_MAX of them, each under a name
 * of its own and with an absolute deadline: nothing is summed up anywhere, so four steps of 5 s that
 * begin together are over after 5 s. In `ended` lie those of the stop for its last record; what does
 * not fit there, or finds no memory, is still counted and may still be the slowest.
 *
 * A deadline has passed as soon as now has reached it, for everyone who asks: a timer that fires on
 * time finds its step overdue, and a step that was told to be overdue cannot end in time afterwards.
 *
 * Of an overdue step two things are remembered apart. is_overdue: it was told of, which happens once.
 * is_spent: the ladder has moved on while it was overdue, so that it alone is no reason to move again.
 * A later step that hangs is one, and then moves the ladder together with those that are spent.
 *
 * The lists are searched from end to end. They are short, a gateway pays for a long one itself, and
 * their order is what the records and the status line show.
 *
 * Not here: timers, records, the ladder, and whether work is in flight (the caller brings it). */

#include "steps.h"

#include <string.h>

#include "utf8.h"

#define STEPS_OPEN_GROWTH  8U
#define STEPS_ENDED_GROWTH 16U

static_assert(STEPS_OPEN_MAX % STEPS_OPEN_GROWTH == 0, "grows to the limit, not beyond it");
static_assert(STEPS_ENDED_MAX % STEPS_ENDED_GROWTH == 0, "grows to the limit, not beyond it");

static const char *const step_end_table[] = {
        [STEP_OPEN] = "open",
        [STEP_DONE] = "done",
        [STEP_LATE] = "late",
        [STEP_ABANDONED] = "abandoned",
};
static_assert(ELEMENTSOF(step_end_table) == _STEP_END_MAX, "a name for each end");

const char *step_end_to_string(StepEnd end) {
        assert(end >= 0 && end < _STEP_END_MAX);
        return step_end_table[end];
}

/* ---- One step ---------------------------------------------------------------------------------- */

bool step_name_is_valid(const char *name) {
        assert(name);

        size_t size = strnlen(name, STEP_NAME_MAX + 1);

        if (size == 0 || size > STEP_NAME_MAX)
                return false;
        for (size_t n; size > 0; name += n, size -= n) {
                n = utf8_sequence_size(name, size);
                if (n == 0 || utf8_is_control(name, n))
                        return false;
        }
        return true;
}

/* One way to say unbounded. */
static usec_t step_timeout(usec_t timeout_usec) {
        return timeout_usec == 0 ? USEC_INFINITY : timeout_usec;
}

static bool step_is_past_deadline(const Step *step, usec_t now_usec) {
        return step->deadline_at_usec != USEC_INFINITY && step->deadline_at_usec <= now_usec;
}

static usec_t step_duration(const Step *step) {
        return usec_sub(step->ended_at_usec, step->began_at_usec);
}

/* ---- All of them ------------------------------------------------------------------------------- */

void steps_init(Steps *steps, usec_t default_timeout_usec) {
        assert(steps);
        *steps = (Steps){ .default_timeout_usec = step_timeout(default_timeout_usec) };
}

void steps_done(Steps *steps) {
        if (!steps)
                return;
        free(steps->ended);
        free(steps->open);
        *steps = (Steps){};
}

void steps_begin_stop(Steps *steps) {
        assert(steps);
        steps->is_stopping = true;
}

static Step *steps_find(const Steps *steps, const char *name) {
        for (size_t i = 0; i < steps->n_open; i++)
                if (strcmp(steps->open[i].name, name) == 0)
                        return &steps->open[i];
        return NULL;
}

static int steps_make_room(Steps *steps) {
        const size_t n = steps->n_allocated + STEPS_OPEN_GROWTH;
        Step *open;

        if (steps->n_open < steps->n_allocated)
                return 0;
        open = reallocarray(steps->open, n, sizeof(*open));
        if (!open)
                return -ENOMEM;
        steps->open = open;
        steps->n_allocated = n;
        return 0;
}

int steps_begin(
        Steps *steps, const char *name, bool has_timeout, usec_t timeout_usec, usec_t now_usec) {
        Step *step;
        int r;

        assert(steps);

        if (!step_name_is_valid(name))
                return -EINVAL;
        if (steps_find(steps, name))
                return -EEXIST;
        if (steps->n_open >= STEPS_OPEN_MAX)
                return -ENOSPC;
        r = steps_make_room(steps);
        if (r < 0)
                return r;

        timeout_usec = has_timeout ? step_timeout(timeout_usec) : steps->default_timeout_usec;
        step = &steps->open[steps->n_open++];
        *step = (Step){
                .is_of_stop = steps->is_stopping,
                .began_at_usec = now_usec,
                .timeout_usec = timeout_usec,
                .deadline_at_usec = usec_add(now_usec, timeout_usec),
        };
        /* A bound beyond the end of the clock is none. */
        if (step->deadline_at_usec == USEC_INFINITY)
                step->timeout_usec = USEC_INFINITY;
        (void) strcpy(step->name, name);
        return 0;
}

/* For the stop's last record, which is poorer without it but not wrong: the number stays true. */
static void steps_keep(Steps *steps, const Step *step) {
        steps->n_of_stop++;
        if (!steps->slowest.name[0] || step_duration(step) > step_duration(&steps->slowest))
                steps->slowest = *step;

        if (steps->n_ended >= STEPS_ENDED_MAX)
                return;
        if (steps->n_ended % STEPS_ENDED_GROWTH == 0) {
                Step *ended = reallocarray(
                        steps->ended, steps->n_ended + STEPS_ENDED_GROWTH, sizeof(*ended));

                if (!ended)
                        return;
                steps->ended = ended;
        }
        steps->ended[steps->n_ended++] = *step;
}

/* Takes an open step out of the list, which keeps its order. */
static void steps_close(Steps *steps, Step *open, StepEnd end, usec_t now_usec, Step *ret_step) {
        const size_t index = (size_t) (open - steps->open);
        Step step = *open;

        step.end = end;
        step.ended_at_usec = now_usec;
        steps->n_open--;
        memmove(open, open + 1, (steps->n_open - index) * sizeof(*open));

        if (step.is_of_stop)
                steps_keep(steps, &step);
        *ret_step = step;
}

int steps_end(Steps *steps, const char *name, usec_t now_usec, Step *ret_step) {
        Step *step;

        assert(steps);
        assert(ret_step);

        if (!step_name_is_valid(name))
                return -EINVAL;
        step = steps_find(steps, name);
        if (!step)
                return -ENOENT;
        steps_close(steps, step, step_is_past_deadline(step, now_usec) ? STEP_LATE : STEP_DONE,
                now_usec, ret_step);
        return 0;
}

int steps_abandon(Steps *steps, usec_t now_usec, Step *ret_step) {
        assert(steps);
        assert(ret_step);

        if (steps->n_open == 0)
                return 0;
        steps_close(steps, &steps->open[0], STEP_ABANDONED, now_usec, ret_step);
        return 1;
}

/* ---- Deadlines --------------------------------------------------------------------------------- */

/* Of those that were not told of the one whose deadline comes first. Returns: NULL: all are unbounded
 * or told of. */
static Step *steps_find_due(const Steps *steps) {
        Step *due = NULL;

        for (size_t i = 0; i < steps->n_open; i++) {
                Step *step = &steps->open[i];

                if (step->is_overdue || step->deadline_at_usec == USEC_INFINITY)
                        continue;
                if (!due || step->deadline_at_usec < due->deadline_at_usec)
                        due = step;
        }
        return due;
}

usec_t steps_deadline(const Steps *steps) {
        assert(steps);

        const Step *due = steps_find_due(steps);

        return due ? due->deadline_at_usec : USEC_INFINITY;
}

const Step *steps_next_overdue(Steps *steps, usec_t now_usec) {
        assert(steps);

        Step *due = steps_find_due(steps);

        if (!due || !step_is_past_deadline(due, now_usec))
                return NULL;
        due->is_overdue = true;
        return due;
}

usec_t steps_escalation(const Steps *steps, bool is_active) {
        usec_t last_usec = 0;
        bool has_reason = false;

        assert(steps);

        if (is_active)
                return USEC_INFINITY;
        for (size_t i = 0; i < steps->n_open; i++) {
                const Step *step = &steps->open[i];

                if (!step->is_of_stop)
                        continue;
                has_reason = has_reason || !step->is_spent;
                if (step->deadline_at_usec > last_usec)
                        last_usec = step->deadline_at_usec;
        }
        return has_reason ? last_usec : USEC_INFINITY;
}

void steps_escalated(Steps *steps, usec_t now_usec) {
        assert(steps);

        for (size_t i = 0; i < steps->n_open; i++) {
                Step *step = &steps->open[i];

                if (step->is_of_stop && step_is_past_deadline(step, now_usec))
                        step->is_spent = true;
        }
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* A list of names that is being written, and the last place where it can be cut: where what says how
 * many are missing still fits. */
typedef struct StepList {
        char *buffer;
        size_t size;
        size_t length;
        size_t n_left; /* not written yet */
        size_t cut_at;
        size_t n_cut;
} StepList;

/* What stands for the names that are left out. Returns: its length, as snprintf() has it. */
static size_t step_list_format_rest(char *buffer, size_t size, bool is_all, size_t n) {
        int r;

        r = is_all ? snprintf(buffer, size, n == 1 ? "%zu step" : "%zu steps", n)
                   : snprintf(buffer, size, ", %zu more", n);
        assert(r > 0);
        return (size_t) r;
}

/* Returns: whether it fits. */
static bool step_list_append(StepList *list, const Step *step) {
        const size_t room = list->size - list->length;
        int n;

        n = snprintf(list->buffer + list->length, room, "%s%s%s", list->length > 0 ? ", " : "",
                step->name, step->is_overdue ? " (overdue)" : "");
        assert(n > 0);
        if ((size_t) n >= room)
                return false;
        list->length += (size_t) n;
        list->n_left--;

        if (step_list_format_rest(NULL, 0, /* is_all= */ false, list->n_left) <
                list->size - list->length) {
                list->cut_at = list->length;
                list->n_cut = list->n_left;
        }
        return true;
}

static void step_list_cut(StepList *list) {
        char *end = list->buffer + list->cut_at;
        const size_t room = list->size - list->cut_at;

        if (step_list_format_rest(end, room, /* is_all= */ list->cut_at == 0, list->n_cut) >= room)
                *end = '\0';
}

const char *steps_format_open(const Steps *steps, char *buffer, size_t size) {
        StepList list = { .buffer = buffer, .size = size };
        bool is_cut = false;

        assert(steps);
        assert(buffer);
        assert(size > 0);

        buffer[0] = '\0';
        list.n_left = list.n_cut = steps->n_open;
        for (int pass = 0; pass < 2 && !is_cut; pass++)
                for (size_t i = 0; i < steps->n_open && !is_cut; i++)
                        if (steps->open[i].is_overdue == (pass == 0))
                                is_cut = !step_list_append(&list, &steps->open[i]);
        if (is_cut)
                step_list_cut(&list);
        return buffer;
}
