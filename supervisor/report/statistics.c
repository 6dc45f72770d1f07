/* SPDX-License-Identifier: MIT */

/* Stops, sorted into groups, and each group counted in one pass.
 *
 * A group is a run of equal stops in a list of references that was sorted by what the groups are asked for; in it
 * the journal's order is kept, since what is allowed now is what the last stop says. Nothing here is sorted by the
 * time of day: clocks jump.
 *
 * A drain that ran into its bound was cut there: it would have taken longer. It is counted at the time it had, as
 * what was seen, and counts as endless where a percentile is to hold for the future (p99_usec).
 *
 * Of a unit of a user's manager each user's is a group of its own; when there are several, their names tell the
 * users apart. Runs in no service are told apart by their name: the scope they ran in is another each time.
 *
 * Nothing is advised here (recommendation.c) and nothing shown. */

#include "statistics-internal.h"

#include <string.h>

const double statistics_bounds[STATISTICS_BUCKETS_MAX] = { 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
        300, 600, 1800, 3600 };
const size_t statistics_n_bounds = 13;

static const char *const statistics_by_table[_STATISTICS_BY_MAX] = {
        [STATISTICS_BY_UNIT] = "unit",
        [STATISTICS_BY_HOST] = "host",
        [STATISTICS_BY_CAUSE] = "cause",
};

const char *statistics_by_to_string(StatisticsBy by) {
        assert(by >= 0 && by < _STATISTICS_BY_MAX);
        return statistics_by_table[by];
}

StatisticsBy statistics_by_from_string(const char *name) {
        assert(name);

        for (StatisticsBy by = 0; by < _STATISTICS_BY_MAX; by++)
                if (strcmp(statistics_by_table[by], name) == 0)
                        return by;
        return _STATISTICS_BY_INVALID;
}

/* ---- Sorting into groups ----------------------------------------------------------------------- */

typedef struct StatisticsItem {
        const PastStop *stop;          /* weak */
        const char *key, *host, *unit; /* weak */
        UnitManager manager;
        uid_t uid;
        size_t index;
} StatisticsItem;

static StatisticsItem item_make(const PastStop *stop, StatisticsBy by, size_t index) {
        StatisticsItem item = {
                .stop = stop,
                .host = stop->host ?: "-",
                .unit = (stop->manager == UNIT_MANAGER_NONE ? stop->name : NULL) ?: stop->unit ?: "-",
                .manager = stop->manager,
                .uid = stop->manager == UNIT_MANAGER_USER ? stop->uid : (uid_t) -1,
                .index = index,
        };

        item.key = by == STATISTICS_BY_UNIT ? item.unit
                : by == STATISTICS_BY_HOST  ? item.host
                                            : past_stop_cause_word(stop);
        return item;
}

static int item_compare_unit(const StatisticsItem *a, const StatisticsItem *b) {
        const int order = strcmp(a->host, b->host);

        if (order != 0)
                return order;
        if (a->manager != b->manager)
                return a->manager < b->manager ? -1 : 1;
        return a->uid == b->uid ? 0 : a->uid < b->uid ? -1 : 1;
}

/* Whether two stops belong to one group. Of units host, manager and user count as well. */
static int item_compare_group(const StatisticsItem *a, const StatisticsItem *b, StatisticsBy by) {
        const int order = strcmp(a->key, b->key);

        return order == 0 && by == STATISTICS_BY_UNIT ? item_compare_unit(a, b) : order;
}

static int item_compare(const void *a, const void *b, void *by) {
        const StatisticsItem *x = a, *y = b;
        const int order = item_compare_group(x, y, *(const StatisticsBy *) by);

        return order != 0 ? order : x->index < y->index ? -1 : 1;
}

/* ---- Counting one group ------------------------------------------------------------------------ */

/* What is needed while a group is counted. */
typedef struct Counter {
        GroupStatistics *group; /* weak */
        TimeReader reader;
        NameTable phases, gateway_phases, steps, parties;
        PartyCache cache;
        StepBound bound;
        usec_t *whole_usec; /* drains that were not cut */
        size_t n_whole;
        usec_t first_unexplained_usec, last_unexplained_usec;
        size_t n_unexplained; /* between these two, with them */
} Counter;

