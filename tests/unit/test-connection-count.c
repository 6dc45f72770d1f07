/* SPDX-License-Identifier: MIT */

/* Connections of gateways that report none: real sockets, made by the test and passed to processes
 * that hold them and do nothing else. */

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "connection-fixture.h"
#include "seccomp-socket.h"

#define PORTS_MANY  (LISTEN_PORTS_MAX + 6)
#define PORT_UNUSED 9 /* discard */

/* ---- TCP ---- */

static bool ports_contain(const ListenPorts *ports, uint16_t port) {
        for (uint32_t i = 0; i < ports->n; i++)
                if (ports->ports[i] == port)
                        return true;
        return false;
}

static void check_inbound(CountTest *test, int family, int client_family) {
        Listener listener = tcp_listener(family, client_family);

        tcp_serve(test, &test->gateways[0], &listener, 5);
        gateway_give(&test->gateways[0], listener.fd);
        ConnectionCount count = count_now(test, NULL);
        assert_int_equal(count.n_tcp, 5);
        assert_int_equal(count.n_unix, 0);
        assert_int_equal(count.listening.n, 1);
        assert_int_equal(count.listening.ports[0], listener.port);
}

static void test_connection_count_tcp4_counted(void **state) {
        check_inbound(*state, AF_INET, AF_INET);
}

static void test_connection_count_tcp6_counted(void **state) {
        check_inbound(*state, AF_INET6, AF_INET6);
}

static void test_connection_count_tcp4_mapped_counted(void **state) {
        check_inbound(*state, AF_INET6, AF_INET);
}

static void test_connection_count_nothing_is_zero(void **state) {
        CountTest *test = *state;

        ConnectionCount count = count_now(test, NULL);
        assert_int_equal(count.n_tcp, 0);
        assert_int_equal(count.n_unix, 0);
        assert_int_equal(count.listening.n, 0);
        assert_int_equal(connection_count(test->proc_fd, NULL, 0, NULL, &count), 0);
        assert_int_equal(count.n_tcp, 0);
}

static void test_connection_count_outbound_not_counted(void **state) {
        CountTest *test = *state;
        Listener own = tcp_listener(AF_INET, AF_INET);

        gateway_give(&test->gateways[0], own.fd);
        for (size_t i = 0; i < 3; i++) {
                int client, accepted;
                Listener other = tcp_listener(AF_INET, AF_INET);
                (void) keep(test, other.fd);
                tcp_connect(&other, &client, &accepted);
                (void) keep(test, accepted);
                gateway_give(&test->gateways[i % GATEWAYS_MAX], client);
        }
        ConnectionCount count = count_now(test, NULL);
        assert_int_equal(count.n_tcp, 0);
        assert_int_equal(count.listening.n, 1);
        assert_int_equal(count.listening.ports[0], own.port);
}

