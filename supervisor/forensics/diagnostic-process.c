/* SPDX-License-Identifier: MIT */

/* The processes of a diagnostic: the gateway's as a tree, the host's by their use of the CPU.
 *
 * One reading of /proc serves both. The gateway's are those below the supervisor and those in the
 * control group, the supervisor itself included, and not the process that writes this. The tree is
 * walked with a bound on depth and number; what lies deeper, or in a circle that a torn reading can
 * make, follows flat.
 *
 * stat, statm and wchan answer whatever a process hangs in. The command line may wait for its memory
 * lock: it is not asked of a process in state D, and each line of the gateway's is in the log before
 * the next one is begun. */

#include <fcntl.h>
#include <string.h>

#include "cgroup.h"
#include "diagnostic-page.h"
#include "file.h"
#include "process-snapshot.h"

#define DIAGNOSTIC_TREE_MAX      500 /* processes */
#define DIAGNOSTIC_DEPTH_MAX     32
#define DIAGNOSTIC_CMDLINE_BYTES 512
#define DIAGNOSTIC_WCHAN_COLUMNS 20
#define TICKS_PER_SEC            100 /* USER_HZ is 100 wherever we run */

typedef struct DiagnosticProcesses {
        DiagnosticPage *page;
        int proc_fd;
        CmdlineMode mode;
        uint64_t uptime_ticks;
        ProcessInfo *list; /* the gateway's first, by pid */
        size_t n;
        size_t n_payload;
        bool *is_written; /* of the gateway's */
        size_t n_written;
} DiagnosticProcesses;

static void diagnostic_processes_done(DiagnosticProcesses *processes) {
        free(processes->list);
        free(processes->is_written);
}

/* ---- One process ---- */

static uint64_t diagnostic_age_ticks(
        const DiagnosticProcesses *processes, const ProcessInfo *info) {
        return processes->uptime_ticks > info->start_ticks
                ? processes->uptime_ticks - info->start_ticks
                : 0;
}

/* Over the process's life, as ps(1) has it. Before the first tick has passed nothing is known. */
static double diagnostic_cpu_percent(
        const DiagnosticProcesses *processes, const ProcessInfo *info) {
        uint64_t age_ticks = diagnostic_age_ticks(processes, info);

        return age_ticks > 0 ? 100.0 * (double) info->cpu_ticks / (double) age_ticks : 0;
}

static ssize_t diagnostic_read(
        int proc_fd, pid_t pid, const char *name, char *buffer, size_t size) {
        char path[64];

        (void) snprintf(path, sizeof(path), "%d/%s", pid, name);
        return file_read_virtual(proc_fd, path, buffer, size);
}

/* Source: proc(5), statm: the second number, in pages. */
static void diagnostic_print_memory(DiagnosticProcesses *processes, pid_t pid) {
        unsigned long n_pages;
        char text[128];

        if (diagnostic_read(processes->proc_fd, pid, "statm", text, sizeof(text)) > 0 &&
                sscanf(text, "%*u %lu", &n_pages) == 1)
                diagnostic_page_print(processes->page, "%10lu ",
                        n_pages * (unsigned long) (sysconf(_SC_PAGESIZE) / 1024));
        else
                diagnostic_page_print(processes->page, "%10s ", "-");
}

static void diagnostic_print_wchan(DiagnosticProcesses *processes, pid_t pid) {
        DiagnosticPage *page = processes->page;
        char text[64];
        ssize_t n = diagnostic_read(processes->proc_fd, pid, "wchan", text, sizeof(text));
        size_t begin = page->text.size;

        /* "0": it runs, or it is not for us to know. */
        if (n <= 0 || strcmp(text, "0") == 0)
                diagnostic_page_print(page, "-");
        else
                diagnostic_page_print_foreign(page, text, (size_t) n);
        do
                diagnostic_page_print(page, " ");
        while (!page->text.is_failed && page->text.size - begin <= DIAGNOSTIC_WCHAN_COLUMNS);
}

static void diagnostic_print_cmdline(DiagnosticProcesses *processes, const ProcessInfo *info) {
        ProcessSnapshot snapshot;

        if (processes->mode == CMDLINE_COMM)
                return;
        if (info->state == 'D') {
                diagnostic_page_print(processes->page, "  (command line not read)");
                return;
        }

        process_snapshot_init(&snapshot, info->pid);
        if (process_snapshot_read_urgent(&snapshot, processes->proc_fd) < 0 || !snapshot.has_info ||
                snapshot.info.start_ticks != info->start_ticks)
                return;
        _cleanup_free_ char *cmdline =
                process_snapshot_cmdline(&snapshot, processes->mode, DIAGNOSTIC_CMDLINE_BYTES);
        if (!cmdline)
                return;
        /* It is one line already, and escaped. */
        diagnostic_page_print(processes->page, "  %s", cmdline);
}

