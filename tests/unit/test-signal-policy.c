/* SPDX-License-Identifier: MIT */

/* One row a situation. What is not written in a row is false, 0, SI_USER. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stop/signal-policy.h"

typedef struct Row {
        const char *what;
        SignalFacts facts;
        SignalDecision expected;
} Row;

static const Row rows[] = {
        /* Stop signals */
        { "TERM of a process", { .signo = SIGTERM }, { .verdict = SIGNAL_BEGIN_STOP } },
        { "QUIT of a process", { .signo = SIGQUIT }, { .verdict = SIGNAL_BEGIN_STOP } },
        { "INT goes on as INT", { .signo = SIGINT },
                { .verdict = SIGNAL_BEGIN_STOP, .stop_signo = SIGINT } },
        { "INT of the terminal, same group",
                { .signo = SIGINT, .code = SI_KERNEL, .shares_terminal_group = true },
                { .verdict = SIGNAL_BEGIN_STOP, .is_main_signalled = true, .stop_signo = SIGINT } },
        { "INT of the terminal, gateway in a group of its own",
                { .signo = SIGINT, .code = SI_KERNEL },
                { .verdict = SIGNAL_BEGIN_STOP, .stop_signo = SIGINT } },
        { "TERM while stopping", { .signo = SIGTERM, .is_stopping = true },
                { .verdict = SIGNAL_REPEAT_STOP } },
        { "TERM of the manager, unit unknown", { .signo = SIGTERM, .is_from_manager = true },
                { .verdict = SIGNAL_BEGIN_STOP } },
        { "TERM of the manager, mixed",
                { .signo = SIGTERM,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED },
                { .verdict = SIGNAL_BEGIN_STOP } },
        { "TERM of the manager, process",
                { .signo = SIGTERM,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_PROCESS },
                { .verdict = SIGNAL_BEGIN_STOP } },
        { "TERM of the manager, control-group",
                { .signo = SIGTERM,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_CONTROL_GROUP },
                { .verdict = SIGNAL_BEGIN_STOP, .is_main_signalled = true } },
        { "TERM of a process, control-group",
                { .signo = SIGTERM, .has_properties = true, .kill_mode = KILL_MODE_CONTROL_GROUP },
                { .verdict = SIGNAL_BEGIN_STOP } },
        { "KillSignal=SIGUSR1",
                { .signo = SIGUSR1,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .kill_signal = SIGUSR1,
                        .restart_kill_signal = SIGUSR1 },
                { .verdict = SIGNAL_BEGIN_STOP } },
        { "RestartKillSignal=SIGUSR2",
                { .signo = SIGUSR2,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .kill_signal = SIGTERM,
                        .restart_kill_signal = SIGUSR2 },
                { .verdict = SIGNAL_BEGIN_STOP } },
        { "ABRT of the manager: its watchdog",
                { .signo = SIGABRT,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .watchdog_signal = SIGABRT },
                { .verdict = SIGNAL_BEGIN_STOP, .stop_signo = SIGABRT } },
        { "ABRT of the manager, control-group",
                { .signo = SIGABRT,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_CONTROL_GROUP,
                        .watchdog_signal = SIGABRT },
                { .verdict = SIGNAL_BEGIN_STOP,
                        .is_main_signalled = true,
                        .stop_signo = SIGABRT } },
        { "ABRT of the manager while stopping: TimeoutStopFailureMode=abort",
                { .signo = SIGABRT,
                        .is_from_manager = true,
                        .is_stopping = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .watchdog_signal = SIGABRT },
                { .verdict = SIGNAL_FORWARD } },
        { "ABRT of the manager, WatchdogSignal= another",
                { .signo = SIGABRT,
                        .is_from_manager = true,
                        .has_properties = true,
                        .watchdog_signal = SIGQUIT },
                { .verdict = SIGNAL_FORWARD } },
        { "ABRT of a process",
                { .signo = SIGABRT, .has_properties = true, .watchdog_signal = SIGABRT },
                { .verdict = SIGNAL_FORWARD } },
        { "USR2 with RestartKillSignal= not read",
                { .signo = SIGUSR2, .restart_kill_signal = SIGUSR2 },
                { .verdict = SIGNAL_FORWARD } },

        /* What follows a stop from systemd */
        { "CONT of the manager behind its TERM",
                { .signo = SIGCONT, .is_from_manager = true, .is_stopping = true },
                { .verdict = SIGNAL_SWALLOW } },
        { "CONT of the manager before its stop signal was read",
                { .signo = SIGCONT, .is_from_manager = true, .is_stop_pending = true },
                { .verdict = SIGNAL_SWALLOW } },
        { "CONT of the manager without a stop", { .signo = SIGCONT, .is_from_manager = true },
                { .verdict = SIGNAL_FORWARD } },
        { "CONT of a process while stopping", { .signo = SIGCONT, .is_stopping = true },
                { .verdict = SIGNAL_FORWARD } },
        { "HUP of SendSIGHUP= behind the TERM",
                { .signo = SIGHUP,
                        .is_from_manager = true,
                        .is_stopping = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .send_sighup = true },
                { .verdict = SIGNAL_FORWARD } },
        { "HUP of SendSIGHUP= read before the TERM",
                { .signo = SIGHUP,
                        .is_from_manager = true,
                        .is_stop_pending = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .send_sighup = true },
                { .verdict = SIGNAL_DEFER } },
        { "HUP of SendSIGHUP=, control-group",
                { .signo = SIGHUP,
                        .is_from_manager = true,
                        .is_stop_pending = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_CONTROL_GROUP,
                        .send_sighup = true },
                { .verdict = SIGNAL_SWALLOW } },
        { "HUP of the manager as a reload",
                { .signo = SIGHUP,
                        .is_from_manager = true,
                        .has_properties = true,
                        .kill_mode = KILL_MODE_MIXED,
                        .send_sighup = true },
                { .verdict = SIGNAL_FORWARD } },

        /* The terminal */
        { "WINCH of the terminal",
                { .signo = SIGWINCH, .code = SI_KERNEL, .shares_terminal_group = true },
                { .verdict = SIGNAL_SWALLOW } },
        { "WINCH of the terminal, other group", { .signo = SIGWINCH, .code = SI_KERNEL },
                { .verdict = SIGNAL_FORWARD } },
        { "HUP of the terminal",
                { .signo = SIGHUP, .code = SI_KERNEL, .shares_terminal_group = true },
                { .verdict = SIGNAL_SWALLOW } },
        { "TSTP of the terminal",
                { .signo = SIGTSTP, .code = SI_KERNEL, .shares_terminal_group = true },
                { .verdict = SIGNAL_SUSPEND } },
        { "TTOU of the terminal",
                { .signo = SIGTTOU, .code = SI_KERNEL, .shares_terminal_group = true },
                { .verdict = SIGNAL_SUSPEND } },
        { "TSTP of a process", { .signo = SIGTSTP }, { .verdict = SIGNAL_FORWARD } },

        /* Everything else */
        { "HUP", { .signo = SIGHUP }, { .verdict = SIGNAL_FORWARD } },
        { "USR1", { .signo = SIGUSR1 }, { .verdict = SIGNAL_FORWARD } },
        { "a queued signal", { .signo = SIGUSR2, .code = SI_QUEUE },
                { .verdict = SIGNAL_FORWARD } },
        { "the first real-time signal", { .signo = 34 }, { .verdict = SIGNAL_FORWARD } },
        { "the last real-time signal", { .signo = 64 }, { .verdict = SIGNAL_FORWARD } },
        { "PIPE of a process", { .signo = SIGPIPE }, { .verdict = SIGNAL_FORWARD } },
        { "PIPE of our own write", { .signo = SIGPIPE, .is_from_self = true },
                { .verdict = SIGNAL_SWALLOW } },
        { "CHLD of a process", { .signo = SIGCHLD }, { .verdict = SIGNAL_SWALLOW } },
};

