/* SPDX-License-Identifier: MIT */

/* One process of another, described while it is still there.
 *
 * The urgent part races with an exit: the command line goes first, because it goes with the address
 * space, then stat, which a zombie still has. Six system calls, each file read at once: the files of
 * procfs used here give all they have to one read(2) that has room for it.
 *
 * The rest is read through the process's own directory, opened once. Such a descriptor is bound to
 * the process, not to the number: after its end it finds nothing, whoever has the pid then. The start
 * time, read through it first, ties it to the urgent part, and as long as it still finds stat no
 * other process can have had the number meanwhile.
 *
 * What cannot be read stays empty, without a reason kept: a kernel thread has no executable, hidepid=
 * hides, a process in another user namespace may not be looked at. Nothing here judges what a process
 * is to us. Threads are not followed; the first one stands for the process. */

#include "process-snapshot.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "utf8.h"

#define PROCESS_TICK_USEC        (10 * USEC_PER_MSEC) /* USER_HZ is 100 wherever we run */
#define PROCESS_STAT_SIZE        2048
#define PROCESS_STATUS_SIZE      4096 /* what is looked for stands near the beginning */
#define PROCESS_ANCESTORS_MAX    32
#define PROCESS_PATH_MAX         64
#define PROCESS_ANCESTRY_UNKNOWN " < ?"
#define ELLIPSIS                 "\xe2\x80\xa6" /* U+2026 */
#define PROCESS_ANCESTRY_CUT     " < " ELLIPSIS
#define REPLACEMENT_CHARACTER    "\xef\xbf\xbd" /* U+FFFD */

void process_snapshot_init(ProcessSnapshot *snapshot, pid_t pid) {
        assert(snapshot);

        /* Not the buffers: clearing 6 KiB takes longer than some of the reads. */
        snapshot->pid = pid > 0 ? pid : 0;
        snapshot->has_info = false;
        snapshot->info = (ProcessInfo){};
        snapshot->has_uid = false;
        snapshot->uid = (uid_t) -1;
        snapshot->loginuid = PROCESS_LOGINUID_NONE;
        snapshot->tracer_pid = 0;
        snapshot->is_cmdline_cut = false;
        snapshot->cmdline_size = 0;
        snapshot->cmdline[0] = '\0';
        snapshot->exe[0] = '\0';
        snapshot->cgroup[0] = '\0';
}

/* ---- Reading ---- */

/* "PID/name", or "PID" when name is empty. */
static void process_path(char path[static PROCESS_PATH_MAX], pid_t pid, const char *name) {
        char digits[16];
        size_t n = 0;

        for (unsigned rest = (unsigned) pid; rest > 0 || n == 0; rest /= 10)
                digits[n++] = (char) ('0' + rest % 10);
        while (n > 0)
                *path++ = digits[--n];
        if (name[0] != '\0')
                *path++ = '/';
        (void) strcpy(path, name);
}

/* In one read(2). Returns: size, not NUL-terminated; negative errno. */
static ssize_t process_read_at(int dir_fd, const char *path, char *buffer, size_t size) {
        int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;

        ssize_t n;
        do
                n = read(fd, buffer, size);
        while (n < 0 && errno == EINTR);
        int r = n < 0 ? -errno : 0;
        (void) close(fd);
        return r < 0 ? r : n;
}

static int process_read_stat(int dir_fd, const char *path, ProcessInfo *ret_info) {
        char text[PROCESS_STAT_SIZE];

        ssize_t n = process_read_at(dir_fd, path, text, sizeof(text) - 1);
        if (n < 0)
                return (int) n;
        text[n] = '\0';
        return proc_parse_stat(text, ret_info);
}

static bool process_errno_is_gone(ssize_t r) {
        return r == -ENOENT || r == -ESRCH;
}

void process_snapshot_read_cmdline(ProcessSnapshot *snapshot, int proc_fd) {
        char path[PROCESS_PATH_MAX];

        assert(snapshot);
        assert(snapshot->pid > 0);

        process_path(path, snapshot->pid, "cmdline");
        ssize_t n = process_read_at(proc_fd, path, snapshot->cmdline, sizeof(snapshot->cmdline));
        snapshot->cmdline_size = n > 0 ? (size_t) n : 0;
        snapshot->is_cmdline_cut = n == sizeof(snapshot->cmdline);
}

