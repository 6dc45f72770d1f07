/* SPDX-License-Identifier: MIT */

/* What hermes-agent's own tests of its shutdown forensics assert, one test each under the same name, on
 * the real /proc; where it is meant to be otherwise here, the test says so. Behind them, what its users
 * have suffered from beyond those tests.
 * Source: hermes-agent, tests/gateway/test_shutdown_forensics.py: TestSignalName,
 * TestSnapshotShutdownContext, TestFormatters, TestParseSystemdDuration. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "context-fixture.h"
#include "signals.h"
#include "usec.h"

/* ---- TestSignalName ---- */

static void test_seed_signal_name_known_signals_resolve_to_names(void **state) {
        char name[SIGNAL_NAME_MAX];

        assert_string_equal(signal_to_name(name, SIGTERM), "SIGTERM");
        assert_string_equal(signal_to_name(name, SIGINT), "SIGINT");
}

static void test_seed_signal_name_unknown_int_returns_signal_num_token(void **state) {
        char name[SIGNAL_NAME_MAX];

        assert_string_equal(signal_to_name(name, 9999), "signal#9999");
}

static void test_seed_signal_name_none_returns_unknown(void **state) {
        char name[SIGNAL_NAME_MAX];

        assert_string_equal(signal_to_name(name, 0), "UNKNOWN");
}

/* There a name passes as it is; here it is read, and what is no signal is refused. */
static void test_seed_signal_name_non_integer_falls_back_to_str(void **state) {
        assert_int_equal(signal_from_name("SIGTERM"), SIGTERM);
        assert_int_equal(signal_from_name("SIGNONE"), -EINVAL);
}

/* ---- TestSnapshotShutdownContext ---- */

/* A signal of our own, on the real /proc. */
static void take_real(ContextTest *test) {
        test->caught = (CaughtSignal){
                .info = { .ssi_signo = SIGTERM,
                        .ssi_code = SI_USER,
                        .ssi_pid = (uint32_t) getpid(),
                        .ssi_uid = getuid() },
                .state = SENDER_ALIVE,
        };
        assert_int_equal(process_snapshot_read(&test->caught.sender, test->real_fd, getpid()), 0);
        test->request.caught = &test->caught;
        context_base_init(&test->base, test->real_fd);
        context_take(test, CMDLINE_REDACTED);
}

static json_object *json_at(const ContextTest *test, const char *key) {
        return json_object_object_get(test->json, key);
}

static void test_seed_snapshot_includes_self_pid_and_signal(void **state) {
        ContextTest *test = *state;

        take_real(test);
        assert_int_equal(json_object_get_int(json_at(test, "pid")), getpid());
        assert_json(test, "signal", "SIGTERM");
        assert_int_equal(json_object_get_int(json_at(test, "signal_num")), SIGTERM);
}

static void test_seed_snapshot_handles_none_signal(void **state) {
        ContextTest *test = *state;
        json_object *number = test->json;

        context_base_init(&test->base, test->real_fd);
        context_take(test, CMDLINE_REDACTED);
        assert_json(test, "signal", "UNKNOWN");
        assert_true(json_object_object_get_ex(test->json, "signal_num", &number));
        assert_null(number);
}

static void test_seed_snapshot_includes_timestamps(void **state) {
        ContextTest *test = *state;
        const usec_t before_usec = usec_now(CLOCK_REALTIME);

        take_real(test);
        assert_in_range(test->context.realtime_usec, before_usec, usec_now(CLOCK_REALTIME));
        assert_int_equal(json_object_get_type(json_at(test, "ts")), json_type_double);
        assert_int_equal(json_object_get_type(json_at(test, "ts_monotonic")), json_type_double);
        assert_true(json_object_get_double(json_at(test, "ts")) >= (double) before_usec / 1e6 - 1);
}

static void test_seed_snapshot_includes_parent_summary_on_linux(void **state) {
        ContextTest *test = *state;
        char pid[16];

        take_real(test);
        (void) snprintf(pid, sizeof(pid), "%d", getppid());
        assert_json(test, "parent.pid", pid);
        assert_non_null(context_json_text(test, "parent.name"));
        assert_non_null(context_json_text(test, "parent.state"));
        assert_non_null(context_json_text(test, "parent.uid"));
}

