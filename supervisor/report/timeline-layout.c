/* SPDX-License-Identifier: MIT */

/* From times to columns.
 *
 * A column holds eight eighths, as many as there are block characters. A bar begins with a whole column (there
 * is no character that is empty on its left) and ends at an eighth; the shortest one is a column wide, so that
 * nothing that happened is invisible. Places keep the order of times: what began earlier never lies further to
 * the right.
 *
 * What tells of the run rather than of its end (the verdict, notes, log lines) has no place: it is text. All
 * that systemd said shares a row. Of more rows than a picture holds, those go first that went as planned and
 * took least time. */

#include <string.h>

#include "report/timeline-layout.h"

/* ---- Times as text ---------------------------------------------------------------------------- */

const char *timeline_format_duration(char buffer[static TIMELINE_OFFSET_MAX], int64_t usec) {
        const usec_t size_usec = usec < 0 ? (usec_t) 0 - (usec_t) usec : (usec_t) usec;
        const usec_t n_days = size_usec / USEC_PER_DAY;
        const usec_t n_hours = size_usec % USEC_PER_DAY / USEC_PER_HOUR;
        char span[USEC_SPAN_MAX];

        if (size_usec < 2 * USEC_PER_MINUTE)
                (void) snprintf(buffer, TIMELINE_OFFSET_MAX, "%" USEC_FMT ".%02" USEC_FMT "s",
                        size_usec / USEC_PER_SEC, size_usec % USEC_PER_SEC / (10 * USEC_PER_MSEC));
        else if (size_usec < USEC_PER_DAY)
                (void) snprintf(buffer, TIMELINE_OFFSET_MAX, "%s",
                        usec_format_span(span, size_usec,
                                size_usec < USEC_PER_HOUR ? USEC_PER_SEC : USEC_PER_MINUTE));
        else if (n_hours == 0 || n_days >= 100)
                (void) snprintf(buffer, TIMELINE_OFFSET_MAX, "%" USEC_FMT "d", n_days);
        else
                (void) snprintf(buffer, TIMELINE_OFFSET_MAX, "%" USEC_FMT "d %" USEC_FMT "h",
                        n_days, n_hours);
        return buffer;
}

const char *timeline_format_offset(char buffer[static TIMELINE_OFFSET_MAX], int64_t usec) {
        char duration[TIMELINE_OFFSET_MAX];

        (void) snprintf(buffer, TIMELINE_OFFSET_MAX, "%c%.*s",
                /* not -0.00s */ usec <= -10 * (int64_t) USEC_PER_MSEC ? '-' : '+',
                TIMELINE_OFFSET_MAX - 2, timeline_format_duration(duration, usec));
        return buffer;
}

/* ---- Ticks ------------------------------------------------------------------------------------ */

/* Each about twice the one before it, in units that people count in. */
static const usec_t layout_steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1 * USEC_PER_MSEC,
        2 * USEC_PER_MSEC, 5 * USEC_PER_MSEC, 10 * USEC_PER_MSEC, 20 * USEC_PER_MSEC,
        50 * USEC_PER_MSEC, 100 * USEC_PER_MSEC, 200 * USEC_PER_MSEC, 500 * USEC_PER_MSEC,
        1 * USEC_PER_SEC, 2 * USEC_PER_SEC, 5 * USEC_PER_SEC, 10 * USEC_PER_SEC, 20 * USEC_PER_SEC,
        1 * USEC_PER_MINUTE, 2 * USEC_PER_MINUTE, 5 * USEC_PER_MINUTE, 10 * USEC_PER_MINUTE,
        20 * USEC_PER_MINUTE, 1 * USEC_PER_HOUR, 2 * USEC_PER_HOUR, 5 * USEC_PER_HOUR,
        10 * USEC_PER_HOUR, 1 * USEC_PER_DAY, 2 * USEC_PER_DAY, 5 * USEC_PER_DAY, 10 * USEC_PER_DAY,
        20 * USEC_PER_DAY, 50 * USEC_PER_DAY, 100 * USEC_PER_DAY };

static int64_t layout_span(const StopStory *story) {
        const int64_t span_usec = story->end_usec - story->begin_usec;

        return span_usec > 0 ? span_usec : (int64_t) USEC_PER_SEC;
}

