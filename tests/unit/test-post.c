/* SPDX-License-Identifier: MIT */

/* The recorder behind a run: what it writes, once, and when it leaves things alone. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/time.h>
#include <syslog.h>

#include "forensics/clean-shutdown.h"
#include "forensics/post.h"
#include "previous-run-fixture.h"

#define STATE "state"

/* The directory of the test holds "console", "out", "err" and the state directory. */
typedef struct Post {
        World *world;
        int state_fd;
        char *text;
        pid_t child; /* 0: none */
} Post;

static int post_setup(void **state) {
        Post *post = calloc(1, sizeof(*post));
        void *world = NULL;

        if (!post || world_setup(&world) < 0)
                return -1;
        post->world = world;
        post->world->console_fd = open("console", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (mkdir(STATE, 0700) < 0)
                return -1;
        post->state_fd = open(STATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *state = post;
        return post->state_fd < 0 || post->world->console_fd < 0 ? -1 : 0;
}

static int post_teardown(void **state) {
        Post *post = *state;
        void *world = post->world;

        if (post->child > 0) {
                (void) kill(post->child, SIGKILL);
                (void) waitpid(post->child, NULL, 0);
        }
        (void) fd_close(post->state_fd);
        free(post->text);
        free(post);
        return world_teardown(&world);
}

#define post_test(test) cmocka_unit_test_setup_teardown(test, post_setup, post_teardown)

static const char *read_text(Post *post, const char *path) {
        free(post->text);
        post->text = NULL;
        assert_int_equal(
                file_read_bounded(post->world->files->fd, path, 65536, &post->text, NULL), 0);
        return post->text;
}

static unsigned count_lines(Post *post, const char *path) {
        unsigned n = 0;

        for (const char *c = read_text(post, path); *c; c++)
                n += *c == '\n';
        return n;
}

static void assert_has(Post *post, const char *path, const char *part) {
        const char *text = read_text(post, path);

        if (!strstr(text, part))
                print_error("no '%s' in: %s\n", part, text);
        assert_non_null(strstr(text, part));
}

static void put_flight(Post *post, const FlightRecord *flight) {
        assert_int_equal(flight_recorder_open(post->state_fd, &post->world->recorder), 0);
        int r = flight_recorder_write(post->world->recorder, flight);
        post->world->recorder = flight_recorder_free(post->world->recorder);
        assert_int_equal(r, 0);
}

static FlightRecord get_flight(Post *post) {
        FlightRecord flight;

        assert_int_equal(flight_recorder_open(post->state_fd, &post->world->recorder), 0);
        int r = flight_recorder_read(post->world->recorder, &flight);
        post->world->recorder = flight_recorder_free(post->world->recorder);
        assert_int_equal(r, 0);
        return flight;
}

/* Of this boot, drained since one second ago. */
static FlightRecord make_lost(void) {
        FlightRecord flight = make_draining();

        assert_int_equal(sd_id128_get_boot(&flight.boot_id), 0);
        usec_t now_usec = usec_now(CLOCK_MONOTONIC);
        flight.started_at_usec = 1;
        flight.stop_at_usec = flight.phase_at_usec = usec_sub(now_usec, SEC);
        flight.phase_deadline_usec = usec_add(now_usec, 1000 * SEC);
        return flight;
}

static PostRequest make_request(Post *post) {
        return (PostRequest){
                .state_fd = post->state_fd,
                .invocation_id = run,
                .service = killed,
                .where = { LOG_TARGET_CONSOLE, LOG_DEBUG, post->world->console_fd },
        };
}

/* ---- The record ------------------------------------------------------------------------------ */

static void test_post_without_flight_record_does_and_makes_nothing(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);

        assert_int_equal(post_record(&request), 0);
        assert_int_equal(count_entries(STATE), 0);
        assert_int_equal(count_lines(post, "console"), 0);
}

static void test_post_of_a_file_never_written_does_nothing(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);

        assert_int_equal(flight_recorder_open(post->state_fd, &post->world->recorder), 0);
        post->world->recorder = flight_recorder_free(post->world->recorder);
        assert_int_equal(post_record(&request), 0);
        assert_int_equal(count_lines(post, "console"), 0);
}

