/* SPDX-License-Identifier: MIT */

/* The records of a stop: the signal with its context, the verdict, the diagnostic, the last one. Nothing
 * is decided here. */

#include <string.h>
#include <syslog.h>

#include "record-json.h"
#include "run/supervisor-internal.h"
#include "signals.h"

void stop_record_signal(Supervisor *supervisor, const ShutdownContext *context, usec_t now_usec) {
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_NOTICE))
                return;
        record = record_new(RECORD_SIGNAL);
        shutdown_context_to_record(
                context, &supervisor->context_base, supervisor->config->cmdline, record);
        record_sink_send(supervisor->sink, record, now_usec);
}

static json_object *requester_to_json(const Requester *requester) {
        json_object *object = json_object_new_object();

        record_json_put(object, "pid", json_object_new_int(requester->pid));
        record_json_put(object, "comm", json_object_new_string(requester->comm));
        if (requester->cmdline[0])
                record_json_put(object, "cmdline", json_object_new_string(requester->cmdline));
        record_json_put(object, "verb", json_object_new_string(requester->verb));
        if (requester->uid != (uid_t) -1)
                record_json_put(object, "uid", json_object_new_int64(requester->uid));
        if (requester->loginuid != PROCESS_LOGINUID_NONE)
                record_json_put(object, "loginuid", json_object_new_int64(requester->loginuid));
        if (requester->unit[0])
                record_json_put(object, "unit", json_object_new_string(requester->unit));
        record_json_put(object, "ancestry", json_object_new_string(requester->ancestry));
        return object;
}

static void record_add_requesters(Record *record, const RequesterList *list) {
        const Requester *first = &list->items[0];
        json_object *all;

        if (list->n == 0)
                return;
        record_add_signed(record, "REQUESTER_PID", first->pid);
        record_add_string(record, "REQUESTER_COMM", first->comm);
        record_add_string(record, "REQUESTER_CMDLINE", first->cmdline[0] ? first->cmdline : NULL);
        record_add_string(record, "REQUESTER_VERB", first->verb);
        if (first->uid != (uid_t) -1)
                record_add_unsigned(record, "REQUESTER_UID", first->uid);
        if (first->loginuid != PROCESS_LOGINUID_NONE)
                record_add_unsigned(record, "REQUESTER_LOGINUID", first->loginuid);
        record_add_string(record, "REQUESTER_UNIT", first->unit[0] ? first->unit : NULL);
        record_add_string(record, "REQUESTER_ANCESTRY", first->ancestry);
        if (list->n == 1)
                return;
        all = json_object_new_array();
        for (size_t i = 0; all && i < list->n; i++)
                (void) json_object_array_add(all, requester_to_json(&list->items[i]));
        record_add_json(record, "REQUESTERS", all);
}

/* The context as the `signal` record has it, with the requester, who was not known then. */
static void record_add_context(Record *record, const Supervisor *supervisor) {
        const Inquiry *inquiry = supervisor->inquiry;
        json_object *context;

        if (!inquiry->is_described)
                return;
        context = shutdown_context_to_json(
                &inquiry->context, &supervisor->context_base, supervisor->config->cmdline);
        if (context && inquiry->requesters.n > 0)
                record_json_put(
                        context, "requester", requester_to_json(&inquiry->requesters.items[0]));
        record_add_json(record, "CONTEXT", context);
}

void stop_record_cause(Supervisor *supervisor, usec_t now_usec) {
        const CauseVerdict *verdict = &supervisor->verdict;
        const Inquiry *inquiry = supervisor->inquiry;
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_NOTICE))
                return;
        record = record_new(RECORD_CAUSE);
        record_add_string(record, "CAUSE", cause_to_string(verdict->cause));
        record_add_string(record, "CAUSE_DETAIL", verdict->detail);
        if (inquiry->has_evidence && inquiry->evidence.job_id > 0) {
                record_add_string(record, "JOB_TYPE", inquiry->evidence.job_type);
                record_add_unsigned(record, "JOB_ID", inquiry->evidence.job_id);
        }
        if (inquiry->has_evidence && inquiry->evidence.dependency[0])
                record_add_string(record, "DEPENDENCY", inquiry->evidence.dependency);
        record_add_requesters(record, &inquiry->requesters);
        record_add_context(record, supervisor);
        record_set_message(record, "Cause of the stop of %s: %s (%s)", supervisor->name,
                cause_to_string(verdict->cause), verdict->detail);
        record_sink_send(supervisor->sink, record, now_usec);
}

