/* SPDX-License-Identifier: MIT */

/* How systemd ends a unit: of each rule when it trips and what it says then, and everything
 * that keeps it quiet. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule-fixture.h"

#define UNSUPERVISED ROW_UNSUPERVISED
#define GIVEN        (ROW_UNSUPERVISED | ROW_DRAIN_GIVEN)
#define RUN_UNKNOWN  ROW_RUN_UNKNOWN

/* clang-format off */
#define MODE(value) { { VIEW_KILL_MODE, value, 0 } }
#define MIXED " KillMode: KillMode=mixed"

static const RuleRow mode_rows[] = {
        { "mixed", 0, MODE("mixed") },
        { "none", 0, MODE("none"), NULL, NULL, "error" MIXED, "signals nobody" },
        { "process", 0, MODE("process"), NULL, NULL, "error" MIXED, "survives the stop" },
        { "control-group", 0, MODE("control-group"), NULL, NULL, "warning" MIXED,
                "past gatewatch" },
        { "systemd's default", 0, { { VIEW_KILL_MODE, "control-group", VIEW_ORIGIN_DEFAULT } },
                NULL, NULL, "warning" MIXED },
        { "not known", 0, MODE(NOT_KNOWN) },
        { "settings not known, none", RUN_UNKNOWN, MODE("none"), NULL, NULL, "error" MIXED },
        { "settings not known, control-group", RUN_UNKNOWN, MODE("control-group"), NULL, NULL,
                "warning" MIXED },
        { "drain given, none", GIVEN, MODE("none"), NULL, NULL, "error" MIXED },
        { "drain given, process", GIVEN, MODE("process"), NULL, NULL, "error" MIXED },
        { "drain given, control-group", GIVEN, MODE("control-group") },
        { "drain given, mixed", GIVEN, MODE("mixed") },
        { "any unit, none", UNSUPERVISED, MODE("none"), NULL, NULL,
                "warning KillMode: KillMode=control-group" },
        { "any unit, process", UNSUPERVISED, MODE("process") },
        { "any unit, control-group", UNSUPERVISED, MODE("control-group") },
        { "any unit, not known", UNSUPERVISED, MODE(NOT_KNOWN) },
        { "refused by systemd, none", ROW_NOT_LOADED, MODE("none") },
        { "refused by systemd, process", ROW_NOT_LOADED, MODE("process") },
        { "refused by systemd, control-group", ROW_NOT_LOADED, MODE("control-group") },
        { "refused by systemd, any unit", ROW_NOT_LOADED | UNSUPERVISED, MODE("none") },
};

#define EXIT(value) { { VIEW_EXIT_TYPE, value, 0 } }
#define EXIT_MAIN "warning ExitType: ExitType=main"

