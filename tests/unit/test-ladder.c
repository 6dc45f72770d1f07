/* SPDX-License-Identifier: MIT */

/* The ladder three times over: every cell of its table against a table of what is expected; the single
 * rules by example; and all sequences of events up to some length over a small simulated world, with
 * the promises of the header checked after each step. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ladder-world.h"
#include "stop/ladder.h"

#define SEC      USEC_PER_SEC
#define START    (1000 * SEC)
#define HEADROOM (30 * SEC)

static const LadderFacts both = { .is_main_alive = true, .has_others = true };
static const LadderFacts only_main = { .is_main_alive = true };
static const LadderFacts only_others = { .has_others = true };
static const LadderFacts nobody = {};

static Budget make_budget(const Schedule *schedule, usec_t timeout_usec) {
        BudgetInput input = {
                .schedule = schedule,
                .headroom_usec = HEADROOM,
                .is_timeout_known = true,
                .timeout_stop_usec = timeout_usec,
                .cap_usec = USEC_INFINITY,
                .action = SHORT_TIMEOUT_CLAMP,
        };
        Budget budget;

        budget_compute(&input, &budget);
        return budget;
}

static Ladder make_ladder(const char *text, usec_t timeout_usec) {
        Schedule schedule;
        Ladder ladder;

        assert_int_equal(schedule_parse(text, 60 * SEC, &schedule, NULL), 0);
        ladder_init(&ladder, &schedule, &(Budget[]){ make_budget(&schedule, timeout_usec) }[0]);
        return ladder;
}

static LadderAction step_at_deadline(Ladder *ladder, const LadderFacts *facts) {
        return ladder_step(ladder, LADDER_DEADLINE, facts, ladder->deadline_at_usec);
}

static void assert_signal(LadderAction action, int signo, PhaseTarget target, bool skip_main) {
        assert_int_equal(action.type, LADDER_ACTION_SIGNAL);
        assert_int_equal(action.signo, signo);
        assert_int_equal(action.target, target);
        assert_int_equal(action.skip_main, skip_main);
}

/* ---- Every cell -------------------------------------------------------------------------------- */

typedef struct Cell {
        LadderActionType type;
        int signo;
        PhaseTarget target;
        LadderState state;
} Cell;

enum { BOTH, ONLY_MAIN, ONLY_OTHERS, NOBODY, _FACTS_MAX };
static const LadderFacts *const cell_facts[_FACTS_MAX] = { &both, &only_main, &only_others,
        &nobody };

/* clang-format off */
#define STAY(where)  { LADDER_ACTION_NONE, 0, PHASE_TARGET_MAIN, LADDER_##where }
#define STAY4(where) { STAY(where), STAY(where), STAY(where), STAY(where) }
#define END          { LADDER_ACTION_END, 0, PHASE_TARGET_MAIN, LADDER_ENDED }
#define DRAIN        { LADDER_ACTION_SIGNAL, SIGTERM, PHASE_TARGET_MAIN, LADDER_DRAINING }
#define INTERRUPT    { LADDER_ACTION_SIGNAL, SIGINT, PHASE_TARGET_MAIN, LADDER_ESCALATING }
#define TERMINATE    { LADDER_ACTION_SIGNAL, SIGTERM, PHASE_TARGET_OTHERS, LADDER_ESCALATING }
#define KILL         { LADDER_ACTION_SIGNAL, SIGKILL, PHASE_TARGET_ALL, LADDER_KILLING }

/* The default schedule; ESCALATING is its second phase. Columns: both, only main, only others,
 * nobody. A main that has exited is gone, whatever the facts say of it. */
