/* SPDX-License-Identifier: MIT */

/* Stop markers: whom they are for, what is none, and what may stand in their place. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "forensics/marker-json.h"
#include "forensics/stop-marker.h"

#define NOW      (1772323199ULL * USEC_PER_SEC) /* 2026-02-28T23:59:59Z */
#define NOW_TEXT "2026-02-28T23:59:59+00:00"

#define GATEWAY_PID      12
#define GATEWAY_START    4711
#define SUPERVISOR_PID   99
#define SUPERVISOR_START 4000

static const StopMarkerTarget targets[] = {
        { .pid = GATEWAY_PID, .start_ticks = GATEWAY_START },
        { .pid = SUPERVISOR_PID, .start_ticks = SUPERVISOR_START },
};

typedef struct Row {
        const char *text;
        int expected;
} Row;

static void assert_rows(const Row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int r = stop_marker_parse(
                        rows[i].text, strlen(rows[i].text), NOW, NOW, targets, ELEMENTSOF(targets));
                if (r != rows[i].expected)
                        print_error("%s: %d\n", rows[i].text, r);
                assert_int_equal(r, rows[i].expected);
        }
}

static void test_stop_marker_target_is_compared_as_a_number(void **state) {
        static const Row rows[] = {
                { "{\"target_pid\":12}", STOP_MARKER_SELF },
                { "{\"target_pid\": 12}", STOP_MARKER_SELF },
                { " {\n  \"target_pid\" : 12\n}\n", STOP_MARKER_SELF },
                { "{\"target_pid\":99}", STOP_MARKER_SELF },
                { "{\"target_pid\":123}", STOP_MARKER_OTHER },
                { "{\"target_pid\":1}", STOP_MARKER_OTHER },
                { "{\"target_pid\":912}", STOP_MARKER_OTHER },
                { "{\"target_pid\":2147483647}", STOP_MARKER_OTHER },
                { "{\"target_pid\":123,\"note\":\"\\\"target_pid\\\": 12\"}", STOP_MARKER_OTHER },
                { "{\"replacer_pid\":12,\"target_pid\":123}", STOP_MARKER_OTHER },
                { "{\"target_pid\":123,\"more\":{\"target_pid\":12}}", STOP_MARKER_OTHER },
        };

        assert_rows(rows, ELEMENTSOF(rows));
}

static void test_stop_marker_start_time_is_honoured_when_given(void **state) {
        static const Row rows[] = {
                { "{\"target_pid\":12,\"target_start_time\":4711}", STOP_MARKER_SELF },
                { "{\"target_pid\":12,\"target_start_time\":4712}", STOP_MARKER_OTHER },
                { "{\"target_pid\":12,\"target_start_time\":4000}", STOP_MARKER_OTHER },
                { "{\"target_pid\":99,\"target_start_time\":4000}", STOP_MARKER_SELF },
                { "{\"target_pid\":12,\"target_start_time\":null}", STOP_MARKER_SELF },
                { "{\"target_pid\":12,\"target_start_time\":0}", STOP_MARKER_SELF },
                { "{\"target_pid\":12,\"target_start_time\":\"4711\"}", -EBADMSG },
                { "{\"target_pid\":12,\"target_start_time\":4711.0}", -EBADMSG },
                { "{\"target_pid\":12,\"target_start_time\":-1}", -EBADMSG },
                { "{\"target_pid\":12,\"target_start_time\":99999999999999999999}", -EBADMSG },
                { "{\"target_pid\":12,\"target_start_time\":[]}", -EBADMSG },
        };
        static const StopMarkerTarget unknown = { .pid = GATEWAY_PID };

        assert_rows(rows, ELEMENTSOF(rows));
        assert_int_equal(
                stop_marker_parse(rows[1].text, strlen(rows[1].text), NOW, NOW, &unknown, 1),
                STOP_MARKER_SELF);
}

static void test_stop_marker_without_targets_is_for_another(void **state) {
        static const char text[] = "{\"target_pid\":12}";
        static const StopMarkerTarget none = { .pid = 0 };

        assert_int_equal(
                stop_marker_parse(text, strlen(text), NOW, NOW, NULL, 0), STOP_MARKER_OTHER);
        assert_int_equal(
                stop_marker_parse(text, strlen(text), NOW, NOW, &none, 1), STOP_MARKER_OTHER);
}

#define AT(value) "{\"target_pid\":12,\"written_at\":" value "}"

