/* SPDX-License-Identifier: MIT */

/* The drop-in that puts gatewatch in front of a service. It is made in two steps: the lines that any
 * service needs for that, with what this one has in mind; then the rules are asked what they would find in
 * the unit with these lines in it, and what mends it is added, until nothing is found any more. So what is
 * printed and what `gatewatch check` says cannot disagree.
 *
 * It changes what stopping depends on, and leaves alone what the unit has well: a longer timeout, wider
 * limits, its own state directory. What it takes away (ExecStop=, PIDFile=, a signal) it names. */

#include <string.h>

#include "check/lint.h"
#include "check/remedy.h"
#include "check/unit-exec.h"
#include "check/unit-text-internal.h"
#include "signals.h"
#include "units/unit-view-copy.h"

#define SERVICE_SECTION "Service"

/* Where the drop-in goes when another one, read after REMEDY_FILE, sets the same. */
#define LATE_FILE "zz-gatewatch.conf"

/* A mend may bring up another finding; no chain of rules is longer. */
#define MEND_ROUNDS_MAX 4

typedef struct DropIn {
        const UnitTextRequest *request;
        const UnitView *view;
        UnitExec exec;
        UnitLines lines;
} DropIn;

static const char *file_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Is the value one of a drop-in that this one will replace? */
static bool value_is_ours(const ViewValue *value) {
        return value->origin == VIEW_ORIGIN_DROP_IN && value->source &&
                (strcmp(file_name(value->source), REMEDY_FILE) == 0 ||
                        strcmp(file_name(value->source), LATE_FILE) == 0);
}

/* Does the unit itself say so? */
static bool view_keeps(const UnitView *view, ViewKey key) {
        return view->values[key].is_known && unit_view_is_set(view, key) &&
                !value_is_ours(&view->values[key]);
}

/* ---- What cannot be done ------------------------------------------------------------------------ */

static int drop_in_check(const DropIn *drop_in, char **ret_why) {
        const UnitView *view = drop_in->view;

        if (unit_view_is(view, VIEW_TYPE, "oneshot"))
                return unit_text_refuse(ret_why,
                        "%s is Type=oneshot: its commands run to their end, and none of them is a "
                        "gateway that could drain",
                        view->name);
        if (view->values[VIEW_EXEC_START].n_commands > 1 && !drop_in->request->run->argv)
                return unit_text_refuse(ret_why,
                        "%s has several ExecStart= commands: give the one that is the gateway behind "
                        "\"--\"",
                        view->name);
        if (unit_view_is(view, VIEW_TYPE, "forking") && !drop_in->request->run->argv)
                return unit_text_refuse(ret_why,
                        "%s is Type=forking: its command goes into the background, and a supervisor "
                        "needs one that stays; give that: gatewatch unit --drop-in %s -- COMMAND "
                        "--foreground",
                        view->name, view->name);
        return 0;
}

/* ---- The lines ---------------------------------------------------------------------------------- */

/* The signal that the gateway is stopped by at present. Returns: 0: the one that it gets anyway. */
static int drop_in_stop_signal(const DropIn *drop_in) {
        const ViewValue *value = &drop_in->view->values[VIEW_KILL_SIGNAL];
        const int signo = value->is_known ? (int) value->number : SIGTERM;

        if (signo <= 0 || signo == SIGTERM || signo == SIGKILL || signo == SIGSTOP)
                return 0;
        return signo;
}

/* The default schedule, with another signal first. Returns: malloc()ed option; NULL: out of memory. */
static char *schedule_option(int signo) {
        const char *rest = strchr(SCHEDULE_DEFAULT, '@');
        char name[SIGNAL_NAME_MAX], *option;

        return asprintf(&option, "--stop-schedule=drain:%s%s",
                       signal_to_name(name, signo) + strlen("SIG"), rest) < 0
                ? NULL
                : option;
}

