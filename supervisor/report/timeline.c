/* SPDX-License-Identifier: MIT */

/* A stop as a page for a terminal, to be read and to be pasted into a report of an incident:
 *
 *   what stopped, why, by whom, how it ended, and what it used of what it was allowed
 *   what was long before
 *   a picture: one row a phase, step, signal …, on one axis that begins with the stop
 *   the records in words, in order, but for those that the picture tells in full
 *   the gateway's own last lines
 *
 * No line is longer than the width. The picture takes what labels and times leave, and on a wide terminal
 * texts stand beside their bars. Nothing is decided here: where a bar lies is timeline-layout.c's. */

#include <string.h>

#include "report/timeline-heading.h"
#include "report/timeline-layout.h"
#include "report/timeline-text.h"
#include "text-wrap.h"

#define TIMELINE_WIDTH      80 /* where none is given */
#define TIMELINE_INDENT     2
#define TIMELINE_LABEL_MIN  8
#define TIMELINE_NARROW     60  /* from here on a row has both its begin and its length */
#define TIMELINE_WIDE       100 /* from here on texts stand beside the bars */
#define TIMELINE_PLOT_MIN   10
#define TIMELINE_TEXT_SHARE 45 /* percent of what texts and bars share */
#define TIMELINE_STACK_MAX  24 /* lines of a coredump; coredumpctl(1) has them all */
#define TIMELINE_SPAN_MIN   ((int64_t) (10 * USEC_PER_MSEC)) /* what times are shown to */

/* ---- The picture ------------------------------------------------------------------------------ */

/* Columns of a row's parts; 0: it has no such part. */
typedef struct TimelineGrid {
        size_t n_label, n_plot, n_offset, n_duration, n_text;
} TimelineGrid;

static size_t timeline_columns(const char *text) {
        return text_columns(text, strlen(text));
}

static void grid_measure(TimelineGrid *grid, const StopStory *story) {
        char text[TIMELINE_OFFSET_MAX];

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];
                const size_t n_label = timeline_columns(item->label);
                size_t n;

                if (!timeline_layout_shows(story, item))
                        continue;
                if (n_label > grid->n_label)
                        grid->n_label = n_label;
                n = timeline_columns(timeline_format_offset(text, item->begin_usec));
                if (n > grid->n_offset)
                        grid->n_offset = n;
                n = timeline_columns(
                        timeline_format_duration(text, item->end_usec - item->begin_usec));
                if (item->is_span && n > grid->n_duration)
                        grid->n_duration = n;
                if (item->text && timeline_columns(item->text) > grid->n_text)
                        grid->n_text = timeline_columns(item->text);
        }
}

/* A third at most for labels, times as they are, and the rest for the bars, or for them and texts. */
static TimelineGrid timeline_make_grid(const StopStory *story, const TimelinePage *page) {
        const size_t width = page->width > 0 ? page->width : TIMELINE_WIDTH;
        TimelineGrid grid = { .n_label = TIMELINE_LABEL_MIN };
        size_t n_text, n_used;

        grid_measure(&grid, story);
        if (page->width > 0 && grid.n_label > width / 3)
                grid.n_label = width / 3;
        if (width < TIMELINE_NARROW) { /* one time, of either kind */
                grid.n_offset = grid.n_duration > grid.n_offset ? grid.n_duration : grid.n_offset;
                grid.n_duration = 0;
        }
        n_used = TIMELINE_INDENT + grid.n_label + 1 + 1 + grid.n_offset +
                (grid.n_duration > 0 ? 2 + grid.n_duration : 0);
        grid.n_plot = width > n_used + TIMELINE_PLOT_MIN ? width - n_used : TIMELINE_PLOT_MIN;
        n_text = width >= TIMELINE_WIDE ? grid.n_plot * TIMELINE_TEXT_SHARE / 100 : 0;
        grid.n_text = n_text > grid.n_text + 2 ? grid.n_text + 2 : n_text;
        grid.n_plot -= grid.n_text;
        return grid;
}

/* Whether the row beside the bar has all of the text. */
static bool grid_tells(const TimelineGrid *grid, const StoryItem *item) {
        return !item->text || timeline_columns(item->text) + 2 <= grid->n_text;
}

