/* SPDX-License-Identifier: MIT */

/* What it costs the supervisor when a gateway talks much: 20,000 datagrams a second through the notify
 * proxy, from the main process and from a child of it, of words that end here and of such that go up. We
 * are systemd's socket and the gateway both. Nothing is asserted about time; that READY=1 arrived, once,
 * is. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FLOOD_PER_MSEC  20
#define FLOOD_MSECS     3000
#define NSEC_PER_MSEC   1000000L
#define NSEC_PER_SEC    INT64_C(1000000000)
#define ADDRESS_PATTERN "gatewatch-flood-%d"

typedef struct FloodRow {
        const char *name;
        const char *text;
        bool is_from_child;
} FloodRow;

static const FloodRow rows[] = {
        { "active, main", "X_GATEWATCH_ACTIVE=%d", false },
        { "active, a child", "X_GATEWATCH_ACTIVE=%d", true },
        { "heartbeat, main", "WATCHDOG=1", false },
        { "status that goes up, main", "STATUS=%d in flight", false },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static int64_t clock_nsec(clockid_t clock) {
        struct timespec now;

        (void) clock_gettime(clock, &now);
        return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

__attribute__((noreturn)) static void die(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

/* Abstract, so that nothing is left behind. */
static socklen_t make_address(struct sockaddr_un *address, const char *name) {
        *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
        (void) snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s", name);
        return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

/* ---- The gateway ---- */

static int connect_supervisor(void) {
        const char *text = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size;
        int fd;

        if (!text)
                die("NOTIFY_SOCKET");
        if (text[0] == '@')
                size = make_address(&address, text + 1);
        else {
                (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", text);
                size = sizeof(address);
        }
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, size) < 0)
                die("connect");
        return fd;
}

static void say(int fd, const char *text) {
        if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
                die("send");
}

static void flood(int fd, const char *format) {
        struct timespec next;
        char text[64];

        (void) clock_gettime(CLOCK_MONOTONIC, &next);
        for (int i = 0; i < FLOOD_MSECS; i++) {
                for (int n = 0; n < FLOOD_PER_MSEC; n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                        (void) snprintf(text, sizeof(text), format, i * FLOOD_PER_MSEC + n);
#pragma GCC diagnostic pop
                        say(fd, text);
                }
                next.tv_nsec += NSEC_PER_MSEC;
                if (next.tv_nsec >= NSEC_PER_SEC) {
                        next.tv_nsec -= NSEC_PER_SEC;
                        next.tv_sec++;
                }
                (void) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        }
}

/* Floods, and prints how fast that was and what the supervisor used meanwhile. */
static void measure(int fd, const FloodRow *row, pid_t supervisor) {
        clockid_t cpu_clock;
        int64_t began_nsec, cpu_nsec, took_nsec;

        if (clock_getcpuclockid(supervisor, &cpu_clock) != 0)
                die("clock_getcpuclockid");
        cpu_nsec = clock_nsec(cpu_clock);
        began_nsec = clock_nsec(CLOCK_MONOTONIC);
        flood(fd, row->text);
        took_nsec = clock_nsec(CLOCK_MONOTONIC) - began_nsec;
        cpu_nsec = clock_nsec(cpu_clock) - cpu_nsec;
        printf("%-28s %12.0f %12.1f %12.2f\n", row->name,
                FLOOD_MSECS * FLOOD_PER_MSEC / ((double) took_nsec / (double) NSEC_PER_SEC),
                100.0 * (double) cpu_nsec / (double) took_nsec,
                (double) cpu_nsec / 1000.0 / (FLOOD_MSECS * FLOOD_PER_MSEC));
        (void) fflush(stdout);
}

static int gateway_main(void) {
        pid_t supervisor = getppid();
        int fd = connect_supervisor();

        printf("%-28s %12s %12s %12s\n", "", "datagrams/s", "% of a CPU", "us each");
        (void) fflush(stdout);
        say(fd, "READY=1");
        for (size_t i = 0; i < N_ROWS; i++) {
                pid_t child = rows[i].is_from_child ? fork() : -1;

                if (child > 0)
                        (void) waitpid(child, NULL, 0);
                else
                        measure(fd, &rows[i], supervisor);
                if (child == 0)
                        _exit(0);
        }
        return 0;
}

/* ---- systemd's socket ---- */

/* Returns: how many READY=1 came until the supervisor was gone. */
static unsigned listen_to(int fd, pid_t supervisor) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        unsigned n_ready = 0;
        char text[4096];

        for (;;) {
                ssize_t n = poll(&ready, 1, 100) > 0
                        ? recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT)
                        : -1;

                if (n > 0) {
                        text[n] = '\0';
                        n_ready += strstr(text, "READY=1") != NULL;
                } else if (waitpid(supervisor, NULL, WNOHANG) == supervisor)
                        return n_ready;
        }
}

int main(int argc, char *argv[]) {
        char name[64], self[4096] = "";
        struct sockaddr_un address;
        pid_t supervisor;
        unsigned n_ready;
        int fd;

        if (argc == 2 && strcmp(argv[1], "--gateway") == 0)
                return gateway_main();
        if (argc != 2 || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
                (void) fputs("usage: notify-flood GATEWATCH\n", stderr);
                return EXIT_FAILURE;
        }
        (void) snprintf(name, sizeof(name), ADDRESS_PATTERN, getpid());
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, make_address(&address, name)) < 0)
                die("bind");
        supervisor = fork();
        if (supervisor == 0) {
                char variable[80];

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) snprintf(variable, sizeof(variable), "@%s", name);
                (void) setenv("NOTIFY_SOCKET", variable, 1);
                (void) execl(argv[1], argv[1], "run", "--log-target=null", "--watchdog=1min", "--",
                        self, "--gateway", (char *) NULL);
                die(argv[1]);
        }
        n_ready = listen_to(fd, supervisor);
        printf("READY=1 that reached systemd's socket: %u (of 1)\n", n_ready);
        return n_ready == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
