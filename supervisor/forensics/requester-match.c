/* SPDX-License-Identifier: MIT */

/* Whether a command line asks our manager to end our unit.
 *
 * The program decides how the line is read: each tool has its grammar (requester-systemctl,
 * requester-bus, and the scripts here). A script is known by its own name, as its interpreter's first
 * argument. All that is no tool, whatever it mentions, asks for nothing: sudo(8) and a shell run what
 * asks, editors and pagers look at it.
 *
 * How a word names a unit is the tools' common ground: by its name, without ".service", by one of its
 * aliases, by a glob, by the path of a unit file. Globs are matched here in bounded time, because
 * anybody may put any glob on a command line. */

#include <string.h>

#include "requester-match.h"

/* ---- Units ---- */

static const char *const unit_suffixes[] = {
        ".automount",
        ".device",
        ".mount",
        ".path",
        ".scope",
        ".service",
        ".slice",
        ".socket",
        ".swap",
        ".target",
        ".timer",
};

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool word_has_suffix(const char *word) {
        const char *dot = strrchr(word, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(unit_suffixes); i++)
                if (strcmp(dot, unit_suffixes[i]) == 0)
                        return true;
        return false;
}

/* A set of characters ("[a-z]", "[!x]") at the start of a glob. Returns: its length; 0: it has no end,
 * the bracket stands for itself. */
static size_t glob_match_set(const char *glob, char c, bool *ret_is_match) {
        const bool is_negated = glob[1] == '!' || glob[1] == '^';
        const char *first = glob + 1 + is_negated, *p;
        bool is_found = false;

        /* A closing bracket that comes first is one of the set. */
        for (p = first; *p && (*p != ']' || p == first); p++)
                if (p[1] == '-' && p[2] && p[2] != ']') {
                        is_found = is_found || (p[0] <= c && c <= p[2]);
                        p += 2;
                } else
                        is_found = is_found || *p == c;
        if (!*p)
                return 0;
        *ret_is_match = is_found != is_negated;
        return (size_t) (p - glob) + 1;
}

/* The element of a glob at its start, no asterisk. Returns: its length. */
static size_t glob_match_one(const char *glob, char c, bool *ret_is_match) {
        size_t length = glob[0] == '[' ? glob_match_set(glob, c, ret_is_match) : 0;

        if (length > 0)
                return length;
        *ret_is_match = glob[0] == '?' || glob[0] == c;
        return 1;
}

/* fnmatch(3) takes exponential time for some globs with many asterisks. Here the last asterisk alone
 * is ever tried again: whatever an earlier one could take, it can. */
static bool glob_matches(const char *glob, const char *name) {
        const char *retry_glob = NULL, *retry_name = NULL;

        while (*name) {
                bool is_match = false;
                size_t length = 0;

                if (*glob == '*') {
                        retry_glob = ++glob;
                        retry_name = name;
                        continue;
                }
                if (*glob)
                        length = glob_match_one(glob, *name, &is_match);
                if (is_match) {
                        glob += length;
                        name++;
                } else if (retry_glob) {
                        glob = retry_glob;
                        name = ++retry_name;
                } else
                        return false;
        }
        while (*glob == '*')
                glob++;
        return *glob == '\0';
}

bool request_word_names(const char *word, const char *unit) {
        assert(word);
        assert(unit);

        if (word[0] == '/')
                word = base_name(word);
        size_t length = strnlen(word, UNIT_NAME_MAX);
        if (length == 0 || length == UNIT_NAME_MAX)
                return false;
        if (strcmp(word, unit) == 0)
                return true;
        if (strpbrk(word, "*?["))
                return glob_matches(word, unit);
        return strncmp(unit, word, length) == 0 && strcmp(unit + length, ".service") == 0 &&
                !word_has_suffix(word);
}

bool request_names_target(const Request *request, const RequestScope *scope, const char *word) {
        const RequesterTarget *target = request->target;
        char name[UNIT_NAME_MAX];

        if (request_scope_reaches(scope, request->uid, target)) {
                for (size_t i = 0; i < target->n_names; i++)
                        if (request_word_names(word, target->names[i]))
                                return true;
                return false;
        }

        /* The units of the system that a user's manager is and lives in. */
        if (target->manager != UNIT_MANAGER_USER || !request_scope_is_system(scope))
                return false;
        (void) snprintf(name, sizeof(name), "user@%u.service", target->owner_uid);
        if (request_word_names(word, name))
                return true;
        (void) snprintf(name, sizeof(name), "user-%u.slice", target->owner_uid);
        return request_word_names(word, name);
}

