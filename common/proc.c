/* SPDX-License-Identifier: MIT */

/* Processes as /proc shows them.
 *
 * A process is named by its pid and its start time (field 22 of stat); a pid alone may belong to
 * another process by the time it is used. Every read stands for itself: what is read together is
 * not one instant's picture, and every caller has to live with -ESRCH.
 *
 * Reading one process costs an open, two reads and a close, with buffers on the stack: this runs
 * while a process that sent a signal is about to vanish. Only lists and command lines are
 * malloc()ed.
 *
 * It does not cache, does not follow threads, and does not judge: redaction and what counts as the
 * gateway are others' work. Reading a command line takes the process's memory lock and may wait for
 * it; stat and cgroup never do. */

#include "proc.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "file.h"
#include "utf8.h"

#define PROC_STAT_SIZE        2048  /* 52 numbers and comm, which stands there as it is */
#define PROC_CGROUP_SIZE      16384 /* one line a hierarchy; legacy hosts have 13 */
#define PROC_CMDLINE_READ_MAX (1024UL * 1024UL)
#define PROC_ANCESTRY_MAX     4096
#define PROC_SETTLE_ROUNDS    3

/* Fields of stat by their numbers in proc(5). */
enum {
        STAT_PPID = 4,
        STAT_PGRP = 5,
        STAT_SESSION = 6,
        STAT_UTIME = 14,
        STAT_STIME = 15,
        STAT_THREADS = 20,
        STAT_START = 22,
};

int proc_open_root(const char *path) {
        assert(path);

        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static ssize_t proc_read_file(int proc_fd, pid_t pid, const char *name, char *buffer, size_t size) {
        char path[64];

        if (pid < 0)
                return -ESRCH;
        if (pid == 0)
                (void) snprintf(path, sizeof(path), "self/%s", name);
        else
                (void) snprintf(path, sizeof(path), "%d/%s", pid, name);

        ssize_t n = file_read_virtual(proc_fd, path, buffer, size);
        return n == -ENOENT ? -ESRCH : n;
}

/* ---- stat ---- */

/* Takes a decimal number of at most 64 bits off *text. Negative ones (tty_nr, tpgid, priority, and
 * pgrp and session of a process that is being reaped) come out as two's complement. */
static int proc_take_number(const char **text, uint64_t *ret_value) {
        const char *p = *text;
        bool is_negative = *p == '-';
        uint64_t value = 0;

        if (is_negative)
                p++;
        if (!isdigit((unsigned char) *p))
                return -EINVAL;
        for (; isdigit((unsigned char) *p); p++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value))
                        return -EINVAL;

        *text = p;
        *ret_value = is_negative ? -value : value;
        return 0;
}

static int proc_pid_from_number(uint64_t value, pid_t minimum, pid_t *ret_pid) {
        int64_t number = (int64_t) value;

        if (number < minimum || number > INT32_MAX)
                return -EINVAL;
        *ret_pid = (pid_t) number;
        return 0;
}

int proc_parse_stat(const char *text, ProcessInfo *ret_info) {
        assert(text);
        assert(ret_info);

        ProcessInfo info = {};
        uint64_t fields[STAT_START + 1] = {};
        const char *p = text;

        if (proc_take_number(&p, &fields[0]) < 0 ||
                proc_pid_from_number(fields[0], 1, &info.pid) < 0)
                return -EINVAL;

        /* Behind comm there are only numbers: its end is the last parenthesis, whatever it holds. */
        const char *comm_end = strrchr(p, ')');
        if (p[0] != ' ' || p[1] != '(' || !comm_end)
                return -EINVAL;
        p += 2;
        if (comm_end < p)
                return -EINVAL;
        size_t comm_length = (size_t) (comm_end - p);
        if (comm_length >= PROC_COMM_MAX)
                comm_length = PROC_COMM_MAX - 1;
        memcpy(info.comm, p, comm_length);

        p = comm_end + 1;
        if (p[0] != ' ' || !isalpha((unsigned char) p[1]))
                return -EINVAL;
        info.state = p[1];
        p += 2;

        for (size_t i = STAT_PPID; i <= STAT_START; i++)
                if (*p++ != ' ' || proc_take_number(&p, &fields[i]) < 0)
                        return -EINVAL;
        if (*p != ' ' && *p != '\n' && *p != '\0')
                return -EINVAL;

        if (proc_pid_from_number(fields[STAT_PPID], 0, &info.ppid) < 0 ||
                proc_pid_from_number(fields[STAT_PGRP], -1, &info.pgrp) < 0 ||
                proc_pid_from_number(fields[STAT_SESSION], -1, &info.session) < 0)
                return -EINVAL;
        info.cpu_ticks = fields[STAT_UTIME] + fields[STAT_STIME];
        info.n_threads = fields[STAT_THREADS];
        info.start_ticks = fields[STAT_START];

        *ret_info = info;
        return 0;
}

