/* SPDX-License-Identifier: MIT */

/* Secrets in an argument vector, found by what stands before them.
 *
 * An argument is a piece; so is a word of an argument that has white space (a script for "sh -c", a
 * title that a process gave itself), the inside of quotes in it, and the value of an assignment. In
 * a piece a secret is
 * - all that follows a secret's name and "=" or ":" at its beginning (--token=…, Token: …);
 * - the next piece after such an option (--token …), unless that looks like an option itself, and
 *   after such a word without dashes if it looks random;
 * - what some programs take by a letter (secret-rule);
 * - elsewhere in it, what follows a secret's name and "=" or ":" up to a separator (?token=…&,
 *   JSON), and what stands before the "@" in a URL.
 *
 * What is quoted deeper than SCAN_DEPTH_MAX is not judged but replaced. Not found are secrets with
 * no name before them (positional ones, tokens in a URL's path) and, where the name does not begin
 * the piece, what follows a separator within a secret. In doubt between showing and hiding, a name
 * that says secret hides. */

#include "secret-scan.h"

#include <string.h>
#include <strings.h>

#include "secret-rule.h"
#include "secret-url.h"

#define SCAN_DEPTH_MAX   8
#define SCAN_REPLACEMENT "***"

static void scan_nested(SecretScan *scan, const char *argument, size_t size);
static void scan_text(SecretScan *scan, const char *text, size_t size);
static void scan_words(SecretScan *scan, const char *text, size_t size);

/* ---- Characters ------------------------------------------------------------------------------ */

static bool scan_is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool scan_is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool scan_is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool scan_is_quote(char c) {
        return c == '"' || c == '\'';
}

static bool scan_is_name_char(char c) {
        return scan_is_letter(c) || scan_is_digit(c) || c == '_' || c == '-' || c == '.';
}

static bool scan_is_one_of(char c, const char *set) {
        return c != '\0' && strchr(set, c);
}

static bool scan_has_space(const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (scan_is_space(text[i]))
                        return true;
        return false;
}

static bool scan_is_number(const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (!scan_is_digit(text[i]))
                        return false;
        return size > 0;
}

static size_t scan_span_name(const char *text, size_t size, size_t i) {
        size_t n = 0;

        while (i + n < size && scan_is_name_char(text[i + n]))
                n++;
        return n;
}

/* ---- What is written ------------------------------------------------------------------------- */

static void scan_emit(SecretScan *scan, const char *text, size_t size) {
        byte_buffer_append(scan->out, text, size);
}

static void scan_emit_value(SecretScan *scan, SecretName name, const char *value, size_t size) {
        if (size == 0)
                return;
        if (name != SECRET_NAME_STRONG && secret_value_is_harmless(value, size))
                scan_emit(scan, value, size);
        else
                byte_buffer_append_text(scan->out, SCAN_REPLACEMENT);
}

/* A value whose part up to the separator is shown; without the separator it is all that part. */
static void scan_emit_separated(SecretScan *scan, char separator, const char *value, size_t size) {
        if (separator == '\0') {
                scan_emit_value(scan, SECRET_NAME_STRONG, value, size);
                return;
        }

        const char *found = memchr(value, separator, size);
        const size_t n_shown = found ? (size_t) (found - value) + 1 : size;
        scan_text(scan, value, n_shown);
        scan_emit_value(scan, SECRET_NAME_STRONG, value + n_shown, size - n_shown);
}

/* "Bearer xyz" keeps its first word; a scheme alone is followed by the secret in another piece. */
static void scan_emit_header(SecretScan *scan, SecretName name, const char *value, size_t size) {
        size_t begin = 0, end;

        while (begin < size && scan_is_space(value[begin]))
                begin++;
        for (end = begin; end < size && !scan_is_space(value[end]); end++)
                ;
        if (begin == size) {
                scan_emit(scan, value, size);
                scan->pending = SECRET_PENDING_HEADER;
                scan->pending_name = name;
                return;
        }

        if (secret_value_is_scheme(value + begin, end - begin)) {
                if (end == size) {
                        scan->pending = SECRET_PENDING_OPTION;
                        scan->pending_name = SECRET_NAME_STRONG;
                }
                while (end < size && scan_is_space(value[end]))
                        end++;
                begin = end;
                name = SECRET_NAME_STRONG;
        }
        scan_emit(scan, value, begin);
        scan_emit_value(scan, name, value + begin, size - begin);
}

