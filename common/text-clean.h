/* SPDX-License-Identifier: MIT */
#pragma once

/* Text of strangers, fit to be printed: valid UTF-8 without control characters. */

#include "cleanup.h"

#define TEXT_NO_UTF8 "\xef\xbf\xbd" /* U+FFFD */

typedef enum TextMode {
        TEXT_TERMINAL,
        TEXT_JSON, /* C0 stays: whoever writes JSON escapes it */
        _TEXT_MODE_MAX,
} TextMode;

/* Copies text; control characters become "?", on a terminal those that change directions or are not seen as well; what
 * is no UTF-8 becomes U+FFFD.
 *
 * text: NULL gives "-".
 * Returns: malloc()ed text; NULL: out of memory. */
char *text_clean(const char *text, TextMode mode) _warn_unused_;
