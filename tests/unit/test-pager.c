/* SPDX-License-Identifier: MIT */

/* The pager, on a terminal of the test's own: a child on a pty opens one and writes, the pagers in $PATH are
 * scripts that write down who they are and what they got. */

#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "file-fixture.h"
#include "pager.h"

#define SHOWN_MAX 4096

/* Writes to the file "got" its name, its words and what it reads, to "environment" what it was told. */
#define SCRIPT                                                                         \
        "#!/bin/sh\n"                                                                  \
        "printf '%s|%s|%s|%s\\n' \"${LESS-}\" \"${LESSCHARSET-}\" \"${LESSSECURE-}\" " \
        "\"${SYSTEMD_PAGERSECURE-}\" >environment\n"                                   \
        "test -t 1 && test -t 2 && tty=tty\n"                                          \
        "{ echo \"${0##*/} $* ${tty-}\"; /bin/cat; } >got.part\n"                      \
        "/bin/mv got.part got\n"

static const char *const variables[] = { "SYSTEMD_PAGER", "PAGER", "SYSTEMD_PAGERSECURE",
        "SYSTEMD_LESS", "SYSTEMD_LESSCHARSET", "SUDO_UID", "LESS", "LESSCHARSET", "LESSSECURE",
        "LC_ALL", "LC_CTYPE", "LANG" };

static void write_script(const char *name, const char *text) {
        write_file(name, text, strlen(text));
        assert_int_equal(chmod(name, 0755), 0);
}

/* In the child. environment: "NAME=VALUE NAME=VALUE". */
static void set_environment(const char *environment) {
        char copy[256];
        char *rest = copy, *word;

        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                (void) unsetenv(variables[i]);
        (void) setenv("TERM", "xterm", 1);
        (void) setenv("PATH", ".", 1);
        (void) snprintf(copy, sizeof(copy), "%s", environment);
        while ((word = strsep(&rest, " "))) {
                char *value = strchr(word, '=');

                if (!value)
                        continue;
                *value++ = '\0';
                for (char *c = value; *c; c++)
                        *c = *c == '_' ? ' ' : *c; /* words of a value */
                (void) setenv(word, value, 1);
        }
}

/* In the child: what the tests have in common. Exits 10: no pager; 11: an error; 0: a pager. */
static void body_write(void) {
        Pager *pager;

        int r = pager_open(/* jump_to_end= */ false, &pager);
        if (r < 0)
                _exit(11);
        const bool has_pager = pager != NULL;
        (void) fputs("text\n", stdout);
        (void) fflush(stdout);
        (void) fputs("error\n", stderr);
        (void) pager_free(pager);
        (void) puts("after");
        (void) fflush(stdout);
        _exit(has_pager ? 0 : 10);
}

/* Runs body on a terminal and waits until all who have that are gone.
 * ret_shown: what the terminal got. Returns: the wait status. */
