/* SPDX-License-Identifier: MIT */

/* The loop's side of catching senders: it hears of signals from the threads, tells its owner of each
 * twice in the order of arrival, and gives up on a thread that takes too long. Between being told and
 * being described a slot is its thread's; what the loop shows of it meanwhile is a copy of what no
 * longer changes.
 *
 * A signal for the loop's thread alone (tgkill(2)) cannot be read by another one: the loop takes it and
 * queues it to the process again, as it was.
 *
 * Memory is mapped and not malloc()ed, so that slots which are never used take none.
 *
 * Not here: what a signal means, whether it is passed on, and what reading a process takes. */

#include "sender-catcher.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sender-thread.h"

#define SENDER_STUCK_USEC          (100 * USEC_PER_MSEC) /* after the timeout */
#define SENDER_TIMER_ACCURACY_USEC 500
#define SENDER_REQUEUE_MAX         64 /* in one turn of the loop */
#define SENDER_STATUS_SIZE         4096

struct SenderCatcher {
        SenderCatcherConfig config;
        SenderThreads threads;
        int status_fd; /* the loop's thread, as /proc shows it */
        sd_event_source *notify_source, *private_source, *timer_source;
        unsigned n_told, n_finished; /* the handler has heard of so many once, twice */
        CaughtSignal known;          /* a signal whose slot is still its thread's */
};

static const char *const sender_state_table[] = {
        [SENDER_UNKNOWN] = "unknown",
        [SENDER_ALIVE] = "alive",
        [SENDER_EXITED] = "exited",
        [SENDER_MANAGER] = "manager",
        [SENDER_KERNEL] = "kernel",
        [SENDER_OTHER_NAMESPACE] = "other-namespace",
};
static_assert(ELEMENTSOF(sender_state_table) == _SENDER_STATE_MAX, "a name for each state");

const char *sender_state_to_string(SenderState state) {
        if (state < 0 || state >= _SENDER_STATE_MAX)
                return NULL;
        return sender_state_table[state];
}

SenderState sender_state_from_string(const char *name) {
        assert(name);

        for (size_t i = 0; i < ELEMENTSOF(sender_state_table); i++)
                if (strcmp(sender_state_table[i], name) == 0)
                        return (SenderState) i;
        return _SENDER_STATE_INVALID;
}

SenderState sender_state_from_siginfo(
        const struct signalfd_siginfo *info, pid_t manager_pid, bool is_unit_main) {
        assert(info);

        /* Positive codes are the kernel's own. Of the others two carry no sender. */
        if (info->ssi_code > 0 || info->ssi_code == SI_TIMER || info->ssi_code == SI_SIGIO)
                return SENDER_KERNEL;
        if (info->ssi_code == SI_USER && info->ssi_pid == 0 && is_unit_main)
                return SENDER_MANAGER;
        if (info->ssi_pid == 0)
                return SENDER_OTHER_NAMESPACE;
        if (info->ssi_code == SI_USER && manager_pid > 0 && (pid_t) info->ssi_pid == manager_pid)
                return SENDER_MANAGER;
        return SENDER_UNKNOWN;
}

/* ---- In the loop ---- */

/* What is known while the rest of the slot is still the thread's. */
static void sender_catcher_copy_known(SenderCatcher *catcher, const SenderSlot *slot) {
        CaughtSignal *known = &catcher->known;

        known->info = slot->caught.info;
        known->caught_at_usec = slot->caught.caught_at_usec;
        known->caught_at_boottime_usec = slot->caught.caught_at_boottime_usec;
        known->relayed_signo = 0; /* the thread's, until the slot is described */
        known->relayed_to = 0;
        known->state = SENDER_UNKNOWN;
        process_snapshot_init(&known->sender, 0);
        process_snapshot_init(&known->parent, 0);
}

static void sender_catcher_tell(SenderCatcher *catcher) {
        while (catcher->n_told != atomic_load(&catcher->threads.n_caught)) {
                sender_catcher_copy_known(
                        catcher, sender_threads_slot(&catcher->threads, catcher->n_told));
                catcher->n_told++;
                catcher->config.handler(catcher, &catcher->known, /* is_described= */ false,
                        catcher->config.userdata);
        }
}

static usec_t sender_slot_deadline(const SenderSlot *slot) {
        return usec_add(slot->caught.caught_at_usec, SENDER_CATCHER_TIMEOUT_USEC);
}

/* Tells of the oldest signal a second time. Returns: false: not yet. */
static bool sender_catcher_finish(SenderCatcher *catcher, usec_t now_usec) {
        SenderSlot *slot = sender_threads_slot(&catcher->threads, catcher->n_finished);
        int state = SENDER_SLOT_CAUGHT;

        if (atomic_load(&slot->state) == SENDER_SLOT_CAUGHT) {
                if (now_usec < sender_slot_deadline(slot))
                        return false;
                sender_catcher_copy_known(catcher, slot);
                slot->abandoned_at_usec = now_usec;
        }
        catcher->n_finished++;
        if (atomic_compare_exchange_strong(&slot->state, &state, SENDER_SLOT_ABANDONED)) {
                catcher->config.handler(catcher, &catcher->known, /* is_described= */ true,
                        catcher->config.userdata);
                return true;
        }
        catcher->config.handler(
                catcher, &slot->caught, /* is_described= */ true, catcher->config.userdata);
        sender_threads_free_slot(&catcher->threads, slot);
        return true;
}

