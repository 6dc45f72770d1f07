/* SPDX-License-Identifier: MIT */

/* The shutdown context: what is in it in every situation, and what may not get out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "context-fixture.h"
#include "signals.h"

static unsigned count_fds(void) {
        unsigned n = 0;
        DIR *directory = opendir("/proc/self/fd");

        assert_non_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n;
}

/* Whether any field, the message or the JSON has it. */
static bool is_anywhere(const ContextTest *test, const char *text) {
        for (size_t i = 0; i < record_n_fields(test->record); i++)
                if (strstr(record_get_field(test->record, i, NULL), text))
                        return true;
        return strstr(record_get_message(test->record), text) != NULL ||
                strstr(json_object_to_json_string(test->json), text) != NULL;
}

/* ---- Situations ---- */

static void test_shutdown_context_of_a_living_sender_is_whole(void **state) {
        ContextTest *test = *state;
        char pid[16];

        context_put_host(&test->tree);
        context_catch_kill(test);
        test->request.is_under_systemd = true;
        context_begin(test, CMDLINE_REDACTED);

        assert_field(test, "SIGNAL", "SIGTERM");
        assert_field(test, "SIGNAL_NUMBER", "15");
        assert_field(test, "SENDER_PID", "5000812");
        assert_field(test, "SENDER_UID", "0");
        assert_field(test, "SENDER_USER", "root");
        assert_field(test, "SENDER_CODE", "SI_USER");
        assert_field(test, "SENDER_VALUE", NULL);
        assert_field(test, "SENDER_COMM", "kill");
        assert_field(test, "SENDER_CMDLINE", "kill -TERM 5000012");
        assert_field(test, "SENDER_ANCESTRY", "kill(5000812) < bash(5000700) < sshd(5000600)");
        assert_field(test, "SENDER_STATE", "alive");
        assert_field(test, "SENDER_PARENT_PID", NULL);
        assert_field(test, "UNDER_SYSTEMD", "yes");
        assert_field(test, "LOADAVG", "0.42");
        assert_field(test, "PARENT_PID", "5000640");
        assert_field(test, "PARENT_COMM", "systemd");
        assert_field(test, "PARENT_CMDLINE", "/lib/systemd/systemd --user");
        assert_field(test, "TRACER_PID", NULL);
        assert_field(test, "TAKEOVER_MARKER", NULL);
        assert_field(test, "PLANNED_STOP_MARKER", NULL);
        assert_non_null(record_get_value(test->record, "CONTEXT"));

        (void) snprintf(pid, sizeof(pid), "%d", getpid());
        assert_json(test, "pid", pid);
        assert_json(test, "ppid", "5000640");
        assert_json(test, "parent.cmdline", "/lib/systemd/systemd --user");
        assert_json(test, "self.state", "R (running)");
        assert_json(test, "self.ppid", "5000640");
        assert_json(test, "gateway.name", "hermes");
        assert_json(test, "sender.pid", "5000812");
        assert_json(test, "sender.uid", "0");
        assert_json(test, "sender.cmdline", "kill -TERM 5000012");
        assert_json(test, "sender.sender_state", "alive");
        assert_json(test, "under_systemd", "true");
        assert_json(test, "loadavg_1m", "0.42");
        assert_json(test, "takeover_marker", NULL);
        assert_json(test, "tracer_pid", NULL);
}

static void test_shutdown_context_message_is_one_line_with_the_command_line_last(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_catch_kill(test);
        test->request.is_under_systemd = true;
        context_begin(test, CMDLINE_REDACTED);
        assert_string_equal(record_get_message(test->record),
                "Shutdown context: signal=SIGTERM under_systemd=yes sender_pid=5000812 "
                "sender_comm=kill parent_pid=5000640 parent_name=systemd loadavg_1m=0.42 "
                "parent_cmdline=\"/lib/systemd/systemd --user\"");
}

