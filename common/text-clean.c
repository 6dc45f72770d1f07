/* SPDX-License-Identifier: MIT */

/* What unit files, command lines and journals contain anybody may have written. On a terminal a control
 * character is an order to it, so none gets there; what is no UTF-8 shows as U+FFFD. */

#include "text-clean.h"

#include <stdbool.h>
#include <string.h>

#include "utf8.h"

static bool text_is_control(const char *text, size_t size, TextMode mode) {
        if ((unsigned char) *text < 0x20)
                return mode == TEXT_TERMINAL;
        return utf8_is_control(text, size);
}

char *text_clean(const char *text, TextMode mode) {
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