static void test_post_of_a_lost_run_records_it_once(void **state) {
        static const char *const parts[] = { " event=stopped ", " name=hermes ",
                " run_id=" RUN_TEXT " ", " outcome=lost ", " exit_code=killed ",
                " exit_status=SIGKILL ", " service_result=signal ", " previous_phase=drain ",
                " recorded_by=post ", " signal=SIGTERM " };
        Post *post = *state;
        PostRequest request = make_request(post);
        FlightRecord flight = make_lost();

        put_flight(post, &flight);
        assert_int_equal(post_record(&request), 1);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                assert_has(post, "console", parts[i]);
        flight = get_flight(post);
        assert_string_equal(flight.recorded_by, "post");
        assert_string_equal(flight.outcome, "lost");

        assert_int_equal(post_record(&request), 0);
        assert_int_equal(count_lines(post, "console"), 1);
}

static void test_post_of_a_recorded_run_does_nothing(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);
        FlightRecord flight = make_lost();

        text_set(flight.outcome, "clean");
        text_set(flight.recorded_by, "run");
        put_flight(post, &flight);
        assert_int_equal(post_record(&request), 0);
        assert_int_equal(count_lines(post, "console"), 0);
        flight = get_flight(post);
        assert_string_equal(flight.recorded_by, "run");
}

/* What systemd says is about the invocation that it says it to. */
static void test_post_of_another_invocation_leaves_the_result_out(void **state) {
        Post *post = *state;
        const struct {
                sd_id128_t invocation_id;
                bool is_other_boot, has_result;
        } rows[] = {
                { run, false, true },
                { SD_ID128_NULL, false, true },
                { other_boot, false, false },
                { run, true, false },
                { SD_ID128_NULL, true, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PostRequest request = make_request(post);
                FlightRecord flight = make_lost();

                if (rows[i].is_other_boot)
                        flight.boot_id = other_boot;
                request.invocation_id = rows[i].invocation_id;
                put_flight(post, &flight);
                assert_int_equal(ftruncate(post->world->console_fd, 0), 0);
                assert_int_equal(post_record(&request), 1);
                const char *text = read_text(post, "console");
                assert_int_equal(strstr(text, " service_result=") != NULL, rows[i].has_result);
                assert_int_equal(strstr(text, " exit_code=") != NULL, rows[i].has_result);
                assert_non_null(strstr(text, " outcome=lost "));
        }
}

static void test_post_counts_the_kills_for_want_of_memory(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);
        FlightRecord flight = make_lost();

        request.service.oom = (OomCounters){ .has_events = true, .n_oom_kills = 3 };
        put_flight(post, &flight);
        assert_int_equal(post_record(&request), 1);
        assert_has(post, "console", " oom_kills=3 ");
}

static void test_post_that_cannot_deliver_leaves_the_record_owed(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);
        FlightRecord flight = make_lost();

        put_flight(post, &flight);
        request.where.console_fd = -EBADF;
        assert_int_equal(post_record(&request), -EIO);
        flight = get_flight(post);
        assert_string_equal(flight.recorded_by, "");

        request.where.console_fd = post->world->console_fd;
        assert_int_equal(post_record(&request), 1);
        assert_int_equal(count_lines(post, "console"), 1);
}

static void test_post_of_something_else_is_refused(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);

        write_file(STATE "/" FLIGHT_RECORD_FILE, "garbage", 7);
        assert_int_equal(post_record(&request), -EBADMSG);
        assert_int_equal(unlink(STATE "/" FLIGHT_RECORD_FILE), 0);
        assert_int_equal(mkfifo(STATE "/" FLIGHT_RECORD_FILE, 0600), 0);
        assert_int_equal(post_record(&request), -EBADFD);
        assert_int_equal(unlink(STATE "/" FLIGHT_RECORD_FILE), 0);
        assert_int_equal(symlink("nowhere", STATE "/" FLIGHT_RECORD_FILE), 0);
        assert_int_equal(post_record(&request), -ELOOP);
        assert_int_equal(count_lines(post, "console"), 0);
}

