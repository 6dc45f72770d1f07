/* SPDX-License-Identifier: MIT */

/* The clean-shutdown marker as JSON. It is written twice in a stop: before anything is waited for,
 * so that it stands when the power or a SIGKILL ends the drain, and again with the outcome. Its run
 * and boot id keep it from vouching for another run.
 *
 * Reading trusts nothing: the state directory is the gateway's, which may write a file of this name
 * itself, by another format or none. What is read is bounded in size and depth, and either whole or
 * -EBADMSG; the reader then treats it as absent.
 *
 * written_at is text that people read (ISO 8601, UTC, microseconds); any offset is understood.
 *
 * No fsync: the first write lies between a signal and its being passed on. */

#include "clean-shutdown.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "file.h"

#define MARKER_DEPTH_MAX    8 /* ours has 1; unknown keys may hold a little more */
#define MARKER_TIME_MAX     40
#define MARKER_YEAR_MAX     9999
#define MARKER_TIME_NUMBERS 6

static void json_putp(json_object **object) {
        (void) json_object_put(*object);
}

static void json_tokener_freep(json_tokener **tokener) {
        if (*tokener)
                json_tokener_free(*tokener);
}

/* Returns: 0; -ERANGE: a time that has no such text. */
static int marker_format_time(usec_t realtime_usec, char ret_text[static MARKER_TIME_MAX]) {
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
static const char *marker_parse_digits(
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
static const char *marker_parse_fraction(const char *text, usec_t *ret_usec) {
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
static bool marker_parse_offset(const char *text, int *ret_seconds) {
        int hours, minutes;

        if (strcmp(text, "Z") == 0) {
                *ret_seconds = 0;
                return true;
        }
        if (*text != '+' && *text != '-')
                return false;
        int sign = *text == '-' ? -1 : 1;
        text = marker_parse_digits(text + 1, 2, ':', &hours);
        if (!text)
                return false;
        text = marker_parse_digits(text, 2, '\0', &minutes);
        if (!text || *text != '\0' || hours > 23 || minutes > 59)
                return false;
        *ret_seconds = sign * (hours * 3600 + minutes * 60);
        return true;
}

/* Returns: 0; -EBADMSG: not a time with an offset, or one before 1970. */
static int marker_parse_time(const char *text, usec_t *ret_realtime_usec) {
        static const struct {
                int n_digits;
                char separator;
        } parts[MARKER_TIME_NUMBERS] = { { 4, '-' }, { 2, '-' }, { 2, 'T' }, { 2, ':' }, { 2, ':' },
                { 2, '\0' } };
        int numbers[MARKER_TIME_NUMBERS], offset;
        usec_t fraction_usec;

        for (size_t i = 0; i < MARKER_TIME_NUMBERS; i++) {
                text = marker_parse_digits(
                        text, parts[i].n_digits, parts[i].separator, &numbers[i]);
                if (!text)
                        return -EBADMSG;
        }
        text = marker_parse_fraction(text, &fraction_usec);
        if (!text || !marker_parse_offset(text, &offset))
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

/* Takes the value. Returns: whether it was added; it is not leaked either way. */
static bool marker_add(json_object *object, const char *key, json_object *value) {
        if (json_object_object_add(object, key, value) == 0)
                return true;
        (void) json_object_put(value);
        return false;
}

/* A missing value is an allocation that failed, for null itself is a NULL to json-c. */
static bool marker_add_value(json_object *object, const char *key, json_object *value) {
        return value && marker_add(object, key, value);
}

static bool marker_add_text(json_object *object, const char *key, const char *text) {
        return *text ? marker_add_value(object, key, json_object_new_string(text))
                     : marker_add(object, key, NULL);
}

static bool marker_add_id(json_object *object, const char *key, sd_id128_t id) {
        char text[SD_ID128_STRING_MAX];

        return marker_add_value(object, key, json_object_new_string(sd_id128_to_string(id, text)));
}

int clean_shutdown_write(int state_fd, const CleanShutdown *marker) {
        char written_at[MARKER_TIME_MAX];

        assert(marker);

        int r = marker_format_time(marker->written_at_realtime_usec, written_at);
        if (r < 0)
                return r;
        _cleanup_(json_putp) json_object *object = json_object_new_object();
        if (!object || !marker_add_id(object, "run_id", marker->run_id) ||
                !marker_add_value(object, "pid", json_object_new_int64(marker->pid)) ||
                !marker_add_id(object, "boot_id", marker->boot_id) ||
                !marker_add_text(object, "signal", marker->signal) ||
                !marker_add_text(object, "written_at", written_at) ||
                !marker_add_text(object, "outcome", marker->outcome))
                return -ENOMEM;

        size_t size;
        const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &size);
        if (!text)
                return -ENOMEM;
        return file_write_atomic(state_fd, MARKER_CLEAN_SHUTDOWN, text, size, 0600);
}

/* Returns: the text; NULL: not a string, or with a NUL inside. */
static const char *marker_get_text(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) ||
                !json_object_is_type(value, json_type_string))
                return NULL;
        const char *text = json_object_get_string(value);
        return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}

static int marker_get_id(json_object *object, const char *key, sd_id128_t *ret_id) {
        const char *text = marker_get_text(object, key);

        return text && sd_id128_from_string(text, ret_id) >= 0 ? 0 : -EBADMSG;
}

static int marker_get_pid(json_object *object, const char *key, pid_t *ret_pid) {
        json_object *value;

        if (!json_object_object_get_ex(object, key, &value) ||
                !json_object_is_type(value, json_type_int))
                return -EBADMSG;
        int64_t pid = json_object_get_int64(value); /* saturates */
        if (pid < 0 || pid > INT_MAX)
                return -EBADMSG;
        *ret_pid = (pid_t) pid;
        return 0;
}

static int marker_get_time(json_object *object, const char *key, usec_t *ret_realtime_usec) {
        const char *text = marker_get_text(object, key);

        return text ? marker_parse_time(text, ret_realtime_usec) : -EBADMSG;
}

/* Missing and null leave ret_text empty. */
static int marker_get_optional(
        json_object *object, const char *key, char *ret_text, size_t ret_size) {
        json_object *value;

        ret_text[0] = '\0';
        if (!json_object_object_get_ex(object, key, &value) || !value)
                return 0;
        const char *text = marker_get_text(object, key);
        if (!text || strlen(text) >= ret_size)
                return -EBADMSG;
        memcpy(ret_text, text, strlen(text) + 1);
        return 0;
}

/* Returns: 0; -EBADMSG: not exactly one JSON value; -ENOMEM. */
static int marker_parse_json(const char *text, size_t size, json_object **ret_object) {
        if (size > MARKER_SIZE_MAX)
                return -EBADMSG;
        _cleanup_(json_tokener_freep) json_tokener *tokener = json_tokener_new_ex(MARKER_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);

        _cleanup_(json_putp) json_object *object = json_tokener_parse_ex(tokener, text, (int) size);
        if (json_tokener_get_error(tokener) != json_tokener_success)
                return -EBADMSG;
        for (size_t i = json_tokener_get_parse_end(tokener); i < size; i++)
                if (!memchr(" \t\r\n", text[i], 4))
                        return -EBADMSG;
        *ret_object = TAKE_PTR(object);
        return 0;
}

int clean_shutdown_parse(const char *text, size_t size, CleanShutdown *ret_marker) {
        _cleanup_(json_putp) json_object *object = NULL;
        CleanShutdown marker = {};

        assert(text);
        assert(ret_marker);

        int r = marker_parse_json(text, size, &object);
        if (r < 0)
                return r;
        if (!json_object_is_type(object, json_type_object))
                return -EBADMSG;

        if (marker_get_id(object, "run_id", &marker.run_id) < 0 ||
                marker_get_id(object, "boot_id", &marker.boot_id) < 0 ||
                marker_get_pid(object, "pid", &marker.pid) < 0 ||
                marker_get_time(object, "written_at", &marker.written_at_realtime_usec) < 0 ||
                marker_get_optional(object, "signal", marker.signal, sizeof(marker.signal)) < 0 ||
                marker_get_optional(object, "outcome", marker.outcome, sizeof(marker.outcome)) < 0)
                return -EBADMSG;
        *ret_marker = marker;
        return 0;
}

int clean_shutdown_read(int state_fd, CleanShutdown *ret_marker) {
        _cleanup_free_ char *text = NULL;
        size_t size;

        int r = file_read_bounded(state_fd, MARKER_CLEAN_SHUTDOWN, MARKER_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        return clean_shutdown_parse(text, size, ret_marker);
}

int clean_shutdown_remove(int state_fd) {
        if (unlinkat(state_fd, MARKER_CLEAN_SHUTDOWN, 0) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}
