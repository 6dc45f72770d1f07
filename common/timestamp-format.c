/* SPDX-License-Identifier: MIT */

/* Instants for people, in the words that systemctl and journalctl use whatever the locale (timestamp_parse()
 * reads them back), and for programs by RFC 3339. Instants that the machine's clock never had, 0 and infinity,
 * are "-". */

#include <string.h>

#include "timestamp.h"

static const char *const weekday_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* "+02:00". Seconds of an offset, which zones had long before any journal, have no place in it. */
static void timestamp_put_offset(char *text, size_t size, long offset_sec) {
        const long minutes = labs(offset_sec) / 60;

        (void) snprintf(text, size, "%c%02u:%02u", offset_sec < 0 ? '-' : '+',
                (unsigned) (minutes / 60 % 100), (unsigned) (minutes % 60));
}

/* " CET"; nothing where $TZ gave it a name that would not fit: it is the local one then. */
static void timestamp_put_zone(char *text, size_t size, const char *name) {
        if (name && strlen(name) + 2 <= size)
                (void) snprintf(text, size, " %s", name);
}

/* The date and the time, apart by a character. Returns: its length. */
static size_t timestamp_put_time(
        char *text, size_t size, const struct tm *tm, char between, const usec_t *fraction_usec) {
        int n = snprintf(text, size, "%04d-%02d-%02d%c%02d:%02d:%02d", tm->tm_year + 1900,
                tm->tm_mon + 1, tm->tm_mday, between, tm->tm_hour, tm->tm_min, tm->tm_sec);

        assert(n > 0 && (size_t) n < size);
        if (fraction_usec)
                n += snprintf(text + n, size - (size_t) n, ".%06" USEC_FMT, *fraction_usec);
        assert((size_t) n < size);
        return (size_t) n;
}

const char *timestamp_format(char buffer[static TIMESTAMP_MAX], usec_t realtime_usec,
        TimestampStyle style, bool is_utc) {
        const time_t second = (time_t) (realtime_usec / USEC_PER_SEC);
        const usec_t fraction_usec = realtime_usec % USEC_PER_SEC;
        struct tm tm;
        size_t n = 0;

        if (realtime_usec == 0 || realtime_usec == USEC_INFINITY)
                return strcpy(buffer, "-");
        if (!is_utc)
                tzset(); /* localtime_r(3) need not look at $TZ again */
        if (!(is_utc ? gmtime_r(&second, &tm) : localtime_r(&second, &tm)))
                return strcpy(buffer, "-");

        if (style == TIMESTAMP_RFC3339) {
                n = timestamp_put_time(buffer, TIMESTAMP_MAX, &tm, 'T', &fraction_usec);
                timestamp_put_offset(buffer + n, TIMESTAMP_MAX - n, tm.tm_gmtoff);
                return buffer;
        }
        n = (size_t) snprintf(buffer, TIMESTAMP_MAX, "%s ", weekday_names[tm.tm_wday]);
        n += timestamp_put_time(buffer + n, TIMESTAMP_MAX - n, &tm, ' ',
                style == TIMESTAMP_FULL ? &fraction_usec : NULL);
        if (style == TIMESTAMP_FULL)
                timestamp_put_zone(buffer + n, TIMESTAMP_MAX - n, is_utc ? "UTC" : tm.tm_zone);
        return buffer;
}
