/* SPDX-License-Identifier: MIT */

/* Which fds were inherited shows at the flag: everything that the supervisor or a library of it opens
 * is close-on-exec, and what the caller meant for the gateway cannot be. stdin, stdout and stderr stay:
 * the supervisor's own records may go there.
 *
 * To be called after the gateway's exec, and before anything is opened that is not close-on-exec. */

#include "inherited-fds.h"

#include <dirent.h>
#include <fcntl.h>

int inherited_fds_release(void) {
        _cleanup_closedir_ DIR *directory = opendir("/proc/self/fd");
        int n_closed = 0;

        if (!directory)
                return -errno;
        for (const struct dirent *entry; (entry = readdir(directory));) {
                int fd = (int) strtol(entry->d_name, NULL, 10), flags;

                if (fd <= STDERR_FILENO || fd == dirfd(directory))
                        continue;
                flags = fcntl(fd, F_GETFD);
                if (flags < 0 || (flags & FD_CLOEXEC))
                        continue;
                (void) close(fd);
                n_closed++;
        }
        return n_closed;
}