void stop_record_diagnostic(Supervisor *supervisor, usec_t now_usec) {
        usec_t took_usec = usec_sub(now_usec, supervisor->diagnostic_at_usec);
        char span[USEC_SPAN_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_INFO))
                return;
        record = record_new(RECORD_DIAGNOSTIC);
        record_add_string(record, "DIAGNOSTIC_FILE", supervisor->diagnostic_path);
        record_add_usec(record, "DIAGNOSTIC_USEC", took_usec);
        record_set_message(record, "Diagnostic of the stop of %s written to %s in %s",
                supervisor->name, supervisor->diagnostic_path,
                usec_format_span(span, took_usec, USEC_PER_MSEC));
        record_sink_send(supervisor->sink, record, now_usec);
}

/* ---- The last one ----------------------------------------------------------------------------- */

static json_object *stop_phases_json(const Supervisor *supervisor) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < supervisor->ladder.schedule.n_phases; i++) {
                const LadderPhase *ran = &supervisor->ladder.phases[i];
                json_object *item;

                if (!ran->has_run)
                        continue;
                item = json_object_new_object();
                if (!item)
                        break;
                record_json_put(item, "name",
                        json_object_new_string(supervisor->ladder.schedule.phases[i].name));
                record_json_put(item, "usec",
                        json_object_new_uint64(usec_sub(ran->ended_at_usec, ran->began_at_usec)));
                record_json_put(item, "timed_out", json_object_new_boolean(ran->is_timed_out));
                (void) json_object_array_add(list, item);
        }
        return list;
}

static void record_add_end(Record *record, const GatewayStatus *status) {
        char name[SIGNAL_NAME_MAX];

        record_add_string(record, "EXIT_CODE", gateway_end_to_string(status->end));
        if (status->end == GATEWAY_EXITED)
                record_add_signed(record, "EXIT_STATUS", status->status);
        else
                record_add_string(record, "EXIT_STATUS", signal_to_name(name, status->status));
}

/* "; slowest step: disconnect telegram, 5s", or nothing. */
static const char *stopped_slowest(
        const Supervisor *supervisor, char text[static STEP_NAME_MAX + USEC_SPAN_MAX + 32]) {
        const Step *step = &supervisor->steps.slowest;
        char span[USEC_SPAN_MAX];

        text[0] = '\0';
        if (supervisor->steps.n_of_stop > 0)
                (void) snprintf(text, STEP_NAME_MAX + USEC_SPAN_MAX + 32,
                        "; slowest step: %s, %s%s", step->name,
                        usec_format_span(span, usec_sub(step->ended_at_usec, step->began_at_usec),
                                USEC_PER_MSEC),
                        step->end == STEP_ABANDONED ? ", never ended" : "");
        return text;
}

