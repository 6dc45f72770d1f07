/* SPDX-License-Identifier: MIT */

/* One record while it is being put together: an event, a priority, a message and a list of fields.
 *
 * Fields are kept in the form that the journal takes, "GATEWATCH_NAME=value" with a NUL behind it,
 * one after the other in a single buffer that grows; a table holds where each begins. Nothing is
 * formatted twice, and a record costs a handful of allocations however many fields it has.
 *
 * What comes in from /proc, from command lines and from gateways is bytes. What goes out is UTF-8:
 * each byte that is not part of a character becomes U+FFFD here, once, so that neither the journal
 * nor the console has to look again.
 *
 * A record does not know where it goes, nor when it happened, nor whose run it belongs to: the sink
 * adds that. It does not escape either: the journal carries any value, and the console quotes. */

#include "record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

#include "utf8.h"

#define RECORD_FIELD_NAME_MAX 64 /* of a whole name; Source: systemd's journal_field_valid() */

static const char record_message_prefix[] = "MESSAGE=";

struct Record {
        RecordEvent event;
        int priority;
        bool is_incomplete; /* something was left out: no memory, too many fields */
        char *message;      /* with its prefix */
        char *buffer;
        size_t used_bytes, allocated_bytes;
        size_t offsets[RECORD_FIELDS_MAX];
        size_t n_fields;
};

/* ---- UTF-8 ----------------------------------------------------------------------------------- */

#define REPLACEMENT       "\xef\xbf\xbd"
#define REPLACEMENT_BYTES 3

/* Bytes that value takes once it is mended and cut to RECORD_VALUE_MAX. */
static size_t utf8_mended_bytes(const char *value) {
        size_t total = 0;

        for (size_t left = strlen(value); left > 0;) {
                size_t n_bytes = utf8_sequence_size(value, left);
                size_t n_written = n_bytes > 0 ? n_bytes : REPLACEMENT_BYTES;

                if (total + n_written > RECORD_VALUE_MAX)
                        break;
                total += n_written;
                value += n_bytes > 0 ? n_bytes : 1;
                left -= n_bytes > 0 ? n_bytes : 1;
        }
        return total;
}

/* Writes size_bytes, as utf8_mended_bytes() has counted them, and a NUL. */
static void utf8_mend(char *destination, const char *value, size_t size_bytes) {
        const char *end = destination + size_bytes, *value_end = value + strlen(value);

        while (destination < end) {
                size_t n_bytes = utf8_sequence_size(value, (size_t) (value_end - value));

                if (n_bytes > 0) {
                        destination = mempcpy(destination, value, n_bytes);
                        value += n_bytes;
                } else {
                        destination = mempcpy(destination, REPLACEMENT, REPLACEMENT_BYTES);
                        value++;
                }
        }
        *destination = '\0';
}

/* Control characters become spaces: C0, DEL, and C1, which in UTF-8 is C2 80 to C2 9F. */
static void utf8_flatten(char *text) {
        char *write = text;

        for (const char *read = text; *read != '\0'; read++) {
                unsigned char byte = (unsigned char) *read;

                if (byte == 0xc2 && (unsigned char) read[1] < 0xa0) {
                        *write++ = ' ';
                        read++;
                } else
                        *write++ = byte < 0x20 || byte == 0x7f ? ' ' : *read;
        }
        *write = '\0';
}

/* ---- The record ------------------------------------------------------------------------------ */

/* Returns: malloc()ed prefix and mended text; NULL: out of memory. */
static char *record_make_message(const char *text) {
        size_t size_bytes = utf8_mended_bytes(text);
        char *message = malloc(strlen(record_message_prefix) + size_bytes + 1);

        if (!message)
                return NULL;

        char *begin = stpcpy(message, record_message_prefix);
        utf8_mend(begin, text, size_bytes);
        utf8_flatten(begin);
        return message;
}

Record *record_new(RecordEvent event) {
        _cleanup_(record_freep) Record *record = calloc(1, sizeof(*record));

        if (!record)
                return NULL;

        record->event = event;
        record->priority = record_event_info(event)->priority;
        /* The journal shows no entry that has no message. */
        record->message = record_make_message(record_event_to_string(event));
        if (!record->message)
                return NULL;

        return TAKE_PTR(record);
}

Record *record_free(Record *record) {
        if (!record)
                return NULL;

        free(record->buffer);
        free(record->message);
        free(record);
        return NULL;
}

void record_set_priority(Record *record, int priority) {
        assert(priority >= LOG_EMERG && priority <= LOG_DEBUG);

        if (record)
                record->priority = priority;
}

static bool record_field_name_valid(const char *name) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
        size_t length = strlen(name);

        return length > 0 && strspn(name, letters) == length &&
                strlen(RECORD_FIELD_PREFIX) + length <= RECORD_FIELD_NAME_MAX;
}

