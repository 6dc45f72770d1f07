/* SPDX-License-Identifier: MIT */
#pragma once

/* Names of local users. Only /etc/passwd is read: a directory service may make us wait. */

#include <stddef.h>
#include <sys/types.h>

#include "cleanup.h"

#define USER_NAME_MAX 256

/* path: "/etc/passwd", or another of its form.
 * Returns: 0; -ENOENT: no such user there, or one whose name cannot be shown; other errno of open(2). */
int user_name_from_uid(
        const char *path, uid_t uid, char ret_name[static USER_NAME_MAX]) _warn_unused_;
