/* SPDX-License-Identifier: MIT */
#pragma once

/* Where the settings of `gatewatch run` come from: the command line, the environment and a file, in this
 * order of precedence, each value checked where it comes in. */

#include "config/run-config.h"

#define CONFIG_ERROR_MAX 512

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

/* Reads the [Run] section of a configuration file's text into config (for --config=, and for tests).
 * path is only named in errors. Returns: 0; -EINVAL with *reterr; -ENOMEM. */
int run_config_parse_file(
        const char *text, const char *path, RunConfig *config, ConfigError *reterr) _warn_unused_;

/* Where the options of a command line end, for who only looks at it; argv[0] is the verb.
 *
 * ret_config_file: the last --config= among them, pointing into argv; not written when there is none.
 *
 * Returns: the index of COMMAND, argc if there is none; of the word behind it when an option is wrong. */
size_t run_config_find_command(int argc, char *argv[], const char **ret_config_file);
