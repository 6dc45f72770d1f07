/* SPDX-License-Identifier: MIT */

/* The run before, told by its flight record.
 *
 * A run that could say how it ended has its outcome there. Without one its supervisor did not get to
 * that: in this boot it was killed (lost), in another one the machine may have taken it along (reboot).
 * More than that nobody saw. What the run itself had found out by then (sender, requester, verdict) is
 * kept; what systemd says of the supervisor's end is added.
 *
 * Instants are monotonic and of the run's own boot. When the end was not seen it is put where the
 * record was looked at, or for another boot where the file was written last: `post` looks at once, so a
 * deadline that has passed was missed; the next run may look days later, so there nothing is said about
 * deadlines. */

#include "previous-run.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "record-json.h"
#include "record-sink.h"
#include "sender-catcher.h"
#include "signals.h"
#include "stop/cause.h"
#include "stop/outcome.h"

#define PREVIOUS_PHASE_STARTING "starting" /* see FlightRecord */
#define PREVIOUS_PHASE_RUNNING  "running"
#define PREVIOUS_PHASE_ENDED    "ended"
#define PREVIOUS_BY_POST        "post"
#define PREVIOUS_WHERE_MAX      (FLIGHT_TEXT_MAX + 2 * FLIGHT_NAME_MAX)
#define PREVIOUS_TEXT_MAX       (FLIGHT_TEXT_MAX + CAUSE_DETAIL_MAX)

static const char *const previous_end_table[_PREVIOUS_END_MAX] = {
        [PREVIOUS_NONE] = "none",
        [PREVIOUS_CLEAN] = "clean",
        [PREVIOUS_ESCALATED] = "escalated",
        [PREVIOUS_KILLED] = "killed",
        [PREVIOUS_EXITED] = "exited",
        [PREVIOUS_FAILED] = "failed",
        [PREVIOUS_CRASHED] = "crashed",
        [PREVIOUS_LOST] = "lost",
        [PREVIOUS_REBOOT] = "reboot",
};

const char *previous_end_to_string(PreviousEnd end) {
        assert(end >= 0 && end < _PREVIOUS_END_MAX);
        return previous_end_table[end];
}

PreviousEnd previous_end_from_string(const char *name) {
        for (PreviousEnd end = 0; name && end < _PREVIOUS_END_MAX; end++)
                if (strcmp(previous_end_table[end], name) == 0)
                        return end;
        return _PREVIOUS_END_INVALID;
}

/* ---- Judging --------------------------------------------------------------------------------- */

/* PREVIOUS_REBOOT is no outcome: it never has the same name as one. */
static PreviousEnd previous_run_decide(const FlightRecord *flight, bool is_other_boot) {
        switch (outcome_from_string(flight->outcome)) {
        case OUTCOME_CLEAN:
                return PREVIOUS_CLEAN;
        case OUTCOME_ESCALATED:
                return PREVIOUS_ESCALATED;
        case OUTCOME_KILLED:
                return PREVIOUS_KILLED;
        case OUTCOME_EXITED:
                return PREVIOUS_EXITED;
        case OUTCOME_FAILED:
                return PREVIOUS_FAILED;
        case OUTCOME_CRASHED:
                return PREVIOUS_CRASHED;
        case OUTCOME_LOST:
                return PREVIOUS_LOST;
        default:
                return is_other_boot ? PREVIOUS_REBOOT : PREVIOUS_LOST;
        }
}

static usec_t previous_run_elapsed(const FlightRecord *flight, bool is_other_boot, usec_t now_usec,
        usec_t last_write_realtime_usec) {
        if (is_other_boot) {
                usec_t since_usec =
                        flight->stop_at_realtime_usec ?: flight->started_at_realtime_usec;
                return since_usec > 0 ? usec_sub(last_write_realtime_usec, since_usec) : 0;
        }
        usec_t since_usec = flight->stop_at_usec ?: flight->started_at_usec;
        return since_usec > 0 ? usec_sub(now_usec, since_usec) : 0;
}

