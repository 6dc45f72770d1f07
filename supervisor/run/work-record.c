/* SPDX-License-Identifier: MIT */

/* The records of what the gateway does: its steps and phases, a missed heartbeat, what it was doing
 * before it was killed, and the story of all that in the last record. Nothing is decided here. */

#include <string.h>
#include <syslog.h>

#include "byte-buffer.h"
#include "record-json.h"
#include "run/supervisor-internal.h"
#include "signals.h"

#define ELAPSED_TEXT_MAX 32

/* "+1.42s" */
static const char *work_format_elapsed(char buffer[static ELAPSED_TEXT_MAX], usec_t usec) {
        (void) snprintf(buffer, ELAPSED_TEXT_MAX, "+%" USEC_FMT ".%02" USEC_FMT "s",
                usec / USEC_PER_SEC, usec % USEC_PER_SEC / (10 * USEC_PER_MSEC));
        return buffer;
}

/* Since the stop began, or without one since the fork. */
static usec_t work_elapsed(const Supervisor *supervisor, usec_t at_usec) {
        usec_t began_at_usec = ladder_reach(&supervisor->ladder) == LADDER_REACH_NONE
                ? supervisor->forked_at_usec
                : supervisor->ladder.began_at_usec;

        return usec_sub(at_usec, began_at_usec);
}

/* ---- Work in flight --------------------------------------------------------------------------- */

void work_record_add_active(
        Record *record, const ActiveCount *at_start, const ActiveCount *at_end) {
        if (at_end->source == ACTIVE_UNKNOWN)
                return;
        if (at_start->source == at_end->source) /* connections are not sessions */
                record_add_unsigned(record, "ACTIVE_AT_START", at_start->n);
        record_add_unsigned(record, "ACTIVE_NOW", at_end->n);
        record_add_string(record, "ACTIVE_SOURCE", active_source_to_string(at_end->source));
}

const char *work_format_active(const ActiveCount *at_start, const ActiveCount *at_end,
        char buffer[static ACTIVE_TEXT_MAX]) {
        const char *what = at_end->source == ACTIVE_SOCKETS ? "connections" : "active";

        buffer[0] = '\0';
        if (at_end->source == ACTIVE_UNKNOWN)
                return buffer;
        if (at_start->source == at_end->source)
                (void) snprintf(buffer, ACTIVE_TEXT_MAX, " (%s %" PRIu64 " -> %" PRIu64 ")", what,
                        at_start->n, at_end->n);
        else
                (void) snprintf(buffer, ACTIVE_TEXT_MAX, " (%s %" PRIu64 ")", what, at_end->n);
        return buffer;
}

/* ---- Why a deadline was missed ---------------------------------------------------------------- */

static void record_add_pressure(
        Record *record, const char *prefix, StallResource resource, const StallPressure *pressure) {
        static const char *const names[_STALL_RESOURCE_MAX] = {
                [STALL_CPU] = "CPU",
                [STALL_MEMORY] = "MEMORY",
                [STALL_IO] = "IO",
        };
        char name[64], value[64];

        if (!pressure->is_known)
                return;
        (void) snprintf(name, sizeof(name), "%sPRESSURE_%s", prefix, names[resource]);
        (void) snprintf(value, sizeof(value), "some=%.2f full=%.2f", pressure->some_percent,
                pressure->full_percent);
        record_add_string(record, name, value);
}

