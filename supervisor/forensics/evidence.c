/* SPDX-License-Identifier: MIT */

/* What the managers say about a stop that has begun.
 *
 * Two links, as the unit's own bus has them, but new ones: at a shutdown the old connection may be gone,
 * and a manager's private socket still answers. `main` goes to the unit's manager, `above`, for a user
 * unit, to the system manager, for the state of the machine. All questions go out behind the Hello, in
 * one go; what is read is judged when all answers are there:
 *
 *   our job           Job of the unit, its type from ListJobs
 *   a job we follow   a job on a unit that ours depends on, with a lower id. systemd makes the job that
 *                     was asked for first and then those that it drags along, so within a transaction
 *                     the lowest id is the cause (transaction.c, transaction_add_job_and_dependencies)
 *   an end we follow  BindsTo= a unit that is down. There is no job on that one, so it is looked at, in a
 *                     second round, and only when nothing else explains our stop
 *   the whole         start jobs of the targets of a shutdown, SystemState
 *
 * A link that fails leaves out what it would have told; the deadline bounds everything. An error in one
 * answer (a job that has vanished, a property that this systemd does not have) leaves out that one.
 *
 * Callbacks of sd-bus return 1, "dealt with": after a 0 it would go on with a connection that the
 * callback may have closed. */

#include "evidence.h"

#include <string.h>

#include <systemd/sd-bus.h>

#include "bus-link.h"

#define MANAGER_NAME         "org.freedesktop.systemd1"
#define MANAGER_PATH         "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE    "org.freedesktop.systemd1.Manager"
#define UNIT_PATH_PREFIX     "/org/freedesktop/systemd1/unit"
#define UNIT_INTERFACE       "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE    "org.freedesktop.systemd1.Service"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* In BusLink.slots. */
typedef enum EvidenceSlot {
        EVIDENCE_SLOT_UNIT, /* in the second round: one of the units that ours is bound to */
        EVIDENCE_SLOT_RESULT,
        EVIDENCE_SLOT_JOBS,
        EVIDENCE_SLOT_STATE,
        _EVIDENCE_SLOT_MAX,
} EvidenceSlot;
static_assert((int) _EVIDENCE_SLOT_MAX <= BUS_LINK_SLOTS_MAX, "each needs its place");

/* How ours hangs on another unit. */
typedef enum EvidenceBond {
        EVIDENCE_BOND_BINDS_TO,
        EVIDENCE_BOND_PART_OF,
        EVIDENCE_BOND_REQUIRES,
        EVIDENCE_BOND_REQUISITE,
        EVIDENCE_BOND_STOP_PROPAGATED_FROM,
        EVIDENCE_BOND_CONFLICTS,
        EVIDENCE_BOND_CONFLICTED_BY,
        _EVIDENCE_BOND_MAX,
} EvidenceBond;

/* The property's name is the word that stands in the unit file. */
static const char *const evidence_bond_table[_EVIDENCE_BOND_MAX] = {
        [EVIDENCE_BOND_BINDS_TO] = "BindsTo",
        [EVIDENCE_BOND_PART_OF] = "PartOf",
        [EVIDENCE_BOND_REQUIRES] = "Requires",
        [EVIDENCE_BOND_REQUISITE] = "Requisite",
        [EVIDENCE_BOND_STOP_PROPAGATED_FROM] = "StopPropagatedFrom",
        [EVIDENCE_BOND_CONFLICTS] = "Conflicts",
        [EVIDENCE_BOND_CONFLICTED_BY] = "ConflictedBy",
};

typedef struct EvidenceTie {
        EvidenceBond bond;
        char unit[UNIT_NAME_MAX];
} EvidenceTie;

typedef struct EvidenceJob {
        uint32_t id;
        char type[CAUSE_WORD_MAX];
        char unit[UNIT_NAME_MAX];
} EvidenceJob;

struct Evidence {
        sd_event *event;
        CgroupUnit unit;
        EvidenceHandler handler;
        void *userdata;

        sd_event_source *start_source;
        sd_event_source *deadline_source;
        BusLink main;
        BusLink above;
        bool is_main_done;
        bool is_above_done;
        unsigned n_main_pending;
        unsigned n_above_pending;
        int error; /* of main */

