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

/* ---- The unit -------------------------------------------------------------------------------- */

static void test_evidence_manager_answers_all_is_told(void **state) {
        Fixture *fixture = *state;
        const UnitEvidence *told = &fixture->told;

        fixture_have_stop_job(fixture);
        fixture_ask(fixture);
        assert_int_equal(fixture->error, 0);
        assert_true(told->has_unit);
        assert_string_equal(told->sub_state, "stop-sigterm");
        assert_string_equal(told->result, "success");
        assert_int_equal(told->left_at_usec, 12345);
        assert_int_equal(told->job_id, 77);
        assert_string_equal(told->job_type, "stop");
        assert_true(told->has_jobs);
        assert_false(told->is_exiting);
        assert_false(told->is_shutting_down);
        assert_string_equal(told->system_state, "running");
        assert_string_equal(told->isolated, "");
        assert_string_equal(told->dependency, "");
        assert_string_equal(told->dependency_kind, "");

        assert_string_equal(fixture->fake.result_interface, MANAGER_NAME ".Service");
        for (Question question = 0; question < QUESTION_BOUND; question++)
                assert_int_equal(fixture->fake.n_asked[question], 1);
        assert_int_equal(fixture->fake.n_asked[QUESTION_BOUND], 0);
        assert_int_equal(fixture->fake.n_auto_start, 0);
        assert_int_equal(fixture->other.n_peers, 0);
        fixture_run_dry(fixture);
        assert_int_equal(fixture->n_calls, 1);

        strcpy(fixture->unit.unit, "session-3.scope");
        fixture_ask(fixture);
        assert_true(told->has_unit);
        assert_string_equal(fixture->fake.result_interface, MANAGER_NAME ".Scope");
}

/* GetAll makes systemd search its directories of unit files, once a unit after each daemon-reload.
 * The time of the end comes behind the state that says whether it is of this one. */
static void test_evidence_unit_is_asked_only_for_what_is_needed(void **state) {
        Fixture *fixture = *state;

        fixture_ask(fixture);
        assert_string_equal(fixture->fake.asked,
                "Job SubState ActiveState ActiveExitTimestampMonotonic Requires Requisite BindsTo "
                "PartOf Conflicts ConflictedBy StopPropagatedFrom ");
        assert_int_equal(fixture->fake.n_all_asked, 0);
}

static void test_evidence_unit_that_is_up_has_left_at_no_time(void **state) {
        static const struct {
                const char *active_state;
                usec_t expected;
        } rows[] = {
                { "active", 0 },
                { "reloading", 0 },
                { "refreshing", 0 },
                { "deactivating", 12345 },
                { "failed", 12345 },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->fake.active_state = rows[i].active_state;
                fixture_ask(fixture);
                assert_int_equal(fixture->told.left_at_usec, rows[i].expected);
        }
}

static void test_evidence_job_type_is_that_of_our_id(void **state) {
        static const FakeJob many[] = { { 76, "hermes.service", "start" },
                { 77, "hermes.service", "restart" }, { 78, "hermes.service", "stop" }, {} };
        static const FakeJob gone[] = { { 76, "hermes.service", "stop" }, {} };
        static const struct {
                uint32_t id;
                const FakeJob *jobs;
                const char *expected;
        } rows[] = {
                { 0, NULL, "" },
                { 0, many, "" },
                { 77, many, "restart" },
                { 78, many, "stop" },
                { 77, gone, "" },
                { UINT32_MAX, many, "" },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->fake.job_id = rows[i].id;
                fixture->fake.jobs = rows[i].jobs;
                fixture_ask(fixture);
                assert_int_equal(fixture->told.job_id, rows[i].id);
                assert_string_equal(fixture->told.job_type, rows[i].expected);
        }
}

/* ---- The end of all -------------------------------------------------------------------------- */

