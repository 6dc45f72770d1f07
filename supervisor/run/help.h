/* SPDX-License-Identifier: MIT */
#pragma once

/* Prints the text of `gatewatch run --help`. */
void run_config_print_help(void);