/* When a thread counts as stuck. Returns: USEC_INFINITY: none is late. */
static usec_t sender_catcher_stuck_at(SenderCatcher *catcher) {
        usec_t at_usec = USEC_INFINITY;

        for (size_t i = 0; i < SENDER_CATCHER_SLOTS; i++) {
                const SenderSlot *slot = &catcher->threads.slots[i];
                usec_t slot_at_usec = usec_add(slot->abandoned_at_usec, SENDER_STUCK_USEC);

                if (atomic_load(&slot->state) == SENDER_SLOT_ABANDONED && slot_at_usec < at_usec)
                        at_usec = slot_at_usec;
        }
        return at_usec;
}

static void sender_catcher_arm(SenderCatcher *catcher) {
        usec_t at_usec = USEC_INFINITY;

        if (catcher->n_finished != catcher->n_told)
                at_usec = sender_slot_deadline(
                        sender_threads_slot(&catcher->threads, catcher->n_finished));
        else if (!atomic_load(&catcher->threads.is_stuck))
                at_usec = sender_catcher_stuck_at(catcher);

        /* Neither fails for a live source. */
        if (at_usec == USEC_INFINITY) {
                (void) sd_event_source_set_enabled(catcher->timer_source, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time(catcher->timer_source, at_usec);
        (void) sd_event_source_set_enabled(catcher->timer_source, SD_EVENT_ONESHOT);
}

static void sender_catcher_deliver(SenderCatcher *catcher, usec_t now_usec) {
        sender_catcher_tell(catcher);
        while (catcher->n_finished != catcher->n_told && sender_catcher_finish(catcher, now_usec))
                ;
        sender_catcher_arm(catcher);
}

static int sender_catcher_dispatch_notify(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        uint64_t n;

        (void) !read(fd, &n, sizeof(n));
        sender_catcher_deliver(userdata, usec_now(CLOCK_MONOTONIC));
        return 0;
}

static int sender_catcher_dispatch_timer(
        sd_event_source *source, uint64_t scheduled_at_usec, void *userdata) {
        SenderCatcher *catcher = userdata;
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);

        if (now_usec >= sender_catcher_stuck_at(catcher))
                atomic_store(&catcher->threads.is_stuck, true);
        sender_catcher_deliver(catcher, now_usec);
        return 0;
}

/* Whether one of ours is pending for the loop's thread alone. */
static bool sender_catcher_has_private(const SenderCatcher *catcher) {
        static const char key[] = "\nSigPnd:\t";
        char text[SENDER_STATUS_SIZE];
        unsigned long long pending;

        ssize_t n = pread(catcher->status_fd, text, sizeof(text) - 1, 0);
        if (n <= 0)
                return false;
        text[n] = '\0';
        const char *line = strstr(text, key);
        if (!line)
                return false;
        pending = strtoull(line + strlen(key), NULL, 16);
        for (int signo = 1; signo <= 64; signo++)
                if ((pending & 1ULL << (signo - 1)) != 0 &&
                        sigismember(&catcher->config.signals, signo) > 0)
                        return true;
        return false;
}

/* Queues a signal to the process as it was; a process may do that to itself (rt_sigqueueinfo(2)). */
static void sender_catcher_requeue(SenderCatcher *catcher, const struct signalfd_siginfo *info) {
        siginfo_t copy = {
                .si_signo = (int) info->ssi_signo,
                .si_code = info->ssi_code,
        };

        copy.si_pid = (pid_t) info->ssi_pid;
        copy.si_uid = info->ssi_uid;
        copy.si_value.sival_ptr = (void *) (uintptr_t) info->ssi_ptr;
        if (syscall(SYS_rt_sigqueueinfo, catcher->threads.view.own_pid, copy.si_signo, &copy) < 0)
                (void) kill(catcher->threads.view.own_pid,
                        copy.si_signo); /* rather nameless than lost */
}

static int sender_catcher_dispatch_private(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        SenderCatcher *catcher = userdata;
        struct signalfd_siginfo info;

        for (unsigned i = 0; i < SENDER_REQUEUE_MAX; i++) {
                /* Of ours and the process's, read(2) takes ours first. */
                if (!sender_catcher_has_private(catcher) ||
                        read(fd, &info, sizeof(info)) != sizeof(info))
                        return 0;
                sender_catcher_requeue(catcher, &info);
        }
        return sd_event_source_set_io_events(source, EPOLLIN | EPOLLET); /* looks again */
}

bool sender_catcher_has_pending(const SenderCatcher *catcher) {
        assert(catcher);

        /* In this order: what is no longer in somebody's hands has been counted. */
        return atomic_load(&catcher->threads.is_reading) ||
                catcher->n_told != atomic_load(&catcher->threads.n_caught);
}

void sender_catcher_tell_now(SenderCatcher *catcher) {
        usec_t give_up_at_usec = 0;

        assert(catcher);

        while (atomic_load(&catcher->threads.is_reading)) {
                usec_t now_usec = usec_now(CLOCK_MONOTONIC);

                if (give_up_at_usec == 0)
                        give_up_at_usec = usec_add(now_usec, SENDER_CATCHER_TIMEOUT_USEC);
                else if (now_usec >= give_up_at_usec)
                        break;
                (void) sched_yield();
        }
        sender_catcher_tell(catcher);
        sender_catcher_arm(catcher);
}

bool sender_catcher_is_realtime(const SenderCatcher *catcher) {
        assert(catcher);

        return atomic_load(&catcher->threads.is_realtime);
}

bool sender_catcher_is_stuck(const SenderCatcher *catcher) {
        assert(catcher);

        return atomic_load(&catcher->threads.is_stuck);
}

int sender_catcher_set_signals(SenderCatcher *catcher, const sigset_t *signals) {
        assert(catcher);
        assert(signals);

        if (signalfd(catcher->threads.signal_fd, signals, SFD_CLOEXEC | SFD_NONBLOCK) < 0)
                return -errno;
        catcher->config.signals = *signals;
        return 0;
}

/* ---- Beginning and end ---- */

static int sender_catcher_add_io(SenderCatcher *catcher, sd_event *event, int fd, uint32_t events,
        sd_event_io_handler_t handler, const char *description, sd_event_source **source) {
        int r;

        r = sd_event_add_io(event, source, fd, events, handler, catcher);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(*source, description);
        return sd_event_source_set_priority(*source, catcher->config.priority);
}

static int sender_catcher_add_timer(SenderCatcher *catcher, sd_event *event) {
        int r;

        r = sd_event_add_time(event, &catcher->timer_source, CLOCK_MONOTONIC, USEC_INFINITY,
                SENDER_TIMER_ACCURACY_USEC, sender_catcher_dispatch_timer, catcher);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(catcher->timer_source, "sender-timeout");
        r = sd_event_source_set_priority(catcher->timer_source, catcher->config.priority);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(catcher->timer_source, SD_EVENT_OFF);
}

static int sender_catcher_add_sources(SenderCatcher *catcher, sd_event *event) {
        int r;

        r = sender_catcher_add_io(catcher, event, catcher->threads.notify_fd, EPOLLIN,
                sender_catcher_dispatch_notify, "caught-signals", &catcher->notify_source);
        if (r < 0)
                return r;
        r = sender_catcher_add_timer(catcher, event);
        if (r < 0 || catcher->status_fd < 0)
                return r;
        return sender_catcher_add_io(catcher, event, catcher->threads.signal_fd, EPOLLIN | EPOLLET,
                sender_catcher_dispatch_private, "private-signals", &catcher->private_source);
}

static int sender_catcher_open(SenderCatcher *catcher) {
        SenderThreads *threads = &catcher->threads;
        int r;

        r = sender_threads_init(threads);
        if (r < 0)
                return r;
        threads->relay = catcher->config.relay;
        threads->userdata = catcher->config.userdata;
        threads->view.manager_pid = catcher->config.manager_pid;
        threads->view.is_unit_main = catcher->config.is_unit_main;
        threads->signal_fd = signalfd(-1, &catcher->config.signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (threads->signal_fd < 0)
                return -errno;
        /* Both may be missing: signals are caught without a look at their senders then. */
        threads->view.proc_fd = proc_open_root(catcher->config.proc_root);
        catcher->status_fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
        return 0;
}

int sender_catcher_new(
        sd_event *event, const SenderCatcherConfig *config, SenderCatcher **ret_catcher) {
        _cleanup_(sender_catcher_freep) SenderCatcher *catcher = NULL;
        int r;

        assert(event);
        assert(config && config->handler && config->proc_root);
        assert(ret_catcher);

        catcher = mmap(
                NULL, sizeof(*catcher), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (catcher == MAP_FAILED) {
                catcher = NULL;
                return -errno;
        }
        catcher->config = *config;
        catcher->status_fd = -EBADF;
        r = sender_catcher_open(catcher);
        if (r >= 0)
                r = sender_catcher_add_sources(catcher, event);
        if (r >= 0)
                r = sender_threads_start(&catcher->threads, config->capture);
        if (r < 0)
                return r;
        *ret_catcher = TAKE_PTR(catcher);
        return r;
}

SenderCatcher *sender_catcher_free(SenderCatcher *catcher) {
        if (!catcher)
                return NULL;

        catcher->timer_source = sd_event_source_disable_unref(catcher->timer_source);
        catcher->private_source = sd_event_source_disable_unref(catcher->private_source);
        catcher->notify_source = sd_event_source_disable_unref(catcher->notify_source);
        catcher->status_fd = fd_close(catcher->status_fd);
        if (sender_threads_done(&catcher->threads) >= 0)
                (void) munmap(catcher, sizeof(*catcher));
        return NULL;
}
