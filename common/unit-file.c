/* SPDX-License-Identifier: MIT */

/* Unit files, as far as it takes to say where a setting comes from.
 *
 * A text is a sequence of logical lines: lines joined wherever one ends in an odd number of
 * backslashes (the joint reads as a space), without comment lines, also those between joined lines.
 * UnitFileReader yields the characters of logical lines one by one, so that nothing is copied
 * however the text is folded; what is matched against is a section header or the key before "=".
 *
 * It neither interprets values (an empty or invalid assignment is an assignment) nor knows which
 * files a unit has, and a file that systemd would give up on half-way, at a malformed section
 * header, counts up to there, as it does for systemd. */

#include "unit-file.h"

#include <fcntl.h>
#include <string.h>

#include "file.h"

#define UNIT_FILE_MAX_BYTES ((size_t) 1024 * 1024)

#define UNIT_FILE_LINE_END (-1) /* of a logical line */

typedef struct UnitFileReader {
        const char *position;
        int current; /* the last character read, or UNIT_FILE_LINE_END */
        bool is_escaped;
} UnitFileReader;

static bool unit_file_is_space(int c) {
        return c == ' ' || c == '\t';
}

static bool unit_file_is_line_end(int c) {
        return c == '\n' || c == '\r' || c == '\0';
}

/* Moves behind the line end at position: "\n", "\r" or "\r\n". */
static const char *unit_file_skip_line_end(const char *position) {
        if (position[0] == '\r' && position[1] == '\n')
                return position + 2;
        return *position ? position + 1 : position;
}

/* Moves behind comment lines, if position, at the beginning of a line, is at one. */
static const char *unit_file_skip_comments(const char *position) {
        for (;;) {
                const char *p = position + strspn(position, " \t");
                if (*p != '#' && *p != ';')
                        return position;
                /* A backslash at the end of a comment joins nothing. */
                p += strcspn(p, "\n\r");
                position = unit_file_skip_line_end(p);
        }
}

static int unit_file_next(UnitFileReader *reader) {
        const char *p = reader->position;
        const bool begins_escape = *p == '\\' && !reader->is_escaped;

        if (begins_escape && unit_file_is_line_end(p[1])) {
                reader->position = unit_file_skip_comments(unit_file_skip_line_end(p + 1));
                return reader->current = ' ';
        }

        reader->is_escaped = begins_escape;
        if (unit_file_is_line_end(*p)) {
                reader->position = unit_file_skip_line_end(p);
                return reader->current = UNIT_FILE_LINE_END;
        }

        reader->position = p + 1;
        return reader->current = (unsigned char) *p;
}

static int unit_file_next_after_space(UnitFileReader *reader) {
        int c;

        do
                c = unit_file_next(reader);
        while (unit_file_is_space(c));
        return c;
}

/* Begins a logical line with its first character that is not white space. Returns: false when there
 * is none. */
static bool unit_file_begin_line(UnitFileReader *reader) {
        reader->position = unit_file_skip_comments(reader->position);
        if (*reader->position == '\0')
                return false;
        (void) unit_file_next_after_space(reader);
        return true;
}

static void unit_file_end_line(UnitFileReader *reader) {
        while (reader->current != UNIT_FILE_LINE_END)
                (void) unit_file_next(reader);
}

/* Reads the rest of a header whose "[" has been read.
 * Returns: 1: this section's; 0: another one's; -EBADMSG: no "]" at the end. */
static int unit_file_read_header(UnitFileReader *reader, const char *section) {
        const size_t size = strlen(section);
        bool is_match = true;
        int last = 0, c;

        size_t n;
        for (n = 0; (c = unit_file_next(reader)) != UNIT_FILE_LINE_END; n++) {
                if (n < size)
                        is_match = is_match && c == (unsigned char) section[n];
                else if (n == size)
                        is_match = is_match && c == ']';
                else
                        is_match = is_match && unit_file_is_space(c);
                if (!unit_file_is_space(c))
                        last = c;
        }

        if (last != ']')
                return -EBADMSG;
        return is_match && n > size;
}

/* Whether the line, whose first character has been read, assigns key. */
static bool unit_file_line_assigns(UnitFileReader *reader, const char *key) {
        for (; *key; key++) {
                if (reader->current != (unsigned char) *key)
                        return false;
                (void) unit_file_next(reader);
        }
        if (unit_file_is_space(reader->current))
                (void) unit_file_next_after_space(reader);
        return reader->current == '=';
}

bool unit_file_assigns(const char *text, const char *section, const char *key) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        UnitFileReader reader = { .position = text };
        int in_section = 0;

        assert(text);
        assert(section);
        assert(key && *key);

        if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
                reader.position += strlen(byte_order_mark);

        while (unit_file_begin_line(&reader)) {
                if (reader.current == '[') {
                        in_section = unit_file_read_header(&reader, section);
                        if (in_section < 0)
                                return false;
                } else if (in_section > 0 && unit_file_line_assigns(&reader, key))
                        return true;
                unit_file_end_line(&reader);
        }
        return false;
}

/* Reads a unit file through the links that lead to it: "systemctl link", aliases and whole
 * distributions make unit files links, and file_read_bounded() refuses those. A masked unit's
 * /dev/null is refused there as no regular file. */
int unit_file_read(const char *path, char **ret_text) {
        _cleanup_free_ char *resolved = realpath(path, NULL);
        if (!resolved)
                return -errno;

        char *text;
        size_t size;
        int r = file_read_bounded(AT_FDCWD, resolved, UNIT_FILE_MAX_BYTES, &text, &size);
        if (r < 0)
                return r;

        /* systemd takes a NUL for a line end. */
        for (size_t i = 0; i < size; i++)
                if (text[i] == '\0')
                        text[i] = '\n';

        *ret_text = text;
        return 0;
}

static bool unit_file_assigns_any(const char *path, const char *section, const char *const keys[]) {
        _cleanup_free_ char *text = NULL;

        if (unit_file_read(path, &text) < 0)
                return false;
        for (; *keys; keys++)
                if (unit_file_assigns(text, section, *keys))
                        return true;
        return false;
}

const char *unit_file_find_source(
        const char *const files[], const char *section, const char *const keys[]) {
        assert(files);
        assert(section);
        assert(keys);

        size_t n = 0;
        while (files[n])
                n++;
        while (n-- > 0)
                if (unit_file_assigns_any(files[n], section, keys))
                        return files[n];
        return NULL;
}
