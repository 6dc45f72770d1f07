/* SPDX-License-Identifier: MIT */

/* What systemd allows in time, against what a stop needs: the drain and the headroom behind it, in
 * which the later phases and the record have to fit.
 *
 * Model: budget_compute() has set TimeoutStopSec= against that need once. The other clocks stand
 * apart from it, and EXTEND_TIMEOUT_USEC= moves none of them on our behalf: the job's, which only
 * cancels the job; the one after WatchdogSignal=, since the supervisor asks for time against
 * TimeoutStopSec= alone; and that of user@.service, which does not pass on what a unit below it
 * asks for. Each has its own rule.
 *
 * A value that is not known trips nothing, nor does a unit that is not loaded: what a manager says
 * of such a one are its defaults.
 *
 * Source: systemd.service(5), TimeoutStopSec=, TimeoutAbortSec=, RuntimeMaxSec=, WatchdogSec=;
 * systemd.unit(5), JobTimeoutSec=; service_extend_timeout() of systemd's src/core/service.c. */

#include <string.h>

#include "check/rule.h"

/* Below this the loop of the supervisor promises no sign of life on a machine that swaps or is
 * stalled. */
#define TIME_WATCHDOG_MIN_USEC (2 * USEC_PER_SEC)

/* Of --step-timeout=. */
#define TIME_STEP_DEFAULT_USEC (5 * USEC_PER_SEC)

static bool time_has_drain(const RuleInput *input) {
        return input->has_drain && rule_is_loaded(input);
}

static bool time_is_known(const UnitView *view, ViewKey key) {
        return view->values[key].is_known;
}

static bool time_is_shorter(const UnitView *view, ViewKey key, usec_t than_usec) {
        return time_is_known(view, key) && unit_view_usec(view, key) < than_usec;
}

static bool time_has_watchdog(const UnitView *view) {
        usec_t watchdog_usec = unit_view_usec(view, VIEW_WATCHDOG_USEC);

        return time_is_known(view, VIEW_WATCHDOG_USEC) && watchdog_usec != 0 &&
                watchdog_usec != USEC_INFINITY;
}

/* A bound that no extension moves; USEC_INFINITY: none. */
static usec_t time_cap_usec(const UnitView *view) {
        if (view->manager != UNIT_MANAGER_USER || view->cap_usec == 0)
                return USEC_INFINITY;
        return view->cap_usec;
}

static bool time_mend(FindingWriter *writer, ViewKey key, const char *reason, usec_t usec) {
        char span[USEC_SPAN_MAX];

        return finding_mend(writer, key, reason, "%s", usec_format_span(span, usec, 1));
}

/* Whether gatewatch asks for what is missing, or may do so for all we know. */
static bool time_is_extended(const RuleInput *input) {
        return input->is_supervised && !unit_view_is(input->view, VIEW_NOTIFY_ACCESS, "none") &&
                (!input->run || input->run->on_short_timeout == SHORT_TIMEOUT_EXTEND) &&
                time_cap_usec(input->view) >= rule_required_usec(input);
}

/* What becomes of a drain for which TimeoutStopSec= is too short. */
static const char *time_short_outcome(const RuleInput *input) {
        if (time_is_extended(input))
                return "only a living supervisor that asks for more time prevents SIGKILL";
        if (!input->is_supervised)
                return "systemd ends the drain by SIGKILL";
        if (!input->run)
                return "the drain is cut off";

        switch (input->run->on_short_timeout) {
        case SHORT_TIMEOUT_REFUSE:
                return "gatewatch refuses to start the gateway";
        case SHORT_TIMEOUT_WARN:
                return "systemd ends the drain by SIGKILL";
        default: /* an extension that is not listened to becomes a cut */
                return "gatewatch cuts the drain to what is left";
        }
}

bool rule_timeout_too_short(const RuleInput *input, FindingWriter *writer) {
        char timeout[USEC_SPAN_MAX], drain[USEC_SPAN_MAX], headroom[USEC_SPAN_MAX];

        if (!time_has_drain(input) || !input->budget.is_short)
                return false;
        finding_say(writer, time_is_extended(input) ? SEVERITY_WARNING : SEVERITY_ERROR,
                VIEW_TIMEOUT_STOP_USEC,
                "systemd waits %s for a stop that needs %s of drain and %s of headroom: %s",
                usec_format_span(timeout, unit_view_usec(input->view, VIEW_TIMEOUT_STOP_USEC), 1),
                usec_format_span(drain, input->budget.drain_usec, 1),
                usec_format_span(headroom, input->headroom_usec, 1), time_short_outcome(input));
        return time_mend(writer, VIEW_TIMEOUT_STOP_USEC,
                "The drain and its headroom fit into the stop.", rule_required_usec(input));
}

