/* SPDX-License-Identifier: MIT */

/* How long a drain should be allowed to take, from how long drains took.
 *
 * What is recommended must hold: 99 of 100 of the drains that were seen have to fit with a fifth to spare. A drain
 * that was cut at its bound says only that it would have taken longer. As long as no more than one of 100 was cut,
 * the p99 is known all the same (p99_usec counts them as endless). Beyond that it is not, and all that can be said
 * is that the bound was too short: half as much again, and to look anew.
 *
 * Not less than a step's own bound, which was granted to it within the drain; and nothing at all from fewer than
 * RECOMMENDATION_STOPS_MIN drains. Settings that are long enough stay: to shorten them saves time only when a
 * gateway hangs. The stop timeout of systemd follows from drain and headroom.
 *
 * The reason names what was seen, so that it can be checked against the page it stands on. */

#include "statistics-internal.h"

#include <stdarg.h>
#include <string.h>

#include "text-clean.h"

#define RECOMMENDATION_HEADROOM_USEC (30 * USEC_PER_SEC)
#define RECOMMENDATION_USEC_MAX      USEC_PER_YEAR /* what was measured beyond that was no drain */
/* From so many drains on the p99 is another than the longest. */
#define RECOMMENDATION_STOPS_MANY 100

/* Writes a sentence behind those that are there. */
static int reason_add(char **reason, const char *format, ...) _printf_(2, 3);
static int reason_add(char **reason, const char *format, ...) {
        _cleanup_free_ char *sentence = NULL;
        char *longer;
        va_list arguments;

        va_start(arguments, format);
        int r = vasprintf(&sentence, format, arguments);
        va_end(arguments);
        if (r < 0) {
                sentence = NULL;
                return -ENOMEM;
        }
        if (asprintf(&longer, "%s%s%s", *reason ?: "", *reason ? " " : "", sentence) < 0)
                return -ENOMEM;
        free(*reason);
        *reason = longer;
        return 0;
}

/* ---- Times as a person would write them --------------------------------------------------------- */

static const struct {
        usec_t below_usec, step_usec;
} round_rows[] = {
        { 10 * USEC_PER_SEC, 1 * USEC_PER_SEC },
        { 90 * USEC_PER_SEC, 5 * USEC_PER_SEC },
        { 5 * USEC_PER_MINUTE, 15 * USEC_PER_SEC },
        { 10 * USEC_PER_MINUTE, 30 * USEC_PER_SEC },
        { USEC_PER_HOUR, USEC_PER_MINUTE },
        { 6 * USEC_PER_HOUR, 15 * USEC_PER_MINUTE },
        { USEC_INFINITY, USEC_PER_HOUR },
};

/* Rounds up. usec: at most RECOMMENDATION_USEC_MAX. */
static usec_t recommendation_round(usec_t usec) {
        size_t i = 0;

        while (usec > round_rows[i].below_usec)
                i++;
        const usec_t step_usec = round_rows[i].step_usec;
        const usec_t rounded_usec = (usec + step_usec - 1) / step_usec * step_usec;
        return rounded_usec > 0 ? rounded_usec : step_usec;
}

/* ---- Drain -------------------------------------------------------------------------------------- */

/* usec * numerator / denominator, saturating. */
static usec_t usec_scale(usec_t usec, unsigned numerator, unsigned denominator) {
        usec_t product;

        return __builtin_mul_overflow(usec, numerator, &product) ? USEC_INFINITY
                                                                 : product / denominator;
}

static usec_t usec_max(usec_t a, usec_t b) {
        return a > b ? a : b;
}

/* Of the steps that ran over, the one that did so most often. Returns: NULL: none did. */
static const NamedTime *group_find_late_step(const GroupStatistics *group) {
        const NamedTime *late = NULL;

        for (size_t i = 0; i < group->n_steps; i++)
                if (group->steps[i].n_timed_out > (late ? late->n_timed_out : 0))
                        late = &group->steps[i];
        return late;
}

