/* SPDX-License-Identifier: MIT */
#pragma once

/* A fake systemd manager for what asks and waits: a process of its own that answers about the units that a
 * test gives it, refuses, keeps silent or hangs up, and counts what it was asked. Where a message bus is
 * meant it also plays the part of dbus-daemon.
 *
 * To be included after cmocka.h. */

#include <fnmatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "cleanup.h"
#include "usec.h"

#define FAKE_NAME       "org.freedesktop.systemd1"
#define FAKE_UNITS_MAX  512
#define FAKE_HELD_MAX   128
#define FAKE_SILENT     "silent" /* as an error: no answer at all */
#define FAKE_NONSENSE   "nonsense"
#define FAKE_HANG_UP    "hang up"
#define FAKE_BUS_UNIQUE ":1.7"

typedef struct FakeUnit {
        const char *name; /* NULL ends the list */
        const char *load_state, *active_state;
        const char *load_error, *fragment, *drop_in;
        usec_t timeout_stop_usec;
} FakeUnit;

typedef struct FakeScript {
        const FakeUnit *units;
        const char *error_member,
                *error; /* what calls of this member get: an error's name, or FAKE_* */
        const char *lacks_property;
        unsigned n_held; /* answers are held back until so many questions have come */
        bool is_late;    /* the manager joins the bus only when somebody has looked for it */
        bool is_never;   /* it never does */
} FakeScript;

typedef struct FakeCounts {
        unsigned n_connections, n_hello, n_auto_start;
        unsigned n_list, n_states, n_get_all, n_get, n_reload;
} FakeCounts;

typedef struct FakeServer {
        char socket_path[108], address[128];
        int fd;
        pid_t pid;
        FakeCounts *counts; /* shared with the process */

        /* Of the process alone. */
        FakeScript script;
        sd_bus *peer;
        sd_bus_message *held[FAKE_HELD_MAX];
        unsigned n_held;
} FakeServer;

/* ---- Answers --------------------------------------------------------------------------------- */

static inline const FakeUnit *fake_find(const FakeServer *server, const char *name) {
        static FakeUnit none;

        for (const FakeUnit *unit = server->script.units; unit && unit->name; unit++)
                if (strcmp(unit->name, name) == 0)
                        return unit;
        none = (FakeUnit){ name, "not-found", "inactive", "Unit not found.",
                .timeout_stop_usec = 7 };
        return &none;
}

static inline int fake_append_row(sd_bus_message *reply, const FakeUnit *unit) {
        return sd_bus_message_append(reply, "(ssssssouso)", unit->name, "Description",
                unit->load_state ?: "loaded", unit->active_state ?: "active", "running", "",
                "/unit", 0, "", "/");
}

static inline int fake_append_matches(
        FakeServer *server, sd_bus_message *call, sd_bus_message *reply) {
        const char *pattern;
        int r;

        r = sd_bus_message_skip(call, "as");
        if (r >= 0)
                r = sd_bus_message_enter_container(call, 'a', "s");
        if (r >= 0)
                r = sd_bus_message_read_basic(call, 's', &pattern);
        for (const FakeUnit *unit = server->script.units; r >= 0 && unit && unit->name; unit++)
                if (fnmatch(pattern, unit->name, FNM_NOESCAPE) == 0)
                        r = fake_append_row(reply, unit);
        return r;
}

static inline int fake_append_named(
        FakeServer *server, sd_bus_message *call, sd_bus_message *reply) {
        const char *name;
        int r;

        r = sd_bus_message_enter_container(call, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(call, 's', &name)) > 0)
                r = fake_append_row(reply, fake_find(server, name));
        return r;
}

