/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb `post`: ExecStopPost= writes the last record of a run whose supervisor could not. */

#include <systemd/sd-id128.h>

#include "forensics/previous-run.h"
#include "usec.h"

#define POST_BUSY_TIMEOUT_USEC USEC_PER_SEC

typedef struct PostRequest {
        int state_fd;             /* the state directory; not owned */
        sd_id128_t invocation_id; /* of the unit; null: not known */
        ServiceResult service;    /* of that invocation */
        PreviousRunSink where;
        usec_t busy_timeout_usec; /* how long a supervisor that still holds the file is waited for */
} PostRequest;

/* Looks at the flight record and writes the record that is owed. Sleeps while the file is held.
 *
 * Returns: 1: written, and marked so; 0: nothing is owed, or a run holds the file; -EBADMSG, -EBADFD,
 * -ELOOP: what stands there is no flight record; negative errno of what could not be read or written. */
int post_record(const PostRequest *request) _warn_unused_;

/* argv[0] is the verb's program, argv[1] the verb. Returns: the exit status. */
int post_verb(int argc, char *argv[]);
