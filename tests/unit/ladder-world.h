/* SPDX-License-Identifier: MIT */
#pragma once

/* A small world for the ladder to live in, and the exploration of everything that can happen in it,
 * up to some number of steps. For test-ladder.c alone.
 *
 * The world has a main process, up to two others and a clock. It changes only by the steps of the
 * exploration: nothing dies of a signal, so the ladder always has to cope with the worst. After each
 * step the promises of ladder.h are checked, and that from there on deadlines alone lead to the end in
 * time. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stop/ladder.h"

/* Memory errors show at any depth; under valgrind the exploration is some fifty times slower. */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define IS_UNDER_VALGRIND RUNNING_ON_VALGRIND
#else
#define IS_UNDER_VALGRIND false
#endif

#define EXPLORE_DEPTH          7
#define EXPLORE_DEPTH_VALGRIND 5

typedef struct World {
        Ladder ladder;
        bool is_main_alive;
        unsigned n_others;
        usec_t now_usec;
        uint64_t had; /* what main has been sent, as the world saw it */
} World;

/* What may happen next; each a letter of the path that a failure shows. */
typedef enum Choice {
        CHOICE_STOP = 's',
        CHOICE_STOP_SIGNALLED = 'S', /* main has had it */
        CHOICE_STOP_INT = 'i',
        CHOICE_ESCALATE = 'e',
        CHOICE_DEADLINE = 'd',
        CHOICE_LATE = 'l', /* the deadline, seen some seconds late */
        CHOICE_MAIN_EXITS = 'm',
        CHOICE_OTHER_EXITS = 'o',
        CHOICE_OTHER_COMES = 'O',
        CHOICE_HALF_WAY = 'h', /* half of the phase goes by, then one exits, main before others */
} Choice;

static const char choices[] = "sSiedlmoOh";

typedef struct Path {
        const char *schedule;
        usec_t total_usec;
        char steps[EXPLORE_DEPTH + 1];
        size_t n_steps;
        uint64_t n_worlds;
} Path;

static void check(const Path *path, bool is_so, const char *promise) {
        if (!is_so)
                fail_msg("%s, steps %.*s: not so: %s", path->schedule, (int) path->n_steps,
                        path->steps, promise);
}

static LadderFacts world_facts(const World *world) {
        return (LadderFacts){
                .is_main_alive = world->is_main_alive,
                .has_others = world->n_others > 0,
        };
}

static bool world_is_empty(const World *world) {
        return !world->is_main_alive && world->n_others == 0;
}

/* Main if it is alive, else one of the others. Returns: as world_change(). */
static LadderEvent world_lose_one(World *world) {
        if (world->is_main_alive) {
                world->is_main_alive = false;
                return LADDER_MAIN_EXITED;
        }
        if (world->n_others == 0)
                return _LADDER_EVENT_INVALID;
        world->n_others--;
        return LADDER_CHANGED;
}

/* Lets it happen. Returns: the event that it is for the ladder; _LADDER_EVENT_INVALID: it cannot
 * happen here, or would be no different from another choice. */
static LadderEvent world_change(World *world, Choice choice, LadderFacts *ret_facts) {
        const bool is_stopping = ladder_is_stopping(&world->ladder);
        const usec_t deadline_usec = world->ladder.deadline_at_usec;
        LadderEvent event = _LADDER_EVENT_INVALID;
        LadderFacts asked = {};

        switch (choice) {
        case CHOICE_STOP_SIGNALLED:
        case CHOICE_STOP_INT:
                if (world->ladder.state != LADDER_RUNNING)
                        break;
                asked.is_main_signalled = choice == CHOICE_STOP_SIGNALLED;
                asked.stop_signo = choice == CHOICE_STOP_INT ? SIGINT : SIGTERM;
                event = LADDER_STOP;
                break;
        case CHOICE_STOP:
                event = LADDER_STOP;
                break;
        case CHOICE_ESCALATE:
                event = LADDER_ESCALATE;
                break;
        case CHOICE_DEADLINE:
        case CHOICE_LATE:
                if (!is_stopping)
                        break;
                if (deadline_usec > world->now_usec)
                        world->now_usec = deadline_usec;
                if (choice == CHOICE_LATE)
                        world->now_usec += 3 * USEC_PER_SEC;
                event = LADDER_DEADLINE;
                break;
        case CHOICE_HALF_WAY:
                if (!is_stopping || deadline_usec <= world->now_usec)
                        break;
                world->now_usec += (deadline_usec - world->now_usec) / 2;
                event = world_lose_one(world);
                break;
        case CHOICE_MAIN_EXITS:
                if (world->is_main_alive)
                        event = world_lose_one(world);
                break;
        case CHOICE_OTHER_EXITS:
                if (world->n_others == 0)
                        break;
                world->n_others--;
                event = LADDER_CHANGED;
                break;
        case CHOICE_OTHER_COMES:
                if (world->n_others == 2 || world_is_empty(world))
                        break;
                world->n_others++;
                event = LADDER_CHANGED;
                break;
        }

        *ret_facts = world_facts(world);
        ret_facts->is_main_signalled = asked.is_main_signalled;
        ret_facts->stop_signo = asked.stop_signo;
        return event;
}

