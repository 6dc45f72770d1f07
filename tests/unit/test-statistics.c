/* SPDX-License-Identifier: MIT */

/* Groups, counts, percentiles against a naive model, and records that want to be in the way. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "statistics-fixture.h"

/* ---- Groups ------------------------------------------------------------------------------------ */

static void test_statistics_by_words_are_read_back(void **state) {
        (void) state;
        for (StatisticsBy by = 0; by < _STATISTICS_BY_MAX; by++)
                assert_int_equal(statistics_by_from_string(statistics_by_to_string(by)), by);
        assert_int_equal(statistics_by_from_string("Unit"), _STATISTICS_BY_INVALID);
        assert_int_equal(statistics_by_from_string(""), _STATISTICS_BY_INVALID);
}

static void test_statistics_of_no_stops_has_no_groups(void **state) {
        Fixture *fixture = *state;

        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, 0);
}

static void test_statistics_of_forged_and_running_has_no_groups(void **state) {
        Fixture *fixture = *state;

        add_stop(fixture)->trust = TRUST_FORGED;
        add_stop(fixture)->state = RUN_RUNNING;
        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, 0);

        add_stop(fixture)->trust = TRUST_UNVERIFIED;
        assert_int_equal(compute_one(fixture)->n, 1);
}

static void add_fleet(Fixture *fixture) {
        PastStop *stop;

        (void) add_stop(fixture);
        stop = add_stop(fixture);
        stop->host = "beta";
        stop->cause = CAUSE_CRASH;
        stop->cause_word = "crash";
        add_stop(fixture)->unit = "apollo.service";
        add_stop(fixture)->manager = UNIT_MANAGER_USER;
        stop = add_stop(fixture);
        stop->manager = UNIT_MANAGER_NONE;
        stop->unit = "session-3.scope";
        stop = add_stop(fixture);
        stop->manager = UNIT_MANAGER_NONE;
        stop->unit = "session-4.scope";
        (void) add_stop(fixture);
}

static void test_statistics_by_unit_tells_hosts_and_managers_apart(void **state) {
        static const struct {
                const char *key, *host;
                UnitManager manager;
                size_t n;
        } rows[] = {
                { "apollo.service", "alpha", UNIT_MANAGER_SYSTEM, 1 },
                { "hermes", "alpha", UNIT_MANAGER_NONE, 2 },
                { "hermes.service", "alpha", UNIT_MANAGER_SYSTEM, 2 },
                { "hermes.service", "alpha", UNIT_MANAGER_USER, 1 },
                { "hermes.service", "beta", UNIT_MANAGER_SYSTEM, 1 },
        };
        Fixture *fixture = *state;

        add_fleet(fixture);
        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const GroupStatistics *group = NULL;

                for (size_t j = 0; j < fixture->statistics.n_groups; j++) {
                        const GroupStatistics *each = &fixture->statistics.groups[j];

                        if (strcmp(each->key, rows[i].key) == 0 &&
                                strcmp(each->host, rows[i].host) == 0 &&
                                each->manager == rows[i].manager)
                                group = each;
                        if (j > 0)
                                assert_true(strcmp((each - 1)->key, each->key) <= 0);
                }
                assert_non_null(group);
                assert_int_equal(group->n, rows[i].n);
                assert_string_equal(group->unit, group->key);
        }
}

static void test_statistics_by_host_has_no_unit_where_there_are_several(void **state) {
        Fixture *fixture = *state;

        add_fleet(fixture);
        compute(fixture, STATISTICS_BY_HOST);
        assert_int_equal(fixture->statistics.n_groups, 2);
        assert_string_equal(fixture->statistics.groups[0].key, "alpha");
        assert_int_equal(fixture->statistics.groups[0].n, 6);
        assert_null(fixture->statistics.groups[0].unit);
        assert_string_equal(fixture->statistics.groups[1].unit, "hermes.service");
        assert_int_equal(fixture->statistics.groups[1].manager, UNIT_MANAGER_SYSTEM);
}

static void test_statistics_by_cause_has_words_that_are_not_known(void **state) {
        Fixture *fixture = *state;
        PastStop *stop;

        add_fleet(fixture);
        stop = add_stop(fixture);
        stop->cause = _CAUSE_INVALID;
        stop->cause_word = "meteorite";
        compute(fixture, STATISTICS_BY_CAUSE);
        assert_int_equal(fixture->statistics.n_groups, 3);
        assert_string_equal(fixture->statistics.groups[0].key, "crash");
        assert_string_equal(fixture->statistics.groups[1].key, "meteorite");
        assert_int_equal(fixture->statistics.groups[1].n_other_causes, 1);
        assert_string_equal(fixture->statistics.groups[2].key, "restart");
        assert_null(fixture->statistics.groups[2].unit);
}