static void test_shutdown_context_without_a_signal_has_no_sender(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "SIGNAL", "UNKNOWN");
        assert_field(test, "SIGNAL_NUMBER", NULL);
        assert_field(test, "SENDER_CODE", NULL);
        assert_field(test, "SENDER_STATE", NULL);
        assert_field(test, "SENDER_UID", NULL);
        assert_json(test, "signal", "UNKNOWN");
        assert_true(json_object_object_get_ex(test->json, "signal_num", NULL));
        assert_null(json_object_object_get(test->json, "signal_num"));
        assert_json(test, "sender", NULL);
        assert_string_equal(record_get_message(test->record),
                "Shutdown context: signal=UNKNOWN under_systemd=no parent_pid=5000640 "
                "parent_name=systemd loadavg_1m=0.42 "
                "parent_cmdline=\"/lib/systemd/systemd --user\"");
}

static void test_shutdown_context_of_each_sender_state_says_what_is_known(void **state) {
        ContextTest *test = *state;
        static const struct {
                SenderState state;
                int code;
                pid_t pid;
                const char *pid_text, *uid_text, *state_text;
        } rows[] = {
                { SENDER_ALIVE, SI_USER, SENDER, "5000812", "0", "alive" },
                { SENDER_EXITED, SI_TKILL, SENDER, "5000812", "0", "exited" },
                { SENDER_UNKNOWN, SI_QUEUE, SENDER, "5000812", "0", "unknown" },
                { SENDER_MANAGER, SI_USER, PARENT, "5000640", "0", "manager" },
                { SENDER_MANAGER, SI_USER, 0, "0", "0", "manager" },
                { SENDER_OTHER_NAMESPACE, SI_USER, 0, "0", "0", "other-namespace" },
                { SENDER_KERNEL, SI_KERNEL, 0, NULL, NULL, "kernel" },
                { SENDER_KERNEL, SI_TIMER, 0, NULL, NULL, "kernel" },
                { SENDER_KERNEL, SI_SIGIO, 0, NULL, NULL, "kernel" },
        };

        context_put_host(&test->tree);
        context_base_init(&test->base, test->tree.fd);
        test->request.caught = &test->caught;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                test->caught.info = (struct signalfd_siginfo){ .ssi_signo = SIGTERM,
                        .ssi_code = rows[i].code,
                        .ssi_pid = (uint32_t) rows[i].pid };
                test->caught.state = rows[i].state;
                context_take(test, CMDLINE_REDACTED);
                assert_field(test, "SENDER_PID", rows[i].pid_text);
                assert_field(test, "SENDER_UID", rows[i].uid_text);
                assert_field(test, "SENDER_STATE", rows[i].state_text);
                assert_field(test, "SENDER_CODE", signal_code_to_name(SIGTERM, rows[i].code));
                assert_json(test, "sender.pid", rows[i].pid_text);
                assert_json(test, "sender.uid", rows[i].uid_text);
                assert_json(test, "sender.sender_state", rows[i].state_text);
                assert_field(test, "SENDER_ANCESTRY", NULL);
                assert_field(test, "SENDER_CMDLINE",
                        rows[i].pid == PARENT ? "/lib/systemd/systemd --user" : NULL);
        }
}

static void test_shutdown_context_of_a_manager_that_is_no_parent_has_its_pid_alone(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        test->caught = (CaughtSignal){ .info = { .ssi_signo = SIGTERM, .ssi_pid = 1 },
                .state = SENDER_MANAGER };
        test->caught.sender.pid = 1;
        test->request.caught = &test->caught;
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "SENDER_PID", "1");
        assert_field(test, "SENDER_COMM", NULL);
        assert_field(test, "SENDER_CMDLINE", NULL);
        assert_field(test, "SENDER_ANCESTRY", NULL);
        assert_json(test, "sender.pid", "1");
        assert_json(test, "sender.name", NULL);
}