static inline int fake_reply_rows(FakeServer *server, sd_bus_message *call, bool is_by_name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
        if (r >= 0)
                r = is_by_name ? fake_append_named(server, call, reply)
                               : fake_append_matches(server, call, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static inline int fake_reply_property(
        FakeServer *server, sd_bus_message *call, const FakeUnit *unit) {
        const char *interface, *name, *lacks = server->script.lacks_property;
        int r;

        r = sd_bus_message_read(call, "ss", &interface, &name);
        if (r < 0)
                return r;
        if (strcmp(interface, FAKE_NAME ".Unit") != 0 || (lacks && strcmp(name, lacks) == 0))
                return sd_bus_reply_method_errorf(
                        call, SD_BUS_ERROR_UNKNOWN_PROPERTY, "No such property");
        if (strcmp(name, "FragmentPath") == 0)
                return sd_bus_reply_method_return(call, "v", "s", unit->fragment ?: "");
        if (strcmp(name, "DropInPaths") == 0)
                return unit->drop_in ? sd_bus_reply_method_return(call, "v", "as", 1, unit->drop_in)
                                     : sd_bus_reply_method_return(call, "v", "as", 0);
        if (strcmp(name, "LoadError") == 0)
                return sd_bus_reply_method_return(call, "v", "(ss)",
                        unit->load_error ? "org.example.Error" : "", unit->load_error ?: "");
        if (strcmp(name, "NeedDaemonReload") == 0)
                return sd_bus_reply_method_return(call, "v", "b", 1);
        if (strcmp(name, "StartLimitBurst") == 0)
                return sd_bus_reply_method_return(call, "v", "u", 5);
        return sd_bus_reply_method_return(call, "v", "t", UINT64_MAX);
}

static inline int fake_reply_unit(FakeServer *server, sd_bus_message *call) {
        _cleanup_free_ char *name = NULL;
        const FakeUnit *unit;
        int r;

        r = sd_bus_path_decode(
                sd_bus_message_get_path(call), "/org/freedesktop/systemd1/unit", &name);
        if (r <= 0)
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "None");
        unit = fake_find(server, name);
        if (strcmp(sd_bus_message_get_member(call), "Get") == 0)
                return fake_reply_property(server, call, unit);
        return sd_bus_reply_method_return(call, "a{sv}", 3, "TimeoutStopUSec", "t",
                unit->timeout_stop_usec, "KillMode", "s", "mixed", "Unheard", "s", unit->name);
}

static inline int fake_reply(FakeServer *server, sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call), *error = server->script.error;

        if (server->script.error_member && strcmp(server->script.error_member, member) == 0) {
                if (strcmp(error, FAKE_SILENT) == 0)
                        return 1;
                if (strcmp(error, FAKE_NONSENSE) == 0)
                        return sd_bus_reply_method_return(call, "as", 1, "nonsense");
                if (strcmp(error, FAKE_HANG_UP) == 0)
                        return -ECONNRESET;
                return sd_bus_reply_method_errorf(call, error, "As told");
        }
        if (strcmp(member, "ListUnitsByPatterns") == 0)
                return fake_reply_rows(server, call, /* is_by_name= */ false);
        if (strcmp(member, "ListUnitsByNames") == 0)
                return fake_reply_rows(server, call, /* is_by_name= */ true);
        if (strcmp(member, "Reload") == 0)
                return sd_bus_reply_method_return(call, NULL);
        return fake_reply_unit(server, call);
}

/* ---- Questions ------------------------------------------------------------------------------- */

static inline void fake_count(FakeCounts *counts, sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call);

        counts->n_list += strcmp(member, "ListUnitsByPatterns") == 0;
        counts->n_states += strcmp(member, "ListUnitsByNames") == 0;
        counts->n_get_all += strcmp(member, "GetAll") == 0;
        counts->n_get += strcmp(member, "Get") == 0;
        counts->n_reload += strcmp(member, "Reload") == 0;
        counts->n_auto_start += sd_bus_message_get_auto_start(call) != 0;
}

static inline int fake_release(FakeServer *server) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < server->n_held; i++) {
                r = fake_reply(server, server->held[i]);
                server->held[i] = sd_bus_message_unref(server->held[i]);
        }
        server->n_held = 0;
        server->script.n_held = 0;
        return r;
}

static inline int fake_take(FakeServer *server, sd_bus_message *call) {
        fake_count(server->counts, call);
        if (server->script.is_late || server->script.is_never)
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_SERVICE_UNKNOWN, "Not here");
        if (server->script.n_held == 0)
                return fake_reply(server, call);
        server->held[server->n_held++] = sd_bus_message_ref(call);
        return server->n_held < server->script.n_held ? 1 : fake_release(server);
}

