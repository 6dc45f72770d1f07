/* SPDX-License-Identifier: MIT */
/* A connection to a manager, kept by trying addresses in turn.
 *
 * A round begins with the first address. One that does not connect, says nothing until the
 * deadline, is lost or given up by the owner gives way to the next; when none is left, the link has
 * failed. Once the owner has settled a link, a loss begins a shorter round over the other addresses
 * alone: the one that has just gone is not there again so soon, and to knock on a socket whose
 * daemon an administrator has stopped could start it.
 *
 * A message bus that hangs up before it has answered our Hello is tried again within the same
 * deadline: dbus-daemon bears 64 connections that have not come so far, and drops the oldest one
 * when there are more (dbus-daemon(1), max_incomplete_connections), as happens while many
 * supervisors are being restarted. It is there, and next time we are among the younger ones.
 *
 * The message bus comes before the manager's private socket, because on it only what is subscribed
 * to arrives; the private socket wakes us for every signal of the manager, and costs the manager
 * one more copy of each. It comes second because it works without dbus-daemon, which at logout goes
 * before us. It is no way around a manager that is slow to answer: many supervisors that take it
 * while all of them are being restarted make a busy moment a long one, since every change of every
 * unit is then told to each. A system manager lets only root use its private socket.
 * DBUS_SESSION_BUS_ADDRESS is left aside: a desktop or a login may have set it to a bus on which no
 * manager lives.
 *
 * Nothing here waits: sd-bus connects and says Hello on its own time as long as nobody calls or
 * flushes synchronously, and the one flush that it would make, when the loop exits, is turned off.
 * Nothing wakes up once settled: the deadline is gone and sd-bus has no calls outstanding. */

#include "bus-link.h"

#include <inttypes.h>
#include <string.h>

#define SYSTEM_BUS_ADDRESS     "unix:path=/run/dbus/system_bus_socket"
#define SYSTEM_PRIVATE_ADDRESS "unix:path=/run/systemd/private"

#define DEADLINE_ACCURACY_USEC (10 * USEC_PER_MSEC)

/* ---- Addresses ------------------------------------------------------------------------------- */

static void bus_link_add(BusLink *link, const char *text, size_t length, bool is_message_bus) {
        BusLinkAddress *address;

        if (link->n_addresses == BUS_LINK_ADDRESSES_MAX || length >= BUS_LINK_ADDRESS_MAX ||
                strncmp(text, "unix:", strlen("unix:")) != 0)
                return;
        address = &link->addresses[link->n_addresses++];
        memcpy(address->text, text, length);
        address->text[length] = '\0';
        address->is_message_bus = is_message_bus;
}

void bus_link_add_addresses(BusLink *link, const char *list, bool is_message_bus) {
        assert(link && list);

        for (const char *end;; list = end + 1) {
                end = strchrnul(list, ';');
                bus_link_add(link, list, (size_t) (end - list), is_message_bus);
                if (!*end)
                        return;
        }
}

void bus_link_add_system(BusLink *link) {
        const char *known = getenv("DBUS_SYSTEM_BUS_ADDRESS");

        assert(link);

        if (known)
                bus_link_add_addresses(link, known, /* is_message_bus= */ true);
        if (link->n_addresses == 0)
                bus_link_add_addresses(link, SYSTEM_BUS_ADDRESS, /* is_message_bus= */ true);
        if (geteuid() == 0)
                bus_link_add_addresses(link, SYSTEM_PRIVATE_ADDRESS, /* is_message_bus= */ false);
}

/* A path, with what has a meaning in addresses escaped.
 * Source: D-Bus Specification, "Server Addresses". */
static void bus_link_add_path(
        BusLink *link, const char *directory, const char *name, bool is_message_bus) {
        static const char plain[] =
                "-_/.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        char text[BUS_LINK_ADDRESS_MAX + sizeof("%00")] = "unix:path=";
        char path[BUS_LINK_ADDRESS_MAX];
        size_t n = strlen(text);

        if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int) sizeof(path))
                return;
        for (const char *p = path; *p && n < BUS_LINK_ADDRESS_MAX; p++)
                if (strchr(plain, *p))
                        text[n++] = *p;
                else
                        n += (size_t) sprintf(text + n, "%%%02x", (unsigned char) *p);
        bus_link_add(link, text, n, is_message_bus);
}

