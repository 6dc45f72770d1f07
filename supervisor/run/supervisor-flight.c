/* SPDX-License-Identifier: MIT */

/* What outlives the run: the state directory with its markers, and the flight record, which is brought up
 * to date at every turn of the run, so that whoever finds it later knows how far this one came.
 *
 * The directory is opened before the fork, because the gateway is told how the run before ended; what the
 * run before still owes is recorded after it. Nothing here is fatal, and no disk is waited for.
 *
 * What the gateway says of itself is noted when it says so, never by a timer of its own: a gateway that is idle
 * costs nothing. One that says 20,000 things a second costs one write a second. A few pieces of news (a phase, a
 * step, another number of work in flight) may be written in advance of that, so that the one that is followed by
 * silence is there. What was put off is noted with whatever comes next, in a stop with the next status line. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "forensics/state-directory.h"
#include "run/supervisor-internal.h"
#include "signals.h"

#define FLIGHT_INTERVAL_USEC USEC_PER_SEC
#define FLIGHT_CREDIT_USEC   (16 * FLIGHT_INTERVAL_USEC) /* what may be written in advance */

/* The gateway's own home is where it keeps its markers, whatever is kept elsewhere. */
static void supervisor_open_markers(Supervisor *supervisor) {
        const char *home = getenv("HERMES_HOME");

        supervisor->marker_fd = supervisor->state_fd;
        if (!home || home[0] != '/' ||
                (supervisor->state_path && strcmp(home, supervisor->state_path) == 0))
                return;
        supervisor->marker_fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (supervisor->marker_fd < 0)
                supervisor->marker_fd = supervisor->state_fd;
}

void supervisor_open_state(Supervisor *supervisor) {
        int r;

        r = state_directory_open(
                supervisor->config->state_dir, supervisor->name, &supervisor->state_path);
        if (r < 0)
                supervisor->state_error = -r;
        else
                supervisor->state_fd = r;
        supervisor_open_markers(supervisor);
        if (supervisor->state_fd < 0)
                return;

        r = flight_recorder_open(supervisor->state_fd, &supervisor->recorder);
        if (r >= 0)
                r = previous_run_read(supervisor->recorder, &supervisor->previous);
        if (r < 0)
                supervisor->recorder_error = -r;
}

static void supervisor_record_state_errors(Supervisor *supervisor) {
        char consequence[320];

        if (supervisor->state_error > 0) {
                (void) snprintf(consequence, sizeof(consequence),
                        "the state directory %.200s cannot be used: no marker, flight record "
                        "or diagnostic is written",
                        supervisor->state_path ?: "(none: HOME is not set)");
                run_record_degraded(supervisor, "state-dir", supervisor->state_error, consequence);
        }
        if (supervisor->recorder_error > 0)
                run_record_degraded(supervisor, "flight-record", supervisor->recorder_error,
                        supervisor->recorder ? "how the run before ended is not known"
                                             : "if this run is killed, nobody will know how far "
                                               "it came");
}

void supervisor_close_previous(Supervisor *supervisor) {
        PreviousRun *previous = &supervisor->previous;
        PreviousRunSink where = {
                .log_target = supervisor->config->log_target,
                .log_level = supervisor->config->log_level,
                .console_fd = supervisor->config->console_fd,
        };
        bool is_unexplained = previous->is_open || previous->end == PREVIOUS_LOST ||
                previous->end == PREVIOUS_REBOOT;

        supervisor_record_state_errors(supervisor);
        if (!supervisor->recorder)
                return;
        if (previous->is_open) {
                (void) !previous_run_send(previous, "next-run", /* service= */ NULL, &where);
                (void) !previous_run_close(supervisor->recorder, previous, "next-run");
        }
        if (is_unexplained)
                record_sink_send(
                        supervisor->sink, previous_run_record(previous), usec_now(CLOCK_MONOTONIC));
}

/* ---- The record ------------------------------------------------------------------------------- */

static void flight_set(char *target, size_t size, const char *text) {
        (void) snprintf(target, size, "%.*s", (int) size - 1, text ?: "");
}
#define FLIGHT_SET(field, text) flight_set((field), sizeof(field), (text))