void previous_run_judge(const FlightRecord *flight, sd_id128_t boot_id, usec_t now_usec,
        usec_t last_write_realtime_usec, PreviousRun *ret_previous) {
        assert(ret_previous);

        *ret_previous = (PreviousRun){ .end = PREVIOUS_NONE };
        if (!flight)
                return;

        bool is_other_boot = !sd_id128_equal(flight->boot_id, boot_id);
        ret_previous->flight = *flight;
        ret_previous->is_other_boot = is_other_boot;
        ret_previous->is_open = !flight->recorded_by[0];
        ret_previous->end = previous_run_decide(flight, is_other_boot);
        ret_previous->elapsed_usec =
                previous_run_elapsed(flight, is_other_boot, now_usec, last_write_realtime_usec);
}

int previous_run_read(FlightRecorder *recorder, PreviousRun *ret_previous) {
        FlightRecord flight;
        sd_id128_t boot_id;

        assert(recorder);
        assert(ret_previous);

        previous_run_judge(NULL, SD_ID128_NULL, 0, 0, ret_previous);
        int r = flight_recorder_read(recorder, &flight);
        if (r < 0)
                return r == -ENODATA ? 0 : r;
        r = sd_id128_get_boot(&boot_id);
        if (r < 0)
                return r;
        previous_run_judge(&flight, boot_id, usec_now(CLOCK_MONOTONIC),
                flight_recorder_last_write(recorder), ret_previous);
        return 0;
}

/* ---- Its end, as far as it is known ---------------------------------------------------------- */

static bool previous_run_is_unseen(const PreviousRun *previous) {
        return previous->end == PREVIOUS_LOST || previous->end == PREVIOUS_REBOOT;
}

/* Whether it was in a phase of the ladder when it was last heard of. A ladder may also run without a stop,
 * against what the gateway has left behind. */
static bool previous_run_is_in_phase(const PreviousRun *previous) {
        const char *phase = previous->flight.phase;

        if (!phase[0] || strcmp(phase, PREVIOUS_PHASE_ENDED) == 0)
                return false;
        return previous->flight.stop_at_usec > 0 ||
                (strcmp(phase, PREVIOUS_PHASE_STARTING) != 0 &&
                        strcmp(phase, PREVIOUS_PHASE_RUNNING) != 0);
}

static usec_t previous_run_ended_at(const PreviousRun *previous) {
        const FlightRecord *flight = &previous->flight;

        if (strcmp(flight->phase, PREVIOUS_PHASE_ENDED) == 0 && flight->phase_at_usec > 0)
                return flight->phase_at_usec;
        return usec_add(flight->stop_at_usec ?: flight->started_at_usec, previous->elapsed_usec);
}

/* How long the phase took in which it was lost. */
static usec_t previous_run_phase_usec(const PreviousRun *previous) {
        return usec_sub(previous_run_ended_at(previous), previous->flight.phase_at_usec);
}

static bool previous_run_is_phase_late(const PreviousRun *previous, const char *recorded_by) {
        return !previous->is_other_boot && strcmp(recorded_by, PREVIOUS_BY_POST) == 0 &&
                previous_run_ended_at(previous) > previous->flight.phase_deadline_usec;
}

static usec_t previous_run_total_usec(const PreviousRun *previous) {
        usec_t began_usec = previous->flight.stop_at_usec;

        return began_usec > 0 ? usec_sub(previous_run_ended_at(previous), began_usec) : 0;
}

/* systemd names signals without "SIG". Returns: text, or a better one in buffer. */
static const char *previous_run_exit_status(
        const char *code, const char *status, char buffer[static SIGNAL_NAME_MAX]) {
        if (!status || !code || (strcmp(code, "killed") != 0 && strcmp(code, "dumped") != 0))
                return status;
        int signo = signal_from_name(status);
        return signo > 0 ? signal_to_name(buffer, signo) : status;
}

/* ---- Sentences ------------------------------------------------------------------------------- */

