/* SPDX-License-Identifier: MIT */

/* Runs a fuzz target over a corpus as an ordinary test.
 *
 * The one argument is a directory; each regular file in it is one input, in the order of readdir(3),
 * handed over in a heap block of exactly its size so that a read beyond the end is seen by the
 * sanitizers and valgrind. Names that begin with a dot are passed over. A corpus that is empty,
 * cannot be read or holds something else than files fails: a test that replays nothing proves
 * nothing. It neither mutates nor minimises, libFuzzer and AFL++ do that. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "fuzz.h"

static int replay_read_all(int fd, uint8_t *data, size_t size) {
        size_t n_read = 0;

        while (n_read < size) {
                ssize_t n = read(fd, data + n_read, size - n_read);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO;
                n_read += (size_t) n;
        }
        return 0;
}

static int replay_file(int directory_fd, const char *name) {
        _cleanup_close_ int fd = openat(directory_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;

        /* malloc(0) may give NULL: no byte may be touched either way. */
        size_t size = (size_t) st.st_size;
        _cleanup_free_ uint8_t *data = malloc(size);
        if (!data && size > 0)
                return -ENOMEM;

        int r = replay_read_all(fd, data, size);
        if (r < 0)
                return r;
        return LLVMFuzzerTestOneInput(data, size);
}

static int replay_directory(const char *path, size_t *ret_n_replayed) {
        _cleanup_closedir_ DIR *directory = opendir(path);
        if (!directory) {
                fprintf(stderr, "%s: %m\n", path);
                return -errno;
        }

        size_t n_replayed = 0;
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry && errno > 0) {
                        fprintf(stderr, "%s: %m\n", path);
                        return -errno;
                }
                if (!entry)
                        break;
                if (entry->d_name[0] == '.')
                        continue;

                int r = replay_file(dirfd(directory), entry->d_name);
                if (r != 0) {
                        errno = r < 0 ? -r : EPROTO;
                        fprintf(stderr, "%s/%s: %m\n", path, entry->d_name);
                        return -errno;
                }
                n_replayed++;
        }

        *ret_n_replayed = n_replayed;
        return 0;
}

int main(int argc, char *argv[]) {
        if (argc != 2) {
                fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
                return EXIT_FAILURE;
        }

        size_t n_replayed = 0;
        if (replay_directory(argv[1], &n_replayed) < 0)
                return EXIT_FAILURE;
        if (n_replayed == 0) {
                fprintf(stderr, "%s: an empty corpus\n", argv[1]);
                return EXIT_FAILURE;
        }

        printf("replayed %zu inputs of %s\n", n_replayed, argv[1]);
        return EXIT_SUCCESS;
}
