/* SPDX-License-Identifier: MIT */

/* What systemd's own parser says: its dump laid over a view, the process that is asked (a script in its
 * place), and the machine's own parser where there is one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "units/unit-parser.h"
#include "units/unit-view-dump.h"
#include "units/unit-view-files.h"

#define ENOUGH_USEC (60 * USEC_PER_SEC)

typedef struct DumpFixture {
        void *files;
        UnitView view;
        UnitParserAnswer answer;
        char *text; /* the value that was formatted last */
        char *why;
} DumpFixture;

static int dump_setup(void **state) {
        DumpFixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture || file_setup(&fixture->files) < 0)
                return -1;
        *state = fixture;
        /* The parser may be nobody, who must get to its script. */
        if (chmod(".", 0755) < 0)
                return -1;
        return unit_view_init(&fixture->view, "a.service", UNIT_MANAGER_SYSTEM);
}

static int dump_teardown(void **state) {
        DumpFixture *fixture = *state;

        int r = file_teardown(&fixture->files);
        unit_view_done(&fixture->view);
        unit_parser_answer_done(&fixture->answer);
        free(fixture->text);
        free(fixture->why);
        free(fixture);
        return r;
}

#define dump_test(function) cmocka_unit_test_setup_teardown(function, dump_setup, dump_teardown)

static void reset_view(DumpFixture *fixture, const char *name) {
        unit_view_done(&fixture->view);
        assert_int_equal(unit_view_init(&fixture->view, name, UNIT_MANAGER_SYSTEM), 0);
}

static void assert_value(DumpFixture *fixture, ViewKey key, const char *expected) {
        free(fixture->text);
        fixture->text = unit_view_format(&fixture->view, key);
        assert_non_null(fixture->text);
        assert_string_equal(fixture->text, expected);
}

static void write_text(const char *path, const char *text) {
        write_file(path, text, strlen(text));
}

/* ---- The dump -------------------------------------------------------------------------------- */

#define PART "\t-> Unit a.service:\n\t\tUnit Load State: loaded\n"

static const struct {
        const char *text; /* what the file says */
        const char *dump;
        ViewKey key;
        const char *value;
} dump_rows[] = {
        { "KillMode=mixed", PART, VIEW_KILL_MODE, "mixed" },
        { "", PART "\t\tKillMode: mixed\n", VIEW_KILL_MODE, "mixed" },
        { "", PART "\t\tKillMode: mixed", VIEW_KILL_MODE, "mixed" },
        { "", PART "\t\tKillMode: fumble\n", VIEW_KILL_MODE, "control-group" },
        { "KillSignal=INT", PART "\t\tKillSignal: SIGRTMIN+3\n", VIEW_KILL_SIGNAL, "SIGRTMIN+3" },
        { "", PART "\t\tDelegate: yes\n", VIEW_DELEGATE, "yes" },
        { "User=%u", PART "\t\tUser: root\n", VIEW_USER, "root" },
        { "LimitRTPRIO=infinity", PART "\t\tLimitRTPRIOSoft: 18446744073709551615\n",
                VIEW_LIMIT_RTPRIO, "infinity" },
        /* Other parts, deeper lines. */
        { "", "\t-> Unit b.service:\n\t\tKillMode: mixed\n" PART, VIEW_KILL_MODE, "control-group" },
        { "", PART "\t-> Unit b.service:\n\t\tKillMode: mixed\n", VIEW_KILL_MODE, "control-group" },
        { "", PART "-> By jobs:\n\t\tKillMode: mixed\n", VIEW_KILL_MODE, "control-group" },
        { "", PART "\t\t-> Job 1:\n\t\t\tKillMode: mixed\n", VIEW_KILL_MODE, "control-group" },
        { "", PART "\tKillMode: mixed\n", VIEW_KILL_MODE, "control-group" },
        { "", PART "\t\tKillMode\n\t\t\n\t\n\n\t\tKillMode: process\n", VIEW_KILL_MODE, "process" },
        { "ExecStart=-/bin/a", PART "\t\t-> ExecStart:\n\t\t\tCommand Line: /bin/b\n",
                VIEW_EXEC_START, "/bin/a" },
        /* Spans are rounded to seconds. */
        { "TimeoutStopSec=1500ms", PART "\t\tTimeoutStopSec: 1s\n", VIEW_TIMEOUT_STOP_USEC,
                "1.500000s" },
        { "TimeoutStopSec=1500ms", PART "\t\tTimeoutStopSec: 2s\n", VIEW_TIMEOUT_STOP_USEC, "2s" },
        { "TimeoutStopSec=2500ms", PART "\t\tTimeoutStopSec: 1s\n", VIEW_TIMEOUT_STOP_USEC, "1s" },
        { "TimeoutStopSec=infinity", PART "\t\tTimeoutStopSec: infinity\n", VIEW_TIMEOUT_STOP_USEC,
                "infinity" },
        { "TimeoutStopSec=infinity", PART "\t\tTimeoutStopSec: 1h\n", VIEW_TIMEOUT_STOP_USEC,
                "1h" },
        /* The test run's defaults are not the manager's. */
        { "", PART "\t\tTimeoutStopSec: 5s\n", VIEW_TIMEOUT_STOP_USEC, "1min 30s" },
        { "", PART "\t\tLimitRTPRIOSoft: 5\n", VIEW_LIMIT_RTPRIO, "0" },
        { "", PART "\t\tRuntimeMaxSec: 5s\n", VIEW_RUNTIME_MAX_USEC, "5s" },
};

