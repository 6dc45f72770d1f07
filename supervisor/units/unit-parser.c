/* SPDX-License-Identifier: MIT */

/* `systemd --test` on one unit.
 *
 * It loads units, prints all it knows of them and starts nothing. It is given a folder of its own in place
 * of the machine's units: copies of the unit's files, the targets that every service refers to, and a
 * target that wants the unit. The unit is not asked for itself, since one that cannot be loaded would end
 * the test without a dump. Drop-ins are numbered, so that they are applied in the order of the view
 * whatever they are called.
 *
 *     FOLDER/units/NAME, NAME.d/NNNN.conf, sysinit.target, …
 *     FOLDER/empty      in place of generators and configuration
 *     FOLDER/scratch    what the program may write to
 *
 * It refuses to run as root: then it is nobody, who may read the folder by its group and write to the
 * scratch alone. Paths of the folder never leave this file: what it prints has those of the real files.
 *
 * What the answer means is not known here (see units/unit-view-dump.h). */

#include "units/unit-parser.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "byte-buffer.h"
#include "file.h"
#include "unit-file.h"

#define PARSER_OUTPUT_MAX ((size_t) 32 * 1024 * 1024) /* some 5 KiB for each mount and device */
#define PARSER_READ_BYTES 65536
#define PARSER_DEPTH_MAX  8 /* of what it leaves in its scratch */
#define PARSER_NOBODY     65534
#define PARSER_TARGET     "gatewatch-check.target"
#define PARSER_INSTANCE   "instance" /* of a template, which cannot be loaded itself */

/* ---- The folder ------------------------------------------------------------------------------ */

typedef struct ParserFolder {
        char *path; /* NULL: there is none */
        int fd;
        uid_t uid; /* whom the parser runs as */
        gid_t gid;
        bool is_dropping; /* we are root, and must become that */
} ParserFolder;

/* By descriptors, not by paths: the scratch is not ours alone. */
static void remove_tree(int dir_fd, const char *name, unsigned depth) {
        _cleanup_closedir_ DIR *directory = NULL;

        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || depth > PARSER_DEPTH_MAX || !(directory = fdopendir(fd))) {
                (void) fd_close(fd);
                return;
        }
        for (const struct dirent *entry; (entry = readdir(directory));) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (unlinkat(fd, entry->d_name, 0) < 0)
                        remove_tree(fd, entry->d_name, depth + 1);
        }
        (void) unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static void parser_folder_done(ParserFolder *folder) {
        folder->fd = fd_close(folder->fd);
        if (folder->path)
                remove_tree(AT_FDCWD, folder->path, 0);
        free(folder->path);
        folder->path = NULL;
}

/* Where nobody gets to, and what a list of paths can hold. */
static const char *parser_directory(bool is_root) {
        const char *directory = getenv("TMPDIR");

        if (is_root || !directory || *directory != '/' || strchr(directory, ':'))
                return "/tmp";
        return directory;
}

/* For us alone, or readable for the group that the program has; what is made in it is of that group, too
 * (set-group-ID). */
static mode_t parser_folder_mode(const ParserFolder *folder) {
        return folder->is_dropping ? 02750 : 0700;
}

static int parser_folder_open_up(ParserFolder *folder) {
        if (!folder->is_dropping)
                return 0;
        if (fchown(folder->fd, (uid_t) -1, folder->gid) < 0 ||
                fchmod(folder->fd, parser_folder_mode(folder)) < 0)
                return -errno;
        return 0;
}

static int parser_folder_make_directory(ParserFolder *folder, const char *name) {
        if (mkdirat(folder->fd, name, 0700) < 0 ||
                fchmodat(folder->fd, name, parser_folder_mode(folder), 0) < 0) /* any umask */
                return -errno;
        return 0;
}

