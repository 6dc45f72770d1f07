/* SPDX-License-Identifier: MIT */
#pragma once

/* The managers' answers as they come in, and what follows from them. Only evidence.c uses this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "evidence.h"

/* What our unit is asked for, in this order: the time of its last end counts by the state, which
 * must not be the later one of the two; of several bonds with a unit the first one is told. */
typedef enum EvidenceProperty {
        EVIDENCE_PROPERTY_JOB,
        EVIDENCE_PROPERTY_SUB_STATE,
        EVIDENCE_PROPERTY_ACTIVE_STATE,
        EVIDENCE_PROPERTY_ACTIVE_EXIT,
        EVIDENCE_PROPERTY_REQUIRES, /* from here on how it hangs on other units */
        EVIDENCE_PROPERTY_REQUISITE,
        EVIDENCE_PROPERTY_BINDS_TO,
        EVIDENCE_PROPERTY_PART_OF,
        EVIDENCE_PROPERTY_CONFLICTS,
        EVIDENCE_PROPERTY_CONFLICTED_BY,
        EVIDENCE_PROPERTY_STOP_PROPAGATED_FROM,
        _EVIDENCE_PROPERTY_MAX,
        _EVIDENCE_PROPERTY_INVALID = -EINVAL,
} EvidenceProperty;

/* Returns: the name on D-Bus, static; NULL: no EvidenceProperty. */
const char *evidence_property_to_string(EvidenceProperty property);

typedef struct EvidenceTie {
        EvidenceProperty bond;
        char unit[UNIT_NAME_MAX];
} EvidenceTie;

typedef struct EvidenceJob {
        uint32_t id;
        char type[CAUSE_WORD_MAX];
        char unit[UNIT_NAME_MAX];
} EvidenceJob;

typedef struct EvidenceAnswers {
        UnitEvidence facts;
        bool is_unit_old; /* the next answer about the unit takes the place of all there is */
        bool has_result;
        char active_state[CAUSE_WORD_MAX];
        usec_t active_exit_usec;
        EvidenceTie ties[EVIDENCE_UNITS_MAX];
        size_t n_ties;
        EvidenceJob *jobs; /* of the unit's manager; owned */
        size_t n_jobs;
} EvidenceAnswers;

/* Embedded; {} is none. */
void evidence_answers_done(EvidenceAnswers *answers);

/* Reads a variant that holds a string; one of another type is skipped.
 * Returns: > 0: read; 0: skipped; negative errno of sd_bus_message_skip(3). */
int evidence_read_word(sd_bus_message *message, char word[static CAUSE_WORD_MAX]) _warn_unused_;

/* Takes the reply to Get for a property of the unit. What is of another type than systemd gives it
 * is passed over. */
void evidence_answers_read_property(
        EvidenceAnswers *answers, EvidenceProperty property, sd_bus_message *reply);

/* Takes the reply to ListJobs, in place of one before; what goes beyond EVIDENCE_JOBS_MAX is not looked
 * at. answers: NULL: only look.
 * Returns: whether all units of this manager are being stopped, as a job says. */
bool evidence_answers_read_jobs(EvidenceAnswers *answers, sd_bus_message *reply);

/* Completes the facts from what has been read; may be done again when more has been. */
void evidence_answers_judge(EvidenceAnswers *answers);

/* Our stop follows that unit. */
void evidence_answers_blame(EvidenceAnswers *answers, const EvidenceTie *tie);

/* A unit on which there is a job goes where it was sent: before ours, then that has been found, or after
 * ours and perhaps because of it. */
bool evidence_answers_have_job_on(const EvidenceAnswers *answers, const char *unit);
