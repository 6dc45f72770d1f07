/* SPDX-License-Identifier: MIT */

/* Why the gateway is being stopped. An inquiry is opened with the stop and runs beside the ladder:
 *
 *   the sender is looked at (a thread, done within milliseconds) -> context, `signal` record
 *   the managers are asked (D-Bus)            \
 *   the requester is searched (a helper)       } -> verdict, `cause` record
 *   or the bound has passed: 2 s              /
 *
 * Managers and requester are asked only when the signal came from the manager, or may have: a process's
 * own signal says all there is. Nothing here delays the ladder. When that has ended first, the
 * supervisor stays for the answers, for INQUIRY_LEAVE_USEC at most: the ladder's reserve has room for it.
 *
 * The verdict itself is made in stop/cause. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "forensics/diagnostic.h"
#include "run/supervisor-internal.h"
#include "signals.h"

#define VERDICT_CMDLINE_MAX 120U
#define SEARCH_TIMEOUT_USEC (1500 * USEC_PER_MSEC)

void supervisor_prepare_inquiry(Supervisor *supervisor) {
        const char *mount_point = cgroup_mount_point();
        sd_id128_t invocation_id;

        context_base_init(&supervisor->context_base, supervisor->proc_fd);
        if (!mount_point || !supervisor->unit.unit_cgroup_path[0])
                return;
        supervisor->unit_cgroup_fd = cgroup_open(mount_point, supervisor->unit.unit_cgroup_path);
        if (supervisor->unit_cgroup_fd < 0)
                return;
        oom_counters_read(supervisor->unit_cgroup_fd, &supervisor->oom_before);
        supervisor->is_under_systemd = supervisor->is_unit_main &&
                cgroup_get_invocation_id(supervisor->unit_cgroup_fd, &invocation_id) >= 0 &&
                sd_id128_equal(invocation_id, supervisor->run_id);
}

Inquiry *inquiry_free(Inquiry *inquiry) {
        if (!inquiry)
                return NULL;
        sd_event_source_disable_unref(inquiry->bound_source);
        evidence_free(inquiry->question);
        helper_process_free(inquiry->search.process);
        free(inquiry);
        return NULL;
}

/* ---- Verdict --------------------------------------------------------------------------------- */

static CauseSender stop_request_sender(const StopRequest *stop) {
        if (stop->signo <= 0)
                return CAUSE_SENDER_NONE;
        if (stop->code == SI_KERNEL)
                return CAUSE_SENDER_KERNEL;
        if (stop->sender_pid == 0)
                return CAUSE_SENDER_OTHER_NAMESPACE;
        return stop->is_from_manager ? CAUSE_SENDER_MANAGER : CAUSE_SENDER_PROCESS;
}

/* A gateway that ended by itself may have been told to by whoever left a marker. */
static void supervisor_look_for_markers(const Supervisor *supervisor, CauseFacts *facts) {
        const StopMarkerTarget target = { .pid = supervisor->gateway.pid };
        usec_t now_usec = usec_now(CLOCK_REALTIME);
        char text[STOP_MARKER_TEXT_MAX];

        if (supervisor->marker_fd < 0)
                return;
        facts->is_takeover = stop_marker_read(supervisor->marker_fd, MARKER_TAKEOVER, now_usec,
                                     &target, /* n_targets= */ 1, text) == STOP_MARKER_SELF;
        facts->is_planned_stop =
                stop_marker_read(supervisor->marker_fd, MARKER_PLANNED_STOP, now_usec, &target,
                        /* n_targets= */ 1, text) == STOP_MARKER_SELF;
}

/* The bus does not tell that a target is being isolated; who asked for it does, by its last word. */
static void inquiry_find_isolated(Inquiry *inquiry) {
        const Requester *requester = &inquiry->requesters.items[0];
        const char *word = strrchr(requester->cmdline, ' ');
        size_t size = sizeof(inquiry->evidence.isolated);

        if (inquiry->requesters.n > 0 && strcmp(requester->verb, "isolate") == 0 && word)
                (void) snprintf(inquiry->evidence.isolated, size, "%.*s", (int) size - 1, word + 1);
}

static CauseTrigger supervisor_trigger(const Supervisor *supervisor) {
        const StopRequest *stop = &supervisor->stop;

        if (stop->is_by_watchdog || (supervisor->is_heartbeat_missed && !stop->is_asked))
                return CAUSE_TRIGGER_WATCHDOG;
        if (stop->is_by_step)
                return CAUSE_TRIGGER_STEP;
        if (stop->is_by_gateway)
                return CAUSE_TRIGGER_GATEWAY;
        return stop->is_asked ? CAUSE_TRIGGER_SIGNAL : CAUSE_TRIGGER_END;
}

