/* SPDX-License-Identifier: MIT */

/* The verb: options, units, findings, exit status. The rules are in rules-*.c, what they look at comes from
 * unit-reader.c and unit-view-files.c, and check-print.c shows it. */

#include "check/check.h"

#include <string.h>
#include <sysexits.h>

#include "check/check-fix.h"
#include "check/check-print.h"
#include "pager.h"
#include "terminal.h"

static int check_complain(const char *text, int exit_status) {
        (void) fprintf(stderr, "gatewatch check: %s\n", text);
        return exit_status;
}

static int check_fail(int error) {
        if (error == -EINVAL)
                return EX_USAGE;
        if (error == -ENOMEDIUM || error == -EIO)
                return EX_UNAVAILABLE;
        if (error == -ELIBACC)
                return check_complain(
                        "tables need libsmartcols.so.1 (util-linux 2.38): install it, or "
                        "take --json=pretty",
                        EX_UNAVAILABLE);
        return check_complain(strerror(-error), EX_OSERR);
}

/* Last before the output: what goes wrong is told on the terminal. */
static Pager *check_open_pager(const CheckOptions *options) {
        Pager *pager = NULL;

        int r = options->has_pager ? pager_open(/* jump_to_end= */ false, &pager) : 0;
        if (r < 0)
                (void) fprintf(
                        stderr, "gatewatch check: goes on without a pager: %s\n", strerror(-r));
        return pager;
}

static int check_list_rules(const CheckOptions *options) {
        _cleanup_(pager_freep) _unused_ Pager *pager = check_open_pager(options);
        const Rule *rule;

        for (size_t i = 0; (rule = rule_get(i)); i++)
                (void) printf("%-26s %-8s %s\n", rule->id, severity_to_string(rule->severity),
                        rule->summary);
        return 0;
}

static int check_show(const CheckOptions *options, const CheckSet *set) {
        /* Before a pager takes the place of the terminal. */
        const CheckPrintOptions print = {
                .has_colour = terminal_wants_colour(stdout),
                .has_legend = options->has_legend,
                .is_quiet = options->is_quiet,
                .width = terminal_width(stdout),
        };
        const bool is_table = options->json == JSON_OFF;

        if (is_table && set->n_lints == 0 && !options->arguments[0] && !options->is_quiet)
                (void) fputs(
                        "gatewatch check: no loaded unit runs gatewatch: name those to check\n",
                        stderr);

        _cleanup_(pager_freep) _unused_ Pager *pager = check_open_pager(options);
        return is_table ? check_print_table(stdout, set->lints, set->n_lints, &print)
                        : check_print_json(stdout, set->lints, set->n_lints, options->json);
}

static int check_show_fixes(const CheckOptions *options, const CheckSet *set) {
        _cleanup_(pager_freep) _unused_ Pager *pager = check_open_pager(options);

        return check_fix_print(set);
}

static bool set_has_loaded_units(const CheckSet *set) {
        for (size_t i = 0; i < set->n_lints; i++)
                if (!set->lints[i].view->is_offline)
                        return true;
        return false;
}

static int check_reload(const CheckOptions *options) {
        _cleanup_(unit_reader_freep) UnitReader *reader = NULL;
        int r;

        r = unit_reader_open(&options->target, &reader);
        if (r >= 0)
                r = unit_reader_reload(reader);
        if (r < 0)
                (void) fprintf(stderr,
                        "gatewatch check: cannot make the manager reload: %s: run 'systemctl%s "
                        "daemon-reload'\n",
                        strerror(-r),
                        options->target.manager == UNIT_MANAGER_USER ? " --user" : "");
        return r < 0 ? -EIO : 0;
}

/* Writes, makes it count, and looks again. */
static int check_fix(const CheckOptions *options, CheckSet *set) {
        size_t n_written;
        int r, result;

        result = check_fix_write(set, options, &n_written);
        if (result == -ENOMEM || options->is_dry_run)
                return result < 0 ? check_fail(result) : check_set_status(set);
        if (n_written > 0 && set_has_loaded_units(set)) {
                r = check_reload(options);
                if (r < 0)
                        return check_fail(r);
        }
        check_set_done(set);
        r = check_set_read(options, set);
        if (r >= 0)
                r = check_show(options, set);
        if (r >= 0)
                r = result;
        return r < 0 ? check_fail(r) : check_set_status(set);
}

static int check_units(const CheckOptions *options) {
        _cleanup_(check_set_done) CheckSet set = {};
        int r;

        r = check_set_read(options, &set);
        if (r < 0)
                return check_fail(r);
        if (options->fix == FIX_WRITE)
                return check_fix(options, &set);
        r = options->fix == FIX_PRINT ? check_show_fixes(options, &set) : check_show(options, &set);
        return r < 0 ? check_fail(r) : check_set_status(&set);
}

int check_verb(int argc, char *argv[]) {
        _cleanup_(check_options_done) CheckOptions options = {};
        char error[OPTION_ERROR_MAX] = "";
        int r;

        r = check_options_parse(argc - 1, argv + 1, &options, error);
        if (r == -EINVAL)
                return check_complain(error, EX_USAGE);
        if (r < 0)
                return check_fail(r);
        switch (options.action) {
        case CHECK_SHOW_HELP:
                check_print_help();
                return 0;
        case CHECK_SHOW_VERSION:
                (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                return 0;
        case CHECK_LIST_RULES:
                return check_list_rules(&options);
        case CHECK_UNITS:
                break;
        }
        return check_units(&options);
}
