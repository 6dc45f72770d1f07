/* SPDX-License-Identifier: MIT */

/* Work in flight, counted from outside: which of the kernel's sockets are the gateway's, and which
 * of those somebody else opened.
 *
 * First the inodes of all sockets that the processes hold, then one pass over the kernel's TCP
 * sockets and one over its unix sockets; what is kept is 16 to 32 bytes each, and everything is
 * found by halves. 10,000 connections take some 60 ms, half of it for the links in /proc, and less
 * than a megabyte. A socket counts once, however many processes share it and however often a dump
 * names it.
 *
 * TCP: established, and its local port is one that the gateway listens on, is known to have
 * listened on, or must have listened on: two connections that end at the same port of ours. That
 * alone proves nothing, as the kernel gives one port to several outbound connections of different
 * destinations. It counts where the kernel would not have chosen the port (it lies outside
 * ip_local_port_range), or where the other side's port looks chosen by a kernel (not below that
 * range).
 * Unix: connected, and named: accept(2) gives the listener's name, connect(2) none. But a client
 * may bind a name first, and sd-bus does; then the one whose name belongs to a listener was
 * accepted. Where that is out of sight, a client is the one with an abstract name before a peer
 * with a path: it leaves no file.
 *
 * Not counted:
 * - outbound connections: nobody waits for us at their end. One between two processes of the
 *   gateway counts once, by its accepted end;
 * - connections that wait to be accepted: no process holds them, no work has begun;
 * - half-closed TCP connections (CLOSE_WAIT, FIN_WAIT…) and unix sockets whose peer is gone: many
 *   gateways forget them for good, and a drain would wait for nobody;
 * - socket pairs, unconnected and datagram sockets: they do not say whether work is going on;
 * - what lives in another network namespace (a container's): sock_diag(7) does not show it here.
 *   The accepted end of a unix connection lives in its client's. */

#include "connection-count.h"

#include <netinet/tcp.h>
#include <string.h>

#include "file.h"
#include "sock-diag.h"
#include "socket-inodes.h"

#define PORTS_N             65536U
#define PORT_LISTENING      0x80U /* in the table of ports; below it, the connections seen, up to */
#define PORT_EVIDENCE       2U    /* so many */
#define PORT_RANGE_FILE     "sys/net/ipv4/ip_local_port_range"
#define PORT_RANGE_FIRST    32768U /* ip(7): since Linux 2.4 */
#define PORT_RANGE_LAST     60999U
#define NAME_HASH_NONE      0U
#define CONNECTIONS_MINIMUM 64U

typedef struct TcpConnection {
        uint64_t inode;
        uint16_t local_port;
        uint16_t peer_port;
} TcpConnection;

/* Of any process: the gateway's peers are among them. */
typedef struct UnixConnection {
        uint64_t inode;
        uint64_t peer_inode;
        uint64_t name_hash; /* NAME_HASH_NONE: unnamed */
        bool is_ours;
        bool is_abstract;
} UnixConnection;

typedef struct Tally {
        const SocketInodes *inodes;
        uint8_t *ports; /* of PORTS_N */
        TcpConnection *tcp;
        size_t n_tcp, n_tcp_allocated;
        UnixConnection *unix_connections;
        size_t n_unix, n_unix_allocated;
        uint64_t *listener_hashes; /* names of unix listeners, of any process */
        size_t n_listeners, n_listeners_allocated;
} Tally;

static void tally_done(Tally *tally) {
        free(tally->ports);
        free(tally->tcp);
        free(tally->unix_connections);
        free(tally->listener_hashes);
}

/* Makes room for one more. Returns: the array; NULL: out of memory, and the old one stays. */
static void *tally_grow(void *items, size_t n, size_t *n_allocated, size_t item_bytes) {
        if (n < *n_allocated)
                return items;

        size_t n_grown = *n_allocated > 0 ? 2 * *n_allocated : CONNECTIONS_MINIMUM;
        void *grown = reallocarray(items, n_grown, item_bytes);
        if (grown)
                *n_allocated = n_grown;
        return grown;
}

/* Defines the order of a struct by its member inode, and how to leave one of each. */
#define DEFINE_INODE_ORDER(Type, prefix)                               \
        static int prefix##_compare(const void *a, const void *b) {    \
                const Type *x = a, *y = b;                             \
                return x->inode < y->inode ? -1 : x->inode > y->inode; \
        }                                                              \
        static size_t prefix##_sort_unique(Type *items, size_t n) {    \
                size_t last = 0;                                       \
                if (n == 0)                                            \
                        return 0;                                      \
                qsort(items, n, sizeof(Type), prefix##_compare);       \
                for (size_t i = 1; i < n; i++)                         \
                        if (items[i].inode != items[last].inode)       \
                                items[++last] = items[i];              \
                return last + 1;                                       \
        }

