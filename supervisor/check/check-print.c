/* SPDX-License-Identifier: MIT */

/* What check found, for people.
 *
 * Per unit a line that says what it has in time, then its findings as rows of one
 * table, each with its sentence and its mend right below. libsmartcols measures and aligns; the
 * rows are printed one by one, since its tables cannot hold text between rows.
 *
 * Names, paths and values come from unit files, which anybody may have written: on a terminal
 * control characters (C0, DEL, and C1 in its UTF-8 form) are "?", what is no UTF-8 is U+FFFD.
 *
 * Nothing is judged here, and the exit status is not known here. */

#include "check/check-print.h"

#include <string.h>

#include "check/remedy.h"
#include "smartcols.h"
#include "text-clean.h"
#include "text-wrap.h"

#define PRINT_INDENT "         " /* the width of SEVERITY, and the space behind it */
/* Of a setting on a terminal: a command line would push its file out of sight. */
#define PRINT_SETTING_COLUMNS 48

#define PRINT_BOLD  "\033[1m"
#define PRINT_RESET "\033[0m"

/* ---- Text ------------------------------------------------------------------------------------ */

/* "KillMode=control-group"; "-" where the finding is about no setting. */
static char *print_format_setting(const UnitView *view, ViewKey key, size_t columns) {
        const ViewKeyInfo *info = view_key_info(key);
        _cleanup_free_ char *value = NULL, *text = NULL, *clean = NULL;

        if (!info)
                return strdup("-");
        value = unit_view_format(view, key);
        if (!value || asprintf(&text, "%s=%s", info->setting ?: info->property, value) < 0)
                return NULL;
        clean = text_clean(text, TEXT_TERMINAL);
        return clean ? text_cut(clean, columns, "…") : NULL;
}

/* Where its value comes from. */
static const char *print_find_from(const UnitView *view, ViewKey key) {
        const ViewKeyInfo *info = view_key_info(key);

        if (!info)
                return "-";
        switch (view->values[key].origin) {
        case VIEW_ORIGIN_FRAGMENT:
        case VIEW_ORIGIN_DROP_IN:
                return view->values[key].source;
        case VIEW_ORIGIN_MANAGER:
                return info->manager_default ?: "default";
        case VIEW_ORIGIN_DEFAULT:
                return "default";
        case VIEW_ORIGIN_UNKNOWN:
                return "unknown";
        default:
                return "-";
        }
}

/* "drain 3min, headroom 30s, TimeoutStopSec=1min 30s". */
static void print_put_times(const Lint *lint, FILE *file) {
        const ViewValue *timeout = &lint->view->values[VIEW_TIMEOUT_STOP_USEC];
        const RuleInput *input = &lint->input;
        char span[USEC_SPAN_MAX];

        if (!input->is_supervised)
                (void) fputs("not under gatewatch, ", file);
        if (!input->has_drain) {
                (void) fputs("drain not known", file);
                return;
        }
        (void) fprintf(file, "drain %s, ",
                usec_format_span(span, input->budget.drain_usec, /* accuracy_usec= */ 1));
        (void) fprintf(file, "headroom %s",
                usec_format_span(span, input->headroom_usec, /* accuracy_usec= */ 1));
        if (timeout->is_known)
                (void) fprintf(file, ", TimeoutStopSec=%s",
                        usec_format_span(span, timeout->number, /* accuracy_usec= */ 1));
}

/* ---- The table ------------------------------------------------------------------------------- */

enum {
        COLUMN_SEVERITY,
        COLUMN_FINDING,
        COLUMN_SETTING,
        COLUMN_FROM,
        _COLUMN_MAX,
};

static const char *const print_columns[_COLUMN_MAX] = {
        [COLUMN_SEVERITY] = "SEVERITY",
        [COLUMN_FINDING] = "FINDING",
        [COLUMN_SETTING] = "SETTING",
        [COLUMN_FROM] = "FROM",
};

/* As systemctl has them. */
static const char *const print_colours[_SEVERITY_MAX] = {
        [SEVERITY_HINT] = "\033[0;1;39m",
        [SEVERITY_WARNING] = "\033[0;1;33m",
        [SEVERITY_ERROR] = "\033[0;1;31m",
};

