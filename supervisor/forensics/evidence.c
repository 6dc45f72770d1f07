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
 * The unit is asked for one property after the other: GetAll would have systemd search its
 * directories of unit files, for each unit once after each daemon-reload, and a deployment reloads
 * and then restarts.
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
#include "evidence-answers.h"

#define MANAGER_NAME         "org.freedesktop.systemd1"
#define MANAGER_PATH         "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE    "org.freedesktop.systemd1.Manager"
#define UNIT_PATH_PREFIX     "/org/freedesktop/systemd1/unit"
#define UNIT_INTERFACE       "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE    "org.freedesktop.systemd1.Service"
#define SCOPE_INTERFACE      "org.freedesktop.systemd1.Scope"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* In BusLink.slots; the first ones are those of the questions for each EvidenceProperty. */
typedef enum EvidenceSlot {
        EVIDENCE_SLOT_RESULT = _EVIDENCE_PROPERTY_MAX,
        EVIDENCE_SLOT_JOBS,
        EVIDENCE_SLOT_STATE,
        EVIDENCE_SLOT_BOUND, /* in the second round: one of the units that ours is bound to */
        _EVIDENCE_SLOT_MAX,
} EvidenceSlot;
static_assert((int) _EVIDENCE_SLOT_MAX <= BUS_LINK_SLOTS_MAX, "each needs its place");

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

        EvidenceAnswers answers;
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
        evidence->handler(evidence, &evidence->answers.facts, error, evidence->userdata);
}

/* May free the evidence. */
static void evidence_finish(EvidenceLink *link) {
        Evidence *evidence = link->evidence;

        bus_link_close(&link->link);
        link->is_done = true;
        if (evidence->own.is_done && evidence->above.is_done)
                evidence_tell(evidence, evidence->error);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Calls Get for a property of an object's interface, or with interface NULL the manager's
 * ListJobs. */
static int evidence_call(EvidenceLink *link, size_t slot, sd_bus_message_handler_t callback,
        const char *unit, const char *interface, const char *property) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        sd_bus_slot **ret_slot = &link->link.slots[slot];
        _cleanup_free_ char *path = NULL;
        int r = 0;

        if (unit)
                r = sd_bus_path_encode(UNIT_PATH_PREFIX, unit, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(link->link.bus, &message, MANAGER_NAME,
                        path ?: MANAGER_PATH, interface ? PROPERTIES_INTERFACE : MANAGER_INTERFACE,
                        interface ? "Get" : "ListJobs");
        if (r >= 0 && interface)
                r = sd_bus_message_append(message, "ss", interface, property);
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

/* ---- Answers --------------------------------------------------------------------------------- */

static void evidence_take_property(EvidenceLink *link, sd_bus_message *reply) {
        EvidenceProperty property = (EvidenceProperty) bus_link_get_current_slot(&link->link);

        evidence_answers_read_property(&link->evidence->answers, property, reply);
}

static int evidence_dispatch_property(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_property);
}

static void evidence_take_result(EvidenceLink *link, sd_bus_message *reply) {
        EvidenceAnswers *answers = &link->evidence->answers;

        if (evidence_read_word(reply, answers->facts.result) > 0)
                answers->has_result = true;
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
                evidence->answers.facts.is_shutting_down = true;
        else
                evidence->answers.facts.is_exiting = true;
}

static void evidence_take_jobs(EvidenceLink *link, sd_bus_message *reply) {
        EvidenceAnswers *answers = &link->evidence->answers;

        if (evidence_answers_read_jobs(link->is_above ? NULL : answers, reply))
                evidence_note_shutdown(link);
}

static int evidence_dispatch_jobs(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_jobs);
}

static void evidence_take_state(EvidenceLink *link, sd_bus_message *reply) {
        Evidence *evidence = link->evidence;
        char state[CAUSE_WORD_MAX] = "";

        if (evidence_read_word(reply, state) <= 0)
                return;
        if (link->is_above || evidence->unit.manager == UNIT_MANAGER_SYSTEM)
                (void) strcpy(evidence->answers.facts.system_state, state);
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

        if (evidence_read_word(reply, state) <= 0)
                return;
        for (size_t i = 0; i < ELEMENTSOF(down); i++)
                if (strcmp(state, down[i]) == 0)
                        evidence_answers_blame(&evidence->answers,
                                &evidence->answers.ties[evidence->tie_index - 1]);
}

static int evidence_dispatch_bound(
        sd_bus_message *reply, void *userdata, sd_bus_error *reterr_error) {
        return evidence_take(userdata, reply, evidence_take_bound);
}

/* One unit after the other, until one is found down. Returns: whether one has been asked for. */
static bool evidence_ask_bound(Evidence *evidence) {
        const UnitEvidence *facts = &evidence->answers.facts;

        if (!facts->has_unit || strcmp(facts->job_type, "stop") != 0 || facts->dependency[0] ||
                facts->is_exiting || facts->is_shutting_down)
                return false;
        while (evidence->tie_index < evidence->answers.n_ties) {
                const EvidenceTie *tie = &evidence->answers.ties[evidence->tie_index++];

                if (tie->bond == EVIDENCE_PROPERTY_BINDS_TO &&
                        !evidence_answers_have_job_on(&evidence->answers, tie->unit) &&
                        evidence_call(&evidence->own, EVIDENCE_SLOT_BOUND, evidence_dispatch_bound,
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
                evidence_answers_judge(&link->evidence->answers);
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
        int r = 0;

        evidence->own.n_pending = _EVIDENCE_PROPERTY_MAX + 3;
        evidence->tie_index = 0;
        evidence->answers.is_unit_old = true;
        for (EvidenceProperty i = 0; r >= 0 && i < _EVIDENCE_PROPERTY_MAX; i++)
                r = evidence_call(&evidence->own, i, evidence_dispatch_property, unit,
                        UNIT_INTERFACE, evidence_property_to_string(i));
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
        if (!bus_link_wait_on(bus_link))
                bus_link_lose(bus_link, -ETIMEDOUT);
}

static void evidence_own_failed(BusLink *bus_link, int error) {
        Evidence *evidence = bus_link->userdata;

        evidence->error = error;
        evidence_answers_judge(&evidence->answers);
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

        evidence_answers_judge(&evidence->answers);
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
        evidence_answers_done(&evidence->answers);
        evidence->event = sd_event_unref(evidence->event);
        free(evidence);
        return NULL;
}