/* A short one is the matter of the rule above. */
bool rule_timeout_from_default(const RuleInput *input, FindingWriter *writer) {
        const ViewValue *timeout = &input->view->values[VIEW_TIMEOUT_STOP_USEC];
        char present[USEC_SPAN_MAX], required[USEC_SPAN_MAX];

        if (!time_has_drain(input) || !timeout->is_known || input->budget.is_short)
                return false;
        if (timeout->origin != VIEW_ORIGIN_DEFAULT && timeout->origin != VIEW_ORIGIN_MANAGER)
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_TIMEOUT_STOP_USEC,
                "no file of the unit sets TimeoutStopSec=, it is %s by the manager's "
                "DefaultTimeoutStopSec=: whoever sets that below %s shortens the drain",
                usec_format_span(present, timeout->number, 1),
                usec_format_span(required, rule_required_usec(input), 1));
        return time_mend(writer, VIEW_TIMEOUT_STOP_USEC,
                "The drain does not depend on the manager's default.", rule_required_usec(input));
}

/* Whether TimeoutAbortSec= is a value of its own: by a file of the unit, or by the manager's
 * DefaultTimeoutAbortSec=. Else it is TimeoutStopSec=, which has its own rule. */
static bool time_has_abort_timeout(const UnitView *view) {
        return unit_view_is_set(view, VIEW_TIMEOUT_ABORT_USEC) ||
                (time_is_known(view, VIEW_TIMEOUT_STOP_USEC) &&
                        unit_view_usec(view, VIEW_TIMEOUT_ABORT_USEC) !=
                                unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC));
}

bool rule_abort_timeout_too_short(const RuleInput *input, FindingWriter *writer) {
        const UnitView *view = input->view;
        char granted[USEC_SPAN_MAX], required[USEC_SPAN_MAX];
        const char *event = NULL;

        if (!time_has_drain(input) || !time_has_abort_timeout(view) ||
                !time_is_shorter(view, VIEW_TIMEOUT_ABORT_USEC, rule_required_usec(input)))
                return false;
        if (time_has_watchdog(view))
                event = "its watchdog ends the unit";
        else if (unit_view_is(view, VIEW_TIMEOUT_STOP_FAILURE_MODE, "abort"))
                event = "it aborts a stop that took too long";
        if (!event)
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_TIMEOUT_ABORT_USEC,
                "when %s, systemd waits TimeoutAbortSec= of %s before SIGKILL, though drain and "
                "headroom need %s",
                event, usec_format_span(granted, unit_view_usec(view, VIEW_TIMEOUT_ABORT_USEC), 1),
                usec_format_span(required, rule_required_usec(input), 1));
        return time_mend(writer, VIEW_TIMEOUT_ABORT_USEC,
                "An abort leaves time for the drain as well.", rule_required_usec(input));
}

bool rule_user_manager_timeout(const RuleInput *input, FindingWriter *writer) {
        const UnitView *view = input->view;
        usec_t required_usec = rule_required_usec(input), cap_usec = time_cap_usec(view);
        char cap[USEC_SPAN_MAX], required[USEC_SPAN_MAX];

        if (!time_has_drain(input) || cap_usec >= required_usec)
                return false;
        (void) usec_format_span(required, required_usec, 1);
        finding_say(writer, cap_usec < input->budget.drain_usec ? SEVERITY_ERROR : SEVERITY_WARNING,
                _VIEW_KEY_INVALID,
                "at logout and shutdown systemd kills %s after %s, whatever this unit says, though "
                "drain and headroom need %s",
                view->cap_unit ?: "user@.service", usec_format_span(cap, cap_usec, 1), required);
        return finding_command(writer,
                "mkdir -p /etc/systemd/system/user@.service.d && "
                "printf '[Service]\\nTimeoutStopSec=%s\\n' "
                "> /etc/systemd/system/user@.service.d/50-gatewatch.conf && "
                "systemctl daemon-reload",
                required);
}

/* Until when a stop may last: a job that ends later is not in its way. */
static usec_t time_stop_usec(const RuleInput *input) {
        usec_t timeout_usec = unit_view_usec(input->view, VIEW_TIMEOUT_STOP_USEC);

        if (timeout_usec == USEC_INFINITY || timeout_usec < rule_required_usec(input))
                return rule_required_usec(input);
        return timeout_usec;
}

/* systemd reads a job timeout of 0 as none. One that nothing sets is infinite, or
 * for a running job what JobTimeoutSec= says, which trips by itself. */
static bool time_job_is_short(const RuleInput *input, ViewKey key) {
        return input->view->values[key].origin != VIEW_ORIGIN_DEFAULT &&
                time_is_shorter(input->view, key, time_stop_usec(input)) &&
                unit_view_usec(input->view, key) > 0;
}

