/* SPDX-License-Identifier: MIT */

/* What is still seen of a process that sends a signal and exits at once, and what looking costs the
 * gateway.
 *
 * A receiver is a supervisor in miniature: the sender catcher in a loop, a gateway (bench-child) behind
 * it, and a relay that passes every signal on. Receivers are started anew all the time, because the
 * catcher holds CPUs for the first signals of a run only, and because what counts is the one signal that
 * ends a run: it finds everything cold.
 *
 * Kinds of capture, and in the second table tini, are interleaved, another one first in each round. A
 * sender counts as seen only when what was read is its own, byte for byte; something else is `wrong` and
 * fails the program. It asserts nothing about times and shares. */

#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "bench-page.h"
#include "bench-samples.h"
#include "forensics/sender-catcher.h"

#define CAPTURE_TIMEOUT_SECONDS 10
#define CAPTURE_BURNERS_MAX     256
#define CAPTURE_ARGV_MAX        4
#define CAPTURE_LATER_SIGNALS   5 /* after the first, to one receiver */

extern char **environ;

typedef enum CaptureKind {
        CAPTURE_NONE, /* the loop reads the signal and passes it on, nobody looks */
        CAPTURE_PLAIN,
        CAPTURE_REALTIME,
        CAPTURE_TINI, /* not ours: the measure of the way to the gateway */
        _CAPTURE_MAX,
} CaptureKind;

static const char *const capture_names[_CAPTURE_MAX] = { "none", "plain", "realtime", "tini" };

typedef enum CaptureSender {
        SENDER_KILL,
        SENDER_SHELL,
        SENDER_BARE,
        _CAPTURE_SENDER_MAX,
} CaptureSender;

static const char *const sender_names[_CAPTURE_SENDER_MAX] = { "/bin/kill", "sh -c kill", "bare" };

/* What the receiver tells the benchmark. */
typedef struct CaptureShared {
        _Atomic uint32_t n_ready, n_described;
        bool is_refused; /* real-time priority is not permitted */
        CaughtSignal caught;
} CaptureShared;

typedef struct CaptureCount {
        unsigned n, n_cmdline, n_comm, n_exe, n_cgroup, n_wrong;
} CaptureCount;

typedef struct Capture {
        unsigned n_senders, n_rounds;
        const char *bare_sender, *bench_child;
        char page_fd_text[16];
        int page_fd;
        BenchPage *page;
        CaptureShared *shared;
        pid_t burners[CAPTURE_BURNERS_MAX];
        size_t n_burners;
} Capture;

typedef struct CaptureReceiver {
        pid_t pid; /* 0: none */
        pid_t gateway_pid;
} CaptureReceiver;

/* ---- The receiver ---- */

typedef struct Receiver {
        CaptureShared *shared;
        int gateway_fd;
        int signal_fd;
} Receiver;

static void receiver_relay(CaughtSignal *caught, void *userdata) {
        Receiver *receiver = userdata;

        caught->relayed_signo = (int) caught->info.ssi_signo;
        (void) pidfd_send_signal(receiver->gateway_fd, caught->relayed_signo, NULL, 0);
}

static void receiver_handle(
        SenderCatcher *catcher, const CaughtSignal *caught, bool is_described, void *userdata) {
        Receiver *receiver = userdata;

        if (!is_described)
                return;
        receiver->shared->caught = *caught;
        bench_counter_raise(&receiver->shared->n_described);
}

static int receiver_dispatch_signal(
        sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Receiver *receiver = userdata;
        CaughtSignal caught = {};

        if (read(fd, &caught.info, sizeof(caught.info)) == sizeof(caught.info)) {
                receiver_relay(&caught, receiver);
                bench_counter_raise(&receiver->shared->n_described);
        }
        return 0;
}

static int receiver_start_capture(Receiver *receiver, CaptureKind kind, sd_event *event) {
        SenderCatcherConfig config = {
                .capture = kind == CAPTURE_PLAIN ? SENDER_CAPTURE_PLAIN : SENDER_CAPTURE_REALTIME,
                .proc_root = "/proc",
                .relay = receiver_relay,
                .handler = receiver_handle,
                .userdata = receiver,
        };
        SenderCatcher *catcher;

        (void) sigemptyset(&config.signals);
        (void) sigaddset(&config.signals, BENCH_SIGNAL_MEASURED);
        if (kind != CAPTURE_NONE)
                return sender_catcher_new(event, &config, &catcher);

        receiver->signal_fd = signalfd(-1, &config.signals, SFD_CLOEXEC | SFD_NONBLOCK);
        return sd_event_add_io(
                event, NULL, receiver->signal_fd, EPOLLIN, receiver_dispatch_signal, receiver);
}

