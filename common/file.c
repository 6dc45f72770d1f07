/* SPDX-License-Identifier: MIT */

/* Small files of three kinds.
 *
 * Ordinary ones are read whole or not at all: what stands there may have been put there by somebody
 * else, so nothing is followed, nothing can make us wait, and the size is bounded by the caller.
 * Virtual ones (procfs, sysfs, cgroup) are read into the caller's memory, as far as that goes, and
 * written with one write(2), as the kernel takes each write for a value of its own.
 * Replaced ones come to be under another name and are renamed: a reader sees the old file or the
 * new one, and so does whoever comes after a SIGKILL. The other name holds random digits, since a
 * writer that was killed leaves its temporary file and two writers must never share one. Below the
 * directory everything goes by its fd: no path grows too long, no directory is swapped under us.
 *
 * No locking, no fsync, no ownership: a file belongs to whoever runs this. */

#include "file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define FILE_READ_STEP_BYTES    ((size_t) 4096)
#define FILE_TEMPORARY_ATTEMPTS 16
#define FILE_OPEN_FLAGS         (O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)

/* Returns: what read(2) does, with the errno. */
static ssize_t file_read_some(int fd, char *buffer, size_t size) {
        for (;;) {
                ssize_t n = read(fd, buffer, size);
                if (n >= 0)
                        return n;
                if (errno != EINTR)
                        return -errno;
        }
}

/* Fills the buffer unless the file ends before. Returns: bytes read; negative errno. */
static ssize_t file_read_full(int fd, char *buffer, size_t size) {
        size_t n_read = 0;

        while (n_read < size) {
                ssize_t n = file_read_some(fd, buffer + n_read, size - n_read);
                if (n < 0)
                        return n;
                if (n == 0)
                        break;
                n_read += (size_t) n;
        }
        return (ssize_t) n_read;
}

/* Opens a regular file for reading. */
static int file_open_regular(int dir_fd, const char *path, off_t *ret_size_bytes) {
        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | FILE_OPEN_FLAGS);
        if (fd < 0)
                /* Sockets and devices without a driver cannot even be opened. */
                return errno == ENXIO || errno == ENODEV ? -EBADFD : -errno;

        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;

        *ret_size_bytes = st.st_size;
        return TAKE_FD(fd);
}

int file_read_bounded(
        int dir_fd, const char *path, size_t max_bytes, char **ret_text, size_t *ret_size) {
        assert(path);
        assert(max_bytes < SSIZE_MAX - FILE_READ_STEP_BYTES);
        assert(ret_text);

        off_t size_bytes = 0;
        _cleanup_close_ int fd = file_open_regular(dir_fd, path, &size_bytes);
        if (fd < 0)
                return fd;
        if (size_bytes > 0 && (uintmax_t) size_bytes > max_bytes)
                return -EFBIG;

        /* st_size is a hint: the file may grow while it is read. One byte beyond it tells. */
        size_t size = 0, room = (size_t) size_bytes + 1;
        _cleanup_free_ char *text = NULL;
        for (;;) {
                char *grown = realloc(text, room + 1);
                if (!grown)
                        return -ENOMEM;
                text = grown;

                ssize_t n = file_read_full(fd, text + size, room - size);
                if (n < 0)
                        return (int) n;
                size += (size_t) n;
                if (size > max_bytes)
                        return -EFBIG;
                if (size < room)
                        break;
                room = max_bytes - size < FILE_READ_STEP_BYTES ? max_bytes + 1
                                                               : size + FILE_READ_STEP_BYTES;
        }

        text[size] = '\0';
        if (ret_size)
                *ret_size = size;
        *ret_text = TAKE_PTR(text);
        return 0;
}

ssize_t file_read_virtual(int dir_fd, const char *path, char *buffer, size_t size) {
        assert(path);
        assert(buffer);
        assert(size > 0 && size <= SSIZE_MAX);

        _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | FILE_OPEN_FLAGS);
        if (fd < 0)
                return -errno;

        ssize_t n = file_read_full(fd, buffer, size - 1);
        if (n < 0)
                return n;

        buffer[n] = '\0';
        return n;
}

int file_write_virtual(int dir_fd, const char *path, const char *value) {
        assert(path);
        assert(value);

        _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | FILE_OPEN_FLAGS);
        if (fd < 0)
                return -errno;

        const size_t size = strlen(value);
        ssize_t n;
        do
                n = write(fd, value, size);
        while (n < 0 && errno == EINTR); /* nothing was taken: this is still the one write */
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

