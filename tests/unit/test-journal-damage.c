/* SPDX-License-Identifier: MIT */

/* Journal files that are cut or have flipped bits: whatever is left of them is read, no question goes on for ever,
 * nothing crashes. The bits are the same in each run. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal-fixture.h"
#include "report/journal-query.h"

#define N_RUNS       40
#define N_FLIPS      200
#define HANG_SECONDS 110

static JournalQuery *query;
static JournalEntry entry;
static int file_fd = -EBADF;
static off_t file_bytes; /* that are used */

static int damage_setup(void **state) {
        (void) alarm(HANG_SECONDS);
        return journal_setup(state);
}

static int damage_teardown(void **state) {
        query = journal_query_free(query);
        journal_entry_done(&entry);
        file_fd = fd_close(file_fd);
        (void) alarm(0);
        return journal_teardown(state);
}

#define damage_test(function) \
        cmocka_unit_test_setup_teardown(function, damage_setup, damage_teardown)

static void write_runs(void) {
        unsigned char header[104];

        fixture_journal_begin();
        for (unsigned i = 0; i < N_RUNS; i++) {
                char run_id[33];

                (void) snprintf(run_id, sizeof(run_id), "c%031u", i);
                fixture_started("GATEWATCH_RUN_ID", run_id, NULL);
                fixture_stopped("GATEWATCH_RUN_ID", run_id, NULL);
        }
        fixture_journal_finish("a.journal");
        file_fd = open(fixture_path("a.journal"), O_RDWR | O_CLOEXEC);
        assert_true(file_fd >= 0);
        /* header_size and arena_size; what is behind is not used. Source: JOURNAL_FILE_FORMAT, Header */
        assert_int_equal(pread(file_fd, header, sizeof(header), 0), sizeof(header));
        file_bytes = 0;
        for (int i = 7; i >= 0; i--)
                file_bytes = file_bytes * 256 + header[88 + i] + header[96 + i];
        assert_true(file_bytes > 100000);
}

static int open_journal(void) {
        JournalSource source = { .directory = fixture_directory };
        char error[JOURNAL_ERROR_MAX];

        return journal_query_new(&source, &query, error);
}

/* All questions that there are. Returns: how many entries the simplest one had. */
static unsigned ask_everything(void) {
        static const char *const terms[] = { "MESSAGE_ID=a0e6684b50c347e985c058a0cf3892a5",
                "_SYSTEMD_UNIT=" FIXTURE_UNIT, NULL };
        static const JournalQuestion questions[] = {
                { .terms = NULL },
                { .terms = terms },
                { .terms = terms, .direction = JOURNAL_BACKWARD },
                { .terms = terms,
                        .since_usec = FIXTURE_REALTIME + 20 * USEC_PER_SEC,
                        .until_usec = FIXTURE_REALTIME + 40 * USEC_PER_SEC },
        };
        char error[JOURNAL_ERROR_MAX];
        unsigned n[ELEMENTSOF(questions)] = {};
        JournalEntry found = {};
        sd_id128_t boot_id;

        for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
                assert_int_equal(journal_query_ask(query, &questions[i]), 0);
                /* Far beyond what there is: it goes round in circles. */
                while (n[i] < 100 * N_RUNS && journal_query_next(query, &entry) > 0)
                        if (n[i]++ % 8 == 0)
                                (void) !journal_query_find(query, &questions[2], &found);
                assert_true(n[i] < 100 * N_RUNS);
        }
        journal_entry_done(&found);
        (void) !journal_query_find_boot(query, "-1", &boot_id);
        (void) journal_query_is_partial(query, error);
        return n[0];
}

static void test_journal_damage_whole_file_is_read(void **state) {
        write_runs();
        assert_int_equal(open_journal(), 0);
        assert_int_equal(ask_everything(), 2 * N_RUNS);
}

static void test_journal_damage_truncated_file_is_passed_over(void **state) {
        char error[JOURNAL_ERROR_MAX];

        write_runs();
        for (int i = 15; i >= 0; i--) {
                off_t size = i * file_bytes / 16 + (i % 3);

                assert_int_equal(ftruncate(file_fd, size), 0);
                assert_int_equal(open_journal(), 0);
                assert_int_equal(ask_everything(), 0);
                assert_true(journal_query_is_partial(query, error));
                assert_non_null(strstr(error, "is truncated"));
                query = journal_query_free(query);
        }
}

