/* SPDX-License-Identifier: MIT */

/* The table of settings: a name means one key, wherever it is looked up, and a key can be found again by
 * each of its names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "units/unit-view.h"

static bool is_list(ViewKind kind) {
        return kind == VIEW_KIND_STRINGS || kind == VIEW_KIND_STATUS_SET ||
                kind == VIEW_KIND_COMMANDS;
}

static void test_view_key_info_rows_are_complete(void **state) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                const ViewKeyInfo *info = view_key_info(key);

                assert_non_null(info);
                assert_non_null(info->property);
                assert_in_range(info->kind, 0, _VIEW_KIND_MAX - 1);
                assert_int_equal(info->setting == NULL, info->section == NULL);
                if (info->section)
                        assert_true(strcmp(info->section, "Unit") == 0 ||
                                strcmp(info->section, "Service") == 0);
                /* A list is empty where nothing sets it. */
                assert_int_equal(info->initial == NULL, is_list(info->kind));
                /* What only the manager knows no setting and no dump tells. */
                if (!info->setting) {
                        assert_null(info->manager_default);
                        assert_null(info->dump);
                }
                if (info->manager_default)
                        assert_memory_equal(info->manager_default, "Default", 7);
        }
}

static void test_view_key_info_of_no_key_is_none(void **state) {
        assert_null(view_key_info(_VIEW_KEY_MAX));
        assert_null(view_key_info(_VIEW_KEY_INVALID));
}

static void test_view_key_from_each_name_is_the_key(void **state) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                const ViewKeyInfo *info = view_key_info(key);

                assert_int_equal(view_key_from_property(info->property), key);
                if (info->setting)
                        assert_int_equal(view_key_from_setting(info->section, info->setting), key);
                if (info->dump)
                        assert_int_equal(view_key_from_dump(info->dump), key);
        }
}

static void test_view_key_from_alias_is_the_key(void **state) {
        static const struct {
                const char *section, *setting;
                ViewKey key;
        } rows[] = {
                { "Service", "TimeoutSec", VIEW_TIMEOUT_STOP_USEC },
                { "Service", "StartLimitInterval", VIEW_START_LIMIT_INTERVAL_USEC },
                { "Unit", "StartLimitInterval", VIEW_START_LIMIT_INTERVAL_USEC },
                { "Service", "StartLimitBurst", VIEW_START_LIMIT_BURST },
                /* systemd takes it by that name in [Unit] alone. */
                { "Service", "StartLimitIntervalSec", _VIEW_KEY_INVALID },
                { "Unit", "TimeoutSec", _VIEW_KEY_INVALID },
                { "Unit", "KillMode", _VIEW_KEY_INVALID },
                { "Install", "KillMode", _VIEW_KEY_INVALID },
                { "Service", "killmode", _VIEW_KEY_INVALID },
                { "Service", "JobTimeoutSec", _VIEW_KEY_INVALID },
                { "Service", "TimeoutStopUSec", _VIEW_KEY_INVALID },
                { "Service", "", _VIEW_KEY_INVALID },
                { "", "KillMode", _VIEW_KEY_INVALID },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(
                        view_key_from_setting(rows[i].section, rows[i].setting), rows[i].key);
}

static void test_view_key_from_unknown_name_is_invalid(void **state) {
        assert_int_equal(view_key_from_property("TimeoutStopSec"), _VIEW_KEY_INVALID);
        assert_int_equal(view_key_from_property(""), _VIEW_KEY_INVALID);
        assert_int_equal(view_key_from_dump("TimeoutStopUSec"), _VIEW_KEY_INVALID);
        assert_int_equal(view_key_from_dump(""), _VIEW_KEY_INVALID);
}

/* "Setting=" on one line of a unit never stands for another key's "Setting=". */
static void test_view_key_info_names_of_two_keys_differ(void **state) {
        for (ViewKey a = 0; a < _VIEW_KEY_MAX; a++)
                for (ViewKey b = a + 1; b < _VIEW_KEY_MAX; b++) {
                        const ViewKeyInfo *of_a = view_key_info(a), *of_b = view_key_info(b);

                        assert_string_not_equal(of_a->property, of_b->property);
                        if (of_a->setting && of_b->setting)
                                assert_string_not_equal(of_a->setting, of_b->setting);
                        if (of_a->dump && of_b->dump)
                                assert_string_not_equal(of_a->dump, of_b->dump);
                }
}

static void test_view_origin_to_string_names_each(void **state) {
        for (ViewOrigin a = 0; a < _VIEW_ORIGIN_MAX; a++)
                for (ViewOrigin b = 0; b < a; b++)
                        assert_string_not_equal(view_origin_to_string(a), view_origin_to_string(b));
        assert_string_equal(view_origin_to_string(VIEW_ORIGIN_DROP_IN), "drop-in");
        assert_null(view_origin_to_string(_VIEW_ORIGIN_MAX));
        assert_null(view_origin_to_string(_VIEW_ORIGIN_INVALID));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_view_key_info_rows_are_complete),
                cmocka_unit_test(test_view_key_info_of_no_key_is_none),
                cmocka_unit_test(test_view_key_from_each_name_is_the_key),
                cmocka_unit_test(test_view_key_from_alias_is_the_key),
                cmocka_unit_test(test_view_key_from_unknown_name_is_invalid),
                cmocka_unit_test(test_view_key_info_names_of_two_keys_differ),
                cmocka_unit_test(test_view_origin_to_string_names_each),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
