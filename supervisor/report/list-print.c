/* SPDX-License-Identifier: MIT */

/* The table. Rows are printed one by one, as in `check`, so that a line can stand below each of them.
 *
 * Names come from unit files and progress from the gateway, which anybody may have written: they are cleaned
 * here, at the edge. Nothing is judged, and no clock is read. */

#include "report/list-print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "smartcols.h"
#include "text-clean.h"
#include "text-wrap.h"

#define PRINT_PROGRESS_WIDTH 120 /* from here on it is a column */
#define PRINT_INDENT         "  "
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
        [COLUMN_UNIT] = { "UNIT", SCOLS_FL_TRUNC },
        [COLUMN_STATE] = { "STATE", 0 },
        [COLUMN_PID] = { "MAIN PID", SCOLS_FL_RIGHT },
        [COLUMN_UPTIME] = { "UPTIME", SCOLS_FL_RIGHT },
        [COLUMN_RESTARTS] = { "RESTARTS", SCOLS_FL_RIGHT },
        [COLUMN_LAST] = { "LAST", 0 },
        [COLUMN_BUDGET] = { "BUDGET", 0 },
        [COLUMN_HEARTBEAT] = { "HEARTBEAT", SCOLS_FL_RIGHT },
        [COLUMN_PROGRESS] = { "PROGRESS", SCOLS_FL_TRUNC },
};

typedef struct ListPrinter {
        FILE *file;
        const ListPrintOptions *options;
        const Smartcols *scols;
        bool has_progress; /* as a column */
} ListPrinter;

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
        return clean;
}

static int _printf_(4, 5) printer_set(const ListPrinter *printer, struct libscols_line *row,
        size_t column, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;
        char *clean;
        int r;

        va_start(arguments, format);
        r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        clean = printer_clean(printer, text);
        if (!clean || printer->scols->line_refer_data(row, column, clean) < 0) {
                free(clean);
                return -ENOMEM;
        }
        return 0;
}

static void printer_colour(
        const ListPrinter *printer, struct libscols_line *row, size_t column, const char *colour) {
        if (colour)
                (void) printer->scols->cell_set_color(
                        printer->scols->line_get_cell(row, column), colour);
}

static int printer_fill_last(
        const ListPrinter *printer, struct libscols_line *row, const ListedUnit *unit) {
        char span[USEC_SPAN_MAX];

        if (!unit->last.outcome)
                return printer_set(printer, row, COLUMN_LAST, "-");
        printer_colour(printer, row, COLUMN_LAST, outcome_colour(unit->last.outcome));
        return printer_set(printer, row, COLUMN_LAST, "%.*s %s ago", PRINT_OUTCOME_BYTES,
                unit->last.outcome, format_age(span, unit->last_age_usec));
}

static int printer_fill_numbers(
        const ListPrinter *printer, struct libscols_line *row, const ListedUnit *unit) {
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

static int printer_fill_row(const ListPrinter *printer, struct libscols_line *row,
        const ListedUnit *unit, const char *progress) {
        int r;

        r = printer_set(printer, row, COLUMN_UNIT, "%s", unit->view->name);
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
                r = printer_set(printer, row, COLUMN_PROGRESS, "%s", *progress ? progress : "-");
        if (r < 0)
                return r;
        printer_colour(printer, row, COLUMN_STATE, state_colour(unit->state));
        printer_colour(printer, row, COLUMN_BUDGET,
                unit->budget == LISTED_BUDGET_SHORT ? PRINT_YELLOW : NULL);
        return 0;
}

/* ---- The table ------------------------------------------------------------------------------- */

static int printer_fill_table(const ListPrinter *printer, struct libscols_table *table,
        const ListedUnit units[], size_t n_units, char *const progress[]) {
        const unsigned width = printer->options->width;
        int r = 0;

        (void) printer->scols->table_enable_colors(table, printer->options->has_colour);
        (void) printer->scols->table_enable_noheadings(table, !printer->options->has_legend);
        (void) printer->scols->table_set_termforce(
                table, width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
        if (width > 0)
                (void) printer->scols->table_set_termwidth(table, width);
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                if ((i != COLUMN_PROGRESS || printer->has_progress) &&
                        !printer->scols->table_new_column(table, print_columns[i].name,
                                /* whint= */ 0,
                                width > 0 ? print_columns[i].flags
                                          : print_columns[i].flags & ~SCOLS_FL_TRUNC))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_units; i++) {
                struct libscols_line *row =
                        printer->scols->table_new_line(table, /* parent= */ NULL);

                r = row ? printer_fill_row(printer, row, &units[i], progress[i]) : -ENOMEM;
        }
        return r;
}

/* The line below a row, cut. */
static int printer_put_progress(const ListPrinter *printer, const char *progress) {
        const size_t width = printer->options->width, indent = strlen(PRINT_INDENT);
        _cleanup_free_ char *clean = NULL, *cut = NULL;

        if (printer->has_progress || !*progress || width <= indent)
                return 0;
        clean = printer_clean(printer, progress);
        cut = clean ? text_cut(clean, width - indent, printer->options->is_ascii ? ".." : "…")
                    : NULL;
        if (!cut)
                return -ENOMEM;
        (void) fprintf(printer->file, PRINT_INDENT "%s\n", cut);
        return 0;
}

static int printer_put_table(const ListPrinter *printer, const ListedUnit units[], size_t n_units,
        char *const progress[]) {
        struct libscols_table *table = printer->scols->new_table();
        int r;

        r = table ? printer_fill_table(printer, table, units, n_units, progress) : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_units; i++) {
                r = smartcols_put_row(printer->file, printer->scols, table, i);
                if (r >= 0)
                        r = printer_put_progress(printer, progress[i]);
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

static void progress_free(char **progress, size_t n) {
        for (size_t i = 0; progress && i < n; i++)
                free(progress[i]);
        free(progress);
}

int list_print_table(
        FILE *file, const ListedUnit units[], size_t n_units, const ListPrintOptions *options) {
        ListPrinter printer = {
                .file = file,
                .options = options,
                .has_progress = options->width == 0 || options->width >= PRINT_PROGRESS_WIDTH,
        };
        SmartcolsLocale locale;
        char **progress;
        int r;

        assert(file && options);
        assert(units || n_units == 0);

        r = smartcols_load(&printer.scols);
        if (r < 0)
                return r;
        progress = calloc(n_units + 1, sizeof(*progress));
        if (!progress)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_units; i++) {
                progress[i] = listed_unit_format_progress(&units[i]);
                if (!progress[i])
                        r = -ENOMEM;
        }
        smartcols_locale_enter(&locale);
        if (r >= 0)
                r = printer_put_table(&printer, units, n_units, progress);
        if (r >= 0 && options->has_legend)
                printer_put_legend(&printer, units, n_units);
        smartcols_locale_leave(&locale);
        progress_free(progress, n_units);
        return r;
}
