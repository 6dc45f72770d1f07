/* SPDX-License-Identifier: MIT */

/* What the journal is asked about a stop, and what of the answers is believed.
 *
 *   the run's own records   by their run id; those of the last hour, and of what was before it the few that
 *                           say how the run was
 *   systemd's               by the unit and the run's invocation; without one those of the minute around
 *   the kernel's            kills for want of memory that name a process or the control group of the run
 *   systemd-oomd's          that name the unit
 *   systemd-coredump's      of the unit, in the time of the run
 *   the gateway's own       the last lines of the run's invocation, or of its process
 *
 * Each is one question to the journal's index, bounded by run, boot or time. Times are told by the monotonic
 * clock of the boot; the realtime clock only bounds what is asked, with room for what it may have jumped
 * between two records of the run.
 *
 * A unit that is restarted at once may run out of memory or dump core again in the minute behind the stop. What is
 * told by the unit's name alone counts up to the run's end, where that is known; what names the gateway's process
 * counts behind it, since a core is told of when it is written.
 *
 * Whom to believe: journald vouches for fields that begin with "_", and each question has one of them. */

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "report/story-reader.h"

#define STORY_LOG_SLACK        ((int64_t) USEC_PER_SEC)
#define STORY_COREDUMPS_MAX    5
#define STORY_COREDUMP_ID      "fc2e22bc6ee647b6b90729ab34a250b1"
#define STORY_OUT_OF_MEMORY_ID "fe6faa94e7774663a0da52717891d8ef"
#define STORY_OOMD_KILL_ID     "d989611b15e44c9dbf31e3c81256e4ed"

/* ---- Questions ------------------------------------------------------------------------------- */

void story_terms_add(StoryTerms *terms, const char *format, ...) {
        va_list list;

        assert(terms->n < STORY_TERMS_MAX);

        va_start(list, format);
        (void) vsnprintf(terms->texts[terms->n], STORY_TERM_MAX, format, list);
        va_end(list);
        terms->list[terms->n] = terms->texts[terms->n];
        terms->n++;
}

void story_terms_add_id(StoryTerms *terms, const char *field, sd_id128_t id) {
        story_terms_add(terms, "%s=" SD_ID128_FORMAT_STR, field, SD_ID128_FORMAT_VAL(id));
}

int story_reader_ask(StoryReader *reader, const StoryTerms *terms, JournalDirection direction,
        StoryBounds bounds, StoryTake take) {
        const JournalQuestion question = {
                .terms = terms->list,
                .since_usec = bounds == STORY_AROUND_STOP ? reader->since_usec : 0,
                .until_usec = bounds == STORY_AROUND_STOP ? reader->until_usec : USEC_INFINITY,
                .boot_id = bounds == STORY_ANY_TIME ? SD_ID128_NULL : reader->found->origin.boot_id,
                .direction = direction,
        };
        int r = journal_query_ask(reader->query, &question);

        while (r >= 0) {
                r = journal_query_next(reader->query, &reader->entry);
                if (r <= 0)
                        return r;
                r = take(reader);
                if (r > 0)
                        return 0;
        }
        return r;
}

int64_t story_reader_at(const StoryReader *reader) {
        return story_origin_offset(&reader->found->origin, &reader->entry);
}

static bool story_entry_has(const JournalEntry *entry, const char *name, const char *word) {
        const char *value = journal_entry_get(entry, name);

        return value && strcmp(value, word) == 0;
}

/* Whether a field that should have this value has another one. */
static bool story_entry_denies(const JournalEntry *entry, const char *name, const char *word) {
        const char *value = journal_entry_get(entry, name);

        return value && word && strcmp(value, word) != 0;
}

static int story_reader_add_foreign(StoryReader *reader, StoryKind kind, const char *label) {
        StoryDraft draft = {};
        int r = story_record_read_foreign(
                &reader->entry, story_reader_at(reader), kind, label, &draft);

        return r < 0 ? r : story_drafts_add(&reader->found->drafts, &draft);
}

/* ---- systemd's -------------------------------------------------------------------------------- */

/* In the minute before the stop, until a minute after it. */
static bool story_reader_is_around(const StoryReader *reader) {
        const int64_t at_usec = story_reader_at(reader);

        return at_usec >= -STORY_AROUND && at_usec <= reader->last_usec + STORY_AROUND;
}

