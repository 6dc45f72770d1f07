/* SPDX-License-Identifier: MIT */
#pragma once

/* Records that wait, oldest first, at most RECORD_QUEUE_MAX of them. */

#include "record.h"
#include "usec.h"

#define RECORD_QUEUE_MAX 256 /* records that wait for a journal that is stuck or restarting */

/* What was true when a record was made; it goes with the record however late that leaves. */
typedef struct RecordStamp {
        pid_t pid; /* the gateway's; 0: not forked yet */
        usec_t uptime_usec;
        usec_t realtime_usec;
} RecordStamp;

typedef struct RecordQueueEntry {
        Record *record;
        RecordStamp stamp;
} RecordQueueEntry;

typedef struct RecordQueue {
        RecordQueueEntry entries[RECORD_QUEUE_MAX]; /* a ring */
        size_t head;
        size_t n_entries;
} RecordQueue;

void record_queue_done(RecordQueue *queue);

/* Takes the record. When the queue is full something has to go: the oldest debug or info record;
 * if there is none, the new record if it is one itself, else the oldest.
 *
 * Returns: true: a record was dropped. */
bool record_queue_push(RecordQueue *queue, Record *record, const RecordStamp *stamp) _warn_unused_;

/* Returns: the oldest entry, valid until the queue is changed; NULL: empty. */
const RecordQueueEntry *record_queue_peek(const RecordQueue *queue);

/* Frees the oldest record. The queue must not be empty. */
void record_queue_pop(RecordQueue *queue);