/* Another process, which holds the file until it is killed: by itself, with a timer, or by the test. */
static _noreturn_ void hold_until_killed(int state_fd, int ready_fd, bool is_timed) {
        const struct itimerval timer = { .it_value.tv_usec = is_timed ? 100000 : 0 };
        FlightRecorder *recorder;

        if (flight_recorder_open(state_fd, &recorder) < 0 ||
                setitimer(ITIMER_REAL, &timer, NULL) < 0 || write(ready_fd, "x", 1) != 1)
                _exit(1);
        for (;;)
                (void) pause();
}

static void start_holder(Post *post, bool is_timed) {
        int pipe_fds[2];
        char byte;

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        post->child = fork();
        if (post->child == 0)
                hold_until_killed(post->state_fd, pipe_fds[1], is_timed);
        (void) close(pipe_fds[1]);
        ssize_t n = read(pipe_fds[0], &byte, 1);
        (void) close(pipe_fds[0]);
        assert_int_equal(n, 1);
}

static void test_post_beside_a_run_that_lives_does_nothing(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);
        FlightRecord flight = make_lost();

        put_flight(post, &flight);
        start_holder(post, /* is_timed= */ false);
        assert_int_equal(post_record(&request), 0);
        assert_int_equal(count_lines(post, "console"), 0);

        assert_int_equal(kill(post->child, SIGKILL), 0);
        assert_int_equal(waitpid(post->child, NULL, 0), post->child);
        post->child = 0;
        assert_int_equal(post_record(&request), 1);
}

static void test_post_waits_for_a_dying_supervisor(void **state) {
        Post *post = *state;
        PostRequest request = make_request(post);
        FlightRecord flight = make_lost();

        put_flight(post, &flight);
        start_holder(post, /* is_timed= */ true);
        request.busy_timeout_usec = 60 * SEC;
        assert_int_equal(post_record(&request), 1);
        assert_int_equal(count_lines(post, "console"), 1);
}

