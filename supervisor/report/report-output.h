/* SPDX-License-Identifier: MIT */
#pragma once

/* Stops and statistics for people (tables by libsmartcols) and for programs. Whatever a record contains, no
 * control character reaches a terminal, and each format stays what it is. Errors of writing stay with the file
 * (ferror(3)). */

#include <json-c/json.h>
#include <stdio.h>

#include "json-mode.h"
#include "past-stop.h"
#include "statistics.h"

typedef struct ReportPrintOptions {
        bool has_colour;
        bool has_legend; /* --no-legend: no header, no last line */
        bool has_host;   /* a column HOST */
        bool has_trust;  /* a column TRUST */
        bool is_full;    /* nothing is cut to the width (-l, --full, no terminal) */
        bool is_utc;     /* --utc */
        bool is_ascii;   /* the locale is not UTF-8 */
        unsigned width;  /* in columns; 0: no terminal */
} ReportPrintOptions;

/* One row a stop: WHEN HOST UNIT CAUSE BY OUTCOME DRAIN (used / allowed) TOTAL LOST (work in flight) EXIT TRUST.
 * Returns: 0; -ELIBACC: libsmartcols is not installed; -ENOMEM. */
int report_print_table(
        FILE *file, const StopList *list, const ReportPrintOptions *options) _warn_unused_;

/* One line of that table without libsmartcols, in fixed columns: for -f.
 * Returns: 0; -ENOMEM. */
int report_print_line(
        FILE *file, const PastStop *stop, const ReportPrintOptions *options) _warn_unused_;

/* One object a stop, with the keys that gatewatch-report(1) documents; keys whose value is not known are missing.
 * Returns: a new object; NULL: out of memory. */
json_object *past_stop_to_json(const PastStop *stop) _warn_unused_;
/* One array. Returns: 0; -ENOMEM. */
int report_print_json(FILE *file, const StopList *list, JsonMode mode) _warn_unused_;
/* Times in seconds, dates in UTC. A cell that a spreadsheet would take for a formula has a "'" in front.
 * has_legend: a header.
 * Returns: 0; -ENOMEM.
 * Source: RFC 4180, RFC 3339. */
int report_print_csv(FILE *file, const StopList *list, bool has_legend) _warn_unused_;
/* Counters and histograms for the textfile collector of the node exporter: valid as OpenMetrics 1.0 and in
 * Prometheus' text format.
 * Returns: 0; -ENOMEM.
 * Source: OpenMetrics 1.0; Prometheus, "Exposition formats". */
int report_print_openmetrics(FILE *file, const Statistics *statistics) _warn_unused_;

/* --stats: a page a group: counts, percentiles, histogram, phases, steps, parties, recommendation.
 * Returns: 0; -ENOMEM. */
int statistics_print(
        FILE *file, const Statistics *statistics, const ReportPrintOptions *options) _warn_unused_;
/* --by= without --stats: one row a group. Returns: as report_print_table(). */
int statistics_print_table(
        FILE *file, const Statistics *statistics, const ReportPrintOptions *options) _warn_unused_;
/* --stats --json: an array, one object a group. Returns: 0; -ENOMEM. */
int statistics_print_json(FILE *file, const Statistics *statistics, JsonMode mode) _warn_unused_;
