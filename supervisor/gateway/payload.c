/* SPDX-License-Identifier: MIT */

/* The payload: all processes of the gateway.
 *
 * Two nets, used together. The tree: the supervisor is a subreaper, so every orphan below it
 * becomes its child, and waitid(2) saying ECHILD means that no gateway process is left; this is the
 * fast path of every question here. The group: a delegated sub-cgroup, where there is one, is killed
 * by one write however fast it forks. A process in either net belongs to the payload.
 *
 * Main is remembered by pid and start time, so that a reused pid is not taken for it.
 *
 * Reaping knows nothing but waitid(2): it runs for every orphan of a gateway that may leave
 * thousands. Who is reaped is the caller's to record.
 *
 * Not done here: forking main (gateway), deciding what to send and when (stop/ladder), waiting. */

#include "payload.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "payload-members.h"
#include "payload-sweep.h"

#define PAYLOAD_CONTAINS_TRIES 3

struct Payload {
        PayloadScope scope;
        int unit_fd;                            /* the unit's group, holds the sub-group */
        char cgroup_path[CGROUP_PATH_MAX + 32]; /* of the sub-group, as /proc/PID/cgroup has it */
        pid_t main_pid;                         /* 0: none */
        uint64_t main_start_ticks;              /* 0: could not be read */
        pid_t member_pid;                       /* who was found to be a member last */
        uint64_t member_start_ticks;
};

int payload_new(const char *proc_root, Payload **ret_payload) {
        assert(proc_root);
        assert(ret_payload);

        _cleanup_(payload_freep) Payload *payload = calloc(1, sizeof(Payload));
        if (!payload)
                return -ENOMEM;
        payload->scope = (PayloadScope){
                .proc_fd = -EBADF,
                .cgroup_fd = -EBADF,
                .self = getpid(),
        };
        payload->unit_fd = -EBADF;

        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return -errno;
        payload->scope.proc_fd = proc_open_root(proc_root);
        if (payload->scope.proc_fd < 0)
                return payload->scope.proc_fd;

        *ret_payload = TAKE_PTR(payload);
        return 0;
}

Payload *payload_free(Payload *payload) {
        if (!payload)
                return NULL;
        payload_drop_cgroup(payload);
        payload->scope.proc_fd = fd_close(payload->scope.proc_fd);
        free(payload);
        return NULL;
}

/* ---- Group ---- */

int payload_make_cgroup(Payload *payload, const char *mount_point, const char *cgroup_path) {
        assert(payload);
        assert(mount_point);
        assert(cgroup_path);
        assert(payload->scope.cgroup_fd < 0);

        _cleanup_close_ int unit_fd = cgroup_open(mount_point, cgroup_path);
        if (unit_fd < 0)
                return unit_fd;
        int r = cgroup_is_delegated(unit_fd);
        if (r < 0)
                return r;
        if (r == 0)
                return -EPERM;

        char path[sizeof(payload->cgroup_path)];
        size_t length = strlen(cgroup_path);
        while (length > 0 && cgroup_path[length - 1] == '/')
                length--;
        if (length >= CGROUP_PATH_MAX)
                return -ENAMETOOLONG;
        (void) snprintf(
                path, sizeof(path), "%.*s/%s", (int) length, cgroup_path, PAYLOAD_CGROUP_NAME);

        _cleanup_close_ int cgroup_fd = cgroup_make_child(unit_fd, PAYLOAD_CGROUP_NAME);
        if (cgroup_fd < 0)
                return cgroup_fd;
        if (faccessat(cgroup_fd, "cgroup.kill", F_OK, 0) < 0) {
                (void) cgroup_remove_child(unit_fd, PAYLOAD_CGROUP_NAME);
                return -EOPNOTSUPP;
        }

        (void) strcpy(payload->cgroup_path, path);
        payload->unit_fd = TAKE_FD(unit_fd);
        payload->scope.cgroup_fd = TAKE_FD(cgroup_fd);
        return 0;
}

