/* SPDX-License-Identifier: MIT */

/* The table and the JSON of a list. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "list-fixture.h"
#include "report/list-print.h"
#include "text-wrap.h"

#define UNITS_MAX 2

typedef struct Fixture {
        UnitView views[UNITS_MAX];
        ListedUnit units[UNITS_MAX];
        char *text;
        size_t size;
        json_object *json;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        FlightRecord running = list_make_flight(), draining = list_make_draining();

        if (!fixture)
                return -1;
        *state = fixture;
        list_make_view(&fixture->views[0], "hermes.service");
        list_make_view(&fixture->views[1], "web.service");
        list_set(&fixture->views[1], VIEW_TIMEOUT_STOP_USEC, "30s");
        list_state(&fixture->views[1], "deactivating", "stop-sigterm");
        list_say(&fixture->views[1], "Draining: 3 active, 42s left (phase 1/4)");
        fixture->views[1].values[VIEW_RESTARTS].number = 4;
        if (listed_unit_read(&fixture->views[0], &running, &list_clock, &fixture->units[0]) != 1 ||
                listed_unit_read(&fixture->views[1], &draining, &list_clock, &fixture->units[1]) !=
                        1)
                return -1;
        fixture->units[0].last.outcome = strdup("killed");
        fixture->units[0].last.cause = strdup("watchdog");
        fixture->units[0].last.at_realtime_usec = list_clock.realtime_usec - 3 * USEC_PER_HOUR;
        fixture->units[0].last_age_usec = 3 * USEC_PER_HOUR + 5 * USEC_PER_MINUTE + USEC_PER_SEC;
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < UNITS_MAX; i++) {
                listed_unit_done(&fixture->units[i]);
                unit_view_done(&fixture->views[i]);
        }
        (void) json_object_put(fixture->json);
        free(fixture->text);
        free(fixture);
        return 0;
}

static const char *print_table(Fixture *fixture, size_t n, const ListPrintOptions *options) {
        FILE *file;

        free(fixture->text);
        file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(file);
        assert_int_equal(list_print_table(file, fixture->units, n, options), 0);
        assert_int_equal(fclose(file), 0);
        return fixture->text;
}

static json_object *print_json(Fixture *fixture, size_t n, JsonMode mode) {
        FILE *file;

        free(fixture->text);
        file = open_memstream(&fixture->text, &fixture->size);
        assert_non_null(file);
        assert_int_equal(list_print_json(file, fixture->units, n, mode), 0);
        assert_int_equal(fclose(file), 0);
        (void) json_object_put(fixture->json);
        fixture->json = json_tokener_parse(fixture->text);
        assert_true(json_object_is_type(fixture->json, json_type_array));
        assert_int_equal(json_object_array_length(fixture->json), n);
        return fixture->json;
}

/* ---- Table ----------------------------------------------------------------------------------- */

static void test_list_print_table_has_a_row_a_unit(void **state) {
        assert_string_equal(print_table(*state, 2, &(ListPrintOptions){ .has_legend = true }),
                "UNIT           STATE    MAIN PID UPTIME RESTARTS LAST               BUDGET  "
                "HEARTBEAT PROGRESS\n"
                "hermes.service running       812     1h        0 killed 3h 5min ago aligned        "
                "3s -\n"
                "web.service    draining      812     1h        4 -                  short           "
                "- Draining: 3 active, 42s left (phase 1/4)\n"
                "\n"
                "2 units: 1 running, 1 draining\n"
                "1 short: gatewatch check says what systemd would cut off.\n");
}

static void test_list_print_table_without_legend_has_rows_alone(void **state) {
        const char *text = print_table(*state, 2, &(ListPrintOptions){});

        assert_memory_equal(text, "hermes.service ", strlen("hermes.service "));
        assert_non_null(strstr(text, "\nweb.service "));
        assert_null(strstr(text, "UNIT"));
        assert_null(strstr(text, "units"));
}

static void test_list_print_table_of_none_says_so(void **state) {
        assert_string_equal(
                print_table(*state, 0, &(ListPrintOptions){ .has_legend = true }), "0 units\n");
}

static size_t columns_of(const char *line) {
        return text_columns(line, strcspn(line, "\n"));
}

