/* SPDX-License-Identifier: MIT */
#pragma once

/* What is wrong with a command line, as one line that names the offending word and where the fix stands. */

#include <stdarg.h>

#include "cleanup.h"

#define OPTION_ERROR_MAX 512

/* Writes the line; control characters become "?".
 * Returns: -EINVAL, for the caller to return. */
int option_refuse(char reterr[static OPTION_ERROR_MAX], const char *format, ...) _printf_(2, 3);

/* Writes why getopt_long(3) has refused a word: its option string begins with ":", and optind and optopt are as
 * it left them.
 *
 * verb:   whose help is named.
 * hint:   what else might help with an option that is not known (", or put -- before COMMAND"); "": nothing.
 * code:   what it returned, '?' or ':'.
 * Returns: -EINVAL. */
int option_refuse_word(char reterr[static OPTION_ERROR_MAX], const char *verb, const char *hint,
        int argc, char *argv[], int code);
