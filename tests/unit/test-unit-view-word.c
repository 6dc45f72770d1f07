/* SPDX-License-Identifier: MIT */

/* Single words as systemd 252 reads them. */

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "units/unit-view-word.h"

#define UNTOUCHED UINT64_C(4711)

static void test_unit_word_to_number_has_a_base_and_a_bound(void **state) {
        static const struct {
                const char *word;
                uint64_t max;
                int r;
                uint64_t number;
        } rows[] = {
                { "0", UINT64_MAX, 0, 0 },
                { "7", UINT64_MAX, 0, 7 },
                { "+7", UINT64_MAX, 0, 7 },
                { "010", UINT64_MAX, 0, 8 },
                { "0x1F", UINT64_MAX, 0, 31 },
                { "0b11", UINT64_MAX, 0, 3 },
                { "0O17", UINT64_MAX, 0, 15 },
                { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
                { "18446744073709551616", UINT64_MAX, -ERANGE, UNTOUCHED },
                { "255", 255, 0, 255 },
                { "256", 255, -ERANGE, UNTOUCHED },
                { "", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "-1", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "+-1", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "++1", UINT64_MAX, -EINVAL, UNTOUCHED },
                { " 1", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "1 ", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "0x", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "0b", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "0b2", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "0o-1", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "08", UINT64_MAX, -EINVAL, UNTOUCHED },
                { "1e3", UINT64_MAX, -EINVAL, UNTOUCHED },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint64_t number = UNTOUCHED;
                int r = unit_word_to_number(rows[i].word, rows[i].max, &number);

                if (r != rows[i].r || number != rows[i].number)
                        fail_msg("\"%s\": %d, %" PRIu64, rows[i].word, r, number);
        }
}

typedef struct WordRow {
        const char *word;
        int r;
} WordRow;

static void assert_words(int (*read_word)(const char *word), const WordRow rows[], size_t n_rows) {
        for (size_t i = 0; i < n_rows; i++)
                if (read_word(rows[i].word) != rows[i].r)
                        fail_msg("\"%s\": %d, not %d", rows[i].word, read_word(rows[i].word),
                                rows[i].r);
}

static void test_unit_word_to_boolean_knows_words(void **state) {
        static const WordRow rows[] = { { "yes", 1 }, { "Y", 1 }, { "1", 1 }, { "true", 1 },
                { "T", 1 }, { "on", 1 }, { "no", 0 }, { "N", 0 }, { "0", 0 }, { "False", 0 },
                { "f", 0 }, { "off", 0 }, { "", -EINVAL }, { "2", -EINVAL }, { "yes ", -EINVAL },
                { "enable", -EINVAL } };

        assert_words(unit_word_to_boolean, rows, ELEMENTSOF(rows));
}

static void test_unit_word_to_signal_knows_one_name_each(void **state) {
        const WordRow rows[] = { { "SIGTERM", SIGTERM }, { "TERM", SIGTERM }, { "15", SIGTERM },
                { "017", SIGTERM }, { "SIGRTMIN", SIGRTMIN }, { "RTMIN+3", SIGRTMIN + 3 },
                { "RTMAX", SIGRTMAX }, { "SIGRTMAX-1", SIGRTMAX - 1 }, { "64", 64 },
                { "65", -EINVAL }, { "0", -EINVAL }, { "-1", -EINVAL }, { "", -EINVAL },
                { "SIG", -EINVAL }, { "SIG15", -EINVAL }, { "SIGSIGTERM", -EINVAL },
                { "sigterm", -EINVAL }, { "Term", -EINVAL }, { "term", -EINVAL },
                { "IOT", -EINVAL }, { "SIGPOLL", -EINVAL }, { "CLD", -EINVAL },
                { "RTMIN+31", -EINVAL }, { "RTMIN+", -EINVAL }, { "TERM ", -EINVAL } };

        assert_words(unit_word_to_signal, rows, ELEMENTSOF(rows));
}

static void test_unit_word_to_exit_code_knows_names(void **state) {
        static const WordRow rows[] = { { "0", 0 }, { "255", 255 }, { "0x40", 64 },
                { "SUCCESS", 0 }, { "FAILURE", 1 }, { "NOTRUNNING", 7 }, { "USAGE", 64 },
                { "CONFIG", 78 }, { "CHDIR", 200 }, { "PAM", 224 }, { "EXCEPTION", 255 },
                { "256", -EINVAL }, { "-1", -EINVAL }, { "", -EINVAL }, { "config", -EINVAL },
                { "EX_CONFIG", -EINVAL }, { "SIGTERM", -EINVAL } };

        assert_words(unit_word_to_exit_code, rows, ELEMENTSOF(rows));
}

static void test_unit_word_to_capability_knows_names_and_numbers(void **state) {
        static const WordRow rows[] = { { "CAP_CHOWN", 0 }, { "cap_sys_nice", 23 },
                { "CAP_SYS_PTRACE", 19 }, { "Cap_Checkpoint_Restore", 40 }, { "23", 23 },
                { "41", -EINVAL }, { "SYS_NICE", -EINVAL }, { "", -EINVAL },
                { "CAP_CHOWN,CAP_KILL", -EINVAL }, { "~CAP_CHOWN", -EINVAL } };

        assert_words(unit_word_to_capability, rows, ELEMENTSOF(rows));
}

static void test_unit_capability_name_each_reads_back(void **state) {
        const char *name;
        size_t n = 0;

        while ((name = unit_capability_name(n))) {
                assert_int_equal(unit_word_to_capability(name), (int) n);
                n++;
        }
        assert_int_equal(n, 41);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_word_to_number_has_a_base_and_a_bound),
                cmocka_unit_test(test_unit_word_to_boolean_knows_words),
                cmocka_unit_test(test_unit_word_to_signal_knows_one_name_each),
                cmocka_unit_test(test_unit_word_to_exit_code_knows_names),
                cmocka_unit_test(test_unit_word_to_capability_knows_names_and_numbers),
                cmocka_unit_test(test_unit_capability_name_each_reads_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
