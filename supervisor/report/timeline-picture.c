/* SPDX-License-Identifier: MIT */

/* The geometry of the picture, without a letter of SVG. Above the axis stand instants as flags on poles, below it
 * hang spans as bars, a lane for each kind.
 *
 * Flags: labels are to the right of their poles. They are given rows from the last instant to the first, each one
 * row above the highest pole that its label would lie on; so what came first stands on top, the labels read
 * downwards in their order, and no label can cross another one or a pole, however close instants are. For those
 * near the end the axis leaves room at its right, as much as is needed up to a bound; what is too long even
 * then is cut, and is whole in the tooltip.
 *
 * Bars: each goes to the first row of its lane that is free from its beginning on to the end of its label. Phases follow
 * each other; a few go down like stairs, one a row.
 *
 * What lies beyond the axis: a span is not drawn, an instant stands at the axis' end as an arrow, its label says
 * when it was.
 *
 * Places are integers, made from shares between 0 and 1 of an axis that is never empty: there is no number here
 * that could be infinite or none. The width of text is taken from the widest of the usual faces, so that it is
 * rather too little than too much that is shown. */

#include "timeline-picture.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define PICTURE_SPAN_MIN_USEC ((uint64_t) USEC_PER_MSEC)
#define PICTURE_TICK_GAP      (84 * PICTURE_PX)
#define PICTURE_MARGIN_STEP   (40 * PICTURE_PX)
#define PICTURE_MARGIN_MAX    (280 * PICTURE_PX)
#define PICTURE_NAME_MAX      (300 * PICTURE_PX)
#define PICTURE_FLAG_MAX      (560 * PICTURE_PX)
#define PICTURE_TEXT_MIN      (60 * PICTURE_PX) /* less of a sentence says nothing */
#define PICTURE_SPACE         (6 * PICTURE_PX)
#define PICTURE_ROW_GAP       (10 * PICTURE_PX)
#define PICTURE_BAR_MIN       (3 * PICTURE_PX)
#define PICTURE_CASCADE_MAX   8
#define PICTURE_DOT_GAP       (1 * PICTURE_PX)

/* ---- Text --------------------------------------------------------------------------------------- */

/* Thousandths of the font's size: DejaVu Sans, which is wider than Arial, Helvetica, Segoe or Roboto. */
static int character_width(const char *character, size_t size) {
        if (size != 1)
                return size == 2 ? 720 : size == 3 ? 1000 : 1300;
        if (strchr("ijlI|!.,:;' ", *character))
                return 360;
        if (strchr("ftr()[]{}-/\\\"", *character))
                return 470;
        if (strchr("mMWw%@&<>+=~#", *character))
                return 1000;
        return *character >= 'A' && *character <= 'Z' ? 760 : 640;
}

static int scaled_width(int thousandths, int font, bool is_bold) {
        return (int) ((int64_t) thousandths * font * (is_bold ? 112 : 100) / 100000);
}

/* The next character of a text; what is none counts as U+FFFD. Returns: its bytes; 0: the line is over. */
static size_t character_size(const char *text, size_t left) {
        if (left == 0 || *text == '\0' || *text == '\n')
                return 0;
        return utf8_sequence_size(text, strnlen(text, left < 4 ? left : 4)) ?: 1;
}

int picture_text_width(const char *text, size_t size, int font, bool is_bold) {
        int width = 0;

        for (size_t at = 0, n; (n = character_size(text + at, size - at)) > 0; at += n)
                if (width < PICTURE_WIDTH)
                        width += scaled_width(character_width(text + at, n), font, is_bold);
        return width;
}

PictureCut picture_text_fit(const char *text, int width, int font, bool is_bold) {
        const int dots = scaled_width(1000, font, is_bold);
        size_t at = 0, n, size_with_dots = 0;
        int used = 0;

        for (; (n = character_size(text + at, SIZE_MAX)) > 0; at += n) {
                if (used + dots <= width)
                        size_with_dots = at;
                used += scaled_width(character_width(text + at, n), font, is_bold);
                if (used > width)
                        return (PictureCut){ .size = size_with_dots, .is_cut = true };
        }
        if (text[at] != '\n')
                return (PictureCut){ .size = at };
        return (PictureCut){ .size = used + dots <= width ? at : size_with_dots, .is_cut = true };
}

