/* SPDX-License-Identifier: MIT */

/* The container of a unit's settings, and the meaning of one assignment to each of them: what systemd would
 * make of it. A value is text, number, list, set or commands by the kind that its key has; reading it as
 * another kind is a programming error.
 *
 * Values that systemd would refuse are refused here too (1), so that a typing error does not count; the
 * finer parts (is this path absolute, does this user exist) are left to systemd. */

#include "check/unit-view.h"

#include <string.h>
#include <strings.h>

#include "check/unit-view-specifier.h"
#include "signals.h"

#define LINE_COMMANDS_MAX 64 /* of one line; who writes more means no service */

/* The words that an enumerated setting takes, separated by spaces; NULL: any text. */
static const char *const view_words[_VIEW_KEY_MAX] = {
        [VIEW_TYPE] = "simple exec forking oneshot dbus notify notify-reload idle",
        [VIEW_EXIT_TYPE] = "main cgroup",
        [VIEW_RESTART] = "no on-success on-failure on-abnormal on-watchdog on-abort always",
        [VIEW_NOTIFY_ACCESS] = "none main exec all",
        [VIEW_TIMEOUT_STOP_FAILURE_MODE] = "terminate abort kill",
        [VIEW_OOM_POLICY] = "continue stop kill",
        [VIEW_KILL_MODE] = "control-group mixed process none",
        [VIEW_PROTECT_PROC] = "default noaccess invisible ptraceable",
        [VIEW_PROC_SUBSET] = "all pid",
};

/* Settings of which any word that is no boolean means yes: a list of controllers, a way of doing it. */
static bool view_words_mean_yes(ViewKey key) {
        return key == VIEW_DELEGATE || key == VIEW_PRIVATE_USERS || key == VIEW_PRIVATE_PIDS ||
                key == VIEW_PROTECT_CONTROL_GROUPS;
}

/* Settings where 0 is "no limit". */
static bool view_zero_is_infinity(ViewKey key) {
        return key == VIEW_TIMEOUT_START_USEC || key == VIEW_TIMEOUT_STOP_USEC ||
                key == VIEW_TIMEOUT_ABORT_USEC || key == VIEW_JOB_TIMEOUT_USEC ||
                key == VIEW_JOB_RUNNING_TIMEOUT_USEC;
}

/* ---- Sets of exit statuses ------------------------------------------------------------------- */

bool exit_status_set_has_code(const ExitStatusSet *set, unsigned code) {
        return code < 256 && set->codes[code / 64] >> code % 64 & 1;
}

bool exit_status_set_has_signal(const ExitStatusSet *set, int signo) {
        return signo > 0 && signo < 64 && set->signals >> signo & 1;
}

/* Names of systemd.exec(5), "Process Exit Codes", that people write in units. */
static const struct {
        const char *name;
        unsigned code;
} exit_status_names[] = {
        { "SUCCESS", 0 },
        { "FAILURE", 1 },
        { "INVALIDARGUMENT", 2 },
        { "NOTIMPLEMENTED", 3 },
        { "NOPERMISSION", 4 },
        { "NOTINSTALLED", 5 },
        { "NOTCONFIGURED", 6 },
        { "NOTRUNNING", 7 },
        { "USAGE", 64 },
        { "DATAERR", 65 },
        { "NOINPUT", 66 },
        { "NOUSER", 67 },
        { "NOHOST", 68 },
        { "UNAVAILABLE", 69 },
        { "SOFTWARE", 70 },
        { "OSERR", 71 },
        { "OSFILE", 72 },
        { "CANTCREAT", 73 },
        { "IOERR", 74 },
        { "TEMPFAIL", 75 },
        { "PROTOCOL", 76 },
        { "NOPERM", 77 },
        { "CONFIG", 78 },
};

static void exit_status_set_add_code(ExitStatusSet *set, unsigned code) {
        set->codes[code / 64] |= UINT64_C(1) << code % 64;
}

static bool exit_status_set_add(ExitStatusSet *set, const char *word) {
        unsigned code;
        char rest;
        int signo;

        if (sscanf(word, "%3u%c", &code, &rest) == 1 && code < 256) {
                exit_status_set_add_code(set, code);
                return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(exit_status_names); i++)
                if (strcmp(exit_status_names[i].name, word) == 0) {
                        exit_status_set_add_code(set, exit_status_names[i].code);
                        return true;
                }
        signo = signal_from_name(word);
        if (signo <= 0 || signo >= 64 || (word[0] >= '0' && word[0] <= '9'))
                return false;
        set->signals |= UINT64_C(1) << signo;
        return true;
}

