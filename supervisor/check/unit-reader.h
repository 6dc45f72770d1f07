/* SPDX-License-Identifier: MIT */
#pragma once

/* Units as a manager has them: a connection for the verbs, synchronous but pipelined: all questions go
 * out before the first answer is waited for, one a unit. */

#include <stdbool.h>
#include <stddef.h>

#include "check/unit-view.h"

typedef struct UnitReader UnitReader;

typedef struct UnitReaderTarget {
        UnitManager manager;
        const char *host;    /* "user@host[:port][/container]", by ssh; NULL: this machine */
        const char *machine; /* a container of this machine; NULL: none */
} UnitReaderTarget;

#define UNIT_READER_TIMEOUT_USEC \
        (25 * USEC_PER_SEC) /* sd-bus's own, for a manager that is reloading */

/* Connects. For the own machine: the manager's private socket where we may use it (it costs no
 * dbus-daemon), else the bus.
 *
 * Returns: 0; -ENOMEDIUM, -ENOENT, -ECONNREFUSED, -EACCES, -EHOSTDOWN and what else sd_bus_open_*(3)
 * say: no bus. */
int unit_reader_open(const UnitReaderTarget *target, UnitReader **ret_reader) _warn_unused_;
UnitReader *unit_reader_free(UnitReader *reader);
DEFINE_POINTER_CLEANUP(UnitReader, unit_reader_free)

/* The names of the services that match: globs over what is loaded, as systemctl takes them; a name
 * without a glob stands for itself, loaded or not, ".service" is appended to one without a type. NULL or
 * empty: all loaded services. In the order given, globs sorted, nobody twice.
 *
 * Returns: 0 and a list; -EINVAL: a name that is none (*ret_bad points into patterns); negative errno of
 * the call. */
int unit_reader_list(UnitReader *reader, char *const patterns[], char ***ret_names,
        const char **ret_bad) _warn_unused_;

/* Reads units, one round trip each, pipelined, and on the own machine where their values come from and
 * what lies around them (user units: cap and linger). A unit that does not exist has load_state
 * "not-found".
 *
 * ret_views: malloc()ed array, one a name in the same order; unit_views_free().
 * Returns: 0; -ENOMEM; negative errno of the call (-EACCES, -ETIMEDOUT, -ECONNRESET). */
int unit_reader_read(
        UnitReader *reader, char *const names[], UnitView **ret_views, size_t *ret_n) _warn_unused_;
void unit_views_free(UnitView *views, size_t n);

/* Daemon-reload. Returns: 0; -EACCES: not permitted; negative errno of the call. */
int unit_reader_reload(UnitReader *reader) _warn_unused_;
