/* SPDX-License-Identifier: MIT */

/* The payload with real processes: who belongs to it, who is reaped, and its group. Who gets which
 * signal stands in test-payload-signal.c, what is hard to end in test-payload-sweep.c, what the
 * supervisor forks for itself in test-payload-helper.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "payload-fixture.h"

/* ---- Who is there ---- */

static void test_payload_without_children_is_empty(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        PayloadReaped reaped;
        size_t n = 77, n_total = 77;

        assert_false(payload_is_populated(payload));
        assert_false(payload_has_others(payload));
        assert_int_equal(payload_reap(payload, &reaped), -ECHILD);
        assert_int_equal(payload_list_others(payload, &test->list, &n, &n_total), 0);
        assert_int_equal(n, 0);
        assert_int_equal(n_total, 0);
        for (int target = 0; target < _PHASE_TARGET_MAX; target++) {
                assert_int_equal(
                        payload_signal(payload, (PhaseTarget) target, SIGTERM, false, &n), -ESRCH);
                assert_int_equal(
                        payload_signal(payload, (PhaseTarget) target, SIGKILL, false, &n), -ESRCH);
        }
        assert_int_equal(payload_cgroup_fd(payload), -EBADF);
}

static void test_payload_main_alone_has_no_others(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        assert_true(payload_is_populated(payload));
        assert_false(payload_has_others(payload));

        /* The same process, and nobody is main: it is one of the others. */
        payload_set_main(payload, 0);
        assert_true(payload_is_populated(payload));
        assert_true(payload_has_others(payload));
}

static void test_payload_others_found_however_far_they_went(void **state) {
        static const MemberKind kinds[] = {
                MEMBER_PLAIN,
                MEMBER_GRANDCHILD,
                MEMBER_ORPHAN_OWN_SESSION,
                MEMBER_STOPPED,
        };
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        size_t n = 0;

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                pid_t pid = family_add(&test->family, kinds[i]);
                assert_true(payload_has_others(payload));
                assert_true(payload_contains(payload, pid));
                assert_int_equal(
                        payload_signal(payload, PHASE_TARGET_OTHERS, SIGKILL, false, &n), 0);
                assert_true(n >= 1);
                family_reap_all_but(main_pid);
                assert_false(payload_has_others(payload));
                assert_false(payload_contains(payload, pid));
        }
        assert_true(payload_is_populated(payload));
}

static void test_payload_zombies_do_not_count(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        size_t n = 77;

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        family_end(family_add(&test->family, MEMBER_PLAIN));
        assert_false(payload_has_others(payload));
        assert_true(payload_is_populated(payload));

        family_end(main_pid);
        assert_false(payload_is_populated(payload));
        assert_int_equal(payload_signal(payload, PHASE_TARGET_MAIN, SIGTERM, false, &n), -ESRCH);
        assert_int_equal(payload_signal(payload, PHASE_TARGET_ALL, SIGTERM, false, &n), -ESRCH);
        assert_int_equal(payload_signal(payload, PHASE_TARGET_ALL, SIGKILL, false, &n), -ESRCH);
        assert_int_equal(n, 77);
}

static void test_payload_contains_only_its_own(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;

        pid_t pid = family_add(&test->family, MEMBER_GRANDCHILD);
        assert_true(payload_contains(payload, pid));
        assert_false(payload_contains(payload, getpid()));
        assert_false(payload_contains(payload, getppid()));
        assert_false(payload_contains(payload, 1));
        assert_false(payload_contains(payload, 0));
        assert_false(payload_contains(payload, -1));
        assert_false(payload_contains(payload, INT32_MAX));
}

