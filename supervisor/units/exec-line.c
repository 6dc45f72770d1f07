/* SPDX-License-Identifier: MIT */

/* Command lines of units. A line is read word by word with one pointer that walks over it: quotes and
 * escapes are taken off, and where each word stood is kept, so that a line can be put into another one
 * as its author wrote it. Prefixes belong to the first word as it reads without its quotes; where they
 * stood inside of them the line is written anew without the prefixes and read again, so that the spans
 * never hold one.
 *
 * Writing is the way back, for any bytes: bare words stay bare, everything else goes between quotes.
 *
 * What this does not do: specifiers and variables, which are other layers (systemd resolves the former
 * after the line was split, the latter when it runs the command), and lookups of the program. */

#include "units/exec-line.h"

#include <stdint.h>
#include <string.h>

#include "byte-buffer.h"
#include "strv.h"
#include "utf8.h"

/* What separates words for systemd; other control characters are part of them. */
#define EXEC_WHITESPACE " \t\n\r"

/* The program's own characters that systemd refuses, but for control characters. */
#define EXEC_UNSAFE "\"'\\\x7f"

static bool exec_is_end_or_space(char c) {
        return c == '\0' || strchr(EXEC_WHITESPACE, c);
}

static int exec_hex_value(char c) {
        return c >= '0' && c <= '9'    ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
}

/* Returns: true and the value of n_digits digits of base 8 or 16. */
static bool exec_read_number(const char *text, size_t n_digits, int base, uint32_t *ret_value) {
        uint32_t value = 0;

        for (size_t i = 0; i < n_digits; i++) {
                int digit = exec_hex_value(text[i]);

                if (digit < 0 || digit >= base)
                        return false;
                value = value * (uint32_t) base + (uint32_t) digit;
        }
        *ret_value = value;
        return true;
}

/* The characters that systemd takes for text: none of the surrogates and noncharacters. */
static bool exec_is_character(uint32_t value) {
        return value < 0x110000 && (value & 0xfffff800) != 0xd800 &&
                (value < 0xfdd0 || value > 0xfdef) && (value & 0xfffe) != 0xfffe;
}

static void exec_append_character(ByteBuffer *word, uint32_t value) {
        static const uint8_t marks[] = { 0, 0xc0, 0xe0, 0xf0 };
        size_t n_more = value < 0x80 ? 0 : value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
        char bytes[4];

        for (size_t i = n_more; i > 0; i--) {
                bytes[i] = (char) (0x80 | (value & 0x3f));
                value >>= 6;
        }
        bytes[0] = (char) (marks[n_more] | value);
        byte_buffer_append(word, bytes, n_more + 1);
}

static void exec_append_byte(ByteBuffer *word, uint32_t value) {
        char byte = (char) value;

        byte_buffer_append(word, &byte, 1);
}

/* text: behind the backslash.
 * Returns: how many of its characters belong to the escape; 0: none that systemd knows, which includes
 * every way to write a NUL. */
static size_t exec_unescape(const char *text, ByteBuffer *word) {
        static const char names[] = "abfnrtv\\\"'s", meanings[] = "\a\b\f\n\r\t\v\\\"' ";
        const char *name = *text ? strchr(names, *text) : NULL;
        uint32_t value;

        if (name) {
                byte_buffer_append(word, meanings + (name - names), 1);
                return 1;
        }
        if (*text == 'x' && exec_read_number(text + 1, 2, 16, &value) && value > 0) {
                exec_append_byte(word, value);
                return 3;
        }
        if (exec_read_number(text, 3, 8, &value) && value > 0 && value <= UINT8_MAX) {
                exec_append_byte(word, value);
                return 3;
        }
        if (*text == 'u' && exec_read_number(text + 1, 4, 16, &value) && value > 0) {
                /* Four digits may name a surrogate; systemd takes it. */
                exec_append_character(word, value);
                return 5;
        }
        if (*text == 'U' && exec_read_number(text + 1, 8, 16, &value) && value > 0 &&
                exec_is_character(value)) {
                exec_append_character(word, value);
                return 9;
        }
        return 0;
}

