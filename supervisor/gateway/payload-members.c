/* SPDX-License-Identifier: MIT */

/* Members of the payload: the union of what descends from the supervisor and what the sub-group
 * holds.
 *
 * Descent is the stronger of the two. The supervisor is a subreaper, so a process cannot leave its
 * tree by forking twice, by setsid(2) or by moving to another group. The group adds what was moved
 * into it from elsewhere.
 *
 * A member is named by pid and start time. Before a signal goes out, a pidfd is opened first and the
 * start time compared second: when they match, the pidfd cannot be another process.
 *
 * The list is true for no single instant: who forks while it is read is missed. Those who must not
 * miss anybody read again until nothing changes (payload-sweep). */

#include "payload-members.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "file.h"

#define PROBE_TASKS_MAX    64 /* beyond, one pass over /proc is about as cheap */
#define PROBE_CHILDREN_MAX 256

bool payload_scope_is_apart(const PayloadScope *scope, pid_t pid) {
        if (pid == scope->self)
                return true;
        for (size_t i = 0; i < PAYLOAD_HELPERS_MAX; i++)
                if (scope->helpers[i] > 0 && scope->helpers[i] == pid)
                        return true;
        return false;
}

/* ---- Lists ---- */

static size_t member_index(const ProcessInfo *list, size_t n, pid_t pid) {
        size_t i = 0;

        while (i < n && list[i].pid != pid)
                i++;
        return i;
}

/* Moves what the group holds behind the *n_members members that the list (of *n processes) already
 * begins with; who is not in the list is read and added. */
static int payload_members_add_group(
        const PayloadScope *scope, ProcessInfo **list, size_t *n, size_t *n_members) {
        _cleanup_free_ pid_t *pids = NULL;
        size_t n_pids = 0;

        /* A group that cannot be read takes nothing away from the tree. */
        if (cgroup_read_pids(scope->cgroup_fd, &pids, &n_pids) < 0)
                return 0;

        for (size_t i = 0; i < n_pids; i++) {
                size_t index = member_index(*list, *n, pids[i]);
                if (payload_scope_is_apart(scope, pids[i]) || index < *n_members)
                        continue;
                if (index == *n) {
                        ProcessInfo info;
                        if (proc_read_info(scope->proc_fd, pids[i], &info) < 0)
                                continue;
                        ProcessInfo *grown = reallocarray(*list, *n + 1, sizeof(ProcessInfo));
                        if (!grown)
                                return -ENOMEM;
                        *list = grown;
                        grown[(*n)++] = info;
                }
                ProcessInfo member = (*list)[index];
                (*list)[index] = (*list)[*n_members];
                (*list)[(*n_members)++] = member;
        }
        return 0;
}

/* A helper, or what one has executed: it forks once at most. */
static bool payload_member_is_apart(const PayloadScope *scope, const ProcessInfo *member) {
        return payload_scope_is_apart(scope, member->pid) ||
                (member->ppid != scope->self && payload_scope_is_apart(scope, member->ppid));
}

/* Returns: the list's members that are the gateway's, in front. */
static size_t payload_members_drop_helpers(
        const PayloadScope *scope, ProcessInfo *list, size_t n_members) {
        size_t n_kept = 0;

        for (size_t i = 0; i < n_members; i++) {
                ProcessInfo member = list[i];
                if (payload_member_is_apart(scope, &member))
                        continue;
                list[i] = list[n_kept];
                list[n_kept++] = member;
        }
        return n_kept;
}

int payload_members_read(const PayloadScope *scope, ProcessInfo **ret_list, size_t *ret_n) {
        assert(scope);
        assert(ret_list);
        assert(ret_n);

        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0;

        int r = proc_read_all(scope->proc_fd, &list, &n);
        if (r < 0)
                return r;
        /* We are one ourselves: that is no procfs any more. */
        if (n == 0)
                return -ENODATA;
        size_t n_members = proc_keep_descendants(list, n, scope->self);
        n_members = payload_members_drop_helpers(scope, list, n_members);
        if (scope->cgroup_fd >= 0) {
                r = payload_members_add_group(scope, &list, &n, &n_members);
                if (r < 0)
                        return r;
        }

        *ret_list = TAKE_PTR(list);
        *ret_n = n_members;
        return 0;
}

size_t payload_members_keep_living(ProcessInfo *list, size_t n, pid_t but_pid) {
        size_t n_kept = 0;

        for (size_t i = 0; i < n; i++)
                if (list[i].pid != but_pid && proc_info_is_alive(&list[i]))
                        list[n_kept++] = list[i];
        return n_kept;
}

/* ---- Lists of children ---- */

typedef struct ChildList {
        pid_t pids[PROBE_CHILDREN_MAX];
        size_t n;
} ChildList;

