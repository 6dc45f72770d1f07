/* SPDX-License-Identifier: MIT */

/* Who and what was there when a stop signal came.
 *
 * Two steps. The snapshot is taken where microseconds count: it reads /proc and the markers into a
 * struct, allocates nothing but what a marker's JSON needs, and never waits. Our own status gives our
 * state, our parent and our tracer in one read; the parent is known since the beginning and only
 * looked at again, unless it is another one by now; a sender was described by its catcher already.
 * The second step makes JSON, fields and a message of the struct, when there is time.
 *
 * What the sender is (alive, gone, the manager, …) is the catcher's word, and whether we are under
 * systemd the caller's: neither is concluded here from a parent pid or an inherited variable. The
 * variables are recorded as they were inherited, when they have the form that systemd gives them.
 *
 * Command lines, and the markers' texts, leave only through the rules for secrets. */

#include "shutdown-context.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "byte-buffer.h"
#include "file.h"
#include "secret-scan.h"
#include "signals.h"
#include "user-name.h"

#define CONTEXT_JSON_CMDLINE_MAX    300 /* as the seed has it; the fields have it whole */
#define CONTEXT_FIELD_CMDLINE_MAX   PROCESS_CMDLINE_MAX
#define CONTEXT_MESSAGE_CMDLINE_MAX 300
#define CONTEXT_STATUS_SIZE         4096
#define CONTEXT_PASSWD              "/etc/passwd"

/* ---- The base ---- */

static void context_base_read_environment(ContextBase *base) {
        const char *stream = getenv("JOURNAL_STREAM");
        sd_id128_t id;

        base->has_invocation_id = sd_id128_from_string(getenv("INVOCATION_ID") ?: "", &id) >= 0;
        if (base->has_invocation_id)
                (void) sd_id128_to_string(id, base->invocation_id);

        /* Source: systemd.exec(5): device and inode number, decimal, a colon between. */
        if (stream && strlen(stream) < sizeof(base->journal_stream) &&
                stream[strspn(stream, "0123456789:")] == '\0')
                (void) strcpy(base->journal_stream, stream);
}

void context_base_init(ContextBase *base, int proc_fd) {
        assert(base);

        base->proc_fd = proc_fd;
        base->pid = getpid();
        base->has_invocation_id = false;
        base->invocation_id[0] = '\0';
        base->journal_stream[0] = '\0';
        context_base_read_environment(base);

        (void) process_snapshot_read(&base->self, proc_fd, base->pid);
        (void) process_snapshot_read(
                &base->parent, proc_fd, base->self.has_info ? base->self.info.ppid : getppid());
}

/* ---- Reading ---- */

/* The value of a line of /proc/PID/status. Names in it have their newlines escaped by the kernel. */
static const char *context_status_value(const char *status, const char *key) {
        const char *line = strstr(status, key);

        return line ? line + strlen(key) + strspn(line + strlen(key), " \t") : NULL;
}

/* Returns: false: it is none. */
static bool context_parse_pid(const char *text, pid_t *ret_pid) {
        uint64_t value = 0;

        if (!text || !isdigit((unsigned char) *text))
                return false;
        for (; isdigit((unsigned char) *text); text++) {
                value = 10 * value + (uint64_t) (*text - '0');
                if (value > INT32_MAX)
                        return false;
        }
        *ret_pid = (pid_t) value;
        return true;
}

/* Our own state, parent and tracer. */
static void context_read_self(ShutdownContext *context, ContextBase *base) {
        char path[32], text[CONTEXT_STATUS_SIZE];

        context->pid = base->pid;
        context->ppid = base->parent.pid;
        context->self = &base->self;
        context->self_state = base->self.has_info ? base->self.info.state : '\0';

        (void) snprintf(path, sizeof(path), "%d/status", base->pid);
        if (file_read_virtual(base->proc_fd, path, text, sizeof(text)) < 0)
                return;
        const char *state = context_status_value(text, "\nState:");
        if (state && isalpha((unsigned char) *state))
                context->self_state = *state;
        (void) context_parse_pid(context_status_value(text, "\nPPid:"), &context->ppid);
        (void) context_parse_pid(context_status_value(text, "\nTracerPid:"), &context->tracer_pid);

        base->self.info.state = context->self_state;
        base->self.info.ppid = context->ppid;
}

/* The name is compared too: one that executed another program has another command line. */
static void context_read_parent(ShutdownContext *context, ContextBase *base) {
        ProcessSnapshot *known = &base->parent;
        ProcessInfo info;

        if (context->ppid > 0 && proc_read_info(base->proc_fd, context->ppid, &info) >= 0 &&
                known->pid == context->ppid && known->has_info &&
                known->info.start_ticks == info.start_ticks &&
                strcmp(known->info.comm, info.comm) == 0)
                known->info = info;
        else
                (void) process_snapshot_read(known, base->proc_fd, context->ppid);
        context->parent = *known;
}

