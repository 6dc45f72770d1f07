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

typedef struct HistoryOptions {
        char *const *
                units; /* names and globs as systemctl takes them, ".service" appended where there is no type; a name matches runs in no
                             * service by their --name= as well. 32 hex digits: a run. NULL: all */
        HistoryManager manager;
        uid_t own_uid;
        char *const *causes, *const *outcomes; /* words; any of them; NULL: all */
        const char *
                sender; /* a glob over comm, user, unit or pid of sender and requester; NULL: all */
        bool has_all;   /* forged ones and running ones as well */
        usec_t since_usec, until_usec;
        sd_id128_t boot_id;
        size_t n_max;     /* the newest so many; SIZE_MAX: all */
        const char *root; /* in front of /proc, for tests; NULL: this machine's */
} HistoryOptions;

/* Returns: 0 and a list; -ENOMEM. */
int run_history_read(
        JournalQuery *query, const HistoryOptions *options, StopList *ret_list) _warn_unused_;

/* For following: takes the next entry of an ongoing question that run_history_ask() has put (forward, from now
 * on) and says whether it completes a stop that is asked for.
 * Returns: 1 and a stop; 0: no more entries for now; -ENOMEM. */
int run_history_ask(JournalQuery *query, const HistoryOptions *options) _warn_unused_;
int run_history_follow(
        JournalQuery *query, const HistoryOptions *options, PastStop *ret_stop) _warn_unused_;

/* Whether a stop is one of those that are asked for. Pure. */
bool history_options_match(const HistoryOptions *options, const PastStop *stop);
