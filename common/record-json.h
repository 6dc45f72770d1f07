/* SPDX-License-Identifier: MIT */
#pragma once

/* JSON as the value of a record's field. */

#include <json-c/json.h>

#include "record.h"

/* Puts a value under a key and takes it; a NULL value (out of memory) is left out. */
void record_json_put(json_object *object, const char *key, json_object *value);

/* Adds the text of a value as a field, and frees the value. NULL: nothing is added. */
void record_add_json(Record *record, const char *name, json_object *value);
