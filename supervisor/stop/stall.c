/* SPDX-License-Identifier: MIT */

/* One row a word, from what somebody else does to the gateway to what it does itself; the first row
 * whose evidence is there gives the word and its sentence.
 *
 * Held by somebody (traced, frozen, stopped) is what its state says now. A tracer that is attached
 * and lets it run holds nothing; it is only named behind the sentence.
 *
 * Starved is what wanted to run and could not. The measure is the time in which main's threads
 * waited for a CPU, never the host's pressure, which others fill: a gateway that sleeps on a busy
 * host waits for nothing. The waiting must be a good part of the window, so that it explains the
 * silence, and most of what main wanted, since one that got a good share of its CPU time could have
 * spoken. Only where the kernel does not tell (no schedstat), or where main itself just waits for a
 * child that does the work, pressure stands in. Memory and I/O count when main sits in the kernel
 * for them (state D).
 *
 * What is left ran all the time (spinning), ran for a good part (working), or slept (wedged).
 * Without an earlier sample the state alone speaks; a process that is runnable then may be any of
 * the three.
 *
 * Not here: reading anything, and what else the records say. */

#include "stall.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "signals.h"
#include "utf8.h"

/* CPU time comes in ticks of 10 ms: of less than ten of them no share can be told. */
#define STALL_WINDOW_MIN_USEC (100 * USEC_PER_MSEC)

/* A gateway beats at half of its interval, as sd_watchdog_enabled(3) advises: it may have slept
 * until then and starved from there on, which makes just under a half of the window. */
#define STALL_WAITED_PERCENT 33.0

/* Of what it wanted it got less than a quarter, else it was slowed down but not starved: beside one
 * busy process a busy loop gets a half, beside twenty less than a tenth. */
#define STALL_UNMET_PERCENT 75.0

/* Runnable nearly all the time; the rest is what the window's ends and ticks blur. */
#define STALL_SPINNING_PERCENT 80.0

/* Timers, keep-alives and a garbage collector run in a gateway that does nothing, too. */
#define STALL_WORKING_PERCENT 10.0

/* Even a slow disk answers so often in a window; timers and signals wake no thread in state D. */
#define STALL_TURNS_MIN 10U

/* Of shorter windows the pressure is never known: the kernel adds it up every two seconds. */
#define STALL_PRESSURE_USEC (2 * USEC_PER_SEC)

/* A supervisor that was held up for that much of the window was so together with the gateway, or
 * cannot say what it did. */
#define STALL_LATE_PERCENT 50.0

static const char *const stall_table[_STALL_MAX] = {
        [STALL_TRACED] = "traced",
        [STALL_FROZEN] = "frozen",
        [STALL_STOPPED] = "stopped",
        [STALL_STARVED] = "starved",
        [STALL_BLOCKED] = "blocked",
        [STALL_SPINNING] = "spinning",
        [STALL_WORKING] = "working",
        [STALL_WEDGED] = "wedged",
        [STALL_EXITED] = "exited",
        [STALL_UNKNOWN] = "unknown",
};

const char *stall_to_string(Stall stall) {
        assert(stall >= 0 && stall < _STALL_MAX);
        return stall_table[stall];
}

static const char *const stall_resource_table[_STALL_RESOURCE_MAX] = {
        [STALL_CPU] = "cpu",
        [STALL_MEMORY] = "memory",
        [STALL_IO] = "io",
};

const char *stall_resource_to_string(StallResource resource) {
        assert(resource >= 0 && resource < _STALL_RESOURCE_MAX);
        return stall_resource_table[resource];
}

/* ---- What the facts amount to --------------------------------------------------------------- */

static bool stall_has_window(const StallFacts *facts) {
        return facts->window_usec >= STALL_WINDOW_MIN_USEC && facts->has_process;
}

static double stall_share(const StallFacts *facts, usec_t part_usec) {
        return 100.0 * (double) part_usec / (double) facts->window_usec;
}

/* Main does nothing but wait for a child, as a shell does: then the work is its children's. */
static bool stall_is_parent_only(const StallFacts *facts) {
        return facts->state == 'S' && strcmp(facts->wchan, "do_wait") == 0;
}

