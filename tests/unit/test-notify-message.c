/* SPDX-License-Identifier: MIT */

/* One datagram in, what the supervisor sees of it, and what goes up again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "gateway/notify-message.h"

#define EURO "\xe2\x82\xac"

typedef struct Parsed {
        char buffer[NOTIFY_MESSAGE_MAX + 8];
        char passed[NOTIFY_MESSAGE_MAX + 2];
        NotifyMessage message;
} Parsed;

static int parse_bytes(Parsed *parsed, const char *bytes, size_t size, size_t n_fds) {
        memset(parsed, 0x55, sizeof(*parsed));
        memcpy(parsed->buffer, bytes, size);
        return notify_message_parse(parsed->buffer, size, n_fds, parsed->passed, &parsed->message);
}

static int parse(Parsed *parsed, const char *text) {
        return parse_bytes(parsed, text, strlen(text), /* n_fds= */ 0);
}

static void test_notify_message_flags_are_exact(void **state) {
        static const struct {
                const char *text;
                bool has_ready, has_reloading, has_stopping, has_watchdog, has_trigger, has_fdstore;
        } rows[] = {
                { "READY=1", .has_ready = true },
                { "READY=1\n", .has_ready = true },
                { "\n\nREADY=1\n\n", .has_ready = true },
                { "READY=0" },
                { "READY=11" },
                { "READY=" },
                { "READY" },
                { " READY=1" },
                { "ready=1" },
                { "READYX=1" },
                { "READY=1 " },
                { "RELOADING=1", .has_reloading = true },
                { "STOPPING=1", .has_stopping = true },
                { "STOPPING=1\nREADY=1\nRELOADING=1", true, true, true },
                { "WATCHDOG=1", .has_watchdog = true },
                { "WATCHDOG=trigger", .has_trigger = true },
                { "WATCHDOG=trigger\nWATCHDOG=1", .has_trigger = true },
                { "WATCHDOG=2" },
                { "FDSTORE=1", .has_fdstore = true },
                { "FDSTORE=0\nFDSTORE=1" },
                { "READY=0\nREADY=1" },
                { "X=\rREADY=1\rSTOPPING=1", .has_ready = true, .has_stopping = true },
                { "" },
                { "\n\r\n" },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(parse(&parsed, rows[i].text), 0);
                assert_int_equal(parsed.message.has_ready, rows[i].has_ready);
                assert_int_equal(parsed.message.has_reloading, rows[i].has_reloading);
                assert_int_equal(parsed.message.has_stopping, rows[i].has_stopping);
                assert_int_equal(parsed.message.has_watchdog, rows[i].has_watchdog);
                assert_int_equal(parsed.message.has_watchdog_trigger, rows[i].has_trigger);
                assert_int_equal(parsed.message.has_fdstore, rows[i].has_fdstore);
                assert_false(parsed.message.has_barrier);
        }
}

static void test_notify_message_numbers_are_whole_or_absent(void **state) {
        static const struct {
                const char *value;
                bool is_number, is_extension, is_pid;
                uint64_t number;
        } rows[] = {
                { "1", true, true, true, 1 },
                { "0", true, false, false, 0 },
                { "007", true, true, true, 7 },
                { "2147483647", true, true, true, 2147483647 },
                { "2147483648", true, true, false, 2147483648 },
                { "18446744073709551614", true, true, false, UINT64_MAX - 1 },
                { "18446744073709551615", true, false, false, UINT64_MAX },
                { "18446744073709551616", false, false, false, 0 },
                { "", false, false, false, 0 },
                { "-1", false, false, false, 0 },
                { "+1", false, false, false, 0 },
                { " 1", false, false, false, 0 },
                { "1 ", false, false, false, 0 },
                { "1s", false, false, false, 0 },
                { "0x10", false, false, false, 0 },
                { "infinity", false, false, false, 0 },
        };
        Parsed parsed;
        char text[160];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                (void) snprintf(text, sizeof(text),
                        "WATCHDOG_USEC=%s\nEXTEND_TIMEOUT_USEC=%s\nMAINPID=%s", rows[i].value,
                        rows[i].value, rows[i].value);
                assert_int_equal(parse(&parsed, text), 0);
                assert_int_equal(parsed.message.has_watchdog_usec, rows[i].is_number);
                if (rows[i].is_number)
                        assert_int_equal(parsed.message.watchdog_usec, rows[i].number);
                assert_int_equal(parsed.message.has_extend, rows[i].is_extension);
                if (rows[i].is_extension)
                        assert_int_equal(parsed.message.extend_usec, rows[i].number);
                assert_int_equal(parsed.message.has_main_pid, rows[i].is_pid);
                if (rows[i].is_pid)
                        assert_int_equal(parsed.message.main_pid, rows[i].number);
        }
}

