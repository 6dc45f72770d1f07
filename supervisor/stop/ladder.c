/* SPDX-License-Identifier: MIT */

/* The ladder is a total table of states and events, ladder_table. Each cell names one of a few moves;
 * a move looks at the facts, and at the phases from some index on, and either begins the first phase
 * that has something to do or ends the ladder.
 *
 * A phase has something to do when a process that it targets is alive and its signal would not merely
 * repeat to main what main has had. Main is special because many gateways read a second SIGTERM as
 * "abandon the drain"; the other processes have no such memory here. SIGKILL cannot be misread, so it
 * is never held back.
 *
 * Time: a phase ends at its beginning plus its time. What a phase leaves unused is nobody's; what a
 * late step has used up is taken from the phases that begin late, not from those behind them, so that
 * however the loop was held up KILL keeps its time before ends_by_usec.
 *
 * Not here: who is alive (the caller brings facts), sending, timers, records, and what a second stop
 * signal should mean (the caller may turn it into LADDER_ESCALATE). */

#include "ladder.h"

#include <signal.h>
#include <string.h>

typedef enum LadderMove {
        LADDER_MOVE_IGNORE = 1,  /* nothing to do here (0 would be a cell that was forgotten) */
        LADDER_MOVE_UNREACHABLE, /* the caller's mistake, which must not take the gateway down */
        LADDER_MOVE_BEGIN,       /* a stop: the first phase begins */
        LADDER_MOVE_LOOK_ALIVE,  /* ends the ladder when nothing is left */
        LADDER_MOVE_LOOK,        /* goes on when nothing that the present phase targets is left */
        LADDER_MOVE_SWEEP,       /* main is gone: the first phase that targets others begins */
        LADDER_MOVE_NEXT,        /* the next phase begins */
        LADDER_MOVE_TIMED_OUT,   /* the same, and the present one missed its deadline */
} LadderMove;

static const LadderMove ladder_table[][_LADDER_EVENT_MAX] = {
        [LADDER_RUNNING] = {
                [LADDER_STOP] = LADDER_MOVE_BEGIN,
                [LADDER_ESCALATE] = LADDER_MOVE_IGNORE,
                [LADDER_DEADLINE] = LADDER_MOVE_UNREACHABLE, /* none is armed */
                [LADDER_MAIN_EXITED] = LADDER_MOVE_SWEEP,
                [LADDER_CHANGED] = LADDER_MOVE_LOOK_ALIVE,
        },
        [LADDER_DRAINING] = {
                [LADDER_STOP] = LADDER_MOVE_IGNORE,
                [LADDER_ESCALATE] = LADDER_MOVE_NEXT,
                [LADDER_DEADLINE] = LADDER_MOVE_TIMED_OUT,
                [LADDER_MAIN_EXITED] = LADDER_MOVE_LOOK,
                [LADDER_CHANGED] = LADDER_MOVE_LOOK,
        },
        [LADDER_ESCALATING] = {
                [LADDER_STOP] = LADDER_MOVE_IGNORE,
                [LADDER_ESCALATE] = LADDER_MOVE_NEXT,
                [LADDER_DEADLINE] = LADDER_MOVE_TIMED_OUT,
                [LADDER_MAIN_EXITED] = LADDER_MOVE_LOOK,
                [LADDER_CHANGED] = LADDER_MOVE_LOOK,
        },
        [LADDER_KILLING] = {
                [LADDER_STOP] = LADDER_MOVE_IGNORE,
                [LADDER_ESCALATE] = LADDER_MOVE_IGNORE, /* nothing lies above KILL */
                [LADDER_DEADLINE] = LADDER_MOVE_TIMED_OUT,
                [LADDER_MAIN_EXITED] = LADDER_MOVE_LOOK,
                [LADDER_CHANGED] = LADDER_MOVE_LOOK,
        },
        [LADDER_ENDED] = {
                [LADDER_STOP] = LADDER_MOVE_IGNORE,
                [LADDER_ESCALATE] = LADDER_MOVE_IGNORE,
                [LADDER_DEADLINE] = LADDER_MOVE_IGNORE,
                [LADDER_MAIN_EXITED] = LADDER_MOVE_IGNORE,
                [LADDER_CHANGED] = LADDER_MOVE_IGNORE,
        },
};
static_assert(ELEMENTSOF(ladder_table) == _LADDER_STATE_MAX, "a row for each state");
static_assert(ELEMENTSOF(ladder_table[0]) == _LADDER_EVENT_MAX, "a cell for each event");