static void test_unit_view_apply_dump_gives_values(void **state) {
        DumpFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(dump_rows); i++) {
                char text[256];

                (void) snprintf(text, sizeof(text), "[Service]\n%s\n", dump_rows[i].text);
                reset_view(fixture, "a.service");
                assert_int_equal(
                        unit_view_apply_text(&fixture->view, text, /* is_drop_in= */ false, "x"),
                        0);
                assert_int_equal(unit_view_apply_dump(&fixture->view, dump_rows[i].dump), 1);
                assert_value(fixture, dump_rows[i].key, dump_rows[i].value);
        }
}

static const struct {
        const char *name, *dump;
        int result;
        const char *load_state;
} part_rows[] = {
        { "a.service", "", 0, "loaded" },
        { "a.service", "\n\n", 0, "loaded" },
        { "a.service", "\t-> Unit b.service:\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a.service", "\t-> Unit a.service\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a.service", "\t-> Unit aa.service:\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a.service", "\t\t-> Unit a.service:\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a.service", "\t-> Unit a.service:\n\t\tUnit Load State: error\n", 1, "error" },
        { "a.service", "\t-> Unit a.service:\n\t\tUnit Load State: bad-setting\n", 1,
                "bad-setting" },
        { "a.service", "\t-> Unit a.service:", 1, "loaded" },
        { "a.service", "\t-> Unit ", 0, "loaded" },
        { "a@.service", "\t-> Unit a@x.service:\n\t\tUnit Load State: error\n", 1, "error" },
        { "a@.service", "\t-> Unit a@.service:\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a@.service", "\t-> Unit a@x.socket:\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a@.service", "\t-> Unit b@x.service:\n\t\tUnit Load State: error\n", 0, "loaded" },
        { "a@y.service", "\t-> Unit a@x.service:\n\t\tUnit Load State: error\n", 0, "loaded" },
};

static void test_unit_view_apply_dump_finds_its_part(void **state) {
        DumpFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(part_rows); i++) {
                reset_view(fixture, part_rows[i].name);
                assert_int_equal(unit_view_apply_dump(&fixture->view, part_rows[i].dump),
                        part_rows[i].result);
                assert_string_equal(fixture->view.load_state, part_rows[i].load_state);
        }
}

static void test_unit_view_apply_dump_keeps_origins(void **state) {
        DumpFixture *fixture = *state;
        const ViewValue *value = &fixture->view.values[VIEW_KILL_MODE];

        assert_int_equal(unit_view_apply_text(&fixture->view, "[Service]\nKillMode=process\n",
                                 /* is_drop_in= */ true, "x.conf"),
                0);
        assert_int_equal(unit_view_apply_dump(
                                 &fixture->view, PART "\t\tKillMode: mixed\n\t\tRestart: always\n"),
                1);
        assert_int_equal(value->origin, VIEW_ORIGIN_DROP_IN);
        assert_string_equal(value->source, "x.conf");
        assert_int_equal(fixture->view.values[VIEW_RESTART].origin, VIEW_ORIGIN_DEFAULT);
        assert_null(fixture->view.values[VIEW_RESTART].source);
}

