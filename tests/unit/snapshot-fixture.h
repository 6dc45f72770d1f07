/* SPDX-License-Identifier: MIT */
#pragma once

/* What tests of process snapshots share: the real /proc, an injected one, a child. Include after
 * cmocka.h. */

#include "child-process.h"
#include "process-snapshot.h"
#include "procfs-tree.h"

#define PID    812
#define PARENT 640

typedef struct SnapshotTest {
        ProcfsTree tree;
        int real_fd; /* /proc */
        ChildProcess child;
        ProcessSnapshot snapshot;
        char text[PROCESS_ANCESTRY_MAX];
        char *cmdline;
        json_object *json;
        json_object *parsed;
} SnapshotTest;

_unused_ static int snapshot_setup(void **state) {
        SnapshotTest *test = calloc(1, sizeof(SnapshotTest));

        if (!test)
                return -1;
        test->real_fd = proc_open_root("/proc");
        test->child = CHILD_PROCESS_UNSET;
        *state = test;
        return procfs_tree_init(&test->tree) < 0 || test->real_fd < 0 ? -1 : 0;
}

_unused_ static int snapshot_teardown(void **state) {
        SnapshotTest *test = *state;

        child_process_done(&test->child);
        (void) json_object_put(test->json);
        (void) json_object_put(test->parsed);
        free(test->cmdline);
        procfs_tree_done(&test->tree);
        (void) fd_close(test->real_fd);
        free(test);
        return 0;
}

#define snapshot_test(function) \
        cmocka_unit_test_setup_teardown(function, snapshot_setup, snapshot_teardown)

_unused_ static void put_link(const ProcfsTree *tree, const char *path, const char *target) {
        assert_int_equal(symlinkat(target, tree->fd, path), 0);
}

#define RAW(text) text, sizeof(text) - 1

/* "kill -TERM 100" of a login session. */
_unused_ static void put_kill(const ProcfsTree *tree) {
        procfs_tree_put(tree, "812/stat", "812 (kill) " STAT_REST("S", 640, 5000));
        procfs_tree_put_bytes(tree, "812/cmdline",
                RAW("kill\0-TERM\0"
                    "100\0"));
        procfs_tree_put(tree, "812/status",
                "Name:\tkill\nState:\tS (sleeping)\nPid:\t812\nPPid:\t640\nTracerPid:\t77\n"
                "Uid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n");
        procfs_tree_put(tree, "812/loginuid", "1001");
        procfs_tree_put(tree, "812/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
        put_link(tree, "812/exe", "/usr/bin/kill");
}
