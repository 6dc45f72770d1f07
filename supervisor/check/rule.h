/* SPDX-License-Identifier: MIT */
#pragma once

/* The rules: a const table of pure functions over one unit's settings. Each row has an id that never
 * changes, and knows by itself whether it applies. */

#include "check/finding.h"
#include "config/run-config.h"
#include "stop/budget.h"

/* What a rule looks at. */
typedef struct RuleInput {
        const UnitView *view;
        bool is_supervised;    /* ExecStart= runs gatewatch run */
        const RunConfig *run;  /* its settings; NULL: not supervised, or they are not known */
        const char *run_error; /* it would refuse them with this line; NULL: no */
        bool has_drain;        /* the drain is known: from run, or the caller gave one */
        Budget budget; /* T, D and H set against each other, without the cap; when has_drain */
        usec_t headroom_usec;
} RuleInput;

/* Returns: true, and the finding written; false: nothing found. */
typedef bool (*RuleTest)(const RuleInput *input, FindingWriter *writer);

struct Rule {
        const char *id;
        Severity severity;   /* the worst that it gives */
        const char *summary; /* for --list-rules and the manual */
        RuleTest test;
};

/* The rows in the order in which findings are shown. Returns: NULL behind the last. */
const Rule *rule_get(size_t index);
const Rule *rule_find(const char *id);

/* For rules: is there a unit to judge; does it also run gatewatch; is this setting of it known? */
bool rule_is_loaded(const RuleInput *input);
bool rule_is_supervised(const RuleInput *input);
bool rule_is_known(const RuleInput *input, ViewKey key);

/* D + H of the input. */
usec_t rule_required_usec(const RuleInput *input);

/* rules-time.c: what systemd allows in time */
bool rule_timeout_too_short(const RuleInput *input, FindingWriter *writer);
bool rule_timeout_from_default(const RuleInput *input, FindingWriter *writer);
bool rule_abort_timeout_too_short(const RuleInput *input, FindingWriter *writer);
bool rule_user_manager_timeout(const RuleInput *input, FindingWriter *writer);
bool rule_job_timeout(const RuleInput *input, FindingWriter *writer);
bool rule_runtime_max(const RuleInput *input, FindingWriter *writer);
bool rule_watchdog_too_short(const RuleInput *input, FindingWriter *writer);
bool rule_watchdog_supervisor_only(const RuleInput *input, FindingWriter *writer);
bool rule_step_timeout_beyond_drain(const RuleInput *input, FindingWriter *writer);

/* rules-kill.c: how systemd ends it */
bool rule_kill_mode(const RuleInput *input, FindingWriter *writer);
bool rule_exit_type(const RuleInput *input, FindingWriter *writer);
bool rule_kill_signal(const RuleInput *input, FindingWriter *writer);
bool rule_restart_kill_signal(const RuleInput *input, FindingWriter *writer);
bool rule_final_kill_signal(const RuleInput *input, FindingWriter *writer);
bool rule_send_sigkill(const RuleInput *input, FindingWriter *writer);
bool rule_send_sighup(const RuleInput *input, FindingWriter *writer);
bool rule_exec_stop_signals_main(const RuleInput *input, FindingWriter *writer);
bool rule_oom_policy(const RuleInput *input, FindingWriter *writer);

/* rules-life.c: how it starts, says that it is ready, and comes back */
bool rule_service_type(const RuleInput *input, FindingWriter *writer);
bool rule_type_not_notify(const RuleInput *input, FindingWriter *writer);
bool rule_notify_access(const RuleInput *input, FindingWriter *writer);
bool rule_pid_file(const RuleInput *input, FindingWriter *writer);
bool rule_restart_never(const RuleInput *input, FindingWriter *writer);
bool rule_restart_clean_exit(const RuleInput *input, FindingWriter *writer);
bool rule_restart_prevent(const RuleInput *input, FindingWriter *writer);
bool rule_start_limit(const RuleInput *input, FindingWriter *writer);
bool rule_delegate(const RuleInput *input, FindingWriter *writer);
bool rule_post_missing(const RuleInput *input, FindingWriter *writer);

/* rules-sight.c: what the supervisor can see and say */
bool rule_sender_realtime(const RuleInput *input, FindingWriter *writer);
bool rule_proc_hidden(const RuleInput *input, FindingWriter *writer);
bool rule_proc_hidepid(const RuleInput *input, FindingWriter *writer);
bool rule_private_pids(const RuleInput *input, FindingWriter *writer);
bool rule_private_users(const RuleInput *input, FindingWriter *writer);
bool rule_log_rate_limit(const RuleInput *input, FindingWriter *writer);

/* rules-unit.c: the unit as such */
bool rule_not_loaded(const RuleInput *input, FindingWriter *writer);
bool rule_masked(const RuleInput *input, FindingWriter *writer);
bool rule_settings_unusable(const RuleInput *input, FindingWriter *writer);
bool rule_ignored_lines(const RuleInput *input, FindingWriter *writer);
bool rule_daemon_reload(const RuleInput *input, FindingWriter *writer);
bool rule_running_older(const RuleInput *input, FindingWriter *writer);
bool rule_shadowed(const RuleInput *input, FindingWriter *writer);
bool rule_linger(const RuleInput *input, FindingWriter *writer);
