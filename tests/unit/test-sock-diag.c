/* SPDX-License-Identifier: MIT */

/* The kernel's list of sockets: entries made up byte by byte, and real sockets in real dumps. */

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "child-process.h"
#include "seccomp-socket.h"
#include "sock-diag.h"

#define ENTRY_BYTES_MAX 1024
#define FOUND_MAX       8
#define ALL_STATES      0xffffU
#define VISIT_STOP      4711

typedef struct DiagTest {
        int fds[4];
        ChildProcess child;
        uint64_t wanted[FOUND_MAX]; /* inodes; 0: none */
        SockDiagSocket found[FOUND_MAX];
        size_t n_found[FOUND_MAX];
        size_t n_visited;
        void *exact; /* malloc()ed, so that valgrind sees each byte beyond */
} DiagTest;

static DiagTest diag_test;

static int diag_setup(void **state) {
        diag_test = (DiagTest){
                .fds = { -EBADF, -EBADF, -EBADF, -EBADF },
                .child = CHILD_PROCESS_UNSET,
        };
        *state = &diag_test;
        return 0;
}

static int diag_teardown(void **state) {
        DiagTest *test = *state;

        child_process_done(&test->child);
        for (size_t i = 0; i < ELEMENTSOF(test->fds); i++)
                test->fds[i] = fd_close(test->fds[i]);
        free(test->exact);
        return 0;
}

/* ---- Entries ---- */

typedef struct Entry {
        uint8_t bytes[ENTRY_BYTES_MAX];
        size_t size;
} Entry;

static void entry_put(Entry *entry, const void *data, size_t size) {
        assert_true(entry->size + size <= sizeof(entry->bytes));
        memcpy(entry->bytes + entry->size, data, size);
        entry->size += size;
}

static void entry_put_attribute(Entry *entry, uint16_t type, const void *data, size_t size) {
        struct rtattr header = { .rta_len = (uint16_t) (sizeof(header) + size), .rta_type = type };

        entry_put(entry, &header, sizeof(header));
        entry_put(entry, data, size);
        entry->size = RTA_ALIGN(entry->size);
}

static Entry entry_inet(int family, const char *local, const char *peer) {
        struct inet_diag_msg message = {
                .idiag_family = (uint8_t) family,
                .idiag_state = TCP_ESTABLISHED,
                .idiag_rqueue = 11,
                .idiag_wqueue = 22,
                .idiag_inode = 4294967295U,
                .id.idiag_sport = htons(443),
                .id.idiag_dport = htons(65535),
        };
        Entry entry = {};

        assert_int_equal(inet_pton(family, local, message.id.idiag_src), 1);
        assert_int_equal(inet_pton(family, peer, message.id.idiag_dst), 1);
        entry_put(&entry, &message, sizeof(message));
        return entry;
}

static Entry entry_unix(int type) {
        struct unix_diag_msg message = {
                .udiag_family = AF_UNIX,
                .udiag_type = (uint8_t) type,
                .udiag_state = TCP_LISTEN,
                .udiag_ino = 77,
        };
        Entry entry = {};

        entry_put(&entry, &message, sizeof(message));
        return entry;
}

/* From memory that ends where the entry does. */
static int entry_parse(DiagTest *test, const Entry *entry, size_t size, SockDiagSocket *ret) {
        free(test->exact);
        test->exact = malloc(size + (size == 0));
        assert_non_null(test->exact);
        memcpy(test->exact, entry->bytes, size);
        return sock_diag_parse(test->exact, size, ret);
}

