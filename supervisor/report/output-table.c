/* SPDX-License-Identifier: MIT */

/* Past stops for people: one row a stop, one line a row.
 *
 * The cells of all rows are made first, then the widths of the columns, then the table, by libsmartcols, which
 * aligns it. Where a terminal is too narrow, what can be done without goes before anything is cut: the weekday,
 * and ".service". Then the widest of the columns that may be cut loses a column, and again, so that long
 * cells pay for long ones; "…" stands where something is missing. Below what can still be read nothing is cut,
 * and the lines are longer than the terminal.
 *
 * libsmartcols could cut by itself; how, changes with its version, and it leaves no mark.
 *
 * When following, the widths cannot wait for the last row: a row is printed by itself, in columns of fixed
 * widths, by the same rules.
 *
 * All words are strangers': on a terminal control characters are "?". */

#include <string.h>

#include "report-output.h"
#include "smartcols.h"
#include "text-clean.h"
#include "text-wrap.h"
#include "timestamp.h"

#define COLOUR_GOOD    "\033[0;32m"
#define COLOUR_WARNING "\033[0;1;33m"
#define COLOUR_BAD     "\033[0;1;31m"
#define COLOUR_RESET   "\033[0m"

#define DRAIN_SHARE_CLOSE 0.9 /* of what was allowed */

typedef enum TableColumn {
        COLUMN_WHEN,
        COLUMN_HOST,
        COLUMN_UNIT,
        COLUMN_CAUSE,
        COLUMN_BY,
        COLUMN_OUTCOME,
        COLUMN_DRAIN,
        COLUMN_TOTAL,
        COLUMN_LOST,
        COLUMN_EXIT,
        COLUMN_TRUST,
        _COLUMN_MAX,
} TableColumn;

typedef struct TableColumnInfo {
        const char *name;
        bool is_right;                             /* numbers */
        unsigned min_columns;                      /* not cut below; 0: not cut at all */
        unsigned line_columns, line_short_columns; /* of rows that are printed by themselves */
} TableColumnInfo;

static const TableColumnInfo table_columns[_COLUMN_MAX] = {
        [COLUMN_WHEN] = { "WHEN", false, 0, 23, 19 },
        [COLUMN_HOST] = { "HOST", false, 5, 16, 16 },
        [COLUMN_UNIT] = { "UNIT", false, 6, 24, 16 },
        [COLUMN_CAUSE] = { "CAUSE", false, 5, 17, 17 },
        [COLUMN_BY] = { "BY", false, 6, 28, 28 },
        [COLUMN_OUTCOME] = { "OUTCOME", false, 0, 10, 10 },
        [COLUMN_DRAIN] = { "DRAIN", true, 0, 16, 14 },
        [COLUMN_TOTAL] = { "TOTAL", true, 0, 8, 7 },
        [COLUMN_LOST] = { "LOST", true, 0, 4, 4 },
        [COLUMN_EXIT] = { "EXIT", false, 8, 14, 14 },
        [COLUMN_TRUST] = { "TRUST", false, 0, 10, 10 },
};

/* ---- Cells ------------------------------------------------------------------------------------- */

typedef struct TableRow {
        char *cells[_COLUMN_MAX]; /* clean; NULL: not shown */
        const char *colours[_COLUMN_MAX];
} TableRow;

static void row_done(TableRow *row) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                free(row->cells[i]);
}

