/* SPDX-License-Identifier: MIT */

/* The run's records but for those of its stop: what the supervisor knows, put into the fields of the
 * contract. One function an event. Nothing is decided here. */

#include <string.h>
#include <syslog.h>

#include "record-json.h"
#include "redact.h"
#include "run/supervisor-internal.h"
#include "signals.h"

#define COMMAND_MAX_BYTES 4096U

void run_record_add_sender(Record *record, const StopRequest *sender) {
        char name[SIGNAL_NAME_MAX];

        if (sender->signo <= 0)
                return;
        record_add_string(record, "SIGNAL", signal_to_name(name, sender->signo));
        record_add_signed(record, "SIGNAL_NUMBER", sender->signo);
        record_add_signed(record, "SENDER_PID", sender->sender_pid);
        record_add_unsigned(record, "SENDER_UID", sender->sender_uid);
        record_add_string(record, "SENDER_CODE", signal_code_to_name(sender->signo, sender->code));
}

void run_record_started(Supervisor *supervisor) {
        const RunConfig *config = supervisor->config;
        _cleanup_free_ char *command = NULL, *schedule = NULL;
        char drain[USEC_SPAN_MAX], headroom[USEC_SPAN_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_INFO))
                return;
        command = cmdline_join(
                (const char *const *) config->argv, config->cmdline, COMMAND_MAX_BYTES);
        schedule = schedule_format(&config->schedule);
        record = record_new(RECORD_STARTED);
        record_add_string(record, "COMMAND", command);
        record_add_usec(record, "DRAIN_USEC", config->drain_usec);
        record_add_usec(record, "HEADROOM_USEC", config->headroom_usec);
        record_add_string(record, "SCHEDULE", schedule);
        if (supervisor->unit.unit[0])
                record_add_string(record, "UNIT", supervisor->unit.unit);
        record_add_string(record, "MANAGER", unit_manager_to_string(supervisor->unit.manager));
        record_add_string(record, "SENDER_CAPTURE",
                !supervisor->catcher                                      ? "none"
                        : sender_catcher_is_realtime(supervisor->catcher) ? "realtime"
                                                                          : "plain");
        record_set_message(record, "Gateway %s started as pid %d (drain %s, headroom %s)",
                supervisor->name, supervisor->gateway.pid,
                usec_format_span(drain, config->drain_usec, 1),
                usec_format_span(headroom, config->headroom_usec, 1));
        record_sink_send(supervisor->sink, record, supervisor->forked_at_usec);
}

void run_record_ready(Supervisor *supervisor, usec_t now_usec) {
        usec_t start_usec = usec_sub(now_usec, supervisor->forked_at_usec);
        char span[USEC_SPAN_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_INFO))
                return;
        record = record_new(RECORD_READY);
        record_add_usec(record, "START_USEC", start_usec);
        if (supervisor->config->ready == READY_EXEC)
                record_set_message(
                        record, "Gateway %s counts as ready: it was executed", supervisor->name);
        else
                record_set_message(record, "Gateway %s is ready after %s", supervisor->name,
                        usec_format_span(span, start_usec, USEC_PER_MSEC));
        record_sink_send(supervisor->sink, record, now_usec);
}

/* The commands that mend a stop timeout that is too short. Drop-ins of all directories are sorted by
 * file name; "zz-" comes behind whatever sets it now. Of what a unit's name may hold, only a backslash
 * means something to a shell. */
static char *short_timeout_remedy(const Supervisor *supervisor) {
        const Budget *budget = &supervisor->budget;
        bool is_cap = supervisor->properties.timeout_stop_usec >= budget->required_usec;
        bool is_user = supervisor->unit.manager == UNIT_MANAGER_USER && !is_cap;
        const char *unit = is_cap ? "user@.service" : supervisor->unit.unit;
        const char *directory = is_user ? "~/.config/systemd/user" : "/etc/systemd/system";
        const char *quote = strchr(unit, '\\') ? "'" : "";
        char span[USEC_SPAN_MAX], *text;

        if (asprintf(&text,
                    "mkdir -p %s/%s%s.d%s && printf '[Service]\\nTimeoutStopSec=%s\\n' > "
                    "%s/%s%s.d%s/zz-gatewatch-timeout.conf && systemctl %sdaemon-reload",
                    directory, quote, unit, quote, usec_format_span(span, budget->required_usec, 1),
                    directory, quote, unit, quote, is_user ? "--user " : "") < 0)
                return NULL;
        return text;
}

