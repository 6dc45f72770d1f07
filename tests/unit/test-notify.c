/* SPDX-License-Identifier: MIT */

/* The verb, in a process of its own, and this one as the supervisor that it tells. */

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "gateway/notify-socket.h"
#include "gateway/notify.h"
#include "usec.h"

#define ARGUMENTS_MAX 16
#define OUTPUT_MAX    8192
#define DEADLINE_MSEC 60000
#define OWN           "X_GATEWATCH_"
#define NOT_A_PROCESS "this is no process of a gateway under gatewatch: "
#define NO_NAME       " is no name: give 1 to 128 bytes of UTF-8 without control characters"
#define SEE_HELP      ": see 'gatewatch notify --help'"
#define NAME_OF_16    "sixteen bytes ok"
#define NAME_OF_128 \
        NAME_OF_16 NAME_OF_16 NAME_OF_16 NAME_OF_16 NAME_OF_16 NAME_OF_16 NAME_OF_16 NAME_OF_16
#define EURO "\xe2\x82\xac"
#define ARGUMENTS(...)                       \
        (const char *const[ARGUMENTS_MAX]) { \
                __VA_ARGS__                  \
        }

typedef enum Listener {
        LISTENER_ANSWERS,
        LISTENER_HOLDS_BARRIER,
        LISTENER_READS_NOTHING,
} Listener;

typedef struct Fixture {
        int socket_fd;
        char address[NOTIFY_ADDRESS_MAX];
        const char *notify_socket; /* for the verb; NULL: unset */
        bool has_run_id;
        bool is_stderr_closed;
        Listener listener;
        pid_t child;
        int output_fd; /* what it writes on stdout and stderr */
        NotifyReceived received;
        unsigned n_messages, n_barriers;
        pid_t sender;
        char message[NOTIFY_MESSAGE_MAX + 1];
        char output[OUTPUT_MAX];
        size_t output_size;
        int status;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        fixture->output_fd = -EBADF;
        fixture->socket_fd = notify_socket_listen(NULL, fixture->address);
        fixture->notify_socket = fixture->address;
        fixture->has_run_id = true;
        return fixture->socket_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        if (fixture->child > 0) {
                (void) kill(fixture->child, SIGKILL);
                (void) waitpid(fixture->child, NULL, 0);
        }
        notify_received_close_fds(&fixture->received);
        (void) fd_close(fixture->output_fd);
        (void) notify_socket_close(fixture->socket_fd, fixture->address);
        free(fixture);
        return 0;
}

static void _noreturn_ run_verb(
        const Fixture *fixture, const char *const *arguments, int output_fd) {
        char *argv[ARGUMENTS_MAX + 3] = { (char *) "gatewatch", (char *) "notify" };
        int argc = 2;

        while (*arguments)
                argv[argc++] = (char *) *arguments++;
        if (dup2(output_fd, STDOUT_FILENO) < 0 || dup2(output_fd, STDERR_FILENO) < 0)
                _exit(99);
        if (fixture->is_stderr_closed)
                (void) close(STDERR_FILENO);
        (void) unsetenv("NOTIFY_SOCKET");
        (void) unsetenv("GATEWATCH_RUN_ID");
        (void) unsetenv("MANAGERPID");
        if (fixture->notify_socket)
                (void) setenv("NOTIFY_SOCKET", fixture->notify_socket, 1);
        if (fixture->has_run_id)
                (void) setenv("GATEWATCH_RUN_ID", "0123456789abcdef0123456789abcdef", 1);
        int status = notify_verb(argc, argv);
        (void) fflush(stdout);
        _exit(status);
}

static void start(Fixture *fixture, const char *const *arguments) {
        int fds[2];

        (void) fflush(stdout);
        fixture->n_messages = fixture->n_barriers = 0;
        fixture->output_size = 0;
        fixture->message[0] = '\0';
        fixture->output_fd = fd_close(fixture->output_fd);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        fixture->output_fd = fds[0];
        fixture->child = fork();
        assert_true(fixture->child >= 0);
        if (fixture->child == 0)
                run_verb(fixture, arguments, fds[1]);
        (void) close(fds[1]);
}

