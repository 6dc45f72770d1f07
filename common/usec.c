/* SPDX-License-Identifier: MIT */

/* Time in microseconds: arithmetic that saturates instead of wrapping, and spans as people write
 * and read them.
 *
 * A span is a sum of terms, each a decimal number (a "+" before it and a fraction behind it are
 * allowed) and a unit; a term without a unit counts seconds and must be set off from what follows.
 * The value is the one that systemd computes: of a fraction each digit is scaled and cut on its
 * own, so "0.333333333333h" is 3 us short of 20 minutes here as there. Two things differ, on
 * purpose: systemd's numbers end at 2^63, ours at the last value below infinity, because a span
 * that was formatted must be readable. And a negative number is -EINVAL, not -ERANGE: the sign is
 * what is wrong, and that is what the message should point at.
 *
 * No calendar time, no time zones, no locale: the digits are ASCII and the decimal point is a
 * point. */

#include "usec.h"

#include <stdbool.h>
#include <string.h>

#define SPAN_DIGITS     "0123456789"
#define SPAN_WHITESPACE " \t\n\r"

typedef struct SpanUnit {
        const char *name;
        usec_t usec;
} SpanUnit;

static const SpanUnit span_parse_units[] = {
        { "us", 1 },
        { "usec", 1 },
        { "\xc2\xb5s", 1 }, /* U+00B5, the micro sign */
        { "\xce\xbcs", 1 }, /* U+03BC, the Greek letter */
        { "ms", USEC_PER_MSEC },
        { "msec", USEC_PER_MSEC },
        { "s", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "seconds", USEC_PER_SEC },
        { "m", USEC_PER_MINUTE },
        { "min", USEC_PER_MINUTE },
        { "minute", USEC_PER_MINUTE },
        { "minutes", USEC_PER_MINUTE },
        { "h", USEC_PER_HOUR },
        { "hr", USEC_PER_HOUR },
        { "hour", USEC_PER_HOUR },
        { "hours", USEC_PER_HOUR },
        { "d", USEC_PER_DAY },
        { "day", USEC_PER_DAY },
        { "days", USEC_PER_DAY },
        { "w", USEC_PER_WEEK },
        { "week", USEC_PER_WEEK },
        { "weeks", USEC_PER_WEEK },
        { "M", USEC_PER_MONTH },
        { "month", USEC_PER_MONTH },
        { "months", USEC_PER_MONTH },
        { "y", USEC_PER_YEAR },
        { "year", USEC_PER_YEAR },
        { "years", USEC_PER_YEAR },
};

static const SpanUnit span_format_units[] = {
        { "y", USEC_PER_YEAR },
        { "month", USEC_PER_MONTH },
        { "w", USEC_PER_WEEK },
        { "d", USEC_PER_DAY },
        { "h", USEC_PER_HOUR },
        { "min", USEC_PER_MINUTE },
        { "s", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },
        { "us", 1 },
};

usec_t usec_add(usec_t a, usec_t b) {
        usec_t sum;

        return __builtin_add_overflow(a, b, &sum) ? USEC_INFINITY : sum;
}

usec_t usec_sub(usec_t a, usec_t b) {
        if (a == USEC_INFINITY && b != USEC_INFINITY)
                return USEC_INFINITY;
        return a > b ? a - b : 0;
}

usec_t usec_now(clockid_t clock) {
        struct timespec ts;
        int r = clock_gettime(clock, &ts);

        assert(r == 0); /* fails for an unknown clock alone */
        (void) r;
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / 1000;
}

/* A number as it stands in the text: its digits before and behind the point. */
typedef struct SpanNumber {
        const char *whole;
        size_t n_whole;
        const char *fraction;
        size_t n_fraction;
} SpanNumber;

/* Returns: what follows the number; NULL: no number. */
static const char *span_scan_number(const char *text, SpanNumber *ret_number) {
        const bool has_sign = *text == '+';
        SpanNumber number = { .whole = text + has_sign };

        number.n_whole = strspn(number.whole, SPAN_DIGITS);
        const char *end = number.whole + number.n_whole;
        /* "+.5" is refused by systemd too, ".5" and "+0.5" are not. */
        if (number.n_whole == 0 && (has_sign || *end != '.'))
                return NULL;

        if (*end == '.') {
                number.fraction = end + 1;
                number.n_fraction = strspn(number.fraction, SPAN_DIGITS);
                if (number.n_fraction == 0)
                        return NULL;
                end = number.fraction + number.n_fraction;
        }

        *ret_number = number;
        return end;
}

static int span_scale_number(const SpanNumber *number, usec_t unit_usec, usec_t *ret_usec) {
        usec_t whole = 0;

        for (size_t i = 0; i < number->n_whole; i++)
                if (__builtin_mul_overflow(whole, 10, &whole) ||
                        __builtin_add_overflow(whole, (usec_t) (number->whole[i] - '0'), &whole))
                        return -ERANGE;
        if (__builtin_mul_overflow(whole, unit_usec, &whole))
                return -ERANGE;

        /* Less than one unit, so it cannot overflow by itself. */
        usec_t fraction = 0, digit_usec = unit_usec / 10;
        for (size_t i = 0; i < number->n_fraction && digit_usec > 0; i++, digit_usec /= 10)
                fraction += (usec_t) (number->fraction[i] - '0') * digit_usec;

        usec_t usec = usec_add(whole, fraction);
        if (usec == USEC_INFINITY)
                return -ERANGE;

        *ret_usec = usec;
        return 0;
}

static bool span_is_unit_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char) c >= 0x80;
}