bool proc_info_is_alive(const ProcessInfo *info) {
        assert(info);

        if (info->state == 'Z')
                return info->n_threads > 1;
        return info->state != 'X' && info->state != 'x';
}

int proc_read_info(int proc_fd, pid_t pid, ProcessInfo *ret_info) {
        assert(ret_info);

        char text[PROC_STAT_SIZE];
        ProcessInfo info;

        if (pid <= 0)
                return -ESRCH;

        ssize_t n = proc_read_file(proc_fd, pid, "stat", text, sizeof(text));
        if (n < 0)
                return (int) n;
        int r = proc_parse_stat(text, &info);
        if (r < 0)
                return r;
        if (info.pid != pid)
                return -EINVAL;

        *ret_info = info;
        return 0;
}

/* ---- Lists ---- */

typedef struct ProcessList {
        ProcessInfo *items;
        size_t n;
        size_t n_allocated;
        bool is_sorted; /* by pid, as the real /proc is */
} ProcessList;

static int process_list_append(ProcessList *list, const ProcessInfo *info) {
        if (list->n == list->n_allocated) {
                size_t n_new = list->n_allocated > 0 ? 2 * list->n_allocated : 256;
                ProcessInfo *items = reallocarray(list->items, n_new, sizeof(ProcessInfo));
                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->n_allocated = n_new;
        }
        list->items[list->n++] = *info;
        return 0;
}

static bool process_list_check_sorted(const ProcessList *list) {
        for (size_t i = 1; i < list->n; i++)
                if (list->items[i - 1].pid >= list->items[i].pid)
                        return false;
        return true;
}

static int process_compare_pid(const void *a, const void *b) {
        const ProcessInfo *x = a, *y = b;

        return (x->pid > y->pid) - (x->pid < y->pid);
}

static ProcessInfo *process_list_find(const ProcessList *list, pid_t pid) {
        if (list->is_sorted) {
                ProcessInfo key = { .pid = pid };
                return bsearch(
                        &key, list->items, list->n, sizeof(ProcessInfo), process_compare_pid);
        }
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].pid == pid)
                        return &list->items[i];
        return NULL;
}

static pid_t proc_pid_from_name(const char *name) {
        uint64_t value;
        pid_t pid;

        if (!isdigit((unsigned char) *name) || proc_take_number(&name, &value) < 0 || *name != '\0')
                return 0;
        return proc_pid_from_number(value, 1, &pid) < 0 ? 0 : pid;
}

static bool proc_is_out_of_resources(int r) {
        return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

static int process_list_read(ProcessList *list, int proc_fd, DIR *directory) {
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        return -errno;

                ProcessInfo info;
                pid_t pid = proc_pid_from_name(entry->d_name);
                if (pid == 0)
                        continue;
                int r = proc_read_info(proc_fd, pid, &info);
                /* Out of descriptors, "no process" would be a lie. */
                if (proc_is_out_of_resources(r))
                        return r;
                if (r < 0)
                        continue;
                r = process_list_append(list, &info);
                if (r < 0)
                        return r;
        }
}

/* A process that was read before its parent ended, while the parent was not (yet) read when it did,
 * hangs in the air: /proc has given it a new parent meanwhile. Returns how many were read again. */