static const struct {
        const char *dump;
        bool is_known;
        uint64_t set;
} capability_rows[] = {
        { PART, true, UINT64_MAX },
        { PART "\t\tCapabilityBoundingSet: \n", true, 0 },
        { PART "\t\tCapabilityBoundingSet: cap_chown\n", true, 1 },
        { PART "\t\tCapabilityBoundingSet: cap_sys_nice cap_checkpoint_restore\n", true,
                UINT64_C(1) << 23 | UINT64_C(1) << 40 },
        { PART "\t\tCapabilityBoundingSet: cap_chown cap_of_tomorrow\n", false, 0 },
};

static void test_unit_view_apply_dump_knows_capabilities(void **state) {
        DumpFixture *fixture = *state;
        const ViewValue *value = &fixture->view.values[VIEW_CAPABILITY_BOUNDING_SET];

        for (size_t i = 0; i < ELEMENTSOF(capability_rows); i++) {
                value = &fixture->view.values[VIEW_CAPABILITY_BOUNDING_SET];
                reset_view(fixture, "a.service");
                assert_int_equal(unit_view_apply_text(&fixture->view,
                                         "[Service]\nCapabilityBoundingSet=~CAP_KILL\n",
                                         /* is_drop_in= */ false, "x"),
                        0);
                assert_false(value->is_known);
                assert_int_equal(unit_view_apply_dump(&fixture->view, capability_rows[i].dump), 1);
                assert_int_equal(value->is_known, capability_rows[i].is_known);
                if (value->is_known)
                        assert_int_equal(value->number, capability_rows[i].set);
        }
}

/* ---- The process, with a script in systemd's place --------------------------------------------- */

static const char *write_script(DumpFixture *fixture, const char *text) {
        const Fixture *files = fixture->files;

        write_text("systemd", text);
        assert_int_equal(chmod("systemd", 0755), 0);
        free(fixture->text);
        assert_true(asprintf(&fixture->text, "%s/systemd", files->path) >= 0);
        return fixture->text;
}

static void set_files(DumpFixture *fixture, const char *text) {
        write_text("fragment", text);
        free(fixture->view.fragment);
        fixture->view.fragment = strdup("fragment");
        assert_non_null(fixture->view.fragment);
}

static void add_drop_in(DumpFixture *fixture, const char *path, const char *text) {
        write_text(path, text);
        assert_int_equal(strv_extend(&fixture->view.drop_ins, path), 0);
}

static void run_script(DumpFixture *fixture, const char *text) {
        const char *program = write_script(fixture, text);

        assert_int_equal(unit_parser_run(&fixture->view, program, ENOUGH_USEC, &fixture->answer,
                                 &fixture->why),
                1);
        assert_null(fixture->why);
}

static void test_unit_parser_gets_copies_in_order(void **state) {
        DumpFixture *fixture = *state;
        mode_t saved = umask(077);

        set_files(fixture, "the fragment\n");
        assert_int_equal(chmod("fragment", 0600), 0);
        add_drop_in(fixture, "z.conf", "first\n");
        add_drop_in(fixture, "a.conf", "second\n");
        run_script(fixture,
                "#!/bin/sh\n"
                "cd \"$SYSTEMD_UNIT_PATH\" && cat a.service a.service.d/*.conf *-check.target\n");
        (void) umask(saved);
        assert_string_equal(fixture->answer.dump,
                "the fragment\nfirst\nsecond\n"
                "[Unit]\nDefaultDependencies=no\nWants=a.service\n");
        assert_string_equal(fixture->answer.complaints, "");
}