static int run_on_terminal(
        const char *environment, void (*body)(void), char ret_shown[static SHOWN_MAX]) {
        int master_fd, status;
        size_t size = 0;

        const pid_t pid = forkpty(&master_fd, NULL, NULL, NULL);
        if (pid == 0) {
                (void) alarm(100);
                set_environment(environment);
                body();
                _exit(99);
        }
        assert_true(pid > 0);
        for (;;) {
                ssize_t n = read(master_fd, ret_shown + size, SHOWN_MAX - 1 - size);

                if (n <= 0) /* EIO: the last one has left */
                        break;
                size += (size_t) n;
        }
        ret_shown[size] = '\0';
        (void) close(master_fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

/* ---- Which pager, and what it gets ------------------------------------------------------------- */

static const struct {
        const char *environment; /* "_" is a blank of a value */
        const char *scripts;     /* those that are there */
        const char *got;         /* its first line; NULL: none is run */
        const char *told;        /* LESS, LESSCHARSET, LESSSECURE, SYSTEMD_PAGERSECURE */
} rows[] = {
        /* The usual ones, by rank. */
        { "SYSTEMD_PAGERSECURE=0", "pager less more", "pager  tty", "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0", "less more", "less  tty", "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0", "more", "more  tty", "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0", "", NULL, NULL },
        /* The environment's own. */
        { "SYSTEMD_PAGERSECURE=0 PAGER=own", "own pager", "own  tty", "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0 PAGER=own_-x_y", "own pager", "own -x y tty", "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0 PAGER=more SYSTEMD_PAGER=own", "own more", "own  tty",
                "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=no PAGER=gone", "less", "less  tty", "FRSXMK|utf-8||no" },
        { "SYSTEMD_PAGERSECURE=1 PAGER=own", "own less", "own  tty", "FRSXMK|utf-8|1|1" },
        /* None is wanted. */
        { "SYSTEMD_PAGERSECURE=0 PAGER=", "pager less", NULL, NULL },
        { "SYSTEMD_PAGERSECURE=0 PAGER=cat", "pager less cat", NULL, NULL },
        { "SYSTEMD_PAGERSECURE=0 PAGER=_cat_", "pager less cat", NULL, NULL },
        { "SYSTEMD_PAGERSECURE=0 PAGER=less SYSTEMD_PAGER=", "pager less", NULL, NULL },
        { "SUDO_UID=1000 PAGER=cat", "less", NULL, NULL },
        { "SYSTEMD_PAGERSECURE=0 TERM=dumb", "pager less", NULL, NULL },
        /* For somebody else: less only, and not what the environment names. */
        { "SUDO_UID=1000", "pager less more", "less  tty", "FRSXMK|utf-8|1|1" },
        { "SUDO_UID=1000 PAGER=own", "own pager less", "less  tty", "FRSXMK|utf-8|1|1" },
        { "SUDO_UID=1000 SYSTEMD_PAGER=own", "own pager more", NULL, NULL },
        { "SYSTEMD_PAGERSECURE=1", "pager more", NULL, NULL },
        { "SYSTEMD_PAGERSECURE=perhaps", "pager less", "less  tty", "FRSXMK|utf-8|1|1" },
        { "SUDO_UID=1000 SYSTEMD_PAGERSECURE=0", "pager less", "pager  tty", "FRSXMK|utf-8||0" },
        /* What less gets. */
        { "SYSTEMD_PAGERSECURE=0 SYSTEMD_LESS=FRS_-i", "less", "less  tty", "FRS -i|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0 SYSTEMD_LESS=", "less", "less  tty", "|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0 LESS=x LESSCHARSET=ascii LESSSECURE=1", "less", "less  tty",
                "FRSXMK|utf-8||0" },
        { "SYSTEMD_PAGERSECURE=0 SYSTEMD_LESSCHARSET=latin1", "less", "less  tty",
                "FRSXMK|latin1||0" },
        { "SYSTEMD_PAGERSECURE=0 LC_ALL=C", "less", "less  tty", "FRSXMK|||0" },
        { "SYSTEMD_PAGERSECURE=0 LC_ALL=C.UTF-8", "less", "less  tty", "FRSXMK|utf-8||0" },
};

/* names: of all the scripts that there are then. */
static void make_scripts(const char *names) {
        static const char *const before[] = { "pager", "less", "more", "own", "cat", "got",
                "environment" };
        char copy[64];
        char *rest = copy, *name;

        for (size_t i = 0; i < ELEMENTSOF(before); i++)
                (void) unlink(before[i]);
        (void) snprintf(copy, sizeof(copy), "%s", names);
        while ((name = strsep(&rest, " ")))
                if (*name)
                        write_script(name, SCRIPT);
}

static void assert_got(Fixture *fixture, const char *first_line, const char *told) {
        char expected[128];

        (void) snprintf(expected, sizeof(expected), "%s\ntext\nerror\n", first_line);
        assert_content(fixture, "got", expected);
        (void) snprintf(expected, sizeof(expected), "%s\n", told);
        assert_content(fixture, "environment", expected);
}

static void test_pager_open_choice_is_journalctls(void **state) {
        Fixture *fixture = *state;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char shown[SHOWN_MAX];

                print_message("%s: %s\n", rows[i].environment, rows[i].scripts);
                make_scripts(rows[i].scripts);
                const int status = run_on_terminal(rows[i].environment, body_write, shown);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), rows[i].got ? 0 : 10);
                if (rows[i].got) {
                        assert_got(fixture, rows[i].got, rows[i].told);
                        assert_string_equal(shown, "after\r\n");
                } else {
                        assert_int_equal(access("got", F_OK), -1);
                        assert_string_equal(shown, "text\r\nerror\r\nafter\r\n");
                }
        }
}

static void body_jump(void) {
        Pager *pager;

        if (pager_open(/* jump_to_end= */ true, &pager) < 0 || !pager)
                _exit(11);
        (void) pager_free(pager);
        _exit(0);
}

static void test_pager_open_jump_to_end_is_an_option_of_less(void **state) {
        Fixture *fixture = *state;
        char shown[SHOWN_MAX];

        write_script("less", SCRIPT);
        assert_int_equal(run_on_terminal("SYSTEMD_PAGERSECURE=0", body_jump, shown), 0);
        assert_content(fixture, "environment", "FRSXMK +G|utf-8||0\n");
        assert_int_equal(run_on_terminal("SUDO_UID=0 SYSTEMD_LESS=F", body_jump, shown), 0);
        assert_content(fixture, "environment", "F +G|utf-8|1|1\n");
}

/* ---- No terminal ------------------------------------------------------------------------------- */

