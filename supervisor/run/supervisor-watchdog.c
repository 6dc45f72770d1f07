/* SPDX-License-Identifier: MIT */

/* The gateway's heartbeat. Each beat moves one timer; when it fires, everything that has arrived is
 * taken first. A missed beat is recorded at once with what is known of host and gateway, then the ladder
 * begins with the watchdog's signal. That waits for two things, for a second at most: for a dump of the
 * gateway's own, when one is asked for, and for a look at it that had no time before (WATCHDOG=trigger).
 *
 * systemd's own watchdog is fed elsewhere (gateway/heartbeat) and knows nothing of this one. */

#include "run/supervisor-internal.h"

#define ABORT_DELAY_USEC USEC_PER_SEC

static void supervisor_arm_liveness(Supervisor *supervisor) {
        supervisor_arm(supervisor->liveness_source,
                supervisor->is_heartbeat_missed ? supervisor->abort_at_usec
                                                : supervisor->liveness.deadline_at_usec);
}

void supervisor_arm_watchdog(Supervisor *supervisor, usec_t now_usec) {
        supervisor_arm_liveness(supervisor);
        supervisor_plan_look(supervisor, now_usec);
}

/* The ladder, with the watchdog's signal in place of its first one. */
static void supervisor_abort_gateway(Supervisor *supervisor, usec_t now_usec) {
        StopRequest request = { .is_asked = true, .is_by_watchdog = true };

        supervisor->abort_at_usec = USEC_INFINITY;
        supervisor_arm_liveness(supervisor);
        supervisor_hear_signals(supervisor);
        if (supervisor->ladder.state != LADDER_RUNNING || !supervisor->is_main_alive) {
                /* Another stop came first. */
                supervisor_record_stuck(supervisor, now_usec);
                supervisor_forget_stall(supervisor);
                return;
        }
        supervisor_begin_stop(supervisor, &request, /* is_main_signalled= */ false,
                supervisor->config->watchdog_signal, now_usec);
        supervisor_describe_stop(supervisor, /* caught= */ NULL, now_usec);
        supervisor_record_stuck(supervisor, now_usec);
        supervisor_forget_stall(supervisor);
        supervisor_plan_look(supervisor, now_usec);
}

static void supervisor_miss_heartbeat(
        Supervisor *supervisor, bool is_triggered, usec_t late_usec, usec_t now_usec) {
        bool is_dumping = supervisor->config->dump_signal != 0;

        supervisor->is_heartbeat_missed = true;
        supervisor->missed_at_usec = now_usec;
        supervisor_see_stall(supervisor, late_usec, now_usec);
        work_record_watchdog(supervisor, is_triggered, now_usec);
        supervisor_log_flight(supervisor, now_usec);
        supervisor->abort_at_usec = usec_add(now_usec, ABORT_DELAY_USEC);
        if (!supervisor->look || supervisor->look->is_stale)
                supervisor_start_look(
                        supervisor, supervisor->abort_at_usec, ABORT_DELAY_USEC - LOOK_MARGIN_USEC);
        supervisor_claim_look(supervisor, MISSED_HEARTBEAT, /* phase= */ NULL);
        if (is_dumping)
                supervisor_ask_for_dump(supervisor);
        if (is_dumping || (supervisor->look && supervisor->look->helper.process))
                supervisor_arm_liveness(supervisor);
        else
                supervisor_abort_gateway(supervisor, now_usec);
}

void supervisor_hasten_abort(Supervisor *supervisor, usec_t now_usec) {
        if (supervisor->is_heartbeat_missed && supervisor->abort_at_usec != USEC_INFINITY &&
                supervisor->config->dump_signal == 0)
                supervisor_abort_gateway(supervisor, now_usec);
}

static void supervisor_excuse(Supervisor *supervisor, usec_t late_usec) {
        char span[USEC_SPAN_MAX], consequence[160];

        (void) snprintf(consequence, sizeof(consequence),
                "the supervisor itself was held up for %s: the gateway's heartbeat gets one more "
                "interval",
                usec_format_span(span, late_usec, USEC_PER_MSEC));
        run_record_degraded(supervisor, "loop", ETIME, consequence);
}

static int supervisor_dispatch_liveness(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t late_usec, now_usec = usec_now(CLOCK_MONOTONIC);

        if (supervisor->is_heartbeat_missed) {
                supervisor_abort_gateway(supervisor, now_usec);
                return 0;
        }
        late_usec = usec_sub(now_usec, at_usec);
        supervisor_hear_signals(supervisor);
        notify_proxy_drain(supervisor->proxy);
        now_usec = usec_now(CLOCK_MONOTONIC);
        switch (liveness_judge(&supervisor->liveness, late_usec, now_usec)) {
        case LIVENESS_MISSED:
                supervisor_miss_heartbeat(
                        supervisor, /* is_triggered= */ false, late_usec, now_usec);
                return 0;
        case LIVENESS_EXCUSED:
                supervisor_excuse(supervisor, late_usec);
                break;
        default:
                break;
        }
        supervisor_arm_watchdog(supervisor, now_usec);
        return 0;
}

int supervisor_add_watchdog_timer(Supervisor *supervisor) {
        supervisor->abort_at_usec = USEC_INFINITY;
        liveness_init(&supervisor->liveness, supervisor->config->watchdog_usec);
        return supervisor_add_timer(supervisor, "gateway-heartbeat", PRIORITY_DEADLINE,
                DEADLINE_ACCURACY_USEC, supervisor_dispatch_liveness, &supervisor->liveness_source);
}

void supervisor_handle_heartbeat(
        Supervisor *supervisor, const NotifyMessage *message, usec_t now_usec) {
        Liveness *liveness = &supervisor->liveness;
        usec_t deadline_usec = liveness->deadline_at_usec;

        if (message->has_watchdog_usec)
                liveness_set_interval(
                        liveness, message->watchdog_usec, supervisor->is_ready, now_usec);
        if (message->has_watchdog)
                liveness_beat(liveness, now_usec);
        if (message->has_watchdog_trigger && !supervisor->is_heartbeat_missed &&
                liveness_trigger(liveness, supervisor->is_ready)) {
                supervisor_miss_heartbeat(
                        supervisor, /* is_triggered= */ true, /* late_usec= */ 0, now_usec);
                return;
        }
        if (liveness->deadline_at_usec != deadline_usec)
                supervisor_arm_watchdog(supervisor, now_usec);
}
