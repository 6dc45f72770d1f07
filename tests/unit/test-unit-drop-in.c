/* SPDX-License-Identifier: MIT */

/* Drop-ins: how the command moves behind gatewatch, what is taken away and what is left alone, what is
 * refused, and that the rules find nothing in the unit that comes of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/remedy.h"
#include "unit-text-fixture.h"

#define CHANGES_MAX 6
#define OWN_FILE    "/etc/systemd/system/gate.service.d/own.conf"
#define PAST_FILE   "/etc/systemd/system/gate.service.d/50-gatewatch.conf"
#define EARLY_FILE  "/etc/systemd/system/gate.service.d/10-early.conf"
#define FRAGMENT    "/usr/lib/systemd/system/gate.service"

typedef struct Change {
        ViewKey key;
        const char *value; /* NULL ends the list */
        const char *file;  /* of a drop-in; NULL: the fragment sets it */
} Change;

/* The unit that a drop-in is for: this line, and these changes. */
static void load_view(TextFixture *fixture, const char *exec_start, const Change changes[]) {
        UnitView *view = &fixture->view;

        unit_view_done(view);
        assert_int_equal(unit_view_init(view, "gate.service", UNIT_MANAGER_SYSTEM), 0);
        if (exec_start)
                assert_int_equal(unit_view_assign(view, VIEW_EXEC_START, exec_start,
                                         VIEW_ORIGIN_FRAGMENT, FRAGMENT),
                        0);
        for (size_t i = 0; changes && i < CHANGES_MAX && changes[i].value; i++)
                assert_int_equal(
                        unit_view_assign(view, changes[i].key, changes[i].value,
                                changes[i].file ? VIEW_ORIGIN_DROP_IN : VIEW_ORIGIN_FRAGMENT,
                                changes[i].file ?: FRAGMENT),
                        0);
        assert_int_equal(unit_view_settle(view), 0);
}

static int write_drop_in(TextFixture *fixture, const char *exec_start) {
        free(fixture->text);
        free(fixture->why);
        fixture->text = fixture->why = NULL;
        return unit_text_write_drop_in(
                &fixture->request, &fixture->view, exec_start, &fixture->text, &fixture->why);
}

static void assert_line(const TextFixture *fixture, const char *line) {
        if (!text_has_line(fixture->text, line))
                fail_msg("no line '%s' in\n%s", line, fixture->text);
}

/* Of a comment, which is broken into lines, the beginning is enough. */
static bool has_line(const char *text, const char *line) {
        return *line == '#' ? strstr(text, line) != NULL : text_has_line(text, line);
}

static void assert_no_setting(const TextFixture *fixture, const char *setting) {
        char begin[64];

        (void) snprintf(begin, sizeof(begin), "\n%s=", setting);
        if (strstr(fixture->text, begin))
                fail_msg("%s= is in\n%s", setting, fixture->text);
}

/* ---- The command -------------------------------------------------------------------------------- */

