/* SPDX-License-Identifier: MIT */

/* Control groups: paths over rows, files over an injected directory, and, where a cgroup2 may be
 * written, a real group of the test's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "cgroup.h"
#include "child-process.h"
#include "file.h"
#include "procfs-tree.h"

#define NOBODY 65534

typedef struct CgroupTest {
        ProcfsTree tree; /* a group that is only a directory */
        int mount_fd;    /* of the real hierarchy; -EBADF: none that may be written */
        char name[32];   /* of our group in it */
        int group_fd;
        ChildProcess child;
        pid_t *pids;
} CgroupTest;

static int setup(void **state) {
        CgroupTest *test = calloc(1, sizeof(CgroupTest));

        if (!test)
                return -1;
        test->child = CHILD_PROCESS_UNSET;
        test->mount_fd = test->group_fd = -EBADF;
        *state = test;
        return procfs_tree_init(&test->tree) < 0 ? -1 : 0;
}

/* Our own group below the mount point, named after us. */
static int setup_real(void **state) {
        CgroupTest *test;

        if (setup(state) < 0)
                return -1;
        test = *state;
        (void) snprintf(test->name, sizeof(test->name), "test-cgroup-%d", getpid());
        const char *mount_point = cgroup_mount_point();
        if (!mount_point)
                return 0;
        int mount_fd = cgroup_open(mount_point, "/");
        if (mount_fd < 0)
                return 0;
        test->group_fd = cgroup_make_child(mount_fd, test->name);
        test->mount_fd = test->group_fd >= 0 ? mount_fd : fd_close(mount_fd);
        return 0;
}

static int teardown(void **state) {
        CgroupTest *test = *state;

        (void) !seteuid(getuid());
        child_process_done(&test->child);
        test->group_fd = fd_close(test->group_fd);
        if (test->mount_fd >= 0)
                (void) cgroup_remove_child(test->mount_fd, test->name);
        test->mount_fd = fd_close(test->mount_fd);
        procfs_tree_done(&test->tree);
        free(test->pids);
        free(test);
        return 0;
}

/* ---- Names and paths ---- */

static void test_unit_manager_names_both_ways(void **state) {
        static const char *const names[] = { "none", "system", "user" };

        for (int i = 0; i < _UNIT_MANAGER_MAX; i++) {
                assert_string_equal(unit_manager_to_string((UnitManager) i), names[i]);
                assert_int_equal(unit_manager_from_string(names[i]), i);
        }
        assert_null(unit_manager_to_string(_UNIT_MANAGER_MAX));
        assert_null(unit_manager_to_string(_UNIT_MANAGER_INVALID));
        assert_int_equal(unit_manager_from_string("nobody"), _UNIT_MANAGER_INVALID);
        assert_int_equal(unit_manager_from_string(""), _UNIT_MANAGER_INVALID);
        assert_int_equal(unit_manager_from_string(NULL), _UNIT_MANAGER_INVALID);
}

#define NO_OWNER ((uid_t) -1)