static void take_datagram(Fixture *fixture) {
        NotifyReceived *received = &fixture->received;

        if (notify_socket_receive(fixture->socket_fd, received) < 0)
                return;
        received->buffer[received->size] = '\0';
        fixture->sender = received->sender;
        if (strcmp(received->buffer, "BARRIER=1") == 0) {
                assert_int_equal(received->n_fds, 1);
                fixture->n_barriers++;
                if (fixture->listener == LISTENER_ANSWERS)
                        notify_received_close_fds(received);
                return;
        }
        assert_int_equal(received->n_fds, 0);
        fixture->n_messages++;
        memcpy(fixture->message, received->buffer, received->size + 1);
}

/* Reads what it says and what it sends until it has ended. */
static void finish(Fixture *fixture) {
        struct pollfd fds[] = {
                { .fd = fixture->output_fd, .events = POLLIN },
                { .fd = fixture->listener == LISTENER_READS_NOTHING ? -1 : fixture->socket_fd,
                        .events = POLLIN },
        };
        ssize_t n = 1;
        int status;

        while (n > 0) {
                assert_true(poll(fds, ELEMENTSOF(fds), DEADLINE_MSEC) > 0);
                if (fds[1].revents)
                        take_datagram(fixture);
                else {
                        n = read(fixture->output_fd, fixture->output + fixture->output_size,
                                OUTPUT_MAX - 1 - fixture->output_size);
                        assert_true(n >= 0);
                        fixture->output_size += (size_t) n;
                }
        }
        fixture->output[fixture->output_size] = '\0';
        assert_int_equal(waitpid(fixture->child, &status, 0), fixture->child);
        fixture->child = 0;
        assert_true(WIFEXITED(status));
        fixture->status = WEXITSTATUS(status);
}

static void tell(Fixture *fixture, const char *const *arguments) {
        start(fixture, arguments);
        finish(fixture);
}

static void assert_complaint(const Fixture *fixture, int status, const char *complaint) {
        char expected[OUTPUT_MAX];

        (void) snprintf(expected, sizeof(expected), "gatewatch notify: %s\n", complaint);
        assert_string_equal(fixture->output, expected);
        assert_int_equal(fixture->status, status);
}

static void test_notify_options_make_one_message(void **state) {
        static const struct {
                const char *arguments[ARGUMENTS_MAX];
                const char *message;
        } rows[] = {
                { { "--phase=drain" }, OWN "PHASE=drain" },
                { { "--phase", "drain" }, OWN "PHASE=drain" },
                { { "--phase=" }, OWN "PHASE=" },
                { { "--phase=a=b " EURO }, OWN "PHASE=a=b " EURO },
                { { "--phase=" NAME_OF_128 }, OWN "PHASE=" NAME_OF_128 },
                { { "--active=0" }, OWN "ACTIVE=0" },
                { { "--active=18446744073709551615" }, OWN "ACTIVE=18446744073709551615" },
                { { "--step-begin=disconnect telegram" }, OWN "STEP_BEGIN=disconnect telegram" },
                { { "--step-begin=a", "--step-timeout=10" },
                        OWN "STEP_BEGIN=a\n" OWN "STEP_TIMEOUT_USEC=10000000" },
                { { "--step-begin=a", "--step-timeout=1min 500ms" },
                        OWN "STEP_BEGIN=a\n" OWN "STEP_TIMEOUT_USEC=60500000" },
                { { "--step-begin=a", "--step-timeout=0" },
                        OWN "STEP_BEGIN=a\n" OWN "STEP_TIMEOUT_USEC=0" },
                { { "--step-begin=a", "--step-timeout=infinity" },
                        OWN "STEP_BEGIN=a\n" OWN "STEP_TIMEOUT_USEC=infinity" },
                { { "--step-end=a", "--step-begin=b", "--step-timeout=1", "--step-begin=c",
                          "--step-end=d" },
                        OWN "STEP_END=a\n" OWN "STEP_BEGIN=b\n" OWN
                            "STEP_TIMEOUT_USEC=1000000\n" OWN "STEP_BEGIN=c\n" OWN "STEP_END=d" },
                { { "--step-begin=a", "--active=2", "--step-timeout=1" },
                        OWN "STEP_BEGIN=a\n" OWN "ACTIVE=2\n" OWN "STEP_TIMEOUT_USEC=1000000" },
                { { "--ready" }, "READY=1" },
                { { "--ready", "--ready" }, "READY=1" },
                { { "--stopping", "--status=enough" }, "STOPPING=1\nSTATUS=enough" },
                { { "--status=" }, "STATUS=" },
                { { "--status=50 % " EURO }, "STATUS=50 % " EURO },
                { { "--watchdog" }, "WATCHDOG=1" },
                { { "--watchdog=trigger" }, "WATCHDOG=trigger" },
                { { "--pid=4711" }, "MAINPID=4711" },
                { { "--pid=0042" }, "MAINPID=42" },
                { { "--pid=2147483647" }, "MAINPID=2147483647" },
                { { "ERRNO=2" }, "ERRNO=2" },
                { { "X_A=a=b", "--ready", "_x1=" }, "READY=1\nX_A=a=b\n_x1=" },
                { { "--", "X_A=1" }, "X_A=1" },
                { { OWN "PHASE=p" }, OWN "PHASE=p" },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                tell(fixture, rows[i].arguments);
                assert_string_equal(fixture->output, "");
                assert_int_equal(fixture->status, 0);
                assert_int_equal(fixture->n_messages, 1);
                assert_int_equal(fixture->n_barriers, 1);
                assert_string_equal(fixture->message, rows[i].message);
        }
}

