/* SPDX-License-Identifier: MIT */

/* Sockets of processes, by inode: a growing array, sorted once, searched by halves.
 *
 * The links in /proc/PID/fd name a socket by its inode, "socket:[4711]", and nothing else in /proc
 * says whose it is. A process that was forked holds the same ones; so does whoever was passed a
 * descriptor. After the sort each stands there once, and one of its holders stands for all.
 *
 * The links are read and never followed. Descriptors come and go while they are read: what is gone
 * is left out, what came is there at the next look.
 *
 * A process whose first thread has ended shows no descriptors under its own name while its other
 * threads go on; then the first of these that has any is asked. Threads that keep a table of their
 * own (unshare(2) with CLONE_FILES) are not looked at one by one. */

#include "socket-inodes.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#define SOCKET_LINK_PREFIX "socket:["
#define SOCKET_LINK_SIZE   64 /* 8 bytes, 20 digits, a bracket; longer ones are no sockets */

void socket_inodes_done(SocketInodes *inodes) {
        if (!inodes)
                return;
        free(inodes->items);
        *inodes = (SocketInodes){};
}

static int socket_inodes_add(SocketInodes *inodes, uint64_t inode, pid_t pid, int fd) {
        if (inodes->n >= SOCKET_INODES_MAX)
                return -E2BIG;
        if (inodes->n == inodes->n_allocated) {
                size_t n = inodes->n_allocated > 0 ? 2 * inodes->n_allocated : 64;
                SocketInode *items = reallocarray(inodes->items, n, sizeof(SocketInode));
                if (!items)
                        return -ENOMEM;
                inodes->items = items;
                inodes->n_allocated = n;
        }
        inodes->items[inodes->n++] = (SocketInode){ .inode = inode, .pid = pid, .fd = fd };
        return 0;
}

/* ---- Reading ---- */

/* Decimal digits up to end and nothing else. Returns: whether it is such a number. */
static bool socket_number_parse(const char *text, const char *end, uint64_t *ret_number) {
        uint64_t number = 0;

        if (text == end)
                return false;
        for (; text < end; text++)
                if (!isdigit((unsigned char) *text) ||
                        __builtin_mul_overflow(number, 10, &number) ||
                        __builtin_add_overflow(number, (uint64_t) (*text - '0'), &number))
                        return false;
        *ret_number = number;
        return true;
}

/* "socket:[4711]". */
static bool socket_link_parse(const char *target, size_t size, uint64_t *ret_inode) {
        size_t prefix = strlen(SOCKET_LINK_PREFIX);

        if (size <= prefix || memcmp(target, SOCKET_LINK_PREFIX, prefix) != 0 ||
                target[size - 1] != ']')
                return false;
        return socket_number_parse(target + prefix, target + size - 1, ret_inode);
}

/* Errors of procfs that mean that the process is gone. */
static int socket_inodes_errno(int error) {
        return error == ENOENT || error == ESRCH ? -ESRCH : -error;
}

/* One descriptor. Returns: 0, also when it is no socket or closed meanwhile; negative errno. */
static int socket_inodes_read_link(
        SocketInodes *inodes, int directory_fd, const char *name, pid_t pid) {
        char target[SOCKET_LINK_SIZE];
        uint64_t number, inode;

        if (!socket_number_parse(name, name + strlen(name), &number) || number > INT32_MAX)
                return 0;
        ssize_t n = readlinkat(directory_fd, name, target, sizeof(target));
        if (n < 0)
                return errno == EACCES || errno == EPERM ? -EACCES : 0;
        if (!socket_link_parse(target, (size_t) n, &inode))
                return 0;
        return socket_inodes_add(inodes, inode, pid, (int) number);
}

/* Returns: how many descriptors of any kind it saw, at most INT32_MAX; negative errno. */
static int socket_inodes_read_directory(
        SocketInodes *inodes, int proc_fd, const char *path, pid_t pid) {
        _cleanup_close_ int fd =
                openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return socket_inodes_errno(errno);
        _cleanup_closedir_ DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        int directory_fd = TAKE_FD(fd); /* closedir(3) closes it */

        int n_seen = 0;
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        return errno > 0 ? socket_inodes_errno(errno) : n_seen;
                if (!isdigit((unsigned char) entry->d_name[0]))
                        continue;
                int r = socket_inodes_read_link(inodes, directory_fd, entry->d_name, pid);
                if (r < 0)
                        return r;
                if (n_seen < INT32_MAX)
                        n_seen++;
        }
}

/* The other threads of a process whose first one has ended. Returns: whether one has descriptors;
 * negative errno. */
static int socket_inodes_read_threads(SocketInodes *inodes, int proc_fd, pid_t pid) {
        char path[64];

        (void) snprintf(path, sizeof(path), "%d/task", pid);
        _cleanup_close_ int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return socket_inodes_errno(errno);
        _cleanup_closedir_ DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        (void) TAKE_FD(fd);

        const struct dirent *entry;
        while ((entry = readdir(directory))) {
                uint64_t tid;
                if (!socket_number_parse(
                            entry->d_name, entry->d_name + strlen(entry->d_name), &tid) ||
                        tid > INT32_MAX || (pid_t) tid == pid)
                        continue;
                (void) snprintf(path, sizeof(path), "%d/task/%d/fd", pid, (int) tid);
                int r = socket_inodes_read_directory(inodes, proc_fd, path, pid);
                if (r < 0 && r != -ESRCH)
                        return r;
                if (r > 0)
                        return 1;
        }
        return 0;
}

int socket_inodes_read(SocketInodes *inodes, int proc_fd, pid_t pid) {
        assert(inodes);

        char path[32];

        if (pid <= 0)
                return -ESRCH;
        (void) snprintf(path, sizeof(path), "%d/fd", pid);
        int r = socket_inodes_read_directory(inodes, proc_fd, path, pid);
        if (r != 0 && r != -EACCES)
                return r < 0 ? r : 0;

        /* A first thread that has ended has no descriptors, and to all but root it refuses to say so:
         * the directory is root's then. Whatever the others say to no avail, that was the answer. */
        int from_threads = socket_inodes_read_threads(inodes, proc_fd, pid);
        if (from_threads == -ENOMEM || from_threads == -E2BIG)
                return from_threads;
        return from_threads > 0 ? 0 : r;
}

/* ---- Searching ---- */

static int socket_inode_compare(const void *a, const void *b) {
        const SocketInode *x = a, *y = b;

        if (x->inode != y->inode)
                return x->inode < y->inode ? -1 : 1;
        if (x->pid != y->pid)
                return x->pid < y->pid ? -1 : 1;
        return x->fd < y->fd ? -1 : x->fd > y->fd;
}

void socket_inodes_sort(SocketInodes *inodes) {
        assert(inodes);

        size_t n = 0;

        if (inodes->n == 0)
                return;
        qsort(inodes->items, inodes->n, sizeof(SocketInode), socket_inode_compare);
        for (size_t i = 1; i < inodes->n; i++)
                if (inodes->items[i].inode != inodes->items[n].inode)
                        inodes->items[++n] = inodes->items[i];
        inodes->n = n + 1;
}

const SocketInode *socket_inodes_find(const SocketInodes *inodes, uint64_t inode) {
        assert(inodes);

        size_t low = 0, high = inodes->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (inodes->items[middle].inode == inode)
                        return &inodes->items[middle];
                if (inodes->items[middle].inode < inode)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
