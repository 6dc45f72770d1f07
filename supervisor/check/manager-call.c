/* SPDX-License-Identifier: MIT */

/* Method calls to a manager from programs that may wait for the answer. The bus is never asked to start
 * the manager: it comes to its name by itself. Which calls there are is the callers' business. */

#include "check/manager-call.h"

#include <stdbool.h>

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
