/* SPDX-License-Identifier: MIT */

/* The console: the standard error that the supervisor was started with, and that the gateway has
 * too.
 *
 * It must not be waited for, since whoever reads it may have stopped. O_NONBLOCK would do, but it
 * belongs to the open file, not to the descriptor, so that the gateway's own writes would begin to
 * fail. Therefore:
 *
 *   file      is written as it is: a disk answers
 *   socket    MSG_DONTWAIT, for this one call
 *   pipe,     opened anew through /proc/self/fd with O_NONBLOCK: an open file of our own. poll(2)
 *   terminal  alone is not enough for those: it promises room for something, not for the line
 *   neither   (another user's pipe, no /proc): pieces of PIPE_BUF, each after poll(2) saw room
 *
 * A line is one write(2), but for that last case. When a part of a line went out, the next one
 * begins on a line of its own. Nothing is kept for later: what does not fit is lost, and the caller
 * counts it.
 *
 * Source: pipe(7), "PIPE_BUF"; open(2), "File descriptions". */

#include "record-console.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

void record_console_init(RecordConsole *console, int fd) {
        *console = (RecordConsole){ .fd = fd, .own_fd = -EBADF };
}

void record_console_done(RecordConsole *console) {
        console->own_fd = fd_close(console->own_fd);
        console->kind = RECORD_CONSOLE_UNKNOWN;
}

static RecordConsoleKind record_console_look(RecordConsole *console) {
        char path[sizeof("/proc/self/fd/") + 16];
        struct stat status;

        if (console->fd < 0 || fstat(console->fd, &status) < 0)
                return RECORD_CONSOLE_NONE;
        if (S_ISSOCK(status.st_mode))
                return RECORD_CONSOLE_SOCKET;
        if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
                return RECORD_CONSOLE_FILE;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", console->fd);
        console->own_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return console->own_fd >= 0 ? RECORD_CONSOLE_OWN : RECORD_CONSOLE_SHARED;
}

/* Asked before every write to a pipe also because a write that nobody reads raises SIGPIPE. */
static int poll_writable(int fd) {
        struct pollfd poller = { .fd = fd, .events = POLLOUT };
        int r = poll(&poller, 1, /* timeout= */ 0);

        if (r < 0)
                return -errno;
        if (poller.revents & POLLNVAL)
                return -EBADF;
        if (poller.revents & (POLLERR | POLLHUP))
                return -EPIPE;
        return poller.revents & POLLOUT ? 0 : -EAGAIN;
}

/* Returns: bytes written, possibly fewer; negative errno. */
static ssize_t record_console_put(RecordConsole *console, const char *text, size_t size_bytes) {
        int fd = console->kind == RECORD_CONSOLE_OWN ? console->own_fd : console->fd;
        ssize_t n_written;
        int r;

        if (console->kind == RECORD_CONSOLE_OWN || console->kind == RECORD_CONSOLE_SHARED) {
                r = poll_writable(fd);
                if (r < 0)
                        return r;
        }
        if (console->kind == RECORD_CONSOLE_SHARED && size_bytes > PIPE_BUF)
                size_bytes = PIPE_BUF;

        do {
                if (console->kind == RECORD_CONSOLE_SOCKET)
                        n_written = send(fd, text, size_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
                else
                        n_written = write(fd, text, size_bytes);
        } while (n_written < 0 && errno == EINTR);
        return n_written < 0 ? -errno : n_written;
}

int record_console_write(RecordConsole *console, const char *line, size_t size_bytes) {
        if (console->kind == RECORD_CONSOLE_UNKNOWN)
                console->kind = record_console_look(console);
        if (console->kind == RECORD_CONSOLE_NONE)
                return -EBADF;

        if (console->is_torn) {
                ssize_t n_written = record_console_put(console, "\n", 1);

                if (n_written < 0)
                        return (int) n_written;
                console->is_torn = false;
        }

        for (size_t done_bytes = 0; done_bytes < size_bytes;) {
                ssize_t n_written =
                        record_console_put(console, line + done_bytes, size_bytes - done_bytes);

                if (n_written <= 0) {
                        console->is_torn = done_bytes > 0;
                        return n_written < 0 ? (int) n_written : -EAGAIN;
                }
                done_bytes += (size_t) n_written;
        }
        return 0;
}