static void test_cgroup_path_names_unit(void **state) {
        static const struct {
                const char *path;
                UnitManager manager;
                const char *unit;
                uid_t owner_uid;
                const char *above;
                const char *unit_cgroup_path;
        } rows[] = {
                { "/system.slice/hermes.service", UNIT_MANAGER_SYSTEM, "hermes.service", NO_OWNER,
                        "", "/system.slice/hermes.service" },
                { "/system.slice/hermes.service/gateway", UNIT_MANAGER_SYSTEM, "hermes.service",
                        NO_OWNER, "", "/system.slice/hermes.service" },
                { "/system.slice/hermes.service/", UNIT_MANAGER_SYSTEM, "hermes.service", NO_OWNER,
                        "", "/system.slice/hermes.service" },
                /* what a unit puts below itself is not systemd's */
                { "/system.slice/hermes.service/sub.service", UNIT_MANAGER_SYSTEM, "hermes.service",
                        NO_OWNER, "", "/system.slice/hermes.service" },
                { "/hermes.service", UNIT_MANAGER_SYSTEM, "hermes.service", NO_OWNER, "",
                        "/hermes.service" },
                { "/a.slice/a-b.slice/a-b-c.slice/x@1.service", UNIT_MANAGER_SYSTEM, "x@1.service",
                        NO_OWNER, "", "/a.slice/a-b.slice/a-b-c.slice/x@1.service" },
                { "/system.slice/system-x\\x2dy.slice/x-y@a\\x40b.service", UNIT_MANAGER_SYSTEM,
                        "x-y@a\\x40b.service", NO_OWNER, "",
                        "/system.slice/system-x\\x2dy.slice/x-y@a\\x40b.service" },
                { "/init.scope", UNIT_MANAGER_SYSTEM, "init.scope", NO_OWNER, "", "/init.scope" },
                { "/user.slice/user-1000.slice/session-3.scope", UNIT_MANAGER_SYSTEM,
                        "session-3.scope", NO_OWNER, "",
                        "/user.slice/user-1000.slice/session-3.scope" },
                { "/system.slice/data.mount", UNIT_MANAGER_SYSTEM, "data.mount", NO_OWNER, "",
                        "/system.slice/data.mount" },
                { "/system.slice/x.socket", UNIT_MANAGER_SYSTEM, "x.socket", NO_OWNER, "",
                        "/system.slice/x.socket" },
                { "/system.slice/dev-sda.swap", UNIT_MANAGER_SYSTEM, "dev-sda.swap", NO_OWNER, "",
                        "/system.slice/dev-sda.swap" },
                /* escaped: one underscore, no more */
                { "/system.slice/_cpu.service", UNIT_MANAGER_SYSTEM, "cpu.service", NO_OWNER, "",
                        "/system.slice/_cpu.service" },
                { "/system.slice/__x.service", UNIT_MANAGER_SYSTEM, "_x.service", NO_OWNER, "",
                        "/system.slice/__x.service" },
                { "/_cpu.slice/x.service", UNIT_MANAGER_SYSTEM, "x.service", NO_OWNER, "",
                        "/_cpu.slice/x.service" },
                /* user managers */
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
                        UNIT_MANAGER_USER, "x.service", 1000, "user@1000.service",
                        "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service" },
                { "/user.slice/user-0.slice/user@0.service/a.slice/a-b.slice/_x.service/sub",
                        UNIT_MANAGER_USER, "x.service", 0, "user@0.service",
                        "/user.slice/user-0.slice/user@0.service/a.slice/a-b.slice/_x.service" },
                { "/user.slice/user-1000.slice/user@1000.service/init.scope", UNIT_MANAGER_USER,
                        "init.scope", 1000, "user@1000.service",
                        "/user.slice/user-1000.slice/user@1000.service/init.scope" },
                { "/user.slice/user-1000.slice/user@1000.service", UNIT_MANAGER_SYSTEM,
                        "user@1000.service", NO_OWNER, "",
                        "/user.slice/user-1000.slice/user@1000.service" },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice", UNIT_MANAGER_SYSTEM,
                        "user@1000.service", NO_OWNER, "",
                        "/user.slice/user-1000.slice/user@1000.service" },
                { "/user@x.service/x.service", UNIT_MANAGER_SYSTEM, "user@x.service", NO_OWNER, "",
                        "/user@x.service" },
                { "/user@4294967295.service/x.service", UNIT_MANAGER_SYSTEM,
                        "user@4294967295.service", NO_OWNER, "", "/user@4294967295.service" },
                { "//system.slice///x.service//y", UNIT_MANAGER_SYSTEM, "x.service", NO_OWNER, "",
                        "//system.slice///x.service" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CgroupUnit unit;
                assert_int_equal(cgroup_path_to_unit(rows[i].path, &unit), 0);
                assert_int_equal(unit.manager, rows[i].manager);
                assert_string_equal(unit.unit, rows[i].unit);
                assert_int_equal(unit.owner_uid, rows[i].owner_uid);
                assert_string_equal(unit.above, rows[i].above);
                assert_string_equal(unit.unit_cgroup_path, rows[i].unit_cgroup_path);
        }
}

