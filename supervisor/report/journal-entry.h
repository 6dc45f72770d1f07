/* SPDX-License-Identifier: MIT */
#pragma once

/* One entry of a journal, copied out of it: its times and its fields. Whatever a writer has put there is
 * taken as it is, and cleaned where it is shown. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-id128.h>

#include "byte-buffer.h"
#include "cleanup.h"
#include "usec.h"

#define JOURNAL_ENTRY_FIELDS_MAX  256           /* what comes behind these is not looked at */
#define JOURNAL_ENTRY_VALUE_BYTES (64U * 1024U) /* longer values are cut */

typedef struct JournalEntry {
        usec_t realtime_usec;  /* when it came to the journal of its machine */
        usec_t monotonic_usec; /* the same, CLOCK_MONOTONIC of boot_id */
        sd_id128_t boot_id;

        ByteBuffer text;                          /* "NAME\0value\0" */
        size_t offsets[JOURNAL_ENTRY_FIELDS_MAX]; /* of NAME */
        size_t n_fields;
} JournalEntry;

/* Embedded; {} is an empty one. Forgets times and fields, keeps the memory. */
void journal_entry_reset(JournalEntry *entry);
void journal_entry_done(JournalEntry *entry);

/* Takes a field as sd_journal_enumerate_available_data(3) gives it, "NAME=value". A NUL in the value becomes
 * U+FFFD; what has no "=" is passed over. Of two fields of one name the first counts.
 * Returns: 0; -ENOMEM. */
int journal_entry_add(JournalEntry *entry, const void *data, size_t size) _warn_unused_;

/* Returns: the value, valid until the entry changes; NULL: it has no such field. */
const char *journal_entry_get(const JournalEntry *entry, const char *name);

/* Typed readers, of decimal numbers, "yes" and "no", 32 hex digits. Strict: anything else, or nothing, is a
 * value that is not known. ret_value is written only on success.
 * Returns: whether it is there and is one. */
bool journal_entry_get_unsigned(const JournalEntry *entry, const char *name, uint64_t *ret_value);
bool journal_entry_get_usec(
        const JournalEntry *entry, const char *name, usec_t *ret_usec); /* "infinity" too */
bool journal_entry_get_bool(const JournalEntry *entry, const char *name, bool *ret_value);
bool journal_entry_get_id(const JournalEntry *entry, const char *name, sd_id128_t *ret_id);
