/* SPDX-License-Identifier: MIT */

/* What a supervisor in front of a gateway costs: time from exec to the gateway's main(), time for a
 * signal to come through, time from the gateway's exit to the supervisor's, and what it uses while
 * nothing happens. Beside it stand the same child without anything in front, and tini, the smallest
 * wrapper there is, where it is installed.
 *
 * Rounds are interleaved: in each round every wrapper runs once, another one first each time, so that a
 * machine that warms up or is disturbed does so for all of them. Ratios are of medians of one run.
 *
 * It asserts nothing about times. It fails when a signal gets lost, when a wrapper does not pass the
 * child's status on, and when nothing answers within BENCH_TIMEOUT_SECONDS. */

#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench-report.h"

#define BENCH_ROUNDS_MAX        100000U
#define BENCH_SIGNALS_PER_ROUND 5

typedef struct Bench {
        unsigned n_rounds;
        unsigned idle_seconds;
        const char *json_path; /* NULL: none */
        int page_fd;
        BenchPage *page;
        char page_fd_text[16];
        char state_directory[64];
        BenchWrapper wrappers[BENCH_WRAPPERS_MAX];
        BenchResult results[BENCH_WRAPPERS_MAX];
        size_t n_wrappers;
} Bench;

static int bench_add(Bench *bench, BenchMeasure measure, size_t i, int64_t ns) {
        return bench_samples_add(&bench->results[i].samples[measure], ns);
}

/* The first signal is not counted: it finds a wrapper that may still be setting itself up. */
static int bench_measure_signals(Bench *bench, BenchRun *run, size_t i) {
        int64_t ns;

        for (unsigned n = 0; n <= BENCH_SIGNALS_PER_ROUND; n++) {
                int r = bench_run_signal(run, &ns);

                if (r >= 0 && n > 0)
                        r = bench_add(bench, BENCH_SIGNAL, i, ns);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int bench_measure_once(Bench *bench, size_t i) {
        _cleanup_(bench_run_done) BenchRun run = {};
        int64_t ns;
        int r;

        r = bench_run_start(&run, bench->page, &bench->wrappers[i]);
        if (r < 0)
                return r;
        r = bench_add(bench, BENCH_START, i, bench->page->main_at_ns - bench->page->exec_at_ns);
        if (r < 0)
                return r;
        r = bench_measure_signals(bench, &run, i);
        if (r < 0)
                return r;
        r = bench_run_exit(&run, &ns);
        if (r < 0)
                return r;
        return bench_add(bench, BENCH_EXIT, i, ns);
}

static int bench_measure_rounds(Bench *bench) {
        for (unsigned round = 0; round < bench->n_rounds; round++)
                for (size_t n = 0; n < bench->n_wrappers; n++) {
                        size_t i = (round + n) % bench->n_wrappers;
                        int r = bench_measure_once(bench, i);

                        if (r < 0) {
                                fprintf(stderr, "%s, round %u: %s\n", bench->wrappers[i].name,
                                        round, strerror(-r));
                                return r;
                        }
                }
        return 0;
}

/* All at the same time, so that they idle through the same seconds. */
static int bench_measure_idle(Bench *bench) {
        BenchRun runs[BENCH_WRAPPERS_MAX] = {};
        BenchUsage before[BENCH_WRAPPERS_MAX] = {};
        int64_t ns;
        int r = 0;

        for (size_t i = 0; i < bench->n_wrappers && r >= 0; i++) {
                r = bench_run_start(&runs[i], bench->page, &bench->wrappers[i]);
                if (r >= 0) /* it is in its loop */
                        r = bench_run_signal(&runs[i], &ns);
        }
        /* What a wrapper does late in its start (a connection, a timer) is not idling. */
        if (r >= 0)
                (void) sleep(1);
        for (size_t i = 0; i < bench->n_wrappers && r >= 0; i++)
                r = bench_run_usage(&runs[i], &before[i]);
        if (r >= 0)
                (void) sleep(bench->idle_seconds);
        for (size_t i = 0; i < bench->n_wrappers && r >= 0; i++) {
                BenchUsage *idle = &bench->results[i].idle;

                r = bench_run_usage(&runs[i], idle);
                idle->n_switches -= before[i].n_switches;
                idle->cpu_ns -= before[i].cpu_ns;
        }
        for (size_t i = 0; i < bench->n_wrappers; i++)
                bench_run_done(&runs[i]);
        return r;
}

static int bench_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        return remove(path);
}

static void bench_done(Bench *bench) {
        for (size_t i = 0; i < bench->n_wrappers; i++)
                for (BenchMeasure measure = 0; measure < _BENCH_MEASURE_MAX; measure++)
                        bench_samples_done(&bench->results[i].samples[measure]);
        if (bench->page)
                (void) munmap(bench->page, sizeof(*bench->page));
        if (bench->state_directory[0])
                (void) nftw(bench->state_directory, bench_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        (void) fd_close(bench->page_fd);
}

/* The page that bench and child share; its fd is inherited on purpose. */
static int bench_make_page(Bench *bench) {
        void *page;

        bench->page_fd = memfd_create("bench-page", 0);
        if (bench->page_fd < 0 || ftruncate(bench->page_fd, sizeof(BenchPage)) < 0)
                return -errno;
        page = mmap(NULL, sizeof(BenchPage), PROT_READ | PROT_WRITE, MAP_SHARED, bench->page_fd, 0);
        if (page == MAP_FAILED)
                return -errno;
        bench->page = page;
        (void) snprintf(bench->page_fd_text, sizeof(bench->page_fd_text), "%d", bench->page_fd);
        return 0;
}

/* No service manager listens, and what is written goes to a directory of our own. */
static int bench_make_environment(Bench *bench) {
        static const char *const unset[] = { "NOTIFY_SOCKET", "STATE_DIRECTORY",
                "RUNTIME_DIRECTORY", "HERMES_HOME", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC",
                "WATCHDOG_PID" };
        char template[] = "/tmp/gatewatch-bench-XXXXXX";

        if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(unset); i++)
                (void) unsetenv(unset[i]);
        if (!mkdtemp(template))
                return -errno;
        (void) strcpy(bench->state_directory, template);
        if (setenv("XDG_STATE_HOME", bench->state_directory, /* overwrite= */ 1) < 0)
                return -errno;
        return 0;
}

static void bench_add_wrapper(Bench *bench, const BenchWrapper *wrapper, const char *child) {
        BenchWrapper *added = &bench->wrappers[bench->n_wrappers];
        size_t n = 0;

        *added = *wrapper;
        while (added->argv[n])
                n++;
        added->argv[n++] = child;
        added->argv[n] = bench->page_fd_text;
        bench->results[bench->n_wrappers++].wrapper = added;
}

static void bench_add_wrappers(Bench *bench, const char *gatewatch, const char *child) {
        static const char *const tini_paths[] = { "/usr/bin/tini", "/usr/local/bin/tini",
                "/sbin/tini" };

        bench_add_wrapper(bench, &(BenchWrapper){ .name = "bare" }, child);
        bench_add_wrapper(bench,
                &(BenchWrapper){ .name = "gatewatch",
                        .argv = { gatewatch, "run", "--log-target=null", "--ready=exec", "--" } },
                child);
        for (size_t i = 0; i < ELEMENTSOF(tini_paths); i++)
                if (access(tini_paths[i], X_OK) == 0) {
                        /* -s: as here it is no PID 1, it would complain that it cannot reap. */
                        bench_add_wrapper(bench,
                                &(BenchWrapper){
                                        .name = "tini", .argv = { tini_paths[i], "-s", "--" } },
                                child);
                        return;
                }
        fprintf(stderr, "tini is not installed: no ratio to it.\n");
}

static int bench_parse_number(const char *text, unsigned max, unsigned *ret_number) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);

        if (*text < '0' || *text > '9' || *end || number < 1 || number > max) {
                fprintf(stderr, "%s: not a number from 1 to %u.\n", text, max);
                return -EINVAL;
        }
        *ret_number = (unsigned) number;
        return 0;
}

