/* SPDX-License-Identifier: MIT */

/* A unit's `gatewatch run`, read as the run itself would read it. The unit's environment is put together
 * as systemd does, Environment= first and the files of EnvironmentFile= over it; with it the variables in
 * the command line are filled in; what then stands behind "run" goes through the very function that the
 * run uses, so that both cannot disagree about a setting.
 *
 * What only the manager knows when it starts the unit ($HOME, $STATE_DIRECTORY) is not guessed: it is
 * kept as it stands in the line, and where an option depends on it, or a file cannot be read, the
 * settings as a whole are not known, because each source may override each other one.
 *
 * Shells and other wrappers are not looked into, and what a manager passes on of its own environment
 * (PassEnvironment=, DefaultEnvironment=) is not known here. */

#include "units/run-line.h"

#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <string.h>

#include "file.h"
#include "units/environment-file.h"

#define ENVIRONMENT_FILE_MAX_BYTES (1024U * 1024U)

/* Set by the manager for the commands that it starts. Source: systemd.exec(5), "Environment variables in
 * spawned processes". */
static const char *const manager_variables[] = {
        "CACHE_DIRECTORY",
        "CONFIGURATION_DIRECTORY",
        "CREDENTIALS_DIRECTORY",
        "HOME",
        "INVOCATION_ID",
        "LANG",
        "LOGNAME",
        "LOGS_DIRECTORY",
        "MANAGERPID",
        "PATH",
        "RUNTIME_DIRECTORY",
        "SHELL",
        "STATE_DIRECTORY",
        "USER",
        "XDG_RUNTIME_DIR",
};

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

size_t run_line_find(char *const argv[]) {
        size_t n = strv_length(argv), i = 0;

        if (n > 0 && strcmp(base_name(argv[0]), "env") == 0)
                for (i = 1; i < n && argv[i][0] != '-' && strchr(argv[i], '=');)
                        i++;
        return i + 1 < n && strcmp(base_name(argv[i]), "gatewatch") == 0 &&
                        strcmp(argv[i + 1], "run") == 0
                ? i + 1
                : 0;
}

/* Under another name as well ("@/usr/bin/gatewatch gateway run …"). */
static size_t run_line_find_command(const ViewCommand *command, char *const argv[]) {
        size_t index = run_line_find(argv);

        if (index == 0 && command->path && strcmp(base_name(command->path), "gatewatch") == 0 &&
                strv_length(argv) > 1 && strcmp(argv[1], "run") == 0)
                return 1;
        return index;
}

/* Notes why the settings are not known; the first reason stays. Returns: 0; -ENOMEM. */
static int _printf_(2, 3) run_line_note(RunLine *line, const char *format, ...) {
        va_list arguments;
        int r;

        if (line->unknown)
                return 0;
        va_start(arguments, format);
        r = vasprintf(&line->unknown, format, arguments);
        va_end(arguments);
        if (r < 0)
                line->unknown = NULL;
        return r < 0 ? -ENOMEM : 0;
}

/* ---- The environment -------------------------------------------------------------------------- */

/* Returns: 0; -EBADMSG: systemd does not take this file; negative errno of reading it; -ENOMEM. */
static int environment_read_file(char ***environment, const char *path) {
        _cleanup_free_ char *resolved = realpath(path, NULL), *text = NULL;
        size_t size;
        int r;

        if (!resolved)
                return -errno;
        r = file_read_bounded(AT_FDCWD, resolved, ENVIRONMENT_FILE_MAX_BYTES, &text, &size);
        if (r < 0)
                return r;
        return strlen(text) != size ? -EBADMSG : environment_apply_text(environment, text);
}

/* A folder that we may not list does not count as one that is not there. */
static int glob_dispatch_error(const char *path, int error) {
        return error == EACCES || error == EPERM;
}

/* The files that a pattern stands for, in the order in which systemd reads them.
 * Returns: as for one file; -ENOENT: there is none. */
static int environment_read_pattern(char ***environment, const char *pattern) {
        glob_t found = {};
        int r = 0;

        /* Without a pattern open(2) itself says what is wrong. */
        if (!strpbrk(pattern, "*?[\\"))
                return environment_read_file(environment, pattern);
        switch (glob(pattern, 0, glob_dispatch_error, &found)) {
        case 0:
                for (size_t i = 0; i < found.gl_pathc && r >= 0; i++)
                        r = environment_read_file(environment, found.gl_pathv[i]);
                break;
        case GLOB_NOMATCH:
                r = -ENOENT;
                break;
        case GLOB_NOSPACE:
                r = -ENOMEM;
                break;
        default:
                r = -EACCES;
        }
        globfree(&found);
        return r;
}

