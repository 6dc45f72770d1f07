/* SPDX-License-Identifier: MIT */

/* Whose sockets: an injected procfs with links of any kind, and real processes. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cmocka.h>

#include "child-process.h"
#include "procfs-tree.h"
#include "socket-inodes.h"

typedef struct InodesTest {
        ProcfsTree tree;
        SocketInodes inodes;
        ChildProcess child;
        int proc_fd;
        int fds[2];
} InodesTest;

static InodesTest inodes_test;

static int inodes_setup(void **state) {
        InodesTest *test = &inodes_test;

        *test = (InodesTest){ .child = CHILD_PROCESS_UNSET, .fds = { -EBADF, -EBADF } };
        *state = test;
        test->proc_fd = proc_open_root("/proc");
        return test->proc_fd < 0 ? -1 : procfs_tree_init(&test->tree);
}

static int inodes_teardown(void **state) {
        InodesTest *test = *state;

        child_process_done(&test->child);
        socket_inodes_done(&test->inodes);
        for (size_t i = 0; i < ELEMENTSOF(test->fds); i++)
                test->fds[i] = fd_close(test->fds[i]);
        test->proc_fd = fd_close(test->proc_fd);
        procfs_tree_done(&test->tree);
        return 0;
}

static void put_link(const ProcfsTree *tree, const char *path, const char *target) {
        char directory[64];

        (void) snprintf(directory, sizeof(directory), "%s", path);
        for (char *slash = directory; (slash = strchr(slash, '/')); *slash++ = '/') {
                *slash = '\0';
                assert_true(mkdirat(tree->fd, directory, 0755) == 0 || errno == EEXIST);
        }
        assert_int_equal(symlinkat(target, tree->fd, path), 0);
}

static uint64_t fd_inode(int fd) {
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

/* ---- Links ---- */

static void test_socket_inodes_links_taken_or_left(void **state) {
        static const struct {
                const char *path, *target;
                uint64_t inode; /* 0: left */
        } rows[] = {
                { "7/fd/0", "/dev/null", 0 },
                { "7/fd/1", "pipe:[4711]", 0 },
                { "7/fd/2", "anon_inode:[eventpoll]", 0 },
                { "7/fd/3", "socket:[4711]", 4711 },
                { "7/fd/4", "socket:[18446744073709551615]", UINT64_MAX },
                { "7/fd/5", "socket:[18446744073709551616]", 0 },
                { "7/fd/6", "socket:[]", 0 },
                { "7/fd/7", "socket:[12", 0 },
                { "7/fd/8", "socket:[12x]", 0 },
                { "7/fd/9", "socket:[-1]", 0 },
                { "7/fd/10", "socket:[", 0 },
                { "7/fd/11", "/tmp/socket:[13]", 0 },
                { "7/fd/12", "socket:[ 14]", 0 },
                { "7/fd/13", "socket:[15] (deleted)", 0 },
                { "7/fd/14",
                        "socket:[000000000000000000000000000000000000000000000000000000000000016]",
                        0 },
                { "7/fd/99999999999", "socket:[17]", 0 },
                { "7/fd/3x", "socket:[18]", 0 },
                { "7/fd/x", "socket:[19]", 0 },
        };
        InodesTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                put_link(&test->tree, rows[i].path, rows[i].target);
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 7), 0);
        socket_inodes_sort(&test->inodes);

        size_t n = 0;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (rows[i].inode == 0)
                        continue;
                const SocketInode *found = socket_inodes_find(&test->inodes, rows[i].inode);
                assert_non_null(found);
                assert_int_equal(found->pid, 7);
                assert_int_equal(found->fd, atoi(rows[i].path + strlen("7/fd/")));
                n++;
        }
        assert_int_equal(test->inodes.n, n);
}

