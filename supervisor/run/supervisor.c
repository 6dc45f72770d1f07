/* SPDX-License-Identifier: MIT */

/* The life of one run, in the order in which it happens: find out where we are, fork the gateway as
 * early as can be, only then look at everything else (state directory, journal, D-Bus), stay in the
 * loop until no gateway process is left, write the last record.
 *
 * What the supervisor relies on beyond the gateway itself may be missing or fail at any time; that is
 * recorded and lived with. Only what happens before the fork can end in an error of ours. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "forensics/clean-shutdown.h"
#include "run/footprint.h"
#include "run/supervisor-internal.h"

/* What helpers get to die of SIGKILL, so that none is seen to outlive us. */
#define HELPERS_END_USEC (50 * USEC_PER_MSEC)

const char *supervisor_name(const Supervisor *supervisor) {
        return supervisor->name;
}

static void supervisor_make_cgroup(Supervisor *supervisor) {
        const char *mount_point;
        int r;

        if (!supervisor->is_unit_main)
                return;
        mount_point = cgroup_mount_point();
        if (!mount_point)
                return;
        r = payload_make_cgroup(
                supervisor->payload, mount_point, supervisor->unit.unit_cgroup_path);
        if (r < 0 && r != -EPERM) /* EPERM: not delegated, which is the unit's choice */
                supervisor->cgroup_error = -r;
}

int supervisor_new(const RunConfig *config, Supervisor **ret_supervisor) {
        _cleanup_(supervisor_freep) Supervisor *supervisor = NULL;
        int r;

        supervisor = calloc(1, sizeof(Supervisor));
        if (!supervisor)
                return -ENOMEM;
        supervisor->config = config;
        supervisor->state_fd = supervisor->marker_fd = supervisor->unit_cgroup_fd = -EBADF;
        supervisor->proc_fd = supervisor->signals_fd = -EBADF;
        stop_relay_init(&supervisor->relay);
        supervisor->sweep_at_usec = USEC_INFINITY;
        supervisor->gateway.pidfd = -EBADF;

        r = caller_signals_take(&supervisor->caller_signals);
        if (r < 0)
                return r;
        r = supervisor_locate(supervisor);
        if (r < 0)
                return r;
        r = payload_new("/proc", &supervisor->payload);
        if (r < 0)
                return r;
        supervisor_make_cgroup(supervisor);
        r = supervisor_make_proxy(supervisor);
        if (r < 0)
                return r;
        r = record_sink_new(
                config->log_target, config->log_level, config->console_fd, &supervisor->sink);
        if (r < 0)
                return r;
        r = record_sink_set_run(supervisor->sink, supervisor->name, supervisor->run_id);
        if (r < 0)
                return r;

        supervisor_update_budget(supervisor);
        ladder_init(&supervisor->ladder, &config->schedule, &supervisor->budget);
        *ret_supervisor = TAKE_PTR(supervisor);
        return 0;
}

Supervisor *supervisor_free(Supervisor *supervisor) {
        if (!supervisor)
                return NULL;
        sender_catcher_free(supervisor->catcher);
        inquiry_free(supervisor->inquiry);
        look_free(supervisor->look);
        helper_process_free(supervisor->count.process);
        helper_process_free(supervisor->diagnostic.process);
        flight_recorder_free(supervisor->recorder);
        sd_event_source_disable_unref(supervisor->main_source);
        sd_event_source_disable_unref(supervisor->look_source);
        sd_event_source_disable_unref(supervisor->liveness_source);
        sd_event_source_disable_unref(supervisor->count_source);
        sd_event_source_disable_unref(supervisor->step_source);
        sd_event_source_disable_unref(supervisor->sweep_source);
        sd_event_source_disable_unref(supervisor->progress_source);
        sd_event_source_disable_unref(supervisor->deadline_source);
        unit_bus_free(supervisor->bus);
        heartbeat_free(supervisor->heartbeat);
        notify_proxy_free(supervisor->proxy);
        payload_free(supervisor->payload);
        steps_done(&supervisor->steps);
        progress_done(&supervisor->progress);
        record_sink_free(supervisor->sink);
        sd_event_unref(supervisor->event);
        gateway_done(&supervisor->gateway);
        stop_relay_done(&supervisor->relay);
        if (supervisor->marker_fd != supervisor->state_fd)
                (void) fd_close(supervisor->marker_fd);
        (void) fd_close(supervisor->state_fd);
        (void) fd_close(supervisor->unit_cgroup_fd);
        if (supervisor->context_base.pid > 0)
                context_base_done(&supervisor->context_base);
        (void) fd_close(supervisor->proc_fd);
        free(supervisor->diagnostic_path);
        free(supervisor->state_path);
        free(supervisor->name);
        free(supervisor);
        return NULL;
}

void supervisor_withdraw(Supervisor *supervisor) {
        usec_t until_usec = usec_add(usec_now(CLOCK_MONOTONIC), HELPERS_END_USEC);
        pid_t count_pid = own_helper_end(&supervisor->count, supervisor->payload);

        supervisor_drop_look(supervisor);
        helper_process_await(count_pid, until_usec);
        helper_process_await(supervisor->look_pid, until_usec);
        supervisor->proxy = notify_proxy_free(supervisor->proxy);
        supervisor->payload = payload_free(supervisor->payload);
}