/* A parent on the way up has vanished: who was found once is known without the way. */
static void test_payload_contains_who_was_found_until_the_pid_is_another(void **state) {
        PayloadTest *test = *state;

        family_replace_payload(&test->family, test->tree.path);
        Payload *payload = test->family.payload;
        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        procfs_tree_put_process(&test->tree, 900001, getpid(), 'S');
        procfs_tree_put_process(&test->tree, 900002, 900001, 'S');
        procfs_tree_put_process(&test->tree, 900003, 900001, 'S');
        assert_true(payload_contains(payload, 900002));
        assert_int_equal(unlinkat(test->tree.fd, "900001/stat", 0), 0);
        assert_true(payload_contains(payload, 900002));
        assert_false(payload_contains(payload, 900003)); /* was never asked for */

        /* The pid was used again, for a stranger and then for one of the payload. */
        procfs_tree_put(&test->tree, "900002/stat", "900002 (new) " STAT_REST("S", 1, 77));
        assert_false(payload_contains(payload, 900002));
        procfs_tree_put_process(&test->tree, 900001, getpid(), 'S');
        procfs_tree_put(&test->tree, "900002/stat", "900002 (new) " STAT_REST("S", 900001, 78));
        assert_true(payload_contains(payload, 900002));
        procfs_tree_put(&test->tree, "900002/stat", "900002 (new) " STAT_REST("S", 1, 79));
        assert_false(payload_contains(payload, 900002));

        /* Gone, and one that is said to be a helper. */
        assert_true(payload_contains(payload, 900003));
        assert_int_equal(payload_add_helper(payload, 900003), 0);
        assert_false(payload_contains(payload, 900003));
        payload_remove_helper(payload, 900003);
        assert_true(payload_contains(payload, 900003));
        assert_int_equal(unlinkat(test->tree.fd, "900003/stat", 0), 0);
        assert_false(payload_contains(payload, 900003));
}

static void test_payload_list_is_oldest_first_and_bounded(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        enum { N_OTHERS = PAYLOAD_LIST_MAX + 6 };
        size_t n = 0, n_total = 0;

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        for (size_t i = 0; i < N_OTHERS; i++)
                (void) family_add(&test->family, MEMBER_PLAIN);
        family_end(family_add(&test->family, MEMBER_PLAIN));

        assert_int_equal(payload_list_others(payload, &test->list, &n, &n_total), 0);
        assert_int_equal(n, PAYLOAD_LIST_MAX);
        assert_int_equal(n_total, N_OTHERS);
        for (size_t i = 0; i < n; i++) {
                assert_int_not_equal(test->list[i].pid, main_pid);
                assert_int_equal(test->list[i].ppid, getpid());
                assert_true(i == 0 || test->list[i - 1].start_ticks <= test->list[i].start_ticks);
        }
}

/* ---- Lists of children, which not every kernel has ---- */

static void test_payload_children_lists_asked_before_all_of_proc(void **state) {
        PayloadTest *test = *state;
        pid_t self = getpid();
        char path[64], text[64];

        /* We do have a child; what /proc shows is made up, and contradicts itself: the lists of
         * children do not know 900004, a pass over all finds it. */
        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        family_replace_payload(&test->family, test->tree.path);
        Payload *payload = test->family.payload;
        procfs_tree_put_process(&test->tree, main_pid, self, 'S');
        procfs_tree_put_process(&test->tree, 900001, 77, 'S');
        procfs_tree_put_process(&test->tree, 900002, 77, 'Z');
        procfs_tree_put_process(&test->tree, 900004, self, 'S');
        payload_set_main(payload, main_pid);
        assert_true(payload_has_others(payload));

        static const struct {
                const char *own; /* children, besides main */
                const char *mains;
                bool is_told_by_lists;
                bool has_others;
        } rows[] = {
                { "", "", true, false },
                { "", "900001 ", true, true },
                { "900001 ", "", true, true },
                { "900003 900001 ", "", true, true }, /* 900003 has vanished */
                { "900002 ", "", false, false },      /* the dead may have left children */
                { "900003 ", "", false, false },
                { "", "900002 ", false, false },
                { "garbage", "", false, false },
        };
        for (size_t i = 0; i < 2 * ELEMENTSOF(rows); i++) {
                size_t row = i % ELEMENTSOF(rows);
                bool is_seen_by_pass = i < ELEMENTSOF(rows);

                procfs_tree_put_process(&test->tree, 900004, self, is_seen_by_pass ? 'S' : 'Z');
                (void) snprintf(path, sizeof(path), "%d/task/%d/children", self, self);
                (void) snprintf(text, sizeof(text), "%d %s", main_pid, rows[row].own);
                procfs_tree_put(&test->tree, path, text);
                (void) snprintf(path, sizeof(path), "%d/task/%d/children", main_pid, main_pid);
                procfs_tree_put(&test->tree, path, rows[row].mains);
                assert_int_equal(payload_has_others(payload),
                        rows[row].is_told_by_lists ? rows[row].has_others : is_seen_by_pass);
        }
}

/* In a fork storm every process that a walk through /proc looks at may have ended by then: only a wait
 * that finds no child proves that nobody is left. */
