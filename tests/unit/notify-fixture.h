/* SPDX-License-Identifier: MIT */
#pragma once

/* A proxy between a gateway (this process and children of it) and a systemd that is a socket of this
 * process: it reads when the test says so, and is made busy by filling its queue. Everything runs in
 * a real loop and waits on events alone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/notify-proxy.h"
#include "gateway/notify-socket.h"
#include "usec.h"

#define FIXTURE_DEADLINE_USEC (60 * USEC_PER_SEC)
#define FIXTURE_PRIORITY      (-5)
#define FIXTURE_FILL          "X_FILL=1"
#define FIXTURE_FILLERS_MAX   64

#define fixture_test(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

typedef struct Fixture Fixture;

struct Fixture {
        char directory[64];
        char upstream_address[NOTIFY_ADDRESS_MAX];
        int upstream_fd; /* what systemd reads */
        int gateway_fd;  /* what the gateway writes */
        int fillers[FIXTURE_FILLERS_MAX];
        size_t n_fillers;
        int open_fds; /* before anything was sent */
        pid_t child;
        sd_event *event;
        NotifyProxy *proxy;
        sd_event_source *other_source; /* of a test's own */
        NotifyReceived received;

        /* What the ops do, and what they saw. */
        bool is_stranger;
        bool has_new_status;
        bool is_ready_taken;
        const char *own_text;              /* sent from within handle() */
        void (*handled)(Fixture *fixture); /* optional */
        pid_t member_pid;
        bool is_member_in_proc;
        unsigned n_handled;
        uint64_t n_dropped[_NOTIFY_DROP_MAX];
        unsigned n_drop_calls;
};

static inline bool fixture_is_member(pid_t pid, void *userdata) {
        Fixture *fixture = userdata;
        char path[64];

        fixture->member_pid = pid;
        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        fixture->is_member_in_proc = access(path, R_OK) == 0;
        return !fixture->is_stranger;
}

static inline void fixture_handle(NotifyMessage *message, pid_t sender, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_handled++;
        if (fixture->is_ready_taken)
                message->has_ready = false;
        if (fixture->has_new_status && message->status)
                message->status = "Draining";
        if (fixture->own_text)
                assert_int_equal(notify_proxy_send(fixture->proxy, fixture->own_text), 0);
        if (fixture->handled)
                fixture->handled(fixture);
}

static inline void fixture_dropped(NotifyDrop drop, pid_t sender, uint64_t count, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_drop_calls++;
        fixture->n_dropped[drop] = count;
}

static const NotifyProxyOps fixture_ops = {
        .is_member = fixture_is_member,
        .handle = fixture_handle,
        .dropped = fixture_dropped,
};

static inline int count_open_fds(void) {
        _cleanup_closedir_ DIR *directory = opendir("/proc/self/fd");
        int n = 0;

        while (directory && readdir(directory))
                n++;
        return n;
}

static inline int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        if (!fixture)
                return -1;
        *state = fixture;
        strcpy(fixture->directory, "/tmp/test-notify-proxy-XXXXXX");
        if (!mkdtemp(fixture->directory))
                return -1;
        fixture->upstream_fd = notify_socket_listen(NULL, fixture->upstream_address);
        if (fixture->upstream_fd < 0 || sd_event_new(&fixture->event) < 0 ||
                notify_proxy_new(fixture->upstream_address, fixture->directory, &fixture_ops,
                        fixture, &fixture->proxy) < 0 ||
                notify_proxy_attach_event(fixture->proxy, fixture->event, FIXTURE_PRIORITY) < 0)
                return -1;
        fixture->gateway_fd = notify_socket_connect(notify_proxy_address(fixture->proxy));
        fixture->open_fds = count_open_fds();
        return fixture->gateway_fd < 0 ? -1 : 0;
}

static inline int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        if (fixture->child > 0) {
                (void) kill(fixture->child, SIGKILL);
                (void) waitpid(fixture->child, NULL, 0);
        }
        (void) sd_event_source_disable_unref(fixture->other_source);
        (void) notify_proxy_free(fixture->proxy);
        (void) sd_event_unref(fixture->event);
        for (size_t i = 0; i < fixture->n_fillers; i++)
                (void) fd_close(fixture->fillers[i]);
        (void) fd_close(fixture->gateway_fd);
        (void) notify_socket_close(fixture->upstream_fd, fixture->upstream_address);
        int r = rmdir(fixture->directory); /* fails when the socket's file is left */
        free(fixture);
        return r;
}

/* Returns: the exit code of the child, which has ended or is about to; -1: a signal. */
static inline int fixture_wait_child(Fixture *fixture) {
        int status;

        assert_int_equal(waitpid(fixture->child, &status, 0), fixture->child);
        fixture->child = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Both ends ------------------------------------------------------------------------------ */

static inline void gateway_send_fds(
        Fixture *fixture, const char *text, const int *fds, size_t n_fds) {
        int r = notify_socket_send(fixture->gateway_fd, notify_proxy_address(fixture->proxy), text,
                strlen(text), fds, n_fds);
        assert_int_equal(r, 0);
}

/* One turn of the loop, which must have something to do. */
static inline void fixture_turn(Fixture *fixture) {
        assert_true(sd_event_run(fixture->event, FIXTURE_DEADLINE_USEC) > 0);
}

/* Sends as the gateway and lets the proxy work until it was seen. */
static inline void gateway_say_fds(
        Fixture *fixture, const char *text, const int *fds, size_t n_fds) {
        unsigned n_handled = fixture->n_handled;

        gateway_send_fds(fixture, text, fds, n_fds);
        while (fixture->n_handled == n_handled)
                fixture_turn(fixture);
}

static inline void gateway_say(Fixture *fixture, const char *text) {
        gateway_say_fds(fixture, text, NULL, /* n_fds= */ 0);
}

/* Returns: whether there was something to read for systemd, besides the fill. */
static inline bool systemd_try_read(Fixture *fixture) {
        NotifyReceived *received = &fixture->received;

        notify_received_close_fds(received);
        while (notify_socket_receive(fixture->upstream_fd, received) == 0) {
                assert_int_equal(received->sender, getpid());
                received->buffer[received->size] = '\0';
                if (strcmp(received->buffer, FIXTURE_FILL) != 0)
                        return true;
        }
        return false;
}

/* Waits for the next datagram that reaches systemd, letting the proxy flush its queue. */
static const char *systemd_read(Fixture *fixture) {
        while (!systemd_try_read(fixture))
                fixture_turn(fixture);
        return fixture->received.buffer;
}

/* Fills systemd's socket until nobody can send to it, whatever the limits of this machine are. */
static inline void systemd_make_busy(Fixture *fixture) {
        for (;;) {
                assert_in_range(fixture->n_fillers, 0, FIXTURE_FILLERS_MAX - 1);
                int fd = notify_socket_connect(fixture->upstream_address);
                assert_true(fd >= 0);
                fixture->fillers[fixture->n_fillers++] = fd;

                unsigned n_sent = 0;
                int r;
                while ((r = notify_socket_send(fd, fixture->upstream_address, FIXTURE_FILL,
                                strlen(FIXTURE_FILL), NULL, /* n_fds= */ 0)) == 0)
                        n_sent++;
                assert_int_equal(r, -EAGAIN);
                if (n_sent == 0)
                        break;
        }
        fixture->open_fds = count_open_fds();
}

static inline void assert_systemd_has_nothing(Fixture *fixture) {
        assert_false(systemd_try_read(fixture));
}
