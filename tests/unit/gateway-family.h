/* SPDX-License-Identifier: MIT */
#pragma once

/* Real processes for tests of the payload. Every one of them, however deep, holds the reading end of
 * a pipe whose other end only the test holds, and ends when that is closed: none outlives the test,
 * however it ends. Include after cmocka.h. */

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "file.h"
#include "gateway/payload.h"

#define FAMILY_DEADLINE_SEC    100
#define FAMILY_CROWD           200
#define FAMILY_ORPHANS         1000
#define FAMILY_FORKERS         20
#define FAMILY_GENERATIONS_MAX 12000 /* of all forkers together: as many zombies, at worst */

typedef enum MemberKind {
        MEMBER_PLAIN,
        MEMBER_STOPPED,
        MEMBER_EXITS_7,
        MEMBER_GRANDCHILD,         /* its parent lives and is a member too */
        MEMBER_ORPHAN_OWN_SESSION, /* its parent is gone */
        MEMBER_LEAVES_ORPHANS,     /* forks many and ends without waiting for them */
        MEMBER_CROWD,              /* with many children in sessions of their own that ignore all */
        MEMBER_STORM,              /* forkers that replace themselves as fast as they can */
} MemberKind;

typedef struct FamilyCounters {
        _Atomic unsigned n_generations; /* of forkers */
        _Atomic unsigned n_survivors;   /* forkers that ended by themselves */
} FamilyCounters;

typedef struct Family {
        Payload *payload;
        int life_fds[2];
        FamilyCounters *counters; /* shared */
        char group[64];           /* path of the unit's group; empty: none */
        int mount_fd;
} Family;

/* ---- In members ---- */

static void member_say(int says_fd) {
        pid_t pid = getpid();

        if (write(says_fd, &pid, sizeof(pid)) != sizeof(pid))
                _exit(1);
        (void) close(says_fd);
}

_noreturn_ static void member_wait(const Family *family) {
        char byte;

        while (read(family->life_fds[0], &byte, 1) < 0 && errno == EINTR)
                ;
        _exit(0);
}

static bool member_may_live(const Family *family) {
        struct pollfd life = { .fd = family->life_fds[0], .events = POLLIN };

        return poll(&life, 1, 0) == 0;
}

_noreturn_ static void member_orphan(const Family *family, int says_fd, pid_t test_pid) {
        pid_t pid = fork();
        if (pid != 0)
                _exit(pid < 0);
        (void) setsid();
        while (getppid() != test_pid && member_may_live(family))
                (void) sched_yield();
        member_say(says_fd);
        member_wait(family);
}

_noreturn_ static void member_leave_orphans(int says_fd) {
        for (size_t i = 0; i < FAMILY_ORPHANS; i++) {
                pid_t pid = fork();
                if (pid <= 0)
                        _exit(pid < 0);
        }
        member_say(says_fd);
        _exit(0);
}

_noreturn_ static void member_ignore_all(const Family *family, int ready_fd) {
        sigset_t all;

        (void) setsid();
        for (int signo = 1; signo <= SIGRTMAX; signo++)
                (void) signal(signo, SIG_IGN);
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_BLOCK, &all, NULL);
        member_say(ready_fd);
        member_wait(family);
}

_noreturn_ static void member_crowd(const Family *family, int says_fd) {
        int fds[2];
        pid_t ready;

        if (pipe(fds) < 0)
                _exit(1);
        for (size_t i = 0; i < FAMILY_CROWD; i++) {
                pid_t pid = fork();
                if (pid < 0)
                        _exit(1);
                if (pid == 0)
                        member_ignore_all(family, fds[1]);
        }
        for (size_t i = 0; i < FAMILY_CROWD; i++)
                if (read(fds[0], &ready, sizeof(ready)) != sizeof(ready))
                        _exit(1);
        member_say(says_fd);
        member_wait(family);
}

