/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of reading a history, which share its state: run-history.c goes through the journal,
 * run-history-run.c makes runs of the records, run-history-find.c asks about one of them, run-history-end.c says what
 * became of those without a last one, run-history-filter.c knows what was asked for. */

#include "id-map.h"
#include "past-stop-internal.h"
#include "run-history.h"

#define HISTORY_COMM "gatewatch"

/* Of a stop, at its index. What a `started` has added can be taken back by these. */
typedef struct HistoryItem {
        size_t next;                  /* the next newer `stopped` of its run; SIZE_MAX: none */
        RecordTrust own_trust, trust; /* by the entry alone; beside the `started` as well */
        const char *own_forgery, *forgery;
        bool has_own_unit;
        bool is_shown;
        bool is_dropped; /* another item tells of this run */
        usec_t own_drain_usec, own_headroom_usec;
} HistoryItem;

/* What an entry is known by again. */
typedef struct JournalInstant {
        usec_t realtime_usec, monotonic_usec;
        sd_id128_t boot_id;
} JournalInstant;

/* Indices of stops; SIZE_MAX: none. */
typedef struct HistoryRun {
        sd_id128_t run_id;
        size_t oldest;     /* its first `stopped` */
        size_t counting;   /* the one of them that is its last record, unless it is forged */
        size_t unrecorded; /* its `started`, where no `stopped` is believed */
        bool has_started;
        RecordWriter started; /* who wrote that */
        char *started_unit;   /* its unit, owned */
        bool is_vouched;      /* the `started` is of the invocation that the run is named after */
        bool has_first; /* an older `stopped` that counts was looked up, and the pass comes to it yet */
        JournalInstant first;
        unsigned first_rank;
        bool is_contested; /* what there is does not fit: the journal has to be asked */
} HistoryRun;

typedef struct History {
        JournalQuery *query;           /* weak */
        const HistoryOptions *options; /* weak */
        bool is_partial; /* what is asked for leaves out records of runs that it does not leave out */

        PastStop *stops; /* newest first */
        HistoryItem *items;
        size_t n, room;
        size_t n_shown;

        HistoryRun *runs;
        size_t n_runs, runs_room;
        size_t n_settled_runs; /* so many were looked up before the pass was over */
        IdMap by_run_id;       /* to runs */

        IdMap places;      /* of `started`: where a later run has begun */
        IdMap machines;    /* to boots */
        sd_id128_t *boots; /* the last one of a machine; null: not known */
        size_t n_boots;

        JournalEntry entry; /* of the pass */
        JournalEntry found; /* of a run that was looked up */
        JournalEntry other; /* of further questions in between */

        sd_id128_t own_machine_id, own_boot_id; /* null: not known */
        int proc_fd;
} History;

int history_init(
        History *history, JournalQuery *query, const HistoryOptions *options) _warn_unused_;
void history_done(History *history);

/* ---- run-history-run.c ---- */

/* The entry of the pass, a `stopped` or a `started`; entries of a run come newest first.
 * Returns: 0; -ENOMEM. */
int history_take_stopped(History *history) _warn_unused_;
int history_take_started(History *history) _warn_unused_;
/* Looks up what the pass has not told of the runs so far. is_early: there is more to come, which may not be
 * looked at. Returns: 0; -ENOMEM. */
int history_settle(History *history, bool is_early) _warn_unused_;

/* ---- run-history-find.c ---- */

/* The one believed `started` of a run: that of its invocation, else the first one.
 * Returns: 1 and the entry; 0: there is none; -ENOMEM. */
int history_find_started(JournalQuery *query, sd_id128_t run_id, JournalEntry *entry) _warn_unused_;
/* The first `stopped` of a run.
 * Returns: as above. */
int history_find_stopped(JournalQuery *query, sd_id128_t run_id, JournalEntry *entry) _warn_unused_;

/* Whether a stop is not the last record of its run, for there is an older one that is believed as much.
 * trust: how much; started: of the run; NULL: there is none. buffer: for the answer.
 * Returns: 1, 0; -ENOMEM. */
int history_has_older(JournalQuery *query, const PastStop *stop, RecordTrust trust,
        const JournalEntry *started, JournalEntry *buffer) _warn_unused_;
/* The sentences about one that is not, and about one of a writer that was gone, of a run that nobody has begun. */
extern const char history_second_stopped[];
extern const char history_stopped_of_nobody[];
/* Whether a stop without a `started` is of such a writer. */
bool history_stop_is_of_nobody(const PastStop *stop, RecordTrust trust);

/* Whether a stop is made of this entry. */
bool past_stop_is_of_entry(const PastStop *stop, const JournalEntry *entry);

/* ---- run-history-end.c ---- */

/* Notes that a run has begun where this `started` says. Returns: 1: a later one had; 0; -ENOMEM. */
int history_note_place(History *history, const JournalEntry *started) _warn_unused_;
/* What became of a run without a last record, of which stop is made. Asks by history->other.
 * successor: 1: history_note_place() has told of one; 0: it has told that there is none; -1: it has not told.
 * Returns: 0 and stop->state; -ENOMEM. */
int history_judge_state(
        History *history, PastStop *stop, const JournalEntry *started, int successor) _warn_unused_;

/* ---- run-history-filter.c ---- */

/* The question for records of these kinds.
 * Returns: 0 and a strv, owned by the caller; -ENOMEM. */
int history_options_terms(
        const HistoryOptions *options, bool has_started, char ***ret_terms) _warn_unused_;
/* Appends one term. Returns: 0; -ENOMEM. */
int history_terms_add(char ***terms, const char *format, ...) _printf_(2, 3) _warn_unused_;
/* Whether those terms leave out records by their unit. */
bool history_options_name_units(const HistoryOptions *options);
