/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stop/stall.h"
#include "utf8.h"

#define MSEC(n) ((usec_t) (n) *USEC_PER_MSEC)
#define SEC(n)  ((usec_t) (n) *USEC_PER_SEC)
#define PRESSURE(s, f) \
        { .is_known = true, .some_percent = (s), .full_percent = (f) }

/* What most rows have in common: main was seen in a state, and what its threads did in the
 * window. */
#define MAIN(s, w)     .has_process = true, .state = (s), .silent_usec = (w), .window_usec = (w)
#define NOW(s, silent) .has_process = true, .state = (s), .silent_usec = (silent)
#define RAN(cpu, delay) \
        .has_cpu = true, .cpu_usec = (cpu), .has_run_delay = true, .run_delay_usec = (delay)

static const struct {
        StallFacts facts;
        Stall stall;
        const char *detail;
} rows[] = {
        /* Held by somebody. */
        { { MAIN('t', SEC(14)), RAN(0, 0), .tracer_pid = 4711, .tracer_comm = "gdb" }, STALL_TRACED,
                "traced by gdb(4711)" },
        { { MAIN('t', 0), .tracer_pid = 4711 }, STALL_TRACED, "traced by process(4711)" },
        { { MAIN('t', 0) }, STALL_TRACED, "traced by another process" },
        { { MAIN('S', SEC(14)), RAN(0, 0), .is_frozen = true, .wchan = "do_freezer_trap" },
                STALL_FROZEN, "frozen" },
        { { MAIN('S', 0), .wchan = "do_freezer_trap" }, STALL_FROZEN, "frozen" },
        { { MAIN('D', 0), .wchan = "__refrigerator" }, STALL_FROZEN, "frozen" },
        { { MAIN('T', SEC(14)), RAN(0, 0), .stop_signal = SIGSTOP }, STALL_STOPPED,
                "stopped by SIGSTOP" },
        { { MAIN('T', 0), .stop_signal = SIGTTIN }, STALL_STOPPED, "stopped by SIGTTIN" },
        { { MAIN('T', SEC(14)), RAN(0, SEC(13)) }, STALL_STOPPED,
                "stopped by a signal such as SIGSTOP" },

        /* Gone. */
        { { .state = 'X', .silent_usec = SEC(14) }, STALL_EXITED,
                "exited: the main process is gone" },
        { { MAIN('Z', SEC(14)), RAN(0, 0) }, STALL_EXITED, "exited: the main thread has ended" },

        /* It wanted to run and could not. */
        { { MAIN('R', SEC(14)), RAN(MSEC(900), MSEC(12100)), .host[STALL_CPU] = PRESSURE(93, 0) },
                STALL_STARVED,
                "starved: host CPU pressure 93 %, waited for a CPU for 12.1s of 14s" },
        { { MAIN('R', SEC(14)), RAN(MSEC(900), MSEC(12100)) }, STALL_STARVED,
                "starved: waited for a CPU for 12.1s of 14s" },
        /* A wait that goes on is in no counter yet. */
        { { MAIN('R', SEC(1)), RAN(0, 0) }, STALL_STARVED,
                "starved: waited for a CPU for 1s of 1s" },
        { { MAIN('R', SEC(10)), RAN(0, 0) }, STALL_WEDGED,
                "wedged: main thread in state R, no CPU for 10s" },
        { { MAIN('R', SEC(10)), RAN(0, 0), .host[STALL_CPU] = PRESSURE(90, 0) }, STALL_STARVED,
                "starved: host CPU pressure 90 %, waited for a CPU for 9s of 10s" },
        { { MAIN('R', SEC(10)), RAN(0, 0), .host[STALL_CPU] = PRESSURE(3, 0) }, STALL_WEDGED,
                "wedged: main thread in state R, no CPU for 10s" },
        /* Slept until half of the interval, starved from there on. */
        { { MAIN('R', SEC(10)), RAN(MSEC(250), MSEC(4750)), .host[STALL_CPU] = PRESSURE(99, 0) },
                STALL_STARVED,
                "starved: host CPU pressure 99 %, waited for a CPU for 4.7s of 10s" },
        /* A busy loop among 20 busy processes, that gets a twentieth. */
        { { MAIN('R', SEC(20)), RAN(SEC(1), SEC(19)), .host[STALL_CPU] = PRESSURE(100, 0) },
                STALL_STARVED,
                "starved: host CPU pressure 100 %, waited for a CPU for 19s of 20s" },
        { { MAIN('S', SEC(14)), RAN(SEC(1), SEC(32)), .host[STALL_CPU] = PRESSURE(97, 0) },
                STALL_STARVED,
                "starved: host CPU pressure 97 %, its threads together waited for a CPU "
                "for 32s in 14s" },
        /* A cpuset or weight holds the unit alone. */
        { { MAIN('R', SEC(14)), RAN(MSEC(700), SEC(13)), .host[STALL_CPU] = PRESSURE(12, 0),
                  .unit[STALL_CPU] = PRESSURE(95, 95) },
                STALL_STARVED, "starved: unit CPU pressure 95 %, waited for a CPU for 13s of 14s" },
        { { MAIN('R', SEC(14)), RAN(MSEC(700), MSEC(10)), .throttled_usec = MSEC(13200),
                  .unit[STALL_CPU] = PRESSURE(94, 94) },
                STALL_STARVED,
                "starved: unit CPU pressure 94 %, throttled by CPUQuota= for 13.2s, "
                "waited for a CPU for 13.2s of 14s" },
        /* The kernel does not tell of run delays. */
        { { MAIN('R', SEC(10)), .has_cpu = true, .cpu_usec = MSEC(300),
                  .host[STALL_CPU] = PRESSURE(90, 0) },
                STALL_STARVED, "starved: host CPU pressure 90 %, waited for a CPU for 9s of 10s" },
        { { MAIN('R', SEC(10)), .has_cpu = true, .cpu_usec = MSEC(300),
                  .host[STALL_CPU] = PRESSURE(20, 0), .unit[STALL_CPU] = PRESSURE(95, 90) },
                STALL_STARVED, "starved: unit CPU pressure 95 %, waited for a CPU for 9s of 10s" },
        /* A shell that waits for the gateway proper. */
        { { MAIN('S', SEC(10)), RAN(0, 0), .wchan = "do_wait", .has_payload_cpu = true,
                  .payload_cpu_usec = MSEC(500), .host[STALL_CPU] = PRESSURE(96, 0),
                  .unit[STALL_CPU] = PRESSURE(95, 95) },
                STALL_STARVED,
                "starved: host CPU pressure 96 %, waited for a CPU for 9.5s of 10s" },
        { { MAIN('D', SEC(14)), RAN(MSEC(200), 0), .wchan = "folio_wait_bit_common",
                  .host[STALL_MEMORY] = PRESSURE(5, 0), .unit[STALL_MEMORY] = PRESSURE(87, 80) },
                STALL_STARVED,
                "starved: unit memory pressure 87 %, main thread in state D, wchan "
                "folio_wait_bit_common, 0.20s of CPU in 14s" },
        { { MAIN('D', SEC(14)), RAN(0, 0), .host[STALL_IO] = PRESSURE(71, 60) }, STALL_STARVED,
                "starved: host I/O pressure 71 %, main thread in state D, no CPU for 14s" },

        { { MAIN('D', SEC(14)), RAN(0, 0), .has_turns = true, .n_turns = 40,
                  .host[STALL_IO] = PRESSURE(71, 60) },
                STALL_STARVED,
                "starved: host I/O pressure 71 %, main thread in state D, no CPU for 14s" },

        /* In the kernel, and not for want of anything. */
        { { MAIN('D', SEC(14)), RAN(0, 0), .has_turns = true, .n_turns = 1,
                  .host[STALL_IO] = PRESSURE(85, 85) },
                STALL_BLOCKED, "blocked: main thread in state D, no CPU for 14s" },
        { { MAIN('D', SEC(31)), RAN(0, 0), .wchan = "rpc_wait_bit_killable" }, STALL_BLOCKED,
                "blocked: main thread in state D, wchan rpc_wait_bit_killable, no CPU for 31s" },
        /* The host's backup is not the unit's. */
        { { MAIN('D', SEC(31)), RAN(0, 0), .host[STALL_IO] = PRESSURE(90, 80),
                  .unit[STALL_IO] = PRESSURE(0, 0) },
                STALL_BLOCKED, "blocked: main thread in state D, no CPU for 31s" },
        { { NOW('D', SEC(5)) }, STALL_BLOCKED, "blocked: main thread in state D, silent for 5s" },

        /* It ran. */
        { { MAIN('R', SEC(14)), RAN(MSEC(13900), MSEC(20)), .host[STALL_CPU] = PRESSURE(4, 0) },
                STALL_SPINNING, "spinning: 13.9s of CPU in 14s, main thread in state R" },
        { { MAIN('R', SEC(14)), RAN(SEC(7), MSEC(6900)), .host[STALL_CPU] = PRESSURE(99, 0) },
                STALL_SPINNING,
                "spinning: 7s of CPU in 14s, waited for one for 6.9s, main thread in state R" },
        /* Without run delays: the pressure is of its own making. */
        { { MAIN('R', SEC(14)), .has_cpu = true, .cpu_usec = SEC(14),
                  .host[STALL_CPU] = PRESSURE(50, 0) },
                STALL_SPINNING,
                "spinning: 14s of CPU in 14s, waited for one for 7s, main thread in state R" },
        /* Another thread holds the interpreter's lock. */
        { { MAIN('S', SEC(14)), RAN(SEC(14), 0), .wchan = "futex_wait_queue" }, STALL_SPINNING,
                "spinning: 14s of CPU in 14s, main thread in state S, wchan futex_wait_queue" },
        /* A quota that helpers have used up does not hold a gateway that sleeps. */
        { { MAIN('S', SEC(14)), RAN(0, 0), .throttled_usec = SEC(13),
                  .wchan = "hrtimer_nanosleep" },
                STALL_WEDGED,
                "wedged: main thread in state S, wchan hrtimer_nanosleep, no CPU for 14s" },
        { { MAIN('S', SEC(14)), RAN(MSEC(4200), MSEC(300)), .wchan = "ep_poll" }, STALL_WORKING,
                "working: 4.2s of CPU in 14s, main thread in state S, wchan ep_poll" },
        { { MAIN('D', SEC(14)), RAN(MSEC(4200), 0) }, STALL_WORKING,
                "working: 4.2s of CPU in 14s, main thread in state D" },
        { { MAIN('S', SEC(14)), RAN(0, 0), .wchan = "do_wait", .has_payload_cpu = true,
                  .payload_cpu_usec = SEC(14) },
                STALL_SPINNING,
                "spinning: all processes together 14s of CPU in 14s, main thread in state S, "
                "wchan do_wait" },

        /* It slept. */
        { { MAIN('S', SEC(31)), RAN(0, 0), .wchan = "futex_wait_queue" }, STALL_WEDGED,
                "wedged: main thread in state S, wchan futex_wait_queue, no CPU for 31s" },
        /* time.sleep() on a busy host: its timers wait a little, itself it waits for nothing. */
        { { MAIN('S', SEC(31)), RAN(MSEC(50), MSEC(900)), .wchan = "hrtimer_nanosleep",
                  .host[STALL_CPU] = PRESSURE(98, 0), .late_usec = MSEC(400) },
                STALL_WEDGED,
                "wedged: main thread in state S, wchan hrtimer_nanosleep, 0.05s of CPU in 31s" },
        { { MAIN('S', SEC(20)), RAN(0, MSEC(10)), .late_usec = SEC(12),
                  .host[STALL_CPU] = PRESSURE(98, 0) },
                STALL_WEDGED, "wedged: main thread in state S, no CPU for 20s" },
        { { MAIN('S', SEC(20)), RAN(0, 0), .wchan = "ep_poll", .has_payload_cpu = true,
                  .payload_cpu_usec = SEC(19) },
                STALL_WEDGED,
                "wedged: main thread in state S, wchan ep_poll, no CPU for 20s, "
                "the gateway's other processes 19s" },
        { { MAIN('S', SEC(125)), RAN(0, 0) }, STALL_WEDGED,
                "wedged: main thread in state S, no CPU for 2min 5s" },
        { { MAIN('R', SEC(14)), RAN(MSEC(50), 0) }, STALL_WEDGED,
                "wedged: main thread in state R, 0.05s of CPU in 14s" },
        /* strace looks on. */
        { { MAIN('S', SEC(14)), RAN(0, 0), .tracer_pid = 99, .tracer_comm = "strace" },
                STALL_WEDGED,
                "wedged: main thread in state S, no CPU for 14s; traced by strace(99)" },
        /* Nothing to compare with, or too little. */
        { { NOW('S', SEC(31)), .wchan = "ep_poll" }, STALL_WEDGED,
                "wedged: main thread in state S, wchan ep_poll, silent for 31s" },
        { { MAIN('S', MSEC(50)), RAN(MSEC(50), 0) }, STALL_WEDGED,
                "wedged: main thread in state S, silent for 0.05s" },
        { { NOW('S', USEC_INFINITY) }, STALL_WEDGED, "wedged: main thread in state S" },

        /* What the facts do not say. */
        { {}, STALL_UNKNOWN, "unknown: the main process could not be read" },
        { { NOW('R', SEC(31)), .has_loadavg = true, .loadavg = 41.2 }, STALL_UNKNOWN,
                "unknown: main thread in state R, silent for 31s, load average 41.20" },
        { { MAIN('R', SEC(14)), .has_cpu = true }, STALL_UNKNOWN,
                "unknown: main thread in state R, no CPU for 14s" },
        { { MAIN('S', SEC(14)), RAN(0, 0), .late_usec = SEC(12) }, STALL_UNKNOWN,
                "unknown: the supervisor was late itself by 12s, main thread in state S, "
                "no CPU for 14s" },
};

