/* SPDX-License-Identifier: MIT */
#pragma once

/* What systemd says of a unit, over D-Bus, without ever waiting: a connection to the manager that
 * the own cgroup names, the properties that bear on stopping, and word when they may have changed
 * (daemon-reload). Falls back from the bus to the manager's private socket, where we may use it.
 * Everything is asynchronous, and each address that there is to try is bounded by
 * UNIT_BUS_TIMEOUT_USEC; a bus that is absent, slow or dead ends in one call of the handler with an
 * error and in nothing else. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "cgroup.h"
#include "unit-properties.h"
#include "usec.h"

#define UNIT_BUS_TIMEOUT_USEC (2 * USEC_PER_SEC)

typedef struct UnitBus UnitBus;

/* Called from the loop: once when the properties have been read for the first time, again after
 * each daemon-reload or re-execution of the manager and after a lost connection has been replaced
 * (with values that may be the same), and once with error < 0 (properties NULL) when they cannot be
 * had: -ETIMEDOUT, -ENOENT (no bus, no manager on it until the deadline, or no such unit),
 * -ECONNREFUSED, -ECONNRESET (the bus went away and nothing takes its place), -EACCES or what else
 * connecting or the manager's reply says. After an error no more calls come. A reading after the
 * first that fails on a living connection is not told; the next reload reads again. A unit that
 * systemd does not know is told with is_loaded false.
 * properties is valid during the call. May call unit_bus_free() on the bus. */
typedef void (*UnitBusHandler)(
        UnitBus *bus, const UnitProperties *properties, int error, void *userdata);

/* Starts connecting and reading; returns at once.
 *
 * event:    not NULL, referenced.
 * unit:     manager and name; the manager must not be NONE.
 * address:  NULL, or D-Bus addresses ("unix:…;unix:…") to use in place of the well-known ones, at
 *           which the manager itself is the peer (tests).
 * priority: of all its event sources but the deadline's, which comes next (priority + 1).
 *
 * Returns: 0; -ENOMEM; -EINVAL: manager is NONE. That no bus answers is told to the handler, never
 * here.
 * Source: org.freedesktop.systemd1(5). */
int unit_bus_new(sd_event *event, const CgroupUnit *unit, const char *address, int64_t priority,
        UnitBusHandler handler, void *userdata, UnitBus **ret_bus) _warn_unused_;

/* Closes without waiting for anything. NULL is fine. Returns: NULL. */
UnitBus *unit_bus_free(UnitBus *bus);
DEFINE_POINTER_CLEANUP(UnitBus, unit_bus_free)
