/* SPDX-License-Identifier: MIT */

/* Rules about a unit's life: how it starts, how systemd learns that it is ready, and whether it comes back
 * after an end that nobody asked for.
 *
 * Each is a question about the settings alone. A value that is not known trips nothing, for a finding that
 * may be wrong is worse than one that is missing; nor does a unit that is not loaded. All of them are about
 * units that run gatewatch: how others start and restart is their own affair.
 *
 * Source: systemd.service(5); service_sigchld_event(), service_shall_restart() and service_set_main_pid() of
 * systemd's src/core/service.c; ratelimit_below() of src/basic/ratelimit.c. */

#include "check/rule.h"

#include <signal.h>
#include <string.h>

#include "config/exit-status.h"
#include "units/run-line.h"

#define LIFE_START_LIMIT_BURST    5
#define LIFE_START_LIMIT_MIN_USEC (60 * USEC_PER_SEC)
#define LIFE_START_LIMIT_STEP     (10 * USEC_PER_SEC)

static usec_t life_multiply(usec_t usec, uint64_t factor) {
        usec_t product;

        return __builtin_mul_overflow(usec, factor, &product) ? USEC_INFINITY : product;
}

/* ---- Starting -------------------------------------------------------------------------------- */

#define LIFE_READY_ADVICE "with Type=notify, give run --ready=exec when the gateway does not notify"

bool rule_service_type(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input))
                return false;

        if (unit_view_is(input->view, VIEW_TYPE, "forking"))
                finding_say(writer, SEVERITY_ERROR, VIEW_TYPE,
                        "with Type=forking systemd waits for the program to go into the background, "
                        "which gatewatch never does, so that no start succeeds; " LIFE_READY_ADVICE);
        else if (unit_view_is(input->view, VIEW_TYPE, "oneshot"))
                finding_say(writer, SEVERITY_ERROR, VIEW_TYPE,
                        "with Type=oneshot the start lasts until the gateway ends, and what is ordered after the "
                        "unit does not start before that; " LIFE_READY_ADVICE);
        else
                return false;
        return finding_mend(writer, VIEW_TYPE,
                "The unit counts as started once the gateway is ready.", "notify");
}

bool rule_type_not_notify(const RuleInput *input, FindingWriter *writer) {
        const char *type = unit_view_text(input->view, VIEW_TYPE);

        if (!rule_is_supervised(input) || !input->run || input->run->ready != READY_NOTIFY)
                return false;
        if (strcmp(type, "simple") != 0 && strcmp(type, "exec") != 0 && strcmp(type, "idle") != 0)
                return false;

        finding_say(writer, SEVERITY_WARNING, VIEW_TYPE,
                "the gateway says when it is ready, but with Type=%s systemd does not wait for it: "
                "the unit counts as started at once, and what is ordered after it starts too early",
                type);
        return finding_mend(writer, VIEW_TYPE,
                "The unit counts as started once the gateway says that it is ready.", "notify");
}

bool rule_notify_access(const RuleInput *input, FindingWriter *writer) {
        bool is_vital = input->has_drain && input->budget.is_short && input->run &&
                input->run->on_short_timeout == SHORT_TIMEOUT_EXTEND;

        if (!rule_is_supervised(input) || !unit_view_is(input->view, VIEW_NOTIFY_ACCESS, "none"))
                return false;

        if (is_vital)
                finding_say(writer, SEVERITY_ERROR, VIEW_NOTIFY_ACCESS,
                        "the stop needs more time than the unit allows, and with NotifyAccess=none "
                        "gatewatch cannot ask systemd for it: the drain is cut short");
        else
                finding_say(writer, SEVERITY_WARNING, VIEW_NOTIFY_ACCESS,
                        "with NotifyAccess=none systemd hears nothing from gatewatch: no readiness, no "
                        "status, and no call for more time in a stop that needs it");
        return finding_mend(writer, VIEW_NOTIFY_ACCESS,
                "systemd listens to the supervisor, which speaks for the gateway.", "main");
}