static void test_stall_decide_each_row_as_tabled(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                StallVerdict verdict;

                stall_decide(&rows[i].facts, &verdict);

                if (verdict.stall != rows[i].stall || strcmp(verdict.detail, rows[i].detail) != 0)
                        fail_msg("row %zu, \"%s\": %s, \"%s\"", i, rows[i].detail,
                                stall_to_string(verdict.stall), verdict.detail);
        }
}

static void test_stall_decide_every_word_has_a_row(void **state) {
        bool has_row[_STALL_MAX] = {};

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                has_row[rows[i].stall] = true;
        for (Stall stall = 0; stall < _STALL_MAX; stall++)
                if (!has_row[stall])
                        fail_msg("%s", stall_to_string(stall));
}

static void test_stall_decide_every_detail_begins_with_its_word(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const char *word = stall_to_string(rows[i].stall);

                assert_memory_equal(rows[i].detail, word, strlen(word));
        }
}

/* Shares at their thresholds, of a window of 100 s. */
static void test_stall_decide_thresholds_as_tabled(void **state) {
        static const struct {
                unsigned cpu_sec;
                unsigned delay_sec;
                Stall expected;
        } shares[] = {
                { 0, 32, STALL_WEDGED }, /* too little to explain the silence */
                { 0, 33, STALL_STARVED },
                { 9, 33, STALL_STARVED },
                { 11, 33, STALL_STARVED },
                { 12, 33, STALL_WORKING }, /* got more than a quarter of what it wanted */
                { 25, 75, STALL_STARVED },
                { 26, 75, STALL_SPINNING },
                { 9, 0, STALL_WEDGED },
                { 10, 0, STALL_WORKING },
                { 79, 0, STALL_WORKING },
                { 79, 1, STALL_SPINNING },
                { 100, 300, STALL_STARVED }, /* threads */
                { 400, 400, STALL_SPINNING },
        };

        for (size_t i = 0; i < ELEMENTSOF(shares); i++) {
                StallFacts facts = { MAIN('S', SEC(100)),
                        RAN(SEC(shares[i].cpu_sec), SEC(shares[i].delay_sec)) };
                StallVerdict verdict;

                stall_decide(&facts, &verdict);

                if (verdict.stall != shares[i].expected)
                        fail_msg("%u, %u: %s", shares[i].cpu_sec, shares[i].delay_sec,
                                verdict.detail);
        }
}

