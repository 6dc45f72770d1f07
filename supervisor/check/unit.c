/* SPDX-License-Identifier: MIT */

/* The verb: options, the command, and where the text goes. It takes every option of `gatewatch run`, reads
 * them by the same code, and puts them into the line as they were given; what they mean for the unit
 * stands in unit-text.c and unit-drop-in.c.
 *
 * Only the command line counts here, not the GATEWATCH_… variables of whoever calls: the unit will not
 * have them. Nothing is written but stdout. */

#include "check/unit.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "check/unit-present.h"
#include "check/unit-text-internal.h"
#include "config/run-config-load.h"
#include "config/setting.h"
#include "option-error.h"
#include "unit-path.h"

#define SERVICE_SUFFIX ".service"

typedef struct UnitOptions {
        const char *drop_in;     /* NULL: a whole unit */
        const char *description; /* NULL: none */
        UnitManager manager;
        char **run;     /* those of `gatewatch run`, each one word */
        char **command; /* NULL: none */
        RunConfig config;
} UnitOptions;

static void unit_options_done(UnitOptions *options) {
        (void) strv_free(options->run);
        (void) strv_free(options->command);
        run_config_done(&options->config);
}

static int _printf_(2, 3) unit_complain(int exit_status, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        /* One line, and nothing that a terminal would act on. */
        for (char *c = text; c && *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f)
                        *c = '?';
        (void) fprintf(stderr, "gatewatch unit: %s\n", text ?: strerror(ENOMEM));
        return exit_status;
}

static int unit_fail(int error) {
        return unit_complain(EX_OSERR, "%s", strerror(-error));
}

static void unit_print_help(void) {
        (void) fputs(
                "gatewatch unit [OPTIONS…] [--] COMMAND [ARG…]\n"
                "gatewatch unit --drop-in=UNIT [OPTIONS…] [-- COMMAND [ARG…]]\n"
                "\n"
                "Print a unit for a gateway under gatewatch, or a drop-in that puts gatewatch in front\n"
                "of the command that a unit has. Both are aligned with the drain.\n"
                "\n"
                "  -h --help                Show this help\n"
                "     --version             Show the version\n"
                "     --drop-in=UNIT        For this service: a name, or the path of its file\n"
                "     --name=NAME           Name of the unit and in records (default: COMMAND's)\n"
                "     --description=TEXT    Description= of the unit\n"
                "     --system --user       For the system's manager (default for root), or a user's\n"
                "\n"
                "Every option of gatewatch run is taken, and put into ExecStart=: --drain-timeout=,\n"
                "--ready=, … (see 'gatewatch run --help'). \"%\" and \"$\" in them and in COMMAND stand for\n"
                "themselves. See gatewatch-unit(1).\n",
                stdout);
}

/* ---- Options -------------------------------------------------------------------------------------- */

enum {
        OPTION_VERSION = 0x1000,
        OPTION_CONFIG,
        OPTION_DROP_IN,
        OPTION_DESCRIPTION,
        OPTION_SYSTEM,
        OPTION_USER,
};

static const struct option own_options[] = {
        { "config", required_argument, NULL, OPTION_CONFIG },
        { "drop-in", required_argument, NULL, OPTION_DROP_IN },
        { "description", required_argument, NULL, OPTION_DESCRIPTION },
        { "system", no_argument, NULL, OPTION_SYSTEM },
        { "user", no_argument, NULL, OPTION_USER },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        {},
};

static void fill_options(struct option options[static SETTINGS_MAX + ELEMENTSOF(own_options)]) {
        const Setting *setting;
        size_t n = 0;

        for (; (setting = setting_get(n)); n++)
                options[n] = (struct option){ setting->option,
                        setting->is_flag ? optional_argument : required_argument, NULL, (int) n };
        memcpy(options + n, own_options, sizeof(own_options));
}

