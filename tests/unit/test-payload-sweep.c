/* SPDX-License-Identifier: MIT */

/* Payloads that do not want to end: crowds that ignore every signal and fork storms, in the tree, in
 * the group, and half in each. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "gateway-family.h"

static int setup(void **state) {
        Family *family = calloc(1, sizeof(Family));

        if (!family)
                return -1;
        *state = family;
        return family_init(family, "/proc") < 0 ? -1 : 0;
}

static int setup_group(void **state) {
        if (setup(state) < 0)
                return -1;
        family_make_group(*state);
        return 0;
}

static int teardown(void **state) {
        family_done(*state);
        free(*state);
        return 0;
}

/* Reaps all there is. Returns: how many were killed by SIGKILL. */
static size_t reap_killed(Family *family) {
        size_t n_killed = 0;
        siginfo_t info;

        /* Blocks until there is one: the way to wait for ends. */
        while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) {
                PayloadReaped reaped;
                assert_int_equal(payload_reap(family->payload, &reaped), 1);
                if (reaped.code == CLD_KILLED && reaped.status == SIGKILL)
                        n_killed++;
        }
        assert_false(payload_is_populated(family->payload));
        assert_false(payload_has_others(family->payload));
        return n_killed;
}

static void end_crowd(Family *family) {
        size_t n_sent = 0;
        int policy = sched_getscheduler(0), nice_before = getpriority(PRIO_PROCESS, 0);

        assert_true(payload_others_ignore(family->payload, SIGTERM));
        assert_false(payload_others_ignore(family->payload, SIGKILL));
        assert_int_equal(
                payload_signal(family->payload, PHASE_TARGET_ALL, SIGTERM, true, &n_sent), 0);
        assert_int_equal(n_sent, FAMILY_CROWD);
        assert_int_equal(
                payload_signal(family->payload, PHASE_TARGET_ALL, SIGKILL, false, &n_sent), 0);
        assert_int_equal(n_sent, FAMILY_CROWD + 1);
        assert_int_equal(sched_getscheduler(0), policy);
        assert_int_equal(getpriority(PRIO_PROCESS, 0), nice_before);
        assert_int_equal(reap_killed(family), FAMILY_CROWD + 1);
}

static void test_payload_crowd_that_ignores_all_ended_in_tree(void **state) {
        Family *family = *state;

        payload_set_main(family->payload, family_add(family, MEMBER_CROWD));
        end_crowd(family);
}

static void test_payload_crowd_that_ignores_all_ended_in_group(void **state) {
        Family *family = *state;

        if (payload_cgroup_fd(family->payload) < 0)
                skip();
        payload_set_main(family->payload, family_add_to_group(family, MEMBER_CROWD));
        end_crowd(family);
}

static void test_payload_crowd_ended_around_main(void **state) {
        Family *family = *state;
        size_t n_sent = 0;

        pid_t main_pid = family_add(family, MEMBER_CROWD);
        payload_set_main(family->payload, main_pid);
        assert_int_equal(
                payload_signal(family->payload, PHASE_TARGET_ALL, SIGKILL, true, &n_sent), 0);
        assert_int_equal(n_sent, FAMILY_CROWD);
        assert_true(family_is_alive(main_pid));
        /* Its children stay zombies of main's, which do not count. The last may still be dying. */
        while (payload_has_others(family->payload))
                (void) sched_yield();
        assert_true(payload_is_populated(family->payload));
}

static void end_storm(Family *family) {
        size_t n_sent = 0;

        assert_int_equal(atomic_load(&family->counters->n_survivors), 0);
        assert_int_equal(
                payload_signal(family->payload, PHASE_TARGET_ALL, SIGKILL, false, &n_sent), 0);
        assert_true(n_sent > 0);
        assert_true(reap_killed(family) >= FAMILY_FORKERS);
        assert_int_equal(atomic_load(&family->counters->n_survivors), 0);
}

static void test_payload_fork_storm_ended_in_tree(void **state) {
        Family *family = *state;

        payload_set_main(family->payload, family_add(family, MEMBER_STORM));
        end_storm(family);
}

static void test_payload_fork_storm_ended_in_group(void **state) {
        Family *family = *state;

        if (payload_cgroup_fd(family->payload) < 0)
                skip();
        payload_set_main(family->payload, family_add_to_group(family, MEMBER_STORM));
        end_storm(family);
}

static void test_payload_fork_storm_outside_group_ended_with_group(void **state) {
        Family *family = *state;

        if (payload_cgroup_fd(family->payload) < 0)
                skip();
        payload_set_main(family->payload, family_add_to_group(family, MEMBER_CROWD));
        (void) family_add(family, MEMBER_STORM);
        end_storm(family);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_GROUP(name) cmocka_unit_test_setup_teardown(name, setup_group, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_payload_crowd_that_ignores_all_ended_in_tree),
                TEST_GROUP(test_payload_crowd_that_ignores_all_ended_in_group),
                TEST(test_payload_crowd_ended_around_main),
                TEST(test_payload_fork_storm_ended_in_tree),
                TEST_GROUP(test_payload_fork_storm_ended_in_group),
                TEST_GROUP(test_payload_fork_storm_outside_group_ended_with_group),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