/* There the inherited variable makes the flag. Here it is recorded, if it can be an id at all, and the
 * flag is what the caller has proved. */
static void test_seed_snapshot_under_systemd_flag_uses_invocation_id(void **state) {
        ContextTest *test = *state;

        assert_int_equal(setenv("INVOCATION_ID", "0123456789abcdef0123456789abcdef", 1), 0);
        take_real(test);
        assert_json(test, "systemd_invocation_id", "0123456789abcdef0123456789abcdef");
        assert_json(test, "under_systemd", "false");
        test->request.is_under_systemd = true;
        context_take(test, CMDLINE_REDACTED);
        assert_json(test, "under_systemd", "true");
        assert_field(test, "UNDER_SYSTEMD", "yes");
}

/* A parent that is PID 1 proves nothing either. */
static void test_seed_snapshot_under_systemd_false_without_invocation_id_and_normal_ppid(
        void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_put_self(&test->tree, 1, 0, "gatewatch");
        context_put_process(&test->tree, 1, "systemd", 0, true);
        context_begin(test, CMDLINE_REDACTED);
        assert_json(test, "ppid", "1");
        assert_json(test, "under_systemd", "false");
        assert_json(test, "systemd_invocation_id", NULL);
        assert_field(test, "UNDER_SYSTEMD", "no");
}

/* What it costs is measured by tests/bench/context.c. Here: that it waits for nothing, with everything
 * in its way that one could wait for. */
static void test_seed_snapshot_completes_quickly(void **state) {
        ContextTest *test = *state;

        assert_int_equal(mkfifoat(test->marker_fd, MARKER_TAKEOVER, 0600), 0);
        assert_int_equal(mkfifoat(test->marker_fd, MARKER_PLANNED_STOP, 0600), 0);
        (void) alarm(60);
        take_real(test);
        (void) alarm(0);
        assert_field(test, "TAKEOVER_MARKER", NULL);
}

static void put_marker(const ContextTest *test, const char *name, const char *text) {
        char path[64];

        (void) snprintf(path, sizeof(path), "state/%s", name);
        procfs_tree_put(&test->tree, path, text);
}

/* Spaced, as json.dumps() writes it, and compact, which escapes the original's search for a text. */
static void test_seed_snapshot_detects_takeover_marker_for_self(void **state) {
        ContextTest *test = *state;
        char text[96];

        (void) snprintf(
                text, sizeof(text), "{\"target_pid\": %d, \"replacer_pid\": 99999}", getpid());
        put_marker(test, MARKER_TAKEOVER, text);
        take_real(test);
        assert_json(test, "takeover_marker", text);
        assert_json(test, "takeover_marker_for_self", "true");

        (void) snprintf(text, sizeof(text), "{\"target_pid\":%d,\"replacer_pid\":99999}", getpid());
        put_marker(test, MARKER_TAKEOVER, text);
        context_take(test, CMDLINE_REDACTED);
        assert_json(test, "takeover_marker_for_self", "true");
}

static void test_seed_snapshot_detects_takeover_marker_for_other(void **state) {
        ContextTest *test = *state;

        put_marker(test, MARKER_TAKEOVER, "{\"target_pid\": 1, \"replacer_pid\": 99999}");
        take_real(test);
        assert_json(test, "takeover_marker_for_self", "false");
        assert_field(test, "TAKEOVER_MARKER", "other");
}

static void test_seed_snapshot_detects_planned_stop_marker(void **state) {
        ContextTest *test = *state;
        char text[64];

        (void) snprintf(text, sizeof(text), "{\"target_pid\": %d}", getpid());
        put_marker(test, MARKER_PLANNED_STOP, text);
        take_real(test);
        assert_json(test, "planned_stop_marker", text);
        assert_field(test, "PLANNED_STOP_MARKER", "self");
}

/* ---- TestFormatters ---- */

static void test_seed_format_context_for_log_includes_signal_and_parent(void **state) {
        ContextTest *test = *state;
        char parent[64];

        take_real(test);
        const char *message = record_get_message(test->record);
        (void) snprintf(parent, sizeof(parent), " parent_pid=%d ", getppid());
        assert_non_null(strstr(message, "signal=SIGTERM "));
        assert_non_null(strstr(message, parent));
        assert_non_null(strstr(message, " parent_cmdline=\""));
        assert_int_equal(message[strlen(message) - 1], '"');
}

