/* SPDX-License-Identifier: MIT */

/* The cells of one stop, and the row of one that is printed by itself.
 *
 * Where a terminal is too narrow, what can be done without goes before anything is cut: the weekday, ".service",
 * spaces in numbers and minutes, how it exited where the status tells, and then the year. After that the widest
 * of the columns that may be cut loses a column, and again, so that long cells pay for long ones; "…" (".." in
 * ASCII) stands where something is missing. Below what can still be read nothing is cut, and lines are longer than
 * the terminal.
 *
 * When following, widths cannot wait for the last row: each row is printed by itself, in columns of fixed widths,
 * by the same rules and without libsmartcols.
 *
 * All words are strangers': control characters are "?" here already. */

#include "output-row.h"

#include <string.h>

#include "text-clean.h"
#include "text-wrap.h"
#include "timestamp.h"

#define COLOUR_GOOD    "\033[0;32m"
#define COLOUR_WARNING "\033[0;1;33m"
#define COLOUR_BAD     "\033[0;1;31m"
#define COLOUR_RESET   "\033[0m"

#define STOP_YEAR_COLUMNS 5   /* "2025-" */
#define DRAIN_SHARE_CLOSE 0.9 /* of what was allowed */

const StopColumnInfo stop_columns[_COLUMN_MAX] = {
        [COLUMN_WHEN] = { "WHEN", false, 0, 23, 19 },
        [COLUMN_HOST] = { "HOST", false, 5, 16, 16 },
        [COLUMN_UNIT] = { "UNIT", false, 6, 24, 16 },
        [COLUMN_CAUSE] = { "CAUSE", false, 5, 17, 17 },
        [COLUMN_BY] = { "BY", false, 5, 28, 28 },
        [COLUMN_OUTCOME] = { "OUTCOME", false, 10, 10, 10 },
        [COLUMN_DRAIN] = { "DRAIN", true, 0, 15, 9 },
        [COLUMN_TOTAL] = { "TOTAL", true, 0, 8, 5 },
        [COLUMN_LOST] = { "LOST", true, 0, 4, 4 },
        [COLUMN_EXIT] = { "EXIT", false, 4, 14, 4 },
        [COLUMN_TRUST] = { "TRUST", false, 0, 10, 10 },
};

/* ---- Cells ------------------------------------------------------------------------------------- */

void stop_row_done(StopRow *row) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                free(row->cells[i]);
}

/* As exact as is of use. */
static const char *stop_row_format_span(char buffer[static USEC_SPAN_MAX], usec_t usec) {
        usec_t accuracy_usec = USEC_PER_MINUTE;

        if (usec < USEC_PER_SEC)
                accuracy_usec = USEC_PER_MSEC;
        else if (usec < USEC_PER_MINUTE)
                accuracy_usec = 100 * USEC_PER_MSEC;
        else if (usec < USEC_PER_HOUR)
                accuracy_usec = USEC_PER_SEC;
        return usec == USEC_INFINITY ? strcpy(buffer, "-")
                                     : usec_format_span(buffer, usec, accuracy_usec);
}

/* "1.4s / 1min"; without what was allowed "1.4s". */
static char *stop_row_format_drain(const PastStop *stop) {
        char used[USEC_SPAN_MAX], allowed[USEC_SPAN_MAX], *text;

        (void) stop_row_format_span(used, stop->drain_used_usec);
        if (stop->drain_usec == USEC_INFINITY)
                return strdup(used);
        (void) usec_format_exact(allowed, stop->drain_usec);
        return asprintf(&text, "%s / %s", used, allowed) < 0 ? NULL : text;
}

/* 0 says that nobody asked for a stop. */
static char *stop_row_format_total(const PastStop *stop) {
        char text[USEC_SPAN_MAX];

        return strdup(stop_row_format_span(
                text, stop->total_usec > 0 ? stop->total_usec : USEC_INFINITY));
}

static bool stop_row_has_lost(const PastStop *stop) {
        return stop->has_active && stop->active_now != UINT64_MAX;
}

static char *stop_row_format_lost(const PastStop *stop) {
        char *text;

        if (!stop_row_has_lost(stop))
                return strdup("-");
        return asprintf(&text, "%" PRIu64, stop->active_now) < 0 ? NULL : text;
}

static const char *stop_row_outcome_colour(const PastStop *stop) {
        if (stop->state == RUN_UNRECORDED)
                return COLOUR_BAD;
        if (stop->state == RUN_RUNNING)
                return NULL;
        switch (stop->outcome) {
        case OUTCOME_CLEAN:
        case OUTCOME_EXITED:
                return COLOUR_GOOD;
        case OUTCOME_ESCALATED:
                return COLOUR_WARNING;
        case OUTCOME_KILLED:
        case OUTCOME_FAILED:
        case OUTCOME_CRASHED:
        case OUTCOME_LOST:
                return COLOUR_BAD;
        default:
                return NULL;
        }
}