/* In a child of the benchmark: never returns. */
static _noreturn_ void receiver_run(Capture *capture, CaptureKind kind) {
        Receiver receiver = { .shared = capture->shared };
        const char *argv[] = { capture->bench_child, capture->page_fd_text, NULL };
        sd_event *event = NULL;
        pid_t gateway_pid;
        sigset_t all;
        int r;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_BLOCK, &all, NULL);
        if (posix_spawn(&gateway_pid, argv[0], NULL, NULL, (char *const *) argv, environ) != 0)
                _exit(1);
        receiver.gateway_fd = pidfd_open(gateway_pid, 0);
        if (receiver.gateway_fd < 0 || sd_event_new(&event) < 0)
                _exit(1);
        r = receiver_start_capture(&receiver, kind, event);
        if (r < 0)
                _exit(1);
        capture->shared->is_refused = r > 0;
        bench_counter_raise(&capture->shared->n_ready);
        (void) sd_event_loop(event);
        _exit(0);
}

static _noreturn_ void tini_run(Capture *capture) {
        const char *argv[] = { "tini", "-s", "--", capture->bench_child, capture->page_fd_text,
                NULL };

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) execv("/usr/bin/tini", (char *const *) argv);
        _exit(127);
}

/* ---- The benchmark ---- */

static int capture_start(Capture *capture, CaptureKind kind, CaptureReceiver *ret_receiver) {
        uint32_t n_started = atomic_load(&capture->page->n_started);
        uint32_t n_ready = atomic_load(&capture->shared->n_ready);
        pid_t pid;
        int r;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0 && kind == CAPTURE_TINI)
                tini_run(capture);
        if (pid == 0)
                receiver_run(capture, kind);

        r = bench_counter_wait(&capture->page->n_started, n_started, CAPTURE_TIMEOUT_SECONDS);
        if (r >= 0 && kind != CAPTURE_TINI)
                r = bench_counter_wait(&capture->shared->n_ready, n_ready, CAPTURE_TIMEOUT_SECONDS);
        *ret_receiver = (CaptureReceiver){ .pid = pid,
                .gateway_pid = r < 0 ? 0 : capture->page->child_pid };
        return r;
}

/* The gateway is an orphan then and ours to wait for: we are subreaper. */
static void capture_stop(CaptureReceiver *receiver) {
        if (receiver->pid <= 0)
                return;
        (void) kill(receiver->pid, SIGKILL);
        (void) waitpid(receiver->pid, NULL, 0);
        if (receiver->gateway_pid > 0) {
                (void) kill(receiver->gateway_pid, SIGKILL);
                (void) waitpid(receiver->gateway_pid, NULL, 0);
        }
        receiver->pid = 0;
}

/* Between two: what the last one has set in motion comes to rest. */
static void capture_settle(void) {
        (void) usleep(1000);
}

static void capture_burn(Capture *capture) {
        long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

        for (long i = 0; i < n_cpus && capture->n_burners < CAPTURE_BURNERS_MAX; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                        for (volatile unsigned n = 0;; n++)
                                ;
                }
                if (pid > 0)
                        capture->burners[capture->n_burners++] = pid;
        }
}

static void capture_burn_out(Capture *capture) {
        while (capture->n_burners > 0) {
                pid_t pid = capture->burners[--capture->n_burners];

                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
        }
}

/* Whether the command line that was read is this one, byte for byte. */
static bool capture_is_cmdline(const ProcessSnapshot *snapshot, const char *const argv[]) {
        size_t offset = 0;

        for (; *argv; argv++) {
                size_t size = strlen(*argv) + 1;

                if (offset + size > snapshot->cmdline_size ||
                        memcmp(snapshot->cmdline + offset, *argv, size) != 0)
                        return false;
                offset += size;
        }
        return offset == snapshot->cmdline_size;
}

static void capture_count(CaptureCount *count, const CaughtSignal *caught, pid_t pid,
        const char *comm, const char *const argv[]) {
        const ProcessSnapshot *sender = &caught->sender;
        bool is_cmdline = capture_is_cmdline(sender, argv);
        bool is_comm = sender->has_info && strcmp(sender->info.comm, comm) == 0;

        count->n++;
        count->n_cmdline += is_cmdline;
        count->n_comm += is_comm;
        count->n_exe += sender->exe[0] != '\0';
        count->n_cgroup += sender->cgroup[0] != '\0';
        /* comm before cmdline: what is read between fork and exec of the sender cannot be there. */
        if ((pid_t) caught->info.ssi_pid != pid || (sender->cmdline_size > 0 && !is_cmdline) ||
                (sender->has_info && !is_comm))
                count->n_wrong++;
}

