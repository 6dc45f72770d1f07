/* SPDX-License-Identifier: MIT */
#pragma once

/* A fake systemd manager at the other end of a real connection, in the loop of the test: it answers
 * what a test gives it, or errs, keeps silent or hangs up. Where a message bus is meant it also
 * plays the part of dbus-daemon. With it the fixture of the tests that read a unit from it.
 *
 * To be included after cmocka.h. */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "unit-bus.h"

#define MANAGER_NAME          "org.freedesktop.systemd1"
#define MANAGER_PATH          "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE     "org.freedesktop.systemd1.Manager"
#define SERVICE_INTERFACE     "org.freedesktop.systemd1.Service"
#define FIXTURE_DEADLINE_USEC (60 * USEC_PER_SEC)
#define PEERS_MAX             16

typedef struct FakeProperty {
        const char *name;
        const char *type; /* s, as (one string), ay (of the text), b, t, u, i */
        const char *text;
        uint64_t number;
} FakeProperty;

typedef enum FakeMode {
        FAKE_ANSWERS,
        FAKE_ERRS,         /* with error_name */
        FAKE_SAYS_NOTHING, /* takes calls and does not answer */
        FAKE_HANGS_UP,
        FAKE_SAYS_NONSENSE, /* a reply of another type */
} FakeMode;

typedef struct Fake {
        sd_event *event; /* weak */
        char socket_path[108];
        int fd;
        sd_event_source *accept_source;
        sd_bus *peers[PEERS_MAX];
        unsigned n_peers;
        FakeMode mode;
        FakeMode cap_mode;
        const char *mode_at; /* the mode is for this property of the unit, or interface, alone */
        bool is_mute;        /* does not even say Hello */
        unsigned n_drops;    /* so many connections are closed when they come */
        const char *error_name;
        const FakeProperty *unit_properties;
        const FakeProperty *type_properties;
        uint64_t cap_usec;

        unsigned n_unit_asked; /* for its Id, which every reading asks for once */
        unsigned n_unit_all_asked;
        unsigned n_type_asked;
        unsigned n_cap_asked;
        unsigned n_hello;
        unsigned n_matches;
        unsigned n_subscribed;
        unsigned n_auto_start;
        char asked[256]; /* the unit's properties, each with a space behind it */
        char last_path[256];
        char last_interface[128];
        char cap_path[256];
} Fake;

typedef struct Fixture {
        sd_event *event;
        char directory[64];
        Fake fake;
        Fake other; /* a second manager, for the second address */
        UnitBus *bus;
        CgroupUnit unit;
        unsigned n_calls;
        unsigned n_errors;
        int error;
        UnitProperties told;
        bool is_freed_by_handler;
        bool is_over;
} Fixture;

/* ---- The fake manager ------------------------------------------------------------------------ */

static const FakeProperty plain_unit[] = {
        { "Id", "s", "hermes.service" },
        { "Names", "as", "hermes.service" },
        { "LoadState", "s", "loaded" },
        { "FragmentPath", "s", "" },
        { "DropInPaths", "as", "" },
        { "InvocationID", "ay", "0123456789abcdef" },
        {},
};

static const FakeProperty plain_type[] = {
        { "TimeoutStartUSec", "t", NULL, 7 },
        { "TimeoutStopUSec", "t", NULL, 90 * USEC_PER_SEC },
        { "MainPID", "u", NULL, 4711 },
        { "KillMode", "s", "mixed" },
        { "KillSignal", "i", NULL, SIGINT },
        { "RestartKillSignal", "i", NULL, SIGUSR2 },
        { "WatchdogSignal", "i", NULL, SIGQUIT },
        { "SendSIGHUP", "b", NULL, 1 },
        { "SendSIGKILL", "b", NULL, 0 },
        { "NotifyAccess", "s", "main" },
        { "WatchdogUSec", "t", NULL, 30 * USEC_PER_SEC },
        {},
};

static inline int fake_append_contents(sd_bus_message *reply, const FakeProperty *property) {
        if (strcmp(property->type, "as") == 0)
                return sd_bus_message_append(reply, "as", 1, property->text);
        if (strcmp(property->type, "ay") == 0)
                return sd_bus_message_append_array(
                        reply, 'y', property->text, strlen(property->text));
        if (strcmp(property->type, "t") == 0)
                return sd_bus_message_append(reply, "t", property->number);
        if (strcmp(property->type, "s") == 0)
                return sd_bus_message_append(reply, "s", property->text);
        return sd_bus_message_append(reply, property->type, (uint32_t) property->number);
}

