/* SPDX-License-Identifier: MIT */

/* How far the gateway is: the phases, steps and work in flight that it reports itself, and the
 * connections of one that reports nothing, counted in a helper once a second while it drains. Overdue
 * steps are recorded when they run over, and move the ladder on where stop/steps says so.
 *
 * What cannot be used of its words is recorded at the first and at every power of two of such, and
 * ignored. Without a change here nothing wakes up. */

#include <string.h>

#include "run/supervisor-internal.h"

#define STEPS_RECORDED_MAX 64 /* of those that run over, or are left open, at one instant */

static void supervisor_refuse_work(
        Supervisor *supervisor, const char *what, int error, const char *name, const char *why) {
        char consequence[STEP_NAME_MAX + 128];
        uint64_t n = ++supervisor->n_refused;

        if ((n & (n - 1)) != 0)
                return;
        (void) snprintf(consequence, sizeof(consequence),
                "%.*s: %s, ignored (%" PRIu64 " such so far)", (int) STEP_NAME_MAX, name, why, n);
        run_record_degraded(supervisor, what, error, consequence);
}

/* ---- What the gateway says -------------------------------------------------------------------- */

static void supervisor_handle_phase(Supervisor *supervisor, const char *name, usec_t now_usec) {
        ReportedPhase ended;
        int r;

        r = progress_set_phase(&supervisor->progress, name, now_usec, &ended);
        if (r < 0)
                supervisor_refuse_work(supervisor, "phase", -r, name, "not a phase's name");
        else if (r > 0)
                work_record_phase(supervisor, &ended, now_usec);
}

static void supervisor_begin_step(Supervisor *supervisor, const NotifyStep *step, usec_t now_usec) {
        int r;

        r = steps_begin(
                &supervisor->steps, step->name, step->has_timeout, step->timeout_usec, now_usec);
        if (r < 0)
                supervisor_refuse_work(supervisor, "step", -r, step->name,
                        r == -EEXIST           ? "it has begun already"
                                : r == -ENOSPC ? "too many steps are open"
                                : r == -EINVAL ? "not a step's name"
                                               : "it is not followed");
}

static void supervisor_end_step(Supervisor *supervisor, const NotifyStep *step, usec_t now_usec) {
        Step ended;
        int r;

        r = steps_end(&supervisor->steps, step->name, now_usec, &ended);
        if (r < 0)
                supervisor_refuse_work(supervisor, "step", -r, step->name,
                        r == -EINVAL ? "not a step's name" : "no such step has begun");
        else
                work_record_step(supervisor, &ended, now_usec);
}

/* Returns: whether that is news. A phase of the ladder begins with the first number that is known. */
static bool supervisor_set_active(Supervisor *supervisor, ActiveSource source, uint64_t n) {
        bool is_new = progress_set_active(&supervisor->progress, source, n);
        PhaseNote *note = &supervisor->phase_notes[supervisor->ladder.phase_index];

        if (ladder_is_stopping(&supervisor->ladder) &&
                note->active_at_start.source != supervisor->progress.active.source)
                note->active_at_start = supervisor->progress.active;
        return is_new;
}

void supervisor_handle_work(Supervisor *supervisor, const NotifyMessage *message, usec_t now_usec) {
        if (message->bad_key)
                supervisor_refuse_work(
                        supervisor, "notify", EINVAL, message->bad_key, "its value is unusable");
        if (!message->has_active && !message->phase && message->n_steps == 0)
                return;
        if (message->has_active)
                supervisor_set_active(supervisor, ACTIVE_GATEWAY, message->active);
        if (message->phase)
                supervisor_handle_phase(supervisor, message->phase, now_usec);
        for (size_t i = 0; i < message->n_steps; i++)
                if (message->steps[i].is_begin)
                        supervisor_begin_step(supervisor, &message->steps[i], now_usec);
                else
                        supervisor_end_step(supervisor, &message->steps[i], now_usec);
        supervisor_work_changed(supervisor, now_usec);
}

