/* SPDX-License-Identifier: MIT */

/* What passes through the proxy, what does not, and what becomes of fds. */

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "notify-fixture.h"

/* ---- What passes --------------------------------------------------------------------------------- */

static void test_notify_proxy_message_reaches_systemd_rebuilt(void **state) {
        static const struct {
                const char *said;
                const char *heard; /* NULL: nothing */
        } rows[] = {
                { "READY=1\nSTATUS=Serving\nMAINPID=17", "READY=1\nSTATUS=Serving" },
                { "RELOADING=1\nMONOTONIC_USEC=99", "RELOADING=1\nMONOTONIC_USEC=99" },
                { "WATCHDOG=1", NULL },
                { "ERRNO=2\nBUSERROR=a.b", "ERRNO=2\nBUSERROR=a.b" },
                { "EXTEND_TIMEOUT_USEC=5\nX_MINE=1", "X_MINE=1" },
        };
        Fixture *fixture = *state;

        assert_true(notify_proxy_has_upstream(fixture->proxy));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                gateway_say(fixture, rows[i].said);
                if (rows[i].heard)
                        assert_string_equal(systemd_read(fixture), rows[i].heard);
                assert_systemd_has_nothing(fixture);
        }
}

static void test_notify_proxy_handler_decides_what_goes_up(void **state) {
        Fixture *fixture = *state;

        fixture->is_ready_taken = true;
        gateway_say(fixture, "READY=1");
        assert_systemd_has_nothing(fixture);
        fixture->has_new_status = true;
        gateway_say(fixture, "READY=1\nSTATUS=x");
        assert_string_equal(systemd_read(fixture), "STATUS=Draining");
}

static void test_notify_proxy_handler_speaks_first(void **state) {
        Fixture *fixture = *state;

        fixture->own_text = "EXTEND_TIMEOUT_USEC=5000000\n";
        gateway_say(fixture, "STATUS=x");
        assert_string_equal(systemd_read(fixture), "EXTEND_TIMEOUT_USEC=5000000");
        assert_string_equal(systemd_read(fixture), "STATUS=x");
}

static void test_notify_proxy_own_message_reaches_systemd(void **state) {
        Fixture *fixture = *state;

        assert_int_equal(notify_proxy_send(fixture->proxy, "STOPPING=1\nSTATUS=Bye\n"), 0);
        assert_string_equal(systemd_read(fixture), "STOPPING=1\nSTATUS=Bye");
        assert_int_equal(notify_proxy_send(fixture->proxy, ""), 0);
        assert_systemd_has_nothing(fixture);
}

static void test_notify_proxy_own_message_too_long_is_refused(void **state) {
        Fixture *fixture = *state;
        char text[NOTIFY_MESSAGE_MAX + 2];

        memset(text, 'x', sizeof(text));
        text[NOTIFY_MESSAGE_MAX + 1] = '\0';
        assert_int_equal(notify_proxy_send(fixture->proxy, text), -EMSGSIZE);
        text[NOTIFY_MESSAGE_MAX] = '\0';
        assert_int_equal(notify_proxy_send(fixture->proxy, text), 0);
        assert_int_equal(strlen(systemd_read(fixture)), NOTIFY_MESSAGE_MAX);
}

/* ---- What is dropped ----------------------------------------------------------------------------- */

static void test_notify_proxy_stranger_is_not_heard(void **state) {
        Fixture *fixture = *state;

        fixture->is_stranger = true;
        int pipe_fds[2];
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        gateway_send_fds(fixture, "BARRIER=1", &pipe_fds[1], 1);
        gateway_send_fds(fixture, "READY=1", NULL, 0);
        (void) fd_close(pipe_fds[1]);
        while (fixture->n_dropped[NOTIFY_DROP_STRANGER] < 2)
                fixture_turn(fixture);

        char byte;
        ssize_t n = read(pipe_fds[0], &byte, 1); /* the end of file: no copy is open */
        (void) fd_close(pipe_fds[0]);
        assert_int_equal(n, 0);
        assert_int_equal(fixture->n_handled, 0);
        assert_int_equal(fixture->member_pid, getpid());
        assert_systemd_has_nothing(fixture);
}

