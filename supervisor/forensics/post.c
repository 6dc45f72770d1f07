/* SPDX-License-Identifier: MIT */

/* The recorder behind the run: systemd starts it when the unit's processes are gone, however they went.
 * Where the run has written its last record, and that is nearly always so, it says nothing and does
 * nothing. Else it writes that record under the run's own name and id, with what systemd tells about the
 * supervisor's end, and marks it as written.
 *
 * The flight record's lock says whether a run is alive. A supervisor that was killed may take a moment to
 * let go of it; when somebody holds it for longer, that is a run that looks after the record itself.
 *
 * Record first, mark second: if this is killed in between, the next run writes it again, which is better
 * than not at all.
 *
 * Nothing is made here: no directory, no file. What systemd says counts only for the invocation that it
 * is about; a run before that one gets its record without it. */

#include "post.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include "cgroup.h"
#include "clean-shutdown.h"
#include "option-error.h"
#include "proc.h"
#include "state-directory.h"
#include "stop/outcome.h"

#define POST_BUSY_STEP_USEC (20 * USEC_PER_MSEC)
#define POST_LINGER_USEC    (100 * USEC_PER_MSEC)
#define POST_NAME_MAX       (FLIGHT_NAME_MAX - 1)
#define POST_LINE_MAX       512
#define POST_JOURNAL_SOCKET "/run/systemd/journal/socket"

/* ---- The record ------------------------------------------------------------------------------ */

static void post_sleep(usec_t span_usec) {
        const struct timespec span = {
                .tv_sec = (time_t) (span_usec / USEC_PER_SEC),
                .tv_nsec = (long) (span_usec % USEC_PER_SEC * 1000),
        };

        (void) nanosleep(&span, NULL);
}

static int post_open_recorder(const PostRequest *request, FlightRecorder **ret_recorder) {
        usec_t give_up_at_usec = usec_add(usec_now(CLOCK_MONOTONIC), request->busy_timeout_usec);
        int r;

        while ((r = flight_recorder_open(request->state_fd, ret_recorder)) == -EBUSY &&
                usec_now(CLOCK_MONOTONIC) < give_up_at_usec)
                post_sleep(POST_BUSY_STEP_USEC);
        return r;
}

/* A stop that was asked for and then lost must not look as if it were still going on. */
static void post_complete_marker(int state_fd, const FlightRecord *flight) {
        CleanShutdown marker;

        if (clean_shutdown_read(state_fd, &marker) < 0 || marker.outcome[0] ||
                !sd_id128_equal(marker.run_id, flight->run_id))
                return;
        (void) snprintf(marker.outcome, sizeof(marker.outcome), "%.31s",
                flight->outcome[0] ? flight->outcome : outcome_to_string(OUTCOME_LOST));
        (void) !clean_shutdown_write(state_fd, &marker);
}

static bool post_is_about(const PostRequest *request, const PreviousRun *previous) {
        return !previous->is_other_boot &&
                (sd_id128_is_null(request->invocation_id) ||
                        sd_id128_equal(request->invocation_id, previous->flight.run_id));
}

