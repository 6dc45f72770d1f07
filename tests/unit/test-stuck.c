/* SPDX-License-Identifier: MIT */

/* The collector over real processes that hang in known ways, and over injected ones whose files hang. It
 * runs as in a helper: in a child with all signals blocked. Its output is read to the end of file, so each
 * test also shows that no reader of it is left.
 *
 * Called with the arguments of eu-stack, this program stands in for it: as one that stops the process and
 * never lets go. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <arpa/inet.h>

#include "byte-buffer.h"
#include "child-process.h"
#include "file.h"
#include "forensics/stuck.h"
#include "procfs-tree.h"

#define WAIT_USEC    (30 * USEC_PER_SEC)
#define WAIT_MSEC    30000
#define LONG_USEC    (90 * USEC_PER_SEC) /* no test waits for it */
#define CUT_USEC     (400 * USEC_PER_MSEC)
#define MANY_THREADS 100
#define HELD_BYTES   4096

typedef struct Fixture {
        ChildProcess child;
        int go_fds[2]; /* for a child that listens */
        int listener_fd;
        char peer[64];
        pid_t collector_pid;
        int output_fd;
        ByteBuffer output;
        json_object *stuck;
        int proc_fd;
        ProcessInfo processes[2];
        StuckRequest request;
        ProcfsTree tree;
        bool is_mount_wanted; /* over 1001/fd of the tree: whoever opens it waits */
        char path[PATH_MAX];  /* the environment's */
} Fixture;

static Fixture *current; /* for the bodies of children */

static int fixture_setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        struct sockaddr_in address = { .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);

        if (!fixture)
                return -1;
        *state = current = fixture;
        fixture->child = CHILD_PROCESS_UNSET;
        fixture->output_fd = -EBADF;
        fixture->proc_fd = proc_open_root("/proc");
        fixture->listener_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) snprintf(fixture->path, sizeof(fixture->path), "%s", getenv("PATH") ?: "");
        if (fixture->proc_fd < 0 || procfs_tree_init(&fixture->tree) < 0 ||
                pipe2(fixture->go_fds, O_CLOEXEC) < 0 ||
                bind(fixture->listener_fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
                listen(fixture->listener_fd, 0) < 0 ||
                getsockname(fixture->listener_fd, (struct sockaddr *) &address, &size) < 0)
                return -1;
        (void) snprintf(
                fixture->peer, sizeof(fixture->peer), "127.0.0.1:%u", ntohs(address.sin_port));
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *fixture = *state;

        if (fixture->collector_pid > 0) {
                (void) kill(fixture->collector_pid, SIGKILL);
                (void) waitpid(fixture->collector_pid, NULL, 0);
        }
        child_process_done(&fixture->child);
        (void) fd_close(fixture->go_fds[0]);
        (void) fd_close(fixture->go_fds[1]);
        (void) fd_close(fixture->listener_fd);
        (void) fd_close(fixture->output_fd);
        (void) fd_close(fixture->proc_fd);
        byte_buffer_done(&fixture->output);
        (void) json_object_put(fixture->stuck);
        procfs_tree_done(&fixture->tree);
        (void) setenv("PATH", fixture->path, 1);
        free(fixture);
        return 0;
}

/* ---- Children ---- */

static void body_in_pause(int says_fd) {
        child_process_say(says_fd);
        (void) pause();
}

