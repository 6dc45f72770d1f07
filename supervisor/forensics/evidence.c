/* SPDX-License-Identifier: MIT */

/* What the managers say about a stop that has begun.
 *
 * Two links, as the unit's own bus has them, but new ones: at a shutdown the old connection may be gone,
 * and a manager's private socket still answers. `own` goes to the unit's manager, `above`, for a user
 * unit, to the system manager, for the state of the machine. All questions go out behind the Hello, in
 * one go; what is read is judged when all answers are there:
 *
 *   our job           Job of the unit, its type from ListJobs. systemd makes the job and changes the
 *                     state before it sends the signal, so at the signal they are there
 *   a job we follow   a job on a unit that ours depends on, with a lower id. systemd makes the job that
 *                     was asked for first and then those that it drags along, so within a transaction
 *                     the lowest id is the cause (transaction.c, transaction_add_job_and_dependencies)
 *   an end we follow  BindsTo= a unit that has gone down of itself, so that there is no job on it. It is
 *                     looked at in a second round, and only when nothing else explains our stop
 *   the whole         start jobs of the targets of a shutdown, SystemState
 *
 * A link that fails leaves out what it would have told; the deadline bounds everything. When an address
 * fails in the middle, all is asked again at the next, and each answer there takes the place of the one
 * before. An error in one answer (a job that has vanished, a property that this systemd does not have, a value of another type)
 * leaves out that one.
 *
 * Not told: that a target is being isolated. A start job of a target with a lower id than ours may be
 * that or another request, and nothing on the bus tells one transaction from the next.
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
#define SCOPE_INTERFACE      "org.freedesktop.systemd1.Scope"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

#define JOBS_STEP 64 /* by which the list of jobs grows */

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

typedef struct EvidenceLink {
        BusLink link;
        Evidence *evidence; /* weak */
        bool is_above;
        bool is_done;
        unsigned n_pending;
} EvidenceLink;

struct Evidence {
        sd_event *event;
        CgroupUnit unit;
        EvidenceHandler handler;
        void *userdata;

        sd_event_source *start_source;
        sd_event_source *deadline_source;
        EvidenceLink own;
        EvidenceLink above;
        int error; /* of own */

        UnitEvidence facts;
        bool has_result;
        char active_state[CAUSE_WORD_MAX];
        usec_t active_exit_usec;
        EvidenceTie ties[EVIDENCE_UNITS_MAX];
        size_t n_ties;
        EvidenceJob *jobs; /* of the unit's manager */
        size_t n_jobs;
        size_t tie_index; /* second round: whose state is being asked for */
};

/* ---- The end --------------------------------------------------------------------------------- */

static void evidence_stop(Evidence *evidence) {
        evidence->deadline_source = sd_event_source_disable_unref(evidence->deadline_source);
        bus_link_close(&evidence->own.link);
        bus_link_close(&evidence->above.link);
}

/* May free the evidence. */
static void evidence_tell(Evidence *evidence, int error) {
        evidence_stop(evidence);
        evidence->handler(evidence, &evidence->facts, error, evidence->userdata);
}

/* May free the evidence. */
static void evidence_finish(EvidenceLink *link) {
        Evidence *evidence = link->evidence;

        bus_link_close(&link->link);
        link->is_done = true;
        if (evidence->own.is_done && evidence->above.is_done)
                evidence_tell(evidence, evidence->error);
}

/* ---- Judging --------------------------------------------------------------------------------- */

static bool job_stops(const EvidenceJob *job) {
        return strcmp(job->type, "stop") == 0 || strcmp(job->type, "restart") == 0 ||
                strcmp(job->type, "try-restart") == 0;
}

/* shutdown.target is what every unit conflicts with and what all the others bring along. */
static bool job_is_shutdown(const char *type, const char *unit) {
        static const char *const targets[] = { "shutdown.target", "poweroff.target",
                "reboot.target", "halt.target", "kexec.target", "soft-reboot.target",
                "exit.target" };

        for (size_t i = 0; strcmp(type, "start") == 0 && i < ELEMENTSOF(targets); i++)
                if (strcmp(unit, targets[i]) == 0)
                        return true;
        return false;
}

