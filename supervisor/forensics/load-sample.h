/* SPDX-License-Identifier: MIT */
#pragma once

/* The host, the unit and the gateway's main process at one instant, in numbers that only grow; two of
 * them say what happened in between. Read in the loop: nothing but small virtual files that no process
 * can hold up (never cmdline, maps, syscall or stack), about a tenth of a millisecond. What cannot be
 * read is left out.
 * Source: proc(5), Documentation/accounting/psi.rst, Documentation/scheduler/sched-stats.rst,
 * Documentation/admin-guide/cgroup-v2.rst. */

#include <stdbool.h>
#include <sys/types.h>

#include "proc.h"
#include "stop/stall.h"
#include "usec.h"

#define LOAD_THREADS_MAX 64 /* of main whose waiting for a CPU is added up */

typedef struct LoadPressure {
        bool is_known;
        usec_t some_usec;
        usec_t full_usec;
} LoadPressure;

typedef struct LoadSample {
        usec_t taken_at_usec; /* 0: none was taken */
        pid_t pid;
        bool has_process;
        uint64_t start_ticks;
        char state;      /* without a process: X it is gone, 0 it could not be read */
        int stop_signal; /* that put it into state T; 0: not known */
        usec_t cpu_usec;
        bool has_run_delay;
        usec_t run_delay_usec;
        bool has_turns;
        uint64_t n_turns; /* of main's first thread on a CPU */
        bool has_payload_cpu;
        usec_t payload_cpu_usec;
        usec_t throttled_usec;
        LoadPressure host[_STALL_RESOURCE_MAX];
        LoadPressure unit[_STALL_RESOURCE_MAX];
        /* Only with is_closer: */
        char wchan[STALL_WCHAN_MAX];
        pid_t tracer_pid;
        char tracer_comm[STALL_COMM_MAX];
        bool is_frozen;
        bool has_loadavg;
        double loadavg;
} LoadSample;

/* Where to look. */
typedef struct LoadProbe {
        int proc_fd;
        pid_t pid;             /* main */
        int unit_cgroup_fd;    /* the unit's group (its quota, its pressure); -EBADF: none */
        int payload_cgroup_fd; /* the gateway's own group; -EBADF: the unit's is taken */
        bool is_closer;        /* a deadline was missed: also what holds main at this moment */
} LoadProbe;

void load_sample_take(LoadSample *sample, const LoadProbe *probe, usec_t now_usec);

/* What happened between two samples of the same process (same pid and start_ticks); when `before` is
 * none, or of another process, only what is so now. silent_usec and late_usec are the caller's. */
void load_sample_compare(const LoadSample *before, const LoadSample *after, StallFacts *ret_facts);
