/* SPDX-License-Identifier: MIT */
#pragma once

/* A payload of real processes, beside a made-up /proc that can take the real one's place. Include
 * after cmocka.h. */

#include "gateway-family.h"
#include "procfs-tree.h"

typedef struct PayloadTest {
        Family family;
        ProcfsTree tree;
        ProcessInfo *list;
} PayloadTest;

_unused_ static int payload_test_setup(void **state) {
        PayloadTest *test = calloc(1, sizeof(PayloadTest));

        if (!test)
                return -1;
        *state = test;
        return family_init(&test->family, "/proc") < 0 || procfs_tree_init(&test->tree) < 0 ? -1
                                                                                            : 0;
}

_unused_ static int payload_test_setup_group(void **state) {
        if (payload_test_setup(state) < 0)
                return -1;
        family_make_group(&((PayloadTest *) *state)->family);
        return 0;
}

_unused_ static int payload_test_teardown(void **state) {
        PayloadTest *test = *state;

        procfs_tree_done(&test->tree);
        family_done(&test->family);
        free(test->list);
        free(test);
        return 0;
}

#define PAYLOAD_TEST(name) \
        cmocka_unit_test_setup_teardown(name, payload_test_setup, payload_test_teardown)
#define PAYLOAD_TEST_GROUP(name) \
        cmocka_unit_test_setup_teardown(name, payload_test_setup_group, payload_test_teardown)