static void body_in_futex(int says_fd) {
        uint32_t word = 0;

        child_process_say(says_fd);
        (void) syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

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

static void *thread_in_pause(void *name) {
        (void) prctl(PR_SET_NAME, (const char *) name);
        child_process_say(*(int *) ((char *) name + 16));
        (void) pause();
        return NULL;
}

static void start_threads(int says_fd, unsigned n) {
        static struct {
                char name[16];
                int says_fd;
        } argument = { .name = "tele\033\xffgram" };
        int fds[2];
        char byte;

        if (pipe(fds) < 0)
                _exit(1);
        argument.says_fd = fds[1];
        for (unsigned i = 0; i < n; i++) {
                pthread_t thread;
                if (pthread_create(&thread, NULL, thread_in_pause, &argument) != 0 ||
                        read(fds[0], &byte, 1) != 1)
                        _exit(1);
        }
        body_in_futex(says_fd);
}

static void body_with_threads(int says_fd) {
        start_threads(says_fd, 3);
}

static void body_with_many_threads(int says_fd) {
        start_threads(says_fd, MANY_THREADS);
}

/* Answers what it hears: so a test sees that it is not stopped. */
static void body_that_answers(int says_fd) {
        char byte;

        child_process_say(says_fd);
        while (read(current->go_fds[0], &byte, 1) == 1)
                child_process_say(says_fd);
}

__attribute__((noinline)) void stuck_test_hangs_here(int says_fd);
__attribute__((noinline)) void stuck_test_hangs_here(int says_fd) {
        child_process_say(says_fd);
        for (;;)
                (void) pause();
}

static void body_in_a_named_function(int says_fd) {
        stuck_test_hangs_here(says_fd);
        (void) getpid(); /* no tail call */
}

/* ---- The test's side ---- */

static bool is_valgrind(void) {
        const char *preload = getenv("LD_PRELOAD");
        return preload && strstr(preload, "vgpreload");
}

static void wait_for_state(Fixture *fixture, char state) {
        usec_t until_usec = usec_now(CLOCK_MONOTONIC) + WAIT_USEC;
        ProcessInfo info = {};

        do
                assert_int_equal(proc_read_info(fixture->proc_fd, fixture->child.pid, &info), 0);
        while (info.state != state && usec_now(CLOCK_MONOTONIC) < until_usec && sched_yield() == 0);
        assert_int_equal(info.state, state);
}

static void start(Fixture *fixture, void (*body)(int says_fd), char state) {
        child_process_start(&fixture->child, body);
        wait_for_state(fixture, state);
        assert_int_equal(
                proc_read_info(fixture->proc_fd, fixture->child.pid, &fixture->processes[0]), 0);
        fixture->request = (StuckRequest){
                .proc_fd = fixture->proc_fd,
                .processes = fixture->processes,
                .n_processes = 1,
                .main_pid = fixture->child.pid,
                .until_usec = usec_now(CLOCK_MONOTONIC) + LONG_USEC,
        };
}

static bool may_trace(Fixture *fixture) {
        char path[64], text[256];

        (void) snprintf(path, sizeof(path), "%d/syscall", (int) fixture->child.pid);
        return file_read_virtual(fixture->proc_fd, path, text, sizeof(text)) > 0;
}

static bool mount_over_files(Fixture *fixture) {
        char path[128], options[64];
        int fd = open("/dev/fuse", O_RDWR); /* nobody ever answers */

        (void) snprintf(path, sizeof(path), "%s/1001/fd", fixture->tree.path);
        (void) snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
                mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
                mount("test-stuck", path, "fuse", 0, options) < 0)
                return false;
        fixture->request.proc_fd = proc_open_root(fixture->tree.path);
        return fixture->request.proc_fd >= 0;
}

/* In the collector. */
_noreturn_ static void collector_run(Fixture *fixture, int output_fd) {
        sigset_t all;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (fixture->is_mount_wanted && !mount_over_files(fixture))
                _exit(77);
        _exit(stuck_collect(&fixture->request, output_fd) == 0 ? 0 : 1);
}

static void collector_start(Fixture *fixture) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        fixture->output_fd = fds[0];
        assert_true(fcntl(fds[1], F_SETPIPE_SZ, HELD_BYTES) > 0);
        fixture->collector_pid = fork();
        if (fixture->collector_pid == 0) {
                (void) close(fds[0]);
                collector_run(fixture, fds[1]);
        }
        (void) close(fds[1]);
        assert_true(fixture->collector_pid > 0);
}

