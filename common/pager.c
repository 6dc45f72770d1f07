/* SPDX-License-Identifier: MIT */

/* A pager as systemd 252's programs have it: the environment that tames theirs tames ours.
 *
 * A pipe takes the place of stdout and of stderr, and the pager reads it and has the terminal. Which pager it
 * is, is found out by trying: the child says before each execvp(3) what it tries, and the pipe that it says it
 * on closes with the one that works. Where none works nothing was replaced, and there is no pager.
 *
 * Whoever may run this program as another user, by sudo(8) say, must not get a shell out of the pager. Where
 * that may be the case ($SYSTEMD_PAGERSECURE, else by the session's owner and $SUDO_UID) only less(1) is taken,
 * and told to be safe. Without $SYSTEMD_PAGERSECURE the pager of the environment is not run at all: it can only
 * be turned off.
 *
 * A pager that is left early closes the pipe, and SIGPIPE ends this program at its next write: without a word,
 * and without work for nobody. A pager that outlives this program gets SIGTERM. Of less(1) that does not leave
 * at an interrupt the interrupt is none of ours.
 *
 * Not for programs that follow: a pager waits for the end. */

#include "pager.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <systemd/sd-login.h>

#include "strv.h"
#include "terminal.h"

#define PAGER_LESS "FRSXMK"

/* What the child says on the pipe of tries. */
typedef enum PagerTry {
        PAGER_TRY_OTHER = 'o',
        PAGER_TRY_LESS = 'l',
        PAGER_TRY_NONE = '-', /* none is left */
} PagerTry;

typedef struct PagerChoice {
        char **words; /* of the environment's pager, where it is to be trusted; NULL: the usual ones */
        char *less; /* options of less(1) */
        bool is_secure;
} PagerChoice;

struct Pager {
        pid_t pid;
        bool is_less;
        int stdout_fd, stderr_fd; /* as they were */
        struct sigaction pipe_action, interrupt_action;
        bool ignores_interrupt;
};

static void pager_choice_done(PagerChoice *choice) {
        (void) strv_free(choice->words);
        free(choice->less);
}

/* ---- What the environment says ----------------------------------------------------------------- */

static bool pager_has_terminal(void) {
        const char *terminal = getenv("TERM");

        return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && terminal &&
                strcmp(terminal, "dumb") != 0;
}

/* Returns: 1, 0; -ENXIO: $SYSTEMD_PAGERSECURE is not set. What is no boolean is taken for true. */
static int pager_read_secure(void) {
        static const char *const off[] = { "0", "no", "n", "false", "f", "off" };
        const char *value = secure_getenv("SYSTEMD_PAGERSECURE");

        if (!value)
                return -ENXIO;
        for (size_t i = 0; i < ELEMENTSOF(off); i++)
                if (strcasecmp(value, off[i]) == 0)
                        return 0;
        return 1;
}

static bool pager_is_privileged(void) {
        uid_t owner;

        return getenv("SUDO_UID") || sd_pid_get_owner_uid(0, &owner) < 0 || owner != geteuid();
}

static int pager_split(const char *text, char ***ret_words) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *word;

        if (!copy)
                return -ENOMEM;
        while ((word = strsep(&rest, " \t\n\r"))) {
                if (!*word)
                        continue;
                int r = strv_extend(&words, word);
                if (r < 0)
                        return r;
        }
        *ret_words = TAKE_PTR(words);
        return 0;
}

/* Returns: 1; 0: no pager is wanted; -ENOMEM. */
static int pager_choose(bool jump_to_end, PagerChoice *choice) {
        const char *pager = getenv("SYSTEMD_PAGER") ?: getenv("PAGER");
        const int secure = pager_read_secure();
        _cleanup_strv_ char **words = NULL;
        int r;

        r = pager ? pager_split(pager, &words) : 0;
        if (r < 0)
                return r;
        if (pager && (!words || (strcmp(words[0], "cat") == 0 && !words[1])))
                return 0;

        choice->is_secure = secure == -ENXIO ? pager_is_privileged() : secure;
        if (secure >= 0)
                choice->words = TAKE_PTR(words);
        if (asprintf(&choice->less, "%s%s", getenv("SYSTEMD_LESS") ?: PAGER_LESS,
                    jump_to_end ? " +G" : "") < 0) {
                choice->less = NULL;
                return -ENOMEM;
        }
        return 1;
}

/* ---- The child --------------------------------------------------------------------------------- */

static void pager_try(char *const words[], int tries_fd) {
        const char what = strcmp(words[0], "less") == 0 ? PAGER_TRY_LESS : PAGER_TRY_OTHER;

        if (write(tries_fd, &what, 1) == 1)
                (void) execvp(words[0], words);
}

static int pager_set_environment(const PagerChoice *choice) {
        const char *charset = getenv("SYSTEMD_LESSCHARSET");

        if (!charset && terminal_is_utf8())
                charset = "utf-8";
        if (charset && setenv("LESSCHARSET", charset, /* replace= */ 1) < 0)
                return -errno;
        if (setenv("LESS", choice->less, /* replace= */ 1) < 0)
                return -errno;
        if (!choice->is_secure)
                return unsetenv("LESSSECURE") < 0 ? -errno : 0;
        if (setenv("SYSTEMD_PAGERSECURE", "1", /* replace= */ 1) < 0)
                return -errno;
        return setenv("LESSSECURE", "1", /* replace= */ 1) < 0 ? -errno : 0;
}

