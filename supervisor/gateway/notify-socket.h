/* SPDX-License-Identifier: MIT */
#pragma once

/* The two sockets of the notify protocol: the one that the gateway writes to, and the one to
 * systemd. Addresses, credentials and fds; what a datagram says is of no interest here. None of
 * these calls blocks. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "cleanup.h"
#include "notify-message.h"

#define NOTIFY_ADDRESS_MAX (sizeof(((struct sockaddr_un *) NULL)->sun_path) + 1)

/* One datagram as it came. */
typedef struct NotifyReceived {
        char buffer[NOTIFY_MESSAGE_MAX + 1]; /* with room for a NUL */
        size_t size;                         /* beyond NOTIFY_MESSAGE_MAX: it was longer */
        pid_t sender;            /* as the kernel says; 0: it does not, or cannot here */
        int fds[NOTIFY_FDS_MAX]; /* owned by whoever received them */
        size_t n_fds;
        bool has_lost_fds; /* there were more than could be taken (RLIMIT_NOFILE) */
} NotifyReceived;

/* Makes the socket for the gateway, writable for everybody: credentials decide, and the directory.
 *
 * runtime_directory: where "notify-PID" is made; NULL, no absolute path, or not usable: an abstract
 *                    address is taken.
 * ret_address:       what NOTIFY_SOCKET is to be.
 *
 * Returns: fd; negative errno of socket(2), setsockopt(2), bind(2). */
int notify_socket_listen(
        const char *runtime_directory, char ret_address[NOTIFY_ADDRESS_MAX]) _warn_unused_;

/* Closes the fd and removes the socket's file, if it has one. Returns: -EBADF. */
int notify_socket_close(int fd, const char *address);

/* Makes a socket that is connected to a notify socket.
 *
 * address: "/path" or "@name".
 *
 * Returns: fd; -EAFNOSUPPORT: not such an address (vsock:); -ENAMETOOLONG; negative errno of
 * connect(2): nobody listens there. */
int notify_socket_connect(const char *address) _warn_unused_;

/* Takes the next datagram.
 * Returns: 0; -EAGAIN: there is none; other errno of recvmsg(2): there may be more. */
int notify_socket_receive(int fd, NotifyReceived *ret_received) _warn_unused_;

/* Closes the fds that are left in a received datagram. */
void notify_received_close_fds(NotifyReceived *received);

/* Sends to the connected address; when whoever listened there is gone, connects once more to
 * whoever does now. The fds stay the caller's.
 *
 * Returns: 0; -EAGAIN: EPOLLOUT will tell; other errno of sendmsg(2), connect(2). */
int notify_socket_send(int fd, const char *address, const char *text, size_t size, const int *fds,
        size_t n_fds) _warn_unused_;
