/* SPDX-License-Identifier: MIT */

/* Phases, steps and parties by name, out of JSON that anybody may have written. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "statistics-fixture.h"

static void test_statistics_phases_and_steps_are_summed_by_name(void **state) {
        Fixture *fixture = *state;
        PastStop *stop;

        stop = add_drain(fixture, SECONDS(3), SECONDS(60));
        stop->phases = "[{\"name\":\"drain\",\"usec\":3000000,\"timed_out\":false}]";
        stop->gateway_phases = "[{\"name\":\"drain\",\"usec\":5,\"timed_out\":true}]";
        stop->steps = "[{\"name\":\"a\",\"usec\":1000,\"timeout_usec\":5000000,\"end\":\"done\"},"
                      "{\"name\":\"b\",\"usec\":9000,\"timeout_usec\":8000,\"end\":\"abandoned\"}]";
        stop = add_drain(fixture, SECONDS(60), SECONDS(60));
        stop->phases = "[{\"name\":\"drain\",\"usec\":60000000,\"timed_out\":true},"
                       "{\"name\":\"interrupt\",\"usec\":2,\"timed_out\":false}]";
        stop->steps =
                "[{\"name\":\"a\",\"usec\":2000,\"end\":\"late\"},"
                "{\"name\":\"a\",\"usec\":3000,\"timeout_usec\":70000000,\"end\":\"abandoned\"}]";
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->n_phases, 2);
        assert_string_equal(group->phases[0].name, "drain");
        assert_int_equal(group->phases[0].n, 2);
        assert_int_equal(group->phases[0].n_timed_out, 1);
        assert_true(group->phases[0].total_usec == SECONDS(63));
        assert_true(group->phases[0].max_usec == SECONDS(60));
        assert_string_equal(group->phases[1].name, "interrupt");
        assert_int_equal(group->n_gateway_phases, 1);
        assert_int_equal(group->gateway_phases[0].n_timed_out, 1);

        assert_int_equal(group->n_steps, 2);
        assert_string_equal(group->steps[0].name, "b");
        assert_int_equal(group->steps[0].n_timed_out, 1);
        assert_string_equal(group->steps[1].name, "a");
        assert_int_equal(group->steps[1].n, 3);
        assert_int_equal(group->steps[1].n_timed_out, 1);
        /* 70 s do not fit into a drain of 60 s. */
        assert_true(group->step_bound_usec == SECONDS(5));
        assert_string_equal(group->step_bound_name, "a");
}

static const char *const hostile_rows[] = {
        "",
        "{",
        "[",
        "null",
        "{\"name\":\"a\",\"usec\":1}",
        "[1,null,\"x\",[],{}]",
        "[{\"name\":\"a\"}]",
        "[{\"usec\":1}]",
        "[{\"name\":1,\"usec\":1}]",
        "[{\"name\":null,\"usec\":1}]",
        "[{\"name\":\"a\",\"usec\":-1}]",
        "[{\"name\":\"a\",\"usec\":1.5}]",
        "[{\"name\":\"a\",\"usec\":\"1\"}]",
        "[{\"name\":\"a\",\"usec\":99999999999999999999999}]",
        "[{\"name\":\"a\\u0000b\",\"usec\":1}]",
        "[{\"name\":\"a\xff\",\"usec\":1}]",
        "[{\"name\":\"a\",\"usec\":1}] x",
        "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
};

static void test_statistics_hostile_json_is_passed_over(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(hostile_rows); i++) {
                PastStop *stop = add_stop(fixture);

                stop->phases = stop->gateway_phases = stop->steps = hostile_rows[i];
        }
        add_stop(fixture)->steps = "[{\"name\":\"good\",\"usec\":7}]";
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->n, ELEMENTSOF(hostile_rows) + 1);
        assert_int_equal(group->n_phases, 0);
        assert_int_equal(group->n_gateway_phases, 0);
        assert_int_equal(group->n_steps, 1);
        assert_string_equal(group->steps[0].name, "good");
}