static void test_sock_diag_inet_addresses_written(void **state) {
        static const struct {
                int family;
                const char *local, *peer, *local_text, *peer_text;
        } rows[] = {
                { AF_INET, "192.0.2.7", "0.0.0.0", "192.0.2.7:443", "0.0.0.0:65535" },
                { AF_INET6, "2001:db8::1", "::", "[2001:db8::1]:443", "[::]:65535" },
                { AF_INET6, "::ffff:192.0.2.7", "::ffff:0.0.0.0", "192.0.2.7:443",
                        "0.0.0.0:65535" },
                { AF_INET6, "::192.0.2.7", "::fffe:192.0.2.7", "[::192.0.2.7]:443",
                        "[::fffe:c000:207]:65535" },
                { AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666",
                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                        "[2001:db8:1111:2222:3333:4444:5555:6666]:443",
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
        };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SockDiagSocket socket;
                Entry entry = entry_inet(rows[i].family, rows[i].local, rows[i].peer);
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), 1);
                assert_int_equal(socket.family, rows[i].family);
                assert_string_equal(socket.local, rows[i].local_text);
                assert_string_equal(socket.peer, rows[i].peer_text);
                assert_int_equal(socket.local_port, 443);
                assert_int_equal(socket.peer_port, 65535);
                assert_int_equal(socket.inode, 4294967295U);
                assert_int_equal(socket.state, TCP_ESTABLISHED);
                assert_int_equal(socket.recv_queue, 11);
                assert_int_equal(socket.send_queue, 22);
                assert_false(socket.has_info);
        }
}

static void test_sock_diag_inet_info_of_any_kernel_read(void **state) {
        static const struct {
                size_t size;
                bool has_info;
        } rows[] = {
                { 0, false },
                { offsetof(struct tcp_info, tcpi_last_data_recv) + 3, false },
                { offsetof(struct tcp_info, tcpi_last_data_recv) + 4, true },
                { 104, true }, /* Linux 2.6 */
                { sizeof(struct tcp_info), true },
                { sizeof(struct tcp_info) + 80, true },
        };
        union {
                struct tcp_info info;
                uint8_t bytes[sizeof(struct tcp_info) + 80];
        } value = {
                .info = { .tcpi_retransmits = 3,
                        .tcpi_unacked = 5,
                        .tcpi_last_data_sent = UINT32_MAX,
                        .tcpi_last_data_recv = 31000 },
        };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SockDiagSocket socket;
                Entry entry = entry_inet(AF_INET, "192.0.2.7", "192.0.2.8");
                entry_put_attribute(&entry, INET_DIAG_SHUTDOWN, "\1", 1);
                entry_put_attribute(&entry, INET_DIAG_INFO, value.bytes, rows[i].size);
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), 1);
                assert_int_equal(socket.has_info, rows[i].has_info);
                assert_int_equal(socket.retransmits, rows[i].has_info ? 3 : 0);
                assert_int_equal(socket.unacked, rows[i].has_info ? 5 : 0);
                assert_int_equal(
                        socket.last_sent_usec, rows[i].has_info ? UINT32_MAX * USEC_PER_MSEC : 0);
                assert_int_equal(
                        socket.last_received_usec, rows[i].has_info ? 31 * USEC_PER_SEC : 0);
        }
}

static void test_sock_diag_unix_names_written(void **state) {
#define NAME(literal) literal, sizeof(literal) - 1
        static const struct {
                const char *name;
                size_t size;
                const char *text;
        } rows[] = {
                { NAME(""), "" },
                { NAME("\0"), "@" },
                { NAME("/run/x.sock\0"), "/run/x.sock" },
                { NAME("/run/x.sock"), "/run/x.sock" },
                { NAME("/run/x\0garbage"), "/run/x" },
                { NAME("relative name"), "relative name" },
                { NAME("\0name"), "@name" },
                { NAME("\0a\0b\n\x1b[31m\x7f\xff\xc3\xa4\""),
                        "@a\\x00b\\x0a\\x1b[31m\\x7f\\xff\\xc3\\xa4\"" },
                { NAME("/run/\xe2\x80\xae\r"), "/run/\\xe2\\x80\\xae\\x0d" },
        };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SockDiagSocket socket;
                Entry entry = entry_unix(SOCK_STREAM);
                entry_put_attribute(&entry, UNIX_DIAG_NAME, rows[i].name, rows[i].size);
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), 1);
                assert_string_equal(socket.local, rows[i].text);
                assert_string_equal(socket.peer, "");
        }
}