/* ---- One assignment, by kind ----------------------------------------------------------------- */

/* Returns: 1, 0; -EINVAL: no boolean. */
static int parse_boolean(const char *value) {
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" },
                                 *const no[] = { "0", "no", "n", "false", "f", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(value, yes[i]) == 0)
                        return 1;
        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(value, no[i]) == 0)
                        return 0;
        return -EINVAL;
}

static int assign_usec(ViewValue *target, ViewKey key, const char *value) {
        usec_t span;

        if (usec_parse_span(value, &span, NULL) < 0)
                return 1;
        target->number = span == 0 && view_zero_is_infinity(key) ? USEC_INFINITY : span;
        return 0;
}

static int assign_bool(ViewValue *target, ViewKey key, const char *value) {
        int r = parse_boolean(value);

        if (r < 0 && !view_words_mean_yes(key))
                return 1;
        target->number = r != 0;
        return 0;
}

/* "5", "infinity", and for limits "soft:hard", of which the soft one counts. */
static int assign_unsigned(ViewValue *target, ViewKey key, const char *value) {
        unsigned long long number;
        char *end;

        if (strncmp(value, "infinity", strlen("infinity")) == 0) {
                target->number = UINT64_MAX;
                return 0;
        }
        if (*value < '0' || *value > '9')
                return 1;
        errno = 0;
        number = strtoull(value, &end, 10);
        if (errno != 0 || (*end && !(key == VIEW_LIMIT_RTPRIO && *end == ':')))
                return 1;
        target->number = number;
        return 0;
}

static int assign_signal(ViewValue *target, const char *value) {
        int signo = signal_from_name(value);

        if (signo <= 0)
                return 1;
        target->number = (uint64_t) signo;
        return 0;
}

static bool words_have(const char *words, const char *word) {
        size_t length = strlen(word);

        for (const char *at = words; (at = strstr(at, word)); at += length)
                if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
                        return length > 0;
        return false;
}

static int assign_string(UnitView *view, ViewValue *target, ViewKey key, const char *value) {
        char *text;

        if (view_words[key] && !words_have(view_words[key], value))
                return 1;
        text = key == VIEW_PID_FILE ? unit_view_expand(view, value) : strdup(value);
        if (!text)
                return -ENOMEM;
        free(target->text);
        target->text = text;
        return 0;
}

static int assign_status_set(ViewValue *target, const char *value) {
        _cleanup_free_ char *copy = strdup(value);
        char *rest = copy, *word;

        if (!copy)
                return -ENOMEM;
        if (!*value) {
                target->set = (ExitStatusSet){};
                return 0;
        }
        while ((word = strsep(&rest, " \t")))
                if (*word)
                        (void) exit_status_set_add(&target->set, word);
        return 0;
}

static int extend_expanded(const UnitView *view, char ***list, const char *word) {
        _cleanup_free_ char *expanded = unit_view_expand(view, word);

        return expanded ? strv_extend(list, expanded) : -ENOMEM;
}