static void append_schedule(ByteBuffer *buffer, const DropIn *drop_in, unsigned quote) {
        const int signo = drop_in_stop_signal(drop_in);
        _cleanup_free_ char *option = NULL;

        if (signo == 0 || drop_in->request->run->schedule_text)
                return;
        option = schedule_option(signo);
        if (option)
                unit_text_append_word(buffer, option, quote);
        else
                buffer->is_failed = true;
}

/* The type that the unit has with the drop-in. */
static bool drop_in_keeps_type(const DropIn *drop_in) {
        const char *type = unit_view_text(drop_in->view, VIEW_TYPE);

        return strcmp(type, "dbus") == 0 || strncmp(type, "notify", strlen("notify")) == 0;
}

static bool drop_in_is_notify(const DropIn *drop_in) {
        return strncmp(unit_view_text(drop_in->view, VIEW_TYPE), "notify", strlen("notify")) == 0;
}

static void add_exec_start(DropIn *drop_in) {
        const UnitExec *exec = &drop_in->exec;
        const unsigned quote = exec->flags & EXEC_NO_EXPAND
                ? EXEC_QUOTE_SPECIFIERS
                : EXEC_QUOTE_SPECIFIERS | EXEC_QUOTE_VARIABLES;
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        _cleanup_free_ char *line = NULL, *reason = NULL;
        char prefix[EXEC_PREFIX_MAX];

        unit_text_append_run(&buffer, drop_in->request, !drop_in_is_notify(drop_in), quote);
        append_schedule(&buffer, drop_in, quote);
        if (exec->argv0) {
                byte_buffer_append_text(&buffer, " --argv0 ");
                byte_buffer_append_text(&buffer, exec->argv0);
        }
        byte_buffer_append_text(&buffer, " --");
        byte_buffer_append_text(&buffer, exec->words);
        line = byte_buffer_steal(&buffer);
        if (!line ||
                asprintf(&reason,
                        "The first line takes the service's own command away, the second gives it "
                        "back under gatewatch: %s.",
                        exec->from) < 0) {
                reason = NULL;
                drop_in->lines.is_failed = true;
                return;
        }
        unit_lines_add(&drop_in->lines, SERVICE_SECTION, "ExecStart", reason, "%s", "");
        unit_lines_add(&drop_in->lines, SERVICE_SECTION, "ExecStart", NULL, "%s%s",
                exec_flags_to_prefix(exec->flags, prefix), line);
}

/* Does the unit have a recorder that is not of the drop-in that this one replaces? */
static bool view_has_post(const UnitView *view) {
        const ViewValue *value = &view->values[VIEW_EXEC_STOP_POST];

        for (size_t i = 0; !value_is_ours(value) && i < value->n_commands; i++) {
                char **argv = value->commands[i].argv;

                if (strv_length(argv) > 1 &&
                        strcmp(file_name(value->commands[i].path), "gatewatch") == 0 &&
                        strcmp(argv[1], "post") == 0)
                        return true;
        }
        return false;
}

static void add_start(DropIn *drop_in) {
        UnitLines *lines = &drop_in->lines;
        const UnitView *view = drop_in->view;

        add_exec_start(drop_in);
        if (!view_has_post(view))
                unit_text_add_post(lines, drop_in->request, drop_in->exec.flags);
        if (!drop_in_keeps_type(drop_in))
                unit_lines_add(lines, SERVICE_SECTION, "Type",
                        "gatewatch says READY=1. --ready=exec: once the gateway has been executed; for "
                        "one that says READY=1 itself (sd_notify(3)) write --ready=notify.",
                        "notify");
        if (unit_view_is(view, VIEW_NOTIFY_ACCESS, "none") || !view_keeps(view, VIEW_NOTIFY_ACCESS))
                unit_lines_add(lines, SERVICE_SECTION, "NotifyAccess",
                        "Only the supervisor speaks to systemd; it passes on what the gateway says.",
                        "main");
        if (*unit_view_text(view, VIEW_PID_FILE))
                unit_lines_add(lines, SERVICE_SECTION, "PIDFile",
                        "The file names the gateway; the unit's main process is the supervisor.",
                        "%s", "");
}

