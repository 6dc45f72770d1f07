/* SPDX-License-Identifier: MIT */

/* Where a run keeps what outlives it. The first of: --state-dir=, the unit's StateDirectory=,
 * $HERMES_HOME (a gateway that keeps its own markers there), the XDG state directory, and for root
 * without a home /var/lib. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "state-directory.h"

/* Shared with the state directories that systemd makes for other users, who must get through it. */
#define SYSTEM_STATE_DIRECTORY      "/var/lib/gatewatch"
#define SYSTEM_STATE_DIRECTORY_MODE 0755
#define STATE_DIRECTORY_MODE        0700

static int state_directory_path(const char *configured, const char *name, char **ret_path) {
        const char *value;
        int n;

        if (configured)
                n = asprintf(ret_path, "%s", configured);
        else if ((value = getenv("STATE_DIRECTORY")) && value[0] == '/')
                n = asprintf(ret_path, "%.*s", (int) strcspn(value, ":"), value);
        else if ((value = getenv("HERMES_HOME")) && value[0] == '/')
                n = asprintf(ret_path, "%s", value);
        else if (!name)
                return -EINVAL;
        else if ((value = getenv("XDG_STATE_HOME")) && value[0] == '/')
                n = asprintf(ret_path, "%s/gatewatch/%s", value, name);
        else if ((value = getenv("HOME")) && value[0] == '/')
                n = asprintf(ret_path, "%s/.local/state/gatewatch/%s", value, name);
        else if (geteuid() == 0)
                n = asprintf(ret_path, SYSTEM_STATE_DIRECTORY "/%s", name);
        else
                return -ENOENT;

        if (n < 0) {
                *ret_path = NULL;
                return -ENOMEM;
        }
        return 0;
}

int state_directory_open(const char *configured, const char *name, char **ret_path) {
        _cleanup_free_ char *path = NULL;
        int fd = -EBADF, r;

        r = state_directory_path(configured, name, &path);
        if (r >= 0 &&
                strncmp(path, SYSTEM_STATE_DIRECTORY "/", sizeof(SYSTEM_STATE_DIRECTORY)) == 0)
                r = file_make_directories(SYSTEM_STATE_DIRECTORY, SYSTEM_STATE_DIRECTORY_MODE);
        if (r >= 0)
                r = file_make_directories(path, STATE_DIRECTORY_MODE);
        if (r >= 0) {
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 ? -errno : 0;
        }
        if (r >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0) {
                r = -errno;
                fd = fd_close(fd);
        }

        *ret_path = TAKE_PTR(path);
        return r < 0 ? r : fd;
}

int state_directory_find(const char *configured, const char *name, char **ret_path) {
        _cleanup_free_ char *path = NULL;

        int r = state_directory_path(configured, name, &path);
        if (r >= 0) {
                r = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (r < 0)
                        r = -errno;
        }
        *ret_path = TAKE_PTR(path);
        return r;
}
