/* SPDX-License-Identifier: MIT */
#pragma once

/* Where records go. Sending never waits: a journal that takes nothing now gets its records from a
 * bounded queue once it does, a console that takes nothing loses lines (counted). */

#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "record-journal.h"
#include "record-queue.h"
#include "record.h"
#include "usec.h"

typedef struct RecordSink RecordSink;

/* target:      AUTO is resolved here.
 * max_level:   records above it (less important) are dropped.
 * console_fd:  where logfmt lines go (normally STDERR_FILENO); not owned; may be invalid.
 *
 * Returns: 0; -ENOMEM. A journal that is not there is no error: the console takes over. */
int record_sink_new(
        LogTarget target, int max_level, int console_fd, RecordSink **ret_sink) _warn_unused_;
/* The same for another journal than the machine's; port is not copied. */
int record_sink_new_with_journal(LogTarget target, int max_level, int console_fd,
        const RecordJournalPort *port, RecordSink **ret_sink) _warn_unused_;
/* What is still queued is dropped: record_sink_flush() first. */
RecordSink *record_sink_free(RecordSink *sink);
DEFINE_POINTER_CLEANUP(RecordSink, record_sink_free)

/* Lets queued records go out from the loop as soon as the journal takes them. Once, at most.
 * Returns: 0; negative errno of sd_event_add_io(3). */
int record_sink_attach_event(RecordSink *sink, sd_event *event, int64_t priority) _warn_unused_;

/* The fields that every record carries: GATEWATCH_NAME and GATEWATCH_RUN_ID; later the gateway's
 * pid and the instant it was forked, from which GATEWATCH_UPTIME_USEC is counted (0 until then).
 * name is copied.
 * Returns: 0; -ENOMEM. */
int record_sink_set_run(RecordSink *sink, const char *name, sd_id128_t run_id) _warn_unused_;
void record_sink_set_gateway(RecordSink *sink, pid_t pid, usec_t forked_at_usec);

/* Whether a record of this level would be written at all; spares the work of building it. */
bool record_sink_wants(const RecordSink *sink, int level);

/* Sends, or queues, and frees the record; NULL (out of memory) is counted as lost.
 * now_usec: CLOCK_MONOTONIC, of what happened (the journal adds its own receipt time). */
void record_sink_send(RecordSink *sink, Record *record, usec_t now_usec);

/* At the end: sends what is queued without waiting; what the journal still will not take goes to
 * the console, so that nothing is lost. Returns: how many records had to take that way. */
unsigned record_sink_flush(RecordSink *sink);

/* Records and lines that could not be delivered so far. */
uint64_t record_sink_lost(const RecordSink *sink);

/* The console form, for tests and other writers: "ts=… level=… event=… key=value … msg=\"…\"\n".
 * Returns: malloc()ed line; NULL: out of memory. */
char *record_format_logfmt(const RecordSink *sink, const Record *record, usec_t now_usec,
        usec_t realtime_usec) _warn_unused_;
