/* SPDX-License-Identifier: MIT */

/* Past stops as a table for spreadsheets and databases: RFC 4180, one line a stop (unless a value has line
 * ends, which are quoted), always the same columns. What is not known is an empty cell.
 *
 * A spreadsheet takes text that begins like a formula for one, and formulas reach files and the network. The
 * texts are strangers', so such a cell has a "'" in front, which spreadsheets hide and programs have to know.
 * Numbers and dates are ours and stay bare. */

#include <string.h>

#include "output-text.h"
#include "report-output.h"
#include "timestamp.h"

#define CSV_LINE_END "\r\n"
/* What a formula can begin with; and the guard, so that taking one away always gives the text. */
#define CSV_GUARDED "=+-@\t\r\n'"

typedef enum CsvType {
        CSV_TEXT,
        CSV_STATE,
        CSV_MANAGER,
        CSV_TRUST,
        CSV_DATE,   /* a usec_t, CLOCK_REALTIME */
        CSV_TIME,   /* a usec_t */
        CSV_ACTIVE, /* a number, where work is counted */
        CSV_NUMBER, /* a uint64_t, UINT64_MAX: not known */
        CSV_UID,
        CSV_PID,
        CSV_ID,
} CsvType;

typedef struct CsvColumn {
        const char *name;
        CsvType type;
        size_t offset;
} CsvColumn;

#define CSV_COLUMN(name, type, member) \
        { name, type, offsetof(PastStop, member) }

static const CsvColumn csv_columns[] = {
        CSV_COLUMN("when", CSV_DATE, realtime_usec),
        CSV_COLUMN("state", CSV_STATE, state),
        CSV_COLUMN("host", CSV_TEXT, host),
        CSV_COLUMN("unit", CSV_TEXT, unit),
        CSV_COLUMN("manager", CSV_MANAGER, manager),
        CSV_COLUMN("uid", CSV_UID, uid),
        CSV_COLUMN("name", CSV_TEXT, name),
        CSV_COLUMN("cause", CSV_TEXT, cause_word),
        CSV_COLUMN("cause_detail", CSV_TEXT, cause_detail),
        CSV_COLUMN("outcome", CSV_TEXT, outcome_word),
        CSV_COLUMN("exit_code", CSV_TEXT, exit_code),
        CSV_COLUMN("exit_status", CSV_TEXT, exit_status),
        CSV_COLUMN("drain_used_seconds", CSV_TIME, drain_used_usec),
        CSV_COLUMN("drain_seconds", CSV_TIME, drain_usec),
        CSV_COLUMN("headroom_seconds", CSV_TIME, headroom_usec),
        CSV_COLUMN("timeout_stop_seconds", CSV_TIME, timeout_stop_usec),
        CSV_COLUMN("total_seconds", CSV_TIME, total_usec),
        CSV_COLUMN("active_at_start", CSV_ACTIVE, active_at_start),
        CSV_COLUMN("active_now", CSV_ACTIVE, active_now),
        CSV_COLUMN("active_source", CSV_TEXT, active_source),
        CSV_COLUMN("slowest_step", CSV_TEXT, slowest_step),
        CSV_COLUMN("slowest_step_seconds", CSV_TIME, slowest_step_usec),
        CSV_COLUMN("timeline", CSV_TEXT, timeline),
        CSV_COLUMN("signal", CSV_TEXT, signal),
        CSV_COLUMN("sender_pid", CSV_PID, sender.pid),
        CSV_COLUMN("sender_uid", CSV_UID, sender.uid),
        CSV_COLUMN("sender_user", CSV_TEXT, sender.user),
        CSV_COLUMN("sender_loginuid", CSV_UID, sender.loginuid),
        CSV_COLUMN("sender_comm", CSV_TEXT, sender.comm),
        CSV_COLUMN("sender_cmdline", CSV_TEXT, sender.cmdline),
        CSV_COLUMN("sender_unit", CSV_TEXT, sender.unit),
        CSV_COLUMN("sender_ancestry", CSV_TEXT, sender.ancestry),
        CSV_COLUMN("sender_state", CSV_TEXT, sender.state),
        CSV_COLUMN("requester_pid", CSV_PID, requester.pid),
        CSV_COLUMN("requester_uid", CSV_UID, requester.uid),
        CSV_COLUMN("requester_user", CSV_TEXT, requester.user),
        CSV_COLUMN("requester_loginuid", CSV_UID, requester.loginuid),
        CSV_COLUMN("requester_comm", CSV_TEXT, requester.comm),
        CSV_COLUMN("requester_cmdline", CSV_TEXT, requester.cmdline),
        CSV_COLUMN("requester_unit", CSV_TEXT, requester.unit),
        CSV_COLUMN("requester_ancestry", CSV_TEXT, requester.ancestry),
        CSV_COLUMN("requester_verb", CSV_TEXT, requester.verb),
        CSV_COLUMN("oom_kills", CSV_NUMBER, n_oom_kills),
        CSV_COLUMN("service_result", CSV_TEXT, service_result),
        CSV_COLUMN("previous_phase", CSV_TEXT, previous_phase),
        CSV_COLUMN("recorded_by", CSV_TEXT, recorded_by),
        CSV_COLUMN("began", CSV_DATE, began_realtime_usec),
        CSV_COLUMN("uptime_seconds", CSV_TIME, uptime_usec),
        CSV_COLUMN("run_id", CSV_ID, run_id),
        CSV_COLUMN("boot_id", CSV_ID, boot_id),
        CSV_COLUMN("machine_id", CSV_ID, machine_id),
        CSV_COLUMN("pid", CSV_PID, writer_pid),
        CSV_COLUMN("command", CSV_TEXT, command),
        CSV_COLUMN("trust", CSV_TRUST, trust),
        CSV_COLUMN("forgery", CSV_TEXT, forgery),
};

