/* SPDX-License-Identifier: MIT */

/* Unit files: a text that assigns a key still does so with a comment before it and with another
 * section behind it; one that does not, does once the assignment is put before it. */

#include <string.h>

#include "fuzz.h"
#include "unit-file.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static bool fuzz_assigns(const char *before, const char *text, const char *behind) {
        char *joined;

        fuzz_check(asprintf(&joined, "%s%s%s", before, text, behind) >= 0);
        bool assigns = unit_file_assigns(joined, "Service", "TimeoutStopSec");
        free(joined);
        return assigns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);

        fuzz_check(text != NULL);
        bool assigns = unit_file_assigns(text, "Service", "TimeoutStopSec");

        /* A mark is one at the very beginning alone. */
        if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) != 0)
                fuzz_check(fuzz_assigns("# \\\n", text, "") == assigns);
        if (assigns)
                fuzz_check(fuzz_assigns("", text, "\n[Unit]\n"));
        fuzz_check(fuzz_assigns("[Service]\nTimeoutStopSec=1\n", text, ""));
        return 0;
}