static const Cell cells[_LADDER_STATE_MAX][_LADDER_EVENT_MAX][_FACTS_MAX] = {
        [LADDER_RUNNING] = {
                [LADDER_STOP] = { DRAIN, DRAIN, TERMINATE, END },
                [LADDER_ESCALATE] = STAY4(RUNNING),
                [LADDER_DEADLINE] = STAY4(RUNNING),
                [LADDER_MAIN_EXITED] = { TERMINATE, END, TERMINATE, END },
                [LADDER_CHANGED] = { STAY(RUNNING), STAY(RUNNING), STAY(RUNNING), END },
        },
        [LADDER_DRAINING] = {
                [LADDER_STOP] = STAY4(DRAINING),
                [LADDER_ESCALATE] = { INTERRUPT, INTERRUPT, TERMINATE, END },
                [LADDER_DEADLINE] = { INTERRUPT, INTERRUPT, TERMINATE, END },
                [LADDER_MAIN_EXITED] = { TERMINATE, END, TERMINATE, END },
                [LADDER_CHANGED] = { STAY(DRAINING), STAY(DRAINING), TERMINATE, END },
        },
        [LADDER_ESCALATING] = {
                [LADDER_STOP] = STAY4(ESCALATING),
                [LADDER_ESCALATE] = { TERMINATE, KILL, TERMINATE, END },
                [LADDER_DEADLINE] = { TERMINATE, KILL, TERMINATE, END },
                [LADDER_MAIN_EXITED] = { TERMINATE, END, TERMINATE, END },
                [LADDER_CHANGED] = { STAY(ESCALATING), STAY(ESCALATING), TERMINATE, END },
        },
        [LADDER_KILLING] = {
                [LADDER_STOP] = STAY4(KILLING),
                [LADDER_ESCALATE] = STAY4(KILLING),
                [LADDER_DEADLINE] = { END, END, END, END },
                [LADDER_MAIN_EXITED] = { STAY(KILLING), END, STAY(KILLING), END },
                [LADDER_CHANGED] = { STAY(KILLING), STAY(KILLING), STAY(KILLING), END },
        },
        [LADDER_ENDED] = {
                [LADDER_STOP] = STAY4(ENDED),
                [LADDER_ESCALATE] = STAY4(ENDED),
                [LADDER_DEADLINE] = STAY4(ENDED),
                [LADDER_MAIN_EXITED] = STAY4(ENDED),
                [LADDER_CHANGED] = STAY4(ENDED),
        },
};
/* clang-format on */

/* Takes the default ladder to a state, everybody alive and every deadline missed. */
static Ladder make_ladder_in(LadderState state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        if (state != LADDER_RUNNING)
                assert_int_equal(
                        ladder_step(&ladder, LADDER_STOP, &both, START).type, LADDER_ACTION_SIGNAL);
        while (ladder.state != state)
                assert_int_not_equal(step_at_deadline(&ladder, &both).type, LADDER_ACTION_NONE);
        return ladder;
}

static void check_cell(LadderState state, LadderEvent event, size_t facts) {
        const Cell *cell = &cells[state][event][facts];
        Ladder ladder = make_ladder_in(state);
        const usec_t deadline_usec = ladder.deadline_at_usec;
        const usec_t now_usec = START + 200 * SEC;
        LadderAction action = ladder_step(&ladder, event, cell_facts[facts], now_usec);

        if (action.type != cell->type || action.signo != cell->signo ||
                action.target != cell->target || ladder.state != cell->state)
                fail_msg("%s, %s, facts %zu: action %d signo %d target %d, now %s",
                        ladder_state_to_string(state), ladder_event_to_string(event), facts,
                        action.type, action.signo, action.target,
                        ladder_state_to_string(ladder.state));
        assert_false(action.skip_main);
        if (action.type == LADDER_ACTION_NONE)
                assert_true(ladder.deadline_at_usec == deadline_usec);
        assert_int_equal(ladder.deadline_at_usec == USEC_INFINITY, !ladder_is_stopping(&ladder));
}

