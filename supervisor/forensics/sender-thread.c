/* SPDX-License-Identifier: MIT */

/* The threads wait, each in an epoll of its own, for one signalfd that they share, so that a signal
 * wakes all of them. Whoever gets the catch (a flag; nobody sleeps for it) reads what is pending, passes
 * it on, publishes it and reads what perishes of each sender; the others spin meanwhile, each on its
 * CPU and no longer than SENDER_CATCHER_HOLD_USEC. Then the catch is given back.
 *
 * The order of work was measured (tests/bench/sender-capture.c), each step for a reason:
 *
 *  - before the signal is taken the others get a moment to wake up: one that finds it gone sleeps on,
 *    and if it is the one on the sender's CPU the sender runs away (kept /bin/kill's command line on a
 *    busy machine: 66-97 %, with the moment 100 %);
 *  - passing on comes before anything is read;
 *  - after the perishable part every CPU is free for a while: the gateway stands in the queue of the
 *    CPU that it ran on last, and would wait there for the whole description;
 *  - the loop is told with a delay, so that it does not stand before the gateway in that queue, and by
 *    a timer, so that it hears of the signal even if the description never ends.
 *
 * Slots are taken in the order in which the kernel gives the signals out. Wake-ups that could be lost,
 * and why they are not: the epolls are edge-triggered, but what comes while a thread is at work wakes
 * it once more; who has the catch reads until there is no more, and who had to wait for it looks again.
 * When no slot is free the signals stay in the kernel, and the loop wakes the first thread as it frees
 * one.
 *
 * Without permission for real-time priority the threads are ordinary ones and hold nobody. The one on
 * the sender's CPU still comes before the sender more often than one that may run anywhere would.
 *
 * Nothing here allocates, takes a lock of the C library or writes to a stream: fork(2) in the loop, and
 * a thread that hangs for good, leave nothing behind that others wait for.
 *
 * Real-time priority is given up after SENDER_CATCHER_CAPTURES_MAX signals: who sends that many is not
 * stopping us, and shall not have our CPUs. */

#include "sender-thread.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#define SENDER_STACK_SIZE    (64UL * 1024UL)
#define SENDER_PRIORITY      1 /* the least that goes before every ordinary process */
#define SENDER_GATHER_USEC   3
#define SENDER_GIVE_WAY_USEC 20
#define SENDER_NOTIFY_USEC   1000
#define SENDER_JOIN_USEC     (100 * USEC_PER_MSEC)
#define SENDER_SLICE_NSEC    100000 /* the least that the kernel takes */
#define SENDER_PAUSES        16     /* between two looks at the clock */

SenderSlot *sender_threads_slot(SenderThreads *threads, unsigned n) {
        return &threads->slots[n % SENDER_CATCHER_SLOTS];
}

static void sender_eventfd_write(int fd) {
        static const uint64_t one = 1;

        (void) !write(
                fd, &one, sizeof(one)); /* -EAGAIN: it is full, and so readable all the same */
}

/* ---- The catch ---- */

/* Wakes the loop, after so many microseconds. A later call takes the place of an earlier one. */
static void sender_threads_notify(SenderThreads *threads, long delay_usec) {
        const struct itimerspec timer = { .it_value.tv_nsec = delay_usec * 1000 + 1 };

        (void) timerfd_settime(threads->notify_fd, 0, &timer, NULL);
}

/* Whether CPUs may still be kept from others. */
static bool sender_threads_may_hold(SenderThreads *threads) {
        return atomic_load_explicit(&threads->is_realtime, memory_order_relaxed) &&
                atomic_load_explicit(&threads->n_caught, memory_order_relaxed) <=
                SENDER_CATCHER_CAPTURES_MAX &&
                !atomic_load_explicit(&threads->is_stuck, memory_order_relaxed);
}

static void sender_cpu_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
}

static bool sender_threads_try_enter(SenderThreads *threads) {
        return !atomic_exchange_explicit(&threads->is_catching, true, memory_order_acquire);
}

/* Another has the catch: waits for it on this CPU, for a while. */
static bool sender_threads_wait_enter(SenderThreads *threads) {
        usec_t until_usec = usec_add(usec_now(CLOCK_MONOTONIC), SENDER_CATCHER_HOLD_USEC);

        while (!sender_threads_try_enter(threads)) {
                if (!sender_threads_may_hold(threads) || usec_now(CLOCK_MONOTONIC) >= until_usec)
                        return false;
                for (unsigned i = 0; i < SENDER_PAUSES; i++)
                        sender_cpu_pause();
        }
        return true;
}

