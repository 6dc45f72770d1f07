/* SPDX-License-Identifier: MIT */
#pragma once

/* Real journal files for tests: entries are written in the export format, trusted fields, times and boot
 * ids included, and systemd-journal-remote makes a file of them. Include after cmocka.h.
 *
 *     fixture_journal_begin();
 *     fixture_started("_PID", "77", NULL);
 *     fixture_stopped("_PID", "77", "GATEWATCH_OUTCOME", "killed", NULL);
 *     fixture_journal_finish("a.journal");
 *
 * Paths are below fixture_directory, which journal_setup() makes and journal_teardown() removes.
 * Source: systemd.io/JOURNAL_EXPORT_FORMATS, systemd-journal-remote(8). */

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "byte-buffer.h"
#include "usec.h"

#define FIXTURE_BOOT_ID    "b0010000000000000000000000000001"
#define FIXTURE_MACHINE_ID "a0010000000000000000000000000001"
#define FIXTURE_RUN_ID     "c0010000000000000000000000000001"
#define FIXTURE_UNIT       "hermes.service"
#define FIXTURE_REALTIME   UINT64_C(1763712000000000) /* Fri 2025-11-21 08:00:00 UTC */
#define FIXTURE_MONOTONIC  UINT64_C(3600000000)

static char fixture_directory[64];
static ByteBuffer fixture_text;
/* Of the next record that does not set its own; each moves them on by a second. */
static usec_t fixture_realtime_usec, fixture_monotonic_usec;

/* A value in a list of fields: that one is to be missing. Told by its address. */
static const char fixture_without[] = "(without)";

/* ---- The text -------------------------------------------------------------------------------- */

_unused_ static void fixture_journal_begin(void) {
        byte_buffer_done(&fixture_text);
        fixture_realtime_usec = FIXTURE_REALTIME;
        fixture_monotonic_usec = FIXTURE_MONOTONIC;
}

/* Ends the entry before it. */
_unused_ static void fixture_entry(
        usec_t realtime_usec, usec_t monotonic_usec, const char *boot_id) {
        char text[160];

        (void) snprintf(text, sizeof(text),
                "%s__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64
                "\n_BOOT_ID=%s\n",
                fixture_text.size > 0 ? "\n" : "", realtime_usec, monotonic_usec, boot_id);
        byte_buffer_append_text(&fixture_text, text);
}

/* Any bytes: always in the format's binary form. */
_unused_ static void fixture_field(const char *name, const void *value, size_t size) {
        unsigned char length[8];

        for (size_t i = 0; i < sizeof(length); i++)
                length[i] = (unsigned char) ((uint64_t) size >> (8 * i));
        byte_buffer_append_text(&fixture_text, name);
        byte_buffer_append(&fixture_text, "\n", 1);
        byte_buffer_append(&fixture_text, length, sizeof(length));
        byte_buffer_append(&fixture_text, value, size);
        byte_buffer_append(&fixture_text, "\n", 1);
}

_unused_ static void fixture_string(const char *name, const char *value) {
        fixture_field(name, value, strlen(value));
}

/* ---- Records --------------------------------------------------------------------------------- */

#define FIXTURE_FIELDS_MAX 96

typedef struct FixtureFields {
        const char *names[FIXTURE_FIELDS_MAX], *values[FIXTURE_FIELDS_MAX];
        bool is_own[FIXTURE_FIELDS_MAX]; /* set by the test */
        size_t n;
} FixtureFields;

static void fixture_fields_set(
        FixtureFields *fields, const char *name, const char *value, bool is_own) {
        size_t i = 0;

        /* A field that the test names twice is there twice. */
        while (i < fields->n && (strcmp(fields->names[i], name) != 0 || fields->is_own[i]))
                i++;
        if (i == fields->n && fields->n++ == FIXTURE_FIELDS_MAX)
                fail_msg("too many fields");
        fields->names[i] = name;
        fields->values[i] = value;
        fields->is_own[i] = is_own;
}

