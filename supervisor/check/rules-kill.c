/* SPDX-License-Identifier: MIT */

/* How systemd ends a unit: whom it signals, with what, and what it does with those who stay.
 *
 * Model: one process is to be asked, the main one, and all others are to be gone in the end. That
 * is KillMode=mixed with SIGTERM first and SIGKILL last. Under a supervisor everything that reaches
 * the gateway past it is a second voice in the drain; without one, a unit whose drain the caller
 * named has to be told of its stop at least, and must leave nothing behind. Other units are told of
 * KillMode=none alone.
 *
 * Commands of ExecStop= are read by their words, scripts in them too; a signal 0 asks and tells
 * nothing. A script in a file is not looked into.
 *
 * A value that is not known trips nothing, nor does a unit that is not loaded.
 *
 * Source: systemd.kill(5); systemd.service(5), ExitType=, ExecStop=, OOMPolicy=;
 * unit_kill_context(), service_enter_signal() and service_notify_cgroup_oom_event() of systemd's
 * src/core. */

#include <signal.h>
#include <string.h>

#include "check/rule.h"
#include "signals.h"

/* It drains, as far as we know. */
static bool kill_is_gateway(const RuleInput *input) {
        return (input->is_supervised || input->has_drain) && rule_is_loaded(input);
}

static int kill_signo(const RuleInput *input, ViewKey key) {
        return (int) unit_view_number(input->view, key);
}

bool rule_kill_mode(const RuleInput *input, FindingWriter *writer) {
        const UnitView *view = input->view;
        bool is_gateway = kill_is_gateway(input);

        if (rule_is_loaded(input) && unit_view_is(view, VIEW_KILL_MODE, "none"))
                finding_say(writer, is_gateway ? SEVERITY_ERROR : SEVERITY_WARNING, VIEW_KILL_MODE,
                        "at a stop systemd signals nobody and kills nobody: the processes of the "
                        "unit live on");
        else if (is_gateway && unit_view_is(view, VIEW_KILL_MODE, "process"))
                finding_say(writer, SEVERITY_ERROR, VIEW_KILL_MODE,
                        "systemd ends the main process alone: what else is left of the gateway "
                        "survives the stop");
        else if (rule_is_supervised(input) && unit_view_is(view, VIEW_KILL_MODE, "control-group"))
                finding_say(writer, SEVERITY_WARNING, VIEW_KILL_MODE,
                        "systemd's stop signal reaches the gateway past gatewatch, and its helpers "
                        "as well, in the middle of the drain");
        else
                return false;

        /* Without a drain to protect systemd's own default does: under mixed what the main process
         * leaves behind is killed the moment that it exits. */
        if (!is_gateway)
                return finding_mend(
                        writer, VIEW_KILL_MODE, "No process outlives the unit.", "control-group");
        return finding_mend(writer, VIEW_KILL_MODE,
                "The main process is asked, and no other outlives it.", "mixed");
}

bool rule_exit_type(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input) || !unit_view_is(input->view, VIEW_EXIT_TYPE, "cgroup"))
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_EXIT_TYPE,
                "to systemd the unit runs while any process of it lives: the end of a killed "
                "supervisor is not noticed");
        return finding_mend(writer, VIEW_EXIT_TYPE, "The unit ends with its supervisor.", "main");
}

static bool kill_is_catchable(int signo) {
        return signo != SIGKILL && signo != SIGSTOP;
}

/* The signals that begin a stop whatever the unit says. */
static bool kill_begins_stop(int signo) {
        return signo == SIGTERM || signo == SIGINT || signo == SIGQUIT;
}