static void test_notify_message_status_is_the_first_and_utf8(void **state) {
        static const struct {
                const char *text;
                const char *status;
        } rows[] = {
                { "STATUS=Serving", "Serving" },
                { "STATUS=", "" },
                { "STATUS=a=b", "a=b" },
                { "STATUS=one\nSTATUS=two", "one" },
                { "STATUS=50%\rSTATUS=51%", "50%" },
                { "STATUS=" EURO "\xf0\x9f\x9a\x80\xc3\xa9", EURO "\xf0\x9f\x9a\x80\xc3\xa9" },
                { "STATUS=\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
                { "STATUS=\xff", NULL },
                { "STATUS=\xc3", NULL },
                { "STATUS=\xc3(", NULL },
                { "STATUS=\x80", NULL },
                { "STATUS=\xc0\xaf", NULL },         /* overlong / */
                { "STATUS=\xe0\x9f\xbf", NULL },     /* overlong */
                { "STATUS=\xf0\x8f\xbf\xbf", NULL }, /* overlong */
                { "STATUS=\xed\xa0\x80", NULL },     /* a surrogate */
                { "STATUS=\xf4\x90\x80\x80", NULL }, /* beyond U+10FFFF */
                { "STATUS=\xf5\x80\x80\x80", NULL },
                { "STATUS=\xe2\x82", NULL },
                { "READY=1", NULL },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(parse(&parsed, rows[i].text), 0);
                if (!rows[i].status)
                        assert_null(parsed.message.status);
                else
                        assert_string_equal(parsed.message.status, rows[i].status);
        }
}

static void test_notify_message_lines_pass_unless_they_end_here(void **state) {
        static const struct {
                const char *text;
                const char *passed;
        } rows[] = {
                { "READY=1\nRELOADING=1\nSTOPPING=1\nSTATUS=x", "" },
                { "WATCHDOG=1\nWATCHDOG_USEC=5\nEXTEND_TIMEOUT_USEC=5\nMAINPID=7", "" },
                { "MAINPIDFD=1\nMAINPIDFDID=3\nNOTIFYACCESS=all", "" },
                { "ERRNO=2\nBUSERROR=org.x.Y\nMONOTONIC_USEC=17",
                        "ERRNO=2\nBUSERROR=org.x.Y\nMONOTONIC_USEC=17\n" },
                { "FDSTORE=1\nFDNAME=a\nFDPOLL=0", "FDSTORE=1\nFDNAME=a\nFDPOLL=0\n" },
                { "FDSTOREREMOVE=1\nFDNAME=a\n", "FDSTOREREMOVE=1\nFDNAME=a\n" },
                { "X_GATEWATCH_PHASE=drain\nFUTURE=1", "FUTURE=1\n" },
                { "XX_GATEWATCH_PHASE=x\nX_GATEWATCH=1", "XX_GATEWATCH_PHASE=x\nX_GATEWATCH=1\n" },
                { "X_A=1\nREADY=1\nX_B=\xff\nSTATUS=y\nX_A=2", "X_A=1\nX_B=\xff\nX_A=2\n" },
                { "ERRNO=1\nERRNO=2", "ERRNO=1\n" },
                { "nothing\n=1\n\nX=1\r\nY=2", "X=1\nY=2\n" },
                { "BARRIER=0", "BARRIER=0\n" },
                { "", "" },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(parse(&parsed, rows[i].text), 0);
                assert_string_equal(parsed.message.passed, rows[i].passed);
                assert_int_equal(parsed.message.passed_size, strlen(rows[i].passed));
        }
}

static void test_notify_message_barrier_counts_only_alone_with_one_fd(void **state) {
        static const struct {
                const char *text;
                size_t n_fds;
                int r;
        } rows[] = {
                { "BARRIER=1", 1, 0 },
                { "BARRIER=1\n", 1, 0 },
                { "\nBARRIER=1\n\n", 1, 0 },
                { "BARRIER=1", 0, -EBADMSG },
                { "BARRIER=1", 2, -EBADMSG },
                { "BARRIER=1", NOTIFY_FDS_MAX, -EBADMSG },
                { "BARRIER=1\nREADY=1", 1, -EBADMSG },
                { "READY=1\nBARRIER=1", 1, -EBADMSG },
                { "READY=1\rBARRIER=1", 1, -EBADMSG },
                { "BARRIER=0\nBARRIER=1", 1, -EBADMSG },
                { "BARRIER=1\nBARRIER=1", 1, -EBADMSG },
                { "BARRIER=1\nnothing", 1, -EBADMSG },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(
                        parse_bytes(&parsed, rows[i].text, strlen(rows[i].text), rows[i].n_fds),
                        rows[i].r);
                if (rows[i].r < 0)
                        continue;
                assert_true(parsed.message.has_barrier);
                assert_int_equal(parsed.message.passed_size, 0);
        }
}

static void test_notify_message_nul_only_at_the_end(void **state) {
        static const struct {
                const char *bytes;
                size_t size;
                int r;
        } rows[] = {
                { "READY=1\0", 8, 0 },
                { "\0", 1, 0 },
                { "READY=1\0\0", 9, -EBADMSG },
                { "\0READY=1", 8, -EBADMSG },
                { "READY=1\0STOPPING=1", 18, -EBADMSG },
        };
        Parsed parsed;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(parse_bytes(&parsed, rows[i].bytes, rows[i].size, /* n_fds= */ 0),
                        rows[i].r);
}

static void test_notify_message_size_at_limit_is_taken_whole(void **state) {
        char text[NOTIFY_MESSAGE_MAX + 2], buffer[NOTIFY_MESSAGE_MAX];
        Parsed parsed;

        memset(text, 'x', sizeof(text));
        memcpy(text, "X_F=", 4);
        assert_int_equal(parse_bytes(&parsed, text, NOTIFY_MESSAGE_MAX, /* n_fds= */ 0), 0);
        assert_int_equal(parsed.message.passed_size, NOTIFY_MESSAGE_MAX + 1);
        assert_int_equal(notify_message_format(&parsed.message, buffer), NOTIFY_MESSAGE_MAX);
        assert_memory_equal(buffer, text, NOTIFY_MESSAGE_MAX);

        assert_int_equal(
                parse_bytes(&parsed, text, NOTIFY_MESSAGE_MAX + 1, /* n_fds= */ 0), -EMSGSIZE);
        text[NOTIFY_MESSAGE_MAX] = '\0'; /* systemd counts a NUL at the end, too */
        assert_int_equal(
                parse_bytes(&parsed, text, NOTIFY_MESSAGE_MAX + 1, /* n_fds= */ 0), -EMSGSIZE);
}

static void test_notify_message_refused_leaves_result_alone(void **state) {
        Parsed parsed;
        Parsed untouched;

        memset(&untouched, 0x55, sizeof(untouched));
        assert_int_equal(parse_bytes(&parsed, "BARRIER=1", 9, /* n_fds= */ 0), -EBADMSG);
        assert_memory_equal(&parsed.message, &untouched.message, sizeof(NotifyMessage));
}

static void test_notify_message_format_rebuilds(void **state) {
        static const struct {
                const char *text;
                size_t n_fds;
                const char *up;
        } rows[] = {
                { "READY=1\nSTATUS=Serving", 0, "READY=1\nSTATUS=Serving" },
                { "STATUS=Serving\nREADY=1\n", 0, "READY=1\nSTATUS=Serving" },
                { "RELOADING=1\nMONOTONIC_USEC=5", 0, "RELOADING=1\nMONOTONIC_USEC=5" },
                { "READY=1\nSTOPPING=1\nRELOADING=1", 0, "STOPPING=1" },
                { "RELOADING=1\nREADY=1", 0, "READY=1" },
                { "STATUS=", 0, "STATUS=" },
                { "WATCHDOG=1\nMAINPID=5", 0, "" },
                { "", 0, "" },
                { "STATUS=\xff\nERRNO=5", 0, "ERRNO=5" },
                { "FDSTORE=1\nFDNAME=x", 3, "FDSTORE=1\nFDNAME=x" },
                { "BARRIER=1", 1, "BARRIER=1" },
        };
        Parsed parsed;
        char buffer[NOTIFY_MESSAGE_MAX];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(
                        parse_bytes(&parsed, rows[i].text, strlen(rows[i].text), rows[i].n_fds), 0);
                ssize_t size = notify_message_format(&parsed.message, buffer);
                assert_int_equal(size, strlen(rows[i].up));
                assert_memory_equal(buffer, rows[i].up, (size_t) size);
        }
}