static void test_evidence_system_manager_shutting_down_is_told(void **state) {
        static const struct {
                const char *state;
                FakeJob jobs[2];
                bool expected;
        } rows[] = {
                { "running", { { 7, "shutdown.target", "start" } }, true },
                { "running", { { 7, "poweroff.target", "start" } }, true },
                { "running", { { 7, "reboot.target", "start" } }, true },
                { "running", { { 7, "halt.target", "start" } }, true },
                { "running", { { 7, "kexec.target", "start" } }, true },
                { "running", { { 7, "soft-reboot.target", "start" } }, true },
                { "running", { { 7, "exit.target", "start" } }, true },
                { "stopping", {}, true },
                { "running", { { 7, "shutdown.target", "stop" } }, false },
                { "running", { { 7, "shutdown.target.service", "start" } }, false },
                { "running", { { 7, "rescue.target", "start" } }, false },
                { "degraded", {}, false },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->fake.system_state = rows[i].state;
                fixture->fake.jobs = rows[i].jobs;
                fixture_ask(fixture);
                assert_int_equal(fixture->told.is_shutting_down, rows[i].expected);
                assert_false(fixture->told.is_exiting);
                assert_string_equal(fixture->told.system_state, rows[i].state);
        }
}

static void test_evidence_user_unit_both_managers_are_asked(void **state) {
        static const FakeJob exiting[] = { { 7, "exit.target", "start" },
                { 77, "hermes.service", "stop" }, {} };
        static const FakeJob rebooting[] = { { 7, "reboot.target", "start" },
                { 77, "hermes.service", "restart" }, {} }; /* no unit of ours */
        static const struct {
                const char *own_state;
                const FakeJob *own_jobs;
                const char *state;
                const FakeJob *jobs;
                bool is_exiting;
                bool is_shutting_down;
        } rows[] = {
                { "running", NULL, "running", NULL, false, false },
                { "running", exiting, "running", NULL, true, false },
                { "stopping", NULL, "running", NULL, true, false },
                { "running", NULL, "running", rebooting, false, true },
                { "stopping", exiting, "stopping", NULL, true, true },
        };
        Fixture *fixture = *state;

        fixture_be_user_unit(fixture);
        fixture->fake.job_id = 77;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->fake.system_state = rows[i].own_state;
                fixture->fake.jobs = rows[i].own_jobs;
                fixture->other.system_state = rows[i].state;
                fixture->other.jobs = rows[i].jobs;
                fixture_ask(fixture);
                assert_int_equal(fixture->error, 0);
                assert_int_equal(fixture->told.is_exiting, rows[i].is_exiting);
                assert_int_equal(fixture->told.is_shutting_down, rows[i].is_shutting_down);
                assert_string_equal(fixture->told.system_state, rows[i].state);
                assert_string_equal(fixture->told.job_type, rows[i].own_jobs ? "stop" : "");
        }
        assert_int_equal(fixture->other.n_asked[QUESTION_JOBS], ELEMENTSOF(rows));
        assert_int_equal(fixture->other.n_asked[QUESTION_UNIT], 0);
}

/* ---- What ours follows ----------------------------------------------------------------------- */

static void test_evidence_job_before_ours_on_a_dependency_explains_it(void **state) {
        static const struct {
                FakePair tie;
                FakeJob job;
                const char *our_type;
                const char *kind; /* NULL: explains nothing */
        } rows[] = {
                { { "PartOf", "db.service" }, { 70, "db.service", "restart" }, "restart",
                        "PartOf" },
                { { "PartOf", "db.service" }, { 70, "db.service", "stop" }, "stop", "PartOf" },
                { { "Requires", "db.service" }, { 70, "db.service", "stop" }, "stop", "Requires" },
                { { "Requisite", "db.service" }, { 70, "db.service", "stop" }, "stop",
                        "Requisite" },
                { { "BindsTo", "db.service" }, { 70, "db.service", "stop" }, "stop", "BindsTo" },
                { { "StopPropagatedFrom", "db.service" }, { 70, "db.service", "try-restart" },
                        "stop", "StopPropagatedFrom" },
                { { "Conflicts", "db.service" }, { 70, "db.service", "start" }, "stop",
                        "Conflicts" },
                { { "ConflictedBy", "db.service" }, { 70, "db.service", "start" }, "stop",
                        "ConflictedBy" },
                /* After ours, of another type, on another unit, by another bond. */
                { { "PartOf", "db.service" }, { 78, "db.service", "stop" }, "stop", NULL },
                { { "PartOf", "db.service" }, { 70, "db.service", "start" }, "stop", NULL },
                { { "Conflicts", "db.service" }, { 70, "db.service", "stop" }, "stop", NULL },
                { { "PartOf", "db.service" }, { 70, "db", "stop" }, "stop", NULL },
                { { "Wants", "db.service" }, { 70, "db.service", "stop" }, "stop", NULL },
                { { "Conflicts", "shutdown.target" }, { 70, "shutdown.target", "start" }, "stop",
                        NULL },
                /* Ours does not stop the unit. */
                { { "PartOf", "db.service" }, { 70, "db.service", "stop" }, "start", NULL },
        };
        Fixture *fixture = *state;

        fixture->fake.job_id = 77;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FakePair ties[] = { rows[i].tie, {} };
                FakeJob jobs[] = { { 77, "hermes.service", rows[i].our_type }, rows[i].job, {} };

                fixture->fake.ties = ties;
                fixture->fake.jobs = jobs;
                fixture_ask(fixture);
                if (strcmp(fixture->told.dependency_kind, rows[i].kind ?: "") != 0 ||
                        strcmp(fixture->told.dependency, rows[i].kind ? "db.service" : "") != 0)
                        fail_msg("row %zu: \"%s\" by \"%s\"", i, fixture->told.dependency,
                                fixture->told.dependency_kind);
        }
}

