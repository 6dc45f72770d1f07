/* SPDX-License-Identifier: MIT */

/* A manager tells a command with its specifiers expanded; the files tell it as it was written. What is
 * written is what a drop-in should repeat, so the files are asked for the line, and the manager's command
 * is what it is held against: files that were changed since the last daemon-reload are not what runs. */

#include "check/unit-present.h"

#include <string.h>

#include "check/unit-text-internal.h"
#include "unit-file.h"
#include "units/unit-reader.h"
#include "units/unit-view-files.h"
#include "units/unit-view-specifier.h"

void unit_present_done(UnitPresent *present) {
        unit_view_done(&present->view);
        free(present->exec_start);
        free(present->remark);
        *present = (UnitPresent){};
}

/* ---- The line ------------------------------------------------------------------------------------ */

typedef struct LineSearch {
        char *line;
        bool is_out_of_memory;
} LineSearch;

static int search_take(const UnitAssignment *assignment, void *userdata) {
        LineSearch *search = userdata;

        if (strcmp(assignment->section, "Service") != 0 ||
                strcmp(assignment->key, "ExecStart") != 0)
                return 0;
        free(search->line);
        search->line = NULL;
        if (!*assignment->value)
                return 0;
        search->line = strdup(assignment->value);
        return search->line ? 0 : -ENOMEM;
}

/* Returns: 0; -ENOMEM; negative errno of reading it. */
static int search_file(LineSearch *search, const char *path) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = unit_file_read(path, &text);
        if (r < 0)
                return r;
        r = unit_file_walk(text, search_take, search);
        return r == -EBADMSG ? 0 : r; /* up to there it counts */
}

/* Returns: 1: word is what the manager made loaded of; 0: not; -ENOMEM. What only the manager can expand
 * is taken for it. */
static int word_is_loaded(const UnitView *view, const char *word, const char *loaded) {
        _cleanup_free_ char *expanded = unit_view_expand(view, word);

        if (!expanded)
                return -ENOMEM;
        return strcmp(expanded, loaded) == 0 || strchr(expanded, '%');
}

static int words_are_loaded(const UnitView *view, const ExecLine *line) {
        const ViewCommand *command = view->values[VIEW_EXEC_START].commands;
        const size_t first = line->flags & EXEC_ARGV0 ? 1 : 0;
        int r;

        if (line->n_words - first != strv_length(command->argv))
                return 0;
        r = word_is_loaded(view, line->words[0].text, command->path);
        for (size_t i = first; r > 0 && i < line->n_words; i++)
                r = word_is_loaded(view, line->words[i].text, command->argv[i - first]);
        return r;
}

/* Returns: 1: the line is what the view has as its only command; 0: not; -ENOMEM. */
static int line_is_loaded(const UnitView *view, const char *text) {
        _cleanup_(exec_line_done) ExecLine line = {};
        int r;

        if (view->values[VIEW_EXEC_START].n_commands != 1)
                return 0;
        r = exec_line_parse(text, &line);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return line.has_more ? 0 : words_are_loaded(view, &line);
}

int unit_present_find_line(UnitPresent *present) {
        const UnitView *view = &present->view;
        _cleanup_(freep) char *line = NULL;
        LineSearch search = {};
        int r = 0;

        if (!view->has_files || !view->fragment)
                return 0;
        r = search_file(&search, view->fragment);
        for (size_t i = 0; r >= 0 && view->drop_ins && view->drop_ins[i]; i++)
                r = search_file(&search, view->drop_ins[i]);
        line = search.line;
        if (r == -ENOMEM)
                return r;
        if (r >= 0 && line) {
                r = line_is_loaded(view, line);
                if (r < 0)
                        return r;
                if (r > 0) {
                        present->exec_start = TAKE_PTR(line);
                        return 0;
                }
        }
        if (view->values[VIEW_EXEC_START].n_commands != 1)
                return 0;
        present->remark =
                strdup(r < 0 ? "its files cannot be read here: its command is taken as systemd "
                               "has it loaded, with specifiers expanded"
                             : "its files say another ExecStart= than systemd has loaded, whose "
                               "command is taken: if the files are right, run 'systemctl "
                               "daemon-reload' first");
        return present->remark ? 0 : -ENOMEM;
}

