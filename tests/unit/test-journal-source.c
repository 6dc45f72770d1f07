/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>

#include "journal-fixture.h"
#include "report/journal-query.h"

#define NOBODY 65534

static JournalQuery *query;
static JournalEntry entry;
static char error[JOURNAL_ERROR_MAX];

static int source_teardown(void **state) {
        query = journal_query_free(query);
        journal_entry_done(&entry);
        return journal_teardown(state);
}

#define source_test(function) \
        cmocka_unit_test_setup_teardown(function, journal_setup, source_teardown)

static void write_journal(const char *path, const char *message) {
        fixture_journal_begin();
        fixture_foreign("MESSAGE", message, NULL);
        fixture_journal_finish(path);
}

static void open_source(const JournalSource *source) {
        assert_int_equal(journal_query_new(source, &query, error), 0);
        assert_int_equal(journal_query_ask(query, &(JournalQuestion){}), 0);
}

static unsigned count_entries(void) {
        unsigned n = 0;

        while (journal_query_next(query, &entry) > 0)
                n++;
        return n;
}

static void make_directory(const char *name) {
        assert_int_equal(mkdir(fixture_path(name), 0755), 0);
}

/* ---- Directories -------------------------------------------------------------------------------- */

static void test_journal_source_directory_has_all_its_files(void **state) {
        JournalSource source = { .directory = fixture_directory };

        write_journal("a.journal", "a");
        write_journal("b.journal", "b");
        make_directory(FIXTURE_MACHINE_ID);
        write_journal(FIXTURE_MACHINE_ID "/system.journal", "c");
        open_source(&source);
        assert_int_equal(count_entries(), 3);
        assert_false(journal_query_is_partial(query, error));
        assert_string_equal(error, "");
}

static void test_journal_source_directory_without_files_is_empty(void **state) {
        JournalSource source = { .directory = fixture_directory };

        open_source(&source);
        assert_int_equal(count_entries(), 0);
        assert_true(journal_query_is_partial(query, error));
        assert_string_equal(error, "no journal files were found");
}

static void test_journal_source_directory_that_is_none_is_told(void **state) {
        char path[PATH_MAX];
        JournalSource source = { .directory = path };

        (void) snprintf(path, sizeof(path), "%s/none", fixture_directory);
        assert_int_equal(journal_query_new(&source, &query, error), -ENOENT);
        assert_non_null(strstr(error, path));
        assert_null(strchr(error, '\n'));
        assert_null(query);

        write_journal("a.journal", "a");
        (void) snprintf(path, sizeof(path), "%s/a.journal", fixture_directory);
        assert_int_equal(journal_query_new(&source, &query, error), -ENOTDIR);
        assert_non_null(strstr(error, path));
}

static void write_file(const char *path, const char *text) {
        FILE *file = fopen(fixture_path(path), "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void test_journal_source_damaged_file_is_passed_over_and_told(void **state) {
        JournalSource source = { .directory = fixture_directory };

        write_journal("a.journal", "a");
        write_file("b.journal", "");
        open_source(&source);
        assert_int_equal(count_entries(), 1);
        assert_true(journal_query_is_partial(query, error));
        assert_non_null(strstr(error, fixture_path("b.journal")));
        assert_non_null(strstr(error, "is truncated"));
}

/* ---- Files -------------------------------------------------------------------------------------- */

static void test_journal_source_files_and_globs_are_read(void **state) {
        static const struct {
                const char *patterns[3];
                unsigned n_entries;
        } rows[] = {
                { { "a.journal" }, 1 },
                { { "?.journal" }, 2 },
                { { "*.journal" }, 3 },
                { { "a.journal", "b.journal" }, 2 },
                { { "a.journal", "a.journal" }, 1 },
        };

        write_journal("a.journal", "a");
        write_journal("b.journal", "b");
        write_journal("long.journal", "c");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char paths[3][PATH_MAX], *list[3] = {};
                JournalSource source = { .files = list };

                for (size_t k = 0; rows[i].patterns[k]; k++) {
                        (void) snprintf(paths[k], sizeof(paths[k]), "%s/%s", fixture_directory,
                                rows[i].patterns[k]);
                        list[k] = paths[k];
                }
                open_source(&source);
                assert_int_equal(count_entries(), rows[i].n_entries);
                query = journal_query_free(query);
        }
}

static void test_journal_source_files_that_are_none_are_told(void **state) {
        static const struct {
                const char *pattern;
                int result;
                const char *told;
        } rows[] = {
                { "none.journal", -ENOENT, "none.journal" },
                { "none*.journal", -ENOENT, "none*.journal" },
                { "empty.journal", -ENODATA, "empty.journal is truncated" },
                { "text.journal", -EBADMSG, "text.journal is damaged" },
        };
        char text[1024];

        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        write_file("empty.journal", "");
        write_file("text.journal", text);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char path[PATH_MAX], *list[] = { path, NULL };
                JournalSource source = { .files = list };

                (void) snprintf(path, sizeof(path), "%s/%s", fixture_directory, rows[i].pattern);
                assert_int_equal(journal_query_new(&source, &query, error), rows[i].result);
                assert_non_null(strstr(error, rows[i].told));
        }
}

static void test_journal_source_files_good_ones_are_read(void **state) {
        char good[PATH_MAX], bad[PATH_MAX], *list[] = { bad, good, NULL };
        JournalSource source = { .files = list };

        write_journal("good.journal", "a");
        write_file("bad.journal", "");
        (void) snprintf(good, sizeof(good), "%s/good.journal", fixture_directory);
        (void) snprintf(bad, sizeof(bad), "%s/bad.journal", fixture_directory);
        open_source(&source);
        assert_int_equal(count_entries(), 1);
        assert_true(journal_query_is_partial(query, error));
        assert_non_null(strstr(error, bad));
}

