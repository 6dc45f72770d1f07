/* SPDX-License-Identifier: MIT */

/* What managers say about a stop: what is made of their answers, and of those that do not come. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake-job-manager.h"

static const FakePair bound_ties[] = { { "BindsTo", "b.service" }, {} };
static const FakePair bound_failed[] = { { "b.service", "failed" }, {} };

/* ---- What goes wrong ------------------------------------------------------------------------- */

static void test_evidence_no_manager_is_invalid(void **state) {
        Fixture *fixture = *state;

        fixture->unit = (CgroupUnit){ .manager = UNIT_MANAGER_NONE };
        assert_int_equal(evidence_new(fixture->event, &fixture->unit, NULL, NULL, 0, fixture_handle,
                                 fixture, &fixture->evidence),
                -EINVAL);
        assert_null(fixture->evidence);
}

/* What is left when one answer is of no use. */
static void check_without(const UnitEvidence *told, Question question) {
        bool has_job = question != QUESTION_UNIT && question != QUESTION_JOBS;

        assert_int_equal(told->has_unit, question != QUESTION_UNIT && question != QUESTION_RESULT);
        assert_int_equal(told->has_jobs, question != QUESTION_JOBS);
        assert_string_equal(told->job_type, has_job ? "stop" : "");
        assert_string_equal(told->system_state, question == QUESTION_STATE ? "" : "running");
        assert_string_equal(told->dependency, "");
}

static void test_evidence_one_answer_missing_leaves_out_that_one(void **state) {
        static const FakeMode modes[] = { FAKE_ERRS, FAKE_SAYS_NONSENSE };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                for (Question question = 0; question < _QUESTION_MAX; question++) {
                        fake_be_plain(&fixture->fake);
                        fixture_have_stop_job(fixture);
                        /* A unit to look at only where the answer about it is at stake. */
                        fixture->fake.ties = question == QUESTION_BOUND ? bound_ties : NULL;
                        fixture->fake.bound = bound_failed;
                        fixture->fake.modes[question] = modes[i];
                        fixture_ask(fixture);
                        assert_int_equal(fixture->error, 0);
                        check_without(&fixture->told, question);
                }
}

/* What is left of a stop because of a unit that has gone down. */
static void check_without_property(const UnitEvidence *told, const char *property) {
        bool is_bound = strcmp(property, "BindsTo") != 0 && strcmp(property, "Job") != 0;

        assert_int_equal(told->has_unit, strcmp(property, "SubState") != 0);
        assert_int_equal(told->job_id, strcmp(property, "Job") != 0 ? 77 : 0);
        assert_int_equal(told->left_at_usec,
                strcmp(property, "ActiveExitTimestampMonotonic") != 0 ? 12345 : 0);
        assert_string_equal(told->result, "success");
        assert_string_equal(told->dependency, is_bound && told->has_unit ? "b.service" : "");
}

/* As in a version of systemd that does not have it, or has made something else of it. */
static void test_evidence_one_property_missing_leaves_out_that_one(void **state) {
        static const char *const properties[] = { "Job", "SubState", "ActiveState",
                "ActiveExitTimestampMonotonic", "Requires", "Requisite", "BindsTo", "PartOf",
                "Conflicts", "ConflictedBy", "StopPropagatedFrom" };
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.ties = bound_ties;
        fixture->fake.bound = bound_failed;
        for (size_t i = 0; i < ELEMENTSOF(properties); i++) {
                fixture->fake.odd_property = properties[i];
                fixture->fake.no_property = NULL;
                fixture_ask(fixture);
                assert_int_equal(fixture->error, 0);
                check_without_property(&fixture->told, properties[i]);

                fixture->fake.odd_property = NULL;
                fixture->fake.no_property = properties[i];
                fixture_ask(fixture);
                assert_int_equal(fixture->error, 0);
                check_without_property(&fixture->told, properties[i]);
        }
}

static void test_evidence_all_silent_times_out_once(void **state) {
        Fixture *fixture = *state;

        fake_set_modes(&fixture->fake, FAKE_SAYS_NOTHING);
        fake_set_modes(&fixture->other, FAKE_SAYS_NOTHING);
        fixture_ask_both(fixture);
        assert_int_equal(fixture->error, -ETIMEDOUT);
        assert_false(fixture->told.has_unit);
        assert_false(fixture->told.has_jobs);
        assert_int_equal(fixture->fake.n_asked[QUESTION_UNIT], 1);
        assert_int_equal(fixture->other.n_asked[QUESTION_UNIT], 1);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);
}