static void test_statistics_of_several_users_units_names_the_users(void **state) {
        Fixture *fixture = *state;

        for (uid_t uid = 1000; uid < 1003; uid++) {
                PastStop *stop = add_stop(fixture);

                stop->manager = UNIT_MANAGER_USER;
                stop->uid = uid;
        }
        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, 3);
        assert_string_equal(fixture->statistics.groups[0].key, "hermes.service (uid 1000)");
        assert_string_equal(fixture->statistics.groups[1].unit, "hermes.service (uid 1001)");
        assert_string_equal(fixture->statistics.groups[2].key, "hermes.service (uid 1002)");

        fixture->list.n = 1;
        assert_string_equal(compute_one(fixture)->key, "hermes.service");
        assert_int_equal(compute_one(fixture)->uid, 1000);
}

static void test_statistics_of_a_stop_without_names_has_a_key(void **state) {
        Fixture *fixture = *state;
        PastStop *stop = add_stop(fixture);

        stop->host = stop->unit = stop->name = NULL;
        stop->cause_word = NULL;
        for (StatisticsBy by = 0; by < _STATISTICS_BY_MAX; by++) {
                compute(fixture, by);
                assert_int_equal(fixture->statistics.n_groups, 1);
                assert_string_equal(fixture->statistics.groups[0].key, "-");
        }
}

/* ---- Counts ------------------------------------------------------------------------------------ */

static void test_statistics_of_a_single_stop_is_that_stop(void **state) {
        Fixture *fixture = *state;
        PastStop *stop = add_drain(fixture, SECONDS(6), SECONDS(60));

        stop->headroom_usec = SECONDS(30);
        stop->timeout_stop_usec = SECONDS(90);
        stop->total_usec = SECONDS(7);
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->n, 1);
        assert_int_equal(group->n_by_cause[CAUSE_RESTART], 1);
        assert_int_equal(group->n_by_outcome[OUTCOME_CLEAN], 1);
        assert_int_equal(group->n_forced, 0);
        assert_int_equal(group->n_unexplained, 0);
        assert_true(group->first_realtime_usec == stop->realtime_usec);
        assert_true(group->last_realtime_usec == stop->realtime_usec);
        assert_int_equal(group->n_drains, 1);
        assert_true(group->p99_usec == SECONDS(6));
        assert_true(group->longest_drain_usec == SECONDS(6));
        assert_true(group->drain_sum_usec == SECONDS(6));
        assert_true(group->total_sum_usec == SECONDS(7));
        assert_true(group->drain_allowed_usec == SECONDS(60));
        assert_true(group->headroom_usec == SECONDS(30));
        assert_true(group->timeout_stop_usec == SECONDS(90));
        assert_true(group->share_max > 0.09 && group->share_max < 0.11);
        assert_int_equal(group->n_over_90_percent, 0);
        assert_true(group->mean_between_unexplained_usec == USEC_INFINITY);
        for (double percent = 0; percent <= 100; percent += 12.5)
                assert_true(statistics_percentile(group, percent) == SECONDS(6));
}

static void test_statistics_of_unrecorded_stops_has_no_drains(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 3; i++) {
                PastStop *stop = add_stop(fixture);

                stop->state = RUN_UNRECORDED;
                stop->cause = _CAUSE_INVALID;
                stop->outcome = _OUTCOME_INVALID;
                stop->drain_used_usec = SECONDS(5);
        }
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->n_unrecorded, 3);
        assert_int_equal(group->n_by_cause[CAUSE_UNKNOWN], 3);
        assert_int_equal(group->n_other_outcomes, 0);
        assert_int_equal(group->n_unexplained, 3);
        assert_int_equal(group->n_drains, 0);
        assert_true(statistics_percentile(group, 50) == USEC_INFINITY);
        assert_true(group->p99_usec == USEC_INFINITY);
        assert_true(group->share_max < 0);
        assert_true(group->mean_between_unexplained_usec == USEC_PER_HOUR);
}

static const struct {
        Outcome outcome;
        bool has_drain, is_forced;
} outcome_rows[] = {
        { OUTCOME_CLEAN, true, false },
        { OUTCOME_ESCALATED, true, false },
        { OUTCOME_KILLED, true, true },
        { OUTCOME_EXITED, false, false },
        { OUTCOME_FAILED, false, false },
        { OUTCOME_CRASHED, false, false },
        { OUTCOME_LOST, false, true },
        { _OUTCOME_INVALID, false, false },
};

