/* SPDX-License-Identifier: MIT */

/* --stats --json: an array, one object a group. What is not known has no key. Times are integers in microseconds,
 * instants of the realtime clock since 1970. Names are text of strangers, valid UTF-8, escaped as JSON has it.
 *
 *   by                        "unit", "host" or "cause": what the groups are
 *   key                       the unit, host or cause
 *   host, unit                where all stops of the group have the same
 *   manager                   "system" or "user"; of units, where all are of one manager
 *   uid                       the user, of units of a user's manager
 *   stops                     how many: what the counts below are of
 *   first_realtime_usec, last_realtime_usec
 *   causes                    object: a count for each cause that there was; "(others)": words not known here
 *   outcomes                  object likewise; "unrecorded": runs that left no last record
 *   forced                    ended by SIGKILL, or their supervisor was
 *   unexplained               causes that nobody could act on
 *   mean_between_unexplained_usec
 *   total_sum_usec            whole stops, summed up
 *   drain_allowed_usec, headroom_usec, timeout_stop_usec
 *                             as the last stop has them
 *   drain                     object, where there was a drain:
 *     n, sum_usec, mean_usec, p50_usec, p90_usec, p99_usec, max_usec
 *                             as seen; nearest rank
 *     cut                     drains that ended at their bound
 *     cut_bound_usec          the longest such bound
 *     p99_bound_usec          99 of 100 end within it, however long those that were cut would have taken
 *     share_max               the most that was used of what was allowed, 1.0 being all of it
 *     over_90_percent         how many used more than 90 % of it
 *     histogram               array of objects: le_usec (not of the last one), n: how many took longer than the
 *                             bound before and at most this one
 *   killed_by_systemd         lost to the stop timeout of systemd
 *   phases, gateway_phases, steps
 *                             arrays by total time, most first: name, n, total_usec, mean_usec, max_usec, timed_out
 *   parties                   array, most frequent first, of objects with name and n: who asked or sent the signal
 *   recommendation            object; not of causes:
 *     is_given                whether there are settings to write
 *     is_enough               whether the present ones are long enough
 *     drain_timeout_usec, timeout_stop_usec
 *                             with either of the two
 *     reason                  sentences */

#include "report-output.h"

#include <string.h>

#include "record-json.h"
#include "statistics-internal.h"
#include "text-clean.h"

static void json_put_text(json_object *object, const char *key, const char *text) {
        _cleanup_free_ char *clean = text ? text_clean(text, TEXT_JSON) : NULL;

        if (clean)
                record_json_put(object, key, json_object_new_string(clean));
}

static void json_put_count(json_object *object, const char *key, uint64_t n) {
        record_json_put(object, key, json_object_new_uint64(n));
}

/* No key for infinity. */
static void json_put_usec(json_object *object, const char *key, usec_t usec) {
        if (usec != USEC_INFINITY)
                json_put_count(object, key, usec);
}

static void json_put_some(json_object *object, const char *key, size_t n) {
        if (n > 0)
                json_put_count(object, key, n);
}

/* Appends and takes. */
static void json_append(json_object *array, json_object *value) {
        if (value && (!array || json_object_array_add(array, value) < 0))
                (void) json_object_put(value);
}

static json_object *causes_to_json(const GroupStatistics *group) {
        json_object *object = json_object_new_object();

        for (Cause i = 0; i < _CAUSE_MAX; i++)
                json_put_some(object, cause_to_string(i), group->n_by_cause[i]);
        json_put_some(object, NAME_OTHERS, group->n_other_causes);
        return object;
}

static json_object *outcomes_to_json(const GroupStatistics *group) {
        json_object *object = json_object_new_object();

        for (Outcome i = 0; i < _OUTCOME_MAX; i++)
                json_put_some(object, outcome_to_string(i), group->n_by_outcome[i]);
        json_put_some(object, "unrecorded", group->n_unrecorded);
        json_put_some(object, NAME_OTHERS, group->n_other_outcomes);
        return object;
}

static json_object *histogram_to_json(const GroupStatistics *group) {
        json_object *array = json_object_new_array();

        for (size_t i = 0; i <= statistics_n_bounds; i++) {
                json_object *bucket = json_object_new_object();

                if (i < statistics_n_bounds)
                        json_put_usec(bucket, "le_usec", statistics_bound_usec(i));
                json_put_count(bucket, "n", group->histogram[i]);
                json_append(array, bucket);
        }
        return array;
}