/* libsystemd has it mapped by then. */
static void test_journal_damage_truncated_while_it_is_read_ends(void **state) {
        static const JournalDirection directions[] = { JOURNAL_FORWARD, JOURNAL_BACKWARD };
        char error[JOURNAL_ERROR_MAX];

        for (size_t i = 0; i < ELEMENTSOF(directions); i++) {
                write_runs();
                assert_int_equal(open_journal(), 0);
                assert_int_equal(
                        journal_query_ask(query, &(JournalQuestion){ .direction = directions[i] }),
                        0);
                assert_int_equal(journal_query_next(query, &entry), 1);
                assert_int_equal(ftruncate(file_fd, 4096), 0);
                assert_true(ask_everything() <= 2 * N_RUNS);
                assert_true(journal_query_is_partial(query, error));
                assert_non_null(strstr(error, "damaged"));
                query = journal_query_free(query);
                file_fd = fd_close(file_fd);
                assert_int_equal(unlink(fixture_path("a.journal")), 0);
        }
}

static uint64_t random_next(uint64_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* Where something is: the hash tables are mostly empty. */
static off_t random_used_offset(uint64_t *random) {
        for (;;) {
                off_t at = (off_t) (random_next(random) % (uint64_t) file_bytes);
                unsigned char byte;

                assert_int_equal(pread(file_fd, &byte, 1, at), 1);
                if (byte != 0 || random_next(random) % 4096 == 0)
                        return at;
        }
}

static void test_journal_damage_flipped_bits_end(void **state) {
        uint64_t random = 0x9e3779b97f4a7c15;
        unsigned n_whole = 0, n_parts = 0;

        write_runs();
        for (unsigned i = 0; i < N_FLIPS; i++) {
                off_t at = random_used_offset(&random);
                unsigned char byte, flipped;

                assert_int_equal(pread(file_fd, &byte, 1, at), 1);
                flipped = byte ^ (unsigned char) (1U << random_next(&random) % 8);
                assert_int_equal(pwrite(file_fd, &flipped, 1, at), 1);
                assert_int_equal(open_journal(), 0);
                if (ask_everything() == 2 * N_RUNS)
                        n_whole++;
                else
                        n_parts++;
                query = journal_query_free(query);
                assert_int_equal(pwrite(file_fd, &byte, 1, at), 1);
        }
        /* Most bits are of values, which nobody checks. */
        assert_true(n_whole > n_parts);
        assert_true(n_parts > 0);
}

static void test_journal_damage_page_of_noise_ends(void **state) {
        uint64_t random = 0x2545f4914f6cdd1d;

        write_runs();
        for (unsigned i = 0; i < 32; i++) {
                uint64_t before[512], noise[512];
                off_t at = 4096 *
                        (off_t) (1 + random_next(&random) % ((uint64_t) file_bytes / 4096 - 1));

                for (size_t k = 0; k < ELEMENTSOF(noise); k++)
                        noise[k] = random_next(&random);
                assert_int_equal(pread(file_fd, before, sizeof(before), at), sizeof(before));
                assert_int_equal(pwrite(file_fd, noise, sizeof(noise), at), sizeof(noise));
                assert_int_equal(open_journal(), 0);
                assert_true(ask_everything() <= 2 * N_RUNS);
                query = journal_query_free(query);
                assert_int_equal(pwrite(file_fd, before, sizeof(before), at), sizeof(before));
        }
}

static void test_journal_damage_other_files_are_read_all_the_same(void **state) {
        write_runs();
        assert_int_equal(ftruncate(file_fd, file_bytes / 2), 0);
        fixture_journal_begin();
        fixture_foreign("MESSAGE", "other", NULL);
        fixture_journal_finish("b.journal");
        assert_int_equal(open_journal(), 0);
        assert_int_equal(ask_everything(), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                damage_test(test_journal_damage_whole_file_is_read),
                damage_test(test_journal_damage_truncated_file_is_passed_over),
                damage_test(test_journal_damage_truncated_while_it_is_read_ends),
                damage_test(test_journal_damage_flipped_bits_end),
                damage_test(test_journal_damage_page_of_noise_ends),
                damage_test(test_journal_damage_other_files_are_read_all_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
