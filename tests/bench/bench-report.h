/* SPDX-License-Identifier: MIT */
#pragma once

/* The figures of one run, as tables for people and as JSON for programs. */

#include <stdio.h>

#include "bench-samples.h"
#include "bench-wrapper.h"

#define BENCH_WRAPPERS_MAX 4

typedef enum BenchMeasure {
        BENCH_START,
        BENCH_SIGNAL,
        BENCH_EXIT,
        _BENCH_MEASURE_MAX,
} BenchMeasure;

typedef struct BenchResult {
        const BenchWrapper *wrapper;              /* weak */
        BenchSamples samples[_BENCH_MEASURE_MAX]; /* nanoseconds */
        BenchUsage idle;                          /* over the idle time; pss_kib at its end */
} BenchResult;

/* results: the bare child first; the ratios are to the last one when it is no gatewatch (a peer). */
void bench_report_print(FILE *out, BenchResult results[], size_t n_results, unsigned idle_seconds);

/* Returns: 0; -ENOMEM; negative errno of open(2), write(2). */
int bench_report_write_json(const char *path, BenchResult results[], size_t n_results,
        unsigned idle_seconds) _warn_unused_;
