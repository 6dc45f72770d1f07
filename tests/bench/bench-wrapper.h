/* SPDX-License-Identifier: MIT */
#pragma once

/* One way to run the child: bare, or behind a process that passes signals on. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench-page.h"
#include "cleanup.h"

#define BENCH_ARGUMENTS_MAX   16
#define BENCH_TIMEOUT_SECONDS 10

typedef struct BenchWrapper {
        const char *name;
        const char *argv[BENCH_ARGUMENTS_MAX]; /* the child's own command included */
} BenchWrapper;

/* One that runs. */
typedef struct BenchRun {
        BenchPage *page; /* weak */
        pid_t pid;       /* of the wrapper, or of the bare child; 0: reaped */
        pid_t child_pid; /* 0: not started yet */
} BenchRun;

/* Executes the wrapper and waits until the child has reached main().
 * Returns: 0; -ETIMEDOUT: it has not; negative errno of fork(2). In all cases bench_run_done() is
 * due. */
int bench_run_start(BenchRun *run, BenchPage *page, const BenchWrapper *wrapper) _warn_unused_;

/* One measured signal through the wrapper. ret_ns: from kill(2) to the child's sigwaitinfo(2).
 * Returns: 0; -ETIMEDOUT: it did not come; negative errno of kill(2). */
int bench_run_signal(BenchRun *run, int64_t *ret_ns) _warn_unused_;

/* Has the child leave by itself and waits for the wrapper. ret_ns: from the child's _exit(2) to the
 * return of waitpid(2).
 * Returns: 0; -EPROTO: the wrapper did not end with the child's status; negative errno of kill(2),
 * waitpid(2). */
int bench_run_exit(BenchRun *run, int64_t *ret_ns) _warn_unused_;

/* Ends what still runs. */
void bench_run_done(BenchRun *run);

/* What the wrapper has used so far, over all its threads. */
typedef struct BenchUsage {
        uint64_t n_switches; /* context switches, voluntary or not: each is a wake-up */
        uint64_t cpu_ns;
        uint64_t pss_kib; /* its share of memory */
        uint64_t private_kib;
        unsigned n_threads;
} BenchUsage;

/* Returns: 0; negative errno of opendir(3). */
int bench_run_usage(const BenchRun *run, BenchUsage *ret_usage) _warn_unused_;