typedef struct CheckPrinter {
        FILE *file;
        const CheckPrintOptions *options;
        const Smartcols *scols;
        bool has_body;   /* lines of another kind came last: an empty line ends them */
        bool is_fixable; /* by a drop-in, one finding at least */
        size_t n_findings[_SEVERITY_MAX];
} CheckPrinter;

/* Writes a text that wraps: the prefix, then the words. */
static int printer_put_text(CheckPrinter *printer, const char *prefix, const char *text) {
        _cleanup_free_ char *clean = text_clean(text, TEXT_TERMINAL);

        if (!clean)
                return -ENOMEM;
        text_wrap(printer->file, prefix, clean, printer->options->width);
        return 0;
}

/* Writes a line that is to be copied: it never wraps. */
static int printer_put_line(CheckPrinter *printer, const char *text) {
        _cleanup_free_ char *clean = text_clean(text, TEXT_TERMINAL);

        if (!clean)
                return -ENOMEM;
        (void) fprintf(printer->file, PRINT_INDENT "%s\n", clean);
        return 0;
}

static int printer_put_mend(CheckPrinter *printer, const UnitView *view, const Mend *mend) {
        const ViewKey key = view_key_from_setting(mend->section, mend->setting);
        _cleanup_free_ char *line = NULL, *where = NULL;

        if (asprintf(&line, "[%s] %s=%s", mend->section, mend->setting, mend->value) < 0)
                return -ENOMEM;
        int r = printer_put_line(printer, line);
        if (r < 0 || !remedy_is_overridden(view, mend))
                return r;

        if (asprintf(&where, "Change it in %s: that file is read after " REMEDY_FILE,
                    view->values[key].source) < 0)
                return -ENOMEM;
        return printer_put_text(printer, PRINT_INDENT, where);
}

/* What stands below a finding's row. */
static int printer_put_finding(
        CheckPrinter *printer, const UnitView *view, const Finding *finding) {
        const RemedyObstacle obstacle = remedy_obstacle(view, finding);

        printer->n_findings[finding->severity]++;
        printer->is_fixable = printer->is_fixable || obstacle == REMEDY_POSSIBLE;

        int r = printer_put_text(printer, PRINT_INDENT, finding->message);
        for (size_t i = 0; r >= 0 && i < finding->n_mends; i++)
                r = printer_put_mend(printer, view, &finding->mends[i]);
        if (r >= 0 && finding->command)
                r = printer_put_line(printer, finding->command);
        return r;
}

static int printer_fill_row(const CheckPrinter *printer, struct libscols_line *row,
        const UnitView *view, const Finding *finding) {
        _cleanup_free_ char *from = text_clean(print_find_from(view, finding->key), TEXT_TERMINAL);
        char *setting = print_format_setting(
                view, finding->key, printer->options->width > 0 ? PRINT_SETTING_COLUMNS : SIZE_MAX);

        if (!setting || printer->scols->line_refer_data(row, COLUMN_SETTING, setting) < 0) {
                free(setting);
                return -ENOMEM;
        }
        if (!from || printer->scols->line_set_data(row, COLUMN_FROM, from) < 0 ||
                printer->scols->line_set_data(row, COLUMN_FINDING, finding->rule->id) < 0 ||
                printer->scols->line_set_data(
                        row, COLUMN_SEVERITY, severity_to_string(finding->severity)) < 0)
                return -ENOMEM;
        return printer->scols->cell_set_color(printer->scols->line_get_cell(row, COLUMN_SEVERITY),
                print_colours[finding->severity]);
}

static int printer_fill_table(
        const CheckPrinter *printer, const Lint *lint, struct libscols_table *table) {
        const unsigned width = printer->options->width;
        int r = 0;

        (void) printer->scols->table_enable_colors(table, printer->options->has_colour);
        (void) printer->scols->table_enable_noheadings(table, !printer->options->has_legend);
        (void) printer->scols->table_set_termforce(
                table, width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
        if (width > 0)
                (void) printer->scols->table_set_termwidth(table, width);

        for (size_t i = 0; r >= 0 && i < _COLUMN_MAX; i++)
                if (!printer->scols->table_new_column(
                            table, print_columns[i], /* whint= */ 0, /* flags= */ 0))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < lint->n_findings; i++) {
                struct libscols_line *row =
                        printer->scols->table_new_line(table, /* parent= */ NULL);

                r = row ? printer_fill_row(printer, row, lint->view, &lint->findings[i]) : -ENOMEM;
        }
        return r;
}

