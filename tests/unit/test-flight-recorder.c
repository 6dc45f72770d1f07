/* SPDX-License-Identifier: MIT */

/* The flight record's file: written in turns, cut, replaced, locked, and its writer killed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "flight-fixture.h"
#include "usec.h"

#define KILL_ROUNDS 200

/* ---- What is written is read ------------------------------------------------------------------ */

static void test_flight_recorder_new_file_has_no_data(void **state) {
        Flight *flight = *state;
        FlightRecord record = { .supervisor_pid = 7 };

        (void) umask(0777);
        open_again(flight);
        assert_int_equal(mode_of(FLIGHT_RECORD_FILE), 0600);
        assert_int_equal(size_of(FLIGHT_RECORD_FILE), FLIGHT_RECORD_BYTES);
        assert_int_equal(flight_recorder_read(flight->recorder, &record), -ENODATA);
        assert_int_equal(record.supervisor_pid, 7);
        int flags = fcntl(flight_recorder_fd(flight->recorder), F_GETFD);
        assert_int_equal(flags & FD_CLOEXEC, FD_CLOEXEC);
        open_again(flight);
        assert_int_equal(flight_recorder_read(flight->recorder, &record), -ENODATA);
}

static void test_flight_recorder_written_reads_back(void **state) {
        Flight *flight = *state;

        open_again(flight);
        for (uint32_t n = 1; n < 8; n++) {
                write_number(flight, n);
                assert_number(flight, n);
                if (n % 3 == 0)
                        open_again(flight);
                assert_number(flight, n);
                assert_int_equal(size_of(FLIGHT_RECORD_FILE), FLIGHT_RECORD_BYTES);
        }
}

static void test_flight_recorder_keeps_the_copy_before(void **state) {
        Flight *flight = *state;
        char before[FLIGHT_RECORD_BYTES], after[FLIGHT_RECORD_BYTES];

        open_again(flight);
        write_number(flight, 1);
        write_number(flight, 2);
        for (uint32_t n = 3; n < 7; n++) {
                read_whole(before);
                write_number(flight, n);
                read_whole(after);
                /* Number n is in the place of n - 2. */
                size_t kept = n % 2 == 0 ? COPY_BYTES : 0;
                assert_memory_equal(before + kept, after + kept, COPY_BYTES);
                assert_memory_not_equal(
                        before + COPY_BYTES - kept, after + COPY_BYTES - kept, COPY_BYTES);
        }
}

static void test_flight_recorder_last_write_is_the_one_before_opening(void **state) {
        Flight *flight = *state;
        const struct timespec times[] = { { .tv_sec = 1000, .tv_nsec = 5000 },
                { .tv_sec = 1000, .tv_nsec = 5000 } };

        open_again(flight);
        write_number(flight, 1);
        assert_int_equal(utimensat(flight->files->fd, FLIGHT_RECORD_FILE, times, 0), 0);
        open_again(flight);
        write_number(flight, 2);
        assert_int_equal(flight_recorder_last_write(flight->recorder), 1000 * USEC_PER_SEC + 5);

        /* Also when opening has to write, because the file was cut. */
        assert_int_equal(truncate(FLIGHT_RECORD_FILE, 5000), 0);
        assert_int_equal(utimensat(flight->files->fd, FLIGHT_RECORD_FILE, times, 0), 0);
        open_again(flight);
        assert_int_equal(flight_recorder_last_write(flight->recorder), 1000 * USEC_PER_SEC + 5);
}

/* ---- What cannot be believed ------------------------------------------------------------------ */

