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

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "byte-buffer.h"
#include "secret-scan.h"
#include "signals.h"

#define CONTEXT_CMDLINE_MAX \
        300 /* in JSON and message, as the seed has it; the fields have it whole */
#define CONTEXT_PROC_SIZE 4096
#define CONTEXT_PASSWD    "/etc/passwd"

/* ---- The base ---- */

static int context_open(int proc_fd, const char *path) {
        int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        return fd < 0 ? -EBADF : fd;
}

static void context_base_read_environment(ContextBase *base) {
        const char *stream = getenv("JOURNAL_STREAM");
        sd_id128_t id;

        base->invocation_id[0] = '\0';
        base->journal_stream[0] = '\0';
        base->has_invocation_id = sd_id128_from_string(getenv("INVOCATION_ID") ?: "", &id) >= 0;
        if (base->has_invocation_id)
                (void) sd_id128_to_string(id, base->invocation_id);

        /* Source: systemd.exec(5): device and inode number, decimal, a colon between. */
        if (stream && strlen(stream) < sizeof(base->journal_stream) &&
                stream[strspn(stream, "0123456789:")] == '\0')
                (void) strcpy(base->journal_stream, stream);
}

static void context_base_read_parent(ContextBase *base, pid_t pid) {
        char path[32];

        base->parent_fd = fd_close(base->parent_fd);
        (void) snprintf(path, sizeof(path), "%d/stat", pid);
        if (process_snapshot_read(&base->parent, base->proc_fd, pid) >= 0)
                base->parent_fd = context_open(base->proc_fd, path);
}

void context_base_init(ContextBase *base, int proc_fd) {
        char path[32];

        assert(base);

        base->proc_fd = proc_fd;
        base->parent_fd = -EBADF;
        base->pid = getpid();
        (void) snprintf(path, sizeof(path), "%d/status", base->pid);
        base->status_fd = context_open(proc_fd, path);
        base->loadavg_fd = context_open(proc_fd, "loadavg");
        context_base_read_environment(base);

        (void) process_snapshot_read(&base->self, proc_fd, base->pid);
        context_base_read_parent(base, base->self.has_info ? base->self.info.ppid : getppid());
}

void context_base_done(ContextBase *base) {
        assert(base);

        base->status_fd = fd_close(base->status_fd);
        base->parent_fd = fd_close(base->parent_fd);
        base->loadavg_fd = fd_close(base->loadavg_fd);
}

/* ---- Reading ---- */

/* A pid in /proc/PID/status. Names in it have their newlines escaped by the kernel. */
static pid_t context_status_pid(const char *status, const char *key, pid_t otherwise) {
        const char *line = strstr(status, key);
        pid_t pid;

        return line && sscanf(line + strlen(key), " %9d", &pid) == 1 && pid >= 0 ? pid : otherwise;
}

/* Again from the beginning, in one read. */
static bool context_reread(int fd, char *text, size_t size) {
        ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

        text[n > 0 ? n : 0] = '\0';
        return n > 0;
}

/* Our own state, parent and tracer. */
static void context_read_self(ShutdownContext *context, ContextBase *base) {
        char text[CONTEXT_PROC_SIZE];

        context->pid = base->pid;
        context->ppid = base->parent.pid;
        context->self = &base->self;
        context->self_state = base->self.has_info ? base->self.info.state : '\0';

        if (!context_reread(base->status_fd, text, sizeof(text)))
                return;
        const char *state = strstr(text, "\nState:\t");
        if (state)
                context->self_state = state[strlen("\nState:\t")];
        context->ppid = context_status_pid(text, "\nPPid:", context->ppid);
        context->tracer_pid = context_status_pid(text, "\nTracerPid:", 0);

        base->self.info.state = context->self_state;
        base->self.info.ppid = context->ppid;
        base->self.tracer_pid = context->tracer_pid;
}

/* The name is compared too: one that executed another program has another command line. */
static void context_read_parent(ShutdownContext *context, ContextBase *base) {
        ProcessSnapshot *known = &base->parent;
        char text[CONTEXT_PROC_SIZE];
        ProcessInfo info;

        if (known->pid == context->ppid && context_reread(base->parent_fd, text, sizeof(text)) &&
                proc_parse_stat(text, &info) >= 0 && info.pid == context->ppid &&
                info.start_ticks == known->info.start_ticks &&
                strcmp(info.comm, known->info.comm) == 0)
                known->info = info;
        else
                context_base_read_parent(base, context->ppid);
        context->parent = *known;
}

