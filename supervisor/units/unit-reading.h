/* SPDX-License-Identifier: MIT */
#pragma once

/* Everything about many units in one round trip (a second one about those that could not be loaded):
 * questions, and which answer belongs to which unit. */

#include <systemd/sd-bus.h>

#include "units/unit-view.h"

/* What the manager at the other end says of units; nothing of this machine's files.
 *
 * names: not empty; valid names of services.
 * ret_views: malloc()ed array, one a name in the same order; unit_views_free().
 * Returns: 0; -EBADMSG: not a manager's answer; -ENOMEM; as manager_call_error(). */
int unit_reading_run(sd_bus *bus, UnitManager manager, char *const names[], UnitView **ret_views,
        size_t *ret_n) _warn_unused_;
