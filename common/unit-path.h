/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a manager looks for unit files, and which files make up a unit. Directories are given from the
 * strongest to the weakest, as systemd.unit(5) lists them. */

#include <stdbool.h>
#include <stddef.h>

#include "cgroup.h"
#include "strv.h"
#include "unit-name.h"

/* The directories in which a manager of this machine looks: $SYSTEMD_UNIT_PATH if it is set (a trailing
 * colon appends the well-known ones), else the well-known ones; for a user's manager with
 * $XDG_CONFIG_HOME, $XDG_RUNTIME_DIR, $XDG_DATA_HOME, $HOME filled in. Whether they exist is not looked at.
 *
 * manager: SYSTEM or USER.
 * ret_directories: malloc()ed, NULL-terminated list of malloc()ed strings (strv_free()).
 *
 * Returns: 0; -ENOMEM; -EINVAL: manager is NONE. */
int unit_path_directories(UnitManager manager, char ***ret_directories) _warn_unused_;

/* Where an administrator's drop-ins of this manager go: "/etc/systemd/system",
 * "$XDG_CONFIG_HOME/systemd/user".
 * Returns: malloc()ed path; NULL: out of memory, or no home is known. */
char *unit_path_admin_directory(UnitManager manager) _warn_unused_;

/* The file of a unit: NAME in the strongest directory that has one, or what NAME is an alias of (a link to
 * another name in one of the directories), or for an instance that has none of these its template's. A
 * mask is a file, too. Of a name that is none of a unit there is no file, nor are there drop-ins.
 * Returns: 0 and malloc()ed path; -ENOENT; -ENOMEM. */
int unit_path_find_fragment(
        const char *const directories[], const char *name, char **ret_path) _warn_unused_;

/* The weaker files of the same name (of a template's fragment: the template's) that the one at fragment
 * hides: those in directories behind the one that holds it. Directories that are the same one (/lib and
 * /usr/lib) count once, and a link to the fragment is not hidden.
 * Returns: 0 (list may be empty); -ENOMEM. */
int unit_path_find_shadowed(const char *const directories[], const char *fragment, const char *name,
        char ***ret_paths) _warn_unused_;

/* The drop-ins of a unit in the order in which systemd applies them: *.conf in TYPE.d, in PREFIX-.TYPE.d
 * for each dash of the name, in TEMPLATE@.TYPE.d and NAME.d, also those of the unit's aliases, sorted by
 * file name over all of them. Of equal file names one is applied: the stronger directory wins over the
 * weaker, and in the same directory the more specific folder; TYPE.d loses to all other folders wherever
 * it is. What is masked (empty, or a link to /dev/null) is left out.
 *
 * Paths are those of the folders with links resolved, as systemd tells them in DropInPaths.
 * Returns: 0 and a list as above; -ENOMEM.
 * Source: systemd.unit(5). */
int unit_path_find_drop_ins(
        const char *const directories[], const char *name, char ***ret_paths) _warn_unused_;
