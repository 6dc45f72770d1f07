/* SPDX-License-Identifier: MIT */

/* The picture as SVG: what timeline-picture.h has placed, drawn. It carries all that it needs: no script, no
 * font, no link; a style with two sets of colours, of which the viewer takes the one that it prefers.
 *
 * Colours come as plain rules, not as variables, since viewers that are no browsers know none. No colour is
 * the only carrier of what it says: bars of what ran over are hatched one way, of what was forced or failed
 * the other way and with a thicker edge, and the dots of flags differ in shape. Each bar and each dot has its
 * sentence as a tooltip.
 *
 * Places are written as integers of tenths, so that neither locale nor floating point gets into the file. */

#include <string.h>

#include "timeline-picture.h"
#include "timestamp.h"
#include "xml-text.h"

#define PX(tenths) (tenths) / 10, (tenths) % 10
#define PX_FMT     "%d.%d"

#define ROW_FLAG   (18 * PICTURE_PX)
#define ROW_BAR    (24 * PICTURE_PX)
#define BAR_HEIGHT (18 * PICTURE_PX)
#define BASELINE   (13 * PICTURE_PX) /* of a label, from the top of its row */
#define LANE_GAP   (12 * PICTURE_PX)
#define LANE_NAME  (16 * PICTURE_PX) /* where the lanes' names begin */
#define HEADING    (96 * PICTURE_PX)

static const char *const tone_classes[_STORY_TONE_MAX] = {
        [TONE_PLAIN] = "plain",
        [TONE_GOOD] = "good",
        [TONE_WARNING] = "warning",
        [TONE_BAD] = "bad",
};

static const char *const lane_names[_PICTURE_LANE_MAX] = {
        [LANE_PHASES] = "Stop schedule",
        [LANE_GATEWAY_PHASES] = "Gateway’s phases",
        [LANE_STEPS] = "Steps",
};

/* What there is to draw with. */
typedef struct Drawing {
        FILE *file;
        const StopStory *story;
        const Picture *picture;
        size_t number;
        bool is_inline;
        int axis_y, lanes_y, log_y, bottom_y, height;
} Drawing;

const char *picture_tone_class(StoryTone tone) {
        return tone_classes[tone >= 0 && tone < _STORY_TONE_MAX ? tone : TONE_PLAIN];
}

/* Each pair of text and what is behind it has a contrast of 4.5 or more, hatching included. */
void picture_write_style(FILE *file) {
        (void) fputs(
                ".gw{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"
                ".gw text{fill:#1f2328}\n"
                ".gw .ground{fill:#fff}\n"
                ".gw .name{font-weight:600}\n"
                ".gw .soft{fill:#57606a}\n"
                ".gw .title{font-size:22px;font-weight:600}\n"
                ".gw .say{font-size:14px}\n"
                ".gw .grid{stroke:#e4e8ec;stroke-width:1}\n"
                ".gw .axis{stroke:#57606a;stroke-width:1.5}\n"
                ".gw .origin{stroke:#57606a;stroke-width:1}\n"
                ".gw .bound{stroke:#8250df;stroke-width:1.5;stroke-dasharray:6 4;fill:none}\n"
                ".gw .pole{stroke:#afb8c1;stroke-width:1}\n"
                ".gw .out{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\n"
                ".gw .bar,.gw .dot{stroke-width:1}\n"
                ".gw .bar.bad{stroke-width:2}\n"
                ".gw .plain{fill:#d3e5fb;stroke:#2a6cb5}\n"
                ".gw .good{fill:#c9ecd2;stroke:#1a7f37}\n"
                ".gw .warning{fill:#fdeab5;stroke:#8a5a00}\n"
                ".gw .bad{fill:#ffdad6;stroke:#b3261e}\n"
                ".gw .dot.plain{fill:#2a6cb5}.gw .dot.good{fill:#1a7f37}\n"
                ".gw .dot.warning{fill:#8a5a00}.gw .dot.bad{fill:#b3261e}\n"
                ".gw .hatch-warning{stroke:#f3cf73;stroke-width:3}\n"
                ".gw .hatch-bad{stroke:#ffb3ab;stroke-width:3}\n"
                ".gw .on-plain{fill:#0a3562}.gw .on-good{fill:#0b3d1a}\n"
                ".gw .on-warning{fill:#452c00}.gw .on-bad{fill:#5c0a06}\n"
                "@media screen and (prefers-color-scheme:dark){\n"
                ".gw text{fill:#e6edf3}\n"
                ".gw .ground{fill:#11161c}\n"
                ".gw .soft{fill:#a3afbb}\n"
                ".gw .grid{stroke:#242c35}\n"
                ".gw .axis,.gw .origin{stroke:#8b98a5}\n"
                ".gw .bound{stroke:#bc9bff}\n"
                ".gw .pole{stroke:#56616d}\n"
                ".gw .out{stroke:#11161c}\n"
                ".gw .plain{fill:#1b3858;stroke:#6cb0ff}\n"
                ".gw .good{fill:#15402a;stroke:#56d37a}\n"
                ".gw .warning{fill:#493706;stroke:#e3b341}\n"
                ".gw .bad{fill:#56191a;stroke:#ff8a80}\n"
                ".gw .dot.plain{fill:#6cb0ff}.gw .dot.good{fill:#56d37a}\n"
                ".gw .dot.warning{fill:#e3b341}.gw .dot.bad{fill:#ff8a80}\n"
                ".gw .hatch-warning{stroke:#66500f}\n"
                ".gw .hatch-bad{stroke:#792928}\n"
                ".gw .on-plain{fill:#d6e8ff}.gw .on-good{fill:#cdf7d9}\n"
                ".gw .on-warning{fill:#ffefc2}.gw .on-bad{fill:#ffe2de}\n"
                "}\n",
                file);
}