void supervisor_main_exited(Supervisor *supervisor, usec_t now_usec) {
        LadderFacts facts;

        supervisor->is_main_alive = false;
        liveness_stopping(&supervisor->liveness); /* nobody is left to beat */
        supervisor_arm_watchdog(supervisor, now_usec);
        (void) stop_relay_claim(&supervisor->relay); /* nobody is left to be sent anything */
        payload_set_main(supervisor->payload, 0);
        facts = supervisor_facts(supervisor);
        if (facts.has_others)
                run_record_leftover(supervisor, now_usec);
        supervisor_step(supervisor, LADDER_MAIN_EXITED, &facts, now_usec);
}

/* The dump before a kill is as good as that when the gateway dies of it. */
static bool supervisor_has_died_of_dump(const Supervisor *supervisor) {
        int signo = supervisor->config->dump_signal;
        uint64_t bit = signo > 0 ? UINT64_C(1) << (signo - 1) : 0;

        return supervisor->is_dump_asked && supervisor->status.end != GATEWAY_EXITED &&
                supervisor->status.status == signo && (supervisor->ladder.main_signals & bit) == 0;
}

static Outcome supervisor_outcome(const Supervisor *supervisor) {
        return outcome_decide(&(OutcomeFacts){
                .reach = ladder_reach(&supervisor->ladder),
                .is_stop_asked = supervisor->stop.is_asked,
                .is_forced = stop_request_is_forced(&supervisor->stop) ||
                        supervisor_has_died_of_dump(supervisor),
                .is_signalled = supervisor->status.end != GATEWAY_EXITED,
                .status = supervisor->status.status,
                .sent_signals = supervisor->forwarded_signals | supervisor->ladder.main_signals,
        });
}

static void supervisor_close_marker(Supervisor *supervisor, Outcome outcome) {
        CleanShutdown marker;

        if (supervisor->state_fd < 0)
                return;
        if (!supervisor->stop.is_asked || stop_request_is_forced(&supervisor->stop)) {
                (void) clean_shutdown_remove(supervisor->state_fd);
                return;
        }
        if (clean_shutdown_read(supervisor->state_fd, &marker) < 0 ||
                !sd_id128_equal(marker.run_id, supervisor->run_id))
                return;
        (void) snprintf(marker.outcome, sizeof(marker.outcome), "%s", outcome_to_string(outcome));
        (void) !clean_shutdown_write(supervisor->state_fd, &marker);
}

void supervisor_leave(Supervisor *supervisor) {
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);
        Outcome outcome;
        char lost[64];

        /* Main outlived its SIGKILL: it hangs in the kernel, and no status will come in time. */
        if (!supervisor->has_status && supervisor->is_main_alive)
                supervisor->status = (GatewayStatus){ .end = GATEWAY_KILLED, .status = SIGKILL };

        run_record_phases(supervisor, now_usec);
        supervisor_close_look(supervisor, now_usec);
        supervisor_close_work(supervisor, now_usec);
        if (!supervisor_conclude_inquiry(supervisor, now_usec))
                return;
        outcome = supervisor_outcome(supervisor);
        supervisor_close_marker(supervisor, outcome);
        if (record_sink_lost(supervisor->sink) > 0) {
                (void) snprintf(lost, sizeof(lost), "%" PRIu64 " records could not be delivered",
                        record_sink_lost(supervisor->sink));
                run_record_degraded(supervisor, "journal", ENOBUFS, lost);
        }
        stop_record_stopped(supervisor, outcome, now_usec);
        supervisor_close_flight(supervisor, outcome, "run");
        (void) sd_event_exit(supervisor->event, 0);
}

static int supervisor_spawn(Supervisor *supervisor, int *ret_exec_error) {
        GatewayCommand command = {
                .argv = supervisor->config->argv,
                .argv0 = supervisor->config->argv0,
                .notify_socket = notify_proxy_address(supervisor->proxy),
                .run_id = supervisor->run_id,
                .watchdog_usec = supervisor->config->watchdog_usec,
                .previous = previous_end_to_string(supervisor->previous.end),
                .signals = &supervisor->caller_signals,
                .cgroup_fd = payload_cgroup_fd(supervisor->payload),
        };
        int r;

        r = gateway_spawn(&command, &supervisor->gateway, ret_exec_error);
        if (r < 0 && command.cgroup_fd >= 0) {
                supervisor->cgroup_error = -r;
                payload_drop_cgroup(supervisor->payload);
                command.cgroup_fd = -EBADF;
                r = gateway_spawn(&command, &supervisor->gateway, ret_exec_error);
        }
        if (r < 0 || *ret_exec_error != 0)
                return r;

        supervisor->forked_at_usec = usec_now(CLOCK_MONOTONIC);
        (void) inherited_fds_release();
        supervisor->is_main_alive = true;
        payload_set_main(supervisor->payload, supervisor->gateway.pid);
        record_sink_set_gateway(
                supervisor->sink, supervisor->gateway.pid, supervisor->forked_at_usec);
        return 0;
}

