/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stop/liveness.h"

#define INTERVAL (10 * USEC_PER_SEC)
#define AT(sec)  ((usec_t) (sec) *USEC_PER_SEC)

static void assert_armed(const Liveness *liveness, usec_t beat_at_usec, usec_t deadline_at_usec) {
        assert_int_equal(liveness->state, LIVENESS_ARMED);
        assert_int_equal(liveness->beat_at_usec, beat_at_usec);
        assert_int_equal(liveness->deadline_at_usec, deadline_at_usec);
}

static Liveness armed(void) {
        Liveness liveness;

        liveness_init(&liveness, INTERVAL);
        liveness_ready(&liveness, AT(100));
        return liveness;
}

/* ---- Every cell ----------------------------------------------------------------------------- */

typedef enum Event {
        READY,
        RELOADING,
        STOPPING,
        BEAT,
        INTERVAL_UNREADY,
        INTERVAL_READY,
        INTERVAL_OFF,
        TRIGGER,
        TRIGGER_UNREADY,
        JUDGE,      /* long after any deadline */
        JUDGE_LATE, /* the same, and the supervisor was late */
        _EVENT_MAX,
} Event;

static const char *const event_names[_EVENT_MAX] = {
        "ready",
        "reloading",
        "stopping",
        "beat",
        "interval, not ready",
        "interval, ready",
        "interval off",
        "trigger",
        "trigger, not ready",
        "judge",
        "judge, late",
};

#define OFF  LIVENESS_OFF
#define WAIT LIVENESS_WAITING
#define ARM  LIVENESS_ARMED
#define SUSP LIVENESS_SUSPENDED
#define END  LIVENESS_ENDED

/* In the order of Event. */
static const LivenessState cells[_LIVENESS_STATE_MAX][_EVENT_MAX] = {
        [OFF] = { OFF, OFF, END, OFF, WAIT, ARM, OFF, END, OFF, OFF, OFF },
        [WAIT] = { ARM, WAIT, END, WAIT, WAIT, ARM, OFF, END, WAIT, WAIT, WAIT },
        [ARM] = { ARM, SUSP, END, ARM, ARM, ARM, OFF, END, ARM, END, ARM },
        [SUSP] = { ARM, SUSP, END, SUSP, SUSP, SUSP, OFF, END, SUSP, SUSP, SUSP },
        [END] = { END, END, END, END, END, END, END, END, END, END, END },
};

static Liveness bring_into(LivenessState state) {
        Liveness liveness;

        liveness_init(&liveness, state == OFF ? 0 : INTERVAL);
        if (state == ARM || state == SUSP)
                liveness_ready(&liveness, AT(100));
        if (state == SUSP)
                liveness_reloading(&liveness);
        if (state == END)
                liveness_stopping(&liveness);
        return liveness;
}

static void apply(Liveness *liveness, Event event) {
        switch (event) {
        case READY:
                liveness_ready(liveness, AT(200));
                break;
        case RELOADING:
                liveness_reloading(liveness);
                break;
        case STOPPING:
                liveness_stopping(liveness);
                break;
        case BEAT:
                liveness_beat(liveness, AT(200));
                break;
        case INTERVAL_UNREADY:
        case INTERVAL_READY:
                liveness_set_interval(liveness, INTERVAL, event == INTERVAL_READY, AT(200));
                break;
        case INTERVAL_OFF:
                liveness_set_interval(liveness, 0, /* is_ready= */ true, AT(200));
                break;
        case TRIGGER:
        case TRIGGER_UNREADY:
                (void) liveness_trigger(liveness, event == TRIGGER);
                break;
        case JUDGE:
        case JUDGE_LATE:
                (void) liveness_judge(liveness, event == JUDGE ? 0 : INTERVAL, AT(200));
                break;
        case _EVENT_MAX:
                fail();
        }
}

