/* SPDX-License-Identifier: MIT */

/* Replies of managers are read here, each into what it is good for, and judged when all are there. Which
 * rules make a dependency of a job, and why, stands at the top of evidence.c.
 *
 * A value of another type than systemd gives it is passed over, and so is the rest of a reply that
 * cannot be read on: what was there before it counts. */

#include "evidence-answers.h"

#include <stdlib.h>
#include <string.h>

#define JOBS_STEP 64 /* by which the list of jobs grows */

/* The property's name is the word that stands in the unit file. */
static const char *const evidence_property_table[_EVIDENCE_PROPERTY_MAX] = {
        [EVIDENCE_PROPERTY_JOB] = "Job",
        [EVIDENCE_PROPERTY_SUB_STATE] = "SubState",
        [EVIDENCE_PROPERTY_ACTIVE_STATE] = "ActiveState",
        [EVIDENCE_PROPERTY_ACTIVE_EXIT] = "ActiveExitTimestampMonotonic",
        [EVIDENCE_PROPERTY_REQUIRES] = "Requires",
        [EVIDENCE_PROPERTY_REQUISITE] = "Requisite",
        [EVIDENCE_PROPERTY_BINDS_TO] = "BindsTo",
        [EVIDENCE_PROPERTY_PART_OF] = "PartOf",
        [EVIDENCE_PROPERTY_CONFLICTS] = "Conflicts",
        [EVIDENCE_PROPERTY_CONFLICTED_BY] = "ConflictedBy",
        [EVIDENCE_PROPERTY_STOP_PROPAGATED_FROM] = "StopPropagatedFrom",
};

const char *evidence_property_to_string(EvidenceProperty property) {
        if (property < 0 || property >= _EVIDENCE_PROPERTY_MAX)
                return NULL;
        return evidence_property_table[property];
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
        if (tie->bond == EVIDENCE_PROPERTY_CONFLICTS ||
                tie->bond == EVIDENCE_PROPERTY_CONFLICTED_BY)
                return strcmp(job->type, "start") == 0 && !job_is_shutdown(job->type, job->unit);
        return job_stops(job);
}

void evidence_answers_blame(EvidenceAnswers *answers, const EvidenceTie *tie) {
        UnitEvidence *facts = &answers->facts;

        (void) snprintf(facts->dependency, sizeof(facts->dependency), "%s", tie->unit);
        (void) snprintf(facts->dependency_kind, sizeof(facts->dependency_kind), "%s",
                evidence_property_table[tie->bond]);
}

static const EvidenceTie *evidence_find_tie(
        const EvidenceAnswers *answers, const EvidenceJob *job) {
        for (size_t i = 0; i < answers->n_ties; i++)
                if (tie_explains(&answers->ties[i], job))
                        return &answers->ties[i];
        return NULL;
}

/* Of the jobs before ours that explain it the first. */
static void evidence_find_dependency(EvidenceAnswers *answers) {
        uint32_t before = answers->facts.job_id;

        for (size_t i = 0; i < answers->n_jobs; i++) {
                const EvidenceJob *job = &answers->jobs[i];
                const EvidenceTie *tie = job->id < before ? evidence_find_tie(answers, job) : NULL;

                if (!tie)
                        continue;
                evidence_answers_blame(answers, tie);
                before = job->id;
        }
}

static const EvidenceJob *evidence_find_job(const EvidenceAnswers *answers, uint32_t id) {
        for (size_t i = 0; id > 0 && i < answers->n_jobs; i++)
                if (answers->jobs[i].id == id)
                        return &answers->jobs[i];
        return NULL;
}

static bool state_is_up(const char *state) {
        return strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0 ||
                strcmp(state, "refreshing") == 0;
}