/* ---- Overdue steps ---------------------------------------------------------------------------- */

usec_t supervisor_escalation(const Supervisor *supervisor) {
        if (supervisor->config->on_step_timeout == STEP_TIMEOUT_LOG ||
                !ladder_is_stopping(&supervisor->ladder) ||
                supervisor->ladder.state == LADDER_KILLING)
                return USEC_INFINITY;
        return steps_escalation(&supervisor->steps, progress_is_active(&supervisor->progress));
}

void supervisor_work_changed(Supervisor *supervisor, usec_t now_usec) {
        usec_t due_usec = steps_deadline(&supervisor->steps);
        usec_t escalation_usec = supervisor_escalation(supervisor);
        usec_t at_usec = due_usec < escalation_usec ? due_usec : escalation_usec;

        /* What has been due for long has only now become so: the timer does not come late. */
        supervisor_arm(supervisor->step_source, at_usec > now_usec ? at_usec : now_usec);
        supervisor_plan_look(supervisor, now_usec);
        if (ladder_is_stopping(&supervisor->ladder))
                supervisor_show_progress(supervisor, now_usec);
}

/* --on-step-timeout=stop. */
static void supervisor_stop_for_step(Supervisor *supervisor, usec_t now_usec) {
        StopRequest request = { .is_asked = true, .is_by_step = true };

        supervisor_claim_look(supervisor, MISSED_STEP, /* phase= */ NULL);
        supervisor_begin_stop(supervisor, &request, /* is_main_signalled= */ false,
                /* stop_signo= */ 0, now_usec);
        supervisor_describe_stop(supervisor, /* caught= */ NULL, now_usec);
        supervisor_record_stuck(supervisor, now_usec);
}

static void supervisor_meet_steps(Supervisor *supervisor, usec_t late_usec, usec_t now_usec) {
        bool is_stopping = ladder_is_stopping(&supervisor->ladder), is_escalating;
        const Step *step;
        size_t n_overdue = 0;

        supervisor_see_stall(supervisor, late_usec, now_usec);
        is_escalating = now_usec >= supervisor_escalation(supervisor);
        /* The ladder's signal waits for these. */
        while ((step = steps_next_overdue(&supervisor->steps, now_usec)))
                if (n_overdue++ < STEPS_RECORDED_MAX)
                        work_record_step(supervisor, step, now_usec);
        if (is_escalating)
                supervisor_cut_phase(supervisor, PHASE_CUT_STEP_TIMEOUT, now_usec);
        if (!is_stopping && n_overdue > 0 && supervisor->is_main_alive &&
                supervisor->config->on_step_timeout == STEP_TIMEOUT_STOP)
                supervisor_stop_for_step(supervisor, now_usec);
        supervisor_forget_stall(supervisor);
}

static int supervisor_dispatch_step(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);
        usec_t late_usec = usec_sub(now_usec, at_usec);

        /* A step that ended in time may stand in the socket still. */
        supervisor_hear_signals(supervisor);
        notify_proxy_drain(supervisor->proxy);
        now_usec = usec_now(CLOCK_MONOTONIC);
        if (supervisor->ladder.state == LADDER_ENDED)
                return 0;
        if (now_usec >= steps_deadline(&supervisor->steps) ||
                now_usec >= supervisor_escalation(supervisor))
                supervisor_meet_steps(supervisor, late_usec, now_usec);
        if (supervisor->ladder.state != LADDER_ENDED)
                supervisor_work_changed(supervisor, now_usec);
        return 0;
}

void supervisor_close_work(Supervisor *supervisor, usec_t now_usec) {
        ReportedPhase phase;
        Step step;

        supervisor_arm(supervisor->step_source, USEC_INFINITY);
        for (size_t n = 0; steps_abandon(&supervisor->steps, now_usec, &step) > 0; n++)
                if (n < STEPS_RECORDED_MAX)
                        work_record_step(supervisor, &step, now_usec);
        if (progress_set_phase(&supervisor->progress, "", now_usec, &phase) > 0)
                work_record_phase(supervisor, &phase, now_usec);
}