/* Words of a list: quoted ones for Environment=, one path for EnvironmentFile=. */
static int assign_strings(UnitView *view, ViewValue *target, ViewKey key, const char *value) {
        _cleanup_strv_ char **words = NULL;
        int r;

        if (!*value) {
                target->strings = strv_free(target->strings);
                return 0;
        }
        if (key == VIEW_ENVIRONMENT_FILES)
                return extend_expanded(view, &target->strings, value);

        r = exec_words_split(value, &words);
        if (r == -ENOMEM)
                return r;
        for (size_t i = 0; words && words[i]; i++) {
                if (key == VIEW_ENVIRONMENT && !strchr(words[i], '='))
                        continue;
                if (extend_expanded(view, &target->strings, words[i]) < 0)
                        return -ENOMEM;
        }
        /* Up to what cannot be read it counts. */
        return 0;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void view_commands_free(ViewValue *value) {
        for (size_t i = 0; i < value->n_commands; i++) {
                free(value->commands[i].path);
                (void) strv_free(value->commands[i].argv);
        }
        free(value->commands);
        value->commands = NULL;
        value->n_commands = 0;
}

static int view_commands_add(UnitView *view, ViewValue *target, const ExecLine *line) {
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *path = NULL;
        ViewCommand *grown;

        path = unit_view_expand(view, line->words[0].text);
        if (!path)
                return -ENOMEM;
        for (size_t i = line->flags & EXEC_ARGV0 ? 1 : 0; i < line->n_words; i++)
                if (extend_expanded(view, &argv, line->words[i].text) < 0)
                        return -ENOMEM;
        grown = reallocarray(target->commands, target->n_commands + 1, sizeof(ViewCommand));
        if (!grown)
                return -ENOMEM;
        target->commands = grown;
        grown[target->n_commands++] = (ViewCommand){
                .path = TAKE_PTR(path),
                .argv = TAKE_PTR(argv),
                .flags = line->flags,
        };
        return 0;
}

/* Adds the first command of a line. Returns: 0, and what stands behind a ";", NULL: nothing; 1: systemd
 * could not read it; -ENOMEM. */
static int assign_first_command(
        UnitView *view, ViewValue *target, const char *value, char **ret_rest) {
        _cleanup_(exec_line_done) ExecLine line = {};
        _cleanup_free_ char *rest = NULL;
        int r;

        r = exec_line_parse(value, &line);
        if (r < 0)
                return r == -ENOMEM ? r : 1;
        if (line.has_more) {
                rest = strdup(line.rest);
                if (!rest)
                        return -ENOMEM;
        }
        r = view_commands_add(view, target, &line);
        if (r >= 0)
                *ret_rest = TAKE_PTR(rest);
        return r;
}

/* One line may hold several commands, joined by ";". Of those behind the first, what systemd could not read
 * is left out. */
static int assign_commands(UnitView *view, ViewValue *target, const char *value) {
        _cleanup_free_ char *rest = NULL;
        int r;

        if (!*value) {
                view_commands_free(target);
                return 0;
        }
        r = assign_first_command(view, target, value, &rest);
        for (unsigned n = 1; r == 0 && rest && n < LINE_COMMANDS_MAX; n++) {
                _cleanup_free_ char *next = TAKE_PTR(rest);

                r = assign_first_command(view, target, next, &rest);
                if (r > 0)
                        return 0;
        }
        return r;
}

/* ---- The view -------------------------------------------------------------------------------- */

static int view_value_take(UnitView *view, ViewKey key, const char *value) {
        ViewValue *target = &view->values[key];

        switch (view_key_info(key)->kind) {
        case VIEW_KIND_USEC:
                return assign_usec(target, key, value);
        case VIEW_KIND_BOOL:
                return assign_bool(target, key, value);
        case VIEW_KIND_UNSIGNED:
                return assign_unsigned(target, key, value);
        case VIEW_KIND_SIGNAL:
                return assign_signal(target, value);
        case VIEW_KIND_STRING:
                return assign_string(view, target, key, value);
        case VIEW_KIND_STRINGS:
                return assign_strings(view, target, key, value);
        case VIEW_KIND_STATUS_SET:
                return assign_status_set(target, value);
        case VIEW_KIND_COMMANDS:
                return assign_commands(view, target, value);
        case _VIEW_KIND_MAX:
                break;
        }
        assert(false);
        return 1;
}

static ViewOrigin view_origin_unset(ViewKey key) {
        const ViewKeyInfo *info = view_key_info(key);

        if (!info->setting)
                return VIEW_ORIGIN_COMPUTED;
        return info->manager_default ? VIEW_ORIGIN_MANAGER : VIEW_ORIGIN_DEFAULT;
}

/* Back to what holds when nothing sets it. */
static int view_value_reset(UnitView *view, ViewKey key) {
        const ViewKeyInfo *info = view_key_info(key);
        ViewValue *value = &view->values[key];

        value->source = (free(value->source), NULL);
        value->origin = view_origin_unset(key);
        value->is_known = true;
        return info->initial ? view_value_take(view, key, info->initial) : 0;
}

int unit_view_init(UnitView *view, const char *name, UnitManager manager) {
        *view = (UnitView){
                .manager = manager,
                .cap_usec = USEC_INFINITY,
                .linger = -1,
                .name = strdup(name),
                .load_state = strdup("loaded"),
        };
        if (!view->name || !view->load_state)
                goto fail;
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++)
                if (view_value_reset(view, key) < 0)
                        goto fail;
        return 0;

fail:
        unit_view_done(view);
        return -ENOMEM;
}

