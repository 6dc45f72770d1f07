/* SPDX-License-Identifier: MIT */
#pragma once

/* A flight recorder in a directory of its own, and records whose every part says the same number, so
 * that a mixture of two shows. Include after cmocka.h. */

#include <signal.h>

#include "file-fixture.h"
#include "forensics/flight-recorder.h"

#define COPY_BYTES (FLIGHT_RECORD_BYTES / 2)
#define HEAD_BYTES 32 /* checksum, magic, version, size, number */

#define VERSION_1_BYTES offsetof(FlightRecord, heartbeat_at_usec)

typedef struct Flight {
        Fixture *files;
        FlightRecorder *recorder;
        pid_t child; /* 0: none */
} Flight;

_unused_ static int flight_setup(void **state) {
        Flight *flight = calloc(1, sizeof(*flight));
        void *files = NULL;

        if (!flight || file_setup(&files) < 0)
                return -1;
        flight->files = files;
        *state = flight;
        return 0;
}

_unused_ static int flight_teardown(void **state) {
        Flight *flight = *state;
        void *files = flight->files;

        if (flight->child > 0) {
                (void) kill(flight->child, SIGKILL);
                (void) waitpid(flight->child, NULL, 0);
        }
        flight_recorder_free(flight->recorder);
        free(flight);
        return file_teardown(&files);
}

#define flight_test(test) cmocka_unit_test_setup_teardown(test, flight_setup, flight_teardown)

/* Everything in it says the same number. */
_unused_ static FlightRecord make_record(uint32_t n) {
        FlightRecord record;

        memset(&record, 0, sizeof(record));
        record.supervisor_pid = record.gateway_pid = n;
        record.started_at_usec = record.stop_at_usec = record.phase_deadline_usec = n;
        record.n_phases = n % (FLIGHT_PHASES_MAX + 1);
        (void) snprintf(record.name, sizeof(record.name), "%u", n);
        (void) snprintf(record.sender_cmdline, sizeof(record.sender_cmdline), "%u", n);
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++) {
                (void) snprintf(record.phases[i].name, sizeof(record.phases[i].name), "%u", n);
                record.phases[i].usec = n;
        }
        (void) snprintf(record.recorded_by, sizeof(record.recorded_by), "%u", n);
        record.heartbeat_at_usec = record.watchdog_usec = record.n_active = n;
        record.is_active_known = n % 2;
        (void) snprintf(record.step, sizeof(record.step), "%u", n);
        return record;
}

_unused_ static void open_again(Flight *flight) {
        flight->recorder = flight_recorder_free(flight->recorder);
        assert_int_equal(flight_recorder_open(flight->files->fd, &flight->recorder), 0);
}

_unused_ static void write_number(Flight *flight, uint32_t n) {
        FlightRecord record = make_record(n);

        assert_int_equal(flight_recorder_write(flight->recorder, &record), 0);
}

/* Returns: the number; 0: the record contradicts itself. */
_unused_ static uint32_t number_of(const FlightRecord *record) {
        FlightRecord expected = make_record(record->supervisor_pid);

        return memcmp(&expected, record, sizeof(expected)) == 0 ? record->supervisor_pid : 0;
}

_unused_ static void assert_number(Flight *flight, uint32_t n) {
        FlightRecord record;

        assert_int_equal(flight_recorder_read(flight->recorder, &record), 0);
        assert_int_equal(number_of(&record), n);
}

_unused_ static void read_whole(char data[static FLIGHT_RECORD_BYTES]) {
        int fd = open(FLIGHT_RECORD_FILE, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, data, FLIGHT_RECORD_BYTES);

        (void) close(fd);
        assert_int_equal(n, FLIGHT_RECORD_BYTES);
}

_unused_ static uint64_t checksum_of(const char *copy, size_t record_bytes) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 8; i < HEAD_BYTES + record_bytes; i++)
                hash = (hash ^ (unsigned char) copy[i]) * UINT64_C(0x100000001b3);
        return hash;
}

/* A copy as the version before wrote it; what follows it is not its own. */
_unused_ static void make_version_1(char copy[static COPY_BYTES]) {
        const uint32_t version = 1, size = VERSION_1_BYTES;

        memcpy(copy + 16, &version, sizeof(version));
        memcpy(copy + 20, &size, sizeof(size));
        memset(copy + HEAD_BYTES + VERSION_1_BYTES, 'x', COPY_BYTES - HEAD_BYTES - VERSION_1_BYTES);
        const uint64_t checksum = checksum_of(copy, VERSION_1_BYTES);
        memcpy(copy, &checksum, sizeof(checksum));
}

/* Of the version before. Returns: the number; 0: the record contradicts itself, or says what that version
 * could not know. */
_unused_ static uint32_t version_1_number_of(const FlightRecord *record) {
        FlightRecord expected = make_record(record->supervisor_pid);

        memset((char *) &expected + VERSION_1_BYTES, 0, sizeof(expected) - VERSION_1_BYTES);
        return memcmp(&expected, record, sizeof(expected)) == 0 ? record->supervisor_pid : 0;
}

_unused_ static off_t size_of(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return st.st_size;
}
