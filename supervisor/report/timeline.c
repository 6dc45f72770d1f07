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
 * texts stand beside their bars. Strings of the stop are as strangers wrote them, and cleaned here; those
 * of the story are clean. Nothing is decided here: where a bar lies is timeline-layout.c's. */

#include <string.h>

#include "report/timeline-layout.h"
#include "report/timeline-text.h"
#include "text-clean.h"
#include "text-wrap.h"
#include "timestamp.h"

#define TIMELINE_WIDTH         80 /* where none is given */
#define TIMELINE_INDENT        2
#define TIMELINE_FIELD_INDENT  11 /* of the heading's texts */
#define TIMELINE_LABEL_MIN     8
#define TIMELINE_NARROW        60  /* from here on a row has both its begin and its length */
#define TIMELINE_WIDE          100 /* from here on texts stand beside the bars */
#define TIMELINE_PLOT_MIN      10
#define TIMELINE_TEXT_SHARE    45 /* percent of what texts and bars share */
#define TIMELINE_BAR_COLUMNS   20
#define TIMELINE_STACK_MAX     24 /* lines of a coredump; coredumpctl(1) has them all */
#define TIMELINE_SHARE_WARNING 0.9

#define TIMELINE_BOLD  "\033[0;1m"
#define TIMELINE_RESET "\033[0m"

/* ---- The heading ------------------------------------------------------------------------------ */

static int timeline_write_field(
        TimelinePage *page, const char *name, StoryTone tone, const char *text) {
        char head[32];

        (void) snprintf(head, sizeof(head), "  %-*s", TIMELINE_FIELD_INDENT - 2, name);
        return timeline_page_write_paragraph(page, head, TIMELINE_FIELD_INDENT, tone, text);
}

/* Cleans, joins, writes. NULL parts are left out. */
static int timeline_write_joined(TimelinePage *page, const char *name, StoryTone tone,
        const char *const parts[], size_t n_parts) {
        _cleanup_(byte_buffer_done) ByteBuffer text = {};
        _cleanup_free_ char *clean = NULL;

        for (size_t i = 0; i < n_parts; i++)
                byte_buffer_append_text(&text, parts[i] ?: "");
        if (text.size == 0)
                return text.is_failed ? -ENOMEM : 0;
        clean = text.is_failed ? NULL : text_clean(text.data, TEXT_TERMINAL);
        return clean ? timeline_write_field(page, name, tone, clean) : -ENOMEM;
}

static int timeline_write_title(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) {
        const PastStop *stop = story->stop;
        _cleanup_free_ char *unit = past_stop_format_unit(stop);
        _cleanup_free_ char *host = stop->host ? text_clean(stop->host, TEXT_TERMINAL) : strdup("");
        _cleanup_free_ char *text = NULL;
        char when[TIMESTAMP_MAX];
        int r;

        if (!unit || !host ||
                asprintf(&text, "%s  %s%s%s", unit,
                        timestamp_format(
                                when, story->origin_realtime_usec, TIMESTAMP_FULL, options->is_utc),
                        *host ? "  " : "", host) < 0)
                return -ENOMEM;
        if (page->has_colour)
                (void) fputs(TIMELINE_BOLD, page->memory);
        r = timeline_page_write_paragraph(page, "", 0, TONE_PLAIN, text);
        if (page->has_colour)
                (void) fputs(TIMELINE_RESET, page->memory);
        return r;
}

static int timeline_write_party(TimelinePage *page, const PastStop *stop) {
        const StopParty *party =
                stop->requester.pid > 0 || stop->requester.comm ? &stop->requester : &stop->sender;
        _cleanup_free_ char *who = past_stop_format_party(stop);

        if (!who)
                return -ENOMEM;
        if (strcmp(who, "-") == 0)
                return 0;
        return timeline_write_joined(page, "by", TONE_PLAIN,
                (const char *const[]){ who, party->cmdline ? ": " : NULL, party->cmdline,
                        party->ancestry ? "; " : NULL, party->ancestry },
                5);
}

