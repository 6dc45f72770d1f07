/* SPDX-License-Identifier: MIT */

/* A page a group, for people: what ended the stops and how, where their time went, and what follows for the
 * settings.
 *
 * A page is made of sections, a section of rows in fixed columns with a bar behind them that takes what is left of
 * the width: of counts the share of all, of drains the share of what was allowed. Sections without rows are left
 * out. Nothing is aligned by libsmartcols: each section has columns of its own, and bars are no text.
 *
 * Names are of strangers. They are cleaned, cut to their column, and in a locale that is not UTF-8 reduced to
 * ASCII, as are bars and signs.
 *
 * Nothing is computed here but shares. */

#include "report-output.h"

#include <string.h>

#include "statistics-internal.h"
#include "text-clean.h"
#include "text-wrap.h"
#include "timestamp.h"

#define PAGE_WIDTH         80 /* where there is no terminal */
#define PAGE_WIDTH_MIN     60
#define PAGE_WIDTH_MAX     160 /* longer bars tell no more */
#define PAGE_NAME_COLUMNS  18  /* the longest cause, and a space */
#define PAGE_COUNT_COLUMNS 17  /* indent, count, share and the gaps between */
#define PAGE_TIME_COLUMNS  51  /* indent, the five numbers of a row of times, and the gaps */
#define PAGE_ROWS_MAX      10  /* on a terminal, unless all are asked for */
#define PAGE_BAR_MIN       6   /* a shorter bar is none */

#define PAGE_BOLD   "\033[1m"
#define PAGE_GREEN  "\033[0;32m"
#define PAGE_YELLOW "\033[0;1;33m"
#define PAGE_RED    "\033[0;1;31m"
#define PAGE_RESET  "\033[0m"

typedef struct Page {
        FILE *file;
        const ReportPrintOptions *options;
        unsigned width;
        const char *ellipsis, *at_most, *at_least; /* signs, by locale */
} Page;

/* ---- Text --------------------------------------------------------------------------------------- */

/* Text of a stranger, in at most so many columns. Returns: malloc()ed text; NULL: out of memory. */
static char *page_clean(const Page *page, const char *text, size_t columns) {
        _cleanup_free_ char *clean = text_clean(text, TEXT_TERMINAL);

        if (clean && page->options->is_ascii)
                text_reduce(clean);
        return clean ? text_cut(clean, columns, page->ellipsis) : NULL;
}

static void page_put_coloured(const Page *page, const char *colour, const char *text) {
        const bool has_colour = page->options->has_colour && colour;

        (void) fprintf(
                page->file, "%s%s%s", has_colour ? colour : "", text, has_colour ? PAGE_RESET : "");
}

/* printf(3) pads by bytes. */
static void page_put_padded(
        const Page *page, const char *colour, const char *text, size_t columns) {
        const size_t used = text_columns(text, strlen(text));

        page_put_coloured(page, colour, text);
        (void) fprintf(page->file, "%*s", used < columns ? (int) (columns - used) : 0, "");
}

static void page_put_heading(const Page *page, const char *text) {
        (void) fputc('\n', page->file);
        page_put_coloured(page, PAGE_BOLD, text);
        (void) fputc('\n', page->file);
}

/* ---- Bars --------------------------------------------------------------------------------------- */

static const char *const bar_eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };

/* A bar of so many columns, filled to a share; the least that is not nothing shows. Ends the line. */
static void page_put_bar(const Page *page, const char *colour, double share, size_t columns) {
        const size_t eighths =
                share > 0 ? (size_t) ((share < 1 ? share : 1) * (double) columns * 8 + 0.5) : 0;
        char bar[PAGE_WIDTH_MAX * sizeof("█")] = "", *end = bar;
        size_t n = page->options->is_ascii ? (eighths + 4) / 8 : eighths / 8;

        if (columns >= PAGE_BAR_MIN && share > 0) {
                if (page->options->is_ascii && n == 0)
                        n = 1;
                for (size_t i = 0; i < n; i++)
                        end = stpcpy(end, page->options->is_ascii ? "#" : "█");
                if (!page->options->is_ascii)
                        (void) strcpy(end, bar_eighths[n == 0 && eighths == 0 ? 1 : eighths % 8]);
        }
        if (*bar) {
                (void) fputs("  ", page->file);
                page_put_coloured(page, colour, bar);
        }
        (void) fputc('\n', page->file);
}