/* ---- Names and their values ------------------------------------------------------------------ */

/* The separator between a name that ends at i and its value, with what closes the name in JSON, in
 * a script or in an index: "=", ":=", "+=", "=>", ":". The colon of a URL, of a namespace ("a::b")
 * and of a remote path ("host:/path") is none.
 *
 * Returns: where the value begins; 0: no separator. */
static size_t scan_find_value(const char *text, size_t size, size_t i, bool *ret_is_colon) {
        while (i < size && scan_is_one_of(text[i], "\\\"'])"))
                i++;
        if (i + 1 < size && scan_is_one_of(text[i], ":+") && text[i + 1] == '=')
                i++;
        if (i >= size || !scan_is_one_of(text[i], "=:"))
                return 0;

        *ret_is_colon = text[i] == ':';
        i++;
        if (*ret_is_colon)
                return i < size && scan_is_one_of(text[i], "/:") ? 0 : i;
        return i < size && text[i] == '>' ? i + 1 : i;
}

/* "auth:8080" is a host and a port, "key:3" a position. */
static bool scan_is_port(SecretName name, bool is_colon, const char *value, size_t size) {
        return name != SECRET_NAME_STRONG && is_colon && size <= 5 && scan_is_number(value, size);
}

/* A secret's name at the beginning of the piece: all that follows is its value. */
static bool scan_take_assignment(SecretScan *scan, const char *piece, size_t size) {
        size_t begin = 0;
        while (begin < size && piece[begin] == '-')
                begin++;
        const size_t name_size = scan_span_name(piece, size, begin);
        if (name_size == 0)
                return false;

        bool is_colon = false;
        const size_t value = scan_find_value(piece, size, begin + name_size, &is_colon);
        if (value == 0)
                return false;
        const SecretName name = secret_name_classify(piece + begin, name_size);
        if (name == SECRET_NAME_NONE || scan_is_port(name, is_colon, piece + value, size - value))
                return false;

        scan_emit(scan, piece, value);
        if (is_colon)
                scan_emit_header(scan, name, piece + value, size - value);
        else
                scan_emit_value(scan, name, piece + value, size - value);
        return true;
}

/* A word without dashes may be a program, by whatever path and behind whatever operator. */
static void scan_note_program(SecretScan *scan, const char *piece, size_t size) {
        static const char login[] = "login";
        const char *name = piece + size;

        if (size == 0 || piece[0] == '-')
                return;
        while (name > piece && !scan_is_one_of(name[-1], "/|;&(`"))
                name--;
        size -= (size_t) (name - piece);

        if (secret_rule_has_program(name, size)) {
                scan->program = name;
                scan->program_size = size;
                scan->has_login = false;
        } else if (size == strlen(login) && memcmp(name, login, size) == 0)
                scan->has_login = true;
}

/* "-c", "-lc": the next argument is a script. */
static bool scan_is_script_option(const char *piece, size_t size) {
        if (size < 2 || size > 4 || piece[0] != '-' || piece[size - 1] != 'c')
                return false;
        for (size_t i = 1; i < size; i++)
                if (!scan_is_letter(piece[i]))
                        return false;
        return true;
}

/* The judgement on a piece that is a name and no more, with or without dashes. */
static SecretName scan_judge_bare_name(const char *piece, size_t size) {
        size_t begin = 0;

        while (begin < size && piece[begin] == '-')
                begin++;
        /* A single letter is what the rules are for. */
        if (size - begin < 2 || scan_span_name(piece, size, begin) != size - begin)
                return SECRET_NAME_NONE;
        return secret_name_classify(piece + begin, size - begin);
}