/* Returns: 0: none leaves room enough for labels. */
static int64_t layout_find_step(int64_t span_usec, unsigned n_columns) {
        for (size_t i = 0; i < ELEMENTSOF(layout_steps); i++) {
                const double n = (double) span_usec / (double) layout_steps[i];

                if (n < TIMELINE_TICKS_MAX - 1 && n * TIMELINE_TICK_ROOM <= n_columns)
                        return (int64_t) layout_steps[i];
        }
        return 0;
}

/* Seconds with as many decimals as the step needs; from a minute on, as a span. */
static void tick_format(TimelineTick *tick, int64_t step_usec) {
        const usec_t size_usec = (usec_t) (tick->usec < 0 ? -tick->usec : tick->usec);
        const char *sign = tick->usec < 0 ? "-" : "";
        char span[USEC_SPAN_MAX];
        int decimals = 0;

        for (int64_t unit = (int64_t) USEC_PER_SEC; unit > step_usec; unit /= 10)
                decimals++;
        if (tick->usec == 0)
                (void) snprintf(tick->label, TIMELINE_TICK_MAX, "0");
        else if (size_usec < USEC_PER_MINUTE && decimals <= 3)
                (void) snprintf(tick->label, TIMELINE_TICK_MAX, "%s%.*fs", sign, decimals,
                        (double) size_usec / (double) USEC_PER_SEC);
        else
                (void) snprintf(tick->label, TIMELINE_TICK_MAX, "%s%.24s", sign,
                        usec_format_exact(span, size_usec));
}

/* In eighths; times off the axis lie at its ends. */
static unsigned layout_position(const StopStory *story, unsigned n_columns, int64_t usec) {
        const int64_t span_usec = layout_span(story);
        const unsigned n = n_columns * TIMELINE_EIGHTHS;

        if (usec <= story->begin_usec)
                return 0;
        if (usec - story->begin_usec >= span_usec)
                return n;
        return (unsigned) ((double) (usec - story->begin_usec) / (double) span_usec * n);
}

static unsigned layout_column(const StopStory *story, unsigned n_columns, int64_t usec) {
        const unsigned column = layout_position(story, n_columns, usec) / TIMELINE_EIGHTHS;

        return column < n_columns ? column : n_columns - 1;
}

static void layout_set_ticks(TimelineLayout *layout, const StopStory *story) {
        const int64_t span_usec = layout_span(story);
        const int64_t step_usec = layout_find_step(span_usec, layout->n_columns);
        int64_t at_usec;

        if (step_usec == 0)
                return;
        at_usec = story->begin_usec / step_usec * step_usec; /* begin <= 0: rounds up */
        for (; at_usec - story->begin_usec <= span_usec && layout->n_ticks < TIMELINE_TICKS_MAX;
                at_usec += step_usec) {
                TimelineTick *tick = &layout->ticks[layout->n_ticks++];

                tick->usec = at_usec;
                tick->column = layout_column(story, layout->n_columns, at_usec);
                tick_format(tick, step_usec);
        }
}

/* ---- Rows ------------------------------------------------------------------------------------- */

bool timeline_layout_shows(const StopStory *story, const StoryItem *item) {
        switch (item->kind) {
        case STORY_CAUSE:
        case STORY_NOTE:
        case STORY_LOG:
                return false;
        default:
                return item->end_usec >= story->begin_usec &&
                        item->begin_usec - story->begin_usec <= layout_span(story);
        }
}

static void layout_add_place(
        TimelineLayout *layout, TimelineRow *row, const StopStory *story, const StoryItem *item) {
        TimelinePlace *place = &layout->places[layout->n_places++];
        const unsigned n = layout->n_columns * TIMELINE_EIGHTHS;

        place->item = item;
        place->begin = layout_column(story, layout->n_columns, item->begin_usec) * TIMELINE_EIGHTHS;
        place->end = item->is_span ? layout_position(story, layout->n_columns, item->end_usec) : 0;
        if (place->end < place->begin + TIMELINE_EIGHTHS)
                place->end = place->begin + TIMELINE_EIGHTHS;
        if (place->end > n)
                place->end = n;
        row->n++;
        if (item->tone > row->tone)
                row->tone = item->tone;
}