static void test_cgroup_path_without_unit_is_none(void **state) {
        static const char *const rows[] = {
                "",
                "/",
                "///",
                "/system.slice",
                "/a.slice/a-b.slice/",
                "/docker/0123456789abcdef",
                "/docker/x.service",
                "/../x.service",
                "/system.slice/x.target",
                "/system.slice/x.service.d",
                "/system.slice/.service",
                "/system.slice/service",
                "/system.slice/x@.service",
                "/system.slice/@x.service",
                "/system.slice/_.service",
                "/system.slice/x y.service",
                "/system.slice/x\ny.service",
                "/system.slice/\xc3\xa4.service",
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                CgroupUnit unit;
                assert_int_equal(cgroup_path_to_unit(rows[i], &unit), 0);
                assert_int_equal(unit.manager, UNIT_MANAGER_NONE);
                assert_string_equal(unit.unit, "");
                assert_string_equal(unit.above, "");
                assert_string_equal(unit.unit_cgroup_path, "");
                assert_int_equal(unit.owner_uid, NO_OWNER);
        }
}

static void test_cgroup_path_at_its_limits_held(void **state) {
        char path[2 * CGROUP_PATH_MAX] = "";
        CgroupUnit unit;

        /* 255 bytes are a name, 256 are none */
        (void) snprintf(path, sizeof(path), "/%0*d.service", 255 - 8, 7);
        assert_int_equal(cgroup_path_to_unit(path, &unit), 0);
        assert_int_equal(strlen(unit.unit), UNIT_NAME_MAX - 1);
        (void) snprintf(path, sizeof(path), "/%0*d.service", 256 - 8, 7);
        assert_int_equal(cgroup_path_to_unit(path, &unit), 0);
        assert_int_equal(unit.manager, UNIT_MANAGER_NONE);

        size_t length = 0;
        while (length + strlen("/a.slice") + strlen("/x.service") < CGROUP_PATH_MAX)
                length += (size_t) snprintf(path + length, sizeof(path) - length, "/a.slice");
        (void) snprintf(path + length, sizeof(path) - length, "/x.service");
        assert_int_equal(cgroup_path_to_unit(path, &unit), 0);
        assert_string_equal(unit.unit_cgroup_path, path);

        (void) snprintf(path + length, sizeof(path) - length, "/a.slice/x.service");
        assert_int_equal(cgroup_path_to_unit(path, &unit), -ENAMETOOLONG);
}

/* ---- Injected ---- */

static void test_cgroup_open_stays_below_mount(void **state) {
        CgroupTest *test = *state;

        procfs_tree_put(&test->tree, "a/b/cgroup.events", "populated 1\n");
        static const struct {
                const char *path;
                int result;
        } rows[] = {
                { "/", 0 },
                { "", 0 },
                { "/a", 0 },
                { "/a/b", 0 },
                { "a/b/", 0 },
                { "/a/..", -ENOENT },
                { "/..", -ENOENT },
                { "/../../tmp", -ENOENT },
                { "/missing", -ENOENT },
                { "/a/b/cgroup.events", -ENOTDIR },
        };
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int fd = cgroup_open(test->tree.path, rows[i].path);
                int r = fd < 0 ? fd : 0;
                (void) fd_close(fd);
                assert_int_equal(r, rows[i].result);
        }
        assert_int_equal(cgroup_open("/nonexistent", "/"), -ENOENT);
}

