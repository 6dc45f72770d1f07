/* SPDX-License-Identifier: MIT */

/* A page for an incident report: one file, to be mailed, archived and printed, that is at once HTML and well-formed
 * XML. It loads nothing and runs nothing, and its Content-Security-Policy has the browser see to that also should
 * somebody find a way around the escaping.
 *
 * With several stops: a table of them, then each in full: facts, picture, what happened in the order of time, the
 * last lines, the stack, every field. Whatever the picture shows stands in the tables as text.
 *
 * It is made for a screen of any width, light or dark, and for paper: there nothing scrolls, so tables wrap. */

#include "timeline-html.h"

#include <string.h>

#include "timeline-picture.h"
#include "xml-text.h"

/* ---- Head ----------------------------------------------------------------------------------------------- */

static const char page_style[] =
        ":root{color-scheme:light dark}\n"
        "*{box-sizing:border-box}\n"
        "body{margin:0;background:#fff;color:#1f2328;overflow-wrap:anywhere;"
        "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"
        "main,body>header,body>footer{max-width:1248px;margin:0 auto;padding:0 24px}\n"
        "body>header{padding-top:24px}\n"
        "body>footer{padding-top:16px;padding-bottom:32px}\n"
        "h1{font-size:26px;line-height:1.25;margin:0 0 4px}\n"
        "h2{font-size:22px;line-height:1.25;margin:0 0 4px}\n"
        "h3{font-size:16px;margin:32px 0 8px}\n"
        "p{margin:0 0 8px}\n"
        "a{color:#0550ae}\n"
        "article{margin:0 0 40px;padding:24px 0 0}\n"
        "article+article,.summary-part+article{border-top:1px solid #d0d7de}\n"
        ".soft,footer,.by{color:#57606a}\n"
        ".badge{display:inline-block;padding:1px 12px;border:1px solid;border-radius:999px;"
        "font-size:14px;font-weight:600;white-space:nowrap}\n"
        "h1 .badge,h2 .badge{margin-left:8px;vertical-align:middle;font-size:15px;line-height:24px}\n"
        ".badge.plain,.tone.plain{background:#d3e5fb;color:#0a3562;border-color:#2a6cb5}\n"
        ".badge.good{background:#c9ecd2;color:#0b3d1a;border-color:#1a7f37}\n"
        ".badge.warning{background:#fdeab5;color:#452c00;border-color:#8a5a00}\n"
        ".badge.bad{background:#ffdad6;color:#5c0a06;border-color:#b3261e}\n"
        ".forged{margin:16px 0;padding:10px 14px;border:2px solid #b3261e;border-radius:6px;"
        "background:#ffdad6;color:#5c0a06}\n"
        ".facts{margin:16px 0 0;columns:2 420px;column-gap:40px}\n"
        ".facts>div{break-inside:avoid;padding:8px 0;border-top:1px solid #e4e8ec;display:grid;"
        "grid-template-columns:116px minmax(0,1fr);gap:0 12px}\n"
        "dt{color:#57606a}\n"
        ".facts>div:first-child{column-span:all}\n"
        "dd{margin:0}\n"
        ".detail{margin:4px 0 0;font-size:13px;line-height:1.4}\n"
        ".detail span{display:block;color:#57606a}\n"
        "code,pre,.fields td,.fields th,.at{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"
        "'DejaVu Sans Mono',monospace;font-size:13px}\n"
        "figure{margin:24px 0 0}\n"
        ".scroll{overflow-x:auto;border:1px solid #d0d7de;border-radius:6px}\n"
        ".scroll:focus-visible{outline:2px solid #0550ae;outline-offset:2px}\n"
        "svg{display:block;width:100%;min-width:960px;height:auto}\n"
        "table{border-collapse:collapse;width:100%}\n"
        "th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-top:1px solid #e4e8ec}\n"
        "thead th{border-top:0;color:#57606a;font-weight:600}\n"
        "th[scope=row]{font-weight:400;color:#57606a;width:270px}\n"
        ".summary{min-width:1000px;overflow-wrap:normal}\n"
        ".summary th,.summary td{padding:8px 12px}\n"
        ".summary time{white-space:nowrap}\n"
        ".summary-part{margin:16px 0 40px}\n"
        ".events td{overflow-wrap:anywhere}\n"
        ".at{white-space:nowrap;text-align:right;width:90px}\n"
        ".events th:first-child{text-align:right}\n"
        ".source{width:140px}\n"
        ".what{width:300px}\n"
        ".mark{font-weight:700;margin-right:6px}\n"
        ".mark.warning{color:#8a5a00}.mark.bad{color:#b3261e}.mark.good{color:#1a7f37}\n"
        "pre{margin:0;padding:12px 14px;border:1px solid #d0d7de;border-radius:6px;background:#f6f8fa;"
        "white-space:pre-wrap;line-height:1.45}\n"
        "@media screen and (max-width:640px){\n"
        "main,body>header,body>footer{padding-left:16px;padding-right:16px}\n"
        "h1{font-size:22px}h2{font-size:20px}\n"
        ".events thead{display:none}\n"
        ".events tr{display:grid;grid-template-columns:104px minmax(0,1fr);gap:0 12px;padding:8px 0;"
        "border-top:1px solid #e4e8ec}\n"
        ".events td{border:0;padding:0;width:auto;white-space:normal}\n"
        ".events td+td+td{grid-column:2}\n"
        ".events td.source{color:#57606a;font-size:13px}\n"
        ".events td:empty{display:none}\n"
        ".fields tr,.fields th,.fields td{display:block;width:auto;padding:0;border:0}\n"
        ".fields tr{padding:6px 0;border-top:1px solid #e4e8ec}\n"
        "}\n"
        "@media screen and (prefers-color-scheme:dark){\n"
        "body{background:#11161c;color:#e6edf3}\n"
        "a{color:#79b8ff}\n"
        "article+article,.summary-part+article{border-top-color:#3a444e}\n"
        ".soft,footer,.by,dt,.detail span,thead th,th[scope=row],.events td.source{color:#a3afbb}\n"
        ".badge.plain{background:#1b3858;color:#d6e8ff;border-color:#6cb0ff}\n"
        ".badge.good{background:#15402a;color:#cdf7d9;border-color:#56d37a}\n"
        ".badge.warning{background:#493706;color:#ffefc2;border-color:#e3b341}\n"
        ".badge.bad,.forged{background:#56191a;color:#ffe2de;border-color:#ff8a80}\n"
        ".facts>div,th,td,.events tr,.fields tr{border-top-color:#2b343d}\n"
        ".scroll,pre{border-color:#3a444e}\n"
        ".scroll:focus-visible{outline-color:#79b8ff}\n"
        ".mark.warning{color:#e3b341}.mark.bad{color:#ff8a80}.mark.good{color:#56d37a}\n"
        "pre{background:#181f27}\n"
        "}\n"
        "@media print{\n"
        "@page{margin:14mm}\n"
        "body{font-size:10pt}\n"
        "main,body>header,body>footer{max-width:none;padding:0}\n"
        ".scroll{overflow:visible;border:0}\n"
        "svg,.summary{min-width:0}\n"
        ".summary{font-size:8pt;overflow-wrap:anywhere}\n"
        "a{color:inherit;text-decoration:none}\n"
        "h2,h3{break-after:avoid}\n"
        "figure,pre,tr,.facts>div{break-inside:avoid}\n"
        "article+article,.summary-part+article{break-before:page;border-top:0}\n"
        ".badge,.gw,.forged,pre{print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
        "}\n";

