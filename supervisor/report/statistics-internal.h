/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of the statistics share: names with what was counted under them, and spans as they are shown. */

#include <json-c/json.h>

#include "statistics.h"

#define NAME_OTHERS    "(others)"
#define NAME_BYTES_MAX 128 /* longer ones are cut */

/* Sorted by name, grown on demand, never beyond STATISTICS_NAMES_MAX. Embedded; {} is an empty one. */
typedef struct NameTable {
        NamedTime *items;
        size_t n, n_allocated;
        NamedTime others;
} NameTable;

/* Counts one more. name: copied, cut to what a table of names can hold.
 * Returns: 0; -ENOMEM. */
int name_table_add(
        NameTable *table, const char *name, usec_t usec, bool is_timed_out) _warn_unused_;
/* Hands the items over, by total time, then count, most first, then by name; those of too many names are the
 * last one. The table is empty afterwards.
 * Returns: 0; -ENOMEM. */
int name_table_finish(NameTable *table, NamedTime **ret_items, size_t *ret_n) _warn_unused_;
void name_table_done(NameTable *table);

void named_times_free(NamedTime *items, size_t n);

/* What the JSON texts of a stop tell. Whatever is not of the form that they are written in is passed over. */
typedef struct TimeReader {
        json_tokener *tokener;
} TimeReader;

/* Returns: 0; -ENOMEM. */
int time_reader_init(TimeReader *reader) _warn_unused_;
void time_reader_done(TimeReader *reader);

/* Adds the phases in text (NULL: none). ret_is_first_cut: 1: the first of them ran into its bound, 0: it did not,
 * -1: not told.
 * Returns: 0; -ENOMEM. */
int time_reader_add_phases(TimeReader *reader, const char *text, NameTable *table,
        int *ret_is_first_cut) _warn_unused_;

/* The longest bound of a step, within a limit. */
typedef struct StepBound {
        usec_t limit_usec;
        usec_t usec; /* 0: none */
        char name[NAME_BYTES_MAX];
} StepBound;

/* Adds the steps in text (NULL: none); bound: raised.
 * Returns: 0; -ENOMEM. */
int time_reader_add_steps(
        TimeReader *reader, const char *text, NameTable *table, StepBound *bound) _warn_unused_;

#define PARTY_CACHE_MAX 32

typedef struct PartyEntry {
        const PastStop *stop; /* weak; one that has it */
        char *name;
} PartyEntry;

/* Embedded; {} is an empty one. */
typedef struct PartyCache {
        PartyEntry entries[PARTY_CACHE_MAX];
        unsigned next; /* to be replaced */
} PartyCache;

/* The requester's or sender's name without a pid, cleaned: "systemctl by alice"; "-": nobody is known. stop: has to
 * outlive the cache. ret_name: weak, until the next call.
 * Returns: 0; -ENOMEM. */
int party_cache_find(PartyCache *cache, const PastStop *stop, const char **ret_name) _warn_unused_;
void party_cache_done(PartyCache *cache);

/* A bound of the histogram. index: below statistics_n_bounds. */
usec_t statistics_bound_usec(size_t index);

/* As it is set: "90s", "2min", so that it needs no quotes where that is possible.
 * Returns: buffer. */
const char *statistics_format_setting(char buffer[static USEC_SPAN_MAX], usec_t usec);

/* As it was measured, in at most 10 columns up to 30 years: "812us", "250ms", "1.5s", "12min 5s", "3h 20min", "9d".
 * Returns: buffer; "-" for infinity. */
const char *statistics_format_seen(char buffer[static USEC_SPAN_MAX], usec_t usec);

/* "95.2%". Returns: buffer; "-": of nothing. */
const char *statistics_format_share(char buffer[static USEC_SPAN_MAX], size_t n, size_t n_all);