static void timeline_write_ticks(
        TimelinePage *page, const TimelineGrid *grid, const TimelineLayout *layout) {
        size_t column = 0;

        for (size_t i = 0; i < layout->n_ticks; i++) {
                const TimelineTick *tick = &layout->ticks[i];
                const size_t n = strlen(tick->label);

                if (tick->column < column || tick->column + n > layout->n_columns)
                        continue;
                timeline_page_fill(page, ' ', tick->column - column);
                (void) fputs(tick->label, page->memory);
                column = tick->column + n;
        }
        if (grid->n_duration > 0) {
                timeline_page_fill(page, ' ', grid->n_plot - column + 1);
                timeline_page_write_right(page, "began", grid->n_offset);
                timeline_page_fill(page, ' ', 2);
                timeline_page_write_right(page, "took", grid->n_duration);
        }
        timeline_page_end_line(page);
}

static void timeline_write_axis(
        TimelinePage *page, const TimelineGrid *grid, const TimelineLayout *layout) {
        const size_t n_before = TIMELINE_INDENT + grid->n_label + 1;

        timeline_page_fill(page, ' ', n_before);
        timeline_write_ticks(page, grid, layout);
        timeline_page_fill(page, ' ', n_before);
        for (unsigned at = 0, tick = 0; at < layout->n_columns; at++) {
                const bool is_tick = tick < layout->n_ticks && layout->ticks[tick].column == at;

                tick += is_tick;
                (void) fputs(page->is_ascii ? (is_tick ? "+" : "-") : (is_tick ? "┬" : "─"),
                        page->memory);
        }
        timeline_page_end_line(page);
}

static const char *timeline_mark(const TimelinePage *page, StoryTone tone) {
        return !page->is_ascii ? "▲" : tone > TONE_GOOD ? "!" : "*";
}

/* Returns: how many columns were written. */
static size_t timeline_write_places(
        TimelinePage *page, const TimelineLayout *layout, const TimelineRow *row) {
        size_t column = 0;

        for (size_t i = row->first; i < row->first + row->n; i++) {
                const TimelinePlace *place = &layout->places[i];
                const size_t begin = place->begin / TIMELINE_EIGHTHS;

                if (begin < column)
                        continue; /* another mark stands there */
                timeline_page_fill(page, ' ', begin - column);
                timeline_page_begin_tone(page, place->item->tone);
                if (row->is_span)
                        timeline_page_write_bar(page, place->end - place->begin);
                else
                        (void) fputs(timeline_mark(page, place->item->tone), page->memory);
                timeline_page_end_tone(page, place->item->tone);
                column = row->is_span ? (place->end + TIMELINE_EIGHTHS - 1) / TIMELINE_EIGHTHS
                                      : begin + 1;
        }
        return column;
}

/* What stands behind the bar: when it began, how long it took, what is to be said. */
static void timeline_write_row_end(
        TimelinePage *page, const TimelineGrid *grid, const StoryItem *item) {
        const bool has_both = item->is_span && grid->n_duration > 0;
        const bool has_text = grid->n_text > 2 && item->text;
        char offset[TIMELINE_OFFSET_MAX], duration[TIMELINE_OFFSET_MAX];

        (void) timeline_format_offset(offset, item->begin_usec);
        (void) timeline_format_duration(duration, item->end_usec - item->begin_usec);
        timeline_page_fill(page, ' ', 1);
        timeline_page_write_right(
                page, item->is_span && !has_both ? duration : offset, grid->n_offset);
        if (grid->n_duration > 0 && (has_both || has_text)) {
                timeline_page_fill(page, ' ', 2);
                timeline_page_write_right(page, has_both ? duration : "", grid->n_duration);
        }
        if (has_text) {
                const size_t n = timeline_columns(item->text), n_room = grid->n_text - 2;

                timeline_page_fill(page, ' ', 2);
                timeline_page_begin_tone(page, item->tone);
                timeline_page_write_cell(page, item->text, n < n_room ? n : n_room);
                timeline_page_end_tone(page, item->tone);
        }
}

static void timeline_write_row(TimelinePage *page, const TimelineGrid *grid,
        const TimelineLayout *layout, const TimelineRow *row) {
        size_t n_columns;

        timeline_page_fill(page, ' ', TIMELINE_INDENT);
        timeline_page_write_cell(page, row->label, grid->n_label);
        timeline_page_fill(page, ' ', 1);
        n_columns = timeline_write_places(page, layout, row);
        if (row->n == 1) {
                timeline_page_fill(page, ' ', grid->n_plot - n_columns);
                timeline_write_row_end(page, grid, layout->places[row->first].item);
        }
        timeline_page_end_line(page);
}

