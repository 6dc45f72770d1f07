/* SPDX-License-Identifier: MIT */

/* Starts, signals and ends one wrapper with its child, and reads what it uses.
 *
 * Both sides stamp CLOCK_MONOTONIC into the shared page and wait on futexes in it, so nothing is polled
 * and the time of the waiter's own wake-up is not in the figure. The exception is the exit: its end is
 * when our waitpid(2) returns, because that is when a service manager learns of it. */

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-wrapper.h"

static _noreturn_ void bench_run_exec(BenchPage *page, const BenchWrapper *wrapper) {
        page->exec_at_ns = bench_now_ns();
        (void) execv(wrapper->argv[0], (char *const *) wrapper->argv);
        _exit(127);
}

int bench_run_start(BenchRun *run, BenchPage *page, const BenchWrapper *wrapper) {
        uint32_t n_started = atomic_load(&page->n_started);
        int r;

        *run = (BenchRun){ .page = page };
        run->pid = fork();
        if (run->pid < 0) {
                run->pid = 0;
                return -errno;
        }
        if (run->pid == 0)
                bench_run_exec(page, wrapper);

        r = bench_counter_wait(&page->n_started, n_started, BENCH_TIMEOUT_SECONDS);
        if (r < 0)
                return r;

        run->child_pid = page->child_pid;
        return 0;
}

int bench_run_signal(BenchRun *run, int64_t *ret_ns) {
        uint32_t n_received = atomic_load(&run->page->n_received);
        int64_t began_at_ns = bench_now_ns();
        int r;

        if (kill(run->pid, BENCH_SIGNAL_MEASURED) < 0)
                return -errno;
        r = bench_counter_wait(&run->page->n_received, n_received, BENCH_TIMEOUT_SECONDS);
        if (r < 0)
                return r;

        *ret_ns = run->page->received_at_ns - began_at_ns;
        return 0;
}

int bench_run_exit(BenchRun *run, int64_t *ret_ns) {
        int64_t reaped_at_ns;
        int status;

        if (kill(run->child_pid, BENCH_SIGNAL_EXIT) < 0)
                return -errno;
        if (waitpid(run->pid, &status, 0) < 0)
                return -errno;
        reaped_at_ns = bench_now_ns();
        run->pid = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return -EPROTO;

        run->child_pid = 0;
        *ret_ns = reaped_at_ns - run->page->exit_at_ns;
        return 0;
}

void bench_run_done(BenchRun *run) {
        /* The child first: we are subreaper, so without its wrapper it is ours to wait for. A wrapper
         * that was reaped took its child's pid out of our hands, unless it left it to us. */
        if (run->child_pid > 0 && (run->pid > 0 || waitpid(run->child_pid, NULL, WNOHANG) == 0))
                (void) kill(run->child_pid, SIGKILL);
        if (run->pid > 0) {
                (void) kill(run->pid, SIGKILL);
                (void) waitpid(run->pid, NULL, 0);
        }
        if (run->child_pid > 0 && run->child_pid != run->pid)
                (void) waitpid(run->child_pid, NULL, 0);
        *run = (BenchRun){};
}

/* "KEY: NUMBER" of a file of /proc; 0 when it is not there. */
static uint64_t bench_read_value(const char *path, const char *key) {
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        char line[256];
        uint64_t value;

        while (file && fgets(line, sizeof(line), file))
                if (strncmp(line, key, strlen(key)) == 0 &&
                        sscanf(line + strlen(key), ": %" SCNu64, &value) == 1)
                        return value;
        return 0;
}

static void bench_usage_add_thread(BenchUsage *usage, pid_t pid, const char *tid) {
        _cleanup_fclose_ FILE *file = NULL;
        char path[PATH_MAX];
        uint64_t cpu_ns;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int) pid, tid);
        usage->n_switches += bench_read_value(path, "voluntary_ctxt_switches") +
                bench_read_value(path, "nonvoluntary_ctxt_switches");

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int) pid, tid);
        file = fopen(path, "re");
        if (file && fscanf(file, "%" SCNu64, &cpu_ns) == 1)
                usage->cpu_ns += cpu_ns;
        usage->n_threads++;
}

int bench_run_usage(const BenchRun *run, BenchUsage *ret_usage) {
        _cleanup_closedir_ DIR *tasks = NULL;
        BenchUsage usage = {};
        char path[PATH_MAX];
        struct dirent *entry;

        (void) snprintf(path, sizeof(path), "/proc/%d/task", (int) run->pid);
        tasks = opendir(path);
        if (!tasks)
                return -errno;
        while ((entry = readdir(tasks)))
                if (entry->d_name[0] != '.')
                        bench_usage_add_thread(&usage, run->pid, entry->d_name);

        (void) snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int) run->pid);
        usage.pss_kib = bench_read_value(path, "Pss");
        usage.private_kib =
                bench_read_value(path, "Private_Clean") + bench_read_value(path, "Private_Dirty");
        *ret_usage = usage;
        return 0;
}
