/* SPDX-License-Identifier: MIT */

/* What the gateway says, judged: readiness goes up once, a reload as a pair, a stop never (it begins
 * the ladder, which tells systemd itself), a new main process is adopted and kept from systemd, whose
 * main process is the supervisor. */

#include <stdlib.h>
#include <string.h>

#include "forensics/clean-shutdown.h"
#include "run/supervisor-internal.h"

#define EXTEND_MAX_USEC USEC_PER_DAY /* systemd refuses what is not finite */

static bool supervisor_is_member(pid_t pid, void *userdata) {
        Supervisor *supervisor = userdata;

        return (supervisor->is_main_alive && pid == supervisor->gateway.pid) ||
                payload_contains(supervisor->payload, pid);
}

void supervisor_set_ready(Supervisor *supervisor, usec_t now_usec) {
        supervisor->is_ready = true;
        run_record_ready(supervisor, now_usec);
        supervisor_note_life(supervisor, now_usec);
        liveness_ready(&supervisor->liveness, now_usec);
        supervisor_arm_watchdog(supervisor, now_usec);
        supervisor_count_soon(supervisor, usec_add(now_usec, LISTENERS_AFTER_USEC));
        supervisor_log_flight(supervisor, now_usec);
        if (supervisor->config->ready == READY_EXEC)
                (void) notify_proxy_send(supervisor->proxy, "READY=1\n");

        /* The last stop's marker has been consumed: it must not vouch for the next end. */
        if (supervisor->state_fd >= 0 && !ladder_is_stopping(&supervisor->ladder))
                (void) clean_shutdown_remove(supervisor->state_fd);
}

/* An adopted main has ended. By now it may have become our child, with a status to take; if not, its
 * parent has that. */
static int supervisor_dispatch_main(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Supervisor *supervisor = userdata;

        supervisor->main_source = sd_event_source_disable_unref(supervisor->main_source);
        supervisor_hear_signals(supervisor);
        notify_proxy_drain(supervisor->proxy);
        if (supervisor_reap(supervisor) || !supervisor->is_main_alive)
                return 0;
        run_record_degraded(supervisor, "main-pid", ECHILD,
                "the main process was another's child: its exit status is not known");
        supervisor_main_exited(supervisor, usec_now(CLOCK_MONOTONIC));
        return 0;
}

static void supervisor_adopt_main(Supervisor *supervisor, pid_t pid) {
        int signo, r;

        if (pid == supervisor->gateway.pid || !payload_contains(supervisor->payload, pid))
                return;
        r = gateway_adopt(&supervisor->gateway, pid);
        if (r < 0) {
                run_record_degraded(supervisor, "main-pid", -r, "MAINPID= was not taken over");
                return;
        }

        payload_set_main(supervisor->payload, pid);
        supervisor->is_main_alive = true;
        supervisor_arm_relay(supervisor);
        signo = ladder_replace_main(&supervisor->ladder);
        if (signo > 0)
                (void) !gateway_signal(&supervisor->gateway, signo, /* queued= */ NULL);
        supervisor->main_source = sd_event_source_disable_unref(supervisor->main_source);
        if (supervisor->gateway.is_child)
                return;

        /* Another gateway process is its parent and gets the SIGCHLD. */
        r = sd_event_add_io(supervisor->event, &supervisor->main_source, supervisor->gateway.pidfd,
                EPOLLIN, supervisor_dispatch_main, supervisor);
        if (r >= 0) {
                (void) sd_event_source_set_description(supervisor->main_source, "adopted-main");
                (void) sd_event_source_set_priority(supervisor->main_source, PRIORITY_CHILD);
        }
}

static void supervisor_handle_readiness(Supervisor *supervisor, NotifyMessage *message) {
        bool is_stopping = ladder_is_stopping(&supervisor->ladder);

        if (message->has_reloading) {
                message->has_reloading = supervisor->is_ready && !is_stopping;
                supervisor->is_reloading = message->has_reloading;
                if (supervisor->is_reloading) {
                        liveness_reloading(&supervisor->liveness);
                        supervisor_arm_watchdog(supervisor, usec_now(CLOCK_MONOTONIC));
                }
        }
        if (!message->has_ready)
                return;

        message->has_ready = !is_stopping && (!supervisor->is_ready || supervisor->is_reloading);
        if (message->has_ready && !supervisor->is_ready)
                supervisor_set_ready(supervisor, usec_now(CLOCK_MONOTONIC));
        if (!message->has_reloading && supervisor->is_reloading) {
                supervisor->is_reloading = false;
                liveness_ready(&supervisor->liveness, usec_now(CLOCK_MONOTONIC));
                supervisor_arm_watchdog(supervisor, usec_now(CLOCK_MONOTONIC));
                /* It may listen elsewhere now. */
                supervisor_count_soon(
                        supervisor, usec_add(usec_now(CLOCK_MONOTONIC), LISTENERS_AFTER_USEC));
        }
}