void bus_link_add_user(BusLink *link, uid_t uid) {
        const char *directory = getenv("XDG_RUNTIME_DIR");
        char fallback[sizeof("/run/user/4294967295")];

        assert(link);

        if (!directory || directory[0] != '/') {
                (void) snprintf(fallback, sizeof(fallback), "/run/user/%" PRIu32, (uint32_t) uid);
                directory = fallback;
        }
        bus_link_add_path(link, directory, "bus", /* is_message_bus= */ true);
        bus_link_add_path(link, directory, "systemd/private", /* is_message_bus= */ false);
}

/* ---- The deadline ---------------------------------------------------------------------------- */

static int bus_link_dispatch_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        BusLink *link = userdata;

        bus_link_disarm(link);
        link->timed_out(link);
        return 0;
}

int bus_link_arm(BusLink *link) {
        int r;

        assert(link);

        if (link->deadline_source)
                return 0;
        r = sd_event_add_time_relative(link->event, &link->deadline_source, CLOCK_MONOTONIC,
                link->timeout_usec, DEADLINE_ACCURACY_USEC, bus_link_dispatch_deadline, link);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(link->deadline_source, "bus-link-deadline");
        /* An answer that is there counts, even if the loop comes to it late. */
        return sd_event_source_set_priority(link->deadline_source, link->priority + 1);
}

