/* SPDX-License-Identifier: MIT */

/* Environments as systemd makes them for a unit's commands.
 *
 * A file is read character by character by a machine of few states, because its grammar is none of
 * lines: a quoted value runs over line ends, an escaped line end disappears, and quotes count only
 * where a value begins or where another quoted part has just ended. Its assignments are gathered
 * apart and put over the environment at the end, so that a file that systemd refuses changes nothing.
 *
 * Variables come in two ways with rules of their own: within a word the value is taken as it is, a
 * word of its own is split, and then quotes inside of the value count.
 *
 * This does not read files, and knows no variables that only a running manager has. */

#include "units/environment-file.h"

#include <string.h>

#include "byte-buffer.h"
#include "utf8.h"

#define ENVIRONMENT_WHITESPACE " \t\n\r"
#define ENVIRONMENT_NEWLINE    "\n\r"

#define ENVIRONMENT_NAME_CHARACTERS \
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* What a backslash between double quotes takes its meaning from; others keep theirs, and it. */
#define ENVIRONMENT_ESCAPED "\"\\`$"

static bool is_one_of(char c, const char *set) {
        return c != '\0' && strchr(set, c);
}

/* Returns: the length of the name before "="; 0: it is none. */
static size_t environment_name_length(const char *assignment) {
        size_t n = strspn(assignment, ENVIRONMENT_NAME_CHARACTERS);

        return assignment[n] == '=' && !is_one_of(assignment[0], "0123456789") ? n : 0;
}

int environment_set(char ***environment, const char *assignment) {
        size_t length = environment_name_length(assignment);

        if (length == 0)
                return -EINVAL;
        for (size_t i = 0; *environment && (*environment)[i]; i++)
                if (strncmp((*environment)[i], assignment, length + 1) == 0) {
                        char *copy = strdup(assignment);

                        if (!copy)
                                return -ENOMEM;
                        free((*environment)[i]);
                        (*environment)[i] = copy;
                        return 0;
                }
        return strv_extend(environment, assignment);
}

static const char *environment_get_n(char *const environment[], const char *name, size_t length) {
        for (size_t i = 0; environment && environment[i]; i++)
                if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=')
                        return environment[i] + length + 1;
        return NULL;
}

const char *environment_get(char *const environment[], const char *name) {
        return environment_get_n(environment, name, strlen(name));
}

/* ---- Files --------------------------------------------------------------------------------------- */

typedef enum FileState {
        FILE_BEFORE_KEY,
        FILE_KEY,
        FILE_BEFORE_VALUE, /* behind "=", and behind each quoted part */
        FILE_VALUE,
        FILE_VALUE_ESCAPE,
        FILE_SINGLE_QUOTES,
        FILE_DOUBLE_QUOTES,
        FILE_DOUBLE_QUOTES_ESCAPE,
        FILE_COMMENT,
        FILE_COMMENT_ESCAPE,
} FileState;

typedef struct FileReader {
        FileState state;
        ByteBuffer assignment; /* the key, "=" and as much of the value as was read */
        size_t kept; /* what lies behind it is white space that goes if it stays the last */
        char **assignments;
} FileReader;

static void file_reader_done(FileReader *reader) {
        byte_buffer_done(&reader->assignment);
        (void) strv_free(reader->assignments);
}

static bool environment_is_utf8(const char *text) {
        size_t size = strlen(text);

        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_sequence_size(text + i, size - i);
                if (n == 0)
                        return false;
        }
        return true;
}

static void file_reader_keep(FileReader *reader, char c) {
        byte_buffer_append(&reader->assignment, &c, 1);
        reader->kept = reader->assignment.size;
}

/* The same, but white space stays only if something follows it. */
static void file_reader_append(FileReader *reader, char c) {
        byte_buffer_append(&reader->assignment, &c, 1);
        if (!is_one_of(c, ENVIRONMENT_WHITESPACE))
                reader->kept = reader->assignment.size;
}

/* An assignment has ended. Returns: 0; -EBADMSG; -ENOMEM. */
static int file_reader_finish(FileReader *reader) {
        _cleanup_free_ char *assignment = NULL;
        int r;

        byte_buffer_cut(&reader->assignment, reader->kept);
        assignment = byte_buffer_steal(&reader->assignment);
        reader->state = FILE_BEFORE_KEY;
        reader->kept = 0;
        if (!assignment)
                return -ENOMEM;
        if (!environment_is_utf8(assignment))
                return -EBADMSG;
        r = environment_set(&reader->assignments, assignment);
        return r == -EINVAL ? 0 : r;
}

/* Up to the "=". */
static void file_reader_step_key(FileReader *reader, char c) {
        if (reader->state == FILE_BEFORE_KEY) {
                if (is_one_of(c, "#;"))
                        reader->state = FILE_COMMENT;
                else if (!is_one_of(c, ENVIRONMENT_WHITESPACE)) {
                        reader->state = FILE_KEY;
                        file_reader_keep(reader, c);
                }
        } else if (is_one_of(c, ENVIRONMENT_NEWLINE)) {
                reader->state = FILE_BEFORE_KEY;
                byte_buffer_cut(&reader->assignment, 0);
        } else if (c == '=') {
                reader->state = FILE_BEFORE_VALUE;
                byte_buffer_cut(&reader->assignment, reader->kept);
                file_reader_keep(reader, c);
        } else
                file_reader_append(reader, c);
}

