/* SPDX-License-Identifier: MIT */

/* Anybody may send the journal a record with any fields; those whose names begin with "_" the journal adds
 * itself. What contradicts them is forged:
 *
 *  - It came by another way than our own, or from a process that is not called gatewatch.
 *  - It speaks of a unit that the writer is not in.
 *  - Its run is that of another machine, unit or user, as the run's `started` tells. root may write for anybody
 *    (ExecStopPost=+); runs in no service are followed by the next one in whatever session that is in. Of a
 *    `started` and a `stopped` that differ the one is right that came from the invocation which the run's id is.
 *  - It is the last record of a run without a first one, and the journal could not look at its writer.
 *  - It claims to come from the run itself, but another process wrote it. This tells the supervisor apart from a
 *    gateway that calls itself gatewatch: the two share unit and user.
 *
 * The journal reads /proc/PID when it takes a record. Of a writer that has exited by then it knows only what
 * came with the message, its pid, uid and gid: that is too little to believe, and nothing to hold against it.
 * The same of a writer that had something to log before it executed gatewatch: for a second the journal takes what
 * it is sent for words of the manager's child, called "(gatewatch)" or a part of that, and perhaps not in its unit
 * yet (journald-context.c, REFRESH_USEC). In a manager's own init.scope there is nobody but that manager.
 *
 * Source: systemd.journal-fields(7). */

#include <limits.h>
#include <string.h>

#include "past-stop-internal.h"

#define RECORD_COMM   "gatewatch"
#define MANAGER_SCOPE "init.scope"

static bool text_has_suffix(const char *text, const char *suffix) {
        const size_t length = strlen(text), suffix_length = strlen(suffix);

        return length > suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

static bool text_equals(const char *a, const char *b) {
        return a && b && strcmp(a, b) == 0;
}

/* Whether the journal has looked at the writer while it was systemd's child, before execve(2), or in the midst of
 * that: it reads the name first and the program last. */
static bool entry_is_of_managers_child(const JournalEntry *entry) {
        const char *comm = journal_entry_get(entry, "_COMM");
        const char *exe = journal_entry_get(entry, "_EXE");

        return comm && comm[0] == '(' && exe &&
                (text_has_suffix(exe, "/systemd") || text_has_suffix(exe, "/systemd-executor") ||
                        text_has_suffix(exe, "/" RECORD_COMM));
}

void record_writer_read(const JournalEntry *entry, RecordWriter *ret_writer) {
        const char *system_unit = journal_entry_get(entry, "_SYSTEMD_UNIT");
        const char *user_unit = journal_entry_get(entry, "_SYSTEMD_USER_UNIT");
        RecordWriter writer = {
                .unit = user_unit ?: system_unit,
                .uid = (uid_t) -1,
                .is_of_invocation = record_is_of_invocation(entry),
        };
        uint64_t value;

        if (text_equals(writer.unit, MANAGER_SCOPE) && entry_is_of_managers_child(entry))
                writer.unit = journal_entry_get(entry, "GATEWATCH_UNIT");
        if (writer.unit && text_has_suffix(writer.unit, ".service")) {
                if (user_unit)
                        writer.manager = UNIT_MANAGER_USER;
                /* What runs in user@1000.service, but in none of its units, is a login's. */
                else if (strncmp(writer.unit, "user@", strlen("user@")) != 0)
                        writer.manager = UNIT_MANAGER_SYSTEM;
        }
        (void) journal_entry_get_id(entry, "_MACHINE_ID", &writer.machine_id);
        if (journal_entry_get_unsigned(entry, "_UID", &value) && value < UINT32_MAX)
                writer.uid = (uid_t) value;
        if (journal_entry_get_unsigned(entry, "_PID", &value) && value <= INT_MAX)
                writer.pid = (pid_t) value;
        *ret_writer = writer;
}

RecordTrust record_trust_judge(const JournalEntry *entry, const char **ret_forgery) {
        const char *transport = journal_entry_get(entry, "_TRANSPORT");
        const char *comm = journal_entry_get(entry, "_COMM");
        const char *claimed_unit = journal_entry_get(entry, "GATEWATCH_UNIT");
        RecordWriter writer;

        record_writer_read(entry, &writer);
        *ret_forgery = NULL;
        if (transport && strcmp(transport, "journal") != 0)
                *ret_forgery = "it did not come by the journal's own socket";
        else if (comm && strcmp(comm, RECORD_COMM) != 0 && !entry_is_of_managers_child(entry))
                *ret_forgery = "its writer was not gatewatch";
        else if (claimed_unit && writer.unit && strcmp(claimed_unit, writer.unit) != 0)
                *ret_forgery = "its writer was in another unit than it says";
        if (*ret_forgery)
                return TRUST_FORGED;
        if (!text_equals(comm, RECORD_COMM) || writer.uid == (uid_t) -1 ||
                (claimed_unit && !writer.unit))
                return TRUST_UNVERIFIED;
        return TRUST_BELIEVED;
}

static bool past_stop_is_of_place(const PastStop *stop, const RecordWriter *started) {
        if (!stop->unit || !started->unit)
                return true;
        if (stop->manager != started->manager)
                return false;
        return (stop->manager == UNIT_MANAGER_NONE && text_equals(stop->recorded_by, "next-run")) ||
                strcmp(stop->unit, started->unit) == 0;
}

static bool past_stop_is_of_process(const PastStop *stop, const RecordWriter *started) {
        if (text_equals(stop->recorded_by, "post") || text_equals(stop->recorded_by, "next-run"))
                return true;
        return stop->writer_pid == 0 || started->pid == 0 || stop->writer_pid == started->pid;
}

/* Returns: what tells the two apart; NULL: nothing does. */
static const char *past_stop_compare_place(const PastStop *stop, const RecordWriter *started) {
        const bool is_root = stop->uid == 0;

        if (!sd_id128_is_null(stop->machine_id) && !sd_id128_is_null(started->machine_id) &&
                !sd_id128_equal(stop->machine_id, started->machine_id))
                return "its run was one of another machine";
        if (!is_root && stop->uid != started->uid && stop->uid != (uid_t) -1 &&
                started->uid != (uid_t) -1)
                return "its writer was another user than the run's";
        if (!past_stop_is_of_place(stop, started))
                return "its writer was in another unit than the run";
        return NULL;
}

RecordTrust record_trust_judge_beside(
        const PastStop *stop, const RecordWriter *started, const char **ret_forgery) {
        *ret_forgery = stop->forgery;
        if (stop->trust == TRUST_FORGED || record_denies_started(stop, started))
                return stop->trust;
        *ret_forgery = past_stop_compare_place(stop, started);
        if (!*ret_forgery && !past_stop_is_of_process(stop, started))
                *ret_forgery = "its writer was another process than the run's";
        return *ret_forgery ? TRUST_FORGED : stop->trust;
}

bool record_denies_started(const PastStop *stop, const RecordWriter *started) {
        return stop->trust == TRUST_BELIEVED && stop->is_of_invocation &&
                !started->is_of_invocation && past_stop_compare_place(stop, started) != NULL;
}

unsigned record_rank(const PastStop *stop, RecordTrust trust) {
        return 2 * (unsigned) trust + !stop->is_of_invocation;
}

bool record_is_of_invocation(const JournalEntry *entry) {
        sd_id128_t run_id, invocation_id;

        return journal_entry_get_id(entry, "GATEWATCH_RUN_ID", &run_id) &&
                journal_entry_get_id(entry, "_SYSTEMD_INVOCATION_ID", &invocation_id) &&
                sd_id128_equal(run_id, invocation_id);
}