static void supervisor_send_heartbeat(void *userdata) {
        Supervisor *supervisor = userdata;

        (void) notify_proxy_send(supervisor->proxy, "WATCHDOG=1\n");
}

/* What can wait until the gateway runs. None of it is fatal any more. */
static void supervisor_attach(Supervisor *supervisor) {
        uint64_t watchdog_usec = 0;
        int r;

        r = notify_proxy_attach_event(supervisor->proxy, supervisor->event, PRIORITY_NOTIFY);
        if (r < 0)
                run_record_degraded(supervisor, "notify", -r, "the gateway is not listened to");
        r = record_sink_attach_event(supervisor->sink, supervisor->event, PRIORITY_JOURNAL);
        if (r < 0)
                run_record_degraded(supervisor, "journal", -r, "records are not sent again");
        if (sd_watchdog_enabled(/* unset_environment= */ 0, &watchdog_usec) > 0)
                (void) !heartbeat_new(supervisor->event, watchdog_usec, PRIORITY_DEADLINE,
                        supervisor_send_heartbeat, supervisor, &supervisor->heartbeat);
        if (supervisor->cgroup_error > 0)
                run_record_degraded(supervisor, "cgroup", supervisor->cgroup_error,
                        "the gateway has no group of its own: its processes are found in /proc");
        if (supervisor->catcher_result < 0)
                run_record_degraded(supervisor, "sender-capture", -supervisor->catcher_result,
                        "a sender that exits at once will not be described");
        else if (supervisor->catcher_result > 0)
                run_record_degraded(supervisor, "sender-capture", EPERM,
                        "a sender that exits at once may be missed: set LimitRTPRIO=1");
        supervisor_prepare_inquiry(supervisor);
        if (!supervisor->bus && !supervisor->is_bus_answered) {
                r = supervisor_ask_unit(supervisor);
                if (r < 0)
                        run_record_degraded(
                                supervisor, "bus", -r, "the unit's stop timeout is not known");
        }
}

static int supervisor_dispatch_trim(sd_event_source *source, void *userdata) {
        footprint_trim();
        return 0;
}

/* Gives memory back when there is nothing else to do: what the loop itself needs is touched last. */
void supervisor_trim(Supervisor *supervisor) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;

        if (sd_event_add_defer(supervisor->event, &source, supervisor_dispatch_trim, NULL) < 0 ||
                sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE) < 0)
                return;
        (void) sd_event_source_set_description(source, "trim");
        (void) sd_event_source_set_floating(source, true);
}

/* --on-short-timeout=refuse: the only case in which the answer of systemd is waited for. Returns: 1 the
 * unit is too short; 0 go on; negative errno. */
static int supervisor_refuses(Supervisor *supervisor) {
        int r;

        r = supervisor_ask_unit(supervisor);
        if (r < 0)
                return r;
        while (!supervisor->is_bus_answered) {
                r = sd_event_run(supervisor->event, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        return supervisor->has_properties && supervisor->budget.is_short;
}

/* Without its signals and timers a supervisor is none: a failure here is final. */
static int supervisor_make_loop(Supervisor *supervisor) {
        int r;

        if (supervisor->event)
                return 0;
        r = sd_event_new(&supervisor->event);
        if (r >= 0)
                r = supervisor_watch_signals(supervisor);
        if (r >= 0)
                r = supervisor_add_stop_timers(supervisor);
        return r;
}

int supervisor_run(Supervisor *supervisor, GatewayStatus *ret_status, int *ret_exec_error) {
        int r;

        if (supervisor->config->on_short_timeout == SHORT_TIMEOUT_REFUSE) {
                r = supervisor_make_loop(supervisor);
                if (r >= 0)
                        r = supervisor_refuses(supervisor);
                if (r != 0)
                        return r;
        }

        supervisor_open_state(supervisor);
        /* All signals are blocked since the very start: those that come now wait for the loop. */
        r = supervisor_spawn(supervisor, ret_exec_error);
        if (r < 0 || *ret_exec_error != 0)
                return r;
        r = supervisor_make_loop(supervisor);
        if (r < 0) {
                (void) !gateway_signal(&supervisor->gateway, SIGKILL, /* queued= */ NULL);
                return r;
        }

        supervisor_close_previous(supervisor);
        supervisor_log_flight(supervisor, supervisor->forked_at_usec);
        supervisor_start_catcher(supervisor);
        run_record_started(supervisor);
        supervisor_attach(supervisor);
        if (supervisor->config->ready == READY_EXEC)
                supervisor_set_ready(supervisor, supervisor->forked_at_usec);

        supervisor_trim(supervisor);
        r = sd_event_loop(supervisor->event);
        (void) record_sink_flush(supervisor->sink);
        *ret_status = supervisor->status;
        return r < 0 ? r : 0;
}