static int complain_option(int argc, char *argv[], int code) {
        char error[OPTION_ERROR_MAX];

        (void) option_refuse_word(error, "unit", ", or put -- before COMMAND", argc, argv, code);
        return unit_complain(EX_USAGE, "%s", error);
}

/* One of run's, as one word. Returns: 0; -ENOMEM. */
static int take_run_option(UnitOptions *options, const char *name, const char *value) {
        _cleanup_free_ char *word = NULL;

        if (asprintf(&word, "--%s%s%s", name, value ? "=" : "", value ?: "") < 0) {
                word = NULL;
                return -ENOMEM;
        }
        return strv_extend(&options->run, word);
}

/* Returns: 0; -ENOMEM. */
static int take_option(UnitOptions *options, int code) {
        const Setting *setting;

        switch (code) {
        case OPTION_CONFIG:
                return take_run_option(options, "config", optarg);
        case OPTION_DROP_IN:
                options->drop_in = optarg;
                return 0;
        case OPTION_DESCRIPTION:
                options->description = optarg;
                return 0;
        case OPTION_SYSTEM:
                options->manager = UNIT_MANAGER_SYSTEM;
                return 0;
        case OPTION_USER:
                options->manager = UNIT_MANAGER_USER;
                return 0;
        default:
                setting = setting_get((size_t) code);
                assert(setting);
                return take_run_option(options, setting->option, optarg);
        }
}

/* argv[0] is the verb. Returns: -1: go on; else the exit status. */
static int take_options(int argc, char *argv[], UnitOptions *options) {
        struct option table[SETTINGS_MAX + ELEMENTSOF(own_options)];
        int code;

        fill_options(table);
        optind = 0; /* glibc: start over, and read the "+" below anew */
        opterr = 0;
        while ((code = getopt_long(argc, argv, "+:h", table, NULL)) >= 0) {
                if (code == 'h') {
                        unit_print_help();
                        return EXIT_SUCCESS;
                }
                if (code == OPTION_VERSION) {
                        (void) printf("gatewatch %s\n", GATEWATCH_VERSION);
                        return EXIT_SUCCESS;
                }
                if (code == ':' || code == '?')
                        return complain_option(argc, argv, code);
                if (take_option(options, code) < 0)
                        return unit_fail(-ENOMEM);
        }
        if (strv_copy(argv + optind, &options->command) < 0)
                return unit_fail(-ENOMEM);
        if (!options->command && !options->drop_in)
                return unit_complain(EX_USAGE,
                        "no COMMAND was given: write 'gatewatch unit [OPTIONS] -- COMMAND [ARG…]'");
        if (options->description && options->drop_in)
                return unit_complain(EX_USAGE,
                        "--description= is for a whole unit: leave it out beside --drop-in=");
        return -1;
}

/* ---- Settings -------------------------------------------------------------------------------------- */

/* Reads run's options as run would, with an environment of one variable. Returns: -1: go on; else the
 * exit status. */
static int load_settings(const UnitOptions *options, char *variable, RunConfig *ret_config) {
        static char verb[] = "run", separator[] = "--", anything[] = "gateway";
        char *const environment[] = { variable, NULL };
        const size_t n_run = strv_length(options->run), n_command = strv_length(options->command);
        _cleanup_free_ char **argv = calloc(n_run + n_command + 4, sizeof(char *));
        ConfigError error = {};
        ConfigAction action;
        size_t n = 0;
        int r;

        if (!argv)
                return unit_fail(-ENOMEM);
        argv[n++] = verb;
        for (size_t i = 0; i < n_run; i++)
                argv[n++] = options->run[i];
        argv[n++] = separator;
        for (size_t i = 0; i < n_command; i++)
                argv[n++] = options->command[i];
        if (n_command == 0)
                argv[n++] = anything;
        r = run_config_load((int) n, argv, environment, ret_config, &action, &error);
        if (r == -EINVAL)
                return unit_complain(error.exit_status, "%s", error.text);
        return r < 0 ? unit_fail(r) : -1;
}

