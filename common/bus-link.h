/* SPDX-License-Identifier: MIT */
#pragma once

/* A connection to a systemd manager that never waits and knows where else to try: addresses that
 * are tried one after the other, each bounded by a deadline. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "cleanup.h"
#include "usec.h"

#define BUS_LINK_ADDRESSES_MAX  4
#define BUS_LINK_ADDRESS_MAX    384
#define BUS_LINK_SLOTS_MAX      16
#define BUS_LINK_RECONNECTS_MAX 4
#define BUS_LINK_GREETINGS_MAX  8 /* at one message bus */

typedef struct BusLink BusLink;

/* Called when an address has let us connect (or begin to), to send what is to be asked; it goes out
 * behind the Hello. The deadline runs from here.
 * Returns: >= 0; negative errno: on to the next address. */
typedef int (*BusLinkConnected)(BusLink *link);

/* Called when the deadline has passed before bus_link_settle() or bus_link_disarm(). */
typedef void (*BusLinkTimedOut)(BusLink *link);

/* Called when no address is left; error is that of the first one, -ECONNRESET for a link that had
 * been settled. The link is closed. */
typedef void (*BusLinkFailed)(BusLink *link, int error);

typedef struct BusLinkAddress {
        char text[BUS_LINK_ADDRESS_MAX];
        bool is_message_bus; /* else the manager itself is the peer */
} BusLinkAddress;

struct BusLink {
        sd_event *event; /* weak, as all up to userdata to be set by the owner */
        int64_t priority;
        usec_t timeout_usec;
        BusLinkConnected connected;
        BusLinkTimedOut timed_out;
        BusLinkFailed failed;
        void *userdata;

        BusLinkAddress addresses[BUS_LINK_ADDRESSES_MAX];
        size_t n_addresses;

        sd_bus *bus;                            /* NULL while closed */
        sd_bus_slot *slots[BUS_LINK_SLOTS_MAX]; /* the owner's; given back when the link closes */

        sd_bus_slot *local_slot;
        sd_event_source *deadline_source;
        size_t at;     /* the address in use */
        size_t n_left; /* how many may yet be tried */
        int error;     /* of the first address that failed */
        unsigned n_reconnects;
        unsigned n_greetings; /* at this address, beside the first */
        bool is_greeted;      /* the Hello, if one is due, has been answered */
        bool is_settled;
};

/* Adds addresses joined by semicolons. Those that are not unix: ones (to resolve a name would
 * block), that are too long or too many are passed over. */
void bus_link_add_addresses(BusLink *link, const char *list, bool is_message_bus);

/* Adds those of the system manager: the message bus (DBUS_SYSTEM_BUS_ADDRESS or its well-known
 * place), then for root the manager's private socket. */
void bus_link_add_system(BusLink *link);

/* Adds those of a user's manager, both in XDG_RUNTIME_DIR (default: /run/user/UID). */
void bus_link_add_user(BusLink *link, uid_t uid);

/* Connects, anew if need be, beginning with the first address. May call connected or failed. */
void bus_link_start(BusLink *link);

/* The connection serves its purpose: no deadline any more, and should it be lost the next address
 * is tried (up to BUS_LINK_RECONNECTS_MAX times in all) before the link counts as failed. */
void bus_link_settle(BusLink *link);

/* Sets the deadline, if none is set. Returns: 0; negative errno of sd_event_add_time(3). */
int bus_link_arm(BusLink *link) _warn_unused_;
void bus_link_disarm(BusLink *link);

/* This connection is of no use (any more): goes on to the next address, or, where a message bus has
 * hung up instead of answering the Hello, connects to that again. May call connected or failed. A
 * callback of sd-bus that calls this (or closes the link) has to return 1: after a 0 sd-bus would go
 * on with the closed connection, and abort. */
void bus_link_lose(BusLink *link, int error);

/* For a deadline that has passed. A manager that keeps silent on a message bus that does answer is
 * busy, and would be as busy at its own socket, where it also has to send each of its signals to
 * everybody who is connected: the time of the next address is spent on this one instead.
 *
 * Returns: true: armed again; false: this is no such link, or no address is left to do without. */
bool bus_link_wait_on(BusLink *link);

/* Settled, and not lost since. */
bool bus_link_is_up(const BusLink *link);
bool bus_link_is_message_bus(const BusLink *link);

/* Whether a reply is an error.
 * Returns: 0: it is none; -ENOENT: no such object, or no manager on this bus; -ETIMEDOUT;
 * -ECONNRESET: sd-bus answered in place of a peer that has gone; else errno by the error's name. */
int bus_link_check_reply(const BusLink *link, sd_bus_message *reply) _warn_unused_;

/* Whether a reply says that the manager's name has no owner on this message bus, or has lost it
 * before the call was answered. The bus tells of the next owner by NameOwnerChanged. */
bool bus_link_lacks_manager(const BusLink *link, sd_bus_message *reply);

/* The index in slots of the call whose answer is being dealt with. To be asked in its callback,
 * before anything else is called there. */
size_t bus_link_get_current_slot(const BusLink *link);

/* Closes, without flushing or waiting, and forgets the deadline. No calls follow. Also undoes an
 * initialised link. */
void bus_link_close(BusLink *link);