/* A picture of what happened all at once would tell nothing. */
static bool timeline_is_worth_it(const StopStory *story, const TimelineLayout *layout) {
        if (story->end_usec - story->begin_usec < TIMELINE_SPAN_MIN)
                return false;
        for (size_t i = 0; i < layout->n_rows; i++) {
                const TimelineRow *row = &layout->rows[i];

                for (size_t j = row->first; j < row->first + row->n; j++)
                        if (row->is_span || layout->places[j].begin != layout->places[0].begin)
                                return true;
        }
        return false;
}

static int timeline_write_picture(
        TimelinePage *page, const TimelineGrid *grid, const StopStory *story) {
        _cleanup_(timeline_layout_done) TimelineLayout layout = {};
        char text[96];
        int r = timeline_layout_compute(story, (unsigned) grid->n_plot, &layout);

        if (r < 0 || !timeline_is_worth_it(story, &layout))
                return r;
        timeline_page_end_line(page);
        timeline_write_axis(page, grid, &layout);
        for (size_t i = 0; i < layout.n_rows; i++)
                timeline_write_row(page, grid, &layout, &layout.rows[i]);
        if (layout.n_left_out == 0)
                return 0;
        (void) snprintf(
                text, sizeof(text), "and %zu shorter ones that went as planned", layout.n_left_out);
        return timeline_page_write_paragraph(page, "", TIMELINE_INDENT, TONE_PLAIN, text);
}

/* ---- The records in words --------------------------------------------------------------------- */

typedef enum TimelineSection {
        SECTION_BEFORE, /* off the axis, on its left */
        SECTION_STOP,
        SECTION_LOG,
        SECTION_NONE, /* the heading has it */
} TimelineSection;

static TimelineSection timeline_section(const StopStory *story, const StoryItem *item) {
        if (item->kind == STORY_LOG)
                return SECTION_LOG;
        if (item->kind == STORY_CAUSE && story->stop->cause_detail)
                return SECTION_NONE;
        return item->end_usec < story->begin_usec ? SECTION_BEFORE : SECTION_STOP;
}

static size_t timeline_offset_columns(const StopStory *story, TimelineSection section) {
        char text[TIMELINE_OFFSET_MAX];
        size_t n_max = 0;

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];
                const size_t n = timeline_columns(timeline_format_offset(text, item->begin_usec));

                if (timeline_section(story, item) == section && n > n_max)
                        n_max = n;
        }
        return n_max;
}

/* "drain, 60.00s: SIGTERM; timed out" */
static char *timeline_format_item(const StoryItem *item, const char *text, size_t size) {
        const bool is_by_source =
                item->kind == STORY_OOM || item->kind == STORY_COREDUMP || item->kind == STORY_LOG;
        const char *who = is_by_source ? item->source : item->label;
        char duration[TIMELINE_OFFSET_MAX], *line;
        int r;

        (void) timeline_format_duration(duration, item->end_usec - item->begin_usec);
        if (item->is_span)
                r = asprintf(&line, "%s, %s%s%.*s", who, duration, size > 0 ? ": " : "", (int) size,
                        text);
        else
                r = asprintf(&line, "%s%s%.*s", who,
                        size == 0                            ? ""
                                : item->kind == STORY_SIGNAL ? " "
                                                             : ": ",
                        (int) size, text);
        return r < 0 ? NULL : line;
}

/* Behind a coredump's first line: what the threads were doing. */
static int timeline_write_stack(TimelinePage *page, const char *text, size_t n_indent) {
        const char *line = strstr(text, "\nStack trace");
        size_t n = 0;

        line = line ? line + 1 : strchr(text, '\n') ? strchr(text, '\n') + 1 : "";
        for (; *line && n < TIMELINE_STACK_MAX; n++) {
                const size_t size = strcspn(line, "\n");
                _cleanup_free_ char *copy = strndup(line, size);
                int r = copy ? timeline_page_write_paragraph(page, "", n_indent, TONE_PLAIN, copy)
                             : -ENOMEM;

                if (r < 0)
                        return r;
                line += size + (line[size] == '\n');
        }
        return *line ? timeline_page_write_paragraph(page, "", n_indent, TONE_PLAIN,
                               "and more; coredumpctl info has all of it")
                     : 0;
}

