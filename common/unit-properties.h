/* SPDX-License-Identifier: MIT */
#pragma once

/* The properties of a unit out of the manager's replies. What is absent, unknown or of another type
 * than systemd gives it is passed over. */

#include <systemd/sd-bus.h>

#include "unit-bus.h"

/* Sets what holds for a property that the manager does not tell: no timeout and no cap, KillMode
 * _KILL_MODE_INVALID, KillSignal SIGTERM, SendSIGKILL yes, nothing else. */
void unit_properties_reset(UnitProperties *properties);

/* Reads the reply to GetAll(org.freedesktop.systemd1.Unit), and for a loaded unit, from its files,
 * where the timeout comes from.
 *
 * section: of the unit's type in its files, "Service" or "Scope".
 *
 * Returns: 0; -EBADMSG: not such a reply. */
int unit_properties_read_unit(
        UnitProperties *properties, sd_bus_message *reply, const char *section) _warn_unused_;

/* Reads the reply to GetAll on the interface of the unit's type.
 * Returns: 0; -EBADMSG: not such a reply. */
int unit_properties_read_type(UnitProperties *properties, sd_bus_message *reply) _warn_unused_;
