/* SPDX-License-Identifier: MIT */

/* What lies around units of this machine: files, /proc, the user, and the manager above. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>

#include "fake-unit-server.h"
#include "file.h"
#include "units/unit-reader.h"
#include "units/unit-surroundings.h"

typedef struct Fixture {
        char root[64], user_unit[64];
        UnitView view;
        FakeServer server, above;
        UnitReader *reader;
        UnitView *views;
        size_t n_views;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->server.fd = fixture->above.fd = -EBADF;
        strcpy(fixture->root, "/tmp/test-surroundings.XXXXXX");
        (void) snprintf(
                fixture->user_unit, sizeof(fixture->user_unit), "user@%u.service", getuid());
        return mkdtemp(fixture->root) ? 0 : -1;
}

static int remove_tree(const char *path) {
        const char *const argv[] = { "rm", "-rf", "--", path, NULL };
        int status;

        pid_t pid = fork();
        if (pid == 0) {
                (void) execvp(argv[0], (char *const *) argv);
                _exit(127);
        }
        return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 ? -1 : 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;
        int r;

        unit_views_free(fixture->views, fixture->n_views);
        (void) unit_reader_free(fixture->reader);
        fake_server_stop(&fixture->server);
        fake_server_stop(&fixture->above);
        unit_view_done(&fixture->view);
        (void) unsetenv("SYSTEMD_UNIT_PATH");
        r = remove_tree(fixture->root);
        free(fixture);
        return r;
}

/* A file below the root, with its folders. */
static void fixture_write(Fixture *fixture, const char *name, const char *text) {
        char path[256];

        assert_true(
                snprintf(path, sizeof(path), "%s/%s", fixture->root, name) < (int) sizeof(path));
        *strrchr(path, '/') = '\0';
        assert_int_equal(file_make_directories(path, 0755), 0);
        path[strlen(path)] = '/';
        assert_int_equal(file_write_atomic(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

static const UnitView *fixture_look(Fixture *fixture, UnitManager manager, const char *fragment) {
        unit_view_done(&fixture->view);
        assert_int_equal(unit_view_init(&fixture->view, "hermes.service", manager), 0);
        if (fragment) {
                fixture->view.fragment = strdup(fragment);
                assert_non_null(fixture->view.fragment);
        }
        assert_int_equal(unit_surroundings_read(&fixture->view, 1, fixture->root), 0);
        return &fixture->view;
}

/* ---- /proc ----------------------------------------------------------------------------------- */

static void test_unit_surroundings_hidepid_of_the_topmost_proc_counts(void **state) {
        static const struct {
                const char *mountinfo;
                bool is_hidden;
        } rows[] = {
                { "", false },
                { "22 28 0:20 / /proc rw,nosuid shared:5 - proc proc rw\n", false },
                { "22 28 0:20 / /proc rw shared:5 - proc proc rw,hidepid=2\n", true },
                { "22 28 0:20 / /proc rw - proc proc rw,gid=4,hidepid=invisible\n", true },
                { "22 28 0:20 / /proc rw - proc proc hidepid=noaccess,gid=4\n", true },
                { "22 28 0:20 / /proc rw - proc proc rw,hidepid=ptraceable\n", true },
                { "22 28 0:20 / /proc rw shared:5 master:1 - proc proc rw,hidepid=0\n", false },
                { "22 28 0:20 / /proc rw - proc proc rw,hidepid=off\n", false },
                { "22 28 0:20 / /proc rw - proc proc rw,xhidepid=2\n", false },
                { "22 28 0:20 / /proc rw,hidepid=2 - proc proc rw\n", false },
                { "22 28 0:20 / /proc rw - tmpfs hidepid=2 rw,hidepid=2\n", false },
                { "22 28 0:20 / /srv/proc rw - proc proc rw,hidepid=2\n", false },
                { "22 28 0:20 / /procfs rw - proc proc rw,hidepid=2\n", false },
                { "22 28 0:20 / /proc/sys rw - proc proc rw,hidepid=2\n", false },
                { "22 28 0:20 / /proc rw - proc proc rw\n"
                  "23 22 0:21 / /proc rw - proc proc rw,hidepid=2\n"
                  "24 28 0:22 / /sys rw - sysfs sysfs rw\n",
                        true },
                { "22 28 0:20 / /proc rw - proc proc rw,hidepid=2\n"
                  "23 22 0:21 / /proc rw - proc proc rw\n",
                        false },
                { "/proc\n22\n\n22 28 0:20 / /proc rw\n22 28 0:20 / /proc rw - proc\n", false },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const UnitView *view;

                fixture_write(fixture, "proc/self/mountinfo", rows[i].mountinfo);
                view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, NULL);
                assert_int_equal(view->is_proc_hidden, rows[i].is_hidden);
        }
}

static void test_unit_surroundings_no_mount_table_hides_nothing(void **state) {
        Fixture *fixture = *state;

        assert_false(fixture_look(fixture, UNIT_MANAGER_SYSTEM, NULL)->is_proc_hidden);
}

/* ---- The user -------------------------------------------------------------------------------- */

static void fixture_write_user(Fixture *fixture) {
        char line[64];

        (void) snprintf(line, sizeof(line), "hermes:x:%u:100::/:/bin/sh\n", getuid());
        fixture_write(fixture, "etc/passwd", line);
}

static void test_unit_surroundings_user_with_a_linger_file_lingers(void **state) {
        const UnitView *view;
        Fixture *fixture = *state;

        fixture_write_user(fixture);
        view = fixture_look(fixture, UNIT_MANAGER_USER, NULL);
        assert_int_equal(view->linger, 0);
        assert_string_equal(view->linger_user, "hermes");

        fixture_write(fixture, "var/lib/systemd/linger/hermes", "");
        view = fixture_look(fixture, UNIT_MANAGER_USER, NULL);
        assert_int_equal(view->linger, 1);
        assert_string_equal(view->linger_user, "hermes");
}

static void test_unit_surroundings_unknown_user_is_not_known_to_linger(void **state) {
        const UnitView *view;
        Fixture *fixture = *state;

        fixture_write(fixture, "etc/passwd", "");
        view = fixture_look(fixture, UNIT_MANAGER_USER, NULL);
        assert_int_equal(view->linger, -1);
        assert_null(view->linger_user);
}

static void test_unit_surroundings_system_unit_knows_no_linger(void **state) {
        const UnitView *view;
        Fixture *fixture = *state;

        fixture_write_user(fixture);
        view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, NULL);
        assert_int_equal(view->linger, -1);
        assert_null(view->linger_user);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void test_unit_surroundings_origins_are_found(void **state) {
        char fragment[128];
        const UnitView *view;
        Fixture *fixture = *state;

        fixture_write(fixture, "etc/hermes.service", "[Service]\nTimeoutStopSec=45\n");
        (void) snprintf(fragment, sizeof(fragment), "%s/etc/hermes.service", fixture->root);
        view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, fragment);
        assert_true(view->has_files);
        assert_int_equal(view->values[VIEW_TIMEOUT_STOP_USEC].origin, VIEW_ORIGIN_FRAGMENT);
        assert_string_equal(view->values[VIEW_TIMEOUT_STOP_USEC].source, fragment);
        assert_int_equal(view->values[VIEW_KILL_MODE].origin, VIEW_ORIGIN_DEFAULT);
        assert_true(view->files_changed_usec > 0);
}

static void test_unit_surroundings_weaker_file_of_the_same_name_is_shadowed(void **state) {
        static const char *const names[] = { "hermes.service", "called-otherwise.service" };
        char path[256], fragment[512], weaker[512];
        Fixture *fixture = *state;

        (void) snprintf(path, sizeof(path), "%s/etc:%s/lib", fixture->root, fixture->root);
        assert_return_code(setenv("SYSTEMD_UNIT_PATH", path, 1), errno);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const UnitView *view;

                (void) snprintf(path, sizeof(path), "etc/%s", names[i]);
                fixture_write(fixture, path, "[Service]\n");
                (void) snprintf(fragment, sizeof(fragment), "%s/%s", fixture->root, path);
                view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, fragment);
                assert_int_equal(strv_length(view->shadowed), 0);

                (void) snprintf(path, sizeof(path), "lib/%s", names[i]);
                fixture_write(fixture, path, "[Service]\n");
                (void) snprintf(weaker, sizeof(weaker), "%s/%s", fixture->root, path);
                view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, fragment);
                assert_int_equal(strv_length(view->shadowed), 1);
                assert_string_equal(view->shadowed[0], weaker);
        }
}