        UnitEvidence facts;
        bool has_unit_reply;
        bool has_result_reply;
        char active_state[CAUSE_WORD_MAX];
        usec_t active_exit_usec;
        EvidenceTie ties[EVIDENCE_UNITS_MAX];
        size_t n_ties;
        EvidenceJob *jobs; /* those that may matter */
        size_t n_jobs;
        size_t tie_index; /* second round: whose state is being asked for */
};

/* ---- The end --------------------------------------------------------------------------------- */

static void evidence_stop(Evidence *evidence) {
        evidence->deadline_source = sd_event_source_disable_unref(evidence->deadline_source);
        bus_link_close(&evidence->main);
        bus_link_close(&evidence->above);
}

/* May free the evidence. */
static void evidence_tell(Evidence *evidence, int error) {
        evidence_stop(evidence);
        evidence->handler(evidence, &evidence->facts, error, evidence->userdata);
}

static void evidence_tell_if_done(Evidence *evidence) {
        if (evidence->is_main_done && evidence->is_above_done)
                evidence_tell(evidence, evidence->error);
}

/* ---- Judging --------------------------------------------------------------------------------- */

static bool job_stops(const EvidenceJob *job) {
        return strcmp(job->type, "stop") == 0 || strcmp(job->type, "restart") == 0 ||
                strcmp(job->type, "try-restart") == 0;
}

static bool job_is_shutdown(const EvidenceJob *job) {
        static const char *const targets[] = { "shutdown.target", "poweroff.target",
                "reboot.target", "halt.target", "kexec.target", "soft-reboot.target",
                "exit.target" };

        for (size_t i = 0; strcmp(job->type, "start") == 0 && i < ELEMENTSOF(targets); i++)
                if (strcmp(job->unit, targets[i]) == 0)
                        return true;
        return false;
}

/* Whether a job on this unit, asked for before ours, brings ours about. */
static bool tie_explains(const EvidenceTie *tie, const EvidenceJob *job) {
        if (strcmp(tie->unit, job->unit) != 0)
                return false;
        if (tie->bond == EVIDENCE_BOND_CONFLICTS || tie->bond == EVIDENCE_BOND_CONFLICTED_BY)
                return strcmp(job->type, "start") == 0 && !job_is_shutdown(job);
        return job_stops(job);
}

static void evidence_blame(Evidence *evidence, const EvidenceTie *tie) {
        (void) snprintf(
                evidence->facts.dependency, sizeof(evidence->facts.dependency), "%s", tie->unit);
        (void) snprintf(evidence->facts.dependency_kind, sizeof(evidence->facts.dependency_kind),
                "%s", evidence_bond_table[tie->bond]);
}

static void evidence_find_dependency(Evidence *evidence) {
        for (size_t i = 0; i < evidence->n_jobs; i++) {
                if (evidence->jobs[i].id >= evidence->facts.job_id)
                        continue;
                for (size_t k = 0; k < evidence->n_ties; k++)
                        if (tie_explains(&evidence->ties[k], &evidence->jobs[i])) {
                                evidence_blame(evidence, &evidence->ties[k]);
                                return;
                        }
        }
}

static void evidence_judge_jobs(Evidence *evidence) {
        UnitEvidence *facts = &evidence->facts;
        bool is_user = evidence->unit.manager == UNIT_MANAGER_USER;

        for (size_t i = 0; i < evidence->n_jobs; i++) {
                const EvidenceJob *job = &evidence->jobs[i];

                if (facts->job_id > 0 && job->id == facts->job_id)
                        (void) snprintf(facts->job_type, sizeof(facts->job_type), "%s", job->type);
                if (job_is_shutdown(job))
                        *(is_user ? &facts->is_exiting : &facts->is_shutting_down) = true;
        }
        if (facts->job_id > 0)
                evidence_find_dependency(evidence);
}

