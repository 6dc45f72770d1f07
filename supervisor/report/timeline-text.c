/* SPDX-License-Identifier: MIT */

/* Text is collected in memory and leaves in one piece: a locale without UTF-8 is served by going over it once,
 * and running out of memory leaves no half picture. Whoever writes here has cleaned what strangers wrote; the
 * only escape sequences are the colours. */

#include <string.h>

#include "memory-stream.h"
#include "report/timeline-layout.h"
#include "report/timeline-text.h"
#include "text-wrap.h"
#include "utf8.h"

#define PAGE_WORD_MIN 8 /* columns that a paragraph has, however narrow the page */
#define PAGE_RESET    "\033[0m"

static const char *page_colour(StoryTone tone) {
        static const char *const colours[_STORY_TONE_MAX + 1] = {
                [TONE_PLAIN] = "",
                [TONE_GOOD] = "\033[0;32m",
                [TONE_WARNING] = "\033[0;1;33m",
                [TONE_BAD] = "\033[0;1;31m",
                [TIMELINE_TITLE] = "\033[0;1m",
        };

        return colours[tone];
}

int timeline_page_init(TimelinePage *page, const TimelineOptions *options) {
        *page = (TimelinePage){
                .width = options->width,
                .is_ascii = options->is_ascii,
                .has_colour = options->has_colour,
        };
        page->memory = open_memstream(&page->data, &page->size);
        return page->memory ? 0 : -ENOMEM;
}

static void page_write_ascii(FILE *file, const char *text, size_t size) {
        while (size > 0) {
                const size_t n = utf8_sequence_size(text, size) ?: 1;

                if (n == 1)
                        (void) fputc((unsigned char) *text < 0x80 ? *text : '?', file);
                else
                        for (size_t i = text_columns(text, n); i > 0; i--)
                                (void) fputc('?', file);
                text += n;
                size -= n;
        }
}

int timeline_page_finish(TimelinePage *page, FILE *file) {
        const int r = memory_stream_close(page->memory, &page->data);

        page->memory = NULL;
        if (r < 0)
                return r;
        if (page->is_ascii)
                page_write_ascii(file, page->data, page->size);
        else
                (void) fwrite(page->data, 1, page->size, file);
        return 0;
}

void timeline_page_done(TimelinePage *page) {
        if (!page)
                return;
        if (page->memory)
                (void) fclose(page->memory);
        free(page->data);
        *page = (TimelinePage){};
}

void timeline_page_begin_tone(TimelinePage *page, StoryTone tone) {
        if (page->has_colour && tone != TONE_PLAIN)
                (void) fputs(page_colour(tone), page->memory);
}

void timeline_page_end_tone(TimelinePage *page, StoryTone tone) {
        if (page->has_colour && tone != TONE_PLAIN)
                (void) fputs(PAGE_RESET, page->memory);
}

void timeline_page_end_line(TimelinePage *page) {
        (void) fputc('\n', page->memory);
}

void timeline_page_fill(TimelinePage *page, char character, size_t n) {
        while (n-- > 0)
                (void) fputc(character, page->memory);
}

/* Returns: the columns that were written, n_columns at most. */
static size_t page_write_cut(TimelinePage *page, const char *text, size_t n_columns) {
        const char *more = page->is_ascii ? ".." : "…";
        const size_t n_more = text_columns(more, strlen(more));
        const size_t n = text_columns(text, strlen(text));
        size_t size;

        if (n <= n_columns) {
                (void) fputs(text, page->memory);
                return n;
        }
        if (n_columns <= n_more)
                return 0;
        size = text_fit(text, n_columns - n_more);
        (void) fwrite(text, 1, size, page->memory);
        (void) fputs(more, page->memory);
        return text_columns(text, size) + n_more;
}

void timeline_page_write_cell(TimelinePage *page, const char *text, size_t n_columns) {
        timeline_page_fill(page, ' ', n_columns - page_write_cut(page, text, n_columns));
}

void timeline_page_write_right(TimelinePage *page, const char *text, size_t n_columns) {
        const size_t n = text_columns(text, strlen(text));

        timeline_page_fill(page, ' ', n < n_columns ? n_columns - n : 0);
        (void) page_write_cut(page, text, n_columns);
}

/* Words of more than n_columns in pieces. Returns: malloc()ed text; NULL: out of memory. */
static char *page_break_words(const char *text, size_t n_columns) {
        const size_t room = 2 * strlen(text) + 1;
        char *broken = malloc(room), *end = broken;
        size_t column = 0;

        if (!broken)
                return NULL;
        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                n = utf8_sequence_size(text, left) ?: 1;
                const size_t columns = text_columns(text, n);

                if (*text != ' ' && column > 0 && column + columns > n_columns) {
                        *end++ = ' ';
                        column = 0;
                }
                column = *text == ' ' ? 0 : column + columns;
                end = mempcpy(end, text, n);
        }
        *end = '\0';
        return broken;
}

/* Text that was wrapped behind a prefix of n_indent blanks; the first line's are there already. Each line has its
 * colour for itself: pagers forget it at a line's end. */
static void page_write_lines(
        TimelinePage *page, const char *lines, size_t n_indent, StoryTone tone) {
        for (bool is_first = true; *lines; is_first = false) {
                const size_t size = strcspn(lines, "\n");

                timeline_page_fill(page, ' ', is_first ? 0 : n_indent);
                timeline_page_begin_tone(page, tone);
                (void) fwrite(lines + n_indent, 1, size - n_indent, page->memory);
                timeline_page_end_tone(page, tone);
                timeline_page_end_line(page);
                lines += size + 1;
        }
}

int timeline_page_write_paragraph(
        TimelinePage *page, const char *head, size_t n_indent, StoryTone tone, const char *text) {
        const size_t n_head = text_columns(head, strlen(head));
        const size_t n_free = page->width > n_indent + PAGE_WORD_MIN ? page->width - n_indent : 0;
        _cleanup_free_ char *lines = NULL, *broken = NULL, *prefix = NULL;
        size_t size;
        FILE *memory;

        broken = page_break_words(text, n_free > 0 ? n_free : SIZE_MAX);
        if (!broken)
                return -ENOMEM;
        if (asprintf(&prefix, "%*s", (int) n_indent, "") < 0) {
                prefix = NULL;
                return -ENOMEM;
        }
        memory = open_memstream(&lines, &size);
        if (!memory)
                return -ENOMEM;
        text_wrap(memory, prefix, broken, n_free > 0 ? page->width : 0);
        if (memory_stream_close(memory, &lines) < 0)
                return -ENOMEM;
        (void) fputs(head, page->memory);
        timeline_page_fill(page, ' ', n_head < n_indent ? n_indent - n_head : 0);
        page_write_lines(page, lines, n_indent, tone);
        return 0;
}

void timeline_page_write_bar(TimelinePage *page, unsigned n_eighths) {
        static const char *const blocks[TIMELINE_EIGHTHS] = { "", "▏", "▎", "▍", "▌", "▋", "▊",
                "▉" };
        const unsigned n = n_eighths / TIMELINE_EIGHTHS, rest = n_eighths % TIMELINE_EIGHTHS;

        for (unsigned i = 0; i < n; i++)
                (void) fputs(page->is_ascii ? "#" : "█", page->memory);
        if (rest > 0)
                (void) fputs(page->is_ascii ? "#" : blocks[rest], page->memory);
}
