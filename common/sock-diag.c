/* SPDX-License-Identifier: MIT */

/* Sockets as the kernel lists them over netlink.
 *
 * One request, one dump, one family at a time, over a socket of its own that is closed behind it.
 * The answer comes in datagrams of some hundred entries; each is taken apart in the same buffer, so
 * memory does not grow with the number of sockets. Whoever asks gets entries one by one and keeps
 * what he needs.
 *
 * Nothing here waits for ever. The kernel makes each part of a dump within the recvmsg(2) that
 * fetches it, so the receive timeout is for a kernel that does not answer at all, and the number of
 * datagrams and of entries is bounded. Every length is checked against what holds it, although the
 * kernel wrote it: an old one writes shorter structures, a new one longer.
 *
 * A dump walks the kernel's tables bucket by bucket and other processes go on meanwhile: an entry
 * may come twice or not at all. When the kernel itself says so (NLM_F_DUMP_INTR) the dump is made
 * once more.
 *
 * Filters in the kernel (INET_DIAG_REQ_BYTECODE) are not used but for the states: they know ports
 * and addresses, and what is asked here is whose socket it is. UDP, raw and other protocols are not
 * listed, nor are sockets of other network namespaces. */

#include "sock-diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#define SOCK_DIAG_BUFFER_BYTES  (32U * 1024U) /* what the kernel fills at most at once */
#define SOCK_DIAG_TIMEOUT_USEC  USEC_PER_SEC
#define SOCK_DIAG_DATAGRAMS_MAX 65536U
#define SOCK_DIAG_SOCKETS_MAX   (1U << 20)
#define SOCK_DIAG_SEQUENCE      1U
#define SOCK_DIAG_NEW_SYN_RECV  12 /* net/tcp_states.h; not in netinet/tcp.h */

/* What becomes of a dump after a datagram. */
enum {
        SOCK_DIAG_MORE,
        SOCK_DIAG_END,
};

typedef struct SockDiagDump {
        int fd;
        SockDiagVisit visit;
        void *userdata;
        uint32_t n_sockets;
        int visited; /* what visit() returned, when it ended the dump */
        bool is_interrupted;
} SockDiagDump;

const char *sock_diag_state_to_string(uint8_t state) {
        static const char *const table[] = {
                [TCP_ESTABLISHED] = "ESTABLISHED",
                [TCP_SYN_SENT] = "SYN_SENT",
                [TCP_SYN_RECV] = "SYN_RECV",
                [TCP_FIN_WAIT1] = "FIN_WAIT1",
                [TCP_FIN_WAIT2] = "FIN_WAIT2",
                [TCP_TIME_WAIT] = "TIME_WAIT",
                [TCP_CLOSE] = "CLOSE",
                [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
                [TCP_LAST_ACK] = "LAST_ACK",
                [TCP_LISTEN] = "LISTEN",
                [TCP_CLOSING] = "CLOSING",
                [SOCK_DIAG_NEW_SYN_RECV] = "NEW_SYN_RECV",
        };

        return state < ELEMENTSOF(table) ? table[state] : NULL;
}

/* ---- Entries ---- */

/* Takes the attribute at the front of *data. Returns: 1; 0: there is none that is whole. */
static int sock_diag_take_attribute(
        const uint8_t **data, size_t *size, struct rtattr *ret_header, const uint8_t **ret_value) {
        struct rtattr header;

        if (*size < sizeof(header))
                return 0;
        memcpy(&header, *data, sizeof(header));
        if (header.rta_len < sizeof(header) || header.rta_len > *size)
                return 0;

        size_t step = RTA_ALIGN((size_t) header.rta_len);
        *ret_header = header;
        *ret_value = *data + sizeof(header);
        if (step > *size)
                step = *size; /* the last one need not be padded */
        *data += step;
        *size -= step;
        return 1;
}

static void sock_diag_format_inet(char text[static SOCK_DIAG_ADDRESS_MAX], int family,
        const uint32_t address[4], uint16_t port) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        const void *bytes = address;
        char host[INET6_ADDRSTRLEN];

        if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
                family = AF_INET;
                bytes = &address[3];
        }
        if (!inet_ntop(family, bytes, host, sizeof(host)))
                host[0] = '\0';
        (void) snprintf(text, SOCK_DIAG_ADDRESS_MAX, family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                (unsigned) port);
}