/* has_source: of a log line, whether it is to be said who wrote it. */
static int timeline_write_item(
        TimelinePage *page, const StoryItem *item, size_t n_offset, bool has_source) {
        const char *text = item->text ?: "";
        const size_t size = item->kind == STORY_COREDUMP ? strcspn(text, "\n") : strlen(text);
        _cleanup_free_ char *line =
                has_source ? timeline_format_item(item, text, size) : strdup(text);
        char head[TIMELINE_OFFSET_MAX + TIMELINE_INDENT + 1], offset[TIMELINE_OFFSET_MAX];
        const size_t n_indent = TIMELINE_INDENT + n_offset + 2;
        int r;

        if (!line)
                return -ENOMEM;
        (void) snprintf(head, sizeof(head), "%*s%*s", TIMELINE_INDENT, "", (int) n_offset,
                timeline_format_offset(offset, item->begin_usec));
        r = timeline_page_write_paragraph(page, head, n_indent, item->tone, line);
        if (r < 0 || item->kind != STORY_COREDUMP)
                return r;
        return timeline_write_stack(page, text + size, n_indent + 2);
}

/* But for those that the picture tells in full. */
static int timeline_write_items(TimelinePage *page, const TimelineGrid *grid,
        const StopStory *story, TimelineSection section) {
        const size_t n_offset = timeline_offset_columns(story, section);
        bool has_any = false;

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];
                const bool is_told = item->is_span && grid_tells(grid, item) &&
                        timeline_layout_shows(story, item);
                int r;

                if (is_told || timeline_section(story, item) != section)
                        continue;
                if (!has_any)
                        timeline_page_end_line(page);
                has_any = true;
                r = timeline_write_item(page, item, n_offset, /* has_source= */ true);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- The log ---------------------------------------------------------------------------------- */

/* Whether all lines have one source, and which. Returns: NULL: several, or there is none. */
static const char *timeline_log_source(const StopStory *story) {
        const char *source = NULL;

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];

                if (item->kind != STORY_LOG)
                        continue;
                if (source && strcmp(source, item->source) != 0)
                        return NULL;
                source = item->source;
        }
        return source;
}

static int timeline_write_log(TimelinePage *page, const StopStory *story) {
        const size_t n_offset = timeline_offset_columns(story, SECTION_LOG);
        const char *source = timeline_log_source(story);
        _cleanup_free_ char *title = NULL;
        int r;

        if (n_offset == 0)
                return 0;
        if (asprintf(&title, "The gateway's last lines%s%s", source ? ", " : "", source ?: "") < 0)
                return -ENOMEM;
        timeline_page_end_line(page);
        r = timeline_page_write_paragraph(page, "", 0, TONE_PLAIN, title);
        for (size_t i = 0; r >= 0 && i < story->n_items; i++)
                if (story->items[i].kind == STORY_LOG)
                        r = timeline_write_item(page, &story->items[i], n_offset,
                                /* has_source= */ !source);
        return r;
}

/* ---- All of it -------------------------------------------------------------------------------- */

static int timeline_write(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) {
        const TimelineGrid grid = timeline_make_grid(story, page);
        char text[96];
        int r = timeline_write_heading(page, story, options);

        if (r >= 0)
                r = timeline_write_items(page, &grid, story, SECTION_BEFORE);
        if (r >= 0)
                r = timeline_write_picture(page, &grid, story);
        if (r >= 0)
                r = timeline_write_items(page, &grid, story, SECTION_STOP);
        if (r >= 0)
                r = timeline_write_log(page, story);
        if (r < 0 || story->n_left_out == 0)
                return r;
        (void) snprintf(text, sizeof(text), "%zu more records of this run are not shown",
                story->n_left_out);
        timeline_page_end_line(page);
        return timeline_page_write_paragraph(page, "", 0, TONE_PLAIN, text);
}

int timeline_print(FILE *file, const StopStory *story, const TimelineOptions *options) {
        _cleanup_(timeline_page_done) TimelinePage page = {};
        int r;

        assert(file);
        assert(story && story->stop);
        assert(options);

        r = timeline_page_init(&page, options);
        if (r >= 0)
                r = timeline_write(&page, story, options);
        if (r >= 0)
                r = timeline_page_finish(&page, file);
        return r;
}