/* The commands of a value as one line for a comment. Returns: malloc()ed; NULL: out of memory. */
static char *commands_to_text(const ViewValue *value) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};

        for (size_t i = 0; i < value->n_commands; i++) {
                byte_buffer_append_text(&buffer, i > 0 ? " ;" : "");
                for (size_t k = 0; value->commands[i].argv && value->commands[i].argv[k]; k++)
                        unit_text_append_word(&buffer, value->commands[i].argv[k], 0);
        }
        return byte_buffer_steal(&buffer);
}

static void add_exec_stop(DropIn *drop_in) {
        const ViewValue *value = &drop_in->view->values[VIEW_EXEC_STOP];
        _cleanup_free_ char *commands = NULL, *reason = NULL;

        if (value->n_commands == 0)
                return;
        commands = commands_to_text(value);
        if (!commands ||
                asprintf(&reason,
                        "The stop is the supervisor's. Taken away:%s . If that stops the gateway by "
                        "another signal than SIGTERM, say so by --stop-schedule=.",
                        commands) < 0) {
                reason = NULL;
                drop_in->lines.is_failed = true;
                return;
        }
        unit_lines_add(&drop_in->lines, SERVICE_SECTION, "ExecStop", reason, "%s", "");
}

static void add_signals(DropIn *drop_in) {
        UnitLines *lines = &drop_in->lines;
        const UnitView *view = drop_in->view;
        const ViewValue *stop = &view->values[VIEW_KILL_SIGNAL],
                        *restart = &view->values[VIEW_RESTART_KILL_SIGNAL];
        const bool is_other = stop->is_known && stop->number != SIGTERM;

        unit_lines_add(lines, SERVICE_SECTION, "KillMode",
                "The stop signal goes to the supervisor alone, which passes it on once. Under "
                "control-group the gateway would get it from systemd as well.",
                "mixed");
        if (is_other)
                unit_lines_add(lines, SERVICE_SECTION, "KillSignal",
                        "The supervisor is told by SIGTERM; the gateway gets the signal of the first "
                        "phase of --stop-schedule=.",
                        "SIGTERM");
        if (is_other || (restart->is_known && restart->number != SIGTERM))
                unit_lines_add(lines, SERVICE_SECTION, "RestartKillSignal",
                        "Likewise for a restart.", "SIGTERM");
}

/* A time of at least D + H, unless the unit gives as much itself. */
static void add_timeout(DropIn *drop_in, ViewKey key, const char *reason) {
        const UnitView *view = drop_in->view;
        const usec_t required = unit_text_required_usec(drop_in->request);
        char span[USEC_SPAN_MAX];

        if (view_keeps(view, key) && unit_view_usec(view, key) >= required)
                return;
        unit_lines_add(&drop_in->lines, SERVICE_SECTION, view_key_info(key)->setting, reason, "%s",
                usec_format_span(span, required, 1));
}

static void add_timeouts(DropIn *drop_in) {
        const RunConfig *run = drop_in->request->run;
        char drain[USEC_SPAN_MAX], headroom[USEC_SPAN_MAX];
        _cleanup_free_ char *reason = NULL;

        if (asprintf(&reason, "The drain of %s and the headroom of %s: change them together.",
                    usec_format_span(drain, run->drain_usec, 1),
                    usec_format_span(headroom, run->headroom_usec, 1)) < 0) {
                reason = NULL;
                drop_in->lines.is_failed = true;
                return;
        }
        add_timeout(drop_in, VIEW_TIMEOUT_STOP_USEC, reason);
        if (unit_view_is_set(drop_in->view, VIEW_TIMEOUT_ABORT_USEC))
                add_timeout(drop_in, VIEW_TIMEOUT_ABORT_USEC,
                        "The same for a stop by systemd's watchdog.");
}