static void sock_diag_parse_tcp_info(const uint8_t *value, size_t size, SockDiagSocket *socket) {
        struct tcp_info info = {};

        /* An old kernel's is shorter; what it has in common with ours stands at the front. */
        if (size <
                offsetof(struct tcp_info, tcpi_last_data_recv) + sizeof(info.tcpi_last_data_recv))
                return;
        memcpy(&info, value, size < sizeof(info) ? size : sizeof(info));
        socket->has_info = true;
        socket->retransmits = info.tcpi_retransmits;
        socket->unacked = info.tcpi_unacked;
        socket->last_sent_usec = info.tcpi_last_data_sent * USEC_PER_MSEC;
        socket->last_received_usec = info.tcpi_last_data_recv * USEC_PER_MSEC;
}

static int sock_diag_parse_inet(const uint8_t *data, size_t size, SockDiagSocket *ret_socket) {
        SockDiagSocket socket = {};
        struct inet_diag_msg entry;
        struct rtattr attribute;
        const uint8_t *value;

        if (size < sizeof(entry))
                return -EBADMSG;
        memcpy(&entry, data, sizeof(entry));
        data += sizeof(entry);
        size -= sizeof(entry);

        socket.family = entry.idiag_family;
        socket.inode = entry.idiag_inode;
        socket.state = entry.idiag_state;
        socket.local_port = ntohs(entry.id.idiag_sport);
        socket.peer_port = ntohs(entry.id.idiag_dport);
        socket.recv_queue = entry.idiag_rqueue;
        socket.send_queue = entry.idiag_wqueue;
        sock_diag_format_inet(socket.local, socket.family, entry.id.idiag_src, socket.local_port);
        sock_diag_format_inet(socket.peer, socket.family, entry.id.idiag_dst, socket.peer_port);
        while (sock_diag_take_attribute(&data, &size, &attribute, &value) > 0)
                if (attribute.rta_type == INET_DIAG_INFO)
                        sock_diag_parse_tcp_info(
                                value, attribute.rta_len - sizeof(attribute), &socket);

        *ret_socket = socket;
        return 1;
}

/* The name as in sun_path: a path with or without a NUL behind it, or a NUL and any bytes. Cut
 * where the text is full, never within an escape. */
static void sock_diag_format_unix(
        char text[static SOCK_DIAG_ADDRESS_MAX], const uint8_t *name, size_t size) {
        size_t n = 0;

        if (size > 0 && name[0] == '\0') {
                text[n++] = '@';
                name++;
                size--;
        } else
                size = strnlen((const char *) name, size);
        for (size_t i = 0; i < size; i++) {
                bool is_plain = name[i] >= 0x20 && name[i] < 0x7f;
                if (n + (is_plain ? 1 : 4) >= SOCK_DIAG_ADDRESS_MAX)
                        break;
                if (is_plain)
                        text[n++] = (char) name[i];
                else
                        n += (size_t) snprintf(
                                text + n, SOCK_DIAG_ADDRESS_MAX - n, "\\x%02x", name[i]);
        }
        text[n] = '\0';
}

static void sock_diag_parse_unix_attribute(
        const struct rtattr *attribute, const uint8_t *value, SockDiagSocket *socket) {
        size_t size = attribute->rta_len - sizeof(*attribute);
        struct unix_diag_rqlen queues;
        uint32_t inode;

        switch (attribute->rta_type) {
        case UNIX_DIAG_NAME:
                sock_diag_format_unix(socket->local, value, size);
                break;
        case UNIX_DIAG_PEER:
                if (size < sizeof(inode))
                        break;
                memcpy(&inode, value, sizeof(inode));
                socket->peer_inode = inode;
                break;
        case UNIX_DIAG_RQLEN:
                if (size < sizeof(queues))
                        break;
                memcpy(&queues, value, sizeof(queues));
                socket->recv_queue = queues.udiag_rqueue;
                socket->send_queue = queues.udiag_wqueue;
                break;
        default:
                break;
        }
}

