/* SPDX-License-Identifier: MIT */

/* The search in an injected procfs, and once in the real one, where this program itself, executed by
 * another name, is the tool that waits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "child-process.h"
#include "forensics/requester.h"
#include "procfs-tree.h"

typedef struct SearchTest {
        ProcfsTree tree;
        int real_fd; /* /proc */
        ChildProcess child;
        RequesterTarget target;
        RequesterList list;
} SearchTest;

static int setup(void **state) {
        SearchTest *test = calloc(1, sizeof(*test));

        if (!test)
                return -1;
        test->child = CHILD_PROCESS_UNSET;
        test->target = (RequesterTarget){
                .manager = UNIT_MANAGER_SYSTEM,
                .owner_uid = (uid_t) -1,
                .names = { "hermes.service" },
                .n_names = 1,
        };
        test->real_fd = proc_open_root("/proc");
        *state = test;
        return procfs_tree_init(&test->tree) < 0 || test->real_fd < 0 ? -1 : 0;
}

static int teardown(void **state) {
        SearchTest *test = *state;

        child_process_done(&test->child);
        procfs_tree_done(&test->tree);
        (void) fd_close(test->real_fd);
        free(test);
        return 0;
}

/* Pids are above what the kernel gives: none is that of the test, which is passed over. */
typedef struct Entry {
        pid_t pid, ppid;
        uint64_t start_ticks;
        uid_t uid;
        const char *comm;
        const char *cmdline; /* words apart by single spaces */
} Entry;

static void put(SearchTest *test, const Entry *entry) {
        char path[64], text[512];
        size_t length = strlen(entry->cmdline);

        (void) snprintf(path, sizeof(path), "%d/comm", entry->pid);
        (void) snprintf(text, sizeof(text), "%s\n", entry->comm);
        procfs_tree_put(&test->tree, path, text);

        (void) snprintf(path, sizeof(path), "%d/stat", entry->pid);
        (void) snprintf(text, sizeof(text),
                "%d (%s) S %d 7 600 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 %" PRIu64 "\n", entry->pid,
                entry->comm, entry->ppid, entry->start_ticks);
        procfs_tree_put(&test->tree, path, text);

        (void) snprintf(path, sizeof(path), "%d/status", entry->pid);
        (void) snprintf(
                text, sizeof(text), "Name:\t%s\nUid:\t%u\t0\t0\t0\n", entry->comm, entry->uid);
        procfs_tree_put(&test->tree, path, text);

        (void) snprintf(path, sizeof(path), "%d/cmdline", entry->pid);
        (void) snprintf(text, sizeof(text), "%s", entry->cmdline);
        for (size_t i = 0; i < length; i++)
                if (text[i] == ' ')
                        text[i] = '\0';
        procfs_tree_put_bytes(&test->tree, path, text, length > 0 ? length + 1 : 0);
}

static void search(SearchTest *test, CmdlineMode mode) {
        memset(&test->list, 0x55, sizeof(test->list));
        assert_int_equal(requester_search(test->tree.fd, &test->target, mode, &test->list), 0);
}

#define SHELL \
        { 5000640, 5000600, 4000, 1000, "bash", "-bash" }
#define SSHD \
        { 5000600, 1, 3990, 0, "sshd", "sshd: anna" }

