/* SPDX-License-Identifier: MIT */
#pragma once

/* Catches stop signals and describes their sender before it can exit. The only threads of the program
 * are here, one for every CPU, pinned to it. Where real-time scheduling is allowed the one on the
 * sender's own CPU takes it away from the sender the moment the signal is made, and the others hold
 * still until one of them has read the sender's command line, so that none gives the sender its CPU
 * back early. Where it is not allowed, ordinary threads do the same without holding anybody.
 *
 * A caught signal is passed on by a callback in the catching thread: at once, or, where CPUs are held, as
 * soon as the command line has been read and they are free again, since the gateway could not run before.
 * Should that read hang, the loop hears of the signal all the same, and passes it on. The
 * loop hears of it twice: within some 1 ms (so that it does not run in the gateway's place), and again
 * when its sender has been read or that has taken too long.
 * A thread that hangs in a wedged /proc file hangs alone.
 *
 * The threads touch their slots, /proc and what the callback touches: no allocation, no stdio. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "config/sender-capture.h"
#include "process-snapshot.h"
#include "usec.h"

/* GATEWATCH_SENDER_STATE: what became of the sender, as far as it could be seen. */
typedef enum SenderState {
        SENDER_UNKNOWN, /* not read (in time) */
        SENDER_ALIVE,
        SENDER_EXITED,          /* a zombie, or gone: what was read before is kept */
        SENDER_MANAGER,         /* the service manager of our unit */
        SENDER_KERNEL,          /* SI_KERNEL: a terminal, a fault; there is no sender */
        SENDER_OTHER_NAMESPACE, /* pid 0: it cannot be seen from here */
        _SENDER_STATE_MAX,
        _SENDER_STATE_INVALID = -EINVAL,
} SenderState;

const char *sender_state_to_string(SenderState state);
SenderState sender_state_from_string(const char *name);

/* What a siginfo says of its sender. Pure. manager_pid, is_unit_main: as in SenderCatcherConfig.
 * Returns: SENDER_MANAGER, SENDER_KERNEL, SENDER_OTHER_NAMESPACE; SENDER_UNKNOWN: a process, to be
 * looked at.
 * Source: sigaction(2), signalfd(2); SI_TIMER and SI_SIGIO carry no pid. */
SenderState sender_state_from_siginfo(
        const struct signalfd_siginfo *info, pid_t manager_pid, bool is_unit_main);

/* One signal, as it came. */
typedef struct CaughtSignal {
        struct signalfd_siginfo info;
        usec_t caught_at_usec;          /* CLOCK_MONOTONIC */
        usec_t caught_at_boottime_usec; /* for comparison with start times */
        int relayed_signo; /* what the relay sent to main, once described; 0: nothing, or not known */
        pid_t relayed_to;
        SenderState state; /* SENDER_UNKNOWN until it was looked at */
        ProcessSnapshot
                sender; /* what could be read of it; in the state `exited` perhaps nothing */
        ProcessSnapshot parent; /* of a sender that is a zombie: who will reap it, or has */
} CaughtSignal;

#define SENDER_CATCHER_SLOTS        4 /* signals between two turns of the loop */
#define SENDER_CATCHER_THREADS_MAX  256
#define SENDER_CATCHER_CAPTURES_MAX 32  /* held captures in a run; later ones hold nobody */
#define SENDER_CATCHER_HOLD_USEC    500 /* the longest that a CPU is held */
#define SENDER_CATCHER_TIMEOUT_USEC (3 * USEC_PER_MSEC) /* then the sender stays unknown */

typedef struct SenderCatcher SenderCatcher;

/* Called in the catching thread, once for each signal. May use the siginfo, atomics and
 * system calls, nothing else. Sets relayed_signo and relayed_to when it passes a signal on. */
typedef void (*SenderCatcherRelay)(CaughtSignal *caught, void *userdata);

/* Called from the loop, in the order of arrival: first with is_described false as soon as the signal is
 * known, then with is_described true. Both may come in one turn. caught is valid during the call. */
typedef void (*SenderCatcherHandler)(
        SenderCatcher *catcher, const CaughtSignal *caught, bool is_described, void *userdata);

typedef struct SenderCatcherConfig {
        SenderCapture capture;
        sigset_t signals; /* those to catch, all of them blocked in every thread */
        pid_t manager_pid; /* its signals need no reading; 0: none. A sender of pid 0 is taken for the
                            * manager too when is_unit_main is set and the code is SI_USER */
        bool is_unit_main;
        const char *proc_root; /* "/proc", or an injected tree */
        int64_t priority;      /* of the event source */
        SenderCatcherRelay relay;
        SenderCatcherHandler handler;
        void *userdata; /* for both */
} SenderCatcherConfig;

/* Starts the threads. From here on the caller's own signalfd must not take these signals.
 *
 * Returns: 0; 1: SENDER_CAPTURE_REALTIME was asked for and is not permitted, ordinary threads do
 * it; negative errno of pthread_create(3) (-EAGAIN: too many tasks), signalfd(2), …: there is no
 * catcher, the caller reads the signals itself. */
int sender_catcher_new(sd_event *event, const SenderCatcherConfig *config,
        SenderCatcher **ret_catcher) _warn_unused_;

/* Ends the threads; not from within the handler. One that hangs in the kernel is left behind with what
 * it uses, after 100 ms. Returns: NULL. */
SenderCatcher *sender_catcher_free(SenderCatcher *catcher);
DEFINE_POINTER_CLEANUP(SenderCatcher, sender_catcher_free)

/* Catches these from now on (the unit's KillSignal= has become known).
 * Returns: 0; negative errno of signalfd(2). */
int sender_catcher_set_signals(SenderCatcher *catcher, const sigset_t *signals) _warn_unused_;

/* Whether a caught signal has not been told to the handler yet, or is just being caught. With
 * sigpending(2) before it, no signal is missed. */
bool sender_catcher_has_pending(const SenderCatcher *catcher);

/* Tells the handler at once, from within this call, of all that has been caught. What a gateway does
 * because of a signal that the relay has passed on may be seen in the loop before the signal is: call
 * this before its messages and its end are judged. Waits while a thread has just read a signal, for
 * SENDER_CATCHER_TIMEOUT_USEC at most. */
void sender_catcher_tell_now(SenderCatcher *catcher);

bool sender_catcher_is_realtime(const SenderCatcher *catcher);

/* Whether a thread hangs, so that no further signal will be caught: the caller reads them itself then
 * (once, after the handler was told of a sender that stayed unknown). */
bool sender_catcher_is_stuck(const SenderCatcher *catcher);

/* Looks at the sender where the caller stands, for one who has no catcher: sets caught->state, sender and
 * parent by the same rules, with the two instants and info given. May wait for the sender's memory lock. */
void sender_catcher_describe(
        CaughtSignal *caught, int proc_fd, pid_t manager_pid, bool is_unit_main);
