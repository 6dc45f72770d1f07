/* SPDX-License-Identifier: MIT */
#pragma once

/* What a run that is alive says of itself in its flight record, found without its help. */

#include <sys/types.h>

#include "flight-record.h"

/* A supervisor that is older than its own upgrade has written an older version: n_steps_open is UINT64_MAX where that
 * did not know it.
 *
 * proc_path: "/proc", or a tree of its form.
 *
 * Returns: 0; -ENOENT: it has none open (no state directory, or it is no supervisor), or is gone; -EACCES: of
 * another user; -EBADMSG: nothing in it can be believed, or it speaks of another run; other errno of
 * openat(2), read(2). */
int list_flight_read(
        const char *proc_path, pid_t supervisor_pid, FlightRecord *ret_record) _warn_unused_;
