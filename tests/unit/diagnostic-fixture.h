/* SPDX-License-Identifier: MIT */
#pragma once

/* A diagnostic of an injected procfs, its log, and what the tests look at in it. Include after
 * cmocka.h. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "forensics/diagnostic-page.h"
#include "forensics/diagnostic.h"
#include "procfs-tree.h"

#define SUPERVISOR 5000500 /* above what the kernel gives: no pid of the test itself */
#define LOG_MAX    (4 * 1024 * 1024)
#define UID_NOBODY 65534

typedef struct Fixture {
        ProcfsTree tree; /* also holds the log's directory */
        DiagnosticRequest request;
        char directory[128]; /* of the log, not made yet */
        char *path;          /* as diagnostic_open_log() gave it */
        int log_fd;
        char *text; /* what is in a log */
        DiagnosticPage page;
        mode_t umask;
        int pipe_fds[2];
        sd_event *event;
        HelperProcess *helper;
        unsigned n_told;
        int status;
} Fixture;

_unused_ static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;

        *state = fixture;
        fixture->log_fd = fixture->page.fd = -EBADF;
        fixture->pipe_fds[0] = fixture->pipe_fds[1] = -EBADF;
        fixture->umask = umask(022);
        fixture->request = (DiagnosticRequest){
                .name = "hermes",
                .signal = "SIGTERM",
                .unit = "",
                .supervisor_pid = SUPERVISOR,
                .gateway_pid = SUPERVISOR + 1,
                .timeout_usec = 60 * USEC_PER_SEC,
                .sync_fds = { -EBADF, -EBADF },
        };
        if (procfs_tree_init(&fixture->tree) < 0 || sd_event_new(&fixture->event) < 0)
                return -1;
        (void) snprintf(
                fixture->directory, sizeof(fixture->directory), "%s/a/logs", fixture->tree.path);
        return 0;
}

_unused_ static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        (void) seteuid(getuid());
        (void) umask(fixture->umask);
        (void) helper_process_free(fixture->helper);
        (void) sd_event_unref(fixture->event);
        (void) fd_close(fixture->log_fd);
        (void) fd_close(fixture->pipe_fds[0]);
        (void) fd_close(fixture->pipe_fds[1]);
        (void) fd_close(fixture->page.fd);
        diagnostic_page_done(&fixture->page);
        procfs_tree_done(&fixture->tree);
        free(fixture->path);
        free(fixture->text);
        free(fixture);
        return 0;
}

_unused_ static void open_log(Fixture *fixture) {
        fixture->log_fd = fd_close(fixture->log_fd);
        free(fixture->path);
        fixture->log_fd = diagnostic_open_log(fixture->directory, &fixture->path);
        assert_true(fixture->log_fd >= 0);
}

_unused_ static const char *read_log(Fixture *fixture) {
        free(fixture->text);
        fixture->text = NULL;
        assert_int_equal(
                file_read_bounded(AT_FDCWD, fixture->path, LOG_MAX, &fixture->text, NULL), 0);
        return fixture->text;
}

/* The text that is made of the injected procfs. */
_unused_ static const char *write_log(Fixture *fixture) {
        open_log(fixture);
        assert_int_equal(ftruncate(fixture->log_fd, 0), 0);
        assert_int_equal(diagnostic_write(fixture->log_fd, fixture->tree.fd, &fixture->request), 0);
        return read_log(fixture);
}

_unused_ static void put_process(const Fixture *fixture, pid_t pid, pid_t ppid, char state,
        uint64_t cpu_ticks, const char *comm, const char *cmdline, size_t size) {
        char path[64], text[512];

        (void) snprintf(path, sizeof(path), "%d/stat", pid);
        (void) snprintf(text, sizeof(text),
                "%d (%s) %c %d 7 8 0 -1 0 0 0 0 0 %" PRIu64 " 0 0 0 20 0 1 0 10000\n", pid, comm,
                state, ppid, cpu_ticks);
        procfs_tree_put(&fixture->tree, path, text);
        (void) snprintf(path, sizeof(path), "%d/cmdline", pid);
        procfs_tree_put_bytes(&fixture->tree, path, cmdline, size);
}

#define put(fixture, pid, ppid, state, cpu_ticks, comm, cmdline)         \
        put_process(fixture, pid, ppid, state, cpu_ticks, comm, cmdline, \
                sizeof(cmdline) > 1 ? sizeof(cmdline) : 0)

/* A section's text, from its heading to the next empty line. Returns: malloc()ed. */
_unused_ static char *take_section(const char *text, const char *title) {
        char heading[128];

        (void) snprintf(heading, sizeof(heading), "\n--- %s ---\n", title);
        const char *begin = strstr(text, heading);
        assert_non_null(begin);
        begin += strlen(heading);
        const char *end = strstr(begin, "\n\n");
        assert_non_null(end);
        return strndup(begin, (size_t) (end + 1 - begin));
}

_unused_ static void assert_section_has(Fixture *fixture, const char *title, const char *expected) {
        _cleanup_free_ char *section = take_section(fixture->text, title);

        if (!strstr(section, expected))
                fail_msg("%s: no \"%s\" in\n%s", title, expected, section);
}

_unused_ static size_t count(const char *text, const char *what) {
        size_t n = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                n++;
        return n;
}