static const struct {
        const char *exec_start;
        const char *words[4];
        const char *line; /* behind ExecStart= */
} lines[] = {
        { "/usr/bin/gate -a", { NULL }, "/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate -a" },
        { "gate", { NULL }, "/usr/bin/gatewatch run --ready=exec -- gate" },
        /* Specifiers, variables, quotes and escapes are whoever wrote the unit's. */
        { "/usr/bin/gate  %i \"a b\" $X ${Y} 'it''s' \\x20 \\;", { NULL },
                "/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate %i \"a b\" $X ${Y} 'it''s' \\x20 "
                "\\;" },
        { "/opt/%p/gate", { NULL }, "/usr/bin/gatewatch run --ready=exec -- /opt/%p/gate" },
        /* Of a program's path "$" is a part; of a later word it would be a variable. */
        { "/opt/g$ate x", { NULL }, "/usr/bin/gatewatch run --ready=exec -- /opt/g$$ate x" },
        { ":/opt/g$ate $x", { NULL }, ":/usr/bin/gatewatch run --ready=exec -- /opt/g$ate $x" },
        { "@/bin/sh \"-s h\" -c x", { NULL },
                "/usr/bin/gatewatch run --ready=exec --argv0 \"-s h\" -- /bin/sh -c x" },
        { "@/bin/sh sh", { "--argv0=mine", NULL },
                "/usr/bin/gatewatch run --argv0=mine --ready=exec -- /bin/sh" },
        { "-+/usr/bin/gate", { NULL }, "-+/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate" },
        { "!!/usr/bin/gate", { NULL }, "!!/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate" },
        { "-@/usr/bin/gate g x", { NULL },
                "-/usr/bin/gatewatch run --ready=exec --argv0 g -- /usr/bin/gate x" },
        /* Options are a shell's: as they stand, unless nothing is expanded anyway. */
        { "/usr/bin/gate", { "--name=$a%b", "--ready=notify", NULL },
                "/usr/bin/gatewatch run --name=$$a%%b --ready=notify -- /usr/bin/gate" },
        { ":/usr/bin/gate", { "--name=$a%b", NULL },
                ":/usr/bin/gatewatch run --name=$a%%b --ready=exec -- /usr/bin/gate" },
        /* A command of the caller's own keeps the prefixes that say as whom it runs. */
        { "+@/usr/sbin/daemon d -b $X", { "--", "/usr/sbin/daemon", "$X" },
                "+/usr/bin/gatewatch run --ready=exec -- /usr/sbin/daemon $$X" },
        { ":-/usr/sbin/daemon", { "--", "/usr/sbin/daemon", "$X" },
                "-/usr/bin/gatewatch run --ready=exec -- /usr/sbin/daemon $$X" },
        { "|daemon", { "--", "/usr/sbin/daemon" },
                "/usr/bin/gatewatch run --ready=exec -- /usr/sbin/daemon" },
};

static void test_drop_in_command_moves_behind_gatewatch(void **state) {
        TextFixture *fixture = *state;
        char line[256];

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                load_view(fixture, lines[i].exec_start, NULL);
                text_fixture_request(fixture, UNIT_MANAGER_SYSTEM, lines[i].words);
                assert_int_equal(write_drop_in(fixture, lines[i].exec_start), 0);
                (void) snprintf(line, sizeof(line), "ExecStart=\nExecStart=%s", lines[i].line);
                assert_line(fixture, line);
        }
}

/* Where the files cannot be read: what the manager has, specifiers expanded. */
static const struct {
        const char *exec_start, *line;
} loaded[] = {
        { "/usr/bin/gate 50%% $X \"a b\" \"\"",
                "/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate 50%% $X \"a b\" \"\"" },
        { "@/bin/sh -sh", "/usr/bin/gatewatch run --ready=exec --argv0 -sh -- /bin/sh" },
        { ":/opt/g$a%%", ":/usr/bin/gatewatch run --ready=exec -- /opt/g$a%%" },
        { "/opt/g$a %n", "/usr/bin/gatewatch run --ready=exec -- /opt/g$$a gate.service" },
};

static void test_drop_in_without_files_takes_the_loaded_command(void **state) {
        TextFixture *fixture = *state;
        char line[256];

        for (size_t i = 0; i < ELEMENTSOF(loaded); i++) {
                load_view(fixture, loaded[i].exec_start, NULL);
                text_fixture_request(fixture, UNIT_MANAGER_SYSTEM, NO_WORDS);
                assert_int_equal(write_drop_in(fixture, NULL), 0);
                (void) snprintf(line, sizeof(line), "ExecStart=%s", loaded[i].line);
                assert_line(fixture, line);
        }
}