static void context_read_loadavg(ShutdownContext *context, int proc_fd) {
        char text[64];
        unsigned whole, hundredths;

        if (file_read_virtual(proc_fd, "loadavg", text, sizeof(text)) < 0)
                return;
        /* Source: proc_loadavg(5): "%lu.%02lu …", whatever the locale is. */
        context->has_loadavg = sscanf(text, "%7u.%2u ", &whole, &hundredths) == 2;
        if (context->has_loadavg)
                context->loadavg_1m = whole + hundredths / 100.0;
}

static void context_read_gateway(ShutdownContext *context, int proc_fd, pid_t pid) {
        process_snapshot_init(&context->gateway, pid);
        context->gateway.has_info =
                pid > 0 && proc_read_info(proc_fd, pid, &context->gateway.info) >= 0;
}

static StopMarkerPresence context_read_marker(const ShutdownContext *context, int marker_fd,
        const char *name, char text[static STOP_MARKER_TEXT_MAX]) {
        const StopMarkerTarget targets[] = {
                { context->pid, context->self->has_info ? context->self->info.start_ticks : 0 },
                { context->gateway.pid,
                        context->gateway.has_info ? context->gateway.info.start_ticks : 0 },
        };
        const size_t n_targets = context->gateway.pid > 0 ? 2 : 1;

        text[0] = '\0';
        if (marker_fd < 0)
                return STOP_MARKER_ABSENT;
        int r = stop_marker_read(marker_fd, name, context->realtime_usec, targets, n_targets, text);
        return r < 0 ? STOP_MARKER_ABSENT : (StopMarkerPresence) r;
}

/* ---- The sender ---- */

/* Whether siginfo names a sending process by pid and uid at all.
 * Source: sigaction(2), "The siginfo_t argument to a SA_SIGINFO handler". */
static bool context_code_has_sender(int code) {
        return code <= 0 && code != SI_TIMER && code != SI_SIGIO;
}

static void context_take_signal(ShutdownContext *context, const CaughtSignal *caught) {
        const struct signalfd_siginfo *info = &caught->info;

        context->signo = (int) info->ssi_signo;
        context->code = info->ssi_code;
        context->has_code = true;
        context->has_value = info->ssi_code == SI_QUEUE;
        context->value = context->has_value ? info->ssi_int : 0;
        context->sender_state = caught->state;
        if (context_code_has_sender(info->ssi_code)) {
                context->sender_pid = (pid_t) info->ssi_pid;
                context->sender_uid = info->ssi_uid;
        }
}

static void context_take_sender(
        ShutdownContext *context, const ContextBase *base, const CaughtSignal *caught) {
        char user[USER_NAME_MAX];

        if (!context_code_has_sender(context->code))
                return;
        if (user_name_from_uid(CONTEXT_PASSWD, context->sender_uid, user) >= 0 &&
                strlen(user) < sizeof(context->sender_user))
                (void) strcpy(context->sender_user, user);

        if (caught->sender.pid > 0)
                context->sender = &caught->sender;
        /* The manager's signals are not looked into: most often it is our parent. */
        if (context->sender_state == SENDER_MANAGER && !caught->sender.has_info &&
                context->sender_pid > 0 && context->sender_pid == base->parent.pid)
                context->sender = &base->parent;
        if (caught->parent.pid > 0)
                context->sender_parent = &caught->parent;
        if (context->sender)
                (void) process_snapshot_ancestry(
                        context->sender, base->proc_fd, context->sender_ancestry);
}

/* ---- The snapshot ---- */

/* The large members are set by whoever fills them. */
static void context_init(ShutdownContext *context, const ContextRequest *request) {
        context->realtime_usec = usec_now(CLOCK_REALTIME);
        context->monotonic_usec = usec_now(CLOCK_MONOTONIC);
        context->signo = 0;
        context->code = 0;
        context->has_code = false;
        context->has_value = false;
        context->value = 0;
        context->sender_pid = 0;
        context->sender_uid = (uid_t) -1;
        context->sender_state = SENDER_UNKNOWN;
        context->sender = NULL;
        context->sender_parent = NULL;
        context->sender_ancestry[0] = '\0';
        context->sender_user[0] = '\0';
        context->is_under_systemd = request->is_under_systemd;
        context->has_loadavg = false;
        context->loadavg_1m = 0;
        context->tracer_pid = 0;
}

