/* SPDX-License-Identifier: MIT */

/* The ladder applied: its actions become signals, its deadlines a timer, its phases records and a
 * status line. The order within a stop is fixed: the gateway's signal first, then the marker on disk,
 * then systemd, then the records. */

#include <stdio.h>
#include <string.h>

#include "forensics/clean-shutdown.h"
#include "run/supervisor-internal.h"
#include "signals.h"

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

/* One-shot timers that are re-armed as the ladder goes. USEC_INFINITY disarms. */
static void supervisor_arm(sd_event_source *source, usec_t at_usec) {
        if (at_usec == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(source, at_usec);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

const char *supervisor_stop_status(Supervisor *supervisor, usec_t now_usec) {
        const Ladder *ladder = &supervisor->ladder;
        const Phase *phase = ladder_phase(ladder);
        usec_t left_usec = usec_sub(ladder->deadline_at_usec, now_usec);
        int n;

        if (!phase)
                n = snprintf(supervisor->status_text, STATUS_TEXT_MAX, "Stopped");
        else
                n = snprintf(supervisor->status_text, STATUS_TEXT_MAX,
                        "%s: %" USEC_FMT "s left (phase %zu/%zu)",
                        ladder->state == LADDER_DRAINING ? "Draining" : phase->name,
                        (left_usec + USEC_PER_SEC - 1) / USEC_PER_SEC, ladder->phase_index + 1,
                        ladder->schedule.n_phases);
        if (supervisor->gateway_status[0] && n > 0 && n < STATUS_TEXT_MAX)
                (void) snprintf(supervisor->status_text + n, (size_t) (STATUS_TEXT_MAX - n),
                        ": %.*s", STATUS_TEXT_MAX - n - 3, supervisor->gateway_status);
        return supervisor->status_text;
}

/* One datagram: that we stop, how far it is, and how long we want. */
static void supervisor_tell_systemd(Supervisor *supervisor, bool is_begin, usec_t now_usec) {
        char text[STATUS_TEXT_MAX + 128], extend[64] = "";
        const Ladder *ladder = &supervisor->ladder;

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
                supervisor_apply(supervisor, &action);
        }
}

void supervisor_step(
        Supervisor *supervisor, LadderEvent event, const LadderFacts *facts, usec_t now_usec) {
        LadderAction action;

        action = ladder_step(&supervisor->ladder, event, facts, now_usec);
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
        if (ladder_is_stopping(&supervisor->ladder) && action.type != LADDER_ACTION_NONE)
                supervisor_log_flight(supervisor, now_usec);
}

static void supervisor_meet_deadline(Supervisor *supervisor, usec_t now_usec) {
        LadderFacts facts = supervisor_facts(supervisor);

        supervisor_step(supervisor, LADDER_DEADLINE, &facts, now_usec);
        if (supervisor->ladder.state != LADDER_ENDED)
                supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
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

static int supervisor_dispatch_progress(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        supervisor_tell_systemd(supervisor, /* is_begin= */ false, now_usec);
        supervisor_arm(source, usec_add(now_usec, PROGRESS_INTERVAL_USEC));
        return 0;
}

static int supervisor_add_timer(Supervisor *supervisor, const char *description, int64_t priority,
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
        return supervisor_add_timer(supervisor, "progress", PRIORITY_PROGRESS,
                PROGRESS_ACCURACY_USEC, supervisor_dispatch_progress, &supervisor->progress_source);
}

static void supervisor_write_marker(Supervisor *supervisor) {
        CleanShutdown marker = {
                .run_id = supervisor->run_id,
                .pid = supervisor->gateway.pid,
                .written_at_realtime_usec = usec_now(CLOCK_REALTIME),
        };
        int r;

        if (supervisor->state_fd < 0)
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
        supervisor_write_marker(supervisor);
        supervisor_log_flight(supervisor, now_usec);
        supervisor_tell_systemd(supervisor, /* is_begin= */ true, now_usec);
        supervisor_arm(supervisor->progress_source, usec_add(now_usec, PROGRESS_INTERVAL_USEC));
        if (supervisor->is_hup_deferred)
                (void) !gateway_signal(&supervisor->gateway, SIGHUP, /* queued= */ NULL);
        supervisor_open_inquiry(supervisor, now_usec);
}

void supervisor_repeat_stop(Supervisor *supervisor, usec_t now_usec) {
        LadderFacts facts;

        if (supervisor->config->second_signal != SECOND_SIGNAL_ESCALATE)
                return;
        facts = supervisor_facts(supervisor);
        supervisor_step(supervisor, LADDER_ESCALATE, &facts, now_usec);
}
