/* SPDX-License-Identifier: MIT */
#pragma once

/* Takes the secrets out of the arguments of one command line, in their order. */

#include <stdbool.h>
#include <stddef.h>

#include "byte-buffer.h"
#include "secret-name.h"

typedef enum SecretPending {
        SECRET_PENDING_NONE,
        SECRET_PENDING_OPTION, /* "--password": the value, unless an option follows */
        SECRET_PENDING_HEADER, /* "Authorization:": likewise, after a scheme */
        SECRET_PENDING_BARE,   /* "password": a value only if it looks random */
        SECRET_PENDING_RULE,   /* an option that is known to take one, whatever it looks like */
        _SECRET_PENDING_MAX,
        _SECRET_PENDING_INVALID = -EINVAL,
} SecretPending;

/* What the arguments before say of the next one. {} at the beginning of a command line. */
typedef struct SecretScan {
        const char *program; /* weak: within an argument; the last one that there are rules for */
        size_t program_size;
        bool has_login; /* the subcommand "login" came after it */
        bool is_script_next;
        bool is_joined; /* what is scanned goes on in a quoted part */
        unsigned depth;
        SecretPending pending;
        SecretName pending_name;
        char pending_separator;
        ByteBuffer *out; /* weak */
} SecretScan;

/* Appends the next argument to out, with "***" in place of secrets; nothing else is changed.
 *
 * argument: any bytes, not NUL-terminated; the caller keeps it until the last argument is done.
 * out:      may be another one for each argument. Out of memory is told by it. */
void secret_scan_argument(SecretScan *scan, const char *argument, size_t size, ByteBuffer *out);