static int story_take_systemd(StoryReader *reader) {
        const JournalEntry *entry = &reader->entry;

        if (!story_reader_is_around(reader) ||
                story_entry_denies(entry, "_SYSTEMD_USER_UNIT", "init.scope"))
                return 0;
        if (story_entry_has(entry, "MESSAGE_ID", STORY_OUT_OF_MEMORY_ID) ||
                story_entry_has(entry, "MESSAGE_ID", STORY_OOMD_KILL_ID))
                return story_reader_add_foreign(reader, STORY_OOM, "oom");
        return story_reader_add_foreign(reader, STORY_SYSTEMD, "systemd");
}

static int story_take_systemd_without_invocation(StoryReader *reader) {
        if (journal_entry_get(&reader->entry, "INVOCATION_ID") ||
                journal_entry_get(&reader->entry, "USER_INVOCATION_ID"))
                return 0;
        return story_take_systemd(reader);
}

static void story_terms_add_manager(StoryTerms *terms, const PastStop *stop) {
        if (stop->manager == UNIT_MANAGER_USER) {
                story_terms_add(terms, "_UID=%u", stop->uid);
                story_terms_add(terms, "USER_UNIT=%s", stop->unit);
        } else {
                story_terms_add(terms, "_PID=1");
                story_terms_add(terms, "UNIT=%s", stop->unit);
        }
}

static int story_reader_read_systemd(StoryReader *reader) {
        const PastStop *stop = reader->stop;
        const bool is_user = stop->manager == UNIT_MANAGER_USER;
        StoryTerms invocation = {}, around = {};
        int r;

        if (stop->manager == UNIT_MANAGER_NONE || !stop->unit)
                return 0;
        story_terms_add_manager(&invocation, stop);
        story_terms_add_id(
                &invocation, is_user ? "USER_INVOCATION_ID" : "INVOCATION_ID", stop->run_id);
        r = story_reader_ask(
                reader, &invocation, JOURNAL_FORWARD, STORY_THIS_BOOT, story_take_systemd);
        if (r < 0)
                return r;
        story_terms_add_manager(&around, stop);
        return story_reader_ask(reader, &around, JOURNAL_FORWARD, STORY_AROUND_STOP,
                story_take_systemd_without_invocation);
}

/* ---- Want of memory --------------------------------------------------------------------------- */

/* Whether what came at this time cannot have been of the next run. */
static bool story_reader_is_in_run(const StoryReader *reader, int64_t at_usec) {
        return !reader->is_timed || at_usec <= reader->last_usec + (int64_t) STORY_SLACK_USEC;
}

/* Whether a path in text has the unit as one of its parts. */
static bool story_text_names_unit(const char *text, const char *unit) {
        const size_t size = unit ? strlen(unit) : 0;

        for (const char *at = text; size > 0 && (at = strstr(at, unit)); at += size)
                if (at > text && at[-1] == '/' && (at[size] == '\0' || strchr("/, \t", at[size])))
                        return true;
        return false;
}

/* The pid in "[Memory cgroup ]out of memory…: Killed process 123 (comm) …". Returns: 0: no such line.
 * Source: mm/oom_kill.c of Linux 5.1 and later. */
static pid_t story_text_killed(const char *text) {
        static const char killed[] = ": Killed process ";
        const bool is_oom = strncmp(text, "Out of memory", 13) == 0 ||
                strncmp(text, "Memory cgroup out of memory", 27) == 0;
        const char *at = is_oom ? strstr(text, killed) : NULL;
        unsigned long pid = at ? strtoul(at + sizeof(killed) - 1, NULL, 10) : 0;

        return pid <= INT32_MAX ? (pid_t) pid : 0;
}

