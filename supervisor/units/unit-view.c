/* SPDX-License-Identifier: MIT */

/* The container of a unit's settings, and the meaning of one assignment to each of them: what systemd would
 * make of it. A value is text, number, list, set or commands by the kind that its key has; reading it as
 * another kind is a programming error.
 *
 * Values that systemd would refuse are refused here too (1), so that a typing error does not count; the
 * finer parts (is this path absolute, does this user exist) are left to systemd. */

#include "units/unit-view.h"

#include <string.h>
#include <systemd/sd-bus.h>

#include "units/unit-view-specifier.h"
#include "units/unit-view-word.h"

#define LINE_COMMANDS_MAX 64 /* of one line; who writes more means no service */

#define ENVIRONMENT_NAME_CHARACTERS \
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

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
        [VIEW_STANDARD_OUTPUT] =
                "inherit null tty journal journal+console kmsg kmsg+console socket "
                "fd syslog syslog+console",
        /* Beside a boolean: ways of doing it, which all mean yes. */
        [VIEW_PRIVATE_USERS] = "self identity full managed", /* systemd 257 to 259 */
        [VIEW_PROTECT_CONTROL_GROUPS] = "private strict",    /* systemd 257 */
};

/* Settings where 0 is "no limit". With TimeoutAbortSec= it is no time at all. */
static bool view_zero_is_infinity(ViewKey key) {
        return key == VIEW_TIMEOUT_START_USEC || key == VIEW_TIMEOUT_STOP_USEC ||
                key == VIEW_JOB_TIMEOUT_USEC || key == VIEW_JOB_RUNNING_TIMEOUT_USEC;
}

static bool view_is_capabilities(ViewKey key) {
        return key == VIEW_CAPABILITY_BOUNDING_SET || key == VIEW_AMBIENT_CAPABILITIES;
}

/* ---- Sets of exit statuses ------------------------------------------------------------------- */

bool exit_status_set_has_code(const ExitStatusSet *set, unsigned code) {
        return code < 256 && set->codes[code / 64] >> code % 64 & 1;
}

bool exit_status_set_has_signal(const ExitStatusSet *set, int signo) {
        return signo > 0 && signo < 64 && set->signals >> signo & 1;
}

static bool exit_status_set_add(ExitStatusSet *set, const char *word) {
        int code = unit_word_to_exit_code(word), signo;

        if (code >= 0) {
                set->codes[code / 64] |= UINT64_C(1) << code % 64;
                return true;
        }
        signo = unit_word_to_signal(word);
        if (signo < 0 || signo >= 64)
                return false;
        set->signals |= UINT64_C(1) << signo;
        return true;
}

/* ---- One assignment, by kind ----------------------------------------------------------------- */

static int assign_usec(ViewValue *target, ViewKey key, const char *value) {
        usec_t span;

        if (usec_parse_span(value, &span, NULL) < 0)
                return 1;
        target->number = span == 0 && view_zero_is_infinity(key) ? USEC_INFINITY : span;
        return 0;
}

static bool words_have(const char *words, const char *word) {
        size_t length = strlen(word);

        if (length == 0 || strchr(word, ' '))
                return false;
        for (const char *at = words; (at = strstr(at, word)); at += length)
                if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
                        return true;
        return false;
}

/* Delegate= also takes a list of controllers, be it empty or one of names that systemd does not know. */
static int assign_bool(ViewValue *target, ViewKey key, const char *value) {
        int r = unit_word_to_boolean(value);

        if (r < 0 && key != VIEW_DELEGATE &&
                !(view_words[key] && words_have(view_words[key], value)))
                return 1;
        target->number = r != 0;
        return 0;
}

/* "5", "infinity", "soft:hard". Returns: 0 and the soft one; -EINVAL, -ERANGE. */
static int parse_limit(char *value, uint64_t *ret_limit) {
        uint64_t limits[2] = { UINT64_MAX, UINT64_MAX };
        char *hard = strchr(value, ':');
        int r = 0;

        if (hard)
                *hard++ = '\0';
        if (strcmp(value, "infinity") != 0)
                r = unit_word_to_number(value, UINT64_MAX, &limits[0]);
        if (r >= 0 && hard && strcmp(hard, "infinity") != 0)
                r = unit_word_to_number(hard, UINT64_MAX, &limits[1]);
        if (r >= 0 && limits[0] > limits[1])
                return -ERANGE;
        *ret_limit = limits[0];
        return r;
}