static int capture_send_one(
        Capture *capture, CaptureKind kind, CaptureSender sender, CaptureCount *count) {
        static const char *const comms[_CAPTURE_SENDER_MAX] = { "kill", "sh", "bare-sender" };
        uint32_t n_described = atomic_load(&capture->shared->n_described);
        _cleanup_(capture_stop) CaptureReceiver receiver = {};
        char pid_text[16], line[32], signal_text[16];
        pid_t pid;
        int r;

        r = capture_start(capture, kind, &receiver);
        if (r < 0)
                return r;
        if (kind == CAPTURE_REALTIME && capture->shared->is_refused)
                return -EPERM;
        (void) snprintf(pid_text, sizeof(pid_text), "%d", receiver.pid);
        (void) snprintf(line, sizeof(line), "kill -USR1 %d", receiver.pid);
        (void) snprintf(signal_text, sizeof(signal_text), "%d", BENCH_SIGNAL_MEASURED);
        const char *argvs[_CAPTURE_SENDER_MAX][CAPTURE_ARGV_MAX] = {
                [SENDER_KILL] = { "/bin/kill", "-USR1", pid_text },
                [SENDER_SHELL] = { "/bin/sh", "-c", line },
                [SENDER_BARE] = { capture->bare_sender, pid_text, signal_text },
        };

        capture_settle();
        r = posix_spawn(&pid, argvs[sender][0], NULL, NULL, (char *const *) argvs[sender], environ);
        if (r != 0)
                return -r;
        if (waitpid(pid, NULL, 0) < 0)
                return -errno;
        r = bench_counter_wait(&capture->shared->n_described, n_described, CAPTURE_TIMEOUT_SECONDS);
        if (r >= 0)
                capture_count(count, &capture->shared->caught, pid, comms[sender], argvs[sender]);
        return r;
}

static double capture_percent(unsigned n, const CaptureCount *count) {
        return 100. * n / count->n;
}

static void capture_print_count(
        const char *sender, const char *kind, const char *load, const CaptureCount *count) {
        printf("%-10s  %-8s  %-4s  ", sender, kind, load);
        if (count->n == 0)
                printf("not permitted\n");
        else
                printf("%7u  %6.1f %%  %6.1f %%  %6.1f %%  %6.1f %%  %5u\n", count->n,
                        capture_percent(count->n_cmdline, count),
                        capture_percent(count->n_comm, count), capture_percent(count->n_exe, count),
                        capture_percent(count->n_cgroup, count), count->n_wrong);
}

static int capture_print_shares(Capture *capture, const char *load) {
        static const CaptureKind kinds[] = { CAPTURE_REALTIME, CAPTURE_PLAIN };
        unsigned n_wrong = 0;

        for (CaptureSender sender = 0; sender < _CAPTURE_SENDER_MAX; sender++) {
                CaptureCount counts[ELEMENTSOF(kinds)] = {};

                for (unsigned n = 0; n < capture->n_senders * ELEMENTSOF(kinds); n++) {
                        size_t i = (n + n / ELEMENTSOF(kinds)) % ELEMENTSOF(kinds);
                        int r = capture_send_one(capture, kinds[i], sender, &counts[i]);

                        if (r < 0 && !(r == -EPERM && kinds[i] == CAPTURE_REALTIME))
                                return r;
                }
                for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                        const CaptureCount *count = &counts[i];

                        n_wrong += count->n_wrong;
                        capture_print_count(
                                sender_names[sender], capture_names[kinds[i]], load, count);
                }
                (void) fflush(stdout);
        }
        return n_wrong > 0 ? -EBADMSG : 0;
}

static int capture_signal(
        Capture *capture, const CaptureReceiver *receiver, bool is_tini, BenchSamples *samples) {
        uint32_t n_received = atomic_load(&capture->page->n_received);
        uint32_t n_described = atomic_load(&capture->shared->n_described);
        int64_t began_at_ns;
        int r;

        capture_settle();
        began_at_ns = bench_now_ns();
        if (kill(receiver->pid, BENCH_SIGNAL_MEASURED) < 0)
                return -errno;
        r = bench_counter_wait(&capture->page->n_received, n_received, CAPTURE_TIMEOUT_SECONDS);
        if (r >= 0)
                r = bench_samples_add(samples, capture->page->received_at_ns - began_at_ns);
        if (r >= 0 && !is_tini) /* the next one shall not find it at work */
                r = bench_counter_wait(
                        &capture->shared->n_described, n_described, CAPTURE_TIMEOUT_SECONDS);
        return r;
}

