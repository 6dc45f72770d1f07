/* SPDX-License-Identifier: MIT */

/* A stop is read field by field; a value that is not of its field's type counts as one that is not there, and a
 * word that is not known here stays a word. All strings lie one behind the other in one block, so that a hundred
 * thousand stops are a hundred thousand blocks and not millions: while a stop is read its strings point into the
 * entry, then they are packed.
 *
 * Nothing is cleaned or shortened here: whoever shows a string does that. */

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "past-stop-internal.h"

#define STRING(member) offsetof(PastStop, member)

/* All strings of a stop but forgery, which is static. */
static const size_t past_stop_strings[] = {
        STRING(host),
        STRING(unit),
        STRING(name),
        STRING(recorded_by),
        STRING(cause_word),
        STRING(cause_detail),
        STRING(outcome_word),
        STRING(exit_code),
        STRING(exit_status),
        STRING(signal),
        STRING(sender.user),
        STRING(sender.comm),
        STRING(sender.cmdline),
        STRING(sender.unit),
        STRING(sender.ancestry),
        STRING(sender.state),
        STRING(sender.verb),
        STRING(requester.user),
        STRING(requester.comm),
        STRING(requester.cmdline),
        STRING(requester.unit),
        STRING(requester.ancestry),
        STRING(requester.state),
        STRING(requester.verb),
        STRING(active_source),
        STRING(phases),
        STRING(gateway_phases),
        STRING(steps),
        STRING(slowest_step),
        STRING(timeline),
        STRING(service_result),
        STRING(previous_phase),
        STRING(previous_gateway_phase),
        STRING(previous_step),
        STRING(command),
};

static const char *const run_state_table[_RUN_STATE_MAX] = {
        [RUN_STOPPED] = "stopped",
        [RUN_UNRECORDED] = "unrecorded",
        [RUN_RUNNING] = "running",
};

static const char *const record_trust_table[_RECORD_TRUST_MAX] = {
        [TRUST_BELIEVED] = "believed",
        [TRUST_UNVERIFIED] = "unverified",
        [TRUST_FORGED] = "forged",
};

const char *run_state_to_string(RunState state) {
        assert(state >= 0 && state < _RUN_STATE_MAX);

        return run_state_table[state];
}

RunState run_state_from_string(const char *name) {
        for (RunState state = 0; name && state < _RUN_STATE_MAX; state++)
                if (strcmp(run_state_table[state], name) == 0)
                        return state;
        return _RUN_STATE_INVALID;
}

const char *record_trust_to_string(RecordTrust trust) {
        assert(trust >= 0 && trust < _RECORD_TRUST_MAX);

        return record_trust_table[trust];
}

/* ---- Strings ----------------------------------------------------------------------------------- */

static const char **past_stop_string(PastStop *stop, size_t i) {
        return (const char **) (void *) ((char *) stop + past_stop_strings[i]);
}

/* Copies the strings, wherever they are, into a block of their own; empty ones say nothing. On failure the stop's
 * strings stay where they are. */
static int past_stop_pack(PastStop *stop) {
        size_t size = 0;
        char *text, *end;

        for (size_t i = 0; i < ELEMENTSOF(past_stop_strings); i++)
                if (*past_stop_string(stop, i))
                        size += strlen(*past_stop_string(stop, i)) + 1;
        end = text = malloc(size + 1); /* never of no bytes: text tells that it is packed */
        if (!text)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(past_stop_strings); i++) {
                const char **string = past_stop_string(stop, i);

                if (*string && !**string)
                        *string = NULL;
                if (!*string)
                        continue;
                const char *copy = end;
                end = stpcpy(end, *string) + 1;
                *string = copy;
        }
        free(stop->text);
        stop->text = text;
        return 0;
}

void past_stop_done(PastStop *stop) {
        free(stop->text);
        *stop = (PastStop){};
}

void stop_list_done(StopList *list) {
        for (size_t i = 0; i < list->n; i++)
                past_stop_done(&list->stops[i]);
        free(list->stops);
        *list = (StopList){};
}

/* ---- Fields ------------------------------------------------------------------------------------ */

static usec_t entry_usec(const JournalEntry *entry, const char *name) {
        usec_t value;

        return journal_entry_get_usec(entry, name, &value) ? value : USEC_INFINITY;
}

static uint64_t entry_count(const JournalEntry *entry, const char *name) {
        uint64_t value;

        return journal_entry_get_unsigned(entry, name, &value) ? value : UINT64_MAX;
}

static uid_t entry_uid(const JournalEntry *entry, const char *name) {
        uint64_t value;

        return journal_entry_get_unsigned(entry, name, &value) && value < UINT32_MAX ? (uid_t) value
                                                                                     : (uid_t) -1;
}