/* Whether a job on this unit, asked for before ours, brings ours about. */
static bool tie_explains(const EvidenceTie *tie, const EvidenceJob *job) {
        if (strcmp(tie->unit, job->unit) != 0)
                return false;
        if (tie->bond == EVIDENCE_BOND_CONFLICTS || tie->bond == EVIDENCE_BOND_CONFLICTED_BY)
                return strcmp(job->type, "start") == 0 && !job_is_shutdown(job->type, job->unit);
        return job_stops(job);
}

static void evidence_blame(Evidence *evidence, const EvidenceTie *tie) {
        UnitEvidence *facts = &evidence->facts;

        (void) snprintf(facts->dependency, sizeof(facts->dependency), "%s", tie->unit);
        (void) snprintf(facts->dependency_kind, sizeof(facts->dependency_kind), "%s",
                evidence_bond_table[tie->bond]);
}

static const EvidenceTie *evidence_find_tie(const Evidence *evidence, const EvidenceJob *job) {
        for (size_t i = 0; i < evidence->n_ties; i++)
                if (tie_explains(&evidence->ties[i], job))
                        return &evidence->ties[i];
        return NULL;
}

/* Of the jobs before ours that explain it the first. */
static void evidence_find_dependency(Evidence *evidence) {
        uint32_t before = evidence->facts.job_id;

        for (size_t i = 0; i < evidence->n_jobs; i++) {
                const EvidenceJob *job = &evidence->jobs[i];
                const EvidenceTie *tie = job->id < before ? evidence_find_tie(evidence, job) : NULL;

                if (!tie)
                        continue;
                evidence_blame(evidence, tie);
                before = job->id;
        }
}

static const EvidenceJob *evidence_find_job(const Evidence *evidence, uint32_t id) {
        for (size_t i = 0; id > 0 && i < evidence->n_jobs; i++)
                if (evidence->jobs[i].id == id)
                        return &evidence->jobs[i];
        return NULL;
}

static bool state_is_up(const char *state) {
        return strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0 ||
                strcmp(state, "refreshing") == 0;
}

