/* SPDX-License-Identifier: MIT */

/* The lines that all verbs have in common for what getopt_long(3) does not understand. What a value of theirs
 * should have been, they say themselves. */

#include "option-error.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

int option_refuse(char reterr[static OPTION_ERROR_MAX], const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(reterr, OPTION_ERROR_MAX, format, arguments);
        va_end(arguments);
        for (char *c = reterr; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f)
                        *c = '?';
        return -EINVAL;
}

int option_refuse_word(char reterr[static OPTION_ERROR_MAX], const char *verb, const char *hint,
        int argc, char *argv[], int code) {
        const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

        if (code == ':')
                return option_refuse(reterr,
                        "option '%.100s' needs a value: see 'gatewatch %s --help'", word, verb);
        /* Short options are told by the letter: several may stand in one word. */
        if (optopt > 0 && optopt < 0x100 && strncmp(word, "--", 2) != 0)
                return option_refuse(reterr, "unknown option '-%c': see 'gatewatch %s --help'%s",
                        optopt, verb, hint);
        if (optopt != 0)
                return option_refuse(reterr,
                        "option '%.100s' takes no value: see 'gatewatch %s --help'", word, verb);
        return option_refuse(reterr,
                "unknown or ambiguous option '%.100s': see 'gatewatch %s --help'%s", word, verb,
                hint);
}
