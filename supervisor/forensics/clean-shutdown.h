/* SPDX-License-Identifier: MIT */
#pragma once

/* Files in the state directory that outlive a run: `.clean_shutdown`, whose existence says "this
 * stop was asked for", written before any waiting and completed with the outcome. JSON, read as JSON;
 * what cannot be read counts as absent and is reported by its errno. */

#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"
#include "usec.h"

#define MARKER_CLEAN_SHUTDOWN ".clean_shutdown"

typedef struct CleanShutdown {
        sd_id128_t run_id;
        sd_id128_t boot_id;
        pid_t pid;       /* of the gateway */
        char signal[32]; /* "SIGTERM"; empty (null in the file): the gateway itself asked */
        usec_t written_at_realtime_usec;
        char outcome[32]; /* empty (null in the file) until the end */
} CleanShutdown;

/* Writes (or replaces) the marker. state_fd: the state directory.
 * Returns: 0; negative errno of file_write_atomic(); -ENOMEM; -ERANGE: written_at lies beyond the
 * year 9999. */
int clean_shutdown_write(int state_fd, const CleanShutdown *marker) _warn_unused_;

/* Parses a marker's content: one JSON object with run_id, pid, boot_id and written_at (ISO 8601 with
 * an offset), signal and outcome; the last two may be missing or null. Other keys are ignored.
 * text: size bytes, NUL-terminated or not.
 * Returns: 0; -EBADMSG: not that; -ENOMEM. */
int clean_shutdown_parse(const char *text, size_t size, CleanShutdown *ret_marker) _warn_unused_;

/* Returns: 0; -ENOENT: no marker; -EBADMSG: not the JSON it should be; other errno of
 * file_read_bounded(). */
int clean_shutdown_read(int state_fd, CleanShutdown *ret_marker) _warn_unused_;

/* Returns: 0, also when there was none; negative errno of unlinkat(2). */
int clean_shutdown_remove(int state_fd);
