/* SPDX-License-Identifier: MIT */
#pragma once

/* A directory of its own for each test of small files, which is also the working directory, and what
 * the tests look at in it. Include after cmocka.h. */

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"

typedef struct Fixture {
        char path[64];
        int fd;
        mode_t umask;
        bool is_mounted; /* a tmpfs on "small" */
        char *text;      /* what a test has read */
} Fixture;

_unused_ static int file_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;

        strcpy(fixture->path, "/tmp/test-file.XXXXXX");
        if (!mkdtemp(fixture->path) || chdir(fixture->path) < 0)
                return -1;
        fixture->fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fixture->umask = umask(022);
        *state = fixture;
        return fixture->fd < 0 ? -1 : 0;
}

_unused_ static int remove_tree(const char *path) {
        const char *const argv[] = { "rm", "-rf", "--", path, NULL };
        int status;

        pid_t pid = fork();
        if (pid == 0) {
                (void) execvp(argv[0], (char *const *) argv);
                _exit(127);
        }
        return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 ? -1 : 0;
}

_unused_ static int file_teardown(void **state) {
        Fixture *fixture = *state;
        int r = 0;

        (void) umask(fixture->umask);
        if (fixture->is_mounted && umount("small") < 0)
                r = -1;
        (void) fd_close(fixture->fd);
        if (chdir("/") < 0 || remove_tree(fixture->path) < 0)
                r = -1;
        free(fixture->text);
        free(fixture);
        return r;
}

_unused_ static void write_file(const char *path, const void *data, size_t size) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ssize_t n = fd < 0 ? -1 : write(fd, data, size);
        (void) fd_close(fd);
        assert_int_equal(n, size);
}

_unused_ static void assert_content(Fixture *fixture, const char *path, const char *expected) {
        free(fixture->text);
        fixture->text = NULL;
        assert_int_equal(file_read_bounded(fixture->fd, path, 4096, &fixture->text, NULL), 0);
        assert_string_equal(fixture->text, expected);
}

_unused_ static unsigned count_entries(const char *path) {
        unsigned n = 0;
        DIR *directory = opendir(path);

        assert_non_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n - 2; /* "." and ".." */
}

_unused_ static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_mode & 07777;
}

#define file_test(function) cmocka_unit_test_setup_teardown(function, file_setup, file_teardown)