static const char *environment_read_error(int error) {
        switch (error) {
        case -EBADFD:
                return "no regular file";
        case -EBADMSG:
                return "not UTF-8, systemd does not take it";
        case -EFBIG:
                return "larger than 1 MiB";
        default:
                return strerror(-error);
        }
}

/* path: of the unit, "-" in front where systemd starts the unit without the file too. */
static int run_line_read_file(
        const UnitView *view, const char *path, char ***environment, RunLine *line) {
        bool is_optional = path[0] == '-';
        int r;

        path += is_optional;
        if (!view->has_files)
                return run_line_note(line, "EnvironmentFile=%s: it cannot be read from here", path);
        if (path[0] != '/')
                return run_line_note(line, "EnvironmentFile=%s: it is no absolute path", path);

        r = environment_read_pattern(environment, path);
        if (r >= 0 || r == -ENOMEM)
                return r < 0 ? r : 0;
        /* What we may not read, the manager may. */
        if (is_optional && r != -EACCES && r != -EPERM)
                return 0;
        return run_line_note(line, "EnvironmentFile=%s: %s", path, environment_read_error(r));
}

static int run_line_read_environment(const UnitView *view, char ***environment, RunLine *line) {
        char *const *assignments = view->values[VIEW_ENVIRONMENT].strings,
                    *const *files = view->values[VIEW_ENVIRONMENT_FILES].strings;
        int r;

        if (!unit_view_is(view, VIEW_NOTIFY_ACCESS, "") &&
                !unit_view_is(view, VIEW_NOTIFY_ACCESS, "none")) {
                r = environment_set(environment, "NOTIFY_SOCKET=/run/systemd/notify");
                if (r < 0)
                        return r;
        }
        for (; assignments && *assignments; assignments++)
                if (environment_set(environment, *assignments) == -ENOMEM)
                        return -ENOMEM;
        for (; files && *files; files++) {
                r = run_line_read_file(view, *files, environment, line);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- The words ---------------------------------------------------------------------------------- */

/* An environment that leaves the variables of the manager as they are written. */
static int environment_for_words(char *const environment[], char ***ret_environment) {
        _cleanup_strv_ char **copy = NULL;
        int r;

        r = strv_copy(environment, &copy);
        for (size_t i = 0; i < ELEMENTSOF(manager_variables) && r >= 0; i++) {
                char assignment[64];

                if (environment_get(environment, manager_variables[i]))
                        continue;
                (void) snprintf(assignment, sizeof(assignment), "%s=${%s}", manager_variables[i],
                        manager_variables[i]);
                r = environment_set(&copy, assignment);
        }
        if (r >= 0)
                *ret_environment = TAKE_PTR(copy);
        return r;
}

/* The words of the gateway's command may come from what only the manager knows; then they are kept as
 * they stand, lest the command seem to be missing. */
static bool word_is_kept(char *const argv[], size_t index, char *const environment[]) {
        const char *word = argv[index];

        if (word[0] != '$' || !word[1] || strchr("{$", word[1]) ||
                environment_get(environment, word + 1))
                return false;
        if (!argv[index + 1])
                return true;
        while (index > 0)
                if (strcmp(argv[--index], "--") == 0)
                        return true;
        return false;
}

static int run_line_expand(
        const ViewCommand *command, char *const environment[], char ***ret_argv) {
        _cleanup_strv_ char **variables = NULL, **argv = NULL;
        int r;

        if (command->flags & EXEC_NO_EXPAND)
                return strv_copy(command->argv, ret_argv);
        r = environment_for_words(environment, &variables);
        for (size_t i = 0; command->argv && command->argv[i] && r >= 0; i++)
                r = word_is_kept(command->argv, i, variables)
                        ? strv_extend(&argv, command->argv[i])
                        : environment_expand_word(variables, command->argv[i], &argv);
        if (r >= 0)
                *ret_argv = TAKE_PTR(argv);
        return r;
}

/* Returns: a variable of the manager that a word still holds; NULL: none. */
static const char *word_find_variable(const char *word, char *const environment[]) {
        for (size_t i = 0; i < ELEMENTSOF(manager_variables); i++) {
                const char *name = manager_variables[i];
                char braces[64];

                (void) snprintf(braces, sizeof(braces), "${%s}", name);
                if (strstr(word, braces) && !environment_get(environment, name))
                        return name;
        }
        return NULL;
}

/* ---- The settings --------------------------------------------------------------------------------- */

/* Whether the file of --config= is one that the run will see and we see too. */
static int run_line_check_file(const UnitView *view, const char *path, RunLine *line) {
        _cleanup_free_ char *resolved = NULL;

        if (!view->has_files)
                return run_line_note(line, "--config=%s: it cannot be read from here", path);
        if (path[0] != '/')
                return run_line_note(line,
                        "--config=%s: a relative path, which depends on where the unit runs", path);
        resolved = realpath(path, NULL);
        if ((!resolved || faccessat(AT_FDCWD, resolved, R_OK, AT_EACCESS) < 0) &&
                (errno == EACCES || errno == EPERM))
                return run_line_note(line, "--config=%s: %s", path, strerror(errno));
        return 0;
}

static int run_line_load(int argc, char *argv[], char *const environment[], RunLine *line) {
        ConfigAction action;
        ConfigError error;
        int r;

        r = run_config_load(argc, argv, environment, &line->config, &action, &error);
        if (r == -EINVAL) {
                (void) snprintf(line->error, sizeof(line->error), "%s", error.text);
                return 0;
        }
        if (r < 0)
                return r;
        line->has_config = action == CONFIG_RUN;
        if (!line->has_config) {
                run_config_done(&line->config);
                (void) snprintf(line->error, sizeof(line->error),
                        "'gatewatch run %s' in ExecStart= runs no gateway: take the option out",
                        action == CONFIG_SHOW_HELP ? "--help" : "--version");
        }
        return 0;
}

/* index: of "run" in argv. */
static int run_line_read_settings(
        const UnitView *view, char *argv[], size_t index, char ***environment, RunLine *line) {
        const char *config_file;
        size_t n_before;
        int r;

        /* What env(1) sets. */
        for (size_t i = 1; i + 1 < index; i++)
                if (environment_set(environment, argv[i]) == -ENOMEM)
                        return -ENOMEM;

        config_file = environment_get(*environment, "GATEWATCH_CONFIG");
        n_before = index +
                run_config_find_command(
                        (int) (strv_length(argv) - index), argv + index, &config_file);
        for (size_t i = 0; i < n_before && argv[i]; i++) {
                const char *name = word_find_variable(argv[i], *environment);

                if (!name)
                        continue;
                r = run_line_note(
                        line, "${%s} in ExecStart=: its value shows only when the unit runs", name);
                if (r < 0)
                        return r;
        }
        if (config_file) {
                r = run_line_check_file(view, config_file, line);
                if (r < 0)
                        return r;
        }
        return line->unknown ? 0
                             : run_line_load((int) (strv_length(argv) - index), argv + index,
                                       *environment, line);
}

static int run_line_read_command(
        const UnitView *view, const ViewCommand *command, char ***environment, RunLine *line) {
        _cleanup_strv_ char **argv = NULL;
        size_t index;
        int r;

        r = run_line_expand(command, *environment, &argv);
        if (r < 0)
                return r;
        index = run_line_find_command(command, argv);
        if (index == 0)
                return 0;
        line->is_supervised = true;
        return run_line_read_settings(view, argv, index, environment, line);
}

int run_line_read(const UnitView *view, RunLine *ret_line) {
        const ViewValue *start = &view->values[VIEW_EXEC_START];
        _cleanup_strv_ char **environment = NULL;
        RunLine line = {};
        int r;

        r = run_line_read_environment(view, &environment, &line);
        for (size_t i = 0; i < start->n_commands && r >= 0 && !line.is_supervised; i++)
                if (!(start->commands[i].flags & EXEC_VIA_SHELL))
                        r = run_line_read_command(view, &start->commands[i], &environment, &line);
        if (r < 0) {
                run_line_done(&line);
                return r;
        }
        /* What cannot be known of others' commands is of no concern here. */
        if (!line.is_supervised) {
                free(line.unknown);
                line.unknown = NULL;
        }
        *ret_line = line;
        return 0;
}

void run_line_done(RunLine *line) {
        if (line->has_config)
                run_config_done(&line->config);
        free(line->unknown);
        *line = (RunLine){};
}
