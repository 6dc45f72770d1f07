/* SPDX-License-Identifier: MIT */
#pragma once

/* Lines to an inherited descriptor that may be a file, a pipe, a terminal, a socket, or closed:
 * never waits, and never changes what others who share the descriptor see. */

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

typedef enum RecordConsoleKind {
        RECORD_CONSOLE_UNKNOWN, /* nothing was written yet */
        RECORD_CONSOLE_FILE,
        RECORD_CONSOLE_SOCKET,
        RECORD_CONSOLE_OWN,    /* a pipe or terminal, opened anew without waiting */
        RECORD_CONSOLE_SHARED, /* one that could not be opened anew */
        RECORD_CONSOLE_NONE,
        _RECORD_CONSOLE_KIND_MAX,
        _RECORD_CONSOLE_KIND_INVALID = -EINVAL,
} RecordConsoleKind;

typedef struct RecordConsole {
        int fd;     /* not owned */
        int own_fd; /* of RECORD_CONSOLE_OWN */
        RecordConsoleKind kind;
        bool is_torn; /* the last line went out in part */
} RecordConsole;

/* fd: may be invalid. Opens nothing before the first line. */
void record_console_init(RecordConsole *console, int fd);
void record_console_done(RecordConsole *console);

/* line: ends in a newline.
 *
 * Returns: 0; -EAGAIN: it takes nothing now, or took a part; -EBADF: there is no console; -EPIPE:
 * nobody reads it; another negative errno of write(2). */
int record_console_write(RecordConsole *console, const char *line, size_t size_bytes) _warn_unused_;