static int sock_diag_parse_unix(const uint8_t *data, size_t size, SockDiagSocket *ret_socket) {
        SockDiagSocket socket = { .family = AF_UNIX };
        struct unix_diag_msg entry;
        struct rtattr attribute;
        const uint8_t *value;

        if (size < sizeof(entry))
                return -EBADMSG;
        memcpy(&entry, data, sizeof(entry));
        data += sizeof(entry);
        size -= sizeof(entry);
        if (entry.udiag_type != SOCK_STREAM && entry.udiag_type != SOCK_SEQPACKET)
                return 0;

        socket.inode = entry.udiag_ino;
        socket.state = entry.udiag_state;
        while (sock_diag_take_attribute(&data, &size, &attribute, &value) > 0)
                sock_diag_parse_unix_attribute(&attribute, value, &socket);

        *ret_socket = socket;
        return 1;
}

int sock_diag_parse(const void *entry, size_t size, SockDiagSocket *ret_socket) {
        assert(entry);
        assert(ret_socket);

        if (size == 0)
                return -EBADMSG;
        switch (*(const uint8_t *) entry) { /* both structures begin with the family */
        case AF_INET:
        case AF_INET6:
                return sock_diag_parse_inet(entry, size, ret_socket);
        case AF_UNIX:
                return sock_diag_parse_unix(entry, size, ret_socket);
        default:
                return -EBADMSG;
        }
}

/* ---- Dumps ---- */

static int sock_diag_send(int fd, const void *request, size_t size) {
        struct nlmsghdr header = {
                .nlmsg_len = (uint32_t) (sizeof(header) + size),
                .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                .nlmsg_seq = SOCK_DIAG_SEQUENCE,
        };
        struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        struct iovec parts[] = {
                { .iov_base = &header, .iov_len = sizeof(header) },
                { .iov_base = (void *) request, .iov_len = size },
        };
        struct msghdr message = {
                .msg_name = &kernel,
                .msg_namelen = sizeof(kernel),
                .msg_iov = parts,
                .msg_iovlen = ELEMENTSOF(parts),
        };
        ssize_t n;

        do
                n = sendmsg(fd, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t) n == header.nlmsg_len ? 0 : -EMSGSIZE;
}

/* Returns: the size of a datagram from the kernel; 0: one from somebody else. */
static ssize_t sock_diag_receive(int fd, void *buffer, size_t size) {
        struct sockaddr_nl sender = {};
        struct iovec part = { .iov_base = buffer, .iov_len = size };
        struct msghdr message = {
                .msg_name = &sender,
                .msg_namelen = sizeof(sender),
                .msg_iov = &part,
                .msg_iovlen = 1,
        };
        ssize_t n;

        do
                n = recvmsg(fd, &message, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (message.msg_flags & MSG_TRUNC)
                return -EMSGSIZE;
        if (message.msg_namelen != sizeof(sender) || sender.nl_pid != 0)
                return 0;
        return n > 0 ? n : -EBADMSG;
}

/* NLMSG_DONE and NLMSG_ERROR both carry an errno in front, the first since it is worth anything. */
static int sock_diag_read_result(const uint8_t *payload, size_t size, bool is_error) {
        int32_t result;

        if (size < sizeof(result))
                return is_error ? -EBADMSG : SOCK_DIAG_END;
        memcpy(&result, payload, sizeof(result));
        if (result < 0)
                return result;
        /* An acknowledgement was not asked for, and nothing would follow it. */
        return is_error ? -EBADMSG : SOCK_DIAG_END;
}

static int sock_diag_visit_entry(SockDiagDump *dump, const uint8_t *payload, size_t size) {
        SockDiagSocket socket;

        if (++dump->n_sockets > SOCK_DIAG_SOCKETS_MAX)
                return -E2BIG;
        int r = sock_diag_parse(payload, size, &socket);
        if (r <= 0)
                return r;
        dump->visited = dump->visit(&socket, dump->userdata);
        return dump->visited == 0 ? SOCK_DIAG_MORE : SOCK_DIAG_END;
}

/* Returns: SOCK_DIAG_MORE, SOCK_DIAG_END; negative errno. */
static int sock_diag_read_datagram(SockDiagDump *dump, const uint8_t *data, size_t size) {
        while (size > 0) {
                struct nlmsghdr header;
                int r = SOCK_DIAG_MORE;

                if (size < sizeof(header))
                        return -EBADMSG;
                memcpy(&header, data, sizeof(header));
                if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size)
                        return -EBADMSG;

                const uint8_t *payload = data + sizeof(header);
                size_t payload_size = header.nlmsg_len - sizeof(header);
                if (header.nlmsg_flags & NLM_F_DUMP_INTR)
                        dump->is_interrupted = true;
                if (header.nlmsg_seq == SOCK_DIAG_SEQUENCE) {
                        if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR)
                                r = sock_diag_read_result(
                                        payload, payload_size, header.nlmsg_type == NLMSG_ERROR);
                        else if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
                                r = sock_diag_visit_entry(dump, payload, payload_size);
                }
                if (r != SOCK_DIAG_MORE)
                        return r;

                size_t step = NLMSG_ALIGN((size_t) header.nlmsg_len);
                if (step > size)
                        step = size;
                data += step;
                size -= step;
        }
        return SOCK_DIAG_MORE;
}

