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

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"
#include "usec.h"

#define FLIGHT_RECORD_FILE    "gatewatch.flight"
#define FLIGHT_RECORD_VERSION 1U
#define FLIGHT_RECORD_BYTES   8192U /* the file */
#define FLIGHT_PHASES_MAX     16
#define FLIGHT_NAME_MAX       129
#define FLIGHT_WORD_MAX       64
#define FLIGHT_TEXT_MAX       256

typedef struct FlightPhase {
        char name[FLIGHT_WORD_MAX];
        uint64_t usec;
        uint64_t is_timed_out;
} FlightPhase;

/* Everything that a last record needs. Strings are NUL-terminated, times are CLOCK_REALTIME and
 * CLOCK_BOOTTIME where they say so, else CLOCK_MONOTONIC of boot_id. 0 or empty: not (yet) so. */
typedef struct FlightRecord {
        sd_id128_t run_id;
        sd_id128_t boot_id;
        char name[FLIGHT_NAME_MAX];
        char unit[FLIGHT_TEXT_MAX];
        uint32_t supervisor_pid;
        uint32_t gateway_pid;
        uint64_t started_at_usec;
        uint64_t started_at_realtime_usec;
        uint64_t is_ready;
        uint64_t stop_at_usec; /* when the stop began */
        uint64_t stop_at_realtime_usec;
        char signal[FLIGHT_WORD_MAX]; /* "SIGTERM" */
        uint32_t sender_pid;
        uint32_t sender_uid;
        char sender_code[FLIGHT_WORD_MAX];
        char sender_state[FLIGHT_WORD_MAX];
        char sender_comm[FLIGHT_WORD_MAX];
        char sender_cmdline[FLIGHT_TEXT_MAX];
        char cause[FLIGHT_WORD_MAX];
        char cause_detail[FLIGHT_TEXT_MAX];
        uint32_t requester_pid;
        uint32_t requester_uid;
        char requester_comm[FLIGHT_WORD_MAX];
        char requester_cmdline[FLIGHT_TEXT_MAX];
        char phase[FLIGHT_WORD_MAX]; /* "starting", "running", the ladder's phase, "ended" */
        uint64_t phase_at_usec;
        uint64_t phase_deadline_usec; /* instant; UINT64_MAX: none */
        uint64_t n_phases;
        FlightPhase phases[FLIGHT_PHASES_MAX]; /* that have ended */
        char outcome[FLIGHT_WORD_MAX];         /* at the end */
        char exit_code[FLIGHT_WORD_MAX];       /* "exited", "killed", "dumped" */
        char exit_status[FLIGHT_WORD_MAX];
        char recorded_by[FLIGHT_WORD_MAX]; /* who has written the `stopped` record: "run", "post",
                                            * "next-run"; empty: nobody yet */
} FlightRecord;

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
 * Returns: 0; -ENODATA: nothing was ever written; -EBADMSG: neither copy can be believed (garbage,
 * truncated, another version). Strings of what is returned are terminated and numbers in range. */
int flight_recorder_read(FlightRecorder *recorder, FlightRecord *ret_record) _warn_unused_;

/* Writes the next copy. Two system calls at most, no waiting for the disk.
 * Returns: 0; negative errno of pwrite(2); -EIO: written in part. */
int flight_recorder_write(FlightRecorder *recorder, const FlightRecord *record) _warn_unused_;

/* When the file had last been written to before it was opened here, CLOCK_REALTIME. */
usec_t flight_recorder_last_write(const FlightRecorder *recorder);

/* For fsync(2) off the path. Owned by the recorder. */
int flight_recorder_fd(const FlightRecorder *recorder);

/* Parses a file's content, as flight_recorder_read() does. */
int flight_record_parse(const void *data, size_t size, FlightRecord *ret_record) _warn_unused_;