/* A moment for the others to see that there is a signal. */
static void sender_threads_gather(SenderThreads *threads) {
        usec_t until_usec;

        if (!sender_threads_may_hold(threads))
                return;
        until_usec = usec_add(usec_now(CLOCK_MONOTONIC), SENDER_GATHER_USEC);
        while (atomic_load(&threads->n_awake) < atomic_load(&threads->n_threads) &&
                usec_now(CLOCK_MONOTONIC) < until_usec)
                sender_cpu_pause();
}

static void sender_threads_leave(SenderThreads *threads) {
        atomic_store_explicit(&threads->is_catching, false, memory_order_release);
}

static unsigned sender_threads_count_free(SenderThreads *threads, unsigned n_caught) {
        unsigned n = 0;

        while (n < SENDER_CATCHER_SLOTS &&
                atomic_load(&sender_threads_slot(threads, n_caught + n)->state) == SENDER_SLOT_FREE)
                n++;
        return n;
}

static void sender_slot_fill(SenderSlot *slot, const struct signalfd_siginfo *info) {
        CaughtSignal *caught = &slot->caught;

        caught->info = *info;
        caught->caught_at_usec = usec_now(CLOCK_MONOTONIC);
        caught->caught_at_boottime_usec = usec_now(CLOCK_BOOTTIME);
        caught->relayed_signo = 0;
        caught->relayed_to = 0;
}

/* Passes on what was taken. */
static void sender_threads_relay(SenderThreads *threads, unsigned first, unsigned n) {
        for (unsigned i = 0; threads->relay && i < n; i++)
                threads->relay(&sender_threads_slot(threads, first + i)->caught, threads->userdata);
}

/* Takes what is pending and publishes it. Returns: how many. */
static unsigned sender_threads_take(
        SenderThreads *threads, unsigned n_caught, bool *ret_may_be_more) {
        struct signalfd_siginfo infos[SENDER_CATCHER_SLOTS];
        unsigned n_free = sender_threads_count_free(threads, n_caught), n;

        if (n_free == 0) {
                atomic_store(&threads->is_full, true);
                n_free = sender_threads_count_free(threads, n_caught); /* freed before that? */
                if (n_free == 0) {
                        *ret_may_be_more = false; /* the loop will wake us */
                        return 0;
                }
        }

        atomic_store(&threads->is_reading, true);
        ssize_t size = read(threads->signal_fd, infos, n_free * sizeof(infos[0]));
        n = size > 0 ? (unsigned) ((size_t) size / sizeof(infos[0])) : 0;
        for (unsigned i = 0; i < n; i++) {
                SenderSlot *slot = sender_threads_slot(threads, n_caught + i);

                sender_slot_fill(slot, &infos[i]);
                atomic_store(&slot->state, SENDER_SLOT_CAUGHT);
                atomic_store(&threads->n_caught, n_caught + i + 1);
        }
        atomic_store(&threads->is_reading, false);
        *ret_may_be_more = n == n_free;
        return n;
}

/* What perishes first, while the others hold still. We do not perish meanwhile. */
static void sender_read_held(const SenderView *view, CaughtSignal *caught) {
        caught->state =
                sender_state_from_siginfo(&caught->info, view->manager_pid, view->is_unit_main);
        process_snapshot_init(
                &caught->sender, caught->state == SENDER_KERNEL ? 0 : (pid_t) caught->info.ssi_pid);
        if (caught->state == SENDER_UNKNOWN && caught->sender.pid != view->own_pid)
                process_snapshot_read_cmdline(&caught->sender, view->proc_fd);
}

/* What perishes next. The executable goes when the command line goes; the snapshot counts it to the
 * rest. */
static void sender_read_soon(
        const SenderView *view, CaughtSignal *caught, char exe[static PROCESS_EXE_MAX]) {
        char path[32];

        exe[0] = '\0';
        if (caught->state != SENDER_UNKNOWN || caught->sender.pid == view->own_pid)
                return;
        (void) snprintf(path, sizeof(path), "%d/exe", caught->sender.pid);
        ssize_t n = readlinkat(view->proc_fd, path, exe, PROCESS_EXE_MAX - 1);
        exe[n > 0 ? n : 0] = '\0';
        (void) process_snapshot_read_info(&caught->sender, view->proc_fd);
}