/* A line "oom-kill:…,task_memcg=/system.slice/hermes.service,…" stands before the one that tells the kill. */
static int story_take_kernel(StoryReader *reader) {
        const char *text = journal_entry_get(&reader->entry, "MESSAGE");
        const int64_t at_usec = story_reader_at(reader);
        bool is_ours;
        pid_t pid;

        /* Lines that were written to /dev/kmsg have another facility. */
        if (!text || !story_reader_is_around(reader) ||
                story_entry_denies(&reader->entry, "SYSLOG_FACILITY", "0"))
                return 0;
        if (strncmp(text, "oom-kill:", 9) == 0) {
                const char *task = strstr(text, ",task_memcg=");

                reader->is_oom_ours = task && story_text_names_unit(task, reader->stop->unit) &&
                        reader->stop->manager != UNIT_MANAGER_NONE;
                return 0;
        }
        pid = story_text_killed(text);
        if (pid == 0)
                return 0;
        is_ours = (reader->is_oom_ours && story_reader_is_in_run(reader, at_usec)) ||
                pid == reader->gateway_pid || pid == reader->supervisor_pid;
        reader->is_oom_ours = false;
        return is_ours ? story_reader_add_foreign(reader, STORY_OOM, "oom") : 0;
}

static int story_take_oomd(StoryReader *reader) {
        const char *text = journal_entry_get(&reader->entry, "MESSAGE");

        if (!text || !story_reader_is_around(reader) ||
                !story_reader_is_in_run(reader, story_reader_at(reader)) ||
                strncasecmp(text, "Killed ", 7) != 0 ||
                !story_text_names_unit(text, reader->stop->unit))
                return 0;
        return story_reader_add_foreign(reader, STORY_OOM, "oomd");
}

static int story_reader_read_ooms(StoryReader *reader) {
        StoryTerms kernel = {}, oomd = {};
        int r;

        story_terms_add(&kernel, "_TRANSPORT=kernel");
        r = story_reader_ask(
                reader, &kernel, JOURNAL_FORWARD, STORY_AROUND_STOP, story_take_kernel);
        if (r < 0 || !reader->stop->unit)
                return r;
        story_terms_add(&oomd, "_SYSTEMD_UNIT=systemd-oomd.service");
        return story_reader_ask(reader, &oomd, JOURNAL_FORWARD, STORY_AROUND_STOP, story_take_oomd);
}

/* ---- Core dumps ------------------------------------------------------------------------------- */

/* It gives its privileges up before it writes: _UID= need not be root's, but nobody else is in its unit. */
static bool story_entry_is_of_coredump(const JournalEntry *entry) {
        static const char unit[] = "systemd-coredump@";
        const char *value = journal_entry_get(entry, "_SYSTEMD_UNIT");

        return story_entry_has(entry, "_UID", "0") ||
                (value && strncmp(value, unit, sizeof(unit) - 1) == 0);
}

/* When the process crashed, to the second: an earlier one may be told. The entry comes when the core is written. */
static int64_t story_reader_crashed_at(const StoryReader *reader) {
        const int64_t at_usec = story_reader_at(reader);
        usec_t crashed_usec;

        if (!journal_entry_get_usec(&reader->entry, "COREDUMP_TIMESTAMP", &crashed_usec) ||
                crashed_usec >= reader->entry.realtime_usec ||
                reader->entry.realtime_usec - crashed_usec > USEC_PER_DAY)
                return at_usec;
        return at_usec - (int64_t) (reader->entry.realtime_usec - crashed_usec);
}

/* Units of several users may have one name, and runs of one unit follow each other. */
static bool story_entry_is_coredump_of_run(const StoryReader *reader) {
        const JournalEntry *entry = &reader->entry;
        uint64_t pid, uid;

        if (reader->stop->manager == UNIT_MANAGER_USER && reader->stop->uid != (uid_t) -1 &&
                (journal_entry_get_unsigned(entry, "COREDUMP_OWNER_UID", &uid) ||
                        journal_entry_get_unsigned(entry, "COREDUMP_UID", &uid)) &&
                uid != reader->stop->uid)
                return false;
        if (journal_entry_get_unsigned(entry, "COREDUMP_PID", &pid) && pid > 0 &&
                (pid == (uint64_t) reader->gateway_pid || pid == (uint64_t) reader->supervisor_pid))
                return true;
        return story_reader_is_in_run(reader, story_reader_crashed_at(reader));
}

static int story_take_coredump(StoryReader *reader) {
        const int64_t at_usec = story_reader_at(reader);

        if (at_usec < reader->began_usec || reader->n_left == 0)
                return 1;
        if (at_usec > reader->last_usec + STORY_AROUND ||
                !story_entry_is_of_coredump(&reader->entry) ||
                !story_entry_is_coredump_of_run(reader))
                return 0;
        reader->n_left--;
        return story_reader_add_foreign(reader, STORY_COREDUMP, "coredump");
}