static void test_statistics_of_too_many_names_sums_the_rest(void **state) {
        enum { NAMES = 1000, SIZE = 64 };
        Fixture *fixture = *state;

        fixture->names = calloc(NAMES, SIZE);
        assert_non_null(fixture->names);
        for (size_t i = 0; i < NAMES; i++) {
                char *text = fixture->names + i * SIZE;

                (void) snprintf(text, SIZE, "[{\"name\":\"%zu\",\"usec\":%zu}]", i, i + 1);
                add_stop(fixture)->steps = text;
        }
        add_stop(fixture)->steps = "[{\"name\":\"(others)\",\"usec\":1}]";
        const GroupStatistics *group = compute_one(fixture);
        const NamedTime *last = &group->steps[group->n_steps - 1];

        assert_int_equal(group->n_steps, STATISTICS_NAMES_MAX + 1);
        assert_string_equal(group->steps[0].name, "255");
        assert_string_equal(last->name, "(others)");
        assert_int_equal(last->n, NAMES - STATISTICS_NAMES_MAX + 1);
        assert_true(last->max_usec == NAMES);
}

static void test_statistics_long_names_are_cut_between_characters(void **state) {
        Fixture *fixture = *state;

        fixture->names = calloc(1, 1024);
        assert_non_null(fixture->names);
        char *end = stpcpy(fixture->names, "[{\"name\":\"");
        for (size_t i = 0; i < 200; i++)
                end = stpcpy(end, "é");
        (void) strcpy(end, "\",\"usec\":1,\"timeout_usec\":1}]");
        add_drain(fixture, 1, SECONDS(60))->steps = fixture->names;
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(strlen(group->steps[0].name), 126);
        assert_memory_equal(group->steps[0].name + 124, "é", 3);
        assert_string_equal(group->step_bound_name, group->steps[0].name);
}

static void test_statistics_parties_are_counted_without_their_pids(void **state) {
        Fixture *fixture = *state;

        for (pid_t pid = 100; pid < 105; pid++) {
                PastStop *stop = add_stop(fixture);

                stop->requester.pid = pid;
                stop->requester.comm = "systemctl";
                stop->requester.user = "alice";
                stop->sender.pid = 1;
                stop->sender.comm = "systemd";
        }
        for (pid_t pid = 200; pid < 202; pid++)
                add_stop(fixture)->sender.pid = pid;
        (void) add_stop(fixture);
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->n_parties, 2);
        assert_string_equal(group->parties[0].name, "systemctl by alice");
        assert_int_equal(group->parties[0].n, 5);
        assert_string_equal(group->parties[1].name, "exited process");
        assert_int_equal(group->parties[1].n, 2);
}

static void test_statistics_parties_of_more_names_than_are_remembered_are_counted(void **state) {
        enum { NAMES = 50, SIZE = 16 };
        Fixture *fixture = *state;

        fixture->names = calloc(NAMES, SIZE);
        assert_non_null(fixture->names);
        for (size_t i = 0; i < 3 * NAMES; i++) {
                char *name = fixture->names + i % NAMES * SIZE;
                PastStop *stop = add_stop(fixture);

                (void) snprintf(name, SIZE, "tool-%zu", i % NAMES);
                stop->sender.pid = 5;
                stop->sender.comm = name;
        }
        const GroupStatistics *group = compute_one(fixture);

        assert_int_equal(group->n_parties, NAMES);
        for (size_t i = 0; i < NAMES; i++)
                assert_int_equal(group->parties[i].n, 3);
}

#define test_entry(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                test_entry(test_statistics_phases_and_steps_are_summed_by_name),
                test_entry(test_statistics_hostile_json_is_passed_over),
                test_entry(test_statistics_of_too_many_names_sums_the_rest),
                test_entry(test_statistics_long_names_are_cut_between_characters),
                test_entry(test_statistics_parties_are_counted_without_their_pids),
                test_entry(test_statistics_parties_of_more_names_than_are_remembered_are_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
