/* SPDX-License-Identifier: MIT */

/* The sink against a journal of our own: a datagram socket in a temporary directory, and a send
 * function that treats it as libsystemd treats the real one. One test uses sd_journal_sendv(3)
 * itself, over a private /run. A send that waits ends the whole program by SIGALRM. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "record-sink.h"

#define HANG_SECONDS  60
#define STUCK_RECORDS 5 /* sent beyond what the journal's socket holds */

/* ---- A journal ----------------------------------------------------------------------------------- */

static char socket_path[64];
static int sender_fd = -EBADF; /* as libsystemd's: one for the process, blocking, unconnected */
static int forced_error;       /* what sending says next, if not 0 */
static void (*before_send)(void);

static struct sockaddr_un socket_address(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        return address;
}

static int open_sender(void) {
        if (sender_fd < 0)
                sender_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return sender_fd;
}

static int fake_send(const struct iovec *fields, int n_fields) {
        struct iovec parts[4096];
        struct sockaddr_un address = socket_address();
        struct msghdr message = {
                .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = parts
        };

        for (int i = 0; i < n_fields; i++) {
                parts[message.msg_iovlen++] = fields[i];
                parts[message.msg_iovlen++] = (struct iovec){ (void *) "\n", 1 };
        }
        if (open_sender() < 0)
                return -errno;
        if (forced_error < 0)
                return forced_error;
        if (before_send && n_fields < IOV_MAX / 2)
                before_send();
        if (sendmsg(sender_fd, &message, MSG_NOSIGNAL) >= 0 || errno == ENOENT)
                return 0;
        return errno == EMSGSIZE ? -EINVAL : -errno;
}

static const RecordJournalPort fake_port = { .socket_path = socket_path, .send = fake_send };

static int bind_receiver(void) {
        struct sockaddr_un address = socket_address();
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd >= 0 && bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                fd = fd_close(fd);
        return fd;
}

/* ---- Fixture ------------------------------------------------------------------------------------- */

typedef struct Fixture {
        char directory[32];
        int receiver_fd;
        int console_fds[2];
        int spare_fd;
        sd_event *event;
        RecordSink *sink;
} Fixture;

static int setup_without_journal(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));

        if (!fixture)
                return -1;
        *state = fixture;
        (void) strcpy(fixture->directory, "/tmp/test-record-sink-XXXXXX");
        fixture->receiver_fd = fixture->spare_fd = -EBADF;
        fixture->console_fds[0] = fixture->console_fds[1] = -EBADF;
        if (!mkdtemp(fixture->directory) || pipe2(fixture->console_fds, O_CLOEXEC) < 0)
                return -1;
        (void) snprintf(socket_path, sizeof(socket_path), "%s/socket", fixture->directory);
        (void) alarm(HANG_SECONDS);
        return sd_event_new(&fixture->event) < 0 ? -1 : 0;
}

static int setup(void **state) {
        if (setup_without_journal(state) < 0)
                return -1;

        Fixture *fixture = *state;
        fixture->receiver_fd = bind_receiver();
        return fixture->receiver_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;

        (void) alarm(0);
        record_sink_free(fixture->sink);
        sd_event_unref(fixture->event);
        (void) fd_close(fixture->receiver_fd);
        (void) fd_close(fixture->spare_fd);
        (void) fd_close(fixture->console_fds[0]);
        (void) fd_close(fixture->console_fds[1]);
        (void) unlink(socket_path);
        (void) rmdir(fixture->directory);
        sender_fd = fd_close(sender_fd);
        forced_error = 0;
        before_send = NULL;
        free(fixture);
        return 0;
}

static void open_sink_at(Fixture *fixture, LogTarget target, int max_level) {
        assert_int_equal(record_sink_new_with_journal(target, max_level, fixture->console_fds[1],
                                 &fake_port, &fixture->sink),
                0);
}

static void open_sink(Fixture *fixture) {
        open_sink_at(fixture, LOG_TARGET_JOURNAL, LOG_DEBUG);
}

static void attach(Fixture *fixture) {
        assert_int_equal(record_sink_attach_event(fixture->sink, fixture->event, 0), 0);
}

static void send_at(Fixture *fixture, int priority, int number) {
        Record *record = record_new(RECORD_SIGNAL);

        record_set_priority(record, priority);
        record_add_signed(record, "NUMBER", number);
        record_sink_send(fixture->sink, record, 1000000);
}

static void send_number(Fixture *fixture, int number) {
        send_at(fixture, LOG_NOTICE, number);
}

/* Returns: the GATEWATCH_NUMBER of the next record that has arrived at the journal; -1: none. */
static int receive_number(Fixture *fixture) {
        char datagram[4096];
        ssize_t n_read = recv(fixture->receiver_fd, datagram, sizeof(datagram) - 1, 0);
        const char *field;

        if (n_read < 0)
                return -1;
        datagram[n_read] = '\0';
        field = strstr(datagram, "\nGATEWATCH_NUMBER=");
        return field ? atoi(field + strlen("\nGATEWATCH_NUMBER=")) : -2;
}

