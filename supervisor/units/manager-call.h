/* SPDX-License-Identifier: MIT */
#pragma once

/* Calls to a systemd manager, and what the errors mean that come back. */

#include <systemd/sd-bus.h>

#include "cleanup.h"
#include "usec.h"

#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define MANAGER_ROW_TYPE  "(ssssssouso)" /* of ListUnitsByNames and its kin */

/* Returns: 0; -ENOTCONN; -ENOMEM. */
int manager_call_new(sd_bus *bus, const char *path, const char *interface, const char *member,
        sd_bus_message **ret_call) _warn_unused_;

/* Sends and waits. timeout_usec: 0: the connection's. ret_reply may be NULL.
 * Returns: 0; as manager_call_error(). */
int manager_call_wait(sd_bus *bus, sd_bus_message *call, usec_t timeout_usec,
        sd_bus_message **ret_reply) _warn_unused_;

/* Waits until the manager is on a message bus. It may not be yet where nobody has used the bus since the
 * boot: then our connection is what starts dbus-daemon, and systemd joins once that runs; a re-execution
 * takes it off for a moment.
 * Returns: 0; -ESRCH: not in that time; as manager_call_error(). */
int manager_await(sd_bus *bus, usec_t timeout_usec) _warn_unused_;

/* What an error reply means. Returns: -ECONNRESET: the manager hung up; -ETIMEDOUT; -ESRCH: no manager
 * on that bus; -EACCES; the errno that sd_bus_error_get_errno(3) sees in it, -EIO: none. */
int manager_call_error(sd_bus *bus, const sd_bus_error *error);