static void test_statistics_of_outcomes_takes_drains_of_stops_that_were_asked_for(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(outcome_rows); i++) {
                fixture->list.n = 0;
                add_drain(fixture, SECONDS(1), SECONDS(60))->outcome = outcome_rows[i].outcome;
                const GroupStatistics *group = compute_one(fixture);

                assert_int_equal(group->n_drains, outcome_rows[i].has_drain);
                assert_int_equal(group->n_forced, outcome_rows[i].is_forced);
                assert_int_equal(group->n_other_outcomes, outcome_rows[i].outcome < 0);
        }
}

static void test_statistics_allowed_is_what_the_last_stop_tells(void **state) {
        Fixture *fixture = *state;

        (void) add_drain(fixture, SECONDS(1), SECONDS(60));
        (void) add_drain(fixture, SECONDS(1), SECONDS(90));
        (void) add_drain(fixture, SECONDS(1), USEC_INFINITY);
        /* The clock went back: the order is the journal's. */
        fixture->list.stops[1].realtime_usec = FIRST_USEC;
        assert_true(compute_one(fixture)->drain_allowed_usec == SECONDS(90));
}

static void test_statistics_first_and_last_hold_when_the_clock_jumps_back(void **state) {
        Fixture *fixture = *state;

        (void) add_stop(fixture);
        (void) add_stop(fixture);
        fixture->list.stops[1].realtime_usec = FIRST_USEC;
        const GroupStatistics *group = compute_one(fixture);
        assert_true(group->first_realtime_usec == FIRST_USEC);
        assert_true(group->last_realtime_usec == FIRST_USEC + USEC_PER_HOUR);
}

static void test_statistics_mean_between_unexplained_leaves_1970_out(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 4; i++) {
                PastStop *stop = add_stop(fixture);

                stop->cause = CAUSE_CRASH;
                if (i == 0)
                        stop->realtime_usec = SECONDS(20);
        }
        const GroupStatistics *group = compute_one(fixture);
        assert_int_equal(group->n_unexplained, 4);
        assert_true(group->mean_between_unexplained_usec == USEC_PER_HOUR);
}

static void test_statistics_histogram_takes_a_bound_into_its_bucket(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < statistics_n_bounds; i++) {
                const usec_t bound_usec = (usec_t) (statistics_bounds[i] * 1e6 + 0.5);

                (void) add_drain(fixture, bound_usec, USEC_INFINITY);
                (void) add_drain(fixture, bound_usec + 1, USEC_INFINITY);
        }
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->histogram[0], 1);
        for (size_t i = 1; i < statistics_n_bounds; i++)
                assert_int_equal(group->histogram[i], 2);
        assert_int_equal(group->histogram[statistics_n_bounds], 1);
}

static void test_statistics_shares_count_those_near_the_bound(void **state) {
        Fixture *fixture = *state;

        (void) add_drain(fixture, SECONDS(54), SECONDS(60));
        (void) add_drain(fixture, SECONDS(55), SECONDS(60));
        (void) add_drain(fixture, SECONDS(1), USEC_INFINITY);
        const GroupStatistics *group = compute_one(fixture);
        assert_int_equal(group->n_shares, 2);
        assert_int_equal(group->n_over_90_percent, 1);
        assert_true(group->share_max > 0.91 && group->share_max < 0.92);
}

static void test_statistics_sums_saturate(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < 2; i++)
                add_drain(fixture, USEC_INFINITY - 1, USEC_INFINITY)->total_usec =
                        USEC_INFINITY - 1;
        const GroupStatistics *group = compute_one(fixture);
        assert_true(group->drain_sum_usec == USEC_INFINITY);
        assert_true(group->total_sum_usec == USEC_INFINITY);
        assert_int_equal(group->histogram[statistics_n_bounds], 2);
}

/* ---- Cut drains -------------------------------------------------------------------------------- */

