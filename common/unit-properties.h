/* SPDX-License-Identifier: MIT */
#pragma once

/* The properties of a unit that bear on stopping it, out of the manager's replies. What is absent,
 * unknown or of another type than systemd gives it is passed over. */

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "cgroup.h"
#include "usec.h"

#define UNIT_PATH_MAX  512
#define UNIT_NAMES_MAX 1024

typedef enum KillMode {
        KILL_MODE_CONTROL_GROUP,
        KILL_MODE_MIXED,
        KILL_MODE_PROCESS,
        KILL_MODE_NONE,
        _KILL_MODE_MAX,
        _KILL_MODE_INVALID = -EINVAL,
} KillMode;

const char *kill_mode_to_string(KillMode mode);
KillMode kill_mode_from_string(const char *name);

/* What is read of org.freedesktop.systemd1.Unit, one by one: its GetAll includes UnitFileState and
 * UnitFilePreset, for which systemd searches its directories of unit files once after each
 * daemon-reload. */
typedef enum UnitProperty {
        UNIT_PROPERTY_ID,
        UNIT_PROPERTY_NAMES,
        UNIT_PROPERTY_LOAD_STATE,
        UNIT_PROPERTY_INVOCATION_ID,
        UNIT_PROPERTY_FRAGMENT_PATH,
        UNIT_PROPERTY_DROP_IN_PATHS,
        _UNIT_PROPERTY_MAX,
        _UNIT_PROPERTY_INVALID = -EINVAL,
} UnitProperty;

/* Returns: the name on D-Bus, static; NULL: no UnitProperty. */
const char *unit_property_to_string(UnitProperty property);

typedef struct UnitProperties {
        char id[UNIT_NAME_MAX];
        /* The id, then its aliases, separated by spaces; whole names only, as many as fit. */
        char names[UNIT_NAMES_MAX];
        bool is_loaded; /* LoadState=loaded; nothing below counts otherwise */
        pid_t main_pid;
        sd_id128_t invocation_id; /* null when systemd gave none */
        usec_t timeout_stop_usec; /* TimeoutStopUSec as set; USEC_INFINITY: none, or not told */
        KillMode kill_mode;       /* _KILL_MODE_INVALID: not told, or one that is not known here */
        int kill_signal;
        int restart_kill_signal; /* equals kill_signal unless set */
        int watchdog_signal;
        bool send_sighup;
        bool send_sigkill;
        bool has_notify_access;             /* NotifyAccess is not "none" */
        usec_t watchdog_usec;               /* 0 or USEC_INFINITY: off */
        char timeout_source[UNIT_PATH_MAX]; /* the file that sets TimeoutStopSec=, or
                                             * "DefaultTimeoutStopSec" when no file does */
        usec_t cap_usec; /* user units: TimeoutStopUSec of the user@.service above; else, or when it
                          * cannot be read, USEC_INFINITY */
} UnitProperties;

/* Sets what holds for a property that the manager does not tell: no timeout and no cap, KillMode
 * _KILL_MODE_INVALID, KillSignal SIGTERM, WatchdogSignal SIGABRT, SendSIGKILL yes, nothing else. */
void unit_properties_reset(UnitProperties *properties);

/* Reads the replies to Get of each UnitProperty, and for a loaded unit, from its files, where the
 * timeout comes from.
 *
 * replies: by UnitProperty; NULL: the manager has no such property.
 * section: of the unit's type in its files, "Service" or "Scope".
 *
 * Returns: 0; -EBADMSG: one of them is not such a reply. */
int unit_properties_read_unit(UnitProperties *properties,
        sd_bus_message *const replies[static _UNIT_PROPERTY_MAX],
        const char *section) _warn_unused_;

/* Reads the reply to GetAll on the interface of the unit's type.
 * Returns: 0; -EBADMSG: not such a reply. */
int unit_properties_read_type(UnitProperties *properties, sd_bus_message *reply) _warn_unused_;