bool rule_pid_file(const RuleInput *input, FindingWriter *writer) {
        const char *path = unit_view_text(input->view, VIEW_PID_FILE);

        if (!rule_is_supervised(input) || !*path)
                return false;

        finding_say(writer, SEVERITY_WARNING, VIEW_PID_FILE,
                "systemd takes the process that %s names for the unit's main process, be it after a "
                "reload only: a gateway that writes its pid there is tracked, signalled and waited for "
                "in place of the supervisor",
                path);
        return finding_mend(writer, VIEW_PID_FILE, "The main process is the supervisor.", "%s", "");
}

/* ---- Coming back ----------------------------------------------------------------------------- */

bool rule_restart_never(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input))
                return false;

        if (unit_view_is(input->view, VIEW_RESTART, "no"))
                finding_say(writer, SEVERITY_WARNING, VIEW_RESTART,
                        "with Restart=no the gateway stays down, whatever ended it");
        else if (unit_view_is(input->view, VIEW_RESTART, "on-success"))
                finding_say(writer, SEVERITY_WARNING, VIEW_RESTART,
                        "with Restart=on-success a gateway that fails or crashes stays down");
        else
                return false;
        return finding_mend(writer, VIEW_RESTART,
                "It comes back from every end but a stop that systemd was asked for.", "always");
}

/* Does SuccessExitStatus= call ends clean that are not so by themselves?
 * Source: is_clean_exit() of systemd's src/shared/exit-status.c. */
