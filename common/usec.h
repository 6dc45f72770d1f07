/* SPDX-License-Identifier: MIT */
#pragma once

/* Instants and durations in microseconds, and the span grammar of systemd.time(7). */

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cleanup.h"

typedef uint64_t usec_t;

#define USEC_INFINITY   ((usec_t) UINT64_MAX) /* never */
#define USEC_PER_MSEC   ((usec_t) 1000ULL)
#define USEC_PER_SEC    ((usec_t) 1000000ULL)
#define USEC_PER_MINUTE (60ULL * USEC_PER_SEC)
#define USEC_PER_HOUR   (60ULL * USEC_PER_MINUTE)
#define USEC_PER_DAY    (24ULL * USEC_PER_HOUR)
#define USEC_PER_WEEK   (7ULL * USEC_PER_DAY)
#define USEC_PER_MONTH  (2629800ULL * USEC_PER_SEC)  /* systemd.time(7): 30.44 days */
#define USEC_PER_YEAR   (31557600ULL * USEC_PER_SEC) /* systemd.time(7): 365.25 days */

#define USEC_FMT PRIu64

/* Saturating: the sum is USEC_INFINITY when either side is or when it overflows. */
usec_t usec_add(usec_t a, usec_t b);
/* Saturating: USEC_INFINITY minus anything finite stays USEC_INFINITY, never below 0. */
usec_t usec_sub(usec_t a, usec_t b);

/* The time on the given clock (CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME). */
usec_t usec_now(clockid_t clock);

/* Parses a time span in the grammar of systemd.time(7): numbers with optional fractions and units,
 * summed up, in any order, separated by optional white space, or "infinity". A number without a
 * unit counts seconds.
 *
 * text:       NUL-terminated, not NULL.
 * reterr_bad: optional; on -EINVAL and -ERANGE a pointer into text, to the part that is wrong (for
 *             an empty text: to its end).
 *
 * Returns: 0; -EINVAL: not a span; -ERANGE: a span that does not fit into 64 bits below infinity.
 * Source: systemd.time(7), "PARSING TIME SPANS". */
int usec_parse_span(const char *text, usec_t *ret_usec, const char **reterr_bad) _warn_unused_;

#define USEC_SPAN_MAX 64

/* Writes a span as systemctl would show it ("1min 30s", "500ms", "0", "infinity"), rounded down to
 * accuracy_usec (1 for everything). Parsing the result gives the same value (at accuracy 1).
 *
 * Returns: buffer. */
const char *usec_format_span(
        char buffer[static USEC_SPAN_MAX], usec_t span_usec, usec_t accuracy_usec);

/* The same, with everything and without zeros at the end of a fraction: "2.5s" rather than "2.500000s".
 *
 * Returns: buffer. */
const char *usec_format_exact(char buffer[static USEC_SPAN_MAX], usec_t span_usec);
