/* SPDX-License-Identifier: MIT */

/* Three witnesses of a kill for want of memory, none of which says all:
 *
 *   memory.events   how many the kernel killed in a group, not whom
 *   user.oomd_*     how many systemd-oomd killed there (an xattr that it leaves on the group)
 *   the kernel log  whom the kernel killed, as text; not everybody may read it, and it is a ring
 *
 * Of the log only records of the kernel's own facility are believed: whoever may write to /dev/kmsg
 * chooses another one, the kernel sees to that. Its words are those of mm/oom_kill.c, the same since
 * Linux 4.x: "Out of memory: Killed process 123 (comm) …", "Memory cgroup out of memory: Killed
 * process 123 (comm) …".
 * Source: cgroup-v2.rst, "memory.events"; systemd-oomd.service(8); dev-kmsg ABI. */

#include "oom-evidence.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "cgroup.h"

#define OOM_LOG_RECORD_MAX 8192 /* CONSOLE_EXT_LOG_MAX of the kernel */
#define OOM_FACILITY_SHIFT 3
#define OOM_XATTR_MAX      32

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

/* A record may bring further lines, and a plain file has many records. */
static bool oom_log_has(const char *text, pid_t pid) {
        for (; text; text = strchr(text, '\n')) {
                text += *text == '\n';
                if (oom_log_parse(text) == pid)
                        return true;
        }
        return false;
}

int oom_log_names(const char *kmsg_path, pid_t pid) {
        char record[OOM_LOG_RECORD_MAX];

        assert(kmsg_path);

        if (pid <= 0)
                return 0;
        _cleanup_close_ int fd = open(kmsg_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        /* Each read gives one record; EPIPE says that some were overwritten before they were read. */
        for (unsigned n = 0; n < OOM_LOG_MESSAGES_MAX; n++) {
                ssize_t size = read(fd, record, sizeof(record) - 1);
                if (size < 0 && errno == EPIPE)
                        continue;
                if (size <= 0)
                        return 0;
                record[size] = '\0';
                if (oom_log_has(record, pid))
                        return 1;
        }
        return 0;
}
