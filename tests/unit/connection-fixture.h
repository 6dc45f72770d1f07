/* SPDX-License-Identifier: MIT */
#pragma once

/* Gateways that hold the sockets they are given, and both ends of connections to give them. Include
 * after cmocka.h. */

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "child-process.h"
#include "gateway/connection-count.h"

#ifndef MANY_CONNECTIONS
#define MANY_CONNECTIONS 2000
#endif
#define KEPT_MAX     (MANY_CONNECTIONS + 256)
#define GATEWAYS_MAX 2

/* A process that holds what it is given. */
typedef struct Gateway {
        ChildProcess child;
        int control_fd;
} Gateway;

typedef struct CountTest {
        Gateway gateways[GATEWAYS_MAX];
        ProcessInfo processes[GATEWAYS_MAX];
        ChildProcess asker;
        int proc_fd;
        int kept[KEPT_MAX]; /* the test's own ends */
        size_t n_kept;
        char path[64]; /* a directory */
        char socket_path[96];
} CountTest;

static CountTest count_test;
static int gateway_control_fd; /* of the gateway that is being forked */

/* ---- The gateway ---- */

/* Room for one descriptor beside a byte. */
typedef union Passage {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
} Passage;

_unused_ static void gateway_body(int says_fd) {
        int last_fd = -EBADF;

        child_process_say(says_fd);
        for (;;) {
                Passage passage = {};
                char order;
                struct iovec part = { .iov_base = &order, .iov_len = 1 };
                struct msghdr message = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = &passage,
                        .msg_controllen = sizeof(passage) };
                if (recvmsg(gateway_control_fd, &message, 0) != 1)
                        _exit(1);
                struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
                if (passed)
                        memcpy(&last_fd, CMSG_DATA(passed), sizeof(last_fd));
                else
                        last_fd = fd_close(last_fd);
                if (write(gateway_control_fd, "k", 1) != 1)
                        _exit(1);
        }
}

_unused_ static void gateway_start(Gateway *gateway) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        gateway->control_fd = fds[0];
        gateway_control_fd = fds[1];
        child_process_start(&gateway->child, gateway_body);
        (void) close(fds[1]);
}

_unused_ static void gateway_await(const Gateway *gateway) {
        char answer;

        assert_int_equal(read(gateway->control_fd, &answer, 1), 1);
}

/* The gateway has it from now on; the test keeps its own. */
_unused_ static void gateway_share(const Gateway *gateway, int fd) {
        Passage passage = { .header = { .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS,
                                    .cmsg_len = CMSG_LEN(sizeof(fd)) } };
        struct iovec part = { .iov_base = (void *) "k", .iov_len = 1 };
        struct msghdr message = { .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &passage,
                .msg_controllen = sizeof(passage) };

        memcpy(CMSG_DATA(&passage.header), &fd, sizeof(fd));
        assert_int_equal(sendmsg(gateway->control_fd, &message, 0), 1);
        gateway_await(gateway);
}

_unused_ static void gateway_give(const Gateway *gateway, int fd) {
        gateway_share(gateway, fd);
        assert_int_equal(close(fd), 0);
}

/* It closes what it got last. */
_unused_ static void gateway_close_last(const Gateway *gateway) {
        assert_int_equal(write(gateway->control_fd, "x", 1), 1);
        gateway_await(gateway);
}

/* ---- Fixture ---- */

_unused_ static int count_setup(void **state) {
        CountTest *test = &count_test;
        struct rlimit limit;

        *test = (CountTest){
                .asker = CHILD_PROCESS_UNSET,
                .path = "/tmp/test-connection-count-XXXXXX",
        };
        *state = test;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &limit);
        }
        for (size_t i = 0; i < GATEWAYS_MAX; i++)
                test->gateways[i] = (Gateway){ .child = CHILD_PROCESS_UNSET, .control_fd = -EBADF };
        test->proc_fd = proc_open_root("/proc");
        if (test->proc_fd < 0 || !mkdtemp(test->path))
                return -1;
        (void) snprintf(test->socket_path, sizeof(test->socket_path), "%s/x.sock", test->path);
        for (size_t i = 0; i < GATEWAYS_MAX; i++) {
                gateway_start(&test->gateways[i]);
                test->processes[i].pid = test->gateways[i].child.pid;
        }
        return 0;
}

_unused_ static int count_teardown(void **state) {
        CountTest *test = *state;

        child_process_done(&test->asker);
        for (size_t i = 0; i < GATEWAYS_MAX; i++) {
                child_process_done(&test->gateways[i].child);
                test->gateways[i].control_fd = fd_close(test->gateways[i].control_fd);
        }
        while (test->n_kept > 0)
                (void) close(test->kept[--test->n_kept]);
        test->proc_fd = fd_close(test->proc_fd);
        (void) unlink(test->socket_path);
        (void) rmdir(test->path);
        return 0;
}