void work_record_add_stall(Record *record, const StallReport *stall) {
        const StallFacts *facts = &stall->facts;
        char loadavg[32];

        if (!stall->is_known)
                return;
        record_add_string(record, "STALL", stall_to_string(stall->verdict.stall));
        record_add_string(record, "STALL_DETAIL", stall->verdict.detail);
        record_add_usec(record, "STALL_WINDOW_USEC", facts->window_usec);
        record_add_usec(record, "SUPERVISOR_LATE_USEC", facts->late_usec);
        if (facts->has_loadavg) {
                (void) snprintf(loadavg, sizeof(loadavg), "%.2f", facts->loadavg);
                record_add_string(record, "LOADAVG", loadavg);
        }
        for (StallResource resource = 0; resource < _STALL_RESOURCE_MAX; resource++) {
                record_add_pressure(record, "", resource, &facts->host[resource]);
                record_add_pressure(record, "UNIT_", resource, &facts->unit[resource]);
        }
        if (facts->has_cpu)
                record_add_usec(record, "MAIN_CPU_USEC", facts->cpu_usec);
        if (facts->has_payload_cpu)
                record_add_usec(record, "PAYLOAD_CPU_USEC", facts->payload_cpu_usec);
        if (facts->has_run_delay)
                record_add_usec(record, "RUN_DELAY_USEC", facts->run_delay_usec);
        if (facts->throttled_usec > 0)
                record_add_usec(record, "THROTTLED_USEC", facts->throttled_usec);
        record_add_bool(record, "FROZEN", facts->is_frozen);
}

/* ---- Steps and phases ------------------------------------------------------------------------- */

static void record_set_step_message(
        Record *record, const Supervisor *supervisor, const Step *step, usec_t took_usec) {
        char elapsed[ELAPSED_TEXT_MAX], bound[USEC_SPAN_MAX];
        const StallReport *stall = &supervisor->stall;

        (void) work_format_elapsed(elapsed, took_usec);
        (void) usec_format_span(bound, step->timeout_usec, 1);
        switch (step->end) {
        case STEP_OPEN:
                record_set_message(record, "Step %s is overdue %s (bound %s)%s%s", step->name,
                        elapsed, bound, stall->is_known ? ": " : "",
                        stall->is_known ? stall->verdict.detail : "");
                break;
        case STEP_LATE:
                record_set_message(
                        record, "Step %s ended late %s (bound %s)", step->name, elapsed, bound);
                break;
        case STEP_ABANDONED:
                record_set_message(record, "Step %s never ended %s", step->name, elapsed);
                break;
        default:
                record_set_message(record, "Step %s ended %s", step->name, elapsed);
                break;
        }
}

void work_record_step(Supervisor *supervisor, const Step *step, usec_t now_usec) {
        usec_t at_usec = step->end == STEP_OPEN ? now_usec : step->ended_at_usec;
        usec_t took_usec = usec_sub(at_usec, step->began_at_usec);
        bool is_timed_out = at_usec >= step->deadline_at_usec;
        int priority = is_timed_out || step->end == STEP_ABANDONED ? LOG_WARNING : LOG_INFO;
        Record *record;

        if (!record_sink_wants(supervisor->sink, priority))
                return;
        record = record_new(RECORD_STEP);
        record_set_priority(record, priority);
        record_add_string(record, "STEP", step->name);
        record_add_usec(record, "STEP_USEC", took_usec);
        record_add_usec(record, "STEP_TIMEOUT_USEC", step->timeout_usec);
        record_add_bool(record, "TIMED_OUT", is_timed_out);
        record_add_string(record, "STEP_END", step_end_to_string(step->end));
        record_add_usec(record, "ELAPSED_USEC", work_elapsed(supervisor, at_usec));
        if (step->end == STEP_OPEN)
                work_record_add_stall(record, &supervisor->stall);
        record_set_step_message(record, supervisor, step, took_usec);
        record_sink_send(supervisor->sink, record, now_usec);
}