static int file_write_full(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

/* Opens the directory that a path's last component is in.
 *
 * ret_name: that component, within path.
 * Returns: O_PATH fd; -ENOENT: an empty path; -EISDIR: no file's name; errno of openat(2). */
static int file_open_parent(int dir_fd, const char *path, const char **ret_name) {
        if (*path == '\0')
                return -ENOENT;

        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return -EISDIR;

        /* With the slash, so that "/file" gives "/"; without one the directory itself. */
        _cleanup_free_ char *directory =
                slash ? strndup(path, (size_t) (name - path)) : strdup(".");
        if (!directory)
                return -ENOMEM;

        int fd = openat(dir_fd, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        *ret_name = name;
        return fd;
}

/* Creates a file under a name that nobody else has: hidden, recognisable, short enough. */
static int file_create_temporary(int parent_fd, const char *name, char temporary[NAME_MAX + 1]) {
        for (unsigned i = 0; i < FILE_TEMPORARY_ATTEMPTS; i++) {
                uint64_t random;
                /* Before the kernel's pool is ready, at early boot, pid and attempt must do: O_EXCL
                 * keeps that right, too. */
                if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
                        random = ((uint64_t) getpid() << 32) + i;

                (void) snprintf(
                        temporary, NAME_MAX + 1, ".%.230s.%016jx", name, (uintmax_t) random);
                int fd = openat(
                        parent_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | FILE_OPEN_FLAGS, 0600);
                if (fd >= 0)
                        return fd;
                if (errno != EEXIST)
                        return -errno;
        }
        return -EEXIST;
}

/* Fills the new file and closes it. The mode comes first, so that nothing stands there readable for
 * more than it may be, and close(2) is asked, since some filesystems tell only then. */
static int file_fill(int fd, const char *data, size_t size, mode_t mode) {
        int r = fchmod(fd, mode) < 0 ? -errno : 0;

        if (r == 0)
                r = file_write_full(fd, data, size);
        if (close(fd) < 0 && r == 0 && errno != EINTR)
                r = -errno;
        return r;
}

int file_write_atomic(int dir_fd, const char *path, const void *data, size_t size, mode_t mode) {
        char temporary[NAME_MAX + 1];
        const char *name = NULL;

        assert(path);
        assert(data || size == 0);
        assert((mode & ~(mode_t) 07777) == 0);

        _cleanup_close_ int parent_fd = file_open_parent(dir_fd, path, &name);
        if (parent_fd < 0)
                return parent_fd;
        int fd = file_create_temporary(parent_fd, name, temporary);
        if (fd < 0)
                return fd;

        int r = file_fill(fd, data, size, mode);
        if (r == 0 && renameat(parent_fd, temporary, parent_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(parent_fd, temporary, /* flags= */ 0);
        return r;
}

/* Gives a directory its mode in spite of the umask. By way of /proc, for what the umask left may
 * not suffice to open it; a set-group-ID bit that it inherited stays. */
static int file_set_directory_mode(int directory_fd, mode_t mode) {
        struct stat st;
        if (fstat(directory_fd, &st) < 0)
                return -errno;

        mode |= st.st_mode & S_ISGID;
        if ((st.st_mode & 07777) == mode)
                return 0;

        char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", directory_fd);
        return chmod(link, mode) < 0 ? -errno : 0;
}

/* Opens one component, made if it is missing. Returns: O_PATH fd; negative errno. */
static int file_make_directory(int parent_fd, const char *name, mode_t mode) {
        const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

        /* Opened first: on a read-only filesystem mkdirat(2) fails for what exists, too. */
        int fd = openat(parent_fd, name, flags);
        if (fd >= 0)
                return fd;
        if (errno != ENOENT)
                return -errno;

        if (mkdirat(parent_fd, name, mode) < 0) {
                if (errno != EEXIST)
                        return -errno;
                /* Another one was faster, or it is a link that leads nowhere. */
                fd = openat(parent_fd, name, flags);
                if (fd < 0)
                        return errno == ENOENT ? -ENOTDIR : -errno;
                return fd;
        }

        _cleanup_close_ int made_fd = openat(parent_fd, name, flags | O_NOFOLLOW);
        if (made_fd < 0)
                return -errno;
        int r = file_set_directory_mode(made_fd, mode);
        return r < 0 ? r : TAKE_FD(made_fd);
}

int file_make_directories(const char *path, mode_t mode) {
        assert(path);
        assert((mode & ~(mode_t) 01777) == 0);

        if (*path == '\0')
                return -ENOENT;
        _cleanup_free_ char *components = strdup(path);
        if (!components)
                return -ENOMEM;

        _cleanup_close_ int directory_fd =
                open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory_fd < 0)
                return -errno;

        char *state = NULL;
        for (const char *name = strtok_r(components, "/", &state); name;
                name = strtok_r(NULL, "/", &state)) {
                int fd = file_make_directory(directory_fd, name, mode);
                if (fd < 0)
                        return fd;
                (void) fd_close(directory_fd);
                directory_fd = fd;
        }
        return 0;
}
