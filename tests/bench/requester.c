/* SPDX-License-Identifier: MIT */

/* What the search for a requester costs on a host with thousands of processes: among processes of other
 * names, as most are, and among shells, whose command lines have to be read, too. Nothing is asserted
 * about time. Fewer processes are measured where a limit allows no more; how many they were is
 * printed. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bench-samples.h"
#include "forensics/requester.h"
#include "usec.h"

#define BENCH_PROCESSES 2000
#define BENCH_ROUNDS    100
#define BENCH_WARMUP    3
#define NSEC_PER_SEC    INT64_C(1000000000)

static int64_t bench_now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

_noreturn_ static void bench_child_run(pid_t parent, const char *name) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) prctl(PR_SET_NAME, name);
        while (getppid() == parent)
                (void) pause();
        _exit(0);
}

static size_t bench_start(pid_t pids[BENCH_PROCESSES], const char *name) {
        pid_t parent = getpid();
        size_t n = 0;

        for (; n < BENCH_PROCESSES; n++) {
                pids[n] = fork();
                if (pids[n] == 0)
                        bench_child_run(parent, name);
                if (pids[n] < 0) {
                        printf("(no more than %zu processes: %m)\n", n);
                        break;
                }
        }
        return n;
}

static void bench_end(const pid_t *pids, size_t n) {
        for (size_t i = 0; i < n; i++)
                (void) kill(pids[i], SIGKILL);
        for (size_t i = 0; i < n; i++)
                (void) waitpid(pids[i], NULL, 0);
}

static int bench_measure(const char *name, int proc_fd) {
        static const RequesterTarget target = {
                .manager = UNIT_MANAGER_SYSTEM,
                .owner_uid = (uid_t) -1,
                .names = { "bench-nowhere.service", "bench-alias.service" },
                .n_names = 2,
        };
        _cleanup_(bench_samples_done) BenchSamples samples = {};
        _cleanup_free_ RequesterList *list = calloc(1, sizeof(*list));
        if (!list)
                return -ENOMEM;

        for (int i = -BENCH_WARMUP; i < BENCH_ROUNDS; i++) {
                int64_t begin_nsec = bench_now_nsec();
                int r = requester_search(proc_fd, &target, CMDLINE_REDACTED, list);
                int64_t end_nsec = bench_now_nsec();
                if (r >= 0 && i >= 0)
                        r = bench_samples_add(&samples, end_nsec - begin_nsec);
                if (r < 0)
                        return r;
        }
        printf("%-36s %10.2f %10.2f %10zu\n", name,
                (double) bench_samples_percentile(&samples, 50) / 1e6,
                (double) bench_samples_percentile(&samples, 99) / 1e6, list->n_processes);
        return 0;
}

static int bench_run(int proc_fd) {
        static const struct {
                const char *name, *comm;
        } rows[] = {
                { "search among other processes", "worker" },
                { "search among shells", "bash" },
        };
        static pid_t pids[BENCH_PROCESSES];

        printf("%-36s %10s %10s %10s   (%d rounds)\n", "milliseconds", "median", "p99", "processes",
                BENCH_ROUNDS);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                size_t n = bench_start(pids, rows[i].comm);
                int r = bench_measure(rows[i].name, proc_fd);
                bench_end(pids, n);
                if (r < 0)
                        return r;
        }
        return 0;
}

int main(void) {
        _cleanup_close_ int proc_fd = proc_open_root("/proc");
        int r = proc_fd < 0 ? proc_fd : bench_run(proc_fd);

        if (r < 0) {
                errno = -r;
                fprintf(stderr, "requester: %m\n");
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
