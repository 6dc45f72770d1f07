/* SPDX-License-Identifier: MIT */
#pragma once

/* A pager behind a program's output, as journalctl has it. */

#include <stdbool.h>

#include "cleanup.h"

typedef struct Pager Pager;

/* From here on what is written to stdout goes through a pager, where stdout is a terminal that is not dumb. $GATEWATCH_PAGER is not read:
 * $SYSTEMD_PAGER, then $PAGER, then less, more; "" or "cat": none. $SYSTEMD_LESS and $SYSTEMD_LESSCHARSET set what less gets,
 * $SYSTEMD_PAGERSECURE as systemd has it.
 *
 * jump_to_end: as journalctl -e.
 * Returns: 0 and a pager; 0 and NULL: none is wanted, or none is there; negative errno of pipe2(2), fork(2): stdout is as it was. */
int pager_open(bool jump_to_end, Pager **ret_pager) _warn_unused_;

/* Ends the output and waits until its reader has left. NULL is fine. Returns: NULL. */
Pager *pager_free(Pager *pager);
DEFINE_POINTER_CLEANUP(Pager, pager_free)
