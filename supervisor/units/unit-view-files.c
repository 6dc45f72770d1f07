/* SPDX-License-Identifier: MIT */

/* A unit's files, laid one over the other in the order in which systemd does it: the fragment first, then
 * the drop-ins, each assignment through unit_view_assign().
 *
 * What stops systemd from loading a unit shows in load_state as systemd would name it: "masked" for an
 * empty fragment or a link to /dev/null, "error" for one that cannot be read to its end, "bad-setting" for
 * commands that cannot be run. In a drop-in a malformed header costs what follows it and nothing else. An
 * assignment that systemd would not take is told in view->ignored, until systemd's own parser, where there
 * is one, tells it better (see units/unit-view-dump.h).
 *
 * Where values come from that a manager told is found by one walk over each file, without their meaning:
 * the last file that assigns a setting has it.
 *
 * Which files belong to a unit is not looked for here, but for a unit that is named by its file. */

#include "units/unit-view-files.h"

#include <string.h>
#include <sys/stat.h>

#include "unit-file.h"
#include "unit-path.h"
#include "units/unit-view-dump.h"

#define UNIT_FILES_PARSER_TIMEOUT_USEC (10 * USEC_PER_SEC) /* it takes some 50 ms */
#define UNIT_FILES_IGNORED_MAX         100

/* ---- What the unit is told to be ------------------------------------------------------------- */

/* Sets load_state and, from a format, load_error; the first trouble stays. */
_printf_(3, 4) static int view_refuse(
        UnitView *view, const char *load_state, const char *format, ...) {
        char *state, *error;
        va_list arguments;

        if (strcmp(view->load_state, "loaded") != 0)
                return 0;

        va_start(arguments, format);
        int r = vasprintf(&error, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;
        state = strdup(load_state);
        if (!state) {
                free(error);
                return -ENOMEM;
        }
        free(view->load_state);
        view->load_state = state;
        free(view->load_error);
        view->load_error = error;
        return 0;
}

_printf_(2, 3) static int view_add_ignored(UnitView *view, const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        va_list arguments;

        if (strv_length(view->ignored) >= UNIT_FILES_IGNORED_MAX)
                return 0;

        va_start(arguments, format);
        int r = vasprintf(&line, format, arguments);
        va_end(arguments);
        if (r < 0) {
                line = NULL;
                return -ENOMEM;
        }
        return strv_extend(&view->ignored, line);
}

/* ---- One text -------------------------------------------------------------------------------- */

typedef struct FileWalk {
        UnitView *view;
        ViewOrigin origin;
        const char *path;
} FileWalk;

/* TimeoutSec= is two settings in one; its key is that of the second. */
static bool assignment_is_both_timeouts(const UnitAssignment *assignment, ViewKey key) {
        return key == VIEW_TIMEOUT_STOP_USEC && strcmp(assignment->key, "TimeoutSec") == 0;
}

/* A command behind "-" may be unusable, others may not. */
static bool command_may_fail(const char *value) {
        return memchr(value, '-', strspn(value, "@-:+!|")) != NULL;
}

static int walk_refused(FileWalk *walk, const UnitAssignment *assignment, ViewKey key) {
        if (view_key_info(key)->kind == VIEW_KIND_COMMANDS && !command_may_fail(assignment->value))
                return view_refuse(walk->view, "bad-setting", "%s:%u: %s=%s is no command",
                        walk->path, assignment->line, assignment->key, assignment->value);
        return view_add_ignored(walk->view, "%s:%u: %s=%s is no such value, ignored", walk->path,
                assignment->line, assignment->key, assignment->value);
}

static int walk_apply(const UnitAssignment *assignment, void *userdata) {
        FileWalk *walk = userdata;

        ViewKey key = view_key_from_setting(assignment->section, assignment->key);
        if (key < 0)
                return 0;
        int r = unit_view_assign(walk->view, key, assignment->value, walk->origin, walk->path);
        if (r == 0 && assignment_is_both_timeouts(assignment, key))
                r = unit_view_assign(walk->view, VIEW_TIMEOUT_START_USEC, assignment->value,
                        walk->origin, walk->path);
        return r > 0 ? walk_refused(walk, assignment, key) : r;
}

int unit_view_apply_text(UnitView *view, const char *text, bool is_drop_in, const char *path) {
        assert(view);
        assert(text);
        assert(path);

        FileWalk walk = {
                .view = view,
                .origin = is_drop_in ? VIEW_ORIGIN_DROP_IN : VIEW_ORIGIN_FRAGMENT,
                .path = path,
        };
        return unit_file_walk(text, walk_apply, &walk);
}

/* ---- All files of a unit --------------------------------------------------------------------- */

static usec_t file_changed_usec(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return 0;
        return (usec_t) st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t) st.st_mtim.tv_nsec / 1000;
}