static void test_cgroup_counter_rows(void **state) {
        CgroupTest *test = *state;
        static const struct {
                const char *text;
                const char *key;
                int result;
                uint64_t value;
        } rows[] = {
                { "low 0\noom 3\noom_kill 2\n", "oom_kill", 0, 2 },
                { "low 0\noom 3\noom_kill 2\n", "oom", 0, 3 },
                { "low 0\noom 3\noom_kill 2", "oom_kill", 0, 2 },
                { "oom_kill 18446744073709551615\n", "oom_kill", 0, UINT64_MAX },
                { "oom_kill 18446744073709551616\n", "oom_kill", -EINVAL, 0 },
                { "oom_kill max\n", "oom_kill", -EINVAL, 0 },
                { "oom_kill -1\n", "oom_kill", -EINVAL, 0 },
                { "oom_kill  1\n", "oom_kill", -EINVAL, 0 },
                { "oom_kill 1 2\n", "oom_kill", -EINVAL, 0 },
                { "oom_kill \n", "oom_kill", -EINVAL, 0 },
                { "oom_kill\n", "oom_kill", -ENODATA, 0 },
                { "xoom_kill 1\n", "oom_kill", -ENODATA, 0 },
                { "low 0\n", "oom_kill", -ENODATA, 0 },
                { "", "oom_kill", -ENODATA, 0 },
                { "\n\n", "oom_kill", -ENODATA, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint64_t value = 0;
                procfs_tree_put(&test->tree, "memory.events", rows[i].text);
                assert_int_equal(
                        cgroup_read_counter(test->tree.fd, "memory.events", rows[i].key, &value),
                        rows[i].result);
                assert_true(value == rows[i].value);
        }
        uint64_t value;
        assert_int_equal(
                cgroup_read_counter(test->tree.fd, "memory.stat", "anon", &value), -ENOENT);
}

static void test_cgroup_populated_rows(void **state) {
        CgroupTest *test = *state;
        static const struct {
                const char *text;
                int result;
        } rows[] = {
                { "populated 1\nfrozen 0\n", 1 },
                { "populated 0\nfrozen 1\n", 0 },
                { "frozen 1\n", -ENODATA },
                { "populated x\n", -EINVAL },
        };

        assert_int_equal(cgroup_is_populated(test->tree.fd), -ENOENT);
        assert_int_equal(cgroup_open_events(test->tree.fd), -ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                procfs_tree_put(&test->tree, "cgroup.events", rows[i].text);
                assert_int_equal(cgroup_is_populated(test->tree.fd), rows[i].result);
        }
}

static void test_cgroup_kill_writes_one(void **state) {
        CgroupTest *test = *state;
        char text[8];

        assert_int_equal(cgroup_kill(test->tree.fd), -ENOENT);
        procfs_tree_put(&test->tree, "cgroup.kill", "");
        assert_int_equal(cgroup_kill(test->tree.fd), 0);
        assert_int_equal(file_read_virtual(test->tree.fd, "cgroup.kill", text, sizeof(text)), 1);
        assert_string_equal(text, "1");
}

static void test_cgroup_pids_read_from_all_levels(void **state) {
        CgroupTest *test = *state;
        size_t n = 0;
        pid_t sum = 0;

        procfs_tree_put(&test->tree, "cgroup.procs", "1\n20\n0\n");
        procfs_tree_put(&test->tree, "a/cgroup.procs", "300\n");
        procfs_tree_put(&test->tree, "a/b/cgroup.procs", "4000\n");
        procfs_tree_put(&test->tree, "c/cgroup.procs", "");

        assert_int_equal(cgroup_read_pids(test->tree.fd, &test->pids, &n), 0);
        assert_int_equal(n, 4);
        for (size_t i = 0; i < n; i++)
                sum += test->pids[i];
        assert_int_equal(sum, 4321);
}

static void test_cgroup_pids_longer_than_one_read_whole(void **state) {
        CgroupTest *test = *state;
        static char text[64 * 1024];
        size_t length = 0, n = 0;

        for (int pid = 10000; pid < 15000; pid++)
                length += (size_t) snprintf(text + length, sizeof(text) - length, "%d\n", pid);
        procfs_tree_put(&test->tree, "cgroup.procs", text);

        assert_int_equal(cgroup_read_pids(test->tree.fd, &test->pids, &n), 0);
        assert_int_equal(n, 5000);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(test->pids[i], 10000 + i);
}

static void test_cgroup_pids_malformed_refused(void **state) {
        CgroupTest *test = *state;
        size_t n;

        assert_int_equal(cgroup_read_pids(test->tree.fd, &test->pids, &n), -ENOENT);
        procfs_tree_put(&test->tree, "cgroup.procs", "1\n99999999999\n");
        assert_int_equal(cgroup_read_pids(test->tree.fd, &test->pids, &n), -EINVAL);
        assert_null(test->pids);
}

static void test_cgroup_child_made_and_taken_over(void **state) {
        CgroupTest *test = *state;

        int fd = cgroup_make_child(test->tree.fd, "gateway");
        assert_true(fd >= 0);
        assert_int_equal(
                fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH | O_DIRECTORY), O_RDONLY | O_DIRECTORY);
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fd_close(fd), -EBADF);

        procfs_tree_put(&test->tree, "gateway/cgroup.events", "populated 0\n");
        fd = cgroup_make_child(test->tree.fd, "gateway");
        assert_true(fd >= 0);
        (void) fd_close(fd);

        procfs_tree_put(&test->tree, "gateway/cgroup.events", "populated 1\n");
        assert_int_equal(cgroup_make_child(test->tree.fd, "gateway"), -EBUSY);

        procfs_tree_put(&test->tree, "file", "");
        assert_int_equal(cgroup_make_child(test->tree.fd, "file"), -ENOTDIR);
}