static void test_unit_parser_loads_template_as_instance(void **state) {
        DumpFixture *fixture = *state;

        reset_view(fixture, "a@.service");
        set_files(fixture, "the fragment\n");
        add_drop_in(fixture, "z.conf", "first\n");
        run_script(fixture,
                "#!/bin/sh\n"
                "cd \"$SYSTEMD_UNIT_PATH\" && cat a@.service a@.service.d/* &&\n"
                "grep Wants *-check.target\n");
        assert_string_equal(
                fixture->answer.dump, "the fragment\nfirst\nWants=a@instance.service\n");
}

static void test_unit_parser_runs_apart(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "");
        assert_int_equal(setenv("NOTIFY_SOCKET", "/x", 1), 0);
        run_script(fixture,
                "#!/bin/sh\n"
                "echo \"$*\"\n"
                "echo \"notify: $NOTIFY_SOCKET\"\n"
                "ls -A $SYSTEMD_GENERATOR_PATH $XDG_CONFIG_HOME | grep -v :\n"
                "test -w $TMPDIR && echo scratch\n"
                "read line || echo end\n"
                "grep SigBlk /proc/self/status\n");
        (void) unsetenv("NOTIFY_SOCKET");
        assert_string_equal(fixture->answer.dump,
                "--test --system --unit=gatewatch-check.target --log-level=warning "
                "--log-target=console\n"
                "notify: \n\nscratch\nend\nSigBlk:\t0000000000000000\n");
}

static void test_unit_parser_of_root_is_nobody(void **state) {
        DumpFixture *fixture = *state;

        if (geteuid() != 0)
                skip();
        set_files(fixture, "");
        run_script(fixture,
                "#!/bin/sh\n"
                "id -u; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status\n"
                "cd $SYSTEMD_UNIT_PATH && ! test -w . && stat -c '%u %g %a' .. a.service\n");
        assert_string_equal(fixture->answer.dump,
                "65534\n65534\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n"
                "0 65534 2750\n0 65534 640\n");
}

static void test_unit_parser_inherits_no_descriptors(void **state) {
        DumpFixture *fixture = *state;
        int leak_fd = open("fragment", O_RDWR | O_CREAT, 0600);

        assert_true(leak_fd > STDERR_FILENO);
        set_files(fixture, "");
        write_script(fixture, "#!/bin/sh\nls -l /proc/$$/fd\n");
        int r = unit_parser_run(
                &fixture->view, fixture->text, ENOUGH_USEC, &fixture->answer, &fixture->why);
        (void) close(leak_fd);
        assert_int_equal(r, 1);
        assert_non_null(strstr(fixture->answer.dump, "/dev/null"));
        assert_null(strstr(fixture->answer.dump, "fragment"));
}

static void test_unit_parser_leaves_nothing_behind(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "");
        add_drop_in(fixture, "z.conf", "first\n");
        run_script(fixture,
                "#!/bin/sh\n"
                "mkdir -p $TMPDIR/a/b && echo x >$TMPDIR/a/b/c && ln -s /etc $TMPDIR/link\n"
                "printf %s \"${SYSTEMD_UNIT_PATH%/*}\"\n");
        assert_int_equal(fixture->answer.dump[0], '/');
        assert_int_equal(access(fixture->answer.dump, F_OK), -1);
        assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void test_unit_parser_complaints_name_real_files(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "");
        add_drop_in(fixture, "z.conf", "");
        add_drop_in(fixture, "a.conf", "");
        run_script(fixture,
                "#!/bin/sh\n"
                "echo \"$SYSTEMD_UNIT_PATH/a.service:3: one\n"
                "$SYSTEMD_UNIT_PATH/a.service.d/0001.conf:4: two\n"
                "$SYSTEMD_UNIT_PATH/a.service.d/0000.conf:5: three\" >&2\n");
        assert_string_equal(
                fixture->answer.complaints, "fragment:3: one\na.conf:4: two\nz.conf:5: three\n");
}

static void test_unit_parser_user_runtime_directory_is_the_users(void **state) {
        DumpFixture *fixture = *state;

        fixture->view.manager = UNIT_MANAGER_USER;
        set_files(fixture, "");
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/4711", 1), 0);
        run_script(fixture, "#!/bin/sh\necho $2 $XDG_RUNTIME_DIR/a.pid\n");
        (void) unsetenv("XDG_RUNTIME_DIR");
        assert_string_equal(fixture->answer.dump, "--user /run/user/4711/a.pid\n");
}

