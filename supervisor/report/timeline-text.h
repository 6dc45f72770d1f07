/* SPDX-License-Identifier: MIT */
#pragma once

/* A page of text for a terminal: lines that keep to its width, colours, and what the locale can show. */

#include "stop-story.h"

typedef struct TimelinePage {
        FILE *memory;
        char *data;
        size_t size;
        size_t width; /* of a line; 0: nothing is cut or wrapped */
        bool is_ascii, has_colour;
} TimelinePage;

/* Returns: 0; -ENOMEM. */
int timeline_page_init(TimelinePage *page, const TimelineOptions *options) _warn_unused_;
/* Writes what is on the page to file; without UTF-8 a "?" stands for each column of other characters.
 * Returns: 0; -ENOMEM. */
int timeline_page_finish(TimelinePage *page, FILE *file) _warn_unused_;
void timeline_page_done(TimelinePage *page);

/* Beside the tones of a story: what stands above. */
#define TIMELINE_TITLE ((StoryTone) _STORY_TONE_MAX)

/* Between these two text has the colour of a tone. */
void timeline_page_begin_tone(TimelinePage *page, StoryTone tone);
void timeline_page_end_tone(TimelinePage *page, StoryTone tone);

/* Writes text into n_columns, cut or filled up with blanks. text: clean. */
void timeline_page_write_cell(TimelinePage *page, const char *text, size_t n_columns);
/* The same from the right. */
void timeline_page_write_right(TimelinePage *page, const char *text, size_t n_columns);
void timeline_page_end_line(TimelinePage *page);
void timeline_page_fill(TimelinePage *page, char character, size_t n);

/* Writes lines: head, which ends before column n_indent, then text, broken at spaces, and in words that are longer
 * than a line. text: clean.
 * Returns: 0; -ENOMEM. */
int timeline_page_write_paragraph(TimelinePage *page, const char *head, size_t n_indent,
        StoryTone tone, const char *text) _warn_unused_;

/* A bar of so many eighths of a column. */
void timeline_page_write_bar(TimelinePage *page, unsigned n_eighths);
