/* SPDX-License-Identifier: MIT */

/* A history is read from its end: one question for all `stopped` and `started` that can be meant, newest first,
 * and each entry goes to its run. When only the newest few are asked for, the pass ends once they are there; what
 * it has not come to by then is looked up by run id. What is left in the end is turned round, oldest first.
 *
 * The order is the journal's own. It is not sorted by time of day: a clock may have jumped, or may not have been
 * set.
 *
 * Following is the other way round: a run's `stopped` comes last, and its `started` is looked up. */

#include <string.h>

#include "record.h"
#include "run-history-internal.h"

static bool entry_is_event(const JournalEntry *entry, RecordEvent event) {
        const char *message_id = journal_entry_get(entry, "MESSAGE_ID");

        return message_id && strcmp(message_id, record_event_info(event)->message_id) == 0;
}

static int history_ask(JournalQuery *query, const HistoryOptions *options, bool has_started,
        usec_t since_usec, JournalDirection direction) {
        _cleanup_strv_ char **terms = NULL;
        int r;

        r = history_options_terms(options, has_started, &terms);
        if (r < 0)
                return r;
        return journal_query_ask(query,
                &(JournalQuestion){
                        .terms = (const char *const *) terms,
                        .since_usec = since_usec,
                        .until_usec = options->until_usec,
                        .boot_id = options->boot_id,
                        .direction = direction,
                });
}

/* Returns: whether as many as are asked for are there for good; -ENOMEM. */
static int history_has_enough(History *history) {
        int r;

        if (history->n_shown < history->options->n_max)
                return 0;
        r = history_settle(history, /* is_early= */ true);
        if (r < 0)
                return r;
        return history->n_shown >= history->options->n_max;
}

static int history_pass(History *history) {
        int r;

        while ((r = history_has_enough(history)) == 0) {
                r = journal_query_next(history->query, &history->entry);
                if (r <= 0)
                        break;
                if (entry_is_event(&history->entry, RECORD_STOPPED))
                        r = history_take_stopped(history);
                else
                        r = history_take_started(history);
                if (r < 0)
                        break;
        }
        return r < 0 ? r : history_settle(history, /* is_early= */ false);
}

/* Takes those that are shown out of the history, as many as are asked for. */
static void history_to_list(History *history, StopList *ret_list) {
        PastStop *stops = TAKE_PTR(history->stops);
        size_t n = 0;

        for (size_t i = 0; i < history->n; i++)
                if (history->items[i].is_shown && n < history->options->n_max) {
                        PastStop stop = stops[i];
                        stops[i] = (PastStop){};
                        stops[n++] = stop;
                } else
                        past_stop_done(&stops[i]);
        for (size_t i = 0; i < n / 2; i++) {
                PastStop stop = stops[i];
                stops[i] = stops[n - 1 - i];
                stops[n - 1 - i] = stop;
        }
        history->n = 0;
        PastStop *fitting = n > 0 ? reallocarray(stops, n, sizeof(PastStop)) : NULL;
        if (n == 0) {
                free(stops);
                stops = NULL;
        }
        *ret_list = (StopList){ .stops = fitting ?: stops, .n = n };
}

int run_history_read(JournalQuery *query, const HistoryOptions *options, StopList *ret_list) {
        _cleanup_(history_done) History history;
        int r;

        r = history_init(&history, query, options);
        if (r < 0)
                return r;
        r = history_ask(
                query, options, /* has_started= */ true, options->since_usec, JOURNAL_BACKWARD);
        if (r < 0)
                return r;
        r = history_pass(&history);
        if (r < 0)
                return r;
        history_to_list(&history, ret_list);
        return 0;
}

/* ---- Following --------------------------------------------------------------------------------- */

int run_history_ask(JournalQuery *query, const HistoryOptions *options) {
        const usec_t now_usec = usec_now(CLOCK_REALTIME);

        return history_ask(query, options, /* has_started= */ false,
                options->since_usec > now_usec ? options->since_usec : now_usec, JOURNAL_FORWARD);
}

/* Adds what the journal has of the run besides. */
static int history_complete(JournalQuery *query, PastStop *stop) {
        _cleanup_(journal_entry_done) JournalEntry started = {}, other = {};
        int has_started, r;

        has_started = r = history_find_started(query, stop->run_id, &started);
        if (r > 0)
                r = past_stop_join(stop, &started);
        if (r == 0 && has_started == 0 && history_stop_is_of_nobody(stop, stop->trust)) {
                stop->trust = TRUST_FORGED;
                stop->forgery = history_stopped_of_nobody;
        }
        if (r < 0 || stop->trust == TRUST_FORGED)
                return r;
        r = history_has_older(query, stop, stop->trust, has_started > 0 ? &started : NULL, &other);
        if (r > 0) {
                stop->trust = TRUST_FORGED;
                stop->forgery = history_second_stopped;
        }
        return r < 0 ? r : 0;
}

int run_history_follow(JournalQuery *query, const HistoryOptions *options, PastStop *ret_stop) {
        _cleanup_(journal_entry_done) JournalEntry entry = {};
        int r;

        while ((r = journal_query_next(query, &entry)) > 0) {
                PastStop stop = {};

                r = past_stop_from_entry(&entry, &stop);
                if (r == -EBADMSG)
                        continue;
                if (r >= 0)
                        r = history_complete(query, &stop);
                if (r < 0) {
                        past_stop_done(&stop);
                        return r;
                }
                if (history_options_match(options, &stop)) {
                        *ret_stop = stop;
                        return 1;
                }
                past_stop_done(&stop);
        }
        return r;
}
