/* SPDX-License-Identifier: MIT */
#pragma once

/* Lines that keep to the columns of a terminal: sentences broken at spaces, names cut. Text is valid UTF-8; a
 * character takes no column, one or two. Not for several threads at once. */

#include <stddef.h>
#include <stdio.h>

#include "cleanup.h"

/* Columns of size bytes, whole characters. */
size_t text_columns(const char *text, size_t size);

/* Bytes of the characters that fit into so many columns, or of all of it; marks that combine with the last one
 * belong to it. Their columns may be one less: a wide character is not cut. */
size_t text_fit(const char *text, size_t columns);

/* Copies text, cut to so many columns with a mark ("…", "...") at the end where something is missing.
 * Returns: malloc()ed text; NULL: out of memory. */
char *text_cut(const char *text, size_t columns, const char *mark) _warn_unused_;

/* Makes "?" of each character beyond ASCII, in place: one for each, whatever columns it took. */
void text_reduce(char *text);

/* Makes "?" of each character that the locale does not know, in place: libsmartcols prints the numbers of its
 * bytes, four columns each. */
void text_replace_unknown(char *text);

/* Writes text as lines of at most width columns, each behind the prefix and with its line end; a
 * longer word has a line to itself.
 *
 * width: 0: one line, whatever its length. */
void text_wrap(FILE *file, const char *prefix, const char *text, size_t width);
