/* SPDX-License-Identifier: MIT */
#pragma once

/* Credentials in URLs. */

#include <stddef.h>

#include "cleanup.h"

/* Places in the text that was looked at. */
typedef struct SecretUrl {
        size_t secret;      /* the password, or a user name that looks like a token */
        size_t secret_size; /* 0: there is none */
        size_t end;         /* of the authority; the secret lies before it */
} SecretUrl;

/* Looks at the authority of a URL. What is further away than 1024 bytes is not found.
 *
 * text, size: any bytes.
 * scheme_end: where "://" begins in it. */
void secret_url_find(const char *text, size_t size, size_t scheme_end, SecretUrl *ret_url);
