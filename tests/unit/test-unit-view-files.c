/* SPDX-License-Identifier: MIT */

/* A unit out of its files: what each assignment makes of it, which file has the last word, and what is told
 * of files that cannot be used. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "units/unit-view-files.h"

#define DAY_SEC 86400

typedef struct ViewFixture {
        void *files;
        UnitView view;
        char *text; /* the value that was formatted last */
        char *why;
} ViewFixture;

static int view_setup(void **state) {
        ViewFixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture || file_setup(&fixture->files) < 0)
                return -1;
        *state = fixture;
        return unit_view_init(&fixture->view, "a.service", UNIT_MANAGER_SYSTEM);
}

static int view_teardown(void **state) {
        ViewFixture *fixture = *state;

        int r = file_teardown(&fixture->files);
        unit_view_done(&fixture->view);
        free(fixture->text);
        free(fixture->why);
        free(fixture);
        return r;
}

#define view_test(function) cmocka_unit_test_setup_teardown(function, view_setup, view_teardown)

static void write_text(const char *path, const char *text) {
        write_file(path, text, strlen(text));
}

/* The folder "a.service.d" with a drop-in of that text, also in the view. */
static void add_drop_in(ViewFixture *fixture, const char *path, const char *text) {
        if (access("a.service.d", F_OK) < 0)
                assert_int_equal(mkdir("a.service.d", 0755), 0);
        write_text(path, text);
        assert_int_equal(strv_extend(&fixture->view.drop_ins, path), 0);
}

static void set_fragment(ViewFixture *fixture, const char *path) {
        fixture->view.fragment = strdup(path);
        assert_non_null(fixture->view.fragment);
}

static void assert_value(ViewFixture *fixture, ViewKey key, const char *expected) {
        free(fixture->text);
        fixture->text = unit_view_format(&fixture->view, key);
        assert_non_null(fixture->text);
        assert_string_equal(fixture->text, expected);
}

static void assert_origin(
        ViewFixture *fixture, ViewKey key, ViewOrigin origin, const char *source) {
        const ViewValue *value = &fixture->view.values[key];

        assert_string_equal(view_origin_to_string(value->origin), view_origin_to_string(origin));
        if (source) {
                assert_non_null(value->source);
                assert_string_equal(value->source, source);
        } else
                assert_null(value->source);
}

/* ---- One text -------------------------------------------------------------------------------- */

static const struct {
        const char *text;
        ViewKey key;
        const char *value;
        bool is_set;
} text_rows[] = {
        { "", VIEW_TIMEOUT_STOP_USEC, "1min 30s", false },
        { "[Service]\nTimeoutStopSec=45\n", VIEW_TIMEOUT_STOP_USEC, "45s", true },
        { "[Service]\nTimeoutStopSec=45\nTimeoutStopSec=7min\n", VIEW_TIMEOUT_STOP_USEC, "7min",
                true },
        { "[Service]\nTimeoutStopSec=45\nTimeoutStopSec=fumble\n", VIEW_TIMEOUT_STOP_USEC, "45s",
                true },
        { "[Unit]\nTimeoutStopSec=45\n", VIEW_TIMEOUT_STOP_USEC, "1min 30s", false },
        { "[Service]\n#TimeoutStopSec=45\n", VIEW_TIMEOUT_STOP_USEC, "1min 30s", false },
        { "[Service]\nTimeoutSec=45\n", VIEW_TIMEOUT_STOP_USEC, "45s", true },
        { "[Service]\nTimeoutSec=45\n", VIEW_TIMEOUT_START_USEC, "45s", true },
        { "[Service]\nTimeoutStopSec=45\n", VIEW_TIMEOUT_START_USEC, "1min 30s", false },
        { "[Service]\nTimeoutSec=45\nTimeoutStartSec=5\n", VIEW_TIMEOUT_START_USEC, "5s", true },
        { "[Service]\nTimeoutSec=45\nTimeoutStartSec=5\n", VIEW_TIMEOUT_STOP_USEC, "45s", true },
        { "[Unit]\nStartLimitBurst=9\n", VIEW_START_LIMIT_BURST, "9", true },
        { "[Service]\nKillMode=mixed\n[Install]\nKillMode=none\n", VIEW_KILL_MODE, "mixed", true },
        { "[Service]\nExecStart=/bin/a \\\n  b\n", VIEW_EXEC_START, "/bin/a b", true },
        { "[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b\n", VIEW_EXEC_START, "/bin/b",
                true },
        { "[Service]\nRestartPreventExitStatus=64\nRestartPreventExitStatus=78\n",
                VIEW_RESTART_PREVENT_EXIT_STATUS, "64 78", true },
        { "[Service]\nRestartPreventExitStatus=64\nRestartPreventExitStatus=\n",
                VIEW_RESTART_PREVENT_EXIT_STATUS, "", true },
};

