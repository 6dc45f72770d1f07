/* SPDX-License-Identifier: MIT */

/* Unit names: what systemd takes for one, and the names that are made of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit-name.h"

static const struct {
        const char *name;
        bool is_valid;
} valid_rows[] = {
        { "a.service", true },
        { "a.socket", true },
        { "a.device", true },
        { "a.mount", true },
        { "a.automount", true },
        { "a.swap", true },
        { "a.target", true },
        { "a.path", true },
        { "a.timer", true },
        { "a.slice", true },
        { "a.scope", true },
        { "aZ09:_.\\-.service", true },
        { "a\\x2db.service", true },
        { "-.slice", true },
        { ".service.service", true },
        { "a..service", true },
        { "a@.service", true },
        { "a@x.service", true },
        { "a@x.y.service", true },
        { "a@x@y.service", true },
        /* Not. */
        { "", false },
        { "a", false },
        { ".service", false },
        { "service", false },
        { "a.", false },
        { "a.Service", false },
        { "a.services", false },
        { "a.service.d", false },
        { "a.snapshot", false },
        { "a.conf", false },
        { "@.service", false },
        { "@x.service", false },
        { "a b.service", false },
        { "a/b.service", false },
        { "a*.service", false },
        { "a+.service", false },
        { "a\n.service", false },
        { "\xc3\xa4.service", false },
        { "\xff.service", false },
        { "a.service ", false },
};

static void test_unit_name_is_valid_any_name_told(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(valid_rows); i++)
                if (unit_name_is_valid(valid_rows[i].name) != valid_rows[i].is_valid)
                        fail_msg("not %d: %s", valid_rows[i].is_valid, valid_rows[i].name);
}

static void test_unit_name_is_valid_up_to_255_bytes(void **state) {
        char name[300];

        for (int n = 1; n < 280; n++) {
                (void) snprintf(name, sizeof(name), "%0*d.service", n, 0);
                if (unit_name_is_valid(name) != (n + 8 <= 255))
                        fail_msg("%d", n);
        }
}

typedef enum NameKind { PLAIN, TEMPLATE, INSTANCE } NameKind;

static const struct {
        const char *name;
        NameKind kind;
        const char *template, *shorter; /* NULL: none */
} name_rows[] = {
        { "a.service", PLAIN, NULL, NULL },
        { "a.b.service", PLAIN, NULL, NULL },
        { "a-b.service", PLAIN, NULL, "a-.service" },
        { "a-b-c.service", PLAIN, NULL, "a-b-.service" },
        { "a-b-.service", PLAIN, NULL, "a-.service" },
        { "a-.service", PLAIN, NULL, NULL },
        { "a--b.service", PLAIN, NULL, "a--.service" },
        { "a--.service", PLAIN, NULL, "a-.service" },
        { "-a.service", PLAIN, NULL, NULL },
        { "--a.service", PLAIN, NULL, "--.service" },
        { "--.service", PLAIN, NULL, NULL },
        { "-.slice", PLAIN, NULL, NULL },
        { "a\\x2db.service", PLAIN, NULL, NULL },
        { "a@.service", TEMPLATE, NULL, NULL },
        { "a-b@.service", TEMPLATE, NULL, "a-.service" },
        { "a@x.service", INSTANCE, "a@.service", NULL },
        { "a@x-y.service", INSTANCE, "a@.service", NULL },
        { "a@x.y.service", INSTANCE, "a@.service", NULL },
        { "a@x@y.service", INSTANCE, "a@.service", NULL },
        { "a-b-c@x-y.service", INSTANCE, "a-b-c@.service", "a-b-@x-y.service" },
        { "a-b-@x.service", INSTANCE, "a-b-@.service", "a-@x.service" },
        { "a-@x.service", INSTANCE, "a-@.service", NULL },
};

static bool is_equal(const char *text, const char *expected) {
        return text && expected ? strcmp(text, expected) == 0 : text == expected;
}

static void test_unit_name_any_kind_told(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(name_rows); i++) {
                const char *name = name_rows[i].name;

                if (unit_name_is_template(name) != (name_rows[i].kind == TEMPLATE) ||
                        unit_name_is_instance(name) != (name_rows[i].kind == INSTANCE))
                        fail_msg("%s", name);
        }
}

static void test_unit_name_any_name_derived(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(name_rows); i++) {
                const char *name = name_rows[i].name;
                char *template = unit_name_to_template(name), *shorter = NULL;
                int r = unit_name_shorten(name, &shorter);
                bool is_template = is_equal(template, name_rows[i].template);
                bool is_shorter = is_equal(shorter, name_rows[i].shorter);

                free(template);
                free(shorter);
                if (!is_template || !is_shorter || r != (name_rows[i].shorter != NULL))
                        fail_msg("%s: %d %d %d", name, is_template, is_shorter, r);
        }
}

static void test_unit_name_for_instance_any_pair_told(void **state) {
        static const struct {
                const char *name, *instance_name, *expected;
        } rows[] = {
                { "a@.service", "b@x.service", "a@x.service" },
                { "a@.service", "b@x.y@z.service", "a@x.y@z.service" },
                { "a@.service", "b@.service", "a@.service" },
                { "a@.service", "b.service", "a@.service" },
                { "a@y.service", "b@x.service", "a@y.service" },
                { "a.service", "b@x.service", "a.service" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *name = unit_name_for_instance(rows[i].name, rows[i].instance_name);
                bool is_expected = is_equal(name, rows[i].expected);

                free(name);
                if (!is_expected)
                        fail_msg("%s of %s", rows[i].name, rows[i].instance_name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_name_is_valid_any_name_told),
                cmocka_unit_test(test_unit_name_is_valid_up_to_255_bytes),
                cmocka_unit_test(test_unit_name_any_kind_told),
                cmocka_unit_test(test_unit_name_any_name_derived),
                cmocka_unit_test(test_unit_name_for_instance_any_pair_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