static const char *const ladder_state_table[] = {
        [LADDER_RUNNING] = "running",
        [LADDER_DRAINING] = "draining",
        [LADDER_ESCALATING] = "escalating",
        [LADDER_KILLING] = "killing",
        [LADDER_ENDED] = "ended",
};
static_assert(ELEMENTSOF(ladder_state_table) == _LADDER_STATE_MAX, "a name for each state");

static const char *const ladder_event_table[] = {
        [LADDER_STOP] = "stop",
        [LADDER_ESCALATE] = "escalate",
        [LADDER_DEADLINE] = "deadline",
        [LADDER_MAIN_EXITED] = "main-exited",
        [LADDER_CHANGED] = "changed",
};
static_assert(ELEMENTSOF(ladder_event_table) == _LADDER_EVENT_MAX, "a name for each event");

const char *ladder_state_to_string(LadderState state) {
        assert(state >= 0 && state < _LADDER_STATE_MAX);
        return ladder_state_table[state];
}

const char *ladder_event_to_string(LadderEvent event) {
        assert(event >= 0 && event < _LADDER_EVENT_MAX);
        return ladder_event_table[event];
}

/* ---- State ------------------------------------------------------------------------------------- */

/* The sole writer of ladder->state: outside of a phase no deadline is armed. */
static void ladder_set_state(Ladder *ladder, LadderState state) {
        ladder->state = state;
        if (!ladder_is_stopping(ladder))
                ladder->deadline_at_usec = USEC_INFINITY;
}

static bool ladder_is_last(const Ladder *ladder, size_t index) {
        return index + 1 == ladder->schedule.n_phases;
}

static LadderState ladder_state_of(const Ladder *ladder, size_t index) {
        if (ladder_is_last(ladder, index))
                return LADDER_KILLING;
        return index == 0 ? LADDER_DRAINING : LADDER_ESCALATING;
}

bool ladder_is_stopping(const Ladder *ladder) {
        return ladder->state != LADDER_RUNNING && ladder->state != LADDER_ENDED;
}

const Phase *ladder_phase(const Ladder *ladder) {
        return ladder_is_stopping(ladder) ? &ladder->schedule.phases[ladder->phase_index] : NULL;
}

LadderReach ladder_reach(const Ladder *ladder) {
        LadderReach reach = LADDER_REACH_NONE;

        for (size_t i = 0; i < ladder->schedule.n_phases; i++) {
                if (!ladder->phases[i].has_run)
                        continue;
                if (ladder->phases[i].signo == SIGKILL)
                        return LADDER_REACH_KILL;
                reach = i == 0 ? LADDER_REACH_FIRST : LADDER_REACH_LATER;
        }
        return reach;
}

/* ---- What main has had ------------------------------------------------------------------------- */

static uint64_t ladder_signal_bit(int signo) {
        assert(signo >= 1 && signo <= 64);
        return UINT64_C(1) << (signo - 1);
}

/* Whether main must not be sent this signal again. */
static bool ladder_is_spent(const Ladder *ladder, int signo) {
        return signo != SIGKILL && (ladder->main_signals & ladder_signal_bit(signo)) != 0;
}

static bool ladder_has_target(PhaseTarget target, const LadderFacts *facts) {
        return (target != PHASE_TARGET_OTHERS && facts->is_main_alive) ||
                (target != PHASE_TARGET_MAIN && facts->has_others);
}

/* The part of a phase's targets that has not had the signal. Returns: false: nobody. */
static bool ladder_find_recipients(const Ladder *ladder, PhaseTarget target, int signo,
        const LadderFacts *facts, bool *ret_skip_main) {
        bool is_main_spent = facts->is_main_alive && ladder_is_spent(ladder, signo);

        *ret_skip_main = target == PHASE_TARGET_ALL && is_main_spent;
        if (target == PHASE_TARGET_OTHERS || !is_main_spent)
                return ladder_has_target(target, facts);
        return *ret_skip_main && facts->has_others;
}

/* ---- Phases ------------------------------------------------------------------------------------ */