static void record_set_stopped_message(Record *record, const Supervisor *supervisor,
        Outcome outcome, usec_t total_usec, usec_t now_usec) {
        char span[USEC_SPAN_MAX], how[SIGNAL_NAME_MAX + 16], name[SIGNAL_NAME_MAX];
        char slowest[STEP_NAME_MAX + USEC_SPAN_MAX + 32];

        if (supervisor->status.end == GATEWAY_EXITED)
                (void) snprintf(how, sizeof(how), "exit status %d", supervisor->status.status);
        else
                (void) snprintf(how, sizeof(how), "%s by %s",
                        gateway_end_to_string(supervisor->status.end),
                        signal_to_name(name, supervisor->status.status));
        if (supervisor->stop.is_asked)
                record_set_message(record, "Gateway %s stopped (%s): %s, %s, %s after %s%s",
                        supervisor->name, cause_to_string(supervisor->verdict.cause),
                        outcome_to_string(outcome), how,
                        usec_format_span(span,
                                supervisor->stop.is_by_watchdog
                                        ? usec_sub(now_usec, supervisor->missed_at_usec)
                                        : total_usec,
                                USEC_PER_MSEC),
                        supervisor->stop.is_by_watchdog       ? "its heartbeat was missed"
                                : supervisor->stop.is_by_step ? "a step ran over"
                                                              : "it was asked to",
                        stopped_slowest(supervisor, slowest));
        else
                record_set_message(record, "Gateway %s ended by itself (%s): %s, %s",
                        supervisor->name, cause_to_string(supervisor->verdict.cause),
                        outcome_to_string(outcome), how);
}

static void record_add_ooms(Record *record, const Supervisor *supervisor) {
        OomCounters now, since;

        if (supervisor->unit_cgroup_fd < 0)
                return;
        oom_counters_read(supervisor->unit_cgroup_fd, &now);
        since = oom_counters_since(&supervisor->oom_before, &now);
        if (since.has_events)
                record_add_unsigned(record, "OOM_KILLS", since.n_oom_kills);
}

/* What this stop was allowed, after what became of the budget: so the record can be judged by itself. */
static void record_add_allowed(Record *record, const Supervisor *supervisor) {
        const UnitProperties *properties = &supervisor->properties;

        record_add_usec(record, "DRAIN_USEC", supervisor->budget.phase_usec[0]);
        record_add_usec(record, "HEADROOM_USEC", supervisor->config->headroom_usec);
        if (supervisor->has_properties)
                record_add_usec(record, "TIMEOUT_STOP_USEC",
                        properties->timeout_stop_usec < properties->cap_usec
                                ? properties->timeout_stop_usec
                                : properties->cap_usec);
        if (supervisor->unit.unit[0])
                record_add_string(record, "UNIT", supervisor->unit.unit);
}

void stop_record_stopped(Supervisor *supervisor, Outcome outcome, usec_t now_usec) {
        const Ladder *ladder = &supervisor->ladder;
        const Inquiry *inquiry = supervisor->inquiry;
        usec_t total_usec = ladder_reach(ladder) == LADDER_REACH_NONE
                ? 0
                : usec_sub(now_usec, ladder->began_at_usec);
        Record *record;

        if (!record_sink_wants(supervisor->sink, outcome_priority(outcome)))
                return;
        record = record_new(RECORD_STOPPED);
        record_set_priority(record, outcome_priority(outcome));
        record_add_string(record, "CAUSE", cause_to_string(supervisor->verdict.cause));
        record_add_string(record, "CAUSE_DETAIL", supervisor->verdict.detail);
        record_add_string(record, "OUTCOME", outcome_to_string(outcome));
        record_add_end(record, &supervisor->status);
        if (inquiry && supervisor->stop.signo > 0)
                shutdown_context_sender_to_record(
                        &inquiry->context, supervisor->config->cmdline, record);
        else
                run_record_add_sender(record, &supervisor->stop);
        if (inquiry)
                record_add_requesters(record, &inquiry->requesters);
        record_add_json(record, "PHASES", stop_phases_json(supervisor));
        if (ladder->phases[0].has_run)
                record_add_usec(record, "DRAIN_USED_USEC",
                        usec_sub(ladder->phases[0].ended_at_usec, ladder->phases[0].began_at_usec));
        record_add_usec(record, "TOTAL_USEC", total_usec);
        record_add_allowed(record, supervisor);
        work_record_add_story(record, supervisor);
        record_add_ooms(record, supervisor);
        record_add_string(record, "RECORDED_BY", "run");
        record_set_stopped_message(record, supervisor, outcome, total_usec, now_usec);
        record_sink_send(supervisor->sink, record, now_usec);
}