static void context_read_loadavg(ShutdownContext *context, const ContextBase *base) {
        char text[64];
        unsigned whole, hundredths;

        /* Source: proc_loadavg(5): "%lu.%02lu …", whatever the locale is. */
        context->has_loadavg = context_reread(base->loadavg_fd, text, sizeof(text)) &&
                sscanf(text, "%7u.%2u ", &whole, &hundredths) == 2;
        if (context->has_loadavg)
                context->loadavg_1m = whole + hundredths / 100.0;
}

static void context_read_gateway(ShutdownContext *context, int proc_fd, pid_t pid) {
        process_snapshot_init(&context->gateway, pid);
        context->gateway.has_info =
                pid > 0 && proc_read_info(proc_fd, pid, &context->gateway.info) >= 0;
        (void) process_snapshot_read_status(&context->gateway, proc_fd);
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
        context->value = info->ssi_int;
        context->sender_state = caught->state;
        if (context_code_has_sender(info->ssi_code)) {
                context->sender_pid = (pid_t) info->ssi_pid;
                context->sender_uid = info->ssi_uid;
        }
}

static void context_take_sender(
        ShutdownContext *context, const ContextBase *base, const CaughtSignal *caught) {
        if (!context_code_has_sender(context->code))
                return;
        if (user_name_from_uid(CONTEXT_PASSWD, context->sender_uid, context->sender_user) < 0)
                context->sender_user[0] = '\0';

        if (caught->sender.pid > 0)
                context->sender = &caught->sender;
        /* The manager's signals are not looked into: most often it is our parent. */
        if (context->sender_state == SENDER_MANAGER && !caught->sender.has_info &&
                base->parent.pid > 0 && context->sender_pid == base->parent.pid)
                context->sender = &base->parent;
        if (caught->parent.pid > 0)
                context->sender_parent = &caught->parent;
        /* A manager's own ancestry says nothing of the signal. */
        if (context->sender && context->sender_state != SENDER_MANAGER)
                (void) process_snapshot_ancestry(
                        context->sender, base->proc_fd, context->sender_ancestry);
}

/* ---- The snapshot ---- */

void shutdown_context_take(
        ShutdownContext *context, ContextBase *base, const ContextRequest *request) {
        assert(context);
        assert(base);
        assert(request);

        *context = (ShutdownContext){
                .realtime_usec = usec_now(CLOCK_REALTIME),
                .monotonic_usec = usec_now(CLOCK_MONOTONIC),
                .sender_uid = (uid_t) -1,
                .is_under_systemd = request->is_under_systemd,
        };
        if (request->caught)
                context_take_signal(context, request->caught);

        context_read_self(context, base);
        context_read_parent(context, base);
        if (request->caught)
                context_take_sender(context, base, request->caught);
        if (context->tracer_pid > 0)
                (void) process_snapshot_read(&context->tracer, base->proc_fd, context->tracer_pid);
        context_read_gateway(context, base->proc_fd, request->gateway_pid);
        context_read_loadavg(context, base);
        context->takeover = context_read_marker(
                context, request->marker_fd, MARKER_TAKEOVER, context->takeover_text);
        context->planned_stop = context_read_marker(
                context, request->marker_fd, MARKER_PLANNED_STOP, context->planned_stop_text);
}

/* ---- JSON ---- */

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
                        process_snapshot_to_json(process, json->mode, CONTEXT_CMDLINE_MAX));
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
        ContextJson json = context_json_new(context->sender
                        ? process_snapshot_to_json(context->sender, mode, CONTEXT_CMDLINE_MAX)
                        : json_object_new_object(),
                mode);
        char uid[16];

        context_json_add_text(&json, "code", signal_code_to_name(context->signo, context->code));
        context_json_add_text(&json, "sender_state", sender_state_to_string(context->sender_state));
        if (context->has_value)
                context_json_add_number(&json, "value", context->value);
        if (context_code_has_sender(context->code)) {
                if (context->sender_pid > 0)
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

/* ---- The record ---- */

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

        _cleanup_free_ char *cmdline = process_snapshot_cmdline(parent, mode, CONTEXT_CMDLINE_MAX);
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
