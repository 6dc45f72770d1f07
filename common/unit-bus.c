/* SPDX-License-Identifier: MIT */
/* A unit as its manager describes it, read from within the caller's loop.
 *
 * Two links: `main` goes to the unit's own manager and stays, `above` goes to the system manager
 * for a user unit's cap and is closed once that is known. A failed `main` is told to the handler
 * and ends everything, a failed `above` only means that no cap is known. The handler is called when
 * neither has anything outstanding.
 *
 * All questions of a reading go out in one go, and are read together once the last answer is there.
 * The unit is asked for its few properties one by one, the interface of its type for all: GetAll on
 * the unit would have systemd search its directories of unit files, for each unit once after each
 * daemon-reload, and then every supervisor on the machine reads again.
 *
 * A daemon-reload is seen by the manager's signal Reloading(false), a re-execution by the new owner
 * of its name; both make us read again, as does a new connection. What was being read before that
 * is dropped. A manager that is busy reloading answers nobody, so a reading after the first that
 * comes to nothing is not told: the end of that reload will bring the next one, and until then what
 * was told before stands.
 *
 * A message bus may be there before the manager is on it: where nobody has used it since the boot,
 * our connection is what starts dbus-daemon, and systemd joins once that runs. A re-execution takes
 * the manager off it for a moment. A reply that says so is no failure: we ask again when the name
 * has an owner. The deadline bounds this too; then it is the next address's turn.
 *
 * Callbacks of sd-bus return 1, "dealt with": after a 0 it would go on with a connection that the
 * callback may have closed.
 *
 * Not here: judging what is read, jobs, other units, and anything that has to be learned while the
 * unit stops. */

#include "unit-bus.h"

#include <string.h>

#include <systemd/sd-bus.h>

#include "bus-link.h"
#include "unit-properties.h"

#define MANAGER_NAME      "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define UNIT_PATH_PREFIX  "/org/freedesktop/systemd1/unit"
#define UNIT_INTERFACE    "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"
#define SCOPE_INTERFACE   "org.freedesktop.systemd1.Scope"

/* In BusLink.slots; the first ones are those of the questions for each UnitProperty. */
typedef enum UnitBusSlot {
        UNIT_BUS_SLOT_TYPE = _UNIT_PROPERTY_MAX, /* the interface of the unit's type */
        UNIT_BUS_SLOT_RELOADING,
        UNIT_BUS_SLOT_NAME_OWNER,
        _UNIT_BUS_SLOT_MAX,
} UnitBusSlot;
static_assert((int) _UNIT_BUS_SLOT_MAX <= BUS_LINK_SLOTS_MAX, "each needs its place");

struct UnitBus {
        sd_event *event;
        CgroupUnit unit;
        UnitBusHandler handler;
        void *userdata;

        sd_event_source *start_source;
        BusLink main;
        BusLink above;

        UnitProperties properties; /* being read, or as last told */
        sd_bus_message *replies[_UNIT_PROPERTY_MAX];
        usec_t cap_usec;
        unsigned n_pending; /* answers of main's */
        bool is_reading;
        bool is_above_pending;
        bool is_owner_awaited; /* by main */
};

