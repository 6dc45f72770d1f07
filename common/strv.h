/* SPDX-License-Identifier: MIT */
#pragma once

/* Lists of strings: a malloc()ed array of malloc()ed strings that ends with NULL. NULL is the empty list. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

size_t strv_length(char *const list[]);

/* Frees strings and array. NULL is fine. Returns: NULL. */
char **strv_free(char **list);
DEFINE_POINTER_CLEANUP(char *, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

/* Appends a copy. Returns: 0; -ENOMEM, the list is as it was. */
int strv_extend(char ***list, const char *text) _warn_unused_;

/* Copies a list, of which NULL gives an empty one.
 * Returns: 0 and *ret_copy; -ENOMEM. */
int strv_copy(char *const list[], char ***ret_copy) _warn_unused_;

bool strv_contains(char *const list[], const char *text);
