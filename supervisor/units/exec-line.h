/* SPDX-License-Identifier: MIT */
#pragma once

/* One command line of a unit (ExecStart= and its kin): prefixes, words, quoting; read and written. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

typedef enum ExecFlags {
        EXEC_ARGV0 = 1 << 0,          /* "@": the second word is argv[0] */
        EXEC_IGNORE_FAILURE = 1 << 1, /* "-" */
        EXEC_NO_EXPAND = 1 << 2,      /* ":": no $VARIABLES */
        EXEC_PRIVILEGED = 1 << 3,     /* "+" */
        EXEC_NO_SETUID = 1 << 4,      /* "!" */
        EXEC_AMBIENT = 1 << 5,        /* "!!" */
        EXEC_VIA_SHELL = 1 << 6,      /* "|", systemd 258 */
} ExecFlags;

typedef struct ExecWord {
        char *text;       /* unquoted; specifiers and variables as they stand; owned */
        const char *span; /* where it stands in the line, with its quotes */
        size_t length;    /* of the span */
} ExecWord;

typedef struct ExecLine {
        unsigned flags;
        const char *body; /* the first command behind its prefixes, and all that follows it */
        ExecWord *words;  /* [0] is the program, with EXEC_ARGV0 [1] its argv[0] */
        size_t n_words;
        bool has_more;    /* a ";" follows, and another command behind it; words ends before it */
        const char *rest; /* has_more: that other command, to be parsed on its own; NULL: none */
        char *rewritten; /* NULL, unless prefixes stand inside quotes: then body, rest and the spans
                           * point into this, in which they do not; owned */
} ExecLine;

/* Reads a line as systemd does: prefixes in any order, words separated by white space, quotes that hold
 * words together, C escapes (an unknown one stays as it is written, with its backslash); a word ";" ends
 * the command, "\;" is the word ";".
 *
 * text: the value of an ExecStart= line, continuations joined; body, rest and spans point into it.
 *
 * Returns: 0; -ENODATA: no command at all; -EINVAL: quotes that do not close, or a program that can be
 * none (nothing behind the prefixes, prefixes that exclude each other, a relative path, a folder,
 * control characters), or no argv[0] where EXEC_ARGV0 asks for it; -ENOMEM.
 * Source: systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting"; what systemd 252 does with
 * lines that these do not speak of, by its own dump (systemd --test). */
int exec_line_parse(const char *text, ExecLine *ret_line) _warn_unused_;
void exec_line_done(ExecLine *line);

/* Splits a list of words (Environment=, ...), appending them: the same quotes and escapes, but no prefixes
 * and no ";", and here an unknown escape is an error.
 * Returns: 0; -EINVAL: the words before the wrong one are in *words, which is what systemd takes of such
 * a line; -ENOMEM. */
int exec_words_split(const char *text, char ***words) _warn_unused_;

/* Writes the prefixes: "-+". Returns: buffer. */
#define EXEC_PREFIX_MAX 16
const char *exec_flags_to_prefix(unsigned flags, char buffer[static EXEC_PREFIX_MAX]);
/* The flags by the names that D-Bus has for them ("ignore-failure", "privileged", "no-setuid",
 * "ambient", "no-env-expand", "via-shell"). Returns: one flag; 0: unknown. */
unsigned exec_flag_from_string(const char *name);

typedef enum ExecQuote {
        EXEC_QUOTE_SPECIFIERS = 1 << 0, /* the word holds no specifier: "%" becomes "%%" */
        EXEC_QUOTE_VARIABLES = 1 << 1,  /* it holds no variable: "$" becomes "$$" */
} ExecQuote;

/* Writes a word so that systemd reads it back as it is: bare where that does, else quoted, control
 * characters and what is no UTF-8 as \xNN. The empty word is "".
 * Returns: malloc()ed text; NULL: out of memory. */
char *exec_word_quote(const char *word, unsigned quote) _warn_unused_;