static int write_heading(FILE *file, const StopStory *stories, size_t n_stories) {
        if (n_stories != 1) {
                (void) fprintf(file, "%zu stops of gateways", n_stories);
                return 0;
        }

        _cleanup_free_ char *unit = past_stop_format_unit(stories[0].stop);

        if (!unit)
                return -ENOMEM;
        xml_write(file, unit, XML_LINE);
        return 0;
}

static int write_head(FILE *file, const StopStory *stories, size_t n_stories) {
        int r;

        (void) fputs("<!DOCTYPE html>\n"
                     "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\" xml:lang=\"en\">\n"
                     "<head>\n"
                     "<meta charset=\"utf-8\"/>\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                     "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                     "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                     "<meta name=\"generator\" content=\"gatewatch " GATEWATCH_VERSION "\"/>\n"
                     "<title>",
                file);
        r = write_heading(file, stories, n_stories);
        if (r == 0 && n_stories == 1) {
                (void) fputs(": ", file);
                xml_write(file, past_stop_outcome_word(stories[0].stop), XML_LINE);
        }
        (void) fputs("</title>\n<style>\n", file);
        (void) fputs(page_style, file);
        picture_write_style(file);
        (void) fputs("</style>\n</head>\n<body>\n", file);
        return r;
}

/* ---- What happened ---------------------------------------------------------------------------------------- */