/* ---- The unit ------------------------------------------------------------------------------------ */

/* unit_text_refuse(), with another error. */
#define present_refuse(error, ret_why, ...)                      \
        ({                                                       \
                int _r = unit_text_refuse(ret_why, __VA_ARGS__); \
                _r == -EINVAL ? (error) : _r;                    \
        })

static int read_file(const char *path, UnitManager manager, UnitView *ret_view, char **ret_why) {
        _cleanup_free_ char *unasked =
                NULL; /* why systemd's parser could not be: our reading will do */
        int r;

        r = unit_view_from_file(path, manager, ret_view, &unasked);
        if (r == -ENOMEM || r >= 0)
                return r;
        if (r == -EINVAL)
                return present_refuse(r, ret_why,
                        "%s is not named like a service: it has to end in .service", path);
        return present_refuse(
                r == -ENOENT ? r : -EIO, ret_why, "%s cannot be read: %s", path, strerror(-r));
}

static int refuse_call(int error, const char *unit, UnitManager manager, char **ret_why) {
        if (error == -ENOMEM)
                return error;
        return present_refuse(-EIO, ret_why,
                "the %s manager cannot be asked for %s: %s: give the path of the unit's file, or %s",
                unit_manager_to_string(manager), unit,
                unit_reader_explain(&(UnitReaderTarget){ .manager = manager }, error),
                manager == UNIT_MANAGER_USER ? "--system" : "--user");
}

static int take_view(UnitView *views, size_t n, const char *unit, UnitManager manager,
        UnitView *ret_view, char **ret_why) {
        if (n != 1)
                return present_refuse(-EINVAL, ret_why, "%s is %s: name one", unit,
                        n == 0 ? "no loaded service" : "more than one service");
        if (strcmp(views[0].load_state, "not-found") == 0)
                return present_refuse(-ENOENT, ret_why,
                        "%s does not exist for the %s manager: give the path of its file, or %s",
                        views[0].name, unit_manager_to_string(manager),
                        manager == UNIT_MANAGER_USER ? "--system" : "--user");
        if (views[0].unreadable)
                return present_refuse(-EIO, ret_why,
                        "the manager cannot tell the settings of %s (%s): give the path of its file",
                        views[0].name, views[0].unreadable);
        if (strcmp(views[0].load_state, "masked") == 0)
                return present_refuse(-ENOENT, ret_why,
                        "%s is masked, and no drop-in of it counts: run 'systemctl unmask %s' first",
                        views[0].name, views[0].name);
        *ret_view = views[0];
        views[0] = (UnitView){};
        return 0;
}

static int read_loaded(const char *unit, UnitManager manager, UnitView *ret_view, char **ret_why) {
        char *const patterns[] = { (char *) unit, NULL };
        const UnitReaderTarget target = { .manager = manager };
        _cleanup_(unit_reader_freep) UnitReader *reader = NULL;
        _cleanup_strv_ char **names = NULL;
        const char *bad = NULL;
        UnitView *views = NULL;
        size_t n = 0;
        int r;

        r = unit_reader_open(&target, &reader);
        if (r < 0)
                return refuse_call(r, unit, manager, ret_why);
        r = unit_reader_list(reader, patterns, &names, &bad);
        if (r == -EINVAL)
                return present_refuse(r, ret_why,
                        "'%s' names no service: give its name (of a template that of an instance), or "
                        "the path of its file",
                        unit);
        if (r >= 0 && names)
                r = unit_reader_read(reader, names, &views, &n);
        if (r < 0)
                return refuse_call(r, unit, manager, ret_why);
        r = take_view(views, n, unit, manager, ret_view, ret_why);
        unit_views_free(views, n);
        return r;
}

int unit_present_read(
        const char *unit, UnitManager manager, UnitPresent *ret_present, char **ret_why) {
        UnitPresent present = {};
        int r;

        *ret_why = NULL;
        r = strchr(unit, '/') ? read_file(unit, manager, &present.view, ret_why)
                              : read_loaded(unit, manager, &present.view, ret_why);
        if (r >= 0)
                r = unit_present_find_line(&present);
        if (r < 0) {
                unit_present_done(&present);
                return r;
        }
        *ret_present = present;
        return 0;
}