static void test_notify_pid_words_name_processes(void **state) {
        static const char *const of_parent[] = { "--pid", "--pid=auto", "--pid=parent" };
        Fixture *fixture = *state;
        char expected[64];

        (void) snprintf(expected, sizeof(expected), "MAINPID=%d", getpid());
        for (size_t i = 0; i < ELEMENTSOF(of_parent); i++) {
                tell(fixture, ARGUMENTS(of_parent[i]));
                assert_string_equal(fixture->message, expected);
        }
        tell(fixture, ARGUMENTS("--pid=self"));
        (void) snprintf(expected, sizeof(expected), "MAINPID=%d", fixture->sender);
        assert_string_equal(fixture->message, expected);
        assert_int_not_equal(fixture->sender, getpid());
}

static void test_notify_reloading_brings_the_time(void **state) {
        Fixture *fixture = *state;
        usec_t before_usec = usec_now(CLOCK_MONOTONIC), usec;

        tell(fixture, ARGUMENTS("--reloading"));
        assert_int_equal(
                sscanf(fixture->message, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec), 1);
        assert_in_range(usec, before_usec, usec_now(CLOCK_MONOTONIC));
}

static void test_notify_unusable_arguments_are_named(void **state) {
        static const struct {
                const char *arguments[ARGUMENTS_MAX];
                const char *complaint;
        } rows[] = {
                { {}, "nothing to tell" SEE_HELP },
                { { "--no-block" }, "nothing to tell" SEE_HELP },
                { { "--phase=a\tb" }, "--phase=a?b" NO_NAME ", or nothing to end the phase" },
                { { "--phase=a\nb" }, "--phase=a?b" NO_NAME ", or nothing to end the phase" },
                { { "--step-begin=" }, "--step-begin=" NO_NAME },
                { { "--step-begin=\xff" }, "--step-begin=\xef\xbf\xbd" NO_NAME },
                { { "--step-end=\xc2\x9bx" }, "--step-end=?x" NO_NAME },
                { { "--step-end=" NAME_OF_128 "x" }, "--step-end=" NAME_OF_128 "x" NO_NAME },
                { { "--active=" },
                        "--active= is no number: give how many units of work are in flight, 0 or more" },
                { { "--active=-1" },
                        "--active=-1 is no number: give how many units of work are in flight, 0 or more" },
                { { "--active=18446744073709551616" },
                        "--active=18446744073709551616 is no number: give how many units of work are in "
                        "flight, 0 or more" },
                { { "--step-timeout=5" },
                        "--step-timeout=5 bounds no step: give it once, behind the --step-begin= that it "
                        "is for" },
                { { "--step-timeout=5", "--step-begin=a" },
                        "--step-timeout=5 bounds no step: give it once, behind the --step-begin= that it "
                        "is for" },
                { { "--step-begin=a", "--step-timeout=5", "--step-timeout=6" },
                        "--step-timeout=6 bounds no step: give it once, behind the --step-begin= that it "
                        "is for" },
                { { "--step-begin=a", "--step-timeout=5 parsecs" },
                        "--step-timeout=5 parsecs is no time span, at 'parsecs': give one such as 10s, "
                        "1min 30s or infinity" },
                { { "--ready", "--stopping" },
                        "--ready and --stopping exclude each other: tell one after the other" },
                { { "--stopping", "--reloading" },
                        "--stopping and --reloading exclude each other: tell one after the other" },
                { { "--status=a\nREADY=1" },
                        "--status=a?READY=1 is not usable: give one line of UTF-8 without control "
                        "characters" },
                { { "--watchdog=1" },
                        "--watchdog=1 is not usable: give --watchdog for a sign of life, or "
                        "--watchdog=trigger" },
                { { "--pid=0" }, "--pid=0 is no process id: give a number, auto, self or parent" },
                { { "--pid=" }, "--pid= is no process id: give a number, auto, self or parent" },
                { { "--pid=2147483648" },
                        "--pid=2147483648 is no process id: give a number, auto, self or parent" },
                { { "--pid", "12" },
                        "'12' is no VARIABLE=VALUE: give one such as ERRNO=2, or options; see 'gatewatch "
                        "notify --help'" },
                { { "=x" },
                        "'=x' is no VARIABLE=VALUE: give one such as ERRNO=2, or options; see 'gatewatch "
                        "notify --help'" },
                { { "A B=x" },
                        "'A B=x' is no VARIABLE=VALUE: give one such as ERRNO=2, or options; see "
                        "'gatewatch notify --help'" },
                { { "A=x\nREADY=1" },
                        "'A=x?READY=1' is more than one line: give each VARIABLE=VALUE as an argument of "
                        "its own" },
                { { "BARRIER=1" },
                        "'BARRIER=1' stands alone and with a file descriptor: leave it out, it is sent "
                        "behind the message anyway" },
                { { "--phase" }, "option '--phase' needs a value" SEE_HELP },
                { { "--ready=1" }, "option '--ready=1' takes no value" SEE_HELP },
                { { "--nonsense" }, "unknown or ambiguous option '--nonsense'" SEE_HELP },
                { { "--step" }, "unknown or ambiguous option '--step'" SEE_HELP },
                { { "-x" }, "unknown option '-x'" SEE_HELP },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                tell(fixture, rows[i].arguments);
                assert_complaint(fixture, 64, rows[i].complaint);
                assert_int_equal(fixture->n_messages + fixture->n_barriers, 0);
        }
}