/* Parses CONTEXT as it was recorded, strictly. */
static json_object *parse_recorded(ContextTest *test) {
        const char *text = record_get_value(test->record, "CONTEXT");
        json_tokener *tokener = json_tokener_new();

        assert_non_null(text);
        assert_non_null(tokener);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        (void) json_object_put(test->parsed);
        test->parsed = json_tokener_parse_ex(tokener, text, (int) strlen(text) + 1);
        enum json_tokener_error error = json_tokener_get_error(tokener);
        json_tokener_free(tokener);
        assert_int_equal(error, json_tokener_success);
        return test->parsed;
}

static void test_seed_context_as_json_round_trips(void **state) {
        ContextTest *test = *state;

        take_real(test);
        json_object *decoded = parse_recorded(test);
        assert_int_equal(json_object_get_int(json_object_object_get(decoded, "pid")), getpid());
        assert_string_equal(
                json_object_get_string(json_object_object_get(decoded, "signal")), "SIGTERM");
}

#define ODD "\x01\x1b[31m\n\"\\\xff\xc3 \xe2\x82"

/* What cannot be serialised here is bytes that are no text: it stays in, mended. */
static void test_seed_context_as_json_handles_unserialisable_values(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_catch_kill(test);
        context_put_process(&test->tree, PARENT, ODD, 1, true);
        context_put_cmdline(&test->tree, PARENT, CMDLINE(ODD "\0" ODD));
        (void) strcpy(test->caught.sender.info.comm, ODD);
        (void) strcpy(test->caught.sender.exe, "/x/" ODD);
        context_begin(test, CMDLINE_FULL);

        (void) parse_recorded(test);
        assert_json(test, "signal", "SIGTERM");
        assert_json(test, "sender.name", "\x01\x1b[31m\n\"\\\uFFFD\uFFFD \uFFFD\uFFFD");
        assert_json(test, "sender.exe", "/x/\x01\x1b[31m\n\"\\\uFFFD\uFFFD \uFFFD\uFFFD");
        assert_json(test, "parent.cmdline",
                "\"\\x01\\x1b[31m\\n\\\"\\\\\uFFFD\uFFFD \uFFFD\uFFFD\" "
                "\"\\x01\\x1b[31m\\n\\\"\\\\\uFFFD\uFFFD \uFFFD\uFFFD\"");
}

/* ---- TestParseSystemdDuration ---- */

static void assert_span(const char *text, int expected_r, usec_t expected_usec) {
        usec_t usec = 0;

        assert_int_equal(usec_parse_span(text, &usec, NULL), expected_r);
        assert_int_equal(usec, expected_usec);
}

static void test_seed_parse_duration_seconds(void **state) {
        assert_span("90s", 0, 90 * USEC_PER_SEC);
}

static void test_seed_parse_duration_minutes(void **state) {
        assert_span("3min", 0, 180 * USEC_PER_SEC);
}

static void test_seed_parse_duration_combined_min_sec(void **state) {
        assert_span("1min 30s", 0, 90 * USEC_PER_SEC);
}

static void test_seed_parse_duration_hours(void **state) {
        assert_span("1h", 0, 3600 * USEC_PER_SEC);
}

static void test_seed_parse_duration_milliseconds(void **state) {
        assert_span("500ms", 0, 500000);
}

static void test_seed_parse_duration_empty_returns_none(void **state) {
        assert_span("", -EINVAL, 0);
}

/* There weeks are unknown; systemd knows them, and so do we. What systemd does not know is refused. */
static void test_seed_parse_duration_unknown_unit_returns_none(void **state) {
        assert_span("90weeks", 0, 90 * USEC_PER_WEEK);
        assert_span("90fortnights", -EINVAL, 0);
}

/* ---- Beyond them ---- */

static bool is_anywhere(const ContextTest *test, const char *text) {
        for (size_t i = 0; i < record_n_fields(test->record); i++)
                if (strstr(record_get_field(test->record, i, NULL), text))
                        return true;
        return strstr(record_get_message(test->record), text) != NULL;
}

