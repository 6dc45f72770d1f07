/* SPDX-License-Identifier: MIT */
#pragma once

/* How the journal is asked for a story: what story-own.c (the run's own records) and story-journal.c (everybody
 * else's) share. */

#include "story-internal.h"

#define STORY_AROUND    ((int64_t) USEC_PER_MINUTE) /* around the stop, that others are listened to */
#define STORY_TERMS_MAX 8
#define STORY_TERM_MAX  (UNIT_NAME_MAX + 64)

/* Who asks: what is known of the run, and where the answers go. */
typedef struct StoryReader {
        JournalQuery *query;  /* weak */
        const PastStop *stop; /* weak */
        StoryFound *found;    /* weak */
        JournalEntry entry;   /* the one that is being looked at */
        pid_t supervisor_pid, gateway_pid;
        bool has_began, has_signal, has_cut, is_oom_ours;
        bool is_timed; /* the last record came when the run was over, not from the next one */
        StoryOrigin began, signal;
        int64_t began_usec, last_usec; /* of the run, from the origin */
        usec_t since_usec, until_usec; /* realtime, around the stop */
        size_t n_left;                 /* how many more are wanted */
} StoryReader;

typedef struct StoryTerms {
        char texts[STORY_TERMS_MAX][STORY_TERM_MAX];
        const char *list[STORY_TERMS_MAX + 1];
        size_t n;
} StoryTerms;

void story_terms_add(StoryTerms *terms, const char *format, ...) _printf_(2, 3);
void story_terms_add_id(StoryTerms *terms, const char *field, sd_id128_t id);

/* Looks at reader->entry. Returns: > 0: that is all; 0: go on; -ENOMEM. */
typedef int (*StoryTake)(StoryReader *reader);

typedef enum StoryBounds {
        STORY_ANY_TIME,
        STORY_THIS_BOOT,   /* the origin's */
        STORY_AROUND_STOP, /* likewise, and from since_usec to until_usec */
} StoryBounds;

/* Asks, and has each entry of the answer taken. Returns: 0; -ENOMEM. */
int story_reader_ask(StoryReader *reader, const StoryTerms *terms, JournalDirection direction,
        StoryBounds bounds, StoryTake take) _warn_unused_;

/* Where reader->entry lies. */
int64_t story_reader_at(const StoryReader *reader);

/* Learns the supervisor's process, the beginning of the run, and the origin.
 * Returns: 0; -ENOMEM. */
int story_reader_find_begin(StoryReader *reader) _warn_unused_;
/* Adds the run's own records; learns the end of the stop, and since_usec and until_usec.
 * Returns: 0; -ENOMEM. */
int story_reader_read_own(StoryReader *reader) _warn_unused_;
