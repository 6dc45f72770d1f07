/* SPDX-License-Identifier: MIT */
#pragma once

/* Journal files are mapped, and may shrink or lose a disk block while they are read. */

#include <signal.h>

/* From here on such a place reads as zeros, which libsystemd takes for a damaged object, instead of ending the
 * process by SIGBUS. Of the whole process; as journalctl does.
 * ret_before: for journal_fault_forget(). */
void journal_fault_catch(struct sigaction *ret_before);
void journal_fault_forget(const struct sigaction *before);
