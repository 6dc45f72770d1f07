/* SPDX-License-Identifier: MIT */

/* One stop in detail, on the terminal and in files. Files are written whole or not at all; what is no regular
 * file, as /dev/stdout, is written to as it is. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "file.h"
#include "memory-stream.h"
#include "report/report-internal.h"

/* A page of all these would be no page. */
#define PICTURES_MAX 500

int report_print_pictures(Report *report, const StopList *list) {
        for (size_t i = 0; i < list->n; i++) {
                _cleanup_(stop_story_done) StopStory story = {};
                int r;

                r = stop_story_read(report->query, &list->stops[i], STORY_LOG_LINES, &story);
                if (r >= 0 && i > 0)
                        (void) fputc('\n', stdout);
                if (r >= 0)
                        r = timeline_print(stdout, &story, &report->timeline);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Returns: the exit status. */
static int picture_write(const char *option, const char *path, const char *data, size_t size) {
        struct stat status;
        FILE *file;
        int r;

        if (strcmp(path, "-") == 0) {
                if (fwrite(data, 1, size, stdout) < size || fflush(stdout) != 0)
                        return report_complain(
                                EX_IOERR, "cannot write to stdout: %s", strerror(errno));
                return 0;
        }
        if (stat(path, &status) < 0 || S_ISREG(status.st_mode)) {
                r = file_write_atomic(AT_FDCWD, path, data, size, 0644);
                return r < 0 ? report_complain(EX_USAGE, "--%s=%.300s cannot be written: %s",
                                       option, path, strerror(-r))
                             : 0;
        }
        file = fopen(path, "we");
        r = !file || fwrite(data, 1, size, file) < size ? -1 : 0;
        if ((file && fclose(file) != 0) || r < 0)
                return report_complain(EX_USAGE, "--%s=%.300s cannot be written: %s", option, path,
                        strerror(errno));
        return 0;
}

static int report_write_svg(Report *report, const StopStory *story) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&data, &size);
        int r;

        if (!memory)
                return report_fail(-ENOMEM);
        r = timeline_write_svg(memory, story);
        if (memory_stream_close(memory, &data) < 0)
                r = -ENOMEM;
        return r < 0 ? report_fail(r) : picture_write("svg", report->options->svg, data, size);
}

static int report_write_html(Report *report, const StopStory *stories, size_t n) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        FILE *memory = open_memstream(&data, &size);
        int r;

        if (!memory)
                return report_fail(-ENOMEM);
        r = timeline_write_html(memory, stories, n);
        if (memory_stream_close(memory, &data) < 0)
                r = -ENOMEM;
        return r < 0 ? report_fail(r) : picture_write("html", report->options->html, data, size);
}

static int report_write_stories(Report *report, const StopStory *stories, size_t n) {
        int r = 0;

        if (report->options->svg)
                r = report_write_svg(report, &stories[0]);
        if (r == 0 && report->options->html)
                r = report_write_html(report, stories, n);
        return r;
}

int report_write_pictures(Report *report, const StopList *list) {
        StopStory *stories;
        size_t n = 0;
        int r = 0;

        if (list->n == 0)
                return report_complain(EX_UNAVAILABLE,
                        "no stop in this journal that is asked for: nothing is written");
        if (report->options->svg && list->n > 1)
                return report_complain(EX_USAGE,
                        "--svg= shows one stop, and %zu are asked for: give -n1 or a RUN_ID",
                        list->n);
        if (list->n > PICTURES_MAX)
                return report_complain(EX_USAGE,
                        "--html= shows at most %d stops, and %zu are asked for: give -n%d, "
                        "--since= or a unit",
                        PICTURES_MAX, list->n, PICTURES_MAX);
        stories = calloc(list->n, sizeof(StopStory));
        if (!stories)
                return report_fail(-ENOMEM);
        for (; r >= 0 && n < list->n; n++)
                r = stop_story_read(report->query, &list->stops[n], STORY_LOG_LINES, &stories[n]);
        r = r < 0 ? report_fail(r) : report_write_stories(report, stories, n);
        for (size_t i = 0; i < n; i++)
                stop_story_done(&stories[i]);
        free(stories);
        return r;
}