static void test_post_completes_the_marker_of_its_run_alone(void **state) {
        Post *post = *state;
        const struct {
                sd_id128_t run_id;
                const char *outcome, *expected;
        } rows[] = {
                { run, "", "lost" },
                { run, "clean", "clean" },
                { other_boot, "", "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                PostRequest request = make_request(post);
                FlightRecord flight = make_lost();
                CleanShutdown marker = { .run_id = rows[i].run_id, .pid = 41, .signal = "SIGTERM" };

                text_set(marker.outcome, rows[i].outcome);
                put_flight(post, &flight);
                assert_int_equal(clean_shutdown_write(post->state_fd, &marker), 0);
                assert_int_equal(post_record(&request), 1);
                assert_int_equal(clean_shutdown_read(post->state_fd, &marker), 0);
                assert_string_equal(marker.outcome, rows[i].expected);
                assert_string_equal(marker.signal, "SIGTERM");
                assert_int_equal(marker.pid, 41);
        }
}

/* ---- The verb -------------------------------------------------------------------------------- */

#define ARGUMENTS_MAX 8

/* In a process of its own, with nothing in the environment but this. Returns: the exit status. */
static int run_verb(Post *post, const char *const arguments[], const char *const environment[]) {
        char *argv[ARGUMENTS_MAX + 3] = { (char *) "gatewatch", (char *) "post" };
        int argc = 2, status = 0;

        for (; arguments && arguments[argc - 2]; argc++)
                argv[argc] = (char *) arguments[argc - 2];
        post->child = fork();
        if (post->child == 0) {
                int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
                int out_fd = open("out", flags, 0600), err_fd = open("err", flags, 0600);

                (void) clearenv();
                for (size_t i = 0; environment && environment[i]; i++)
                        (void) putenv((char *) environment[i]);
                if (dup2(out_fd, STDOUT_FILENO) < 0 || dup2(err_fd, STDERR_FILENO) < 0)
                        _exit(255);
                int r = post_verb(argc, argv);
                (void) fflush(NULL);
                _exit(r);
        }
        assert_int_equal(waitpid(post->child, &status, 0), post->child);
        post->child = 0;
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_post_verb_wrong_options_are_refused_with_one_line(void **state) {
        static const struct {
                const char *argument, *variable, *message;
        } rows[] = {
                { "--what", NULL, "unknown or ambiguous option '--what'" },
                { "--log", NULL, "unknown or ambiguous option '--log'" },
                { "-x", NULL, "unknown option '-x'" },
                { "--name", NULL, "option '--name' needs a value" },
                { "--help=x", NULL, "option '--help=x' takes no value" },
                { "unit", NULL, "'unit' is too much" },
                { "--name=", NULL, "--name= is not usable: give 1 to 128 bytes" },
                { "--name=a/b", NULL, "--name=a/b is not usable" },
                { "--name=..", NULL, "--name=.. is not usable" },
                { "--name=a\nb", NULL, "--name=a?b is not usable" },
                { "--state-dir=here", NULL,
                        "--state-dir=here is not usable: give an absolute path" },
                { "--log-target=paper", NULL, "--log-target=paper is not usable: give auto" },
                { "--log-level=loud", NULL, "--log-level=loud is not usable: give emerg" },
                { NULL, "GATEWATCH_NAME=", "GATEWATCH_NAME= is not usable" },
                { NULL, "GATEWATCH_STATE_DIR=x", "GATEWATCH_STATE_DIR=x is not usable" },
                { NULL, "GATEWATCH_LOG_TARGET=x", "GATEWATCH_LOG_TARGET=x is not usable" },
                { NULL, "GATEWATCH_LOG_LEVEL=8", "GATEWATCH_LOG_LEVEL=8 is not usable" },
        };
        Post *post = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *const arguments[] = { rows[i].argument, NULL };
                const char *const environment[] = { rows[i].variable, NULL };

                assert_int_equal(run_verb(post, arguments, environment), 64);
                assert_has(post, "err", rows[i].message);
                assert_int_equal(strncmp(read_text(post, "err"), "gatewatch post: ", 16), 0);
                assert_int_equal(count_lines(post, "err"), 1);
                assert_string_equal(read_text(post, "out"), "");
        }
}

static void test_post_verb_name_is_bounded(void **state) {
        Post *post = *state;
        char option[7 + 130] = "--name=";
        const char *const arguments[] = { "--state-dir=/nonexistent", option, NULL };

        memset(option + 7, 'n', 128);
        assert_int_equal(run_verb(post, arguments, NULL), 0);
        option[7 + 128] = 'n';
        assert_int_equal(run_verb(post, arguments, NULL), 64);
}

static void test_post_verb_help_and_version_are_shown(void **state) {
        Post *post = *state;
        static const char *const help[] = { "-h", NULL }, *const version[] = { "--version", NULL };

        assert_int_equal(run_verb(post, help, NULL), 0);
        assert_has(post, "out", "gatewatch post [OPTIONS…]");
        assert_has(post, "out", "--state-dir=DIR");
        assert_int_equal(run_verb(post, version, NULL), 0);
        assert_string_equal(read_text(post, "out"), "gatewatch " GATEWATCH_VERSION "\n");
}

static void test_post_verb_without_a_state_directory_is_silent(void **state) {
        Post *post = *state;
        char home[128];
        (void) snprintf(home, sizeof(home), "HOME=%s", post->world->files->path);
        const char *const environment[] = { home, NULL };
        static const char *const arguments[] = { "--name=hermes", NULL };

        assert_int_equal(run_verb(post, arguments, environment), 0);
        assert_string_equal(read_text(post, "err"), "");
        assert_int_not_equal(access(".local", F_OK), 0);
}

static void test_post_verb_with_an_unusable_state_directory_says_so(void **state) {
        Post *post = *state;
        char option[128];
        (void) snprintf(option, sizeof(option), "--state-dir=%s/console", post->world->files->path);
        const char *const arguments[] = { option, NULL };

        assert_int_equal(run_verb(post, arguments, NULL), 1);
        assert_has(post, "err", "gatewatch post: cannot open the state directory ");
        assert_int_equal(count_lines(post, "err"), 1);
}

static void test_post_verb_of_garbage_says_so_and_goes_on(void **state) {
        Post *post = *state;
        char variable[128];
        (void) snprintf(
                variable, sizeof(variable), "STATE_DIRECTORY=%s/" STATE, post->world->files->path);
        const char *const environment[] = { variable, NULL };

        write_file(STATE "/" FLIGHT_RECORD_FILE, "garbage", 7);
        assert_int_equal(run_verb(post, NULL, environment), 0);
        assert_has(post, "err", FLIGHT_RECORD_FILE " is no flight record, ignoring\n");
        assert_int_equal(count_lines(post, "err"), 1);
}

static void test_post_verb_records_what_systemd_says(void **state) {
        Post *post = *state;
        char variable[128];
        (void) snprintf(
                variable, sizeof(variable), "STATE_DIRECTORY=%s/" STATE, post->world->files->path);
        const char *const environment[] = { variable, "SERVICE_RESULT=core-dump",
                "EXIT_CODE=dumped", "EXIT_STATUS=ABRT", "INVOCATION_ID=" RUN_TEXT,
                "GATEWATCH_LOG_TARGET=null", NULL };
        static const char *const arguments[] = { "--log-target=console", NULL };
        FlightRecord flight = make_lost();

        put_flight(post, &flight);
        assert_int_equal(run_verb(post, arguments, environment), 0);
        assert_int_equal(count_lines(post, "err"), 1);
        assert_has(post, "err", " service_result=core-dump ");
        assert_has(post, "err", " exit_code=dumped ");
        assert_has(post, "err", " exit_status=SIGABRT ");
        assert_has(post, "err", " run_id=" RUN_TEXT " ");
        assert_has(post, "err", " name=hermes ");

        assert_int_equal(run_verb(post, arguments, environment), 0);
        assert_string_equal(read_text(post, "err"), "");
}

static void test_post_verb_null_target_closes_without_a_word(void **state) {
        Post *post = *state;
        char option[128];
        (void) snprintf(option, sizeof(option), "--state-dir=%s/" STATE, post->world->files->path);
        const char *const arguments[] = { option, "--log-target=null", NULL };
        FlightRecord flight = make_lost();

        put_flight(post, &flight);
        assert_int_equal(run_verb(post, arguments, NULL), 0);
        assert_string_equal(read_text(post, "err"), "");
        flight = get_flight(post);
        assert_string_equal(flight.recorded_by, "post");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                post_test(test_post_without_flight_record_does_and_makes_nothing),
                post_test(test_post_of_a_file_never_written_does_nothing),
                post_test(test_post_of_a_lost_run_records_it_once),
                post_test(test_post_of_a_recorded_run_does_nothing),
                post_test(test_post_of_another_invocation_leaves_the_result_out),
                post_test(test_post_counts_the_kills_for_want_of_memory),
                post_test(test_post_that_cannot_deliver_leaves_the_record_owed),
                post_test(test_post_of_something_else_is_refused),
                post_test(test_post_beside_a_run_that_lives_does_nothing),
                post_test(test_post_waits_for_a_dying_supervisor),
                post_test(test_post_completes_the_marker_of_its_run_alone),
                post_test(test_post_verb_wrong_options_are_refused_with_one_line),
                post_test(test_post_verb_name_is_bounded),
                post_test(test_post_verb_help_and_version_are_shown),
                post_test(test_post_verb_without_a_state_directory_is_silent),
                post_test(test_post_verb_with_an_unusable_state_directory_says_so),
                post_test(test_post_verb_of_garbage_says_so_and_goes_on),
                post_test(test_post_verb_records_what_systemd_says),
                post_test(test_post_verb_null_target_closes_without_a_word),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
