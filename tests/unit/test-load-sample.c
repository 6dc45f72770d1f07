/* SPDX-License-Identifier: MIT */

/* What a sample holds of an injected procfs and of control groups that are directories in it: what is
 * there, and what is missing, malformed or huge. Two samples side by side stand in
 * test-load-sample-compare.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forensics/load-sample.h"
#include "procfs-tree.h"

#define MAIN_PID 812
#define AT(sec)  ((usec_t) (sec) *USEC_PER_SEC)

typedef struct Fixture {
        ProcfsTree tree; /* procfs, and the control groups "unit" and "payload" in it */
        int unit_fd;
        int payload_fd;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        *state = fixture;
        fixture->unit_fd = fixture->payload_fd = -EBADF;
        if (procfs_tree_init(&fixture->tree) < 0 || mkdirat(fixture->tree.fd, "unit", 0755) < 0 ||
                mkdirat(fixture->tree.fd, "payload", 0755) < 0)
                return -1;
        fixture->unit_fd = openat(fixture->tree.fd, "unit", O_PATH | O_DIRECTORY | O_CLOEXEC);
        fixture->payload_fd = openat(fixture->tree.fd, "payload", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fixture->unit_fd < 0 || fixture->payload_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void) fd_close(fixture->payload_fd);
        (void) fd_close(fixture->unit_fd);
        procfs_tree_done(&fixture->tree);
        free(fixture);
        return 0;
}

static LoadProbe probe_of(const Fixture *fixture) {
        return (LoadProbe){
                .proc_fd = fixture->tree.fd,
                .pid = MAIN_PID,
                .unit_cgroup_fd = fixture->unit_fd,
                .payload_cgroup_fd = fixture->payload_fd,
                .is_closer = true,
        };
}

static LoadSample take(const Fixture *fixture, unsigned at_sec) {
        LoadProbe probe = probe_of(fixture);
        LoadSample sample;

        memset(&sample, 0xff, sizeof(sample)); /* nothing of it may stay */
        load_sample_take(&sample, &probe, AT(at_sec));
        return sample;
}

#define PRESSURE_TEXT(some, full)                                  \
        "some avg10=1.80 avg60=1.11 avg300=0.35 total=" #some "\n" \
        "full avg10=1.76 avg60=1.08 avg300=0.33 total=" #full "\n"

/* 33 ticks of CPU time. */
static void put_main(const Fixture *fixture, const char *state_and_start) {
        char text[256];

        (void) snprintf(text, sizeof(text), "%d (gate) way) %s", MAIN_PID, state_and_start);
        procfs_tree_put(&fixture->tree, "812/stat", text);
}

static void put_all(const Fixture *fixture) {
        const ProcfsTree *tree = &fixture->tree;

        put_main(fixture, STAT_REST("S", 1, 5000));
        procfs_tree_put(tree, "812/task/812/schedstat", "945991996 2000999 120\n");
        procfs_tree_put(tree, "812/task/813/schedstat", "0 5000000 1\n");
        procfs_tree_put(tree, "812/wchan", "futex_wait_queue");
        procfs_tree_put(
                tree, "812/status", "Name:\tgate\\nTracerPid:\t5\nTracerPid:\t4711\nUid:\t0\n");
        procfs_tree_put(tree, "4711/comm", "gdb\n");
        procfs_tree_put(tree, "loadavg", "41.25 0.12 0.65 1/93 25734\n");
        procfs_tree_put(tree, "pressure/cpu", PRESSURE_TEXT(1001, 1002));
        procfs_tree_put(tree, "pressure/memory", PRESSURE_TEXT(1003, 1004));
        procfs_tree_put(tree, "pressure/io", PRESSURE_TEXT(1005, 1006));
        procfs_tree_put(tree, "unit/cpu.pressure", PRESSURE_TEXT(2001, 2002));
        procfs_tree_put(tree, "unit/memory.pressure", PRESSURE_TEXT(2003, 2004));
        procfs_tree_put(tree, "unit/io.pressure", PRESSURE_TEXT(2005, 2006));
        procfs_tree_put(tree, "unit/cpu.stat", "usage_usec 100\nthrottled_usec 77\n");
        procfs_tree_put(tree, "unit/cgroup.events", "populated 1\nfrozen 0\n");
        procfs_tree_put(tree, "payload/cpu.stat", "usage_usec 90\nthrottled_usec 0\n");
        procfs_tree_put(tree, "payload/cgroup.events", "populated 1\nfrozen 1\n");
}

/* ---- Reading -------------------------------------------------------------------------------- */

