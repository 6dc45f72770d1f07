/* SPDX-License-Identifier: MIT */

/* What others have logged shortly before: the kernel about kills, crashes and hung tasks, and the unit
 * itself in the journal. Both are read from where they lie; nothing is waited for, and only the last
 * ones are kept.
 *
 * A journal that may not be read is an empty one to sd-journal: then the section is empty, too. */

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-journal.h>

#include "diagnostic-page.h"

#define DIAGNOSTIC_KERNEL_RECORDS  20
#define DIAGNOSTIC_KERNEL_READ_MAX 65536 /* records; a ring of megabytes holds fewer */
#define DIAGNOSTIC_KERNEL_BYTES    8192  /* the longest record of /dev/kmsg */
#define DIAGNOSTIC_JOURNAL_RECORDS 20
#define DIAGNOSTIC_MESSAGE_BYTES   400

/* ---- The kernel ---- */

typedef struct KernelLog {
        char *lines[DIAGNOSTIC_KERNEL_RECORDS]; /* a ring */
        size_t n;                               /* ever */
} KernelLog;

static void kernel_log_done(KernelLog *log) {
        for (size_t i = 0; i < DIAGNOSTIC_KERNEL_RECORDS; i++)
                free(log->lines[i]);
}

/* Without "oom" alone: it is part of many a name. */
static bool kernel_message_is_wanted(const char *message) {
        static const char *const words[] = { "out of memory", "oom-kill", "oom_kill", "oom_reaper",
                "oom-killer", "killed process", "segfault", "general protection", "hung task",
                "blocked for more than", "soft lockup", "hard lockup" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasestr(message, words[i]))
                        return true;
        return false;
}

/* A line of a record: "priority,sequence,usec,flags;message", or " KEY=value". */
static void kernel_log_take_line(KernelLog *log, const char *line) {
        char **place = &log->lines[log->n % DIAGNOSTIC_KERNEL_RECORDS];
        const char *message = strchr(line, ';');
        unsigned long long at_usec;

        if (line[0] == ' ' || !message || !kernel_message_is_wanted(message + 1) ||
                sscanf(line, "%*u,%*u,%llu", &at_usec) != 1)
                return;

        free(*place);
        if (asprintf(place, "[%llu.%06llu] %.*s", at_usec / USEC_PER_SEC, at_usec % USEC_PER_SEC,
                    DIAGNOSTIC_MESSAGE_BYTES, message + 1) < 0)
                *place = NULL;
        log->n++;
}

/* Returns: 0: all there was; negative errno. */
static int kernel_log_read(KernelLog *log, int fd) {
        char text[DIAGNOSTIC_KERNEL_BYTES + 1];

        for (size_t i = 0; i < DIAGNOSTIC_KERNEL_READ_MAX; i++) {
                ssize_t n = read(fd, text, sizeof(text) - 1);
                /* EPIPE: the next record was overwritten; the one after it comes now. */
                if (n < 0 && (errno == EINTR || errno == EPIPE))
                        continue;
                if (n <= 0)
                        return n == 0 || errno == EAGAIN ? 0 : -errno;
                text[n] = '\0';
                for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                        kernel_log_take_line(log, line);
        }
        return 0;
}