static void test_socket_inodes_shared_sockets_stand_once(void **state) {
        static const char *const paths[] = { "30/fd/4", "8/fd/12", "8/fd/5", "200/fd/1" };
        InodesTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                char path[32];
                put_link(&test->tree, paths[i], "socket:[500]");
                (void) snprintf(path, sizeof(path), "%s0", paths[i]);
                put_link(&test->tree, path, i % 2 == 0 ? "socket:[400]" : "socket:[600]");
        }
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 30), 0);
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 8), 0);
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 200), 0);
        assert_int_equal(test->inodes.n, 2 * ELEMENTSOF(paths));
        socket_inodes_sort(&test->inodes);
        assert_int_equal(test->inodes.n, 3);

        const SocketInode *found = socket_inodes_find(&test->inodes, 500);
        assert_non_null(found);
        assert_int_equal(found->pid, 8);
        assert_int_equal(found->fd, 5);
        assert_non_null(socket_inodes_find(&test->inodes, 400));
        assert_non_null(socket_inodes_find(&test->inodes, 600));
        static const uint64_t absent[] = { 0, 399, 401, 499, 501, 599, 601, UINT64_MAX };
        for (size_t i = 0; i < ELEMENTSOF(absent); i++)
                assert_null(socket_inodes_find(&test->inodes, absent[i]));
}

static void test_socket_inodes_none_found_nowhere(void **state) {
        InodesTest *test = *state;

        socket_inodes_sort(&test->inodes);
        assert_null(socket_inodes_find(&test->inodes, 0));
        assert_null(socket_inodes_find(&test->inodes, 1));

        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 7), -ESRCH);
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 0), -ESRCH);
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, -1), -ESRCH);
        assert_int_equal(test->inodes.n, 0);
        socket_inodes_done(NULL);
}

static void test_socket_inodes_beyond_bound_e2big(void **state) {
        InodesTest *test = *state;

        put_link(&test->tree, "7/fd/3", "socket:[1]");
        put_link(&test->tree, "7/fd/4", "socket:[2]");
        test->inodes.items = calloc(SOCKET_INODES_MAX, sizeof(SocketInode));
        assert_non_null(test->inodes.items);
        test->inodes.n_allocated = SOCKET_INODES_MAX;
        test->inodes.n = SOCKET_INODES_MAX - 1;
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 7), -E2BIG);
        assert_int_equal(test->inodes.n, SOCKET_INODES_MAX);
}

static void test_socket_inodes_first_thread_ended_others_asked(void **state) {
        InodesTest *test = *state;

        procfs_tree_put(&test->tree, "7/task/7/fd/.keep", "");
        procfs_tree_put(&test->tree, "7/fd/.keep", "");
        put_link(&test->tree, "7/task/9/fd/3", "socket:[90]");
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 7), 0);
        socket_inodes_sort(&test->inodes);
        const SocketInode *found = socket_inodes_find(&test->inodes, 90);
        assert_non_null(found);
        assert_int_equal(found->pid, 7);
}

/* ---- Real processes ---- */

static void test_socket_inodes_own_sockets_found(void **state) {
        InodesTest *test = *state;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, test->fds), 0);
        assert_int_equal(socket_inodes_read(&test->inodes, test->proc_fd, getpid()), 0);
        socket_inodes_sort(&test->inodes);
        for (size_t i = 0; i < ELEMENTSOF(test->fds); i++) {
                const SocketInode *found =
                        socket_inodes_find(&test->inodes, fd_inode(test->fds[i]));
                assert_non_null(found);
                assert_int_equal(found->pid, getpid());
                assert_int_equal(found->fd, test->fds[i]);
        }
        assert_null(socket_inodes_find(&test->inodes, fd_inode(test->proc_fd)));
}

static void child_wait(int says_fd) {
        child_process_say(says_fd);
        for (;;)
                (void) pause();
}

/* Says it when the first thread is on its way out; whoever reads waits for the zombie. */
static void *thread_wait(void *userdata) {
        child_wait(*(int *) userdata);
        return NULL;
}

