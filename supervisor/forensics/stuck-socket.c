/* SPDX-License-Identifier: MIT */

/* The sockets of the gateway's processes, as lines: those that it may be waiting for first.
 *
 * The kernel lists all sockets of the network namespace; ours are those whose inode one of the processes
 * holds. Of more than STUCK_SOCKETS_MAX those that look least like a reason to hang are left out. In the
 * order of that look: a SYN without answer; data that is unsent or unacknowledged; connections that the
 * gateway opened itself; the rest.
 *
 * Who opened a connection is not kept by the kernel. It is taken for the peer when our port is one that we
 * listen at, or none of those that the kernel gives to whoever connects (a gateway that drains may have
 * closed its listener).
 *
 * How long a peer owes an answer, of what TCP knows: the time since the last data came from it, while
 * something is unacknowledged, or when we were the last to send. A peer whose kernel acknowledges what the
 * program never reads is found by the latter. */

#include <netinet/tcp.h>
#include <string.h>

#include "file.h"
#include "record-json.h"
#include "sock-diag.h"
#include "socket-inodes.h"
#include "stuck-internal.h"

#define STUCK_LISTENERS_MAX 64
#define STUCK_STATES_ALL    (~UINT32_C(0))
#define STUCK_PORT_FIRST    32768 /* ip(7): the default of ip_local_port_range */
#define STUCK_PORT_LAST     60999

typedef enum StuckSocketRank {
        STUCK_SOCKET_CONNECTING,
        STUCK_SOCKET_UNACKNOWLEDGED,
        STUCK_SOCKET_OUTGOING,
        STUCK_SOCKET_LISTENER,
        STUCK_SOCKET_INCOMING,
        STUCK_SOCKET_UNIX,
} StuckSocketRank;

typedef struct StuckSocket {
        SockDiagSocket socket;
        pid_t pid;
        int fd;
        StuckSocketRank rank;
        bool is_outgoing;
        bool is_unanswered;
        usec_t unanswered_usec;
} StuckSocket;

typedef struct StuckSockets {
        SocketInodes inodes;
        uint16_t first_port, last_port; /* of those who connect */
        uint16_t listeners[STUCK_LISTENERS_MAX];
        size_t n_listeners;
        StuckSocket items[STUCK_SOCKETS_MAX];
        size_t n;
        size_t n_left_out;
} StuckSockets;

/* ---- What it looks like ---- */

static bool stuck_socket_is_outgoing(const StuckSockets *sockets, const SockDiagSocket *socket) {
        if (socket->state == TCP_SYN_SENT)
                return true;
        if (socket->state == TCP_LISTEN || socket->state == TCP_SYN_RECV)
                return false;
        for (size_t i = 0; i < sockets->n_listeners; i++)
                if (sockets->listeners[i] == socket->local_port)
                        return false;
        return socket->local_port >= sockets->first_port &&
                socket->local_port <= sockets->last_port;
}

static StuckSocketRank stuck_socket_rank(const StuckSocket *item) {
        if (item->socket.family == AF_UNIX)
                return STUCK_SOCKET_UNIX;
        if (item->socket.state == TCP_LISTEN)
                return STUCK_SOCKET_LISTENER;
        if (item->socket.state == TCP_SYN_SENT)
                return STUCK_SOCKET_CONNECTING;
        if (item->socket.send_queue > 0 || item->socket.unacked > 0)
                return STUCK_SOCKET_UNACKNOWLEDGED;
        return item->is_outgoing ? STUCK_SOCKET_OUTGOING : STUCK_SOCKET_INCOMING;
}

/* A connection that is not yet made has no times. What is sent again counts as sent, too: then only the
 * last receipt tells. */
static void stuck_socket_judge_answer(StuckSocket *item) {
        const SockDiagSocket *socket = &item->socket;

        if (!socket->has_info || socket->state == TCP_SYN_SENT || socket->state == TCP_SYN_RECV ||
                socket->state == TCP_LISTEN)
                return;
        if (socket->retransmits > 0)
                item->unanswered_usec = socket->last_received_usec;
        else if (socket->unacked > 0 || socket->last_received_usec >= socket->last_sent_usec)
                item->unanswered_usec = socket->last_sent_usec < socket->last_received_usec
                        ? socket->last_sent_usec
                        : socket->last_received_usec;
        else
                return;
        item->is_unanswered = true;
}

static int stuck_socket_compare(const void *a, const void *b) {
        const StuckSocket *x = a, *y = b;

        if (x->rank != y->rank)
                return x->rank < y->rank ? -1 : 1;
        return (x->unanswered_usec < y->unanswered_usec) -
                (x->unanswered_usec > y->unanswered_usec);
}

/* ---- Which ---- */

static void stuck_sockets_add(StuckSockets *sockets, const StuckSocket *item) {
        size_t worst = 0;

        if (sockets->n < STUCK_SOCKETS_MAX) {
                sockets->items[sockets->n++] = *item;
                return;
        }
        sockets->n_left_out++;
        for (size_t i = 1; i < sockets->n; i++)
                if (stuck_socket_compare(&sockets->items[i], &sockets->items[worst]) > 0)
                        worst = i;
        if (stuck_socket_compare(item, &sockets->items[worst]) < 0)
                sockets->items[worst] = *item;
}

