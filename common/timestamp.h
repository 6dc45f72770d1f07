/* SPDX-License-Identifier: MIT */
#pragma once

/* Instants in the grammar of systemd.time(7), and their forms for people and programs. */

#include <stdbool.h>

#include "usec.h"

/* Parses an instant: "2012-10-30 18:17:16[.frac]", parts of it ("18:17", "2012-10-30", "12-10-30"), with a
 * weekday in front and a timezone behind ("UTC", "Z", "+02:00", "Europe/Berlin"); "now", "today", "yesterday",
 * "tomorrow", "@1395716396", "+3h", "-5s", "11min ago", "11min left". Local time unless it says otherwise; one
 * that a clock change leaves out is shifted as mktime(3) does. $TZ is changed for a moment: for programs of one
 * thread.
 *
 * now_realtime_usec: what relative forms count from, and the day of a time that has no date.
 * Returns: 0; -EINVAL: no such form, or a weekday that the date does not have; -ERANGE: a date that does not
 * exist, or beyond what is counted (1970 to 9999-12-30); -ENOMEM.
 * Source: systemd.time(7), "PARSING TIMESTAMPS". */
int timestamp_parse(
        const char *text, usec_t now_realtime_usec, usec_t *ret_realtime_usec) _warn_unused_;

#define TIMESTAMP_MAX 64

typedef enum TimestampStyle {
        TIMESTAMP_TABLE,   /* "Sat 2026-11-21 15:44:39", as systemctl; without the timezone */
        TIMESTAMP_FULL,    /* "Sat 2026-11-21 15:44:39.123456 UTC" */
        TIMESTAMP_RFC3339, /* "2026-11-21T15:44:39.123456+00:00" */
} TimestampStyle;

/* is_utc: else local time. Returns: buffer; "-" for 0 and USEC_INFINITY. */
const char *timestamp_format(
        char buffer[static TIMESTAMP_MAX], usec_t realtime_usec, TimestampStyle style, bool is_utc);