static inline int fake_append_value(sd_bus_message *reply, const FakeProperty *property) {
        int r = sd_bus_message_open_container(reply, 'v', property->type);
        if (r >= 0)
                r = fake_append_contents(reply, property);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static inline int fake_append_entry(sd_bus_message *reply, const FakeProperty *property) {
        int r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(reply, 's', property->name);
        if (r >= 0)
                r = fake_append_value(reply, property);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static inline int fake_append_all(sd_bus_message *reply, const FakeProperty *property) {
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");

        for (; r >= 0 && property->name; property++)
                r = fake_append_entry(reply, property);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Queues the reply, so that the bus under test sees it when the loop comes to it. */
static inline int fake_reply(sd_bus_message *call, const FakeProperty *properties,
        int (*append)(sd_bus_message *reply, const FakeProperty *properties)) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = append(reply, properties);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        return r;
}

/* Whether there is still something to be said to a question for this. */
static inline bool fake_goes_on(Fake *fake, sd_bus_message *call, const char *what, int *ret) {
        *ret = 1;
        if (fake->mode_at && strcmp(fake->mode_at, what) != 0)
                return true;
        switch (fake->mode) {
        case FAKE_SAYS_NOTHING:
                return false;
        case FAKE_ERRS:
                *ret = sd_bus_reply_method_errorf(call, fake->error_name, "As told");
                return false;
        case FAKE_SAYS_NONSENSE:
                *ret = sd_bus_reply_method_return(call, "as", 1, "nonsense");
                return false;
        case FAKE_HANGS_UP:
                sd_bus_close(sd_bus_message_get_bus(call));
                return false;
        default:
                return true;
        }
}

static inline int fake_take_get_all(Fake *fake, sd_bus_message *call) {
        const char *interface;
        int r;

        if (sd_bus_message_read(call, "s", &interface) < 0)
                return -EINVAL;
        if (strcmp(interface, MANAGER_NAME ".Unit") == 0) {
                fake->n_unit_all_asked++;
                return fake_reply(call, fake->unit_properties, fake_append_all);
        }
        fake->n_type_asked++;
        (void) snprintf(
                fake->last_path, sizeof(fake->last_path), "%s", sd_bus_message_get_path(call));
        (void) snprintf(fake->last_interface, sizeof(fake->last_interface), "%s", interface);
        if (!fake_goes_on(fake, call, interface, &r))
                return r;
        return fake_reply(call, fake->type_properties, fake_append_all);
}

static inline int fake_take_get_of_unit(Fake *fake, sd_bus_message *call, const char *name) {
        size_t n = strlen(fake->asked);
        int r;

        fake->n_unit_asked += strcmp(name, "Id") == 0;
        (void) snprintf(fake->asked + n, sizeof(fake->asked) - n, "%s ", name);
        if (!fake_goes_on(fake, call, name, &r))
                return r;
        for (const FakeProperty *property = fake->unit_properties; property->name; property++)
                if (strcmp(property->name, name) == 0)
                        return fake_reply(call, property, fake_append_value);
        return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_PROPERTY, "Not here");
}

static inline int fake_take_get(Fake *fake, sd_bus_message *call) {
        const char *interface, *property;

        if (sd_bus_message_read(call, "ss", &interface, &property) < 0)
                return -EINVAL;
        if (strcmp(interface, MANAGER_NAME ".Unit") == 0)
                return fake_take_get_of_unit(fake, call, property);
        if (strcmp(interface, SERVICE_INTERFACE) != 0 || strcmp(property, "TimeoutStopUSec") != 0)
                return -EINVAL;
        fake->n_cap_asked++;
        (void) snprintf(
                fake->cap_path, sizeof(fake->cap_path), "%s", sd_bus_message_get_path(call));
        if (fake->cap_mode == FAKE_SAYS_NOTHING)
                return 1;
        if (fake->cap_mode == FAKE_ERRS)
                return sd_bus_reply_method_errorf(call, fake->error_name, "As told");
        if (fake->cap_mode == FAKE_SAYS_NONSENSE)
                return sd_bus_reply_method_return(call, "v", "s", "nonsense");
        return sd_bus_reply_method_return(call, "v", "t", fake->cap_usec);
}

static inline int fake_dispatch_call(
        sd_bus_message *call, void *userdata, sd_bus_error *reterr_error) {
        const char *member = sd_bus_message_get_member(call);
        Fake *fake = userdata;
        int r = 0;

        if (!sd_bus_message_is_method_call(call, NULL, NULL))
                return 0;
        if (strcmp(sd_bus_message_get_destination(call), MANAGER_NAME) == 0)
                fake->n_auto_start += sd_bus_message_get_auto_start(call) != 0;
        if (fake->is_mute)
                return 1;
        if (strcmp(member, "Hello") == 0) {
                fake->n_hello++;
                r = sd_bus_reply_method_return(call, "s", ":1.7");
        } else if (strcmp(member, "AddMatch") == 0) {
                fake->n_matches++;
                r = sd_bus_reply_method_return(call, NULL);
        } else if (strcmp(member, "Subscribe") == 0)
                fake->n_subscribed++;
        else if (strcmp(member, "GetAll") == 0)
                r = fake_take_get_all(fake, call);
        else if (strcmp(member, "Get") == 0)
                r = fake_take_get(fake, call);
        return r < 0 ? r : 1;
}

static inline int fake_dispatch_accept(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Fake *fake = userdata;
        sd_bus *peer = NULL;
        sd_id128_t id;
        int peer_fd, r;

        peer_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer_fd >= 0 && fake->n_drops > 0) {
                fake->n_drops--;
                return close(peer_fd);
        }
        if (peer_fd < 0 || fake->n_peers == PEERS_MAX || sd_bus_new(&peer) < 0)
                return sd_event_exit(fake->event, EXIT_FAILURE);
        fake->peers[fake->n_peers++] = peer;
        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_set_fd(peer, peer_fd, peer_fd);
        if (r >= 0)
                r = sd_bus_set_server(peer, true, id);
        if (r >= 0)
                r = sd_bus_set_sender(peer, MANAGER_NAME);
        if (r >= 0)
                r = sd_bus_add_filter(peer, NULL, fake_dispatch_call, fake);
        if (r >= 0)
                r = sd_bus_start(peer);
        if (r >= 0)
                r = sd_bus_attach_event(peer, fake->event, 0);
        return r < 0 ? sd_event_exit(fake->event, EXIT_FAILURE) : 0;
}

