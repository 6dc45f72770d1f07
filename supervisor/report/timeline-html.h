/* SPDX-License-Identifier: MIT */
#pragma once

/* Parts of the page that timeline_write_html() writes. */

#include "stop-story.h"
#include "timestamp.h"

#define HTML_ANCHOR "stop-" /* and its number, from 1 on */

/* A table of all, each a link to its own section. Returns: 0; -ENOMEM. */
int html_write_summary(FILE *file, const StopStory *stories, size_t n_stories) _warn_unused_;
/* What a person asks first: why, by whom, how it ended, what it has cost. Returns: 0; -ENOMEM. */
int html_write_facts(FILE *file, const PastStop *stop) _warn_unused_;
/* All that is known, under the names that the journal has for it. */
void html_write_fields(FILE *file, const PastStop *stop);

/* The outcome as a badge. */
void html_write_badge(FILE *file, const PastStop *stop);
/* An instant, also for programs. */
void html_write_time(FILE *file, usec_t realtime_usec, TimestampStyle style);
