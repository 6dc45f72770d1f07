/* SPDX-License-Identifier: MIT */

/* The journal's native socket, without waiting.
 *
 * sd_journal_sendv(3) sends on a blocking datagram socket that libsystemd keeps to itself. When
 * journald is stopped, or too slow, its receive queue (net.unix.max_dgram_qlen datagrams) fills up
 * and the call does not return before somebody reads. Two things keep us out of that:
 *
 *   the probe     a second socket of our own, connected to the same path. poll(2) on it tells
 *                 whether the receive queue has room, now and later, from an event loop.
 *   O_NONBLOCK    on libsystemd's socket, for what the probe cannot see: the last place in the
 *                 queue taken by another sender meanwhile, or our own send buffer being full.
 *
 * libsystemd does not tell which descriptor its socket is. It opens it at the first call, so it is
 * one of the lowest descriptors that were free before. That first call is made with so many fields
 * that sendmsg(2) refuses them (UIO_MAXIOV) and so does writev(2) to the memfd that libsystemd then
 * tries: the socket is open, nothing was sent, nothing could wait. If the socket is not found then
 * (somebody in the process had used it before), the probe alone has to do.
 *
 * sd_journal_sendv() also says 0 when there is no socket at the path. So before each record the
 * path is looked at, and compared with what the probe is connected to.
 *
 * Nothing is queued here, and no timer runs: both are the sink's.
 * Source: sd_journal_sendv(3); unix(7); systemd 252, src/libsystemd/sd-journal/journal-send.c. */

#define SD_JOURNAL_SUPPRESS_LOCATION /* a record's place in this source helps nobody */

#include "record-journal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <systemd/sd-journal.h>

#define HEAD_FIELDS    6   /* MESSAGE, PRIORITY, MESSAGE_ID, SYSLOG_IDENTIFIER, event, incomplete */
#define STAMP_FIELDS   2   /* pid, uptime */
#define REFUSED_FIELDS 513 /* libsystemd makes two parts of each: more than UIO_MAXIOV, 1024 */
#define CANDIDATES     8   /* free descriptors that are watched for libsystemd's socket */

const RecordJournalPort record_journal_port = {
        .socket_path = "/run/systemd/journal/socket",
        .send = sd_journal_sendv,
};

void record_journal_init(RecordJournal *journal, const RecordJournalPort *port) {
        *journal = (RecordJournal){ .port = port, .probe_fd = -EBADF };
}

void record_journal_done(RecordJournal *journal) {
        journal->probe_fd = fd_close(journal->probe_fd);
}

bool record_journal_is_there(const RecordJournal *journal) {
        struct stat status;

        return stat(journal->port->socket_path, &status) == 0 && S_ISSOCK(status.st_mode);
}

int record_journal_fd(const RecordJournal *journal) {
        return journal->probe_fd;
}

bool record_journal_error_passes(int error) {
        return error == -EAGAIN || error == -ENOBUFS || error == -ECONNREFUSED || error == -ENOENT;
}

/* ---- The probe ------------------------------------------------------------------------------- */

static int record_journal_connect(RecordJournal *journal, const struct stat *status) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;

        if (strlen(journal->port->socket_path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        (void) stpcpy(address.sun_path, journal->port->socket_path);

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;

        journal->probe_fd = TAKE_FD(fd);
        journal->socket_dev = status->st_dev;
        journal->socket_ino = status->st_ino;
        journal->was_connected = true;
        return 0;
}

/* Returns: 0: the journal would take a datagram now; see record_journal_send(). */
static int record_journal_probe(RecordJournal *journal) {
        struct stat status;
        int r;

        if (stat(journal->port->socket_path, &status) < 0) {
                r = -errno;
                journal->probe_fd = fd_close(journal->probe_fd);
                return r == -ENOENT && !journal->was_connected ? -ENOTCONN : r;
        }

        if (status.st_dev != journal->socket_dev || status.st_ino != journal->socket_ino)
                journal->probe_fd = fd_close(journal->probe_fd);
        if (journal->probe_fd < 0) {
                r = record_journal_connect(journal, &status);
                if (r < 0)
                        return r;
        }

        struct pollfd poller = { .fd = journal->probe_fd, .events = POLLOUT };
        r = poll(&poller, 1, /* timeout= */ 0);
        if (r < 0)
                return -errno;
        return r == 0 ? -EAGAIN : 0;
}

/* ---- libsystemd's socket --------------------------------------------------------------------- */

/* A datagram socket of AF_UNIX that has neither a name nor a peer. */
static bool fd_is_unbound_datagram(int fd) {
        struct sockaddr_un address;
        socklen_t address_bytes = sizeof(address), value_bytes = sizeof(int);
        int type;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &value_bytes) < 0 || type != SOCK_DGRAM)
                return false;
        if (getsockname(fd, (struct sockaddr *) &address, &address_bytes) < 0 ||
                address.sun_family != AF_UNIX || address_bytes != sizeof(sa_family_t))
                return false;

        address_bytes = sizeof(address);
        return getpeername(fd, (struct sockaddr *) &address, &address_bytes) < 0 &&
                errno == ENOTCONN;
}

