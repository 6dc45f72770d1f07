/* SPDX-License-Identifier: MIT */

/* Records become runs by their run id, in one pass from the newest to the oldest. The last record of a run comes
 * before its first, so a stop waits, unjudged, until its `started` comes by. With that it is complete: a `stopped`
 * that is older than its `started` there is not, but for journals of several files that are put together by clocks
 * that jump; then the journal is asked.
 *
 * Strangers can send records with the ids of others' runs. Several `stopped` of one run: the oldest of those that
 * are believed most counts. Several `started`: the one whose invocation the run is named after; of runs that are named by
 * chance the oldest, and which that is the journal is asked when the pass is over. No run is asked about more
 * than once, so that whatever is in the journal, the work stays in proportion to it. */

#include <string.h>

#include "proc.h"
#include "record.h"
#include "run-history-internal.h"

int history_init(History *history, JournalQuery *query, const HistoryOptions *options) {
        int r;

        *history = (History){
                .query = query,
                .options = options,
                .proc_fd = -EBADF,
        };
        history->is_partial = options->since_usec > 0 || options->until_usec != USEC_INFINITY ||
                !sd_id128_is_null(options->boot_id) || history_options_name_units(options);
        r = id_map_init(&history->by_run_id);
        if (r >= 0)
                r = id_map_init(&history->places);
        if (r >= 0)
                r = id_map_init(&history->machines);
        if (r < 0)
                return r;
        if (sd_id128_get_machine(&history->own_machine_id) < 0)
                history->own_machine_id = SD_ID128_NULL;
        if (sd_id128_get_boot(&history->own_boot_id) < 0)
                history->own_boot_id = SD_ID128_NULL;

        _cleanup_free_ char *path = NULL;
        if (asprintf(&path, "%s/proc", options->root ?: "") < 0) {
                path = NULL;
                return -ENOMEM;
        }
        history->proc_fd = proc_open_root(path);
        return 0;
}

void history_done(History *history) {
        for (size_t i = 0; i < history->n; i++)
                past_stop_done(&history->stops[i]);
        free(history->stops);
        free(history->items);
        for (size_t i = 0; i < history->n_runs; i++)
                free(history->runs[i].started_unit);
        free(history->runs);
        free(history->boots);
        id_map_done(&history->by_run_id);
        id_map_done(&history->places);
        id_map_done(&history->machines);
        journal_entry_done(&history->entry);
        journal_entry_done(&history->found);
        journal_entry_done(&history->other);
        history->proc_fd = fd_close(history->proc_fd);
}

/* ---- Stops ------------------------------------------------------------------------------------- */

static void history_show(History *history, size_t i) {
        HistoryItem *item = &history->items[i];
        bool is_shown =
                !item->is_dropped && history_options_match(history->options, &history->stops[i]);

        history->n_shown += (size_t) is_shown - (size_t) item->is_shown;
        item->is_shown = is_shown;
}

static void history_set_trust(History *history, size_t i, RecordTrust trust, const char *forgery) {
        history->stops[i].trust = trust;
        history->stops[i].forgery = forgery;
        history_show(history, i);
}

static int history_make_room(History *history) {
        size_t room = history->room > 0 ? history->room * 2 : 64;
        HistoryItem *items;
        PastStop *stops;

        if (history->n < history->room)
                return 0;
        stops = reallocarray(history->stops, room, sizeof(PastStop));
        if (!stops)
                return -ENOMEM;
        history->stops = stops;
        items = reallocarray(history->items, room, sizeof(HistoryItem));
        if (!items)
                return -ENOMEM;
        history->items = items;
        history->room = room;
        return 0;
}

/* Takes the stop, also on failure. */
static int history_push(History *history, PastStop *stop, size_t *ret_i) {
        const size_t i = history->n;
        int r;

        r = history_make_room(history);
        if (r < 0) {
                past_stop_done(stop);
                return r;
        }
        history->stops[i] = *stop;
        history->items[i] = (HistoryItem){
                .next = SIZE_MAX,
                .own_trust = stop->trust,
                .trust = stop->trust,
                .own_forgery = stop->forgery,
                .forgery = stop->forgery,
                .has_own_unit = stop->unit != NULL,
                .own_drain_usec = stop->drain_usec,
                .own_headroom_usec = stop->headroom_usec,
        };
        *stop = (PastStop){};
        history->n++;
        history_show(history, i);
        *ret_i = i;
        return 0;
}