static void test_payload_dead_child_without_main_counts_until_reaped(void **state) {
        PayloadTest *test = *state;
        PayloadReaped reaped;

        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        Payload *payload = test->family.payload;
        assert_true(payload_has_others(payload));
        family_end(pid);

        assert_true(payload_has_others(payload));
        assert_int_equal(payload_reap(payload, &reaped), 1);
        assert_int_equal(reaped.pid, pid);
        assert_false(payload_has_others(payload));
}

static void test_payload_unreadable_proc_errs_on_populated(void **state) {
        PayloadTest *test = *state;
        PayloadReaped reaped;

        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        family_replace_payload(&test->family, test->tree.path);
        Payload *payload = test->family.payload;
        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        assert_false(payload_contains(payload, pid));

        procfs_tree_done(&test->tree);
        assert_true(payload_is_populated(payload));
        assert_true(payload_has_others(payload));
        family_end(pid);
        assert_true(payload_is_populated(payload));
        assert_int_equal(payload_reap(payload, &reaped), 1);
        assert_false(payload_is_populated(payload));
        assert_false(payload_has_others(payload));
}

/* ---- Reaping ---- */

static void test_payload_reap_tells_how_each_ended(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        PayloadReaped reaped = { .pid = 77 };

        pid_t exits = family_add(&test->family, MEMBER_EXITS_7);
        assert_int_equal(family_await_end(exits), 7);
        assert_int_equal(payload_reap(payload, &reaped), 1);
        assert_int_equal(reaped.pid, exits);
        assert_int_equal(reaped.code, CLD_EXITED);
        assert_int_equal(reaped.status, 7);

        pid_t lives = family_add(&test->family, MEMBER_PLAIN);
        assert_int_equal(payload_reap(payload, &reaped), 0);
        assert_int_equal(reaped.pid, exits);

        payload_set_main(payload, lives);
        family_end(lives);
        assert_int_equal(payload_reap(payload, &reaped), 1);
        assert_int_equal(reaped.pid, lives);
        assert_int_equal(reaped.code, CLD_KILLED);
        assert_int_equal(reaped.status, SIGKILL);

        assert_int_equal(payload_reap(payload, &reaped), -ECHILD);
        /* Main is unset: its pid may be anybody's. */
        assert_int_equal(payload_signal(payload, PHASE_TARGET_MAIN, SIGTERM, false, NULL), -ESRCH);
}

static void test_payload_thousand_orphans_reaped(void **state) {
        PayloadTest *test = *state;
        PayloadReaped reaped;
        size_t n_reaped = 0;
        int r;

        /* One process forks them all and ends without waiting: they become ours. */
        pid_t parent = family_add(&test->family, MEMBER_LEAVES_ORPHANS);
        assert_int_equal(family_await_end(parent), 0);
        while ((r = payload_reap(test->family.payload, &reaped)) >= 0) {
                if (r == 0) {
                        siginfo_t info;
                        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
                        continue;
                }
                n_reaped++;
        }
        assert_int_equal(r, -ECHILD);
        assert_int_equal(n_reaped, FAMILY_ORPHANS + 1);
}

/* ---- Group ---- */

static void test_payload_group_refused_where_not_delegated(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;

        assert_int_equal(payload_make_cgroup(payload, test->tree.path, "/missing"), -ENOENT);
        if (geteuid() == 0) {
                assert_int_equal(payload_make_cgroup(payload, test->tree.path, "/"), -EPERM);
                assert_int_equal(fchown(test->tree.fd, 65534, 65534), 0);
                assert_int_equal(seteuid(65534), 0);
        }
        /* Ours, but no cgroup: it has no cgroup.kill. Nothing is left behind. */
        int r = payload_make_cgroup(payload, test->tree.path, "/");
        assert_int_equal(seteuid(getuid()), 0);
        assert_int_equal(r, -EOPNOTSUPP);
        assert_int_equal(faccessat(test->tree.fd, PAYLOAD_CGROUP_NAME, F_OK, 0), -1);
        assert_int_equal(payload_cgroup_fd(payload), -EBADF);

        (void) family_add(&test->family, MEMBER_PLAIN);
        assert_true(payload_has_others(payload));
}

