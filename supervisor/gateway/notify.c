/* SPDX-License-Identifier: MIT */

/* The gateway's voice for shells: everything that the options say becomes one datagram to
 * $NOTIFY_SOCKET, and behind it goes a barrier. The supervisor looks at who sent a message when it
 * reads it, and a process that is gone by then and reaped by its shell is a stranger: so this one stays
 * until the barrier has opened, which it does when everything before it was read. Both together are
 * bounded: a gateway is not to hang in its own telling.
 *
 * libsystemd's sd_notify(3) would do, but for its blocking without a bound where nobody reads.
 *
 * What the supervisor would not take is refused here, where somebody sees it: names, numbers, texts. So
 * are our own keys where no supervisor of ours listens, because systemd drops them without a word.
 * What is given as VARIABLE=VALUE goes out as it stands, as long as it is one line.
 *
 * The lines of steps go out in the order of their options, with a timeout behind its beginning. */

#include "notify.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sysexits.h>
#include <unistd.h>

#include "cleanup.h"
#include "notify-message.h"
#include "notify-socket.h"
#include "option-error.h"
#include "stop/steps.h"
#include "text-clean.h"
#include "usec.h"
#include "utf8.h"

#define NOTIFY_TIMEOUT_USEC (5 * USEC_PER_SEC) /* for message and barrier together */
#define NOTIFY_LINE_MAX     512
#define NOTIFY_OWN_PREFIX   "X_GATEWATCH_"
#define NOTIFY_BARRIER      "BARRIER=1"
#define NOTIFY_SEE_HELP     "see 'gatewatch notify --help'"

typedef struct NotifyRequest {
        char text[NOTIFY_MESSAGE_MAX + 1]; /* lines, each but the last with its LF */
        size_t size;                       /* of the text; beyond NOTIFY_MESSAGE_MAX: it is cut */
        const char *state;                 /* the option of READY, RELOADING or STOPPING */
        const char *own;   /* the first of our own keys; into the text or a constant */
        const char *begun; /* the step that a --step-timeout would be of */
        bool is_without_barrier;
} NotifyRequest;

/* One line on stderr, without anything that a terminal would act on. Returns: exit_status. */
static int _printf_(2, 3) notify_complain(int exit_status, const char *format, ...) {
        char text[NOTIFY_LINE_MAX];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        _cleanup_free_ char *clean = text_clean(text, TEXT_TERMINAL);
        (void) fprintf(stderr, "gatewatch notify: %s\n", clean ?: "out of memory");
        return exit_status;
}

/* ---- The message ----------------------------------------------------------------------------- */

static void _printf_(2, 3) notify_request_add(NotifyRequest *request, const char *format, ...) {
        size_t start = request->size + (request->size > 0);
        char *room = start <= NOTIFY_MESSAGE_MAX ? request->text + start : NULL;
        va_list arguments;

        if (room && request->size > 0)
                request->text[request->size] = '\n';
        va_start(arguments, format);
        int size = vsnprintf(room, room ? sizeof(request->text) - start : 0, format, arguments);
        va_end(arguments);
        request->size = start + (size_t) (size < 0 ? 0 : size);
}

/* Of options that are our own keys. */
static void notify_request_add_own(
        NotifyRequest *request, const char *option, const char *key, const char *value) {
        request->own = request->own ?: option;
        notify_request_add(request, NOTIFY_OWN_PREFIX "%s=%s", key, value);
}

static bool notify_number_is_valid(const char *value, uint64_t max) {
        if (!*value || value[strspn(value, "0123456789")] != '\0')
                return false;
        errno = 0;
        return strtoull(value, NULL, 10) <= max && errno == 0;
}

static bool notify_text_is_valid(const char *text) {
        for (size_t size = strlen(text), n; size > 0; text += n, size -= n) {
                n = utf8_sequence_size(text, size);
                if (n == 0 || utf8_is_control(text, n))
                        return false;
        }
        return true;
}

/* Each returns: 0; EX_USAGE: complained about. value: NULL where the option may do without. */

static int notify_complain_name(const char *option, const char *value, const char *or_else) {
        return notify_complain(EX_USAGE,
                "--%s=%.200s is no name: give 1 to %u bytes of UTF-8 without control characters%s",
                option, value, STEP_NAME_MAX, or_else);
}

static int notify_take_phase(NotifyRequest *request, const char *value) {
        if (*value && !step_name_is_valid(value))
                return notify_complain_name("phase", value, ", or nothing to end the phase");
        notify_request_add_own(request, "--phase", "PHASE", value);
        return 0;
}