static void test_ladder_every_cell_does_as_expected(void **state) {
        for (LadderState from = 0; from < _LADDER_STATE_MAX; from++)
                for (LadderEvent event = 0; event < _LADDER_EVENT_MAX; event++)
                        for (size_t facts = 0; facts < _FACTS_MAX; facts++)
                                check_cell(from, event, facts);
}

/* ---- Single rules ------------------------------------------------------------------------------ */

static void test_ladder_stop_signal_given_replaces_first_and_is_not_repeated(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);
        LadderFacts facts = both;

        facts.stop_signo = SIGINT;
        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &facts, START), SIGINT, PHASE_TARGET_MAIN, false);
        assert_int_equal(ladder.phases[0].signo, SIGINT);
        /* "interrupt" would be the second SIGINT. */
        assert_signal(step_at_deadline(&ladder, &both), SIGTERM, PHASE_TARGET_OTHERS, false);
        assert_false(ladder.phases[1].has_run);
}

static void test_ladder_main_already_signalled_waits_and_is_not_signalled_again(void **state) {
        Ladder ladder =
                make_ladder("drain:TERM/10s,again:TERM@main/5s,int:INT@main/5s,kill:KILL@all/5s",
                        USEC_INFINITY);
        LadderFacts facts = both;
        LadderAction action;

        facts.is_main_signalled = true;
        action = ladder_step(&ladder, LADDER_STOP, &facts, START);
        assert_int_equal(action.type, LADDER_ACTION_WAIT);
        assert_int_equal(action.signo, 0);
        assert_int_equal(ladder.state, LADDER_DRAINING);
        assert_int_equal(ladder.phases[0].signo, 0);
        assert_true(ladder.deadline_at_usec == START + 10 * SEC);
        assert_true(ladder.main_signals == UINT64_C(1) << (SIGTERM - 1));
        assert_signal(step_at_deadline(&ladder, &both), SIGINT, PHASE_TARGET_MAIN, false);
}

static void test_ladder_main_already_signalled_otherwise_remembers_what_it_had(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);
        LadderFacts facts = both;

        facts.is_main_signalled = true;
        facts.stop_signo = SIGRTMAX;
        assert_int_equal(ladder_step(&ladder, LADDER_STOP, &facts, START).type, LADDER_ACTION_WAIT);
        assert_true(ladder.main_signals == UINT64_C(1) << (SIGRTMAX - 1));
}

static void test_ladder_first_phase_to_all_with_main_signalled_skips_main(void **state) {
        Ladder ladder = make_ladder("drain:TERM@all/10s,kill:KILL@all/5s", USEC_INFINITY);
        Ladder alone = ladder;
        LadderFacts facts = both;

        facts.is_main_signalled = true;
        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &facts, START), SIGTERM, PHASE_TARGET_ALL, true);
        facts.has_others = false;
        assert_int_equal(ladder_step(&alone, LADDER_STOP, &facts, START).type, LADDER_ACTION_WAIT);
}

static void test_ladder_first_phase_to_others_goes_to_them_though_main_is_signalled(void **state) {
        Ladder ladder = make_ladder(
                "drain:TERM@others/10s,main:TERM@main/5s,kill:KILL@all/5s", USEC_INFINITY);
        LadderFacts facts = both;

        facts.is_main_signalled = true;
        assert_signal(ladder_step(&ladder, LADDER_STOP, &facts, START), SIGTERM,
                PHASE_TARGET_OTHERS, false);
        assert_signal(step_at_deadline(&ladder, &both), SIGKILL, PHASE_TARGET_ALL, false);
}

static void test_ladder_signal_to_others_is_not_held_against_main(void **state) {
        Ladder ladder = make_ladder(
                "drain:TERM@others/10s,main:TERM@main/5s,kill:KILL@all/5s", USEC_INFINITY);

        assert_signal(ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_OTHERS,
                false);
        assert_signal(step_at_deadline(&ladder, &both), SIGTERM, PHASE_TARGET_MAIN, false);
}

