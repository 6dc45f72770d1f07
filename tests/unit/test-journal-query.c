/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/time.h>

#include "journal-fixture.h"
#include "report/journal-query.h"

#define BOOT_A       "ba000000000000000000000000000000"
#define BOOT_B       "bb000000000000000000000000000000"
#define ANSWER_MAX   64
#define HANG_SECONDS 60

static JournalQuery *query;
static JournalEntry entry;
static int live_fd = -EBADF; /* what systemd-journal-remote reads */
static pid_t live_pid;

static int query_setup(void **state) {
        (void) alarm(HANG_SECONDS);
        return journal_setup(state);
}

static int query_teardown(void **state) {
        query = journal_query_free(query);
        journal_entry_done(&entry);
        live_fd = fd_close(live_fd);
        if (live_pid > 0)
                (void) waitpid(live_pid, NULL, 0);
        live_pid = 0;
        (void) alarm(0);
        return journal_teardown(state);
}

#define query_test(function) cmocka_unit_test_setup_teardown(function, query_setup, query_teardown)

/* An entry that says its name, at so many seconds of the clock. Monotonic times go up by themselves. */
static void put(const char *name, unsigned at, const char *boot_id, const char *unit) {
        char realtime[32];

        (void) snprintf(realtime, sizeof(realtime), "%u000000", at);
        fixture_foreign("MESSAGE", name, "__REALTIME_TIMESTAMP", realtime, "_BOOT_ID", boot_id,
                "_SYSTEMD_UNIT", unit, "KIND", name[0] <= 'c' ? "low" : "high", NULL);
}

static void open_journal(void) {
        JournalSource source = { .directory = fixture_directory };
        char error[JOURNAL_ERROR_MAX];

        assert_int_equal(journal_query_new(&source, &query, error), 0);
}

/* Takes what there is: the names in a row. */
static void assert_answers(const char *expected) {
        char names[ANSWER_MAX] = "";
        int r;

        while ((r = journal_query_next(query, &entry)) > 0 && strlen(names) < ANSWER_MAX - 2)
                (void) strncat(names, journal_entry_get(&entry, "MESSAGE"), 1);
        assert_int_equal(r, 0);
        assert_string_equal(names, expected);
}

static void assert_next(const char *expected) {
        assert_int_equal(journal_query_next(query, &entry), 1);
        assert_string_equal(journal_entry_get(&entry, "MESSAGE"), expected);
}

static void ask(const JournalQuestion *question) {
        assert_int_equal(journal_query_ask(query, question), 0);
}

static void write_six(void) {
        fixture_journal_begin();
        put("a", 1000, BOOT_A, "x.service");
        put("b", 1001, BOOT_A, "y.service");
        put("c", 1002, BOOT_A, "z.service");
        put("d", 1003, BOOT_B, "x.service");
        put("e", 1004, BOOT_B, "y.service");
        put("f", 1005, BOOT_B, "z.service");
        fixture_journal_finish("a.journal");
        open_journal();
}

/* ---- Terms -------------------------------------------------------------------------------------- */

static void test_journal_query_terms_combine(void **state) {
        static const struct {
                const char *terms[8];
                const char *expected;
        } rows[] = {
                { { NULL }, "abcdef" },
                { { "_SYSTEMD_UNIT=x.service" }, "ad" },
                { { "_SYSTEMD_UNIT=x.service", "_SYSTEMD_UNIT=y.service" }, "abde" },
                { { "_SYSTEMD_UNIT=x.service", "KIND=low" }, "a" },
                { { "_SYSTEMD_UNIT=x.service", "+", "KIND=low" }, "abcd" },
                { { "_SYSTEMD_UNIT=x.service", "+", "MESSAGE=f", "&", "KIND=high" }, "df" },
                { { "KIND=high", "&", "_SYSTEMD_UNIT=x.service", "+", "MESSAGE=f" }, "df" },
                { { "_SYSTEMD_UNIT=none.service" }, "" },
        };

        write_six();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ask(&(JournalQuestion){ .terms = rows[i].terms });
                assert_answers(rows[i].expected);
        }
        ask(&(JournalQuestion){});
        assert_answers("abcdef");
}