static void counter_done(Counter *counter) {
        time_reader_done(&counter->reader);
        name_table_done(&counter->phases);
        name_table_done(&counter->gateway_phases);
        name_table_done(&counter->steps);
        name_table_done(&counter->parties);
        party_cache_done(&counter->cache);
        free(TAKE_PTR(counter->whole_usec));
}

static void counter_count_end(Counter *counter, const PastStop *stop) {
        GroupStatistics *group = counter->group;

        if (stop->cause >= 0 && stop->cause < _CAUSE_MAX)
                group->n_by_cause[stop->cause]++;
        else if (stop->state == RUN_UNRECORDED)
                group->n_by_cause[CAUSE_UNKNOWN]++;
        else
                group->n_other_causes++;

        if (stop->state == RUN_UNRECORDED)
                group->n_unrecorded++;
        else if (stop->outcome >= 0 && stop->outcome < _OUTCOME_MAX)
                group->n_by_outcome[stop->outcome]++;
        else
                group->n_other_outcomes++;
        group->n_forced += past_stop_is_forced(stop);
}

/* A machine that has no clock yet lives in 1970: between its ends and those of later years nothing was measured. */
#define COUNTER_CLOCK_MIN (30 * USEC_PER_YEAR)

static void counter_count_time(Counter *counter, const PastStop *stop) {
        GroupStatistics *group = counter->group;
        const usec_t at_usec = stop->realtime_usec;

        if (group->n == 1 || at_usec < group->first_realtime_usec)
                group->first_realtime_usec = at_usec;
        if (group->n == 1 || at_usec > group->last_realtime_usec)
                group->last_realtime_usec = at_usec;
        if (stop->total_usec != USEC_INFINITY)
                group->total_sum_usec = usec_add(group->total_sum_usec, stop->total_usec);

        if (!past_stop_is_unexplained(stop))
                return;
        group->n_unexplained++;
        if (at_usec < COUNTER_CLOCK_MIN)
                return;
        if (counter->n_unexplained++ == 0 || at_usec < counter->first_unexplained_usec)
                counter->first_unexplained_usec = at_usec;
        if (at_usec > counter->last_unexplained_usec)
                counter->last_unexplained_usec = at_usec;
}

static void counter_count_allowed(Counter *counter, const PastStop *stop) {
        GroupStatistics *group = counter->group;

        if (stop->drain_usec != USEC_INFINITY)
                group->drain_allowed_usec = stop->drain_usec;
        if (stop->headroom_usec != USEC_INFINITY)
                group->headroom_usec = stop->headroom_usec;
        if (stop->timeout_stop_usec != USEC_INFINITY)
                group->timeout_stop_usec = stop->timeout_stop_usec;
}

usec_t statistics_bound_usec(size_t index) {
        assert(index < statistics_n_bounds);
        return (usec_t) (statistics_bounds[index] * (double) USEC_PER_SEC + 0.5);
}

static size_t statistics_find_bucket(usec_t usec) {
        size_t i = 0;

        while (i < statistics_n_bounds && usec > statistics_bound_usec(i))
                i++;
        return i;
}

static void counter_count_cut(Counter *counter, usec_t bound_usec) {
        if (bound_usec > counter->group->cut_bound_usec)
                counter->group->cut_bound_usec = bound_usec;
}

static void counter_count_share(Counter *counter, const PastStop *stop) {
        GroupStatistics *group = counter->group;
        const double share = past_stop_drain_share(stop);

        if (!(share >= 0)) /* NaN too */
                return;
        group->n_shares++;
        group->n_over_90_percent += share > 0.9;
        if (share > group->share_max)
                group->share_max = share;
}

static bool past_stop_has_drain(const PastStop *stop) {
        return stop->state == RUN_STOPPED && stop->drain_used_usec != USEC_INFINITY &&
                (stop->outcome == OUTCOME_CLEAN || stop->outcome == OUTCOME_ESCALATED ||
                        stop->outcome == OUTCOME_KILLED);
}

