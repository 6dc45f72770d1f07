/* SPDX-License-Identifier: MIT */
#pragma once

/* A run that was lost, with its flight record, in a directory of its own. Include after cmocka.h. */

#include "file-fixture.h"
#include "forensics/previous-run.h"

#define SEC USEC_PER_SEC

_unused_ static const sd_id128_t boot =
        SD_ID128_MAKE(b0, 01, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 01);
_unused_ static const sd_id128_t other_boot =
        SD_ID128_MAKE(b0, 02, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 02);
_unused_ static const sd_id128_t run =
        SD_ID128_MAKE(52, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 00, 03);

#define RUN_TEXT "52000000000000000000000000000003"

typedef struct World {
        Fixture *files;
        FlightRecorder *recorder;
        PreviousRun previous;
        Record *record;
        int console_fd;
} World;

_unused_ static void text_set(char *text, const char *value) {
        (void) strcpy(text, value);
}

/* Up since 100 s, running. */
_unused_ static FlightRecord make_running(void) {
        FlightRecord flight;

        memset(&flight, 0, sizeof(flight));
        flight.run_id = run;
        flight.boot_id = boot;
        flight.supervisor_pid = 40;
        flight.gateway_pid = 41;
        flight.started_at_usec = 100 * SEC;
        flight.started_at_realtime_usec = 5000100 * SEC;
        flight.is_ready = 1;
        flight.phase_at_usec = 101 * SEC;
        flight.phase_deadline_usec = UINT64_MAX;
        text_set(flight.name, "hermes");
        text_set(flight.phase, "running");
        return flight;
}

/* Asked to stop at 200 s, drains until 260 s. */
_unused_ static FlightRecord make_draining(void) {
        FlightRecord flight = make_running();

        flight.stop_at_usec = 200 * SEC;
        flight.stop_at_realtime_usec = 5000200 * SEC;
        flight.phase_at_usec = 200 * SEC;
        flight.phase_deadline_usec = 260 * SEC;
        flight.sender_pid = 812;
        flight.sender_uid = 1000;
        text_set(flight.signal, "SIGTERM");
        text_set(flight.sender_code, "SI_USER");
        text_set(flight.sender_state, "exited");
        text_set(flight.sender_comm, "kill");
        text_set(flight.sender_cmdline, "kill 40");
        text_set(flight.phase, "drain");
        return flight;
}

_unused_ static int world_setup(void **state) {
        World *world = calloc(1, sizeof(*world));
        void *files = NULL;

        if (!world || file_setup(&files) < 0)
                return -1;
        world->files = files;
        world->console_fd = -EBADF;
        *state = world;
        return 0;
}

_unused_ static int world_teardown(void **state) {
        World *world = *state;
        void *files = world->files;

        record_free(world->record);
        flight_recorder_free(world->recorder);
        (void) fd_close(world->console_fd);
        free(world);
        return file_teardown(&files);
}

#define world_test(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

_unused_ static void judge(
        World *world, const FlightRecord *flight, sd_id128_t boot_id, usec_t now_usec) {
        previous_run_judge(
                flight, boot_id, now_usec, /* last_write= */ 5000230 * SEC, &world->previous);
}

_unused_ static void make_stopped(
        World *world, const char *recorded_by, const ServiceResult *service) {
        record_free(world->record);
        world->record = previous_run_stopped_record(&world->previous, recorded_by, service);
        assert_non_null(world->record);
        assert_false(record_is_incomplete(world->record));
}

#define assert_value(world, name, expected)                                   \
        do {                                                                  \
                const char *_value = record_get_value((world)->record, name); \
                assert_non_null(_value);                                      \
                assert_string_equal(_value, expected);                        \
        } while (0)

#define assert_no_value(world, name) assert_null(record_get_value((world)->record, name))

_unused_ static const ServiceResult killed = {
        .result = "signal", .exit_code = "killed", .exit_status = "KILL"
};