static StoryTone timeline_outcome_tone(const PastStop *stop) {
        if (stop->state != RUN_STOPPED)
                return stop->state == RUN_UNRECORDED ? TONE_BAD : TONE_PLAIN;
        switch (stop->outcome) {
        case OUTCOME_CLEAN:
        case OUTCOME_EXITED:
                return TONE_GOOD;
        case OUTCOME_ESCALATED:
                return TONE_WARNING;
        case OUTCOME_KILLED:
        case OUTCOME_FAILED:
        case OUTCOME_CRASHED:
        case OUTCOME_LOST:
                return TONE_BAD;
        default:
                return TONE_PLAIN;
        }
}

static bool timeline_is_known(usec_t usec) {
        return usec != USEC_INFINITY && usec <= INT64_MAX;
}

/* "killed, killed SIGKILL, 70.10s after it was asked to; up 3d 2h" */
static int timeline_write_outcome(TimelinePage *page, const PastStop *stop) {
        _cleanup_free_ char *end = past_stop_format_exit(stop);
        char took[TIMELINE_OFFSET_MAX], up[TIMELINE_OFFSET_MAX];
        const bool has_end = end && strcmp(end, "-") != 0;
        const bool is_asked = timeline_is_known(stop->total_usec) && stop->total_usec > 0;
        const bool has_up = timeline_is_known(stop->uptime_usec) && stop->uptime_usec > 0;

        if (!end)
                return -ENOMEM;
        return timeline_write_joined(page, "outcome", timeline_outcome_tone(stop),
                (const char *const[]){ past_stop_outcome_word(stop), has_end ? ", " : NULL,
                        has_end ? end : NULL, is_asked ? ", " : NULL,
                        is_asked ? timeline_format_duration(took, (int64_t) stop->total_usec)
                                 : NULL,
                        is_asked ? " after its stop began" : NULL, has_up ? ", up " : NULL,
                        has_up ? timeline_format_duration(up, (int64_t) stop->uptime_usec) : NULL },
                8);
}

static void timeline_write_share(TimelinePage *page, double share, StoryTone tone) {
        const double part = share > 1.0 ? 1.0 : share;
        const unsigned n_eighths = (unsigned) (part * TIMELINE_BAR_COLUMNS * TIMELINE_EIGHTHS);
        const unsigned n_used = (n_eighths + TIMELINE_EIGHTHS - 1) / TIMELINE_EIGHTHS;

        (void) fputs(page->is_ascii ? "[" : "▕", page->memory);
        timeline_page_begin_tone(page, tone);
        timeline_page_write_bar(page, n_eighths);
        timeline_page_end_tone(page, tone);
        timeline_page_fill(page, ' ', TIMELINE_BAR_COLUMNS - n_used);
        (void) fprintf(page->memory, "%s %.0f%%\n", page->is_ascii ? "]" : "▏", share * 100.0);
}

/* What was used of what was allowed. */
static int timeline_write_drain(TimelinePage *page, const PastStop *stop) {
        const double share = past_stop_drain_share(stop);
        const StoryTone tone = share >= TIMELINE_SHARE_WARNING ? TONE_WARNING : TONE_PLAIN;
        char used[TIMELINE_OFFSET_MAX], allowed[USEC_SPAN_MAX], systemd[USEC_SPAN_MAX];
        const bool has_allowed = timeline_is_known(stop->drain_usec);
        const bool has_systemd = stop->timeout_stop_usec != USEC_INFINITY;
        int r;

        if (!timeline_is_known(stop->drain_used_usec))
                return 0;
        r = timeline_write_joined(page, "drain", tone,
                (const char *const[]){
                        timeline_format_duration(used, (int64_t) stop->drain_used_usec),
                        has_allowed ? " of " : NULL,
                        has_allowed ? usec_format_span(allowed, stop->drain_usec, 1) : NULL,
                        has_systemd ? "; systemd allows " : NULL,
                        has_systemd ? usec_format_span(systemd, stop->timeout_stop_usec, 1)
                                    : NULL },
                5);
        if (r < 0 || share < 0)
                return r;
        timeline_page_fill(page, ' ', TIMELINE_FIELD_INDENT - 1);
        timeline_write_share(page, share, tone);
        return 0;
}

