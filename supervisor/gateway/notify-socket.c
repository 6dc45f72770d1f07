/* SPDX-License-Identifier: MIT */

/* The socket for the gateway is one that systemd's own clients cannot tell from systemd's: datagrams,
 * credentials switched on before there is an address, so that no datagram can come without.
 *
 * A path in the runtime directory is preferred to an abstract name: it is out of reach for other
 * users, and works across network namespaces. The name carries our pid, so a file that stands there
 * already was left by a dead process of the same pid, and goes.
 *
 * The socket to systemd is connected, although sendmsg(2) could name the address each time: only of
 * a connected one epoll tells when the other side has room again. What a connection loses is that a
 * new listener at the same address is not seen; hence the second connect.
 *
 * Received fds are close-on-exec at birth and belong to the caller until it closes them. */

#include "notify-socket.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

/* Returns: 0; -EAFNOSUPPORT: neither a path nor "@name"; -ENAMETOOLONG. */
static int notify_address_parse(
        const char *text, struct sockaddr_un *ret_address, socklen_t *ret_size) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t size = strlen(text);

        if ((text[0] != '/' && text[0] != '@') || size < 2)
                return -EAFNOSUPPORT;
        if (size >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, text, size);
        if (text[0] == '@')
                address.sun_path[0] = '\0';

        *ret_address = address;
        /* A path goes with its NUL, an abstract name has none: it would become part of the name. */
        *ret_size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + size + (text[0] == '/'));
        return 0;
}

static int notify_socket_bind_path(
        int fd, const struct sockaddr_un *address, socklen_t address_size) {
        if (bind(fd, (const struct sockaddr *) address, address_size) < 0) {
                if (errno != EADDRINUSE)
                        return -errno;
                if (unlink(address->sun_path) < 0)
                        return -errno;
                if (bind(fd, (const struct sockaddr *) address, address_size) < 0)
                        return -errno;
        }
        /* bind(2) heeds the umask, which is the gateway's and not ours to change. */
        if (chmod(address->sun_path, 0666) < 0) {
                int r = -errno;
                (void) unlink(address->sun_path);
                return r;
        }
        return 0;
}

/* Returns: fd; negative errno; nothing is left behind then. */
static int notify_socket_listen_at(const char *text) {
        struct sockaddr_un address;
        socklen_t address_size;
        int r = notify_address_parse(text, &address, &address_size);
        if (r < 0)
                return r;

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        int yes = 1;
        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
                return -errno;

        if (text[0] == '/') {
                r = notify_socket_bind_path(fd, &address, address_size);
                if (r < 0)
                        return r;
        } else if (bind(fd, (struct sockaddr *) &address, address_size) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int notify_socket_listen(const char *runtime_directory, char ret_address[NOTIFY_ADDRESS_MAX]) {
        char address[NOTIFY_ADDRESS_MAX];

        assert(ret_address);

        if (runtime_directory && runtime_directory[0] == '/') {
                int size = snprintf(
                        address, sizeof(address), "%s/notify-%d", runtime_directory, getpid());
                if (size > 0 && (size_t) size < sizeof(address)) {
                        int fd = notify_socket_listen_at(address);
                        if (fd >= 0) {
                                (void) strcpy(ret_address, address);
                                return fd;
                        }
                }
        }

        /* Abstract names can be taken by anybody: a pid alone could be guessed and squatted. */
        sd_id128_t id;
        char id_text[SD_ID128_STRING_MAX];
        int r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        (void) snprintf(address, sizeof(address), "@gatewatch/notify-%d-%s", getpid(),
                sd_id128_to_string(id, id_text));
        int fd = notify_socket_listen_at(address);
        if (fd >= 0)
                (void) strcpy(ret_address, address);
        return fd;
}

int notify_socket_close(int fd, const char *address) {
        if (fd >= 0 && address[0] == '/')
                (void) unlink(address);
        return fd_close(fd);
}

int notify_socket_connect(const char *text) {
        struct sockaddr_un address;
        socklen_t address_size;

        assert(text);

        int r = notify_address_parse(text, &address, &address_size);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *) &address, address_size) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static void notify_received_take_control(NotifyReceived *received, struct msghdr *header) {
        for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control;
                control = CMSG_NXTHDR(header, control)) {
                if (control->cmsg_level != SOL_SOCKET)
                        continue;
                if (control->cmsg_type == SCM_CREDENTIALS &&
                        control->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
                        struct ucred credentials;
                        memcpy(&credentials, CMSG_DATA(control), sizeof(credentials));
                        received->sender = credentials.pid > 0 ? credentials.pid : 0;
                } else if (control->cmsg_type == SCM_RIGHTS) {
                        /* The kernel sends one such part, and the buffer holds no more. */
                        size_t fds_size = control->cmsg_len - CMSG_LEN(0);
                        assert(fds_size <= sizeof(received->fds));
                        memcpy(received->fds, CMSG_DATA(control), fds_size);
                        received->n_fds = fds_size / sizeof(int);
                }
        }
}

int notify_socket_receive(int fd, NotifyReceived *ret_received) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(struct ucred)) +
                        CMSG_SPACE(sizeof(int) * NOTIFY_FDS_MAX)];
        } control;
        struct iovec data = { .iov_base = ret_received->buffer, .iov_len = NOTIFY_MESSAGE_MAX };
        struct msghdr header = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t size;

        do
                size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
        while (size < 0 && errno == EINTR);
        if (size < 0)
                return -errno;

        ret_received->size = (size_t) size;
        ret_received->sender = 0;
        ret_received->n_fds = 0;
        ret_received->has_lost_fds = header.msg_flags & MSG_CTRUNC;
        notify_received_take_control(ret_received, &header);
        return 0;
}

void notify_received_close_fds(NotifyReceived *received) {
        while (received->n_fds > 0)
                (void) fd_close(received->fds[--received->n_fds]);
}

/* What sendmsg(2) says when nobody reads a connected socket any more. */
static bool notify_error_is_disconnect(int error) {
        return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET || error == EPIPE;
}

static int notify_socket_reconnect(int fd, const char *text) {
        struct sockaddr_un address;
        socklen_t address_size;

        int r = notify_address_parse(text, &address, &address_size);
        if (r < 0)
                return r;
        return connect(fd, (struct sockaddr *) &address, address_size) < 0 ? -errno : 0;
}

static int notify_socket_send_once(
        int fd, const char *text, size_t size, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int) * NOTIFY_FDS_MAX)];
        } control = {};
        struct iovec data = { .iov_base = (char *) text, .iov_len = size };
        struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };

        if (n_fds > 0) {
                header.msg_control = &control;
                header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
                rights->cmsg_level = SOL_SOCKET;
                rights->cmsg_type = SCM_RIGHTS;
                rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
        }
        for (;;) {
                if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                        return 0;
                if (errno != EINTR)
                        return -errno;
        }
}

int notify_socket_send(
        int fd, const char *address, const char *text, size_t size, const int *fds, size_t n_fds) {
        assert(n_fds <= NOTIFY_FDS_MAX);

        int r = notify_socket_send_once(fd, text, size, fds, n_fds);
        if (r >= 0 || !notify_error_is_disconnect(-r))
                return r;
        r = notify_socket_reconnect(fd, address);
        if (r < 0)
                return r;
        return notify_socket_send_once(fd, text, size, fds, n_fds);
}
