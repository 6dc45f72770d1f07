/* SPDX-License-Identifier: MIT */

/* Metrics: the document's form, buckets, labels of strangers, groups of each kind. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report-output-fixture.h"

static const char *print_metrics(Fixture *fixture) {
        begin(fixture);
        assert_int_equal(report_print_openmetrics(fixture->file, &fixture->statistics), 0);
        return finish(fixture);
}

/* Of one unit, with 5 drains: 0.05 s, three of 2 s, one of 2 h. */
static GroupStatistics make_group(const char *unit) {
        GroupStatistics group = {
                .key = (char *) unit,
                .unit = (char *) unit,
                .host = (char *) "gw1",
                .manager = UNIT_MANAGER_SYSTEM,
                .uid = (uid_t) -1,
                .n = 5,
                .n_forced = 1,
                .n_unexplained = 2,
                .first_realtime_usec = 1763712000 * USEC_PER_SEC,
                .last_realtime_usec = 1763712001 * USEC_PER_SEC + 500 * USEC_PER_MSEC,
                .n_drains = 5,
                .drain_sum_usec = 7206050 * USEC_PER_MSEC,
                .total_sum_usec = 7300 * USEC_PER_SEC,
                .drain_allowed_usec = USEC_PER_MINUTE,
                .timeout_stop_usec = USEC_INFINITY,
                .headroom_usec = 30 * USEC_PER_SEC,
                .share_max = 0.98765,
                .n_over_90_percent = 1,
        };

        group.n_by_outcome[OUTCOME_CLEAN] = 4;
        group.n_by_outcome[OUTCOME_KILLED] = 1;
        group.n_by_cause[CAUSE_STOP] = 5;
        group.n_other_causes = 3;
        group.histogram[0] = 1;
        group.histogram[3] = 3;
        group.histogram[statistics_n_bounds] = 1;
        return group;
}

static void assert_line(Fixture *fixture, const char *line) {
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text, "\n%s\n", line) > 0);
        if (!strstr(fixture->text, text))
                fail_msg("no line %s", line);
}

