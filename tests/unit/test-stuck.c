/* SPDX-License-Identifier: MIT */

/* The collector over real processes that hang in known ways: what it says about threads, files and
 * sockets. How it ends is in test-stuck-end.c. */

#include "stuck-fixture.h"

/* ---- Children ---- */

static void body_stopped(int says_fd) {
        child_process_say(says_fd);
        (void) raise(SIGSTOP);
        (void) pause();
}

static int body_connect(int flags) {
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

        if (fd < 0 || getsockname(current->listener_fd, (struct sockaddr *) &address, &size) < 0 ||
                (connect(fd, (struct sockaddr *) &address, size) < 0 && errno != EINPROGRESS))
                _exit(1);
        return fd;
}

/* Nobody accepts it: the kernel acknowledges, and nobody answers. */
static void body_in_read_of_socket(int says_fd) {
        int fd = body_connect(0);
        char byte;

        if (write(fd, "request", 7) != 7)
                _exit(1);
        current->listener_fd = fd_close(current->listener_fd);
        child_process_say(says_fd);
        (void) !read(fd, &byte, 1);
}

/* More than the peer's kernel takes. */
static void body_with_unsent_data(int says_fd) {
        static const char data[65536];
        int fd = body_connect(0);

        while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
                ;
        child_process_say(says_fd);
        (void) pause();
}

/* Beyond the backlog, a SYN is not answered. */
static void body_not_connected(int says_fd) {
        for (int i = 0; i < 4; i++)
                (void) body_connect(SOCK_NONBLOCK);
        child_process_say(says_fd);
        (void) pause();
}

static void body_with_threads(int says_fd) {
        start_threads(says_fd, 3);
}

/* ---- Processes and threads ---- */

static void test_stuck_waiting_process_names_its_call(void **state) {
        Fixture *fixture = *state;
        static const struct {
                void (*body)(int says_fd);
                const char *call;
                long number;
        } rows[] = {
                { body_in_pause, "pause", -1 },
                { body_in_futex, "futex", SYS_futex },
        };
        char expected[64];

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                byte_buffer_cut(&fixture->output, 0);
                (void) json_object_put(TAKE_PTR(fixture->stuck));
                fixture->output_fd = fd_close(fixture->output_fd);
                child_process_done(&fixture->child);
                start(fixture, rows[i].body, 'S');
                if (!may_trace(fixture))
                        skip();
                collect(fixture);
                assert_string_equal(text(child_of(fixture), "state"), "S");
                assert_string_equal(text(child_of(fixture), "main"), "true");
                (void) snprintf(expected, sizeof(expected), "%d", (int) getpid());
                assert_string_equal(text(child_of(fixture), "ppid"), expected);
                assert_string_equal(text(first_thread(fixture), "state"), "S");
                assert_string_not_equal(text(first_thread(fixture), "cpu_usec"), "-");
                assert_string_not_equal(text(first_thread(fixture), "wchan"), "-");
                if (rows[i].number < 0) /* there are architectures without pause(2) */
                        continue;
                assert_string_equal(text(first_thread(fixture), "syscall"), rows[i].call);
                assert_int_equal(json_object_get_int64(json_object_object_get(
                                         first_thread(fixture), "syscall_number")),
                        rows[i].number);
        }
}

static void test_stuck_kernel_stack_is_function_names(void **state) {
        Fixture *fixture = *state;
        char path[64], stack[4096];

        start(fixture, body_in_futex, 'S');
        (void) snprintf(path, sizeof(path), "%d/stack", (int) fixture->child.pid);
        if (file_read_virtual(fixture->proc_fd, path, stack, sizeof(stack)) <= 0)
                skip(); /* needs CAP_SYS_ADMIN */
        collect(fixture);
        json_object *frames = json_object_object_get(first_thread(fixture), "kernel_stack");
        assert_true(count(frames) > 1);
        for (size_t i = 0; i < count(frames); i++) {
                const char *name = json_object_get_string(json_object_array_get_idx(frames, i));
                assert_non_null(strstr(stack, name));
                assert_null(strpbrk(name, "+[] /"));
        }
        assert_non_null(strstr(json_object_get_string(frames), "futex"));
}