bool rule_job_timeout(const RuleInput *input, FindingWriter *writer) {
        static const ViewKey keys[] = { VIEW_JOB_TIMEOUT_USEC, VIEW_JOB_RUNNING_TIMEOUT_USEC };
        char job[USEC_SPAN_MAX], stop[USEC_SPAN_MAX];
        bool is_short = false;

        for (size_t i = 0; i < ELEMENTSOF(keys) && time_has_drain(input); i++) {
                if (!time_job_is_short(input, keys[i]))
                        continue;
                if (!is_short)
                        finding_say(writer, SEVERITY_WARNING, keys[i],
                                "%s= cancels the stop job after %s, though the stop may take %s, "
                                "and asking for more time does not move it",
                                view_key_info(keys[i])->setting,
                                usec_format_span(job, unit_view_usec(input->view, keys[i]), 1),
                                usec_format_span(stop, time_stop_usec(input), 1));
                is_short = time_mend(
                        writer, keys[i], "The stop job lasts as long as the stop.", USEC_INFINITY);
        }
        return is_short;
}

bool rule_runtime_max(const RuleInput *input, FindingWriter *writer) {
        char runtime[USEC_SPAN_MAX], required[USEC_SPAN_MAX];

        if (!time_has_drain(input) ||
                !time_is_shorter(input->view, VIEW_RUNTIME_MAX_USEC, rule_required_usec(input)))
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_RUNTIME_MAX_USEC,
                "RuntimeMaxSec= stops the gateway after %s of service, less than the %s that the "
                "stop may take",
                usec_format_span(runtime, unit_view_usec(input->view, VIEW_RUNTIME_MAX_USEC), 1),
                usec_format_span(required, rule_required_usec(input), 1));
        return time_mend(writer, VIEW_RUNTIME_MAX_USEC, "A gateway serves until it is stopped.",
                USEC_INFINITY);
}

static bool time_is_watched(const RuleInput *input) {
        return input->is_supervised && rule_is_loaded(input) && time_has_watchdog(input->view);
}

bool rule_watchdog_too_short(const RuleInput *input, FindingWriter *writer) {
        char watchdog[USEC_SPAN_MAX];

        if (!time_is_watched(input) ||
                !time_is_shorter(input->view, VIEW_WATCHDOG_USEC, TIME_WATCHDOG_MIN_USEC))
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_WATCHDOG_USEC,
                "gatewatch sends a sign of life twice in the %s of WatchdogSec=: on a busy machine "
                "it comes too late, and systemd ends the unit",
                usec_format_span(watchdog, unit_view_usec(input->view, VIEW_WATCHDOG_USEC), 1));
        return time_mend(writer, VIEW_WATCHDOG_USEC,
                "A busy machine may delay a sign of life by seconds.", 30 * USEC_PER_SEC);
}

/* The gateway's own heartbeat has a watcher: the other one may watch the supervisor alone. */
static bool time_is_gateway_watched(const RuleInput *input) {
        return input->run && input->run->watchdog_usec > 0;
}

bool rule_watchdog_supervisor_only(const RuleInput *input, FindingWriter *writer) {
        if (!time_is_watched(input) || time_is_gateway_watched(input) ||
                time_is_shorter(input->view, VIEW_WATCHDOG_USEC, TIME_WATCHDOG_MIN_USEC))
                return false;
        return finding_say(writer, SEVERITY_HINT, VIEW_WATCHDOG_USEC,
                "gatewatch answers systemd's watchdog itself: WatchdogSec= notices a supervisor "
                "that hangs, not a gateway that does; --watchdog= of gatewatch run does");
}

/* A bound that nobody set is silent, as is one that was taken away on purpose. */
static bool time_has_step_timeout(const RunConfig *run) {
        return run->on_step_timeout != STEP_TIMEOUT_LOG &&
                run->step_timeout_usec != USEC_INFINITY &&
                run->step_timeout_usec != TIME_STEP_DEFAULT_USEC;
}

bool rule_step_timeout_beyond_drain(const RuleInput *input, FindingWriter *writer) {
        char step[USEC_SPAN_MAX], drain[USEC_SPAN_MAX];

        if (!time_has_drain(input) || !time_is_known(input->view, VIEW_EXEC_START) || !input->run ||
                !time_has_step_timeout(input->run) || input->budget.drain_usec == 0 ||
                input->run->step_timeout_usec < input->budget.drain_usec)
                return false;
        return finding_say(writer, SEVERITY_HINT, VIEW_EXEC_START,
                "--step-timeout= of %s is not shorter than the drain of %s: a step that hangs takes "
                "all of the drain before it is noticed",
                usec_format_span(step, input->run->step_timeout_usec, 1),
                usec_format_span(drain, input->budget.drain_usec, 1));
}
