/* SPDX-License-Identifier: MIT */

/* JSON and instants of the files in the state directory.
 *
 * Reading trusts nothing: other programs write these files, by another format or none. What is read is
 * bounded in size and depth and is one whole object, or it is -EBADMSG. Integers are integers: text,
 * fractions and what does not fit are refused, never converted. Keys that nobody asks for are ignored;
 * of a key that is there twice, the last one counts.
 *
 * Instants are written as text that people read (ISO 8601, UTC, microseconds); any offset is
 * understood, but there must be one. */

#include "marker-json.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "file.h"

#define MARKER_DEPTH_MAX    8 /* ours have 1; unknown keys may hold a little more */
#define MARKER_YEAR_MAX     9999
#define MARKER_TIME_NUMBERS 6

static void json_tokener_freep(json_tokener **tokener) {
        if (*tokener)
                json_tokener_free(*tokener);
}

int marker_json_parse(const char *text, size_t size, json_object **ret_object) {
        assert(text);
        assert(ret_object);

        if (size > MARKER_SIZE_MAX)
                return -EBADMSG;
        _cleanup_(json_tokener_freep) json_tokener *tokener = json_tokener_new_ex(MARKER_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);

        _cleanup_(marker_json_putp) json_object *object =
                json_tokener_parse_ex(tokener, text, (int) size);
        if (json_tokener_get_error(tokener) != json_tokener_success ||
                !json_object_is_type(object, json_type_object))
                return -EBADMSG;
        for (size_t i = json_tokener_get_parse_end(tokener); i < size; i++)
                if (!memchr(" \t\r\n", text[i], 4))
                        return -EBADMSG;
        *ret_object = TAKE_PTR(object);
        return 0;
}

bool marker_json_find(json_object *object, const char *key, json_object **ret_value) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) || !value)
                return false;
        *ret_value = value;
        return true;
}

const char *marker_json_get_text(json_object *object, const char *key) {
        json_object *value;

        if (!marker_json_find(object, key, &value) || !json_object_is_type(value, json_type_string))
                return NULL;
        const char *text = json_object_get_string(value);
        return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}

int marker_json_get_integer(
        json_object *object, const char *key, int64_t min, int64_t max, int64_t *ret_value) {
        json_object *value;

        assert(max < INT64_MAX);

        if (!marker_json_find(object, key, &value) || !json_object_is_type(value, json_type_int))
                return -EBADMSG;
        int64_t number = json_object_get_int64(value); /* saturates */
        if (number < min || number > max)
                return -EBADMSG;
        *ret_value = number;
        return 0;
}

/* Takes the value. Returns: whether it was added; it is not leaked either way. */
static bool marker_json_add(json_object *object, const char *key, json_object *value) {
        if (json_object_object_add(object, key, value) == 0)
                return true;
        (void) json_object_put(value);
        return false;
}

bool marker_json_add_integer(json_object *object, const char *key, int64_t value) {
        json_object *number = json_object_new_int64(value);

        return number && marker_json_add(object, key, number);
}

bool marker_json_add_text(json_object *object, const char *key, const char *text) {
        if (!*text)
                return marker_json_add(object, key, NULL); /* null itself is a NULL to json-c */
        json_object *string = json_object_new_string(text);
        return string && marker_json_add(object, key, string);
}

int marker_json_write(int dir_fd, const char *name, json_object *object) {
        size_t size;

        const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &size);
        if (!text)
                return -ENOMEM;
        return file_write_atomic(dir_fd, name, text, size, 0600);
}

int marker_time_format(usec_t realtime_usec, char ret_text[static MARKER_TIME_MAX]) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || tm.tm_year + 1900 > MARKER_YEAR_MAX)
                return -ERANGE;
        char date[MARKER_TIME_MAX];
        if (strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                return -ERANGE;
        (void) snprintf(ret_text, MARKER_TIME_MAX, "%.19s.%06u+00:00", date,
                (unsigned) (realtime_usec % USEC_PER_SEC));
        return 0;
}

/* Reads exactly n_digits digits and the separator behind them, unless that is NUL.
 * Returns: where it goes on; NULL: something else stands there. */
static const char *marker_time_parse_digits(
        const char *text, int n_digits, char separator, int *ret_number) {
        int number = 0;

        for (; n_digits > 0; n_digits--, text++) {
                if (*text < '0' || *text > '9')
                        return NULL;
                number = number * 10 + (*text - '0');
        }
        if (separator) {
                if (*text != separator)
                        return NULL;
                text++;
        }
        *ret_number = number;
        return text;
}

/* An optional fraction of 1 to 9 digits, of which 6 count.
 * Returns: where it goes on; NULL: not a fraction. */
static const char *marker_time_parse_fraction(const char *text, usec_t *ret_usec) {
        usec_t usec = 0, unit = USEC_PER_SEC;
        size_t n_digits = 0;

        *ret_usec = 0;
        if (*text != '.')
                return text;
        for (text++; *text >= '0' && *text <= '9'; text++, n_digits++) {
                unit /= 10;
                usec += (usec_t) (*text - '0') * unit;
        }
        if (n_digits == 0 || n_digits > 9)
                return NULL;
        *ret_usec = usec;
        return text;
}

/* "Z" or "+HH:MM", at the end of the text.
 * Returns: whether it is one. */
static bool marker_time_parse_offset(const char *text, int *ret_seconds) {
        int hours, minutes;

        if (strcmp(text, "Z") == 0) {
                *ret_seconds = 0;
                return true;
        }
        if (*text != '+' && *text != '-')
                return false;
        int sign = *text == '-' ? -1 : 1;
        text = marker_time_parse_digits(text + 1, 2, ':', &hours);
        if (!text)
                return false;
        text = marker_time_parse_digits(text, 2, '\0', &minutes);
        if (!text || *text != '\0' || hours > 23 || minutes > 59)
                return false;
        *ret_seconds = sign * (hours * 3600 + minutes * 60);
        return true;
}

int marker_time_parse(const char *text, usec_t *ret_realtime_usec) {
        static const struct {
                int n_digits;
                char separator;
        } parts[MARKER_TIME_NUMBERS] = { { 4, '-' }, { 2, '-' }, { 2, 'T' }, { 2, ':' }, { 2, ':' },
                { 2, '\0' } };
        int numbers[MARKER_TIME_NUMBERS], offset;
        usec_t fraction_usec;

        for (size_t i = 0; i < MARKER_TIME_NUMBERS; i++) {
                text = marker_time_parse_digits(
                        text, parts[i].n_digits, parts[i].separator, &numbers[i]);
                if (!text)
                        return -EBADMSG;
        }
        text = marker_time_parse_fraction(text, &fraction_usec);
        if (!text || !marker_time_parse_offset(text, &offset))
                return -EBADMSG;

        struct tm tm = { .tm_year = numbers[0] - 1900,
                .tm_mon = numbers[1] - 1,
                .tm_mday = numbers[2],
                .tm_hour = numbers[3],
                .tm_min = numbers[4],
                .tm_sec = numbers[5] };
        struct tm given = tm;
        time_t seconds = timegm(&tm);
        /* timegm(3) makes a March of February 30th: what it had to correct was no date. */
        if (tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday ||
                tm.tm_hour != given.tm_hour || tm.tm_min != given.tm_min ||
                tm.tm_sec != given.tm_sec)
                return -EBADMSG;
        seconds -= offset;
        if (seconds < 0)
                return -EBADMSG;

        *ret_realtime_usec = (usec_t) seconds * USEC_PER_SEC + fraction_usec;
        return 0;
}