/* The CPU time of whoever does the work. Returns: whether it is known. */
static bool stall_cpu(const StallFacts *facts, usec_t *ret_usec) {
        if (!stall_has_window(facts))
                return false;
        if (stall_is_parent_only(facts) && facts->has_payload_cpu) {
                *ret_usec = facts->payload_cpu_usec;
                return true;
        }
        if (!facts->has_cpu)
                return false;
        *ret_usec = facts->cpu_usec;
        return true;
}

static usec_t stall_part(const StallFacts *facts, double percent) {
        return (usec_t) ((double) facts->window_usec * percent / 100.0);
}

/* How long main has been waiting by now, if it is. The kernel adds a wait to run_delay only when it is
 * over and the thread runs: the one that goes on shows as state R and as time in which it neither ran
 * nor, as far as told, waited; here most of the window. It may have slept then, but not where every
 * CPU was taken. */
static usec_t stall_waiting(const StallFacts *facts) {
        const StallPressure *host = &facts->host[STALL_CPU];
        usec_t told_usec = usec_add(facts->cpu_usec, facts->run_delay_usec), taken_usec;

        if (facts->state != 'R' || !facts->has_cpu || told_usec > facts->window_usec / 3)
                return 0;
        if (!host->is_known && facts->window_usec >= STALL_PRESSURE_USEC)
                return 0;
        taken_usec = host->is_known ? stall_part(facts, host->some_percent) : facts->window_usec;
        return taken_usec > told_usec ? taken_usec - told_usec : 0;
}

/* How long it was runnable without a CPU. A unit that was throttled held main only if main wants to
 * run: others in it may have used up the quota. Up to Linux 6.17 a throttled thread's waiting is in
 * run_delay as well, so the two are not added up. */
static usec_t stall_waited(const StallFacts *facts) {
        bool is_runnable = facts->state == 'R';
        usec_t throttled_usec = is_runnable ? facts->throttled_usec : 0;

        if (facts->has_run_delay && !stall_is_parent_only(facts)) {
                if (throttled_usec > facts->run_delay_usec)
                        return throttled_usec;
                return usec_add(facts->run_delay_usec, stall_waiting(facts));
        }
        if (throttled_usec > 0)
                return throttled_usec;
        if (!is_runnable && !stall_is_parent_only(facts))
                return 0;
        /* "full": no task of the unit had one, so neither had the gateway. */
        if (facts->unit[STALL_CPU].is_known)
                return stall_part(facts, facts->unit[STALL_CPU].full_percent);
        return is_runnable && facts->host[STALL_CPU].is_known
                ? stall_part(facts, facts->host[STALL_CPU].some_percent)
                : 0;
}

/* Whether memory or I/O were not to be had. The unit's own pressure is the gateway's or its
 * helpers'; the host's may be anybody's, so that it counts only where the unit's is not known. */
static bool stall_is_short_of(const StallFacts *facts, StallResource resource) {
        const StallPressure *pressure = &facts->unit[resource];

        if (!pressure->is_known)
                pressure = &facts->host[resource];
        return pressure->is_known && pressure->some_percent >= STALL_WAITED_PERCENT;
}

/* ---- The evidence for each word ------------------------------------------------------------- */

static bool stall_is_traced(const StallFacts *facts) {
        return facts->has_process && facts->state == 't';
}

/* The wait channels of a frozen task: in a control group of version 2, and of version 1. */
static bool stall_is_frozen(const StallFacts *facts) {
        return facts->has_process &&
                (facts->is_frozen || strcmp(facts->wchan, "do_freezer_trap") == 0 ||
                        strcmp(facts->wchan, "__refrigerator") == 0);
}

static bool stall_is_stopped(const StallFacts *facts) {
        return facts->has_process && facts->state == 'T';
}

static bool stall_is_exited(const StallFacts *facts) {
        return facts->state == 'X' || facts->state == 'Z';
}

static bool stall_is_starved_of_cpu(const StallFacts *facts) {
        usec_t cpu_usec;

        if (!stall_cpu(facts, &cpu_usec))
                return false;
        double waited_usec = (double) stall_waited(facts);
        return waited_usec * 100.0 >= (double) facts->window_usec * STALL_WAITED_PERCENT &&
                waited_usec * 100.0 >= (waited_usec + (double) cpu_usec) * STALL_UNMET_PERCENT;
}

static bool stall_is_busy(const StallFacts *facts) {
        usec_t cpu_usec;

        return stall_cpu(facts, &cpu_usec) && stall_share(facts, cpu_usec) >= STALL_WORKING_PERCENT;
}

