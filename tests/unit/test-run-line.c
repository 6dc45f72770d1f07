/* SPDX-License-Identifier: MIT */

/* What units tell `gatewatch run`: whether it is there at all, which settings it would take, out of which
 * of its sources, and what is said where that cannot be known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "units/run-line.h"

#define GATEWATCH "/usr/bin/gatewatch"

typedef struct World {
        void *files; /* of file_setup() */
        uid_t euid;
        UnitView view;
        RunLine line;
        char *text;
} World;

static World world;

static int setup(void **state) {
        world = (World){ .euid = geteuid() };
        if (file_setup(&world.files) < 0 ||
                unit_view_init(&world.view, "gw.service", UNIT_MANAGER_SYSTEM) < 0)
                return -1;
        world.view.has_files = true;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = world.files;

        if (seteuid(world.euid) < 0 || fchmod(fixture->fd, 0700) < 0)
                return -1;
        run_line_done(&world.line);
        unit_view_done(&world.view);
        free(world.text);
        return file_teardown(&world.files);
}

#define run_line_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* The absolute path of a file of the test's own folder. */
static const char *path_of(const char *name) {
        Fixture *fixture = world.files;

        free(world.text);
        assert_true(asprintf(&world.text, "%s/%s", fixture->path, name) > 0);
        return world.text;
}

static void write_text(const char *name, const char *text) {
        write_file(name, text, strlen(text));
}

static void assign(ViewKey key, const char *value) {
        assert_int_equal(unit_view_assign(&world.view, key, value, VIEW_ORIGIN_FRAGMENT, NULL), 0);
}

/* Assigns "BEFORE/PATH/OF/NAME". */
static void assign_path(ViewKey key, const char *before, const char *name) {
        _cleanup_free_ char *value = NULL;
        int r = asprintf(&value, "%s%s", before, path_of(name));

        assert_true(r > 0);
        assign(key, value);
}

static void read_line(void) {
        run_line_done(&world.line);
        assert_int_equal(run_line_read(&world.view, &world.line), 0);
}

/* Reads a new ExecStart=. */
static void read_start(const char *value) {
        assign(VIEW_EXEC_START, "");
        assign(VIEW_EXEC_START, value);
        read_line();
}

static void assert_settled(usec_t drain_usec, usec_t headroom_usec) {
        assert_string_equal(world.line.error, "");
        assert_null(world.line.unknown);
        assert_true(world.line.is_supervised);
        assert_true(world.line.has_config);
        assert_true(world.line.config.drain_usec == drain_usec);
        assert_true(world.line.config.headroom_usec == headroom_usec);
}

static void assert_argv(const char *const expected[]) {
        size_t n = 0;

        for (; expected[n]; n++) {
                assert_non_null(world.line.config.argv[n]);
                assert_string_equal(world.line.config.argv[n], expected[n]);
        }
        assert_null(world.line.config.argv[n]);
}

/* Not known, for a reason that names a part. */
static void assert_unknown(const char *part) {
        assert_true(world.line.is_supervised);
        assert_false(world.line.has_config);
        assert_string_equal(world.line.error, "");
        assert_non_null(world.line.unknown);
        assert_non_null(strstr(world.line.unknown, part));
}

