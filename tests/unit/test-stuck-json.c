/* SPDX-License-Identifier: MIT */

/* The collector's lines put together: whole ones, cut ones, hostile ones, too many of them; and the
 * sentence about peers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "byte-buffer.h"
#include "forensics/stuck.h"
#include "utf8.h"

#define RANDOM_ROUNDS 100

typedef struct Fixture {
        ByteBuffer lines;
        json_object *stuck;
} Fixture;

static int fixture_setup(void **state) {
        *state = calloc(1, sizeof(Fixture));
        return *state ? 0 : -1;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        byte_buffer_done(&fixture->lines);
        (void) json_object_put(fixture->stuck);
        free(fixture);
        return 0;
}

_printf_(2, 3) static void add(Fixture *fixture, const char *format, ...) {
        char text[4096];
        va_list arguments;

        va_start(arguments, format);
        assert_true((size_t) vsnprintf(text, sizeof(text), format, arguments) < sizeof(text));
        va_end(arguments);
        byte_buffer_append_text(&fixture->lines, text);
        byte_buffer_append_text(&fixture->lines, "\n");
}

static const char *text_of(json_object *value) {
        return json_object_to_json_string_ext(
                value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static const char *parse(Fixture *fixture, const char *lines, size_t size) {
        (void) json_object_put(fixture->stuck);
        fixture->stuck = stuck_parse(lines, size, /* is_complete= */ true);
        assert_non_null(fixture->stuck);
        assert_true(strlen(json_object_to_json_string_ext(
                            fixture->stuck, JSON_C_TO_STRING_PLAIN)) <= STUCK_JSON_MAX);
        return text_of(fixture->stuck);
}

static const char *parse_lines(Fixture *fixture) {
        return parse(fixture, fixture->lines.data ?: "", fixture->lines.size);
}

static json_object *process_of(Fixture *fixture, size_t i) {
        return json_object_array_get_idx(json_object_object_get(fixture->stuck, "processes"), i);
}

/* Returns: how many there are; 0: no such list. */
static size_t count_of(json_object *object, const char *key) {
        json_object *list = json_object_object_get(object, key);
        return list ? json_object_array_length(list) : 0;
}

/* ---- Putting together ---- */

