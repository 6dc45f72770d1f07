/* SPDX-License-Identifier: MIT */
#pragma once

/* Passes the signal that begins a stop on to the gateway from the very thread that has caught it, so that
 * it waits neither for the loop nor for most of the sender's description. The same policy decides as in the loop; whoever
 * claims the relay first, the thread or the loop, is the one that sends: main gets its stop signal once. */

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "forensics/sender-catcher.h"
#include "stop/signal-policy.h"

/* What the decision is made from. is_from_manager, signo and code of the facts are of no account. */
typedef struct StopRelayPlan {
        SignalFacts facts;
        pid_t manager_pid;   /* 0: none */
        bool is_unit_main;   /* a sender of pid 0 is the manager */
        bool spares_manager; /* its signals are left to the loop, which has to do something before */
        int first_signo;     /* of the schedule's first phase, to main */
} StopRelayPlan;

typedef struct StopRelay {
        _Atomic int state; /* StopRelayState */
        StopRelayPlan plan;
        int pidfd; /* owned; -EBADF: nobody to send to */
        pid_t pid;
        int sent_signo; /* once it was claimed by the thread */
} StopRelay;

/* Embedded; disarmed until it is told whom and what. */
void stop_relay_init(StopRelay *relay);
void stop_relay_done(StopRelay *relay);

/* Arms it, or changes what it is armed with. pidfd: of main, duplicated; -EBADF disarms.
 * Returns: 0; -EBUSY: it has been claimed; negative errno of dup(2). */
int stop_relay_arm(StopRelay *relay, const StopRelayPlan *plan, pid_t pid, int pidfd) _warn_unused_;

/* The loop begins a stop. Returns: true: it is the one to signal main; false: the thread has, or it was
 * claimed before. */
bool stop_relay_claim(StopRelay *relay);

/* Once claimed: what the thread has sent to that process; 0: nothing. */
int stop_relay_sent(const StopRelay *relay, pid_t pid);

/* In the catching thread: sends the first phase's signal if this signal begins a stop and nobody has
 * claimed it before. The SIGCONT behind it is the loop's. */
void stop_relay_pass(StopRelay *relay, CaughtSignal *caught);
