/* SPDX-License-Identifier: MIT */

/* The run before: how its flight record is judged, and the records that are made of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <syslog.h>

#include "previous-run-fixture.h"

/* ---- Judging --------------------------------------------------------------------------------- */

static void test_previous_end_names_are_those_of_the_interface(void **state) {
        static const char *const names[] = { "none", "clean", "escalated", "killed", "exited",
                "failed", "crashed", "lost", "reboot" };

        assert_int_equal(ELEMENTSOF(names), _PREVIOUS_END_MAX);
        for (PreviousEnd end = 0; end < _PREVIOUS_END_MAX; end++) {
                assert_string_equal(previous_end_to_string(end), names[end]);
                assert_int_equal(previous_end_from_string(names[end]), end);
        }
        assert_int_equal(previous_end_from_string("gone"), _PREVIOUS_END_INVALID);
        assert_int_equal(previous_end_from_string(NULL), _PREVIOUS_END_INVALID);
}

static void test_previous_run_without_record_is_none(void **state) {
        World *world = *state;

        memset(&world->previous, 0xff, sizeof(world->previous));
        judge(world, NULL, boot, 300 * SEC);
        assert_int_equal(world->previous.end, PREVIOUS_NONE);
        assert_false(world->previous.is_open);
        assert_int_equal(world->previous.elapsed_usec, 0);
        assert_null(previous_run_stopped_record(&world->previous, "post", NULL));
}

static void test_previous_run_end_is_its_outcome_or_that_it_was_lost(void **state) {
        static const struct {
                const char *outcome;
                bool is_other_boot;
                PreviousEnd expected;
        } rows[] = {
                { "clean", false, PREVIOUS_CLEAN },
                { "clean", true, PREVIOUS_CLEAN },
                { "escalated", false, PREVIOUS_ESCALATED },
                { "killed", false, PREVIOUS_KILLED },
                { "exited", true, PREVIOUS_EXITED },
                { "failed", false, PREVIOUS_FAILED },
                { "crashed", false, PREVIOUS_CRASHED },
                { "lost", false, PREVIOUS_LOST },
                { "lost", true, PREVIOUS_LOST },
                { "", false, PREVIOUS_LOST },
                { "", true, PREVIOUS_REBOOT },
                { "who knows", false, PREVIOUS_LOST },
                { "none", true, PREVIOUS_REBOOT },
        };
        static const char *const recorders[] = { "", "run", "post", "next-run" };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (size_t k = 0; k < ELEMENTSOF(recorders); k++) {
                        FlightRecord flight = make_draining();
                        text_set(flight.outcome, rows[i].outcome);
                        text_set(flight.recorded_by, recorders[k]);
                        judge(world, &flight, rows[i].is_other_boot ? other_boot : boot, 300 * SEC);
                        assert_int_equal(world->previous.end, rows[i].expected);
                        assert_int_equal(world->previous.is_other_boot, rows[i].is_other_boot);
                        assert_int_equal(world->previous.is_open, k == 0);
                }
}

static void test_previous_run_elapsed_counts_from_the_stop_or_the_start(void **state) {
        World *world = *state;
        FlightRecord flight = make_running();

        judge(world, &flight, boot, 130 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 30 * SEC);
        judge(world, &flight, other_boot, 1 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 130 * SEC); /* to the last write */
        judge(world, &flight, boot, 99 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 0);

        flight = make_draining();
        judge(world, &flight, boot, 212 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 12 * SEC);
        judge(world, &flight, other_boot, 1 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 30 * SEC);

        flight.stop_at_usec = flight.started_at_usec = 0;
        flight.stop_at_realtime_usec = flight.started_at_realtime_usec = 0;
        judge(world, &flight, boot, 212 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 0);
        judge(world, &flight, other_boot, 212 * SEC);
        assert_int_equal(world->previous.elapsed_usec, 0);
}

/* ---- The `stopped` record -------------------------------------------------------------------- */

