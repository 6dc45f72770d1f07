/* SPDX-License-Identifier: MIT */

/* What became of a run that left no last record. It is over when its successor began: a later run of the same
 * machine, user and unit (and, where the unit can hold several runs, of the same name). It is over when its
 * machine has booted since. On this machine and in this boot /proc tells: its supervisor is there or it is not.
 * Of another machine's present boot nothing more can be told, so such a run counts as running.
 *
 * A pid may be another process's by now, even another gatewatch's. That one has started after the record was
 * written; processes count their start with the time that the machine was suspended, the journal without it, and
 * in doubt it is taken for the same. */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proc.h"
#include "record.h"
#include "run-history-internal.h"

/* ---- Successors -------------------------------------------------------------------------------- */

/* In one line, for id_map_text_id(). Of a service's main process the unit says enough, wherever its --name= has
 * changed. Returns: malloc()ed text; NULL: out of memory. */
static char *place_of_started(const JournalEntry *started) {
        char machine[SD_ID128_STRING_MAX], *text;
        RecordWriter writer;

        record_writer_read(started, &writer);
        if (asprintf(&text, "%s %d %u %s/%s", sd_id128_to_string(writer.machine_id, machine),
                    (int) writer.manager, writer.uid, writer.unit ?: "",
                    record_is_of_invocation(started)
                            ? ""
                            : journal_entry_get(started, "GATEWATCH_NAME") ?: "") < 0)
                return NULL;
        return text;
}

int history_note_place(History *history, const JournalEntry *started) {
        _cleanup_free_ char *place = place_of_started(started);
        sd_id128_t id;

        if (!place)
                return -ENOMEM;
        id = id_map_text_id(&history->places, place);
        if (id_map_get(&history->places, id) != SIZE_MAX)
                return 1;
        return id_map_put(&history->places, id, 0);
}

/* What the journal's index can tell of the place of a `started`, so that others in the same unit do not hide the
 * successor. Returns: 0 and a strv, owned by the caller; -ENOMEM. */