static void test_notify_message_format_uses_replaced_status(void **state) {
        Parsed parsed;
        char buffer[NOTIFY_MESSAGE_MAX];

        assert_int_equal(parse(&parsed, "READY=1\nSTATUS=a"), 0);
        parsed.message.has_ready = false;
        parsed.message.status = "Draining: a\nSTOPPING=1";
        assert_int_equal(notify_message_format(&parsed.message, buffer), 18);
        assert_memory_equal(buffer, "STATUS=Draining: a", 18);
}

/* Whatever the place of the cut within a character of three bytes, the character goes whole. */
static void test_notify_message_format_cuts_status_at_character(void **state) {
        char buffer[NOTIFY_MESSAGE_MAX];
        char status[NOTIFY_MESSAGE_MAX + 64];

        for (size_t n_prefix = 0; n_prefix < 3; n_prefix++) {
                NotifyMessage message = { .has_stopping = true, .status = status };
                memset(status, 'x', n_prefix);
                size_t size = n_prefix;
                for (; size + 4 < sizeof(status); size += 3)
                        memcpy(status + size, EURO, 3);
                status[size] = '\0';

                const size_t room = NOTIFY_MESSAGE_MAX - strlen("STOPPING=1\nSTATUS=");
                const size_t expected = room - (room - n_prefix) % 3;
                assert_int_equal(notify_message_format(&message, buffer),
                        NOTIFY_MESSAGE_MAX - room + expected);
                assert_memory_equal(buffer + NOTIFY_MESSAGE_MAX - room, status, expected);
        }
}

