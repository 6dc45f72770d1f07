/* SPDX-License-Identifier: MIT */

/* Where records go: to the journal, to the console, or nowhere.
 *
 * The journal is asked first. What it does not take now waits in a bounded queue; while something
 * waits, everything newer goes behind it, so that order holds. How the queue empties depends on why
 * the journal did not take it:
 *
 *   its queue is full      an io source waits for room on the journal's socket
 *   it is restarting, or   a timer tries again every second
 *   our socket is full
 *
 * Both exist only while something is queued: an idle supervisor is never woken up from here. A
 * batch is bounded, so that a long queue does not keep the loop from a signal.
 *
 * Records that the journal will never take (it is not there, it may not be reached) go to the
 * console at once; so does what is left at the end. What even the console does not take is lost,
 * and counted. The sink never reports its own troubles as records: that is for its owner, who can ask
 * record_sink_lost().
 *
 * A new sink has opened nothing: between exec and the gateway's fork, time counts. */

#include "record-sink.h"

#include <string.h>
#include <syslog.h>

#include "record-console.h"
#include "record-journal.h"
#include "record-logfmt.h"
#include "record-queue.h"

#define RETRY_USEC          USEC_PER_SEC
#define RETRY_ACCURACY_USEC (100U * USEC_PER_MSEC)
#define BATCH_MAX           32 /* queued records a wake-up */

struct RecordSink {
        LogTarget target; /* AUTO is resolved */
        int max_level;
        Record *run; /* lends its fields NAME and RUN_ID; NULL: not known yet */
        pid_t gateway_pid;
        usec_t forked_at_usec;
        usec_t dated_at_usec; /* the last record's instant, monotonic */
        usec_t date_usec;     /* and its date */

        RecordConsole console;
        RecordJournal journal;
        RecordQueue queue;
        uint64_t n_lost;

        sd_event *event; /* NULL: no loop */
        int64_t priority;
        sd_event_source *writable_source;
        sd_event_source *retry_source;
};

int record_sink_new(LogTarget target, int max_level, int console_fd, RecordSink **ret_sink) {
        return record_sink_new_with_journal(
                target, max_level, console_fd, &record_journal_port, ret_sink);
}

int record_sink_new_with_journal(LogTarget target, int max_level, int console_fd,
        const RecordJournalPort *port, RecordSink **ret_sink) {
        RecordSink *sink = calloc(1, sizeof(*sink));

        if (!sink)
                return -ENOMEM;

        sink->max_level = max_level;
        record_console_init(&sink->console, console_fd);
        record_journal_init(&sink->journal, port);
        if (target == LOG_TARGET_AUTO)
                target = record_journal_is_there(&sink->journal) ? LOG_TARGET_JOURNAL
                                                                 : LOG_TARGET_CONSOLE;
        sink->target = target;

        *ret_sink = sink;
        return 0;
}

RecordSink *record_sink_free(RecordSink *sink) {
        if (!sink)
                return NULL;

        /* Sources first: epoll still knows the journal's socket. */
        sd_event_source_disable_unref(sink->writable_source);
        sd_event_source_disable_unref(sink->retry_source);
        sd_event_unref(sink->event);
        record_queue_done(&sink->queue);
        record_journal_done(&sink->journal);
        record_console_done(&sink->console);
        record_free(sink->run);
        free(sink);
        return NULL;
}

int record_sink_set_run(RecordSink *sink, const char *name, sd_id128_t run_id) {
        Record *run = record_new(RECORD_STARTED);
        char text[SD_ID128_STRING_MAX];

        if (!run)
                return -ENOMEM;

        record_add_string(run, "NAME", name);
        record_add_string(run, "RUN_ID", sd_id128_to_string(run_id, text));
        if (record_is_incomplete(run)) {
                record_free(run);
                return -ENOMEM;
        }

        record_free(sink->run);
        sink->run = run;
        return 0;
}

void record_sink_set_gateway(RecordSink *sink, pid_t pid, usec_t forked_at_usec) {
        sink->gateway_pid = pid;
        sink->forked_at_usec = forked_at_usec;
}

bool record_sink_wants(const RecordSink *sink, int level) {
        return sink->target != LOG_TARGET_NULL && level <= sink->max_level;
}

uint64_t record_sink_lost(const RecordSink *sink) {
        return sink->n_lost;
}

static RecordStamp record_sink_stamp(
        const RecordSink *sink, usec_t now_usec, usec_t realtime_usec) {
        bool is_forked = sink->gateway_pid > 0;

        return (RecordStamp){
                .pid = sink->gateway_pid,
                .uptime_usec = is_forked ? usec_sub(now_usec, sink->forked_at_usec) : 0,
                .realtime_usec = realtime_usec,
        };
}

char *record_format_logfmt(
        const RecordSink *sink, const Record *record, usec_t now_usec, usec_t realtime_usec) {
        RecordStamp stamp = record_sink_stamp(sink, now_usec, realtime_usec);

        return record_to_logfmt(record, sink->run, &stamp);
}

/* ---- Delivering one record ------------------------------------------------------------------- */

static void record_sink_print(RecordSink *sink, const Record *record, const RecordStamp *stamp) {
        _cleanup_free_ char *line = record_to_logfmt(record, sink->run, stamp);

        if (!line || record_console_write(&sink->console, line, strlen(line)) < 0)
                sink->n_lost++;
}

/* Returns: 0: the record is through with, at the journal or at the console; else the error, which
 * passes, that makes it wait. */
