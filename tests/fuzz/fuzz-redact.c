/* SPDX-License-Identifier: MIT */

/* Command lines: whatever the bytes, the line is bounded, valid UTF-8 and one line; a secret that
 * stands in an argument of its own behind them is in none; and a full line can be taken apart into
 * as many arguments as went in. */

#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "redact.h"

#define MARK "QqMARKqQ"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

/* Continuation bytes are counted only: what joins them was checked on the way in. */
static void fuzz_check_line(const char *line, size_t max_bytes) {
        int n_expected = 0;

        fuzz_check(strlen(line) <= max_bytes);
        for (const unsigned char *c = (const unsigned char *) line; *c; c++) {
                fuzz_check(*c >= ' ' && *c != 0x7f);
                if (n_expected > 0) {
                        fuzz_check((*c & 0xc0) == 0x80);
                        n_expected--;
                } else if (*c >= 0x80) {
                        fuzz_check(*c >= 0xc2 && *c < 0xf5);
                        n_expected = *c < 0xe0 ? 1 : *c < 0xf0 ? 2 : 3;
                }
        }
        fuzz_check(n_expected == 0);
}

static size_t fuzz_count_arguments(const char *line) {
        size_t n = *line ? 1 : 0;
        int is_quoted = 0;

        for (; *line; line++) {
                if (*line == '\\') {
                        fuzz_check(is_quoted && line[1] != '\0');
                        line++;
                } else if (*line == '"')
                        is_quoted = !is_quoted;
                else if (*line == ' ' && !is_quoted)
                        n++;
        }
        fuzz_check(!is_quoted);
        return n;
}

static void fuzz_join(const char *data, size_t size, CmdlineMode mode, size_t max_bytes) {
        _cleanup_free_ char *line = cmdline_join_raw(data, size, mode, max_bytes);

        fuzz_check(line != NULL);
        fuzz_check_line(line, max_bytes);
}

static void fuzz_plant(const char *data, size_t size, const char *secret, size_t secret_size) {
        _cleanup_free_ char *planted = malloc(size + secret_size + 1);

        if (size > 0 && memmem(data, size, MARK, strlen(MARK)))
                return;
        fuzz_check(planted != NULL);
        if (size > 0)
                memcpy(planted, data, size);
        planted[size] = '\0';
        memcpy(planted + size + 1, secret, secret_size);

        _cleanup_free_ char *line =
                cmdline_join_raw(planted, size + 1 + secret_size, CMDLINE_REDACTED, SIZE_MAX);
        fuzz_check(line != NULL);
        fuzz_check(strstr(line, MARK) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        static const char in_option[] = "--password=" MARK, behind_option[] = "--token\0" MARK,
                          in_variable[] = "X_SECRET=" MARK " y", in_url[] = "http://u:" MARK "@h",
                          in_script[] = "sh\0-c\0a; TOKEN='" MARK "' b --key " MARK;
        const char *data = (const char *) bytes;

        for (CmdlineMode mode = 0; mode < _CMDLINE_MODE_MAX; mode++) {
                fuzz_join(data, size, mode, SIZE_MAX);
                fuzz_join(data, size, mode, 4096);
                fuzz_join(data, size, mode, size > 0 ? bytes[0] : 0);
        }

        fuzz_plant(data, size, in_option, sizeof(in_option));
        fuzz_plant(data, size, behind_option, sizeof(behind_option));
        fuzz_plant(data, size, in_variable, sizeof(in_variable));
        fuzz_plant(data, size, in_url, sizeof(in_url));
        fuzz_plant(data, size, in_script, sizeof(in_script));

        /* Without a run of NULs at the end, which is taken for padding, each NUL ends one. */
        if (size > 0 && bytes[size - 1] != '\0') {
                _cleanup_free_ char *line = cmdline_join_raw(data, size, CMDLINE_FULL, SIZE_MAX);
                size_t n = 1;

                fuzz_check(line != NULL);
                for (size_t i = 0; i < size; i++)
                        n += bytes[i] == '\0';
                fuzz_check(fuzz_count_arguments(line) == n);
        }
        return 0;
}
