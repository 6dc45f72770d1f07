/* SPDX-License-Identifier: MIT */

/* The verb: options, journal, past stops, and then one of the formats. Which stops there are is the matter of
 * run-history.c, how they look that of output-*.c, statistics-*.c and timeline-*.c. Nothing is written but
 * stdout and the files of --svg= and --html=. */

#include "report/report.h"

#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "pager.h"
#include "report/report-internal.h"
#include "terminal.h"
#include "text-clean.h"

int report_complain(int exit_status, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *clean = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        clean = text ? text_clean(text, TEXT_TERMINAL) : NULL;
        (void) fprintf(stderr, "gatewatch report: %s\n", clean ?: "out of memory");
        return exit_status;
}

int report_fail(int error) {
        if (error == -ELIBACC)
                return report_complain(EX_UNAVAILABLE,
                        "tables need libsmartcols.so.1 (util-linux 2.38): install it, or take "
                        "--json=pretty or --output=csv");
        return report_complain(EX_OSERR, "%s", strerror(-error));
}

/* ---- Formats ----------------------------------------------------------------------------------- */

static int report_print_statistics(Report *report, const StopList *list) {
        const ReportOptions *options = report->options;
        _cleanup_(statistics_done) Statistics statistics = {};
        int r;

        r = statistics_compute(list, options->by, &statistics);
        if (r < 0)
                return r;
        if (options->format == REPORT_OPENMETRICS)
                return report_print_openmetrics(stdout, &statistics);
        if (options->format == REPORT_JSON)
                return statistics_print_json(stdout, &statistics, options->json);
        if (options->has_statistics)
                return statistics_print(stdout, &statistics, &report->print);
        return statistics_print_table(stdout, &statistics, &report->print);
}

int report_print(Report *report, const StopList *list) {
        const ReportOptions *options = report->options;

        if (options->has_statistics || options->has_by)
                return report_print_statistics(report, list);
        switch (options->format) {
        case REPORT_OPENMETRICS:
                return report_print_statistics(report, list);
        case REPORT_JSON:
                return report_print_json(stdout, list, options->json);
        case REPORT_CSV:
                return report_print_csv(stdout, list, options->has_legend);
        case REPORT_TIMELINE:
                return report_print_pictures(report, list);
        default:
                return report_print_table(stdout, list, &report->print);
        }
}

/* ---- Stops ------------------------------------------------------------------------------------- */

static void stop_list_reverse(StopList *list) {
        for (size_t i = 0; i < list->n / 2; i++) {
                PastStop other = list->stops[i];

                list->stops[i] = list->stops[list->n - 1 - i];
                list->stops[list->n - 1 - i] = other;
        }
}

/* A column that says the same in all rows is none. */
static void report_choose_columns(Report *report, const StopList *list) {
        for (size_t i = 0; i < list->n; i++) {
                report->print.has_host = report->print.has_host ||
                        !sd_id128_equal(list->stops[i].machine_id, list->stops[0].machine_id);
                report->print.has_trust =
                        report->print.has_trust || list->stops[i].trust != TRUST_BELIEVED;
        }
}

/* For people; programs see an empty document. */
static void report_remark_empty(const Report *report) {
        const ReportOptions *options = report->options;
        bool is_for_people = options->format == REPORT_TABLE || options->format == REPORT_TIMELINE;
        const HistoryOptions *history = &options->history;
        char *const *units = history->units;
        bool has_hint =
                !history->has_all && !history->causes && !history->outcomes && !history->sender;

        if (!is_for_people || options->is_quiet)
                return;
        (void) report_complain(0, "no stop%s%s%s in this journal that is asked for%s",
                units ? " of " : "", units ? units[0] : "", units && units[1] ? " and others" : "",
                has_hint ? "; --all shows runs that are not over as well" : "");
}

