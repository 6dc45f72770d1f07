/* SPDX-License-Identifier: MIT */

/* The unit as such: loaded, masked, hidden, newer than what runs. Hardly any of this is a setting, so the
 * rows arrange it around the perfect unit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule-fixture.h"

#define PERFECT                                                                                   \
        { .name = "the perfect unit" }, { .name = "a user's perfect unit", .flags = ROW_USER }, { \
                .name = "not supervised", .flags = ROW_UNSUPERVISED                               \
        }
#define REFUSED \
        { .name = "refused by systemd", .flags = ROW_NOT_LOADED }

static char *copy(const char *text) {
        char *result = strdup(text);

        assert_non_null(result);
        return result;
}

static void set_load_state(UnitView *view, const char *state, const char *error) {
        free(view->load_state);
        view->load_state = copy(state);
        view->load_error = error ? copy(error) : NULL;
}

static void set_name(UnitView *view, const char *name) {
        free(view->name);
        view->name = copy(name);
}

/* ---- Loaded, masked, refused ----------------------------------------------------------------- */

static void arrange_bad_setting(UnitView *view, RuleInput *input _unused_) {
        set_load_state(view, "bad-setting", "Unit gate.service has a bad unit file setting.");
}

static void arrange_error(UnitView *view, RuleInput *input _unused_) {
        set_load_state(view, "error", "Invalid argument\n");
}

static void arrange_no_reason(UnitView *view, RuleInput *input _unused_) {
        set_load_state(view, "error", NULL);
}

static void arrange_empty_reason(UnitView *view, RuleInput *input _unused_) {
        set_load_state(view, "error", "");
}

static void arrange_mere_dots(UnitView *view, RuleInput *input _unused_) {
        set_load_state(view, "error", "..");
}

static void arrange_long_reason(UnitView *view, RuleInput *input _unused_) {
        char reason[4096];

        memset(reason, 'x', sizeof(reason) - 1);
        reason[sizeof(reason) - 1] = '\0';
        set_load_state(view, "error", reason);
}

static void arrange_masked(UnitView *view, RuleInput *input _unused_) {
        set_load_state(view, "masked", "Unit gate.service is masked.");
}

static void arrange_masked_at_run_time(UnitView *view, RuleInput *input) {
        arrange_masked(view, input);
        view->fragment = copy("/run/systemd/system/gate.service");
}

static void arrange_masked_by_file(UnitView *view, RuleInput *input) {
        arrange_masked(view, input);
        view->fragment = copy("/etc/systemd/system/gate.service");
}

static void arrange_masked_by_package(UnitView *view, RuleInput *input) {
        arrange_masked(view, input);
        view->fragment = copy("/lib/systemd/system/gate.service");
}

static void arrange_masked_by_package_below_usr(UnitView *view, RuleInput *input) {
        arrange_masked(view, input);
        view->fragment = copy("/usr/lib/systemd/user/gate.service");
}

static void arrange_masked_escaped(UnitView *view, RuleInput *input) {
        arrange_masked(view, input);
        set_name(view, "gate\\x2dway@1.service");
}

static void test_rule_not_loaded_that_systemd_refuses_is_an_error(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                { .name = "refused, it does not say why",
                        .flags = ROW_NOT_LOADED,
                        .finds = "error -",
                        .says = "no reason" },
                { .name = "masked is the other rule's", .arrange = arrange_masked },
                { .name = "a bad setting",
                        .arrange = arrange_bad_setting,
                        .finds = "error -",
                        .says = "started: Unit gate.service has a bad unit file setting" },
                { .name = "an error",
                        .flags = ROW_UNSUPERVISED,
                        .arrange = arrange_error,
                        .finds = "error -",
                        .says = ": Invalid argument" },
                { .name = "no reason",
                        .arrange = arrange_no_reason,
                        .finds = "error -",
                        .says = "no reason" },
                { .name = "an empty reason",
                        .arrange = arrange_empty_reason,
                        .finds = "error -",
                        .says = "no reason" },
                { .name = "a reason of mere dots",
                        .arrange = arrange_mere_dots,
                        .finds = "error -" },
                { .name = "a long reason",
                        .arrange = arrange_long_reason,
                        .finds = "error -",
                        .says = "xxxx" },
        };

        assert_rule_rows(state, rule_not_loaded, rows);
        assert_in_range(strlen(((RuleFixture *) *state)->finding.message), 1024, 1200);
}