/* One wait that does not end is a hang, and makes the host's pressure all by itself; who is short of
 * something gets a little of it now and then. */
static bool stall_is_one_wait(const StallFacts *facts) {
        return facts->has_turns && facts->n_turns < STALL_TURNS_MIN;
}

static bool stall_is_starved_of_memory(const StallFacts *facts) {
        return facts->has_process && facts->state == 'D' && !stall_is_busy(facts) &&
                !stall_is_one_wait(facts) && stall_is_short_of(facts, STALL_MEMORY);
}

static bool stall_is_starved_of_io(const StallFacts *facts) {
        return facts->has_process && facts->state == 'D' && !stall_is_busy(facts) &&
                !stall_is_one_wait(facts) && stall_is_short_of(facts, STALL_IO);
}

static bool stall_is_blocked(const StallFacts *facts) {
        return facts->has_process && facts->state == 'D' && !stall_is_busy(facts);
}

static bool stall_is_spinning(const StallFacts *facts) {
        usec_t cpu_usec;

        return stall_is_busy(facts) && stall_cpu(facts, &cpu_usec) &&
                stall_share(facts, usec_add(cpu_usec, stall_waited(facts))) >=
                STALL_SPINNING_PERCENT;
}

/* A host without a free CPU makes the supervisor late, too; but a gateway that was not waiting for
 * one was not held up by that. */
static bool stall_is_late(const StallFacts *facts) {
        const StallPressure *host = &facts->host[STALL_CPU];
        bool is_explained = facts->has_run_delay && host->is_known &&
                host->some_percent >= STALL_WAITED_PERCENT;

        return stall_has_window(facts) && !is_explained &&
                stall_share(facts, facts->late_usec) >= STALL_LATE_PERCENT;
}

/* Runnable, and no clock says for how long; or asleep, and so was the supervisor. */
static bool stall_is_unknown(const StallFacts *facts) {
        usec_t cpu_usec;

        if (!facts->has_process || facts->state == '\0')
                return true;
        if (facts->state == 'R' && (!stall_cpu(facts, &cpu_usec) || !facts->has_run_delay))
                return true;
        return stall_is_late(facts);
}

static bool stall_is_wedged(const StallFacts *facts) {
        return true;
}

/* ---- The sentences -------------------------------------------------------------------------- */

#define STALL_TEXT_MAX 512 /* the longest names there are, and every part of a sentence */

typedef struct StallText {
        char text[STALL_TEXT_MAX];
        size_t length;
} StallText;

static void _printf_(2, 3) stall_text_add(StallText *text, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        int n = vsnprintf(
                text->text + text->length, STALL_TEXT_MAX - text->length, format, arguments);
        va_end(arguments);
        assert(n >= 0 && (size_t) n < STALL_TEXT_MAX - text->length);
        text->length += (size_t) n;
}

/* A time to be read at a glance: "0.05s", "12.1s", "31s", "2min 5s". */
static const char *stall_format_time(char buffer[static USEC_SPAN_MAX], usec_t usec) {
        usec_t hundredths = usec / (10 * USEC_PER_MSEC);

        if (usec >= USEC_PER_MINUTE)
                return usec_format_span(buffer, usec, USEC_PER_SEC);
        if (hundredths > 0 && hundredths < 100)
                (void) snprintf(buffer, USEC_SPAN_MAX, "0.%02us", (unsigned) hundredths);
        else if (hundredths / 10 % 10 > 0)
                (void) snprintf(buffer, USEC_SPAN_MAX, "%u.%us", (unsigned) (hundredths / 100),
                        (unsigned) (hundredths / 10 % 10));
        else
                (void) snprintf(buffer, USEC_SPAN_MAX, "%us", (unsigned) (hundredths / 100));
        return buffer;
}

/* "main thread in state S, wchan ep_poll". */
static void stall_text_add_place(StallText *text, const StallFacts *facts) {
        stall_text_add(text, "main thread in state %c", facts->state);
        if (facts->wchan[0])
                stall_text_add(text, ", wchan %s", facts->wchan);
}

