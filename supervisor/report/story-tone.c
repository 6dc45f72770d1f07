/* SPDX-License-Identifier: MIT */

/* How it went, in four tones: the one table that pictures, pages and records of a story take them from. */

#include "stop-story.h"

static const StoryTone story_tones[_OUTCOME_MAX] = {
        [OUTCOME_CLEAN] = TONE_GOOD,
        [OUTCOME_ESCALATED] = TONE_WARNING,
        [OUTCOME_KILLED] = TONE_BAD,
        [OUTCOME_EXITED] = TONE_GOOD,
        [OUTCOME_FAILED] = TONE_BAD,
        [OUTCOME_CRASHED] = TONE_BAD,
        [OUTCOME_LOST] = TONE_BAD,
};

StoryTone story_tone_of_outcome(Outcome outcome) {
        return outcome >= 0 && outcome < _OUTCOME_MAX ? story_tones[outcome] : TONE_PLAIN;
}

StoryTone story_tone_of_stop(const PastStop *stop) {
        if (stop->state == RUN_STOPPED)
                return story_tone_of_outcome(stop->outcome);
        return stop->state == RUN_UNRECORDED ? TONE_BAD : TONE_PLAIN;
}