/* As exact as is of use. */
static const char *table_format_span(char buffer[static USEC_SPAN_MAX], usec_t usec) {
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
static char *table_format_drain(const PastStop *stop) {
        char used[USEC_SPAN_MAX], allowed[USEC_SPAN_MAX], *text;

        (void) table_format_span(used, stop->drain_used_usec);
        if (stop->drain_usec == USEC_INFINITY)
                return strdup(used);
        (void) usec_format_span(allowed, stop->drain_usec, USEC_PER_MSEC);
        return asprintf(&text, "%s / %s", used, allowed) < 0 ? NULL : text;
}

/* 0 says that nobody asked for a stop. */
static char *table_format_total(const PastStop *stop) {
        char text[USEC_SPAN_MAX];

        return strdup(
                table_format_span(text, stop->total_usec > 0 ? stop->total_usec : USEC_INFINITY));
}

static bool table_has_lost(const PastStop *stop) {
        return stop->has_active && stop->active_now != UINT64_MAX;
}

static char *table_format_lost(const PastStop *stop) {
        char *text;

        if (!table_has_lost(stop))
                return strdup("-");
        return asprintf(&text, "%" PRIu64, stop->active_now) < 0 ? NULL : text;
}

static const char *table_outcome_colour(const PastStop *stop) {
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

static void row_set_colours(TableRow *row, const PastStop *stop) {
        row->colours[COLUMN_OUTCOME] = table_outcome_colour(stop);
        if (past_stop_drain_share(stop) >= DRAIN_SHARE_CLOSE)
                row->colours[COLUMN_DRAIN] = COLOUR_WARNING;
        if (table_has_lost(stop) && stop->active_now > 0)
                row->colours[COLUMN_LOST] = COLOUR_BAD;
        if (stop->trust == TRUST_FORGED)
                row->colours[COLUMN_TRUST] = COLOUR_BAD;
}

static bool column_is_shown(const ReportPrintOptions *options, TableColumn column) {
        if (column == COLUMN_HOST)
                return options->has_host;
        return column != COLUMN_TRUST || options->has_trust;
}

/* Returns: 0; -ENOMEM: some of it is there. */
static int row_format(TableRow *row, const PastStop *stop, const ReportPrintOptions *options) {
        char when[TIMESTAMP_MAX];

        row->cells[COLUMN_WHEN] = strdup(
                timestamp_format(when, stop->realtime_usec, TIMESTAMP_TABLE, options->is_utc));
        if (options->has_host)
                row->cells[COLUMN_HOST] = text_clean(stop->host, TEXT_TERMINAL);
        row->cells[COLUMN_UNIT] = past_stop_format_unit(stop);
        row->cells[COLUMN_CAUSE] = text_clean(past_stop_cause_word(stop), TEXT_TERMINAL);
        row->cells[COLUMN_BY] = past_stop_format_party(stop);
        row->cells[COLUMN_OUTCOME] = text_clean(past_stop_outcome_word(stop), TEXT_TERMINAL);
        row->cells[COLUMN_DRAIN] = table_format_drain(stop);
        row->cells[COLUMN_TOTAL] = table_format_total(stop);
        row->cells[COLUMN_LOST] = table_format_lost(stop);
        row->cells[COLUMN_EXIT] = past_stop_format_exit(stop);
        if (options->has_trust)
                row->cells[COLUMN_TRUST] = strdup(record_trust_to_string(stop->trust));

        for (TableColumn i = 0; i < _COLUMN_MAX; i++)
                if (column_is_shown(options, i) && !row->cells[i])
                        return -ENOMEM;
        if (options->has_colour)
                row_set_colours(row, stop);
        return 0;
}

/* Takes away what can be done without: the weekday, and ".service". */
static void row_shorten(TableRow *row) {
        char *when = row->cells[COLUMN_WHEN], *date = strchr(when, ' ');
        char *suffix = strstr(row->cells[COLUMN_UNIT], ".service");

        if (date && strchr(date + 1, ' '))
                memmove(when, date + 1, strlen(date + 1) + 1);
        if (suffix && strcmp(suffix, ".service") == 0)
                *suffix = '\0';
}

static int row_cut(TableRow *row, const size_t widths[static _COLUMN_MAX]) {
        for (size_t i = 0; i < _COLUMN_MAX; i++) {
                char *cell = row->cells[i], *cut;

                if (!cell || table_columns[i].min_columns == 0 ||
                        text_columns(cell, strlen(cell)) <= widths[i])
                        continue;
                if (asprintf(&cut, "%.*s…", (int) text_fit(cell, widths[i] - 1), cell) < 0)
                        return -ENOMEM;
                free(cell);
                row->cells[i] = cut;
        }
        return 0;
}

/* ---- Widths ------------------------------------------------------------------------------------ */

static size_t widths_sum(
        const size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        size_t sum = 0;

        for (TableColumn i = 0; i < _COLUMN_MAX; i++)
                if (column_is_shown(options, i))
                        sum += widths[i] + (sum > 0);
        return sum;
}

static bool widths_fit(const size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        return options->is_full || options->width == 0 ||
                widths_sum(widths, options) <= options->width;
}

/* Narrows columns until they fit, or none may be narrower. */
static void widths_narrow(size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        while (!widths_fit(widths, options)) {
                size_t *widest = NULL;

                for (TableColumn i = 0; i < _COLUMN_MAX; i++)
                        if (column_is_shown(options, i) && table_columns[i].min_columns > 0 &&
                                widths[i] > table_columns[i].min_columns &&
                                (!widest || widths[i] > *widest))
                                widest = &widths[i];
                if (!widest)
                        return;
                (*widest)--;
        }
}

/* ---- The table --------------------------------------------------------------------------------- */

typedef struct TablePrinter {
        const ReportPrintOptions *options;
        TableRow *rows;
        size_t n_rows;
        const Smartcols *scols;
        struct libscols_table *table;
} TablePrinter;

static void printer_done(TablePrinter *printer) {
        for (size_t i = 0; i < printer->n_rows; i++)
                row_done(&printer->rows[i]);
        free(printer->rows);
        if (printer->table)
                printer->scols->unref_table(printer->table);
}

static int printer_format(TablePrinter *printer, const StopList *list) {
        int r = 0;

        printer->rows = calloc(list->n + 1, sizeof(*printer->rows));
        if (!printer->rows)
                return -ENOMEM;
        for (; r >= 0 && printer->n_rows < list->n; printer->n_rows++)
                r = row_format(&printer->rows[printer->n_rows], &list->stops[printer->n_rows],
                        printer->options);
        return r;
}

static void printer_measure(const TablePrinter *printer, size_t widths[static _COLUMN_MAX]) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                widths[i] = printer->options->has_legend ? strlen(table_columns[i].name) : 1;
        for (size_t i = 0; i < printer->n_rows; i++)
                for (size_t j = 0; j < _COLUMN_MAX; j++) {
                        const char *cell = printer->rows[i].cells[j];
                        const size_t n = cell ? text_columns(cell, strlen(cell)) : 0;

                        if (n > widths[j])
                                widths[j] = n;
                }
}

static int printer_fit(TablePrinter *printer) {
        size_t widths[_COLUMN_MAX];
        int r = 0;

        printer_measure(printer, widths);
        if (widths_fit(widths, printer->options))
                return 0;
        for (size_t i = 0; i < printer->n_rows; i++)
                row_shorten(&printer->rows[i]);
        printer_measure(printer, widths);
        widths_narrow(widths, printer->options);
        for (size_t i = 0; r >= 0 && i < printer->n_rows; i++)
                r = row_cut(&printer->rows[i], widths);
        return r;
}

/* Hands the cells over. */
static int printer_add_row(TablePrinter *printer, TableRow *row) {
        struct libscols_line *line =
                printer->scols->table_new_line(printer->table, /* parent= */ NULL);
        size_t n = 0;

        if (!line)
                return -ENOMEM;
        for (TableColumn i = 0; i < _COLUMN_MAX; i++) {
                if (!column_is_shown(printer->options, i))
                        continue;
                if (printer->scols->line_refer_data(line, n, row->cells[i]) < 0)
                        return -ENOMEM;
                row->cells[i] = NULL;
                if (row->colours[i] &&
                        printer->scols->cell_set_color(
                                printer->scols->line_get_cell(line, n), row->colours[i]) < 0)
                        return -ENOMEM;
                n++;
        }
        return 0;
}

static int printer_fill(TablePrinter *printer) {
        int r = 0;

        printer->table = printer->scols->new_table();
        if (!printer->table)
                return -ENOMEM;
        (void) printer->scols->table_enable_colors(printer->table, printer->options->has_colour);
        (void) printer->scols->table_enable_noheadings(
                printer->table, !printer->options->has_legend);
        (void) printer->scols->table_set_termforce(printer->table, SCOLS_TERMFORCE_NEVER);

        for (TableColumn i = 0; i < _COLUMN_MAX; i++)
                if (column_is_shown(printer->options, i) &&
                        !printer->scols->table_new_column(printer->table, table_columns[i].name,
                                /* whint= */ 0, table_columns[i].is_right ? SCOLS_FL_RIGHT : 0))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < printer->n_rows; i++)
                r = printer_add_row(printer, &printer->rows[i]);
        return r;
}

