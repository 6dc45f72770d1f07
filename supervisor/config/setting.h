/* SPDX-License-Identifier: MIT */
#pragma once

/* The settings of `gatewatch run`: their names in all three forms, and the parser of each value. */

#include <stddef.h>

#include "config/run-config.h"

#define SETTING_NAME_MAX 64

typedef struct SettingError {
        char part[128];  /* the offending part of the value; empty: all of it */
        const char *fix; /* static: what would be right */
} SettingError;

typedef struct Setting {
        const char *option; /* "drain-timeout" */
        /* Takes a value into the configuration.
         * Returns: 0; -EINVAL with *reterr: refused; -ENOMEM. */
        int (*parse)(RunConfig *config, const char *value, SettingError *reterr);
        bool is_flag; /* on the command line the value may be left out: "yes" */
} Setting;

/* The rows in the order of --help. Returns: NULL behind the last. */
#define SETTINGS_MAX 32
const Setting *setting_get(size_t index);

/* "drain-timeout" -> "DrainTimeout" */
void setting_file_key(const Setting *setting, char buffer[static SETTING_NAME_MAX]);
/* "drain-timeout" -> "GATEWATCH_DRAIN_TIMEOUT" */
void setting_variable(const Setting *setting, char buffer[static SETTING_NAME_MAX]);
