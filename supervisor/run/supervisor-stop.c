/* SPDX-License-Identifier: MIT */

/* The ladder applied: its actions become signals, its deadlines a timer, its phases records and a
 * status line. The order within a stop is fixed: the gateway's signal first, then the marker on disk,
 * then systemd, then the records. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "forensics/clean-shutdown.h"
#include "run/supervisor-internal.h"
#include "signals.h"
#include "utf8.h"

#define STATUS_STEPS_MAX 256

static bool supervisor_phase_needs_others(const Supervisor *supervisor) {
        const Phase *phase = ladder_phase(&supervisor->ladder);

        return phase && phase->target != PHASE_TARGET_MAIN;
}

LadderFacts supervisor_facts(Supervisor *supervisor) {
        /* With main alive and a phase that waits for main alone, nobody asks for the others, and
         * looking costs a walk through /proc. */
        bool is_looked_at = !supervisor->is_main_alive || supervisor_phase_needs_others(supervisor);

        return (LadderFacts){
                .is_main_alive = supervisor->is_main_alive,
                .has_others = !is_looked_at || payload_has_others(supervisor->payload),
        };
}

static void supervisor_send(Supervisor *supervisor, const LadderAction *action) {
        if (action->target != PHASE_TARGET_MAIN) {
                (void) !payload_signal(supervisor->payload, action->target, action->signo,
                        action->skip_main, /* ret_n_sent= */ NULL);
                return;
        }
        if (action->signo == supervisor->relayed_signo)
                supervisor->relayed_signo = 0;
        else if (gateway_signal(&supervisor->gateway, action->signo, /* queued= */ NULL) < 0)
                return; /* gone: its SIGCHLD is on the way */
        if (action->signo != SIGKILL && action->signo != SIGSTOP && action->signo != SIGCONT)
                (void) !gateway_signal(&supervisor->gateway, SIGCONT, /* queued= */ NULL);
}

