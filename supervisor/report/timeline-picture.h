/* SPDX-License-Identifier: MIT */
#pragma once

/* Where everything in the picture of a stop goes. All lengths and places are tenths of a pixel, not negative. */

#include "stop-story.h"

#define PICTURE_PX            10 /* tenths */
#define PICTURE_WIDTH         (1200 * PICTURE_PX)
#define PICTURE_LEFT          (150 * PICTURE_PX) /* where the axis begins; names of the lanes before it */
#define PICTURE_EDGE          (1184 * PICTURE_PX) /* nothing is drawn beyond */
#define PICTURE_FONT          (12 * PICTURE_PX)
#define PICTURE_BAR_PAD       (6 * PICTURE_PX) /* between a bar and its label */
#define PICTURE_FLAG_PAD      (8 * PICTURE_PX) /* between a pole and its label */
#define PICTURE_TIME_MAX      USEC_SPAN_MAX
#define PICTURE_TICKS_MAX     32
#define PICTURE_FLAGS_MAX     24
#define PICTURE_DOTS_MAX      2000
#define PICTURE_LANE_BARS_MAX 60

typedef enum PictureLane {
        LANE_PHASES,
        LANE_GATEWAY_PHASES,
        LANE_STEPS,
        _PICTURE_LANE_MAX,
} PictureLane;

typedef struct PictureTick {
        int x;
        char label[PICTURE_TIME_MAX];
} PictureTick;

/* What is shown of a text: its first size bytes. */
typedef struct PictureCut {
        size_t size;
        bool is_cut; /* "…" follows */
} PictureCut;

/* A span, with name and duration inside of it or, where that is too narrow, to its right. */
typedef struct PictureBar {
        const StoryItem *item; /* weak */
        int x, width;
        size_t row; /* in its lane */
        bool is_label_inside;
        int label_x;
        PictureCut name;
        char time[PICTURE_TIME_MAX];
} PictureBar;

/* An instant on a pole above the axis. No label lies on another one or on a pole. */
typedef struct PictureFlag {
        const StoryItem *item; /* weak; NULL: the bound of the drain */
        int x;
        size_t row; /* 0: next to the axis */
        const char *
                text; /* weak; what the item says, without the unit's name before it; NULL: nothing */
        PictureCut name, said;
        char time[PICTURE_TIME_MAX];
} PictureFlag;

/* An instant on the axis, or, of the gateway's log, on a line of its own. */
typedef struct PictureDot {
        const StoryItem *item; /* weak */
        int x;
        int beyond; /* -1, 1: before the axis, behind it; then x is its end */
} PictureDot;

typedef struct Picture {
        const char *unit;             /* weak; NULL: none */
        int64_t begin_usec, end_usec; /* end > begin */
        int right;                    /* where the axis ends */
        int origin_x;                 /* of the stop's beginning */
        int bound_x;                  /* of the drain's end; -1: none, or beyond the axis */
        usec_t beyond_usec;           /* the bound that lies beyond the axis; USEC_INFINITY: none */

        PictureTick ticks[PICTURE_TICKS_MAX];
        size_t n_ticks;
        PictureFlag flags[PICTURE_FLAGS_MAX + 1]; /* from the right to the left */
        size_t n_flags, n_flag_rows;
        PictureDot dots[PICTURE_DOTS_MAX];
        size_t n_dots;
        PictureDot logs[PICTURE_DOTS_MAX];
        size_t n_logs;
        struct {
                PictureBar bars[PICTURE_LANE_BARS_MAX];
                size_t n, n_rows;
        } lanes[_PICTURE_LANE_MAX];

        size_t n_left_out; /* items that are neither bar nor dot, and those that the story has left out */
        size_t n_unnamed; /* dots without a flag */
} Picture;

/* Returns: a new picture, valid as long as the story; NULL: out of memory. */
Picture *picture_new(const StopStory *story) _warn_unused_;
Picture *picture_free(Picture *picture);
DEFINE_POINTER_CLEANUP(Picture, picture_free)

/* How wide a text is at most in a usual sans-serif face. size: bytes; SIZE_MAX: all. */
int picture_text_width(const char *text, size_t size, int font, bool is_bold);
/* As much of the first line of text as width has room for. */
PictureCut picture_text_fit(const char *text, int width, int font, bool is_bold);

/* "850us", "42ms", "1.42s", "31.4s", "1min 15.14s", "2h 3min 20s". Returns: buffer. */
const char *picture_format_duration(char buffer[static PICTURE_TIME_MAX], usec_t duration_usec);
/* The same with "+" or U+2212 before it. */
const char *picture_format_offset(char buffer[static PICTURE_TIME_MAX], int64_t offset_usec);

/* Writes the picture. number: makes ids differ where there are several in a page. is_inline: within a page that
 * has picture_write_style() and a heading of its own.
 * Returns: 0; -ENOMEM. */
int picture_write(FILE *file, const StopStory *story, size_t number, bool is_inline) _warn_unused_;
void picture_write_style(FILE *file);

/* The class of a tone: "plain", "good", "warning", "bad". */
const char *picture_tone_class(StoryTone tone);