static void test_unit_view_apply_text_gives_values(void **state) {
        ViewFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(text_rows); i++) {
                unit_view_done(&fixture->view);
                assert_int_equal(
                        unit_view_init(&fixture->view, "a.service", UNIT_MANAGER_SYSTEM), 0);
                assert_int_equal(unit_view_apply_text(&fixture->view, text_rows[i].text,
                                         /* is_drop_in= */ false, "/x/a.service"),
                        0);
                assert_value(fixture, text_rows[i].key, text_rows[i].value);
                assert_int_equal(
                        unit_view_is_set(&fixture->view, text_rows[i].key), text_rows[i].is_set);
        }
}

static void test_unit_view_apply_text_says_where_from(void **state) {
        ViewFixture *fixture = *state;

        assert_int_equal(
                unit_view_apply_text(&fixture->view, "[Service]\nKillMode=mixed\nTimeoutSec=5\n",
                        /* is_drop_in= */ false, "/x/a.service"),
                0);
        assert_int_equal(unit_view_apply_text(&fixture->view, "[Service]\nTimeoutStopSec=6\n",
                                 /* is_drop_in= */ true, "/x/a.service.d/b.conf"),
                0);
        assert_origin(fixture, VIEW_KILL_MODE, VIEW_ORIGIN_FRAGMENT, "/x/a.service");
        assert_origin(fixture, VIEW_TIMEOUT_START_USEC, VIEW_ORIGIN_FRAGMENT, "/x/a.service");
        assert_origin(
                fixture, VIEW_TIMEOUT_STOP_USEC, VIEW_ORIGIN_DROP_IN, "/x/a.service.d/b.conf");
        assert_origin(fixture, VIEW_RESTART_USEC, VIEW_ORIGIN_MANAGER, NULL);
        assert_origin(fixture, VIEW_RESTART, VIEW_ORIGIN_DEFAULT, NULL);
}

static void test_unit_view_apply_text_malformed_counts_up_to_there(void **state) {
        ViewFixture *fixture = *state;

        assert_int_equal(unit_view_apply_text(&fixture->view,
                                 "[Service]\nKillMode=mixed\n[Serv\nTimeoutStopSec=5\n",
                                 /* is_drop_in= */ false, "/x/a.service"),
                -EBADMSG);
        assert_value(fixture, VIEW_KILL_MODE, "mixed");
        assert_value(fixture, VIEW_TIMEOUT_STOP_USEC, "1min 30s");
}

static void test_unit_view_apply_text_untaken_value_is_told(void **state) {
        ViewFixture *fixture = *state;

        assert_int_equal(unit_view_apply_text(&fixture->view, "[Service]\n\nKillMode=fumble\n",
                                 /* is_drop_in= */ false, "/x/a.service"),
                0);
        assert_int_equal(strv_length(fixture->view.ignored), 1);
        assert_string_equal(fixture->view.ignored[0],
                "/x/a.service:3: KillMode=fumble is no such value, ignored");
        assert_string_equal(fixture->view.load_state, "loaded");
}

/* ---- All files of a unit --------------------------------------------------------------------- */

