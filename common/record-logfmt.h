/* SPDX-License-Identifier: MIT */
#pragma once

/* A record as one line of logfmt, as a person reads it on a console. */

#include "record-queue.h"
#include "record.h"

/* run:  the fields NAME and RUN_ID, as a record; NULL: none.
 *
 * Returns: malloc()ed line with its newline; NULL: out of memory. */
char *record_to_logfmt(
        const Record *record, const Record *run, const RecordStamp *stamp) _warn_unused_;
