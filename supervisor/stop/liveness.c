/* SPDX-License-Identifier: MIT */

/* The heartbeat is a total table of states and events, liveness_table. Each cell names one of a few
 * moves; a move sets the state and, when it is ARMED, the one absolute deadline: the last sign of
 * life plus the interval.
 *
 * A deadline that has passed is judged by whoever has first taken everything that had arrived,
 * since a beat that waits in the socket is one. What is left to excuse then is a supervisor that
 * was held up itself: whatever held it (a frozen unit, a stopped or starved host) may have held the
 * gateway too, or whoever would have woken it. It is excused once; without a beat in between the
 * second time counts, so that a host that is always late does not keep a dead gateway for ever.
 *
 * Not here: timers, sockets, why a beat is missing (see stall.h) and what follows from it. */

#include "liveness.h"

typedef enum LivenessEvent {
        LIVENESS_READY,
        LIVENESS_RELOADING,
        LIVENESS_STOPPING,
        LIVENESS_BEAT,
        LIVENESS_INTERVAL,       /* another interval, and the gateway is not ready yet */
        LIVENESS_INTERVAL_READY, /* another interval, and it is */
        LIVENESS_INTERVAL_OFF,
        LIVENESS_TRIGGER,
        LIVENESS_DEADLINE,      /* it has passed */
        LIVENESS_DEADLINE_LATE, /* it has passed, and the supervisor was late itself */
        _LIVENESS_EVENT_MAX,
} LivenessEvent;

typedef enum LivenessMove {
        LIVENESS_MOVE_IGNORE = 1,  /* nothing to do here (0 would be a cell that was forgotten) */
        LIVENESS_MOVE_UNREACHABLE, /* liveness_judge() looks at an armed deadline only */
        LIVENESS_MOVE_OFF,
        LIVENESS_MOVE_WAIT,
        LIVENESS_MOVE_ARM,   /* a sign of life: the deadline lies one interval from now */
        LIVENESS_MOVE_DEFER, /* the deadline lies one interval from now, without a sign of life */
        LIVENESS_MOVE_SUSPEND,
        LIVENESS_MOVE_END,
} LivenessMove;

static const LivenessMove liveness_table[][_LIVENESS_EVENT_MAX] = {
        [LIVENESS_OFF] = {
                [LIVENESS_READY] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_RELOADING] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_STOPPING] = LIVENESS_MOVE_END,
                [LIVENESS_BEAT] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL] = LIVENESS_MOVE_WAIT,
                [LIVENESS_INTERVAL_READY] = LIVENESS_MOVE_ARM,
                [LIVENESS_INTERVAL_OFF] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_TRIGGER] = LIVENESS_MOVE_END,
                [LIVENESS_DEADLINE] = LIVENESS_MOVE_UNREACHABLE,
                [LIVENESS_DEADLINE_LATE] = LIVENESS_MOVE_UNREACHABLE,
        },
        [LIVENESS_WAITING] = {
                [LIVENESS_READY] = LIVENESS_MOVE_ARM,
                [LIVENESS_RELOADING] = LIVENESS_MOVE_IGNORE, /* READY=1 ends both */
                [LIVENESS_STOPPING] = LIVENESS_MOVE_END,
                [LIVENESS_BEAT] = LIVENESS_MOVE_IGNORE, /* beats do not make it ready */
                [LIVENESS_INTERVAL] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL_READY] = LIVENESS_MOVE_ARM,
                [LIVENESS_INTERVAL_OFF] = LIVENESS_MOVE_OFF,
                [LIVENESS_TRIGGER] = LIVENESS_MOVE_END,
                [LIVENESS_DEADLINE] = LIVENESS_MOVE_UNREACHABLE,
                [LIVENESS_DEADLINE_LATE] = LIVENESS_MOVE_UNREACHABLE,
        },
        [LIVENESS_ARMED] = {
                [LIVENESS_READY] = LIVENESS_MOVE_ARM, /* said again: whoever speaks lives */
                [LIVENESS_RELOADING] = LIVENESS_MOVE_SUSPEND,
                [LIVENESS_STOPPING] = LIVENESS_MOVE_END,
                [LIVENESS_BEAT] = LIVENESS_MOVE_ARM,
                [LIVENESS_INTERVAL] = LIVENESS_MOVE_ARM, /* armed is ready enough */
                [LIVENESS_INTERVAL_READY] = LIVENESS_MOVE_ARM,
                [LIVENESS_INTERVAL_OFF] = LIVENESS_MOVE_OFF,
                [LIVENESS_TRIGGER] = LIVENESS_MOVE_END,
                [LIVENESS_DEADLINE] = LIVENESS_MOVE_END,
                [LIVENESS_DEADLINE_LATE] = LIVENESS_MOVE_DEFER,
        },
        [LIVENESS_SUSPENDED] = {
                [LIVENESS_READY] = LIVENESS_MOVE_ARM,
                [LIVENESS_RELOADING] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_STOPPING] = LIVENESS_MOVE_END,
                [LIVENESS_BEAT] = LIVENESS_MOVE_IGNORE, /* READY=1 ends the reload, no beat does */
                [LIVENESS_INTERVAL] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL_READY] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL_OFF] = LIVENESS_MOVE_OFF,
                [LIVENESS_TRIGGER] = LIVENESS_MOVE_END,
                [LIVENESS_DEADLINE] = LIVENESS_MOVE_UNREACHABLE,
                [LIVENESS_DEADLINE_LATE] = LIVENESS_MOVE_UNREACHABLE,
        },
        [LIVENESS_ENDED] = {
                [LIVENESS_READY] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_RELOADING] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_STOPPING] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_BEAT] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL_READY] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_INTERVAL_OFF] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_TRIGGER] = LIVENESS_MOVE_IGNORE,
                [LIVENESS_DEADLINE] = LIVENESS_MOVE_UNREACHABLE,
                [LIVENESS_DEADLINE_LATE] = LIVENESS_MOVE_UNREACHABLE,
        },
};
static_assert(ELEMENTSOF(liveness_table) == _LIVENESS_STATE_MAX, "a row for each state");
static_assert(ELEMENTSOF(liveness_table[0]) == _LIVENESS_EVENT_MAX, "a cell for each event");