static int notify_take_active(NotifyRequest *request, const char *value) {
        if (!notify_number_is_valid(value, UINT64_MAX))
                return notify_complain(EX_USAGE,
                        "--active=%.200s is no number: give how many units of work are in flight, 0 "
                        "or more",
                        value);
        notify_request_add_own(request, "--active", "ACTIVE", value);
        return 0;
}

static int notify_take_step_begin(NotifyRequest *request, const char *value) {
        if (!step_name_is_valid(value))
                return notify_complain_name("step-begin", value, "");
        notify_request_add_own(request, "--step-begin", "STEP_BEGIN", value);
        request->begun = value;
        return 0;
}

static int notify_take_step_timeout(NotifyRequest *request, const char *value) {
        const char *bad;
        char number[32];
        usec_t usec;

        if (!request->begun)
                return notify_complain(EX_USAGE,
                        "--step-timeout=%.200s bounds no step: give it once, behind the "
                        "--step-begin= that it is for",
                        value);
        int r = usec_parse_span(value, &usec, &bad);
        if (r < 0)
                return notify_complain(EX_USAGE,
                        "--step-timeout=%.200s is no time span, at '%.100s': give one such as 10s, "
                        "1min 30s or infinity",
                        value, r == -ERANGE ? value : bad);
        (void) snprintf(number, sizeof(number), "%" USEC_FMT, usec);
        notify_request_add_own(request, "--step-timeout", "STEP_TIMEOUT_USEC",
                usec == USEC_INFINITY ? "infinity" : number);
        request->begun = NULL;
        return 0;
}

static int notify_take_step_end(NotifyRequest *request, const char *value) {
        if (!step_name_is_valid(value))
                return notify_complain_name("step-end", value, "");
        notify_request_add_own(request, "--step-end", "STEP_END", value);
        return 0;
}

/* systemd takes one of them from a message. */
static int notify_take_state(NotifyRequest *request, const char *option, const char *line) {
        if (request->state && strcmp(request->state, option) != 0)
                return notify_complain(EX_USAGE,
                        "%s and %s exclude each other: tell one after the other", request->state,
                        option);
        if (!request->state)
                notify_request_add(request, "%s", line);
        request->state = option;
        return 0;
}

static int notify_take_ready(NotifyRequest *request, const char *value) {
        return notify_take_state(request, "--ready", "READY=1");
}

/* With the time: Type=notify-reload asks for it. */
static int notify_take_reloading(NotifyRequest *request, const char *value) {
        char lines[64];

        (void) snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" USEC_FMT,
                usec_now(CLOCK_MONOTONIC));
        return notify_take_state(request, "--reloading", lines);
}

static int notify_take_stopping(NotifyRequest *request, const char *value) {
        return notify_take_state(request, "--stopping", "STOPPING=1");
}

static int notify_take_status(NotifyRequest *request, const char *value) {
        if (!notify_text_is_valid(value))
                return notify_complain(EX_USAGE,
                        "--status=%.200s is not usable: give one line of UTF-8 without control "
                        "characters",
                        value);
        notify_request_add(request, "STATUS=%s", value);
        return 0;
}

static int notify_take_watchdog(NotifyRequest *request, const char *value) {
        if (value && strcmp(value, "trigger") != 0)
                return notify_complain(EX_USAGE,
                        "--watchdog=%.200s is not usable: give --watchdog for a sign of life, or "
                        "--watchdog=trigger",
                        value);
        notify_request_add(request, "WATCHDOG=%s", value ?: "1");
        return 0;
}

/* Whose main process systemd or the supervisor is, that is not the gateway's. */
static bool notify_pid_is_manager(pid_t pid) {
        const char *manager = getenv("MANAGERPID");

        return pid <= 1 || (manager && strtol(manager, NULL, 10) == pid);
}

static int notify_take_pid(NotifyRequest *request, const char *value) {
        pid_t parent = getppid();

        if (!value || strcmp(value, "auto") == 0)
                notify_request_add(
                        request, "MAINPID=%d", notify_pid_is_manager(parent) ? getpid() : parent);
        else if (strcmp(value, "parent") == 0)
                notify_request_add(request, "MAINPID=%d", parent);
        else if (strcmp(value, "self") == 0)
                notify_request_add(request, "MAINPID=%d", getpid());
        else if (notify_number_is_valid(value, INT_MAX) && strtol(value, NULL, 10) > 0)
                notify_request_add(request, "MAINPID=%ld", strtol(value, NULL, 10));
        else
                return notify_complain(EX_USAGE,
                        "--pid=%.200s is no process id: give a number, auto, self or parent",
                        value);
        return 0;
}

