/* SPDX-License-Identifier: MIT */

/* Method calls from the command line: busctl(1), gdbus(1), dbus-send(1). Each grammar gives one BusCall,
 * which is looked up in one table of methods of systemd's and logind's interfaces.
 *
 * These tools wait for the answer only, not for the job; they are seen when the answer takes long. */

#include <ctype.h>
#include <string.h>

#include "requester-match.h"

#define BUS_METHOD_MAX    256
#define BUS_ARGUMENTS_MAX 2
#define BUS_MANAGER       "org.freedesktop.systemd1.Manager."
#define BUS_UNIT          "org.freedesktop.systemd1.Unit."
#define BUS_LOGIN         "org.freedesktop.login1.Manager."
#define BUS_UNIT_PATH     "/org/freedesktop/systemd1/unit/"

typedef struct BusCall {
        RequestScope scope;
        const char *destination, *path; /* NULL: not said */
        char method[BUS_METHOD_MAX];    /* INTERFACE.MEMBER; empty: not said */
        size_t n_arguments;
        char arguments[BUS_ARGUMENTS_MAX][UNIT_NAME_MAX]; /* the first, bare strings */
} BusCall;

static const struct {
        const char *method;
        RequestKind kind;
        const char *verb; /* NULL: an argument says it */
} bus_methods[] = {
        { BUS_MANAGER "StopUnit", REQUEST_UNITS, "stop" },
        { BUS_MANAGER "RestartUnit", REQUEST_UNITS, "restart" },
        { BUS_MANAGER "TryRestartUnit", REQUEST_UNITS, "try-restart" },
        { BUS_MANAGER "ReloadOrRestartUnit", REQUEST_UNITS, "reload-or-restart" },
        { BUS_MANAGER "ReloadOrTryRestartUnit", REQUEST_UNITS, "try-reload-or-restart" },
        { BUS_MANAGER "KillUnit", REQUEST_UNITS, "kill" },
        { BUS_MANAGER "EnqueueUnitJob", REQUEST_UNITS, NULL },
        { BUS_MANAGER "Exit", REQUEST_EXIT, "exit" },
        { BUS_MANAGER "PowerOff", REQUEST_SHUTDOWN, "poweroff" },
        { BUS_MANAGER "Reboot", REQUEST_SHUTDOWN, "reboot" },
        { BUS_MANAGER "SoftReboot", REQUEST_SHUTDOWN, "soft-reboot" },
        { BUS_MANAGER "Halt", REQUEST_SHUTDOWN, "halt" },
        { BUS_MANAGER "KExec", REQUEST_SHUTDOWN, "kexec" },
        { BUS_UNIT "Stop", REQUEST_UNITS, "stop" },
        { BUS_UNIT "Restart", REQUEST_UNITS, "restart" },
        { BUS_UNIT "TryRestart", REQUEST_UNITS, "try-restart" },
        { BUS_UNIT "ReloadOrRestart", REQUEST_UNITS, "reload-or-restart" },
        { BUS_UNIT "ReloadOrTryRestart", REQUEST_UNITS, "try-reload-or-restart" },
        { BUS_UNIT "Kill", REQUEST_UNITS, "kill" },
        { BUS_UNIT "EnqueueJob", REQUEST_UNITS, NULL },
        { BUS_LOGIN "PowerOff", REQUEST_SHUTDOWN, "poweroff" },
        { BUS_LOGIN "PowerOffWithFlags", REQUEST_SHUTDOWN, "poweroff" },
        { BUS_LOGIN "Reboot", REQUEST_SHUTDOWN, "reboot" },
        { BUS_LOGIN "RebootWithFlags", REQUEST_SHUTDOWN, "reboot" },
        { BUS_LOGIN "Halt", REQUEST_SHUTDOWN, "halt" },
        { BUS_LOGIN "HaltWithFlags", REQUEST_SHUTDOWN, "halt" },
};

/* ---- The call ---- */

/* A label of an object path: what is no letter or digit stands as "_" and two hexadecimal digits.
 * Source: sd_bus_path_encode(3). */
static bool bus_unescape_label(const char *label, char unit[static UNIT_NAME_MAX]) {
        size_t length = 0;

        for (; *label; label++) {
                char digits[3] = { '\0' };
                if (length + 1 >= UNIT_NAME_MAX)
                        return false;
                if (*label != '_') {
                        unit[length++] = *label;
                        continue;
                }
                if (!isxdigit((unsigned char) label[1]) || !isxdigit((unsigned char) label[2]))
                        return false;
                memcpy(digits, label + 1, 2);
                unit[length++] = (char) strtoul(digits, NULL, 16);
                label += 2;
        }
        unit[length] = '\0';
        return true;
}

