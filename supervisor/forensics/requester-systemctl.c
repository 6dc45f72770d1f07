/* SPDX-License-Identifier: MIT */

/* systemctl(1) and the names it answers to: halt, poweroff, reboot, shutdown, init.
 *
 * The tables are those of systemd 252, with what later versions added. An option that takes a value
 * has to be known as such, or its value would pass for the verb. Verbs that end nothing (start,
 * status, show, reload) are not in the table. */

#include <string.h>

#include "requester-match.h"

static const struct {
        const char *verb;
        RequestKind kind;
        const char *asks_for;
} systemctl_verbs[] = {
        { "stop", REQUEST_UNITS, "stop" },
        { "condstop", REQUEST_UNITS, "stop" },
        { "restart", REQUEST_UNITS, "restart" },
        { "try-restart", REQUEST_UNITS, "try-restart" },
        { "condrestart", REQUEST_UNITS, "try-restart" },
        { "reload-or-restart", REQUEST_UNITS, "reload-or-restart" },
        { "try-reload-or-restart", REQUEST_UNITS, "try-reload-or-restart" },
        { "reload-or-try-restart", REQUEST_UNITS, "try-reload-or-restart" },
        { "force-reload", REQUEST_UNITS, "try-reload-or-restart" },
        { "kill", REQUEST_UNITS, "kill" },
        { "disable", REQUEST_UNITS_NOW, "stop" },
        { "mask", REQUEST_UNITS_NOW, "stop" },
        { "reenable", REQUEST_UNITS_NOW, "restart" },
        { "isolate", REQUEST_ISOLATE, "isolate" },
        { "default", REQUEST_MODE, "default" },
        { "rescue", REQUEST_MODE, "rescue" },
        { "emergency", REQUEST_MODE, "emergency" },
        { "exit", REQUEST_EXIT, "exit" },
        { "poweroff", REQUEST_SHUTDOWN, "poweroff" },
        { "reboot", REQUEST_SHUTDOWN, "reboot" },
        { "halt", REQUEST_SHUTDOWN, "halt" },
        { "kexec", REQUEST_SHUTDOWN, "kexec" },
        { "soft-reboot", REQUEST_SHUTDOWN, "soft-reboot" },
};

static const RequestOption systemctl_options[] = {
        { "help", 'h', false, REQUEST_INERT },
        { "version", '\0', false, REQUEST_INERT },
        { "dry-run", '\0', false, REQUEST_INERT },
        { "user", '\0', false, REQUEST_USER },
        { "system", '\0', false, REQUEST_SYSTEM },
        { "now", '\0', false, REQUEST_NOW },
        { "machine", 'M', true, REQUEST_MACHINE },
        { "host", 'H', true, REQUEST_ELSEWHERE },
        { "capsule", 'C', true, REQUEST_ELSEWHERE },
        { "root", '\0', true, REQUEST_ELSEWHERE },
        { "image", '\0', true, REQUEST_ELSEWHERE },
        { "global", '\0', false, REQUEST_ELSEWHERE },
        /* Those that take a value. */
        { "boot-loader-entry", '\0', true, REQUEST_IGNORED },
        { "boot-loader-menu", '\0', true, REQUEST_IGNORED },
        { "check-inhibitors", '\0', true, REQUEST_IGNORED },
        { "drop-in", '\0', true, REQUEST_IGNORED },
        { "image-policy", '\0', true, REQUEST_IGNORED },
        { "job-mode", '\0', true, REQUEST_IGNORED },
        { "kill-subgroup", '\0', true, REQUEST_IGNORED },
        { "kill-value", '\0', true, REQUEST_IGNORED },
        { "kill-who", '\0', true, REQUEST_IGNORED },
        { "kill-whom", '\0', true, REQUEST_IGNORED },
        { "legend", '\0', true, REQUEST_IGNORED },
        { "lines", 'n', true, REQUEST_IGNORED },
        { "message", '\0', true, REQUEST_IGNORED },
        { "output", 'o', true, REQUEST_IGNORED },
        { "preset-mode", '\0', true, REQUEST_IGNORED },
        { "property", 'p', true, REQUEST_IGNORED },
        { NULL, 'P', true, REQUEST_IGNORED },
        { "signal", 's', true, REQUEST_IGNORED },
        { "state", '\0', true, REQUEST_IGNORED },
        { "timestamp", '\0', true, REQUEST_IGNORED },
        { "type", 't', true, REQUEST_IGNORED },
        { "what", '\0', true, REQUEST_IGNORED },
        { "when", '\0', true, REQUEST_IGNORED },
        /* Their longer neighbours, so that an abbreviation is not taken for one of the above. */
        { "wait", '\0', false, REQUEST_IGNORED },
        { "with-dependencies", '\0', false, REQUEST_IGNORED },
        { "plain", '\0', false, REQUEST_IGNORED },
        { "recursive", 'r', false, REQUEST_IGNORED },
        { "reverse", '\0', false, REQUEST_IGNORED },
        {},
};

