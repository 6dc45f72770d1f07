/* SPDX-License-Identifier: MIT */
#pragma once

/* Where each item of a story lies in a picture that is so many columns wide. Pure: a story in, positions out. */

#include "stop-story.h"

#define TIMELINE_EIGHTHS    8   /* parts of a column */
#define TIMELINE_ROWS_MAX   100 /* more would be no picture */
#define TIMELINE_TICKS_MAX  32
#define TIMELINE_TICK_MAX   32
#define TIMELINE_TICK_ROOM  10 /* columns that a tick and its label have for themselves, at least */
#define TIMELINE_OFFSET_MAX 64

/* An item's place. */
typedef struct TimelinePlace {
        const StoryItem *item; /* weak */
        unsigned begin,
                end; /* in eighths: a whole column; at least one column more, at most the last */
} TimelinePlace;

/* A span, an instant, or all instants of systemd. */
typedef struct TimelineRow {
        const char *label; /* weak */
        StoryTone tone;    /* the worst of its items */
        bool is_span;
        size_t first, n; /* of places */
} TimelineRow;

typedef struct TimelineTick {
        unsigned column;
        int64_t usec;
        char label[TIMELINE_TICK_MAX]; /* "0s", "500ms", "-2s" */
} TimelineTick;

typedef struct TimelineLayout {
        unsigned n_columns;
        TimelineRow *rows; /* by the begin of their first items */
        size_t n_rows;
        TimelinePlace *places;
        size_t n_places;
        TimelineTick ticks[TIMELINE_TICKS_MAX];
        size_t n_ticks;
        size_t n_left_out; /* spans that went as planned and were short, where there are too many rows */
} TimelineLayout;

/* n_columns: 1 or more. story: has to outlive the layout.
 * Returns: 0; -ENOMEM. */
int timeline_layout_compute(
        const StopStory *story, unsigned n_columns, TimelineLayout *ret_layout) _warn_unused_;
void timeline_layout_done(TimelineLayout *layout);

/* Whether an item is of a kind that has a place, and lies, in part at least, on the axis. */
bool timeline_layout_shows(const StopStory *story, const StoryItem *item);

/* An offset from the origin, with its sign: "+0.03s", "-12.50s", "+2min 3s", "-3d 2h".
 * Returns: buffer. */
const char *timeline_format_offset(char buffer[static TIMELINE_OFFSET_MAX], int64_t usec);
/* The same without a sign, for how long something took. */
const char *timeline_format_duration(char buffer[static TIMELINE_OFFSET_MAX], int64_t usec);