bool request_ends_all(const Request *request, const RequestScope *scope, RequestKind kind) {
        if (kind == REQUEST_SHUTDOWN)
                return request_scope_is_system(scope);
        if (kind == REQUEST_EXIT && request_scope_is_system(scope))
                return true;
        return (kind == REQUEST_EXIT || kind == REQUEST_MODE) &&
                request_scope_reaches(scope, request->uid, request->target);
}

/* ---- Scripts around systemctl ---- */

static const RequestOption service_options[] = {
        { "help", 'h', false, REQUEST_INERT },
        { "version", 'V', false, REQUEST_INERT },
        { "status-all", '\0', false, REQUEST_INERT },
        { "query", '\0', false, REQUEST_INERT },
        { "full-restart", '\0', false, REQUEST_NOW },
        { "user", '\0', false, REQUEST_USER },
        { "system", '\0', false, REQUEST_SYSTEM },
        {},
};

/* The actions of init scripts that systemctl has no verb for. */
static const struct {
        const char *action, *verb;
} script_actions[] = {
        { "force-stop", "kill" },
};

static bool request_match_action(const char *action, const char **ret_verb) {
        for (size_t i = 0; i < ELEMENTSOF(script_actions); i++)
                if (strcmp(script_actions[i].action, action) == 0) {
                        *ret_verb = script_actions[i].verb;
                        return true;
                }
        return request_kind_from_verb(action, ret_verb) == REQUEST_UNITS;
}

/* The name of an init script, with the ".sh" that service(8) leaves out. */
static bool request_script_names(
        const Request *request, const RequestScope *scope, const char *script) {
        char name[UNIT_NAME_MAX];
        size_t length = strlen(script);

        if (length > 3 && strcmp(script + length - 3, ".sh") == 0)
                length -= 3;
        if (length >= sizeof(name))
                return false;
        (void) snprintf(name, sizeof(name), "%.*s", (int) length, script);
        return request_names_target(request, scope, name);
}

/* service NAME ACTION, invoke-rc.d NAME ACTION. */
static bool request_match_service(const Request *request, const char **ret_verb) {
        RequestReader reader = { .next = request->arguments, .options = service_options };
        bool is_full_restart;
        RequestScope scope =
                request_read_scope(request->arguments, service_options, &is_full_restart);
        const char *name = request_reader_next_word(&reader);
        const char *action = request_reader_next_word(&reader);

        scope.is_user = false;
        if (!action && is_full_restart)
                action = "restart";
        return name && action && request_match_action(action, ret_verb) &&
                request_script_names(request, &scope, name);
}

/* deb-systemd-invoke [--user] ACTION UNIT…; for the managers of all users with --user. */
static bool request_match_deb_invoke(const Request *request, const char **ret_verb) {
        RequestReader reader = { .next = request->arguments, .options = service_options };
        bool is_full_restart;
        RequestScope scope =
                request_read_scope(request->arguments, service_options, &is_full_restart);
        const char *action = request_reader_next_word(&reader), *unit;
        Request each = *request;

        if (scope.is_user)
                each.uid = request->target->owner_uid;
        if (!action || !request_match_action(action, ret_verb))
                return false;
        while ((unit = request_reader_next_word(&reader)))
                if (request_names_target(&each, &scope, unit))
                        return true;
        return false;
}

/* /etc/init.d/NAME ACTION. */
static bool request_match_init_script(const Request *request, const char **ret_verb) {
        const RequestScope scope = {};

        return request->arguments[0] && request_match_action(request->arguments[0], ret_verb) &&
                request_script_names(request, &scope, request->program);
}

/* ---- Programs ---- */

static const char init_scripts[] = "/etc/init.d/";

typedef bool (*RequestTool)(const Request *request, const char **ret_verb);

static const struct {
        const char *program;
        RequestTool matches;
} request_tools[] = {
        { "systemctl", request_match_systemctl },
        { "poweroff", request_match_halt },
        { "reboot", request_match_halt },
        { "halt", request_match_halt },
        { "shutdown", request_match_shutdown },
        { "init", request_match_init },
        { "telinit", request_match_init },
        { "busctl", request_match_busctl },
        { "gdbus", request_match_gdbus },
        { "dbus-send", request_match_dbus_send },
}, request_scripts[] = {
        { "service", request_match_service },
        { "invoke-rc.d", request_match_service },
        { "deb-systemd-invoke", request_match_deb_invoke },
};