/* The next piece may be this one's value. */
static void scan_expect_value(SecretScan *scan, const char *piece, size_t size, SecretName name) {
        static const char bearer[] = "bearer";
        const bool is_bearer = size == strlen(bearer) && strncasecmp(piece, bearer, size) == 0;
        const bool is_option = piece[0] == '-' && name != SECRET_NAME_SWITCH;

        scan->pending = is_option || is_bearer ? SECRET_PENDING_OPTION : SECRET_PENDING_BARE;
        scan->pending_name = name;
}

static bool scan_take_bare_name(SecretScan *scan, const char *piece, size_t size) {
        const SecretName name = scan_judge_bare_name(piece, size);
        if (name == SECRET_NAME_NONE)
                return false;

        scan_emit(scan, piece, size);
        scan_note_program(scan, piece, size); /* sshpass */
        scan_expect_value(scan, piece, size, name);
        return true;
}

/* ---- What an earlier piece announced --------------------------------------------------------- */

static bool scan_looks_like_option(const char *piece, size_t size) {
        return size > 1 && piece[0] == '-' && !secret_value_looks_random(piece, size);
}

/* Returns: whether the piece was the value that was waited for. */
static bool scan_take_pending(SecretScan *scan, const char *piece, size_t size) {
        const SecretPending pending = scan->pending;
        scan->pending = SECRET_PENDING_NONE;

        switch (pending) {
        case SECRET_PENDING_OPTION:
        case SECRET_PENDING_HEADER:
                if (scan_looks_like_option(piece, size))
                        return false;
                if (pending == SECRET_PENDING_HEADER)
                        scan_emit_header(scan, scan->pending_name, piece, size);
                else
                        scan_emit_value(scan, scan->pending_name, piece, size);
                return true;
        case SECRET_PENDING_BARE:
                if (size == 1 && scan_is_one_of(piece[0], "=:")) {
                        scan_emit(scan, piece, size);
                        scan->pending = SECRET_PENDING_HEADER;
                        return true;
                }
                if (!secret_value_looks_random(piece, size))
                        return false;
                scan_emit_value(scan, SECRET_NAME_STRONG, piece, size);
                return true;
        case SECRET_PENDING_RULE:
                scan_emit_separated(scan, scan->pending_separator, piece, size);
                /* Somebody forgot the value: "-p --token …". */
                if (scan_looks_like_option(piece, size) && scan_judge_bare_name(piece, size) > 0)
                        scan_expect_value(scan, piece, size, scan_judge_bare_name(piece, size));
                return true;
        default:
                return false;
        }
}

/* ---- Programs that take a secret by a letter ------------------------------------------------- */

static bool scan_take_rule(SecretScan *scan, const char *piece, size_t size) {
        SecretRuleMatch match;

        if (!scan->program || size < 2 || piece[0] != '-')
                return false;
        if (!secret_rule_match(
                    scan->program, scan->program_size, scan->has_login, piece, size, &match))
                return false;

        scan_emit(scan, piece, match.option_size);
        if (match.is_detached) {
                scan->pending = SECRET_PENDING_RULE;
                scan->pending_separator = match.separator;
        } else
                scan_emit_separated(
                        scan, match.separator, piece + match.option_size, size - match.option_size);
        return true;
}

/* ---- Text without structure of its own ------------------------------------------------------- */

static size_t scan_find_one_of(const char *text, size_t size, size_t i, const char *set) {
        while (i < size && !scan_is_space(text[i]) && !scan_is_one_of(text[i], set))
                i++;
        return i;
}

/* The authority of a URL whose "://" begins at i. Returns: where its path begins. */
static size_t scan_take_url(SecretScan *scan, const char *text, size_t size, size_t i) {
        SecretUrl url;

        secret_url_find(text, size, i, &url);
        scan_emit(scan, text + i, url.secret - i);
        scan_emit_value(scan, SECRET_NAME_STRONG, text + url.secret, url.secret_size);
        i = url.secret + url.secret_size;
        scan_emit(scan, text + i, url.end - i);
        return url.end;
}

