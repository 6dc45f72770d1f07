/* SPDX-License-Identifier: MIT */

/* The clean-shutdown marker in a directory of its own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "forensics/clean-shutdown.h"
#include "forensics/marker-json.h"

#define RUN_ID  "0123456789abcdef0123456789abcdef"
#define BOOT_ID "fedcba9876543210fedcba9876543210"
#define IDS     "\"run_id\":\"" RUN_ID "\",\"boot_id\":\"" BOOT_ID "\""
#define PID     "\"pid\":4711"
#define TIME    "\"written_at\":\"2026-02-28T23:59:59.123456+00:00\""
#define TIME_AT (1772323199ULL * USEC_PER_SEC + 123456)

typedef struct Fixture {
        char path[64];
        int state_fd;
} Fixture;

static const CleanShutdown fixture_marker = {
        .run_id = SD_ID128_MAKE(01, 23, 45, 67, 89, ab, cd, ef, 01, 23, 45, 67, 89, ab, cd, ef),
        .boot_id = SD_ID128_MAKE(fe, dc, ba, 98, 76, 54, 32, 10, fe, dc, ba, 98, 76, 54, 32, 10),
        .pid = 4711,
        .signal = "SIGTERM",
        .written_at_realtime_usec = TIME_AT,
        .outcome = "clean",
};

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        strcpy(fixture->path, "/tmp/test-markers-XXXXXX");
        if (!mkdtemp(fixture->path))
                return -1;
        fixture->state_fd = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *state = fixture;
        return fixture->state_fd < 0 ? -1 : 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;
        (void) unlinkat(fixture->state_fd, MARKER_CLEAN_SHUTDOWN, 0);
        (void) unlinkat(fixture->state_fd, MARKER_CLEAN_SHUTDOWN, AT_REMOVEDIR);
        (void) fd_close(fixture->state_fd);
        int r = rmdir(fixture->path); /* fails when something was left behind */
        free(fixture);
        return r;
}

static void assert_marker_equal(const CleanShutdown *marker, const CleanShutdown *expected) {
        assert_true(sd_id128_equal(marker->run_id, expected->run_id));
        assert_true(sd_id128_equal(marker->boot_id, expected->boot_id));
        assert_int_equal(marker->pid, expected->pid);
        assert_string_equal(marker->signal, expected->signal);
        assert_int_equal(marker->written_at_realtime_usec, expected->written_at_realtime_usec);
        assert_string_equal(marker->outcome, expected->outcome);
}

static void test_clean_shutdown_written_reads_back(void **state) {
        Fixture *fixture = *state;
        CleanShutdown rows[] = { fixture_marker, fixture_marker, fixture_marker, fixture_marker };
        CleanShutdown read = {};

        rows[1].signal[0] = rows[1].outcome[0] = '\0';
        rows[2].written_at_realtime_usec = 0;
        rows[2].pid = 0;
        rows[3].written_at_realtime_usec = 253402300799ULL * USEC_PER_SEC + 999999; /* 9999 */
        memset(rows[3].signal, 'S', sizeof(rows[3].signal) - 1);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(clean_shutdown_write(fixture->state_fd, &rows[i]), 0);
                assert_int_equal(clean_shutdown_read(fixture->state_fd, &read), 0);
                assert_marker_equal(&read, &rows[i]);
        }
}

