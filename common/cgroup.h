/* SPDX-License-Identifier: MIT */
#pragma once

/* Control groups (v2): which unit of which manager a process belongs to, as its cgroup path says,
 * and a sub-group of one's own to hold a payload. On hosts without the unified hierarchy (or where
 * it may not be written) everything that needs it answers -EOPNOTSUPP or its own errno and callers
 * go on without. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"

#define CGROUP_PATH_MAX 1024
#define UNIT_NAME_MAX   256 /* systemd's own limit, with the NUL */

typedef enum UnitManager {
        UNIT_MANAGER_NONE,
        UNIT_MANAGER_SYSTEM,
        UNIT_MANAGER_USER,
        _UNIT_MANAGER_MAX,
        _UNIT_MANAGER_INVALID = -EINVAL,
} UnitManager;

/* "none", "system", "user". */
const char *unit_manager_to_string(UnitManager manager);
UnitManager unit_manager_from_string(const char *name);

typedef struct CgroupUnit {
        UnitManager manager;
        char unit[UNIT_NAME_MAX];  /* "hermes.service"; empty when manager is NONE */
        uid_t owner_uid;           /* of the user manager; (uid_t) -1 otherwise */
        char above[UNIT_NAME_MAX]; /* "user@1000.service" for a user unit, else empty */
        char unit_cgroup_path[CGROUP_PATH_MAX]; /* the unit's own group, from the root down */
} CgroupUnit;

/* Reads the unit off a cgroup path: the first component below the slices, if it is a service (or a
 * scope, socket, mount, swap: a unit that can hold processes); what lies below it is the unit's own
 * affair. For "…/user@UID.service/…/x.service" the user manager's unit x. Components are unescaped
 * as systemd escapes them (one leading "_"). Pure.
 *
 * Returns: 0, with manager NONE when the path names no unit; -ENAMETOOLONG.
 * Source: sd_pid_get_unit(3), sd_pid_get_user_unit(3). */
int cgroup_path_to_unit(const char *cgroup_path, CgroupUnit *ret_unit) _warn_unused_;

/* Where the unified hierarchy is mounted: /sys/fs/cgroup, or /sys/fs/cgroup/unified on hybrid
 * hosts; found by statfs(2).
 * Returns: a static string; NULL: nowhere. */
const char *cgroup_mount_point(void);

/* Opens the directory of a group below a mount point, O_PATH|O_DIRECTORY|O_CLOEXEC.
 * Returns: fd; negative errno of open(2). */
int cgroup_open(const char *mount_point, const char *cgroup_path) _warn_unused_;

/* Whether systemd delegated this group to us (Delegate=yes): its xattr trusted.delegate or
 * user.delegate, or, for a non-root caller, a group directory that we own.
 * Returns: 1, 0; negative errno. */
int cgroup_is_delegated(int cgroup_fd) _warn_unused_;

/* The invocation id that systemd put on the unit's group (xattr user.invocation_id or
 * trusted.invocation_id).
 * Returns: 0; -ENODATA: none; negative errno. */
int cgroup_get_invocation_id(int cgroup_fd, sd_id128_t *ret_id) _warn_unused_;

/* Makes (or takes over an empty) sub-group and opens it (O_RDONLY|O_DIRECTORY|O_CLOEXEC, fit for
 * CLONE_INTO_CGROUP).
 * Returns: fd; -EBUSY: it exists and holds processes; negative errno of mkdirat(2). */
int cgroup_make_child(int cgroup_fd, const char *name) _warn_unused_;

/* "populated" of cgroup.events: does it or a group below it hold a living process?
 * Returns: 1, 0; -ENODATA: no such line; negative errno of openat(2). */
int cgroup_is_populated(int cgroup_fd) _warn_unused_;

/* Opens cgroup.events, to be watched for EPOLLPRI; read it again after each event.
 * Returns: fd; negative errno. */
int cgroup_open_events(int cgroup_fd) _warn_unused_;

/* Kills all in the group and below, at once (cgroup.kill, Linux 5.14).
 * Returns: 0; -ENOENT: older kernel; -EACCES; other errno of write(2). */
int cgroup_kill(int cgroup_fd) _warn_unused_;

/* The pids in the group and in every group below it. What appears while reading may be missed.
 * ret_pids: malloc()ed.
 * Returns: 0; -ENOMEM; negative errno. */
int cgroup_read_pids(int cgroup_fd, pid_t **ret_pids, size_t *ret_n) _warn_unused_;

/* Removes the sub-group and empty groups below it. Returns: 0; -EBUSY; negative errno. */
int cgroup_remove_child(int cgroup_fd, const char *name);

/* One counter of a flat-keyed file such as memory.events ("oom_kill").
 * Returns: 0; -ENODATA: no such key; -EINVAL: malformed; -ENOENT: no controller. */
int cgroup_read_counter(
        int cgroup_fd, const char *file, const char *key, uint64_t *ret_value) _warn_unused_;