static void assert_pressure(const LoadPressure *pressure, usec_t some_usec, usec_t full_usec) {
        assert_true(pressure->is_known);
        assert_int_equal(pressure->some_usec, some_usec);
        assert_int_equal(pressure->full_usec, full_usec);
}

static void test_load_sample_take_reads_what_is_there(void **state) {
        Fixture *fixture = *state;

        put_all(fixture);
        LoadSample sample = take(fixture, 7);

        assert_int_equal(sample.taken_at_usec, AT(7));
        assert_int_equal(sample.pid, MAIN_PID);
        assert_true(sample.has_process);
        assert_int_equal(sample.start_ticks, 5000);
        assert_int_equal(sample.state, 'S');
        assert_int_equal(sample.stop_signal, 0);
        assert_int_equal(sample.cpu_usec, 33 * USEC_PER_SEC / (usec_t) sysconf(_SC_CLK_TCK));
        assert_true(sample.has_run_delay);
        assert_int_equal(sample.run_delay_usec, 2000 + 5000);
        assert_string_equal(sample.wchan, "futex_wait_queue");
        assert_int_equal(sample.tracer_pid, 4711);
        assert_string_equal(sample.tracer_comm, "gdb");
        assert_true(sample.has_loadavg);
        assert_true(sample.loadavg > 41.249 && sample.loadavg < 41.251);
        assert_pressure(&sample.host[STALL_CPU], 1001, 1002);
        assert_pressure(&sample.host[STALL_MEMORY], 1003, 1004);
        assert_pressure(&sample.host[STALL_IO], 1005, 1006);
        assert_pressure(&sample.unit[STALL_CPU], 2001, 2002);
        assert_pressure(&sample.unit[STALL_MEMORY], 2003, 2004);
        assert_pressure(&sample.unit[STALL_IO], 2005, 2006);
        assert_int_equal(sample.throttled_usec, 77); /* the unit's */
        assert_true(sample.has_payload_cpu);
        assert_int_equal(sample.payload_cpu_usec, 90);
        assert_true(sample.is_frozen);
}

static void test_load_sample_take_not_closer_leaves_the_rest_alone(void **state) {
        Fixture *fixture = *state;
        LoadProbe probe = probe_of(fixture);
        LoadSample sample;

        put_all(fixture);
        probe.is_closer = false;
        load_sample_take(&sample, &probe, AT(7));

        assert_true(sample.has_process);
        assert_true(sample.has_run_delay);
        assert_true(sample.host[STALL_CPU].is_known);
        assert_string_equal(sample.wchan, "");
        assert_int_equal(sample.tracer_pid, 0);
        assert_string_equal(sample.tracer_comm, "");
        assert_false(sample.is_frozen);
        assert_false(sample.has_loadavg);
}

static void test_load_sample_take_one_group_alone_serves_for_both(void **state) {
        Fixture *fixture = *state;
        LoadProbe probe = probe_of(fixture);
        LoadSample sample;

        put_all(fixture);
        probe.payload_cgroup_fd = -EBADF;
        load_sample_take(&sample, &probe, AT(7));
        assert_int_equal(sample.payload_cpu_usec, 100);
        assert_false(sample.is_frozen);

        probe = probe_of(fixture);
        probe.unit_cgroup_fd = -EBADF;
        load_sample_take(&sample, &probe, AT(7));
        assert_int_equal(sample.payload_cpu_usec, 90);
        assert_true(sample.is_frozen);
        assert_false(sample.unit[STALL_CPU].is_known);
}

static void test_load_sample_take_more_threads_than_the_bound_adds_up_those(void **state) {
        Fixture *fixture = *state;

        put_main(fixture, STAT_REST("S", 1, 5000));
        for (int i = 0; i < LOAD_THREADS_MAX + 30; i++) {
                char path[64];

                (void) snprintf(path, sizeof(path), "812/task/%d/schedstat", MAIN_PID + i);
                procfs_tree_put(&fixture->tree, path, "1 1000 1\n");
        }
        procfs_tree_put(&fixture->tree, "812/task/other/schedstat", "1 9000000 1\n");

        assert_int_equal(take(fixture, 1).run_delay_usec, LOAD_THREADS_MAX);
}