static void test_clean_shutdown_written_is_json_with_the_public_keys(void **state) {
        static const struct {
                const char *key;
                const char *value;
        } rows[] = {
                { "run_id", RUN_ID },
                { "pid", "4711" },
                { "boot_id", BOOT_ID },
                { "signal", "SIGTERM" },
                { "written_at", "2026-02-28T23:59:59.123456+00:00" },
                { "outcome", "clean" },
        };
        Fixture *fixture = *state;
        _cleanup_free_ char *text = NULL;

        assert_int_equal(clean_shutdown_write(fixture->state_fd, &fixture_marker), 0);
        assert_int_equal(
                file_read_bounded(fixture->state_fd, ".clean_shutdown", 4096, &text, NULL), 0);
        json_object *object = json_tokener_parse(text);
        assert_int_equal(json_object_object_length(object), ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(
                        json_object_get_string(json_object_object_get(object, rows[i].key)),
                        rows[i].value);
        (void) json_object_put(object);
}

static void test_clean_shutdown_written_is_private(void **state) {
        Fixture *fixture = *state;
        struct stat st;

        assert_int_equal(clean_shutdown_write(fixture->state_fd, &fixture_marker), 0);
        assert_int_equal(fstatat(fixture->state_fd, MARKER_CLEAN_SHUTDOWN, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_clean_shutdown_write_beyond_year_9999_fails(void **state) {
        Fixture *fixture = *state;
        CleanShutdown marker = fixture_marker;

        marker.written_at_realtime_usec = 253402300800ULL * USEC_PER_SEC;
        assert_int_equal(clean_shutdown_write(fixture->state_fd, &marker), -ERANGE);
        marker.written_at_realtime_usec = USEC_INFINITY;
        assert_int_equal(clean_shutdown_write(fixture->state_fd, &marker), -ERANGE);
        assert_int_equal(clean_shutdown_read(fixture->state_fd, &marker), -ENOENT);
}

static void test_clean_shutdown_missing_is_enoent(void **state) {
        Fixture *fixture = *state;
        CleanShutdown marker;

        assert_int_equal(clean_shutdown_read(fixture->state_fd, &marker), -ENOENT);
}

static void test_clean_shutdown_foreign_file_is_not_read(void **state) {
        Fixture *fixture = *state;
        CleanShutdown marker;

        /* A gateway's own marker: empty. */
        assert_int_equal(
                file_write_atomic(fixture->state_fd, MARKER_CLEAN_SHUTDOWN, "", 0, 0600), 0);
        assert_int_equal(clean_shutdown_read(fixture->state_fd, &marker), -EBADMSG);

        char *large = calloc(1, MARKER_SIZE_MAX + 1);
        int r = file_write_atomic(
                fixture->state_fd, MARKER_CLEAN_SHUTDOWN, large, MARKER_SIZE_MAX + 1, 0600);
        free(large);
        assert_int_equal(r, 0);
        assert_int_equal(clean_shutdown_read(fixture->state_fd, &marker), -EFBIG);
}

static void test_clean_shutdown_directory_in_its_place_is_reported(void **state) {
        Fixture *fixture = *state;
        CleanShutdown marker;

        assert_int_equal(mkdirat(fixture->state_fd, MARKER_CLEAN_SHUTDOWN, 0700), 0);
        assert_int_equal(clean_shutdown_read(fixture->state_fd, &marker), -EBADFD);
        assert_int_equal(clean_shutdown_write(fixture->state_fd, &fixture_marker), -EISDIR);
        assert_int_equal(clean_shutdown_remove(fixture->state_fd), -EISDIR);
}

static void test_clean_shutdown_remove_is_done_twice_without_error(void **state) {
        Fixture *fixture = *state;
        CleanShutdown marker;

        assert_int_equal(clean_shutdown_write(fixture->state_fd, &fixture_marker), 0);
        assert_int_equal(clean_shutdown_remove(fixture->state_fd), 0);
        assert_int_equal(clean_shutdown_read(fixture->state_fd, &marker), -ENOENT);
        assert_int_equal(clean_shutdown_remove(fixture->state_fd), 0);
}

static void test_clean_shutdown_parse_accepts(void **state) {
        static const struct {
                const char *text;
                usec_t written_at_usec;
                const char *signal;
        } rows[] = {
                { "{" IDS "," PID "," TIME "}", TIME_AT, "" },
                { " {" IDS "," PID "," TIME "}\r\n\t ", TIME_AT, "" },
                { "{" IDS "," PID "," TIME ",\"signal\":null,\"outcome\":null}", TIME_AT, "" },
                { "{" IDS "," PID "," TIME ",\"signal\":\"SIGINT\"}", TIME_AT, "SIGINT" },
                { "{" IDS "," PID "," TIME ",\"more\":{\"a\":[1,2.5,\"x\",null,true]}}", TIME_AT,
                        "" },
                { "{" IDS "," PID ",\"written_at\":\"1970-01-01T00:00:00Z\"}", 0, "" },
                { "{" IDS "," PID ",\"written_at\":\"2026-03-01T01:29:59.5+01:30\"}",
                        1772323199ULL * USEC_PER_SEC + 500000, "" },
                { "{" IDS "," PID ",\"written_at\":\"2026-02-28T20:59:59-03:00\"}",
                        1772323199ULL * USEC_PER_SEC, "" },
                { "{" IDS "," PID ",\"written_at\":\"2026-02-28T23:59:59.123456789Z\"}", TIME_AT,
                        "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CleanShutdown expected = fixture_marker, marker = {};
                strcpy(expected.signal, rows[i].signal);
                expected.outcome[0] = '\0';
                expected.written_at_realtime_usec = rows[i].written_at_usec;
                assert_int_equal(
                        clean_shutdown_parse(rows[i].text, strlen(rows[i].text), &marker), 0);
                assert_marker_equal(&marker, &expected);
        }
}

#define WRITTEN_AT(time) "{" IDS "," PID ",\"written_at\":\"" time "\"}"

static void test_clean_shutdown_parse_refuses(void **state) {
        static const char *const rows[] = {
                "",
                "   ",
                "null",
                "17",
                "[]",
                "{}",
                "\"text\"",
                "{" IDS "," PID "," TIME,
                "{" IDS "," PID "," TIME "}{}",
                "{" IDS "," PID "," TIME "} x",
                "{" IDS "," PID "," TIME ",}",
                "/* comment */{" IDS "," PID "," TIME "}",
                "{" IDS "," TIME "}",
                "{" IDS "," PID "}",
                "{\"run_id\":\"" RUN_ID "\"," PID "," TIME "}",
                "{\"boot_id\":\"" BOOT_ID "\"," PID "," TIME "}",
                "{\"run_id\":7,\"boot_id\":\"" BOOT_ID "\"," PID "," TIME "}",
                "{\"run_id\":\"0123\",\"boot_id\":\"" BOOT_ID "\"," PID "," TIME "}",
                "{" IDS ",\"pid\":\"4711\"," TIME "}",
                "{" IDS ",\"pid\":4711.0," TIME "}",
                "{" IDS ",\"pid\":true," TIME "}",
                "{" IDS ",\"pid\":null," TIME "}",
                "{" IDS ",\"pid\":-1," TIME "}",
                "{" IDS ",\"pid\":2147483648," TIME "}",
                "{" IDS ",\"pid\":99999999999999999999999999," TIME "}",
                "{" IDS "," PID "," TIME ",\"signal\":15}",
                "{" IDS "," PID "," TIME ",\"signal\":\"SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS\"}",
                "{" IDS "," PID "," TIME ",\"signal\":\"SIG\\u0000TERM\"}",
                "{" IDS "," PID "," TIME ",\"signal\":\"\xff\"}",
                "{" IDS "," PID "," TIME ",\"outcome\":[]}",
                "{" IDS "," PID "," TIME ",\"x\":[[[[[[[[[[]]]]]]]]]]}",
                "{" IDS "," PID ",\"written_at\":1772323199}",
                WRITTEN_AT(""),
                WRITTEN_AT("2026-02-28"),
                WRITTEN_AT("2026-02-28T23:59:59"),
                WRITTEN_AT("2026-02-28 23:59:59Z"),
                WRITTEN_AT("2026-2-28T23:59:59Z"),
                WRITTEN_AT("2026-02-30T00:00:00Z"),
                WRITTEN_AT("2026-13-01T00:00:00Z"),
                WRITTEN_AT("2026-00-01T00:00:00Z"),
                WRITTEN_AT("2026-02-28T24:00:00Z"),
                WRITTEN_AT("2026-02-28T23:60:00Z"),
                WRITTEN_AT("2026-02-28T23:59:60Z"),
                WRITTEN_AT("2026-02-28T23:59:59.Z"),
                WRITTEN_AT("2026-02-28T23:59:59.1234567890Z"),
                WRITTEN_AT("2026-02-28T23:59:59+0000"),
                WRITTEN_AT("2026-02-28T23:59:59+24:00"),
                WRITTEN_AT("2026-02-28T23:59:59+00:60"),
                WRITTEN_AT("2026-02-28T23:59:59+00:00x"),
                WRITTEN_AT("2026-02-28T23:59:59Zx"),
                WRITTEN_AT("1969-12-31T23:59:59Z"),
                WRITTEN_AT("1970-01-01T00:00:00+00:01"),
                WRITTEN_AT("-026-02-28T23:59:59Z"),
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CleanShutdown marker = { .pid = -7 };
                int r = clean_shutdown_parse(rows[i], strlen(rows[i]), &marker);
                if (r != -EBADMSG)
                        print_error("accepted: %s\n", rows[i]);
                assert_int_equal(r, -EBADMSG);
                assert_int_equal(marker.pid, -7);
        }
}

/* The size counts, not a NUL: none is there, or there is more behind it. */
static void test_clean_shutdown_parse_goes_by_size(void **state) {
        static const char whole[] = "{" IDS "," PID "," TIME "}";
        static const char more[] = "{" IDS "," PID "," TIME "}\0{}";
        CleanShutdown marker;

        char *bytes = malloc(sizeof(whole) - 1);
        memcpy(bytes, whole, sizeof(whole) - 1);
        int r = clean_shutdown_parse(bytes, sizeof(whole) - 1, &marker);
        free(bytes);
        assert_int_equal(r, 0);
        assert_int_equal(clean_shutdown_parse(whole, sizeof(whole) - 2, &marker), -EBADMSG);
        assert_int_equal(clean_shutdown_parse(more, sizeof(more) - 1, &marker), -EBADMSG);
}

#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                fixture_test(test_clean_shutdown_written_reads_back),
                fixture_test(test_clean_shutdown_written_is_json_with_the_public_keys),
                fixture_test(test_clean_shutdown_written_is_private),
                fixture_test(test_clean_shutdown_write_beyond_year_9999_fails),
                fixture_test(test_clean_shutdown_missing_is_enoent),
                fixture_test(test_clean_shutdown_foreign_file_is_not_read),
                fixture_test(test_clean_shutdown_directory_in_its_place_is_reported),
                fixture_test(test_clean_shutdown_remove_is_done_twice_without_error),
                cmocka_unit_test(test_clean_shutdown_parse_accepts),
                cmocka_unit_test(test_clean_shutdown_parse_refuses),
                cmocka_unit_test(test_clean_shutdown_parse_goes_by_size),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