/* ---- Pieces ----------------------------------------------------------------------------------------- */

static void write_cut(FILE *file, const char *text, PictureCut cut) {
        xml_write_part(file, text, cut.size, XML_LINE);
        if (cut.is_cut)
                (void) fputs("…", file);
}

/* One line of text that is cut to width, as the content of an element. */
static void write_fit(FILE *file, const char *text, int width, int font, bool is_bold) {
        write_cut(file, text, picture_text_fit(text, width, font, is_bold));
}

static void draw_line(const Drawing *drawing, const char *class, int x1, int y1, int x2, int y2) {
        (void) fprintf(drawing->file,
                "<line class=\"%s\" x1=\"" PX_FMT "\" y1=\"" PX_FMT "\" x2=\"" PX_FMT
                "\" y2=\"" PX_FMT "\"/>\n",
                class, PX(x1), PX(y1), PX(x2), PX(y2));
}

static void begin_text(const Drawing *drawing, const char *class, int x, int y) {
        (void) fprintf(drawing->file, "<text class=\"%s\" x=\"" PX_FMT "\" y=\"" PX_FMT "\">",
                class, PX(x), PX(y));
}

/* label, time and sentence, for who points at it. */
static void write_tooltip(FILE *file, const StoryItem *item) {
        char offset[PICTURE_TIME_MAX], duration[PICTURE_TIME_MAX];

        (void) fprintf(file, "<title>%s ", picture_format_offset(offset, item->begin_usec));
        xml_write(file, item->label, XML_LINE);
        if (item->is_span && item->end_usec >= item->begin_usec)
                (void) fprintf(file, ", %s",
                        picture_format_duration(
                                duration, (uint64_t) item->end_usec - (uint64_t) item->begin_usec));
        if (item->text) {
                (void) fputs(": ", file);
                xml_write(file, item->text, XML_LINES);
        }
        if (item->source) {
                (void) fputs(" (", file);
                xml_write(file, item->source, XML_LINE);
                (void) fputs(")", file);
        }
        (void) fputs("</title>", file);
}

/* A circle, a diamond, a square: by tone; an arrow: it lies beyond the axis. */
static void draw_dot(const Drawing *drawing, const PictureDot *dot, int y) {
        FILE *file = drawing->file;
        const StoryTone tone = dot->item->tone;
        const int x = dot->x, r = 4 * PICTURE_PX;

        (void) fprintf(file, "<g class=\"dot %s\">", picture_tone_class(tone));
        write_tooltip(file, dot->item);
        if (dot->beyond != 0)
                (void) fprintf(file,
                        "<polygon points=\"" PX_FMT "," PX_FMT " " PX_FMT "," PX_FMT " " PX_FMT
                        "," PX_FMT "\"/>",
                        PX(x + dot->beyond * 2 * r), PX(y), PX(x), PX(y - r), PX(x), PX(y + r));
        else if (tone == TONE_WARNING || tone == TONE_BAD)
                (void) fprintf(file,
                        "<rect x=\"" PX_FMT "\" y=\"" PX_FMT "\" width=\"8\" height=\"8\"",
                        PX(x - r), PX(y - r));
        else
                (void) fprintf(file, "<circle cx=\"" PX_FMT "\" cy=\"" PX_FMT "\" r=\"4\"/>", PX(x),
                        PX(y));
        if (dot->beyond == 0 && tone == TONE_WARNING)
                (void) fprintf(
                        file, " transform=\"rotate(45 " PX_FMT " " PX_FMT ")\"", PX(x), PX(y));
        if (dot->beyond == 0 && (tone == TONE_WARNING || tone == TONE_BAD))
                (void) fputs("/>", file);
        (void) fputs("</g>\n", file);
}