void shutdown_context_take(
        ShutdownContext *context, ContextBase *base, const ContextRequest *request) {
        assert(context);
        assert(base);
        assert(request);

        context_init(context, request);
        if (request->caught)
                context_take_signal(context, request->caught);

        context_read_self(context, base);
        context_read_parent(context, base);
        /* The perishable first: its ancestors may be on their way out too. */
        if (request->caught)
                context_take_sender(context, base, request->caught);
        process_snapshot_init(&context->tracer, 0);
        if (context->tracer_pid > 0)
                (void) process_snapshot_read(&context->tracer, base->proc_fd, context->tracer_pid);
        context_read_gateway(context, base->proc_fd, request->gateway_pid);
        context_read_loadavg(context, base->proc_fd);
        context->takeover = context_read_marker(
                context, request->marker_fd, MARKER_TAKEOVER, context->takeover_text);
        context->planned_stop = context_read_marker(
                context, request->marker_fd, MARKER_PLANNED_STOP, context->planned_stop_text);
}

/* ---- JSON ---- */

/* Takes value; NULL: out of memory. */
static bool context_json_add(json_object *object, const char *key, json_object *value) {
        if (value && json_object_object_add(object, key, value) == 0)
                return true;
        json_object_put(value);
        return false;
}

static bool context_json_add_text(json_object *object, const char *key, const char *text) {
        return context_json_add(object, key, json_object_new_string(text));
}

static bool context_json_add_bool(json_object *object, const char *key, bool value) {
        return context_json_add(object, key, json_object_new_boolean(value));
}

/* Seconds, with all that a usec_t has and no more digits. */
static bool context_json_add_seconds(json_object *object, const char *key, usec_t usec) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, usec / USEC_PER_SEC,
                usec % USEC_PER_SEC);
        return context_json_add(
                object, key, json_object_new_double_s((double) usec / (double) USEC_PER_SEC, text));
}

static bool context_json_add_process(
        json_object *object, const char *key, const ProcessSnapshot *process, CmdlineMode mode) {
        return process->pid <= 0 ||
                context_json_add(object, key,
                        process_snapshot_to_json(process, mode, CONTEXT_JSON_CMDLINE_MAX));
}

static bool context_json_add_signal(json_object *object, const ShutdownContext *context) {
        char name[SIGNAL_NAME_MAX];

        if (!context_json_add_text(object, "signal", signal_to_name(name, context->signo)))
                return false;
        if (context->signo == 0) /* null, as the seed has it */
                return json_object_object_add(object, "signal_num", NULL) == 0;
        return context_json_add(object, "signal_num", json_object_new_int(context->signo));
}

/* What siginfo says of the sender. Its uid stands in for the one of /proc. */
static bool context_json_add_siginfo(json_object *object, const ShutdownContext *context) {
        char uid[16];

        (void) snprintf(uid, sizeof(uid), "%u", context->sender_uid);
        if (!context_json_add_text(
                    object, "code", signal_code_to_name(context->signo, context->code)) ||
                !context_json_add_text(
                        object, "sender_state", sender_state_to_string(context->sender_state)) ||
                (context->has_value &&
                        !context_json_add(object, "value", json_object_new_int64(context->value))))
                return false;
        if (!context_code_has_sender(context->code))
                return true;
        return (context->sender_pid <= 0 ||
                       context_json_add(object, "pid", json_object_new_int(context->sender_pid))) &&
                context_json_add_text(object, "uid", uid) &&
                (context->sender_user[0] == '\0' ||
                        context_json_add_text(object, "user", context->sender_user));
}

static json_object *context_sender_to_json(const ShutdownContext *context, CmdlineMode mode) {
        json_object *object = context->sender
                ? process_snapshot_to_json(context->sender, mode, CONTEXT_JSON_CMDLINE_MAX)
                : json_object_new_object();
        if (!object)
                return NULL;

        if (context_json_add_siginfo(object, context) &&
                (context->sender_ancestry[0] == '\0' ||
                        context_json_add_text(object, "ancestry", context->sender_ancestry)) &&
                (!context->sender_parent ||
                        context_json_add_process(object, "parent", context->sender_parent, mode)))
                return object;
        json_object_put(object);
        return NULL;
}

static bool context_json_add_environment(json_object *object, const ContextBase *base) {
        return (!base->has_invocation_id ||
                       context_json_add_text(
                               object, "systemd_invocation_id", base->invocation_id)) &&
                (base->journal_stream[0] == '\0' ||
                        context_json_add_text(
                                object, "systemd_journal_stream", base->journal_stream));
}

static bool context_json_add_load(json_object *object, const ShutdownContext *context) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%.2f", context->loadavg_1m);
        return !context->has_loadavg ||
                context_json_add(
                        object, "loadavg_1m", json_object_new_double_s(context->loadavg_1m, text));
}