static int successor_terms(const PastStop *stop, const JournalEntry *started, char ***ret_terms) {
        const char *name = journal_entry_get(started, "GATEWATCH_NAME");
        bool is_user = journal_entry_get(started, "_SYSTEMD_USER_UNIT") != NULL;
        _cleanup_strv_ char **terms = NULL;
        char id[SD_ID128_STRING_MAX];
        int r;

        r = history_terms_add(
                &terms, "MESSAGE_ID=%s", record_event_info(RECORD_STARTED)->message_id);
        if (r >= 0)
                r = history_terms_add(&terms, "%s=%s",
                        is_user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT", stop->unit);
        if (r >= 0)
                r = history_terms_add(
                        &terms, "_MACHINE_ID=%s", sd_id128_to_string(stop->machine_id, id));
        if (r >= 0)
                r = history_terms_add(&terms, "_COMM=%s", HISTORY_COMM);
        if (r >= 0 && stop->uid != (uid_t) -1)
                r = history_terms_add(&terms, "_UID=%u", stop->uid);
        if (r >= 0 && name && !record_is_of_invocation(started))
                r = history_terms_add(&terms, "GATEWATCH_NAME=%s", name);
        if (r < 0)
                return r;
        *ret_terms = TAKE_PTR(terms);
        return 0;
}

/* The same where the pass has not come by what is newer.
 * Returns: 1, 0; -ENOMEM. */
static int history_find_successor(
        History *history, const PastStop *stop, const JournalEntry *started) {
        _cleanup_free_ char *place = place_of_started(started), *other = NULL;
        _cleanup_strv_ char **terms = NULL;
        const char *forgery;
        sd_id128_t run_id;
        int r;

        if (!place)
                return -ENOMEM;
        if (!stop->unit)
                return 0;
        r = successor_terms(stop, started, &terms);
        if (r < 0)
                return r;
        r = journal_query_find(history->query,
                &(JournalQuestion){
                        .terms = (const char *const *) terms,
                        .until_usec = USEC_INFINITY,
                        .direction = JOURNAL_BACKWARD,
                },
                &history->other);
        if (r <= 0)
                return r == -ENOMEM ? r : 0;
        if (record_trust_judge(&history->other, &forgery) == TRUST_FORGED)
                return 0;
        other = place_of_started(&history->other);
        if (!other)
                return -ENOMEM;
        return journal_entry_get_id(&history->other, "GATEWATCH_RUN_ID", &run_id) &&
                !sd_id128_equal(run_id, stop->run_id) && strcmp(place, other) == 0;
}

/* ---- Machines ---------------------------------------------------------------------------------- */

/* The boot that a machine's newest entry is of; null: not known. */
static int history_last_boot(History *history, sd_id128_t machine_id, sd_id128_t *ret_boot_id) {
        char machine[64], id[SD_ID128_STRING_MAX];
        size_t i = id_map_get(&history->machines, machine_id);
        sd_id128_t *boots;
        int r;

        if (i != SIZE_MAX) {
                *ret_boot_id = history->boots[i];
                return 0;
        }
        (void) snprintf(
                machine, sizeof(machine), "_MACHINE_ID=%s", sd_id128_to_string(machine_id, id));
        r = journal_query_find(history->query,
                &(JournalQuestion){
                        .terms = (const char *const[]){ machine, NULL },
                        .until_usec = USEC_INFINITY,
                        .direction = JOURNAL_BACKWARD,
                },
                &history->other);
        if (r == -ENOMEM)
                return r;
        boots = reallocarray(history->boots, history->n_boots + 1, sizeof(sd_id128_t));
        if (!boots)
                return -ENOMEM;
        history->boots = boots;
        boots[history->n_boots] = *ret_boot_id = r > 0 ? history->other.boot_id : SD_ID128_NULL;
        return id_map_put(&history->machines, machine_id, history->n_boots++);
}

/* ---- This machine ------------------------------------------------------------------------------ */

static usec_t ticks_to_usec(uint64_t ticks) {
        const long per_second = sysconf(_SC_CLK_TCK);

        if (per_second <= 0 || ticks > USEC_INFINITY / USEC_PER_SEC)
                return USEC_INFINITY;
        return ticks * USEC_PER_SEC / (uint64_t) per_second;
}

/* Whether a process has surely started after the record was written. */
static bool process_is_later(const ProcessInfo *info, const PastStop *stop) {
        const usec_t suspended_usec = usec_sub(usec_now(CLOCK_BOOTTIME), usec_now(CLOCK_MONOTONIC));

        return usec_sub(ticks_to_usec(info->start_ticks), suspended_usec) >
                usec_add(stop->monotonic_usec, USEC_PER_SEC);
}

static bool history_is_alive(const History *history, const PastStop *stop) {
        ProcessInfo info, init;
        int r;

        if (history->proc_fd < 0 || stop->writer_pid <= 0)
                return true;
        r = proc_read_info(history->proc_fd, stop->writer_pid, &info);
        if (r == -ESRCH) /* hidepid= hides others' processes: then nothing can be told */
                return proc_read_info(history->proc_fd, 1, &init) < 0;
        if (r < 0)
                return true;
        return proc_info_is_alive(&info) && strcmp(info.comm, HISTORY_COMM) == 0 &&
                !process_is_later(&info, stop);
}

int history_judge_state(
        History *history, PastStop *stop, const JournalEntry *started, int successor) {
        sd_id128_t boot_id = history->own_boot_id;
        bool is_local = !sd_id128_is_null(history->own_machine_id) &&
                sd_id128_equal(stop->machine_id, history->own_machine_id);
        int r;

        stop->state = RUN_UNRECORDED;
        if (successor > 0)
                return 0;
        if (!is_local) {
                r = history_last_boot(history, stop->machine_id, &boot_id);
                if (r < 0)
                        return r;
        }
        if (!sd_id128_is_null(boot_id) && !sd_id128_equal(boot_id, stop->boot_id))
                return 0;
        if (is_local && !history_is_alive(history, stop))
                return 0;
        if (successor < 0) {
                r = history_find_successor(history, stop, started);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        stop->state = RUN_RUNNING;
        stop->cause = _CAUSE_INVALID; /* of a stop that there is not */
        stop->cause_word = NULL;
        return 0;
}