static inline int fake_tell_owner(sd_bus *peer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        int r;

        r = sd_bus_message_new_signal(
                peer, &signal, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged");
        if (r >= 0)
                r = sd_bus_message_set_sender(signal, "org.freedesktop.DBus");
        if (r >= 0)
                r = sd_bus_message_append(signal, "sss", FAKE_NAME, "", ":1.1");
        return r < 0 ? r : sd_bus_send(peer, signal, NULL);
}

/* dbus-daemon's part. */
static inline int fake_take_bus(FakeServer *server, sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call);
        int r;

        if (strcmp(member, "Hello") == 0) {
                server->counts->n_hello++;
                return sd_bus_reply_method_return(call, "s", FAKE_BUS_UNIQUE);
        }
        if (strcmp(member, "NameHasOwner") != 0)
                return sd_bus_reply_method_return(call, NULL);
        r = sd_bus_reply_method_return(call, "b", 0);
        if (r < 0 || server->script.is_never)
                return r;
        server->script.is_late = false;
        return fake_tell_owner(sd_bus_message_get_bus(call));
}

static inline int fake_dispatch(sd_bus_message *call, void *userdata, sd_bus_error *reterr_error) {
        const char *destination = sd_bus_message_get_destination(call);
        FakeServer *server = userdata;
        int r;

        if (!sd_bus_message_is_method_call(call, NULL, NULL))
                return 0;
        r = destination && strcmp(destination, FAKE_NAME) == 0 ? fake_take(server, call)
                                                               : fake_take_bus(server, call);
        if (r < 0)
                sd_bus_close(sd_bus_message_get_bus(call));
        return 1;
}

/* ---- The process ----------------------------------------------------------------------------- */

static inline int fake_serve(FakeServer *server, int fd) {
        sd_bus *peer;
        int r;

        r = sd_bus_new(&peer);
        if (r >= 0)
                r = sd_bus_set_fd(peer, fd, fd);
        if (r >= 0)
                r = sd_bus_set_server(peer, true, (sd_id128_t){ .bytes = { 1 } });
        if (r >= 0)
                r = sd_bus_set_trusted(peer, true);
        if (r >= 0)
                r = sd_bus_set_sender(peer, FAKE_NAME);
        if (r >= 0)
                r = sd_bus_add_filter(peer, NULL, fake_dispatch, server);
        if (r >= 0)
                r = sd_bus_start(peer);
        while (r >= 0) {
                r = sd_bus_process(peer, NULL);
                if (r == 0)
                        r = sd_bus_wait(peer, UINT64_MAX);
        }
        (void) sd_bus_close_unref(peer);
        return r;
}

_noreturn_ static inline void fake_main(FakeServer *server) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0)
                        _exit(EXIT_FAILURE);
                server->counts->n_connections++;
                (void) fake_serve(server, fd);
        }
}

/* Listens from here on; may be started again with another script. */
static inline void fake_server_start(
        FakeServer *server, const char *socket_path, const FakeScript *script) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        *server = (FakeServer){ .fd = -EBADF, .script = *script };
        assert_true(strlen(socket_path) < sizeof(address.sun_path));
        strcpy(server->socket_path, socket_path);
        strcpy(address.sun_path, socket_path);
        (void) snprintf(
                server->address, sizeof(server->address), "unix:path=%s", server->socket_path);
        server->counts = mmap(NULL, sizeof(*server->counts), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(server->counts, MAP_FAILED);
        server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(server->fd, errno);
        assert_return_code(bind(server->fd, (struct sockaddr *) &address, sizeof(address)), errno);
        assert_return_code(listen(server->fd, SOMAXCONN), errno);
        server->pid = fork();
        assert_return_code(server->pid, errno);
        if (server->pid == 0)
                fake_main(server);
        server->fd = fd_close(server->fd);
}

static inline void fake_server_stop(FakeServer *server) {
        if (server->pid > 0) {
                (void) kill(server->pid, SIGKILL);
                (void) waitpid(server->pid, NULL, 0);
        }
        if (server->counts && server->counts != MAP_FAILED)
                (void) munmap(server->counts, sizeof(*server->counts));
        if (*server->socket_path)
                (void) unlink(server->socket_path);
        (void) fd_close(server->fd);
        *server = (FakeServer){ .fd = -EBADF };
}
