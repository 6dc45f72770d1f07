/* SPDX-License-Identifier: MIT */

/* Rules about sight: what of the outside world a supervised unit's settings let gatewatch see, and whether
 * what it says gets through. Nobody is killed by these; but whoever asks afterwards who stopped the gateway
 * gets a number instead of a name.
 *
 * What a setting does depends on who the unit runs as: root sees through some of them, by a capability, as
 * others do to whom AmbientCapabilities= gives it, and a command line with the prefix "+" is not in the
 * sandbox at all. Where it cannot be known (a set out of which a file takes some, a mount option of another
 * machine) the doubt goes in the unit's favour. A unit that is not loaded trips nothing.
 *
 * Source: systemd.exec(5); proc(5), hidepid=; sched(7), RLIMIT_RTPRIO; unit_export_state_files() of
 * systemd's src/core/unit.c. */

#include "check/rule.h"

#include <linux/capability.h>
#include <string.h>

#define SIGHT_JOURNAL_INTERVAL_USEC (30 * USEC_PER_SEC)
#define SIGHT_JOURNAL_BURST         10000
#define SIGHT_USER_MANAGERS         "/etc/systemd/system/user@.service.d"

static bool sight_is_user(const RuleInput *input) {
        return input->view->manager == UNIT_MANAGER_USER;
}

static unsigned sight_exec_flags(const RuleInput *input) {
        const ViewValue *start = &input->view->values[VIEW_EXEC_START];

        return start->n_commands > 0 ? start->commands[0].flags : 0;
}

/* Are the namespaces and filters of the unit applied to the supervisor? */
static bool sight_is_sandboxed(const RuleInput *input) {
        return !(sight_exec_flags(input) & EXEC_PRIVILEGED);
}

static bool sight_is_root(const RuleInput *input) {
        const UnitView *view = input->view;
        const char *user = unit_view_text(view, VIEW_USER);

        if (sight_is_user(input) && !(view->linger_user && strcmp(view->linger_user, "root") == 0))
                return false;
        if (sight_exec_flags(input) & (EXEC_PRIVILEGED | EXEC_NO_SETUID))
                return true;
        if (unit_view_bool(view, VIEW_DYNAMIC_USER))
                return false;
        return !*user || strcmp(user, "root") == 0 || strcmp(user, "0") == 0;
}

/* Or may have it, for all that is known. */
static bool sight_is_in_set(const RuleInput *input, ViewKey key, unsigned capability) {
        const ViewValue *set = &input->view->values[key];

        return !set->is_known || (set->number >> capability & 1);
}

/* Over the machine's processes: in a user namespace of its own the unit has none there. Who is not root
 * has those that AmbientCapabilities= gives. */
static bool sight_has_capability(const RuleInput *input, unsigned capability) {
        bool is_root = sight_is_root(input);

        if (is_root && !sight_is_sandboxed(input))
                return true;
        return !unit_view_bool(input->view, VIEW_PRIVATE_USERS) &&
                sight_is_in_set(input, VIEW_CAPABILITY_BOUNDING_SET, capability) &&
                (is_root || sight_is_in_set(input, VIEW_AMBIENT_CAPABILITIES, capability));
}

/* ---- The sender ------------------------------------------------------------------------------ */

static bool sight_mend_realtime(const RuleInput *input, FindingWriter *writer) {
        static const char reason[] = "The sender of a stop signal is caught before it can exit.";

        if (!sight_is_user(input))
                return finding_mend(writer, VIEW_LIMIT_RTPRIO, reason, "1");
        /* Its own limit cannot exceed the one of the manager above. */
        if (unit_view_is_set(input->view, VIEW_LIMIT_RTPRIO))
                finding_mend(writer, VIEW_LIMIT_RTPRIO, reason, "1");
        return finding_command(writer,
                "mkdir -p %s && printf '[Service]\\nLimitRTPRIO=1\\n' > %s/50-gatewatch-realtime.conf && "
                "systemctl daemon-reload",
                SIGHT_USER_MANAGERS, SIGHT_USER_MANAGERS);
}