/* A sender, a parent and a tracer that all have a password in their arguments. */
static void put_secrets(ContextTest *test) {
        context_put_host(&test->tree);
        context_put_self(&test->tree, PARENT, TRACER, "gatewatch");
        context_put_process(&test->tree, TRACER, "gdb", 1, true);
        context_put_cmdline(&test->tree, PARENT, CMDLINE("/opt/run\0--token=s3cr3t"));
        context_put_cmdline(&test->tree, TRACER, CMDLINE("/opt/gdb\0DB_PASSWORD=s3cr3t"));
        context_catch_kill(test);
        context_put_cmdline(&test->tree, SENDER, CMDLINE("/opt/stop\0--url\0https://u:s3cr3t@h/"));
        assert_int_equal(process_snapshot_read_urgent(&test->caught.sender, test->tree.fd), 0);
        (void) strcpy(test->caught.sender.exe, "/opt/stop-of-somebody");
}

static void test_secrets_of_any_process_are_in_no_field(void **state) {
        ContextTest *test = *state;

        put_secrets(test);
        context_begin(test, CMDLINE_REDACTED);
        assert_false(is_anywhere(test, "s3cr3t"));
        assert_field(test, "PARENT_CMDLINE", "/opt/run --token=***");
        assert_field(test, "TRACER_CMDLINE", "/opt/gdb DB_PASSWORD=***");
        assert_field(test, "SENDER_CMDLINE", "/opt/stop --url https://u:***@h/");
        assert_field(test, "SENDER_EXE", "/opt/stop-of-somebody");
}

static void test_mode_comm_lets_names_out_alone(void **state) {
        ContextTest *test = *state;

        put_secrets(test);
        context_begin(test, CMDLINE_COMM);
        assert_false(is_anywhere(test, "s3cr3t"));
        assert_false(is_anywhere(test, "/opt"));
        assert_false(is_anywhere(test, "--"));
        assert_field(test, "SENDER_EXE", NULL);
        assert_field(test, "SENDER_CMDLINE", "stop");
        assert_field(test, "PARENT_CMDLINE", "run");
}

static void test_mode_full_lets_all_out(void **state) {
        ContextTest *test = *state;

        put_secrets(test);
        context_begin(test, CMDLINE_FULL);
        assert_field(test, "PARENT_CMDLINE", "/opt/run --token=s3cr3t");
        assert_non_null(strstr(record_get_message(test->record), "--token=s3cr3t"));
}

static void test_message_values_forge_no_others(void **state) {
        ContextTest *test = *state;
        static const struct {
                const char *comm, *shown;
        } rows[] = {
                { "a b", " parent_name=\"a b\" loadavg" },
                { "x signal=SIGHUP", " parent_name=\"x signal=SIGHUP\" loadavg" },
                { "q\"q", " parent_name=\"q\\\"q\" loadavg" },
                { "n\nn", " parent_name=\"n\\nn\" loadavg" },
                { "", " parent_name=\"\" loadavg" },
                { "b\\", " parent_name=\"b\\\\\" loadavg" },
                { "c(d)", " parent_name=c(d) loadavg" },
        };

        context_put_host(&test->tree);
        context_put_cmdline(&test->tree, PARENT, CMDLINE("sh\0-c\0echo \"$x\"\n"));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                context_put_process(&test->tree, PARENT, rows[i].comm, 1, true);
                context_base_done(&test->base);
                context_begin(test, CMDLINE_REDACTED);
                const char *message = record_get_message(test->record);
                if (!strstr(message, rows[i].shown))
                        print_error("%s\n", message);
                assert_non_null(strstr(message, rows[i].shown));
                assert_non_null(strstr(
                        message, " parent_cmdline=\"sh -c \\\"echo \\\\\\\"$x\\\\\\\"\\\\n\\\"\""));
        }
}