static int stuck_socket_visit(const SockDiagSocket *socket, void *userdata) {
        StuckSockets *sockets = userdata;
        const SocketInode *holder = socket_inodes_find(&sockets->inodes, socket->inode);

        if (!holder)
                return 0;
        if (socket->family != AF_UNIX && socket->state == TCP_LISTEN &&
                sockets->n_listeners < STUCK_LISTENERS_MAX)
                sockets->listeners[sockets->n_listeners++] = socket->local_port;
        StuckSocket item = { .socket = *socket, .pid = holder->pid, .fd = holder->fd };
        if (socket->family != AF_UNIX) {
                item.is_outgoing = stuck_socket_is_outgoing(sockets, socket);
                stuck_socket_judge_answer(&item);
        }
        item.rank = stuck_socket_rank(&item);
        stuck_sockets_add(sockets, &item);
        return 0;
}

/* A unix socket that connects has no name, its peer has that of the listener. */
static int stuck_socket_visit_peer(const SockDiagSocket *socket, void *userdata) {
        StuckSockets *sockets = userdata;

        if (socket->local[0] == '\0')
                return 0;
        for (size_t i = 0; i < sockets->n; i++)
                if (sockets->items[i].socket.family == AF_UNIX &&
                        sockets->items[i].socket.peer_inode == socket->inode)
                        memcpy(sockets->items[i].socket.peer, socket->local, sizeof(socket->local));
        return 0;
}

static void stuck_sockets_read_ports(StuckSockets *sockets, int proc_fd) {
        unsigned first, last;
        char text[64];

        sockets->first_port = STUCK_PORT_FIRST;
        sockets->last_port = STUCK_PORT_LAST;
        if (file_read_virtual(proc_fd, "sys/net/ipv4/ip_local_port_range", text, sizeof(text)) >
                        0 &&
                sscanf(text, "%u %u", &first, &last) == 2 && first <= last && last <= UINT16_MAX) {
                sockets->first_port = (uint16_t) first;
                sockets->last_port = (uint16_t) last;
        }
}

/* What the kernel refuses is missing. */
static void stuck_sockets_visit(StuckSockets *sockets) {
        (void) !sock_diag_visit_tcp(
                1U << TCP_LISTEN, /* with_info= */ false, stuck_socket_visit, sockets);
        (void) !sock_diag_visit_tcp(STUCK_STATES_ALL & ~(1U << TCP_LISTEN), /* with_info= */ true,
                stuck_socket_visit, sockets);
        (void) !sock_diag_visit_unix(STUCK_STATES_ALL, stuck_socket_visit, sockets);
        (void) !sock_diag_visit_unix(1U << TCP_ESTABLISHED, stuck_socket_visit_peer, sockets);
}

/* ---- Lines ---- */

static json_object *stuck_socket_to_json(const StuckSocket *item) {
        static const char *const families[] = {
                [AF_UNIX] = "unix", [AF_INET] = "tcp", [AF_INET6] = "tcp6"
        };
        const SockDiagSocket *socket = &item->socket;
        const char *state = sock_diag_state_to_string(socket->state);
        json_object *object = json_object_new_object();

        record_json_put(object, "fd", json_object_new_int64(item->fd));
        record_json_put(object, "family", json_object_new_string(families[socket->family]));
        if (socket->local[0])
                record_json_put(object, "local", stuck_text_new(socket->local));
        if (socket->peer[0])
                record_json_put(object, "peer", stuck_text_new(socket->peer));
        if (state)
                record_json_put(object, "state", json_object_new_string(state));
        record_json_put(object, "recv_queue", json_object_new_int64(socket->recv_queue));
        record_json_put(object, "send_queue", json_object_new_int64(socket->send_queue));
        if (socket->has_info)
                record_json_put(object, "retransmits", json_object_new_int64(socket->retransmits));
        if (item->is_unanswered)
                record_json_put(
                        object, "unanswered_usec", json_object_new_uint64(item->unanswered_usec));
        if (socket->family != AF_UNIX)
                record_json_put(object, "outgoing", json_object_new_boolean(item->is_outgoing));
        return object;
}

static void stuck_sockets_write(StuckSockets *sockets, StuckCollector *collector) {
        qsort(sockets->items, sockets->n, sizeof(StuckSocket), stuck_socket_compare);
        for (size_t i = 0; i < sockets->n; i++) {
                json_object *line = stuck_line_new(sockets->items[i].pid);
                record_json_put(line, "socket", stuck_socket_to_json(&sockets->items[i]));
                (void) !stuck_write(collector, line);
        }
        if (sockets->n_left_out > 0) {
                json_object *line = json_object_new_object();
                record_json_put(line, "sockets_left_out",
                        json_object_new_int64((int64_t) sockets->n_left_out));
                (void) !stuck_write(collector, line);
        }
}

void stuck_socket_collect(StuckCollector *collector, size_t index) {
        _cleanup_free_ StuckSockets *sockets = calloc(1, sizeof(*sockets));

        if (!sockets)
                return;
        for (size_t i = 0; i < collector->n_processes; i++)
                (void) !socket_inodes_read(
                        &sockets->inodes, collector->request->proc_fd, collector->processes[i].pid);
        socket_inodes_sort(&sockets->inodes);
        stuck_sockets_read_ports(sockets, collector->request->proc_fd);
        stuck_sockets_visit(sockets);
        stuck_sockets_write(sockets, collector);
        socket_inodes_done(&sockets->inodes);
}
