/* SPDX-License-Identifier: MIT */
#pragma once

/* What the managers say about a stop that has just begun: the unit's job, sub-state and result, all jobs,
 * the state of the system, and what our unit depends on. Asked asynchronously, over connections of its
 * own (the unit's manager; for a user unit the system manager as well), and given up after
 * EVIDENCE_TIMEOUT_USEC. */

#include <systemd/sd-event.h>

#include "cgroup.h"
#include "stop/cause.h"
#include "usec.h"

#define EVIDENCE_TIMEOUT_USEC (2 * USEC_PER_SEC)
#define EVIDENCE_UNITS_MAX    32 /* units we depend on that are looked at */
#define EVIDENCE_JOBS_MAX     4096

typedef struct Evidence Evidence;

/* Called once from the loop. facts: complete, or what there is when error < 0 (-ETIMEDOUT, -ENOENT: no
 * bus, …); valid during the call. May free the evidence. */
typedef void (*EvidenceHandler)(
        Evidence *evidence, const UnitEvidence *facts, int error, void *userdata);

/* Starts asking; returns at once.
 *
 * address, system_address: NULL, or D-Bus addresses at which the managers themselves are the peers
 *                          (tests), for the unit's own manager and for the system manager.
 * Returns: 0; -ENOMEM; -EINVAL: unit->manager is NONE. */
int evidence_new(sd_event *event, const CgroupUnit *unit, const char *address,
        const char *system_address, int64_t priority, EvidenceHandler handler, void *userdata,
        Evidence **ret_evidence) _warn_unused_;

Evidence *evidence_free(Evidence *evidence);
DEFINE_POINTER_CLEANUP(Evidence, evidence_free)