/* "  clean     40  95.2%  ████". */
static void page_put_count(const Page *page, const char *colour, const char *name,
        size_t name_columns, size_t n, size_t n_all, double bar) {
        char share[USEC_SPAN_MAX];

        (void) fputs("  ", page->file);
        page_put_padded(page, colour, name, name_columns);
        (void) fprintf(page->file, "%6zu %6s", n, statistics_format_share(share, n, n_all));
        page_put_bar(page, colour, bar, page->width - name_columns - PAGE_COUNT_COLUMNS);
}

/* ---- How they ended ----------------------------------------------------------------------------- */

static const char *outcome_colour(Outcome outcome) {
        switch (outcome) {
        case OUTCOME_CLEAN:
        case OUTCOME_EXITED:
                return PAGE_GREEN;
        case OUTCOME_ESCALATED:
                return PAGE_YELLOW;
        default:
                return PAGE_RED;
        }
}

static void page_put_end(const Page *page, const GroupStatistics *group, const char *colour,
        const char *name, size_t n) {
        if (n > 0)
                page_put_count(page, colour, name, PAGE_NAME_COLUMNS, n, group->n,
                        (double) n / (double) group->n);
}

static void page_put_outcomes(const Page *page, const GroupStatistics *group) {
        page_put_heading(page, "Outcomes");
        for (Outcome i = 0; i < _OUTCOME_MAX; i++)
                page_put_end(page, group, outcome_colour(i), outcome_to_string(i),
                        group->n_by_outcome[i]);
        page_put_end(page, group, PAGE_RED, "unrecorded", group->n_unrecorded);
        page_put_end(page, group, NULL, "(others)", group->n_other_outcomes);
}

/* Most frequent first; at most _CAUSE_MAX of them. */
static void page_put_causes(const Page *page, const GroupStatistics *group) {
        bool is_put[_CAUSE_MAX] = {};

        page_put_heading(page, "Causes");
        for (;;) {
                Cause most = _CAUSE_INVALID;

                for (Cause i = 0; i < _CAUSE_MAX; i++)
                        if (!is_put[i] && group->n_by_cause[i] > 0 &&
                                (most < 0 || group->n_by_cause[i] > group->n_by_cause[most]))
                                most = i;
                if (most < 0)
                        break;
                is_put[most] = true;
                page_put_end(page, group, NULL, cause_to_string(most), group->n_by_cause[most]);
        }
        page_put_end(page, group, NULL, "(others)", group->n_other_causes);
}

static void page_put_summary(const Page *page, const GroupStatistics *group) {
        char span[USEC_SPAN_MAX], share[USEC_SPAN_MAX];

        (void) fprintf(page->file, "\nForced kills      %6zu %6s of all stops\n", group->n_forced,
                statistics_format_share(share, group->n_forced, group->n));
        (void) fprintf(page->file, "Unexplained ends  %6zu %6s", group->n_unexplained,
                statistics_format_share(share, group->n_unexplained, group->n));
        if (group->mean_between_unexplained_usec != USEC_INFINITY)
                (void) fprintf(page->file, ", mean time between them %s",
                        statistics_format_seen(span, group->mean_between_unexplained_usec));
        (void) fputc('\n', page->file);
}

/* ---- Drains ------------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        double percent;
} percentile_rows[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "max", 100 } };

static const char *share_colour(double share) {
        return share >= 1 ? PAGE_RED : share > 0.9 ? PAGE_YELLOW : PAGE_GREEN;
}

/* Whether a percentile is that of drains that were cut: at least so long. */
static bool group_percentile_is_open(const GroupStatistics *group, double percent) {
        return (double) group->n_cut * 100 > (100 - percent) * (double) group->n_drains;
}

