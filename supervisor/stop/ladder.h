/* SPDX-License-Identifier: MIT */
#pragma once

/* The stop ladder: which signal the gateway's processes get next, and until when. A state machine
 * without I/O and without a clock: events and facts go in, one action and one deadline come out. The
 * total table of states and events stands in ladder.c.
 *
 * Model: phases run in order, one at a time. A phase ends at once when nothing it targets is left,
 * else at its deadline. Main is sent a given signal at most once. When main exits with processes left
 * behind, the first remaining phase that targets `others` or `all` runs. The ladder has ended when no
 * gateway process is left, or when the last deadline has passed. All deadlines lie within the
 * budget's total, counted from the stop's beginning. */

#include <stdbool.h>
#include <stdint.h>

#include "budget.h"
#include "schedule.h"
#include "usec.h"

typedef enum LadderState {
        LADDER_RUNNING,    /* no stop yet */
        LADDER_DRAINING,   /* the first phase */
        LADDER_ESCALATING, /* a later phase, not the last */
        LADDER_KILLING,    /* the last phase: KILL@all */
        LADDER_ENDED,      /* nothing left to do; the supervisor leaves */
        _LADDER_STATE_MAX,
        _LADDER_STATE_INVALID = -EINVAL,
} LadderState;

const char *ladder_state_to_string(LadderState state);

typedef enum LadderEvent {
        LADDER_STOP,        /* a stop signal, or the gateway's own STOPPING=1 */
        LADDER_ESCALATE,    /* on to the next phase, whatever the present one's deadline says */
        LADDER_DEADLINE,    /* the deadline has passed */
        LADDER_MAIN_EXITED, /* the main process is gone; others may be left */
        LADDER_CHANGED,     /* some other gateway process came or went: look at the facts */
        _LADDER_EVENT_MAX,
        _LADDER_EVENT_INVALID = -EINVAL,
} LadderEvent;

const char *ladder_event_to_string(LadderEvent event);

/* What is so at the moment of an event. */
typedef struct LadderFacts {
        bool is_main_alive;
        bool has_others;        /* gateway processes besides main are alive */
        bool is_main_signalled; /* with LADDER_STOP: main has had this stop signal already (from
                                 * systemd under KillMode=control-group, from the terminal, or it
                                 * asked for the stop itself) */
        int stop_signo;         /* with LADDER_STOP: what the first phase sends in place of its own
                                 * signal (SIGINT for a SIGINT), or 0 */
} LadderFacts;

typedef enum LadderActionType {
        LADDER_ACTION_NONE,
        LADDER_ACTION_SIGNAL, /* send signo to target; the phase has begun */
        LADDER_ACTION_WAIT,   /* a phase has begun without a signal (main has had it) */
        LADDER_ACTION_END,    /* no gateway process is left, or the last deadline has passed */
        _LADDER_ACTION_TYPE_MAX,
} LadderActionType;

typedef struct LadderAction {
        LadderActionType type;
        int signo;          /* with SIGNAL; else 0 */
        PhaseTarget target; /* with SIGNAL and WAIT */
        bool skip_main;     /* with SIGNAL to `all`: leave main out, it has had this signal */
} LadderAction;

/* How a phase that ran has ended; kept for the records. */
typedef struct LadderPhase {
        bool has_run;
        bool is_over;
        bool is_timed_out;
        int signo; /* what it sent; 0: nothing (WAIT) */
        usec_t began_at_usec;
        usec_t ended_at_usec; /* once over */
        usec_t deadline_at_usec;
} LadderPhase;

typedef struct Ladder {
        LadderState state; /* written by ladder_set_state() alone */
        Schedule schedule;
        usec_t phase_usec[SCHEDULE_PHASES_MAX];
        size_t phase_index; /* while a phase runs */
        usec_t began_at_usec;
        usec_t deadline_at_usec; /* of the present phase; USEC_INFINITY: none */
        usec_t ends_by_usec;     /* the bound of the whole ladder; USEC_INFINITY: not begun */
        uint64_t main_signals;   /* bit signo - 1: main has been sent it (real-time ones too) */
        LadderPhase phases[SCHEDULE_PHASES_MAX];
} Ladder;

void ladder_init(Ladder *ladder, const Schedule *schedule, const Budget *budget);

/* Takes a budget that was computed anew (the properties came, or changed by a daemon-reload). Before
 * the stop all phases take it. Once the stop has begun only phases that have not begun do;
 * ends_by_usec becomes the stop's beginning plus the new total, and the present phase's deadline moves
 * forward (never back) where the phases after it would else lose their time: re-arm the timer. It
 * may then have passed already. */
void ladder_set_budget(Ladder *ladder, const Budget *budget);

/* Another process has become main (MAINPID=): it has had none of the signals yet.
 * Returns: the signal that the present phase has sent to main, which the new one is to be sent too; 0:
 * none. */
int ladder_replace_main(Ladder *ladder) _warn_unused_;

/* Takes one event. Afterwards ladder->deadline_at_usec says when to send LADDER_DEADLINE (compare with
 * the state: USEC_INFINITY disarms). A phase whose targets are already gone, or which would only
 * repeat a signal that main has had, is passed over, so one step may begin a phase some way down.
 * SIGKILL is never passed over. A phase's deadline is its beginning plus its time; a phase that begins
 * late pays for that itself, so that the ones after it, KILL above all, keep theirs before
 * ends_by_usec. A step that comes after ends_by_usec leaves a deadline that has passed already.
 *
 * event:    LADDER_ESCALATE moves on to the next phase; in the last one there is none, and the ladder
 *           still waits for its deadline.
 * now_usec: CLOCK_MONOTONIC, not before the last step's; with LADDER_DEADLINE not before the deadline.
 * Returns: the action; type NONE when nothing is to be done. */
LadderAction ladder_step(
        Ladder *ladder, LadderEvent event, const LadderFacts *facts, usec_t now_usec) _warn_unused_;

/* The phase that runs now; NULL: none. */
const Phase *ladder_phase(const Ladder *ladder);
/* Whether a phase runs: the ladder has begun and not ended. */
bool ladder_is_stopping(const Ladder *ladder);

/* How far the ladder had to go: the furthest phase that was begun decides, and one that sent SIGKILL
 * counts as KILL wherever it stands. */
typedef enum LadderReach {
        LADDER_REACH_NONE, /* no stop was begun */
        LADDER_REACH_FIRST,
        LADDER_REACH_LATER,
        LADDER_REACH_KILL,
} LadderReach;
LadderReach ladder_reach(const Ladder *ladder);
