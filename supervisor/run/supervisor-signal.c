/* SPDX-License-Identifier: MIT */

/* What arrives as a signal: siginfo is turned into facts, the policy decides, the decision is applied.
 * Nothing may come between the wake-up and the signal to the gateway but that. SIGCHLD stands apart,
 * at a lower rank: the last words of a process count before its end.
 *
 * Stop signals are the catcher's, in threads of its own; it hands them over twice, at once and when the
 * sender has been described. Without a catcher the loop reads them itself and describes the sender
 * where it stands. All other signals are the loop's. */

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "run/supervisor-internal.h"

/* Children that are reaped in one dispatch; a storm of exits must not hold the loop. */
#define REAP_BATCH_MAX 4096U

static bool supervisor_has_pending_stop(const Supervisor *supervisor, const SignalFacts *facts) {
        sigset_t pending;

        if (sigpending(&pending) < 0)
                return false;
        for (int signo = 1; signo <= SIGRTMAX; signo++)
                if (sigismember(&pending, signo) > 0 && signal_is_stop(facts, signo))
                        return true;
        /* In this order: what leaves the kernel's queue is in the catcher's first. */
        return supervisor->catcher && sender_catcher_has_pending(supervisor->catcher);
}

/* Whether the terminal's signal went to main as well: it goes to the foreground process group, but a
 * hangup to the session's leader alone, as long as that lives. */
static bool supervisor_shares_terminal(const Supervisor *supervisor, int signo) {
        return getpgid(supervisor->gateway.pid) == getpgrp() &&
                !(signo == SIGHUP && getsid(0) == getpid());
}

static SignalFacts supervisor_signal_facts(
        const Supervisor *supervisor, const struct signalfd_siginfo *info) {
        const UnitProperties *properties = &supervisor->properties;
        pid_t sender = (pid_t) info->ssi_pid;
        SignalFacts facts = {
                .signo = (int) info->ssi_signo,
                .code = info->ssi_code,
                .is_from_self = info->ssi_code == SI_USER && sender == getpid(),
                .is_stopping = ladder_is_stopping(&supervisor->ladder) || supervisor->is_leaving,
                .has_properties = supervisor->has_properties,
                .kill_mode = properties->kill_mode,
                .kill_signal = properties->kill_signal,
                .restart_kill_signal = properties->restart_kill_signal,
                .watchdog_signal = properties->watchdog_signal,
                .send_sighup = supervisor->has_properties && properties->send_sighup,
        };

        /* A manager outside of our pid namespace (PrivatePIDs=) shows as 0. */
        facts.is_from_manager = info->ssi_code == SI_USER && supervisor->manager_pid > 0 &&
                (sender == supervisor->manager_pid || (sender == 0 && supervisor->is_unit_main));
        if (facts.code == SI_KERNEL)
                facts.shares_terminal_group = supervisor_shares_terminal(supervisor, facts.signo);
        if (facts.is_from_manager && !facts.is_stopping &&
                (facts.signo == SIGHUP || facts.signo == SIGCONT))
                facts.is_stop_pending = supervisor_has_pending_stop(supervisor, &facts);
        return facts;
}

static void supervisor_forward(
        Supervisor *supervisor, const struct signalfd_siginfo *info, const StopRequest *sender) {
        int signo = (int) info->ssi_signo;
        siginfo_t queued = {
                .si_code = SI_QUEUE,
                .si_pid = (pid_t) info->ssi_pid,
                .si_uid = info->ssi_uid,
        };
        int r;

        if (!supervisor->is_main_alive)
                return;
        queued.si_value.sival_ptr = (void *) (uintptr_t) info->ssi_ptr;
        r = gateway_signal(
                &supervisor->gateway, signo, info->ssi_code == SI_QUEUE ? &queued : NULL);
        if (r < 0)
                return; /* gone: its SIGCHLD is on the way */
        supervisor->forwarded_signals |= UINT64_C(1) << (signo - 1);
        run_record_forwarded(supervisor, sender, usec_now(CLOCK_MONOTONIC));
}

/* The shell waits for its job to stop: the gateway has had the terminal's signal, so do we. Without a
 * shell in our session nobody could continue us; the kernel spares such an orphaned group, so do we. */
static void supervisor_suspend(void) {
        pid_t parent = getppid();

        if (getsid(parent) == getsid(0) && getpgid(parent) != getpgrp())
                (void) kill(getpid(), SIGSTOP);
}

