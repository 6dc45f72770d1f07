/* SPDX-License-Identifier: MIT */

/* Past stops for people: one row a stop, one line a row, and a last line that counts them.
 *
 * The cells of all rows are made first, then the widths of the columns, then the table, by libsmartcols, which
 * aligns it. It could cut cells by itself; how, changes with its version, and it leaves no mark, so they are cut
 * before (output-row.c), and it is told of no terminal. */

#include <string.h>

#include "output-row.h"
#include "report-output.h"
#include "smartcols.h"
#include "text-wrap.h"

/* ---- The table --------------------------------------------------------------------------------- */

typedef struct TablePrinter {
        const ReportPrintOptions *options;
        StopRow *rows;
        size_t n_rows;
        const Smartcols *scols;
        struct libscols_table *table;
} TablePrinter;

static void printer_done(TablePrinter *printer) {
        for (size_t i = 0; i < printer->n_rows; i++)
                stop_row_done(&printer->rows[i]);
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
                r = stop_row_format(&printer->rows[printer->n_rows], &list->stops[printer->n_rows],
                        printer->options);
        return r;
}

static void printer_measure(const TablePrinter *printer, size_t widths[static _COLUMN_MAX]) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                widths[i] = printer->options->has_legend ? strlen(stop_columns[i].name) : 1;
        for (size_t i = 0; i < printer->n_rows; i++)
                for (size_t j = 0; j < _COLUMN_MAX; j++) {
                        const char *cell = printer->rows[i].cells[j];
                        const size_t n = cell ? text_columns(cell, strlen(cell)) : 0;

                        if (n > widths[j])
                                widths[j] = n;
                }
}

static int printer_fit(TablePrinter *printer, const StopList *list) {
        size_t widths[_COLUMN_MAX];
        int r = 0;

        printer_measure(printer, widths);
        if (stop_widths_fit(widths, printer->options))
                return 0;
        for (size_t i = 0; i < printer->n_rows; i++)
                stop_row_shorten(&printer->rows[i], &list->stops[i]);
        printer_measure(printer, widths);
        if (!stop_widths_fit(widths, printer->options)) {
                for (size_t i = 0; i < printer->n_rows; i++)
                        stop_row_drop_year(&printer->rows[i]);
                printer_measure(printer, widths);
        }
        stop_widths_narrow(widths, printer->options);
        for (size_t i = 0; r >= 0 && i < printer->n_rows; i++)
                r = stop_row_cut(&printer->rows[i], widths, printer->options);
        return r;
}

/* Hands the cells over. */
static int printer_add_row(TablePrinter *printer, StopRow *row) {
        struct libscols_line *line =
                printer->scols->table_new_line(printer->table, /* parent= */ NULL);
        size_t n = 0;

        if (!line)
                return -ENOMEM;
        for (StopColumn i = 0; i < _COLUMN_MAX; i++) {
                if (!stop_column_is_shown(printer->options, i))
                        continue;
                if (smartcols_put_cell(printer->scols, line, n, TAKE_PTR(row->cells[i])) < 0)
                        return -ENOMEM;
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

        for (StopColumn i = 0; i < _COLUMN_MAX; i++)
                if (stop_column_is_shown(printer->options, i) &&
                        !printer->scols->table_new_column(printer->table,
                                printer->options->has_legend ? stop_columns[i].name : "",
                                /* whint= */ 0, stop_columns[i].is_right ? SCOLS_FL_RIGHT : 0))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < printer->n_rows; i++)
                r = printer_add_row(printer, &printer->rows[i]);
        return r;
}

static int printer_put(TablePrinter *printer, FILE *file, const StopList *list) {
        SmartcolsLocale locale;

        int r = printer_format(printer, list);
        if (r >= 0)
                r = printer_fit(printer, list);
        if (r < 0)
                return r;

        smartcols_locale_enter(&locale);
        r = printer_fill(printer);
        if (r >= 0)
                r = smartcols_put_table(file, printer->scols, printer->table);
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