void run_record_short_timeout(Supervisor *supervisor, usec_t now_usec) {
        const UnitProperties *properties = &supervisor->properties;
        const Budget *budget = &supervisor->budget;
        _cleanup_free_ char *remedy = NULL;
        char timeout[USEC_SPAN_MAX], required[USEC_SPAN_MAX];
        usec_t timeout_usec = properties->timeout_stop_usec < properties->cap_usec
                ? properties->timeout_stop_usec
                : properties->cap_usec;
        Record *record;

        remedy = short_timeout_remedy(supervisor);
        record = record_new(RECORD_SHORT_TIMEOUT);
        record_add_usec(record, "TIMEOUT_STOP_USEC", timeout_usec);
        record_add_usec(record, "DRAIN_USEC", supervisor->config->drain_usec);
        record_add_usec(record, "HEADROOM_USEC", supervisor->config->headroom_usec);
        record_add_usec(record, "REQUIRED_USEC", budget->required_usec);
        record_add_string(record, "ACTION", short_timeout_action_to_string(budget->action));
        record_add_string(record, "SOURCE",
                properties->timeout_stop_usec <= properties->cap_usec ? properties->timeout_source
                                                                      : supervisor->unit.above);
        record_add_string(record, "UNIT", supervisor->unit.unit);
        record_add_string(record, "REMEDY", remedy);
        record_set_message(record,
                "systemd would kill %s after %s, but its drain and headroom take %s (%s); to mend: %s",
                supervisor->unit.unit, usec_format_span(timeout, timeout_usec, 1),
                usec_format_span(required, budget->required_usec, 1),
                short_timeout_action_to_string(budget->action), remedy ?: "raise TimeoutStopSec=");
        record_sink_send(supervisor->sink, record, now_usec);
}

void run_record_forwarded(Supervisor *supervisor, const StopRequest *sender, usec_t now_usec) {
        char name[SIGNAL_NAME_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_DEBUG))
                return;
        record = record_new(RECORD_FORWARDED);
        run_record_add_sender(record, sender);
        record_set_message(record, "Passed %s of pid %d on to %s",
                signal_to_name(name, sender->signo), sender->sender_pid, supervisor->name);
        record_sink_send(supervisor->sink, record, now_usec);
}

static const char *phase_ended_by(const LadderPhase *ran, const PhaseNote *note) {
        return ran->is_timed_out                       ? "deadline"
                : note->cut == PHASE_CUT_STEP_TIMEOUT  ? "step-timeout"
                : note->cut == PHASE_CUT_SECOND_SIGNAL ? "second-signal"
                                                       : "targets";
}