/* Returns: what was decided. */
static SignalVerdict supervisor_handle_signal(
        Supervisor *supervisor, const struct signalfd_siginfo *info) {
        SignalFacts facts = supervisor_signal_facts(supervisor, info);
        SignalDecision decision = signal_decide(&facts);
        StopRequest request = {
                .is_asked = true,
                .signo = facts.signo,
                .code = facts.code,
                .sender_pid = (pid_t) info->ssi_pid,
                .sender_uid = info->ssi_uid,
                .is_from_manager = facts.is_from_manager,
        };

        switch (decision.verdict) {
        case SIGNAL_FORWARD:
                supervisor_forward(supervisor, info, &request);
                break;
        case SIGNAL_BEGIN_STOP:
                supervisor_begin_stop(supervisor, &request, decision.is_main_signalled,
                        decision.stop_signo, usec_now(CLOCK_MONOTONIC));
                break;
        case SIGNAL_REPEAT_STOP:
                supervisor_repeat_stop(supervisor, usec_now(CLOCK_MONOTONIC));
                break;
        case SIGNAL_DEFER:
                supervisor->is_hup_deferred = true;
                break;
        case SIGNAL_SUSPEND:
                supervisor_suspend();
                break;
        default:
                break;
        }
        return decision.verdict;
}

/* A signal that began the stop, or came while stopping, now that its sender has been looked at. */
static void supervisor_describe_signal(Supervisor *supervisor, const CaughtSignal *caught) {
        const StopRequest *stop = &supervisor->stop;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        if (supervisor->inquiry && !supervisor->inquiry->is_described &&
                (int) caught->info.ssi_signo == stop->signo &&
                (pid_t) caught->info.ssi_pid == stop->sender_pid)
                supervisor_describe_stop(supervisor, caught, now_usec);
        else
                supervisor_describe_repeat(supervisor, caught, now_usec);
}

static void supervisor_dispatch_caught(
        SenderCatcher *catcher, const CaughtSignal *caught, bool is_described, void *userdata) {
        Supervisor *supervisor = userdata;

        if (is_described) {
                supervisor_describe_signal(supervisor, caught);
                if (sender_catcher_is_stuck(catcher))
                        supervisor_divide_signals(supervisor);
        } else {
                (void) supervisor_handle_signal(supervisor, &caught->info);
        }
        supervisor_catch_up(supervisor);
}

static void supervisor_relay(CaughtSignal *caught, void *userdata) {
        Supervisor *supervisor = userdata;

        stop_relay_pass(&supervisor->relay, caught);
}

/* Without a catcher: the sender as it can be read in the loop, after all that is urgent. */
static void supervisor_describe_here(
        Supervisor *supervisor, const struct signalfd_siginfo *info, usec_t now_usec) {
        _cleanup_free_ CaughtSignal *caught = calloc(1, sizeof(CaughtSignal));

        if (!caught)
                return;
        caught->info = *info;
        caught->caught_at_usec = now_usec;
        caught->caught_at_boottime_usec = usec_now(CLOCK_BOOTTIME);
        sender_catcher_describe(
                caught, supervisor->proc_fd, supervisor->manager_pid, supervisor->is_unit_main);
        supervisor_describe_signal(supervisor, caught);
}

/* One signal a dispatch: what has not been read yet stays pending, where sigpending(2) sees it. */
static int supervisor_dispatch_signal(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Supervisor *supervisor = userdata;
        struct signalfd_siginfo info;
        SignalVerdict verdict;

        if (read(fd, &info, sizeof(info)) == sizeof(info)) {
                verdict = supervisor_handle_signal(supervisor, &info);
                if (verdict == SIGNAL_BEGIN_STOP || verdict == SIGNAL_REPEAT_STOP)
                        supervisor_describe_here(supervisor, &info, usec_now(CLOCK_MONOTONIC));
        }
        supervisor_catch_up(supervisor);
        return 0;
}

/* ---- The catcher ------------------------------------------------------------------------------ */

static void supervisor_stop_signals(const Supervisor *supervisor, sigset_t *ret_signals) {
        const UnitProperties *properties = &supervisor->properties;

        (void) sigemptyset(ret_signals);
        (void) sigaddset(ret_signals, SIGTERM);
        (void) sigaddset(ret_signals, SIGINT);
        (void) sigaddset(ret_signals, SIGQUIT);
        if (!supervisor->has_properties)
                return;
        if (properties->kill_signal > 0 && properties->kill_signal != SIGCHLD)
                (void) sigaddset(ret_signals, properties->kill_signal);
        if (properties->restart_kill_signal > 0 && properties->restart_kill_signal != SIGCHLD)
                (void) sigaddset(ret_signals, properties->restart_kill_signal);
}

void supervisor_divide_signals(Supervisor *supervisor) {
        bool is_caught = supervisor->catcher && !sender_catcher_is_stuck(supervisor->catcher);
        sigset_t stops, others;

        (void) sigfillset(&others);
        (void) sigdelset(&others, SIGCHLD);
        supervisor_stop_signals(supervisor, &stops);
        for (int signo = 1; is_caught && signo <= SIGRTMAX; signo++)
                if (sigismember(&stops, signo) > 0)
                        (void) sigdelset(&others, signo);
        (void) signalfd(supervisor->signals_fd, &others, 0);
        if (is_caught)
                (void) !sender_catcher_set_signals(supervisor->catcher, &stops);
}

