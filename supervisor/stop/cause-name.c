/* SPDX-License-Identifier: MIT */

/* The words of the causes, as they stand in records, in the flight record and in reports. What each rests
 * on is in cause.c. */

#include <string.h>

#include "cause.h"

static const char *const cause_table[_CAUSE_MAX] = {
        [CAUSE_STOP] = "stop",
        [CAUSE_RESTART] = "restart",
        [CAUSE_HOST_SHUTDOWN] = "host-shutdown",
        [CAUSE_USER_EXIT] = "user-exit",
        [CAUSE_DEPENDENCY] = "dependency",
        [CAUSE_RUNTIME_LIMIT] = "runtime-limit",
        [CAUSE_START_TIMEOUT] = "start-timeout",
        [CAUSE_MANAGER_WATCHDOG] = "manager-watchdog",
        [CAUSE_MANAGER_KILL] = "manager-kill",
        [CAUSE_SIGNAL] = "signal",
        [CAUSE_TERMINAL] = "terminal",
        [CAUSE_TAKEOVER] = "takeover",
        [CAUSE_PLANNED_STOP] = "planned-stop",
        [CAUSE_OOM] = "oom",
        [CAUSE_OOMD] = "oomd",
        [CAUSE_WATCHDOG] = "watchdog",
        [CAUSE_STEP_TIMEOUT] = "step-timeout",
        [CAUSE_SELF_STOP] = "self-stop",
        [CAUSE_EXIT] = "exit",
        [CAUSE_CRASH] = "crash",
        [CAUSE_SUPERVISOR_KILLED] = "supervisor-killed",
        [CAUSE_UNKNOWN] = "unknown",
};

const char *cause_to_string(Cause cause) {
        if (cause < 0 || cause >= _CAUSE_MAX)
                return NULL;
        return cause_table[cause];
}

Cause cause_from_string(const char *name) {
        assert(name);

        for (Cause cause = 0; cause < _CAUSE_MAX; cause++)
                if (strcmp(cause_table[cause], name) == 0)
                        return cause;
        return _CAUSE_INVALID;
}