static void test_stop_marker_counts_for_a_minute(void **state) {
        static const Row rows[] = {
                { AT("\"" NOW_TEXT "\""), STOP_MARKER_SELF },
                { AT("\"2026-02-28T23:58:59+00:00\""), STOP_MARKER_SELF },
                { AT("\"2026-02-28T23:58:58.999999+00:00\""), STOP_MARKER_ABSENT },
                { AT("\"2026-03-01T00:00:59Z\""), STOP_MARKER_SELF },
                { AT("\"2026-03-01T00:00:59.000001Z\""), STOP_MARKER_ABSENT },
                { AT("\"2026-03-01T01:29:59+01:30\""), STOP_MARKER_SELF },
                { AT("\"1970-01-01T00:00:00Z\""), STOP_MARKER_ABSENT },
                { AT("1772323199"), STOP_MARKER_SELF },
                { AT("1772323139"), STOP_MARKER_SELF },
                { AT("1772323138"), STOP_MARKER_ABSENT },
                { AT("1772323259"), STOP_MARKER_SELF },
                { AT("1772323260"), STOP_MARKER_ABSENT },
                { AT("0"), STOP_MARKER_ABSENT },
                { AT("1772323139.5"), STOP_MARKER_SELF },
                { AT("1772323138.5"), STOP_MARKER_ABSENT },
                { AT("1.772323199e9"), STOP_MARKER_SELF },
                { AT("253402300799"), STOP_MARKER_ABSENT },
                { AT("null"), STOP_MARKER_SELF },
        };

        assert_rows(rows, ELEMENTSOF(rows));
}