/* The longer, the less the last part of it says. */
static usec_t duration_accuracy_usec(usec_t duration_usec) {
        if (duration_usec >= USEC_PER_YEAR)
                return USEC_PER_MONTH;
        if (duration_usec >= USEC_PER_MONTH)
                return USEC_PER_DAY;
        return duration_usec >= USEC_PER_DAY ? USEC_PER_MINUTE : USEC_PER_SEC;
}

const char *picture_format_duration(char buffer[static PICTURE_TIME_MAX], usec_t duration_usec) {
        const uint64_t usec = duration_usec, seconds = usec / USEC_PER_SEC;
        const uint64_t hundredths = usec % USEC_PER_SEC / 10000;

        if (usec == 0)
                (void) snprintf(buffer, PICTURE_TIME_MAX, "0s");
        else if (usec < USEC_PER_MSEC)
                (void) snprintf(buffer, PICTURE_TIME_MAX, "%" PRIu64 "us", usec);
        else if (usec < USEC_PER_SEC)
                (void) snprintf(
                        buffer, PICTURE_TIME_MAX, "%" PRIu64 "ms", usec / (uint64_t) USEC_PER_MSEC);
        else if (seconds < 10)
                (void) snprintf(buffer, PICTURE_TIME_MAX, "%" PRIu64 ".%02" PRIu64 "s", seconds,
                        hundredths);
        else if (seconds < 60)
                (void) snprintf(buffer, PICTURE_TIME_MAX, "%" PRIu64 ".%" PRIu64 "s", seconds,
                        hundredths / 10);
        else if (seconds < 600 && hundredths > 0)
                (void) snprintf(buffer, PICTURE_TIME_MAX,
                        "%" PRIu64 "min %" PRIu64 ".%02" PRIu64 "s", seconds / 60, seconds % 60,
                        hundredths);
        else
                return usec_format_span(buffer, usec, duration_accuracy_usec(usec));
        return buffer;
}

const char *picture_format_offset(char buffer[static PICTURE_TIME_MAX], int64_t offset_usec) {
        const usec_t size_usec = offset_usec < 0 ? -(uint64_t) offset_usec : (uint64_t) offset_usec;
        char duration[PICTURE_TIME_MAX];

        (void) snprintf(buffer, PICTURE_TIME_MAX, "%s%.*s", offset_usec < 0 ? "\u2212" : "+",
                PICTURE_TIME_MAX - 4, picture_format_duration(duration, size_usec));
        return buffer;
}

/* ---- The axis ------------------------------------------------------------------------------------- */

static uint64_t span_usec(const Picture *picture) {
        return (uint64_t) picture->end_usec - (uint64_t) picture->begin_usec;
}

/* What lies outside is put to the nearer end. */
static int place_x(const Picture *picture, int64_t at_usec) {
        if (at_usec <= picture->begin_usec)
                return PICTURE_LEFT;
        if (at_usec >= picture->end_usec)
                return picture->right;

        const uint64_t since_usec = (uint64_t) at_usec - (uint64_t) picture->begin_usec;

        return PICTURE_LEFT +
                (int) ((double) since_usec / (double) span_usec(picture) *
                        (picture->right - PICTURE_LEFT));
}

/* The axis as far as the drain was allowed to last, when that adds little; else it is said beside it. */
static void picture_set_span(Picture *picture, const StopStory *story) {
        const usec_t bound_usec =
                story->stop->total_usec == 0 ? USEC_INFINITY : story->stop->drain_usec;
        const bool has_bound = bound_usec > 0 && bound_usec <= INT64_MAX;

        picture->begin_usec = story->begin_usec < 0 ? story->begin_usec : 0;
        picture->end_usec = story->end_usec > 0 ? story->end_usec : 0;
        picture->beyond_usec = USEC_INFINITY;
        if (has_bound && bound_usec / 4 * 3 <= (uint64_t) picture->end_usec) {
                if ((int64_t) bound_usec > picture->end_usec)
                        picture->end_usec = (int64_t) bound_usec;
        } else if (has_bound)
                picture->beyond_usec = bound_usec;
        /* One instant, about: any scale will do. */
        if (span_usec(picture) < PICTURE_SPAN_MIN_USEC)
                picture->end_usec = picture->begin_usec + (int64_t) USEC_PER_SEC;
}

