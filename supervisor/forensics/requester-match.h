/* SPDX-License-Identifier: MIT */
#pragma once

/* What the tools have in common: a request, its kinds, and how it names a unit. Private to the
 * requester's files. */

#include "requester-option.h"

/* What a request is for. */
typedef enum RequestKind {
        REQUEST_UNITS,     /* the units that it names */
        REQUEST_UNITS_NOW, /* those, with --now */
        REQUEST_ISOLATE,   /* all units but the one that it names */
        REQUEST_MODE,      /* all units of the manager, nearly */
        REQUEST_EXIT,      /* all units of the manager, and itself */
        REQUEST_SHUTDOWN,  /* all units of all managers */
        _REQUEST_KIND_MAX,
        _REQUEST_KIND_INVALID = -EINVAL,
} RequestKind;

typedef struct Request {
        const char *program;          /* its base name */
        const char *const *arguments; /* behind it; NULL-terminated */
        uid_t uid;
        const RequesterTarget *target;
} Request;

/* Whether a word, as tools take it (with or without suffix, a glob, a path), names a unit. Pure. */
bool request_word_names(const char *word, const char *unit);

/* Whether, said to the manager in scope, it names our unit, or what our unit's own manager runs in. */
bool request_names_target(const Request *request, const RequestScope *scope, const char *word);

/* Whether a kind of request that names no unit, said to the manager in scope, ends our unit. */
bool request_ends_all(const Request *request, const RequestScope *scope, RequestKind kind);

/* Looks up a verb of systemctl's. ret_verb: what it asks for.
 * Returns: its kind; _REQUEST_KIND_INVALID: it ends nothing. */
RequestKind request_kind_from_verb(const char *verb, const char **ret_verb);

/* One function a tool. ret_verb: a static string. Returns: whether it asks to end our unit. */
bool request_match_systemctl(const Request *request, const char **ret_verb);
bool request_match_halt(const Request *request, const char **ret_verb); /* and poweroff, reboot */
bool request_match_shutdown(const Request *request, const char **ret_verb);
bool request_match_init(const Request *request, const char **ret_verb); /* and telinit */
bool request_match_busctl(const Request *request, const char **ret_verb);
bool request_match_gdbus(const Request *request, const char **ret_verb);
bool request_match_dbus_send(const Request *request, const char **ret_verb);

/* Whether a command line, or the start of one, is a tool's. argv: NULL-terminated. */
bool request_line_is_tool(const char *const argv[]);

/* Whether a process by that name (its comm) can be one of the tools at all. */
bool request_comm_is_tool(const char *comm, const RequesterTarget *target);
