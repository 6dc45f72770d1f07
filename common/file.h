/* SPDX-License-Identifier: MIT */
#pragma once

/* Small files: read whole but bounded, written whole or not at all. */

#include <stddef.h>
#include <sys/types.h>

#include "cleanup.h"

/* Reads a regular file whose size the caller bounds. Opened with O_NONBLOCK|O_NOCTTY and, unless it
 * is a file of procfs or a cgroup (use file_read_virtual()), refused when it is no regular file, so
 * that a FIFO, a device or a directory in its place cannot make us wait. Symbolic links as the last
 * component are refused.
 *
 * dir_fd:    directory that a relative path starts at, or AT_FDCWD.
 * max_bytes: longest content that is accepted.
 * ret_text:  malloc()ed, NUL-terminated; the content may contain NULs itself.
 * ret_size:  optional, the size without the added NUL.
 *
 * Returns: 0; -ENOENT; -EACCES; -ELOOP: a symbolic link; -EBADFD: no regular file; -EFBIG: longer
 * than max_bytes; -ENOMEM; other errno of openat(2), fstat(2), read(2). */
int file_read_bounded(int dir_fd, const char *path, size_t max_bytes, char **ret_text,
        size_t *ret_size) _warn_unused_;

/* The same for procfs, sysfs and cgroup files, whose st_size says nothing: into a buffer of the
 * caller, NUL-terminated, cut off at size - 1 bytes.
 *
 * Returns: the number of bytes read (0 to size - 1); negative errno of openat(2), read(2). */
ssize_t file_read_virtual(int dir_fd, const char *path, char *buffer, size_t size) _warn_unused_;

/* Writes a short value into a file of procfs or a cgroup, in one write(2).
 *
 * Returns: 0; negative errno of openat(2), write(2); -EIO: written in part. */
int file_write_virtual(int dir_fd, const char *path, const char *value) _warn_unused_;

/* Replaces a file atomically: a temporary file beside it (O_EXCL, O_NOFOLLOW), then rename(2). What
 * stands under the name (also a link, a FIFO) is replaced, never followed. Not synced: the page
 * cache survives the death of every process, and waiting for a disk is not for this path.
 *
 * mode: permission bits, set exactly whatever the umask is.
 *
 * Returns: 0; negative errno of openat(2), write(2), renameat(2) (-ENOSPC, -EROFS, -EACCES, -EISDIR,
 * …); nothing is left behind then. */
int file_write_atomic(
        int dir_fd, const char *path, const void *data, size_t size, mode_t mode) _warn_unused_;

/* mkdir -p with the given mode for what is missing.
 *
 * Returns: 0; negative errno of mkdir(2); -ENOTDIR: something else stands there. */
int file_make_directories(const char *path, mode_t mode) _warn_unused_;