static void test_journal_query_no_term_is_refused(void **state) {
        static const char *const rows[][4] = {
                { "MESSAGE" },
                { "" },
                { "=x" },
                { "message=x" },
                { "__REALTIME_TIMESTAMP=1" },
                { "+", "KIND=low" },
                { "KIND=low", "+" },
                { "KIND=low", "&" },
                { "KIND=low", "+", "&" },
        };

        write_six();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(
                        journal_query_ask(query, &(JournalQuestion){ .terms = rows[i] }), -EINVAL);
                assert_answers("");
        }
}

static void test_journal_query_boot_holds_for_all_terms(void **state) {
        const char *const terms[] = { "MESSAGE=a", "+", "_SYSTEMD_UNIT=y.service", NULL };
        sd_id128_t boot_id;

        write_six();
        assert_int_equal(sd_id128_from_string(BOOT_B, &boot_id), 0);
        ask(&(JournalQuestion){ .boot_id = boot_id });
        assert_answers("def");
        ask(&(JournalQuestion){ .boot_id = boot_id, .terms = terms });
        assert_answers("e");
}

static void test_journal_query_backward_newest_first(void **state) {
        write_six();
        ask(&(JournalQuestion){ .direction = JOURNAL_BACKWARD });
        assert_answers("fedcba");
}

static void test_journal_query_entry_has_times_and_binary_fields(void **state) {
        sd_id128_t boot_id;

        fixture_journal_begin();
        fixture_entry(1000000005, 77, BOOT_A);
        fixture_string("MESSAGE", "m");
        fixture_field("BINARY", "a\0b\nc\xff", 6);
        fixture_journal_finish("a.journal");
        open_journal();
        ask(&(JournalQuestion){});
        assert_next("m");
        assert_int_equal(entry.realtime_usec, 1000000005);
        assert_int_equal(entry.monotonic_usec, 77);
        assert_int_equal(sd_id128_from_string(BOOT_A, &boot_id), 0);
        assert_true(sd_id128_equal(entry.boot_id, boot_id));
        assert_string_equal(journal_entry_get(&entry, "BINARY"),
                "a\xef\xbf\xbd"
                "b\nc\xff");
}

static void test_journal_query_compressed_long_value_is_cut(void **state) {
        size_t size = 4 * JOURNAL_ENTRY_VALUE_BYTES;
        char *value = malloc(size);

        assert_non_null(value);
        memset(value, 'x', size);
        fixture_journal_begin();
        put("a", 1000, BOOT_A, "x.service");
        fixture_field("LONG", value, size);
        free(value);
        fixture_journal_finish("a.journal");
        open_journal();
        ask(&(JournalQuestion){});
        assert_next("a");
        assert_int_equal(strlen(journal_entry_get(&entry, "LONG")), JOURNAL_ENTRY_VALUE_BYTES);
}

/* ---- Bounds ------------------------------------------------------------------------------------- */

static void test_journal_query_bounds_hold_whatever_the_clock_did(void **state) {
        static const struct {
                unsigned since, until;
                const char *expected;
        } rows[] = {
                { 0, 0, "abcdefgh" },
                { 1001, 0, "bcgh" },
                { 0, 1001, "abdefg" },
                { 1001, 1001, "bg" },
                { 500, 501, "def" },
                { 1003, 0, "" },
                { 0, 499, "" },
                { 1002, 1001, "" },
                { 1002, 1002, "ch" },
        };
        char backward[ANSWER_MAX];

        fixture_journal_begin();
        put("a", 1000, BOOT_A, "x.service");
        put("b", 1001, BOOT_A, "x.service");
        put("c", 1002, BOOT_A, "x.service");
        put("d", 500, BOOT_A, "x.service"); /* set back */
        put("e", 501, BOOT_A, "x.service");
        put("f", 501, BOOT_B, "x.service");
        put("g", 1001, BOOT_B, "x.service");
        put("h", 1002, BOOT_B, "x.service");
        fixture_journal_finish("a.journal");
        open_journal();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                JournalQuestion question = {
                        .since_usec = rows[i].since * USEC_PER_SEC,
                        .until_usec = rows[i].until * USEC_PER_SEC,
                };
                size_t n = strlen(rows[i].expected);

                ask(&question);
                assert_answers(rows[i].expected);

                question.direction = JOURNAL_BACKWARD;
                for (size_t k = 0; k < n; k++)
                        backward[k] = rows[i].expected[n - 1 - k];
                backward[n] = '\0';
                ask(&question);
                assert_answers(backward);
        }
}