/* The job's type among systemctl's verbs, which are called as the types are. */
static bool bus_take_job_type(const BusCall *call, size_t place, const char **ret_verb) {
        return call->n_arguments > place &&
                request_kind_from_verb(call->arguments[place], ret_verb) == REQUEST_UNITS;
}

static bool bus_call_names_target(
        const Request *request, const BusCall *call, const char *verb, const char **ret_verb) {
        bool is_unit_interface = strncmp(call->method, BUS_UNIT, strlen(BUS_UNIT)) == 0;
        char unit[UNIT_NAME_MAX];

        *ret_verb = verb;
        if (!verb && !bus_take_job_type(call, is_unit_interface ? 0 : 1, ret_verb))
                return false;
        if (!is_unit_interface)
                return call->n_arguments > 0 &&
                        request_names_target(request, &call->scope, call->arguments[0]);
        return call->path && strncmp(call->path, BUS_UNIT_PATH, strlen(BUS_UNIT_PATH)) == 0 &&
                bus_unescape_label(call->path + strlen(BUS_UNIT_PATH), unit) &&
                request_names_target(request, &call->scope, unit);
}

static bool bus_call_is_served(const BusCall *call) {
        size_t length = call->destination ? strlen(call->destination) : 0;

        return length > 0 && strncmp(call->method, call->destination, length) == 0 &&
                call->method[length] == '.';
}

static bool bus_call_matches(const Request *request, const BusCall *call, const char **ret_verb) {
        if (!bus_call_is_served(call))
                return false;

        for (size_t i = 0; i < ELEMENTSOF(bus_methods); i++) {
                if (strcmp(bus_methods[i].method, call->method) != 0)
                        continue;
                if (bus_methods[i].kind == REQUEST_UNITS)
                        return bus_call_names_target(request, call, bus_methods[i].verb, ret_verb);
                *ret_verb = bus_methods[i].verb;
                return request_ends_all(request, &call->scope, bus_methods[i].kind);
        }
        return false;
}

/* One that is too long names nothing. */
static void bus_call_add_argument(BusCall *call, const char *text, size_t length) {
        if (call->n_arguments >= BUS_ARGUMENTS_MAX)
                return;
        (void) snprintf(call->arguments[call->n_arguments++], UNIT_NAME_MAX, "%.*s",
                length < UNIT_NAME_MAX ? (int) length : 0, text);
}

static void bus_call_set_method(BusCall *call, const char *interface, const char *member) {
        int n = snprintf(call->method, sizeof(call->method), "%s%s%s", interface,
                *interface ? "." : "", member);

        if (n < 0 || (size_t) n >= sizeof(call->method))
                call->method[0] = '\0';
}

/* ---- busctl ---- */

static const RequestOption busctl_options[] = {
        { "help", 'h', false, REQUEST_INERT },
        { "version", '\0', false, REQUEST_INERT },
        { "user", '\0', false, REQUEST_USER },
        { "system", '\0', false, REQUEST_SYSTEM },
        { "machine", 'M', true, REQUEST_MACHINE },
        { "host", 'H', true, REQUEST_ELSEWHERE },
        { "capsule", 'C', true, REQUEST_ELSEWHERE },
        { "address", '\0', true, REQUEST_ELSEWHERE },
        { "match", '\0', true, REQUEST_IGNORED },
        { "size", '\0', true, REQUEST_IGNORED },
        { "json", '\0', true, REQUEST_IGNORED },
        { "expect-reply", '\0', true, REQUEST_IGNORED },
        { "auto-start", '\0', true, REQUEST_IGNORED },
        { "allow-interactive-authorization", '\0', true, REQUEST_IGNORED },
        { "timeout", '\0', true, REQUEST_IGNORED },
        { "augment-creds", '\0', true, REQUEST_IGNORED },
        { "watch-bind", '\0', true, REQUEST_IGNORED },
        { "destination", '\0', true, REQUEST_IGNORED },
        { "limit-messages", 'N', true, REQUEST_IGNORED },
        { "num-matches", '\0', true, REQUEST_IGNORED },
        {},
};

/* call SERVICE OBJECT INTERFACE METHOD [SIGNATURE [ARGUMENT…]] */
enum {
        BUSCTL_VERB,
        BUSCTL_SERVICE,
        BUSCTL_OBJECT,
        BUSCTL_INTERFACE,
        BUSCTL_METHOD,
        BUSCTL_SIGNATURE,
        BUSCTL_ARGUMENTS,
};

