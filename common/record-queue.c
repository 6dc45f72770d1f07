/* SPDX-License-Identifier: MIT */

/* A ring of records that the journal did not take yet. It is bounded, because what fills it (a
 * journal that is stopped) may last for hours, and it prefers what explains a stop: notices and
 * worse push out chatter, never the other way round. Order is kept in any case. It sends nothing
 * and counts nothing; both are the sink's. */

#include "record-queue.h"

#include <syslog.h>

static RecordQueueEntry *record_queue_at(RecordQueue *queue, size_t i) {
        return &queue->entries[(queue->head + i) % RECORD_QUEUE_MAX];
}

void record_queue_done(RecordQueue *queue) {
        while (queue->n_entries > 0)
                record_queue_pop(queue);
}

static bool record_is_chatter(const Record *record) {
        return record_get_priority(record) >= LOG_INFO;
}

/* Closes the gap by moving what is older: usually the oldest chatter is at or near the head. */
static void record_queue_remove(RecordQueue *queue, size_t i) {
        record_free(record_queue_at(queue, i)->record);
        for (; i > 0; i--)
                *record_queue_at(queue, i) = *record_queue_at(queue, i - 1);
        *record_queue_at(queue, 0) = (RecordQueueEntry){};

        queue->head = (queue->head + 1) % RECORD_QUEUE_MAX;
        queue->n_entries--;
}

bool record_queue_push(RecordQueue *queue, Record *record, const RecordStamp *stamp) {
        bool is_full = queue->n_entries == RECORD_QUEUE_MAX;

        if (is_full) {
                size_t i = 0;

                while (i < queue->n_entries &&
                        !record_is_chatter(record_queue_at(queue, i)->record))
                        i++;
                if (i == queue->n_entries && record_is_chatter(record)) {
                        record_free(record);
                        return true;
                }
                record_queue_remove(queue, i < queue->n_entries ? i : 0);
        }

        *record_queue_at(queue, queue->n_entries) =
                (RecordQueueEntry){ .record = record, .stamp = *stamp };
        queue->n_entries++;
        return is_full;
}

const RecordQueueEntry *record_queue_peek(const RecordQueue *queue) {
        return queue->n_entries > 0 ? &queue->entries[queue->head] : NULL;
}

void record_queue_pop(RecordQueue *queue) {
        assert(queue->n_entries > 0);

        record_queue_remove(queue, 0);
}