static void test_stuck_threads_are_all_there_with_mended_names(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_with_threads, 'S');
        collect(fixture);
        json_object *threads = json_object_object_get(child_of(fixture), "threads");
        assert_int_equal(count(threads), 4);
        for (size_t i = 1; i < 4; i++)
                assert_string_equal(text(json_object_array_get_idx(threads, i), "comm"),
                        "tele?\xef\xbf\xbdgram");
        assert_string_equal(text(fixture->stuck, "threads_left_out"), "0");
        assert_string_equal(text(fixture->stuck, "complete"), "true");
}

static void test_stuck_stopped_process_is_told_and_stays_stopped(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_stopped, 'T');
        fixture->request.stack_program = STUCK_PROGRAM;
        collect(fixture);
        assert_string_equal(text(child_of(fixture), "state"), "T");
        wait_for_state(fixture, 'T');
}

static void test_stuck_process_that_is_gone_is_left_out(void **state) {
        Fixture *fixture = *state;
        ChildProcess gone = CHILD_PROCESS_UNSET;

        child_process_start(&gone, body_in_pause);
        assert_int_equal(proc_read_info(fixture->proc_fd, gone.pid, &fixture->processes[1]), 0);
        child_process_done(&gone);
        start(fixture, body_in_pause, 'S');
        fixture->request.n_processes = 2;
        collect(fixture);
        assert_null(process_by_pid(fixture, fixture->processes[1].pid));
        assert_int_equal(count(json_object_object_get(fixture->stuck, "processes")), 1);
        assert_non_null(child_of(fixture));
}

static void test_stuck_process_of_another_start_time_is_left_out(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_pause, 'S');
        fixture->processes[0].start_ticks++;
        collect(fixture);
        assert_int_equal(count(json_object_object_get(fixture->stuck, "processes")), 0);
}

static void test_stuck_files_and_command_line_are_there(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_pause, 'S');
        if (!may_trace(fixture))
                skip();
        collect(fixture);
        assert_string_not_equal(text(child_of(fixture), "cmdline"), "-");
        const char *files =
                json_object_to_json_string_ext(json_object_object_get(child_of(fixture), "files"),
                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        assert_non_null(strstr(files, "\"path\":\"/proc\"")); /* proc_fd */
        assert_null(strstr(files, "socket:"));
}

static void test_stuck_many_processes_main_first_and_the_rest_counted(void **state) {
        Fixture *fixture = *state;
        ProcessInfo processes[STUCK_PROCESSES_MAX + 8];
        char path[64], stat[256];

        for (size_t i = 0; i < ELEMENTSOF(processes); i++) {
                (void) snprintf(path, sizeof(path), "%zu/stat", 1001 + i);
                (void) snprintf(stat, sizeof(stat),
                        "%zu (p) S 1 7 8 0 -1 4194560 100 0 0 0 %zu 0 0 0 20 0 1 0 99 1 2 3\n",
                        1001 + i, i);
                procfs_tree_put(&fixture->tree, path, stat);
                (void) snprintf(path, sizeof(path), "%zu/task/%zu/stat", 1001 + i, 1001 + i);
                procfs_tree_put(&fixture->tree, path, stat);
                assert_int_equal(
                        proc_read_info(fixture->tree.fd, (pid_t) (1001 + i), &processes[i]), 0);
        }
        fixture->request = (StuckRequest){ .proc_fd = fixture->tree.fd,
                .processes = processes,
                .n_processes = ELEMENTSOF(processes),
                .main_pid = 1005,
                .until_usec = usec_now(CLOCK_MONOTONIC) + LONG_USEC };
        collect(fixture);

        json_object *list = json_object_object_get(fixture->stuck, "processes");
        assert_int_equal(count(list), STUCK_PROCESSES_MAX);
        assert_string_equal(text(json_object_array_get_idx(list, 0), "pid"), "1005");
        assert_string_equal(text(json_object_array_get_idx(list, 0), "cpu_usec"), "40000");
        assert_string_equal(text(json_object_array_get_idx(list, 1), "pid"), "1040");
        assert_string_equal(text(json_object_array_get_idx(list, 2), "pid"), "1039");
        assert_string_equal(text(fixture->stuck, "processes_left_out"), "8");
        for (size_t i = 0; i < STUCK_PROCESSES_MAX; i++)
                assert_int_equal(count(json_object_object_get(
                                         json_object_array_get_idx(list, i), "threads")),
                        1);
}

