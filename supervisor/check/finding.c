/* SPDX-License-Identifier: MIT */

/* Findings are filled by rules, one call a line. Running out of memory is remembered and told once, by who
 * runs the rules, so that a rule stays one expression. */

#include "check/finding.h"

#include <stdarg.h>
#include <string.h>

static const char *const severity_table[_SEVERITY_MAX] = {
        [SEVERITY_HINT] = "hint",
        [SEVERITY_WARNING] = "warning",
        [SEVERITY_ERROR] = "error",
};

const char *severity_to_string(Severity severity) {
        if (severity < 0 || severity >= _SEVERITY_MAX)
                return NULL;
        return severity_table[severity];
}

void finding_done(Finding *finding) {
        free(finding->message);
        free(finding->command);
        for (size_t i = 0; i < finding->n_mends; i++)
                free(finding->mends[i].value);
        *finding = (Finding){};
}

static char *_printf_(2, 0)
        finding_format(FindingWriter *writer, const char *format, va_list arguments) {
        char *text;

        if (vasprintf(&text, format, arguments) >= 0)
                return text;
        writer->is_out_of_memory = true;
        return NULL;
}

bool finding_say(FindingWriter *writer, Severity severity, ViewKey key, const char *format, ...) {
        va_list arguments;

        assert(!writer->finding->message);

        writer->finding->severity = severity;
        writer->finding->key = key;
        va_start(arguments, format);
        writer->finding->message = finding_format(writer, format, arguments);
        va_end(arguments);
        return true;
}

bool finding_mend(FindingWriter *writer, ViewKey key, const char *reason, const char *format, ...) {
        const ViewKeyInfo *info = view_key_info(key);
        va_list arguments;
        char *value;

        assert(writer->finding->n_mends < FINDING_MENDS_MAX);
        assert(info && info->setting);

        va_start(arguments, format);
        value = finding_format(writer, format, arguments);
        va_end(arguments);
        if (value)
                writer->finding->mends[writer->finding->n_mends++] = (Mend){
                        .section = info->section,
                        .setting = info->setting,
                        .value = value,
                        .reason = reason,
                };
        return true;
}

bool finding_command(FindingWriter *writer, const char *format, ...) {
        va_list arguments;

        assert(!writer->finding->command);

        va_start(arguments, format);
        writer->finding->command = finding_format(writer, format, arguments);
        va_end(arguments);
        return true;
}