static int notify_take_no_block(NotifyRequest *request, const char *value) {
        request->is_without_barrier = true;
        return 0;
}

static int notify_take_variable(NotifyRequest *request, const char *word) {
        size_t size = strcspn(word, "=");

        if (word[size] != '=' || size == 0 ||
                strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") !=
                        size)
                return notify_complain(EX_USAGE,
                        "'%.200s' is no VARIABLE=VALUE: give one such as ERRNO=2, or options; " NOTIFY_SEE_HELP,
                        word);
        if (word[strcspn(word, "\n\r")] != '\0')
                return notify_complain(EX_USAGE,
                        "'%.200s' is more than one line: give each VARIABLE=VALUE as an argument of "
                        "its own",
                        word);
        if (strcmp(word, NOTIFY_BARRIER) == 0)
                return notify_complain(EX_USAGE,
                        "'" NOTIFY_BARRIER
                        "' stands alone and with a file descriptor: leave it out, it "
                        "is sent behind the message anyway");
        if (strncmp(word, NOTIFY_OWN_PREFIX, strlen(NOTIFY_OWN_PREFIX)) == 0)
                request->own = request->own ?: word;
        notify_request_add(request, "%s", word);
        return 0;
}

/* ---- Options --------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        int has_value;
        int (*take)(NotifyRequest *request, const char *value);
} notify_options[] = {
        { "phase", required_argument, notify_take_phase },
        { "active", required_argument, notify_take_active },
        { "step-begin", required_argument, notify_take_step_begin },
        { "step-timeout", required_argument, notify_take_step_timeout },
        { "step-end", required_argument, notify_take_step_end },
        { "ready", no_argument, notify_take_ready },
        { "reloading", no_argument, notify_take_reloading },
        { "stopping", no_argument, notify_take_stopping },
        { "status", required_argument, notify_take_status },
        { "watchdog", optional_argument, notify_take_watchdog },
        { "pid", optional_argument, notify_take_pid },
        { "no-block", no_argument, notify_take_no_block },
};

static void notify_print_help(void) {
        (void) fputs(
                "gatewatch notify [OPTIONS…] [VARIABLE=VALUE…]\n"
                "\n"
                "Tell the supervisor, from a shell gateway, how far it is. All of it is one message.\n"
                "\n"
                "  -h --help                Show this help\n"
                "     --version             Show the version\n"
                "     --phase=NAME          A phase begins, the one before ends; empty: only that\n"
                "     --active=N            How many units of work are in flight\n"
                "     --step-begin=NAME     A step begins\n"
                "     --step-timeout=TIME   Bound of the step before it; 0, infinity: none\n"
                "     --step-end=NAME       A step has ended\n"
                "     --ready               The gateway is ready, or has reloaded\n"
                "     --reloading           It reloads\n"
                "     --stopping            It stops by itself\n"
                "     --status=TEXT         One line for 'systemctl status'\n"
                "     --watchdog[=trigger]  A sign of life; trigger: none is to be expected any more\n"
                "     --pid[=PID]           The main process: a number, auto, self or parent\n"
                "     --no-block            Do not wait until the message was taken\n"
                "\n"
                "Steps may be several, in their order. See gatewatch-notify(1).\n",
                stdout);
}

static int notify_complain_option(int argc, char *argv[], int code) {
        char error[OPTION_ERROR_MAX];

        (void) option_refuse_word(error, "notify", /* hint= */ "", argc, argv, code);
        return notify_complain(EX_USAGE, "%s", error);
}