static void test_notify_proxy_unusable_message_is_counted(void **state) {
        Fixture *fixture = *state;
        char text[NOTIFY_MESSAGE_MAX + 2];

        memset(text, 'x', sizeof(text));
        memcpy(text, "X_LONG=", 7);
        text[NOTIFY_MESSAGE_MAX + 1] = '\0';
        gateway_send_fds(fixture, text, NULL, 0);
        gateway_send_fds(fixture, "BARRIER=1", NULL, 0);
        gateway_say(fixture, "READY=1");
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_OVERSIZED], 1);
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_MALFORMED], 1);
        assert_string_equal(systemd_read(fixture), "READY=1");
        assert_systemd_has_nothing(fixture);
}

static void test_notify_proxy_drops_are_told_at_powers_of_two(void **state) {
        Fixture *fixture = *state;

        fixture->is_stranger = true;
        for (unsigned i = 0; i < 9; i++) {
                gateway_send_fds(fixture, "READY=1", NULL, 0);
                notify_proxy_drain(fixture->proxy);
        }
        assert_int_equal(fixture->n_drop_calls, 4); /* 1, 2, 4, 8 */
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_STRANGER], 8);
}

static void test_notify_drop_to_string_names_each(void **state) {
        for (NotifyDrop drop = 0; drop < _NOTIFY_DROP_MAX; drop++)
                assert_non_null(notify_drop_to_string(drop));
        assert_null(notify_drop_to_string(_NOTIFY_DROP_MAX));
        assert_string_equal(notify_drop_to_string(NOTIFY_DROP_QUEUE_FULL), "queue-full");
}

/* ---- fds ----------------------------------------------------------------------------------------- */

static void test_notify_proxy_stored_fds_pass_all(void **state) {
        static const size_t rows[] = { 1, 2, NOTIFY_FDS_MAX };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int fds[NOTIFY_FDS_MAX];
                for (size_t j = 0; j < rows[i]; j++)
                        fds[j] = fixture->upstream_fd;
                gateway_say_fds(fixture, "FDSTORE=1\nFDNAME=x", fds, rows[i]);
                assert_string_equal(systemd_read(fixture), "FDSTORE=1\nFDNAME=x");
                assert_int_equal(fixture->received.n_fds, rows[i]);
                for (size_t j = 0; j < rows[i]; j++)
                        assert_int_equal(
                                fcntl(fixture->received.fds[j], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
                notify_received_close_fds(&fixture->received);
                assert_int_equal(count_open_fds(), fixture->open_fds);
        }
}

static void test_notify_proxy_fds_without_fdstore_are_closed(void **state) {
        Fixture *fixture = *state;
        int fds[] = { fixture->upstream_fd, fixture->gateway_fd };

        gateway_say_fds(fixture, "READY=1", fds, ELEMENTSOF(fds));
        assert_string_equal(systemd_read(fixture), "READY=1");
        assert_int_equal(fixture->received.n_fds, 0);
        assert_int_equal(count_open_fds(), fixture->open_fds);
}

static void test_notify_proxy_queued_fds_are_closed_with_it(void **state) {
        Fixture *fixture = *state;
        int fds[] = { fixture->upstream_fd, fixture->gateway_fd };

        systemd_make_busy(fixture);
        gateway_say_fds(fixture, "FDSTORE=1", fds, ELEMENTSOF(fds));
        assert_int_equal(count_open_fds(), fixture->open_fds + 2);
        fixture->proxy = notify_proxy_free(fixture->proxy);
        /* Gone: two sockets of the proxy's and the two fds that waited. */
        assert_int_equal(count_open_fds(), fixture->open_fds - 2);
}

static void test_notify_proxy_queued_fds_are_bounded(void **state) {
        Fixture *fixture = *state;
        int fds[NOTIFY_FDS_MAX];

        for (size_t i = 0; i < NOTIFY_FDS_MAX; i++)
                fds[i] = fixture->upstream_fd;
        systemd_make_busy(fixture);
        for (size_t i = 0; i < 4; i++)
                gateway_say_fds(fixture, "FDSTORE=1", fds, NOTIFY_FDS_MAX);
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_QUEUE_FULL], 2);
        assert_int_equal(count_open_fds(), fixture->open_fds + NOTIFY_QUEUE_FDS_MAX);

        for (size_t i = 0; i < 2; i++) {
                assert_string_equal(systemd_read(fixture), "FDSTORE=1");
                assert_int_equal(fixture->received.n_fds, NOTIFY_FDS_MAX);
        }
        assert_systemd_has_nothing(fixture);
        assert_int_equal(count_open_fds(), fixture->open_fds);
}