static size_t process_list_settle(ProcessList *list, int proc_fd) {
        size_t n_again = 0;

        for (size_t i = 0; i < list->n; i++) {
                ProcessInfo *info = &list->items[i];
                if (info->ppid == 0 || process_list_find(list, info->ppid))
                        continue;

                ProcessInfo again;
                if (proc_read_info(proc_fd, info->pid, &again) < 0 ||
                        again.start_ticks != info->start_ticks || again.ppid == info->ppid)
                        continue;
                *info = again;
                n_again++;
        }
        return n_again;
}

int proc_read_all(int proc_fd, ProcessInfo **ret_list, size_t *ret_n) {
        assert(ret_list);
        assert(ret_n);

        /* A description of its own: the position in the directory belongs to the description. */
        _cleanup_close_ int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        _cleanup_closedir_ DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        (void) TAKE_FD(fd);

        ProcessList list = {};
        int r = process_list_read(&list, proc_fd, directory);
        if (r < 0) {
                free(list.items);
                return r;
        }

        list.is_sorted = process_list_check_sorted(&list);
        for (size_t round = 0; round < PROC_SETTLE_ROUNDS; round++)
                if (process_list_settle(&list, proc_fd) == 0)
                        break;

        *ret_list = list.items;
        *ret_n = list.n;
        return 0;
}

/* ---- Descent ---- */

int proc_is_descendant(int proc_fd, pid_t pid, pid_t ancestor) {
        for (size_t step = 0; pid != ancestor && step < PROC_ANCESTRY_MAX; step++) {
                ProcessInfo info;
                int r = proc_read_info(proc_fd, pid, &info);
                if (r < 0)
                        return r;
                if (info.ppid == ancestor)
                        return 1;
                if (info.ppid == 0)
                        return 0;
                pid = info.ppid;
        }
        return 0;
}

/* While the list is sorted out, the last byte of comm, a NUL otherwise, holds the verdict. */
enum {
        DESCENT_UNKNOWN,
        DESCENT_YES,
        DESCENT_NO,
};

static char *process_descent(ProcessInfo *info) {
        return &info->comm[PROC_COMM_MAX - 1];
}

static void process_list_classify(const ProcessList *list, ProcessInfo *start, pid_t ancestor) {
        char verdict = DESCENT_UNKNOWN;
        ProcessInfo *info = start;

        for (size_t step = 0; verdict == DESCENT_UNKNOWN; step++) {
                if (!info || info->pid == ancestor || step > list->n)
                        verdict = DESCENT_NO;
                else if (*process_descent(info) != DESCENT_UNKNOWN)
                        verdict = *process_descent(info);
                else if (info->ppid == ancestor)
                        verdict = DESCENT_YES;
                else
                        info = process_list_find(list, info->ppid);
        }

        /* The same way again, so that none is walked more than once. */
        for (info = start; info && *process_descent(info) == DESCENT_UNKNOWN;
                info = process_list_find(list, info->ppid)) {
                *process_descent(info) = verdict;
                if (info->pid == ancestor || info->ppid == ancestor)
                        break;
        }
}

size_t proc_keep_descendants(ProcessInfo *items, size_t n, pid_t ancestor) {
        assert(items || n == 0);

        ProcessList list = { .items = items, .n = n };
        size_t n_kept = 0;

        list.is_sorted = process_list_check_sorted(&list);
        for (size_t i = 0; i < n; i++)
                process_list_classify(&list, &items[i], ancestor);

        for (size_t i = 0; i < n; i++) {
                bool is_kept = *process_descent(&items[i]) == DESCENT_YES;
                *process_descent(&items[i]) = '\0';
                if (!is_kept)
                        continue;
                ProcessInfo kept = items[i];
                items[i] = items[n_kept];
                items[n_kept++] = kept;
        }
        return n_kept;
}

/* ---- Command line ---- */

/* Appends raw bytes as UTF-8 as long as whole characters fit. Returns the new length. */
static size_t proc_append_text(
        char *text, size_t length, size_t max_bytes, const char *raw, size_t raw_size) {
        for (size_t i = 0; i < raw_size;) {
                size_t n_taken = utf8_sequence_size(raw + i, raw_size - i);
                size_t n_written = n_taken > 0 ? n_taken : strlen("\uFFFD");

                if (n_written > max_bytes - length)
                        break;
                if (raw[i] == '\0')
                        text[length] = ' ';
                else
                        memcpy(text + length, n_taken > 0 ? raw + i : "\uFFFD", n_written);
                length += n_written;
                i += n_taken > 0 ? n_taken : 1;
        }
        text[length] = '\0';
        return length;
}