static void supervisor_log_identity(Supervisor *supervisor) {
        FlightRecord *flight = &supervisor->flight;

        if (flight->started_at_usec > 0)
                return;
        flight->run_id = supervisor->run_id;
        (void) sd_id128_get_boot(&flight->boot_id);
        FLIGHT_SET(flight->name, supervisor->name);
        FLIGHT_SET(flight->unit, supervisor->unit.unit);
        flight->supervisor_pid = (uint32_t) getpid();
        flight->started_at_usec = supervisor->forked_at_usec;
        flight->started_at_realtime_usec = usec_sub(usec_now(CLOCK_REALTIME),
                usec_sub(usec_now(CLOCK_MONOTONIC), supervisor->forked_at_usec));
}

static void supervisor_log_sender(Supervisor *supervisor) {
        FlightRecord *flight = &supervisor->flight;
        const StopRequest *stop = &supervisor->stop;
        const Inquiry *inquiry = supervisor->inquiry;
        _cleanup_free_ char *cmdline = NULL;
        char name[SIGNAL_NAME_MAX];

        if (stop->signo <= 0)
                return;
        FLIGHT_SET(flight->signal, signal_to_name(name, stop->signo));
        flight->sender_pid = (uint32_t) stop->sender_pid;
        flight->sender_uid = stop->sender_uid;
        FLIGHT_SET(flight->sender_code, signal_code_to_name(stop->signo, stop->code));
        if (!inquiry || !inquiry->is_described)
                return;
        FLIGHT_SET(flight->sender_state, sender_state_to_string(inquiry->caught.state));
        FLIGHT_SET(flight->sender_comm, inquiry->caught.sender.info.comm);
        cmdline = process_snapshot_cmdline(
                &inquiry->caught.sender, supervisor->config->cmdline, FLIGHT_TEXT_MAX - 1);
        FLIGHT_SET(flight->sender_cmdline, cmdline);
}

static void supervisor_log_verdict(Supervisor *supervisor) {
        FlightRecord *flight = &supervisor->flight;
        const Inquiry *inquiry = supervisor->inquiry;

        if (!inquiry || !inquiry->is_settled)
                return;
        FLIGHT_SET(flight->cause, cause_to_string(supervisor->verdict.cause));
        FLIGHT_SET(flight->cause_detail, supervisor->verdict.detail);
        if (inquiry->requesters.n == 0)
                return;
        flight->requester_pid = (uint32_t) inquiry->requesters.items[0].pid;
        flight->requester_uid = inquiry->requesters.items[0].uid;
        FLIGHT_SET(flight->requester_comm, inquiry->requesters.items[0].comm);
        FLIGHT_SET(flight->requester_cmdline, inquiry->requesters.items[0].cmdline);
}

static void supervisor_log_phases(Supervisor *supervisor, usec_t now_usec) {
        FlightRecord *flight = &supervisor->flight;
        const Ladder *ladder = &supervisor->ladder;
        const Phase *phase = ladder_phase(ladder);

        flight->n_phases = 0;
        for (size_t i = 0; i < ladder->schedule.n_phases; i++) {
                const LadderPhase *ran = &ladder->phases[i];
                FlightPhase *ended = &flight->phases[flight->n_phases];

                if (!ran->has_run || !ran->is_over || flight->n_phases == FLIGHT_PHASES_MAX)
                        continue;
                FLIGHT_SET(ended->name, ladder->schedule.phases[i].name);
                ended->usec = usec_sub(ran->ended_at_usec, ran->began_at_usec);
                ended->is_timed_out = ran->is_timed_out;
                flight->n_phases++;
        }
        if (phase) {
                FLIGHT_SET(flight->phase, phase->name);
                flight->phase_at_usec = ladder->phases[ladder->phase_index].began_at_usec;
                flight->phase_deadline_usec = ladder->deadline_at_usec;
                return;
        }
        FLIGHT_SET(flight->phase,
                ladder->state == LADDER_ENDED  ? "ended"
                        : supervisor->is_ready ? "running"
                                               : "starting");
        flight->phase_at_usec = now_usec;
        flight->phase_deadline_usec = USEC_INFINITY;
}