/* Reads one word, which begins at *text, and moves *text behind it.
 * Returns: 0; 1: with unknown escapes; -EINVAL: its quotes do not close. */
static int exec_read_word(const char **text, ByteBuffer *word) {
        bool has_unknown = false;
        const char *c = *text;
        char quote = '\0';

        while (*c && (quote || !exec_is_end_or_space(*c))) {
                if (*c == '\\') {
                        size_t n = exec_unescape(c + 1, word);

                        if (n == 0) {
                                /* Both characters stand for themselves, be the other one a space. */
                                has_unknown = true;
                                n = c[1] ? 1 : 0;
                                byte_buffer_append(word, c, n + 1);
                        }
                        c += n + 1;
                } else if (quote ? *c == quote : *c == '"' || *c == '\'') {
                        quote = quote ? '\0' : *c;
                        c++;
                } else
                        byte_buffer_append(word, c++, 1);
        }
        *text = c;
        return quote ? -EINVAL : has_unknown;
}

/* Takes the word of the span over. Returns: 0; -ENOMEM. */
static int exec_line_add(ExecLine *line, ByteBuffer *word, const char *span, size_t length) {
        ExecWord *words = reallocarray(line->words, line->n_words + 1, sizeof(ExecWord));

        if (!words)
                return -ENOMEM;
        line->words = words;
        words[line->n_words] = (ExecWord){
                .text = byte_buffer_steal(word),
                .span = span,
                .length = length,
        };
        if (!words[line->n_words].text)
                return -ENOMEM;
        line->n_words++;
        return 0;
}

/* Reads the word at *text into the line and moves *text to the next one.
 * Returns: 0; -EINVAL; -ENOMEM. */
static int exec_line_take(ExecLine *line, const char **text) {
        _cleanup_(byte_buffer_done) ByteBuffer word = {};
        const char *span = *text, *end = span;
        int r = 0;

        /* Only the bare one, and behind the program: systemd looks before it takes quotes off. */
        if (line->n_words > 0 && end[0] == '\\' && end[1] == ';' && exec_is_end_or_space(end[2])) {
                byte_buffer_append_text(&word, ";");
                end += 2;
        } else
                r = exec_read_word(&end, &word);
        if (r >= 0)
                r = exec_line_add(line, &word, span, (size_t) (end - span));
        *text = end + strspn(end, EXEC_WHITESPACE);
        return r < 0 ? r : 0;
}

static const char *exec_skip_separators(const char *text) {
        text += strspn(text, EXEC_WHITESPACE);
        while (text[0] == ';' && exec_is_end_or_space(text[1]))
                text += 1 + strspn(text + 1, EXEC_WHITESPACE);
        return text;
}

/* The words behind the program, up to the ";" that ends the command. */
static int exec_line_take_arguments(ExecLine *line, const char *text) {
        int r;

        while (*text) {
                if (text[0] == ';' && exec_is_end_or_space(text[1])) {
                        text = exec_skip_separators(text);
                        line->has_more = *text;
                        line->rest = *text ? text : NULL;
                        break;
                }
                r = exec_line_take(line, &text);
                if (r < 0)
                        return r;
        }
        return (line->flags & EXEC_ARGV0) && line->n_words < 2 ? -EINVAL : 0;
}

/* Returns: the flags with that of a prefix; the same flags: it is none here, but part of the program. */
static unsigned exec_flags_add(unsigned flags, char prefix) {
        const unsigned users = EXEC_PRIVILEGED | EXEC_NO_SETUID | EXEC_AMBIENT;

        switch (prefix) {
        case '@':
                return flags | EXEC_ARGV0;
        case '-':
                return flags | EXEC_IGNORE_FAILURE;
        case ':':
                return flags | EXEC_NO_EXPAND;
        case '|':
                return flags | EXEC_VIA_SHELL;
        case '+':
                return flags & users ? flags : flags | EXEC_PRIVILEGED;
        case '!':
                if (flags & (EXEC_PRIVILEGED | EXEC_AMBIENT))
                        return flags;
                return flags & EXEC_NO_SETUID ? (flags & ~EXEC_NO_SETUID) | EXEC_AMBIENT
                                              : flags | EXEC_NO_SETUID;
        default:
                return flags;
        }
}