static void assert_console(Fixture *fixture, const char *pattern, bool is_expected) {
        char text[65536];
        ssize_t n_read;

        (void) fcntl(fixture->console_fds[0], F_SETFL, O_NONBLOCK);
        n_read = read(fixture->console_fds[0], text, sizeof(text) - 1);
        text[n_read < 0 ? 0 : n_read] = '\0';
        assert_int_equal(strstr(text, pattern) != NULL, is_expected);
}

/* Sends until the journal's socket is full and STUCK_RECORDS are queued. Returns: how many. */
static int send_until_stuck(Fixture *fixture) {
        FILE *file = fopen("/proc/sys/net/unix/max_dgram_qlen", "re");
        int n_room = 0;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%d", &n_room), 1);
        (void) fclose(file);

        /* The kernel takes one more than the limit. */
        for (int i = 0; i <= n_room + STUCK_RECORDS; i++)
                send_number(fixture, i);
        return n_room + 1 + STUCK_RECORDS;
}

/* Runs the loop until number has arrived; the alarm bounds it. */
static void receive_up_to(Fixture *fixture, int first, int end) {
        while (first < end) {
                int number = receive_number(fixture);

                if (number < 0)
                        assert_true(sd_event_run(fixture->event, UINT64_MAX) >= 0);
                else
                        assert_int_equal(number, first++);
        }
}