void supervisor_arm(sd_event_source *source, usec_t at_usec) {
        if (at_usec == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(source, at_usec);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* When there will be something to show or to ask for, by itself: the number of connections is looked
 * at once a second, and systemd is asked for more time; else nothing wakes us until something changes. */
static usec_t supervisor_next_turn(const Supervisor *supervisor, usec_t now_usec) {
        if (supervisor_is_counting(supervisor))
                return usec_add(now_usec, PROGRESS_INTERVAL_USEC);
        return supervisor->budget.do_extend ? usec_add(now_usec, EXTEND_INTERVAL_USEC)
                                            : USEC_INFINITY;
}

/* Appends as much as there is room for. */
static void _printf_(2, 3) status_add(char text[static STATUS_TEXT_MAX], const char *format, ...) {
        size_t size = strlen(text);
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(text + size, STATUS_TEXT_MAX - size, format, arguments);
        va_end(arguments);
        if (strlen(text) == STATUS_TEXT_MAX - 1)
                text[utf8_cut(text, STATUS_TEXT_MAX - 2)] = '\0';
}

/* A line that is not renewed every second says until when, too. In UTC: the local time zone is a file. */
static void status_add_end(char text[static STATUS_TEXT_MAX], usec_t left_usec) {
        time_t end = (time_t) (usec_add(usec_now(CLOCK_REALTIME), left_usec) / USEC_PER_SEC);
        struct tm utc;

        if (gmtime_r(&end, &utc))
                status_add(text, " until %02d:%02d:%02d UTC", utc.tm_hour, utc.tm_min, utc.tm_sec);
}

const char *supervisor_stop_status(Supervisor *supervisor, usec_t now_usec) {
        const Ladder *ladder = &supervisor->ladder;
        const Phase *phase = ladder_phase(ladder);
        const Progress *progress = &supervisor->progress;
        usec_t left_usec = usec_sub(ladder->deadline_at_usec, now_usec);
        char steps[STATUS_STEPS_MAX], *text = supervisor->status_text;

        text[0] = '\0';
        if (!phase) {
                status_add(text, "Stopped");
                return text;
        }
        status_add(text, "%s: ", ladder->state == LADDER_DRAINING ? "Draining" : phase->name);
        if (progress->active.source != ACTIVE_UNKNOWN)
                status_add(text, "%" PRIu64 " %s, ", progress->active.n,
                        progress->active.source == ACTIVE_SOCKETS ? "connections" : "active");
        status_add(text, "%" USEC_FMT "s left (phase %zu/%zu)",
                (left_usec + USEC_PER_SEC - 1) / USEC_PER_SEC, ladder->phase_index + 1,
                ladder->schedule.n_phases);
        if (supervisor_next_turn(supervisor, now_usec) == USEC_INFINITY)
                status_add_end(text, left_usec);
        if (progress->present)
                status_add(text, ", %s", progress->present->name);
        if (steps_format_open(&supervisor->steps, steps, sizeof(steps))[0])
                status_add(text, ": %s", steps);
        if (supervisor->gateway_status[0])
                status_add(text, ": %s", supervisor->gateway_status);
        return text;
}

/* What of the gateway's progress is to be shown, as a number that changes with it. */
static uint64_t supervisor_generation(const Supervisor *supervisor) {
        return supervisor->progress.generation + supervisor->steps.n_open +
                2 * supervisor->steps.n_of_stop;
}

/* One datagram: that we stop, how far it is, and how long we want. */
static void supervisor_tell_systemd(Supervisor *supervisor, bool is_begin, usec_t now_usec) {
        char text[STATUS_TEXT_MAX + 128], extend[64] = "";
        const Ladder *ladder = &supervisor->ladder;

        supervisor->told_at_usec = now_usec;
        supervisor->shown_generation = supervisor_generation(supervisor);
        if (!is_begin)
                supervisor_note_flight(supervisor, /* is_news= */ false, now_usec);
        if (!notify_proxy_has_upstream(supervisor->proxy))
                return;
        if (supervisor->budget.do_extend &&
                (is_begin ||
                        now_usec >= usec_add(supervisor->extended_at_usec, EXTEND_INTERVAL_USEC))) {
                (void) snprintf(extend, sizeof(extend), "EXTEND_TIMEOUT_USEC=%" USEC_FMT "\n",
                        usec_add(usec_sub(ladder->ends_by_usec, now_usec), EXTEND_RESERVE_USEC));
                supervisor->extended_at_usec = now_usec;
        }
        if (is_begin)
                supervisor->stopping_at_usec = usec_now(CLOCK_MONOTONIC);
        (void) snprintf(text, sizeof(text), "%s%sSTATUS=%s\n", is_begin ? "STOPPING=1\n" : "",
                extend, supervisor_stop_status(supervisor, now_usec));
        (void) notify_proxy_send(supervisor->proxy, text);
}

static void supervisor_apply(Supervisor *supervisor, const LadderAction *action) {
        switch (action->type) {
        case LADDER_ACTION_SIGNAL:
                supervisor_send(supervisor, action);
                break;
        case LADDER_ACTION_END:
                supervisor_leave(supervisor);
                break;
        default:
                break;
        }
}

/* Work in flight at the beginning and the end of phases, once the ladder has moved on. */
static void supervisor_note_phases(Supervisor *supervisor) {
        for (size_t i = 0; i < supervisor->ladder.schedule.n_phases; i++) {
                const LadderPhase *ran = &supervisor->ladder.phases[i];
                PhaseNote *note = &supervisor->phase_notes[i];

                if (!ran->has_run || note->is_recorded)
                        continue;
                if (note->active_at_start.source == ACTIVE_UNKNOWN)
                        note->active_at_start = supervisor->progress.active;
                note->active_at_end = supervisor->progress.active;
                note->counted_at_usec = supervisor->counted_at_usec;
        }
}

/* Goes on from a phase that has just begun against the others as long as there is nothing to wait
 * for: there are none, or with main gone all that are left ignore its signal. */
static void supervisor_settle(Supervisor *supervisor, LadderAction action, usec_t now_usec) {
        for (size_t i = 0; i < SCHEDULE_PHASES_MAX && action.type == LADDER_ACTION_SIGNAL &&
                supervisor_phase_needs_others(supervisor);
                i++) {
                LadderFacts facts = supervisor_facts(supervisor);
                bool is_futile = !facts.is_main_alive && facts.has_others &&
                        action.signo != SIGKILL &&
                        payload_others_ignore(supervisor->payload, action.signo);

                action = ladder_step(&supervisor->ladder,
                        is_futile ? LADDER_ESCALATE : LADDER_CHANGED, &facts, now_usec);
                supervisor_note_phases(supervisor);
                supervisor_apply(supervisor, &action);
        }
}

void supervisor_step(
        Supervisor *supervisor, LadderEvent event, const LadderFacts *facts, usec_t now_usec) {
        LadderAction action;

        action = ladder_step(&supervisor->ladder, event, facts, now_usec);
        if (action.type != LADDER_ACTION_NONE) {
                supervisor_note_phases(supervisor);
                steps_escalated(&supervisor->steps, now_usec);
        }
        supervisor_apply(supervisor, &action);
        supervisor_settle(supervisor, action, now_usec);

        if (supervisor->ladder.state == LADDER_ENDED) {
                supervisor_arm(supervisor->deadline_source, USEC_INFINITY);
                supervisor_arm(supervisor->sweep_source, USEC_INFINITY);
                return;
        }
        supervisor_arm(supervisor->deadline_source, supervisor->ladder.deadline_at_usec);
        supervisor->sweep_at_usec = supervisor_phase_needs_others(supervisor)
                ? usec_add(now_usec, SWEEP_INTERVAL_USEC)
                : USEC_INFINITY;
        supervisor_arm(supervisor->sweep_source, supervisor->sweep_at_usec);
        run_record_phases(supervisor, now_usec);
        if (!ladder_is_stopping(&supervisor->ladder) || action.type == LADDER_ACTION_NONE)
                return;
        supervisor_log_flight(supervisor, now_usec);
        if (event != LADDER_STOP) /* whose own turn comes once systemd has been told */
                supervisor_work_changed(supervisor, now_usec);
}

void supervisor_cut_phase(Supervisor *supervisor, PhaseCut cut, usec_t now_usec) {
        const Phase *phase = ladder_phase(&supervisor->ladder);
        LadderFacts facts = supervisor_facts(supervisor);

        if (!phase || supervisor->ladder.state == LADDER_KILLING) /* nothing lies above KILL */
                return;
        supervisor->phase_notes[supervisor->ladder.phase_index].cut = cut;
        if (cut == PHASE_CUT_STEP_TIMEOUT)
                supervisor_claim_look(supervisor, MISSED_STEP, phase->name);
        supervisor_step(supervisor, LADDER_ESCALATE, &facts, now_usec);
        if (supervisor->ladder.state != LADDER_ENDED)
                supervisor_record_stuck(supervisor, now_usec);
        if (supervisor->ladder.state != LADDER_ENDED)
                supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
}

static void supervisor_meet_deadline(Supervisor *supervisor, usec_t now_usec) {
        LadderFacts facts = supervisor_facts(supervisor);
        const Phase *phase = ladder_phase(&supervisor->ladder);
        bool is_last = supervisor->ladder.state == LADDER_KILLING;

        supervisor_see_stall(
                supervisor, usec_sub(now_usec, supervisor->ladder.deadline_at_usec), now_usec);
        progress_time_out(&supervisor->progress);
        if (phase)
                supervisor_claim_look(supervisor, MISSED_PHASE, phase->name);
        if (is_last) /* no further signal follows, and the last record is next */
                supervisor_record_stuck(supervisor, now_usec);
        supervisor_step(supervisor, LADDER_DEADLINE, &facts, now_usec);
        if (supervisor->ladder.state != LADDER_ENDED) {
                supervisor_record_stuck(supervisor, now_usec);
                supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
                supervisor_plan_look(supervisor, now_usec);
        }
        supervisor_forget_stall(supervisor);
}

static void supervisor_sweep(Supervisor *supervisor, usec_t now_usec) {
        LadderFacts facts;

        if (supervisor->ladder.state == LADDER_KILLING)
                (void) !payload_signal(supervisor->payload, PHASE_TARGET_ALL, SIGKILL,
                        /* skip_main= */ false, /* ret_n_sent= */ NULL);
        facts = supervisor_facts(supervisor);
        supervisor_step(supervisor, LADDER_CHANGED, &facts, now_usec);
}

void supervisor_budget_changed(Supervisor *supervisor) {
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        ladder_set_budget(&supervisor->ladder, &supervisor->budget);
        if (!ladder_is_stopping(&supervisor->ladder))
                return;
        supervisor_arm(supervisor->deadline_source, supervisor->ladder.deadline_at_usec);
        supervisor->extended_at_usec = 0;
        supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
}

void supervisor_catch_up(Supervisor *supervisor) {
        usec_t now_usec;

        if (!ladder_is_stopping(&supervisor->ladder))
                return;
        now_usec = usec_now(CLOCK_MONOTONIC);
        if (now_usec >= usec_add(supervisor->ladder.deadline_at_usec, DEADLINE_ACCURACY_USEC))
                supervisor_meet_deadline(supervisor, now_usec);
        else if (now_usec >= usec_add(supervisor->sweep_at_usec, DEADLINE_ACCURACY_USEC))
                supervisor_sweep(supervisor, now_usec);
}

static int supervisor_dispatch_deadline(sd_event_source *source, uint64_t at_usec, void *userdata) {
        supervisor_meet_deadline(userdata, usec_now(CLOCK_MONOTONIC));
        return 0;
}

static int supervisor_dispatch_sweep(sd_event_source *source, uint64_t at_usec, void *userdata) {
        supervisor_sweep(userdata, usec_now(CLOCK_MONOTONIC));
        return 0;
}

void supervisor_show_progress(Supervisor *supervisor, usec_t now_usec) {
        usec_t soonest_usec = usec_add(supervisor->told_at_usec, PROGRESS_INTERVAL_USEC);

        if (supervisor_generation(supervisor) == supervisor->shown_generation)
                return;
        if (now_usec < soonest_usec) {
                supervisor_arm(supervisor->progress_source, soonest_usec);
                return;
        }
        supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
        supervisor_arm(supervisor->progress_source, supervisor_next_turn(supervisor, now_usec));
}

static int supervisor_dispatch_progress(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        if (!ladder_is_stopping(&supervisor->ladder))
                return 0;
        supervisor_count_connections(supervisor);
        supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
        supervisor_arm(source, supervisor_next_turn(supervisor, now_usec));
        return 0;
}

int supervisor_add_timer(Supervisor *supervisor, const char *description, int64_t priority,
        usec_t accuracy_usec, sd_event_time_handler_t handler, sd_event_source **ret_source) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        int r;

        r = sd_event_add_time(supervisor->event, &source, CLOCK_MONOTONIC, USEC_INFINITY,
                accuracy_usec, handler, supervisor);
        if (r >= 0)
                r = sd_event_source_set_priority(source, priority);
        if (r >= 0)
                r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(source, description);
        *ret_source = TAKE_PTR(source);
        return 0;
}

int supervisor_add_stop_timers(Supervisor *supervisor) {
        int r;

        r = supervisor_add_timer(supervisor, "ladder-deadline", PRIORITY_DEADLINE,
                DEADLINE_ACCURACY_USEC, supervisor_dispatch_deadline, &supervisor->deadline_source);
        if (r < 0)
                return r;
        r = supervisor_add_timer(supervisor, "sweep", PRIORITY_DEADLINE, DEADLINE_ACCURACY_USEC,
                supervisor_dispatch_sweep, &supervisor->sweep_source);
        if (r < 0)
                return r;
        r = supervisor_add_timer(supervisor, "progress", PRIORITY_PROGRESS, PROGRESS_ACCURACY_USEC,
                supervisor_dispatch_progress, &supervisor->progress_source);
        if (r >= 0)
                r = supervisor_add_work_timers(supervisor);
        if (r >= 0)
                r = supervisor_add_watchdog_timer(supervisor);
        return r < 0 ? r : supervisor_add_look_timer(supervisor);
}

static void supervisor_write_marker(Supervisor *supervisor) {
        CleanShutdown marker = {
                .run_id = supervisor->run_id,
                .pid = supervisor->gateway.pid,
                .written_at_realtime_usec = usec_now(CLOCK_REALTIME),
        };
        int r;

        /* A gateway that is given up did not ask for it, nor did anybody else. */
        if (supervisor->state_fd < 0 || stop_request_is_forced(&supervisor->stop))
                return;
        (void) sd_id128_get_boot(&marker.boot_id);
        if (supervisor->stop.signo > 0)
                (void) signal_to_name(marker.signal, supervisor->stop.signo);
        r = clean_shutdown_write(supervisor->state_fd, &marker);
        if (r < 0)
                run_record_degraded(supervisor, "state-dir", -r,
                        "the next run will not know that this stop was asked for");
}

/* Before the gateway's signal, so that it finds the marker when it looks for it. Whether systemd has a
 * job for this or `systemctl kill` was called cannot be known yet. */
static void supervisor_write_planned_stop(Supervisor *supervisor) {
        StopMarkerTarget gateway = { .pid = supervisor->gateway.pid };
        ProcessInfo info;
        int r;

        if (!supervisor->config->writes_planned_stop || !supervisor->stop.is_from_manager ||
                !supervisor->is_main_alive)
                return;
        if (proc_read_info(supervisor->proc_fd, gateway.pid, &info) >= 0)
                gateway.start_ticks = info.start_ticks;
        r = planned_stop_write(supervisor->marker_fd, &gateway, getpid(), usec_now(CLOCK_REALTIME));
        if (r < 0)
                run_record_degraded(supervisor, "planned-stop-marker", -r,
                        "the gateway takes this stop for an unexpected one");
}

void supervisor_begin_stop(Supervisor *supervisor, const StopRequest *request,
        bool is_main_signalled, int stop_signo, usec_t now_usec) {
        LadderFacts facts = {
                .is_main_alive = supervisor->is_main_alive,
                .has_others = true, /* looked at when a phase needs to know */
                .is_main_signalled = is_main_signalled,
                .stop_signo = stop_signo,
        };

        supervisor->stop = *request;
        supervisor->relayed_signo = stop_relay_claim(&supervisor->relay)
                ? 0
                : stop_relay_sent(&supervisor->relay, supervisor->gateway.pid);
        supervisor_write_planned_stop(supervisor);
        supervisor_step(supervisor, LADDER_STOP, &facts, now_usec);
        supervisor->relayed_signo = 0;

        supervisor->heartbeat = heartbeat_free(supervisor->heartbeat);
        steps_begin_stop(&supervisor->steps);
        progress_begin_stop(&supervisor->progress);
        liveness_stopping(&supervisor->liveness);
        supervisor_write_marker(supervisor);
        supervisor_log_flight(supervisor, now_usec);
        supervisor_tell_systemd(supervisor, /* is_begin= */ true, now_usec);
        supervisor_arm(supervisor->progress_source, supervisor_next_turn(supervisor, now_usec));
        supervisor_arm_watchdog(supervisor, now_usec);
        supervisor_work_changed(supervisor, now_usec);
        supervisor_note_life(supervisor, now_usec);
        supervisor_count_soon(supervisor, usec_add(now_usec, COUNT_AFTER_USEC));
        if (supervisor->is_hup_deferred)
                (void) !gateway_signal(&supervisor->gateway, SIGHUP, /* queued= */ NULL);
        supervisor_open_inquiry(supervisor, now_usec);
}

void supervisor_repeat_stop(Supervisor *supervisor, usec_t now_usec) {
        if (supervisor->config->second_signal == SECOND_SIGNAL_ESCALATE)
                supervisor_cut_phase(supervisor, PHASE_CUT_SECOND_SIGNAL, now_usec);
}
