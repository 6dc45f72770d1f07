/* SPDX-License-Identifier: MIT */
#pragma once

/* The flight record: a small file of fixed size that says at every instant how far a run has come, so that
 * the next one, or `gatewatch post`, can tell the end of a run whose supervisor was killed.
 *
 * Two copies, each with a number and a checksum, are written in turn: whoever is killed in the middle of
 * one leaves the other. Written with pwrite(2), which the page cache keeps whatever becomes of us; not
 * through a mapping, because a file that somebody truncates would then kill the supervisor with SIGBUS.
 *
 * The run that writes it holds a lock, which the kernel takes away when it dies: the process's own kind
 * (F_SETLK of fcntl(2)), because a child that has just been forked must not hold it for us. The price:
 * whoever opens and closes the file in this process a second time gives the lock away. */

#include "cleanup.h"
#include "flight-record.h"
#include "usec.h"

typedef struct FlightRecorder FlightRecorder;

/* Opens the file for a run or for `post`, makes it (0600) if need be, and takes the lock.
 *
 * state_fd: the state directory; the file's own descriptor is close-on-exec.
 * Returns: 0; -EBUSY: another run holds it; -ELOOP, -EBADFD: no regular file stands there; negative
 * errno of openat(2), fcntl(2), fallocate(2) (-ENOSPC, …): there is no flight record then. */
int flight_recorder_open(int state_fd, FlightRecorder **ret_recorder) _warn_unused_;

/* Gives the lock back. Returns: NULL. */
FlightRecorder *flight_recorder_free(FlightRecorder *recorder);
DEFINE_POINTER_CLEANUP(FlightRecorder, flight_recorder_free)

/* What the file says now: of the run before, until something is written.
 * Returns: as flight_record_parse(); negative errno of pread(2). */
int flight_recorder_read(FlightRecorder *recorder, FlightRecord *ret_record) _warn_unused_;

/* Writes the next copy. Two system calls at most, no waiting for the disk.
 * Returns: 0; negative errno of pwrite(2); -EIO: written in part. */
int flight_recorder_write(FlightRecorder *recorder, const FlightRecord *record) _warn_unused_;

/* When the file had last been written to before it was opened here, CLOCK_REALTIME. */
usec_t flight_recorder_last_write(const FlightRecorder *recorder);

/* For fsync(2) off the path. Owned by the recorder. */
int flight_recorder_fd(const FlightRecorder *recorder);