static void page_put_percentile(const Page *page, const GroupStatistics *group, size_t row) {
        const double percent = percentile_rows[row].percent;
        const usec_t usec = statistics_percentile(group, percent);
        const usec_t allowed_usec = group->drain_allowed_usec;
        const bool is_open = group_percentile_is_open(group, percent);
        char span[USEC_SPAN_MAX], share_text[USEC_SPAN_MAX] = "", cell[2 * USEC_SPAN_MAX];

        (void) snprintf(cell, sizeof(cell), "%s%s%s", is_open ? page->at_least : "",
                is_open ? " " : "", statistics_format_seen(span, usec));
        (void) fprintf(page->file, "  %-5s", percentile_rows[row].name);
        page_put_padded(page, NULL, cell, PAGE_NAME_COLUMNS + 1);
        if (allowed_usec == USEC_INFINITY || allowed_usec == 0) {
                (void) fputc('\n', page->file);
                return;
        }
        const double share = (double) usec / (double) allowed_usec;
        if (share < 100)
                (void) statistics_format_share(share_text, usec, allowed_usec);
        (void) fprintf(page->file, "%7s", share_text);
        page_put_bar(page, share_colour(share), share,
                page->width - PAGE_NAME_COLUMNS - PAGE_COUNT_COLUMNS);
}

static void page_put_histogram(const Page *page, const GroupStatistics *group) {
        uint64_t most = 0;
        size_t first = statistics_n_bounds, last = 0;

        for (size_t i = 0; i <= statistics_n_bounds; i++) {
                if (group->histogram[i] == 0)
                        continue;
                most = group->histogram[i] > most ? group->histogram[i] : most;
                first = i < first ? i : first;
                last = i;
        }
        (void) fputs("  how many took up to\n", page->file);
        for (size_t i = first; i <= last; i++) {
                char span[USEC_SPAN_MAX], name[2 * USEC_SPAN_MAX] = "longer";

                if (i < statistics_n_bounds)
                        (void) snprintf(name, sizeof(name), "%s %s", page->at_most,
                                statistics_format_seen(span, statistics_bound_usec(i)));
                page_put_count(page, NULL, name, PAGE_NAME_COLUMNS, group->histogram[i],
                        group->n_drains, (double) group->histogram[i] / (double) most);
        }
}

static void page_put_setting(const Page *page, const char *name, usec_t usec) {
        char span[USEC_SPAN_MAX];

        if (usec != USEC_INFINITY)
                (void) fprintf(page->file, ", %s %s", name, statistics_format_setting(span, usec));
}

static void page_put_drains(const Page *page, const GroupStatistics *group) {
        char share[USEC_SPAN_MAX];

        page_put_heading(page, "Drain");
        (void) fprintf(
                page->file, "  %zu drain%s", group->n_drains, group->n_drains == 1 ? "" : "s");
        page_put_setting(page, "allowed", group->drain_allowed_usec);
        page_put_setting(page, "headroom", group->headroom_usec);
        page_put_setting(page, "TimeoutStopSec", group->timeout_stop_usec);
        (void) fputc('\n', page->file);
        if (group->n_killed_by_systemd > 0)
                (void) fprintf(page->file, "  %zu more lost when TimeoutStopSec had passed\n",
                        group->n_killed_by_systemd);
        if (group->n_drains == 0)
                return;

        for (size_t i = 0; i < ELEMENTSOF(percentile_rows); i++)
                page_put_percentile(page, group, i);
        if (group->n_shares > 0 && group->share_max < 1000)
                (void) fprintf(page->file,
                        "  at most %s of what each was allowed; %zu of %zu above 90%%\n",
                        statistics_format_share(share, (size_t) (group->share_max * 1000), 1000),
                        group->n_over_90_percent, group->n_shares);
        if (group->n_cut > 0)
                (void) fprintf(page->file,
                        "  %zu %s cut at the bound and would have taken longer\n", group->n_cut,
                        group->n_cut == 1 ? "was" : "were");
        page_put_histogram(page, group);
}

/* ---- Names -------------------------------------------------------------------------------------- */