static void test_payload_group_holds_what_is_born_in_it(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        size_t n_sent = 0;

        if (payload_cgroup_fd(payload) < 0)
                skip();
        assert_false(payload_has_others(payload));
        pid_t inside = family_add(&test->family, MEMBER_PLAIN);
        family_move_to_group(&test->family, inside);
        /* One that moved itself out, but descends from us, counts like any. */
        pid_t outside = family_add(&test->family, MEMBER_GRANDCHILD);
        assert_true(payload_contains(payload, inside));
        assert_true(payload_contains(payload, outside));
        assert_int_equal(payload_signal(payload, PHASE_TARGET_OTHERS, SIGTERM, false, &n_sent), 0);
        assert_int_equal(n_sent, 3); /* the grandchild's parent is one of them */
        family_reap_all_but(0);
        assert_false(payload_has_others(payload));
}

static void test_payload_group_holds_strangers_too(void **state) {
        PayloadTest *test = *state;
        size_t n = 0, n_sent = 0;
        char path[32], text[128];

        /* Not our descendant, as the injected tree has it, but in the group. */
        pid_t pid = family_add(&test->family, MEMBER_PLAIN);
        family_replace_payload(&test->family, test->tree.path);
        family_make_group(&test->family);
        Payload *payload = test->family.payload;
        if (payload_cgroup_fd(payload) < 0)
                skip();
        procfs_tree_put_process(&test->tree, pid, 1, 'S');
        assert_false(payload_contains(payload, pid));

        family_move_to_group(&test->family, pid);
        (void) snprintf(path, sizeof(path), "%d/cgroup", pid);
        (void) snprintf(text, sizeof(text), "0::%s/%s\n", test->family.group, PAYLOAD_CGROUP_NAME);
        procfs_tree_put(&test->tree, path, text);
        assert_true(payload_has_others(payload));
        assert_true(payload_contains(payload, pid));
        assert_int_equal(payload_list_others(payload, &test->list, &n, NULL), 0);
        assert_int_equal(n, 1);
        assert_int_equal(test->list[0].pid, pid);
        (void) snprintf(text, sizeof(text), "0::%s/%sx\n", test->family.group, PAYLOAD_CGROUP_NAME);
        procfs_tree_put(&test->tree, path, text);
        assert_false(payload_contains(payload, pid));

        assert_int_equal(payload_signal(payload, PHASE_TARGET_ALL, SIGKILL, false, &n_sent), 0);
        assert_int_equal(n_sent, 1);
        assert_int_equal(family_await_end(pid), SIGKILL);
}

static void test_payload_group_removed_with_payload(void **state) {
        PayloadTest *test = *state;

        if (payload_cgroup_fd(test->family.payload) < 0)
                skip();
        int fd = fcntl(payload_cgroup_fd(test->family.payload), F_DUPFD_CLOEXEC, 0);
        assert_true(fd >= 0);
        int before = faccessat(fd, "cgroup.procs", F_OK, 0);
        payload_drop_cgroup(test->family.payload);
        int after = faccessat(fd, "cgroup.procs", F_OK, 0);
        (void) fd_close(fd);
        assert_int_equal(before, 0);
        assert_int_equal(after, -1);
        assert_int_equal(payload_cgroup_fd(test->family.payload), -EBADF);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                PAYLOAD_TEST(test_payload_without_children_is_empty),
                PAYLOAD_TEST(test_payload_main_alone_has_no_others),
                PAYLOAD_TEST(test_payload_others_found_however_far_they_went),
                PAYLOAD_TEST(test_payload_zombies_do_not_count),
                PAYLOAD_TEST(test_payload_contains_only_its_own),
                PAYLOAD_TEST(test_payload_contains_who_was_found_until_the_pid_is_another),
                PAYLOAD_TEST(test_payload_list_is_oldest_first_and_bounded),
                PAYLOAD_TEST(test_payload_children_lists_asked_before_all_of_proc),
                PAYLOAD_TEST(test_payload_unreadable_proc_errs_on_populated),
                PAYLOAD_TEST(test_payload_dead_child_without_main_counts_until_reaped),
                PAYLOAD_TEST(test_payload_reap_tells_how_each_ended),
                PAYLOAD_TEST(test_payload_thousand_orphans_reaped),
                PAYLOAD_TEST(test_payload_group_refused_where_not_delegated),
                PAYLOAD_TEST_GROUP(test_payload_group_holds_what_is_born_in_it),
                PAYLOAD_TEST(test_payload_group_holds_strangers_too),
                PAYLOAD_TEST_GROUP(test_payload_group_removed_with_payload),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
