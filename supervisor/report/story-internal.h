/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of a stop's story share: items in the making, and the instant that they count from. */

#include "stop-story.h"

#define STORY_TEXT_MAX_BYTES 4096U              /* a text is cut behind it */
#define STORY_SLACK_USEC     (USEC_PER_SEC / 2) /* how late a record may come to the journal */

/* The beginning of the stop. */
typedef struct StoryOrigin {
        usec_t realtime_usec, monotonic_usec;
        sd_id128_t boot_id;
} StoryOrigin;

/* How far an entry lies from it: by the monotonic clock within its boot, whatever is done to the other one. */
int64_t story_origin_offset(const StoryOrigin *origin, const JournalEntry *entry);

/* An item in the making. */
typedef struct StoryDraft {
        StoryItem item;
        int64_t at_usec;   /* when its record came */
        size_t number;     /* in which it was read */
        bool is_open_step; /* another record may tell how it ended */
} StoryDraft;

void story_draft_done(StoryDraft *draft);

/* One record of gatewatch.
 * Returns: 1 and a draft; 0: it is no record; -ENOMEM. */
int story_record_read(
        const JournalEntry *entry, int64_t at_usec, StoryDraft *ret_draft) _warn_unused_;

/* An entry of somebody else, with its message as the text. label: taken as it is.
 * Returns: 0; -ENOMEM. */
int story_record_read_foreign(const JournalEntry *entry, int64_t at_usec, StoryKind kind,
        const char *label, StoryDraft *ret_draft) _warn_unused_;

typedef struct StoryDrafts {
        StoryDraft *items;
        size_t n, n_room;
        size_t n_left_out;
} StoryDrafts;

/* Takes the draft over, or leaves it out. Returns: 0; -ENOMEM. */
int story_drafts_add(StoryDrafts *drafts, StoryDraft *draft) _warn_unused_;
/* Turns the order of those from first on: they were read backwards. */
void story_drafts_reverse(StoryDrafts *drafts, size_t first);
void story_drafts_done(StoryDrafts *drafts);

typedef struct StoryFound {
        StoryDrafts drafts;
        StoryOrigin origin;
        int64_t end_usec; /* of the stop, from the origin */
} StoryFound;

/* Everything that the journal has. Returns: 0; -ENOMEM. */
int story_journal_collect(JournalQuery *query, const PastStop *stop, size_t n_log_lines,
        StoryFound *ret_found) _warn_unused_;

/* Makes one bar of the two records of a step, sorts, and measures the axis. Takes the drafts over.
 * Returns: 0; -ENOMEM. */
int story_settle(StoryFound *found, StopStory *ret_story) _warn_unused_;
