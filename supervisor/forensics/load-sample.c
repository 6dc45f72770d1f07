/* SPDX-License-Identifier: MIT */

/* A sample is a dozen small virtual files, each read in one go into a buffer on the stack. It is
 * taken in the loop at signs of life and at missed deadlines, so nothing here may wait for the
 * gateway: no file that takes its memory lock (cmdline, maps), none that waits for a thread to stop
 * (syscall, stack).
 *
 * The files are not one instant's picture, and any of them may be missing (another kernel, another
 * user's process, no control group) or hold less than it should: each number stands for itself, and
 * what cannot be read is left out. Two samples are compared only if pid and start time agree.
 *
 * What main's threads waited for a CPU is added up over those that live. A thread that ended in
 * between takes its share with it: the difference is then too small, at worst 0, never too great.
 *
 * The kernel adds up pressure every two seconds, also for a reader (psi_show() in
 * kernel/sched/psi.c): over less than that a difference says nothing, and over a few seconds it may
 * exceed the window.
 *
 * It does not judge: see stop/stall.h. */

#include "load-sample.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "cgroup.h"
#include "file.h"
#include "utf8.h"

#define LOAD_STAT_SIZE          2048 /* as common/proc.c has it */
#define LOAD_STATUS_SIZE        2048 /* TracerPid is the eighth line */
#define LOAD_SMALL_SIZE         256  /* pressure is the longest: two lines of about 70 bytes */
#define LOAD_STAT_EXIT_CODE     52   /* the number of the field in proc(5) */
#define LOAD_PRESSURE_STEP_USEC (2 * USEC_PER_SEC)

static const struct {
        const char *host_path;
        const char *unit_path;
} load_pressure_files[_STALL_RESOURCE_MAX] = {
        [STALL_CPU] = { "pressure/cpu", "cpu.pressure" },
        [STALL_MEMORY] = { "pressure/memory", "memory.pressure" },
        [STALL_IO] = { "pressure/io", "io.pressure" },
};

/* ---- Text ----------------------------------------------------------------------------------- */

/* Takes a decimal number off *text, as the kernel writes them. Returns: whether there is one. */
static bool load_take_number(const char **text, uint64_t *ret_value) {
        uint64_t value = 0;
        const char *p = *text;

        if (!isdigit((unsigned char) *p))
                return false;
        for (; isdigit((unsigned char) *p); p++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value))
                        return false;
        *text = p;
        *ret_value = value;
        return true;
}

/* Copies the first line of a stranger's text, fit to be printed: what is no UTF-8 or a control
 * character becomes "?". */
static void load_copy_line(char *target, size_t size, const char *text) {
        size_t n = 0;

        while (*text != '\0' && *text != '\n') {
                size_t length = utf8_sequence_size(text, strlen(text));
                bool is_bad = length == 0 || utf8_is_control(text, length);
                size_t n_out = is_bad ? 1 : length;

                if (n + n_out >= size)
                        break;
                if (is_bad)
                        target[n] = '?';
                else
                        memcpy(target + n, text, length);
                n += n_out;
                text += length > 0 ? length : 1;
        }
        target[n] = '\0';
}

static const char *load_find_line(const char *text, const char *key) {
        size_t length = strlen(key);

        for (const char *line = text; line; line = strchr(line, '\n')) {
                if (*line == '\n')
                        line++;
                if (strncmp(line, key, length) == 0)
                        return line + length;
        }
        return NULL;
}

/* ---- Main ----------------------------------------------------------------------------------- */

static ssize_t load_read_of(
        const LoadProbe *probe, pid_t pid, const char *name, char *buffer, size_t size) {
        char path[64];

        (void) snprintf(path, sizeof(path), "%d/%s", pid, name);
        return file_read_virtual(probe->proc_fd, path, buffer, size);
}

static usec_t load_ticks_to_usec(uint64_t ticks) {
        long ticks_per_sec = sysconf(_SC_CLK_TCK);
        uint64_t usec;

        if (ticks_per_sec <= 0)
                return 0;
        if (__builtin_mul_overflow(ticks, USEC_PER_SEC, &usec))
                return USEC_INFINITY;
        return usec / (uint64_t) ticks_per_sec;
}

