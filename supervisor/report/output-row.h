/* SPDX-License-Identifier: MIT */
#pragma once

/* A past stop as the cells of a row, for output-table.c, and what narrow terminals leave of them. */

#include "report-output.h"

typedef enum StopColumn {
        COLUMN_WHEN,
        COLUMN_HOST,
        COLUMN_UNIT,
        COLUMN_CAUSE,
        COLUMN_BY,
        COLUMN_OUTCOME,
        COLUMN_DRAIN,
        COLUMN_TOTAL,
        COLUMN_LOST,
        COLUMN_EXIT,
        COLUMN_TRUST,
        _COLUMN_MAX,
} StopColumn;

typedef struct StopColumnInfo {
        const char *name;
        bool is_right;                             /* numbers */
        unsigned min_columns;                      /* not cut below; 0: not cut at all */
        unsigned line_columns, line_short_columns; /* of rows that are printed by themselves */
} StopColumnInfo;

extern const StopColumnInfo stop_columns[_COLUMN_MAX];

/* Embedded; {} is an empty one. */
typedef struct StopRow {
        char *cells[_COLUMN_MAX]; /* clean; NULL: not shown */
        const char *colours[_COLUMN_MAX];
} StopRow;

/* Returns: 0; -ENOMEM: some of it is there. */
int stop_row_format(
        StopRow *row, const PastStop *stop, const ReportPrintOptions *options) _warn_unused_;
void stop_row_done(StopRow *row);

/* Whether there is such a column; else the cells are NULL. */
bool stop_column_is_shown(const ReportPrintOptions *options, StopColumn column);

/* Takes away what can be done without: the weekday, ".service", spaces in numbers, "exited", "killed", "dumped" and
 * "SIG"; a few minutes are said in seconds. stop: the row's. */
void stop_row_shorten(StopRow *row, const PastStop *stop);
/* And then the year. */
void stop_row_drop_year(StopRow *row);
/* Cuts cells that are wider, of columns that may be cut. Returns: 0; -ENOMEM. */
int stop_row_cut(StopRow *row, const size_t widths[static _COLUMN_MAX],
        const ReportPrintOptions *options) _warn_unused_;

/* Whether columns of these widths fit, or need not. */
bool stop_widths_fit(const size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options);
/* Narrows columns until they fit, or none may be narrower. */
void stop_widths_narrow(size_t widths[static _COLUMN_MAX], const ReportPrintOptions *options);