static bool life_more_is_clean(const ExitStatusSet *set) {
        static const int clean[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
        uint64_t signals = set->signals;

        for (size_t i = 0; i < ELEMENTSOF(clean); i++)
                signals &= ~(UINT64_C(1) << clean[i]);
        for (unsigned code = 1; code < 256; code++)
                if (exit_status_set_has_code(set, code))
                        return true;
        return signals != 0;
}

bool rule_restart_clean_exit(const RuleInput *input, FindingWriter *writer) {
        static const char *const values[] = { "on-failure", "on-abnormal", "on-abort",
                "on-watchdog" };
        const ViewValue *clean = &input->view->values[VIEW_SUCCESS_EXIT_STATUS];
        const char *restart = unit_view_text(input->view, VIEW_RESTART);
        bool is_one = false;

        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                is_one = is_one || strcmp(restart, values[i]) == 0;
        if (!rule_is_supervised(input) || !is_one)
                return false;

        if (clean->is_known && life_more_is_clean(&clean->set))
                finding_say(writer, SEVERITY_WARNING, VIEW_RESTART,
                        "with Restart=%s a clean end is final, and SuccessExitStatus= calls failures "
                        "clean: after one of these, or a SIGTERM from anybody, the gateway stays down",
                        restart);
        else
                finding_say(writer, SEVERITY_HINT, VIEW_RESTART,
                        "with Restart=%s a clean end is final: after a SIGTERM from anybody, which a "
                        "gateway answers with a clean exit, it stays down",
                        restart);
        return finding_mend(writer, VIEW_RESTART,
                "It comes back from every end but a stop that systemd was asked for.", "always");
}

/* Only these restart after a failing exit status. */
static bool life_restarts_failures(const RuleInput *input) {
        return unit_view_is(input->view, VIEW_RESTART, "always") ||
                unit_view_is(input->view, VIEW_RESTART, "on-failure");
}

bool rule_restart_prevent(const RuleInput *input, FindingWriter *writer) {
        const ViewValue *prevent = &input->view->values[VIEW_RESTART_PREVENT_EXIT_STATUS];

        if (!rule_is_supervised(input) || !life_restarts_failures(input) || !prevent->is_known ||
                exit_status_set_has_code(&prevent->set, EXIT_STATUS_CONFIG))
                return false;

        finding_say(writer, SEVERITY_WARNING, VIEW_RESTART_PREVENT_EXIT_STATUS,
                "exit status %d says that the configuration cannot work, yet the unit is started again "
                "and again after it",
                EXIT_STATUS_CONFIG);
        return finding_mend(writer, VIEW_RESTART_PREVENT_EXIT_STATUS,
                "A configuration that cannot work is not tried again.", "%d", EXIT_STATUS_CONFIG);
}

/* Twice what a loop of burst starts takes, in round numbers. */
static usec_t life_start_limit_usec(usec_t restart_usec, uint64_t burst) {
        usec_t usec = life_multiply(restart_usec, life_multiply(burst, 2));

        if (usec < LIFE_START_LIMIT_MIN_USEC)
                return LIFE_START_LIMIT_MIN_USEC;
        if (usec % LIFE_START_LIMIT_STEP == 0 || usec == USEC_INFINITY)
                return usec;
        return usec_add(usec, LIFE_START_LIMIT_STEP - usec % LIFE_START_LIMIT_STEP);
}

static bool life_mend_start_limit(FindingWriter *writer, usec_t restart_usec, uint64_t burst) {
        char span[USEC_SPAN_MAX];
        usec_t usec = life_start_limit_usec(restart_usec, burst ?: LIFE_START_LIMIT_BURST);

        if (burst == 0)
                finding_mend(writer, VIEW_START_LIMIT_BURST,
                        "A gateway that fails at every start is given up after so many.", "%d",
                        LIFE_START_LIMIT_BURST);
        return finding_mend(writer, VIEW_START_LIMIT_INTERVAL_USEC,
                "Longer than a loop of failing starts takes to use up StartLimitBurst=.", "%s",
                usec_format_span(span, usec, 1));
}

bool rule_start_limit(const RuleInput *input, FindingWriter *writer) {
        char interval[USEC_SPAN_MAX], pause[USEC_SPAN_MAX];
        usec_t interval_usec = unit_view_usec(input->view, VIEW_START_LIMIT_INTERVAL_USEC),
               restart_usec = unit_view_usec(input->view, VIEW_RESTART_USEC);
        uint64_t burst = unit_view_number(input->view, VIEW_START_LIMIT_BURST);
        bool is_off = interval_usec == 0 || burst == 0;

        if (!rule_is_supervised(input) || !*unit_view_text(input->view, VIEW_RESTART) ||
                unit_view_is(input->view, VIEW_RESTART, "no") ||
                !rule_is_known(input, VIEW_START_LIMIT_INTERVAL_USEC) ||
                !rule_is_known(input, VIEW_START_LIMIT_BURST) ||
                !rule_is_known(input, VIEW_RESTART_USEC))
                return false;
        /* A pause without end is no loop, and an interval without end holds every one. */
        if (restart_usec == USEC_INFINITY ||
                (!is_off &&
                        (interval_usec == USEC_INFINITY ||
                                life_multiply(restart_usec, burst) < interval_usec)))
                return false;

        (void) usec_format_span(interval, interval_usec, 1);
        (void) usec_format_span(pause, restart_usec, 1);
        if (is_off)
                finding_say(writer, SEVERITY_WARNING,
                        interval_usec == 0 ? VIEW_START_LIMIT_INTERVAL_USEC
                                           : VIEW_START_LIMIT_BURST,
                        "%s=0 switches the start limit off: a gateway that ends at once is started "
                        "again for ever, and the unit never ends up failed",
                        interval_usec == 0 ? "StartLimitIntervalSec" : "StartLimitBurst");
        else
                finding_say(writer, SEVERITY_WARNING, VIEW_START_LIMIT_INTERVAL_USEC,
                        "a gateway that ends at once is started again for ever: with RestartSec=%s there "
                        "are never more than %" PRIu64
                        " starts within %s, so the start limit is not hit",
                        pause, burst, interval);
        return life_mend_start_limit(writer, restart_usec, burst);
}

/* ---- What outlives the supervisor -------------------------------------------------------------- */

/* The prefix "+" takes a command out of the sandbox. */
static bool life_is_sandboxed(const RuleInput *input) {
        const ViewValue *start = &input->view->values[VIEW_EXEC_START];

        return start->n_commands == 0 || !(start->commands[0].flags & EXEC_PRIVILEGED);
}

bool rule_delegate(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input) || !rule_is_known(input, VIEW_DELEGATE))
                return false;

        if (!unit_view_bool(input->view, VIEW_DELEGATE)) {
                finding_say(writer, SEVERITY_HINT, VIEW_DELEGATE,
                        "without Delegate= the gateway gets no control group of its own, and its processes are "
                        "found by parentage only");
                return finding_mend(writer, VIEW_DELEGATE,
                        "The gateway's processes live in a control group of their own.", "yes");
        }
        if (!life_is_sandboxed(input) || !unit_view_bool(input->view, VIEW_PROTECT_CONTROL_GROUPS))
                return false;
        finding_say(writer, SEVERITY_HINT, VIEW_PROTECT_CONTROL_GROUPS,
                "the unit's control group is delegated, but ProtectControlGroups= makes it read-only: "
                "the gateway gets no group of its own");
        return finding_mend(writer, VIEW_PROTECT_CONTROL_GROUPS,
                "The delegated control group can be written.", "no");
}