static int history_join(History *history, size_t i, const JournalEntry *started) {
        HistoryItem *item = &history->items[i];
        PastStop *stop = &history->stops[i];
        int r;

        if (!item->has_own_unit) {
                stop->unit = NULL;
                stop->manager = UNIT_MANAGER_NONE;
        }
        stop->drain_usec = item->own_drain_usec;
        stop->headroom_usec = item->own_headroom_usec;
        stop->trust = item->own_trust;
        stop->forgery = item->own_forgery;
        r = past_stop_join(stop, started);
        item->trust = stop->trust;
        item->forgery = stop->forgery;
        return r;
}

/* ---- Runs -------------------------------------------------------------------------------------- */

static HistoryRun *history_get_run(History *history, sd_id128_t run_id) {
        size_t i = id_map_get(&history->by_run_id, run_id);

        return i == SIZE_MAX ? NULL : &history->runs[i];
}

static int history_add_run(History *history, sd_id128_t run_id, HistoryRun **ret_run) {
        if (history->n_runs == history->runs_room) {
                size_t room = history->runs_room > 0 ? history->runs_room * 2 : 64;
                HistoryRun *runs = reallocarray(history->runs, room, sizeof(HistoryRun));

                if (!runs)
                        return -ENOMEM;
                history->runs = runs;
                history->runs_room = room;
        }
        *ret_run = &history->runs[history->n_runs];
        **ret_run = (HistoryRun){
                .run_id = run_id,
                .oldest = SIZE_MAX,
                .counting = SIZE_MAX,
                .unrecorded = SIZE_MAX,
        };
        return id_map_put(&history->by_run_id, run_id, history->n_runs++);
}

static unsigned history_rank(const History *history, size_t i) {
        return record_rank(&history->stops[i], history->items[i].trust);
}

static bool history_run_is_recorded(const History *history, const HistoryRun *run) {
        return run->counting != SIZE_MAX && history->items[run->counting].trust != TRUST_FORGED;
}

static void history_run_drop_unrecorded(History *history, HistoryRun *run) {
        if (run->unrecorded == SIZE_MAX)
                return;
        history->items[run->unrecorded].is_dropped = true;
        history_show(history, run->unrecorded);
}

/* What is to be told of the run without a last record. successor: as for history_judge_state(). */
static int history_run_put_unrecorded(
        History *history, HistoryRun *run, const JournalEntry *started, int successor) {
        PastStop stop;
        int r;

        if (run->unrecorded != SIZE_MAX &&
                past_stop_is_of_entry(&history->stops[run->unrecorded], started)) {
                history->items[run->unrecorded].is_dropped = false;
                history_show(history, run->unrecorded);
                return 0;
        }
        r = past_stop_from_started(started, &stop);
        if (r < 0)
                return r;
        r = history_judge_state(history, &stop, started, successor);
        if (r < 0) {
                past_stop_done(&stop);
                return r;
        }
        if (run->unrecorded == SIZE_MAX)
                return history_push(history, &stop, &run->unrecorded);
        past_stop_done(&history->stops[run->unrecorded]);
        history->stops[run->unrecorded] = stop;
        history->items[run->unrecorded].is_dropped = false;
        history_show(history, run->unrecorded);
        return 0;
}

/* Of a run's last records the oldest of those that are believed most counts, the others are no last ones. */
static void history_run_count(History *history, HistoryRun *run) {
        const HistoryItem *items = history->items;

        run->counting = run->oldest;
        for (size_t i = run->oldest; i != SIZE_MAX; i = items[i].next)
                if (history_rank(history, i) < history_rank(history, run->counting))
                        run->counting = i;
        for (size_t i = run->oldest; i != SIZE_MAX; i = items[i].next)
                if (i != run->counting && items[i].trust != TRUST_FORGED)
                        history_set_trust(history, i, TRUST_FORGED, history_second_stopped);
                else
                        history_set_trust(history, i, items[i].trust, items[i].forgery);
}

