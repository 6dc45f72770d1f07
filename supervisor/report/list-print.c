/* SPDX-License-Identifier: MIT */

/* The table. Rows are printed one by one, as in `check`, so that a line can stand below each of them.
 *
 * Names come from unit files and progress from the gateway, which anybody may have written: they are cleaned
 * here, at the edge. Nothing is judged, and no clock is read.
 *
 * libsmartcols cuts without a mark, so names are cut before, to what the other columns leave; it is told of no
 * terminal and only aligns. Where that would leave too little of a name, columns that can be done without go. */

#include "report/list-print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "smartcols.h"
#include "text-clean.h"
#include "text-wrap.h"

#define PRINT_PROGRESS_WIDTH 120 /* from here on it is a column */
#define PRINT_INDENT         "  "
#define PRINT_NAME_MIN       16 /* columns that a unit's name has, before other columns go */
#define PRINT_PROGRESS_MIN   32
#define PRINT_OUTCOME_BYTES  16 /* of a word that anybody may have written */

#define PRINT_RED    "\033[0;1;31m"
#define PRINT_YELLOW "\033[0;1;33m"
#define PRINT_GREEN  "\033[0;32m"

enum {
        COLUMN_UNIT,
        COLUMN_STATE,
        COLUMN_PID,
        COLUMN_UPTIME,
        COLUMN_RESTARTS,
        COLUMN_LAST,
        COLUMN_BUDGET,
        COLUMN_HEARTBEAT,
        COLUMN_PROGRESS,
        _COLUMN_MAX,
};

static const struct {
        const char *name;
        int flags;
} print_columns[_COLUMN_MAX] = {
        [COLUMN_UNIT] = { "UNIT", 0 },
        [COLUMN_STATE] = { "STATE", 0 },
        [COLUMN_PID] = { "MAIN PID", SCOLS_FL_RIGHT },
        [COLUMN_UPTIME] = { "UPTIME", SCOLS_FL_RIGHT },
        [COLUMN_RESTARTS] = { "RESTARTS", SCOLS_FL_RIGHT },
        [COLUMN_LAST] = { "LAST", 0 },
        [COLUMN_BUDGET] = { "BUDGET", 0 },
        [COLUMN_HEARTBEAT] = { "HEARTBEAT", SCOLS_FL_RIGHT },
        [COLUMN_PROGRESS] = { "PROGRESS", 0 },
};

/* What a narrow terminal lacks, in this order. */
static const int print_dispensable[] = { COLUMN_HEARTBEAT, COLUMN_RESTARTS, COLUMN_PID };

typedef struct ListPrinter {
        FILE *file;
        const ListPrintOptions *options;
        const Smartcols *scols;
        bool has_progress; /* as a column */
        bool is_left_out[_COLUMN_MAX];
        size_t widths[_COLUMN_MAX];
} ListPrinter;

typedef struct ListRow {
        char *cells[_COLUMN_MAX];
        const char *colours[_COLUMN_MAX];
        char *progress; /* of the line below */
} ListRow;

/* ---- Cells ----------------------------------------------------------------------------------- */

/* Two units of time are enough: "3h 5min", "12d 4h". */
static const char *format_age(char buffer[static USEC_SPAN_MAX], usec_t age_usec) {
        usec_t accuracy_usec = age_usec < USEC_PER_HOUR ? USEC_PER_SEC
                : age_usec < USEC_PER_DAY               ? USEC_PER_MINUTE
                                                        : USEC_PER_HOUR;

        if (age_usec == USEC_INFINITY)
                return "-";
        return age_usec < USEC_PER_SEC ? "0s" : usec_format_span(buffer, age_usec, accuracy_usec);
}

static const char *state_colour(ListedState state) {
        switch (state) {
        case LISTED_FAILED:
                return PRINT_RED;
        case LISTED_DRAINING:
        case LISTED_STOPPING:
        case LISTED_RESTARTING:
                return PRINT_YELLOW;
        default:
                return NULL;
        }
}

static const char *outcome_colour(const char *outcome) {
        static const struct {
                const char *outcome, *colour;
        } rows[] = {
                { "clean", PRINT_GREEN },
                { "exited", PRINT_GREEN },
                { "escalated", PRINT_YELLOW },
                { "killed", PRINT_RED },
                { "crashed", PRINT_RED },
                { "lost", PRINT_RED },
                { "failed", PRINT_RED },
                { "unrecorded", PRINT_RED },
        };

        for (size_t i = 0; outcome && i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].outcome, outcome) == 0)
                        return rows[i].colour;
        return NULL;
}

/* Text of a stranger. Returns: malloc()ed text; NULL: out of memory. */
static char *printer_clean(const ListPrinter *printer, const char *text) {
        char *clean = text_clean(text, TEXT_TERMINAL);

        if (clean && printer->options->is_ascii)
                text_reduce(clean);
        else if (clean)
                text_replace_unknown(clean);
        return clean;
}

