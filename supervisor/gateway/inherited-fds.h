/* SPDX-License-Identifier: MIT */
#pragma once

/* File descriptors that the caller passed on for the gateway: sockets of a socket unit, fds out of
 * systemd's store, a shell's redirections. */

#include "cleanup.h"

/* Closes every fd above stderr that is not close-on-exec: what is ours is, so these are the gateway's
 * alone, once it has been executed. Kept open here, a connection that the gateway closes would stay up.
 *
 * Returns: how many were closed; negative errno of opening /proc/self/fd. */
int inherited_fds_release(void);
