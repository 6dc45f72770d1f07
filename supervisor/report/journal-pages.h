/* SPDX-License-Identifier: MIT */
#pragma once

/* libsystemd reads journal files by mapping them. What becomes of the pages is the program's business. */

#include <signal.h>

/* From here on a page of a file that has shrunk, or that the disk does not give, reads as zeros, which libsystemd takes
 * for a damaged object, instead of ending the process by SIGBUS. Of the whole process; as journalctl does.
 * ret_before: for journal_pages_forget_faults(). */
void journal_pages_catch_faults(struct sigaction *ret_before);
void journal_pages_forget_faults(const struct sigaction *before);

/* Lets go of the pages of all journal files that are mapped; what is needed again comes back from the page cache. */
void journal_pages_release(void);
