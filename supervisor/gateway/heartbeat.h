/* SPDX-License-Identifier: MIT */
#pragma once

/* The supervisor's own sign of life towards systemd (WatchdogSec=): sent from the loop at half the
 * interval, and never again once the stop has begun, because one WATCHDOG=1 then would re-arm a
 * watchdog that nobody feeds. */

#include <stdint.h>

#include <systemd/sd-event.h>

#include "cleanup.h"
#include "usec.h"

typedef struct Heartbeat Heartbeat;

/* Sends one WATCHDOG=1; its result is ignored. */
typedef void (*HeartbeatSend)(void *userdata);

/* Sends the first one at once.
 *
 * interval_usec: WATCHDOG_USEC as systemd gave it to us; 0, USEC_INFINITY: none is asked for (ret
 *                NULL, returns 0).
 *
 * Returns: 0; -ENOMEM; negative errno of sd_event_add_time(3). */
int heartbeat_new(sd_event *event, usec_t interval_usec, int64_t priority, HeartbeatSend send,
        void *userdata, Heartbeat **ret_heartbeat) _warn_unused_;
/* Stops for good. NULL is fine. Returns: NULL. */
Heartbeat *heartbeat_free(Heartbeat *heartbeat);
DEFINE_POINTER_CLEANUP(Heartbeat, heartbeat_free)