/* "the supervisor was killed by SIGKILL", "the machine went down". */
static void previous_run_tell_what(
        const PreviousRun *previous, const ServiceResult *service, char *text, size_t size) {
        const char *code = service ? service->exit_code : NULL;
        const char *status = service ? service->exit_status : NULL;
        char name[SIGNAL_NAME_MAX];

        if (previous->end == PREVIOUS_REBOOT)
                (void) snprintf(text, size, "the machine went down");
        else if (code && status && strcmp(code, "exited") == 0)
                (void) snprintf(text, size, "the supervisor ended with status %s", status);
        else if (code && status)
                (void) snprintf(text, size, "the supervisor was killed by %s",
                        previous_run_exit_status(code, status, name));
        else
                (void) snprintf(text, size, "the supervisor was gone");
}

/* Behind a text, what the gateway itself was at: ", gateway phase "flush", step "telegram" open". */
static void previous_run_add_work(const FlightRecord *flight, char *text, size_t size) {
        size_t length = strlen(text);

        if (flight->gateway_phase[0])
                (void) snprintf(text + length, size - length, ", gateway phase \"%s\"",
                        flight->gateway_phase);
        if (!flight->step[0])
                return;
        length = strlen(text);
        if (flight->n_steps_open > 1)
                (void) snprintf(text + length, size - length,
                        ", step \"%s\" and %" PRIu64 " more open", flight->step,
                        flight->n_steps_open - 1);
        else
                (void) snprintf(text + length, size - length, ", step \"%s\" open", flight->step);
}

/* " in phase drain, 3.2s after the stop began". */
static void previous_run_tell_where(const PreviousRun *previous, const char *recorded_by,
        char text[static PREVIOUS_WHERE_MAX]) {
        const FlightRecord *flight = &previous->flight;
        bool is_stopping = flight->stop_at_usec > 0;
        char span[USEC_SPAN_MAX];
        size_t length;

        if (previous_run_is_in_phase(previous))
                (void) snprintf(text, PREVIOUS_WHERE_MAX, " in phase %s", flight->phase);
        else if (is_stopping || !flight->phase[0])
                (void) snprintf(
                        text, PREVIOUS_WHERE_MAX, " in the %s", is_stopping ? "stop" : "run");
        else
                (void) snprintf(
                        text, PREVIOUS_WHERE_MAX, " while the gateway was %s", flight->phase);
        previous_run_add_work(flight, text, PREVIOUS_WHERE_MAX);
        if (previous->elapsed_usec == 0)
                return;

        const char *bound = previous->is_other_boot          ? "at least "
                : strcmp(recorded_by, PREVIOUS_BY_POST) == 0 ? ""
                                                             : "at most ";
        length = strlen(text);
        (void) snprintf(text + length, PREVIOUS_WHERE_MAX - length, ", %s%s after %s", bound,
                usec_format_span(span, previous->elapsed_usec, USEC_PER_MSEC),
                is_stopping ? "the stop began" : "its start");
}

/* ---- The cause ------------------------------------------------------------------------------- */

static CauseSender previous_run_sender(const FlightRecord *flight) {
        switch (sender_state_from_string(flight->sender_state)) {
        case SENDER_MANAGER:
                return CAUSE_SENDER_MANAGER;
        case SENDER_KERNEL:
                return CAUSE_SENDER_KERNEL;
        case SENDER_OTHER_NAMESPACE:
                return CAUSE_SENDER_OTHER_NAMESPACE;
        default:
                return flight->sender_pid > 0 ? CAUSE_SENDER_PROCESS : CAUSE_SENDER_NONE;
        }
}

static void previous_run_take_end(const FlightRecord *flight, CauseFacts *facts) {
        facts->is_signalled = strcmp(flight->exit_code, "exited") != 0;
        facts->status = facts->is_signalled ? signal_from_name(flight->exit_status)
                                            : (int) strtol(flight->exit_status, NULL, 10);
        facts->has_ended = flight->exit_code[0] && facts->status >= 0;
}

