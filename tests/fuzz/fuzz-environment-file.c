/* SPDX-License-Identifier: MIT */

/* Files of EnvironmentFile=: what is taken of one has names and no name twice; written with quotes it is
 * read the same, and as a variable in a command line each value comes back. */

#include <string.h>

#include "byte-buffer.h"
#include "fuzz.h"
#include "units/environment-file.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_write(ByteBuffer *text, const char *assignment) {
        const char *value = strchr(assignment, '=') + 1;

        byte_buffer_append(text, assignment, (size_t) (value - assignment));
        byte_buffer_append_text(text, "\"");
        for (; *value; value++) {
                if (strchr("\"\\`$", *value))
                        byte_buffer_append_text(text, "\\");
                byte_buffer_append(text, value, 1);
        }
        byte_buffer_append_text(text, "\"\n");
}

static void fuzz_assignment(char *const environment[], const char *assignment) {
        _cleanup_free_ char *name = strndup(assignment, strcspn(assignment, "=")), *word = NULL;
        _cleanup_strv_ char **words = NULL;
        const char *value = environment_get(environment, name);

        fuzz_check(name && *name && value == assignment + strlen(name) + 1);
        fuzz_check(asprintf(&word, "<${%s}>", name) > 0);
        fuzz_check(environment_expand_word(environment, word, &words) == 0);
        fuzz_check(strv_length(words) == 1 && strlen(words[0]) == strlen(value) + 2);
        fuzz_check(strncmp(words[0] + 1, value, strlen(value)) == 0);

        (void) snprintf(word, strlen(word), "$%s", name);
        fuzz_check(environment_expand_word(environment, word, &words) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);
        _cleanup_strv_ char **environment = NULL, **again = NULL, **words = NULL;
        _cleanup_(byte_buffer_done) ByteBuffer written = {};

        fuzz_check(text != NULL);
        fuzz_check(environment_expand_word(NULL, text, &words) == 0);

        int r = environment_apply_text(&environment, text);
        fuzz_check(r == 0 || r == -EBADMSG);
        fuzz_check(r == 0 || !environment);
        for (size_t i = 0; environment && environment[i]; i++) {
                fuzz_assignment(environment, environment[i]);
                fuzz_write(&written, environment[i]);
        }

        fuzz_check(environment_apply_text(&again, written.data ?: "") == 0);
        fuzz_check(strv_length(again) == strv_length(environment));
        for (size_t i = 0; again && again[i]; i++)
                fuzz_check(strcmp(again[i], environment[i]) == 0);
        return 0;
}
