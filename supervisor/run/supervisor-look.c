/* SPDX-License-Identifier: MIT */

/* What the gateway is doing before it is killed. A deadline is known before it passes: a second ahead of
 * it (or half of its time, of a heartbeat a quarter, when that is shorter) a helper looks at every process of the gateway, and
 * has ended by the deadline, so that nothing waits for it. When the gateway gives a sign of life after
 * all, what was found is thrown away.
 *
 * At the deadline itself a few small files are read once more, before the signal goes out: why was it
 * missed (stop/stall)? The records follow the signal. */

#include <stdlib.h>
#include <string.h>

#include "run/supervisor-internal.h"

Look *look_free(Look *look) {
        if (!look)
                return NULL;
        helper_process_free(look->helper.process);
        if (look->stuck)
                json_object_put(look->stuck);
        free(look);
        return NULL;
}

static void supervisor_end_helper(Supervisor *supervisor) {
        pid_t running_pid = own_helper_end(&supervisor->look->helper, supervisor->payload);

        if (running_pid > 0)
                supervisor->look_pid = running_pid;
}

void supervisor_drop_look(Supervisor *supervisor) {
        if (supervisor->look)
                supervisor_end_helper(supervisor);
        supervisor->look = look_free(supervisor->look);
}

void supervisor_close_look(Supervisor *supervisor, usec_t now_usec) {
        if (supervisor->look && supervisor->look->is_claimed)
                work_record_stuck(supervisor, supervisor->look, now_usec);
        supervisor_drop_look(supervisor);
}

void supervisor_claim_look(Supervisor *supervisor, MissedDeadline missed, const char *phase) {
        Look *look = supervisor->look;

        if (look && (look->is_claimed || look->is_stale)) {
                /* Another deadline within the helper's time. */
                supervisor_close_look(supervisor, usec_now(CLOCK_MONOTONIC));
                look = NULL;
        }
        if (!look)
                look = supervisor->look = calloc(1, sizeof(Look));
        if (!look)
                return;
        look->is_claimed = true;
        look->missed = missed;
        look->stall = supervisor->stall;
        (void) snprintf(look->phase, sizeof(look->phase), "%s", phase ?: "");
        (void) steps_format_open(&supervisor->steps, look->steps, sizeof(look->steps));
}

void supervisor_record_stuck(Supervisor *supervisor, usec_t now_usec) {
        Look *look = supervisor->look;

        if (!look || !look->is_claimed)
                return;
        if (look->helper.process)
                look->is_awaited = true;
        else
                supervisor_close_look(supervisor, now_usec);
}

/* ---- Why a deadline was missed ---------------------------------------------------------------- */

static void supervisor_sample(
        Supervisor *supervisor, bool is_closer, LoadSample *ret_sample, usec_t now_usec) {
        LoadProbe probe = {
                .proc_fd = supervisor->proc_fd,
                .pid = supervisor->is_main_alive ? supervisor->gateway.pid : 0,
                .unit_cgroup_fd = supervisor->unit_cgroup_fd,
                .payload_cgroup_fd = payload_cgroup_fd(supervisor->payload),
                .is_closer = is_closer,
        };

        load_sample_take(ret_sample, &probe, now_usec);
}

void supervisor_note_life(Supervisor *supervisor, usec_t now_usec) {
        supervisor->life_at_usec = now_usec;
        if (supervisor->proc_fd >= 0 &&
                (supervisor->life.taken_at_usec == 0 ||
                        now_usec >= usec_add(supervisor->life.taken_at_usec, LIFE_SAMPLE_USEC))) {
                supervisor_sample(supervisor, /* is_closer= */ false, &supervisor->life, now_usec);
                supervisor->missed.taken_at_usec = 0;
        }
}