/* Who reaps a zombie. A parent is older than its child, or it is another process by that pid. */
static void sender_read_parent(const SenderView *view, CaughtSignal *caught) {
        ProcessSnapshot *parent = &caught->parent;

        process_snapshot_init(parent, caught->sender.info.ppid);
        if (parent->pid == 0)
                return;
        (void) process_snapshot_read(parent, view->proc_fd, parent->pid);
        if (!parent->has_info || parent->info.start_ticks > caught->sender.info.start_ticks)
                process_snapshot_init(parent, 0);
}

static void sender_read_rest(const SenderView *view, CaughtSignal *caught, const char *exe) {
        ProcessSnapshot *sender = &caught->sender;

        process_snapshot_init(&caught->parent, 0);
        if (caught->state != SENDER_UNKNOWN)
                return;
        if (sender->pid == view->own_pid)
                (void) process_snapshot_read_urgent(sender, view->proc_fd);
        if (!process_snapshot_existed_at(sender, caught->caught_at_boottime_usec)) {
                /* Another has its pid now, nobody has, or we may not look (hidepid=). */
                bool is_gone = sender->has_info || (kill(sender->pid, 0) < 0 && errno == ESRCH);

                process_snapshot_init(sender, sender->pid);
                caught->state = is_gone ? SENDER_EXITED : SENDER_UNKNOWN;
                return;
        }
        int r = process_snapshot_read_rest(sender, view->proc_fd);
        bool is_alive = process_snapshot_is_alive(sender);

        if (sender->exe[0] == '\0')
                (void) strcpy(sender->exe, exe);
        caught->state = is_alive && r >= 0 ? SENDER_ALIVE : SENDER_EXITED;
        if (!is_alive)
                sender_read_parent(view, caught);
}

static void sender_slot_publish(SenderThreads *threads, SenderSlot *slot) {
        int state = SENDER_SLOT_CAUGHT;

        if (atomic_compare_exchange_strong(&slot->state, &state, SENDER_SLOT_DESCRIBED))
                sender_threads_notify(threads, 0);
        else /* too late */
                atomic_store(&slot->state, SENDER_SLOT_FREE);
}

/* Lets the gateway run on this CPU, if that is where it is. */
static void sender_threads_give_way(SenderThreads *threads) {
        const struct timespec pause = { .tv_nsec = SENDER_GIVE_WAY_USEC * 1000 };

        if (sender_threads_may_hold(threads))
                (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        else
                (void) sched_yield();
}

static void sender_threads_describe(SenderThreads *threads, unsigned first, unsigned n) {
        bool has_relayed = false;

        for (unsigned i = 0; i < n; i++) {
                SenderSlot *slot = sender_threads_slot(threads, first + i);

                sender_read_soon(&threads->view, &slot->caught, slot->exe);
                has_relayed = has_relayed || slot->caught.relayed_signo > 0;
        }
        if (has_relayed)
                sender_threads_give_way(threads);
        for (unsigned i = 0; i < n; i++) {
                SenderSlot *slot = sender_threads_slot(threads, first + i);

                sender_read_rest(&threads->view, &slot->caught, slot->exe);
                sender_slot_publish(threads, slot);
        }
}

static void sender_threads_catch(SenderThreads *threads) {
        bool may_be_more = true;

        while (may_be_more && !atomic_load(&threads->is_quitting)) {
                unsigned first, n;
                bool is_held;

                if (sender_threads_try_enter(threads))
                        sender_threads_gather(threads);
                else if (!sender_threads_wait_enter(threads))
                        return;
                first = atomic_load(&threads->n_caught);
                n = sender_threads_take(threads, first, &may_be_more);
                if (n > 0) /* now: what follows may hang, and then the loop passes it on */
                        sender_threads_notify(threads, SENDER_NOTIFY_USEC);
                is_held = sender_threads_may_hold(threads);
                if (!is_held)
                        sender_threads_relay(threads, first, n);
                for (unsigned i = 0; i < n; i++)
                        sender_read_held(
                                &threads->view, &sender_threads_slot(threads, first + i)->caught);
                sender_threads_leave(threads);
                if (is_held) /* not before: woken now, the gateway finds a CPU that nobody holds */
                        sender_threads_relay(threads, first, n);
                sender_threads_describe(threads, first, n);
        }
}

/* An ordinary thread that asks for short turns gets them sooner: it takes the CPU from a sender that has
 * begun a long one (Linux 6.12; ignored before that). */
static void sender_thread_shorten_slice(SenderThread *thread) {
        struct {
                uint32_t size, policy;
                uint64_t flags;
                int32_t nice;
                uint32_t priority;
                uint64_t runtime, deadline, period;
        } attributes = { .size = sizeof(attributes) };

        thread->is_short = true;
        if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) < 0)
                return;
        attributes.size = sizeof(attributes);
        attributes.runtime = SENDER_SLICE_NSEC;
        (void) syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static void sender_thread_adjust(SenderThread *thread) {
        SenderThreads *threads = thread->threads;

        if (atomic_load(&threads->is_plain) && !thread->is_short)
                sender_thread_shorten_slice(thread);
        if (atomic_load(&threads->is_realtime) && !thread->is_demoted &&
                atomic_load(&threads->n_caught) >= SENDER_CATCHER_CAPTURES_MAX) {
                (void) sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){});
                thread->is_demoted = true;
        }
}

