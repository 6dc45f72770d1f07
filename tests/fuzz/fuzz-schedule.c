/* SPDX-License-Identifier: MIT */

/* Any bytes as a schedule: refused with a part and a fix, or accepted, and then within all the rules
 * and the same again after being written and read. */

#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "fuzz.h"
#include "stop/schedule.h"

#define CHECK(condition)          \
        do {                      \
                if (!(condition)) \
                        abort();  \
        } while (false)

static void check_rules(const Schedule *schedule) {
        const Phase *last = &schedule->phases[schedule->n_phases - 1];

        CHECK(schedule->n_phases >= 1 && schedule->n_phases <= SCHEDULE_PHASES_MAX);
        CHECK(last->signo == SIGKILL && last->target == PHASE_TARGET_ALL);
        for (size_t i = 0; i < schedule->n_phases; i++) {
                const Phase *phase = &schedule->phases[i];

                CHECK(phase->name[0] != '\0' && strlen(phase->name) < SCHEDULE_PHASE_NAME_MAX);
                CHECK(phase->signo >= 1 && phase->signo <= SIGRTMAX);
                CHECK(phase->target >= 0 && phase->target < _PHASE_TARGET_MAX);
                CHECK(phase->duration_usec != USEC_INFINITY);
                for (size_t j = 0; j < i; j++)
                        CHECK(strcmp(phase->name, schedule->phases[j].name) != 0);
        }
}

static void check_round_trip(const Schedule *schedule) {
        _cleanup_free_ char *text = schedule_format(schedule);
        Schedule again;

        CHECK(text && !strchr(text, ' '));
        CHECK(schedule_parse(text, USEC_INFINITY, &again, NULL) == 0);
        CHECK(again.n_phases == schedule->n_phases);
        for (size_t i = 0; i < again.n_phases; i++) {
                CHECK(strcmp(again.phases[i].name, schedule->phases[i].name) == 0);
                CHECK(again.phases[i].signo == schedule->phases[i].signo);
                CHECK(again.phases[i].target == schedule->phases[i].target);
                CHECK(again.phases[i].duration_usec == schedule->phases[i].duration_usec);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1);
        ScheduleError error = {};
        Schedule schedule;

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';

        if (schedule_parse(text, 60 * USEC_PER_SEC, &schedule, &error) < 0) {
                CHECK(error.fix && strlen(error.part) < sizeof(error.part));
                return 0;
        }
        check_rules(&schedule);
        check_round_trip(&schedule);
        return 0;
}
