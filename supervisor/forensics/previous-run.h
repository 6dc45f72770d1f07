/* SPDX-License-Identifier: MIT */
#pragma once

/* The run before, as its flight record tells: how it ended, and, when it could not say so itself, the last
 * record that it owes. */

#include <stdbool.h>

#include <systemd/sd-id128.h>

#include "forensics/flight-recorder.h"
#include "forensics/oom-evidence.h"
#include "record.h"
#include "usec.h"

typedef enum PreviousEnd {
        PREVIOUS_NONE, /* there was none, or nothing is known of it */
        PREVIOUS_CLEAN,
        PREVIOUS_ESCALATED,
        PREVIOUS_KILLED,
        PREVIOUS_EXITED,
        PREVIOUS_FAILED,
        PREVIOUS_CRASHED,
        PREVIOUS_LOST,   /* its supervisor was killed */
        PREVIOUS_REBOOT, /* the machine went down under it */
        _PREVIOUS_END_MAX,
        _PREVIOUS_END_INVALID = -EINVAL,
} PreviousEnd;

/* The value of GATEWATCH_PREVIOUS. */
const char *previous_end_to_string(PreviousEnd end);
PreviousEnd previous_end_from_string(const char *name);

typedef struct PreviousRun {
        PreviousEnd end;
        bool is_open; /* its `stopped` record has not been written */
        bool is_other_boot;
        usec_t elapsed_usec; /* from the stop's beginning, or without one from the start, to now or, for
                              * another boot, to what its file was last written at; 0: not known */
        FlightRecord flight;
} PreviousRun;

/* Judges a flight record. Pure.
 * flight: NULL: none. last_write_realtime_usec: the file's mtime. */
void previous_run_judge(const FlightRecord *flight, sd_id128_t boot_id, usec_t now_usec,
        usec_t last_write_realtime_usec, PreviousRun *ret_previous);

/* Reads and judges, as of now.
 * Returns: 0; -EBADMSG: what stands there cannot be believed (end is NONE), as with the errno of
 * pread(2). */
int previous_run_read(FlightRecorder *recorder, PreviousRun *ret_previous) _warn_unused_;

/* What systemd says to ExecStopPost=; members NULL when not known. */
typedef struct ServiceResult {
        const char *result;      /* $SERVICE_RESULT */
        const char *exit_code;   /* $EXIT_CODE */
        const char *exit_status; /* $EXIT_STATUS */
        OomCounters oom;         /* of the unit's group, all zero: nothing known */
} ServiceResult;

/* The `stopped` record that an open run owes (outcome `lost`; or, when the run had come to its end and only
 * its record is missing, that end). recorded_by: "post", "next-run".
 * service: NULL: not known.
 * Returns: the record; NULL: out of memory, or the run is not open. */
Record *previous_run_stopped_record(const PreviousRun *previous, const char *recorded_by,
        const ServiceResult *service) _warn_unused_;

/* The `previous` record. Returns: NULL: out of memory. */
Record *previous_run_record(const PreviousRun *previous) _warn_unused_;

/* Where an owed record goes, as record_sink_new() takes it. */
typedef struct PreviousRunSink {
        LogTarget log_target;
        int log_level;
        int console_fd;
} PreviousRunSink;

/* Sends the `stopped` record under the name, run id and pid of the run that owes it; nothing when none
 * is owed. Does not wait; what the journal does not take at once goes to the console.
 * Returns: 0; -ENOMEM; -EIO: it could not be delivered. */
int previous_run_send(const PreviousRun *previous, const char *recorded_by,
        const ServiceResult *service, const PreviousRunSink *where) _warn_unused_;

/* Marks it as recorded, in the file (and a lost one as lost, which a later reboot must not turn into
 * something else). Returns: as flight_recorder_write(). */
int previous_run_close(
        FlightRecorder *recorder, PreviousRun *previous, const char *recorded_by) _warn_unused_;
