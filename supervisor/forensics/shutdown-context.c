/* SPDX-License-Identifier: MIT */

/* Who and what was there when a stop signal came.
 *
 * The snapshot is taken where microseconds count: it reads /proc and the markers into a struct,
 * allocates nothing but what a marker's JSON needs, and never waits. Our own status gives our
 * state, our parent and our tracer in one read; the parent is known since the beginning and only
 * looked at again, unless it is another one by now; a sender was described by its catcher already.
 * JSON, fields and a message are made of the struct elsewhere, when there is time.
 *
 * What the sender is (alive, gone, the manager, …) is the catcher's word, and whether we are under
 * systemd the caller's: neither is concluded here from a parent pid or an inherited variable. The
 * variables are recorded as they were inherited, when they have the form that systemd gives them.
 */

#include "shutdown-context.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

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
        const char *name, char text[static STOP_MARKER_TEXT_MAX], int *ret_error) {
        const StopMarkerTarget targets[] = {
                { context->pid, context->self->has_info ? context->self->info.start_ticks : 0 },
                { context->gateway.pid,
                        context->gateway.has_info ? context->gateway.info.start_ticks : 0 },
        };
        const size_t n_targets = context->gateway.pid > 0 ? 2 : 1;

        text[0] = '\0';
        *ret_error = 0;
        if (marker_fd < 0)
                return STOP_MARKER_ABSENT;
        int r = stop_marker_read(marker_fd, name, context->realtime_usec, targets, n_targets, text);
        if (r >= 0)
                return (StopMarkerPresence) r;
        *ret_error = -r;
        return STOP_MARKER_ABSENT;
}

/* ---- The sender ---- */

bool shutdown_context_has_sender(const ShutdownContext *context) {
        return context->has_code && context->code <= 0 && context->code != SI_TIMER &&
                context->code != SI_SIGIO;
}

static void context_take_signal(ShutdownContext *context, const CaughtSignal *caught) {
        const struct signalfd_siginfo *info = &caught->info;

        context->signo = (int) info->ssi_signo;
        context->code = info->ssi_code;
        context->has_code = true;
        context->has_value = info->ssi_code == SI_QUEUE;
        context->value = info->ssi_int;
        context->sender_state = caught->state;
        if (shutdown_context_has_sender(context)) {
                context->sender_pid = (pid_t) info->ssi_pid;
                context->sender_uid = info->ssi_uid;
        }
}

static void context_take_sender(
        ShutdownContext *context, const ContextBase *base, const CaughtSignal *caught) {
        if (!shutdown_context_has_sender(context))
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
        context->takeover = context_read_marker(context, request->marker_fd, MARKER_TAKEOVER,
                context->takeover_text, &context->takeover_error);
        context->planned_stop = context_read_marker(context, request->marker_fd,
                MARKER_PLANNED_STOP, context->planned_stop_text, &context->planned_stop_error);
}
