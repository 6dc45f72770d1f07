/* SPDX-License-Identifier: MIT */

/* CSV and OpenMetrics keep a value as it was written where they can; what could give orders to a terminal goes all
 * the same, since their output may be looked at on one. Numbers are made of integers: printf(3) would ask the
 * locale for the decimal point. */

#include "output-text.h"

#include <string.h>

#include "text-clean.h"

char *output_text(const char *text) {
        char *clean = text_clean(text, TEXT_JSON); /* C0 stays */

        for (char *c = clean; c && *c; c++)
                if ((unsigned char) *c < 0x20 && !strchr("\t\n\r", *c))
                        *c = '?';
        return clean;
}

const char *output_seconds(char buffer[static OUTPUT_SECONDS_MAX], usec_t usec) {
        int size = snprintf(buffer, OUTPUT_SECONDS_MAX, "%" PRIu64 ".%06" PRIu64,
                usec / USEC_PER_SEC, usec % USEC_PER_SEC);

        while (buffer[size - 1] == '0')
                size--;
        if (buffer[size - 1] == '.')
                size--;
        buffer[size] = '\0';
        return buffer;
}