static const struct {
        const char *script;
        usec_t timeout_usec;
        const char *why; /* a part of it */
} trouble_rows[] = {
        { "#!/bin/sh\nexec sleep 1000\n", 10 * USEC_PER_MSEC, "did not end in time" },
        { "#!/bin/sh\nexec >&- sleep 1000\n", 10 * USEC_PER_MSEC, "did not end in time" },
        { "#!/bin/sh\nexec yes\n", ENOUGH_USEC, "File too large" },
        { "#!/bin/sh\nexec yes >&2\n", ENOUGH_USEC, "File too large" },
};

static void test_unit_parser_trouble_is_told(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "");
        for (size_t i = 0; i < ELEMENTSOF(trouble_rows); i++) {
                const char *program = write_script(fixture, trouble_rows[i].script);
                assert_int_equal(
                        unit_parser_run(&fixture->view, program, trouble_rows[i].timeout_usec,
                                &fixture->answer, &fixture->why),
                        0);
                assert_non_null(strstr(fixture->why, trouble_rows[i].why));
                free(fixture->why);
                fixture->why = NULL;
        }
}

static void test_unit_parser_without_program_complains(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "");
        assert_int_equal(unit_parser_run(&fixture->view, "/nonexistent/systemd", ENOUGH_USEC,
                                 &fixture->answer, &fixture->why),
                1);
        assert_string_equal(fixture->answer.dump, "");
        assert_string_equal(
                fixture->answer.complaints, "/nonexistent/systemd: No such file or directory\n");
}

static void test_unit_parser_unreadable_file_is_told(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "");
        assert_int_equal(strv_extend(&fixture->view.drop_ins, "gone.conf"), 0);
        assert_int_equal(unit_parser_run(&fixture->view, "/bin/true", ENOUGH_USEC, &fixture->answer,
                                 &fixture->why),
                0);
        assert_non_null(strstr(fixture->why, "gone.conf: No such file or directory"));
}

/* ---- systemd itself ----------------------------------------------------------------------------- */

/* Asks the machine's own parser, if it has one that runs here. */
static void ask_systemd(DumpFixture *fixture) {
        assert_int_equal(unit_view_read_files(&fixture->view), 0);
        int r = unit_view_ask_parser(&fixture->view, ENOUGH_USEC, &fixture->why);
        assert_true(r >= 0);
        if (r == 0) {
                print_message("%s\n", fixture->why);
                skip();
        }
}

static void test_unit_view_ask_parser_agrees_with_files(void **state) {
        static const ViewKey keys[] = { VIEW_KILL_MODE, VIEW_TIMEOUT_STOP_USEC, VIEW_OOM_POLICY,
                VIEW_EXEC_START, VIEW_RESTART_KILL_SIGNAL, VIEW_NOTIFY_ACCESS, VIEW_DELEGATE };
        static const char *const values[] = { "mixed", "1min 30.500000s", "continue",
                "/bin/sleep $FOO", "SIGINT", "main", "yes" };
        DumpFixture *fixture = *state;

        set_files(fixture,
                "[Service]\nType=notify\nExecStart=-/bin/sleep $FOO\nKillSignal=SIGINT\n"
                "TimeoutStopSec=10\nCapabilityBoundingSet=CAP_SYS_NICE\n");
        add_drop_in(fixture, "z.conf",
                "[Service]\nKillMode=mixed\nTimeoutStopSec=90.5\nDelegate=yes\n");
        ask_systemd(fixture);
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_null(fixture->view.load_error);
        assert_null(fixture->view.ignored);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                assert_value(fixture, keys[i], values[i]);
        assert_int_equal(unit_view_number(&fixture->view, VIEW_CAPABILITY_BOUNDING_SET), 1 << 23);
}

