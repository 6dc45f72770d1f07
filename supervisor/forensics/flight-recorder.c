/* SPDX-License-Identifier: MIT */

/* The file of a flight record: what stands in it, and what of that is believed, is common/flight-record's.
 *
 * Number n + 1 is written over number n - 1, never over n, so one whole copy is there at any instant. After an
 * upgrade number n may be of the version before: the second write replaces it.
 *
 * The file is reserved once, when it is made, so that a disk that fills up later takes nothing away. Each
 * write goes by pwrite(2) at a place of its own: a file that was truncated grows again. One that was
 * removed or replaced while a run uses it is lost with that run.
 *
 * Not done: fsync. What the page cache holds survives every process; what a power cut takes is the last
 * seconds, and its owner may sync off the path. */

#include "flight-recorder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct FlightRecorder {
        int fd;
        uint64_t number; /* of the newest copy; 0: none can be believed */
        usec_t last_write_realtime_usec;
};

/* ---- The file -------------------------------------------------------------------------------- */

/* What lies beyond our size is not looked at. Returns: as flight_copy_find(); errno of pread(2). */
static int flight_recorder_find(const FlightRecorder *recorder, FlightCopy *ret_copy) {
        unsigned char data[FLIGHT_RECORD_BYTES];
        size_t size = 0;

        while (size < sizeof(data)) {
                ssize_t n = pread(recorder->fd, data + size, sizeof(data) - size, (off_t) size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
        }
        return flight_copy_find(data, size, ret_copy);
}

static int flight_file_write(int fd, const void *data, size_t size, off_t offset) {
        ssize_t n;

        do
                n = pwrite(fd, data, size, offset);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return (size_t) n == size ? 0 : -EIO;
}

/* Gives the file its size, and the disk's blocks for it. Not posix_fallocate(3): where the file system
 * has no such call, that reads and writes every block.
 *
 * size_bytes: of the file now. */
static int flight_file_reserve(int fd, off_t size_bytes) {
        static const char zeros[FLIGHT_RECORD_BYTES];
        int r;

        if (size_bytes >= (off_t) FLIGHT_RECORD_BYTES)
                return 0; /* untouched, so that its time remains that of the last write */
        do
                r = fallocate(fd, /* mode= */ 0, /* offset= */ 0, FLIGHT_RECORD_BYTES);
        while (r < 0 && errno == EINTR);
        if (r == 0)
                return 0;
        if (errno != EOPNOTSUPP && errno != ENOSYS)
                return -errno;
        return flight_file_write(fd, zeros, FLIGHT_RECORD_BYTES - (size_t) size_bytes, size_bytes);
}

/* Never waits, and follows nothing. Returns: fd of a regular file; negative errno. */
static int flight_file_open(int state_fd, struct stat *ret_status) {
        _cleanup_close_ int fd = openat(state_fd, FLIGHT_RECORD_FILE,
                O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno == EISDIR || errno == ENXIO || errno == ENODEV ? -EBADFD : -errno;
        if (fstat(fd, ret_status) < 0)
                return -errno;
        if (!S_ISREG(ret_status->st_mode))
                return -EBADFD;
        /* In spite of the umask. Of somebody else's file the mode stays what it is. */
        if ((ret_status->st_mode & 07777) != 0600)
                (void) !fchmod(fd, 0600);
        return TAKE_FD(fd);
}

int flight_recorder_open(int state_fd, FlightRecorder **ret_recorder) {
        struct stat status;
        FlightCopy copy;

        assert(ret_recorder);

        _cleanup_close_ int fd = flight_file_open(state_fd, &status);
        if (fd < 0)
                return fd;
        if (fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET }) < 0)
                return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
        /* Anew: whoever had the lock may have written since. */
        if (fstat(fd, &status) < 0)
                return -errno;
        int r = flight_file_reserve(fd, status.st_size);
        if (r < 0)
                return r;

        FlightRecorder *recorder = calloc(1, sizeof(*recorder));
        if (!recorder)
                return -ENOMEM;
        recorder->fd = TAKE_FD(fd);
        recorder->last_write_realtime_usec = status.st_mtim.tv_sec < 0
                ? 0
                : (usec_t) status.st_mtim.tv_sec * USEC_PER_SEC +
                        (usec_t) status.st_mtim.tv_nsec / 1000;
        if (flight_recorder_find(recorder, &copy) == 0)
                recorder->number = copy.number;
        *ret_recorder = recorder;
        return 0;
}

FlightRecorder *flight_recorder_free(FlightRecorder *recorder) {
        if (!recorder)
                return NULL;

        (void) fd_close(recorder->fd);
        free(recorder);
        return NULL;
}

int flight_recorder_read(FlightRecorder *recorder, FlightRecord *ret_record) {
        FlightCopy copy;

        assert(recorder);
        assert(ret_record);

        int r = flight_recorder_find(recorder, &copy);
        if (r < 0)
                return r;
        *ret_record = copy.record;
        return 0;
}

int flight_recorder_write(FlightRecorder *recorder, const FlightRecord *record) {
        char file[FLIGHT_RECORD_BYTES] = {};
        FlightCopy copy;
        int r;

        assert(recorder);
        assert(record);

        flight_copy_init(&copy, record, recorder->number + 1);
        size_t place = copy.number % FLIGHT_COPIES;
        if (recorder->number == 0) {
                /* What stands there is of nobody, or of another version, which must not find it again
                 * later. */
                memcpy(file + place * FLIGHT_COPY_BYTES, &copy, sizeof(copy));
                r = flight_file_write(recorder->fd, file, sizeof(file), 0);
        } else
                r = flight_file_write(
                        recorder->fd, &copy, sizeof(copy), (off_t) (place * FLIGHT_COPY_BYTES));
        /* After a failure the same place is tried again: the other one holds the last whole copy. */
        if (r == 0)
                recorder->number = copy.number;
        return r;
}

usec_t flight_recorder_last_write(const FlightRecorder *recorder) {
        return recorder->last_write_realtime_usec;
}

int flight_recorder_fd(const FlightRecorder *recorder) {
        return recorder->fd;
}