/* 1, 2, 5, 10, … of the largest unit of which two and a half fit; weeks and months divide badly. */
static uint64_t tick_step_usec(uint64_t wanted_usec) {
        static const struct {
                uint64_t unit_usec, end_usec;
        } units[] = {
                { 1, USEC_PER_MINUTE },
                { USEC_PER_MINUTE, USEC_PER_HOUR },
                { USEC_PER_HOUR, USEC_PER_DAY },
                { USEC_PER_DAY, UINT64_MAX },
        };
        static const uint64_t factors[] = { 1, 2, 5 };

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                const uint64_t limit_usec = units[i].end_usec / 5 * 2;

                for (uint64_t ten = units[i].unit_usec; ten <= limit_usec; ten *= 10) {
                        for (size_t k = 0;
                                k < ELEMENTSOF(factors) && ten <= limit_usec / factors[k]; k++)
                                if (ten * factors[k] >= wanted_usec)
                                        return ten * factors[k];
                        if (ten > limit_usec / 10)
                                break;
                }
        }
        return 50000000 * USEC_PER_DAY; /* of all that 64 bits can hold */
}

/* "+1.2s". */
static void tick_set_label(PictureTick *tick, int64_t at_usec) {
        const uint64_t size_usec = at_usec < 0 ? -(uint64_t) at_usec : (uint64_t) at_usec;
        const char *sign = at_usec < 0 ? "\u2212" : at_usec > 0 ? "+" : "";
        char span[USEC_SPAN_MAX];

        (void) snprintf(tick->label, sizeof(tick->label), "%s%.*s", sign, PICTURE_TIME_MAX - 4,
                usec_format_exact(span, size_usec));
}

static void picture_set_ticks(Picture *picture) {
        const uint64_t n_wanted = (uint64_t) ((picture->right - PICTURE_LEFT) / PICTURE_TICK_GAP);
        const int64_t step_usec = (int64_t) tick_step_usec(span_usec(picture) / n_wanted + 1);
        int64_t at_usec = picture->begin_usec / step_usec * step_usec;

        picture->n_ticks = 0;
        while (at_usec <= picture->end_usec && picture->n_ticks < PICTURE_TICKS_MAX) {
                PictureTick *tick = &picture->ticks[picture->n_ticks++];

                tick->x = place_x(picture, at_usec);
                tick_set_label(tick, at_usec);
                if (__builtin_add_overflow(at_usec, step_usec, &at_usec))
                        break;
        }
}

/* ---- What is shown ------------------------------------------------------------------------------- */

static PictureLane item_lane(const StoryItem *item) {
        switch (item->kind) {
        case STORY_PHASE:
                return LANE_PHASES;
        case STORY_GATEWAY_PHASE:
                return LANE_GATEWAY_PHASES;
        case STORY_STEP:
                return LANE_STEPS;
        default:
                return _PICTURE_LANE_MAX;
        }
}

/* A span that has no part on the axis. */
static bool item_is_beyond(const Picture *picture, const StoryItem *item) {
        return item->begin_usec > picture->end_usec || item->end_usec < picture->begin_usec;
}

static int flag_weight(const StoryItem *item) {
        switch (item->kind) {
        case STORY_STARTED:
        case STORY_READY:
                return 0;
        case STORY_NOTE:
        case STORY_SYSTEMD:
        case STORY_LEFTOVER:
                return 2 + 2 * (int) item->tone;
        default:
                return 4 + 2 * (int) item->tone;
        }
}

static uint64_t item_duration_usec(const StoryItem *item) {
        return item->end_usec > item->begin_usec
                ? (uint64_t) item->end_usec - (uint64_t) item->begin_usec
                : 0;
}