static const struct {
        const char *text;
        const char *load_state;
        const char *load_error; /* a part of it */
        size_t n_ignored;
} load_rows[] = {
        { "[Service]\nExecStart=/bin/a\n", "loaded", NULL, 0 },
        { "[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n", "loaded", NULL, 0 },
        { "[Service]\nType=oneshot\nExecStop=/bin/a\n", "loaded", NULL, 0 },
        { "[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n", "bad-setting", "2 ExecStart=", 0 },
        { "[Service]\nType=simple\n", "bad-setting", "no ExecStart=", 0 },
        { "[Service]\nExecStart=/bin/a\nExecStart=\nType=exec\n", "bad-setting",
                "no ExecStart=", 0 },
        { "[Service]\nExecStart=/bin/a \"b\n", "bad-setting", "a.service:2: ExecStart=/bin/a \"b",
                0 },
        { "[Service]\nExecStart=/bin/a\nExecStopPost=/bin/a \"b\n", "bad-setting",
                "ExecStopPost=", 0 },
        { "[Service]\nExecStart=/bin/a\nExecStopPost=@-/bin/a \"b\n", "loaded", NULL, 1 },
        { "[Service]\nExecStart=/bin/a\nType=dbus\n", "bad-setting", "BusName=", 0 },
        { "[Service]\nExecStart=/bin/a\nBusName=org.a\n", "loaded", NULL, 0 },
        { "[Service]\nExecStart=/bin/a\nType=oneshot\nRestart=always\n", "bad-setting",
                "Restart=always", 0 },
        { "[Service]\nExecStart=/bin/a\nType=oneshot\nRestart=on-failure\n", "loaded", NULL, 0 },
        { "[Service]\nExecStart=/bin/a\n[Unit\n", "error", "a.service: a malformed", 0 },
        { "", "masked", "a.service", 0 },
};

static void test_unit_view_read_files_gives_load_state(void **state) {
        ViewFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(load_rows); i++) {
                unit_view_done(&fixture->view);
                assert_int_equal(
                        unit_view_init(&fixture->view, "a.service", UNIT_MANAGER_SYSTEM), 0);
                set_fragment(fixture, "a.service");
                write_text("a.service", load_rows[i].text);
                assert_int_equal(unit_view_read_files(&fixture->view), 0);
                assert_string_equal(fixture->view.load_state, load_rows[i].load_state);
                assert_int_equal(fixture->view.load_error != NULL, load_rows[i].load_error != NULL);
                if (load_rows[i].load_error)
                        assert_non_null(strstr(fixture->view.load_error, load_rows[i].load_error));
                assert_int_equal(strv_length(fixture->view.ignored), load_rows[i].n_ignored);
                assert_true(fixture->view.has_files);
        }
}

static void test_unit_view_read_files_last_drop_in_wins(void **state) {
        ViewFixture *fixture = *state;

        write_text("a.service", "[Service]\nExecStart=/bin/a\nTimeoutStopSec=1\nKillMode=mixed\n");
        set_fragment(fixture, "a.service");
        add_drop_in(
                fixture, "a.service.d/10.conf", "[Service]\nTimeoutStopSec=2\nRestart=always\n");
        add_drop_in(fixture, "a.service.d/05.conf", "[Service]\nTimeoutStopSec=3\nDelegate=yes\n");

        assert_int_equal(unit_view_read_files(&fixture->view), 0);
        assert_value(fixture, VIEW_TIMEOUT_STOP_USEC, "3s");
        assert_origin(fixture, VIEW_TIMEOUT_STOP_USEC, VIEW_ORIGIN_DROP_IN, "a.service.d/05.conf");
        assert_origin(fixture, VIEW_RESTART, VIEW_ORIGIN_DROP_IN, "a.service.d/10.conf");
        assert_origin(fixture, VIEW_KILL_MODE, VIEW_ORIGIN_FRAGMENT, "a.service");
        /* Settled: follows from the others. */
        assert_value(fixture, VIEW_TIMEOUT_ABORT_USEC, "3s");
        assert_value(fixture, VIEW_OOM_POLICY, "continue");
}

