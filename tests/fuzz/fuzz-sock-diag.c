/* SPDX-License-Identifier: MIT */

/* Any bytes as one entry of the kernel's list of sockets. What is refused leaves the socket alone;
 * what is read is of a family known here, and its addresses are printable ASCII that ends within
 * their room. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sock-diag.h"

static void fuzz_check(int condition) {
        if (!condition)
                abort();
}

static void fuzz_check_address(const char address[static SOCK_DIAG_ADDRESS_MAX]) {
        fuzz_check(strnlen(address, SOCK_DIAG_ADDRESS_MAX) < SOCK_DIAG_ADDRESS_MAX);
        for (const char *c = address; *c; c++)
                fuzz_check(*c >= 0x20 && *c <= 0x7e);
}

static void fuzz_check_socket(const SockDiagSocket *socket) {
        fuzz_check_address(socket->local);
        fuzz_check_address(socket->peer);
        switch (socket->family) {
        case AF_INET:
        case AF_INET6:
                fuzz_check(strrchr(socket->local, ':') && strrchr(socket->peer, ':'));
                fuzz_check(atoi(strrchr(socket->local, ':') + 1) == socket->local_port);
                fuzz_check(atoi(strrchr(socket->peer, ':') + 1) == socket->peer_port);
                fuzz_check(socket->peer_inode == 0);
                break;
        case AF_UNIX:
                fuzz_check(socket->peer[0] == '\0' && !socket->has_info);
                fuzz_check(socket->local_port == 0 && socket->peer_port == 0);
                break;
        default:
                abort();
        }
        fuzz_check(socket->has_info || (socket->retransmits == 0 && socket->unacked == 0));
        fuzz_check(socket->last_sent_usec <= UINT32_MAX * USEC_PER_MSEC);
        fuzz_check(socket->last_received_usec <= UINT32_MAX * USEC_PER_MSEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        SockDiagSocket socket, untouched;

        memset(&socket, 0xa5, sizeof(socket));
        memset(&untouched, 0xa5, sizeof(untouched));
        int r = sock_diag_parse(size > 0 ? data : (const uint8_t *) "", size, &socket);
        fuzz_check(r == 1 || r == 0 || r == -EBADMSG);
        if (r == 1)
                fuzz_check_socket(&socket);
        else
                fuzz_check(memcmp(&socket, &untouched, sizeof(socket)) == 0);
        return 0;
}