static void test_journal_query_bounds_far_away_are_leapt_to(void **state) {
        enum { N = 12000 };

        fixture_journal_begin();
        put("a", 1, BOOT_A, "x.service");
        for (unsigned i = 0; i < N; i++)
                put("z", 1000 + i, BOOT_A, "x.service");
        put("b", 1000 + N, BOOT_A, "x.service");
        for (unsigned i = 0; i < N; i++)
                put("z", 1001 + N + i, BOOT_A, "x.service");
        fixture_journal_finish("a.journal");
        open_journal();

        JournalQuestion question = {
                .since_usec = (1000 + N) * USEC_PER_SEC,
                .until_usec = (1000 + N) * USEC_PER_SEC,
        };
        ask(&question);
        assert_answers("b");
        question.direction = JOURNAL_BACKWARD;
        ask(&question);
        assert_answers("b");
        ask(&(JournalQuestion){ .until_usec = USEC_PER_SEC });
        assert_answers("a");
}

/* ---- A second question -------------------------------------------------------------------------- */

static void assert_found(const char *term, JournalDirection direction, const char *expected) {
        const char *terms[] = { term, NULL };
        JournalQuestion question = { .terms = terms, .direction = direction };
        JournalEntry found = {};
        int r = journal_query_find(query, &question, &found);
        const char *message = r > 0 ? journal_entry_get(&found, "MESSAGE") : NULL;
        bool is_as_expected =
                message && expected ? strcmp(message, expected) == 0 : !message && !expected;

        journal_entry_done(&found);
        assert_int_equal(r, expected ? 1 : 0);
        assert_true(is_as_expected);
}

static void test_journal_query_find_leaves_the_first_question_where_it_was(void **state) {
        static const JournalDirection directions[] = { JOURNAL_FORWARD, JOURNAL_BACKWARD };
        static const char *const names[][3] = { { "b", "c", "d" }, { "d", "c", "b" } };
        static const char *const terms[] = { "MESSAGE=b", "MESSAGE=c", "MESSAGE=d", NULL };

        write_six();
        for (size_t i = 0; i < ELEMENTSOF(directions); i++) {
                ask(&(JournalQuestion){ .terms = terms, .direction = directions[i] });
                assert_found("MESSAGE=f", JOURNAL_FORWARD, "f");
                for (size_t k = 0; k < 3; k++) {
                        assert_next(names[i][k]);
                        assert_found("_SYSTEMD_UNIT=y.service", JOURNAL_FORWARD, "b");
                        assert_found("_SYSTEMD_UNIT=y.service", JOURNAL_BACKWARD, "e");
                        assert_found("_SYSTEMD_UNIT=none", JOURNAL_FORWARD, NULL);
                        assert_string_equal(journal_entry_get(&entry, "MESSAGE"), names[i][k]);
                }
                assert_answers("");
                assert_found("MESSAGE=a", JOURNAL_FORWARD, "a");
                assert_answers("");
        }
}

static void test_journal_query_find_keeps_bounds(void **state) {
        write_six();
        ask(&(JournalQuestion){
                .since_usec = 1001 * USEC_PER_SEC, .until_usec = 1003 * USEC_PER_SEC });
        assert_next("b");
        assert_found("MESSAGE=f", JOURNAL_FORWARD, "f");
        assert_answers("cd");
}

static void test_journal_query_find_refuses_and_goes_on(void **state) {
        const char *const terms[] = { "no term", NULL };
        JournalEntry found = {};

        write_six();
        ask(&(JournalQuestion){});
        assert_next("a");
        assert_int_equal(
                journal_query_find(query, &(JournalQuestion){ .terms = terms }, &found), -EINVAL);
        assert_answers("bcdef");
}