static const char *const liveness_state_table[] = {
        [LIVENESS_OFF] = "off",
        [LIVENESS_WAITING] = "waiting",
        [LIVENESS_ARMED] = "armed",
        [LIVENESS_SUSPENDED] = "suspended",
        [LIVENESS_ENDED] = "ended",
};
static_assert(ELEMENTSOF(liveness_state_table) == _LIVENESS_STATE_MAX, "a name for each state");

const char *liveness_state_to_string(LivenessState state) {
        assert(state >= 0 && state < _LIVENESS_STATE_MAX);
        return liveness_state_table[state];
}

/* ---- State ---------------------------------------------------------------------------------- */

/* The sole writer of liveness->state: only what is armed has a deadline. */
static void liveness_set_state(Liveness *liveness, LivenessState state, usec_t deadline_at_usec) {
        liveness->state = state;
        liveness->deadline_at_usec = state == LIVENESS_ARMED ? deadline_at_usec : USEC_INFINITY;
}

/* now_usec: of use to the moves that arm; 0 with the events that never do. */
static void liveness_step(Liveness *liveness, LivenessEvent event, usec_t now_usec) {
        switch (liveness_table[liveness->state][event]) {
        case LIVENESS_MOVE_IGNORE:
        case LIVENESS_MOVE_UNREACHABLE:
                break;
        case LIVENESS_MOVE_OFF:
                liveness_set_state(liveness, LIVENESS_OFF, USEC_INFINITY);
                break;
        case LIVENESS_MOVE_WAIT:
                liveness_set_state(liveness, LIVENESS_WAITING, USEC_INFINITY);
                break;
        case LIVENESS_MOVE_ARM:
                liveness->beat_at_usec = now_usec;
                liveness->is_excused = false;
                liveness_set_state(
                        liveness, LIVENESS_ARMED, usec_add(now_usec, liveness->interval_usec));
                break;
        case LIVENESS_MOVE_DEFER:
                liveness->is_excused = true;
                liveness_set_state(
                        liveness, LIVENESS_ARMED, usec_add(now_usec, liveness->interval_usec));
                break;
        case LIVENESS_MOVE_SUSPEND:
                liveness_set_state(liveness, LIVENESS_SUSPENDED, USEC_INFINITY);
                break;
        case LIVENESS_MOVE_END:
                liveness_set_state(liveness, LIVENESS_ENDED, USEC_INFINITY);
                break;
        }
}

/* ---- Events --------------------------------------------------------------------------------- */

static bool liveness_is_interval(usec_t interval_usec) {
        return interval_usec > 0 && interval_usec != USEC_INFINITY;
}

void liveness_init(Liveness *liveness, usec_t interval_usec) {
        assert(liveness);

        *liveness = (Liveness){ .interval_usec = interval_usec };
        liveness_set_state(liveness,
                liveness_is_interval(interval_usec) ? LIVENESS_WAITING : LIVENESS_OFF,
                USEC_INFINITY);
}

void liveness_ready(Liveness *liveness, usec_t now_usec) {
        assert(liveness);
        liveness_step(liveness, LIVENESS_READY, now_usec);
}

void liveness_reloading(Liveness *liveness) {
        assert(liveness);
        liveness_step(liveness, LIVENESS_RELOADING, /* now_usec= */ 0);
}

void liveness_stopping(Liveness *liveness) {
        assert(liveness);
        liveness_step(liveness, LIVENESS_STOPPING, /* now_usec= */ 0);
}

void liveness_beat(Liveness *liveness, usec_t now_usec) {
        assert(liveness);
        liveness_step(liveness, LIVENESS_BEAT, now_usec);
}

void liveness_set_interval(
        Liveness *liveness, usec_t interval_usec, bool is_ready, usec_t now_usec) {
        assert(liveness);

        LivenessEvent event = LIVENESS_INTERVAL_OFF;

        if (liveness_is_interval(interval_usec))
                event = is_ready ? LIVENESS_INTERVAL_READY : LIVENESS_INTERVAL;
        /* What has ended keeps the interval that was missed: the records name it. */
        if (liveness->state != LIVENESS_ENDED)
                liveness->interval_usec = interval_usec;
        liveness_step(liveness, event, now_usec);
}

bool liveness_trigger(Liveness *liveness, bool is_ready) {
        assert(liveness);

        if (!is_ready || liveness->state == LIVENESS_ENDED)
                return false;
        liveness_step(liveness, LIVENESS_TRIGGER, /* now_usec= */ 0);
        return true;
}

LivenessVerdict liveness_judge(Liveness *liveness, usec_t late_usec, usec_t now_usec) {
        assert(liveness);

        if (liveness->state != LIVENESS_ARMED || now_usec < liveness->deadline_at_usec)
                return LIVENESS_ALIVE;

        bool is_late = late_usec > liveness->interval_usec / 2 && !liveness->is_excused;
        liveness_step(liveness, is_late ? LIVENESS_DEADLINE_LATE : LIVENESS_DEADLINE, now_usec);
        return is_late ? LIVENESS_EXCUSED : LIVENESS_MISSED;
}