static void supervisor_decide_cause(Supervisor *supervisor) {
        Inquiry *inquiry = supervisor->inquiry;
        const StopRequest *stop = &supervisor->stop;
        OomCounters now, since;
        CauseFacts facts = {
                .trigger = supervisor_trigger(supervisor),
                .sender = stop_request_sender(stop),
                .signo = stop->signo,
                .stopping_at_usec = supervisor->stopping_at_usec,
                .has_ended = supervisor->has_status,
                .is_signalled = supervisor->status.end != GATEWAY_EXITED,
                .status = supervisor->status.status,
        };

        oom_counters_read(supervisor->unit_cgroup_fd, &now);
        since = oom_counters_since(&supervisor->oom_before, &now);
        facts.n_oom_kills = since.n_oom_kills;
        facts.n_oomd_kills = since.n_oomd_kills;
        if (facts.trigger == CAUSE_TRIGGER_END && facts.has_ended && facts.is_signalled &&
                facts.status == SIGKILL)
                facts.is_main_oom_killed = oom_log_names("/dev/kmsg", supervisor->gateway.pid) > 0;
        if (inquiry) {
                inquiry_find_isolated(inquiry);
                facts.unit = inquiry->has_evidence ? &inquiry->evidence : NULL;
                facts.is_sender_gateway = inquiry->is_sender_gateway;
                facts.is_takeover = inquiry->context.takeover == STOP_MARKER_SELF;
                facts.is_planned_stop = inquiry->context.planned_stop == STOP_MARKER_SELF &&
                        !supervisor->config->writes_planned_stop;
                facts.has_requester = inquiry->requesters.n > 0;
        } else if (facts.trigger == CAUSE_TRIGGER_END)
                supervisor_look_for_markers(supervisor, &facts);
        cause_decide(&facts, &supervisor->verdict);
}

static void _printf_(2, 3) verdict_add(CauseVerdict *verdict, const char *format, ...) {
        size_t length = strlen(verdict->detail);
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(
                verdict->detail + length, sizeof(verdict->detail) - length, format, arguments);
        va_end(arguments);
}

/* Who it was stands in fields of its own; the sentence names it for whoever reads nothing else. */
static void supervisor_name_sender(Supervisor *supervisor) {
        const Inquiry *inquiry = supervisor->inquiry;
        _cleanup_free_ char *cmdline = NULL;

        if (!inquiry->context.sender_ancestry[0])
                return;
        cmdline = process_snapshot_cmdline(
                &inquiry->caught.sender, supervisor->config->cmdline, VERDICT_CMDLINE_MAX);
        verdict_add(&supervisor->verdict, ": %.100s%s%s", inquiry->context.sender_ancestry,
                cmdline ? ": " : "", cmdline ?: "");
}

static void supervisor_name_requester(Supervisor *supervisor) {
        const Inquiry *inquiry = supervisor->inquiry;
        const Requester *requester = &inquiry->requesters.items[0];

        if (inquiry->requesters.n > 0)
                verdict_add(&supervisor->verdict, "; asked for by %.100s%s%.120s",
                        requester->ancestry, requester->cmdline[0] ? ": " : "", requester->cmdline);
        else if (inquiry->has_evidence && supervisor->verdict.cause != CAUSE_MANAGER_KILL)
                verdict_add(&supervisor->verdict,
                        "; nobody waits for the job (--no-block, or asked for over D-Bus)");
}

static void supervisor_complete_detail(Supervisor *supervisor) {
        switch (supervisor->verdict.cause) {
        case CAUSE_SIGNAL:
                supervisor_name_sender(supervisor);
                break;
        case CAUSE_STOP:
        case CAUSE_RESTART:
        case CAUSE_MANAGER_KILL:
                supervisor_name_requester(supervisor);
                break;
        case CAUSE_WATCHDOG:
        case CAUSE_STEP_TIMEOUT:
                verdict_add(&supervisor->verdict, ": %s", supervisor->stall.verdict.detail);
                break;
        default:
                break;
        }
}

static void supervisor_end_search(Supervisor *supervisor) {
        (void) own_helper_end(&supervisor->inquiry->search, supervisor->payload);
}