int proc_read_cmdline(int proc_fd, pid_t pid, size_t max_bytes, char **ret_cmdline) {
        assert(ret_cmdline);

        if (pid <= 0)
                return -ESRCH;
        if (max_bytes > PROC_CMDLINE_READ_MAX)
                max_bytes = PROC_CMDLINE_READ_MAX;

        /* Some bytes beyond the cut, so that a character that lies across it is seen whole. */
        size_t raw_size = max_bytes + sizeof("\uFFFD") + 1;
        _cleanup_free_ char *raw = malloc(raw_size);
        _cleanup_free_ char *text = malloc(max_bytes + 1);
        if (!raw || !text)
                return -ENOMEM;

        ssize_t n = proc_read_file(proc_fd, pid, "cmdline", raw, raw_size);
        if (n < 0)
                return n == -EPERM ? -EACCES : (int) n;
        while (n > 0 && raw[n - 1] == '\0')
                n--;

        if (n > 0)
                (void) proc_append_text(text, 0, max_bytes, raw, (size_t) n);
        else {
                ProcessInfo info;
                int r = proc_read_info(proc_fd, pid, &info);
                if (r < 0)
                        return r == -EPERM ? -EACCES : r;
                size_t length = proc_append_text(text, 0, max_bytes, "[", 1);
                length = proc_append_text(text, length, max_bytes, info.comm, strlen(info.comm));
                (void) proc_append_text(text, length, max_bytes, "]", 1);
        }

        *ret_cmdline = TAKE_PTR(text);
        return 0;
}

/* ---- Control group ---- */

typedef struct CgroupLines {
        const char *unified; /* path in "0::PATH" */
        size_t unified_length;
        const char *systemd; /* path in "N:name=systemd:PATH" */
        size_t systemd_length;
} CgroupLines;

/* Only lines that are there to their end count: the text may be cut. */
static CgroupLines proc_split_cgroup(const char *text) {
        static const char systemd_name[] = "name=systemd:";
        CgroupLines lines = {};

        for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
                const char *name = strchr(text, ':');
                if (!name || name >= end)
                        continue;
                name++;
                if (strncmp(text, "0::", 3) == 0) {
                        lines.unified = text + 3;
                        lines.unified_length = (size_t) (end - lines.unified);
                } else if (strncmp(name, systemd_name, strlen(systemd_name)) == 0) {
                        lines.systemd = name + strlen(systemd_name);
                        lines.systemd_length = (size_t) (end - lines.systemd);
                }
        }
        return lines;
}

int proc_read_cgroup(int proc_fd, pid_t pid, char *ret_path, size_t size) {
        assert(ret_path);

        static const char deleted[] =
                " (deleted)"; /* cgroups(7): of a zombie whose group is gone */
        char text[PROC_CGROUP_SIZE];

        ssize_t n = proc_read_file(proc_fd, pid, "cgroup", text, sizeof(text));
        if (n < 0)
                return (int) n;

        CgroupLines lines = proc_split_cgroup(text);
        bool is_unified_root =
                lines.unified && lines.unified_length == 1 && lines.unified[0] == '/';
        const char *path = lines.unified;
        size_t length = lines.unified_length;
        if (lines.systemd && (!path || is_unified_root)) {
                path = lines.systemd;
                length = lines.systemd_length;
        }
        if (!path)
                return (size_t) n == sizeof(text) - 1 ? -ENAMETOOLONG : -ENODATA;

        size_t suffix = strlen(deleted);
        if (length > suffix && memcmp(path + length - suffix, deleted, suffix) == 0)
                length -= suffix;
        if (length >= size)
                return -ENAMETOOLONG;
        memcpy(ret_path, path, length);
        ret_path[length] = '\0';
        return 0;
}
