/* SPDX-License-Identifier: MIT */

/* A supervisor keeps its flight record open as long as it runs. Which file that is no command line tells for
 * sure; its descriptors do: a link in /proc/PID/fd that ends in the file's name. It is opened through that
 * link, which leads to the file itself, whatever mounts and names the unit sees: no path is walked that
 * somebody in there could have laid.
 *
 * The file still speaks of the run before until this one has written to it, so the pid in it has to be the
 * supervisor's, as that sees itself.
 *
 * Bounded: so many descriptors, so many bytes; what is no regular file is not read. */

#include "report/list-flight.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"

#define FLIGHT_FDS_MAX 4096 /* that are looked at */
#define FLIGHT_STATUS_MAX \
        4096 /* bytes of /proc/PID/status, of which NSpid is about the thirteenth line */
#define FLIGHT_LINK_SUFFIX "/" FLIGHT_RECORD_FILE

/* Whether the descriptor's link names the file. One that was removed ends in " (deleted)". */
static bool link_is_flight(int directory_fd, const char *name) {
        char target[PATH_MAX];
        size_t suffix_length = strlen(FLIGHT_LINK_SUFFIX);
        ssize_t n;

        n = readlinkat(directory_fd, name, target, sizeof(target) - 1);
        if (n < (ssize_t) suffix_length)
                return false;
        target[n] = '\0';
        return strcmp(target + (size_t) n - suffix_length, FLIGHT_LINK_SUFFIX) == 0;
}

/* Returns: fd; -ENOENT: none of its descriptors is one; errno of openat(2). */
static int flight_open(int process_fd) {
        _cleanup_closedir_ DIR *directory = NULL;
        struct dirent *entry;
        int fd, r;

        fd = openat(process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        directory = fdopendir(fd);
        if (!directory) {
                r = -errno;
                (void) fd_close(fd);
                return r;
        }
        for (size_t i = 0; i < FLIGHT_FDS_MAX && (entry = readdir(directory)); i++) {
                if (!link_is_flight(dirfd(directory), entry->d_name))
                        continue;
                fd = openat(dirfd(directory), entry->d_name,
                        O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                return fd < 0 ? -errno : fd;
        }
        return -ENOENT;
}

static int flight_read(int fd, FlightRecord *ret_record) {
        unsigned char data[FLIGHT_RECORD_BYTES];
        struct stat status;
        size_t size = 0;
        FlightCopy copy;
        int r;

        if (fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EBADMSG;
        while (size < sizeof(data)) {
                ssize_t n = pread(fd, data + size, sizeof(data) - size, (off_t) size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        r = flight_copy_find(data, size, &copy);
        if (r < 0)
                return r;
        *ret_record = copy.record;
        /* The other things that version 1 did not know say so by being 0. */
        if (copy.version < FLIGHT_RECORD_VERSION)
                ret_record->n_steps_open = UINT64_MAX;
        return 0;
}

/* The process's pid in its own pid namespace, "NSpid:\t812\t1"; pid where there are no such. */
static uint32_t process_own_pid(int process_fd, pid_t pid) {
        char text[FLIGHT_STATUS_MAX], *line, *last;

        if (file_read_virtual(process_fd, "status", text, sizeof(text)) <= 0)
                return (uint32_t) pid;
        line = strstr(text, "\nNSpid:");
        if (!line)
                return (uint32_t) pid;
        line++;
        line[strcspn(line, "\n")] = '\0';
        last = strrchr(line, '\t');
        return last ? (uint32_t) strtoul(last + 1, NULL, 10) : (uint32_t) pid;
}

int list_flight_read(const char *proc_path, pid_t supervisor_pid, FlightRecord *ret_record) {
        _cleanup_close_ int process_fd = -EBADF, fd = -EBADF;
        char path[PATH_MAX];
        FlightRecord record;
        int r;

        assert(proc_path && ret_record);

        (void) snprintf(path, sizeof(path), "%s/%d", proc_path, supervisor_pid);
        process_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (process_fd < 0)
                return -errno;
        fd = flight_open(process_fd);
        if (fd < 0)
                return fd;
        r = flight_read(fd, &record);
        if (r < 0)
                return r == -ENODATA ? -EBADMSG : r;
        if (record.supervisor_pid != process_own_pid(process_fd, supervisor_pid))
                return -EBADMSG;
        *ret_record = record;
        return 0;
}