static void test_unit_view_read_files_newest_change_counts(void **state) {
        ViewFixture *fixture = *state;
        const struct timespec old[2] = { { .tv_sec = DAY_SEC }, { .tv_sec = DAY_SEC } };
        const struct timespec newer[2] = { { .tv_sec = 5 * DAY_SEC, .tv_nsec = 7000 },
                { .tv_sec = 5 * DAY_SEC, .tv_nsec = 7000 } };

        write_text("a.service", "[Service]\nExecStart=/bin/a\n");
        set_fragment(fixture, "a.service");
        add_drop_in(fixture, "a.service.d/1.conf", "[Service]\n");
        add_drop_in(fixture, "a.service.d/2.conf", "[Service]\n");
        assert_int_equal(utimensat(AT_FDCWD, "a.service", old, 0), 0);
        assert_int_equal(utimensat(AT_FDCWD, "a.service.d/1.conf", newer, 0), 0);
        assert_int_equal(utimensat(AT_FDCWD, "a.service.d/2.conf", old, 0), 0);

        assert_int_equal(unit_view_read_files(&fixture->view), 0);
        assert_int_equal(fixture->view.files_changed_usec, 5 * USEC_PER_DAY + 7);
        fixture->view.files_changed_usec = 0;
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_int_equal(fixture->view.files_changed_usec, 5 * USEC_PER_DAY + 7);
}

static void test_unit_view_read_files_unreadable_is_told(void **state) {
        static const char *const bad[] = { "gone.conf", "folder" };
        ViewFixture *fixture = *state;

        assert_int_equal(mkdir("folder", 0755), 0);
        write_text("a.service", "[Service]\nExecStart=/bin/a\nTimeoutStopSec=5\n");
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                unit_view_done(&fixture->view);
                assert_int_equal(
                        unit_view_init(&fixture->view, "a.service", UNIT_MANAGER_SYSTEM), 0);
                set_fragment(fixture, "a.service");
                assert_int_equal(strv_extend(&fixture->view.drop_ins, bad[i]), 0);
                assert_int_equal(unit_view_read_files(&fixture->view), 0);
                assert_string_equal(fixture->view.load_state, "error");
                assert_memory_equal(fixture->view.load_error, bad[i], strlen(bad[i]));
                assert_false(fixture->view.has_files);
                assert_value(fixture, VIEW_TIMEOUT_STOP_USEC, "5s");
        }
}

static void test_unit_view_read_files_malformed_drop_in_is_ignored(void **state) {
        ViewFixture *fixture = *state;

        write_text("a.service", "[Service]\nExecStart=/bin/a\n");
        set_fragment(fixture, "a.service");
        add_drop_in(fixture, "a.service.d/1.conf", "[Service]\nKillMode=mixed\n[x\nRestart=always");
        assert_int_equal(unit_view_read_files(&fixture->view), 0);
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_value(fixture, VIEW_KILL_MODE, "mixed");
        assert_value(fixture, VIEW_RESTART, "no");
        assert_int_equal(strv_length(fixture->view.ignored), 1);
        assert_non_null(strstr(fixture->view.ignored[0], "a.service.d/1.conf: "));
}

/* ---- Where values come from ------------------------------------------------------------------- */

static void test_unit_view_find_origins_names_last_file(void **state) {
        ViewFixture *fixture = *state;

        write_text("a.service",
                "[Unit]\nStartLimitBurst=3\n[Service]\nTimeoutSec=5\nRestart=always\n");
        set_fragment(fixture, "a.service");
        add_drop_in(fixture, "a.service.d/1.conf", "[Service]\nTimeoutStopSec=6\nExecStart=\n");
        add_drop_in(fixture, "a.service.d/2.conf", "[Service]\nExecStart=/bin/a\n");
        fixture->view.has_files = true;

        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_true(fixture->view.has_files);
        assert_origin(fixture, VIEW_TIMEOUT_STOP_USEC, VIEW_ORIGIN_DROP_IN, "a.service.d/1.conf");
        assert_origin(fixture, VIEW_TIMEOUT_START_USEC, VIEW_ORIGIN_FRAGMENT, "a.service");
        assert_origin(fixture, VIEW_START_LIMIT_BURST, VIEW_ORIGIN_FRAGMENT, "a.service");
        assert_origin(fixture, VIEW_RESTART, VIEW_ORIGIN_FRAGMENT, "a.service");
        assert_origin(fixture, VIEW_EXEC_START, VIEW_ORIGIN_DROP_IN, "a.service.d/2.conf");
        assert_origin(fixture, VIEW_RESTART_USEC, VIEW_ORIGIN_MANAGER, NULL);
        assert_origin(fixture, VIEW_KILL_MODE, VIEW_ORIGIN_DEFAULT, NULL);
        assert_origin(fixture, VIEW_NEED_DAEMON_RELOAD, VIEW_ORIGIN_COMPUTED, NULL);
        /* Values are the manager's: a file's are not taken. */
        assert_value(fixture, VIEW_RESTART, "no");
}