/* ", no CPU for 31s"; without a window ", silent for 31s". */
static void stall_text_add_cpu(StallText *text, const StallFacts *facts) {
        char part[USEC_SPAN_MAX], whole[USEC_SPAN_MAX];

        if (!stall_has_window(facts) || !facts->has_cpu) {
                if (facts->silent_usec > 0 && facts->silent_usec != USEC_INFINITY)
                        stall_text_add(text, ", silent for %s",
                                stall_format_time(part, facts->silent_usec));
                return;
        }
        (void) stall_format_time(whole, facts->window_usec);
        if (facts->cpu_usec < 10 * USEC_PER_MSEC)
                stall_text_add(text, ", no CPU for %s", whole);
        else
                stall_text_add(
                        text, ", %s of CPU in %s", stall_format_time(part, facts->cpu_usec), whole);

        usec_t others_usec = usec_sub(facts->payload_cpu_usec, facts->cpu_usec);
        if (facts->has_payload_cpu && stall_share(facts, others_usec) >= STALL_WORKING_PERCENT)
                stall_text_add(text, ", the gateway's other processes %s",
                        stall_format_time(part, others_usec));
}

/* "host CPU pressure 93 %, ": the unit's where the host's would not explain it (a quota, a cpuset). */
static void stall_text_add_pressure(
        StallText *text, const StallFacts *facts, StallResource resource, bool is_unit_first) {
        static const char *const names[_STALL_RESOURCE_MAX] = {
                [STALL_CPU] = "CPU",
                [STALL_MEMORY] = "memory",
                [STALL_IO] = "I/O",
        };
        const StallPressure *host = &facts->host[resource], *unit = &facts->unit[resource];
        bool is_unit = unit->is_known &&
                (is_unit_first || !host->is_known ||
                        (host->some_percent < STALL_WAITED_PERCENT &&
                                unit->some_percent > host->some_percent));

        if (is_unit || host->is_known)
                stall_text_add(text, "%s %s pressure %.0f %%, ", is_unit ? "unit" : "host",
                        names[resource], is_unit ? unit->some_percent : host->some_percent);
}

static void stall_tell_traced(StallText *text, const StallFacts *facts) {
        if (facts->tracer_pid <= 0)
                stall_text_add(text, "traced by another process");
        else
                stall_text_add(text, "traced by %s(%d)",
                        facts->tracer_comm[0] ? facts->tracer_comm : "process", facts->tracer_pid);
}

static void stall_tell_frozen(StallText *text, const StallFacts *facts) {
        stall_text_add(text, "frozen");
}

static void stall_tell_stopped(StallText *text, const StallFacts *facts) {
        char name[SIGNAL_NAME_MAX];

        if (facts->stop_signal > 0)
                stall_text_add(text, "stopped by %s", signal_to_name(name, facts->stop_signal));
        else
                stall_text_add(text, "stopped by a signal such as SIGSTOP");
}

static void stall_tell_exited(StallText *text, const StallFacts *facts) {
        stall_text_add(text,
                facts->has_process ? "exited: the main thread has ended"
                                   : "exited: the main process is gone");
}

static void stall_tell_starved_of_cpu(StallText *text, const StallFacts *facts) {
        char part[USEC_SPAN_MAX], whole[USEC_SPAN_MAX];
        usec_t waited_usec = stall_waited(facts);

        stall_text_add(text, "starved: ");
        stall_text_add_pressure(text, facts, STALL_CPU, /* is_unit_first= */ false);
        if (stall_share(facts, facts->throttled_usec) >= STALL_WAITED_PERCENT)
                stall_text_add(text, "throttled by CPUQuota= for %s, ",
                        stall_format_time(part, facts->throttled_usec));
        stall_text_add(text, "%s for a CPU for %s %s %s",
                waited_usec > facts->window_usec ? "its threads together waited" : "waited",
                stall_format_time(part, waited_usec),
                waited_usec > facts->window_usec ? "in" : "of",
                stall_format_time(whole, facts->window_usec));
}

static void stall_tell_starved_of(
        StallText *text, const StallFacts *facts, StallResource resource) {
        stall_text_add(text, "starved: ");
        stall_text_add_pressure(text, facts, resource, /* is_unit_first= */ true);
        stall_text_add_place(text, facts);
        stall_text_add_cpu(text, facts);
}

static void stall_tell_starved_of_memory(StallText *text, const StallFacts *facts) {
        stall_tell_starved_of(text, facts, STALL_MEMORY);
}

static void stall_tell_starved_of_io(StallText *text, const StallFacts *facts) {
        stall_tell_starved_of(text, facts, STALL_IO);
}

