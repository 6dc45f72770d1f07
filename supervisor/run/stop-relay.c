/* SPDX-License-Identifier: MIT */

/* Who may send main its stop signal is settled by one atomic word:
 *
 *   idle      nobody yet: there is no main, or no pidfd for it
 *   armed     the first to come may
 *   busy      somebody reads or changes the plan
 *   claimed   it has been sent, or the loop is about to
 *
 * The thread never waits: it finds the relay busy only while the loop changes the plan, and then leaves
 * the signal to the loop. The loop waits for the thread for as long as two system calls take.
 *
 * Signals of a terminal are left to the loop: whether main has had them takes a look at its process
 * group, and there is no sender to be described meanwhile. */

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "stop-relay.h"

typedef enum StopRelayState {
        RELAY_IDLE,
        RELAY_ARMED,
        RELAY_BUSY,
        RELAY_CLAIMED,
} StopRelayState;

void stop_relay_init(StopRelay *relay) {
        *relay = (StopRelay){ .pidfd = -EBADF };
        atomic_init(&relay->state, RELAY_IDLE);
}

void stop_relay_done(StopRelay *relay) {
        relay->pidfd = fd_close(relay->pidfd);
        atomic_store(&relay->state, RELAY_CLAIMED);
}

/* Returns: the state that was left for RELAY_BUSY, or RELAY_CLAIMED, which is never left. */
static StopRelayState stop_relay_enter(StopRelay *relay) {
        for (;;) {
                int state = atomic_load(&relay->state);

                if (state == RELAY_CLAIMED)
                        return RELAY_CLAIMED;
                if (state == RELAY_BUSY) {
                        (void) sched_yield();
                        continue;
                }
                if (atomic_compare_exchange_weak(&relay->state, &state, RELAY_BUSY))
                        return (StopRelayState) state;
        }
}

int stop_relay_arm(StopRelay *relay, const StopRelayPlan *plan, pid_t pid, int pidfd) {
        int copy_fd = -EBADF;

        if (pidfd >= 0) {
                copy_fd = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
                if (copy_fd < 0)
                        return -errno;
        }
        if (stop_relay_enter(relay) == RELAY_CLAIMED) {
                (void) fd_close(copy_fd);
                return -EBUSY;
        }
        (void) fd_close(relay->pidfd);
        relay->pidfd = copy_fd;
        relay->pid = pid;
        relay->plan = *plan;
        atomic_store(&relay->state, copy_fd >= 0 ? RELAY_ARMED : RELAY_IDLE);
        return 0;
}

bool stop_relay_claim(StopRelay *relay) {
        if (stop_relay_enter(relay) == RELAY_CLAIMED)
                return false;
        atomic_store(&relay->state, RELAY_CLAIMED);
        return true;
}

int stop_relay_sent(const StopRelay *relay, pid_t pid) {
        return relay->pid == pid ? relay->sent_signo : 0;
}

/* Returns: the signal that main is to be sent; 0: none, or none of ours to send. */
static int stop_relay_decide(const StopRelayPlan *plan, const CaughtSignal *caught) {
        SignalFacts facts = plan->facts;
        SignalDecision decision;
        pid_t sender = (pid_t) caught->info.ssi_pid;

        facts.signo = (int) caught->info.ssi_signo;
        facts.code = caught->info.ssi_code;
        facts.is_from_manager = facts.code == SI_USER && plan->manager_pid > 0 &&
                (sender == plan->manager_pid || (sender == 0 && plan->is_unit_main));
        if (facts.is_from_manager && plan->spares_manager)
                return 0;
        decision = signal_decide(&facts);
        if (decision.verdict != SIGNAL_BEGIN_STOP || decision.is_main_signalled)
                return 0;
        return decision.stop_signo > 0 ? decision.stop_signo : plan->first_signo;
}

void stop_relay_pass(StopRelay *relay, CaughtSignal *caught) {
        int state = RELAY_ARMED, signo;

        if (caught->info.ssi_code != SI_USER && caught->info.ssi_code != SI_QUEUE &&
                caught->info.ssi_code != SI_TKILL)
                return;
        if (!atomic_compare_exchange_strong(&relay->state, &state, RELAY_BUSY))
                return;
        signo = stop_relay_decide(&relay->plan, caught);
        if (signo <= 0 || pidfd_send_signal(relay->pidfd, signo, NULL, 0) < 0) {
                atomic_store(&relay->state, RELAY_ARMED);
                return;
        }
        caught->relayed_signo = signo;
        caught->relayed_to = relay->pid;
        relay->sent_signo = signo;
        atomic_store(&relay->state, RELAY_CLAIMED);
}