static void test_flight_recorder_garbage_is_refused_and_replaced(void **state) {
        Flight *flight = *state;
        static char garbage[3 * FLIGHT_RECORD_BYTES];
        const size_t sizes[] = { 1, 100, COPY_BYTES, FLIGHT_RECORD_BYTES, sizeof(garbage) };
        FlightRecord record;

        memset(garbage, 'g', sizeof(garbage));
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                write_file(FLIGHT_RECORD_FILE, garbage, sizes[i]);
                open_again(flight);
                assert_int_equal(flight_recorder_read(flight->recorder, &record), -EBADMSG);
                write_number(flight, 9);
                assert_number(flight, 9);
                open_again(flight);
                assert_number(flight, 9);
        }
        assert_int_equal(mode_of(FLIGHT_RECORD_FILE), 0600);
}

/* The copies of another version are wiped by the first write: a binary of that version must not find a
 * run again that others have followed. */
static void test_flight_recorder_foreign_version_is_wiped(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES];
        const uint32_t version = FLIGHT_RECORD_VERSION + 1;
        FlightRecord record;

        open_again(flight);
        for (uint32_t n = 1; n < 9; n++)
                write_number(flight, n);
        read_whole(data);
        memcpy(data + 16, &version, sizeof(version));
        memcpy(data + COPY_BYTES + 16, &version, sizeof(version));
        write_file(FLIGHT_RECORD_FILE, data, sizeof(data));
        open_again(flight);
        assert_int_equal(flight_recorder_read(flight->recorder, &record), -EBADMSG);

        write_number(flight, 1);
        read_whole(data);
        for (size_t i = 0; i < COPY_BYTES; i++)
                assert_int_equal(data[i], 0);
        assert_number(flight, 1);
}

/* The run before was one of the version before: it is read, and gone with the second write. */
static void test_flight_recorder_version_1_is_read_and_replaced(void **state) {
        Flight *flight = *state;
        char data[FLIGHT_RECORD_BYTES];
        FlightRecord record;

        open_again(flight);
        for (uint32_t n = 1; n < 8; n++)
                write_number(flight, n);
        read_whole(data);
        make_version_1(data);
        make_version_1(data + COPY_BYTES);
        write_file(FLIGHT_RECORD_FILE, data, sizeof(data));
        open_again(flight);
        assert_int_equal(flight_recorder_read(flight->recorder, &record), 0);
        assert_int_equal(version_1_number_of(&record), 7);

        for (uint32_t n = 8; n < 10; n++) {
                write_number(flight, n);
                assert_number(flight, n);
                open_again(flight);
                assert_number(flight, n);
        }
        read_whole(data);
        for (size_t place = 0; place < 2; place++)
                assert_int_equal(data[place * COPY_BYTES + 16], FLIGHT_RECORD_VERSION);
}

static void test_flight_recorder_cut_while_in_use_is_made_whole(void **state) {
        Flight *flight = *state;
        FlightRecord record;

        open_again(flight);
        for (uint32_t n = 1; n < 5; n++) {
                write_number(flight, n);
                assert_int_equal(truncate(FLIGHT_RECORD_FILE, 0), 0);
                assert_int_equal(flight_recorder_read(flight->recorder, &record), -ENODATA);
        }
        write_number(flight, 5);
        assert_number(flight, 5);
        open_again(flight);
        assert_number(flight, 5);
        write_number(flight, 6);
        assert_number(flight, 6);
}

/* ---- What stands in its place ----------------------------------------------------------------- */

static void test_flight_recorder_other_things_are_refused_without_waiting(void **state) {
        Flight *flight = *state;

        assert_int_equal(mkfifo(FLIGHT_RECORD_FILE, 0600), 0);
        assert_int_equal(flight_recorder_open(flight->files->fd, &flight->recorder), -EBADFD);
        assert_int_equal(unlink(FLIGHT_RECORD_FILE), 0);

        assert_int_equal(mkdir(FLIGHT_RECORD_FILE, 0700), 0);
        assert_int_equal(flight_recorder_open(flight->files->fd, &flight->recorder), -EBADFD);
        assert_int_equal(rmdir(FLIGHT_RECORD_FILE), 0);

        assert_int_equal(mknod(FLIGHT_RECORD_FILE, S_IFSOCK | 0600, 0), 0);
        assert_int_equal(flight_recorder_open(flight->files->fd, &flight->recorder), -EBADFD);
        assert_int_equal(unlink(FLIGHT_RECORD_FILE), 0);

        write_file("precious", "untouched", 9);
        assert_int_equal(symlink("precious", FLIGHT_RECORD_FILE), 0);
        assert_int_equal(flight_recorder_open(flight->files->fd, &flight->recorder), -ELOOP);
        assert_content(flight->files, "precious", "untouched");
        assert_null(flight->recorder);
}

