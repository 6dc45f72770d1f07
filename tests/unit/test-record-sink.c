/* SPDX-License-Identifier: MIT */

/* What a sink sends, where to, and how it keeps libsystemd from waiting. One test uses
 * sd_journal_sendv(3) itself, over a private /run. */

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "fake-journal.h"

/* ---- What is sent ---------------------------------------------------------------------------- */

static void test_sink_record_carries_all_fields(void **state) {
        static const char expected[] = "MESSAGE=Phase drain ended +1.42s (active 3 -> 0)\n"
                                       "PRIORITY=4\n"
                                       "MESSAGE_ID=c69e1f2d063540f6a46135675050a82a\n"
                                       "SYSLOG_IDENTIFIER=gatewatch\n"
                                       "GATEWATCH_EVENT=phase\n"
                                       "GATEWATCH_NAME=hermes\n"
                                       "GATEWATCH_RUN_ID=0102030405060708090a0b0c0d0e0f10\n"
                                       "GATEWATCH_PID=4242\n"
                                       "GATEWATCH_UPTIME_USEC=5000000\n"
                                       "GATEWATCH_PHASE=drain\n"
                                       "GATEWATCH_TIMED_OUT=no\n";
        const sd_id128_t run_id =
                SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10);
        char name[] = "hermes", datagram[1024];
        Fixture *fixture = *state;

        open_sink(fixture);
        assert_int_equal(record_sink_set_run(fixture->sink, name, run_id), 0);
        name[0] = 'H'; /* it was copied */
        record_sink_set_gateway(fixture->sink, 4242, 1000000);

        Record *record = record_new(RECORD_PHASE);
        record_set_priority(record, LOG_WARNING);
        record_add_string(record, "PHASE", "drain");
        record_add_bool(record, "TIMED_OUT", false);
        record_set_message(record, "Phase drain ended +%.2fs (active 3 -> 0)", 1.42);
        record_sink_send(fixture->sink, record, 6000000);

        ssize_t n_read = recv(fixture->receiver_fd, datagram, sizeof(datagram) - 1, 0);
        assert_true(n_read > 0);
        datagram[n_read] = '\0';
        assert_string_equal(datagram, expected);
        assert_int_equal(receive_number(fixture), -1); /* and nothing else */
        assert_int_equal(record_sink_lost(fixture->sink), 0);
}

static void test_sink_record_before_the_fork_has_uptime_0_and_no_pid(void **state) {
        char datagram[1024];
        Fixture *fixture = *state;

        open_sink(fixture);
        send_number(fixture, 1);
        ssize_t n_read = recv(fixture->receiver_fd, datagram, sizeof(datagram) - 1, 0);
        assert_true(n_read > 0);
        datagram[n_read] = '\0';
        assert_non_null(strstr(datagram, "\nGATEWATCH_UPTIME_USEC=0\n"));
        assert_null(strstr(datagram, "GATEWATCH_PID"));
        assert_null(strstr(datagram, "INCOMPLETE"));
}

static void test_sink_record_that_is_incomplete_says_so(void **state) {
        static char datagram[8192];
        Fixture *fixture = *state;
        Record *record = record_new(RECORD_STUCK);

        open_sink(fixture);
        for (int i = 0; i <= RECORD_FIELDS_MAX; i++)
                record_add_string(record, "X", "y");
        record_sink_send(fixture->sink, record, 1);
        ssize_t n_read = recv(fixture->receiver_fd, datagram, sizeof(datagram) - 1, 0);
        assert_true(n_read > 0);
        datagram[n_read] = '\0';
        assert_non_null(strstr(datagram, "\nGATEWATCH_INCOMPLETE=yes\n"));
}

static void test_sink_console_line_has_the_date_of_the_event(void **state) {
        Fixture *fixture = *state;
        char text[1024], expected[64];
        time_t before, after;

        open_sink_at(fixture, LOG_TARGET_CONSOLE, LOG_DEBUG);
        before = time(NULL);
        record_sink_send(fixture->sink, record_new(RECORD_READY),
                usec_sub(usec_now(CLOCK_MONOTONIC), 10 * USEC_PER_SEC));
        after = time(NULL);

        ssize_t n_read = read(fixture->console_fds[0], text, sizeof(text) - 1);
        assert_true(n_read > 0);
        text[n_read] = '\0';
        bool is_found = false;
        for (time_t at = before - 11; at <= after - 9; at++) {
                struct tm utc;

                (void) gmtime_r(&at, &utc);
                (void) strftime(expected, sizeof(expected), "ts=%Y-%m-%dT%H:%M:%S.", &utc);
                is_found = is_found || strncmp(text, expected, strlen(expected)) == 0;
        }
        assert_true(is_found);
        assert_non_null(strstr(text, " level=info event=ready uptime_usec=0 msg=\"ready\"\n"));
}