static size_t page_count_rows(const Page *page, size_t n) {
        return page->options->is_full || n <= PAGE_ROWS_MAX + 1 ? n : PAGE_ROWS_MAX;
}

static void page_put_rest(const Page *page, size_t n) {
        if (n > 0)
                (void) fprintf(page->file, "  %s and %zu more (--full)\n", page->ellipsis, n);
}

/* The column of names: as wide as the widest that is shown, between two bounds. */
static size_t page_fit_name(
        const Page *page, const char *name, size_t columns, size_t columns_max) {
        _cleanup_free_ char *clean = page_clean(page, name, columns_max);
        const size_t used = clean ? text_columns(clean, strlen(clean)) : 0;

        return used > columns ? used : columns;
}

static int page_put_time(
        const Page *page, const NamedTime *time, size_t columns, usec_t most_usec) {
        _cleanup_free_ char *name = page_clean(page, time->name, columns);
        char mean[USEC_SPAN_MAX], max[USEC_SPAN_MAX], total[USEC_SPAN_MAX];

        if (!name)
                return -ENOMEM;
        (void) fputs("  ", page->file);
        page_put_padded(page, time->n_timed_out > 0 ? PAGE_YELLOW : NULL, name, columns);
        (void) fprintf(page->file, " %6zu %10s %10s %10s %6zu", time->n,
                statistics_format_seen(mean, time->total_usec / time->n),
                statistics_format_seen(max, time->max_usec),
                statistics_format_seen(total, time->total_usec), time->n_timed_out);
        page_put_bar(page, time->n_timed_out > 0 ? PAGE_YELLOW : NULL,
                most_usec > 0 ? (double) time->total_usec / (double) most_usec : 0,
                page->width - columns - PAGE_TIME_COLUMNS);
        return 0;
}

static int page_put_times(
        const Page *page, const char *heading, const NamedTime times[], size_t n) {
        const size_t n_rows = page_count_rows(page, n);
        const size_t columns_max = page->width - PAGE_TIME_COLUMNS;
        size_t columns = strlen("gateway's phases");
        usec_t most_usec = 0;
        int r = 0;

        if (n == 0)
                return 0;
        if (columns > columns_max)
                columns = columns_max;
        for (size_t i = 0; i < n_rows; i++) {
                columns = page_fit_name(page, times[i].name, columns, columns_max);
                most_usec = times[i].total_usec > most_usec ? times[i].total_usec : most_usec;
        }
        (void) fputc('\n', page->file);
        page_put_padded(page, PAGE_BOLD, heading, columns + 2);
        (void) fprintf(
                page->file, " %6s %10s %10s %10s %6s\n", "n", "mean", "max", "total", "late");
        for (size_t i = 0; r >= 0 && i < n_rows; i++)
                r = page_put_time(page, &times[i], columns, most_usec);
        page_put_rest(page, n - n_rows);
        return r;
}

static int page_put_parties(const Page *page, const GroupStatistics *group) {
        const size_t n_rows = page_count_rows(page, group->n_parties);
        const size_t columns_max = page->width - PAGE_COUNT_COLUMNS - PAGE_BAR_MIN;
        size_t columns = PAGE_NAME_COLUMNS;

        if (group->n_parties == 0)
                return 0;
        page_put_heading(page, "By whom");
        for (size_t i = 0; i < n_rows; i++)
                columns = page_fit_name(page, group->parties[i].name, columns, columns_max);
        for (size_t i = 0; i < n_rows; i++) {
                const size_t n = group->parties[i].n;
                _cleanup_free_ char *name = page_clean(page, group->parties[i].name, columns);

                if (!name)
                        return -ENOMEM;
                page_put_count(
                        page, NULL, name, columns, n, group->n, (double) n / (double) group->n);
        }
        page_put_rest(page, group->n_parties - n_rows);
        return 0;
}

/* ---- The page ----------------------------------------------------------------------------------- */

/* "1h30min": a shell would make two words of it else. */
static const char *span_join(char *span) {
        char *end = span;

        for (const char *c = span; *c; c++)
                if (*c != ' ')
                        *end++ = *c;
        *end = '\0';
        return span;
}