/* The signal that stopped a process (state T): since Linux 5.17 its exit code in stat. 0 where that
 * is not told (older kernels, another user's process), and once its parent has waited for the
 * stop. */
static int load_parse_stop_signal(const char *stat) {
        uint64_t code;
        const char *p = strrchr(stat, ')'); /* behind comm: " T ", fields from 3 on */

        for (int field = 2; p && field < LOAD_STAT_EXIT_CODE; field++)
                p = strchr(p + 1, ' ');
        if (!p)
                return 0;
        p++;
        return load_take_number(&p, &code) && code < (uint64_t) NSIG ? (int) code : 0;
}

static void load_sample_read_main(LoadSample *sample, const LoadProbe *probe) {
        char text[LOAD_STAT_SIZE];
        ProcessInfo info;

        ssize_t n = load_read_of(probe, probe->pid, "stat", text, sizeof(text));
        if (n == -ENOENT || n == -ESRCH)
                sample->state = 'X';
        if (n < 0 || proc_parse_stat(text, &info) < 0 || info.pid != probe->pid)
                return;

        sample->has_process = true;
        sample->start_ticks = info.start_ticks;
        sample->state = info.state;
        sample->cpu_usec = load_ticks_to_usec(info.cpu_ticks);
        if (sample->state == 'T')
                sample->stop_signal = load_parse_stop_signal(text);
}

/* "exec_nsec delay_nsec slices". */
static bool load_read_run_delay(
        int task_fd, const char *thread, usec_t *ret_usec, uint64_t *ret_n_turns) {
        char path[64], text[LOAD_SMALL_SIZE];
        uint64_t ran_nsec, delay_nsec;
        const char *p = text;

        if ((size_t) snprintf(path, sizeof(path), "%s/schedstat", thread) >= sizeof(path) ||
                file_read_virtual(task_fd, path, text, sizeof(text)) < 0)
                return false;
        if (!load_take_number(&p, &ran_nsec) || *p++ != ' ' || !load_take_number(&p, &delay_nsec))
                return false;
        if (*p++ != ' ' || !load_take_number(&p, ret_n_turns))
                return false;
        *ret_usec = delay_nsec / 1000;
        return true;
}

/* The kernel lists threads in the order of their making: main's first is among the first. */
static void load_sample_read_threads(LoadSample *sample, const LoadProbe *probe) {
        char path[64];
        char entries[4096] __attribute__((aligned(__alignof__(struct dirent64))));
        size_t n_threads = 0;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "%d/task", probe->pid);
        _cleanup_close_ int task_fd =
                openat(probe->proc_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (task_fd < 0)
                return;

        while (n_threads < LOAD_THREADS_MAX &&
                (n = getdents64(task_fd, entries, sizeof(entries))) > 0) {
                const struct dirent64 *entry;

                for (ssize_t at = 0; at < n && n_threads < LOAD_THREADS_MAX;
                        at += entry->d_reclen) {
                        usec_t delay_usec;
                        uint64_t n_turns;

                        entry = (const struct dirent64 *) (entries + at);
                        if (!isdigit((unsigned char) entry->d_name[0]))
                                continue;
                        n_threads++;
                        if (!load_read_run_delay(task_fd, entry->d_name, &delay_usec, &n_turns))
                                continue;
                        if (strtol(entry->d_name, NULL, 10) == probe->pid) {
                                sample->has_turns = true;
                                sample->n_turns = n_turns;
                        }
                        sample->has_run_delay = true;
                        sample->run_delay_usec = usec_add(sample->run_delay_usec, delay_usec);
                }
        }
}