_noreturn_ static void member_fork_on(const Family *family) {
        FamilyCounters *counters = family->counters;

        while (member_may_live(family) &&
                atomic_fetch_add(&counters->n_generations, 1) < FAMILY_GENERATIONS_MAX) {
                pid_t pid = fork();
                if (pid > 0)
                        _exit(0);
                if (pid < 0)
                        break;
        }
        (void) atomic_fetch_add(&counters->n_survivors, 1);
        _exit(0);
}

_noreturn_ static void member_storm(const Family *family, int says_fd) {
        for (size_t i = 0; i < FAMILY_FORKERS; i++)
                if (fork() == 0)
                        member_fork_on(family);
        /* It blows. */
        while (atomic_load(&family->counters->n_generations) < 5 * FAMILY_FORKERS)
                (void) sched_yield();
        member_say(says_fd);
        member_wait(family);
}

_noreturn_ static void member_run(
        const Family *family, MemberKind kind, int says_fd, pid_t test_pid) {
        (void) close(family->life_fds[1]);

        switch (kind) {
        case MEMBER_PLAIN:
                break;
        case MEMBER_STOPPED:
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                member_say(says_fd);
                (void) raise(SIGSTOP);
                member_wait(family);
        case MEMBER_EXITS_7:
                member_say(says_fd);
                _exit(7);
        case MEMBER_GRANDCHILD:
                if (fork() != 0)
                        member_wait(family);
                break;
        case MEMBER_ORPHAN_OWN_SESSION:
                member_orphan(family, says_fd, test_pid);
        case MEMBER_LEAVES_ORPHANS:
                member_leave_orphans(says_fd);
        case MEMBER_CROWD:
                member_crowd(family, says_fd);
        case MEMBER_STORM:
                member_storm(family, says_fd);
        }
        member_say(says_fd);
        member_wait(family);
}

/* ---- In the test ---- */

_unused_ static int family_init(Family *family, const char *proc_root) {
        /* A test that hangs fails; the family ends with it. */
        (void) alarm(FAMILY_DEADLINE_SEC);
        *family = (Family){ .life_fds = { -EBADF, -EBADF }, .mount_fd = -EBADF };
        if (pipe2(family->life_fds, O_CLOEXEC) < 0)
                return -errno;
        family->counters = mmap(NULL, sizeof(FamilyCounters), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (family->counters == MAP_FAILED)
                return -errno;
        return payload_new(proc_root, &family->payload);
}

_unused_ static void family_replace_payload(Family *family, const char *proc_root) {
        family->payload = payload_free(family->payload);
        assert_int_equal(payload_new(proc_root, &family->payload), 0);
}

/* Makes a delegated group for the payload, where a cgroup2 may be written. */
_unused_ static void family_make_group(Family *family) {
        const char *mount_point = cgroup_mount_point();
        char name[48];

        family->mount_fd = mount_point ? cgroup_open(mount_point, "/") : -EBADF;
        if (family->mount_fd < 0)
                return;
        (void) snprintf(name, sizeof(name), "test-payload-%d", getpid());
        int fd = cgroup_make_child(family->mount_fd, name);
        if (fd < 0)
                return;
        (void) snprintf(family->group, sizeof(family->group), "/%s", name);
        if (fsetxattr(fd, "user.delegate", "1", 1, 0) == 0)
                (void) !payload_make_cgroup(family->payload, mount_point, family->group);
        (void) fd_close(fd);
}

_unused_ static void family_move_to_group(const Family *family, pid_t pid) {
        char text[16];

        (void) snprintf(text, sizeof(text), "%d", pid);
        assert_int_equal(
                file_write_virtual(payload_cgroup_fd(family->payload), "cgroup.procs", text), 0);
}

static pid_t family_fork(Family *family, MemberKind kind, bool is_in_group, int *ret_says_fd) {
        int fds[2];
        pid_t test_pid = getpid();

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid_t pid = fork();
        if (pid == 0) {
                if (is_in_group &&
                        file_write_virtual(
                                payload_cgroup_fd(family->payload), "cgroup.procs", "0") < 0)
                        _exit(1);
                member_run(family, kind, fds[1], test_pid);
        }
        (void) close(fds[1]);
        *ret_says_fd = fds[0];
        return pid;
}

static pid_t family_add_to(Family *family, MemberKind kind, bool is_in_group) {
        int says_fd;
        pid_t said = 0;

        pid_t pid = family_fork(family, kind, is_in_group, &says_fd);
        ssize_t n = read(says_fd, &said, sizeof(said));
        (void) close(says_fd);
        assert_true(pid > 0);
        assert_int_equal(n, sizeof(said));

        siginfo_t info;
        if (kind == MEMBER_STOPPED)
                assert_int_equal(waitid(P_PID, (id_t) pid, &info, WSTOPPED), 0);
        if (kind == MEMBER_ORPHAN_OWN_SESSION)
                assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED), 0);
        return said;
}

