/* SPDX-License-Identifier: MIT */
#pragma once

/* Lines that keep to the columns of a terminal: sentences broken at spaces, names cut. Text is
 * valid UTF-8, and a character is taken for one column. */

#include <stddef.h>
#include <stdio.h>

/* Columns of size bytes. */
size_t text_columns(const char *text, size_t size);

/* Bytes of the first so many columns of text, or of all of it. */
size_t text_fit(const char *text, size_t columns);

/* Writes text as lines of at most width columns, each behind the prefix and with its line end; a
 * longer word has a line to itself.
 *
 * width: 0: one line, whatever its length. */
void text_wrap(FILE *file, const char *prefix, const char *text, size_t width);