static int printer_put_findings(CheckPrinter *printer, const Lint *lint) {
        struct libscols_table *table = printer->scols->new_table();

        int r = table ? printer_fill_table(printer, lint, table) : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < lint->n_findings; i++) {
                r = smartcols_put_row(printer->file, printer->scols, table, i);
                if (r >= 0)
                        r = printer_put_finding(printer, lint->view, &lint->findings[i]);
        }
        printer->scols->unref_table(table);
        return r;
}

/* What cannot be known here. */
static int printer_put_unknown(CheckPrinter *printer, const char *unknown) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "not known: %s", unknown) < 0)
                return -ENOMEM;
        return printer_put_text(printer, "", text);
}

static int printer_put_heading(CheckPrinter *printer, const Lint *lint) {
        const bool has_colour = printer->options->has_colour;
        _cleanup_free_ char *name = text_clean(lint->view->name, TEXT_TERMINAL);

        if (!name)
                return -ENOMEM;
        (void) fprintf(printer->file, "%s%s%s: ", has_colour ? PRINT_BOLD : "", name,
                has_colour ? PRINT_RESET : "");
        if (lint->n_findings == 0)
                (void) fputs("nothing found (", printer->file);
        print_put_times(lint, printer->file);
        (void) fputs(lint->n_findings == 0 ? ")\n" : "\n", printer->file);
        return 0;
}

static int printer_put_unit(CheckPrinter *printer, const Lint *lint, bool is_first) {
        const bool has_body = lint->n_findings > 0 || strv_length(lint->unknown) > 0;

        if (printer->has_body || (has_body && !is_first))
                (void) fputc('\n', printer->file);
        printer->has_body = has_body;

        int r = printer_put_heading(printer, lint);
        if (r >= 0 && lint->n_findings > 0)
                r = printer_put_findings(printer, lint);
        for (char **unknown = lint->unknown; r >= 0 && unknown && *unknown; unknown++)
                r = printer_put_unknown(printer, *unknown);
        return r;
}

static void printer_put_legend(CheckPrinter *printer, size_t n_units) {
        const char *separator = ": ";

        if (printer->has_body)
                (void) fputc('\n', printer->file);
        (void) fprintf(printer->file, "%zu %s checked", n_units, n_units == 1 ? "unit" : "units");
        for (int i = _SEVERITY_MAX - 1; i >= 0; i--) {
                if (printer->n_findings[i] == 0)
                        continue;
                (void) fprintf(printer->file, "%s%zu %s%s", separator, printer->n_findings[i],
                        severity_to_string(i), printer->n_findings[i] == 1 ? "" : "s");
                separator = ", ";
        }
        (void) fputs(*separator == ':' ? ": nothing found\n" : "\n", printer->file);
        if (printer->is_fixable)
                (void) fputs("gatewatch check --fix prints the drop-ins.\n", printer->file);
}

static int printer_put_units(CheckPrinter *printer, const Lint lints[], size_t n_lints) {
        bool is_first = true;

        for (size_t i = 0; i < n_lints; i++) {
                if (printer->options->is_quiet && lints[i].n_findings == 0)
                        continue;
                int r = printer_put_unit(printer, &lints[i], is_first);
                if (r < 0)
                        return r;
                is_first = false;
        }
        if (printer->options->has_legend)
                printer_put_legend(printer, n_lints);
        return 0;
}

int check_print_table(
        FILE *file, const Lint lints[], size_t n_lints, const CheckPrintOptions *options) {
        CheckPrinter printer = { .file = file, .options = options };
        SmartcolsLocale locale;

        assert(file);
        assert(lints || n_lints == 0);
        assert(options);

        int r = smartcols_load(&printer.scols);
        if (r < 0)
                return r;

        smartcols_locale_enter(&locale);
        r = printer_put_units(&printer, lints, n_lints);
        smartcols_locale_leave(&locale);
        return r;
}