void work_record_phase(Supervisor *supervisor, const ReportedPhase *phase, usec_t now_usec) {
        usec_t took_usec = usec_sub(phase->ended_at_usec, phase->began_at_usec);
        int priority = phase->is_timed_out ? LOG_WARNING : LOG_INFO;
        char elapsed[ELAPSED_TEXT_MAX], active[ACTIVE_TEXT_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, priority))
                return;
        record = record_new(RECORD_PHASE);
        record_set_priority(record, priority);
        record_add_string(record, "PHASE", phase->name);
        record_add_string(record, "PHASE_SOURCE", "gateway");
        record_add_usec(record, "PHASE_USEC", took_usec);
        record_add_usec(record, "ELAPSED_USEC", work_elapsed(supervisor, phase->ended_at_usec));
        record_add_bool(record, "TIMED_OUT", phase->is_timed_out);
        work_record_add_active(record, &phase->active_at_start, &phase->active_at_end);
        record_set_message(record, "Phase %s %s %s%s", phase->name,
                phase->is_timed_out ? "ran into a deadline" : "ended",
                work_format_elapsed(elapsed, took_usec),
                work_format_active(&phase->active_at_start, &phase->active_at_end, active));
        record_sink_send(supervisor->sink, record, now_usec);
}

/* ---- Missed deadlines ------------------------------------------------------------------------- */

void work_record_watchdog(Supervisor *supervisor, bool is_triggered, usec_t now_usec) {
        const Liveness *liveness = &supervisor->liveness;
        usec_t age_usec = usec_sub(now_usec, liveness->beat_at_usec);
        char name[SIGNAL_NAME_MAX], age[USEC_SPAN_MAX], interval[USEC_SPAN_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_ERR))
                return;
        record = record_new(RECORD_WATCHDOG);
        record_add_usec(record, "WATCHDOG_USEC", liveness->interval_usec);
        record_add_usec(record, "WATCHDOG_AGE_USEC", age_usec);
        record_add_string(record, "WATCHDOG_SIGNAL",
                signal_to_name(name, supervisor->config->watchdog_signal));
        record_add_bool(record, "WATCHDOG_TRIGGERED", is_triggered);
        work_record_add_stall(record, &supervisor->stall);
        if (is_triggered)
                record_set_message(record, "Gateway %s gave itself up (WATCHDOG=trigger): %s",
                        supervisor->name, supervisor->stall.verdict.detail);
        else
                record_set_message(record, "Gateway %s sent no heartbeat for %s (due every %s): %s",
                        supervisor->name, usec_format_span(age, age_usec, USEC_PER_MSEC),
                        usec_format_span(interval, liveness->interval_usec, 1),
                        supervisor->stall.verdict.detail);
        record_sink_send(supervisor->sink, record, now_usec);
}

static void record_set_stuck_message(
        Record *record, const Supervisor *supervisor, const Look *look) {
        char peers[STUCK_PEERS_MAX] = "";

        if (look->stuck)
                (void) stuck_format_peers(look->stuck, peers);
        record_set_message(record, "Gateway %s missed %s%s: %s%s%s%s%s", supervisor->name,
                look->missed == MISSED_HEARTBEAT      ? "its heartbeat"
                        : look->missed == MISSED_STEP ? "the deadline of its steps"
                                                      : "the end of phase ",
                look->missed == MISSED_PHASE ? look->phase : "",
                look->stall.is_known ? look->stall.verdict.detail : "why is not known",
                look->steps[0] ? "; open steps: " : "", look->steps, peers[0] ? "; waits for " : "",
                peers);
}

void work_record_stuck(Supervisor *supervisor, const Look *look, usec_t now_usec) {
        static const char *const missed[_MISSED_DEADLINE_MAX] = {
                [MISSED_HEARTBEAT] = "heartbeat",
                [MISSED_STEP] = "step",
                [MISSED_PHASE] = "phase",
        };
        char name[SIGNAL_NAME_MAX];
        Record *record;

        if (!record_sink_wants(supervisor->sink, LOG_WARNING))
                return;
        record = record_new(RECORD_STUCK);
        record_add_string(record, "MISSED", missed[look->missed]);
        record_add_string(record, "PHASE", look->phase[0] ? look->phase : NULL);
        record_add_string(record, "STEPS_OPEN", look->steps[0] ? look->steps : NULL);
        if (look->dump_signo > 0)
                record_add_string(record, "DUMP_SIGNAL", signal_to_name(name, look->dump_signo));
        work_record_add_stall(record, &look->stall);
        if (look->stuck)
                record_add_json(record, "STUCK", json_object_get(look->stuck));
        record_set_stuck_message(record, supervisor, look);
        record_sink_send(supervisor->sink, record, now_usec);
}