static void test_cgroup_child_removed_with_all_below(void **state) {
        CgroupTest *test = *state;
        static const char *const directories[] = { "g", "g/a", "g/a/b", "g/c" };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                assert_int_equal(mkdirat(test->tree.fd, directories[i], 0755), 0);
        assert_int_equal(cgroup_remove_child(test->tree.fd, "g"), 0);
        assert_int_equal(faccessat(test->tree.fd, "g", F_OK, 0), -1);
        assert_int_equal(cgroup_remove_child(test->tree.fd, "g"), -ENOENT);
}

static void test_cgroup_delegation_of_unprivileged_is_ownership(void **state) {
        CgroupTest *test = *state;

        if (geteuid() != 0) {
                assert_int_equal(cgroup_is_delegated(test->tree.fd), 1);
                return;
        }
        assert_int_equal(cgroup_is_delegated(test->tree.fd), 0);
        assert_int_equal(seteuid(NOBODY), 0);
        assert_int_equal(cgroup_is_delegated(test->tree.fd), 0);
        assert_int_equal(seteuid(0), 0);
        assert_int_equal(fchown(test->tree.fd, NOBODY, NOBODY), 0);
        assert_int_equal(cgroup_is_delegated(test->tree.fd), 0);
        assert_int_equal(seteuid(NOBODY), 0);
        assert_int_equal(cgroup_is_delegated(test->tree.fd), 1);
        assert_int_equal(cgroup_is_delegated(-EBADF), -EBADF);
}

/* ---- Real ---- */

/* Skips where there is no cgroup2 or it is not ours to write. */
#define REQUIRE_GROUP(test)               \
        do {                              \
                if ((test)->group_fd < 0) \
                        skip();           \
        } while (false)

static void put_xattr(const CgroupTest *test, const char *name, const char *value) {
        if (value)
                assert_int_equal(fsetxattr(test->group_fd, name, value, strlen(value), 0), 0);
        else
                assert_true(fremovexattr(test->group_fd, name) == 0 || errno == ENODATA);
}

static void test_cgroup_real_delegation_is_in_xattr(void **state) {
        CgroupTest *test = *state;
        static const struct {
                const char *trusted, *user;
                int result;
        } rows[] = {
                { NULL, NULL, 0 },
                { "1", NULL, 1 },
                { NULL, "1", 1 },
                { "1", "1", 1 },
                { "0", "1", 0 },
                { NULL, "0", 0 },
                { NULL, "", 0 },
                { NULL, "far too long to be one", 0 },
        };

        REQUIRE_GROUP(test);
        if (geteuid() != 0)
                skip();
        _cleanup_close_ int path_fd = openat(test->mount_fd, test->name, O_PATH | O_CLOEXEC);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                put_xattr(test, "trusted.delegate", rows[i].trusted);
                put_xattr(test, "user.delegate", rows[i].user);
                assert_int_equal(cgroup_is_delegated(test->group_fd), rows[i].result);
                assert_int_equal(cgroup_is_delegated(path_fd), rows[i].result);
        }
}

static void test_cgroup_real_invocation_id_is_in_xattr(void **state) {
        CgroupTest *test = *state;
        static const char a[] = "0123456789abcdef0123456789abcdef";
        static const char b[] = "fedcba9876543210fedcba9876543210";
        static const struct {
                const char *trusted, *user;
                int result;
                const char *id;
        } rows[] = {
                { NULL, NULL, -ENODATA, NULL },
                { NULL, b, 0, b },
                { a, NULL, 0, a },
                { a, b, 0, a },
                { NULL, "0123", -EINVAL, NULL },
                { NULL, "0123456789abcdef0123456789abcdeX", -EINVAL, NULL },
                { NULL, "01234567-89ab-cdef-0123-456789abcdef", -ERANGE, NULL },
        };

        REQUIRE_GROUP(test);
        if (geteuid() != 0)
                skip();
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                sd_id128_t id = SD_ID128_NULL, expected = SD_ID128_NULL;
                if (rows[i].id)
                        assert_int_equal(sd_id128_from_string(rows[i].id, &expected), 0);
                put_xattr(test, "trusted.invocation_id", rows[i].trusted);
                put_xattr(test, "user.invocation_id", rows[i].user);
                assert_int_equal(cgroup_get_invocation_id(test->group_fd, &id), rows[i].result);
                assert_true(sd_id128_equal(id, expected));
        }
}