static int record_sink_deliver(RecordSink *sink, const Record *record, const RecordStamp *stamp) {
        int r = record_journal_send(&sink->journal, record, sink->run, stamp);

        if (record_journal_error_passes(r))
                return r;
        if (r < 0)
                record_sink_print(sink, record, stamp);
        return 0;
}

/* ---- The queue and its wake-ups -------------------------------------------------------------- */

static void record_sink_drain(RecordSink *sink, size_t n_max);

static int record_sink_dispatch_writable(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        record_sink_drain(userdata, BATCH_MAX);
        return 0;
}

static int record_sink_dispatch_retry(sd_event_source *source, uint64_t at_usec, void *userdata) {
        record_sink_drain(userdata, BATCH_MAX);
        return 0;
}

/* Sending may replace the journal's socket, so nothing may wait on it meanwhile. */
static void record_sink_disarm(RecordSink *sink) {
        sink->writable_source = sd_event_source_disable_unref(sink->writable_source);
        if (sink->retry_source)
                (void) sd_event_source_set_enabled(sink->retry_source, SD_EVENT_OFF);
}

static int record_sink_arm_writable(RecordSink *sink) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        int r;

        r = sd_event_add_io(sink->event, &source, record_journal_fd(&sink->journal), EPOLLOUT,
                record_sink_dispatch_writable, sink);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(source, sink->priority);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(source, "record-sink-writable");
        sink->writable_source = TAKE_PTR(source);
        return 0;
}

/* error: why the oldest record waits; 0: the batch was full. */
static void record_sink_arm(RecordSink *sink, int error) {
        if (!sink->event || sink->queue.n_entries == 0)
                return;
        if ((error == 0 || error == -EAGAIN) && record_sink_arm_writable(sink) >= 0)
                return;
        if (sd_event_source_set_time_relative(sink->retry_source, RETRY_USEC) >= 0)
                (void) sd_event_source_set_enabled(sink->retry_source, SD_EVENT_ONESHOT);
}

static void record_sink_drain(RecordSink *sink, size_t n_max) {
        const RecordQueueEntry *entry;
        int r = 0;

        record_sink_disarm(sink);
        for (; n_max > 0 && (entry = record_queue_peek(&sink->queue)); n_max--) {
                r = record_sink_deliver(sink, entry->record, &entry->stamp);
                if (r < 0)
                        break;
                record_queue_pop(&sink->queue);
        }
        record_sink_arm(sink, r);
}

int record_sink_attach_event(RecordSink *sink, sd_event *event, int64_t priority) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        int r;

        assert(!sink->event);

        r = sd_event_add_time_relative(event, &source, CLOCK_MONOTONIC, RETRY_USEC,
                RETRY_ACCURACY_USEC, record_sink_dispatch_retry, sink);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(source, priority);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(source, "record-sink-retry");
        sink->retry_source = TAKE_PTR(source);
        sink->event = sd_event_ref(event);
        sink->priority = priority;
        record_sink_drain(sink, BATCH_MAX);
        return 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void record_sink_queue(
        RecordSink *sink, Record *record, const RecordStamp *stamp, int error) {
        bool is_first = sink->queue.n_entries == 0;

        if (record_queue_push(&sink->queue, record, stamp))
                sink->n_lost++;
        if (is_first)
                record_sink_arm(sink, error);
        else if (!sink->event)
                record_sink_drain(sink, RECORD_QUEUE_MAX);
}

static void record_sink_send_stamped(RecordSink *sink, Record *record, const RecordStamp *stamp) {
        _cleanup_(record_freep) Record *owned = record;
        int r = 0;

        if (sink->target == LOG_TARGET_CONSOLE) {
                record_sink_print(sink, record, stamp);
                return;
        }

        if (sink->queue.n_entries == 0) {
                r = record_sink_deliver(sink, record, stamp);
                if (r == 0)
                        return;
        }
        record_sink_queue(sink, TAKE_PTR(owned), stamp, r);
}

/* The edge where a monotonic instant becomes a date, for the console. Two clocks are read one after the
 * other: what that shifts must not let a later record look earlier. */
static usec_t record_sink_date(RecordSink *sink, usec_t now_usec) {
        usec_t age_usec = usec_sub(usec_now(CLOCK_MONOTONIC), now_usec);
        usec_t date_usec = usec_sub(usec_now(CLOCK_REALTIME), age_usec);

        if (now_usec >= sink->dated_at_usec && date_usec < sink->date_usec &&
                sink->date_usec - date_usec < USEC_PER_MSEC)
                date_usec = sink->date_usec;
        sink->dated_at_usec = now_usec;
        sink->date_usec = date_usec;
        return date_usec;
}

void record_sink_send(RecordSink *sink, Record *record, usec_t now_usec) {
        if (!record) {
                sink->n_lost++;
                return;
        }
        if (!record_sink_wants(sink, record_get_priority(record))) {
                record_free(record);
                return;
        }

        RecordStamp stamp = record_sink_stamp(sink, now_usec, record_sink_date(sink, now_usec));
        record_sink_send_stamped(sink, record, &stamp);
}

unsigned record_sink_flush(RecordSink *sink) {
        const RecordQueueEntry *entry;
        bool is_taking = true;
        unsigned n_printed = 0;

        record_sink_disarm(sink);
        while ((entry = record_queue_peek(&sink->queue))) {
                is_taking =
                        is_taking && record_sink_deliver(sink, entry->record, &entry->stamp) == 0;
                if (!is_taking) {
                        record_sink_print(sink, entry->record, &entry->stamp);
                        n_printed++;
                }
                record_queue_pop(&sink->queue);
        }
        return n_printed;
}