static void stop_row_set_colours(StopRow *row, const PastStop *stop) {
        row->colours[COLUMN_OUTCOME] = stop_row_outcome_colour(stop);
        if (past_stop_drain_share(stop) >= DRAIN_SHARE_CLOSE)
                row->colours[COLUMN_DRAIN] = COLOUR_WARNING;
        if (stop_row_has_lost(stop) && stop->active_now > 0)
                row->colours[COLUMN_LOST] = COLOUR_BAD;
        if (stop->trust == TRUST_FORGED)
                row->colours[COLUMN_TRUST] = COLOUR_BAD;
}

bool stop_column_is_shown(const ReportPrintOptions *options, StopColumn column) {
        if (column == COLUMN_HOST)
                return options->has_host;
        return column != COLUMN_TRUST || options->has_trust;
}

int stop_row_format(StopRow *row, const PastStop *stop, const ReportPrintOptions *options) {
        char when[TIMESTAMP_MAX];

        row->cells[COLUMN_WHEN] = strdup(
                timestamp_format(when, stop->realtime_usec, TIMESTAMP_TABLE, options->is_utc));
        if (options->has_host)
                row->cells[COLUMN_HOST] = text_clean(stop->host, TEXT_TERMINAL);
        row->cells[COLUMN_UNIT] = past_stop_format_unit(stop);
        row->cells[COLUMN_CAUSE] = text_clean(past_stop_cause_word(stop), TEXT_TERMINAL);
        row->cells[COLUMN_BY] = past_stop_format_party(stop);
        row->cells[COLUMN_OUTCOME] = text_clean(past_stop_outcome_word(stop), TEXT_TERMINAL);
        row->cells[COLUMN_DRAIN] = stop_row_format_drain(stop);
        row->cells[COLUMN_TOTAL] = stop_row_format_total(stop);
        row->cells[COLUMN_LOST] = stop_row_format_lost(stop);
        row->cells[COLUMN_EXIT] = past_stop_format_exit(stop);
        if (options->has_trust)
                row->cells[COLUMN_TRUST] = strdup(record_trust_to_string(stop->trust));

        for (StopColumn i = 0; i < _COLUMN_MAX; i++)
                if (stop_column_is_shown(options, i) && !row->cells[i])
                        return -ENOMEM;
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                if (row->cells[i] && options->is_ascii)
                        text_reduce(row->cells[i]);
                else if (row->cells[i])
                        text_replace_unknown(row->cells[i]);
        if (options->has_colour)
                stop_row_set_colours(row, stop);
        return 0;
}

/* Takes away what is in front, where it is. */
static void stop_row_drop_prefix(char *text, const char *prefix) {
        const size_t size = strlen(prefix);

        if (strncmp(text, prefix, size) == 0)
                memmove(text, text + size, strlen(text + size) + 1);
}

/* Up to this long a time is as easily read in seconds alone. */
#define SHORT_SECONDS_MAX (1000 * USEC_PER_SEC)

/* "1.5", "92". Returns: whether it is one that this can be said of. */
static bool stop_row_format_seconds(char buffer[static USEC_SPAN_MAX], usec_t usec) {
        const unsigned tenths = (unsigned) (usec % USEC_PER_SEC / (100 * USEC_PER_MSEC));
        const bool is_small = usec < 10 * USEC_PER_SEC && tenths > 0;

        if (usec >= SHORT_SECONDS_MAX)
                return false;
        (void) snprintf(buffer, USEC_SPAN_MAX, is_small ? "%u.%u" : "%u",
                (unsigned) (usec / USEC_PER_SEC), tenths);
        return true;
}

static void stop_row_drop_spaces(char *text) {
        char *end = text;

        for (; *text; text++)
                if (*text != ' ')
                        *end++ = *text;
        *end = '\0';
}

/* "1.5/60s", "92/90s": shorter than what is there, so that it fits in. */
static void stop_row_shorten_drain(char *cell, const PastStop *stop) {
        char used[USEC_SPAN_MAX], allowed[USEC_SPAN_MAX], text[2 * USEC_SPAN_MAX + 2];

        stop_row_drop_spaces(cell);
        if (stop->drain_used_usec == USEC_INFINITY)
                (void) strcpy(used, "-");
        else if (!stop_row_format_seconds(used, stop->drain_used_usec))
                return;
        if (!stop_row_format_seconds(allowed, stop->drain_usec) ||
                stop->drain_usec % USEC_PER_SEC > 0)
                return;
        (void) snprintf(text, sizeof(text), "%s/%ss", used, allowed);
        if (strlen(text) <= strlen(cell))
                (void) strcpy(cell, text);
}

static void stop_row_shorten_total(char *cell, const PastStop *stop) {
        char seconds[USEC_SPAN_MAX];

        stop_row_drop_spaces(cell);
        if (stop->total_usec >= USEC_PER_MINUTE &&
                stop_row_format_seconds(seconds, stop->total_usec) &&
                strlen(seconds) < strlen(cell))
                (void) stpcpy(stpcpy(cell, seconds), "s");
}

