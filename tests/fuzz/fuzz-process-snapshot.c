/* SPDX-License-Identifier: MIT */

/* Any bytes as what /proc holds of a process: stat, status, loginuid, cgroup and command line, each in a
 * file of an injected tree, separated in the input by a line "--". What is read is bounded, and what is
 * told of it is valid: JSON that parses strictly, an ancestry without control characters. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "process-snapshot.h"
#include "utf8.h"

#define PID       812
#define DIRECTORY "812"
#define SEPARATOR "\n--\n"

static const char *const file_names[] = {
        DIRECTORY "/stat",
        DIRECTORY "/status",
        DIRECTORY "/loginuid",
        DIRECTORY "/cgroup",
        DIRECTORY "/cmdline",
};

static char root_path[] = "/tmp/fuzz-process-XXXXXX";
static int root_fd = -EBADF;

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_remove_tree(void) {
        for (size_t i = 0; i < ELEMENTSOF(file_names); i++)
                (void) unlinkat(root_fd, file_names[i], 0);
        (void) unlinkat(root_fd, DIRECTORY, AT_REMOVEDIR);
        (void) rmdir(root_path);
        root_fd = fd_close(root_fd);
}

static void fuzz_make_tree(void) {
        fuzz_check(mkdtemp(root_path) != NULL);
        root_fd = proc_open_root(root_path);
        fuzz_check(root_fd >= 0 && mkdirat(root_fd, DIRECTORY, 0700) == 0);
        fuzz_check(atexit(fuzz_remove_tree) == 0);
}

static void fuzz_put(const char *name, const uint8_t *data, size_t size) {
        _cleanup_close_ int fd =
                openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        fuzz_check(fd >= 0);
        fuzz_check(size == 0 || write(fd, data, size) == (ssize_t) size);
}

static void fuzz_put_all(const uint8_t *data, size_t size) {
        for (size_t i = 0; i < ELEMENTSOF(file_names); i++) {
                const uint8_t *end = size > 0 && i + 1 < ELEMENTSOF(file_names)
                        ? memmem(data, size, SEPARATOR, strlen(SEPARATOR))
                        : NULL;
                size_t n = end ? (size_t) (end - data) : size;
                fuzz_put(file_names[i], data, n);
                data = end ? end + strlen(SEPARATOR) : NULL;
                size = end ? size - n - strlen(SEPARATOR) : 0;
        }
}

static void fuzz_check_text(const char *text) {
        const size_t size = strlen(text);

        for (size_t i = 0, n; i < size; i += n) {
                n = utf8_sequence_size(text + i, size - i);
                fuzz_check(n > 0 && (unsigned char) text[i] >= 0x20 && text[i] != 0x7f);
        }
}

static void fuzz_check_json(const ProcessSnapshot *snapshot, CmdlineMode mode) {
        json_object *object = process_snapshot_to_json(snapshot, mode, PROCESS_CMDLINE_MAX);
        fuzz_check(object != NULL);
        const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
        json_tokener *tokener = json_tokener_new();
        fuzz_check(tokener != NULL);

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        json_object *again = json_tokener_parse_ex(tokener, text, (int) strlen(text) + 1);
        fuzz_check(json_tokener_get_error(tokener) == json_tokener_success);
        fuzz_check(json_object_get_int(json_object_object_get(again, "pid")) == PID);
        fuzz_check(mode != CMDLINE_COMM || !json_object_object_get(again, "exe"));
        json_tokener_free(tokener);
        (void) json_object_put(again);
        (void) json_object_put(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ProcessSnapshot snapshot;
        char text[PROCESS_ANCESTRY_MAX], unit[UNIT_NAME_MAX];

        if (root_fd < 0)
                fuzz_make_tree();
        fuzz_put_all(data, size);

        memset(&snapshot, 0xa5, sizeof(snapshot));
        (void) process_snapshot_read(&snapshot, root_fd, PID);
        fuzz_check(snapshot.pid == PID);
        fuzz_check(!snapshot.has_info || snapshot.info.pid == PID);
        fuzz_check(snapshot.cmdline_size <= sizeof(snapshot.cmdline));
        fuzz_check(snapshot.tracer_pid >= 0);
        fuzz_check(strnlen(snapshot.cgroup, sizeof(snapshot.cgroup)) < sizeof(snapshot.cgroup));

        /* A link in a tree can hold no more than that either. */
        const size_t n_exe = size < sizeof(snapshot.exe) ? size : sizeof(snapshot.exe) - 1;
        if (n_exe > 0)
                memcpy(snapshot.exe, data, n_exe);
        snapshot.exe[n_exe] = '\0';

        fuzz_check_text(process_snapshot_ancestry(&snapshot, root_fd, text));
        fuzz_check_text(process_snapshot_unit(&snapshot, unit));
        fuzz_check_text(process_snapshot_session(&snapshot, unit));
        for (CmdlineMode mode = 0; mode < _CMDLINE_MODE_MAX; mode++)
                fuzz_check_json(&snapshot, mode);
        return 0;
}
