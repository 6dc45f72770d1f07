/* SPDX-License-Identifier: MIT */

/* Three witnesses of a kill for want of memory, none of which says all:
 *
 *   memory.events   how many the kernel killed in a group, not whom
 *   user.oomd_*     how many systemd-oomd killed there (an xattr that it leaves on the group)
 *   the kernel log  whom the kernel killed, as text; not everybody may read it, and it is a ring
 *
 * Of the log only records of the kernel's own facility are believed: whoever may write to /dev/kmsg
 * chooses another one, the kernel sees to that. Its words are those of mm/oom_kill.c since Linux 5.1:
 * "Out of memory: Killed process 123 (comm) …", "Memory cgroup out of memory: Killed process 123
 * (comm) …", and a variant where vm.oom_kill_allocating_task is set.
 * Source: cgroup-v2.rst, "memory.events"; systemd-oomd.service(8); dev-kmsg ABI. */

#include "oom-evidence.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "cgroup.h"

#define OOM_LOG_RECORD_MAX 8192 /* CONSOLE_EXT_LOG_MAX of the kernel */
#define OOM_FACILITY_SHIFT 3
#define OOM_XATTR_MAX      32

/* More than a ring of the usual sizes holds; each read gives one record. */
#define OOM_LOG_READS_MAX 32768

#define OOM_INITIAL_PID_NAMESPACE 0xEFFFFFFCU

/* ---- Counters ---- */

static uint64_t oom_read_counter(int cgroup_fd, const char *file, const char *key) {
        uint64_t value;

        return cgroup_read_counter(cgroup_fd, file, key, &value) < 0 ? 0 : value;
}

/* The descriptor may be an O_PATH one, through which no xattr is read: by its name in /proc. */
static uint64_t oom_read_xattr(int cgroup_fd, const char *name) {
        char path[32], text[OOM_XATTR_MAX];
        char *end;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", cgroup_fd);
        ssize_t n = getxattr(path, name, text, sizeof(text) - 1);
        if (n <= 0 || !isdigit((unsigned char) text[0]))
                return 0;
        text[n] = '\0';
        errno = 0;
        uint64_t value = strtoull(text, &end, 10);
        return errno != 0 || *end != '\0' ? 0 : value;
}

void oom_counters_read(int cgroup_fd, OomCounters *ret_counters) {
        uint64_t value;

        assert(ret_counters);

        *ret_counters = (OomCounters){};
        if (cgroup_fd < 0)
                return;
        ret_counters->has_events =
                cgroup_read_counter(cgroup_fd, "memory.events", "oom_kill", &value) >= 0;
        if (ret_counters->has_events) {
                ret_counters->n_oom_kills = value;
                ret_counters->n_oom_group_kills =
                        oom_read_counter(cgroup_fd, "memory.events", "oom_group_kill");
                ret_counters->n_local_oom_kills =
                        oom_read_counter(cgroup_fd, "memory.events.local", "oom_kill");
        }
        ret_counters->n_oomd_kills = oom_read_xattr(cgroup_fd, "user.oomd_kill");
        ret_counters->n_oomd_ooms = oom_read_xattr(cgroup_fd, "user.oomd_ooms");
}

static uint64_t oom_since(uint64_t before, uint64_t now) {
        return now > before ? now - before : 0;
}

OomCounters oom_counters_since(const OomCounters *before, const OomCounters *now) {
        assert(before);
        assert(now);

        return (OomCounters){
                .has_events = now->has_events,
                .n_oom_kills = oom_since(before->n_oom_kills, now->n_oom_kills),
                .n_oom_group_kills = oom_since(before->n_oom_group_kills, now->n_oom_group_kills),
                .n_local_oom_kills = oom_since(before->n_local_oom_kills, now->n_local_oom_kills),
                .n_oomd_kills = oom_since(before->n_oomd_kills, now->n_oomd_kills),
                .n_oomd_ooms = oom_since(before->n_oomd_ooms, now->n_oomd_ooms),
        };
}

/* ---- The kernel's log ---- */