/* A unit that is up has an old time of its last end, if any. */
static void evidence_judge_unit(Evidence *evidence) {
        bool is_up = strcmp(evidence->active_state, "active") == 0 ||
                strcmp(evidence->active_state, "reloading") == 0;

        evidence->facts.has_unit = evidence->has_unit_reply && evidence->has_result_reply;
        evidence->facts.left_at_usec = is_up ? 0 : evidence->active_exit_usec;
}

static void evidence_ask_bound(Evidence *evidence);

static void evidence_judge(Evidence *evidence) {
        const UnitEvidence *facts = &evidence->facts;

        evidence_judge_unit(evidence);
        evidence_judge_jobs(evidence);
        if (facts->has_unit && strcmp(facts->job_type, "stop") == 0 && !facts->dependency[0] &&
                !facts->is_exiting && !facts->is_shutting_down)
                evidence_ask_bound(evidence);
        else {
                evidence->is_main_done = true;
                evidence_tell_if_done(evidence);
        }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Calls Get for a property of an object's interface, or GetAll when property is NULL, or with
 * interface NULL the manager's ListJobs. */
static int evidence_call(BusLink *link, EvidenceSlot slot, sd_bus_message_handler_t callback,
        const char *unit, const char *interface, const char *property) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_free_ char *path = NULL;
        int r = 0;

        if (unit)
                r = sd_bus_path_encode(UNIT_PATH_PREFIX, unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(link->bus, &message, MANAGER_NAME,
                        path ?: MANAGER_PATH, interface ? PROPERTIES_INTERFACE : MANAGER_INTERFACE,
                        !interface         ? "ListJobs"
                                : property ? "Get"
                                           : "GetAll");
        if (r >= 0 && interface)
                r = sd_bus_message_append_basic(message, 's', interface);
        if (r >= 0 && property)
                r = sd_bus_message_append_basic(message, 's', property);
        /* A manager comes to its name by itself, activation cannot bring it. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, /* b= */ false);
        if (r < 0)
                return r;
        link->slots[slot] = sd_bus_slot_unref(link->slots[slot]);
        return sd_bus_call_async(
                link->bus, &link->slots[slot], message, callback, link->userdata, /* usec= */ 0);
}

/* Returns: 1: the reply is to be read; 0: it is an error; -ENOTCONN: the link was lost, and with it
 * perhaps the evidence. */
static int evidence_check(BusLink *link, sd_bus_message *reply) {
        int r = bus_link_check_reply(link, reply);

        if (r == -ECONNRESET || bus_link_lacks_manager(link, reply)) {
                bus_link_lose(link, r);
                return -ENOTCONN;
        }
        return r >= 0;
}

static void evidence_count_main(Evidence *evidence) {
        if (--evidence->n_main_pending == 0)
                evidence_judge(evidence);
}

static void evidence_count_above(Evidence *evidence) {
        if (--evidence->n_above_pending > 0)
                return;
        bus_link_close(&evidence->above);
        evidence->is_above_done = true;
        evidence_tell_if_done(evidence);
}

/* ---- The unit -------------------------------------------------------------------------------- */

static int read_word(sd_bus_message *message, char *text, size_t size) {
        const char *value;
        int r = sd_bus_message_read(message, "v", "s", &value);

        if (r >= 0)
                (void) snprintf(text, size, "%s", value);
        return r;
}