static void test_evidence_silent_in_between_what_there_is_is_told(void **state) {
        static const Question silent[] = { QUESTION_STATE, QUESTION_BOUND };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(silent); i++) {
                fake_be_plain(&fixture->fake);
                fixture_have_stop_job(fixture);
                fixture->fake.ties = bound_ties;
                fixture->fake.modes[silent[i]] = FAKE_SAYS_NOTHING;
                fixture_ask(fixture);
                assert_int_equal(fixture->error, -ETIMEDOUT);
                assert_true(fixture->told.has_unit);
                assert_string_equal(fixture->told.job_type, "stop");
                assert_string_equal(fixture->told.dependency, "");
        }
}

static void test_evidence_hung_up_what_there_is_is_told(void **state) {
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        for (Question question = 0; question < QUESTION_BOUND; question++) {
                fake_be_plain(&fixture->fake);
                fixture->fake.modes[question] = FAKE_HANGS_UP;
                fixture_ask(fixture);
                assert_int_equal(fixture->error, -ECONNRESET);
                assert_int_equal(fixture->told.has_unit, question > QUESTION_RESULT);
                assert_int_equal(fixture->told.has_jobs, question > QUESTION_JOBS);
                assert_string_equal(fixture->told.job_type, question > QUESTION_JOBS ? "stop" : "");
        }
}

static void test_evidence_hung_up_next_address_answers(void **state) {
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.modes[QUESTION_STATE] = FAKE_HANGS_UP;
        fixture_ask_both(fixture);
        assert_int_equal(fixture->error, 0);
        assert_true(fixture->told.has_unit);
        assert_string_equal(fixture->told.job_type, "stop");
        assert_string_equal(fixture->told.system_state, "running");
        assert_int_equal(fixture->other.n_asked[QUESTION_UNIT], 1);
}

/* The first has answered all but the second round. */
static void test_evidence_hung_up_next_answers_take_the_place(void **state) {
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.ties = bound_ties;
        fixture->fake.modes[QUESTION_BOUND] = FAKE_HANGS_UP;
        fixture->other.job_id = 0;
        fixture->other.jobs = NULL;
        fixture->other.sub_state = "running";
        fixture_ask_both(fixture);
        assert_int_equal(fixture->error, 0);
        assert_int_equal(fixture->fake.n_asked[QUESTION_BOUND], 1);
        assert_string_equal(fixture->told.sub_state, "running");
        assert_int_equal(fixture->told.job_id, 0);
        assert_string_equal(fixture->told.job_type, "");
        assert_int_equal(fixture->other.n_asked[QUESTION_BOUND], 0);
}

static void test_evidence_hung_up_nothing_of_before_is_kept(void **state) {
        static const FakePair before[] = { { "PartOf", "p.service" }, {} };
        static const FakePair now[] = { { "PartOf", "p.service" }, { "BindsTo", "b.service" }, {} };
        static const FakeJob jobs[] = { { 70, "p.service", "stop" },
                { 77, "hermes.service", "stop" }, {} };
        static const Question hung_up[] = { QUESTION_STATE, QUESTION_BOUND };
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->other.ties = now;
        fixture->other.bound = bound_failed;
        for (size_t i = 0; i < ELEMENTSOF(hung_up); i++) {
                bool is_second_round = hung_up[i] == QUESTION_BOUND;

                fake_be_plain(&fixture->fake);
                fixture->fake.modes[hung_up[i]] = FAKE_HANGS_UP;
                fixture->fake.ties = is_second_round ? now : before;
                fixture->fake.jobs = is_second_round ? fixture->other.jobs : jobs;
                fixture->fake.n_more_ties = is_second_round ? 0 : EVIDENCE_UNITS_MAX - 1;
                fixture_ask_both(fixture);
                assert_int_equal(fixture->error, 0);
                assert_string_equal(fixture->told.job_type, "stop");
                assert_string_equal(fixture->told.dependency, "b.service");
                assert_int_equal(fixture->other.n_asked[QUESTION_BOUND], i + 1);
        }
}