static int printer_put(TablePrinter *printer, FILE *file, const StopList *list) {
        SmartcolsLocale locale;

        int r = printer_format(printer, list);
        if (r >= 0)
                r = printer_fit(printer);
        if (r < 0)
                return r;

        smartcols_locale_enter(&locale);
        r = printer_fill(printer);
        if (r >= 0)
                r = printer->scols->table_set_stream(printer->table, file);
        if (r >= 0)
                r = printer->scols->print_table(printer->table);
        smartcols_locale_leave(&locale);
        return r;
}

/* ---- The last line ----------------------------------------------------------------------------- */

typedef struct TableTally {
        size_t n_stops, n_by_outcome[_OUTCOME_MAX], n_unrecorded, n_others, n_running, n_forged;
} TableTally;

static void tally_count(TableTally *tally, const PastStop *stop) {
        if (stop->trust == TRUST_FORGED)
                tally->n_forged++;
        else if (stop->state == RUN_RUNNING)
                tally->n_running++;
        else {
                tally->n_stops++;
                if (stop->state == RUN_UNRECORDED)
                        tally->n_unrecorded++;
                else if (stop->outcome < 0)
                        tally->n_others++;
                else
                        tally->n_by_outcome[stop->outcome]++;
        }
}

/* ", 2 killed"; nothing when there is none. */
static void tally_put(FILE *file, const char **separator, size_t n, const char *word) {
        if (n == 0)
                return;
        (void) fprintf(file, "%s%zu %s", *separator, n, word);
        *separator = ", ";
}