static int parser_folder_make_scratch(ParserFolder *folder) {
        int r = parser_folder_make_directory(folder, "scratch");
        if (r < 0 || !folder->is_dropping)
                return r;
        if (fchownat(folder->fd, "scratch", folder->uid, folder->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return 0;
}

static int parser_folder_init(ParserFolder *folder) {
        const bool is_root = geteuid() == 0;
        char *path;

        *folder = (ParserFolder){
                .fd = -EBADF,
                .uid = is_root ? PARSER_NOBODY : geteuid(),
                .gid = is_root ? PARSER_NOBODY : getegid(),
                .is_dropping = is_root,
        };
        if (asprintf(&path, "%s/gatewatch-check.XXXXXX", parser_directory(is_root)) < 0)
                return -ENOMEM;
        if (!mkdtemp(path)) {
                int r = -errno;
                free(path);
                return r;
        }
        folder->path = path;
        folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder->fd < 0)
                return -errno;

        int r = parser_folder_open_up(folder);
        if (r >= 0)
                r = parser_folder_make_directory(folder, "units");
        if (r >= 0)
                r = parser_folder_make_directory(folder, "empty");
        if (r >= 0)
                r = parser_folder_make_scratch(folder);
        return r;
}

static int parser_folder_write(ParserFolder *folder, const char *name, const char *text) {
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "units/%s", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return file_write_atomic(folder->fd, path, text, strlen(text), 0640);
}

/* ---- What is put into it ----------------------------------------------------------------------- */

/* The name that is loaded: of a template an instance. Returns: malloc()ed; NULL: out of memory. */
static char *view_loadable_name(const UnitView *view) {
        const char *at = strchr(view->name, '@');
        char *name;

        if (!at || at[1] != '.')
                return strdup(view->name);
        if (asprintf(&name, "%.*s%s%s", (int) (at + 1 - view->name), view->name, PARSER_INSTANCE,
                    at + 1) < 0)
                return NULL;
        return name;
}

/* A drop-in's place in the folder. Returns: malloc()ed; NULL: out of memory. */
static char *drop_in_name(const UnitView *view, size_t i) {
        char *name;

        return asprintf(&name, "%s.d/%04zu.conf", view->name, i) < 0 ? NULL : name;
}

/* Returns: 0; negative errno, and the name of the file that it is about in ret_bad. */
static int parser_folder_copy(
        ParserFolder *folder, const char *from, const char *to, const char **ret_bad) {
        _cleanup_free_ char *text = NULL;

        *ret_bad = from;
        int r = unit_file_read(from, &text);
        return r < 0 ? r : parser_folder_write(folder, to, text);
}

static int parser_folder_copy_drop_ins(
        ParserFolder *folder, const UnitView *view, const char **ret_bad) {
        _cleanup_free_ char *directory = NULL;

        if (!view->drop_ins || !view->drop_ins[0])
                return 0;
        if (asprintf(&directory, "units/%s.d", view->name) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        int r = parser_folder_make_directory(folder, directory);
        for (size_t i = 0; r >= 0 && view->drop_ins[i]; i++) {
                _cleanup_free_ char *name = drop_in_name(view, i);
                r = name ? parser_folder_copy(folder, view->drop_ins[i], name, ret_bad) : -ENOMEM;
        }
        return r;
}

static int parser_folder_add_targets(ParserFolder *folder, const char *name) {
        static const char *const stubs[] = { "sysinit.target", "basic.target", "shutdown.target" };
        static const char stub[] = "[Unit]\nDefaultDependencies=no\n";
        _cleanup_free_ char *target = NULL;

        for (size_t i = 0; i < ELEMENTSOF(stubs); i++) {
                int r = parser_folder_write(folder, stubs[i], stub);
                if (r < 0)
                        return r;
        }
        if (asprintf(&target, "%sWants=%s\n", stub, name) < 0) {
                target = NULL;
                return -ENOMEM;
        }
        return parser_folder_write(folder, PARSER_TARGET, target);
}

static int parser_folder_fill(ParserFolder *folder, const UnitView *view, const char **ret_bad) {
        _cleanup_free_ char *name = view_loadable_name(view);
        if (!name)
                return -ENOMEM;
        int r = parser_folder_add_targets(folder, name);
        if (r < 0)
                return r;
        r = parser_folder_copy(folder, view->fragment, view->name, ret_bad);
        return r < 0 ? r : parser_folder_copy_drop_ins(folder, view, ret_bad);
}

/* ---- The program ------------------------------------------------------------------------------ */

typedef struct ParserRun {
        char **environment;
        pid_t pid;         /* 0: none */
        int output_fds[2]; /* its stdout and stderr */
        ByteBuffer outputs[2];
} ParserRun;

static void parser_run_done(ParserRun *run) {
        if (run->pid > 0) {
                (void) kill(run->pid, SIGKILL);
                while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        for (size_t i = 0; i < 2; i++) {
                (void) fd_close(run->output_fds[i]);
                byte_buffer_done(&run->outputs[i]);
        }
        (void) strv_free(run->environment);
        *run = (ParserRun){ .output_fds = { -EBADF, -EBADF } };
}

_printf_(2, 3) static int environment_add(char ***environment, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        int r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return strv_extend(environment, text);
}

/* Nothing of ours: it would act on $SYSTEMD_… and $LISTEN_FDS. The home is what %h stands for. */
static int parser_run_set_environment(
        ParserRun *run, const ParserFolder *folder, UnitManager manager) {
        const char *home =
                manager == UNIT_MANAGER_USER && !folder->is_dropping ? getenv("HOME") : NULL;
        static const char *const places[][2] = {
                { "SYSTEMD_UNIT_PATH", "units" },
                { "SYSTEMD_GENERATOR_PATH", "empty" },
                { "SYSTEMD_ENVIRONMENT_GENERATOR_PATH", "empty" },
                { "XDG_CONFIG_HOME", "empty" },
                { "XDG_RUNTIME_DIR", "scratch" },
                { "TMPDIR", "scratch" },
        };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (environment_add(&run->environment, "%s=%s/%s", places[i][0], folder->path,
                            places[i][1]) < 0)
                        return -ENOMEM;
        return environment_add(&run->environment, "HOME=%s", home ?: "/root");
}

/* Not root, and never root again. */
static int child_drop_privileges(const ParserFolder *folder) {
        if (!folder->is_dropping)
                return 0;
        /* In a user namespace that denies it there is no group to lose. */
        if (setgroups(0, NULL) < 0 && errno != EPERM)
                return -errno;
        if (setresgid(folder->gid, folder->gid, folder->gid) < 0 ||
                setresuid(folder->uid, folder->uid, folder->uid) < 0)
                return -errno;
        return 0;
}

/* The two may stand where standard descriptors belong. */
static void child_set_descriptors(int stdout_fd, int stderr_fd) {
        stdout_fd = fcntl(stdout_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        stderr_fd = fcntl(stderr_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        int stdin_fd = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (stdout_fd < 0 || stderr_fd < 0 || stdin_fd < 0)
                _exit(EXIT_FAILURE);
        (void) dup2(stdin_fd, STDIN_FILENO);
        (void) dup2(stdout_fd, STDOUT_FILENO);
        (void) dup2(stderr_fd, STDERR_FILENO);
#ifdef CLOSE_RANGE_CLOEXEC
        /* What our caller left open is none of its business. */
        (void) syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
#endif
}

_noreturn_ static void child_run(const ParserFolder *folder, const ParserRun *run,
        const char *program, UnitManager manager, const int output_fds[static 2]) {
        const char *const arguments[] = {
                program,
                "--test",
                manager == UNIT_MANAGER_USER ? "--user" : "--system",
                "--unit=" PARSER_TARGET,
                "--log-level=warning",
                "--log-target=console",
                NULL,
        };
        sigset_t none;

        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        child_set_descriptors(output_fds[0], output_fds[1]);
        int r = child_drop_privileges(folder);
        if (r < 0) {
                (void) dprintf(STDERR_FILENO, "cannot become uid %u: %s\n", (unsigned) folder->uid,
                        strerror(-r));
                _exit(EXIT_FAILURE);
        }
        (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* behind the change of user, which clears it */
        (void) execve(program, (char *const *) arguments, run->environment);
        (void) dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
        _exit(127);
}

static int parser_run_start(
        ParserRun *run, const ParserFolder *folder, const char *program, UnitManager manager) {
        int pipes[2][2];

        if (pipe2(pipes[0], O_CLOEXEC) < 0)
                return -errno;
        run->output_fds[0] = pipes[0][0];
        _cleanup_close_ int stdout_fd = pipes[0][1];
        if (pipe2(pipes[1], O_CLOEXEC) < 0)
                return -errno;
        run->output_fds[1] = pipes[1][0];
        _cleanup_close_ int stderr_fd = pipes[1][1];

        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child_run(folder, run, program, manager, (const int[]){ stdout_fd, stderr_fd });
        run->pid = pid;
        return 0;
}

/* One read(2), of one of the two. Closes it at its end. */
static int parser_run_read(ParserRun *run, size_t i) {
        char data[PARSER_READ_BYTES];

        ssize_t n = read(run->output_fds[i], data, sizeof(data));
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (n == 0)
                run->output_fds[i] = fd_close(run->output_fds[i]);
        if ((size_t) n > PARSER_OUTPUT_MAX - run->outputs[i].size)
                return -EFBIG;
        byte_buffer_append(&run->outputs[i], data, (size_t) n);
        return run->outputs[i].is_failed ? -ENOMEM : 0;
}

/* Until it has closed both, or the deadline. */
static int parser_run_collect(ParserRun *run, usec_t deadline_at_usec) {
        while (run->output_fds[0] >= 0 || run->output_fds[1] >= 0) {
                struct pollfd fds[2] = {
                        { .fd = run->output_fds[0], .events = POLLIN },
                        { .fd = run->output_fds[1], .events = POLLIN },
                };
                usec_t left_usec = usec_sub(deadline_at_usec, usec_now(CLOCK_MONOTONIC));
                const struct timespec left = {
                        .tv_sec = (time_t) (left_usec / USEC_PER_SEC),
                        .tv_nsec = (long) (left_usec % USEC_PER_SEC * 1000),
                };

                int n = left_usec > 0 ? ppoll(fds, 2, &left, NULL) : 0;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -ETIMEDOUT;
                for (size_t i = 0; i < 2; i++) {
                        int r = fds[i].revents ? parser_run_read(run, i) : 0;
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* ---- Its answer -------------------------------------------------------------------------------- */

void unit_parser_answer_done(UnitParserAnswer *answer) {
        free(answer->dump);
        free(answer->complaints);
        *answer = (UnitParserAnswer){};
}

/* Replaces what the folder calls a thing by what it is called. Returns: 0; -ENOMEM. */
static int text_replace(char **text, const char *from, const char *to) {
        ByteBuffer buffer = {};
        const char *rest = *text;

        for (const char *found; (found = strstr(rest, from)); rest = found + strlen(from)) {
                byte_buffer_append(&buffer, rest, (size_t) (found - rest));
                byte_buffer_append_text(&buffer, to);
        }
        byte_buffer_append_text(&buffer, rest);
        char *replaced = byte_buffer_steal(&buffer);
        if (!replaced)
                return -ENOMEM;
        free(*text);
        *text = replaced;
        return 0;
}

static int answer_name_file(
        char **complaints, const ParserFolder *folder, const char *name, const char *real) {
        _cleanup_free_ char *from = NULL, *to = NULL;

        if (asprintf(&from, "%s/units/%s:", folder->path, name) < 0) {
                from = NULL;
                return -ENOMEM;
        }
        if (asprintf(&to, "%s:", real) < 0) {
                to = NULL;
                return -ENOMEM;
        }
        return text_replace(complaints, from, to);
}

static int answer_name_files(char **complaints, const UnitView *view, const ParserFolder *folder) {
        int r = answer_name_file(complaints, folder, view->name, view->fragment);

        for (size_t i = 0; r >= 0 && view->drop_ins && view->drop_ins[i]; i++) {
                _cleanup_free_ char *name = drop_in_name(view, i);
                r = name ? answer_name_file(complaints, folder, name, view->drop_ins[i]) : -ENOMEM;
        }
        return r;
}

/* The scratch stands in for the user's runtime directory (%t). */
static int answer_name_runtime(char **dump, const UnitView *view, const ParserFolder *folder) {
        _cleanup_free_ char *scratch = NULL, *runtime = NULL;
        const char *own = getenv("XDG_RUNTIME_DIR");

        if (view->manager != UNIT_MANAGER_USER)
                return 0;
        if (asprintf(&scratch, "%s/scratch", folder->path) < 0) {
                scratch = NULL;
                return -ENOMEM;
        }
        if (own && *own)
                return text_replace(dump, scratch, own);
        if (asprintf(&runtime, "/run/user/%u", (unsigned) getuid()) < 0) {
                runtime = NULL;
                return -ENOMEM;
        }
        return text_replace(dump, scratch, runtime);
}

static int parser_run_answer(ParserRun *run, const UnitView *view, const ParserFolder *folder,
        UnitParserAnswer *ret_answer) {
        UnitParserAnswer answer = {
                .dump = byte_buffer_steal(&run->outputs[0]),
                .complaints = byte_buffer_steal(&run->outputs[1]),
        };
        int r = answer.dump && answer.complaints ? 0 : -ENOMEM;

        if (r >= 0)
                r = answer_name_runtime(&answer.dump, view, folder);
        if (r >= 0)
                r = answer_name_files(&answer.complaints, view, folder);
        if (r < 0) {
                unit_parser_answer_done(&answer);
                return r;
        }
        *ret_answer = answer;
        return 1;
}

/* ---- All of it ------------------------------------------------------------------------------- */

_printf_(3, 4) static int parser_say_why(char **ret_why, int error, const char *format, ...) {
        va_list arguments;
        char *why;

        if (error == -ENOMEM)
                return error;
        va_start(arguments, format);
        int r = vasprintf(&why, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;
        *ret_why = why;
        return 0;
}

static int parser_ask(const UnitView *view, const ParserFolder *folder, const char *program,
        usec_t deadline_at_usec, UnitParserAnswer *ret_answer, char **ret_why) {
        _cleanup_(parser_run_done) ParserRun run = { .output_fds = { -EBADF, -EBADF } };

        int r = parser_run_set_environment(&run, folder, view->manager);
        if (r >= 0)
                r = parser_run_start(&run, folder, program, view->manager);
        if (r >= 0)
                r = parser_run_collect(&run, deadline_at_usec);
        if (r == -ETIMEDOUT)
                return parser_say_why(ret_why, r, "%s --test did not end in time", program);
        if (r < 0)
                return parser_say_why(
                        ret_why, r, "%s --test cannot be run: %s", program, strerror(-r));
        return parser_run_answer(&run, view, folder, ret_answer);
}

int unit_parser_run(const UnitView *view, const char *program, usec_t timeout_usec,
        UnitParserAnswer *ret_answer, char **ret_why) {
        assert(view);
        assert(view->fragment);
        assert(program);
        assert(ret_answer);
        assert(ret_why);

        usec_t deadline_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), timeout_usec);
        _cleanup_(parser_folder_done) ParserFolder folder = { .fd = -EBADF };
        const char *bad = parser_directory(geteuid() == 0);
        int r = parser_folder_init(&folder);
        if (r >= 0)
                r = parser_folder_fill(&folder, view, &bad);
        if (r < 0)
                return parser_say_why(ret_why, r,
                        "systemd's parser cannot be given the unit: %s: %s", bad, strerror(-r));
        return parser_ask(view, &folder, program, deadline_at_usec, ret_answer, ret_why);
}
