/* SPDX-License-Identifier: MIT */
#pragma once

/* Markers by which a gateway, or whoever replaces it, says beforehand that a stop is meant:
 * `.gateway-takeover.json` and `.gateway-planned-stop.json`. Both are read, the second can be written.
 * JSON, read as JSON; what cannot be read, is malformed, or is too old counts as absent. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"
#include "usec.h"

#define MARKER_TAKEOVER      ".gateway-takeover.json"
#define MARKER_PLANNED_STOP  ".gateway-planned-stop.json"
#define STOP_MARKER_AGE_USEC (60 * USEC_PER_SEC)
#define STOP_MARKER_TEXT_MAX 301 /* of its content, as the seed records it */

/* Whom a marker is for. */
typedef enum StopMarkerPresence {
        STOP_MARKER_ABSENT, /* none, or one that does not count */
        STOP_MARKER_SELF,   /* target_pid is the gateway or the supervisor */
        STOP_MARKER_OTHER,
        _STOP_MARKER_PRESENCE_MAX,
        _STOP_MARKER_PRESENCE_INVALID = -EINVAL,
} StopMarkerPresence;

const char *stop_marker_presence_to_string(
        StopMarkerPresence presence); /* "absent", "self", "other" */

typedef struct StopMarkerTarget {
        pid_t pid;
        uint64_t start_ticks; /* 0: not known, then a marker's start time is not compared */
} StopMarkerTarget;

/* Parses a marker's content: one JSON object with target_pid (an integer), optional
 * target_start_time (field 22 of stat), written_at (ISO 8601 with an offset, or seconds since the
 * epoch), replacer_pid or stopper_pid. For us when target_pid and, if given, the start time are those
 * of one of the targets. Missing and null are the same.
 *
 * modified_at_realtime_usec: stands in for a written_at that is missing.
 * Returns: SELF or OTHER; ABSENT: older than STOP_MARKER_AGE_USEC, or from more than that in the
 * future; -EBADMSG: not such JSON; -ENOMEM. */
int stop_marker_parse(const char *text, size_t size, usec_t modified_at_realtime_usec,
        usec_t now_realtime_usec, const StopMarkerTarget targets[], size_t n_targets) _warn_unused_;

/* Reads one. Never waits, whatever stands under the name.
 *
 * ret_text: the beginning of the content, mended to valid UTF-8; empty when absent.
 * Returns: as stop_marker_parse(); ABSENT also when there is no file; other errno of
 * file_read_bounded() (-EACCES, -ELOOP, -EBADFD, -EFBIG: to be recorded, and taken for absent). */
int stop_marker_read(int dir_fd, const char *name, usec_t now_realtime_usec,
        const StopMarkerTarget targets[], size_t n_targets,
        char ret_text[static STOP_MARKER_TEXT_MAX]) _warn_unused_;

/* Writes the planned-stop marker for the gateway: target_pid, target_start_time (null when it is not
 * known), stopper_pid, written_at (ISO 8601 with an offset).
 * Returns: 0; negative errno of file_write_atomic(). */
int planned_stop_write(int dir_fd, const StopMarkerTarget *gateway, pid_t stopper_pid,
        usec_t now_realtime_usec) _warn_unused_;