int payload_proc_fd(const Payload *payload) {
        assert(payload);
        return payload->scope.proc_fd;
}

int payload_cgroup_fd(const Payload *payload) {
        assert(payload);
        return payload->scope.cgroup_fd;
}

void payload_drop_cgroup(Payload *payload) {
        assert(payload);

        payload->scope.cgroup_fd = fd_close(payload->scope.cgroup_fd);
        if (payload->unit_fd >= 0)
                (void) cgroup_remove_child(payload->unit_fd, PAYLOAD_CGROUP_NAME);
        payload->unit_fd = fd_close(payload->unit_fd);
        payload->cgroup_path[0] = '\0';
}

/* Whether the group holds a living process other than but_pid. An unreadable group holds none: the
 * tree has the say then. */
static bool payload_group_has_living(const Payload *payload, pid_t but_pid) {
        _cleanup_free_ pid_t *pids = NULL;
        size_t n_pids = 0;

        if (payload->scope.cgroup_fd < 0 || cgroup_is_populated(payload->scope.cgroup_fd) == 0 ||
                cgroup_read_pids(payload->scope.cgroup_fd, &pids, &n_pids) < 0)
                return false;
        for (size_t i = 0; i < n_pids; i++) {
                ProcessInfo info;
                if (pids[i] == but_pid || payload_scope_is_apart(&payload->scope, pids[i]))
                        continue;
                if (proc_read_info(payload->scope.proc_fd, pids[i], &info) >= 0 &&
                        proc_info_is_alive(&info))
                        return true;
        }
        return false;
}

/* ---- Helpers ---- */

int payload_add_helper(Payload *payload, pid_t pid) {
        assert(payload);
        assert(pid > 0);

        for (size_t i = 0; i < PAYLOAD_HELPERS_MAX; i++)
                if (payload->scope.helpers[i] == 0) {
                        payload->scope.helpers[i] = pid;
                        return 0;
                }
        return -ENOSPC;
}

void payload_remove_helper(Payload *payload, pid_t pid) {
        assert(payload);

        for (size_t i = 0; i < PAYLOAD_HELPERS_MAX; i++)
                if (payload->scope.helpers[i] == pid)
                        payload->scope.helpers[i] = 0;
}

/* ---- Main ---- */

void payload_set_main(Payload *payload, pid_t pid) {
        assert(payload);
        assert(pid >= 0);

        ProcessInfo info;

        payload->main_pid = pid;
        payload->main_start_ticks = 0;
        if (pid > 0 && proc_read_info(payload->scope.proc_fd, pid, &info) >= 0)
                payload->main_start_ticks = info.start_ticks;
}

/* Main's pid, 0 when it belongs to another process by now (main was not our child, and somebody
 * else has reaped it). */
static pid_t payload_main_pid(const Payload *payload) {
        ProcessInfo info;

        if (payload->main_pid > 0 && payload->main_start_ticks > 0 &&
                proc_read_info(payload->scope.proc_fd, payload->main_pid, &info) >= 0 &&
                info.start_ticks != payload->main_start_ticks)
                return 0;
        return payload->main_pid;
}

/* ---- Reaping ---- */

int payload_reap(Payload *payload, PayloadReaped *ret_reaped) {
        assert(payload);
        assert(ret_reaped);

        siginfo_t info = {};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0)
                return -errno;
        if (info.si_pid == 0)
                return 0;

        if (info.si_pid == payload->main_pid)
                payload->main_pid = 0;

        *ret_reaped = (PayloadReaped){
                .pid = info.si_pid,
                .code = info.si_code,
                .status = info.si_status,
        };
        return 1;
}

/* Peeks at our children.
 * Returns: -ECHILD: there is none; 0: at least one lives and none has ended; 1: one has ended. */
static int payload_peek_children(void) {
        siginfo_t info = {};

        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return -errno;
        return info.si_pid != 0;
}

/* ---- Questions ---- */