static void test_previous_run_lost_in_a_phase_has_its_record(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        judge(world, &flight, boot, 212 * SEC);
        make_stopped(world, "post", &killed);
        assert_int_equal(record_get_event(world->record), RECORD_STOPPED);
        assert_int_equal(record_get_priority(world->record), LOG_WARNING);
        assert_value(world, "OUTCOME", "lost");
        assert_value(world, "CAUSE", "signal");
        assert_value(world, "EXIT_CODE", "killed");
        assert_value(world, "EXIT_STATUS", "SIGKILL");
        assert_value(world, "SIGNAL", "SIGTERM");
        assert_value(world, "SIGNAL_NUMBER", "15");
        assert_value(world, "SENDER_PID", "812");
        assert_value(world, "SENDER_UID", "1000");
        assert_value(world, "SENDER_CODE", "SI_USER");
        assert_value(world, "SENDER_STATE", "exited");
        assert_value(world, "SENDER_COMM", "kill");
        assert_value(world, "SENDER_CMDLINE", "kill 40");
        assert_no_value(world, "REQUESTER_PID");
        assert_value(
                world, "PHASES", "[{\"name\":\"drain\",\"usec\":12000000,\"timed_out\":false}]");
        assert_value(world, "DRAIN_USED_USEC", "12000000");
        assert_value(world, "TOTAL_USEC", "12000000");
        assert_no_value(world, "OOM_KILLS");
        assert_value(world, "SERVICE_RESULT", "signal");
        assert_value(world, "PREVIOUS_PHASE", "drain");
        assert_value(world, "RECORDED_BY", "post");
        assert_string_equal(record_get_message(world->record),
                "Gateway hermes was lost: the supervisor was killed by SIGKILL in phase drain, 12s "
                "after the stop began");
}

static void test_previous_run_lost_at_a_step_names_it(void **state) {
        static const struct {
                const char *phase, *step;
                uint64_t n_open;
                const char *says;
        } rows[] = {
                { "flush", "", 0, "in phase drain, gateway phase \"flush\", 12s after" },
                { "", "telegram", 1, "in phase drain, step \"telegram\" open, 12s after" },
                { "disconnect adapters", "telegram", 3,
                        "in phase drain, gateway phase \"disconnect adapters\", step \"telegram\" and "
                        "2 more open, 12s after" },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FlightRecord flight = make_draining();

                text_set(flight.gateway_phase, rows[i].phase);
                text_set(flight.step, rows[i].step);
                flight.n_steps_open = rows[i].n_open;
                judge(world, &flight, boot, 212 * SEC);
                make_stopped(world, "post", &killed);
                assert_non_null(strstr(record_get_message(world->record), rows[i].says));
                assert_non_null(
                        strstr(record_get_value(world->record, "CAUSE_DETAIL"), rows[i].says));
                if (*rows[i].phase)
                        assert_value(world, "PREVIOUS_GATEWAY_PHASE", rows[i].phase);
                else
                        assert_no_value(world, "PREVIOUS_GATEWAY_PHASE");
                if (*rows[i].step)
                        assert_value(world, "PREVIOUS_STEP", rows[i].step);
                else
                        assert_no_value(world, "PREVIOUS_STEP");
        }
}

static void test_previous_run_verdict_that_was_in_is_kept(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        text_set(flight.cause, "restart");
        text_set(flight.cause_detail, "systemd restarts the unit (job 7)");
        flight.requester_pid = 4242;
        flight.requester_uid = 1001;
        text_set(flight.requester_comm, "systemctl");
        text_set(flight.requester_cmdline, "systemctl restart hermes");
        judge(world, &flight, boot, 212 * SEC);
        make_stopped(world, "post", &killed);
        assert_value(world, "CAUSE", "restart");
        assert_value(world, "CAUSE_DETAIL",
                "systemd restarts the unit (job 7); the supervisor was killed by SIGKILL in phase "
                "drain, 12s after the stop began");
        assert_value(world, "REQUESTER_PID", "4242");
        assert_value(world, "REQUESTER_UID", "1001");
        assert_value(world, "REQUESTER_COMM", "systemctl");
        assert_value(world, "REQUESTER_CMDLINE", "systemctl restart hermes");
}

/* It had asked, and was gone before its user could be read. */
static void test_previous_run_requester_whose_user_is_not_known_has_none(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        text_set(flight.cause, "stop");
        flight.requester_pid = 4242;
        flight.requester_uid = (uid_t) -1;
        judge(world, &flight, boot, 212 * SEC);
        make_stopped(world, "post", &killed);
        assert_value(world, "REQUESTER_PID", "4242");
        assert_no_value(world, "REQUESTER_UID");
}

