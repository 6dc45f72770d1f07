/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line of `gatewatch report`. */

#include "json-mode.h"
#include "option-error.h"
#include "report/journal-query.h"
#include "report/run-history.h"
#include "report/statistics.h"

typedef enum ReportAction {
        REPORT_STOPS,
        REPORT_SHOW_HELP,
        REPORT_SHOW_VERSION,
} ReportAction;

typedef enum ReportFormat {
        REPORT_TABLE,
        REPORT_JSON,
        REPORT_CSV,
        REPORT_OPENMETRICS,
        REPORT_TIMELINE,
        _REPORT_FORMAT_MAX,
        _REPORT_FORMAT_INVALID = -EINVAL,
} ReportFormat;

/* "table", "json", "csv", "openmetrics", "timeline". */
const char *report_format_to_string(ReportFormat format);
ReportFormat report_format_from_string(const char *name);

typedef struct ReportOptions {
        ReportAction action;
        JournalSource source;   /* its files are ours */
        HistoryOptions history; /* its lists are ours; boot_id is not set: see boot */
        const char *boot;       /* weak; NULL: any; "" the present one */

        ReportFormat format;
        JsonMode json; /* of REPORT_JSON: short or pretty */
        bool has_statistics, has_by;
        StatisticsBy by;
        const char *svg, *html; /* weak: where to write these; "-": stdout */

        bool is_following, is_reversed;
        bool has_legend, is_full, is_utc, is_quiet;
        bool has_pager, jumps_to_end;
} ReportOptions;

/* Returns: 0; -EINVAL: refused, reterr has one line that names the offending value and the fix; -ENOMEM. */
int report_options_parse(int argc, char *argv[], usec_t now_realtime_usec,
        ReportOptions *ret_options, char reterr[static OPTION_ERROR_MAX]) _warn_unused_;
void report_options_done(ReportOptions *options);

void report_print_help(void);
