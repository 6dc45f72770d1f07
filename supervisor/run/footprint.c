/* SPDX-License-Identifier: MIT */

/* An idle supervisor's memory is mostly text, libsystemd's and our own: starting, the dynamic linker and
 * the reading of the unit's properties map pages that are never looked at again, and the kernel maps
 * their neighbours along. They are clean, so dropping them (MADV_DONTNEED on a private file mapping) costs nothing and frees the same
 * on the way out, where fewer pages have to be unmapped before whoever waits for us is told.
 *
 * Left alone: writable segments, with the relocated pages in them; objects with relocations in their
 * text (DT_TEXTREL), whose pages would come back unrelocated; the C library. Of our own text what the way
 * from a signal to the gateway runs through comes back with the first signal: a few minor faults, some
 * microseconds, once. */

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "footprint.h"

static bool object_has_text_relocations(const struct dl_phdr_info *object) {
        for (size_t i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Dyn) * entry;

                if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
                        continue;
                entry = (const ElfW(Dyn) *) (object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
                for (; entry->d_tag != DT_NULL; entry++)
                        if (entry->d_tag == DT_TEXTREL ||
                                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)))
                                return true;
        }
        return false;
}

static bool object_is_kept(const struct dl_phdr_info *object) {
        const char *slash = strrchr(object->dlpi_name, '/') ?: ""; /* our own has no name */

        return strncmp(slash, "/libc.so", 8) == 0 || strncmp(slash, "/ld-", 4) == 0 ||
                object_has_text_relocations(object);
}

static int object_trim(struct dl_phdr_info *object, size_t size, void *userdata) {
        const uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);

        if (object_is_kept(object))
                return 0;
        for (size_t i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
                uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
                uintptr_t end = begin + segment->p_filesz;

                if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
                        continue;
                begin &= ~(page - 1);
                end = (end + page - 1) & ~(page - 1);
                (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
        }
        return 0;
}

void footprint_trim(void) {
        (void) dl_iterate_phdr(object_trim, NULL);
}
