/* SPDX-License-Identifier: MIT */

/* What check prints: for people, for programs, and whatever the units are called. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check-print-fixture.h"

/* ---- For people ------------------------------------------------------------------------------ */

static void test_check_print_table_of_findings_has_reason_and_mend_below(void **state) {
        Fixture *fixture = *state;
        Lint *lint = add_gateway(fixture, "a.service");

        assign(fixture, 0, VIEW_KILL_MODE, "process", "/etc/systemd/system/a.service.d/a.conf");
        add_time_finding(lint);
        add_mode_finding(lint);
        add_older_finding(lint);
        assert_int_equal(strv_extend(&lint->unknown, "the file /x: Permission denied"), 0);

        assert_string_equal(print_table(fixture, (CheckPrintOptions){ .has_legend = true }),
                "a.service: drain 3min, headroom 30s, TimeoutStopSec=1min 30s\n"
                "SEVERITY FINDING           SETTING                 FROM\n"
                "error    timeout-too-short TimeoutStopSec=1min 30s DefaultTimeoutStopSec\n"
                "         systemd kills the gateway in its drain\n"
                "         [Service] TimeoutStopSec=3min 30s\n"
                "warning  kill-mode         KillMode=process        "
                "/etc/systemd/system/a.service.d/a.conf\n"
                "         helpers die first\n"
                "         [Service] KillMode=mixed\n"
                "         Change it in /etc/systemd/system/a.service.d/a.conf: that file is read "
                "after 50-gatewatch.conf\n"
                "hint     running-older     -                       -\n"
                "         it runs as it was\n"
                "         systemctl restart a.service\n"
                "not known: the file /x: Permission denied\n"
                "\n"
                "1 unit checked: 1 error, 1 warning, 1 hint\n"
                "gatewatch check --fix prints the drop-ins.\n");
}

static void test_check_print_table_of_several_units_has_gaps_between_blocks(void **state) {
        Fixture *fixture = *state;

        (void) add_gateway(fixture, "a.service");
        add_older_finding(add_unit(fixture, "b.service"));
        add_older_finding(&fixture->lints[1]);
        add_unit(fixture, "c.service")->input.is_supervised = true;

        assert_string_equal(print_table(fixture, (CheckPrintOptions){ .has_legend = true }),
                "a.service: nothing found (drain 3min, headroom 30s, TimeoutStopSec=1min 30s)\n"
                "\n"
                "b.service: not under gatewatch, drain not known\n"
                "SEVERITY FINDING       SETTING FROM\n"
                "hint     running-older -       -\n"
                "         it runs as it was\n"
                "         systemctl restart a.service\n"
                "hint     running-older -       -\n"
                "         it runs as it was\n"
                "         systemctl restart a.service\n"
                "\n"
                "c.service: nothing found (drain not known)\n"
                "3 units checked: 2 hints\n");
}

static void test_check_print_table_without_legend_has_neither_header_nor_summary(void **state) {
        Fixture *fixture = *state;

        add_mode_finding(add_unit(fixture, "a.service"));
        (void) add_unit(fixture, "b.service");
        assert_string_equal(print_table(fixture, (CheckPrintOptions){}),
                "a.service: not under gatewatch, drain not known\n"
                "warning  kill-mode KillMode=control-group default\n"
                "         helpers die first\n"
                "         [Service] KillMode=mixed\n"
                "\n"
                "b.service: nothing found (not under gatewatch, drain not known)\n");
}

static void test_check_print_table_quietly_has_units_with_findings(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(strv_extend(&add_unit(fixture, "a.service")->unknown, "x"), 0);
        add_older_finding(add_unit(fixture, "b.service"));
        (void) add_unit(fixture, "c.service");

        const char *text =
                print_table(fixture, (CheckPrintOptions){ .is_quiet = true, .has_legend = true });
        assert_null(strstr(text, "a.service:"));
        assert_memory_equal(text, "b.service: ", strlen("b.service: "));
        assert_null(strstr(text, "c.service"));
        assert_non_null(strstr(text, "\n3 units checked: 1 hint\n"));
        assert_null(strstr(text, "--fix"));
}

static void test_check_print_table_without_findings_says_so(void **state) {
        Fixture *fixture = *state;

        assert_string_equal(print_table(fixture, (CheckPrintOptions){ .has_legend = true }),
                "0 units checked: nothing found\n");
}