/* ---- The story -------------------------------------------------------------------------------- */

static json_object *work_steps_json(const Steps *steps) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < steps->n_ended; i++) {
                const Step *step = &steps->ended[i];
                json_object *item = json_object_new_object();

                if (!item)
                        break;
                record_json_put(item, "name", json_object_new_string(step->name));
                record_json_put(item, "usec",
                        json_object_new_uint64(usec_sub(step->ended_at_usec, step->began_at_usec)));
                if (step->timeout_usec != USEC_INFINITY)
                        record_json_put(
                                item, "timeout_usec", json_object_new_uint64(step->timeout_usec));
                record_json_put(item, "end", json_object_new_string(step_end_to_string(step->end)));
                (void) json_object_array_add(list, item);
        }
        return list;
}

static json_object *work_phases_json(const Progress *progress) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < progress->n_ended; i++) {
                const ReportedPhase *phase = &progress->ended[i];
                json_object *item = json_object_new_object();

                if (!item)
                        break;
                record_json_put(item, "name", json_object_new_string(phase->name));
                record_json_put(item, "usec",
                        json_object_new_uint64(
                                usec_sub(phase->ended_at_usec, phase->began_at_usec)));
                record_json_put(item, "timed_out", json_object_new_boolean(phase->is_timed_out));
                if (phase->active_at_start.source != ACTIVE_UNKNOWN)
                        record_json_put(item, "active_at_start",
                                json_object_new_uint64(phase->active_at_start.n));
                if (phase->active_at_end.source != ACTIVE_UNKNOWN)
                        record_json_put(
                                item, "active_now", json_object_new_uint64(phase->active_at_end.n));
                (void) json_object_array_add(list, item);
        }
        return list;
}

/* "+0.00s drain 1.42s (active 3 -> 0), +1.42s close_database 0.10s" */
static void record_add_timeline(Record *record, const Supervisor *supervisor) {
        const Progress *progress = &supervisor->progress;
        _cleanup_(byte_buffer_done) ByteBuffer text = {};
        char began[ELAPSED_TEXT_MAX], took[ELAPSED_TEXT_MAX], active[ACTIVE_TEXT_MAX];
        char entry[STEP_NAME_MAX + 128];

        for (size_t i = 0; i < progress->n_ended; i++) {
                const ReportedPhase *phase = &progress->ended[i];
                (void) snprintf(entry, sizeof(entry), "%s%s %s %s%s", i > 0 ? ", " : "",
                        work_format_elapsed(began, work_elapsed(supervisor, phase->began_at_usec)),
                        phase->name,
                        work_format_elapsed(
                                took, usec_sub(phase->ended_at_usec, phase->began_at_usec)) +
                                1,
                        work_format_active(&phase->active_at_start, &phase->active_at_end, active));
                byte_buffer_append_text(&text, entry);
        }
        if (!text.is_failed)
                record_add_string(record, "TIMELINE", text.data);
}

void work_record_add_story(Record *record, const Supervisor *supervisor) {
        const Progress *progress = &supervisor->progress;
        const Steps *steps = &supervisor->steps;

        work_record_add_active(record, &progress->active_at_stop, &progress->active);
        if (progress->n_ended > 0) {
                record_add_json(record, "GATEWAY_PHASES", work_phases_json(progress));
                record_add_timeline(record, supervisor);
        }
        if (steps->n_of_stop == 0)
                return;
        record_add_json(record, "STEPS", work_steps_json(steps));
        record_add_unsigned(record, "STEPS_COUNT", steps->n_of_stop);
        record_add_string(record, "SLOWEST_STEP", steps->slowest.name);
        record_add_usec(record, "SLOWEST_STEP_USEC",
                usec_sub(steps->slowest.ended_at_usec, steps->slowest.began_at_usec));
}