/* The p99 is not known. */
static int recommend_from_bound(
        const GroupStatistics *group, usec_t *ret_drain_usec, char **reason) {
        const size_t n_cut = group->n_cut + group->n_killed_by_systemd;
        const size_t n = group->n_drains + group->n_killed_by_systemd;
        const NamedTime *late = group_find_late_step(group);
        char bound[USEC_SPAN_MAX];
        int r;

        *ret_drain_usec = usec_max(usec_scale(group->cut_bound_usec, 3, 2),
                usec_scale(group->longest_drain_usec, 6, 5));
        statistics_format_setting(bound, group->cut_bound_usec);
        r = reason_add(reason,
                "%zu of %zu drains %s cut at %s %s: how much longer it would have taken "
                "nobody knows, and so the p99 is not known. Half as much again is the least; look "
                "again after %d more stops.",
                n_cut, n, n_cut == 1 ? "was" : "were",
                n_cut == 1 ? "its bound of" : "bounds of up to", bound, RECOMMENDATION_STOPS_MIN);
        if (r < 0 || !late)
                return r;
        _cleanup_free_ char *name = text_clean(late->name, TEXT_TERMINAL);
        if (!name)
                return -ENOMEM;
        return reason_add(reason,
                "A longer drain is no help to a gateway that hangs: see first why the step %s ran over %zu times.",
                name, late->n_timed_out);
}

static int recommend_from_p99(const GroupStatistics *group, usec_t *ret_drain_usec, char **reason) {
        const size_t n_cut = group->n_cut + group->n_killed_by_systemd;
        const size_t n = group->n_drains + group->n_killed_by_systemd;
        char p99[USEC_SPAN_MAX];
        int r;

        *ret_drain_usec = usec_scale(group->p99_usec, 6, 5);
        statistics_format_seen(p99, group->p99_usec);
        if (n < RECOMMENDATION_STOPS_MANY)
                return reason_add(reason,
                        "The longest of %zu drains took %s (of fewer than %d that is the p99), and none was cut; a fifth is added.",
                        n, p99, RECOMMENDATION_STOPS_MANY);
        r = reason_add(
                reason, "99 of 100 drains (of %zu) took %s or less; a fifth is added.", n, p99);
        if (r >= 0 && n_cut > 0)
                r = reason_add(reason, "%zu %s cut at the bound: too few to change that.", n_cut,
                        n_cut == 1 ? "was" : "were");
        return r;
}

/* A step that may take so long is not to be cut by the drain. */
static int recommend_for_steps(const GroupStatistics *group, usec_t *drain_usec, char **reason) {
        char bound[USEC_SPAN_MAX];

        if (group->step_bound_usec <= *drain_usec ||
                group->step_bound_usec > RECOMMENDATION_USEC_MAX)
                return 0;
        _cleanup_free_ char *name = text_clean(group->step_bound_name, TEXT_TERMINAL);
        if (!name)
                return -ENOMEM;
        *drain_usec = group->step_bound_usec;
        return reason_add(reason,
                "The step %s has a bound of its own of %s: the drain is not to be shorter.", name,
                statistics_format_setting(bound, group->step_bound_usec));
}

/* ---- Against what is set ------------------------------------------------------------------------ */

/* What systemd grants now, beside what is needed. */
static int recommend_for_systemd(
        const GroupStatistics *group, usec_t drain_usec, usec_t headroom_usec, char **reason) {
        char timeout[USEC_SPAN_MAX], drain[USEC_SPAN_MAX], headroom[USEC_SPAN_MAX];

        if (group->timeout_stop_usec >= usec_add(drain_usec, headroom_usec))
                return 0;
        return reason_add(reason,
                "systemd allows %s for the whole stop, less than a drain of %s and a headroom of %s: where that cannot be "
                "extended, the drain is cut short.",
                statistics_format_setting(timeout, group->timeout_stop_usec),
                statistics_format_setting(drain, drain_usec),
                statistics_format_setting(headroom, headroom_usec));
}

static int recommend_to_stay(const GroupStatistics *group, Recommendation *recommendation) {
        char present[USEC_SPAN_MAX], enough[USEC_SPAN_MAX];
        const bool is_much = group->n_drains >= RECOMMENDATION_STOPS_MANY && group->n_cut == 0 &&
                group->drain_allowed_usec / 2 >= recommendation->drain_timeout_usec;
        int r;

        r = reason_add(&recommendation->reason, "Nothing to change: %s is allowed%s.",
                statistics_format_setting(present, group->drain_allowed_usec),
                group->timeout_stop_usec == USEC_INFINITY
                        ? ""
                        : ", and systemd waits long enough for it");
        if (r >= 0 && is_much)
                r = reason_add(&recommendation->reason,
                        "%s would do; that saves time only when the gateway hangs.",
                        statistics_format_setting(enough, recommendation->drain_timeout_usec));
        recommendation->is_enough = true;
        recommendation->drain_timeout_usec = group->drain_allowed_usec;
        return r;
}