static void test_sink_format_is_the_console_line(void **state) {
        Fixture *fixture = *state;
        const sd_id128_t run_id =
                SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10);
        static char line[512];
        Record *record = record_new(RECORD_READY);

        open_sink(fixture);
        assert_int_equal(record_sink_set_run(fixture->sink, "a b", run_id), 0);
        record_sink_set_gateway(fixture->sink, 7, 100);
        char *text = record_format_logfmt(fixture->sink, record, 350, 1000000);
        (void) snprintf(line, sizeof(line), "%s", text);
        free(text);
        record_free(record);
        assert_string_equal(line,
                "ts=1970-01-01T00:00:01.000000Z level=info event=ready name=\"a b\" "
                "run_id=0102030405060708090a0b0c0d0e0f10 pid=7 uptime_usec=250 msg=\"ready\"\n");
}

/* ---- Targets and levels ---------------------------------------------------------------------- */

static void test_sink_wants_what_its_target_and_level_take(void **state) {
        static const struct {
                LogTarget target;
                int max_level, level;
                bool wants;
        } rows[] = {
                { LOG_TARGET_JOURNAL, LOG_INFO, LOG_INFO, true },
                { LOG_TARGET_JOURNAL, LOG_INFO, LOG_DEBUG, false },
                { LOG_TARGET_JOURNAL, LOG_EMERG, LOG_EMERG, true },
                { LOG_TARGET_JOURNAL, LOG_EMERG, LOG_ALERT, false },
                { LOG_TARGET_CONSOLE, LOG_DEBUG, LOG_DEBUG, true },
                { LOG_TARGET_AUTO, LOG_WARNING, LOG_ERR, true },
                { LOG_TARGET_NULL, LOG_DEBUG, LOG_EMERG, false },
        };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                open_sink_at(fixture, rows[i].target, rows[i].max_level);
                assert_int_equal(record_sink_wants(fixture->sink, rows[i].level), rows[i].wants);

                send_at(fixture, rows[i].level, (int) i);
                if (rows[i].target == LOG_TARGET_CONSOLE)
                        assert_console(fixture, " event=signal ", rows[i].wants);
                else
                        assert_int_equal(receive_number(fixture), rows[i].wants ? (int) i : -1);
                assert_int_equal(record_sink_lost(fixture->sink), 0);
                fixture->sink = record_sink_free(fixture->sink);
        }
}

static void test_sink_auto_without_journal_is_the_console(void **state) {
        Fixture *fixture = *state;

        open_sink_at(fixture, LOG_TARGET_AUTO, LOG_DEBUG);
        send_number(fixture, 1);
        assert_console(fixture, " number=1 ", true);
}

static void test_sink_auto_with_a_file_in_the_journals_place_is_the_console(void **state) {
        Fixture *fixture = *state;

        fixture->spare_fd = open(socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fixture->spare_fd >= 0);
        open_sink_at(fixture, LOG_TARGET_AUTO, LOG_DEBUG);
        send_number(fixture, 1);
        assert_console(fixture, " number=1 ", true);
}

static void test_sink_journal_that_never_was_gives_way_to_the_console(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        send_number(fixture, 1);
        assert_console(fixture, " number=1 ", true);
        assert_int_equal(record_sink_flush(fixture->sink), 0); /* nothing had to wait */
        assert_int_equal(record_sink_lost(fixture->sink), 0);

        /* It is taken as soon as it is there. */
        fixture->receiver_fd = bind_receiver();
        send_number(fixture, 2);
        assert_int_equal(receive_number(fixture), 2);
}

static void test_sink_journal_that_refuses_for_good_gives_way_to_the_console(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        forced_error = -EPERM;
        send_number(fixture, 1);
        assert_console(fixture, " number=1 ", true);
        assert_int_equal(record_sink_flush(fixture->sink), 0);
}

static void test_sink_new_opens_nothing(void **state) {
        Fixture *fixture = *state;
        int before = fcntl(0, F_DUPFD_CLOEXEC, 3);

        (void) close(before);
        open_sink_at(fixture, LOG_TARGET_AUTO, LOG_DEBUG);
        int after = fcntl(0, F_DUPFD_CLOEXEC, 3);
        (void) close(after);
        assert_int_equal(before, after);
        assert_true(sender_fd < 0);
}

/* ---- libsystemd's socket --------------------------------------------------------------------- */

static void test_sink_first_record_takes_the_wait_out_of_the_senders_socket(void **state) {
        Fixture *fixture = *state;

        /* Somebody else's socket, among the descriptors that are looked at. */
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        fixture->spare_fd = fcntl(fd, F_DUPFD_CLOEXEC, fd + 3);
        (void) close(fd);
        assert_true(fixture->spare_fd >= 0);

        open_sink(fixture);
        send_number(fixture, 1);
        assert_true(sender_fd >= 0);
        assert_true(is_nonblocking(sender_fd));
        assert_false(is_nonblocking(fixture->spare_fd));
        assert_int_equal(receive_number(fixture), 1);
        assert_int_equal(receive_number(fixture), -1);
}

