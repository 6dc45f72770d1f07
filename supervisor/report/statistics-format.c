/* SPDX-License-Identifier: MIT */

/* Times and shares of statistics as words: as they were measured, and as a person would write a setting. */

#include <stdio.h>
#include <string.h>

#include "statistics-internal.h"

const char *statistics_format_seen(char buffer[static USEC_SPAN_MAX], usec_t usec) {
        if (usec == USEC_INFINITY)
                return strcpy(buffer, "-");
        if (usec >= USEC_PER_WEEK) {
                (void) snprintf(
                        buffer, USEC_SPAN_MAX, "%" USEC_FMT "d", (usec_t) (usec / USEC_PER_DAY));
                return buffer;
        }
        return usec_format_span(buffer, usec,
                usec < USEC_PER_MSEC             ? 1
                        : usec < USEC_PER_SEC    ? USEC_PER_MSEC
                        : usec < USEC_PER_MINUTE ? 100 * USEC_PER_MSEC
                        : usec < USEC_PER_HOUR   ? USEC_PER_SEC
                        : usec < USEC_PER_DAY    ? USEC_PER_MINUTE
                                                 : USEC_PER_HOUR);
}

const char *statistics_format_share(char buffer[static USEC_SPAN_MAX], size_t n, size_t n_all) {
        if (n_all == 0)
                return strcpy(buffer, "-");
        /* By integers: printf(3) would ask the locale for the decimal point. */
        const size_t tenths = (size_t) ((double) n * 1000 / (double) n_all + 0.5);
        (void) snprintf(buffer, USEC_SPAN_MAX, "%zu.%zu%%", tenths / 10, tenths % 10);
        return buffer;
}

const char *statistics_format_setting(char buffer[static USEC_SPAN_MAX], usec_t usec) {
        if (usec > 0 && usec != USEC_INFINITY && usec % USEC_PER_SEC == 0 &&
                usec % USEC_PER_MINUTE != 0 && usec < 10 * USEC_PER_MINUTE) {
                (void) snprintf(buffer, USEC_SPAN_MAX, "%" USEC_FMT "s", usec / USEC_PER_SEC);
                return buffer;
        }
        return usec_format_exact(buffer, usec);
}
