/* SPDX-License-Identifier: MIT */
#pragma once

/* Journals, opened as journalctl opens them, and questions to them. What is asked for is found by the
 * journal's own index: the cost grows with what is found, not with the journal. */

#include <stdbool.h>

#include "journal-entry.h"

/* Where the journal is; one of directory, files, namespace and machine at most. All strings are weak. */
typedef struct JournalSource {
        const char *directory;
        char *const *files; /* paths or globs; NULL: none */
        const char *namespace;
        const char *machine; /* a container of this machine */
        bool is_merged;      /* journals of other machines as well, where the local ones are read */
} JournalSource;

typedef struct JournalQuery JournalQuery;

#define JOURNAL_ERROR_MAX 512

/* Opens it.
 * reterr: on failure one line that says what is wrong and what to do about it; names the group systemd-journal
 *         where nothing may be read for want of permission, the path where there is none.
 * Returns: 0, also for a journal without entries; -EACCES: not permitted; -ENOENT: no such directory, file,
 * machine or namespace, or not one file of this or that machine; -ENOMEM; other errno of sd_journal_open(3). */
int journal_query_new(const JournalSource *source, JournalQuery **ret_query,
        char reterr[static JOURNAL_ERROR_MAX]) _warn_unused_;
JournalQuery *journal_query_free(JournalQuery *query);
DEFINE_POINTER_CLEANUP(JournalQuery, journal_query_free)

/* Whether parts of the journal could not be read: of other users (reterr says how to see them), damaged files or
 * entries; or there is no journal file at all.
 * reterr: one line for stderr; "" when there is nothing to say. */
bool journal_query_is_partial(JournalQuery *query, char reterr[static JOURNAL_ERROR_MAX]);

typedef enum JournalDirection {
        JOURNAL_FORWARD,  /* oldest first */
        JOURNAL_BACKWARD, /* newest first */
} JournalDirection;

typedef struct JournalQuestion {
        /* "FIELD=value": those of one field are alternatives, those of several have all to hold. "+": either
         * what stands before it or behind. "&": both what stands before it and behind; "+" binds stronger.
         * NULL-terminated; NULL: every entry. */
        const char *const *terms;
        /* CLOCK_REALTIME, both included; 0 and USEC_INFINITY: no bound. Also of entries behind which the clock was
         * set back, but for those that lie behind 10000 matching ones that are out of bounds. */
        usec_t since_usec, until_usec;
        sd_id128_t boot_id; /* null: of any boot */
        JournalDirection direction;
} JournalQuestion;

/* Asks; forgets what was asked before. question need not outlive the call.
 * Returns: 0; -EINVAL: a term that is none; -ENOMEM; errno of sd_journal_add_match(3). */
int journal_query_ask(JournalQuery *query, const JournalQuestion *question) _warn_unused_;

/* The next entry. An entry or a file that is damaged is passed over.
 * Returns: 1 and the entry; 0: there is none (more); -ENOMEM. */
int journal_query_next(JournalQuery *query, JournalEntry *entry) _warn_unused_;

/* A second question while the first one is being answered, about the one entry that is first in its direction;
 * the first is gone on with behind the entry where it was.
 * Returns: as journal_query_next(). */
int journal_query_find(
        JournalQuery *query, const JournalQuestion *question, JournalEntry *entry) _warn_unused_;

/* Waits until something has come in, at most timeout_usec (USEC_INFINITY: for good). Only for JOURNAL_FORWARD,
 * and behind a journal_query_next() that had no more.
 * Returns: 1: something may have; 0: nothing; -EINTR: a signal; -EPIPE: see journal_query_watch_reader(); negative
 * errno of sd_journal_wait(3). */
int journal_query_wait(JournalQuery *query, usec_t timeout_usec) _warn_unused_;

/* Has journal_query_wait() end with -EPIPE as soon as whoever reads from fd, a pipe or a terminal, is gone. fd: not
 * owned. */
void journal_query_watch_reader(JournalQuery *query, int fd);

/* For an sd-event source that waits for POLLIN; what it tells is taken by journal_query_wait(…, 0).
 * Returns: a descriptor, the query's; negative errno of sd_journal_get_fd(3). */
int journal_query_fd(JournalQuery *query);

/* Whether text has the form of a boot: an id, an offset or both; not "". */
bool journal_boot_is_name(const char *text);

/* The boot that text names: "" or "0": the present one (of a directory, files or a machine: the last one), 32 hex
 * digits: that one, else an offset as journalctl has it: "-1" the one before, "1" the first there is; also "ID-1".
 * Returns: 0; -EINVAL: no such form; -ENODATA: no such boot; -ENOMEM; errno of sd_id128_get_boot(3). */
int journal_query_find_boot(
        JournalQuery *query, const char *text, sd_id128_t *ret_boot_id) _warn_unused_;
