/* SPDX-License-Identifier: MIT */
#pragma once

/* What `gatewatch run` was asked to do: options from the command line, the environment and a file,
 * in this order of precedence, each value checked where it comes in. */

#include <stdbool.h>

#include "record.h"
#include "redact.h"
#include "stop/budget.h"
#include "stop/schedule.h"
#include "usec.h"

#define CONFIG_NAME_MAX  128
#define CONFIG_ERROR_MAX 512

typedef enum ReadyMode {
        READY_NOTIFY, /* the gateway says READY=1 */
        READY_EXEC,   /* once it has been executed */
        _READY_MODE_MAX,
        _READY_MODE_INVALID = -EINVAL,
} ReadyMode;

const char *ready_mode_to_string(ReadyMode mode);
ReadyMode ready_mode_from_string(const char *name);

typedef enum SecondSignal {
        SECOND_SIGNAL_IGNORE,
        SECOND_SIGNAL_ESCALATE,
        _SECOND_SIGNAL_MAX,
        _SECOND_SIGNAL_INVALID = -EINVAL,
} SecondSignal;

const char *second_signal_to_string(SecondSignal second);
SecondSignal second_signal_from_string(const char *name);

typedef struct RunConfig {
        char *name;      /* NULL: unit name or base name of COMMAND */
        char *state_dir; /* NULL: the default chain */
        char *schedule_text;
        usec_t drain_usec;
        usec_t headroom_usec;
        ShortTimeoutAction on_short_timeout;
        Schedule schedule; /* parsed, with the drain in it */
        ReadyMode ready;   /* _READY_MODE_INVALID until the default is known */
        SecondSignal second_signal;
        CmdlineMode cmdline;
        LogTarget log_target;
        int log_level;
        int console_fd; /* where logfmt lines go; -EBADF: we were started with stderr closed */
        bool has_drain; /* --drain-timeout= was given */
        char **argv;    /* the gateway's; owned copy, NULL-terminated */
} RunConfig;

/* Why a configuration was refused: one line that names the offending value and the fix. */
typedef struct ConfigError {
        int exit_status; /* 64: unusable; 78: contradictory */
        char text[CONFIG_ERROR_MAX];
} ConfigError;

typedef enum ConfigAction {
        CONFIG_RUN,
        CONFIG_SHOW_HELP,
        CONFIG_SHOW_VERSION,
} ConfigAction;

/* Reads everything. argv[0] is the verb; argv is permuted by nobody: the options end at COMMAND or
 * "--".
 *
 * environment: "NAME=value" strings, NULL-terminated (normally environ).
 *
 * Returns: 0 and *ret_action; -EINVAL with *reterr; -ENOMEM. On CONFIG_RUN *ret_config is complete
 * but for what depends on the machine (name, state_dir, ready). */
int run_config_load(int argc, char *argv[], char *const environment[], RunConfig *ret_config,
        ConfigAction *ret_action, ConfigError *reterr) _warn_unused_;
void run_config_done(RunConfig *config);

/* Reads the [Run] section of a configuration file's text into config (for --config=, and for tests).
 * path is only named in errors. Returns: 0; -EINVAL with *reterr; -ENOMEM. */
int run_config_parse_file(
        const char *text, const char *path, RunConfig *config, ConfigError *reterr) _warn_unused_;

/* The text of --help. */
void run_config_print_help(void);
