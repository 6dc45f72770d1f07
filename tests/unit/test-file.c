/* SPDX-License-Identifier: MIT */

/* Small files: what is read, what is refused, and directories that are made. Replacing a file stands in
 * test-file-write.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "file-fixture.h"

/* ---- file_read_bounded ---------------------------------------------------------------------- */

static void test_file_read_bounded_regular_gives_content(void **state) {
        static const char text[] = "a\0b\n";
        Fixture *fixture = *state;
        size_t size = 0;

        write_file("x", text, 4);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 4, &fixture->text, &size), 0);
        assert_int_equal(size, 4);
        assert_memory_equal(fixture->text, text, 5); /* with the NUL that is added */
}

static void test_file_read_bounded_absolute_path_gives_content(void **state) {
        Fixture *fixture = *state;
        char path[128];

        write_file("x", "text", 4);
        (void) snprintf(path, sizeof(path), "%s/x", fixture->path);
        assert_int_equal(file_read_bounded(AT_FDCWD, path, 10, &fixture->text, NULL), 0);
        assert_string_equal(fixture->text, "text");
}

static void test_file_read_bounded_empty_gives_empty_text(void **state) {
        Fixture *fixture = *state;
        size_t size = 4711;

        write_file("x", "", 0);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 0, &fixture->text, &size), 0);
        assert_int_equal(size, 0);
        assert_string_equal(fixture->text, "");
}

static void test_file_read_bounded_longer_refused(void **state) {
        Fixture *fixture = *state;
        static char data[10000];
        char *text = (char *) "untouched";
        size_t size = 4711;

        memset(data, 'x', sizeof(data));
        write_file("x", data, sizeof(data));
        assert_int_equal(file_read_bounded(fixture->fd, "x", 9999, &text, &size), -EFBIG);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 0, &text, &size), -EFBIG);
        assert_string_equal(text, "untouched");
        assert_int_equal(size, 4711);
        assert_int_equal(file_read_bounded(fixture->fd, "x", 10000, &fixture->text, &size), 0);
        assert_int_equal(size, 10000);
        assert_int_equal(strlen(fixture->text), 10000);
}

/* procfs says size 0: what comes is bounded all the same. */
static void test_file_read_bounded_size_unknown_still_bounded(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;
        size_t size = 0;

        assert_int_equal(file_read_bounded(AT_FDCWD, "/proc/self/smaps", 64, &text, NULL), -EFBIG);
        assert_null(text);
        assert_int_equal(
                file_read_bounded(AT_FDCWD, "/proc/self/smaps", 1 << 20, &fixture->text, &size), 0);
        assert_true(size > 4096);
        assert_int_equal(strlen(fixture->text), size);
}

static void test_file_read_bounded_no_regular_file_refused(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;

        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(file_read_bounded(fixture->fd, "fifo", 10, &text, NULL), -EBADFD);
        assert_int_equal(file_read_bounded(fixture->fd, "directory", 10, &text, NULL), -EBADFD);
        assert_int_equal(file_read_bounded(fixture->fd, "/dev/zero", 10, &text, NULL), -EBADFD);

        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r = bind(fd, (struct sockaddr *) &address, sizeof(address));
        (void) fd_close(fd);
        assert_int_equal(r, 0);
        assert_int_equal(file_read_bounded(fixture->fd, "socket", 10, &text, NULL), -EBADFD);
        assert_null(text);
}

static void test_file_read_bounded_link_refused(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;

        write_file("x", "text", 4);
        assert_int_equal(symlink("x", "link"), 0);
        assert_int_equal(symlink("nowhere", "dangling"), 0);
        assert_int_equal(file_read_bounded(fixture->fd, "link", 10, &text, NULL), -ELOOP);
        assert_int_equal(file_read_bounded(fixture->fd, "dangling", 10, &text, NULL), -ELOOP);
        assert_null(text);

        /* On the way there they are followed. */
        assert_int_equal(symlink(".", "here"), 0);
        assert_int_equal(file_read_bounded(fixture->fd, "here/x", 10, &fixture->text, NULL), 0);
        assert_string_equal(fixture->text, "text");
}