static void test_huge_command_lines_are_bounded(void **state) {
        ContextTest *test = *state;
        static char huge[3 * PROCESS_CMDLINE_MAX];

        memset(huge, 'x', sizeof(huge));
        context_put_host(&test->tree);
        context_catch_kill(test);
        context_put_cmdline(&test->tree, PARENT, huge, sizeof(huge));
        context_put_cmdline(&test->tree, SENDER, huge, sizeof(huge));
        assert_int_equal(process_snapshot_read_urgent(&test->caught.sender, test->tree.fd), 0);
        context_begin(test, CMDLINE_REDACTED);
        assert_int_equal(strlen(record_get_value(test->record, "SENDER_CMDLINE")), 4096);
        assert_int_equal(strlen(context_json_text(test, "sender.cmdline")), 300);
        assert_int_equal(strlen(context_json_text(test, "parent.cmdline")), 300);
        assert_in_range(strlen(record_get_message(test->record)), 300, 600);
        (void) parse_recorded(test);
}

/* A pid of 0 is no process: neither ours nor "self". */
static void test_sender_pid_0_reads_nothing(void **state) {
        ContextTest *test = *state;

        take_real(test);
        test->caught.info.ssi_pid = 0;
        test->caught.state = SENDER_OTHER_NAMESPACE;
        process_snapshot_init(&test->caught.sender, 0);
        context_take(test, CMDLINE_REDACTED);
        assert_field(test, "SENDER_PID", "0");
        assert_field(test, "SENDER_COMM", NULL);
        assert_field(test, "SENDER_ANCESTRY", NULL);
        assert_json(test, "sender.name", NULL);
        assert_json(test, "sender.sender_state", "other-namespace");
}

/* A marker for a pid that begins like ours. */
static void test_marker_pid_is_compared_as_a_number(void **state) {
        ContextTest *test = *state;
        char text[64];

        (void) snprintf(text, sizeof(text), "{\"target_pid\": %d0}", getpid());
        put_marker(test, MARKER_TAKEOVER, text);
        (void) snprintf(
                text, sizeof(text), "{\"target_pid\": 1, \"was\": \"target_pid: %d\"}", getpid());
        put_marker(test, MARKER_PLANNED_STOP, text);
        take_real(test);
        assert_field(test, "TAKEOVER_MARKER", "other");
        assert_field(test, "PLANNED_STOP_MARKER", "other");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                context_test(test_seed_signal_name_known_signals_resolve_to_names),
                context_test(test_seed_signal_name_unknown_int_returns_signal_num_token),
                context_test(test_seed_signal_name_none_returns_unknown),
                context_test(test_seed_signal_name_non_integer_falls_back_to_str),
                context_test(test_seed_snapshot_includes_self_pid_and_signal),
                context_test(test_seed_snapshot_handles_none_signal),
                context_test(test_seed_snapshot_includes_timestamps),
                context_test(test_seed_snapshot_includes_parent_summary_on_linux),
                context_test(test_seed_snapshot_under_systemd_flag_uses_invocation_id),
                context_test(
                        test_seed_snapshot_under_systemd_false_without_invocation_id_and_normal_ppid),
                context_test(test_seed_snapshot_completes_quickly),
                context_test(test_seed_snapshot_detects_takeover_marker_for_self),
                context_test(test_seed_snapshot_detects_takeover_marker_for_other),
                context_test(test_seed_snapshot_detects_planned_stop_marker),
                context_test(test_seed_format_context_for_log_includes_signal_and_parent),
                context_test(test_seed_context_as_json_round_trips),
                context_test(test_seed_context_as_json_handles_unserialisable_values),
                context_test(test_seed_parse_duration_seconds),
                context_test(test_seed_parse_duration_minutes),
                context_test(test_seed_parse_duration_combined_min_sec),
                context_test(test_seed_parse_duration_hours),
                context_test(test_seed_parse_duration_milliseconds),
                context_test(test_seed_parse_duration_empty_returns_none),
                context_test(test_seed_parse_duration_unknown_unit_returns_none),
                context_test(test_secrets_of_any_process_are_in_no_field),
                context_test(test_mode_comm_lets_names_out_alone),
                context_test(test_mode_full_lets_all_out),
                context_test(test_message_values_forge_no_others),
                context_test(test_huge_command_lines_are_bounded),
                context_test(test_sender_pid_0_reads_nothing),
                context_test(test_marker_pid_is_compared_as_a_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