static void test_ladder_repeat_to_all_skips_main_or_is_passed_over(void **state) {
        Ladder ladder =
                make_ladder("drain:TERM/10s,all:TERM@all/5s,kill:KILL@all/5s", USEC_INFINITY);
        Ladder alone;

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        alone = ladder;
        assert_signal(step_at_deadline(&ladder, &both), SIGTERM, PHASE_TARGET_ALL, true);
        assert_signal(step_at_deadline(&alone, &only_main), SIGKILL, PHASE_TARGET_ALL, false);
}

static void test_ladder_kill_after_kill_is_sent_again(void **state) {
        Ladder ladder = make_ladder("drain:KILL@main/10s,kill:KILL@all/5s", USEC_INFINITY);

        assert_signal(ladder_step(&ladder, LADDER_STOP, &only_main, START), SIGKILL,
                PHASE_TARGET_MAIN, false);
        assert_int_equal(ladder_reach(&ladder), LADDER_REACH_KILL);
        assert_signal(step_at_deadline(&ladder, &only_main), SIGKILL, PHASE_TARGET_ALL, false);
}

static void test_ladder_single_phase_kills_whatever_began_the_stop(void **state) {
        Ladder ladder = make_ladder("kill:KILL@all/5s", USEC_INFINITY);
        LadderFacts facts = both;

        facts.is_main_signalled = true;
        facts.stop_signo = SIGINT;
        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &facts, START), SIGKILL, PHASE_TARGET_ALL, false);
        assert_int_equal(ladder.state, LADDER_KILLING);
}

static void test_ladder_no_drain_signals_and_expires_at_once(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, HEADROOM);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        assert_true(ladder.deadline_at_usec == START);
        assert_signal(step_at_deadline(&ladder, &both), SIGINT, PHASE_TARGET_MAIN, false);
        assert_true(ladder.deadline_at_usec == START + 10 * SEC);
}

static void test_ladder_main_exits_while_running_sweeps_others(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_signal(ladder_step(&ladder, LADDER_MAIN_EXITED, &only_others, START), SIGTERM,
                PHASE_TARGET_OTHERS, false);
        assert_true(ladder.began_at_usec == START);
        assert_true(ladder.ends_by_usec == START + 80 * SEC);
        assert_true(ladder.deadline_at_usec == START + 5 * SEC);
        assert_string_equal(ladder_phase(&ladder)->name, "terminate");
        assert_int_equal(ladder_reach(&ladder), LADDER_REACH_LATER);
}

static void test_ladder_main_exits_while_running_alone_ends_without_beginning(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_int_equal(
                ladder_step(&ladder, LADDER_MAIN_EXITED, &nobody, START).type, LADDER_ACTION_END);
        assert_true(ladder.began_at_usec == 0);
        assert_true(ladder.ends_by_usec == USEC_INFINITY);
        assert_int_equal(ladder_reach(&ladder), LADDER_REACH_NONE);
}

static void test_ladder_main_exits_in_phase_for_others_phase_goes_on(void **state) {
        Ladder ladder = make_ladder("drain:TERM@all/10s,kill:KILL@all/5s", USEC_INFINITY);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_ALL, false);
        assert_int_equal(
                ladder_step(&ladder, LADDER_MAIN_EXITED, &only_others, START + 4 * SEC).type,
                LADDER_ACTION_NONE);
        assert_int_equal(ladder.state, LADDER_DRAINING);
        assert_true(ladder.deadline_at_usec == START + 10 * SEC);
}

static void test_ladder_time_left_over_is_not_added(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        assert_signal(ladder_step(&ladder, LADDER_MAIN_EXITED, &only_others, START + 7 * SEC),
                SIGTERM, PHASE_TARGET_OTHERS, false);
        assert_true(ladder.deadline_at_usec == START + 12 * SEC);
        assert_true(ladder.ends_by_usec == START + 80 * SEC);
}