/* verb: what the signal is for. */
static bool kill_tell_signal(
        const RuleInput *input, FindingWriter *writer, ViewKey key, const char *verb) {
        char name[SIGNAL_NAME_MAX];
        int signo = kill_signo(input, key);

        (void) signal_to_name(name, signo);
        if (!kill_is_catchable(signo))
                finding_say(writer, SEVERITY_ERROR, key,
                        "at a %s systemd sends %s, which no process can catch: nothing is drained",
                        verb, name);
        else if (input->is_supervised && !kill_begins_stop(signo))
                finding_say(writer, SEVERITY_WARNING, key,
                        "gatewatch learns over D-Bus alone that %s means a %s: until then it is "
                        "passed on to the gateway like any signal",
                        name, verb);
        else
                return false;
        return finding_mend(writer, key, "SIGTERM begins the drain in any case.", "SIGTERM");
}

bool rule_kill_signal(const RuleInput *input, FindingWriter *writer) {
        return kill_is_gateway(input) && rule_is_known(input, VIEW_KILL_SIGNAL) &&
                kill_tell_signal(input, writer, VIEW_KILL_SIGNAL, "stop");
}

/* Where nothing sets it, it is KillSignal=, which has the rule above. */
bool rule_restart_kill_signal(const RuleInput *input, FindingWriter *writer) {
        return rule_is_supervised(input) && rule_is_known(input, VIEW_RESTART_KILL_SIGNAL) &&
                rule_is_known(input, VIEW_KILL_SIGNAL) &&
                kill_signo(input, VIEW_RESTART_KILL_SIGNAL) !=
                kill_signo(input, VIEW_KILL_SIGNAL) &&
                kill_tell_signal(input, writer, VIEW_RESTART_KILL_SIGNAL, "restart");
}

bool rule_final_kill_signal(const RuleInput *input, FindingWriter *writer) {
        char name[SIGNAL_NAME_MAX];
        int signo = kill_signo(input, VIEW_FINAL_KILL_SIGNAL);

        if (!kill_is_gateway(input) || !rule_is_known(input, VIEW_FINAL_KILL_SIGNAL) ||
                signo == SIGKILL)
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_FINAL_KILL_SIGNAL,
                "what is left when the time is over gets %s in place of SIGKILL, and can live on",
                signal_to_name(name, signo));
        return finding_mend(writer, VIEW_FINAL_KILL_SIGNAL,
                "What hangs after the stop ends by force.", "SIGKILL");
}

bool rule_send_sigkill(const RuleInput *input, FindingWriter *writer) {
        if (!kill_is_gateway(input) || !rule_is_known(input, VIEW_SEND_SIGKILL) ||
                unit_view_bool(input->view, VIEW_SEND_SIGKILL))
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_SEND_SIGKILL,
                "what ignores the stop signal is never killed: it stays behind, and the unit does "
                "not restart while it is there");
        return finding_mend(
                writer, VIEW_SEND_SIGKILL, "What hangs after the stop ends by force.", "yes");
}

bool rule_send_sighup(const RuleInput *input, FindingWriter *writer) {
        if (!rule_is_supervised(input) || !unit_view_bool(input->view, VIEW_SEND_SIGHUP))
                return false;
        finding_say(writer, SEVERITY_HINT, VIEW_SEND_SIGHUP,
                "SIGHUP follows the stop signal at once: a gateway that takes it as a request to "
                "reload does so in its drain");
        return finding_mend(
                writer, VIEW_SEND_SIGHUP, "The stop signal is the only one at a stop.", "no");
}

/* ---- Signals out of ExecStop=
 * ------------------------------------------------------------------ */

static bool kill_has_word(const char *const words[], size_t n_words, const char *word) {
        const char *slash = strrchr(word, '/');

        for (size_t i = 0; i < n_words; i++)
                if (strcmp(words[i], slash ? slash + 1 : word) == 0)
                        return true;
        return false;
}

/* killall(1) takes names, no pids. */
static bool kill_is_signaller(const char *word) {
        static const char *const words[] = { "kill", "pkill", "start-stop-daemon" };

        return kill_has_word(words, ELEMENTSOF(words), word);
}