/* The unit that begins at text. Returns: its length; 0: text begins with no unit. */
static size_t span_scan_unit(const char *text, usec_t *ret_unit_usec) {
        size_t size = 0;

        while (span_is_unit_char(text[size]))
                size++;
        for (size_t i = 0; i < ELEMENTSOF(span_parse_units); i++)
                if (strlen(span_parse_units[i].name) == size &&
                        memcmp(span_parse_units[i].name, text, size) == 0) {
                        *ret_unit_usec = span_parse_units[i].usec;
                        return size;
                }
        return 0;
}

/* One number with its unit. text moves behind it, on failure to what is wrong. */
static int span_parse_term(const char **text, usec_t *ret_usec) {
        const char *start = *text;
        SpanNumber number;

        const char *end = span_scan_number(start, &number);
        if (!end)
                return -EINVAL;

        usec_t unit_usec = USEC_PER_SEC;
        const char *unit = end + strspn(end, SPAN_WHITESPACE);
        if (span_is_unit_char(*unit)) {
                size_t size = span_scan_unit(unit, &unit_usec);
                if (size == 0) {
                        *text = unit;
                        return -EINVAL;
                }
                end = unit + size;
        } else if (unit == end && *end != '\0') {
                *text = end;
                return -EINVAL;
        }

        int r = span_scale_number(&number, unit_usec, ret_usec);
        if (r < 0)
                return r;

        *text = end;
        return 0;
}

/* All terms up to the end. text ends up at what is wrong. */
static int span_parse_terms(const char **text, usec_t *ret_usec) {
        usec_t sum_usec = 0;

        do {
                const char *start = *text;
                usec_t term_usec;

                int r = span_parse_term(text, &term_usec);
                if (r < 0)
                        return r;

                sum_usec = usec_add(sum_usec, term_usec);
                if (sum_usec == USEC_INFINITY) {
                        *text = start;
                        return -ERANGE;
                }
                *text += strspn(*text, SPAN_WHITESPACE);
        } while (**text != '\0');

        *ret_usec = sum_usec;
        return 0;
}

/* Whether the text is "infinity" with nothing but white space behind it. */
static bool span_is_infinity(const char *text) {
        static const char infinity[] = "infinity";

        if (strncmp(text, infinity, strlen(infinity)) != 0)
                return false;
        text += strlen(infinity);
        return text[strspn(text, SPAN_WHITESPACE)] == '\0';
}

int usec_parse_span(const char *text, usec_t *ret_usec, const char **reterr_bad) {
        assert(text);
        assert(ret_usec);

        text += strspn(text, SPAN_WHITESPACE);
        if (span_is_infinity(text)) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }

        usec_t usec;
        int r = span_parse_terms(&text, &usec);
        if (r < 0) {
                if (reterr_bad)
                        *reterr_bad = text;
                return r;
        }

        *ret_usec = usec;
        return 0;
}

/* How many decimals of a unit the accuracy leaves: 6 for seconds at 1 µs, 3 at 1 ms, 0 at 1 s. */
static int span_count_decimals(usec_t unit_usec, usec_t accuracy_usec, usec_t *ret_decimal_usec) {
        int n_decimals = 0;
        usec_t decimal_usec = unit_usec;

        while (decimal_usec > 1 && accuracy_usec % decimal_usec != 0) {
                decimal_usec /= 10;
                n_decimals++;
        }

        *ret_decimal_usec = decimal_usec;
        return n_decimals;
}

/* Writes the part of a span that a unit counts, and returns what is left for the smaller ones. */
static usec_t span_format_part(
        char *text, size_t size, const SpanUnit *unit, usec_t span_usec, usec_t accuracy_usec) {
        const usec_t whole = span_usec / unit->usec, rest_usec = span_usec % unit->usec;
        usec_t decimal_usec = 1;
        int n_decimals = 0, n;

        /* Decimals end a span: only where nothing but seconds and less is left. */
        if (span_usec < USEC_PER_MINUTE && rest_usec > 0)
                n_decimals = span_count_decimals(unit->usec, accuracy_usec, &decimal_usec);

        if (n_decimals > 0)
                n = snprintf(text, size, "%" USEC_FMT ".%0*" USEC_FMT "%s", whole, n_decimals,
                        rest_usec / decimal_usec, unit->name);
        else
                n = snprintf(text, size, "%" USEC_FMT "%s", whole, unit->name);

        /* The longest, "584542y 11month 4w 1d 23h 59min 59.999999s", leaves room to spare. */
        assert(n > 0 && (size_t) n < size);
        (void) n;
        return n_decimals > 0 ? 0 : rest_usec;
}

const char *usec_format_span(
        char buffer[static USEC_SPAN_MAX], usec_t span_usec, usec_t accuracy_usec) {
        if (span_usec == USEC_INFINITY)
                return strcpy(buffer, "infinity");
        if (accuracy_usec == 0)
                accuracy_usec = 1;

        span_usec -= span_usec % accuracy_usec;
        if (span_usec == 0)
                return strcpy(buffer, "0");

        size_t size = 0;
        for (const SpanUnit *unit = span_format_units; span_usec > 0; unit++) {
                if (span_usec < unit->usec)
                        continue;
                if (size > 0)
                        buffer[size++] = ' ';
                span_usec = span_format_part(
                        buffer + size, USEC_SPAN_MAX - size, unit, span_usec, accuracy_usec);
                size += strlen(buffer + size);
        }
        return buffer;
}

const char *usec_format_exact(char buffer[static USEC_SPAN_MAX], usec_t span_usec) {
        usec_t accuracy_usec = 1;

        while (accuracy_usec < USEC_PER_SEC && span_usec % (10 * accuracy_usec) == 0)
                accuracy_usec *= 10;
        return usec_format_span(buffer, span_usec, accuracy_usec);
}