static void test_liveness_step_each_cell_as_tabled(void **state) {
        for (LivenessState from = 0; from < _LIVENESS_STATE_MAX; from++)
                for (Event event = 0; event < _EVENT_MAX; event++) {
                        Liveness liveness = bring_into(from);
                        assert_int_equal(liveness.state, from);

                        apply(&liveness, event);

                        if (liveness.state != cells[from][event])
                                fail_msg("%s, %s: %s", liveness_state_to_string(from),
                                        event_names[event],
                                        liveness_state_to_string(liveness.state));
                        if ((liveness.deadline_at_usec != USEC_INFINITY) !=
                                (liveness.state == LIVENESS_ARMED))
                                fail_msg("%s, %s: deadline %" USEC_FMT,
                                        liveness_state_to_string(from), event_names[event],
                                        liveness.deadline_at_usec);
                }
}

static void test_liveness_state_each_one_has_its_name(void **state) {
        static const char *const names[_LIVENESS_STATE_MAX] = { "off", "waiting", "armed",
                "suspended", "ended" };

        for (LivenessState one = 0; one < _LIVENESS_STATE_MAX; one++)
                assert_string_equal(liveness_state_to_string(one), names[one]);
}

/* ---- Deadlines ------------------------------------------------------------------------------ */

static void test_liveness_init_infinity_is_off(void **state) {
        Liveness liveness;

        liveness_init(&liveness, USEC_INFINITY);

        assert_int_equal(liveness.state, LIVENESS_OFF);
        assert_int_equal(liveness.deadline_at_usec, USEC_INFINITY);
}

static void test_liveness_ready_arms_from_then_on(void **state) {
        Liveness liveness;

        liveness_init(&liveness, INTERVAL);
        liveness_beat(&liveness, AT(50)); /* before READY=1: does not count */
        assert_int_equal(liveness_judge(&liveness, 0, AT(90)), LIVENESS_ALIVE);
        liveness_ready(&liveness, AT(100));

        assert_armed(&liveness, AT(100), AT(110));
}

static void test_liveness_beat_moves_the_deadline(void **state) {
        Liveness liveness = armed();

        liveness_beat(&liveness, AT(109));

        assert_armed(&liveness, AT(109), AT(119));
        assert_int_equal(liveness_judge(&liveness, 0, AT(119) - 1), LIVENESS_ALIVE);
        assert_int_equal(liveness_judge(&liveness, 0, AT(119)), LIVENESS_MISSED);
}

static void test_liveness_judge_missed_ends_and_keeps_the_last_beat(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, 0, AT(112)), LIVENESS_MISSED);

        assert_int_equal(liveness.state, LIVENESS_ENDED);
        assert_int_equal(liveness.beat_at_usec, AT(100));
        assert_int_equal(liveness.interval_usec, INTERVAL);
        assert_int_equal(liveness_judge(&liveness, 0, AT(130)), LIVENESS_ALIVE);
}

static void test_liveness_beat_that_is_taken_first_counts_though_late(void **state) {
        Liveness liveness = armed();

        liveness_beat(&liveness, AT(115));

        assert_int_equal(liveness_judge(&liveness, 0, AT(115)), LIVENESS_ALIVE);
        assert_armed(&liveness, AT(115), AT(125));
}

static void test_liveness_reload_suspends_until_ready(void **state) {
        Liveness liveness = armed();

        liveness_reloading(&liveness);
        liveness_beat(&liveness, AT(105)); /* does not arm */
        assert_int_equal(liveness_judge(&liveness, 0, AT(500)), LIVENESS_ALIVE);
        assert_int_equal(liveness.deadline_at_usec, USEC_INFINITY);
        liveness_ready(&liveness, AT(501));

        assert_armed(&liveness, AT(501), AT(511));
}

