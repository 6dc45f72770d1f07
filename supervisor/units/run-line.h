/* SPDX-License-Identifier: MIT */
#pragma once

/* What a unit tells `gatewatch run`: is it in ExecStart=, and with which settings, taken as the run
 * itself would take them: command line, the unit's environment, the file of --config=. */

#include "config/run-config-load.h"
#include "units/unit-view.h"

typedef struct RunLine {
        bool is_supervised; /* ExecStart= runs gatewatch run */
        bool has_config;    /* config holds; never where error or unknown say something */
        RunConfig config;
        char error[CONFIG_ERROR_MAX]; /* run would refuse its settings, with this line; empty: no */
        char *unknown; /* why the settings cannot be known here ("EnvironmentFile=/etc/x: Permission
                        * denied"); NULL: they are */
} RunLine;

/* Is this `gatewatch run` (also by a path, also behind env(1))? Returns: the index of "run" in argv; 0: no. */
size_t run_line_find(char *const argv[]);

/* Reads ExecStart=. Variables ($X, ${X}) in options are filled in from Environment= and the files of
 * EnvironmentFile=, which are read if they are on this machine (view->has_files). In the gateway's own
 * command (config.argv) words that only the manager can fill in stay as they are written.
 * Returns: 0; -ENOMEM. */
int run_line_read(const UnitView *view, RunLine *ret_line) _warn_unused_;
void run_line_done(RunLine *line);