/* A run whose verdict was not in yet. */
static void previous_run_decide_cause(
        const PreviousRun *previous, const ServiceResult *service, CauseVerdict *ret_verdict) {
        const FlightRecord *flight = &previous->flight;
        CauseFacts facts = {
                .trigger = CAUSE_TRIGGER_LOST,
                .n_oom_kills = service ? service->oom.n_oom_kills : 0,
                .n_oomd_kills = service ? service->oom.n_oomd_kills : 0,
                .service_result = service ? service->result : NULL,
        };

        *ret_verdict = (CauseVerdict){ .cause = CAUSE_UNKNOWN };
        if (flight->stop_at_usec > 0) {
                facts.trigger = CAUSE_TRIGGER_SIGNAL;
                facts.sender = previous_run_sender(flight);
                facts.signo = flight->signal[0] ? signal_from_name(flight->signal) : 0;
                if (facts.signo <= 0) {
                        (void) strcpy(ret_verdict->detail,
                                "a stop had begun without a signal; why is not known");
                        return;
                }
        } else if (!previous_run_is_unseen(previous)) {
                facts.trigger = CAUSE_TRIGGER_END;
                previous_run_take_end(flight, &facts);
        } else if (previous->end == PREVIOUS_REBOOT) {
                (void) strcpy(ret_verdict->detail, "no stop had begun; why is not known");
                return;
        }
        cause_decide(&facts, ret_verdict);
}

static void previous_run_add_cause(Record *record, const PreviousRun *previous,
        const char *recorded_by, const ServiceResult *service) {
        const FlightRecord *flight = &previous->flight;
        char what[FLIGHT_TEXT_MAX], where[PREVIOUS_WHERE_MAX], text[2 * PREVIOUS_TEXT_MAX];
        const char *cause = flight->cause, *detail = flight->cause_detail;
        CauseVerdict verdict;

        if (!cause[0]) {
                previous_run_decide_cause(previous, service, &verdict);
                cause = cause_to_string(verdict.cause);
                detail = verdict.detail;
        }
        record_add_string(record, "CAUSE", cause);
        if (!previous_run_is_unseen(previous)) {
                record_add_string(record, "CAUSE_DETAIL", detail);
                return;
        }
        previous_run_tell_what(previous, service, what, sizeof(what));
        previous_run_tell_where(previous, recorded_by, where);
        (void) snprintf(text, sizeof(text), "%s%s%s%s", detail, detail[0] ? "; " : "", what, where);
        record_add_string(record, "CAUSE_DETAIL", text);
}

/* ---- The `stopped` record -------------------------------------------------------------------- */

static Outcome previous_run_outcome(const PreviousRun *previous) {
        return previous_run_is_unseen(previous) ? OUTCOME_LOST
                                                : outcome_from_string(previous->flight.outcome);
}

static const char *text_or_null(const char *text) {
        return text && text[0] ? text : NULL;
}

/* The gateway's own end where the run knew it, else what systemd says of the supervisor, which ends as
 * its gateway does when it can. */
static void previous_run_add_exit(
        Record *record, const FlightRecord *flight, const ServiceResult *service) {
        const char *code = text_or_null(flight->exit_code);
        const char *status = text_or_null(flight->exit_status);
        char name[SIGNAL_NAME_MAX];

        if (!code && service) {
                code = text_or_null(service->exit_code);
                status = text_or_null(service->exit_status);
        }
        record_add_string(record, "EXIT_CODE", code);
        record_add_string(record, "EXIT_STATUS", previous_run_exit_status(code, status, name));
}