/* The worst ones on top. */
static void draw_dots(const Drawing *drawing, const PictureDot *dots, size_t n, int y) {
        for (StoryTone tone = 0; tone < _STORY_TONE_MAX; tone++)
                for (size_t i = 0; i < n; i++)
                        if (dots[i].item->tone == tone)
                                draw_dot(drawing, &dots[i], y);
}

/* ---- Heading ------------------------------------------------------------------------------------------ */

static void draw_badge(const Drawing *drawing) {
        const PastStop *stop = drawing->story->stop;
        const char *word = past_stop_outcome_word(stop),
                   *class = picture_tone_class(story_tone_of_stop(stop));
        const int font = 15 * PICTURE_PX;
        const PictureCut cut = picture_text_fit(word, 200 * PICTURE_PX, font, true);
        const int width = picture_text_width(word, cut.size, font, true) + 32 * PICTURE_PX;
        const int x = PICTURE_EDGE - width;

        (void) fprintf(drawing->file,
                "<g class=\"badge\"><rect class=\"bar %s\" x=\"" PX_FMT
                "\" y=\"14\" width=\"" PX_FMT
                "\" height=\"28\" rx=\"14\"/><text class=\"on-%s name\" font-size=\"15\" "
                "text-anchor=\"middle\" x=\"" PX_FMT "\" y=\"33.5\">",
                class, PX(x), PX(width), class, PX(x + width / 2));
        write_cut(drawing->file, word, cut);
        (void) fputs("</text></g>\n", drawing->file);
}

static void draw_heading(const Drawing *drawing, const char *unit, const char *party) {
        const PastStop *stop = drawing->story->stop;
        FILE *file = drawing->file;
        char when[TIMESTAMP_MAX];

        begin_text(drawing, "title", LANE_NAME, 36 * PICTURE_PX);
        write_fit(file, unit, 880 * PICTURE_PX, 22 * PICTURE_PX, true);
        (void) fputs("</text>\n", file);
        draw_badge(drawing);

        begin_text(drawing, "say soft", LANE_NAME, 60 * PICTURE_PX);
        write_fit(file, stop->host ?: "-", 400 * PICTURE_PX, 14 * PICTURE_PX, false);
        (void) fputs(" · ", file);
        xml_write(file,
                timestamp_format(when, drawing->story->origin_realtime_usec, TIMESTAMP_FULL, false),
                XML_LINE);
        if (strcmp(party, "-") != 0) {
                (void) fputs(" · ", file);
                write_fit(file, party, 380 * PICTURE_PX, 14 * PICTURE_PX, false);
        }
        (void) fputs("</text>\n", file);

        begin_text(drawing, "say", LANE_NAME, 82 * PICTURE_PX);
        (void) fputs("<tspan class=\"name\">", file);
        write_fit(file, past_stop_cause_word(stop), 250 * PICTURE_PX, 14 * PICTURE_PX, true);
        (void) fputs("</tspan>", file);
        if (stop->cause_detail) {
                (void) fputs(": ", file);
                write_fit(file, stop->cause_detail, 900 * PICTURE_PX, 14 * PICTURE_PX, false);
        }
        (void) fputs("</text>\n", file);
}

/* ---- Axis, flags, bars ------------------------------------------------------------------------------- */

static void draw_axis(const Drawing *drawing) {
        const Picture *picture = drawing->picture;
        const int y = drawing->axis_y;

        for (size_t i = 0; i < picture->n_ticks; i++)
                draw_line(drawing, "grid", picture->ticks[i].x, y, picture->ticks[i].x,
                        drawing->bottom_y);
        if (picture->begin_usec < 0)
                draw_line(drawing, "origin", picture->origin_x, y, picture->origin_x,
                        drawing->bottom_y);
        draw_line(drawing, "axis", PICTURE_LEFT, y, picture->right, y);
        for (size_t i = 0; i < picture->n_ticks; i++) {
                const PictureTick *tick = &picture->ticks[i];
                const int width = picture_text_width(tick->label, SIZE_MAX, 11 * PICTURE_PX, false);

                /* The last one may stand at the very edge. */
                if (tick->x + width / 2 > PICTURE_EDGE)
                        continue;
                draw_line(drawing, "axis", tick->x, y, tick->x, y + 5 * PICTURE_PX);
                (void) fprintf(drawing->file,
                        "<text class=\"soft tick\" font-size=\"11\" text-anchor=\"middle\" "
                        "x=\"" PX_FMT "\" y=\"" PX_FMT "\">%s</text>\n",
                        PX(tick->x), PX(y + 18 * PICTURE_PX), tick->label);
        }
}