static void test_list_print_table_keeps_to_the_terminal(void **state) {
        Fixture *fixture = *state;
        char wide[300];

        memset(wide, 'w', sizeof(wide));
        wide[sizeof(wide) - 1] = '\0';
        list_say(&fixture->views[1], wide);
        fixture->units[1].status = unit_view_text(&fixture->views[1], VIEW_STATUS_TEXT);
        for (unsigned width = 80; width < 240; width += 40) {
                const char *text = print_table(
                        fixture, 2, &(ListPrintOptions){ .width = width, .has_legend = true });

                for (const char *line = text; *line;
                        line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
                        if (columns_of(line) > width)
                                fail_msg("%u: %s", width, text);
                /* The rest of what does not fit is on a line of its own, or in a column. */
                assert_non_null(strstr(text, width < 120 ? "\n  www" : " www"));
        }
}

static void test_list_print_table_of_long_names_marks_what_is_cut(void **state) {
        static const char *const names[] = {
                "a-gateway-with-a-rather-long-name@instance-0017-of-the-fleet.service",
                "入口の番人がここにいてとても長い名前を持っている.service",
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                free(fixture->views[0].name);
                fixture->views[0].name = strdup(names[i]);
                for (unsigned width = 76; width < 100; width++) {
                        const char *text = print_table(fixture, 2,
                                &(ListPrintOptions){ .width = width, .has_legend = true });

                        for (const char *line = text; *line;
                                line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
                                if (columns_of(line) > width)
                                        fail_msg("%u: %s", width, text);
                        assert_non_null(strstr(text, "… "));
                        assert_null(strstr(text, names[i]));
                        text = print_table(fixture, 2,
                                &(ListPrintOptions){ .width = width, .is_ascii = true });
                        for (const char *c = text; *c; c++)
                                assert_true((unsigned char) *c < 0x80);
                        assert_true(i > 0 || strstr(text, ".. "));
                }
                /* Where nothing can be read any more nothing is cut. */
                assert_non_null(strstr(print_table(fixture, 2, &(ListPrintOptions){}), names[i]));
        }
}

static void test_list_print_table_has_colours_when_asked(void **state) {
        Fixture *fixture = *state;

        assert_null(strchr(print_table(fixture, 2, &(ListPrintOptions){}), '\033'));
        fixture->units[0].state = LISTED_FAILED;
        const char *text = print_table(fixture, 2, &(ListPrintOptions){ .has_colour = true });
        assert_non_null(strstr(text, "\033[0;1;31mfailed"));
        assert_non_null(strstr(text, "\033[0;1;31mkilled"));
        assert_non_null(strstr(text, "\033[0;1;33mdraining"));
        assert_non_null(strstr(text, "\033[0;1;33mshort"));
        assert_null(strstr(text, "maligned"));
}

static void test_list_print_table_shows_no_control_character(void **state) {
        Fixture *fixture = *state;

        list_say(&fixture->views[1],
                "\033]0;owned\a\x9b"
                "31m é \r\n\xff");
        fixture->units[1].status = unit_view_text(&fixture->views[1], VIEW_STATUS_TEXT);
        free(fixture->units[0].last.outcome);
        fixture->units[0].last.outcome = strdup("\033[2J");
        for (unsigned width = 0; width <= 80; width += 80) {
                const char *text = print_table(fixture, 2, &(ListPrintOptions){ .width = width });

                for (const char *c = text; *c; c++)
                        if ((unsigned char) *c < ' ' && *c != '\n')
                                fail_msg("%s", text);
                assert_non_null(strstr(text, "?]0;owned?"));
                assert_non_null(strstr(text, "é"));
                assert_non_null(strstr(text, "?[2J"));
        }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *get_text(json_object *unit, const char *key) {
        json_object *value;

        assert_true(json_object_object_get_ex(unit, key, &value));
        return value ? json_object_get_string(value) : "null";
}

static void test_list_print_json_has_what_the_table_says(void **state) {
        static const struct {
                const char *key, *running, *draining;
        } rows[] = {
                { "unit", "hermes.service", "web.service" },
                { "manager", "system", "system" },
                { "state", "running", "draining" },
                { "active_state", "active", "deactivating" },
                { "sub_state", "running", "stop-sigterm" },
                { "status", "null", "Draining: 3 active, 42s left (phase 1/4)" },
                { "main_pid", "812", "812" },
                { "uptime_usec", "3600000000", "3600000000" },
                { "restarts", "0", "4" },
                { "run_id", "null", "null" },
                { "gateway_pid", "813", "813" },
                { "phase", "running", "drain" },
                { "phase_left_usec", "null", "42000000" },
                { "gateway_phase", "null", "null" },
                { "steps_open", "0", "0" },
                { "step", "null", "null" },
                { "active", "null", "3" },
                { "heartbeat_age_usec", "3000000", "null" },
                { "watchdog_usec", "30000000", "30000000" },
                { "budget", "aligned", "short" },
                { "drain_usec", "60000000", "60000000" },
                { "headroom_usec", "30000000", "30000000" },
                { "timeout_stop_usec", "90000000", "30000000" },
        };
        json_object *array = print_json(*state, 2, JSON_SHORT), *last;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_string_equal(get_text(json_object_array_get_idx(array, 0), rows[i].key),
                        rows[i].running);
                assert_string_equal(get_text(json_object_array_get_idx(array, 1), rows[i].key),
                        rows[i].draining);
        }
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(json_object_object_length(json_object_array_get_idx(array, i)),
                        ELEMENTSOF(rows) + 1);
        assert_true(json_object_object_get_ex(json_object_array_get_idx(array, 0), "last", &last));
        assert_string_equal(get_text(last, "outcome"), "killed");
        assert_string_equal(get_text(last, "cause"), "watchdog");
        assert_string_equal(get_text(last, "age_usec"), "11101000000");
        assert_string_equal(get_text(json_object_array_get_idx(array, 1), "last"), "null");
}

static void test_list_print_json_is_valid_whatever_a_gateway_says(void **state) {
        Fixture *fixture = *state;

        list_say(&fixture->views[1], "\"\\\033\xff\x01 </script>");
        fixture->units[1].status = unit_view_text(&fixture->views[1], VIEW_STATUS_TEXT);
        json_object *array = print_json(fixture, 2, JSON_PRETTY);
        assert_string_equal(get_text(json_object_array_get_idx(array, 1), "status"),
                "\"\\\033\xef\xbf\xbd\x01 </script>");
}

static void test_list_print_json_of_none_is_an_empty_array(void **state) {
        (void) print_json(*state, 0, JSON_SHORT);
        assert_string_equal(((Fixture *) *state)->text, "[]\n");
}

#define list_test(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                list_test(test_list_print_table_has_a_row_a_unit),
                list_test(test_list_print_table_without_legend_has_rows_alone),
                list_test(test_list_print_table_of_none_says_so),
                list_test(test_list_print_table_keeps_to_the_terminal),
                list_test(test_list_print_table_of_long_names_marks_what_is_cut),
                list_test(test_list_print_table_has_colours_when_asked),
                list_test(test_list_print_table_shows_no_control_character),
                list_test(test_list_print_json_has_what_the_table_says),
                list_test(test_list_print_json_is_valid_whatever_a_gateway_says),
                list_test(test_list_print_json_of_none_is_an_empty_array),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