static void supervisor_settle(Supervisor *supervisor, usec_t now_usec) {
        Inquiry *inquiry = supervisor->inquiry;

        inquiry->is_settled = true;
        inquiry->bound_source = sd_event_source_disable_unref(inquiry->bound_source);
        inquiry->question = evidence_free(inquiry->question);
        supervisor_end_search(supervisor);
        supervisor_decide_cause(supervisor);
        supervisor_complete_detail(supervisor);
        stop_record_cause(supervisor, now_usec);
        supervisor_log_flight(supervisor, now_usec);
        if (supervisor->is_leaving)
                supervisor_leave(supervisor);
}

static void supervisor_settle_if_answered(Supervisor *supervisor) {
        const Inquiry *inquiry = supervisor->inquiry;

        if (inquiry->is_described && !inquiry->is_settled && !inquiry->question &&
                !inquiry->search.process)
                supervisor_settle(supervisor, usec_now(CLOCK_MONOTONIC));
}

/* ---- Questions ------------------------------------------------------------------------------- */

static void supervisor_dispatch_evidence(
        Evidence *evidence, const UnitEvidence *facts, int error, void *userdata) {
        Supervisor *supervisor = userdata;
        Inquiry *inquiry = supervisor->inquiry;

        inquiry->evidence = *facts;
        inquiry->has_evidence = facts->has_unit || facts->has_jobs || facts->system_state[0];
        inquiry->question = evidence_free(inquiry->question);
        supervisor_settle_if_answered(supervisor);
}

/* In the helper. */
static int supervisor_search_requester(int output_fd, void *userdata) {
        const Supervisor *supervisor = userdata;
        _cleanup_free_ char *names = strdup(supervisor->properties.names);
        _cleanup_free_ RequesterList *list = calloc(1, sizeof(RequesterList));
        _cleanup_close_ int proc_fd = proc_open_root("/proc");
        RequesterTarget target = {
                .manager = supervisor->unit.manager,
                .owner_uid = supervisor->unit.owner_uid,
                .names = { supervisor->unit.unit },
                .n_names = 1,
        };
        const char *data = (const char *) list;
        size_t n_written = 0;

        if (!names || !list || proc_fd < 0)
                return 1;
        for (char *rest = names, *name;
                target.n_names < REQUESTER_NAMES_MAX && (name = strsep(&rest, " "));)
                if (*name && strcmp(name, supervisor->unit.unit) != 0)
                        target.names[target.n_names++] = name;
        if (requester_search(proc_fd, &target, supervisor->config->cmdline, list) < 0)
                return 1;
        while (n_written < sizeof(*list)) {
                ssize_t n = write(output_fd, data + n_written, sizeof(*list) - n_written);
                if (n < 0)
                        return 1;
                n_written += (size_t) n;
        }
        return 0;
}

static void supervisor_dispatch_search(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        Supervisor *supervisor = userdata;
        Inquiry *inquiry = supervisor->inquiry;

        if (status == 0 && size == sizeof(RequesterList))
                memcpy(&inquiry->requesters, output, size);
        if (inquiry->requesters.n > REQUESTERS_MAX)
                inquiry->requesters.n = 0;
        supervisor_end_search(supervisor);
        supervisor_settle_if_answered(supervisor);
}

static void supervisor_start_search(Supervisor *supervisor) {
        HelperConfig config = {
                .title = "gatewatch-who",
                .timeout_usec = SEARCH_TIMEOUT_USEC,
                .main = supervisor_search_requester,
                .main_userdata = supervisor,
                .handler = supervisor_dispatch_search,
                .userdata = supervisor,
                .priority = PRIORITY_INQUIRY,
        };
        int r;

        r = own_helper_start(
                &supervisor->inquiry->search, supervisor->event, supervisor->payload, &config);
        if (r < 0)
                run_record_degraded(supervisor, "requester", -r,
                        "who asked systemd for this is not looked for");
}

static void supervisor_start_question(Supervisor *supervisor) {
        int r;

        r = evidence_new(supervisor->event, &supervisor->unit, /* address= */ NULL,
                /* system_address= */ NULL, PRIORITY_BUS, supervisor_dispatch_evidence, supervisor,
                &supervisor->inquiry->question);
        if (r < 0)
                run_record_degraded(
                        supervisor, "bus", -r, "why systemd stops the unit is not known");
}

/* ---- The detached diagnostic ----------------------------------------------------------------- */