static void add_needs(DropIn *drop_in) {
        UnitLines *lines = &drop_in->lines;
        const UnitView *view = drop_in->view;
        const ViewValue *prevent = &view->values[VIEW_RESTART_PREVENT_EXIT_STATUS],
                        *state = &view->values[VIEW_STATE_DIRECTORY];

        if (!exit_status_set_has_code(&prevent->set, 64) ||
                !exit_status_set_has_code(&prevent->set, 78) || value_is_ours(prevent))
                unit_lines_add(lines, SERVICE_SECTION, "RestartPreventExitStatus",
                        "78 is a configuration that starting again does not mend, 64 an option of "
                        "gatewatch that is wrong. Adds to what the service has.",
                        "64 78");
        if (!unit_view_bool(view, VIEW_DELEGATE) || !view_keeps(view, VIEW_DELEGATE))
                unit_lines_add(lines, SERVICE_SECTION, "Delegate",
                        "A group of their own for the gateway's processes, so that all of them are "
                        "found.",
                        "yes");
        if (unit_view_number(view, VIEW_LIMIT_RTPRIO) == 0 || !view_keeps(view, VIEW_LIMIT_RTPRIO))
                unit_lines_add(lines, SERVICE_SECTION, "LimitRTPRIO",
                        "One step of real-time priority: the sender of a stop signal is named before "
                        "it has exited.",
                        "1");
        if (strv_length(state->strings) == 0 || value_is_ours(state))
                unit_lines_add(lines, SERVICE_SECTION, "StateDirectory",
                        "Where markers, the flight record and the diagnostic are kept.",
                        "gatewatch/%%N");
}

/* What a drop-in of before has said, in whose place this one goes. Lists are left out: the lines above
 * have what gatewatch adds to them; and what is not known, which would come out as its opposite. */
static void add_kept(DropIn *drop_in) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                const ViewKeyInfo *info = view_key_info(key);
                _cleanup_free_ char *text = NULL;

                if (!value_is_ours(&drop_in->view->values[key]) ||
                        !drop_in->view->values[key].is_known ||
                        unit_lines_has(&drop_in->lines, info->section, info->setting) ||
                        info->kind == VIEW_KIND_STRINGS || info->kind == VIEW_KIND_COMMANDS ||
                        info->kind == VIEW_KIND_STATUS_SET)
                        continue;
                text = unit_view_format(drop_in->view, key);
                if (text)
                        unit_lines_add(&drop_in->lines, info->section, info->setting,
                                "Kept from the drop-in in whose place this one goes.", "%s", text);
                else
                        drop_in->lines.is_failed = true;
        }
}

/* ---- What the rules say to that ----------------------------------------------------------------- */

static void add_mend(UnitLines *lines, const Mend *mend) {
        const ViewKeyInfo *info =
                view_key_info(view_key_from_setting(mend->section, mend->setting));
        const bool is_list = info->kind == VIEW_KIND_STRINGS || info->kind == VIEW_KIND_COMMANDS ||
                info->kind == VIEW_KIND_STATUS_SET;

        if (is_list)
                unit_lines_add(
                        lines, mend->section, mend->setting, mend->reason, "%s", mend->value);
        else
                unit_lines_set(lines, mend->section, mend->setting, mend->reason, mend->value);
}