int post_record(const PostRequest *request) {
        _cleanup_(flight_recorder_freep) FlightRecorder *recorder = NULL;
        PreviousRun previous;

        assert(request);

        /* Opening makes the file. */
        if (faccessat(request->state_fd, FLIGHT_RECORD_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        int r = post_open_recorder(request, &recorder);
        if (r < 0)
                return r == -EBUSY ? 0 : r;
        r = previous_run_read(recorder, &previous);
        if (r < 0 || previous.end == PREVIOUS_NONE || !previous.is_open)
                return r;

        r = previous_run_send(&previous, "post",
                post_is_about(request, &previous) ? &request->service : NULL, &request->where);
        if (r < 0)
                return r;
        r = previous_run_close(recorder, &previous, "post");
        if (r < 0)
                return r;
        post_complete_marker(request->state_fd, &previous.flight);
        return 1;
}

/* ---- Options --------------------------------------------------------------------------------- */

typedef struct PostConfig {
        const char *name;      /* NULL: the unit's */
        const char *state_dir; /* NULL: the default chain */
        LogTarget log_target;
        int log_level;
        int console_fd; /* where logfmt lines go; -EBADF: we were started with stderr closed */
} PostConfig;

/* One line on stderr, without anything that a terminal would act on. Returns: exit_status. */
static int _printf_(2, 3) post_complain(int exit_status, const char *format, ...) {
        char text[POST_LINE_MAX];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        for (char *c = text; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f)
                        *c = '?';
        (void) fprintf(stderr, "gatewatch post: %s\n", text);
        return exit_status;
}

static bool post_take_name(PostConfig *config, const char *value) {
        size_t length = strlen(value);

        if (length == 0 || length > POST_NAME_MAX || strcmp(value, ".") == 0 ||
                strcmp(value, "..") == 0)
                return false;
        for (const char *c = value; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f || *c == '/')
                        return false;
        config->name = value;
        return true;
}

static bool post_take_state_dir(PostConfig *config, const char *value) {
        config->state_dir = value;
        return value[0] == '/' && strlen(value) < PATH_MAX;
}

static bool post_take_log_target(PostConfig *config, const char *value) {
        config->log_target = log_target_from_string(value);
        return config->log_target >= 0;
}

static bool post_take_log_level(PostConfig *config, const char *value) {
        config->log_level = log_level_from_string(value);
        return config->log_level >= 0;
}

/* As far as they are also settings of `run`, with the same names and values. */
static const struct {
        const char *option;
        const char *variable;
        bool (*take)(PostConfig *config, const char *value); /* false: refused */
        const char *fix;
} post_settings[] = {
        { "name", "GATEWATCH_NAME", post_take_name,
                "give 1 to 128 bytes without '/' and control characters" },
        { "state-dir", "GATEWATCH_STATE_DIR", post_take_state_dir, "give an absolute path" },
        { "log-target", "GATEWATCH_LOG_TARGET", post_take_log_target,
                "give auto, journal, console or null" },
        { "log-level", "GATEWATCH_LOG_LEVEL", post_take_log_level,
                "give emerg, alert, crit, err, warning, notice, info or debug" },
};

static void post_print_help(void) {
        (void) fputs(
                "gatewatch post [OPTIONS…]\n"
                "\n"
                "For ExecStopPost=: write the last record of a run whose supervisor was killed.\n"
                "Does nothing when the run has written it.\n"
                "\n"
                "  -h --help               Show this help\n"
                "     --version            Show the version\n"
                "     --name=NAME          Name of the run (default: the unit's)\n"
                "     --state-dir=DIR      Where the run keeps its flight record\n"
                "     --log-target=TARGET  auto (default), journal, console, null\n"
                "     --log-level=LEVEL    emerg … debug (info)\n"
                "\n"
                "Each option can also be given as GATEWATCH_STATE_DIR=… in the environment; give the\n"
                "same ones as to 'gatewatch run'. See gatewatch-post(1).\n",
                stdout);
}

/* Returns: 0; EX_USAGE, complained about. */
static int post_take_environment(PostConfig *config) {
        for (size_t i = 0; i < ELEMENTSOF(post_settings); i++) {
                const char *value = getenv(post_settings[i].variable);

                if (value && !post_settings[i].take(config, value))
                        return post_complain(EX_USAGE, "%s=%.200s is not usable: %s",
                                post_settings[i].variable, value, post_settings[i].fix);
        }
        return 0;
}

static int post_complain_option(int argc, char *argv[], int code) {
        char error[OPTION_ERROR_MAX];

        (void) option_refuse_word(error, "post", /* hint= */ "", argc, argv, code);
        return post_complain(EX_USAGE, "%s", error);
}

/* argv[0] is the verb. Returns: -1: go on; else the exit status. */
static int post_take_options(int argc, char *argv[], PostConfig *config) {
        enum { OPTION_HELP = 'h', OPTION_VERSION = 0x1000, OPTION_SETTING };
        struct option options[ELEMENTSOF(post_settings) + 3] = {};
        size_t n = 0;
        int code;

        for (; n < ELEMENTSOF(post_settings); n++)
                options[n] = (struct option){ post_settings[n].option, required_argument, NULL,
                        OPTION_SETTING + (int) n };
        options[n++] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
        options[n++] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };

        optind = 0; /* glibc: start over, and read the "+" below anew */
        opterr = 0;
        while ((code = getopt_long(argc, argv, "+:h", options, NULL)) >= 0) {
                if (code == OPTION_HELP) {
                        post_print_help();
                        return EXIT_SUCCESS;
                }
                if (code == OPTION_VERSION) {
                        (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                        return EXIT_SUCCESS;
                }
                if (code < OPTION_SETTING)
                        return post_complain_option(argc, argv, code);
                size_t i = (size_t) (code - OPTION_SETTING);
                if (!post_settings[i].take(config, optarg))
                        return post_complain(EX_USAGE, "--%s=%.200s is not usable: %s",
                                post_settings[i].option, optarg, post_settings[i].fix);
        }
        if (optind < argc)
                return post_complain(EX_USAGE,
                        "'%.100s' is too much: post takes options only, see 'gatewatch post --help'",
                        argv[optind]);
        return -1;
}

/* ---- The surroundings ------------------------------------------------------------------------ */

/* The low fds that the caller left closed must not become ours: a complaint would land in a file.
 * Returns: whether stderr is there. */
static bool post_hold_standard_fds(void) {
        bool has_stderr = fcntl(STDERR_FILENO, F_GETFD) >= 0;
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        (void) fd_close(fd);
        return has_stderr;
}

/* The unit that this belongs to; manager NONE: to none. A control process may be in a group below the
 * unit's, which the path tells. */
static void post_locate(CgroupUnit *ret_unit) {
        char path[CGROUP_PATH_MAX];

        _cleanup_close_ int proc_fd = proc_open_root("/proc");
        if (proc_fd < 0 || proc_read_cgroup(proc_fd, 0, path, sizeof(path)) < 0 ||
                cgroup_path_to_unit(path, ret_unit) < 0)
                *ret_unit = (CgroupUnit){ .manager = UNIT_MANAGER_NONE };
}

/* "hermes.service" -> "hermes". Returns: name; NULL: no service. */
static const char *post_unit_name(const CgroupUnit *unit, char name[static UNIT_NAME_MAX]) {
        size_t length = strlen(unit->unit), suffix = strlen(".service");

        if (unit->manager == UNIT_MANAGER_NONE || length <= suffix ||
                strcmp(unit->unit + length - suffix, ".service") != 0)
                return NULL;
        (void) snprintf(name, UNIT_NAME_MAX, "%.*s", (int) (length - suffix), unit->unit);
        return name;
}

static void post_take_service(PostRequest *request, const CgroupUnit *unit) {
        const char *invocation = getenv("INVOCATION_ID");
        const char *mount_point = cgroup_mount_point();

        request->service.result = getenv("SERVICE_RESULT");
        request->service.exit_code = getenv("EXIT_CODE");
        request->service.exit_status = getenv("EXIT_STATUS");
        if (!invocation || sd_id128_from_string(invocation, &request->invocation_id) < 0) {
                request->invocation_id = SD_ID128_NULL;
                return; /* of which run the group's counters tell, nobody knows */
        }
        _cleanup_close_ int cgroup_fd = mount_point && unit->manager != UNIT_MANAGER_NONE
                ? cgroup_open(mount_point, unit->unit_cgroup_path)
                : -EBADF;
        oom_counters_read(cgroup_fd, &request->service.oom);
}

/* journald looks up whose a record is when it receives it: a sender that is gone by then has no unit. */
static void post_linger(LogTarget target) {
        if (target != LOG_TARGET_CONSOLE && target != LOG_TARGET_NULL &&
                access(POST_JOURNAL_SOCKET, F_OK) == 0)
                post_sleep(POST_LINGER_USEC);
}

static int post_run(const PostConfig *config) {
        _cleanup_free_ char *path = NULL;
        char name[UNIT_NAME_MAX];
        CgroupUnit unit;

        post_locate(&unit);
        _cleanup_close_ int state_fd = state_directory_find(
                config->state_dir, config->name ?: post_unit_name(&unit, name), &path);
        if (state_fd == -ENOENT)
                return EXIT_SUCCESS;
        if (state_fd == -EINVAL)
                return post_complain(EX_USAGE,
                        "whose record it is about is not known: give --name= or --state-dir=");
        if (state_fd < 0)
                return post_complain(EXIT_FAILURE, "cannot open the state directory %.200s: %s",
                        path ?: "", strerror(-state_fd));

        PostRequest request = {
                .state_fd = state_fd,
                .where = { config->log_target, config->log_level, config->console_fd },
                .busy_timeout_usec = POST_BUSY_TIMEOUT_USEC,
        };
        post_take_service(&request, &unit);
        int r = post_record(&request);
        if (r > 0)
                post_linger(config->log_target);
        if (r == -EBADMSG || r == -EBADFD || r == -ELOOP)
                return post_complain(EXIT_SUCCESS,
                        "%.200s/" FLIGHT_RECORD_FILE " is no flight record, ignoring", path);
        if (r < 0)
                return post_complain(EXIT_FAILURE,
                        "cannot write the last record of the run in %.200s: %s", path,
                        strerror(-r));
        return EXIT_SUCCESS;
}

int post_verb(int argc, char *argv[]) {
        PostConfig config = {
                .log_target = LOG_TARGET_AUTO,
                .log_level = LOG_INFO,
                .console_fd = post_hold_standard_fds() ? STDERR_FILENO : -EBADF,
        };

        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error like others */

        int r = post_take_environment(&config);
        if (r > 0)
                return r;
        r = post_take_options(argc - 1, argv + 1, &config);
        return r >= 0 ? r : post_run(&config);
}
