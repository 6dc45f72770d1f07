/* SPDX-License-Identifier: MIT */

/* How wide a character is wcwidth(3) says, by a UTF-8 locale of this module, whatever the process has: so does
 * libsmartcols, and a table and the lines around it agree. A combining mark takes no column and stays with what it
 * stands on; what the locale does not know takes one, as everything does where there is no such locale. */

#include "text-wrap.h"

#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "utf8.h"

/* Loaded once and kept; for one thread at a time. Returns: 0: there is none. */
static locale_t text_locale(void) {
        static locale_t locale;
        static bool is_loaded;

        if (!is_loaded)
                locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", /* base= */ (locale_t) 0);
        is_loaded = true;
        return locale;
}

/* The character that a valid sequence of 2 to 4 bytes stands for. */
static wchar_t text_decode(const char *sequence, size_t size) {
        wchar_t character = (unsigned char) *sequence & (0xff >> (size + 1));

        for (size_t i = 1; i < size; i++)
                character = character << 6 | ((unsigned char) sequence[i] & 0x3f);
        return character;
}

/* Columns of the character at text, -1: not known; ret_size: its bytes. */
static int text_measure(const char *text, size_t left, size_t *ret_size) {
        locale_t before;
        int columns;

        *ret_size = 1;
        if ((unsigned char) *text < 0x80)
                return 1;
        *ret_size = utf8_sequence_size(text, left) ?: 1;
        if (*ret_size == 1)
                return 1;
        before = uselocale(text_locale()); /* 0 changes nothing */
        columns = wcwidth(text_decode(text, *ret_size));
        (void) uselocale(before);
        return columns;
}

static size_t text_character(const char *text, size_t left, size_t *ret_size) {
        const int columns = text_measure(text, left, ret_size);

        return columns < 0 ? 1 : (size_t) columns;
}

size_t text_columns(const char *text, size_t size) {
        size_t columns = 0, n;

        for (; size > 0; text += n, size -= n)
                columns += text_character(text, size, &n);
        return columns;
}

size_t text_fit(const char *text, size_t columns) {
        size_t left = strlen(text), fit = 0, n;

        for (; left > 0; left -= n, fit += n) {
                const size_t own = text_character(text + fit, left, &n);

                if (own > columns)
                        break;
                columns -= own;
        }
        return fit;
}

char *text_cut(const char *text, size_t columns, const char *mark) {
        const size_t size = strlen(text), mark_columns = text_columns(mark, strlen(mark));
        char *cut;

        if (text_columns(text, size) <= columns)
                return strdup(text);
        if (mark_columns > columns)
                return strndup(mark, text_fit(mark, columns));
        return asprintf(&cut, "%.*s%s", (int) text_fit(text, columns - mark_columns), text, mark) <
                        0
                ? NULL
                : cut;
}

void text_reduce(char *text) {
        char *end = text;

        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                n = utf8_sequence_size(text, left) ?: 1;
                *end++ = n == 1 && (unsigned char) *text < 0x80 ? *text : '?';
        }
        *end = '\0';
}

void text_replace_unknown(char *text) {
        char *end = text;

        for (size_t left = strlen(text), n; left > 0; text += n, left -= n)
                if (text_measure(text, left, &n) < 0 && text_locale())
                        *end++ = '?';
                else {
                        memmove(end, text, n);
                        end += n;
                }
        *end = '\0';
}

void text_wrap(FILE *file, const char *prefix, const char *text, size_t width) {
        size_t column = text_columns(prefix, strlen(prefix));
        const size_t prefix_columns = column;
        bool is_first = true;

        (void) fputs(prefix, file);
        while (*(text += strspn(text, " "))) {
                const size_t size = strcspn(text, " ");
                const size_t columns = text_columns(text, size);

                if (!is_first && width > 0 && column + 1 + columns > width) {
                        (void) fprintf(file, "\n%s", prefix);
                        column = prefix_columns;
                } else if (!is_first) {
                        (void) fputc(' ', file);
                        column++;
                }
                (void) fwrite(text, 1, size, file);
                column += columns;
                text += size;
                is_first = false;
        }
        (void) fputc('\n', file);
}
