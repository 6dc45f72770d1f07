/* SPDX-License-Identifier: MIT */

/* One row a group, for people who compare units, hosts or causes.
 *
 * Names are cut before libsmartcols sees them, since it leaves no mark, to what the width leaves beside the
 * numbers; it is told of no terminal and only aligns. */

#include "report-output.h"

#include <string.h>

#include "smartcols.h"
#include "statistics-internal.h"
#include "text-clean.h"
#include "text-wrap.h"

#define TABLE_NAME_MIN 12

typedef enum GroupColumn {
        GROUP_KEY,
        GROUP_HOST,
        GROUP_STOPS,
        GROUP_CLEAN,
        GROUP_FORCED,
        GROUP_UNEXPLAINED,
        GROUP_P50,
        GROUP_P99,
        GROUP_MAX,
        GROUP_ALLOWED,
        _GROUP_COLUMN_MAX,
} GroupColumn;

static const char *const group_columns[_GROUP_COLUMN_MAX] = {
        [GROUP_KEY] = "UNIT",
        [GROUP_HOST] = "HOST",
        [GROUP_STOPS] = "STOPS",
        [GROUP_CLEAN] = "CLEAN",
        [GROUP_FORCED] = "FORCED",
        [GROUP_UNEXPLAINED] = "UNEXPL",
        [GROUP_P50] = "P50",
        [GROUP_P99] = "P99",
        [GROUP_MAX] = "MAX",
        [GROUP_ALLOWED] = "ALLOWED",
};

static const char *const group_key_columns[_STATISTICS_BY_MAX] = {
        [STATISTICS_BY_UNIT] = "UNIT",
        [STATISTICS_BY_HOST] = "HOST",
        [STATISTICS_BY_CAUSE] = "CAUSE",
};

typedef struct GroupTable {
        const Statistics *statistics;      /* weak */
        const ReportPrintOptions *options; /* weak */
        const Smartcols *scols;
        struct libscols_table *table;
        bool has_host;
        size_t name_columns;
} GroupTable;

/* Text of a stranger, cut. Returns: malloc()ed text; NULL: out of memory. */
static char *group_table_clean(const GroupTable *table, const char *text) {
        const char *mark = table->options->is_ascii ? "..." : "…";
        _cleanup_free_ char *clean = text_clean(text, TEXT_TERMINAL);

        if (clean && table->options->is_ascii)
                text_reduce(clean);
        else if (clean)
                text_replace_unknown(clean);
        if (!clean || table->options->is_full)
                return TAKE_PTR(clean);
        return text_cut(clean, table->name_columns, mark);
}

static char *group_table_format(
        const GroupTable *table, const GroupStatistics *group, GroupColumn column) {
        char span[USEC_SPAN_MAX];
        char *text;

        switch (column) {
        case GROUP_KEY:
                return group_table_clean(table, group->key);
        case GROUP_HOST:
                return group_table_clean(table, group->host);
        case GROUP_STOPS:
                return asprintf(&text, "%zu", group->n) < 0 ? NULL : text;
        case GROUP_CLEAN:
                return strdup(statistics_format_share(span,
                        group->n_by_outcome[OUTCOME_CLEAN] + group->n_by_outcome[OUTCOME_EXITED],
                        group->n));
        case GROUP_FORCED:
                return strdup(statistics_format_share(span, group->n_forced, group->n));
        case GROUP_UNEXPLAINED:
                return strdup(statistics_format_share(span, group->n_unexplained, group->n));
        case GROUP_P50:
                return strdup(statistics_format_seen(span, statistics_percentile(group, 50)));
        case GROUP_P99:
                return strdup(statistics_format_seen(span, statistics_percentile(group, 99)));
        case GROUP_MAX:
                return strdup(statistics_format_seen(span, statistics_percentile(group, 100)));
        default:
                if (group->drain_allowed_usec == USEC_INFINITY)
                        return strdup("-");
                return strdup(statistics_format_setting(span, group->drain_allowed_usec));
        }
}

/* What deserves a look. */
static const char *group_table_colour(const GroupStatistics *group, GroupColumn column) {
        if (column == GROUP_FORCED && group->n_forced > 0)
                return "\033[0;1;31m";
        if (column == GROUP_UNEXPLAINED && group->n_unexplained > 0)
                return "\033[0;1;31m";
        if ((column == GROUP_MAX || column == GROUP_P99) && group->n_cut > 0)
                return "\033[0;1;33m";
        return NULL;
}

