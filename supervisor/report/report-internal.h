/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of the verb `report` share: the options, the journal, how it is shown. */

#include "report/report-options.h"
#include "report/report-output.h"
#include "report/stop-story.h"

typedef struct Report {
        const ReportOptions *options; /* weak */
        JournalQuery *query;
        ReportPrintOptions print;
        TimelineOptions timeline;
} Report;

/* Tells what went wrong, on stderr, as "gatewatch report: …". Returns: exit_status. */
int report_complain(int exit_status, const char *format, ...) _printf_(2, 3);
/* The same for a negative errno. */
int report_fail(int error);

/* Prints stops in the format that was asked for. Returns: 0; -ELIBACC; -ENOMEM. */
int report_print(Report *report, const StopList *list) _warn_unused_;

/* --svg=, --html=. Returns: the exit status. */
int report_write_pictures(Report *report, const StopList *list);
/* Returns: 0; -ENOMEM. */
int report_print_pictures(Report *report, const StopList *list) _warn_unused_;

/* Prints the last stops, then each that happens, until a signal comes. Returns: the exit status. */
int report_follow(Report *report);