/* Returns: how many lines were added or changed; -ENOMEM. */
static int drop_in_mend_once(DropIn *drop_in) {
        _cleanup_(unit_view_done) UnitView view = {};
        _cleanup_(lint_done) Lint lint = {};
        int n = 0, r;

        r = unit_view_copy(drop_in->view, &view);
        if (r < 0)
                return r;
        /* Of files that could not be read nothing says that they set it; it must not be derived anew. */
        if (view.values[VIEW_TYPE].origin == VIEW_ORIGIN_UNKNOWN)
                view.values[VIEW_TYPE].origin = VIEW_ORIGIN_FRAGMENT;
        r = unit_lines_apply(&drop_in->lines, &view, REMEDY_FILE);
        if (r < 0)
                return r;
        r = lint_unit(&view, &(LintOptions){}, &lint);
        if (r < 0)
                return r;
        for (size_t i = 0; i < lint.n_findings; i++)
                for (size_t k = 0; k < lint.findings[i].n_mends; k++, n++)
                        add_mend(&drop_in->lines, &lint.findings[i].mends[k]);
        return n;
}

static int drop_in_mend(DropIn *drop_in) {
        int r = 1;

        for (size_t i = 0; r > 0 && i < MEND_ROUNDS_MAX && !drop_in->lines.is_failed; i++)
                r = drop_in_mend_once(drop_in);
        return r < 0 ? r : 0;
}

/* ---- The whole ---------------------------------------------------------------------------------- */

/* Another drop-in that is read after REMEDY_FILE and sets what this one sets. NULL: there is none. */
static const char *drop_in_find_later(const DropIn *drop_in) {
        for (size_t i = 0; i < drop_in->lines.n_lines; i++) {
                const UnitLine *line = &drop_in->lines.lines[i];
                ViewKey key = view_key_from_setting(line->section, line->setting);
                const ViewValue *value = key < 0 ? NULL : &drop_in->view->values[key];

                if (value && value->origin == VIEW_ORIGIN_DROP_IN && value->source &&
                        !value_is_ours(value) && strcmp(file_name(value->source), REMEDY_FILE) > 0)
                        return value->source;
        }
        return NULL;
}

/* Returns: malloc()ed; NULL: out of memory. */
static char *drop_in_heading(const DropIn *drop_in) {
        const UnitView *view = drop_in->view;
        const bool is_user = view->manager == UNIT_MANAGER_USER;
        const char *systemctl = is_user ? "systemctl --user" : "systemctl";
        const char *later = drop_in_find_later(drop_in);
        char *text;

        if (asprintf(&text,
                    REMEDY_MARK
                    " puts `gatewatch run` in front of the service's command. Save it as\n"
                    "# %s/%s.d/%s%s%s, then:\n"
                    "#\n"
                    "#     %s daemon-reload\n"
                    "#     %s restart %s\n",
                    is_user ? "~/.config/systemd/user" : "/etc/systemd/system", view->name,
                    later ? LATE_FILE : REMEDY_FILE, later ? "\n# behind " : "", later ?: "",
                    systemctl, systemctl, view->name) < 0)
                return NULL;
        return text;
}

int unit_text_write_drop_in(const UnitTextRequest *request, const UnitView *view,
        const char *exec_start, char **ret_text, char **ret_why) {
        DropIn drop_in = { .request = request, .view = view };
        _cleanup_free_ char *heading = NULL;
        int r;

        assert(request->program && request->run);
        assert(ret_text && ret_why);

        *ret_why = NULL;
        r = drop_in_check(&drop_in, ret_why);
        if (r >= 0)
                r = unit_exec_read(request, view, exec_start, &drop_in.exec, ret_why);
        if (r < 0)
                return r;

        add_start(&drop_in);
        add_exec_stop(&drop_in);
        add_signals(&drop_in);
        add_timeouts(&drop_in);
        add_needs(&drop_in);
        add_kept(&drop_in);
        r = drop_in_mend(&drop_in);
        heading = r >= 0 ? drop_in_heading(&drop_in) : NULL;
        if (r >= 0 && !heading)
                drop_in.lines.is_failed = true;
        unit_exec_done(&drop_in.exec);
        if (r < 0) {
                unit_lines_done(&drop_in.lines);
                return r;
        }
        return unit_text_finish(&drop_in.lines, heading ?: "", ret_text);
}