static void test_rule_masked_is_an_error_with_the_way_out(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "refused is the other rule's", .arrange = arrange_bad_setting },
                { .name = "masked",
                        .arrange = arrange_masked,
                        .finds = "error - $ systemctl unmask gate.service" },
                { .name = "by a file",
                        .arrange = arrange_masked_by_file,
                        .finds = "error - $ systemctl unmask gate.service" },
                { .name = "until the next boot",
                        .arrange = arrange_masked_at_run_time,
                        .finds = "error - $ systemctl unmask --runtime gate.service" },
                { .name = "a user's, not supervised",
                        .flags = ROW_USER | ROW_UNSUPERVISED,
                        .arrange = arrange_masked,
                        .finds = "error - $ systemctl --user unmask gate.service" },
                { .name = "by its package, which unmask does not undo",
                        .arrange = arrange_masked_by_package,
                        .finds = "hint -",
                        .says = "/lib/systemd/system/gate.service" },
                { .name = "by its package, below /usr",
                        .arrange = arrange_masked_by_package_below_usr,
                        .finds = "hint -" },
                { .name = "a name that a shell would eat",
                        .arrange = arrange_masked_escaped,
                        .finds = "error - $ systemctl unmask 'gate\\x2dway@1.service'" },
        };

        assert_rule_rows(state, rule_masked, rows);
}

static void arrange_run_error(UnitView *view _unused_, RuleInput *input) {
        input->run = NULL;
        input->run_error = "--drain-timeout=soon is not usable: give a time such as 90s.";
}

static void test_rule_settings_unusable_is_an_error_with_the_run_s_own_line(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "settings unknown", .flags = ROW_RUN_UNKNOWN },
                { .name = "refused",
                        .arrange = arrange_run_error,
                        .finds = "error ExecStart",
                        .says = "--drain-timeout=soon is not usable: give a time such as 90s" },
                { .name = "not supervised",
                        .flags = ROW_UNSUPERVISED,
                        .arrange = arrange_run_error },
        };

        assert_rule_rows(state, rule_settings_unusable, rows);
}

/* ---- What the files say ---------------------------------------------------------------------- */

static void arrange_one_ignored(UnitView *view, RuleInput *input _unused_) {
        assert_int_equal(strv_extend(&view->ignored, "gate.service:7: Unknown key name 'Foo'."), 0);
}

static void arrange_three_ignored(UnitView *view, RuleInput *input) {
        arrange_one_ignored(view, input);
        arrange_one_ignored(view, input);
        arrange_one_ignored(view, input);
}

static void test_rule_ignored_lines_are_a_warning_with_the_first(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "one",
                        .arrange = arrange_one_ignored,
                        .finds = "warning -",
                        .says = ": gate.service:7: Unknown key name 'Foo'" },
                { .name = "three",
                        .arrange = arrange_three_ignored,
                        .finds = "warning -",
                        .says = "Unknown key name 'Foo' (and 2 more)" },
                { .name = "not supervised",
                        .flags = ROW_UNSUPERVISED,
                        .arrange = arrange_one_ignored,
                        .finds = "warning -" },
        };

        assert_rule_rows(state, rule_ignored_lines, rows);
        assert_null(strstr(((RuleFixture *) *state)->finding.message, "more)"));
}

static void arrange_changed(UnitView *view, RuleInput *input _unused_) {
        view->values[VIEW_NEED_DAEMON_RELOAD].is_known = true;
        view->values[VIEW_NEED_DAEMON_RELOAD].number = true;
}

static void arrange_changed_not_known(UnitView *view, RuleInput *input) {
        arrange_changed(view, input);
        view->values[VIEW_NEED_DAEMON_RELOAD].is_known = false;
}

static void test_rule_daemon_reload_needed_is_a_warning(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "needed",
                        .arrange = arrange_changed,
                        .finds = "warning NeedDaemonReload $ systemctl daemon-reload" },
                { .name = "needed, a user's, not supervised",
                        .flags = ROW_USER | ROW_UNSUPERVISED,
                        .arrange = arrange_changed,
                        .finds = "warning NeedDaemonReload $ systemctl --user daemon-reload" },
                { .name = "not known", .arrange = arrange_changed_not_known },
        };

        assert_rule_rows(state, rule_daemon_reload, rows);
}

static void set_times(UnitView *view, usec_t started_usec, usec_t changed_usec) {
        view->values[VIEW_EXEC_MAIN_STARTED].is_known = true;
        view->values[VIEW_EXEC_MAIN_STARTED].number = started_usec;
        view->files_changed_usec = changed_usec;
}

static void arrange_older(UnitView *view, RuleInput *input _unused_) {
        set_times(view, 1000, 1001);
}

static void arrange_as_old(UnitView *view, RuleInput *input _unused_) {
        set_times(view, 1000, 1000);
}

static void arrange_not_running(UnitView *view, RuleInput *input _unused_) {
        set_times(view, 0, 1001);
}

static void arrange_change_not_known(UnitView *view, RuleInput *input _unused_) {
        set_times(view, 1000, 0);
}

static void arrange_start_not_known(UnitView *view, RuleInput *input) {
        arrange_older(view, input);
        view->values[VIEW_EXEC_MAIN_STARTED].is_known = false;
}

static void arrange_older_escaped(UnitView *view, RuleInput *input) {
        arrange_older(view, input);
        set_name(view, "a\\x20b.service");
}