static void test_report_print_openmetrics_of_nothing_is_a_document(void **state) {
        Fixture *fixture = *state;
        const char *text = print_metrics(fixture);

        assert_memory_equal(text, "# TYPE gatewatch_stops counter\n", 31);
        assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");
        for (const char *line = text; line;
                line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                assert_true(*line == '#' || *line == '\0');
}

static void test_report_print_openmetrics_of_a_unit_has_its_numbers(void **state) {
        Fixture *fixture = *state;
        GroupStatistics group = make_group("hermes.service");

        fixture->statistics = (Statistics){ .groups = &group, .n_groups = 1 };
        const char *text = print_metrics(fixture);

#define LABELS "unit=\"hermes.service\",manager=\"system\",host=\"gw1\""
        assert_line(fixture, "gatewatch_stops_total{" LABELS ",outcome=\"clean\"} 4");
        assert_line(fixture, "gatewatch_stops_total{" LABELS ",outcome=\"killed\"} 1");
        assert_line(fixture, "gatewatch_stops_total{" LABELS ",outcome=\"lost\"} 0");
        assert_line(fixture, "gatewatch_stops_total{" LABELS ",outcome=\"unrecorded\"} 0");
        assert_line(fixture, "gatewatch_stop_causes_total{" LABELS ",cause=\"stop\"} 5");
        assert_line(fixture, "gatewatch_stop_causes_total{" LABELS ",cause=\"oom\"} 0");
        assert_line(fixture, "gatewatch_stop_causes_total{" LABELS ",cause=\"other\"} 3");
        assert_line(fixture, "gatewatch_forced_kills_total{" LABELS "} 1");
        assert_line(fixture, "gatewatch_unexplained_ends_total{" LABELS "} 2");
        assert_line(fixture, "gatewatch_drains_near_limit_total{" LABELS "} 1");
        assert_line(fixture, "gatewatch_stop_time_seconds_total{" LABELS "} 7300");
        assert_line(fixture, "gatewatch_drain_allowed_seconds{" LABELS "} 60");
        assert_line(fixture, "gatewatch_drain_used_max_ratio{" LABELS "} 0.9877");
        assert_line(fixture, "gatewatch_last_stop_timestamp_seconds{" LABELS "} 1763712001.5");
        assert_null(strstr(text, "gatewatch_timeout_stop_seconds{"));
        assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");
}

static void test_report_print_openmetrics_buckets_are_cumulative(void **state) {
        Fixture *fixture = *state;
        GroupStatistics group = make_group("hermes.service");

        fixture->statistics = (Statistics){ .groups = &group, .n_groups = 1 };
        (void) print_metrics(fixture);
        assert_line(fixture, "gatewatch_drain_seconds_bucket{" LABELS ",le=\"0.1\"} 1");
        assert_line(fixture, "gatewatch_drain_seconds_bucket{" LABELS ",le=\"1.0\"} 1");
        assert_line(fixture, "gatewatch_drain_seconds_bucket{" LABELS ",le=\"2.5\"} 4");
        assert_line(fixture, "gatewatch_drain_seconds_bucket{" LABELS ",le=\"3600.0\"} 4");
        assert_line(fixture, "gatewatch_drain_seconds_bucket{" LABELS ",le=\"+Inf\"} 5");
        assert_line(fixture, "gatewatch_drain_seconds_sum{" LABELS "} 7206.05");
        assert_line(fixture, "gatewatch_drain_seconds_count{" LABELS "} 5");
}

static void test_report_print_openmetrics_by_host_or_cause_has_that_label(void **state) {
        Fixture *fixture = *state;
        GroupStatistics group = make_group("oom");

        fixture->statistics =
                (Statistics){ .by = STATISTICS_BY_HOST, .groups = &group, .n_groups = 1 };
        (void) print_metrics(fixture);
        assert_line(fixture, "gatewatch_forced_kills_total{host=\"oom\"} 1");
        assert_line(fixture, "gatewatch_stop_causes_total{host=\"oom\",cause=\"stop\"} 5");

        fixture->statistics.by = STATISTICS_BY_CAUSE;
        (void) print_metrics(fixture);
        assert_line(fixture, "gatewatch_forced_kills_total{cause=\"oom\"} 1");
        assert_null(strstr(fixture->text, "gatewatch_stop_causes"));
}

static void test_report_print_openmetrics_of_users_has_their_ids(void **state) {
        Fixture *fixture = *state;
        GroupStatistics groups[] = { make_group("a.service"), make_group("a.service") };

        groups[0].manager = groups[1].manager = UNIT_MANAGER_USER;
        groups[0].uid = 1000;
        groups[1].uid = 1001;
        fixture->statistics = (Statistics){ .groups = groups, .n_groups = 2 };
        (void) print_metrics(fixture);
        assert_line(fixture,
                "gatewatch_forced_kills_total{unit=\"a.service\",manager=\"user\",host=\"gw1\","
                "uid=\"1000\"} 1");
        assert_line(fixture,
                "gatewatch_forced_kills_total{unit=\"a.service\",manager=\"user\",host=\"gw1\","
                "uid=\"1001\"} 1");
}

static void test_report_print_openmetrics_of_hostile_labels_is_escaped(void **state) {
        Fixture *fixture = *state;
        GroupStatistics group = make_group("a\\b\"c\nd\re\033f\300}");

        fixture->statistics = (Statistics){ .groups = &group, .n_groups = 1 };
        assert_harmless(print_metrics(fixture));
        assert_line(fixture,
                "gatewatch_forced_kills_total{unit=\"a\\\\b\\\"c\\nd?e?f\357\277\275}\","
                "manager=\"system\",host=\"gw1\"} 1");
}

static void test_report_print_openmetrics_of_names_that_look_alike_has_no_series_twice(
        void **state) {
        Fixture *fixture = *state;
        GroupStatistics groups[] = { make_group("\001"), make_group("\002"), make_group("\003") };

        fixture->statistics = (Statistics){ .groups = groups, .n_groups = ELEMENTSOF(groups) };
        (void) print_metrics(fixture);
#define ALIKE "gatewatch_forced_kills_total{unit=\"?\",manager=\"system\",host=\"gw1\""
        assert_line(fixture, ALIKE "} 1\n" ALIKE ",number=\"2\"} 1\n" ALIKE ",number=\"3\"} 1");
}

static void test_report_print_openmetrics_ratio_has_bounds(void **state) {
        Fixture *fixture = *state;
        GroupStatistics group = make_group("a.service");

        fixture->statistics = (Statistics){ .groups = &group, .n_groups = 1 };
        group.share_max = 1e300;
        assert_non_null(strstr(print_metrics(fixture), "\"gw1\"} 1000.0000\n"));
        group.share_max = -1;
        assert_null(strstr(print_metrics(fixture), "gatewatch_drain_used_max_ratio{"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                TEST(test_report_print_openmetrics_of_nothing_is_a_document),
                TEST(test_report_print_openmetrics_of_a_unit_has_its_numbers),
                TEST(test_report_print_openmetrics_buckets_are_cumulative),
                TEST(test_report_print_openmetrics_by_host_or_cause_has_that_label),
                TEST(test_report_print_openmetrics_of_users_has_their_ids),
                TEST(test_report_print_openmetrics_of_hostile_labels_is_escaped),
                TEST(test_report_print_openmetrics_of_names_that_look_alike_has_no_series_twice),
                TEST(test_report_print_openmetrics_ratio_has_bounds),
#undef TEST
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