_unused_ static int keep(CountTest *test, int fd) {
        assert_true(fd >= 0);
        assert_true(test->n_kept < KEPT_MAX);
        test->kept[test->n_kept++] = fd;
        return fd;
}

_unused_ static ConnectionCount count_now(const CountTest *test, const ListenPorts *known) {
        ConnectionCount count = { .n_tcp = 4711 };

        assert_int_equal(
                connection_count(test->proc_fd, test->processes, GATEWAYS_MAX, known, &count), 0);
        return count;
}

_unused_ static void check_count(
        const CountTest *test, const ListenPorts *known, uint64_t n_tcp, uint64_t n_unix) {
        ConnectionCount count = count_now(test, known);

        assert_int_equal(count.n_tcp, n_tcp);
        assert_int_equal(count.n_unix, n_unix);
}

/* ---- Making TCP connections ---- */

typedef struct Listener {
        int fd;
        struct sockaddr_storage address; /* that clients connect to */
        socklen_t size;
        uint16_t port;
} Listener;

_unused_ static void address_set(struct sockaddr_storage *address, int family, uint16_t port) {
        struct sockaddr_in *in4 = (struct sockaddr_in *) address;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) address;

        *address = (struct sockaddr_storage){ .ss_family = (sa_family_t) family };
        if (family == AF_INET) {
                in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                in4->sin_port = htons(port);
        } else {
                in6->sin6_addr = in6addr_loopback;
                in6->sin6_port = htons(port);
        }
}

/* Listens on any address of the family; 0: any port. Returns whether the port was free. */
_unused_ static bool tcp_listen(Listener *listener, int family, int client_family, uint16_t port) {
        struct sockaddr_storage address = {};
        const int off = 0;

        listener->size = sizeof(struct sockaddr_in);
        if (family == AF_INET6)
                listener->size = sizeof(struct sockaddr_in6);
        address_set(&address, family, port);
        if (family == AF_INET6)
                ((struct sockaddr_in6 *) &address)->sin6_addr = in6addr_any;
        listener->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listener->fd < 0)
                skip(); /* a machine without IPv6 */
        if (family == AF_INET6)
                assert_int_equal(
                        setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
        if (bind(listener->fd, (struct sockaddr *) &address, listener->size) < 0) {
                listener->fd = fd_close(listener->fd);
                return false;
        }
        assert_int_equal(listen(listener->fd, 128), 0);
        assert_int_equal(
                getsockname(listener->fd, (struct sockaddr *) &address, &listener->size), 0);
        listener->port = ntohs(((struct sockaddr_in *) &address)->sin_port); /* both alike */
        listener->size =
                client_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        address_set(&listener->address, client_family, listener->port);
        return true;
}

_unused_ static Listener tcp_listener(int family, int client_family) {
        Listener listener = { .fd = -EBADF };

        if (!tcp_listen(&listener, family, client_family, 0))
                skip(); /* IPv6 compiled in and switched off */
        return listener;
}

_unused_ static int accept_one(int listen_fd) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* The two ends of a connection; the caller's. */
_unused_ static void tcp_connect(const Listener *listener, int *ret_client, int *ret_accepted) {
        int fd = socket(listener->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(
                connect(fd, (const struct sockaddr *) &listener->address, listener->size), 0);
        *ret_client = fd;
        *ret_accepted = accept_one(listener->fd);
}

/* n clients of the test, their other ends with the gateway. */
_unused_ static void tcp_serve(
        CountTest *test, const Gateway *gateway, const Listener *listener, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int client, accepted;
                tcp_connect(listener, &client, &accepted);
                (void) keep(test, client);
                gateway_give(gateway, accepted);
        }
}

/* ---- Making unix connections ---- */

_unused_ static socklen_t unix_abstract(struct sockaddr_un *address, const char *tail) {
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        int n = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
                "test-connection-count-%d%s", getpid(), tail);
        return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) n);
}

_unused_ static socklen_t unix_path(struct sockaddr_un *address, const CountTest *test) {
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        (void) snprintf(address->sun_path, sizeof(address->sun_path), "%s", test->socket_path);
        return sizeof(*address);
}

_unused_ static int unix_listen(int type, const struct sockaddr_un *address, socklen_t size) {
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) address, size), 0);
        assert_int_equal(listen(fd, 16), 0);
        return fd;
}

/* client_name: bound before it connects; NULL: none. Returns: the client's end. */
_unused_ static int unix_connect(
        int type, const struct sockaddr_un *address, socklen_t size, const char *client_name) {
        struct sockaddr_un own;
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        if (client_name) {
                socklen_t own_size = unix_abstract(&own, client_name);
                assert_int_equal(bind(fd, (struct sockaddr *) &own, own_size), 0);
        }
        assert_int_equal(connect(fd, (const struct sockaddr *) address, size), 0);
        return fd;
}
