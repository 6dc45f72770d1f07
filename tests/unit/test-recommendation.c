/* SPDX-License-Identifier: MIT */

/* From drains that were seen to settings, and to the sentence that says why. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "statistics-fixture.h"

#define NONE USEC_INFINITY

typedef struct Drains {
        size_t n;
        usec_t used_usec; /* of three; the others a second less */
        size_t n_cut;
        usec_t cut_usec; /* the bound of these */
} Drains;

static const struct {
        const char *name;
        Drains drains;
        usec_t allowed_usec, headroom_usec, timeout_stop_usec; /* as the last stop tells */
        bool is_given, is_enough;
        usec_t expected_drain_usec, expected_timeout_usec; /* 0: neither */
        const char *reason;                                /* a part of it */
} rows[] = {
        { "one too few", { 19, SECONDS(50), 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90), false,
                false, 0, 0, "None: 19 drains were seen; 1 more is needed." },
        { "just enough", { 20, SECONDS(50), 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90), false,
                true, SECONDS(60), SECONDS(90), "Nothing to change: 1min is allowed" },
        { "a fifth does not fit", { 20, SECONDS(51), 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90),
                true, false, SECONDS(65), SECONDS(95), "The longest of 20 drains took 51s" },
        { "all near the bound", { 200, SECONDS(59), 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90),
                true, false, SECONDS(75), SECONDS(105), "99 of 100 drains (of 200) took 59s" },
        { "a headroom of its own", { 200, SECONDS(59), 0, 0 }, SECONDS(60), SECONDS(45), NONE, true,
                false, SECONDS(75), SECONDS(120), "Now 1min is allowed." },
        { "headroom not told", { 200, SECONDS(59), 0, 0 }, SECONDS(60), NONE, NONE, true, false,
                SECONDS(75), SECONDS(105), "a fifth is added" },
        { "nothing told", { 200, SECONDS(70), 0, 0 }, NONE, NONE, NONE, true, false, SECONDS(85),
                SECONDS(115), "a fifth is added" },
        { "cut: the least is half as much again", { 19, SECONDS(30), 1, SECONDS(60) }, SECONDS(60),
                SECONDS(30), SECONDS(90), true, false, SECONDS(90), SECONDS(120),
                "1 of 20 drains was cut at its bound of 1min" },
        { "all cut", { 0, 0, 40, SECONDS(60) }, SECONDS(60), SECONDS(30), SECONDS(90), true, false,
                SECONDS(90), SECONDS(120), "40 of 40 drains were cut" },
        { "one of 100 cut", { 99, SECONDS(40), 1, SECONDS(60) }, SECONDS(60), SECONDS(30),
                SECONDS(90), false, true, SECONDS(60), SECONDS(90),
                "1 was cut at the bound: too few to change that." },
        { "two of 100 cut", { 98, SECONDS(40), 2, SECONDS(60) }, SECONDS(60), SECONDS(30),
                SECONDS(90), true, false, SECONDS(90), SECONDS(120), "the p99 is not known" },
        { "cut at a bound that is gone, mended", { 40, SECONDS(20), 5, SECONDS(60) }, SECONDS(90),
                SECONDS(30), SECONDS(120), false, true, SECONDS(90), SECONDS(120),
                "Nothing to change: 90s is allowed" },
        { "cut at a bound that is gone, longer since", { 40, SECONDS(200), 5, SECONDS(60) },
                SECONDS(210), SECONDS(30), SECONDS(240), true, false, SECONDS(240), SECONDS(270),
                "the p99 is not known" },
        { "long enough, systemd is not", { 40, SECONDS(20), 0, 0 }, SECONDS(60), SECONDS(30),
                SECONDS(45), true, false, SECONDS(60), SECONDS(90),
                "systemd allows 45s for the whole stop, less than a drain of 1min and a headroom "
                "of 30s" },
        { "cut, and systemd is in the way", { 0, 0, 40, SECONDS(15) }, SECONDS(15), SECONDS(30),
                SECONDS(45), true, false, SECONDS(25), SECONDS(55),
                "systemd allows 45s for the whole stop" },
        { "much too long", { 200, SECONDS(2), 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90), false,
                true, SECONDS(60), SECONDS(90), "3s would do" },
        { "much too long, few seen", { 50, SECONDS(2), 0, 0 }, SECONDS(60), SECONDS(30),
                SECONDS(90), false, true, SECONDS(60), SECONDS(90), "Nothing to change" },
        { "nothing to drain", { 30, 0, 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90), false, true,
                SECONDS(60), SECONDS(90), "took 0 " },
        { "cut at once", { 0, 0, 30, 0 }, 0, SECONDS(30), SECONDS(20), false, false, 0, 0,
                "None: drains were cut before they had any time" },
        { "hours", { 200, 5 * USEC_PER_HOUR, 0, 0 }, SECONDS(60), SECONDS(30), SECONDS(90), true,
                false, 6 * USEC_PER_HOUR, 6 * USEC_PER_HOUR + SECONDS(30), "took 5h or less" },
        { "beyond all measure", { 200, 90 * USEC_PER_YEAR, 0, 0 }, SECONDS(60), SECONDS(30), NONE,
                false, false, 0, 0, "No bound of use" },
        { "beyond what can be counted", { 200, USEC_INFINITY - 2, 0, 0 }, SECONDS(60), SECONDS(30),
                NONE, false, false, 0, 0, "No bound of use" },
        { "a headroom without end", { 200, SECONDS(59), 0, 0 }, SECONDS(60), USEC_INFINITY - 2,
                NONE, false, false, 0, 0, "No bound of use" },
};