static void test_evidence_jobs_before_ours_the_first_explains_it(void **state) {
        static const FakePair ties[] = { { "PartOf", "a.service" }, { "Requires", "b.service" },
                { "PartOf", "c.service" }, {} };
        static const FakeJob jobs[] = { { 72, "a.service", "stop" }, { 70, "b.service", "stop" },
                { 77, "hermes.service", "stop" }, { 71, "c.service", "stop" }, {} };
        Fixture *fixture = *state;

        fixture->fake.job_id = 77;
        fixture->fake.ties = ties;
        fixture->fake.jobs = jobs;
        fixture_ask(fixture);
        assert_string_equal(fixture->told.dependency, "b.service");
        assert_string_equal(fixture->told.dependency_kind, "Requires");
}

static void test_evidence_bound_unit_that_is_down_explains_a_stop(void **state) {
        static const FakePair ties[] = { { "Requires", "a.service" }, { "BindsTo", "b.service" },
                { "BindsTo", "c.service" }, {} };
        static const struct {
                FakePair bound[3];
                const char *expected;
                unsigned n_asked;
        } rows[] = {
                { { { "b.service", "inactive" } }, "b.service", 1 },
                { { { "b.service", "failed" } }, "b.service", 1 },
                { { { "c.service", "deactivating" } }, "c.service", 2 },
                { { { "b.service", "activating" } }, "b.service", 1 }, /* waits for its restart */
                { { { "b.service", "failed" }, { "c.service", "failed" } }, "b.service", 1 },
                { { { "a.service", "failed" } }, "", 2 },
                { { { "b.service", "reloading" }, { "c.service", "maintenance" } }, "", 2 },
                { {}, "", 2 },
        };
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.ties = ties;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->fake.bound = rows[i].bound;
                fixture->fake.n_asked[QUESTION_BOUND] = 0;
                fixture_ask(fixture);
                assert_int_equal(fixture->error, 0);
                assert_string_equal(fixture->told.dependency, rows[i].expected);
                assert_string_equal(
                        fixture->told.dependency_kind, rows[i].expected[0] ? "BindsTo" : "");
                assert_int_equal(fixture->fake.n_asked[QUESTION_BOUND], rows[i].n_asked);
        }
}

static void test_evidence_explained_otherwise_bound_units_are_not_asked(void **state) {
        static const FakePair ties[] = { { "BindsTo", "b.service" }, { "PartOf", "p.service" },
                {} };
        static const struct {
                uint32_t our_id;
                const char *our_type;
                FakeJob job;
        } rows[] = {
                { 77, "restart", { 90, "x.service", "start" } },
                { 77, "stop", { 70, "p.service", "stop" } },
                { 77, "stop", { 70, "shutdown.target", "start" } },
                { 0, "stop", { 70, "b.service", "stop" } },  /* we have no job */
                { 77, "stop", { 78, "b.service", "stop" } }, /* it follows ours */
                { 77, "stop", { 78, "b.service", "start" } },
        };
        Fixture *fixture = *state;

        fixture->fake.ties = ties;
        fixture->fake.bound = bound_failed;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FakeJob jobs[] = { { 77, "hermes.service", rows[i].our_type }, rows[i].job, {} };

                fixture->fake.job_id = rows[i].our_id;
                fixture->fake.jobs = jobs;
                fixture_ask(fixture);
                assert_string_not_equal(fixture->told.dependency, "b.service");
        }
        assert_int_equal(fixture->fake.n_asked[QUESTION_BOUND], 0);
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