static void test_ladder_late_step_costs_the_late_phase_not_kill(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        /* 12 s late: nothing is left of "interrupt", 3 s of "terminate", all of "kill". */
        assert_signal(ladder_step(&ladder, LADDER_DEADLINE, &both, START + 72 * SEC), SIGINT,
                PHASE_TARGET_MAIN, false);
        assert_true(ladder.deadline_at_usec == START + 72 * SEC);
        assert_signal(step_at_deadline(&ladder, &both), SIGTERM, PHASE_TARGET_OTHERS, false);
        assert_true(ladder.deadline_at_usec == START + 75 * SEC);
        assert_signal(step_at_deadline(&ladder, &both), SIGKILL, PHASE_TARGET_ALL, false);
        assert_true(ladder.deadline_at_usec == START + 80 * SEC);
}

static void test_ladder_step_after_the_end_still_kills_and_ends(void **state) {
        Ladder ladder = make_ladder("drain:TERM/10s,kill:KILL@all/5s", USEC_INFINITY);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        assert_signal(ladder_step(&ladder, LADDER_DEADLINE, &both, START + 600 * SEC), SIGKILL,
                PHASE_TARGET_ALL, false);
        assert_true(ladder.deadline_at_usec == ladder.ends_by_usec);
        assert_int_equal(ladder_step(&ladder, LADDER_DEADLINE, &both, START + 600 * SEC).type,
                LADDER_ACTION_END);
}

static void test_ladder_phases_keep_how_they_ended(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_null(ladder_phase(&ladder));
        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        assert_true(ladder.phases[0].has_run && !ladder.phases[0].is_over);
        assert_int_equal(ladder_reach(&ladder), LADDER_REACH_FIRST);

        assert_signal(step_at_deadline(&ladder, &both), SIGINT, PHASE_TARGET_MAIN, false);
        assert_true(ladder.phases[0].is_over && ladder.phases[0].is_timed_out);
        assert_true(ladder.phases[0].began_at_usec == START);
        assert_true(ladder.phases[0].deadline_at_usec == START + 60 * SEC);
        assert_true(ladder.phases[0].ended_at_usec == START + 60 * SEC);

        assert_signal(ladder_step(&ladder, LADDER_ESCALATE, &both, START + 61 * SEC), SIGTERM,
                PHASE_TARGET_OTHERS, false);
        assert_true(ladder.phases[1].is_over && !ladder.phases[1].is_timed_out);
        assert_true(ladder.phases[1].ended_at_usec == START + 61 * SEC);

        assert_signal(ladder_step(&ladder, LADDER_CHANGED, &only_main, START + 62 * SEC), SIGKILL,
                PHASE_TARGET_ALL, false);
        assert_true(ladder.phases[2].is_over && !ladder.phases[2].is_timed_out);
        assert_int_equal(ladder_reach(&ladder), LADDER_REACH_KILL);

        assert_int_equal(ladder_step(&ladder, LADDER_MAIN_EXITED, &nobody, START + 63 * SEC).type,
                LADDER_ACTION_END);
        assert_true(ladder.phases[3].is_over && !ladder.phases[3].is_timed_out);
        assert_true(ladder.phases[3].ended_at_usec == START + 63 * SEC);
        assert_null(ladder_phase(&ladder));
}

/* ---- Budgets that come later ------------------------------------------------------------------- */

static void set_timeout(Ladder *ladder, usec_t timeout_usec) {
        Budget budget = make_budget(&ladder->schedule, timeout_usec);

        ladder_set_budget(ladder, &budget);
}

static void test_ladder_budget_before_the_stop_counts_for_all_phases(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        set_timeout(&ladder, 45 * SEC);
        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        assert_true(ladder.deadline_at_usec == START + 15 * SEC);
        assert_true(ladder.ends_by_usec == START + 35 * SEC);
}