bool rule_sender_realtime(const RuleInput *input, FindingWriter *writer) {
        const UnitView *view = input->view;
        bool is_restricted =
                sight_is_sandboxed(input) && unit_view_bool(view, VIEW_RESTRICT_REALTIME);
        bool is_limited = view->values[VIEW_LIMIT_RTPRIO].is_known &&
                unit_view_number(view, VIEW_LIMIT_RTPRIO) == 0 &&
                !sight_has_capability(input, CAP_SYS_NICE);

        if (!rule_is_supervised(input) || !input->run ||
                input->run->sender_capture == SENDER_CAPTURE_PLAIN ||
                (!is_restricted && !is_limited))
                return false;

        finding_say(writer, SEVERITY_HINT,
                is_restricted ? VIEW_RESTRICT_REALTIME : VIEW_LIMIT_RTPRIO,
                "%s keeps gatewatch from running in real time for the moment of a stop signal: of a "
                "sender that exits at once, kill(1) say, often no more than pid and uid is recorded",
                is_restricted ? "RestrictRealtime=yes" : "LimitRTPRIO=0");
        if (is_restricted)
                finding_mend(writer, VIEW_RESTRICT_REALTIME,
                        "gatewatch may run in real time for the moment of a stop signal.", "no");
        return !is_limited || sight_mend_realtime(input, writer);
}

/* By capability all is seen; but for "ptraceable" members of the group that the mount names, by default
 * root's, see it too. Source: has_pid_permissions() of Linux' fs/proc/base.c. */
static bool sight_is_proc_protected(const RuleInput *input) {
        const char *protect = unit_view_text(input->view, VIEW_PROTECT_PROC);

        if (!*protect || strcmp(protect, "default") == 0)
                return false;
        if (sight_has_capability(input, CAP_SYS_PTRACE))
                return false;
        return strcmp(protect, "ptraceable") == 0 || !sight_is_root(input);
}

bool rule_proc_hidden(const RuleInput *input, FindingWriter *writer) {
        bool is_protected = sight_is_proc_protected(input),
             is_subset = unit_view_is(input->view, VIEW_PROC_SUBSET, "pid");

        if (!rule_is_supervised(input) || !sight_is_sandboxed(input) ||
                (!is_protected && !is_subset))
                return false;

        if (is_protected)
                finding_say(writer, SEVERITY_HINT, VIEW_PROTECT_PROC,
                        "with ProtectProc=%s other users' processes cannot be looked at: who sends a "
                        "signal or asks for a stop stays a number without a name",
                        unit_view_text(input->view, VIEW_PROTECT_PROC));
        else
                finding_say(writer, SEVERITY_HINT, VIEW_PROC_SUBSET,
                        "with ProcSubset=pid neither the boot id nor the load average can be read: a "
                        "start does not find out how the run before it ended");
        if (is_protected)
                finding_mend(writer, VIEW_PROTECT_PROC,
                        "The sender of a signal and who asks for a stop can be named.", "default");
        if (is_subset)
                finding_mend(writer, VIEW_PROC_SUBSET,
                        "A start finds out how the run before it ended.", "all");
        return true;
}

bool rule_proc_hidepid(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input) || !input->view->is_proc_hidden || sight_is_root(input) ||
                sight_has_capability(input, CAP_SYS_PTRACE))
                return false;

        finding_say(writer, SEVERITY_HINT, _VIEW_KEY_INVALID,
                "/proc is mounted with hidepid=, and the unit does not run as root: who sends a signal "
                "or asks for a stop stays a number without a name, unless the unit is in the group of "
                "the mount's gid=");
        return finding_command(
                writer, "mount -o remount,hidepid=0 /proc  # and the same in /etc/fstab");
}

bool rule_private_pids(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input) || !unit_view_bool(input->view, VIEW_PRIVATE_PIDS))
                return false;

        finding_say(writer, SEVERITY_WARNING, VIEW_PRIVATE_PIDS,
                "in a pid namespace of its own gatewatch sees no process outside the unit: whoever sends "
                "a signal or asks for a stop has no pid there and cannot be named");
        return finding_mend(writer, VIEW_PRIVATE_PIDS,
                "The sender of a signal and who asks for a stop can be named.", "no");
}

bool rule_private_users(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input) || !sight_is_sandboxed(input) ||
                !unit_view_bool(input->view, VIEW_PRIVATE_USERS))
                return false;

        finding_say(writer, SEVERITY_HINT, VIEW_PRIVATE_USERS,
                "with PrivateUsers= other users are all nobody inside the unit: the uid of whoever sends "
                "a signal or asks for a stop is not recorded as it is");
        return finding_mend(
                writer, VIEW_PRIVATE_USERS, "Uids of senders are those of the machine.", "no");
}