static int timeline_write_work(TimelinePage *page, const PastStop *stop) {
        const bool is_connections =
                stop->active_source && strcmp(stop->active_source, "sockets") == 0;
        char text[128];
        int n = 0;

        if (!stop->has_active || stop->active_now == UINT64_MAX)
                return 0;
        if (stop->active_at_start != UINT64_MAX)
                n = snprintf(text, sizeof(text), "%" PRIu64 " in flight when the stop began, ",
                        stop->active_at_start);
        (void) snprintf(text + n, sizeof(text) - (size_t) n, "%" PRIu64 " at its end%s",
                stop->active_now, is_connections ? " (connections)" : "");
        return timeline_write_field(
                page, "work", stop->active_now > 0 ? TONE_WARNING : TONE_PLAIN, text);
}

static int timeline_write_heading(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) {
        const PastStop *stop = story->stop;
        char run_id[SD_ID128_STRING_MAX];
        int r = timeline_write_title(page, story, options);

        if (r >= 0 && stop->trust == TRUST_FORGED)
                r = timeline_write_joined(page, "forged", TONE_BAD,
                        (const char *const[]){ stop->forgery ?: "written by somebody else" }, 1);
        if (r >= 0)
                r = timeline_write_joined(page, "cause", TONE_PLAIN,
                        (const char *const[]){ past_stop_cause_word(stop),
                                stop->cause_detail ? ": " : NULL, stop->cause_detail },
                        3);
        if (r >= 0)
                r = timeline_write_party(page, stop);
        if (r >= 0)
                r = timeline_write_outcome(page, stop);
        if (r >= 0)
                r = timeline_write_drain(page, stop);
        if (r >= 0)
                r = timeline_write_work(page, stop);
        if (r >= 0 && !sd_id128_is_null(stop->run_id))
                r = timeline_write_field(
                        page, "run", TONE_PLAIN, sd_id128_to_string(stop->run_id, run_id));
        return r;
}

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

static void timeline_end_line(TimelinePage *page) {
        (void) fputc('\n', page->memory);
}