/* "42 stops: 40 clean, 1 killed, 1 lost; 1 running; 2 forged". */
static void table_put_tally(FILE *file, const StopList *list) {
        TableTally tally = {};
        const char *separator = ": ";

        for (size_t i = 0; i < list->n; i++)
                tally_count(&tally, &list->stops[i]);
        (void) fprintf(file, "%s%zu %s", list->n > 0 ? "\n" : "", tally.n_stops,
                tally.n_stops == 1 ? "stop" : "stops");
        for (Outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++)
                tally_put(
                        file, &separator, tally.n_by_outcome[outcome], outcome_to_string(outcome));
        tally_put(file, &separator, tally.n_others, "other");
        tally_put(file, &separator, tally.n_unrecorded, "unrecorded");
        separator = "; ";
        tally_put(file, &separator, tally.n_running, "running");
        separator = "; ";
        tally_put(file, &separator, tally.n_forged, "forged");
        (void) fputc('\n', file);
}

int report_print_table(FILE *file, const StopList *list, const ReportPrintOptions *options) {
        _cleanup_(printer_done) TablePrinter printer = { .options = options };
        int r = 0;

        assert(file);
        assert(list);
        assert(options);

        if (list->n > 0) {
                r = smartcols_load(&printer.scols);
                if (r >= 0)
                        r = printer_put(&printer, file, list);
        }
        if (r >= 0 && options->has_legend)
                table_put_tally(file, list);
        return r;
}

/* ---- A row by itself --------------------------------------------------------------------------- */

static void line_put_cell(FILE *file, const TableRow *row, TableColumn column, size_t width) {
        const char *cell = row->cells[column], *colour = row->colours[column];
        const size_t n = text_columns(cell, strlen(cell));
        const int padding = n < width ? (int) (width - n) : 0;

        if (table_columns[column].is_right)
                (void) fprintf(file, "%*s", padding, "");
        (void) fprintf(file, "%s%s%s", colour ?: "", cell, colour ? COLOUR_RESET : "");
        if (!table_columns[column].is_right)
                (void) fprintf(file, "%*s", padding, "");
}

static int line_fit(
        TableRow *row, size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                widths[i] = table_columns[i].line_columns;
        if (widths_fit(widths, options))
                return options->is_full || options->width == 0 ? 0 : row_cut(row, widths);

        for (size_t i = 0; i < _COLUMN_MAX; i++)
                widths[i] = table_columns[i].line_short_columns;
        row_shorten(row);
        widths_narrow(widths, options);
        return row_cut(row, widths);
}

int report_print_line(FILE *file, const PastStop *stop, const ReportPrintOptions *options) {
        _cleanup_(row_done) TableRow row = {};
        const TableColumn last = options->has_trust ? COLUMN_TRUST : COLUMN_EXIT;
        size_t widths[_COLUMN_MAX];

        assert(file);
        assert(stop);

        int r = row_format(&row, stop, options);
        if (r >= 0)
                r = line_fit(&row, widths, options);
        if (r < 0)
                return r;
        for (TableColumn i = 0; i <= last; i++) {
                if (!column_is_shown(options, i))
                        continue;
                line_put_cell(file, &row, i, i < last ? widths[i] : 0);
                (void) fputc(i < last ? ' ' : '\n', file);
        }
        return 0;
}
