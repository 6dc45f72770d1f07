/* SPDX-License-Identifier: MIT */

/* A file written whole or not at all: what a reader can see of a replacement, and what a failure leaves
 * behind. */

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "file-fixture.h"

static void test_file_write_atomic_new_and_old_replaced(void **state) {
        Fixture *fixture = *state;
        size_t size = 0;

        assert_int_equal(file_write_atomic(fixture->fd, "x", "first", 5, 0600), 0);
        assert_content(fixture, "x", "first");
        assert_int_equal(file_write_atomic(fixture->fd, "x", "2nd", 3, 0600), 0);
        assert_content(fixture, "x", "2nd");
        assert_int_equal(file_write_atomic(fixture->fd, "x", NULL, 0, 0600), 0);
        assert_content(fixture, "x", "");
        assert_int_equal(file_write_atomic(fixture->fd, "x", "a\0b", 3, 0600), 0);
        free(TAKE_PTR(fixture->text));
        assert_int_equal(file_read_bounded(fixture->fd, "x", 9, &fixture->text, &size), 0);
        assert_int_equal(size, 3);
        assert_int_equal(count_entries("."), 1);
}

static void test_file_write_atomic_paths_resolved(void **state) {
        Fixture *fixture = *state;
        char path[128], name[256];

        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(symlink("directory", "link"), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "directory/x", "1", 1, 0600), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "link//y", "2", 1, 0600), 0);
        (void) snprintf(path, sizeof(path), "%s/directory/z", fixture->path);
        assert_int_equal(file_write_atomic(-EBADF, path, "3", 1, 0600), 0);
        assert_int_equal(file_write_atomic(AT_FDCWD, "./directory/w", "4", 1, 0600), 0);
        assert_content(fixture, "directory/x", "1");
        assert_content(fixture, "directory/y", "2");
        assert_content(fixture, "directory/z", "3");
        assert_content(fixture, "directory/w", "4");
        assert_int_equal(count_entries("directory"), 4);

        /* The longest name that there is, and one more. */
        memset(name, 'n', sizeof(name));
        name[255] = '\0';
        assert_int_equal(file_write_atomic(fixture->fd, name, "5", 1, 0600), 0);
        assert_content(fixture, name, "5");
        name[255] = 'n';
        char *longer = strndup(name, 256);
        int r = file_write_atomic(fixture->fd, longer, "6", 1, 0600);
        free(longer);
        assert_int_equal(r, -ENAMETOOLONG);
        assert_int_equal(count_entries("."), 3);
}

static void test_file_write_atomic_modes_ignore_umask(void **state) {
        static const mode_t umasks[] = { 0, 022, 077, 0777 };
        static const mode_t modes[] = { 0600, 0640, 0644, 0666, 0400, 0000, 0755, 01777 };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(umasks); i++)
                for (size_t j = 0; j < ELEMENTSOF(modes); j++) {
                        (void) umask(umasks[i]);
                        assert_int_equal(
                                file_write_atomic(fixture->fd, "x", "text", 4, modes[j]), 0);
                        assert_int_equal(mode_of("x"), modes[j]);
                }
        assert_int_equal(count_entries("."), 1);
}

static void test_file_write_atomic_link_replaced_not_followed(void **state) {
        Fixture *fixture = *state;

        write_file("victim", "precious", 8);
        assert_int_equal(symlink("victim", "x"), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "x", "mine", 4, 0600), 0);
        assert_content(fixture, "x", "mine");
        assert_content(fixture, "victim", "precious");
        assert_int_equal(mode_of("victim"), 0644);

        assert_int_equal(symlink("nowhere", "y"), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "y", "mine", 4, 0600), 0);
        assert_content(fixture, "y", "mine");
        assert_int_equal(access("nowhere", F_OK), -1);
}

static void test_file_write_atomic_fifo_replaced_without_waiting(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(mkfifo("x", 0600), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "x", "mine", 4, 0600), 0);
        assert_content(fixture, "x", "mine");
}

static void test_file_write_atomic_failure_leaves_nothing(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(mkdir("directory", 0700), 0);
        write_file("x", "old", 3);
        assert_int_equal(file_write_atomic(fixture->fd, "directory", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "directory/", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "directory/..", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, ".", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "/", "y", 1, 0600), -EISDIR);
        assert_int_equal(file_write_atomic(fixture->fd, "", "y", 1, 0600), -ENOENT);
        assert_int_equal(file_write_atomic(fixture->fd, "missing/x", "y", 1, 0600), -ENOENT);
        assert_int_equal(file_write_atomic(fixture->fd, "x/x", "y", 1, 0600), -ENOTDIR);
        assert_int_equal(file_write_atomic(-EBADF, "x", "y", 1, 0600), -EBADF);
        assert_content(fixture, "x", "old");
        assert_int_equal(count_entries("."), 2);
        assert_int_equal(count_entries("directory"), 0);
}