static void previous_run_add_people(Record *record, const FlightRecord *flight) {
        if (flight->signal[0]) {
                int signo = signal_from_name(flight->signal);

                record_add_string(record, "SIGNAL", flight->signal);
                if (signo > 0)
                        record_add_signed(record, "SIGNAL_NUMBER", signo);
                record_add_unsigned(record, "SENDER_PID", flight->sender_pid);
                record_add_unsigned(record, "SENDER_UID", flight->sender_uid);
                record_add_string(record, "SENDER_CODE", text_or_null(flight->sender_code));
                record_add_string(record, "SENDER_STATE", text_or_null(flight->sender_state));
                record_add_string(record, "SENDER_COMM", text_or_null(flight->sender_comm));
                record_add_string(record, "SENDER_CMDLINE", text_or_null(flight->sender_cmdline));
        }
        if (flight->requester_pid > 0) {
                record_add_unsigned(record, "REQUESTER_PID", flight->requester_pid);
                if (flight->requester_uid != (uid_t) -1)
                        record_add_unsigned(record, "REQUESTER_UID", flight->requester_uid);
                record_add_string(record, "REQUESTER_COMM", text_or_null(flight->requester_comm));
                record_add_string(
                        record, "REQUESTER_CMDLINE", text_or_null(flight->requester_cmdline));
        }
}

static void phases_append(
        json_object *list, const char *name, usec_t took_usec, bool is_timed_out) {
        json_object *item = json_object_new_object();

        if (!list || !item)
                return;
        record_json_put(item, "name", json_object_new_string(name));
        record_json_put(item, "usec", json_object_new_uint64(took_usec));
        record_json_put(item, "timed_out", json_object_new_boolean(is_timed_out));
        if (json_object_array_add(list, item) < 0)
                (void) json_object_put(item);
}

static void previous_run_add_phases(
        Record *record, const PreviousRun *previous, const char *recorded_by) {
        const FlightRecord *flight = &previous->flight;
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < flight->n_phases; i++)
                phases_append(list, flight->phases[i].name, flight->phases[i].usec,
                        flight->phases[i].is_timed_out);
        if (previous_run_is_in_phase(previous))
                phases_append(list, flight->phase, previous_run_phase_usec(previous),
                        previous_run_is_phase_late(previous, recorded_by));
        record_add_json(record, "PHASES", list);

        if (flight->n_phases > 0)
                record_add_usec(record, "DRAIN_USED_USEC", flight->phases[0].usec);
        else if (previous_run_is_in_phase(previous))
                record_add_usec(record, "DRAIN_USED_USEC", previous_run_phase_usec(previous));
        record_add_usec(record, "TOTAL_USEC", previous_run_total_usec(previous));
}

static void previous_run_set_stopped_message(Record *record, const PreviousRun *previous,
        const char *recorded_by, const ServiceResult *service) {
        char what[FLIGHT_TEXT_MAX], where[PREVIOUS_WHERE_MAX];

        if (!previous_run_is_unseen(previous)) {
                record_set_message(record, "Gateway %s ended: %s (recorded later, by %s)",
                        previous->flight.name, previous->flight.outcome, recorded_by);
                return;
        }
        previous_run_tell_what(previous, service, what, sizeof(what));
        previous_run_tell_where(previous, recorded_by, where);
        record_set_message(record, "Gateway %s was lost: %s%s", previous->flight.name, what, where);
}

Record *previous_run_stopped_record(
        const PreviousRun *previous, const char *recorded_by, const ServiceResult *service) {
        const FlightRecord *flight = &previous->flight;

        assert(previous);
        assert(recorded_by);

        if (previous->end == PREVIOUS_NONE || !previous->is_open)
                return NULL;
        Outcome outcome = previous_run_outcome(previous);
        Record *record = record_new(RECORD_STOPPED);
        record_set_priority(record, outcome_priority(outcome));
        previous_run_add_cause(record, previous, recorded_by, service);
        record_add_string(record, "OUTCOME", outcome_to_string(outcome));
        previous_run_add_exit(record, flight, service);
        previous_run_add_people(record, flight);
        previous_run_add_phases(record, previous, recorded_by);
        if (service && service->oom.has_events)
                record_add_unsigned(record, "OOM_KILLS", service->oom.n_oom_kills);
        record_add_string(record, "SERVICE_RESULT", service ? text_or_null(service->result) : NULL);
        record_add_string(record, "PREVIOUS_PHASE", text_or_null(flight->phase));
        record_add_string(record, "PREVIOUS_GATEWAY_PHASE", text_or_null(flight->gateway_phase));
        record_add_string(record, "PREVIOUS_STEP", text_or_null(flight->step));
        record_add_string(record, "RECORDED_BY", recorded_by);
        previous_run_set_stopped_message(record, previous, recorded_by, service);
        return record;
}