/* The time of the phases after one. */
static usec_t ladder_later_usec(const Ladder *ladder, size_t index) {
        usec_t later_usec = 0;

        for (size_t i = index + 1; i < ladder->schedule.n_phases; i++)
                later_usec = usec_add(later_usec, ladder->phase_usec[i]);
        return later_usec;
}

static usec_t ladder_deadline(const Ladder *ladder, size_t index, usec_t now_usec) {
        const usec_t latest_usec = usec_sub(ladder->ends_by_usec, ladder_later_usec(ladder, index));
        usec_t deadline_usec = usec_add(now_usec, ladder->phase_usec[index]);

        if (deadline_usec > latest_usec)
                deadline_usec = latest_usec > now_usec ? latest_usec : now_usec;
        return deadline_usec < ladder->ends_by_usec ? deadline_usec : ladder->ends_by_usec;
}

static void ladder_begin(Ladder *ladder, usec_t now_usec) {
        ladder->began_at_usec = now_usec;
        ladder->ends_by_usec =
                usec_add(now_usec, usec_add(ladder->phase_usec[0], ladder_later_usec(ladder, 0)));
}

static void ladder_end_phase(Ladder *ladder, bool is_timed_out, usec_t now_usec) {
        LadderPhase *phase = &ladder->phases[ladder->phase_index];

        phase->is_over = true;
        phase->is_timed_out = is_timed_out;
        phase->ended_at_usec = now_usec;
}

/* Begins the phase and remembers what main is sent by it.
 * signo: 0: nobody is sent anything. */
static LadderAction ladder_begin_phase(Ladder *ladder, size_t index, int signo, bool skip_main,
        const LadderFacts *facts, usec_t now_usec) {
        const PhaseTarget target = ladder->schedule.phases[index].target;

        if (ladder->state == LADDER_RUNNING)
                ladder_begin(ladder, now_usec);
        ladder_set_state(ladder, ladder_state_of(ladder, index));
        ladder->phase_index = index;
        ladder->deadline_at_usec = ladder_deadline(ladder, index, now_usec);
        ladder->phases[index] = (LadderPhase){
                .has_run = true,
                .signo = signo,
                .began_at_usec = now_usec,
                .deadline_at_usec = ladder->deadline_at_usec,
        };
        if (signo == 0)
                return (LadderAction){ .type = LADDER_ACTION_WAIT, .target = target };

        if (target != PHASE_TARGET_OTHERS && facts->is_main_alive)
                ladder->main_signals |= ladder_signal_bit(signo);
        return (LadderAction){
                .type = LADDER_ACTION_SIGNAL,
                .signo = signo,
                .target = target,
                .skip_main = skip_main,
        };
}

/* ---- Moves ------------------------------------------------------------------------------------- */

static LadderAction ladder_end(Ladder *ladder) {
        ladder_set_state(ladder, LADDER_ENDED);
        return (LadderAction){ .type = LADDER_ACTION_END };
}

/* Begins the first phase from an index on that has something to do; ends when none has. */
static LadderAction ladder_begin_from(
        Ladder *ladder, size_t index, const LadderFacts *facts, usec_t now_usec) {
        for (; index < ladder->schedule.n_phases; index++) {
                const Phase *phase = &ladder->schedule.phases[index];
                bool skip_main;

                if (ladder_find_recipients(ladder, phase->target, phase->signo, facts, &skip_main))
                        return ladder_begin_phase(
                                ladder, index, phase->signo, skip_main, facts, now_usec);
        }
        return ladder_end(ladder);
}

/* The first phase differs from all others: its signal may be another than the schedule says, and it
 * runs even though main has had it already. */
static LadderAction ladder_begin_stop(Ladder *ladder, const LadderFacts *facts, usec_t now_usec) {
        const Phase *first = &ladder->schedule.phases[0];
        bool skip_main;
        int signo = first->signo;

        /* When the first phase is the last one too it has to kill, whatever began the stop. */
        if (facts->stop_signo != 0 && !ladder_is_last(ladder, 0))
                signo = facts->stop_signo;
        if (facts->is_main_signalled && facts->is_main_alive)
                ladder->main_signals |=
                        ladder_signal_bit(facts->stop_signo != 0 ? facts->stop_signo : signo);

        if (!ladder_has_target(first->target, facts))
                return ladder_begin_from(ladder, 1, facts, now_usec);
        if (!ladder_find_recipients(ladder, first->target, signo, facts, &skip_main))
                signo = 0;
        return ladder_begin_phase(ladder, 0, signo, skip_main, facts, now_usec);
}

