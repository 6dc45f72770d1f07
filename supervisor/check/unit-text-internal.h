/* SPDX-License-Identifier: MIT */
#pragma once

/* What a whole unit and a drop-in have in common. */

#include "byte-buffer.h"
#include "check/unit-lines.h"
#include "check/unit-text.h"

/* D + H, by the budget that the run itself computes. */
usec_t unit_text_required_usec(const UnitTextRequest *request);

/* Appends a word behind a space, quoted as exec_word_quote() does. */
void unit_text_append_word(ByteBuffer *buffer, const char *word, unsigned quote);

/* Appends "PROGRAM run OPTION…": those of the request, and --ready=exec where is_exec and no other
 * readiness was asked for. quote: EXEC_QUOTE_… for the options. */
void unit_text_append_run(
        ByteBuffer *buffer, const UnitTextRequest *request, bool is_exec, unsigned quote);

/* Adds ExecStopPost=. flags: EXEC_… of ExecStart= that say as whom it runs. */
void unit_text_add_post(UnitLines *lines, const UnitTextRequest *request, unsigned flags);

/* Says why it cannot be done. Returns: -EINVAL; -ENOMEM. */
int unit_text_refuse(char **ret_why, const char *format, ...) _printf_(2, 3);

/* Writes a file: a heading of whole lines, then the lines. Gives the lines up.
 * Returns: 0 and malloc()ed text; -ENOMEM. */
int unit_text_finish(UnitLines *lines, const char *heading, char **ret_text) _warn_unused_;
