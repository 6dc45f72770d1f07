/* SPDX-License-Identifier: MIT */

/* A shutdown context as the fields of a record and as one line for people: the same facts, named as the
 * journal's fields are. */

#include "shutdown-context.h"

#include "byte-buffer.h"
#include "signals.h"

static void context_add_cmdline(
        Record *record, const char *name, const ProcessSnapshot *process, CmdlineMode mode) {
        _cleanup_free_ char *cmdline = process_snapshot_cmdline(process, mode, PROCESS_CMDLINE_MAX);

        record_add_string(record, name, cmdline);
}

static void context_add_text(Record *record, const char *name, const char *text) {
        if (text[0] != '\0')
                record_add_string(record, name, text);
}

static void context_add_comm(Record *record, const char *name, const ProcessSnapshot *process) {
        if (process->has_info)
                record_add_string(record, name, process->info.comm);
}

static void context_add_sender_process(
        Record *record, const ProcessSnapshot *sender, CmdlineMode mode) {
        char name[UNIT_NAME_MAX];

        context_add_comm(record, "SENDER_COMM", sender);
        if (mode != CMDLINE_COMM)
                context_add_text(record, "SENDER_EXE", sender->exe);
        context_add_cmdline(record, "SENDER_CMDLINE", sender, mode);
        context_add_text(record, "SENDER_UNIT", process_snapshot_unit(sender, name));
        context_add_text(record, "SENDER_SESSION", process_snapshot_session(sender, name));
        if (sender->loginuid != PROCESS_LOGINUID_NONE)
                record_add_unsigned(record, "SENDER_LOGINUID", sender->loginuid);
}

void shutdown_context_sender_to_record(
        const ShutdownContext *context, CmdlineMode mode, Record *record) {
        char name[SIGNAL_NAME_MAX];

        assert(context);

        record_add_string(record, "SIGNAL", signal_to_name(name, context->signo));
        if (context->signo > 0)
                record_add_signed(record, "SIGNAL_NUMBER", context->signo);
        if (!context->has_code)
                return;

        record_add_string(
                record, "SENDER_CODE", signal_code_to_name(context->signo, context->code));
        record_add_string(record, "SENDER_STATE", sender_state_to_string(context->sender_state));
        if (context->has_value)
                record_add_signed(record, "SENDER_VALUE", context->value);
        if (!shutdown_context_has_sender(context))
                return;

        /* 0: a process that has no pid in our namespace. */
        record_add_signed(record, "SENDER_PID", context->sender_pid);
        record_add_unsigned(record, "SENDER_UID", context->sender_uid);
        context_add_text(record, "SENDER_USER", context->sender_user);
        if (context->sender)
                context_add_sender_process(record, context->sender, mode);
        context_add_text(record, "SENDER_ANCESTRY", context->sender_ancestry);
        if (context->sender_parent) {
                record_add_signed(record, "SENDER_PARENT_PID", context->sender_parent->pid);
                context_add_comm(record, "SENDER_PARENT_COMM", context->sender_parent);
        }
}

static void context_add_host(Record *record, const ShutdownContext *context, CmdlineMode mode) {
        char load[32];

        record_add_bool(record, "UNDER_SYSTEMD", context->is_under_systemd);
        (void) snprintf(load, sizeof(load), "%.2f", context->loadavg_1m);
        if (context->has_loadavg)
                record_add_string(record, "LOADAVG", load);

        if (context->parent.pid > 0) {
                record_add_signed(record, "PARENT_PID", context->parent.pid);
                context_add_comm(record, "PARENT_COMM", &context->parent);
                context_add_cmdline(record, "PARENT_CMDLINE", &context->parent, mode);
                if (context->parent.has_uid)
                        record_add_unsigned(record, "PARENT_UID", context->parent.uid);
        }
        if (context->tracer_pid > 0) {
                record_add_signed(record, "TRACER_PID", context->tracer_pid);
                context_add_comm(record, "TRACER_COMM", &context->tracer);
                context_add_cmdline(record, "TRACER_CMDLINE", &context->tracer, mode);
        }
        if (context->takeover != STOP_MARKER_ABSENT)
                record_add_string(record, "TAKEOVER_MARKER",
                        stop_marker_presence_to_string(context->takeover));
        if (context->planned_stop != STOP_MARKER_ABSENT)
                record_add_string(record, "PLANNED_STOP_MARKER",
                        stop_marker_presence_to_string(context->planned_stop));
}