static int evidence_read_ties(Evidence *evidence, sd_bus_message *message, EvidenceBond bond) {
        const char *unit;
        int r;

        r = sd_bus_message_enter_container(message, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &unit)) > 0) {
                if (evidence->n_ties == EVIDENCE_UNITS_MAX || strlen(unit) >= UNIT_NAME_MAX)
                        continue;
                evidence->ties[evidence->n_ties].bond = bond;
                (void) strcpy(evidence->ties[evidence->n_ties++].unit, unit);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Reads the value of a property that matters, skips that of another. */
static int evidence_read_property(
        Evidence *evidence, sd_bus_message *message, const char *property) {
        UnitEvidence *facts = &evidence->facts;

        if (strcmp(property, "SubState") == 0)
                return read_word(message, facts->sub_state, sizeof(facts->sub_state));
        if (strcmp(property, "ActiveState") == 0)
                return read_word(message, evidence->active_state, sizeof(evidence->active_state));
        if (strcmp(property, "ActiveExitTimestampMonotonic") == 0)
                return sd_bus_message_read(message, "v", "t", &evidence->active_exit_usec);
        if (strcmp(property, "Job") == 0)
                return sd_bus_message_read(
                        message, "v", "(uo)", &facts->job_id, /* ret_path= */ NULL);
        for (EvidenceBond bond = 0; bond < _EVIDENCE_BOND_MAX; bond++)
                if (strcmp(property, evidence_bond_table[bond]) == 0)
                        return evidence_read_ties(evidence, message, bond);
        return sd_bus_message_skip(message, "v");
}

static int evidence_read_unit(Evidence *evidence, sd_bus_message *reply) {
        const char *property;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(reply, 's', &property);
                if (r >= 0)
                        r = evidence_read_property(evidence, reply, property);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return r;
        }
        return r;
}

static int evidence_dispatch_unit(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        int r = evidence_check(&evidence->main, reply);

        if (r < 0)
                return 1;
        if (r > 0)
                evidence->has_unit_reply = evidence_read_unit(evidence, reply) >= 0;
        evidence_count_main(evidence);
        return 1;
}

static int evidence_dispatch_result(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        int r = evidence_check(&evidence->main, reply);

        if (r < 0)
                return 1;
        if (r > 0)
                evidence->has_result_reply = read_word(reply, evidence->facts.result,
                                                     sizeof(evidence->facts.result)) >= 0;
        evidence_count_main(evidence);
        return 1;
}

/* ---- Jobs and states ------------------------------------------------------------------------- */

static int evidence_read_jobs(sd_bus_message *reply, EvidenceJob **ret_jobs, size_t *ret_n) {
        _cleanup_free_ EvidenceJob *jobs = NULL;
        const char *unit, *type;
        uint32_t id;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(usssoo)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(usssoo)", &id, &unit, &type, /* state= */ NULL,
                        /* job_path= */ NULL, /* unit_path= */ NULL)) > 0) {
                if (n == EVIDENCE_JOBS_MAX)
                        break;
                if (n % 64 == 0) {
                        EvidenceJob *grown = reallocarray(jobs, n + 64, sizeof(EvidenceJob));
                        if (!grown)
                                return -ENOMEM;
                        jobs = grown;
                }
                jobs[n].id = id;
                (void) snprintf(jobs[n].type, sizeof(jobs[n].type), "%s", type);
                (void) snprintf(jobs[n].unit, sizeof(jobs[n].unit), "%s", unit);
                n++;
        }
        if (r < 0)
                return r;
        *ret_jobs = TAKE_PTR(jobs);
        *ret_n = n;
        return 0;
}

static int evidence_dispatch_jobs(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        int r = evidence_check(&evidence->main, reply);

        if (r < 0)
                return 1;
        if (r > 0)
                evidence->facts.has_jobs =
                        evidence_read_jobs(reply, &evidence->jobs, &evidence->n_jobs) >= 0;
        evidence_count_main(evidence);
        return 1;
}

static void evidence_take_system_state(Evidence *evidence, sd_bus_message *reply) {
        UnitEvidence *facts = &evidence->facts;

        if (read_word(reply, facts->system_state, sizeof(facts->system_state)) < 0)
                facts->system_state[0] = '\0';
        if (strcmp(facts->system_state, "stopping") == 0)
                facts->is_shutting_down = true;
}

/* Of the unit's own manager. */
static int evidence_dispatch_state(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        char state[CAUSE_WORD_MAX];
        int r = evidence_check(&evidence->main, reply);

        if (r < 0)
                return 1;
        if (r > 0 && evidence->unit.manager == UNIT_MANAGER_SYSTEM)
                evidence_take_system_state(evidence, reply);
        else if (r > 0 && read_word(reply, state, sizeof(state)) >= 0 &&
                strcmp(state, "stopping") == 0)
                evidence->facts.is_exiting = true;
        evidence_count_main(evidence);
        return 1;
}

