/* SPDX-License-Identifier: MIT */
#pragma once

/* From the journal's entries to past stops: each `stopped` with its `started`, runs that left none, and of all
 * those what was asked for. */

#include "journal-query.h"
#include "past-stop.h"
#include "strv.h"

typedef enum HistoryManager {
        HISTORY_ANY,
        HISTORY_SYSTEM, /* services of the system manager */
        HISTORY_USER,   /* services of the own user's manager */
} HistoryManager;

/* Lists and strings are weak; lists end with NULL. NULL instead of one: all. */
typedef struct HistoryOptions {
        /* Names and globs as systemctl takes them, ".service" appended where there is no type; a name matches
         * runs in no service by their --name= as well. 32 hex digits: a run. */
        char *const *units;
        HistoryManager manager;
        uid_t own_uid;                         /* of HISTORY_USER */
        char *const *causes, *const *outcomes; /* words; any of them */
        const char *sender; /* a glob over comm, user, unit or pid of sender and requester */
        bool has_all;       /* forged ones and running ones as well */
        usec_t since_usec, until_usec; /* CLOCK_REALTIME, included; 0, USEC_INFINITY: no bound */
        sd_id128_t boot_id;            /* of the stop or of its run; null: any */
        size_t n_max;                  /* the newest so many; SIZE_MAX: all */
        const char *root;              /* in front of /proc, for tests; NULL: this machine's */
} HistoryOptions;

/* Reads them. ret_list: to be given to stop_list_done(); outlives query and options.
 * Returns: 0 and a list, also an empty one; -ENOMEM; other errno of journal_query_ask(). */
int run_history_read(
        JournalQuery *query, const HistoryOptions *options, StopList *ret_list) _warn_unused_;

/* For following: puts the question for what ends from now on. Returns: as journal_query_ask(). */
int run_history_ask(JournalQuery *query, const HistoryOptions *options) _warn_unused_;
/* Takes entries of the answer up to the next one that completes a stop which is asked for. ret_stop: to be given
 * to past_stop_done().
 * Returns: 1 and a stop; 0: no more entries for now, see journal_query_wait(); -ENOMEM. */
int run_history_follow(
        JournalQuery *query, const HistoryOptions *options, PastStop *ret_stop) _warn_unused_;

/* Whether a stop is one of those that are asked for. Pure. */
bool history_options_match(const HistoryOptions *options, const PastStop *stop);