static void test_sock_diag_unix_long_names_cut_between_escapes(void **state) {
        DiagTest *test = *state;

        for (size_t n = 1; n <= 108; n++) {
                char name[109];
                SockDiagSocket socket;
                Entry entry = entry_unix(SOCK_SEQPACKET);
                memset(name, n % 2 == 0 ? 'x' : 0xff, sizeof(name));
                name[0] = '\0';
                name[1] = 'y';
                entry_put_attribute(&entry, UNIX_DIAG_NAME, name, n);
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), 1);

                size_t width = n % 2 == 0 ? 1 : 4, n_left = n > 2 ? n - 2 : 0;
                size_t n_fit = (SOCK_DIAG_ADDRESS_MAX - 1 - 2) / width;
                size_t n_head = n > 1 ? 2 : 1;
                assert_int_equal(
                        strlen(socket.local), n_head + width * (n_left < n_fit ? n_left : n_fit));
        }
}

static void test_sock_diag_unix_types_told_apart(void **state) {
        static const struct {
                int type, result;
        } rows[] = {
                { SOCK_STREAM, 1 },
                { SOCK_SEQPACKET, 1 },
                { SOCK_DGRAM, 0 },
                { SOCK_RAW, 0 },
                { 0, 0 },
                { 255, 0 },
        };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                SockDiagSocket socket = { .inode = 1 };
                const uint32_t peer = 88;
                const struct unix_diag_rqlen queues = { 3, 4 };
                Entry entry = entry_unix(rows[i].type);
                entry_put_attribute(&entry, UNIX_DIAG_PEER, &peer, sizeof(peer));
                entry_put_attribute(&entry, UNIX_DIAG_RQLEN, &queues, sizeof(queues));
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), rows[i].result);
                assert_int_equal(socket.inode, rows[i].result > 0 ? 77 : 1);
                assert_int_equal(socket.peer_inode, rows[i].result > 0 ? 88 : 0);
                assert_int_equal(socket.recv_queue, rows[i].result > 0 ? 3 : 0);
                assert_int_equal(socket.send_queue, rows[i].result > 0 ? 4 : 0);
                assert_int_equal(socket.state, rows[i].result > 0 ? TCP_LISTEN : 0);
        }
}

static void test_sock_diag_entry_cut_anywhere_refused_or_less(void **state) {
        const struct tcp_info info = { .tcpi_unacked = 5 };
        const uint32_t peer = 88;
        Entry inet = entry_inet(AF_INET6, "2001:db8::1", "2001:db8::2"),
              local = entry_unix(SOCK_STREAM);
        DiagTest *test = *state;
        SockDiagSocket socket;

        entry_put_attribute(&inet, INET_DIAG_INFO, &info, sizeof(info));
        entry_put_attribute(&local, UNIX_DIAG_NAME, "/run/x", 6);
        entry_put_attribute(&local, UNIX_DIAG_PEER, &peer, sizeof(peer));
        for (size_t size = 0; size <= inet.size; size++) {
                assert_int_equal(entry_parse(test, &inet, size, &socket),
                        size < sizeof(struct inet_diag_msg) ? -EBADMSG : 1);
                if (size >= sizeof(struct inet_diag_msg))
                        assert_int_equal(socket.has_info, size == inet.size);
        }
        for (size_t size = 0; size <= local.size; size++) {
                assert_int_equal(entry_parse(test, &local, size, &socket),
                        size < sizeof(struct unix_diag_msg) ? -EBADMSG : 1);
                if (size >= sizeof(struct unix_diag_msg))
                        assert_int_equal(socket.peer_inode, size == local.size ? 88 : 0);
        }
}

static void test_sock_diag_attribute_of_wrong_length_ends_them(void **state) {
        static const uint16_t lengths[] = { 0, 1, 3, 13, 0x7fff, 0xffff };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
                SockDiagSocket socket;
                const struct rtattr bad = { .rta_len = lengths[i], .rta_type = UNIX_DIAG_PEER };
                Entry entry = entry_unix(SOCK_STREAM);
                entry_put_attribute(&entry, UNIX_DIAG_NAME, "/run/x", 6);
                entry_put(&entry, &bad, sizeof(bad));
                entry_put(&entry, "\1\2\3\4\5\6\7", 8);
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), 1);
                assert_string_equal(socket.local, "/run/x");
                assert_int_equal(socket.peer_inode, 0);
        }

        /* Whole, but too short for what it should hold. */
        SockDiagSocket socket;
        Entry entry = entry_unix(SOCK_STREAM);
        entry_put_attribute(&entry, UNIX_DIAG_PEER, "\1\2\3", 3);
        entry_put_attribute(&entry, UNIX_DIAG_RQLEN, "\1\2\3\4\5\6\7", 7);
        entry_put_attribute(&entry, UNIX_DIAG_NAME, "/run/x", 6);
        assert_int_equal(entry_parse(test, &entry, entry.size, &socket), 1);
        assert_int_equal(socket.peer_inode, 0);
        assert_int_equal(socket.recv_queue, 0);
        assert_string_equal(socket.local, "/run/x");
}

