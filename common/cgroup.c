/* SPDX-License-Identifier: MIT */

/* Control groups (v2).
 *
 * Two things that have little but the name in common. First, a path is text: systemd puts every
 * unit into a group of its name, below the groups of its slices, so the path of a process tells its
 * unit, without asking anybody. Second, a group is a directory, handled by descriptors alone:
 * openat(2) and mkdirat(2) below the group's own fd cannot be led elsewhere by renames.
 *
 * Groups are walked downwards to a bounded depth. They change while they are walked; what vanishes
 * in between counts as empty.
 *
 * Not done here: moving processes (the payload is born in its group), limits, controllers, and the
 * legacy hierarchies. */

#include "cgroup.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "file.h"

#define CGROUP_COUNTERS_SIZE 8192 /* memory.stat, the longest, has 2 KiB */
#define CGROUP_DEPTH_MAX     32

static const char *const unit_manager_table[_UNIT_MANAGER_MAX] = {
        [UNIT_MANAGER_NONE] = "none",
        [UNIT_MANAGER_SYSTEM] = "system",
        [UNIT_MANAGER_USER] = "user",
};

const char *unit_manager_to_string(UnitManager manager) {
        if (manager < 0 || manager >= _UNIT_MANAGER_MAX)
                return NULL;
        return unit_manager_table[manager];
}

UnitManager unit_manager_from_string(const char *name) {
        if (!name)
                return _UNIT_MANAGER_INVALID;
        for (int i = 0; i < _UNIT_MANAGER_MAX; i++)
                if (strcmp(name, unit_manager_table[i]) == 0)
                        return (UnitManager) i;
        return _UNIT_MANAGER_INVALID;
}

/* ---- Paths ---- */

/* One component of a path; not NUL-terminated. */
typedef struct PathPart {
        const char *text;
        size_t length;
} PathPart;

/* The component at or after p; of length 0 at the path's end. */
static PathPart path_part_at(const char *p) {
        p += strspn(p, "/");
        return (PathPart){ .text = p, .length = strcspn(p, "/") };
}

static bool path_part_ends_with(PathPart part, const char *suffix) {
        size_t length = strlen(suffix);

        return part.length > length &&
                memcmp(part.text + part.length - length, suffix, length) == 0;
}

/* systemd puts an underscore before names that the kernel could mistake for its own files. */
static PathPart path_part_unescape(PathPart part) {
        if (part.length > 0 && part.text[0] == '_') {
                part.text++;
                part.length--;
        }
        return part;
}

/* Source: systemd.unit(5): letters, digits and ":-_.\", "@" before an instance; at most 255 bytes.
 * A template ("name@.service") is no unit. */
static bool path_part_is_unit_name(PathPart part) {
        const char *at = memchr(part.text, '@', part.length);
        const char *dot = memrchr(part.text, '.', part.length);

        if (part.length == 0 || part.length >= UNIT_NAME_MAX || !dot || dot == part.text)
                return false;
        if (at && (at == part.text || at + 1 == dot))
                return false;
        for (size_t i = 0; i < part.length; i++) {
                unsigned char c = (unsigned char) part.text[i];
                if (c >= 0x80 || (!isalnum(c) && !strchr(":-_.\\@", c)))
                        return false;
        }
        return true;
}

static bool path_part_is_slice(PathPart part) {
        PathPart name = path_part_unescape(part);

        return path_part_ends_with(name, ".slice") && path_part_is_unit_name(name);
}

static bool path_part_is_unit(PathPart part) {
        static const char *const types[] = { ".service", ".scope", ".socket", ".mount", ".swap" };
        PathPart name = path_part_unescape(part);

        if (!path_part_is_unit_name(name))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (path_part_ends_with(name, types[i]))
                        return true;
        return false;
}