/* ---- The last record ------------------------------------------------------------------------- */

static bool life_ends_with(const char *word, const char *end) {
        size_t length = strlen(word), end_length = strlen(end);

        if (length < end_length || strcmp(word + length - end_length, end) != 0)
                return false;
        return length == end_length || word[length - end_length - 1] == '/';
}

/* Also behind env(1), or within the words of a shell. */
static bool life_runs_post(const ViewCommand *command) {
        char *const *argv = command->argv;

        for (size_t i = 0; argv && argv[i]; i++) {
                if (strstr(argv[i], "gatewatch post"))
                        return true;
                if (life_ends_with(i == 0 ? command->path : argv[i], "gatewatch") && argv[i + 1] &&
                        strcmp(argv[i + 1], "post") == 0)
                        return true;
        }
        return false;
}

/* The program that ExecStart= runs as gatewatch. */
static const char *life_program(const RuleInput *input) {
        const ViewValue *start = &input->view->values[VIEW_EXEC_START];

        for (size_t i = 0; i < start->n_commands; i++) {
                size_t verb = run_line_find(start->commands[i].argv);

                if (verb > 0)
                        return verb == 1 ? start->commands[i].path
                                         : start->commands[i].argv[verb - 1];
        }
        return "/usr/bin/gatewatch";
}

/* " --option=value" as a word of a unit file; for a value of NULL nothing.
 * Returns: malloc()ed text; NULL: out of memory. */
static char *life_option(const RuleInput *input, const char *option, const char *value) {
        /* What of the specifiers a file alone does not tell is still in it, for systemd to expand; and in the
         * program's path it expands no variables, nor makes one "$" of two. */
        unsigned quote = (*option ? EXEC_QUOTE_VARIABLES : 0) |
                (input->view->is_offline ? 0 : EXEC_QUOTE_SPECIFIERS);
        _cleanup_free_ char *plain = NULL, *word = NULL;
        char *text;

        if (!value)
                return strdup("");
        if (asprintf(&plain, "%s%s", option, value) < 0)
                return (plain = NULL);
        word = exec_word_quote(plain, quote);
        if (!word || asprintf(&text, "%s%s", *option ? " " : "", word) < 0)
                return NULL;
        return text;
}

bool rule_post_missing(const RuleInput *input, FindingWriter *writer) {
        const ViewValue *post = &input->view->values[VIEW_EXEC_STOP_POST];
        _cleanup_free_ char *program = NULL, *name = NULL, *state_dir = NULL;

        if (!rule_is_supervised(input) || !post->is_known)
                return false;
        for (size_t i = 0; i < post->n_commands; i++)
                if (life_runs_post(&post->commands[i]))
                        return false;

        finding_say(writer, SEVERITY_HINT, VIEW_EXEC_STOP_POST,
                "when the supervisor itself is killed, nobody records it before the next start, and "
                "what systemd knows of the end is lost by then");
        program = life_option(input, "", life_program(input));
        name = life_option(input, "--name=", input->run ? input->run->name : NULL);
        state_dir = life_option(input, "--state-dir=", input->run ? input->run->state_dir : NULL);
        if (!program || !name || !state_dir) {
                writer->is_out_of_memory = true;
                return true;
        }
        return finding_mend(writer, VIEW_EXEC_STOP_POST,
                "Writes the last record of a run whose supervisor was killed.", "-%s post%s%s",
                program, name, state_dir);
}