static void pager_reset_signals(void) {
        static const int ignored[] = { SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGHUP };
        sigset_t none;

        for (size_t i = 0; i < ELEMENTSOF(ignored); i++)
                (void) signal(ignored[i], SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static _noreturn_ void pager_run(
        const PagerChoice *choice, pid_t parent_pid, int text_fd, int tries_fd) {
        /* "pager" is the name of Debian's alternatives. */
        static char usual[][6] = { "pager", "less", "more" };
        const char none = PAGER_TRY_NONE;

        pager_reset_signals();
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent_pid ||
                dup2(text_fd, STDIN_FILENO) < 0 || pager_set_environment(choice) < 0)
                goto end;

        if (choice->words)
                pager_try(choice->words, tries_fd);
        for (size_t i = 0; i < ELEMENTSOF(usual); i++)
                if (!choice->is_secure || strcmp(usual[i], "less") == 0)
                        pager_try((char *[]){ usual[i], NULL }, tries_fd);
end:
        (void) !write(tries_fd, &none, 1);
        _exit(EXIT_FAILURE);
}

/* ---- This process ------------------------------------------------------------------------------ */

static void pager_await(pid_t pid) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

/* Returns: the last try, the one that worked. */
static PagerTry pager_read_tries(int fd) {
        char try = PAGER_TRY_NONE;
        ssize_t n;

        do
                n = read(fd, &try, 1);
        while (n > 0 || (n < 0 && errno == EINTR));
        return (PagerTry) try;
}

/* Returns: 1; 0: none is there; negative errno. */
static int pager_start(Pager *pager, const PagerChoice *choice, int text_fd) {
        const pid_t own_pid = getpid();
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = fds[0];
        write_fd = fds[1];

        pager->pid = fork();
        if (pager->pid < 0)
                return -errno;
        if (pager->pid == 0)
                pager_run(choice, own_pid, text_fd, write_fd);
        write_fd = fd_close(write_fd);

        const PagerTry try = pager_read_tries(read_fd);
        if (try == PAGER_TRY_NONE)
                pager_await(pager->pid);
        pager->is_less = try == PAGER_TRY_LESS;
        return try != PAGER_TRY_NONE;
}

/* Puts what is written to stdout and stderr into the pipe. */
static int pager_redirect(Pager *pager, int text_fd) {
        (void) fflush(stdout);
        (void) fflush(stderr);
        pager->stdout_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        pager->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        if (pager->stdout_fd < 0 || pager->stderr_fd < 0)
                return -errno;
        if (dup2(text_fd, STDOUT_FILENO) < 0)
                return -errno;
        return dup2(text_fd, STDERR_FILENO) < 0 ? -errno : 0;
}

static void pager_restore(Pager *pager) {
        if (pager->stdout_fd >= 0)
                (void) dup2(pager->stdout_fd, STDOUT_FILENO);
        if (pager->stderr_fd >= 0)
                (void) dup2(pager->stderr_fd, STDERR_FILENO);
        pager->stdout_fd = fd_close(pager->stdout_fd);
        pager->stderr_fd = fd_close(pager->stderr_fd);
}

static void pager_take_signals(Pager *pager, bool ignores_interrupt) {
        const struct sigaction ends = { .sa_handler = SIG_DFL },
                               ignores = { .sa_handler = SIG_IGN };

        /* Ignored by the parent of many a program. */
        (void) sigaction(SIGPIPE, &ends, &pager->pipe_action);
        pager->ignores_interrupt = ignores_interrupt;
        if (ignores_interrupt)
                (void) sigaction(SIGINT, &ignores, &pager->interrupt_action);
}

/* Returns: 1; 0: no pager is there; negative errno, and all is as it was. */
static int pager_begin(Pager *pager, const PagerChoice *choice) {
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = fds[0];
        write_fd = fds[1];
        r = pager_start(pager, choice, read_fd);
        if (r <= 0)
                return r;

        r = pager_redirect(pager, write_fd);
        if (r < 0) {
                pager_restore(pager);
                write_fd = fd_close(write_fd); /* its end is what the pager waits for */
                pager_await(pager->pid);
                return r;
        }
        pager_take_signals(pager, pager->is_less && !strchr(choice->less, 'K'));
        return 1;
}

int pager_open(bool jump_to_end, Pager **ret_pager) {
        _cleanup_(pager_choice_done) PagerChoice choice = {};
        _cleanup_free_ Pager *pager = calloc(1, sizeof(*pager));
        int r;

        assert(ret_pager);

        if (!pager)
                return -ENOMEM;
        pager->stdout_fd = pager->stderr_fd = -EBADF;
        r = pager_has_terminal() ? pager_choose(jump_to_end, &choice) : 0;
        if (r > 0)
                r = pager_begin(pager, &choice);
        if (r >= 0)
                *ret_pager = r > 0 ? TAKE_PTR(pager) : NULL;
        return r < 0 ? r : 0;
}

Pager *pager_free(Pager *pager) {
        if (!pager)
                return NULL;

        (void) fflush(stdout);
        (void) fflush(stderr);
        pager_restore(pager);
        (void) kill(pager->pid, SIGCONT);
        pager_await(pager->pid);
        if (pager->ignores_interrupt)
                (void) sigaction(SIGINT, &pager->interrupt_action, NULL);
        (void) sigaction(SIGPIPE, &pager->pipe_action, NULL);
        free(pager);
        return NULL;
}