static void test_evidence_jobs_beyond_the_bound_are_not_looked_at(void **state) {
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.n_more_jobs = EVIDENCE_JOBS_MAX - 1;
        fixture_ask(fixture);
        assert_string_equal(fixture->told.job_type, "stop");

        fixture->fake.n_more_jobs = 4 * EVIDENCE_JOBS_MAX;
        fixture_ask(fixture);
        assert_int_equal(fixture->error, 0);
        assert_true(fixture->told.has_unit);
        assert_int_equal(fixture->told.job_id, 77);
        assert_string_equal(fixture->told.job_type, "");
}

static void test_evidence_dependencies_beyond_the_bound_are_not_looked_at(void **state) {
        Fixture *fixture = *state;

        fixture_have_stop_job(fixture);
        fixture->fake.ties = bound_ties;
        fixture->fake.bound = bound_failed;
        fixture->fake.n_more_ties = EVIDENCE_UNITS_MAX - 1;
        fixture_ask(fixture);
        assert_string_equal(fixture->told.dependency, "b.service");

        fixture->fake.n_more_ties = EVIDENCE_UNITS_MAX;
        fixture_ask(fixture);
        assert_string_equal(fixture->told.dependency, "");
        assert_int_equal(fixture->fake.n_asked[QUESTION_BOUND], 1);
}

static void test_evidence_long_strings_are_cut_or_passed_over(void **state) {
        static char text[4096];
        static const FakePair ties[] = { { "BindsTo", text }, { "BindsTo", "b.service" }, {} };
        static const FakeJob jobs[] = { { 70, text, text }, { 77, "hermes.service", "stop" }, {} };
        Fixture *fixture = *state;

        memset(text, 'x', sizeof(text) - 1);
        fixture->fake.job_id = 77;
        fixture->fake.jobs = jobs;
        fixture->fake.ties = ties;
        fixture->fake.bound = bound_failed;
        fixture->fake.sub_state = fixture->fake.result = fixture->fake.system_state = text;
        fixture->fake.active_state = text;
        fixture_ask(fixture);
        assert_true(fixture->told.has_unit);
        assert_int_equal(strlen(fixture->told.sub_state), CAUSE_WORD_MAX - 1);
        assert_int_equal(strlen(fixture->told.result), CAUSE_WORD_MAX - 1);
        assert_int_equal(strlen(fixture->told.system_state), CAUSE_WORD_MAX - 1);
        assert_string_equal(fixture->told.dependency, "b.service");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_evidence_manager_answers_all_is_told),
                FIXTURE_TEST(test_evidence_unit_is_asked_only_for_what_is_needed),
                FIXTURE_TEST(test_evidence_unit_that_is_up_has_left_at_no_time),
                FIXTURE_TEST(test_evidence_job_type_is_that_of_our_id),
                FIXTURE_TEST(test_evidence_system_manager_shutting_down_is_told),
                FIXTURE_TEST(test_evidence_user_unit_both_managers_are_asked),
                FIXTURE_TEST(test_evidence_job_before_ours_on_a_dependency_explains_it),
                FIXTURE_TEST(test_evidence_jobs_before_ours_the_first_explains_it),
                FIXTURE_TEST(test_evidence_bound_unit_that_is_down_explains_a_stop),
                FIXTURE_TEST(test_evidence_explained_otherwise_bound_units_are_not_asked),
                FIXTURE_TEST(test_evidence_jobs_beyond_the_bound_are_not_looked_at),
                FIXTURE_TEST(test_evidence_dependencies_beyond_the_bound_are_not_looked_at),
                FIXTURE_TEST(test_evidence_long_strings_are_cut_or_passed_over),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
