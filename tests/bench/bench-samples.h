/* SPDX-License-Identifier: MIT */
#pragma once

/* Samples of one measurement, and what is told of them. */

#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

typedef struct BenchSamples {
        int64_t *values;
        size_t n_values;
        size_t n_allocated;
} BenchSamples;

void bench_samples_done(BenchSamples *samples);

/* Returns: 0; -ENOMEM. */
int bench_samples_add(BenchSamples *samples, int64_t value) _warn_unused_;

/* The value below which `percent` (0 to 100) of the samples lie: 0 the least, 50 the median. Sorts the
 * samples.
 * Returns: the value; 0 when there are none. */
int64_t bench_samples_percentile(BenchSamples *samples, unsigned percent);