/* ---- The message ---- */

/* " key=value", the value in quotes, as an argument of a command line, where it would not read back as
 * one word. */
static void context_append_word(ByteBuffer *line, const char *key, const char *value) {
        _cleanup_free_ char *word =
                cmdline_join((const char *const[]){ value, NULL }, CMDLINE_FULL, SIZE_MAX);

        byte_buffer_append_text(line, " ");
        byte_buffer_append_text(line, key);
        byte_buffer_append_text(line, "=");
        byte_buffer_append_text(line, word ?: "?");
}

/* A line that has its control characters escaped already. */
static void context_append_quoted(ByteBuffer *line, const char *text) {
        byte_buffer_append_text(line, "\"");
        for (; *text != '\0'; text++) {
                if (*text == '"' || *text == '\\')
                        byte_buffer_append_text(line, "\\");
                byte_buffer_append(line, text, 1);
        }
        byte_buffer_append_text(line, "\"");
}

static void context_append_pid(ByteBuffer *line, const char *key, pid_t pid) {
        char text[16];

        (void) snprintf(text, sizeof(text), "%d", pid);
        context_append_word(line, key, pid > 0 ? text : "?");
}

static void context_append_sender(ByteBuffer *line, const ShutdownContext *context) {
        if (context->sender_pid > 0)
                context_append_pid(line, "sender_pid", context->sender_pid);
        if (context->sender && context->sender->has_info)
                context_append_word(line, "sender_comm", context->sender->info.comm);
        if (context->has_code && context->sender_state != SENDER_ALIVE)
                context_append_word(
                        line, "sender_state", sender_state_to_string(context->sender_state));
}

static void context_append_extras(ByteBuffer *line, const ShutdownContext *context) {
        if (context->takeover != STOP_MARKER_ABSENT)
                context_append_word(line, "takeover_marker_present",
                        stop_marker_presence_to_string(context->takeover));
        if (context->planned_stop != STOP_MARKER_ABSENT)
                context_append_word(line, "planned_stop_marker_present",
                        stop_marker_presence_to_string(context->planned_stop));
        if (context->tracer_pid > 0)
                context_append_pid(line, "tracer_pid", context->tracer_pid);
        if (context->gateway.tracer_pid > 0)
                context_append_pid(line, "gateway_tracer_pid", context->gateway.tracer_pid);
}

static void context_set_message(const ShutdownContext *context, CmdlineMode mode, Record *record) {
        const ProcessSnapshot *parent = &context->parent;
        ByteBuffer line = {};
        char name[SIGNAL_NAME_MAX], load[32] = "?";

        byte_buffer_append_text(&line, "Shutdown context:");
        context_append_word(&line, "signal", signal_to_name(name, context->signo));
        context_append_word(&line, "under_systemd", context->is_under_systemd ? "yes" : "no");
        context_append_sender(&line, context);
        context_append_pid(&line, "parent_pid", parent->pid);
        context_append_word(&line, "parent_name", parent->has_info ? parent->info.comm : "?");
        if (context->has_loadavg)
                (void) snprintf(load, sizeof(load), "%.2f", context->loadavg_1m);
        context_append_word(&line, "loadavg_1m", load);
        context_append_extras(&line, context);

        _cleanup_free_ char *cmdline =
                process_snapshot_cmdline(parent, mode, SHUTDOWN_CONTEXT_CMDLINE_MAX);
        byte_buffer_append_text(&line, " parent_cmdline=");
        context_append_quoted(&line, cmdline ?: "(unknown)");

        _cleanup_free_ char *text = byte_buffer_steal(&line);
        if (text)
                record_set_message(record, "%s", text);
}

void shutdown_context_to_record(
        const ShutdownContext *context, const ContextBase *base, CmdlineMode mode, Record *record) {
        assert(context);
        assert(base);

        shutdown_context_sender_to_record(context, mode, record);
        context_add_host(record, context, mode);
        json_object *json = shutdown_context_to_json(context, base, mode);
        if (json)
                record_add_string(record, "CONTEXT",
                        json_object_to_json_string_ext(
                                json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(json);
        context_set_message(context, mode, record);
}