/* Returns: 0; -EAGAIN: too many. */
static int child_list_parse(ChildList *list, const char *text) {
        for (char *end; *text != '\0'; text = end + strspn(end, " \n")) {
                unsigned long pid = strtoul(text, &end, 10);
                if (end == text || pid == 0 || pid > INT32_MAX || list->n == PROBE_CHILDREN_MAX)
                        return -EAGAIN;
                list->pids[list->n++] = (pid_t) pid;
        }
        return 0;
}

/* The kernel keeps one list for every thread. */
static int child_list_read(ChildList *list, int proc_fd, pid_t pid) {
        char path[64], text[4096];
        size_t n_tasks = 0;

        (void) snprintf(path, sizeof(path), "%d/task", pid);
        int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        _cleanup_closedir_ DIR *directory = fdopendir(fd);
        if (!directory) {
                int r = -errno;
                (void) fd_close(fd);
                return r;
        }

        for (const struct dirent *entry; (entry = readdir(directory));) {
                if (!isdigit((unsigned char) entry->d_name[0]))
                        continue;
                if (++n_tasks > PROBE_TASKS_MAX || strlen(entry->d_name) > 10)
                        return -EAGAIN;
                (void) snprintf(path, sizeof(path), "%.10s/children", entry->d_name);
                ssize_t n = file_read_virtual(fd, path, text, sizeof(text));
                if (n < 0)
                        return (int) n;
                int r = (size_t) n == sizeof(text) - 1 ? -EAGAIN : child_list_parse(list, text);
                if (r < 0)
                        return r;
        }
        return n_tasks > 0 ? 0 : -EAGAIN;
}

int payload_members_probe_others(const PayloadScope *scope, pid_t main_pid) {
        assert(scope);

        ChildList list = {};
        bool is_clear = true;

        /* Main's children first: who is orphaned in between shows up among ours. */
        if (main_pid > 0 && child_list_read(&list, scope->proc_fd, main_pid) < 0)
                is_clear = false;
        int r = child_list_read(&list, scope->proc_fd, scope->self);
        if (r < 0)
                return r;

        for (size_t i = 0; i < list.n; i++) {
                ProcessInfo info;
                if (list.pids[i] == main_pid || payload_scope_is_apart(scope, list.pids[i]))
                        continue;
                /* One that has ended may have left children to us since the list was read. */
                is_clear = false;
                if (proc_read_info(scope->proc_fd, list.pids[i], &info) >= 0 &&
                        proc_info_is_alive(&info))
                        return 1;
        }
        return is_clear ? 0 : -EAGAIN;
}

/* ---- Signals ---- */

static int member_check(const PayloadScope *scope, pid_t pid, uint64_t start_ticks) {
        ProcessInfo info;

        int r = proc_read_info(scope->proc_fd, pid, &info);
        if (r < 0)
                return r;
        return info.start_ticks == start_ticks && proc_info_is_alive(&info) ? 0 : -ESRCH;
}

int payload_member_open(pid_t pid, int *ret_pidfd) {
        assert(pid > 0);
        assert(ret_pidfd);

        int pidfd = pidfd_open(pid, 0);
        if (pidfd < 0)
                switch (errno) {
                case ENOSYS:
                case EPERM: /* pidfd_open(2) knows no permissions: a seccomp filter */
                        break;
                case EINVAL: /* the pid is a thread by now (ENOENT from Linux 6.9) */
                case ENOENT:
                        return -ESRCH;
                default:
                        return -errno;
                }
        *ret_pidfd = pidfd < 0 ? -EBADF : pidfd;
        return 0;
}

int payload_member_send(int pidfd, pid_t pid, int signo) {
        int r = pidfd >= 0 ? pidfd_send_signal(pidfd, signo, NULL, 0) : kill(pid, signo);
        return r < 0 ? -errno : 0;
}

int payload_member_signal(
        const PayloadScope *scope, pid_t pid, uint64_t start_ticks, int signo, bool is_continued) {
        assert(scope);

        _cleanup_close_ int pidfd = -EBADF;
        int r = payload_member_open(pid, &pidfd);
        if (r < 0)
                return r;
        r = member_check(scope, pid, start_ticks);
        if (r < 0)
                return r;
        r = payload_member_send(pidfd, pid, signo);
        if (r < 0 || !is_continued)
                return r;
        r = payload_member_send(pidfd, pid, SIGCONT);
        return r == -ESRCH ? 0 : r; /* the signal has ended it */
}

bool payload_member_ignores(const PayloadScope *scope, pid_t pid, int signo) {
        static const char key[] = "\nSigIgn:";
        char path[32], text[4096];
        const char *line;

        assert(scope);
        assert(signo >= 1 && signo <= 64);

        (void) snprintf(path, sizeof(path), "%d/status", pid);
        if (file_read_virtual(scope->proc_fd, path, text, sizeof(text)) < 0)
                return false;
        /* comm, the only line that a process writes itself, has its newlines escaped. */
        line = strstr(text, key);
        return line && (strtoull(line + strlen(key), NULL, 16) >> (signo - 1)) & 1;
}