/* Returns: how many characters of the word are prefixes. */
static size_t exec_read_prefixes(const char *word, unsigned *flags) {
        size_t n = 0;

        for (;; n++) {
                unsigned more = exec_flags_add(*flags, word[n]);

                if (more == *flags)
                        return n;
                *flags = more;
        }
}

/* As far as it shows before specifiers are resolved, which may stand for a path's beginning. */
static bool exec_is_program(const char *program, unsigned flags) {
        size_t length = strlen(program);

        if (length == 0)
                return flags & EXEC_VIA_SHELL; /* alone it is the user's shell */
        for (const char *c = program; *c; c++)
                if ((unsigned char) *c < ' ' || strchr(EXEC_UNSAFE, *c))
                        return false;
        if (program[length - 1] == '/' || strcmp(program, ".") == 0 || strcmp(program, "..") == 0)
                return false;
        return program[0] == '/' || program[0] == '%' || !strchr(program, '/');
}

/* The first word holds n_prefixes inside of its quotes: writes the line without them. */
static int exec_line_rewrite(ExecLine *line, size_t n_prefixes, const char *behind) {
        _cleanup_free_ char *program = exec_word_quote(line->words[0].text + n_prefixes, 0);

        if (!program || asprintf(&line->rewritten, "%s %s", program, behind) < 0) {
                line->rewritten = NULL;
                return -ENOMEM;
        }
        line->body = line->rewritten;
        line->words[0].span = line->rewritten;
        line->words[0].length = strlen(program);
        return 0;
}

/* Takes the prefixes off the first word. *behind: what follows it; moved when the line is rewritten.
 * Returns: 0; -EINVAL: no program; -ENOMEM. */
static int exec_line_take_prefixes(ExecLine *line, const char **behind) {
        ExecWord *first = &line->words[0];
        size_t n = exec_read_prefixes(first->text, &line->flags);
        int r;

        if (!exec_is_program(first->text + n, line->flags))
                return -EINVAL;
        if (strncmp(first->span, first->text, n) == 0) {
                first->span += n;
                first->length -= n;
                line->body = first->span;
        } else {
                r = exec_line_rewrite(line, n, *behind);
                if (r < 0)
                        return r;
                *behind = line->rewritten + first->length + 1;
        }
        memmove(first->text, first->text + n, strlen(first->text + n) + 1);
        return 0;
}

static int exec_line_read(ExecLine *line, const char *text) {
        int r;

        do {
                exec_line_done(line);
                text = exec_skip_separators(text);
                if (*text == '\0')
                        return -ENODATA;
                r = exec_line_take(line, &text);
                if (r < 0)
                        return r;
                /* Where a program is expected a semicolon is skipped even with quotes around it. */
        } while (strcmp(line->words[0].text, ";") == 0);

        r = exec_line_take_prefixes(line, &text);
        return r < 0 ? r : exec_line_take_arguments(line, text);
}

int exec_line_parse(const char *text, ExecLine *ret_line) {
        ExecLine line = {};

        assert(text);
        assert(ret_line);

        int r = exec_line_read(&line, text);
        if (r < 0) {
                exec_line_done(&line);
                return r;
        }
        *ret_line = line;
        return 0;
}

void exec_line_done(ExecLine *line) {
        for (size_t i = 0; i < line->n_words; i++)
                free(line->words[i].text);
        free(line->words);
        free(line->rewritten);
        *line = (ExecLine){};
}

