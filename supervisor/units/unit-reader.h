/* SPDX-License-Identifier: MIT */
#pragma once

/* Units as a manager has them: a connection for the verbs, synchronous but pipelined: questions about all
 * units go out before the first answer is waited for. */

#include <stdbool.h>
#include <stddef.h>

#include "units/unit-view.h"

typedef struct UnitReader UnitReader;

typedef struct UnitReaderTarget {
        UnitManager manager;
        const char *host;    /* "user@host[:port][/container]", by ssh; NULL: this machine */
        const char *machine; /* a container of this machine, "user@container"; NULL: none */

        /* In place of what this machine has, for tests; NULL: what it has. */
        const char *address;        /* D-Bus address at which the manager itself is the peer */
        bool is_message_bus;        /* address is a bus's, and the manager is on it */
        const char *system_address; /* likewise of the system manager above a user's */
        const char *root;           /* in front of /proc, /etc and /var */
} UnitReaderTarget;

/* Sets the manager where none is told: root's, and another machine's, is the system manager, as for systemctl. */
void unit_reader_target_settle(UnitReaderTarget *target);
/* Why a target is none. Returns: a sentence with the fix, static; NULL: it is one. */
const char *unit_reader_target_refuse(const UnitReaderTarget *target);

#define UNIT_READER_TIMEOUT_USEC \
        (25 * USEC_PER_SEC) /* sd-bus's own, for a manager that is reloading */
#define UNIT_READER_AWAIT_USEC          (2 * USEC_PER_SEC) /* for a manager to come to its bus */
#define UNIT_READER_RELOAD_TIMEOUT_USEC (3 * 60 * USEC_PER_SEC) /* systemctl's */

/* Connects. For the own machine: the manager's private socket where we may use it (it costs no
 * dbus-daemon), else the bus. That somebody else's machine cannot be reached shows in the first call.
 *
 * target: its root must outlive the reader.
 * Returns: 0; -ENOMEDIUM, -ENOENT, -ECONNREFUSED, -EACCES and what else sd_bus_open_*(3) say: no bus;
 * -EOPNOTSUPP: a user's manager on another host; -ENOMEM. */
int unit_reader_open(const UnitReaderTarget *target, UnitReader **ret_reader) _warn_unused_;
/* What an error of these functions means, for a sentence. Returns: a text that is valid until the next
 * call of strerror(3). */
const char *unit_reader_explain(const UnitReaderTarget *target, int error);

UnitReader *unit_reader_free(UnitReader *reader);
DEFINE_POINTER_CLEANUP(UnitReader, unit_reader_free)

/* The names of the services that match: globs over what is loaded, as systemctl takes them; a name
 * without a glob stands for itself, loaded or not, ".service" is appended to one without a type. NULL or
 * empty: all loaded services. In the order given, globs sorted, nobody twice.
 *
 * ret_bad: set with -EINVAL; points into patterns.
 * Returns: 0 and a list, NULL when it is empty; -EINVAL: a name that is none, of a template, or of a unit
 * that is no service; negative errno of the call. */
int unit_reader_list(UnitReader *reader, char *const patterns[], char ***ret_names,
        const char **ret_bad) _warn_unused_;

/* Reads units, in one round trip for all (two with units that are not loaded), and on the own machine where their values come from and what
 * lies around them (user units: cap and linger). A unit that does not exist has load_state "not-found";
 * one asked for by an alias keeps that name.
 *
 * names: as unit_reader_list() gives them.
 * ret_views: malloc()ed array, one a name in the same order; unit_views_free().
 * Returns: 0; -ENOMEM; -EACCES; -ETIMEDOUT: no answer in UNIT_READER_TIMEOUT_USEC; -ECONNRESET: hung up;
 * -ESRCH: no manager on that bus in
 * UNIT_READER_AWAIT_USEC; -EBADMSG: not a manager's answer; other errno of the call. */
int unit_reader_read(
        UnitReader *reader, char *const names[], UnitView **ret_views, size_t *ret_n) _warn_unused_;

/* Daemon-reload. Returns: 0; -EACCES: not permitted; negative errno of the call. */
int unit_reader_reload(UnitReader *reader) _warn_unused_;