void diagnostic_write_kernel_log(DiagnosticPage *page, const char *kmsg_path) {
        _cleanup_(kernel_log_done) KernelLog log = {};

        diagnostic_page_begin_section(page, "kernel messages about kills");
        _cleanup_close_ int fd = open(kmsg_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        int r = fd < 0 ? -errno : kernel_log_read(&log, fd);
        if (r < 0)
                diagnostic_page_print_missing(page, r);
        else if (log.n == 0)
                diagnostic_page_print(page, "none\n");

        size_t first = log.n > DIAGNOSTIC_KERNEL_RECORDS ? log.n - DIAGNOSTIC_KERNEL_RECORDS : 0;
        for (size_t i = first; i < log.n; i++) {
                const char *line = log.lines[i % DIAGNOSTIC_KERNEL_RECORDS];
                if (!line)
                        continue;
                diagnostic_page_print_foreign(page, line, strlen(line));
                diagnostic_page_print(page, "\n");
        }
        diagnostic_page_flush(page);
}

/* ---- The journal ---- */

static int journal_add_match(sd_journal *journal, const char *field, const char *value) {
        _cleanup_free_ char *match = NULL;

        if (asprintf(&match, "%s=%s", field, value) < 0) {
                match = NULL;
                return -ENOMEM;
        }
        return sd_journal_add_match(journal, match, 0);
}

/* The unit's own records, and its manager's about it. Only fields that journald vouches for tell whose
 * they are. Source: journalctl(1), --unit= and --user-unit=. */
static int journal_match_unit(sd_journal *journal, const DiagnosticRequest *request) {
        char uid[16];
        int r;

        (void) snprintf(uid, sizeof(uid), "%u", getuid());
        r = journal_add_match(journal,
                request->is_user_unit ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT", request->unit);
        if (r >= 0 && request->is_user_unit)
                r = journal_add_match(journal, "_UID", uid);
        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        if (r >= 0)
                r = journal_add_match(
                        journal, request->is_user_unit ? "USER_UNIT" : "UNIT", request->unit);
        if (r >= 0)
                r = journal_add_match(journal, request->is_user_unit ? "_UID" : "_PID",
                        request->is_user_unit ? uid : "1");
        return r;
}

/* Returns: whether the record has the field. */
static bool journal_print_field(
        DiagnosticPage *page, sd_journal *journal, const char *field, const char *before) {
        const void *data;
        size_t size, skipped = strlen(field) + 1; /* "FIELD=" */

        if (sd_journal_get_data(journal, field, &data, &size) < 0 || size < skipped)
                return false;
        size -= skipped;
        bool is_cut = size > DIAGNOSTIC_MESSAGE_BYTES;
        diagnostic_page_print(page, "%s", before);
        diagnostic_page_print_foreign(
                page, (const char *) data + skipped, is_cut ? DIAGNOSTIC_MESSAGE_BYTES : size);
        if (is_cut)
                diagnostic_page_print(page, "\u2026");
        return true;
}

static void journal_print_record(DiagnosticPage *page, sd_journal *journal) {
        uint64_t at_realtime_usec = 0;
        char when[32] = "?";
        struct tm tm;

        (void) sd_journal_get_realtime_usec(journal, &at_realtime_usec);
        time_t at_sec = (time_t) (at_realtime_usec / USEC_PER_SEC);
        if (gmtime_r(&at_sec, &tm))
                (void) strftime(when, sizeof(when), "%FT%T", &tm);

        diagnostic_page_print(page, "%s.%06" PRIu64 "Z", when, at_realtime_usec % USEC_PER_SEC);
        if (!journal_print_field(page, journal, "SYSLOG_IDENTIFIER", " "))
                (void) journal_print_field(page, journal, "_COMM", " ");
        if (journal_print_field(page, journal, "_PID", "["))
                diagnostic_page_print(page, "]");
        if (journal_print_field(page, journal, "PRIORITY", " <"))
                diagnostic_page_print(page, ">");
        diagnostic_page_print(page, ":");
        (void) journal_print_field(page, journal, "MESSAGE", " ");
        diagnostic_page_print(page, "\n");
}

static int journal_write_last(DiagnosticPage *page, sd_journal *journal, size_t *ret_n) {
        /* Fields are cut by the library before they are copied, uncompressed, anywhere. */
        int r = sd_journal_set_data_threshold(journal, 4096);
        if (r >= 0)
                r = sd_journal_seek_tail(journal);
        if (r >= 0)
                r = sd_journal_previous_skip(journal, DIAGNOSTIC_JOURNAL_RECORDS);
        for (*ret_n = 0; r > 0 && *ret_n < DIAGNOSTIC_JOURNAL_RECORDS; (*ret_n)++) {
                journal_print_record(page, journal);
                r = sd_journal_next(journal);
        }
        return r;
}

static void journal_closep(sd_journal **journal) {
        sd_journal_close(*journal);
}

void diagnostic_write_journal(DiagnosticPage *page, const DiagnosticRequest *request) {
        _cleanup_(journal_closep) sd_journal *journal = NULL;
        size_t n = 0;

        if (!request->unit || request->unit[0] == '\0')
                return;
        diagnostic_page_begin_section(page, "last records of the unit");
        int r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
        if (r >= 0)
                r = journal_match_unit(journal, request);
        if (r >= 0)
                r = journal_write_last(page, journal, &n);
        if (r < 0)
                diagnostic_page_print_missing(page, r);
        else if (n == 0)
                diagnostic_page_print(page, "none\n");
        diagnostic_page_flush(page);
}