RequestKind request_kind_from_verb(const char *verb, const char **ret_verb) {
        assert(verb);
        assert(ret_verb);

        for (size_t i = 0; i < ELEMENTSOF(systemctl_verbs); i++)
                if (strcmp(systemctl_verbs[i].verb, verb) == 0) {
                        *ret_verb = systemctl_verbs[i].asks_for;
                        return systemctl_verbs[i].kind;
                }
        return _REQUEST_KIND_INVALID;
}

bool request_match_systemctl(const Request *request, const char **ret_verb) {
        RequestReader reader = { .next = request->arguments, .options = systemctl_options };
        bool has_now, is_named = false;
        RequestScope scope = request_read_scope(request->arguments, systemctl_options, &has_now);
        const char *verb = request_reader_next_word(&reader), *word;

        RequestKind kind = verb ? request_kind_from_verb(verb, ret_verb) : _REQUEST_KIND_INVALID;
        if (kind < 0 || (kind == REQUEST_UNITS_NOW && !has_now))
                return false;
        if (kind != REQUEST_UNITS && kind != REQUEST_UNITS_NOW && kind != REQUEST_ISOLATE)
                return request_ends_all(request, &scope, kind);

        while (!is_named && (word = request_reader_next_word(&reader)))
                is_named = request_names_target(request, &scope, word);
        if (kind == REQUEST_ISOLATE)
                return !is_named && request_scope_reaches(&scope, request->uid, request->target);
        return is_named;
}

/* ---- halt(8), shutdown(8), telinit(8) ---- */

static const RequestOption halt_options[] = {
        { "help", '\0', false, REQUEST_INERT },
        { "wtmp-only", 'w', false, REQUEST_INERT },
        { "halt", '\0', false, REQUEST_HALT },
        { "poweroff", 'p', false, REQUEST_POWEROFF },
        { "reboot", '\0', false, REQUEST_REBOOT },
        {},
};

static const RequestOption shutdown_options[] = {
        { "help", '\0', false, REQUEST_INERT },
        { "show", '\0', false, REQUEST_INERT },
        { NULL, 'k', false, REQUEST_INERT },
        { NULL, 'c', false, REQUEST_INERT },
        { "halt", 'H', false, REQUEST_HALT },
        { "poweroff", 'P', false, REQUEST_POWEROFF },
        { "reboot", 'r', false, REQUEST_REBOOT },
        { "kexec", 'K', false, REQUEST_KEXEC },
        { NULL, 't', true, REQUEST_IGNORED },
        {},
};

/* Returns: whether anything is asked for; verb is left alone when no option names another. */
static bool shutdown_read_options(
        const Request *request, const RequestOption *options, const char **verb) {
        RequestReader reader = { .next = request->arguments, .options = options };
        RequestPart part;
        const char *value;

        while ((part = request_reader_next(&reader, &value)) != REQUEST_END) {
                if (part == REQUEST_INERT)
                        return false;
                if (part == REQUEST_HALT)
                        *verb = "halt";
                else if (part == REQUEST_POWEROFF)
                        *verb = "poweroff";
                else if (part == REQUEST_REBOOT)
                        *verb = "reboot";
                else if (part == REQUEST_KEXEC)
                        *verb = "kexec";
        }
        return true;
}

bool request_match_halt(const Request *request, const char **ret_verb) {
        return request_kind_from_verb(request->program, ret_verb) == REQUEST_SHUTDOWN &&
                shutdown_read_options(request, halt_options, ret_verb);
}

/* A later time is logind's to wait for: this process does not. */
bool request_match_shutdown(const Request *request, const char **ret_verb) {
        RequestReader reader = { .next = request->arguments, .options = shutdown_options };
        const char *when = request_reader_next_word(&reader);

        *ret_verb = "poweroff";
        return when && (strcmp(when, "now") == 0 || strcmp(when, "+0") == 0) &&
                shutdown_read_options(request, shutdown_options, ret_verb);
}

bool request_match_init(const Request *request, const char **ret_verb) {
        static const struct {
                const char *level;
                RequestKind kind;
                const char *verb;
        } levels[] = {
                { "0", REQUEST_SHUTDOWN, "poweroff" },
                { "6", REQUEST_SHUTDOWN, "reboot" },
                { "1", REQUEST_MODE, "rescue" },
                { "s", REQUEST_MODE, "rescue" },
                { "S", REQUEST_MODE, "rescue" },
                { "2", REQUEST_MODE, "isolate" },
                { "3", REQUEST_MODE, "isolate" },
                { "4", REQUEST_MODE, "isolate" },
                { "5", REQUEST_MODE, "isolate" },
        };
        const char *level = request->arguments[0];

        for (size_t i = 0; level && i < ELEMENTSOF(levels); i++)
                if (strcmp(levels[i].level, level) == 0) {
                        *ret_verb = levels[i].verb;
                        return request_ends_all(request, &(RequestScope){}, levels[i].kind);
                }
        return false;
}