/* May be done again when more has been read. */
static void evidence_judge(Evidence *evidence) {
        UnitEvidence *facts = &evidence->facts;
        const EvidenceJob *job = evidence_find_job(evidence, facts->job_id);
        facts->has_unit = facts->sub_state[0] && evidence->has_result;
        /* A unit that is up has an old time of its last end, if any. */
        facts->left_at_usec = state_is_up(evidence->active_state) ? 0 : evidence->active_exit_usec;
        (void) snprintf(facts->job_type, sizeof(facts->job_type), "%s", job ? job->type : "");
        if (job && job_stops(job))
                evidence_find_dependency(evidence);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Calls Get for a property of an object's interface, or GetAll when property is NULL, or with
 * interface NULL the manager's ListJobs. */
static int evidence_call(EvidenceLink *link, EvidenceSlot slot, sd_bus_message_handler_t callback,
        const char *unit, const char *interface, const char *property) {
        const char *member = !interface ? "ListJobs" : property ? "Get" : "GetAll";
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        sd_bus_slot **ret_slot = &link->link.slots[slot];
        _cleanup_free_ char *path = NULL;
        int r = 0;

        if (unit)
                r = sd_bus_path_encode(UNIT_PATH_PREFIX, unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(link->link.bus, &message, MANAGER_NAME,
                        path ?: MANAGER_PATH, interface ? PROPERTIES_INTERFACE : MANAGER_INTERFACE,
                        member);
        if (r >= 0 && interface)
                r = sd_bus_message_append_basic(message, 's', interface);
        if (r >= 0 && property)
                r = sd_bus_message_append_basic(message, 's', property);
        /* A manager comes to its name by itself, activation cannot bring it. */
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, /* b= */ false);
        if (r < 0)
                return r;
        *ret_slot = sd_bus_slot_unref(*ret_slot);
        return sd_bus_call_async(link->link.bus, ret_slot, message, callback, link, /* usec= */ 0);
}

static void evidence_advance(EvidenceLink *link);

/* What one answer is good for. May free the evidence. */
static int evidence_take(EvidenceLink *link, sd_bus_message *reply,
        void (*take)(EvidenceLink *link, sd_bus_message *reply)) {
        int r = bus_link_check_reply(&link->link, reply);

        if (r == -ECONNRESET || bus_link_lacks_manager(&link->link, reply)) {
                bus_link_lose(&link->link, r);
                return 1;
        }
        if (r >= 0)
                take(link, reply);
        if (--link->n_pending == 0)
                evidence_advance(link);
        return 1;
}

/* ---- The unit -------------------------------------------------------------------------------- */

/* Reads a variant if it holds that type, else skips it.
 * Returns: > 0: it was entered; 0: it was skipped; negative errno of sd_bus_message_skip(3). */
static int variant_enter(sd_bus_message *message, const char *type) {
        const char *contents;
        int r = sd_bus_message_peek_type(message, /* type= */ NULL, &contents);

        if (r < 0)
                return r;
        if (contents && strcmp(contents, type) == 0)
                return sd_bus_message_enter_container(message, 'v', type);
        r = sd_bus_message_skip(message, "v");
        return r < 0 ? r : 0;
}

static int variant_read_word(sd_bus_message *message, char word[static CAUSE_WORD_MAX]) {
        const char *value;
        int r = variant_enter(message, "s");

        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(message, 's', &value);
        if (r < 0)
                return r;
        (void) snprintf(word, CAUSE_WORD_MAX, "%s", value);
        return sd_bus_message_exit_container(message);
}

static int variant_read_usec(sd_bus_message *message, usec_t *ret_usec) {
        int r = variant_enter(message, "t");

        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(message, 't', ret_usec);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int variant_read_job(sd_bus_message *message, uint32_t *ret_id) {
        int r = variant_enter(message, "(uo)");

        if (r <= 0)
                return r;
        r = sd_bus_message_read(message, "(uo)", ret_id, /* path= */ NULL);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int evidence_read_ties(Evidence *evidence, sd_bus_message *message, EvidenceBond bond) {
        const char *unit;
        int r = variant_enter(message, "as");

        if (r <= 0)
                return r;
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
                return variant_read_word(message, facts->sub_state);
        if (strcmp(property, "ActiveState") == 0)
                return variant_read_word(message, evidence->active_state);
        if (strcmp(property, "ActiveExitTimestampMonotonic") == 0)
                return variant_read_usec(message, &evidence->active_exit_usec);
        if (strcmp(property, "Job") == 0)
                return variant_read_job(message, &facts->job_id);
        for (EvidenceBond bond = 0; bond < _EVIDENCE_BOND_MAX; bond++)
                if (strcmp(property, evidence_bond_table[bond]) == 0)
                        return evidence_read_ties(evidence, message, bond);
        return sd_bus_message_skip(message, "v");
}

static void evidence_forget_unit(Evidence *evidence) {
        evidence->facts.sub_state[0] = evidence->active_state[0] = '\0';
        evidence->facts.job_id = 0;
        evidence->active_exit_usec = 0;
        evidence->n_ties = 0;
}

static void evidence_take_unit(EvidenceLink *link, sd_bus_message *reply) {
        const char *property;
        int r;

        evidence_forget_unit(link->evidence);
        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(reply, 's', &property);
                if (r >= 0)
                        r = evidence_read_property(link->evidence, reply, property);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
}

static int evidence_dispatch_unit(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_unit);
}

static void evidence_take_result(EvidenceLink *link, sd_bus_message *reply) {
        Evidence *evidence = link->evidence;

        if (variant_read_word(reply, evidence->facts.result) > 0)
                evidence->has_result = true;
}

static int evidence_dispatch_result(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_result);
}

/* ---- Jobs and states ------------------------------------------------------------------------- */

/* The end of all units of this link's manager. */
static void evidence_note_shutdown(EvidenceLink *link) {
        Evidence *evidence = link->evidence;

        if (link->is_above || evidence->unit.manager == UNIT_MANAGER_SYSTEM)
                evidence->facts.is_shutting_down = true;
        else
                evidence->facts.is_exiting = true;
}

static int evidence_add_job(Evidence *evidence, uint32_t id, const char *type, const char *unit) {
        EvidenceJob *job;

        if (evidence->n_jobs % JOBS_STEP == 0) {
                EvidenceJob *jobs = reallocarray(
                        evidence->jobs, evidence->n_jobs + JOBS_STEP, sizeof(EvidenceJob));
                if (!jobs)
                        return -ENOMEM;
                evidence->jobs = jobs;
        }
        job = &evidence->jobs[evidence->n_jobs++];
        job->id = id;
        (void) snprintf(job->type, sizeof(job->type), "%s", type);
        (void) snprintf(job->unit, sizeof(job->unit), "%s", unit);
        return 0;
}

/* What goes beyond EVIDENCE_JOBS_MAX is not looked at. */
static void evidence_take_jobs(EvidenceLink *link, sd_bus_message *reply) {
        Evidence *evidence = link->evidence;
        const char *unit, *type;
        uint32_t id;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(usssoo)");
        if (!link->is_above) {
                evidence->n_jobs = 0;
                evidence->facts.has_jobs = r > 0;
        }
        for (size_t n = 0; r >= 0 && n < EVIDENCE_JOBS_MAX; n++) {
                r = sd_bus_message_read(reply, "(usssoo)", &id, &unit, &type, /* state= */ NULL,
                        /* job_path= */ NULL, /* unit_path= */ NULL);
                if (r <= 0)
                        return;
                if (job_is_shutdown(type, unit))
                        evidence_note_shutdown(link);
                if (!link->is_above)
                        r = evidence_add_job(evidence, id, type, unit);
        }
}

static int evidence_dispatch_jobs(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_jobs);
}