/* What the gateway says of itself. */
static void supervisor_log_work(Supervisor *supervisor) {
        FlightRecord *flight = &supervisor->flight;
        const Progress *progress = &supervisor->progress;
        const Steps *steps = &supervisor->steps;

        flight->heartbeat_at_usec = supervisor->liveness.beat_at_usec;
        flight->watchdog_usec = supervisor->liveness.interval_usec == USEC_INFINITY
                ? 0
                : supervisor->liveness.interval_usec;
        flight->is_active_known = progress->active.source != ACTIVE_UNKNOWN;
        flight->n_active = flight->is_active_known ? progress->active.n : 0;
        FLIGHT_SET(flight->gateway_phase, progress->present ? progress->present->name : NULL);
        flight->n_steps_open = steps->n_open;
        FLIGHT_SET(flight->step, steps->n_open > 0 ? steps->open[0].name : NULL);
}

static void supervisor_write_flight(Supervisor *supervisor) {
        int r;

        r = flight_recorder_write(supervisor->recorder, &supervisor->flight);
        if (r >= 0)
                return;
        supervisor->recorder = flight_recorder_free(supervisor->recorder);
        run_record_degraded(supervisor, "flight-record", -r,
                "if this run is killed, nobody will know how far it came");
}

void supervisor_log_flight(Supervisor *supervisor, usec_t now_usec) {
        FlightRecord *flight = &supervisor->flight;

        if (!supervisor->recorder)
                return;
        supervisor_log_identity(supervisor);
        flight->gateway_pid = (uint32_t) supervisor->gateway.pid;
        flight->is_ready = supervisor->is_ready;
        if (supervisor->stop.is_asked && flight->stop_at_usec == 0) {
                flight->stop_at_usec = supervisor->ladder.began_at_usec;
                flight->stop_at_realtime_usec = usec_sub(usec_now(CLOCK_REALTIME),
                        usec_sub(now_usec, supervisor->ladder.began_at_usec));
        }
        supervisor_log_sender(supervisor);
        supervisor_log_verdict(supervisor);
        supervisor_log_phases(supervisor, now_usec);
        supervisor_log_work(supervisor);
        supervisor->flight_at_usec = now_usec;
        supervisor_write_flight(supervisor);
}

/* Each of these writes is paid for with an interval; flight_due_usec is when all of them will have been. */
void supervisor_note_flight(Supervisor *supervisor, bool is_news, usec_t now_usec) {
        bool has_credit = supervisor->flight_due_usec < usec_add(now_usec, FLIGHT_CREDIT_USEC);

        if (!supervisor->recorder || supervisor->flight.started_at_usec == 0)
                return;
        if (now_usec < usec_add(supervisor->flight_at_usec, FLIGHT_INTERVAL_USEC) &&
                !(is_news && has_credit))
                return;
        if (supervisor->flight_due_usec < now_usec)
                supervisor->flight_due_usec = now_usec;
        supervisor->flight_due_usec = usec_add(supervisor->flight_due_usec, FLIGHT_INTERVAL_USEC);
        supervisor->flight_at_usec = now_usec;
        supervisor_log_work(supervisor);
        supervisor_write_flight(supervisor);
}

void supervisor_close_flight(Supervisor *supervisor, Outcome outcome, const char *recorded_by) {
        FlightRecord *flight = &supervisor->flight;
        char name[SIGNAL_NAME_MAX];

        if (!supervisor->recorder)
                return;
        FLIGHT_SET(flight->phase, "ended");
        FLIGHT_SET(flight->cause, cause_to_string(supervisor->verdict.cause));
        FLIGHT_SET(flight->cause_detail, supervisor->verdict.detail);
        FLIGHT_SET(flight->outcome, outcome_to_string(outcome));
        FLIGHT_SET(flight->exit_code, gateway_end_to_string(supervisor->status.end));
        if (supervisor->status.end == GATEWAY_EXITED)
                (void) snprintf(flight->exit_status, sizeof(flight->exit_status), "%d",
                        supervisor->status.status);
        else
                FLIGHT_SET(flight->exit_status, signal_to_name(name, supervisor->status.status));
        FLIGHT_SET(flight->recorded_by, recorded_by);
        supervisor_log_work(supervisor);
        supervisor_write_flight(supervisor);
}
