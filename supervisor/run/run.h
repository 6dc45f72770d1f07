/* SPDX-License-Identifier: MIT */
#pragma once

/* The verb `run`: supervise a gateway.
 *
 * argc, argv: main()'s own; argv[1] is the verb.
 * Returns: the exit status for what went wrong before the gateway ran, and for --help and --version.
 * When a gateway ran it does not return: the process leaves as the gateway left. */
int run_verb(int argc, char *argv[]);