DEFINE_INODE_ORDER(TcpConnection, tcp_connection)
DEFINE_INODE_ORDER(UnixConnection, unix_connection)

/* ---- TCP ---- */

static int tally_visit_tcp(const SockDiagSocket *socket, void *userdata) {
        Tally *tally = userdata;

        if (!socket_inodes_find(tally->inodes, socket->inode))
                return 0;
        if (socket->state == TCP_LISTEN) {
                tally->ports[socket->local_port] |= PORT_LISTENING;
                return 0;
        }
        TcpConnection *tcp =
                tally_grow(tally->tcp, tally->n_tcp, &tally->n_tcp_allocated, sizeof(*tcp));
        if (!tcp)
                return -ENOMEM;
        tally->tcp = tcp;
        tcp[tally->n_tcp++] = (TcpConnection){
                .inode = socket->inode,
                .local_port = socket->local_port,
                .peer_port = socket->peer_port,
        };
        return 0;
}

/* Which ports this kernel gives to who asks for none. */
static void port_range_read(int proc_fd, unsigned *ret_first, unsigned *ret_last) {
        char text[64], *end;

        *ret_first = PORT_RANGE_FIRST;
        *ret_last = PORT_RANGE_LAST;
        if (file_read_virtual(proc_fd, PORT_RANGE_FILE, text, sizeof(text)) <= 0)
                return;
        unsigned long first = strtoul(text, &end, 10);
        unsigned long last = strtoul(end, NULL, 10);
        if (first > 0 && first <= last && last < PORTS_N) {
                *ret_first = (unsigned) first;
                *ret_last = (unsigned) last;
        }
}

/* Ports of listeners that nobody has seen. */
static void tally_infer_ports(Tally *tally, int proc_fd) {
        unsigned first, last;

        port_range_read(proc_fd, &first, &last);
        for (size_t i = 0; i < tally->n_tcp; i++) {
                const TcpConnection *tcp = &tally->tcp[i];
                bool is_chosen_by_kernel = tcp->local_port >= first && tcp->local_port <= last;
                if (is_chosen_by_kernel && tcp->peer_port < first)
                        continue;
                uint8_t *port = &tally->ports[tcp->local_port];
                if (!(*port & PORT_LISTENING) && ++*port >= PORT_EVIDENCE)
                        *port |= PORT_LISTENING;
        }
}

/* Those of before first: they can no longer be found again. */
static ListenPorts tally_list_ports(const Tally *tally, const ListenPorts *known) {
        ListenPorts listening = {};

        for (uint32_t i = 0; known && i < known->n && i < LISTEN_PORTS_MAX; i++) {
                bool is_there = false;
                for (uint32_t k = 0; k < listening.n; k++)
                        is_there = is_there || listening.ports[k] == known->ports[i];
                if (!is_there)
                        listening.ports[listening.n++] = known->ports[i];
        }
        uint32_t n_known = listening.n;
        for (unsigned port = 1; port < PORTS_N && listening.n < LISTEN_PORTS_MAX; port++) {
                bool is_new = tally->ports[port] & PORT_LISTENING;
                for (uint32_t k = 0; is_new && k < n_known; k++)
                        is_new = listening.ports[k] != port;
                if (is_new)
                        listening.ports[listening.n++] = (uint16_t) port;
        }
        return listening;
}

static int tally_count_tcp(
        Tally *tally, int proc_fd, const ListenPorts *known, ConnectionCount *count) {
        uint64_t n = 0;

        for (uint32_t i = 0; known && i < known->n && i < LISTEN_PORTS_MAX; i++)
                tally->ports[known->ports[i]] |= PORT_LISTENING;
        int r = sock_diag_visit_tcp((1U << TCP_LISTEN) | (1U << TCP_ESTABLISHED),
                /* with_info= */ false, tally_visit_tcp, tally);
        if (r < 0)
                return r;

        tally->n_tcp = tcp_connection_sort_unique(tally->tcp, tally->n_tcp);
        tally_infer_ports(tally, proc_fd);
        for (size_t i = 0; i < tally->n_tcp; i++)
                if (tally->ports[tally->tcp[i].local_port] & PORT_LISTENING)
                        n++;
        count->n_tcp = n;
        count->listening = tally_list_ports(tally, known);
        return 0;
}

/* ---- Unix ---- */

/* FNV-1a; never NAME_HASH_NONE for a name. */
static uint64_t name_hash(const char *name) {
        uint64_t hash = 0xcbf29ce484222325U;

        if (name[0] == '\0')
                return NAME_HASH_NONE;
        for (; *name != '\0'; name++)
                hash = (hash ^ (uint8_t) *name) * 0x100000001b3U;
        return hash != NAME_HASH_NONE ? hash : 1;
}

