/* SPDX-License-Identifier: MIT */
#pragma once

/* The unit that a drop-in is asked for, as it is at present. */

#include "units/unit-view.h"

typedef struct UnitPresent {
        UnitView view;
        char *exec_start; /* the ExecStart= line as it stands in the files; NULL: not to be had */
        char *remark;     /* what the caller should know about that; NULL: nothing */
} UnitPresent;

/* Reads a unit: of a name, with or without ".service", from the manager; of a path (with "/") from the file.
 *
 * Returns: 0; -EINVAL: no service can be called that; -ENOENT: there is none; -EIO: it cannot be read; with
 * *ret_why, malloc()ed, one sentence; -ENOMEM. */
int unit_present_read(const char *unit, UnitManager manager, UnitPresent *ret_present,
        char **ret_why) _warn_unused_;
void unit_present_done(UnitPresent *present);

/* Looks for the command's line in the view's files, the last one that counts, and takes it when it is what
 * the view has. Fills exec_start and remark.
 * Returns: 0; -ENOMEM. */
int unit_present_find_line(UnitPresent *present) _warn_unused_;