/* Makes room behind what is used. Returns: where it begins; NULL: out of memory. */
static char *record_reserve(Record *record, size_t size_bytes) {
        size_t needed = record->used_bytes + size_bytes;

        if (needed > record->allocated_bytes) {
                size_t larger = needed > 512 ? needed * 2 : 1024;
                char *buffer = realloc(record->buffer, larger);

                if (!buffer)
                        return NULL;
                record->buffer = buffer;
                record->allocated_bytes = larger;
        }
        return record->buffer + record->used_bytes;
}

void record_add_string(Record *record, const char *name, const char *value) {
        assert(record_field_name_valid(name));

        if (!record || !value)
                return;

        size_t value_bytes = utf8_mended_bytes(value);
        size_t size_bytes = strlen(RECORD_FIELD_PREFIX) + strlen(name) + 1 + value_bytes + 1;
        char *field = NULL;

        if (record->n_fields < RECORD_FIELDS_MAX)
                field = record_reserve(record, size_bytes);
        if (!field) {
                record->is_incomplete = true;
                return;
        }

        field = stpcpy(stpcpy(stpcpy(field, RECORD_FIELD_PREFIX), name), "=");
        utf8_mend(field, value, value_bytes);
        record->offsets[record->n_fields++] = record->used_bytes;
        record->used_bytes += size_bytes;
}

void record_add_unsigned(Record *record, const char *name, uint64_t value) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIu64, value);
        record_add_string(record, name, text);
}

void record_add_signed(Record *record, const char *name, int64_t value) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIi64, value);
        record_add_string(record, name, text);
}

void record_add_bool(Record *record, const char *name, bool value) {
        record_add_string(record, name, value ? "yes" : "no");
}

void record_add_usec(Record *record, const char *name, uint64_t usec) {
        if (usec == UINT64_MAX)
                record_add_string(record, name, "infinity");
        else
                record_add_unsigned(record, name, usec);
}

void record_set_message(Record *record, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        char *message = NULL;
        va_list arguments;

        if (!record)
                return;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);

        if (text)
                message = record_make_message(text);
        if (!message) {
                record->is_incomplete = true;
                return;
        }
        free(record->message);
        record->message = message;
}

/* ---- Reading it ------------------------------------------------------------------------------ */

RecordEvent record_get_event(const Record *record) {
        return record->event;
}

int record_get_priority(const Record *record) {
        return record->priority;
}

bool record_is_incomplete(const Record *record) {
        return record->is_incomplete;
}

const char *record_get_message_field(const Record *record) {
        return record->message;
}

const char *record_get_message(const Record *record) {
        return record->message + strlen(record_message_prefix);
}

size_t record_n_fields(const Record *record) {
        return record->n_fields;
}

const char *record_get_field(const Record *record, size_t i, size_t *ret_size_bytes) {
        assert(i < record->n_fields);

        if (ret_size_bytes) {
                bool is_last = i + 1 == record->n_fields;
                size_t end = is_last ? record->used_bytes : record->offsets[i + 1];

                *ret_size_bytes = end - record->offsets[i] - 1;
        }
        return record->buffer + record->offsets[i];
}

const char *record_get_value(const Record *record, const char *name) {
        size_t length = strlen(name);

        for (size_t i = 0; i < record->n_fields; i++) {
                const char *field = record->buffer + record->offsets[i];

                field += strlen(RECORD_FIELD_PREFIX);
                if (strncmp(field, name, length) == 0 && field[length] == '=')
                        return field + length + 1;
        }
        return NULL;
}

/* ---- Names of levels and targets ------------------------------------------------------------- */

static const char *const log_level_table[] = {
        [LOG_EMERG] = "emerg",
        [LOG_ALERT] = "alert",
        [LOG_CRIT] = "crit",
        [LOG_ERR] = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

static const char *const log_target_table[_LOG_TARGET_MAX] = {
        [LOG_TARGET_AUTO] = "auto",
        [LOG_TARGET_JOURNAL] = "journal",
        [LOG_TARGET_CONSOLE] = "console",
        [LOG_TARGET_NULL] = "null",
};

/* Returns: the index of name; -EINVAL. */
static int names_find(const char *const names[], size_t n_names, const char *name) {
        if (!name)
                return -EINVAL;

        for (size_t i = 0; i < n_names; i++)
                if (strcmp(names[i], name) == 0)
                        return (int) i;

        return -EINVAL;
}

int log_level_from_string(const char *name) {
        if (name && name[0] >= '0' && name[0] <= '7' && name[1] == '\0')
                return name[0] - '0';

        return names_find(log_level_table, ELEMENTSOF(log_level_table), name);
}

const char *log_level_to_string(int level) {
        if (level < 0 || (size_t) level >= ELEMENTSOF(log_level_table))
                return NULL;

        return log_level_table[level];
}

const char *log_target_to_string(LogTarget target) {
        if (target < 0 || target >= _LOG_TARGET_MAX)
                return NULL;

        return log_target_table[target];
}

LogTarget log_target_from_string(const char *name) {
        return (LogTarget) names_find(log_target_table, ELEMENTSOF(log_target_table), name);
}
