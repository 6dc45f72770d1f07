/* SPDX-License-Identifier: MIT */

/* A command line as one line of text.
 *
 * Arguments are joined by single spaces. One that is empty or has white space, a quote, a backslash
 * or a control character in it stands in double quotes, with \" \\ \n \t \r and \xNN inside (NN is
 * a byte), so that no argument can pass for two and none can end the line. Secrets are taken out of
 * the bytes before that (secret-scan), so that escapes hide none.
 *
 * Raw command lines are what a process left in its memory: a title written over the arguments by
 * setproctitle(3) or the like ends without a NUL or in a long run of them, and both is read as what
 * it looks like. The base name that CMDLINE_COMM gives is the first word of a title too, never the
 * arguments in it. */

#include "redact.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "byte-buffer.h"
#include "secret-scan.h"
#include "utf8.h"

#define REPLACEMENT_CHARACTER "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS              "\xe2\x80\xa6" /* U+2026 */

static const char *const cmdline_mode_names[] = {
        [CMDLINE_REDACTED] = "redacted",
        [CMDLINE_FULL] = "full",
        [CMDLINE_COMM] = "comm",
};

static_assert(ELEMENTSOF(cmdline_mode_names) == _CMDLINE_MODE_MAX, "a name for each mode");

const char *cmdline_mode_to_string(CmdlineMode mode) {
        if (mode < 0 || mode >= _CMDLINE_MODE_MAX)
                return NULL;
        return cmdline_mode_names[mode];
}

CmdlineMode cmdline_mode_from_string(const char *name) {
        assert(name);

        for (size_t i = 0; i < ELEMENTSOF(cmdline_mode_names); i++)
                if (strcmp(cmdline_mode_names[i], name) == 0)
                        return (CmdlineMode) i;
        return _CMDLINE_MODE_INVALID;
}

/* Control characters, of Latin-1 (two bytes) too. */
static bool cmdline_is_control(const unsigned char *text, size_t n) {
        return (n == 1 && (text[0] < 0x20 || text[0] == 0x7f)) ||
                (n == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

static bool cmdline_needs_quotes(const char *argument, size_t size) {
        const unsigned char *text = (const unsigned char *) argument;

        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_sequence_size(argument + i, size - i);
                if (n == 0)
                        n = 1;
                else if (cmdline_is_control(text + i, n) || strchr(" \"'\\", text[i]))
                        return true;
        }
        return size == 0;
}

static void cmdline_append_escaped(ByteBuffer *line, const unsigned char *text, size_t n) {
        switch (text[0]) {
        case '\n':
                byte_buffer_append_text(line, "\\n");
                return;
        case '\t':
                byte_buffer_append_text(line, "\\t");
                return;
        case '\r':
                byte_buffer_append_text(line, "\\r");
                return;
        }

        for (size_t i = 0; i < n; i++) {
                char escape[sizeof("\\xNN")];
                (void) snprintf(escape, sizeof(escape), "\\x%02x", text[i]);
                byte_buffer_append_text(line, escape);
        }
}

static void cmdline_append_quoted(ByteBuffer *line, const char *argument, size_t size) {
        const unsigned char *text = (const unsigned char *) argument;
        const bool is_quoted = cmdline_needs_quotes(argument, size);

        if (is_quoted)
                byte_buffer_append_text(line, "\"");
        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_sequence_size(argument + i, size - i);
                if (n == 0) {
                        byte_buffer_append_text(line, REPLACEMENT_CHARACTER);
                        n = 1;
                } else if (cmdline_is_control(text + i, n))
                        cmdline_append_escaped(line, text + i, n);
                else {
                        if (text[i] == '"' || text[i] == '\\')
                                byte_buffer_append_text(line, "\\");
                        byte_buffer_append(line, text + i, n);
                }
        }
        if (is_quoted)
                byte_buffer_append_text(line, "\"");
}

