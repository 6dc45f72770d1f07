/* SPDX-License-Identifier: MIT */
#pragma once

/* The gateway's heartbeat judged: from which instant on it counts as missed. Pure; the clock is
 * CLOCK_MONOTONIC, which stands still while the host is suspended to RAM.
 *
 *   OFF        no interval
 *   WAITING    not ready yet: a start is bounded by systemd's TimeoutStartSec=
 *   ARMED      each beat moves the deadline
 *   SUSPENDED  while the gateway reloads
 *   ENDED      the stop has begun: the ladder bounds everything from here
 *
 * A supervisor that was itself held up (stopped, frozen, starved) cannot tell whether beats were late
 * or only unheard: it drains its socket first, and if it was late by more than half of the interval the
 * gateway gets one more. */

#include <stdbool.h>

#include "cleanup.h"
#include "usec.h"

typedef enum LivenessState {
        LIVENESS_OFF,
        LIVENESS_WAITING,
        LIVENESS_ARMED,
        LIVENESS_SUSPENDED,
        LIVENESS_ENDED,
        _LIVENESS_STATE_MAX,
        _LIVENESS_STATE_INVALID = -EINVAL,
} LivenessState;

const char *liveness_state_to_string(LivenessState state);

typedef struct Liveness {
        LivenessState state; /* written by liveness_set_state() alone */
        usec_t interval_usec;
        usec_t beat_at_usec;     /* the last sign of life, or when it was armed */
        usec_t deadline_at_usec; /* USEC_INFINITY unless ARMED */
        bool is_excused;         /* this deadline has been put off once already */
} Liveness;

typedef enum LivenessVerdict {
        LIVENESS_ALIVE,   /* the deadline lies ahead (or there is none) */
        LIVENESS_EXCUSED, /* it has passed, but the supervisor was late itself: one more interval */
        LIVENESS_MISSED,  /* it has passed; the state is ENDED now */
        _LIVENESS_VERDICT_MAX,
} LivenessVerdict;

/* interval_usec: 0 or USEC_INFINITY: no heartbeat is expected, until the gateway asks for it. */
void liveness_init(Liveness *liveness, usec_t interval_usec);

/* The gateway is ready (the first time, or again after a reload), reloads, is being stopped. */
void liveness_ready(Liveness *liveness, usec_t now_usec);
void liveness_reloading(Liveness *liveness);
void liveness_stopping(Liveness *liveness);

/* WATCHDOG=1. */
void liveness_beat(Liveness *liveness, usec_t now_usec);

/* WATCHDOG_USEC=: another interval, which counts from now; 0 or USEC_INFINITY turn it off.
 * is_ready: the gateway is ready, so that an interval where there was none is armed at once. */
void liveness_set_interval(
        Liveness *liveness, usec_t interval_usec, bool is_ready, usec_t now_usec);

/* WATCHDOG=trigger: the gateway gives itself up. Returns: whether it counts (ready, no stop yet, also
 * without an interval); then the state is ENDED. */
bool liveness_trigger(Liveness *liveness, bool is_ready);

/* Looks at the deadline, after everything that has arrived was taken.
 * late_usec: by how much the supervisor itself came later than it wanted to. */
LivenessVerdict liveness_judge(Liveness *liveness, usec_t late_usec, usec_t now_usec);
