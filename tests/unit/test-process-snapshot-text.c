/* SPDX-License-Identifier: MIT */

/* What is told of a process: its ancestry and its JSON, whatever bytes /proc holds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "snapshot-fixture.h"

/* ---- Ancestry ---- */

static const char *ancestry_of(SnapshotTest *test, pid_t pid) {
        (void) process_snapshot_read(&test->snapshot, test->tree.fd, pid);
        return process_snapshot_ancestry(&test->snapshot, test->tree.fd, test->text);
}

#define STAT_IN_SESSION(pid, comm, ppid, session, start) \
#pid " (" comm ") S " #ppid " 1 " #session " 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 " #start "\n"

static void put_login(const ProcfsTree *tree) {
        procfs_tree_put(tree, "1/stat", STAT_IN_SESSION(1, "systemd", 0, 1, 1));
        procfs_tree_put(tree, "500/stat", STAT_IN_SESSION(500, "sshd", 1, 500, 50));
        procfs_tree_put(tree, "600/stat", STAT_IN_SESSION(600, "sshd", 500, 600, 60));
        procfs_tree_put(tree, "640/stat", STAT_IN_SESSION(640, "bash", 600, 640, 64));
        procfs_tree_put(tree, "812/stat", STAT_IN_SESSION(812, "kill", 640, 640, 81));
}

static void test_process_snapshot_ancestry_goes_beyond_the_session_leader(void **state) {
        SnapshotTest *test = *state;

        put_login(&test->tree);
        assert_string_equal(ancestry_of(test, 812), "kill(812) < bash(640) < sshd(600)");
        assert_string_equal(ancestry_of(test, 640), "bash(640) < sshd(600)");
        assert_string_equal(ancestry_of(test, 500), "sshd(500)"); /* its parent is PID 1 */
        assert_string_equal(ancestry_of(test, 1), "systemd(1)");
        assert_string_equal(ancestry_of(test, 4711), "");
}

static void test_process_snapshot_ancestry_without_a_leader_ends_below_pid_1(void **state) {
        SnapshotTest *test = *state;

        put_login(&test->tree);
        procfs_tree_put(&test->tree, "640/stat", STAT_IN_SESSION(640, "bash", 1, 639, 64));
        procfs_tree_put(&test->tree, "812/stat", STAT_IN_SESSION(812, "kill", 640, 639, 81));
        assert_string_equal(ancestry_of(test, 812), "kill(812) < bash(640)");
}

static void test_process_snapshot_ancestry_does_not_believe_a_younger_parent(void **state) {
        SnapshotTest *test = *state;

        put_login(&test->tree);
        procfs_tree_put(&test->tree, "640/stat", STAT_IN_SESSION(640, "other", 600, 640, 82));
        assert_string_equal(ancestry_of(test, 812), "kill(812) < ?");
        procfs_tree_put(&test->tree, "640/stat", STAT_IN_SESSION(640, "same", 600, 640, 81));
        assert_string_equal(ancestry_of(test, 812), "kill(812) < same(640) < sshd(600)");
}

static void test_process_snapshot_ancestry_with_a_vanished_parent_ends_unknown(void **state) {
        SnapshotTest *test = *state;

        put_login(&test->tree);
        assert_int_equal(unlinkat(test->tree.fd, "640/stat", 0), 0);
        assert_string_equal(ancestry_of(test, 812), "kill(812) < ?");
}