/* is_first_cut: as time_reader_add_phases() has it. */
static void counter_count_drain(Counter *counter, const PastStop *stop, int is_first_cut) {
        GroupStatistics *group = counter->group;
        const usec_t used_usec = stop->drain_used_usec;
        const bool is_beyond = used_usec >= stop->drain_usec;

        if (stop->outcome == OUTCOME_LOST && stop->service_result &&
                strcmp(stop->service_result, "timeout") == 0) {
                group->n_killed_by_systemd++;
                counter_count_cut(counter,
                        stop->drain_usec < stop->timeout_stop_usec         ? stop->drain_usec
                                : stop->timeout_stop_usec != USEC_INFINITY ? stop->timeout_stop_usec
                                                                           : 0);
        }
        if (!past_stop_has_drain(stop))
                return;

        group->drains_usec[group->n_drains++] = used_usec;
        group->drain_sum_usec = usec_add(group->drain_sum_usec, used_usec);
        group->histogram[statistics_find_bucket(used_usec)]++;
        counter_count_share(counter, stop);
        if (is_first_cut > 0 || (is_first_cut < 0 && is_beyond)) {
                group->n_cut++;
                /* Timers are late; the bound is what was asked for. */
                counter_count_cut(counter, is_beyond ? stop->drain_usec : used_usec);
                return;
        }
        counter->whole_usec[counter->n_whole++] = used_usec;
        if (used_usec > group->longest_drain_usec)
                group->longest_drain_usec = used_usec;
}

static int counter_count_party(Counter *counter, const PastStop *stop) {
        const char *name;

        int r = party_cache_find(&counter->cache, stop, &name);
        if (r < 0 || strcmp(name, "-") == 0)
                return r;
        return name_table_add(&counter->parties, name, /* usec= */ 0, /* is_timed_out= */ false);
}

static int counter_count_stop(Counter *counter, const PastStop *stop) {
        int is_first_cut = -1, ignored, r;

        counter->group->n++;
        counter_count_end(counter, stop);
        counter_count_time(counter, stop);
        counter_count_allowed(counter, stop);
        /* A longer bound than its drain's no step could have used up. */
        counter->bound.limit_usec = stop->drain_usec != USEC_INFINITY ? stop->drain_usec : 0;

        r = time_reader_add_phases(&counter->reader, stop->phases, &counter->phases, &is_first_cut);
        if (r >= 0)
                r = time_reader_add_phases(
                        &counter->reader, stop->gateway_phases, &counter->gateway_phases, &ignored);
        if (r >= 0)
                r = time_reader_add_steps(
                        &counter->reader, stop->steps, &counter->steps, &counter->bound);
        if (r >= 0)
                r = counter_count_party(counter, stop);
        if (r >= 0)
                counter_count_drain(counter, stop, is_first_cut);
        return r;
}

/* ---- What follows of the counts ---------------------------------------------------------------- */

static int usec_compare(const void *a, const void *b) {
        const usec_t x = *(const usec_t *) a, y = *(const usec_t *) b;

        return x < y ? -1 : x > y;
}

/* The nearest rank: the first of so many that percent of 100 are not above. n: not 0. */
static size_t percentile_rank(size_t n, double percent) {
        const double exact = percent * (double) n / 100;
        size_t rank = exact > 0 ? (size_t) exact : 0;

        rank += (double) rank < exact;
        return rank < 1 ? 1 : rank > n ? n : rank;
}

usec_t statistics_percentile(const GroupStatistics *group, double percent) {
        assert(group);

        if (group->n_drains == 0)
                return USEC_INFINITY;
        return group->drains_usec[percentile_rank(group->n_drains, percent) - 1];
}

