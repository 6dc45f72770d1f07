/* SPDX-License-Identifier: MIT */
#pragma once

/* A unit as its manager tells it, out of one or more replies. */

#include <systemd/sd-bus.h>

#include "units/unit-view.h"

/* Before the first reply: no value of an initialised view is known any more. */
void unit_view_forget(UnitView *view);

/* Reads the reply to GetAll, of one interface or (asked for "") of all. What is absent stays as it is;
 * what has another type than systemd gives it is not known. Of DropInPaths and FragmentPath only the names
 * are taken; origins are not set.
 *
 * Returns: 0; -EBADMSG: not such a reply; -ENOMEM.
 * Source: org.freedesktop.systemd1(5). */
int unit_view_read_reply(UnitView *view, sd_bus_message *reply) _warn_unused_;

/* Reads the reply to Get of the named property, likewise. */
int unit_view_read_property(
        UnitView *view, const char *property, sd_bus_message *reply) _warn_unused_;

/* Reads the next row of a reply to ListUnitsByNames: the states.
 * Returns: 0; -EBADMSG: no such row, or none left; -ENOMEM. */
int unit_view_read_row(UnitView *view, sd_bus_message *reply) _warn_unused_;
