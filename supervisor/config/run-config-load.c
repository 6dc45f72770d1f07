/* SPDX-License-Identifier: MIT */

/* Where settings come from: a file, the environment, the command line. They are applied from the
 * weakest to the strongest, each value parsed as it comes, so that a wrong value is refused even where
 * a stronger one would have hidden it. What has to fit together is looked at once, at the end. */

#include "config/run-config-load.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "config/exit-status.h"
#include "config/setting.h"
#include "file.h"
#include "option-error.h"

#define CONFIG_FILE_MAX (64U * 1024U)

static int _printf_(3, 4)
        config_refuse(ConfigError *reterr, int exit_status, const char *format, ...) {
        va_list arguments;

        reterr->exit_status = exit_status;
        va_start(arguments, format);
        (void) vsnprintf(reterr->text, sizeof(reterr->text), format, arguments);
        va_end(arguments);

        /* One line, and nothing that a terminal would act on. */
        for (char *c = reterr->text; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f)
                        *c = '?';
        return -EINVAL;
}

/* where: what precedes the value in its source ("--headroom=", "GATEWATCH_HEADROOM="). */
static int setting_apply(const Setting *setting, RunConfig *config, const char *where,
        const char *value, ConfigError *reterr) {
        SettingError error = { .fix = "" };
        int r;

        r = setting->parse(config, value, &error);
        if (r != -EINVAL)
                return r;
        if (error.part[0] && strcmp(error.part, value) != 0)
                return config_refuse(reterr, EXIT_STATUS_USAGE,
                        "%s%.120s is not usable at '%.60s': %s", where, value, error.part,
                        error.fix);
        return config_refuse(
                reterr, EXIT_STATUS_USAGE, "%s%.200s is not usable: %s", where, value, error.fix);
}

static const char *environment_get(char *const environment[], const char *name) {
        size_t length = strlen(name);

        for (size_t i = 0; environment && environment[i]; i++)
                if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=')
                        return environment[i] + length + 1;
        return NULL;
}

