/* SPDX-License-Identifier: MIT */

/* A page beyond the end of a file that was cut under its mapping, or one that the disk does not give, ends
 * whoever touches it by SIGBUS. libsystemd cannot do anything about that: a signal's handler belongs to the
 * program. So the program puts a page of zeros where the fault was, and the instruction is tried again.
 * An object of zeros has no type: libsystemd says that the file is damaged, and goes on with the others.
 * A SIGBUS that is no such fault (sent by kill(2), an unaligned access) does what it would have done.
 *
 * Pages that were read stay mapped as long as the file is open, and the kernel maps sixteen for each that is touched: a
 * walk over a large journal comes to have all of it, and counts as large as that. They are the page cache's, and
 * cost nothing but that count, for which programs are killed (MemoryMax=, the OOM killer's score). So they are
 * let go of now and then. The mappings are found by name, as libsystemd keeps them to itself.
 *
 * Source: systemd 252, src/basic/sigbus.c, which journalctl uses and libsystemd does not export; madvise(2). */

#include "journal-pages.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"

static void journal_pages_handle_fault(int signo, siginfo_t *info, void *context) {
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

void journal_pages_catch_faults(struct sigaction *ret_before) {
        const struct sigaction action = {
                .sa_sigaction = journal_pages_handle_fault,
                .sa_flags = SA_SIGINFO,
        };

        (void) sigaction(SIGBUS, &action, ret_before);
}

void journal_pages_forget_faults(const struct sigaction *before) {
        (void) sigaction(SIGBUS, before, NULL);
}

/* Of a line of /proc/self/maps: "begin-end rights offset device inode path". */
static void journal_pages_release_line(const char *line) {
        uintptr_t begin, end;
        int path = 0;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " r--s %*s %*s %*s %n", &begin, &end, &path) ==
                        2 &&
                path > 0 && strstr(line + path, ".journal"))
                (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
}

void journal_pages_release(void) {
        _cleanup_fclose_ FILE *file = fopen("/proc/self/maps", "re");
        char line[PATH_MAX + 128];

        while (file && fgets(line, sizeof(line), file))
                journal_pages_release_line(line);
}
