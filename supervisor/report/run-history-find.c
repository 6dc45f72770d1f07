/* SPDX-License-Identifier: MIT */

/* What a history asks the journal about one run: its first record, its last one, and whether there is an older last
 * one than is known. One entry answers each, the first that the index has; so the records that can be believed most
 * are asked for first, and those that strangers write by the run's id do not stand before them. */

#include "record.h"
#include "run-history-internal.h"

const char history_second_stopped[] = "it is a second last record of its run";
const char history_stopped_of_nobody[] = "nothing tells that its writer was of a run";

/* The first record of a run, of one kind, with two further terms (NULL: none). */
static int history_find_first(JournalQuery *query, RecordEvent event, sd_id128_t run_id,
        const char *const terms[static 2], JournalEntry *entry) {
        char message_id[64], run[64], id[SD_ID128_STRING_MAX];

        (void) snprintf(message_id, sizeof(message_id), "MESSAGE_ID=%s",
                record_event_info(event)->message_id);
        (void) snprintf(run, sizeof(run), "GATEWATCH_RUN_ID=%s", sd_id128_to_string(run_id, id));
        return journal_query_find(query,
                &(JournalQuestion){
                        .terms = (const char *const[]){ message_id, run, terms[0],
                                terms[0] ? terms[1] : NULL, NULL },
                        .until_usec = USEC_INFINITY,
                        .direction = JOURNAL_FORWARD,
                },
                entry);
}

/* Of those that can be believed most the first one, so that strangers' do not stand before it. */
static int history_find_believed(
        JournalQuery *query, RecordEvent event, sd_id128_t run_id, JournalEntry *entry) {
        static const char of_gatewatch[] = "_COMM=" HISTORY_COMM;
        char invocation[64], id[SD_ID128_STRING_MAX];
        const char *const rows[][2] = {
                { of_gatewatch, invocation },
                { invocation, NULL }, /* of a writer that was looked at before execve(2) */
                { of_gatewatch, NULL },
                { NULL, NULL },
        };
        const char *forgery;

        (void) snprintf(invocation, sizeof(invocation), "_SYSTEMD_INVOCATION_ID=%s",
                sd_id128_to_string(run_id, id));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int r = history_find_first(query, event, run_id, rows[i], entry);

                if (r < 0)
                        return r;
                if (r > 0 && record_trust_judge(entry, &forgery) != TRUST_FORGED)
                        return 1;
        }
        return 0;
}

int history_find_started(JournalQuery *query, sd_id128_t run_id, JournalEntry *entry) {
        return history_find_believed(query, RECORD_STARTED, run_id, entry);
}

int history_find_stopped(JournalQuery *query, sd_id128_t run_id, JournalEntry *entry) {
        return history_find_believed(query, RECORD_STOPPED, run_id, entry);
}

bool past_stop_is_of_entry(const PastStop *stop, const JournalEntry *entry) {
        return stop->realtime_usec == entry->realtime_usec &&
                stop->monotonic_usec == entry->monotonic_usec &&
                sd_id128_equal(stop->boot_id, entry->boot_id);
}

int history_has_older(JournalQuery *query, const PastStop *stop, RecordTrust trust,
        const JournalEntry *started, JournalEntry *buffer) {
        PastStop older;
        int r;

        r = history_find_stopped(query, stop->run_id, buffer);
        if (r <= 0 || past_stop_is_of_entry(stop, buffer))
                return r < 0 ? r : 0;
        r = past_stop_from_entry(buffer, &older);
        if (r < 0)
                return r == -EBADMSG ? 0 : r;
        if (started)
                r = past_stop_join(&older, started);
        if (r >= 0)
                r = older.trust != TRUST_FORGED &&
                        record_rank(&older, older.trust) <= record_rank(stop, trust);
        past_stop_done(&older);
        return r;
}

bool history_stop_is_of_nobody(const PastStop *stop, RecordTrust trust) {
        return trust == TRUST_UNVERIFIED && stop->uid != 0;
}
