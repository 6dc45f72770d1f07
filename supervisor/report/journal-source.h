/* SPDX-License-Identifier: MIT */
#pragma once

/* Opening a journal where journalctl would, and saying what of it cannot be read. */

#include <systemd/sd-journal.h>

#include "journal-query.h"

/* Opens it.
 * ret_journal: the caller's. ret_root_fd: of a machine's root directory, to be closed after the journal; else
 * -EBADF. ret_remark: what could not be read, one line; "": nothing.
 * Returns, reterr: as journal_query_new(). */
int journal_source_open(const JournalSource *source, sd_journal **ret_journal, int *ret_root_fd,
        char ret_remark[static JOURNAL_ERROR_MAX],
        char reterr[static JOURNAL_ERROR_MAX]) _warn_unused_;

/* Whether this machine writes it now, so that its present boot is this machine's. */
bool journal_source_is_own(const JournalSource *source);

/* The root directory of a container, as systemd-machined gives it.
 * reterr: on failure one line.
 * Returns: a descriptor, the caller's; -EACCES: only root may; -ENOENT: no such machine; negative errno of
 * sd_bus_open_system(3), sd_bus_call(3).
 * Source: org.freedesktop.machine1(5), OpenMachineRootDirectory(). */
int journal_machine_open_root(
        const char *machine, char reterr[static JOURNAL_ERROR_MAX]) _warn_unused_;
