/* SPDX-License-Identifier: MIT */

/* Names of local users: what a line may hold, and what may stand in the file's place. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "user-name.h"

static void put(const char *text) {
        write_file("passwd", text, strlen(text));
}

static void test_user_name_of_a_local_user_is_found(void **state) {
        static const struct {
                uid_t uid;
                const char *name; /* NULL: none */
        } rows[] = {
                { 0, "root" },
                { 1000, "hermes" },
                { 100, NULL }, /* begins like another */
                { 10000, NULL },
                { 65534, "nobody" },
                { 1001, "no-newline" },
                { (uid_t) -1, NULL },
        };
        char name[USER_NAME_MAX];

        put("root:x:0:0:root:/root:/bin/bash\n"
            "toor:x:0:0::/root:/bin/sh\n"
            "hermes:x:1000:1000:,,,:/home/hermes:/bin/sh\n"
            "nobody:x:65534:65534::/:/bin/false\n"
            "no-newline:x:1001:1001::/:/bin/sh");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(user_name_from_uid("passwd", rows[i].uid, name),
                        rows[i].name ? 0 : -ENOENT);
                if (rows[i].name)
                        assert_string_equal(name, rows[i].name);
        }
}

static void test_user_name_of_odd_lines_is_not_believed(void **state) {
        static const char *const rows[] = {
                "",
                "\n",
                ":x:7:",
                "a\n:x:7:7\n",
                "a:x\n",
                "a:x:7\n", /* the uid's end is not there */
                "a:x:+7:7\n",
                "a:x: 7:7\n",
                "a:x:7x:7\n",
                "a:x::7\n",
                "a:x:4294967303:7\n", /* 7 in 32 bits */
                "a:x:99999999999999999999999999:7\n",
                "+nis:x:7:7\n",
                "#no:x:7:7\n",
                "\xff:x:7:7\n",
                "a\tb:x:7:7\n",
        };
        char name[USER_NAME_MAX] = "untouched";

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                put(rows[i]);
                int r = user_name_from_uid("passwd", 7, name);
                if (r != -ENOENT)
                        print_error("%s\n", rows[i]);
                assert_int_equal(r, -ENOENT);
                assert_string_equal(name, "untouched");
        }
}

static void test_user_name_is_found_behind_any_lines(void **state) {
        static const size_t sizes[] = { 1, 255, 4080, 4095, 4096, 4097, 8191, 8192, 100000 };
        char *text = calloc(1, 100100), name[USER_NAME_MAX];

        assert_non_null(text);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                /* The long line's own end looks like a user of that uid. */
                memset(text, 'x', sizes[i]);
                (void) strcpy(text + sizes[i], ":y\nlong:x:8:8\nuser:x:7:7:::\n");
                put(text);
                int r = user_name_from_uid("passwd", 7, name);
                if (r < 0)
                        print_error("%zu\n", sizes[i]);
                assert_int_equal(r, 0);
                assert_string_equal(name, "user");
                (void) strcpy(text + sizes[i], "u:x:9:9\n");
                if (sizes[i] < 4096)
                        continue;
                put(text);
                assert_int_equal(user_name_from_uid("passwd", 9, name), -ENOENT);
        }
        free(text);
}

static void test_user_name_of_many_lines_is_found(void **state) {
        Fixture *fixture = *state;
        char line[64], name[USER_NAME_MAX], expected[USER_NAME_MAX];
        FILE *file = fopen("passwd", "we");

        assert_non_null(file);
        for (int i = 0; i < 3000; i++) {
                (void) snprintf(line, sizeof(line), "user%d:x:%d:%d::/:/bin/sh\n", i, i, i);
                assert_true(fputs(line, file) >= 0);
        }
        assert_int_equal(fclose(file), 0);
        for (uid_t uid = 0; uid < 3000; uid += 97) {
                (void) snprintf(expected, sizeof(expected), "user%u", uid);
                assert_int_equal(user_name_from_uid("passwd", uid, name), 0);
                assert_string_equal(name, expected);
        }
        assert_int_equal(user_name_from_uid("passwd", 3000, name), -ENOENT);
        assert_true(fixture->fd >= 0);
}

static void test_user_name_too_long_is_left_out(void **state) {
        char text[USER_NAME_MAX + 32], name[USER_NAME_MAX];

        memset(text, 'n', USER_NAME_MAX);
        (void) strcpy(text + USER_NAME_MAX, ":x:7:7\n");
        put(text);
        assert_int_equal(user_name_from_uid("passwd", 7, name), -ENOENT);
        (void) strcpy(text + USER_NAME_MAX - 1, ":x:7:7\n");
        put(text);
        assert_int_equal(user_name_from_uid("passwd", 7, name), 0);
        assert_int_equal(strlen(name), USER_NAME_MAX - 1);
}

static void test_user_name_without_a_file_is_an_error(void **state) {
        char name[USER_NAME_MAX];

        assert_int_equal(user_name_from_uid("nonesuch", 0, name), -ENOENT);
        assert_int_equal(user_name_from_uid(".", 0, name), -EISDIR);
}

static void test_user_name_from_a_fifo_does_not_wait(void **state) {
        char name[USER_NAME_MAX];

        assert_int_equal(mkfifo("passwd", 0600), 0);
        assert_int_equal(user_name_from_uid("passwd", 0, name), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(test_user_name_of_a_local_user_is_found),
                file_test(test_user_name_of_odd_lines_is_not_believed),
                file_test(test_user_name_is_found_behind_any_lines),
                file_test(test_user_name_of_many_lines_is_found),
                file_test(test_user_name_too_long_is_left_out),
                file_test(test_user_name_without_a_file_is_an_error),
                file_test(test_user_name_from_a_fifo_does_not_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