int process_snapshot_read_info(ProcessSnapshot *snapshot, int proc_fd) {
        char path[PROCESS_PATH_MAX];
        ProcessInfo info;

        assert(snapshot);
        assert(snapshot->pid > 0);

        process_path(path, snapshot->pid, "stat");
        int r = process_read_stat(proc_fd, path, &info);
        if (process_errno_is_gone(r))
                return -ESRCH;
        snapshot->has_info = r >= 0 && info.pid == snapshot->pid;
        if (snapshot->has_info)
                snapshot->info = info;
        return 0;
}

int process_snapshot_read_urgent(ProcessSnapshot *snapshot, int proc_fd) {
        assert(snapshot);

        if (snapshot->pid <= 0)
                return -ESRCH;
        process_snapshot_read_cmdline(snapshot, proc_fd);
        return process_snapshot_read_info(snapshot, proc_fd);
}

/* A number at text, ended by white space. */
static bool process_parse_number(const char *text, uint32_t *ret_value) {
        uint64_t value = 0;

        if (!isdigit((unsigned char) *text))
                return false;
        for (; isdigit((unsigned char) *text); text++) {
                value = 10 * value + (uint64_t) (*text - '0');
                if (value > UINT32_MAX)
                        return false;
        }
        if (*text != '\0' && !isspace((unsigned char) *text))
                return false;
        *ret_value = (uint32_t) value;
        return true;
}

/* The number of a line of status; key: "\nUid:\t". The name stands in the first line, and the kernel
 * escapes newlines in it. */
static bool process_status_number(const char *text, const char *key, uint32_t *ret_value) {
        const char *line = strstr(text, key);

        return line && process_parse_number(line + strlen(key), ret_value);
}

static int process_read_status(ProcessSnapshot *snapshot, int dir_fd, const char *path) {
        char text[PROCESS_STATUS_SIZE];
        uint32_t tracer_pid;

        ssize_t n = process_read_at(dir_fd, path, text, sizeof(text) - 1);
        if (n < 0)
                return (int) n;
        text[n] = '\0';
        snapshot->has_uid = process_status_number(text, "\nUid:\t", &snapshot->uid);
        if (process_status_number(text, "\nTracerPid:\t", &tracer_pid) && tracer_pid <= INT32_MAX)
                snapshot->tracer_pid = (pid_t) tracer_pid;
        return 0;
}

int process_snapshot_read_status(ProcessSnapshot *snapshot, int proc_fd) {
        char path[PROCESS_PATH_MAX];

        assert(snapshot);

        if (snapshot->pid <= 0)
                return -ESRCH;
        process_path(path, snapshot->pid, "status");
        return process_read_status(snapshot, proc_fd, path);
}

static void process_read_loginuid(ProcessSnapshot *snapshot, int dir_fd) {
        char text[32];
        uid_t uid;

        ssize_t n = process_read_at(dir_fd, "loginuid", text, sizeof(text) - 1);
        if (n < 0)
                return;
        text[n] = '\0';
        if (process_parse_number(text, &uid))
                snapshot->loginuid = uid;
}

static void process_read_exe(ProcessSnapshot *snapshot, int dir_fd) {
        ssize_t n = readlinkat(dir_fd, "exe", snapshot->exe, sizeof(snapshot->exe) - 1);
        snapshot->exe[n > 0 ? n : 0] = '\0';
}

/* By its number, so dir_fd is asked afterwards whether that still was the same process. */
static void process_read_cgroup(ProcessSnapshot *snapshot, int proc_fd, int dir_fd) {
        if (proc_read_cgroup(proc_fd, snapshot->pid, snapshot->cgroup, sizeof(snapshot->cgroup)) <
                        0 ||
                faccessat(dir_fd, "stat", F_OK, 0) < 0)
                snapshot->cgroup[0] = '\0';
}