/* ---- The `previous` record, and the deeds ---------------------------------------------------- */

Record *previous_run_record(const PreviousRun *previous) {
        const FlightRecord *flight = &previous->flight;
        char run_id[SD_ID128_STRING_MAX], span[USEC_SPAN_MAX];

        assert(previous && previous->end != PREVIOUS_NONE);

        Record *record = record_new(RECORD_PREVIOUS);
        if (previous->end != PREVIOUS_CLEAN && previous->end != PREVIOUS_EXITED)
                record_set_priority(record, LOG_WARNING);
        record_add_string(record, "PREVIOUS", previous_end_to_string(previous->end));
        record_add_string(record, "PREVIOUS_RUN_ID", sd_id128_to_string(flight->run_id, run_id));
        record_add_string(record, "PREVIOUS_PHASE", text_or_null(flight->phase));
        if (previous->elapsed_usec > 0)
                record_add_usec(record, "PREVIOUS_ELAPSED_USEC", previous->elapsed_usec);
        record_set_message(record,
                "The previous run of %s ended without its own last record: %s in phase %s, %s after "
                "%s",
                flight->name, previous_end_to_string(previous->end),
                flight->phase[0] ? flight->phase : "unknown",
                previous->elapsed_usec > 0
                        ? usec_format_span(span, previous->elapsed_usec, USEC_PER_MSEC)
                        : "an unknown time",
                flight->stop_at_usec > 0 ? "its stop began" : "its start");
        return record;
}

/* The sink counts the uptime from an instant of this boot. A run may have been up for longer than this
 * boot is: then both instants are moved, which leaves the date at the present one. */
static usec_t previous_run_set_uptime(const PreviousRun *previous, RecordSink *sink) {
        usec_t uptime_usec =
                usec_sub(previous_run_ended_at(previous), previous->flight.started_at_usec);
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        if (now_usec < uptime_usec)
                now_usec = uptime_usec;
        record_sink_set_gateway(
                sink, (pid_t) previous->flight.gateway_pid, usec_sub(now_usec, uptime_usec));
        return now_usec;
}

int previous_run_send(const PreviousRun *previous, const char *recorded_by,
        const ServiceResult *service, const PreviousRunSink *where) {
        _cleanup_(record_sink_freep) RecordSink *sink = NULL;

        assert(previous);
        assert(where);

        if (previous->end == PREVIOUS_NONE || !previous->is_open)
                return 0;
        int r = record_sink_new(where->log_target, where->log_level, where->console_fd, &sink);
        if (r >= 0)
                r = record_sink_set_run(sink, previous->flight.name, previous->flight.run_id);
        if (r < 0)
                return r;
        record_sink_send(sink, previous_run_stopped_record(previous, recorded_by, service),
                previous_run_set_uptime(previous, sink));
        (void) record_sink_flush(sink);
        return record_sink_lost(sink) > 0 ? -EIO : 0;
}

int previous_run_close(FlightRecorder *recorder, PreviousRun *previous, const char *recorded_by) {
        FlightRecord flight = previous->flight;

        assert(recorder);
        assert(recorded_by);

        (void) snprintf(flight.recorded_by, sizeof(flight.recorded_by), "%s", recorded_by);
        if (previous->end == PREVIOUS_LOST)
                (void) strcpy(flight.outcome, outcome_to_string(OUTCOME_LOST));
        int r = flight_recorder_write(recorder, &flight);
        if (r < 0)
                return r;
        previous->flight = flight;
        previous->is_open = false;
        return 0;
}
