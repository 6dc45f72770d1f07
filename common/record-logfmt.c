/* SPDX-License-Identifier: MIT */

/* "ts=… level=… event=… key=value … msg="…"": the console form of a record.
 *
 * The line is read by people on terminals and split by programs, and its values come from command
 * lines and gateways: nothing of a value reaches the terminal as a control character, in C0 or C1,
 * and a value never looks like a second field. Values are quoted only where they need it, so that
 * the usual line stays easy on the eye; the message always is.
 *
 * Records are UTF-8 already (see record.c); this file does not mend. */

#include "record-logfmt.h"

#include <ctype.h>
#include <string.h>

/* Bytes of the control character that text begins with; 0: it is none. C1 takes two in UTF-8; a
 * terminal takes U+009B for an escape sequence's beginning. */
static size_t logfmt_control_bytes(const char *text) {
        const unsigned char *byte = (const unsigned char *) text;

        if (byte[0] < 0x20 || byte[0] == 0x7f)
                return 1;
        return byte[0] == 0xc2 && byte[1] < 0xa0 ? 2 : 0;
}

static bool logfmt_needs_quotes(const char *value) {
        if (*value == '\0')
                return true;

        for (; *value != '\0'; value++)
                if (strchr(" \"=", *value) || logfmt_control_bytes(value) > 0)
                        return true;
        return false;
}

static void logfmt_put_quoted(FILE *line, const char *value) {
        (void) fputc('"', line);
        while (*value != '\0') {
                size_t n_control = logfmt_control_bytes(value);

                if (*value == '\n')
                        (void) fputs("\\n", line);
                else if (*value == '\t')
                        (void) fputs("\\t", line);
                else if (n_control > 0)
                        for (size_t i = 0; i < n_control; i++)
                                (void) fprintf(line, "\\x%02x", (unsigned char) value[i]);
                else {
                        if (*value == '"' || *value == '\\')
                                (void) fputc('\\', line);
                        (void) fputc(*value, line);
                }
                value += n_control > 0 ? n_control : 1;
        }
        (void) fputc('"', line);
}

static void logfmt_put_value(FILE *line, const char *value) {
        if (logfmt_needs_quotes(value))
                logfmt_put_quoted(line, value);
        else
                (void) fputs(value, line);
}

/* "GATEWATCH_DRAIN_USEC=5" becomes " drain_usec=5". */
static void logfmt_put_fields(FILE *line, const Record *record) {
        for (size_t i = 0; i < record_n_fields(record); i++) {
                const char *field = record_get_field(record, i, NULL);
                const char *letter = field + strlen(RECORD_FIELD_PREFIX);

                (void) fputc(' ', line);
                for (; *letter != '='; letter++)
                        (void) fputc(tolower(*letter), line);
                (void) fputc('=', line);
                logfmt_put_value(line, letter + 1);
        }
}

static void logfmt_put_time(FILE *line, usec_t realtime_usec) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm utc = {};
        char date[64];

        (void) gmtime_r(&seconds, &utc);
        if (strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
                date[0] = '\0';
        (void) fprintf(line, "ts=%s.%06uZ", date, (unsigned) (realtime_usec % USEC_PER_SEC));
}

char *record_to_logfmt(const Record *record, const Record *run, const RecordStamp *stamp) {
        char *text = NULL;
        size_t size_bytes = 0;
        FILE *line = open_memstream(&text, &size_bytes);

        if (!line)
                return NULL;

        logfmt_put_time(line, stamp->realtime_usec);
        (void) fprintf(line, " level=%s event=%s", log_level_to_string(record_get_priority(record)),
                record_event_to_string(record_get_event(record)));
        if (run)
                logfmt_put_fields(line, run);
        if (stamp->pid > 0)
                (void) fprintf(line, " pid=%d", (int) stamp->pid);
        (void) fprintf(line, " uptime_usec=%" USEC_FMT, stamp->uptime_usec);
        logfmt_put_fields(line, record);
        if (record_is_incomplete(record))
                (void) fputs(" incomplete=yes", line);
        (void) fputs(" msg=", line);
        logfmt_put_quoted(line, record_get_message(record));
        (void) fputc('\n', line);

        bool is_whole = !ferror(line);
        if (fclose(line) != 0 || !is_whole) {
                free(text);
                return NULL;
        }
        return text;
}
