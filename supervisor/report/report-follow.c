/* SPDX-License-Identifier: MIT */

/* --follow: the last stops, then each as it happens, until a signal ends us, or nobody reads it any more.
 *
 * The journal is asked for what comes before it is asked for what has been, by two readers: whatever happens in
 * between is seen by both, and told once. What comes is what lies behind the journal's end, not what is dated
 * later than now: a clock that was ahead and has been set back leaves entries of times to come. */

#include <string.h>
#include <sysexits.h>

#include "report/report-internal.h"

/* As journalctl -f begins. */
#define FOLLOW_LINES 10

/* Of one stop, without header and end; one line where the format allows it. */
static int report_print_one(Report *report, PastStop *stop) {
        const ReportOptions *options = report->options;
        ReportPrintOptions print = report->print;
        StopList list = { .stops = stop, .n = 1 };
        json_object *object;
        int r;

        switch (options->format) {
        case REPORT_JSON:
                object = past_stop_to_json(stop);
                r = object ? json_mode_print(stdout, object, options->json) : -ENOMEM;
                (void) json_object_put(object);
                return r;
        case REPORT_CSV:
                return report_print_csv(stdout, &list, /* has_legend= */ false);
        case REPORT_TIMELINE:
                return report_print_pictures(report, &list);
        default:
                print.has_trust = options->history.has_all || stop->trust != TRUST_BELIEVED;
                return report_print_line(stdout, stop, &print);
        }
}

static int report_follow_past(Report *report, StopList *ret_list) {
        HistoryOptions history = report->options->history;
        int r;

        if (history.n_max == SIZE_MAX)
                history.n_max = FOLLOW_LINES;
        r = run_history_read(report->query, &history, ret_list);
        if (r >= 0 && report->options->format == REPORT_CSV && report->options->has_legend)
                r = report_print_csv(stdout, &(StopList){}, /* has_legend= */ true);
        for (size_t i = 0; r >= 0 && i < ret_list->n; i++)
                r = report_print_one(report, &ret_list->stops[i]);
        return r;
}

static bool stop_list_has(const StopList *list, const PastStop *stop) {
        for (size_t i = 0; i < list->n; i++)
                if (sd_id128_equal(list->stops[i].run_id, stop->run_id) &&
                        sd_id128_equal(list->stops[i].machine_id, stop->machine_id) &&
                        list->stops[i].state == stop->state &&
                        list->stops[i].realtime_usec == stop->realtime_usec)
                        return true;
        return false;
}

static int report_follow_on(Report *report, JournalQuery *query, const StopList *told) {
        for (;;) {
                PastStop stop = {};
                int r;

                if (fflush(stdout) != 0)
                        return report_complain(
                                EX_IOERR, "cannot write to stdout: %s", strerror(errno));
                r = run_history_follow(query, &report->options->history, &stop);
                if (r == 0)
                        r = journal_query_wait(query, USEC_INFINITY);
                else if (r > 0 && !stop_list_has(told, &stop))
                        r = report_print_one(report, &stop);
                past_stop_done(&stop);
                if (r == -EPIPE)
                        return 0;
                if (r < 0 && r != -EINTR)
                        return report_fail(r);
        }
}

/* Passes over what is there already. */
static int report_follow_to_end(Report *report, JournalQuery *query) {
        int r;

        r = run_history_ask(query, &report->options->history);
        while (r >= 0) {
                PastStop stop = {};

                r = run_history_follow(query, &report->options->history, &stop);
                past_stop_done(&stop);
                if (r == 0)
                        break;
        }
        return r;
}

int report_follow(Report *report) {
        _cleanup_(journal_query_freep) JournalQuery *query = NULL;
        _cleanup_(stop_list_done) StopList told = {};
        char error[JOURNAL_ERROR_MAX] = "";
        int r;

        r = journal_query_new(&report->options->source, &query, error);
        if (r < 0)
                return report_complain(EX_UNAVAILABLE, "%s", error);
        journal_query_watch_reader(query, STDOUT_FILENO);
        r = report_follow_to_end(report, query);
        if (r >= 0)
                r = report_follow_past(report, &told);
        return r < 0 ? report_fail(r) : report_follow_on(report, query, &told);
}