/* Reads until nobody can write any more. */
static void collector_read(Fixture *fixture) {
        struct pollfd poll_fd = { .fd = fixture->output_fd, .events = POLLIN };
        char data[HELD_BYTES];
        ssize_t n;

        do {
                assert_int_equal(poll(&poll_fd, 1, 4 * WAIT_MSEC), 1);
                n = read(fixture->output_fd, data, sizeof(data));
                assert_true(n >= 0);
                byte_buffer_append(&fixture->output, data, (size_t) n);
        } while (n > 0);
}

/* Returns: how it exited; -1: by a signal. */
static int collector_end(Fixture *fixture) {
        int status = 0;

        collector_read(fixture);
        assert_int_equal(waitpid(fixture->collector_pid, &status, 0), fixture->collector_pid);
        fixture->collector_pid = 0;
        fixture->stuck =
                stuck_parse(fixture->output.data ?: "", fixture->output.size, WIFEXITED(status));
        assert_non_null(fixture->stuck);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void collect(Fixture *fixture) {
        collector_start(fixture);
        assert_int_equal(collector_end(fixture), 0);
}

static size_t count(json_object *list) {
        return list ? json_object_array_length(list) : 0;
}

static json_object *process_by_pid(Fixture *fixture, pid_t pid) {
        json_object *processes = json_object_object_get(fixture->stuck, "processes");

        for (size_t i = 0; i < count(processes); i++) {
                json_object *process = json_object_array_get_idx(processes, i);
                if (json_object_get_int(json_object_object_get(process, "pid")) == pid)
                        return process;
        }
        return NULL;
}

static json_object *child_of(Fixture *fixture) {
        json_object *process = process_by_pid(fixture, fixture->child.pid);
        assert_non_null(process);
        return process;
}

/* "-" when it is not there. */
static const char *text(json_object *object, const char *key) {
        return json_object_get_string(json_object_object_get(object, key)) ?: "-";
}

static json_object *first_thread(Fixture *fixture) {
        return json_object_array_get_idx(json_object_object_get(child_of(fixture), "threads"), 0);
}

static json_object *first_socket_in(Fixture *fixture, const char *state) {
        json_object *sockets = json_object_object_get(child_of(fixture), "sockets");

        for (size_t i = 0; i < count(sockets); i++) {
                json_object *socket = json_object_array_get_idx(sockets, i);
                if (strcmp(text(socket, "state"), state) == 0 &&
                        strncmp(text(socket, "family"), "tcp", 3) == 0)
                        return socket;
        }
        return NULL;
}

static void assert_is_alive(Fixture *fixture) {
        struct pollfd poll_fd = { .fd = fixture->child.says_fd, .events = POLLIN };
        char byte;

        assert_int_equal(write(fixture->go_fds[1], "x", 1), 1);
        assert_int_equal(poll(&poll_fd, 1, WAIT_MSEC), 1);
        assert_int_equal(read(fixture->child.says_fd, &byte, 1), 1);
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

/* ---- Ends ---- */

static void test_stuck_killed_in_the_middle_has_told_what_it_knew(void **state) {
        Fixture *fixture = *state;
        struct pollfd poll_fd = { .events = POLLIN };
        siginfo_t info;

        start(fixture, body_with_many_threads, 'S');
        collector_start(fixture);
        /* The pipe does not hold it all: it waits there until it is killed. */
        poll_fd.fd = fixture->output_fd;
        assert_int_equal(poll(&poll_fd, 1, WAIT_MSEC), 1);
        assert_int_equal(kill(fixture->collector_pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t) fixture->collector_pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(collector_end(fixture), -1);

        assert_true(fixture->output.size > 0 && fixture->output.size <= HELD_BYTES);
        assert_int_equal(fixture->output.data[fixture->output.size - 1], '\n');
        assert_string_equal(text(fixture->stuck, "complete"), "false");
        assert_string_equal(text(child_of(fixture), "state"), "S");
        assert_true(count(json_object_object_get(child_of(fixture), "threads")) < MANY_THREADS);
}

static void test_stuck_after_its_time_has_the_cheap_facts_alone(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_pause, 'S');
        fixture->request.until_usec = 1;
        fixture->request.stack_program = STUCK_PROGRAM;
        collect(fixture);
        assert_string_equal(text(first_thread(fixture), "state"), "S");
        assert_string_equal(text(first_thread(fixture), "syscall_number"), "-");
        assert_string_equal(text(child_of(fixture), "user_stack"), "-");
        assert_null(json_object_object_get(child_of(fixture), "sockets"));
}

static void put_process(Fixture *fixture, unsigned pid, size_t i) {
        char path[64], stat[256];

        (void) snprintf(
                stat, sizeof(stat), "%u (p) S 1 7 8 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 99 1\n", pid);
        (void) snprintf(path, sizeof(path), "%u/stat", pid);
        procfs_tree_put(&fixture->tree, path, stat);
        (void) snprintf(path, sizeof(path), "%u/task/%u/stat", pid, pid);
        procfs_tree_put(&fixture->tree, path, stat);
        (void) snprintf(path, sizeof(path), "%u/task/%u/syscall", pid, pid);
        procfs_tree_put(&fixture->tree, path, "1 0x0 0x0\n");
        (void) snprintf(path, sizeof(path), "%u/fd/keep", pid);
        procfs_tree_put(&fixture->tree, path, "");
        (void) snprintf(path, sizeof(path), "%u/cmdline", pid);
        procfs_tree_put(&fixture->tree, path, "gateway");
        assert_int_equal(proc_read_info(fixture->tree.fd, (pid_t) pid, &fixture->processes[i]), 0);
}

static void test_stuck_process_whose_files_hang_costs_the_others_nothing(void **state) {
        Fixture *fixture = *state;

        put_process(fixture, 1001, 0);
        put_process(fixture, 1002, 1);
        fixture->is_mount_wanted = true;
        fixture->request = (StuckRequest){ .processes = fixture->processes,
                .n_processes = 2,
                .main_pid = 1001,
                .until_usec = usec_now(CLOCK_MONOTONIC) + 4 * CUT_USEC };
        collector_start(fixture);
        int status = collector_end(fixture);
        if (status == 77)
                skip(); /* mounting needs privilege */
        assert_int_equal(status, 0);
        assert_string_equal(text(process_by_pid(fixture, 1001), "cmdline"), "-");
        assert_string_equal(text(process_by_pid(fixture, 1002), "cmdline"), "gateway");
        for (pid_t pid = 1001; pid <= 1002; pid++)
                assert_string_equal(text(json_object_array_get_idx(
                                                 json_object_object_get(
                                                         process_by_pid(fixture, pid), "threads"),
                                                 0),
                                            "syscall_number"),
                        "1");
}

/* ---- User stacks ---- */

static void test_stuck_user_stack_names_the_function(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_a_named_function, 'S');
        if (!may_trace(fixture) || is_valgrind())
                skip();
        fixture->request.stack_program = STUCK_PROGRAM;
        collect(fixture);
        assert_non_null(strstr(text(child_of(fixture), "user_stack"), "stuck_test_hangs_here"));
        wait_for_state(fixture, 'S');
}

static void test_stuck_stack_program_that_is_not_there_is_left_out(void **state) {
        Fixture *fixture = *state;

        start(fixture, body_in_pause, 'S');
        fixture->request.stack_program = STUCK_PROGRAM;
        (void) setenv("PATH", fixture->tree.path, 1);
        collect(fixture);
        assert_string_equal(text(child_of(fixture), "user_stack"), "-");
        assert_string_equal(text(fixture->stuck, "complete"), "true");
}

static void test_stuck_stack_program_that_hangs_is_cut_with_its_children(void **state) {
        Fixture *fixture = *state;
        char path[128];

        procfs_tree_put(&fixture->tree, STUCK_PROGRAM,
                "#!/bin/sh\n/bin/sleep 1000 &\necho \"#0 $! $*\"\nwait\n");
        (void) snprintf(path, sizeof(path), "%s/" STUCK_PROGRAM, fixture->tree.path);
        assert_int_equal(chmod(path, 0755), 0);
        (void) setenv("PATH", fixture->tree.path, 1);
        start(fixture, body_that_answers, 'S');
        fixture->request.stack_program = STUCK_PROGRAM;
        fixture->request.until_usec = usec_now(CLOCK_MONOTONIC) + CUT_USEC;
        /* A busy machine may not get so far within the time. */
        for (unsigned i = 0; i < 7 && !process_by_pid(fixture, fixture->child.pid); i++) {
                collect(fixture);
                if (strcmp(text(child_of(fixture), "user_stack"), "-") != 0)
                        break;
                (void) json_object_put(TAKE_PTR(fixture->stuck));
                byte_buffer_cut(&fixture->output, 0);
                fixture->output_fd = fd_close(fixture->output_fd);
                fixture->request.until_usec = usec_now(CLOCK_MONOTONIC) + (CUT_USEC << i);
        }
        pid_t sleep_pid = 0, traced_pid = 0;
        assert_int_equal(sscanf(text(child_of(fixture), "user_stack"), "#0 %d -n 64 -p %d",
                                 &sleep_pid, &traced_pid),
                2);
        assert_int_equal(traced_pid, fixture->child.pid);
        usec_t until_usec = usec_now(CLOCK_MONOTONIC) + WAIT_USEC;
        ProcessInfo info;
        while (proc_read_info(fixture->proc_fd, sleep_pid, &info) >= 0 && info.state != 'Z' &&
                strcmp(info.comm, "sleep") == 0) {
                assert_true(usec_now(CLOCK_MONOTONIC) < until_usec);
                (void) sched_yield();
        }
        assert_is_alive(fixture);
}

static void start_with_tracer(Fixture *fixture) {
        start(fixture, body_that_answers, 'S');
        fixture->request.stack_program = "/proc/self/exe";
}

static void test_stuck_tracer_that_is_cut_leaves_nobody_stopped(void **state) {
        Fixture *fixture = *state;

        start_with_tracer(fixture);
        if (!may_trace(fixture) || is_valgrind())
                skip();
        fixture->request.until_usec = usec_now(CLOCK_MONOTONIC) + 4 * CUT_USEC;
        collector_start(fixture);
        wait_for_state(fixture, 't');
        assert_int_equal(collector_end(fixture), 0);
        assert_is_alive(fixture);
}

static void test_stuck_collector_killed_while_tracing_leaves_nobody_stopped(void **state) {
        Fixture *fixture = *state;

        start_with_tracer(fixture);
        if (!may_trace(fixture) || is_valgrind())
                skip();
        collector_start(fixture);
        wait_for_state(fixture, 't');
        assert_int_equal(kill(fixture->collector_pid, SIGKILL), 0);
        assert_int_equal(collector_end(fixture), -1);
        assert_is_alive(fixture);
}

/* In place of eu-stack, at its worst moment: the stop that it asked for is not yet collected. */
static int trace_and_hang(pid_t pid) {
        (void) alarm(100);
        if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
                return 1;
        for (;;)
                (void) pause();
}

#define stuck_test(function) \
        cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(int argc, char *argv[]) {
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
                stuck_test(test_stuck_killed_in_the_middle_has_told_what_it_knew),
                stuck_test(test_stuck_after_its_time_has_the_cheap_facts_alone),
                stuck_test(test_stuck_process_whose_files_hang_costs_the_others_nothing),
                stuck_test(test_stuck_user_stack_names_the_function),
                stuck_test(test_stuck_stack_program_that_is_not_there_is_left_out),
                stuck_test(test_stuck_stack_program_that_hangs_is_cut_with_its_children),
                stuck_test(test_stuck_tracer_that_is_cut_leaves_nobody_stopped),
                stuck_test(test_stuck_collector_killed_while_tracing_leaves_nobody_stopped),
        };

        if (argc == 5 && strcmp(argv[3], "-p") == 0)
                return trace_and_hang((pid_t) strtol(argv[4], NULL, 10));
        return cmocka_run_group_tests(tests, NULL, NULL);
}
