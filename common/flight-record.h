/* SPDX-License-Identifier: MIT */
#pragma once

/* What a run has written about itself, as it stands in its file: the layout, and what of it is believed. Pure.
 * The supervisor writes it (forensics/flight-recorder), the next run and `list` read it. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"

#define FLIGHT_RECORD_FILE    "gatewatch.flight"
#define FLIGHT_RECORD_VERSION 2U
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

        /* Since version 2: of the gateway itself, as of its last word, of which one a second is noted. */
        uint64_t heartbeat_at_usec;
        uint64_t watchdog_usec; /* the longest time between two heartbeats; 0: none is expected */
        uint64_t is_active_known;
        uint64_t n_active; /* work in flight */
        uint64_t n_steps_open;
        char gateway_phase[FLIGHT_NAME_MAX]; /* that the gateway names */
        char step[FLIGHT_NAME_MAX];          /* the oldest open one */
} FlightRecord;

/* The file has two of these, each in a half of its own: the one with an even number in front. */
typedef struct FlightCopy {
        uint64_t checksum; /* of all that follows */
        char magic[8];
        uint32_t version;
        uint32_t size_bytes; /* of the record */
        uint64_t number;     /* from 1 */
        FlightRecord record;
} FlightCopy;

#define FLIGHT_COPIES     2U
#define FLIGHT_COPY_BYTES (FLIGHT_RECORD_BYTES / FLIGHT_COPIES)

/* Whether numbers are what they can be: what is to be written must. */
bool flight_record_is_in_range(const FlightRecord *record);

/* A copy that is to be written. number: 1 or more. */
void flight_copy_init(FlightCopy *copy, const FlightRecord *record, uint64_t number);

/* The newest copy in a file's content that can be believed. What version 1 did not know is 0 and empty.
 * Returns: 0; -ENODATA: nothing was ever written; -EBADMSG: neither copy can be believed (garbage,
 * truncated, another version). Strings of what is returned are terminated and numbers in range. */
int flight_copy_find(const void *data, size_t size, FlightCopy *ret_copy) _warn_unused_;

/* The same, of the record alone. */
int flight_record_parse(const void *data, size_t size, FlightRecord *ret_record) _warn_unused_;