static void test_shutdown_context_of_an_exited_sender_has_its_parent_as_parent(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_catch_kill(test);
        process_snapshot_init(&test->caught.sender, SENDER);
        assert_int_equal(process_snapshot_read(&test->caught.parent, test->tree.fd, SHELL), 0);
        test->caught.state = SENDER_EXITED;
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "SENDER_PID", "5000812");
        assert_field(test, "SENDER_COMM", NULL);
        assert_field(test, "SENDER_CMDLINE", NULL);
        assert_field(test, "SENDER_ANCESTRY", NULL);
        assert_field(test, "SENDER_PARENT_PID", "5000700");
        assert_field(test, "SENDER_PARENT_COMM", "bash");
        assert_json(test, "sender.name", NULL);
        assert_json(test, "sender.parent.name", "bash");
        assert_non_null(strstr(record_get_message(test->record), " sender_state=exited "));
        assert_null(strstr(record_get_message(test->record), "sender_comm"));
}

static void test_shutdown_context_value_is_of_sigqueue_alone(void **state) {
        ContextTest *test = *state;
        static const struct {
                int code, value;
                const char *text;
        } rows[] = {
                { SI_QUEUE, 42, "42" },
                { SI_QUEUE, -7, "-7" },
                { SI_QUEUE, 0, "0" },
                { SI_QUEUE, INT32_MIN, "-2147483648" },
                { SI_USER, 42, NULL },
                { SI_MESGQ, 42, NULL },
        };

        context_put_host(&test->tree);
        context_catch_kill(test);
        context_base_init(&test->base, test->tree.fd);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                test->caught.info.ssi_code = rows[i].code;
                test->caught.info.ssi_int = rows[i].value;
                context_take(test, CMDLINE_REDACTED);
                assert_field(test, "SENDER_VALUE", rows[i].text);
                assert_json(test, "sender.value", rows[i].text);
        }
}

static void test_shutdown_context_of_an_empty_proc_leaves_all_out(void **state) {
        ContextTest *test = *state;

        test->request = (ContextRequest){ .gateway_pid = GATEWAY, .marker_fd = -EBADF };
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "LOADAVG", NULL);
        assert_field(test, "PARENT_COMM", NULL);
        assert_field(test, "PARENT_CMDLINE", NULL);
        assert_field(test, "PARENT_UID", NULL);
        assert_json(test, "parent.name", NULL);
        assert_json(test, "self.name", NULL);
        assert_json(test, "loadavg_1m", NULL);
        assert_non_null(strstr(record_get_message(test->record),
                " parent_name=? loadavg_1m=? parent_cmdline=\"(unknown)\""));
}

static void test_shutdown_context_sender_fields_stand_alone(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_catch_kill(test);
        context_begin(test, CMDLINE_REDACTED);
        (void) record_free(test->record);
        test->record = record_new(RECORD_STOPPED);
        shutdown_context_sender_to_record(&test->context, CMDLINE_REDACTED, test->record);
        assert_field(test, "SIGNAL", "SIGTERM");
        assert_field(test, "SENDER_COMM", "kill");
        for (size_t i = 0; i < record_n_fields(test->record); i++) {
                const char *field = record_get_field(test->record, i, NULL);
                assert_true(strncmp(field, "GATEWATCH_SIGNAL", 16) == 0 ||
                        strncmp(field, "GATEWATCH_SENDER_", 17) == 0);
        }
}

static void test_shutdown_context_times_are_seconds_with_six_digits(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_begin(test, CMDLINE_REDACTED);
        test->context.realtime_usec = 1772323199000005;
        test->context.monotonic_usec = 42;
        (void) json_object_put(test->json);
        test->json = shutdown_context_to_json(&test->context, &test->base, CMDLINE_REDACTED);
        assert_json(test, "ts", "1772323199.000005");
        assert_json(test, "ts_monotonic", "0.000042");
}

static void test_shutdown_context_loadavg_is_read_as_the_kernel_writes_it(void **state) {
        ContextTest *test = *state;
        static const struct {
                const char *text, *load;
        } rows[] = {
                { "0.05 0.03 0.00 1/234 5678\n", "0.05" },
                { "128.90 1.00 0.00 1/234 5678\n", "128.90" },
                { "nan 1.00\n", NULL },
                { "", NULL },
                { "5\n", NULL },
        };

        context_put_host(&test->tree);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                procfs_tree_put(&test->tree, "loadavg", rows[i].text);
                context_base_done(&test->base);
                context_begin(test, CMDLINE_REDACTED);
                assert_field(test, "LOADAVG", rows[i].load);
                assert_json(test, "loadavg_1m", rows[i].load);
        }
}