static int bench_parse_options(Bench *bench, int argc, char *argv[]) {
        static const struct option options[] = {
                { "rounds", required_argument, NULL, 'r' },
                { "idle", required_argument, NULL, 'i' },
                { "json", required_argument, NULL, 'j' },
                {},
        };
        int c, r;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                r = c == 'r'       ? bench_parse_number(optarg, BENCH_ROUNDS_MAX, &bench->n_rounds)
                        : c == 'i' ? bench_parse_number(optarg, 3600, &bench->idle_seconds)
                        : c == 'j' ? 0
                                   : -EINVAL;
                if (r < 0)
                        return r;
                if (c == 'j')
                        bench->json_path = optarg;
        }
        if (argc - optind == 2)
                return 0;
        fprintf(stderr,
                "usage: bench [--rounds=N] [--idle=SECONDS] [--json=FILE] GATEWATCH CHILD\n");
        return -EINVAL;
}

static int bench_run_all(Bench *bench, const char *gatewatch, const char *child) {
        int r;

        r = bench_make_environment(bench);
        if (r < 0)
                return r;
        r = bench_make_page(bench);
        if (r < 0)
                return r;
        bench_add_wrappers(bench, gatewatch, child);
        r = bench_measure_rounds(bench);
        if (r < 0)
                return r;
        r = bench_measure_idle(bench);
        if (r < 0)
                return r;

        bench_report_print(stdout, bench->results, bench->n_wrappers, bench->idle_seconds);
        if (!bench->json_path)
                return 0;
        return bench_report_write_json(
                bench->json_path, bench->results, bench->n_wrappers, bench->idle_seconds);
}

int main(int argc, char *argv[]) {
        _cleanup_(bench_done)
                Bench bench = { .n_rounds = 200, .idle_seconds = 5, .page_fd = -EBADF };
        int r;

        if (bench_parse_options(&bench, argc, argv) < 0)
                return 64;

        r = bench_run_all(&bench, argv[optind], argv[optind + 1]);
        if (r < 0) {
                fprintf(stderr, "bench: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