static void test_journal_query_find_before_any_question(void **state) {
        write_six();
        assert_found("MESSAGE=c", JOURNAL_FORWARD, "c");
        assert_answers("");
}

/* ---- Following ---------------------------------------------------------------------------------- */

static void live_write(void) {
        byte_buffer_append(&fixture_text, "\n", 1);
        assert_int_equal(write(live_fd, fixture_text.data, fixture_text.size), fixture_text.size);
        byte_buffer_cut(&fixture_text, 0);
}

static void live_begin(void) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        live_fd = fds[1];
        live_pid = fixture_remote_start("live.journal", fds[0]);
        (void) close(fds[0]);
        fixture_journal_begin();
}

/* Asks again and again, the alarm bounds it. */
static void assert_comes(const char *expected) {
        int r;

        while ((r = journal_query_next(query, &entry)) == 0)
                assert_true(journal_query_wait(query, USEC_INFINITY) >= 0);
        assert_int_equal(r, 1);
        assert_string_equal(journal_entry_get(&entry, "MESSAGE"), expected);
}

static void test_journal_query_wait_sees_what_is_appended(void **state) {
        const char *const terms[] = { "_SYSTEMD_UNIT=x.service", NULL };

        live_begin();
        open_journal();
        ask(&(JournalQuestion){ .terms = terms, .since_usec = 1000 * USEC_PER_SEC });
        put("a", 1000, BOOT_A, "x.service");
        live_write();
        assert_comes("a");
        put("y", 1001, BOOT_A, "y.service");
        put("b", 1002, BOOT_A, "x.service");
        live_write();
        assert_comes("b");
        assert_found("MESSAGE=y", JOURNAL_FORWARD, "y");
        put("c", 1003, BOOT_A, "x.service");
        live_write();
        assert_comes("c");
}

static void test_journal_query_wait_clock_set_back_is_seen(void **state) {
        live_begin();
        put("a", 900, BOOT_A, "x.service");
        put("b", 1000, BOOT_A, "x.service");
        live_write();
        open_journal();
        ask(&(JournalQuestion){});
        assert_comes("a");
        assert_comes("b"); /* both are there */
        ask(&(JournalQuestion){ .since_usec = 1000 * USEC_PER_SEC });
        assert_next("b");
        assert_int_equal(journal_query_next(query, &entry), 0);
        put("c", 500, BOOT_A, "x.service");
        live_write();
        assert_comes("c");
}

static void on_alarm(int signo) {
        (void) signo;
}

static void test_journal_query_wait_ends_with_a_signal_or_its_time(void **state) {
        const struct sigaction action = { .sa_handler = on_alarm };
        const struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, off = {};
        struct sigaction before;
        int r;

        write_six();
        assert_int_equal(journal_query_wait(query, USEC_INFINITY), 1); /* sets up the watch */
        assert_int_equal(journal_query_wait(query, 1000), 0);
        assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
        do
                r = journal_query_wait(query, USEC_INFINITY);
        while (r >= 0);
        (void) setitimer(ITIMER_REAL, &off, NULL);
        (void) sigaction(SIGALRM, &before, NULL);
        assert_int_equal(r, -EINTR);
        assert_true(journal_query_fd(query) >= 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                query_test(test_journal_query_terms_combine),
                query_test(test_journal_query_no_term_is_refused),
                query_test(test_journal_query_boot_holds_for_all_terms),
                query_test(test_journal_query_backward_newest_first),
                query_test(test_journal_query_entry_has_times_and_binary_fields),
                query_test(test_journal_query_compressed_long_value_is_cut),
                query_test(test_journal_query_bounds_hold_whatever_the_clock_did),
                query_test(test_journal_query_bounds_far_away_are_leapt_to),
                query_test(test_journal_query_find_leaves_the_first_question_where_it_was),
                query_test(test_journal_query_find_keeps_bounds),
                query_test(test_journal_query_find_refuses_and_goes_on),
                query_test(test_journal_query_find_before_any_question),
                query_test(test_journal_query_wait_sees_what_is_appended),
                query_test(test_journal_query_wait_clock_set_back_is_seen),
                query_test(test_journal_query_wait_ends_with_a_signal_or_its_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