static void test_notify_proxy_barrier_follows_what_came_before(void **state) {
        Fixture *fixture = *state;
        int pipe_fds[2];

        systemd_make_busy(fixture);
        gateway_say(fixture, "READY=1");
        gateway_say(fixture, "X_A=1");
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
        gateway_say_fds(fixture, "BARRIER=1", &pipe_fds[1], 1);
        (void) fd_close(pipe_fds[1]);
        gateway_say(fixture, "STOPPING=1");

        struct pollfd waiting = { .fd = pipe_fds[0] };
        assert_string_equal(systemd_read(fixture), "READY=1");
        assert_string_equal(systemd_read(fixture), "X_A=1");
        assert_int_equal(poll(&waiting, 1, 0), 0);
        assert_string_equal(systemd_read(fixture), "BARRIER=1");
        assert_int_equal(fixture->received.n_fds, 1);
        assert_string_equal(systemd_read(fixture), "STOPPING=1"); /* closes systemd's copy */
        assert_int_equal(poll(&waiting, 1, 0), 1);
        assert_true(waiting.revents & POLLHUP);
        (void) fd_close(pipe_fds[0]);
}

/* ---- systemd goes away --------------------------------------------------------------------------- */

static void test_notify_proxy_systemd_gone_is_refused_then_found_again(void **state) {
        Fixture *fixture = *state;

        gateway_say(fixture, "X_A=1");
        assert_string_equal(systemd_read(fixture), "X_A=1");
        fixture->upstream_fd = fd_close(fixture->upstream_fd);
        gateway_say(fixture, "X_B=1");
        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_REFUSED], 1);
        assert_int_equal(notify_proxy_send(fixture->proxy, "STATUS=x"), -ECONNREFUSED);

        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t size = strlen(fixture->upstream_address);
        memcpy(address.sun_path + 1, fixture->upstream_address + 1, size - 1);
        fixture->upstream_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(
                setsockopt(fixture->upstream_fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)),
                0);
        assert_int_equal(bind(fixture->upstream_fd, (struct sockaddr *) &address,
                                 (socklen_t) (offsetof(struct sockaddr_un, sun_path) + size)),
                0);
        gateway_say(fixture, "X_C=1");
        assert_string_equal(systemd_read(fixture), "X_C=1");
}

static void test_notify_proxy_systemd_gone_empties_queue(void **state) {
        Fixture *fixture = *state;
        int pipe_fds[2];

        systemd_make_busy(fixture);
        gateway_say(fixture, "READY=1");
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
        gateway_say_fds(fixture, "BARRIER=1", &pipe_fds[1], 1);
        (void) fd_close(pipe_fds[1]);
        fixture->upstream_fd = fd_close(fixture->upstream_fd);
        while (fixture->n_dropped[NOTIFY_DROP_REFUSED] < 2)
                fixture_turn(fixture);

        struct pollfd waiting = { .fd = pipe_fds[0] };
        int n = poll(&waiting, 1, 0);
        (void) fd_close(pipe_fds[0]);
        assert_int_equal(n, 1);
        assert_true(waiting.revents & POLLHUP);
}

static void test_notify_proxy_without_upstream_is_silent(void **state) {
        static const char *const rows[] = { NULL, "", "vsock:2:1234", "relative", "@", "/",
                "/nonexistent/notify", "@nobody-listens-here",
                "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
                "0123456789/0123456789/012345678" };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                int pipe_fds[2];

                fixture->proxy = notify_proxy_free(fixture->proxy);
                fixture->gateway_fd = fd_close(fixture->gateway_fd);
                assert_int_equal(notify_proxy_new(rows[i], fixture->directory, &fixture_ops,
                                         fixture, &fixture->proxy),
                        0);
                assert_false(notify_proxy_has_upstream(fixture->proxy));
                assert_int_equal(
                        notify_proxy_attach_event(fixture->proxy, fixture->event, FIXTURE_PRIORITY),
                        0);
                assert_int_equal(notify_proxy_send(fixture->proxy, "READY=1"), -ENOTCONN);

                fixture->gateway_fd = notify_socket_connect(notify_proxy_address(fixture->proxy));
                assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
                gateway_say(fixture, "READY=1");
                gateway_say_fds(fixture, "BARRIER=1", &pipe_fds[1], 1);
                (void) fd_close(pipe_fds[1]);
                struct pollfd waiting = { .fd = pipe_fds[0] };
                int n = poll(&waiting, 1, 0);
                (void) fd_close(pipe_fds[0]);
                assert_int_equal(n, 1);
                assert_int_equal(fixture->n_drop_calls, 0);
        }
}