static void test_previous_run_phases_before_the_last_are_there(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        flight.n_phases = 2;
        flight.phases[0] = (FlightPhase){ .name = "drain", .usec = 60 * SEC, .is_timed_out = 1 };
        flight.phases[1] = (FlightPhase){ .name = "interrupt", .usec = 5 * SEC };
        flight.phase_at_usec = 265 * SEC;
        flight.phase_deadline_usec = 270 * SEC;
        text_set(flight.phase, "terminate");
        judge(world, &flight, boot, 271 * SEC);
        make_stopped(world, "post", NULL);
        assert_value(world, "PHASES",
                "[{\"name\":\"drain\",\"usec\":60000000,\"timed_out\":true},{\"name\":\"interrupt\","
                "\"usec\":5000000,\"timed_out\":false},{\"name\":\"terminate\",\"usec\":6000000,"
                "\"timed_out\":true}]");
        assert_value(world, "DRAIN_USED_USEC", "60000000");
        assert_value(world, "TOTAL_USEC", "71000000");
}

/* The next run may look at it days later: what it did not see it does not say. */
static void test_previous_run_deadline_is_judged_only_by_who_looks_at_once(void **state) {
        static const struct {
                const char *recorded_by;
                usec_t now_usec;
                bool is_other_boot, is_timed_out;
        } rows[] = {
                { "post", 260 * SEC, false, false },
                { "post", 260 * SEC + 1, false, true },
                { "next-run", 400 * SEC, false, false },
                { "post", 400 * SEC, true, false },
                { "next-run", 400 * SEC, true, false },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FlightRecord flight = make_draining();
                judge(world, &flight, rows[i].is_other_boot ? other_boot : boot, rows[i].now_usec);
                make_stopped(world, rows[i].recorded_by, NULL);
                const char *phases = record_get_value(world->record, "PHASES");
                assert_int_equal(strstr(phases, "true") != NULL, rows[i].is_timed_out);
        }
}

static void test_previous_run_lost_without_a_stop_tells_what_is_known(void **state) {
        static const ServiceResult oom = { .result = "oom-kill",
                .exit_code = "killed",
                .exit_status = "KILL",
                .oom = { .has_events = true, .n_oom_kills = 2 } };
        World *world = *state;
        FlightRecord flight = make_running();

        judge(world, &flight, boot, 130 * SEC);
        make_stopped(world, "next-run", NULL);
        assert_value(world, "CAUSE", "supervisor-killed");
        assert_value(world, "OUTCOME", "lost");
        assert_no_value(world, "EXIT_CODE");
        assert_no_value(world, "EXIT_STATUS");
        assert_no_value(world, "SIGNAL");
        assert_no_value(world, "SENDER_PID");
        assert_no_value(world, "SERVICE_RESULT");
        assert_no_value(world, "DRAIN_USED_USEC");
        assert_value(world, "PHASES", "[]");
        assert_value(world, "TOTAL_USEC", "0");
        assert_value(world, "PREVIOUS_PHASE", "running");
        assert_value(world, "RECORDED_BY", "next-run");
        assert_string_equal(record_get_message(world->record),
                "Gateway hermes was lost: the supervisor was gone while the gateway was running, at "
                "most 30s after its start");

        make_stopped(world, "post", &killed);
        assert_value(world, "CAUSE", "supervisor-killed");
        make_stopped(world, "post", &oom);
        assert_value(world, "CAUSE", "oom");
        assert_value(world, "OOM_KILLS", "2");
        assert_value(world, "SERVICE_RESULT", "oom-kill");
}

static void test_previous_run_lost_while_it_swept_up_names_the_phase(void **state) {
        World *world = *state;
        FlightRecord flight = make_running();

        text_set(flight.phase, "terminate");
        flight.phase_at_usec = 125 * SEC;
        judge(world, &flight, boot, 130 * SEC);
        make_stopped(world, "post", &killed);
        assert_value(world, "CAUSE", "supervisor-killed");
        assert_value(
                world, "PHASES", "[{\"name\":\"terminate\",\"usec\":5000000,\"timed_out\":false}]");
        assert_string_equal(record_get_message(world->record),
                "Gateway hermes was lost: the supervisor was killed by SIGKILL in phase terminate, "
                "30s after its start");
}

static void test_previous_run_of_a_machine_that_went_down_guesses_nothing(void **state) {
        World *world = *state;
        FlightRecord flight = make_running();

        judge(world, &flight, other_boot, 5 * SEC);
        make_stopped(world, "next-run", NULL);
        assert_value(world, "CAUSE", "unknown");
        assert_value(world, "CAUSE_DETAIL",
                "no stop had begun; why is not known; the machine went down while the gateway was "
                "running, at least 2min 10s after its start");
        assert_value(world, "OUTCOME", "lost");
        assert_value(world, "TOTAL_USEC", "0");

        flight = make_draining();
        text_set(flight.cause, "host-shutdown");
        judge(world, &flight, other_boot, 5 * SEC);
        make_stopped(world, "next-run", NULL);
        assert_value(world, "CAUSE", "host-shutdown");
        assert_value(world, "CAUSE_DETAIL",
                "the machine went down in phase drain, at least 30s after the stop began");
        assert_value(
                world, "PHASES", "[{\"name\":\"drain\",\"usec\":30000000,\"timed_out\":false}]");
        assert_value(world, "TOTAL_USEC", "30000000");
}

