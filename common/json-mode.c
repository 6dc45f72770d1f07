/* SPDX-License-Identifier: MIT */

/* JSON as a program prints it: one value, one line end behind it.
 *
 * json-c escapes what JSON asks for, control characters too; it takes strings as they are, so that whoever
 * fills the value makes them valid UTF-8 first (text_clean()). Slashes stay as they are: nothing here ends
 * up inside of HTML. */

#include "json-mode.h"

#include <string.h>

static const char *const json_mode_table[_JSON_MODE_MAX] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
};

JsonMode json_mode_from_string(const char *name) {
        assert(name);

        for (int i = 0; i < _JSON_MODE_MAX; i++)
                if (strcmp(json_mode_table[i], name) == 0)
                        return i;
        return _JSON_MODE_INVALID;
}

int json_mode_print(FILE *file, json_object *value, JsonMode mode) {
        const int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
                (mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                     : JSON_C_TO_STRING_PLAIN);

        assert(file);
        assert(mode == JSON_SHORT || mode == JSON_PRETTY);

        const char *text = json_object_to_json_string_ext(value, flags);
        if (!text)
                return -ENOMEM;
        (void) fprintf(file, "%s\n", text);
        return 0;
}