/* ---- The settings ------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        Change changes[CHANGES_MAX];
        const char *words[4];
        const char *has[4];     /* lines */
        const char *without[4]; /* settings */
} settings[] = {
        { "plain", {}, { NULL },
                { "Type=notify", "NotifyAccess=main", "StateDirectory=gatewatch/%N",
                        "TimeoutStopSec=1min 30s" },
                { "ExecStop", "PIDFile", "KillSignal", "RestartKillSignal" } },
        { "what stopping needs", {}, { "--drain-timeout=5min", NULL },
                { "KillMode=mixed", "TimeoutStopSec=5min 30s", "Restart=always",
                        "RestartPreventExitStatus=64 78" },
                { "OOMPolicy", "SendSIGKILL", "TimeoutAbortSec", "ProtectProc" } },
        { "notify stays", { { VIEW_TYPE, "notify", NULL } }, { NULL },
                { "ExecStart=/usr/bin/gatewatch run -- /usr/bin/gate" }, { "Type" } },
        { "dbus stays", { { VIEW_TYPE, "dbus", NULL }, { VIEW_BUS_NAME, "a.b", NULL } }, { NULL },
                { "ExecStart=/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate",
                        "NotifyAccess=main" },
                { "Type" } },
        { "longer timeout stays", { { VIEW_TIMEOUT_STOP_USEC, "10min", NULL } }, { NULL }, { NULL },
                { "TimeoutStopSec" } },
        { "endless timeout stays", { { VIEW_TIMEOUT_STOP_USEC, "infinity", NULL } }, { NULL },
                { NULL }, { "TimeoutStopSec" } },
        { "short abort", { { VIEW_TIMEOUT_ABORT_USEC, "5s", NULL } }, { NULL },
                { "TimeoutAbortSec=1min 30s" }, { NULL } },
        { "wide limits stay",
                { { VIEW_LIMIT_RTPRIO, "50", NULL }, { VIEW_DELEGATE, "memory", NULL },
                        { VIEW_STATE_DIRECTORY, "gate", NULL },
                        { VIEW_NOTIFY_ACCESS, "all", NULL } },
                { NULL }, { "ExecStopPost=-/usr/bin/gatewatch post" },
                { "LimitRTPRIO", "Delegate", "StateDirectory", "NotifyAccess" } },
        { "pid file", { { VIEW_PID_FILE, "/run/gate.pid", NULL } }, { NULL }, { "PIDFile=" },
                { NULL } },
        { "stop command",
                { { VIEW_EXEC_STOP, "/bin/kill -QUIT $MAINPID", NULL },
                        { VIEW_EXEC_STOP, "-/bin/sleep 1", NULL } },
                { NULL },
                { "# The stop is the supervisor's. Taken away: /bin/kill -QUIT $MAINPID ; /bin/sleep 1",
                        "ExecStop=" },
                { NULL } },
        { "signal of its own", { { VIEW_KILL_SIGNAL, "SIGQUIT", NULL } }, { NULL },
                { "ExecStart=/usr/bin/gatewatch run --ready=exec "
                  "--stop-schedule=drain:QUIT@main,interrupt:INT@main/10s,terminate:TERM@others/5s,"
                  "kill:KILL@all/5s -- /usr/bin/gate",
                        "KillSignal=SIGTERM", "RestartKillSignal=SIGTERM" },
                { NULL } },
        { "signal, and a schedule", { { VIEW_KILL_SIGNAL, "SIGRTMIN+3", NULL } },
                { "--stop-schedule=INT/60/KILL/5", NULL },
                { "ExecStart=/usr/bin/gatewatch run --stop-schedule=INT/60/KILL/5 --ready=exec -- "
                  "/usr/bin/gate",
                        "KillSignal=SIGTERM" },
                { NULL } },
        { "signal that cannot be caught", { { VIEW_KILL_SIGNAL, "SIGKILL", NULL } }, { NULL },
                { "ExecStart=/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate",
                        "KillSignal=SIGTERM" },
                { NULL } },
        { "restart signal", { { VIEW_RESTART_KILL_SIGNAL, "SIGUSR2", NULL } }, { NULL },
                { "RestartKillSignal=SIGTERM" }, { "KillSignal" } },
        { "recorder is there", { { VIEW_EXEC_STOP_POST, "-/usr/bin/gatewatch post", NULL } },
                { NULL }, { NULL }, { "ExecStopPost" } },
        { "forking", { { VIEW_TYPE, "forking", NULL }, { VIEW_PID_FILE, "/run/g.pid", NULL } },
                { "--", "/usr/bin/gate", "-f" },
                { "Type=notify", "PIDFile=",
                        "ExecStart=/usr/bin/gatewatch run --ready=exec -- /usr/bin/gate -f" },
                { NULL } },
        { "hides senders",
                { { VIEW_PROTECT_PROC, "invisible", NULL }, { VIEW_USER, "gate", NULL },
                        { VIEW_PRIVATE_USERS, "yes", NULL },
                        { VIEW_PROTECT_CONTROL_GROUPS, "yes", NULL },
                        { VIEW_RESTRICT_REALTIME, "yes", NULL } },
                { NULL },
                { "ProtectProc=default", "PrivateUsers=no", "ProtectControlGroups=no",
                        "RestrictRealtime=no" },
                { NULL } },
        { "kills",
                { { VIEW_SEND_SIGKILL, "no", NULL }, { VIEW_OOM_POLICY, "kill", NULL },
                        { VIEW_EXIT_TYPE, "cgroup", NULL }, { VIEW_START_LIMIT_BURST, "0", NULL } },
                { NULL },
                { "SendSIGKILL=yes", "OOMPolicy=continue", "ExitType=main", "StartLimitBurst=5" },
                { NULL } },
        { "what it replaces",
                { { VIEW_TIMEOUT_STOP_USEC, "10min", PAST_FILE },
                        { VIEW_DELEGATE, "yes", PAST_FILE }, { VIEW_LIMIT_RTPRIO, "1", PAST_FILE },
                        { VIEW_SEND_SIGHUP, "no", PAST_FILE },
                        { VIEW_STATE_DIRECTORY, "gatewatch/%N", PAST_FILE } },
                { NULL },
                { "TimeoutStopSec=1min 30s", "Delegate=yes", "SendSIGHUP=no",
                        "StateDirectory=gatewatch/%N" },
                { NULL } },
        { "what it replaces and nobody knows",
                { { VIEW_CAPABILITY_BOUNDING_SET, "~CAP_KILL", PAST_FILE } }, { NULL }, { NULL },
                { "CapabilityBoundingSet" } },
        { "read before", { { VIEW_KILL_MODE, "control-group", EARLY_FILE } }, { NULL },
                { "# /etc/systemd/system/gate.service.d/50-gatewatch.conf, then:" }, { NULL } },
        { "read after", { { VIEW_KILL_MODE, "control-group", OWN_FILE } }, { NULL },
                { "# /etc/systemd/system/gate.service.d/zz-gatewatch.conf",
                        "# behind " OWN_FILE ", then:" },
                { NULL } },
};

