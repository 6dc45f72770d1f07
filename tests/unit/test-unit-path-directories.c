/* SPDX-License-Identifier: MIT */

/* Where managers look for units: the well-known directories, and what the environment makes of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit-path.h"

static const char *const variables[] = { "SYSTEMD_UNIT_PATH", "HOME", "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS" };

typedef struct Fixture {
        char *saved[ELEMENTSOF(variables)]; /* the environment the test was started with */
        char **directories;
        char *text;
} Fixture;

static int directories_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;

        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                const char *value = getenv(variables[i]);
                fixture->saved[i] = value ? strdup(value) : NULL;
                (void) unsetenv(variables[i]);
        }
        *state = fixture;
        return setenv("HOME", "/h", /* overwrite= */ 1) < 0 || chdir("/usr") < 0 ? -1 : 0;
}

static int directories_teardown(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                if (fixture->saved[i])
                        (void) setenv(variables[i], fixture->saved[i], /* overwrite= */ 1);
                else
                        (void) unsetenv(variables[i]);
                free(fixture->saved[i]);
        }
        (void) strv_free(fixture->directories);
        free(fixture->text);
        free(fixture);
        return 0;
}

static void set_variable(const char *name, const char *value) {
        assert_int_equal(setenv(name, value, /* overwrite= */ 1), 0);
}

static void assert_directories(
        Fixture *fixture, UnitManager manager, const char *const expected[], size_t n) {
        fixture->directories = strv_free(fixture->directories);
        assert_int_equal(unit_path_directories(manager, &fixture->directories), 0);
        assert_non_null(fixture->directories);
        for (size_t i = 0; i < n && fixture->directories[i]; i++)
                assert_string_equal(fixture->directories[i], expected[i]);
        assert_int_equal(strv_length(fixture->directories), n);
}

#define SYSTEM_DIRECTORIES                                                                         \
        "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",    \
                "/run/systemd/generator.early", "/etc/systemd/system",                             \
                "/etc/systemd/system.attached", "/run/systemd/system",                             \
                "/run/systemd/system.attached", "/run/systemd/generator",                          \
                "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system", \
                "/run/systemd/generator.late"

static void test_unit_path_directories_system_well_known(void **state) {
        static const char *const expected[] = { SYSTEM_DIRECTORIES };

        assert_directories(*state, UNIT_MANAGER_SYSTEM, expected, ELEMENTSOF(expected));
}

static void test_unit_path_directories_user_without_runtime_dir_has_none_of_it(void **state) {
        static const char *const expected[] = { "/h/.config/systemd/user.control",
                "/h/.config/systemd/user", "/etc/xdg/systemd/user", "/etc/systemd/user",
                "/run/systemd/user", "/h/.local/share/systemd/user",
                "/usr/local/share/systemd/user", "/usr/share/systemd/user",
                "/usr/local/lib/systemd/user", "/usr/lib/systemd/user" };

        assert_directories(*state, UNIT_MANAGER_USER, expected, ELEMENTSOF(expected));
        set_variable("XDG_RUNTIME_DIR", "");
        set_variable("XDG_CONFIG_HOME", "");
        assert_directories(*state, UNIT_MANAGER_USER, expected, ELEMENTSOF(expected));
}

/* What `systemd-analyze unit-paths --user` of systemd 252 says to the same environment. */
static void test_unit_path_directories_user_with_all_variables_filled_in(void **state) {
        static const char *const expected[] = { "/c/systemd/user.control",
                "/rt/systemd/user.control", "/rt/systemd/transient", "/rt/systemd/generator.early",
                "/c/systemd/user", "/v/systemd/user", "/w/systemd/user", "/etc/systemd/user",
                "/rt/systemd/user", "/run/systemd/user", "/rt/systemd/generator", "/d/systemd/user",
                "/x/systemd/user", "/y/systemd/user", "/usr/local/lib/systemd/user",
                "/usr/local/share/systemd/user", "/usr/lib/systemd/user", "/usr/share/systemd/user",
                "/rt/systemd/generator.late" };

        set_variable("XDG_CONFIG_HOME", "/c");
        set_variable("XDG_RUNTIME_DIR", "/rt");
        set_variable("XDG_DATA_HOME", "/d");
        set_variable("XDG_CONFIG_DIRS", "/v:/w");
        set_variable("XDG_DATA_DIRS", "/x:/y:/x");
        assert_directories(*state, UNIT_MANAGER_USER, expected, ELEMENTSOF(expected));
}

static void test_unit_path_directories_unit_path_replaces_well_known(void **state) {
        static const char *const expected[] = { "/usr/a", "/b", "/c d" };

        set_variable("SYSTEMD_UNIT_PATH", "a::/b/:/b:/c d");
        assert_directories(*state, UNIT_MANAGER_SYSTEM, expected, ELEMENTSOF(expected));
        assert_directories(*state, UNIT_MANAGER_USER, expected, ELEMENTSOF(expected));
}

static void test_unit_path_directories_unit_path_with_colon_adds_well_known(void **state) {
        static const char *const expected[] = { "/b", SYSTEM_DIRECTORIES };

        set_variable("SYSTEMD_UNIT_PATH", "/b:");
        assert_directories(*state, UNIT_MANAGER_SYSTEM, expected, ELEMENTSOF(expected));
        set_variable("SYSTEMD_UNIT_PATH", ":");
        assert_directories(*state, UNIT_MANAGER_SYSTEM, expected + 1, ELEMENTSOF(expected) - 1);
}

static void test_unit_path_directories_empty_unit_path_is_nowhere(void **state) {
        set_variable("SYSTEMD_UNIT_PATH", "");
        assert_directories(*state, UNIT_MANAGER_SYSTEM, NULL, 0);
}

static void test_unit_path_directories_no_manager_refused(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(unit_path_directories(UNIT_MANAGER_NONE, &fixture->directories), -EINVAL);
        assert_null(fixture->directories);
}

static const char *admin_directory(Fixture *fixture, UnitManager manager) {
        free(fixture->text);
        fixture->text = unit_path_admin_directory(manager);
        return fixture->text;
}

static void test_unit_path_admin_directory_any_manager_told(void **state) {
        Fixture *fixture = *state;

        assert_string_equal(admin_directory(fixture, UNIT_MANAGER_SYSTEM), "/etc/systemd/system");
        assert_string_equal(admin_directory(fixture, UNIT_MANAGER_USER), "/h/.config/systemd/user");
        set_variable("XDG_CONFIG_HOME", "/c");
        assert_string_equal(admin_directory(fixture, UNIT_MANAGER_USER), "/c/systemd/user");
        assert_null(admin_directory(fixture, UNIT_MANAGER_NONE));
}

#define directories_test(function) \
        cmocka_unit_test_setup_teardown(function, directories_setup, directories_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                directories_test(test_unit_path_directories_system_well_known),
                directories_test(
                        test_unit_path_directories_user_without_runtime_dir_has_none_of_it),
                directories_test(test_unit_path_directories_user_with_all_variables_filled_in),
                directories_test(test_unit_path_directories_unit_path_replaces_well_known),
                directories_test(test_unit_path_directories_unit_path_with_colon_adds_well_known),
                directories_test(test_unit_path_directories_empty_unit_path_is_nowhere),
                directories_test(test_unit_path_directories_no_manager_refused),
                directories_test(test_unit_path_admin_directory_any_manager_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