static void test_ladder_shorter_budget_in_the_drain_leaves_later_phases_their_time(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        set_timeout(&ladder, 45 * SEC);
        assert_true(ladder.deadline_at_usec == START + 15 * SEC);
        assert_true(ladder.phases[0].deadline_at_usec == START + 15 * SEC);
        assert_true(ladder.ends_by_usec == START + 35 * SEC);
        assert_signal(step_at_deadline(&ladder, &both), SIGINT, PHASE_TARGET_MAIN, false);
        assert_true(ladder.deadline_at_usec == START + 25 * SEC);
}

static void test_ladder_longer_budget_in_the_drain_leaves_its_deadline(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, 15 * SEC);

        assert_signal(
                ladder_step(&ladder, LADDER_STOP, &both, START), SIGTERM, PHASE_TARGET_MAIN, false);
        set_timeout(&ladder, 45 * SEC);
        assert_true(ladder.deadline_at_usec == START);
        assert_true(ladder.ends_by_usec == START + 35 * SEC);
        assert_signal(step_at_deadline(&ladder, &both), SIGINT, PHASE_TARGET_MAIN, false);
        assert_true(ladder.deadline_at_usec == START + 10 * SEC);
}

static void test_ladder_budget_after_the_end_changes_nothing(void **state) {
        Ladder ladder = make_ladder_in(LADDER_ENDED);

        set_timeout(&ladder, 45 * SEC);
        assert_true(ladder.deadline_at_usec == USEC_INFINITY);
        assert_true(ladder.ends_by_usec == START + 80 * SEC);
}

/* ---- All sequences of events ------------------------------------------------------------------- */

static const struct {
        const char *schedule;
        usec_t timeout_usec;
} explored[] = {
        { SCHEDULE_DEFAULT, USEC_INFINITY },
        { SCHEDULE_DEFAULT, 45 * SEC },
        { SCHEDULE_DEFAULT, 7 * SEC },
        { "drain:TERM@all/8s,again:TERM@all/4s,int:INT@main/4s,kill:KILL@all/4s", USEC_INFINITY },
        { "drain:TERM@others/4s,main:TERM@main/8s,int:INT@all/2s,kill:KILL@all/2s", USEC_INFINITY },
        { "drain:TERM/0,int:INT/0,others:INT@others/0,kill:KILL@all/0", USEC_INFINITY },
        { "kill:KILL@all/4s", USEC_INFINITY },
};

static void test_ladder_every_sequence_of_events_keeps_every_promise(void **state) {
        const size_t depth = IS_UNDER_VALGRIND ? EXPLORE_DEPTH_VALGRIND : EXPLORE_DEPTH;

        for (size_t i = 0; i < sizeof(explored) / sizeof(explored[0]); i++)
                for (unsigned n_others = 0; n_others <= 1; n_others++) {
                        Path path = { .schedule = explored[i].schedule };
                        World world = {
                                .ladder =
                                        make_ladder(explored[i].schedule, explored[i].timeout_usec),
                                .is_main_alive = true,
                                .n_others = n_others,
                                .now_usec = START,
                        };

                        path.total_usec =
                                make_budget(&world.ladder.schedule, explored[i].timeout_usec)
                                        .total_usec;
                        explore(&path, &world, depth);
                        assert_true(path.n_worlds > 100);
                }
}

static void test_ladder_names_are_distinct(void **state) {
        for (LadderState a = 0; a < _LADDER_STATE_MAX; a++)
                for (LadderState b = 0; b < a; b++)
                        assert_string_not_equal(
                                ladder_state_to_string(a), ladder_state_to_string(b));
        for (LadderEvent a = 0; a < _LADDER_EVENT_MAX; a++)
                for (LadderEvent b = 0; b < a; b++)
                        assert_string_not_equal(
                                ladder_event_to_string(a), ladder_event_to_string(b));
}

/* ---- What main has had ------------------------------------------------------------------------- */