static int _printf_(4, 5)
        printer_set(ListPrinter *printer, ListRow *row, size_t column, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;
        size_t columns;
        int r;

        va_start(arguments, format);
        r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        row->cells[column] = printer_clean(printer, text);
        if (!row->cells[column])
                return -ENOMEM;
        columns = text_columns(row->cells[column], strlen(row->cells[column]));
        if (columns > printer->widths[column])
                printer->widths[column] = columns;
        return 0;
}

static int printer_fill_last(ListPrinter *printer, ListRow *row, const ListedUnit *unit) {
        char span[USEC_SPAN_MAX];

        if (!unit->last.outcome)
                return printer_set(printer, row, COLUMN_LAST, "-");
        row->colours[COLUMN_LAST] = outcome_colour(unit->last.outcome);
        return printer_set(printer, row, COLUMN_LAST, "%.*s %s ago", PRINT_OUTCOME_BYTES,
                unit->last.outcome, format_age(span, unit->last_age_usec));
}

static int printer_fill_numbers(ListPrinter *printer, ListRow *row, const ListedUnit *unit) {
        char span[USEC_SPAN_MAX];
        int r;

        r = unit->main_pid > 0 ? printer_set(printer, row, COLUMN_PID, "%d", unit->main_pid)
                               : printer_set(printer, row, COLUMN_PID, "-");
        if (r >= 0)
                r = printer_set(
                        printer, row, COLUMN_UPTIME, "%s", format_age(span, unit->uptime_usec));
        if (r >= 0)
                r = unit->n_restarts == UINT64_MAX
                        ? printer_set(printer, row, COLUMN_RESTARTS, "-")
                        : printer_set(printer, row, COLUMN_RESTARTS, "%" PRIu64, unit->n_restarts);
        if (r >= 0)
                r = printer_set(printer, row, COLUMN_HEARTBEAT, "%s",
                        format_age(span, unit->heartbeat_age_usec));
        return r;
}

static int printer_fill_row(ListPrinter *printer, ListRow *row, const ListedUnit *unit) {
        int r;

        row->progress = listed_unit_format_progress(unit);
        r = row->progress ? printer_set(printer, row, COLUMN_UNIT, "%s", unit->view->name)
                          : -ENOMEM;
        if (r >= 0)
                r = printer_set(
                        printer, row, COLUMN_STATE, "%s", listed_state_to_string(unit->state));
        if (r >= 0)
                r = printer_fill_numbers(printer, row, unit);
        if (r >= 0)
                r = printer_fill_last(printer, row, unit);
        if (r >= 0)
                r = printer_set(printer, row, COLUMN_BUDGET, "%s",
                        listed_budget_to_string(unit->budget) ?: "-");
        if (r >= 0 && printer->has_progress)
                r = printer_set(
                        printer, row, COLUMN_PROGRESS, "%s", *row->progress ? row->progress : "-");
        row->colours[COLUMN_STATE] = state_colour(unit->state);
        row->colours[COLUMN_BUDGET] = unit->budget == LISTED_BUDGET_SHORT ? PRINT_YELLOW : NULL;
        return r;
}

static void row_done(ListRow *row) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                free(row->cells[i]);
        free(row->progress);
}

/* ---- Widths ---------------------------------------------------------------------------------- */

static bool printer_shows(const ListPrinter *printer, size_t column) {
        return !printer->is_left_out[column] &&
                (column != COLUMN_PROGRESS || printer->has_progress);
}

/* What is left for the names, and the progress behind them. */
static size_t printer_room(const ListPrinter *printer) {
        size_t used = printer->has_progress ? 2 : 1; /* the blanks between */

        for (size_t i = COLUMN_UNIT + 1; i < COLUMN_PROGRESS; i++)
                if (printer_shows(printer, i))
                        used += printer->widths[i] + (i < COLUMN_PROGRESS - 1);
        return printer->options->width > used ? printer->options->width - used : 0;
}

static size_t size_min(size_t a, size_t b) {
        return a < b ? a : b;
}

static void printer_fit(ListPrinter *printer) {
        const size_t name_min = size_min(printer->widths[COLUMN_UNIT], PRINT_NAME_MIN);
        const size_t progress_min = printer->has_progress
                ? size_min(printer->widths[COLUMN_PROGRESS], PRINT_PROGRESS_MIN)
                : 0;
        size_t room;

        if (printer->options->width == 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(print_dispensable) &&
                printer_room(printer) < name_min + progress_min;
                i++)
                printer->is_left_out[print_dispensable[i]] = true;
        room = printer_room(printer);
        /* A name goes before its progress. */
        printer->widths[COLUMN_UNIT] = size_min(printer->widths[COLUMN_UNIT],
                room > name_min + progress_min ? room - progress_min : name_min);
        if (printer->has_progress)
                printer->widths[COLUMN_PROGRESS] = room > printer->widths[COLUMN_UNIT]
                        ? room - printer->widths[COLUMN_UNIT]
                        : 1;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char *printer_mark(const ListPrinter *printer) {
        return printer->options->is_ascii ? ".." : "…";
}

/* Hands a cell over. */
static int printer_put_cell(const ListPrinter *printer, struct libscols_line *line, size_t place,
        ListRow *row, size_t i) {
        const bool is_cut =
                printer->options->width > 0 && (i == COLUMN_UNIT || i == COLUMN_PROGRESS);
        char *text = is_cut ? text_cut(row->cells[i], printer->widths[i], printer_mark(printer))
                            : TAKE_PTR(row->cells[i]);

        if (smartcols_put_cell(printer->scols, line, place, text) < 0)
                return -ENOMEM;
        if (row->colours[i])
                (void) printer->scols->cell_set_color(
                        printer->scols->line_get_cell(line, place), row->colours[i]);
        return 0;
}

static int printer_add_row(const ListPrinter *printer, struct libscols_table *table, ListRow *row) {
        struct libscols_line *line = printer->scols->table_new_line(table, /* parent= */ NULL);
        size_t place = 0;
        int r = line ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < _COLUMN_MAX; i++)
                if (printer_shows(printer, i))
                        r = printer_put_cell(printer, line, place++, row, i);
        return r;
}