static const char *const tone_marks[_STORY_TONE_MAX] = {
        [TONE_WARNING] = "!",
        [TONE_BAD] = "✕",
};

static bool has_several_lines(const char *text) {
        return strchr(text, '\n');
}

static void write_event(FILE *file, const StoryItem *item) {
        const char *class = picture_tone_class(item->tone), *mark;
        char text[PICTURE_TIME_MAX];

        mark = item->tone >= 0 && item->tone < _STORY_TONE_MAX ? tone_marks[item->tone] : NULL;
        (void) fprintf(file, "<tr><td class=\"at\">%s</td><td class=\"what\">",
                picture_format_offset(text, item->begin_usec));
        if (mark)
                (void) fprintf(file, "<span class=\"mark %s\">%s</span>", class, mark);
        (void) fputs("<strong>", file);
        xml_write(file, item->label, XML_LINE);
        (void) fputs("</strong>", file);
        if (item->is_span && item->end_usec >= item->begin_usec)
                (void) fprintf(file, " <span class=\"soft\">%s</span>",
                        picture_format_duration(
                                text, (uint64_t) item->end_usec - (uint64_t) item->begin_usec));
        (void) fputs("</td><td>", file);
        if (item->text && has_several_lines(item->text)) {
                xml_write_part(file, item->text, strcspn(item->text, "\n"), XML_LINE);
                (void) fputs(" <span class=\"soft\">(all of it below)</span>", file);
        } else
                xml_write(file, item->text, XML_LINE);
        (void) fputs("</td><td class=\"source\">", file);
        xml_write(file, item->source, XML_LINE);
        (void) fputs("</td></tr>\n", file);
}

static void write_events(FILE *file, const StopStory *story) {
        (void) fputs("<h3>What happened</h3>\n", file);
        if (story->n_items == 0) {
                (void) fputs(
                        "<p>The journal has nothing about the course of this stop.</p>\n", file);
                return;
        }
        (void) fputs("<table class=\"events\">\n<thead><tr><th scope=\"col\">Offset</th>"
                     "<th scope=\"col\">Event</th><th scope=\"col\">Details</th>"
                     "<th scope=\"col\">From</th></tr></thead>\n<tbody>\n",
                file);
        for (size_t i = 0; i < story->n_items; i++)
                if (story->items[i].kind != STORY_LOG)
                        write_event(file, &story->items[i]);
        (void) fputs("</tbody></table>\n", file);
        if (story->n_left_out > 0)
                (void) fprintf(
                        file, "<p class=\"soft\">%zu more are left out.</p>\n", story->n_left_out);
}

static void write_log(FILE *file, const StopStory *story) {
        char offset[PICTURE_TIME_MAX];
        bool has_begun = false;

        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];

                if (item->kind != STORY_LOG)
                        continue;
                (void) fputs(has_begun ? "\n" : "<h3>The gateway’s last lines</h3>\n<pre>", file);
                has_begun = true;
                (void) fprintf(file, "%9s  ", picture_format_offset(offset, item->begin_usec));
                xml_write(file, item->text ?: item->label, XML_LINE);
        }
        if (has_begun)
                (void) fputs("</pre>\n", file);
}