static void supervisor_handle_extend(Supervisor *supervisor, usec_t extend_usec) {
        char text[64];

        /* While stopping, the ladder's own time is all that is granted, and it is asked for already. */
        if (ladder_is_stopping(&supervisor->ladder) || extend_usec == 0)
                return;
        if (extend_usec > EXTEND_MAX_USEC)
                extend_usec = EXTEND_MAX_USEC;
        (void) snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%" USEC_FMT "\n", extend_usec);
        (void) notify_proxy_send(supervisor->proxy, text);
}

/* STOPPING=1: the gateway has begun by itself. */
static void supervisor_stop_itself(Supervisor *supervisor, usec_t now_usec) {
        StopRequest request = { .is_asked = true, .is_by_gateway = true };

        supervisor_begin_stop(supervisor, &request, /* is_main_signalled= */ true,
                /* stop_signo= */ 0, now_usec);
        supervisor_describe_stop(supervisor, /* caught= */ NULL, now_usec);
}

static void supervisor_handle_notify(NotifyMessage *message, pid_t sender, void *userdata) {
        Supervisor *supervisor = userdata;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        supervisor_hear_signals(supervisor);
        if (message->has_main_pid)
                supervisor_adopt_main(supervisor, message->main_pid);
        if (message->has_extend)
                supervisor_handle_extend(supervisor, message->extend_usec);
        supervisor_handle_readiness(supervisor, message);
        supervisor_note_life(supervisor, now_usec);
        supervisor_handle_heartbeat(supervisor, message, now_usec);

        if (message->has_stopping) {
                message->has_stopping = false;
                if (!ladder_is_stopping(&supervisor->ladder) && supervisor->is_main_alive)
                        supervisor_stop_itself(supervisor, usec_now(CLOCK_MONOTONIC));
        }
        supervisor_handle_work(supervisor, message, now_usec);
        if (message->has_watchdog || message->has_active || message->phase || message->n_steps > 0)
                supervisor_note_flight(supervisor,
                        /* is_news= */ message->phase || message->n_steps > 0 ||
                                (message->has_active &&
                                        message->active != supervisor->flight.n_active),
                        now_usec);

        if (message->status) {
                (void) snprintf(supervisor->gateway_status, sizeof(supervisor->gateway_status),
                        "%.*s", (int) sizeof(supervisor->gateway_status) - 1, message->status);
                if (ladder_is_stopping(&supervisor->ladder))
                        message->status =
                                supervisor_stop_status(supervisor, usec_now(CLOCK_MONOTONIC));
        }
        supervisor_catch_up(supervisor);
}

static void supervisor_note_dropped(NotifyDrop drop, pid_t sender, uint64_t count, void *userdata) {
        static const int errors[_NOTIFY_DROP_MAX] = {
                [NOTIFY_DROP_STRANGER] = EPERM,
                [NOTIFY_DROP_OVERSIZED] = EMSGSIZE,
                [NOTIFY_DROP_MALFORMED] = EBADMSG,
                [NOTIFY_DROP_QUEUE_FULL] = ENOBUFS,
                [NOTIFY_DROP_REFUSED] = ECONNREFUSED,
        };
        Supervisor *supervisor = userdata;
        char consequence[160];

        (void) snprintf(consequence, sizeof(consequence),
                "a notify message of pid %d was dropped (%s, %" PRIu64 " so far)", sender,
                notify_drop_to_string(drop), count);
        run_record_degraded(supervisor, "notify", errors[drop], consequence);
}

int supervisor_make_proxy(Supervisor *supervisor) {
        static const NotifyProxyOps ops = {
                .is_member = supervisor_is_member,
                .handle = supervisor_handle_notify,
                .dropped = supervisor_note_dropped,
        };
        _cleanup_free_ char *directory = NULL;
        const char *runtime = getenv("RUNTIME_DIRECTORY");

        if (runtime) {
                directory = strndup(runtime, strcspn(runtime, ":"));
                if (!directory)
                        return -ENOMEM;
        }
        return notify_proxy_new(
                getenv("NOTIFY_SOCKET"), directory, &ops, supervisor, &supervisor->proxy);
}