/* flags: those that may stand before the script, on the line "#!" or behind it; none makes the script
 * anything else than a file. */
static const struct {
        const char *program, *flags;
} interpreters[] = {
        { "sh", "efux" },
        { "dash", "efux" },
        { "bash", "efpux" },
        { "perl", "Twt" },
};

/* Returns: where the script of an interpreter stands; NULL: it is none, or runs something else. */
static const char *const *request_find_script(const char *const argv[]) {
        const char *flags = NULL;

        for (size_t i = 0; i < ELEMENTSOF(interpreters); i++)
                if (strcmp(interpreters[i].program, base_name(argv[0])) == 0)
                        flags = interpreters[i].flags;
        if (!flags)
                return NULL;

        for (argv++; *argv && (*argv)[0] == '-'; argv++)
                if (strspn(*argv + 1, flags) != strlen(*argv + 1))
                        return NULL;
        return *argv ? argv : NULL;
}

/* Returns: the tool's function; NULL: it is none. */
static RequestTool request_find_program(const char *program, bool is_script) {
        for (size_t i = 0; !is_script && i < ELEMENTSOF(request_tools); i++)
                if (strcmp(request_tools[i].program, program) == 0)
                        return request_tools[i].matches;
        for (size_t i = 0; i < ELEMENTSOF(request_scripts); i++)
                if (strcmp(request_scripts[i].program, program) == 0)
                        return request_scripts[i].matches;
        return NULL;
}

/* What runs: the program, or the script that it interprets.
 * Returns: where it stands in argv; NULL: it is no tool. */
static const char *const *request_find_tool(const char *const argv[], RequestTool *ret_tool) {
        if (!argv[0])
                return NULL;

        const char *const *script = request_find_script(argv), *const *program = script ?: argv;
        *ret_tool = request_find_program(base_name(program[0]), /* is_script= */ script);
        if (!*ret_tool && strncmp(program[0], init_scripts, strlen(init_scripts)) == 0)
                *ret_tool = request_match_init_script;
        return *ret_tool ? program : NULL;
}

bool requester_matches(const char *const argv[], uid_t uid, const RequesterTarget *target,
        char ret_verb[static REQUESTER_VERB_MAX]) {
        assert(argv);
        assert(target && target->n_names <= REQUESTER_NAMES_MAX);

        RequestTool tool;
        const char *const *program = request_find_tool(argv, &tool);
        if (!program || target->manager == UNIT_MANAGER_NONE)
                return false;

        const Request request = {
                .program = base_name(program[0]),
                .arguments = program + 1,
                .uid = uid,
                .target = target,
        };
        const char *verb = NULL;
        if (!tool(&request, &verb))
                return false;
        (void) snprintf(ret_verb, REQUESTER_VERB_MAX, "%s", verb);
        return true;
}

bool request_line_is_tool(const char *const argv[]) {
        RequestTool tool;

        return request_find_tool(argv, &tool);
}

/* The kernel keeps the first bytes of a name. */
#define COMM_BYTES 15

static bool comm_is(const char *comm, const char *program) {
        size_t length = strlen(program);

        if (length > COMM_BYTES)
                length = COMM_BYTES;
        return strncmp(comm, program, length) == 0 && comm[length] == '\0';
}

bool request_comm_is_tool(const char *comm, const RequesterTarget *target) {
        char stem[UNIT_NAME_MAX];

        for (size_t i = 0; i < ELEMENTSOF(request_tools); i++)
                if (comm_is(comm, request_tools[i].program))
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(request_scripts); i++)
                if (comm_is(comm, request_scripts[i].program))
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(interpreters); i++)
                if (comm_is(comm, interpreters[i].program))
                        return true;

        /* An init script by the name of the unit. */
        for (size_t i = 0; i < target->n_names; i++) {
                const char *dot = strrchr(target->names[i], '.');
                (void) snprintf(stem, sizeof(stem), "%.*s",
                        dot ? (int) (dot - target->names[i]) : UNIT_NAME_MAX, target->names[i]);
                if (comm_is(comm, stem))
                        return true;
        }
        return false;
}