static void counter_settle_drains(Counter *counter) {
        GroupStatistics *group = counter->group;
        const size_t n = group->n_drains + group->n_killed_by_systemd;

        qsort(group->drains_usec, group->n_drains, sizeof(usec_t), usec_compare);
        qsort(counter->whole_usec, counter->n_whole, sizeof(usec_t), usec_compare);
        group->p99_usec = USEC_INFINITY;
        if (n == 0)
                return;
        const size_t rank = percentile_rank(n, 99);
        if (rank <= counter->n_whole)
                group->p99_usec = counter->whole_usec[rank - 1];
}

static int counter_settle_parties(Counter *counter) {
        GroupStatistics *group = counter->group;
        NamedTime *items = NULL;
        size_t n = 0;

        int r = name_table_finish(&counter->parties, &items, &n);
        if (r < 0 || n == 0)
                return r;
        group->parties = calloc(n, sizeof(*group->parties));
        if (!group->parties) {
                named_times_free(items, n);
                return -ENOMEM;
        }
        group->n_parties = n;
        for (size_t i = 0; i < n; i++)
                group->parties[i] = (NamedCount){ .name = items[i].name, .n = items[i].n };
        free(items);
        return 0;
}

static int counter_settle(Counter *counter) {
        GroupStatistics *group = counter->group;
        int r;

        counter_settle_drains(counter);
        if (counter->n_unexplained > 1)
                group->mean_between_unexplained_usec =
                        (counter->last_unexplained_usec - counter->first_unexplained_usec) /
                        (counter->n_unexplained - 1);
        if (counter->bound.usec > 0) {
                group->step_bound_usec = counter->bound.usec;
                group->step_bound_name = strdup(counter->bound.name);
                if (!group->step_bound_name)
                        return -ENOMEM;
        }
        r = name_table_finish(&counter->phases, &group->phases, &group->n_phases);
        if (r >= 0)
                r = name_table_finish(
                        &counter->gateway_phases, &group->gateway_phases, &group->n_gateway_phases);
        if (r >= 0)
                r = name_table_finish(&counter->steps, &group->steps, &group->n_steps);
        return r < 0 ? r : counter_settle_parties(counter);
}

/* ---- Groups ------------------------------------------------------------------------------------ */

static void group_done(GroupStatistics *group) {
        for (size_t i = 0; i < group->n_parties; i++)
                free(group->parties[i].name);
        free(group->parties);
        named_times_free(group->phases, group->n_phases);
        named_times_free(group->gateway_phases, group->n_gateway_phases);
        named_times_free(group->steps, group->n_steps);
        free(group->step_bound_name);
        free(group->drains_usec);
        free(group->key);
        free(group->host);
        free(group->unit);
}

/* What all stops of a group have in common. */
static int group_init(GroupStatistics *group, const StatisticsItem items[], size_t n) {
        bool is_one_host = true, is_one_unit = true, is_one_manager = true, is_one_user = true;
        size_t n_drains = 0;

        for (size_t i = 0; i < n; i++) {
                is_one_host = is_one_host && strcmp(items[i].host, items[0].host) == 0;
                is_one_unit = is_one_unit && strcmp(items[i].unit, items[0].unit) == 0;
                is_one_manager = is_one_manager && items[i].manager == items[0].manager;
                is_one_user = is_one_user && items[i].uid == items[0].uid;
                n_drains += past_stop_has_drain(items[i].stop);
        }
        *group = (GroupStatistics){
                .key = strdup(items[0].key),
                .host = is_one_host ? strdup(items[0].host) : NULL,
                .unit = is_one_unit ? strdup(items[0].unit) : NULL,
                .manager = is_one_manager ? items[0].manager : UNIT_MANAGER_NONE,
                .uid = is_one_user ? items[0].uid : (uid_t) -1,
                .drains_usec = calloc(n_drains + 1, sizeof(usec_t)),
                .drain_allowed_usec = USEC_INFINITY,
                .timeout_stop_usec = USEC_INFINITY,
                .headroom_usec = USEC_INFINITY,
                .p99_usec = USEC_INFINITY,
                .mean_between_unexplained_usec = USEC_INFINITY,
                .share_max = -1,
        };
        return group->key && (group->host || !is_one_host) && (group->unit || !is_one_unit) &&
                        group->drains_usec
                ? 0
                : -ENOMEM;
}

