/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit as its manager tells it. */

#include <systemd/sd-bus.h>

#include "check/unit-view.h"

/* Reads the reply to GetAll("") (the properties of all interfaces) into an initialised view. What is
 * absent or of another type than systemd gives it becomes (or stays) not known. Of DropInPaths and
 * FragmentPath only the names are taken; origins are not set.
 *
 * Returns: 0; -EBADMSG: not such a reply; -ENOMEM. */
int unit_view_read_reply(UnitView *view, sd_bus_message *reply) _warn_unused_;
