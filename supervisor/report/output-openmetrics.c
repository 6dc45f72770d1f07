/* SPDX-License-Identifier: MIT */

/* Stops as metrics, for the textfile collector of the node exporter.
 *
 * A document of OpenMetrics 1.0: families one after the other, each with its TYPE, HELP and (where it has one)
 * UNIT, then a sample a group and word, then "# EOF". A reader of Prometheus' older text format takes UNIT and
 * EOF for comments, and counters for untyped, since it knows the family by its name without "_total"; both are
 * what the collector expects.
 *
 * Counters count what the journal (still) holds: one that shrinks with it is a counter that was reset, which is
 * what rate() takes it for. A word of ours has a sample also when it is 0, so that its first time is seen as an
 * increase. Words that are not ours are counted together, as "other": strangers invent no series.
 *
 * Every number is made of integers; printf(3) would ask the locale for the decimal point. */

#include <string.h>

#include "byte-buffer.h"
#include "output-text.h"
#include "report-output.h"
#include "strv.h"

#define RATIO_SCALE 10000U
#define RATIO_MAX   1000.0 /* nothing is read off what is beyond */

typedef struct MetricsWriter {
        FILE *file;
        const Statistics *statistics;
        char **labels; /* of each group: "unit=\"hermes.service\",host=\"a\"" */
} MetricsWriter;

/* ---- Labels ------------------------------------------------------------------------------------ */

/* Its value is a stranger's. */
static void labels_append(ByteBuffer *buffer, const char *name, const char *value) {
        _cleanup_free_ char *clean = output_text(value);

        if (!clean) {
                buffer->is_failed = true;
                return;
        }
        if (buffer->size > 0)
                byte_buffer_append_text(buffer, ",");
        byte_buffer_append_text(buffer, name);
        byte_buffer_append_text(buffer, "=\"");
        for (const char *c = clean; *c; c++)
                switch (*c) {
                case '\\':
                case '"':
                        byte_buffer_append_text(buffer, "\\");
                        byte_buffer_append(buffer, c, 1);
                        break;
                case '\n':
                        byte_buffer_append_text(buffer, "\\n");
                        break;
                case '\r': /* has no escape, and ends a line for some */
                        byte_buffer_append_text(buffer, "?");
                        break;
                default:
                        byte_buffer_append(buffer, c, 1);
                }
        byte_buffer_append_text(buffer, "\"");
}

/* Returns: malloc()ed text; NULL: out of memory. */
static char *labels_format(const GroupStatistics *group, StatisticsBy by) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        char uid[16];

        switch (by) {
        case STATISTICS_BY_UNIT:
                labels_append(&buffer, "unit", group->unit ?: group->key);
                labels_append(&buffer, "manager", unit_manager_to_string(group->manager));
                if (group->host)
                        labels_append(&buffer, "host", group->host);
                if (group->uid != (uid_t) -1) {
                        (void) snprintf(uid, sizeof(uid), "%u", group->uid);
                        labels_append(&buffer, "uid", uid);
                }
                break;
        case STATISTICS_BY_HOST:
                labels_append(&buffer, "host", group->key);
                break;
        default:
                labels_append(&buffer, "cause", group->key);
        }
        return byte_buffer_steal(&buffer);
}

/* ---- Samples ----------------------------------------------------------------------------------- */

static void writer_begin(const MetricsWriter *writer, const char *name, const char *type,
        const char *unit, const char *help) {
        (void) fprintf(writer->file, "# TYPE %s %s\n", name, type);
        if (unit)
                (void) fprintf(writer->file, "# UNIT %s %s\n", name, unit);
        (void) fprintf(writer->file, "# HELP %s %s\n", name, help);
}

/* word: of a label of its own; NULL: no such label. */
static void writer_put_count(const MetricsWriter *writer, const char *name, size_t i,
        const char *label, const char *word, uint64_t n) {
        (void) fprintf(writer->file, "%s{%s", name, writer->labels[i]);
        if (label)
                (void) fprintf(writer->file, ",%s=\"%s\"", label, word);
        (void) fprintf(writer->file, "} %" PRIu64 "\n", n);
}

/* One sample a group. */
static void writer_put_counts(const MetricsWriter *writer, const char *name, size_t offset) {
        for (size_t i = 0; i < writer->statistics->n_groups; i++)
                writer_put_count(writer, name, i, /* label= */ NULL, /* word= */ NULL,
                        *(const size_t *) ((const char *) &writer->statistics->groups[i] + offset));
}

