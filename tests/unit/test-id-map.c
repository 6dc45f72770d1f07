/* SPDX-License-Identifier: MIT */

/* Ids and what they stand for, few and many, random and in sequence. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/id-map.h"

#define MANY_IDS 20000

static IdMap map, other;

static int setup(void **state) {
        return id_map_init(&map) < 0 || id_map_init(&other) < 0 ? -1 : 0;
}

static int teardown(void **state) {
        id_map_done(&map);
        id_map_done(&other);
        return 0;
}

/* Ids that differ in few bits, some only in the upper half. */
static sd_id128_t id_of(size_t i) {
        return (sd_id128_t){ .qwords = { i % 2 ? i : 0, i % 2 ? 0 : i } };
}

static void test_id_map_empty_has_nothing(void **state) {
        assert_int_equal(id_map_get(&map, id_of(1)), SIZE_MAX);
        assert_int_equal(id_map_get(&map, SD_ID128_NULL), SIZE_MAX);
}

static void test_id_map_many_ids_are_all_found(void **state) {
        for (size_t i = 0; i < MANY_IDS; i++) {
                assert_int_equal(id_map_get(&map, id_of(i)), SIZE_MAX);
                assert_int_equal(id_map_put(&map, id_of(i), i), 0);
        }
        assert_int_equal(map.n, MANY_IDS);
        assert_true(map.n <= map.n_slots / 4 * 3);
        for (size_t i = 0; i < MANY_IDS; i++)
                assert_int_equal(id_map_get(&map, id_of(i)), i);
        assert_int_equal(id_map_get(&map, id_of(MANY_IDS)), SIZE_MAX);
}

static void test_id_map_put_again_replaces(void **state) {
        assert_int_equal(id_map_put(&map, id_of(7), 1), 0);
        assert_int_equal(id_map_put(&map, id_of(7), 2), 0);
        assert_int_equal(id_map_get(&map, id_of(7)), 2);
        assert_int_equal(map.n, 1);
}

static void test_id_map_texts_have_ids_of_their_own(void **state) {
        static const char *const texts[] = { "", "a", "aa", "b", "ab", "ba", "\xff" };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                sd_id128_t id = id_map_text_id(&map, texts[i]);

                assert_true(sd_id128_equal(id, id_map_text_id(&map, texts[i])));
                assert_false(sd_id128_equal(id, id_map_text_id(&other, texts[i])));
                assert_int_equal(id_map_get(&map, id), SIZE_MAX);
                assert_int_equal(id_map_put(&map, id, i), 0);
        }
}

#define map_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                map_test(test_id_map_empty_has_nothing),
                map_test(test_id_map_many_ids_are_all_found),
                map_test(test_id_map_put_again_replaces),
                map_test(test_id_map_texts_have_ids_of_their_own),
        };

        return cmocka_run_group_tests_name("id-map", tests, NULL, NULL);
}