/* ---- The base ---- */

static void test_context_base_environment_is_kept_in_systemds_form_alone(void **state) {
        ContextTest *test = *state;
        static const struct {
                const char *id, *id_text, *stream, *stream_text;
        } rows[] = {
                { "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef", "8:12345",
                        "8:12345" },
                { "abc123", NULL, "not a stream", NULL },
                { "", NULL, "", NULL },
                { "\xff\xfe", NULL, "8:\n5", NULL },
        };

        context_put_host(&test->tree);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                assert_int_equal(setenv("INVOCATION_ID", rows[i].id, 1), 0);
                assert_int_equal(setenv("JOURNAL_STREAM", rows[i].stream, 1), 0);
                context_base_done(&test->base);
                context_begin(test, CMDLINE_REDACTED);
                assert_json(test, "systemd_invocation_id", rows[i].id_text);
                assert_json(test, "systemd_journal_stream", rows[i].stream_text);
                assert_json(test, "under_systemd", "false");
        }
}

static void test_context_base_parent_is_read_anew_when_it_is_another(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_CMDLINE", "/lib/systemd/systemd --user");

        /* The same process: its command line is known. */
        context_put_cmdline(&test->tree, PARENT, CMDLINE("new"));
        context_take(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_CMDLINE", "/lib/systemd/systemd --user");

        /* It has executed something. */
        context_put_process(&test->tree, PARENT, "new", 1, true);
        context_take(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_CMDLINE", "new");

        /* Another process of the pid. */
        procfs_tree_put(&test->tree, "5000640/stat", "5000640 (new) " STAT_REST("S", 1, 4001));
        context_put_cmdline(&test->tree, PARENT, CMDLINE("newer"));
        context_take(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_CMDLINE", "newer");

        /* Reparented. */
        context_put_self(&test->tree, SHELL, 0, "gatewatch");
        context_put_process(&test->tree, SHELL, "bash", 1, true);
        context_take(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_PID", "5000700");
        assert_field(test, "PARENT_COMM", "bash");
        assert_field(test, "PARENT_CMDLINE", NULL);
        assert_json(test, "self.ppid", "5000700");
}

static void test_context_base_parent_that_is_gone_leaves_its_pid(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_begin(test, CMDLINE_REDACTED);
        procfs_tree_put(&test->tree, "5000640/stat", "");
        assert_int_equal(unlinkat(test->tree.fd, "5000640/stat", 0), 0);
        assert_int_equal(unlinkat(test->tree.fd, "5000640/cmdline", 0), 0);
        context_take(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_PID", "5000640");
        assert_field(test, "PARENT_COMM", NULL);
        assert_field(test, "PARENT_CMDLINE", NULL);
}

static void test_context_base_parent_outside_our_namespace_is_none(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_put_self(&test->tree, 0, 0, "gatewatch");
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "PARENT_PID", NULL);
        assert_json(test, "ppid", "0");
        assert_json(test, "parent", NULL);
        assert_non_null(strstr(record_get_message(test->record), " parent_pid=? parent_name=? "));
}

static void test_context_base_closes_what_it_opens(void **state) {
        ContextTest *test = *state;
        const unsigned n_fds = count_fds();

        context_put_host(&test->tree);
        context_catch_kill(test);
        context_begin(test, CMDLINE_REDACTED);
        const unsigned n_open = count_fds();
        assert_true(n_open > n_fds);
        context_put_process(&test->tree, PARENT, "other", 1, true);
        context_take(test, CMDLINE_REDACTED);
        assert_int_equal(count_fds(), n_open);
        context_base_done(&test->base);
        assert_int_equal(count_fds(), n_fds);
}

/* ---- Tracers ---- */

static void test_shutdown_context_tracer_is_named(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_put_self(&test->tree, PARENT, TRACER, "gatewatch");
        context_put_process(&test->tree, TRACER, "strace", 1, true);
        context_put_cmdline(&test->tree, TRACER,
                CMDLINE("strace\0-p\0"
                        "12"));
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "TRACER_PID", "5000077");
        assert_field(test, "TRACER_COMM", "strace");
        assert_field(test, "TRACER_CMDLINE", "strace -p 12");
        assert_json(test, "tracer_pid", "5000077");
        assert_json(test, "tracer.cmdline", "strace -p 12");
        assert_non_null(strstr(record_get_message(test->record), " tracer_pid=5000077 "));
}

static void test_shutdown_context_tracer_that_is_gone_keeps_its_pid(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_put_self(&test->tree, PARENT, TRACER, "gatewatch");
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "TRACER_PID", "5000077");
        assert_field(test, "TRACER_COMM", NULL);
}

static void test_shutdown_context_tracer_of_the_gateway_is_told_apart(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        procfs_tree_put(&test->tree, "5000012/status", "Name:\thermes\nTracerPid:\t5000077\n");
        test->request.gateway_pid = GATEWAY;
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "TRACER_PID", NULL);
        assert_json(test, "tracer_pid", NULL);
        assert_json(test, "gateway.tracer_pid", "5000077");
        assert_non_null(strstr(record_get_message(test->record), " gateway_tracer_pid=5000077 "));
}

static void test_shutdown_context_name_in_status_forges_no_line(void **state) {
        ContextTest *test = *state;

        /* As the kernel escapes a newline in a name. */
        context_put_host(&test->tree);
        context_put_self(&test->tree, PARENT, 0, "x\\nTracerPid:\t7");
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "TRACER_PID", NULL);
        assert_field(test, "PARENT_PID", "5000640");
}