/* Cuts at a character, the ellipsis included in what is allowed. */
static void cmdline_cut(ByteBuffer *line, size_t max_bytes) {
        if (line->size <= max_bytes)
                return;

        const bool has_ellipsis = max_bytes >= strlen(ELLIPSIS);
        size_t size = has_ellipsis ? max_bytes - strlen(ELLIPSIS) : 0;
        while (size > 0 && (line->data[size] & 0xc0) == 0x80)
                size--;
        byte_buffer_cut(line, size);
        if (has_ellipsis)
                byte_buffer_append_text(line, ELLIPSIS);
}

/* The base name of the program. A title ("nginx: worker process", "prog --token x" in one argument)
 * gives its first word; that of a path ends where options begin, since a directory may have spaces
 * in its name. */
static void cmdline_append_comm(ByteBuffer *line, const char *argument) {
        static const char white_space[] = " \t\n\v\f\r";
        size_t size = strcspn(argument, white_space);

        if (memchr(argument, '/', size)) {
                const char *options = strstr(argument, " -");
                size = options ? (size_t) (options - argument) : strlen(argument);
        }

        while (size > 1 && argument[size - 1] == '/')
                size--;
        const char *slash = memrchr(argument, '/', size);
        if (slash && size > 1) {
                size -= (size_t) (slash + 1 - argument);
                argument = slash + 1;
        }

        const size_t n_word = strcspn(argument, white_space);
        cmdline_append_quoted(line, argument, n_word < size ? n_word : size);
}

/* Stops early once the line is too long anyway. */
static void cmdline_append_all(
        ByteBuffer *line, const char *const argv[], bool is_redacted, size_t max_bytes) {
        ByteBuffer argument = {};
        SecretScan scan = {};

        for (size_t i = 0; argv[i] && line->size <= max_bytes && !line->is_failed; i++) {
                if (i > 0)
                        byte_buffer_append_text(line, " ");
                if (!is_redacted) {
                        cmdline_append_quoted(line, argv[i], strlen(argv[i]));
                        continue;
                }

                byte_buffer_cut(&argument, 0);
                secret_scan_argument(&scan, argv[i], strlen(argv[i]), &argument);
                cmdline_append_quoted(line, argument.data, argument.size);
                line->is_failed = line->is_failed || argument.is_failed;
        }
        byte_buffer_done(&argument);
}

char *cmdline_join(const char *const argv[], CmdlineMode mode, size_t max_bytes) {
        ByteBuffer line = {};

        assert(argv);
        assert(mode >= 0 && mode < _CMDLINE_MODE_MAX);

        if (mode != CMDLINE_COMM)
                cmdline_append_all(&line, argv, mode == CMDLINE_REDACTED, max_bytes);
        else if (argv[0] && argv[0][0])
                cmdline_append_comm(&line, argv[0]);

        cmdline_cut(&line, max_bytes);
        char *text = byte_buffer_steal(&line);
        byte_buffer_done(&line);
        return text;
}

/* Leaves out the padding of a title: more than one empty argument at the end. A single one may be
 * real. */
static size_t cmdline_trim_raw(const char *data, size_t size) {
        size_t n = size;

        while (n > 0 && data[n - 1] == '\0')
                n--;
        return size - n > 2 ? n : size;
}

char *cmdline_join_raw(const char *data, size_t size, CmdlineMode mode, size_t max_bytes) {
        assert(data || size == 0);

        size = cmdline_trim_raw(data, size);
        size_t n = 1; /* the last one may lack its NUL */
        for (size_t i = 0; i < size; i++)
                n += data[i] == '\0';

        /* size + 1 fits: data is in memory. */
        _cleanup_free_ char *copy = malloc(size + 1);
        _cleanup_free_ const char **argv = calloc(n + 1, sizeof(*argv));
        if (!copy || !argv)
                return NULL;
        if (size > 0)
                memcpy(copy, data, size);
        copy[size] = '\0';

        size_t n_arguments = 0;
        for (size_t i = 0; i < size; i += strlen(copy + i) + 1)
                argv[n_arguments++] = copy + i;
        return cmdline_join(argv, mode, max_bytes);
}
