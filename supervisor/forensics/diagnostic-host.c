/* SPDX-License-Identifier: MIT */

/* What the host and the control group say in small text files, passed on line by line: load, pressure,
 * memory, limits and what ran into them. */

#include <fcntl.h>
#include <string.h>

#include "cgroup.h"
#include "diagnostic-page.h"
#include "file.h"

#define DIAGNOSTIC_FILE_BYTES 8192
#define DIAGNOSTIC_FILE_LINES 16

/* Whether one of the names begins the line; all do when there are no names. */
static bool diagnostic_is_wanted(const char *line, const char *const *names) {
        if (!names)
                return true;
        for (; *names; names++)
                if (strncmp(line, *names, strlen(*names)) == 0)
                        return true;
        return false;
}

/* "prefix: line" for each line that is wanted. */
static void diagnostic_print_file(DiagnosticPage *page, int dir_fd, const char *path,
        const char *prefix, const char *const *names) {
        char text[DIAGNOSTIC_FILE_BYTES];
        size_t n_lines = 0;

        ssize_t n = file_read_virtual(dir_fd, path, text, sizeof(text));
        if (n < 0) {
                diagnostic_page_print(page, "%s: ", prefix);
                diagnostic_page_print_missing(page, (int) n);
                return;
        }
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                if (*line == '\0' || !diagnostic_is_wanted(line, names))
                        continue;
                if (n_lines++ == DIAGNOSTIC_FILE_LINES)
                        return;
                diagnostic_page_print(page, "%s: ", prefix);
                diagnostic_page_print_foreign(page, line, strlen(line));
                diagnostic_page_print(page, "\n");
        }
}

void diagnostic_write_host(DiagnosticPage *page, int proc_fd) {
        static const char *const memory_names[] = { "MemTotal:", "MemFree:", "MemAvailable:",
                "Cached:", "Dirty:", "Writeback:", "Slab:", "SwapTotal:", "SwapFree:", NULL };

        diagnostic_page_begin_section(page, "load and pressure");
        diagnostic_print_file(page, proc_fd, "loadavg", "loadavg", NULL);
        diagnostic_print_file(page, proc_fd, "pressure/cpu", "cpu", NULL);
        diagnostic_print_file(page, proc_fd, "pressure/memory", "memory", NULL);
        diagnostic_print_file(page, proc_fd, "pressure/io", "io", NULL);
        diagnostic_page_flush(page);

        diagnostic_page_begin_section(page, "memory");
        diagnostic_print_file(page, proc_fd, "meminfo", "meminfo", memory_names);
        diagnostic_page_flush(page);
}

void diagnostic_write_cgroup(
        DiagnosticPage *page, const char *mount_point, const DiagnosticRequest *request) {
        static const char *const files[] = { "memory.current", "memory.max", "memory.high",
                "memory.swap.current", "memory.events", "memory.events.local", "pids.current",
                "pids.max", "cgroup.events", "cpu.pressure", "memory.pressure", "io.pressure" };

        if (!request->cgroup_path)
                return;
        diagnostic_page_begin_section(page, "control group");
        diagnostic_page_print_foreign(page, request->cgroup_path, strlen(request->cgroup_path));
        diagnostic_page_print(page, "\n");

        _cleanup_close_ int cgroup_fd =
                mount_point ? cgroup_open(mount_point, request->cgroup_path) : -EOPNOTSUPP;
        if (cgroup_fd < 0)
                diagnostic_page_print_missing(page, cgroup_fd);
        for (size_t i = 0; cgroup_fd >= 0 && i < ELEMENTSOF(files); i++)
                /* Controllers that are not enabled have no files: that is no news. */
                if (faccessat(cgroup_fd, files[i], F_OK, 0) >= 0)
                        diagnostic_print_file(page, cgroup_fd, files[i], files[i], NULL);
        diagnostic_page_flush(page);
}
