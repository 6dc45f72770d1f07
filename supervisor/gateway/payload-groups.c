/* SPDX-License-Identifier: MIT */

/* A signal to a process group is one act of the kernel: a member that is forking meanwhile has to
 * start over and finds the signal, so no child slips out between the look and the kill. That makes
 * groups the surest way to end a fork storm without a cgroup: however short its processes live, they
 * inherit their group.
 *
 * It needs care, because a group may hold processes that are not the gateway's. The supervisor's own
 * group, which the gateway starts in, is left to the sweep; and a group counts only when every living
 * process that /proc shows in it descends from the supervisor. */

#include "payload-groups.h"

#include <linux/magic.h>
#include <signal.h>
#include <sys/vfs.h>
#include <unistd.h>

typedef struct GroupMember {
        ProcessInfo info;
        bool is_ours;
} GroupMember;

static int group_member_compare(const void *a, const void *b) {
        const GroupMember *x = a, *y = b;

        return (x->info.pgrp > y->info.pgrp) - (x->info.pgrp < y->info.pgrp);
}

/* A group is signalled by its number alone, with no pidfd to vouch for it: so only the kernel's own word
 * counts, not that of an injected tree, whose numbers are other processes' here. */
static bool groups_are_known(const PayloadScope *scope) {
        struct statfs info;

        return fstatfs(scope->proc_fd, &info) >= 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* The living processes of all groups but the supervisor's own and those that cannot be named from
 * here. */
static size_t group_members_collect(
        const ProcessInfo *list, size_t n, size_t n_ours, GroupMember *members) {
        pid_t own = getpgrp();
        size_t n_members = 0;

        for (size_t i = 0; i < n; i++)
                if (list[i].pgrp > 1 && list[i].pgrp != own && proc_info_is_alive(&list[i]))
                        members[n_members++] = (GroupMember){ list[i], i < n_ours };
        return n_members;
}

/* members: one group. Returns: whether it was killed. */
static bool group_kill(const GroupMember *members, size_t n, pid_t but_pid) {
        for (size_t i = 0; i < n; i++)
                if (!members[i].is_ours || members[i].info.pid == but_pid)
                        return false;
        return kill(-members[0].info.pgrp, SIGKILL) >= 0;
}

int payload_groups_kill(
        const PayloadScope *scope, pid_t but_pid, ProcessInfo **ret_killed, size_t *ret_n) {
        _cleanup_free_ ProcessInfo *list = NULL;
        _cleanup_free_ GroupMember *members = NULL;
        size_t n = 0, n_ours, n_members, n_killed = 0;
        int r;

        assert(scope);
        assert(ret_killed);
        assert(ret_n);

        if (!groups_are_known(scope)) {
                *ret_killed = NULL;
                *ret_n = 0;
                return 0;
        }
        r = proc_read_all(scope->proc_fd, &list, &n);
        if (r < 0)
                return r;
        n_ours = proc_keep_descendants(list, n, scope->self);
        members = calloc(n + 1, sizeof(GroupMember));
        if (!members)
                return -ENOMEM;
        n_members = group_members_collect(list, n, n_ours, members);
        if (n_members > 1)
                qsort(members, n_members, sizeof(GroupMember), group_member_compare);

        for (size_t i = 0, end; i < n_members; i = end) {
                for (end = i + 1;
                        end < n_members && members[end].info.pgrp == members[i].info.pgrp;)
                        end++;
                if (!group_kill(members + i, end - i, but_pid))
                        continue;
                for (size_t k = i; k < end; k++)
                        list[n_killed++] = members[k].info;
        }
        *ret_killed = TAKE_PTR(list);
        *ret_n = n_killed;
        return 0;
}
