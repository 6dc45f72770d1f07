/* SPDX-License-Identifier: MIT */
#pragma once

/* --json=, as systemctl has it, and the printing that belongs to it. */

#include <json-c/json.h>
#include <stdio.h>

#include "cleanup.h"

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
        _JSON_MODE_MAX,
        _JSON_MODE_INVALID = -EINVAL,
} JsonMode;

/* "off", "short", "pretty". Returns: _JSON_MODE_INVALID: none of these. */
JsonMode json_mode_from_string(const char *name);

/* Writes a value and a line end: on one line, or indented.
 * Returns: 0; -ENOMEM. */
int json_mode_print(FILE *file, json_object *value, JsonMode mode) _warn_unused_;