static void test_sock_diag_entry_of_unknown_family_refused(void **state) {
        static const uint8_t families[] = { AF_UNSPEC, AF_NETLINK, AF_PACKET, AF_VSOCK, 255 };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                SockDiagSocket socket = { .inode = 1 };
                Entry entry = entry_inet(AF_INET, "192.0.2.7", "192.0.2.8");
                entry.bytes[0] = families[i];
                assert_int_equal(entry_parse(test, &entry, entry.size, &socket), -EBADMSG);
                assert_int_equal(socket.inode, 1);
        }
}

static void test_sock_diag_state_has_its_name(void **state) {
        static const struct {
                uint8_t state;
                const char *name;
        } rows[] = {
                { TCP_ESTABLISHED, "ESTABLISHED" },
                { TCP_SYN_SENT, "SYN_SENT" },
                { TCP_SYN_RECV, "SYN_RECV" },
                { TCP_FIN_WAIT1, "FIN_WAIT1" },
                { TCP_FIN_WAIT2, "FIN_WAIT2" },
                { TCP_TIME_WAIT, "TIME_WAIT" },
                { TCP_CLOSE, "CLOSE" },
                { TCP_CLOSE_WAIT, "CLOSE_WAIT" },
                { TCP_LAST_ACK, "LAST_ACK" },
                { TCP_LISTEN, "LISTEN" },
                { TCP_CLOSING, "CLOSING" },
                { 12, "NEW_SYN_RECV" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                assert_string_equal(sock_diag_state_to_string(rows[i].state), rows[i].name);
        assert_null(sock_diag_state_to_string(0));
        assert_null(sock_diag_state_to_string(13));
        assert_null(sock_diag_state_to_string(255));
}

/* ---- Real sockets ---- */

static uint64_t fd_inode(int fd) {
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

static int diag_visit(const SockDiagSocket *socket, void *userdata) {
        DiagTest *test = userdata;

        test->n_visited++;
        for (size_t i = 0; i < FOUND_MAX; i++)
                if (test->wanted[i] != 0 && test->wanted[i] == socket->inode) {
                        test->found[i] = *socket;
                        test->n_found[i]++;
                }
        return 0;
}

static int diag_visit_stop(const SockDiagSocket *socket, void *userdata) {
        DiagTest *test = userdata;

        test->n_visited++;
        return VISIT_STOP;
}

/* fds[0] listens, fds[1] is a client, fds[2] its accepted end. Returns: the port. */
static uint16_t diag_connect_tcp(DiagTest *test, int family) {
        struct sockaddr_storage address = { .ss_family = (sa_family_t) family };
        struct sockaddr_in *in4 = (struct sockaddr_in *) &address;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &address;
        socklen_t size = family == AF_INET ? sizeof(*in4) : sizeof(*in6);

        if (family == AF_INET)
                in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        else
                in6->sin6_addr = in6addr_loopback;
        test->fds[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        test->fds[1] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(test->fds[0], (struct sockaddr *) &address, size) < 0 && family == AF_INET6)
                skip(); /* a machine without IPv6 */
        assert_int_equal(listen(test->fds[0], 17), 0);
        assert_int_equal(getsockname(test->fds[0], (struct sockaddr *) &address, &size), 0);
        assert_int_equal(connect(test->fds[1], (struct sockaddr *) &address, size), 0);
        return ntohs(family == AF_INET ? in4->sin_port : in6->sin6_port);
}

static void diag_want(DiagTest *test) {
        for (size_t i = 0; i < ELEMENTSOF(test->fds); i++) {
                test->wanted[i] = test->fds[i] >= 0 ? fd_inode(test->fds[i]) : 0;
                test->n_found[i] = 0;
        }
}

static void diag_check_tcp(DiagTest *test, int family, const char *host) {
        char text[64];
        uint16_t port = diag_connect_tcp(test, family);

        diag_want(test);
        assert_int_equal(sock_diag_visit_tcp(1U << TCP_LISTEN, false, diag_visit, test), 0);
        assert_true(test->n_found[0] > 0);
        assert_int_equal(test->n_found[1], 0);
        assert_int_equal(test->found[0].recv_queue, 1); /* waits to be accepted */
        assert_int_equal(test->found[0].send_queue, 17);
        assert_int_equal(test->found[0].state, TCP_LISTEN);
        assert_int_equal(test->found[0].local_port, port);

        test->fds[2] = accept4(test->fds[0], NULL, NULL, SOCK_CLOEXEC);
        assert_true(test->fds[2] >= 0);
        assert_int_equal(send(test->fds[1], "hello", 5, 0), 5);
        diag_want(test);
        assert_int_equal(sock_diag_visit_tcp(1U << TCP_ESTABLISHED, true, diag_visit, test), 0);
        assert_int_equal(test->n_found[0], 0);
        assert_true(test->n_found[1] > 0);
        assert_true(test->n_found[2] > 0);
        assert_int_equal(test->found[1].peer_port, port);
        assert_int_equal(test->found[2].local_port, port);
        assert_int_equal(test->found[2].family, family);
        assert_int_equal(test->found[2].recv_queue, 5);
        assert_int_equal(test->found[2].peer_port, test->found[1].local_port);
        (void) snprintf(text, sizeof(text), "%s:%u", host, port);
        assert_string_equal(test->found[1].peer, text);
        assert_string_equal(test->found[2].local, text);
        assert_true(test->found[1].has_info);
        assert_true(test->found[1].last_sent_usec < USEC_PER_HOUR);
        assert_int_equal(test->found[1].retransmits, 0);
}

static void test_sock_diag_tcp4_found_with_queues_and_info(void **state) {
        diag_check_tcp(*state, AF_INET, "127.0.0.1");
}

static void test_sock_diag_tcp6_found_with_queues_and_info(void **state) {
        diag_check_tcp(*state, AF_INET6, "[::1]");
}

static void test_sock_diag_unix_found_with_name_and_peer(void **state) {
        static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
        DiagTest *test = *state;

        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                char text[SOCK_DIAG_ADDRESS_MAX];
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
                        "test-sock-diag-%d\n\x1b\xff", getpid());
                socklen_t size =
                        (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) n + 1);
                (void) snprintf(
                        text, sizeof(text), "@test-sock-diag-%d\\x0a\\x1b\\xff\\x00", getpid());

                test->fds[0] = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
                test->fds[1] = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
                assert_int_equal(bind(test->fds[0], (struct sockaddr *) &address, size), 0);
                assert_int_equal(listen(test->fds[0], 19), 0);
                assert_int_equal(connect(test->fds[1], (struct sockaddr *) &address, size), 0);
                diag_want(test);
                assert_int_equal(sock_diag_visit_unix(1U << TCP_LISTEN, diag_visit, test), 0);
                assert_true(test->n_found[0] > 0);
                assert_int_equal(test->n_found[1], 0);
                assert_string_equal(test->found[0].local, text);
                assert_int_equal(test->found[0].recv_queue, 1);
                assert_int_equal(test->found[0].send_queue, 19);

                test->fds[2] = accept4(test->fds[0], NULL, NULL, SOCK_CLOEXEC);
                assert_true(test->fds[2] >= 0);
                assert_int_equal(send(test->fds[1], "hello", 5, 0), 5);
                diag_want(test);
                assert_int_equal(sock_diag_visit_unix(1U << TCP_ESTABLISHED, diag_visit, test), 0);
                assert_int_equal(test->n_found[0], 0);
                assert_true(test->n_found[1] > 0);
                assert_true(test->n_found[2] > 0);
                assert_string_equal(test->found[1].local, "");
                assert_string_equal(test->found[2].local, text);
                assert_int_equal(test->found[1].peer_inode, test->wanted[2]);
                assert_int_equal(test->found[2].peer_inode, test->wanted[1]);
                assert_int_equal(test->found[2].recv_queue, 5);

                test->fds[1] = fd_close(test->fds[1]);
                diag_want(test);
                assert_int_equal(sock_diag_visit_unix(ALL_STATES, diag_visit, test), 0);
                assert_true(test->n_found[2] > 0);
                assert_int_equal(test->found[2].peer_inode, 0);
                for (size_t k = 0; k < ELEMENTSOF(test->fds); k++)
                        test->fds[k] = fd_close(test->fds[k]);
        }
}