/* What holds main now. "0" in wchan: it runs, or we may not know. */
static void load_sample_read_hold(LoadSample *sample, const LoadProbe *probe) {
        char text[LOAD_STATUS_SIZE];
        uint64_t tracer;

        if (load_read_of(probe, probe->pid, "wchan", text, sizeof(text)) > 0 &&
                strcmp(text, "0") != 0)
                load_copy_line(sample->wchan, sizeof(sample->wchan), text);

        if (load_read_of(probe, probe->pid, "status", text, sizeof(text)) < 0)
                return;
        const char *p = load_find_line(text, "TracerPid:\t");
        if (!p || !load_take_number(&p, &tracer) || tracer == 0 || tracer > INT32_MAX)
                return;
        sample->tracer_pid = (pid_t) tracer;
        if (load_read_of(probe, sample->tracer_pid, "comm", text, sizeof(text)) > 0)
                load_copy_line(sample->tracer_comm, sizeof(sample->tracer_comm), text);
}

/* ---- The host and the unit ------------------------------------------------------------------ */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=123". */
static bool load_parse_pressure(const char *text, const char *key, usec_t *ret_usec) {
        const char *line = load_find_line(text, key);
        if (!line)
                return false;

        const char *total = strstr(line, " total=");
        const char *end = strchrnul(line, '\n');
        if (!total || total > end)
                return false;
        total += strlen(" total=");
        return load_take_number(&total, ret_usec);
}

/* Before Linux 5.13 there is no "full" of cpu. */
static void load_pressure_read(LoadPressure *pressure, int dir_fd, const char *path) {
        char text[LOAD_SMALL_SIZE];

        if (file_read_virtual(dir_fd, path, text, sizeof(text)) < 0)
                return;
        pressure->is_known = load_parse_pressure(text, "some", &pressure->some_usec);
        if (!load_parse_pressure(text, "full", &pressure->full_usec))
                pressure->full_usec = 0;
}

static void load_sample_read_loadavg(LoadSample *sample, const LoadProbe *probe) {
        char text[LOAD_SMALL_SIZE];
        uint64_t whole, hundredths;
        const char *p = text;

        if (file_read_virtual(probe->proc_fd, "loadavg", text, sizeof(text)) < 0)
                return;
        /* Not strtod(3): it goes by the locale. The kernel writes two places. */
        if (!load_take_number(&p, &whole) || *p++ != '.')
                return;
        const char *places = p;
        if (!load_take_number(&p, &hundredths) || p - places != 2)
                return;
        sample->has_loadavg = true;
        sample->loadavg = (double) whole + (double) hundredths / 100.0;
}

/* A quota stands on the unit; what is frozen, and whose CPU time counts, is the gateway. */
static void load_sample_read_groups(LoadSample *sample, const LoadProbe *probe) {
        int unit_fd = probe->unit_cgroup_fd >= 0 ? probe->unit_cgroup_fd : probe->payload_cgroup_fd;
        int payload_fd =
                probe->payload_cgroup_fd >= 0 ? probe->payload_cgroup_fd : probe->unit_cgroup_fd;
        uint64_t value;

        if (unit_fd < 0)
                return;
        if (cgroup_read_counter(payload_fd, "cpu.stat", "usage_usec", &value) == 0) {
                sample->has_payload_cpu = true;
                sample->payload_cpu_usec = value;
        }
        if (cgroup_read_counter(unit_fd, "cpu.stat", "throttled_usec", &value) == 0)
                sample->throttled_usec = value;
        for (StallResource resource = 0; resource < _STALL_RESOURCE_MAX; resource++)
                load_pressure_read(
                        &sample->unit[resource], unit_fd, load_pressure_files[resource].unit_path);
        if (probe->is_closer &&
                cgroup_read_counter(payload_fd, "cgroup.events", "frozen", &value) == 0)
                sample->is_frozen = value != 0;
}