static int flag_y(const Drawing *drawing, size_t row) {
        return drawing->axis_y - (int) (row + 1) * ROW_FLAG - 4 * PICTURE_PX;
}

static void draw_flag(const Drawing *drawing, const PictureFlag *flag) {
        FILE *file = drawing->file;
        const int y = flag_y(drawing, flag->row);

        (void) fprintf(file, "<g class=\"flag\">");
        if (flag->item)
                write_tooltip(file, flag->item);
        begin_text(drawing, "label", flag->x + PICTURE_FLAG_PAD, y + BASELINE);
        (void) fprintf(file, "<tspan class=\"soft\">%s</tspan> <tspan class=\"name\">", flag->time);
        write_cut(file, flag->item ? flag->item->label : "drain bound", flag->name);
        (void) fputs("</tspan>", file);
        if (flag->said.size > 0) {
                (void) fputs(" <tspan class=\"soft\">", file);
                write_cut(file, flag->text, flag->said);
                (void) fputs("</tspan>", file);
        }
        (void) fputs("</text></g>\n", file);
}

static void draw_flags(const Drawing *drawing) {
        const Picture *picture = drawing->picture;

        for (size_t i = 0; i < picture->n_flags; i++) {
                const PictureFlag *flag = &picture->flags[i];

                draw_line(drawing, flag->item ? "pole" : "bound", flag->x,
                        flag_y(drawing, flag->row) + 3 * PICTURE_PX, flag->x, drawing->axis_y);
                if (!flag->item)
                        draw_line(drawing, "bound", flag->x, drawing->axis_y + 24 * PICTURE_PX,
                                flag->x, drawing->bottom_y);
        }
        for (size_t i = 0; i < picture->n_flags; i++)
                draw_flag(drawing, &picture->flags[i]);
        draw_dots(drawing, picture->dots, picture->n_dots, drawing->axis_y);
}

static void draw_bar_rect(const Drawing *drawing, const PictureBar *bar, int y) {
        const char *class = picture_tone_class(bar->item->tone);
        const int time = picture_text_width(bar->time, SIZE_MAX, PICTURE_FONT, false);
        const int name = picture_text_width(bar->item->label, bar->name.size, PICTURE_FONT, true);
        int x = bar->x;

        (void) fprintf(drawing->file,
                "<rect class=\"bar %s\" x=\"" PX_FMT "\" y=\"" PX_FMT "\" width=\"" PX_FMT
                "\" height=\"" PX_FMT "\" rx=\"2\"/>",
                class, PX(bar->x), PX(y), PX(bar->width), PX(BAR_HEIGHT));
        if (bar->item->tone < TONE_WARNING)
                return;
        /* What is written on a bar stands on its plain colour. */
        if (bar->is_label_inside)
                x = bar->label_x + name + (bar->name.is_cut ? PICTURE_FONT : 0) + time +
                        2 * PICTURE_BAR_PAD;
        if (x < bar->x + bar->width)
                (void) fprintf(drawing->file,
                        "<rect class=\"hatch\" x=\"" PX_FMT "\" y=\"" PX_FMT "\" width=\"" PX_FMT
                        "\" height=\"" PX_FMT "\" rx=\"2\" fill=\"url(#gw-%s-%zu)\"/>",
                        PX(x), PX(y), PX(bar->x + bar->width - x), PX(BAR_HEIGHT), class,
                        drawing->number);
}

static void draw_bar(const Drawing *drawing, const PictureBar *bar, int y) {
        FILE *file = drawing->file;

        (void) fputs("<g class=\"span\">", file);
        write_tooltip(file, bar->item);
        draw_bar_rect(drawing, bar, y);
        (void) fprintf(file,
                "<text class=\"%s%s\" x=\"" PX_FMT "\" y=\"" PX_FMT "\"><tspan class=\"name\">",
                bar->is_label_inside ? "on-" : "out",
                bar->is_label_inside ? picture_tone_class(bar->item->tone) : "", PX(bar->label_x),
                PX(y + BASELINE));
        write_cut(file, bar->item->label, bar->name);
        (void) fprintf(file, "</tspan> %s</text></g>\n", bar->time);
}