int process_snapshot_read_rest(ProcessSnapshot *snapshot, int proc_fd) {
        char path[PROCESS_PATH_MAX];

        assert(snapshot);

        if (snapshot->pid <= 0 || !snapshot->has_info)
                return -ESRCH;

        process_path(path, snapshot->pid, "");
        _cleanup_close_ int dir_fd = openat(proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ProcessInfo info;
        if (dir_fd < 0 || process_read_stat(dir_fd, "stat", &info) < 0 ||
                info.pid != snapshot->pid || info.start_ticks != snapshot->info.start_ticks)
                return -ESRCH;

        process_read_exe(snapshot, dir_fd);
        (void) process_read_status(snapshot, dir_fd, "status");
        process_read_loginuid(snapshot, dir_fd);
        process_read_cgroup(snapshot, proc_fd, dir_fd);
        return 0;
}

int process_snapshot_read(ProcessSnapshot *snapshot, int proc_fd, pid_t pid) {
        process_snapshot_init(snapshot, pid);
        int r = process_snapshot_read_urgent(snapshot, proc_fd);
        return r < 0 ? r : process_snapshot_read_rest(snapshot, proc_fd);
}

/* ---- Questions ---- */

bool process_snapshot_existed_at(const ProcessSnapshot *snapshot, usec_t at_boottime_usec) {
        assert(snapshot);

        return snapshot->has_info &&
                snapshot->info.start_ticks <= at_boottime_usec / PROCESS_TICK_USEC;
}

bool process_snapshot_is_alive(const ProcessSnapshot *snapshot) {
        assert(snapshot);

        return snapshot->has_info && proc_info_is_alive(&snapshot->info);
}

const char *process_snapshot_unit(
        const ProcessSnapshot *snapshot, char unit[static UNIT_NAME_MAX]) {
        assert(snapshot);

        CgroupUnit found;
        unit[0] = '\0';
        if (snapshot->cgroup[0] != '\0' && cgroup_path_to_unit(snapshot->cgroup, &found) >= 0 &&
                found.manager != UNIT_MANAGER_NONE)
                (void) strcpy(unit, found.unit);
        return unit;
}

const char *process_snapshot_session(
        const ProcessSnapshot *snapshot, char session[static UNIT_NAME_MAX]) {
        static const char prefix[] = "session-", suffix[] = ".scope";
        char unit[UNIT_NAME_MAX];

        (void) process_snapshot_unit(snapshot, unit);
        size_t length = strlen(unit), around = strlen(prefix) + strlen(suffix);

        session[0] = '\0';
        if (length > around && strncmp(unit, prefix, strlen(prefix)) == 0 &&
                strcmp(unit + length - strlen(suffix), suffix) == 0) {
                memcpy(session, unit + strlen(prefix), length - around);
                session[length - around] = '\0';
        }
        return session;
}

char *process_snapshot_cmdline(
        const ProcessSnapshot *snapshot, CmdlineMode mode, size_t max_bytes) {
        assert(snapshot);

        if (snapshot->cmdline_size == 0)
                return NULL;
        char *text = cmdline_join_raw(snapshot->cmdline, snapshot->cmdline_size, mode, max_bytes);

        /* The end of what was read is not the end of the line. */
        size_t size = text ? strlen(text) : 0;
        if (snapshot->is_cmdline_cut && mode != CMDLINE_COMM && size > 0 &&
                size + strlen(ELLIPSIS) <= max_bytes) {
                char *longer = realloc(text, size + sizeof(ELLIPSIS));
                if (longer) {
                        (void) strcpy(longer + size, ELLIPSIS);
                        text = longer;
                }
        }
        return text;
}

/* ---- Ancestry ---- */

/* "name(pid)" */
static void process_format_name(char *text, const ProcessInfo *info) {
        const size_t length = strlen(info->comm);

        for (size_t i = 0, n; i < length; i += n) {
                const char *c = info->comm + i;
                n = utf8_sequence_size(c, length - i);
                if (n == 0 || utf8_is_control(c, n)) {
                        n = n == 0 ? 1 : n;
                        *text++ = '?';
                } else
                        text = mempcpy(text, c, n);
        }
        (void) sprintf(text, "(%d)", info->pid);
}

/* Appends as long as what must follow then still fits. */
static bool process_append_ancestor(
        char text[static PROCESS_ANCESTRY_MAX], size_t *length, const ProcessInfo *info) {
        char name[PROC_COMM_MAX + sizeof(" < (2147483647)")] = "";

        if (*length > 0)
                (void) strcpy(name, " < ");
        process_format_name(name + strlen(name), info);

        const size_t n = strlen(name);
        if (*length + n + sizeof(PROCESS_ANCESTRY_CUT) > PROCESS_ANCESTRY_MAX)
                return false;
        memcpy(text + *length, name, n + 1);
        *length += n;
        return true;
}

const char *process_snapshot_ancestry(
        const ProcessSnapshot *snapshot, int proc_fd, char text[static PROCESS_ANCESTRY_MAX]) {
        assert(snapshot);

        text[0] = '\0';
        if (!snapshot->has_info)
                return text;

        ProcessInfo info = snapshot->info;
        size_t length = 0;
        bool is_last = false; /* the one above the session leader */
        for (size_t i = 0;; i++) {
                if (i == PROCESS_ANCESTORS_MAX || !process_append_ancestor(text, &length, &info)) {
                        (void) strcpy(text + length, PROCESS_ANCESTRY_CUT);
                        break;
                }
                if (is_last || info.ppid <= 1)
                        break;
                is_last = info.pid == snapshot->info.session;

                char path[PROCESS_PATH_MAX];
                ProcessInfo parent;
                process_path(path, info.ppid, "stat");
                if (process_read_stat(proc_fd, path, &parent) < 0 || parent.pid != info.ppid ||
                        parent.start_ticks > info.start_ticks) {
                        (void) strcpy(text + length, PROCESS_ANCESTRY_UNKNOWN);
                        break;
                }
                info = parent;
        }
        return text;
}

/* ---- JSON ---- */

/* Takes value. Nothing that is NULL gets in: json-c would write null. */
static bool process_json_add(json_object *object, const char *key, json_object *value) {
        if (value && json_object_object_add(object, key, value) == 0)
                return true;
        json_object_put(value);
        return false;
}

/* json-c escapes what JSON wants escaped, and takes the rest for UTF-8 as it is. */
static bool process_json_add_text(json_object *object, const char *key, const char *text) {
        char mended[3 * PROCESS_EXE_MAX];
        char *p = mended;
        const size_t length = strlen(text);

        assert(length < PROCESS_EXE_MAX);
        for (size_t i = 0, n; i < length; i += n) {
                n = utf8_sequence_size(text + i, length - i);
                if (n == 0) {
                        n = 1;
                        p = mempcpy(p, REPLACEMENT_CHARACTER, strlen(REPLACEMENT_CHARACTER));
                } else
                        p = mempcpy(p, text + i, n);
        }
        return process_json_add(
                object, key, json_object_new_string_len(mended, (int) (p - mended)));
}

/* As /proc/PID/status words it. */
static const char *process_state_to_string(char state) {
        static const char *const names[] = { "R (running)", "S (sleeping)", "D (disk sleep)",
                "T (stopped)", "t (tracing stop)", "X (dead)", "x (dead)", "Z (zombie)",
                "P (parked)", "I (idle)" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (names[i][0] == state)
                        return names[i];
        return NULL;
}

static bool process_json_add_info(json_object *object, const ProcessInfo *info) {
        const char *state = process_state_to_string(info->state);
        const char other[] = { info->state, '\0' };

        return process_json_add_text(object, "name", info->comm) &&
                process_json_add_text(object, "state", state ? state : other) &&
                process_json_add(object, "ppid", json_object_new_int(info->ppid)) &&
                process_json_add(object, "start_time", json_object_new_uint64(info->start_ticks));
}

static bool process_json_add_owner(json_object *object, const ProcessSnapshot *snapshot) {
        char uid[16];
        (void) snprintf(uid, sizeof(uid), "%u", snapshot->uid);

        if (snapshot->has_uid && !process_json_add_text(object, "uid", uid))
                return false;
        if (snapshot->tracer_pid > 0 &&
                !process_json_add(object, "tracer_pid", json_object_new_int(snapshot->tracer_pid)))
                return false;
        return snapshot->loginuid == PROCESS_LOGINUID_NONE ||
                process_json_add(object, "loginuid", json_object_new_int64(snapshot->loginuid));
}

static bool process_json_add_command(
        json_object *object, const ProcessSnapshot *snapshot, CmdlineMode mode, size_t max_bytes) {
        if (snapshot->cmdline_size > 0) {
                _cleanup_free_ char *cmdline = process_snapshot_cmdline(snapshot, mode, max_bytes);
                if (!cmdline ||
                        !process_json_add(object, "cmdline", json_object_new_string(cmdline)))
                        return false;
        }
        return mode == CMDLINE_COMM || snapshot->exe[0] == '\0' ||
                process_json_add_text(object, "exe", snapshot->exe);
}

static bool process_json_add_unit(json_object *object, const ProcessSnapshot *snapshot) {
        char name[UNIT_NAME_MAX];

        if (process_snapshot_unit(snapshot, name)[0] != '\0' &&
                !process_json_add_text(object, "unit", name))
                return false;
        return process_snapshot_session(snapshot, name)[0] == '\0' ||
                process_json_add_text(object, "session", name);
}

json_object *process_snapshot_to_json(
        const ProcessSnapshot *snapshot, CmdlineMode mode, size_t max_bytes) {
        assert(snapshot);

        if (snapshot->pid <= 0)
                return NULL;

        json_object *object = json_object_new_object();
        if (!object)
                return NULL;
        if (process_json_add(object, "pid", json_object_new_int(snapshot->pid)) &&
                (!snapshot->has_info || process_json_add_info(object, &snapshot->info)) &&
                process_json_add_owner(object, snapshot) &&
                process_json_add_command(object, snapshot, mode, max_bytes) &&
                process_json_add_unit(object, snapshot))
                return object;
        json_object_put(object);
        return NULL;
}