static void test_unit_surroundings_drop_in_that_is_not_loaded_asks_for_a_reload(void **state) {
        char path[256], fragment[128];
        const UnitView *view;
        Fixture *fixture = *state;

        (void) snprintf(path, sizeof(path), "%s/etc", fixture->root);
        assert_return_code(setenv("SYSTEMD_UNIT_PATH", path, 1), errno);
        fixture_write(fixture, "etc/hermes.service", "[Service]\n");
        (void) snprintf(fragment, sizeof(fragment), "%s/etc/hermes.service", fixture->root);
        view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, fragment);
        assert_false(unit_view_bool(view, VIEW_NEED_DAEMON_RELOAD));

        fixture_write(fixture, "etc/hermes.service.d/50-gatewatch.conf", "[Service]\n");
        view = fixture_look(fixture, UNIT_MANAGER_SYSTEM, fragment);
        assert_true(unit_view_bool(view, VIEW_NEED_DAEMON_RELOAD));
}

/* ---- The manager above ----------------------------------------------------------------------- */

static const char *fixture_socket(Fixture *fixture, const char *name) {
        static char path[96];

        (void) snprintf(path, sizeof(path), "%s/%s", fixture->root, name);
        return path;
}

static const UnitView *fixture_read(
        Fixture *fixture, UnitManager manager, const FakeUnit *units_above) {
        static const char *const names[] = { "hermes.service", NULL };
        static const FakeUnit units[] = { { "hermes.service" }, {} };
        UnitReaderTarget target = { .manager = manager, .root = fixture->root };

        unit_views_free(fixture->views, fixture->n_views);
        fixture->views = NULL;
        fixture->n_views = 0;
        fixture->reader = unit_reader_free(fixture->reader);
        fake_server_stop(&fixture->server);
        fake_server_stop(&fixture->above);
        fake_server_start(&fixture->server, fixture_socket(fixture, "private"),
                &(FakeScript){ .units = units });
        fake_server_start(&fixture->above, fixture_socket(fixture, "above"),
                &(FakeScript){ .units = units_above });
        target.address = fixture->server.address;
        target.system_address = fixture->above.address;
        assert_int_equal(unit_reader_open(&target, &fixture->reader), 0);
        assert_int_equal(unit_reader_read(fixture->reader, (char *const *) names, &fixture->views,
                                 &fixture->n_views),
                0);
        assert_int_equal(fixture->n_views, 1);
        return fixture->views;
}