static void test_check_print_table_of_an_unknown_timeout_leaves_it_out(void **state) {
        Fixture *fixture = *state;

        (void) add_gateway(fixture, "a.service");
        fixture->views[0].values[VIEW_TIMEOUT_STOP_USEC].is_known = false;
        fixture->lints[0].input.is_supervised = false;
        assert_string_equal(print_table(fixture, (CheckPrintOptions){}),
                "a.service: nothing found (not under gatewatch, drain 3min, headroom 30s)\n");
}

static const struct {
        ViewOrigin origin;
        ViewKey key;
        const char *expected;
} from_rows[] = {
        { VIEW_ORIGIN_UNKNOWN, VIEW_KILL_MODE, "KillMode=control-group unknown\n" },
        { VIEW_ORIGIN_DEFAULT, VIEW_KILL_MODE, "KillMode=control-group default\n" },
        { VIEW_ORIGIN_MANAGER, VIEW_OOM_POLICY, "OOMPolicy=stop DefaultOOMPolicy\n" },
        { VIEW_ORIGIN_COMPUTED, VIEW_NEED_DAEMON_RELOAD, "NeedDaemonReload=no -\n" },
};

static void test_check_print_table_from_names_who_sets_it(void **state) {
        Fixture *fixture = *state;
        FindingWriter writer = add_finding(add_unit(fixture, "a.service"), &rule_mode);

        (void) finding_say(&writer, SEVERITY_HINT, VIEW_KILL_MODE, "x");
        for (size_t i = 0; i < ELEMENTSOF(from_rows); i++) {
                writer.finding->key = from_rows[i].key;
                fixture->views[0].values[from_rows[i].key].is_known = true;
                fixture->views[0].values[from_rows[i].key].origin = from_rows[i].origin;
                assert_non_null(
                        strstr(print_table(fixture, (CheckPrintOptions){}), from_rows[i].expected));
        }
}

static void test_check_print_table_in_colour_marks_severities(void **state) {
        Fixture *fixture = *state;
        Lint *lint = add_gateway(fixture, "a.service");

        add_time_finding(lint);
        add_mode_finding(lint);
        add_older_finding(lint);

        assert_null(strchr(print_table(fixture, (CheckPrintOptions){}), '\033'));
        const char *text = print_table(fixture, (CheckPrintOptions){ .has_colour = true });
        assert_non_null(strstr(text, "\033[1ma.service\033[0m: drain"));
        assert_non_null(strstr(text, "\033[0;1;31merror   \033[0m timeout-too-short"));
        assert_non_null(strstr(text, "\033[0;1;33mwarning \033[0m kill-mode"));
        assert_non_null(strstr(text, "\033[0;1;39mhint    \033[0m running-older"));
}

static void test_check_print_table_on_a_terminal_wraps_sentences_and_nothing_else(void **state) {
        Fixture *fixture = *state;
        Lint *lint = add_gateway(fixture, "a.service");

        add_mode_finding(lint);
        add_older_finding(lint);
        assign(fixture, 0, VIEW_KILL_MODE, "process",
                "/etc/systemd/system/a-long-name-that-no-terminal-would-hold.service.d/a.conf");
        assert_int_equal(strv_extend(&lint->unknown, "the file /x"), 0);

        assert_string_equal(print_table(fixture, (CheckPrintOptions){ .width = 20 }),
                "a.service: drain 3min, headroom 30s, TimeoutStopSec=1min 30s\n"
                "warning  kill-mode     KillMode=process "
                "/etc/systemd/system/a-long-name-that-no-terminal-would-hold.service.d/a.conf\n"
                "         helpers die\n"
                "         first\n"
                "         [Service] KillMode=mixed\n"
                "         Change it\n"
                "         in\n"
                "         /etc/systemd/system/a-long-name-that-no-terminal-would-hold.service.d/"
                "a.conf:\n"
                "         that file\n"
                "         is read\n"
                "         after\n"
                "         50-gatewatch.conf\n"
                "hint     running-older -                -\n"
                "         it runs as\n"
                "         it was\n"
                "         systemctl restart a.service\n"
                "not known: the file\n"
                "/x\n");
}

/* A command line would push the file's name away; where no terminal is, it stays whole. */
static void test_check_print_table_on_a_terminal_cuts_long_settings(void **state) {
        static const char command[] = "/bin/kill ääääääääääääääääääääääääää -TERM $MAINPID";
        Fixture *fixture = *state;
        FindingWriter writer = add_finding(add_unit(fixture, "a.service"), &rule_mode);

        assign(fixture, 0, VIEW_EXEC_STOP, command, "/a.conf");
        (void) finding_say(&writer, SEVERITY_HINT, VIEW_EXEC_STOP, "x");

        assert_non_null(strstr(print_table(fixture, (CheckPrintOptions){ .width = 80 }),
                " ExecStop=/bin/kill ääääääääääääääääääääääääää -… /a.conf\n"));
        assert_non_null(strstr(print_table(fixture, (CheckPrintOptions){}), "$MAINPID /a.conf\n"));
}