static void test_evidence_hung_up_next_value_of_another_type_is_none(void **state) {
        static const char *const odd[] = { "Job", "SubState", "ActiveState" };
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.modes[QUESTION_STATE] = FAKE_HANGS_UP;
        fixture->fake.active_state = "active";
        for (size_t i = 0; i < ELEMENTSOF(odd); i++) {
                fixture->other.odd_property = odd[i];
                fixture_ask_both(fixture);
                assert_int_equal(fixture->told.job_id, i == 0 ? 0 : 77);
                assert_string_equal(fixture->told.sub_state, i == 1 ? "" : "stop-sigterm");
                assert_int_equal(fixture->told.left_at_usec, 12345);
        }
}

static void test_evidence_silent_next_address_answers_in_time(void **state) {
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fake_set_modes(&fixture->fake, FAKE_SAYS_NOTHING);
        fixture_ask_both(fixture);
        assert_int_equal(fixture->error, 0);
        assert_true(fixture->told.has_unit);
        assert_string_equal(fixture->told.job_type, "stop");
        assert_int_equal(fixture->fake.n_asked[QUESTION_UNIT], 1);
}

static void test_evidence_nobody_there_is_told(void **state) {
        static const struct {
                const char *address;
                int error;
        } rows[] = {
                { "unix:path=/nonexistent/manager", -ENOENT },
                { "unix:abstract=gatewatch-test-nobody-listens", -ECONNREFUSED },
                { "", -ENOENT },
        };
        Fixture *fixture = *state;
        char address[128];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture_ask_at(fixture, rows[i].address, rows[i].address);
                assert_int_equal(fixture->error, rows[i].error);
                assert_false(fixture->told.has_unit);
        }
        fixture_be_user_unit(fixture);
        fixture_ask_at(fixture, rows[0].address, rows[0].address);
        assert_int_equal(fixture->error, -ENOENT);
        assert_false(fixture->told.is_shutting_down);

        /* The system manager is heard all the same. */
        fixture->other.system_state = "stopping";
        fixture_ask_at(fixture, rows[0].address, fake_address(&fixture->other, address));
        assert_int_equal(fixture->error, -ENOENT);
        assert_false(fixture->told.has_unit);
        assert_true(fixture->told.is_shutting_down);
}

static void test_evidence_user_unit_system_manager_away_does_without(void **state) {
        static const FakeMode modes[] = { FAKE_ERRS, FAKE_SAYS_NONSENSE, FAKE_HANGS_UP };
        Fixture *fixture = *state;

        fixture_be_user_unit(fixture);
        fixture_have_stop_job(fixture);
        for (size_t i = 0; i <= ELEMENTSOF(modes); i++) {
                if (i < ELEMENTSOF(modes))
                        fake_set_modes(&fixture->other, modes[i]);
                else
                        fake_stop(&fixture->other);
                fixture_ask(fixture);
                assert_int_equal(fixture->error, 0);
                assert_string_equal(fixture->told.job_type, "stop");
                assert_string_equal(fixture->told.system_state, "");
        }
}

/* `other` where the user's message bus would be, `fake` at the manager's private socket. */
static void fixture_listen_as_users_manager(Fixture *fixture) {
        char path[128];

        fixture_be_user_unit(fixture);
        fake_stop(&fixture->fake);
        (void) snprintf(path, sizeof(path), "%s/systemd", fixture->directory);
        assert_return_code(mkdir(path, 0700), errno);
        (void) snprintf(path, sizeof(path), "%s/systemd/private", fixture->directory);
        assert_return_code(fake_listen(&fixture->fake, fixture->event, path), 0);
        assert_return_code(setenv("XDG_RUNTIME_DIR", fixture->directory, /* overwrite= */ 1), 0);
}

