/* SPDX-License-Identifier: MIT */
#pragma once

/* A view to try something on. */

#include "units/unit-view.h"

/* Copies a view, and all that it holds.
 * Returns: 0 and *ret_copy, to be given to unit_view_done(); -ENOMEM. */
int unit_view_copy(const UnitView *view, UnitView *ret_copy) _warn_unused_;