/* May be done again when more has been read. */
void evidence_answers_judge(EvidenceAnswers *answers) {
        UnitEvidence *facts = &answers->facts;
        const EvidenceJob *job = evidence_find_job(answers, facts->job_id);
        facts->has_unit = facts->sub_state[0] && answers->has_result;
        /* A unit that is up has an old time of its last end, if any. */
        facts->left_at_usec = state_is_up(answers->active_state) ? 0 : answers->active_exit_usec;
        (void) snprintf(facts->job_type, sizeof(facts->job_type), "%s", job ? job->type : "");
        if (job && job_stops(job))
                evidence_find_dependency(answers);
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

int evidence_read_word(sd_bus_message *message, char word[static CAUSE_WORD_MAX]) {
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

static int evidence_read_ties(
        EvidenceAnswers *answers, sd_bus_message *message, EvidenceProperty bond) {
        const char *unit;
        int r = variant_enter(message, "as");

        if (r <= 0)
                return r;
        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &unit)) > 0) {
                if (answers->n_ties == EVIDENCE_UNITS_MAX || strlen(unit) >= UNIT_NAME_MAX)
                        continue;
                answers->ties[answers->n_ties].bond = bond;
                (void) strcpy(answers->ties[answers->n_ties++].unit, unit);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static void evidence_forget_unit(EvidenceAnswers *answers) {
        answers->facts.sub_state[0] = answers->active_state[0] = '\0';
        answers->facts.job_id = 0;
        answers->active_exit_usec = 0;
        answers->n_ties = 0;
        answers->is_unit_old = false;
}

void evidence_answers_read_property(
        EvidenceAnswers *answers, EvidenceProperty property, sd_bus_message *reply) {
        UnitEvidence *facts = &answers->facts;

        if (answers->is_unit_old)
                evidence_forget_unit(answers);
        switch (property) {
        case EVIDENCE_PROPERTY_JOB:
                (void) !variant_read_job(reply, &facts->job_id);
                break;
        case EVIDENCE_PROPERTY_SUB_STATE:
                (void) !evidence_read_word(reply, facts->sub_state);
                break;
        case EVIDENCE_PROPERTY_ACTIVE_STATE:
                (void) !evidence_read_word(reply, answers->active_state);
                break;
        case EVIDENCE_PROPERTY_ACTIVE_EXIT:
                (void) !variant_read_usec(reply, &answers->active_exit_usec);
                break;
        default:
                (void) !evidence_read_ties(answers, reply, property);
        }
}

/* ---- Jobs ------------------------------------------------------------------------------------ */

static int evidence_add_job(
        EvidenceAnswers *answers, uint32_t id, const char *type, const char *unit) {
        EvidenceJob *job;

        if (answers->n_jobs % JOBS_STEP == 0) {
                EvidenceJob *jobs = reallocarray(
                        answers->jobs, answers->n_jobs + JOBS_STEP, sizeof(EvidenceJob));
                if (!jobs)
                        return -ENOMEM;
                answers->jobs = jobs;
        }
        job = &answers->jobs[answers->n_jobs++];
        job->id = id;
        (void) snprintf(job->type, sizeof(job->type), "%s", type);
        (void) snprintf(job->unit, sizeof(job->unit), "%s", unit);
        return 0;
}

bool evidence_answers_read_jobs(EvidenceAnswers *answers, sd_bus_message *reply) {
        bool has_shutdown = false;
        const char *unit, *type;
        uint32_t id;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(usssoo)");
        if (answers) {
                answers->n_jobs = 0;
                answers->facts.has_jobs = r > 0;
        }
        for (size_t n = 0; r >= 0 && n < EVIDENCE_JOBS_MAX; n++) {
                r = sd_bus_message_read(reply, "(usssoo)", &id, &unit, &type, /* state= */ NULL,
                        /* job_path= */ NULL, /* unit_path= */ NULL);
                if (r <= 0)
                        break;
                has_shutdown = has_shutdown || job_is_shutdown(type, unit);
                if (answers)
                        r = evidence_add_job(answers, id, type, unit);
        }
        return has_shutdown;
}

bool evidence_answers_have_job_on(const EvidenceAnswers *answers, const char *unit) {
        for (size_t i = 0; i < answers->n_jobs; i++)
                if (strcmp(answers->jobs[i].unit, unit) == 0)
                        return true;
        return false;
}

void evidence_answers_done(EvidenceAnswers *answers) {
        free(answers->jobs);
        *answers = (EvidenceAnswers){};
}