static void test_run_line_find_knows_its_forms(void **state) {
        static const struct {
                const char *argv[6];
                size_t index;
        } rows[] = {
                { { "gatewatch", "run", "x" }, 1 },
                { { "/opt/bin/gatewatch", "run" }, 1 },
                { { "/usr/bin/env", "gatewatch", "run", "x" }, 2 },
                { { "env", "A=1", "B=", "/x/gatewatch", "run" }, 4 },
                { { "gatewatch" }, 0 },
                { { "gatewatch", "post" }, 0 },
                { { "gatewatch", "--", "run" }, 0 },
                { { "gatewatchd", "run" }, 0 },
                { { "/gatewatch/x", "run" }, 0 },
                { { "sh", "-c", "exec gatewatch run -- x" }, 0 },
                { { "env", "-i", "gatewatch", "run" }, 0 },
                { { "env" }, 0 },
                { { "env", "A=1" }, 0 },
                { { "env", "A=1", "gatewatch" }, 0 },
                { { NULL }, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_int_equal(run_line_find((char *const *) rows[i].argv), rows[i].index);
        assert_int_equal(run_line_find(NULL), 0);
}

static void test_run_line_other_commands_are_not_supervised(void **state) {
        static const char *const rows[] = {
                "/bin/sleep infinity",
                GATEWATCH " post",
                "/bin/sh -c 'exec gatewatch run -- x'",
                "|" GATEWATCH " run -- x",
        };

        /* Of no concern here. */
        assign(VIEW_ENVIRONMENT_FILES, "/nonexistent/x");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                read_start(rows[i]);
                assert_false(world.line.is_supervised);
                assert_false(world.line.has_config);
                assert_string_equal(world.line.error, "");
                assert_null(world.line.unknown);
        }
        assign(VIEW_EXEC_START, "");
        read_line();
        assert_false(world.line.is_supervised);
}

static void test_run_line_any_form_is_supervised(void **state) {
        static const char *const rows[] = {
                GATEWATCH " run --drain-timeout=2min -- x",
                GATEWATCH " run --drain 120 x --drain-timeout=9",
                "-+" GATEWATCH " run '--drain-timeout=1min 60s' x",
                "@" GATEWATCH " gateway run --drain-timeout=2min x",
                "@/opt/gw gatewatch run --drain-timeout=2min x",
                "gatewatch run --drain-timeout=2min x",
                "/usr/bin/env gatewatch run --drain-timeout=2min x",
                "env A=1 GATEWATCH_DRAIN_TIMEOUT=2min gatewatch run x",
                "/bin/true ; " GATEWATCH " run --drain-timeout=2min x",
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                read_start(rows[i]);
                assert_settled(120 * USEC_PER_SEC, 30 * USEC_PER_SEC);
                assert_string_equal(world.line.config.argv[0], "x");
        }
}

static void test_run_line_notify_socket_decides_readiness(void **state) {
        static const struct {
                const char *access;
                ReadyMode ready;
        } rows[] = {
                { "none", READY_EXEC },
                { "main", READY_NOTIFY },
                { "all", READY_NOTIFY },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assign(VIEW_NOTIFY_ACCESS, rows[i].access);
                read_start(GATEWATCH " run x");
                assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);
                assert_int_equal(world.line.config.ready, rows[i].ready);
        }
        read_start(GATEWATCH " run --ready=exec x");
        assert_int_equal(world.line.config.ready, READY_EXEC);
}

static void test_run_line_sources_override_in_order(void **state) {
        write_text("gw.env", "GATEWATCH_HEADROOM='40 s'\nGATEWATCH_DRAIN_TIMEOUT=2min\n");
        write_text("gw.conf", "[Run]\nHeadroom=99s\nLogLevel=debug\n");

        assign(VIEW_ENVIRONMENT, "GATEWATCH_DRAIN_TIMEOUT=1h \"GATEWATCH_CMDLINE=full\"");
        read_start(GATEWATCH " run x");
        assert_settled(USEC_PER_HOUR, 30 * USEC_PER_SEC);
        assert_int_equal(world.line.config.cmdline, CMDLINE_FULL);

        assign_path(VIEW_ENVIRONMENT_FILES, "", "gw.env");
        assign_path(VIEW_ENVIRONMENT, "GATEWATCH_CONFIG=", "gw.conf");
        read_start(GATEWATCH " run x");
        assert_settled(120 * USEC_PER_SEC, 40 * USEC_PER_SEC);
        assert_int_equal(world.line.config.log_level, 7);

        read_start(GATEWATCH " run --drain-timeout=10s x");
        assert_settled(10 * USEC_PER_SEC, 40 * USEC_PER_SEC);
}

static void test_run_line_environment_files_are_read_by_pattern(void **state) {
        write_text("1.env", "GATEWATCH_DRAIN_TIMEOUT=1min\nGATEWATCH_HEADROOM=50s\n");
        write_text("2.env", "GATEWATCH_DRAIN_TIMEOUT=2min\n");
        assert_int_equal(symlink("2.env", "3.env"), 0);

        assign_path(VIEW_ENVIRONMENT_FILES, "", "*.env");
        read_start(GATEWATCH " run x");
        assert_settled(120 * USEC_PER_SEC, 50 * USEC_PER_SEC);
}

static void test_run_line_missing_environment_file_matters_unless_optional(void **state) {
        assign_path(VIEW_ENVIRONMENT_FILES, "-", "missing");
        assign_path(VIEW_ENVIRONMENT_FILES, "-", "missing/*");
        read_start(GATEWATCH " run x");
        assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);

        assign_path(VIEW_ENVIRONMENT_FILES, "", "missing");
        read_start(GATEWATCH " run x");
        assert_unknown("/missing: No such file or directory");

        assign(VIEW_ENVIRONMENT_FILES, "");
        assign_path(VIEW_ENVIRONMENT_FILES, "", "missing-*");
        read_start(GATEWATCH " run x");
        assert_unknown("/missing-*: No such file or directory");
}