void stop_row_shorten(StopRow *row, const PastStop *stop) {
        char *when = row->cells[COLUMN_WHEN], *date = strchr(when, ' ');
        char *suffix = strrchr(row->cells[COLUMN_UNIT], '.');

        if (date && strchr(date + 1, ' '))
                memmove(when, date + 1, strlen(date + 1) + 1);
        if (suffix && strcmp(suffix, ".service") == 0)
                *suffix = '\0';
        stop_row_shorten_drain(row->cells[COLUMN_DRAIN], stop);
        stop_row_shorten_total(row->cells[COLUMN_TOTAL], stop);
        stop_row_drop_prefix(row->cells[COLUMN_EXIT], "exited ");
        stop_row_drop_prefix(row->cells[COLUMN_EXIT], "killed ");
        stop_row_drop_prefix(row->cells[COLUMN_EXIT], "dumped ");
        stop_row_drop_prefix(row->cells[COLUMN_EXIT], "SIG");
}

void stop_row_drop_year(StopRow *row) {
        char *when = row->cells[COLUMN_WHEN], *month = strchr(when, '-');

        if (month && month > when)
                memmove(when, month + 1, strlen(month + 1) + 1);
}

int stop_row_cut(
        StopRow *row, const size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        for (size_t i = 0; i < _COLUMN_MAX; i++) {
                char *cell = row->cells[i], *cut;

                if (!cell || stop_columns[i].min_columns == 0)
                        continue;
                cut = text_cut(cell, widths[i], options->is_ascii ? ".." : "…");
                if (!cut)
                        return -ENOMEM;
                free(cell);
                row->cells[i] = cut;
        }
        return 0;
}

/* ---- Widths ------------------------------------------------------------------------------------ */

static size_t stop_widths_sum(
        const size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        size_t sum = 0;

        for (StopColumn i = 0; i < _COLUMN_MAX; i++)
                if (stop_column_is_shown(options, i))
                        sum += widths[i] + (sum > 0);
        return sum;
}

bool stop_widths_fit(const size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        return options->is_full || options->width == 0 ||
                stop_widths_sum(widths, options) <= options->width;
}

void stop_widths_narrow(size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        while (!stop_widths_fit(widths, options)) {
                size_t *widest = NULL;

                for (StopColumn i = 0; i < _COLUMN_MAX; i++)
                        if (stop_column_is_shown(options, i) && stop_columns[i].min_columns > 0 &&
                                widths[i] > stop_columns[i].min_columns &&
                                (!widest || widths[i] > *widest))
                                widest = &widths[i];
                if (!widest)
                        return;
                (*widest)--;
        }
}

/* ---- A row by itself --------------------------------------------------------------------------- */

static void line_put_cell(FILE *file, const StopRow *row, StopColumn column, size_t width) {
        const char *cell = row->cells[column], *colour = row->colours[column];
        const size_t n = text_columns(cell, strlen(cell));
        const int padding = n < width ? (int) (width - n) : 0;

        if (stop_columns[column].is_right)
                (void) fprintf(file, "%*s", padding, "");
        (void) fprintf(file, "%s%s%s", colour ?: "", cell, colour ? COLOUR_RESET : "");
        if (!stop_columns[column].is_right)
                (void) fprintf(file, "%*s", padding, "");
}

static int line_fit(StopRow *row, const PastStop *stop, size_t widths[static _COLUMN_MAX],
        const ReportPrintOptions *options) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                widths[i] = stop_columns[i].line_columns;
        if (options->is_full || options->width == 0)
                return 0;
        if (!stop_widths_fit(widths, options)) {
                for (size_t i = 0; i < _COLUMN_MAX; i++)
                        widths[i] = stop_columns[i].line_short_columns;
                stop_row_shorten(row, stop);
        }
        if (!stop_widths_fit(widths, options)) {
                widths[COLUMN_WHEN] -= STOP_YEAR_COLUMNS;
                stop_row_drop_year(row);
        }
        stop_widths_narrow(widths, options);
        return stop_row_cut(row, widths, options);
}

int report_print_line(FILE *file, const PastStop *stop, const ReportPrintOptions *options) {
        _cleanup_(stop_row_done) StopRow row = {};
        const StopColumn last = options->has_trust ? COLUMN_TRUST : COLUMN_EXIT;
        size_t widths[_COLUMN_MAX];

        assert(file);
        assert(stop);

        int r = stop_row_format(&row, stop, options);
        if (r >= 0)
                r = line_fit(&row, stop, widths, options);
        if (r < 0)
                return r;
        for (StopColumn i = 0; i <= last; i++) {
                if (!stop_column_is_shown(options, i))
                        continue;
                line_put_cell(file, &row, i, i < last ? widths[i] : 0);
                (void) fputc(i < last ? ' ' : '\n', file);
        }
        return 0;
}
