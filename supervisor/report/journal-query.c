/* SPDX-License-Identifier: MIT */

/* Questions to a journal by its index. For each "FIELD=value" a journal file has a list of the entries that have it;
 * libsystemd leaps from list to list, so a step costs a few microseconds whatever lies between.
 *
 * Order is the journal's own: as the entries came. Bounds are of the clock of the machine that wrote them, which may
 * have been set back, so that entries within the bounds may lie behind some that are not. libsystemd's seek by
 * time is a binary search in each file, which is right where a file is sorted. journald begins a new file when
 * the clock is set back, systemd-journal-remote does not. So entries are first walked and looked at one by
 * one. Only when JOURNAL_STRAY_MAX in a row have been out of bounds, the search is trusted: before the first answer it
 * leads there, behind one it is the end. What has come after the question had no more answers lies behind its
 * `since`, whatever the clock says.
 *
 * A second question in between takes the place in the journal with it; so its cursor is kept, and gone back to.
 *
 * What is damaged is passed over: an entry that cannot be read, or a field of it; libsystemd leaves a file where
 * it cannot go on in it. It is not repaired, and not told more of than that it was there. */

#include "journal-query-internal.h"

#include <limits.h>
#include <poll.h>
#include <string.h>

#include "journal-pages.h"
#include "journal-source.h"
#include "strv.h"

int journal_query_new(const JournalSource *source, JournalQuery **ret_query,
        char reterr[static JOURNAL_ERROR_MAX]) {
        _cleanup_(journal_query_freep) JournalQuery *query = calloc(1, sizeof(*query));
        int r;

        if (!query) {
                (void) snprintf(reterr, JOURNAL_ERROR_MAX, "out of memory");
                return -ENOMEM;
        }
        query->root_fd = query->reader_fd = -EBADF;
        query->is_own = journal_source_is_own(source);
        query->asked.is_over = true;
        journal_pages_catch_faults(&query->fault_before);
        r = journal_source_open(source, &query->journal, &query->root_fd, query->remark, reterr);
        if (r < 0)
                return r;
        /* A hint for what is compressed; what is not comes whole. */
        (void) sd_journal_set_data_threshold(query->journal, JOURNAL_ENTRY_VALUE_BYTES + 256);
        (void) sd_journal_get_usage(query->journal, &query->usage_bytes);
        *ret_query = TAKE_PTR(query);
        return 0;
}

JournalQuery *journal_query_free(JournalQuery *query) {
        if (!query)
                return NULL;
        strv_free(query->asked.terms);
        sd_journal_close(query->journal);
        (void) fd_close(query->root_fd);
        journal_pages_forget_faults(&query->fault_before);
        free(query);
        return NULL;
}

/* A file that it cannot go on in libsystemd closes, and says nothing. */
static bool journal_query_has_lost_files(JournalQuery *query) {
        uint64_t usage_bytes;

        return sd_journal_get_usage(query->journal, &usage_bytes) >= 0 &&
                usage_bytes < query->usage_bytes;
}

bool journal_query_is_partial(JournalQuery *query, char reterr[static JOURNAL_ERROR_MAX]) {
        bool is_damaged = query->is_damaged || journal_query_has_lost_files(query);

        (void) snprintf(reterr, JOURNAL_ERROR_MAX, "%s",
                query->remark[0]     ? query->remark
                        : is_damaged ? "damaged entries are passed over; see journalctl --verify"
                                     : "");
        return reterr[0] != '\0';
}

/* ---- Asking ------------------------------------------------------------------------------------- */

static int journal_query_add_terms(sd_journal *journal, char *const terms[]) {
        bool has_term = false;
        int r;

        for (size_t i = 0; terms && terms[i]; i++) {
                bool is_or = strcmp(terms[i], "+") == 0, is_and = strcmp(terms[i], "&") == 0;

                if ((is_or || is_and) && !has_term)
                        return -EINVAL;
                r = is_or        ? sd_journal_add_disjunction(journal)
                        : is_and ? sd_journal_add_conjunction(journal)
                                 : sd_journal_add_match(journal, terms[i], 0);
                if (r < 0)
                        return r;
                has_term = !is_or && !is_and;
        }
        return !terms || !terms[0] || has_term ? 0 : -EINVAL;
}