/* Returns: the pid of the member that the kind describes, once it is what it shall be. */
_unused_ static pid_t family_add(Family *family, MemberKind kind) {
        return family_add_to(family, kind, /* is_in_group= */ false);
}

_unused_ static pid_t family_add_to_group(Family *family, MemberKind kind) {
        return family_add_to(family, kind, /* is_in_group= */ true);
}

/* Waits for the end of a child of ours, without reaping it. Returns: its exit code or signal. */
_unused_ static int family_await_end(pid_t pid) {
        siginfo_t info = {};

        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
        return info.si_status;
}

_unused_ static void family_end(pid_t pid) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(family_await_end(pid), SIGKILL);
}

/* Of a child of ours that was not reaped. */
_unused_ static bool family_is_alive(pid_t pid) {
        siginfo_t info = {};

        assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
        return info.si_pid == 0;
}

/* Whether a process other than but_pid has this one as its parent. */
static bool family_has_child_but(pid_t but_pid) {
        _cleanup_close_ int proc_fd = proc_open_root("/proc");
        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0;

        if (proc_fd < 0 || proc_read_all(proc_fd, &list, &n) < 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (list[i].ppid == getpid() && list[i].pid != but_pid)
                        return true;
        return false;
}

/* Reaps until but_pid (0: nobody) is the only child left: the others are about to end. */
_unused_ static void family_reap_all_but(pid_t but_pid) {
        for (;;) {
                siginfo_t info = {};
                int options = but_pid > 0 ? WEXITED | WNOHANG : WEXITED;

                if (waitid(P_ALL, 0, &info, options) < 0)
                        return;
                if (info.si_pid != 0)
                        continue;
                if (!family_has_child_but(but_pid))
                        return;
                (void) sched_yield();
        }
}

/* Ends all there is: as long as children are not reaped their pids are their own, and whoever they
 * leave behind is our child next. */
static void family_end_all(void) {
        _cleanup_close_ int proc_fd = proc_open_root("/proc");
        siginfo_t info;

        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0) {
                _cleanup_free_ ProcessInfo *list = NULL;
                size_t n = 0;

                if (proc_read_all(proc_fd, &list, &n) < 0)
                        return;
                for (size_t i = 0; i < n; i++)
                        if (list[i].ppid == getpid())
                                (void) kill(list[i].pid, SIGKILL);
                while (waitid(P_ALL, 0, &(siginfo_t){}, WEXITED | WNOHANG) == 0 && n-- > 0)
                        ;
        }
}

_unused_ static void family_done(Family *family) {
        (void) !seteuid(getuid());
        (void) fd_close(family->life_fds[1]);
        family_end_all();
        (void) fd_close(family->life_fds[0]);
        family->payload = payload_free(family->payload);
        if (family->group[0] != '\0')
                (void) cgroup_remove_child(family->mount_fd, family->group + 1);
        (void) fd_close(family->mount_fd);
        if (family->counters && family->counters != MAP_FAILED)
                (void) munmap(family->counters, sizeof(FamilyCounters));
        (void) alarm(0);
}