static void test_stop_marker_without_time_goes_by_the_files(void **state) {
        static const char text[] = "{\"target_pid\":12}";
        static const struct {
                usec_t modified_at_usec;
                int expected;
        } rows[] = {
                { NOW, STOP_MARKER_SELF },
                { NOW - STOP_MARKER_AGE_USEC, STOP_MARKER_SELF },
                { NOW - STOP_MARKER_AGE_USEC - 1, STOP_MARKER_ABSENT },
                { NOW + STOP_MARKER_AGE_USEC, STOP_MARKER_SELF },
                { NOW + STOP_MARKER_AGE_USEC + 1, STOP_MARKER_ABSENT },
                { 0, STOP_MARKER_ABSENT },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(stop_marker_parse(text, strlen(text), rows[i].modified_at_usec,
                                         NOW, targets, ELEMENTSOF(targets)),
                        rows[i].expected);
}

static void test_stop_marker_malformed_is_refused(void **state) {
        static const char *const rows[] = {
                "",
                " ",
                "12",
                "null",
                "[12]",
                "[{\"target_pid\":12}]",
                "\"target_pid\": 12",
                "{}",
                "{\"pid\":12}",
                "{\"target_pid\":\"12\"}",
                "{\"target_pid\":12.0}",
                "{\"target_pid\":1.2e1}",
                "{\"target_pid\":true}",
                "{\"target_pid\":null}",
                "{\"target_pid\":[12]}",
                "{\"target_pid\":0}",
                "{\"target_pid\":-12}",
                "{\"target_pid\":2147483648}",
                "{\"target_pid\":4294967308}", /* 2^32 + 12 */
                "{\"target_pid\":18446744073709551628}",
                "{\"target_pid\":12",
                "{\"target_pid\":12}{}",
                "{\"target_pid\":12} x",
                "{\"target_pid\":12,}",
                "{\"target_pid\":12,\"a\":'x'}",
                "{target_pid:12}",
                "{\"target_pid\":12,\"a\":\"\xff\"}",
                "{\"target_pid\":12,\"a\":[[[[[[[[[[]]]]]]]]]]}",
                AT("\"\""),
                AT("\"yesterday\""),
                AT("\"2026-02-28T23:59:59\""),
                AT("\"2026-02-28\""),
                AT("\"1772323199\""),
                AT("-1"),
                AT("-0.5"),
                AT("253402300800"),
                AT("1e300"),
                AT("NaN"),
                AT("Infinity"),
                AT("true"),
                AT("[]"),
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int r = stop_marker_parse(
                        rows[i], strlen(rows[i]), NOW, NOW, targets, ELEMENTSOF(targets));
                if (r != -EBADMSG)
                        print_error("%s: %d\n", rows[i], r);
                assert_int_equal(r, -EBADMSG);
        }
}

/* The size counts, not a NUL: none is there, or there is more behind it. */
static void test_stop_marker_parse_goes_by_size(void **state) {
        static const char whole[] = "{\"target_pid\":12}", more[] = "{\"target_pid\":12}\0{}";

        char *bytes = malloc(strlen(whole));
        memcpy(bytes, whole, strlen(whole));
        int r = stop_marker_parse(bytes, strlen(whole), NOW, NOW, targets, ELEMENTSOF(targets));
        free(bytes);
        assert_int_equal(r, STOP_MARKER_SELF);
        assert_int_equal(stop_marker_parse(more, sizeof(more) - 1, NOW, NOW, targets, 1), -EBADMSG);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int read_marker(Fixture *fixture, char text[static STOP_MARKER_TEXT_MAX]) {
        return stop_marker_read(fixture->fd, MARKER_TAKEOVER, usec_now(CLOCK_REALTIME), targets,
                ELEMENTSOF(targets), text);
}

static void test_stop_marker_read_gives_the_text(void **state) {
        static const char content[] = "{\"target_pid\": 12, \"replacer_pid\": 5}\n";
        char text[STOP_MARKER_TEXT_MAX] = "x";

        write_file(MARKER_TAKEOVER, content, strlen(content));
        assert_int_equal(read_marker(*state, text), STOP_MARKER_SELF);
        assert_string_equal(text, content);
}

static void test_stop_marker_long_text_is_cut_between_characters(void **state) {
        char content[2048], text[STOP_MARKER_TEXT_MAX];

        /* From every position on, so that the limit falls into a character of 2, 3 and 4 bytes. */
        for (int n_before = 0; n_before < 4; n_before++) {
                int n = snprintf(content, sizeof(content), "{\"target_pid\":123,\"a\":\"%.*s",
                        n_before, "xxxx");
                for (int i = 0; i < 50; i++)
                        n += snprintf(content + n, sizeof(content) - (size_t) n, "ä€𝄞");
                n += snprintf(content + n, sizeof(content) - (size_t) n, "\"}");
                write_file(MARKER_TAKEOVER, content, (size_t) n);

                assert_int_equal(read_marker(*state, text), STOP_MARKER_OTHER);
                size_t length = strlen(text);
                assert_in_range(length, STOP_MARKER_TEXT_MAX - 4, STOP_MARKER_TEXT_MAX - 1);
                assert_memory_equal(text, content, length);
                assert_int_not_equal(content[length] & 0xc0, 0x80);
        }
}

static void test_stop_marker_missing_is_absent(void **state) {
        char text[STOP_MARKER_TEXT_MAX] = "x";

        assert_int_equal(read_marker(*state, text), STOP_MARKER_ABSENT);
        assert_string_equal(text, "");
}

static void test_stop_marker_old_file_is_absent(void **state) {
        Fixture *fixture = *state;
        static const char content[] = "{\"target_pid\":12}";
        const struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        char text[STOP_MARKER_TEXT_MAX] = "x";

        write_file(MARKER_TAKEOVER, content, strlen(content));
        assert_int_equal(utimensat(fixture->fd, MARKER_TAKEOVER, times, 0), 0);
        assert_int_equal(read_marker(fixture, text), STOP_MARKER_ABSENT);
        assert_string_equal(text, "");
}

static void test_stop_marker_malformed_file_gives_no_text(void **state) {
        char text[STOP_MARKER_TEXT_MAX] = "x";

        write_file(MARKER_TAKEOVER, "{\"target_pid\":\"12\"}", 19);
        assert_int_equal(read_marker(*state, text), -EBADMSG);
        assert_string_equal(text, "");
}

static void test_stop_marker_huge_file_is_not_read(void **state) {
        char text[STOP_MARKER_TEXT_MAX] = "x", *content = malloc(MARKER_SIZE_MAX + 1);

        memset(content, ' ', MARKER_SIZE_MAX + 1);
        memcpy(content, "{\"target_pid\":12}", 17);
        int fd = open(MARKER_TAKEOVER, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ssize_t n = write(fd, content, MARKER_SIZE_MAX + 1);
        free(content);
        assert_int_equal(n, MARKER_SIZE_MAX + 1);
        assert_int_equal(read_marker(*state, text), -EFBIG);
        assert_string_equal(text, "");

        int r = ftruncate(fd, MARKER_SIZE_MAX);
        (void) close(fd);
        assert_int_equal(r, 0);
        assert_int_equal(read_marker(*state, text), STOP_MARKER_SELF);
}

static void test_stop_marker_link_is_not_followed(void **state) {
        char text[STOP_MARKER_TEXT_MAX] = "x";

        write_file("other", "{\"target_pid\":12}", 17);
        assert_int_equal(symlink("other", MARKER_TAKEOVER), 0);
        assert_int_equal(read_marker(*state, text), -ELOOP);
        assert_string_equal(text, "");
}

static void test_stop_marker_fifo_and_directory_do_not_block(void **state) {
        char text[STOP_MARKER_TEXT_MAX] = "x";

        assert_int_equal(mkfifo(MARKER_TAKEOVER, 0600), 0);
        assert_int_equal(read_marker(*state, text), -EBADFD);
        assert_int_equal(unlink(MARKER_TAKEOVER), 0);
        assert_int_equal(mkdir(MARKER_TAKEOVER, 0700), 0);
        assert_int_equal(read_marker(*state, text), -EBADFD);
        assert_string_equal(text, "");
}

/* In a child, because root may read everything. */
static void test_stop_marker_unreadable_is_reported(void **state) {
        int status;

        write_file(MARKER_TAKEOVER, "{\"target_pid\":12}", 17);
        assert_int_equal(chmod(MARKER_TAKEOVER, 0), 0);
        assert_int_equal(chmod(".", 0755), 0);
        pid_t pid = fork();
        if (pid == 0) {
                char text[STOP_MARKER_TEXT_MAX] = "x";
                if (geteuid() == 0 && setuid(65534) < 0)
                        _exit(1);
                _exit(read_marker(*state, text) == -EACCES && !text[0] ? 0 : 2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void test_planned_stop_written_is_read_back(void **state) {
        Fixture *fixture = *state;
        char text[STOP_MARKER_TEXT_MAX];

        assert_int_equal(planned_stop_write(fixture->fd, &targets[0], 77, NOW), 0);
        assert_content(fixture, ".gateway-planned-stop.json",
                "{\"target_pid\":12,\"target_start_time\":4711,\"stopper_pid\":77,\"written_at\":"
                "\"2026-02-28T23:59:59.000000+00:00\"}");
        assert_int_equal(mode_of(MARKER_PLANNED_STOP), 0600);
        assert_int_equal(stop_marker_read(fixture->fd, MARKER_PLANNED_STOP, NOW, targets,
                                 ELEMENTSOF(targets), text),
                STOP_MARKER_SELF);
        assert_int_equal(
                stop_marker_read(fixture->fd, MARKER_PLANNED_STOP, NOW, &targets[1], 1, text),
                STOP_MARKER_OTHER);
}

static void test_planned_stop_of_unknown_start_time_says_null(void **state) {
        Fixture *fixture = *state;
        const StopMarkerTarget gateway = { .pid = GATEWAY_PID };

        assert_int_equal(planned_stop_write(fixture->fd, &gateway, 77, 0), 0);
        assert_content(fixture, MARKER_PLANNED_STOP,
                "{\"target_pid\":12,\"target_start_time\":null,\"stopper_pid\":77,\"written_at\":"
                "\"1970-01-01T00:00:00.000000+00:00\"}");
}

static void test_planned_stop_that_cannot_be_written_is_reported(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(mkdir(MARKER_PLANNED_STOP, 0700), 0);
        assert_int_equal(planned_stop_write(fixture->fd, &targets[0], 77, NOW), -EISDIR);
        assert_int_equal(count_entries("."), 1);
        assert_int_equal(planned_stop_write(fixture->fd, &targets[0], 77, USEC_INFINITY), -ERANGE);
}

static void test_stop_marker_presence_has_names(void **state) {
        assert_string_equal(stop_marker_presence_to_string(STOP_MARKER_ABSENT), "absent");
        assert_string_equal(stop_marker_presence_to_string(STOP_MARKER_SELF), "self");
        assert_string_equal(stop_marker_presence_to_string(STOP_MARKER_OTHER), "other");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stop_marker_target_is_compared_as_a_number),
                cmocka_unit_test(test_stop_marker_start_time_is_honoured_when_given),
                cmocka_unit_test(test_stop_marker_without_targets_is_for_another),
                cmocka_unit_test(test_stop_marker_counts_for_a_minute),
                cmocka_unit_test(test_stop_marker_without_time_goes_by_the_files),
                cmocka_unit_test(test_stop_marker_malformed_is_refused),
                cmocka_unit_test(test_stop_marker_parse_goes_by_size),
                file_test(test_stop_marker_read_gives_the_text),
                file_test(test_stop_marker_long_text_is_cut_between_characters),
                file_test(test_stop_marker_missing_is_absent),
                file_test(test_stop_marker_old_file_is_absent),
                file_test(test_stop_marker_malformed_file_gives_no_text),
                file_test(test_stop_marker_huge_file_is_not_read),
                file_test(test_stop_marker_link_is_not_followed),
                file_test(test_stop_marker_fifo_and_directory_do_not_block),
                file_test(test_stop_marker_unreadable_is_reported),
                file_test(test_planned_stop_written_is_read_back),
                file_test(test_planned_stop_of_unknown_start_time_says_null),
                file_test(test_planned_stop_that_cannot_be_written_is_reported),
                cmocka_unit_test(test_stop_marker_presence_has_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