static int child_group_fd;

static void child_in_group(int says_fd) {
        int sub_fd = cgroup_make_child(child_group_fd, "sub");

        if (sub_fd < 0 || file_write_virtual(sub_fd, "cgroup.procs", "0") < 0)
                _exit(1);
        child_process_say(says_fd);
        (void) pause();
}

static void test_cgroup_real_group_lives_and_dies(void **state) {
        CgroupTest *test = *state;
        size_t n = 0;
        siginfo_t ended = {};

        REQUIRE_GROUP(test);
        assert_int_equal(cgroup_is_populated(test->group_fd), 0);

        child_group_fd = test->group_fd;
        child_process_start(&test->child, child_in_group);
        assert_int_equal(cgroup_is_populated(test->group_fd), 1);
        assert_int_equal(cgroup_read_pids(test->group_fd, &test->pids, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(test->pids[0], test->child.pid);
        assert_int_equal(cgroup_make_child(test->mount_fd, test->name), -EBUSY);
        assert_int_equal(cgroup_remove_child(test->mount_fd, test->name), -EBUSY);

        _cleanup_close_ int events_fd = cgroup_open_events(test->group_fd);
        char text[256];
        assert_true(read(events_fd, text, sizeof(text)) > 0);
        assert_int_equal(cgroup_kill(test->group_fd), 0);
        struct pollfd events = { .fd = events_fd, .events = POLLPRI };
        while (cgroup_is_populated(test->group_fd) > 0) {
                assert_int_equal(poll(&events, 1, 60000), 1);
                assert_true(pread(events_fd, text, sizeof(text), 0) > 0);
        }
        assert_int_equal(waitid(P_PID, (id_t) test->child.pid, &ended, WEXITED | WNOWAIT), 0);
        assert_int_equal(ended.si_code, CLD_KILLED);
        assert_int_equal(ended.si_status, SIGKILL);

        child_process_done(&test->child);
        assert_int_equal(cgroup_remove_child(test->mount_fd, test->name), 0);
}

static void test_cgroup_real_group_taken_over_when_empty(void **state) {
        CgroupTest *test = *state;

        REQUIRE_GROUP(test);
        int fd = cgroup_make_child(test->mount_fd, test->name);
        assert_true(fd >= 0);
        (void) fd_close(fd);
}

static void test_cgroup_mount_point_is_where_cgroup2_is(void **state) {
        const char *mount_point = cgroup_mount_point();

        if (mount_point) {
                int fd = cgroup_open(mount_point, "/");
                assert_true(fd >= 0);
                assert_int_equal(faccessat(fd, "cgroup.controllers", F_OK, 0), 0);
                (void) fd_close(fd);
        } else {
                assert_int_equal(access("/sys/fs/cgroup/cgroup.controllers", F_OK), -1);
                assert_int_equal(access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK), -1);
        }
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_REAL(name) cmocka_unit_test_setup_teardown(name, setup_real, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_manager_names_both_ways),
                cmocka_unit_test(test_cgroup_path_names_unit),
                cmocka_unit_test(test_cgroup_path_without_unit_is_none),
                cmocka_unit_test(test_cgroup_path_at_its_limits_held),
                TEST(test_cgroup_open_stays_below_mount),
                TEST(test_cgroup_counter_rows),
                TEST(test_cgroup_populated_rows),
                TEST(test_cgroup_kill_writes_one),
                TEST(test_cgroup_pids_read_from_all_levels),
                TEST(test_cgroup_pids_longer_than_one_read_whole),
                TEST(test_cgroup_pids_malformed_refused),
                TEST(test_cgroup_child_made_and_taken_over),
                TEST(test_cgroup_child_removed_with_all_below),
                TEST(test_cgroup_delegation_of_unprivileged_is_ownership),
                TEST_REAL(test_cgroup_real_delegation_is_in_xattr),
                TEST_REAL(test_cgroup_real_invocation_id_is_in_xattr),
                TEST_REAL(test_cgroup_real_group_lives_and_dies),
                TEST_REAL(test_cgroup_real_group_taken_over_when_empty),
                cmocka_unit_test(test_cgroup_mount_point_is_where_cgroup2_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