bool request_match_busctl(const Request *request, const char **ret_verb) {
        RequestReader reader = { .next = request->arguments, .options = busctl_options };
        const char *value, *interface = NULL;
        size_t n_words = 0;
        BusCall call = {};
        RequestPart part;

        while ((part = request_reader_next(&reader, &value)) != REQUEST_END) {
                request_scope_take(&call.scope, part, value);
                if (part != REQUEST_WORD)
                        continue;
                if (n_words == BUSCTL_VERB && strcmp(value, "call") != 0)
                        return false;
                else if (n_words == BUSCTL_SERVICE)
                        call.destination = value;
                else if (n_words == BUSCTL_OBJECT)
                        call.path = value;
                else if (n_words == BUSCTL_INTERFACE)
                        interface = value;
                else if (n_words == BUSCTL_METHOD)
                        bus_call_set_method(&call, interface, value);
                else if (n_words >= BUSCTL_ARGUMENTS)
                        bus_call_add_argument(&call, value, strlen(value));
                n_words++;
        }
        return bus_call_matches(request, &call, ret_verb);
}

/* ---- gdbus ---- */

static const RequestOption gdbus_options[] = {
        { "help", 'h', false, REQUEST_INERT },
        { "session", 'e', false, REQUEST_USER },
        { "system", 'y', false, REQUEST_SYSTEM },
        { "address", 'a', true, REQUEST_ELSEWHERE },
        { "dest", 'd', true, REQUEST_DESTINATION },
        { "object-path", 'o', true, REQUEST_PATH },
        { "method", 'm', true, REQUEST_METHOD },
        { "timeout", 't', true, REQUEST_IGNORED },
        {},
};

/* A string in the text form of GVariant may be quoted. */
static void gdbus_add_argument(BusCall *call, const char *text) {
        size_t length = strlen(text);

        if (length >= 2 && (text[0] == '\'' || text[0] == '"') && text[length - 1] == text[0]) {
                text++;
                length -= 2;
        }
        bus_call_add_argument(call, text, length);
}

bool request_match_gdbus(const Request *request, const char **ret_verb) {
        RequestReader reader = { .next = request->arguments, .options = gdbus_options };
        const char *value;
        size_t n_words = 0;
        BusCall call = {};
        RequestPart part;

        while ((part = request_reader_next(&reader, &value)) != REQUEST_END) {
                request_scope_take(&call.scope, part, value);
                if (part == REQUEST_DESTINATION)
                        call.destination = value;
                else if (part == REQUEST_PATH)
                        call.path = value;
                else if (part == REQUEST_METHOD)
                        bus_call_set_method(&call, "", value);
                else if (part == REQUEST_WORD && n_words++ > 0)
                        gdbus_add_argument(&call, value);
                else if (part == REQUEST_WORD && strcmp(value, "call") != 0)
                        return false;
        }
        return bus_call_matches(request, &call, ret_verb);
}

/* ---- dbus-send ---- */

static const RequestOption dbus_send_options[] = {
        { "help", '\0', false, REQUEST_INERT },
        { "system", '\0', false, REQUEST_SYSTEM },
        { "session", '\0', false, REQUEST_USER },
        { "bus", '\0', true, REQUEST_ELSEWHERE },
        { "peer", '\0', true, REQUEST_ELSEWHERE },
        { "dest", '\0', true, REQUEST_DESTINATION },
        { "type", '\0', true, REQUEST_CALL },
        { "print-reply", '\0', false, REQUEST_CALL },
        { "reply-timeout", '\0', true, REQUEST_IGNORED },
        { "sender", '\0', true, REQUEST_IGNORED },
        {},
};

/* OBJECT INTERFACE.MEMBER [TYPE:VALUE…]; a signal, unless it is called a method call or its reply is
 * waited for. */
bool request_match_dbus_send(const Request *request, const char **ret_verb) {
        static const char string[] = "string:";
        RequestReader reader = { .next = request->arguments, .options = dbus_send_options };
        BusCall call = { .scope = { .is_user = true } };
        bool is_call = false;
        const char *value;
        size_t n_words = 0;
        RequestPart part;

        while ((part = request_reader_next(&reader, &value)) != REQUEST_END) {
                request_scope_take(&call.scope, part, value);
                if (part == REQUEST_DESTINATION)
                        call.destination = value;
                else if (part == REQUEST_CALL)
                        is_call = is_call || !value || strcmp(value, "signal") != 0;
                if (part != REQUEST_WORD)
                        continue;
                if (n_words == 0)
                        call.path = value;
                else if (n_words == 1)
                        bus_call_set_method(&call, "", value);
                else {
                        if (strncmp(value, string, strlen(string)) == 0)
                                value += strlen(string);
                        bus_call_add_argument(&call, value, strlen(value));
                }
                n_words++;
        }
        return is_call && bus_call_matches(request, &call, ret_verb);
}
