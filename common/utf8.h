/* SPDX-License-Identifier: MIT */
#pragma once

/* Characters of UTF-8 as RFC 3629 has them: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include <stdbool.h>
#include <stddef.h>

/* The size of the valid UTF-8 sequence that begins at text, of which size bytes (1 or more) are there.
 * Returns: 1 to 4; 0: it is none.
 * Source: RFC 3629, section 4. */
size_t utf8_sequence_size(const char *text, size_t size);

/* Whether a NUL-terminated text is valid throughout. */
bool utf8_is_valid(const char *text);

/* Whether a sequence of size bytes (as utf8_sequence_size() gave it, not 0) is a control character: C0,
 * DEL, or C1, with which terminals begin escape sequences too. */
bool utf8_is_control(const char *text, size_t size);

/* Shortens size, a place within a valid text, to the beginning of the character that it cuts.
 * Returns: the new size. */
size_t utf8_cut(const char *text, size_t size);