static void body_stdout_elsewhere(void) {
        int fd = open("stdout", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        (void) dup2(fd, STDOUT_FILENO);
        body_write();
}

static void body_stderr_elsewhere(void) {
        int fd = open("stderr", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        (void) dup2(fd, STDERR_FILENO);
        body_write();
}

static void test_pager_open_not_on_a_terminal_is_none(void **state) {
        Fixture *fixture = *state;
        char shown[SHOWN_MAX];

        write_script("pager", SCRIPT);
        int status = run_on_terminal("SYSTEMD_PAGERSECURE=0", body_stdout_elsewhere, shown);
        assert_int_equal(WEXITSTATUS(status), 10);
        assert_string_equal(shown, "error\r\n");
        assert_content(fixture, "stdout", "text\nafter\n");
        status = run_on_terminal("SYSTEMD_PAGERSECURE=0", body_stderr_elsewhere, shown);
        assert_int_equal(WEXITSTATUS(status), 10);
        assert_string_equal(shown, "text\r\nafter\r\n");
        assert_content(fixture, "stderr", "error\n");
        assert_int_equal(access("got", F_OK), -1);
}

/* ---- Readers that leave, and writers that do --------------------------------------------------- */

static void body_write_for_ever(void) {
        Pager *pager;

        (void) signal(SIGPIPE, SIG_IGN); /* as some parents leave it */
        if (pager_open(/* jump_to_end= */ false, &pager) < 0 || !pager)
                _exit(11);
        for (;;)
                (void) puts("one more line");
}

static void test_pager_reader_that_leaves_ends_the_program_without_a_word(void **state) {
        Fixture *fixture = *state;
        char shown[SHOWN_MAX];

        write_script("pager", "#!/bin/sh\nread line\necho \"$line\" >got\n");
        const int status = run_on_terminal("SYSTEMD_PAGERSECURE=0", body_write_for_ever, shown);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGPIPE);
        assert_string_equal(shown, "");
        assert_content(fixture, "got", "one more line\n");
}

static void body_die_before_the_pager(void) {
        Pager *pager;
        char word[8] = "";

        if (pager_open(/* jump_to_end= */ false, &pager) < 0 || !pager)
                _exit(11);
        int fd = open("ready", O_RDONLY | O_CLOEXEC);
        if (read(fd, word, sizeof(word)) <= 0)
                _exit(12);
        (void) raise(SIGKILL);
}

static void test_pager_gets_sigterm_when_the_program_dies(void **state) {
        Fixture *fixture = *state;
        char shown[SHOWN_MAX];

        assert_int_equal(mkfifo("ready", 0600), 0);
        assert_int_equal(mkfifo("never", 0600), 0);
        write_script("pager",
                "#!/bin/sh\n"
                "trap '' HUP\n" /* of the terminal, whose session's leader dies, too */
                "trap 'echo term >got; exit' TERM\n"
                "echo x >ready\n"
                "exec 3<>never\n"
                "read line <&3\n");
        const int status =
                run_on_terminal("SYSTEMD_PAGERSECURE=0", body_die_before_the_pager, shown);
        assert_int_equal(WTERMSIG(status), SIGKILL);
        assert_content(fixture, "got", "term\n");
}

/* ---- Signals and streams afterwards ------------------------------------------------------------ */

static void body_interrupt(void) {
        struct sigaction pipe_action, interrupt_action;
        Pager *pager;

        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGINT, SIG_DFL);
        if (pager_open(/* jump_to_end= */ false, &pager) < 0 || !pager)
                _exit(11);
        (void) raise(SIGINT);
        (void) fputs("text\nerror\n", stdout);
        (void) pager_free(pager);
        (void) sigaction(SIGPIPE, NULL, &pipe_action);
        (void) sigaction(SIGINT, NULL, &interrupt_action);
        _exit(pipe_action.sa_handler == SIG_IGN && interrupt_action.sa_handler == SIG_DFL ? 0 : 12);
}

static void test_pager_interrupt_is_lesss_where_less_takes_it(void **state) {
        Fixture *fixture = *state;
        static const struct {
                const char *environment, *script;
                int status;
        } interrupt_rows[] = {
                { "SYSTEMD_PAGERSECURE=0 SYSTEMD_LESS=FRSXM", "less", 0 },
                { "SYSTEMD_PAGERSECURE=0", "less", SIGINT },
                { "SYSTEMD_PAGERSECURE=0 SYSTEMD_LESS=FRSXM", "more", SIGINT },
        };

        for (size_t i = 0; i < ELEMENTSOF(interrupt_rows); i++) {
                char shown[SHOWN_MAX];

                make_scripts(interrupt_rows[i].script);
                assert_int_equal(
                        run_on_terminal(interrupt_rows[i].environment, body_interrupt, shown),
                        interrupt_rows[i].status);
                if (interrupt_rows[i].status == 0)
                        assert_content(fixture, "got", "less  tty\ntext\nerror\n");
        }
}

static void test_pager_free_null_is_fine(void **state _unused_) {
        assert_null(pager_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                file_test(test_pager_open_choice_is_journalctls),
                file_test(test_pager_open_jump_to_end_is_an_option_of_less),
                file_test(test_pager_open_not_on_a_terminal_is_none),
                file_test(test_pager_reader_that_leaves_ends_the_program_without_a_word),
                file_test(test_pager_gets_sigterm_when_the_program_dies),
                file_test(test_pager_interrupt_is_lesss_where_less_takes_it),
                cmocka_unit_test(test_pager_free_null_is_fine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
