/* SPDX-License-Identifier: MIT */

/* From arguments to what is known of units: names from the manager, their views in one round trip, each with the
 * flight record of its supervisor. What does not exist is told and left out, so that one misspelt name does not
 * hide the others.
 *
 * Whoever looks once a second shall not ask about every service of a machine each time: those that turned out
 * to run no gatewatch are left alone, until after some turns everything is read again. */

#include "report/list-set.h"

#include <stdarg.h>
#include <string.h>

#include "report/list-flight.h"
#include "text-clean.h"

#define LIST_FORGET_READS 30 /* until units of another kind are looked at again */

static int _printf_(3, 4)
        set_refuse(char reterr[static LIST_SET_ERROR_MAX], int error, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(reterr, LIST_SET_ERROR_MAX, format, arguments);
        va_end(arguments);
        return error;
}

/* The connection is given up: after an error in the middle of it nothing on it is sure. */
static int source_fail(ListSource *source, int error, char *reterr) {
        const UnitReaderTarget *target = &source->options->target;
        const char *where = target->host ?: target->machine;
        _cleanup_free_ char *clean = where ? text_clean(where, TEXT_TERMINAL) : NULL;

        source->reader = unit_reader_free(source->reader);
        if (error == -ENOMEM)
                return error;
        return set_refuse(reterr, -ENOMEDIUM, "cannot ask the %s manager%s%.200s: %s%s",
                target->manager == UNIT_MANAGER_USER ? "user" : "system", where ? " of " : "",
                clean ?: "", unit_reader_explain(target, error),
                where ? "; try systemctl status with the same --host= or --machine=" : "");
}

void list_source_done(ListSource *source) {
        source->reader = unit_reader_free(source->reader);
        source->foreign = strv_free(source->foreign);
}

/* ---- Which units ----------------------------------------------------------------------------- */

static bool name_is_glob(const char *name) {
        return name[strcspn(name, "*?[")];
}

/* Whether the unit was asked for by its name: with globs, and without arguments, others come along. */
static bool set_is_named(const ListOptions *options, const char *name) {
        size_t length = strlen(name) - strlen(".service");

        for (char *const *argument = options->arguments; *argument; argument++)
                if (!name_is_glob(*argument) &&
                        (strcmp(*argument, name) == 0 ||
                                (strlen(*argument) == length &&
                                        strncmp(*argument, name, length) == 0)))
                        return true;
        return false;
}

static int source_list_names(ListSource *source, char ***ret_names, char *reterr) {
        _cleanup_free_ char *clean = NULL;
        const char *bad = NULL;
        int r;

        r = unit_reader_list(source->reader, source->options->arguments, ret_names, &bad);
        if (r == -EINVAL && bad) {
                clean = text_clean(bad, TEXT_TERMINAL);
                return set_refuse(reterr, -EINVAL,
                        "'%.200s' is no name of a service: give NAME.service or a glob",
                        clean ?: "");
        }
        return r < 0 ? source_fail(source, r, reterr) : 0;
}

/* Leaves out those that are known to be of no interest. */
static void names_leave_out(char **names, char *const foreign[]) {
        size_t n_kept = 0;

        for (size_t i = 0; names && names[i]; i++)
                if (strv_contains(foreign, names[i]))
                        free(names[i]);
                else
                        names[n_kept++] = names[i];
        if (names)
                names[n_kept] = NULL;
}

static int source_read_views(ListSource *source, ListSet *set, char *reterr) {
        _cleanup_strv_ char **names = NULL;
        int r;

        if (!source->reader) {
                r = unit_reader_open(&source->options->target, &source->reader);
                if (r < 0)
                        return source_fail(source, r, reterr);
        }
        r = source_list_names(source, &names, reterr);
        if (r < 0)
                return r;
        if (source->n_reads % LIST_FORGET_READS == 0)
                source->foreign = strv_free(source->foreign);
        names_leave_out(names, source->foreign);
        r = unit_reader_read(source->reader, names, &set->views, &set->n_views);
        return r < 0 ? source_fail(source, r, reterr) : 0;
}