static void test_requester_search_describes_who_waits(void **state) {
        SearchTest *test = *state;
        static const Entry entries[] = {
                { 1, 0, 1, 0, "systemd", "/sbin/init" },
                { 5000002, 0, 2, 0, "kthreadd", "" },
                SSHD,
                SHELL,
                { 5000700, 5000640, 4099, 0, "sudo", "sudo systemctl restart hermes" },
                { 5000812, 5000700, 4100, 0, "systemctl",
                        "systemctl restart hermes --message=x --token=geheim" },
        };

        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                put(test, &entries[i]);
        procfs_tree_put(&test->tree, "5000812/loginuid", "1000");
        procfs_tree_put(
                &test->tree, "5000812/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");

        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 1);
        assert_int_equal(test->list.n_processes, 5);
        const Requester *requester = &test->list.items[0];
        assert_int_equal(requester->pid, 5000812);
        assert_int_equal(requester->start_ticks, 4100);
        assert_int_equal(requester->uid, 0);
        assert_int_equal(requester->loginuid, 1000);
        assert_string_equal(requester->verb, "restart");
        assert_string_equal(requester->comm, "systemctl");
        assert_string_equal(requester->unit, "session-3.scope");
        assert_string_equal(requester->cmdline, "systemctl restart hermes --message=x --token=***");
        assert_string_equal(requester->ancestry,
                "systemctl(5000812) < sudo(5000700) < bash(5000640) < sshd(5000600)");

        search(test, CMDLINE_FULL);
        assert_non_null(strstr(test->list.items[0].cmdline, "geheim"));
        search(test, CMDLINE_COMM);
        assert_string_equal(test->list.items[0].cmdline, "");
        assert_string_equal(test->list.items[0].comm, "systemctl");
}

static void test_requester_search_of_nobody_finds_nobody(void **state) {
        SearchTest *test = *state;
        static const Entry entries[] = {
                SSHD,
                SHELL,
                { 5000700, 5000640, 4100, 0, "systemctl", "systemctl status hermes" },
                { 5000701, 5000640, 4100, 0, "systemctl", "systemctl stop nginx" },
                { 5000702, 5000640, 4100, 0, "systemctl", "" }, /* a zombie */
                { 5000703, 5000640, 4100, 0, "vim", "systemctl stop hermes" },
                { 5000704, 5000640, 4100, 0, "sh", "sh -c systemctl stop hermes" },
        };

        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 0);
        assert_int_equal(test->list.n_processes, 0);
        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                put(test, &entries[i]);
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 0);
        assert_int_equal(test->list.n_processes, ELEMENTSOF(entries));
}

static void test_requester_search_passes_over_pid_1_and_itself(void **state) {
        SearchTest *test = *state;
        const Entry first = { 1, 0, 1, 0, "init", "init 3" };
        const Entry self = { getpid(), 1, 5, 0, "systemctl", "systemctl stop hermes" };

        put(test, &first);
        put(test, &self);
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 0);
}

static void test_requester_search_keeps_the_one_that_asks_of_a_chain(void **state) {
        SearchTest *test = *state;
        static const Entry entries[] = {
                { 5000600, 1, 3990, 0, "invoke-rc.d", "/bin/sh /usr/sbin/invoke-rc.d hermes stop" },
                { 5000640, 5000600, 4000, 0, "hermes", "/bin/sh /etc/init.d/hermes stop" },
                { 5000650, 5000640, 4001, 0, "env", "env x" },
                { 5000700, 5000650, 4002, 0, "systemctl", "systemctl stop hermes.service" },
                /* and one beside it */
                { 5000800, 1, 4003, 0, "service", "/bin/sh /usr/sbin/service hermes restart" },
        };

        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                put(test, &entries[i]);
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 2);
        assert_int_equal(test->list.items[0].pid, 5000700);
        assert_string_equal(test->list.items[0].ancestry,
                "systemctl(5000700) < env(5000650) < hermes(5000640) < invoke-rc.d(5000600)");
        assert_int_equal(test->list.items[1].pid, 5000800);
        assert_string_equal(test->list.items[1].verb, "restart");
}

static void test_requester_search_sees_scripts_with_long_names(void **state) {
        SearchTest *test = *state;
        const Entry entry = { 5000600, 1, 3990, 0, "deb-systemd-inv",
                "/usr/bin/perl /usr/bin/deb-systemd-invoke restart hermes.service" };

        put(test, &entry);
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 1);
}

static void test_requester_search_of_many_gives_the_oldest(void **state) {
        SearchTest *test = *state;

        for (pid_t i = 0; i < 100; i++) {
                Entry entry = { 5002000 + i, 1, (uint64_t) (5000 - i), 0, "systemctl",
                        "systemctl stop hermes" };
                put(test, &entry);
        }
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, REQUESTERS_MAX);
        for (size_t i = 0; i < REQUESTERS_MAX; i++)
                assert_int_equal(test->list.items[i].start_ticks, 4901 + i);
}

