/* SPDX-License-Identifier: MIT */

/* The payload beside the supervisor's own helper processes: they and what they have executed are
 * none of it, and one of them can list it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "payload-fixture.h"

static bool list_has(const ProcessInfo *list, size_t n, pid_t pid) {
        for (size_t i = 0; i < n; i++)
                if (list[i].pid == pid)
                        return true;
        return false;
}

static void payload_test_list(PayloadTest *test, size_t *ret_n) {
        free(test->list);
        test->list = NULL;
        assert_int_equal(payload_list(test->family.payload, &test->list, ret_n), 0);
}

static void test_payload_helper_is_none_of_it(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        size_t n = 0, n_total = 0;

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        pid_t helper = family_add(&test->family, MEMBER_PLAIN);
        assert_true(payload_has_others(payload));
        assert_int_equal(payload_add_helper(payload, helper), 0);
        assert_false(payload_has_others(payload));
        assert_false(payload_contains(payload, helper));
        assert_true(payload_contains(payload, main_pid));
        assert_int_equal(payload_list_others(payload, &test->list, &n, &n_total), 0);
        assert_int_equal(n_total, 0);
        assert_int_equal(payload_signal(payload, PHASE_TARGET_OTHERS, SIGTERM, false, &n), -ESRCH);
        assert_int_equal(payload_signal(payload, PHASE_TARGET_ALL, SIGKILL, false, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(kill(helper, 0), 0);

        payload_remove_helper(payload, helper);
        assert_true(payload_contains(payload, helper));

        for (size_t i = 0; payload_add_helper(payload, helper) == 0; i++)
                assert_true(i < 100); /* bounded */
}

/* ---- The list of all ---- */

static void test_payload_list_has_main_and_no_zombies(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;
        size_t n = 77;

        payload_test_list(test, &n);
        assert_int_equal(n, 0);

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        pid_t stopped = family_add(&test->family, MEMBER_STOPPED);
        pid_t grandchild = family_add(&test->family, MEMBER_GRANDCHILD);
        pid_t zombie = family_add(&test->family, MEMBER_PLAIN);
        family_end(zombie);

        payload_test_list(test, &n);
        assert_int_equal(n, 4); /* the grandchild's parent is one of them */
        assert_true(list_has(test->list, n, main_pid));
        assert_true(list_has(test->list, n, stopped));
        assert_true(list_has(test->list, n, grandchild));
        assert_false(list_has(test->list, n, zombie));
        assert_false(list_has(test->list, n, getpid()));

        family_end(main_pid);
        payload_test_list(test, &n);
        assert_int_equal(n, 3);
        assert_false(list_has(test->list, n, main_pid));
}

typedef struct Told {
        int r;
        size_t n;
        bool has_main;
        bool has_self;
} Told;

/* In a child: what it has to tell of the list. */
static void told_from_helper(Payload *payload, pid_t main_pid, bool is_added, Told *ret_told) {
        _cleanup_free_ ProcessInfo *list = NULL;
        size_t n = 0;

        int r = is_added ? payload_add_helper(payload, getpid()) : 0;
        if (r >= 0)
                r = payload_list(payload, &list, &n);
        *ret_told = (Told){
                .r = r,
                .n = n,
                .has_main = list_has(list, n, main_pid),
                .has_self = list_has(list, n, getpid()),
        };
}

static void test_payload_list_from_within_a_helper_is_the_supervisors(void **state) {
        PayloadTest *test = *state;
        Payload *payload = test->family.payload;

        pid_t main_pid = family_add(&test->family, MEMBER_PLAIN);
        payload_set_main(payload, main_pid);
        (void) family_add(&test->family, MEMBER_PLAIN);

        /* It sees itself unless it has added itself. */
        for (int is_added = 0; is_added < 2; is_added++) {
                Told told = {};
                int fds[2];

                assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
                pid_t pid = fork();
                if (pid == 0) {
                        told_from_helper(payload, main_pid, is_added != 0, &told);
                        _exit(write(fds[1], &told, sizeof(told)) != sizeof(told));
                }
                (void) close(fds[1]);
                ssize_t n = read(fds[0], &told, sizeof(told));
                (void) close(fds[0]);
                assert_true(pid > 0);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                assert_int_equal(n, sizeof(told));

                assert_int_equal(told.r, 0);
                assert_int_equal(told.n, is_added ? 2 : 3);
                assert_true(told.has_main);
                assert_int_equal(told.has_self, !is_added);
        }
}

/* ---- What a helper has executed ---- */

static void test_payload_child_of_a_helper_is_no_member_of_main_it_is(void **state) {
        enum {
                MAIN = 900001,
                HELPER,
                OF_MAIN,
                OF_HELPER,
                DEEPER, /* of OF_MAIN */
                ORPHAN,
        };
        PayloadTest *test = *state;
        pid_t self = getpid();
        size_t n = 0, n_total = 0;

        family_replace_payload(&test->family, test->tree.path);
        Payload *payload = test->family.payload;
        procfs_tree_put_process(&test->tree, 1, 0, 'S');
        procfs_tree_put_process(&test->tree, self, 1, 'S');
        procfs_tree_put_process(&test->tree, MAIN, self, 'S');
        procfs_tree_put_process(&test->tree, HELPER, self, 'S');
        procfs_tree_put_process(&test->tree, OF_MAIN, MAIN, 'S');
        procfs_tree_put_process(&test->tree, OF_HELPER, HELPER, 'S');
        procfs_tree_put_process(&test->tree, DEEPER, OF_MAIN, 'S');
        procfs_tree_put_process(&test->tree, ORPHAN, self, 'S');
        payload_set_main(payload, MAIN);
        payload_test_list(test, &n);
        assert_int_equal(n, 6);

        assert_int_equal(payload_add_helper(payload, HELPER), 0);
        payload_test_list(test, &n);
        assert_int_equal(n, 4);
        assert_false(list_has(test->list, n, HELPER));
        assert_false(list_has(test->list, n, OF_HELPER));
        assert_true(list_has(test->list, n, MAIN));
        assert_true(list_has(test->list, n, OF_MAIN));
        assert_true(list_has(test->list, n, DEEPER));
        assert_true(list_has(test->list, n, ORPHAN));

        free(test->list);
        test->list = NULL;
        assert_int_equal(payload_list_others(payload, &test->list, &n, &n_total), 0);
        assert_int_equal(n_total, 3);
        assert_false(list_has(test->list, n, OF_HELPER));

        payload_remove_helper(payload, HELPER);
        payload_test_list(test, &n);
        assert_int_equal(n, 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                PAYLOAD_TEST(test_payload_helper_is_none_of_it),
                PAYLOAD_TEST(test_payload_list_has_main_and_no_zombies),
                PAYLOAD_TEST(test_payload_list_from_within_a_helper_is_the_supervisors),
                PAYLOAD_TEST(test_payload_child_of_a_helper_is_no_member_of_main_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
