/* SPDX-License-Identifier: MIT */

/* What a shutdown context costs: the snapshot at the signal, in the situations that there are, and what
 * is made of it when there is time. Warm: the files of /proc have been read before, as they have been
 * for a supervisor that watches its gateway. Nothing is asserted about time.
 *
 * The sender is what kill(1) is to a shell under sshd: it has a session leader above it, and that one a
 * parent. Its ancestry is printed, as each ancestor costs a read. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bench-samples.h"
#include "forensics/shutdown-context.h"

#define BENCH_ROUNDS 5000
#define BENCH_WARMUP 200
#define NSEC_PER_SEC INT64_C(1000000000)

typedef struct ContextBench {
        ContextBase base;
        ShutdownContext context;
        CaughtSignal caught;
        ContextRequest request;
        int proc_fd;
        int marker_fd;
        pid_t leader; /* of the sender's session */
        pid_t sender; /* and gateway */
} ContextBench;

static int64_t bench_now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void bench_take(ContextBench *bench) {
        shutdown_context_take(&bench->context, &bench->base, &bench->request);
}

static void bench_render(ContextBench *bench) {
        Record *record = record_new(RECORD_SIGNAL);

        shutdown_context_to_record(&bench->context, &bench->base, CMDLINE_REDACTED, record);
        (void) record_free(record);
}

/* What the catcher does before: urgent part and rest of the sender. */
static void bench_read_sender(ContextBench *bench) {
        (void) process_snapshot_read(&bench->caught.sender, bench->proc_fd, bench->sender);
}

static int bench_measure(const char *name, void (*function)(ContextBench *), ContextBench *bench) {
        _cleanup_(bench_samples_done) BenchSamples samples = {};

        for (int i = -BENCH_WARMUP; i < BENCH_ROUNDS; i++) {
                int64_t begin_nsec = bench_now_nsec();
                function(bench);
                int64_t end_nsec = bench_now_nsec();
                int r = i < 0 ? 0 : bench_samples_add(&samples, end_nsec - begin_nsec);
                if (r < 0)
                        return r;
        }
        printf("%-36s %10.1f %10.1f\n", name, (double) bench_samples_percentile(&samples, 50) / 1e3,
                (double) bench_samples_percentile(&samples, 99) / 1e3);
        return 0;
}

static void bench_set_sender(ContextBench *bench, SenderState state, pid_t pid) {
        bench->caught.info = (struct signalfd_siginfo){
                .ssi_signo = SIGTERM,
                .ssi_code = SI_USER,
                .ssi_pid = (uint32_t) pid,
                .ssi_uid = getuid(),
        };
        bench->caught.state = state;
        process_snapshot_init(&bench->caught.sender, 0);
        process_snapshot_init(&bench->caught.parent, 0);
}

static int bench_run(ContextBench *bench) {
        printf("%-36s %10s %10s   (%d rounds)\n", "microseconds", "median", "p99", BENCH_ROUNDS);

        bench->request.caught = NULL;
        int r = bench_measure("snapshot, no signal", bench_take, bench);
        if (r < 0)
                return r;

        bench->request.caught = &bench->caught;
        bench_set_sender(bench, SENDER_MANAGER, getppid());
        r = bench_measure("snapshot, signal of the manager", bench_take, bench);
        if (r < 0)
                return r;

        bench_set_sender(bench, SENDER_ALIVE, bench->sender);
        r = bench_measure("sender's process (catcher)", bench_read_sender, bench);
        if (r < 0)
                return r;
        r = bench_measure("snapshot, signal of a process", bench_take, bench);
        if (r < 0)
                return r;
        r = bench_measure("JSON, fields and message of it", bench_render, bench);
        printf("sender: %s\n", bench->context.sender_ancestry);
        return r;
}

_noreturn_ static void bench_leader_run(int pid_fd) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) setsid();
        pid_t sender = fork();
        if (sender == 0)
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        else if (sender < 0 || write(pid_fd, &sender, sizeof(sender)) != sizeof(sender))
                _exit(EXIT_FAILURE);
        for (;;)
                (void) pause();
}

static int bench_fork_session(ContextBench *bench) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        bench->leader = fork();
        if (bench->leader == 0)
                bench_leader_run(fds[1]);
        (void) close(fds[1]);
        ssize_t n = bench->leader < 0 ? -1 : read(fds[0], &bench->sender, sizeof(bench->sender));
        (void) close(fds[0]);
        return n == sizeof(bench->sender) ? 0 : -ECHILD;
}

static int bench_start(ContextBench *bench, char *directory) {
        int r;

        bench->proc_fd = proc_open_root("/proc");
        if (bench->proc_fd < 0)
                return bench->proc_fd;
        if (!mkdtemp(directory))
                return -errno;
        bench->marker_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (bench->marker_fd < 0)
                return -errno;

        r = bench_fork_session(bench);
        if (r < 0)
                return r;

        context_base_init(&bench->base, bench->proc_fd);
        bench->request = (ContextRequest){
                .gateway_pid = bench->sender,
                .marker_fd = bench->marker_fd,
        };
        return 0;
}

int main(void) {
        static ContextBench bench = { .proc_fd = -EBADF, .marker_fd = -EBADF };
        char directory[] = "/tmp/bench-context-XXXXXX";

        int r = bench_start(&bench, directory);
        if (r >= 0) {
                r = bench_run(&bench);
                context_base_done(&bench.base);
        }
        if (r < 0)
                fprintf(stderr, "bench-context: %s\n", strerror(-r));

        if (bench.leader > 0) {
                (void) kill(bench.leader, SIGKILL);
                (void) waitpid(bench.leader, NULL, 0);
        }
        bench.marker_fd = fd_close(bench.marker_fd);
        bench.proc_fd = fd_close(bench.proc_fd);
        (void) rmdir(directory);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
