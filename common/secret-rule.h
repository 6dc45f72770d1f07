/* SPDX-License-Identifier: MIT */
#pragma once

/* Programs that take a secret by an option whose name does not say so. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

typedef struct SecretRuleMatch {
        size_t option_size; /* the part of the argument that is the option, with its "=" */
        bool is_detached;   /* the secret is the next argument */
        char separator;     /* what precedes it in the value is none (the user in "user:secret");
                             * '\0': all of the value is secret */
} SecretRuleMatch;

/* Whether anything is known of a program. name: without directories, not NUL-terminated. */
bool secret_rule_has_program(const char *name, size_t size);

/* Whether an argument of a program is such an option, on its own or with the secret in it.
 *
 * has_login: the subcommand "login" was given. */
bool secret_rule_match(const char *program, size_t program_size, bool has_login,
        const char *argument, size_t size, SecretRuleMatch *ret_match);