/* ---- Connections ------------------------------------------------------------------------------ */

bool supervisor_is_counting(const Supervisor *supervisor) {
        return !supervisor->is_uncountable && supervisor->is_main_alive &&
                supervisor->progress.active.source != ACTIVE_GATEWAY;
}

/* In the helper. */
static int supervisor_count(int output_fd, void *userdata) {
        Supervisor *supervisor = userdata;
        _cleanup_free_ ProcessInfo *list = NULL;
        ConnectionCount count;
        size_t n = 0;

        (void) !payload_add_helper(supervisor->payload, getpid());
        if (payload_list(supervisor->payload, &list, &n) < 0 ||
                connection_count(payload_proc_fd(supervisor->payload), list, n,
                        &supervisor->listening, &count) < 0)
                return 1;
        return write(output_fd, &count, sizeof(count)) != sizeof(count);
}

static void supervisor_take_count(Supervisor *supervisor, const ConnectionCount *count) {
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        supervisor->listening = count->listening;
        if (!ladder_is_stopping(&supervisor->ladder))
                return; /* only the ports are wanted */
        supervisor->counted_at_usec = now_usec;
        /* What neither listens nor has a connection will have none. */
        if (count->listening.n == 0 && count->n_tcp == 0 && count->n_unix == 0 &&
                supervisor->progress.active.source == ACTIVE_UNKNOWN) {
                supervisor->is_uncountable = true;
                return;
        }
        if (supervisor_set_active(supervisor, ACTIVE_SOCKETS, count->n_tcp + count->n_unix))
                supervisor_show_progress(supervisor, now_usec);
}

static void supervisor_dispatch_count(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        Supervisor *supervisor = userdata;
        ConnectionCount count;

        if (status == 0 && size == sizeof(count)) {
                memcpy(&count, output, sizeof(count));
                supervisor_take_count(supervisor, &count);
        } else if (status != -ETIMEDOUT)
                supervisor->is_uncountable = true;
        (void) own_helper_end(&supervisor->count, supervisor->payload);
        if (!ladder_is_stopping(&supervisor->ladder))
                supervisor_trim(supervisor);
}

void supervisor_count_connections(Supervisor *supervisor) {
        HelperConfig config = {
                .title = "gatewatch-count",
                .timeout_usec = COUNT_TIMEOUT_USEC,
                .main = supervisor_count,
                .main_userdata = supervisor,
                .handler = supervisor_dispatch_count,
                .userdata = supervisor,
                .priority = PRIORITY_PROGRESS,
        };

        if (supervisor->count.process || !supervisor_is_counting(supervisor))
                return;
        if (own_helper_start(&supervisor->count, supervisor->event, supervisor->payload, &config) <
                0)
                supervisor->is_uncountable = true;
}

static int supervisor_dispatch_count_due(
        sd_event_source *source, uint64_t at_usec, void *userdata) {
        supervisor_count_connections(userdata);
        return 0;
}

void supervisor_count_soon(Supervisor *supervisor, usec_t at_usec) {
        if (supervisor_is_counting(supervisor))
                supervisor_arm(supervisor->count_source, at_usec);
}

int supervisor_add_work_timers(Supervisor *supervisor) {
        int r;

        steps_init(&supervisor->steps, supervisor->config->step_timeout_usec);
        progress_init(&supervisor->progress);
        r = supervisor_add_timer(supervisor, "step-deadline", PRIORITY_DEADLINE,
                DEADLINE_ACCURACY_USEC, supervisor_dispatch_step, &supervisor->step_source);
        if (r < 0)
                return r;
        return supervisor_add_timer(supervisor, "count", PRIORITY_PROGRESS, COUNT_ACCURACY_USEC,
                supervisor_dispatch_count_due, &supervisor->count_source);
}