static void child_without_first_thread(int says_fd) {
        static int fd;
        pthread_t thread;

        fd = says_fd;
        if (pthread_create(&thread, NULL, thread_wait, &fd) != 0)
                _exit(1);
        pthread_exit(NULL);
}

static void test_socket_inodes_child_shares_the_same(void **state) {
        InodesTest *test = *state;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, test->fds), 0);
        child_process_start(&test->child, child_wait);
        assert_int_equal(socket_inodes_read(&test->inodes, test->proc_fd, test->child.pid), 0);
        socket_inodes_sort(&test->inodes);
        size_t n = test->inodes.n;
        assert_true(n >= 2);
        assert_int_equal(socket_inodes_read(&test->inodes, test->proc_fd, getpid()), 0);
        assert_true(test->inodes.n >= 2 * n);
        socket_inodes_sort(&test->inodes);
        assert_int_equal(test->inodes.n, n);
        assert_non_null(socket_inodes_find(&test->inodes, fd_inode(test->fds[0])));
}

static void test_socket_inodes_real_first_thread_ended_found(void **state) {
        InodesTest *test = *state;
        ProcessInfo info = {};

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, test->fds), 0);
        child_process_start(&test->child, child_without_first_thread);
        do
                assert_int_equal(proc_read_info(test->proc_fd, test->child.pid, &info), 0);
        while (info.state != 'Z');
        assert_true(proc_info_is_alive(&info));
        assert_int_equal(socket_inodes_read(&test->inodes, test->proc_fd, test->child.pid), 0);
        socket_inodes_sort(&test->inodes);
        assert_non_null(socket_inodes_find(&test->inodes, fd_inode(test->fds[1])));
}

static void test_socket_inodes_zombie_has_none_vanished_esrch(void **state) {
        InodesTest *test = *state;
        siginfo_t ended;

        child_process_start(&test->child, child_wait);
        pid_t pid = test->child.pid;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &ended, WEXITED | WNOWAIT), 0);
        int r = socket_inodes_read(&test->inodes, test->proc_fd, pid);
        assert_true(r == 0 || r == -ESRCH || (r == -EACCES && geteuid() != 0));
        assert_int_equal(test->inodes.n, 0);

        child_process_done(&test->child);
        assert_int_equal(socket_inodes_read(&test->inodes, test->proc_fd, pid), -ESRCH);
        assert_int_equal(test->inodes.n, 0);
}

/* Descriptors of another user's process are not to be seen; what was there before stays. */
static void child_ask_as_nobody(int says_fd) {
        InodesTest *test = &inodes_test;

        if (setgid(65534) < 0 || setuid(65534) < 0)
                _exit(1);
        if (socket_inodes_read(&test->inodes, test->proc_fd, getppid()) == -EACCES &&
                test->inodes.n == 1)
                child_process_say(says_fd);
}

static void test_socket_inodes_other_user_eacces(void **state) {
        InodesTest *test = *state;

        if (geteuid() != 0)
                skip();
        put_link(&test->tree, "7/fd/3", "socket:[1]");
        assert_int_equal(socket_inodes_read(&test->inodes, test->tree.fd, 7), 0);
        child_process_start(&test->child, child_ask_as_nobody);
}

#define INODES_TEST(name) cmocka_unit_test_setup_teardown(name, inodes_setup, inodes_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                INODES_TEST(test_socket_inodes_links_taken_or_left),
                INODES_TEST(test_socket_inodes_shared_sockets_stand_once),
                INODES_TEST(test_socket_inodes_none_found_nowhere),
                INODES_TEST(test_socket_inodes_beyond_bound_e2big),
                INODES_TEST(test_socket_inodes_first_thread_ended_others_asked),
                INODES_TEST(test_socket_inodes_own_sockets_found),
                INODES_TEST(test_socket_inodes_child_shares_the_same),
                INODES_TEST(test_socket_inodes_real_first_thread_ended_found),
                INODES_TEST(test_socket_inodes_zombie_has_none_vanished_esrch),
                INODES_TEST(test_socket_inodes_other_user_eacces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