/* One pass. What cannot be read is taken for populated: we do have children. */
static bool payload_members_have_living(const Payload *payload, pid_t but_pid) {
        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0;

        if (payload_members_read(&payload->scope, &list, &n) < 0)
                return true;
        return payload_members_keep_living(list, n, but_pid) > 0;
}

bool payload_is_populated(Payload *payload) {
        assert(payload);

        int r = payload_peek_children();
        if (r == -ECHILD)
                return payload_group_has_living(payload, 0);
        return r == 0 || payload_members_have_living(payload, 0);
}

bool payload_has_others(Payload *payload) {
        assert(payload);

        int r = payload_peek_children();
        if (r == -ECHILD && payload->scope.cgroup_fd < 0)
                return false;

        pid_t main_pid = payload_main_pid(payload);
        if (r == -ECHILD)
                return payload_group_has_living(payload, main_pid);
        /* Without main only a wait that finds no child at all is proof. A walk through /proc is none:
         * in a fork storm every process that it looks at has ended by then. A child that is dead
         * already is counted until it is reaped, which its SIGCHLD sees to. */
        if (main_pid == 0)
                return true;

        r = payload_members_probe_others(&payload->scope, main_pid);
        if (r > 0)
                return true;
        if (r == 0)
                return payload_group_has_living(payload, main_pid);
        return payload_members_have_living(payload, main_pid);
}

static bool payload_group_contains(const Payload *payload, pid_t pid) {
        char path[CGROUP_PATH_MAX + 32];
        size_t length = strlen(payload->cgroup_path);

        if (payload->scope.cgroup_fd < 0 ||
                proc_read_cgroup(payload->scope.proc_fd, pid, path, sizeof(path)) < 0)
                return false;
        return strncmp(path, payload->cgroup_path, length) == 0 &&
                (path[length] == '\0' || path[length] == '/');
}

static bool payload_has_found(const Payload *payload, pid_t pid) {
        ProcessInfo info;

        return pid == payload->member_pid &&
                proc_read_info(payload->scope.proc_fd, pid, &info) >= 0 &&
                info.start_ticks == payload->member_start_ticks;
}

static void payload_remember(Payload *payload, pid_t pid) {
        ProcessInfo info;

        if (proc_read_info(payload->scope.proc_fd, pid, &info) < 0)
                return;
        payload->member_pid = pid;
        payload->member_start_ticks = info.start_ticks;
}

bool payload_contains(Payload *payload, pid_t pid) {
        assert(payload);

        if (pid <= 0 || payload_scope_is_apart(&payload->scope, pid))
                return false;
        /* A worker that reports a lot asks again and again. Who descends from us does so for good. */
        if (payload_has_found(payload, pid))
                return true;

        /* A parent on the way up may end while we climb: the next try finds the new one. */
        for (size_t i = 0; i < PAYLOAD_CONTAINS_TRIES; i++) {
                int r = proc_is_descendant(payload->scope.proc_fd, pid, payload->scope.self);
                if (r > 0) {
                        payload_remember(payload, pid);
                        return true;
                }
                if (r != -ESRCH)
                        break;
        }
        return payload_group_contains(payload, pid);
}

/* ---- Signals ---- */

/* SIGCONT lets a stopped process act on the signal; it would undo a SIGSTOP. */
static bool payload_is_continued_after(int signo) {
        return signo != SIGKILL && signo != SIGSTOP && signo != SIGCONT;
}

static int payload_signal_main(const Payload *payload, int signo, size_t *ret_n_sent) {
        uint64_t start_ticks = payload->main_start_ticks;

        if (payload->main_pid == 0)
                return -ESRCH;
        if (start_ticks == 0) {
                ProcessInfo info;
                int r = proc_read_info(payload->scope.proc_fd, payload->main_pid, &info);
                if (r < 0)
                        return r;
                start_ticks = info.start_ticks;
        }
        int r = payload_member_signal(&payload->scope, payload->main_pid, start_ticks, signo,
                payload_is_continued_after(signo));
        if (r < 0)
                return r;
        *ret_n_sent = 1;
        return 0;
}

