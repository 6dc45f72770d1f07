/* SPDX-License-Identifier: MIT */

/* Tables and JSON of a run. Figures stand beside the bare child's and the peer's of the same run,
 * because between two runs, let alone two machines, they compare to nothing. Nothing is judged. */

#include <inttypes.h>
#include <string.h>

#include <json-c/json.h>

#include "bench-report.h"

static const struct {
        const char *name;
        const char *title;
} bench_measures[_BENCH_MEASURE_MAX] = {
        [BENCH_START] = { "start",
                "start: exec of the wrapper to the first line of the child's main" },
        [BENCH_SIGNAL] = { "signal",
                "signal: kill(2) to the return of the child's sigwaitinfo(2)" },
        [BENCH_EXIT] = { "exit", "exit: the child's _exit(2) to the return of our waitpid(2)" },
};

/* The result that ratios are to; NULL: no peer was measured. */
static BenchResult *bench_find_peer(BenchResult results[], size_t n_results) {
        for (size_t i = 0; i < n_results; i++)
                if (strcmp(results[i].wrapper->name, "tini") == 0)
                        return &results[i];
        return NULL;
}

static double bench_usec(int64_t ns) {
        return (double) ns / 1000.0;
}

static double bench_ratio(BenchResult *result, BenchResult *to, BenchMeasure measure) {
        int64_t base = to ? bench_samples_percentile(&to->samples[measure], 50) : 0;

        return base > 0 ? (double) bench_samples_percentile(&result->samples[measure], 50) / base
                        : 0;
}

static void bench_print_measure(
        FILE *out, BenchResult results[], size_t n_results, BenchMeasure measure) {
        BenchResult *peer = bench_find_peer(results, n_results);

        fprintf(out, "\n%s, us\n", bench_measures[measure].title);
        fprintf(out, "%-10s %6s %9s %9s %9s %10s %7s %7s\n", "", "n", "min", "median", "p99",
                "over bare", "/bare", "/tini");
        for (size_t i = 0; i < n_results; i++) {
                BenchSamples *samples = &results[i].samples[measure];
                int64_t median = bench_samples_percentile(samples, 50);
                int64_t bare = bench_samples_percentile(&results[0].samples[measure], 50);

                fprintf(out, "%-10s %6zu %9.1f %9.1f %9.1f %10.1f %7.2f ", results[i].wrapper->name,
                        samples->n_values, bench_usec(bench_samples_percentile(samples, 0)),
                        bench_usec(median), bench_usec(bench_samples_percentile(samples, 99)),
                        bench_usec(median - bare), bench_ratio(&results[i], &results[0], measure));
                if (peer)
                        fprintf(out, "%7.2f\n", bench_ratio(&results[i], peer, measure));
                else
                        fprintf(out, "%7s\n", "-");
        }
}

void bench_report_print(FILE *out, BenchResult results[], size_t n_results, unsigned idle_seconds) {
        for (BenchMeasure measure = 0; measure < _BENCH_MEASURE_MAX; measure++)
                bench_print_measure(out, results, n_results, measure);

        fprintf(out, "\nidle for %u s (of the bare child: the child itself)\n", idle_seconds);
        fprintf(out, "%-10s %9s %9s %9s %12s %8s\n", "", "wake-ups", "cpu us", "PSS KiB",
                "private KiB", "threads");
        for (size_t i = 0; i < n_results; i++)
                fprintf(out, "%-10s %9" PRIu64 " %9.1f %9" PRIu64 " %12" PRIu64 " %8u\n",
                        results[i].wrapper->name, results[i].idle.n_switches,
                        bench_usec((int64_t) results[i].idle.cpu_ns), results[i].idle.pss_kib,
                        results[i].idle.private_kib, results[i].idle.n_threads);
}

static json_object *bench_measure_to_json(BenchSamples *samples) {
        json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        (void) json_object_object_add(object, "n", json_object_new_uint64(samples->n_values));
        (void) json_object_object_add(
                object, "min_ns", json_object_new_int64(bench_samples_percentile(samples, 0)));
        (void) json_object_object_add(
                object, "median_ns", json_object_new_int64(bench_samples_percentile(samples, 50)));
        (void) json_object_object_add(
                object, "p99_ns", json_object_new_int64(bench_samples_percentile(samples, 99)));
        return object;
}

static json_object *bench_idle_to_json(const BenchUsage *idle, unsigned idle_seconds) {
        json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        (void) json_object_object_add(object, "seconds", json_object_new_uint64(idle_seconds));
        (void) json_object_object_add(object, "wakeups", json_object_new_uint64(idle->n_switches));
        (void) json_object_object_add(object, "cpu_ns", json_object_new_uint64(idle->cpu_ns));
        (void) json_object_object_add(object, "pss_kib", json_object_new_uint64(idle->pss_kib));
        (void) json_object_object_add(
                object, "private_kib", json_object_new_uint64(idle->private_kib));
        (void) json_object_object_add(object, "threads", json_object_new_uint64(idle->n_threads));
        return object;
}

static json_object *bench_result_to_json(
        BenchResult *result, BenchResult *bare, BenchResult *peer, unsigned idle_seconds) {
        json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        for (BenchMeasure measure = 0; measure < _BENCH_MEASURE_MAX; measure++) {
                json_object *child = bench_measure_to_json(&result->samples[measure]);

                (void) json_object_object_add(child, "to_bare",
                        json_object_new_double(bench_ratio(result, bare, measure)));
                if (peer)
                        (void) json_object_object_add(child, "to_tini",
                                json_object_new_double(bench_ratio(result, peer, measure)));
                (void) json_object_object_add(object, bench_measures[measure].name, child);
        }
        (void) json_object_object_add(
                object, "idle", bench_idle_to_json(&result->idle, idle_seconds));
        return object;
}

int bench_report_write_json(
        const char *path, BenchResult results[], size_t n_results, unsigned idle_seconds) {
        BenchResult *peer = bench_find_peer(results, n_results);
        json_object *root = json_object_new_object();
        int r = 0;

        if (!root)
                return -ENOMEM;
        for (size_t i = 0; i < n_results; i++)
                (void) json_object_object_add(root, results[i].wrapper->name,
                        bench_result_to_json(&results[i], &results[0], peer, idle_seconds));
        if (json_object_to_file_ext(path, root, JSON_C_TO_STRING_PRETTY) < 0)
                r = errno > 0 ? -errno : -EIO;
        (void) json_object_put(root);
        return r;
}