static int group_count(GroupStatistics *group, const StatisticsItem items[], size_t n) {
        _cleanup_(counter_done) Counter counter = { .group = group };

        int r = group_init(group, items, n);
        if (r >= 0)
                r = time_reader_init(&counter.reader);
        if (r < 0)
                return r;
        counter.whole_usec = calloc(n, sizeof(usec_t));
        if (!counter.whole_usec)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = counter_count_stop(&counter, items[i].stop);
        return r < 0 ? r : counter_settle(&counter);
}

static int group_tell_user(GroupStatistics *group) {
        char *name;

        if (asprintf(&name, "%s (uid %u)", group->unit, group->uid) < 0)
                return -ENOMEM;
        free(group->unit);
        group->unit = name;
        free(group->key);
        group->key = strdup(name);
        return group->key ? 0 : -ENOMEM;
}

static bool group_is_twin(const GroupStatistics *a, const StatisticsItem *b) {
        return a->unit && a->host && a->manager == UNIT_MANAGER_USER && a->manager == b->manager &&
                strcmp(a->unit, b->unit) == 0 && strcmp(a->host, b->host) == 0;
}

/* Of several users' units of one name each is called by its user as well. starts: the first item of each group. */
static int statistics_tell_users(
        Statistics *statistics, const StatisticsItem items[], const size_t starts[]) {
        bool was_twin = false;

        for (size_t i = 0; i < statistics->n_groups; i++) {
                const bool is_twin = i + 1 < statistics->n_groups &&
                        group_is_twin(&statistics->groups[i], &items[starts[i + 1]]);

                if (is_twin || was_twin) {
                        int r = group_tell_user(&statistics->groups[i]);
                        if (r < 0)
                                return r;
                }
                was_twin = is_twin;
        }
        return 0;
}

static size_t statistics_find_items(
        const StopList *list, StatisticsBy by, StatisticsItem *items, size_t *starts) {
        size_t n = 0, n_groups = 0;

        for (size_t i = 0; i < list->n; i++)
                if (list->stops[i].trust != TRUST_FORGED && list->stops[i].state != RUN_RUNNING)
                        items[n++] = item_make(&list->stops[i], by, i);
        qsort_r(items, n, sizeof(*items), item_compare, &by);
        for (size_t i = 0; i < n; i++)
                if (i == 0 || item_compare_group(&items[i - 1], &items[i], by) != 0)
                        starts[n_groups++] = i;
        starts[n_groups] = n;
        return n_groups;
}

int statistics_compute(const StopList *list, StatisticsBy by, Statistics *ret_statistics) {
        assert(list);
        assert(by >= 0 && by < _STATISTICS_BY_MAX);
        assert(ret_statistics);

        _cleanup_free_ StatisticsItem *items = calloc(list->n + 1, sizeof(*items));
        _cleanup_free_ size_t *starts = calloc(list->n + 1, sizeof(*starts));
        _cleanup_(statistics_done) Statistics statistics = { .by = by };
        int r = 0;

        if (!items || !starts)
                return -ENOMEM;
        const size_t n_groups = statistics_find_items(list, by, items, starts);
        statistics.groups = calloc(n_groups + 1, sizeof(*statistics.groups));
        if (!statistics.groups)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n_groups; i++) {
                statistics.n_groups = i + 1;
                r = group_count(
                        &statistics.groups[i], &items[starts[i]], starts[i + 1] - starts[i]);
        }
        if (r >= 0 && by == STATISTICS_BY_UNIT)
                r = statistics_tell_users(&statistics, items, starts);
        if (r < 0)
                return r;
        *ret_statistics = statistics;
        statistics = (Statistics){};
        return 0;
}

void statistics_done(Statistics *statistics) {
        for (size_t i = 0; i < statistics->n_groups; i++)
                group_done(&statistics->groups[i]);
        free(statistics->groups);
        *statistics = (Statistics){};
}