static int payload_signal_members(
        const Payload *payload, pid_t but_pid, int signo, size_t *ret_n_sent) {
        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0, n_sent = 0;
        int last_error = -ESRCH;

        int r = payload_members_read(&payload->scope, &list, &n);
        if (r < 0)
                return r;
        n = payload_members_keep_living(list, n, but_pid);
        for (size_t i = 0; i < n; i++) {
                r = payload_member_signal(&payload->scope, list[i].pid, list[i].start_ticks, signo,
                        payload_is_continued_after(signo));
                if (r >= 0)
                        n_sent++;
                else if (r != -ESRCH)
                        last_error = r;
        }

        *ret_n_sent = n_sent;
        return n_sent > 0 ? 0 : last_error;
}

int payload_signal(
        Payload *payload, PhaseTarget target, int signo, bool skip_main, size_t *ret_n_sent) {
        assert(payload);
        assert(target >= 0 && target < _PHASE_TARGET_MAX);

        size_t n_sent = 0;
        bool spares_main = target == PHASE_TARGET_OTHERS || skip_main;
        pid_t but_pid = spares_main ? payload_main_pid(payload) : 0;
        int r;

        if (target == PHASE_TARGET_MAIN)
                r = payload_signal_main(payload, signo, &n_sent);
        else if (signo == SIGKILL)
                r = payload_sweep(&payload->scope, but_pid,
                        payload->scope.cgroup_fd >= 0 && but_pid == 0, &n_sent);
        else
                r = payload_signal_members(payload, but_pid, signo, &n_sent);
        if (r < 0)
                return r;

        if (ret_n_sent)
                *ret_n_sent = n_sent;
        return 0;
}

bool payload_others_ignore(Payload *payload, int signo) {
        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0;

        assert(payload);

        if (payload_members_read(&payload->scope, &list, &n) < 0)
                return false;
        n = payload_members_keep_living(list, n, payload_main_pid(payload));
        for (size_t i = 0; i < n; i++)
                if (!payload_member_ignores(&payload->scope, list[i].pid, signo))
                        return false;
        return n > 0;
}

/* ---- List ---- */

static int payload_compare_age(const void *a, const void *b) {
        const ProcessInfo *x = a, *y = b;

        if (x->start_ticks != y->start_ticks)
                return x->start_ticks < y->start_ticks ? -1 : 1;
        return (x->pid > y->pid) - (x->pid < y->pid);
}

static int payload_list_living(
        Payload *payload, pid_t but_pid, ProcessInfo **ret_list, size_t *ret_n) {
        ProcessInfo *list = NULL;
        size_t n = 0;

        int r = payload_members_read(&payload->scope, &list, &n);
        if (r < 0)
                return r;
        *ret_n = payload_members_keep_living(list, n, but_pid);
        *ret_list = list;
        return 0;
}

int payload_list(Payload *payload, ProcessInfo **ret_list, size_t *ret_n) {
        assert(payload);
        assert(ret_list);
        assert(ret_n);

        return payload_list_living(payload, /* but_pid= */ 0, ret_list, ret_n);
}

int payload_list_others(
        Payload *payload, ProcessInfo **ret_list, size_t *ret_n, size_t *ret_n_total) {
        assert(payload);
        assert(ret_list);
        assert(ret_n);

        ProcessInfo *list = NULL;
        size_t n = 0;

        int r = payload_list_living(payload, payload_main_pid(payload), &list, &n);
        if (r < 0)
                return r;
        if (n > 1)
                qsort(list, n, sizeof(ProcessInfo), payload_compare_age);

        *ret_list = list;
        *ret_n = n < PAYLOAD_LIST_MAX ? n : PAYLOAD_LIST_MAX;
        if (ret_n_total)
                *ret_n_total = n;
        return 0;
}