static void test_process_snapshot_ancestry_names_are_made_readable(void **state) {
        SnapshotTest *test = *state;
        static const struct {
                const char *comm, *text;
        } rows[] = {
                { "a\nb", "a?b(812)" },
                { "\x1b[31m", "?[31m(812)" },
                { "x\xff\xfe", "x?\?(812)" },
                { "\xc2\x9bx", "?x(812)" }, /* a control character of Latin-1 */
                { "\xc3\xa4", "\xc3\xa4(812)" },
                { "cut\xe2\x82", "cut?\?(812)" },
                { "a) S 1 (b", "a) S 1 (b(812)" },
                { "", "(812)" },
                { "\x7f", "?(812)" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char stat[256];
                (void) snprintf(stat, sizeof(stat), "812 (%s) " STAT_REST("S", 1, 5), rows[i].comm);
                procfs_tree_put(&test->tree, "812/stat", stat);
                assert_string_equal(ancestry_of(test, 812), rows[i].text);
        }
}

static void test_process_snapshot_ancestry_has_at_most_32(void **state) {
        SnapshotTest *test = *state;

        for (pid_t pid = 10; pid < 50; pid++)
                procfs_tree_put_process(&test->tree, pid, pid - 1, 'S');
        const char *text = ancestry_of(test, 49);
        assert_memory_equal(text, "p49(49) < p48(48) < ", 20);
        assert_non_null(strstr(text, " < p18(18) < \u2026"));
        assert_null(strstr(text, "p17"));
        assert_string_equal(ancestry_of(test, 12), "p12(12) < p11(11) < p10(10) < ?");
}

static void test_process_snapshot_ancestry_of_long_names_fits(void **state) {
        SnapshotTest *test = *state;

        for (pid_t pid = 10; pid < 50; pid++) {
                char path[32], stat[256];
                (void) snprintf(path, sizeof(path), "%d/stat", pid);
                (void) snprintf(stat, sizeof(stat),
                        "%d (%063d) S %d 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 9\n", pid, pid,
                        pid - 1);
                procfs_tree_put(&test->tree, path, stat);
        }
        const char *text = ancestry_of(test, 49);
        const size_t length = strlen(text);
        assert_in_range(length, PROCESS_ANCESTRY_MAX - 100, PROCESS_ANCESTRY_MAX - 1);
        assert_string_equal(text + length - 6, " < \u2026");
}

static void test_process_snapshot_ancestry_of_a_loop_ends(void **state) {
        SnapshotTest *test = *state;

        procfs_tree_put(&test->tree, "30/stat", "30 (a) " STAT_REST("S", 31, 5));
        procfs_tree_put(&test->tree, "31/stat", "31 (b) " STAT_REST("S", 30, 5));
        assert_memory_equal(ancestry_of(test, 30), "a(30) < b(31) < a(30) < ", 24);
}

/* ---- JSON ---- */

/* Parses what was written, strictly. */
static json_object *parse_again(SnapshotTest *test) {
        const char *text = json_object_to_json_string_ext(test->json, JSON_C_TO_STRING_PLAIN);
        json_tokener *tokener = json_tokener_new();

        assert_non_null(tokener);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        (void) json_object_put(test->parsed);
        test->parsed = json_tokener_parse_ex(tokener, text, (int) strlen(text) + 1);
        enum json_tokener_error error = json_tokener_get_error(tokener);
        json_tokener_free(tokener);
        if (error != json_tokener_success)
                print_error("%s\n", text);
        assert_int_equal(error, json_tokener_success);
        return test->parsed;
}

static const char *json_text(json_object *object, const char *key) {
        return json_object_get_string(json_object_object_get(object, key));
}

static void test_process_snapshot_to_json_has_the_seeds_keys(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        test->json = process_snapshot_to_json(&test->snapshot, CMDLINE_REDACTED, 300);
        assert_string_equal(json_object_to_json_string_ext(test->json,
                                    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                "{\"pid\":812,\"name\":\"kill\",\"state\":\"S (sleeping)\",\"ppid\":640,"
                "\"start_time\":5000,\"uid\":\"1000\",\"tracer_pid\":77,\"loginuid\":1001,"
                "\"cmdline\":\"kill -TERM 100\",\"exe\":\"/usr/bin/kill\","
                "\"unit\":\"session-3.scope\",\"session\":\"3\"}");
}

static void test_process_snapshot_to_json_in_mode_comm_has_names_only(void **state) {
        SnapshotTest *test = *state;

        put_kill(&test->tree);
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        test->json = process_snapshot_to_json(&test->snapshot, CMDLINE_COMM, 300);
        assert_string_equal(json_text(test->json, "cmdline"), "kill");
        assert_null(json_object_object_get(test->json, "exe"));
        assert_null(strstr(json_object_to_json_string(test->json), "TERM"));
}

static void test_process_snapshot_to_json_is_valid_for_every_byte(void **state) {
        SnapshotTest *test = *state;

        procfs_tree_put_process(&test->tree, PID, PARENT, 'S');
        assert_int_equal(process_snapshot_read(&test->snapshot, test->tree.fd, PID), 0);
        for (int byte = 1; byte < 256; byte++) {
                ProcessSnapshot *snapshot = &test->snapshot;
                snapshot->info.comm[0] = (char) byte;
                snapshot->info.state = (char) byte;
                snapshot->exe[0] = (char) byte;
                snapshot->exe[1] = '\0';
                snapshot->cmdline_size = 3;
                memcpy(snapshot->cmdline, (char[]){ 'a', (char) byte, '\0' }, 3);

                (void) json_object_put(test->json);
                test->json = process_snapshot_to_json(snapshot, CMDLINE_FULL, 300);
                json_object *again = parse_again(test);
                if (byte < 0x80) {
                        assert_int_equal(json_text(again, "name")[0], byte);
                        assert_int_equal(json_text(again, "exe")[0], byte);
                } else
                        assert_memory_equal(json_text(again, "name"), "\uFFFD", 3);
        }
}

static void test_process_snapshot_to_json_of_full_buffers_is_valid(void **state) {
        SnapshotTest *test = *state;
        ProcessSnapshot *snapshot = &test->snapshot;

        process_snapshot_init(snapshot, PID);
        snapshot->has_info = true;
        memset(snapshot->info.comm, 0xff, sizeof(snapshot->info.comm) - 1);
        memset(snapshot->exe, 0xff, sizeof(snapshot->exe) - 1);
        snapshot->exe[sizeof(snapshot->exe) - 1] = '\0';
        memset(snapshot->cmdline, 0xff, sizeof(snapshot->cmdline));
        snapshot->cmdline_size = sizeof(snapshot->cmdline);
        snapshot->is_cmdline_cut = true;
        test->json = process_snapshot_to_json(snapshot, CMDLINE_FULL, PROCESS_CMDLINE_MAX);
        json_object *again = parse_again(test);
        assert_int_equal(strlen(json_text(again, "exe")), 3 * (PROCESS_EXE_MAX - 1));
        assert_true(strlen(json_text(again, "cmdline")) <= PROCESS_CMDLINE_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                snapshot_test(test_process_snapshot_ancestry_goes_beyond_the_session_leader),
                snapshot_test(test_process_snapshot_ancestry_without_a_leader_ends_below_pid_1),
                snapshot_test(test_process_snapshot_ancestry_does_not_believe_a_younger_parent),
                snapshot_test(test_process_snapshot_ancestry_with_a_vanished_parent_ends_unknown),
                snapshot_test(test_process_snapshot_ancestry_names_are_made_readable),
                snapshot_test(test_process_snapshot_ancestry_has_at_most_32),
                snapshot_test(test_process_snapshot_ancestry_of_long_names_fits),
                snapshot_test(test_process_snapshot_ancestry_of_a_loop_ends),
                snapshot_test(test_process_snapshot_to_json_has_the_seeds_keys),
                snapshot_test(test_process_snapshot_to_json_in_mode_comm_has_names_only),
                snapshot_test(test_process_snapshot_to_json_is_valid_for_every_byte),
                snapshot_test(test_process_snapshot_to_json_of_full_buffers_is_valid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
