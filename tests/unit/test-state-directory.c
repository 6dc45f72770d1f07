/* SPDX-License-Identifier: MIT */

/* Which directory is chosen, and that it is made for its owner alone. */

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cleanup.h"
#include "forensics/state-directory.h"

static const char *const variables[] = {
        "STATE_DIRECTORY",
        "HERMES_HOME",
        "XDG_STATE_HOME",
        "HOME",
};

typedef struct Fixture {
        char root[64];
        char *saved[ELEMENTSOF(variables)];
        char *path;
        int fd;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(Fixture));

        if (!fixture)
                return -1;
        fixture->fd = -EBADF;
        (void) strcpy(fixture->root, "/tmp/gatewatch-state-XXXXXX");
        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                const char *value = getenv(variables[i]);

                fixture->saved[i] = value ? strdup(value) : NULL;
                (void) unsetenv(variables[i]);
        }
        *state = fixture;
        return mkdtemp(fixture->root) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *position) {
        return remove(path);
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                if (fixture->saved[i])
                        (void) setenv(variables[i], fixture->saved[i], 1);
                else
                        (void) unsetenv(variables[i]);
                free(fixture->saved[i]);
        }
        (void) fd_close(fixture->fd);
        (void) nftw(fixture->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        free(fixture->path);
        free(fixture);
        return 0;
}

static void set(const Fixture *fixture, const char *variable, const char *below) {
        char value[128];

        (void) snprintf(value, sizeof(value), "%s/%s", fixture->root, below);
        assert_int_equal(setenv(variable, value, 1), 0);
}

static void expect(Fixture *fixture, const char *configured, const char *below) {
        char expected[128];
        struct stat info;

        free(fixture->path);
        fixture->path = NULL;
        fixture->fd = fd_close(fixture->fd);
        fixture->fd = state_directory_open(configured, "gate", &fixture->path);
        (void) snprintf(expected, sizeof(expected), "%s/%s", fixture->root, below);
        assert_string_equal(fixture->path, expected);
        assert_true(fixture->fd >= 0);
        assert_int_equal(fstat(fixture->fd, &info), 0);
        assert_true(S_ISDIR(info.st_mode));
        assert_int_equal(info.st_mode & 07777, 0700);
        assert_true(fcntl(fixture->fd, F_GETFD) & FD_CLOEXEC);
}

static void test_state_directory_open_each_source_beats_those_behind_it(void **state) {
        Fixture *fixture = *state;
        char configured[128];

        set(fixture, "HOME", "home");
        expect(fixture, NULL, "home/.local/state/gatewatch/gate");
        set(fixture, "XDG_STATE_HOME", "xdg");
        expect(fixture, NULL, "xdg/gatewatch/gate");
        set(fixture, "HERMES_HOME", "hermes");
        expect(fixture, NULL, "hermes");
        set(fixture, "STATE_DIRECTORY", "unit:/second");
        expect(fixture, NULL, "unit");
        (void) snprintf(configured, sizeof(configured), "%s/option", fixture->root);
        expect(fixture, configured, "option");
}

static void test_state_directory_open_relative_variables_do_not_count(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(setenv("STATE_DIRECTORY", "relative", 1), 0);
        assert_int_equal(setenv("XDG_STATE_HOME", "", 1), 0);
        set(fixture, "HOME", "home");
        expect(fixture, NULL, "home/.local/state/gatewatch/gate");
}

static void test_state_directory_open_unusable_one_is_named_with_its_errno(void **state) {
        Fixture *fixture = *state;
        char file[128];
        int fd;

        (void) snprintf(file, sizeof(file), "%s/file", fixture->root);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        (void) close(fd);
        assert_int_equal(state_directory_open(file, "gate", &fixture->path), -ENOTDIR);
        assert_string_equal(fixture->path, file);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_state_directory_open_each_source_beats_those_behind_it),
                TEST(test_state_directory_open_relative_variables_do_not_count),
                TEST(test_state_directory_open_unusable_one_is_named_with_its_errno),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