static void test_stuck_parse_of_lines_is_expected(void **state) {
        static const struct {
                const char *lines;
                const char *expected;
        } rows[] = {
                { "", "{\"complete\":true,\"processes\":[]}" },
                { "{\"pid\":7,\"comm\":\"gw\",\"state\":\"S\",\"cpu_usec\":5,\"main\":true,"
                  "\"ppid\":1}\n",
                        "{\"complete\":true,\"processes\":[{\"pid\":7,\"comm\":\"gw\",\"state\":"
                        "\"S\",\"main\":true,\"ppid\":1,\"cpu_usec\":5}]}" },
                /* What comes later about the same thread completes it. */
                { "{\"pid\":7}\n{\"pid\":7,\"tid\":8,\"wchan\":\"x\"}\n"
                  "{\"pid\":7,\"tid\":8,\"syscall\":\"read\",\"syscall_number\":0}\n"
                  "{\"pid\":7,\"tid\":8,\"kernel_stack\":[\"a\",\"b\"]}\n",
                        "{\"complete\":true,\"processes\":[{\"pid\":7,\"threads\":[{\"tid\":8,"
                        "\"wchan\":\"x\",\"syscall\":\"read\",\"syscall_number\":0,"
                        "\"kernel_stack\":[\"a\",\"b\"]}]}]}" },
                { "{\"pid\":7,\"user_stack\":\"one\\ntw\"}\n{\"pid\":7,\"user_stack\":\"o\\n\"}\n",
                        "{\"complete\":true,\"processes\":[{\"pid\":7,\"user_stack\":"
                        "\"one\\ntwo\\n\"}]}" },
                { "{\"pid\":7,\"socket\":{\"fd\":3,\"family\":\"tcp\",\"x\":1}}\n"
                  "{\"pid\":7,\"file\":{\"fd\":4,\"path\":\"/a\"}}\n",
                        "{\"complete\":true,\"processes\":[{\"pid\":7,\"sockets\":[{\"fd\":3,"
                        "\"family\":\"tcp\"}],\"files\":[{\"fd\":4,\"path\":\"/a\"}]}]}" },
                { "{\"processes_left_out\":3,\"threads_left_out\":0}\n",
                        "{\"complete\":true,\"processes\":[],\"processes_left_out\":3,"
                        "\"threads_left_out\":0}" },
                /* A thread whose process's own line is missing. */
                { "{\"pid\":9,\"tid\":9,\"state\":\"D\"}\n",
                        "{\"complete\":true,\"processes\":[{\"pid\":9,\"threads\":[{\"tid\":9,"
                        "\"state\":\"D\"}]}]}" },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(
                        parse(fixture, rows[i].lines, strlen(rows[i].lines)), rows[i].expected);
}

static void test_stuck_parse_of_hostile_lines_leaves_them_out(void **state) {
        static const char *const rows[] = {
                "\n\n\n",
                "no JSON\n",
                "[1,2]\n",
                "{\"pid\":7",
                "{\"pid\":\"7\"}\n",
                "{\"pid\":null,\"comm\":\"x\"}\n",
                "{\"pid\":7.5}\n",
                "{\"pid\":7}{\"pid\":8}\n",
                "{\"pid\":7,\"comm\":\"\xff\"}\n",
                "{\"complete\":false,\"shortened\":true,\"processes\":3}\n",
                "{\"x\":[[[[[[[[[[[[]]]]]]]]]]]]}\n",
                "{\"processes_left_out\":\"many\"}\n",
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(parse(fixture, rows[i], strlen(rows[i])),
                        "{\"complete\":true,\"processes\":[]}");
}

static void test_stuck_parse_of_values_of_other_types_leaves_them_out(void **state) {
        static const char *const rows[] = {
                "{\"pid\":7,\"comm\":3,\"state\":[],\"main\":\"yes\",\"cpu_usec\":\"1\"}\n",
                "{\"pid\":7,\"socket\":[],\"file\":\"x\",\"user_stack\":{}}\n",
                "{\"pid\":7,\"threads\":[1],\"sockets\":7,\"files\":null}\n",
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(parse(fixture, rows[i], strlen(rows[i])),
                        "{\"complete\":true,\"processes\":[{\"pid\":7}]}");
        add(fixture, "{\"pid\":7,\"tid\":1,\"kernel_stack\":[\"a\",{\"b\":1}],\"wchan\":0}");
        assert_string_equal(parse_lines(fixture),
                "{\"complete\":true,\"processes\":[{\"pid\":7,\"threads\":[{\"tid\":1}]}]}");
}

static void test_stuck_parse_cut_anywhere_keeps_the_lines_before(void **state) {
        Fixture *fixture = *state;
        size_t ends[4], n_ends = 0;

        for (int i = 0; i < 4; i++) {
                add(fixture, "{\"pid\":%d,\"comm\":\"p\xc3\xa9\"}", 100 + i);
                ends[n_ends++] = fixture->lines.size;
        }
        for (size_t size = 0; size <= fixture->lines.size; size++) {
                size_t n_expected = 0;
                /* A line whose end alone is missing is whole. */
                while (n_expected < n_ends && ends[n_expected] - 1 <= size)
                        n_expected++;
                (void) parse(fixture, fixture->lines.data, size);
                assert_int_equal(count_of(fixture->stuck, "processes"), n_expected);
        }
}

static void test_stuck_parse_incomplete_says_so(void **state) {
        Fixture *fixture = *state;

        fixture->stuck = stuck_parse(NULL, 0, /* is_complete= */ false);
        assert_string_equal(text_of(fixture->stuck), "{\"complete\":false,\"processes\":[]}");
}

static void test_stuck_parse_of_too_many_keeps_the_bounds(void **state) {
        Fixture *fixture = *state;
        size_t n_threads = 0, n_sockets = 0, n_files = 0;

        for (int i = 0; i < 2 * STUCK_PROCESSES_MAX; i++)
                for (int j = 0; j < 8; j++) {
                        add(fixture, "{\"pid\":%d,\"tid\":%d}", i + 1, j);
                        add(fixture, "{\"pid\":%d,\"socket\":{\"fd\":%d}}", i + 1, j);
                        add(fixture, "{\"pid\":%d,\"file\":{\"fd\":%d}}", i + 1, j);
                }
        (void) parse_lines(fixture);
        assert_int_equal(count_of(fixture->stuck, "processes"), STUCK_PROCESSES_MAX);
        for (size_t i = 0; i < STUCK_PROCESSES_MAX; i++) {
                n_threads += count_of(process_of(fixture, i), "threads");
                n_sockets += count_of(process_of(fixture, i), "sockets");
                n_files += count_of(process_of(fixture, i), "files");
        }
        assert_int_equal(n_threads, STUCK_THREADS_MAX);
        assert_int_equal(n_sockets, STUCK_SOCKETS_MAX);
        assert_int_equal(n_files, STUCK_FILES_MAX);
}

/* ---- Shortening ---- */

static void add_stack(Fixture *fixture, int pid, size_t size) {
        for (size_t n = 0; n < size; n += 100)
                add(fixture, "{\"pid\":%d,\"user_stack\":\"%0*d\\n\"}", pid, 99, 0);
}

/* Two processes with everything, each kind of about the size given. */
static void add_everything(Fixture *fixture, size_t stack_bytes, int frame_bytes, int path_bytes) {
        for (int pid = 1; pid <= 2; pid++) {
                add(fixture, "{\"pid\":%d,\"comm\":\"gw\"}", pid);
                for (int i = 0; i < 20; i++) {
                        add(fixture, "{\"pid\":%d,\"tid\":%d,\"kernel_stack\":[\"%0*d\"]}", pid, i,
                                frame_bytes, 0);
                        add(fixture, "{\"pid\":%d,\"socket\":{\"fd\":%d}}", pid, i);
                        add(fixture, "{\"pid\":%d,\"file\":{\"fd\":%d,\"path\":\"%0*d\"}}", pid, i,
                                path_bytes, 0);
                }
                add_stack(fixture, pid, stack_bytes);
        }
        add(fixture, "{\"threads_left_out\":5}");
}

static bool has_kernel_stack(Fixture *fixture, size_t process, size_t thread) {
        return json_object_object_get(
                json_object_array_get_idx(
                        json_object_object_get(process_of(fixture, process), "threads"), thread),
                "kernel_stack");
}

static void test_stuck_parse_that_fits_is_not_shortened(void **state) {
        Fixture *fixture = *state;

        add_everything(fixture, 1000, 100, 100);
        (void) parse_lines(fixture);
        assert_null(json_object_object_get(fixture->stuck, "shortened"));
        assert_int_equal(count_of(process_of(fixture, 1), "files"), 20);
}

static void test_stuck_parse_too_long_loses_user_stacks_first(void **state) {
        Fixture *fixture = *state;

        add_everything(fixture, 30000, 100, 100);
        (void) parse_lines(fixture);
        assert_true(json_object_get_boolean(json_object_object_get(fixture->stuck, "shortened")));
        /* As much as is needed of the last one's, at whole lines; main's stays. */
        const char *last = json_object_get_string(
                json_object_object_get(process_of(fixture, 1), "user_stack"));
        assert_non_null(last);
        assert_true(strlen(last) > 0 && strlen(last) < 30000);
        assert_int_equal(strlen(last) % 100, 0);
        assert_int_equal(strlen(json_object_get_string(
                                 json_object_object_get(process_of(fixture, 0), "user_stack"))),
                30000);
        assert_int_equal(count_of(process_of(fixture, 1), "files"), 20);
        assert_true(has_kernel_stack(fixture, 1, 19));
}

static void test_stuck_parse_too_long_loses_files_second(void **state) {
        Fixture *fixture = *state;

        add_everything(fixture, 5000, 1000, 1000);
        (void) parse_lines(fixture);
        assert_null(json_object_object_get(process_of(fixture, 0), "user_stack"));
        assert_null(json_object_object_get(process_of(fixture, 1), "user_stack"));
        const size_t n_left = count_of(process_of(fixture, 0), "files");
        assert_true(n_left > 10 && n_left < 20);
        assert_int_equal(count_of(process_of(fixture, 1), "files"), 0);
        assert_int_equal(
                json_object_get_int(json_object_object_get(fixture->stuck, "files_left_out")),
                40 - n_left);
        assert_true(has_kernel_stack(fixture, 1, 19));
}

static void test_stuck_parse_too_long_loses_kernel_stacks_third(void **state) {
        Fixture *fixture = *state;

        add_everything(fixture, 5000, 2500, 100);
        (void) parse_lines(fixture);
        assert_int_equal(count_of(process_of(fixture, 0), "files"), 0);
        assert_true(has_kernel_stack(fixture, 0, 19));
        assert_true(has_kernel_stack(fixture, 1, 0));
        assert_false(has_kernel_stack(fixture, 1, 19));
        assert_int_equal(count_of(process_of(fixture, 1), "threads"), 20);
        assert_int_equal(count_of(process_of(fixture, 1), "sockets"), 20);
}

static void test_stuck_parse_too_long_loses_threads_fourth(void **state) {
        Fixture *fixture = *state;

        for (int pid = 1; pid <= 2; pid++)
                for (int i = 0; i < 40; i++) {
                        add(fixture, "{\"pid\":%d,\"tid\":%d,\"wchan\":\"%01000d\"}", pid, i, 0);
                        add(fixture, "{\"pid\":%d,\"socket\":{\"fd\":%d}}", pid, i);
                }
        add(fixture, "{\"threads_left_out\":5}");
        (void) parse_lines(fixture);
        const size_t n_left = count_of(process_of(fixture, 1), "threads");
        assert_int_equal(count_of(process_of(fixture, 0), "threads"), 40);
        assert_true(n_left > 10 && n_left < 30);
        assert_int_equal(
                json_object_get_int(json_object_object_get(fixture->stuck, "threads_left_out")),
                5 + 40 - n_left);
        assert_int_equal(count_of(process_of(fixture, 1), "sockets"), 40);
}

static void test_stuck_parse_too_long_at_last_loses_processes(void **state) {
        Fixture *fixture = *state;

        for (int i = 0; i < STUCK_PROCESSES_MAX; i++)
                add(fixture, "{\"pid\":%d,\"cmdline\":\"%04000d\"}", i + 1, 0);
        (void) parse_lines(fixture);
        const size_t n = count_of(fixture->stuck, "processes");
        assert_true(n > 10 && n < STUCK_PROCESSES_MAX);
        assert_int_equal(
                json_object_get_int(json_object_object_get(fixture->stuck, "processes_left_out")),
                STUCK_PROCESSES_MAX - n);
        assert_int_equal(
                json_object_get_int(json_object_object_get(process_of(fixture, 0), "pid")), 1);
}

/* ---- Random lines ---- */

static uint64_t random_next(uint64_t *seed) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

/* Characters that JSON writes in one to six bytes. */
static void random_text(uint64_t *seed, char *text, size_t size) {
        static const char *const pieces[] = { "a", "\\n", "\\u0001", "\xc3\xa9", "/", "\\\\" };
        size_t n = 0, n_wanted = (size_t) (random_next(seed) % (size - 8));

        while (n < n_wanted)
                n = (size_t) (stpcpy(text + n, pieces[random_next(seed) % ELEMENTSOF(pieces)]) -
                        text);
        text[n] = '\0';
}

static void add_random_line(Fixture *fixture, uint64_t *seed) {
        static const char *const formats[] = {
                "{\"pid\":%d,\"tid\":%d,\"wchan\":\"%s\"}",
                "{\"pid\":%d,\"tid\":%d,\"kernel_stack\":[\"%s\"]}",
                "{\"pid\":%d,\"socket\":{\"fd\":%d,\"peer\":\"%s\"}}",
                "{\"pid\":%d,\"file\":{\"fd\":%d,\"path\":\"%s\"}}",
                "{\"pid\":%d,\"ppid\":%d,\"cmdline\":\"%s\"}",
                "{\"pid\":%d,\"ppid\":%d,\"user_stack\":\"%s\"}",
        };
        char text[2000], line[2200];
        int pid = (int) (random_next(seed) % 20), other = (int) (random_next(seed) % 50);

        random_text(seed, text, sizeof(text));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void) snprintf(line, sizeof(line), formats[random_next(seed) % ELEMENTSOF(formats)], pid,
                other, text);
#pragma GCC diagnostic pop
        add(fixture, "%s", line);
}

static void test_stuck_parse_of_random_lines_never_exceeds_the_bound(void **state) {
        Fixture *fixture = *state;
        uint64_t seed = 88172645463325252;
        unsigned n_shortened = 0;

        for (unsigned round = 0; round < RANDOM_ROUNDS; round++) {
                byte_buffer_cut(&fixture->lines, 0);
                for (size_t n = random_next(&seed) % 250; n > 0; n--)
                        add_random_line(fixture, &seed);
                (void) parse_lines(fixture); /* asserts the bound */
                n_shortened += json_object_object_get(fixture->stuck, "shortened") != NULL;
        }
        assert_true(n_shortened > RANDOM_ROUNDS / 4 && n_shortened < RANDOM_ROUNDS);
}

/* ---- Peers ---- */

#define TCP(fd, peer, state, rest)                                                        \
        "{\"pid\":1,\"socket\":{\"fd\":" #fd ",\"family\":\"tcp\",\"peer\":\"" peer "\"," \
        "\"state\":\"" state "\"" rest "}}\n"
#define OUT ",\"outgoing\":true"

static void test_stuck_peers_of_sockets_are_expected(void **state) {
        static const struct {
                const char *lines;
                const char *expected;
        } rows[] = {
                { "", "" },
                { TCP(12, "192.0.2.7:443", "ESTABLISHED",
                          ",\"send_queue\":517,\"unanswered_usec\":31900000"),
                        "tcp 192.0.2.7:443 (fd 12, 517 bytes unsent or unacknowledged, silent for "
                        "31s)" },
                { TCP(3, "[2001:db8::1]:443", "ESTABLISHED", OUT ",\"unanswered_usec\":90000000"),
                        "tcp [2001:db8::1]:443 (fd 3, silent for 1min 30s)" },
                { TCP(3, "192.0.2.1:1", "ESTABLISHED", OUT ",\"unanswered_usec\":999999"),
                        "tcp 192.0.2.1:1 (fd 3)" },
                { TCP(3, "192.0.2.1:1", "SYN_SENT", ",\"retransmits\":4"),
                        "tcp 192.0.2.1:1 (fd 3, not connected, 4 retries)" },
                /* Neither clients nor listeners are waited for. */
                { TCP(3, "192.0.2.1:1", "ESTABLISHED", ",\"outgoing\":false"), "" },
                { TCP(3, "0.0.0.0:1", "LISTEN", OUT ",\"send_queue\":128"), "" },
                { "{\"pid\":1,\"socket\":{\"fd\":3,\"family\":\"unix\",\"peer\":\"/x\","
                  "\"state\":\"ESTABLISHED\",\"outgoing\":true}}\n",
                        "" },
                /* In the order of what they look like, at most three. */
                { TCP(1, "a:1", "ESTABLISHED", OUT ",\"unanswered_usec\":2000000")
                                TCP(2, "b:1", "ESTABLISHED", OUT ",\"unanswered_usec\":3000000")
                                        TCP(3, "c:1", "ESTABLISHED", ",\"send_queue\":1")
                                                TCP(4, "d:1", "SYN_SENT", ""),
                        "tcp d:1 (fd 4, not connected, 0 retries), tcp c:1 (fd 3, 1 bytes unsent "
                        "or unacknowledged), tcp b:1 (fd 2, silent for 3s)" },
                { TCP(1, "a\\u001b[2J:1", "SYN_SENT", ""), "" },
                { TCP(1, "a", "SYN_SENT", ",\"retransmits\":\"x\",\"unanswered_usec\":-5"),
                        "tcp a (fd 1, not connected, 0 retries)" },
        };
        Fixture *fixture = *state;
        char buffer[STUCK_PEERS_MAX];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                (void) parse(fixture, rows[i].lines, strlen(rows[i].lines));
                assert_ptr_equal(stuck_format_peers(fixture->stuck, buffer), buffer);
                assert_string_equal(buffer, rows[i].expected);
        }
}

static void test_stuck_peers_of_long_names_are_whole_or_left_out(void **state) {
        Fixture *fixture = *state;
        char buffer[STUCK_PEERS_MAX];

        add(fixture, TCP(1, "%0150d", "SYN_SENT", ",\"retransmits\":9"), 0);
        add(fixture, TCP(2, "%0150d", "SYN_SENT", ",\"retransmits\":8"), 0);
        add(fixture, TCP(3, "192.0.2.1:1", "SYN_SENT", ",\"retransmits\":7"));
        (void) parse_lines(fixture);
        (void) stuck_format_peers(fixture->stuck, buffer);
        assert_non_null(strstr(buffer, "(fd 1, not connected, 9 retries), tcp 192.0.2.1:1 (fd 3"));
        assert_null(strstr(buffer, "fd 2"));
}

static void test_stuck_peers_of_no_stuck_are_none(void **state) {
        Fixture *fixture = *state;
        static const char *const rows[] = { "{}", "[]", "{\"processes\":{}}",
                "{\"processes\":[3,{\"sockets\":[null,4,{}]}]}" };
        char buffer[STUCK_PEERS_MAX] = "x";

        assert_string_equal(stuck_format_peers(NULL, buffer), "");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                (void) json_object_put(fixture->stuck);
                fixture->stuck = json_tokener_parse(rows[i]);
                assert_non_null(fixture->stuck);
                assert_string_equal(stuck_format_peers(fixture->stuck, buffer), "");
        }
}

#define json_test(function) \
        cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                json_test(test_stuck_parse_of_lines_is_expected),
                json_test(test_stuck_parse_of_hostile_lines_leaves_them_out),
                json_test(test_stuck_parse_of_values_of_other_types_leaves_them_out),
                json_test(test_stuck_parse_cut_anywhere_keeps_the_lines_before),
                json_test(test_stuck_parse_incomplete_says_so),
                json_test(test_stuck_parse_of_too_many_keeps_the_bounds),
                json_test(test_stuck_parse_that_fits_is_not_shortened),
                json_test(test_stuck_parse_too_long_loses_user_stacks_first),
                json_test(test_stuck_parse_too_long_loses_files_second),
                json_test(test_stuck_parse_too_long_loses_kernel_stacks_third),
                json_test(test_stuck_parse_too_long_loses_threads_fourth),
                json_test(test_stuck_parse_too_long_at_last_loses_processes),
                json_test(test_stuck_parse_of_random_lines_never_exceeds_the_bound),
                json_test(test_stuck_peers_of_sockets_are_expected),
                json_test(test_stuck_peers_of_long_names_are_whole_or_left_out),
                json_test(test_stuck_peers_of_no_stuck_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
