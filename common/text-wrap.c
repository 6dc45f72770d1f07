/* SPDX-License-Identifier: MIT */

/* Text is measured by characters: a terminal's own idea of wide ones is not known here, and unit files and
 * records hold few. */

#include "text-wrap.h"

#include <stdbool.h>
#include <string.h>

size_t text_columns(const char *text, size_t size) {
        size_t columns = 0;

        for (size_t i = 0; i < size; i++)
                columns += ((unsigned char) text[i] & 0xc0) != 0x80;
        return columns;
}

size_t text_fit(const char *text, size_t columns) {
        size_t size = 0;

        while (text[size] && (columns > 0 || ((unsigned char) text[size] & 0xc0) == 0x80))
                columns -= text_columns(&text[size++], 1);
        return size;
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