/* Main was killed by somebody else: the sweep's own SIGKILL must not be taken for what ended it. */
static void test_ladder_sweep_without_main_leaves_its_signals_alone(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_signal(ladder_step(&ladder, LADDER_MAIN_EXITED, &only_others, START), SIGTERM,
                PHASE_TARGET_OTHERS, /* skip_main= */ false);
        assert_signal(ladder_step(&ladder, LADDER_ESCALATE, &only_others, START), SIGKILL,
                PHASE_TARGET_ALL, /* skip_main= */ false);
        assert_int_equal(ladder.main_signals, 0);
}

/* ---- A new main --------------------------------------------------------------------------------- */

static void test_ladder_replace_main_during_a_phase_owes_it_the_signal(void **state) {
        Ladder ladder = make_ladder(SCHEDULE_DEFAULT, USEC_INFINITY);

        assert_int_equal(ladder_replace_main(&ladder), 0);
        assert_signal(ladder_step(&ladder, LADDER_STOP, &only_main, START), SIGTERM,
                PHASE_TARGET_MAIN, /* skip_main= */ false);
        assert_int_equal(ladder_replace_main(&ladder), SIGTERM);
        /* It has had TERM now, and INT is still to come. */
        assert_signal(step_at_deadline(&ladder, &only_main), SIGINT, PHASE_TARGET_MAIN,
                /* skip_main= */ false);
        assert_int_equal(ladder_replace_main(&ladder), SIGINT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ladder_sweep_without_main_leaves_its_signals_alone),
                cmocka_unit_test(test_ladder_replace_main_during_a_phase_owes_it_the_signal),
                cmocka_unit_test(test_ladder_every_cell_does_as_expected),
                cmocka_unit_test(test_ladder_stop_signal_given_replaces_first_and_is_not_repeated),
                cmocka_unit_test(
                        test_ladder_main_already_signalled_waits_and_is_not_signalled_again),
                cmocka_unit_test(
                        test_ladder_main_already_signalled_otherwise_remembers_what_it_had),
                cmocka_unit_test(test_ladder_first_phase_to_all_with_main_signalled_skips_main),
                cmocka_unit_test(
                        test_ladder_first_phase_to_others_goes_to_them_though_main_is_signalled),
                cmocka_unit_test(test_ladder_signal_to_others_is_not_held_against_main),
                cmocka_unit_test(test_ladder_repeat_to_all_skips_main_or_is_passed_over),
                cmocka_unit_test(test_ladder_kill_after_kill_is_sent_again),
                cmocka_unit_test(test_ladder_single_phase_kills_whatever_began_the_stop),
                cmocka_unit_test(test_ladder_no_drain_signals_and_expires_at_once),
                cmocka_unit_test(test_ladder_main_exits_while_running_sweeps_others),
                cmocka_unit_test(test_ladder_main_exits_while_running_alone_ends_without_beginning),
                cmocka_unit_test(test_ladder_main_exits_in_phase_for_others_phase_goes_on),
                cmocka_unit_test(test_ladder_time_left_over_is_not_added),
                cmocka_unit_test(test_ladder_late_step_costs_the_late_phase_not_kill),
                cmocka_unit_test(test_ladder_step_after_the_end_still_kills_and_ends),
                cmocka_unit_test(test_ladder_phases_keep_how_they_ended),
                cmocka_unit_test(test_ladder_budget_before_the_stop_counts_for_all_phases),
                cmocka_unit_test(
                        test_ladder_shorter_budget_in_the_drain_leaves_later_phases_their_time),
                cmocka_unit_test(test_ladder_longer_budget_in_the_drain_leaves_its_deadline),
                cmocka_unit_test(test_ladder_budget_after_the_end_changes_nothing),
                cmocka_unit_test(test_ladder_every_sequence_of_events_keeps_every_promise),
                cmocka_unit_test(test_ladder_names_are_distinct),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