static void test_notify_message_of_the_greatest_size_is_sent_and_no_longer(void **state) {
        Fixture *fixture = *state;
        char word[NOTIFY_MESSAGE_MAX + 2] = "X_LONG=";

        memset(word + 7, 'a', NOTIFY_MESSAGE_MAX - 7);
        tell(fixture, ARGUMENTS(word));
        assert_int_equal(fixture->status, 0);
        assert_string_equal(fixture->message, word);

        word[NOTIFY_MESSAGE_MAX] = 'a';
        tell(fixture, ARGUMENTS(word));
        assert_complaint(fixture, 64,
                "the message has 4097 bytes, of which 4096 can be sent: tell it in several");
        tell(fixture, ARGUMENTS(word, "X_MORE=1"));
        assert_complaint(fixture, 64,
                "the message has 4106 bytes, of which 4096 can be sent: tell it in several");
        assert_int_equal(fixture->n_messages, 0);
}

static void test_notify_outside_of_a_gateway_is_refused(void **state) {
        static const struct {
                const char *notify_socket;
                const char *argument;
                const char *complaint;
        } rows[] = {
                { NULL, "--ready", NOT_A_PROCESS "NOTIFY_SOCKET is not set" },
                { "", "--ready", NOT_A_PROCESS "NOTIFY_SOCKET is not set" },
                { "@gatewatch-test-nobody", "--phase=p",
                        NOT_A_PROCESS
                        "GATEWATCH_RUN_ID is not set, and systemd would ignore --phase in silence" },
                { "@gatewatch-test-nobody", OWN "ACTIVE=1",
                        NOT_A_PROCESS "GATEWATCH_RUN_ID is not set, and systemd would ignore " OWN
                                      "ACTIVE in silence" },
                { "@gatewatch-test-nobody", "--ready",
                        "cannot tell NOTIFY_SOCKET=@gatewatch-test-nobody: Connection refused" },
                { "/nonexistent/notify", "--ready",
                        "cannot tell NOTIFY_SOCKET=/nonexistent/notify: No such file or directory" },
        };
        Fixture *fixture = *state;

        fixture->has_run_id = false;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->notify_socket = rows[i].notify_socket;
                tell(fixture, ARGUMENTS(rows[i].argument));
                assert_complaint(fixture, 69, rows[i].complaint);
        }
}