/* ---- Sockets ---- */

static void test_stuck_unanswered_connection_names_its_peer(void **state) {
        Fixture *fixture = *state;
        char peers[STUCK_PEERS_MAX], expected[128];

        start(fixture, body_in_read_of_socket, 'S');
        if (!may_trace(fixture))
                skip();
        collect(fixture);
        assert_string_equal(text(first_thread(fixture), "syscall"), "read");
        json_object *socket = first_socket_in(fixture, "ESTABLISHED");
        assert_non_null(socket);
        assert_string_equal(text(socket, "family"), "tcp");
        assert_string_equal(text(socket, "peer"), fixture->peer);
        assert_string_equal(text(socket, "outgoing"), "true");
        assert_string_not_equal(text(socket, "unanswered_usec"), "-");
        (void) snprintf(
                expected, sizeof(expected), "tcp %s (fd %s", fixture->peer, text(socket, "fd"));
        assert_non_null(strstr(stuck_format_peers(fixture->stuck, peers), expected));
}

static void test_stuck_unsent_data_is_told(void **state) {
        Fixture *fixture = *state;
        char peers[STUCK_PEERS_MAX], expected[128];

        start(fixture, body_with_unsent_data, 'S');
        if (!may_trace(fixture))
                skip();
        collect(fixture);
        json_object *socket = first_socket_in(fixture, "ESTABLISHED");
        assert_non_null(socket);
        assert_true(json_object_get_int64(json_object_object_get(socket, "send_queue")) > 0);
        (void) snprintf(expected, sizeof(expected), "tcp %s (fd %s, %s bytes unsent", fixture->peer,
                text(socket, "fd"), text(socket, "send_queue"));
        assert_non_null(strstr(stuck_format_peers(fixture->stuck, peers), expected));
}

static void test_stuck_connection_without_answer_comes_first(void **state) {
        Fixture *fixture = *state;
        char peers[STUCK_PEERS_MAX], expected[128];

        start(fixture, body_not_connected, 'S');
        if (!may_trace(fixture))
                skip();
        collect(fixture);
        json_object *socket = first_socket_in(fixture, "SYN_SENT");
        assert_non_null(socket);
        assert_string_equal(text(socket, "peer"), fixture->peer);
        (void) snprintf(expected, sizeof(expected), "tcp %s (fd %s, not connected", fixture->peer,
                text(socket, "fd"));
        assert_ptr_equal(strstr(stuck_format_peers(fixture->stuck, peers), expected), peers);
}

static void test_stuck_listener_and_its_clients_are_not_waited_for(void **state) {
        Fixture *fixture = *state;
        char peers[STUCK_PEERS_MAX];

        start(fixture, body_in_pause, 'S');
        if (!may_trace(fixture))
                skip();
        collect(fixture);
        json_object *socket = first_socket_in(fixture, "LISTEN");
        assert_non_null(socket);
        assert_string_equal(text(socket, "local"), fixture->peer);
        assert_string_equal(text(socket, "outgoing"), "false");
        assert_string_equal(stuck_format_peers(fixture->stuck, peers), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                stuck_test(test_stuck_waiting_process_names_its_call),
                stuck_test(test_stuck_kernel_stack_is_function_names),
                stuck_test(test_stuck_threads_are_all_there_with_mended_names),
                stuck_test(test_stuck_stopped_process_is_told_and_stays_stopped),
                stuck_test(test_stuck_process_that_is_gone_is_left_out),
                stuck_test(test_stuck_process_of_another_start_time_is_left_out),
                stuck_test(test_stuck_files_and_command_line_are_there),
                stuck_test(test_stuck_many_processes_main_first_and_the_rest_counted),
                stuck_test(test_stuck_unanswered_connection_names_its_peer),
                stuck_test(test_stuck_unsent_data_is_told),
                stuck_test(test_stuck_connection_without_answer_comes_first),
                stuck_test(test_stuck_listener_and_its_clients_are_not_waited_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