static bool unit_bus_is_scope(const UnitBus *bus) {
        const char *suffix = strrchr(bus->unit.unit, '.');

        return suffix && strcmp(suffix, ".scope") == 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void unit_bus_forget_replies(UnitBus *bus) {
        for (UnitProperty i = 0; i < _UNIT_PROPERTY_MAX; i++)
                bus->replies[i] = sd_bus_message_unref(bus->replies[i]);
}

static void unit_bus_stop_reading(UnitBus *bus) {
        bus->is_reading = false;
        bus->is_above_pending = false;
        bus_link_close(&bus->above);
        bus_link_disarm(&bus->main);
        for (int slot = 0; slot <= UNIT_BUS_SLOT_TYPE; slot++)
                bus->main.slots[slot] = sd_bus_slot_unref(bus->main.slots[slot]);
        unit_bus_forget_replies(bus);
}

/* What main was asked has not been answered as it should. May free the bus. */
static void unit_bus_fail_reading(UnitBus *bus, int error) {
        if (bus_link_is_up(&bus->main))
                unit_bus_stop_reading(bus);
        else
                bus_link_lose(&bus->main, error);
}

/* Tells the handler once all is there. May free the bus. */
static void unit_bus_tell(UnitBus *bus) {
        if (!bus->is_reading || bus->n_pending > 0 || bus->is_above_pending)
                return;
        bus->is_reading = false;
        bus->properties.cap_usec = bus->cap_usec;
        bus->handler(bus, &bus->properties, 0, bus->userdata);
}

/* One more answer has been taken; the last one completes the reading. May free the bus. */
static void unit_bus_take(UnitBus *bus) {
        int r;

        if (--bus->n_pending > 0)
                return;
        r = unit_properties_read_unit(
                &bus->properties, bus->replies, unit_bus_is_scope(bus) ? "Scope" : "Service");
        unit_bus_forget_replies(bus);
        if (r < 0) {
                unit_bus_fail_reading(bus, r);
                return;
        }
        bus_link_settle(&bus->main);
        unit_bus_tell(bus);
}

/* Whether there is nothing to do about a reply but to wait for the manager. */
static bool unit_bus_awaits_owner(UnitBus *bus, sd_bus_message *reply) {
        if (!bus_link_lacks_manager(&bus->main, reply))
                return false;
        bus->is_owner_awaited = true;
        return true;
}

static int unit_bus_dispatch_property(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        UnitBus *bus = userdata;
        size_t property = bus_link_get_current_slot(&bus->main);
        int r;

        if (unit_bus_awaits_owner(bus, reply))
                return 1;
        r = bus_link_check_reply(&bus->main, reply);
        if (r >= 0)
                bus->replies[property] = sd_bus_message_ref(reply);
        /* One that another version of systemd does not have is as absent as it was in a GetAll. */
        else if (!sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_PROPERTY)) {
                unit_bus_fail_reading(bus, r);
                return 1;
        }
        unit_bus_take(bus);
        return 1;
}

static int unit_bus_dispatch_type(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        UnitBus *bus = userdata;
        int r;

        if (unit_bus_awaits_owner(bus, reply))
                return 1;
        r = bus_link_check_reply(&bus->main, reply);
        if (r >= 0)
                r = unit_properties_read_type(&bus->properties, reply);
        if (r < 0) {
                unit_bus_fail_reading(bus, r);
                return 1;
        }
        unit_bus_take(bus);
        return 1;
}

static int unit_bus_dispatch_cap(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        UnitBus *bus = userdata;
        usec_t cap_usec;
        int r;

        if (bus_link_lacks_manager(&bus->above, reply))
                return 1;
        r = bus_link_check_reply(&bus->above, reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "v", "t", &cap_usec);
        if (r < 0) {
                bus_link_lose(&bus->above, r);
                return 1;
        }
        bus_link_close(&bus->above);
        bus->cap_usec = cap_usec;
        bus->is_above_pending = false;
        unit_bus_tell(bus);
        return 1;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* Calls Get for a property, or GetAll when it is NULL. */
static int unit_bus_call(BusLink *link, size_t slot, sd_bus_message_handler_t callback,
        const char *unit, const char *interface, const char *property) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        r = sd_bus_path_encode(UNIT_PATH_PREFIX, unit, &path);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(link->bus, &message, MANAGER_NAME, path,
                "org.freedesktop.DBus.Properties", property ? "Get" : "GetAll");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(message, 's', interface);
        if (r >= 0 && property)
                r = sd_bus_message_append_basic(message, 's', property);
        /* A manager comes to its name by itself, activation cannot bring it. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, /* b= */ false);
        if (r < 0)
                return r;
        link->slots[slot] = sd_bus_slot_unref(link->slots[slot]);
        return sd_bus_call_async(
                link->bus, &link->slots[slot], message, callback, link->userdata, /* usec= */ 0);
}

static int unit_bus_ask(UnitBus *bus) {
        int r;

        unit_properties_reset(&bus->properties);
        unit_bus_forget_replies(bus);
        bus->is_reading = true;
        bus->n_pending = _UNIT_PROPERTY_MAX + 1;
        bus->is_owner_awaited = false;
        for (UnitProperty i = 0; i < _UNIT_PROPERTY_MAX; i++) {
                r = unit_bus_call(&bus->main, i, unit_bus_dispatch_property, bus->unit.unit,
                        UNIT_INTERFACE, unit_property_to_string(i));
                if (r < 0)
                        return r;
        }
        return unit_bus_call(&bus->main, UNIT_BUS_SLOT_TYPE, unit_bus_dispatch_type, bus->unit.unit,
                unit_bus_is_scope(bus) ? SCOPE_INTERFACE : SERVICE_INTERFACE,
                /* property= */ NULL);
}