static int thief_fds[64];
static size_t n_thief_fds;

static bool is_full_for(int fd) {
        struct sockaddr_un address = socket_address();
        size_t n_sent = 0;

        while (sendto(fd, "x", 1, 0, (struct sockaddr *) &address, sizeof(address)) == 1)
                n_sent++;
        return n_sent == 0;
}

/* Other senders take the last places between our look and our send; one alone has not enough of a buffer
 * for the queue that systemd sets. */
static void steal_room(void) {
        do {
                assert_true(n_thief_fds < ELEMENTSOF(thief_fds));
                thief_fds[n_thief_fds] =
                        socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                assert_true(thief_fds[n_thief_fds] >= 0);
        } while (!is_full_for(thief_fds[n_thief_fds++]));
        before_send = NULL;
}

static void test_sink_room_that_is_taken_meanwhile_does_not_make_it_wait(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        before_send = steal_room;
        send_number(fixture, 1);
        while (n_thief_fds > 0)
                (void) close(thief_fds[--n_thief_fds]);

        int number;
        while ((number = receive_number(fixture)) == -2)
                ;
        assert_int_equal(number, -1); /* only what the thief has sent was there */
        assert_int_equal(record_sink_flush(fixture->sink), 0);
        assert_int_equal(receive_number(fixture), 1);
}

static void test_sink_with_unknown_senders_socket_is_kept_by_the_probe(void **state) {
        Fixture *fixture = *state;

        assert_true(open_sender() >= 0); /* somebody has used it before */
        open_sink(fixture);
        attach(fixture);
        int n_sent = send_until_stuck(fixture);
        assert_false(is_nonblocking(sender_fd));
        receive_up_to(fixture, 0, n_sent);
}

/* ---- The real sd_journal_sendv(3) ------------------------------------------------------------ */

#define PRIVATE_RUN_NO 77

static int make_private_run(void) {
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/systemd", 0755) < 0 ||
                mkdir("/run/systemd/journal", 0755) < 0)
                return -errno;
        return 0;
}

/* Returns: 0; PRIVATE_RUN_NO; or the number of the step that went wrong. */
static int send_to_private_journal(void) {
        static const struct iovec field = { (void *) "MESSAGE=x", 9 };
        RecordSink *sink = NULL;
        char datagram[1024];
        int receiver_fd, n_received = 0, n_sent = 0, r;

        (void) alarm(HANG_SECONDS);
        if (make_private_run() < 0)
                return PRIVATE_RUN_NO;
        (void) strcpy(socket_path, record_journal_port.socket_path);
        receiver_fd = bind_receiver();
        if (receiver_fd < 0 ||
                record_sink_new(LOG_TARGET_AUTO, LOG_DEBUG, /* console_fd= */ -1, &sink) < 0)
                return 1;

        /* Far more than fit: none may wait. */
        for (; n_sent < RECORD_QUEUE_MAX; n_sent++)
                record_sink_send(sink, record_new(RECORD_SIGNAL), 1);
        /* Past the probe: libsystemd's own socket does not wait either. */
        while ((r = sd_journal_sendv(&field, 1)) == 0)
                n_sent++;
        if (r != -EAGAIN)
                return 2;

        do {
                while (recv(receiver_fd, datagram, sizeof(datagram), 0) > 0)
                        n_received++;
                record_sink_send(sink, record_new(RECORD_SIGNAL), 1);
                n_sent++;
        } while (n_received < RECORD_QUEUE_MAX);
        if (record_sink_lost(sink) > 0)
                return 3;

        record_sink_free(sink);
        (void) close(receiver_fd);
        return 0;
}

static void test_sink_with_libsystemd_never_waits(void **state) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(send_to_private_journal());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == PRIVATE_RUN_NO) {
                print_message("may not mount a private /run\n");
                skip();
        }
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                sink_test(test_sink_record_carries_all_fields),
                sink_test(test_sink_record_before_the_fork_has_uptime_0_and_no_pid),
                sink_test(test_sink_record_that_is_incomplete_says_so),
                sink_test(test_sink_console_line_has_the_date_of_the_event),
                sink_test(test_sink_format_is_the_console_line),
                sink_test(test_sink_wants_what_its_target_and_level_take),
                sink_test_without_journal(test_sink_auto_without_journal_is_the_console),
                sink_test_without_journal(
                        test_sink_auto_with_a_file_in_the_journals_place_is_the_console),
                sink_test_without_journal(
                        test_sink_journal_that_never_was_gives_way_to_the_console),
                sink_test(test_sink_journal_that_refuses_for_good_gives_way_to_the_console),
                sink_test(test_sink_new_opens_nothing),
                sink_test(test_sink_first_record_takes_the_wait_out_of_the_senders_socket),
                sink_test(test_sink_room_that_is_taken_meanwhile_does_not_make_it_wait),
                sink_test(test_sink_with_unknown_senders_socket_is_kept_by_the_probe),
                cmocka_unit_test(test_sink_with_libsystemd_never_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