static void diagnostic_print_columns(DiagnosticProcesses *processes) {
        diagnostic_page_print(processes->page, "%7s %7s S %6s %10s %10s %10s %-*s %s\n", "PID",
                "PPID", "CPU%", "CPU-SEC", "AGE-SEC", "RSS-KIB", DIAGNOSTIC_WCHAN_COLUMNS, "WCHAN",
                "COMMAND");
}

static void diagnostic_print_process(
        DiagnosticProcesses *processes, const ProcessInfo *info, size_t depth) {
        DiagnosticPage *page = processes->page;

        diagnostic_page_print(page, "%7d %7d %c %6.1f %10.2f %10.2f ", info->pid, info->ppid,
                info->state, diagnostic_cpu_percent(processes, info),
                (double) info->cpu_ticks / TICKS_PER_SEC,
                (double) diagnostic_age_ticks(processes, info) / TICKS_PER_SEC);
        diagnostic_print_memory(processes, info->pid);
        diagnostic_print_wchan(processes, info->pid);
        diagnostic_page_print(page, "%*s", (int) (2 * depth), "");
        diagnostic_page_print_foreign(page, info->comm, strlen(info->comm));
        diagnostic_print_cmdline(processes, info);
        diagnostic_page_print(page, "\n");
}

/* ---- The gateway's ---- */

static int diagnostic_compare_pid(const void *a, const void *b) {
        const ProcessInfo *x = a, *y = b;

        return (x->pid > y->pid) - (x->pid < y->pid);
}

static bool diagnostic_has_pid(const pid_t *pids, size_t n, pid_t pid) {
        for (size_t i = 0; i < n; i++)
                if (pids[i] == pid)
                        return true;
        return false;
}

static void diagnostic_read_members(const char *cgroup_path, pid_t **ret_pids, size_t *ret_n) {
        const char *mount_point = cgroup_path ? cgroup_mount_point() : NULL;
        _cleanup_close_ int cgroup_fd =
                mount_point ? cgroup_open(mount_point, cgroup_path) : -EBADF;

        if (cgroup_fd < 0 || cgroup_read_pids(cgroup_fd, ret_pids, ret_n) < 0) {
                *ret_pids = NULL;
                *ret_n = 0;
        }
}

static void diagnostic_processes_swap(DiagnosticProcesses *processes, size_t a, size_t b) {
        ProcessInfo saved = processes->list[a];

        processes->list[a] = processes->list[b];
        processes->list[b] = saved;
}

/* Keeps the order, by which others are found. */
static void diagnostic_processes_remove(DiagnosticProcesses *processes, pid_t pid) {
        for (size_t i = 0; i < processes->n; i++)
                if (processes->list[i].pid == pid) {
                        processes->n--;
                        memmove(processes->list + i, processes->list + i + 1,
                                (processes->n - i) * sizeof(ProcessInfo));
                        return;
                }
}

/* Sorts the gateway's to the front. The process that writes this is nobody's. */
static void diagnostic_processes_find_payload(
        DiagnosticProcesses *processes, const DiagnosticRequest *request) {
        _cleanup_free_ pid_t *members = NULL;
        size_t n_members;

        diagnostic_processes_remove(processes, getpid());
        processes->n_payload =
                proc_keep_descendants(processes->list, processes->n, request->supervisor_pid);

        diagnostic_read_members(request->cgroup_path, &members, &n_members);
        for (size_t i = processes->n_payload; i < processes->n; i++)
                if (processes->list[i].pid == request->supervisor_pid ||
                        diagnostic_has_pid(members, n_members, processes->list[i].pid))
                        diagnostic_processes_swap(processes, i, processes->n_payload++);
        if (processes->n_payload > 0)
                qsort(processes->list, processes->n_payload, sizeof(ProcessInfo),
                        diagnostic_compare_pid);
}

static bool diagnostic_tree_is_full(const DiagnosticProcesses *processes) {
        return processes->n_written >= DIAGNOSTIC_TREE_MAX;
}