static void test_requester_search_of_user_unit_looks_at_the_uid(void **state) {
        SearchTest *test = *state;
        static const Entry entries[] = {
                { 5000700, 1, 4100, 1000, "systemctl", "systemctl --user stop hermes" },
                { 5000701, 1, 4101, 1001, "systemctl", "systemctl --user stop hermes" },
                { 5000702, 1, 4102, 1001, "systemctl", "systemctl stop hermes" },
                { 5000703, 1, 4103, 0, "systemctl", "systemctl --user -M 1000@ restart hermes" },
        };

        for (size_t i = 0; i < ELEMENTSOF(entries); i++)
                put(test, &entries[i]);
        test->target.manager = UNIT_MANAGER_USER;
        test->target.owner_uid = 1000;
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 2);
        assert_int_equal(test->list.items[0].pid, 5000700);
        assert_int_equal(test->list.items[1].pid, 5000703);

        /* Root's manager, asked by name. */
        const Entry named = { 5000704, 1, 4104, 4711, "systemctl",
                "systemctl --user -M root@ stop hermes" };
        put(test, &named);
        test->target.owner_uid = 0;
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 1);
        assert_int_equal(test->list.items[0].pid, 5000704);
}

static void test_requester_search_of_one_that_ends_tells_what_it_has(void **state) {
        SearchTest *test = *state;

        procfs_tree_put(&test->tree, "5000700/comm", "systemctl\n");
        procfs_tree_put_bytes(&test->tree, "5000700/cmdline", "systemctl\0stop\0hermes", 21);
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 0); /* not even a start time */

        procfs_tree_put_process(&test->tree, 5000700, 1, 'S');
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 1);
        assert_int_equal(test->list.items[0].pid, 5000700);
        assert_int_equal(test->list.items[0].uid, (uid_t) -1);
        assert_int_equal(test->list.items[0].loginuid, PROCESS_LOGINUID_NONE);
        assert_string_equal(test->list.items[0].unit, "");
}

static void test_requester_search_believes_no_argument_that_was_cut(void **state) {
        SearchTest *test = *state;
        static char cmdline[PROCESS_CMDLINE_MAX + 100];
        static const char start[] = "systemctl\0stop\0";
        const Entry entry = { 5000700, 1, 4100, 0, "systemctl", "" };

        /* "hermes" stands there until the cut, and would go on. */
        memset(cmdline, 'x', sizeof(cmdline));
        memcpy(cmdline, start, sizeof(start) - 1);
        for (size_t i = sizeof(start); i < PROCESS_CMDLINE_MAX - 7; i += 100)
                cmdline[i] = '\0';
        cmdline[PROCESS_CMDLINE_MAX - 7] = '\0';
        memcpy(cmdline + PROCESS_CMDLINE_MAX - 6, "hermes-not-this", 15);

        put(test, &entry);
        procfs_tree_put_bytes(&test->tree, "5000700/cmdline", cmdline, sizeof(cmdline));
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 0);

        /* One that stands before the cut counts. */
        memcpy(cmdline + sizeof(start) - 1, "hermes", 7);
        procfs_tree_put_bytes(&test->tree, "5000700/cmdline", cmdline, sizeof(cmdline));
        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 1);
        assert_true(strlen(test->list.items[0].cmdline) < REQUESTER_CMDLINE_MAX);
        assert_true(strlen(test->list.items[0].cmdline) > REQUESTER_CMDLINE_MAX - 8);
}

