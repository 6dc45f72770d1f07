/* SPDX-License-Identifier: MIT */
#pragma once

/* A journal and the question that is being answered; of journal-query.c and journal-boots.c. */

#include <signal.h>

#include <systemd/sd-journal.h>

#include "journal-query.h"

/* How long a walk through entries that match but are out of bounds may be; see journal-query.c. */
#define JOURNAL_STRAY_MAX 10000U
/* How often in a row the next entry may be one that cannot be come to. */
#define JOURNAL_FAILURES_MAX 16U
/* After how many entries the pages of the files are let go of. */
#define JOURNAL_RELEASE_ENTRIES 128U

typedef struct JournalAsked {
        char **terms;
        usec_t since_usec, until_usec;
        sd_id128_t boot_id;
        JournalDirection direction;

        size_t n_stray;    /* out of bounds, in a row */
        bool has_answered; /* with an entry, or by going to the first of its bounds */
        bool is_over;      /* there is no more of it */
        bool is_live;      /* what comes now has come since it was asked */
        bool is_here;      /* the next entry is the one that the journal stands at */
} JournalAsked;

struct JournalQuery {
        sd_journal *journal;
        int root_fd;    /* of a machine */
        int reader_fd;  /* weak; negative: none */
        size_t n_taken; /* entries, of all questions */
        bool is_own;    /* of this machine */
        bool is_watching;
        bool is_damaged;      /* something was passed over */
        uint64_t usage_bytes; /* of the files that libsystemd has open, in the beginning */
        struct sigaction fault_before;
        char remark[JOURNAL_ERROR_MAX];
        JournalAsked asked;
};

/* To the next entry of the journal in a direction, over what cannot be come to.
 * Returns: 1; 0: there is none; -ENOMEM. */
int journal_query_step(JournalQuery *query, JournalDirection direction) _warn_unused_;

/* Where the walk for the present question stands, for journal_query_return().
 * Returns: a cursor, malloc()ed; NULL: at no entry. */
char *journal_query_leave(JournalQuery *query);
/* Goes back to the present question. cursor: NULL: to its beginning.
 * Returns: 0; -ENOMEM; errno of sd_journal_add_match(3). */
int journal_query_return(JournalQuery *query, const char *cursor) _warn_unused_;
