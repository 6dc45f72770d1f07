/* SPDX-License-Identifier: MIT */

/* The drop-in's file: where it goes, and that nothing is touched that is not ours. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "check/remedy-file.h"
#include "file-fixture.h"

#define OURS REMEDY_MARK " so it is\n[Service]\n"
#define PATH "system/a.service.d/" REMEDY_FILE

static int path_setup(void **state) {
        if (setenv("XDG_CONFIG_HOME", "/home/u/.config", 1) < 0)
                return -1;
        *state = NULL;
        return 0;
}

static int path_teardown(void **state) {
        free(*state);
        return unsetenv("XDG_CONFIG_HOME");
}

static const struct {
        UnitView view;
        const char *expected;
} path_rows[] = {
        { { .name = (char *) "a.service", .manager = UNIT_MANAGER_SYSTEM },
                "/etc/systemd/system/a.service.d/" REMEDY_FILE },
        { { .name = (char *) "a@b\\x2dc.service",
                  .manager = UNIT_MANAGER_USER,
                  .fragment = (char *) "/usr/lib/systemd/user/a@.service" },
                "/home/u/.config/systemd/user/a@b\\x2dc.service.d/" REMEDY_FILE },
        { { .name = (char *) "a.service",
                  .is_offline = true,
                  .fragment = (char *) "/srv/units/a.service" },
                "/srv/units/a.service.d/" REMEDY_FILE },
        { { .name = (char *) "a@b.service",
                  .is_offline = true,
                  .fragment = (char *) "units/a@.service" },
                "units/a@b.service.d/" REMEDY_FILE },
        { { .name = (char *) "a.service", .is_offline = true, .fragment = (char *) "a.service" },
                "./a.service.d/" REMEDY_FILE },
        { { .name = (char *) "a.service", .is_offline = true, .fragment = (char *) "/a.service" },
                "/a.service.d/" REMEDY_FILE },
};

static void test_remedy_path_of_a_unit_is_where_its_drop_ins_go(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(path_rows); i++) {
                free(*state);
                *state = remedy_path(&path_rows[i].view);
                assert_non_null(*state);
                assert_string_equal((char *) *state, path_rows[i].expected);
        }
}

static void test_remedy_path_offline_without_file_is_none(void **state) {
        const UnitView view = { .name = (char *) "a.service", .is_offline = true };

        *state = remedy_path(&view);
        assert_null(*state);
}

static void test_remedy_install_makes_folder_and_file(void **state) {
        Fixture *fixture = *state;

        (void) umask(077);
        assert_int_equal(remedy_install(PATH, OURS), 0);
        assert_content(fixture, PATH, OURS);
        assert_int_equal(mode_of(PATH), 0644);
        assert_int_equal(mode_of("system/a.service.d"), 0755);
        assert_int_equal(count_entries("system/a.service.d"), 1);
}

static void test_remedy_install_over_ours_replaces_it(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(remedy_install(PATH, OURS "KillMode=none\n"), 0);
        assert_int_equal(chmod(PATH, 0600), 0);
        assert_int_equal(remedy_install(PATH, OURS), 0);
        assert_content(fixture, PATH, OURS);
        assert_int_equal(mode_of(PATH), 0644);
        assert_int_equal(count_entries("system/a.service.d"), 1);
}

static void test_remedy_install_over_a_strangers_file_is_refused(void **state) {
        static const char *const rows[] = { "", "[Service]\n", "\n" OURS };
        Fixture *fixture = *state;

        assert_int_equal(file_make_directories("system/a.service.d", 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                write_file(PATH, rows[i], strlen(rows[i]));
                assert_int_equal(remedy_install(PATH, OURS), -EPERM);
                assert_content(fixture, PATH, rows[i]);
        }
        assert_int_equal(count_entries("system/a.service.d"), 1);
}

/* Also a link to a file of ours: where it leads is not ours to write. */
static void test_remedy_install_over_a_link_is_refused(void **state) {
        static const char *const rows[] = { "../../target", "nowhere", "/dev/null" };
        Fixture *fixture = *state;

        write_file("target", OURS "x", strlen(OURS "x"));
        assert_int_equal(file_make_directories("system/a.service.d", 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(symlink(rows[i], PATH), 0);
                assert_int_equal(remedy_install(PATH, OURS), -ELOOP);
                assert_int_equal(remedy_read(PATH, &fixture->text), -ELOOP);
                assert_int_equal(unlink(PATH), 0);
        }
        assert_content(fixture, "target", OURS "x");
        assert_int_equal(count_entries("system/a.service.d"), 0);
}

static void test_remedy_install_over_no_regular_file_is_refused(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(file_make_directories(PATH, 0755), 0);
        assert_int_equal(remedy_install(PATH, OURS), -EBADFD);
        assert_int_equal(rmdir(PATH), 0);

        assert_int_equal(mkfifo(PATH, 0644), 0);
        assert_int_equal(remedy_install(PATH, OURS), -EBADFD);
        assert_int_equal(remedy_read(PATH, &fixture->text), -EBADFD);
        assert_null(fixture->text);
}

static void test_remedy_install_below_a_file_fails(void **state) {
        write_file("system", "", 0);
        assert_int_equal(remedy_install(PATH, OURS), -ENOTDIR);
}

static void test_remedy_read_without_file_is_enoent(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(remedy_read(PATH, &fixture->text), -ENOENT);
        assert_null(fixture->text);
}

static void test_remedy_read_of_nul_bytes_has_line_ends(void **state) {
        static const char data[] = OURS "a=b\0c=d";
        Fixture *fixture = *state;

        write_file("file", data, sizeof(data) - 1);
        assert_int_equal(remedy_read("file", &fixture->text), 0);
        assert_string_equal(fixture->text, OURS "a=b\nc=d");
}

#define path_test(function) cmocka_unit_test_setup_teardown(function, path_setup, path_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                path_test(test_remedy_path_of_a_unit_is_where_its_drop_ins_go),
                path_test(test_remedy_path_offline_without_file_is_none),
                file_test(test_remedy_install_makes_folder_and_file),
                file_test(test_remedy_install_over_ours_replaces_it),
                file_test(test_remedy_install_over_a_strangers_file_is_refused),
                file_test(test_remedy_install_over_a_link_is_refused),
                file_test(test_remedy_install_over_no_regular_file_is_refused),
                file_test(test_remedy_install_below_a_file_fails),
                file_test(test_remedy_read_without_file_is_enoent),
                file_test(test_remedy_read_of_nul_bytes_has_line_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