static void run_record_phase(Supervisor *supervisor, size_t index, usec_t now_usec) {
        const Phase *phase = &supervisor->ladder.schedule.phases[index];
        const LadderPhase *ran = &supervisor->ladder.phases[index];
        const PhaseNote *note = &supervisor->phase_notes[index];
        usec_t took_usec = usec_sub(ran->ended_at_usec, ran->began_at_usec);
        char name[SIGNAL_NAME_MAX], active[ACTIVE_TEXT_MAX];
        Record *record;

        record = record_new(RECORD_PHASE);
        if (ran->is_timed_out || note->cut == PHASE_CUT_STEP_TIMEOUT)
                record_set_priority(record, LOG_WARNING);
        record_add_string(record, "PHASE", phase->name);
        record_add_string(record, "PHASE_SOURCE", "ladder");
        record_add_string(
                record, "PHASE_SIGNAL", ran->signo > 0 ? signal_to_name(name, ran->signo) : "none");
        record_add_usec(record, "PHASE_USEC", took_usec);
        record_add_usec(record, "DEADLINE_USEC",
                usec_sub(ran->deadline_at_usec, supervisor->ladder.began_at_usec));
        record_add_usec(record, "ELAPSED_USEC",
                usec_sub(ran->ended_at_usec, supervisor->ladder.began_at_usec));
        record_add_bool(record, "TIMED_OUT", ran->is_timed_out);
        record_add_string(record, "ENDED_BY", phase_ended_by(ran, note));
        work_record_add_active(record, &note->active_at_start, &note->active_at_end);
        if (note->active_at_end.source == ACTIVE_SOCKETS)
                record_add_usec(record, "ACTIVE_AGE_USEC",
                        usec_sub(ran->ended_at_usec, note->counted_at_usec));
        if (ran->is_timed_out)
                work_record_add_stall(record, &supervisor->stall);
        record_set_message(record, "Phase %s %s +%" USEC_FMT ".%02" USEC_FMT "s%s", phase->name,
                ran->is_timed_out                             ? "timed out"
                        : note->cut == PHASE_CUT_STEP_TIMEOUT ? "gave way to overdue steps"
                                                              : "ended",
                took_usec / USEC_PER_SEC, took_usec % USEC_PER_SEC / (10 * USEC_PER_MSEC),
                work_format_active(&note->active_at_start, &note->active_at_end, active));
        record_sink_send(supervisor->sink, record, now_usec);
}

void run_record_phases(Supervisor *supervisor, usec_t now_usec) {
        for (size_t i = 0; i < supervisor->ladder.schedule.n_phases; i++) {
                if (!supervisor->ladder.phases[i].is_over || supervisor->phase_notes[i].is_recorded)
                        continue;
                supervisor->phase_notes[i].is_recorded = true;
                run_record_phase(supervisor, i, now_usec);
        }
}

void run_record_leftover(Supervisor *supervisor, usec_t now_usec) {
        _cleanup_free_ ProcessInfo *others = NULL;
        json_object *list;
        size_t n = 0, n_total = 0;
        Record *record;

        if (supervisor->is_leftover_recorded ||
                payload_list_others(supervisor->payload, &others, &n, &n_total) < 0 || n_total == 0)
                return;
        supervisor->is_leftover_recorded = true;

        list = json_object_new_array();
        for (size_t i = 0; list && i < n; i++) {
                json_object *item = json_object_new_object();
                char state[2] = { others[i].state, '\0' };

                if (!item)
                        break;
                record_json_put(item, "pid", json_object_new_int(others[i].pid));
                record_json_put(item, "ppid", json_object_new_int(others[i].ppid));
                record_json_put(item, "session", json_object_new_int(others[i].session));
                record_json_put(item, "state", json_object_new_string(state));
                record_json_put(item, "comm", json_object_new_string(others[i].comm));
                (void) json_object_array_add(list, item);
        }
        record = record_new(RECORD_LEFTOVER);
        record_add_json(record, "LEFTOVER", list);
        record_add_unsigned(record, "LEFTOVER_COUNT", n_total);
        record_set_message(record, "%zu process%s outlived the main process of %s (%s[%d]%s)",
                n_total, n_total == 1 ? "" : "es", supervisor->name, others[0].comm, others[0].pid,
                n_total == 1 ? "" : ", …");
        record_sink_send(supervisor->sink, record, now_usec);
}

void run_record_degraded(
        Supervisor *supervisor, const char *what, int error, const char *consequence) {
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_WARNING))
                return;
        record = record_new(RECORD_DEGRADED);
        record_add_string(record, "WHAT", what);
        record_add_signed(record, "ERRNO", error);
        record_add_string(record, "ERROR", strerror(error));
        record_set_message(record, "%s: %s: %s", what, strerror(error), consequence);
        record_sink_send(supervisor->sink, record, usec_now(CLOCK_MONOTONIC));
}
