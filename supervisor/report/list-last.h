/* SPDX-License-Identifier: MIT */
#pragma once

/* How the runs before ended, out of the journal. */

#include "report/list-unit.h"
#include "units/unit-reader.h"

#define LIST_LAST_ERROR_MAX 512

/* Finds each unit's last stop. The clock's realtime is what their ages count to.
 *
 * target: whose journal it is; there is none for another host, and none for a user of a container.
 * reterr: one line for stderr: why nothing is known of any; "": nothing to say.
 * Returns: 0, also when the journal cannot be read; -ENOMEM. */
int list_last_read(const UnitReaderTarget *target, const ListClock *clock, ListedUnit units[],
        size_t n_units, char reterr[static LIST_LAST_ERROR_MAX]) _warn_unused_;