static void test_unit_reader_user_unit_is_capped_by_the_service_above(void **state) {
        Fixture *fixture = *state;
        const FakeUnit above[] = {
                { fixture->user_unit, .timeout_stop_usec = 120 * USEC_PER_SEC },
                {},
        };
        const UnitView *view;

        fixture_write_user(fixture);
        view = fixture_read(fixture, UNIT_MANAGER_USER, above);
        assert_true(view->has_files);
        assert_true(view->cap_usec == 120 * USEC_PER_SEC);
        assert_string_equal(view->cap_unit, fixture->user_unit);
        assert_int_equal(view->linger, 0);
        assert_string_equal(view->active_state, "active");

        view = fixture_read(fixture, UNIT_MANAGER_SYSTEM, above);
        assert_true(view->has_files);
        assert_true(view->cap_usec == USEC_INFINITY);
        assert_null(view->cap_unit);
        assert_int_equal(fixture->above.counts->n_connections, 0);
}

static void test_unit_reader_cap_that_does_not_hold_is_none(void **state) {
        Fixture *fixture = *state;
        const FakeUnit rows[][2] = {
                { { fixture->user_unit, .timeout_stop_usec = USEC_INFINITY } },
                { { fixture->user_unit, .active_state = "inactive", .timeout_stop_usec = 1 } },
                { { "user@4294967294.service", .timeout_stop_usec = 1 } },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const UnitView *view = fixture_read(fixture, UNIT_MANAGER_USER, rows[i]);

                assert_int_equal(fixture->above.counts->n_connections, 1);
                assert_true(view->cap_usec == USEC_INFINITY);
                assert_null(view->cap_unit);
        }
}

static void test_unit_reader_no_manager_above_is_no_failure(void **state) {
        static const char *const names[] = { "hermes.service", NULL };
        const UnitReaderTarget target = {
                .manager = UNIT_MANAGER_USER,
                .system_address = "unix:path=/nonexistent/manager",
        };
        Fixture *fixture = *state;
        UnitReaderTarget full = target;

        fake_server_start(&fixture->server, fixture_socket(fixture, "private"), &(FakeScript){});
        full.address = fixture->server.address;
        full.root = fixture->root;
        assert_int_equal(unit_reader_open(&full, &fixture->reader), 0);
        assert_int_equal(unit_reader_read(fixture->reader, (char *const *) names, &fixture->views,
                                 &fixture->n_views),
                0);
        assert_true(fixture->views[0].cap_usec == USEC_INFINITY);
        assert_string_equal(fixture->views[0].load_state, "not-found");
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_unit_surroundings_hidepid_of_the_topmost_proc_counts),
                FIXTURE_TEST(test_unit_surroundings_no_mount_table_hides_nothing),
                FIXTURE_TEST(test_unit_surroundings_user_with_a_linger_file_lingers),
                FIXTURE_TEST(test_unit_surroundings_unknown_user_is_not_known_to_linger),
                FIXTURE_TEST(test_unit_surroundings_system_unit_knows_no_linger),
                FIXTURE_TEST(test_unit_surroundings_origins_are_found),
                FIXTURE_TEST(test_unit_surroundings_drop_in_that_is_not_loaded_asks_for_a_reload),
                FIXTURE_TEST(test_unit_surroundings_weaker_file_of_the_same_name_is_shadowed),
                FIXTURE_TEST(test_unit_reader_user_unit_is_capped_by_the_service_above),
                FIXTURE_TEST(test_unit_reader_cap_that_does_not_hold_is_none),
                FIXTURE_TEST(test_unit_reader_no_manager_above_is_no_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