/* ---- Who speaks ------------------------------------------------------------------------------ */

/* As with systemd-notify in a shell gateway: what was sent outlives its sender, and so does the
 * sender's entry in /proc until it is reaped. */
static void test_notify_proxy_sender_that_ended_is_known_until_reaped(void **state) {
        Fixture *fixture = *state;

        fixture->child = fork();
        if (fixture->child == 0)
                _exit(send(fixture->gateway_fd, "READY=1", 7, 0) == 7 ? 0 : 1);
        assert_true(fixture->child > 0);
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t) fixture->child, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(info.si_status, 0);

        assert_string_equal(systemd_read(fixture), "READY=1");
        assert_int_equal(fixture->member_pid, fixture->child);
        assert_true(fixture->is_member_in_proc);
        assert_int_equal(fixture_wait_child(fixture), 0);
}

static void namespace_dropped(NotifyDrop drop, pid_t sender, uint64_t count, void *userdata) {
        int *is_stranger = userdata;
        *is_stranger = drop == NOTIFY_DROP_STRANGER && sender == 0;
}

static bool namespace_is_member(pid_t pid, void *userdata) {
        return true;
}

static void namespace_handle(NotifyMessage *message, pid_t sender, void *userdata) {
}

/* Returns: 0: the message of somebody outside was dropped. */
static int namespace_listen(int address_fd) {
        static const NotifyProxyOps ops = {
                .is_member = namespace_is_member,
                .handle = namespace_handle,
                .dropped = namespace_dropped,
        };
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(notify_proxy_freep) NotifyProxy *proxy = NULL;
        int is_stranger = 0;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || sd_event_new(&event) < 0 ||
                notify_proxy_new(NULL, NULL, &ops, &is_stranger, &proxy) < 0 ||
                notify_proxy_attach_event(proxy, event, 0) < 0 ||
                write(address_fd, notify_proxy_address(proxy), NOTIFY_ADDRESS_MAX) < 0 ||
                sd_event_run(event, FIXTURE_DEADLINE_USEC) <= 0)
                return 1;
        return is_stranger ? 0 : 1;
}

/* Runs namespace_listen() as PID 1 of a new namespace.
 * Returns: its result; 77: this machine does not let us. */
static int namespace_run(int address_fd) {
        if (unshare(CLONE_NEWPID) < 0)
                return 77;
        pid_t child = fork();
        if (child == 0)
                _exit(namespace_listen(address_fd));
        int status;
        return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
                ? WEXITSTATUS(status)
                : 1;
}

static void test_notify_proxy_sender_outside_pid_namespace_is_stranger(void **state) {
        Fixture *fixture = *state;
        char address[NOTIFY_ADDRESS_MAX];
        int pipe_fds[2];

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        fixture->child = fork();
        if (fixture->child == 0)
                _exit(namespace_run(pipe_fds[1]));
        (void) fd_close(pipe_fds[1]);
        ssize_t size = read(pipe_fds[0], address, sizeof(address));
        (void) fd_close(pipe_fds[0]);
        if (size != sizeof(address)) {
                assert_int_equal(fixture_wait_child(fixture), 77);
                skip();
        }

        fixture->gateway_fd = fd_close(fixture->gateway_fd);
        fixture->gateway_fd = notify_socket_connect(address);
        assert_true(fixture->gateway_fd >= 0);
        assert_int_equal(send(fixture->gateway_fd, "READY=1", 7, 0), 7);
        assert_int_equal(fixture_wait_child(fixture), 0);
}

/* Whether the kernel knows a limit that was set: valgrind keeps this one to itself. */
static bool limit_is_real(rlim_t expected) {
        _cleanup_fclose_ FILE *file = fopen("/proc/self/limits", "re");
        unsigned long soft = 0;
        char line[256];

        while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "Max open files %lu", &soft) == 1)
                        break;
        return soft == expected;
}

