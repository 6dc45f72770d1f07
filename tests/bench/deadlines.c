/* SPDX-License-Identifier: MIT */

/* How late a missed deadline is acted on: from the instant at which it passed to the signal's arrival in the
 * gateway, which waits for it in sigwaitinfo(2). A heartbeat that stays out, a step that runs over, phases
 * of the ladder that time out one after the other; each with the look at the gateway that precedes it.
 * Nothing is asserted about time. */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "bench-samples.h"
#include "cleanup.h"

#define DEADLINE_NSEC INT64_C(400000000)
#define NSEC_PER_SEC  INT64_C(1000000000)
#define DEADLINE_TEXT "400ms"
#define DEADLINE_USEC "400000"
#define N_BEATS       3

static int64_t now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

_noreturn_ static void die(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

/* ---- The gateway ---- */

static void say(const char *text) {
        if (sd_notify(0, text) < 0)
                die("sd_notify");
}

/* Returns: when one of the signals came. */
static int64_t wait_for_signal(const sigset_t *signals) {
        while (sigwaitinfo(signals, NULL) < 0)
                if (errno != EINTR)
                        die("sigwaitinfo");
        return now_nsec();
}

static void tell_late(int64_t late_nsec) {
        printf("%" PRId64 "\n", late_nsec);
        (void) fflush(stdout);
}

static void gateway_heartbeat(const sigset_t *signals) {
        static const struct timespec pause = { .tv_nsec = DEADLINE_NSEC / 4 };
        int64_t beat_nsec = 0;

        for (int i = 0; i < N_BEATS; i++) {
                beat_nsec = now_nsec();
                say("WATCHDOG=1");
                if (i + 1 < N_BEATS)
                        (void) nanosleep(&pause, NULL);
        }
        tell_late(wait_for_signal(signals) - beat_nsec - DEADLINE_NSEC);
}

static void gateway_step(const sigset_t *signals) {
        int64_t began_nsec;

        (void) kill(getppid(), SIGTERM);
        (void) wait_for_signal(signals);
        began_nsec = now_nsec();
        say("X_GATEWATCH_STEP_BEGIN=bench\nX_GATEWATCH_STEP_TIMEOUT_USEC=" DEADLINE_USEC);
        tell_late(wait_for_signal(signals) - began_nsec - DEADLINE_NSEC);
}

/* Until the last phase kills us. */
static void gateway_phases(const sigset_t *signals) {
        int64_t began_nsec, next_nsec;

        (void) kill(getppid(), SIGTERM);
        for (began_nsec = wait_for_signal(signals);; began_nsec = next_nsec) {
                next_nsec = wait_for_signal(signals);
                tell_late(next_nsec - began_nsec - DEADLINE_NSEC);
        }
}

/* ---- The runs ---- */

typedef struct Row {
        const char *name;
        void (*run)(const sigset_t *signals);
        const char *option;
        int n_runs;
} Row;

static const Row rows[] = {
        { "heartbeat", gateway_heartbeat, "--watchdog=" DEADLINE_TEXT, 60 },
        { "step", gateway_step, "--step-timeout=5s", 60 },
        { "phase", gateway_phases,
                "--stop-schedule=a:TERM/400ms,b:INT/400ms,c:HUP/400ms,d:USR1/400ms,e:USR2/400ms,"
                "f:QUIT/400ms,g:ALRM/400ms,h:KILL@all/1s",
                10 },
};

static int gateway_main(const char *name) {
        sigset_t signals;

        (void) sigfillset(&signals);
        (void) sigdelset(&signals, SIGCONT);
        (void) sigprocmask(SIG_BLOCK, &signals, NULL);
        say("READY=1");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        rows[i].run(&signals);
        return 0;
}

_noreturn_ static void execute(const char *gatewatch, const char *self, const Row *row) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) execl(gatewatch, gatewatch, "run", "--log-target=null", "--ready=notify",
                "--diagnostic-timeout=0", row->option, "--", self, "--gateway", row->name,
                (char *) NULL);
        die(gatewatch);
}

static int run_once(
        const char *gatewatch, const char *self, const Row *row, BenchSamples *samples) {
        int fds[2], r = 0;
        int64_t late_nsec;
        FILE *output;
        pid_t pid;

        if (pipe(fds) < 0)
                return -errno;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                (void) dup2(fds[1], STDOUT_FILENO);
                (void) close(fds[0]);
                (void) close(fds[1]);
                execute(gatewatch, self, row);
        }
        (void) close(fds[1]);
        output = fdopen(fds[0], "r");
        if (!output)
                return -errno;
        while (r >= 0 && fscanf(output, "%" SCNd64, &late_nsec) == 1)
                r = bench_samples_add(samples, late_nsec);
        (void) fclose(output);
        (void) waitpid(pid, NULL, 0);
        return r;
}

int main(int argc, char *argv[]) {
        char self[4096] = "";

        if (argc == 3 && strcmp(argv[1], "--gateway") == 0)
                return gateway_main(argv[2]);
        if (argc != 2 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
                (void) fputs("usage: deadlines GATEWATCH\n", stderr);
                return EXIT_FAILURE;
        }
        printf("%-28s %10s %10s %10s %8s\n", "late by, in milliseconds", "median", "p99", "max",
                "n");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(bench_samples_done) BenchSamples samples = {};

                for (int n = 0; n < rows[i].n_runs; n++)
                        if (run_once(argv[1], self, &rows[i], &samples) < 0)
                                die("run");
                if (samples.n_values == 0) {
                        (void) fprintf(stderr, "%s: no signal came\n", rows[i].name);
                        return EXIT_FAILURE;
                }
                printf("%-28s %10.2f %10.2f %10.2f %8zu\n", rows[i].name,
                        (double) bench_samples_percentile(&samples, 50) / 1e6,
                        (double) bench_samples_percentile(&samples, 99) / 1e6,
                        (double) bench_samples_percentile(&samples, 100) / 1e6, samples.n_values);
        }
        return EXIT_SUCCESS;
}
