/* SPDX-License-Identifier: MIT */

/* The detached diagnostic.
 *
 * Everything is read from /proc, the control group, /dev/kmsg and the journal by our own code: no shell,
 * no ps(1), no program that may be missing or that systemd may kill with the rest. It is a helper process,
 * so that the stop never waits for it, whatever it meets.
 *
 * The log's sections come in the order of worth, each written when it is complete: one that is cut off at
 * its bound has the best part. First of all the state files are synced, because after a power cut they
 * are worth more than this.
 *
 * The log is the administrator's to read and to remove: it is appended to, mode 0600, and renamed once it
 * has grown over its bound. */

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "cgroup.h"
#include "diagnostic-page.h"
#include "diagnostic.h"
#include "file.h"
#include "proc.h"

#define DIAGNOSTIC_TITLE "gatewatch-diag"
#define DIAGNOSTIC_NICE  10

/* ---- The log ---- */

/* Returns: fd of a regular file of mode 0600, and its size; negative errno. */
static int diagnostic_open_regular(int dir_fd, off_t *ret_size) {
        _cleanup_close_ int fd = openat(dir_fd, DIAGNOSTIC_LOG,
                O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                0600);
        if (fd < 0) /* a FIFO that nobody reads, a socket; a directory */
                return errno == ENXIO || errno == EISDIR ? -EBADFD : -errno;

        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
                return -errno;
        *ret_size = st.st_size;
        return TAKE_FD(fd);
}

int diagnostic_open_log(const char *directory, char **ret_path) {
        off_t size = 0;

        assert(directory && directory[0] == '/');
        assert(ret_path);

        if (asprintf(ret_path, "%s/%s", directory, DIAGNOSTIC_LOG) < 0) {
                *ret_path = NULL;
                return -ENOMEM;
        }
        int r = file_make_directories(directory, 0700);
        if (r < 0)
                return r;
        _cleanup_close_ int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;

        _cleanup_close_ int fd = diagnostic_open_regular(dir_fd, &size);
        if (fd < 0 || size <= DIAGNOSTIC_LOG_BYTES)
                return TAKE_FD(fd);

        /* Where nothing can be renamed the bound is kept all the same. */
        if (renameat(dir_fd, DIAGNOSTIC_LOG, dir_fd, DIAGNOSTIC_LOG_OLD) < 0)
                return ftruncate(fd, 0) < 0 ? -errno : TAKE_FD(fd);
        return diagnostic_open_regular(dir_fd, &size);
}

/* ---- The text ---- */

static void diagnostic_sync(const DiagnosticRequest *request) {
        for (size_t i = 0; i < ELEMENTSOF(request->sync_fds); i++)
                if (request->sync_fds[i] >= 0)
                        (void) fsync(request->sync_fds[i]);
}

static void diagnostic_print_name(DiagnosticPage *page, const char *key, const char *value) {
        if (!value || value[0] == '\0')
                return;
        diagnostic_page_print(page, "%s: ", key);
        diagnostic_page_print_foreign(page, value, strlen(value));
        diagnostic_page_print(page, "\n");
}

static void diagnostic_write_header(DiagnosticPage *page, const DiagnosticRequest *request) {
        char when[32] = "?", run_id[SD_ID128_STRING_MAX];
        time_t now_sec = (time_t) (usec_now(CLOCK_REALTIME) / USEC_PER_SEC);
        struct tm tm;

        if (gmtime_r(&now_sec, &tm))
                (void) strftime(when, sizeof(when), "%FT%TZ", &tm);
        diagnostic_page_print(page, "=== shutdown diagnostic @ %s ===\n", request->signal);
        diagnostic_page_print(page, "time: %s\n", when);
        diagnostic_print_name(page, "name", request->name);
        diagnostic_print_name(page, "unit", request->unit);
        diagnostic_page_print(page, "run: %s\n", sd_id128_to_string(request->run_id, run_id));
        diagnostic_page_print(page, "supervisor: %d\n", request->supervisor_pid);
        if (request->gateway_pid > 0)
                diagnostic_page_print(page, "gateway: %d\n", request->gateway_pid);
        diagnostic_page_flush(page);
}

int diagnostic_write(int fd, int proc_fd, const DiagnosticRequest *request) {
        _cleanup_(diagnostic_page_done) DiagnosticPage page = { .fd = fd };

        assert(request);
        assert(request->signal);

        diagnostic_sync(request);
        diagnostic_write_header(&page, request);
        diagnostic_write_processes(&page, proc_fd, request);
        diagnostic_write_host(&page, proc_fd);
        diagnostic_write_cgroup(&page, cgroup_mount_point(), request);
        diagnostic_write_kernel_log(&page, "/dev/kmsg");
        diagnostic_write_journal(&page, request);
        diagnostic_page_print(&page, "\n=== end ===\n\n");
        diagnostic_page_flush(&page);
        return page.error;
}

/* ---- The helper ---- */

typedef struct DiagnosticHelper {
        const DiagnosticRequest *request;
        int log_fd;
} DiagnosticHelper;

static int diagnostic_main(int output_fd, void *userdata) {
        const DiagnosticHelper *helper = userdata;

        (void) setpriority(PRIO_PROCESS, 0, DIAGNOSTIC_NICE);
        _cleanup_close_ int proc_fd = proc_open_root("/proc");
        return -diagnostic_write(helper->log_fd, proc_fd, helper->request) & 0xff;
}

int diagnostic_start(sd_event *event, const DiagnosticRequest *request, int log_fd,
        int64_t priority, HelperHandler handler, void *userdata, HelperProcess **ret_helper) {
        assert(request);
        assert(log_fd >= 0);

        DiagnosticHelper helper = { .request = request, .log_fd = log_fd };
        int keep_fds[1 + ELEMENTSOF(request->sync_fds)] = { log_fd };
        size_t n_keep_fds = 1;
        for (size_t i = 0; i < ELEMENTSOF(request->sync_fds); i++)
                if (request->sync_fds[i] >= 0)
                        keep_fds[n_keep_fds++] = request->sync_fds[i];

        const HelperConfig config = {
                .title = DIAGNOSTIC_TITLE,
                .timeout_usec = request->timeout_usec,
                .keep_fds = keep_fds,
                .n_keep_fds = n_keep_fds,
                .is_detached = true,
                .main = diagnostic_main,
                .main_userdata = &helper, /* the child has its own copy of this very stack */
                .handler = handler,
                .userdata = userdata,
                .priority = priority,
        };
        return helper_process_start(event, &config, ret_helper);
}
