/* SPDX-License-Identifier: MIT */

/* The gateway of the benchmark: says when it reached main(), says when it got a signal, and leaves when
 * told to. It does nothing else, so that what is measured is the way to it.
 *
 * usage: bench-child FD      FD: the shared page, inherited */

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench-page.h"

int main(int argc, char *argv[]) {
        int64_t main_at_ns = bench_now_ns();
        BenchPage *page;
        sigset_t awaited;
        int signo;

        if (argc != 2)
                return 64;

        page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[1]), 0);
        if (page == MAP_FAILED)
                return 1;

        (void) sigemptyset(&awaited);
        (void) sigaddset(&awaited, BENCH_SIGNAL_MEASURED);
        (void) sigaddset(&awaited, BENCH_SIGNAL_EXIT);
        if (sigprocmask(SIG_BLOCK, &awaited, NULL) < 0)
                return 1;

        page->main_at_ns = main_at_ns;
        page->child_pid = getpid();
        bench_counter_raise(&page->n_started);

        while ((signo = sigwaitinfo(&awaited, NULL)) != BENCH_SIGNAL_EXIT)
                if (signo == BENCH_SIGNAL_MEASURED) {
                        page->received_at_ns = bench_now_ns();
                        bench_counter_raise(&page->n_received);
                }

        page->exit_at_ns = bench_now_ns();
        _exit(EXIT_SUCCESS);
}