static int open_and_free(int dir_fd) {
        FlightRecorder *recorder = NULL;

        int r = flight_recorder_open(dir_fd, &recorder);
        flight_recorder_free(recorder);
        return r;
}

/* Runs it in a child, with less rights or limits. Returns: what opening does there. */
static int open_in_child(Flight *flight, rlim_t file_bytes, uid_t uid) {
        int status = 0;

        flight->child = fork();
        if (flight->child == 0) {
                const struct rlimit limit = { file_bytes, file_bytes };
                (void) signal(SIGXFSZ, SIG_IGN);
                if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || (uid > 0 && setuid(uid) < 0))
                        _exit(255);
                _exit(-open_and_free(flight->files->fd));
        }
        assert_int_equal(waitpid(flight->child, &status, 0), flight->child);
        flight->child = 0;
        assert_true(WIFEXITED(status));
        return -WEXITSTATUS(status);
}

static void test_flight_recorder_directory_that_is_not_writable_is_reported(void **state) {
        Flight *flight = *state;

        assert_int_equal(chmod(".", 0555), 0);
        assert_int_equal(open_in_child(flight, RLIM_INFINITY, geteuid() == 0 ? 65534 : 0), -EACCES);
        assert_int_equal(count_entries("."), 0);
}

static void test_flight_recorder_size_limit_is_reported(void **state) {
        Flight *flight = *state;

        assert_int_equal(open_in_child(flight, 4096, /* uid= */ 0), -EFBIG);
        assert_int_equal(open_in_child(flight, FLIGHT_RECORD_BYTES, /* uid= */ 0), 0);
}

/* On a tmpfs of a few pages. */
static void test_flight_recorder_full_disk_is_reported_and_reserved_before(void **state) {
        Flight *flight = *state;

        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir("small", 0755), 0);
        if (mount("none", "small", "tmpfs", 0, "size=16k") < 0)
                skip();
        flight->files->is_mounted = true;
        int small_fd = open("small", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(small_fd >= 0);
        int filler_fd = openat(small_fd, "filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(posix_fallocate(filler_fd, 0, 12288), 0);
        int r = flight_recorder_open(small_fd, &flight->recorder);
        assert_int_equal(ftruncate(filler_fd, 8192), 0);
        int r_with_room = flight_recorder_open(small_fd, &flight->recorder);
        (void) close(filler_fd);
        (void) close(small_fd);
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(r_with_room, 0);

        /* Nothing is left, and yet there is room for both copies. */
        struct statvfs info;
        assert_int_equal(statvfs("small", &info), 0);
        assert_int_equal(info.f_bfree, 0);
        write_number(flight, 1);
        write_number(flight, 2);
        assert_number(flight, 2);
        flight->recorder = flight_recorder_free(flight->recorder);
}

/* ---- The lock, and a writer that is killed ---------------------------------------------------- */

static void test_flight_recorder_in_use_is_busy(void **state) {
        Flight *flight = *state;

        open_again(flight);
        write_number(flight, 1);
        assert_int_equal(open_in_child(flight, RLIM_INFINITY, /* uid= */ 0), -EBUSY);
        write_number(flight, 2);
        assert_int_equal(open_in_child(flight, RLIM_INFINITY, /* uid= */ 0), -EBUSY);
        flight->recorder = flight_recorder_free(flight->recorder);
        assert_int_equal(open_in_child(flight, RLIM_INFINITY, /* uid= */ 0), 0);
}

/* One that was forked and has not executed its program yet. */
static void test_flight_recorder_child_that_outlives_it_holds_no_lock(void **state) {
        Flight *flight = *state;

        open_again(flight);
        flight->child = fork();
        if (flight->child == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void) pause();
        }
        pid_t outliving = flight->child;
        flight->recorder = flight_recorder_free(flight->recorder);
        int r = open_in_child(flight, RLIM_INFINITY, /* uid= */ 0);
        flight->child = outliving; /* the teardown ends it */
        assert_int_equal(r, 0);
}

