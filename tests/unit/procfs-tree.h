/* SPDX-License-Identifier: MIT */
#pragma once

/* An injected procfs: a temporary directory with PID/stat and so on. Include after cmocka.h. */

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "proc.h"

typedef struct ProcfsTree {
        char path[64];
        int fd;
} ProcfsTree;

/* What follows the name in a stat line. */
#define STAT_REST(state, ppid, start) \
        state " " #ppid " 7 8 0 -1 4194560 100 0 0 0 11 22 0 0 20 0 3 0 " #start " 1 2 3\n"

_unused_ static int procfs_tree_init(ProcfsTree *tree) {
        *tree = (ProcfsTree){ .path = "/tmp/test-procfs-XXXXXX", .fd = -EBADF };
        if (!mkdtemp(tree->path) || chmod(tree->path, 0755) < 0)
                return -errno;
        tree->fd = proc_open_root(tree->path);
        return tree->fd < 0 ? tree->fd : 0;
}

_unused_ static int procfs_tree_remove_entry(
        const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

_unused_ static void procfs_tree_done(ProcfsTree *tree) {
        tree->fd = fd_close(tree->fd);
        (void) nftw(tree->path, procfs_tree_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* path: below the tree; its directories are made. */
_unused_ static void procfs_tree_put_bytes(
        const ProcfsTree *tree, const char *path, const void *data, size_t size) {
        char directory[128];

        for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
                (void) snprintf(directory, sizeof(directory), "%.*s", (int) (slash - path), path);
                assert_true(mkdirat(tree->fd, directory, 0755) == 0 || errno == EEXIST);
        }
        int fd = openat(tree->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        ssize_t n = write(fd, data, size);
        assert_int_equal(close(fd), 0);
        assert_int_equal(n, size);
}

_unused_ static void procfs_tree_put(const ProcfsTree *tree, const char *path, const char *text) {
        procfs_tree_put_bytes(tree, path, text, strlen(text));
}

/* A process in the given state, named "p<PID>", started at 1000 + PID. */
_unused_ static void procfs_tree_put_process(
        const ProcfsTree *tree, pid_t pid, pid_t ppid, char state) {
        char path[32], text[256];

        (void) snprintf(path, sizeof(path), "%d/stat", pid);
        (void) snprintf(text, sizeof(text),
                "%d (p%d) %c %d 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 %d\n", pid, pid, state, ppid,
                1000 + pid);
        procfs_tree_put(tree, path, text);
}
