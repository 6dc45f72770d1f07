/* SPDX-License-Identifier: MIT */

/* The configuration of a run: names of its choices, and its end. How it is filled stands in config.c,
 * what each value may be in setting.c. */

#include <string.h>

#include "run-config.h"

static const char *const ready_mode_table[_READY_MODE_MAX] = {
        [READY_NOTIFY] = "notify",
        [READY_EXEC] = "exec",
};

static const char *const second_signal_table[_SECOND_SIGNAL_MAX] = {
        [SECOND_SIGNAL_IGNORE] = "ignore",
        [SECOND_SIGNAL_ESCALATE] = "escalate",
};

static const char *const step_timeout_action_table[_STEP_TIMEOUT_ACTION_MAX] = {
        [STEP_TIMEOUT_ESCALATE] = "escalate",
        [STEP_TIMEOUT_LOG] = "log",
        [STEP_TIMEOUT_STOP] = "stop",
};

const char *ready_mode_to_string(ReadyMode mode) {
        assert(mode >= 0 && mode < _READY_MODE_MAX);
        return ready_mode_table[mode];
}

ReadyMode ready_mode_from_string(const char *name) {
        for (ReadyMode mode = 0; mode < _READY_MODE_MAX; mode++)
                if (strcmp(ready_mode_table[mode], name) == 0)
                        return mode;
        return _READY_MODE_INVALID;
}

const char *second_signal_to_string(SecondSignal second) {
        assert(second >= 0 && second < _SECOND_SIGNAL_MAX);
        return second_signal_table[second];
}

SecondSignal second_signal_from_string(const char *name) {
        for (SecondSignal second = 0; second < _SECOND_SIGNAL_MAX; second++)
                if (strcmp(second_signal_table[second], name) == 0)
                        return second;
        return _SECOND_SIGNAL_INVALID;
}

const char *step_timeout_action_to_string(StepTimeoutAction action) {
        assert(action >= 0 && action < _STEP_TIMEOUT_ACTION_MAX);
        return step_timeout_action_table[action];
}

StepTimeoutAction step_timeout_action_from_string(const char *name) {
        for (StepTimeoutAction action = 0; action < _STEP_TIMEOUT_ACTION_MAX; action++)
                if (strcmp(step_timeout_action_table[action], name) == 0)
                        return action;
        return _STEP_TIMEOUT_ACTION_INVALID;
}

void run_config_done(RunConfig *config) {
        for (size_t i = 0; config->argv && config->argv[i]; i++)
                free(config->argv[i]);
        free(config->argv);
        free(config->argv0);
        free(config->schedule_text);
        free(config->state_dir);
        free(config->name);
        *config = (RunConfig){};
}