static void fixture_fields_set_all(FixtureFields *fields, const char *const pairs[]) {
        for (size_t i = 0; pairs[i]; i += 2)
                fixture_fields_set(fields, pairs[i], pairs[i + 1], /* is_own= */ false);
}

static void fixture_fields_set_own(FixtureFields *fields, va_list list) {
        const char *name;

        while ((name = va_arg(list, const char *)))
                fixture_fields_set(fields, name, va_arg(list, const char *), /* is_own= */ true);
}

/* Takes what is no field of the entry but of the format. */
static const char *fixture_fields_take(FixtureFields *fields, const char *name) {
        for (size_t i = 0; i < fields->n; i++)
                if (strcmp(fields->names[i], name) == 0 && fields->values[i] != fixture_without) {
                        const char *value = fields->values[i];

                        fields->values[i] = fixture_without;
                        return value;
                }
        return NULL;
}

static usec_t fixture_number(const char *value, usec_t otherwise) {
        return value ? strtoull(value, NULL, 10) : otherwise;
}

static void fixture_fields_write(FixtureFields *fields) {
        const char *realtime = fixture_fields_take(fields, "__REALTIME_TIMESTAMP");
        const char *monotonic = fixture_fields_take(fields, "__MONOTONIC_TIMESTAMP");
        const char *boot_id = fixture_fields_take(fields, "_BOOT_ID");

        fixture_realtime_usec = fixture_number(realtime, fixture_realtime_usec);
        fixture_monotonic_usec = fixture_number(monotonic, fixture_monotonic_usec);
        fixture_entry(fixture_realtime_usec, fixture_monotonic_usec, boot_id ?: FIXTURE_BOOT_ID);
        for (size_t i = 0; i < fields->n; i++)
                if (fields->values[i] != fixture_without)
                        fixture_string(fields->names[i], fields->values[i]);
        fixture_realtime_usec += USEC_PER_SEC;
        fixture_monotonic_usec += USEC_PER_SEC;
}

/* What the journal vouches for, and every record has. */
static const char *const fixture_common_fields[] = {
        "_MACHINE_ID",
        FIXTURE_MACHINE_ID,
        "_HOSTNAME",
        "gw1",
        "_TRANSPORT",
        "journal",
        "_PID",
        "4711",
        "_UID",
        "990",
        "_GID",
        "990",
        "_COMM",
        "gatewatch",
        "_EXE",
        "/usr/bin/gatewatch",
        "_CMDLINE",
        "gatewatch run -- hermes",
        "_SYSTEMD_UNIT",
        FIXTURE_UNIT,
        "_SYSTEMD_CGROUP",
        "/system.slice/" FIXTURE_UNIT,
        "_SYSTEMD_SLICE",
        "system.slice",
        "_SYSTEMD_INVOCATION_ID",
        FIXTURE_RUN_ID,
        "SYSLOG_IDENTIFIER",
        "gatewatch",
        "PRIORITY",
        "6",
        "GATEWATCH_NAME",
        "hermes",
        "GATEWATCH_RUN_ID",
        FIXTURE_RUN_ID,
        "GATEWATCH_PID",
        "4712",
        NULL,
};

static const char *const fixture_started_fields[] = {
        "MESSAGE",
        "Gateway hermes started as pid 4712 (drain 1min, headroom 30s)",
        "MESSAGE_ID",
        "d540f6a974a5488590271784fa955712",
        "GATEWATCH_EVENT",
        "started",
        "GATEWATCH_COMMAND",
        "python3 -m hermes --token=***",
        "GATEWATCH_DRAIN_USEC",
        "60000000",
        "GATEWATCH_HEADROOM_USEC",
        "30000000",
        "GATEWATCH_UNIT",
        FIXTURE_UNIT,
        "GATEWATCH_SCHEDULE",
        "drain:SIGTERM:main:60s,term:SIGTERM:all:10s,kill:SIGKILL:all:10s",
        "GATEWATCH_MANAGER",
        "system",
        "GATEWATCH_SENDER_CAPTURE",
        "realtime",
        NULL,
};