/* The end of a value within a text: the quote that closes it, escaped as deep as the one that
 * opened it, or a separator. */
static size_t scan_find_value_end(const char *text, size_t size, size_t i) {
        size_t n_escapes = 0;

        while (i + n_escapes < size && text[i + n_escapes] == '\\')
                n_escapes++;
        if (i + n_escapes >= size || !scan_is_quote(text[i + n_escapes]))
                return scan_find_one_of(text, size, i, "&,;\"'`");

        const char quote = text[i + n_escapes];
        size_t n = 0;
        for (i += n_escapes + 1; i < size; i++) {
                if (text[i] == quote && (n_escapes > 0 ? n == n_escapes : n % 2 == 0))
                        return i + 1;
                n = text[i] == '\\' ? n + 1 : 0;
        }
        return size;
}

/* A name that begins at i, with the value that follows if it is a secret's.
 *
 * Returns: where to go on. */
static size_t scan_take_name(SecretScan *scan, const char *text, size_t size, size_t i) {
        const size_t name_end = i + scan_span_name(text, size, i);
        bool is_colon = false;
        const size_t value = scan_find_value(text, size, name_end, &is_colon);
        SecretName name = SECRET_NAME_NONE;

        /* Not "repository/secret:tag". */
        if (value > 0 && !(is_colon && i > 0 && text[i - 1] == '/'))
                name = secret_name_classify(text + i, name_end - i);
        const size_t end = name != SECRET_NAME_NONE ? scan_find_value_end(text, size, value) : 0;
        if (name == SECRET_NAME_NONE || scan_is_port(name, is_colon, text + value, end - value)) {
                scan_emit(scan, text + i, name_end - i);
                return name_end;
        }

        scan_emit(scan, text + i, value - i);
        scan_emit_value(scan, name, text + value, end - value);
        if (value == size && (is_colon || scan->is_joined)) {
                scan->pending = SECRET_PENDING_HEADER;
                scan->pending_name = name;
        }
        return end;
}

static void scan_text(SecretScan *scan, const char *text, size_t size) {
        size_t i = 0;

        while (i < size) {
                if (size - i >= 3 && memcmp(text + i, "://", 3) == 0)
                        i = scan_take_url(scan, text, size, i);
                else if (scan_is_name_char(text[i]))
                        i = scan_take_name(scan, text, size, i);
                else
                        scan_emit(scan, text + i++, 1);
        }
}

/* ---- Pieces in pieces ------------------------------------------------------------------------ */

/* "--env=…", "OPTIONS=…": the value may be a whole command line. */
static bool scan_take_nested(SecretScan *scan, const char *piece, size_t size) {
        const size_t name_size = scan_span_name(piece, size, 0);
        if (name_size == 0 || name_size == size || piece[name_size] != '=')
                return false;

        const size_t value = name_size + 1;
        scan_emit(scan, piece, value);
        scan_nested(scan, piece + value, size - value);
        scan->pending = SECRET_PENDING_NONE;
        scan->is_script_next = false;
        return true;
}

static void scan_piece(SecretScan *scan, const char *piece, size_t size) {
        scan->is_script_next = false;
        if (scan_take_pending(scan, piece, size) || scan_take_assignment(scan, piece, size) ||
                scan_take_rule(scan, piece, size) || scan_take_bare_name(scan, piece, size) ||
                scan_take_nested(scan, piece, size))
                return;

        if (scan_has_space(piece, size)) {
                scan_words(scan, piece, size);
                return;
        }
        scan_text(scan, piece, size);
        scan->is_script_next = scan_is_script_option(piece, size);
        scan_note_program(scan, piece, size);
}

/* Returns: the place of the quote that closes the one at i; size: none does. */
static size_t scan_find_closing_quote(const char *text, size_t size, size_t i) {
        const char quote = text[i];

        for (i++; i < size; i++) {
                if (text[i] == quote)
                        return i;
                if (text[i] == '\\' && quote == '"')
                        i++;
        }
        return size;
}

/* The end of the word that begins at i, as a shell sees it, but for quotes that nothing closes:
 * they are apostrophes. */
