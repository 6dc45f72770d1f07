/* SPDX-License-Identifier: MIT */

/* A run's own records, and the instant that its story counts from.
 *
 * The origin is the earlier one of two witnesses that can only be late: the record of the signal, and the last
 * record with how long the stop took. Of a run whose last record was written by the next one the signal alone
 * counts, and without one the last thing that the journal has of the run's invocation.
 *
 * Records are read from the last one back, those of an hour before the stop; a gateway that announces its work
 * writes any number of them in a run of months. Of what was before that the few are looked up that say how
 * the run was.
 *
 * Whom to believe: journald vouches for fields that begin with "_". A record of the run has to come from its
 * unit and user and, but for the last one, from its supervisor's process. */

#include <string.h>

#include "record.h"
#include "report/past-stop-internal.h"
#include "report/story-reader.h"

#define STORY_HOUR      ((int64_t) USEC_PER_HOUR)
#define STORY_EARLY_MAX 50

static void story_terms_add_event(StoryTerms *terms, RecordEvent event) {
        story_terms_add(terms, "MESSAGE_ID=%s", record_event_info(event)->message_id);
}

static StoryOrigin story_entry_instant(const JournalEntry *entry) {
        return (StoryOrigin){ entry->realtime_usec, entry->monotonic_usec, entry->boot_id };
}

static bool story_reader_is_stop(const StoryReader *reader) {
        const JournalEntry *entry = &reader->entry;
        const PastStop *stop = reader->stop;

        return stop->state == RUN_STOPPED && entry->realtime_usec == stop->realtime_usec &&
                entry->monotonic_usec == stop->monotonic_usec &&
                sd_id128_equal(entry->boot_id, stop->boot_id);
}

/* Whether the writer is another one than that of the run, as far as both are known. */
static bool story_reader_denies_writer(const StoryReader *reader) {
        const PastStop *stop = reader->stop;
        RecordWriter writer;

        record_writer_read(&reader->entry, &writer);
        if (!sd_id128_is_null(writer.machine_id) && !sd_id128_is_null(stop->machine_id) &&
                !sd_id128_equal(writer.machine_id, stop->machine_id))
                return true;
        if (writer.pid > 0 && reader->supervisor_pid > 0 && writer.pid != reader->supervisor_pid)
                return true;
        if (writer.uid == 0 || writer.uid == (uid_t) -1)
                return false;
        return (stop->uid != (uid_t) -1 && writer.uid != stop->uid && stop->uid != 0) ||
                (writer.unit && stop->unit && strcmp(writer.unit, stop->unit) != 0);
}

static bool story_reader_believes(const StoryReader *reader) {
        const char *forgery;

        return story_reader_is_stop(reader) || /* judged by whoever has made the stop of it */
                (record_trust_judge(&reader->entry, &forgery) != TRUST_FORGED &&
                        !story_reader_denies_writer(reader));
}

static void story_reader_learn_pid(StoryReader *reader) {
        uint64_t pid;

        if (reader->gateway_pid == 0 &&
                journal_entry_get_unsigned(&reader->entry, "GATEWATCH_PID", &pid) && pid > 0 &&
                pid <= INT32_MAX)
                reader->gateway_pid = (pid_t) pid;
}

static int story_take_started(StoryReader *reader) {
        uint64_t pid;

        if (!story_reader_believes(reader))
                return 0;
        if (reader->supervisor_pid == 0 &&
                journal_entry_get_unsigned(&reader->entry, "_PID", &pid) && pid <= INT32_MAX)
                reader->supervisor_pid = (pid_t) pid;
        reader->began = story_entry_instant(&reader->entry);
        reader->has_began = true;
        return 1;
}

static int story_take_signal(StoryReader *reader) {
        if (!story_reader_believes(reader))
                return 0;
        reader->signal = story_entry_instant(&reader->entry);
        reader->has_signal = true;
        return 1;
}

/* Everything of the run's invocation, whoever wrote it: of a run that recorded no end the best known. */
static int story_take_last(StoryReader *reader) {
        reader->found->origin = story_entry_instant(&reader->entry);
        return 1;
}

static bool story_stop_is_recorded_in_time(const PastStop *stop) {
        return stop->state == RUN_STOPPED &&
                (!stop->recorded_by || strcmp(stop->recorded_by, "next-run") != 0);
}

/* The earlier one counts. The realtime clock may have been set since the signal came. */
static void story_origin_compare(StoryOrigin *origin, const StoryOrigin *signal) {
        if (!sd_id128_equal(origin->boot_id, signal->boot_id))
                return;
        if (signal->monotonic_usec < origin->monotonic_usec)
                *origin = *signal;
        else
                origin->realtime_usec = usec_sub(
                        signal->realtime_usec, signal->monotonic_usec - origin->monotonic_usec);
}