int exec_words_split(const char *text, char ***words) {
        for (text += strspn(text, EXEC_WHITESPACE); *text; text += strspn(text, EXEC_WHITESPACE)) {
                _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
                _cleanup_free_ char *word = NULL;

                if (exec_read_word(&text, &buffer) != 0)
                        return -EINVAL;
                word = byte_buffer_steal(&buffer);
                if (!word || strv_extend(words, word) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static const struct {
        unsigned flag;
        const char *prefix;
        const char *name; /* on D-Bus; NULL: it has none, argv tells */
} exec_flag_rows[] = {
        { EXEC_ARGV0, "@", NULL },
        { EXEC_IGNORE_FAILURE, "-", "ignore-failure" },
        { EXEC_NO_EXPAND, ":", "no-env-expand" },
        { EXEC_PRIVILEGED, "+", "privileged" },
        { EXEC_NO_SETUID, "!", "no-setuid" },
        { EXEC_AMBIENT, "!!", "ambient" },
        { EXEC_VIA_SHELL, "|", "via-shell" },
};

const char *exec_flags_to_prefix(unsigned flags, char buffer[static EXEC_PREFIX_MAX]) {
        buffer[0] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(exec_flag_rows); i++)
                if (flags & exec_flag_rows[i].flag)
                        strcat(buffer, exec_flag_rows[i].prefix);
        return buffer;
}

unsigned exec_flag_from_string(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(exec_flag_rows); i++)
                if (exec_flag_rows[i].name && strcmp(exec_flag_rows[i].name, name) == 0)
                        return exec_flag_rows[i].flag;
        return 0;
}

/* How many bytes at text can stand in a unit file as they are: a character that is no control
 * character. 0: the byte has to be escaped. systemd passes over lines with noncharacters in them. */
static size_t exec_plain_bytes(const char *text, size_t size) {
        const unsigned char *byte = (const unsigned char *) text;
        size_t n = utf8_sequence_size(text, size);

        if (n == 1)
                return byte[0] >= ' ' && byte[0] != 0x7f ? 1 : 0;
        if (n == 2)
                return byte[0] == 0xc2 && byte[1] < 0xa0 ? 0 : 2;
        if (n == 3) {
                uint32_t value =
                        (byte[0] & 0x0fU) << 12 | (byte[1] & 0x3fU) << 6 | (byte[2] & 0x3fU);
                return exec_is_character(value) ? 3 : 0;
        }
        return n == 4 && (byte[1] & 0x0f) == 0x0f && byte[2] == 0xbf && byte[3] >= 0xbe ? 0 : n;
}

/* A word that no reader, systemd or a person, could take for something else. */
static bool exec_word_is_bare(const char *word, size_t size) {
        if (size == 0 || strchr(";#", word[0]))
                return false;
        for (size_t i = 0, n; i < size; i += n) {
                n = exec_plain_bytes(word + i, size - i);
                if (n == 0 || strchr(" \"'\\", word[i]))
                        return false;
        }
        return true;
}

static void exec_append_quoted(ByteBuffer *buffer, const char *text, size_t size, char mark) {
        char escape[5];

        if (size == 0) {
                (void) snprintf(escape, sizeof(escape), "\\x%02x", (unsigned char) *text);
                byte_buffer_append_text(buffer, escape);
                return;
        }
        if (*text == '\\' || *text == mark)
                byte_buffer_append(buffer, "\\", 1);
        byte_buffer_append(buffer, text, size);
}

char *exec_word_quote(const char *word, unsigned quote) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        size_t size = strlen(word);
        bool is_bare = exec_word_is_bare(word, size);
        /* JSON and the like read better without a backslash before each quote. */
        char mark = strchr(word, '"') && !strchr(word, '\'') ? '\'' : '"';

        if (!is_bare)
                byte_buffer_append(&buffer, &mark, 1);
        for (size_t i = 0, n; i<size; i += n> 0 ? n : 1) {
                if ((word[i] == '%' && (quote & EXEC_QUOTE_SPECIFIERS)) ||
                        (word[i] == '$' && (quote & EXEC_QUOTE_VARIABLES)))
                        byte_buffer_append(&buffer, &word[i], 1);
                n = exec_plain_bytes(word + i, size - i);
                exec_append_quoted(&buffer, word + i, n, mark);
        }
        if (!is_bare)
                byte_buffer_append(&buffer, &mark, 1);
        return byte_buffer_steal(&buffer);
}