static void test_file_read_bounded_missing_refused(void **state) {
        Fixture *fixture = *state;
        char *text = NULL;

        assert_int_equal(file_read_bounded(fixture->fd, "missing", 10, &text, NULL), -ENOENT);
        assert_int_equal(file_read_bounded(fixture->fd, "missing/x", 10, &text, NULL), -ENOENT);
        write_file("x", "", 0);
        assert_int_equal(file_read_bounded(fixture->fd, "x/y", 10, &text, NULL), -ENOTDIR);
        assert_null(text);
}

/* ---- virtual files -------------------------------------------------------------------------- */

static void test_file_read_virtual_any_gives_text(void **state) {
        Fixture *fixture = *state;
        char buffer[64], expected[64];

        write_file("x", "0123456789", 10);
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, sizeof(buffer)), 10);
        assert_string_equal(buffer, "0123456789");
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, 11), 10);
        assert_string_equal(buffer, "0123456789");

        (void) snprintf(expected, sizeof(expected), "%d (", getpid());
        assert_int_equal(
                file_read_virtual(AT_FDCWD, "/proc/self/stat", buffer, sizeof(buffer)), 63);
        assert_memory_equal(buffer, expected, strlen(expected));
        assert_int_equal(strlen(buffer), 63);
}

static void test_file_read_virtual_longer_cut_off(void **state) {
        Fixture *fixture = *state;
        char buffer[16];

        memset(buffer, 'z', sizeof(buffer));
        write_file("x", "0123456789", 10);
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, 10), 9);
        assert_string_equal(buffer, "012345678");
        assert_int_equal(buffer[10], 'z');
        assert_int_equal(file_read_virtual(fixture->fd, "x", buffer, 1), 0);
        assert_string_equal(buffer, "");
}

static void test_file_read_virtual_failure_told(void **state) {
        Fixture *fixture = *state;
        char buffer[16] = "untouched";

        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(symlink("directory", "link"), 0);
        assert_int_equal(
                file_read_virtual(fixture->fd, "missing", buffer, sizeof(buffer)), -ENOENT);
        assert_int_equal(
                file_read_virtual(fixture->fd, "directory", buffer, sizeof(buffer)), -EISDIR);
        assert_int_equal(file_read_virtual(fixture->fd, "link", buffer, sizeof(buffer)), -ELOOP);
        assert_string_equal(buffer, "untouched");
}

/* A FIFO whose writer says nothing: there is nothing to wait for. */
static void test_file_read_virtual_fifo_does_not_wait(void **state) {
        Fixture *fixture = *state;
        char buffer[16];

        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(file_read_virtual(fixture->fd, "fifo", buffer, sizeof(buffer)), 0);

        int fd = open("fifo", O_RDWR | O_CLOEXEC);
        ssize_t n = file_read_virtual(fixture->fd, "fifo", buffer, sizeof(buffer));
        (void) fd_close(fd);
        assert_true(fd >= 0);
        assert_int_equal(n, -EAGAIN);
}

static void test_file_write_virtual_value_written(void **state) {
        Fixture *fixture = *state;

        write_file("x", "", 0);
        assert_int_equal(file_write_virtual(fixture->fd, "x", "value\n"), 0);
        assert_content(fixture, "x", "value\n");
        assert_int_equal(file_write_virtual(fixture->fd, "x", ""), 0);
        assert_content(fixture, "x", "value\n");

        char comm[32];
        assert_int_equal(file_write_virtual(AT_FDCWD, "/proc/self/comm", "renamed"), 0);
        assert_int_equal(file_read_virtual(AT_FDCWD, "/proc/self/comm", comm, sizeof(comm)), 8);
        assert_int_equal(file_write_virtual(AT_FDCWD, "/proc/self/comm", "test-file"), 0);
        assert_string_equal(comm, "renamed\n");
}

static void test_file_write_virtual_failure_told(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(file_write_virtual(fixture->fd, "missing", "x"), -ENOENT);
        assert_int_equal(count_entries("."), 0);
        assert_int_equal(file_write_virtual(fixture->fd, ".", "x"), -EISDIR);
        /* The kernel has the word. */
        assert_int_equal(file_write_virtual(AT_FDCWD, "/proc/self/oom_score_adj", "x"), -EINVAL);

        /* No reader: open(2) does not wait for one. */
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(file_write_virtual(fixture->fd, "fifo", "x"), -ENXIO);
}