static void draw_lanes(const Drawing *drawing) {
        const Picture *picture = drawing->picture;
        int y = drawing->lanes_y;

        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++) {
                if (picture->lanes[lane].n == 0)
                        continue;
                begin_text(drawing, "soft lane", LANE_NAME, y + BASELINE);
                (void) fprintf(drawing->file, "%s</text>\n", lane_names[lane]);
                for (size_t i = 0; i < picture->lanes[lane].n; i++) {
                        const PictureBar *bar = &picture->lanes[lane].bars[i];

                        draw_bar(drawing, bar, y + (int) bar->row * ROW_BAR);
                }
                y += (int) picture->lanes[lane].n_rows * ROW_BAR + LANE_GAP;
        }
        if (picture->n_logs > 0) {
                begin_text(drawing, "soft lane", LANE_NAME, drawing->log_y + BASELINE);
                (void) fputs("Its last lines</text>\n", drawing->file);
        }
        draw_dots(drawing, picture->logs, picture->n_logs, drawing->log_y + ROW_FLAG / 2);
}

/* ---- Legend ------------------------------------------------------------------------------------------ */

/* Returns: where the next one begins. */
static int draw_key(const Drawing *drawing, int x, int y, StoryTone tone, const char *text) {
        const char *class = picture_tone_class(tone);

        for (int pass = 0; pass < (tone >= TONE_WARNING ? 2 : 1); pass++) {
                (void) fprintf(drawing->file, "<rect class=\"%s%s\"", pass ? "hatch" : "bar ",
                        pass ? "" : class);
                if (pass > 0)
                        (void) fprintf(
                                drawing->file, " fill=\"url(#gw-%s-%zu)\"", class, drawing->number);
                (void) fprintf(drawing->file,
                        " x=\"" PX_FMT "\" y=\"" PX_FMT "\" width=\"22\" height=\"12\" rx=\"2\"/>",
                        PX(x), PX(y + 3 * PICTURE_PX));
        }
        begin_text(drawing, "soft", x + 28 * PICTURE_PX, y + BASELINE);
        (void) fprintf(drawing->file, "%s</text>\n", text);
        return x + 52 * PICTURE_PX + picture_text_width(text, SIZE_MAX, PICTURE_FONT, false);
}

static void write_omissions(const Drawing *drawing) {
        const Picture *picture = drawing->picture;
        const char *separator = "";
        char span[USEC_SPAN_MAX];

        if (drawing->story->n_items == 0) {
                (void) fputs(
                        "The journal has nothing about the course of this stop", drawing->file);
                separator = " · ";
        }
        if (picture->beyond_usec != USEC_INFINITY) {
                (void) fprintf(drawing->file, "%sDrain bound +%s, beyond this axis", separator,
                        usec_format_exact(span, picture->beyond_usec));
                separator = " · ";
        }
        if (picture->n_unnamed > 0) {
                (void) fprintf(
                        drawing->file, "%s%zu dots without a label", separator, picture->n_unnamed);
                separator = " · ";
        }
        if (picture->n_left_out > 0)
                (void) fprintf(
                        drawing->file, "%s%zu more are not drawn", separator, picture->n_left_out);
}

static bool has_tone(const Picture *picture, StoryTone tone) {
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++)
                for (size_t i = 0; i < picture->lanes[lane].n; i++)
                        if (picture->lanes[lane].bars[i].item->tone == tone)
                                return true;
        return false;
}

/* Only of what there is. */
static void draw_legend(const Drawing *drawing) {
        static const char *const names[_STORY_TONE_MAX] = {
                [TONE_PLAIN] = "in time",
                [TONE_GOOD] = "ended well",
                [TONE_WARNING] = "ran over",
                [TONE_BAD] = "forced or failed",
        };
        const int y = drawing->bottom_y + 14 * PICTURE_PX;
        int x = PICTURE_LEFT;

        for (StoryTone tone = 0; tone < _STORY_TONE_MAX; tone++)
                if (has_tone(drawing->picture, tone))
                        x = draw_key(drawing, x, y, tone, names[tone]);
        begin_text(drawing, "soft omissions", x, y + BASELINE);
        write_omissions(drawing);
        (void) fputs("</text>\n", drawing->file);
}