static int story_reader_read_coredumps(StoryReader *reader) {
        const PastStop *stop = reader->stop;
        StoryTerms terms = {};
        const size_t first = reader->found->drafts.n;
        int r;

        story_terms_add(&terms, "MESSAGE_ID=" STORY_COREDUMP_ID);
        if (stop->manager != UNIT_MANAGER_NONE && stop->unit)
                story_terms_add(&terms, "%s=%s",
                        stop->manager == UNIT_MANAGER_USER ? "COREDUMP_USER_UNIT" : "COREDUMP_UNIT",
                        stop->unit);
        else if (reader->gateway_pid > 0)
                story_terms_add(&terms, "COREDUMP_PID=%d", reader->gateway_pid);
        else
                return 0;
        reader->n_left = STORY_COREDUMPS_MAX;
        r = story_reader_ask(
                reader, &terms, JOURNAL_BACKWARD, STORY_THIS_BOOT, story_take_coredump);
        story_drafts_reverse(&reader->found->drafts, first);
        return r;
}

/* ---- The gateway's own lines ------------------------------------------------------------------ */

static int story_take_log(StoryReader *reader) {
        const JournalEntry *entry = &reader->entry;
        const int64_t at_usec = story_reader_at(reader);

        if (at_usec < reader->began_usec && reader->has_began)
                return 1;
        if (at_usec > reader->last_usec + STORY_LOG_SLACK ||
                story_entry_has(entry, "_COMM", "gatewatch") ||
                story_entry_has(entry, "SYSLOG_IDENTIFIER", "gatewatch"))
                return 0;
        reader->n_left--;
        return story_reader_add_foreign(reader, STORY_LOG, "log") ?: reader->n_left == 0;
}

static int story_reader_read_log(StoryReader *reader, size_t n_lines) {
        const PastStop *stop = reader->stop;
        StoryTerms terms = {};
        const size_t first = reader->found->drafts.n;
        int r;

        if (stop->manager == UNIT_MANAGER_SYSTEM && stop->unit) {
                story_terms_add(&terms, "_SYSTEMD_UNIT=%s", stop->unit);
                story_terms_add_id(&terms, "_SYSTEMD_INVOCATION_ID", stop->run_id);
        } else if (stop->manager == UNIT_MANAGER_USER && stop->unit) {
                /* Of units of a user journald may tell the invocation of the manager. */
                story_terms_add(&terms, "_SYSTEMD_USER_UNIT=%s", stop->unit);
                story_terms_add(&terms, "_UID=%u", stop->uid);
        } else if (reader->gateway_pid > 0)
                story_terms_add(&terms, "_PID=%d", reader->gateway_pid);
        if (terms.n == 0 || n_lines == 0)
                return 0;
        reader->n_left = n_lines;
        r = story_reader_ask(reader, &terms, JOURNAL_BACKWARD, STORY_THIS_BOOT, story_take_log);
        story_drafts_reverse(&reader->found->drafts, first);
        return r;
}

/* ---- All of it -------------------------------------------------------------------------------- */

int story_journal_collect(
        JournalQuery *query, const PastStop *stop, size_t n_log_lines, StoryFound *ret_found) {
        StoryFound found = {};
        StoryReader reader = { .query = query, .stop = stop, .found = &found };
        int r;

        assert(query);
        assert(stop);
        assert(ret_found);

        r = story_reader_find_begin(&reader);
        if (r >= 0)
                r = story_reader_read_own(&reader);
        reader.since_usec = usec_sub(reader.since_usec, STORY_AROUND);
        reader.until_usec = usec_add(reader.until_usec, STORY_AROUND);
        if (r >= 0)
                r = story_reader_read_ooms(&reader);
        if (r >= 0)
                r = story_reader_read_systemd(&reader);
        if (r >= 0)
                r = story_reader_read_coredumps(&reader);
        if (r >= 0)
                r = story_reader_read_log(&reader, n_log_lines);
        journal_entry_done(&reader.entry);
        if (r < 0) {
                story_drafts_done(&found.drafts);
                return r;
        }
        *ret_found = found;
        return 0;
}