static const char *const fixture_stopped_fields[] = {
        "MESSAGE",
        "Gateway hermes stopped (stop): clean, exit status 0, 1.5s after it was asked to",
        "MESSAGE_ID",
        "a0e6684b50c347e985c058a0cf3892a5",
        "GATEWATCH_EVENT",
        "stopped",
        "GATEWATCH_UPTIME_USEC",
        "7200000000",
        "GATEWATCH_CAUSE",
        "stop",
        "GATEWATCH_CAUSE_DETAIL",
        "systemd was asked to stop the unit",
        "GATEWATCH_OUTCOME",
        "clean",
        "GATEWATCH_EXIT_CODE",
        "exited",
        "GATEWATCH_EXIT_STATUS",
        "0",
        "GATEWATCH_SIGNAL",
        "SIGTERM",
        "GATEWATCH_SIGNAL_NUMBER",
        "15",
        "GATEWATCH_SENDER_STATE",
        "manager",
        "GATEWATCH_SENDER_CODE",
        "SI_USER",
        "GATEWATCH_SENDER_PID",
        "1",
        "GATEWATCH_SENDER_UID",
        "0",
        "GATEWATCH_SENDER_COMM",
        "systemd",
        "GATEWATCH_REQUESTER_PID",
        "812",
        "GATEWATCH_REQUESTER_UID",
        "0",
        "GATEWATCH_REQUESTER_COMM",
        "systemctl",
        "GATEWATCH_REQUESTER_CMDLINE",
        "systemctl stop hermes",
        "GATEWATCH_REQUESTER_VERB",
        "stop",
        "GATEWATCH_REQUESTER_LOGINUID",
        "1000",
        "GATEWATCH_REQUESTER_UNIT",
        "session-3.scope",
        "GATEWATCH_REQUESTER_ANCESTRY",
        "systemctl(812) < bash(640) < sshd(600)",
        "GATEWATCH_PHASES",
        "[{\"name\":\"drain\",\"usec\":1500000,\"timed_out\":false}]",
        "GATEWATCH_DRAIN_USED_USEC",
        "1500000",
        "GATEWATCH_TOTAL_USEC",
        "1500000",
        "GATEWATCH_ACTIVE_AT_START",
        "3",
        "GATEWATCH_ACTIVE_NOW",
        "0",
        "GATEWATCH_ACTIVE_SOURCE",
        "gateway",
        "GATEWATCH_OOM_KILLS",
        "0",
        "GATEWATCH_DRAIN_USEC",
        "60000000",
        "GATEWATCH_HEADROOM_USEC",
        "30000000",
        "GATEWATCH_TIMEOUT_STOP_USEC",
        "90000000",
        "GATEWATCH_UNIT",
        FIXTURE_UNIT,
        "GATEWATCH_RECORDED_BY",
        "run",
        NULL,
};

/* Records as gatewatch writes them in a service of the system manager. Then come pairs of a name and a value,
 * which replace a field, add one, or take it away (fixture_without), and NULL. Times and boot are set with
 * "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP" and "_BOOT_ID". */
_unused_ static void fixture_started(const char *name, ...) {
        FixtureFields fields = {};
        va_list list;

        fixture_fields_set_all(&fields, fixture_common_fields);
        fixture_fields_set_all(&fields, fixture_started_fields);
        va_start(list, name);
        if (name) {
                fixture_fields_set(&fields, name, va_arg(list, const char *), /* is_own= */ true);
                fixture_fields_set_own(&fields, list);
        }
        va_end(list);
        fixture_fields_write(&fields);
}

_unused_ static void fixture_stopped(const char *name, ...) {
        FixtureFields fields = {};
        va_list list;

        fixture_fields_set_all(&fields, fixture_common_fields);
        fixture_fields_set_all(&fields, fixture_stopped_fields);
        va_start(list, name);
        if (name) {
                fixture_fields_set(&fields, name, va_arg(list, const char *), /* is_own= */ true);
                fixture_fields_set_own(&fields, list);
        }
        va_end(list);
        fixture_fields_write(&fields);
}

