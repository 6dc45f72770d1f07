/* SPDX-License-Identifier: MIT */

/* Whole units: each line that a stop depends on, words that mean what they say, and that the rules find
 * nothing in what comes out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit-text-fixture.h"

static void write_unit(TextFixture *fixture) {
        free(fixture->text);
        fixture->text = NULL;
        assert_int_equal(unit_text_write(&fixture->request, &fixture->text), 0);
}

static void assert_line(const TextFixture *fixture, const char *line) {
        if (!text_has_line(fixture->text, line))
                fail_msg("no line '%s' in\n%s", line, fixture->text);
}

static const char *lint_alone(TextFixture *fixture) {
        unit_view_done(&fixture->view);
        assert_int_equal(
                unit_view_init(&fixture->view, "gate.service", fixture->request.manager), 0);
        return text_fixture_lint(fixture, &fixture->view);
}

static void test_unit_text_of_a_command_has_what_a_stop_depends_on(void **state) {
        static const char *const lines[] = {
                "[Unit]",
                "Description=Gateway gate under gatewatch",
                "Documentation=man:gatewatch(1) man:gatewatch-run(1)",
                "Wants=network-online.target",
                "After=network-online.target",
                "StartLimitIntervalSec=60s",
                "StartLimitBurst=5",
                "[Service]",
                "Type=notify",
                "NotifyAccess=main",
                "ExecStart=/usr/bin/gatewatch run --drain-timeout=3min --ready=exec -- /usr/bin/gate -x",
                "ExecStopPost=-/usr/bin/gatewatch post",
                "KillMode=mixed",
                "TimeoutStopSec=3min 30s",
                "Restart=always",
                "RestartSec=1s",
                "RestartPreventExitStatus=64 78",
                "OOMPolicy=continue",
                "Delegate=yes",
                "LimitRTPRIO=1",
                "StateDirectory=gatewatch/%N",
                "RuntimeDirectory=gatewatch/%N",
                "LogsDirectory=gatewatch/%N",
                "[Install]",
                "WantedBy=multi-user.target",
                "# /etc/systemd/system/gate.service, then:",
        };
        TextFixture *fixture = *state;

        text_fixture_request(fixture, UNIT_MANAGER_SYSTEM,
                WORDS("--drain-timeout=3min", "--", "/usr/bin/gate", "-x"));
        write_unit(fixture);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_line(fixture, lines[i]);
        for (const char *c = fixture->text; *c; c += strcspn(c, "\n") + 1)
                assert_in_range(strcspn(c, "\n"), 0, 100);
}

static void test_unit_text_for_a_users_manager_is_a_users(void **state) {
        TextFixture *fixture = *state;

        text_fixture_request(fixture, UNIT_MANAGER_USER, WORDS("--", "/usr/bin/gate"));
        write_unit(fixture);
        assert_line(fixture, "WantedBy=default.target");
        assert_line(fixture, "# ~/.config/systemd/user/gate.service, then:");
        assert_line(fixture, "#     systemctl --user daemon-reload");
        assert_null(strstr(fixture->text, "network-online"));
        assert_null(strstr(fixture->text, "User="));
        assert_non_null(strstr(fixture->text, "user@.service"));
}

static void test_unit_text_readiness_that_was_asked_for_stays(void **state) {
        TextFixture *fixture = *state;

        text_fixture_request(
                fixture, UNIT_MANAGER_SYSTEM, WORDS("--ready=notify", "--", "/usr/bin/gate"));
        write_unit(fixture);
        assert_line(fixture, "ExecStart=/usr/bin/gatewatch run --ready=notify -- /usr/bin/gate");
}

static void test_unit_text_recorder_looks_where_the_run_writes(void **state) {
        TextFixture *fixture = *state;

        text_fixture_request(fixture, UNIT_MANAGER_SYSTEM,
                WORDS("--state-dir=/var/lib/my gate/100%", "--name=ga$te", "--", "/usr/bin/gate"));
        write_unit(fixture);
        assert_line(fixture,
                "ExecStopPost=-/usr/bin/gatewatch post \"--state-dir=/var/lib/my gate/100%%\" "
                "--name=ga$$te");
        assert_string_equal(lint_alone(fixture), "");
}

static const struct {
        const char *description, *line;
} descriptions[] = {
        { "My gateway", "Description=My gateway" },
        { "50% %n", "Description=50%% %%n" },
        { "two\nlines\x1b[1m", "Description=two lines [1m" },
        { "joins \\", "Description=joins" },
        { "caf\xc3\xa9 \xff", "Description=caf\xc3\xa9 ?" },
        { "", "Description=" },
};

static void test_unit_text_description_is_one_plain_line(void **state) {
        TextFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(descriptions); i++) {
                text_fixture_request(fixture, UNIT_MANAGER_SYSTEM, WORDS("--", "/usr/bin/gate"));
                fixture->request.description = descriptions[i].description;
                write_unit(fixture);
                assert_line(fixture, descriptions[i].line);
        }
}

/* Whatever a shell gives us, the gateway gets it back from systemd's reading of the line. */
static const char *const odd_words[] = {
        "plain",
        "",
        "a b",
        "$HOME",
        "${X}",
        "$$",
        "%n",
        "100%",
        ";",
        "--",
        "it's",
        "say \"x\"",
        "back\\slash",
        "new\nline",
        "caf\xc3\xa9",
        "\xff\xfe",
        "#",
        "trailing\\",
};

