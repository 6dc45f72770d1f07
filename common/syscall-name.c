/* SPDX-License-Identifier: MIT */

/* Names of system calls.
 *
 * The table comes from the header that the compiler itself uses (generate-syscall-names.sh), so it knows
 * the calls of the machine that built us, of the architecture that we were built for: what the kernel
 * learnt later has a number only, and the calls of a 32-bit process on a 64-bit kernel, whose numbers
 * are others, must not be asked for here.
 *
 * It is searched from front to back: whoever asks does so a hundred times in a gateway's life. */

#include "syscall-name.h"

#include <stddef.h>

#include <asm/unistd.h>

#include "cleanup.h"

typedef struct SyscallName {
        long number;
        const char *name;
} SyscallName;

static const SyscallName syscall_names[] = {
#include "syscall-names.h"
};

const char *syscall_name(long number) {
        for (size_t i = 0; i < ELEMENTSOF(syscall_names); i++)
                if (syscall_names[i].number == number)
                        return syscall_names[i].name;
        return NULL;
}
