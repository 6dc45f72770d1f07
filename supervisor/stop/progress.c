/* SPDX-License-Identifier: MIT */

/* What the gateway last said of itself, and what of it the stop's last record will tell.
 *
 * A number of work in flight has a source, and the two are not of one kind: ten connections may carry
 * three sessions. Therefore the gateway's own word, once it is there, stays the only one. It also
 * replaces a number of connections with which the stop began, or the record would subtract sessions
 * from connections. A phase in contrast keeps the number, and its source, that was known when it began.
 *
 * A phase ends with the name of the next, with an empty name, or when whoever owns this says so in the
 * gateway's stead. The ladder does not end it: it only leaves a mark that it timed out meanwhile.
 *
 * `generation` moves with what people look at (the number, the phase), so that a status line is written
 * again when there is something new in it and at no other time. What did not change moves nothing.
 *
 * Not here: bounds (steps), the ladder's phases, counting connections, records. */

#include "progress.h"

#include <string.h>

#define PROGRESS_ENDED_GROWTH 8U

static_assert(
        REPORTED_PHASES_MAX % PROGRESS_ENDED_GROWTH == 0, "grows to the limit, not beyond it");

static const char *const active_source_table[] = {
        [ACTIVE_UNKNOWN] = NULL,
        [ACTIVE_GATEWAY] = "gateway",
        [ACTIVE_SOCKETS] = "sockets",
};
static_assert(ELEMENTSOF(active_source_table) == _ACTIVE_SOURCE_MAX, "a name for each source");

const char *active_source_to_string(ActiveSource source) {
        assert(source >= 0 && source < _ACTIVE_SOURCE_MAX);
        return active_source_table[source];
}

void progress_init(Progress *progress) {
        assert(progress);
        *progress = (Progress){};
}

void progress_done(Progress *progress) {
        if (!progress)
                return;
        free(progress->ended);
        free(progress->present);
        *progress = (Progress){};
}

/* ---- Work in flight ---------------------------------------------------------------------------- */

/* Takes the number with which the stop begins, unless there is one that is as good. */
static void progress_note_active_at_stop(Progress *progress) {
        const ActiveSource known = progress->active_at_stop.source;

        if (!progress->is_stopping)
                return;
        if (known == ACTIVE_UNKNOWN ||
                (known == ACTIVE_SOCKETS && progress->active.source == ACTIVE_GATEWAY))
                progress->active_at_stop = progress->active;
}

void progress_begin_stop(Progress *progress) {
        assert(progress);

        progress->is_stopping = true;
        progress_note_active_at_stop(progress);
}

bool progress_set_active(Progress *progress, ActiveSource source, uint64_t n) {
        assert(progress);
        assert(source > ACTIVE_UNKNOWN && source < _ACTIVE_SOURCE_MAX);

        if (source == ACTIVE_SOCKETS && progress->active.source == ACTIVE_GATEWAY)
                return false;
        if (progress->active.source == source && progress->active.n == n)
                return false;

        progress->active = (ActiveCount){ .source = source, .n = n };
        progress->generation++;
        progress_note_active_at_stop(progress);
        return true;
}

bool progress_is_active(const Progress *progress) {
        assert(progress);
        return progress->active.source == ACTIVE_GATEWAY && progress->active.n > 0;
}

/* ---- Phases ------------------------------------------------------------------------------------ */

/* For the stop's last record, which is poorer without it but not wrong: the number stays true. */
static void progress_keep(Progress *progress, const ReportedPhase *phase) {
        progress->n_of_stop++;
        if (progress->n_ended >= REPORTED_PHASES_MAX)
                return;
        if (progress->n_ended % PROGRESS_ENDED_GROWTH == 0) {
                ReportedPhase *ended = reallocarray(
                        progress->ended, progress->n_ended + PROGRESS_ENDED_GROWTH, sizeof(*ended));

                if (!ended)
                        return;
                progress->ended = ended;
        }
        progress->ended[progress->n_ended++] = *phase;
}

static void progress_end_phase(Progress *progress, usec_t now_usec, ReportedPhase *ret_ended) {
        ReportedPhase *phase = progress->present;

        phase->is_of_stop = progress->is_stopping;
        phase->ended_at_usec = now_usec;
        phase->active_at_end = progress->active;
        if (phase->is_of_stop)
                progress_keep(progress, phase);
        *ret_ended = *phase;
}

int progress_set_phase(
        Progress *progress, const char *name, usec_t now_usec, ReportedPhase *ret_ended) {
        int n_ended = 0;

        assert(progress);
        assert(name);
        assert(ret_ended);

        if (name[0] && !step_name_is_valid(name))
                return -EINVAL;
        if (strcmp(progress->present ? progress->present->name : "", name) == 0)
                return 0;

        if (progress->present) {
                progress_end_phase(progress, now_usec, ret_ended);
                n_ended = 1;
        } else {
                progress->present = malloc(sizeof(*progress->present));
                if (!progress->present)
                        return -ENOMEM;
        }

        progress->generation++;
        if (!name[0]) {
                free(TAKE_PTR(progress->present));
                return n_ended;
        }
        *progress->present = (ReportedPhase){
                .began_at_usec = now_usec,
                .active_at_start = progress->active,
        };
        (void) strcpy(progress->present->name, name);
        return n_ended;
}

void progress_time_out(Progress *progress) {
        assert(progress);

        if (progress->present)
                progress->present->is_timed_out = true;
}