static void test_sock_diag_unix_datagram_left_out(void **state) {
        DiagTest *test = *state;

        assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, test->fds), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, test->fds + 2), 0);
        diag_want(test);
        assert_int_equal(sock_diag_visit_unix(ALL_STATES, diag_visit, test), 0);
        assert_int_equal(test->n_found[0], 0);
        assert_int_equal(test->n_found[1], 0);
        assert_true(test->n_found[2] > 0);
        assert_true(test->n_found[3] > 0);
}

static void test_sock_diag_visit_that_ends_is_returned(void **state) {
        DiagTest *test = *state;

        (void) diag_connect_tcp(test, AF_INET);
        assert_int_equal(sock_diag_visit_tcp(ALL_STATES, false, diag_visit_stop, test), VISIT_STOP);
        assert_int_equal(test->n_visited, 1);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, test->fds + 2), 0);
        assert_int_equal(sock_diag_visit_unix(ALL_STATES, diag_visit_stop, test), VISIT_STOP);
        assert_int_equal(test->n_visited, 2);
}

static void test_sock_diag_no_state_nothing_visited(void **state) {
        DiagTest *test = *state;

        (void) diag_connect_tcp(test, AF_INET);
        assert_int_equal(sock_diag_visit_tcp(0, true, diag_visit, test), 0);
        assert_int_equal(sock_diag_visit_unix(0, diag_visit, test), 0);
        assert_int_equal(test->n_visited, 0);
}

