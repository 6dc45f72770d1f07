/* SPDX-License-Identifier: MIT */
#pragma once

/* Why a gateway missed a deadline, in one word and one sentence, from what was seen of it and of the
 * host since its last sign of life: starved (it wanted to run and could not) or wedged (it could have
 * run and did not), or held by somebody else. Pure. What the facts do not say is `unknown`.
 *
 * A process that waits for a CPU says so itself (run_delay: it was runnable and did not run); the
 * host's pressure alone does not starve a process that sleeps. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"
#include "usec.h"

typedef enum Stall {
        STALL_TRACED,   /* a debugger holds it */
        STALL_FROZEN,   /* its control group is frozen */
        STALL_STOPPED,  /* by SIGSTOP and the like */
        STALL_STARVED,  /* CPU, memory or I/O were not to be had */
        STALL_BLOCKED,  /* in the kernel, uninterruptible (state D) */
        STALL_SPINNING, /* it ran all the time and said nothing */
        STALL_WORKING,  /* it ran for a good part of the time */
        STALL_WEDGED,   /* it slept and used no CPU */
        STALL_EXITED,   /* it is gone, or a zombie */
        STALL_UNKNOWN,
        _STALL_MAX,
        _STALL_INVALID = -EINVAL,
} Stall;

const char *stall_to_string(Stall stall);

typedef enum StallResource {
        STALL_CPU,
        STALL_MEMORY,
        STALL_IO,
        _STALL_RESOURCE_MAX,
} StallResource;

const char *stall_resource_to_string(StallResource resource); /* "cpu", "memory", "io" */

/* Share of the window, in percent, in which some tasks (all tasks) waited for a resource. */
typedef struct StallPressure {
        bool is_known;
        double some_percent;
        double full_percent;
} StallPressure;

#define STALL_WCHAN_MAX 64
#define STALL_COMM_MAX  64

typedef struct StallFacts {
        usec_t silent_usec; /* since the last sign of life; for a step or phase: since it began */
        usec_t window_usec; /* what the differences below span; 0: there is nothing to compare with */
        bool has_process;   /* main was seen now */
        char state;      /* its main thread's, as in proc(5); without a process: X it is gone, 0 it
                             * could not be read */
        int stop_signal; /* that put it into state T; 0: not known */
        char wchan[STALL_WCHAN_MAX]; /* empty: none, or not to be read */
        pid_t tracer_pid;            /* 0: none */
        char tracer_comm[STALL_COMM_MAX];
        bool is_frozen;
        bool has_cpu;
        usec_t cpu_usec; /* of main's threads, in the window */
        bool has_payload_cpu;
        usec_t payload_cpu_usec; /* of all gateway processes */
        bool has_run_delay;
        usec_t run_delay_usec; /* main's threads were runnable and waited for a CPU; threads add up */
        bool has_turns;
        uint64_t n_turns;      /* how often main's first thread got a CPU, in the window */
        usec_t throttled_usec; /* the unit was held by CPUQuota=; the CPUs add up */
        StallPressure host[_STALL_RESOURCE_MAX];
        StallPressure unit[_STALL_RESOURCE_MAX]; /* of the unit's control group */
        usec_t late_usec;                        /* by how much the supervisor itself was late */
        bool has_loadavg;
        double loadavg;
} StallFacts;

#define STALL_DETAIL_MAX 256

typedef struct StallVerdict {
        Stall stall;
        char detail
                [STALL_DETAIL_MAX]; /* "wedged: main thread in state S, wchan ep_poll, no CPU for 31s" */
} StallVerdict;

void stall_decide(const StallFacts *facts, StallVerdict *ret_verdict);
