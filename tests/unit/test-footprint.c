/* SPDX-License-Identifier: MIT */

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-event.h>

#include <cmocka.h>

#include "cleanup.h"
#include "run/footprint.h"

static unsigned long resident_kb(void) {
        _cleanup_fclose_ FILE *file = fopen("/proc/self/smaps_rollup", "re");
        char line[256];
        unsigned long kb = 0;

        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, "Rss: %lu kB", &kb) == 1)
                        return kb;
        return 0;
}

/* Reads a byte of every page of libsystemd's unwritable segments. Returns: their sum. */
static int touch_library(struct dl_phdr_info *object, size_t size, void *userdata) {
        unsigned *sum = userdata;

        if (!strstr(object->dlpi_name, "libsystemd"))
                return 0;
        for (size_t i = 0; i < object->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
                const volatile unsigned char *bytes =
                        (const volatile unsigned char *) (object->dlpi_addr + segment->p_vaddr);

                if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
                        continue;
                for (size_t offset = 0; offset < segment->p_filesz; offset += 4096)
                        *sum = *sum * 31 + bytes[offset];
        }
        return 0;
}

static void test_footprint_trim_frees_pages_that_come_back_unchanged(void **state) {
        unsigned before = 0, after = 0;
        unsigned long resident;
        sd_event *event = NULL;

        (void) dl_iterate_phdr(touch_library, &before);
        resident = resident_kb();
        footprint_trim();
        assert_true(resident_kb() + 200 < resident);

        (void) dl_iterate_phdr(touch_library, &after);
        assert_int_equal(before, after);
        assert_true(sd_event_new(&event) >= 0);
        assert_null(sd_event_unref(event));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_footprint_trim_frees_pages_that_come_back_unchanged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