static LadderAction ladder_next(
        Ladder *ladder, bool is_timed_out, const LadderFacts *facts, usec_t now_usec) {
        ladder_end_phase(ladder, is_timed_out, now_usec);
        return ladder_begin_from(ladder, ladder->phase_index + 1, facts, now_usec);
}

static LadderAction ladder_look(Ladder *ladder, const LadderFacts *facts, usec_t now_usec) {
        if (ladder_has_target(ladder->schedule.phases[ladder->phase_index].target, facts))
                return (LadderAction){};
        return ladder_next(ladder, /* is_timed_out= */ false, facts, now_usec);
}

static LadderAction ladder_look_alive(Ladder *ladder, const LadderFacts *facts) {
        if (ladder_has_target(PHASE_TARGET_ALL, facts))
                return (LadderAction){};
        return ladder_end(ladder);
}

/* ---- Public ------------------------------------------------------------------------------------ */

void ladder_init(Ladder *ladder, const Schedule *schedule, const Budget *budget) {
        assert(schedule->n_phases > 0 && schedule->n_phases <= SCHEDULE_PHASES_MAX);

        *ladder = (Ladder){
                .schedule = *schedule,
                .ends_by_usec = USEC_INFINITY,
        };
        memcpy(ladder->phase_usec, budget->phase_usec, sizeof(ladder->phase_usec));
        ladder_set_state(ladder, LADDER_RUNNING);
}

void ladder_set_budget(Ladder *ladder, const Budget *budget) {
        LadderPhase *present = &ladder->phases[ladder->phase_index];
        usec_t latest_usec;

        for (size_t i = 0; i < ladder->schedule.n_phases; i++)
                if (!ladder->phases[i].has_run)
                        ladder->phase_usec[i] = budget->phase_usec[i];
        if (!ladder_is_stopping(ladder))
                return;

        ladder->ends_by_usec = usec_add(ladder->began_at_usec, budget->total_usec);
        latest_usec =
                usec_sub(ladder->ends_by_usec, ladder_later_usec(ladder, ladder->phase_index));
        if (latest_usec < ladder->deadline_at_usec) {
                ladder->deadline_at_usec = latest_usec;
                present->deadline_at_usec = latest_usec;
        }
}

int ladder_replace_main(Ladder *ladder) {
        const Phase *phase = ladder_phase(ladder);
        int signo = 0;

        if (phase && phase->target != PHASE_TARGET_OTHERS)
                signo = ladder->phases[ladder->phase_index].signo;
        ladder->main_signals = signo > 0 ? ladder_signal_bit(signo) : 0;
        return signo;
}

LadderAction ladder_step(
        Ladder *ladder, LadderEvent event, const LadderFacts *facts, usec_t now_usec) {
        LadderFacts left = *facts; /* with MAIN_EXITED: without main */

        assert(event >= 0 && event < _LADDER_EVENT_MAX);
        assert(ladder->state >= 0 && ladder->state < _LADDER_STATE_MAX);
        left.is_main_alive = facts->is_main_alive && event != LADDER_MAIN_EXITED;

        switch (ladder_table[ladder->state][event]) {
        case LADDER_MOVE_BEGIN:
                return ladder_begin_stop(ladder, &left, now_usec);
        case LADDER_MOVE_SWEEP:
                return ladder_begin_from(ladder, 0, &left, now_usec);
        case LADDER_MOVE_LOOK_ALIVE:
                return ladder_look_alive(ladder, &left);
        case LADDER_MOVE_LOOK:
                return ladder_look(ladder, &left, now_usec);
        case LADDER_MOVE_NEXT:
                return ladder_next(ladder, /* is_timed_out= */ false, &left, now_usec);
        case LADDER_MOVE_TIMED_OUT:
                return ladder_next(ladder, /* is_timed_out= */ true, &left, now_usec);
        case LADDER_MOVE_IGNORE:
        case LADDER_MOVE_UNREACHABLE:
                return (LadderAction){};
        }
        assert(false); /* a cell that was forgotten */
        return (LadderAction){};
}
