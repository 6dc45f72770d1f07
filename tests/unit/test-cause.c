/* SPDX-License-Identifier: MIT */

/* What is concluded from which evidence: each cause from its own, what wins where two speak, and that
 * nothing is concluded from nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "stop/cause.h"
#include "utf8.h"

#define STOPPING_AT_USEC (100 * USEC_PER_SEC)

/* ---- Units as they are found ----------------------------------------------------------------- */

/* Stopped by systemd: the state changed before we said anything. */
#define STOPPING  .has_unit = true, .sub_state = "stop-sigterm", .left_at_usec = STOPPING_AT_USEC - 1
#define RUNNING   .has_unit = true, .sub_state = "running", .result = "success"
#define JOB(type) .job_id = 77, .job_type = (type)

static const UnitEvidence nothing_read = {};
static const UnitEvidence stop_job = { STOPPING, .result = "success", JOB("stop") };
static const UnitEvidence restart_job = { STOPPING, .result = "success", JOB("restart") };
static const UnitEvidence try_restart_job = { STOPPING, .result = "success", JOB("try-restart") };
static const UnitEvidence start_job_done = { STOPPING, .result = "success", JOB("start") };
static const UnitEvidence start_job = { STOPPING, .result = "timeout", JOB("start") };
static const UnitEvidence untold_job = { STOPPING, .result = "success", .job_id = 77 };
static const UnitEvidence no_job = { STOPPING, .result = "success" };
static const UnitEvidence failed_no_job = { STOPPING, .result = "exit-code" };
static const UnitEvidence isolated = { STOPPING, .result = "success", JOB("stop"),
        .isolated = "rescue.target" };
static const UnitEvidence shutdown_stop = { STOPPING, .result = "success", JOB("stop"),
        .is_shutting_down = true };
static const UnitEvidence shutdown_untold = { STOPPING, .result = "success", .job_id = 77,
        .is_shutting_down = true };
static const UnitEvidence shutdown_restart = { STOPPING, .result = "success", JOB("restart"),
        .is_shutting_down = true };
static const UnitEvidence shutdown_no_job = { STOPPING, .result = "success",
        .is_shutting_down = true };
static const UnitEvidence shutdown_running = { RUNNING, JOB("stop"), .is_shutting_down = true };
static const UnitEvidence shutdown_no_unit = { .is_shutting_down = true };
static const UnitEvidence exit_stop = { STOPPING, .result = "success", JOB("stop"),
        .is_exiting = true };
static const UnitEvidence exit_and_shutdown = { STOPPING, .result = "success", JOB("stop"),
        .is_exiting = true, .is_shutting_down = true };
static const UnitEvidence dependency_stop = { STOPPING, .result = "success", JOB("stop"),
        .dependency = "db.service", .dependency_kind = "BindsTo" };
static const UnitEvidence dependency_restart = { STOPPING, .result = "success", JOB("restart"),
        .dependency = "db.service", .dependency_kind = "PartOf" };
static const UnitEvidence dependency_shutdown = { STOPPING, .result = "success", JOB("stop"),
        .dependency = "db.service", .dependency_kind = "Requires", .is_shutting_down = true };
static const UnitEvidence oom_killed = { STOPPING, .result = "oom-kill" };
static const UnitEvidence oom_killed_stop = { STOPPING, .result = "oom-kill", JOB("stop") };
static const UnitEvidence oom_killed_running = {
        .has_unit = true, .sub_state = "running", .result = "oom-kill"
};
static const UnitEvidence watchdog = {
        .has_unit = true, .sub_state = "stop-watchdog", .result = "watchdog"
};
static const UnitEvidence watchdog_stop = {
        .has_unit = true, .sub_state = "stop-watchdog", .result = "watchdog", JOB("stop")
};
static const UnitEvidence abort_stop = {
        .has_unit = true, .sub_state = "stop-watchdog", .result = "timeout", JOB("stop")
};
static const UnitEvidence timed_out = { STOPPING, .result = "timeout" };
static const UnitEvidence running = { RUNNING };
static const UnitEvidence running_stop = { RUNNING, JOB("stop") };
static const UnitEvidence running_restart = { RUNNING, JOB("restart") };
static const UnitEvidence starting = {
        .has_unit = true, .sub_state = "start", .result = "success", JOB("start")
};
static const UnitEvidence reloading = {
        .has_unit = true, .sub_state = "reload-notify", .result = "success", JOB("reload")
};
static const UnitEvidence up_until_told = { .has_unit = true,
        .sub_state = "stop-sigterm",
        .result = "success",
        .left_at_usec = STOPPING_AT_USEC + 50 };