static void add_drains(Fixture *fixture, size_t row) {
        const Drains *drains = &rows[row].drains;

        for (size_t i = 0; i < drains->n_cut; i++)
                (void) add_drain(fixture, drains->cut_usec, drains->cut_usec);
        for (size_t i = 0; i < drains->n; i++)
                (void) add_drain(fixture,
                        i < 3 ? drains->used_usec : usec_sub(drains->used_usec, SECONDS(1)),
                        USEC_INFINITY);
        PastStop *last = &fixture->list.stops[fixture->list.n - 1];
        last->drain_usec = rows[row].allowed_usec;
        last->headroom_usec = rows[row].headroom_usec;
        last->timeout_stop_usec = rows[row].timeout_stop_usec;
}

static const Recommendation *recommend(Fixture *fixture) {
        recommendation_done(&fixture->recommendation);
        assert_int_equal(statistics_recommend(compute_one(fixture), &fixture->recommendation), 0);
        assert_non_null(fixture->recommendation.reason);
        return &fixture->recommendation;
}

static void test_recommendation_of_seen_drains_is_as_expected(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->list.n = 0;
                add_drains(fixture, i);
                const Recommendation *recommendation = recommend(fixture);

                if (recommendation->is_given != rows[i].is_given ||
                        recommendation->is_enough != rows[i].is_enough ||
                        !strstr(recommendation->reason, rows[i].reason))
                        fail_msg("%s: given %d, enough %d, %s", rows[i].name,
                                recommendation->is_given, recommendation->is_enough,
                                recommendation->reason);
                if (rows[i].expected_drain_usec == 0)
                        continue;
                if (recommendation->drain_timeout_usec != rows[i].expected_drain_usec ||
                        recommendation->timeout_stop_usec != rows[i].expected_timeout_usec)
                        fail_msg("%s: %" PRIu64 ", %" PRIu64 ", %s", rows[i].name,
                                recommendation->drain_timeout_usec,
                                recommendation->timeout_stop_usec, recommendation->reason);
        }
}

/* Whatever was seen: what is recommended is a fifth above the p99, or half above the bound, and leaves headroom;
 * and what is recommended, once it is set, is enough. */
