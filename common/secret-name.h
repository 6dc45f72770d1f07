/* SPDX-License-Identifier: MIT */
#pragma once

/* Which names say that what they name is secret: of options, variables, headers, JSON keys. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

typedef enum SecretName {
        SECRET_NAME_NONE,
        SECRET_NAME_SWITCH, /* speaks of a secret without taking one: "--no-password" */
        SECRET_NAME_WEAK,   /* also names harmless things: "key", "auth", "pass" */
        SECRET_NAME_STRONG, /* "password", "api-key", "token", … */
        _SECRET_NAME_MAX,
        _SECRET_NAME_INVALID = -EINVAL,
} SecretName;

/* name: without the dashes of an option, any bytes; of more than 128 the last ones count. */
SecretName secret_name_classify(const char *name, size_t size);

/* Whether a weakly named or switched value tells on its own that it is none: "yes", "none",
 * "basic", "2". */
bool secret_value_is_harmless(const char *value, size_t size);

/* Whether a word is the scheme that stands before a secret in a header: "Bearer". */
bool secret_value_is_scheme(const char *value, size_t size);

/* Whether a value looks made by a random generator: at least 16 characters of the usual alphabets
 * (base64, hex, and what tokens are joined with), letters and digits among them, and no path. */
bool secret_value_looks_random(const char *value, size_t size);
