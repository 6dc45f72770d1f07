/* SPDX-License-Identifier: MIT */

/* A unit file in the making: lines in the order in which they were added, each with its section. Out of
 * memory is remembered and told once, by whoever asks at the end, so that adding stays one expression.
 *
 * What this does not do: quoting, which depends on the setting, and judging values, which is the rules'. */

#include "check/unit-lines.h"
#include "text-wrap.h"

#include <stdarg.h>
#include <string.h>

#define UNIT_LINES_WIDTH 100

static const char *const unit_sections[] = { "Unit", "Service", "Install" };

void unit_lines_done(UnitLines *lines) {
        for (size_t i = 0; i < lines->n_lines; i++) {
                free(lines->lines[i].value);
                free(lines->lines[i].reason);
        }
        free(lines->lines);
        *lines = (UnitLines){};
}

/* Takes value over, which is NULL when there was no memory for it. */
static void unit_lines_take(UnitLines *lines, const char *section, const char *setting,
        const char *reason, char *value) {
        char *reason_copy = reason ? strdup(reason) : NULL;
        UnitLine *grown;

        grown = reallocarray(lines->lines, lines->n_lines + 1, sizeof(UnitLine));
        if (grown)
                lines->lines = grown;
        if (!grown || !value || (reason && !reason_copy)) {
                free(value);
                free(reason_copy);
                lines->is_failed = true;
                return;
        }
        grown[lines->n_lines++] = (UnitLine){
                .section = section,
                .setting = setting,
                .value = value,
                .reason = reason_copy,
        };
}

void unit_lines_add(UnitLines *lines, const char *section, const char *setting, const char *reason,
        const char *format, ...) {
        va_list arguments;
        char *value;

        va_start(arguments, format);
        if (vasprintf(&value, format, arguments) < 0)
                value = NULL;
        va_end(arguments);
        unit_lines_take(lines, section, setting, reason, value);
}

void unit_lines_add_comment(UnitLines *lines, const char *section, const char *text) {
        unit_lines_take(lines, section, /* setting= */ NULL, text, strdup(""));
}

static UnitLine *unit_lines_find(const UnitLines *lines, const char *section, const char *setting) {
        for (size_t i = 0; i < lines->n_lines; i++)
                if (lines->lines[i].setting && strcmp(lines->lines[i].section, section) == 0 &&
                        strcmp(lines->lines[i].setting, setting) == 0)
                        return &lines->lines[i];
        return NULL;
}

bool unit_lines_has(const UnitLines *lines, const char *section, const char *setting) {
        return unit_lines_find(lines, section, setting);
}

void unit_lines_set(UnitLines *lines, const char *section, const char *setting, const char *reason,
        const char *value) {
        UnitLine *line = unit_lines_find(lines, section, setting);
        char *value_copy, *reason_copy;

        if (!line) {
                unit_lines_take(lines, section, setting, reason, strdup(value));
                return;
        }
        value_copy = strdup(value);
        reason_copy = reason ? strdup(reason) : NULL;
        if (!value_copy || (reason && !reason_copy)) {
                free(value_copy);
                free(reason_copy);
                lines->is_failed = true;
                return;
        }
        free(line->value);
        free(line->reason);
        line->value = value_copy;
        line->reason = reason_copy;
}

int unit_lines_apply(const UnitLines *lines, UnitView *view, const char *source) {
        for (size_t i = 0; i < lines->n_lines; i++) {
                const UnitLine *line = &lines->lines[i];
                ViewKey key = line->setting ? view_key_from_setting(line->section, line->setting)
                                            : _VIEW_KEY_INVALID;
                int r;

                if (key < 0)
                        continue;
                r = unit_view_assign(view, key, line->value, VIEW_ORIGIN_DROP_IN, source);
                if (r < 0)
                        return r;
                if (r == 0)
                        view->values[key].is_known = true;
        }
        return unit_view_settle(view);
}

static void unit_line_print(const UnitLine *line, FILE *file) {
        if (line->reason)
                text_wrap(file, "# ", line->reason, UNIT_LINES_WIDTH);
        if (line->setting)
                (void) fprintf(file, "%s=%s\n", line->setting, line->value);
        else /* or it would read as the reason of the next one */
                (void) fputc('\n', file);
}

void unit_lines_print(const UnitLines *lines, FILE *file) {
        for (size_t i = 0; i < ELEMENTSOF(unit_sections); i++) {
                bool is_begun = false;

                for (size_t k = 0; k < lines->n_lines; k++) {
                        if (strcmp(lines->lines[k].section, unit_sections[i]) != 0)
                                continue;
                        if (!is_begun)
                                (void) fprintf(file, "\n[%s]\n", unit_sections[i]);
                        is_begun = true;
                        unit_line_print(&lines->lines[k], file);
                }
        }
}
