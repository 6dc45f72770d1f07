/* SPDX-License-Identifier: MIT */

/* What check found, on paper.
 *
 * For people: per unit a line that says what it has in time, then its findings as rows of one
 * table, each with its sentence and its mend right below. libsmartcols measures and aligns; the
 * rows are printed one by one, since its tables cannot hold text between rows.
 *
 * For programs: everything again as JSON, with numbers as numbers.
 *
 * libsmartcols reads text by the locale, and of what that does not know it prints the bytes'
 * numbers (told not to, 2.38 never returns). Unit files are UTF-8, so the table is made under a
 * UTF-8 locale, this thread's only, whatever the process has.
 *
 * Names, paths and values come from unit files, which anybody may have written: on a terminal
 * control characters (C0, DEL, and C1 in its UTF-8 form) are "?", what is no UTF-8 is U+FFFD. In
 * JSON control characters of C0 stay, which json-c escapes.
 *
 * Nothing is judged here, and the exit status is not known here. */

#include "check/check-print.h"

#include <limits.h>
#include <locale.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <json-c/json.h>
#include <libsmartcols.h>

#include "check/remedy.h"
#include "check/text-clean.h"
#include "check/text-wrap.h"

#define PRINT_INDENT        "         " /* the width of SEVERITY, and the space behind it */
#define PRINT_DEFAULT_WIDTH 80
/* Of a setting on a terminal: a command line would push its file out of sight. */
#define PRINT_SETTING_COLUMNS 48

#define PRINT_BOLD  "\033[1m"
#define PRINT_RESET "\033[0m"

static const char *const json_mode_table[_JSON_MODE_MAX] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
};

JsonMode json_mode_from_string(const char *name) {
        for (int i = 0; i < _JSON_MODE_MAX; i++)
                if (strcmp(json_mode_table[i], name) == 0)
                        return i;
        return _JSON_MODE_INVALID;
}

/* ---- The terminal ---------------------------------------------------------------------------- */

/* What SYSTEMD_COLORS says. Returns: 1, 0; -ENODATA: nothing that systemd understands. */
static int print_read_systemd_colors(void) {
        static const char *const on[] = { "1", "yes", "y", "true", "t", "on", "16", "256", "24bit",
                "auto-16", "auto-256", "auto-24bit" };
        static const char *const off[] = { "0", "no", "n", "false", "f", "off" };
        const char *value = getenv("SYSTEMD_COLORS");

        for (size_t i = 0; value && i < ELEMENTSOF(on); i++)
                if (strcasecmp(value, on[i]) == 0)
                        return 1;
        for (size_t i = 0; value && i < ELEMENTSOF(off); i++)
                if (strcasecmp(value, off[i]) == 0)
                        return 0;
        return -ENODATA;
}

bool check_print_wants_colour(FILE *file) {
        const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR");

        /* Before NO_COLOR, as it is the more specific one; systemd's programs do so. */
        int r = print_read_systemd_colors();
        if (r >= 0)
                return r;
        if (no_colour && *no_colour)
                return false;
        return isatty(fileno(file)) && terminal && strcmp(terminal, "dumb") != 0;
}

