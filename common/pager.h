/* SPDX-License-Identifier: MIT */
#pragma once

/* A pager behind a program's output, as journalctl has it. */

#include <stdbool.h>

#include "cleanup.h"

typedef struct Pager Pager;

/* From here on what is written to stdout and stderr goes through a pager, where both are terminals and $TERM is
 * not dumb. $SYSTEMD_PAGER, then $PAGER say which, and "" or "cat" that none is wanted; but without
 * $SYSTEMD_PAGERSECURE they can only do the latter, and Debian's "pager", less, more are tried, of which only less
 * where this program may be run for somebody else. $SYSTEMD_LESS and $SYSTEMD_LESSCHARSET set what less gets.
 *
 * Ask terminal_width() and terminal_wants_colour() before: from here on stdout is a pipe. Open it when what can
 * fail has been done and right before the output; not where output goes on until interrupted (--follow). A reader
 * who leaves early ends this program by SIGPIPE.
 *
 * jump_to_end: as journalctl -e; for less only.
 * Returns: 0 and a pager; 0 and NULL: none is wanted, or none is there; -ENOMEM; negative errno of pipe2(2),
 * fork(2), dup2(2): stdout and stderr are as they were.
 * Source: journalctl(1), ENVIRONMENT. */
int pager_open(bool jump_to_end, Pager **ret_pager) _warn_unused_;

/* Ends the output and waits until its reader has left; stdout, stderr and signals are then as they were. NULL is
 * fine. Returns: NULL. */
Pager *pager_free(Pager *pager);
DEFINE_POINTER_CLEANUP(Pager, pager_free)