static void test_evidence_bus_without_a_manager_private_socket_is_asked(void **state) {
        Fixture *fixture = *state;

        fixture_listen_as_users_manager(fixture);
        fake_set_modes(&fixture->other, FAKE_ERRS);
        fixture->other.error_name = "org.freedesktop.DBus.Error.ServiceUnknown";
        fixture_ask_at(fixture, /* address= */ NULL, "unix:path=/nonexistent/manager");
        assert_int_equal(fixture->error, 0);
        assert_true(fixture->told.has_unit);
        assert_int_equal(fixture->other.n_hello, 1);
        assert_int_equal(fixture->fake.n_hello, 0);
        assert_int_equal(fixture->fake.n_asked[QUESTION_UNIT], 1);
}

static void test_evidence_bus_with_a_silent_manager_private_socket_is_not_asked(void **state) {
        Fixture *fixture = *state;

        fixture_listen_as_users_manager(fixture);
        fake_set_modes(&fixture->other, FAKE_SAYS_NOTHING);
        fixture_ask_at(fixture, /* address= */ NULL, "unix:path=/nonexistent/manager");
        assert_int_equal(fixture->error, -ETIMEDOUT);
        assert_int_equal(fixture->other.n_asked[QUESTION_UNIT], 1);
        assert_int_equal(fixture->fake.n_peers, 0);
}

/* ---- Its own end ----------------------------------------------------------------------------- */

static void test_evidence_freed_by_its_handler_is_gone(void **state) {
        static const FakeMode modes[] = { FAKE_ANSWERS, FAKE_ERRS, FAKE_SAYS_NONSENSE,
                FAKE_HANGS_UP };
        Fixture *fixture = *state;

        fixture->is_freed_by_handler = true;
        for (unsigned is_user = 0; is_user < 2; is_user++) {
                for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                        fake_set_modes(&fixture->fake, modes[i]);
                        fixture_ask(fixture);
                        assert_null(fixture->evidence);
                        fixture_run_dry(fixture);
                        assert_int_equal(fixture->n_calls, 1);
                }
                fixture_be_user_unit(fixture);
        }
}

/* A user's unit with a second round, so that every step is among them. */
static void test_evidence_freed_at_any_step_is_not_told(void **state) {
        Fixture *fixture = *state;
        char address[128], system_address[128];
        unsigned n_steps = 0, n_told = 0;

        fixture_be_user_unit(fixture);
        fixture_have_stop_job(fixture);
        fixture->fake.ties = bound_ties;
        (void) fake_address(&fixture->fake, address);
        (void) fake_address(&fixture->other, system_address);
        for (; n_told == 0 && !fixture->is_over; n_steps++) {
                fixture_start_at(fixture, address, system_address);
                fixture_run(fixture, n_steps);
                n_told = fixture->n_calls;
                fixture->evidence = evidence_free(fixture->evidence);
                fixture_run_dry(fixture);
                assert_int_equal(fixture->n_calls, n_told);
        }
        assert_int_equal(n_told, 1);
        assert_true(fixture->fake.n_asked[QUESTION_BOUND] > 0);
        assert_true(n_steps > _QUESTION_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_evidence_no_manager_is_invalid),
                FIXTURE_TEST(test_evidence_one_answer_missing_leaves_out_that_one),
                FIXTURE_TEST(test_evidence_one_property_missing_leaves_out_that_one),
                FIXTURE_TEST(test_evidence_all_silent_times_out_once),
                FIXTURE_TEST(test_evidence_silent_in_between_what_there_is_is_told),
                FIXTURE_TEST(test_evidence_hung_up_what_there_is_is_told),
                FIXTURE_TEST(test_evidence_hung_up_next_address_answers),
                FIXTURE_TEST(test_evidence_hung_up_next_answers_take_the_place),
                FIXTURE_TEST(test_evidence_hung_up_nothing_of_before_is_kept),
                FIXTURE_TEST(test_evidence_hung_up_next_value_of_another_type_is_none),
                FIXTURE_TEST(test_evidence_silent_next_address_answers_in_time),
                FIXTURE_TEST(test_evidence_nobody_there_is_told),
                FIXTURE_TEST(test_evidence_user_unit_system_manager_away_does_without),
                FIXTURE_TEST(test_evidence_bus_without_a_manager_private_socket_is_asked),
                FIXTURE_TEST(test_evidence_bus_with_a_silent_manager_private_socket_is_not_asked),
                FIXTURE_TEST(test_evidence_freed_by_its_handler_is_gone),
                FIXTURE_TEST(test_evidence_freed_at_any_step_is_not_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