static void test_rule_running_older_than_the_files_is_a_hint(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "older",
                        .arrange = arrange_older,
                        .finds = "hint ExecMainStartTimestamp $ systemctl restart gate.service" },
                { .name = "older, a user's",
                        .flags = ROW_USER,
                        .arrange = arrange_older,
                        .finds = "hint ExecMainStartTimestamp $ systemctl --user restart "
                                 "gate.service" },
                { .name = "older, a name that a shell would eat",
                        .arrange = arrange_older_escaped,
                        .finds = "hint ExecMainStartTimestamp $ systemctl restart "
                                 "'a\\x20b.service'" },
                { .name = "as old", .arrange = arrange_as_old },
                { .name = "not running", .arrange = arrange_not_running },
                { .name = "last change not known", .arrange = arrange_change_not_known },
                { .name = "start not known", .arrange = arrange_start_not_known },
                { .name = "not supervised",
                        .flags = ROW_UNSUPERVISED | ROW_DRAIN_GIVEN,
                        .arrange = arrange_older },
        };

        assert_rule_rows(state, rule_running_older, rows);
}

static void arrange_shadowed(UnitView *view, RuleInput *input _unused_) {
        view->fragment = copy("/etc/systemd/system/gate.service");
        assert_int_equal(strv_extend(&view->shadowed, "/lib/systemd/system/gate.service"), 0);
}

static void arrange_shadowed_twice(UnitView *view, RuleInput *input) {
        arrange_shadowed(view, input);
        assert_int_equal(strv_extend(&view->shadowed, "/run/systemd/system/gate.service"), 0);
}

static void arrange_shadowed_by_nothing(UnitView *view, RuleInput *input) {
        arrange_shadowed(view, input);
        free(view->fragment);
        view->fragment = NULL;
}

static void test_rule_shadowed_file_is_a_hint_with_its_name(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "one",
                        .arrange = arrange_shadowed,
                        .finds = "hint -",
                        .says = "/etc/systemd/system/gate.service hides "
                                "/lib/systemd/system/gate.service:" },
                { .name = "two",
                        .arrange = arrange_shadowed_twice,
                        .finds = "hint -",
                        .says = "/lib/systemd/system/gate.service (and 1 more):" },
                { .name = "by a file that is not known",
                        .arrange = arrange_shadowed_by_nothing,
                        .finds = "hint -",
                        .says = "hides /lib/systemd/system/gate.service" },
                { .name = "not supervised, with a drain",
                        .flags = ROW_UNSUPERVISED | ROW_DRAIN_GIVEN,
                        .arrange = arrange_shadowed,
                        .finds = "hint -" },
                { .name = "not supervised",
                        .flags = ROW_UNSUPERVISED,
                        .arrange = arrange_shadowed },
        };

        assert_rule_rows(state, rule_shadowed, rows);
}

static void arrange_no_linger(UnitView *view, RuleInput *input _unused_) {
        view->linger = 0;
        view->linger_user = copy("gate");
}

static void arrange_no_linger_of_whom(UnitView *view, RuleInput *input _unused_) {
        view->linger = 0;
}

static void arrange_linger(UnitView *view, RuleInput *input _unused_) {
        view->linger = 1;
        view->linger_user = copy("gate");
}

static void test_rule_linger_off_is_a_warning_for_users_units(void **state) {
        static const RuleRow rows[] = {
                PERFECT,
                REFUSED,
                { .name = "off",
                        .flags = ROW_USER,
                        .arrange = arrange_no_linger,
                        .finds = "warning - $ loginctl enable-linger gate" },
                { .name = "off, user not known",
                        .flags = ROW_USER,
                        .arrange = arrange_no_linger_of_whom,
                        .finds = "warning - $ loginctl enable-linger" },
                { .name = "off, not supervised, with a drain",
                        .flags = ROW_USER | ROW_UNSUPERVISED | ROW_DRAIN_GIVEN,
                        .arrange = arrange_no_linger,
                        .finds = "warning - $ loginctl enable-linger gate" },
                { .name = "off, not supervised",
                        .flags = ROW_USER | ROW_UNSUPERVISED,
                        .arrange = arrange_no_linger },
                { .name = "off, a unit of the system", .arrange = arrange_no_linger },
                { .name = "on", .flags = ROW_USER, .arrange = arrange_linger },
        };

        assert_rule_rows(state, rule_linger, rows);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                rule_test(test_rule_not_loaded_that_systemd_refuses_is_an_error),
                rule_test(test_rule_masked_is_an_error_with_the_way_out),
                rule_test(test_rule_settings_unusable_is_an_error_with_the_run_s_own_line),
                rule_test(test_rule_ignored_lines_are_a_warning_with_the_first),
                rule_test(test_rule_daemon_reload_needed_is_a_warning),
                rule_test(test_rule_running_older_than_the_files_is_a_hint),
                rule_test(test_rule_shadowed_file_is_a_hint_with_its_name),
                rule_test(test_rule_linger_off_is_a_warning_for_users_units),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