static void test_recommendation_when_it_is_followed_is_enough(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 2000; i++) {
                const usec_t used_usec = (usec_t) i * i * 7919 % SECONDS(4000);

                fixture->list.n = 0;
                for (size_t j = 0; j < 25; j++)
                        (void) add_drain(fixture, i % 3 == 0 ? used_usec + 1 : used_usec,
                                i % 3 == 0 ? used_usec + 1 : USEC_INFINITY);
                const Recommendation *recommendation = recommend(fixture);
                assert_true(recommendation->is_given);
                assert_true(recommendation->drain_timeout_usec >=
                        (i % 3 == 0 ? used_usec * 3 / 2 : used_usec * 6 / 5));
                assert_true(recommendation->timeout_stop_usec >=
                        recommendation->drain_timeout_usec + SECONDS(30));

                PastStop *last = &fixture->list.stops[fixture->list.n - 1];
                last->phases = "[{\"name\":\"drain\",\"usec\":1,\"timed_out\":false}]";
                last->drain_usec = recommendation->drain_timeout_usec;
                last->headroom_usec = SECONDS(30);
                last->timeout_stop_usec = recommendation->timeout_stop_usec;
                assert_true(recommend(fixture)->is_enough);
        }
}

static void test_recommendation_is_not_shorter_than_a_steps_bound(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 120; i++)
                add_drain(fixture, SECONDS(2), SECONDS(60))->steps =
                        "[{\"name\":\"disconnect\\u001b[31m\",\"usec\":1,\"timeout_usec\":25000000,\"end\":\"done\"},"
                        "{\"name\":\"x\",\"usec\":1,\"timeout_usec\":61000000,\"end\":\"done\"}]";
        const Recommendation *recommendation = recommend(fixture);

        assert_true(recommendation->is_enough);
        assert_non_null(strstr(recommendation->reason,
                "The step disconnect?[31m has a bound of its own of 25s: the drain is not to be "
                "shorter."));
        assert_non_null(strstr(recommendation->reason, "25s would do"));
}

static void test_recommendation_of_cut_drains_names_the_step_that_ran_over(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 30; i++)
                add_drain(fixture, SECONDS(60), SECONDS(60))->steps =
                        "[{\"name\":\"slow\",\"usec\":50000000,\"end\":\"done\"},"
                        "{\"name\":\"flush\",\"usec\":9000000,\"timeout_usec\":5000000,\"end\":\"late\"}]";
        assert_non_null(
                strstr(recommend(fixture)->reason, "why the step flush ran over 30 times."));
}

static void test_recommendation_counts_stops_that_systemd_has_ended(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 30; i++) {
                PastStop *stop = add_drain(fixture, SECONDS(10), SECONDS(60));

                stop->timeout_stop_usec = SECONDS(20);
                if (i < 20)
                        continue;
                stop->outcome = OUTCOME_LOST;
                stop->service_result = "timeout";
        }
        const Recommendation *recommendation = recommend(fixture);

        assert_true(recommendation->is_given);
        assert_true(recommendation->drain_timeout_usec == SECONDS(60));
        assert_true(recommendation->timeout_stop_usec == SECONDS(90));
        assert_non_null(strstr(recommendation->reason, "10 of 30 drains were cut"));
}

static void test_recommendation_of_several_units_is_none(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 60; i++)
                add_drain(fixture, SECONDS(59), SECONDS(60))->unit =
                        i % 2 == 0 ? "a.service" : "b.service";
        compute(fixture, STATISTICS_BY_HOST);
        assert_int_equal(
                statistics_recommend(&fixture->statistics.groups[0], &fixture->recommendation), 0);
        assert_false(fixture->recommendation.is_given);
        assert_non_null(strstr(fixture->recommendation.reason, "--by=unit"));
}

static void test_recommendation_done_twice_is_nothing(void **state) {
        Fixture *fixture = *state;

        add_drains(fixture, 0);
        (void) recommend(fixture);
        recommendation_done(&fixture->recommendation);
        assert_null(fixture->recommendation.reason);
        recommendation_done(&fixture->recommendation);
}

#define test_entry(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test_entry(test_recommendation_of_seen_drains_is_as_expected),
                test_entry(test_recommendation_when_it_is_followed_is_enough),
                test_entry(test_recommendation_is_not_shorter_than_a_steps_bound),
                test_entry(test_recommendation_of_cut_drains_names_the_step_that_ran_over),
                test_entry(test_recommendation_counts_stops_that_systemd_has_ended),
                test_entry(test_recommendation_of_several_units_is_none),
                test_entry(test_recommendation_done_twice_is_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