static void test_notify_message_format_without_room_leaves_status_out(void **state) {
        static const struct {
                size_t n_free; /* bytes left behind the lines that pass */
                const char *status;
                size_t size;
        } rows[] = {
                { 9, "xyz", NOTIFY_MESSAGE_MAX },
                { 8, "xyz", NOTIFY_MESSAGE_MAX },
                { 7, "xyz", NOTIFY_MESSAGE_MAX - 8 },
                { 7, "", NOTIFY_MESSAGE_MAX },
                { 6, "", NOTIFY_MESSAGE_MAX - 7 },
                { 9, EURO, NOTIFY_MESSAGE_MAX - 10 },
                { 10, EURO, NOTIFY_MESSAGE_MAX },
                { 0, "xyz", NOTIFY_MESSAGE_MAX - 1 },
        };
        char buffer[NOTIFY_MESSAGE_MAX];
        char passed[NOTIFY_MESSAGE_MAX + 2];

        memset(passed, 'x', sizeof(passed));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                NotifyMessage message = { .status = rows[i].status,
                        .passed = passed,
                        .passed_size = NOTIFY_MESSAGE_MAX - rows[i].n_free };
                passed[message.passed_size - 1] = '\n';
                assert_int_equal(notify_message_format(&message, buffer), rows[i].size);
                passed[message.passed_size - 1] = 'x';
        }
}

static void test_notify_message_format_too_long_is_refused(void **state) {
        char buffer[NOTIFY_MESSAGE_MAX];
        char passed[NOTIFY_MESSAGE_MAX + 2];
        NotifyMessage message = { .passed = passed, .passed_size = NOTIFY_MESSAGE_MAX + 1 };

        memset(passed, 'x', sizeof(passed));
        assert_int_equal(notify_message_format(&message, buffer), NOTIFY_MESSAGE_MAX);
        message.has_ready = true; /* the handler's idea, the gateway's message had no room for it */
        assert_int_equal(notify_message_format(&message, buffer), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_notify_message_flags_are_exact),
                cmocka_unit_test(test_notify_message_numbers_are_whole_or_absent),
                cmocka_unit_test(test_notify_message_status_is_the_first_and_utf8),
                cmocka_unit_test(test_notify_message_lines_pass_unless_they_end_here),
                cmocka_unit_test(test_notify_message_barrier_counts_only_alone_with_one_fd),
                cmocka_unit_test(test_notify_message_nul_only_at_the_end),
                cmocka_unit_test(test_notify_message_size_at_limit_is_taken_whole),
                cmocka_unit_test(test_notify_message_refused_leaves_result_alone),
                cmocka_unit_test(test_notify_message_format_rebuilds),
                cmocka_unit_test(test_notify_message_format_uses_replaced_status),
                cmocka_unit_test(test_notify_message_format_cuts_status_at_character),
                cmocka_unit_test(test_notify_message_format_without_room_leaves_status_out),
                cmocka_unit_test(test_notify_message_format_too_long_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
