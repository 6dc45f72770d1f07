/* SPDX-License-Identifier: MIT */

/* The end of a payload that does not want to end.
 *
 * A list of processes is old when it has been read: a process that forks and exits has a successor
 * by then that is not in the list. So the sweep is a fixed point. It stops (SIGSTOP, which cannot be
 * handled) every member that it has not seen, until a pass sees nothing new, and kills only then: a
 * stopped process neither forks nor notices that its children die. The pass after that is the proof:
 * the kernel does not complete a fork of a process that has a signal pending, so whoever could still
 * be born is there to be seen.
 *
 * What counts as new are the dead as well. Nobody reaps orphans while the supervisor sweeps, so
 * every generation of a storm leaves zombies: it cannot pass unseen between two passes.
 *
 * A fork storm has moved on before a pass has come to its processes, so every pass that expects news
 * gives chase first. What lives of a storm are its newest processes, and the kernel gives out pids
 * in order: the chase looks at the last pids given out, again and again, and stops children of the
 * supervisor and of stopped members on sight, in the microseconds after reading them.
 *
 * Twenty forkers leave a sweeper that shares the CPU with them a twentieth of it, so the thread asks
 * for precedence while it sweeps: SCHED_FIFO, or else nice -20, or else it goes on as it is.
 *
 * Passes and time are bounded; what is left then is systemd's. Nothing is waited for: a process that
 * was sent SIGKILL cannot fork any more, and its end shows up as SIGCHLD. */

#include "payload-sweep.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "file.h"
#include "payload-groups.h"
#include "usec.h"

#define SWEEP_PASSES_MAX   64
#define SWEEP_MAX_USEC     (1 * USEC_PER_SEC)
#define CHASE_PIDS         256 /* how far back from the newest */
#define CHASE_QUIET_ROUNDS 3   /* without a new member, before it is over */

typedef struct SweptProcess {
        pid_t pid;
        uint64_t start_ticks;
        bool is_stopped;
        bool is_done; /* dead, killed, or out of reach */
} SweptProcess;

typedef struct Sweep {
        const PayloadScope *scope; /* weak */
        pid_t but_pid;
        usec_t deadline_usec;

        SweptProcess *items; /* by pid */
        size_t n;
        size_t n_allocated;

        bool has_news; /* in this pass, or this round of the chase */
        size_t n_sent;
        int last_error;
} Sweep;

/* ---- Precedence ---- */

typedef struct SweepPrecedence {
        int policy;               /* to go back to; negative: unchanged */
        struct sched_param param; /* of policy */
        bool is_nice_changed;
        int nice;
} SweepPrecedence;

/* With RLIMIT_RTTIME SIGXCPU awaits who runs in real time for so long without a pause. */
static bool sweep_may_run_in_real_time(void) {
        struct rlimit limit;

        return getrlimit(RLIMIT_RTTIME, &limit) >= 0 && limit.rlim_cur >= 4 * SWEEP_MAX_USEC;
}

static SweepPrecedence sweep_precedence_take(void) {
        SweepPrecedence before = { .policy = sched_getscheduler(0) };
        struct sched_param lowest = { .sched_priority = 1 };

        /* Its flag cannot be set again by everybody who could clear it. */
        if (before.policy < 0 || (before.policy & SCHED_RESET_ON_FORK) != 0 ||
                sched_getparam(0, &before.param) < 0 || before.param.sched_priority > 0) {
                before.policy = -1;
                return before;
        }
        if (sweep_may_run_in_real_time() && sched_setscheduler(0, SCHED_FIFO, &lowest) >= 0)
                return before;

        before.policy = -1;
        errno = 0;
        before.nice = getpriority(PRIO_PROCESS, 0);
        before.is_nice_changed = errno == 0 && setpriority(PRIO_PROCESS, 0, -20) >= 0;
        return before;
}

static void sweep_precedence_give_back(const SweepPrecedence *before) {
        if (before->policy >= 0)
                (void) sched_setscheduler(0, before->policy, &before->param);
        if (before->is_nice_changed)
                (void) setpriority(PRIO_PROCESS, 0, before->nice);
}

/* ---- What has been seen ---- */

static void sweep_done(Sweep *sweep) {
        free(sweep->items);
        sweep->items = NULL;
}

