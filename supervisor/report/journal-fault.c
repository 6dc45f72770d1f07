/* SPDX-License-Identifier: MIT */

/* A page beyond the end of a file that was cut under its mapping, or one that the disk does not give, ends
 * whoever touches it by SIGBUS. libsystemd cannot do anything about that: a signal's handler belongs to the
 * program. So the program puts a page of zeros where the fault was, and the instruction is tried again.
 * An object of zeros has no type: libsystemd says that the file is damaged, and goes on with the others.
 *
 * A SIGBUS that is no such fault (sent by kill(2), an unaligned access) does what it would have done.
 * Source: systemd 252, src/basic/sigbus.c, which journalctl uses and libsystemd does not export. */

#include "journal-fault.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static void journal_fault_handle(int signo, siginfo_t *info, void *context) {
        const struct sigaction otherwise = { .sa_handler = SIG_DFL };
        int saved_errno = errno;
        size_t page_bytes = (size_t) sysconf(_SC_PAGESIZE);
        void *page = (void *) ((uintptr_t) info->si_addr & ~(uintptr_t) (page_bytes - 1));

        (void) context;
        if (info->si_code == BUS_ADRERR &&
                mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                        page) {
                errno = saved_errno;
                return;
        }
        /* The instruction faults again; what kill(2) has sent has to be sent again. */
        (void) sigaction(signo, &otherwise, NULL);
        if (info->si_code <= 0)
                (void) raise(signo);
}

void journal_fault_catch(struct sigaction *ret_before) {
        const struct sigaction action = {
                .sa_sigaction = journal_fault_handle,
                .sa_flags = SA_SIGINFO,
        };

        (void) sigaction(SIGBUS, &action, ret_before);
}

void journal_fault_forget(const struct sigaction *before) {
        (void) sigaction(SIGBUS, before, NULL);
}
