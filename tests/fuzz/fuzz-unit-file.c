/* SPDX-License-Identifier: MIT */

/* Unit files: a text that assigns a key still does so with a comment before it and with another
 * section behind it; one that does not, does once the assignment is put before it. A walk tells what
 * can be written down again, one assignment a line, and reads back as the same; its lines ascend. */

#include <string.h>

#include "fuzz.h"
#include "unit-file.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static bool fuzz_assigns(const char *before, const char *text, const char *behind) {
        char *joined;

        fuzz_check(asprintf(&joined, "%s%s%s", before, text, behind) >= 0);
        bool assigns = unit_file_assigns(joined, "Service", "TimeoutStopSec");
        free(joined);
        return assigns;
}

typedef struct FuzzWalk {
        FILE *canon; /* "[SECTION]", "KEY=VALUE " for each assignment: the space keeps a backslash at the
                      * value's end from joining lines */
        unsigned line, n_lines;
        size_t n;
} FuzzWalk;

static int fuzz_walk_take(const UnitAssignment *assignment, void *userdata) {
        static const char space[] = " \t\r\n";
        FuzzWalk *walk = userdata;
        const char *key = assignment->key, *value = assignment->value;

        fuzz_check(assignment->line > walk->line && assignment->line <= walk->n_lines);
        fuzz_check(*assignment->section && !strpbrk(assignment->section, "\r\n"));
        fuzz_check(*key && !strpbrk(key, "=\r\n"));
        fuzz_check(!strchr(space, key[0]) && !strchr(space, key[strlen(key) - 1]));
        fuzz_check(
                !*value || (!strchr(space, value[0]) && !strchr(space, value[strlen(value) - 1])));

        walk->line = assignment->line;
        walk->n++;
        fuzz_check(fprintf(walk->canon, "[%s]\n%s=%s \n", assignment->section, key,
                           assignment->value) > 0);
        return 0;
}

static char *fuzz_walk(const char *text, size_t *ret_n) {
        FuzzWalk walk = { .n_lines = 1 };
        char *canon = NULL;
        size_t size;

        for (const char *p = text; *p; p++)
                walk.n_lines += *p == '\n' || *p == '\r';
        walk.canon = open_memstream(&canon, &size);
        fuzz_check(walk.canon != NULL);
        int r = unit_file_walk(text, fuzz_walk_take, &walk);
        fuzz_check(r == 0 || r == -EBADMSG);
        fuzz_check(fclose(walk.canon) == 0);
        *ret_n = walk.n;
        return canon;
}

static void fuzz_walk_twice(const char *text) {
        size_t n, n_again;
        _cleanup_free_ char *canon = fuzz_walk(text, &n);
        _cleanup_free_ char *again = fuzz_walk(canon, &n_again);

        fuzz_check(n == n_again);
        fuzz_check(strcmp(canon, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        _cleanup_free_ char *text = strndup(size > 0 ? (const char *) data : "", size);

        fuzz_check(text != NULL);
        bool assigns = unit_file_assigns(text, "Service", "TimeoutStopSec");

        /* A mark is one at the very beginning alone. */
        if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) != 0)
                fuzz_check(fuzz_assigns("# \\\n", text, "") == assigns);
        if (assigns)
                fuzz_check(fuzz_assigns("", text, "\n[Unit]\n"));
        fuzz_check(fuzz_assigns("[Service]\nTimeoutStopSec=1\n", text, ""));
        fuzz_walk_twice(text);
        return 0;
}
