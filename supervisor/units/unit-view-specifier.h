/* SPDX-License-Identifier: MIT */
#pragma once

/* The specifiers of unit files, as far as the files alone tell what they stand for. */

#include "units/unit-view.h"

/* Expands %% %n %N %p %i %S %C %L %E %t %h %u in a text; others stay as they are.
 * Returns: malloc()ed text; NULL: out of memory.
 * Source: systemd.unit(5), "Specifiers". */
char *unit_view_expand(const UnitView *view, const char *text) _warn_unused_;
