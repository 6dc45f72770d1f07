/* SPDX-License-Identifier: MIT */

/* The command line of check: what it means, and what is refused with which line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check/check-options.h"

#define WORDS_MAX 9

/* words: apart by single spaces. */
static int parse(const char *words, CheckOptions *ret_options, char *reterr) {
        static char copy[256];
        static char *argv[WORDS_MAX + 2];
        int argc = 0;
        char *rest = copy, *word;

        (void) snprintf(copy, sizeof(copy), "%s", words);
        argv[argc++] = (char *) (uintptr_t) "check";
        while (argc <= WORDS_MAX && *copy && (word = strsep(&rest, " ")))
                argv[argc++] = word;
        argv[argc] = NULL;
        return check_options_parse(argc, argv, ret_options, reterr);
}

static void test_check_options_refused_names_value_and_fix(void **state _unused_) {
        static const struct {
                const char *words, *says;
        } rows[] = {
                { "--drain-timeout=soon", "--drain-timeout=soon is not usable: give a finite" },
                { "--drain-timeout=infinity", "--drain-timeout=infinity is not usable" },
                { "--headroom=-1", "--headroom=-1 is not usable" },
                { "--fix=now", "--fix=now is not usable: give print or write" },
                { "--json=yaml", "--json=yaml is not usable: give off, short or pretty" },
                { "--ignore=kill-mode,kil-mode", "--ignore=kil-mode names no rule" },
                { "--host=a --machine=b", "--host= and --machine= exclude each other" },
                { "--user --host=a", "--user does not go with --host=" },
                { "--fix -H root@a", "run it on 'root@a'" },
                { "--fix -M inner", "run it on 'inner'" },
                { "--fix --json=short", "--fix and --json exclude each other" },
                { "--dry-run", "--dry-run goes with --fix=write only" },
                { "--dry-run --fix", "--dry-run goes with --fix=write only" },
                { "--offline", "--offline needs files" },
                { "--headroom", "option '--headroom' needs a value" },
                { "--quiet=yes", "option '--quiet=yes' takes no value" },
                { "--colour", "unknown or ambiguous option '--colour'" },
                { "-x", "unknown option '-x'" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CheckOptions options = {};
                char error[OPTION_ERROR_MAX] = "";

                if (parse(rows[i].words, &options, error) != -EINVAL ||
                        !strstr(error, rows[i].says))
                        fail_msg("%s: %s", rows[i].words, error);
        }
}

static void test_check_options_manager_is_the_callers_unless_told(void **state _unused_) {
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

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CheckOptions options = {};
                char error[OPTION_ERROR_MAX] = "";

                assert_int_equal(parse(rows[i].words, &options, error), 0);
                assert_int_equal(options.target.manager, rows[i].manager);
                check_options_done(&options);
        }
}

static void test_check_options_taken_as_given(void **state _unused_) {
        CheckOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("--drain-timeout=3min --fix --ignore=delegate,,pid-file "
                               "--no-legend --no-pager -q a b",
                                 &options, error),
                0);
        assert_int_equal(options.action, CHECK_UNITS);
        assert_true(options.lint.has_drain);
        assert_int_equal(options.lint.drain_usec, 180 * USEC_PER_SEC);
        assert_int_equal(options.lint.headroom_usec, 30 * USEC_PER_SEC);
        assert_int_equal(options.fix, FIX_PRINT);
        assert_int_equal(strv_length(options.lint.ignore), 2);
        assert_true(strv_contains(options.lint.ignore, "pid-file"));
        assert_false(options.has_legend);
        assert_false(options.has_pager);
        assert_true(options.is_quiet);
        assert_string_equal(options.arguments[0], "a");
        assert_string_equal(options.arguments[1], "b");
        assert_null(options.arguments[2]);
        check_options_done(&options);
}

static void test_check_options_help_comes_before_what_does_not_fit(void **state _unused_) {
        CheckOptions options = {};
        char error[OPTION_ERROR_MAX] = "";

        assert_int_equal(parse("--dry-run --help", &options, error), 0);
        assert_int_equal(options.action, CHECK_SHOW_HELP);
        assert_int_equal(parse("--list-rules", &options, error), 0);
        assert_true(options.has_pager);
        assert_int_equal(options.action, CHECK_LIST_RULES);
        assert_int_equal(parse("--version", &options, error), 0);
        assert_int_equal(options.action, CHECK_SHOW_VERSION);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check_options_refused_names_value_and_fix),
                cmocka_unit_test(test_check_options_manager_is_the_callers_unless_told),
                cmocka_unit_test(test_check_options_taken_as_given),
                cmocka_unit_test(test_check_options_help_comes_before_what_does_not_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