/* ---- Cells ------------------------------------------------------------------------------------- */

static void csv_put_quoted(FILE *file, const char *text) {
        (void) fputc('"', file);
        for (; *text; text++) {
                if (*text == '"')
                        (void) fputc('"', file);
                (void) fputc(*text, file);
        }
        (void) fputc('"', file);
}

/* A stranger's text. */
static int csv_put_text(FILE *file, const char *text) {
        _cleanup_free_ char *clean = output_text(text), *guarded = NULL;

        if (!clean)
                return -ENOMEM;
        if (*clean && strchr(CSV_GUARDED, *clean)) {
                if (asprintf(&guarded, "'%s", clean) < 0)
                        return -ENOMEM;
                csv_put_quoted(file, guarded);
        } else if (strpbrk(clean, ",\"\r\n\t; "))
                csv_put_quoted(file, clean);
        else
                (void) fputs(clean, file);
        return 0;
}

static void csv_put_date(FILE *file, usec_t realtime_usec) {
        char text[TIMESTAMP_MAX];

        if (realtime_usec != 0 && realtime_usec != USEC_INFINITY)
                (void) fputs(timestamp_format(text, realtime_usec, TIMESTAMP_RFC3339,
                                     /* is_utc= */ true),
                        file);
}

static void csv_put_time(FILE *file, usec_t usec) {
        char text[OUTPUT_SECONDS_MAX];

        if (usec != USEC_INFINITY)
                (void) fputs(output_seconds(text, usec), file);
}

static void csv_put_number(FILE *file, uint64_t number) {
        if (number != UINT64_MAX)
                (void) fprintf(file, "%" PRIu64, number);
}

static void csv_put_id(FILE *file, sd_id128_t id) {
        char text[SD_ID128_STRING_MAX];

        if (!sd_id128_is_null(id))
                (void) fputs(sd_id128_to_string(id, text), file);
}

static int csv_put_cell(FILE *file, const PastStop *stop, const CsvColumn *column) {
        const void *value = (const char *) stop + column->offset;

        switch (column->type) {
        case CSV_TEXT:
                return csv_put_text(file, *(const char *const *) value ?: "");
        case CSV_STATE:
                (void) fputs(run_state_to_string(*(const RunState *) value), file);
                break;
        case CSV_MANAGER:
                (void) fputs(unit_manager_to_string(*(const UnitManager *) value), file);
                break;
        case CSV_TRUST:
                (void) fputs(record_trust_to_string(*(const RecordTrust *) value), file);
                break;
        case CSV_DATE:
                csv_put_date(file, *(const usec_t *) value);
                break;
        case CSV_TIME:
                csv_put_time(file, *(const usec_t *) value);
                break;
        case CSV_ACTIVE:
                if (stop->has_active)
                        csv_put_number(file, *(const uint64_t *) value);
                break;
        case CSV_NUMBER:
                csv_put_number(file, *(const uint64_t *) value);
                break;
        case CSV_UID:
                if (*(const uid_t *) value != (uid_t) -1)
                        (void) fprintf(file, "%u", *(const uid_t *) value);
                break;
        case CSV_PID:
                if (*(const pid_t *) value > 0)
                        (void) fprintf(file, "%d", *(const pid_t *) value);
                break;
        case CSV_ID:
                csv_put_id(file, *(const sd_id128_t *) value);
                break;
        }
        return 0;
}

/* ---- Lines ------------------------------------------------------------------------------------- */

static void csv_put_header(FILE *file) {
        for (size_t i = 0; i < ELEMENTSOF(csv_columns); i++)
                (void) fprintf(file, "%s%s", i > 0 ? "," : "", csv_columns[i].name);
        (void) fputs(CSV_LINE_END, file);
}

static int csv_put_stop(FILE *file, const PastStop *stop) {
        for (size_t i = 0; i < ELEMENTSOF(csv_columns); i++) {
                if (i > 0)
                        (void) fputc(',', file);
                int r = csv_put_cell(file, stop, &csv_columns[i]);
                if (r < 0)
                        return r;
        }
        (void) fputs(CSV_LINE_END, file);
        return 0;
}

int report_print_csv(FILE *file, const StopList *list, bool has_legend) {
        int r = 0;

        assert(file);
        assert(list);

        if (has_legend)
                csv_put_header(file);
        for (size_t i = 0; r >= 0 && i < list->n; i++)
                r = csv_put_stop(file, &list->stops[i]);
        return r;
}
