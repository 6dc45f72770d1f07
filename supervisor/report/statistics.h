/* SPDX-License-Identifier: MIT */
#pragma once

/* What many stops have in common, per unit, host or cause. Pure. */

#include "past-stop.h"

typedef enum StatisticsBy {
        STATISTICS_BY_UNIT, /* and host, where there are several */
        STATISTICS_BY_HOST,
        STATISTICS_BY_CAUSE,
        _STATISTICS_BY_MAX,
        _STATISTICS_BY_INVALID = -EINVAL,
} StatisticsBy;

/* "unit", "host", "cause". */
const char *statistics_by_to_string(StatisticsBy by);
StatisticsBy statistics_by_from_string(const char *name);

#define STATISTICS_BUCKETS_MAX 16

typedef struct NamedTime {
        char *name;
        usec_t total_usec, max_usec;
        size_t n, n_timed_out;
} NamedTime;

typedef struct NamedCount {
        char *name;
        size_t n;
} NamedCount;

/* Upper bounds of drain times in seconds, as the histogram has them: 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
 * 600, 1800, 3600, +Inf. */
extern const double statistics_bounds[STATISTICS_BUCKETS_MAX];
extern const size_t statistics_n_bounds; /* without +Inf */

typedef struct GroupStatistics {
        char *key;         /* the unit, host or cause; never NULL */
        char *host, *unit; /* NULL: not the same for all */
        UnitManager manager;
        size_t n; /* stops */
        size_t n_by_cause[_CAUSE_MAX], n_other_causes;
        size_t n_by_outcome[_OUTCOME_MAX], n_other_outcomes, n_unrecorded;
        size_t n_forced, n_unexplained;
        usec_t first_realtime_usec, last_realtime_usec;

        usec_t *drains_usec; /* sorted; of stops that were asked for and have one */
        size_t n_drains;
        uint64_t histogram[STATISTICS_BUCKETS_MAX]; /* not cumulative; [n_bounds] is +Inf */
        usec_t drain_sum_usec;
        usec_t total_sum_usec; /* of whole stops, for the metrics */
        usec_t drain_allowed_usec, timeout_stop_usec,
                headroom_usec; /* of the last stop that tells; infinity: none does */
        double share_max;      /* how close to what was allowed, at most; negative: not known */
        size_t n_over_90_percent, n_shares;

        NamedTime *phases, *steps; /* by total time, most first */
        size_t n_phases, n_steps;
        NamedCount *parties; /* senders and requesters, most frequent first */
        size_t n_parties;
        usec_t mean_between_unexplained_usec; /* infinity: fewer than two */
} GroupStatistics;

typedef struct Statistics {
        StatisticsBy by;
        GroupStatistics *groups; /* by key */
        size_t n_groups;
} Statistics;

/* Forged stops and running runs are not counted. Returns: 0; -ENOMEM. */
int statistics_compute(
        const StopList *list, StatisticsBy by, Statistics *ret_statistics) _warn_unused_;
void statistics_done(Statistics *statistics);

/* The time that percent of 100 drains had ended by (nearest rank). Returns: USEC_INFINITY: there is none. */
usec_t statistics_percentile(const GroupStatistics *group, double percent);

#define RECOMMENDATION_STOPS_MIN 20

typedef struct Recommendation {
        bool is_given;
        usec_t drain_timeout_usec;
        usec_t timeout_stop_usec; /* drain and headroom */
        char *reason;             /* sentences: what was seen, what follows; or why there is none */
} Recommendation;

/* From the p99 of what was seen: longer where drains ended at their bound (they would have needed more, and nobody
 * knows how much), a fifth above p99 else; rounded up to what a person would write. headroom_usec: 30 s unless told.
 * Returns: 0; -ENOMEM. */
int statistics_recommend(
        const GroupStatistics *group, Recommendation *ret_recommendation) _warn_unused_;
void recommendation_done(Recommendation *recommendation);