static const UnitEvidence up_until_told_stop = { .has_unit = true,
        .sub_state = "stop-sigterm",
        .result = "success",
        .left_at_usec = STOPPING_AT_USEC + 50,
        JOB("stop") };
static const UnitEvidence no_state = { .has_unit = true };

/* ---- Rows ------------------------------------------------------------------------------------ */

typedef struct Row {
        CauseFacts facts;
        Cause expected;
        const char *told; /* part of the sentence */
} Row;

#define MANAGER(evidence)                                                                  \
        .trigger = CAUSE_TRIGGER_SIGNAL, .sender = CAUSE_SENDER_MANAGER, .signo = SIGTERM, \
        .stopping_at_usec = STOPPING_AT_USEC, .unit = (evidence)
#define SENDER(who)  .trigger = CAUSE_TRIGGER_SIGNAL, .sender = (who), .signo = SIGTERM
#define EXITED(code) .trigger = CAUSE_TRIGGER_END, .has_ended = true, .status = (code)
#define DIED(signal) \
        .trigger = CAUSE_TRIGGER_END, .has_ended = true, .is_signalled = true, .status = (signal)
#define LOST .trigger = CAUSE_TRIGGER_LOST

static void check_rows(const Row rows[], size_t n) {
        for (size_t i = 0; i < n; i++) {
                CauseVerdict verdict = { .cause = _CAUSE_INVALID };

                cause_decide(&rows[i].facts, &verdict);
                if (verdict.cause != rows[i].expected || !strstr(verdict.detail, rows[i].told))
                        fail_msg("row %zu: %s, \"%s\"; expected %s, \"%s\"", i,
                                cause_to_string(verdict.cause), verdict.detail,
                                cause_to_string(rows[i].expected), rows[i].told);
        }
}

