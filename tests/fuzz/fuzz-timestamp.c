/* SPDX-License-Identifier: MIT */

/* Instants: any text either parses, to one that is shown and read back as the same, or is refused and no value
 * comes out; $TZ is as it was either way. */

#include <string.h>

#include "fuzz.h"
#include "timestamp.h"

#define NOW (1353665722 * USEC_PER_SEC)

static const char zone[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_read_back(usec_t usec, TimestampStyle style, bool is_utc) {
        char buffer[TIMESTAMP_MAX];
        usec_t parsed = 0;

        fuzz_check(timestamp_format(buffer, usec, style, is_utc) == buffer);
        fuzz_check(strlen(buffer) < sizeof(buffer));
        if (usec == 0)
                return; /* "-" */
        fuzz_check(timestamp_parse(buffer, NOW, &parsed) == 0);
        fuzz_check(parsed == usec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);
        const usec_t untouched = USEC_INFINITY;
        usec_t usec = untouched;

        fuzz_check(text != NULL);
        fuzz_check(setenv("TZ", zone, 1) == 0);
        int r = timestamp_parse(text, NOW, &usec);
        fuzz_check(strcmp(getenv("TZ"), zone) == 0);
        if (r < 0) {
                fuzz_check(r == -EINVAL || r == -ERANGE);
                fuzz_check(usec == untouched);
                return 0;
        }

        fuzz_check(r == 0 && usec != USEC_INFINITY);
        fuzz_read_back(usec, TIMESTAMP_FULL, /* is_utc= */ true);
        fuzz_read_back(usec, TIMESTAMP_RFC3339, /* is_utc= */ true);
        fuzz_read_back(usec, TIMESTAMP_RFC3339, /* is_utc= */ false);
        return 0;
}
