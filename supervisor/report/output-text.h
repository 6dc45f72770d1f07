/* SPDX-License-Identifier: MIT */
#pragma once

/* Text and times as the formats for programs have them. */

#include "cleanup.h"
#include "usec.h"

/* Copies text of a stranger: line ends and tabs stay, as whoever writes a format can quote or escape them; other
 * control characters become "?", what is no UTF-8 U+FFFD.
 * Returns: malloc()ed text; NULL: out of memory. */
char *output_text(const char *text) _warn_unused_;

#define OUTPUT_SECONDS_MAX 32

/* Seconds as a decimal number, by no locale: "0", "90", "1.432".
 * Returns: buffer. */
const char *output_seconds(char buffer[static OUTPUT_SECONDS_MAX], usec_t usec);
