/* SPDX-License-Identifier: MIT */
#pragma once

/* Signal numbers and names, both ways, including the real-time signals. */

#include "cleanup.h"

#define SIGNAL_NAME_MAX 32

/* Writes the name of a signal: "SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX"; "signal#9999" for a
 * number that is none; "UNKNOWN" for 0.
 *
 * Returns: buffer. */
const char *signal_to_name(char buffer[static SIGNAL_NAME_MAX], int signo);

/* Reads "SIGTERM", "TERM", "term", "15", "RTMIN+3", "SIGRTMAX-2", "IOT", "POLL", ….
 *
 * Returns: the signal's number (1 to SIGRTMAX); -EINVAL: no such signal. */
int signal_from_name(const char *name) _warn_unused_;

/* The name of a siginfo code for a signal: "SI_USER", "SI_QUEUE", "SI_TKILL", "SI_KERNEL",
 * "SI_TIMER", "SI_MESGQ", "SI_ASYNCIO", "SI_SIGIO", and for SIGCHLD "CLD_EXITED" and so on; never
 * NULL ("SI_UNKNOWN").
 * Source: sigaction(2). */
const char *signal_code_to_name(int signo, int code);
