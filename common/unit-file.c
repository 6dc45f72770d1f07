/* SPDX-License-Identifier: MIT */

/* Unit files: what they assign, and which of several has the last word.
 *
 * A text is a sequence of logical lines: lines joined wherever one ends in an odd number of
 * backslashes (the joint reads as a space), without comment lines, also those between joined lines.
 * UnitFileReader yields the characters of logical lines one by one; UnitFileWalk collects a line,
 * which is never longer than the text it comes from, without white space at its ends, and splits it
 * at the first "=". Quotes and specifiers are the value's own affair.
 *
 * It neither interprets values (an empty or invalid assignment is an assignment) nor knows which
 * files a unit has, and a file that systemd would give up on half-way, at a malformed section
 * header or a line that is not UTF-8, counts up to there, as it does for systemd. */

#include "unit-file.h"

#include <fcntl.h>
#include <string.h>

#include "file.h"
#include "utf8.h"

#define UNIT_FILE_MAX_BYTES ((size_t) 1024 * 1024)

#define UNIT_FILE_LINE_END (-1) /* of a logical line */

typedef struct UnitFileReader {
        const char *position;
        unsigned line; /* that position is in, from 1 */
        int current;   /* the last character read, or UNIT_FILE_LINE_END */
        bool is_escaped;
} UnitFileReader;

static bool unit_file_is_space(int c) {
        return c == ' ' || c == '\t';
}

static bool unit_file_is_line_end(int c) {
        return c == '\n' || c == '\r' || c == '\0';
}

/* Moves behind the line end at position: "\n", "\r" or "\r\n". */
static void unit_file_skip_line_end(UnitFileReader *reader) {
        const char *p = reader->position;

        if (*p == '\0')
                return;
        reader->position = p[0] == '\r' && p[1] == '\n' ? p + 2 : p + 1;
        reader->line++;
}

/* Moves behind comment lines, if position, at the beginning of a line, is at one. */
static void unit_file_skip_comments(UnitFileReader *reader) {
        for (;;) {
                const char *p = reader->position + strspn(reader->position, " \t");
                if (*p != '#' && *p != ';')
                        return;
                /* A backslash at the end of a comment joins nothing. */
                reader->position = p + strcspn(p, "\n\r");
                unit_file_skip_line_end(reader);
        }
}

static int unit_file_next(UnitFileReader *reader) {
        const char *p = reader->position;
        const bool begins_escape = *p == '\\' && !reader->is_escaped;

        if (begins_escape && unit_file_is_line_end(p[1])) {
                reader->position = p + 1;
                unit_file_skip_line_end(reader);
                unit_file_skip_comments(reader);
                return reader->current = ' ';
        }

        reader->is_escaped = begins_escape;
        if (unit_file_is_line_end(*p)) {
                unit_file_skip_line_end(reader);
                return reader->current = UNIT_FILE_LINE_END;
        }

        reader->position = p + 1;
        return reader->current = (unsigned char) *p;
}

/* Begins a logical line with its first character that is not white space. Returns: false when there
 * is none. */
static bool unit_file_begin_line(UnitFileReader *reader) {
        int c;

        unit_file_skip_comments(reader);
        if (*reader->position == '\0')
                return false;
        do
                c = unit_file_next(reader);
        while (unit_file_is_space(c));
        return true;
}

typedef struct UnitFileWalk {
        UnitFileReader reader;
        char *section; /* empty before the first one, and in "[]" */
        char *line;    /* collected */
} UnitFileWalk;

static void unit_file_walk_done(UnitFileWalk *walk) {
        free(walk->section);
        free(walk->line);
}

/* Text that ends at end, without white space at its end. */
static void unit_file_strip_end(const char *text, char *end) {
        while (end > text && unit_file_is_space(end[-1]))
                end--;
        *end = '\0';
}

/* Collects the line whose first character has been read. */
static void unit_file_walk_collect(UnitFileWalk *walk) {
        char *p = walk->line;

        for (int c = walk->reader.current; c != UNIT_FILE_LINE_END;
                c = unit_file_next(&walk->reader))
                *p++ = (char) c;
        unit_file_strip_end(walk->line, p);
}

/* Takes the line for a section's header.
 * Returns: 0; -EBADMSG: no "]" at the end, or characters in between that systemd takes for an accident. */
static int unit_file_walk_enter(UnitFileWalk *walk) {
        size_t size = strlen(walk->line);

        if (walk->line[size - 1] != ']')
                return -EBADMSG;
        walk->line[size - 1] = '\0';
        for (const char *p = walk->line + 1; *p; p++)
                if ((unsigned char) *p < ' ' || strchr("\"'\\\x7f", *p))
                        return -EBADMSG;
        strcpy(walk->section, walk->line + 1);
        return 0;
}

/* Takes the line for an assignment, if it is one in a section. Returns: what the handler returned; 0. */
static int unit_file_walk_assign(
        UnitFileWalk *walk, unsigned line, UnitFileHandler handler, void *userdata) {
        char *equals = strchr(walk->line, '=');

        if (!equals || equals == walk->line || *walk->section == '\0')
                return 0;

        unit_file_strip_end(walk->line, equals);
        const UnitAssignment assignment = {
                .section = walk->section,
                .key = walk->line,
                .value = equals + 1 + strspn(equals + 1, " \t"),
                .line = line,
        };
        return handler(&assignment, userdata);
}

int unit_file_walk(const char *text, UnitFileHandler handler, void *userdata) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        int r = 0;

        assert(text);
        assert(handler);

        const size_t size = strlen(text);
        _cleanup_(unit_file_walk_done) UnitFileWalk walk = {
                .reader = { .position = text, .line = 1 },
                .section = calloc(1, size + 1),
                .line = malloc(size + 1),
        };
        if (!walk.section || !walk.line)
                return -ENOMEM;

        if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
                walk.reader.position += strlen(byte_order_mark);

        while (r == 0 && unit_file_begin_line(&walk.reader)) {
                const unsigned line = walk.reader.line;

                unit_file_walk_collect(&walk);
                if (!utf8_is_valid(walk.line))
                        return -EBADMSG;
                if (walk.line[0] == '[')
                        r = unit_file_walk_enter(&walk);
                else
                        r = unit_file_walk_assign(&walk, line, handler, userdata);
        }
        return r;
}

typedef struct UnitFileQuestion {
        const char *section, *key;
} UnitFileQuestion;

static int unit_file_answer(const UnitAssignment *assignment, void *userdata) {
        const UnitFileQuestion *question = userdata;

        return strcmp(assignment->section, question->section) == 0 &&
                strcmp(assignment->key, question->key) == 0;
}

bool unit_file_assigns(const char *text, const char *section, const char *key) {
        UnitFileQuestion question = { .section = section, .key = key };

        assert(section);
        assert(key && *key);

        return unit_file_walk(text, unit_file_answer, &question) > 0;
}

int unit_file_read(const char *path, char **ret_text) {
        /* file_read_bounded() refuses links, and a masked unit's /dev/null as no regular file. */
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
