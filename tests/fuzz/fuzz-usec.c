/* SPDX-License-Identifier: MIT */

/* Spans: any text either parses, and then what is written of it parses to the same value, or is
 * refused with a pointer into the text and no value. Rounding never adds. */

#include <string.h>

#include "fuzz.h"
#include "usec.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_usec_format(usec_t usec, usec_t accuracy_usec) {
        char buffer[USEC_SPAN_MAX];
        usec_t parsed = 0;

        fuzz_check(usec_format_span(buffer, usec, accuracy_usec) == buffer);
        fuzz_check(strlen(buffer) < sizeof(buffer));
        fuzz_check(usec_parse_span(buffer, &parsed, NULL) == 0);
        if (usec == USEC_INFINITY || accuracy_usec <= 1)
                fuzz_check(parsed == usec);
        else
                fuzz_check(parsed == usec - usec % accuracy_usec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);
        const usec_t untouched = 4711;
        const char *bad = NULL;
        usec_t usec = untouched;

        fuzz_check(text != NULL);
        int r = usec_parse_span(text, &usec, &bad);
        if (r < 0) {
                fuzz_check(r == -EINVAL || r == -ERANGE);
                fuzz_check(usec == untouched);
                fuzz_check(bad >= text && bad <= text + strlen(text));
                return 0;
        }

        fuzz_check(r == 0 && bad == NULL);
        fuzz_usec_format(usec, 1);
        fuzz_usec_format(usec, size > 0 ? data[0] : 0);
        fuzz_usec_format(usec, USEC_PER_MSEC);
        fuzz_usec_format(usec, 250 * USEC_PER_MSEC);
        fuzz_usec_format(usec, USEC_PER_HOUR);
        return 0;
}