/* Returns: 0; -EBADMSG; -ENOMEM. */
static int file_reader_step_value(FileReader *reader, char c) {
        bool is_before = reader->state == FILE_BEFORE_VALUE;

        if (is_one_of(c, ENVIRONMENT_NEWLINE))
                return file_reader_finish(reader);
        if (c == '\\') {
                /* White space before the backslash stays. */
                reader->kept = reader->assignment.size;
                reader->state = FILE_VALUE_ESCAPE;
        } else if (is_before && c == '\'')
                reader->state = FILE_SINGLE_QUOTES;
        else if (is_before && c == '"')
                reader->state = FILE_DOUBLE_QUOTES;
        else if (!is_before || !is_one_of(c, ENVIRONMENT_WHITESPACE)) {
                reader->state = FILE_VALUE;
                file_reader_append(reader, c);
        }
        return 0;
}

static void file_reader_step_quoted(FileReader *reader, char c) {
        switch (reader->state) {
        case FILE_SINGLE_QUOTES:
                if (c == '\'')
                        reader->state = FILE_BEFORE_VALUE;
                else
                        file_reader_keep(reader, c);
                break;
        case FILE_DOUBLE_QUOTES:
                if (c == '"')
                        reader->state = FILE_BEFORE_VALUE;
                else if (c == '\\')
                        reader->state = FILE_DOUBLE_QUOTES_ESCAPE;
                else
                        file_reader_keep(reader, c);
                break;
        default:
                reader->state = FILE_DOUBLE_QUOTES;
                if (c == '\n')
                        break;
                if (!is_one_of(c, ENVIRONMENT_ESCAPED))
                        file_reader_keep(reader, '\\');
                file_reader_keep(reader, c);
        }
}

/* Returns: 0; -EBADMSG; -ENOMEM. */
static int file_reader_step(FileReader *reader, char c) {
        switch (reader->state) {
        case FILE_BEFORE_KEY:
        case FILE_KEY:
                file_reader_step_key(reader, c);
                return 0;
        case FILE_BEFORE_VALUE:
        case FILE_VALUE:
                return file_reader_step_value(reader, c);
        case FILE_VALUE_ESCAPE:
                reader->state = FILE_VALUE;
                if (!is_one_of(c, ENVIRONMENT_NEWLINE))
                        file_reader_keep(reader, c);
                return 0;
        case FILE_COMMENT:
                if (c == '\\')
                        reader->state = FILE_COMMENT_ESCAPE;
                else if (is_one_of(c, ENVIRONMENT_NEWLINE))
                        reader->state = FILE_BEFORE_KEY;
                return 0;
        case FILE_COMMENT_ESCAPE:
                reader->state = FILE_COMMENT;
                return 0;
        default:
                file_reader_step_quoted(reader, c);
                return 0;
        }
}

static int file_reader_read(FileReader *reader, const char *text) {
        int r;

        for (; *text; text++) {
                r = file_reader_step(reader, *text);
                if (r < 0)
                        return r;
        }
        /* Quotes that never close end with the file. */
        if (reader->state >= FILE_BEFORE_VALUE && reader->state <= FILE_DOUBLE_QUOTES_ESCAPE)
                return file_reader_finish(reader);
        return reader->assignment.is_failed ? -ENOMEM : 0;
}

int environment_apply_text(char ***environment, const char *text) {
        _cleanup_(file_reader_done) FileReader reader = {};
        int r;

        r = file_reader_read(&reader, text);
        if (r < 0)
                return r;
        for (size_t i = 0; reader.assignments && reader.assignments[i]; i++) {
                r = environment_set(environment, reader.assignments[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- Variables ----------------------------------------------------------------------------------- */

/* A value's words: quotes hold them together, a backslash anywhere takes the next character as it is;
 * what does not close ends with the value. Returns: 0; -ENOMEM. */
static int environment_split_value(const char *value, char ***words) {
        for (;;) {
                _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
                _cleanup_free_ char *word = NULL;
                char quote = '\0';

                value += strspn(value, ENVIRONMENT_WHITESPACE);
                if (*value == '\0')
                        return 0;
                for (; *value && (quote || !is_one_of(*value, ENVIRONMENT_WHITESPACE)); value++)
                        if (*value == '\\') {
                                if (value[1])
                                        byte_buffer_append(&buffer, ++value, 1);
                        } else if (quote ? *value == quote : is_one_of(*value, "\"'"))
                                quote = quote ? '\0' : *value;
                        else
                                byte_buffer_append(&buffer, value, 1);

                word = byte_buffer_steal(&buffer);
                if (!word || strv_extend(words, word) < 0)
                        return -ENOMEM;
        }
}

/* text: at a "$".
 * Returns: how many characters are replaced by *ret_value (NULL: by nothing); 0: it is no variable. */
static size_t environment_find_braces(
        char *const environment[], const char *text, const char **ret_value) {
        size_t length;

        if (text[1] != '{')
                return 0;
        length = strcspn(text + 2, "}:");
        if (text[2 + length] == ':')
                return 0; /* ${X:-default} and its like are not for command lines */
        if (text[2 + length] == '\0') {
                *ret_value = text; /* braces that never close: all stays as it is */
                return length + 2;
        }
        *ret_value = environment_get_n(environment, text + 2, length);
        return length + 3;
}

int environment_expand_word(char *const environment[], const char *word, char ***words) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        _cleanup_free_ char *expanded = NULL;

        if (word[0] == '$' && word[1] != '{' && word[1] != '$') {
                const char *value = word[1] ? environment_get(environment, word + 1) : NULL;

                return value ? environment_split_value(value, words) : 0;
        }
        while (*word) {
                const char *value = NULL;
                size_t n = *word == '$' ? environment_find_braces(environment, word, &value) : 0;

                if (n > 0)
                        byte_buffer_append_text(&buffer, value ?: "");
                else {
                        byte_buffer_append(&buffer, word, 1);
                        n = word[0] == '$' && word[1] == '$' ? 2 : 1;
                }
                word += n;
        }
        expanded = byte_buffer_steal(&buffer);
        return expanded ? strv_extend(words, expanded) : -ENOMEM;
}