/* Whether a matters more than b: by tone, then by duration. Of equals the first one. */
static bool bar_is_above(const StoryItem *a, const StoryItem *b) {
        if (a->tone != b->tone)
                return a->tone > b->tone;
        return item_duration_usec(a) > item_duration_usec(b);
}

static bool flag_is_above(const StoryItem *a, const StoryItem *b) {
        return flag_weight(a) > flag_weight(b);
}

/* A bounded choice of items, those that matter most first. */
typedef struct Choice {
        const StoryItem *items[PICTURE_LANE_BARS_MAX];
        size_t n, n_max, n_passed;
        bool (*is_above)(const StoryItem *a, const StoryItem *b);
} Choice;

static_assert(PICTURE_FLAGS_MAX <= PICTURE_LANE_BARS_MAX, "a choice holds either");

static void choice_offer(Choice *choice, const StoryItem *item) {
        size_t at = choice->n;

        while (at > 0 && choice->is_above(item, choice->items[at - 1]))
                at--;
        if (choice->n == choice->n_max) {
                choice->n_passed++;
                if (at == choice->n)
                        return;
        } else
                choice->n++;
        memmove(&choice->items[at + 1], &choice->items[at],
                (choice->n - at - 1) * sizeof(choice->items[0]));
        choice->items[at] = item;
}

/* Items lie in one array, in the order of time. */
static int compare_items(const void *a, const void *b) {
        const StoryItem *const *x = a, *const *y = b;

        return (*x > *y) - (*x < *y);
}

static void choice_sort(Choice *choice) {
        qsort(choice->items, choice->n, sizeof(choice->items[0]), compare_items);
}

/* ---- Bars ------------------------------------------------------------------------------------------- */

/* Returns: whether the label is as long as it should be. */
static bool bar_set_label(PictureBar *bar) {
        const int time =
                PICTURE_SPACE + picture_text_width(bar->time, SIZE_MAX, PICTURE_FONT, false);
        const PictureCut wanted =
                picture_text_fit(bar->item->label, PICTURE_NAME_MAX, PICTURE_FONT, true);
        const int name = picture_text_width(bar->item->label, wanted.size, PICTURE_FONT, true) +
                (wanted.is_cut ? PICTURE_FONT : 0);
        int room;

        bar->name = wanted;
        bar->is_label_inside = name + time + 2 * PICTURE_BAR_PAD <= bar->width;
        bar->label_x = bar->x + PICTURE_BAR_PAD + (bar->is_label_inside ? 0 : bar->width);
        if (bar->is_label_inside)
                return true;
        room = PICTURE_EDGE - bar->label_x - time;
        if (name <= room)
                return true;
        bar->name = picture_text_fit(bar->item->label, room, PICTURE_FONT, true);
        return false;
}

static int bar_end(const PictureBar *bar) {
        const int end = bar->x + bar->width;

        if (bar->is_label_inside)
                return end;
        return bar->label_x +
                picture_text_width(bar->item->label, bar->name.size, PICTURE_FONT, true) +
                (bar->name.is_cut ? PICTURE_FONT : 0) + PICTURE_SPACE +
                picture_text_width(bar->time, SIZE_MAX, PICTURE_FONT, false);
}

static void bar_set_place(const Picture *picture, PictureBar *bar, const StoryItem *item) {
        *bar = (PictureBar){ .item = item, .x = place_x(picture, item->begin_usec) };
        bar->width = place_x(picture, item->end_usec) - bar->x;
        if (bar->width < PICTURE_BAR_MIN)
                bar->width = PICTURE_BAR_MIN;
        (void) picture_format_duration(bar->time, item_duration_usec(item));
}

