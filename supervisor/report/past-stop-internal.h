/* SPDX-License-Identifier: MIT */
#pragma once

/* Who wrote a record, as the journal itself saw it, and whether that fits what the record says. */

#include "past-stop.h"

typedef struct RecordWriter {
        sd_id128_t machine_id; /* null: not told */
        const char *unit;      /* weak, of the entry; NULL: not told */
        UnitManager manager;   /* NONE: in no service */
        uid_t uid;             /* -1: not told */
        pid_t pid;             /* 0: not told */
        bool is_of_invocation; /* as record_is_of_invocation() has it */
} RecordWriter;

/* ret_writer: its unit is valid until the entry changes. */
void record_writer_read(const JournalEntry *entry, RecordWriter *ret_writer);

/* What the entry alone says. ret_forgery: static; NULL unless forged. */
RecordTrust record_trust_judge(const JournalEntry *entry, const char **ret_forgery);
/* The same of a stop, beside the writer of its run's `started`. */
RecordTrust record_trust_judge_beside(
        const PastStop *stop, const RecordWriter *started, const char **ret_forgery);

/* Whether a stop is vouched for so well that a `started` of somewhere else is no `started` of its run. */
bool record_denies_started(const PastStop *stop, const RecordWriter *started);

/* Of two of equal trust that which came from the run's invocation is believed more. Returns: less is better. */
unsigned record_rank(const PastStop *stop, RecordTrust trust);

/* Whether the run's id is the invocation id that systemd gave to the writer's unit: nobody outside of that
 * invocation can have written it. */
bool record_is_of_invocation(const JournalEntry *entry);