static void test_notify_plain_keys_need_no_run_id(void **state) {
        Fixture *fixture = *state;

        fixture->has_run_id = false;
        tell(fixture, ARGUMENTS("--ready", "--status=up"));
        assert_int_equal(fixture->status, 0);
        assert_string_equal(fixture->message, "READY=1\nSTATUS=up");
}

static void test_notify_waits_for_the_barrier(void **state) {
        Fixture *fixture = *state;
        struct pollfd poll_fd = { .fd = fixture->socket_fd, .events = POLLIN };

        fixture->listener = LISTENER_HOLDS_BARRIER;
        start(fixture, ARGUMENTS("--ready"));
        while (fixture->n_barriers == 0) {
                assert_int_equal(poll(&poll_fd, 1, DEADLINE_MSEC), 1);
                take_datagram(fixture);
        }
        assert_int_equal(fixture->n_messages, 1);
        assert_int_equal(waitpid(fixture->child, NULL, WNOHANG), 0);
        notify_received_close_fds(&fixture->received);
        finish(fixture);
        assert_int_equal(fixture->status, 0);
        assert_string_equal(fixture->output, "");
}

static void test_notify_without_blocking_sends_no_barrier(void **state) {
        Fixture *fixture = *state;

        fixture->listener = LISTENER_READS_NOTHING;
        tell(fixture, ARGUMENTS("--no-block", "--ready"));
        assert_int_equal(fixture->status, 0);
        take_datagram(fixture);
        assert_string_equal(fixture->message, "READY=1");
        take_datagram(fixture);
        assert_int_equal(fixture->n_messages, 1);
        assert_int_equal(fixture->n_barriers, 0);
}

static void test_notify_unanswered_is_unavailable_in_the_end(void **state) {
        Fixture *fixture = *state;
        char complaint[256];

        (void) snprintf(complaint, sizeof(complaint),
                "nobody has taken the message at NOTIFY_SOCKET=%s within 5 s: is the supervisor alive?",
                fixture->address);
        fixture->listener = LISTENER_HOLDS_BARRIER;
        tell(fixture, ARGUMENTS("--ready"));
        assert_int_equal(fixture->n_barriers, 1);
        assert_complaint(fixture, 69, complaint);
}

/* What is said then goes nowhere, and least of all to the supervisor. */
static void test_notify_closed_stderr_becomes_no_message(void **state) {
        Fixture *fixture = *state;

        fixture->is_stderr_closed = true;
        fixture->listener = LISTENER_HOLDS_BARRIER;
        tell(fixture, ARGUMENTS("--ready"));
        assert_int_equal(fixture->status, 69);
        assert_int_equal(fixture->n_messages, 1);
        assert_string_equal(fixture->output, "");
}

static void test_notify_help_and_version(void **state) {
        Fixture *fixture = *state;

        tell(fixture, ARGUMENTS("-h"));
        assert_int_equal(fixture->status, 0);
        assert_non_null(strstr(fixture->output, "\n     --step-timeout=TIME "));
        tell(fixture, ARGUMENTS("--active=1", "--version"));
        assert_int_equal(fixture->status, 0);
        assert_string_equal(fixture->output, "gatewatch " GATEWATCH_VERSION "\n");
        assert_int_equal(fixture->n_messages, 0);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_notify_options_make_one_message),
                TEST(test_notify_pid_words_name_processes),
                TEST(test_notify_reloading_brings_the_time),
                TEST(test_notify_unusable_arguments_are_named),
                TEST(test_notify_message_of_the_greatest_size_is_sent_and_no_longer),
                TEST(test_notify_outside_of_a_gateway_is_refused),
                TEST(test_notify_plain_keys_need_no_run_id),
                TEST(test_notify_waits_for_the_barrier),
                TEST(test_notify_without_blocking_sends_no_barrier),
                TEST(test_notify_unanswered_is_unavailable_in_the_end),
                TEST(test_notify_closed_stderr_becomes_no_message),
                TEST(test_notify_help_and_version),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
#undef TEST
}
