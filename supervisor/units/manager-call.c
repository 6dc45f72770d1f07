/* SPDX-License-Identifier: MIT */

/* Method calls to a manager from programs that may wait for the answer. The bus is never asked to start
 * the manager: it comes to its name by itself. Which calls there are is the callers' business. */

#include "units/manager-call.h"

#include <stdbool.h>
#include <time.h>

#define MANAGER_NAME "org.freedesktop.systemd1"

int manager_call_new(sd_bus *bus, const char *path, const char *interface, const char *member,
        sd_bus_message **ret_call) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        assert(bus && path && interface && member && ret_call);

        r = sd_bus_message_new_method_call(bus, &call, MANAGER_NAME, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, /* b= */ false);
        if (r < 0)
                return r;
        *ret_call = TAKE_PTR(call);
        return 0;
}

int manager_call_error(sd_bus *bus, const sd_bus_error *error) {
        int value;

        assert(bus && error);

        /* sd-bus answers itself, with NoReply, when the peer has gone or took too long. */
        if (sd_bus_is_open(bus) <= 0)
                return -ECONNRESET;
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                return -ETIMEDOUT;
        if (sd_bus_error_has_names(
                    error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return -ESRCH;
        value = sd_bus_error_get_errno(error);
        return value > 0 ? -value : -EIO;
}

int manager_call_wait(
        sd_bus *bus, sd_bus_message *call, usec_t timeout_usec, sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        assert(bus && call);

        r = sd_bus_call(bus, call, timeout_usec, &error, ret_reply);
        if (r >= 0)
                return 0;
        if (sd_bus_error_is_set(&error))
                return manager_call_error(bus, &error);
        return r == -ENOTCONN ? -ECONNRESET : r;
}

static int manager_dispatch_owner(
        sd_bus_message *message, void *userdata, sd_bus_error *reterr_error) {
        const char *name, *old_owner, *new_owner;
        bool *is_there = userdata;

        if (sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) >= 0 && *new_owner)
                *is_there = true;
        return 0;
}

static int manager_has_owner(sd_bus *bus, bool *ret_is_there) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r, has_owner;

        r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.DBus",
                "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner");
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', MANAGER_NAME);
        if (r >= 0)
                r = manager_call_wait(bus, call, /* timeout_usec= */ 0, &reply);
        if (r >= 0)
                r = sd_bus_message_read_basic(reply, 'b', &has_owner);
        if (r < 0)
                return r;
        *ret_is_there = has_owner;
        return 0;
}

int manager_await(sd_bus *bus, usec_t timeout_usec) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        usec_t deadline_usec = usec_add(usec_now(CLOCK_MONOTONIC), timeout_usec);
        bool is_there = false;
        int r;

        assert(bus);

        /* Watched first, then looked at, so that it cannot come in between. */
        r = sd_bus_add_match(bus, &slot,
                "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                "arg0='" MANAGER_NAME "'",
                manager_dispatch_owner, &is_there);
        if (r >= 0)
                r = manager_has_owner(bus, &is_there);
        while (r >= 0 && !is_there) {
                usec_t now_usec = usec_now(CLOCK_MONOTONIC);

                if (now_usec >= deadline_usec)
                        return -ESRCH;
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, deadline_usec - now_usec);
        }
        if (r == -ENOTCONN)
                return -ECONNRESET;
        return r < 0 ? r : 0;
}