static void test_notify_proxy_fds_lost_to_limit_make_fdstore_malformed(void **state) {
        Fixture *fixture = *state;
        int fds[] = { fixture->upstream_fd, fixture->gateway_fd };
        struct rlimit limit, low;

        gateway_send_fds(fixture, "FDSTORE=1", fds, ELEMENTSOF(fds));
        gateway_send_fds(fixture, "READY=1", fds, ELEMENTSOF(fds));
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        low.rlim_cur = limit.rlim_cur / 2;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        bool is_real = limit_is_real(low.rlim_cur);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        if (!is_real)
                skip();
        int first_free = fcntl(fixture->gateway_fd, F_DUPFD_CLOEXEC, 0);
        (void) fd_close(first_free);
        low.rlim_cur = (rlim_t) first_free + 1; /* room for one of the two */
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        notify_proxy_drain(fixture->proxy);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

        assert_int_equal(fixture->n_dropped[NOTIFY_DROP_MALFORMED], 1);
        assert_string_equal(systemd_read(fixture), "READY=1");
        assert_int_equal(count_open_fds(), fixture->open_fds);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

static void test_notify_proxy_address_is_path_for_everybody(void **state) {
        Fixture *fixture = *state;
        char expected[128];
        struct stat st;

        (void) snprintf(expected, sizeof(expected), "%s/notify-%d", fixture->directory, getpid());
        assert_string_equal(notify_proxy_address(fixture->proxy), expected);
        fixture->proxy = notify_proxy_free(fixture->proxy);
        assert_int_equal(access(expected, F_OK), -1);

        /* A dead process of our pid left a file there, and the umask is strict. */
        int fd = open(expected, O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
        assert_true(fd >= 0);
        (void) fd_close(fd);
        mode_t mask = umask(0077);
        int r = notify_proxy_new(NULL, fixture->directory, &fixture_ops, fixture, &fixture->proxy);
        (void) umask(mask);
        assert_int_equal(r, 0);
        assert_string_equal(notify_proxy_address(fixture->proxy), expected);
        assert_int_equal(stat(expected, &st), 0);
        assert_int_equal(st.st_mode, S_IFSOCK | 0666);
}

static void test_notify_proxy_address_without_directory_is_abstract(void **state) {
        static const char *const rows[] = { NULL, "", "relative", "/nonexistent", "/dev/null",
                "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
                "0123456789/0123456789/012345678" };
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                fixture->proxy = notify_proxy_free(fixture->proxy);
                fixture->gateway_fd = fd_close(fixture->gateway_fd);
                assert_int_equal(notify_proxy_new(fixture->upstream_address, rows[i], &fixture_ops,
                                         fixture, &fixture->proxy),
                        0);
                assert_int_equal(notify_proxy_address(fixture->proxy)[0], '@');
                assert_int_equal(
                        notify_proxy_attach_event(fixture->proxy, fixture->event, FIXTURE_PRIORITY),
                        0);
                fixture->gateway_fd = notify_socket_connect(notify_proxy_address(fixture->proxy));
                gateway_say(fixture, "READY=1");
                assert_string_equal(systemd_read(fixture), "READY=1");
        }
}

static void test_notify_proxy_free_null_returns_null(void **state) {
        assert_null(notify_proxy_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                fixture_test(test_notify_proxy_message_reaches_systemd_rebuilt),
                fixture_test(test_notify_proxy_handler_decides_what_goes_up),
                fixture_test(test_notify_proxy_handler_speaks_first),
                fixture_test(test_notify_proxy_own_message_reaches_systemd),
                fixture_test(test_notify_proxy_own_message_too_long_is_refused),
                fixture_test(test_notify_proxy_stranger_is_not_heard),
                fixture_test(test_notify_proxy_unusable_message_is_counted),
                fixture_test(test_notify_proxy_drops_are_told_at_powers_of_two),
                cmocka_unit_test(test_notify_drop_to_string_names_each),
                fixture_test(test_notify_proxy_stored_fds_pass_all),
                fixture_test(test_notify_proxy_fds_without_fdstore_are_closed),
                fixture_test(test_notify_proxy_queued_fds_are_closed_with_it),
                fixture_test(test_notify_proxy_queued_fds_are_bounded),
                fixture_test(test_notify_proxy_barrier_follows_what_came_before),
                fixture_test(test_notify_proxy_systemd_gone_is_refused_then_found_again),
                fixture_test(test_notify_proxy_systemd_gone_empties_queue),
                fixture_test(test_notify_proxy_without_upstream_is_silent),
                fixture_test(test_notify_proxy_sender_that_ended_is_known_until_reaped),
                fixture_test(test_notify_proxy_sender_outside_pid_namespace_is_stranger),
                fixture_test(test_notify_proxy_fds_lost_to_limit_make_fdstore_malformed),
                fixture_test(test_notify_proxy_address_is_path_for_everybody),
                fixture_test(test_notify_proxy_address_without_directory_is_abstract),
                cmocka_unit_test(test_notify_proxy_free_null_returns_null),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