/* The index of pid, or the one it has to be put at. */
static size_t sweep_index(const Sweep *sweep, pid_t pid) {
        size_t low = 0, high = sweep->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (sweep->items[middle].pid < pid)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static SweptProcess *sweep_find(const Sweep *sweep, pid_t pid) {
        size_t index = sweep_index(sweep, pid);

        return index < sweep->n && sweep->items[index].pid == pid ? &sweep->items[index] : NULL;
}

/* An older process of the same pid is gone: its entry is taken over. */
static int sweep_note(Sweep *sweep, const SweptProcess *swept) {
        size_t index = sweep_index(sweep, swept->pid);

        if (index < sweep->n && sweep->items[index].pid == swept->pid) {
                sweep->items[index] = *swept;
                return 0;
        }
        if (sweep->n == sweep->n_allocated) {
                size_t n_new = sweep->n_allocated > 0 ? 2 * sweep->n_allocated : 128;
                SweptProcess *items = reallocarray(sweep->items, n_new, sizeof(SweptProcess));
                if (!items)
                        return -ENOMEM;
                sweep->items = items;
                sweep->n_allocated = n_new;
        }
        memmove(&sweep->items[index + 1], &sweep->items[index],
                (sweep->n - index) * sizeof(SweptProcess));
        sweep->items[index] = *swept;
        sweep->n++;
        return 0;
}

/* ---- The sweep ---- */

static void sweep_kill(Sweep *sweep, SweptProcess *swept) {
        int r = payload_member_signal(
                sweep->scope, swept->pid, swept->start_ticks, SIGKILL, /* is_continued= */ false);

        if (r >= 0)
                sweep->n_sent++;
        else if (r != -ESRCH)
                sweep->last_error = r;
        swept->is_done = true;
}

static void sweep_kill_all(Sweep *sweep) {
        for (size_t i = 0; i < sweep->n; i++)
                if (!sweep->items[i].is_done)
                        sweep_kill(sweep, &sweep->items[i]);
}

static bool sweep_is_done(const Sweep *sweep) {
        for (size_t i = 0; i < sweep->n; i++)
                if (!sweep->items[i].is_done)
                        return false;
        return true;
}

/* Deals with a member that was just read: stops it, if it has not been seen before. */
static void sweep_catch(Sweep *sweep, const ProcessInfo *info) {
        if (info->pid == sweep->but_pid || payload_scope_is_apart(sweep->scope, info->pid))
                return;
        const SweptProcess *known = sweep_find(sweep, info->pid);
        if (known && known->start_ticks == info->start_ticks)
                return;

        SweptProcess swept = { .pid = info->pid, .start_ticks = info->start_ticks };
        sweep->has_news = true;
        if (!proc_info_is_alive(info))
                swept.is_done = true;
        else {
                int r = payload_member_signal(sweep->scope, info->pid, info->start_ticks, SIGSTOP,
                        /* is_continued= */ false);
                swept.is_stopped = r >= 0;
                swept.is_done = r == -ESRCH;
        }
        /* Without memory to come back to it, it is killed where it stands. */
        if (sweep_note(sweep, &swept) < 0 && !swept.is_done)
                sweep_kill(sweep, &swept);
}

static void sweep_read_members(Sweep *sweep) {
        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0;

        int r = payload_members_read(sweep->scope, &list, &n);
        if (r < 0) {
                sweep->last_error = r;
                return;
        }
        for (size_t i = 0; i < n; i++)
                sweep_catch(sweep, &list[i]);
}

/* Whether a process whose parent this is can only be a member. A stopped member's pid is checked
 * again: somebody else may have killed it. */
static bool sweep_is_parent(const Sweep *sweep, pid_t pid) {
        if (pid == sweep->scope->self)
                return true;

        ProcessInfo info;
        const SweptProcess *known = sweep_find(sweep, pid);
        return known && known->is_stopped &&
                proc_read_info(sweep->scope->proc_fd, pid, &info) >= 0 &&
                info.start_ticks == known->start_ticks;
}

/* Returns: the pid that was given out last; -ENODATA: not known. Source: proc(5), loadavg. */
static pid_t sweep_newest_pid(const Sweep *sweep) {
        char text[128];

        if (file_read_virtual(sweep->scope->proc_fd, "loadavg", text, sizeof(text)) <= 0)
                return -ENODATA;
        const char *last = strrchr(text, ' ');
        long pid = last ? strtol(last, NULL, 10) : 0;
        return pid > 0 && pid <= INT32_MAX ? (pid_t) pid : -ENODATA;
}

/* The pidfd comes first: then what is read afterwards is of this process, or it is dead. */
static void sweep_chase_pid(Sweep *sweep, pid_t pid) {
        ProcessInfo info;

        _cleanup_close_ int pidfd = -EBADF;
        if (payload_member_open(pid, &pidfd) < 0 ||
                proc_read_info(sweep->scope->proc_fd, pid, &info) < 0 ||
                payload_scope_is_apart(sweep->scope, pid) || !sweep_is_parent(sweep, info.ppid))
                return;

        SweptProcess swept = { .pid = pid, .start_ticks = info.start_ticks };
        if (proc_info_is_alive(&info))
                swept.is_stopped = payload_member_send(pidfd, pid, SIGSTOP) >= 0;
        else
                swept.is_done = true;
        if (sweep_note(sweep, &swept) < 0 && swept.is_stopped)
                sweep_kill(sweep, &swept);
        sweep->has_news = true;
}

static void sweep_chase(Sweep *sweep) {
        size_t n_quiet = 0;

        while (n_quiet < CHASE_QUIET_ROUNDS && usec_now(CLOCK_MONOTONIC) < sweep->deadline_usec) {
                pid_t newest = sweep_newest_pid(sweep);
                if (newest < 0)
                        return;
                sweep->has_news = false;
                for (pid_t pid = newest; pid > 0 && pid > newest - CHASE_PIDS; pid--)
                        if (pid != sweep->but_pid && !sweep_find(sweep, pid))
                                sweep_chase_pid(sweep, pid);
                n_quiet = sweep->has_news ? 0 : n_quiet + 1;
        }
}

/* What cgroup.kill ends is noted first: it cannot be told afterwards who was there. */
static void sweep_kill_group(Sweep *sweep) {
        _cleanup_free_ pid_t *pids = NULL;
        size_t n_pids = 0, n_living = 0;

        if (cgroup_read_pids(sweep->scope->cgroup_fd, &pids, &n_pids) < 0)
                n_pids = 0;
        for (size_t i = 0; i < n_pids; i++) {
                ProcessInfo info;
                if (proc_read_info(sweep->scope->proc_fd, pids[i], &info) < 0 ||
                        !proc_info_is_alive(&info) || payload_scope_is_apart(sweep->scope, pids[i]))
                        continue;
                SweptProcess swept = { .pid = info.pid, .start_ticks = info.start_ticks };
                if (sweep_note(sweep, &swept) >= 0)
                        n_living++;
        }

        int r = cgroup_kill(sweep->scope->cgroup_fd);
        if (r < 0) {
                sweep->last_error = r;
                return;
        }
        sweep->n_sent += n_living;
        for (size_t i = 0; i < sweep->n; i++)
                sweep->items[i].is_done = true;
}

/* Whole process groups first: that ends a storm at once, unless it blows in our own group. */
static void sweep_kill_process_groups(Sweep *sweep) {
        _cleanup_free_ ProcessInfo *killed = NULL;
        size_t n = 0;

        int r = payload_groups_kill(sweep->scope, sweep->but_pid, &killed, &n);
        if (r < 0)
                sweep->last_error = r;
        for (size_t i = 0; i < n; i++) {
                const SweptProcess *known = sweep_find(sweep, killed[i].pid);
                SweptProcess swept = {
                        .pid = killed[i].pid,
                        .start_ticks = killed[i].start_ticks,
                        .is_done = true,
                };

                sweep->has_news = true;
                if (!known || known->start_ticks != swept.start_ticks)
                        sweep->n_sent++;
                (void) sweep_note(sweep, &swept);
        }
}

/* Stops and kills until a pass finds nothing new. */
static void sweep_settle(Sweep *sweep) {
        for (size_t pass = 0; pass < SWEEP_PASSES_MAX; pass++) {
                sweep_kill_process_groups(sweep);
                if (sweep->has_news)
                        sweep_chase(sweep);
                sweep->has_news = false;
                sweep_read_members(sweep);
                if (usec_now(CLOCK_MONOTONIC) >= sweep->deadline_usec)
                        break;
                if (sweep->has_news)
                        continue;
                if (sweep_is_done(sweep))
                        break;
                sweep_kill_all(sweep);
        }
}

int payload_sweep(const PayloadScope *scope, pid_t but_pid, bool with_group, size_t *ret_n_sent) {
        assert(scope);
        assert(ret_n_sent);

        _cleanup_(sweep_done) Sweep sweep = {
                .scope = scope,
                .but_pid = but_pid,
                .deadline_usec = usec_add(usec_now(CLOCK_MONOTONIC), SWEEP_MAX_USEC),
                .has_news = true, /* who knows what blows: the first pass gives chase as well */
        };

        SweepPrecedence before = sweep_precedence_take();
        if (with_group)
                sweep_kill_group(&sweep);
        sweep_settle(&sweep);
        sweep_kill_all(&sweep);
        sweep_precedence_give_back(&before);

        *ret_n_sent = sweep.n_sent;
        if (sweep.n_sent > 0)
                return 0;
        return sweep.last_error < 0 ? sweep.last_error : -ESRCH;
}
