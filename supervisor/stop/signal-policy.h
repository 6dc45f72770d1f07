/* SPDX-License-Identifier: MIT */
#pragma once

/* What a signal that reached the supervisor means for the gateway. Pure: siginfo and what is known of
 * the unit go in, one decision comes out. */

#include <stdbool.h>
#include <sys/types.h>

#include "unit-properties.h"

typedef enum SignalVerdict {
        SIGNAL_FORWARD,     /* pass it on to main */
        SIGNAL_BEGIN_STOP,  /* the stop ladder begins */
        SIGNAL_REPEAT_STOP, /* a stop signal while stopping: recorded, never passed on */
        SIGNAL_DEFER, /* systemd's SIGHUP that came out of the queue before its stop signal: pass it
                             * on once the stop has begun */
        SIGNAL_SUSPEND, /* the terminal stops the job: the gateway has it, we follow */
        SIGNAL_SWALLOW, /* the gateway has had it, or it is not meant for it */
        _SIGNAL_VERDICT_MAX,
        _SIGNAL_VERDICT_INVALID = -EINVAL,
} SignalVerdict;

const char *signal_verdict_to_string(SignalVerdict verdict);

typedef struct SignalFacts {
        int signo;
        int code;                   /* si_code */
        bool is_from_manager;       /* the sender is the service manager of our unit */
        bool is_from_self;          /* the sender is the supervisor itself (SIGPIPE of a write) */
        bool is_stopping;           /* the ladder has begun */
        bool is_stop_pending;       /* a stop signal waits in our queue behind this one */
        bool shares_terminal_group; /* main is in the supervisor's process group, so that the
                                     * terminal's signals reach both */
        bool has_properties;        /* the five below were read from the unit */
        KillMode kill_mode;
        int kill_signal;
        int restart_kill_signal;
        int watchdog_signal;
        bool send_sighup;
} SignalFacts;

typedef struct SignalDecision {
        SignalVerdict verdict;
        bool is_main_signalled; /* with BEGIN_STOP: main has had the signal from who sent it */
        int stop_signo; /* with BEGIN_STOP: what the first phase sends instead; 0: its own */
} SignalDecision;

/* Is this one of the signals that begin a stop: TERM, INT, QUIT, and what the unit's KillSignal= and
 * RestartKillSignal= say? */
bool signal_is_stop(const SignalFacts *facts, int signo);

SignalDecision signal_decide(const SignalFacts *facts);
