/* SPDX-License-Identifier: MIT */
#pragma once

/* The options of the tools that ask a manager for something, and whom they thereby ask. Private to the
 * requester's files. */

#include <stdbool.h>
#include <stddef.h>

#include "forensics/requester.h"

/* What the next part of a command line is, or means. */
typedef enum RequestPart {
        REQUEST_END, /* of the command line */
        REQUEST_WORD,
        REQUEST_IGNORED,   /* an option that changes nothing here */
        REQUEST_USER,      /* the user's own manager or bus */
        REQUEST_SYSTEM,    /* the system's */
        REQUEST_MACHINE,   /* value: [USER@]MACHINE */
        REQUEST_ELSEWHERE, /* another host, another root, any other bus */
        REQUEST_INERT,     /* nothing is asked for: --help, --dry-run */
        REQUEST_NOW,       /* --now */
        REQUEST_HALT,
        REQUEST_POWEROFF,
        REQUEST_REBOOT,
        REQUEST_KEXEC,
        REQUEST_DESTINATION, /* value: a bus name */
        REQUEST_PATH,        /* value: an object */
        REQUEST_METHOD,      /* value: INTERFACE.MEMBER */
        REQUEST_CALL,        /* a message that is a method call */
        _REQUEST_PART_MAX,
        _REQUEST_PART_INVALID = -EINVAL,
} RequestPart;

/* A table of them ends with an empty one. */
typedef struct RequestOption {
        const char *name; /* without dashes; NULL: a letter only */
        char letter;      /* '\0': a name only */
        bool has_value;
        RequestPart part;
} RequestOption;

typedef struct RequestReader {
        const char *const *next; /* of a NULL-terminated array */
        const RequestOption *options;
        const char *letters;   /* those behind a single dash that are still to be read */
        bool is_behind_dashes; /* "--" was seen */
} RequestReader;

/* The next word or option, as getopt_long(3) would find it: options anywhere among the words, values
 * joined or apart, letters in clusters, names abbreviated. Unknown options have no value of their own.
 *
 * ret_value: of a word the word, of an option its value; NULL: it has none.
 * Returns: the part; REQUEST_END also when a value is missing. */
RequestPart request_reader_next(RequestReader *reader, const char **ret_value);

/* The next word; options are passed over. Returns: word; NULL: no more. */
const char *request_reader_next_word(RequestReader *reader);

/* Whom a command line asks. */
typedef struct RequestScope {
        bool is_user;
        bool is_elsewhere;   /* not a manager of this host, or nobody */
        const char *machine; /* NULL: not said */
} RequestScope;

/* Takes in one option. What is none of a scope changes nothing. */
void request_scope_take(RequestScope *scope, RequestPart part, const char *value);

/* Reads all options of a command line, wherever they stand.
 * ret_has_now: REQUEST_NOW was among them. */
RequestScope request_read_scope(
        const char *const arguments[], const RequestOption options[], bool *ret_has_now);

/* Whether it is a manager of this host, the system's. */
bool request_scope_is_system(const RequestScope *scope);

/* Whether it is the manager of our unit. uid: who runs the command. */
bool request_scope_reaches(const RequestScope *scope, uid_t uid, const RequesterTarget *target);
