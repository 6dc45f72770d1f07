/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of the state directory have in common: each holds one JSON object, read within bounds
 * of size and depth, with instants as ISO 8601 text. For this room only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "cleanup.h"
#include "usec.h"

#define MARKER_SIZE_MAX (64U * 1024U)
#define MARKER_TIME_MAX 40

static inline void marker_json_putp(json_object **object) {
        (void) json_object_put(*object);
}

/* Exactly one JSON object, strict, in valid UTF-8.
 *
 * text:       size bytes, NUL-terminated or not.
 * ret_object: a new reference.
 * Returns: 0; -EBADMSG: not that, or over MARKER_SIZE_MAX; -ENOMEM. */
int marker_json_parse(const char *text, size_t size, json_object **ret_object) _warn_unused_;

/* Whether the key is there with another value than null. ret_value: borrowed from the object. */
bool marker_json_find(json_object *object, const char *key, json_object **ret_value);

/* Returns: the text, borrowed from the object; NULL: not there, not a string, or with a NUL inside. */
const char *marker_json_get_text(json_object *object, const char *key);

/* Returns: 0; -EBADMSG: not there, not an integer, or not from min to max. max: below INT64_MAX, to
 * which json-c brings down what is larger. */
int marker_json_get_integer(json_object *object, const char *key, int64_t min, int64_t max,
        int64_t *ret_value) _warn_unused_;

/* Adders. Returns: whether there was memory for it. */
bool marker_json_add_integer(json_object *object, const char *key, int64_t value);
/* text: empty becomes null. */
bool marker_json_add_text(json_object *object, const char *key, const char *text);

/* Replaces the file (0600) by the object's text.
 * Returns: 0; -ENOMEM; negative errno of file_write_atomic(). */
int marker_json_write(int dir_fd, const char *name, json_object *object) _warn_unused_;

/* "2026-02-28T23:59:59.123456+00:00". Returns: 0; -ERANGE: beyond the year 9999. */
int marker_time_format(usec_t realtime_usec, char ret_text[static MARKER_TIME_MAX]) _warn_unused_;

/* A date and a time with an optional fraction and "Z" or an offset.
 * Returns: 0; -EBADMSG: not that, or before 1970. */
int marker_time_parse(const char *text, usec_t *ret_realtime_usec) _warn_unused_;