static void *sender_thread_run(void *userdata) {
        SenderThread *thread = userdata;
        SenderThreads *threads = thread->threads;
        struct epoll_event event;

        (void) prctl(PR_SET_NAME, "sender-catcher");
        atomic_fetch_add(&threads->n_awake, 1);
        while (!atomic_load(&threads->is_quitting)) {
                sender_threads_catch(threads);
                sender_thread_adjust(thread);
                atomic_fetch_sub(&threads->n_awake, 1);
                (void) epoll_wait(thread->epoll_fd, &event, 1, -1);
                atomic_fetch_add(&threads->n_awake, 1);
        }
        atomic_fetch_sub(&threads->n_awake, 1);
        atomic_fetch_sub(&threads->n_running, 1);
        sender_eventfd_write(threads->wake_fd); /* to whoever ends us */
        return NULL;
}

/* ---- In the loop ---- */

void sender_catcher_describe(
        CaughtSignal *caught, int proc_fd, pid_t manager_pid, bool is_unit_main) {
        const SenderView view = {
                .proc_fd = proc_fd,
                .own_pid = getpid(),
                .manager_pid = manager_pid,
                .is_unit_main = is_unit_main,
        };
        char exe[PROCESS_EXE_MAX];

        assert(caught);

        sender_read_held(&view, caught);
        sender_read_soon(&view, caught, exe);
        sender_read_rest(&view, caught, exe);
}

void sender_threads_free_slot(SenderThreads *threads, SenderSlot *slot) {
        atomic_store(&slot->state, SENDER_SLOT_FREE);
        if (atomic_exchange(&threads->is_full, false))
                sender_eventfd_write(threads->wake_fd);
}

int sender_threads_init(SenderThreads *threads) {
        assert(threads);

        threads->view.own_pid = getpid();
        threads->view.proc_fd = threads->signal_fd = -EBADF;
        threads->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        threads->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        threads->notify_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (threads->quit_fd < 0 || threads->wake_fd < 0 || threads->notify_fd < 0)
                return -errno;
        return 0;
}