/* Sets a drain that is needed against the present one. */
static int recommend_settings(const GroupStatistics *group, Recommendation *recommendation) {
        const usec_t headroom_usec = group->headroom_usec != USEC_INFINITY
                ? group->headroom_usec
                : RECOMMENDATION_HEADROOM_USEC;
        const usec_t allowed_usec = group->drain_allowed_usec;
        const bool is_long_enough =
                allowed_usec != USEC_INFINITY && allowed_usec >= recommendation->drain_timeout_usec;
        const usec_t drain_usec =
                is_long_enough ? allowed_usec : recommendation->drain_timeout_usec;
        const usec_t needed_usec = usec_add(drain_usec, headroom_usec);
        char span[USEC_SPAN_MAX];
        int r = 0;

        if (needed_usec > 2 * RECOMMENDATION_USEC_MAX)
                return reason_add(&recommendation->reason, "No bound of use follows from that.");
        recommendation->timeout_stop_usec =
                (needed_usec + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC;
        if (is_long_enough && group->timeout_stop_usec >= needed_usec) {
                recommendation->timeout_stop_usec = group->timeout_stop_usec != USEC_INFINITY
                        ? group->timeout_stop_usec
                        : recommendation->timeout_stop_usec;
                return recommend_to_stay(group, recommendation);
        }

        recommendation->is_given = true;
        recommendation->drain_timeout_usec = drain_usec;
        if (is_long_enough)
                r = reason_add(&recommendation->reason, "The drain of %s is long enough.",
                        statistics_format_setting(span, allowed_usec));
        else if (allowed_usec != USEC_INFINITY)
                r = reason_add(&recommendation->reason, "Now %s is allowed.",
                        statistics_format_setting(span, allowed_usec));
        return r < 0
                ? r
                : recommend_for_systemd(group, drain_usec, headroom_usec, &recommendation->reason);
}

static int recommend(const GroupStatistics *group, Recommendation *recommendation) {
        const size_t n = group->n_drains + group->n_killed_by_systemd;
        usec_t drain_usec = 0;
        int r;

        if (!group->unit || !group->host)
                return reason_add(&recommendation->reason,
                        "None: these are the stops of several units or hosts; see --by=unit.");
        if (n < RECOMMENDATION_STOPS_MIN)
                return reason_add(&recommendation->reason, "None: %zu %s seen; %zu more %s needed.",
                        n, n == 1 ? "drain was" : "drains were", RECOMMENDATION_STOPS_MIN - n,
                        RECOMMENDATION_STOPS_MIN - n == 1 ? "is" : "are");
        if (group->p99_usec == USEC_INFINITY && group->cut_bound_usec == 0)
                return reason_add(&recommendation->reason,
                        "None: drains were cut before they had any time: see whether TimeoutStopSec "
                        "is longer than the headroom.");
        r = group->p99_usec == USEC_INFINITY
                ? recommend_from_bound(group, &drain_usec, &recommendation->reason)
                : recommend_from_p99(group, &drain_usec, &recommendation->reason);
        if (r >= 0)
                r = recommend_for_steps(group, &drain_usec, &recommendation->reason);
        if (r < 0)
                return r;
        if (drain_usec > RECOMMENDATION_USEC_MAX)
                return reason_add(&recommendation->reason, "No bound of use follows from that.");
        recommendation->drain_timeout_usec = recommendation_round(drain_usec);
        return recommend_settings(group, recommendation);
}

int statistics_recommend(const GroupStatistics *group, Recommendation *ret_recommendation) {
        _cleanup_(recommendation_done) Recommendation recommendation = {};

        assert(group);
        assert(ret_recommendation);

        int r = recommend(group, &recommendation);
        if (r < 0)
                return r;
        *ret_recommendation = recommendation;
        recommendation = (Recommendation){};
        return 0;
}

void recommendation_done(Recommendation *recommendation) {
        free(recommendation->reason);
        *recommendation = (Recommendation){};
}
