/* SPDX-License-Identifier: MIT */

/* A timer at half the interval that says "the loop still turns". It is a timer of the loop and
 * nothing else on purpose: a thread would go on saying so while the loop hangs.
 *
 * The next beat counts from the moment of this one, so that a loop that was held up does not send a
 * burst afterwards; with the timer's accuracy of an eighth a beat comes at most after five eighths
 * of the interval.
 *
 * sd_event_set_watchdog(3) is not used: it cannot be stopped for good from a message's handler, and
 * sends around the queue that keeps our messages in order.
 *
 * What becomes of a beat (systemd busy or gone) is not its concern. */

#include "heartbeat.h"

#include <assert.h>
#include <stdlib.h>

struct Heartbeat {
        HeartbeatSend send;
        void *userdata; /* weak */
        usec_t period_usec;
        sd_event_source *timer_source;
};

static int heartbeat_dispatch_timer(
        sd_event_source *source, uint64_t scheduled_at_usec, void *userdata) {
        Heartbeat *heartbeat = userdata;

        /* Armed before it is sent: the sender may free us. Neither call fails for a live source. */
        (void) sd_event_source_set_time_relative(source, heartbeat->period_usec);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        heartbeat->send(heartbeat->userdata);
        return 0;
}

int heartbeat_new(sd_event *event, usec_t interval_usec, int64_t priority, HeartbeatSend send,
        void *userdata, Heartbeat **ret_heartbeat) {
        assert(event);
        assert(send);
        assert(ret_heartbeat);

        if (interval_usec == 0 || interval_usec == USEC_INFINITY) {
                *ret_heartbeat = NULL;
                return 0;
        }

        _cleanup_(heartbeat_freep) Heartbeat *heartbeat = calloc(1, sizeof(*heartbeat));
        if (!heartbeat)
                return -ENOMEM;
        heartbeat->send = send;
        heartbeat->userdata = userdata;
        heartbeat->period_usec = interval_usec > 1 ? interval_usec / 2 : 1;

        usec_t accuracy_usec = interval_usec >= 8 ? interval_usec / 8 : 1; /* 0 would mean 250 ms */
        int r = sd_event_add_time_relative(event, &heartbeat->timer_source, CLOCK_MONOTONIC,
                heartbeat->period_usec, accuracy_usec, heartbeat_dispatch_timer, heartbeat);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(heartbeat->timer_source, "heartbeat");
        r = sd_event_source_set_priority(heartbeat->timer_source, priority);
        if (r < 0)
                return r;

        send(userdata);
        *ret_heartbeat = TAKE_PTR(heartbeat);
        return 0;
}

Heartbeat *heartbeat_free(Heartbeat *heartbeat) {
        if (!heartbeat)
                return NULL;
        (void) sd_event_source_disable_unref(heartbeat->timer_source);
        free(heartbeat);
        return NULL;
}