static void supervisor_dispatch_diagnostic(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        (void) own_helper_end(&supervisor->diagnostic, supervisor->payload);
        if (status == 0)
                stop_record_diagnostic(supervisor, now_usec);
        else
                run_record_degraded(supervisor, "diagnostic",
                        status == -ETIMEDOUT ? ETIMEDOUT : EIO,
                        "the diagnostic of this stop is not complete");
}

static int supervisor_open_diagnostic_log(Supervisor *supervisor) {
        const char *logs = getenv("LOGS_DIRECTORY");
        _cleanup_free_ char *directory = NULL;

        if (logs && logs[0] == '/')
                directory = strndup(logs, strcspn(logs, ":"));
        else if (!supervisor->state_path)
                return -ENOENT;
        else if (asprintf(&directory, "%s/logs", supervisor->state_path) < 0)
                directory = NULL;
        if (!directory)
                return -ENOMEM;
        return diagnostic_open_log(directory, &supervisor->diagnostic_path);
}

static void supervisor_start_diagnostic(Supervisor *supervisor, usec_t now_usec) {
        _cleanup_close_ int log_fd = -EBADF;
        char signal_name[SIGNAL_NAME_MAX];
        DiagnosticRequest request = {
                .name = supervisor->name,
                .run_id = supervisor->run_id,
                .signal = signal_to_name(signal_name, supervisor->stop.signo),
                .unit = supervisor->unit.unit,
                .is_user_unit = supervisor->unit.manager == UNIT_MANAGER_USER,
                .supervisor_pid = getpid(),
                .gateway_pid = supervisor->gateway.pid,
                .cgroup_path = supervisor->unit.unit_cgroup_path[0]
                        ? supervisor->unit.unit_cgroup_path
                        : NULL,
                .cmdline = supervisor->config->cmdline,
                .timeout_usec = supervisor->config->diagnostic_usec,
                .sync_fds = { supervisor->recorder ? flight_recorder_fd(supervisor->recorder)
                                                   : -EBADF,
                        supervisor->state_fd },
        };
        HelperProcess *process;
        int r;

        /* Without a state directory, which was told at the start, there may be no place for it either. */
        if (request.timeout_usec == 0 || supervisor->diagnostic.process ||
                (supervisor->state_error > 0 && !getenv("LOGS_DIRECTORY")))
                return;
        log_fd = supervisor_open_diagnostic_log(supervisor);
        if (log_fd < 0) {
                run_record_degraded(supervisor, "diagnostic", -log_fd,
                        supervisor->diagnostic_path ?: "there is no directory for its log");
                return;
        }
        supervisor->diagnostic_at_usec = now_usec;
        r = diagnostic_start(supervisor->event, &request, log_fd, PRIORITY_PROGRESS,
                supervisor_dispatch_diagnostic, supervisor, &process);
        if (r >= 0)
                r = own_helper_adopt(&supervisor->diagnostic, supervisor->payload, process);
        if (r < 0)
                run_record_degraded(
                        supervisor, "diagnostic", -r, "no diagnostic of this stop is written");
}

/* ---- The inquiry's way ------------------------------------------------------------------------ */

/* The catcher never came back: siginfo is all there is. */
static void supervisor_describe_undescribed(Supervisor *supervisor, usec_t now_usec) {
        const StopRequest *stop = &supervisor->stop;
        _cleanup_free_ CaughtSignal *caught = calloc(1, sizeof(CaughtSignal));

        if (caught) {
                caught->info.ssi_signo = (uint32_t) stop->signo;
                caught->info.ssi_code = stop->code;
                caught->info.ssi_pid = (uint32_t) stop->sender_pid;
                caught->info.ssi_uid = stop->sender_uid;
        }
        supervisor_describe_stop(supervisor, stop->signo > 0 ? caught : NULL, now_usec);
}

static int supervisor_dispatch_bound(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Supervisor *supervisor = userdata;

        if (!supervisor->inquiry->is_described)
                supervisor_describe_undescribed(supervisor, usec_now(CLOCK_MONOTONIC));
        if (!supervisor->inquiry->is_settled)
                supervisor_settle(supervisor, usec_now(CLOCK_MONOTONIC));
        return 0;
}

