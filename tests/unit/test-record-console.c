/* SPDX-License-Identifier: MIT */

/* Lines to consoles of all kinds, none of which may be waited for. A write that waits ends the
 * whole program by SIGALRM. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>

#include "record-console.h"

#define HANG_SECONDS 60

typedef struct Fixture {
        RecordConsole console;
        int reader_fd, writer_fd;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        fixture->reader_fd = fixture->writer_fd = -EBADF;
        record_console_init(&fixture->console, -EBADF);
        (void) alarm(HANG_SECONDS);
        *state = fixture;
        return 0;
}

static int setup_pipe(void **state) {
        int fds[2];

        if (setup(state) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return -1;

        Fixture *fixture = *state;
        fixture->reader_fd = fds[0];
        fixture->writer_fd = fds[1];
        record_console_init(&fixture->console, fds[1]);
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void) alarm(0);
        record_console_done(&fixture->console);
        (void) fd_close(fixture->reader_fd);
        (void) fd_close(fixture->writer_fd);
        free(fixture);
        return 0;
}

static int write_line(Fixture *fixture, const char *line) {
        return record_console_write(&fixture->console, line, strlen(line));
}

static void assert_read(Fixture *fixture, const char *expected) {
        char text[256];
        ssize_t n_read = read(fixture->reader_fd, text, sizeof(text) - 1);

        assert_true(n_read >= 0);
        text[n_read] = '\0';
        assert_string_equal(text, expected);
}

/* Writes until the console takes no more. Returns: whole lines written. */
static size_t fill(Fixture *fixture, const char *line) {
        size_t n_lines = 0;
        int r;

        while ((r = write_line(fixture, line)) == 0)
                n_lines++;
        assert_int_equal(r, -EAGAIN);
        return n_lines;
}