static json_object *drain_to_json(const GroupStatistics *group) {
        json_object *object = json_object_new_object();

        json_put_count(object, "n", group->n_drains);
        json_put_usec(object, "sum_usec", group->drain_sum_usec);
        json_put_usec(object, "mean_usec", group->drain_sum_usec / group->n_drains);
        json_put_usec(object, "p50_usec", statistics_percentile(group, 50));
        json_put_usec(object, "p90_usec", statistics_percentile(group, 90));
        json_put_usec(object, "p99_usec", statistics_percentile(group, 99));
        json_put_usec(object, "max_usec", statistics_percentile(group, 100));
        json_put_count(object, "cut", group->n_cut);
        if (group->cut_bound_usec > 0)
                json_put_usec(object, "cut_bound_usec", group->cut_bound_usec);
        json_put_usec(object, "p99_bound_usec", group->p99_usec);
        if (group->n_shares > 0) {
                record_json_put(object, "share_max", json_object_new_double(group->share_max));
                json_put_count(object, "over_90_percent", group->n_over_90_percent);
        }
        record_json_put(object, "histogram", histogram_to_json(group));
        return object;
}

static json_object *times_to_json(const NamedTime times[], size_t n) {
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < n; i++) {
                json_object *object = json_object_new_object();

                json_put_text(object, "name", times[i].name);
                json_put_count(object, "n", times[i].n);
                json_put_usec(object, "total_usec", times[i].total_usec);
                json_put_usec(object, "mean_usec", times[i].total_usec / times[i].n);
                json_put_usec(object, "max_usec", times[i].max_usec);
                json_put_count(object, "timed_out", times[i].n_timed_out);
                json_append(array, object);
        }
        return array;
}

static json_object *parties_to_json(const GroupStatistics *group) {
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < group->n_parties; i++) {
                json_object *object = json_object_new_object();

                json_put_text(object, "name", group->parties[i].name);
                json_put_count(object, "n", group->parties[i].n);
                json_append(array, object);
        }
        return array;
}

/* Returns: a new object; NULL: out of memory. */
static json_object *recommendation_to_json(const GroupStatistics *group) {
        _cleanup_(recommendation_done) Recommendation recommendation = {};

        if (statistics_recommend(group, &recommendation) < 0)
                return NULL;
        json_object *object = json_object_new_object();
        record_json_put(object, "is_given", json_object_new_boolean(recommendation.is_given));
        record_json_put(object, "is_enough", json_object_new_boolean(recommendation.is_enough));
        if (recommendation.is_given || recommendation.is_enough) {
                json_put_usec(object, "drain_timeout_usec", recommendation.drain_timeout_usec);
                json_put_usec(object, "timeout_stop_usec", recommendation.timeout_stop_usec);
        }
        json_put_text(object, "reason", recommendation.reason);
        return object;
}

static void group_put_names(json_object *object, const GroupStatistics *group, StatisticsBy by) {
        json_put_text(object, "by", statistics_by_to_string(by));
        json_put_text(object, "key", group->key);
        json_put_text(object, "host", group->host);
        json_put_text(object, "unit", group->unit);
        if (group->manager != UNIT_MANAGER_NONE)
                json_put_text(
                        object, "manager", group->manager == UNIT_MANAGER_USER ? "user" : "system");
        if (group->uid != (uid_t) -1)
                json_put_count(object, "uid", group->uid);
}

static json_object *group_to_json(const GroupStatistics *group, StatisticsBy by) {
        json_object *object = json_object_new_object();

        group_put_names(object, group, by);
        json_put_count(object, "stops", group->n);
        json_put_usec(object, "first_realtime_usec", group->first_realtime_usec);
        json_put_usec(object, "last_realtime_usec", group->last_realtime_usec);
        record_json_put(object, "causes", causes_to_json(group));
        record_json_put(object, "outcomes", outcomes_to_json(group));
        json_put_count(object, "forced", group->n_forced);
        json_put_count(object, "unexplained", group->n_unexplained);
        json_put_usec(
                object, "mean_between_unexplained_usec", group->mean_between_unexplained_usec);
        json_put_usec(object, "total_sum_usec", group->total_sum_usec);
        json_put_usec(object, "drain_allowed_usec", group->drain_allowed_usec);
        json_put_usec(object, "headroom_usec", group->headroom_usec);
        json_put_usec(object, "timeout_stop_usec", group->timeout_stop_usec);
        if (group->n_drains > 0)
                record_json_put(object, "drain", drain_to_json(group));
        json_put_count(object, "killed_by_systemd", group->n_killed_by_systemd);
        record_json_put(object, "phases", times_to_json(group->phases, group->n_phases));
        record_json_put(object, "gateway_phases",
                times_to_json(group->gateway_phases, group->n_gateway_phases));
        record_json_put(object, "steps", times_to_json(group->steps, group->n_steps));
        record_json_put(object, "parties", parties_to_json(group));
        if (by != STATISTICS_BY_CAUSE)
                record_json_put(object, "recommendation", recommendation_to_json(group));
        return object;
}

int statistics_print_json(FILE *file, const Statistics *statistics, JsonMode mode) {
        json_object *array = json_object_new_array();

        assert(file);
        assert(statistics);

        if (!array)
                return -ENOMEM;
        for (size_t i = 0; i < statistics->n_groups; i++)
                json_append(array, group_to_json(&statistics->groups[i], statistics->by));
        int r = json_mode_print(file, array, mode);
        (void) json_object_put(array);
        return r;
}
