/* SPDX-License-Identifier: MIT */

/* Rules about the unit as such: whether systemd has it, whether what it has is what the files say, and
 * whether what runs is what it has. Hardly any of this a drop-in can mend; where a command does, it is
 * given as it is to be typed.
 *
 * Source: systemctl(1), unmask, daemon-reload, "MASKED"; systemd.unit(5), "Unit File Load Path";
 * loginctl(1), enable-linger; unit_need_daemon_reload() of systemd's src/core/unit.c. */

#include "check/rule.h"

#include <string.h>

static bool unit_is_user(const RuleInput *input) {
        return input->view->manager == UNIT_MANAGER_USER;
}

static bool unit_is_load_state(const RuleInput *input, const char *state) {
        return strcmp(input->view->load_state, state) == 0;
}

/* Is it a unit that is to drain at all? */
static bool unit_drains(const RuleInput *input) {
        return input->is_supervised || input->has_drain;
}

/* Of all characters of unit names only the backslash means something to a shell. */
static bool unit_systemctl(const RuleInput *input, FindingWriter *writer, const char *verb) {
        const char *name = input->view->name, *quote = strchr(name, '\\') ? "'" : "";

        return finding_command(writer, "systemctl%s %s %s%s%s",
                unit_is_user(input) ? " --user" : "", verb, quote, name, quote);
}

#define UNIT_MORE_MAX 48

/* " (and 2 more)" behind the first of a list. */
static const char *unit_more(char buffer[static UNIT_MORE_MAX], char *const list[]) {
        size_t n = strv_length(list);

        *buffer = '\0';
        if (n > 1)
                (void) snprintf(buffer, UNIT_MORE_MAX, " (and %zu more)", n - 1);
        return buffer;
}

/* A sentence of somebody else's, without what ends it. */
static int unit_sentence_length(const char *text) {
        size_t length = strlen(text);

        while (length > 0 && strchr(". \n", text[length - 1]))
                length--;
        return length < 1024 ? (int) length : 1024;
}

bool rule_not_loaded(const RuleInput *input, FindingWriter *writer) {
        const char *error = input->view->load_error;
        const char *why = error && *error ? error : "it gives no reason";

        if (!unit_is_load_state(input, "error") && !unit_is_load_state(input, "bad-setting"))
                return false;

        return finding_say(writer, SEVERITY_ERROR, _VIEW_KEY_INVALID,
                "systemd refuses to load the unit, so that it cannot be started: %.*s",
                unit_sentence_length(why), why);
}

/* A link to /dev/null that a package ships, say for the name of an init script: nothing is lost, and
 * unmask, which looks below /etc and /run only, does not undo it. */
static bool unit_is_masked_by_package(const UnitView *view) {
        const char *fragment = view->fragment ?: "";

        return strncmp(fragment, "/usr/", strlen("/usr/")) == 0 ||
                strncmp(fragment, "/lib/", strlen("/lib/")) == 0;
}

bool rule_masked(const RuleInput *input, FindingWriter *writer) {
        const char *fragment = input->view->fragment ?: "";

        if (!unit_is_load_state(input, "masked"))
                return false;
        if (unit_is_masked_by_package(input->view))
                return finding_say(writer, SEVERITY_HINT, _VIEW_KEY_INVALID,
                        "the package that ships %s masks this name: there is no unit to start",
                        fragment);

        finding_say(writer, SEVERITY_ERROR, _VIEW_KEY_INVALID,
                "the unit is masked: it cannot be started, by nobody and nothing");
        return unit_systemctl(
                input, writer, strncmp(fragment, "/run/", 5) == 0 ? "unmask --runtime" : "unmask");
}

bool rule_settings_unusable(const RuleInput *input, FindingWriter *writer) {
        if (!input->is_supervised || !input->run_error)
                return false;

        return finding_say(writer, SEVERITY_ERROR, VIEW_EXEC_START,
                "gatewatch run refuses these settings and does not start the gateway: %.*s",
                unit_sentence_length(input->run_error), input->run_error);
}

bool rule_ignored_lines(const RuleInput *input, FindingWriter *writer) {
        char *const *ignored = input->view->ignored;
        char more[UNIT_MORE_MAX];

        if (strv_length(ignored) == 0)
                return false;

        return finding_say(writer, SEVERITY_WARNING, _VIEW_KEY_INVALID,
                "systemd complains about the unit's files, and what it ignores has no effect: %.*s%s",
                unit_sentence_length(ignored[0]), ignored[0], unit_more(more, ignored));
}

bool rule_daemon_reload(const RuleInput *input, FindingWriter *writer) {
        if (!unit_view_bool(input->view, VIEW_NEED_DAEMON_RELOAD))
                return false;

        finding_say(writer, SEVERITY_WARNING, VIEW_NEED_DAEMON_RELOAD,
                "the unit's files have changed since systemd read them: what they say now is not in "
                "force");
        return finding_command(
                writer, "systemctl%s daemon-reload", unit_is_user(input) ? " --user" : "");
}

bool rule_running_older(const RuleInput *input, FindingWriter *writer) {
        usec_t started_usec = unit_view_usec(input->view, VIEW_EXEC_MAIN_STARTED);

        if (!input->is_supervised || started_usec == 0 ||
                input->view->files_changed_usec <= started_usec)
                return false;

        finding_say(writer, SEVERITY_HINT, VIEW_EXEC_MAIN_STARTED,
                "the running process is older than the unit's files: command line, environment, limits "
                "and delegation are those of its start until it is restarted");
        return unit_systemctl(input, writer, "restart");
}

bool rule_shadowed(const RuleInput *input, FindingWriter *writer) {
        char *const *shadowed = input->view->shadowed;
        char more[UNIT_MORE_MAX];

        if (!unit_drains(input) || strv_length(shadowed) == 0)
                return false;

        return finding_say(writer, SEVERITY_HINT, _VIEW_KEY_INVALID,
                "%s hides %s%s: what is changed there, by an update of its package say, has no effect",
                input->view->fragment ?: "the unit's file", shadowed[0], unit_more(more, shadowed));
}

bool rule_linger(const RuleInput *input, FindingWriter *writer) {
        const char *user = input->view->linger_user;

        if (!unit_drains(input) || !unit_is_user(input) || input->view->linger != 0)
                return false;

        finding_say(writer, SEVERITY_WARNING, _VIEW_KEY_INVALID,
                "without lingering the user's manager is stopped soon after the last session ends, and "
                "the gateway with it; nor is it started at boot");
        return finding_command(writer, "loginctl enable-linger%s%s", user ? " " : "", user ?: "");
}