static pid_t entry_pid(const JournalEntry *entry, const char *name) {
        uint64_t value;

        return journal_entry_get_unsigned(entry, name, &value) && value <= INT_MAX ? (pid_t) value
                                                                                   : 0;
}

static void past_stop_read_sender(PastStop *stop, const JournalEntry *entry) {
        stop->sender = (StopParty){
                .pid = entry_pid(entry, "GATEWATCH_SENDER_PID"),
                .uid = entry_uid(entry, "GATEWATCH_SENDER_UID"),
                .loginuid = entry_uid(entry, "GATEWATCH_SENDER_LOGINUID"),
                .user = journal_entry_get(entry, "GATEWATCH_SENDER_USER"),
                .comm = journal_entry_get(entry, "GATEWATCH_SENDER_COMM"),
                .cmdline = journal_entry_get(entry, "GATEWATCH_SENDER_CMDLINE"),
                .unit = journal_entry_get(entry, "GATEWATCH_SENDER_UNIT"),
                .ancestry = journal_entry_get(entry, "GATEWATCH_SENDER_ANCESTRY"),
                .state = journal_entry_get(entry, "GATEWATCH_SENDER_STATE"),
        };
}

static void past_stop_read_requester(PastStop *stop, const JournalEntry *entry) {
        stop->requester = (StopParty){
                .pid = entry_pid(entry, "GATEWATCH_REQUESTER_PID"),
                .uid = entry_uid(entry, "GATEWATCH_REQUESTER_UID"),
                .loginuid = entry_uid(entry, "GATEWATCH_REQUESTER_LOGINUID"),
                .comm = journal_entry_get(entry, "GATEWATCH_REQUESTER_COMM"),
                .cmdline = journal_entry_get(entry, "GATEWATCH_REQUESTER_CMDLINE"),
                .unit = journal_entry_get(entry, "GATEWATCH_REQUESTER_UNIT"),
                .ancestry = journal_entry_get(entry, "GATEWATCH_REQUESTER_ANCESTRY"),
                .verb = journal_entry_get(entry, "GATEWATCH_REQUESTER_VERB"),
        };
}

static void past_stop_read_work(PastStop *stop, const JournalEntry *entry) {
        stop->active_at_start = entry_count(entry, "GATEWATCH_ACTIVE_AT_START");
        stop->active_now = entry_count(entry, "GATEWATCH_ACTIVE_NOW");
        stop->has_active = stop->active_at_start != UINT64_MAX || stop->active_now != UINT64_MAX;
        stop->active_source = journal_entry_get(entry, "GATEWATCH_ACTIVE_SOURCE");
        stop->phases = journal_entry_get(entry, "GATEWATCH_PHASES");
        stop->gateway_phases = journal_entry_get(entry, "GATEWATCH_GATEWAY_PHASES");
        stop->steps = journal_entry_get(entry, "GATEWATCH_STEPS");
        stop->slowest_step = journal_entry_get(entry, "GATEWATCH_SLOWEST_STEP");
        stop->slowest_step_usec = entry_usec(entry, "GATEWATCH_SLOWEST_STEP_USEC");
        stop->timeline = journal_entry_get(entry, "GATEWATCH_TIMELINE");
}

static void past_stop_read_times(PastStop *stop, const JournalEntry *entry) {
        stop->uptime_usec = entry_usec(entry, "GATEWATCH_UPTIME_USEC");
        stop->drain_usec = entry_usec(entry, "GATEWATCH_DRAIN_USEC");
        stop->headroom_usec = entry_usec(entry, "GATEWATCH_HEADROOM_USEC");
        stop->timeout_stop_usec = entry_usec(entry, "GATEWATCH_TIMEOUT_STOP_USEC");
        stop->drain_used_usec = entry_usec(entry, "GATEWATCH_DRAIN_USED_USEC");
        stop->total_usec = entry_usec(entry, "GATEWATCH_TOTAL_USEC");
        stop->began_realtime_usec = USEC_INFINITY;
}

static void past_stop_read_end(PastStop *stop, const JournalEntry *entry) {
        stop->recorded_by = journal_entry_get(entry, "GATEWATCH_RECORDED_BY");
        stop->cause_word = journal_entry_get(entry, "GATEWATCH_CAUSE");
        stop->cause = stop->cause_word ? cause_from_string(stop->cause_word) : _CAUSE_INVALID;
        stop->cause_detail = journal_entry_get(entry, "GATEWATCH_CAUSE_DETAIL");
        stop->outcome_word = journal_entry_get(entry, "GATEWATCH_OUTCOME");
        stop->outcome =
                stop->outcome_word ? outcome_from_string(stop->outcome_word) : _OUTCOME_INVALID;
        stop->exit_code = journal_entry_get(entry, "GATEWATCH_EXIT_CODE");
        stop->exit_status = journal_entry_get(entry, "GATEWATCH_EXIT_STATUS");
        stop->signal = journal_entry_get(entry, "GATEWATCH_SIGNAL");
        stop->n_oom_kills = entry_count(entry, "GATEWATCH_OOM_KILLS");
        stop->service_result = journal_entry_get(entry, "GATEWATCH_SERVICE_RESULT");
        stop->previous_phase = journal_entry_get(entry, "GATEWATCH_PREVIOUS_PHASE");
        stop->previous_gateway_phase = journal_entry_get(entry, "GATEWATCH_PREVIOUS_GATEWAY_PHASE");
        stop->previous_step = journal_entry_get(entry, "GATEWATCH_PREVIOUS_STEP");
}