void supervisor_see_stall(Supervisor *supervisor, usec_t late_usec, usec_t now_usec) {
        StallReport *stall = &supervisor->stall;
        LoadSample sample;

        supervisor_sample(supervisor, /* is_closer= */ true, &sample, now_usec);
        /* A deadline is measured from the one before, but what is missed together is seen alike. */
        if (supervisor->missed.taken_at_usec > 0 &&
                now_usec >= usec_add(supervisor->missed.taken_at_usec, LIFE_SAMPLE_USEC))
                supervisor->life = supervisor->missed;
        load_sample_compare(&supervisor->life, &sample, &stall->facts);
        stall->facts.silent_usec = usec_sub(now_usec, supervisor->life_at_usec);
        stall->facts.late_usec = late_usec;
        stall_decide(&stall->facts, &stall->verdict);
        stall->is_known = true;
        supervisor->missed = sample;
}

void supervisor_forget_stall(Supervisor *supervisor) {
        supervisor->stall.is_known = false;
}

/* ---- The helper ------------------------------------------------------------------------------- */

/* What of a look's time is not for looking: for its own helpers to end, and for our turn. */
static usec_t look_reserve(const Look *look) {
        usec_t ending_usec = usec_sub(look->kill_at_usec, usec_now(CLOCK_MONOTONIC)) / 4;

        return LOOK_MARGIN_USEC + (ending_usec < LOOK_ENDING_USEC ? ending_usec : LOOK_ENDING_USEC);
}

/* In the helper. */
static int supervisor_collect(int output_fd, void *userdata) {
        Supervisor *supervisor = userdata;
        bool is_at_work =
                supervisor->ladder.state == LADDER_DRAINING && supervisor->progress.active.n > 0;
        _cleanup_free_ ProcessInfo *list = NULL;
        StuckRequest request = {
                .proc_fd = payload_proc_fd(supervisor->payload),
                .main_pid = supervisor->is_main_alive ? supervisor->gateway.pid : 0,
                .cmdline = supervisor->config->cmdline,
                /* It stops the threads for a moment: not those of a gateway that still drains. */
                .stack_program = is_at_work ? NULL : STUCK_PROGRAM,
                .until_usec =
                        usec_sub(supervisor->look->kill_at_usec, look_reserve(supervisor->look)),
        };

        (void) !payload_add_helper(supervisor->payload, getpid());
        if (payload_list(supervisor->payload, &list, &request.n_processes) < 0)
                return 1;
        request.processes = list;
        return stuck_collect(&request, output_fd) < 0;
}

static void supervisor_dispatch_look_done(
        HelperProcess *helper, int status, const char *output, size_t size, void *userdata) {
        Supervisor *supervisor = userdata;
        Look *look = supervisor->look;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        look->stuck = stuck_parse(output, size, /* is_complete= */ status == 0);
        supervisor_end_helper(supervisor);
        if (look->is_awaited || look->is_stale)
                supervisor_close_look(supervisor, now_usec);
        supervisor_hasten_abort(supervisor, now_usec);
}

void supervisor_start_look(Supervisor *supervisor, usec_t kill_at_usec, usec_t bound_usec) {
        HelperConfig config = {
                .title = "gatewatch-look",
                .timeout_usec = bound_usec,
                .main = supervisor_collect,
                .main_userdata = supervisor,
                .handler = supervisor_dispatch_look_done,
                .userdata = supervisor,
                .priority = PRIORITY_INQUIRY,
        };
        int r = -ENOMEM;

        supervisor_close_look(supervisor, usec_now(CLOCK_MONOTONIC));
        supervisor->look = calloc(1, sizeof(Look));
        if (supervisor->look) {
                supervisor->look->kill_at_usec = kill_at_usec;
                r = own_helper_start(
                        &supervisor->look->helper, supervisor->event, supervisor->payload, &config);
        }
        if (r < 0)
                run_record_degraded(supervisor, "stuck", -r,
                        "what the gateway does before it is killed is not seen");
}

/* ---- A dump of the gateway's own -------------------------------------------------------------- */

void supervisor_ask_for_dump(Supervisor *supervisor) {
        int signo = supervisor->config->dump_signal;

        if (signo == 0 || !supervisor->is_main_alive ||
                gateway_signal(&supervisor->gateway, signo, /* queued= */ NULL) < 0)
                return;
        supervisor->forwarded_signals |= UINT64_C(1) << (signo - 1);
        supervisor->is_dump_asked = true;
        if (supervisor->look)
                supervisor->look->dump_signo = signo;
}