static void diagnostic_tree_write(DiagnosticProcesses *processes, size_t place, size_t depth) {
        pid_t pid = processes->list[place].pid;

        processes->is_written[place] = true;
        processes->n_written++;
        diagnostic_print_process(processes, &processes->list[place], depth);
        diagnostic_page_flush(processes->page);

        for (size_t i = 0; i < processes->n_payload && depth < DIAGNOSTIC_DEPTH_MAX; i++)
                if (processes->list[i].ppid == pid && !processes->is_written[i] &&
                        !diagnostic_tree_is_full(processes))
                        diagnostic_tree_write(processes, i, depth + 1);
}

static bool diagnostic_tree_is_root(const DiagnosticProcesses *processes, size_t place) {
        ProcessInfo key = { .pid = processes->list[place].ppid };

        return !bsearch(&key, processes->list, processes->n_payload, sizeof(ProcessInfo),
                diagnostic_compare_pid);
}

static void diagnostic_write_tree(DiagnosticProcesses *processes) {
        DiagnosticPage *page = processes->page;

        diagnostic_page_begin_section(page, "processes of the gateway");
        diagnostic_print_columns(processes);
        for (size_t i = 0; i < processes->n_payload && !diagnostic_tree_is_full(processes); i++)
                if (diagnostic_tree_is_root(processes, i))
                        diagnostic_tree_write(processes, i, 0);
        for (size_t i = 0; i < processes->n_payload && !diagnostic_tree_is_full(processes); i++)
                if (!processes->is_written[i])
                        diagnostic_tree_write(processes, i, 0);
        if (processes->n_written < processes->n_payload)
                diagnostic_page_print(
                        page, "(%zu more)\n", processes->n_payload - processes->n_written);
        diagnostic_page_flush(page);
}

/* ---- The host's ---- */

typedef struct DiagnosticUse {
        const ProcessInfo *info; /* weak */
        double cpu_percent;
} DiagnosticUse;

static int diagnostic_compare_use(const void *a, const void *b) {
        const DiagnosticUse *x = a, *y = b;

        if (x->cpu_percent != y->cpu_percent)
                return x->cpu_percent < y->cpu_percent ? 1 : -1;
        return (x->info->pid > y->info->pid) - (x->info->pid < y->info->pid);
}

static void diagnostic_write_top(DiagnosticProcesses *processes) {
        DiagnosticPage *page = processes->page;
        _cleanup_free_ DiagnosticUse *uses = calloc(processes->n + 1, sizeof(*uses));

        diagnostic_page_begin_section(page, "processes of the host, by CPU");
        if (!uses) {
                page->text.is_failed = true;
                return;
        }
        for (size_t i = 0; i < processes->n; i++)
                uses[i] = (DiagnosticUse){
                        .info = &processes->list[i],
                        .cpu_percent = diagnostic_cpu_percent(processes, &processes->list[i]),
                };
        qsort(uses, processes->n, sizeof(*uses), diagnostic_compare_use);

        diagnostic_print_columns(processes);
        for (size_t i = 0; i < processes->n && i < DIAGNOSTIC_TOP; i++)
                diagnostic_print_process(processes, uses[i].info, 0);
        if (processes->n > DIAGNOSTIC_TOP)
                diagnostic_page_print(page, "(%zu more)\n", processes->n - DIAGNOSTIC_TOP);
        diagnostic_page_flush(page);
}

static uint64_t diagnostic_read_uptime_ticks(int proc_fd) {
        char text[64];
        double uptime_sec;

        if (file_read_virtual(proc_fd, "uptime", text, sizeof(text)) <= 0 ||
                sscanf(text, "%lf", &uptime_sec) != 1 || !(uptime_sec > 0) || uptime_sec > 1e12)
                return 0;
        return (uint64_t) (uptime_sec * TICKS_PER_SEC);
}

void diagnostic_write_processes(
        DiagnosticPage *page, int proc_fd, const DiagnosticRequest *request) {
        _cleanup_(diagnostic_processes_done) DiagnosticProcesses processes = {
                .page = page,
                .proc_fd = proc_fd,
                .mode = request->cmdline,
                .uptime_ticks = diagnostic_read_uptime_ticks(proc_fd),
        };

        int r = proc_read_all(proc_fd, &processes.list, &processes.n);
        if (r >= 0) {
                processes.is_written = calloc(processes.n + 1, sizeof(bool));
                r = processes.is_written ? 0 : -ENOMEM;
        }
        if (r < 0) {
                diagnostic_page_begin_section(page, "processes");
                diagnostic_page_print_missing(page, r);
                diagnostic_page_flush(page);
                return;
        }

        diagnostic_processes_find_payload(&processes, request);
        diagnostic_write_tree(&processes);
        diagnostic_write_top(&processes);
}