static void past_stop_read_writer(PastStop *stop, const JournalEntry *entry) {
        RecordWriter writer;

        record_writer_read(entry, &writer);
        stop->machine_id = writer.machine_id;
        stop->host = journal_entry_get(entry, "_HOSTNAME");
        stop->unit = writer.unit;
        stop->manager = writer.manager;
        stop->uid = writer.uid;
        stop->writer_pid = writer.pid;
        stop->is_of_invocation = writer.is_of_invocation;
        stop->realtime_usec = entry->realtime_usec == USEC_INFINITY ? 0 : entry->realtime_usec;
        stop->monotonic_usec = entry->monotonic_usec == USEC_INFINITY ? 0 : entry->monotonic_usec;
        stop->boot_id = entry->boot_id;
        stop->trust = record_trust_judge(entry, &stop->forgery);
}

/* What both records have. */
static int past_stop_read(PastStop *stop, const JournalEntry *entry) {
        if (!journal_entry_get_id(entry, "GATEWATCH_RUN_ID", &stop->run_id) ||
                sd_id128_is_null(stop->run_id))
                return -EBADMSG;
        stop->name = journal_entry_get(entry, "GATEWATCH_NAME");
        past_stop_read_writer(stop, entry);
        past_stop_read_sender(stop, entry);
        past_stop_read_requester(stop, entry);
        past_stop_read_work(stop, entry);
        past_stop_read_times(stop, entry);
        past_stop_read_end(stop, entry);
        return 0;
}

int past_stop_from_entry(const JournalEntry *entry, PastStop *ret_stop) {
        PastStop stop = { .state = RUN_STOPPED };
        int r;

        r = past_stop_read(&stop, entry);
        if (r < 0)
                return r;
        r = past_stop_pack(&stop);
        if (r < 0)
                return r;
        *ret_stop = stop;
        return 0;
}

int past_stop_from_started(const JournalEntry *entry, PastStop *ret_stop) {
        PastStop stop = { .state = RUN_UNRECORDED };
        int r;

        r = past_stop_read(&stop, entry);
        if (r < 0)
                return r;
        stop.began_realtime_usec = stop.realtime_usec;
        stop.uptime_usec = USEC_INFINITY; /* that of the record, not of the run */
        stop.cause = CAUSE_UNKNOWN;
        stop.cause_word = cause_to_string(CAUSE_UNKNOWN);
        stop.outcome = _OUTCOME_INVALID;
        stop.outcome_word = NULL;
        stop.command = journal_entry_get(entry, "GATEWATCH_COMMAND");
        r = past_stop_pack(&stop);
        if (r < 0)
                return r;
        *ret_stop = stop;
        return 0;
}

int past_stop_join(PastStop *stop, const JournalEntry *started) {
        PastStop joined = *stop;
        RecordWriter writer;
        int r;

        record_writer_read(started, &writer);
        if (record_denies_started(stop, &writer))
                return 0;
        joined.trust = record_trust_judge_beside(stop, &writer, &joined.forgery);
        if (joined.trust == TRUST_FORGED) { /* what the run was says nothing about its forger */
                stop->trust = joined.trust;
                stop->forgery = joined.forgery;
                return 0;
        }
        if (!joined.unit) {
                joined.unit = writer.unit;
                joined.manager = writer.manager;
        }
        if (sd_id128_is_null(joined.machine_id))
                joined.machine_id = writer.machine_id;
        joined.host = joined.host ?: journal_entry_get(started, "_HOSTNAME");
        joined.name = joined.name ?: journal_entry_get(started, "GATEWATCH_NAME");
        joined.began_realtime_usec = started->realtime_usec;
        joined.run_boot_id = started->boot_id;
        if (joined.drain_usec == USEC_INFINITY)
                joined.drain_usec = entry_usec(started, "GATEWATCH_DRAIN_USEC");
        if (joined.headroom_usec == USEC_INFINITY)
                joined.headroom_usec = entry_usec(started, "GATEWATCH_HEADROOM_USEC");
        joined.command = journal_entry_get(started, "GATEWATCH_COMMAND");

        /* The strings that are kept lie in the old block, which packing gives back. */
        r = past_stop_pack(&joined);
        if (r < 0)
                return r;
        *stop = joined;
        return 0;
}
