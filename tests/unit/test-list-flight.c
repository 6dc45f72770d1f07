/* SPDX-License-Identifier: MIT */

/* A supervisor's flight record, found among the descriptors in a made-up /proc. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "report/list-flight.h"

#define PID 812

static int list_setup(void **state) {
        return file_setup(state);
}

static void make_process(const char *status) {
        assert_int_equal(mkdir("812", 0755), 0);
        assert_int_equal(mkdir("812/fd", 0755), 0);
        assert_int_equal(mkdir("state", 0755), 0);
        write_file("812/status", status, strlen(status));
}

static void make_flight(uint32_t supervisor_pid, uint64_t number) {
        static char data[FLIGHT_RECORD_BYTES];
        FlightRecord record;
        FlightCopy copy;

        memset(data, 0, sizeof(data));
        memset(&record, 0, sizeof(record));
        record.supervisor_pid = supervisor_pid;
        record.n_active = 7;
        flight_copy_init(&copy, &record, number);
        memcpy(data + (number % FLIGHT_COPIES) * FLIGHT_COPY_BYTES, &copy, sizeof(copy));
        write_file("state/" FLIGHT_RECORD_FILE, data, sizeof(data));
}

/* Makes of it what a supervisor of version 1 had written: less, of another size. */
static void make_flight_of_version_1(uint32_t supervisor_pid) {
        enum { VERSION_1_BYTES = offsetof(FlightRecord, heartbeat_at_usec) };
        static char data[FLIGHT_RECORD_BYTES];
        const size_t end = offsetof(FlightCopy, record) + VERSION_1_BYTES;
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        FlightRecord record;
        FlightCopy copy;

        memset(&record, 0, sizeof(record));
        record.supervisor_pid = supervisor_pid;
        (void) strcpy(record.phase, "running");
        flight_copy_init(&copy, &record, 2);
        copy.version = 1;
        copy.size_bytes = VERSION_1_BYTES;
        for (size_t i = sizeof(copy.checksum); i < end; i++)
                hash = (hash ^ ((const unsigned char *) &copy)[i]) * UINT64_C(0x100000001b3);
        copy.checksum = hash;
        memcpy(data, &copy, end);
        write_file("state/" FLIGHT_RECORD_FILE, data, sizeof(data));
}

static void link_fd(const char *name, const char *target) {
        char path[64];

        (void) snprintf(path, sizeof(path), "812/fd/%s", name);
        assert_int_equal(symlink(target, path), 0);
}

static void assert_read(int expected) {
        FlightRecord record = { .n_active = 1 };

        assert_int_equal(list_flight_read(".", PID, &record), expected);
        assert_int_equal(record.n_active, expected == 0 ? 7 : 1);
}

#define STATUS "Name:\tgatewatch\nPid:\t812\nNSpid:\t812\nThreads:\t1\n"

static void test_list_flight_among_other_descriptors_is_read(void **state) {
        make_process(STATUS);
        make_flight(PID, 5);
        link_fd("0", "/dev/null");
        link_fd("1", "socket:[42]");
        link_fd("3", "/tmp/not-gatewatch.flight");
        link_fd("7", "../../state/" FLIGHT_RECORD_FILE);
        assert_read(0);
}

static void test_list_flight_of_a_pid_namespace_is_known_by_its_own_pid(void **state) {
        make_process("Name:\tgatewatch\nNSpid:\t812\t40\t1\nThreads:\t1\n");
        make_flight(1, 4);
        link_fd("7", "../../state/" FLIGHT_RECORD_FILE);
        assert_read(0);
}

/* The machine was upgraded while it runs. */
static void test_list_flight_of_an_older_supervisor_is_read_with_what_it_knew(void **state) {
        FlightRecord record;

        make_process(STATUS);
        make_flight_of_version_1(PID);
        link_fd("7", "../../state/" FLIGHT_RECORD_FILE);
        assert_int_equal(list_flight_read(".", PID, &record), 0);
        assert_string_equal(record.phase, "running");
        assert_int_equal(record.n_steps_open, UINT64_MAX);
        assert_int_equal(record.is_active_known, 0);
        assert_int_equal(record.watchdog_usec, 0);

        make_flight(PID, 5);
        assert_int_equal(list_flight_read(".", PID, &record), 0);
        assert_int_equal(record.n_steps_open, 0);
}

/* The file is open, and this run has not written to it yet. */
static void test_list_flight_of_the_run_before_is_not_this_ones(void **state) {
        make_process(STATUS);
        make_flight(PID - 1, 5);
        link_fd("7", "../../state/" FLIGHT_RECORD_FILE);
        assert_read(-EBADMSG);
}

/* A kernel without pid namespaces. */
static void test_list_flight_without_nspid_is_known_by_its_pid(void **state) {
        make_process("Name:\tgatewatch\n");
        make_flight(0, 5);
        link_fd("7", "../../state/" FLIGHT_RECORD_FILE);
        assert_read(-EBADMSG);
        make_flight(PID, 5);
        assert_read(0);
}

static void test_list_flight_that_is_missing_is_not_known(void **state) {
        static const char *const targets[] = { "../../state/other.flight",
                "../../state/" FLIGHT_RECORD_FILE " (deleted)", FLIGHT_RECORD_FILE, "/" };

        assert_read(-ENOENT);
        make_process(STATUS);
        assert_read(-ENOENT);
        make_flight(PID, 5);
        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "%zu", i);
                link_fd(name, targets[i]);
        }
        assert_read(-ENOENT);
}

static void test_list_flight_that_is_no_record_is_not_believed(void **state) {
        make_process(STATUS);
        link_fd("7", "../../state/" FLIGHT_RECORD_FILE);
        write_file("state/" FLIGHT_RECORD_FILE, "", 0);
        assert_read(-EBADMSG);
        write_file("state/" FLIGHT_RECORD_FILE, "garbage", 7);
        assert_read(-EBADMSG);
        assert_int_equal(unlink("state/" FLIGHT_RECORD_FILE), 0);
        assert_int_equal(mkdir("state/" FLIGHT_RECORD_FILE, 0755), 0);
        assert_read(-EBADMSG);
        assert_int_equal(rmdir("state/" FLIGHT_RECORD_FILE), 0);
        /* Nobody is waited for. */
        assert_int_equal(mkfifo("state/" FLIGHT_RECORD_FILE, 0600), 0);
        assert_read(-EBADMSG);
}

#define list_test(test) cmocka_unit_test_setup_teardown(test, list_setup, file_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                list_test(test_list_flight_among_other_descriptors_is_read),
                list_test(test_list_flight_of_an_older_supervisor_is_read_with_what_it_knew),
                list_test(test_list_flight_of_a_pid_namespace_is_known_by_its_own_pid),
                list_test(test_list_flight_of_the_run_before_is_not_this_ones),
                list_test(test_list_flight_without_nspid_is_known_by_its_pid),
                list_test(test_list_flight_that_is_missing_is_not_known),
                list_test(test_list_flight_that_is_no_record_is_not_believed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