static void test_cause_ours_is_named(void **state) {
        static const Row rows[] = {
                { { .trigger = CAUSE_TRIGGER_WATCHDOG }, CAUSE_WATCHDOG, "heartbeat" },
                { { .trigger = CAUSE_TRIGGER_STEP }, CAUSE_STEP_TIMEOUT, "step" },
                { { .trigger = CAUSE_TRIGGER_GATEWAY }, CAUSE_SELF_STOP, "the gateway said" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_ours_no_marker_and_no_kill_stands_against_it(void **state) {
        static const Row rows[] = {
                { { .trigger = CAUSE_TRIGGER_WATCHDOG, .is_takeover = true, .n_oom_kills = 1 },
                        CAUSE_WATCHDOG, "heartbeat" },
                { { .trigger = CAUSE_TRIGGER_STEP, .is_planned_stop = true, .n_oomd_kills = 1 },
                        CAUSE_STEP_TIMEOUT, "step" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_job_is_the_cause(void **state) {
        static const Row rows[] = {
                { { MANAGER(&stop_job) }, CAUSE_STOP, "stops the unit (job 77)" },
                { { MANAGER(&stop_job), .has_requester = true }, CAUSE_STOP, "job 77" },
                { { MANAGER(&isolated) }, CAUSE_STOP, "\"rescue.target\" is started" },
                { { MANAGER(&restart_job) }, CAUSE_RESTART, "restarts the unit (job 77)" },
                { { MANAGER(&try_restart_job) }, CAUSE_RESTART, "restarts the unit (job 77)" },
                { { MANAGER(&abort_stop) }, CAUSE_STOP, "job 77" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_job_of_all_units_is_their_cause(void **state) {
        static const Row rows[] = {
                { { MANAGER(&shutdown_stop) }, CAUSE_HOST_SHUTDOWN, "system is shutting down" },
                { { MANAGER(&shutdown_untold) }, CAUSE_HOST_SHUTDOWN, "system is shutting down" },
                { { MANAGER(&shutdown_no_unit) }, CAUSE_HOST_SHUTDOWN, "system is shutting down" },
                { { MANAGER(&exit_stop) }, CAUSE_USER_EXIT, "manager is exiting" },
                { { MANAGER(&exit_and_shutdown) }, CAUSE_HOST_SHUTDOWN, "shutting down" },
                { { MANAGER(&dependency_shutdown) }, CAUSE_HOST_SHUTDOWN, "shutting down" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_job_of_another_unit_is_dependency(void **state) {
        static const Row rows[] = {
                { { MANAGER(&dependency_stop) }, CAUSE_DEPENDENCY,
                        "stops the unit because of \"db.service\", by BindsTo= (job 77)" },
                { { MANAGER(&dependency_restart) }, CAUSE_DEPENDENCY,
                        "restarts the unit because of \"db.service\", by PartOf= (job 77)" },
                { { MANAGER(&dependency_stop), .has_requester = true }, CAUSE_STOP, "job 77" },
                { { MANAGER(&dependency_restart), .has_requester = true }, CAUSE_RESTART,
                        "job 77" },
                { { MANAGER(&dependency_stop), .is_takeover = true }, CAUSE_DEPENDENCY,
                        "a takeover marker names it" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_result_is_the_cause(void **state) {
        static const Row rows[] = {
                { { MANAGER(&oom_killed) }, CAUSE_OOM, "want of memory" },
                { { MANAGER(&oom_killed_stop) }, CAUSE_OOM, "want of memory" },
                { { MANAGER(&watchdog) }, CAUSE_MANAGER_WATCHDOG, "watchdog" },
                { { MANAGER(&watchdog_stop) }, CAUSE_MANAGER_WATCHDOG, "watchdog" },
                { { MANAGER(&timed_out) }, CAUSE_RUNTIME_LIMIT, "RuntimeMaxSec=" },
                { { MANAGER(&start_job) }, CAUSE_START_TIMEOUT, "TimeoutStartSec=" },
                { { MANAGER(&timed_out), .is_takeover = true, .is_planned_stop = true },
                        CAUSE_RUNTIME_LIMIT, "RuntimeMaxSec=" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_unit_up_is_kill(void **state) {
        static const Row rows[] = {
                { { MANAGER(&running) }, CAUSE_MANAGER_KILL, "asked to send SIGTERM" },
                { { MANAGER(&starting) }, CAUSE_MANAGER_KILL, "of type \"start\" waits" },
                { { MANAGER(&reloading) }, CAUSE_MANAGER_KILL, "of type \"reload\" waits" },
                { { MANAGER(&up_until_told) }, CAUSE_MANAGER_KILL, "asked to send SIGTERM" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_contradiction_hardest_wins(void **state) {
        static const Row rows[] = {
                /* A job that waits has not sent the signal. */
                { { MANAGER(&running_stop) }, CAUSE_MANAGER_KILL, "of type \"stop\" waits" },
                { { MANAGER(&running_restart) }, CAUSE_MANAGER_KILL, "of type \"restart\" waits" },
                { { MANAGER(&shutdown_running) }, CAUSE_MANAGER_KILL, "of type \"stop\" waits" },
                { { MANAGER(&oom_killed_running) }, CAUSE_MANAGER_KILL, "result is \"oom-kill\"" },
                /* A shutdown stops units, by a job. */
                { { MANAGER(&shutdown_restart) }, CAUSE_RESTART, "job 77" },
                { { MANAGER(&shutdown_no_job) }, CAUSE_UNKNOWN, "without a job" },
                /* The job is what says so, whenever the state changed. */
                { { MANAGER(&up_until_told_stop) }, CAUSE_STOP, "job 77" },
                /* Systemd gave up a start. */
                { { MANAGER(&start_job_done) }, CAUSE_UNKNOWN,
                        "of type \"start\" (sub-state \"stop-sigterm\", result \"success\")" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_evidence_missing_is_unknown(void **state) {
        static const Row rows[] = {
                { { MANAGER(NULL) }, CAUSE_UNKNOWN, "did not say why in time" },
                { { MANAGER(&nothing_read) }, CAUSE_UNKNOWN, "did not say why in time" },
                { { MANAGER(&no_state) }, CAUSE_UNKNOWN, "without a job" },
                { { MANAGER(&no_job) }, CAUSE_UNKNOWN,
                        "without a job (sub-state \"stop-sigterm\", result \"success\")" },
                { { MANAGER(&failed_no_job) }, CAUSE_UNKNOWN, "result \"exit-code\"" },
                { { MANAGER(&untold_job) }, CAUSE_UNKNOWN, "job 77, whose type it did not tell" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_without_a_stopping_of_ours_is_not_a_kill(void **state) {
        CauseFacts facts = { MANAGER(&up_until_told) };
        CauseVerdict verdict;

        facts.stopping_at_usec = 0;
        cause_decide(&facts, &verdict);
        assert_int_equal(verdict.cause, CAUSE_UNKNOWN);
}

static void test_cause_sender_is_told_apart(void **state) {
        static const Row rows[] = {
                { { SENDER(CAUSE_SENDER_PROCESS) }, CAUSE_SIGNAL, "a process sent SIGTERM" },
                { { SENDER(CAUSE_SENDER_PROCESS), .is_sender_gateway = true }, CAUSE_SIGNAL,
                        "a process of the gateway itself sent SIGTERM" },
                { { SENDER(CAUSE_SENDER_PROCESS), .unit = &stop_job }, CAUSE_SIGNAL,
                        "systemd has a job of type \"stop\"" },
                { { SENDER(CAUSE_SENDER_PROCESS), .unit = &shutdown_stop }, CAUSE_SIGNAL,
                        "a process sent SIGTERM" },
                { { SENDER(CAUSE_SENDER_PROCESS), .unit = &oom_killed }, CAUSE_SIGNAL,
                        "a process sent SIGTERM" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE) }, CAUSE_SIGNAL, "pid namespace" },
                { { SENDER(CAUSE_SENDER_KERNEL) }, CAUSE_TERMINAL, "the kernel sent SIGTERM" },
                { { SENDER(CAUSE_SENDER_KERNEL), .unit = &stop_job }, CAUSE_TERMINAL, "kernel" },
                { { SENDER(CAUSE_SENDER_NONE) }, CAUSE_UNKNOWN, "SIGTERM came" },
                { { SENDER(CAUSE_SENDER_NONE), .unit = &stop_job }, CAUSE_UNKNOWN, "SIGTERM came" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_manager_outside_of_the_namespace_is_seen_by_what_it_does(void **state) {
        static const Row rows[] = {
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .unit = &stop_job }, CAUSE_STOP,
                        "job 77" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .unit = &restart_job }, CAUSE_RESTART,
                        "job 77" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .unit = &timed_out }, CAUSE_RUNTIME_LIMIT,
                        "RuntimeMaxSec=" },
                /* Our own STOPPING=1 looks like this. */
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .unit = &no_job }, CAUSE_SIGNAL,
                        "pid namespace" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .unit = &running }, CAUSE_SIGNAL,
                        "pid namespace" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .unit = &shutdown_no_unit }, CAUSE_SIGNAL,
                        "pid namespace" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_takeover_marker_tells_more_than_the_way(void **state) {
        static const Row rows[] = {
                { { SENDER(CAUSE_SENDER_PROCESS), .is_takeover = true }, CAUSE_TAKEOVER,
                        "came as SIGTERM" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .is_takeover = true }, CAUSE_TAKEOVER,
                        "came as SIGTERM" },
                { { MANAGER(&stop_job), .is_takeover = true }, CAUSE_TAKEOVER,
                        "systemd has a stop job" },
                { { MANAGER(&restart_job), .is_takeover = true }, CAUSE_TAKEOVER,
                        "systemd has a restart job" },
                { { MANAGER(&running), .is_takeover = true }, CAUSE_TAKEOVER, "came as SIGTERM" },
                { { MANAGER(NULL), .is_takeover = true }, CAUSE_TAKEOVER, "came as SIGTERM" },
                { { .trigger = CAUSE_TRIGGER_GATEWAY, .is_takeover = true }, CAUSE_TAKEOVER,
                        "takes over" },
                { { EXITED(0), .is_takeover = true }, CAUSE_TAKEOVER, "takes over" },
                { { DIED(SIGTERM), .is_takeover = true }, CAUSE_TAKEOVER, "takes over" },
                { { SENDER(CAUSE_SENDER_PROCESS), .is_takeover = true, .is_planned_stop = true },
                        CAUSE_TAKEOVER, "takes over" },
                { { MANAGER(&shutdown_stop), .is_takeover = true }, CAUSE_HOST_SHUTDOWN,
                        "a takeover marker names it" },
                { { SENDER(CAUSE_SENDER_KERNEL), .is_takeover = true }, CAUSE_TERMINAL,
                        "a takeover marker names it" },
                { { DIED(SIGSEGV), .is_takeover = true }, CAUSE_CRASH, "SIGSEGV" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_planned_stop_marker_is_softer_than_a_job(void **state) {
        static const Row rows[] = {
                { { SENDER(CAUSE_SENDER_PROCESS), .is_planned_stop = true }, CAUSE_PLANNED_STOP,
                        "announced" },
                { { SENDER(CAUSE_SENDER_OTHER_NAMESPACE), .is_planned_stop = true },
                        CAUSE_PLANNED_STOP, "announced" },
                { { MANAGER(&running), .is_planned_stop = true }, CAUSE_PLANNED_STOP, "announced" },
                { { MANAGER(NULL), .is_planned_stop = true }, CAUSE_PLANNED_STOP, "announced" },
                { { .trigger = CAUSE_TRIGGER_GATEWAY, .is_planned_stop = true }, CAUSE_PLANNED_STOP,
                        "announced" },
                { { EXITED(0), .is_planned_stop = true }, CAUSE_PLANNED_STOP, "announced" },
                { { MANAGER(&stop_job), .is_planned_stop = true }, CAUSE_STOP,
                        "a planned-stop marker names it" },
                { { MANAGER(&restart_job), .is_planned_stop = true }, CAUSE_RESTART,
                        "a planned-stop marker names it" },
                { { MANAGER(&exit_stop), .is_planned_stop = true }, CAUSE_USER_EXIT,
                        "a planned-stop marker names it" },
                { { DIED(SIGABRT), .is_planned_stop = true }, CAUSE_CRASH, "SIGABRT" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_end_by_itself_is_exit_or_crash(void **state) {
        static const Row rows[] = {
                { { EXITED(0) }, CAUSE_EXIT, "exited with code 0" },
                { { EXITED(3) }, CAUSE_EXIT, "exited with code 3" },
                { { DIED(SIGSEGV) }, CAUSE_CRASH, "died by SIGSEGV" },
                { { DIED(SIGKILL) }, CAUSE_CRASH, "died by SIGKILL" },
                { { .trigger = CAUSE_TRIGGER_END }, CAUSE_UNKNOWN, "how is not known" },
                /* Somebody else's kill proves nothing about main. */
                { { EXITED(1), .n_oom_kills = 2 }, CAUSE_EXIT, "want of memory: 2" },
                { { EXITED(1), .n_oomd_kills = 2 }, CAUSE_EXIT, "systemd-oomd killed: 2" },
                { { DIED(SIGSEGV), .n_oom_kills = 2 }, CAUSE_CRASH, "want of memory: 2" },
                { { DIED(SIGTERM), .n_oomd_kills = 2 }, CAUSE_CRASH, "systemd-oomd killed: 2" },
                { { .trigger = CAUSE_TRIGGER_END, .n_oom_kills = 1 }, CAUSE_UNKNOWN,
                        "want of memory: 1" },
                /* The record of another process that had this pid. */
                { { EXITED(1), .is_main_oom_killed = true }, CAUSE_EXIT, "code 1" },
                { { DIED(SIGSEGV), .is_main_oom_killed = true }, CAUSE_CRASH, "SIGSEGV" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_end_by_kill_is_for_want_of_memory_when_counted(void **state) {
        static const Row rows[] = {
                { { DIED(SIGKILL), .is_main_oom_killed = true }, CAUSE_OOM, "kernel's log" },
                { { .trigger = CAUSE_TRIGGER_END, .is_main_oom_killed = true }, CAUSE_OOM,
                        "kernel's log" },
                { { DIED(SIGKILL), .n_oom_kills = 1 }, CAUSE_OOM, "want of memory: 1" },
                { { DIED(SIGKILL), .n_oomd_kills = 4 }, CAUSE_OOMD, "systemd-oomd killed: 4" },
                { { DIED(SIGKILL), .n_oomd_kills = 4, .n_oom_kills = 1 }, CAUSE_OOMD,
                        "systemd-oomd killed: 4" },
                { { DIED(SIGKILL), .n_oomd_kills = 4, .is_main_oom_killed = true }, CAUSE_OOM,
                        "kernel's log" },
                { { DIED(SIGKILL), .n_oom_kills = 1, .is_takeover = true }, CAUSE_OOM,
                        "want of memory: 1" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_supervisor_lost_is_killed_unless_counted(void **state) {
        static const Row rows[] = {
                { { LOST }, CAUSE_SUPERVISOR_KILLED, "the supervisor was gone" },
                { { LOST, .service_result = "signal" }, CAUSE_SUPERVISOR_KILLED, "\"signal\"" },
                { { LOST, .service_result = "" }, CAUSE_SUPERVISOR_KILLED, "gone" },
                { { LOST, .service_result = "oom-kill" }, CAUSE_OOM, "\"oom-kill\"" },
                { { LOST, .n_oom_kills = 1 }, CAUSE_OOM, "want of memory: 1" },
                { { LOST, .n_oomd_kills = 3 }, CAUSE_OOMD, "systemd-oomd killed: 3" },
                { { LOST, .n_oomd_kills = 3, .service_result = "oom-kill" }, CAUSE_OOMD,
                        "systemd-oomd killed: 3" },
                { { LOST, .service_result = "watchdog" }, CAUSE_MANAGER_WATCHDOG, "\"watchdog\"" },
                { { LOST, .service_result = "watchdog", .n_oom_kills = 1 }, CAUSE_MANAGER_WATCHDOG,
                        "want of memory: 1" },
                { { LOST, .is_takeover = true }, CAUSE_SUPERVISOR_KILLED, "gone" },
        };

        check_rows(rows, ELEMENTSOF(rows));
}

static void test_cause_facts_all_empty_is_unknown(void **state) {
        CauseFacts facts = {};
        CauseVerdict verdict;

        cause_decide(&facts, &verdict);
        assert_int_equal(verdict.cause, CAUSE_UNKNOWN);
        assert_string_equal(verdict.detail, "UNKNOWN came; who sent it is not known");
}

/* ---- Every combination ----------------------------------------------------------------------- */

static void check_detail(const CauseVerdict *verdict) {
        size_t length = strnlen(verdict->detail, sizeof(verdict->detail));

        assert_in_range(length, 1, sizeof(verdict->detail) - 1);
        assert_int_not_equal(verdict->detail[length - 1], '.');
        for (size_t i = 0; i < length;) {
                size_t size = utf8_sequence_size(verdict->detail + i, length - i);

                assert_in_range(size, 1, 4);
                assert_in_range((unsigned char) verdict->detail[i], 0x20, 0xf4);
                i += size;
        }
}

static const UnitEvidence *const all_units[] = { NULL, &nothing_read, &stop_job, &restart_job,
        &start_job, &untold_job, &no_job, &isolated, &shutdown_stop, &exit_stop, &dependency_stop,
        &dependency_restart, &oom_killed, &watchdog, &timed_out, &running, &running_stop,
        &up_until_told };

/* Facts as the bits of a number say. */
static CauseFacts facts_make(CauseTrigger trigger, CauseSender sender, unsigned bits) {
        return (CauseFacts){
                .trigger = trigger,
                .sender = sender,
                .signo = SIGINT,
                .stopping_at_usec = STOPPING_AT_USEC,
                .is_takeover = bits & 1,
                .is_planned_stop = bits & 2,
                .has_ended = bits & 4,
                .is_signalled = bits & 8,
                .status = bits & 16 ? SIGKILL : SIGSEGV,
                .n_oom_kills = bits & 32 ? UINT64_MAX : 0,
                .n_oomd_kills = bits & 64 ? UINT64_MAX : 0,
                .is_main_oom_killed = bits & 128,
                .has_requester = bits & 256,
                .service_result = bits & 512 ? "oom-kill" : NULL,
        };
}

static void walk_units(CauseFacts *facts, unsigned counts[static _CAUSE_MAX]) {
        for (size_t i = 0; i < ELEMENTSOF(all_units); i++) {
                CauseVerdict verdict = { .cause = _CAUSE_INVALID };

                facts->unit = all_units[i];
                cause_decide(facts, &verdict);
                assert_in_range(verdict.cause, 0, _CAUSE_MAX - 1);
                check_detail(&verdict);
                counts[verdict.cause]++;
        }
}

static void test_cause_every_one_is_reached_and_told(void **state) {
        unsigned counts[_CAUSE_MAX] = {};

        for (CauseTrigger trigger = 0; trigger < _CAUSE_TRIGGER_MAX; trigger++)
                for (CauseSender sender = 0; sender < _CAUSE_SENDER_MAX; sender++)
                        for (unsigned bits = 0; bits < 1024; bits++) {
                                CauseFacts facts = facts_make(trigger, sender, bits);

                                walk_units(&facts, counts);
                        }
        for (Cause cause = 0; cause < _CAUSE_MAX; cause++)
                if (counts[cause] == 0)
                        fail_msg("%s is never the verdict", cause_to_string(cause));
}

/* ---- Names from outside ---------------------------------------------------------------------- */

static void name_fill(char name[static UNIT_NAME_MAX], const char *unit) {
        size_t size = strlen(unit), n = 0;

        for (; n + size < UNIT_NAME_MAX; n += size)
                memcpy(name + n, unit, size);
        name[n] = '\0';
}

static void test_cause_detail_longest_names_stay_one_line_of_utf8(void **state) {
        static const char *const fillers[] = { "x", "\303\244", "\342\202\254", "\360\237\230\200",
                "\n", "\377", "\302\205", "\033", "x." };

        for (size_t i = 0; i < ELEMENTSOF(fillers); i++) {
                UnitEvidence unit = dependency_stop;
                CauseFacts facts = { MANAGER(&unit), .is_takeover = true, .is_planned_stop = true };
                CauseVerdict verdict;

                name_fill(unit.dependency, fillers[i]);
                name_fill(unit.isolated, fillers[i]);
                memset(unit.dependency_kind, 'k', sizeof(unit.dependency_kind) - 1);
                cause_decide(&facts, &verdict);
                assert_int_equal(verdict.cause, CAUSE_DEPENDENCY);
                check_detail(&verdict);
        }
}

static void test_cause_detail_too_long_ends_in_an_ellipsis(void **state) {
        UnitEvidence unit = dependency_stop;
        CauseFacts facts = { MANAGER(&unit) };
        CauseVerdict verdict;
        size_t length;

        name_fill(unit.dependency, "x");
        name_fill(unit.isolated, "\342\202\254");
        cause_decide(&facts, &verdict);
        length = strlen(verdict.detail);
        assert_in_range(length, CAUSE_DETAIL_MAX - 4, CAUSE_DETAIL_MAX - 1);
        assert_string_equal(verdict.detail + length - strlen("…"), "…");
        check_detail(&verdict);
}

static void test_cause_detail_bytes_that_are_no_text_are_shown_as_such(void **state) {
        UnitEvidence unit = dependency_stop;
        CauseFacts facts = { MANAGER(&unit) };
        CauseVerdict verdict;

        strcpy(unit.dependency, "a\nb\033c\377d\302\205e\342\202\254");
        cause_decide(&facts, &verdict);
        assert_non_null(strstr(verdict.detail, "\"a?b?c?d?e\342\202\254\""));
}

static void test_cause_detail_longest_result_is_cut(void **state) {
        static char result[8192];
        CauseFacts facts = { LOST, .service_result = result };
        CauseVerdict verdict;

        memset(result, 'r', sizeof(result) - 1);
        cause_decide(&facts, &verdict);
        assert_int_equal(verdict.cause, CAUSE_SUPERVISOR_KILLED);
        assert_int_equal(strlen(verdict.detail), CAUSE_DETAIL_MAX - 1);
        check_detail(&verdict);
}

/* ---- Names of causes ------------------------------------------------------------------------- */

static void test_cause_every_name_comes_back(void **state) {
        static const char *const names[] = { "stop", "restart", "host-shutdown", "user-exit",
                "dependency", "runtime-limit", "start-timeout", "manager-watchdog", "manager-kill",
                "signal", "terminal", "takeover", "planned-stop", "oom", "oomd", "watchdog",
                "step-timeout", "self-stop", "exit", "crash", "supervisor-killed", "unknown" };

        assert_int_equal(ELEMENTSOF(names), _CAUSE_MAX);
        for (Cause cause = 0; cause < _CAUSE_MAX; cause++) {
                assert_string_equal(cause_to_string(cause), names[cause]);
                assert_int_equal(cause_from_string(names[cause]), cause);
        }
}

static void test_cause_no_name_is_invalid(void **state) {
        assert_int_equal(cause_from_string("Stop"), _CAUSE_INVALID);
        assert_int_equal(cause_from_string(""), _CAUSE_INVALID);
        assert_null(cause_to_string(_CAUSE_INVALID));
        assert_null(cause_to_string(_CAUSE_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cause_ours_is_named),
                cmocka_unit_test(test_cause_ours_no_marker_and_no_kill_stands_against_it),
                cmocka_unit_test(test_cause_manager_job_is_the_cause),
                cmocka_unit_test(test_cause_manager_job_of_all_units_is_their_cause),
                cmocka_unit_test(test_cause_manager_job_of_another_unit_is_dependency),
                cmocka_unit_test(test_cause_manager_result_is_the_cause),
                cmocka_unit_test(test_cause_manager_unit_up_is_kill),
                cmocka_unit_test(test_cause_manager_contradiction_hardest_wins),
                cmocka_unit_test(test_cause_manager_evidence_missing_is_unknown),
                cmocka_unit_test(test_cause_manager_without_a_stopping_of_ours_is_not_a_kill),
                cmocka_unit_test(test_cause_sender_is_told_apart),
                cmocka_unit_test(
                        test_cause_manager_outside_of_the_namespace_is_seen_by_what_it_does),
                cmocka_unit_test(test_cause_takeover_marker_tells_more_than_the_way),
                cmocka_unit_test(test_cause_planned_stop_marker_is_softer_than_a_job),
                cmocka_unit_test(test_cause_end_by_itself_is_exit_or_crash),
                cmocka_unit_test(test_cause_end_by_kill_is_for_want_of_memory_when_counted),
                cmocka_unit_test(test_cause_supervisor_lost_is_killed_unless_counted),
                cmocka_unit_test(test_cause_facts_all_empty_is_unknown),
                cmocka_unit_test(test_cause_every_one_is_reached_and_told),
                cmocka_unit_test(test_cause_detail_longest_names_stay_one_line_of_utf8),
                cmocka_unit_test(test_cause_detail_too_long_ends_in_an_ellipsis),
                cmocka_unit_test(test_cause_detail_bytes_that_are_no_text_are_shown_as_such),
                cmocka_unit_test(test_cause_detail_longest_result_is_cut),
                cmocka_unit_test(test_cause_every_name_comes_back),
                cmocka_unit_test(test_cause_no_name_is_invalid),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