/* ---- The records ----------------------------------------------------------------------------- */

/* Fewer lines in a time than journald grants by itself; what is 0 or not set is journald's own. */
static bool sight_is_rate_low(const UnitView *view) {
        usec_t interval_usec = unit_view_usec(view, VIEW_LOG_RATE_LIMIT_INTERVAL_USEC)
                ?: SIGHT_JOURNAL_INTERVAL_USEC;
        uint64_t burst = unit_view_number(view, VIEW_LOG_RATE_LIMIT_BURST) ?: SIGHT_JOURNAL_BURST;

        return (unsigned __int128) burst * SIGHT_JOURNAL_INTERVAL_USEC <
                (unsigned __int128) SIGHT_JOURNAL_BURST * interval_usec;
}

/* Did somebody mean to switch the limit off? Returns: the setting; NULL: no. */
static const char *sight_find_zero(const UnitView *view, ViewKey *ret_key) {
        static const ViewKey keys[] = {
                VIEW_LOG_RATE_LIMIT_INTERVAL_USEC,
                VIEW_LOG_RATE_LIMIT_BURST,
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                const ViewValue *value = &view->values[keys[i]];

                if (unit_view_is_set(view, keys[i]) && value->is_known && value->number == 0) {
                        *ret_key = keys[i];
                        return view_key_info(keys[i])->setting;
                }
        }
        return NULL;
}

static bool sight_logs_to_journal(const UnitView *view) {
        const char *output = unit_view_text(view, VIEW_STANDARD_OUTPUT);

        return strcmp(output, "journal") == 0 || strcmp(output, "journal+console") == 0;
}

static void sight_say_rate(
        FindingWriter *writer, const UnitView *view, ViewKey key, const char *zero) {
        char span[USEC_SPAN_MAX];

        if (view->manager == UNIT_MANAGER_USER)
                finding_say(writer, SEVERITY_HINT, key,
                        "LogRateLimitIntervalSec= and LogRateLimitBurst= of a user's unit have no "
                        "effect: journald counts all of a user's units as one, with its own limit");
        else if (zero)
                finding_say(writer, SEVERITY_HINT, key,
                        "%s=0 does not switch the rate limit off: it means journald's own, and what "
                        "exceeds that is dropped",
                        zero);
        else
                finding_say(writer, SEVERITY_WARNING, key,
                        "%" PRIu64
                        " lines in %s are fewer than journald's default of 10000 in 30s: the gateway's own "
                        "output can use them up, and then the records of its end are dropped as well",
                        unit_view_number(view, VIEW_LOG_RATE_LIMIT_BURST) ?: SIGHT_JOURNAL_BURST,
                        usec_format_span(span,
                                unit_view_usec(view, VIEW_LOG_RATE_LIMIT_INTERVAL_USEC)
                                        ?: SIGHT_JOURNAL_INTERVAL_USEC,
                                1));
}

bool rule_log_rate_limit(const RuleInput *input, FindingWriter *writer) {
        static const char reason[] =
                "The gateway's output does not crowd out the records of its end.";
        const UnitView *view = input->view;
        ViewKey key = unit_view_number(view, VIEW_LOG_RATE_LIMIT_BURST) > 0
                ? VIEW_LOG_RATE_LIMIT_BURST
                : VIEW_LOG_RATE_LIMIT_INTERVAL_USEC;
        const char *zero = sight_is_rate_low(view) ? NULL : sight_find_zero(view, &key);

        if (!rule_is_supervised(input) || !sight_logs_to_journal(view) ||
                !view->values[VIEW_LOG_RATE_LIMIT_INTERVAL_USEC].is_known ||
                !view->values[VIEW_LOG_RATE_LIMIT_BURST].is_known ||
                (!sight_is_rate_low(view) && !zero))
                return false;

        sight_say_rate(writer, view, key, zero);
        if (sight_is_user(input))
                return true;
        finding_mend(writer, VIEW_LOG_RATE_LIMIT_INTERVAL_USEC, reason, "30s");
        return finding_mend(writer, VIEW_LOG_RATE_LIMIT_BURST, reason, "%d", SIGHT_JOURNAL_BURST);
}