void load_sample_take(LoadSample *sample, const LoadProbe *probe, usec_t now_usec) {
        assert(sample);
        assert(probe);

        *sample = (LoadSample){ .taken_at_usec = now_usec, .pid = probe->pid };
        if (probe->pid > 0)
                load_sample_read_main(sample, probe);
        else
                sample->state = 'X';
        if (sample->has_process)
                load_sample_read_threads(sample, probe);
        if (sample->has_process && probe->is_closer)
                load_sample_read_hold(sample, probe);

        for (StallResource resource = 0; resource < _STALL_RESOURCE_MAX; resource++)
                load_pressure_read(&sample->host[resource], probe->proc_fd,
                        load_pressure_files[resource].host_path);
        if (probe->is_closer)
                load_sample_read_loadavg(sample, probe);
        load_sample_read_groups(sample, probe);
}

/* ---- Two of them ---------------------------------------------------------------------------- */

static double load_percent(usec_t before_usec, usec_t after_usec, usec_t window_usec) {
        double percent = 100.0 * (double) usec_sub(after_usec, before_usec) / (double) window_usec;
        return percent > 100.0 ? 100.0 : percent;
}

static StallPressure load_pressure_compare(
        const LoadPressure *before, const LoadPressure *after, usec_t window_usec) {
        if (!before->is_known || !after->is_known || window_usec < LOAD_PRESSURE_STEP_USEC)
                return (StallPressure){};
        return (StallPressure){
                .is_known = true,
                .some_percent = load_percent(before->some_usec, after->some_usec, window_usec),
                .full_percent = load_percent(before->full_usec, after->full_usec, window_usec),
        };
}

static bool load_sample_is_of_same(const LoadSample *before, const LoadSample *after) {
        return before->taken_at_usec > 0 && after->taken_at_usec > before->taken_at_usec &&
                before->has_process && after->has_process && before->pid == after->pid &&
                before->start_ticks == after->start_ticks;
}

static StallFacts load_sample_now(const LoadSample *sample) {
        StallFacts facts = {
                .has_process = sample->has_process,
                .state = sample->state,
                .stop_signal = sample->stop_signal,
                .tracer_pid = sample->tracer_pid,
                .is_frozen = sample->is_frozen,
                .has_loadavg = sample->has_loadavg,
                .loadavg = sample->loadavg,
        };

        static_assert(sizeof(facts.wchan) == sizeof(sample->wchan), "copied as they are");
        static_assert(sizeof(facts.tracer_comm) == sizeof(sample->tracer_comm), "likewise");
        memcpy(facts.wchan, sample->wchan, sizeof(facts.wchan));
        memcpy(facts.tracer_comm, sample->tracer_comm, sizeof(facts.tracer_comm));
        return facts;
}

void load_sample_compare(const LoadSample *before, const LoadSample *after, StallFacts *ret_facts) {
        assert(before);
        assert(after);
        assert(ret_facts);

        StallFacts facts = load_sample_now(after);

        if (load_sample_is_of_same(before, after)) {
                facts.window_usec = usec_sub(after->taken_at_usec, before->taken_at_usec);
                facts.has_cpu = true;
                facts.cpu_usec = usec_sub(after->cpu_usec, before->cpu_usec);
                facts.has_payload_cpu = before->has_payload_cpu && after->has_payload_cpu;
                if (facts.has_payload_cpu)
                        facts.payload_cpu_usec =
                                usec_sub(after->payload_cpu_usec, before->payload_cpu_usec);
                facts.has_run_delay = before->has_run_delay && after->has_run_delay;
                facts.has_turns = before->has_turns && after->has_turns;
                if (facts.has_turns && after->n_turns > before->n_turns)
                        facts.n_turns = after->n_turns - before->n_turns;
                if (facts.has_run_delay)
                        facts.run_delay_usec =
                                usec_sub(after->run_delay_usec, before->run_delay_usec);
                facts.throttled_usec = usec_sub(after->throttled_usec, before->throttled_usec);
                for (StallResource resource = 0; resource < _STALL_RESOURCE_MAX; resource++) {
                        facts.host[resource] = load_pressure_compare(
                                &before->host[resource], &after->host[resource], facts.window_usec);
                        facts.unit[resource] = load_pressure_compare(
                                &before->unit[resource], &after->unit[resource], facts.window_usec);
                }
        }
        *ret_facts = facts;
}