/* argv[0] is the verb. Returns: -1: go on; else the exit status. */
static int notify_take_options(int argc, char *argv[], NotifyRequest *request) {
        enum { OPTION_HELP = 'h', OPTION_VERSION = 0x1000, OPTION_FIRST };
        struct option options[ELEMENTSOF(notify_options) + 3] = {};
        size_t n = 0;
        int code, r = 0;

        for (; n < ELEMENTSOF(notify_options); n++)
                options[n] = (struct option){ notify_options[n].name, notify_options[n].has_value,
                        NULL, OPTION_FIRST + (int) n };
        options[n++] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
        options[n++] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };

        optind = 0; /* glibc: start over */
        opterr = 0;
        while ((code = getopt_long(argc, argv, ":h", options, NULL)) >= 0) {
                if (code == OPTION_HELP) {
                        notify_print_help();
                        return EXIT_SUCCESS;
                }
                if (code == OPTION_VERSION) {
                        (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                        return EXIT_SUCCESS;
                }
                if (code < OPTION_FIRST)
                        return notify_complain_option(argc, argv, code);
                r = notify_options[code - OPTION_FIRST].take(request, optarg);
                if (r != 0)
                        return r;
        }
        for (; optind < argc; optind++) {
                r = notify_take_variable(request, argv[optind]);
                if (r != 0)
                        return r;
        }
        if (request->size == 0)
                return notify_complain(EX_USAGE, "nothing to tell: " NOTIFY_SEE_HELP);
        if (request->size > NOTIFY_MESSAGE_MAX)
                return notify_complain(EX_USAGE,
                        "the message has %zu bytes, of which %u can be sent: tell it in several",
                        request->size, NOTIFY_MESSAGE_MAX);
        return -1;
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* Returns: 0; -ETIMEDOUT; negative errno of poll(2). */
static int notify_wait(int fd, short events, usec_t until_usec) {
        struct pollfd poll_fd = { .fd = fd, .events = events };

        for (;;) {
                usec_t left_usec = usec_sub(until_usec, usec_now(CLOCK_MONOTONIC));
                /* Rounded up: what is left is not to be spent in turns of nothing. */
                int r = poll(&poll_fd, 1, (int) ((left_usec + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
                if (r > 0)
                        return 0;
                if (r == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

/* passed_fd: goes along; -EBADF: none. Returns: 0; -ETIMEDOUT; other errno of notify_socket_send(). */
static int notify_send(int socket_fd, const char *address, const char *text, size_t size,
        int passed_fd, usec_t until_usec) {
        for (;;) {
                int r = notify_socket_send(
                        socket_fd, address, text, size, &passed_fd, /* n_fds= */ passed_fd >= 0);
                if (r != -EAGAIN)
                        return r;
                r = notify_wait(socket_fd, POLLOUT, until_usec);
                if (r < 0)
                        return r;
        }
}

/* Who has read everything before it closes our fd. */
static int notify_send_barrier(int socket_fd, const char *address, usec_t until_usec) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_close_ int read_fd = fds[0], write_fd = fds[1];
        int r = notify_send(
                socket_fd, address, NOTIFY_BARRIER, strlen(NOTIFY_BARRIER), write_fd, until_usec);
        if (r < 0)
                return r;
        write_fd = fd_close(write_fd);
        return notify_wait(read_fd, /* events= */ 0, until_usec); /* POLLHUP comes unasked */
}

static int notify_tell(const NotifyRequest *request, const char *address) {
        usec_t until_usec = usec_add(usec_now(CLOCK_MONOTONIC), NOTIFY_TIMEOUT_USEC);

        _cleanup_close_ int socket_fd = notify_socket_connect(address);
        if (socket_fd < 0)
                return socket_fd;
        int r = notify_send(socket_fd, address, request->text, request->size,
                /* passed_fd= */ -EBADF, until_usec);
        if (r < 0 || request->is_without_barrier)
                return r;
        return notify_send_barrier(socket_fd, address, until_usec);
}

/* The low fds that the caller left closed must not become ours: a complaint would be a message. */
static void notify_hold_standard_fds(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        (void) fd_close(fd);
}

int notify_verb(int argc, char *argv[]) {
        NotifyRequest request = {};

        assert(argc > 1);

        notify_hold_standard_fds();
        int r = notify_take_options(argc - 1, argv + 1, &request);
        if (r >= 0)
                return r;

        const char *address = getenv("NOTIFY_SOCKET");
        if (!address || !*address)
                return notify_complain(EX_UNAVAILABLE,
                        "this is no process of a gateway under gatewatch: NOTIFY_SOCKET is not set");
        if (request.own && !getenv("GATEWATCH_RUN_ID"))
                return notify_complain(EX_UNAVAILABLE,
                        "this is no process of a gateway under gatewatch: GATEWATCH_RUN_ID is not set, "
                        "and systemd would ignore %.*s in silence",
                        (int) strcspn(request.own, "="), request.own);
        r = notify_tell(&request, address);
        if (r == -ETIMEDOUT)
                return notify_complain(EX_UNAVAILABLE,
                        "nobody has taken the message at NOTIFY_SOCKET=%.200s within %" USEC_FMT
                        " s: is the supervisor alive?",
                        address, NOTIFY_TIMEOUT_USEC / USEC_PER_SEC);
        if (r < 0)
                return notify_complain(EX_UNAVAILABLE, "cannot tell NOTIFY_SOCKET=%.200s: %s",
                        address, strerror(-r));
        return EXIT_SUCCESS;
}