/* May free the bus. */
static void unit_bus_ask_above(UnitBus *bus) {
        if (bus->above.n_addresses == 0)
                return;
        bus->cap_usec = USEC_INFINITY;
        bus->is_above_pending = true;
        bus_link_start(&bus->above);
}

/* A reading after the first one has a deadline of its own; the first one keeps the one that it has,
 * so that it ends whatever the manager does. May free the bus. */
static void unit_bus_ask_again(UnitBus *bus) {
        bool is_up = bus_link_is_up(&bus->main);
        int r;

        if (is_up)
                unit_bus_stop_reading(bus);
        r = unit_bus_ask(bus);
        if (r >= 0)
                r = bus_link_arm(&bus->main);
        if (r < 0)
                unit_bus_fail_reading(bus, r);
        else if (is_up) /* else above is being asked already */
                unit_bus_ask_above(bus);
}

/* ---- Watching -------------------------------------------------------------------------------- */

static int unit_bus_dispatch_reloading(
        sd_bus_message *message, void *userdata, sd_bus_error *reterr_error) {
        UnitBus *bus = userdata;
        int is_active;

        if (sd_bus_message_read_basic(message, 'b', &is_active) >= 0 && !is_active)
                unit_bus_ask_again(bus);
        return 1;
}

/* Managers send their signals over a message bus only while somebody has subscribed to them. */
static int unit_bus_subscribe(UnitBus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus->main.bus, &message, MANAGER_NAME, MANAGER_PATH,
                MANAGER_INTERFACE, "Subscribe");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, /* b= */ false);
        if (r < 0)
                return r;
        return sd_bus_call_async(bus->main.bus, /* slot= */ NULL, message, /* callback= */ NULL,
                /* userdata= */ NULL, /* usec= */ 0);
}

static bool unit_bus_has_new_owner(sd_bus_message *message) {
        const char *name, *old_owner, *new_owner;

        return sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) >= 0 &&
                *new_owner;
}

static int unit_bus_dispatch_name_owner(
        sd_bus_message *message, void *userdata, sd_bus_error *reterr_error) {
        UnitBus *bus = userdata;

        if (!unit_bus_has_new_owner(message))
                return 1;
        (void) unit_bus_subscribe(bus);
        unit_bus_ask_again(bus);
        return 1;
}

/* Without a handler of our own sd-bus closes the connection when a match is refused. */
static int unit_bus_dispatch_match_installed(
        sd_bus_message *message, void *userdata, sd_bus_error *reterr_error) {
        return 0;
}

static int unit_bus_watch_owner(BusLink *link, sd_bus_message_handler_t callback) {
        return sd_bus_add_match_async(link->bus, &link->slots[UNIT_BUS_SLOT_NAME_OWNER],
                "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                "arg0='" MANAGER_NAME "'",
                callback, unit_bus_dispatch_match_installed, link->userdata);
}

static int unit_bus_watch(UnitBus *bus) {
        bool is_message_bus = bus_link_is_message_bus(&bus->main);
        BusLink *link = &bus->main;
        int r;

        r = sd_bus_match_signal_async(link->bus, &link->slots[UNIT_BUS_SLOT_RELOADING],
                is_message_bus ? MANAGER_NAME : NULL, MANAGER_PATH, MANAGER_INTERFACE, "Reloading",
                unit_bus_dispatch_reloading, unit_bus_dispatch_match_installed, bus);
        if (r < 0 || !is_message_bus)
                return r;
        r = unit_bus_watch_owner(link, unit_bus_dispatch_name_owner);
        if (r < 0)
                return r;
        return unit_bus_subscribe(bus);
}

/* ---- Links ----------------------------------------------------------------------------------- */

/* Listens before it asks, so that no reload in between is missed. */
static int unit_bus_main_connected(BusLink *link) {
        UnitBus *bus = link->userdata;
        int r;

        r = unit_bus_watch(bus);
        if (r < 0)
                return r;
        return unit_bus_ask(bus);
}

static void unit_bus_main_timed_out(BusLink *link) {
        UnitBus *bus = link->userdata;

        if (!bus->is_owner_awaited && bus_link_wait_on(link))
                return;
        unit_bus_fail_reading(bus, bus->is_owner_awaited ? -ENOENT : -ETIMEDOUT);
}