static inline int fake_listen(Fake *fake, sd_event *event, const char *socket_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        fake->event = event;
        fake->unit_properties = plain_unit;
        fake->type_properties = plain_type;
        if (strlen(socket_path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(fake->socket_path, socket_path);
        strcpy(address.sun_path, socket_path);
        fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fake->fd < 0 || bind(fake->fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                listen(fake->fd, SOMAXCONN) < 0)
                return -errno;
        return sd_event_add_io(
                event, &fake->accept_source, fake->fd, EPOLLIN, fake_dispatch_accept, fake);
}

static inline void fake_hang_up(Fake *fake) {
        for (unsigned i = 0; i < fake->n_peers; i++)
                fake->peers[i] = sd_bus_close_unref(fake->peers[i]);
        fake->n_peers = 0;
}

static inline void fake_stop(Fake *fake) {
        fake_hang_up(fake);
        fake->accept_source = sd_event_source_disable_unref(fake->accept_source);
        fake->fd = fd_close(fake->fd);
        if (fake->socket_path[0])
                (void) unlink(fake->socket_path);
}

static inline void fake_emit_reloading(Fake *fake, bool is_active) {
        for (unsigned i = 0; i < fake->n_peers; i++)
                if (sd_bus_is_open(fake->peers[i]) > 0)
                        assert_return_code(sd_bus_emit_signal(fake->peers[i], MANAGER_PATH,
                                                   MANAGER_INTERFACE, "Reloading", "b", is_active),
                                0);
}

static inline void fake_tell_name_owner(
        sd_bus *peer, const char *old_owner, const char *new_owner) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;

        int r = sd_bus_message_new_signal(peer, &message, "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "NameOwnerChanged");
        if (r >= 0)
                r = sd_bus_message_set_sender(message, "org.freedesktop.DBus");
        if (r >= 0)
                r = sd_bus_message_append(message, "sss", MANAGER_NAME, old_owner, new_owner);
        if (r >= 0)
                r = sd_bus_message_send(message);
        assert_return_code(r, 0);
}

static inline void fake_emit_name_owner(Fake *fake, const char *old_owner, const char *new_owner) {
        for (unsigned i = 0; i < fake->n_peers; i++)
                if (sd_bus_is_open(fake->peers[i]) > 0)
                        fake_tell_name_owner(fake->peers[i], old_owner, new_owner);
}

/* ---- The fixture ----------------------------------------------------------------------------- */

static inline int fixture_dispatch_over(sd_event_source *source, uint64_t usec, void *userdata) {
        ((Fixture *) userdata)->is_over = true;
        return 0;
}

static inline int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        char path[96];

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->fake.fd = fixture->other.fd = -EBADF;
        fixture->unit = (CgroupUnit){ UNIT_MANAGER_SYSTEM, "hermes.service", (uid_t) -1 };
        (void) unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
        (void) unsetenv("XDG_RUNTIME_DIR");
        strcpy(fixture->directory, "/tmp/test-unit-bus-XXXXXX");
        if (!mkdtemp(fixture->directory) || sd_event_new(&fixture->event) < 0)
                return -1;
        (void) snprintf(path, sizeof(path), "%s/manager", fixture->directory);
        if (fake_listen(&fixture->fake, fixture->event, path) < 0)
                return -1;
        return sd_event_add_time_relative(fixture->event, NULL, CLOCK_MONOTONIC,
                FIXTURE_DEADLINE_USEC, USEC_PER_SEC, fixture_dispatch_over, fixture);
}

static inline int fixture_teardown(void **state) {
        static const char *const left[] = {
                "unit",
                "drop-in.conf",
                "bus",
                "systemd/private",
                "systemd",
                "odd, ;%name/bus",
                "odd, ;%name/systemd/private",
                "odd, ;%name/systemd",
                "odd, ;%name",
        };
        Fixture *fixture = *state;

        (void) unit_bus_free(fixture->bus);
        fake_stop(&fixture->other);
        fake_stop(&fixture->fake);
        (void) sd_event_unref(fixture->event);
        for (size_t i = 0; i < ELEMENTSOF(left); i++) {
                char path[128];

                (void) snprintf(path, sizeof(path), "%s/%s", fixture->directory, left[i]);
                (void) remove(path);
        }
        (void) rmdir(fixture->directory);
        free(fixture);
        return 0;
}

static inline void fixture_handle(
        UnitBus *bus, const UnitProperties *properties, int error, void *userdata) {
        Fixture *fixture = userdata;

        assert_ptr_equal(bus, fixture->bus);
        assert_int_equal(properties == NULL, error < 0);
        fixture->n_calls++;
        fixture->error = error;
        if (properties)
                fixture->told = *properties;
        else
                fixture->n_errors++;
        if (fixture->is_freed_by_handler)
                fixture->bus = unit_bus_free(fixture->bus);
}

static inline const char *fake_address(const Fake *fake) {
        static char address[128];
        (void) snprintf(address, sizeof(address), "unix:path=%s", fake->socket_path);
        return address;
}

static inline void fixture_start_at(Fixture *fixture, const char *address) {
        unsigned n_calls = fixture->n_calls;

        assert_return_code(unit_bus_new(fixture->event, &fixture->unit, address, 0, fixture_handle,
                                   fixture, &fixture->bus),
                0);
        assert_int_equal(fixture->n_calls, n_calls);
}

static inline void fixture_start(Fixture *fixture) {
        fixture_start_at(fixture, fake_address(&fixture->fake));
}

/* Runs the loop until a counter has been raised to a value. */
static inline void fixture_wait(Fixture *fixture, const unsigned *counter, unsigned value) {
        while (*counter < value && !fixture->is_over)
                assert_return_code(sd_event_run(fixture->event, UINT64_MAX), 0);
        assert_int_equal(*counter, value);
}

/* Runs the loop until there is nothing to do at once. */
static inline void fixture_run_dry(Fixture *fixture) {
        int r;

        while ((r = sd_event_run(fixture->event, 0)) > 0)
                assert_false(fixture->is_over);
        assert_return_code(r, 0);
}

static inline void fixture_read(Fixture *fixture) {
        fixture_start(fixture);
        fixture_wait(fixture, &fixture->n_calls, 1);
        assert_int_equal(fixture->error, 0);
}

static inline void fixture_be_user_unit(Fixture *fixture) {
        fixture->unit.manager = UNIT_MANAGER_USER;
        fixture->unit.owner_uid = getuid();
        strcpy(fixture->unit.above, "user@1000.service");
        fixture->fake.cap_usec = 120 * USEC_PER_SEC;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