static TimelineRow *layout_add_row(TimelineLayout *layout, const StoryItem *item) {
        TimelineRow *row = &layout->rows[layout->n_rows++];

        *row = (TimelineRow){
                .label = item->kind == STORY_SYSTEMD ? "systemd" : item->label,
                .is_span = item->is_span,
                .first = layout->n_places,
        };
        return row;
}

static void layout_add_rows(TimelineLayout *layout, const StopStory *story) {
        bool has_systemd = false;

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];
                TimelineRow *row;

                if (!timeline_layout_shows(story, item) ||
                        (item->kind == STORY_SYSTEMD && has_systemd))
                        continue;
                row = layout_add_row(layout, item);
                if (item->kind != STORY_SYSTEMD) {
                        layout_add_place(layout, row, story, item);
                        continue;
                }
                has_systemd = true;
                for (size_t j = i; j < story->n_items; j++)
                        if (story->items[j].kind == STORY_SYSTEMD &&
                                timeline_layout_shows(story, &story->items[j]))
                                layout_add_place(layout, row, story, &story->items[j]);
        }
}

/* What a row is worth when there are too many. */
static int64_t layout_row_worth(const TimelineLayout *layout, const TimelineRow *row) {
        const StoryItem *item = layout->places[row->first].item;

        if (row->tone > TONE_GOOD ||
                (item->kind != STORY_STEP && item->kind != STORY_GATEWAY_PHASE))
                return INT64_MAX;
        return item->end_usec - item->begin_usec;
}

static int worth_compare(const void *a, const void *b) {
        const int64_t *left = a, *right = b;

        return *left < *right ? -1 : *left > *right;
}

static int layout_leave_out(TimelineLayout *layout) {
        size_t n_over = layout->n_rows > TIMELINE_ROWS_MAX ? layout->n_rows - TIMELINE_ROWS_MAX : 0;
        _cleanup_free_ int64_t *worth = NULL;
        size_t n = 0;
        int64_t limit;

        if (n_over == 0)
                return 0;
        worth = reallocarray(NULL, layout->n_rows, sizeof(*worth));
        if (!worth)
                return -ENOMEM;
        for (size_t i = 0; i < layout->n_rows; i++)
                worth[i] = layout_row_worth(layout, &layout->rows[i]);
        qsort(worth, layout->n_rows, sizeof(*worth), worth_compare);
        limit = worth[n_over - 1];
        layout->n_left_out = n_over;
        /* All below the limit go, and of those at it the last ones. */
        for (size_t i = 0; i < layout->n_rows; i++)
                n_over -= worth[i] < limit;
        for (size_t i = layout->n_rows; i-- > 0;) {
                const int64_t own = layout_row_worth(layout, &layout->rows[i]);

                if (own < limit || (own == limit && n_over > 0)) {
                        n_over -= own == limit;
                        layout->rows[i].n = 0;
                }
        }
        for (size_t i = 0; i < layout->n_rows; i++)
                if (layout->rows[i].n > 0)
                        layout->rows[n++] = layout->rows[i];
        layout->n_rows = n;
        return 0;
}

int timeline_layout_compute(
        const StopStory *story, unsigned n_columns, TimelineLayout *ret_layout) {
        _cleanup_(timeline_layout_done) TimelineLayout layout = { .n_columns = n_columns };
        const size_t n_room = story->n_items > 0 ? story->n_items : 1;
        int r;

        assert(story->begin_usec <= 0 && story->end_usec >= 0);
        assert(n_columns > 0);
        assert(ret_layout);

        layout.rows = reallocarray(NULL, n_room, sizeof(*layout.rows));
        layout.places = reallocarray(NULL, n_room, sizeof(*layout.places));
        if (!layout.rows || !layout.places)
                return -ENOMEM;
        layout_set_ticks(&layout, story);
        layout_add_rows(&layout, story);
        r = layout_leave_out(&layout);
        if (r < 0)
                return r;
        *ret_layout = layout;
        layout = (TimelineLayout){};
        return 0;
}

void timeline_layout_done(TimelineLayout *layout) {
        if (!layout)
                return;
        free(layout->rows);
        free(layout->places);
        *layout = (TimelineLayout){};
}