static bool picture_set_lane(Picture *picture, PictureLane lane, const Choice *choice) {
        const bool is_cascade = lane != LANE_STEPS && choice->n <= PICTURE_CASCADE_MAX;
        int ends[PICTURE_LANE_BARS_MAX] = {};
        bool has_room = true;

        picture->lanes[lane].n = choice->n;
        picture->lanes[lane].n_rows = 0;
        for (size_t i = 0; i < choice->n; i++) {
                PictureBar *bar = &picture->lanes[lane].bars[i];
                size_t row;

                bar_set_place(picture, bar, choice->items[i]);
                has_room &= bar_set_label(bar);
                for (row = is_cascade ? i : 0; ends[row] > bar->x;)
                        row++;
                bar->row = row;
                ends[row] = bar_end(bar) + PICTURE_ROW_GAP;
                if (row >= picture->lanes[lane].n_rows)
                        picture->lanes[lane].n_rows = row + 1;
        }
        return has_room;
}

/* ---- Flags ------------------------------------------------------------------------------------------ */

static const char *flag_name(const PictureFlag *flag) {
        return flag->item ? flag->item->label : "drain bound";
}

static int cut_width(const char *text, PictureCut cut, bool is_bold) {
        return picture_text_width(text, cut.size, PICTURE_FONT, is_bold) +
                (cut.is_cut ? PICTURE_FONT : 0);
}

static int flag_width(const PictureFlag *flag) {
        int width = PICTURE_FLAG_PAD +
                picture_text_width(flag->time, SIZE_MAX, PICTURE_FONT, false) + PICTURE_SPACE +
                cut_width(flag_name(flag), flag->name, true);

        if (flag->said.size > 0)
                width += PICTURE_SPACE + cut_width(flag->text, flag->said, false);
        return width;
}

/* Returns: whether it is as long as it should be. */
static bool flag_set_label(PictureFlag *flag) {
        const char *text = flag->text;
        const int room = PICTURE_EDGE - flag->x;
        int left, bound = room < PICTURE_FLAG_MAX ? room : PICTURE_FLAG_MAX;

        flag->said = (PictureCut){};
        flag->name = (PictureCut){};
        left = bound - flag_width(flag);
        flag->name = picture_text_fit(flag_name(flag),
                left < PICTURE_NAME_MAX ? left : PICTURE_NAME_MAX, PICTURE_FONT, true);
        left = bound - flag_width(flag) - PICTURE_SPACE;
        if (text && *text && left >= PICTURE_TEXT_MIN)
                flag->said = picture_text_fit(text, left, PICTURE_FONT, false);
        return bound >= PICTURE_MARGIN_MAX ||
                (flag_width(flag) <= bound && !flag->name.is_cut &&
                        (!text || (flag->said.size > 0 && !flag->said.is_cut)));
}

/* Flags come from the right to the left: those that are placed stand at x or behind it. */
static void flag_set_row(Picture *picture, size_t i) {
        PictureFlag *flag = &picture->flags[i];
        const int end = flag->x + flag_width(flag) + PICTURE_ROW_GAP;

        flag->row = 0;
        for (size_t k = 0; k < i; k++)
                if (picture->flags[k].x <= end && picture->flags[k].row >= flag->row)
                        flag->row = picture->flags[k].row + 1;
        if (flag->row >= picture->n_flag_rows)
                picture->n_flag_rows = flag->row + 1;
}

/* systemd begins its lines with the unit, of which all of this is. */
static const char *text_without_unit(const char *text, const char *unit) {
        const size_t size = unit ? strlen(unit) : 0;

        return size > 0 && strncmp(text, unit, size) == 0 && strncmp(text + size, ": ", 2) == 0
                ? text + size + 2
                : text;
}

static void picture_add_flag(Picture *picture, const StoryItem *item, int64_t at_usec) {
        PictureFlag *flag = &picture->flags[picture->n_flags++];

        *flag = (PictureFlag){ .item = item, .x = place_x(picture, at_usec) };
        if (item && item->text)
                flag->text = text_without_unit(item->text, picture->unit);
        (void) picture_format_offset(flag->time, at_usec);
}