static int tally_add_listener(Tally *tally, const char *name) {
        if (name[0] == '\0')
                return 0;
        uint64_t *hashes = tally_grow(tally->listener_hashes, tally->n_listeners,
                &tally->n_listeners_allocated, sizeof(*hashes));
        if (!hashes)
                return -ENOMEM;
        tally->listener_hashes = hashes;
        hashes[tally->n_listeners++] = name_hash(name);
        return 0;
}

static int tally_visit_unix(const SockDiagSocket *socket, void *userdata) {
        Tally *tally = userdata;

        if (socket->state == TCP_LISTEN)
                return tally_add_listener(tally, socket->local);
        UnixConnection *connections = tally_grow(tally->unix_connections, tally->n_unix,
                &tally->n_unix_allocated, sizeof(*connections));
        if (!connections)
                return -ENOMEM;
        tally->unix_connections = connections;
        connections[tally->n_unix++] = (UnixConnection){
                .inode = socket->inode,
                .peer_inode = socket->peer_inode,
                .name_hash = name_hash(socket->local),
                .is_ours = socket_inodes_find(tally->inodes, socket->inode),
                .is_abstract = socket->local[0] == '@',
        };
        return 0;
}

static int name_hash_compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return x < y ? -1 : x > y;
}

static bool tally_is_listener_name(const Tally *tally, uint64_t hash) {
        return tally->n_listeners > 0 &&
                bsearch(&hash, tally->listener_hashes, tally->n_listeners, sizeof(hash),
                        name_hash_compare);
}

static bool tally_is_accepted(const Tally *tally, const UnixConnection *connection) {
        if (!connection->is_ours || connection->name_hash == NAME_HASH_NONE ||
                connection->peer_inode == 0)
                return false;
        if (tally_is_listener_name(tally, connection->name_hash))
                return true;

        /* Its listener is closed or of another network namespace, or it is a client with a name. */
        UnixConnection key = { .inode = connection->peer_inode };
        const UnixConnection *peer = bsearch(
                &key, tally->unix_connections, tally->n_unix, sizeof(key), unix_connection_compare);
        if (!peer || peer->name_hash == NAME_HASH_NONE)
                return true;
        if (tally_is_listener_name(tally, peer->name_hash))
                return false;
        return peer->is_abstract || !connection->is_abstract;
}

static int tally_count_unix(Tally *tally, ConnectionCount *count) {
        uint64_t n = 0;

        int r = sock_diag_visit_unix(
                (1U << TCP_LISTEN) | (1U << TCP_ESTABLISHED), tally_visit_unix, tally);
        if (r == -ENOENT)
                return 0; /* unix_diag is a module of its own: TCP can be counted without it */
        if (r < 0)
                return r;

        if (tally->n_listeners > 0)
                qsort(tally->listener_hashes, tally->n_listeners, sizeof(uint64_t),
                        name_hash_compare);
        tally->n_unix = unix_connection_sort_unique(tally->unix_connections, tally->n_unix);
        for (size_t i = 0; i < tally->n_unix; i++)
                if (tally_is_accepted(tally, &tally->unix_connections[i]))
                        n++;
        count->n_unix = n;
        return 0;
}

/* ---- Together ---- */

/* Returns: 0; -EACCES: not one of them may be looked at; -ENOMEM, -EMFILE, …. */
static int connection_read_inodes(
        int proc_fd, const ProcessInfo *processes, size_t n_processes, SocketInodes *inodes) {
        size_t n_read = 0, n_refused = 0;

        for (size_t i = 0; i < n_processes; i++) {
                if (!proc_info_is_alive(&processes[i]))
                        continue; /* has closed all, and may refuse to say so */
                int r = socket_inodes_read(inodes, proc_fd, processes[i].pid);
                if (r == -EACCES)
                        n_refused++;
                else if (r < 0 && r != -ESRCH)
                        return r;
                else if (r == 0)
                        n_read++;
        }
        if (n_read == 0 && n_refused > 0)
                return -EACCES;
        socket_inodes_sort(inodes);
        return 0;
}

int connection_count(int proc_fd, const ProcessInfo *processes, size_t n_processes,
        const ListenPorts *known, ConnectionCount *ret_count) {
        assert(processes || n_processes == 0);
        assert(ret_count);

        _cleanup_(socket_inodes_done) SocketInodes inodes = {};
        _cleanup_(tally_done) Tally tally = { .inodes = &inodes };
        ConnectionCount count = {};

        int r = connection_read_inodes(proc_fd, processes, n_processes, &inodes);
        if (r < 0)
                return r;
        tally.ports = calloc(PORTS_N, sizeof(*tally.ports));
        if (!tally.ports)
                return -ENOMEM;
        r = tally_count_tcp(&tally, proc_fd, known, &count);
        if (r < 0)
                return r;
        r = tally_count_unix(&tally, &count);
        if (r < 0)
                return r;

        *ret_count = count;
        return 0;
}