/* A file that grows beyond the limit: the first bytes are written, the others are refused. */
static void test_file_write_atomic_limit_keeps_old_file(void **state) {
        static char data[100000];
        Fixture *fixture = *state;
        struct rlimit old, limit;

        assert_int_equal(file_write_atomic(fixture->fd, "x", "old", 3, 0600), 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        limit = (struct rlimit){ .rlim_cur = 8192, .rlim_max = old.rlim_max };
        void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int r = file_write_atomic(fixture->fd, "x", data, sizeof(data), 0600);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        (void) signal(SIGXFSZ, handler);

        assert_int_equal(r, -EFBIG);
        assert_content(fixture, "x", "old");
        assert_int_equal(count_entries("."), 1);
}

/* A filesystem of four pages. Only root may mount one; for others the limit above stands in. */
static void test_file_write_atomic_full_filesystem_keeps_old_file(void **state) {
        static char data[100000];
        Fixture *fixture = *state;

        assert_int_equal(mkdir("small", 0700), 0);
        if (mount("tmpfs", "small", "tmpfs", MS_NOSUID | MS_NODEV, "size=16k,nr_inodes=16") < 0) {
                assert_true(errno == EPERM || errno == EACCES);
                assert_int_equal(rmdir("small"), 0);
                test_file_write_atomic_limit_keeps_old_file(state);
                return;
        }
        fixture->is_mounted = true;

        assert_int_equal(file_write_atomic(fixture->fd, "small/x", "old", 3, 0600), 0);
        assert_int_equal(
                file_write_atomic(fixture->fd, "small/x", data, sizeof(data), 0600), -ENOSPC);
        assert_content(fixture, "small/x", "old");
        assert_int_equal(count_entries("small"), 1);
        assert_int_equal(file_write_atomic(fixture->fd, "small/x", data, 4096, 0600), 0);

        assert_int_equal(mount("none", "small", "none", MS_REMOUNT | MS_RDONLY, ""), 0);
        assert_int_equal(file_write_atomic(fixture->fd, "small/x", "y", 1, 0600), -EROFS);
        assert_int_equal(count_entries("small"), 1);
}

/* Two values, written in turn; whoever reads sees one of them, whole. */
#define REPLACED_BYTES 20000

typedef struct Writer {
        int fd;
        atomic_int n_written;
        atomic_bool stop;
        int error;
} Writer;

static void *writer_main(void *userdata) {
        Writer *writer = userdata;
        char data[REPLACED_BYTES];

        while (!atomic_load(&writer->stop) && writer->error == 0) {
                memset(data, atomic_load(&writer->n_written) % 2 ? 'a' : 'b', sizeof(data));
                writer->error = file_write_atomic(writer->fd, "x", data, sizeof(data), 0600);
                atomic_fetch_add(&writer->n_written, 1);
        }
        return NULL;
}

static void test_file_write_atomic_concurrent_reader_sees_whole(void **state) {
        Fixture *fixture = *state;
        static Writer writers[2]; /* static: a failing assert must not take them from the threads */
        pthread_t threads[2];
        bool is_whole = true;
        int r = 0;

        assert_int_equal(file_write_atomic(fixture->fd, "x", "", 0, 0600), 0);
        for (size_t i = 0; i < ELEMENTSOF(writers); i++) {
                writers[i].fd = fixture->fd;
                assert_int_equal(pthread_create(&threads[i], NULL, writer_main, &writers[i]), 0);
        }

        for (unsigned n = 0; r == 0 && is_whole &&
                (n < 500 || atomic_load(&writers[0].n_written) < 20 ||
                        atomic_load(&writers[1].n_written) < 20);
                n++) {
                size_t size = 0;
                free(TAKE_PTR(fixture->text));
                r = file_read_bounded(fixture->fd, "x", REPLACED_BYTES, &fixture->text, &size);
                if (r < 0 || size == 0)
                        continue;
                const char any[] = { fixture->text[0], '\0' };
                is_whole = size == REPLACED_BYTES && strspn(fixture->text, any) == size;
        }

        for (size_t i = 0; i < ELEMENTSOF(writers); i++)
                atomic_store(&writers[i].stop, true);
        for (size_t i = 0; i < ELEMENTSOF(writers); i++)
                (void) pthread_join(threads[i], NULL);

        assert_int_equal(r, 0);
        assert_true(is_whole);
        assert_int_equal(writers[0].error, 0);
        assert_int_equal(writers[1].error, 0);
        assert_int_equal(count_entries("."), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(test_file_write_atomic_new_and_old_replaced),
                file_test(test_file_write_atomic_paths_resolved),
                file_test(test_file_write_atomic_modes_ignore_umask),
                file_test(test_file_write_atomic_link_replaced_not_followed),
                file_test(test_file_write_atomic_fifo_replaced_without_waiting),
                file_test(test_file_write_atomic_failure_leaves_nothing),
                file_test(test_file_write_atomic_limit_keeps_old_file),
                file_test(test_file_write_atomic_full_filesystem_keeps_old_file),
                file_test(test_file_write_atomic_concurrent_reader_sees_whole),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