/* ---- Markers ---- */

/* The number stands for each "@". */
static void put_marker(ContextTest *test, const char *name, const char *form, int number) {
        char path[64], text[1024];
        char *p = text;

        for (; *form != '\0'; form++)
                if (*form == '@')
                        p += sprintf(p, "%d", number);
                else
                        *p++ = *form;
        *p = '\0';
        (void) snprintf(path, sizeof(path), "state/%s", name);
        procfs_tree_put(&test->tree, path, text);
}

static void test_shutdown_context_markers_are_for_us_or_not(void **state) {
        ContextTest *test = *state;
        const struct {
                const char *form;
                int number;
                const char *presence, *for_self;
        } rows[] = {
                { "{\"target_pid\": @}", GATEWAY, "self", "true" },
                { "{\"target_pid\":@}", GATEWAY, "self", "true" },
                { "{\"target_pid\": @}", getpid(), "self", "true" },
                { "{\"target_pid\": @3}", GATEWAY, "other", "false" },
                { "{\"target_pid\": @}", GATEWAY / 10, "other", "false" },
                { "{\"target_pid\": 1, \"replacer_pid\": @}", GATEWAY, "other", "false" },
                { "{\"target_pid\": @, \"target_start_time\": 4000}", GATEWAY, "self", "true" },
                { "{\"target_pid\": @, \"target_start_time\": 4001}", GATEWAY, "other", "false" },
                { "{\"target_pid\": \"@\"}", GATEWAY, NULL, NULL },
                { "\"target_pid\": @", GATEWAY, NULL, NULL },
        };

        context_put_host(&test->tree);
        test->request.gateway_pid = GATEWAY;
        context_base_init(&test->base, test->tree.fd);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                put_marker(test, MARKER_TAKEOVER, rows[i].form, rows[i].number);
                put_marker(test, MARKER_PLANNED_STOP, rows[i].form, rows[i].number);
                context_take(test, CMDLINE_REDACTED);
                assert_field(test, "TAKEOVER_MARKER", rows[i].presence);
                assert_field(test, "PLANNED_STOP_MARKER", rows[i].presence);
                assert_json(test, "takeover_marker_for_self", rows[i].for_self);
                assert_json(test, "planned_stop_marker_for_self", rows[i].for_self);
                assert_int_equal(context_json_text(test, "takeover_marker") != NULL,
                        rows[i].presence != NULL);
        }
}