static void test_liveness_stopping_nothing_is_missed_any_more(void **state) {
        Liveness liveness = armed();

        liveness_stopping(&liveness);
        liveness_ready(&liveness, AT(105));
        liveness_beat(&liveness, AT(106));

        assert_int_equal(liveness_judge(&liveness, 0, AT(500)), LIVENESS_ALIVE);
        assert_int_equal(liveness.state, LIVENESS_ENDED);
}

/* ---- Another interval ----------------------------------------------------------------------- */

static void test_liveness_set_interval_counts_from_now(void **state) {
        Liveness liveness = armed();

        liveness_set_interval(&liveness, AT(60), /* is_ready= */ true, AT(105));

        assert_armed(&liveness, AT(105), AT(165));
        assert_int_equal(liveness.interval_usec, AT(60));
}

static void test_liveness_set_interval_while_off_arms_what_is_ready(void **state) {
        Liveness liveness;

        liveness_init(&liveness, 0);
        liveness_ready(&liveness, AT(100));
        assert_int_equal(liveness.state, LIVENESS_OFF);
        liveness_set_interval(&liveness, INTERVAL, /* is_ready= */ true, AT(150));

        assert_armed(&liveness, AT(150), AT(160));
}

static void test_liveness_set_interval_before_ready_waits_with_it(void **state) {
        Liveness liveness;

        liveness_init(&liveness, 0);
        liveness_set_interval(&liveness, AT(7), /* is_ready= */ false, AT(50));
        assert_int_equal(liveness.state, LIVENESS_WAITING);
        liveness_set_interval(&liveness, AT(8), /* is_ready= */ false, AT(60));
        liveness_ready(&liveness, AT(100));

        assert_armed(&liveness, AT(100), AT(108));
}

static void test_liveness_set_interval_in_a_reload_holds_after_it(void **state) {
        Liveness liveness = armed();

        liveness_reloading(&liveness);
        liveness_set_interval(&liveness, AT(30), /* is_ready= */ true, AT(105));
        assert_int_equal(liveness.state, LIVENESS_SUSPENDED);
        liveness_ready(&liveness, AT(110));

        assert_armed(&liveness, AT(110), AT(140));
}

static void test_liveness_set_interval_infinity_turns_it_off_and_on_again(void **state) {
        Liveness liveness = armed();

        liveness_set_interval(&liveness, USEC_INFINITY, /* is_ready= */ true, AT(105));
        assert_int_equal(liveness.state, LIVENESS_OFF);
        assert_int_equal(liveness_judge(&liveness, 0, AT(500)), LIVENESS_ALIVE);
        liveness_set_interval(&liveness, AT(5), /* is_ready= */ true, AT(500));

        assert_armed(&liveness, AT(500), AT(505));
}

static void test_liveness_set_interval_after_the_end_changes_nothing(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, 0, AT(111)), LIVENESS_MISSED);
        liveness_set_interval(&liveness, AT(5), /* is_ready= */ true, AT(112));

        assert_int_equal(liveness.state, LIVENESS_ENDED);
        assert_int_equal(liveness.interval_usec, INTERVAL);
}

static void test_liveness_beat_with_a_huge_interval_never_is_due(void **state) {
        Liveness liveness;

        liveness_init(&liveness, USEC_INFINITY - 1);
        liveness_ready(&liveness, AT(100));

        assert_int_equal(liveness.state, LIVENESS_ARMED);
        assert_int_equal(liveness_judge(&liveness, 0, AT(1000000)), LIVENESS_ALIVE);
}

/* ---- Triggers ------------------------------------------------------------------------------- */

