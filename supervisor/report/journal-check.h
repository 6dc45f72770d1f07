/* SPDX-License-Identifier: MIT */
#pragma once

/* What of a journal libsystemd has left out: it opens what it can and does not tell of the rest. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include "cleanup.h"

typedef struct JournalScope {
        sd_id128_t machine_id; /* directories of this machine alone; null: of any */
        const char *namespace; /* NULL: the default one; "*": all */
        bool has_default;      /* the default one as well */
} JournalScope;

typedef struct JournalCheck {
        size_t n_directories; /* of the scope */
        size_t n_files;       /* that may be read */
        uint64_t usage_bytes; /* theirs, as sd_journal_get_usage(3) counts */
        size_t n_empty;       /* that have no block on the disk */
        size_t n_denied;
        char denied[PATH_MAX]; /* the first of them */
        size_t n_damaged;
        char damaged[PATH_MAX];
        int damage; /* what is wrong with that: negative errno of sd_journal_open_files(3) */
} JournalCheck;

/* Looks at the files in a directory and in those below it that are named after machines; adds to check. What is not
 * there counts for nothing.
 * is_thorough: opens each, which is what tells that one is damaged. */
void journal_check_directory(
        JournalCheck *check, const char *path, const JournalScope *scope, bool is_thorough);

/* Likewise one file. Returns: 0; what is wrong with it. */
int journal_check_file(JournalCheck *check, const char *path);

/* "is truncated", … */
const char *journal_damage_to_string(int error);