static void view_note_change(UnitView *view, const char *path) {
        usec_t changed_usec = file_changed_usec(path);

        if (changed_usec > view->files_changed_usec)
                view->files_changed_usec = changed_usec;
}

/* Nothing in it, or /dev/null behind it. */
static bool file_is_masked(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return false;
        return S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

#define FILE_BROKEN "a malformed section header, or a line that is not UTF-8"

static int view_read_file(UnitView *view, const char *path, bool is_drop_in) {
        _cleanup_free_ char *text = NULL;

        view_note_change(view, path);
        int r = unit_file_read(path, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                view->has_files = false;
                return view_refuse(view, "error", "%s: %s", path, strerror(-r));
        }

        r = unit_view_apply_text(view, text, is_drop_in, path);
        if (r != -EBADMSG)
                return r;
        if (is_drop_in)
                return view_add_ignored(view, "%s: " FILE_BROKEN ", the rest is ignored", path);
        return view_refuse(view, "error", "%s: " FILE_BROKEN, path);
}

/* What systemd's service_verify() refuses, as far as it follows from what is looked at here. A oneshot
 * without ExecStart= may be fine: that depends on other settings. */
static int view_verify(UnitView *view) {
        size_t n_commands = view->values[VIEW_EXEC_START].n_commands;

        if (unit_view_is(view, VIEW_TYPE, "oneshot")) {
                if (unit_view_is(view, VIEW_RESTART, "always") ||
                        unit_view_is(view, VIEW_RESTART, "on-success"))
                        return view_refuse(view, "bad-setting",
                                "Type=oneshot does not go with Restart=%s",
                                unit_view_text(view, VIEW_RESTART));
                return 0;
        }
        if (n_commands == 0)
                return view_refuse(view, "bad-setting",
                        "the service has no ExecStart=, which only Type=oneshot may do without");
        if (n_commands > 1)
                return view_refuse(view, "bad-setting",
                        "the service has %zu ExecStart= commands, of which only Type=oneshot may "
                        "have several",
                        n_commands);
        if (unit_view_is(view, VIEW_TYPE, "dbus") && unit_view_is(view, VIEW_BUS_NAME, ""))
                return view_refuse(view, "bad-setting", "Type=dbus goes with BusName= only");
        return 0;
}

int unit_view_read_files(UnitView *view) {
        assert(view);
        assert(view->fragment);

        view->has_files = true;
        view->files_changed_usec = 0;
        if (file_is_masked(view->fragment))
                return view_refuse(
                        view, "masked", "%s is empty or a link to /dev/null", view->fragment);

        int r = view_read_file(view, view->fragment, /* is_drop_in= */ false);
        if (r < 0)
                return r;
        for (size_t i = 0; view->drop_ins && view->drop_ins[i]; i++) {
                r = view_read_file(view, view->drop_ins[i], /* is_drop_in= */ true);
                if (r < 0)
                        return r;
        }

        r = unit_view_settle(view);
        if (r < 0)
                return r;
        return view_verify(view);
}

/* ---- Where values come from ------------------------------------------------------------------- */

typedef struct OriginWalk {
        const char *path; /* of the file that is walked over */
        const char *sources[_VIEW_KEY_MAX];
        usec_t watchdog_usec;
} OriginWalk;

static int walk_note_origin(const UnitAssignment *assignment, void *userdata) {
        OriginWalk *walk = userdata;

        ViewKey key = view_key_from_setting(assignment->section, assignment->key);
        if (key < 0)
                return 0;
        if (key == VIEW_WATCHDOG_USEC &&
                usec_parse_span(assignment->value, &walk->watchdog_usec, NULL) < 0)
                return 0;
        walk->sources[key] = walk->path;
        if (assignment_is_both_timeouts(assignment, key))
                walk->sources[VIEW_TIMEOUT_START_USEC] = walk->path;
        return 0;
}

static int origins_of_file(UnitView *view, OriginWalk *walk, const char *path) {
        _cleanup_free_ char *text = NULL;

        view_note_change(view, path);
        int r = unit_file_read(path, &text);
        if (r < 0) {
                /* Masked: there is nothing in it. */
                view->has_files = view->has_files && r == -EBADFD && file_is_masked(path);
                return r == -ENOMEM ? r : 0;
        }
        walk->path = path;
        r = unit_file_walk(text, walk_note_origin, walk);
        return r == -EBADMSG ? 0 : r;
}

static ViewOrigin view_origin_of(const UnitView *view, ViewKey key, const char *source) {
        const ViewKeyInfo *info = view_key_info(key);

        if (!info->setting)
                return VIEW_ORIGIN_COMPUTED;
        if (!view->has_files)
                return VIEW_ORIGIN_UNKNOWN;
        if (source)
                return source == view->fragment ? VIEW_ORIGIN_FRAGMENT : VIEW_ORIGIN_DROP_IN;
        return info->manager_default ? VIEW_ORIGIN_MANAGER : VIEW_ORIGIN_DEFAULT;
}

static int view_set_origin(UnitView *view, ViewKey key, const char *source) {
        ViewValue *value = &view->values[key];

        free(value->source);
        value->source = NULL;
        value->origin = view_origin_of(view, key, source);
        if (value->origin != VIEW_ORIGIN_FRAGMENT && value->origin != VIEW_ORIGIN_DROP_IN)
                return 0;
        value->source = strdup(source);
        return value->source ? 0 : -ENOMEM;
}

/* Of a unit that does not run systemd tells "infinity", whatever its files say. */
static void view_settle_watchdog(UnitView *view, const OriginWalk *walk) {
        ViewValue *value = &view->values[VIEW_WATCHDOG_USEC];

        if (!value->is_known || value->number != USEC_INFINITY)
                return;
        if (walk->sources[VIEW_WATCHDOG_USEC])
                value->number = walk->watchdog_usec;
        else if (!view->has_files)
                value->is_known = view->active_state && strcmp(view->active_state, "active") == 0;
}

int unit_view_find_origins(UnitView *view) {
        assert(view);

        OriginWalk walk = {};
        int r;

        view->files_changed_usec = 0;
        if (view->has_files && view->fragment) {
                r = origins_of_file(view, &walk, view->fragment);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; view->has_files && view->drop_ins && view->drop_ins[i]; i++) {
                r = origins_of_file(view, &walk, view->drop_ins[i]);
                if (r < 0)
                        return r;
        }
        for (ViewKey key = 0; key < _VIEW_KEY_MAX; key++) {
                r = view_set_origin(view, key, walk.sources[key]);
                if (r < 0)
                        return r;
        }
        view_settle_watchdog(view, &walk);
        return 0;
}

/* ---- A unit by its file ------------------------------------------------------------------------ */

static bool name_is_service(const char *name) {
        const char *type = strrchr(name, '.');

        return type && strcmp(type, ".service") == 0 && unit_name_is_valid(name);
}

/* Returns: 0: it can be read, or is masked; negative errno. */
static int file_is_usable(const char *path) {
        _cleanup_free_ char *text = NULL;
        struct stat st;

        int r = unit_file_read(path, &text);
        if (r == -EBADFD && stat(path, &st) >= 0 && S_ISDIR(st.st_mode))
                return -EISDIR;
        return r == -EBADFD && file_is_masked(path) ? 0 : r;
}

/* The folder as the path names it. */
static char *path_folder(const char *path) {
        const char *slash = strrchr(path, '/');

        if (!slash)
                return strdup(".");
        return slash == path ? strdup("/") : strndup(path, (size_t) (slash - path));
}

/* Drop-ins are found by their real paths: those in the folder are named as the file itself is. */
static int view_name_drop_ins(UnitView *view, const char *folder) {
        _cleanup_free_ char *real = realpath(folder, NULL);
        const char *slash = strrchr(view->fragment, '/');
        const int length = slash ? (int) (slash - view->fragment + 1) : 0;

        if (!real)
                return -errno;
        for (size_t i = 0; view->drop_ins && view->drop_ins[i]; i++) {
                const char *inside = view->drop_ins[i] + strlen(real);
                char *name;

                if (strncmp(view->drop_ins[i], real, strlen(real)) != 0 || *inside != '/')
                        continue;
                if (asprintf(&name, "%.*s%s", length, view->fragment, inside + 1) < 0)
                        return -ENOMEM;
                free(view->drop_ins[i]);
                view->drop_ins[i] = name;
        }
        return 0;
}

static int view_load_file(UnitView *view, const char *path, char **ret_why) {
        _cleanup_free_ char *folder = path_folder(path);

        view->is_offline = true;
        view->fragment = strdup(path);
        if (!folder || !view->fragment)
                return -ENOMEM;
        const char *const folders[] = { folder, NULL };
        int r = unit_path_find_drop_ins(folders, view->name, &view->drop_ins);
        if (r < 0)
                return r;
        r = view_name_drop_ins(view, folder);
        if (r < 0)
                return r;
        r = unit_view_read_files(view);
        if (r < 0)
                return r;

        *ret_why = NULL;
        if (strcmp(view->load_state, "masked") == 0)
                return 0;
        r = unit_view_ask_parser(view, UNIT_FILES_PARSER_TIMEOUT_USEC, ret_why);
        return r < 0 ? r : 0;
}

int unit_view_from_file(const char *path, UnitManager manager, UnitView *ret_view, char **ret_why) {
        assert(path);
        assert(ret_view);
        assert(ret_why);

        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        if (!name_is_service(name))
                return -EINVAL;
        int r = file_is_usable(path);
        if (r < 0)
                return r;

        UnitView view;
        r = unit_view_init(&view, name, manager);
        if (r < 0)
                return r;
        r = view_load_file(&view, path, ret_why);
        if (r < 0) {
                unit_view_done(&view);
                return r;
        }
        *ret_view = view;
        return 0;
}
