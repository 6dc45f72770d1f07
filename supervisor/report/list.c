/* SPDX-License-Identifier: MIT */

/* The verb: options, units, table, exit status. Which units there are and what is known of them is read by
 * list-set.c, how the runs before ended by list-last.c; list-print.c shows it, and list-watch.c shows it again
 * and again. */

#include "report/list.h"

#include <string.h>
#include <sysexits.h>

#include "pager.h"
#include "report/list-last.h"
#include "report/list-print.h"
#include "report/list-set.h"
#include "report/list-watch.h"
#include "terminal.h"

static int list_complain(const char *text, int exit_status) {
        (void) fprintf(stderr, "gatewatch list: %s\n", text);
        return exit_status;
}

/* What has not been told yet is told. */
static int list_fail(int error) {
        if (error == -EINVAL)
                return EX_USAGE;
        if (error == -ENOMEDIUM)
                return EX_UNAVAILABLE;
        if (error == -ENOTTY)
                return list_complain(
                        "--watch draws on a terminal, and stdout is none: leave it out, "
                        "or take --json=short",
                        EX_USAGE);
        if (error == -ELIBACC)
                return list_complain(
                        "tables need libsmartcols.so.1 (util-linux 2.38): install it, or "
                        "take --json=pretty",
                        EX_UNAVAILABLE);
        return list_complain(strerror(-error), EX_OSERR);
}

static int list_show_table(const ListOptions *options, const ListSet *set) {
        const ListPrintOptions print = {
                .has_colour = terminal_wants_colour(stdout),
                .has_legend = options->has_legend,
                .is_ascii = !terminal_is_utf8(),
                .width = terminal_width(stdout),
        };
        _cleanup_(pager_freep) Pager *pager = NULL;
        int r;

        if (options->has_pager) {
                r = pager_open(/* jump_to_end= */ false, &pager);
                if (r < 0)
                        (void) fprintf(stderr, "gatewatch list: no pager: %s, going on without\n",
                                strerror(-r));
        }
        return list_print_table(stdout, set->units, set->n_units, &print);
}

static int list_show(const ListOptions *options, ListSet *set) {
        char error[LIST_LAST_ERROR_MAX];
        int r;

        r = list_last_read(&options->target, &set->clock, set->units, set->n_units, error);
        if (r < 0)
                return r;
        if (*error && !options->is_quiet)
                (void) fprintf(stderr, "gatewatch list: %s\n", error);
        if (options->json != JSON_OFF)
                return list_print_json(stdout, set->units, set->n_units, options->json);
        if (set->n_units == 0 && !options->arguments[0] && !options->is_quiet)
                (void) fprintf(stderr, "gatewatch list: no unit runs under gatewatch%s\n",
                        options->has_all ? "" : " now: --all shows inactive ones as well");
        return set->n_units > 0 ? list_show_table(options, set) : 0;
}

static int list_once(const ListOptions *options) {
        ListSource source = { .options = options };
        _cleanup_(list_set_done) ListSet set = {};
        char error[LIST_SET_ERROR_MAX] = "";
        int r;

        r = list_set_read(&source, &set, error);
        list_source_done(&source);
        if (r < 0 && *error)
                (void) list_complain(error, 0);
        if (r >= 0)
                r = list_show(options, &set);
        if (r < 0)
                return list_fail(r);
        if (fflush(stdout) != 0 || ferror(stdout))
                return list_complain("cannot write to stdout: see its disk or reader", EX_IOERR);
        return set.is_incomplete ? EX_UNAVAILABLE : 0;
}

int list_verb(int argc, char *argv[]) {
        ListOptions options = {};
        char error[OPTION_ERROR_MAX] = "";
        int r;

        r = list_options_parse(argc - 1, argv + 1, &options, error);
        if (r < 0)
                return list_complain(error, EX_USAGE);
        switch (options.action) {
        case LIST_SHOW_HELP:
                list_print_help();
                return 0;
        case LIST_SHOW_VERSION:
                (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                return 0;
        case LIST_UNITS:
                break;
        }
        if (!options.is_watching)
                return list_once(&options);
        r = list_watch(&options);
        return r < 0 ? list_fail(r) : 0;
}