/* ---- Strangers' text ------------------------------------------------------------------------- */

#define HOSTILE  "\033[2J\n\"q'\\\t\x9b\x7f\xc2\x9bK\xff\xc3ä"
#define ON_PAPER "?[2J?\"q'\\?\xef\xbf\xbd??K\xef\xbf\xbd\xef\xbf\xbdä"
#define IN_JSON  "\033[2J\n\"q'\\\t\xef\xbf\xbd??K\xef\xbf\xbd\xef\xbf\xbdä"

static void add_hostile_unit(Fixture *fixture) {
        Lint *lint = add_gateway(fixture, "n" HOSTILE);
        FindingWriter writer = add_finding(lint, &rule_mode);

        assert_int_equal(strv_extend(&lint->unknown, "u" HOSTILE), 0);
        assign(fixture, 0, VIEW_PID_FILE, "v" HOSTILE, "/f" HOSTILE);
        (void) finding_say(&writer, SEVERITY_HINT, VIEW_PID_FILE, "%s", "m" HOSTILE);
        (void) finding_mend(&writer, VIEW_PID_FILE, NULL, "%s", "e" HOSTILE);
        (void) finding_command(&writer, "%s", "c" HOSTILE);
}

static void test_check_print_table_of_hostile_text_has_no_control_character(void **state) {
        Fixture *fixture = *state;

        add_hostile_unit(fixture);
        const char *text = print_table(fixture, (CheckPrintOptions){ .width = 400 });

        for (const char *p = text; *p; p++)
                assert_false((unsigned char) *p < 0x20 ? *p != '\n' : *p == 0x7f);
        assert_null(strchr(text, '\xff'));
        assert_null(strstr(text, "\xc2\x9b"));
        assert_non_null(strstr(text, "n" ON_PAPER ": drain"));
        assert_non_null(strstr(text, "/f" ON_PAPER "\n"));
        assert_non_null(strstr(text, "\n         m" ON_PAPER "\n"));
        assert_non_null(strstr(text, "\n         [Service] PIDFile=e" ON_PAPER "\n"));
        assert_non_null(strstr(text, "\n         c" ON_PAPER "\n"));
        assert_non_null(strstr(text, "\nnot known: u" ON_PAPER "\n"));
}

