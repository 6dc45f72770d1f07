/* SPDX-License-Identifier: MIT */
#pragma once

/* The managers' answers as they come in, and what follows from them. Only evidence.c uses this. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "evidence.h"

/* How our unit hangs on another. */
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

typedef struct EvidenceTie {
        EvidenceBond bond;
        char unit[UNIT_NAME_MAX];
} EvidenceTie;

typedef struct EvidenceJob {
        uint32_t id;
        char type[CAUSE_WORD_MAX];
        char unit[UNIT_NAME_MAX];
} EvidenceJob;

typedef struct EvidenceAnswers {
        UnitEvidence facts;
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

/* Takes the reply to GetAll on the unit, in place of one before. What is of another type than systemd
 * gives it is passed over. */
void evidence_answers_read_unit(EvidenceAnswers *answers, sd_bus_message *reply);

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
