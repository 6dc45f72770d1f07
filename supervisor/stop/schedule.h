/* SPDX-License-Identifier: MIT */
#pragma once

/* The escalation ladder as the administrator writes it: a list of phases, each a signal to some of
 * the gateway's processes and a time to wait. Grammar and rules, no more; pure. */

#include <stdbool.h>
#include <stddef.h>

#include "usec.h"

#define SCHEDULE_PHASES_MAX     16
#define SCHEDULE_PHASE_NAME_MAX 32
#define SCHEDULE_DEFAULT \
        "drain:TERM@main,interrupt:INT@main/10s,terminate:TERM@others/5s,kill:KILL@all/5s"
#define SCHEDULE_RESERVE_USEC (2 * USEC_PER_SEC) /* kept for the record after the last phase */

typedef enum PhaseTarget {
        PHASE_TARGET_MAIN,   /* the gateway's main process */
        PHASE_TARGET_OTHERS, /* every gateway process but main */
        PHASE_TARGET_ALL,
        _PHASE_TARGET_MAX,
        _PHASE_TARGET_INVALID = -EINVAL,
} PhaseTarget;

const char *phase_target_to_string(PhaseTarget target);
PhaseTarget phase_target_from_string(const char *name);

typedef struct Phase {
        char name[SCHEDULE_PHASE_NAME_MAX]; /* [a-z0-9_-]+ */
        int signo;
        PhaseTarget target;
        usec_t duration_usec; /* finite; of the first phase the drain */
} Phase;

typedef struct Schedule {
        Phase phases[SCHEDULE_PHASES_MAX];
        size_t n_phases; /* at least 1; the last is KILL@all */
        bool is_default; /* the administrator gave none; for the caller to set, false after parsing */
} Schedule;

/* Why a schedule was refused: the offending part and the fix, for one line on stderr. */
typedef struct ScheduleError {
        char part[128];  /* the offending text, cut if need be */
        const char *fix; /* static sentence, without a full stop */
} ScheduleError;

/* Parses `PHASE:SIGNAL[@TARGET][/TIME],…` or start-stop-daemon's `TERM/60/INT/10/KILL/5` (the last
 * KILL goes to all, the signals before it to main; phases are named after what they do: the first
 * "drain", the last "kill", those between by their signal's name in lower case, made unique; a last
 * KILL without a time gets 5 s). A phase that is first and last at once is a first one as to its time.
 *
 * drain_usec: the first phase's time when it gives none; a time that it gives wins and becomes the
 *             drain (phases[0].duration_usec).
 * reterr:     optional; filled on -EINVAL.
 *
 * Returns: 0; -EINVAL: not a schedule, empty, too many phases, an unknown signal or target, a time
 * that is infinite or missing after the first phase, a name used twice, or the last phase is not
 * KILL@all. */
int schedule_parse(const char *text, usec_t drain_usec, Schedule *ret_schedule,
        ScheduleError *reterr) _warn_unused_;

/* Writes the schedule in the first form, all parts spelled out, without white space. The result
 * parses to the same schedule.
 * Returns: malloc()ed text; NULL: out of memory. */
char *schedule_format(const Schedule *schedule) _warn_unused_;

/* The sum of all phases after the first. */
usec_t schedule_later_usec(const Schedule *schedule);

/* Whether the phases after the first, plus SCHEDULE_RESERVE_USEC, fit into the headroom. */
bool schedule_fits_headroom(const Schedule *schedule, usec_t headroom_usec);