static void test_load_sample_take_strangers_names_are_fit_to_print(void **state) {
        Fixture *fixture = *state;

        put_all(fixture);
        procfs_tree_put(&fixture->tree, "4711/comm", "g\x1b[1m\xff\xc3\xa4\nb");
        assert_string_equal(take(fixture, 1).tracer_comm, "g?[1m?\xc3\xa4");

        char comm[STALL_COMM_MAX + 10];
        memset(comm, 'x', STALL_COMM_MAX - 2);
        strcpy(comm + STALL_COMM_MAX - 2, "\xc3\xa4\n");
        procfs_tree_put(&fixture->tree, "4711/comm", comm);
        assert_int_equal(strlen(take(fixture, 1).tracer_comm), STALL_COMM_MAX - 2);
}

/* ---- What is missing, empty, malformed or huge ---------------------------------------------- */

static void assert_nothing(const LoadSample *sample, char expected_state) {
        assert_int_equal(sample->taken_at_usec, AT(1));
        assert_false(sample->has_process);
        assert_int_equal(sample->state, expected_state);
        assert_int_equal(sample->cpu_usec, 0);
        assert_false(sample->has_run_delay);
        assert_false(sample->has_payload_cpu);
        assert_int_equal(sample->throttled_usec, 0);
        assert_string_equal(sample->wchan, "");
        assert_int_equal(sample->tracer_pid, 0);
        assert_false(sample->is_frozen);
        assert_false(sample->has_loadavg);
        for (StallResource resource = 0; resource < _STALL_RESOURCE_MAX; resource++) {
                assert_false(sample->host[resource].is_known);
                assert_false(sample->unit[resource].is_known);
        }
}

static void test_load_sample_take_empty_tree_process_is_gone(void **state) {
        LoadSample sample = take(*state, 1);
        assert_nothing(&sample, 'X');
}

static void test_load_sample_take_no_places_to_look_is_nothing(void **state) {
        const LoadProbe probe = { .proc_fd = -EBADF,
                .pid = MAIN_PID,
                .unit_cgroup_fd = -EBADF,
                .payload_cgroup_fd = -EBADF,
                .is_closer = true };
        LoadSample sample;

        load_sample_take(&sample, &probe, AT(1));

        assert_nothing(&sample, '\0'); /* unread, not gone */
}

static void test_load_sample_take_no_main_is_gone(void **state) {
        Fixture *fixture = *state;
        LoadProbe probe = probe_of(fixture);
        LoadSample sample;

        put_all(fixture);
        probe.pid = 0;
        load_sample_take(&sample, &probe, AT(1));

        assert_false(sample.has_process);
        assert_int_equal(sample.state, 'X');
        assert_true(sample.host[STALL_CPU].is_known);
}

static const char *const files[] = {
        "812/stat",
        "812/task/812/schedstat",
        "812/task/813/schedstat",
        "812/wchan",
        "812/status",
        "4711/comm",
        "loadavg",
        "pressure/cpu",
        "pressure/memory",
        "pressure/io",
        "unit/cpu.pressure",
        "unit/memory.pressure",
        "unit/io.pressure",
        "unit/cpu.stat",
        "unit/cgroup.events",
        "payload/cpu.stat",
        "payload/cgroup.events",
};

static void test_load_sample_take_empty_files_are_left_out(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                procfs_tree_put(&fixture->tree, files[i], "");
        LoadSample sample = take(fixture, 1);

        assert_nothing(&sample, '\0');
}

static void test_load_sample_take_huge_files_are_left_out(void **state) {
        Fixture *fixture = *state;
        static char huge[100000];

        memset(huge, '9', sizeof(huge));
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                procfs_tree_put_bytes(&fixture->tree, files[i], huge, sizeof(huge));
        LoadSample sample = take(fixture, 1);
        assert_nothing(&sample, '\0');

        /* Of a process that can be read the rest is left out as well. */
        put_main(fixture, STAT_REST("S", 1, 5000));
        sample = take(fixture, 1);
        assert_true(sample.has_process);
        assert_false(sample.has_run_delay);
        assert_int_equal(strlen(sample.wchan), STALL_WCHAN_MAX - 1);
        assert_int_equal(sample.tracer_pid, 0);
}

