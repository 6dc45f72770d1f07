/* SPDX-License-Identifier: MIT */

/* A stop marker's content. What is taken for one is for us or for another, and never for us when nobody
 * is asked for. */

#include <stdlib.h>

#include "forensics/stop-marker.h"
#include "fuzz.h"

#define NOW (1772323199ULL * USEC_PER_SEC)

static void fuzz_require(int condition) {
        if (!condition)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const StopMarkerTarget targets[] = { { .pid = 12, .start_ticks = 4711 },
                { .pid = 99 } };
        const char *text = size > 0 ? (const char *) data : "";

        int r = stop_marker_parse(text, size, NOW, NOW, targets, ELEMENTSOF(targets));
        fuzz_require(r >= 0 ? r < _STOP_MARKER_PRESENCE_MAX : r == -EBADMSG || r == -ENOMEM);

        int nobody = stop_marker_parse(text, size, NOW, NOW, NULL, 0);
        fuzz_require(nobody == (r == STOP_MARKER_SELF ? STOP_MARKER_OTHER : r));
        return 0;
}