static void timeline_write_axis(
        TimelinePage *page, const TimelineGrid *grid, const TimelineLayout *layout) {
        const size_t n_before = TIMELINE_INDENT + grid->n_label + 1;
        size_t column = 0;

        timeline_page_fill(page, ' ', n_before);
        for (size_t i = 0; i < layout->n_ticks; i++) {
                const TimelineTick *tick = &layout->ticks[i];
                const size_t n = strlen(tick->label);

                if (tick->column < column || tick->column + n > layout->n_columns)
                        continue;
                timeline_page_fill(page, ' ', tick->column - column);
                (void) fputs(tick->label, page->memory);
                column = tick->column + n;
        }
        timeline_end_line(page);
        timeline_page_fill(page, ' ', n_before);
        for (unsigned at = 0, tick = 0; at < layout->n_columns; at++) {
                const bool is_tick = tick < layout->n_ticks && layout->ticks[tick].column == at;

                if (is_tick)
                        tick++;
                (void) fputs(page->is_ascii ? (is_tick ? "+" : "-") : (is_tick ? "┬" : "─"),
                        page->memory);
        }
        timeline_end_line(page);
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

static void timeline_write_row(TimelinePage *page, const TimelineGrid *grid,
        const TimelineLayout *layout, const TimelineRow *row) {
        const StoryItem *item = layout->places[row->first].item;
        const bool has_text = grid->n_text > 2 && row->n == 1 && item->text;
        char offset[TIMELINE_OFFSET_MAX], duration[TIMELINE_OFFSET_MAX];

        (void) timeline_format_offset(offset, item->begin_usec);
        (void) timeline_format_duration(duration, item->end_usec - item->begin_usec);
        timeline_page_fill(page, ' ', TIMELINE_INDENT);
        timeline_page_write_cell(page, row->label, grid->n_label);
        timeline_page_fill(page, ' ', 1);
        timeline_page_fill(page, ' ', grid->n_plot - timeline_write_places(page, layout, row) + 1);
        timeline_page_write_right(
                page, row->is_span && grid->n_duration == 0 ? duration : offset, grid->n_offset);
        if (row->is_span && grid->n_duration > 0) {
                timeline_page_fill(page, ' ', 2);
                timeline_page_write_right(page, duration, grid->n_duration);
        } else if (has_text && grid->n_duration > 0)
                timeline_page_fill(page, ' ', 2 + grid->n_duration);
        if (has_text) {
                const size_t n = timeline_columns(item->text);

                timeline_page_fill(page, ' ', 2);
                timeline_page_begin_tone(page, item->tone);
                timeline_page_write_cell(
                        page, item->text, n < grid->n_text - 2 ? n : grid->n_text - 2);
                timeline_page_end_tone(page, item->tone);
        }
        timeline_end_line(page);
}

static int timeline_write_picture(
        TimelinePage *page, const TimelineGrid *grid, const StopStory *story) {
        _cleanup_(timeline_layout_done) TimelineLayout layout = {};
        char text[96];
        int r = timeline_layout_compute(story, (unsigned) grid->n_plot, &layout);

        if (r < 0 || layout.n_rows == 0)
                return r;
        timeline_end_line(page);
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

static size_t timeline_offset_columns(const StopStory *story, bool is_before) {
        char text[TIMELINE_OFFSET_MAX];
        size_t n_max = 0;

        for (size_t i = 0; i < story->n_items; i++) {
                const int64_t usec = story->items[i].begin_usec;
                const size_t n = timeline_columns(timeline_format_offset(text, usec));

                if ((story->items[i].end_usec < story->begin_usec) == is_before && n > n_max)
                        n_max = n;
        }
        return n_max;
}

/* "drain, 60.00s: SIGTERM; timed out" */
static char *timeline_format_item(const StoryItem *item, const char *text, size_t size) {
        const char *who = item->kind == STORY_OOM || item->kind == STORY_COREDUMP ? item->source
                                                                                  : item->label;
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

static int timeline_write_item(TimelinePage *page, const StoryItem *item, size_t n_offset) {
        const char *text = item->text ?: "";
        const size_t size = item->kind == STORY_COREDUMP ? strcspn(text, "\n") : strlen(text);
        _cleanup_free_ char *line = timeline_format_item(item, text, size);
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

/* is_before: those that lie off the axis on its left; else all others that the picture does not tell. */
static int timeline_write_items(
        TimelinePage *page, const TimelineGrid *grid, const StopStory *story, bool is_before) {
        const size_t n_offset = timeline_offset_columns(story, is_before);
        bool has_any = false;

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];
                const bool is_told = item->is_span && grid_tells(grid, item) &&
                        timeline_layout_shows(story, item);
                int r;

                if (item->kind == STORY_LOG || is_told ||
                        (item->end_usec < story->begin_usec) != is_before)
                        continue;
                if (!has_any)
                        timeline_end_line(page);
                has_any = true;
                r = timeline_write_item(page, item, n_offset);
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
        const char *source = timeline_log_source(story);
        const size_t n_before = timeline_offset_columns(story, /* is_before= */ true);
        const size_t n_after = timeline_offset_columns(story, /* is_before= */ false);
        _cleanup_free_ char *title = NULL;
        bool has_any = false;

        if (asprintf(&title, "The gateway's last lines%s%s", source ? ", " : "", source ?: "") < 0)
                return -ENOMEM;
        for (size_t i = 0; i < story->n_items; i++) {
                StoryItem line = story->items[i]; /* its label is its source */
                int r = 0;

                if (line.kind != STORY_LOG)
                        continue;
                if (!has_any) {
                        timeline_end_line(page);
                        r = timeline_page_write_paragraph(page, "", 0, TONE_PLAIN, title);
                }
                has_any = true;
                line.label = line.source;
                if (r >= 0)
                        r = timeline_write_item(
                                page, &line, n_before > n_after ? n_before : n_after);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- All of it -------------------------------------------------------------------------------- */

static int timeline_write(
        TimelinePage *page, const StopStory *story, const TimelineOptions *options) {
        const TimelineGrid grid = timeline_make_grid(story, page);
        char text[96];
        int r = timeline_write_heading(page, story, options);

        if (r >= 0)
                r = timeline_write_items(page, &grid, story, /* is_before= */ true);
        if (r >= 0)
                r = timeline_write_picture(page, &grid, story);
        if (r >= 0)
                r = timeline_write_items(page, &grid, story, /* is_before= */ false);
        if (r >= 0)
                r = timeline_write_log(page, story);
        if (r < 0 || story->n_left_out == 0)
                return r;
        (void) snprintf(text, sizeof(text), "%zu more records of this run are not shown",
                story->n_left_out);
        timeline_end_line(page);
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