/* A stack, or what else has more than one line. */
static void write_long_texts(FILE *file, const StopStory *story) {
        for (size_t i = 0; i < story->n_items; i++) {
                const StoryItem *item = &story->items[i];

                if (item->kind == STORY_LOG || !item->text || !has_several_lines(item->text))
                        continue;
                (void) fputs("<h3>", file);
                if (item->kind == STORY_COREDUMP)
                        (void) fputs("The core dump’s stack", file);
                else
                        xml_write(file, item->label, XML_LINE);
                /* HTML takes a line feed right behind <pre> for no part of the text. */
                (void) fputs("</h3>\n<pre>\n", file);
                xml_write(file, item->text, XML_LINES);
                (void) fputs("</pre>\n", file);
        }
}

/* ---- A stop ------------------------------------------------------------------------------------------------ */

static void write_trust(FILE *file, const PastStop *stop) {
        if (stop->trust == TRUST_FORGED) {
                (void) fputs(
                        "<p class=\"forged\" role=\"note\"><strong>This record is forged</strong>: ",
                        file);
                xml_write(file, stop->forgery ?: "it was written by somebody else", XML_LINE);
                (void) fputs("</p>\n", file);
        } else if (stop->trust == TRUST_UNVERIFIED)
                (void) fputs("<p class=\"soft\">The journal could not see who wrote this record; "
                             "nothing speaks against it.</p>\n",
                        file);
}

static int write_figure(FILE *file, const StopStory *story, size_t number) {
        int r;

        (void) fputs("<figure><div class=\"scroll\" role=\"region\" aria-label=\"Timeline\" "
                     "tabindex=\"0\">\n",
                file);
        r = picture_write(file, story, number, /* is_inline= */ true);
        (void) fputs("</div></figure>\n", file);
        return r;
}

static int write_stop(FILE *file, const StopStory *story, size_t number, bool is_only) {
        const PastStop *stop = story->stop;
        _cleanup_free_ char *unit = past_stop_format_unit(stop);
        int r;

        if (!unit)
                return -ENOMEM;
        (void) fprintf(file, "<article id=\"" HTML_ANCHOR "%zu\">\n<h%d>", number, is_only ? 1 : 2);
        xml_write(file, unit, XML_LINE);
        (void) fputs(" ", file);
        html_write_badge(file, stop);
        (void) fprintf(file, "</h%d>\n<p class=\"by\">", is_only ? 1 : 2);
        html_write_time(file, story->origin_realtime_usec, TIMESTAMP_FULL);
        (void) fputs(" on ", file);
        xml_write(file, stop->host ?: "an unknown host", XML_LINE);
        (void) fputs("</p>\n", file);
        write_trust(file, stop);
        r = html_write_facts(file, stop);
        if (r < 0)
                return r;
        r = story->n_items > 0 ? write_figure(file, story, number) : 0;
        write_events(file, story);
        write_log(file, story);
        write_long_texts(file, story);
        (void) fputs("<h3>All fields</h3>\n", file);
        html_write_fields(file, stop);
        (void) fputs("</article>\n", file);
        return r;
}

int timeline_write_html(FILE *file, const StopStory *stories, size_t n_stories) {
        int r = write_head(file, stories, n_stories);

        if (r == 0 && n_stories != 1) {
                (void) fputs("<header>\n<h1>", file);
                r = write_heading(file, stories, n_stories);
                (void) fputs("</h1>\n</header>\n", file);
        }
        (void) fputs("<main>\n", file);
        if (r == 0 && n_stories > 1) {
                (void) fputs("<section class=\"summary-part\" aria-label=\"All stops\">\n"
                             "<p class=\"soft\">Oldest first.</p>\n",
                        file);
                r = html_write_summary(file, stories, n_stories);
                (void) fputs("</section>\n", file);
        }
        for (size_t i = 0; i < n_stories && r == 0; i++)
                r = write_stop(file, &stories[i], i + 1, n_stories == 1);
        (void) fputs("</main>\n<footer>Made by gatewatch report, version " GATEWATCH_VERSION
                     ". Times are relative to the beginning of each stop.</footer>\n"
                     "</body>\n</html>\n",
                file);
        return r;
}
