/* SPDX-License-Identifier: MIT */
#pragma once

/* A journal of the test's own, and a sink that talks to it: a datagram socket in a temporary
 * directory, and a send function that treats it as libsystemd treats the real one. A send that
 * waits ends the whole program by SIGALRM. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "record-sink.h"

#define HANG_SECONDS  60
#define STUCK_RECORDS 5 /* sent beyond what the journal's socket holds */

/* ---- A journal ------------------------------------------------------------------------------- */

static char socket_path[64];
static int sender_fd = -EBADF; /* as libsystemd's: one for the process, blocking, unconnected */
static int forced_error;       /* what sending says next, if not 0 */
static void (*before_send)(void);

static inline struct sockaddr_un socket_address(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        return address;
}

/* What is to be full is the journal's queue, which systemd makes 512 datagrams long; so the sender's own
 * buffer is as large as libsystemd's. */
static inline int open_sender(void) {
        const int size = 8 * 1024 * 1024;

        if (sender_fd >= 0)
                return sender_fd;
        sender_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (sender_fd >= 0 &&
                setsockopt(sender_fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
                (void) setsockopt(sender_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        return sender_fd;
}

static inline int fake_send(const struct iovec *fields, int n_fields) {
        struct iovec parts[4096];
        struct sockaddr_un address = socket_address();
        struct msghdr message = {
                .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = parts
        };

        for (int i = 0; i < n_fields; i++) {
                parts[message.msg_iovlen++] = fields[i];
                parts[message.msg_iovlen++] = (struct iovec){ (void *) "\n", 1 };
        }
        if (open_sender() < 0)
                return -errno;
        if (forced_error < 0)
                return forced_error;
        if (before_send && n_fields < IOV_MAX / 2)
                before_send();
        if (sendmsg(sender_fd, &message, MSG_NOSIGNAL) >= 0 || errno == ENOENT)
                return 0;
        return errno == EMSGSIZE ? -EINVAL : -errno;
}

static _unused_ const RecordJournalPort fake_port = { .socket_path = socket_path,
        .send = fake_send };

static inline int bind_receiver(void) {
        struct sockaddr_un address = socket_address();
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd >= 0 && bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                fd = fd_close(fd);
        return fd;
}

/* ---- Fixture --------------------------------------------------------------------------------- */

typedef struct Fixture {
        char directory[32];
        int receiver_fd;
        int console_fds[2];
        int spare_fd;
        sd_event *event;
        RecordSink *sink;
} Fixture;

static inline int setup_without_journal(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        (void) strcpy(fixture->directory, "/tmp/test-record-sink-XXXXXX");
        fixture->receiver_fd = fixture->spare_fd = -EBADF;
        fixture->console_fds[0] = fixture->console_fds[1] = -EBADF;
        if (!mkdtemp(fixture->directory) || pipe2(fixture->console_fds, O_CLOEXEC) < 0)
                return -1;
        (void) snprintf(socket_path, sizeof(socket_path), "%s/socket", fixture->directory);
        (void) alarm(HANG_SECONDS);
        return sd_event_new(&fixture->event) < 0 ? -1 : 0;
}

static inline int setup(void **state) {
        if (setup_without_journal(state) < 0)
                return -1;

        Fixture *fixture = *state;
        fixture->receiver_fd = bind_receiver();
        return fixture->receiver_fd < 0 ? -1 : 0;
}

static inline int teardown(void **state) {
        Fixture *fixture = *state;

        (void) alarm(0);
        record_sink_free(fixture->sink);
        sd_event_unref(fixture->event);
        (void) fd_close(fixture->receiver_fd);
        (void) fd_close(fixture->spare_fd);
        (void) fd_close(fixture->console_fds[0]);
        (void) fd_close(fixture->console_fds[1]);
        (void) unlink(socket_path);
        (void) rmdir(fixture->directory);
        sender_fd = fd_close(sender_fd);
        forced_error = 0;
        before_send = NULL;
        free(fixture);
        return 0;
}

static inline void open_sink_at(Fixture *fixture, LogTarget target, int max_level) {
        assert_int_equal(record_sink_new_with_journal(target, max_level, fixture->console_fds[1],
                                 &fake_port, &fixture->sink),
                0);
}

static inline void open_sink(Fixture *fixture) {
        open_sink_at(fixture, LOG_TARGET_JOURNAL, LOG_DEBUG);
}

static inline void attach(Fixture *fixture) {
        assert_int_equal(record_sink_attach_event(fixture->sink, fixture->event, 0), 0);
}

static inline void send_at(Fixture *fixture, int priority, int number) {
        Record *record = record_new(RECORD_SIGNAL);

        record_set_priority(record, priority);
        record_add_signed(record, "NUMBER", number);
        record_sink_send(fixture->sink, record, 1000000);
}

static inline void send_number(Fixture *fixture, int number) {
        send_at(fixture, LOG_NOTICE, number);
}

/* Returns: the GATEWATCH_NUMBER of the next record that has arrived at the journal; -1: none. */
static inline int receive_number(Fixture *fixture) {
        char datagram[4096];
        ssize_t n_read = recv(fixture->receiver_fd, datagram, sizeof(datagram) - 1, 0);
        const char *field;

        if (n_read < 0)
                return -1;
        datagram[n_read] = '\0';
        field = strstr(datagram, "\nGATEWATCH_NUMBER=");
        return field ? atoi(field + strlen("\nGATEWATCH_NUMBER=")) : -2;
}

static inline void assert_console(Fixture *fixture, const char *pattern, bool is_expected) {
        char text[65536];
        ssize_t n_read;

        (void) fcntl(fixture->console_fds[0], F_SETFL, O_NONBLOCK);
        n_read = read(fixture->console_fds[0], text, sizeof(text) - 1);
        text[n_read < 0 ? 0 : n_read] = '\0';
        assert_int_equal(strstr(text, pattern) != NULL, is_expected);
}

/* Sends until the journal's socket is full and STUCK_RECORDS are queued. Returns: how many. */
static inline int send_until_stuck(Fixture *fixture) {
        FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "re");
        int n_room = 0;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%d", &n_room), 1);
        (void) fclose(file);

        /* The kernel takes one more than the limit. */
        for (int i = 0; i <= n_room + STUCK_RECORDS; i++)
                send_number(fixture, i);
        return n_room + 1 + STUCK_RECORDS;
}

/* Runs the loop until number has arrived; the alarm bounds it. */
static inline void receive_up_to(Fixture *fixture, int first, int end) {
        while (first < end) {
                int number = receive_number(fixture);

                if (number < 0)
                        assert_true(sd_event_run(fixture->event, UINT64_MAX) >= 0);
                else
                        assert_int_equal(number, first++);
        }
}

static inline bool is_nonblocking(int fd) {
        return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

#define sink_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
#define sink_test_without_journal(function) \
        cmocka_unit_test_setup_teardown(function, setup_without_journal, teardown)