static void test_drop_in_aligns_the_unit_and_the_rules_find_nothing(void **state) {
        TextFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                load_view(fixture, "/usr/bin/gate", settings[i].changes);
                text_fixture_request(fixture, UNIT_MANAGER_SYSTEM, settings[i].words);
                if (write_drop_in(fixture, "/usr/bin/gate") != 0)
                        fail_msg("%s: %s", settings[i].name, fixture->why);
                assert_int_equal(strncmp(fixture->text, REMEDY_MARK, strlen(REMEDY_MARK)), 0);
                for (size_t k = 0; k < 4; k++) {
                        if (settings[i].has[k] && !has_line(fixture->text, settings[i].has[k]))
                                fail_msg("%s: no line '%s' in\n%s", settings[i].name,
                                        settings[i].has[k], fixture->text);
                        if (settings[i].without[k])
                                assert_no_setting(fixture, settings[i].without[k]);
                }
                if (*text_fixture_lint(fixture, &fixture->view))
                        fail_msg("%s: %s\n%s", settings[i].name, fixture->found, fixture->text);
        }
}

/* What only the supervisor's settings say: none of it may be lost on the way through two quotings. */
static void test_drop_in_settings_are_those_that_were_asked_for(void **state) {
        TextFixture *fixture = *state;

        load_view(fixture, "/usr/bin/gate", NULL);
        text_fixture_request(fixture, UNIT_MANAGER_SYSTEM,
                WORDS("--drain-timeout=7min", "--headroom=1min", "--state-dir=/srv/a b%",
                        "--name=x y"));
        assert_int_equal(write_drop_in(fixture, "/usr/bin/gate"), 0);
        assert_line(fixture,
                "ExecStopPost=-/usr/bin/gatewatch post \"--state-dir=/srv/a b%%\" \"--name=x y\"");
        assert_string_equal(text_fixture_lint(fixture, &fixture->view), "");
        assert_int_equal(fixture->lint.input.run->drain_usec, 7 * USEC_PER_MINUTE);
        assert_int_equal(fixture->lint.input.run->headroom_usec, USEC_PER_MINUTE);
        assert_string_equal(fixture->lint.input.run->state_dir, "/srv/a b%");
        assert_string_equal(fixture->lint.input.run->name, "x y");
}