static bool fd_is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

/* Makes the port open its socket. What it sends if all this should not fail in a later libsystemd
 * has no MESSAGE, and is not shown. */
static void record_journal_open_sender(const RecordJournal *journal) {
        static const char field[] = "SYSLOG_IDENTIFIER=gatewatch";
        struct iovec fields[REFUSED_FIELDS];

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                fields[i] = (struct iovec){ (void *) field, strlen(field) };
        (void) journal->port->send(fields, ELEMENTSOF(fields));
}

static void record_journal_prepare(RecordJournal *journal) {
        bool was_open[CANDIDATES];
        int lowest;

        journal->is_prepared = true;
        lowest = fcntl(journal->probe_fd, F_DUPFD_CLOEXEC, 3);
        if (lowest < 0)
                return;
        (void) close(lowest);

        for (int i = 0; i < CANDIDATES; i++)
                was_open[i] = fd_is_open(lowest + i);
        record_journal_open_sender(journal);

        for (int i = 0; i < CANDIDATES; i++) {
                int flags;

                if (was_open[i] || !fd_is_unbound_datagram(lowest + i))
                        continue;
                flags = fcntl(lowest + i, F_GETFL);
                if (flags >= 0)
                        (void) fcntl(lowest + i, F_SETFL, flags | O_NONBLOCK);
        }
}

/* ---- Sending --------------------------------------------------------------------------------- */

typedef struct FieldVector {
        struct iovec fields[HEAD_FIELDS + STAMP_FIELDS + 2 * RECORD_FIELDS_MAX];
        int n_fields;
} FieldVector;

static void field_vector_add(FieldVector *vector, const char *field, size_t size_bytes) {
        assert((size_t) vector->n_fields < ELEMENTSOF(vector->fields));

        vector->fields[vector->n_fields++] = (struct iovec){ (void *) field, size_bytes };
}

static void field_vector_add_text(FieldVector *vector, const char *field) {
        field_vector_add(vector, field, strlen(field));
}

static void field_vector_add_record(FieldVector *vector, const Record *record) {
        for (size_t i = 0; i < record_n_fields(record); i++) {
                size_t size_bytes;
                const char *field = record_get_field(record, i, &size_bytes);

                field_vector_add(vector, field, size_bytes);
        }
}

static int record_journal_put(const RecordJournal *journal, const Record *record, const Record *run,
        const RecordStamp *stamp) {
        const RecordEventInfo *info = record_event_info(record_get_event(record));
        char priority[32], message_id[64], event[64], pid[40], uptime[64];
        FieldVector vector = { .n_fields = 0 };

        (void) snprintf(priority, sizeof(priority), "PRIORITY=%d", record_get_priority(record));
        (void) snprintf(message_id, sizeof(message_id), "MESSAGE_ID=%s", info->message_id);
        (void) snprintf(event, sizeof(event), RECORD_FIELD_PREFIX "EVENT=%s", info->name);
        (void) snprintf(pid, sizeof(pid), RECORD_FIELD_PREFIX "PID=%d", (int) stamp->pid);
        (void) snprintf(uptime, sizeof(uptime), RECORD_FIELD_PREFIX "UPTIME_USEC=%" USEC_FMT,
                stamp->uptime_usec);

        field_vector_add_text(&vector, record_get_message_field(record));
        field_vector_add_text(&vector, priority);
        field_vector_add_text(&vector, message_id);
        field_vector_add_text(&vector, "SYSLOG_IDENTIFIER=gatewatch");
        field_vector_add_text(&vector, event);
        if (run)
                field_vector_add_record(&vector, run);
        if (stamp->pid > 0)
                field_vector_add_text(&vector, pid);
        field_vector_add_text(&vector, uptime);
        field_vector_add_record(&vector, record);
        if (record_is_incomplete(record))
                field_vector_add_text(&vector, RECORD_FIELD_PREFIX "INCOMPLETE=yes");

        return journal->port->send(vector.fields, vector.n_fields);
}

int record_journal_send(
        RecordJournal *journal, const Record *record, const Record *run, const RecordStamp *stamp) {
        int r = record_journal_probe(journal);

        if (r < 0)
                return r;
        if (!journal->is_prepared)
                record_journal_prepare(journal);

        r = record_journal_put(journal, record, run, stamp);
        if (r == -ECONNREFUSED)
                journal->probe_fd = fd_close(journal->probe_fd);
        /* The probe has just seen room: polling it again would return at once, again and again. */
        return r == -EAGAIN ? -ENOBUFS : r;
}