static void check_signal(const Path *path, World *world, const LadderAction *action) {
        const bool is_for_main =
                action->target != PHASE_TARGET_OTHERS && !action->skip_main && world->is_main_alive;
        const uint64_t bit = UINT64_C(1) << (action->signo - 1);

        check(path, is_for_main || (action->target != PHASE_TARGET_MAIN && world->n_others > 0),
                "a signal is for somebody");
        check(path, !action->skip_main || action->target == PHASE_TARGET_ALL,
                "main is skipped only of all");
        if (is_for_main) {
                check(path, !(world->had & bit), "main gets a signal once");
                world->had |= bit;
        }
}

static void check_time(const Path *path, const World *world) {
        const Ladder *ladder = &world->ladder;

        if (!ladder_is_stopping(ladder)) {
                check(path, ladder->deadline_at_usec == USEC_INFINITY, "no phase, no deadline");
                return;
        }
        check(path, ladder->ends_by_usec == ladder->began_at_usec + path->total_usec,
                "the end is the beginning plus the budget");
        check(path, ladder->deadline_at_usec <= ladder->ends_by_usec,
                "deadlines lie before the end");
        check(path,
                ladder->phases[ladder->phase_index].deadline_at_usec == ladder->deadline_at_usec,
                "the phase knows its deadline");
        check(path,
                ladder->deadline_at_usec <= ladder->phases[ladder->phase_index].began_at_usec +
                                        ladder->phase_usec[ladder->phase_index] ||
                        ladder->deadline_at_usec == ladder->ends_by_usec,
                "a phase has its own time only");
}

static void check_step(const Path *path, const World *before, World *world, LadderEvent event,
        const LadderAction *action) {
        const Ladder *ladder = &world->ladder;
        const LadderState was = before->ladder.state;
        const bool has_begun =
                action->type == LADDER_ACTION_SIGNAL || action->type == LADDER_ACTION_WAIT;

        check(path, was != LADDER_ENDED || action->type == LADDER_ACTION_NONE,
                "the end is the end");
        check(path,
                (action->type == LADDER_ACTION_END) ==
                        (was != LADDER_ENDED && ladder->state == LADDER_ENDED),
                "the end is told once");
        check(path,
                action->type != LADDER_ACTION_END || world_is_empty(world) ||
                        (was == LADDER_KILLING && event == LADDER_DEADLINE),
                "it ends when nobody is left or the last deadline has passed");
        if (world_is_empty(world) && event != LADDER_STOP && event != LADDER_ESCALATE)
                check(path, ladder->state == LADDER_ENDED, "it ends as soon as nobody is left");

        check(path,
                event != LADDER_STOP || was == LADDER_RUNNING || action->type == LADDER_ACTION_NONE,
                "a second stop does nothing");
        check(path,
                !has_begun || was == LADDER_RUNNING ||
                        ladder->phase_index > before->ladder.phase_index,
                "phases run in order, each once");
        if (has_begun && world->now_usec <= ladder->ends_by_usec)
                check(path, ladder->deadline_at_usec >= world->now_usec,
                        "a new deadline lies ahead");
        if (has_begun && ladder_is_stopping(&before->ladder)) {
                const LadderPhase *last = &ladder->phases[before->ladder.phase_index];

                check(path,
                        last->is_over && last->ended_at_usec == world->now_usec &&
                                last->is_timed_out == (event == LADDER_DEADLINE),
                        "the last phase knows how it ended");
        }
        if (action->type == LADDER_ACTION_SIGNAL)
                check_signal(path, world, action);
        check_time(path, world);
}

/* Nothing happens any more but that deadlines pass. */
static void check_runs_out(const Path *path, World world) {
        const LadderFacts facts = world_facts(&world);
        const bool is_in_time = world.now_usec <= world.ladder.ends_by_usec;

        for (size_t i = 0; ladder_is_stopping(&world.ladder); i++) {
                World before = world;
                LadderAction action;

                check(path, i < world.ladder.schedule.n_phases, "deadlines lead to the end");
                if (world.ladder.deadline_at_usec > world.now_usec)
                        world.now_usec = world.ladder.deadline_at_usec;
                action = ladder_step(&world.ladder, LADDER_DEADLINE, &facts, world.now_usec);
                check_step(path, &before, &world, LADDER_DEADLINE, &action);
        }
        if (is_in_time)
                check(path, world.now_usec <= world.ladder.ends_by_usec, "it ends in time");
}

static void explore(Path *path, const World *world, size_t depth) {
        path->n_worlds++;
        check_runs_out(path, *world);
        if (depth == 0)
                return;

        for (const char *choice = choices; *choice; choice++) {
                World next = *world;
                LadderFacts facts;
                LadderEvent event = world_change(&next, (Choice) *choice, &facts);
                LadderAction action;

                if (event < 0)
                        continue;
                path->steps[path->n_steps++] = *choice;
                action = ladder_step(&next.ladder, event, &facts, next.now_usec);
                if (facts.is_main_signalled)
                        next.had |= UINT64_C(1) << (facts.stop_signo - 1);
                check_step(path, world, &next, event, &action);
                explore(path, &next, depth - 1);
                path->n_steps--;
        }
}
