/* SPDX-License-Identifier: MIT */

/* The outcome is read off three facts: was a stop asked for, how far the ladder had to go, and how
 * main left. A death by a signal that did not pass through here is a crash, also in the middle of a
 * drain: somebody killed the gateway, or it killed itself. */

#include <string.h>
#include <syslog.h>

#include "outcome.h"

static const char *const outcome_table[_OUTCOME_MAX] = {
        [OUTCOME_CLEAN] = "clean",
        [OUTCOME_ESCALATED] = "escalated",
        [OUTCOME_KILLED] = "killed",
        [OUTCOME_EXITED] = "exited",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_CRASHED] = "crashed",
        [OUTCOME_LOST] = "lost",
};

const char *outcome_to_string(Outcome outcome) {
        assert(outcome >= 0 && outcome < _OUTCOME_MAX);
        return outcome_table[outcome];
}

Outcome outcome_from_string(const char *name) {
        for (Outcome outcome = 0; outcome < _OUTCOME_MAX; outcome++)
                if (strcmp(outcome_table[outcome], name) == 0)
                        return outcome;
        return _OUTCOME_INVALID;
}

int outcome_priority(Outcome outcome) {
        switch (outcome) {
        case OUTCOME_CLEAN:
        case OUTCOME_EXITED:
                return LOG_INFO;
        case OUTCOME_CRASHED:
                return LOG_ERR;
        default:
                return LOG_WARNING;
        }
}

static bool outcome_was_sent(const OutcomeFacts *facts) {
        return facts->status >= 1 && facts->status <= 64 &&
                (facts->sent_signals & (UINT64_C(1) << (facts->status - 1))) != 0;
}

Outcome outcome_decide(const OutcomeFacts *facts) {
        if (facts->is_signalled && !outcome_was_sent(facts))
                return OUTCOME_CRASHED;
        if (!facts->is_stop_asked)
                return !facts->is_signalled && facts->status == 0 ? OUTCOME_EXITED : OUTCOME_FAILED;

        switch (facts->reach) {
        case LADDER_REACH_KILL:
                return OUTCOME_KILLED;
        case LADDER_REACH_LATER:
                return OUTCOME_ESCALATED;
        default:
                return facts->is_forced ? OUTCOME_ESCALATED : OUTCOME_CLEAN;
        }
}