/* Any other entry: of gatewatch with what the pairs say (at least "MESSAGE_ID"). */
_unused_ static void fixture_record(const char *name, ...) {
        FixtureFields fields = {};
        va_list list;

        fixture_fields_set_all(&fields, fixture_common_fields);
        va_start(list, name);
        fixture_fields_set(&fields, name, va_arg(list, const char *), /* is_own= */ true);
        fixture_fields_set_own(&fields, list);
        va_end(list);
        fixture_fields_write(&fields);
}

/* An entry with nothing but what the pairs say: of PID 1, the kernel, a stranger. */
_unused_ static void fixture_foreign(const char *name, ...) {
        FixtureFields fields = {};
        va_list list;

        va_start(list, name);
        fixture_fields_set(&fields, name, va_arg(list, const char *), /* is_own= */ true);
        fixture_fields_set_own(&fields, list);
        va_end(list);
        fixture_fields_write(&fields);
}

/* ---- The file -------------------------------------------------------------------------------- */

static const char *fixture_remote(void) {
        static const char *const paths[] = {
                "/usr/lib/systemd/systemd-journal-remote",
                "/lib/systemd/systemd-journal-remote",
        };

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (access(paths[i], X_OK) == 0)
                        return paths[i];
        return NULL;
}

/* Starts it on what input_fd gives. Returns: its pid. */
_unused_ static pid_t fixture_remote_start(const char *path, int input_fd) {
        const char *program = fixture_remote();
        char output[PATH_MAX];
        pid_t pid;

        if (!program)
                skip(); /* the package systemd-journal-remote is not installed */
        (void) snprintf(output, sizeof(output), "--output=%s/%s", fixture_directory, path);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

                if (dup2(input_fd, STDIN_FILENO) >= 0 && dup2(null_fd, STDERR_FILENO) >= 0)
                        (void) execl(program, program, output, "-", NULL);
                _exit(127);
        }
        return pid;
}

_unused_ static void fixture_remote_wait(pid_t pid) {
        int status = -1;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

/* Makes the file of what was written since fixture_journal_begin(). Its name has to end in ".journal". */
_unused_ static void fixture_journal_finish(const char *path) {
        int fd = memfd_create("journal", MFD_CLOEXEC);
        pid_t pid;

        assert_true(fd >= 0);
        byte_buffer_append(&fixture_text, "\n", 1);
        assert_false(fixture_text.is_failed);
        assert_int_equal(write(fd, fixture_text.data, fixture_text.size), fixture_text.size);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        pid = fixture_remote_start(path, fd);
        (void) close(fd);
        fixture_remote_wait(pid);
        byte_buffer_done(&fixture_text);
}

/* ---- Setup ----------------------------------------------------------------------------------- */

/* The file's absolute path, in one of two buffers that are used in turn. */
_unused_ static const char *fixture_path(const char *path) {
        static char buffers[2][PATH_MAX];
        static unsigned n_used;
        char *buffer = buffers[n_used++ % ELEMENTSOF(buffers)];

        (void) snprintf(buffer, PATH_MAX, "%s/%s", fixture_directory, path);
        return buffer;
}

_unused_ static int journal_setup(void **state) {
        strcpy(fixture_directory, "/tmp/test-journal.XXXXXX");
        return mkdtemp(fixture_directory) ? 0 : -1;
}

_unused_ static int journal_teardown(void **state) {
        int status = -1;
        pid_t pid = fork();

        byte_buffer_done(&fixture_text);
        if (pid == 0) {
                (void) execlp("rm", "rm", "-rf", "--", fixture_directory, NULL);
                _exit(127);
        }
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

#define journal_test(function) \
        cmocka_unit_test_setup_teardown(function, journal_setup, journal_teardown)
