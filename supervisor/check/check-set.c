/* SPDX-License-Identifier: MIT */

/* From arguments to linted units. An argument with a "/" is a file and needs no manager; all others are
 * names or globs for one connection. What does not exist is told and left out, so that one misspelt name
 * does not hide what is wrong with the others. */

#include "check/check-set.h"

#include <string.h>
#include <sysexits.h>

#include "text-clean.h"
#include "units/unit-view-files.h"

static bool argument_is_file(const CheckOptions *options, const char *argument) {
        return options->is_offline || strchr(argument, '/');
}

static const char *manager_name(const CheckOptions *options) {
        return options->target.manager == UNIT_MANAGER_USER ? "user" : "system";
}

static int check_set_complain_bus(const CheckOptions *options, int error) {
        const char *where = options->target.host ?: options->target.machine;

        if (error == -ENOMEM)
                return error;
        (void) fprintf(stderr, "gatewatch check: cannot ask the %s manager%s%s: %s; %s\n",
                manager_name(options), where ? " of " : "", where ?: "",
                unit_reader_explain(&options->target, error),
                where ? "try systemctl status with the same --host= or --machine="
                      : "unit files can be checked without one, as ./FILE.service");
        return -ENOMEDIUM;
}

/* ---- Units of a manager ---------------------------------------------------------------------- */

static int check_set_list_names(
        const CheckOptions *options, UnitReader *reader, char **patterns, char ***ret_names) {
        _cleanup_free_ char *clean = NULL;
        const char *bad = NULL;
        int r;

        r = unit_reader_list(reader, patterns, ret_names, &bad);
        if (r == -EINVAL && bad) {
                clean = text_clean(bad, TEXT_TERMINAL);
                (void) fprintf(stderr,
                        "gatewatch check: '%.200s' is no name of a service: give NAME.service, a "
                        "glob, or the path of a file with a '/'\n",
                        clean ?: "");
                return r;
        }
        return r < 0 ? check_set_complain_bus(options, r) : 0;
}

static int check_set_read_units(CheckSet *set, const CheckOptions *options, char **patterns) {
        _cleanup_(unit_reader_freep) UnitReader *reader = NULL;
        _cleanup_strv_ char **names = NULL;
        int r;

        r = unit_reader_open(&options->target, &reader);
        if (r < 0)
                return check_set_complain_bus(options, r);
        r = check_set_list_names(options, reader, patterns, &names);
        if (r < 0)
                return r;
        if (!names)
                return 0;
        r = unit_reader_read(reader, names, &set->views, &set->n_views);
        return r < 0 ? check_set_complain_bus(options, r) : 0;
}

/* ---- Files ------------------------------------------------------------------------------------- */

static int check_set_add_file(CheckSet *set, const CheckOptions *options, const char *path) {
        _cleanup_free_ char *why = NULL, *clean = NULL;
        UnitView *grown, view = {};
        int r;

        r = unit_view_from_file(path, options->target.manager, &view, &why);
        if (r == -ENOMEM)
                return r;
        clean = text_clean(path, TEXT_TERMINAL);
        if (!clean) {
                unit_view_done(&view);
                return -ENOMEM;
        }
        if (r < 0) {
                (void) fprintf(stderr, "gatewatch check: %.400s: %s\n", clean,
                        r == -EINVAL
                                ? "this is no name of a service: give the path of a NAME.service"
                                : strerror(-r));
                set->is_incomplete = true;
                return 0;
        }
        if (why && !options->is_quiet)
                (void) fprintf(stderr,
                        "gatewatch check: %.400s: read without systemd's own parser: %s\n", clean,
                        why);
        grown = reallocarray(set->views, set->n_views + 1, sizeof(UnitView));
        if (!grown) {
                unit_view_done(&view);
                return -ENOMEM;
        }
        set->views = grown;
        set->views[set->n_views++] = view;
        return 0;
}

/* ---- All ---------------------------------------------------------------------------------------- */

static int check_set_read_views(CheckSet *set, const CheckOptions *options) {
        _cleanup_strv_ char **patterns = NULL;
        char *const *arguments = options->arguments;
        int r = 0;

        for (size_t i = 0; r >= 0 && arguments[i]; i++)
                if (!argument_is_file(options, arguments[i]))
                        r = strv_extend(&patterns, arguments[i]);
        if (r >= 0 && (patterns || !arguments[0]))
                r = check_set_read_units(set, options, patterns);
        for (size_t i = 0; r >= 0 && arguments[i]; i++)
                if (argument_is_file(options, arguments[i]))
                        r = check_set_add_file(set, options, arguments[i]);
        return r;
}

/* Tells why a unit is left out. */
static void check_set_complain_unit(const UnitView *view) {
        if (view->unreadable)
                (void) fprintf(stderr,
                        "gatewatch check: the manager cannot tell the settings of %.255s (are there "
                        "bytes in a command that are no UTF-8?): check its file, %.200s\n",
                        view->name, view->fragment ?: "by its path");
        else
                (void) fprintf(stderr, "gatewatch check: unit %.255s does not exist%s\n",
                        view->name,
                        access(view->name, F_OK) == 0
                                ? ": to check the file here, give it with a './'"
                                : ": see systemctl list-unit-files");
}

static bool check_set_wants(
        CheckSet *set, const CheckOptions *options, const UnitView *view, const Lint *lint) {
        if (view->unreadable || strcmp(view->load_state, "not-found") == 0) {
                /* What a glob or the list of loaded units brought in is there, if only as a reference. */
                if (view->unreadable || options->arguments[0]) {
                        check_set_complain_unit(view);
                        set->is_incomplete = true;
                }
                return false;
        }
        /* Of all units only those that run gatewatch; named ones whatever they are. */
        return options->arguments[0] || lint->line.is_supervised;
}

static int check_set_lint(CheckSet *set, const CheckOptions *options) {
        int r;

        set->lints = calloc(set->n_views, sizeof(Lint));
        if (!set->lints && set->n_views > 0)
                return -ENOMEM;
        for (size_t i = 0; i < set->n_views; i++) {
                Lint *lint = &set->lints[set->n_lints];

                r = lint_unit(&set->views[i], &options->lint, lint);
                if (r < 0)
                        return r;
                if (check_set_wants(set, options, &set->views[i], lint))
                        set->n_lints++;
                else
                        lint_done(lint);
        }
        return 0;
}

int check_set_read(const CheckOptions *options, CheckSet *ret_set) {
        int r;

        *ret_set = (CheckSet){};
        r = check_set_read_views(ret_set, options);
        if (r >= 0)
                r = check_set_lint(ret_set, options);
        if (r < 0)
                check_set_done(ret_set);
        return r;
}

void check_set_done(CheckSet *set) {
        for (size_t i = 0; i < set->n_lints; i++)
                lint_done(&set->lints[i]);
        free(set->lints);
        unit_views_free(set->views, set->n_views);
        *set = (CheckSet){};
}

int check_set_status(const CheckSet *set) {
        Severity worst = _SEVERITY_INVALID;

        if (set->is_incomplete)
                return EX_UNAVAILABLE;
        for (size_t i = 0; i < set->n_lints; i++)
                if (lint_worst(&set->lints[i]) > worst)
                        worst = lint_worst(&set->lints[i]);
        if (worst == SEVERITY_ERROR)
                return 2;
        return worst == SEVERITY_WARNING ? 1 : 0;
}