/* A list that adds to what is there, unless that is all or none. With "~" it takes away from what is
 * there: what is left only systemd says. */
static int assign_capabilities(ViewValue *target, ViewKey key, const char *value) {
        uint64_t nothing = key == VIEW_CAPABILITY_BOUNDING_SET ? UINT64_MAX : 0, set = 0;
        _cleanup_strv_ char **words = NULL;

        if (value[0] == '~' && value[1]) {
                target->is_known = false;
                return 0;
        }
        if (exec_words_split(value, &words) == -ENOMEM)
                return -ENOMEM;
        for (size_t i = 0; words && words[i]; i++) {
                int bit = unit_word_to_capability(words[i]);

                if (bit >= 0)
                        set |= UINT64_C(1) << bit;
        }
        if (value[0] == '~')
                set = UINT64_MAX;
        if (set == 0 || value[0] == '~' || (target->is_known && target->number == nothing)) {
                target->number = set;
                target->is_known = true;
        } else
                target->number |= set;
        return 0;
}

static int assign_unsigned(ViewValue *target, ViewKey key, const char *value) {
        _cleanup_free_ char *copy = NULL;
        uint64_t number;
        int r;

        if (view_is_capabilities(key))
                return assign_capabilities(target, key, value);
        if (key == VIEW_LIMIT_RTPRIO) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
                r = parse_limit(copy, &number);
        } else
                r = unit_word_to_number(value, UINT32_MAX, &number);
        if (r < 0)
                return 1;
        target->number = number;
        return 0;
}

static int assign_signal(ViewValue *target, const char *value) {
        int signo = unit_word_to_signal(value);

        if (signo < 0)
                return 1;
        target->number = (uint64_t) signo;
        return 0;
}

/* What systemd makes of the words that it takes. Returns: static text; NULL: it ignores it. */
static const char *string_from_word(ViewKey key, const char *value) {
        static const char *const outputs[] = { "fd:", "file:/", "append:/", "truncate:/" };

        if (words_have(view_words[key], value)) {
                if (strncmp(value, "syslog", strlen("syslog")) != 0)
                        return value;
                return strcmp(value, "syslog") == 0 ? "journal" : "journal+console";
        }
        if (key == VIEW_KILL_MODE && !*value)
                return view_key_info(key)->initial;
        for (size_t i = 0; i < ELEMENTSOF(outputs) && key == VIEW_STANDARD_OUTPUT; i++)
                if (strncmp(value, outputs[i], strlen(outputs[i])) == 0)
                        return value;
        return NULL;
}

/* Returns: 0 and the text; 1: systemd would not take it; -ENOMEM. */
static int expand_string(const UnitView *view, ViewKey key, const char *value, char **ret_text) {
        _cleanup_free_ char *text = unit_view_expand(view, value), *directory = NULL;

        if (!text)
                return -ENOMEM;
        /* What only systemd can expand is left to it. */
        if (key == VIEW_BUS_NAME && *text && !strchr(text, '%') &&
                sd_bus_service_name_is_valid(text) <= 0)
                return 1;
        if (key == VIEW_PID_FILE && *text && *text != '/' && *text != '%') {
                directory = unit_view_expand(view, "%t");
                if (!directory || asprintf(ret_text, "%s/%s", directory, text) < 0)
                        return -ENOMEM;
                return 0;
        }
        *ret_text = TAKE_PTR(text);
        return 0;
}

