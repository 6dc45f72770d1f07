/* SPDX-License-Identifier: MIT */

/* Two copies of one struct in a file, each in a page of its own:
 *
 *   0     FlightCopy with an even number
 *   4096  FlightCopy with an odd number
 *
 * Number n + 1 is written over number n - 1, never over n, so one whole copy is there at any instant; the
 * greater number that can be believed counts. Believed is what has our magic, version and size, a
 * checksum that is right, its number in its own place, and nothing out of range. The layout is the
 * compiler's: the file is read on the machine that wrote it, and another layout is another version.
 *
 * The checksum (FNV-1a) is for torn writes and for garbage, not against forgers: who can write here can
 * write anything.
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
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define FLIGHT_COPY_BYTES  (FLIGHT_RECORD_BYTES / FLIGHT_COPIES)
#define FLIGHT_COPIES      2U
#define FLIGHT_MAGIC       "gwflight"
#define FLIGHT_MAGIC_BYTES (sizeof(FLIGHT_MAGIC) - 1)

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

typedef struct FlightCopy {
        uint64_t checksum; /* of all that follows */
        char magic[FLIGHT_MAGIC_BYTES];
        uint32_t version;
        uint32_t size_bytes; /* of the record */
        uint64_t number;     /* from 1 */
        FlightRecord record;
} FlightCopy;

static_assert(sizeof(FlightCopy) <= FLIGHT_COPY_BYTES, "two copies must fit into the file");
static_assert(sizeof(FlightPhase) == FLIGHT_WORD_MAX + 16, "a phase has no padding");
static_assert(sizeof(FlightRecord) == 3264, "another layout is another FLIGHT_RECORD_VERSION");

struct FlightRecorder {
        int fd;
        uint64_t number; /* of the newest copy; 0: none can be believed */
        usec_t last_write_realtime_usec;
};

/* ---- Copies ---------------------------------------------------------------------------------- */

static uint64_t flight_copy_checksum(const FlightCopy *copy) {
        const unsigned char *byte = (const unsigned char *) copy + sizeof(copy->checksum);
        const unsigned char *end = (const unsigned char *) (copy + 1);
        uint64_t hash = FNV_OFFSET;

        for (; byte < end; byte++)
                hash = (hash ^ *byte) * FNV_PRIME;
        return hash;
}

#define FLIGHT_TERMINATE(text) ((text)[sizeof(text) - 1] = '\0')

static void flight_record_terminate(FlightRecord *record) {
        FLIGHT_TERMINATE(record->name);
        FLIGHT_TERMINATE(record->unit);
        FLIGHT_TERMINATE(record->signal);
        FLIGHT_TERMINATE(record->sender_code);
        FLIGHT_TERMINATE(record->sender_state);
        FLIGHT_TERMINATE(record->sender_comm);
        FLIGHT_TERMINATE(record->sender_cmdline);
        FLIGHT_TERMINATE(record->cause);
        FLIGHT_TERMINATE(record->cause_detail);
        FLIGHT_TERMINATE(record->requester_comm);
        FLIGHT_TERMINATE(record->requester_cmdline);
        FLIGHT_TERMINATE(record->phase);
        FLIGHT_TERMINATE(record->outcome);
        FLIGHT_TERMINATE(record->exit_code);
        FLIGHT_TERMINATE(record->exit_status);
        FLIGHT_TERMINATE(record->recorded_by);
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                FLIGHT_TERMINATE(record->phases[i].name);
}

static bool flight_record_is_in_range(const FlightRecord *record) {
        for (size_t i = 0; i < FLIGHT_PHASES_MAX; i++)
                if (record->phases[i].is_timed_out > 1)
                        return false;
        return record->n_phases <= FLIGHT_PHASES_MAX && record->is_ready <= 1 &&
                record->supervisor_pid <= INT_MAX && record->gateway_pid <= INT_MAX &&
                record->sender_pid <= INT_MAX && record->requester_pid <= INT_MAX;
}

/* place: 0 or 1. */
static bool flight_copy_is_believed(const FlightCopy *copy, size_t place) {
        return memcmp(copy->magic, FLIGHT_MAGIC, FLIGHT_MAGIC_BYTES) == 0 &&
                copy->version == FLIGHT_RECORD_VERSION &&
                copy->size_bytes == sizeof(FlightRecord) && copy->number > 0 &&
                copy->number < UINT64_MAX && copy->number % FLIGHT_COPIES == place &&
                copy->checksum == flight_copy_checksum(copy) &&
                flight_record_is_in_range(&copy->record);
}

static bool flight_data_is_blank(const unsigned char *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (data[i] != 0)
                        return false;
        return true;
}

/* Returns: 0 and the newest copy; -ENODATA, -EBADMSG as flight_record_parse(). */
static int flight_copy_find(const void *data, size_t size, FlightCopy *ret_copy) {
        FlightCopy copy;
        bool has_copy = false;

        for (size_t place = 0; place < FLIGHT_COPIES; place++) {
                if (size < place * FLIGHT_COPY_BYTES + sizeof(copy))
                        break;
                /* The data may be unaligned. */
                memcpy(&copy, (const char *) data + place * FLIGHT_COPY_BYTES, sizeof(copy));
                if (!flight_copy_is_believed(&copy, place) ||
                        (has_copy && copy.number <= ret_copy->number))
                        continue;
                *ret_copy = copy;
                has_copy = true;
        }
        if (!has_copy)
                return flight_data_is_blank(data, size) ? -ENODATA : -EBADMSG;
        flight_record_terminate(&ret_copy->record);
        return 0;
}

int flight_record_parse(const void *data, size_t size, FlightRecord *ret_record) {
        FlightCopy copy;

        assert(data || size == 0);
        assert(ret_record);

        int r = flight_copy_find(data, size, &copy);
        if (r < 0)
                return r;
        *ret_record = copy.record;
        return 0;
}

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
        assert(flight_record_is_in_range(record));

        memset(&copy, 0, sizeof(copy));
        memcpy(copy.magic, FLIGHT_MAGIC, FLIGHT_MAGIC_BYTES);
        copy.version = FLIGHT_RECORD_VERSION;
        copy.size_bytes = sizeof(FlightRecord);
        copy.number = recorder->number + 1;
        memcpy(&copy.record, record, sizeof(copy.record));
        copy.checksum = flight_copy_checksum(&copy);

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