static const RuleRow exit_rows[] = {
        { "main", 0, EXIT("main") },
        { "cgroup", 0, EXIT("cgroup"), NULL, NULL, EXIT_MAIN, "not noticed" },
        { "not known", 0, EXIT(NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, EXIT("cgroup"), NULL, NULL, EXIT_MAIN },
        { "not supervised", UNSUPERVISED, EXIT("cgroup") },
        { "not supervised, drain given", GIVEN, EXIT("cgroup") },
        { "refused by systemd", ROW_NOT_LOADED, EXIT("cgroup") },
};

#define SIGNAL(value) { { VIEW_KILL_SIGNAL, value, 0 } }
#define TERM " KillSignal: KillSignal=SIGTERM"

static const RuleRow signal_rows[] = {
        { "TERM", 0, SIGNAL("SIGTERM") },
        { "INT", 0, SIGNAL("SIGINT") },
        { "QUIT", 0, SIGNAL("SIGQUIT") },
        { "KILL", 0, SIGNAL("SIGKILL"), NULL, NULL, "error" TERM,
                "at a stop systemd sends SIGKILL" },
        { "STOP", 0, SIGNAL("SIGSTOP"), NULL, NULL, "error" TERM,
                "at a stop systemd sends SIGSTOP" },
        { "HUP", 0, SIGNAL("SIGHUP"), NULL, NULL, "warning" TERM, "that SIGHUP means a stop" },
        { "USR1", 0, SIGNAL("SIGUSR1"), NULL, NULL, "warning" TERM, "over D-Bus" },
        { "a real-time signal", 0, SIGNAL("SIGRTMIN+4"), NULL, NULL, "warning" TERM,
                "that SIGRTMIN+4 means" },
        { "not known", 0, SIGNAL(NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, SIGNAL("SIGUSR1"), NULL, NULL, "warning" TERM },
        { "drain given, KILL", GIVEN, SIGNAL("SIGKILL"), NULL, NULL, "error" TERM,
                "nothing is drained" },
        { "drain given, USR1", GIVEN, SIGNAL("SIGUSR1") },
        { "drain given, not known", GIVEN, SIGNAL(NOT_KNOWN) },
        { "not supervised", UNSUPERVISED, SIGNAL("SIGKILL") },
        { "refused by systemd", ROW_NOT_LOADED, SIGNAL("SIGKILL") },
};

#define SIGNALS(stop, restart) \
        { { VIEW_KILL_SIGNAL, stop, 0 }, { VIEW_RESTART_KILL_SIGNAL, restart, 0 } }
#define RESTART(value) SIGNALS("SIGTERM", value)
#define RESTART_TERM " RestartKillSignal: RestartKillSignal=SIGTERM"

static const RuleRow restart_rows[] = {
        { "not set", 0, {} },
        { "not set, another KillSignal=", 0, SIGNAL("SIGUSR1") },
        { "the same", 0, SIGNALS("SIGUSR1", "SIGUSR1") },
        { "INT", 0, RESTART("SIGINT") },
        { "TERM, another KillSignal=", 0, SIGNALS("SIGUSR1", "SIGTERM") },
        { "USR2", 0, RESTART("SIGUSR2"), NULL, NULL, "warning" RESTART_TERM,
                "that SIGUSR2 means a restart" },
        { "KILL", 0, RESTART("SIGKILL"), NULL, NULL, "error" RESTART_TERM,
                "at a restart systemd sends SIGKILL" },
        { "STOP", 0, RESTART("SIGSTOP"), NULL, NULL, "error" RESTART_TERM },
        { "of another machine", ROW_ORIGINS_UNKNOWN, RESTART("SIGUSR2"), NULL, NULL,
                "warning" RESTART_TERM },
        { "not known", 0, RESTART(NOT_KNOWN) },
        { "KillSignal= is not known", 0, SIGNALS(NOT_KNOWN, "SIGUSR2") },
        { "settings not known", RUN_UNKNOWN, RESTART("SIGUSR2"), NULL, NULL,
                "warning" RESTART_TERM },
        { "not supervised", UNSUPERVISED, RESTART("SIGKILL") },
        { "not supervised, drain given", GIVEN, RESTART("SIGKILL") },
        { "refused by systemd", ROW_NOT_LOADED, RESTART("SIGKILL") },
};

#define FINAL(value) { { VIEW_FINAL_KILL_SIGNAL, value, 0 } }
#define FINAL_KILL "warning FinalKillSignal: FinalKillSignal=SIGKILL"

static const RuleRow final_rows[] = {
        { "KILL", 0, FINAL("SIGKILL") },
        { "not set", 0, {} },
        { "ABRT", 0, FINAL("SIGABRT"), NULL, NULL, FINAL_KILL, "gets SIGABRT in place of SIGKILL" },
        { "not known", 0, FINAL(NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, FINAL("SIGABRT"), NULL, NULL, FINAL_KILL },
        { "not supervised", UNSUPERVISED, FINAL("SIGABRT") },
        { "not supervised, drain given", GIVEN, FINAL("SIGABRT"), NULL, NULL, FINAL_KILL },
        { "refused by systemd", ROW_NOT_LOADED, FINAL("SIGABRT") },
};

#define SIGKILL_(value) { { VIEW_SEND_SIGKILL, value, 0 } }
#define SEND "warning SendSIGKILL: SendSIGKILL=yes"

static const RuleRow sigkill_rows[] = {
        { "yes", 0, SIGKILL_("yes") },
        { "not set", 0, {} },
        { "no", 0, SIGKILL_("no"), NULL, NULL, SEND, "never killed" },
        { "not known", 0, SIGKILL_(NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, SIGKILL_("no"), NULL, NULL, SEND },
        { "not supervised", UNSUPERVISED, SIGKILL_("no") },
        { "not supervised, drain given", GIVEN, SIGKILL_("no"), NULL, NULL, SEND },
        { "refused by systemd", ROW_NOT_LOADED, SIGKILL_("no") },
};

#define SIGHUP_(value) { { VIEW_SEND_SIGHUP, value, 0 } }
#define NO_HUP "hint SendSIGHUP: SendSIGHUP=no"

static const RuleRow sighup_rows[] = {
        { "no", 0, SIGHUP_("no") },
        { "not set", 0, {} },
        { "yes", 0, SIGHUP_("yes"), NULL, NULL, NO_HUP, "reload" },
        { "not known", 0, SIGHUP_(NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, SIGHUP_("yes"), NULL, NULL, NO_HUP },
        { "not supervised", UNSUPERVISED, SIGHUP_("yes") },
        { "not supervised, drain given", GIVEN, SIGHUP_("yes") },
        { "refused by systemd", ROW_NOT_LOADED, SIGHUP_("yes") },
};

#define STOP(value) { { VIEW_EXEC_STOP, value, 0 } }
#define STOPS(first, second) { { VIEW_EXEC_STOP, first, 0 }, { VIEW_EXEC_STOP, second, 0 } }
#define NO_STOP "warning ExecStop: ExecStop="

static const RuleRow exec_stop_rows[] = {
        { "none", 0, {} },
        { "kill", 0, STOP("/bin/kill -TERM $MAINPID"), NULL, NULL, NO_STOP, "a stranger's signal" },
        { "kill, braces", 0, STOP("/usr/bin/kill -s QUIT ${MAINPID}"), NULL, NULL, NO_STOP },
        { "kill, prefixes", 0, STOP("-+/bin/kill $MAINPID"), NULL, NULL, NO_STOP },
        { "kill under another name", 0, STOP("@/bin/kill stop $MAINPID"), NULL, NULL, NO_STOP },
        { "kill by a relative name", 0, STOP("kill $MAINPID"), NULL, NULL, NO_STOP },
        { "start-stop-daemon", 0, STOP("/sbin/start-stop-daemon --stop --pid $MAINPID"), NULL,
                NULL, NO_STOP },
        { "pkill of the group", 0, STOP("/usr/bin/pkill -TERM -g $MAINPID"), NULL, NULL, NO_STOP },
        { "env", 0, STOP("/usr/bin/env kill $MAINPID"), NULL, NULL, NO_STOP },
        { "a shell", 0, STOP("/bin/sh -c 'kill -INT $MAINPID'"), NULL, NULL, NO_STOP },
        { "a shell, quoted in there", 0, STOP("/bin/bash -c 'exec /bin/kill \"$MAINPID\"'"), NULL,
                NULL, NO_STOP },
        { "a shell, the variable is its own", 0, STOP("/bin/sh -c 'kill $$MAINPID'"), NULL, NULL,
                NO_STOP },
        { "a shell that kills, then waits", 0,
                STOP("/bin/sh -c 'kill $MAINPID; while kill -0 $MAINPID; do sleep 1; done'"), NULL,
                NULL, NO_STOP },
        { "a shell that asks, then kills", 0,
                STOP("/bin/sh -c 'kill -0 $MAINPID && kill -TERM $MAINPID || true'"), NULL, NULL,
                NO_STOP },
        { "the second command", 0, STOPS("/usr/bin/gatectl drain", "/bin/kill $MAINPID"), NULL,
                NULL, "warning ExecStop" },
        { "twice", 0, STOPS("/bin/kill -INT $MAINPID", "/bin/kill $MAINPID"), NULL, NULL,
                "warning ExecStop" },

        { "it is asked whether it is there", 0,
                STOP("/bin/kill -0 $MAINPID") },
        { "asked by -s", 0, STOP("/bin/kill -s 0 $MAINPID") },
        { "asked by --signal", 0, STOP("/bin/kill --signal 0 $MAINPID") },
        { "a shell waits", 0, STOP("/bin/sh -c 'while kill -0 $MAINPID; do sleep 1; done'") },
        { "its children", 0, STOP("/usr/bin/pkill -P $MAINPID") },
        { "somebody else", 0, STOP("/bin/kill $HELPERPID") },
        { "a shell, somebody else", 0,
                STOP("/bin/sh -c 'echo $MAINPID; kill $(cat /run/helper.pid)'") },
        { "a shell that tells", 0, STOP("/bin/sh -c 'echo stop > /run/gate/$MAINPID'") },
        { "a program of the gateway", 0, STOP("/usr/bin/gatectl kill $MAINPID") },
        { "reset", 0, STOPS("/bin/kill $MAINPID", "") },
        { "not known", 0, STOPS("/bin/kill $MAINPID", NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, STOP("/bin/kill $MAINPID"), NULL, NULL, NO_STOP },
        { "not supervised", UNSUPERVISED, STOP("/bin/kill $MAINPID") },
        { "not supervised, drain given", GIVEN, STOP("/bin/kill $MAINPID") },
        { "refused by systemd", ROW_NOT_LOADED, STOP("/bin/kill $MAINPID") },
};

#define OOM(value) { { VIEW_OOM_POLICY, value, 0 } }
#define CONTINUE "warning OOMPolicy: OOMPolicy=continue"

static const RuleRow oom_rows[] = {
        { "continue", 0, OOM("continue") },
        { "stop", 0, OOM("stop"), NULL, NULL, CONTINUE, "OOMPolicy=stop" },
        { "kill", 0, OOM("kill"), NULL, NULL, CONTINUE, "OOMPolicy=kill" },
        { "systemd's default", 0,
                { { VIEW_OOM_POLICY, "stop", VIEW_ORIGIN_MANAGER }, { VIEW_DELEGATE, "no", 0 } },
                NULL, NULL, CONTINUE },
        { "systemd's default with delegation", 0,
                { { VIEW_OOM_POLICY, "stop", VIEW_ORIGIN_MANAGER } } },
        { "not known", 0, OOM(NOT_KNOWN) },
        { "settings not known", RUN_UNKNOWN, OOM("stop"), NULL, NULL, CONTINUE },
        { "not supervised", UNSUPERVISED, OOM("stop") },
        { "not supervised, drain given", GIVEN, OOM("stop"), NULL, NULL, CONTINUE },
        { "refused by systemd", ROW_NOT_LOADED, OOM("stop") },
};
/* clang-format on */

static void test_rule_kill_mode_other_than_mixed_trips(void **state) {
        assert_rule_rows(state, rule_kill_mode, mode_rows);
}

static void test_rule_exit_type_cgroup_trips(void **state) {
        assert_rule_rows(state, rule_exit_type, exit_rows);
}

static void test_rule_kill_signal_that_begins_no_stop_trips(void **state) {
        assert_rule_rows(state, rule_kill_signal, signal_rows);
}

static void test_rule_restart_kill_signal_that_begins_no_stop_trips(void **state) {
        assert_rule_rows(state, rule_restart_kill_signal, restart_rows);
}

static void test_rule_final_kill_signal_other_than_kill_trips(void **state) {
        assert_rule_rows(state, rule_final_kill_signal, final_rows);
}

static void test_rule_send_sigkill_off_trips(void **state) {
        assert_rule_rows(state, rule_send_sigkill, sigkill_rows);
}

static void test_rule_send_sighup_on_trips(void **state) {
        assert_rule_rows(state, rule_send_sighup, sighup_rows);
}

static void test_rule_exec_stop_that_signals_main_trips(void **state) {
        assert_rule_rows(state, rule_exec_stop_signals_main, exec_stop_rows);
}

static void test_rule_oom_policy_that_ends_the_drain_trips(void **state) {
        assert_rule_rows(state, rule_oom_policy, oom_rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                rule_test(test_rule_kill_mode_other_than_mixed_trips),
                rule_test(test_rule_exit_type_cgroup_trips),
                rule_test(test_rule_kill_signal_that_begins_no_stop_trips),
                rule_test(test_rule_restart_kill_signal_that_begins_no_stop_trips),
                rule_test(test_rule_final_kill_signal_other_than_kill_trips),
                rule_test(test_rule_send_sigkill_off_trips),
                rule_test(test_rule_send_sighup_on_trips),
                rule_test(test_rule_exec_stop_that_signals_main_trips),
                rule_test(test_rule_oom_policy_that_ends_the_drain_trips),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