/* ---- The whole ---------------------------------------------------------------------------------------- */

static void drawing_set_places(Drawing *drawing) {
        const Picture *picture = drawing->picture;
        int y = drawing->is_inline ? 0 : HEADING;

        drawing->axis_y = y + (int) picture->n_flag_rows * ROW_FLAG + 14 * PICTURE_PX;
        drawing->lanes_y = y = drawing->axis_y + 32 * PICTURE_PX;
        for (PictureLane lane = 0; lane < _PICTURE_LANE_MAX; lane++)
                if (picture->lanes[lane].n > 0)
                        y += (int) picture->lanes[lane].n_rows * ROW_BAR + LANE_GAP;
        drawing->log_y = y;
        if (picture->n_logs > 0)
                y += ROW_FLAG + LANE_GAP;
        drawing->bottom_y = y;
        drawing->height = y + 44 * PICTURE_PX;
}

static void write_hatch(const Drawing *drawing, StoryTone tone, int degrees) {
        const char *class = picture_tone_class(tone);

        (void) fprintf(drawing->file,
                "<pattern id=\"gw-%s-%zu\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" "
                "patternTransform=\"rotate(%d)\"><line class=\"hatch-%s\" x1=\"4\" y1=\"0\" "
                "x2=\"4\" y2=\"8\"/></pattern>\n",
                class, drawing->number, degrees, class);
}

/* What it shows, for who does not see it. */
static void write_name(FILE *file, const PastStop *stop, const char *unit) {
        xml_write(file, unit, XML_LINE);
        if (stop->host) {
                (void) fputs(" on ", file);
                xml_write(file, stop->host, XML_LINE);
        }
        (void) fputs(": ", file);
        xml_write(file, past_stop_outcome_word(stop), XML_LINE);
        (void) fputs(", cause ", file);
        xml_write(file, past_stop_cause_word(stop), XML_LINE);
}

static void write_root(const Drawing *drawing, const char *unit) {
        const PastStop *stop = drawing->story->stop;
        FILE *file = drawing->file;
        char begin[PICTURE_TIME_MAX], end[PICTURE_TIME_MAX];

        (void) fprintf(file,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gw\" role=\"img\" "
                "width=\"1200\" height=\"" PX_FMT "\" viewBox=\"0 0 1200 " PX_FMT
                "\" aria-label=\"Timeline of the stop of ",
                PX(drawing->height), PX(drawing->height));
        write_name(file, stop, unit);
        (void) fputs("\">\n<title>", file);
        write_name(file, stop, unit);
        (void) fprintf(file,
                "</title>\n<desc>From %s to %s of the beginning of the stop: %zu entries of the "
                "journal. ",
                picture_format_offset(begin, drawing->picture->begin_usec),
                picture_format_offset(end, drawing->picture->end_usec), drawing->story->n_items);
        xml_write(file, stop->cause_detail, XML_LINE);
        (void) fputs("</desc>\n", file);
        if (!drawing->is_inline) {
                (void) fputs("<style>\n", file);
                picture_write_style(file);
                (void) fputs("</style>\n", file);
        }
        (void) fputs("<defs>\n", file);
        write_hatch(drawing, TONE_WARNING, 45);
        write_hatch(drawing, TONE_BAD, -45);
        (void) fprintf(file,
                "</defs>\n<rect class=\"ground\" x=\"0\" y=\"0\" width=\"1200\" height=\"" PX_FMT
                "\"/>\n",
                PX(drawing->height));
}

int picture_write(FILE *file, const StopStory *story, size_t number, bool is_inline) {
        _cleanup_(picture_freep) Picture *picture = picture_new(story);
        _cleanup_free_ char *unit = past_stop_format_unit(story->stop);
        _cleanup_free_ char *party = past_stop_format_party(story->stop);
        Drawing drawing = { .file = file,
                .story = story,
                .picture = picture,
                .number = number,
                .is_inline = is_inline };

        if (!picture || !unit || !party)
                return -ENOMEM;
        drawing_set_places(&drawing);
        write_root(&drawing, unit);
        if (!is_inline)
                draw_heading(&drawing, unit, party);
        draw_axis(&drawing);
        draw_flags(&drawing);
        draw_lanes(&drawing);
        draw_legend(&drawing);
        (void) fputs("</svg>\n", file);
        return 0;
}

int timeline_write_svg(FILE *file, const StopStory *story) {
        (void) fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", file);
        return picture_write(file, story, 1, /* is_inline= */ false);
}