void unit_view_done(UnitView *view) {
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                ViewValue *value = &view->values[key];

                free(value->text);
                free(value->source);
                (void) strv_free(value->strings);
                view_commands_free(value);
        }
        free(view->name);
        free(view->load_state);
        free(view->load_error);
        free(view->active_state);
        free(view->sub_state);
        free(view->fragment);
        free(view->cap_unit);
        free(view->linger_user);
        (void) strv_free(view->drop_ins);
        (void) strv_free(view->shadowed);
        (void) strv_free(view->ignored);
        *view = (UnitView){};
}

int unit_view_assign(
        UnitView *view, ViewKey key, const char *value, ViewOrigin origin, const char *source) {
        _cleanup_free_ char *copy = NULL;
        int r;

        assert(key >= 0 && key < _VIEW_KEY_MAX);

        if (!*value && key == VIEW_TIMEOUT_ABORT_USEC)
                return view_value_reset(view, key);
        if (key == VIEW_CAPABILITY_BOUNDING_SET) {
                /* A list of names with exclusions: whether one is in it only systemd says. */
                view->values[key].is_known = false;
        } else {
                r = view_value_take(view, key, value);
                if (r != 0)
                        return r;
        }
        if (source) {
                copy = strdup(source);
                if (!copy)
                        return -ENOMEM;
        }
        free(view->values[key].source);
        view->values[key].source = TAKE_PTR(copy);
        view->values[key].origin = origin;
        return 0;
}

/* ---- What follows from other settings --------------------------------------------------------- */

static int view_value_derive(UnitView *view, ViewKey key, const char *value) {
        ViewOrigin origin = view->values[key].origin;
        int r;

        r = view_value_take(view, key, value);
        view->values[key].origin = origin;
        return r < 0 ? r : 0;
}

static int settle_type(UnitView *view) {
        if (unit_view_is_set(view, VIEW_TYPE))
                return 0;
        if (*unit_view_text(view, VIEW_BUS_NAME))
                return view_value_derive(view, VIEW_TYPE, "dbus");
        return view_value_derive(view, VIEW_TYPE,
                view->values[VIEW_EXEC_START].n_commands > 0 ? "simple" : "oneshot");
}

int unit_view_settle(UnitView *view) {
        bool is_fed = unit_view_usec(view, VIEW_WATCHDOG_USEC) != 0 &&
                unit_view_usec(view, VIEW_WATCHDOG_USEC) != USEC_INFINITY;
        int r;

        r = settle_type(view);
        if (r < 0)
                return r;
        /* Where the socket is needed, even an explicit "none" becomes "main". */
        if (unit_view_is(view, VIEW_NOTIFY_ACCESS, "none") &&
                (strncmp(unit_view_text(view, VIEW_TYPE), "notify", strlen("notify")) == 0 ||
                        is_fed)) {
                r = view_value_derive(view, VIEW_NOTIFY_ACCESS, "main");
                if (r < 0)
                        return r;
        }
        if (!unit_view_is_set(view, VIEW_OOM_POLICY) && unit_view_bool(view, VIEW_DELEGATE)) {
                r = view_value_derive(view, VIEW_OOM_POLICY, "continue");
                if (r < 0)
                        return r;
                view->values[VIEW_OOM_POLICY].origin = VIEW_ORIGIN_DEFAULT;
        }
        if (!unit_view_is_set(view, VIEW_TIMEOUT_ABORT_USEC))
                view->values[VIEW_TIMEOUT_ABORT_USEC].number =
                        unit_view_usec(view, VIEW_TIMEOUT_STOP_USEC);
        if (!unit_view_is_set(view, VIEW_JOB_RUNNING_TIMEOUT_USEC))
                view->values[VIEW_JOB_RUNNING_TIMEOUT_USEC].number =
                        unit_view_usec(view, VIEW_JOB_TIMEOUT_USEC);
        if (!unit_view_is_set(view, VIEW_RESTART_KILL_SIGNAL))
                view->values[VIEW_RESTART_KILL_SIGNAL].number =
                        unit_view_number(view, VIEW_KILL_SIGNAL);
        return 0;
}