void supervisor_arm_relay(Supervisor *supervisor) {
        const Phase *first = &supervisor->ladder.schedule.phases[0];
        const UnitProperties *properties = &supervisor->properties;
        StopRelayPlan plan = {
                .facts = {
                        .has_properties = supervisor->has_properties,
                        .kill_mode = properties->kill_mode,
                        .kill_signal = properties->kill_signal,
                        .restart_kill_signal = properties->restart_kill_signal,
                        .watchdog_signal = properties->watchdog_signal,
                },
                .manager_pid = supervisor->manager_pid,
                .is_unit_main = supervisor->is_unit_main,
                .spares_manager = supervisor->config->writes_planned_stop,
                .first_signo = first->signo,
        };
        bool can_relay = supervisor->catcher && supervisor->is_main_alive &&
                first->target == PHASE_TARGET_MAIN;

        (void) !stop_relay_arm(&supervisor->relay, &plan, supervisor->gateway.pid,
                can_relay ? supervisor->gateway.pidfd : -EBADF);
}

void supervisor_hear_signals(Supervisor *supervisor) {
        if (supervisor->catcher && sender_catcher_has_pending(supervisor->catcher))
                sender_catcher_tell_now(supervisor->catcher);
}

void supervisor_start_catcher(Supervisor *supervisor) {
        SenderCatcherConfig config = {
                .capture = supervisor->config->sender_capture,
                .manager_pid = supervisor->manager_pid,
                .is_unit_main = supervisor->is_unit_main,
                .proc_root = "/proc",
                .priority = PRIORITY_SIGNAL,
                .relay = supervisor_relay,
                .handler = supervisor_dispatch_caught,
                .userdata = supervisor,
        };
        supervisor_stop_signals(supervisor, &config.signals);
        supervisor->catcher_result =
                sender_catcher_new(supervisor->event, &config, &supervisor->catcher);
        supervisor_divide_signals(supervisor);
        supervisor_arm_relay(supervisor);
}

/* ---- Children --------------------------------------------------------------------------------- */

/* Takes the status of main, or lets an orphan go. Returns: main has exited. */
static bool supervisor_take_reaped(Supervisor *supervisor, const PayloadReaped *reaped) {
        if (!supervisor->is_main_alive || reaped->pid != supervisor->gateway.pid)
                return false;
        supervisor->status = gateway_status_from_code(reaped->code, reaped->status);
        supervisor->has_status = true;
        return true;
}

bool supervisor_reap(Supervisor *supervisor) {
        bool has_main_exited = false;
        PayloadReaped reaped;
        unsigned n = 0;

        while (n < REAP_BATCH_MAX && payload_reap(supervisor->payload, &reaped) > 0) {
                has_main_exited = supervisor_take_reaped(supervisor, &reaped) || has_main_exited;
                n++;
        }
        if (n == REAP_BATCH_MAX) /* SIGCHLD does not queue: come back for the rest */
                (void) kill(getpid(), SIGCHLD);

        if (has_main_exited)
                supervisor_main_exited(supervisor, usec_now(CLOCK_MONOTONIC));
        else if (ladder_is_stopping(&supervisor->ladder)) {
                LadderFacts facts = supervisor_facts(supervisor);

                supervisor_step(supervisor, LADDER_CHANGED, &facts, usec_now(CLOCK_MONOTONIC));
        }
        return has_main_exited;
}

static int supervisor_dispatch_child(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Supervisor *supervisor = userdata;
        struct signalfd_siginfo info;

        (void) !read(fd, &info, sizeof(info));
        supervisor_hear_signals(supervisor);
        notify_proxy_drain(supervisor->proxy);
        (void) supervisor_reap(supervisor);
        supervisor_catch_up(supervisor);
        return 0;
}

/* Returns: the descriptor, which the source owns; negative errno. */
static int supervisor_add_signalfd(Supervisor *supervisor, const sigset_t *mask,
        const char *description, int64_t priority, sd_event_io_handler_t handler) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r, source_fd;

        fd = signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        r = sd_event_add_io(supervisor->event, &source, fd, EPOLLIN, handler, supervisor);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(source, true);
        if (r < 0)
                return r;
        source_fd = TAKE_FD(fd);
        r = sd_event_source_set_priority(source, priority);
        if (r >= 0)
                r = sd_event_source_set_floating(source, true);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(source, description);
        return source_fd;
}

/* One signalfd for all signals in place of sd_event_add_signal(3) for each of the sixty: that would
 * cost a source and half a dozen system calls a signal. */
int supervisor_watch_signals(Supervisor *supervisor) {
        sigset_t child, others;
        int r;

        (void) sigemptyset(&child);
        (void) sigaddset(&child, SIGCHLD);
        (void) sigfillset(&others);
        (void) sigdelset(&others, SIGCHLD);

        r = supervisor_add_signalfd(
                supervisor, &others, "signals", PRIORITY_SIGNAL, supervisor_dispatch_signal);
        if (r < 0)
                return r;
        supervisor->signals_fd = r;
        r = supervisor_add_signalfd(
                supervisor, &child, "children", PRIORITY_CHILD, supervisor_dispatch_child);
        return r < 0 ? r : 0;
}
