/* SPDX-License-Identifier: MIT */

/* A shutdown context as JSON, with the keys that gateways' own logs have. What is missing in the context is
 * missing here; running out of memory leaves an object out as a whole rather than half.
 *
 * Command lines, and the markers' texts, leave only through the rules for secrets. */

#include "shutdown-context.h"

#include <inttypes.h>
#include <string.h>

#include "byte-buffer.h"
#include "secret-scan.h"
#include "signals.h"

/* An object in the making. Running out of memory is remembered. */
typedef struct ContextJson {
        json_object *object;
        CmdlineMode mode;
        bool is_failed;
} ContextJson;

static ContextJson context_json_new(json_object *object, CmdlineMode mode) {
        return (ContextJson){ .object = object, .mode = mode, .is_failed = !object };
}

/* Returns: the object; NULL: something is missing in it. */
static json_object *context_json_finish(ContextJson *json) {
        if (json->is_failed) {
                (void) json_object_put(json->object);
                json->object = NULL;
        }
        return json->object;
}

/* Takes value; NULL: out of memory. */
static void context_json_add(ContextJson *json, const char *key, json_object *value) {
        if (!json->is_failed && value && json_object_object_add(json->object, key, value) == 0)
                return;
        (void) json_object_put(value);
        json->is_failed = true;
}

static void context_json_add_text(ContextJson *json, const char *key, const char *text) {
        context_json_add(json, key, json_object_new_string(text));
}

static void context_json_add_known(ContextJson *json, const char *key, const char *text) {
        if (text[0] != '\0')
                context_json_add_text(json, key, text);
}

static void context_json_add_number(ContextJson *json, const char *key, int64_t number) {
        context_json_add(json, key, json_object_new_int64(number));
}

/* Seconds, with all that a usec_t has and no more digits. */
static void context_json_add_seconds(ContextJson *json, const char *key, usec_t usec) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, usec / USEC_PER_SEC,
                usec % USEC_PER_SEC);
        context_json_add(
                json, key, json_object_new_double_s((double) usec / (double) USEC_PER_SEC, text));
}

static void context_json_add_process(
        ContextJson *json, const char *key, const ProcessSnapshot *process) {
        if (process->pid > 0)
                context_json_add(json, key,
                        process_snapshot_to_json(
                                process, json->mode, SHUTDOWN_CONTEXT_CMDLINE_MAX));
}

static void context_json_add_signal(ContextJson *json, const ShutdownContext *context) {
        char name[SIGNAL_NAME_MAX];

        context_json_add_text(json, "signal", signal_to_name(name, context->signo));
        if (context->signo > 0)
                context_json_add_number(json, "signal_num", context->signo);
        else if (!json->is_failed) /* null, as the seed has it */
                json->is_failed = json_object_object_add(json->object, "signal_num", NULL) != 0;
}

static json_object *context_sender_to_json(const ShutdownContext *context, CmdlineMode mode) {
        ContextJson json =
                context_json_new(context->sender ? process_snapshot_to_json(context->sender, mode,
                                                           SHUTDOWN_CONTEXT_CMDLINE_MAX)
                                                 : json_object_new_object(),
                        mode);
        char uid[16];

        context_json_add_text(&json, "code", signal_code_to_name(context->signo, context->code));
        context_json_add_text(&json, "sender_state", sender_state_to_string(context->sender_state));
        if (context->has_value)
                context_json_add_number(&json, "value", context->value);
        if (shutdown_context_has_sender(context)) {
                context_json_add_number(&json, "pid", context->sender_pid);
                /* The uid at the signal, which that of /proc need not be any more. */
                (void) snprintf(uid, sizeof(uid), "%u", context->sender_uid);
                context_json_add_text(&json, "uid", uid);
                context_json_add_known(&json, "user", context->sender_user);
        }
        context_json_add_known(&json, "ancestry", context->sender_ancestry);
        if (context->sender_parent)
                context_json_add_process(&json, "parent", context->sender_parent);
        return context_json_finish(&json);
}

/* Whoever writes a marker may put into it what he likes. */
static void context_json_add_marker(ContextJson *json, const char *key, const char *for_self_key,
        StopMarkerPresence presence, const char *text) {
        ByteBuffer shown = {};
        SecretScan scan = {};

        if (presence == STOP_MARKER_ABSENT)
                return;
        if (json->mode == CMDLINE_FULL)
                byte_buffer_append_text(&shown, text);
        else
                secret_scan_argument(&scan, text, strlen(text), &shown);
        if (shown.is_failed)
                json->is_failed = true;
        else
                context_json_add_text(json, key, shown.data ?: "");
        byte_buffer_done(&shown);
        context_json_add(json, for_self_key, json_object_new_boolean(presence == STOP_MARKER_SELF));
}

static void context_json_add_host(ContextJson *json, const ShutdownContext *context) {
        char load[32];

        context_json_add(json, "under_systemd", json_object_new_boolean(context->is_under_systemd));
        (void) snprintf(load, sizeof(load), "%.2f", context->loadavg_1m);
        if (context->has_loadavg)
                context_json_add(
                        json, "loadavg_1m", json_object_new_double_s(context->loadavg_1m, load));
        if (context->tracer_pid > 0)
                context_json_add_number(json, "tracer_pid", context->tracer_pid);
        context_json_add_process(json, "tracer", &context->tracer);
}

json_object *shutdown_context_to_json(
        const ShutdownContext *context, const ContextBase *base, CmdlineMode mode) {
        assert(context);
        assert(base);

        ContextJson json = context_json_new(json_object_new_object(), mode);

        context_json_add_seconds(&json, "ts", context->realtime_usec);
        context_json_add_seconds(&json, "ts_monotonic", context->monotonic_usec);
        context_json_add_signal(&json, context);
        if (context->has_code)
                context_json_add(&json, "sender", context_sender_to_json(context, mode));
        context_json_add_number(&json, "pid", context->pid);
        context_json_add_number(&json, "ppid", context->ppid);
        context_json_add_process(&json, "parent", &context->parent);
        context_json_add_process(&json, "self", context->self);
        context_json_add_process(&json, "gateway", &context->gateway);
        if (base->has_invocation_id)
                context_json_add_text(&json, "systemd_invocation_id", base->invocation_id);
        context_json_add_known(&json, "systemd_journal_stream", base->journal_stream);
        context_json_add_host(&json, context);
        context_json_add_marker(&json, "takeover_marker", "takeover_marker_for_self",
                context->takeover, context->takeover_text);
        context_json_add_marker(&json, "planned_stop_marker", "planned_stop_marker_for_self",
                context->planned_stop, context->planned_stop_text);
        return context_json_finish(&json);
}