static void test_unit_view_find_origins_watchdog_at_rest_is_the_files(void **state) {
        ViewFixture *fixture = *state;
        ViewValue *watchdog = &fixture->view.values[VIEW_WATCHDOG_USEC];

        write_text("a.service", "[Service]\nWatchdogSec=30\nWatchdogSec=soon\n");
        set_fragment(fixture, "a.service");
        fixture->view.has_files = true;
        watchdog->number = USEC_INFINITY; /* as the manager tells it until the unit runs */
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_int_equal(watchdog->number, 30 * USEC_PER_SEC);

        watchdog->number = 7 * USEC_PER_SEC; /* of a unit that runs, it is what counts */
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_int_equal(watchdog->number, 7 * USEC_PER_SEC);
}

static void test_unit_view_find_origins_watchdog_at_rest_elsewhere_is_not_known(void **state) {
        ViewFixture *fixture = *state;
        ViewValue *watchdog = &fixture->view.values[VIEW_WATCHDOG_USEC];

        fixture->view.has_files = false;
        watchdog->number = USEC_INFINITY;
        fixture->view.active_state = strdup("active");
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_true(watchdog->is_known);

        strcpy(fixture->view.active_state, "failed");
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_false(watchdog->is_known);
}

static void test_unit_view_find_origins_other_machine_is_unknown(void **state) {
        ViewFixture *fixture = *state;

        write_text("a.service", "[Service]\nRestart=always\n");
        set_fragment(fixture, "a.service");
        fixture->view.has_files = false;
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_origin(fixture, VIEW_RESTART, VIEW_ORIGIN_UNKNOWN, NULL);
        assert_origin(fixture, VIEW_RESTART_USEC, VIEW_ORIGIN_UNKNOWN, NULL);
        assert_int_equal(fixture->view.files_changed_usec, 0);
}

static void test_unit_view_find_origins_unreadable_file_is_unknown(void **state) {
        ViewFixture *fixture = *state;

        write_text("a.service", "[Service]\nRestart=always\n");
        set_fragment(fixture, "a.service");
        assert_int_equal(strv_extend(&fixture->view.drop_ins, "gone.conf"), 0);
        fixture->view.has_files = true;
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_false(fixture->view.has_files);
        assert_origin(fixture, VIEW_RESTART, VIEW_ORIGIN_UNKNOWN, NULL);
}

static void test_unit_view_find_origins_without_files_is_default(void **state) {
        ViewFixture *fixture = *state;

        fixture->view.has_files = true;
        assert_int_equal(unit_view_find_origins(&fixture->view), 0);
        assert_origin(fixture, VIEW_RESTART, VIEW_ORIGIN_DEFAULT, NULL);
}

/* ---- A unit by its file ------------------------------------------------------------------------ */

static const struct {
        const char *path;
        int error;
} path_rows[] = {
        { "a.socket", -EINVAL },
        { "a.service.conf", -EINVAL },
        { ".service", -EINVAL },
        { "service", -EINVAL },
        { "a b.service", -EINVAL },
        { "", -EINVAL },
        { "folder.service/", -EINVAL },
        { "folder.service", -EISDIR },
        { "gone.service", -ENOENT },
        { "a.service/b.service", -ENOTDIR },
        { "fifo.service", -EBADFD },
};

static void test_unit_view_from_file_bad_path_is_refused(void **state) {
        ViewFixture *fixture = *state;

        write_text("a.service", "[Service]\n");
        write_text("a.socket", "[Socket]\n");
        assert_int_equal(mkdir("folder.service", 0755), 0);
        assert_int_equal(mkfifo("fifo.service", 0600), 0);
        unit_view_done(&fixture->view);
        for (size_t i = 0; i < ELEMENTSOF(path_rows); i++)
                assert_int_equal(unit_view_from_file(path_rows[i].path, UNIT_MANAGER_SYSTEM,
                                         &fixture->view, &fixture->why),
                        path_rows[i].error);
}