/* One sample a group that has it. */
static void writer_put_times(const MetricsWriter *writer, const char *name, size_t offset) {
        char text[OUTPUT_SECONDS_MAX];

        for (size_t i = 0; i < writer->statistics->n_groups; i++) {
                const usec_t usec =
                        *(const usec_t *) ((const char *) &writer->statistics->groups[i] + offset);
                if (usec != USEC_INFINITY)
                        (void) fprintf(writer->file, "%s{%s} %s\n", name, writer->labels[i],
                                output_seconds(text, usec));
        }
}

/* ---- Families ---------------------------------------------------------------------------------- */

static void writer_put_outcomes(const MetricsWriter *writer) {
        writer_begin(writer, "gatewatch_stops", "counter", /* unit= */ NULL,
                "Runs that are over, by how they ended.");
        for (size_t i = 0; i < writer->statistics->n_groups; i++) {
                const GroupStatistics *group = &writer->statistics->groups[i];

                for (Outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++)
                        writer_put_count(writer, "gatewatch_stops_total", i, "outcome",
                                outcome_to_string(outcome), group->n_by_outcome[outcome]);
                writer_put_count(writer, "gatewatch_stops_total", i, "outcome", "unrecorded",
                        group->n_unrecorded);
                writer_put_count(writer, "gatewatch_stops_total", i, "outcome", "other",
                        group->n_other_outcomes);
        }
}

static void writer_put_causes(const MetricsWriter *writer) {
        if (writer->statistics->by == STATISTICS_BY_CAUSE)
                return; /* the label is there already, and the counts are those by outcome */

        writer_begin(writer, "gatewatch_stop_causes", "counter", /* unit= */ NULL,
                "Runs that are over, by why they ended.");
        for (size_t i = 0; i < writer->statistics->n_groups; i++) {
                const GroupStatistics *group = &writer->statistics->groups[i];

                for (Cause cause = 0; cause < _CAUSE_MAX; cause++)
                        writer_put_count(writer, "gatewatch_stop_causes_total", i, "cause",
                                cause_to_string(cause), group->n_by_cause[cause]);
                writer_put_count(writer, "gatewatch_stop_causes_total", i, "cause", "other",
                        group->n_other_causes);
        }
}

/* A bound as OpenMetrics wants it written: "0.5", "10.0". */
static const char *bound_format(char text[static OUTPUT_SECONDS_MAX], double bound) {
        (void) output_seconds(text, (usec_t) (bound * (double) USEC_PER_SEC + 0.5));
        return strchr(text, '.') ? text : strcat(text, ".0");
}

static void writer_put_histogram(const MetricsWriter *writer, size_t i) {
        const GroupStatistics *group = &writer->statistics->groups[i];
        const char *labels = writer->labels[i];
        char text[OUTPUT_SECONDS_MAX];
        uint64_t n = 0;

        for (size_t j = 0; j < statistics_n_bounds; j++) {
                n += group->histogram[j];
                (void) fprintf(writer->file,
                        "gatewatch_drain_seconds_bucket{%s,le=\"%s\"} %" PRIu64 "\n", labels,
                        bound_format(text, statistics_bounds[j]), n);
        }
        n += group->histogram[statistics_n_bounds];
        (void) fprintf(writer->file, "gatewatch_drain_seconds_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n",
                labels, n);
        (void) fprintf(writer->file, "gatewatch_drain_seconds_sum{%s} %s\n", labels,
                output_seconds(text, group->drain_sum_usec));
        (void) fprintf(writer->file, "gatewatch_drain_seconds_count{%s} %" PRIu64 "\n", labels, n);
}

static void writer_put_drains(const MetricsWriter *writer) {
        writer_begin(writer, "gatewatch_drain_seconds", "histogram", "seconds",
                "How long drains of stops that were asked for took.");
        for (size_t i = 0; i < writer->statistics->n_groups; i++)
                writer_put_histogram(writer, i);
}

static void writer_put_share(const MetricsWriter *writer) {
        writer_begin(writer, "gatewatch_drain_used_max_ratio", "gauge", "ratio",
                "Share of the allowed drain that was used, at most.");
        for (size_t i = 0; i < writer->statistics->n_groups; i++) {
                const double share = writer->statistics->groups[i].share_max;

                if (share < 0)
                        continue;
                const unsigned scaled =
                        (unsigned) ((share < RATIO_MAX ? share : RATIO_MAX) * RATIO_SCALE + 0.5);
                (void) fprintf(writer->file, "gatewatch_drain_used_max_ratio{%s} %u.%04u\n",
                        writer->labels[i], scaled / RATIO_SCALE, scaled % RATIO_SCALE);
        }
}

