/* SPDX-License-Identifier: MIT */
#pragma once

/* What a rule found: which setting, why it matters, and what mends it. */

#include <stdbool.h>

#include "units/unit-view.h"

typedef enum Severity {
        SEVERITY_HINT,    /* something is lost, nobody is killed */
        SEVERITY_WARNING, /* goes wrong under conditions, or only a living supervisor prevents it */
        SEVERITY_ERROR,   /* a drain is cut off, or the unit does not work */
        _SEVERITY_MAX,
        _SEVERITY_INVALID = -EINVAL,
} Severity;

/* "hint", "warning", "error". */
const char *severity_to_string(Severity severity);

/* One line of a drop-in. */
typedef struct Mend {
        const char *section;
        const char *setting;
        char *value;        /* "" resets a list */
        const char *reason; /* static: a sentence for the comment above it */
} Mend;

#define FINDING_MENDS_MAX 3

typedef struct Rule Rule;

typedef struct Finding {
        const Rule *rule; /* weak */
        Severity severity;
        ViewKey key;   /* the setting that it is about; _VIEW_KEY_INVALID: none */
        char *message; /* one sentence: why it matters */
        Mend mends[FINDING_MENDS_MAX];
        size_t n_mends;
        char *command; /* what mends it where no drop-in can; NULL: none */
} Finding;

void finding_done(Finding *finding);

/* For rules. Each returns true, so that a rule can end with it; out of memory leaves the text empty and
 * sets is_out_of_memory. */
typedef struct FindingWriter {
        Finding *finding;
        bool is_out_of_memory;
} FindingWriter;

/* The finding: severity, the setting (or _VIEW_KEY_INVALID), the sentence without a full stop. */
bool finding_say(FindingWriter *writer, Severity severity, ViewKey key, const char *format, ...)
        _printf_(4, 5);
/* A line of the drop-in that mends it; value in the syntax of unit files. */
bool finding_mend(FindingWriter *writer, ViewKey key, const char *reason, const char *format, ...)
        _printf_(4, 5);
/* A command that mends it. */
bool finding_command(FindingWriter *writer, const char *format, ...) _printf_(2, 3);