/* The longest of everything: the text is cut, and not within a character. */
static void test_stall_decide_longest_texts_are_cut_at_a_character(void **state) {
        for (size_t shift = 0; shift < 3; shift++) {
                StallFacts facts = { MAIN('D', USEC_INFINITY - 1), RAN(0, 0),
                        .tracer_pid = INT32_MAX, .has_payload_cpu = true,
                        .payload_cpu_usec = USEC_INFINITY,
                        .unit[STALL_MEMORY] = PRESSURE(100, 100) };
                StallVerdict verdict;

                memset(facts.wchan, 'w', STALL_WCHAN_MAX - 1 - shift);
                for (size_t i = 0; i + 3 < STALL_COMM_MAX; i += 3)
                        memcpy(facts.tracer_comm + i, "\xe2\x82\xac", 3);
                stall_decide(&facts, &verdict);

                assert_int_equal(verdict.stall, STALL_STARVED);
                assert_in_range(strlen(verdict.detail), STALL_DETAIL_MAX - 4, STALL_DETAIL_MAX - 1);
                assert_true(utf8_is_valid(verdict.detail));
        }
}

static void test_stall_names_each_one_has_its_own(void **state) {
        static const char *const words[_STALL_MAX] = { "traced", "frozen", "stopped", "starved",
                "blocked", "spinning", "working", "wedged", "exited", "unknown" };
        static const char *const resources[_STALL_RESOURCE_MAX] = { "cpu", "memory", "io" };

        for (Stall stall = 0; stall < _STALL_MAX; stall++)
                assert_string_equal(stall_to_string(stall), words[stall]);
        for (StallResource resource = 0; resource < _STALL_RESOURCE_MAX; resource++)
                assert_string_equal(stall_resource_to_string(resource), resources[resource]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stall_decide_each_row_as_tabled),
                cmocka_unit_test(test_stall_decide_every_word_has_a_row),
                cmocka_unit_test(test_stall_decide_every_detail_begins_with_its_word),
                cmocka_unit_test(test_stall_decide_thresholds_as_tabled),
                cmocka_unit_test(test_stall_decide_longest_texts_are_cut_at_a_character),
                cmocka_unit_test(test_stall_names_each_one_has_its_own),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