static void test_signal_decide_each_situation_as_tabled(void **state) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                SignalDecision decision = signal_decide(&rows[i].facts);

                if (decision.verdict != rows[i].expected.verdict ||
                        decision.is_main_signalled != rows[i].expected.is_main_signalled ||
                        decision.stop_signo != rows[i].expected.stop_signo)
                        fail_msg("%s: %s, main signalled %d, signal %d", rows[i].what,
                                signal_verdict_to_string(decision.verdict),
                                decision.is_main_signalled, decision.stop_signo);
        }
}

/* Whatever comes in while stopping, no second stop begins. */
static void test_signal_decide_while_stopping_never_begins_a_stop(void **state) {
        for (int signo = 1; signo <= 64; signo++)
                for (unsigned bits = 0; bits < 32; bits++) {
                        SignalFacts facts = {
                                .signo = signo,
                                .code = bits & 1 ? SI_KERNEL : SI_USER,
                                .is_stopping = true,
                                .is_from_manager = bits & 2,
                                .shares_terminal_group = bits & 4,
                                .has_properties = bits & 8,
                                .kill_signal = SIGUSR1,
                                .restart_kill_signal = SIGUSR2,
                                .send_sighup = bits & 16,
                        };
                        SignalVerdict verdict = signal_decide(&facts).verdict;

                        assert_int_not_equal(verdict, SIGNAL_BEGIN_STOP);
                        assert_int_not_equal(verdict, SIGNAL_DEFER);
                        assert_int_equal(
                                verdict == SIGNAL_REPEAT_STOP, signal_is_stop(&facts, signo));
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signal_decide_each_situation_as_tabled),
                cmocka_unit_test(test_signal_decide_while_stopping_never_begins_a_stop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