static int sender_epoll_add(int epoll_fd, int fd, uint32_t events) {
        struct epoll_event event = { .events = events };

        return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int sender_thread_open_epoll(SenderThread *thread) {
        SenderThreads *threads = thread->threads;
        int r;

        thread->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (thread->epoll_fd < 0)
                return -errno;
        r = sender_epoll_add(thread->epoll_fd, threads->signal_fd, EPOLLIN | EPOLLET);
        if (r >= 0)
                r = sender_epoll_add(thread->epoll_fd, threads->quit_fd, EPOLLIN);
        if (r >= 0 && thread == &threads->threads[0])
                r = sender_epoll_add(thread->epoll_fd, threads->wake_fd, EPOLLIN | EPOLLET);
        return r;
}

static int sender_thread_create(SenderThread *thread) {
        pthread_attr_t attributes;
        int r;

        r = -pthread_attr_init(&attributes);
        if (r < 0)
                return r;
        (void) pthread_attr_setstacksize(&attributes, SENDER_STACK_SIZE);
        r = -pthread_create(&thread->id, &attributes, sender_thread_run, thread);
        (void) pthread_attr_destroy(&attributes);
        return r;
}

static int sender_threads_add(SenderThreads *threads, SenderThread **ret_thread) {
        SenderThread *thread = &threads->threads[threads->n_threads];
        int r;

        thread->threads = threads;
        atomic_fetch_add(&threads->n_running, 1);
        r = sender_thread_open_epoll(thread);
        if (r >= 0)
                r = sender_thread_create(thread);
        if (r < 0) {
                atomic_fetch_sub(&threads->n_running, 1);
                thread->epoll_fd = fd_close(thread->epoll_fd);
                return r;
        }
        atomic_store(&threads->n_threads, threads->n_threads + 1);
        *ret_thread = thread;
        return 0;
}

static int sender_thread_make_realtime(SenderThread *thread) {
        const struct sched_param param = { .sched_priority = SENDER_PRIORITY };

        return -pthread_setschedparam(thread->id, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

/* One for every CPU that we may use. The first is there and is what the others become. */
static void sender_threads_add_pinned(SenderThreads *threads) {
        SenderThread *thread = &threads->threads[0];
        cpu_set_t all, one;

        if (sched_getaffinity(0, sizeof(all), &all) < 0)
                return; /* the machine has more than CPU_SETSIZE */
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
                if (!CPU_ISSET(cpu, &all))
                        continue;
                if (!thread &&
                        (threads->n_threads >= SENDER_CATCHER_THREADS_MAX ||
                                sender_threads_add(threads, &thread) < 0 ||
                                (atomic_load(&threads->is_realtime) &&
                                        sender_thread_make_realtime(thread) < 0)))
                        return; /* those that are there do what they can */
                CPU_ZERO(&one);
                CPU_SET(cpu, &one);
                (void) pthread_setaffinity_np(thread->id, sizeof(one), &one);
                thread = NULL;
        }
}

/* What a capture runs through is linked and mapped before the first one. */
static void sender_threads_warm_up(SenderThreads *threads) {
        ProcessSnapshot *snapshot = &threads->slots[0].caught.sender;

        (void) process_snapshot_read(snapshot, threads->view.proc_fd, threads->view.own_pid);
        (void) process_snapshot_existed_at(snapshot, usec_now(CLOCK_BOOTTIME));
        process_snapshot_init(snapshot, 0);
}

int sender_threads_start(SenderThreads *threads, SenderCapture capture) {
        SenderThread *thread;
        int r;

        sender_threads_warm_up(threads);
        r = sender_threads_add(threads, &thread);
        if (r < 0)
                return r;
        if (capture != SENDER_CAPTURE_PLAIN && sender_thread_make_realtime(thread) >= 0)
                atomic_store(&threads->is_realtime, true);
        else {
                atomic_store(&threads->is_plain, true);
                sender_eventfd_write(threads->wake_fd); /* the thread looks */
        }
        sender_threads_add_pinned(threads);
        return capture == SENDER_CAPTURE_REALTIME && !atomic_load(&threads->is_realtime) ? 1 : 0;
}

/* Whether all have ended, or do within SENDER_JOIN_USEC. pthread_join(3) would not be bounded, and of
 * its bounded forms only one goes by a clock that does not jump, which ThreadSanitizer does not know. */
static bool sender_threads_await_end(SenderThreads *threads) {
        usec_t late_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), SENDER_JOIN_USEC);
        uint64_t n;

        while (atomic_load(&threads->n_running) > 0) {
                struct pollfd poll_fd = { .fd = threads->wake_fd, .events = POLLIN };
                usec_t left_usec = usec_sub(late_at_usec, usec_now(CLOCK_MONOTONIC));

                if (left_usec == 0)
                        return false;
                (void) poll(&poll_fd, 1, (int) ((left_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
                (void) !read(threads->wake_fd, &n, sizeof(n));
        }
        return true;
}

int sender_threads_done(SenderThreads *threads) {
        bool has_ended;

        atomic_store(&threads->is_quitting, true);
        sender_eventfd_write(threads->quit_fd);
        has_ended = sender_threads_await_end(threads);
        for (size_t i = 0; i < threads->n_threads; i++)
                if (has_ended)
                        (void) pthread_join(threads->threads[i].id, NULL);
                else
                        (void) pthread_detach(threads->threads[i].id);
        if (!has_ended)
                return -ETIMEDOUT;

        for (size_t i = 0; i < threads->n_threads; i++)
                (void) fd_close(threads->threads[i].epoll_fd);
        (void) fd_close(threads->notify_fd);
        (void) fd_close(threads->wake_fd);
        (void) fd_close(threads->quit_fd);
        (void) fd_close(threads->signal_fd);
        (void) fd_close(threads->view.proc_fd);
        return 0;
}