/* ---- Not permitted ---- */

static void child_without_netlink(int says_fd) {
        static const int errors[] = { EPERM, EACCES, EAFNOSUPPORT };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                if (seccomp_refuse_netlink(errors[i]) < 0)
                        _exit(1);
                /* Of several filters that answer with an errno the last one wins. */
                if (sock_diag_visit_tcp(ALL_STATES, true, diag_visit, &diag_test) != -errors[i] ||
                        sock_diag_visit_unix(ALL_STATES, diag_visit, &diag_test) != -errors[i] ||
                        diag_test.n_visited != 0)
                        _exit(1);
        }
        child_process_say(says_fd);
}

static void test_sock_diag_refused_is_the_errno_alone(void **state) {
        DiagTest *test = *state;

        child_process_start(&test->child, child_without_netlink);
}

#define DIAG_TEST(name) cmocka_unit_test_setup_teardown(name, diag_setup, diag_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                DIAG_TEST(test_sock_diag_inet_addresses_written),
                DIAG_TEST(test_sock_diag_inet_info_of_any_kernel_read),
                DIAG_TEST(test_sock_diag_unix_names_written),
                DIAG_TEST(test_sock_diag_unix_long_names_cut_between_escapes),
                DIAG_TEST(test_sock_diag_unix_types_told_apart),
                DIAG_TEST(test_sock_diag_entry_cut_anywhere_refused_or_less),
                DIAG_TEST(test_sock_diag_attribute_of_wrong_length_ends_them),
                DIAG_TEST(test_sock_diag_entry_of_unknown_family_refused),
                DIAG_TEST(test_sock_diag_state_has_its_name),
                DIAG_TEST(test_sock_diag_tcp4_found_with_queues_and_info),
                DIAG_TEST(test_sock_diag_tcp6_found_with_queues_and_info),
                DIAG_TEST(test_sock_diag_unix_found_with_name_and_peer),
                DIAG_TEST(test_sock_diag_unix_datagram_left_out),
                DIAG_TEST(test_sock_diag_visit_that_ends_is_returned),
                DIAG_TEST(test_sock_diag_no_state_nothing_visited),
                DIAG_TEST(test_sock_diag_refused_is_the_errno_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