static void test_previous_run_stop_without_verdict_goes_by_its_signal(void **state) {
        static const struct {
                const char *signal, *state;
                uint32_t pid;
                const char *cause;
        } rows[] = {
                { "SIGTERM", "alive", 812, "signal" },
                { "SIGTERM", "unknown", 812, "signal" },
                { "SIGTERM", "other-namespace", 0, "signal" },
                { "SIGINT", "kernel", 0, "terminal" },
                { "SIGTERM", "manager", 1, "unknown" },
                { "SIGTERM", "", 0, "unknown" },
                { "", "", 0, "unknown" },
                { "SIGWHAT", "alive", 812, "unknown" },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FlightRecord flight = make_draining();
                text_set(flight.signal, rows[i].signal);
                text_set(flight.sender_state, rows[i].state);
                flight.sender_pid = rows[i].pid;
                judge(world, &flight, boot, 212 * SEC);
                make_stopped(world, "post", NULL);
                assert_value(world, "CAUSE", rows[i].cause);
        }
}

/* It had come to its end, but nobody got to write that. */
static void test_previous_run_that_ended_keeps_its_outcome(void **state) {
        static const struct {
                const char *outcome, *exit_code, *exit_status, *cause;
                bool is_stop;
                int priority;
        } rows[] = {
                { "clean", "exited", "0", "signal", true, LOG_INFO },
                { "killed", "killed", "SIGKILL", "signal", true, LOG_WARNING },
                { "exited", "exited", "0", "exit", false, LOG_INFO },
                { "failed", "exited", "3", "exit", false, LOG_WARNING },
                { "crashed", "dumped", "SIGSEGV", "crash", false, LOG_ERR },
                { "crashed", "dumped", "?", "unknown", false, LOG_ERR },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FlightRecord flight = rows[i].is_stop ? make_draining() : make_running();
                text_set(flight.phase, "ended");
                flight.phase_at_usec = 203 * SEC;
                text_set(flight.outcome, rows[i].outcome);
                text_set(flight.exit_code, rows[i].exit_code);
                text_set(flight.exit_status, rows[i].exit_status);
                judge(world, &flight, boot, 400 * SEC);
                make_stopped(world, "next-run", &killed);
                assert_value(world, "OUTCOME", rows[i].outcome);
                assert_value(world, "EXIT_CODE", rows[i].exit_code);
                assert_value(world, "EXIT_STATUS", rows[i].exit_status);
                assert_value(world, "CAUSE", rows[i].cause);
                assert_value(world, "PHASES", "[]");
                assert_value(world, "TOTAL_USEC", rows[i].is_stop ? "3000000" : "0");
                assert_int_equal(record_get_priority(world->record), rows[i].priority);
        }
}

static void test_previous_run_exit_status_is_named_as_ours(void **state) {
        static const struct {
                const char *code, *status, *expected;
        } rows[] = {
                { "exited", "1", "1" },
                { "killed", "KILL", "SIGKILL" },
                { "killed", "9", "SIGKILL" },
                { "dumped", "ABRT", "SIGABRT" },
                { "killed", "RTMIN+3", "SIGRTMIN+3" },
                { "killed", "NOSUCH", "NOSUCH" },
                { "exited", "KILL", "KILL" },
        };
        World *world = *state;
        FlightRecord flight = make_running();

        judge(world, &flight, boot, 130 * SEC);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                make_stopped(world, "post",
                        &(ServiceResult){
                                .exit_code = rows[i].code, .exit_status = rows[i].status });
                assert_value(world, "EXIT_CODE", rows[i].code);
                assert_value(world, "EXIT_STATUS", rows[i].expected);
        }
        make_stopped(world, "post", &(ServiceResult){ .exit_code = "", .exit_status = "" });
        assert_no_value(world, "EXIT_CODE");
        assert_no_value(world, "EXIT_STATUS");
}

static void test_previous_run_that_is_closed_owes_nothing(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        text_set(flight.recorded_by, "run");
        judge(world, &flight, boot, 212 * SEC);
        assert_null(previous_run_stopped_record(&world->previous, "post", &killed));
}