/* ---- What cannot be done ------------------------------------------------------------------------ */

static const struct {
        const char *exec_start;
        Change changes[CHANGES_MAX];
        const char *words[4];
        const char *says;
} refusals[] = {
        { "/usr/bin/job", { { VIEW_TYPE, "oneshot", NULL } }, { NULL }, "Type=oneshot" },
        { "/usr/bin/job", { { VIEW_TYPE, "oneshot", NULL } }, { "--", "/usr/bin/gate" },
                "Type=oneshot" },
        { "/usr/bin/gate", { { VIEW_TYPE, "forking", NULL } }, { NULL },
                "gatewatch unit --drop-in gate.service -- COMMAND" },
        { NULL, { { VIEW_TYPE, "simple", NULL } }, { NULL }, "no ExecStart=" },
        { "/usr/bin/gatewatch run -- /usr/bin/gate", {}, { NULL }, "under gatewatch already" },
        { "@/usr/bin/gatewatch gw run -- /usr/bin/gate", {}, { NULL }, "under gatewatch already" },
        { "/usr/bin/gatewatch run -- /usr/bin/gate", {}, { "--", "/usr/bin/gate" },
                "under gatewatch already" },
        { "/usr/bin/gate ; /usr/bin/other", { { VIEW_TYPE, "simple", NULL } }, { NULL },
                "several ExecStart= commands" },
        { "|/usr/bin/gate", {}, { NULL }, "by a shell" },
        { "@/usr/bin/gate $NAME x", {}, { NULL }, "--argv0=NAME" },
};

static void test_drop_in_that_cannot_be_is_refused_with_the_reason(void **state) {
        TextFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                load_view(fixture, refusals[i].exec_start, refusals[i].changes);
                text_fixture_request(fixture, UNIT_MANAGER_SYSTEM, refusals[i].words);
                for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
                        /* The manager expands nothing that would make a difference in "@… $NAME". */
                        if (is_loaded && strstr(refusals[i].says, "--argv0"))
                                continue;
                        assert_int_equal(
                                write_drop_in(fixture, is_loaded ? NULL : refusals[i].exec_start),
                                -EINVAL);
                        assert_null(fixture->text);
                        assert_non_null(fixture->why);
                        if (!strstr(fixture->why, refusals[i].says) ||
                                strncmp(fixture->why, "gate.service", 12) != 0)
                                fail_msg("row %zu: %s", i, fixture->why);
                }
        }
}

static void test_drop_in_line_that_cannot_be_read_is_refused(void **state) {
        TextFixture *fixture = *state;

        load_view(fixture, "/usr/bin/gate", NULL);
        text_fixture_request(fixture, UNIT_MANAGER_SYSTEM, NO_WORDS);
        assert_int_equal(write_drop_in(fixture, "/usr/bin/gate \"open"), -EINVAL);
        assert_non_null(strstr(fixture->why, "\"open"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                text_test(test_drop_in_command_moves_behind_gatewatch),
                text_test(test_drop_in_without_files_takes_the_loaded_command),
                text_test(test_drop_in_aligns_the_unit_and_the_rules_find_nothing),
                text_test(test_drop_in_settings_are_those_that_were_asked_for),
                text_test(test_drop_in_that_cannot_be_is_refused_with_the_reason),
                text_test(test_drop_in_line_that_cannot_be_read_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