/* Whether the ladder's next move sends SIGKILL to main. */
static bool supervisor_is_kill_next(Supervisor *supervisor, LadderEvent event) {
        Ladder next = supervisor->ladder;
        LadderFacts facts = {
                .is_main_alive = supervisor->is_main_alive,
                .has_others = payload_has_others(supervisor->payload),
        };
        LadderAction action;

        if (next.state == LADDER_KILLING || next.deadline_at_usec == USEC_INFINITY)
                return false;
        action = ladder_step(&next, event, &facts, next.deadline_at_usec);
        return action.type == LADDER_ACTION_SIGNAL && action.signo == SIGKILL &&
                action.target != PHASE_TARGET_OTHERS;
}

/* ---- When -------------------------------------------------------------------------------------- */

static usec_t supervisor_next_kill(const Supervisor *supervisor) {
        usec_t steps_usec = USEC_INFINITY, other_usec;

        if (ladder_is_stopping(&supervisor->ladder)) {
                steps_usec = supervisor_escalation(supervisor);
                other_usec = supervisor->ladder.deadline_at_usec;
        } else {
                if (supervisor->config->on_step_timeout == STEP_TIMEOUT_STOP)
                        steps_usec = steps_deadline(&supervisor->steps);
                other_usec = supervisor->liveness.deadline_at_usec;
        }
        return steps_usec < other_usec ? steps_usec : other_usec;
}

/* The gateway lives on. A helper that is at it is left to its end: what it has executed dies with it, and
 * would for a moment be taken for the gateway's. */
static void supervisor_outdate_look(Supervisor *supervisor) {
        Look *look = supervisor->look;

        if (!look || look->is_claimed)
                return;
        if (look->helper.process)
                look->is_stale = true;
        else
                supervisor_drop_look(supervisor);
}

void supervisor_plan_look(Supervisor *supervisor, usec_t now_usec) {
        usec_t kill_at_usec = supervisor_next_kill(supervisor), lead_usec;

        if (kill_at_usec == supervisor->planned_kill_at_usec)
                return;
        supervisor->planned_kill_at_usec = kill_at_usec;
        supervisor_outdate_look(supervisor);
        if (kill_at_usec == USEC_INFINITY || kill_at_usec <= now_usec) {
                supervisor_arm(supervisor->look_source, USEC_INFINITY);
                return;
        }
        /* A gateway that beats at half of its interval is not looked at before each beat. */
        lead_usec = (kill_at_usec - now_usec) / (ladder_is_stopping(&supervisor->ladder) ? 2 : 4);
        if (lead_usec > LOOK_LEAD_USEC)
                lead_usec = LOOK_LEAD_USEC;
        supervisor_arm(supervisor->look_source, kill_at_usec - lead_usec);
}

static int supervisor_dispatch_look(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t kill_at_usec = supervisor->planned_kill_at_usec;
        usec_t left_usec = usec_sub(kill_at_usec, usec_now(CLOCK_MONOTONIC));

        if (left_usec > 3 * LOOK_MARGIN_USEC)
                supervisor_start_look(supervisor, kill_at_usec, left_usec - LOOK_MARGIN_USEC);
        if (supervisor->config->dump_signal == 0 || supervisor->is_kill_dumped ||
                !ladder_is_stopping(&supervisor->ladder))
                return 0;
        supervisor->is_kill_dumped = supervisor_is_kill_next(supervisor,
                kill_at_usec == supervisor->ladder.deadline_at_usec ? LADDER_DEADLINE
                                                                    : LADDER_ESCALATE);
        if (supervisor->is_kill_dumped)
                supervisor_ask_for_dump(supervisor);
        return 0;
}

int supervisor_add_look_timer(Supervisor *supervisor) {
        supervisor->planned_kill_at_usec = USEC_INFINITY;
        return supervisor_add_timer(supervisor, "look", PRIORITY_DEADLINE, DEADLINE_ACCURACY_USEC,
                supervisor_dispatch_look, &supervisor->look_source);
}