static bool group_table_shows(const GroupTable *table, GroupColumn column) {
        return column != GROUP_HOST || table->has_host;
}

/* Leaves to the names what the numbers, as wide as they are, do not need. */
static int group_table_fit(GroupTable *table) {
        size_t used = 0;

        for (GroupColumn i = GROUP_STOPS; i < _GROUP_COLUMN_MAX; i++) {
                size_t widest = strlen(group_columns[i]); /* also where it is not shown */

                for (size_t j = 0; j < table->statistics->n_groups; j++) {
                        _cleanup_free_ char *cell =
                                group_table_format(table, &table->statistics->groups[j], i);

                        if (!cell)
                                return -ENOMEM;
                        widest = strlen(cell) > widest ? strlen(cell) : widest;
                }
                used += widest + 1;
        }
        /* The gap between two names is one column of the first. */
        const size_t left = table->options->width > used ? table->options->width - used : 0;
        const size_t columns = table->has_host ? (left - (left > 0)) / 2 : left;
        table->name_columns = columns > TABLE_NAME_MIN ? columns : TABLE_NAME_MIN;
        return 0;
}

static int group_table_add_row(GroupTable *table, const GroupStatistics *group) {
        struct libscols_line *line = table->scols->table_new_line(table->table, /* parent= */ NULL);
        size_t n = 0;

        if (!line)
                return -ENOMEM;
        for (GroupColumn i = 0; i < _GROUP_COLUMN_MAX; i++) {
                if (!group_table_shows(table, i))
                        continue;
                char *cell = group_table_format(table, group, i);
                const char *colour = group_table_colour(group, i);

                if (smartcols_put_cell(table->scols, line, n, cell) < 0)
                        return -ENOMEM;
                if (colour &&
                        table->scols->cell_set_color(table->scols->line_get_cell(line, n), colour) <
                                0)
                        return -ENOMEM;
                n++;
        }
        return 0;
}

static int group_table_fill(GroupTable *table) {
        const Statistics *statistics = table->statistics;
        int r = 0;

        table->table = table->scols->new_table();
        if (!table->table)
                return -ENOMEM;
        (void) table->scols->table_enable_colors(table->table, table->options->has_colour);
        (void) table->scols->table_enable_noheadings(table->table, !table->options->has_legend);
        (void) table->scols->table_set_termforce(table->table, SCOLS_TERMFORCE_NEVER);

        for (GroupColumn i = 0; i < _GROUP_COLUMN_MAX; i++)
                if (group_table_shows(table, i) &&
                        !table->scols->table_new_column(table->table,
                                i == GROUP_KEY ? group_key_columns[statistics->by]
                                               : group_columns[i],
                                /* whint= */ 0, i > GROUP_HOST ? SCOLS_FL_RIGHT : 0))
                        return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < statistics->n_groups; i++)
                r = group_table_add_row(table, &statistics->groups[i]);
        return r;
}

static int group_table_put(GroupTable *table, FILE *file) {
        SmartcolsLocale locale;

        int r = group_table_fit(table);
        if (r < 0)
                return r;
        smartcols_locale_enter(&locale);
        r = group_table_fill(table);
        if (r >= 0)
                r = smartcols_put_table(file, table->scols, table->table);
        smartcols_locale_leave(&locale);
        if (table->table)
                table->scols->unref_table(table->table);
        return r;
}

int statistics_print_table(
        FILE *file, const Statistics *statistics, const ReportPrintOptions *options) {
        GroupTable table = { .statistics = statistics, .options = options };
        size_t n_stops = 0;

        assert(file);
        assert(statistics);
        assert(options);

        table.has_host = options->has_host && statistics->by == STATISTICS_BY_UNIT;
        if (statistics->n_groups > 0) {
                int r = smartcols_load(&table.scols);
                if (r >= 0)
                        r = group_table_put(&table, file);
                if (r < 0)
                        return r;
        }
        if (!options->has_legend)
                return 0;
        for (size_t i = 0; i < statistics->n_groups; i++)
                n_stops += statistics->groups[i].n;
        (void) fprintf(file, "%s%zu %s%s, %zu stop%s\n", statistics->n_groups > 0 ? "\n" : "",
                statistics->n_groups, statistics_by_to_string(statistics->by),
                statistics->n_groups == 1 ? "" : "s", n_stops, n_stops == 1 ? "" : "s");
        return 0;
}