/* Writes until it is killed. Tells when it has begun. */
static _noreturn_ void write_forever(int dir_fd, int ready_fd) {
        FlightRecorder *recorder = NULL;

        if (flight_recorder_open(dir_fd, &recorder) < 0)
                _exit(1);
        for (uint32_t n = 1;; n = n % 1000000 + 1) {
                FlightRecord record = make_record(n);
                if (flight_recorder_write(recorder, &record) < 0)
                        _exit(2);
                if (n == 1 && write(ready_fd, "x", 1) != 1)
                        _exit(3);
        }
}

/* Starts a writer, waits until it writes, lets it go on for some turns, and kills it. */
static void run_writer_and_kill(Flight *flight, unsigned round) {
        int pipe_fds[2], status;
        char byte;

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        flight->child = fork();
        if (flight->child == 0)
                write_forever(flight->files->fd, pipe_fds[1]);
        (void) close(pipe_fds[1]);
        ssize_t n = read(pipe_fds[0], &byte, 1);
        (void) close(pipe_fds[0]);
        assert_int_equal(n, 1);

        /* Not to wait for something: to be somewhere else each time. */
        for (volatile unsigned turn = 0; turn < round * 997 % 50000; turn++)
                continue;
        assert_int_equal(kill(flight->child, SIGKILL), 0);
        assert_int_equal(waitpid(flight->child, &status, 0), flight->child);
        flight->child = 0;
        assert_true(WIFSIGNALED(status));
}

static void test_flight_recorder_killed_writer_leaves_a_whole_record_and_no_lock(void **state) {
        Flight *flight = *state;
        FlightRecord record;

        for (unsigned round = 0; round < KILL_ROUNDS; round++) {
                run_writer_and_kill(flight, round);
                assert_int_equal(flight_recorder_open(flight->files->fd, &flight->recorder), 0);
                assert_int_equal(flight_recorder_read(flight->recorder, &record), 0);
                assert_int_not_equal(number_of(&record), 0);
                flight->recorder = flight_recorder_free(flight->recorder);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                flight_test(test_flight_recorder_new_file_has_no_data),
                flight_test(test_flight_recorder_written_reads_back),
                flight_test(test_flight_recorder_keeps_the_copy_before),
                flight_test(test_flight_recorder_last_write_is_the_one_before_opening),
                flight_test(test_flight_recorder_garbage_is_refused_and_replaced),
                flight_test(test_flight_recorder_foreign_version_is_wiped),
                flight_test(test_flight_recorder_version_1_is_read_and_replaced),
                flight_test(test_flight_recorder_cut_while_in_use_is_made_whole),
                flight_test(test_flight_recorder_other_things_are_refused_without_waiting),
                flight_test(test_flight_recorder_directory_that_is_not_writable_is_reported),
                flight_test(test_flight_recorder_size_limit_is_reported),
                flight_test(test_flight_recorder_full_disk_is_reported_and_reserved_before),
                flight_test(test_flight_recorder_in_use_is_busy),
                flight_test(test_flight_recorder_child_that_outlives_it_holds_no_lock),
                flight_test(test_flight_recorder_killed_writer_leaves_a_whole_record_and_no_lock),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