static bool is_nonblocking(int fd) {
        return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* ---- What is sent --------------------------------------------------------------------------------- */

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

/* ---- Targets and levels ---------------------------------------------------------------------------- */

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

/* ---- libsystemd's socket --------------------------------------------------------------------------- */

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

/* Another sender takes the last place between our look and our send. */
static void steal_room(void) {
        struct sockaddr_un address = socket_address();

        thief_fds[n_thief_fds] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        while (sendto(thief_fds[n_thief_fds], "x", 1, 0, (struct sockaddr *) &address,
                       sizeof(address)) == 1)
                ;
        n_thief_fds++;
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

/* ---- A journal that is stuck or away -------------------------------------------------------------- */

static void test_sink_stuck_journal_gets_everything_in_order_once_it_reads(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        int n_sent = send_until_stuck(fixture);

        /* While it is stuck the loop sleeps. */
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        receive_up_to(fixture, 0, n_sent);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
}

static void test_sink_idle_never_wakes_the_loop(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        receive_up_to(fixture, 0, send_until_stuck(fixture));

        /* The socket is writable now, but nobody waits for that any more. */
        while (sd_event_run(fixture->event, 0) > 0)
                ;
        assert_int_equal(sd_event_get_state(fixture->event), SD_EVENT_INITIAL);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        send_number(fixture, 1000);
        assert_int_equal(receive_number(fixture), 1000);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void test_sink_without_loop_empties_its_queue_with_the_next_record(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        int n_sent = send_until_stuck(fixture);
        for (int i = 0; i < n_sent - STUCK_RECORDS; i++)
                assert_int_equal(receive_number(fixture), i);
        assert_int_equal(receive_number(fixture), -1);

        send_number(fixture, n_sent);
        for (int i = n_sent - STUCK_RECORDS; i <= n_sent; i++)
                assert_int_equal(receive_number(fixture), i);
}

static void test_sink_attached_with_a_queue_empties_it(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        int n_sent = send_until_stuck(fixture);
        attach(fixture);
        receive_up_to(fixture, 0, n_sent);
}

static void test_sink_journal_that_restarts_gets_what_was_queued(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        send_number(fixture, 0);
        assert_int_equal(receive_number(fixture), 0);

        /* Nobody listens, though the path is there; then the path is gone, too. */
        fixture->receiver_fd = fd_close(fixture->receiver_fd);
        send_number(fixture, 1);
        assert_int_equal(unlink(socket_path), 0);
        send_number(fixture, 2);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        assert_console(fixture, "number=", false);

        fixture->receiver_fd = bind_receiver();
        assert_true(fixture->receiver_fd >= 0);
        receive_up_to(fixture, 1, 3);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
}

static void test_sink_journal_that_was_replaced_is_found_at_once(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        send_number(fixture, 0);
        assert_int_equal(receive_number(fixture), 0);

        assert_int_equal(unlink(socket_path), 0);
        (void) fd_close(fixture->receiver_fd);
        fixture->receiver_fd = bind_receiver();
        send_number(fixture, 1);
        assert_int_equal(receive_number(fixture), 1);
}

static void test_sink_journal_that_was_replaced_while_stuck_is_found_at_once(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        (void) send_until_stuck(fixture);
        assert_int_equal(record_sink_flush(fixture->sink), STUCK_RECORDS);

        /* The old socket is still there, and still full. */
        fixture->spare_fd = TAKE_FD(fixture->receiver_fd);
        assert_int_equal(unlink(socket_path), 0);
        fixture->receiver_fd = bind_receiver();
        send_number(fixture, 1000);
        assert_int_equal(receive_number(fixture), 1000);
}

static void test_sink_full_socket_of_our_own_waits_for_the_timer(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        forced_error = -EAGAIN;
        send_number(fixture, 1);

        /* The journal has room all the time: waiting for that would keep the loop running. */
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
        forced_error = 0;
        receive_up_to(fixture, 1, 2);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void test_sink_full_queue_drops_chatter_and_counts(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        send_number(fixture, 0);
        assert_int_equal(receive_number(fixture), 0);
        assert_int_equal(unlink(socket_path), 0);

        send_at(fixture, LOG_DEBUG, 1);
        for (int i = 2; i <= RECORD_QUEUE_MAX; i++)
                send_number(fixture, i);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
        send_number(fixture, RECORD_QUEUE_MAX + 1); /* for the debug record */
        assert_int_equal(record_sink_lost(fixture->sink), 1);
        send_at(fixture, LOG_INFO, 1000); /* which is itself the least */
        assert_int_equal(record_sink_lost(fixture->sink), 2);

        assert_int_equal(record_sink_flush(fixture->sink), RECORD_QUEUE_MAX);
        assert_console(fixture, " number=1 ", false);
}

/* ---- The end ---------------------------------------------------------------------------------------- */

static void test_sink_flush_prints_what_the_journal_does_not_take(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        int n_sent = send_until_stuck(fixture);
        assert_int_equal(receive_number(fixture), 0); /* room for one */

        assert_int_equal(record_sink_flush(fixture->sink), STUCK_RECORDS - 1);
        for (int i = 1; i <= n_sent - STUCK_RECORDS; i++)
                assert_int_equal(receive_number(fixture), i);
        assert_int_equal(receive_number(fixture), -1);

        char last[32];
        (void) snprintf(last, sizeof(last), " number=%d ", n_sent - 1);
        assert_console(fixture, last, true);
        assert_int_equal(record_sink_lost(fixture->sink), 0);
        assert_int_equal(record_sink_flush(fixture->sink), 0);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

static void test_sink_flush_without_console_counts_what_is_lost(void **state) {
        Fixture *fixture = *state;

        fixture->console_fds[1] = fd_close(fixture->console_fds[1]);
        open_sink(fixture);
        (void) send_until_stuck(fixture);
        assert_int_equal(record_sink_flush(fixture->sink), STUCK_RECORDS);
        assert_int_equal(record_sink_lost(fixture->sink), STUCK_RECORDS);
}

static void test_sink_record_that_could_not_be_made_is_counted(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        record_sink_send(fixture->sink, NULL, 1);
        assert_int_equal(record_sink_lost(fixture->sink), 1);
}

static void test_sink_freed_with_a_queue_leaves_nothing_behind(void **state) {
        Fixture *fixture = *state;

        open_sink(fixture);
        attach(fixture);
        (void) send_until_stuck(fixture);
        fixture->sink = record_sink_free(fixture->sink);
        assert_int_equal(receive_number(fixture), 0);
        assert_int_equal(sd_event_run(fixture->event, 0), 0);
}

/* ---- The real sd_journal_sendv(3) ------------------------------------------------------------------ */

#define PRIVATE_RUN_NO 77

static int make_private_run(void) {
        if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0 ||
                mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
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

#define sink_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
#define sink_test_without_journal(function) \
        cmocka_unit_test_setup_teardown(function, setup_without_journal, teardown)

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
                sink_test(test_sink_stuck_journal_gets_everything_in_order_once_it_reads),
                sink_test(test_sink_idle_never_wakes_the_loop),
                sink_test(test_sink_without_loop_empties_its_queue_with_the_next_record),
                sink_test(test_sink_attached_with_a_queue_empties_it),
                sink_test(test_sink_journal_that_restarts_gets_what_was_queued),
                sink_test(test_sink_journal_that_was_replaced_is_found_at_once),
                sink_test(test_sink_journal_that_was_replaced_while_stuck_is_found_at_once),
                sink_test(test_sink_full_socket_of_our_own_waits_for_the_timer),
                sink_test(test_sink_full_queue_drops_chatter_and_counts),
                sink_test(test_sink_flush_prints_what_the_journal_does_not_take),
                sink_test(test_sink_flush_without_console_counts_what_is_lost),
                sink_test(test_sink_record_that_could_not_be_made_is_counted),
                sink_test(test_sink_freed_with_a_queue_leaves_nothing_behind),
                cmocka_unit_test(test_sink_with_libsystemd_never_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