static void test_shutdown_context_message_names_markers_and_tracer(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        context_put_self(&test->tree, PARENT, TRACER, "gatewatch");
        put_marker(test, MARKER_TAKEOVER, "{\"target_pid\": @}", 1);
        put_marker(test, MARKER_PLANNED_STOP, "{\"target_pid\": @}", getpid());
        context_begin(test, CMDLINE_REDACTED);
        assert_non_null(strstr(record_get_message(test->record),
                " loadavg_1m=0.42 takeover_marker_present=other planned_stop_marker_present=self "
                "tracer_pid=5000077 parent_cmdline=\""));
}

static void test_shutdown_context_marker_texts_keep_no_secret(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        put_marker(test, MARKER_TAKEOVER,
                "{\"target_pid\": @, \"token\": \"s3cr3t\", \"note\": \"x\"}", 1);
        context_begin(test, CMDLINE_REDACTED);
        assert_non_null(context_json_text(test, "takeover_marker"));
        assert_false(is_anywhere(test, "s3cr3t"));
        context_take(test, CMDLINE_COMM);
        assert_false(is_anywhere(test, "s3cr3t"));
        context_take(test, CMDLINE_FULL);
        assert_true(is_anywhere(test, "s3cr3t"));
}

static void test_shutdown_context_marker_texts_are_cut(void **state) {
        ContextTest *test = *state;
        char form[512] = "{\"target_pid\": @, \"note\": \"";

        memset(form + strlen(form), 'n', 400);
        (void) strcat(form, "\"}");
        context_put_host(&test->tree);
        put_marker(test, MARKER_TAKEOVER, form, 1);
        context_begin(test, CMDLINE_FULL);
        assert_in_range(strlen(context_json_text(test, "takeover_marker")), 1, 300);
}

static void test_shutdown_context_markers_of_no_file_do_not_wait(void **state) {
        ContextTest *test = *state;

        context_put_host(&test->tree);
        assert_int_equal(mkfifoat(test->marker_fd, MARKER_TAKEOVER, 0600), 0);
        assert_int_equal(mkdirat(test->marker_fd, MARKER_PLANNED_STOP, 0700), 0);
        context_begin(test, CMDLINE_REDACTED);
        assert_field(test, "TAKEOVER_MARKER", NULL);
        assert_field(test, "PLANNED_STOP_MARKER", NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                context_test(test_shutdown_context_of_a_living_sender_is_whole),
                context_test(test_shutdown_context_message_is_one_line_with_the_command_line_last),
                context_test(test_shutdown_context_without_a_signal_has_no_sender),
                context_test(test_shutdown_context_of_each_sender_state_says_what_is_known),
                context_test(
                        test_shutdown_context_of_a_manager_that_is_no_parent_has_its_pid_alone),
                context_test(test_shutdown_context_of_an_exited_sender_has_its_parent_as_parent),
                context_test(test_shutdown_context_value_is_of_sigqueue_alone),
                context_test(test_shutdown_context_of_an_empty_proc_leaves_all_out),
                context_test(test_shutdown_context_sender_fields_stand_alone),
                context_test(test_shutdown_context_times_are_seconds_with_six_digits),
                context_test(test_shutdown_context_loadavg_is_read_as_the_kernel_writes_it),
                context_test(test_context_base_environment_is_kept_in_systemds_form_alone),
                context_test(test_context_base_parent_is_read_anew_when_it_is_another),
                context_test(test_context_base_parent_that_is_gone_leaves_its_pid),
                context_test(test_context_base_parent_outside_our_namespace_is_none),
                context_test(test_context_base_closes_what_it_opens),
                context_test(test_shutdown_context_tracer_is_named),
                context_test(test_shutdown_context_tracer_that_is_gone_keeps_its_pid),
                context_test(test_shutdown_context_tracer_of_the_gateway_is_told_apart),
                context_test(test_shutdown_context_name_in_status_forges_no_line),
                context_test(test_shutdown_context_markers_are_for_us_or_not),
                context_test(test_shutdown_context_message_names_markers_and_tracer),
                context_test(test_shutdown_context_marker_texts_keep_no_secret),
                context_test(test_shutdown_context_marker_texts_are_cut),
                context_test(test_shutdown_context_markers_of_no_file_do_not_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