static void test_run_line_unusable_environment_file_is_said(void **state) {
        write_text("binary", "A=\xff\n");
        write_file("nul", "A=1\n\0B=2", 8);
        assert_int_equal(mkdir("folder", 0755), 0);

        static const struct {
                const char *name, *part;
        } rows[] = {
                { "binary", "/binary: not UTF-8" },
                { "nul", "/nul: not UTF-8" },
                { "folder", "/folder: no regular file" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assign(VIEW_ENVIRONMENT_FILES, "");
                assign_path(VIEW_ENVIRONMENT_FILES, "", rows[i].name);
                read_start(GATEWATCH " run x");
                assert_unknown(rows[i].part);

                assign(VIEW_ENVIRONMENT_FILES, "");
                assign_path(VIEW_ENVIRONMENT_FILES, "-", rows[i].name);
                read_start(GATEWATCH " run x");
                assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        }
}

/* Root may read anything, and is somebody else for once; teardown() takes it back. */
static void test_run_line_forbidden_file_is_unknown(void **state) {
        write_text("gw.env", "A=1\n");
        write_text("gw.conf", "[Run]\n");
        assert_int_equal(chmod(".", 0), 0);
        if (world.euid == 0)
                assert_int_equal(seteuid(65534), 0);

        assign_path(VIEW_ENVIRONMENT_FILES, "-", "gw.env");
        read_start(GATEWATCH " run x");
        assert_unknown("/gw.env: Permission denied");

        assign(VIEW_ENVIRONMENT_FILES, "");
        assign_path(VIEW_ENVIRONMENT_FILES, "-", "*.env");
        read_start(GATEWATCH " run x");
        assert_unknown("/*.env: Permission denied");

        assign(VIEW_ENVIRONMENT_FILES, "");
        assign_path(VIEW_ENVIRONMENT, "GATEWATCH_CONFIG=", "gw.conf");
        read_start(GATEWATCH " run x");
        assert_unknown("/gw.conf: Permission denied");
}

static void test_run_line_elsewhere_files_are_unknown(void **state) {
        write_text("gw.env", "A=1\n");
        write_text("gw.conf", "[Run]\n");
        world.view.has_files = false;

        read_start(GATEWATCH " run x");
        assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);

        read_start(GATEWATCH " run --config=/etc/gw.conf x");
        assert_unknown("--config=/etc/gw.conf: it cannot be read from here");

        assign_path(VIEW_ENVIRONMENT_FILES, "-", "gw.env");
        read_start(GATEWATCH " run x");
        assert_unknown("/gw.env: it cannot be read from here");
}

static void test_run_line_config_file_is_found_among_options(void **state) {
        static const char *const rows[] = {
                " run --config=%s x",
                " run --config %s -- x",
                " run --headroom 30 --conf=%s x",
                " run --planned-stop-marker --config=/nonexistent --config=%s x",
        };

        write_text("gw.conf", "[Run]\nDrainTimeout=2min\n");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *at = strstr(rows[i], "%s"), *path = path_of("gw.conf");
                char text[256];

                (void) snprintf(text, sizeof(text), GATEWATCH "%.*s%s%s", (int) (at - rows[i]),
                        rows[i], path, at + 2);
                read_start(text);
                assert_settled(120 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        }

        read_start(GATEWATCH " run x --config=/nonexistent");
        assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        read_start(GATEWATCH " run --config=gw.conf x");
        assert_unknown("--config=gw.conf: a relative path");
}

static void test_run_line_variables_are_filled_in(void **state) {
        static const char *const rows[] = {
                GATEWATCH " run --drain-timeout=${DRAIN} x",
                GATEWATCH " run $OPTIONS x",
                GATEWATCH " run $NOTHING ${WORD} x",
                "/usr/bin/env $PAIR gatewatch run x",
        };

        assign(VIEW_ENVIRONMENT,
                "\"DRAIN=1min 60s\" \"OPTIONS=--cmdline full '--drain-timeout=2 min'\"");
        assign(VIEW_ENVIRONMENT, "WORD=--drain-timeout=2min PAIR=GATEWATCH_DRAIN_TIMEOUT=120");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                read_start(rows[i]);
                assert_settled(120 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        }

        read_start(":" GATEWATCH " run --drain-timeout=${DRAIN} x");
        assert_false(world.line.has_config);
        assert_non_null(strstr(world.line.error, "--drain-timeout=${DRAIN} is not usable"));
        read_start(GATEWATCH " run --drain-timeout=${NOTHING} x");
        assert_false(world.line.has_config);
        assert_non_null(strstr(world.line.error, "--drain-timeout= is not usable"));
}

