/* SPDX-License-Identifier: MIT */

/* Signal names, both ways. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signals.h"

static void test_signal_to_name_any_gives_its_name(void **state) {
        const struct {
                int signo;
                const char *name;
        } rows[] = {
                { SIGHUP, "SIGHUP" },
                { SIGTERM, "SIGTERM" },
                { SIGKILL, "SIGKILL" },
                { SIGABRT, "SIGABRT" },
                { SIGIO, "SIGIO" },
                { SIGCHLD, "SIGCHLD" },
                { SIGSYS, "SIGSYS" },
                { SIGRTMIN, "SIGRTMIN" },
                { SIGRTMIN + 1, "SIGRTMIN+1" },
                { SIGRTMIN + 3, "SIGRTMIN+3" },
                { SIGRTMAX, "SIGRTMAX" },
                { 0, "UNKNOWN" },
                { 32, "signal#32" },
                { SIGRTMAX + 1, "signal#65" },
                { 9999, "signal#9999" },
                { -1, "signal#-1" },
                { INT32_MIN, "signal#-2147483648" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char buffer[SIGNAL_NAME_MAX];
                assert_ptr_equal(signal_to_name(buffer, rows[i].signo), buffer);
                assert_string_equal(buffer, rows[i].name);
        }
}

/* The C library's own table is the second opinion. */
static void test_signal_to_name_standard_agrees_with_libc(void **state) {
        for (int signo = 1; signo < SIGRTMIN; signo++) {
                char buffer[SIGNAL_NAME_MAX];
                const char *abbreviation = sigabbrev_np(signo);

                signal_to_name(buffer, signo);
                if (!abbreviation) {
                        assert_memory_equal(buffer, "signal#", 7);
                        continue;
                }
                assert_memory_equal(buffer, "SIG", 3);
                /* Its name for SIGIO is the older one. */
                assert_string_equal(
                        buffer + 3, strcmp(abbreviation, "POLL") == 0 ? "IO" : abbreviation);
        }
}

static void test_signal_to_name_valid_reads_back(void **state) {
        unsigned n_named = 0;

        for (int signo = 1; signo <= SIGRTMAX; signo++) {
                char buffer[SIGNAL_NAME_MAX];

                signal_to_name(buffer, signo);
                if (strncmp(buffer, "signal#", 7) == 0) {
                        assert_int_equal(signal_from_name(buffer), -EINVAL);
                        continue;
                }
                n_named++;
                assert_int_equal(signal_from_name(buffer), signo);
                assert_int_equal(signal_from_name(buffer + 3), signo);
        }
        assert_int_equal(n_named, 31 + SIGRTMAX - SIGRTMIN + 1);
}

static void test_signal_from_name_valid_gives_the_number(void **state) {
        const struct {
                const char *name;
                int signo;
        } rows[] = {
                { "SIGTERM", SIGTERM },
                { "TERM", SIGTERM },
                { "term", SIGTERM },
                { "SigTerm", SIGTERM },
                { "sigint", SIGINT },
                { "15", 15 },
                { "1", 1 },
                { "031", 31 },
                { "34", SIGRTMIN },
                { "64", SIGRTMAX },
                { "IOT", SIGABRT },
                { "SIGIOT", SIGABRT },
                { "POLL", SIGIO },
                { "SIGPOLL", SIGIO },
                { "CLD", SIGCHLD },
                { "UNUSED", SIGSYS },
                { "RTMIN", SIGRTMIN },
                { "RTMIN+0", SIGRTMIN },
                { "RTMIN+3", SIGRTMIN + 3 },
                { "SIGRTMIN+3", SIGRTMIN + 3 },
                { "sigrtmin+30", SIGRTMAX },
                { "RTMAX", SIGRTMAX },
                { "RTMAX-0", SIGRTMAX },
                { "SIGRTMAX-2", SIGRTMAX - 2 },
                { "rtmax-30", SIGRTMIN },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (signal_from_name(rows[i].name) != rows[i].signo)
                        fail_msg("%s: %d", rows[i].name, signal_from_name(rows[i].name));
}

static void test_signal_from_name_invalid_refused(void **state) {
        static const char *const names[] = { "", "SIG", "0", "00", "-1", "+15", " 15", "15 ", "1.5",
                "0x0f", "32", "33", "65", "128", "9999", "99999999999999999999", "TERMINATE", "TER",
                "SIGSIGTERM", "SIG15", "signal#15", "TERM ", " TERM", "RTMIN+", "RTMIN-1", "RTMIN3",
                "RTMIN+31", "RTMIN+-1", "RTMIN+ 3", "RTMIN+3x", "RTMIN+0x3", "RTMAX+1", "RTMAX-31",
                "RTMAX-", "RTMA", "RT", "UNKNOWN", "\xff" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (signal_from_name(names[i]) != -EINVAL)
                        fail_msg("'%s': %d", names[i], signal_from_name(names[i]));
}

static void test_signal_code_to_name_any_gives_its_name(void **state) {
        static const struct {
                int signo, code;
                const char *name;
        } rows[] = {
                { SIGTERM, SI_USER, "SI_USER" },
                { SIGTERM, SI_QUEUE, "SI_QUEUE" },
                { SIGTERM, SI_TKILL, "SI_TKILL" },
                { SIGINT, SI_KERNEL, "SI_KERNEL" },
                { SIGALRM, SI_TIMER, "SI_TIMER" },
                { SIGUSR1, SI_MESGQ, "SI_MESGQ" },
                { SIGUSR1, SI_ASYNCIO, "SI_ASYNCIO" },
                { SIGIO, SI_SIGIO, "SI_SIGIO" },
                { SIGCHLD, SI_USER, "SI_USER" },
                { SIGCHLD, CLD_EXITED, "CLD_EXITED" },
                { SIGCHLD, CLD_KILLED, "CLD_KILLED" },
                { SIGCHLD, CLD_DUMPED, "CLD_DUMPED" },
                { SIGCHLD, CLD_TRAPPED, "CLD_TRAPPED" },
                { SIGCHLD, CLD_STOPPED, "CLD_STOPPED" },
                { SIGCHLD, CLD_CONTINUED, "CLD_CONTINUED" },
                { SIGCHLD, 7, "SI_UNKNOWN" },
                { SIGTERM, CLD_EXITED, "SI_UNKNOWN" },
                { SIGSEGV, 2, "SI_UNKNOWN" },
                { SIGTERM, INT32_MIN, "SI_UNKNOWN" },
                { 0, 4711, "SI_UNKNOWN" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(signal_code_to_name(rows[i].signo, rows[i].code), rows[i].name);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signal_to_name_any_gives_its_name),
                cmocka_unit_test(test_signal_to_name_standard_agrees_with_libc),
                cmocka_unit_test(test_signal_to_name_valid_reads_back),
                cmocka_unit_test(test_signal_from_name_valid_gives_the_number),
                cmocka_unit_test(test_signal_from_name_invalid_refused),
                cmocka_unit_test(test_signal_code_to_name_any_gives_its_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