static int history_run_note_started(HistoryRun *run, const JournalEntry *started) {
        char *unit = NULL;

        record_writer_read(started, &run->started);
        if (run->started.unit) {
                unit = strdup(run->started.unit);
                if (!unit)
                        return -ENOMEM;
        }
        free(run->started_unit);
        run->started.unit = run->started_unit = unit;
        run->has_started = true;
        return 0;
}

/* The run's `started` is there. */
static int history_run_join(
        History *history, HistoryRun *run, const JournalEntry *started, int successor) {
        int r = history_run_note_started(run, started);

        if (r < 0)
                return r;
        run->is_vouched = record_is_of_invocation(started);
        for (size_t i = run->oldest; i != SIZE_MAX; i = history->items[i].next) {
                r = history_join(history, i, started);
                if (r < 0)
                        return r;
        }
        history_run_count(history, run);
        if (!history_run_is_recorded(history, run))
                return history_run_put_unrecorded(history, run, started, successor);
        history_run_drop_unrecorded(history, run);
        return 0;
}

/* Whether the one that counts is known, and is not this one. */
static bool history_run_has_earlier(const History *history, const HistoryRun *run, size_t i) {
        const PastStop *stop = &history->stops[i];

        return run->has_first && run->counting != SIZE_MAX &&
                history_rank(history, i) >= run->first_rank &&
                (stop->realtime_usec != run->first.realtime_usec ||
                        stop->monotonic_usec != run->first.monotonic_usec ||
                        !sd_id128_equal(stop->boot_id, run->first.boot_id));
}

/* A `stopped` that is older than those which the run has. What history_run_count() would come to, without going
 * through all of them each time. */
static void history_run_add_older(History *history, HistoryRun *run, size_t i) {
        HistoryItem *item = &history->items[i];
        const size_t counting = run->counting;

        item->next = run->oldest;
        run->oldest = i;
        if (history_run_has_earlier(history, run, i)) {
                history_set_trust(history, i, TRUST_FORGED, history_second_stopped);
                return;
        }
        if (run->has_started) {
                item->trust = record_trust_judge_beside(
                        &history->stops[i], &run->started, &item->forgery);
                if (item->trust == TRUST_FORGED && counting != SIZE_MAX) {
                        history_set_trust(history, i, item->trust, item->forgery);
                        return;
                }
                run->is_contested = true; /* it lacks what the `started` tells */
        }
        if (counting != SIZE_MAX && history_rank(history, i) > history_rank(history, counting)) {
                history_set_trust(history, i, TRUST_FORGED, history_second_stopped);
                return;
        }
        if (counting != SIZE_MAX && history->items[counting].trust != TRUST_FORGED)
                history_set_trust(history, counting, TRUST_FORGED, history_second_stopped);
        run->counting = i;
        history_run_drop_unrecorded(history, run);
}

/* ---- The pass ---------------------------------------------------------------------------------- */

/* What is forged on the face of it is nobody's; it is there to be shown. */
static int history_take_forged(History *history, PastStop *stop) {
        size_t i;

        if (history->options->has_all)
                return history_push(history, stop, &i);
        past_stop_done(stop);
        return 0;
}

int history_take_stopped(History *history) {
        HistoryRun *run;
        PastStop stop;
        size_t i;
        int r;

        r = past_stop_from_entry(&history->entry, &stop);
        if (r < 0)
                return r == -EBADMSG ? 0 : r;
        if (stop.trust == TRUST_FORGED)
                return history_take_forged(history, &stop);
        run = history_get_run(history, stop.run_id);
        if (!run) {
                r = history_add_run(history, stop.run_id, &run);
                if (r < 0) {
                        past_stop_done(&stop);
                        return r;
                }
        }
        r = history_push(history, &stop, &i);
        if (r >= 0)
                history_run_add_older(history, run, i);
        return r;
}

/* Where only a part of the journal is gone through, the run's `stopped` may be in another one. */
static int history_run_add_hidden(History *history, HistoryRun *run) {
        PastStop stop;
        size_t i;
        int r;

        r = history_find_stopped(history->query, run->run_id, &history->found);
        if (r <= 0)
                return r;
        r = past_stop_from_entry(&history->found, &stop);
        if (r < 0)
                return r == -EBADMSG ? 0 : r;
        r = history_push(history, &stop, &i);
        if (r >= 0)
                history_run_add_older(history, run, i);
        return r;
}