static void test_previous_run_full_of_text_is_whole(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        memset(flight.name, 'n', sizeof(flight.name) - 1);
        memset(flight.phase, 'p', sizeof(flight.phase) - 1);
        memset(flight.cause_detail, 'd', sizeof(flight.cause_detail) - 1);
        memset(flight.gateway_phase, 'g', sizeof(flight.gateway_phase) - 1);
        memset(flight.step, 's', sizeof(flight.step) - 1);
        flight.n_steps_open = UINT64_MAX;
        text_set(flight.cause, "stop");
        flight.n_phases = FLIGHT_PHASES_MAX;
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                memset(flight.phases[i].name, 'x', sizeof(flight.phases[i].name) - 1);
        flight.stop_at_usec = 1;
        judge(world, &flight, boot, USEC_PER_YEAR);
        make_stopped(world, "next-run", &killed);
        const char *detail = record_get_value(world->record, "CAUSE_DETAIL");
        assert_non_null(strstr(detail, "after the stop began"));
        assert_non_null(strstr(detail, flight.phase));
        assert_non_null(strstr(detail, flight.gateway_phase));
        assert_non_null(strstr(detail, flight.step));
        assert_non_null(strstr(record_get_message(world->record), "after the stop began"));
}

/* ---- The `previous` record ------------------------------------------------------------------- */

static void test_previous_record_tells_of_the_run_before(void **state) {
        World *world = *state;
        FlightRecord flight = make_draining();

        judge(world, &flight, boot, 212 * SEC);
        world->record = previous_run_record(&world->previous);
        assert_int_equal(record_get_event(world->record), RECORD_PREVIOUS);
        assert_int_equal(record_get_priority(world->record), LOG_WARNING);
        assert_value(world, "PREVIOUS", "lost");
        assert_value(world, "PREVIOUS_RUN_ID", RUN_TEXT);
        assert_value(world, "PREVIOUS_PHASE", "drain");
        assert_value(world, "PREVIOUS_ELAPSED_USEC", "12000000");
        assert_non_null(
                strstr(record_get_message(world->record), "lost in phase drain, 12s after"));
}

static void test_previous_record_is_a_warning_unless_the_end_was_good(void **state) {
        static const struct {
                const char *outcome;
                int priority;
        } rows[] = {
                { "clean", LOG_NOTICE },
                { "exited", LOG_NOTICE },
                { "escalated", LOG_WARNING },
                { "killed", LOG_WARNING },
                { "failed", LOG_WARNING },
                { "crashed", LOG_WARNING },
                { "", LOG_WARNING },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                FlightRecord flight = make_draining();
                text_set(flight.outcome, rows[i].outcome);
                flight.phase[0] = '\0';
                judge(world, &flight, boot, 200 * SEC);
                record_free(world->record);
                world->record = previous_run_record(&world->previous);
                assert_int_equal(record_get_priority(world->record), rows[i].priority);
                assert_no_value(world, "PREVIOUS_PHASE");
                assert_no_value(world, "PREVIOUS_ELAPSED_USEC");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_previous_end_names_are_those_of_the_interface),
                world_test(test_previous_run_without_record_is_none),
                world_test(test_previous_run_end_is_its_outcome_or_that_it_was_lost),
                world_test(test_previous_run_elapsed_counts_from_the_stop_or_the_start),
                world_test(test_previous_run_lost_in_a_phase_has_its_record),
                world_test(test_previous_run_lost_at_a_step_names_it),
                world_test(test_previous_run_verdict_that_was_in_is_kept),
                world_test(test_previous_run_requester_whose_user_is_not_known_has_none),
                world_test(test_previous_run_phases_before_the_last_are_there),
                world_test(test_previous_run_deadline_is_judged_only_by_who_looks_at_once),
                world_test(test_previous_run_lost_without_a_stop_tells_what_is_known),
                world_test(test_previous_run_lost_while_it_swept_up_names_the_phase),
                world_test(test_previous_run_of_a_machine_that_went_down_guesses_nothing),
                world_test(test_previous_run_stop_without_verdict_goes_by_its_signal),
                world_test(test_previous_run_that_ended_keeps_its_outcome),
                world_test(test_previous_run_exit_status_is_named_as_ours),
                world_test(test_previous_run_that_is_closed_owes_nothing),
                world_test(test_previous_run_full_of_text_is_whole),
                world_test(test_previous_record_tells_of_the_run_before),
                world_test(test_previous_record_is_a_warning_unless_the_end_was_good),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