/* Each of them alone, all else is well. */
static void test_load_sample_take_malformed_file_is_left_out(void **state) {
        Fixture *fixture = *state;
        static const struct {
                const char *path;
                const char *text;
        } rows[] = {
                { "loadavg", "nan 0 0" },
                { "loadavg", "-1.00 0 0" },
                { "loadavg", "1,25 0 0" },
                { "loadavg", "99999999999999999999.00 0" },
                { "pressure/cpu", "full avg10=0.00 total=5\n" },
                { "pressure/cpu", "some avg10=0.00\nfull total=7\n" },
                { "pressure/cpu", "some total=-7\n" },
                { "pressure/cpu", "some total=18446744073709551616\n" },
                { "812/status", "Name:\tx\nTracerPid:\t-1\n" },
                { "812/status", "Name:\tx\nTracerPid:\t4294967295\n" },
                { "812/status", "Name:\tx\n" },
                { "payload/cpu.stat", "usage_usec x\n" },
                { "payload/cgroup.events", "frozen\n" },
                { "812/wchan", "0" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                put_all(fixture);
                procfs_tree_put(&fixture->tree, rows[i].path, rows[i].text);
                LoadSample sample = take(fixture, 1);

                assert_true(sample.has_process);
                if (sample.has_loadavg == (strcmp(rows[i].path, "loadavg") == 0) ||
                        sample.host[STALL_CPU].is_known ==
                                (strcmp(rows[i].path, "pressure/cpu") == 0) ||
                        (sample.tracer_pid != 0) == (strcmp(rows[i].path, "812/status") == 0) ||
                        sample.has_payload_cpu == (strcmp(rows[i].path, "payload/cpu.stat") == 0) ||
                        sample.is_frozen == (strcmp(rows[i].path, "payload/cgroup.events") == 0) ||
                        (sample.wchan[0] != '\0') == (strcmp(rows[i].path, "812/wchan") == 0))
                        fail_msg("%s: \"%s\"", rows[i].path, rows[i].text);
        }
}

static void test_load_sample_take_malformed_stat_is_no_process(void **state) {
        Fixture *fixture = *state;
        static const char *const texts[] = {
                "812 (x) S 1", "812 x S 1 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 5000\n",
                "813 (x) S 1 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 5000\n", /* another's */
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                put_all(fixture);
                procfs_tree_put(&fixture->tree, "812/stat", texts[i]);
                LoadSample sample = take(fixture, 1);

                assert_false(sample.has_process);
                assert_int_equal(sample.state, '\0');
                assert_false(sample.has_run_delay); /* nor anything else of it */
                assert_string_equal(sample.wchan, "");
        }
}

static void test_load_sample_take_schedstat_of_some_threads_counts(void **state) {
        Fixture *fixture = *state;

        put_all(fixture);
        procfs_tree_put(&fixture->tree, "812/task/813/schedstat", "12");
        LoadSample sample = take(fixture, 1);
        assert_true(sample.has_run_delay);
        assert_int_equal(sample.run_delay_usec, 2000);
}

static void test_load_sample_take_stop_signal_is_the_exit_code(void **state) {
        Fixture *fixture = *state;

/* Fields 3 to 24, and the rest up to the 52nd, exit_code. */
#define STAT_HEAD "T 1 7 8 0 -1 4194560 100 0 0 0 11 22 0 0 20 0 3 0 5000 23 24 "
#define STAT_MORE \
        "25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 "
#define STAT_52(code) STAT_HEAD STAT_MORE code "\n"
        static const struct {
                const char *text;
                int expected;
        } rows[] = {
                { STAT_52("19"), 19 },
                { STAT_52("0"), 0 },
                { STAT_52("-1"), 0 },
                { STAT_52("65536"), 0 },
                { STAT_REST("T", 1, 5000), 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                put_main(fixture, rows[i].text);
                LoadSample sample = take(fixture, 1);

                assert_int_equal(sample.state, 'T');
                if (sample.stop_signal != rows[i].expected)
                        fail_msg("row %zu: %d", i, sample.stop_signal);
        }
}

#define FIXTURE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_load_sample_take_reads_what_is_there),
                FIXTURE_TEST(test_load_sample_take_not_closer_leaves_the_rest_alone),
                FIXTURE_TEST(test_load_sample_take_one_group_alone_serves_for_both),
                FIXTURE_TEST(test_load_sample_take_more_threads_than_the_bound_adds_up_those),
                FIXTURE_TEST(test_load_sample_take_strangers_names_are_fit_to_print),
                FIXTURE_TEST(test_load_sample_take_empty_tree_process_is_gone),
                FIXTURE_TEST(test_load_sample_take_no_places_to_look_is_nothing),
                FIXTURE_TEST(test_load_sample_take_no_main_is_gone),
                FIXTURE_TEST(test_load_sample_take_empty_files_are_left_out),
                FIXTURE_TEST(test_load_sample_take_huge_files_are_left_out),
                FIXTURE_TEST(test_load_sample_take_malformed_file_is_left_out),
                FIXTURE_TEST(test_load_sample_take_malformed_stat_is_no_process),
                FIXTURE_TEST(test_load_sample_take_schedstat_of_some_threads_counts),
                FIXTURE_TEST(test_load_sample_take_stop_signal_is_the_exit_code),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
