/* SPDX-License-Identifier: MIT */
#pragma once

/* The journal as a place to send records to without ever waiting for it. */

#include <sys/types.h>
#include <sys/uio.h>

#include "record-queue.h"
#include "record.h"

/* How the journal is reached; another one than the real is for tests. */
typedef struct RecordJournalPort {
        const char *socket_path; /* not copied */
        /* Like sd_journal_sendv(3), also in that it keeps one socket from its first call on, and
         * that a call with more fields than sendmsg(2) takes fails after that socket is open. */
        int (*send)(const struct iovec *fields, int n_fields);
} RecordJournalPort;

extern const RecordJournalPort record_journal_port; /* the real one */

typedef struct RecordJournal {
        const RecordJournalPort *port; /* not owned */
        int probe_fd;     /* connected to the journal's socket; nothing is sent on it */
        dev_t socket_dev; /* what it was connected to */
        ino_t socket_ino;
        bool was_connected; /* ever */
        bool is_prepared;   /* libsystemd's socket was looked for */
} RecordJournal;

/* Opens nothing. */
void record_journal_init(RecordJournal *journal, const RecordJournalPort *port);
void record_journal_done(RecordJournal *journal);

/* Whether a socket is at the journal's path. */
bool record_journal_is_there(const RecordJournal *journal);

/* run: the fields NAME and RUN_ID, as a record; NULL: none.
 *
 * Returns: 0; or, when it is worth trying again:
 *   -EAGAIN:       its queue is full; record_journal_fd() polls writable once it is not
 *   -ENOBUFS:      what was sent fills our own socket; try again after a while
 *   -ECONNREFUSED, -ENOENT: it is being restarted; try again after a while
 * or, when it is not: -ENOTCONN: there is no journal; any other negative errno. */
int record_journal_send(RecordJournal *journal, const Record *record, const Record *run,
        const RecordStamp *stamp) _warn_unused_;

/* Whether an error of record_journal_send() is one that passes. */
bool record_journal_error_passes(int error);

/* Returns: a descriptor to poll for POLLOUT, valid until the next send; -EBADF. */
int record_journal_fd(const RecordJournal *journal);