static int printer_fill_table(
        const ListPrinter *printer, struct libscols_table *table, ListRow rows[], size_t n_units) {
        int r = 0;

        (void) printer->scols->table_enable_colors(table, printer->options->has_colour);
        (void) printer->scols->table_enable_noheadings(table, !printer->options->has_legend);
        (void) printer->scols->table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                if (printer_shows(printer, i) &&
                        !printer->scols->table_new_column(table,
                                printer->options->has_legend ? print_columns[i].name : "",
                                /* whint= */ 0, print_columns[i].flags))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_units; i++)
                r = printer_add_row(printer, table, &rows[i]);
        return r;
}

/* The line below a row, cut. */
static int printer_put_progress(const ListPrinter *printer, const char *progress) {
        const size_t width = printer->options->width, indent = strlen(PRINT_INDENT);
        _cleanup_free_ char *clean = NULL, *cut = NULL;

        if (printer->has_progress || !*progress || width <= indent)
                return 0;
        clean = printer_clean(printer, progress);
        cut = clean ? text_cut(clean, width - indent, printer_mark(printer)) : NULL;
        if (!cut)
                return -ENOMEM;
        (void) fprintf(printer->file, PRINT_INDENT "%s\n", cut);
        return 0;
}

static int printer_put_table(ListPrinter *printer, ListRow rows[], size_t n_units) {
        struct libscols_table *table;
        int r;

        printer_fit(printer);
        table = printer->scols->new_table();
        r = table ? printer_fill_table(printer, table, rows, n_units) : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_units; i++) {
                r = smartcols_put_row(printer->file, printer->scols, table, i);
                if (r >= 0)
                        r = printer_put_progress(printer, rows[i].progress);
        }
        printer->scols->unref_table(table);
        return r;
}

/* "3 units: 2 running, 1 draining; 1 short". */
static void printer_put_legend(
        const ListPrinter *printer, const ListedUnit units[], size_t n_units) {
        size_t n_states[_LISTED_STATE_MAX] = {}, n_short = 0;
        const char *separator = ": ";

        for (size_t i = 0; i < n_units; i++) {
                n_states[units[i].state]++;
                n_short += units[i].budget == LISTED_BUDGET_SHORT;
        }
        (void) fprintf(printer->file, "%s%zu %s", n_units > 0 ? "\n" : "", n_units,
                n_units == 1 ? "unit" : "units");
        for (ListedState state = 0; state < _LISTED_STATE_MAX; state++) {
                if (n_states[state] == 0)
                        continue;
                (void) fprintf(printer->file, "%s%zu %s", separator, n_states[state],
                        listed_state_to_string(state));
                separator = ", ";
        }
        (void) fputc('\n', printer->file);
        if (n_short > 0)
                (void) fprintf(printer->file,
                        "%zu short: gatewatch check says what systemd would cut off.\n", n_short);
}

int list_print_table(
        FILE *file, const ListedUnit units[], size_t n_units, const ListPrintOptions *options) {
        ListPrinter printer = {
                .file = file,
                .options = options,
                .has_progress = options->width == 0 || options->width >= PRINT_PROGRESS_WIDTH,
        };
        SmartcolsLocale locale;
        ListRow *rows;
        int r;

        assert(file && options);
        assert(units || n_units == 0);

        r = smartcols_load(&printer.scols);
        if (r < 0)
                return r;
        rows = calloc(n_units + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                printer.widths[i] = options->has_legend ? strlen(print_columns[i].name) : 1;
        for (size_t i = 0; r >= 0 && i < n_units; i++)
                r = printer_fill_row(&printer, &rows[i], &units[i]);
        smartcols_locale_enter(&locale);
        if (r >= 0)
                r = printer_put_table(&printer, rows, n_units);
        if (r >= 0 && options->has_legend)
                printer_put_legend(&printer, units, n_units);
        smartcols_locale_leave(&locale);
        for (size_t i = 0; i < n_units; i++)
                row_done(&rows[i]);
        free(rows);
        return r;
}
