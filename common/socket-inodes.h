/* SPDX-License-Identifier: MIT */
#pragma once

/* Which sockets processes hold, by the inode that /proc/PID/fd shows and sock_diag(7) knows
 * them by. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

#define SOCKET_INODES_MAX (1U << 20)

typedef struct SocketInode {
        uint64_t inode;
        pid_t pid;
        int fd;
} SocketInode;

typedef struct SocketInodes {
        SocketInode *items;
        size_t n, n_allocated;
} SocketInodes;

void socket_inodes_done(SocketInodes *inodes);

/* Adds the sockets of a process.
 * Returns: 0; -ESRCH; -EACCES: its descriptors are not to be seen; -ENOMEM; -E2BIG: beyond
 * SOCKET_INODES_MAX. What was added before an error stays. */
int socket_inodes_read(SocketInodes *inodes, int proc_fd, pid_t pid) _warn_unused_;

/* Sorts by inode, one item an inode (the lowest pid's lowest fd): call it before the searches. */
void socket_inodes_sort(SocketInodes *inodes);

/* Returns: the item, NULL: none of these processes holds it. */
const SocketInode *socket_inodes_find(const SocketInodes *inodes, uint64_t inode);