static void test_unit_view_ask_parser_tells_what_is_ignored(void **state) {
        DumpFixture *fixture = *state;

        set_files(fixture, "[Service]\nExecStart=/bin/true\nKillMode=none\nBogus=1\n");
        add_drop_in(fixture, "z.conf", "[Service]\nTimeoutStopSec=fumble\n");
        ask_systemd(fixture);
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_int_equal(strv_length(fixture->view.ignored), 2);
        assert_memory_equal(fixture->view.ignored[0], "fragment:4: ", strlen("fragment:4: "));
        assert_non_null(strstr(fixture->view.ignored[0], "Bogus"));
        assert_memory_equal(fixture->view.ignored[1], "z.conf:2: ", strlen("z.conf:2: "));
}

static const struct {
        const char *text, *load_state, *load_error; /* a part of it */
} refusal_rows[] = {
        { "[Service]\nType=simple\n", "bad-setting", "Service has no ExecStart=" },
        { "[Service]\nExecStart=foo/bar\n", "bad-setting", "fragment:2: " },
        { "[Service]\nExecStart=/bin/true\nType=dbus\n", "bad-setting",
                "Service is of type D-Bus" },
        { "[Service]\nExecStart=/bin/true\n[Serv\n", "error", "fragment:3: " },
        { "[Service]\nExecStart=/bin/true\nPIDFile=/run/../a\n", "error", "fragment:3: " },
};

static void test_unit_view_ask_parser_tells_why_it_refuses(void **state) {
        DumpFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(refusal_rows); i++) {
                reset_view(fixture, "a.service");
                set_files(fixture, refusal_rows[i].text);
                ask_systemd(fixture);
                assert_string_equal(fixture->view.load_state, refusal_rows[i].load_state);
                assert_non_null(fixture->view.load_error);
                assert_non_null(strstr(fixture->view.load_error, refusal_rows[i].load_error));
        }
}

static void test_unit_view_ask_parser_takes_any_name(void **state) {
        static const char *const names[] = { "a-b-c.service", "a@.service", "a@b.service",
                "a\\x2db.service", "a:b_c.service", "a@b@c.service" };
        DumpFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                reset_view(fixture, names[i]);
                set_files(fixture, "[Service]\nExecStart=/bin/true\n");
                add_drop_in(fixture, "z.conf", "[Service]\nUser=%u\n");
                ask_systemd(fixture);
                assert_string_equal(fixture->view.load_state, "loaded");
                /* Read there, not by us. */
                assert_string_not_equal(unit_view_text(&fixture->view, VIEW_USER), "%u");
        }
}

static void test_unit_view_ask_parser_reads_user_units(void **state) {
        DumpFixture *fixture = *state;

        fixture->view.manager = UNIT_MANAGER_USER;
        set_files(fixture, "[Service]\nExecStart=/bin/true\nKillMode=mixed\nBogus=1\n");
        ask_systemd(fixture);
        assert_string_equal(fixture->view.load_state, "loaded");
        assert_value(fixture, VIEW_KILL_MODE, "mixed");
        assert_int_equal(strv_length(fixture->view.ignored), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                dump_test(test_unit_view_apply_dump_gives_values),
                dump_test(test_unit_view_apply_dump_finds_its_part),
                dump_test(test_unit_view_apply_dump_keeps_origins),
                dump_test(test_unit_view_apply_dump_knows_capabilities),
                dump_test(test_unit_parser_gets_copies_in_order),
                dump_test(test_unit_parser_loads_template_as_instance),
                dump_test(test_unit_parser_runs_apart),
                dump_test(test_unit_parser_of_root_is_nobody),
                dump_test(test_unit_parser_inherits_no_descriptors),
                dump_test(test_unit_parser_leaves_nothing_behind),
                dump_test(test_unit_parser_complaints_name_real_files),
                dump_test(test_unit_parser_user_runtime_directory_is_the_users),
                dump_test(test_unit_parser_trouble_is_told),
                dump_test(test_unit_parser_without_program_complains),
                dump_test(test_unit_parser_unreadable_file_is_told),
                dump_test(test_unit_view_ask_parser_agrees_with_files),
                dump_test(test_unit_view_ask_parser_tells_what_is_ignored),
                dump_test(test_unit_view_ask_parser_tells_why_it_refuses),
                dump_test(test_unit_view_ask_parser_takes_any_name),
                dump_test(test_unit_view_ask_parser_reads_user_units),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