static void test_requester_search_survives_odd_entries(void **state) {
        SearchTest *test = *state;
        static char names[1024];
        const Entry entry = { 5000700, 1, 4100, 0, "systemctl", "systemctl stop hermes" };

        put(test, &entry);
        procfs_tree_put(&test->tree, "self/comm", "systemctl\n");
        procfs_tree_put(&test->tree, "12x/comm", "systemctl\n");
        procfs_tree_put(&test->tree, "99999999999/comm", "systemctl\n");
        procfs_tree_put(&test->tree, "5000701/other", "no comm");
        procfs_tree_put(&test->tree, "5000702/comm", "");
        memset(names, 's', sizeof(names));
        procfs_tree_put_bytes(&test->tree, "5000703/comm", names, sizeof(names));
        procfs_tree_put(&test->tree, "5000704/comm", "systemctl\n");
        procfs_tree_put(&test->tree, "5000704/stat", "malformed");
        procfs_tree_put_bytes(&test->tree, "5000704/cmdline", "systemctl\0stop\0hermes", 22);
        procfs_tree_put(&test->tree, "5000705/comm", "systemctl\n");
        procfs_tree_put_process(&test->tree, 5000705, 1, 'S');
        procfs_tree_put_bytes(&test->tree, "5000705/cmdline", "\0\0\0\0", 4);

        search(test, CMDLINE_REDACTED);
        assert_int_equal(test->list.n, 1);
        assert_int_equal(test->list.items[0].pid, 5000700);
        assert_int_equal(test->list.n_processes, 6);
}

static void test_requester_search_without_procfs_is_an_error(void **state) {
        SearchTest *test = *state;

        assert_int_equal(
                requester_search(-EBADF, &test->target, CMDLINE_REDACTED, &test->list), -EBADF);
}

/* ---- The real thing ---- */

#define REAL_UNIT "test-requester-search-nowhere"

static char tool_path[128];

static void waiting_tool(int says_fd) {
        char *argv[] = { (char *) "systemctl", (char *) "stop", (char *) REAL_UNIT, NULL };

        /* The new image says that it is there: until then there is another command line. */
        (void) dup2(says_fd, STDIN_FILENO);
        (void) execv(tool_path, argv);
        _exit(1);
}

static void test_requester_search_finds_a_real_process(void **state) {
        SearchTest *test = *state;
        char program[256] = {};
        char ancestor[128], name[PROC_COMM_MAX];

        (void) snprintf(tool_path, sizeof(tool_path), "%s/systemctl", test->tree.path);
        assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
        assert_int_equal(symlink(program, tool_path), 0);
        child_process_start(&test->child, waiting_tool);

        test->target.names[0] = REAL_UNIT ".service";
        assert_int_equal(
                requester_search(test->real_fd, &test->target, CMDLINE_FULL, &test->list), 0);
        assert_int_equal(test->list.n, 1);
        assert_int_equal(test->list.items[0].pid, test->child.pid);
        assert_int_equal(test->list.items[0].uid, getuid());
        assert_string_equal(test->list.items[0].verb, "stop");
        assert_string_equal(test->list.items[0].cmdline, "systemctl stop " REAL_UNIT);
        assert_int_equal(prctl(PR_GET_NAME, name), 0);
        (void) snprintf(ancestor, sizeof(ancestor), "systemctl(%d) < %s(%d)", test->child.pid, name,
                getpid());
        assert_int_equal(strncmp(test->list.items[0].ancestry, ancestor, strlen(ancestor)), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                TEST(test_requester_search_describes_who_waits),
                TEST(test_requester_search_of_nobody_finds_nobody),
                TEST(test_requester_search_passes_over_pid_1_and_itself),
                TEST(test_requester_search_keeps_the_one_that_asks_of_a_chain),
                TEST(test_requester_search_sees_scripts_with_long_names),
                TEST(test_requester_search_of_many_gives_the_oldest),
                TEST(test_requester_search_of_user_unit_looks_at_the_uid),
                TEST(test_requester_search_of_one_that_ends_tells_what_it_has),
                TEST(test_requester_search_believes_no_argument_that_was_cut),
                TEST(test_requester_search_survives_odd_entries),
                TEST(test_requester_search_without_procfs_is_an_error),
                TEST(test_requester_search_finds_a_real_process),
        };

        if (argc > 1 && strcmp(argv[0], "systemctl") == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) alarm(100);
                child_process_say(STDIN_FILENO);
                return pause();
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