static void test_liveness_trigger_counts_once_ready_until_the_stop(void **state) {
        static const struct {
                LivenessState from;
                bool is_ready;
                bool expected;
        } rows[] = {
                { LIVENESS_OFF, true, true },
                { LIVENESS_OFF, false, false },
                { LIVENESS_WAITING, false, false },
                { LIVENESS_ARMED, true, true },
                { LIVENESS_SUSPENDED, true, true },
                { LIVENESS_ENDED, true, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Liveness liveness = bring_into(rows[i].from);

                if (liveness_trigger(&liveness, rows[i].is_ready) != rows[i].expected)
                        fail_msg("row %zu", i);
                assert_int_equal(liveness.state, rows[i].expected ? LIVENESS_ENDED : rows[i].from);
                assert_false(liveness_trigger(&liveness, rows[i].is_ready));
        }
}

/* ---- Excuses -------------------------------------------------------------------------------- */

static void test_liveness_judge_late_supervisor_grants_one_interval_more(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, INTERVAL / 2 + 1, AT(116)), LIVENESS_EXCUSED);

        assert_armed(&liveness, AT(100), AT(126)); /* no beat has come */
        assert_int_equal(liveness_judge(&liveness, 0, AT(125)), LIVENESS_ALIVE);
        assert_int_equal(liveness_judge(&liveness, 0, AT(126)), LIVENESS_MISSED);
}

static void test_liveness_judge_half_an_interval_late_is_no_excuse(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, INTERVAL / 2, AT(115)), LIVENESS_MISSED);
}

static void test_liveness_judge_late_again_is_missed(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, INTERVAL, AT(120)), LIVENESS_EXCUSED);
        assert_int_equal(liveness_judge(&liveness, INTERVAL, AT(140)), LIVENESS_MISSED);
}

static void test_liveness_judge_late_again_after_a_beat_is_excused(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, INTERVAL, AT(120)), LIVENESS_EXCUSED);
        liveness_beat(&liveness, AT(121));
        assert_int_equal(liveness_judge(&liveness, INTERVAL, AT(141)), LIVENESS_EXCUSED);

        assert_armed(&liveness, AT(121), AT(151));
}

static void test_liveness_judge_late_before_the_deadline_uses_no_excuse(void **state) {
        Liveness liveness = armed();

        assert_int_equal(liveness_judge(&liveness, INTERVAL, AT(109)), LIVENESS_ALIVE);

        assert_false(liveness.is_excused);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_liveness_step_each_cell_as_tabled),
                cmocka_unit_test(test_liveness_state_each_one_has_its_name),
                cmocka_unit_test(test_liveness_init_infinity_is_off),
                cmocka_unit_test(test_liveness_ready_arms_from_then_on),
                cmocka_unit_test(test_liveness_beat_moves_the_deadline),
                cmocka_unit_test(test_liveness_judge_missed_ends_and_keeps_the_last_beat),
                cmocka_unit_test(test_liveness_beat_that_is_taken_first_counts_though_late),
                cmocka_unit_test(test_liveness_reload_suspends_until_ready),
                cmocka_unit_test(test_liveness_stopping_nothing_is_missed_any_more),
                cmocka_unit_test(test_liveness_set_interval_counts_from_now),
                cmocka_unit_test(test_liveness_set_interval_while_off_arms_what_is_ready),
                cmocka_unit_test(test_liveness_set_interval_before_ready_waits_with_it),
                cmocka_unit_test(test_liveness_set_interval_in_a_reload_holds_after_it),
                cmocka_unit_test(test_liveness_set_interval_infinity_turns_it_off_and_on_again),
                cmocka_unit_test(test_liveness_set_interval_after_the_end_changes_nothing),
                cmocka_unit_test(test_liveness_beat_with_a_huge_interval_never_is_due),
                cmocka_unit_test(test_liveness_trigger_counts_once_ready_until_the_stop),
                cmocka_unit_test(test_liveness_judge_late_supervisor_grants_one_interval_more),
                cmocka_unit_test(test_liveness_judge_half_an_interval_late_is_no_excuse),
                cmocka_unit_test(test_liveness_judge_late_again_is_missed),
                cmocka_unit_test(test_liveness_judge_late_again_after_a_beat_is_excused),
                cmocka_unit_test(test_liveness_judge_late_before_the_deadline_uses_no_excuse),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