/* "spinning: 13.9s of CPU in 14s, …": what it used comes first. */
static void stall_tell_busy(StallText *text, const StallFacts *facts, Stall stall) {
        char part[USEC_SPAN_MAX], whole[USEC_SPAN_MAX];
        usec_t cpu_usec = 0, waited_usec = stall_waited(facts);

        (void) stall_cpu(facts, &cpu_usec);
        stall_text_add(text, "%s: %s%s of CPU in %s, ", stall_to_string(stall),
                stall_is_parent_only(facts) && facts->has_payload_cpu ? "all processes together "
                                                                      : "",
                stall_format_time(part, cpu_usec), stall_format_time(whole, facts->window_usec));
        if (stall_share(facts, waited_usec) >= STALL_WORKING_PERCENT)
                stall_text_add(
                        text, "waited for one for %s, ", stall_format_time(part, waited_usec));
        stall_text_add_place(text, facts);
}

static void stall_tell_spinning(StallText *text, const StallFacts *facts) {
        stall_tell_busy(text, facts, STALL_SPINNING);
}

static void stall_tell_working(StallText *text, const StallFacts *facts) {
        stall_tell_busy(text, facts, STALL_WORKING);
}

static void stall_tell_blocked(StallText *text, const StallFacts *facts) {
        stall_text_add(text, "blocked: ");
        stall_text_add_place(text, facts);
        stall_text_add_cpu(text, facts);
}

static void stall_tell_wedged(StallText *text, const StallFacts *facts) {
        stall_text_add(text, "wedged: ");
        stall_text_add_place(text, facts);
        stall_text_add_cpu(text, facts);
}

static void stall_tell_unknown(StallText *text, const StallFacts *facts) {
        char part[USEC_SPAN_MAX];

        if (!facts->has_process || facts->state == '\0') {
                stall_text_add(text, "unknown: the main process could not be read");
                return;
        }
        stall_text_add(text, "unknown: ");
        if (stall_is_late(facts))
                stall_text_add(text, "the supervisor was late itself by %s, ",
                        stall_format_time(part, facts->late_usec));
        stall_text_add_place(text, facts);
        stall_text_add_cpu(text, facts);
        if (facts->has_loadavg)
                stall_text_add(text, ", load average %.2f", facts->loadavg);
}

/* ---- The rows ------------------------------------------------------------------------------- */

typedef struct StallRow {
        Stall stall;
        bool (*applies)(const StallFacts *facts);
        void (*tell)(StallText *text, const StallFacts *facts);
} StallRow;

static const StallRow stall_rows[] = {
        { STALL_TRACED, stall_is_traced, stall_tell_traced },
        { STALL_FROZEN, stall_is_frozen, stall_tell_frozen },
        { STALL_STOPPED, stall_is_stopped, stall_tell_stopped },
        { STALL_EXITED, stall_is_exited, stall_tell_exited },
        { STALL_STARVED, stall_is_starved_of_cpu, stall_tell_starved_of_cpu },
        { STALL_STARVED, stall_is_starved_of_memory, stall_tell_starved_of_memory },
        { STALL_STARVED, stall_is_starved_of_io, stall_tell_starved_of_io },
        { STALL_BLOCKED, stall_is_blocked, stall_tell_blocked },
        { STALL_SPINNING, stall_is_spinning, stall_tell_spinning },
        { STALL_WORKING, stall_is_busy, stall_tell_working },
        { STALL_UNKNOWN, stall_is_unknown, stall_tell_unknown },
        { STALL_WEDGED, stall_is_wedged, stall_tell_wedged }, /* what is left */
};

void stall_decide(const StallFacts *facts, StallVerdict *ret_verdict) {
        assert(facts);
        assert(ret_verdict);

        const StallRow *row = stall_rows;
        while (!row->applies(facts))
                row++;

        StallText text = {};
        row->tell(&text, facts);
        /* It lets the gateway run, but that changes what a deadline means. */
        if (row->stall != STALL_TRACED && facts->tracer_pid > 0) {
                stall_text_add(&text, "; ");
                stall_tell_traced(&text, facts);
        }

        *ret_verdict = (StallVerdict){ .stall = row->stall };
        if (text.length >= STALL_DETAIL_MAX)
                text.length = utf8_cut(text.text, STALL_DETAIL_MAX - 1);
        memcpy(ret_verdict->detail, text.text, text.length);
}