static void test_run_line_variables_of_the_manager_are_unknown_in_options_only(void **state) {
        static const char *const command[] = { "${HOME}/gw", "${USER}", "a${SHELL}b", NULL };

        read_start(GATEWATCH " run --headroom=40 -- ${HOME}/gw $USER a${SHELL}b");
        assert_settled(60 * USEC_PER_SEC, 40 * USEC_PER_SEC);
        assert_argv(command);

        read_start(GATEWATCH " run --state-dir=${STATE_DIRECTORY}/x y");
        assert_unknown("${STATE_DIRECTORY}");
        read_start(GATEWATCH " run --state-dir ${STATE_DIRECTORY} y");
        assert_unknown("${STATE_DIRECTORY}");
        read_start("env GATEWATCH_NAME=${USER} gatewatch run y");
        assert_unknown("${USER}");

        assign(VIEW_ENVIRONMENT, "STATE_DIRECTORY=/var/lib/gw");
        read_start(GATEWATCH " run --state-dir=${STATE_DIRECTORY}/x y");
        assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        assert_string_equal(world.line.config.state_dir, "/var/lib/gw/x");
}

static void test_run_line_unset_command_is_kept(void **state) {
        static const char *const both[] = { "$GATEWAY", "$ARGUMENTS", NULL },
                                 *const last[] = { "$GATEWAY", NULL };

        read_start(GATEWATCH " run --drain-timeout=60 -- $GATEWAY $ARGUMENTS");
        assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        assert_argv(both);
        read_start(GATEWATCH " run $OPTIONS $GATEWAY");
        assert_settled(60 * USEC_PER_SEC, 30 * USEC_PER_SEC);
        assert_argv(last);

        /* Set, but to nothing: that is how it would be run. */
        assign(VIEW_ENVIRONMENT, "GATEWAY=");
        read_start(GATEWATCH " run -- $GATEWAY");
        assert_false(world.line.has_config);
        assert_non_null(strstr(world.line.error, "no COMMAND"));
}

static void test_run_line_unusable_settings_have_the_line_of_run(void **state) {
        static const struct {
                const char *start, *part;
        } rows[] = {
                { GATEWATCH " run --drain-timeout=soon x", "--drain-timeout=soon is not usable" },
                { GATEWATCH " run --drian-timeout=1 x", "'--drian-timeout=1'" },
                { GATEWATCH " run --headroom=3s x", "--headroom=3s is too short" },
                { GATEWATCH " run --config=/nonexistent x",
                        "--config=/nonexistent cannot be read" },
                { GATEWATCH " run", "no COMMAND" },
                { GATEWATCH " run --help", "'gatewatch run --help' in ExecStart=" },
                { GATEWATCH " run --version x", "'gatewatch run --version' in ExecStart=" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                read_start(rows[i].start);
                assert_true(world.line.is_supervised);
                assert_false(world.line.has_config);
                assert_null(world.line.unknown);
                assert_non_null(strstr(world.line.error, rows[i].part));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_run_line_find_knows_its_forms),
                run_line_test(test_run_line_other_commands_are_not_supervised),
                run_line_test(test_run_line_any_form_is_supervised),
                run_line_test(test_run_line_notify_socket_decides_readiness),
                run_line_test(test_run_line_sources_override_in_order),
                run_line_test(test_run_line_environment_files_are_read_by_pattern),
                run_line_test(test_run_line_missing_environment_file_matters_unless_optional),
                run_line_test(test_run_line_unusable_environment_file_is_said),
                run_line_test(test_run_line_forbidden_file_is_unknown),
                run_line_test(test_run_line_elsewhere_files_are_unknown),
                run_line_test(test_run_line_config_file_is_found_among_options),
                run_line_test(test_run_line_variables_are_filled_in),
                run_line_test(test_run_line_variables_of_the_manager_are_unknown_in_options_only),
                run_line_test(test_run_line_unset_command_is_kept),
                run_line_test(test_run_line_unusable_settings_have_the_line_of_run),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