/* A file whose size may grow by half of the value only. */
static void test_file_write_virtual_in_part_is_eio(void **state) {
        Fixture *fixture = *state;
        struct rlimit old, limit;

        write_file("x", "", 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        limit = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int r = file_write_virtual(fixture->fd, "x", "value");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(r, -EIO);
}

/* ---- file_make_directories ------------------------------------------------------------------ */

static void test_file_make_directories_missing_made_with_mode(void **state) {
        static const mode_t umasks[] = { 0, 022, 077, 0777 };
        char path[128];
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(umasks); i++) {
                (void) umask(umasks[i]);
                (void) snprintf(path, sizeof(path), "%s/d%zu/e/f", fixture->path, i);
                assert_int_equal(file_make_directories(path, 0750), 0);
                assert_int_equal(mode_of(path), 0750);
                *strrchr(path, '/') = '\0';
                assert_int_equal(mode_of(path), 0750);
                *strrchr(path, '/') = '\0';
                assert_int_equal(mode_of(path), 0750);
        }
}

static void test_file_make_directories_existing_left_alone(void **state) {
        assert_int_equal(mkdir("a", 0711), 0);
        assert_int_equal(symlink("a", "link"), 0);
        assert_int_equal(file_make_directories("a", 0700), 0);
        assert_int_equal(mode_of("a"), 0711);
        assert_int_equal(file_make_directories("./link//b/", 0700), 0);
        assert_int_equal(mode_of("a"), 0711);
        assert_int_equal(mode_of("a/b"), 0700);
        assert_int_equal(file_make_directories("/", 0700), 0);
        assert_int_equal(file_make_directories(".", 0700), 0);
        assert_int_equal(file_make_directories("a/../c", 0700), 0);
        assert_int_equal(mode_of("c"), 0700);
        assert_int_equal(count_entries("."), 3);
}

static void test_file_make_directories_inherited_setgid_kept(void **state) {
        assert_int_equal(mkdir("a", 0755), 0);
        assert_int_equal(chmod("a", 02755), 0);
        (void) umask(077);
        assert_int_equal(file_make_directories("a/b", 0755), 0);
        assert_int_equal(mode_of("a/b"), 02755);
}

static void test_file_make_directories_obstacle_told(void **state) {
        write_file("x", "", 0);
        assert_int_equal(symlink("nowhere", "dangling"), 0);
        assert_int_equal(symlink("x", "link"), 0);
        assert_int_equal(file_make_directories("x", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("x/y", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("link", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("dangling", 0700), -ENOTDIR);
        assert_int_equal(file_make_directories("", 0700), -ENOENT);
        assert_int_equal(file_make_directories("/proc/nothing-here", 0700), -ENOENT);
        assert_int_equal(count_entries("."), 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(test_file_read_bounded_regular_gives_content),
                file_test(test_file_read_bounded_absolute_path_gives_content),
                file_test(test_file_read_bounded_empty_gives_empty_text),
                file_test(test_file_read_bounded_longer_refused),
                file_test(test_file_read_bounded_size_unknown_still_bounded),
                file_test(test_file_read_bounded_no_regular_file_refused),
                file_test(test_file_read_bounded_link_refused),
                file_test(test_file_read_bounded_missing_refused),
                file_test(test_file_read_virtual_any_gives_text),
                file_test(test_file_read_virtual_longer_cut_off),
                file_test(test_file_read_virtual_failure_told),
                file_test(test_file_read_virtual_fifo_does_not_wait),
                file_test(test_file_write_virtual_value_written),
                file_test(test_file_write_virtual_failure_told),
                file_test(test_file_write_virtual_in_part_is_eio),
                file_test(test_file_make_directories_missing_made_with_mode),
                file_test(test_file_make_directories_existing_left_alone),
                file_test(test_file_make_directories_inherited_setgid_kept),
                file_test(test_file_make_directories_obstacle_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