static void evidence_take_state(EvidenceLink *link, sd_bus_message *reply) {
        Evidence *evidence = link->evidence;
        char state[CAUSE_WORD_MAX] = "";

        if (variant_read_word(reply, state) <= 0)
                return;
        if (link->is_above || evidence->unit.manager == UNIT_MANAGER_SYSTEM)
                (void) strcpy(evidence->facts.system_state, state);
        if (strcmp(state, "stopping") == 0)
                evidence_note_shutdown(link);
}

static int evidence_dispatch_state(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_state);
}

/* ---- The second round ------------------------------------------------------------------------ */

/* A service that waits for its restart is "activating", and there is no job on it yet. */
static void evidence_take_bound(EvidenceLink *link, sd_bus_message *reply) {
        static const char *const down[] = { "inactive", "failed", "deactivating", "activating" };
        Evidence *evidence = link->evidence;
        char state[CAUSE_WORD_MAX] = "";

        if (variant_read_word(reply, state) <= 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(down); i++)
                if (strcmp(state, down[i]) == 0)
                        evidence_blame(evidence, &evidence->ties[evidence->tie_index - 1]);
}

static int evidence_dispatch_bound(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_bound);
}

/* A unit on which there is a job goes where it was sent: before ours, then that has been found, or after
 * ours and perhaps because of it. */
static bool evidence_has_job_on(const Evidence *evidence, const char *unit) {
        for (size_t i = 0; i < evidence->n_jobs; i++)
                if (strcmp(evidence->jobs[i].unit, unit) == 0)
                        return true;
        return false;
}

/* One unit after the other, until one is found down. Returns: whether one has been asked for. */
static bool evidence_ask_bound(Evidence *evidence) {
        const UnitEvidence *facts = &evidence->facts;

        if (!facts->has_unit || strcmp(facts->job_type, "stop") != 0 || facts->dependency[0] ||
                facts->is_exiting || facts->is_shutting_down)
                return false;
        while (evidence->tie_index < evidence->n_ties) {
                const EvidenceTie *tie = &evidence->ties[evidence->tie_index++];

                if (tie->bond == EVIDENCE_BOND_BINDS_TO &&
                        !evidence_has_job_on(evidence, tie->unit) &&
                        evidence_call(&evidence->own, EVIDENCE_SLOT_UNIT, evidence_dispatch_bound,
                                tie->unit, UNIT_INTERFACE, "ActiveState") >= 0) {
                        evidence->own.n_pending = 1;
                        return true;
                }
        }
        return false;
}

/* All that was asked of a manager has been answered. May free the evidence. */
static void evidence_advance(EvidenceLink *link) {
        if (!link->is_above) {
                evidence_judge(link->evidence);
                if (evidence_ask_bound(link->evidence))
                        return;
        }
        evidence_finish(link);
}

