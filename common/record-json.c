/* SPDX-License-Identifier: MIT */

/* Values are handed over: whoever builds JSON for a record neither checks nor frees on the way, and what
 * there is no memory for is missing. */

#include "record-json.h"

void record_json_put(json_object *object, const char *key, json_object *value) {
        if (!value)
                return;
        if (!object || json_object_object_add(object, key, value) < 0)
                (void) json_object_put(value);
}

void record_add_json(Record *record, const char *name, json_object *value) {
        record_add_string(record, name,
                value ? json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN) : NULL);
        (void) json_object_put(value);
}