/* "priority,sequence,timestamp,flags[,…];text": the text; NULL: it is not of the kernel's facility. */
static const char *oom_log_text(const char *record) {
        char *end;

        if (!isdigit((unsigned char) *record))
                return NULL;
        unsigned long priority = strtoul(record, &end, 10);
        if (*end != ',' || priority >> OOM_FACILITY_SHIFT != 0)
                return NULL;
        const char *text = strchr(end, ';');
        return text ? text + 1 : NULL;
}

pid_t oom_log_parse(const char *record) {
        static const char *const beginnings[] = {
                "Out of memory: Killed process ",
                "Memory cgroup out of memory: Killed process ",
                "Out of memory (oom_kill_allocating_task): Killed process ",
        };

        assert(record);

        const char *text = oom_log_text(record);
        for (size_t i = 0; text && i < ELEMENTSOF(beginnings); i++) {
                size_t length = strlen(beginnings[i]);
                char *end;

                if (strncmp(text, beginnings[i], length) != 0 ||
                        !isdigit((unsigned char) text[length]))
                        continue;
                errno = 0;
                unsigned long pid = strtoul(text + length, &end, 10);
                if (errno == 0 && pid > 0 && pid <= INT_MAX && *end == ' ')
                        return (pid_t) pid;
        }
        return 0;
}

typedef struct OomSearch {
        pid_t pid;
        uint64_t n_records;
        uint64_t found_at; /* the last record that names it, counted from 1; 0: none */
        size_t n;          /* of bytes, not yet a whole line */
        char bytes[OOM_LOG_RECORD_MAX];
} OomSearch;

/* A record's further lines, " KEY=value", begin with a space. */
static void oom_search_take_line(OomSearch *search, const char *line) {
        if (!isdigit((unsigned char) *line))
                return;
        search->n_records++;
        if (oom_log_parse(line) == search->pid)
                search->found_at = search->n_records;
}

static void oom_search_take_lines(OomSearch *search) {
        char *line = search->bytes, *stop = search->bytes + search->n;

        for (char *end; (end = memchr(line, '\n', (size_t) (stop - line))); line = end + 1) {
                *end = '\0';
                oom_search_take_line(search, line);
        }
        search->n = (size_t) (stop - line);
        memmove(search->bytes, line, search->n);
        if (search->n == sizeof(search->bytes) - 1)
                search->n = 0; /* no line of the kernel's */
}

/* The log begins with its oldest record, and what is looked for stands at its end.
 * Returns: > 0: there is more; 0: this is the end. */
static int oom_search_read(OomSearch *search, int fd) {
        ssize_t n = read(fd, search->bytes + search->n, sizeof(search->bytes) - 1 - search->n);

        /* EPIPE: some were overwritten before they were read; EINVAL: this one is too long. Both times
         * the kernel goes on behind them. */
        if (n < 0)
                return errno == EPIPE || errno == EINVAL || errno == EINTR;
        search->n += (size_t) n;
        oom_search_take_lines(search);
        if (n > 0)
                return 1;
        search->bytes[search->n] = '\0';
        oom_search_take_line(search, search->bytes);
        return 0;
}

/* Whether the pids in this log are those that we know processes by. The kernel's own log has the pids
 * of the initial namespace, whose inode number is fixed (PROC_PID_INIT_INO); a file is a test's. */
static bool oom_log_has_our_pids(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return false;
        return !S_ISCHR(st.st_mode) ||
                (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == OOM_INITIAL_PID_NAMESPACE);
}

int oom_log_names(const char *kmsg_path, pid_t pid) {
        OomSearch search = { .pid = pid };

        assert(kmsg_path);

        if (pid <= 0)
                return 0;
        _cleanup_close_ int fd = open(kmsg_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (!oom_log_has_our_pids(fd))
                return 0;
        for (unsigned n = 0; n < OOM_LOG_READS_MAX && oom_search_read(&search, fd) > 0; n++)
                ;
        return search.found_at > 0 && search.n_records - search.found_at < OOM_LOG_MESSAGES_MAX;
}
