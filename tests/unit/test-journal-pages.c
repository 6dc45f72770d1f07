/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "file-fixture.h"
#include "report/journal-pages.h"

#define MAPPED_BYTES ((size_t) 64 * 4096)

static struct sigaction before;
static bool is_caught;

static int pages_teardown(void **state) {
        if (is_caught)
                journal_pages_forget_faults(&before);
        is_caught = false;
        return file_teardown(state);
}

#define pages_test(function) cmocka_unit_test_setup_teardown(function, file_setup, pages_teardown)

/* Within the test: cmocka's own handlers come after the setup. */
static void catch_faults(void) {
        journal_pages_catch_faults(&before);
        is_caught = true;
}

/* A file of its own name in each byte, mapped as libsystemd does. */
static volatile unsigned char *map_file(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        unsigned char bytes[4096];
        void *address;

        assert_true(fd >= 0);
        memset(bytes, path[0], sizeof(bytes));
        for (size_t i = 0; i < MAPPED_BYTES; i += sizeof(bytes))
                assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
        address = mmap(NULL, MAPPED_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        (void) close(fd);
        assert_true(address != MAP_FAILED);
        return address;
}

static void touch_all(volatile unsigned char *address, unsigned char expected) {
        for (size_t i = 0; i < MAPPED_BYTES; i += 4096)
                assert_int_equal(address[i], expected);
}

/* What the process has mapped of a file at this moment, in kB. */
static unsigned long resident_kilobytes(const char *path) {
        FILE *file = fopen("/proc/self/smaps", "re");
        char line[4352];
        unsigned long kilobytes = 0, sum = 0;
        bool is_it = false;

        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
                if (strchr(line, '-') && strstr(line, " r--s "))
                        is_it = strstr(line, path);
                else if (is_it && sscanf(line, "Rss: %lu kB", &kilobytes) == 1) {
                        sum += kilobytes;
                        is_it = false;
                }
        }
        (void) fclose(file);
        return sum;
}

static void test_journal_pages_release_lets_go_of_journals_alone(void **state) {
        volatile unsigned char *journal = map_file("a.journal"), *archived = map_file("b.journal~"),
                               *other = map_file("c.log");

        touch_all(journal, 'a');
        touch_all(archived, 'b');
        touch_all(other, 'c');
        assert_int_equal(resident_kilobytes("a.journal"), MAPPED_BYTES / 1024);

        journal_pages_release();
        assert_int_equal(resident_kilobytes("a.journal"), 0);
        assert_int_equal(resident_kilobytes("b.journal~"), 0);
        assert_int_equal(resident_kilobytes("c.log"), MAPPED_BYTES / 1024);
        touch_all(journal, 'a');
        touch_all(archived, 'b');

        (void) munmap((void *) journal, MAPPED_BYTES);
        (void) munmap((void *) archived, MAPPED_BYTES);
        (void) munmap((void *) other, MAPPED_BYTES);
}

static void test_journal_pages_of_a_shrunk_file_are_zeros(void **state) {
        volatile unsigned char *journal = map_file("a.journal");

        catch_faults();
        assert_int_equal(truncate("a.journal", 4096), 0);
        assert_int_equal(journal[0], 'a');
        assert_int_equal(journal[4096], 0);
        assert_int_equal(journal[MAPPED_BYTES - 1], 0);
        (void) munmap((void *) journal, MAPPED_BYTES);
}

static void test_journal_pages_sent_sigbus_ends_the_process(void **state) {
        int status = 0;
        pid_t pid;

        catch_faults();
        pid = fork();
        if (pid == 0) {
                (void) kill(getpid(), SIGBUS);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGBUS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                pages_test(test_journal_pages_release_lets_go_of_journals_alone),
                pages_test(test_journal_pages_of_a_shrunk_file_are_zeros),
                pages_test(test_journal_pages_sent_sigbus_ends_the_process),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