static int capture_measure_latency(
        Capture *capture, CaptureKind kind, BenchSamples *first, BenchSamples *later) {
        _cleanup_(capture_stop) CaptureReceiver receiver = {};
        int r;

        r = capture_start(capture, kind, &receiver);
        for (unsigned i = 0; i <= CAPTURE_LATER_SIGNALS && r >= 0; i++)
                r = capture_signal(
                        capture, &receiver, kind == CAPTURE_TINI, i == 0 ? first : later);
        return r;
}

static int capture_print_latencies(Capture *capture, const char *load) {
        BenchSamples first[_CAPTURE_MAX] = {}, later[_CAPTURE_MAX] = {};
        size_t n_kinds = access("/usr/bin/tini", X_OK) == 0 ? _CAPTURE_MAX : CAPTURE_TINI;
        int r = 0;

        for (unsigned round = 0; round < capture->n_rounds && r >= 0; round++)
                for (size_t n = 0; n < n_kinds && r >= 0; n++) {
                        CaptureKind kind = (CaptureKind) ((round + n) % n_kinds);

                        r = capture_measure_latency(capture, kind, &first[kind], &later[kind]);
                }
        for (size_t kind = 0; kind < n_kinds; kind++) {
                printf("%-8s  %-4s  %8.1f  %8.1f  %8.1f  %8.1f\n", capture_names[kind], load,
                        bench_samples_percentile(&first[kind], 50) / 1e3,
                        bench_samples_percentile(&first[kind], 99) / 1e3,
                        bench_samples_percentile(&later[kind], 50) / 1e3,
                        bench_samples_percentile(&later[kind], 99) / 1e3);
                bench_samples_done(&first[kind]);
                bench_samples_done(&later[kind]);
        }
        return r;
}

static int capture_run_tables(Capture *capture) {
        int r;

        printf("sender      capture   load  senders   cmdline      comm       exe    cgroup  wrong\n");
        r = capture_print_shares(capture, "idle");
        if (r >= 0) {
                capture_burn(capture);
                r = capture_print_shares(capture, "busy");
                capture_burn_out(capture);
        }
        if (r < 0)
                return r;
        printf("\nfrom kill(2) to the gateway's sigwaitinfo(2), us\n"
               "capture   load   first p50  p99   later p50  p99\n");
        r = capture_print_latencies(capture, "idle");
        if (r >= 0) {
                capture_burn(capture);
                r = capture_print_latencies(capture, "busy");
                capture_burn_out(capture);
        }
        return r;
}

static int capture_init(Capture *capture) {
        capture->page_fd = memfd_create("bench-page", 0);
        if (capture->page_fd < 0 || ftruncate(capture->page_fd, sizeof(BenchPage)) < 0)
                return -errno;
        capture->page = mmap(
                NULL, sizeof(BenchPage), PROT_READ | PROT_WRITE, MAP_SHARED, capture->page_fd, 0);
        capture->shared = mmap(NULL, sizeof(CaptureShared), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (capture->page == MAP_FAILED || capture->shared == MAP_FAILED)
                return -errno;
        (void) snprintf(
                capture->page_fd_text, sizeof(capture->page_fd_text), "%d", capture->page_fd);
        return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "senders", required_argument, NULL, 's' },
                { "rounds", required_argument, NULL, 'r' },
                {},
        };
        Capture capture = { .n_senders = 500, .n_rounds = 100 };
        int option, r;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (option == 's')
                        capture.n_senders = (unsigned) atoi(optarg);
                else if (option == 'r')
                        capture.n_rounds = (unsigned) atoi(optarg);
                else
                        return 64;
        if (argc - optind != 2) {
                fprintf(stderr,
                        "usage: sender-capture [--senders=N] [--rounds=N] BARE-SENDER BENCH-CHILD\n");
                return 64;
        }
        capture.bare_sender = argv[optind];
        capture.bench_child = argv[optind + 1];

        r = capture_init(&capture);
        if (r >= 0)
                r = capture_run_tables(&capture);
        if (r < 0)
                fprintf(stderr, "sender-capture: %s\n", strerror(-r));
        return r < 0;
}