static void test_unit_view_from_file_takes_drop_ins_beside(void **state) {
        ViewFixture *fixture = *state;

        assert_int_equal(mkdir("units", 0755), 0);
        assert_int_equal(mkdir("units/a.service.d", 0755), 0);
        write_text("units/a.service", "[Service]\nExecStart=/bin/a\nTimeoutStopSec=5\n");
        write_text("units/a.service.d/1.conf", "[Service]\nTimeoutStopSec=6\n");
        unit_view_done(&fixture->view);

        assert_int_equal(unit_view_from_file("units/a.service", UNIT_MANAGER_SYSTEM, &fixture->view,
                                 &fixture->why),
                0);
        assert_string_equal(fixture->view.name, "a.service");
        assert_string_equal(fixture->view.fragment, "units/a.service");
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_true(fixture->view.is_offline);
        assert_value(fixture, VIEW_TIMEOUT_STOP_USEC, "6s");
        assert_origin(
                fixture, VIEW_TIMEOUT_STOP_USEC, VIEW_ORIGIN_DROP_IN, "units/a.service.d/1.conf");
}

static void test_unit_view_from_file_in_working_directory_takes_drop_ins(void **state) {
        ViewFixture *fixture = *state;

        assert_int_equal(mkdir("a@.service.d", 0755), 0);
        write_text("a@.service", "[Service]\nExecStart=/bin/a\n");
        write_text("a@.service.d/1.conf", "[Service]\nKillMode=mixed\n");
        unit_view_done(&fixture->view);

        assert_int_equal(unit_view_from_file(
                                 "a@.service", UNIT_MANAGER_SYSTEM, &fixture->view, &fixture->why),
                0);
        assert_string_equal(fixture->view.name, "a@.service");
        assert_value(fixture, VIEW_KILL_MODE, "mixed");
        assert_origin(fixture, VIEW_KILL_MODE, VIEW_ORIGIN_DROP_IN, "a@.service.d/1.conf");
}

static void test_unit_view_from_file_link_to_null_is_masked(void **state) {
        ViewFixture *fixture = *state;

        assert_int_equal(symlink("/dev/null", "a.service"), 0);
        unit_view_done(&fixture->view);
        assert_int_equal(unit_view_from_file(
                                 "a.service", UNIT_MANAGER_SYSTEM, &fixture->view, &fixture->why),
                0);
        assert_string_equal(fixture->view.load_state, "masked");
        assert_null(fixture->why);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                view_test(test_unit_view_apply_text_gives_values),
                view_test(test_unit_view_apply_text_says_where_from),
                view_test(test_unit_view_apply_text_malformed_counts_up_to_there),
                view_test(test_unit_view_apply_text_untaken_value_is_told),
                view_test(test_unit_view_read_files_gives_load_state),
                view_test(test_unit_view_read_files_last_drop_in_wins),
                view_test(test_unit_view_read_files_newest_change_counts),
                view_test(test_unit_view_read_files_unreadable_is_told),
                view_test(test_unit_view_read_files_malformed_drop_in_is_ignored),
                view_test(test_unit_view_find_origins_names_last_file),
                view_test(test_unit_view_find_origins_watchdog_at_rest_is_the_files),
                view_test(test_unit_view_find_origins_watchdog_at_rest_elsewhere_is_not_known),
                view_test(test_unit_view_find_origins_other_machine_is_unknown),
                view_test(test_unit_view_find_origins_unreadable_file_is_unknown),
                view_test(test_unit_view_find_origins_without_files_is_default),
                view_test(test_unit_view_from_file_bad_path_is_refused),
                view_test(test_unit_view_from_file_takes_drop_ins_beside),
                view_test(test_unit_view_from_file_in_working_directory_takes_drop_ins),
                view_test(test_unit_view_from_file_link_to_null_is_masked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
