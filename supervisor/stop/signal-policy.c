/* SPDX-License-Identifier: MIT */

/* Signals reach the supervisor from four kinds of senders, and only for one of them "pass it on" is
 * right without a second look:
 *
 *  - a process that means the gateway (kill(1), ExecReload=): pass it on;
 *  - systemd stopping the unit: TERM, then CONT, then perhaps HUP (SendSIGHUP=), under
 *    KillMode=control-group to the gateway as well as to us;
 *  - the terminal, which signals its whole foreground process group, the gateway included;
 *  - ourselves, by writing into a closed pipe.
 *
 * The kernel hands out pending standard signals lowest number first, so systemd's HUP (1) can come
 * before the TERM (15) that was sent before it.
 *
 * What is not told apart here: `systemctl stop` from `systemctl kill`. Both look like SI_USER from
 * the manager, and waiting for D-Bus to know would hold the signal up. */

#include <signal.h>

#include "signal-policy.h"

static const char *const signal_verdict_table[_SIGNAL_VERDICT_MAX] = {
        [SIGNAL_FORWARD] = "forward",
        [SIGNAL_BEGIN_STOP] = "begin-stop",
        [SIGNAL_REPEAT_STOP] = "repeat-stop",
        [SIGNAL_DEFER] = "defer",
        [SIGNAL_SUSPEND] = "suspend",
        [SIGNAL_SWALLOW] = "swallow",
};

const char *signal_verdict_to_string(SignalVerdict verdict) {
        assert(verdict >= 0 && verdict < _SIGNAL_VERDICT_MAX);
        return signal_verdict_table[verdict];
}

bool signal_is_stop(const SignalFacts *facts, int signo) {
        if (signo == SIGTERM || signo == SIGINT || signo == SIGQUIT)
                return true;
        return facts->has_properties &&
                (signo == facts->kill_signal || signo == facts->restart_kill_signal);
}

/* Whether main got the very same signal from its sender, without our help. */
static bool signal_reached_main(const SignalFacts *facts) {
        if (facts->code == SI_KERNEL)
                return facts->shares_terminal_group;
        return facts->is_from_manager && facts->has_properties &&
                facts->kill_mode == KILL_MODE_CONTROL_GROUP;
}

/* systemd misses the supervisor's heartbeat: it stops the unit by this signal, for a core dump of what
 * hangs, which is main's to give. (While stopping, TimeoutStopFailureMode=abort asks for one likewise:
 * that is passed on.) */
static bool signal_is_watchdog(const SignalFacts *facts) {
        return facts->is_from_manager && facts->has_properties && !facts->is_stopping &&
                facts->signo == facts->watchdog_signal;
}

static SignalDecision signal_decide_stop(const SignalFacts *facts) {
        if (facts->is_stopping)
                return (SignalDecision){ .verdict = SIGNAL_REPEAT_STOP };
        return (SignalDecision){
                .verdict = SIGNAL_BEGIN_STOP,
                .is_main_signalled = signal_reached_main(facts),
                .stop_signo =
                        facts->signo == SIGINT || signal_is_watchdog(facts) ? facts->signo : 0,
        };
}

/* systemd sends CONT after every kill, and with SendSIGHUP=yes a HUP. They belong to the stop: the
 * CONT was sent on together with the stop signal; the HUP is what the unit asks for, once, and is no
 * request to reload. */
static SignalVerdict signal_decide_companion(const SignalFacts *facts) {
        if (facts->signo == SIGCONT || signal_reached_main(facts))
                return SIGNAL_SWALLOW;
        return facts->is_stopping ? SIGNAL_FORWARD : SIGNAL_DEFER;
}

static SignalVerdict signal_decide_terminal(const SignalFacts *facts) {
        switch (facts->signo) {
        case SIGTSTP:
        case SIGTTIN:
        case SIGTTOU:
                return SIGNAL_SUSPEND;
        default:
                return SIGNAL_SWALLOW;
        }
}

SignalDecision signal_decide(const SignalFacts *facts) {
        bool is_part_of_stop = facts->is_stopping || facts->is_stop_pending;

        if (signal_is_stop(facts, facts->signo) || signal_is_watchdog(facts))
                return signal_decide_stop(facts);
        if (facts->is_from_self || facts->signo == SIGCHLD)
                return (SignalDecision){ .verdict = SIGNAL_SWALLOW };
        if (facts->is_from_manager && is_part_of_stop &&
                (facts->signo == SIGCONT || (facts->signo == SIGHUP && facts->send_sighup)))
                return (SignalDecision){ .verdict = signal_decide_companion(facts) };
        if (facts->code == SI_KERNEL && facts->shares_terminal_group)
                return (SignalDecision){ .verdict = signal_decide_terminal(facts) };
        return (SignalDecision){ .verdict = SIGNAL_FORWARD };
}