/* The kernel gives one port to connections of different destinations. */
static void test_connection_count_outbound_from_one_port_not_counted(void **state) {
        CountTest *test = *state;
        struct sockaddr_storage source;
        socklen_t size = sizeof(struct sockaddr_in);
        const int on = 1;

        address_set(&source, AF_INET, 0);
        for (uint16_t n = 0, port = 20000; n < 2; port++) {
                Listener server;
                assert_true(port < 30000);
                if (!tcp_listen(&server, AF_INET, AF_INET, port))
                        continue;
                (void) keep(test, server.fd);
                int fd = keep(test, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
                assert_int_equal(bind(fd, (struct sockaddr *) &source, size), 0);
                assert_int_equal(getsockname(fd, (struct sockaddr *) &source, &size), 0);
                assert_int_equal(connect(fd, (struct sockaddr *) &server.address, server.size), 0);
                (void) keep(test, accept_one(server.fd));
                gateway_share(&test->gateways[0], fd);
                n++;
        }
        ConnectionCount count = count_now(test, NULL);
        assert_int_equal(count.n_tcp, 0);
        assert_int_equal(count.listening.n, 0);
}

static void test_connection_count_between_gateway_processes_once(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        for (size_t i = 0; i < 2; i++) {
                int client, accepted;
                tcp_connect(&listener, &client, &accepted);
                gateway_give(&test->gateways[0], accepted);
                gateway_give(&test->gateways[1 - i], client); /* also within one process */
        }
        gateway_give(&test->gateways[0], listener.fd);
        check_count(test, NULL, 2, 0);
}

static void test_connection_count_shared_by_processes_once(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        for (size_t i = 0; i < 3; i++) {
                int client, accepted;
                tcp_connect(&listener, &client, &accepted);
                (void) keep(test, client);
                gateway_share(&test->gateways[0], accepted);
                gateway_share(&test->gateways[0], accepted);
                gateway_give(&test->gateways[1], accepted);
        }
        gateway_share(&test->gateways[0], listener.fd);
        gateway_give(&test->gateways[1], listener.fd);
        ConnectionCount count = count_now(test, NULL);
        assert_int_equal(count.n_tcp, 3);
        assert_int_equal(count.listening.n, 1);
}

static void test_connection_count_listener_closed_port_remembered(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        tcp_serve(test, &test->gateways[0], &listener, 1);
        gateway_give(&test->gateways[0], listener.fd);
        ConnectionCount before = count_now(test, NULL);
        assert_int_equal(before.n_tcp, 1);

        gateway_close_last(&test->gateways[0]);
        ConnectionCount after = count_now(test, &before.listening);
        assert_int_equal(after.n_tcp, 1);
        assert_int_equal(after.listening.n, 1);
        assert_int_equal(after.listening.ports[0], listener.port);
        after = count_now(test, &after.listening);
        assert_int_equal(after.n_tcp, 1);

        /* It could be an outbound one: nothing but memory tells. */
        check_count(test, NULL, 0, 0);
}

static void test_connection_count_listener_never_seen_two_tell(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        tcp_serve(test, &test->gateways[0], &listener, 1);
        tcp_serve(test, &test->gateways[1], &listener, 1);
        assert_int_equal(close(listener.fd), 0);
        ConnectionCount before = count_now(test, NULL);
        assert_int_equal(before.n_tcp, 2);
        assert_int_equal(before.listening.n, 1);
        assert_int_equal(before.listening.ports[0], listener.port);

        gateway_close_last(&test->gateways[1]);
        check_count(test, &before.listening, 1, 0);
}

static void test_connection_count_listener_of_others_says_nothing(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        (void) keep(test, listener.fd);
        tcp_serve(test, &test->gateways[0], &listener, 1);
        ConnectionCount count = count_now(test, NULL);
        assert_int_equal(count.n_tcp, 0);
        assert_int_equal(count.listening.n, 0);
}

static void test_connection_count_half_closed_not_counted(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        tcp_serve(test, &test->gateways[0], &listener, 1);
        for (size_t i = 0; i < 2; i++) {
                int client, accepted;
                tcp_connect(&listener, &client, &accepted);
                (void) keep(test, client);
                assert_int_equal(shutdown(i == 0 ? client : accepted, SHUT_WR), 0);
                struct pollfd hangup = { .fd = i == 0 ? accepted : client, .events = POLLRDHUP };
                assert_int_equal(poll(&hangup, 1, 30000), 1);
                gateway_give(&test->gateways[0], accepted);
        }
        gateway_give(&test->gateways[0], listener.fd);
        check_count(test, NULL, 1, 0);
}

static void test_connection_count_not_accepted_not_counted(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        for (size_t i = 0; i < 3; i++) {
                int fd = keep(test, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                assert_int_equal(
                        connect(fd, (struct sockaddr *) &listener.address, listener.size), 0);
        }
        tcp_serve(test, &test->gateways[0], &listener, 1);
        gateway_give(&test->gateways[0], listener.fd);
        check_count(test, NULL, 1, 0);
}

static void test_connection_count_many_ports_counted_some_remembered(void **state) {
        CountTest *test = *state;
        const ListenPorts known = { .n = 3, .ports = { PORT_UNUSED, PORT_UNUSED, 7 } };

        for (size_t i = 0; i < PORTS_MANY; i++) {
                Listener listener = tcp_listener(AF_INET, AF_INET);
                tcp_serve(test, &test->gateways[0], &listener, 1);
                gateway_give(&test->gateways[1], listener.fd);
        }
        ConnectionCount count = count_now(test, &known);
        assert_int_equal(count.n_tcp, PORTS_MANY);
        assert_int_equal(count.listening.n, LISTEN_PORTS_MAX);
        assert_int_equal(count.listening.ports[0], PORT_UNUSED);
        assert_int_equal(count.listening.ports[1], 7);
        assert_true(count.listening.ports[2] > 7);
}

static void test_connection_count_known_of_any_content_bounded(void **state) {
        CountTest *test = *state;
        ListenPorts known = { .n = UINT32_MAX };
        Listener listener = tcp_listener(AF_INET, AF_INET);

        tcp_serve(test, &test->gateways[0], &listener, 1);
        assert_int_equal(close(listener.fd), 0);
        memset(known.ports, 0xff, sizeof(known.ports));
        known.ports[LISTEN_PORTS_MAX - 1] = listener.port;
        ConnectionCount count = count_now(test, &known);
        assert_int_equal(count.n_tcp, 1);
        assert_int_equal(count.listening.n, 2);
        assert_true(ports_contain(&count.listening, listener.port));
}

static void test_connection_count_vanished_process_is_none(void **state) {
        CountTest *test = *state;
        Listener listener = tcp_listener(AF_INET, AF_INET);

        tcp_serve(test, &test->gateways[0], &listener, 2);
        tcp_serve(test, &test->gateways[1], &listener, 3);
        gateway_give(&test->gateways[0], listener.fd);
        ConnectionCount before = count_now(test, NULL);
        assert_int_equal(before.n_tcp, 5);

        child_process_done(&test->gateways[0].child);
        check_count(test, &before.listening, 3, 0);
        child_process_done(&test->gateways[1].child);
        check_count(test, &before.listening, 0, 0);
}

/* 2,000 of them, shared by two processes, and as many clients beside. */
static void test_connection_count_thousands_counted(void **state) {
        CountTest *test = *state;
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        if (limit.rlim_cur < KEPT_MAX)
                skip();
        Listener listener = tcp_listener(AF_INET, AF_INET);
        for (size_t i = 0; i < MANY_CONNECTIONS; i++) {
                int client, accepted;
                tcp_connect(&listener, &client, &accepted);
                (void) keep(test, client);
                gateway_share(&test->gateways[1], accepted);
                gateway_give(&test->gateways[0], accepted);
        }
        gateway_give(&test->gateways[0], listener.fd);
        check_count(test, NULL, MANY_CONNECTIONS, 0);
}

/* ---- Unix ---- */

static void check_unix(
        CountTest *test, int type, const struct sockaddr_un *address, socklen_t size) {
        int listen_fd = unix_listen(type, address, size);

        for (size_t i = 0; i < 4; i++) {
                (void) keep(test, unix_connect(type, address, size, NULL));
                gateway_give(&test->gateways[0], accept_one(listen_fd));
        }
        (void) keep(test, unix_connect(type, address, size, NULL)); /* not accepted */
        gateway_give(&test->gateways[0], listen_fd);
        check_count(test, NULL, 0, 4);
        gateway_close_last(&test->gateways[0]);
        check_count(test, NULL, 0, 4);

        /* The peers go. */
        (void) close(test->kept[--test->n_kept]);
        (void) close(test->kept[--test->n_kept]);
        check_count(test, NULL, 0, 3);
}

static void test_connection_count_unix_stream_counted(void **state) {
        struct sockaddr_un address;
        socklen_t size = unix_path(&address, *state);

        check_unix(*state, SOCK_STREAM, &address, size);
}

static void test_connection_count_unix_seqpacket_counted(void **state) {
        struct sockaddr_un address;
        socklen_t size = unix_path(&address, *state);

        check_unix(*state, SOCK_SEQPACKET, &address, size);
}

static void test_connection_count_unix_abstract_of_any_bytes_counted(void **state) {
        struct sockaddr_un address;
        socklen_t size = unix_abstract(&address, "\n\x1b[2J\xff\xfe\"\\x00 ");

        address.sun_path[8] = '\0'; /* a name goes on behind it */
        check_unix(*state, SOCK_STREAM, &address, size);
}

static void check_unix_clients(CountTest *test, const struct sockaddr_un *address, socklen_t size) {
        static const char *const client_names[] = { NULL, "/bus/client" };
        int listen_fd = keep(test, unix_listen(SOCK_STREAM, address, size));

        for (size_t i = 0; i < ELEMENTSOF(client_names); i++) {
                int fd = unix_connect(SOCK_STREAM, address, size, client_names[i]);
                (void) keep(test, accept_one(listen_fd));
                gateway_give(&test->gateways[0], fd);
        }
        check_count(test, NULL, 0, 0);
}

static void test_connection_count_unix_client_of_path_not_counted(void **state) {
        struct sockaddr_un address;
        socklen_t size = unix_path(&address, *state);

        check_unix_clients(*state, &address, size);
}

static void test_connection_count_unix_client_of_abstract_not_counted(void **state) {
        struct sockaddr_un address;
        socklen_t size = unix_abstract(&address, "/bus/server");

        check_unix_clients(*state, &address, size);
}

static void test_connection_count_unix_of_named_client_counted(void **state) {
        CountTest *test = *state;
        struct sockaddr_un address;
        socklen_t size = unix_path(&address, test);
        int listen_fd = unix_listen(SOCK_STREAM, &address, size);

        (void) keep(test, unix_connect(SOCK_STREAM, &address, size, "/bus/client"));
        gateway_give(&test->gateways[0], accept_one(listen_fd));
        gateway_give(&test->gateways[0], listen_fd);
        check_count(test, NULL, 0, 1);
        gateway_close_last(&test->gateways[0]);
        check_count(test, NULL, 0, 1);
}

static void test_connection_count_unix_between_gateway_processes_once(void **state) {
        CountTest *test = *state;
        struct sockaddr_un address;
        socklen_t size = unix_path(&address, test);
        int listen_fd = unix_listen(SOCK_STREAM, &address, size);

        gateway_give(&test->gateways[0], unix_connect(SOCK_STREAM, &address, size, "/bus/client"));
        gateway_give(&test->gateways[1], accept_one(listen_fd));
        gateway_give(&test->gateways[1], listen_fd);
        check_count(test, NULL, 0, 1);
}

/* A gateway with a network of its own that is a client on the message bus outside. */
static void test_connection_count_unix_named_client_of_other_network_not_counted(void **state) {
        CountTest *test = *state;
        struct sockaddr_un address;
        socklen_t size = unix_path(&address, test);
        int here_fd = keep(test, openat(test->proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC));

        if (unshare(CLONE_NEWNET) < 0)
                skip();
        int listen_fd = unix_listen(SOCK_STREAM, &address, size);
        assert_int_equal(setns(here_fd, CLONE_NEWNET), 0);
        (void) keep(test, listen_fd);

        int fd = unix_connect(SOCK_STREAM, &address, size, "/bus/client");
        (void) keep(test, accept_one(listen_fd));
        gateway_give(&test->gateways[0], fd);
        check_count(test, NULL, 0, 0);
}

/* ---- Not permitted ---- */

/* Whether it fails so and leaves the result alone. */
static bool count_fails(int expected) {
        CountTest *test = &count_test;
        ConnectionCount count, before;

        memset(&count, 0x5a, sizeof(count));
        before = count;
        int r = connection_count(test->proc_fd, test->processes, GATEWAYS_MAX, NULL, &count);
        return r == expected && memcmp(&count, &before, sizeof(count)) == 0;
}

static void child_without_netlink(int says_fd) {
        static const int errors[] = { EPERM, EAFNOSUPPORT };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++)
                if (seccomp_refuse_netlink(errors[i]) < 0 || !count_fails(-errors[i]))
                        _exit(1);
        child_process_say(says_fd);
}

static void test_connection_count_without_netlink_the_errno(void **state) {
        CountTest *test = *state;

        child_process_start(&test->asker, child_without_netlink);
}

static void child_of_other_user(int says_fd) {
        if (setgid(65534) < 0 || setuid(65534) < 0 || !count_fails(-EACCES))
                _exit(1);
        child_process_say(says_fd);
}

static void test_connection_count_of_other_user_eacces(void **state) {
        CountTest *test = *state;

        if (geteuid() != 0)
                skip();
        child_process_start(&test->asker, child_of_other_user);
}

#define COUNT_TEST(name) cmocka_unit_test_setup_teardown(name, count_setup, count_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                COUNT_TEST(test_connection_count_tcp4_counted),
                COUNT_TEST(test_connection_count_tcp6_counted),
                COUNT_TEST(test_connection_count_tcp4_mapped_counted),
                COUNT_TEST(test_connection_count_nothing_is_zero),
                COUNT_TEST(test_connection_count_outbound_not_counted),
                COUNT_TEST(test_connection_count_outbound_from_one_port_not_counted),
                COUNT_TEST(test_connection_count_between_gateway_processes_once),
                COUNT_TEST(test_connection_count_shared_by_processes_once),
                COUNT_TEST(test_connection_count_listener_closed_port_remembered),
                COUNT_TEST(test_connection_count_listener_never_seen_two_tell),
                COUNT_TEST(test_connection_count_listener_of_others_says_nothing),
                COUNT_TEST(test_connection_count_half_closed_not_counted),
                COUNT_TEST(test_connection_count_not_accepted_not_counted),
                COUNT_TEST(test_connection_count_many_ports_counted_some_remembered),
                COUNT_TEST(test_connection_count_known_of_any_content_bounded),
                COUNT_TEST(test_connection_count_vanished_process_is_none),
                COUNT_TEST(test_connection_count_thousands_counted),
                COUNT_TEST(test_connection_count_unix_stream_counted),
                COUNT_TEST(test_connection_count_unix_seqpacket_counted),
                COUNT_TEST(test_connection_count_unix_abstract_of_any_bytes_counted),
                COUNT_TEST(test_connection_count_unix_client_of_path_not_counted),
                COUNT_TEST(test_connection_count_unix_client_of_abstract_not_counted),
                COUNT_TEST(test_connection_count_unix_of_named_client_counted),
                COUNT_TEST(test_connection_count_unix_between_gateway_processes_once),
                COUNT_TEST(test_connection_count_unix_named_client_of_other_network_not_counted),
                COUNT_TEST(test_connection_count_without_netlink_the_errno),
                COUNT_TEST(test_connection_count_of_other_user_eacces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
