/* SPDX-License-Identifier: MIT */

/* Names of system calls, against the numbers that the C library has. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "syscall-name.h"

static void test_syscall_name_of_every_number_is_the_kernels(void **state) {
        static const struct {
                long number;
                const char *name;
        } rows[] = {
                { SYS_read, "read" },
                { SYS_write, "write" },
                { SYS_futex, "futex" },
                { SYS_ppoll, "ppoll" },
                { SYS_epoll_pwait, "epoll_pwait" },
                { SYS_recvfrom, "recvfrom" },
                { SYS_connect, "connect" },
                { SYS_clock_nanosleep, "clock_nanosleep" },
                { SYS_restart_syscall, "restart_syscall" },
                { SYS_pidfd_open, "pidfd_open" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_non_null(syscall_name(rows[i].number));
                assert_string_equal(syscall_name(rows[i].number), rows[i].name);
        }
}

static void test_syscall_name_of_no_call_is_none(void **state) {
        static const long numbers[] = { -1, LONG_MIN, LONG_MAX, 100000, INT_MAX };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                assert_null(syscall_name(numbers[i]));
}

static void test_syscall_name_knows_most_of_the_low_numbers(void **state) {
        unsigned n = 0;

        for (long number = 0; number < 400; number++)
                n += syscall_name(number) != NULL;
        assert_true(n > 250);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_syscall_name_of_every_number_is_the_kernels),
                cmocka_unit_test(test_syscall_name_of_no_call_is_none),
                cmocka_unit_test(test_syscall_name_knows_most_of_the_low_numbers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