static int journal_query_match(JournalQuery *query) {
        char term[sizeof("_BOOT_ID=") + SD_ID128_STRING_MAX];
        char id[SD_ID128_STRING_MAX];
        int r;

        sd_journal_flush_matches(query->journal);
        r = journal_query_add_terms(query->journal, query->asked.terms);
        if (r < 0 || sd_id128_is_null(query->asked.boot_id))
                return r;
        r = sd_journal_add_conjunction(query->journal);
        if (r < 0)
                return r;
        (void) snprintf(
                term, sizeof(term), "_BOOT_ID=%s", sd_id128_to_string(query->asked.boot_id, id));
        return sd_journal_add_match(query->journal, term, 0);
}

/* To the beginning. */
static int journal_query_rewind(JournalQuery *query) {
        int r = journal_query_match(query);

        if (r < 0)
                return r;
        return query->asked.direction == JOURNAL_FORWARD ? sd_journal_seek_head(query->journal)
                                                         : sd_journal_seek_tail(query->journal);
}

int journal_query_ask(JournalQuery *query, const JournalQuestion *question) {
        JournalAsked *asked = &query->asked;
        int r;

        strv_free(asked->terms);
        *asked = (JournalAsked){
                .since_usec = question->since_usec,
                .until_usec = question->until_usec == 0 ? USEC_INFINITY : question->until_usec,
                .boot_id = question->boot_id,
                .direction = question->direction,
        };
        r = strv_copy((char *const *) question->terms, &asked->terms);
        if (r >= 0)
                r = journal_query_rewind(query);
        if (r < 0)
                asked->is_over = true;
        return r;
}

/* ---- Answers ------------------------------------------------------------------------------------ */

int journal_query_step(JournalQuery *query, JournalDirection direction) {
        for (unsigned n_failures = 0; n_failures < JOURNAL_FAILURES_MAX; n_failures++) {
                int r = direction == JOURNAL_FORWARD ? sd_journal_next(query->journal)
                                                     : sd_journal_previous(query->journal);

                if (r >= 0 || r == -ENOMEM)
                        return r;
                query->is_damaged = true;
        }
        return 0;
}

/* Returns: 1: it is within the bounds; 0: it is not; negative: it cannot be read. */
static int journal_query_look(JournalQuery *query, JournalEntry *entry) {
        const JournalAsked *asked = &query->asked;
        int r;

        journal_entry_reset(entry);
        r = sd_journal_get_realtime_usec(query->journal, &entry->realtime_usec);
        if (r < 0)
                return r;
        if (entry->realtime_usec > asked->until_usec)
                return 0;
        if (entry->realtime_usec < asked->since_usec && !asked->is_live)
                return 0;
        r = sd_journal_get_monotonic_usec(query->journal, &entry->monotonic_usec, &entry->boot_id);
        return r < 0 ? r : 1;
}

static int journal_query_read(JournalQuery *query, JournalEntry *entry) {
        const void *data;
        size_t size;
        int r;

        sd_journal_restart_data(query->journal);
        while ((r = sd_journal_enumerate_available_data(query->journal, &data, &size)) > 0) {
                r = journal_entry_add(entry, data, size);
                if (r < 0)
                        return r;
        }
        return r;
}

/* Too many were out of bounds: to where the search by time leads, or to the end. */
static void journal_query_leap(JournalQuery *query) {
        JournalAsked *asked = &query->asked;
        bool is_forward = asked->direction == JOURNAL_FORWARD;

        asked->n_stray = 0;
        if (asked->has_answered || asked->is_live) {
                asked->is_over = true;
                return;
        }
        asked->has_answered = true;
        if (is_forward ? asked->since_usec > 0 : asked->until_usec < USEC_INFINITY)
                (void) sd_journal_seek_realtime_usec(
                        query->journal, is_forward ? asked->since_usec : asked->until_usec);
}