/* ---- Links ----------------------------------------------------------------------------------- */

static int evidence_ask_manager(EvidenceLink *link) {
        int r;

        r = evidence_call(link, EVIDENCE_SLOT_JOBS, evidence_dispatch_jobs, /* unit= */ NULL,
                /* interface= */ NULL, /* property= */ NULL);
        if (r < 0)
                return r;
        return evidence_call(link, EVIDENCE_SLOT_STATE, evidence_dispatch_state, /* unit= */ NULL,
                MANAGER_INTERFACE, "SystemState");
}

static int evidence_own_connected(BusLink *bus_link) {
        Evidence *evidence = bus_link->userdata;
        const char *unit = evidence->unit.unit, *suffix = strrchr(unit, '.');
        bool is_scope = suffix && strcmp(suffix, ".scope") == 0;
        int r;

        evidence->own.n_pending = 4;
        evidence->tie_index = 0;
        r = evidence_call(&evidence->own, EVIDENCE_SLOT_UNIT, evidence_dispatch_unit, unit,
                UNIT_INTERFACE, /* property= */ NULL);
        if (r >= 0)
                r = evidence_call(&evidence->own, EVIDENCE_SLOT_RESULT, evidence_dispatch_result,
                        unit, is_scope ? SCOPE_INTERFACE : SERVICE_INTERFACE, "Result");
        return r < 0 ? r : evidence_ask_manager(&evidence->own);
}

static int evidence_above_connected(BusLink *bus_link) {
        Evidence *evidence = bus_link->userdata;

        evidence->above.n_pending = 2;
        return evidence_ask_manager(&evidence->above);
}

static void evidence_timed_out(BusLink *bus_link) {
        bus_link_lose(bus_link, -ETIMEDOUT);
}

static void evidence_own_failed(BusLink *bus_link, int error) {
        Evidence *evidence = bus_link->userdata;

        evidence->error = error;
        evidence_judge(evidence);
        evidence_finish(&evidence->own);
}

static void evidence_above_failed(BusLink *bus_link, int error) {
        Evidence *evidence = bus_link->userdata;

        evidence_finish(&evidence->above);
}

/* The second address, where there is one, gets its turn, too; an only one has all the time. */
static void evidence_share_time(BusLink *link) {
        if (link->n_addresses > 0)
                link->timeout_usec = EVIDENCE_TIMEOUT_USEC / link->n_addresses;
}

static void evidence_set_up_links(
        Evidence *evidence, const char *address, const char *system_address, int64_t priority) {
        BusLink common = {
                .event = evidence->event,
                .priority = priority,
                .timed_out = evidence_timed_out,
                .userdata = evidence,
        };
        bool is_user = evidence->unit.manager == UNIT_MANAGER_USER;
        BusLink *own = &evidence->own.link, *above = &evidence->above.link;

        evidence->own.evidence = evidence->above.evidence = evidence;
        evidence->above.is_above = true;
        evidence->above.is_done = !is_user;
        *own = *above = common;
        own->connected = evidence_own_connected;
        own->failed = evidence_own_failed;
        above->connected = evidence_above_connected;
        above->failed = evidence_above_failed;

        if (address)
                bus_link_add_addresses(own, address, /* is_message_bus= */ false);
        else if (is_user)
                bus_link_add_user(own, evidence->unit.owner_uid);
        else
                bus_link_add_system(own);
        if (system_address)
                bus_link_add_addresses(above, system_address, /* is_message_bus= */ false);
        else
                bus_link_add_system(above);
        evidence_share_time(own);
        evidence_share_time(above);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int evidence_dispatch_deadline(sd_event_source *source, uint64_t at_usec, void *userdata) {
        Evidence *evidence = userdata;

        evidence_judge(evidence);
        evidence_tell(evidence, -ETIMEDOUT);
        return 0;
}

/* Both links may end everything, so that nothing may follow but a return. */
static int evidence_dispatch_start(sd_event_source *source, void *userdata) {
        Evidence *evidence = userdata;

        evidence->start_source = sd_event_source_disable_unref(evidence->start_source);
        if (!evidence->above.is_done)
                bus_link_start(&evidence->above.link);
        bus_link_start(&evidence->own.link);
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