static int report_show(Report *report, StopList *list) {
        const ReportOptions *options = report->options;
        _cleanup_(pager_freep) Pager *pager = NULL;
        int r;

        if (options->has_pager) {
                r = pager_open(options->jumps_to_end, &pager);
                if (r < 0)
                        (void) report_complain(0, "goes on without a pager: %s", strerror(-r));
        }
        r = report_print(report, list);
        if (r < 0)
                return report_fail(r);
        if (!pager && (fflush(stdout) != 0 || ferror(stdout)))
                return report_complain(EX_IOERR, "cannot write to stdout: %s", strerror(errno));
        return 0;
}

static int report_read(Report *report) {
        const ReportOptions *options = report->options;
        _cleanup_(stop_list_done) StopList list = {};
        char remark[JOURNAL_ERROR_MAX];
        int r;

        r = run_history_read(report->query, &options->history, &list);
        if (r < 0)
                return report_fail(r);
        if (!options->is_quiet && journal_query_is_partial(report->query, remark))
                (void) report_complain(0, "%s", remark);
        if (options->is_reversed)
                stop_list_reverse(&list);
        report_choose_columns(report, &list);
        if (options->svg || options->html)
                return report_write_pictures(report, &list);
        if (list.n == 0)
                report_remark_empty(report);
        if (list.n == 0 && options->format == REPORT_TIMELINE)
                return 0;
        return report_show(report, &list);
}

/* ---- The verb ---------------------------------------------------------------------------------- */

static int report_settle_boot(JournalQuery *query, ReportOptions *options) {
        int r;

        if (!options->boot)
                return 0;
        r = journal_query_find_boot(query, options->boot, &options->history.boot_id);
        if (r == -EINVAL)
                return report_complain(EX_USAGE,
                        "--boot=%.64s is not usable: give an id of 32 hex digits, or an offset "
                        "such as -1",
                        options->boot);
        if (r == -ENODATA)
                return report_complain(EX_UNAVAILABLE,
                        "there is no boot '%.64s' in this journal: see journalctl --list-boots",
                        options->boot[0] ? options->boot : "0");
        return r < 0 ? report_fail(r) : 0;
}

/* Before a pager takes the place of the terminal. */
static void report_look_at_terminal(Report *report) {
        const ReportOptions *options = report->options;
        bool has_colour = terminal_wants_colour(stdout), is_ascii = !terminal_is_utf8();
        unsigned width = terminal_width(stdout);

        report->timeline = (TimelineOptions){
                .width = width,
                .is_ascii = is_ascii,
                .is_utc = options->is_utc,
                .has_colour = has_colour,
        };
        report->print = (ReportPrintOptions){
                .has_colour = has_colour,
                .has_legend = options->has_legend,
                .has_host = options->source.is_merged,
                .is_full = options->is_full || width == 0,
                .is_ascii = is_ascii,
                .is_utc = options->is_utc,
                .width = width,
        };
}

static int report_stops(ReportOptions *options) {
        _cleanup_(journal_query_freep) JournalQuery *query = NULL;
        Report report = { .options = options };
        char error[JOURNAL_ERROR_MAX] = "";
        int r;

        r = journal_query_new(&options->source, &query, error);
        if (r == -ENOMEM)
                return report_fail(r);
        if (r < 0)
                return report_complain(EX_UNAVAILABLE, "%s", error);
        r = report_settle_boot(query, options);
        if (r != 0)
                return r;
        report.query = query;
        report_look_at_terminal(&report);
        return options->is_following ? report_follow(&report) : report_read(&report);
}

int report_verb(int argc, char *argv[]) {
        _cleanup_(report_options_done) ReportOptions options = {};
        char error[OPTION_ERROR_MAX] = "";
        int r;

        r = report_options_parse(argc - 1, argv + 1, usec_now(CLOCK_REALTIME), &options, error);
        if (r == -EINVAL)
                return report_complain(EX_USAGE, "%s", error);
        if (r < 0)
                return report_fail(r);
        switch (options.action) {
        case REPORT_SHOW_HELP:
                report_print_help();
                return 0;
        case REPORT_SHOW_VERSION:
                (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                return 0;
        case REPORT_STOPS:
                break;
        }
        return report_stops(&options);
}
