/* SPDX-License-Identifier: MIT */
#pragma once

/* What tests of the shutdown context share: an injected /proc with ourselves, a parent, a sender and a
 * gateway in it, a directory for markers, a caught signal. Include after cmocka.h. */

#include <signal.h>

#include "forensics/shutdown-context.h"
#include "procfs-tree.h"

/* Beyond the kernel's largest pid: none of them is ours. */
#define PARENT  5000640
#define SENDER  5000812
#define SHELL   5000700
#define LOGIN   5000600
#define TRACER  5000077
#define GATEWAY 5000012

typedef struct ContextTest {
        ProcfsTree tree;
        int real_fd;   /* /proc */
        int marker_fd; /* the tree's "state" */
        ContextBase base;
        ShutdownContext context;
        CaughtSignal caught;
        ContextRequest request;
        Record *record;
        json_object *json;
        json_object *parsed;
} ContextTest;

_unused_ static void context_put_self(
        const ProcfsTree *tree, pid_t ppid, pid_t tracer_pid, const char *name) {
        char path[32], text[256];

        procfs_tree_put_process(tree, getpid(), ppid, 'S');
        (void) snprintf(path, sizeof(path), "%d/status", getpid());
        (void) snprintf(text, sizeof(text),
                "Name:\t%s\nState:\tR (running)\nPPid:\t%d\nTracerPid:\t%d\nUid:\t0\t0\t0\t0\n",
                name, ppid, tracer_pid);
        procfs_tree_put(tree, path, text);
}

/* pid: with a session of its own when is_leader. */
_unused_ static void context_put_process(
        const ProcfsTree *tree, pid_t pid, const char *comm, pid_t ppid, bool is_leader) {
        char path[32], text[256];

        (void) snprintf(path, sizeof(path), "%d/stat", pid);
        (void) snprintf(text, sizeof(text),
                "%d (%s) S %d 1 %d 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 4000\n", pid, comm, ppid,
                is_leader ? pid : SHELL);
        procfs_tree_put(tree, path, text);
}

_unused_ static void context_put_cmdline(
        const ProcfsTree *tree, pid_t pid, const char *data, size_t size) {
        char path[32];

        (void) snprintf(path, sizeof(path), "%d/cmdline", pid);
        procfs_tree_put_bytes(tree, path, data, size);
}

#define CMDLINE(text) text, sizeof(text)

_unused_ static int context_setup(void **state) {
        ContextTest *test = calloc(1, sizeof(ContextTest));

        if (!test)
                return -1;
        *state = test;
        test->base.status_fd = test->base.parent_fd = test->base.loadavg_fd = -EBADF;
        test->real_fd = proc_open_root("/proc");
        if (procfs_tree_init(&test->tree) < 0 || test->real_fd < 0 ||
                mkdirat(test->tree.fd, "state", 0700) < 0)
                return -1;
        test->marker_fd = openat(test->tree.fd, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        test->request = (ContextRequest){ .marker_fd = test->marker_fd };
        (void) unsetenv("INVOCATION_ID");
        (void) unsetenv("JOURNAL_STREAM");
        return test->marker_fd < 0 ? -1 : 0;
}

_unused_ static int context_teardown(void **state) {
        ContextTest *test = *state;

        context_base_done(&test->base);
        (void) json_object_put(test->json);
        (void) json_object_put(test->parsed);
        (void) record_free(test->record);
        (void) fd_close(test->marker_fd);
        (void) fd_close(test->real_fd);
        procfs_tree_done(&test->tree);
        (void) unsetenv("INVOCATION_ID");
        (void) unsetenv("JOURNAL_STREAM");
        free(test);
        return 0;
}

#define context_test(function) \
        cmocka_unit_test_setup_teardown(function, context_setup, context_teardown)

/* Ourselves under "systemd", and a gateway. */
_unused_ static void context_put_host(const ProcfsTree *tree) {
        context_put_self(tree, PARENT, 0, "gatewatch");
        context_put_process(tree, PARENT, "systemd", 1, true);
        context_put_cmdline(tree, PARENT, CMDLINE("/lib/systemd/systemd\0--user"));
        context_put_process(tree, GATEWAY, "hermes", getpid(), false);
        procfs_tree_put(tree, "loadavg", "0.42 0.30 0.20 1/234 5678\n");
}

/* "kill -TERM" from a login's shell, caught and described. */
_unused_ static void context_catch_kill(ContextTest *test) {
        context_put_process(&test->tree, LOGIN, "sshd", 1, true);
        context_put_process(&test->tree, SHELL, "bash", LOGIN, true);
        context_put_process(&test->tree, SENDER, "kill", SHELL, false);
        context_put_cmdline(&test->tree, SENDER,
                CMDLINE("kill\0-TERM\0"
                        "5000012"));
        test->caught = (CaughtSignal){
                .info = { .ssi_signo = SIGTERM,
                        .ssi_code = SI_USER,
                        .ssi_pid = SENDER,
                        .ssi_uid = 0 },
                .state = SENDER_ALIVE,
        };
        assert_int_equal(process_snapshot_read(&test->caught.sender, test->tree.fd, SENDER), 0);
        process_snapshot_init(&test->caught.parent, 0);
        test->request.caught = &test->caught;
        test->request.gateway_pid = GATEWAY;
}

/* All at once, from whatever root the base has. */
_unused_ static void context_take(ContextTest *test, CmdlineMode mode) {
        shutdown_context_take(&test->context, &test->base, &test->request);
        (void) json_object_put(test->json);
        test->json = shutdown_context_to_json(&test->context, &test->base, mode);
        assert_non_null(test->json);
        (void) record_free(test->record);
        test->record = record_new(RECORD_SIGNAL);
        shutdown_context_to_record(&test->context, &test->base, mode, test->record);
        assert_false(record_is_incomplete(test->record));
}

_unused_ static void context_begin(ContextTest *test, CmdlineMode mode) {
        context_base_init(&test->base, test->tree.fd);
        context_take(test, mode);
}

/* The text at a path of keys, as "sender.name"; NULL: not there. */
_unused_ static const char *context_json_text(const ContextTest *test, const char *path) {
        json_object *object = test->json;
        char key[64];

        while (object) {
                const char *dot = strchrnul(path, '.');
                (void) snprintf(key, sizeof(key), "%.*s", (int) (dot - path), path);
                if (!json_object_object_get_ex(object, key, &object))
                        return NULL;
                if (*dot == '\0')
                        break;
                path = dot + 1;
        }
        return json_object_get_string(object);
}

/* NULL: not there. */
_unused_ static void assert_optional_string(
        const char *what, const char *actual, const char *expected) {
        if (!actual != !expected || (actual && strcmp(actual, expected) != 0))
                print_error("%s: %s, not %s\n", what, actual ?: "-", expected ?: "-");
        if (expected) {
                assert_non_null(actual);
                assert_string_equal(actual ?: "", expected);
        } else
                assert_null(actual);
}

#define assert_field(test, name, expected) \
        assert_optional_string(name, record_get_value((test)->record, name), expected)

#define assert_json(test, path, expected) \
        assert_optional_string(path, context_json_text(test, path), expected)