static void test_unit_text_words_come_back_as_they_were(void **state) {
        TextFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(odd_words); i++) {
                const ViewValue *value = &fixture->result.values[VIEW_EXEC_START];
                _cleanup_free_ char *found = NULL;
                size_t n = 0;

                text_fixture_request(fixture, UNIT_MANAGER_SYSTEM,
                        WORDS("--", "/usr/bin/gate", odd_words[i], "end"));
                write_unit(fixture);
                assert_string_equal(lint_alone(fixture), "");
                assert_int_equal(value->n_commands, 1);
                assert_int_equal(strv_length(value->commands[0].argv), 7);
                /* What the view does not do: "$$" is "$" when the command is run. */
                found = strdup(value->commands[0].argv[5]);
                assert_non_null(found);
                for (const char *c = found; *c; c++) {
                        found[n++] = *c;
                        if (c[0] == '$' && c[1] == '$')
                                c++;
                }
                found[n] = '\0';
                assert_string_equal(found, odd_words[i]);
        }
}

static const char *const lint_rows[][6] = {
        { "--", "/usr/bin/gate" },
        { "--drain-timeout=10min", "--headroom=45s", "--", "/usr/bin/gate" },
        { "--drain-timeout=0", "--", "/usr/bin/gate" },
        { "--drain-timeout=2d", "--ready=notify", "--", "/usr/bin/gate" },
        { "--stop-schedule=TERM/5min/INT/10/KILL/5", "--", "/usr/bin/gate" },
        { "--on-short-timeout=refuse", "--name=a b", "--", "/usr/bin/gate" },
        { "--on-short-timeout=clamp", "--argv0=-x", "--", "/usr/bin/gate" },
        { "--sender-capture=realtime", "--state-dir=/srv/x", "--", "/usr/bin/gate", "run" },
        { "--", "gate" },
};

static void test_unit_text_rules_find_nothing(void **state) {
        TextFixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(lint_rows); i++)
                for (UnitManager manager = UNIT_MANAGER_SYSTEM; manager <= UNIT_MANAGER_USER;
                        manager++) {
                        text_fixture_request(fixture, manager, lint_rows[i]);
                        write_unit(fixture);
                        if (*lint_alone(fixture))
                                fail_msg("row %zu, %s: %s\n%s", i, unit_manager_to_string(manager),
                                        fixture->found, fixture->text);
                        assert_int_equal(
                                fixture->lint.input.run->drain_usec, fixture->run.drain_usec);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                text_test(test_unit_text_of_a_command_has_what_a_stop_depends_on),
                text_test(test_unit_text_for_a_users_manager_is_a_users),
                text_test(test_unit_text_readiness_that_was_asked_for_stays),
                text_test(test_unit_text_recorder_looks_where_the_run_writes),
                text_test(test_unit_text_description_is_one_plain_line),
                text_test(test_unit_text_words_come_back_as_they_were),
                text_test(test_unit_text_rules_find_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