static int assign_string(UnitView *view, ViewValue *target, ViewKey key, const char *value) {
        char *text;
        int r;

        if (view_words[key]) {
                value = string_from_word(key, value);
                if (!value)
                        return 1;
                text = strdup(value);
                r = text ? 0 : -ENOMEM;
        } else
                r = expand_string(view, key, value, &text);
        if (r != 0)
                return r;
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

static bool path_goes_up(const char *path) {
        for (; *path; path += strcspn(path, "/"), path += strspn(path, "/"))
                if (strcspn(path, "/") == 2 && strncmp(path, "..", 2) == 0)
                        return true;
        return false;
}

/* Cuts off what is no part of the item. Returns: false: systemd would not take it. */
static bool list_item_is_valid(ViewKey key, char *item) {
        const char *path = item + (*item == '-');
        size_t n_name = strspn(item, ENVIRONMENT_NAME_CHARACTERS);

        switch (key) {
        case VIEW_ENVIRONMENT:
                return n_name > 0 && item[n_name] == '=' && !(*item >= '0' && *item <= '9');
        case VIEW_ENVIRONMENT_FILES:
                /* Behind a specifier that only systemd can expand there may be a path. */
                return *path == '%' || (*path == '/' && !path_goes_up(path));
        case VIEW_STATE_DIRECTORY:
                item[strcspn(item, ":")] = '\0'; /* a link to it */
                return *item && *item != '/' && strcmp(item, ".") != 0 && !path_goes_up(item);
        default:
                return true;
        }
}

/* Returns: 0; 1: systemd would not take it; -ENOMEM. */
static int add_list_item(const UnitView *view, ViewValue *target, ViewKey key, const char *word) {
        _cleanup_free_ char *item = unit_view_expand(view, word);

        if (!item)
                return -ENOMEM;
        return list_item_is_valid(key, item) ? strv_extend(&target->strings, item) : 1;
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
                return add_list_item(view, target, key, value);

        /* Up to what cannot be read it counts. */
        r = exec_words_split(value, &words);
        if (r == -ENOMEM)
                return r;
        for (size_t i = 0; words && words[i]; i++)
                if (add_list_item(view, target, key, words[i]) == -ENOMEM)
                        return -ENOMEM;
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

static int extend_expanded(const UnitView *view, char ***list, const char *word) {
        _cleanup_free_ char *expanded = unit_view_expand(view, word);

        return expanded ? strv_extend(list, expanded) : -ENOMEM;
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
        free(view->unreadable);
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

void unit_views_free(UnitView *views, size_t n) {
        for (size_t i = 0; i < n; i++)
                unit_view_done(&views[i]);
        free(views);
}

int unit_view_assign(
        UnitView *view, ViewKey key, const char *value, ViewOrigin origin, const char *source) {
        _cleanup_free_ char *copy = NULL;
        int r;

        assert(key >= 0 && key < _VIEW_KEY_MAX);

        if (!*value && key == VIEW_TIMEOUT_ABORT_USEC)
                return view_value_reset(view, key);
        if (!*value && key == VIEW_BUS_NAME)
                return 1;
        r = view_value_take(view, key, value);
        if (r != 0)
                return r;
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

/* Numbers that nothing sets. */
static void settle_numbers(UnitView *view) {
        static const struct {
                ViewKey key, from;
        } rows[] = {
                { VIEW_TIMEOUT_ABORT_USEC, VIEW_TIMEOUT_STOP_USEC },
                { VIEW_JOB_RUNNING_TIMEOUT_USEC, VIEW_JOB_TIMEOUT_USEC },
                { VIEW_RESTART_KILL_SIGNAL, VIEW_KILL_SIGNAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (!unit_view_is_set(view, rows[i].key))
                        view->values[rows[i].key].number = view->values[rows[i].from].number;
        if (!unit_view_is_set(view, VIEW_TIMEOUT_START_USEC) &&
                unit_view_is(view, VIEW_TYPE, "oneshot")) {
                view->values[VIEW_TIMEOUT_START_USEC].number = USEC_INFINITY;
                view->values[VIEW_TIMEOUT_START_USEC].origin = VIEW_ORIGIN_DEFAULT;
        }
}

int unit_view_settle(UnitView *view) {
        bool is_fed = unit_view_usec(view, VIEW_WATCHDOG_USEC) != 0; /* infinity is no exception */
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
        settle_numbers(view);
        return 0;
}