static int story_reader_find_origin(StoryReader *reader) {
        const PastStop *stop = reader->stop;
        const bool is_timed = reader->is_timed;
        StoryOrigin *origin = &reader->found->origin;
        StoryTerms invocation = {};

        *origin = (StoryOrigin){ stop->realtime_usec, stop->monotonic_usec, stop->boot_id };
        if (is_timed && stop->total_usec == 0)
                return 0;
        if (is_timed && stop->total_usec <= origin->monotonic_usec) {
                origin->monotonic_usec -= stop->total_usec;
                origin->realtime_usec = usec_sub(origin->realtime_usec, stop->total_usec);
                if (reader->has_signal)
                        story_origin_compare(origin, &reader->signal);
                return 0;
        }
        if (reader->has_signal)
                *origin = reader->signal;
        if (reader->has_signal || is_timed)
                return 0;
        story_terms_add_id(&invocation, "_SYSTEMD_INVOCATION_ID", stop->run_id);
        return story_reader_ask(
                reader, &invocation, JOURNAL_BACKWARD, STORY_ANY_TIME, story_take_last);
}

int story_reader_find_begin(StoryReader *reader) {
        StoryTerms started = {}, signal = {};
        int r;

        reader->is_timed = story_stop_is_recorded_in_time(reader->stop);
        if (reader->is_timed && reader->stop->recorded_by &&
                strcmp(reader->stop->recorded_by, "run") == 0)
                reader->supervisor_pid = reader->stop->writer_pid;
        story_terms_add_event(&started, RECORD_STARTED);
        story_terms_add_id(&started, "GATEWATCH_RUN_ID", reader->stop->run_id);
        r = story_reader_ask(reader, &started, JOURNAL_FORWARD, STORY_ANY_TIME, story_take_started);
        if (r < 0)
                return r;
        story_terms_add_event(&signal, RECORD_SIGNAL);
        story_terms_add_id(&signal, "GATEWATCH_RUN_ID", reader->stop->run_id);
        r = story_reader_ask(reader, &signal, JOURNAL_FORWARD, STORY_ANY_TIME, story_take_signal);
        if (r < 0)
                return r;
        r = story_reader_find_origin(reader);
        reader->began_usec = -STORY_AROUND;
        if (reader->has_began &&
                sd_id128_equal(reader->began.boot_id, reader->found->origin.boot_id))
                reader->began_usec = (int64_t) (reader->began.monotonic_usec -
                        reader->found->origin.monotonic_usec);
        return r;
}

/* The realtime clock may have jumped between two records: both of its times are asked for. */
static void story_reader_widen(StoryReader *reader, usec_t realtime_usec) {
        if (realtime_usec < reader->since_usec)
                reader->since_usec = realtime_usec;
        if (realtime_usec > reader->until_usec)
                reader->until_usec = realtime_usec;
}

static int story_reader_add_own(StoryReader *reader) {
        StoryFound *found = reader->found;
        StoryDraft draft = {};
        int64_t end_usec;
        int r = story_record_read(&reader->entry, story_reader_at(reader), &draft);

        if (r <= 0)
                return r;
        if (draft.item.kind == STORY_STOPPED && !story_reader_is_stop(reader)) {
                story_draft_done(&draft);
                return 0;
        }
        end_usec = draft.item.end_usec;
        if (end_usec > reader->last_usec)
                reader->last_usec = end_usec;
        if (end_usec > found->end_usec && (draft.item.kind != STORY_STOPPED || reader->is_timed))
                found->end_usec = end_usec;
        return story_drafts_add(&found->drafts, &draft);
}

static int story_take_own(StoryReader *reader) {
        const int64_t at_usec = story_reader_at(reader);

        if (!story_reader_believes(reader))
                return 0;
        if (at_usec < -STORY_HOUR) {
                reader->has_cut = true;
                return 1;
        }
        story_reader_learn_pid(reader);
        if (at_usec >= -STORY_AROUND)
                story_reader_widen(reader, reader->entry.realtime_usec);
        return story_reader_add_own(reader);
}

static int story_take_early(StoryReader *reader) {
        if (story_reader_at(reader) >= -STORY_HOUR || reader->n_left == 0)
                return 1;
        if (!story_reader_believes(reader))
                return 0;
        reader->n_left--;
        story_reader_learn_pid(reader);
        return story_reader_add_own(reader);
}

int story_reader_read_own(StoryReader *reader) {
        static const RecordEvent early[] = { RECORD_STARTED, RECORD_READY, RECORD_SHORT_TIMEOUT,
                RECORD_PREVIOUS, RECORD_DEGRADED };
        StoryTerms all = {}, first = {};
        int r;

        reader->since_usec = reader->until_usec = reader->found->origin.realtime_usec;
        story_reader_widen(reader, reader->stop->realtime_usec);
        story_terms_add_id(&all, "GATEWATCH_RUN_ID", reader->stop->run_id);
        r = story_reader_ask(reader, &all, JOURNAL_BACKWARD, STORY_ANY_TIME, story_take_own);
        story_drafts_reverse(&reader->found->drafts, 0);
        if (r < 0 || !reader->has_cut)
                return r;
        story_terms_add_id(&first, "GATEWATCH_RUN_ID", reader->stop->run_id);
        for (size_t i = 0; i < ELEMENTSOF(early); i++)
                story_terms_add_event(&first, early[i]);
        reader->n_left = STORY_EARLY_MAX;
        return story_reader_ask(reader, &first, JOURNAL_FORWARD, STORY_ANY_TIME, story_take_early);
}
