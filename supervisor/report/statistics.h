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
#define STATISTICS_NAMES_MAX   256

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
        uid_t uid; /* of a user's units, where they are the same user's; -1: any other */
        size_t n;  /* stops */
        size_t n_by_cause[_CAUSE_MAX], n_other_causes;
        size_t n_by_outcome[_OUTCOME_MAX], n_other_outcomes, n_unrecorded;
        size_t n_forced, n_unexplained;
        usec_t first_realtime_usec, last_realtime_usec;

        /* Of stops that were asked for and have a drain: clean, escalated, killed. A drain that was cut at its
         * bound would have taken longer, and nobody knows how much. */
        usec_t *drains_usec; /* sorted */
        size_t n_drains, n_cut;
        usec_t cut_bound_usec;     /* the longest bound that one was cut at; 0: none was */
        usec_t longest_drain_usec; /* of those that were not cut; 0: there is none */
        size_t n_killed_by_systemd; /* lost when the timeout of systemd passed; not among the drains */
        usec_t p99_usec; /* 99 of 100 drains end within it, however long those that were cut would have taken;
                          * infinity: not known, since more of them were cut, or there is none */
        uint64_t histogram[STATISTICS_BUCKETS_MAX]; /* not cumulative; [n_bounds] is +Inf */
        usec_t drain_sum_usec;
        usec_t total_sum_usec; /* of whole stops, for the metrics */
        usec_t drain_allowed_usec, timeout_stop_usec,
                headroom_usec; /* of the last stop that tells; infinity: none does */
        double share_max;      /* how close to what was allowed, at most; negative: not known */
        size_t n_over_90_percent, n_shares;

        /* By total time, most first. At most STATISTICS_NAMES_MAX names each; what more there is is the last one,
         * "(others)". */
        NamedTime *phases, *gateway_phases, *steps;
        size_t n_phases, n_gateway_phases, n_steps;
        usec_t step_bound_usec; /* the longest that a step had within its drain; 0: none */
        char *step_bound_name;  /* whose */
        NamedCount *parties;    /* senders and requesters, most frequent first; bounded likewise */
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
        bool is_given;  /* there are settings to write */
        bool is_enough; /* the present settings are enough: nothing to change; never with is_given */
        usec_t drain_timeout_usec; /* given, or enough */
        usec_t timeout_stop_usec;  /* drain and headroom */
        char *reason; /* sentences: what was seen, what follows; or why there is none */
} Recommendation;

/* From the p99 of what was seen: longer where drains ended at their bound (they would have needed more, and nobody
 * knows how much), a fifth above p99 else; rounded up to what a person would write. headroom_usec: 30 s unless told.
 * Returns: 0; -ENOMEM. */
int statistics_recommend(
        const GroupStatistics *group, Recommendation *ret_recommendation) _warn_unused_;
void recommendation_done(Recommendation *recommendation);