static int page_put_recommendation(const Page *page, const GroupStatistics *group) {
        _cleanup_(recommendation_done) Recommendation recommendation = {};
        char span[USEC_SPAN_MAX];

        int r = statistics_recommend(group, &recommendation);
        if (r < 0)
                return r;
        _cleanup_free_ char *reason = page_clean(page, recommendation.reason, SIZE_MAX);
        if (!reason)
                return -ENOMEM;
        page_put_heading(page, "Recommendation");
        if (recommendation.is_given) {
                (void) statistics_format_setting(span, recommendation.drain_timeout_usec);
                (void) fprintf(page->file, "  --drain-timeout=%s\n", span_join(span));
                (void) fprintf(page->file, "  TimeoutStopSec=%s\n",
                        statistics_format_setting(span, recommendation.timeout_stop_usec));
        }
        text_wrap(page->file, "  ", reason, page->width);
        return 0;
}

/* "2026-11-01". */
static const char *page_format_date(
        const Page *page, char buffer[static TIMESTAMP_MAX], usec_t usec) {
        (void) timestamp_format(buffer, usec, TIMESTAMP_RFC3339, page->options->is_utc);
        buffer[strcspn(buffer, "T")] = '\0';
        return buffer;
}

static int page_put_title(const Page *page, const GroupStatistics *group, StatisticsBy by) {
        const char *host = by == STATISTICS_BY_UNIT ? group->host : NULL;
        _cleanup_free_ char *name = page_clean(page, group->key, page->width / 2);
        _cleanup_free_ char *place = page_clean(page, host, page->width / 3);
        char first[TIMESTAMP_MAX], last[TIMESTAMP_MAX];

        if (!name || !place)
                return -ENOMEM;
        page_put_coloured(page, PAGE_BOLD, name);
        if (host)
                (void) fprintf(page->file, " (%s)", place);
        page_format_date(page, first, group->first_realtime_usec);
        page_format_date(page, last, group->last_realtime_usec);
        (void) fprintf(page->file, "  %zu stop%s, %s", group->n, group->n == 1 ? "" : "s", first);
        if (strcmp(first, last) != 0)
                (void) fprintf(page->file, " %s %s", page->ellipsis, last);
        (void) fputc('\n', page->file);
        return 0;
}

static int page_put_group(const Page *page, const GroupStatistics *group, StatisticsBy by) {
        int r = page_put_title(page, group, by);
        if (r < 0)
                return r;
        page_put_outcomes(page, group);
        page_put_causes(page, group);
        page_put_drains(page, group);
        r = page_put_times(page, "Phases", group->phases, group->n_phases);
        if (r >= 0)
                r = page_put_times(
                        page, "Gateway's phases", group->gateway_phases, group->n_gateway_phases);
        if (r >= 0)
                r = page_put_times(page, "Steps", group->steps, group->n_steps);
        if (r >= 0)
                r = page_put_parties(page, group);
        if (r < 0)
                return r;
        page_put_summary(page, group);
        /* The stops of one cause are a part of a unit's: no setting follows from a part. */
        return by == STATISTICS_BY_CAUSE ? 0 : page_put_recommendation(page, group);
}

int statistics_print(FILE *file, const Statistics *statistics, const ReportPrintOptions *options) {
        Page page = { .file = file, .options = options };
        int r = 0;

        assert(file);
        assert(statistics);
        assert(options);

        page.width = options->width ?: PAGE_WIDTH;
        page.width = page.width < PAGE_WIDTH_MIN ? PAGE_WIDTH_MIN
                : page.width > PAGE_WIDTH_MAX    ? PAGE_WIDTH_MAX
                                                 : page.width;
        page.ellipsis = options->is_ascii ? "..." : "…";
        page.at_most = options->is_ascii ? "<=" : "≤";
        page.at_least = options->is_ascii ? ">=" : "≥";
        for (size_t i = 0; r >= 0 && i < statistics->n_groups; i++) {
                if (i > 0)
                        (void) fputs("\n\n", file);
                r = page_put_group(&page, &statistics->groups[i], statistics->by);
        }
        return r;
}