typedef struct MetricsFamily {
        const char *name;
        const char *unit; /* NULL: a count */
        bool is_counter;
        size_t offset;
        const char *help;
} MetricsFamily;

/* Of one number a group. */
static const MetricsFamily metrics_families[] = {
        { "gatewatch_forced_kills", NULL, true, offsetof(GroupStatistics, n_forced),
                "Stops that SIGKILL or the loss of the supervisor ended." },
        { "gatewatch_unexplained_ends", NULL, true, offsetof(GroupStatistics, n_unexplained),
                "Ends whose cause says nothing that a person could act on." },
        { "gatewatch_drains_near_limit", NULL, true, offsetof(GroupStatistics, n_over_90_percent),
                "Drains that used 90 percent or more of what was allowed." },
        { "gatewatch_stop_time_seconds", "seconds", true, offsetof(GroupStatistics, total_sum_usec),
                "Time that stops took from their beginning to their end, summed up." },
        { "gatewatch_drain_allowed_seconds", "seconds", false,
                offsetof(GroupStatistics, drain_allowed_usec),
                "Drain that the last stop was allowed." },
        { "gatewatch_headroom_seconds", "seconds", false, offsetof(GroupStatistics, headroom_usec),
                "Headroom behind the drain of the last stop." },
        { "gatewatch_timeout_stop_seconds", "seconds", false,
                offsetof(GroupStatistics, timeout_stop_usec),
                "Stop timeout of systemd at the last stop." },
        { "gatewatch_first_stop_timestamp_seconds", "seconds", false,
                offsetof(GroupStatistics, first_realtime_usec),
                "When the first of the counted runs was over." },
        { "gatewatch_last_stop_timestamp_seconds", "seconds", false,
                offsetof(GroupStatistics, last_realtime_usec),
                "When the last of the counted runs was over." },
};

static void writer_put_family(const MetricsWriter *writer, const MetricsFamily *family) {
        char sample[64];

        (void) snprintf(
                sample, sizeof(sample), "%s%s", family->name, family->is_counter ? "_total" : "");
        writer_begin(writer, family->name, family->is_counter ? "counter" : "gauge", family->unit,
                family->help);
        if (family->unit)
                writer_put_times(writer, sample, family->offset);
        else
                writer_put_counts(writer, sample, family->offset);
}

/* ---- The document ------------------------------------------------------------------------------ */

/* Names that differ only in what was cleaned away would be one series twice, and the document none: further ones
 * have a label more. */
static int writer_tell_apart(MetricsWriter *writer, size_t i) {
        char *label = writer->labels[i];
        size_t n = 1;

        for (size_t j = 0; j < i; j++)
                n += strncmp(writer->labels[j], label, strlen(label)) == 0;
        if (n == 1)
                return 0;
        if (asprintf(&writer->labels[i], "%s,number=\"%zu\"", label, n) < 0) {
                writer->labels[i] = label;
                return -ENOMEM;
        }
        free(label);
        return 0;
}

static int writer_format_labels(MetricsWriter *writer) {
        const Statistics *statistics = writer->statistics;
        int r = 0;

        writer->labels = calloc(statistics->n_groups + 1, sizeof(*writer->labels));
        if (!writer->labels)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < statistics->n_groups; i++) {
                writer->labels[i] = labels_format(&statistics->groups[i], statistics->by);
                r = writer->labels[i] ? writer_tell_apart(writer, i) : -ENOMEM;
        }
        return r;
}

static void writer_done(MetricsWriter *writer) {
        (void) strv_free(writer->labels);
}

int report_print_openmetrics(FILE *file, const Statistics *statistics) {
        _cleanup_(writer_done) MetricsWriter writer = { .file = file, .statistics = statistics };

        assert(file);
        assert(statistics);

        int r = writer_format_labels(&writer);
        if (r < 0)
                return r;
        writer_put_outcomes(&writer);
        writer_put_causes(&writer);
        writer_put_drains(&writer);
        writer_put_share(&writer);
        for (size_t i = 0; i < ELEMENTSOF(metrics_families); i++)
                writer_put_family(&writer, &metrics_families[i]);
        (void) fputs("# EOF\n", file);
        return 0;
}
