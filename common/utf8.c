/* SPDX-License-Identifier: MIT */

/* The one decoder of UTF-8: it tells where a character ends and whether it is one. What becomes of what
 * is none (left out, replaced, refused) is for those to say who ask. */

#include <assert.h>
#include <string.h>

#include "utf8.h"

size_t utf8_sequence_size(const char *bytes, size_t size) {
        assert(bytes);
        assert(size > 0);

        const unsigned char *text = (const unsigned char *) bytes;
        const unsigned char first = text[0];
        const size_t n = first < 0x80 ? 1
                : first < 0xc2        ? 0
                : first < 0xe0        ? 2
                : first < 0xf0        ? 3
                : first < 0xf5        ? 4
                                      : 0;

        if (n == 0 || n > size)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
        /* Overlong, a surrogate, beyond U+10FFFF. */
        if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
                (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
                return 0;
        return n;
}

bool utf8_is_valid(const char *text) {
        assert(text);

        for (size_t size = strlen(text), n; size > 0; text += n, size -= n) {
                n = utf8_sequence_size(text, size);
                if (n == 0)
                        return false;
        }
        return true;
}

bool utf8_is_control(const char *text, size_t size) {
        const unsigned char *byte = (const unsigned char *) text;

        if (size == 1)
                return byte[0] < 0x20 || byte[0] == 0x7f;
        return size == 2 && byte[0] == 0xc2 && byte[1] < 0xa0;
}

size_t utf8_cut(const char *text, size_t size) {
        while (size > 0 && ((unsigned char) text[size] & 0xc0) == 0x80)
                size--;
        return size;
}
