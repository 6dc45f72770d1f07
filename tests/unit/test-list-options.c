/* SPDX-License-Identifier: MIT */

/* The command line of list: what it means, and what is refused with which line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/list-options.h"

#define WORDS_MAX 8

/* words: apart by single spaces. */
static int parse(const char *words, ListOptions *ret_options, char *reterr) {
        static char copy[256];
        static char *argv[WORDS_MAX + 2];
        int argc = 0;
        char *rest = copy, *word;

        (void) snprintf(copy, sizeof(copy), "%s", words);
        argv[argc++] = (char *) (uintptr_t) "list";
        while (argc <= WORDS_MAX && *copy && (word = strsep(&rest, " ")))
                argv[argc++] = word;
        argv[argc] = NULL;
        return list_options_parse(argc, argv, ret_options, reterr);
}

static ListOptions parse_valid(const char *words) {
        ListOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        if (parse(words, &options, error) != 0)
                fail_msg("%s: %s", words, error);
        return options;
}

static void test_list_options_refused_names_value_and_fix(void **state _unused_) {
        static const struct {
                const char *words, *says;
        } rows[] = {
                { "--json=yaml", "--json=yaml is not usable: give off, short or pretty" },
                { "--host=a --machine=b", "--host= and --machine= exclude each other" },
                { "--user --host=a", "--user does not go with --host=" },
                { "--watch --json=short", "--watch and --json exclude each other" },
                { "--json", "option '--json' needs a value" },
                { "-H", "option '-H' needs a value" },
                { "--quiet=yes", "option '--quiet=yes' takes no value" },
                { "--colour", "unknown or ambiguous option '--colour'" },
                { "--no", "unknown or ambiguous option '--no'" },
                { "-x", "unknown option '-x'" },
                { "hermes --bogus", "unknown or ambiguous option '--bogus'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ListOptions options = {};
                char error[OPTION_ERROR_MAX] = "";

                if (parse(rows[i].words, &options, error) != -EINVAL ||
                        !strstr(error, rows[i].says))
                        fail_msg("%s: %s", rows[i].words, error);
        }
}

static void test_list_options_refused_value_is_shown_without_control_characters(
        void **state _unused_) {
        ListOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("--json=\033[31m\n", &options, error), -EINVAL);
        assert_non_null(strstr(error, "--json=?[31m? is not usable"));
}

static void test_list_options_manager_is_the_callers_unless_told(void **state _unused_) {
        const UnitManager own = geteuid() == 0 ? UNIT_MANAGER_SYSTEM : UNIT_MANAGER_USER;
        const struct {
                const char *words;
                UnitManager manager;
        } rows[] = {
                { "", own },
                { "--user", UNIT_MANAGER_USER },
                { "--system", UNIT_MANAGER_SYSTEM },
                { "--user --system", UNIT_MANAGER_SYSTEM },
                { "-H somewhere", UNIT_MANAGER_SYSTEM },
                { "-M inner", own },
                { "-M joe@inner --user", UNIT_MANAGER_USER },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(parse_valid(rows[i].words).target.manager, rows[i].manager);
}

static void test_list_options_without_any_list_with_legend_and_pager(void **state _unused_) {
        ListOptions options = parse_valid("");

        assert_int_equal(options.action, LIST_UNITS);
        assert_true(options.has_legend && options.has_pager);
        assert_false(options.has_all || options.is_watching || options.is_quiet);
        assert_int_equal(options.json, JSON_OFF);
        assert_null(options.arguments[0]);
}

static void test_list_options_are_taken_wherever_they_stand(void **state _unused_) {
        ListOptions options =
                parse_valid("hermes -aq --no-legend web* --no-pager --json=pretty -- -odd");

        assert_true(options.has_all && options.is_quiet);
        assert_false(options.has_legend || options.has_pager || options.is_watching);
        assert_int_equal(options.json, JSON_PRETTY);
        assert_string_equal(options.arguments[0], "hermes");
        assert_string_equal(options.arguments[1], "web*");
        assert_string_equal(options.arguments[2], "-odd");
        assert_null(options.arguments[3]);
        assert_true(parse_valid("--watch").is_watching);
        assert_string_equal(parse_valid("-H root@a").target.host, "root@a");
        assert_string_equal(parse_valid("--machine=inner").target.machine, "inner");
}

static void test_list_options_help_and_version_go_before_what_is_wrong(void **state _unused_) {
        assert_int_equal(parse_valid("--help --host=a --machine=b").action, LIST_SHOW_HELP);
        assert_int_equal(parse_valid("-h").action, LIST_SHOW_HELP);
        assert_int_equal(parse_valid("--version --user -H a").action, LIST_SHOW_VERSION);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list_options_refused_names_value_and_fix),
                cmocka_unit_test(
                        test_list_options_refused_value_is_shown_without_control_characters),
                cmocka_unit_test(test_list_options_manager_is_the_callers_unless_told),
                cmocka_unit_test(test_list_options_without_any_list_with_legend_and_pager),
                cmocka_unit_test(test_list_options_are_taken_wherever_they_stand),
                cmocka_unit_test(test_list_options_help_and_version_go_before_what_is_wrong),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