static void supervisor_bound_inquiry(Supervisor *supervisor, usec_t at_usec) {
        Inquiry *inquiry = supervisor->inquiry;

        if (inquiry->bound_source) {
                (void) sd_event_source_set_time(inquiry->bound_source, at_usec);
                return;
        }
        if (sd_event_add_time(supervisor->event, &inquiry->bound_source, CLOCK_MONOTONIC, at_usec,
                    DEADLINE_ACCURACY_USEC, supervisor_dispatch_bound, supervisor) < 0)
                return;
        (void) sd_event_source_set_description(inquiry->bound_source, "inquiry-bound");
        (void) sd_event_source_set_priority(inquiry->bound_source, PRIORITY_DEADLINE);
}

void supervisor_open_inquiry(Supervisor *supervisor, usec_t now_usec) {
        if (supervisor->inquiry)
                return;
        supervisor->inquiry = calloc(1, sizeof(Inquiry));
        if (!supervisor->inquiry) {
                run_record_degraded(
                        supervisor, "inquiry", ENOMEM, "the cause of this stop is not looked for");
                return;
        }
        supervisor->inquiry->began_at_usec = now_usec;
        supervisor_bound_inquiry(supervisor, usec_add(now_usec, EVIDENCE_TIMEOUT_USEC));
}

static void supervisor_take_context(
        Supervisor *supervisor, ShutdownContext *context, const CaughtSignal *caught) {
        ContextRequest request = {
                .caught = caught,
                .is_under_systemd = supervisor->is_under_systemd,
                .gateway_pid = supervisor->is_main_alive ? supervisor->gateway.pid : 0,
                .marker_fd = supervisor->marker_fd,
        };

        shutdown_context_take(context, &supervisor->context_base, &request);
}

static void supervisor_record_marker_errors(Supervisor *supervisor) {
        const ShutdownContext *context = &supervisor->inquiry->context;

        if (context->takeover_error > 0)
                run_record_degraded(supervisor, "marker", context->takeover_error,
                        MARKER_TAKEOVER " is there and does not count");
        if (context->planned_stop_error > 0)
                run_record_degraded(supervisor, "marker", context->planned_stop_error,
                        MARKER_PLANNED_STOP " is there and does not count");
}

void supervisor_describe_stop(Supervisor *supervisor, const CaughtSignal *caught, usec_t now_usec) {
        Inquiry *inquiry = supervisor->inquiry;
        bool may_be_manager = supervisor->stop.is_from_manager ||
                (supervisor->stop.signo > 0 && supervisor->stop.sender_pid == 0);

        if (!inquiry || inquiry->is_described)
                return;
        inquiry->is_described = true;
        if (caught)
                inquiry->caught = *caught;
        supervisor_take_context(
                supervisor, &inquiry->context, caught ? &inquiry->caught : /* signal= */ NULL);
        inquiry->is_sender_gateway = supervisor->stop.sender_pid > 0 &&
                payload_contains(supervisor->payload, supervisor->stop.sender_pid);
        supervisor_log_flight(supervisor, now_usec);
        if (supervisor->stop.signo > 0)
                stop_record_signal(supervisor, &inquiry->context, now_usec);
        supervisor_record_marker_errors(supervisor);

        if (may_be_manager && supervisor->is_unit_main) {
                supervisor_start_question(supervisor);
                supervisor_start_search(supervisor);
        }
        supervisor_start_diagnostic(supervisor, now_usec);
        supervisor_settle_if_answered(supervisor);
}

void supervisor_describe_repeat(
        Supervisor *supervisor, const CaughtSignal *caught, usec_t now_usec) {
        _cleanup_free_ ShutdownContext *context = calloc(1, sizeof(ShutdownContext));

        if (!context)
                return;
        supervisor_take_context(supervisor, context, caught);
        stop_record_signal(supervisor, context, now_usec);
}

bool supervisor_conclude_inquiry(Supervisor *supervisor, usec_t now_usec) {
        const Inquiry *inquiry = supervisor->inquiry;
        usec_t bound_usec;

        if (!inquiry) {
                supervisor_decide_cause(supervisor);
                return true;
        }
        if (inquiry->is_settled)
                return true;
        if (supervisor->is_leaving)
                return false;
        supervisor->is_leaving = true;
        bound_usec = usec_add(inquiry->began_at_usec, EVIDENCE_TIMEOUT_USEC);
        if (bound_usec > usec_add(now_usec, INQUIRY_LEAVE_USEC))
                bound_usec = usec_add(now_usec, INQUIRY_LEAVE_USEC);
        supervisor_bound_inquiry(supervisor, bound_usec);
        return false;
}