static const struct {
        usec_t used_usec, allowed_usec;
        const char *phases;
        bool is_cut;
        usec_t bound_usec;
} cut_rows[] = {
        { SECONDS(59), SECONDS(60), NULL, false, 0 },
        { SECONDS(60), SECONDS(60), NULL, true, SECONDS(60) },
        { SECONDS(60) + 4000, SECONDS(60), NULL, true, SECONDS(60) },
        { SECONDS(60), USEC_INFINITY, NULL, false, 0 },
        { SECONDS(60), SECONDS(60), "[{\"name\":\"drain\",\"usec\":60000000,\"timed_out\":false}]",
                false, 0 },
        { SECONDS(40), SECONDS(60), "[{\"name\":\"drain\",\"usec\":40000000,\"timed_out\":true}]",
                true, SECONDS(40) },
        { SECONDS(40), USEC_INFINITY, "[{\"name\":\"drain\",\"usec\":40000000,\"timed_out\":true}]",
                true, SECONDS(40) },
        { SECONDS(40), SECONDS(60),
                "[{\"name\":\"drain\",\"usec\":1,\"timed_out\":false},"
                "{\"name\":\"kill\",\"usec\":1,\"timed_out\":true}]",
                false, 0 },
        { SECONDS(60), SECONDS(60), "[{\"timed_out\":\"no\"}]", true, SECONDS(60) },
        { SECONDS(60), SECONDS(60), "no JSON", true, SECONDS(60) },
};

static void test_statistics_drain_at_its_bound_is_cut(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(cut_rows); i++) {
                fixture->list.n = 0;
                add_drain(fixture, cut_rows[i].used_usec, cut_rows[i].allowed_usec)->phases =
                        cut_rows[i].phases;
                const GroupStatistics *group = compute_one(fixture);

                assert_int_equal(group->n_cut, cut_rows[i].is_cut);
                assert_true(group->cut_bound_usec == cut_rows[i].bound_usec);
                assert_int_equal(group->p99_usec == USEC_INFINITY, cut_rows[i].is_cut);
                assert_true(group->longest_drain_usec ==
                        (cut_rows[i].is_cut ? 0 : cut_rows[i].used_usec));
        }
}

static void test_statistics_p99_counts_cut_drains_as_endless(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 1; i < 200; i++)
                (void) add_drain(fixture, SECONDS(i), SECONDS(600));
        /* Cut at a shorter bound that there was once. */
        (void) add_drain(fixture, SECONDS(10), SECONDS(10));
        assert_true(compute_one(fixture)->p99_usec == SECONDS(198));
        (void) add_drain(fixture, SECONDS(10), SECONDS(10));
        assert_true(compute_one(fixture)->p99_usec == SECONDS(199));
        (void) add_drain(fixture, SECONDS(10), SECONDS(10));
        assert_true(compute_one(fixture)->p99_usec == USEC_INFINITY);
}

static void test_statistics_lost_to_the_stop_timeout_counts_as_cut(void **state) {
        Fixture *fixture = *state;
        PastStop *stop = add_stop(fixture);

        stop->outcome = OUTCOME_LOST;
        stop->service_result = "timeout";
        stop->drain_usec = SECONDS(60);
        stop->timeout_stop_usec = SECONDS(45);
        const GroupStatistics *group = compute_one(fixture);
        assert_int_equal(group->n_killed_by_systemd, 1);
        assert_int_equal(group->n_drains, 0);
        assert_true(group->cut_bound_usec == SECONDS(45));

        fixture->list.stops[0].service_result = "signal";
        assert_int_equal(compute_one(fixture)->n_killed_by_systemd, 0);
}

/* ---- Percentiles against a model ---------------------------------------------------------------- */

static uint64_t random_next(uint64_t *seed) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

/* The smallest seen value that at least percent of 100 are not above, by counting. percent: whole. */
static usec_t model_percentile(const usec_t values[], size_t n, unsigned percent) {
        usec_t best = USEC_INFINITY;

        for (size_t i = 0; i < n; i++) {
                size_t n_below = 0;

                for (size_t j = 0; j < n; j++)
                        n_below += values[j] <= values[i];
                if (n_below * 100 >= percent * n && values[i] < best)
                        best = values[i];
        }
        return best;
}