static bool picture_set_flags(Picture *picture, const Choice *choice, usec_t bound_usec) {
        bool has_bound = picture->bound_x >= 0, has_room = true;

        picture->n_flags = picture->n_flag_rows = 0;
        for (size_t i = choice->n; i-- > 0;) {
                if (has_bound && choice->items[i]->begin_usec <= (int64_t) bound_usec) {
                        picture_add_flag(picture, NULL, (int64_t) bound_usec);
                        has_bound = false;
                }
                picture_add_flag(picture, choice->items[i], choice->items[i]->begin_usec);
        }
        if (has_bound)
                picture_add_flag(picture, NULL, (int64_t) bound_usec);
        for (size_t i = 0; i < picture->n_flags; i++) {
                has_room &= flag_set_label(&picture->flags[i]);
                flag_set_row(picture, i);
        }
        return has_room;
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

/* Of dots of one tone that would lie on each other the first one stands for all. */
static void picture_add_dot(Picture *picture, PictureDot *dots, size_t *n, const StoryItem *item) {
        const int x = place_x(picture, item->begin_usec);

        for (size_t i = *n; i > 0 && x - dots[i - 1].x < PICTURE_DOT_GAP; i--)
                if (dots[i - 1].item->tone == item->tone)
                        return;
        if (*n == PICTURE_DOTS_MAX) {
                picture->n_left_out++;
                return;
        }
        dots[(*n)++] = (PictureDot){
                .item = item,
                .x = x,
                .beyond = (item->begin_usec > picture->end_usec) -
                        (item->begin_usec < picture->begin_usec),
        };
}

static void picture_set_dots(Picture *picture, const StopStory *story) {
        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];

                if (item->kind == STORY_LOG)
                        picture_add_dot(picture, picture->logs, &picture->n_logs, item);
                else if (item_lane(item) == _PICTURE_LANE_MAX)
                        picture_add_dot(picture, picture->dots, &picture->n_dots, item);
        }
}

/* Places everything on an axis that ends at picture->right. Returns: whether there is room for all labels. */
static bool picture_place(
        Picture *picture, const StopStory *story, const Choice *lanes, const Choice *flags) {
        const usec_t bound_usec = story->stop->drain_usec;
        const bool has_bound = story->stop->total_usec != 0 && bound_usec > 0 &&
                bound_usec <= INT64_MAX && picture->beyond_usec == USEC_INFINITY;
        bool has_room = true;

        picture->origin_x = place_x(picture, 0);
        picture->bound_x = has_bound ? place_x(picture, (int64_t) bound_usec) : -1;
        picture_set_ticks(picture);
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++)
                has_room &= picture_set_lane(picture, lane, &lanes[lane]);
        return picture_set_flags(picture, flags, bound_usec) && has_room;
}

Picture *picture_new(const StopStory *story) {
        Choice lanes[_PICTURE_LANE_MAX],
                flags = { .n_max = PICTURE_FLAGS_MAX, .is_above = flag_is_above };
        Picture *picture = calloc(1, sizeof(*picture));

        if (!picture)
                return NULL;
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++)
                lanes[lane] = (Choice){ .n_max = PICTURE_LANE_BARS_MAX, .is_above = bar_is_above };
        picture_set_span(picture, story);
        for (size_t i = 0; i < story->n_items; i++) {
                const PictureLane lane = item_lane(&story->items[i]);

                if (lane != _PICTURE_LANE_MAX && item_is_beyond(picture, &story->items[i]))
                        picture->n_left_out++;
                else if (lane != _PICTURE_LANE_MAX)
                        choice_offer(&lanes[lane], &story->items[i]);
                else if (story->items[i].kind != STORY_LOG)
                        choice_offer(&flags, &story->items[i]);
        }
        picture->unit = story->stop->unit;
        picture->n_left_out += story->n_left_out;
        picture->n_unnamed = flags.n_passed;
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++) {
                picture->n_left_out += lanes[lane].n_passed;
                choice_sort(&lanes[lane]);
        }
        choice_sort(&flags);
        for (int margin = 0; margin <= PICTURE_MARGIN_MAX; margin += PICTURE_MARGIN_STEP) {
                picture->right = PICTURE_EDGE - margin;
                if (picture_place(picture, story, lanes, &flags))
                        break;
        }
        picture_set_dots(picture, story);
        return picture;
}

Picture *picture_free(Picture *picture) {
        free(picture);
        return NULL;
}