static int sock_diag_open(void) {
        const struct timeval timeout = { .tv_sec = SOCK_DIAG_TIMEOUT_USEC / USEC_PER_SEC };
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* One dump from its request to its end. */
static int sock_diag_dump_once(SockDiagDump *dump, const void *request, size_t size) {
        _Alignas(struct nlmsghdr) uint8_t buffer[SOCK_DIAG_BUFFER_BYTES];
        _cleanup_close_ int fd = sock_diag_open();

        if (fd < 0)
                return fd;
        int r = sock_diag_send(fd, request, size);
        if (r < 0)
                return r;

        for (uint32_t i = 0; i < SOCK_DIAG_DATAGRAMS_MAX; i++) {
                ssize_t n = sock_diag_receive(fd, buffer, sizeof(buffer));
                if (n < 0)
                        return (int) n;
                r = sock_diag_read_datagram(dump, buffer, (size_t) n);
                if (r < 0)
                        return r;
                if (r == SOCK_DIAG_END)
                        return 0;
        }
        return -E2BIG;
}

static int sock_diag_dump(const void *request, size_t size, SockDiagVisit visit, void *userdata) {
        SockDiagDump dump = { .visit = visit, .userdata = userdata };

        int r = sock_diag_dump_once(&dump, request, size);
        if (r >= 0 && dump.visited == 0 && dump.is_interrupted) {
                dump.n_sockets = 0;
                r = sock_diag_dump_once(&dump, request, size);
        }
        return r < 0 ? r : dump.visited;
}

int sock_diag_visit_tcp(uint32_t states, bool with_info, SockDiagVisit visit, void *userdata) {
        assert(visit);

        struct inet_diag_req_v2 request = {
                .sdiag_family = AF_INET,
                .sdiag_protocol = IPPROTO_TCP,
                .idiag_ext = with_info ? 1U << (INET_DIAG_INFO - 1) : 0,
                .idiag_states = states,
        };

        int r = sock_diag_dump(&request, sizeof(request), visit, userdata);
        if (r != 0)
                return r;
        request.sdiag_family = AF_INET6;
        r = sock_diag_dump(&request, sizeof(request), visit, userdata);
        return r == -ENOENT ? 0 : r; /* a kernel without IPv6 */
}

int sock_diag_visit_unix(uint32_t states, SockDiagVisit visit, void *userdata) {
        assert(visit);

        struct unix_diag_req request = {
                .sdiag_family = AF_UNIX,
                .udiag_states = states,
                .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN,
        };

        return sock_diag_dump(&request, sizeof(request), visit, userdata);
}