static void test_statistics_percentiles_are_those_of_a_naive_model(void **state) {
        static const unsigned percents[] = { 1, 25, 50, 75, 90, 95, 99, 100 };
        Fixture *fixture = *state;
        uint64_t seed = 88172645463325252ULL;

        fixture->drains = calloc(300, sizeof(usec_t));
        assert_non_null(fixture->drains);
        for (size_t round = 0; round < 60; round++) {
                const size_t n = 1 + random_next(&seed) % 300;

                fixture->list.n = 0;
                for (size_t i = 0; i < n; i++) {
                        const usec_t used_usec = random_next(&seed) % SECONDS(20);
                        const bool is_cut = used_usec >= SECONDS(19) && round % 2 == 0;

                        (void) add_drain(fixture, is_cut ? SECONDS(9) : used_usec,
                                is_cut ? SECONDS(9) : SECONDS(100));
                        fixture->drains[i] = is_cut ? SECONDS(9) : used_usec;
                }
                const GroupStatistics *group = compute_one(fixture);
                for (size_t i = 0; i < ELEMENTSOF(percents); i++)
                        assert_true(statistics_percentile(group, percents[i]) ==
                                model_percentile(fixture->drains, n, percents[i]));

                for (size_t i = 0; i < n; i++)
                        if (fixture->list.stops[i].drain_usec == SECONDS(9))
                                fixture->drains[i] = USEC_INFINITY;
                assert_true(group->p99_usec == model_percentile(fixture->drains, n, 99));
        }
}

/* ---- Many -------------------------------------------------------------------------------------- */

static void test_statistics_of_100000_stops_counts_all(void **state) {
        enum { STOPS = 100000 };
        static const char *const units[] = { "a.service", "b.service", "c.service", "d.service" };
        Fixture *fixture = *state;
        size_t n = 0, n_drains = 0;

        for (size_t i = 0; i < STOPS; i++) {
                PastStop *stop = add_drain(fixture, i % SECONDS(1), SECONDS(60));

                stop->unit = units[i % ELEMENTSOF(units)];
                stop->phases = "[{\"name\":\"drain\",\"usec\":1000,\"timed_out\":false}]";
                stop->steps = "[{\"name\":\"flush\",\"usec\":10,\"end\":\"done\"}]";
        }
        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, ELEMENTSOF(units));
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                const GroupStatistics *group = &fixture->statistics.groups[i];

                n += group->n;
                n_drains += group->n_drains;
                assert_int_equal(group->steps[0].n, STOPS / ELEMENTSOF(units));
        }
        assert_int_equal(n, STOPS);
        assert_int_equal(n_drains, STOPS);
}

static void test_statistics_of_as_many_units_as_stops_has_a_group_each(void **state) {
        enum { UNITS = 5000, SIZE = 24 };
        Fixture *fixture = *state;

        fixture->names = calloc(UNITS, SIZE);
        assert_non_null(fixture->names);
        for (size_t i = 0; i < UNITS; i++) {
                char *name = fixture->names + i * SIZE;

                (void) snprintf(name, SIZE, "u%05zu.service", UNITS - i);
                add_stop(fixture)->unit = name;
        }
        compute(fixture, STATISTICS_BY_UNIT);
        assert_int_equal(fixture->statistics.n_groups, UNITS);
        assert_string_equal(fixture->statistics.groups[0].key, "u00001.service");
        assert_string_equal(fixture->statistics.groups[UNITS - 1].key, "u05000.service");
}

#define test_entry(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test_entry(test_statistics_by_words_are_read_back),
                test_entry(test_statistics_of_no_stops_has_no_groups),
                test_entry(test_statistics_of_forged_and_running_has_no_groups),
                test_entry(test_statistics_by_unit_tells_hosts_and_managers_apart),
                test_entry(test_statistics_by_host_has_no_unit_where_there_are_several),
                test_entry(test_statistics_by_cause_has_words_that_are_not_known),
                test_entry(test_statistics_of_several_users_units_names_the_users),
                test_entry(test_statistics_of_a_stop_without_names_has_a_key),
                test_entry(test_statistics_of_a_single_stop_is_that_stop),
                test_entry(test_statistics_of_unrecorded_stops_has_no_drains),
                test_entry(test_statistics_of_outcomes_takes_drains_of_stops_that_were_asked_for),
                test_entry(test_statistics_allowed_is_what_the_last_stop_tells),
                test_entry(test_statistics_first_and_last_hold_when_the_clock_jumps_back),
                test_entry(test_statistics_mean_between_unexplained_leaves_1970_out),
                test_entry(test_statistics_histogram_takes_a_bound_into_its_bucket),
                test_entry(test_statistics_shares_count_those_near_the_bound),
                test_entry(test_statistics_sums_saturate),
                test_entry(test_statistics_drain_at_its_bound_is_cut),
                test_entry(test_statistics_p99_counts_cut_drains_as_endless),
                test_entry(test_statistics_lost_to_the_stop_timeout_counts_as_cut),
                test_entry(test_statistics_percentiles_are_those_of_a_naive_model),
                test_entry(test_statistics_of_100000_stops_counts_all),
                test_entry(test_statistics_of_as_many_units_as_stops_has_a_group_each),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