unsigned check_print_width(FILE *file) {
        struct winsize size = {};
        const char *columns = getenv("COLUMNS");

        if (!isatty(fileno(file)))
                return 0;
        if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;

        unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
        return width > 0 && width <= USHRT_MAX ? (unsigned) width : PRINT_DEFAULT_WIDTH;
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* Takes clean text over and cuts it. Returns: malloc()ed text; NULL: out of memory. */
static char *print_cut(char *clean, size_t columns) {
        char *cut;

        if (!clean || text_columns(clean, strlen(clean)) <= columns)
                return clean;
        if (asprintf(&cut, "%.*s…", (int) text_fit(clean, columns - 1), clean) < 0)
                cut = NULL;
        free(clean);
        return cut;
}

/* "KillMode=control-group"; "-" where the finding is about no setting. */
static char *print_format_setting(const UnitView *view, ViewKey key, size_t columns) {
        const ViewKeyInfo *info = view_key_info(key);
        _cleanup_free_ char *value = NULL, *text = NULL;

        if (!info)
                return strdup("-");
        value = unit_view_format(view, key);
        if (!value || asprintf(&text, "%s=%s", info->setting ?: info->property, value) < 0)
                return NULL;
        return print_cut(text_clean(text, TEXT_TERMINAL), columns);
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

        if (!setting || scols_line_refer_data(row, COLUMN_SETTING, setting) < 0) {
                free(setting);
                return -ENOMEM;
        }
        if (!from || scols_line_set_data(row, COLUMN_FROM, from) < 0 ||
                scols_line_set_data(row, COLUMN_FINDING, finding->rule->id) < 0 ||
                scols_line_set_data(row, COLUMN_SEVERITY, severity_to_string(finding->severity)) <
                        0)
                return -ENOMEM;
        return scols_cell_set_color(
                scols_line_get_cell(row, COLUMN_SEVERITY), print_colours[finding->severity]);
}

static int printer_fill_table(
        const CheckPrinter *printer, const Lint *lint, struct libscols_table *table) {
        const unsigned width = printer->options->width;
        int r = 0;

        (void) scols_table_enable_colors(table, printer->options->has_colour);
        (void) scols_table_enable_noheadings(table, !printer->options->has_legend);
        (void) scols_table_set_termforce(
                table, width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
        if (width > 0)
                (void) scols_table_set_termwidth(table, width);

        for (size_t i = 0; r >= 0 && i < _COLUMN_MAX; i++)
                if (!scols_table_new_column(
                            table, print_columns[i], /* whint= */ 0, /* flags= */ 0))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < lint->n_findings; i++) {
                struct libscols_line *row = scols_table_new_line(table, /* parent= */ NULL);

                r = row ? printer_fill_row(printer, row, lint->view, &lint->findings[i]) : -ENOMEM;
        }
        return r;
}

/* Returns: the locale to go back to with uselocale(3). */
static locale_t print_enter_locale(locale_t *ret_utf8) {
        *ret_utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", /* base= */ (locale_t) 0);
        return uselocale(*ret_utf8); /* 0, where there is no such locale, changes nothing */
}

/* Writes a row, the first one below the header. */
static int printer_put_row(CheckPrinter *printer, struct libscols_table *table, size_t index) {
        struct libscols_line *row = scols_table_get_line(table, index);
        _cleanup_free_ char *text = NULL;

        int r = scols_table_print_range_to_string(table, row, row, &text);
        if (r < 0)
                return r;

        /* The last one has no line end, or has one, by version. */
        size_t size = strlen(text);
        while (size > 0 && strchr(" \n", text[size - 1]))
                size--;
        (void) fprintf(printer->file, "%.*s\n", (int) size, text);
        return 0;
}

static int printer_put_findings(CheckPrinter *printer, const Lint *lint) {
        struct libscols_table *table = scols_new_table();

        int r = table ? printer_fill_table(printer, lint, table) : -ENOMEM;
        for (size_t i = 0; r >= 0 && i < lint->n_findings; i++) {
                r = printer_put_row(printer, table, i);
                if (r >= 0)
                        r = printer_put_finding(printer, lint->view, &lint->findings[i]);
        }
        scols_unref_table(table);
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
        locale_t utf8;

        assert(file);
        assert(lints || n_lints == 0);
        assert(options);

        const locale_t before = print_enter_locale(&utf8);
        int r = printer_put_units(&printer, lints, n_lints);
        (void) uselocale(before);
        if (utf8)
                freelocale(utf8);
        return r;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* json-c has NULL for null, so that a lack of memory has to be remembered. */
typedef struct JsonWriter {
        bool is_out_of_memory;
} JsonWriter;

static json_object *writer_keep(JsonWriter *writer, json_object *value) {
        if (!value)
                writer->is_out_of_memory = true;
        return value;
}

/* Hands the value over. */
static void writer_put(
        JsonWriter *writer, json_object *object, const char *key, json_object *value) {
        if (!object || json_object_object_add(object, key, value) < 0) {
                writer->is_out_of_memory = true;
                (void) json_object_put(value);
        }
}

static void writer_append(JsonWriter *writer, json_object *array, json_object *value) {
        if (!array || json_object_array_add(array, value) < 0) {
                writer->is_out_of_memory = true;
                (void) json_object_put(value);
        }
}

/* NULL is null. */
static json_object *writer_text(JsonWriter *writer, const char *text) {
        if (!text)
                return NULL;

        _cleanup_free_ char *clean = text_clean(text, TEXT_JSON);
        return writer_keep(writer, clean ? json_object_new_string(clean) : NULL);
}

static json_object *writer_usec(JsonWriter *writer, bool is_known, usec_t usec) {
        if (!is_known || usec == USEC_INFINITY)
                return NULL;
        return writer_keep(writer, json_object_new_uint64(usec));
}

static json_object *writer_bool(JsonWriter *writer, bool value) {
        return writer_keep(writer, json_object_new_boolean(value));
}

/* A value as a file would say it; null where it is not known. */
static json_object *writer_value(JsonWriter *writer, const UnitView *view, ViewKey key) {
        _cleanup_free_ char *text = NULL;

        if (!view_key_info(key) || !view->values[key].is_known)
                return NULL;
        text = unit_view_format(view, key);
        if (!text)
                writer->is_out_of_memory = true;
        return writer_text(writer, text);
}

static json_object *writer_mends(JsonWriter *writer, const Finding *finding) {
        json_object *array = writer_keep(writer, json_object_new_array());

        for (size_t i = 0; i < finding->n_mends; i++) {
                const Mend *mend = &finding->mends[i];
                json_object *object = writer_keep(writer, json_object_new_object());

                writer_put(writer, object, "section", writer_text(writer, mend->section));
                writer_put(writer, object, "setting", writer_text(writer, mend->setting));
                writer_put(writer, object, "value", writer_text(writer, mend->value));
                writer_append(writer, array, object);
        }
        return array;
}

static json_object *writer_finding(
        JsonWriter *writer, const UnitView *view, const Finding *finding) {
        json_object *object = writer_keep(writer, json_object_new_object());
        const ViewKeyInfo *info = view_key_info(finding->key);
        const ViewValue *value = info ? &view->values[finding->key] : NULL;

        writer_put(writer, object, "id", writer_text(writer, finding->rule->id));
        writer_put(writer, object, "severity",
                writer_text(writer, severity_to_string(finding->severity)));
        writer_put(writer, object, "property", writer_text(writer, info ? info->property : NULL));
        writer_put(writer, object, "setting", writer_text(writer, info ? info->setting : NULL));
        writer_put(writer, object, "value", writer_value(writer, view, finding->key));
        writer_put(writer, object, "origin",
                writer_text(writer, value ? view_origin_to_string(value->origin) : NULL));
        writer_put(writer, object, "file", writer_text(writer, value ? value->source : NULL));
        writer_put(writer, object, "message", writer_text(writer, finding->message));
        writer_put(writer, object, "mend", writer_mends(writer, finding));
        writer_put(writer, object, "command", writer_text(writer, finding->command));
        writer_put(writer, object, "fixable",
                writer_bool(writer, remedy_obstacle(view, finding) == REMEDY_POSSIBLE));
        return object;
}

static json_object *writer_findings(JsonWriter *writer, const Lint *lint) {
        json_object *array = writer_keep(writer, json_object_new_array());

        for (size_t i = 0; i < lint->n_findings; i++)
                writer_append(
                        writer, array, writer_finding(writer, lint->view, &lint->findings[i]));
        return array;
}

static json_object *writer_strings(JsonWriter *writer, char *const list[]) {
        json_object *array = writer_keep(writer, json_object_new_array());

        for (; list && *list; list++)
                writer_append(writer, array, writer_text(writer, *list));
        return array;
}

static void writer_put_times(JsonWriter *writer, json_object *object, const Lint *lint) {
        const ViewValue *timeout = &lint->view->values[VIEW_TIMEOUT_STOP_USEC];
        const RuleInput *input = &lint->input;

        writer_put(writer, object, "drain_usec",
                writer_usec(writer, input->has_drain, input->budget.drain_usec));
        writer_put(writer, object, "headroom_usec",
                writer_usec(writer, input->has_drain, input->headroom_usec));
        writer_put(writer, object, "required_usec",
                writer_usec(writer, input->has_drain, input->budget.required_usec));
        writer_put(writer, object, "timeout_stop_usec",
                writer_usec(writer, timeout->is_known, timeout->number));
        writer_put(writer, object, "timeout_stop",
                writer_value(writer, lint->view, VIEW_TIMEOUT_STOP_USEC));
}

static json_object *writer_unit(JsonWriter *writer, const Lint *lint) {
        json_object *object = writer_keep(writer, json_object_new_object());
        const UnitView *view = lint->view;

        writer_put(writer, object, "unit", writer_text(writer, view->name));
        writer_put(writer, object, "manager",
                writer_text(writer, unit_manager_to_string(view->manager)));
        writer_put(writer, object, "load_state", writer_text(writer, view->load_state));
        writer_put(writer, object, "active_state", writer_text(writer, view->active_state));
        writer_put(writer, object, "supervised", writer_bool(writer, lint->input.is_supervised));
        writer_put_times(writer, object, lint);
        writer_put(writer, object, "findings", writer_findings(writer, lint));
        writer_put(writer, object, "unknown", writer_strings(writer, lint->unknown));
        return object;
}

int check_print_json(FILE *file, const Lint lints[], size_t n_lints, JsonMode mode) {
        const int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
                (mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                     : JSON_C_TO_STRING_PLAIN);
        JsonWriter writer = {};

        assert(file);
        assert(lints || n_lints == 0);
        assert(mode == JSON_SHORT || mode == JSON_PRETTY);

        json_object *array = writer_keep(&writer, json_object_new_array());
        for (size_t i = 0; i < n_lints; i++)
                writer_append(&writer, array, writer_unit(&writer, &lints[i]));

        const char *text =
                writer.is_out_of_memory ? NULL : json_object_to_json_string_ext(array, flags);
        if (text)
                (void) fprintf(file, "%s\n", text);
        (void) json_object_put(array);
        return text ? 0 : -ENOMEM;
}