static int evidence_dispatch_above_state(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        int r = evidence_check(&evidence->above, reply);

        if (r < 0)
                return 1;
        if (r > 0)
                evidence_take_system_state(evidence, reply);
        evidence_count_above(evidence);
        return 1;
}

static int evidence_dispatch_above_jobs(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        _cleanup_free_ EvidenceJob *jobs = NULL;
        size_t n = 0;
        int r = evidence_check(&evidence->above, reply);

        if (r < 0)
                return 1;
        if (r > 0 && evidence_read_jobs(reply, &jobs, &n) >= 0)
                for (size_t i = 0; i < n; i++)
                        if (job_is_shutdown(&jobs[i]))
                                evidence->facts.is_shutting_down = true;
        evidence_count_above(evidence);
        return 1;
}

/* ---- The second round ------------------------------------------------------------------------ */

static int evidence_dispatch_bound(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        Evidence *evidence = userdata;
        const EvidenceTie *tie = &evidence->ties[evidence->tie_index];
        char state[CAUSE_WORD_MAX];
        int r = evidence_check(&evidence->main, reply);

        if (r < 0)
                return 1;
        if (r > 0 && read_word(reply, state, sizeof(state)) >= 0 &&
                (strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0 ||
                        strcmp(state, "deactivating") == 0))
                evidence_blame(evidence, tie);
        evidence->tie_index++;
        evidence_ask_bound(evidence);
        return 1;
}

/* One unit after the other, until one is found down. */
static void evidence_ask_bound(Evidence *evidence) {
        for (; !evidence->facts.dependency[0] && evidence->tie_index < evidence->n_ties;
                evidence->tie_index++) {
                const EvidenceTie *tie = &evidence->ties[evidence->tie_index];

                if (tie->bond == EVIDENCE_BOND_BINDS_TO &&
                        evidence_call(&evidence->main, EVIDENCE_SLOT_UNIT, evidence_dispatch_bound,
                                tie->unit, UNIT_INTERFACE, "ActiveState") >= 0)
                        return;
        }
        evidence->is_main_done = true;
        evidence_tell_if_done(evidence);
}

/* ---- Links ----------------------------------------------------------------------------------- */

static int evidence_main_connected(BusLink *link) {
        Evidence *evidence = link->userdata;
        const char *unit = evidence->unit.unit;
        int r;

        evidence->n_main_pending = 4;
        r = evidence_call(link, EVIDENCE_SLOT_UNIT, evidence_dispatch_unit, unit, UNIT_INTERFACE,
                /* property= */ NULL);
        if (r >= 0)
                r = evidence_call(link, EVIDENCE_SLOT_RESULT, evidence_dispatch_result, unit,
                        SERVICE_INTERFACE, "Result");
        if (r >= 0)
                r = evidence_call(link, EVIDENCE_SLOT_JOBS, evidence_dispatch_jobs,
                        /* unit= */ NULL, /* interface= */ NULL, /* property= */ NULL);
        if (r >= 0)
                r = evidence_call(link, EVIDENCE_SLOT_STATE, evidence_dispatch_state,
                        /* unit= */ NULL, MANAGER_INTERFACE, "SystemState");
        return r;
}

static int evidence_above_connected(BusLink *link) {
        Evidence *evidence = link->userdata;
        int r;

        evidence->n_above_pending = 2;
        r = evidence_call(link, EVIDENCE_SLOT_STATE, evidence_dispatch_above_state,
                /* unit= */ NULL, MANAGER_INTERFACE, "SystemState");
        if (r >= 0)
                r = evidence_call(link, EVIDENCE_SLOT_JOBS, evidence_dispatch_above_jobs,
                        /* unit= */ NULL, /* interface= */ NULL, /* property= */ NULL);
        return r;
}

static void evidence_timed_out(BusLink *link) {
        bus_link_lose(link, -ETIMEDOUT);
}

static void evidence_main_failed(BusLink *link, int error) {
        Evidence *evidence = link->userdata;

        evidence_judge_unit(evidence);
        evidence->error = error;
        evidence->is_main_done = true;
        evidence_tell_if_done(evidence);
}