/* "user@UID.service". Returns: the uid; (uid_t) -1: it is none. */
static uid_t path_part_to_owner(PathPart part) {
        static const char prefix[] = "user@", suffix[] = ".service";
        size_t begin = strlen(prefix);

        if (part.length <= begin + strlen(suffix) || memcmp(part.text, prefix, begin) != 0 ||
                !path_part_ends_with(part, suffix))
                return (uid_t) -1;

        uint64_t uid = 0;
        for (size_t i = begin; i < part.length - strlen(suffix); i++) {
                if (!isdigit((unsigned char) part.text[i]))
                        return (uid_t) -1;
                uid = 10 * uid + (uint64_t) (part.text[i] - '0');
                if (uid >= UINT32_MAX)
                        return (uid_t) -1;
        }
        return (uid_t) uid;
}

static PathPart path_skip_slices(const char *p) {
        PathPart part = path_part_at(p);

        while (path_part_is_slice(part))
                part = path_part_at(part.text + part.length);
        return part;
}

static void path_part_copy(char *name, PathPart part) {
        part = path_part_unescape(part);
        memcpy(name, part.text, part.length);
        name[part.length] = '\0';
}

int cgroup_path_to_unit(const char *cgroup_path, CgroupUnit *ret_unit) {
        assert(cgroup_path);
        assert(ret_unit);

        CgroupUnit unit = { .manager = UNIT_MANAGER_NONE, .owner_uid = (uid_t) -1 };
        PathPart part = path_skip_slices(cgroup_path);

        if (!path_part_is_unit(part)) {
                *ret_unit = unit;
                return 0;
        }

        unit.manager = UNIT_MANAGER_SYSTEM;
        uid_t owner_uid = path_part_to_owner(part);
        PathPart inner = path_skip_slices(part.text + part.length);
        if (owner_uid != (uid_t) -1 && path_part_is_unit(inner)) {
                unit.manager = UNIT_MANAGER_USER;
                unit.owner_uid = owner_uid;
                path_part_copy(unit.above, part);
                part = inner;
        }
        path_part_copy(unit.unit, part);

        size_t length = (size_t) (part.text + part.length - cgroup_path);
        if (length >= sizeof(unit.unit_cgroup_path))
                return -ENAMETOOLONG;
        memcpy(unit.unit_cgroup_path, cgroup_path, length);
        unit.unit_cgroup_path[length] = '\0';

        *ret_unit = unit;
        return 0;
}

/* ---- Groups ---- */

const char *cgroup_mount_point(void) {
        static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                struct statfs fs;
                if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
                        return places[i];
        }
        return NULL;
}

