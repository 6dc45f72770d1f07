/* SPDX-License-Identifier: MIT */

/* A marker's content. What is taken for a marker has bounded strings and a pid. */

#include <stdlib.h>
#include <string.h>

#include "forensics/clean-shutdown.h"
#include "fuzz.h"

static void fuzz_require(int condition) {
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CleanShutdown marker;

        int r = clean_shutdown_parse(size > 0 ? (const char *) data : "", size, &marker);
        fuzz_require(r == 0 || r == -EBADMSG || r == -ENOMEM);
        if (r == 0) {
                fuzz_require(marker.pid >= 0);
                fuzz_require(memchr(marker.signal, '\0', sizeof(marker.signal)) != NULL);
                fuzz_require(memchr(marker.outcome, '\0', sizeof(marker.outcome)) != NULL);
        }
        return 0;
}