static void test_check_print_json_of_hostile_text_is_utf8_and_escaped(void **state) {
        Fixture *fixture = *state;

        add_hostile_unit(fixture);
        json_object *unit = json_object_array_get_idx(print_json(fixture, JSON_SHORT), 0);
        json_object *finding = json_object_array_get_idx(member(unit, "findings"), 0);
        json_object *mend = json_object_array_get_idx(member(finding, "mend"), 0);

        for (const char *p = fixture->text; p[1]; p++)
                assert_true((unsigned char) *p >= 0x20 && *p != 0x7f);
        assert_null(strstr(fixture->text, "\xc2\x9b"));
        assert_member(unit, "unit", "n" IN_JSON);
        assert_member(finding, "message", "m" IN_JSON);
        assert_member(finding, "file", "/f" IN_JSON);
        assert_member(finding, "command", "c" IN_JSON);
        assert_member(mend, "value", "e" IN_JSON);
        assert_string_equal(
                json_object_get_string(json_object_array_get_idx(member(unit, "unknown"), 0)),
                "u" IN_JSON);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void test_check_print_json_of_a_finding_has_all_members(void **state) {
        static const char expected[] =
                "[{\"unit\":\"a.service\",\"manager\":\"system\",\"load_state\":\"loaded\","
                "\"active_state\":\"active\",\"supervised\":true,\"drain_usec\":180000000,"
                "\"headroom_usec\":30000000,\"required_usec\":210000000,"
                "\"timeout_stop_usec\":90000000,\"timeout_stop\":\"1min 30s\",\"findings\":["
                "{\"id\":\"timeout-too-short\",\"severity\":\"error\","
                "\"property\":\"TimeoutStopUSec\",\"setting\":\"TimeoutStopSec\","
                "\"value\":\"1min 30s\",\"origin\":\"manager\",\"file\":null,"
                "\"message\":\"systemd kills the gateway in its drain\",\"mend\":["
                "{\"section\":\"Service\",\"setting\":\"TimeoutStopSec\",\"value\":\"3min 30s\"}],"
                "\"command\":null,\"fixable\":true},"
                "{\"id\":\"kill-mode\",\"severity\":\"warning\",\"property\":\"KillMode\","
                "\"setting\":\"KillMode\",\"value\":\"process\",\"origin\":\"drop-in\","
                "\"file\":\"" DROP_IN "\",\"message\":\"helpers die first\",\"mend\":["
                "{\"section\":\"Service\",\"setting\":\"KillMode\",\"value\":\"mixed\"}],"
                "\"command\":null,\"fixable\":false},"
                "{\"id\":\"running-older\",\"severity\":\"hint\",\"property\":null,"
                "\"setting\":null,\"value\":null,\"origin\":null,\"file\":null,"
                "\"message\":\"it runs as it was\",\"mend\":[],"
                "\"command\":\"systemctl restart a.service\",\"fixable\":false}],"
                "\"unknown\":[\"x\"]}]\n";
        Fixture *fixture = *state;
        Lint *lint = add_gateway(fixture, "a.service");

        fixture->views[0].active_state = strdup("active");
        assign(fixture, 0, VIEW_KILL_MODE, "process", DROP_IN);
        add_time_finding(lint);
        add_mode_finding(lint);
        add_older_finding(lint);
        assert_int_equal(strv_extend(&lint->unknown, "x"), 0);

        (void) print_json(fixture, JSON_SHORT);
        assert_string_equal(fixture->text, expected);
}

static void test_check_print_json_of_what_is_not_known_is_null(void **state) {
        static const char *const keys[] = { "active_state", "drain_usec", "headroom_usec",
                "required_usec", "timeout_stop_usec", "timeout_stop" };
        Fixture *fixture = *state;

        (void) add_unit(fixture, "a.service");
        fixture->views[0].values[VIEW_TIMEOUT_STOP_USEC].is_known = false;
        json_object *unit = json_object_array_get_idx(print_json(fixture, JSON_PRETTY), 0);

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                assert_member(unit, keys[i], NULL);
        assert_member(unit, "supervised", "false");
        assert_int_equal(json_object_array_length(member(unit, "findings")), 0);
        assert_int_equal(json_object_array_length(member(unit, "unknown")), 0);
}

static void test_check_print_json_of_infinity_is_null_and_text(void **state) {
        Fixture *fixture = *state;

        (void) add_gateway(fixture, "a.service");
        assign(fixture, 0, VIEW_TIMEOUT_STOP_USEC, "infinity", "/a.conf");
        json_object *unit = json_object_array_get_idx(print_json(fixture, JSON_SHORT), 0);

        assert_member(unit, "timeout_stop_usec", NULL);
        assert_member(unit, "timeout_stop", "infinity");
}

static void test_check_print_json_is_one_line_or_many(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(json_object_array_length(print_json(fixture, JSON_SHORT)), 0);
        assert_string_equal(fixture->text, "[]\n");

        (void) add_unit(fixture, "a.service");
        (void) add_unit(fixture, "b.service");
        assert_int_equal(json_object_array_length(print_json(fixture, JSON_SHORT)), 2);
        assert_ptr_equal(strchr(fixture->text, '\n'), fixture->text + fixture->size - 1);
        assert_int_equal(json_object_array_length(print_json(fixture, JSON_PRETTY)), 2);
        assert_non_null(strstr(fixture->text, "\n    \"unit\": \"b.service\",\n"));
}

#define print_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                print_test(test_check_print_table_of_findings_has_reason_and_mend_below),
                print_test(test_check_print_table_of_several_units_has_gaps_between_blocks),
                print_test(test_check_print_table_without_legend_has_neither_header_nor_summary),
                print_test(test_check_print_table_quietly_has_units_with_findings),
                print_test(test_check_print_table_without_findings_says_so),
                print_test(test_check_print_table_of_an_unknown_timeout_leaves_it_out),
                print_test(test_check_print_table_from_names_who_sets_it),
                print_test(test_check_print_table_in_colour_marks_severities),
                print_test(test_check_print_table_on_a_terminal_wraps_sentences_and_nothing_else),
                print_test(test_check_print_table_on_a_terminal_cuts_long_settings),
                print_test(test_check_print_table_of_hostile_text_has_no_control_character),
                print_test(test_check_print_json_of_hostile_text_is_utf8_and_escaped),
                print_test(test_check_print_json_of_a_finding_has_all_members),
                print_test(test_check_print_json_of_what_is_not_known_is_null),
                print_test(test_check_print_json_of_infinity_is_null_and_text),
                print_test(test_check_print_json_is_one_line_or_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