static bool context_json_add_tracer(
        json_object *object, const ShutdownContext *context, CmdlineMode mode) {
        return context->tracer_pid <= 0 ||
                (context_json_add(object, "tracer_pid", json_object_new_int(context->tracer_pid)) &&
                        context_json_add_process(object, "tracer", &context->tracer, mode));
}

/* Whoever writes a marker may put into it what he likes. */
static bool context_json_add_marker_text(
        json_object *object, const char *key, const char *text, CmdlineMode mode) {
        ByteBuffer line = {};
        SecretScan scan = {};

        if (mode == CMDLINE_FULL)
                byte_buffer_append_text(&line, text);
        else
                secret_scan_argument(&scan, text, strlen(text), &line);
        _cleanup_free_ char *shown = byte_buffer_steal(&line);
        return shown && context_json_add_text(object, key, shown);
}

static bool context_json_add_markers(
        json_object *object, const ShutdownContext *context, CmdlineMode mode) {
        if (context->takeover != STOP_MARKER_ABSENT &&
                (!context_json_add_marker_text(
                         object, "takeover_marker", context->takeover_text, mode) ||
                        !context_json_add_bool(object, "takeover_marker_for_self",
                                context->takeover == STOP_MARKER_SELF)))
                return false;
        return context->planned_stop == STOP_MARKER_ABSENT ||
                (context_json_add_marker_text(
                         object, "planned_stop_marker", context->planned_stop_text, mode) &&
                        context_json_add_bool(object, "planned_stop_marker_for_self",
                                context->planned_stop == STOP_MARKER_SELF));
}

static bool context_json_add_all(json_object *object, const ShutdownContext *context,
        const ContextBase *base, CmdlineMode mode) {
        return context_json_add_seconds(object, "ts", context->realtime_usec) &&
                context_json_add_seconds(object, "ts_monotonic", context->monotonic_usec) &&
                context_json_add_signal(object, context) &&
                (!context->has_code ||
                        context_json_add(
                                object, "sender", context_sender_to_json(context, mode))) &&
                context_json_add(object, "pid", json_object_new_int(context->pid)) &&
                context_json_add(object, "ppid", json_object_new_int(context->ppid)) &&
                context_json_add_process(object, "parent", &context->parent, mode) &&
                context_json_add_process(object, "self", context->self, mode) &&
                context_json_add_process(object, "gateway", &context->gateway, mode) &&
                context_json_add_environment(object, base) &&
                context_json_add_bool(object, "under_systemd", context->is_under_systemd) &&
                context_json_add_load(object, context) &&
                context_json_add_tracer(object, context, mode) &&
                context_json_add_markers(object, context, mode);
}

json_object *shutdown_context_to_json(
        const ShutdownContext *context, const ContextBase *base, CmdlineMode mode) {
        assert(context);
        assert(base);

        json_object *object = json_object_new_object();
        if (!object)
                return NULL;
        if (context_json_add_all(object, context, base, mode))
                return object;
        json_object_put(object);
        return NULL;
}

/* ---- The record ---- */

static void context_add_cmdline(
        Record *record, const char *name, const ProcessSnapshot *process, CmdlineMode mode) {
        _cleanup_free_ char *cmdline =
                process_snapshot_cmdline(process, mode, CONTEXT_FIELD_CMDLINE_MAX);

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
        if (!context_code_has_sender(context->code))
                return;

        if (context->sender_pid > 0)
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
        context_append_word(line, key, text);
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

static void context_append_parent(ByteBuffer *line, const ProcessSnapshot *parent) {
        if (parent->pid > 0)
                context_append_pid(line, "parent_pid", parent->pid);
        else
                context_append_word(line, "parent_pid", "?");
        context_append_word(line, "parent_name", parent->has_info ? parent->info.comm : "?");
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
}

static void context_set_message(const ShutdownContext *context, CmdlineMode mode, Record *record) {
        ByteBuffer line = {};
        char name[SIGNAL_NAME_MAX], load[32] = "?";

        byte_buffer_append_text(&line, "Shutdown context:");
        context_append_word(&line, "signal", signal_to_name(name, context->signo));
        context_append_word(&line, "under_systemd", context->is_under_systemd ? "yes" : "no");
        context_append_sender(&line, context);
        context_append_parent(&line, &context->parent);
        if (context->has_loadavg)
                (void) snprintf(load, sizeof(load), "%.2f", context->loadavg_1m);
        context_append_word(&line, "loadavg_1m", load);
        context_append_extras(&line, context);

        _cleanup_free_ char *cmdline =
                process_snapshot_cmdline(&context->parent, mode, CONTEXT_MESSAGE_CMDLINE_MAX);
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
