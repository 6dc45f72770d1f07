/* SPDX-License-Identifier: MIT */
#pragma once

/* What lies around units of this machine, beside what their manager says. */

#include "units/unit-view.h"

/* Adds to each view where its values come from, what its fragment hides, how /proc is mounted, and for
 * units of a user's manager whether that lives on without a session. What cannot be learned stays as it
 * is.
 *
 * views: all of one manager.
 * root: in front of /proc, /etc and /var; "" for the real ones.
 * Returns: 0; -ENOMEM. */
int unit_surroundings_read(UnitView views[], size_t n, const char *root) _warn_unused_;