int cgroup_open(const char *mount_point, const char *cgroup_path) {
        assert(mount_point);
        assert(cgroup_path);

        /* "/../x" is how the kernel names a group above our cgroup namespace: not reachable here. */
        for (PathPart part = path_part_at(cgroup_path); part.length > 0;
                part = path_part_at(part.text + part.length))
                if (part.length == 2 && memcmp(part.text, "..", 2) == 0)
                        return -ENOENT;

        _cleanup_close_ int mount_fd = open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (mount_fd < 0)
                return -errno;
        cgroup_path += strspn(cgroup_path, "/");
        int fd = openat(mount_fd, *cgroup_path != '\0' ? cgroup_path : ".",
                O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* A descriptor that can be read, of one that may be O_PATH. */
static int cgroup_open_directory(int cgroup_fd, const char *name) {
        int fd = openat(cgroup_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Returns: the value's length; -ENODATA: none, or none that we may see; negative errno. */
static ssize_t cgroup_read_xattr(int fd, const char *name, char *buffer, size_t size) {
        ssize_t n = fgetxattr(fd, name, buffer, size - 1);
        if (n < 0) {
                bool is_absent =
                        errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM || errno == EACCES;
                return is_absent ? -ENODATA : -errno;
        }
        buffer[n] = '\0';
        return n;
}

int cgroup_is_delegated(int cgroup_fd) {
        /* trusted.* can only be read (and written) with CAP_SYS_ADMIN: it comes first, as in systemd.
         * user.* is written since systemd 251. */
        static const char *const names[] = { "trusted.delegate", "user.delegate" };

        _cleanup_close_ int fd = cgroup_open_directory(cgroup_fd, ".");
        if (fd < 0)
                return fd;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char value[8];
                ssize_t n = cgroup_read_xattr(fd, names[i], value, sizeof(value));
                if (n >= 0)
                        return strcmp(value, "1") == 0;
                if (n != -ENODATA && n != -ERANGE)
                        return (int) n;
        }

        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        return geteuid() != 0 && st.st_uid == geteuid();
}

int cgroup_get_invocation_id(int cgroup_fd, sd_id128_t *ret_id) {
        assert(ret_id);

        static const char *const names[] = { "trusted.invocation_id", "user.invocation_id" };

        _cleanup_close_ int fd = cgroup_open_directory(cgroup_fd, ".");
        if (fd < 0)
                return fd;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char value[SD_ID128_STRING_MAX];
                ssize_t n = cgroup_read_xattr(fd, names[i], value, sizeof(value));
                if (n == -ENODATA)
                        continue;
                if (n < 0)
                        return (int) n;
                if (n != SD_ID128_STRING_MAX - 1)
                        return -EINVAL;
                return sd_id128_from_string(value, ret_id);
        }
        return -ENODATA;
}

int cgroup_make_child(int cgroup_fd, const char *name) {
        assert(name);

        bool is_new = mkdirat(cgroup_fd, name, 0755) >= 0;
        if (!is_new && errno != EEXIST)
                return -errno;

        _cleanup_close_ int fd = cgroup_open_directory(cgroup_fd, name);
        if (fd < 0)
                return fd;
        if (!is_new) {
                int r = cgroup_is_populated(fd);
                if (r < 0)
                        return r;
                if (r > 0)
                        return -EBUSY;
        }
        return TAKE_FD(fd);
}

int cgroup_is_populated(int cgroup_fd) {
        uint64_t value;

        int r = cgroup_read_counter(cgroup_fd, "cgroup.events", "populated", &value);
        return r < 0 ? r : value != 0;
}

int cgroup_open_events(int cgroup_fd) {
        int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int cgroup_kill(int cgroup_fd) {
        return file_write_virtual(cgroup_fd, "cgroup.kill", "1");
}

/* ---- Walks ---- */

static bool cgroup_is_gone(int r) {
        return r == -ENOENT || r == -ENODEV;
}

typedef struct PidList {
        pid_t *items;
        size_t n;
        size_t n_allocated;
} PidList;

static int pid_list_append(PidList *list, pid_t pid) {
        if (list->n == list->n_allocated) {
                size_t n_new = list->n_allocated > 0 ? 2 * list->n_allocated : 64;
                pid_t *items = reallocarray(list->items, n_new, sizeof(pid_t));
                if (!items)
                        return -ENOMEM;
                list->items = items;
                list->n_allocated = n_new;
        }
        list->items[list->n++] = pid;
        return 0;
}

/* One pid a line; "0" is a process that our pid namespace does not know. A number may lie across
 * two reads. */
static int pid_list_read_file(PidList *list, int fd) {
        uint64_t pid = 0;

        for (;;) {
                char text[4096];
                ssize_t n = read(fd, text, sizeof(text));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;

                for (ssize_t i = 0; i < n; i++) {
                        if (isdigit((unsigned char) text[i])) {
                                pid = 10 * pid + (uint64_t) (text[i] - '0');
                                if (pid > INT32_MAX)
                                        return -EINVAL;
                                continue;
                        }
                        int r = pid > 0 ? pid_list_append(list, (pid_t) pid) : 0;
                        if (r < 0)
                                return r;
                        pid = 0;
                }
        }
}

static int pid_list_read_group(PidList *list, int cgroup_fd) {
        _cleanup_close_ int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        int r = pid_list_read_file(list, fd);
        /* A threaded group does not list processes: the group above it that is not threaded does. */
        return r == -EOPNOTSUPP || r == -ENODEV ? 0 : r;
}

/* The next sub-group of a directory that is being read, opened.
 * Returns: 1 and *ret_fd; 0: there is none; negative errno. */
static int cgroup_next_child(DIR *directory, char *ret_name, int *ret_fd) {
        for (;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        return errno == ENODEV ? 0 : -errno;
                if (entry->d_name[0] == '.' ||
                        (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
                        continue;

                int fd = cgroup_open_directory(dirfd(directory), entry->d_name);
                if (fd == -ENOTDIR || fd == -ELOOP || cgroup_is_gone(fd))
                        continue;
                if (fd < 0)
                        return fd;
                (void) strcpy(ret_name, entry->d_name);
                *ret_fd = fd;
                return 1;
        }
}

static int cgroup_open_stream(int cgroup_fd, DIR **ret_directory) {
        _cleanup_close_ int fd = cgroup_open_directory(cgroup_fd, ".");
        if (fd < 0)
                return fd;
        DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        (void) TAKE_FD(fd);
        *ret_directory = directory;
        return 0;
}

static int pid_list_read_tree(PidList *list, int cgroup_fd, size_t depth) {
        if (depth > CGROUP_DEPTH_MAX)
                return -ELOOP;

        int r = pid_list_read_group(list, cgroup_fd);
        if (r < 0)
                return r;

        _cleanup_closedir_ DIR *directory = NULL;
        r = cgroup_open_stream(cgroup_fd, &directory);
        if (r < 0)
                return r;
        for (;;) {
                char name[NAME_MAX + 1];
                _cleanup_close_ int child_fd = -EBADF;
                r = cgroup_next_child(directory, name, &child_fd);
                if (r <= 0)
                        return r;
                r = pid_list_read_tree(list, child_fd, depth + 1);
                if (r < 0 && !cgroup_is_gone(r))
                        return r;
        }
}

int cgroup_read_pids(int cgroup_fd, pid_t **ret_pids, size_t *ret_n) {
        assert(ret_pids);
        assert(ret_n);

        PidList list = {};
        int r = pid_list_read_tree(&list, cgroup_fd, 0);
        if (r < 0) {
                free(list.items);
                return r;
        }
        *ret_pids = list.items;
        *ret_n = list.n;
        return 0;
}

static int cgroup_remove_below(int cgroup_fd, size_t depth) {
        if (depth > CGROUP_DEPTH_MAX)
                return -ELOOP;

        _cleanup_closedir_ DIR *directory = NULL;
        int r = cgroup_open_stream(cgroup_fd, &directory);
        if (r < 0)
                return r;
        for (;;) {
                char name[NAME_MAX + 1];
                _cleanup_close_ int child_fd = -EBADF;
                r = cgroup_next_child(directory, name, &child_fd);
                if (r <= 0)
                        return r;
                r = cgroup_remove_below(child_fd, depth + 1);
                if (r < 0)
                        return r;
                if (unlinkat(cgroup_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                        return -errno;
        }
}

int cgroup_remove_child(int cgroup_fd, const char *name) {
        assert(name);

        _cleanup_close_ int fd = cgroup_open_directory(cgroup_fd, name);
        if (fd < 0)
                return fd;
        int r = cgroup_remove_below(fd, 1);
        if (r < 0)
                return r;
        return unlinkat(cgroup_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* ---- Counters ---- */

int cgroup_read_counter(int cgroup_fd, const char *file, const char *key, uint64_t *ret_value) {
        assert(file);
        assert(key);
        assert(ret_value);

        char text[CGROUP_COUNTERS_SIZE];
        size_t key_length = strlen(key);

        ssize_t n = file_read_virtual(cgroup_fd, file, text, sizeof(text));
        if (n < 0)
                return (int) n;

        for (char *line = text, *end; *line != '\0'; line = end + 1) {
                end = strchrnul(line, '\n');
                bool is_last = *end == '\0';
                if (strncmp(line, key, key_length) == 0 && line[key_length] == ' ') {
                        char *rest;
                        errno = 0;
                        uint64_t value = strtoull(line + key_length + 1, &rest, 10);
                        if (!isdigit((unsigned char) line[key_length + 1]) || rest != end ||
                                errno != 0)
                                return -EINVAL;
                        *ret_value = value;
                        return 0;
                }
                if (is_last)
                        break;
        }
        return -ENODATA;
}