/* ---- What is known of them ------------------------------------------------------------------- */

static void set_complain(ListSource *source, ListSet *set, const UnitView *view, const char *what) {
        set->is_incomplete = true;
        if (source->n_reads == 0)
                (void) fprintf(stderr, "gatewatch list: unit %.255s %s\n", view->name, what);
}

/* Returns: whether its settings are known, so that it can be looked at. */
static bool set_has_settings(ListSource *source, ListSet *set, const UnitView *view) {
        bool is_named = set_is_named(source->options, view->name);

        if (view->unreadable && is_named)
                set_complain(source, set, view,
                        "cannot be told by its manager (are there bytes in a command that are no "
                        "UTF-8?): check its file");
        else if (strcmp(view->load_state, "not-found") == 0 && is_named)
                set_complain(source, set, view, "does not exist: see systemctl list-unit-files");
        return !view->unreadable && strcmp(view->load_state, "not-found") != 0;
}

/* ".host" is this machine too, but what pids mean there is the same. */
static bool target_is_own(const UnitReaderTarget *target) {
        const char *at = target->machine ? strrchr(target->machine, '@') : NULL;

        return !target->host &&
                (!target->machine || strcmp(at ? at + 1 : target->machine, ".host") == 0);
}

static int set_read_unit(ListSource *source, ListSet *set, const UnitView *view) {
        const UnitReaderTarget *target = &source->options->target;
        uint64_t pid = unit_view_number(view, VIEW_MAIN_PID);
        ListedUnit *unit = &set->units[set->n_units];
        char proc_path[PATH_MAX];
        FlightRecord flight;
        bool has_flight = false;
        int r;

        if (pid > 0 && pid <= INT32_MAX && target_is_own(target)) {
                (void) snprintf(proc_path, sizeof(proc_path), "%s/proc", target->root ?: "");
                has_flight = list_flight_read(proc_path, (pid_t) pid, &flight) >= 0;
        }
        r = listed_unit_read(view, has_flight ? &flight : NULL, &set->clock, unit);
        if (r < 0)
                return r;
        if (r == 0) {
                if (set_is_named(source->options, view->name))
                        set_complain(source, set, view,
                                "does not run gatewatch: see gatewatch unit --help");
                else
                        r = strv_extend(&source->foreign, view->name);
                return r;
        }
        if (unit->state != LISTED_INACTIVE || source->options->has_all ||
                set_is_named(source->options, view->name))
                set->n_units++;
        else
                listed_unit_done(unit);
        return 0;
}

static int set_read_units(ListSource *source, ListSet *set) {
        int r = 0;

        set->units = calloc(set->n_views, sizeof(ListedUnit));
        if (!set->units && set->n_views > 0)
                return -ENOMEM;
        set->clock = (ListClock){
                .monotonic_usec = usec_now(CLOCK_MONOTONIC),
                .realtime_usec = usec_now(CLOCK_REALTIME),
                .is_own_kernel = !source->options->target.host,
        };
        for (size_t i = 0; r >= 0 && i < set->n_views; i++)
                if (set_has_settings(source, set, &set->views[i]))
                        r = set_read_unit(source, set, &set->views[i]);
        return r < 0 ? r : 0;
}

int list_set_read(ListSource *source, ListSet *ret_set, char reterr[static LIST_SET_ERROR_MAX]) {
        int r;

        assert(source && source->options && ret_set);

        *ret_set = (ListSet){};
        r = source_read_views(source, ret_set, reterr);
        if (r >= 0)
                r = set_read_units(source, ret_set);
        if (r < 0)
                list_set_done(ret_set);
        else
                source->n_reads++;
        return r;
}

void list_set_done(ListSet *set) {
        for (size_t i = 0; i < set->n_units; i++)
                listed_unit_done(&set->units[i]);
        free(set->units);
        unit_views_free(set->views, set->n_views);
        *set = (ListSet){};
}
