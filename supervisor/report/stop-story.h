/* SPDX-License-Identifier: MIT */
#pragma once

/* One stop in detail: everything that the journal has about it on one time axis, whose origin is the beginning of
 * the stop: records of the run, of systemd, of the kernel, of systemd-coredump, the gateway's own last lines. */

#include "journal-query.h"
#include "past-stop.h"

typedef enum StoryKind {
        STORY_STARTED,
        STORY_READY,
        STORY_SIGNAL,
        STORY_CAUSE,
        STORY_PHASE,         /* of the stop schedule: a span */
        STORY_GATEWAY_PHASE, /* a span */
        STORY_STEP,          /* a span */
        STORY_WATCHDOG,
        STORY_STUCK,
        STORY_LEFTOVER,
        STORY_NOTE, /* another record of gatewatch: short-timeout, previous, diagnostic, degraded */
        STORY_SYSTEMD,  /* of PID 1: job, result */
        STORY_OOM,      /* of the kernel or systemd-oomd */
        STORY_COREDUMP, /* with its stack as text */
        STORY_LOG,      /* a line of the gateway's own */
        STORY_STOPPED,
        _STORY_KIND_MAX,
        _STORY_KIND_INVALID = -EINVAL,
} StoryKind;

/* "started", "phase", "gateway-phase", … */
const char *story_kind_to_string(StoryKind kind);

typedef enum StoryTone { /* how it went: colours and words */
        TONE_PLAIN,
        TONE_GOOD,
        TONE_WARNING, /* timed out, overdue, warnings of priority */
        TONE_BAD,     /* killed, crashed, lost, errors of priority */
        _STORY_TONE_MAX,
} StoryTone;

/* How an outcome reads; PLAIN: none that is known. Of a stop as a whole: also by its state. */
StoryTone story_tone_of_outcome(Outcome outcome);
StoryTone story_tone_of_stop(const PastStop *stop);

typedef struct StoryItem {
        StoryKind kind;
        StoryTone tone;
        bool is_span;
        int64_t begin_usec, end_usec; /* from the origin; equal unless it is a span */
        char *label;  /* "drain", "disconnect telegram", "SIGTERM"; cleaned; never NULL */
        char *text;   /* a sentence, cleaned, of one line or (coredump) several; NULL: none */
        char *source; /* who wrote it: "gatewatch", "systemd", "kernel", "python3[812]"; cleaned */
} StoryItem;

typedef struct StopStory {
        const PastStop *stop; /* weak */
        usec_t origin_realtime_usec;
        int64_t begin_usec, end_usec; /* what the axis spans; begin <= 0 <= end */
        StoryItem *items;             /* by begin, then as they came */
        size_t n_items;
        size_t n_left_out; /* that were too many */
} StopStory;

#define STORY_ITEMS_MAX 2000
#define STORY_LOG_LINES 10 /* of the gateway's own, the last ones */

/* Collects. stop: must outlive the story. n_log_lines: of the gateway's own, at most.
 * Returns: 0; -ENOMEM. */
int stop_story_read(JournalQuery *query, const PastStop *stop, size_t n_log_lines,
        StopStory *ret_story) _warn_unused_;
void stop_story_done(StopStory *story);

typedef struct TimelineOptions {
        unsigned width; /* columns; 0: 80, and nothing is cut */
        bool is_ascii;  /* the locale is not UTF-8 */
        bool has_colour;
        bool is_utc; /* else local time */
} TimelineOptions;

/* The picture for a terminal. Returns: 0; -ENOMEM. */
int timeline_print(
        FILE *file, const StopStory *story, const TimelineOptions *options) _warn_unused_;
/* The same as a self-contained SVG, and as a page with it and all fields: no script, nothing from elsewhere.
 * Returns: 0; -ENOMEM. Errors of writing stay with the file (ferror(3)). */
int timeline_write_svg(FILE *file, const StopStory *story) _warn_unused_;
int timeline_write_html(FILE *file, const StopStory *stories, size_t n_stories) _warn_unused_;
