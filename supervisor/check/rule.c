/* SPDX-License-Identifier: MIT */

/* The table of rules. To add one: a row here, its function beside its like in rules-*.c, a test, a unit file
 * that trips it and one that does not, a line in the manual. Ids are for ever: people ignore them by name. */

#include "check/rule.h"

#include <string.h>

static const Rule rule_table[] = {
        /* The unit as such. */
        { "not-loaded", SEVERITY_ERROR, "systemd refuses the unit file", rule_not_loaded },
        { "masked", SEVERITY_ERROR, "the unit is masked and cannot be started", rule_masked },
        { "settings-unusable", SEVERITY_ERROR, "gatewatch run would refuse its own options",
                rule_settings_unusable },
        { "ignored-lines", SEVERITY_WARNING, "systemd ignores lines of the unit's files",
                rule_ignored_lines },
        { "daemon-reload", SEVERITY_WARNING, "the files on disk are not what is in force",
                rule_daemon_reload },
        { "running-older", SEVERITY_HINT, "the running process is older than the unit's files",
                rule_running_older },
        { "shadowed", SEVERITY_HINT, "another unit file of the same name is hidden",
                rule_shadowed },
        { "linger", SEVERITY_WARNING, "a user's gateway ends with the last session", rule_linger },

        /* What systemd allows in time. */
        { "timeout-too-short", SEVERITY_ERROR, "TimeoutStopSec= is shorter than drain and headroom",
                rule_timeout_too_short },
        { "timeout-from-default", SEVERITY_WARNING,
                "TimeoutStopSec= is long enough only by the manager's default",
                rule_timeout_from_default },
        { "abort-timeout-too-short", SEVERITY_WARNING,
                "TimeoutAbortSec= is shorter than drain and headroom",
                rule_abort_timeout_too_short },
        { "user-manager-timeout", SEVERITY_ERROR,
                "user@.service is killed before a user's gateway has drained",
                rule_user_manager_timeout },
        { "job-timeout", SEVERITY_WARNING, "the stop job times out before the stop does",
                rule_job_timeout },
        { "runtime-max", SEVERITY_WARNING, "RuntimeMaxSec= is shorter than the drain after it",
                rule_runtime_max },
        { "watchdog-too-short", SEVERITY_WARNING, "WatchdogSec= is shorter than can be promised",
                rule_watchdog_too_short },
        { "watchdog-supervisor-only", SEVERITY_HINT,
                "WatchdogSec= watches the supervisor, not the gateway",
                rule_watchdog_supervisor_only },
        { "step-timeout-beyond-drain", SEVERITY_HINT,
                "--step-timeout= is not shorter than the drain", rule_step_timeout_beyond_drain },

        /* How systemd ends it. */
        { "kill-mode", SEVERITY_ERROR, "KillMode= is not mixed", rule_kill_mode },
        { "exit-type", SEVERITY_WARNING, "ExitType=cgroup hides the supervisor's end",
                rule_exit_type },
        { "kill-signal", SEVERITY_ERROR, "KillSignal= is none that begins a stop",
                rule_kill_signal },
        { "restart-kill-signal", SEVERITY_ERROR, "RestartKillSignal= is none that begins a stop",
                rule_restart_kill_signal },
        { "final-kill-signal", SEVERITY_WARNING, "FinalKillSignal= can be ignored",
                rule_final_kill_signal },
        { "send-sigkill", SEVERITY_WARNING, "SendSIGKILL=no leaves processes behind",
                rule_send_sigkill },
        { "send-sighup", SEVERITY_HINT, "SendSIGHUP=yes sends SIGHUP into the drain",
                rule_send_sighup },
        { "exec-stop-signals-main", SEVERITY_WARNING,
                "ExecStop= signals the supervisor from outside", rule_exec_stop_signals_main },
        { "oom-policy", SEVERITY_WARNING,
                "OOMPolicy= kills the rest of a drain when one process runs out of memory",
                rule_oom_policy },

        /* How it starts, says that it is ready, and comes back. */
        { "service-type", SEVERITY_ERROR, "Type= does not fit a supervisor", rule_service_type },
        { "type-not-notify", SEVERITY_WARNING, "systemd does not wait for the gateway's readiness",
                rule_type_not_notify },
        { "notify-access", SEVERITY_ERROR, "NotifyAccess=none shuts the supervisor out",
                rule_notify_access },
        { "pid-file", SEVERITY_WARNING, "PIDFile= names another process than the supervisor",
                rule_pid_file },
        { "restart-never", SEVERITY_WARNING, "Restart=no leaves a crashed gateway down",
                rule_restart_never },
        { "restart-clean-exit", SEVERITY_WARNING,
                "Restart= does not answer an unexpected signal that ends cleanly",
                rule_restart_clean_exit },
        { "restart-prevent", SEVERITY_WARNING, "a configuration that cannot work is tried for ever",
                rule_restart_prevent },
        { "start-limit", SEVERITY_WARNING, "a crash loop never hits the start limit",
                rule_start_limit },
        { "delegate", SEVERITY_HINT, "the gateway's processes have no group of their own",
                rule_delegate },
        { "post-missing", SEVERITY_HINT, "nobody closes the record of a killed supervisor",
                rule_post_missing },

        /* What the supervisor can see and say. */
        { "sender-realtime", SEVERITY_HINT, "senders that exit at once may stay unnamed",
                rule_sender_realtime },
        { "proc-hidden", SEVERITY_HINT, "the unit hides the processes of others",
                rule_proc_hidden },
        { "proc-hidepid", SEVERITY_HINT, "/proc hides the processes of others", rule_proc_hidepid },
        { "private-pids", SEVERITY_WARNING, "senders have no pid in the unit's namespace",
                rule_private_pids },
        { "private-users", SEVERITY_HINT, "senders have no uid in the unit's namespace",
                rule_private_users },
        { "log-rate-limit", SEVERITY_WARNING,
                "the gateway's own output can drop the records of its end", rule_log_rate_limit },
};

const Rule *rule_get(size_t index) {
        return index < ELEMENTSOF(rule_table) ? &rule_table[index] : NULL;
}

const Rule *rule_find(const char *id) {
        for (size_t i = 0; i < ELEMENTSOF(rule_table); i++)
                if (strcmp(rule_table[i].id, id) == 0)
                        return &rule_table[i];
        return NULL;
}

bool rule_is_loaded(const RuleInput *input) {
        return strcmp(input->view->load_state, "loaded") == 0;
}

bool rule_is_supervised(const RuleInput *input) {
        return input->is_supervised && rule_is_loaded(input);
}

bool rule_is_known(const RuleInput *input, ViewKey key) {
        return input->view->values[key].is_known;
}

usec_t rule_required_usec(const RuleInput *input) {
        return input->budget.required_usec;
}
