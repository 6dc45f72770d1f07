/* SPDX-License-Identifier: MIT */

/* What unit files, command lines and journals contain anybody may have written. On a terminal a control
 * character is an order to it, so none gets there; what is no UTF-8 shows as U+FFFD. Nor do characters get
 * there that change the direction or the place of others, or are not seen: what is read would not be what was
 * written. A reader of JSON gets them as they are.
 * Source: Unicode Standard Annex 9, "Explicit Directional Formatting"; CVE-2021-42574. */

#include "text-clean.h"

#include <stdbool.h>
#include <string.h>

#include "utf8.h"

/* Directional marks, embeddings and isolates; of no width: space, joiners, word joiner and invisible operators, the byte
 * order mark; line and paragraph separators. Sequences of three bytes and, U+061C, of two. */
static bool text_is_invisible(const char *text, size_t size) {
        const unsigned char *byte = (const unsigned char *) text;

        if (size == 2)
                return byte[0] == 0xd8 && byte[1] == 0x9c; /* U+061C */
        if (size != 3)
                return false;
        if (byte[0] == 0xef)
                return byte[1] == 0xbb && byte[2] == 0xbf; /* U+FEFF */
        if (byte[0] != 0xe2)
                return false;
        if (byte[1] == 0x80) /* U+200B to U+200F, U+2028 to U+202E */
                return (byte[2] >= 0x8b && byte[2] <= 0x8f) || (byte[2] >= 0xa8 && byte[2] <= 0xae);
        return byte[1] == 0x81 && byte[2] >= 0xa0 && byte[2] <= 0xaf; /* U+2060 to U+206F */
}

static bool text_is_control(const char *text, size_t size, TextMode mode) {
        if ((unsigned char) *text < 0x20)
                return mode == TEXT_TERMINAL;
        if (mode == TEXT_TERMINAL && text_is_invisible(text, size))
                return true;
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
