/* SPDX-License-Identifier: MIT */
#pragma once

/* One structured record: an event from the table below, typed fields, a message. The same record
 * goes to the journal (fields as they are), or to the console as one logfmt line. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

typedef enum RecordEvent {
        RECORD_STARTED,
        RECORD_READY,
        RECORD_SHORT_TIMEOUT,
        RECORD_PREVIOUS,
        RECORD_SIGNAL,
        RECORD_CAUSE,
        RECORD_PHASE,
        RECORD_STEP,
        RECORD_STUCK,
        RECORD_WATCHDOG,
        RECORD_LEFTOVER,
        RECORD_DIAGNOSTIC,
        RECORD_STOPPED,
        RECORD_FORWARDED,
        RECORD_DEGRADED, /* something the supervisor relies on is missing; it goes on without */
        _RECORD_EVENT_MAX,
        _RECORD_EVENT_INVALID = -EINVAL,
} RecordEvent;

/* One row of the event table, the only place that knows names, ids and explanations: records, the
 * journal's catalog and (generated) documentation come from it. */
typedef struct RecordEventInfo {
        const char *name;       /* "short-timeout": the value of GATEWATCH_EVENT */
        const char *message_id; /* 32 hex digits */
        int priority;           /* syslog level, unless the record sets another */
        const char *subject;    /* of the catalog entry */
        const char *body;       /* of the catalog entry, with @FIELD@ references */
} RecordEventInfo;

const RecordEventInfo *record_event_info(RecordEvent event);
const char *record_event_to_string(RecordEvent event);
RecordEvent record_event_from_string(const char *name);

/* syslog level names as journalctl -p takes them ("emerg" … "debug", or "0" … "7").
 * Returns: 0 to 7; -EINVAL. */
int log_level_from_string(const char *name);
const char *log_level_to_string(int level);

typedef struct Record Record;

/* Returns: an empty record; NULL: out of memory. */
Record *record_new(RecordEvent event);
Record *record_free(Record *record);
DEFINE_POINTER_CLEANUP(Record, record_free)

/* Overrides the event's priority (a phase that timed out is a warning). */
void record_set_priority(Record *record, int priority);

/* Adders. name is the field's name without the prefix, upper case ("DRAIN_USEC" becomes
 * GATEWATCH_DRAIN_USEC). A value that is not UTF-8 is mended with U+FFFD. NULL strings and fields
 * beyond RECORD_FIELDS_MAX are left out; a value over RECORD_VALUE_MAX bytes is cut. Running out of
 * memory or of fields marks the record (GATEWATCH_INCOMPLETE=yes): it is still sent, with what it
 * has. A NULL record (out of memory at record_new()) is taken by all adders and stays NULL. */
#define RECORD_FIELD_PREFIX "GATEWATCH_"
#define RECORD_FIELDS_MAX   64
#define RECORD_VALUE_MAX    (64U * 1024U)
void record_add_string(Record *record, const char *name, const char *value);
void record_add_unsigned(Record *record, const char *name, uint64_t value);
void record_add_signed(Record *record, const char *name, int64_t value);
void record_add_bool(Record *record, const char *name, bool value);    /* "yes", "no" */
void record_add_usec(Record *record, const char *name, uint64_t usec); /* infinity: "infinity" */
/* MESSAGE: one line, control characters become spaces. Until it is set, the event's name. */
void record_set_message(Record *record, const char *format, ...) _printf_(2, 3);

/* Readers, for those that deliver records and for tests; nothing of what they return is owned. */
RecordEvent record_get_event(const Record *record);
int record_get_priority(const Record *record);
bool record_is_incomplete(const Record *record);
const char *record_get_message(const Record *record);
const char *record_get_message_field(const Record *record); /* "MESSAGE=…" */
size_t record_n_fields(const Record *record);
/* i:              below record_n_fields(), in the order in which they were added.
 * ret_size_bytes: optional; without the NUL.
 * Returns: "GATEWATCH_NAME=value". */
const char *record_get_field(const Record *record, size_t i, size_t *ret_size_bytes);
/* Returns: the first value of the field (name as for the adders); NULL: the record has none. */
const char *record_get_value(const Record *record, const char *name);

typedef enum LogTarget {
        LOG_TARGET_AUTO, /* the journal if its socket is there, else the console */
        LOG_TARGET_JOURNAL,
        LOG_TARGET_CONSOLE,
        LOG_TARGET_NULL,
        _LOG_TARGET_MAX,
        _LOG_TARGET_INVALID = -EINVAL,
} LogTarget;

const char *log_target_to_string(LogTarget target);
LogTarget log_target_from_string(const char *name);
