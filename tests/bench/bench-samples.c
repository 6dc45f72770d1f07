/* SPDX-License-Identifier: MIT */

/* A growing array of numbers. Percentiles are the nearest rank: a value that was really measured, so
 * that a table of microseconds shows no digits that nobody saw. No mean: one page fault of a busy
 * machine would move it. */

#include <stdlib.h>

#include "bench-samples.h"

void bench_samples_done(BenchSamples *samples) {
        free(samples->values);
        *samples = (BenchSamples){};
}

int bench_samples_add(BenchSamples *samples, int64_t value) {
        if (samples->n_values == samples->n_allocated) {
                size_t n = samples->n_allocated ? samples->n_allocated * 2 : 64;
                int64_t *values = reallocarray(samples->values, n, sizeof(*values));

                if (!values)
                        return -ENOMEM;
                samples->values = values;
                samples->n_allocated = n;
        }

        samples->values[samples->n_values++] = value;
        return 0;
}

static int bench_sample_compare(const void *a, const void *b) {
        int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

        return (x > y) - (x < y);
}

int64_t bench_samples_percentile(BenchSamples *samples, unsigned percent) {
        if (samples->n_values == 0)
                return 0;

        qsort(samples->values, samples->n_values, sizeof(*samples->values), bench_sample_compare);
        return samples->values[(samples->n_values - 1) * percent / 100];
}