static void assert_is_blocking(int fd) {
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

static void test_console_pipe_takes_lines(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(write_line(fixture, "one\n"), 0);
        assert_int_equal(write_line(fixture, "two\n"), 0);
        assert_read(fixture, "one\ntwo\n");
}

static void test_console_pipe_full_does_not_wait_nor_change_the_shared_file(void **state) {
        Fixture *fixture = *state;

        assert_true(fill(fixture, "a line that nobody reads\n") > 0);
        assert_is_blocking(fixture->writer_fd);
        assert_int_equal(fixture->console.kind, RECORD_CONSOLE_OWN);
}

static void test_console_pipe_with_too_little_room_does_not_wait(void **state) {
        static char line[3 * PIPE_BUF];
        char byte;
        Fixture *fixture = *state;

        /* One page is free: poll(2) says writable, but the line is three. */
        memset(line, 'x', sizeof(line));
        assert_true(fcntl(fixture->writer_fd, F_SETPIPE_SZ, 2 * PIPE_BUF) > 0);
        assert_int_equal(record_console_write(&fixture->console, "first\n", 6), 0);
        assert_int_equal(record_console_write(&fixture->console, line, sizeof(line)), -EAGAIN);

        /* The line that was torn does not run into the next one. */
        while (read(fixture->reader_fd, &byte, 1) == 1 && byte != 'x')
                ;
        for (size_t i = 1; i < PIPE_BUF; i++)
                assert_int_equal(read(fixture->reader_fd, &byte, 1), 1);
        assert_int_equal(byte, 'x');
        assert_int_equal(write_line(fixture, "next\n"), 0);
        assert_read(fixture, "\nnext\n");
}

static void test_console_pipe_without_reader_raises_no_signal(void **state) {
        Fixture *fixture = *state;

        fixture->reader_fd = fd_close(fixture->reader_fd);
        assert_int_equal(write_line(fixture, "x\n"), -EPIPE);

        record_console_done(&fixture->console);
        assert_int_equal(write_line(fixture, "x\n"), -EPIPE);
}

static void test_console_pipe_whose_reader_goes_raises_no_signal(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(write_line(fixture, "x\n"), 0);
        fixture->reader_fd = fd_close(fixture->reader_fd);
        assert_int_equal(write_line(fixture, "x\n"), -EPIPE);
}

/* A pipe that root made for a service that runs as somebody else cannot be opened anew. */
static void test_console_pipe_of_another_user_does_not_wait(void **state) {
        static char line[3 * PIPE_BUF];
        Fixture *fixture = *state;

        if (geteuid() != 0) {
                print_message("needs root to act as another user\n");
                skip();
        }
        (void) setfsuid(65534);
        assert_int_equal(write_line(fixture, "first\n"), 0);
        (void) setfsuid(0);
        assert_int_equal(fixture->console.kind, RECORD_CONSOLE_SHARED);
        assert_read(fixture, "first\n");

        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';
        assert_true(fcntl(fixture->writer_fd, F_SETPIPE_SZ, 4 * PIPE_BUF) > 0);
        assert_int_equal(record_console_write(&fixture->console, line, sizeof(line)), 0);
        assert_int_equal(record_console_write(&fixture->console, line, sizeof(line)), -EAGAIN);
        assert_is_blocking(fixture->writer_fd);
}

static void test_console_socket_full_does_not_wait(void **state) {
        Fixture *fixture = *state;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        fixture->reader_fd = fds[0];
        fixture->writer_fd = fds[1];
        record_console_init(&fixture->console, fds[1]);

        assert_int_equal(write_line(fixture, "one\n"), 0);
        assert_read(fixture, "one\n");
        assert_true(fill(fixture, "a line that nobody reads\n") > 0);
        assert_is_blocking(fixture->writer_fd);
        fixture->reader_fd = fd_close(fixture->reader_fd);
        assert_int_equal(write_line(fixture, "x\n"), -EPIPE);
}

static void test_console_terminal_that_is_not_read_does_not_wait(void **state) {
        Fixture *fixture = *state;

        fixture->reader_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(fixture->reader_fd >= 0);
        assert_int_equal(grantpt(fixture->reader_fd), 0);
        assert_int_equal(unlockpt(fixture->reader_fd), 0);
        fixture->writer_fd = open(ptsname(fixture->reader_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(fixture->writer_fd >= 0);
        record_console_init(&fixture->console, fixture->writer_fd);

        assert_true(fill(fixture, "a line that nobody reads\n") > 0);
        assert_is_blocking(fixture->writer_fd);
}

static void test_console_file_is_appended_at_the_shared_offset(void **state) {
        Fixture *fixture = *state;

        fixture->writer_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        assert_true(fixture->writer_fd >= 0);
        record_console_init(&fixture->console, fixture->writer_fd);

        assert_int_equal(write(fixture->writer_fd, "the gateway's\n", 14), 14);
        assert_int_equal(write_line(fixture, "ours\n"), 0);
        assert_int_equal(lseek(fixture->writer_fd, 0, SEEK_SET), 0);
        fixture->reader_fd = TAKE_FD(fixture->writer_fd);
        assert_read(fixture, "the gateway's\nours\n");
}

static void test_console_that_is_closed_is_an_error_only(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(write_line(fixture, "x\n"), -EBADF);

        record_console_init(&fixture->console, 1 << 20);
        assert_int_equal(write_line(fixture, "x\n"), -EBADF);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        test_console_pipe_takes_lines, setup_pipe, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_pipe_full_does_not_wait_nor_change_the_shared_file, setup_pipe,
                        teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_pipe_with_too_little_room_does_not_wait, setup_pipe, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_pipe_without_reader_raises_no_signal, setup_pipe, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_pipe_whose_reader_goes_raises_no_signal, setup_pipe, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_pipe_of_another_user_does_not_wait, setup_pipe, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_socket_full_does_not_wait, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_terminal_that_is_not_read_does_not_wait, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_file_is_appended_at_the_shared_offset, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        test_console_that_is_closed_is_an_error_only, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