static size_t scan_find_word_end(const char *text, size_t size, size_t i) {
        bool is_open[128] = { ['"'] = true, ['\''] = true };

        while (i < size && !scan_is_space(text[i])) {
                if (text[i] == '\\' && i + 1 < size)
                        i++;
                else if (scan_is_quote(text[i]) && is_open[(int) text[i]]) {
                        const size_t closing = scan_find_closing_quote(text, size, i);
                        if (closing == size)
                                is_open[(int) text[i]] = false;
                        else
                                i = closing;
                }
                i++;
        }
        return i;
}

/* Whether the quotes at i and closing are around a name with a value behind it, as in JSON. */
static bool scan_is_quoted_name(const char *word, size_t size, size_t i, size_t closing) {
        bool is_colon;

        return closing > i + 1 && scan_span_name(word, closing, i + 1) == closing - i - 1 &&
                scan_find_value(word, size, closing, &is_colon) > 0;
}

/* What is in quotes. Returns: where to go on. */
static size_t scan_take_quoted(
        SecretScan *scan, const char *word, size_t size, size_t i, size_t closing) {
        size_t end = closing;

        scan_emit(scan, word + i, 1);
        if (scan_is_quoted_name(word, size, i, closing))
                end = scan_take_name(scan, word, size, i + 1);
        else
                scan_nested(scan, word + i + 1, closing - i - 1);
        if (end > closing)
                return end; /* with the value */

        scan_emit(scan, word + closing, 1);
        return closing + 1;
}

/* A word of which a part is quoted: what is in the quotes is a piece of its own, what is between
 * them is not. */
static void scan_quoted_word(SecretScan *scan, const char *word, size_t size) {
        size_t begin = 0, i = 0;

        while (i < size) {
                const size_t closing =
                        scan_is_quote(word[i]) ? scan_find_closing_quote(word, size, i) : size;
                if (closing == size) {
                        i += word[i] == '\\' && i + 1 < size ? 2 : 1;
                        continue;
                }

                scan->is_joined = true;
                scan_text(scan, word + begin, i - begin);
                scan->is_joined = false;
                begin = i = scan_take_quoted(scan, word, size, i, closing);
        }
        scan_text(scan, word + begin, size - begin);
}

static void scan_word(SecretScan *scan, const char *word, size_t size) {
        if (!scan_has_space(word, size) && !scan_is_quote(word[0])) {
                scan_piece(scan, word, size);
                return;
        }
        if (scan_take_pending(scan, word, size) || scan_take_assignment(scan, word, size) ||
                scan_take_rule(scan, word, size))
                return;
        scan_quoted_word(scan, word, size);
}

static void scan_words(SecretScan *scan, const char *text, size_t size) {
        size_t i = 0;

        while (i < size) {
                if (scan_is_space(text[i])) {
                        scan_emit(scan, text + i++, 1);
                        continue;
                }
                const size_t end = scan_find_word_end(text, size, i);
                scan_word(scan, text + i, end - i);
                i = end;
        }
        scan->pending = SECRET_PENDING_NONE;
        scan->is_script_next = false;
}

static void scan_nested(SecretScan *scan, const char *argument, size_t size) {
        const bool is_script = scan->is_script_next;

        if (scan->depth >= SCAN_DEPTH_MAX) {
                scan_emit_value(scan, SECRET_NAME_STRONG, argument, size);
                return;
        }

        scan->depth++;
        scan->is_script_next = false;
        if (is_script && scan->pending == SECRET_PENDING_NONE && size > 0 && argument[0] != '-')
                scan_words(scan, argument, size);
        else {
                scan_piece(scan, argument, size);
                /* "sh -c -x SCRIPT" */
                scan->is_script_next = scan->is_script_next || is_script;
        }
        scan->depth--;
}

void secret_scan_argument(SecretScan *scan, const char *argument, size_t size, ByteBuffer *out) {
        assert(scan);
        assert(argument || size == 0);
        assert(out);

        scan->out = out;
        scan_nested(scan, argument, size);
        scan->out = NULL;
}