static void evidence_above_failed(BusLink *link, int error) {
        Evidence *evidence = link->userdata;

        evidence->is_above_done = true;
        evidence_tell_if_done(evidence);
}

static void evidence_set_up_links(
        Evidence *evidence, const char *address, const char *system_address, int64_t priority) {
        BusLink common = {
                .event = evidence->event,
                .priority = priority,
                .timeout_usec = EVIDENCE_TIMEOUT_USEC / 2, /* a second address gets its turn, too */
                .timed_out = evidence_timed_out,
                .userdata = evidence,
        };
        bool is_user = evidence->unit.manager == UNIT_MANAGER_USER;

        evidence->main = evidence->above = common;
        evidence->main.connected = evidence_main_connected;
        evidence->main.failed = evidence_main_failed;
        evidence->above.connected = evidence_above_connected;
        evidence->above.failed = evidence_above_failed;
        evidence->is_above_done = !is_user;

        if (address)
                bus_link_add_addresses(&evidence->main, address, /* is_message_bus= */ false);
        else if (is_user)
                bus_link_add_user(&evidence->main, evidence->unit.owner_uid);
        else
                bus_link_add_system(&evidence->main);
        if (is_user && system_address)
                bus_link_add_addresses(
                        &evidence->above, system_address, /* is_message_bus= */ false);
        else if (is_user)
                bus_link_add_system(&evidence->above);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int evidence_dispatch_deadline(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Evidence *evidence = userdata;

        evidence_judge_unit(evidence);
        evidence_judge_jobs(evidence);
        evidence_tell(evidence, -ETIMEDOUT);
        return 0;
}

/* Both links may end everything, so that nothing may follow but a return. */
static int evidence_dispatch_start(sd_event_source *source, void *userdata) {
        Evidence *evidence = userdata;

        evidence->start_source = sd_event_source_disable_unref(evidence->start_source);
        if (!evidence->is_above_done)
                bus_link_start(&evidence->above);
        bus_link_start(&evidence->main);
        return 0;
}

static int evidence_add_sources(Evidence *evidence, int64_t priority) {
        int r;

        /* Connecting is left to the loop, so that this costs nothing and calls nobody back. */
        r = sd_event_add_defer(
                evidence->event, &evidence->start_source, evidence_dispatch_start, evidence);
        if (r >= 0)
                r = sd_event_source_set_priority(evidence->start_source, priority);
        if (r >= 0)
                r = sd_event_add_time_relative(evidence->event, &evidence->deadline_source,
                        CLOCK_MONOTONIC, EVIDENCE_TIMEOUT_USEC, USEC_PER_MSEC,
                        evidence_dispatch_deadline, evidence);
        if (r >= 0)
                r = sd_event_source_set_priority(evidence->deadline_source, priority + 1);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(evidence->start_source, "evidence-start");
        (void) sd_event_source_set_description(evidence->deadline_source, "evidence-deadline");
        return 0;
}

int evidence_new(sd_event *event, const CgroupUnit *unit, const char *address,
        const char *system_address, int64_t priority, EvidenceHandler handler, void *userdata,
        Evidence **ret_evidence) {
        _cleanup_(evidence_freep) Evidence *evidence = NULL;
        int r;

        assert(event && unit && handler && ret_evidence);

        if (unit->manager == UNIT_MANAGER_NONE)
                return -EINVAL;
        evidence = calloc(1, sizeof(*evidence));
        if (!evidence)
                return -ENOMEM;
        evidence->event = sd_event_ref(event);
        evidence->unit = *unit;
        evidence->handler = handler;
        evidence->userdata = userdata;
        evidence_set_up_links(evidence, address, system_address, priority);
        r = evidence_add_sources(evidence, priority);
        if (r < 0)
                return r;
        *ret_evidence = TAKE_PTR(evidence);
        return 0;
}

Evidence *evidence_free(Evidence *evidence) {
        if (!evidence)
                return NULL;
        evidence->start_source = sd_event_source_disable_unref(evidence->start_source);
        evidence_stop(evidence);
        free(evidence->jobs);
        evidence->event = sd_event_unref(evidence->event);
        free(evidence);
        return NULL;
}
