/* SPDX-License-Identifier: MIT */
#pragma once

/* The page that the benchmark and its child share: instants, and counters to wait on. A counter is
 * raised after the instants that belong to it were written. */

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

typedef struct BenchPage {
        _Atomic uint32_t n_started;  /* children that have reached main() */
        _Atomic uint32_t n_received; /* signals that the child has taken */
        pid_t child_pid;
        /* CLOCK_MONOTONIC, nanoseconds. */
        int64_t exec_at_ns;     /* just before the wrapper (or the bare child) is executed */
        int64_t main_at_ns;     /* first statement of the child's main() */
        int64_t received_at_ns; /* sigwaitinfo(2) has returned */
        int64_t exit_at_ns;     /* just before the child's _exit(2) */
} BenchPage;

/* Signals with a meaning between the two; sent through the wrapper, and to the child itself. */
#define BENCH_SIGNAL_MEASURED SIGUSR1
#define BENCH_SIGNAL_EXIT     SIGUSR2

static inline int64_t bench_now_ns(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline void bench_counter_raise(_Atomic uint32_t *counter) {
        atomic_fetch_add(counter, 1);
        (void) syscall(SYS_futex, counter, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Waits until the counter is no longer `old`.
 * Returns: 0; -ETIMEDOUT. */
static inline int bench_counter_wait(_Atomic uint32_t *counter, uint32_t old, int timeout_seconds) {
        const struct timespec timeout = { .tv_sec = timeout_seconds };

        while (atomic_load(counter) == old)
                if (syscall(SYS_futex, counter, FUTEX_WAIT, old, &timeout, NULL, 0) < 0 &&
                        errno == ETIMEDOUT)
                        return -ETIMEDOUT;
        return 0;
}
