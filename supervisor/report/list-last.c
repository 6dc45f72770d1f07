/* SPDX-License-Identifier: MIT */

/* One small question to the journal for each unit: its newest stop, found by index. The journal is a bonus here:
 * whoever may not read it sees everything else. */

#include "report/list-last.h"

#include <pwd.h>
#include <string.h>

#include "report/journal-query.h"
#include "report/run-history.h"

static_assert(LIST_LAST_ERROR_MAX >= JOURNAL_ERROR_MAX, "what the journal says fits");

/* "…@.host", ".host": this machine, by systemd's other name for it. */
static bool machine_is_own(const char *machine) {
        const char *at = strrchr(machine, '@');

        return strcmp(at ? at + 1 : machine, ".host") == 0;
}

/* Only /etc/passwd is read: a directory service may make us wait. */
static bool user_find(const char *name, size_t length, uid_t *ret_uid) {
        _cleanup_fclose_ FILE *file = fopen("/etc/passwd", "re");
        struct passwd *entry;

        while (file && (entry = fgetpwent(file)))
                if (strlen(entry->pw_name) == length &&
                        strncmp(entry->pw_name, name, length) == 0) {
                        *ret_uid = entry->pw_uid;
                        return true;
                }
        return false;
}

/* Where the units' records are, and whose. Returns: false: out of reach. */
static bool last_find_source(
        const UnitReaderTarget *target, JournalSource *ret_source, HistoryOptions *ret_options) {
        const char *machine = target->machine, *at = machine ? strrchr(machine, '@') : NULL;
        bool is_user = target->manager == UNIT_MANAGER_USER;

        *ret_source = (JournalSource){};
        *ret_options = (HistoryOptions){
                .manager = is_user ? HISTORY_USER : HISTORY_SYSTEM,
                .own_uid = getuid(),
                .since_usec = 0,
                .until_usec = USEC_INFINITY,
                .n_max = 1,
        };
        if (target->host)
                return false;
        if (!machine)
                return true;
        if (machine_is_own(machine))
                return !is_user || !at || at == machine ||
                        user_find(machine, (size_t) (at - machine), &ret_options->own_uid);
        ret_source->machine = at ? at + 1 : machine;
        return !is_user;
}

static int last_take(ListedUnit *unit, const PastStop *stop, const ListClock *clock) {
        char *outcome = strdup(past_stop_outcome_word(stop));
        char *cause = strdup(past_stop_cause_word(stop));

        if (!outcome || !cause) {
                free(outcome);
                free(cause);
                return -ENOMEM;
        }
        unit->last = (ListedStop){
                .outcome = outcome,
                .cause = cause,
                .at_realtime_usec = stop->realtime_usec,
                .run_id = stop->run_id,
        };
        unit->last_age_usec = usec_sub(clock->realtime_usec, stop->realtime_usec);
        return 0;
}

static int last_read_unit(
        JournalQuery *query, HistoryOptions *options, const ListClock *clock, ListedUnit *unit) {
        char *units[] = { unit->view->name, NULL };
        StopList list = {};
        int r;

        options->units = units;
        r = run_history_read(query, options, &list);
        if (r >= 0 && list.n > 0)
                r = last_take(unit, &list.stops[list.n - 1], clock);
        if (r >= 0)
                stop_list_done(&list);
        options->units = NULL;
        return r;
}

int list_last_read(const UnitReaderTarget *target, const ListClock *clock, ListedUnit units[],
        size_t n_units, char reterr[static LIST_LAST_ERROR_MAX]) {
        _cleanup_(journal_query_freep) JournalQuery *query = NULL;
        HistoryOptions options;
        JournalSource source;
        int r;

        assert(target && clock);
        assert(units || n_units == 0);

        reterr[0] = '\0';
        if (n_units == 0 || !last_find_source(target, &source, &options))
                return 0;
        r = journal_query_new(&source, &query, reterr);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        /* A user's own records are in the user's own journal: what else there is does not matter. */
        if (target->manager != UNIT_MANAGER_USER)
                (void) journal_query_is_partial(query, reterr);
        for (size_t i = 0; r >= 0 && i < n_units; i++)
                r = last_read_unit(query, &options, clock, &units[i]);
        return r;
}
