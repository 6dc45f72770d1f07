/* SPDX-License-Identifier: MIT */
#pragma once

/* The kernel's own list of TCP and unix stream sockets of this network namespace, by sock_diag(7).
 * Cost grows with their number (one or two microseconds each); whoever must not be held up asks from a
 * helper. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "usec.h"

#define SOCK_DIAG_ADDRESS_MAX 128

typedef struct SockDiagSocket {
        int family; /* AF_INET, AF_INET6, AF_UNIX */
        uint64_t inode;
        uint8_t state;       /* TCP_ESTABLISHED, TCP_LISTEN, …, also for unix sockets */
        uint16_t local_port; /* TCP */
        uint16_t peer_port;
        /* "192.0.2.7:443", "[2001:db8::1]:443", "/run/x.sock", "@name" (control characters and
         * bytes beyond ASCII as \xNN); empty: unnamed */
        char local[SOCK_DIAG_ADDRESS_MAX];
        char peer[SOCK_DIAG_ADDRESS_MAX]; /* TCP; empty otherwise */
        uint64_t peer_inode;              /* unix; 0: none, or it is gone */
        uint32_t recv_queue; /* bytes; of a listener: connections that wait to be accepted */
        uint32_t send_queue; /* bytes unsent or unacknowledged; of a listener: the backlog */
        bool has_info;       /* TCP, asked for */
        uint32_t retransmits;
        uint32_t unacked;          /* segments */
        usec_t last_sent_usec;     /* since data was last sent, */
        usec_t last_received_usec; /* and received */
} SockDiagSocket;

const char *sock_diag_state_to_string(uint8_t state); /* "ESTABLISHED"; NULL: none */

/* Reads one entry of a dump: what follows the netlink header, an inet_diag_msg or a unix_diag_msg
 * with its attributes. IPv4 addresses mapped into IPv6 are written as IPv4. Pure.
 * Returns: 1; 0: a unix socket of another type; -EBADMSG: too short, or of no family known here. */
int sock_diag_parse(const void *entry, size_t size, SockDiagSocket *ret_socket) _warn_unused_;

/* Returns: 0 to go on; anything else ends the visit and is returned. */
typedef int (*SockDiagVisit)(const SockDiagSocket *socket, void *userdata);

/* Visits the TCP sockets, of both families, in one of the states. The list is not one instant's: a
 * socket may be visited twice (tell them by their inode), and one that came meanwhile may be
 * missed.
 * states:    bits 1 << TCP_ESTABLISHED etc.
 * with_info: also timers and retransmissions.
 * Returns: 0; what visit returned; negative errno of socket(2), sendmsg(2), recvmsg(2), or what the
 * kernel answered (-EPERM, -ENOENT: not there); -ETIMEDOUT; -E2BIG: more sockets than anybody has;
 * -EBADMSG, -EMSGSIZE: no answer that can be read. */
int sock_diag_visit_tcp(
        uint32_t states, bool with_info, SockDiagVisit visit, void *userdata) _warn_unused_;
/* Likewise for unix stream sockets (and seqpacket ones). */
int sock_diag_visit_unix(uint32_t states, SockDiagVisit visit, void *userdata) _warn_unused_;