/* Programs that run the commands in their words. */
static bool kill_is_shell(const char *word) {
        static const char *const words[] = { "sh", "bash", "dash", "ksh", "zsh", "busybox", "env" };

        return kill_has_word(words, ELEMENTSOF(words), word);
}

/* Words after which the process that is named gets no signal: it is asked whether it is there,
 * or its children get it (pkill -P). */
static bool kill_is_spared(const char *option, const char *word) {
        static const char *const words[] = { "-0", "-s0", "-n0", "--signal=0", "-P", "--parent" };
        static const char *const options[] = { "-s", "-n", "--signal" };

        return kill_has_word(words, ELEMENTSOF(words), word) ||
                (strcmp(word, "0") == 0 && kill_has_word(options, ELEMENTSOF(options), option));
}

/* One simple command; its words are taken apart. */
static bool kill_command_signals_main(char *command) {
        const char *last = "";
        bool is_signaller = false;

        if (!strstr(command, "$MAINPID") && !strstr(command, "${MAINPID"))
                return false;
        for (char *word; (word = strsep(&command, " \t\"'"));) {
                if (!*word)
                        continue;
                if (is_signaller && kill_is_spared(last, word))
                        return false;
                is_signaller = is_signaller || kill_is_signaller(word);
                last = word;
        }
        return is_signaller;
}

/* A command line's words in one text. Returns: malloc()ed text; NULL: out of memory. */
static char *kill_join_command(const ViewCommand *command) {
        char *text = strdup(command->path);

        for (size_t i = 1; text && command->argv[0] && command->argv[i]; i++) {
                char *longer;

                if (asprintf(&longer, "%s %s", text, command->argv[i]) < 0)
                        longer = NULL;
                free(text);
                text = longer;
        }
        return text;
}

/* Returns: 1; 0; -ENOMEM. */
static int kill_line_signals_main(const ViewCommand *command) {
        _cleanup_free_ char *text = NULL;

        if (!kill_is_signaller(command->path) && !kill_is_shell(command->path))
                return 0;
        text = kill_join_command(command);
        if (!text)
                return -ENOMEM;
        for (char *rest = text, *part; (part = strsep(&rest, ";&|()\n"));)
                if (kill_command_signals_main(part))
                        return 1;
        return 0;
}

/* Among other commands it has to be taken out by hand. */
bool rule_exec_stop_signals_main(const RuleInput *input, FindingWriter *writer) {
        const ViewValue *stop = &input->view->values[VIEW_EXEC_STOP];
        int r = 0;

        if (!rule_is_supervised(input) || !stop->is_known)
                return false;
        for (size_t i = 0; i < stop->n_commands && r == 0; i++)
                r = kill_line_signals_main(&stop->commands[i]);
        if (r == 0)
                return false;
        if (r < 0) {
                writer->is_out_of_memory = true;
                return true;
        }
        finding_say(writer, SEVERITY_WARNING, VIEW_EXEC_STOP,
                "ExecStop= signals the supervisor by a program of its own: the stop is recorded as "
                "a stranger's signal, and systemd's stop signal follows it");
        return stop->n_commands > 1 ||
                finding_mend(writer, VIEW_EXEC_STOP, "systemd's own stop signal begins the drain.",
                        "%s", "");
}

bool rule_oom_policy(const RuleInput *input, FindingWriter *writer) {
        const char *policy = unit_view_text(input->view, VIEW_OOM_POLICY);

        if (!kill_is_gateway(input) || (strcmp(policy, "stop") != 0 && strcmp(policy, "kill") != 0))
                return false;
        finding_say(writer, SEVERITY_WARNING, VIEW_OOM_POLICY,
                "OOMPolicy=%s: when one process is killed for want of memory in the drain, all "
                "others are killed with it",
                policy);
        return finding_mend(writer, VIEW_OOM_POLICY,
                "The loss of one process does not end the drain.", "continue");
}
