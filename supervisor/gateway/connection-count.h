/* SPDX-License-Identifier: MIT */
#pragma once

/* Work in flight of a gateway that reports none: its established inbound TCP connections and the
 * connected peers of its unix stream sockets.
 *
 * The kernel does not say who opened a connection. Inbound is what ends at a port on which one of
 * the processes listens, or was seen to listen: many gateways close their listeners first when they
 * drain, so the ports are remembered from one count to the next. A unix stream socket is an
 * accepted one when it has a name: accept(2) gives it the listener's. Of clients that
 * bind a name themselves, and of what is not counted, connection-count.c tells. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc.h"

#define LISTEN_PORTS_MAX 64

/* Fixed size without pointers: it goes through a pipe as it is. */
typedef struct ListenPorts {
        uint32_t n;
        uint16_t ports[LISTEN_PORTS_MAX];
} ListenPorts;

typedef struct ConnectionCount {
        uint64_t n_tcp;
        uint64_t n_unix;
        ListenPorts listening; /* known before, and seen now */
} ConnectionCount;

/* May take long: call it in a helper process.
 * processes: the gateway's.
 * known:     the ports of the counts before; NULL: none.
 * Returns: 0; -EPERM, -EACCES, -ENOENT, …: not permitted or not there: nothing can be counted;
 * -ENOMEM. */
int connection_count(int proc_fd, const ProcessInfo *processes, size_t n_processes,
        const ListenPorts *known, ConnectionCount *ret_count) _warn_unused_;