static void test_journal_source_files_empty_list_is_told(void **state) {
        char *list[] = { NULL };
        JournalSource source = { .files = list };

        assert_int_equal(journal_query_new(&source, &query, error), -ENOENT);
        assert_true(error[0] != '\0');
}

/* ---- Permission --------------------------------------------------------------------------------- */

/* What a user without rights finds: the status of journal_query_new(), the line that it gets. */
static int open_as_nobody(char line[static JOURNAL_ERROR_MAX], unsigned *ret_n_entries) {
        JournalSource source = { .directory = fixture_directory };
        struct {
                int result;
                unsigned n_entries;
                char line[JOURNAL_ERROR_MAX];
        } told = {};
        int fds[2];
        pid_t pid;

        if (geteuid() != 0)
                skip();
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                        _exit(1);
                told.result = journal_query_new(&source, &query, told.line);
                if (told.result == 0) {
                        if (journal_query_ask(query, &(JournalQuestion){}) < 0)
                                _exit(1);
                        told.n_entries = count_entries();
                        (void) journal_query_is_partial(query, told.line);
                }
                _exit(write(fds[1], &told, sizeof(told)) == sizeof(told) ? 0 : 1);
        }
        (void) close(fds[1]);
        ssize_t n_read = read(fds[0], &told, sizeof(told));
        (void) close(fds[0]);
        fixture_remote_wait(pid);
        assert_int_equal(n_read, sizeof(told));
        memcpy(line, told.line, JOURNAL_ERROR_MAX);
        *ret_n_entries = told.n_entries;
        return told.result;
}

static void test_journal_source_nothing_permitted_names_the_group(void **state) {
        unsigned n_entries;

        write_journal("a.journal", "a"); /* of root, mode 0640 */
        assert_int_equal(chmod(fixture_directory, 0755), 0);
        assert_int_equal(open_as_nobody(error, &n_entries), -EACCES);
        assert_non_null(strstr(error, fixture_path("a.journal")));
        assert_non_null(strstr(error, "group systemd-journal"));
        assert_null(strchr(error, '\n'));
}

static void test_journal_source_directory_not_permitted_names_the_group(void **state) {
        unsigned n_entries;

        assert_int_equal(chmod(fixture_directory, 0700), 0);
        assert_int_equal(open_as_nobody(error, &n_entries), -EACCES);
        assert_non_null(strstr(error, fixture_directory));
        assert_non_null(strstr(error, "group systemd-journal"));
}

static void test_journal_source_collected_not_permitted_names_the_collectors_group(void **state) {
        const struct group *group = getgrnam("systemd-journal-remote");
        unsigned n_entries;

        if (!group)
                skip();
        write_journal("a.journal", "a");
        assert_int_equal(chown(fixture_path("a.journal"), (uid_t) -1, group->gr_gid), 0);
        assert_int_equal(chmod(fixture_directory, 0755), 0);
        assert_int_equal(open_as_nobody(error, &n_entries), -EACCES);
        assert_non_null(strstr(
                error, "group systemd-journal-remote may (usermod -aG systemd-journal-remote "));
}

static void test_journal_source_some_permitted_is_partial(void **state) {
        unsigned n_entries;

        write_journal("system.journal", "a");
        write_journal("user-65534.journal", "b");
        assert_int_equal(chmod(fixture_path("user-65534.journal"), 0644), 0);
        assert_int_equal(chmod(fixture_directory, 0755), 0);
        assert_int_equal(open_as_nobody(error, &n_entries), 0);
        assert_int_equal(n_entries, 1);
        assert_non_null(strstr(error, fixture_path("system.journal")));
        assert_non_null(strstr(error, "group systemd-journal"));
}

/* ---- Others ------------------------------------------------------------------------------------- */

static void test_journal_source_namespace_that_is_none_is_told(void **state) {
        static const char *const names[] = { "gatewatch-none", "+gatewatch-none" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                JournalSource source = { .namespace = names[i] };

                assert_int_equal(journal_query_new(&source, &query, error), -ENOENT);
                assert_non_null(strstr(error, "gatewatch-none"));
        }
}

static void test_journal_source_machine_that_is_none_is_told(void **state) {
        JournalSource source = { .machine = "gatewatch-none" };

        assert_true(journal_query_new(&source, &query, error) < 0);
        assert_non_null(strstr(error, "gatewatch-none"));
        assert_null(strchr(error, '\n'));
        assert_null(query);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                source_test(test_journal_source_directory_has_all_its_files),
                source_test(test_journal_source_directory_without_files_is_empty),
                source_test(test_journal_source_directory_that_is_none_is_told),
                source_test(test_journal_source_damaged_file_is_passed_over_and_told),
                source_test(test_journal_source_files_and_globs_are_read),
                source_test(test_journal_source_files_that_are_none_are_told),
                source_test(test_journal_source_files_good_ones_are_read),
                source_test(test_journal_source_files_empty_list_is_told),
                source_test(test_journal_source_nothing_permitted_names_the_group),
                source_test(test_journal_source_directory_not_permitted_names_the_group),
                source_test(test_journal_source_collected_not_permitted_names_the_collectors_group),
                source_test(test_journal_source_some_permitted_is_partial),
                source_test(test_journal_source_namespace_that_is_none_is_told),
                source_test(test_journal_source_machine_that_is_none_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