int history_take_started(History *history) {
        const char *forgery;
        int successor, r = 0;
        sd_id128_t run_id;
        HistoryRun *run;
        PastStop stop;

        if (!journal_entry_get_id(&history->entry, "GATEWATCH_RUN_ID", &run_id) ||
                sd_id128_is_null(run_id))
                return 0;
        run = history_get_run(history, run_id);
        if (record_trust_judge(&history->entry, &forgery) == TRUST_FORGED) {
                r = run ? 0 : past_stop_from_started(&history->entry, &stop);
                return run || r < 0 ? r : history_take_forged(history, &stop);
        }

        successor = history_note_place(history, &history->entry);
        if (successor < 0)
                return successor;
        if (run && run->has_started) {
                run->is_contested |= record_is_of_invocation(&history->entry) || !run->is_vouched;
                return 0;
        }
        if (!run) {
                r = history_add_run(history, run_id, &run);
                if (r >= 0 && history->is_partial)
                        r = history_run_add_hidden(history, run);
        }
        if (r < 0)
                return r;
        return history_run_join(history, run, &history->entry,
                successor == 0 && history->is_partial ? -1 : successor);
}

/* ---- Looking up -------------------------------------------------------------------------------- */

/* There is no `started`. */
static void history_run_deny_nobodies(History *history, HistoryRun *run) {
        for (size_t i = run->oldest; i != SIZE_MAX; i = history->items[i].next)
                if (history_stop_is_of_nobody(&history->stops[i], history->items[i].trust)) {
                        history->items[i].trust = TRUST_FORGED;
                        history->items[i].forgery = history_stopped_of_nobody;
                }
        if (run->oldest != SIZE_MAX)
                history_run_count(history, run);
}

static bool history_run_has_entry(
        const History *history, const HistoryRun *run, const JournalEntry *entry) {
        for (size_t i = run->oldest; i != SIZE_MAX; i = history->items[i].next)
                if (past_stop_is_of_entry(&history->stops[i], entry))
                        return true;
        return false;
}

/* history->other is the last record of the run, and not the one that has counted so far. */
static void history_run_set_first(History *history, HistoryRun *run) {
        const JournalEntry *entry = &history->other;

        run->has_first = true;
        run->first =
                (JournalInstant){ entry->realtime_usec, entry->monotonic_usec, entry->boot_id };
        run->first_rank = history_rank(history, run->counting); /* at most */
        history_set_trust(history, run->counting, TRUST_FORGED, history_second_stopped);
}

static int history_settle_run(History *history, HistoryRun *run, bool is_early) {
        int r;

        run->is_contested = false;
        r = history_find_started(history->query, run->run_id, &history->found);
        if (r < 0)
                return r;
        if (r > 0) {
                r = history_run_join(history, run, &history->found, /* successor= */ -1);
                if (r < 0)
                        return r;
        }
        if (!run->has_started)
                history_run_deny_nobodies(history, run);
        if (run->oldest == SIZE_MAX || !history_run_is_recorded(history, run) ||
                (!is_early && !history->is_partial))
                return 0;
        r = history_has_older(history->query, &history->stops[run->counting],
                history->items[run->counting].trust, run->has_started ? &history->found : NULL,
                &history->other);
        if (r > 0 && !history_run_has_entry(history, run, &history->other))
                history_run_set_first(history, run);
        return r < 0 ? r : 0;
}

static bool history_run_is_unsettled(const History *history, const HistoryRun *run, bool is_early) {
        if (run->is_contested)
                return true;
        if (is_early)
                return !run->is_vouched || !history_run_is_recorded(history, run);
        return !run->has_started && history->is_partial;
}

int history_settle(History *history, bool is_early) {
        int r;

        for (size_t i = is_early ? history->n_settled_runs : 0; i < history->n_runs; i++) {
                if (!history_run_is_unsettled(history, &history->runs[i], is_early)) {
                        if (!is_early && !history->runs[i].has_started)
                                history_run_deny_nobodies(history, &history->runs[i]);
                        continue;
                }
                r = history_settle_run(history, &history->runs[i], is_early);
                if (r < 0)
                        return r;
        }
        if (is_early)
                history->n_settled_runs = history->n_runs;
        return 0;
}