static int config_apply_environment(
        RunConfig *config, char *const environment[], ConfigError *reterr) {
        const Setting *setting;

        for (size_t i = 0; (setting = setting_get(i)); i++) {
                char variable[SETTING_NAME_MAX], where[SETTING_NAME_MAX + 1];
                const char *value;
                int r;

                setting_variable(setting, variable);
                value = environment_get(environment, variable);
                if (!value)
                        continue;
                (void) snprintf(where, sizeof(where), "%s=", variable);
                r = setting_apply(setting, config, where, value, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static char *strip(char *text) {
        char *end;

        text += strspn(text, " \t\r");
        end = text + strlen(text);
        while (end > text && strchr(" \t\r", end[-1]))
                end--;
        *end = '\0';
        return text;
}

static int config_apply_line(RunConfig *config, char *line, const char *path, unsigned number,
        bool *in_section, ConfigError *reterr) {
        char where[PATH_MAX + SETTING_NAME_MAX + 16], key[SETTING_NAME_MAX];
        const Setting *setting;
        char *value;

        line = strip(line);
        if (!*line || *line == '#' || *line == ';')
                return 0;
        if (*line == '[') {
                if (strcmp(line, "[Run]") != 0)
                        return config_refuse(reterr, EXIT_STATUS_USAGE,
                                "%.200s:%u: unknown section '%.60s': only [Run] is known", path,
                                number, line);
                *in_section = true;
                return 0;
        }

        value = strchr(line, '=');
        if (!value || !*in_section)
                return config_refuse(reterr, EXIT_STATUS_USAGE, "%.200s:%u: '%.60s' is %s", path,
                        number, line,
                        value ? "outside of a section: put [Run] before it"
                              : "no setting: write Key=value");
        *value++ = '\0';
        line = strip(line);
        value = strip(value);

        for (size_t i = 0; (setting = setting_get(i)); i++) {
                setting_file_key(setting, key);
                if (strcmp(key, line) != 0)
                        continue;
                (void) snprintf(where, sizeof(where), "%.200s:%u: %s=", path, number, key);
                return setting_apply(setting, config, where, value, reterr);
        }
        return config_refuse(reterr, EXIT_STATUS_USAGE,
                "%.200s:%u: unknown setting '%.60s': see gatewatch-run(1)", path, number, line);
}

int run_config_parse_file(
        const char *text, const char *path, RunConfig *config, ConfigError *reterr) {
        _cleanup_free_ char *copy = NULL;
        bool in_section = false;
        unsigned number = 0;
        char *rest;
        int r;

        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        rest = copy;
        while (rest) {
                char *line = strsep(&rest, "\n");

                r = config_apply_line(config, line, path, ++number, &in_section, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int config_apply_file(RunConfig *config, const char *path, ConfigError *reterr) {
        _cleanup_free_ char *text = NULL, *resolved = NULL;
        size_t size;
        int r;

        /* Configuration may well be a symbolic link; what it points to must be a regular file. */
        resolved = realpath(path, NULL);
        r = resolved ? file_read_bounded(AT_FDCWD, resolved, CONFIG_FILE_MAX, &text, &size)
                     : -errno;
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return config_refuse(reterr, EXIT_STATUS_USAGE,
                        "--config=%.200s cannot be read: %s: give the path of a readable file of at "
                        "most 64 KiB",
                        path, r == -EBADFD ? "not a regular file" : strerror(-r));
        if (strlen(text) != size)
                return config_refuse(reterr, EXIT_STATUS_USAGE,
                        "--config=%.200s holds a NUL byte: give a text file", path);
        return run_config_parse_file(text, path, config, reterr);
}

/* Long options with "config", "help" and "version" behind the settings. */
enum { OPTION_CONFIG = 0x1000, OPTION_VERSION };

static void config_fill_options(struct option options[static SETTINGS_MAX + 4]) {
        const Setting *setting;
        size_t n = 0;

        for (; (setting = setting_get(n)); n++) {
                assert(n < SETTINGS_MAX);
                options[n] = (struct option){ setting->option,
                        setting->is_flag ? optional_argument : required_argument, NULL, (int) n };
        }
        options[n++] = (struct option){ "config", required_argument, NULL, OPTION_CONFIG };
        options[n++] = (struct option){ "help", no_argument, NULL, 'h' };
        options[n++] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };
        options[n] = (struct option){};
}

static int config_refuse_option(int argc, char *argv[], int code, ConfigError *reterr) {
        char error[OPTION_ERROR_MAX];

        (void) option_refuse_word(error, "run", ", or put -- before COMMAND", argc, argv, code);
        return config_refuse(reterr, EXIT_STATUS_USAGE, "%s", error);
}

/* One walk over the command line. With is_dry only the file, help and version are looked for, since
 * what the file says must be applied before what the command line says.
 * Returns: the index of COMMAND; negative errno. */
static int config_walk_options(int argc, char *argv[], bool is_dry, RunConfig *config,
        const char **config_file, ConfigAction *action, ConfigError *reterr) {
        struct option options[SETTINGS_MAX + 4];
        int code, r;

        config_fill_options(options);
        optind = 0; /* glibc: start over, and read the "+" below anew */
        opterr = 0;
        while ((code = getopt_long(argc, argv, "+:h", options, NULL)) >= 0) {
                char where[SETTING_NAME_MAX + 4];
                const Setting *setting;

                if (code == 'h' || code == OPTION_VERSION) {
                        *action = code == 'h' ? CONFIG_SHOW_HELP : CONFIG_SHOW_VERSION;
                        return optind;
                }
                if (code == OPTION_CONFIG) {
                        *config_file = optarg;
                        continue;
                }
                setting = setting_get((size_t) code);
                if (!setting)
                        return config_refuse_option(argc, argv, code, reterr);
                if (is_dry)
                        continue;

                (void) snprintf(where, sizeof(where), "--%s=", setting->option);
                r = setting_apply(setting, config, where, optarg ?: "yes", reterr);
                if (r < 0)
                        return r;
        }
        return optind;
}

size_t run_config_find_command(int argc, char *argv[], const char **ret_config_file) {
        ConfigAction action;
        ConfigError error;

        (void) config_walk_options(argc, argv, /* is_dry= */ true, /* config= */ NULL,
                ret_config_file, &action, &error);
        return (size_t) optind;
}

static int config_take_command(RunConfig *config, int argc, char *argv[]) {
        config->argv = calloc((size_t) argc + 1, sizeof(char *));
        if (!config->argv)
                return -ENOMEM;
        for (int i = 0; i < argc; i++) {
                config->argv[i] = strdup(argv[i]);
                if (!config->argv[i])
                        return -ENOMEM;
        }
        return 0;
}

/* What only shows when all is known. */
static int config_check(RunConfig *config, ConfigError *reterr) {
        char later[USEC_SPAN_MAX], headroom[USEC_SPAN_MAX], first[USEC_SPAN_MAX],
                drain[USEC_SPAN_MAX];
        const char *text = config->schedule_text ?: SCHEDULE_DEFAULT;
        ScheduleError error;

        if (schedule_parse(text, config->drain_usec, &config->schedule, &error) < 0)
                return config_refuse(reterr, EXIT_STATUS_USAGE,
                        "--stop-schedule=%.120s is not usable at '%s': %s", text, error.part,
                        error.fix);
        config->schedule.is_default = !config->schedule_text;

        if (config->has_drain && config->schedule.phases[0].duration_usec != config->drain_usec)
                return config_refuse(reterr, EXIT_STATUS_CONFIG,
                        "--drain-timeout=%s contradicts --stop-schedule=, whose first phase takes %s: "
                        "leave one of them out",
                        usec_format_span(drain, config->drain_usec, 1),
                        usec_format_span(first, config->schedule.phases[0].duration_usec, 1));
        config->drain_usec = config->schedule.phases[0].duration_usec;

        if (!schedule_fits_headroom(&config->schedule, config->headroom_usec))
                return config_refuse(reterr, EXIT_STATUS_USAGE,
                        "--headroom=%s is too short for --stop-schedule=%.120s: the phases after the "
                        "first take %s, and 2s are kept for the record; raise the one or shorten the "
                        "other",
                        usec_format_span(headroom, config->headroom_usec, 1), text,
                        usec_format_span(later, schedule_later_usec(&config->schedule), 1));
        return 0;
}

static int config_load_sources(int argc, char *argv[], char *const environment[], RunConfig *config,
        ConfigAction *action, ConfigError *reterr) {
        const char *config_file = environment_get(environment, "GATEWATCH_CONFIG");
        int r;

        r = config_walk_options(
                argc, argv, /* is_dry= */ true, config, &config_file, action, reterr);
        if (r < 0 || *action != CONFIG_RUN)
                return r;
        if (config_file) {
                r = config_apply_file(config, config_file, reterr);
                if (r < 0)
                        return r;
        }
        r = config_apply_environment(config, environment, reterr);
        if (r < 0)
                return r;
        r = config_walk_options(
                argc, argv, /* is_dry= */ false, config, &config_file, action, reterr);
        if (r < 0)
                return r;
        if (r >= argc)
                return config_refuse(reterr, EXIT_STATUS_USAGE,
                        "no COMMAND was given: write 'gatewatch run [OPTIONS] -- COMMAND [ARG…]'");
        return config_take_command(config, argc - r, argv + r);
}

int run_config_load(int argc, char *argv[], char *const environment[], RunConfig *ret_config,
        ConfigAction *ret_action, ConfigError *reterr) {
        ConfigAction action = CONFIG_RUN;
        RunConfig config = {
                .drain_usec = 60 * USEC_PER_SEC,
                .headroom_usec = 30 * USEC_PER_SEC,
                .on_short_timeout = SHORT_TIMEOUT_EXTEND,
                .ready = _READY_MODE_INVALID,
                .log_level = 6, /* info */
                .watchdog_signal = SIGABRT,
                .step_timeout_usec = 5 * USEC_PER_SEC,
                .on_step_timeout = STEP_TIMEOUT_ESCALATE,
                .diagnostic_usec = 5 * USEC_PER_SEC,
        };
        int r;

        r = config_load_sources(argc, argv, environment, &config, &action, reterr);
        if (r >= 0 && action == CONFIG_RUN)
                r = config_check(&config, reterr);
        if (r < 0) {
                run_config_done(&config);
                return r;
        }

        if (config.ready == _READY_MODE_INVALID)
                config.ready =
                        environment_get(environment, "NOTIFY_SOCKET") ? READY_NOTIFY : READY_EXEC;
        *ret_config = config;
        *ret_action = action;
        return 0;
}