static void unit_bus_main_failed(BusLink *link, int error) {
        UnitBus *bus = link->userdata;

        unit_bus_stop_reading(bus);
        bus->handler(bus, NULL, error, bus->userdata);
}

static int unit_bus_ask_cap(UnitBus *bus) {
        return unit_bus_call(&bus->above, UNIT_BUS_SLOT_TYPE, unit_bus_dispatch_cap,
                bus->unit.above, SERVICE_INTERFACE, "TimeoutStopUSec");
}

static int unit_bus_dispatch_above_owner(
        sd_bus_message *message, void *userdata, sd_bus_error *reterr_error) {
        UnitBus *bus = userdata;
        int r;

        if (!unit_bus_has_new_owner(message))
                return 1;
        r = unit_bus_ask_cap(bus);
        if (r < 0)
                bus_link_lose(&bus->above, r);
        return 1;
}

static int unit_bus_above_connected(BusLink *link) {
        int r;

        if (bus_link_is_message_bus(link)) {
                r = unit_bus_watch_owner(link, unit_bus_dispatch_above_owner);
                if (r < 0)
                        return r;
        }
        return unit_bus_ask_cap(link->userdata);
}

static void unit_bus_above_timed_out(BusLink *link) {
        bus_link_lose(link, -ETIMEDOUT);
}

static void unit_bus_above_failed(BusLink *link, int error) {
        UnitBus *bus = link->userdata;

        bus->is_above_pending = false;
        unit_bus_tell(bus);
}

static void unit_bus_set_up_links(UnitBus *bus, const char *address, int64_t priority) {
        BusLink common = {
                .event = bus->event,
                .priority = priority,
                .timeout_usec = UNIT_BUS_TIMEOUT_USEC,
                .userdata = bus,
        };
        bool is_user = bus->unit.manager == UNIT_MANAGER_USER;

        bus->main = bus->above = common;
        bus->main.connected = unit_bus_main_connected;
        bus->main.timed_out = unit_bus_main_timed_out;
        bus->main.failed = unit_bus_main_failed;
        bus->above.connected = unit_bus_above_connected;
        bus->above.timed_out = unit_bus_above_timed_out;
        bus->above.failed = unit_bus_above_failed;

        if (address)
                bus_link_add_addresses(&bus->main, address, /* is_message_bus= */ false);
        else if (is_user)
                bus_link_add_user(&bus->main, bus->unit.owner_uid);
        else
                bus_link_add_system(&bus->main);
        if (address && is_user)
                bus_link_add_addresses(&bus->above, address, /* is_message_bus= */ false);
        else if (is_user)
                bus_link_add_system(&bus->above);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int unit_bus_dispatch_start(sd_event_source *source, void *userdata) {
        UnitBus *bus = userdata;

        bus->start_source = sd_event_source_disable_unref(bus->start_source);
        unit_bus_ask_above(bus);
        bus_link_start(&bus->main);
        return 0;
}

int unit_bus_new(sd_event *event, const CgroupUnit *unit, const char *address, int64_t priority,
        UnitBusHandler handler, void *userdata, UnitBus **ret_bus) {
        _cleanup_(unit_bus_freep) UnitBus *bus = NULL;
        int r;

        assert(event && unit && handler && ret_bus);

        if (unit->manager == UNIT_MANAGER_NONE)
                return -EINVAL;
        bus = calloc(1, sizeof(*bus));
        if (!bus)
                return -ENOMEM;
        bus->event = sd_event_ref(event);
        bus->unit = *unit;
        bus->handler = handler;
        bus->userdata = userdata;
        bus->cap_usec = USEC_INFINITY;
        unit_bus_set_up_links(bus, address, priority);

        /* Connecting is left to the loop, so that this costs nothing and calls nobody back. */
        r = sd_event_add_defer(event, &bus->start_source, unit_bus_dispatch_start, bus);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(bus->start_source, "unit-bus-start");
        r = sd_event_source_set_priority(bus->start_source, priority);
        if (r < 0)
                return r;
        *ret_bus = TAKE_PTR(bus);
        return 0;
}

UnitBus *unit_bus_free(UnitBus *bus) {
        if (!bus)
                return NULL;
        bus_link_close(&bus->above);
        bus_link_close(&bus->main);
        unit_bus_forget_replies(bus);
        bus->start_source = sd_event_source_disable_unref(bus->start_source);
        bus->event = sd_event_unref(bus->event);
        free(bus);
        return NULL;
}