/* Returns: -1: go on; else the exit status. */
static int take_settings(UnitOptions *options) {
        static char notify[] = "NOTIFY_SOCKET=/run/systemd/notify";
        RunConfig other = {};
        int status;

        status = load_settings(options, NULL, &options->config);
        if (status >= 0)
                return status;
        /* What changes with the surroundings was not asked for. */
        status = load_settings(options, notify, &other);
        if (status >= 0)
                return status;
        if (other.ready != options->config.ready)
                options->config.ready = _READY_MODE_INVALID;
        run_config_done(&other);
        if (!options->command)
                options->config.argv = strv_free(options->config.argv);
        return -1;
}

/* ---- The command ----------------------------------------------------------------------------------- */

static bool is_program(const char *path) {
        struct stat status;

        return stat(path, &status) >= 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Looks a name up as a shell would. Returns: 1 and malloc()ed path; 0: not found; -ENOMEM. */
static int find_program(const char *name, char **ret_path) {
        const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";

        for (size_t length; *path; path += length + (path[length] == ':')) {
                _cleanup_free_ char *candidate = NULL;

                length = strcspn(path, ":");
                if (*path != '/') /* relative to a folder that the unit does not have */
                        continue;
                if (asprintf(&candidate, "%.*s/%s", (int) length, path, name) < 0) {
                        candidate = NULL;
                        return -ENOMEM;
                }
                if (is_program(candidate)) {
                        *ret_path = TAKE_PTR(candidate);
                        return 1;
                }
        }
        return 0;
}

/* A relative path is relative to us; the unit will run elsewhere. Returns: 1 and malloc()ed path; -ENOMEM
 * or what getcwd(3) says. */
static int make_absolute(const char *program, char **ret_path) {
        char directory[PATH_MAX];

        if (!getcwd(directory, sizeof(directory)))
                return -errno;
        while (strncmp(program, "./", 2) == 0)
                program += 2 + strspn(program + 2, "/");
        return asprintf(ret_path, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, program) <
                        0
                ? -ENOMEM
                : 1;
}

/* Makes the program's path absolute. Returns: -1: go on; else the exit status. */
static int resolve_command(UnitOptions *options) {
        char **argv = options->config.argv, *path = NULL;
        int r = 1;

        if (!argv)
                return -1;
        if (!strchr(argv[0], '/'))
                r = find_program(argv[0], &path);
        else if (argv[0][0] != '/')
                r = make_absolute(argv[0], &path);
        if (r < 0)
                return unit_fail(r);
        if (r == 0)
                (void) unit_complain(0,
                        "'%.200s' is not in $PATH here: it stays as it is, and is searched for when the "
                        "service starts",
                        argv[0]);
        else if (!is_program(path ?: argv[0]))
                (void) unit_complain(
                        0, "'%.200s' is not executable here: it stays as it is", path ?: argv[0]);
        if (path) {
                free(argv[0]);
                argv[0] = path;
        }
        return -1;
}

/* Where gatewatch will be: where it is, or, run from a build directory, where that would install it.
 * Returns: malloc()ed path; NULL: out of memory. */
static char *own_program(void) {
        static const char *const installed[] = { "/usr/", "/opt/" };
        char path[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

        if (n > 0) {
                path[n] = '\0';
                for (size_t i = 0; i < ELEMENTSOF(installed); i++)
                        if (strncmp(path, installed[i], strlen(installed[i])) == 0 &&
                                !strchr(path, ' '))
                                return strdup(path);
        }
        return strdup(GATEWATCH_BINDIR "/gatewatch");
}

/* ---- The texts -------------------------------------------------------------------------------------- */

static int print_text(const char *text) {
        if (fputs(text, stdout) < 0 || fflush(stdout) < 0)
                return unit_complain(EX_IOERR, "cannot write to stdout: %s", strerror(errno));
        if (isatty(STDOUT_FILENO))
                (void) fputs(
                        "gatewatch unit: nothing was installed; the first lines say where to save "
                        "this\n",
                        stderr);
        return EXIT_SUCCESS;
}

/* The name of a unit for a name: characters that systemd does not have in names as \xNN, as systemctl
 * itself writes them. Returns: malloc()ed name without suffix; NULL: out of memory. */
static char *name_to_unit(const char *name) {
        _cleanup_(byte_buffer_done) ByteBuffer buffer = {};
        size_t length = strlen(name);

        if (length > strlen(SERVICE_SUFFIX) &&
                strcmp(name + length - strlen(SERVICE_SUFFIX), SERVICE_SUFFIX) == 0)
                length -= strlen(SERVICE_SUFFIX);
        for (size_t i = 0; i < length; i++) {
                const unsigned char c = (unsigned char) name[i];
                char escaped[5];

                if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        strchr(":-_.\\@", c)) {
                        byte_buffer_append(&buffer, name + i, 1);
                        continue;
                }
                (void) snprintf(escaped, sizeof(escaped), "\\x%02x", c);
                byte_buffer_append_text(&buffer, escaped);
        }
        return byte_buffer_steal(&buffer);
}

static int write_unit(const UnitOptions *options, const char *program) {
        const char *slash = strrchr(options->config.argv[0], '/');
        const char *name = options->config.name ?: slash ? slash + 1 : options->config.argv[0];
        _cleanup_free_ char *unit = name_to_unit(name), *whole = NULL, *text = NULL;
        UnitTextRequest request = {
                .program = program,
                .name = unit,
                .manager = options->manager,
                .description = options->description,
                .run = &options->config,
                .options = options->run,
        };
        int r;

        if (!unit || asprintf(&whole, "%s" SERVICE_SUFFIX, unit) < 0) {
                whole = NULL;
                return unit_fail(-ENOMEM);
        }
        if (!unit_name_is_valid(whole))
                return unit_complain(
                        EX_USAGE, "'%.200s' cannot name a unit: give another one by --name=", name);
        r = unit_text_write(&request, &text);
        return r < 0 ? unit_fail(r) : print_text(text);
}

static int write_drop_in(const UnitOptions *options, const char *program) {
        _cleanup_(unit_present_done) UnitPresent present = {};
        _cleanup_free_ char *text = NULL, *why = NULL;
        const UnitTextRequest request = {
                .program = program,
                .run = &options->config,
                .options = options->run,
        };
        int r;

        r = unit_present_read(options->drop_in, options->manager, &present, &why);
        if (r < 0 && why)
                return unit_complain(r == -EINVAL ? EX_USAGE : EX_UNAVAILABLE, "%s", why);
        if (r < 0)
                return unit_fail(r);
        if (present.remark && !options->command)
                (void) unit_complain(0, "%s: %s", present.view.name, present.remark);
        r = unit_text_write_drop_in(&request, &present.view, present.exec_start, &text, &why);
        if (r == -EINVAL)
                return unit_complain(EX_USAGE, "%s", why);
        return r < 0 ? unit_fail(r) : print_text(text);
}

int unit_verb(int argc, char *argv[]) {
        _cleanup_(unit_options_done) UnitOptions options = {
                .manager = geteuid() == 0 ? UNIT_MANAGER_SYSTEM : UNIT_MANAGER_USER,
        };
        _cleanup_free_ char *program = own_program();
        int status;

        if (!program)
                return unit_fail(-ENOMEM);
        status = take_options(argc - 1, argv + 1, &options);
        if (status < 0)
                status = take_settings(&options);
        if (status < 0)
                status = resolve_command(&options);
        if (status >= 0)
                return status;
        return options.drop_in ? write_drop_in(&options, program) : write_unit(&options, program);
}
