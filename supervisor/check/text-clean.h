/* SPDX-License-Identifier: MIT */
#pragma once

/* Text of strangers, fit to be printed: valid UTF-8 without control characters. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "redact.h"

#define TEXT_NO_UTF8 "\xef\xbf\xbd" /* U+FFFD */

typedef enum TextMode {
        TEXT_TERMINAL,
        TEXT_JSON, /* C0 stays: whoever writes JSON escapes it */
        _TEXT_MODE_MAX,
} TextMode;

/* Is this UTF-8 sequence a control character: C0, DEL, or C1, with which terminals begin escape
 * sequences, too? */
static inline bool text_is_control(const char *text, size_t size, TextMode mode) {
        const unsigned char *byte = (const unsigned char *) text;

        if (*byte < 0x20)
                return mode == TEXT_TERMINAL;
        return *byte == 0x7f || (size == 2 && byte[0] == 0xc2 && byte[1] < 0xa0);
}

/* Copies text; control characters become "?", what is no UTF-8 U+FFFD.
 *
 * text: NULL gives "-".
 * Returns: malloc()ed text; NULL: out of memory. */
_warn_unused_ static inline char *text_clean(const char *text, TextMode mode) {
        size_t left = strlen(text = text ?: "-");
        char *clean = reallocarray(NULL, left + 1, strlen(TEXT_NO_UTF8)), *end = clean;

        if (!clean)
                return NULL;
        while (left > 0) {
                const size_t size = utf8_sequence_size(text, left);

                if (size == 0)
                        end = stpcpy(end, TEXT_NO_UTF8);
                else if (text_is_control(text, size, mode))
                        *end++ = '?';
                else
                        end = mempcpy(end, text, size);
                text += size ?: 1;
                left -= size ?: 1;
        }
        *end = '\0';
        return clean;
}