void bus_link_disarm(BusLink *link) {
        assert(link);

        link->deadline_source = sd_event_source_disable_unref(link->deadline_source);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

/* What sd-bus itself says: Connected, once it is ready to be used, and Disconnected. */
static int bus_link_dispatch_local(
        sd_bus_message *message, void *userdata, sd_bus_error *reterr_error) {
        BusLink *link = userdata;

        if (strcmp(sd_bus_message_get_member(message), "Connected") == 0)
                link->is_greeted = true;
        else
                bus_link_lose(link, -ECONNRESET);
        return 1;
}

static int bus_link_open(BusLink *link) {
        const BusLinkAddress *address = &link->addresses[link->at];
        int r;

        r = sd_bus_new(&link->bus);
        if (r < 0)
                return r;
        (void) sd_bus_set_description(link->bus, "bus-link");
        r = sd_bus_set_address(link->bus, address->text);
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(link->bus, address->is_message_bus);
        if (r < 0)
                return r;
        r = sd_bus_set_close_on_exit(link->bus, /* b= */ false);
        if (r < 0)
                return r;
        r = sd_bus_set_connected_signal(link->bus, /* b= */ true);
        if (r < 0)
                return r;
        /* Well behind the deadline, even one that is waited on: a Hello that times out would look
         * like a lost connection. */
        r = sd_bus_set_method_call_timeout(
                link->bus, usec_add(link->n_addresses * link->timeout_usec, USEC_PER_SEC));
        if (r < 0)
                return r;
        return sd_bus_start(link->bus);
}

static int bus_link_connect(BusLink *link) {
        int r;

        r = bus_link_open(link);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(link->bus, link->event, (int) link->priority);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(link->bus, &link->local_slot, "org.freedesktop.DBus.Local",
                "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", /* member= */ NULL,
                bus_link_dispatch_local, link);
        if (r < 0)
                return r;
        r = bus_link_arm(link);
        if (r < 0)
                return r;
        return link->connected(link);
}

static void bus_link_next(BusLink *link, int error) {
        bus_link_close(link);
        if (!link->error)
                link->error = error;
        link->at = (link->at + 1) % link->n_addresses;
        link->n_greetings = 0;
}

static void bus_link_try(BusLink *link) {
        while (link->n_left > 0) {
                int r;

                link->n_left--;
                r = bus_link_connect(link);
                if (r >= 0)
                        return;
                /* -EAGAIN: the queue of connections not yet accepted is full. */
                bus_link_next(link, r == -EAGAIN ? -ECONNREFUSED : r);
        }
        link->failed(link, link->error ? link->error : -ENOENT);
}

/* Has nothing been heard of this message bus but that it hung up, and not too often? */
static bool bus_link_may_greet_again(const BusLink *link, int error) {
        return error == -ECONNRESET && bus_link_is_message_bus(link) && !link->is_greeted &&
                link->n_greetings < BUS_LINK_GREETINGS_MAX;
}

/* The deadline stays as it is. */
static void bus_link_greet_again(BusLink *link) {
        sd_event_source *deadline_source = TAKE_PTR(link->deadline_source);

        bus_link_close(link);
        link->deadline_source = deadline_source;
        link->n_greetings++;
        link->n_left++;
        bus_link_try(link);
}

void bus_link_start(BusLink *link) {
        assert(link);
        assert(link->event && link->connected && link->timed_out && link->failed);

        bus_link_close(link);
        link->at = 0;
        link->n_greetings = 0;
        link->n_left = link->n_addresses;
        link->error = 0;
        bus_link_try(link);
}

void bus_link_settle(BusLink *link) {
        assert(link && link->bus);

        bus_link_disarm(link);
        link->is_settled = true;
}

void bus_link_lose(BusLink *link, int error) {
        assert(link && link->n_addresses > 0 && error < 0);

        if (bus_link_may_greet_again(link, error)) {
                bus_link_greet_again(link);
                return;
        }
        if (link->is_settled) {
                error = -ECONNRESET;
                link->error = 0;
                link->n_left = 0;
                if (link->n_reconnects++ < BUS_LINK_RECONNECTS_MAX)
                        link->n_left = link->n_addresses - 1;
        }
        bus_link_next(link, error);
        bus_link_try(link);
}

bool bus_link_wait_on(BusLink *link) {
        assert(link && link->bus);

        if (!bus_link_is_message_bus(link) || !link->is_greeted || link->is_settled ||
                link->n_left == 0 || bus_link_arm(link) < 0)
                return false;
        link->n_left--;
        return true;
}

bool bus_link_is_up(const BusLink *link) {
        assert(link);

        return link->is_settled && sd_bus_is_open(link->bus) > 0;
}

bool bus_link_is_message_bus(const BusLink *link) {
        assert(link);

        return link->addresses[link->at].is_message_bus;
}

int bus_link_check_reply(const BusLink *link, sd_bus_message *reply) {
        static const char *const not_there[] = {
                "org.freedesktop.systemd1.NoSuchUnit",
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_UNKNOWN_INTERFACE,
                SD_BUS_ERROR_UNKNOWN_METHOD,
                SD_BUS_ERROR_UNKNOWN_OBJECT,
                SD_BUS_ERROR_UNKNOWN_PROPERTY,
        };
        int error;

        assert(link && reply);

        if (!sd_bus_message_is_method_error(reply, NULL))
                return 0;
        /* sd-bus answers outstanding calls itself when the peer has gone: NoReply, as for calls
         * that took too long. */
        if (sd_bus_is_open(link->bus) <= 0)
                return -ECONNRESET;
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY))
                return -ETIMEDOUT;
        for (size_t i = 0; i < ELEMENTSOF(not_there); i++)
                if (sd_bus_message_is_method_error(reply, not_there[i]))
                        return -ENOENT;
        error = sd_bus_message_get_errno(reply);
        return error > 0 ? -error : -EIO;
}

bool bus_link_lacks_manager(const BusLink *link, sd_bus_message *reply) {
        assert(link && reply);

        /* NoReply comes from the bus here: sd-bus itself says so only when it has closed, or long
         * after the deadline. */
        return bus_link_is_message_bus(link) && sd_bus_is_open(link->bus) > 0 &&
                (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
                        sd_bus_message_is_method_error(reply, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                        sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY));
}

size_t bus_link_get_current_slot(const BusLink *link) {
        size_t i = 0;

        assert(link && link->bus);

        while (i < BUS_LINK_SLOTS_MAX && link->slots[i] != sd_bus_get_current_slot(link->bus))
                i++;
        assert(i < BUS_LINK_SLOTS_MAX);
        return i;
}

void bus_link_close(BusLink *link) {
        assert(link);

        bus_link_disarm(link);
        link->is_settled = link->is_greeted = false;
        /* Closed before the slots go: dbus-daemon would be told of each match given back. */
        if (link->bus)
                sd_bus_close(link->bus);
        for (size_t i = 0; i < BUS_LINK_SLOTS_MAX; i++)
                link->slots[i] = sd_bus_slot_unref(link->slots[i]);
        link->local_slot = sd_bus_slot_unref(link->local_slot);
        link->bus = sd_bus_unref(link->bus);
}