/* Returns: 1: the entry; 0: not this one; -ENOMEM. */
static int journal_query_take(JournalQuery *query, JournalEntry *entry) {
        JournalAsked *asked = &query->asked;
        int r = journal_query_look(query, entry);

        if (r == 0) {
                if (++asked->n_stray > JOURNAL_STRAY_MAX)
                        journal_query_leap(query);
                return 0;
        }
        if (r > 0)
                r = journal_query_read(query, entry);
        if (r < 0) {
                query->is_damaged = query->is_damaged || r != -ENOMEM;
                return r == -ENOMEM ? r : 0;
        }
        asked->n_stray = 0;
        asked->has_answered = true;
        if (++query->n_taken % JOURNAL_RELEASE_ENTRIES == 0)
                journal_pages_release();
        return 1;
}

int journal_query_next(JournalQuery *query, JournalEntry *entry) {
        JournalAsked *asked = &query->asked;
        int r;

        while (!asked->is_over) {
                r = asked->is_here ? 1 : journal_query_step(query, asked->direction);
                asked->is_here = false;
                if (r == 0)
                        asked->is_live = asked->direction == JOURNAL_FORWARD;
                if (r <= 0)
                        return r;
                r = journal_query_take(query, entry);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* ---- In between --------------------------------------------------------------------------------- */

char *journal_query_leave(JournalQuery *query) {
        char *cursor = NULL;

        return sd_journal_get_cursor(query->journal, &cursor) < 0 ? NULL : cursor;
}

int journal_query_return(JournalQuery *query, const char *cursor) {
        JournalAsked *asked = &query->asked;
        int r = journal_query_rewind(query);

        if (r < 0 || !cursor || asked->is_over)
                return r;
        if (sd_journal_seek_cursor(query->journal, cursor) < 0)
                return 0;
        r = journal_query_step(query, asked->direction);
        if (r < 0)
                return r;
        /* Its file may have gone: then this is the first one that has not been answered with. */
        if (r > 0 && sd_journal_test_cursor(query->journal, cursor) <= 0)
                asked->is_here = true;
        return 0;
}

int journal_query_find(JournalQuery *query, const JournalQuestion *question, JournalEntry *entry) {
        _cleanup_free_ char *cursor = journal_query_leave(query);
        JournalAsked asked = query->asked;
        int r, back;

        query->asked = (JournalAsked){};
        r = journal_query_ask(query, question);
        if (r >= 0)
                r = journal_query_next(query, entry);
        strv_free(query->asked.terms);
        query->asked = asked;
        back = journal_query_return(query, cursor);
        return r < 0 ? r : back < 0 ? back : r;
}

/* ---- Waiting ------------------------------------------------------------------------------------ */

int journal_query_fd(JournalQuery *query) {
        return sd_journal_get_fd(query->journal);
}

void journal_query_watch_reader(JournalQuery *query, int fd) {
        query->reader_fd = fd;
}

static int poll_timeout(usec_t end_usec, usec_t now_usec) {
        usec_t left_usec = usec_sub(end_usec, now_usec);

        if (left_usec / USEC_PER_MSEC >= INT_MAX)
                return end_usec == USEC_INFINITY ? -1 : INT_MAX;
        return (int) ((left_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

/* sd_journal_wait(3) goes on waiting when a signal comes. */
int journal_query_wait(JournalQuery *query, usec_t timeout_usec) {
        usec_t now_usec = usec_now(CLOCK_MONOTONIC), end_usec = usec_add(now_usec, timeout_usec);
        uint64_t again_usec;
        struct pollfd pollers[] = {
                { .fd = sd_journal_get_fd(query->journal) },
                { .fd = query->reader_fd }, /* POLLERR and POLLHUP come unasked */
        };
        int r;

        if (pollers[0].fd < 0)
                return pollers[0].fd;
        if (!query->is_watching) {
                /* What came before the watch was there is not told by it. */
                query->is_watching = true;
                return 1;
        }
        pollers[0].events = (short) sd_journal_get_events(query->journal);
        if (sd_journal_get_timeout(query->journal, &again_usec) >= 0 && again_usec < end_usec)
                end_usec = again_usec;
        if (poll(pollers, ELEMENTSOF(pollers), poll_timeout(end_usec, now_usec)) < 0)
                return -errno;
        if (pollers[1].revents & (POLLERR | POLLHUP))
                return -EPIPE;
        r = sd_journal_process(query->journal);
        return r < 0 ? r : r != SD_JOURNAL_NOP;
}
